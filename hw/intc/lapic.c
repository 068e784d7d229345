/* SPDX-License-Identifier: MIT */
/*
 * Local APIC, xAPIC and x2APIC.
 *
 * [SDM] volume 3A, chapter 11 "APIC".
 *
 * The timer counts at 1 GHz before the divider. INTR is driven only when it
 * changes.
 *
 * Not modelled: CMCI, level-triggered LINT pins, EOI-broadcast suppression,
 * thermal and performance interrupts (their LVT entries are storage).
 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "hw/intc/apic.h"

enum { /* registers, offset / 16 */
       R_ID = 0x02,
       R_VERSION = 0x03,
       R_TPR = 0x08,
       R_APR = 0x09,
       R_PPR = 0x0a,
       R_EOI = 0x0b,
       R_RRD = 0x0c,
       R_LDR = 0x0d,
       R_DFR = 0x0e,
       R_SVR = 0x0f,
       R_ISR = 0x10,
       R_TMR = 0x18,
       R_IRR = 0x20,
       R_ESR = 0x28,
       R_ICR = 0x30,
       R_ICR_HIGH = 0x31,
       R_LVT = 0x32, /* ..37 */
       R_INITIAL = 0x38,
       R_CURRENT = 0x39,
       R_DIVIDE = 0x3e,
       R_SELF_IPI = 0x3f, /* x2APIC */
};

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR };

enum {
    LVT_MASKED = 1 << 16,
    LVT_TIMER_MODE = 3 << 17,
    TIMER_PERIODIC = 1 << 17,
    TIMER_DEADLINE = 2 << 17,
    SVR_ENABLE = 1 << 8,
    VERSION = 0x00050014, /* six LVT entries */
    ESR_SEND_VECTOR = 1 << 5,
    ESR_RECEIVE_VECTOR = 1 << 6,
    ESR_REGISTER = 1 << 7,
    TIMER_MIN_NS = 10000, /* of a periodic timer: hosts have limits */
};

enum { /* IA32_APIC_BASE */
       BASE_BSP = 1 << 8,
       BASE_X2APIC = 1 << 10,
       BASE_ENABLE = 1 << 11,
};
#define BASE_ADDRESS UINT64_C(0x000ffffffffff000)

enum { MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800 };

/* Bits of the LVT entries that can be written. */
static const uint32_t lvt_bits[6] = {0x700ff, 0x107ff, 0x107ff,
                                     0x1a7ff, 0x1a7ff, 0x100ff};

static struct lapic *lapic_of(struct dev *dev)
{
    return container_of(dev, struct lapic, dev);
}

static bool lapic_on(const struct lapic *l)
{
    return l->base & BASE_ENABLE;
}

static bool lapic_is_x2(const struct lapic *l)
{
    return (l->base & (BASE_ENABLE | BASE_X2APIC)) ==
           (BASE_ENABLE | BASE_X2APIC);
}

bool lapic_takes_fixed(const struct lapic *l)
{
    return lapic_on(l) && (l->svr & SVR_ENABLE);
}

static int highest(const uint32_t *bits)
{
    for (int i = 7; i >= 0; i--) {
        if (bits[i]) {
            return i * 32 + 31 - __builtin_clz(bits[i]);
        }
    }
    return -1;
}

static bool bit_test(const uint32_t *bits, unsigned n)
{
    return bits[n >> 5] >> (n & 31) & 1;
}

static void bit_put(uint32_t *bits, unsigned n, bool on)
{
    uint32_t mask = UINT32_C(1) << (n & 31);

    bits[n >> 5] = on ? bits[n >> 5] | mask : bits[n >> 5] & ~mask;
}

/* The processor priority. */
unsigned lapic_priority(const struct lapic *l)
{
    int isrv = highest(l->isr);
    unsigned service = isrv < 0 ? 0 : (unsigned)isrv & 0xf0;

    return (l->tpr & 0xf0) >= service ? l->tpr : service;
}

