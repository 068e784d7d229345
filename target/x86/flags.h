/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic flags, evaluated when somebody asks.
 *
 * An instruction leaves its result, sign-extended to 64 bits, in
 * cpu->flags_result, and its carries in cpu->flags_aux:
 *   ZF = result == 0; SF = bit 63 of result ^ bit SF_DELTA of aux;
 *   PF = parity of (low byte of result ^ PF_DELTA byte of aux);
 *   AF = bit 3 of aux; CF = bit 63 of aux; OF = bit 63 ^ bit 62 of aux.
 * So aux is just the carry-out vector of an addition or subtraction, shifted
 * so that the operand's top bit stands at bit 63 (with AF's carry, bit 3 of
 * the unshifted vector, put back at bit 3). The deltas, zero as a rule, let
 * any combination of flags be represented (POPF, SAHF, shifts).
 */
#ifndef TARGET_X86_FLAGS_H
#define TARGET_X86_FLAGS_H

#include "target/x86/cpu.h"

enum {
    X86_AUX_AF = 3,
    X86_AUX_PF_DELTA = 8, /* 8 bits: 8..15 */
    X86_AUX_SF_DELTA = 16,
    X86_AUX_PO = 62, /* carry into the top bit: CF ^ OF */
    X86_AUX_CF = 63,
};

static always_inline bool x86_cf(const struct x86_cpu *cpu)
{
    return cpu->flags_aux >> X86_AUX_CF;
}

static always_inline bool x86_of(const struct x86_cpu *cpu)
{
    return ((cpu->flags_aux >> X86_AUX_CF) ^ (cpu->flags_aux >> X86_AUX_PO)) &
           1;
}

static always_inline bool x86_zf(const struct x86_cpu *cpu)
{
    return cpu->flags_result == 0;
}

static always_inline bool x86_sf(const struct x86_cpu *cpu)
{
    return ((uint64_t)cpu->flags_result >> 63 ^
            cpu->flags_aux >> X86_AUX_SF_DELTA) &
           1;
}

static always_inline bool x86_af(const struct x86_cpu *cpu)
{
    return cpu->flags_aux >> X86_AUX_AF & 1;
}

static always_inline bool x86_pf(const struct x86_cpu *cpu)
{
    return !__builtin_parity((uint8_t)((uint64_t)cpu->flags_result ^
                                       cpu->flags_aux >> X86_AUX_PF_DELTA));
}

/* CF PF AF ZF SF OF as EFLAGS bits. */
static inline uint32_t x86_arith_flags(const struct x86_cpu *cpu)
{
    return (x86_cf(cpu) ? X86_CF : 0U) | (x86_pf(cpu) ? X86_PF : 0U) |
           (x86_af(cpu) ? X86_AF : 0U) | (x86_zf(cpu) ? X86_ZF : 0U) |
           (x86_sf(cpu) ? X86_SF : 0U) | (x86_of(cpu) ? X86_OF : 0U);
}

/* Sets all six from EFLAGS bits. */
static inline void x86_set_arith_flags(struct x86_cpu *cpu, uint32_t f)
{
    uint64_t cf = f & X86_CF ? 1 : 0;
    uint64_t of = f & X86_OF ? 1 : 0;
    uint64_t sf = f & X86_SF ? 1 : 0;
    uint64_t pf_odd = f & X86_PF ? 0 : 1; /* of the low byte of the result */

    /* Result 0 or 1; parity and sign come from the deltas. */
    cpu->flags_result = f & X86_ZF ? 0 : 1;
    pf_odd ^= f & X86_ZF ? 0 : 1;
    cpu->flags_aux = cf << X86_AUX_CF | (cf ^ of) << X86_AUX_PO |
                     sf << X86_AUX_SF_DELTA | pf_odd << X86_AUX_PF_DELTA |
                     (uint64_t)(f & X86_AF ? 1 : 0) << X86_AUX_AF;
}

/* The whole of RFLAGS, and back (no checks: the caller masks). */
static inline uint64_t x86_get_rflags(const struct x86_cpu *cpu)
{
    return cpu->eflags | x86_arith_flags(cpu) | X86_FIXED;
}

static inline void x86_put_rflags(struct x86_cpu *cpu, uint64_t f)
{
    cpu->eflags = ((uint32_t)f & ~(uint32_t)X86_ARITH) | X86_FIXED;
    x86_set_arith_flags(cpu, (uint32_t)f);
}

#endif
