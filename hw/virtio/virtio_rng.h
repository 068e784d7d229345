/* SPDX-License-Identifier: MIT */
/* virtio-rng-pci: the host's random numbers. */
#ifndef HW_VIRTIO_VIRTIO_RNG_H
#define HW_VIRTIO_VIRTIO_RNG_H

#include "hw/virtio/virtio_pci.h"

extern const struct dev_type virtio_rng_types[VIRTIO_PCI_VARIANTS];

#endif
