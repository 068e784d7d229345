/* SPDX-License-Identifier: MIT */
/*
 * System control port B: NMI status, the speaker, timer 2's gate.
 *
 * [PIIX3] 2.5.7 "NMISC - NMI Status and Control Register".
 *
 * The refresh bit toggles as on an AT, every 15.085 us, whatever timer 1 does:
 * old software measures time by it.
 *
 * Not modelled: sound made by moving the speaker bit alone (samples).
 */
#include "hw/isa/port61.h"

#include "hw/isa/isa.h"

enum {
    GATE2 = 1 << 0,
    SPEAKER = 1 << 1,
    SERR_OFF = 1 << 2,
    IOCHK_OFF = 1 << 3,
    REFRESH = 1 << 4,
    OUT2 = 1 << 5,
    IOCHK = 1 << 6,
    SERR = 1 << 7,
    REFRESH_NS = 15085,
};

unsigned port61_tone(const struct port61 *s)
{
    uint32_t period = i8254_period(s->pit, 2);
    bool on = (s->control & (GATE2 | SPEAKER)) == (GATE2 | SPEAKER);

    return on && period > 1 ? PIT_HZ / period : 0;
}

void port61_nmi(void *dev, unsigned source, bool level)
{
    struct port61 *s = dev;
    uint8_t bit = source == PORT61_SERR ? SERR : IOCHK;
    uint8_t off = source == PORT61_SERR ? SERR_OFF : IOCHK_OFF;

    if (level && !(s->control & off) && !(s->nmi_status & bit)) {
        s->nmi_status |= bit;
        if (!s->nmi_masked || !*s->nmi_masked) {
            wire_pulse(&s->nmi);
        }
    }
}

static uint64_t port61_read(void *opaque, uint64_t at, unsigned size)
{
    const struct port61 *s = opaque;
    int64_t now = clock_now(&s->dev.machine->clock);
    bool refresh = now / REFRESH_NS & 1;

    return s->control | s->nmi_status | (refresh ? REFRESH : 0) |
           (i8254_out(s->pit, 2) ? OUT2 : 0);
}

static void port61_apply(struct port61 *s)
{
    i8254_set_gate(s->pit, 2, s->control & GATE2);
    if (s->tone) {
        s->tone(s->tone_opaque, port61_tone(s));
    }
}

static void port61_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct port61 *s = opaque;

    s->control = value & (GATE2 | SPEAKER | SERR_OFF | IOCHK_OFF);
    if (s->control & SERR_OFF) {
        s->nmi_status &= (uint8_t)~SERR;
    }
    if (s->control & IOCHK_OFF) {
        s->nmi_status &= (uint8_t)~IOCHK;
    }
    port61_apply(s);
}

static const struct region_ops port61_ops = {
    .read = port61_read,
    .write = port61_write,
    .max = 1,
};

static struct port61 *port61_of(struct dev *dev)
{
    return container_of(dev, struct port61, dev);
}

static bool port61_realize(struct dev *dev, GError **error)
{
    struct port61 *s = port61_of(dev);

    if (!s->pit) {
        s->pit = (void *)machine_find_type(dev->machine, &i8254_type);
    }
    if (!s->pit) {
        return fail(error, "port61: there is no interval timer");
    }
    region_init_io(&s->ports, "port61", 1, &port61_ops, s);
    return isa_map(dev->machine, &s->ports, 0x61, error);
}

static void port61_unrealize(struct dev *dev)
{
    region_remove(&port61_of(dev)->ports);
}

static void port61_reset(struct dev *dev)
{
    port61_of(dev)->control = 0;
    port61_of(dev)->nmi_status = 0;
}

/* The timer's gate is the timer's state: only reset closes it. */
static void port61_settle(struct dev *dev)
{
    port61_apply(port61_of(dev));
}

static bool port61_check(struct dev *dev, GError **error)
{
    struct port61 *s = port61_of(dev);

    s->control &= GATE2 | SPEAKER | SERR_OFF | IOCHK_OFF;
    s->nmi_status &= SERR | IOCHK;
    return true;
}

static const struct field port61_state[] = {
    FIELD(struct port61, control),
    FIELD(struct port61, nmi_status),
    FIELD_END,
};

const struct dev_type port61_type = {
    .name = "port61",
    .alias = "isa-pcspk",
    .desc = "system control port B: speaker, NMI status",
    .bus = "ISA",
    .size = sizeof(struct port61),
    .version = 1,
    .hidden = true,
    .state = port61_state,
    .realize = port61_realize,
    .unrealize = port61_unrealize,
    .reset = port61_reset,
    .settle = port61_settle,
    .check = port61_check,
};
