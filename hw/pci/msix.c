/* SPDX-License-Identifier: MIT */
/* A message is a write of four bytes to memory, which the local APICs claim. */
#include "hw/pci/msix.h"

#include <string.h>

enum { CAP_ID = 0x11, CAP_SIZE = 12, CONTROL = 2, TABLE = 4, PBA = 8 };
enum { ENABLE = 1 << 15, MASK_ALL = 1 << 14, MASKED = 1 };
enum { PBA_AT = 0x800, REGION_SIZE = 0x1000, ENTRY = 16 };

static unsigned control(const struct msix *x)
{
    return ldl_u16(x->pci->config + x->cap + CONTROL);
}

bool msix_enabled(const struct msix *x)
{
    return x->count && control(x) & ENABLE;
}

static bool is_masked(const struct msix *x, unsigned vector)
{
    return !(control(x) & ENABLE) || control(x) & MASK_ALL ||
           x->table[vector * 4 + 3] & MASKED;
}

static void send(struct msix *x, unsigned vector)
{
    const uint32_t *e = &x->table[vector * 4];

    if (pci_is_master(x->pci)) {
        space_write(&x->pci->dev.machine->memory, e[0] | (uint64_t)e[1] << 32,
                    4, e[2]);
    }
}

void msix_notify(struct msix *x, unsigned vector)
{
    if (vector >= x->count || !msix_enabled(x)) {
        return;
    }
    if (is_masked(x, vector)) {
        x->pending |= BIT(vector);
    } else {
        send(x, vector);
    }
}

static void send_pending(struct msix *x)
{
    for (unsigned i = 0; x->pending && i < x->count; i++) {
        if (x->pending & BIT(i) && !is_masked(x, i)) {
            x->pending &= ~BIT(i);
            send(x, i);
        }
    }
}

void msix_config_written(struct msix *x)
{
    if (x->count) {
        send_pending(x);
    }
}

static uint64_t table_read(void *opaque, uint64_t at, unsigned size)
{
    const struct msix *x = opaque;

    if (at < x->count * ENTRY) {
        return x->table[at / 4];
    }
    if (at == PBA_AT || at == PBA_AT + 4) {
        return x->pending >> (at == PBA_AT ? 0 : 32);
    }
    return 0;
}

static void table_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    struct msix *x = opaque;

    if (at < x->count * ENTRY) {
        bool low = at % ENTRY == 0, mask = at % ENTRY == 12;

        x->table[at / 4] = (uint32_t)value & (low    ? ~3u
                                              : mask ? (uint32_t)MASKED
                                                     : UINT32_MAX);
        send_pending(x);
    }
}

static const struct region_ops table_ops = {
    .read = table_read, .write = table_write, .min = 4, .max = 4};

void msix_init(struct msix *x, struct pci_dev *d, unsigned count, unsigned bar)
{
    uint8_t *cap;

    x->pci = d;
    x->count = MIN(count, (unsigned)MSIX_VECTORS);
    if (!x->count) {
        return;
    }
    x->cap = pci_add_capability(d, CAP_ID, CAP_SIZE);
    cap = d->config + x->cap;
    stl_u16(cap + CONTROL, (uint16_t)(x->count - 1));
    stl_u32(cap + TABLE, bar);
    stl_u32(cap + PBA, PBA_AT | bar);
    d->writable[x->cap + CONTROL + 1] = (ENABLE | MASK_ALL) >> 8;
    region_init_io(&x->region, "msix", REGION_SIZE, &table_ops, x);
    pci_set_bar(d, bar, PCI_BAR_MEM32, &x->region);
}

void msix_reset(struct msix *x)
{
    memset(x->table, 0, sizeof(x->table));
    for (unsigned i = 0; i < MSIX_VECTORS; i++) {
        x->table[i * 4 + 3] = MASKED;
    }
    x->pending = 0;
}
