/* SPDX-License-Identifier: MIT */
/*
 * Ways out of a block: direct jumps, which are linked, and jumps through the
 * jump cache; calls and returns.
 *
 * A link inside a page is a plain jump: whoever changes translations or modes
 * leaves the translated code. A link to another page asks whether that page
 * still is what it was when the link was made (code_id, which a TLB flush
 * clears), and so does a block that is reached by the jump cache, in its
 * landing. Jumps backward and indirect ones look at cpu->poll.
 */
#include "accel/tcg/tr.h"

static void to_stub(struct tr *t, unsigned exit, uint8_t *disp)
{
    assert(t->to_stubs < G_N_ELEMENTS(t->to_stub));
    t->to_which[t->to_stubs] = (uint8_t)exit;
    t->to_stub[t->to_stubs++] = disp;
}

static bool same_page(const struct tr *t, uint64_t rip)
{
    return (rip ^ t->jb->rip) < 4096 && rip >> 12 == t->jb->rip >> 12;
}

/* RCX is 0 where the page is the one that is meant, and nobody polls; ids are
 * even, poll is 0 or 1. */
static void check_page(struct tr *t, struct jit_exit *x, bool poll)
{
    unsigned slot = x86_code_slot(x->rip, jit_mode_set(t->mode));
    struct host_mem m = {H_RCX, poll ? H_R11 : H_NONE, 0, INT32_MAX};

    emit_load(&t->e, H_RCX, emit_abs(&t->j->cpu->tlb->code_id[slot]), 4);
    if (poll) {
        emit_load(&t->e, H_R11, emit_abs(&t->j->cpu->poll), 4);
    }
    emit_lea(&t->e, H_RCX, m, 4); /* fits none yet */
    x->minus_id = t->e.at - 4;
}

static void check_poll(struct tr *t)
{
    emit_load(&t->e, H_RCX, emit_abs(&t->j->cpu->poll), 4);
}

static struct jit_exit *new_exit(struct tr *t, uint64_t rip)
{
    struct jit_exit *x = &t->jb->exits[t->exits++];

    x->rip = rip;
    x->from = t->jb;
    return x;
}

/* `far`: from wherever the page may have changed meanwhile. */
static void exit_to(struct tr *t, uint64_t rip, bool far)
{
    struct jit_exit *x = new_exit(t, rip);
    unsigned n = (unsigned)(x - t->jb->exits);
    uint8_t *go;

    if (far || !same_page(t, rip)) {
        check_page(t, x, rip <= tr_rip(t) || t->polls);
    } else if (rip <= tr_rip(t) || t->polls) {
        check_poll(t);
    } else {
        x->jump = emit_jmp(&t->e, t->e.at);
        to_stub(t, n, x->jump);
        return;
    }
    go = emit_jrcxz(&t->e);
    to_stub(t, n, emit_jmp(&t->e, t->e.at));
    emit_here(&t->e, go);
    x->jump = emit_jmp(&t->e, t->e.at);
    to_stub(t, n, x->jump);
}

void tr_exit(struct tr *t, uint64_t rip)
{
    exit_to(t, rip, false);
}

/* The landing of the target in R10 to R11; RCX is lost. */
static void look_up(struct tr *t)
{
    struct host_mem minus = emit_abs(t->jumps->minus);
    struct host_mem landing = emit_abs(t->jumps->landing);
    uint8_t *hit;

    minus.index = landing.index = H_RCX;
    minus.scale = landing.scale = 3;
    emit_rorx(&t->e, H_RCX, H_R10, JIT_JUMP_SHIFT);
    emit_lea(&t->e, H_RCX, (struct host_mem){H_RCX, H_R10, 0, 0}, 8);
    emit_pext(&t->e, H_RCX, H_RCX, emit_abs(&t->j->hot->jump_mask));
    emit_load(&t->e, H_R11, landing, 8);
    emit_load(&t->e, H_RCX, minus, 8);
    emit_lea(&t->e, H_RCX, (struct host_mem){H_RCX, H_R10, 0, 0}, 8);
    hit = emit_jrcxz(&t->e);
    tr_go_slow(t);
    emit_here(&t->e, hit);
}

