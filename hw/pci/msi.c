/* SPDX-License-Identifier: MIT */
/*
 * MSI and MSI-X capabilities. [PCI] 6.8.1, 6.8.2.
 *
 * A message may be sent to any address. Where it reaches a device that sends
 * one in turn, and so on back to the first, the chain ends there: a device
 * sends one message at a time.
 *
 * Not modelled: messages that wait for bus mastering (they are lost), steering
 * tags, extended message data.
 */
#include "hw/pci/msi.h"

#include <string.h>

#include "base/log.h"

enum { CAP_MSI = 0x05, CAP_MSIX = 0x11, CONTROL = 2 };
enum { /* MSI: message control, then where things are */
       MSI_ENABLE = 1 << 0,
       MSI_CAPABLE_SHIFT = 1,
       MSI_ALLOTTED = 7 << 4,
       MSI_ALLOTTED_SHIFT = 4,
       MSI_64BIT = 1 << 7,
       MSI_MASKABLE = 1 << 8,
       MSI_ADDRESS = 4,
       MSI_DATA = 12,
       MSI_MASK = 16,
       MSI_PENDING = 20,
       MSI_SIZE = 14,
       MSI_SIZE_MASKABLE = 24,
};
enum { /* MSI-X */
       MSIX_MASK_ALL = 1 << 14,
       MSIX_ENABLE = 1 << 15,
       MSIX_TABLE = 4,
       MSIX_PENDING = 8,
       MSIX_SIZE = 12,
       ENTRY_DATA = 8,
       ENTRY_CONTROL = 12,
       ENTRY_MASKED = 1,
       BAR_PENDING = 2048,
};

static bool touches(unsigned at, unsigned size, unsigned reg, unsigned reg_size)
{
    return at < reg + reg_size && reg < at + size;
}

static bool send_message(struct pci_dev *d, bool *sending, uint64_t addr,
                         uint32_t data)
{
    if (!pci_is_master(d) || *sending) {
        log_guest("%s: MSI %s", dev_name(&d->dev),
                  *sending ? "that leads back to itself"
                           : "without bus mastering");
        return false;
    }
    *sending = true;
    space_write(&d->dev.machine->memory, addr & ~UINT64_C(3), 4, data);
    *sending = false;
    return true;
}

/* --- MSI --- */

static uint8_t *msi_reg(const struct msi *msi, unsigned reg)
{
    return &msi->pci->config[msi->at + reg];
}

void msi_init(struct msi *msi, struct pci_dev *d, unsigned vectors,
              bool maskable)
{
    unsigned log2 = (unsigned)__builtin_ctz(vectors);
    unsigned size = maskable ? MSI_SIZE_MASKABLE : MSI_SIZE;
    uint8_t *writable;

    assert(vectors >= 1 && vectors <= MSI_MAX && vectors == 1u << log2);
    *msi = (struct msi){.pci = d, .vectors = vectors, .maskable = maskable};
    msi->at = (uint8_t)pci_add_capability(d, CAP_MSI, size);
    stl_u16(msi_reg(msi, CONTROL),
            (uint16_t)(MSI_64BIT | (maskable ? MSI_MASKABLE : 0) |
                       log2 << MSI_CAPABLE_SHIFT));
    writable = &d->writable[msi->at];
    stl_u16(writable + CONTROL, MSI_ENABLE | MSI_ALLOTTED);
    stl_u64(writable + MSI_ADDRESS, ~UINT64_C(3));
    stl_u16(writable + MSI_DATA, UINT16_MAX);
    if (maskable) {
        stl_u32(writable + MSI_MASK, (uint32_t)((UINT64_C(1) << vectors) - 1));
    }
}

bool msi_enabled(const struct msi *msi)
{
    return msi->vectors && (*msi_reg(msi, CONTROL) & MSI_ENABLE);
}

/* How many vectors the guest has allotted, at most those that we have. */
static unsigned msi_allotted(const struct msi *msi)
{
    unsigned log2 =
        (*msi_reg(msi, CONTROL) & MSI_ALLOTTED) >> MSI_ALLOTTED_SHIFT;

    return MIN(1u << log2, msi->vectors);
}

