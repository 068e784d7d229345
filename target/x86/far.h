/* SPDX-License-Identifier: MIT */
/*
 * Far jumps, calls and returns, IRET, and the fast system calls. Each leaves
 * cpu->rip at the target. cpu->insn must be the instruction.
 */
#ifndef TARGET_X86_FAR_H
#define TARGET_X86_FAR_H

#include "target/x86/cpu.h"

void x86_far_jump(struct x86_cpu *cpu, uint16_t selector, uint64_t offset,
                  unsigned osize);
void x86_far_call(struct x86_cpu *cpu, uint16_t selector, uint64_t offset,
                  unsigned osize, uint64_t next);
void x86_far_return(struct x86_cpu *cpu, unsigned osize, unsigned release);
void x86_iret(struct x86_cpu *cpu, unsigned osize, uint64_t next);
void x86_syscall(struct x86_cpu *cpu, uint64_t next);
void x86_sysret(struct x86_cpu *cpu, bool wide);
void x86_sysenter(struct x86_cpu *cpu);
void x86_sysexit(struct x86_cpu *cpu, bool wide);

#endif