/* The vector to deliver now, or -1. */
static int lapic_pending(const struct lapic *l)
{
    int vector = lapic_takes_fixed(l) ? highest(l->irr) : -1;

    return vector >= 0 && ((unsigned)vector & 0xf0) > (lapic_priority(l) & 0xf0)
               ? vector
               : -1;
}

/* Does INTR of the 8259s reach this CPU? */
static bool lapic_ext(const struct lapic *l)
{
    uint32_t lint0 = l->lvt[LVT_LINT0];

    if (!lapic_on(l)) {
        return l->bus->intr && (l->base & BASE_BSP);
    }
    return l->ext_pending || (l->bus->intr && !(lint0 & LVT_MASKED) &&
                              (lint0 >> 8 & 7) == APIC_EXTINT);
}

static void lapic_update(struct lapic *l)
{
    bool intr = lapic_pending(l) >= 0 || lapic_ext(l);

    if (intr != l->intr) {
        l->intr = intr;
        l->bus->pins.intr(l->bus->pins.to, l->cpu, intr);
    }
}

/* Takes an interrupt into IRR. */
static void lapic_request(struct lapic *l, uint8_t vector, bool level);

static void lapic_error(struct lapic *l, uint32_t bit)
{
    uint32_t lvt = l->lvt[LVT_ERROR];

    l->esr_pending |= bit;
    if (!(lvt & LVT_MASKED) && (lvt & 0xff) >= 16) {
        lapic_request(l, (uint8_t)lvt, false);
    }
}

static void lapic_request(struct lapic *l, uint8_t vector, bool level)
{
    if (!lapic_takes_fixed(l)) {
        return;
    }
    if (vector < 16) {
        lapic_error(l, ESR_RECEIVE_VECTOR);
        return;
    }
    bit_put(l->irr, vector, true);
    bit_put(l->tmr, vector, level);
    lapic_update(l);
}

bool lapic_matches(const struct lapic *l, const struct apic_msg *msg)
{
    uint32_t dest = msg->dest;

    if (!lapic_on(l)) {
        return false;
    }
    if (dest == APIC_BROADCAST) {
        return true;
    }
    if (!msg->logical) {
        return dest == (lapic_is_x2(l) ? l->initial_id : l->id);
    }
    if (lapic_is_x2(l)) {
        return dest >> 16 == l->ldr >> 16 && (dest & l->ldr & 0xffff);
    }
    if (dest > 0xff) {
        return false;
    }
    if (l->dfr >> 28 == 0xf) { /* flat */
        return dest & l->ldr >> 24;
    }
    return (dest >> 4 == l->ldr >> 28 || dest >> 4 == 0xf) &&
           (dest & l->ldr >> 24 & 0xf);
}

/* The divider of the timer's clock. */
static unsigned lapic_divisor(const struct lapic *l)
{
    return 1u << (((l->divide & 3) | (l->divide >> 1 & 4)) + 1) % 8;
}

static uint64_t lapic_now(const struct lapic *l)
{
    return (uint64_t)clock_now(&l->dev.machine->clock);
}

/* Since `start`, divided. */
static uint64_t lapic_ticks(const struct lapic *l)
{
    uint64_t now = lapic_now(l);
    uint64_t start = (uint64_t)l->start;

    return now < start ? 0 : (now - start) / lapic_divisor(l);
}

/* Count now; 0 where the timer stands still. */
static uint32_t lapic_current(const struct lapic *l)
{
    uint64_t ticks = lapic_ticks(l);

    if ((l->lvt[LVT_TIMER] & LVT_TIMER_MODE) >= TIMER_DEADLINE) {
        return 0;
    }
    if (ticks < l->left) {
        return (uint32_t)(l->left - ticks);
    }
    if (!(l->lvt[LVT_TIMER] & TIMER_PERIODIC) || l->initial == 0) {
        return 0;
    }
    return (uint32_t)(l->initial - (ticks - l->left) % l->initial);
}

