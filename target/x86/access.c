/* SPDX-License-Identifier: MIT */
/*
 * The slow paths of guest memory accesses: segment checks, page walks,
 * accesses that cross a page, devices, pages that hold code or whose changes
 * somebody wants to hear of, alignment checks, data breakpoints, and
 * read-modify-writes that other CPUs must not see halfway.
 */
#include "target/x86/access.h"

#include "target/x86/block.h"
#include "target/x86/debug.h"
#include "target/x86/excp.h"
#include "target/x86/journal.h"
#include "target/x86/mmu.h"
#include "target/x86/segment.h"

/* An access that has passed every check, in at most two pages. */
struct pieces {
    struct x86_page page[2];
    unsigned off;   /* in the first page */
    unsigned first; /* bytes in it */
    unsigned len;
};

/* Somebody may want to undo what is about to be written. */
static void note_store(struct x86_journal *j, const struct pieces *p)
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned off = i ? 0 : p->off;
        unsigned len = i ? p->len - p->first : p->first;

        if (len && p->page[i].host && !p->page[i].readonly) {
            x86_journal_store(j, p->page[i].host + off, len);
        }
    }
}

static void translate_all(struct x86_cpu *cpu, uint64_t lin, unsigned len,
                          enum x86_kind kind, enum x86_tlb_set set,
                          struct pieces *p)
{
    p->off = lin & 0xfff;
    p->first = MIN(len, 4096 - p->off);
    p->len = len;
    x86_translate(cpu, lin, kind, set, &p->page[0]);
    if (p->first < len) {
        uint64_t next = (lin + p->first) & cpu->lin_mask;

        x86_translate(cpu, next, kind, set, &p->page[1]);
    }
    if (unlikely(cpu->dr[7] & 0xff)) {
        x86_data_breakpoints(cpu, lin, len, kind == X86_WRITE);
    }
    if (unlikely(cpu->journal) && kind == X86_WRITE) {
        note_store(cpu->journal, p);
    }
}

static void read_io(struct x86_cpu *cpu, uint64_t phys, uint8_t *buf,
                    unsigned len)
{
    x86_journal_lose(cpu->journal);
    while (len) {
        unsigned n = len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
        uint64_t v = space_read(cpu->memory, phys, n);

        memcpy(buf, &v, n);
        phys += n;
        buf += n;
        len -= n;
    }
}

static void write_io(struct x86_cpu *cpu, uint64_t phys, const uint8_t *buf,
                     unsigned len)
{
    x86_journal_lose(cpu->journal);
    while (len) {
        unsigned n = len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
        uint64_t v = 0;

        memcpy(&v, buf, n);
        space_write(cpu->memory, phys, n, v);
        phys += n;
        buf += n;
        len -= n;
    }
}

static void read_page(struct x86_cpu *cpu, const struct x86_page *page,
                      unsigned off, uint8_t *buf, unsigned len)
{
    if (page->host) {
        memcpy(buf, page->host + off, len);
    } else {
        read_io(cpu, page->phys + off, buf, len);
    }
}

/* After a store to RAM by other means than a TLB hit. */
static void wrote(struct x86_cpu *cpu, const struct x86_page *page,
                  unsigned off, unsigned len)
{
    bool code = __atomic_load_n(&page->ram->code[page->ram_page].lines,
                                __ATOMIC_RELAXED);

    ram_wrote(page->ram, (page->ram_page << RAM_PAGE_SHIFT) + off, len);
    if (unlikely(code)) {
        x86_block_written(cpu);
    }
}

static void write_page(struct x86_cpu *cpu, const struct x86_page *page,
                       unsigned off, const uint8_t *buf, unsigned len)
{
    if (page->host && !page->readonly) {
        uint64_t v = 0;

        switch (len) { /* whole, as other CPUs see them */
        case 1:
        case 2:
        case 4:
        case 8:
            memcpy(&v, buf, len);
            host_st(page->host + off, v, len);
            break;
        default: memcpy(page->host + off, buf, len); break;
        }
        wrote(cpu, page, off, len);
    } else {
        write_io(cpu, page->phys + off, buf, len);
    }
}

