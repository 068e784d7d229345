/* SPDX-License-Identifier: MIT */
/*
 * 8254 programmable interval timer: three counters at 1.193182 MHz.
 *
 * [8254] Intel 8254 data sheet, 231164-005.
 *
 * Nothing counts: a counter's value and its OUT pin are functions of the tick
 * at which the counting element was loaded. Only a connected OUT has a timer,
 * for its next change. The low pulse of modes 2 and 4, one tick long, is
 * driven as a fall and a rise at its end.
 *
 * Not modelled: the element goes on counting between a control word and the
 * first count; here it stands still. Edges closer than 10 us are thinned out.
 */
#include "hw/timer/i8254.h"

#include "hw/isa/isa.h"

enum { EDGE_MIN_NS = 10000 };
enum { LATCH_COUNT = 1, LATCH_STATUS = 2 };
enum { NEVER = 0 };

static uint64_t pit_tick(const struct i8254 *s)
{
    return muldiv64((uint64_t)clock_now(&s->dev.machine->clock), PIT_HZ,
                    (uint64_t)NS_PER_SECOND);
}

/* The first nanosecond of a tick. */
static int64_t tick_ns(uint64_t tick)
{
    unsigned __int128 ns = (unsigned __int128)tick * (uint64_t)NS_PER_SECOND;

    return (int64_t)((ns + PIT_HZ - 1) / PIT_HZ);
}

/* Modes in which a low GATE stops the count; 1 and 5 only know its rise. */
static bool gate_stops(const struct pit_channel *c)
{
    return c->mode != 1 && c->mode != 5;
}

/* Ticks counted since the element was loaded, at `now`; -1: not yet loaded. */
static int64_t elapsed(const struct pit_channel *c, uint64_t now)
{
    if (!c->gate && gate_stops(c)) {
        return (int64_t)c->held;
    }
    return now < c->since ? -1 : (int64_t)(now - c->since);
}

/* Mode 3: length of the high (first) or low half of a period. */
static uint32_t half_length(const struct pit_channel *c, bool low)
{
    return low ? c->count / 2 : (c->count + 1) / 2;
}

/* A count written while modes 2 and 3 run is taken at the period's end. */
static void pit_catch_up(struct pit_channel *c, uint64_t now)
{
    if (c->reload && c->gate && now >= c->switch_at) {
        bool low = false;

        if (c->mode == 3) { /* OUT goes on toggling */
            low = !c->half;
            if ((c->switch_at - c->since) % c->count == 0) {
                low = c->half;
            }
        }
        c->half = low;
        c->since = c->switch_at;
        c->count = c->cr ? c->cr : c->bcd ? 10000 : 0x10000;
        c->reload = false;
    }
}

/* Where in mode 3's period: ticks into the half, and which half it is. */
static uint32_t square_phase(const struct pit_channel *c, int64_t t, bool *low)
{
    uint32_t d = (uint32_t)(t % c->count);
    uint32_t first = half_length(c, c->half);

    *low = c->half != (d >= first);
    return d >= first ? d - first : d;
}

static bool pit_out(const struct pit_channel *c, uint64_t now)
{
    int64_t t = elapsed(c, now);
    bool low;

    if (!c->loaded || t < 0) { /* not yet loaded, or by a trigger to come */
        return c->mode != 0;
    }
    switch (c->mode) {
    case 0:
    case 1: return t >= c->count;
    case 2: return !c->gate || (uint32_t)(t % c->count) != c->count - 1;
    case 3: square_phase(c, t, &low); return !c->gate || !low;
    default: return t != c->count;
    }
}

/* The count as a number, 0..0xffff (or 9999). */
static uint16_t pit_value(const struct pit_channel *c, uint64_t now)
{
    uint32_t modulus = c->bcd ? 10000 : 0x10000;
    int64_t t = MAX(elapsed(c, now), 0);
    bool low;

    if (!c->loaded) {
        return c->cr;
    }
    if (c->mode == 2) {
        return (uint16_t)((c->count - t % c->count) % modulus);
    }
    if (c->mode == 3) {
        uint32_t k = square_phase(c, t, &low);

        return (uint16_t)(((c->count & ~1u) - 2 * k) % modulus);
    }
    return (uint16_t)((c->count + modulus - (uint32_t)(t % modulus)) % modulus);
}