static void lapic_arm_deadline(struct lapic *l)
{
    const struct apic_pins *pins = &l->bus->pins;
    int64_t at = l->tsc_deadline && pins->tsc_ns
                     ? pins->tsc_ns(pins->to, l->cpu, l->tsc_deadline)
                     : INT64_MAX;

    if (at == INT64_MAX) {
        timer_cancel(&l->timer);
    } else {
        timer_set(&l->timer, MAX(at, 0));
    }
}

/* Sets the timer to the next end of the count, if that will be heard. */
static void lapic_arm(struct lapic *l)
{
    uint32_t lvt = l->lvt[LVT_TIMER];
    uint32_t current = lapic_current(l);
    uint64_t now = lapic_now(l);
    uint64_t end;

    if ((lvt & LVT_TIMER_MODE) == TIMER_DEADLINE) {
        lapic_arm_deadline(l);
        return;
    }
    if ((lvt & LVT_MASKED) || current == 0) {
        timer_cancel(&l->timer);
        return;
    }
    end = (uint64_t)l->start + (lapic_ticks(l) + current) * lapic_divisor(l);
    if (lvt & TIMER_PERIODIC) {
        end = MAX(end, now + TIMER_MIN_NS);
    }
    timer_set(&l->timer, (int64_t)end);
}

static void lapic_timer(void *opaque)
{
    struct lapic *l = opaque;
    uint32_t lvt = l->lvt[LVT_TIMER];

    if ((lvt & LVT_TIMER_MODE) == TIMER_DEADLINE) {
        l->tsc_deadline = 0;
    } else {
        lapic_arm(l); /* the next period; one-shot: none */
    }
    if (!(lvt & LVT_MASKED)) {
        lapic_request(l, (uint8_t)lvt, false);
    }
}

static void lapic_set_count(struct lapic *l, uint32_t initial)
{
    l->initial = initial;
    l->left = initial;
    l->start = (int64_t)lapic_now(l);
    lapic_arm(l);
}

/* The count goes on from where it is at another rate. */
static void lapic_set_divide(struct lapic *l, uint32_t v)
{
    uint32_t current = lapic_current(l);

    l->left = current;
    l->start = (int64_t)lapic_now(l);
    l->divide = v & 0xb;
    lapic_arm(l);
}

static void lapic_set_lvt(struct lapic *l, unsigned n, uint32_t v)
{
    uint32_t old = l->lvt[n];

    l->lvt[n] = v & lvt_bits[n];
    if (!(l->svr & SVR_ENABLE)) {
        l->lvt[n] |= LVT_MASKED;
    }
    if (n == LVT_TIMER) {
        if ((old ^ v) & TIMER_DEADLINE) { /* into or out of TSC-deadline */
            l->tsc_deadline = 0;
            l->initial = l->left = 0;
        }
        lapic_arm(l);
    }
    lapic_update(l);
}

static void lapic_set_svr(struct lapic *l, uint32_t v)
{
    l->svr = v & 0x3ff;
    if (!(v & SVR_ENABLE)) {
        for (unsigned i = 0; i < ARRAY_SIZE(l->lvt); i++) {
            l->lvt[i] |= LVT_MASKED;
        }
        lapic_arm(l);
    }
    lapic_update(l);
}

static void lapic_eoi(struct lapic *l)
{
    const struct apic_bus *bus = l->bus;
    int vector = highest(l->isr);

    if (vector < 0) {
        return;
    }
    bit_put(l->isr, (unsigned)vector, false);
    for (guint i = 0; bit_test(l->tmr, (unsigned)vector) && i < bus->eoi->len;
         i++) {
        const struct apic_eoi *e = &g_array_index(bus->eoi, struct apic_eoi, i);

        e->eoi(e->opaque, (uint8_t)vector);
    }
    lapic_update(l);
}

