/* SPDX-License-Identifier: MIT */
/*
 * Floating point as x86 does it: the small interface behind which either the
 * host's own x87 and SSE units (fp_host_x86.c, bit-exact) or portable code
 * (fp_portable.c) do the arithmetic. Any thread. [SDM] vol. 1 ch. 8 and 11.
 *
 * These functions compute as the guest's control words say and report which
 * exceptions the operation met. They change no guest state: what an unmasked
 * exception does is the caller's business.
 */
#ifndef TARGET_X86_FP_H
#define TARGET_X86_FP_H

#include "target/x86/cpu.h"
#include "target/x86/vec.h"

/* Bits of FSW; the six exceptions are the same in MXCSR. */
enum {
    FP_IE = 1 << 0,
    FP_DE = 1 << 1,
    FP_ZE = 1 << 2,
    FP_OE = 1 << 3,
    FP_UE = 1 << 4,
    FP_PE = 1 << 5,
    FP_ALL = 0x3f,
    FP_SF = 1 << 6, /* x87 stack fault */
    FP_ES = 1 << 7,
    FP_C0 = 1 << 8,
    FP_C1 = 1 << 9,
    FP_C2 = 1 << 10,
    FP_C3 = 1 << 14,
    FP_CC = FP_C0 | FP_C1 | FP_C2 | FP_C3,
    FP_B = 1 << 15,
};

enum {
    FP_MXCSR_DAZ = 1 << 6,
    FP_MXCSR_MASK_SHIFT = 7,
    FP_MXCSR_MASKS = FP_ALL << FP_MXCSR_MASK_SHIFT,
    FP_MXCSR_UM = FP_UE << FP_MXCSR_MASK_SHIFT,
    FP_MXCSR_RC_SHIFT = 13,
    FP_MXCSR_RC = 3 << FP_MXCSR_RC_SHIFT,
    FP_MXCSR_FZ = 1 << 15,
};

/*
 * SSE. The operation runs under fpu->mxcsr with every exception masked and
 * leaves what it raised (FP_IE..FP_PE) in fpu->raised. _ps, _pd: all lanes.
 * _ss, _sd: lane 0 of the result; the other lanes are those of `a`.
 */
/* clang-format off */
#define FP_SSE_BINARY(X) \
    X(add_ps, "addps") X(add_pd, "addpd") X(add_ss, "addss") X(add_sd, "addsd") \
    X(sub_ps, "subps") X(sub_pd, "subpd") X(sub_ss, "subss") X(sub_sd, "subsd") \
    X(mul_ps, "mulps") X(mul_pd, "mulpd") X(mul_ss, "mulss") X(mul_sd, "mulsd") \
    X(div_ps, "divps") X(div_pd, "divpd") X(div_ss, "divss") X(div_sd, "divsd") \
    X(min_ps, "minps") X(min_pd, "minpd") X(min_ss, "minss") X(min_sd, "minsd") \
    X(max_ps, "maxps") X(max_pd, "maxpd") X(max_ss, "maxss") X(max_sd, "maxsd") \
    X(sqrt_ss, "sqrtss") X(sqrt_sd, "sqrtsd") \
    X(rcp_ss, "rcpss") X(rsqrt_ss, "rsqrtss") \
    X(cvtss2sd, "cvtss2sd") X(cvtsd2ss, "cvtsd2ss")

#define FP_SSE_UNARY(X) \
    X(sqrt_ps, "sqrtps") X(sqrt_pd, "sqrtpd") \
    X(rcp_ps, "rcpps") X(rsqrt_ps, "rsqrtps") \
    X(cvtdq2ps, "cvtdq2ps") X(cvtps2dq, "cvtps2dq") X(cvttps2dq, "cvttps2dq") \
    X(cvtdq2pd, "cvtdq2pd") X(cvtpd2dq, "cvtpd2dq") X(cvttpd2dq, "cvttpd2dq") \
    X(cvtps2pd, "cvtps2pd") X(cvtpd2ps, "cvtpd2ps")

/* To an integer: 32 bits (zero-extended) or 64. */
#define FP_SSE_TO_INT(X) \
    X(cvtss2si, "cvtss2si") X(cvtsd2si, "cvtsd2si") \
    X(cvttss2si, "cvttss2si") X(cvttsd2si, "cvttsd2si")

/* ZF, PF and CF of the comparison, as in EFLAGS. */
#define FP_SSE_COMPARE(X) \
    X(comi_ss, "comiss") X(ucomi_ss, "ucomiss") \
    X(comi_sd, "comisd") X(ucomi_sd, "ucomisd")

/* a * b + c with one rounding, and its sign variants. */
#define FP_SSE_FMA(X) \
    X(fmadd_ps) X(fmsub_ps) X(fnmadd_ps) X(fnmsub_ps) \
    X(fmadd_pd) X(fmsub_pd) X(fnmadd_pd) X(fnmsub_pd) \
    X(fmadd_ss) X(fmsub_ss) X(fnmadd_ss) X(fnmsub_ss) \
    X(fmadd_sd) X(fmsub_sd) X(fnmadd_sd) X(fnmsub_sd)

#define DECLARE(name, ...) \
    v128 fp_##name(struct x86_fpu *fpu, v128 a, v128 b);
FP_SSE_BINARY(DECLARE)
#undef DECLARE
#define DECLARE(name, ...) v128 fp_##name(struct x86_fpu *fpu, v128 b);
FP_SSE_UNARY(DECLARE)
#undef DECLARE
#define DECLARE(name, ...) \
    uint32_t fp_##name##32(struct x86_fpu *fpu, v128 b); \
    uint64_t fp_##name##64(struct x86_fpu *fpu, v128 b);
