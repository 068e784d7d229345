/* SPDX-License-Identifier: MIT */
/* A 16550A at one of the four places where a PC has its serial ports. */
#include "hw/char/isa_serial.h"

#include "hw/isa/isa.h"

enum { PORTS = 4 };

static const struct {
    uint16_t iobase;
    uint8_t irq;
} places[PORTS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static struct isa_serial *serial_of(struct dev *dev)
{
    return container_of(dev, struct isa_serial, dev);
}

static uint64_t serial_read(void *opaque, uint64_t at, unsigned size)
{
    struct isa_serial *s = opaque;

    return ns16550_read(&s->uart, (unsigned)at);
}

static void serial_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct isa_serial *s = opaque;

    ns16550_write(&s->uart, (unsigned)at, (uint8_t)value);
}

static const struct region_ops serial_ops = {
    .read = serial_read,
    .write = serial_write,
    .max = 1,
};

/* Without an index: the first place that no other port has. */
static uint32_t serial_free_index(struct machine *m)
{
    uint32_t used = 0;

    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];

        if (dev->type == &isa_serial_type) {
            used |= UINT32_C(1) << (serial_of(dev)->index & 31);
        }
    }
    return (uint32_t)__builtin_ctz(~used);
}

static bool serial_realize(struct dev *dev, GError **error)
{
    struct isa_serial *s = serial_of(dev);
    struct machine *m = dev->machine;
    struct chardev *chr = NULL;

    if (s->index == UINT32_MAX) {
        s->index = serial_free_index(m);
    }
    if (s->index >= PORTS) {
        return fail(error, "%s: there are at most %d serial ports",
                    dev_name(dev), PORTS);
    }
    if (s->iobase == UINT32_MAX) {
        s->iobase = places[s->index].iobase;
    }
    if (s->irq == UINT32_MAX) {
        s->irq = places[s->index].irq;
    }
    if (s->chardev) {
        chr = machine_backend(m, BACKEND_CHARDEV, s->chardev);
        if (!chr) {
            return fail(error, "%s: there is no chardev '%s'", dev_name(dev),
                        s->chardev);
        }
    }
    ns16550_init(&s->uart, &m->clock);
    s->uart.paced = s->paced;
    region_init_io(&s->ports, "serial", 8, &serial_ops, s);
    return isa_connect_irq(m, &s->uart.irq, s->irq, error) &&
           ns16550_attach(&s->uart, chr, error) &&
           isa_map(m, &s->ports, s->iobase, error);
}

static void serial_unrealize(struct dev *dev)
{
    struct isa_serial *s = serial_of(dev);

    wire_set(&s->uart.irq, false);
    ns16550_clear(&s->uart);
    region_remove(&s->ports);
}

static void serial_reset(struct dev *dev)
{
    ns16550_reset(&serial_of(dev)->uart);
}

static void serial_settle(struct dev *dev)
{
    ns16550_settle(&serial_of(dev)->uart);
}

static bool serial_check(struct dev *dev, GError **error)
{
    if (!ns16550_valid(&serial_of(dev)->uart)) {
        return fail(error, "%s: impossible FIFO", dev_name(dev));
    }
    return true;
}

static const struct field serial_props[] = {
    PROP(struct isa_serial, index, UINT32_MAX),
    PROP(struct isa_serial, iobase, UINT32_MAX),
    PROP(struct isa_serial, irq, UINT32_MAX),
    PROP(struct isa_serial, paced, false),
    PROP_STR(struct isa_serial, chardev, "chardev", NULL),
    FIELD_END,
};

static const struct field serial_state[] = {
    NS16550_STATE(struct isa_serial, uart),
    FIELD_END,
};

const struct dev_type isa_serial_type = {
    .name = "isa-serial",
    .desc = "serial port (16550A)",
    .bus = "ISA",
    .size = sizeof(struct isa_serial),
    .version = 1,
    .props = serial_props,
    .state = serial_state,
    .realize = serial_realize,
    .unrealize = serial_unrealize,
    .reset = serial_reset,
    .settle = serial_settle,
    .check = serial_check,
};