/* State after RESET# and INIT; the base and its modes survive INIT. */
static void lapic_init_state(struct lapic *l)
{
    l->id = l->initial_id;
    l->ldr = lapic_is_x2(l) ? (l->initial_id >> 4) << 16 |
                                  UINT32_C(1) << (l->initial_id & 15)
                            : 0;
    l->dfr = UINT32_MAX;
    l->svr = 0xff;
    l->esr = l->esr_pending = 0;
    l->icr = 0;
    l->tpr = 0;
    l->ext_pending = false;
    for (unsigned i = 0; i < ARRAY_SIZE(l->lvt); i++) {
        l->lvt[i] = LVT_MASKED;
    }
    if (l->base & BASE_BSP) { /* virtual wire, as firmware would set it */
        l->lvt[LVT_LINT0] = APIC_EXTINT << 8;
    }
    memset(l->isr, 0, sizeof(l->isr));
    memset(l->irr, 0, sizeof(l->irr));
    memset(l->tmr, 0, sizeof(l->tmr));
    l->divide = 0;
    l->initial = 0;
    l->left = 0;
    l->tsc_deadline = 0;
    timer_cancel(&l->timer);
}

void lapic_accept(struct lapic *l, const struct apic_msg *msg)
{
    const struct apic_pins *pins = &l->bus->pins;

    switch (msg->mode) {
    case APIC_FIXED:
    case APIC_LOWEST: lapic_request(l, msg->vector, msg->level); break;
    case APIC_SMI: pins->smi(pins->to, l->cpu); break;
    case APIC_NMI: pins->nmi(pins->to, l->cpu); break;
    case APIC_INIT:
        lapic_init_state(l);
        lapic_update(l);
        pins->init(pins->to, l->cpu);
        break;
    case APIC_STARTUP: pins->sipi(pins->to, l->cpu, msg->vector); break;
    case APIC_EXTINT:
        l->ext_pending = true;
        lapic_update(l);
        break;
    default: log_guest("lapic: delivery mode %u", msg->mode); break;
    }
}

void lapic_lint(struct lapic *l, unsigned pin, bool level)
{
    uint32_t lvt = l->lvt[pin ? LVT_LINT1 : LVT_LINT0];
    unsigned mode = lvt >> 8 & 7;

    if (!lapic_on(l)) { /* the pins are INTR and NMI */
        if (pin == 1 && level) {
            l->bus->pins.nmi(l->bus->pins.to, l->cpu);
        }
    } else if (mode != APIC_EXTINT && level && !(lvt & LVT_MASKED)) {
        struct apic_msg msg = {.mode = (uint8_t)mode, .vector = (uint8_t)lvt};

        lapic_accept(l, &msg);
    }
    if (pin == 0) {
        lapic_update(l);
    }
}

/* Sends what the ICR says. */
static void lapic_send_ipi(struct lapic *l)
{
    uint32_t low = (uint32_t)l->icr;
    uint32_t dest = (uint32_t)(l->icr >> 32);
    unsigned shorthand = low >> 18 & 3;
    struct apic_msg msg = {
        .dest = dest,
        .logical = low >> 11 & 1,
        .level = low >> 15 & 1,
        .mode = low >> 8 & 7,
        .vector = (uint8_t)low,
    };

    if (!lapic_is_x2(l)) {
        msg.dest = dest >> 24 == 0xff ? APIC_BROADCAST : dest >> 24;
    }
    if (msg.mode == APIC_INIT && msg.level && !(low >> 14 & 1)) {
        return; /* INIT level de-assert */
    }
    if (msg.mode <= APIC_LOWEST && msg.vector < 16) {
        lapic_error(l, ESR_SEND_VECTOR);
        return;
    }
    if (msg.mode <= APIC_LOWEST) {
        msg.level = false; /* level-triggered IPIs do not exist */
    }
    if (shorthand == 0) {
        apic_send(l->bus, &msg);
        return;
    }
    for (guint i = 0; i < l->bus->cpus->len; i++) {
        struct lapic *to = l->bus->cpus->pdata[i];

        if (lapic_on(to) && (shorthand == 2 || (to == l) == (shorthand == 1))) {
            lapic_accept(to, &msg);
        }
    }
}