/* Tick of the next change of OUT after `now`, NEVER where there is none. */
static uint64_t pit_next_edge(const struct pit_channel *c, uint64_t now)
{
    int64_t t = elapsed(c, now);
    uint64_t from = MAX(now, c->since);
    uint32_t phase;
    bool low;

    if (!c->loaded || (!c->gate && gate_stops(c))) {
        return NEVER;
    }
    if (t < 0 && c->mode == 1) {
        return c->since; /* OUT falls as the count is loaded */
    }
    t = MAX(t, 0);
    switch (c->mode) {
    case 0:
    case 1: return t < c->count ? c->since + c->count : NEVER;
    case 2: return from + c->count - (uint64_t)t % c->count;
    case 3:
        phase = square_phase(c, t, &low);
        return from + half_length(c, low) - phase;
    default: return t <= c->count ? c->since + c->count + 1 : NEVER;
    }
}

static void pit_arm(struct pit_channel *c)
{
    uint64_t now = pit_tick(c->pit);
    uint64_t next;

    if (!c->out.set) {
        return;
    }
    next = pit_next_edge(c, now);
    if (c->reload && next > c->switch_at) {
        next = c->switch_at;
    }
    if (next == NEVER) {
        timer_cancel(&c->edge);
    } else {
        int64_t soonest = clock_now(&c->pit->dev.machine->clock) + EDGE_MIN_NS;

        timer_set(&c->edge, MAX(tick_ns(next), soonest));
    }
}

/* Drives OUT as it is now and arms its next change. */
static void pit_drive(struct pit_channel *c)
{
    uint64_t now = pit_tick(c->pit);
    bool level;

    pit_catch_up(c, now);
    level = pit_out(c, now);
    if (level != c->out.level) {
        wire_set(&c->out, level);
    }
    pit_arm(c);
}

static void pit_edge(void *opaque)
{
    struct pit_channel *c = opaque;

    if ((c->mode == 2 || c->mode >= 4) && c->out.level) {
        wire_set(&c->out, false); /* the pulse that ends now */
    }
    pit_drive(c);
}

/* The element takes the count register on the next tick. */
static void pit_load(struct pit_channel *c, uint64_t now)
{
    c->count = c->cr ? c->cr : c->bcd ? 10000 : 0x10000;
    c->since = now + 1;
    c->held = 0;
    c->half = false;
    c->loaded = true;
    c->reload = false;
}

static uint16_t from_bcd(uint16_t v)
{
    return (uint16_t)((v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 +
                      (v >> 12) * 1000);
}

static uint16_t to_bcd(uint16_t v)
{
    return (uint16_t)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 |
                      v / 1000 << 12);
}

static void pit_reload_later(struct pit_channel *c, uint64_t now)
{
    int64_t t = elapsed(c, now);
    bool low;

    if (c->reload || !c->gate) { /* low: its rise loads anyway */
        return;
    }
    if (t < 0) {
        pit_load(c, now);
        return;
    }
    c->reload = true;
    if (c->mode == 2) {
        c->switch_at = now + c->count - (uint64_t)t % c->count;
    } else {
        uint32_t phase = square_phase(c, t, &low);

        c->switch_at = now + half_length(c, low) - phase;
    }
}

/* A whole count was written. */
static void pit_count_written(struct pit_channel *c, uint16_t value)
{
    uint64_t now = pit_tick(c->pit);

    c->cr = c->bcd ? from_bcd(value) : value;
    if (c->bcd) {
        c->cr %= 10000;
    }
    c->null_count = false;
    if (c->mode == 1 || c->mode == 5) {
        c->armed = true;
    } else if ((c->mode == 2 || c->mode == 3) && c->loaded) {
        pit_reload_later(c, now);
    } else {
        pit_load(c, now);
    }
    pit_drive(c);
}

static void pit_write_count(struct pit_channel *c, uint8_t v)
{
    if (c->rw == 1) {
        pit_count_written(c, v);
    } else if (c->rw == 2) {
        pit_count_written(c, (uint16_t)(v << 8));
    } else if (c->write_msb) {
        c->write_msb = false;
        pit_count_written(c, (uint16_t)(v << 8 | c->write_low));
    } else {
        c->write_msb = true;
        c->write_low = v;
        if (c->mode == 0) { /* the first byte stops the count */
            c->loaded = false;
            pit_drive(c);
        }
    }
}

