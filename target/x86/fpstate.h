/* SPDX-License-Identifier: MIT */
/*
 * x87, SSE and AVX state as FXSAVE, XSAVE and the debugger see it.
 * [SDM] vol. 1 ch. 13.
 */
#ifndef TARGET_X86_FPSTATE_H
#define TARGET_X86_FPSTATE_H

#include "target/x86/cpu.h"

enum { /* XCR0 */
       X86_XCR0_X87 = 1 << 0,
       X86_XCR0_SSE = 1 << 1,
       X86_XCR0_AVX = 1 << 2,
       X86_XCR0_PKRU = 1 << 9,
};

enum {
    X86_MXCSR_INIT = 0x1f80,
    X86_MXCSR_MASK = 0xffff,
    X86_XSAVE_LEGACY = 512,
    X86_XSAVE_HEADER = 64,
};

/* An extended component's place in the standard form; size 0 = unknown. */
struct x86_xsave_component {
    uint16_t offset, size;
};

/* Components 0..15, what CPUID leaf 0xd is to tell. */
extern const struct x86_xsave_component x86_xsave_components[16];

/* FNINIT. */
void x87_init(struct x86_cpu *cpu);
void x87_set_fcw(struct x86_cpu *cpu, uint16_t fcw);
/* The 16-bit tag word from contents and emptiness, and back. */
uint16_t x87_full_tags(const struct x86_fpu *fpu);
void x87_set_full_tags(struct x86_fpu *fpu, uint16_t tags);

/* XINUSE: the components that are not in their initial state. */
uint64_t x86_xinuse(const struct x86_cpu *cpu);
/* May XCR0 take this value, of the bits that CPUID offers? */
bool x86_xcr0_valid(uint64_t value, uint64_t offered);

#endif
