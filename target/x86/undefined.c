/* SPDX-License-Identifier: MIT */
/* [SDM] vol. 2, [APM] vol. 3: the pages of the instructions. */
#include "target/x86/undefined.h"

#include "target/x86/cpu.h"

bool x86_undefined_result(const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);

    switch (row->mnemonic) {
    case X86_SHLD:
    case X86_SHRD: /* 16 bits and a count above 16 */
        return insn->osize == 2 &&
               (row->operand[2] == X86_O_rCL || (insn->imm & 31) > 16);
    case X86_BSWAP: return insn->osize == 2;
    case X86_VPEXTRD:
    case X86_VPINSRD: /* W in 32-bit mode. AMD: #UD; Intel: ignored */
        return insn->asize != 8 && insn->osize != 8 && insn->flags & X86_I_W;
    case X86_NOP: /* AMD: #UD for registers; Intel: a hint */
        return insn->opcode == 0x0d && !(insn->flags & X86_I_MEM);
    default: return false;
    }
}

static uint32_t by_operands(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    case X86_SHL:
    case X86_SHR:
        /* CF, where the count is beyond an 8- or 16-bit operand. */
        return x86_operand_size(insn, 0) <= 2 ? X86_CF : 0;
    default: return 0;
    }
}

uint32_t x86_undefined_flags(const struct x86_insn *insn, uint32_t before)
{
    const struct x86_row *row = x86_insn_row(insn);
    bool repeated =
        insn->flags & (X86_I_REP | X86_I_REPNE) && row->attrs & X86_A_REP;

    if (!repeated) { /* that may set none at all */
        before &= ~(uint32_t)row->flags_write;
    }
    return before | row->flags_undef | by_operands(insn);
}
