/* SPDX-License-Identifier: MIT */
#include "hw/core/state.h"

#include <string.h>

#include "hw/core/machine.h"
#include "hw/core/reg.h"

struct slot {
    const char *name;
    uint8_t *data;
    size_t size; /* of an element in the stream */
    size_t count;
    size_t stride; /* from one to the next in memory */
    enum kind kind;
};

enum { NAME_MAX_LEN = 63, HEAD = 6 };

static enum kind kind_of_size(unsigned size)
{
    return size == 1 ? K_U8 : size == 2 ? K_U16 : K_U32;
}

static size_t kind_size(enum kind kind)
{
    static const uint8_t sizes[] = {
        [K_BOOL] = 1, [K_U8] = 1,  [K_U16] = 2, [K_U32] = 4,
        [K_U64] = 8,  [K_I32] = 4, [K_I64] = 8, [K_TIMER] = 8,
    };
    return sizes[kind];
}

/* The distance of two elements in memory. */
static size_t kind_stride(enum kind kind)
{
    return kind == K_TIMER ? sizeof(struct timer) : kind_size(kind);
}

/* The n-th thing to save of a device; false past the last one. */
static bool state_slot(struct dev *dev, size_t n, struct slot *slot)
{
    uint8_t *base = (uint8_t *)dev;

    for (const struct reg_bank *const *b = dev->type->banks; b && *b; b++) {
        for (size_t i = 0; i < (*b)->count; i++) {
            const struct reg *r = &(*b)->regs[i];

            if (r->stored && n-- == 0) {
                *slot = (struct slot){r->name, base + r->member,     r->size, 1,
                                      r->size, kind_of_size(r->size)};
                return true;
            }
        }
    }
    for (const struct field *f = dev->type->state; f && f->name; f++) {
        if (n-- == 0) {
            *slot = (struct slot){f->name,
                                  base + f->at,
                                  kind_size(f->kind),
                                  f->count,
                                  f->stride ? f->stride : kind_stride(f->kind),
                                  f->kind};
            return true;
        }
    }
    return false;
}