static void pit_latch_count(struct pit_channel *c)
{
    uint64_t now = pit_tick(c->pit);
    uint16_t v;

    if (c->latched & LATCH_COUNT) {
        return;
    }
    pit_catch_up(c, now);
    v = pit_value(c, now);
    c->latch = c->bcd ? to_bcd(v) : v;
    c->latched |= LATCH_COUNT;
    c->latched_msb = c->rw == 2;
}

static void pit_latch_status(struct pit_channel *c)
{
    uint64_t now = pit_tick(c->pit);
    bool null = c->null_count || c->armed || c->reload || !c->loaded ||
                (c->gate && now < c->since);

    if (c->latched & LATCH_STATUS) {
        return;
    }
    c->status_latch = (uint8_t)(pit_out(c, now) << 7 | null << 6 | c->rw << 4 |
                                c->mode << 1 | c->bcd);
    c->latched |= LATCH_STATUS;
}

/* The unlatched value's byte that is next. */
static uint8_t pit_read_live(struct pit_channel *c)
{
    uint64_t now = pit_tick(c->pit);
    uint16_t v;
    bool msb = c->rw == 2 || (c->rw == 3 && c->read_msb);

    pit_catch_up(c, now);
    v = pit_value(c, now);
    v = c->bcd ? to_bcd(v) : v;
    if (c->rw == 3) {
        c->read_msb = !c->read_msb;
    }
    return (uint8_t)(msb ? v >> 8 : v);
}

static uint8_t pit_read_count(struct pit_channel *c)
{
    uint8_t v;

    if (c->latched & LATCH_STATUS) {
        c->latched &= (uint8_t)~LATCH_STATUS;
        return c->status_latch;
    }
    if (!(c->latched & LATCH_COUNT)) {
        return pit_read_live(c);
    }
    v = (uint8_t)(c->latched_msb ? c->latch >> 8 : c->latch);
    if (c->rw == 3 && !c->latched_msb) {
        c->latched_msb = true;
    } else {
        c->latched &= (uint8_t)~LATCH_COUNT;
    }
    return v;
}

static void pit_control(struct pit_channel *c, uint8_t v)
{
    if ((v >> 4 & 3) == 0) {
        pit_latch_count(c);
        return;
    }
    c->rw = v >> 4 & 3;
    c->mode = v >> 1 & 7;
    if (c->mode > 5) {
        c->mode -= 4; /* 6 and 7 are 2 and 3 */
    }
    c->bcd = v & 1;
    c->null_count = true;
    c->armed = false;
    c->loaded = false;
    c->reload = false;
    c->half = false;
    c->write_msb = false;
    c->read_msb = false;
    c->latched = 0;
    pit_drive(c);
}

static void pit_read_back(struct i8254 *s, uint8_t v)
{
    for (unsigned i = 0; i < 3; i++) {
        if (v >> (i + 1) & 1) {
            if (!(v & 0x20)) {
                pit_latch_count(&s->channel[i]);
            }
            if (!(v & 0x10)) {
                pit_latch_status(&s->channel[i]);
            }
        }
    }
}

static uint64_t i8254_read(void *opaque, uint64_t at, unsigned size)
{
    struct i8254 *s = opaque;

    return at == 3 ? 0xff : pit_read_count(&s->channel[at]);
}

static void i8254_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    struct i8254 *s = opaque;
    uint8_t v = (uint8_t)value;

    if (at < 3) {
        pit_write_count(&s->channel[at], v);
    } else if (v >> 6 == 3) {
        pit_read_back(s, v);
    } else {
        pit_control(&s->channel[v >> 6], v);
    }
}

static const struct region_ops i8254_ops = {
    .read = i8254_read,
    .write = i8254_write,
    .max = 1,
};

void i8254_set_gate(void *dev, unsigned channel, bool level)
{
    struct i8254 *s = dev;
    struct pit_channel *c = &s->channel[channel];
    uint64_t now = pit_tick(s);

    if (c->gate == level) {
        return;
    }
    pit_catch_up(c, now);
    if (!level) {
        c->held = (uint64_t)MAX(elapsed(c, now), 0);
    }
    c->gate = level;
    if (level && (c->mode == 0 || c->mode == 4)) {
        c->since = now - MIN(c->held, now);
    } else if (level && (c->armed || c->loaded)) { /* a trigger */
        pit_load(c, now);
        c->armed = false;
    }
    pit_drive(c);
}