/* False: there is no such register. */
static bool lapic_read(struct lapic *l, unsigned r, uint32_t *v)
{
    static const struct {
        uint8_t r;
        uint16_t at;
    } plain[] = {
        {R_TPR, offsetof(struct lapic, tpr)},
        {R_LDR, offsetof(struct lapic, ldr)},
        {R_DFR, offsetof(struct lapic, dfr)},
        {R_SVR, offsetof(struct lapic, svr)},
        {R_ESR, offsetof(struct lapic, esr)},
        {R_INITIAL, offsetof(struct lapic, initial)},
        {R_DIVIDE, offsetof(struct lapic, divide)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (plain[i].r == r) {
            memcpy(v, (const char *)l + plain[i].at, sizeof(*v));
            return true;
        }
    }
    if (r >= R_ISR && r < R_ESR) {
        const uint32_t *bits = r < R_TMR ? l->isr : r < R_IRR ? l->tmr : l->irr;

        *v = bits[r & 7];
        return true;
    }
    if (r >= R_LVT && r < R_INITIAL) {
        *v = l->lvt[r - R_LVT];
        return true;
    }
    switch (r) {
    case R_ID: *v = lapic_is_x2(l) ? l->initial_id : l->id << 24; return true;
    case R_VERSION: *v = VERSION; return true;
    case R_APR:
    case R_PPR: *v = lapic_priority(l); return true;
    case R_EOI:
    case R_RRD: *v = 0; return r == R_RRD || !lapic_is_x2(l);
    case R_ICR: *v = (uint32_t)l->icr; return true;
    case R_ICR_HIGH: *v = (uint32_t)(l->icr >> 32); return true;
    case R_CURRENT: *v = lapic_current(l); return true;
    default: return false;
    }
}

static bool lapic_write(struct lapic *l, unsigned r, uint32_t v)
{
    bool x2 = lapic_is_x2(l);

    if (r >= R_LVT && r < R_INITIAL) {
        lapic_set_lvt(l, r - R_LVT, v);
        return true;
    }
    switch (r) {
    case R_ID: l->id = v >> 24; return !x2;
    case R_TPR:
        l->tpr = v & 0xff;
        lapic_update(l);
        return true;
    case R_EOI: lapic_eoi(l); return true;
    case R_LDR: l->ldr = v & 0xff000000; return true;
    case R_DFR: l->dfr = v | 0x0fffffff; return true;
    case R_SVR: lapic_set_svr(l, v); return true;
    case R_ESR:
        l->esr = l->esr_pending;
        l->esr_pending = 0;
        return true;
    case R_ICR:
        l->icr = (l->icr & ~UINT64_C(0xffffffff)) | (v & 0x000ccfff);
        lapic_send_ipi(l);
        return true;
    case R_ICR_HIGH:
        l->icr = (l->icr & 0xffffffff) | (uint64_t)(v & 0xff000000) << 32;
        return true;
    case R_INITIAL:
        if ((l->lvt[LVT_TIMER] & LVT_TIMER_MODE) < TIMER_DEADLINE) {
            lapic_set_count(l, v);
        }
        return true;
    case R_DIVIDE: lapic_set_divide(l, v); return true;
    case R_VERSION:
    case R_APR:
    case R_PPR:
    case R_RRD:
    case R_CURRENT: return !x2; /* read-only */
    default: return false;
    }
}

uint64_t lapic_mmio_read(struct lapic *l, uint64_t at, unsigned size)
{
    uint32_t v = 0;

    if (!lapic_on(l) || lapic_is_x2(l)) {
        return UINT64_MAX;
    }
    if (!lapic_read(l, (unsigned)at >> 4, &v)) {
        lapic_error(l, ESR_REGISTER);
    }
    return at & 12 ? 0 : v >> 8 * (at & 3);
}

void lapic_mmio_write(struct lapic *l, uint64_t at, unsigned size,
                      uint64_t value)
{
    if (!lapic_on(l) || lapic_is_x2(l) || size != 4 || (at & 15)) {
        return;
    }
    if (!lapic_write(l, (unsigned)at >> 4, (uint32_t)value)) {
        lapic_error(l, ESR_REGISTER);
    }
}

int lapic_intack(void *opaque)
{
    struct lapic *l = opaque;
    struct lock *lock = &l->dev.machine->lock;
    const struct apic_pins *pins = &l->bus->pins;
    int vector;

    lock_enter(lock);
    vector = lapic_pending(l);
    if (vector >= 0) {
        bit_put(l->irr, (unsigned)vector, false);
        bit_put(l->isr, (unsigned)vector, true);
    } else if (lapic_ext(l)) {
        l->ext_pending = false;
        vector = pins->ext_ack ? pins->ext_ack(pins->to) : -1;
    }
    lapic_update(l);
    lock_leave(lock);
    return vector;
}

uint64_t lapic_get_tpr(void *opaque)
{
    const struct lapic *l = opaque;

    return l->tpr >> 4;
}

void lapic_set_tpr(void *opaque, uint64_t cr8)
{
    struct lapic *l = opaque;
    struct lock *lock = &l->dev.machine->lock;

    lock_enter(lock);
    l->tpr = (uint32_t)(cr8 & 15) << 4;
    lapic_update(l);
    lock_leave(lock);
}

static uint64_t page_read(void *opaque, uint64_t at, unsigned size)
{
    struct lapic *l = opaque;
    const struct apic_pins *pins = &l->bus->pins;

    return pins->current && pins->current(pins->to) == (int)l->cpu
               ? lapic_mmio_read(l, at, size)
               : UINT64_MAX;
}

static void page_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct lapic *l = opaque;
    const struct apic_pins *pins = &l->bus->pins;

    if (pins->current && pins->current(pins->to) == (int)l->cpu) {
        lapic_mmio_write(l, at, size, value);
    }
}