const uint8_t *jit_landing(struct jit *j, struct jit_block *jb)
{
    struct emit *e = &j->emit;
    uint8_t *go;

    if (jb->landing || e->at + 64 > e->end) {
        return jb->landing;
    }
    jb->landing = emit_run_address(e);
    emit_load(e, H_RCX, emit_abs(&j->cpu->tlb->code_id[jb->slot]), 4);
    emit_load(e, H_R11, emit_abs(&j->cpu->poll), 4);
    emit_lea(e, H_RCX, (struct host_mem){H_RCX, H_R11, 0, -(int32_t)jb->id}, 4);
    go = emit_jrcxz(e);
    emit_jmp(e, jb->bounce);
    emit_here(e, go);
    emit_jmp(e, jb->run);
    return jb->landing;
}

static unsigned stack_size(const struct tr *t)
{
    return tr_code64(t) ? 8 : 4;
}

/* The operand of an indirect jump or call to R10. */
static bool get_target(struct tr *t, const struct x86_insn *insn)
{
    if (insn->flags & X86_I_MEM) {
        struct host_mem m = TR_MEM;

        if (!tr_can_address(t, insn)) {
            return false;
        }
        tr_operand(t, insn, insn->osize, false, &m);
        emit_load(&t->e, H_R10, m, insn->osize);
    } else if (tr_code64(t)) {
        tr_get(t, H_R10, insn->rm);
    } else {
        emit_mov_rr(&t->e, H_R10, jit_host[insn->rm], 4);
    }
    return true;
}

static bool jmp_indirect(struct tr *t, const struct x86_insn *insn)
{
    if (!t->j->bmi2 || !get_target(t, insn)) {
        return false;
    }
    look_up(t);
    emit_jmp_r(&t->e, H_R11);
    return true;
}

static void push_return(struct tr *t)
{
    struct host_mem m = TR_MEM;

    if (!tr_stack_mem(t, -(int32_t)stack_size(t), &m)) {
        tr_stack_address(t, -(int32_t)stack_size(t));
        tr_check(t, stack_size(t), true);
    }
    emit_mov_ri(&t->e, H_RCX, tr_next_rip(t));
    emit_store(&t->e, m, H_RCX, stack_size(t));
    tr_add_sp(t, -(int32_t)stack_size(t));
}

/* ---- the stack of returns: struct jit_ret ---- */

static void push_minus(struct tr *t, uint64_t rip)
{
    int64_t minus = -(int64_t)rip;
    int64_t *kept;

    if (minus == (int32_t)minus) {
        emit_push_i(&t->e, (int32_t)minus);
        return;
    }
    kept = jit_meta(t->j, sizeof(*kept));
    if (kept) {
        *kept = minus;
        emit_push_m(&t->e, emit_abs(kept));
    } else {
        t->full = true;
    }
}

static void push_ret(struct tr *t)
{
    jit_next_ret(&t->e, t->j);
    push_minus(t, tr_next_rip(t));
}

/* Where the host comes back to. */
static void after_call(struct tr *t)
{
    emit_lea(&t->e, H_RSP,
             (struct host_mem){H_RSP, H_NONE, 0, JIT_RET_SIZE - 8}, 8);
    exit_to(t, tr_next_rip(t), true);
}

static bool call(struct tr *t, uint64_t to)
{
    uint8_t *callee;

    push_return(t);
    if (!t->j->bmi2) {
        tr_exit(t, to);
        return true;
    }
    push_ret(t);
    callee = emit_call(&t->e, t->e.at);
    after_call(t);
    emit_patch(&t->e, callee, emit_run_address(&t->e));
    tr_exit(t, to);
    return true;
}

static bool call_indirect(struct tr *t, const struct x86_insn *insn)
{
    struct host_mem target = emit_abs(&t->j->hot->target);

    if (!t->j->bmi2 || !get_target(t, insn)) {
        return false;
    }
    look_up(t);
    emit_store(&t->e, target, H_R11, 8);
    push_return(t);
    push_ret(t);
    emit_call_m(&t->e, target);
    after_call(t);
    return true;
}

