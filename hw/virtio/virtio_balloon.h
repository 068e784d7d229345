/* SPDX-License-Identifier: MIT */
/* virtio-balloon-pci: memory that the guest lends back to the host. */
#ifndef HW_VIRTIO_VIRTIO_BALLOON_H
#define HW_VIRTIO_VIRTIO_BALLOON_H

#include "hw/virtio/virtio_pci.h"

extern const struct dev_type virtio_balloon_types[VIRTIO_PCI_VARIANTS];

/* The machine's balloon; NULL: it has none. */
struct virtio *virtio_balloon_find(struct machine *m);
/* Bytes of memory that the guest has now. */
uint64_t virtio_balloon_actual(const struct virtio *balloon);
/* Asks the guest to get by with so many bytes. */
void virtio_balloon_ask(struct virtio *balloon, uint64_t bytes);

#endif
