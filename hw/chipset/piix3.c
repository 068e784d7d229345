/* SPDX-License-Identifier: MIT */
/*
 * PIIX3 function 0, PCI-to-ISA bridge: owns the ISA bus, routes PCI interrupts
 * to ISA lines, resets the machine through port CF9.
 *
 * [PIIX3] Intel 82371SB (PIIX3) data sheet, 290550-002.
 *
 * Not modelled: positive decode by XBCS (always on), MBIRQ/MBDMA routing, the
 * SMI and clock throttling registers (storage; piix4_pm has its own).
 */
#include "hw/chipset/piix3.h"

#include <string.h>

enum {
    REG_PIRQRC = 0x60, /* four of them */
    PIRQRC_OFF = 0x80,
    RC_HARD = 1 << 1,
    RC_RESET = 1 << 2, /* 0 -> 1 resets */
};

/* IRQs that a PIRQ can be routed to, [PIIX3] 2.2.8. */
enum { PIRQ_ROUTABLE = 0xdef8 };

static struct piix3 *piix3_of(struct dev *dev)
{
    return container_of(dev, struct piix3, pci.dev);
}

int piix3_pirq_route(const struct piix3 *s, unsigned pin)
{
    uint8_t rc = s->pci.config[REG_PIRQRC + (pin & 3)];

    return (rc & PIRQRC_OFF) || !(PIRQ_ROUTABLE >> (rc & 15) & 1) ? -1
                                                                  : rc & 15;
}

/* Each ISA line is pulled while a PIRQ that is routed to it is. */
static void piix3_update_irqs(struct piix3 *s)
{
    uint32_t lines = 0;

    for (unsigned pin = 0; pin < 4; pin++) {
        int line = piix3_pirq_route(s, pin);

        if (line >= 0 && (s->pirq_level >> pin & 1)) {
            lines |= UINT32_C(1) << line;
        }
    }
    for (unsigned i = 0; i < 16; i++) {
        bool level = lines >> i & 1;

        if (s->isa_irq[i].level != level) {
            wire_set(&s->isa_irq[i], level);
        }
    }
}

void piix3_set_pirq(void *dev, unsigned pin, bool level)
{
    struct piix3 *s = dev;
    uint32_t bit = UINT32_C(1) << (pin & 3);

    s->pirq_level = level ? s->pirq_level | bit : s->pirq_level & ~bit;
    piix3_update_irqs(s);
}

static void piix3_config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    if (at < REG_PIRQRC + 4 && at + size > REG_PIRQRC) {
        piix3_update_irqs(piix3_of(&d->dev));
    }
}

static uint8_t piix3_cf9_read(void *opaque)
{
    const struct piix3 *s = opaque;

    return s->reset_control;
}

static void piix3_cf9_write(void *opaque, uint8_t value)
{
    struct piix3 *s = opaque;
    bool reset = ~s->reset_control & value & RC_RESET;

    s->reset_control = value & (RC_HARD | RC_RESET);
    if (reset && !(value & RC_HARD) && s->cpu_init.set) {
        wire_pulse(&s->cpu_init);
    } else if (reset) {
        machine_request(s->pci.dev.machine, MACHINE_RESET);
    }
}

/* Non-zero bytes after reset, [PIIX3] 2.2. */
static const struct {
    uint8_t at, value;
} config_defaults[] = {
    {0x4c, 0x4d}, {0x4e, 0x03}, {0x60, 0x80}, {0x61, 0x80}, {0x62, 0x80},
    {0x63, 0x80}, {0x69, 0x02}, {0x70, 0x80}, {0x76, 0x0c}, {0x77, 0x0c},
    {0x78, 0x02}, {0xa0, 0x08}, {0xa8, 0x0f},
};

/* Bits that can be written, [PIIX3] 2.2. */
static const struct {
    uint8_t first, last, mask;
} config_writable[] = {
    {0x4c, 0x4c, 0x7f}, {0x4e, 0x4f, 0xff}, {0x60, 0x63, 0x8f},
    {0x69, 0x69, 0xfe}, {0x6a, 0x6a, 0xd0}, {0x70, 0x70, 0xef},
    {0x76, 0x77, 0x8f}, {0x78, 0x79, 0xff}, {0x80, 0x80, 0x7f},
    {0x82, 0x82, 0x0f}, {0xa0, 0xa0, 0x1f}, {0xa2, 0xa8, 0xff},
    {0xac, 0xae, 0xff},
};

static void piix3_init_config(struct piix3 *s)
{
    uint8_t *c = s->pci.config;

    stl_u16(c + PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEMORY | PCI_CMD_MASTER);
    stl_u16(s->pci.writable + PCI_COMMAND, PCI_CMD_SERR);
    stl_u16(c + PCI_STATUS, 0x0200);
    for (size_t i = 0; i < ARRAY_SIZE(config_defaults); i++) {
        c[config_defaults[i].at] = config_defaults[i].value;
    }
    for (size_t i = 0; i < ARRAY_SIZE(config_writable); i++) {
        memset(s->pci.writable + config_writable[i].first,
               config_writable[i].mask,
               config_writable[i].last - config_writable[i].first + 1u);
    }
    s->pci.config_written = piix3_config_written;
}

static bool piix3_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x8086,
        .device = 0x7000,
        .class_code = 0x060100,
    };
    struct piix3 *s = piix3_of(dev);

    s->pci.multifunction = true;
    if (!pci_realize(&s->pci, &ids, s->pci.addr ? -1 : 8, error)) {
        return false;
    }
    piix3_init_config(s);
    s->isa = isa_bus_of(dev->machine);
    if (!s->isa) {
        s->isa = isa_bus_new(dev->machine, dev);
    }
    for (unsigned i = 0; i < 16; i++) {
        if (!isa_connect_irq(dev->machine, &s->isa_irq[i], i, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        s->pci.pci->irq[i] =
            (struct wire){.set = piix3_set_pirq, .to = s, .pin = i};
    }
    if (s->host) {
        s->host->cf9_read = piix3_cf9_read;
        s->host->cf9_write = piix3_cf9_write;
        s->host->cf9_opaque = s;
    }
    return true;
}

static void piix3_unrealize(struct dev *dev)
{
    struct piix3 *s = piix3_of(dev);

    for (unsigned i = 0; i < 4; i++) {
        s->pci.pci->irq[i].set = NULL;
    }
    if (s->host) {
        s->host->cf9_read = NULL;
        s->host->cf9_write = NULL;
    }
    pci_unrealize(&s->pci);
}

static void piix3_reset(struct dev *dev)
{
    struct piix3 *s = piix3_of(dev);

    pci_reset(&s->pci);
    s->reset_control = 0;
}

/* The levels of the PIRQs are the devices'; they drive them when they settle. */
static void piix3_settle(struct dev *dev)
{
    struct piix3 *s = piix3_of(dev);

    pci_settle(&s->pci);
    piix3_update_irqs(s);
}

static const struct field piix3_props[] = {
    PCI_PROPS(struct piix3, pci),
    FIELD_END,
};

static const struct field piix3_state[] = {
    PCI_STATE(struct piix3, pci),
    FIELD(struct piix3, reset_control),
    FIELD_END,
};

const struct dev_type piix3_type = {
    .name = "PIIX3",
    .desc = "82371SB PCI-to-ISA bridge",
    .bus = "PCI",
    .size = sizeof(struct piix3),
    .version = 1,
    .hidden = true,
    .props = piix3_props,
    .state = piix3_state,
    .realize = piix3_realize,
    .unrealize = piix3_unrealize,
    .reset = piix3_reset,
    .settle = piix3_settle,
};
