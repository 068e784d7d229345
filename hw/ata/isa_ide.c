/* SPDX-License-Identifier: MIT */
/*
 * An ATA channel on the ISA bus: no DMA. [ATA6]
 */
#include "hw/ata/isa_ide.h"

#include "hw/ata/ata.h"
#include "hw/ata/ide_ports.h"
#include "hw/isa/isa.h"

struct isa_ide {
    struct dev dev;
    uint32_t iobase, iobase2, irq_number;
    struct ata_channel channel;
    struct ide_ports ports;
};

static struct isa_ide *isa_ide_of(struct dev *dev)
{
    return container_of(dev, struct isa_ide, dev);
}

static bool isa_ide_realize(struct dev *dev, GError **error)
{
    struct isa_ide *s = isa_ide_of(dev);
    struct machine *m = dev->machine;

    ata_channel_init(&s->channel, m, s->iobase == 0x170 ? "ide.1" : "ide.0",
                     dev);
    ide_ports_init(&s->ports, &s->channel);
    return isa_map(m, &s->ports.command, s->iobase, error) &&
           isa_map(m, &s->ports.control, s->iobase2, error) &&
           isa_connect_irq(m, &s->channel.irq, s->irq_number, error);
}

static void isa_ide_unrealize(struct dev *dev)
{
    struct isa_ide *s = isa_ide_of(dev);

    region_remove(&s->ports.command);
    region_remove(&s->ports.control);
    ata_channel_clear(&s->channel);
}

static void isa_ide_reset(struct dev *dev)
{
    ata_channel_reset(&isa_ide_of(dev)->channel);
}

static void isa_ide_settle(struct dev *dev)
{
    ata_channel_settle(&isa_ide_of(dev)->channel);
}

static bool isa_ide_check(struct dev *dev, GError **error)
{
    return ata_channel_check(&isa_ide_of(dev)->channel, error);
}

static const struct field isa_ide_props[] = {
    PROP(struct isa_ide, iobase, 0x1f0),
    PROP(struct isa_ide, iobase2, 0x3f6),
    PROP_AS(struct isa_ide, irq_number, "irq", 14),
    FIELD_END,
};

/* clang-format off */
static const struct field isa_ide_state[] = {
    ATA_CHANNEL_STATE(struct isa_ide, channel, ""),
    FIELD_END,
};
/* clang-format on */

const struct dev_type isa_ide_type = {
    .name = "isa-ide",
    .desc = "IDE channel on the ISA bus",
    .bus = "ISA",
    .size = sizeof(struct isa_ide),
    .props = isa_ide_props,
    .state = isa_ide_state,
    .realize = isa_ide_realize,
    .unrealize = isa_ide_unrealize,
    .reset = isa_ide_reset,
    .settle = isa_ide_settle,
    .check = isa_ide_check,
};
