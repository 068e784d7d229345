/* SPDX-License-Identifier: MIT */
/*
 * Near and far jumps, calls and returns; loops; software interrupts.
 */
#include "target/x86/exec.h"
#include "target/x86/far.h"
#include "target/x86/interrupt.h"

static always_inline uint64_t target(const struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    return x86_next_rip(cpu, insn) + insn->imm;
}

/* clang-format off */
#define CONDITIONS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) \
    X(11) X(12) X(13) X(14) X(15)
#define JCC(cc) \
    HANDLER(jcc64_##cc) \
    { \
        if (condition(cpu, cc)) { \
            return x86_goto_link(cpu, insn, 1, target(cpu, insn)); \
        } \
        return x86_goto_link(cpu, insn, 0, x86_next_rip(cpu, insn)); \
    } \
    HANDLER(jcc_##cc) \
    { \
        uint64_t next = x86_next_rip(cpu, insn); \
        if (condition(cpu, cc)) { \
            return go(cpu, insn, next + insn->imm); \
        } \
        return x86_goto_link(cpu, insn, 0, (uint32_t)next); \
    }
CONDITIONS(JCC)
#define JCC64(cc) jcc64_##cc,
#define JCCANY(cc) jcc_##cc,
static x86_exec *const jcc64[16] = {CONDITIONS(JCC64)};
static x86_exec *const jcc_any[16] = {CONDITIONS(JCCANY)};
/* clang-format on */

HANDLER(jmp64)
{
    return x86_goto_link(cpu, insn, 1, target(cpu, insn));
}

HANDLER(jmp)
{
    return go(cpu, insn, target(cpu, insn));
}

HANDLER(jmp_rm)
{
    uint64_t rip = load_rm(cpu, insn, insn->osize);

    check_rip(cpu, insn, rip);
    return x86_goto(cpu, rip);
}

/* ---- CALL, RET ---- */

HANDLER(call)
{
    uint64_t rip = target(cpu, insn) & x86_addr_mask(insn->osize);

    check_rip(cpu, insn, rip);
    push(cpu, insn, x86_next_rip(cpu, insn), insn->osize);
    return x86_goto_link(cpu, insn, 1, rip);
}

HANDLER(call_rm)
{
    uint64_t rip = load_rm(cpu, insn, insn->osize);

    check_rip(cpu, insn, rip);
    push(cpu, insn, x86_next_rip(cpu, insn), insn->osize);
    return x86_goto(cpu, rip);
}

HANDLER(call64)
{
    uint64_t sp = cpu->gpr[X86_RSP] - 8;
    uint8_t *p = x86_hit(cpu->tlb_wr, sp, 8);

    if (unlikely(!p)) {
        return call(cpu, insn);
    }
    host_st(p, x86_next_rip(cpu, insn), 8);
    cpu->gpr[X86_RSP] = sp;
    return x86_goto_link(cpu, insn, 1, target(cpu, insn));
}

HANDLER(call_flat)
{
    uint32_t sp = (uint32_t)cpu->gpr[X86_RSP] - 4;
    uint32_t rip = (uint32_t)target(cpu, insn);
    uint8_t *p = x86_hit(cpu->tlb_wr, sp, 4);

    if (unlikely(!p || rip > cpu->seg[X86_CS].limit)) {
        return call(cpu, insn);
    }
    host_st(p, x86_next_rip(cpu, insn), 4);
    cpu->gpr[X86_RSP] = sp;
    return x86_goto_link(cpu, insn, 1, rip);
}

HANDLER(ret)
{
    uint64_t rip = stack_top(cpu, insn, insn->osize);

    check_rip(cpu, insn, rip);
    add_sp(cpu, insn->osize + (insn->imm & 0xffff));
    return x86_goto(cpu, rip);
}

HANDLER(ret64)
{
    uint64_t sp = cpu->gpr[X86_RSP];
    const uint8_t *p = x86_hit(cpu->tlb_rd, sp, 8);
    uint64_t rip;

    if (unlikely(!p)) {
        return ret(cpu, insn);
    }
    rip = host_ld(p, 8);
    if (unlikely((uint64_t)((int64_t)(rip << 7) >> 7) != rip)) {
        return ret(cpu, insn);
    }
    cpu->gpr[X86_RSP] = sp + 8;
    return x86_goto(cpu, rip);
}

HANDLER(ret_flat)
{
    uint32_t sp = (uint32_t)cpu->gpr[X86_RSP];
    const uint8_t *p = x86_hit(cpu->tlb_rd, sp, 4);
    uint64_t rip;

    if (unlikely(!p)) {
        return ret(cpu, insn);
    }
    rip = host_ld(p, 4);
    if (unlikely(rip > cpu->seg[X86_CS].limit)) {
        return ret(cpu, insn);
    }
    cpu->gpr[X86_RSP] = (uint32_t)(sp + 4);
    return x86_goto(cpu, rip);
}

/* ---- loops ---- */

static always_inline x86_next loop_if(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, bool taken)
{
    uint64_t next = x86_next_rip(cpu, insn);

    if (taken) {
        return go(cpu, insn, next + insn->imm);
    }
    return x86_goto(cpu, cpu->code64 ? next : (uint32_t)next);
}

HANDLER(jcxz)
{
    return loop_if(cpu, insn, get_gpr(cpu, X86_RCX, insn->asize) == 0);
}

HANDLER(loop)
{
    unsigned mnemonic = row_of(insn)->mnemonic;
    uint64_t count = get_gpr(cpu, X86_RCX, insn->asize) - 1;
    bool taken = (count & size_mask(insn->asize)) != 0;

    if (mnemonic != X86_LOOP) {
        taken &= x86_zf(cpu) == (mnemonic == X86_LOOPE);
    }
    if (taken) {
        check_rip(cpu, insn, target(cpu, insn) & x86_addr_mask(insn->osize));
    }
    set_gpr(cpu, X86_RCX, count, insn->asize);
    return loop_if(cpu, insn, taken);
}

/* ---- far ---- */

/* After a far transfer: cpu->rip is the target. */
static x86_next arrive(struct x86_cpu *cpu)
{
    return x86_goto(cpu, cpu->rip);
}

static uint64_t far_pointer(struct x86_cpu *cpu, const struct x86_insn *insn,
                            uint16_t *selector)
{
    uint64_t ea;
    uint64_t offset;

    if (!(insn->flags & X86_I_MEM)) {
        *selector = (uint16_t)(insn->imm >> 32);
        return insn->imm & x86_addr_mask(insn->osize) & 0xffffffff;
    }
    ea = x86_ea(cpu, insn);
    offset = x86_ldn(cpu, insn, insn->seg, ea, insn->osize);
    *selector = x86_ld16(cpu, insn, insn->seg,
                         (ea + insn->osize) & x86_addr_mask(insn->asize));
    return offset;
}

HANDLER(jmp_far)
{
    uint16_t selector;
    uint64_t offset = far_pointer(cpu, insn, &selector);

    x86_begin(cpu, insn);
    x86_far_jump(cpu, selector, offset, insn->osize);
    return arrive(cpu);
}

HANDLER(call_far)
{
    uint16_t selector;
    uint64_t offset = far_pointer(cpu, insn, &selector);

    x86_begin(cpu, insn);
    x86_far_call(cpu, selector, offset, insn->osize, x86_next_rip(cpu, insn));
    return arrive(cpu);
}

HANDLER(ret_far)
{
    x86_begin(cpu, insn);
    x86_far_return(cpu, insn->osize, insn->imm & 0xffff);
    return arrive(cpu);
}

HANDLER(iret)
{
    x86_begin(cpu, insn);
    x86_iret(cpu, insn->osize, x86_next_rip(cpu, insn));
    return arrive(cpu);
}

/* ---- software interrupts ---- */

static void interrupt(struct x86_cpu *cpu, const struct x86_insn *insn,
                      uint8_t vector, enum x86_event_kind kind)
{
    struct x86_event ev = {
        .kind = kind,
        .vector = vector,
        .rip = x86_next_rip(cpu, insn),
    };

    x86_begin(cpu, insn);
    x86_deliver(cpu, &ev);
}

HANDLER(int_n)
{
    uint8_t vector = (uint8_t)insn->imm;

    x86_begin(cpu, insn);
    if (x86_v86_mode(cpu)) {
        if (x86_vme_interrupt(cpu, vector, x86_next_rip(cpu, insn))) {
            return arrive(cpu);
        }
        if ((cpu->eflags & X86_IOPL) != X86_IOPL) {
            x86_raise_gp0(cpu);
        }
    }
    interrupt(cpu, insn, vector, X86_EVENT_SOFT);
    return arrive(cpu);
}

HANDLER(int3)
{
    interrupt(cpu, insn, X86_EXC_BP, X86_EVENT_SOFT);
    return arrive(cpu);
}

HANDLER(int1)
{
    interrupt(cpu, insn, X86_EXC_DB, X86_EVENT_ICEBP);
    return arrive(cpu);
}

HANDLER(into)
{
    if (!x86_of(cpu)) {
        X86_NEXT(cpu, insn);
    }
    interrupt(cpu, insn, X86_EXC_OF, X86_EVENT_SOFT);
    return arrive(cpu);
}

static x86_exec *pick_call(const struct x86_cpu *cpu,
                           const struct x86_insn *insn)
{
    bool flat = x86_mode_bits(cpu) & X86_M_FLAT && insn->osize == 4;

    return cpu->code64 ? call64 : flat ? call_flat : call;
}

static x86_exec *pick_ret(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    bool flat = x86_mode_bits(cpu) & X86_M_FLAT && insn->osize == 4;

    return insn->imm ? ret : cpu->code64 ? ret64 : flat ? ret_flat : ret;
}

x86_exec *x86_pick_branch(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);
    bool wide = cpu->code64;
    bool near = row->operand[0] != X86_O_Ev;

    switch (row->mnemonic) {
    case X86_Jcc: return wide ? jcc64[x86_cc(insn)] : jcc_any[x86_cc(insn)];
    case X86_JMP: return near ? (wide ? jmp64 : jmp) : jmp_rm;
    case X86_CALL: return near ? pick_call(cpu, insn) : call_rm;
    case X86_RET: return pick_ret(cpu, insn);
    case X86_JCXZ: return jcxz;
    case X86_LOOP:
    case X86_LOOPE:
    case X86_LOOPNE: return loop;
    case X86_JMPF: return jmp_far;
    case X86_CALLF: return call_far;
    case X86_RETF: return ret_far;
    case X86_IRET: return iret;
    case X86_INT: return int_n;
    case X86_INT3: return int3;
    case X86_INT1: return int1;
    case X86_INTO: return into;
    default: return NULL;
    }
}