static const struct region_ops page_ops = {
    .read = page_read,
    .write = page_write,
    .unaligned = true,
};

/* The page is mapped by the bus, unless the guest has moved it. */
static void lapic_map(struct lapic *l)
{
    uint64_t at = l->base & BASE_ADDRESS;

    if (at == APIC_BASE || !lapic_on(l) || lapic_is_x2(l)) {
        region_remove(&l->page);
    } else if (region_mapped(&l->page)) {
        region_set_address(&l->page, at);
    } else {
        region_add(&l->dev.machine->memory.root, &l->page, at, 4097);
    }
}

/* Disabled, xAPIC, x2APIC: which steps are allowed, [SDM] 11.12.5. */
static bool lapic_set_base(struct lapic *l, uint64_t v)
{
    bool on = v & BASE_ENABLE;
    bool x2 = v & BASE_X2APIC;
    uint64_t known =
        BASE_ADDRESS | BASE_BSP | BASE_ENABLE | (l->x2apic ? BASE_X2APIC : 0);
    bool was_on = lapic_on(l);
    bool was_x2 = lapic_is_x2(l);

    if ((v & ~known) || (x2 && !on) || (was_x2 && on && !x2) ||
        (!was_on && x2)) {
        return false;
    }
    l->base = (v & ~(uint64_t)BASE_BSP) | (l->base & BASE_BSP);
    if (was_on && !on) {
        uint64_t base = l->base;

        lapic_init_state(l);
        l->base = base;
    } else if (on && x2 && !was_x2) {
        l->ldr = (l->initial_id >> 4) << 16 | UINT32_C(1)
                                                  << (l->initial_id & 15);
        l->icr &= 0xffffffff;
    }
    lapic_map(l);
    lapic_update(l);
    return true;
}

