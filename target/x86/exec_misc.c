/* SPDX-License-Identifier: MIT */
/*
 * Small general-purpose instructions: conversions, flag bits, ENTER and LEAVE,
 * PUSHA and POPA, BOUND, XLAT, and everything that does nothing here.
 */
#include "target/x86/exec.h"
#include "target/x86/x87.h"

HANDLER(nop)
{
    X86_NEXT(cpu, insn);
}

/* NOP with a memory operand, prefetches, cache line write-backs, fences. */
HANDLER(fence)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    X86_NEXT(cpu, insn);
}

HANDLER(flush_line)
{
    x86_probe_ld(cpu, insn, insn->seg, x86_ea(cpu, insn), 1);
    X86_NEXT(cpu, insn);
}

HANDLER(pause_hint)
{
    /* The CPU that is waited for may have no thread of the host now. */
    if (++cpu->pauses % 16 == 0) {
        g_thread_yield();
    }
    X86_NEXT(cpu, insn);
}

HANDLER(fwait)
{
    uint64_t both = X86_CR0_MP | X86_CR0_TS;

    if (unlikely((cpu->cr0 & both) == both)) {
        x86_begin(cpu, insn);
        x86_raise(cpu, X86_EXC_NM);
    }
    x87_wait(cpu, insn);
    X86_NEXT(cpu, insn);
}

/* ---- conversions ---- */