FP_SSE_TO_INT(DECLARE)
#undef DECLARE
#define DECLARE(name, ...) \
    uint32_t fp_##name(struct x86_fpu *fpu, v128 a, v128 b);
FP_SSE_COMPARE(DECLARE)
#undef DECLARE
#define DECLARE(name, ...) \
    v128 fp_##name(struct x86_fpu *fpu, v128 a, v128 b, v128 c);
FP_SSE_FMA(DECLARE)
#undef DECLARE
/* clang-format on */

v128 fp_cvtsi2ss(struct x86_fpu *fpu, v128 a, int64_t b);
v128 fp_cvtsi2sd(struct x86_fpu *fpu, v128 a, int64_t b);

/* `pred`: the 32 predicates of VCMPPS; lanes become all ones or zero. */
v128 fp_cmp_ps(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred);
v128 fp_cmp_pd(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred);
v128 fp_cmp_ss(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred);
v128 fp_cmp_sd(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred);

/* `imm` as in ROUNDPS: bits 1:0 rounding, 2 MXCSR's instead, 3 no FP_PE. */
v128 fp_round_ps(struct x86_fpu *fpu, v128 b, unsigned imm);
v128 fp_round_pd(struct x86_fpu *fpu, v128 b, unsigned imm);
v128 fp_round_ss(struct x86_fpu *fpu, v128 a, v128 b, unsigned imm);
v128 fp_round_sd(struct x86_fpu *fpu, v128 a, v128 b, unsigned imm);

/* Half precision, four lanes; `imm` bits 2:0 as in VCVTPS2PH. */
v128 fp_cvtph2ps(struct x86_fpu *fpu, v128 b);
v128 fp_cvtps2ph(struct x86_fpu *fpu, v128 b, unsigned imm);

/*
 * x87. Operations run under fpu->fcw (precision and rounding control, and
 * masks: an unmasked overflow gives the biased result). They return the bits
 * of FSW that they raised or set: FP_IE..FP_PE and the condition code. Where
 * FP_PE is masked and set in fpu->fsw already, it may be reported in excess.
 * `a` is ST(0) where the instruction has it implied. Nothing is written to
 * `out` that the caller may use when an unmasked FP_IE, FP_DE or FP_ZE (for
 * stores also FP_OE, FP_UE) comes back.
 */
/* clang-format off */
#define FP_X87_ARITH(X) X(add) X(mul) X(sub) X(subr) X(div) X(divr)
#define FP_X87_UNARY(X) X(sqrt) X(rndint) X(2xm1) X(sin) X(cos)
/* out = f(ST(0), ST(1)) */
#define FP_X87_BINARY(X) X(scale) X(prem) X(prem1) X(yl2x) X(yl2xp1) X(patan)
/* Two results: `out` is the one that ends in ST(0), `below` in ST(1). */
#define FP_X87_PAIR(X) X(sincos) X(ptan) X(xtract)

#define DECLARE(name) \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out, \
                           const struct x87_reg *a, const struct x87_reg *b); \
    uint32_t fp_x87_##name##_f32(const struct x86_fpu *fpu, \
                                 struct x87_reg *out, \
                                 const struct x87_reg *a, uint32_t b); \
    uint32_t fp_x87_##name##_f64(const struct x86_fpu *fpu, \
                                 struct x87_reg *out, \
                                 const struct x87_reg *a, uint64_t b);
FP_X87_ARITH(DECLARE)
#undef DECLARE
#define DECLARE(name) \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out, \
                           const struct x87_reg *a);
FP_X87_UNARY(DECLARE)
#undef DECLARE
#define DECLARE(name) \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out, \
                           const struct x87_reg *a, const struct x87_reg *b);
FP_X87_BINARY(DECLARE)
#undef DECLARE
#define DECLARE(name) \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out, \
                           struct x87_reg *below, const struct x87_reg *a);
FP_X87_PAIR(DECLARE)
#undef DECLARE
/* clang-format on */

/* Comparisons: C0, C2, C3 (and C1 = 0). */
uint32_t fp_x87_com(const struct x86_fpu *fpu, const struct x87_reg *a,
                    const struct x87_reg *b);
uint32_t fp_x87_ucom(const struct x86_fpu *fpu, const struct x87_reg *a,
                     const struct x87_reg *b);
uint32_t fp_x87_com_f32(const struct x86_fpu *fpu, const struct x87_reg *a,
                        uint32_t b);
uint32_t fp_x87_com_f64(const struct x86_fpu *fpu, const struct x87_reg *a,
                        uint64_t b);

/* Between formats. */
uint32_t fp_x87_ld_f32(const struct x86_fpu *fpu, struct x87_reg *out,
                       uint32_t b);
uint32_t fp_x87_ld_f64(const struct x86_fpu *fpu, struct x87_reg *out,
                       uint64_t b);
uint32_t fp_x87_st_f32(const struct x86_fpu *fpu, uint32_t *out,
                       const struct x87_reg *a);
uint32_t fp_x87_st_f64(const struct x86_fpu *fpu, uint64_t *out,
                       const struct x87_reg *a);
/* To integers; `trunc` overrides the rounding control (FISTTP). */
uint32_t fp_x87_st_i16(const struct x86_fpu *fpu, uint16_t *out,
                       const struct x87_reg *a, bool trunc);
uint32_t fp_x87_st_i32(const struct x86_fpu *fpu, uint32_t *out,
                       const struct x87_reg *a, bool trunc);
uint32_t fp_x87_st_i64(const struct x86_fpu *fpu, uint64_t *out,
                       const struct x87_reg *a, bool trunc);
uint32_t fp_x87_st_bcd(const struct x86_fpu *fpu, uint8_t out[10],
                       const struct x87_reg *a);

#endif
