/* SPDX-License-Identifier: MIT */
/*
 * From a decoded instruction to its handler.
 */
#include "target/x86/pick.h"

#include "target/x86/exec.h"
#include "target/x86/model.h"

const struct x86_insn *x86_exec_ud(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    x86_raise(cpu, X86_EXC_UD);
}

HANDLER(raise_gp)
{
    x86_begin(cpu, insn);
    x86_raise_gp0(cpu);
}

HANDLER(raise_nm)
{
    x86_begin(cpu, insn);
    x86_raise(cpu, X86_EXC_NM);
}

bool x86_is_trap(x86_exec *exec)
{
    return exec == x86_exec_ud || exec == raise_gp || exec == raise_nm;
}

enum x86_am x86_addressing(const struct x86_cpu *cpu,
                           const struct x86_insn *insn)
{
    uint32_t mode = x86_mode_bits(cpu);

    if (insn->seg >= X86_FS) {
        return AM_SEG;
    }
    if (mode & X86_M_CODE64) {
        return insn->asize != 8            ? AM_SEG
               : insn->index == X86_R_ZERO ? AM_BASE
                                           : AM_FULL;
    }
    return mode & X86_M_FLAT && insn->asize == 4 && insn->seg != X86_CS
               ? AM_FLAT
               : AM_SEG;
}

/* What CR0, CR4 and XCR0 make of coprocessor instructions. */
static x86_exec *pick_trap(const struct x86_insn *insn, uint32_t mode)
{
    const struct x86_row *row = x86_insn_row(insn);
    uint32_t a = row->attrs;

    if (a & X86_A_X87 && row->mnemonic != X86_FWAIT &&
        mode & (X86_M_EM | X86_M_TS)) {
        return raise_nm;
    }
    if ((a & (X86_A_MMX | X86_A_SSE) && mode & X86_M_EM) ||
        (a & X86_A_SSE && !(mode & X86_M_OSFXSR)) ||
        (a & X86_A_AVX && !(mode & X86_M_AVX))) {
        return x86_exec_ud;
    }
    if (a & (X86_A_MMX | X86_A_SSE | X86_A_AVX) && mode & X86_M_TS) {
        return raise_nm;
    }
    return NULL;
}

/* Handlers of integer and system instructions. */
static x86_exec *pick_own(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    static x86_exec *(*const families[])(const struct x86_cpu *,
                                         const struct x86_insn *) = {
        x86_pick_mov,  x86_pick_alu,    x86_pick_branch,  x86_pick_shift,
        x86_pick_misc, x86_pick_mul,    x86_pick_bit,     x86_pick_string,
        x86_pick_io,   x86_pick_system, x86_pick_segment,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
        x86_exec *exec = families[i](cpu, insn);

        if (exec) {
            return exec;
        }
    }
    return NULL;
}

x86_exec *x86_pick(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);
    uint32_t mode = x86_mode_bits(cpu);
    x86_exec *exec;

    if (!x86_has(cpu->model, row->feature) ||
        (row->attrs & X86_A_PROT && mode & (X86_M_REAL | X86_M_V86))) {
        return x86_exec_ud;
    }
    if (row->attrs & X86_A_CPL0 && mode >> X86_M_CPL_SHIFT & 3) {
        return raise_gp;
    }
    exec = pick_trap(insn, mode);
    exec = exec ? exec : pick_own(cpu, insn);
    exec = exec ? exec : x86_select_x87(insn);
    exec = exec ? exec : x86_select_sse(insn);
    return exec ? exec : x86_exec_ud;
}

bool x86_takes_g_e(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_ADD:
    case X86_OR:
    case X86_ADC:
    case X86_SBB:
    case X86_AND:
    case X86_SUB:
    case X86_XOR:
    case X86_CMP:
    case X86_MOV: return true;
    default: return false;
    }
}

bool x86_shadows(const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);

    switch (row->mnemonic) {
    case X86_STI: return true;
    case X86_MOV: return row->operand[0] == X86_O_Sw && insn->reg == X86_SS;
    case X86_POP: return row->operand[0] == X86_O_sSS;
    default: return false;
    }
}

bool x86_ends_block(const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);

    switch (row->mnemonic) {
    case X86_STAC:
    case X86_CLAC:
    case X86_MOV:
    case X86_POPF:
        return row->operand[0] == X86_O_Cn || row->operand[0] == X86_O_Dn;
    default: return row->attrs & X86_A_ENDS && !x86_shadows(insn);
    }
}
