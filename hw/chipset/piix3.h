/* SPDX-License-Identifier: MIT */
#ifndef HW_CHIPSET_PIIX3_H
#define HW_CHIPSET_PIIX3_H

#include "hw/isa/isa.h"
#include "hw/pci/host.h"

struct piix3 {
    struct pci_dev pci;
    struct pci_host *host; /* from the board: whose CF9 it serves */
    /*
     * Out, a pulse: reset the CPUs only (a soft reset through CF9). Not
     * connected: the machine is reset.
     */
    struct wire cpu_init;

    struct isa_bus *isa;
    struct wire isa_irq[16]; /* this bridge's share of the ISA lines */
    uint32_t pirq_level;     /* bit n: PIRQA# + n is asserted */
    uint8_t reset_control;
};

extern const struct dev_type piix3_type;

/* PCI interrupt inputs PIRQA#..PIRQD#: for pci_bus.irq[]. */
void piix3_set_pirq(void *dev, unsigned pin, bool level);
/* The ISA line that a PIRQ is routed to, or -1. */
int piix3_pirq_route(const struct piix3 *s, unsigned pin);

#endif
