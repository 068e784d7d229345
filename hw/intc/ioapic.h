/* SPDX-License-Identifier: MIT */
#ifndef HW_INTC_IOAPIC_H
#define HW_INTC_IOAPIC_H

#include "hw/intc/apic.h"

enum { IOAPIC_PINS = 24 };

struct ioapic {
    struct dev dev;
    struct apic_bus *bus; /* from the board, before realize */
    uint64_t base;        /* property: where it is mapped */
    uint8_t version;      /* property: 0x11, or 0x20 with an EOI register */
    struct region mmio;
    uint8_t id, index;
    uint32_t lines; /* levels of the pins; saved: a load makes no edges */
    uint64_t entry[IOAPIC_PINS];
};

extern const struct dev_type ioapic_type;

/* Interrupt inputs 0..23. */
void ioapic_set_irq(void *dev, unsigned pin, bool level);
/* `info pic` */
void ioapic_print(const struct ioapic *s, GString *out);

#endif
