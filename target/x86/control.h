/* SPDX-License-Identifier: MIT */
/*
 * Control registers, EFER, XCR0 and model-specific registers: what may be
 * written, and what follows from it. The setters return false where the CPU
 * raises #GP(0); nothing has changed then.
 */
#ifndef TARGET_X86_CONTROL_H
#define TARGET_X86_CONTROL_H

#include "target/x86/cpu.h"

bool x86_set_cr0(struct x86_cpu *cpu, uint64_t value);
bool x86_set_cr3(struct x86_cpu *cpu, uint64_t value);
bool x86_set_cr4(struct x86_cpu *cpu, uint64_t value);
bool x86_set_efer(struct x86_cpu *cpu, uint64_t value);
bool x86_set_xcr0(struct x86_cpu *cpu, uint64_t value);
/* FS and GS base outside of descriptors. */
void x86_set_base(struct x86_cpu *cpu, enum x86_sreg seg, uint64_t base);

bool x86_rdmsr(struct x86_cpu *cpu, uint32_t index, uint64_t *value);
bool x86_wrmsr(struct x86_cpu *cpu, uint32_t index, uint64_t value);

#endif