/* By the entry on top, if it is right for R10. */
static void paired_ret(struct tr *t)
{
    uint8_t *hit, *over;

    emit_load(&t->e, H_RCX, (struct host_mem){H_RSP, H_NONE, 0, 8}, 8);
    emit_lea(&t->e, H_RCX, (struct host_mem){H_RCX, H_R10, 0, 0}, 8);
    hit = emit_jrcxz(&t->e);
    emit_call(&t->e, t->j->glue.ret_miss);
    over = emit_jmp_short(&t->e);
    emit_here(&t->e, hit);
    emit_ret(&t->e);
    emit_here(&t->e, over);
}

static bool ret(struct tr *t, const struct x86_insn *insn)
{
    int32_t size = (int32_t)stack_size(t);
    int32_t by = size + (int32_t)(insn->imm & 0xffff);
    struct host_mem m = TR_MEM;

    if (!t->j->bmi2) {
        return false;
    }
    if (!tr_stack_mem(t, 0, &m)) {
        tr_stack_address(t, 0);
        tr_check(t, (unsigned)size, false);
    }
    emit_load(&t->e, H_R10, m, (unsigned)size);
    if (!t->polls) {
        tr_add_sp(t, by);
        paired_ret(t);
        tr_add_sp(t, -by);
    }
    look_up(t);
    tr_add_sp(t, by);
    emit_jmp_r(&t->e, H_R11);
    return true;
}

static uint64_t target(const struct tr *t, const struct x86_insn *insn)
{
    uint64_t rip = tr_rip(t) + insn->len + insn->imm;

    return tr_code64(t) ? rip : (uint32_t)rip;
}

/* The jump itself is the link where nothing is to be looked at on the way. */
static bool jcc(struct tr *t, const struct x86_insn *insn)
{
    uint64_t to = target(t, insn);
    uint8_t *taken = emit_jcc(&t->e, x86_cc(insn), t->e.at);

    if (same_page(t, to) && to > tr_rip(t) && !t->polls) {
        struct jit_exit *x = new_exit(t, to);

        x->jump = taken;
        to_stub(t, (unsigned)(x - t->jb->exits), taken);
        tr_exit(t, tr_next_rip(t));
        return true;
    }
    tr_exit(t, tr_next_rip(t));
    emit_patch(&t->e, taken, emit_run_address(&t->e));
    tr_exit(t, to);
    return true;
}

/* JRCXZ and LOOP, by the guest's RCX (they do not change the flags). */
static bool loop(struct tr *t, const struct x86_insn *insn, unsigned mnemonic)
{
    unsigned rcx = jit_host[X86_RCX];
    unsigned size = insn->asize;
    uint8_t *zero;

    if (size == 2 || (mnemonic != X86_JCXZ && mnemonic != X86_LOOP)) {
        return false;
    }
    if (mnemonic == X86_LOOP) {
        emit_lea(&t->e, rcx, (struct host_mem){(uint8_t)rcx, H_NONE, 0, -1},
                 size);
    }
    emit_mov_rr(&t->e, H_RCX, rcx, size);
    zero = emit_jrcxz(&t->e);
    tr_exit(t, mnemonic == X86_LOOP ? target(t, insn) : tr_next_rip(t));
    emit_here(&t->e, zero);
    tr_exit(t, mnemonic == X86_LOOP ? tr_next_rip(t) : target(t, insn));
    return true;
}

bool tr_flow(struct tr *t, const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);
    bool near = row->operand[0] != X86_O_Ev;

    if (insn->osize != (tr_code64(t) ? 8 : 4)) {
        return false;
    }
    switch (row->mnemonic) {
    case X86_Jcc: return jcc(t, insn);
    case X86_JCXZ:
    case X86_LOOP: return loop(t, insn, row->mnemonic);
    case X86_JMP:
        if (!near) {
            return jmp_indirect(t, insn);
        }
        tr_exit(t, target(t, insn));
        return true;
    case X86_CALL:
        if (!near) {
            return call_indirect(t, insn);
        }
        return call(t, target(t, insn));
    case X86_RET: return ret(t, insn);
    default: return false;
    }
}
