/* SPDX-License-Identifier: MIT */
/*
 * The choice of vector handlers, and SSE exceptions. [SDM] vol. 1 ch. 11.5.
 *
 * Not modelled: with an unmasked overflow or underflow PE should tell whether
 * the result is inexact with an exponent of any size; here it is set as it
 * would be if that were masked.
 */
#include "target/x86/exec_sse.h"

static bool lane_tiny(uint64_t v, uint64_t exp_mask, uint64_t fraction_mask)
{
    return !(v & exp_mask) && (v & fraction_mask);
}

/* Is a lane denormal? */
static bool any_tiny(v128 r, enum fp_lanes lanes)
{
    v4u32 s = (v4u32)r;
    v8u16 h = (v8u16)r;
    unsigned n = lanes == FP_PS || lanes == FP_PH ? 4 : lanes == FP_PD ? 2 : 1;
    bool tiny = false;

    for (unsigned i = 0; i < n; i++) {
        if (lanes == FP_PS || lanes == FP_SS)
            tiny |= lane_tiny(s[i], 0x7f800000, 0x7fffff);
        else if (lanes == FP_PH)
            tiny |= lane_tiny(h[i], 0x7c00, 0x3ff);
        else if (lanes != FP_NO_LANES)
            tiny |=
                lane_tiny(r[i], UINT64_C(0x7ff) << 52, (UINT64_C(1) << 52) - 1);
    }
    return tiny;
}

/*
 * Unmasked exceptions that are known before the computation hide those that
 * follow from the result. An unmasked underflow needs no inexact result.
 */
void sse_fp_flags(struct x86_cpu *cpu, const struct x86_insn *insn,
                  uint32_t raised, v128 lo, v128 hi, enum fp_lanes lanes)
{
    const uint32_t early = FP_IE | FP_DE | FP_ZE;
    uint32_t unmasked = ~(cpu->fpu.mxcsr >> FP_MXCSR_MASK_SHIFT) & FP_ALL;

    if (raised & unmasked & early)
        raised &= early;
    else if ((unmasked & FP_UE) && (any_tiny(lo, lanes) || any_tiny(hi, lanes)))
        raised |= FP_UE;
    cpu->fpu.mxcsr |= raised;
    if (raised & unmasked) {
        x86_begin(cpu, insn);
        x86_raise(cpu, cpu->cr4 & X86_CR4_OSXMMEXCPT ? X86_EXC_XM : X86_EXC_UD);
    }
}

x86_exec *x86_select_sse(const struct x86_insn *insn)
{
    static x86_exec *(*const families[])(const struct x86_insn *) = {
        x86_select_vec_move,    x86_select_vec_int, x86_select_vec_shift,
        x86_select_vec_shuffle, x86_select_vec_fp,  x86_select_vec_convert,
        x86_select_vec_string,  x86_select_avx,     x86_select_avx_gather,
        x86_select_fma,         x86_select_crypto,  x86_select_bmi,
        x86_select_xsave,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
        x86_exec *exec = families[i](insn);

        if (exec)
            return exec;
    }
    return NULL;
}
