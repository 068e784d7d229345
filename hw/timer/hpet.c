/* SPDX-License-Identifier: MIT */
/*
 * High precision event timer: a 64-bit counter at 100 MHz and three
 * comparators, all able to be periodic.
 *
 * [HPET] Intel, "IA-PC HPET Specification", 1.0a.
 *
 * Edge-triggered interrupts stay high until the next one, so that the 8259s,
 * which want a request held, see them.
 *
 * Not modelled: FSB (MSI) delivery.
 */
#include "hw/timer/hpet.h"

enum {
    R_CAPS = 0x000,
    R_CONFIG = 0x010,
    R_STATUS = 0x020,
    R_COUNTER = 0x0f0,
    R_TIMER = 0x100, /* 0x20 a timer */
    T_CONFIG = 0x00,
    T_COMPARATOR = 0x08,
};

enum {
    NS_PER_TICK = 10,
    EVENT_MIN_NS = 10000, /* of periods: hosts have limits */
};

#define CAPS_LOW UINT64_C(0x8086a201) /* 3 timers, 64 bits, legacy */
#define CAPS     (CAPS_LOW | UINT64_C(10000000) << 32) /* femtoseconds */

#define CONFIG_ENABLE UINT64_C(1)
#define CONFIG_LEGACY UINT64_C(2)

#define T_LEVEL      (UINT64_C(1) << 1)
#define T_ENABLE     (UINT64_C(1) << 2)
#define T_PERIODIC   (UINT64_C(1) << 3)
#define T_CAN_PERIOD (UINT64_C(1) << 4)
#define T_CAN_64     (UINT64_C(1) << 5)
#define T_SETVAL     (UINT64_C(1) << 6)
#define T_32BIT      (UINT64_C(1) << 8)
#define T_WRITABLE   UINT64_C(0x3f4e)

static struct hpet *hpet_of(struct dev *dev)
{
    return container_of(dev, struct hpet, dev);
}

static uint64_t hpet_ticks(const struct hpet *s)
{
    return (uint64_t)clock_now(&s->dev.machine->clock) / NS_PER_TICK;
}

static uint64_t hpet_counter(const struct hpet *s)
{
    return s->config & CONFIG_ENABLE ? hpet_ticks(s) + (uint64_t)s->offset
                                     : s->counter;
}

static unsigned timer_index(const struct hpet_timer *t)
{
    return (unsigned)(t - t->hpet->timer);
}

static bool timer_is_32(const struct hpet_timer *t)
{
    return t->config & T_32BIT;
}

/* The wire that a timer drives now; NULL: none. */
static struct wire *timer_wire(const struct hpet_timer *t)
{
    struct hpet *s = t->hpet;
    unsigned i = timer_index(t);
    unsigned route = t->config >> 9 & 31;

    if ((s->config & CONFIG_LEGACY) && i < 2) {
        return &s->legacy[i];
    }
    return s->routes >> route & 1 ? &s->irq[route] : NULL;
}

/* Timers may share a pin: it is high while one of them is. */
static void hpet_drive(struct hpet *s, struct wire *w)
{
    bool level = false;

    if (!w) {
        return;
    }
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        level |= s->timer[i].high && timer_wire(&s->timer[i]) == w;
    }
    for (unsigned i = 0; i < 2 && !(s->config & CONFIG_LEGACY); i++) {
        level |= w == &s->legacy[i] && s->legacy_in[i];
    }
    if (level != w->level) {
        wire_set(w, level);
    }
}

static void timer_set_high(struct hpet_timer *t, bool high)
{
    t->high = high;
    hpet_drive(t->hpet, timer_wire(t));
}

/* A level stays while its status bit does and the timer may interrupt. */
static void timer_update_level(struct hpet_timer *t)
{
    bool status = t->hpet->status >> timer_index(t) & 1;

    if (t->config & T_LEVEL) {
        timer_set_high(t, status && (t->config & T_ENABLE) &&
                              (t->hpet->config & CONFIG_ENABLE));
    } else if (!(t->config & T_ENABLE)) {
        timer_set_high(t, false);
    }
}

/* Ticks from the counter to the comparator; 0 = a whole turn. */
static uint64_t timer_distance(const struct hpet_timer *t)
{
    uint64_t d = t->comparator - hpet_counter(t->hpet);

    return timer_is_32(t) ? (uint32_t)d : d;
}

static void timer_arm(struct hpet_timer *t)
{
    struct hpet *s = t->hpet;
    uint64_t now = (uint64_t)clock_now(&s->dev.machine->clock);
    uint64_t ticks = hpet_ticks(s);
    uint64_t d = timer_distance(t);
    uint64_t at;

    if (!(s->config & CONFIG_ENABLE)) {
        timer_cancel(&t->event);
        return;
    }
    if (d == 0) {
        d = timer_is_32(t) ? UINT64_C(1) << 32 : UINT64_MAX;
    }
    if (d > INT64_MAX / NS_PER_TICK / 2) {
        timer_cancel(&t->event);
        return;
    }
    at = (ticks + d) * NS_PER_TICK;
    if (t->config & T_PERIODIC) {
        at = MAX(at, now + EVENT_MIN_NS);
    }
    timer_set(&t->event, (int64_t)at);
}

