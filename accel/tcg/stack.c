/* SPDX-License-Identifier: MIT */
/*
 * One check for all of a block's accesses that are relative to RSP: pushes,
 * pops, calls, returns, operands like [RSP + 8]. At the block's start the
 * whole range is looked up; where it lies in one page, which the TLB knows,
 * hot->stack holds the host address that RSP stands for, and every access is
 * one relative to that. Else the plain version of the block runs.
 *
 * What is looked up stays right to the block's end: whatever drops a tag of
 * the TLB ends the block or leaves it.
 */
#include "accel/tcg/tr.h"
#include "target/x86/opcodes.h"
#include "target/x86/pick.h"

enum { RANGE_MAX = 2048 };

static void extend(struct tr *t, int32_t at, unsigned size, bool write)
{
    t->stack_lo = MIN(t->stack_lo, at);
    t->stack_hi = MAX(t->stack_hi, at + (int32_t)size);
    t->stack_write |= write;
    t->stack_count++;
}

static bool fits(const struct tr *t, int32_t at, unsigned size)
{
    int32_t lo = MIN(t->stack_lo, at);
    int32_t hi = MAX(t->stack_hi, at + (int32_t)size);

    return at > -RANGE_MAX && at < RANGE_MAX && hi - lo <= RANGE_MAX;
}

static int32_t word(const struct tr *t)
{
    return tr_code64(t) ? 8 : 4;
}

static unsigned class_of(const struct x86_insn *i, unsigned n)
{
    return x86_operand_kinds[x86_insn_row(i)->operand[n]].class;
}

/* A memory operand at RSP + disp? */
static bool rsp_operand(const struct tr *t, const struct x86_insn *i)
{
    return i->flags & X86_I_MEM && i->base == X86_RSP &&
           i->index == X86_R_ZERO && i->seg == X86_SS && i->asize == word(t) &&
           !(i->flags & X86_I_LOCK);
}

/* What an instruction does to RSP; false: nobody knows. */
static bool sp_change(const struct tr *t, const struct x86_insn *i, int32_t *by)
{
    unsigned mnemonic = x86_insn_row(i)->mnemonic;
    bool imm = class_of(i, 1) == X86_C_IMMS;
    bool sp = !(i->flags & X86_I_MEM) && class_of(i, 0) == X86_C_RM &&
              i->rm == X86_RSP && i->osize == word(t);

    *by = 0;
    if (mnemonic == X86_PUSH || mnemonic == X86_POP || mnemonic == X86_PUSHF ||
        mnemonic == X86_POPF) {
        bool down = mnemonic == X86_PUSH || mnemonic == X86_PUSHF;

        *by = down ? -word(t) : word(t);
        return i->osize == word(t) &&
               !(mnemonic == X86_POP && i->rm == X86_RSP);
    }
    if ((mnemonic == X86_ADD || mnemonic == X86_SUB) && imm && sp) {
        int32_t v = (int32_t)i->imm;

        *by = mnemonic == X86_ADD ? v : -v;
        return v > -RANGE_MAX && v < RANGE_MAX;
    }
    if (mnemonic == X86_LEA && i->reg == X86_RSP) {
        *by = i->disp;
        return i->base == X86_RSP && i->index == X86_R_ZERO &&
               i->osize == word(t) && i->asize == word(t) &&
               i->disp > -RANGE_MAX && i->disp < RANGE_MAX;
    }
    return !tr_may_write_sp(t, i);
}

/* The implicit stack access of the instruction. */
static bool implicit(const struct tr *t, const struct x86_insn *i, bool *write)
{
    switch (x86_insn_row(i)->mnemonic) {
    case X86_PUSH:
        *write = true;
        return class_of(i, 0) == X86_C_OPC || class_of(i, 0) == X86_C_RM ||
               class_of(i, 0) == X86_C_IMMS;
    case X86_CALL:
    case X86_PUSHF: *write = true; return i->osize == word(t);
    case X86_POP: *write = false; return class_of(i, 0) == X86_C_OPC;
    case X86_RET:
    case X86_POPF: *write = false; return i->osize == word(t);
    default: return false;
    }
}

enum plan {
    PLAN_ON,
    PLAN_LAST, /* nobody knows where it leaves RSP */
    PLAN_OUT,  /* not to be covered */
};

/* Adds an instruction's accesses to the range. */
static enum plan plan_insn(struct tr *t, const struct x86_insn *i)
{
    bool operand = rsp_operand(t, i);
    bool write = false;
    unsigned size = 0;
    bool w = false;
    bool hidden = implicit(t, i, &write);
    int32_t at = t->sp - (write ? word(t) : 0);
    int32_t by;

