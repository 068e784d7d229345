/* SPDX-License-Identifier: MIT */
/*
 * pvpanic: one port, through which a guest's kernel tells that it crashed.
 *
 * [PVPANIC] "PVPANIC DEVICE" specification: reading gives the events that are
 * known, writing a bit reports that event.
 */
#include "hw/misc/pvpanic.h"

#include "base/log.h"
#include "hw/isa/isa.h"
#include "hw/misc/fw_cfg.h"

enum { PANICKED = 1 << 0, CRASH_LOADED = 1 << 1 };

static uint64_t pvpanic_read(void *opaque, uint64_t at, unsigned size)
{
    const struct pvpanic *s = opaque;

    return s->events;
}

/* Stopping on a panic, and telling so, is the life cycle's. */
static void pvpanic_write(void *opaque, uint64_t at, unsigned size,
                          uint64_t value)
{
    const struct pvpanic *s = opaque;

    if (value & ~(uint64_t)s->events) {
        log_guest("pvpanic: unknown event %#x", (unsigned)value);
    }
    value &= s->events;
    if (value & PANICKED) {
        machine_request(s->dev.machine, MACHINE_PANIC);
    } else if (value & CRASH_LOADED) {
        machine_event(s->dev.machine, "GUEST_CRASHLOADED",
                      "{\"action\": \"run\"}");
    }
}

static const struct region_ops pvpanic_ops = {
    .read = pvpanic_read,
    .write = pvpanic_write,
    .max = 1,
};

static bool pvpanic_realize(struct dev *dev, GError **error)
{
    struct pvpanic *s = container_of(dev, struct pvpanic, dev);
    struct fw_cfg *fw = fw_cfg_of(dev->machine);
    uint8_t port[2];

    region_init_io(&s->port, "pvpanic", 1, &pvpanic_ops, s);
    stl_u16(port, (uint16_t)s->iobase);
    if (fw && !fw_cfg_add_file(fw, "etc/pvpanic-port", port, 2, error)) {
        return false;
    }
    return isa_map(dev->machine, &s->port, s->iobase, error);
}

static void pvpanic_unrealize(struct dev *dev)
{
    region_remove(&container_of(dev, struct pvpanic, dev)->port);
}

static const struct field pvpanic_props[] = {
    PROP_AS(struct pvpanic, iobase, "ioport", 0x505),
    PROP(struct pvpanic, events, PANICKED | CRASH_LOADED),
    FIELD_END,
};

const struct dev_type pvpanic_type = {
    .name = "pvpanic",
    .desc = "port through which a guest tells that it crashed",
    .bus = "ISA",
    .size = sizeof(struct pvpanic),
    .version = 1,
    .props = pvpanic_props,
    .realize = pvpanic_realize,
    .unrealize = pvpanic_unrealize,
};
