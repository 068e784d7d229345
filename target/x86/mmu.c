/* SPDX-License-Identifier: MIT */
/*
 * Page walks [SDM] vol. 3 ch. 4: no paging, 32-bit with PSE-36, PAE, 4-level
 * and 5-level; NX, WP, SMEP, SMAP, protection keys, reserved bits, accessed
 * and dirty bits.
 *
 * Not modelled: caching of upper levels (an INVLPG is never missed), the
 * memory types of PAT and MTRRs.
 */
#include "target/x86/mmu.h"

#include "target/x86/access.h"
#include "target/x86/excp.h"
#include "target/x86/model.h"
#include "target/x86/tlb.h"

enum { /* of a paging-structure entry */
       PTE_P = 1 << 0,
       PTE_W = 1 << 1,
       PTE_U = 1 << 2,
       PTE_A = 1 << 5,
       PTE_D = 1 << 6,
       PTE_PS = 1 << 7,
       PTE_G = 1 << 8,
};
#define PTE_NX BIT(63)

/* The entries met on the way down. */
struct path {
    uint64_t at[5];
    uint64_t entry[5];
    unsigned count;
    unsigned width; /* of an entry, in bytes */
};

bool x86_canonical(const struct x86_cpu *cpu, uint64_t lin)
{
    unsigned bits = cpu->cr4 & X86_CR4_LA57 ? 57 : 48;

    return (uint64_t)((int64_t)(lin << (64 - bits)) >> (64 - bits)) == lin;
}

const struct range *x86_phys_range(struct x86_cpu *cpu, uint64_t phys)
{
    const struct range *r = cpu->tlb->last_range;

    if (r && phys - r->start <= r->last - r->start) {
        return r;
    }
    r = view_find(cpu->view, phys);
    if (r && r->host) {
        cpu->tlb->last_range = r;
    }
    return r;
}

/* Host address of a naturally aligned piece of RAM, or NULL. */
static uint8_t *phys_host(struct x86_cpu *cpu, uint64_t phys,
                          const struct range **range)
{
    const struct range *r = x86_phys_range(cpu, phys);

    *range = r;
    return r && r->host && r->last - phys >= 7 ? r->host + (phys - r->start)
                                               : NULL;
}

uint64_t x86_phys_ld(struct x86_cpu *cpu, uint64_t phys, unsigned size)
{
    const struct range *r;
    const uint8_t *host;

    phys = x86_a20(cpu, phys);
    host = phys_host(cpu, phys, &r);
    return host ? host_ld(host, size) : space_read(cpu->memory, phys, size);
}

void x86_phys_st(struct x86_cpu *cpu, uint64_t phys, uint64_t value,
                 unsigned size)
{
    space_write(cpu->memory, x86_a20(cpu, phys), size, value);
}