static bool state_find(struct dev *dev, const char *name, struct slot *slot)
{
    for (size_t n = 0; state_slot(dev, n, slot); n++) {
        if (strcmp(slot->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t element_get(const struct slot *slot, size_t i)
{
    const uint8_t *p = slot->data + i * slot->stride;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    if (slot->kind == K_TIMER) {
        memcpy(&v64, p + offsetof(struct timer, expires), sizeof(v64));
        return v64;
    }
    switch (slot->size) {
    case 1: return *p;
    case 2: memcpy(&v16, p, 2); return v16;
    case 4: memcpy(&v32, p, 4); return v32;
    default: memcpy(&v64, p, 8); return v64;
    }
}

static void element_set(const struct slot *slot, size_t i, uint64_t value)
{
    uint8_t *p = slot->data + i * slot->stride;
    uint8_t v8 = (uint8_t)value;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;

    if (slot->kind == K_TIMER) {
        struct timer *t = (struct timer *)(void *)p;

        if ((int64_t)value < 0) {
            timer_cancel(t);
        } else {
            timer_set(t, (int64_t)value);
        }
        return;
    }
    switch (slot->size) {
    case 1: *p = slot->kind == K_BOOL ? v8 != 0 : v8; break;
    case 2: memcpy(p, &v16, 2); break;
    case 4: memcpy(p, &v32, 4); break;
    default: memcpy(p, &value, 8); break;
    }
}

void state_save(struct dev *dev, GByteArray *out)
{
    struct slot slot;

    for (size_t n = 0; state_slot(dev, n, &slot); n++) {
        uint8_t name_len = (uint8_t)strlen(slot.name);
        uint8_t head[5] = {(uint8_t)slot.size};

        assert(strlen(slot.name) <= NAME_MAX_LEN);
        stl_u32(head + 1, (uint32_t)slot.count);
        g_byte_array_append(out, &name_len, 1);
        g_byte_array_append(out, (const uint8_t *)slot.name, name_len);
        g_byte_array_append(out, head, sizeof(head));
        if (slot.kind == K_U8 && slot.stride == 1) { /* buffers */
            g_byte_array_append(out, slot.data, (guint)slot.count);
            continue;
        }
        for (size_t i = 0; i < slot.count; i++) {
            uint8_t data[8];

            stl_u64(data, element_get(&slot, i));
            g_byte_array_append(out, data, (guint)slot.size);
        }
    }
}

static void slot_load(const struct slot *slot, const uint8_t *p)
{
    if (slot->kind == K_U8 && slot->stride == 1) {
        memcpy(slot->data, p, slot->count);
        return;
    }
    for (size_t i = 0; i < slot->count; i++) {
        uint8_t data[8] = {0};

        memcpy(data, p + i * slot->size, slot->size);
        element_set(slot, i, ldl_u64(data));
    }
}

/* Takes one record off the front of [p, p + len); returns its length or 0. */
static size_t state_load_record(struct dev *dev, const uint8_t *p, size_t len,
                                GError **error)
{
    const char *type = dev->type->name;
    char name[NAME_MAX_LEN + 1];
    struct slot slot;
    size_t head = (size_t)HEAD + p[0];
    size_t data_len;

    if (len < head || p[0] > NAME_MAX_LEN) {
        return fail(error, "%s: state is cut short", type);
    }
    memcpy(name, p + 1, p[0]);
    name[p[0]] = '\0';
    if (!state_find(dev, name, &slot)) {
        return fail(error, "%s: unknown state '%s'", type, name);
    }
    data_len = slot.size * slot.count;
    if (p[head - 5] != slot.size || ldl_u32(p + head - 4) != slot.count ||
        len - head < data_len) {
        return fail(error, "%s: bad size of '%s'", type, name);
    }
    slot_load(&slot, p + head);
    return head + data_len;
}

bool state_load_records(struct dev *dev, const uint8_t *p, size_t len,
                        GError **error)
{
    size_t used;

    for (size_t at = 0; at < len; at += used) {
        used = state_load_record(dev, p + at, len - at, error);
        if (used == 0) {
            return false;
        }
    }
    return !dev->type->check || dev->type->check(dev, error);
}

bool state_load(struct dev *dev, const uint8_t *p, size_t len, GError **error)
{
    dev_reset(dev);
    if (!state_load_records(dev, p, len, error)) {
        dev_reset(dev);
        return false;
    }
    if (dev->type->settle) {
        dev->type->settle(dev);
    }
    return true;
}

/* --- a machine's devices --- */

void state_save_devices(struct machine *m, GByteArray *out)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];
        uint8_t head[4 + 1];
        guint at = out->len;
        size_t name_len = strlen(dev->type->name);

        assert(name_len <= NAME_MAX_LEN);
        head[4] = (uint8_t)name_len;
        g_byte_array_append(out, head, sizeof(head));
        g_byte_array_append(out, (const uint8_t *)dev->type->name,
                            (guint)name_len);
        state_save(dev, out);
        stl_u32(out->data + at, out->len - at);
    }
}

/* The section of a device at the front of [p, p + len); its length or 0. */
static size_t state_load_section(struct dev *dev, const uint8_t *p, size_t len,
                                 GError **error)
{
    const char *type = dev->type->name;
    size_t head = 5 + strlen(type);
    size_t section = len < head ? 0 : ldl_u32(p);

    if (section < head || section > len) {
        return fail(error, "%s: state is cut short", type);
    }
    if (p[4] != head - 5 || memcmp(p + 5, type, head - 5) != 0) {
        return fail(error, "state of another device where %s is due", type);
    }
    return state_load_records(dev, p + head, section - head, error) ? section
                                                                    : 0;
}

static bool state_load_sections(struct machine *m, const uint8_t *p, size_t len,
                                GError **error)
{
    size_t at = 0;

    for (guint i = 0; i < m->devices->len; i++) {
        size_t used =
            state_load_section(m->devices->pdata[i], p + at, len - at, error);

        if (used == 0) {
            return false;
        }
        at += used;
    }
    return at == len ||
           fail(error, "state of a device that this machine does not have");
}

bool state_load_devices(struct machine *m, const uint8_t *p, size_t len,
                        GError **error)
{
    machine_reset_devices(m);
    /* Twice: the first round brings the wires to their levels, one after the
     * other, and what latches edges may see some that never were. In the
     * second round nothing moves. */
    for (unsigned round = 0; round < 2; round++) {
        if (!state_load_sections(m, p, len, error)) {
            machine_reset_devices(m);
            return false;
        }
        machine_settle_devices(m);
    }
    return true;
}