/* Periods that are over, without the interrupts that nobody saw in time. */
static void timer_next_period(struct hpet_timer *t)
{
    uint64_t now = hpet_counter(t->hpet);
    uint64_t late = now - t->comparator;

    if (timer_is_32(t)) {
        late = (uint32_t)late;
    }
    t->comparator += (late / t->period + 1) * t->period;
    if (timer_is_32(t)) {
        t->comparator = (uint32_t)t->comparator;
    }
}

static void hpet_event(void *opaque)
{
    struct hpet_timer *t = opaque;
    struct hpet *s = t->hpet;
    uint64_t bit = UINT64_C(1) << timer_index(t);

    if ((t->config & T_PERIODIC) && t->period) {
        timer_next_period(t);
    }
    timer_arm(t);
    if (t->config & T_LEVEL) {
        s->status |= bit;
        timer_update_level(t);
    } else if (t->config & T_ENABLE) {
        timer_set_high(t, false); /* the one before */
        timer_set_high(t, true);
    }
}

void hpet_set_legacy(void *dev, unsigned pin, bool level)
{
    struct hpet *s = dev;

    s->legacy_in[pin & 1] = level;
    hpet_drive(s, &s->legacy[pin & 1]);
}

static void hpet_arm_all(struct hpet *s)
{
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        timer_arm(&s->timer[i]);
        timer_update_level(&s->timer[i]);
    }
}

static void hpet_write_config(struct hpet *s, uint64_t v)
{
    uint64_t changed = (s->config ^ v) & (CONFIG_ENABLE | CONFIG_LEGACY);

    if (changed & CONFIG_ENABLE) {
        uint64_t counter = hpet_counter(s);

        s->counter = counter;
        s->offset = (int64_t)(counter - hpet_ticks(s));
    }
    for (unsigned i = 0; i < 2 && (changed & CONFIG_LEGACY); i++) {
        timer_set_high(&s->timer[i], false); /* on the pin it leaves */
    }
    s->config = v & (CONFIG_ENABLE | CONFIG_LEGACY);
    hpet_drive(s, &s->legacy[0]);
    hpet_drive(s, &s->legacy[1]);
    hpet_arm_all(s);
}

static void hpet_write_status(struct hpet *s, uint64_t v)
{
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        if ((v >> i & 1) && (s->timer[i].config & T_LEVEL)) {
            s->status &= ~(UINT64_C(1) << i);
            timer_update_level(&s->timer[i]);
        }
    }
}

static void hpet_write_counter(struct hpet *s, uint64_t v)
{
    s->counter = v;
    s->offset = (int64_t)(v - hpet_ticks(s));
    hpet_arm_all(s);
}

static void timer_write_config(struct hpet_timer *t, uint64_t v)
{
    timer_set_high(t, false);
    t->config = (t->config & ~T_WRITABLE) | (v & T_WRITABLE);
    if (timer_is_32(t)) {
        t->comparator = (uint32_t)t->comparator;
        t->period = (uint32_t)t->period;
    }
    if (!(t->config & T_LEVEL)) {
        t->hpet->status &= ~(UINT64_C(1) << timer_index(t));
    }
    timer_update_level(t);
    timer_arm(t);
}

/* Periodic: the period; and, after T_SETVAL, the comparator as well. */
static void timer_write_comparator(struct hpet_timer *t, uint64_t v)
{
    if (timer_is_32(t)) {
        v = (uint32_t)v;
    }
    if (!(t->config & T_PERIODIC) || (t->config & T_SETVAL)) {
        t->comparator = v;
    }
    if (t->config & T_PERIODIC) {
        t->period = v;
    }
    t->config &= ~T_SETVAL;
    timer_arm(t);
}

static uint64_t timer_read(const struct hpet_timer *t, unsigned at)
{
    switch (at) {
    case T_CONFIG:
        return t->config | T_CAN_PERIOD | T_CAN_64 |
               (uint64_t)t->hpet->routes << 32;
    case T_COMPARATOR: return t->comparator;
    default: return 0;
    }
}

/* A whole 64-bit register. */
static uint64_t hpet_read64(struct hpet *s, unsigned at)
{
    unsigned n = (at - R_TIMER) / 0x20;

    if (at >= R_TIMER) {
        return n < HPET_TIMERS ? timer_read(&s->timer[n], at & 0x18) : 0;
    }
    switch (at) {
    case R_CAPS: return CAPS;
    case R_CONFIG: return s->config;
    case R_STATUS: return s->status;
    case R_COUNTER: return hpet_counter(s);
    default: return 0;
    }
}

