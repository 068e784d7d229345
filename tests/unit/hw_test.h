/* SPDX-License-Identifier: MIT */
/*
 * For tests of devices: a bare machine whose clock is stepped by hand, port
 * and memory accesses, wires that count.
 */
#ifndef TESTS_UNIT_HW_TEST_H
#define TESTS_UNIT_HW_TEST_H

#include <string.h>

#include "hw/core/machine.h"
#include "hw/core/state.h"
#include "hw/isa/isa.h"

/* A machine without RAM; the lock is held from here to hw_test_done(). */
static inline void hw_test_init(struct machine *m)
{
    machine_init(m);
    clock_set_manual(&m->clock);
    clock_set_manual(&m->host_clock);
    lock_enter(&m->lock);
}

static inline void hw_test_done(struct machine *m)
{
    lock_leave(&m->lock);
    machine_clear(m);
}

static inline void hw_test_step(struct machine *m, int64_t ns)
{
    clock_step(&m->clock, clock_now(&m->clock) + ns);
}

static inline void *hw_test_dev(struct machine *m, const struct dev_type *type)
{
    struct dev *dev = dev_new(m, type, NULL);
    GError *error = NULL;

    dev_realize(dev, &error);
    g_assert_no_error(error);
    return dev;
}

static inline uint8_t in8(struct machine *m, uint16_t port)
{
    return (uint8_t)space_read(&m->ports, port, 1);
}

static inline uint16_t in16(struct machine *m, uint16_t port)
{
    return (uint16_t)space_read(&m->ports, port, 2);
}

static inline uint32_t in32(struct machine *m, uint16_t port)
{
    return (uint32_t)space_read(&m->ports, port, 4);
}

static inline void out8(struct machine *m, uint16_t port, uint8_t v)
{
    space_write(&m->ports, port, 1, v);
}

static inline void out16(struct machine *m, uint16_t port, uint16_t v)
{
    space_write(&m->ports, port, 2, v);
}

static inline void out32(struct machine *m, uint16_t port, uint32_t v)
{
    space_write(&m->ports, port, 4, v);
}

/* Where a wire ends: its level and how often it rose. */
struct probe {
    bool level;
    unsigned rises;
};

static inline void probe_set(void *to, unsigned pin, bool level)
{
    struct probe *p = to;

    p->rises += level && !p->level;
    p->level = level;
}

static inline struct wire probe_wire(struct probe *p)
{
    return (struct wire){.set = probe_set, .to = p};
}

/* The record of a saved state that covers byte `at`. */
static inline char *hw_test_record(const GByteArray *state, guint at)
{
    for (guint p = 0, end; p < state->len; p = end) {
        const uint8_t *r = state->data + p;

        end = p + 1u + r[0] + 5u + r[1 + r[0]] * ldl_u32(r + 2 + r[0]);
        if (at < end) {
            return g_strndup((const char *)r + 1, r[0]);
        }
    }
    return g_strdup("?");
}

/*
 * Saves `from`, loads that into `to`, saves again: must be the same bytes. It
 * settles before, too: what is due now is done then.
 */
static inline void hw_test_roundtrip(struct dev *from, struct dev *to)
{
    g_autoptr(GByteArray) a = g_byte_array_new();
    g_autoptr(GByteArray) b = g_byte_array_new();
    GError *error = NULL;

    if (from->type->settle) {
        from->type->settle(from);
    }
    state_save(from, a);
    state_load(to, a->data, a->len, &error);
    g_assert_no_error(error);
    state_save(to, b);
    g_assert_cmpuint(a->len, ==, b->len);
    for (guint i = 0; i < a->len; i++) {
        if (a->data[i] != b->data[i]) {
            g_autofree char *name = hw_test_record(a, i);

            g_error("%s: '%s' differs after a load", from->type->name, name);
        }
    }
}

#endif
