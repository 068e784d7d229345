/* SPDX-License-Identifier: MIT */
/*
 * MOVS STOS LODS SCAS CMPS INS OUTS, with REP. [SDM] vol. 1, 7.3.9.
 *
 * A repeated instruction works in steps, each inside one page of its source
 * and of its destination; registers are exact after each, and events are
 * looked at between them, with RIP at the instruction. A step that finds no
 * TLB entry, or runs backwards, is one element through the checked accessors.
 */
#include "target/x86/exec.h"
#include "target/x86/io.h"

/* One string instruction in progress. */
struct string {
    struct x86_cpu *cpu;
    const struct x86_insn *insn;
    unsigned size;
    uint64_t mask; /* of addresses and the count */
    uint64_t si, di;
    uint64_t count;
    uint64_t step; /* + or - size */
};

static unsigned element_size(const struct x86_insn *insn)
{
    const uint8_t *o = row_of(insn)->operand;

    for (unsigned i = 0; i < 2; i++) {
        if (o[i] == X86_O_Xb || o[i] == X86_O_Yb) {
            return 1;
        }
        if (o[i] == X86_O_Xz || o[i] == X86_O_Yz) {
            return insn->osize == 2 ? 2 : 4;
        }
    }
    return insn->osize;
}

static bool repeats(const struct x86_insn *insn)
{
    return insn->flags & (X86_I_REP | X86_I_REPNE);
}

static struct string begin(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    uint64_t mask = x86_addr_mask(insn->asize);
    unsigned size = element_size(insn);

    cpu->insn = insn;
    return (struct string){
        .cpu = cpu,
        .insn = insn,
        .size = size,
        .mask = mask,
        .si = cpu->gpr[X86_RSI] & mask,
        .di = cpu->gpr[X86_RDI] & mask,
        .count = repeats(insn) ? cpu->gpr[X86_RCX] & mask : 1,
        .step = cpu->eflags & X86_DF ? -(uint64_t)size : size,
    };
}

/* How many elements may be done at once from ea on: forwards, in one page,
 * without wrapping. */
static uint64_t run(const struct string *s, uint64_t ea)
{
    uint64_t room = 4096 - (ea & 4095);

    if (s->step != s->size || s->cpu->eflags & X86_TF || s->mask - ea < 4095) {
        return 0;
    }
    return MIN(room / s->size, s->count);
}

/* Host memory of n elements at ea; fewer where the linear page ends earlier. */
static const uint8_t *source(const struct string *s, unsigned seg, uint64_t ea,
                             uint64_t *n)
{
    const struct x86_seg_hot *h = &s->cpu->hot[seg];
    uint64_t room = (4096 - ((h->base + ea) & 4095)) / s->size;

    *n = MIN(*n, room);
    if (*n == 0 || ea + *n * s->size > h->rd_end) {
        return NULL;
    }
    return x86_hit(s->cpu->tlb_rd, (h->base + ea) & s->cpu->lin_mask, 1);
}

static uint8_t *destination(const struct string *s, uint64_t *n)
{
    const struct x86_seg_hot *h = &s->cpu->hot[X86_ES];
    uint64_t room = (4096 - ((h->base + s->di) & 4095)) / s->size;

    *n = MIN(*n, room);
    if (*n == 0 || s->di + *n * s->size > h->wr_end) {
        return NULL;
    }
    return x86_hit(s->cpu->tlb_wr, (h->base + s->di) & s->cpu->lin_mask, 1);
}

enum { USES_SI = 1, USES_DI = 2 };

/* n elements are done: moves the registers. */
static void advance(struct string *s, uint64_t n, unsigned uses)
{
    struct x86_cpu *cpu = s->cpu;
    unsigned asize = s->insn->asize;

    if (uses & USES_SI) {
        s->si = (s->si + n * s->step) & s->mask;
        set_gpr(cpu, X86_RSI, s->si, asize);
    }
    if (uses & USES_DI) {
        s->di = (s->di + n * s->step) & s->mask;
        set_gpr(cpu, X86_RDI, s->di, asize);
    }
    s->count -= n;
    if (repeats(s->insn)) {
        set_gpr(cpu, X86_RCX, s->count, asize);
    }
}

static uint64_t load_si(const struct string *s)
{
    return x86_ldn(s->cpu, s->insn, s->insn->seg, s->si, s->size);
}

static uint64_t load_di(const struct string *s)
{
    return x86_ldn(s->cpu, s->insn, X86_ES, s->di, s->size);
}

static void store_di(const struct string *s, uint64_t v)
{
    x86_stn(s->cpu, s->insn, X86_ES, s->di, v, s->size);
}

/* Must the instruction be left, to be resumed later? */
static bool interrupted(const struct string *s)
{
    return s->count && __atomic_load_n(&s->cpu->poll, __ATOMIC_RELAXED);
}

/*
 * A handler is a worker, which returns false where the instruction has to be
 * resumed, and this: `struct string` stays in the worker's frame, so that the
 * handler can leave by a tail call.
 */
#define STRING(name)                                                \
    static no_inline bool name##_work(struct x86_cpu *cpu,          \
                                      const struct x86_insn *insn); \
    HANDLER(name)                                                   \
    {                                                               \
        if (name##_work(cpu, insn)) {                               \
            X86_NEXT(cpu, insn);                                    \
        }                                                           \
        cpu->rip = x86_insn_rip(cpu, insn);                         \
        return NULL;                                                \
    }                                                               \
    static no_inline bool name##_work(struct x86_cpu *cpu,          \
                                      const struct x86_insn *insn)

/* ---- MOVS ---- */