static void read_pieces(struct x86_cpu *cpu, const struct pieces *p, void *buf)
{
    read_page(cpu, &p->page[0], p->off, buf, p->first);
    if (p->first < p->len) {
        read_page(cpu, &p->page[1], 0, (uint8_t *)buf + p->first,
                  p->len - p->first);
    }
}

static void write_pieces(struct x86_cpu *cpu, const struct pieces *p,
                         const void *buf)
{
    write_page(cpu, &p->page[0], p->off, buf, p->first);
    if (p->first < p->len) {
        write_page(cpu, &p->page[1], 0, (const uint8_t *)buf + p->first,
                   p->len - p->first);
    }
}

/* Gives the TLB what it may keep. */
static void keep(struct x86_cpu *cpu, enum x86_tlb_set set, bool write,
                 uint64_t lin, const struct x86_page *page)
{
    if (!page->host || x86_watched_page(cpu, lin) ||
        (write && (page->readonly || !ram_plain(page->ram, page->ram_page)))) {
        return;
    }
    x86_tlb_fill(cpu, set, write, lin, page);
}

static bool alignment_checked(const struct x86_cpu *cpu)
{
    return cpu->cpl == 3 && cpu->cr0 & X86_CR0_AM && cpu->eflags & X86_AC;
}

/* The set of the running code's data accesses. */
static enum x86_tlb_set current_set(const struct x86_cpu *cpu)
{
    return x86_data_set(cpu, cpu->cpl);
}

static void load(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                 void *buf, unsigned len)
{
    struct pieces p;

    translate_all(cpu, lin, len, X86_READ, set, &p);
    read_pieces(cpu, &p, buf);
    if (p.first == len) {
        keep(cpu, set, false, lin, &p.page[0]);
    }
}

static void store(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                  const void *buf, unsigned len)
{
    struct pieces p;

    translate_all(cpu, lin, len, X86_WRITE, set, &p);
    write_pieces(cpu, &p, buf);
    if (p.first == len) {
        keep(cpu, set, true, lin, &p.page[0]);
    }
}

/* Segment and alignment; the linear address. */
static uint64_t check(struct x86_cpu *cpu, const struct x86_insn *insn,
                      unsigned seg, uint64_t ea, unsigned len, bool write)
{
    uint64_t lin;

    cpu->insn = insn;
    lin = x86_seg_check(cpu, seg, ea, len, write);
    if (unlikely(alignment_checked(cpu)) && len <= 8 &&
        (len & (len - 1)) == 0 && lin & (len - 1)) {
        x86_raise_error(cpu, X86_EXC_AC, 0);
    }
    return lin;
}

uint64_t x86_ld_slow(struct x86_cpu *cpu, const struct x86_insn *insn,
                     unsigned seg, uint64_t ea, unsigned size)
{
    uint64_t lin = check(cpu, insn, seg, ea, size, false);
    uint64_t value = 0;

    load(cpu, current_set(cpu), lin, &value, size);
    return value;
}

void x86_st_slow(struct x86_cpu *cpu, const struct x86_insn *insn, unsigned seg,
                 uint64_t ea, uint64_t value, unsigned size)
{
    uint64_t lin = check(cpu, insn, seg, ea, size, true);

    store(cpu, current_set(cpu), lin, &value, size);
}

static void check_aligned(struct x86_cpu *cpu, const struct x86_insn *insn,
                          unsigned seg, uint64_t ea, unsigned align)
{
    if (align && (cpu->hot[seg].base + ea) & (align - 1)) {
        cpu->insn = insn;
        x86_raise_gp0(cpu);
    }
}

