/* SPDX-License-Identifier: MIT */
/*
 * Raising exceptions from anywhere inside the engine, by siglongjmp to the
 * engine's loop. The handler in progress must not have changed architectural
 * state yet: check everything, then commit. cpu->insn must be the faulting
 * instruction (the memory accessors of access.h see to that; handlers that
 * raise by themselves call x86_begin() first). RIP is restored from it.
 */
#ifndef TARGET_X86_EXCP_H
#define TARGET_X86_EXCP_H

#include "target/x86/cpu.h"

/* Stands for the instruction where there is none: while one is fetched, or
 * an event is delivered between two. block_rip is then RIP. */
extern const struct x86_insn x86_no_insn[2];

/* Names `insn` as the instruction in progress. */
static inline void x86_begin(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    cpu->insn = insn;
}

_Noreturn void x86_raise(struct x86_cpu *cpu, enum x86_vector vector);
_Noreturn void x86_raise_error(struct x86_cpu *cpu, enum x86_vector vector,
                               uint32_t error);

static inline _Noreturn void x86_raise_gp0(struct x86_cpu *cpu)
{
    x86_raise_error(cpu, X86_EXC_GP, 0);
}

#endif