bool i8254_out(struct i8254 *s, unsigned channel)
{
    struct pit_channel *c = &s->channel[channel];
    uint64_t now = pit_tick(s);

    pit_catch_up(c, now);
    return pit_out(c, now);
}

uint32_t i8254_period(const struct i8254 *s, unsigned channel)
{
    const struct pit_channel *c = &s->channel[channel];

    return c->loaded && c->gate && (c->mode == 2 || c->mode == 3) ? c->count
                                                                  : 0;
}

static struct i8254 *i8254_of(struct dev *dev)
{
    return container_of(dev, struct i8254, dev);
}

static bool i8254_realize(struct dev *dev, GError **error)
{
    struct i8254 *s = i8254_of(dev);

    for (unsigned i = 0; i < 3; i++) {
        s->channel[i].pit = s;
        timer_init(&s->channel[i].edge, &dev->machine->clock, pit_edge,
                   &s->channel[i]);
    }
    region_init_io(&s->ports, "i8254", 4, &i8254_ops, s);
    return isa_map(dev->machine, &s->ports, s->iobase, error);
}

static void i8254_unrealize(struct dev *dev)
{
    struct i8254 *s = i8254_of(dev);

    for (unsigned i = 0; i < 3; i++) {
        timer_cancel(&s->channel[i].edge);
    }
    region_remove(&s->ports);
}

/* The chip has no reset pin; this is a state that harms nobody. */
static void i8254_reset(struct dev *dev)
{
    struct i8254 *s = i8254_of(dev);

    for (unsigned i = 0; i < 3; i++) {
        struct pit_channel *c = &s->channel[i];

        timer_cancel(&c->edge);
        *c = (struct pit_channel){.pit = s, .out = c->out, .edge = c->edge};
        c->mode = 3;
        c->rw = 3;
        c->gate = i != 2;
        c->null_count = true;
    }
}

static void i8254_settle(struct dev *dev)
{
    struct i8254 *s = i8254_of(dev);

    for (unsigned i = 0; i < 3; i++) {
        wire_set(&s->channel[i].out, s->channel[i].out.level);
        pit_drive(&s->channel[i]);
    }
}

static bool i8254_check(struct dev *dev, GError **error)
{
    const struct i8254 *s = i8254_of(dev);

    for (unsigned i = 0; i < 3; i++) {
        const struct pit_channel *c = &s->channel[i];

        if (c->mode > 5 || c->rw < 1 || c->rw > 3 || c->count > 0x10000 ||
            ((c->loaded || c->reload) && c->count == 0) ||
            c->since > INT64_MAX / 2 || c->held > INT64_MAX / 2 ||
            c->switch_at > INT64_MAX / 2) {
            return fail(error, "i8254: impossible state of channel %u", i);
        }
    }
    return true;
}

/* clang-format off */
#define CH(n, m) FIELD_AS(struct i8254, channel[n].m, #m #n)
#define CHANNEL(n) \
    CH(n, mode), CH(n, rw), CH(n, bcd), CH(n, gate), CH(n, null_count), \
    CH(n, armed), CH(n, loaded), CH(n, half), CH(n, reload), CH(n, cr), \
    CH(n, count), CH(n, since), CH(n, held), CH(n, switch_at), \
    CH(n, write_low), CH(n, write_msb), CH(n, read_msb), CH(n, latched), \
    CH(n, latched_msb), CH(n, latch), CH(n, status_latch)
/* clang-format on */

static const struct field i8254_state[] = {
    CHANNEL(0),
    CHANNEL(1),
    CHANNEL(2),
    FIELD_END,
};

static const struct field i8254_props[] = {
    PROP(struct i8254, iobase, 0x40),
    FIELD_END,
};

const struct dev_type i8254_type = {
    .name = "isa-pit",
    .alias = "i8254",
    .desc = "8254 interval timer",
    .bus = "ISA",
    .size = sizeof(struct i8254),
    .version = 1,
    .hidden = true,
    .props = i8254_props,
    .state = i8254_state,
    .realize = i8254_realize,
    .unrealize = i8254_unrealize,
    .reset = i8254_reset,
    .settle = i8254_settle,
    .check = i8254_check,
};