/* As element after element would do it, also where the two overlap. */
static void copy(uint8_t *to, const uint8_t *from, uint64_t n, unsigned size)
{
    if (to <= from || to >= from + n * size) {
        memmove(to, from, n * size);
        return;
    }
    for (uint64_t i = 0; i < n; i++, to += size, from += size) {
        host_st(to, host_ld(from, size), size);
    }
}

static void move_some(struct string *s)
{
    uint64_t n = MIN(run(s, s->si), run(s, s->di));
    const uint8_t *from = n ? source(s, s->insn->seg, s->si, &n) : NULL;
    uint8_t *to = from ? destination(s, &n) : NULL;

    if (to) {
        copy(to, from, n, s->size);
        advance(s, n, USES_SI | USES_DI);
    } else {
        store_di(s, load_si(s));
        advance(s, 1, USES_SI | USES_DI);
    }
}

STRING(movs)
{
    struct string s = begin(cpu, insn);

    while (s.count) {
        move_some(&s);
        if (interrupted(&s)) {
            break;
        }
    }
    return s.count == 0;
}

/* ---- STOS, LODS ---- */

static void fill(uint8_t *to, uint64_t v, uint64_t n, unsigned size)
{
    if (size == 1) {
        memset(to, (int)v, n);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        host_st(to + i * size, v, size);
    }
}

STRING(stos)
{
    struct string s = begin(cpu, insn);
    uint64_t v = get_gpr(cpu, X86_RAX, s.size);

    while (s.count) {
        uint64_t n = run(&s, s.di);
        uint8_t *to = n ? destination(&s, &n) : NULL;

        if (to) {
            fill(to, v, n, s.size);
            advance(&s, n, USES_DI);
        } else {
            store_di(&s, v);
            advance(&s, 1, USES_DI);
        }
        if (interrupted(&s)) {
            break;
        }
    }
    return s.count == 0;
}

STRING(lods)
{
    struct string s = begin(cpu, insn);

    while (s.count) {
        set_gpr(cpu, X86_RAX, load_si(&s), s.size);
        advance(&s, 1, USES_SI);
        if (interrupted(&s)) {
            break;
        }
    }
    return s.count == 0;
}

/* ---- SCAS, CMPS ---- */

/* Does the repetition go on after comparing a and b? */
static bool goes_on(const struct string *s, uint64_t a, uint64_t b)
{
    return (a == b) == !(s->insn->flags & X86_I_REPNE);
}

/*
 * The flags of the comparison that was just done. Of REPNE they count when it
 * ends: a fault before that leaves those from before [SDM] vol. 2, REP.
 */
static void compared(const struct string *s, uint64_t a, uint64_t b, bool on)
{
    if (on && s->count && s->insn->flags & X86_I_REPNE && !interrupted(s)) {
        return;
    }
    flags_sub(s->cpu, a, b, s->size);
}

/* Elements of [p] to pass over until one ends the repetition. */
static uint64_t scan(const struct string *s, const uint8_t *p, uint64_t a,
                     uint64_t n)
{
    uint64_t i = 0;

    if (s->size == 1 && s->insn->flags & X86_I_REPNE) {
        const uint8_t *hit = memchr(p, (int)a, n);

        return hit ? (uint64_t)(hit - p) : n;
    }
    while (i < n && goes_on(s, a, host_ld(p + i * s->size, s->size))) {
        i++;
    }
    return i;
}

STRING(scas)
{
    struct string s = begin(cpu, insn);
    uint64_t a = get_gpr(cpu, X86_RAX, s.size);
    bool on = true;

    while (s.count && on) {
        uint64_t n = repeats(insn) ? run(&s, s.di) : 0;
        const uint8_t *p = n > 1 ? source(&s, X86_ES, s.di, &n) : NULL;
        uint64_t b;

        if (p && n > 1) {
            /* All but the last, which also gives the flags. */
            advance(&s, scan(&s, p, a, n - 1), USES_DI);
        }
        b = load_di(&s);
        advance(&s, 1, USES_DI);
        on = goes_on(&s, a, b);
        compared(&s, a, b, on);
        if (on && interrupted(&s)) {
            return false;
        }
    }
    return true;
}

STRING(cmps)
{
    struct string s = begin(cpu, insn);
    bool on = true;

    while (s.count && on) {
        uint64_t a = load_si(&s);
        uint64_t b = load_di(&s);

        advance(&s, 1, USES_SI | USES_DI);
        on = goes_on(&s, a, b);
        compared(&s, a, b, on);
        if (on && interrupted(&s)) {
            return false;
        }
    }
    return true;
}

/* ---- INS, OUTS ---- */

STRING(ins)
{
    struct string s = begin(cpu, insn);
    uint16_t port = (uint16_t)cpu->gpr[X86_RDX];

    x86_io_check(cpu, port, s.size);
    while (s.count) {
        x86_probe_st(cpu, insn, X86_ES, s.di, s.size);
        store_di(&s, x86_io_read(cpu, port, s.size));
        advance(&s, 1, USES_DI);
        if (interrupted(&s)) {
            break;
        }
    }
    return s.count == 0;
}

STRING(outs)
{
    struct string s = begin(cpu, insn);
    uint16_t port = (uint16_t)cpu->gpr[X86_RDX];

    x86_io_check(cpu, port, s.size);
    while (s.count) {
        x86_io_write(cpu, port, (uint32_t)load_si(&s), s.size);
        advance(&s, 1, USES_SI);
        if (interrupted(&s)) {
            break;
        }
    }
    return s.count == 0;
}

x86_exec *x86_pick_string(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    switch (row_of(insn)->mnemonic) {
    case X86_MOVS: return movs;
    case X86_STOS: return stos;
    case X86_LODS: return lods;
    case X86_SCAS: return scas;
    case X86_CMPS: return cmps;
    case X86_INS: return ins;
    case X86_OUTS: return outs;
    default: return NULL;
    }
}
