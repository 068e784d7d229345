/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's house rules: how a handler finds its successor, and how
 * mnemonics find their handlers.
 *
 * A handler may run its successor as a tail call, so a block costs no loop.
 */
#ifndef TARGET_X86_INTERP_H
#define TARGET_X86_INTERP_H

#include "target/x86/access.h"
#include "target/x86/decode.h"
#include "target/x86/excp.h"
#include "target/x86/flags.h"

/* Ends a handler whose successor is the next instruction of the block. */
#define X86_NEXT(cpu, insn) return (insn)[1].exec((cpu), (insn) + 1)

/*
 * Picks the handler of a decoded instruction: asks each family in turn.
 * A family returns NULL where the mnemonic is not its own. `insn->row` gives
 * everything; X86_I_MEM, osize and W choose among specialised handlers.
 */
x86_exec *x86_select(const struct x86_insn *insn);
x86_exec *x86_select_int(const struct x86_insn *insn); /* general purpose */
x86_exec *x86_select_sys(const struct x86_insn *insn); /* system, far, int */
x86_exec *x86_select_x87(const struct x86_insn *insn);
x86_exec *x86_select_sse(const struct x86_insn *insn); /* MMX .. AVX2, AES.. */

/* RIP of `insn` and of its successor (offsets in CS, not yet wrapped). */
static inline uint64_t x86_insn_rip(const struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    return cpu->block_rip + insn->offset;
}

#endif
