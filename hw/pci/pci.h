/* SPDX-License-Identifier: MIT */
/*
 * Conventional PCI: configuration space, base address registers, interrupt
 * pins, bus mastering. [PCI] PCI Local Bus Specification 3.0.
 *
 * A PCI device embeds struct pci_dev first and calls pci_realize() in its
 * realize before it fills in the rest of its configuration. Machine lock held
 * in all calls.
 */
#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H

#include "hw/core/machine.h"

enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_PROG_IF = 0x09,
    PCI_CLASS = 0x0a, /* 16 bits: subclass, class */
    PCI_CACHE_LINE = 0x0c,
    PCI_LATENCY = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYS_VENDOR = 0x2c,
    PCI_SUBSYS_ID = 0x2e,
    PCI_ROM_BAR = 0x30,
    PCI_CAP_PTR = 0x34,
    PCI_INT_LINE = 0x3c,
    PCI_INT_PIN = 0x3d,
};

enum { /* command register */
       PCI_CMD_IO = 1 << 0,
       PCI_CMD_MEMORY = 1 << 1,
       PCI_CMD_MASTER = 1 << 2,
       PCI_CMD_SERR = 1 << 8,
       PCI_CMD_INTX_OFF = 1 << 10,
};

enum { PCI_BARS = 6, PCI_ROM_SLOT = 6, PCI_SLOTS = 7, PCI_CONFIG = 256 };

enum pci_bar_kind {
    PCI_BAR_NONE,
    PCI_BAR_IO,
    PCI_BAR_MEM32,
    PCI_BAR_MEM32_PREFETCH,
    PCI_BAR_MEM64_PREFETCH, /* takes two slots */
    PCI_BAR_ROM,
};

struct pci_bar {
    enum pci_bar_kind kind;
    struct region *region; /* its size (a power of two) is the BAR's */
};

struct pci_bus;

struct pci_dev {
    struct dev dev;
    struct pci_bus *pci;
    char *addr; /* property "addr": "1d.7", NULL = the first free slot */
    bool multifunction; /* property */
    uint8_t devfn;
    uint8_t config[PCI_CONFIG];       /* saved state */
    uint8_t reset_config[PCI_CONFIG]; /* as the device's realize left it */
    uint8_t writable[PCI_CONFIG];     /* bits that the guest can change */
    uint8_t w1c[PCI_CONFIG];          /* bits that writing 1 clears */
    struct pci_bar bar[PCI_SLOTS];
    uint8_t cap_size[PCI_CONFIG / 4]; /* of the capability that starts there */
    bool realized;                    /* reset_config is taken */
    bool intx;                        /* level asked for */
    bool intx_driven;                 /* its share of the bus's line */
    /* Hooks of the device; may be NULL. */
    uint32_t (*config_read)(struct pci_dev *d, unsigned at, unsigned size,
                            uint32_t stored);
    void (*config_written)(struct pci_dev *d, unsigned at, unsigned size);
};

/* Properties and state that every PCI device puts into its tables. */
/* clang-format off */
#define PCI_PROPS(type, m) \
    PROP_STR(type, m.addr, "addr", NULL), \
    PROP_AS(type, m.multifunction, "multifunction", false)
#define PCI_STATE(type, m) \
    {.name = "pci_config", .at = offsetof(type, m.config), \
     .count = PCI_CONFIG, .kind = K_U8}
/* clang-format on */

struct pci_bus {
    struct bus *bus;
    struct pci_dev *dev[256]; /* by devfn */
    /* INTx of the bus's own pins, after the swizzle by slot: 0..3. */
    struct wire irq[4];
    uint32_t irq_count[4]; /* devices that pull it */
    /* INTA# of slot n is pin (n + swizzle) & 3; the i440FX's is -1. */
    uint8_t swizzle;
    struct region *memory; /* where BARs are mapped */
    struct region *ports;
};

/* What realize fills in before pci_realize(). */
struct pci_ids {
    uint16_t vendor, device;
    uint8_t revision;
    uint32_t class_code;            /* 24 bits: class, subclass, prog-if */
    uint16_t subsys_vendor, subsys; /* 0: 1af4:1100 as under QEMU */
    uint8_t int_pin;                /* 0 none, 1 = INTA# */
};

/* Finds the bus and a slot (devfn < 0: by `addr` or the first free one), sets
 * up the configuration header. Call it first. */
bool pci_realize(struct pci_dev *d, const struct pci_ids *ids, int devfn,
                 GError **error);
void pci_unrealize(struct pci_dev *d);
/* Declares BAR `slot`; the region is mapped as the guest says. */
void pci_set_bar(struct pci_dev *d, unsigned slot, enum pci_bar_kind kind,
                 struct region *region);
/* Appends a capability; its offset. The caller fills the body and masks. */
unsigned pci_add_capability(struct pci_dev *d, uint8_t id, unsigned size);
/* In the device's reset and settle. */
void pci_reset(struct pci_dev *d);
void pci_settle(struct pci_dev *d); /* maps BARs, drives INTx again */

void pci_set_intx(struct pci_dev *d, bool level);

/* DMA by the device: fails (reads ones) where bus mastering is off. */
bool pci_dma_read(struct pci_dev *d, uint64_t addr, void *buf, uint64_t len);
bool pci_dma_write(struct pci_dev *d, uint64_t addr, const void *buf,
                   uint64_t len);
static inline bool pci_is_master(const struct pci_dev *d)
{
    return d->config[PCI_COMMAND] & PCI_CMD_MASTER;
}

/* Configuration accesses of 1, 2 or 4 bytes, naturally aligned. */
uint32_t pci_config_read(struct pci_dev *d, unsigned at, unsigned size);
void pci_config_write(struct pci_dev *d, unsigned at, unsigned size,
                      uint32_t value);

/* A root bus named e.g. "pci.0". */
struct pci_bus *pci_bus_new(struct machine *m, const char *name,
                            struct dev *parent, struct region *memory,
                            struct region *ports);
/* All devices as text: `info pci`. */
void pci_print(struct machine *m, GString *out);

#endif