void x86_ld(struct x86_cpu *cpu, const struct x86_insn *insn, unsigned seg,
            uint64_t ea, void *buf, unsigned len, unsigned align)
{
    const uint8_t *p = x86_hit_rd(cpu, seg, ea, len);

    check_aligned(cpu, insn, seg, ea, align);
    if (likely(p)) {
        memcpy(buf, p, len);
        return;
    }
    load(cpu, current_set(cpu), check(cpu, insn, seg, ea, len, false), buf,
         len);
}

void x86_st(struct x86_cpu *cpu, const struct x86_insn *insn, unsigned seg,
            uint64_t ea, const void *buf, unsigned len, unsigned align)
{
    uint8_t *p = x86_hit_wr(cpu, seg, ea, len);

    check_aligned(cpu, insn, seg, ea, align);
    if (likely(p)) {
        memcpy(p, buf, len);
        return;
    }
    store(cpu, current_set(cpu), check(cpu, insn, seg, ea, len, true), buf,
          len);
}

static void probe(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                  unsigned len, bool write)
{
    struct pieces p;

    translate_all(cpu, lin, len, write ? X86_WRITE : X86_READ, set, &p);
    if (p.first == len) {
        keep(cpu, set, write, lin, &p.page[0]);
    }
}

void x86_probe_st(struct x86_cpu *cpu, const struct x86_insn *insn,
                  unsigned seg, uint64_t ea, unsigned len)
{
    if (!x86_hit_wr(cpu, seg, ea, len)) {
        probe(cpu, current_set(cpu), check(cpu, insn, seg, ea, len, true), len,
              true);
    }
}

void x86_probe_ld(struct x86_cpu *cpu, const struct x86_insn *insn,
                  unsigned seg, uint64_t ea, unsigned len)
{
    if (!x86_hit_rd(cpu, seg, ea, len)) {
        probe(cpu, current_set(cpu), check(cpu, insn, seg, ea, len, false), len,
              false);
    }
}

/* What to make of the old value. */
struct change {
    x86_rmw_fn *fn;
    uint64_t a, b;
};

static uint64_t changed(const struct change *c, uint64_t old)
{
    return c->fn(old, c->a, c->b);
}

/* Can the host lock it? An x86 can at any address, as translated code does. */
static bool host_locks(uint64_t at, unsigned size)
{
#ifdef __x86_64__
    return true;
#else
    return !(at & (size - 1));
#endif
}

__attribute__((no_sanitize("alignment"))) static uint64_t exchange(
    void *p, unsigned size, const struct change *c)
{
    /* clang-format off */
#define EXCHANGE(type) \
    { \
        type old = __atomic_load_n((type *)p, __ATOMIC_RELAXED); \
        while (!__atomic_compare_exchange_n( \
            (type *)p, &old, (type)changed(c, old), false, __ATOMIC_SEQ_CST, \
            __ATOMIC_SEQ_CST)) { \
        } \
        return old; \
    }
    /* clang-format on */
    switch (size) {
    case 1: EXCHANGE(uint8_t)
    case 2: EXCHANGE(uint16_t)
    case 4: EXCHANGE(uint32_t)
    default: EXCHANGE(uint64_t)
    }
#undef EXCHANGE
}

/* What is not RAM, crosses a page, or is nothing that the host can lock: only
 * atomic against others of its kind. */
static uint64_t exchange_pieces(struct x86_cpu *cpu, const struct pieces *p,
                                const struct change *c)
{
    uint64_t old = 0;
    uint64_t with;

    lock_enter(cpu->memory->lock);
    read_pieces(cpu, p, &old);
    with = changed(c, old);
    write_pieces(cpu, p, &with);
    lock_leave(cpu->memory->lock);
    return old;
}

