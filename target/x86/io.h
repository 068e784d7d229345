/* SPDX-License-Identifier: MIT */
/*
 * Port accesses of the CPU, with the checks of privilege and breakpoints.
 */
#ifndef TARGET_X86_IO_H
#define TARGET_X86_IO_H

#include "target/x86/cpu.h"

/* Raises #GP(0) where IOPL and the bitmap forbid it. cpu->insn is set. */
void x86_io_check(struct x86_cpu *cpu, uint16_t port, unsigned size);
uint32_t x86_io_read(struct x86_cpu *cpu, uint16_t port, unsigned size);
void x86_io_write(struct x86_cpu *cpu, uint16_t port, uint32_t value,
                  unsigned size);

#endif
