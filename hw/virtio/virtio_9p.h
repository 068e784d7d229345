/* SPDX-License-Identifier: MIT */
/* virtio-9p-pci: a folder of the host. */
#ifndef HW_VIRTIO_VIRTIO_9P_H
#define HW_VIRTIO_VIRTIO_9P_H

#include "hw/virtio/virtio_pci.h"

extern const struct dev_type virtio_9p_types[VIRTIO_PCI_VARIANTS];

#endif
