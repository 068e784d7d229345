/* SPDX-License-Identifier: MIT */
#ifndef HW_SCSI_VIRTIO_SCSI_H
#define HW_SCSI_VIRTIO_SCSI_H

#include "hw/virtio/virtio_pci.h"

extern const struct dev_type virtio_scsi_types[VIRTIO_PCI_VARIANTS];

#endif
