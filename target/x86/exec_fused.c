/* SPDX-License-Identifier: MIT */
/*
 * CMP or TEST of registers and immediates with the Jcc behind it, as one
 * handler: 32- and 64-bit code, operands of 8, 32 and 64 bits.
 */
#include "target/x86/exec.h"
#include "target/x86/pick.h"

enum compare { CMP, TEST };

/* The condition, from the operands of the CMP or TEST. */
static always_inline bool holds(enum compare op, unsigned cc, uint64_t a,
                                uint64_t b, unsigned size)
{
    int64_t sa = sign_extend(a, size);
    int64_t sb = sign_extend(b, size);
    uint64_t r = (op == CMP ? a - b : a & b) & size_mask(size);
    bool v;

    switch (cc >> 1) {
    case 0: /* overflow */
        v = op == CMP && top_bit((a ^ b) & (a ^ r), size);
        break;
    case 1: v = op == CMP && a < b; break;
    case 2: v = r == 0; break;
    case 3: v = op == CMP ? a <= b : r == 0; break;
    case 4: v = top_bit(r, size); break;
    case 5: v = !__builtin_parity((uint8_t)r); break;
    case 6: v = op == CMP ? sa < sb : top_bit(r, size); break;
    default: v = op == CMP ? sa <= sb : r == 0 || top_bit(r, size); break;
    }
    return v != (cc & 1);
}

static always_inline x86_next fused(struct x86_cpu *cpu,
                                    const struct x86_insn *insn,
                                    enum compare op, bool imm, unsigned size,
                                    unsigned cc, bool wide)
{
    const struct x86_insn *jump = insn + 1;
    uint64_t a = get_rm(cpu, insn, size);
    uint64_t b = imm ? insn->imm & size_mask(size) : get_reg(cpu, insn, size);
    uint64_t next = x86_next_rip(cpu, jump);

    if (op == CMP) {
        flags_sub(cpu, a, b, size);
    } else {
        flags_logic(cpu, a & b, size);
    }
    if (holds(op, cc, a, b, size)) {
        return wide ? x86_goto_link(cpu, jump, 1, next + jump->imm)
                    : go(cpu, jump, next + jump->imm);
    }
    return x86_goto_link(cpu, jump, 0, wide ? next : (uint32_t)next);
}

/* clang-format off */
#define CONDITIONS(X, form, op, imm, size) \
    X(form, op, imm, size, 0) X(form, op, imm, size, 1) \
    X(form, op, imm, size, 2) X(form, op, imm, size, 3) \
    X(form, op, imm, size, 4) X(form, op, imm, size, 5) \
    X(form, op, imm, size, 6) X(form, op, imm, size, 7) \
    X(form, op, imm, size, 8) X(form, op, imm, size, 9) \
    X(form, op, imm, size, 10) X(form, op, imm, size, 11) \
    X(form, op, imm, size, 12) X(form, op, imm, size, 13) \
    X(form, op, imm, size, 14) X(form, op, imm, size, 15)
#define DEFINE(form, op, imm, size, cc) \
    HANDLER(form##size##_##cc) \
    { return fused(cpu, insn, op, imm, size, cc, true); } \
    HANDLER(form##size##_##cc##_32) \
    { return fused(cpu, insn, op, imm, size, cc, false); }
#define NAME(form, op, imm, size, cc) \
    {form##size##_##cc##_32, form##size##_##cc},

#define SIZES(X) \
    CONDITIONS(X, cmp_rr, CMP, false, 1) CONDITIONS(X, cmp_ri, CMP, true, 1) \
    CONDITIONS(X, test_rr, TEST, false, 1) \
    CONDITIONS(X, test_ri, TEST, true, 1) \
    CONDITIONS(X, cmp_rr, CMP, false, 4) CONDITIONS(X, cmp_ri, CMP, true, 4) \
    CONDITIONS(X, test_rr, TEST, false, 4) \
    CONDITIONS(X, test_ri, TEST, true, 4) \
    CONDITIONS(X, cmp_rr, CMP, false, 8) CONDITIONS(X, cmp_ri, CMP, true, 8) \
    CONDITIONS(X, test_rr, TEST, false, 8) \
    CONDITIONS(X, test_ri, TEST, true, 8)
SIZES(DEFINE)

/* By size (1, 4, 8), operation, second operand, condition, 64-bit code. */
static x86_exec *const handlers[3][2][2][16][2] = {
    {{{CONDITIONS(NAME, cmp_rr, CMP, 0, 1)},
      {CONDITIONS(NAME, cmp_ri, CMP, 1, 1)}},
     {{CONDITIONS(NAME, test_rr, TEST, 0, 1)},
      {CONDITIONS(NAME, test_ri, TEST, 1, 1)}}},
    {{{CONDITIONS(NAME, cmp_rr, CMP, 0, 4)},
      {CONDITIONS(NAME, cmp_ri, CMP, 1, 4)}},
     {{CONDITIONS(NAME, test_rr, TEST, 0, 4)},
      {CONDITIONS(NAME, test_ri, TEST, 1, 4)}}},
    {{{CONDITIONS(NAME, cmp_rr, CMP, 0, 8)},
      {CONDITIONS(NAME, cmp_ri, CMP, 1, 8)}},
     {{CONDITIONS(NAME, test_rr, TEST, 0, 8)},
      {CONDITIONS(NAME, test_ri, TEST, 1, 8)}}},
};
/* clang-format on */

x86_exec *x86_fuse(const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);
    const struct x86_insn *jump = insn + 1;
    unsigned size;
    bool imm;

    if ((row->mnemonic != X86_CMP && row->mnemonic != X86_TEST) ||
        insn->flags & X86_I_MEM || row_of(jump)->mnemonic != X86_Jcc ||
        jump->osize == 2) {
        return NULL;
    }
    size = row->operand[0] == X86_O_Gb || row->operand[0] == X86_O_Eb ||
                   row->operand[0] == X86_O_rAL
               ? 1
               : insn->osize;
    imm = row->operand[1] == X86_O_Ib || row->operand[1] == X86_O_Iz ||
          row->operand[1] == X86_O_Is;
    if (size == 2) {
        return NULL;
    }
    return handlers[size == 1   ? 0
                    : size == 4 ? 1
                                : 2][row->mnemonic == X86_TEST][imm]
                   [x86_cc(jump)][jump->osize == 8];
}
