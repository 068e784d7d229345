/* SPDX-License-Identifier: MIT */
#ifndef HW_BLOCK_VIRTIO_BLK_H
#define HW_BLOCK_VIRTIO_BLK_H

#include "hw/core/dev.h"

extern const struct dev_type virtio_blk_pci_type;

#endif
