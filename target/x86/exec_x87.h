/* SPDX-License-Identifier: MIT */
/* The parts of x86_select_x87(), and what they share. */
#ifndef TARGET_X86_EXEC_X87_H
#define TARGET_X86_EXEC_X87_H

#include "target/x86/x87.h"

x86_exec *x86_select_x87_arith(const struct x86_insn *insn);
x86_exec *x86_select_x87_move(const struct x86_insn *insn);
x86_exec *x86_select_x87_env(const struct x86_insn *insn);

/* An integer as an x87 register: exact. */
static inline void x87_from_int(struct x87_reg *out, int64_t value)
{
    uint64_t m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    unsigned shift;

    out->mantissa = 0;
    out->sign_exp = 0;
    if (!m)
        return;
    shift = (unsigned)__builtin_clzll(m);
    out->mantissa = m << shift;
    out->sign_exp =
        (uint16_t)((X87_BIAS + 63 - shift) | (value < 0 ? X87_SIGN : 0U));
}

#endif
