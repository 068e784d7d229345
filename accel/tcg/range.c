/* SPDX-License-Identifier: MIT */
/*
 * One check for several operands of a block: those that are addressed by the
 * same register, which nothing writes in between, or by nothing but a number.
 * The first of them looks the whole range up; where that lies in one page,
 * which the TLB knows, hot->range holds what is to be added to the register to
 * get at the host's memory. Else the block goes on in its plain version, which
 * checks each access.
 *
 * What was looked up stays right to the block's end: whatever drops a tag of
 * the TLB ends the block or leaves it.
 */
#include "accel/tcg/tr.h"
#include "target/x86/opcodes.h"
#include "target/x86/pick.h"

enum { RANGE_MAX = 1024 };

struct place {
    uint8_t base; /* guest register; X86_R_ZERO: `at` is the address */
    uint8_t seg;
    int64_t at;
    unsigned size;
    bool write;
};

static unsigned word(const struct tr *t)
{
    return tr_code64(t) ? 8 : 4;
}

/* Could an operand be one of a range? */
static bool place_of(const struct tr *t, const struct x86_insn *i,
                     struct place *p)
{
    bool fixed = i->base == X86_R_ZERO || i->base == X86_R_BLOCK;
    bool index = i->index < X86_R_ZERO;

    if (!(i->flags & X86_I_MEM) || index || i->asize != word(t) ||
        i->flags & X86_I_LOCK ||
        x86_insn_row(i)->attrs & (X86_A_ALIGN | X86_A_X87 | X86_A_MMX) ||
        !tr_memory_operand(t, i, &p->size, &p->write)) {
        return false;
    }
    p->base = fixed ? X86_R_ZERO : i->base;
    p->seg = i->seg >= X86_FS ? i->seg : X86_DS;
    p->at = fixed ? (int64_t)tr_fixed_address(t, i) : i->disp;
    return fixed || i->base < 16;
}

static bool fits(const struct tr_range *r, const struct place *p)
{
    int64_t lo = MIN(r->lo, p->at);
    int64_t hi = MAX(r->hi, p->at + p->size);

    return r->open && r->base == p->base && r->seg == p->seg &&
           hi - lo <= RANGE_MAX;
}

static void add(struct tr *t, unsigned insn, const struct place *p)
{
    unsigned n = 0;
    struct tr_range *r;

    while (n < t->ranges && !fits(&t->range[n], p)) {
        n++;
    }
    if (n == TR_RANGES) {
        return;
    }
    r = &t->range[n];
    if (n == t->ranges) {
        t->ranges++;
        *r = (struct tr_range){
            .base = p->base, .seg = p->seg, .lo = p->at, .hi = p->at};
        r->open = true;
    }
    r->lo = MIN(r->lo, p->at);
    r->hi = MAX(r->hi, p->at + p->size);
    r->write |= p->write;
    r->count++;
    t->range_of[insn] = (int8_t)n;
}

static void close_written(struct tr *t, uint32_t written)
{
    for (unsigned n = 0; n < t->ranges; n++) {
        struct tr_range *r = &t->range[n];

        if (written == TR_WRITES_ANY ||
            (r->base < 16 && written >> r->base & 1)) {
            r->open = false;
        }
    }
}

void tr_range_plan(struct tr *t)
{
    memset(t->range_of, -1, sizeof(t->range_of));
    t->ranges = 0;
    if (t->plain || !t->j->bmi2) {
        return;
    }
    for (unsigned i = 0; i < t->block->count; i++) {
        const struct x86_insn *insn = &t->block->insn[i];
        struct place p;

        if (x86_is_trap(insn->exec)) {
            return;
        }
        if (!tr_stack_covers(t, insn) && place_of(t, insn, &p)) {
            add(t, i, &p);
        }
        close_written(t, tr_written(t, insn));
    }
}

/* Looks the range up, at the first operand that is in it. */
static void look_up(struct tr *t, const struct x86_insn *i, unsigned n)
{
    struct tr_range *r = &t->range[n];
    struct x86_insn first = *i;
    uint8_t *hit;

    if (r->base == X86_R_ZERO) {
        tr_number_address(t, i->seg, (uint64_t)r->lo);
    } else {
        first.disp = (int32_t)r->lo;
        tr_address(t, &first);
    }
    hit = tr_check_only(t, (unsigned)(r->hi - r->lo), r->write);
    tr_miss(t, emit_jmp(&t->e, t->e.at));
    emit_here(&t->e, hit);
    if (r->base == X86_R_ZERO) {
        emit_lea(&t->e, H_R11, TR_MEM, 8);
    } else if (!tr_code64(t) || r->seg >= X86_FS) {
        struct host_mem m = TR_MEM;

        m.disp = -(int32_t)r->lo;
        emit_lea(&t->e, H_R11, m, 8);
        tr_get(t, H_RCX, r->base);
        emit_not(&t->e, H_RCX);
        emit_lea(&t->e, H_R11, (struct host_mem){H_R11, H_RCX, 0, 1}, 8);
    }
    emit_store(&t->e, emit_abs(&t->j->hot->range[n]), H_R11, 8);
    r->known = true;
}

bool tr_range_operand(struct tr *t, const struct x86_insn *i,
                      struct host_mem *m)
{
    int n = t->range_of[t->insn - t->block->insn];
    struct tr_range *r = n < 0 ? NULL : &t->range[n];

    if (!r || r->count < 2) {
        return false;
    }
    if (!r->known) {
        look_up(t, i, (unsigned)n);
    } else {
        emit_load(&t->e, H_R11, emit_abs(&t->j->hot->range[n]), 8);
    }
    if (r->base == X86_R_ZERO) {
        int64_t at = (int64_t)tr_fixed_address(t, i) - r->lo;

        *m = (struct host_mem){H_R11, H_NONE, 0, (int32_t)at};
        return true;
    }
    *m = (struct host_mem){jit_host[r->base], H_R11, 0, i->disp};
    if (jit_host[r->base] == JIT_IN_MEMORY) {
        tr_get(t, H_R10, r->base);
        m->base = H_R10;
    }
    return true;
}