static bool x2apic_read(struct lapic *l, unsigned r, uint64_t *value)
{
    uint32_t v = 0;

    if (r == R_ICR) {
        *value = l->icr;
        return true;
    }
    if (r == R_DFR || r == R_ICR_HIGH || r == R_APR || r == R_RRD ||
        !lapic_read(l, r, &v)) {
        return false;
    }
    *value = v;
    return true;
}

static bool x2apic_write(struct lapic *l, unsigned r, uint64_t v)
{
    if (r == R_ICR) {
        l->icr = v & UINT64_C(0xffffffff000ccfff);
        lapic_send_ipi(l);
        return true;
    }
    if (v >> 32) {
        return false;
    }
    switch (r) {
    case R_SELF_IPI:
        if (v < 16 || v > 255) {
            return false;
        }
        lapic_request(l, (uint8_t)v, false);
        return true;
    case R_EOI:
    case R_ESR: return v == 0 && lapic_write(l, r, 0);
    case R_LDR:
    case R_DFR:
    case R_ICR_HIGH: return false;
    default: return lapic_write(l, r, (uint32_t)v);
    }
}

bool lapic_rdmsr(void *opaque, uint32_t msr, uint64_t *value)
{
    struct lapic *l = opaque;
    struct lock *lock = &l->dev.machine->lock;
    bool ok = true;

    lock_enter(lock);
    if (msr == MSR_APIC_BASE) {
        *value = l->base;
    } else if (msr == MSR_TSC_DEADLINE) {
        *value = l->tsc_deadline;
    } else {
        ok = lapic_is_x2(l) && msr >= MSR_X2APIC && msr < MSR_X2APIC + 0x40 &&
             x2apic_read(l, msr - MSR_X2APIC, value);
    }
    lock_leave(lock);
    return ok;
}

bool lapic_wrmsr(void *opaque, uint32_t msr, uint64_t value)
{
    struct lapic *l = opaque;
    struct lock *lock = &l->dev.machine->lock;
    bool ok = true;

    lock_enter(lock);
    if (msr == MSR_APIC_BASE) {
        ok = lapic_set_base(l, value);
    } else if (msr == MSR_TSC_DEADLINE) {
        if ((l->lvt[LVT_TIMER] & LVT_TIMER_MODE) == TIMER_DEADLINE) {
            l->tsc_deadline = value;
            lapic_arm(l);
        }
    } else {
        ok = lapic_is_x2(l) && msr >= MSR_X2APIC && msr < MSR_X2APIC + 0x40 &&
             x2apic_write(l, msr - MSR_X2APIC, value);
    }
    lock_leave(lock);
    return ok;
}

struct lapic *lapic_new(struct apic_bus *bus, unsigned cpu, uint32_t id,
                        bool x2apic, GError **error)
{
    struct lapic *l = (void *)dev_new(bus->dev.machine, &lapic_type, NULL);

    l->bus = bus;
    l->cpu = cpu;
    l->initial_id = id;
    l->x2apic = x2apic;
    if (!dev_realize(&l->dev, error)) {
        dev_free(&l->dev);
        return NULL;
    }
    return l;
}

static bool lapic_realize(struct dev *dev, GError **error)
{
    struct lapic *l = lapic_of(dev);

    if (!l->bus || l->cpu != l->bus->cpus->len) {
        return fail(error, "apic: CPU %u is out of turn", l->cpu);
    }
    g_ptr_array_add(l->bus->cpus, l);
    timer_init(&l->timer, &dev->machine->clock, lapic_timer, l);
    region_init_io(&l->page, "apic-page", 0x1000, &page_ops, l);
    return true;
}

static void lapic_unrealize(struct dev *dev)
{
    struct lapic *l = lapic_of(dev);

    timer_cancel(&l->timer);
    region_remove(&l->page);
    g_ptr_array_remove(l->bus->cpus, l);
}

