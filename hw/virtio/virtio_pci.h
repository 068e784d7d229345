/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI: modern, [VIRTIO] 4.1, and what was before it (legacy, 4.1.5
 * and the notes on it), both at once (transitional) or one alone.
 */
#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H

#include "hw/pci/msix.h"
#include "hw/virtio/virtio.h"

struct virtio_pci {
    struct pci_dev pci;
    struct virtio v;
    struct msix msix;
    struct region legacy, modern;
    /* properties */
    char *disable_legacy; /* "on", "off", "auto" */
    bool disable_modern;
    bool packed;
    uint32_t vectors;
    bool has_legacy;
    /* saved state */
    uint8_t isr;
    uint16_t config_vector;
    uint32_t device_select, driver_select; /* words of features */
    uint16_t queue_select;
    uint32_t queue_pfn[VIRTIO_QUEUES]; /* legacy */
    uint32_t cfg_cap;                  /* offset of the window capability */
};

/* clang-format off */
#define VIRTIO_PCI_PROPS(type, m, vecs) \
    PCI_PROPS(type, m.pci), \
    PROP_STR(type, m.disable_legacy, "disable-legacy", "off"), \
    PROP_AS(type, m.disable_modern, "disable-modern", false), \
    PROP_AS(type, m.packed, "packed", false), \
    PROP_AS(type, m.vectors, "vectors", vecs)
#define VIRTIO_PCI_STATE(type, m) \
    PCI_STATE(type, m.pci), \
    MSIX_STATE(type, m.msix), \
    VIRTIO_STATE(type, m.v), \
    FIELD(type, m.isr), FIELD(type, m.config_vector), \
    FIELD(type, m.device_select), FIELD(type, m.driver_select), \
    FIELD(type, m.queue_select), FIELD_ARRAY(type, m.queue_pfn)
/* clang-format on */

/* In realize, after virtio_init() and virtio_add_queue(). `class_code` as in
 * struct pci_ids. */
bool virtio_pci_realize(struct virtio_pci *p, uint32_t class_code,
                        GError **error);
void virtio_pci_unrealize(struct virtio_pci *p);
void virtio_pci_reset(struct virtio_pci *p);
void virtio_pci_settle(struct virtio_pci *p);

#endif