static void hpet_write64(struct hpet *s, unsigned at, uint64_t v)
{
    unsigned n = (at - R_TIMER) / 0x20;

    if (at >= R_TIMER && n < HPET_TIMERS) {
        if ((at & 0x18) == T_CONFIG) {
            timer_write_config(&s->timer[n], v);
        } else if ((at & 0x18) == T_COMPARATOR) {
            timer_write_comparator(&s->timer[n], v);
        }
        return;
    }
    switch (at) {
    case R_CONFIG: hpet_write_config(s, v); break;
    case R_STATUS: hpet_write_status(s, v); break;
    case R_COUNTER: hpet_write_counter(s, v); break;
    default: break;
    }
}

/* Accesses are 4 or 8 bytes; a half is written with the other one kept. */
static uint64_t hpet_read(void *opaque, uint64_t at, unsigned size)
{
    uint64_t v = hpet_read64(opaque, (unsigned)at & ~7u);

    return at & 4 ? v >> 32 : v;
}

/* What a periodic comparator's half is joined to is the period. */
static void hpet_write_half(struct hpet *s, unsigned at, uint32_t v)
{
    unsigned n = (at - R_TIMER) / 0x20;
    uint64_t old = hpet_read64(s, at & ~7u);

    if (at >= R_TIMER && n < HPET_TIMERS && (at & 0x18) == T_COMPARATOR &&
        (s->timer[n].config & T_PERIODIC)) {
        old = s->timer[n].period;
    }
    if ((at & ~7u) == R_STATUS) {
        old = 0; /* written ones clear */
    }
    hpet_write64(s, at & ~7u,
                 at & 4 ? (old & 0xffffffff) | (uint64_t)v << 32
                        : (old & ~UINT64_C(0xffffffff)) | v);
}

static void hpet_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    if (size == 8) {
        hpet_write64(opaque, (unsigned)at, value);
    } else {
        hpet_write_half(opaque, (unsigned)at, (uint32_t)value);
    }
}

static const struct region_ops hpet_ops = {
    .read = hpet_read,
    .write = hpet_write,
    .min = 4,
    .max = 8,
};

static bool hpet_realize(struct dev *dev, GError **error)
{
    struct hpet *s = hpet_of(dev);

    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        s->timer[i].hpet = s;
        timer_init(&s->timer[i].event, &dev->machine->clock, hpet_event,
                   &s->timer[i]);
    }
    region_init_io(&s->mmio, "hpet", 0x400, &hpet_ops, s);
    region_add(&dev->machine->memory.root, &s->mmio, s->base, 1);
    return true;
}

static void hpet_unrealize(struct dev *dev)
{
    struct hpet *s = hpet_of(dev);

    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        timer_cancel(&s->timer[i].event);
    }
    region_remove(&s->mmio);
}

static void hpet_reset(struct dev *dev)
{
    struct hpet *s = hpet_of(dev);

    s->config = 0;
    s->status = 0;
    s->counter = 0;
    s->offset = 0;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        struct hpet_timer *t = &s->timer[i];

        timer_cancel(&t->event);
        t->config = 0;
        t->comparator = UINT64_MAX;
        t->period = 0;
        t->high = false;
    }
}

static void hpet_settle(struct dev *dev)
{
    struct hpet *s = hpet_of(dev);

    for (unsigned i = 0; i < HPET_PINS; i++) {
        if (s->routes >> i & 1) {
            hpet_drive(s, &s->irq[i]);
        }
    }
    hpet_drive(s, &s->legacy[0]);
    hpet_drive(s, &s->legacy[1]);
    hpet_arm_all(s);
}

/* clang-format off */
#define TIMER(n, m) FIELD_AS(struct hpet, timer[n].m, #m #n)
#define TIMER_STATE(n) \
    TIMER(n, config), TIMER(n, comparator), TIMER(n, period), TIMER(n, high)
/* clang-format on */

static const struct field hpet_props[] = {
    PROP(struct hpet, base, 0xfed00000),
    PROP_AS(struct hpet, routes, "hpet-intcap", 0x00ff0104),
    FIELD_END,
};

static const struct field hpet_state[] = {
    FIELD(struct hpet, config),
    FIELD(struct hpet, status),
    FIELD(struct hpet, counter),
    FIELD(struct hpet, offset),
    TIMER_STATE(0),
    TIMER_STATE(1),
    TIMER_STATE(2),
    FIELD_END,
};

const struct dev_type hpet_type = {
    .name = "hpet",
    .desc = "high precision event timer",
    .size = sizeof(struct hpet),
    .version = 1,
    .hidden = true,
    .props = hpet_props,
    .state = hpet_state,
    .realize = hpet_realize,
    .unrealize = hpet_unrealize,
    .reset = hpet_reset,
    .settle = hpet_settle,
};