    if (x86_is_trap(i->exec) ||
        (operand && (!tr_memory_operand(t, i, &size, &w) ||
                     !fits(t, t->sp + i->disp, size))) ||
        (hidden && !fits(t, at, (unsigned)word(t)))) {
        return PLAN_OUT;
    }
    if (operand) {
        extend(t, t->sp + i->disp, size, w);
    }
    if (hidden) {
        extend(t, at, (unsigned)word(t), write);
    }
    if (!sp_change(t, i, &by)) {
        return PLAN_LAST;
    }
    t->sp += by;
    return t->sp > -RANGE_MAX && t->sp < RANGE_MAX ? PLAN_ON : PLAN_LAST;
}

/* How many of the block's instructions are covered, and the check. */
void tr_stack_plan(struct tr *t)
{
    enum plan how = PLAN_ON;
    unsigned i = 0;
    uint8_t *hit;

    t->stack_lo = INT32_MAX;
    t->stack_hi = INT32_MIN;
    while (i < t->block->count && how == PLAN_ON) {
        how = plan_insn(t, &t->block->insn[i]);
        i += how != PLAN_OUT;
    }
    t->sp = 0;
    t->stack_until = 0;
    if (t->stack_count < 2 || !t->j->bmi2 || t->plain) {
        return;
    }
    t->stack_until = i;
    tr_stack_address(t, t->stack_lo);
    hit =
        tr_check_only(t, (unsigned)(t->stack_hi - t->stack_lo), t->stack_write);
    tr_miss(t, emit_jmp(&t->e, t->e.at));
    emit_here(&t->e, hit);
    emit_lea(&t->e, H_R11, (struct host_mem){H_R10, H_R11, 0, -t->stack_lo}, 8);
    emit_store(&t->e, emit_abs(&t->j->hot->stack), H_R11, 8);
    t->in_r11 = &t->j->hot->stack;
}

void tr_stack_step(struct tr *t, const struct x86_insn *i)
{
    int32_t by;

    if (t->stack_until && sp_change(t, i, &by)) {
        t->sp += by;
    }
}

/* ---- RSP itself ---- */

static bool covered(const struct tr *t)
{
    return t->insn < t->block->insn + t->stack_until;
}

void tr_add_sp(struct tr *t, int32_t by)
{
    uint8_t sp = jit_host[X86_RSP];

    emit_lea(&t->e, sp, (struct host_mem){sp, H_NONE, 0, by},
             (unsigned)word(t));
}

void tr_owe_sp(struct tr *t, int32_t by)
{
    if (t->now) {
        tr_add_sp(t, by); /* C may have done it: it comes back behind this */
    } else {
        t->sp_debt += by;
    }
}

void tr_pay_sp(struct tr *t)
{
    if (t->sp_debt) {
        tr_add_sp(t, t->sp_debt);
        t->sp_debt = 0;
    }
}

/* Does the instruction neither leave the block nor look at RSP? Then what is
 * owed may wait, and R11 stays. */
static bool quiet(const struct tr *t, const struct x86_insn *i)
{
    unsigned mnemonic = x86_insn_row(i)->mnemonic;
    bool push = mnemonic == X86_PUSH && class_of(i, 0) == X86_C_OPC;
    bool pop = mnemonic == X86_POP && class_of(i, 0) == X86_C_OPC;

    if (push || pop) {
        return covered(t) && i->rm != X86_RSP && i->osize == word(t) &&
               jit_host[i->rm] != JIT_IN_MEMORY;
    }
    return tr_quiet(t, i);
}

bool tr_stack_begin(struct tr *t)
{
    bool is_quiet = quiet(t, t->insn);

    if (!is_quiet) {
        tr_pay_sp(t);
        t->in_r11 = NULL;
    }
    return is_quiet;
}

bool tr_stack_covers(const struct tr *t, const struct x86_insn *insn)
{
    return insn < t->block->insn + t->stack_until && rsp_operand(t, insn);
}

bool tr_stack_mem(struct tr *t, int32_t disp, struct host_mem *m)
{
    if (!covered(t)) {
        return false;
    }
    if (t->in_r11 != &t->j->hot->stack) {
        emit_load(&t->e, H_R11, emit_abs(&t->j->hot->stack), 8);
        t->in_r11 = &t->j->hot->stack;
    }
    *m = (struct host_mem){H_R11, H_NONE, 0, t->sp + disp};
    return true;
}

bool tr_stack_operand(struct tr *t, const struct x86_insn *i,
                      struct host_mem *m)
{
    return rsp_operand(t, i) && tr_stack_mem(t, i->disp, m);
}
