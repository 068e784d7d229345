/* SPDX-License-Identifier: MIT */
#ifndef HW_NET_VIRTIO_NET_H
#define HW_NET_VIRTIO_NET_H

#include "hw/core/dev.h"

extern const struct dev_type virtio_net_pci_type;

#endif
