/* SPDX-License-Identifier: MIT */
/*
 * Which handler runs a decoded instruction, on this CPU in its mode.
 */
#ifndef TARGET_X86_PICK_H
#define TARGET_X86_PICK_H

#include "target/x86/insn.h"

/*
 * The instruction's handler, or the one that raises what the CPU's model,
 * privilege or mode make of it. Depends on nothing that is not in
 * x86_mode_bits() or fixed for the model.
 */
x86_exec *x86_pick(const struct x86_cpu *cpu, const struct x86_insn *insn);
/* Does control leave the block here, as a rule? */
bool x86_ends_block(const struct x86_insn *insn);
/* Does it keep interrupts away for one instruction (STI, MOV SS, POP SS)? */
bool x86_shadows(const struct x86_insn *insn);

/* Handlers of these know "E, G" only, where both are registers. */
bool x86_takes_g_e(unsigned mnemonic);

/* One handler for insn and the conditional jump behind it, or NULL. Both have
 * been prepared. */
x86_exec *x86_fuse(const struct x86_insn *insn);

x86_exec x86_exec_ud;
/* Does the handler only raise what the CPU's mode or model asks for? */
bool x86_is_trap(x86_exec *exec);

#endif
