/* SPDX-License-Identifier: MIT */
/* A port that ends the emulator: writing v exits with the code 2 v + 1. */
#include "hw/misc/debugexit.h"

#include "hw/isa/isa.h"

static uint64_t debugexit_read(void *opaque, uint64_t at, unsigned size)
{
    return 0;
}

static void debugexit_write(void *opaque, uint64_t at, unsigned size,
                            uint64_t value)
{
    const struct debugexit *s = opaque;
    struct machine *m = s->dev.machine;

    m->exit_code = (int)((value << 1 | 1) & 0x7fffffff);
    machine_request(m, MACHINE_QUIT);
}

static const struct region_ops debugexit_ops = {
    .read = debugexit_read,
    .write = debugexit_write,
};

static bool debugexit_realize(struct dev *dev, GError **error)
{
    struct debugexit *s = container_of(dev, struct debugexit, dev);

    if (s->iosize == 0 || s->iosize > 0x10000) {
        return fail(error, "%s: iosize=%u is not 1..65536", dev_name(dev),
                    s->iosize);
    }
    region_init_io(&s->ports, "debug-exit", s->iosize, &debugexit_ops, s);
    return isa_map(dev->machine, &s->ports, s->iobase, error);
}

static void debugexit_unrealize(struct dev *dev)
{
    region_remove(&container_of(dev, struct debugexit, dev)->ports);
}

static const struct field debugexit_props[] = {
    PROP(struct debugexit, iobase, 0x501),
    PROP(struct debugexit, iosize, 2),
    FIELD_END,
};

const struct dev_type debugexit_type = {
    .name = "isa-debug-exit",
    .desc = "port that ends the emulator with a code",
    .bus = "ISA",
    .size = sizeof(struct debugexit),
    .version = 1,
    .props = debugexit_props,
    .realize = debugexit_realize,
    .unrealize = debugexit_unrealize,
};
