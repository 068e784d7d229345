/* SPDX-License-Identifier: MIT */
/* NE2000 on the ISA bus: 32 ports at `iobase`, interrupt line `irq`. */
#include "hw/isa/isa.h"
#include "hw/net/ne2000.h"

struct ne2k_isa {
    struct dev dev;
    struct ne2000 card;
    uint32_t iobase, irq;
};

static struct ne2k_isa *ne2k_isa_of(struct dev *dev)
{
    return container_of(dev, struct ne2k_isa, dev);
}

static bool ne2k_isa_realize(struct dev *dev, GError **error)
{
    struct ne2k_isa *s = ne2k_isa_of(dev);

    if (!isa_connect_irq(dev->machine, &s->card.chip.irq, s->irq, error) ||
        !ne2000_realize(&s->card, dev, error)) {
        return false;
    }
    if (!isa_map(dev->machine, &s->card.ports, s->iobase, error)) {
        ne2000_unrealize(&s->card);
        return false;
    }
    return true;
}

static void ne2k_isa_unrealize(struct dev *dev)
{
    struct ne2k_isa *s = ne2k_isa_of(dev);

    wire_set(&s->card.chip.irq, false);
    region_remove(&s->card.ports);
    ne2000_unrealize(&s->card);
}

static void ne2k_isa_reset(struct dev *dev)
{
    ne2000_reset(&ne2k_isa_of(dev)->card);
}

static void ne2k_isa_settle(struct dev *dev)
{
    dp8390_settle(&ne2k_isa_of(dev)->card.chip);
}

static const struct field ne2k_isa_props[] = {
    NIC_PROPS(struct ne2k_isa, card.nic),
    PROP(struct ne2k_isa, iobase, 0x300),
    PROP(struct ne2k_isa, irq, 9),
    FIELD_END,
};

static const struct field ne2k_isa_state[] = {
    NE2000_STATE(struct ne2k_isa, card),
    FIELD_END,
};

const struct dev_type ne2k_isa_type = {
    .name = "ne2k_isa",
    .desc = "NE2000",
    .bus = "ISA",
    .size = sizeof(struct ne2k_isa),
    .version = 1,
    .props = ne2k_isa_props,
    .state = ne2k_isa_state,
    .realize = ne2k_isa_realize,
    .unrealize = ne2k_isa_unrealize,
    .reset = ne2k_isa_reset,
    .settle = ne2k_isa_settle,
};