/* Sets bits of an entry, unless somebody changed it meanwhile. */
static bool entry_or(struct x86_cpu *cpu, uint64_t at, uint64_t old,
                     uint64_t bits, unsigned width)
{
    const struct range *r;
    uint8_t *host;
    bool done;

    at = x86_a20(cpu, at);
    host = phys_host(cpu, at, &r);
    if (!host || r->readonly) {
        space_write(cpu->memory, at, width, old | bits);
        return true;
    }
    if (width == 4) {
        uint32_t was = (uint32_t)old;

        done = __atomic_compare_exchange_n((uint32_t *)(void *)host, &was,
                                           (uint32_t)(old | bits), false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    } else {
        done = __atomic_compare_exchange_n((uint64_t *)(void *)host, &old,
                                           old | bits, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
    if (done) {
        ram_wrote(r->ram, r->ram_at + (at - r->start), width);
    }
    return done;
}

bool x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3, uint64_t out[4])
{
    uint64_t reserved = (~cpu->phys_mask & ~PTE_NX) | PTE_NX | 0x1e6;

    for (unsigned i = 0; i < 4; i++) {
        out[i] = x86_phys_ld(cpu, (cr3 & 0xffffffe0) + 8 * i, 8);
        if (out[i] & PTE_P && out[i] & reserved) {
            return false;
        }
    }
    return true;
}

/* Bits that must be zero in an entry of 8 bytes. */
static uint64_t reserved64(const struct x86_cpu *cpu, uint64_t entry,
                           unsigned shift)
{
    uint64_t bad = ~cpu->phys_mask & UINT64_C(0x000fffffffffffff);

    if (!x86_long_mode(cpu)) {
        bad |= UINT64_C(0x7ff0000000000000);
    }
    if (!(cpu->msr.efer & X86_EFER_NXE)) {
        bad |= PTE_NX;
    }
    if (shift > 12 && entry & PTE_PS) {
        if (shift == 21 || (shift == 30 && x86_has_1g_pages(cpu->model))) {
            bad |= (BIT(shift) - 1) & ~UINT64_C(0x1fff);
        } else {
            bad |= PTE_PS;
        }
    }
    return entry & bad;
}

/* Follows 8-byte entries from `table`, whose index starts at bit `shift`. */
static bool walk64(struct x86_cpu *cpu, uint64_t lin, uint64_t table,
                   unsigned shift, struct path *path, struct x86_walk *w,
                   uint32_t *error)
{
    path->width = 8;
    for (;; shift -= 9) {
        uint64_t at = table + (lin >> shift & 511) * 8;
        uint64_t e = x86_phys_ld(cpu, at, 8);

        path->at[path->count] = at;
        path->entry[path->count++] = e;
        if (!(e & PTE_P)) {
            *error = 0;
            return false;
        }
        if (reserved64(cpu, e, shift)) {
            *error = X86_PF_P | X86_PF_RSVD;
            return false;
        }
        w->writable &= !!(e & PTE_W);
        w->user &= !!(e & PTE_U);
        w->nx |= e >> 63;
        table = e & UINT64_C(0x000ffffffffff000);
        if (shift == 12 || e & PTE_PS) {
            w->size = BIT(shift);
            w->leaf = e;
            w->phys = (table & ~(w->size - 1)) |
                      (lin & (w->size - 1) & ~UINT64_C(0xfff));
            return true;
        }
    }
}

static bool walk32(struct x86_cpu *cpu, uint64_t lin, struct path *path,
                   struct x86_walk *w, uint32_t *error)
{
    uint64_t table = cpu->cr3 & 0xfffff000;

    path->width = 4;
    for (unsigned shift = 22;; shift -= 10) {
        uint64_t at = table + (lin >> shift & 1023) * 4;
        uint64_t e = x86_phys_ld(cpu, at, 4);

        path->at[path->count] = at;
        path->entry[path->count++] = e;
        *error = 0;
        if (!(e & PTE_P)) {
            return false;
        }
        w->writable &= !!(e & PTE_W);
        w->user &= !!(e & PTE_U);
        w->leaf = e;
        w->size = BIT(shift);
        if (shift == 22 && e & PTE_PS && cpu->cr4 & X86_CR4_PSE) {
            uint64_t high = (e >> 13 & 0xff) << 32;

            w->phys = high | (e & 0xffc00000) | (lin & 0x3ff000);
            *error = X86_PF_P | X86_PF_RSVD;
            return !(e & BIT(21)) && !(high & ~cpu->phys_mask);
        }
        table = e & 0xfffff000;
        if (shift == 12) {
            w->phys = table;
            return true;
        }
    }
}

static bool walk_tables(struct x86_cpu *cpu, uint64_t lin, struct path *path,
                        struct x86_walk *w, uint32_t *error)
{
    uint64_t root = cpu->cr3 & UINT64_C(0x000ffffffffff000);

    *w = (struct x86_walk){.user = true, .writable = true};
    path->count = 0;
    if (x86_long_mode(cpu)) {
        return walk64(cpu, lin, root, cpu->cr4 & X86_CR4_LA57 ? 48 : 39, path,
                      w, error);
    }
    if (cpu->cr4 & X86_CR4_PAE) {
        uint64_t pdpte = cpu->pdpte[lin >> 30 & 3];

        *error = 0;
        return pdpte & PTE_P &&
               walk64(cpu, lin, pdpte & UINT64_C(0x000ffffffffff000), 21, path,
                      w, error);
    }
    return walk32(cpu, lin, path, w, error);
}

/* Is the access allowed by the rights that the walk gathered? */
static bool allowed(const struct x86_cpu *cpu, const struct x86_walk *w,
                    enum x86_kind kind, enum x86_tlb_set set, uint32_t *error)
{
    bool user = set == X86_TLB_USER;

    *error = X86_PF_P;
    if (user ? !w->user
             : w->user && (kind == X86_FETCH ? !!(cpu->cr4 & X86_CR4_SMEP)
                                             : set == X86_TLB_SUP &&
                                                   cpu->cr4 & X86_CR4_SMAP)) {
        return false;
    }
    if (kind == X86_WRITE && !w->writable && (user || cpu->cr0 & X86_CR0_WP)) {
        return false;
    }
    if (kind == X86_FETCH) {
        return !w->nx;
    }
    if (cpu->cr4 & X86_CR4_PKE && x86_long_mode(cpu) && w->user) {
        unsigned rights = cpu->pkru >> (2 * (w->leaf >> 59 & 15)) & 3;

        if (rights & 1 || (rights & 2 && kind == X86_WRITE &&
                           (user || cpu->cr0 & X86_CR0_WP))) {
            *error = X86_PF_P | X86_PF_PK;
            return false;
        }
    }
    return true;
}

/* Accessed in every entry, dirty in the last. False: an entry changed. */
static bool mark_used(struct x86_cpu *cpu, const struct path *path, bool write)
{
    for (unsigned i = 0; i < path->count; i++) {
        uint64_t e = path->entry[i];
        uint64_t want =
            write && i == path->count - 1 ? PTE_A | PTE_D : (uint64_t)PTE_A;

        if ((e & want) != want &&
            !entry_or(cpu, path->at[i], e, want, path->width)) {
            return false;
        }
    }
    return true;
}

static uint32_t error_bits(const struct x86_cpu *cpu, enum x86_kind kind,
                           enum x86_tlb_set set)
{
    bool tell_fetch = cpu->cr4 & X86_CR4_SMEP ||
                      (cpu->msr.efer & X86_EFER_NXE && cpu->cr4 & X86_CR4_PAE);

    return (kind == X86_WRITE ? X86_PF_W : 0U) |
           (kind == X86_FETCH && tell_fetch ? X86_PF_I : 0U) |
           (set == X86_TLB_USER ? X86_PF_U : 0U);
}

bool x86_walk(struct x86_cpu *cpu, uint64_t lin, enum x86_kind kind,
              enum x86_tlb_set set, bool peek, struct x86_walk *w,
              uint32_t *error)
{
    struct path path;

    if (!(cpu->cr0 & X86_CR0_PG)) {
        *w = (struct x86_walk){.phys = lin & 0xfffff000,
                               .size = 4096,
                               .user = true,
                               .writable = true,
                               .dirty = true};
        return true;
    }
    do {
        if (!walk_tables(cpu, lin, &path, w, error) ||
            (!peek && !allowed(cpu, w, kind, set, error))) {
            *error |= error_bits(cpu, kind, set);
            return false;
        }
    } while (!peek && !mark_used(cpu, &path, kind == X86_WRITE));
    if (!peek && w->user && x86_long_mode(cpu)) {
        cpu->tlb->keys |= (uint16_t)BIT(w->leaf >> 59 & 15);
    }
    w->global = w->leaf & PTE_G && cpu->cr4 & X86_CR4_PGE;
    w->dirty = w->leaf & PTE_D || (!peek && kind == X86_WRITE);
    return true;
}

uint64_t x86_walk_hole(struct x86_cpu *cpu, uint64_t lin)
{
    unsigned top = x86_long_mode(cpu) ? 39 : cpu->cr4 & X86_CR4_PAE ? 30 : 22;
    unsigned step = top == 22 ? 10 : 9;
    struct path path;
    struct x86_walk w;
    uint32_t error;
    uint64_t size;

    if (x86_long_mode(cpu) && cpu->cr4 & X86_CR4_LA57) {
        top = 48;
    }
    walk_tables(cpu, lin, &path, &w, &error);
    if (top == 30) { /* the PDPTE registers are no entries of the path */
        path.count++;
    }
    size = BIT(top - step * (path.count ? path.count - 1 : 0));
    return size - (lin & (size - 1));
}

/* Where the physical page lies in host memory, if all of it does. */
static void find_host(struct x86_cpu *cpu, struct x86_page *page)
{
    const struct range *r = x86_phys_range(cpu, page->phys);

    page->host = NULL;
    page->ram = NULL;
    if (!r || !r->host || r->last - page->phys < 0xfff) {
        return;
    }
    page->host = r->host + (page->phys - r->start);
    page->readonly = r->readonly;
    if ((r->ram_at + (page->phys - r->start)) % RAM_PAGE) {
        page->host = NULL; /* not in step with its pages: never direct */
        return;
    }
    page->ram = r->ram;
    page->ram_page = (r->ram_at + (page->phys - r->start)) >> RAM_PAGE_SHIFT;
}

void x86_translate(struct x86_cpu *cpu, uint64_t lin, enum x86_kind kind,
                   enum x86_tlb_set set, struct x86_page *page)
{
    struct x86_walk w;
    uint32_t error;

    if (!x86_walk(cpu, lin, kind, set, false, &w, &error)) {
        cpu->cr2 = lin;
        x86_raise_error(cpu, X86_EXC_PF, error);
    }
    page->phys = x86_a20(cpu, w.phys);
    page->global = w.global;
    page->large = w.size > 4096;
    find_host(cpu, page);
}

bool x86_translate_debug(struct x86_cpu *cpu, uint64_t lin, uint64_t *phys)
{
    struct x86_walk w;
    uint32_t error;

    if (!x86_walk(cpu, lin, X86_READ, X86_TLB_SUP, true, &w, &error)) {
        return false;
    }
    *phys = x86_a20(cpu, w.phys | (lin & 0xfff));
    return true;
}

enum x86_tlb_set x86_data_set(const struct x86_cpu *cpu, unsigned cpl)
{
    if (cpl == 3) {
        return X86_TLB_USER;
    }
    return cpu->cr4 & X86_CR4_SMAP && !(cpu->eflags & X86_AC) ? X86_TLB_SUP
                                                              : X86_TLB_SUP_AC;
}