static void msi_deliver(struct msi *msi, unsigned vector)
{
    uint32_t data = ldl_u16(msi_reg(msi, MSI_DATA));

    data = (data & ~(msi_allotted(msi) - 1)) | vector;
    send_message(msi->pci, &msi->sending, ldl_u64(msi_reg(msi, MSI_ADDRESS)),
                 data);
}

void msi_send(struct msi *msi, unsigned vector)
{
    uint32_t bit;

    if (!msi_enabled(msi)) {
        return;
    }
    vector &= msi_allotted(msi) - 1;
    bit = UINT32_C(1) << vector;
    if (msi->maskable && (ldl_u32(msi_reg(msi, MSI_MASK)) & bit)) {
        stl_u32(msi_reg(msi, MSI_PENDING),
                ldl_u32(msi_reg(msi, MSI_PENDING)) | bit);
    } else {
        msi_deliver(msi, vector);
    }
}

void msi_config_written(struct msi *msi, unsigned at, unsigned size)
{
    if (!msi->maskable || !msi_enabled(msi) ||
        !touches(at, size, msi->at, MSI_SIZE_MASKABLE)) {
        return;
    }
    for (unsigned i = 0; i < msi_allotted(msi); i++) {
        uint32_t bit = UINT32_C(1) << i;
        uint32_t pending = ldl_u32(msi_reg(msi, MSI_PENDING));

        if ((pending & bit) && !(ldl_u32(msi_reg(msi, MSI_MASK)) & bit)) {
            stl_u32(msi_reg(msi, MSI_PENDING), pending & ~bit);
            msi_deliver(msi, i);
        }
    }
}

/* Read-only bits as they were made; the pending ones may be anything. */
static void keep_read_only(struct pci_dev *d, unsigned at, unsigned size)
{
    for (unsigned i = at; i < at + size; i++) {
        d->config[i] = (uint8_t)((d->config[i] & d->writable[i]) |
                                 (d->reset_config[i] & ~d->writable[i]));
    }
}

void msi_settle(struct msi *msi)
{
    if (msi->vectors) {
        keep_read_only(msi->pci, msi->at,
                       msi->maskable ? (unsigned)MSI_PENDING
                                     : (unsigned)MSI_SIZE);
    }
}

/* --- MSI-X --- */

static uint8_t *msix_entry(struct msix *x, unsigned vector)
{
    return &x->table[vector * MSIX_ENTRY];
}

static unsigned msix_control(const struct msix *x)
{
    return ldl_u16(&x->pci->config[x->at + CONTROL]);
}

static bool msix_masked(struct msix *x, unsigned vector)
{
    return (msix_control(x) & MSIX_MASK_ALL) ||
           (msix_entry(x, vector)[ENTRY_CONTROL] & ENTRY_MASKED);
}

static bool msix_is_pending(const struct msix *x, unsigned vector)
{
    return x->pending[vector / 8] >> vector % 8 & 1;
}

static void msix_deliver(struct msix *x, unsigned vector)
{
    const uint8_t *e = msix_entry(x, vector);

    send_message(x->pci, &x->sending, ldl_u64(e), ldl_u32(e + ENTRY_DATA));
}

static void msix_flush(struct msix *x, unsigned vector)
{
    if (msix_is_pending(x, vector) && msix_enabled(x) &&
        !msix_masked(x, vector)) {
        msix_clear_pending(x, vector);
        msix_deliver(x, vector);
    }
}

static uint64_t table_read(void *opaque, uint64_t at, unsigned size)
{
    struct msix *x = opaque;

    return ldl_u32(x->table + at);
}

static void table_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    struct msix *x = opaque;
    uint32_t v = (uint32_t)value;

    if (at % MSIX_ENTRY == ENTRY_CONTROL) {
        v &= ENTRY_MASKED;
    }
    stl_u32(x->table + at, v);
    msix_flush(x, (unsigned)(at / MSIX_ENTRY));
}

