/* SPDX-License-Identifier: MIT */
/*
 * virtio over PCI: what a guest's driver sees of a virtio device. [VIRTIO]
 * 4.1, and its legacy interface.
 *
 * A device's struct begins with struct virtio_pci and holds its struct virtio
 * behind it; its `init` calls virtio_pci_init(). Machine lock held.
 */
#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H

#include "hw/core/reg.h"
#include "hw/pci/msi.h"
#include "hw/virtio/virtio.h"

struct virtio_pci {
    struct pci_dev pci;
    struct virtio *v;
    struct msix msix;
    /* The last part of realize, set by the device's init; may be NULL. */
    bool (*realized)(struct virtio_pci *p, GError **error);
    /* As in struct dev_type; may be NULL. */
    char *(*get_value)(struct virtio_pci *p, const char *name);
    bool (*set_value)(struct virtio_pci *p, const char *name, const char *value,
                      GError **error);

    /* properties */
    char *disable_legacy; /* "on", "off", "auto" */
    bool disable_modern, page_per_vq;
    bool event_idx, indirect_desc, packed, iommu_platform, queue_reset;
    bool ignored;    /* what makes no difference here: ioeventfd and the like */
    int32_t vectors; /* -1: as the device likes */

    bool legacy, modern;
    uint8_t cfg_at; /* the capability that reaches into a BAR */
    struct region legacy_bar, legacy_config;
    struct reg_window legacy_header;
    struct region modern_bar, isr_region, config_region, notify_region;
    struct reg_window common;

    /* registers, saved */
    uint32_t device_feature_select, driver_feature_select;
    uint16_t config_vector, queue_select;
    uint8_t isr;
    uint16_t vector[VIRTIO_QUEUES];
};

/* clang-format off */
#define VIRTIO_PCI_PROPS(type, m, packed_default) \
    PCI_PROPS(type, m.pci), \
    PROP_STR(type, m.disable_legacy, "disable-legacy", "auto"), \
    PROP_AS(type, m.disable_modern, "disable-modern", false), \
    PROP_AS(type, m.vectors, "vectors", -1), \
    PROP_AS(type, m.event_idx, "event_idx", true), \
    PROP_AS(type, m.indirect_desc, "indirect_desc", true), \
    PROP_AS(type, m.packed, "packed", packed_default), \
    PROP_AS(type, m.iommu_platform, "iommu_platform", false), \
    PROP_AS(type, m.queue_reset, "queue_reset", true), \
    PROP_AS(type, m.page_per_vq, "page-per-vq", false), \
    PROP_AS(type, m.ignored, "ioeventfd", true), \
    PROP_AS(type, m.ignored, "any_layout", true), \
    PROP_AS(type, m.ignored, "notify_on_empty", true), \
    PROP_AS(type, m.ignored, "ats", false), \
    PROP_AS(type, m.ignored, "modern-pio-notify", false), \
    PROP_AS(type, m.ignored, "migrate-extra", true), \
    PROP_AS(type, m.ignored, "x-disable-pcie", false)

#define VIRTIO_PCI_STATE(type, m) \
    PCI_STATE(type, m.pci), \
    MSIX_STATE(type, m.msix), \
    FIELD_AS(type, m.isr, "isr"), \
    FIELD_AS_ARRAY(type, m.vector, "vector")

/* Three types: NAME-pci (alias NAME), NAME-pci-transitional and
 * NAME-pci-non-transitional. */
#define VIRTIO_PCI_ROW(nm, alias_name, text, type, prop_table, state_table, \
                       init_fn) \
    {.name = nm, .alias = alias_name, .desc = text, .bus = "PCI", \
     .size = sizeof(type), .version = 1, .props = prop_table, \
     .state = state_table, .banks = virtio_pci_banks, .init = init_fn, \
     .realize = virtio_pci_realize, .unrealize = virtio_pci_unrealize, \
     .reset = virtio_pci_reset, .settle = virtio_pci_settle, \
     .check = virtio_pci_check, .get_value = virtio_pci_get_value, \
     .set_value = virtio_pci_set_value}
#define VIRTIO_PCI_TYPES(nm, text, type, prop_table, state_table, init_fn) \
    { \
        VIRTIO_PCI_ROW(nm "-pci", nm, text, type, prop_table, state_table, \
                       init_fn), \
        VIRTIO_PCI_ROW(nm "-pci-transitional", NULL, text, type, prop_table, \
                       state_table, init_fn), \
        VIRTIO_PCI_ROW(nm "-pci-non-transitional", NULL, text, type, \
                       prop_table, state_table, init_fn), \
    }
/* clang-format on */

enum { VIRTIO_PCI_VARIANTS = 3 };

extern const struct reg_bank *const virtio_pci_banks[];

void virtio_pci_init(struct virtio_pci *p, struct virtio *v,
                     const struct virtio_type *type);
bool virtio_pci_realize(struct dev *dev, GError **error);
void virtio_pci_unrealize(struct dev *dev);
void virtio_pci_reset(struct dev *dev);
void virtio_pci_settle(struct dev *dev);
bool virtio_pci_check(struct dev *dev, GError **error);
char *virtio_pci_get_value(struct dev *dev, const char *name);
bool virtio_pci_set_value(struct dev *dev, const char *name, const char *value,
                          GError **error);

#endif
