/* SPDX-License-Identifier: MIT */
/*
 * The debug console: firmware writes its log to one port, and knows from what
 * it reads there that somebody listens.
 */
#include "hw/misc/debugcon.h"

#include "hw/isa/isa.h"

static struct debugcon *debugcon_of(struct dev *dev)
{
    return container_of(dev, struct debugcon, dev);
}

static uint64_t debugcon_read(void *opaque, uint64_t at, unsigned size)
{
    const struct debugcon *s = opaque;

    return s->readback;
}

/* What the back end does not take at once is lost: nobody waits for a log. */
static void debugcon_write(void *opaque, uint64_t at, unsigned size,
                           uint64_t value)
{
    struct debugcon *s = opaque;
    uint8_t byte = (uint8_t)value;

    if (s->chr) {
        chardev_write(s->chr, &byte, 1);
    }
}

static const struct region_ops debugcon_ops = {
    .read = debugcon_read,
    .write = debugcon_write,
    .max = 1,
};

static bool debugcon_realize(struct dev *dev, GError **error)
{
    struct debugcon *s = debugcon_of(dev);
    const struct chardev_front front = {.opaque = s};

    if (s->chardev) {
        s->chr = machine_backend(dev->machine, BACKEND_CHARDEV, s->chardev);
        if (!s->chr) {
            return fail(error, "%s: there is no chardev '%s'", dev_name(dev),
                        s->chardev);
        }
        if (!chardev_attach(s->chr, &front, error)) {
            return false;
        }
    }
    region_init_io(&s->port, "debugcon", 1, &debugcon_ops, s);
    return isa_map(dev->machine, &s->port, s->iobase, error);
}

static void debugcon_unrealize(struct dev *dev)
{
    struct debugcon *s = debugcon_of(dev);

    if (s->chr) {
        chardev_detach(s->chr);
    }
    region_remove(&s->port);
}

static const struct field debugcon_props[] = {
    PROP(struct debugcon, iobase, 0xe9),
    PROP(struct debugcon, readback, 0xe9),
    PROP_STR(struct debugcon, chardev, "chardev", NULL),
    FIELD_END,
};

const struct dev_type debugcon_type = {
    .name = "isa-debugcon",
    .desc = "debug console port",
    .bus = "ISA",
    .size = sizeof(struct debugcon),
    .version = 1,
    .props = debugcon_props,
    .realize = debugcon_realize,
    .unrealize = debugcon_unrealize,
};