static uint64_t pending_read(void *opaque, uint64_t at, unsigned size)
{
    const struct msix *x = opaque;

    return ldl_u32(x->pending + at);
}

static const struct region_ops table_ops = {
    .read = table_read, .write = table_write, .min = 4, .max = 4};
static const struct region_ops pending_ops = {
    .read = pending_read, .min = 4, .max = 4};

void msix_init(struct msix *x, struct pci_dev *d, unsigned vectors,
               unsigned slot, struct region *bar, uint32_t table_at,
               uint32_t pending_at)
{
    uint8_t *c;

    assert(vectors >= 1 && vectors <= MSIX_MAX);
    assert(table_at % 8 == 0 && pending_at % 8 == 0);
    x->pci = d;
    x->vectors = vectors;
    x->at = (uint8_t)pci_add_capability(d, CAP_MSIX, MSIX_SIZE);
    c = &d->config[x->at];
    stl_u16(c + CONTROL, (uint16_t)(vectors - 1));
    stl_u16(&d->writable[x->at + CONTROL], MSIX_MASK_ALL | MSIX_ENABLE);
    stl_u32(c + MSIX_TABLE, table_at | slot);
    stl_u32(c + MSIX_PENDING, pending_at | slot);
    region_init_io(&x->table_region, "msix-table", vectors * MSIX_ENTRY,
                   &table_ops, x);
    region_init_io(&x->pending_region, "msix-pba", (vectors + 63) / 64 * 8,
                   &pending_ops, x);
    region_add(bar, &x->table_region, table_at, 1);
    region_add(bar, &x->pending_region, pending_at, 1);
    msix_reset(x);
}

void msix_init_bar(struct msix *x, struct pci_dev *d, unsigned vectors,
                   unsigned slot)
{
    region_init_container(&x->bar, "msix", MSIX_BAR);
    pci_set_bar(d, slot, PCI_BAR_MEM32, &x->bar);
    msix_init(x, d, vectors, slot, &x->bar, 0, BAR_PENDING);
}

void msix_unrealize(struct msix *x)
{
    if (x->vectors) {
        region_remove(&x->table_region);
        region_remove(&x->pending_region);
    }
}

void msix_reset(struct msix *x)
{
    memset(x->table, 0, sizeof(x->table));
    memset(x->pending, 0, sizeof(x->pending));
    for (unsigned i = 0; i < x->vectors; i++) {
        msix_entry(x, i)[ENTRY_CONTROL] = ENTRY_MASKED;
    }
}

bool msix_enabled(const struct msix *x)
{
    return x->vectors && (msix_control(x) & MSIX_ENABLE);
}

void msix_send(struct msix *x, unsigned vector)
{
    if (!msix_enabled(x) || vector >= x->vectors) {
        return;
    }
    if (msix_masked(x, vector)) {
        x->pending[vector / 8] |= (uint8_t)(1u << vector % 8);
    } else {
        msix_deliver(x, vector);
    }
}

void msix_clear_pending(struct msix *x, unsigned vector)
{
    if (vector < x->vectors) {
        x->pending[vector / 8] &= (uint8_t) ~(1u << vector % 8);
    }
}

void msix_config_written(struct msix *x, unsigned at, unsigned size)
{
    if (!x->vectors || !touches(at, size, x->at, MSIX_TABLE)) {
        return;
    }
    for (unsigned i = 0; i < x->vectors; i++) {
        msix_flush(x, i);
    }
}

void msix_settle(struct msix *x)
{
    if (!x->vectors) {
        return;
    }
    keep_read_only(x->pci, x->at, MSIX_SIZE);
    for (unsigned i = 0; i < x->vectors; i++) {
        uint8_t *control = msix_entry(x, i) + ENTRY_CONTROL;

        stl_u32(control, *control & ENTRY_MASKED);
    }
    for (unsigned i = x->vectors; i < MSIX_MAX; i++) {
        msix_clear_pending(x, i);
    }
}
