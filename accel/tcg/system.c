/* SPDX-License-Identifier: MIT */
/*
 * Instructions about EFLAGS and GS that kernels run all the time: CLI, STI,
 * CLD, STD, PUSHF, POPF, SWAPGS, in 64-bit code at CPL 0 (CLD and STD
 * anywhere). What they cannot do at once goes to C.
 *
 * cpu->eflags has all but the arithmetic flags, which are the host's.
 */
#include "accel/tcg/tr.h"

static struct host_mem eflags(const struct tr *t)
{
    return emit_abs(&t->j->cpu->eflags);
}

/* Takes the bits that `mask` has not out of a register. */
static void keep(struct tr *t, unsigned reg, const uint64_t *mask)
{
    emit_pext(&t->e, reg, reg, emit_abs(mask));
    emit_pdep(&t->e, reg, reg, emit_abs(mask));
}

/* A flag of cpu->eflags that is not arithmetic; `others` is a mask. */
static bool put_flag(struct tr *t, uint32_t flag, const uint64_t *others,
                     bool set)
{
    emit_load(&t->e, H_RCX, eflags(t), 4);
    keep(t, H_RCX, others);
    if (set) {
        struct host_mem more = {H_RCX, H_NONE, 0, (int32_t)flag};

        emit_lea(&t->e, H_RCX, more, 4);
    }
    emit_store(&t->e, eflags(t), H_RCX, 4);
    return true;
}

/* IF may be set now: what waits is looked at by the block's exits. */
static void look_at_events(struct tr *t)
{
    uint8_t *none;

    emit_load(&t->e, H_RCX, emit_abs(&t->j->cpu->events), 4);
    none = emit_jrcxz(&t->e);
    emit_store8_i(&t->e, emit_abs(&t->j->cpu->poll), 1);
    emit_here(&t->e, none);
    t->polls = true;
}

static bool sti(struct tr *t, const struct x86_insn *i)
{
    if (i + 1 == t->block->insn + t->block->count) {
        return false; /* nothing behind it that events could wait for */
    }
    put_flag(t, X86_IF, &t->j->hot->no_if, true);
    look_at_events(t);
    return true;
}

static bool pushf(struct tr *t)
{
    struct host_mem rax = emit_abs(&t->j->hot->rax);
    struct host_mem m = TR_MEM;

    if (!tr_stack_mem(t, -8, &m)) {
        tr_stack_address(t, -8);
        tr_check(t, 8, true);
    }
    emit_store(&t->e, rax, H_RAX, 8);
    emit_lahf_seto(&t->e);
    emit_movzx_ecx_ah(&t->e);
    emit_movzx8(&t->e, H_RAX, H_RAX);
    emit_rorx(&t->e, H_RAX, H_RAX, 64 - 11);
    emit_lea(&t->e, H_RCX, (struct host_mem){H_RCX, H_RAX, 0, 0}, 4);
    emit_load(&t->e, H_RAX, eflags(t), 4);
    keep(t, H_RAX, &t->j->hot->no_fixed); /* LAHF gave that */
    emit_lea(&t->e, H_RCX, (struct host_mem){H_RCX, H_RAX, 0, 0}, 4);
    emit_load(&t->e, H_RAX, rax, 8);
    emit_store(&t->e, m, H_RCX, 8);
    tr_add_sp(t, -8);
    return true;
}

enum {
    POPF_HERE = X86_ARITH | X86_IF | X86_DF,
    POPF_SAME = X86_TF | X86_IOPL | X86_NT | X86_RF | X86_VM | X86_AC |
                X86_VIF | X86_VIP | X86_ID,
};

/* Where others than the arithmetic flags, IF and DF change, C does it: the
 * arithmetic flags are lost by then, but POPF sets them all. */
static bool popf(struct tr *t)
{
    struct host_mem m = TR_MEM;
    struct emit *e = &t->e;

    if (!tr_stack_mem(t, 0, &m)) {
        tr_stack_address(t, 0);
        tr_check(t, 8, false);
    }
    emit_load(e, H_RCX, m, 8);
    emit_load(e, H_R11, eflags(t), 4);
    emit_alu_rr(e, ALU_XOR, H_R11, H_RCX, 4);
    emit_test_ri(e, H_R11, POPF_SAME, 4);
    tr_to_slow(t, emit_jcc(e, CC_NZ, e->at));
    emit_store(e, emit_abs(&t->j->hot->rax), H_RAX, 8);
    emit_alu_ri(e, ALU_AND, H_R11, X86_IF | X86_DF, 4);
    emit_alu_rm(e, ALU_XOR, H_R11, eflags(t), 4);
    emit_store(e, eflags(t), H_R11, 4);
    emit_mov_rr(e, H_RAX, H_RCX, 4);
    emit_shr(e, H_RAX, 11, 4);
    emit_alu_ri(e, ALU_AND, H_RAX, 1, 4);
    emit_mov_ah_cl(e);
    emit_sahf_addo(e);
    emit_load(e, H_RAX, emit_abs(&t->j->hot->rax), 8);
    tr_add_sp(t, 8);
    look_at_events(t);
    return true;
}

static bool swapgs(struct tr *t)
{
    struct x86_cpu *cpu = t->j->cpu;

    emit_load(&t->e, H_RCX, emit_abs(&cpu->msr.kernel_gs_base), 8);
    emit_load(&t->e, H_R11, emit_abs(&cpu->seg[X86_GS].base), 8);
    emit_store(&t->e, emit_abs(&cpu->msr.kernel_gs_base), H_R11, 8);
    emit_store(&t->e, emit_abs(&cpu->seg[X86_GS].base), H_RCX, 8);
    emit_store(&t->e, emit_abs(&cpu->hot[X86_GS].base), H_RCX, 8);
    return true;
}

bool tr_system(struct tr *t, const struct x86_insn *i)
{
    unsigned mnemonic = x86_insn_row(i)->mnemonic;
    bool kernel = tr_code64(t) && !(t->mode >> X86_M_CPL_SHIFT & 3);

    if (!t->j->bmi2) {
        return false;
    }
    switch (mnemonic) {
    case X86_CLD: return put_flag(t, X86_DF, &t->j->hot->no_df, false);
    case X86_STD: return put_flag(t, X86_DF, &t->j->hot->no_df, true);
    case X86_CLI:
        return kernel && put_flag(t, X86_IF, &t->j->hot->no_if, false);
    case X86_STI: return kernel && sti(t, i);
    case X86_PUSHF: return kernel && i->osize == 8 && pushf(t);
    case X86_POPF: return kernel && i->osize == 8 && popf(t);
    case X86_SWAPGS: return kernel && swapgs(t);
    default: return false;
    }
}