static void lapic_reset(struct dev *dev)
{
    struct lapic *l = lapic_of(dev);

    l->base = APIC_BASE | BASE_ENABLE | (l->cpu == 0 ? BASE_BSP : 0);
    lapic_init_state(l);
    l->start = 0;
}

static void lapic_settle(struct dev *dev)
{
    struct lapic *l = lapic_of(dev);

    lapic_map(l);
    lapic_arm(l);
    lapic_update(l);
    l->bus->pins.intr(l->bus->pins.to, l->cpu, l->intr);
}

static bool lapic_check(struct dev *dev, GError **error)
{
    const struct lapic *l = lapic_of(dev);

    if (l->start < 0 || l->start > INT64_MAX / 2) {
        return fail(error, "apic: impossible timer of CPU %u", l->cpu);
    }
    return true;
}

static const struct field lapic_state[] = {
    FIELD(struct lapic, ext_pending),  FIELD(struct lapic, base),
    FIELD(struct lapic, id),           FIELD(struct lapic, ldr),
    FIELD(struct lapic, dfr),          FIELD(struct lapic, svr),
    FIELD(struct lapic, esr),          FIELD(struct lapic, esr_pending),
    FIELD(struct lapic, icr),          FIELD(struct lapic, tpr),
    FIELD_ARRAY(struct lapic, lvt),    FIELD_ARRAY(struct lapic, isr),
    FIELD_ARRAY(struct lapic, irr),    FIELD_ARRAY(struct lapic, tmr),
    FIELD(struct lapic, divide),       FIELD(struct lapic, initial),
    FIELD(struct lapic, left),         FIELD(struct lapic, start),
    FIELD(struct lapic, tsc_deadline), FIELD_END,
};

void lapic_print(const struct lapic *l, GString *out)
{
    static const char *const lvts[] = {"LVTT", "LVTTHMR", "LVTPC",
                                       "LVT0", "LVT1",    "LVTERR"};

    g_string_append_printf(
        out,
        "dumping local APIC state for CPU %u\n\nID 0x%x base 0x%" PRIx64 "%s\n",
        l->cpu, lapic_is_x2(l) ? l->initial_id : l->id, l->base,
        lapic_is_x2(l) ? " x2APIC"
        : lapic_on(l)  ? ""
                       : " off");
    for (unsigned i = 0; i < ARRAY_SIZE(l->lvt); i++) {
        g_string_append_printf(out, "%-8s 0x%08x%s\n", lvts[i], l->lvt[i],
                               l->lvt[i] & LVT_MASKED ? " masked" : "");
    }
    g_string_append_printf(
        out,
        "Timer    DCR=0x%x initial_count = %u current_count = %u\n"
        "SPIV     0x%08x\nICR      0x%016" PRIx64 "\nESR      0x%08x\n"
        "LDR      0x%08x  DFR 0x%08x\nTPR 0x%02x PPR 0x%02x\n",
        l->divide, l->initial, lapic_current(l), l->svr, l->icr, l->esr, l->ldr,
        l->dfr, l->tpr, lapic_priority(l));
    for (unsigned v = 0; v < 256; v++) {
        if (bit_test(l->isr, v) || bit_test(l->irr, v)) {
            g_string_append_printf(out, "vector 0x%02x%s%s%s\n", v,
                                   bit_test(l->isr, v) ? " ISR" : "",
                                   bit_test(l->irr, v) ? " IRR" : "",
                                   bit_test(l->tmr, v) ? " level" : "");
        }
    }
}

const struct dev_type lapic_type = {
    .name = "apic",
    .desc = "local APIC of a CPU",
    .size = sizeof(struct lapic),
    .version = 1,
    .hidden = true,
    .state = lapic_state,
    .realize = lapic_realize,
    .unrealize = lapic_unrealize,
    .reset = lapic_reset,
    .settle = lapic_settle,
    .check = lapic_check,
};