HANDLER(cbw)
{
    unsigned half = insn->osize / 2;
    uint64_t v = get_gpr(cpu, X86_RAX, half);

    set_gpr(cpu, X86_RAX, (uint64_t)sign_extend(v, half), insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(cwd)
{
    bool minus = top_bit(cpu->gpr[X86_RAX], insn->osize);

    set_gpr(cpu, X86_RDX, minus ? ~UINT64_C(0) : 0, insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(xlat)
{
    uint64_t ea = cpu->gpr[X86_RBX] + (uint8_t)cpu->gpr[X86_RAX];
    uint8_t v = x86_ld8(cpu, insn, insn->seg, ea & x86_addr_mask(insn->asize));

    set_gpr(cpu, X86_RAX, v, 1);
    X86_NEXT(cpu, insn);
}

/* ---- flags ---- */

HANDLER(lahf)
{
    uint64_t f = (x86_arith_flags(cpu) & 0xff) | X86_FIXED;

    ((uint8_t *)cpu->gpr)[1] = (uint8_t)f;
    X86_NEXT(cpu, insn);
}

HANDLER(sahf)
{
    uint32_t f = ((const uint8_t *)cpu->gpr)[1];

    x86_set_arith_flags(cpu, (f & 0xff) | (x86_of(cpu) ? X86_OF : 0U));
    X86_NEXT(cpu, insn);
}

HANDLER(clc)
{
    flags_cf(cpu, false);
    X86_NEXT(cpu, insn);
}

HANDLER(stc)
{
    flags_cf(cpu, true);
    X86_NEXT(cpu, insn);
}

HANDLER(cmc)
{
    flags_cf(cpu, !x86_cf(cpu));
    X86_NEXT(cpu, insn);
}

HANDLER(cld)
{
    cpu->eflags &= ~(uint32_t)X86_DF;
    X86_NEXT(cpu, insn);
}

HANDLER(std)
{
    cpu->eflags |= X86_DF;
    X86_NEXT(cpu, insn);
}

HANDLER(salc)
{
    set_gpr(cpu, X86_RAX, x86_cf(cpu) ? 0xff : 0, 1);
    X86_NEXT(cpu, insn);
}

/* ---- frames ---- */

static void set_sp(struct x86_cpu *cpu, uint64_t sp)
{
    add_sp(cpu, sp - cpu->gpr[X86_RSP]);
}

HANDLER(leave)
{
    uint64_t bp = cpu->gpr[X86_RBP];
    uint64_t v = x86_ldn(cpu, insn, X86_SS, bp & cpu->sp_mask, insn->osize);

    set_sp(cpu, bp + insn->osize);
    set_gpr(cpu, X86_RBP, v, insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(leave64)
{
    uint64_t bp = cpu->gpr[X86_RBP];
    const uint8_t *p = x86_hit(cpu->tlb_rd, bp, 8);

    if (unlikely(!p)) {
        return leave(cpu, insn);
    }
    cpu->gpr[X86_RSP] = bp + 8;
    cpu->gpr[X86_RBP] = host_ld(p, 8);
    X86_NEXT(cpu, insn);
}

/* Stores below the stack pointer, which changes only at the end. */
HANDLER(enter)
{
    unsigned size = insn->osize;
    uint64_t frame_size = insn->imm & 0xffff;
    unsigned level = insn->imm >> 16 & 31;
    uint64_t sp = cpu->gpr[X86_RSP] - size;
    uint64_t bp = cpu->gpr[X86_RBP];
    uint64_t frame = sp;

    x86_stn(cpu, insn, X86_SS, sp & cpu->sp_mask, bp, size);
    for (unsigned i = 1; i < level; i++) {
        uint64_t v;

        bp -= size;
        sp -= size;
        v = x86_ldn(cpu, insn, X86_SS, bp & cpu->sp_mask, size);
        x86_stn(cpu, insn, X86_SS, sp & cpu->sp_mask, v, size);
    }
    if (level) {
        sp -= size;
        x86_stn(cpu, insn, X86_SS, sp & cpu->sp_mask, frame, size);
    }
    sp -= frame_size;
    x86_probe_st(cpu, insn, X86_SS, sp & cpu->sp_mask, size);
    set_sp(cpu, sp);
    set_gpr(cpu, X86_RBP, frame, size);
    X86_NEXT(cpu, insn);
}

HANDLER(pusha)
{
    unsigned size = insn->osize;
    uint64_t sp = cpu->gpr[X86_RSP];

    /* Both ends first, so that nothing is half done; the top is written first. */
    x86_probe_st(cpu, insn, X86_SS, (sp - size) & cpu->sp_mask, size);
    x86_probe_st(cpu, insn, X86_SS, (sp - 8 * size) & cpu->sp_mask, size);
    for (unsigned i = 0; i < 8; i++) {
        x86_stn(cpu, insn, X86_SS, (sp - (i + 1) * size) & cpu->sp_mask,
                cpu->gpr[i], size);
    }
    set_sp(cpu, sp - 8 * size);
    X86_NEXT(cpu, insn);
}

HANDLER(popa)
{
    unsigned size = insn->osize;
    uint64_t sp = cpu->gpr[X86_RSP];
    uint64_t v[8];

    for (unsigned i = 0; i < 8; i++) {
        v[i] = x86_ldn(cpu, insn, X86_SS, (sp + i * size) & cpu->sp_mask, size);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (7 - i != X86_RSP) {
            set_gpr(cpu, 7 - i, v[i], size);
        }
    }
    set_sp(cpu, sp + 8 * size);
    X86_NEXT(cpu, insn);
}

HANDLER(bound)
{
    unsigned size = insn->osize;
    uint64_t ea = x86_ea(cpu, insn);
    uint64_t low = x86_ldn(cpu, insn, insn->seg, ea, size);
    uint64_t high = x86_ldn(cpu, insn, insn->seg,
                            (ea + size) & x86_addr_mask(insn->asize), size);
    int64_t v = sign_extend(get_reg(cpu, insn, size), size);

    if (v < sign_extend(low, size) || v > sign_extend(high, size)) {
        x86_begin(cpu, insn);
        x86_raise(cpu, X86_EXC_BR);
    }
    X86_NEXT(cpu, insn);
}

x86_exec *x86_pick_misc(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    switch (row_of(insn)->mnemonic) {
    case X86_NOP:
    case X86_ENDBR32:
    case X86_ENDBR64:
    case X86_PREFETCH:
    case X86_PREFETCHW:
    case X86_PREFETCHWT1:
    case X86_PREFETCHNTA:
    case X86_PREFETCHT0:
    case X86_PREFETCHT1:
    case X86_PREFETCHT2: return nop;
    case X86_PAUSE: return pause_hint;
    case X86_LFENCE:
    case X86_SFENCE:
    case X86_MFENCE: return fence;
    case X86_CLFLUSH:
    case X86_CLFLUSHOPT:
    case X86_CLWB: return flush_line;
    case X86_FWAIT: return fwait;
    case X86_CBW: return cbw;
    case X86_CWD: return cwd;
    case X86_XLAT: return xlat;
    case X86_LAHF: return lahf;
    case X86_SAHF: return sahf;
    case X86_CLC: return clc;
    case X86_STC: return stc;
    case X86_CMC: return cmc;
    case X86_CLD: return cld;
    case X86_STD: return std;
    case X86_SALC: return salc;
    case X86_ENTER: return enter;
    case X86_LEAVE: return cpu->code64 && insn->osize == 8 ? leave64 : leave;
    case X86_PUSHA: return pusha;
    case X86_POPA: return popa;
    case X86_BOUND: return bound;
    default: return NULL;
    }
}
