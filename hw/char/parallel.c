/* SPDX-License-Identifier: MIT */
/*
 * Parallel port in standard mode (SPP) with a printer that takes what is
 * strobed to it.
 *
 * [PC87311] National Semiconductor PC87311 data sheet, "Parallel Port".
 *
 * Not modelled: bidirectional mode, EPP, ECP.
 */
#include "hw/char/parallel.h"

#include "hw/isa/isa.h"

enum { /* status; "not" where the pin is active low */
       ST_NOT_ERROR = 1 << 3,
       ST_SELECT = 1 << 4,
       ST_NOT_ACK = 1 << 6,
       ST_NOT_BUSY = 1 << 7,
       ST_UNUSED = 3,
};

enum { /* control */
       CTL_STROBE = 1 << 0,
       CTL_NOT_INIT = 1 << 2,
       CTL_IRQ = 1 << 4,
       CTL_UNUSED = 0xc0,
};

enum { PORTS = 3 };

static const struct {
    uint16_t iobase;
    uint8_t irq;
} places[PORTS] = {{0x378, 7}, {0x278, 5}, {0x3bc, 7}};

static struct parallel *parallel_of(struct dev *dev)
{
    return container_of(dev, struct parallel, dev);
}

static void parallel_update(struct parallel *s)
{
    bool level = s->ack && (s->control & CTL_IRQ);

    if (level != s->irq.level) {
        wire_set(&s->irq, level);
    }
}

/* The printer takes the byte, or is busy until its back end is writable. */
static void parallel_print(struct parallel *s)
{
    s->busy = s->chr && chardev_write(s->chr, &s->pending, 1) == 0;
    s->ack = !s->busy;
    parallel_update(s);
}

static void parallel_writable(void *opaque)
{
    struct parallel *s = opaque;

    if (s->busy) {
        parallel_print(s);
    }
}

static uint32_t status_read(struct dev *dev, uint32_t stored)
{
    struct parallel *s = parallel_of(dev);
    uint32_t v = ST_UNUSED | ST_NOT_ERROR | ST_SELECT |
                 (s->busy ? 0 : ST_NOT_BUSY) | (s->ack ? 0 : ST_NOT_ACK);

    s->ack = false;
    parallel_update(s);
    return s->chr ? v : v & ~(uint32_t)ST_SELECT;
}

static void control_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct parallel *s = parallel_of(dev);

    if ((~old & now & CTL_STROBE) && (now & CTL_NOT_INIT) && !s->busy) {
        s->pending = s->data;
        parallel_print(s);
    }
    parallel_update(s);
}

static const struct reg parallel_regs[] = {
    {REG(struct parallel, data, 0), .rw = 0xff},
    {REG_PORT(status, 1), .read = status_read},
    {REG(struct parallel, control, 2), .reset = CTL_UNUSED | 0x0c, .rw = 0x3f,
     .wrote = control_wrote},
};
static const struct reg_bank parallel_bank =
    REG_BANK("parallel", parallel_regs);

static bool parallel_attach(struct parallel *s, GError **error)
{
    const struct chardev_front front = {
        .writable = parallel_writable,
        .opaque = s,
    };

    if (!s->chardev) {
        return true;
    }
    s->chr = machine_backend(s->dev.machine, BACKEND_CHARDEV, s->chardev);
    if (!s->chr) {
        return fail(error, "%s: there is no chardev '%s'", dev_name(&s->dev),
                    s->chardev);
    }
    return chardev_attach(s->chr, &front, error);
}

static bool parallel_realize(struct dev *dev, GError **error)
{
    struct parallel *s = parallel_of(dev);

    if (s->index >= PORTS) {
        return fail(error, "%s: there are at most %d parallel ports",
                    dev_name(dev), PORTS);
    }
    if (s->iobase == UINT32_MAX) {
        s->iobase = places[s->index].iobase;
    }
    if (s->irq_line == UINT32_MAX) {
        s->irq_line = places[s->index].irq;
    }
    reg_window_init(&s->window, dev, &parallel_bank, 4);
    return isa_connect_irq(dev->machine, &s->irq, s->irq_line, error) &&
           parallel_attach(s, error) &&
           isa_map(dev->machine, &s->window.region, s->iobase, error);
}

static void parallel_unrealize(struct dev *dev)
{
    struct parallel *s = parallel_of(dev);

    wire_set(&s->irq, false);
    if (s->chr) {
        chardev_detach(s->chr);
    }
    region_remove(&s->window.region);
}

static void parallel_reset(struct dev *dev)
{
    struct parallel *s = parallel_of(dev);

    s->busy = false;
    s->ack = false;
    s->pending = 0;
}

static void parallel_settle(struct dev *dev)
{
    struct parallel *s = parallel_of(dev);

    wire_set(&s->irq, s->ack && (s->control & CTL_IRQ));
}

static const struct field parallel_props[] = {
    PROP(struct parallel, index, 0),
    PROP(struct parallel, iobase, UINT32_MAX),
    PROP_AS(struct parallel, irq_line, "irq", UINT32_MAX),
    PROP_STR(struct parallel, chardev, "chardev", NULL),
    FIELD_END,
};

static const struct field parallel_state[] = {
    FIELD(struct parallel, pending),
    FIELD(struct parallel, busy),
    FIELD(struct parallel, ack),
    FIELD_END,
};

const struct dev_type parallel_type = {
    .name = "isa-parallel",
    .desc = "parallel port",
    .bus = "ISA",
    .size = sizeof(struct parallel),
    .version = 1,
    .props = parallel_props,
    .state = parallel_state,
    .banks = (const struct reg_bank *const[]){&parallel_bank, NULL},
    .realize = parallel_realize,
    .unrealize = parallel_unrealize,
    .reset = parallel_reset,
    .settle = parallel_settle,
};