static uint64_t rmw_slow(struct x86_cpu *cpu, const struct x86_insn *insn,
                         uint64_t ea, unsigned size, bool locked,
                         const struct change *c)
{
    uint64_t lin = check(cpu, insn, insn->seg, ea, size, true);
    enum x86_tlb_set set = current_set(cpu);
    struct pieces p;
    uint64_t old;

    translate_all(cpu, lin, size, X86_WRITE, set, &p);
    if (p.first < size || !p.page[0].host || p.page[0].readonly ||
        (locked && !host_locks(lin, size))) {
        return exchange_pieces(cpu, &p, c);
    }
    if (!locked && lin & (size - 1)) {
        uint64_t with;

        old = host_ld(p.page[0].host + p.off, size);
        with = changed(c, old);
        write_page(cpu, &p.page[0], p.off, (const uint8_t *)&with, size);
        return old;
    }
    old = exchange(p.page[0].host + p.off, size, c);
    wrote(cpu, &p.page[0], p.off, size);
    keep(cpu, set, true, lin, &p.page[0]);
    return old;
}

uint64_t x86_rmw(struct x86_cpu *cpu, const struct x86_insn *insn, uint64_t ea,
                 unsigned size, bool locked, x86_rmw_fn *fn, uint64_t a,
                 uint64_t b)
{
    uint8_t *p = x86_hit_wr(cpu, insn->seg, ea, size);
    struct change c = {fn, a, b};
    uint64_t old;

    if (!p || (locked && !host_locks((uintptr_t)p, size))) {
        return rmw_slow(cpu, insn, ea, size, locked, &c);
    }
    if (locked) {
        return exchange(p, size, &c);
    }
    old = host_ld(p, size);
    host_st(p, fn(old, a, b), size);
    return old;
}

static bool exchange16(void *p, uint64_t old[2], const uint64_t with[2])
{
    unsigned __int128 was = old[0] | (unsigned __int128)old[1] << 64;
    unsigned __int128 now = with[0] | (unsigned __int128)with[1] << 64;
    bool done;

#ifdef __x86_64__
    uint64_t low = old[0];
    uint64_t high = old[1];

    (void)was;
    (void)now;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*(unsigned __int128 *)p), "+a"(low),
                       "+d"(high)
                     : "b"(with[0]), "c"(with[1])
                     : "memory");
    old[0] = low;
    old[1] = high;
#else
    done = __atomic_compare_exchange_n((unsigned __int128 *)p, &was, now, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    old[0] = (uint64_t)was;
    old[1] = (uint64_t)(was >> 64);
#endif
    return done;
}

bool x86_cmpxchg16(struct x86_cpu *cpu, const struct x86_insn *insn,
                   uint64_t ea, uint64_t old[2], const uint64_t with[2])
{
    uint64_t lin;
    uint64_t was[2];
    struct pieces p;
    bool same;

    check_aligned(cpu, insn, insn->seg, ea, 16);
    lin = check(cpu, insn, insn->seg, ea, 16, true);
    translate_all(cpu, lin, 16, X86_WRITE, current_set(cpu), &p);
    if (p.page[0].host && !p.page[0].readonly) {
        same = exchange16(p.page[0].host + p.off, old, with);
        wrote(cpu, &p.page[0], p.off, 16);
        return same;
    }
    read_pieces(cpu, &p, was);
    same = was[0] == old[0] && was[1] == old[1];
    write_pieces(cpu, &p, same ? with : was);
    memcpy(old, was, sizeof(was));
    return same;
}

void x86_ld_lin(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                void *buf, unsigned len)
{
    const uint8_t *p = x86_hit(&cpu->tlb->rd[set], lin, len);

    if (likely(p)) {
        memcpy(buf, p, len);
    } else {
        load(cpu, set, lin, buf, len);
    }
}

void x86_st_lin(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                const void *buf, unsigned len)
{
    uint8_t *p = x86_hit(&cpu->tlb->wr[set], lin, len);

    if (likely(p)) {
        memcpy(p, buf, len);
    } else {
        store(cpu, set, lin, buf, len);
    }
}

void x86_probe_lin(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                   unsigned len, bool write)
{
    probe(cpu, set, lin, len, write);
}
