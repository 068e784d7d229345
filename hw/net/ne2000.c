/* SPDX-License-Identifier: MIT */
/* NE2000: the chip on ISA (jumpers: iobase=, irq=) and on PCI as RTL8029. */
#include "hw/net/ne2000.h"

#include "hw/isa/isa.h"
#include "hw/net/dp8390.h"

struct ne2k_isa {
    struct dev dev;
    struct nic nic;
    struct dp8390 chip;
    struct region ports;
    uint32_t iobase, irq;
};

struct ne2k_pci {
    struct pci_dev pci;
    struct nic nic;
    struct dp8390 chip;
    struct region ports;
};

/* ---- ISA ---- */

static struct ne2k_isa *isa_of(struct dev *dev)
{
    return container_of(dev, struct ne2k_isa, dev);
}

static bool isa_realize(struct dev *dev, GError **error)
{
    struct ne2k_isa *s = isa_of(dev);

    s->chip.nic = &s->nic;
    region_init_io(&s->ports, "ne2k", DP8390_PORTS, &dp8390_ops, &s->chip);
    return nic_realize(dev, &s->nic, &dp8390_port_ops, &s->chip, error) &&
           isa_connect_irq(dev->machine, &s->chip.irq, s->irq, error) &&
           isa_map(dev->machine, &s->ports, s->iobase, error);
}

static void isa_unrealize(struct dev *dev)
{
    struct ne2k_isa *s = isa_of(dev);

    wire_set(&s->chip.irq, false);
    nic_unrealize(&s->nic);
    region_remove(&s->ports);
}

static void isa_reset(struct dev *dev)
{
    dp8390_reset(&isa_of(dev)->chip);
}

static void isa_settle(struct dev *dev)
{
    dp8390_settle(&isa_of(dev)->chip);
}

static const struct field isa_props[] = {
    NIC_PROPS(struct ne2k_isa, nic),
    PROP(struct ne2k_isa, iobase, 0x300),
    PROP(struct ne2k_isa, irq, 9),
    FIELD_END,
};

static const struct field isa_state[] = {
    DP8390_STATE(struct ne2k_isa, chip),
    FIELD_END,
};

const struct dev_type ne2k_isa_type = {
    .name = "ne2k_isa",
    .desc = "NE2000 on ISA",
    .bus = "ISA",
    .size = sizeof(struct ne2k_isa),
    .version = 1,
    .props = isa_props,
    .state = isa_state,
    .realize = isa_realize,
    .unrealize = isa_unrealize,
    .reset = isa_reset,
    .settle = isa_settle,
};

/* ---- PCI ---- */

static struct ne2k_pci *pci_of(struct dev *dev)
{
    return container_of(dev, struct ne2k_pci, pci.dev);
}

static void set_intx(void *to, unsigned pin, bool level)
{
    pci_set_intx(to, level);
}

static void ne_pci_unrealize(struct dev *dev)
{
    struct ne2k_pci *s = pci_of(dev);

    nic_unrealize(&s->nic);
    pci_unrealize(&s->pci);
}

static bool ne_pci_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x10ec,
        .device = 0x8029,
        .class_code = 0x020000,
        .int_pin = 1,
    };
    struct ne2k_pci *s = pci_of(dev);

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    s->chip.nic = &s->nic;
    s->chip.irq = (struct wire){.set = set_intx, .to = &s->pci};
    region_init_io(&s->ports, "ne2k", DP8390_PORTS, &dp8390_ops, &s->chip);
    pci_set_bar(&s->pci, 0, PCI_BAR_IO, &s->ports);
    if (!nic_realize(dev, &s->nic, &dp8390_port_ops, &s->chip, error) ||
        !pci_rom_load(&s->pci, &s->nic.rom, s->nic.romfile, error)) {
        ne_pci_unrealize(dev);
        return false;
    }
    return true;
}

static void ne_pci_reset(struct dev *dev)
{
    pci_reset(&pci_of(dev)->pci);
    dp8390_reset(&pci_of(dev)->chip);
}

static void ne_pci_settle(struct dev *dev)
{
    pci_settle(&pci_of(dev)->pci);
    dp8390_settle(&pci_of(dev)->chip);
}

static const struct field ne_pci_props[] = {
    PCI_PROPS(struct ne2k_pci, pci),
    NIC_PROPS(struct ne2k_pci, nic),
    FIELD_END,
};

static const struct field ne_pci_state[] = {
    PCI_STATE(struct ne2k_pci, pci),
    DP8390_STATE(struct ne2k_pci, chip),
    FIELD_END,
};

const struct dev_type ne2k_pci_type = {
    .name = "ne2k_pci",
    .desc = "NE2000 on PCI (RTL8029)",
    .bus = "PCI",
    .size = sizeof(struct ne2k_pci),
    .version = 1,
    .props = ne_pci_props,
    .state = ne_pci_state,
    .realize = ne_pci_realize,
    .unrealize = ne_pci_unrealize,
    .reset = ne_pci_reset,
    .settle = ne_pci_settle,
};
