/* SPDX-License-Identifier: MIT */
/*
 * NE2000 on PCI: Realtek RTL8029AS (10ec:8029). BAR 0: the 32 ports.
 *
 * [RTL8029] RTL8029AS PCI full-duplex Ethernet controller, rev. 1.01, 1997.
 * Not modelled: its configuration registers in page 3, its EEPROM.
 */
#include "hw/net/ne2000.h"
#include "hw/pci/rom.h"

struct ne2k_pci {
    struct pci_dev pci;
    struct ne2000 card;
    struct pci_rom rom;
};

static struct ne2k_pci *ne2k_pci_of(struct dev *dev)
{
    return container_of(dev, struct ne2k_pci, pci.dev);
}

static void set_irq(void *to, unsigned pin, bool level)
{
    pci_set_intx(to, level);
}

static bool ne2k_pci_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {.vendor = 0x10ec,
                                       .device = 0x8029,
                                       .class_code = 0x020000,
                                       .int_pin = 1};
    struct ne2k_pci *s = ne2k_pci_of(dev);

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    s->card.chip.irq = (struct wire){.set = set_irq, .to = &s->pci};
    s->card.chip.id[0] = 'P';
    s->card.chip.id[1] = 'C';
    if (!pci_rom_load(&s->pci, &s->rom, s->card.nic.romfile, "efi-ne2k_pci.rom",
                      error) ||
        !ne2000_realize(&s->card, dev, error)) {
        nic_unrealize(&s->card.nic);
        pci_unrealize(&s->pci);
        return false;
    }
    pci_set_bar(&s->pci, 0, PCI_BAR_IO, &s->card.ports);
    return true;
}

static void ne2k_pci_unrealize(struct dev *dev)
{
    struct ne2k_pci *s = ne2k_pci_of(dev);

    ne2000_unrealize(&s->card);
    pci_unrealize(&s->pci);
}

static void ne2k_pci_reset(struct dev *dev)
{
    struct ne2k_pci *s = ne2k_pci_of(dev);

    pci_reset(&s->pci);
    ne2000_reset(&s->card);
}

static void ne2k_pci_settle(struct dev *dev)
{
    struct ne2k_pci *s = ne2k_pci_of(dev);

    pci_settle(&s->pci);
    dp8390_settle(&s->card.chip);
}

static const struct field ne2k_pci_props[] = {
    PCI_PROPS(struct ne2k_pci, pci),
    NIC_PROPS(struct ne2k_pci, card.nic),
    FIELD_END,
};

static const struct field ne2k_pci_state[] = {
    PCI_STATE(struct ne2k_pci, pci),
    NE2000_STATE(struct ne2k_pci, card),
    FIELD_END,
};

const struct dev_type ne2k_pci_type = {
    .name = "ne2k_pci",
    .desc = "NE2000 on PCI, Realtek RTL8029",
    .bus = "PCI",
    .size = sizeof(struct ne2k_pci),
    .version = 1,
    .props = ne2k_pci_props,
    .state = ne2k_pci_state,
    .realize = ne2k_pci_realize,
    .unrealize = ne2k_pci_unrealize,
    .reset = ne2k_pci_reset,
    .settle = ne2k_pci_settle,
};
