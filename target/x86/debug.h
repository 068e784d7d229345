/* SPDX-License-Identifier: MIT */
/*
 * Debug registers: breakpoints on instructions, data and ports.
 * [SDM] vol. 3 ch. 17.
 */
#ifndef TARGET_X86_DEBUG_H
#define TARGET_X86_DEBUG_H

#include "target/x86/cpu.h"

enum { /* DR6 */
       X86_DR6_BD = 1 << 13,
       X86_DR6_BS = 1 << 14,
       X86_DR6_BT = 1 << 15,
};
#define X86_DR6_FIXED UINT32_C(0xffff0ff0)
#define X86_DR7_GD    UINT32_C(0x00002000)

/* Notes the breakpoints that a data access meets; they trap after it. */
void x86_data_breakpoints(struct x86_cpu *cpu, uint64_t lin, unsigned len,
                          bool write);
void x86_io_breakpoints(struct x86_cpu *cpu, uint16_t port, unsigned len);
/* Is there a data breakpoint in this page? Then it has no TLB entry. */
bool x86_watched_page(const struct x86_cpu *cpu, uint64_t lin);
/* Is any instruction breakpoint enabled? */
bool x86_code_breakpoints(const struct x86_cpu *cpu);
/* The DR6 bits of the instruction breakpoints at a linear address. */
uint64_t x86_code_breakpoints_at(const struct x86_cpu *cpu, uint64_t lin);
/* DR7 was written. */
void x86_debug_changed(struct x86_cpu *cpu);

#endif
