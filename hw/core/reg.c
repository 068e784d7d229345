/* SPDX-License-Identifier: MIT */
#include "hw/core/reg.h"

#include <string.h>

static const struct reg *reg_find(const struct reg_bank *bank, unsigned at)
{
    for (size_t i = 0; i < bank->count; i++) {
        if (bank->regs[i].at == at) {
            return &bank->regs[i];
        }
    }
    return NULL;
}

/* Registers are little-endian in the model whatever the host is. */
static uint32_t reg_load(const struct dev *dev, const struct reg *r)
{
    const char *p = (const char *)dev + r->member;

    switch (r->size) {
    case 1: return *(const uint8_t *)p;
    case 2: return *(const uint16_t *)(const void *)p;
    default: return *(const uint32_t *)(const void *)p;
    }
}

static void reg_store(struct dev *dev, const struct reg *r, uint32_t value)
{
    void *p = (char *)dev + r->member;

    switch (r->size) {
    case 1: *(uint8_t *)p = (uint8_t)value; break;
    case 2: *(uint16_t *)p = (uint16_t)value; break;
    default: *(uint32_t *)p = value; break;
    }
}

uint32_t reg_read(struct dev *dev, const struct reg_bank *bank, unsigned at)
{
    const struct reg *r = reg_find(bank, at);
    uint32_t value;

    if (!r) {
        return bank->unmapped;
    }
    value = r->stored ? reg_load(dev, r) : 0;
    if (r->rc) {
        reg_store(dev, r, value & ~r->rc);
    }
    return r->read ? r->read(dev, value) : value;
}

void reg_write(struct dev *dev, const struct reg_bank *bank, unsigned at,
               uint32_t value)
{
    const struct reg *r = reg_find(bank, at);
    uint32_t old;
    uint32_t now;

    if (!r) {
        return;
    }
    if (!r->stored) {
        if (r->write) {
            r->write(dev, value);
        }
        return;
    }
    old = reg_load(dev, r);
    now = ((old & ~r->rw) | (value & r->rw)) & ~(value & r->w1c);
    reg_store(dev, r, now);
    if (r->wrote) {
        r->wrote(dev, old, now);
    }
}

void reg_reset(struct dev *dev, const struct reg_bank *bank)
{
    for (size_t i = 0; i < bank->count; i++) {
        if (bank->regs[i].stored) {
            reg_store(dev, &bank->regs[i], bank->regs[i].reset);
        }
    }
}

/* The register that covers the byte at `at`. */
static const struct reg *reg_covering(const struct reg_bank *bank, unsigned at)
{
    for (size_t i = 0; i < bank->count; i++) {
        const struct reg *r = &bank->regs[i];

        if (at >= r->at && at < r->at + (unsigned)r->size) {
            return r;
        }
    }
    return NULL;
}

uint64_t reg_window_read(void *opaque, uint64_t at, unsigned size)
{
    struct reg_window *w = opaque;
    uint64_t value = 0;

    for (unsigned i = 0; i < size;) {
        const struct reg *r = reg_covering(w->bank, (unsigned)at + i);
        uint64_t v = r ? reg_read(w->dev, w->bank, r->at) : w->bank->unmapped;
        unsigned skip = r ? (unsigned)at + i - r->at : 0;

        value |= (v >> (8 * skip)) << (8 * i);
        i += r ? r->size - skip : 1;
    }
    return value;
}

static void window_write_part(struct reg_window *w, const struct reg *r,
                              unsigned skip, unsigned part, uint64_t value)
{
    uint32_t mask = part >= 4 ? UINT32_MAX : (UINT32_C(1) << (8 * part)) - 1;
    uint32_t v = (uint32_t)value & mask;

    if (part < r->size) {
        /* w1c bits of the bytes that are not written stay as they are */
        uint32_t old = r->stored ? reg_load(w->dev, r) & ~r->w1c : 0;

        v = (old & ~(mask << (8 * skip))) | v << (8 * skip);
    }
    reg_write(w->dev, w->bank, r->at, v);
}

void reg_window_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct reg_window *w = opaque;

    for (unsigned i = 0; i < size;) {
        const struct reg *r = reg_covering(w->bank, (unsigned)at + i);
        unsigned skip = r ? (unsigned)at + i - r->at : 0;
        unsigned part = r ? MIN(r->size - skip, size - i) : 1;

        if (r) {
            window_write_part(w, r, skip, part, value >> (8 * i));
        }
        i += part;
    }
}

static const struct region_ops window_ops = {
    .read = reg_window_read,
    .write = reg_window_write,
    .max = 8,
    .unaligned = true,
};

void reg_window_init(struct reg_window *w, struct dev *dev,
                     const struct reg_bank *bank, uint64_t size)
{
    w->dev = dev;
    w->bank = bank;
    region_init_io(&w->region, bank->name, size, &window_ops, w);
}
