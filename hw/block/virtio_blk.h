/* SPDX-License-Identifier: MIT */
/* virtio-blk-pci: a disk without a controller's past. */
#ifndef HW_BLOCK_VIRTIO_BLK_H
#define HW_BLOCK_VIRTIO_BLK_H

#include "block/drive.h"
#include "hw/virtio/virtio_pci.h"

extern const struct dev_type virtio_blk_types[VIRTIO_PCI_VARIANTS];

/* Plugs a drive in, as -drive if=virtio does. */
bool virtio_blk_plug_drive(struct machine *m, struct drive *drive,
                           GError **error);

#endif
