/* SPDX-License-Identifier: MIT */
/*
 * Conversions between floating-point formats and integers, F16C included.
 * [SDM] vol. 2.
 */
#include "target/x86/exec_sse.h"

typedef v128 fp1_fn(struct x86_fpu *fpu, v128 b);
typedef v128 fp2_fn(struct x86_fpu *fpu, v128 a, v128 b);

/* Lanes of the same size. */
static always_inline void same(struct x86_cpu *cpu, const struct x86_insn *insn,
                               fp1_fn *op)
{
    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);
        v128 lo = op(&cpu->fpu, b.lo), hi;
        uint32_t raised = cpu->fpu.raised;

        hi = op(&cpu->fpu, b.hi);
        sse_fp_accept(cpu, insn, raised | cpu->fpu.raised, lo, FP_NO_LANES);
        avx_put256(cpu, insn->reg, lo, hi);
    } else {
        v128 b = vec_src(cpu, insn);
        v128 r = op(&cpu->fpu, b);

        sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
        vec_put(cpu, insn, r);
    }
}

/* Lanes of the result twice as long: half of the source is read. */
static always_inline void widen(struct x86_cpu *cpu,
                                const struct x86_insn *insn, fp1_fn *op)
{
    if (insn->flags & X86_I_L) {
        v128 b = avx_src(cpu, insn);
        v128 lo = op(&cpu->fpu, b), hi;
        uint32_t raised = cpu->fpu.raised;

        hi = op(&cpu->fpu, v128_low(b[1]));
        sse_fp_accept(cpu, insn, raised | cpu->fpu.raised, lo, FP_NO_LANES);
        avx_put256(cpu, insn->reg, lo, hi);
    } else {
        v128 b = vec_src64(cpu, insn);
        v128 r = op(&cpu->fpu, b);

        sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
        vec_put(cpu, insn, r);
    }
}

/* Half as long: the result's upper half is zero. */
static always_inline void narrow(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, fp1_fn *op,
                                 enum fp_lanes lanes)
{
    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);
        v128 lo = op(&cpu->fpu, b.lo), hi;
        uint32_t raised = cpu->fpu.raised;

        hi = op(&cpu->fpu, b.hi);
        lo = (v128){lo[0], hi[0]};
        sse_fp_accept(cpu, insn, raised | cpu->fpu.raised, lo, lanes);
        avx_put(cpu, insn->reg, lo);
    } else {
        v128 b = vec_src(cpu, insn);
        v128 r = op(&cpu->fpu, b);

        sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
        vec_put(cpu, insn, r);
    }
}

X86_HANDLER(cvtdq2ps, same(cpu, insn, fp_cvtdq2ps))
X86_HANDLER(cvtps2dq, same(cpu, insn, fp_cvtps2dq))
X86_HANDLER(cvttps2dq, same(cpu, insn, fp_cvttps2dq))
X86_HANDLER(cvtdq2pd, widen(cpu, insn, fp_cvtdq2pd))
X86_HANDLER(cvtps2pd, widen(cpu, insn, fp_cvtps2pd))
X86_HANDLER(cvtpd2dq, narrow(cpu, insn, fp_cvtpd2dq, FP_NO_LANES))
X86_HANDLER(cvttpd2dq, narrow(cpu, insn, fp_cvttpd2dq, FP_NO_LANES))
X86_HANDLER(cvtpd2ps, narrow(cpu, insn, fp_cvtpd2ps, FP_PS))

/* Scalars. */
static always_inline void scalar(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, fp2_fn *op,
                                 enum fp_lanes from, enum fp_lanes to)
{
    v128 b = from == FP_SS ? vec_src32(cpu, insn) : vec_src64(cpu, insn);
    v128 r = op(&cpu->fpu, vec_get(cpu, vec_first(insn)), b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, to);
    vec_put(cpu, insn, r);
}

X86_HANDLER(cvtss2sd, scalar(cpu, insn, fp_cvtss2sd, FP_SS, FP_SD))
X86_HANDLER(cvtsd2ss, scalar(cpu, insn, fp_cvtsd2ss, FP_SD, FP_SS))

/* From a general register or memory of 32 or (W) 64 bits. */
static always_inline int64_t int_src(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    if (insn->osize == 8)
        return (int64_t)(insn->flags & X86_I_MEM ? vec_ld64(cpu, insn)
                                                 : cpu->gpr[insn->rm]);
    return (int32_t)(insn->flags & X86_I_MEM ? vec_ld32(cpu, insn)
                                             : (uint32_t)cpu->gpr[insn->rm]);
}

static const struct x86_insn *cvtsi2ss(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    int64_t b = int_src(cpu, insn);
    v128 r = fp_cvtsi2ss(&cpu->fpu, vec_get(cpu, vec_first(insn)), b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
    vec_put(cpu, insn, r);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *cvtsi2sd(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    int64_t b = int_src(cpu, insn);
    v128 r = fp_cvtsi2sd(&cpu->fpu, vec_get(cpu, vec_first(insn)), b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
    vec_put(cpu, insn, r);
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define TO_INT(name, source)                                                 \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        v128 b = source(cpu, insn);                                          \
        uint64_t v = insn->osize == 8 ? fp_##name##64(&cpu->fpu, b)     \
                                           : fp_##name##32(&cpu->fpu, b);    \
                                                                             \
        sse_fp_accept(cpu, insn, cpu->fpu.raised, b, FP_NO_LANES);           \
        cpu->gpr[insn->reg] = v;                                             \
        X86_NEXT(cpu, insn);                                                 \
    }
TO_INT(cvtss2si, vec_src32)
TO_INT(cvttss2si, vec_src32)
TO_INT(cvtsd2si, vec_src64)
TO_INT(cvttsd2si, vec_src64)
/* clang-format on */

/*
 * Between MMX and vector registers. With a memory operand CVTPI2PS has nothing
 * to do with the x87 on AMD's CPUs, CVTPI2PD on nobody's.
 */
static const struct x86_insn *cvtpi2ps(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    v128 a = vec_get(cpu, insn->reg), r;
    uint64_t b;

    if (!(insn->flags & X86_I_MEM))
        x87_wait(cpu, insn);
    b = mmx_src(cpu, insn);
    r = fp_cvtdq2ps(&cpu->fpu, v128_low(b));
    if (!(insn->flags & X86_I_MEM))
        mmx_enter(cpu);
    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
    sse_put(cpu, insn->reg, (v128){r[0], a[1]});
    X86_NEXT(cpu, insn);
}

/* Always exact. */
static const struct x86_insn *cvtpi2pd(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    uint64_t b;

    if (!(insn->flags & X86_I_MEM))
        x87_wait(cpu, insn);
    b = mmx_src(cpu, insn);
    if (!(insn->flags & X86_I_MEM))
        mmx_enter(cpu);
    sse_put(cpu, insn->reg, fp_cvtdq2pd(&cpu->fpu, v128_low(b)));
    X86_NEXT(cpu, insn);
}

static always_inline void to_mmx(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, fp1_fn *op,
                                 bool from_ps)
{
    v128 b, r;

    x87_wait(cpu, insn);
    b = from_ps ? vec_src64(cpu, insn) : sse_src(cpu, insn);
    r = op(&cpu->fpu, b);
    mmx_enter(cpu);
    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
    mmx_put(cpu, insn->reg, r[0]);
}

X86_HANDLER(cvtps2pi, to_mmx(cpu, insn, fp_cvtps2dq, true))
X86_HANDLER(cvttps2pi, to_mmx(cpu, insn, fp_cvttps2dq, true))
X86_HANDLER(cvtpd2pi, to_mmx(cpu, insn, fp_cvtpd2dq, false))
X86_HANDLER(cvttpd2pi, to_mmx(cpu, insn, fp_cvttpd2dq, false))

/* Half precision. */
X86_HANDLER(vcvtph2ps, widen(cpu, insn, fp_cvtph2ps))

static const struct x86_insn *vcvtps2ph(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    unsigned imm = insn->imm & 7;
    bool wide = insn->flags & X86_I_L;
    v128 r = fp_cvtps2ph(&cpu->fpu, vec_get(cpu, insn->reg), imm);
    v128 hi = {0, 0};
    uint32_t raised = cpu->fpu.raised;

    if (insn->flags & X86_I_MEM)
        x86_probe_st(cpu, insn, insn->seg, x86_ea(cpu, insn), wide ? 16 : 8);
    if (wide) {
        hi = fp_cvtps2ph(&cpu->fpu, vec_get_hi(cpu, insn->reg), imm);
        raised |= cpu->fpu.raised;
    }
    sse_fp_accept256(cpu, insn, raised, r, hi, FP_PH);
    if (wide)
        r = (v128){r[0], hi[0]};
    if (insn->flags & X86_I_MEM) {
        v128_store(&cpu->scratch, r);
        x86_st(cpu, insn, insn->seg, x86_ea(cpu, insn), &cpu->scratch,
               wide ? 16 : 8, 0);
    } else {
        avx_put(cpu, insn->rm, wide ? r : v128_low(r[0]));
    }
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define ROW(N, name)                                                         \
    [X86_##N] = { { NULL, name } }, [X86_V##N] = { { name, name } },
static const struct vec_forms forms[X86_MNEMONICS] = {
    ROW(CVTDQ2PS, cvtdq2ps) ROW(CVTPS2DQ, cvtps2dq) ROW(CVTTPS2DQ, cvttps2dq)
    ROW(CVTDQ2PD, cvtdq2pd) ROW(CVTPS2PD, cvtps2pd) ROW(CVTPD2DQ, cvtpd2dq)
    ROW(CVTTPD2DQ, cvttpd2dq) ROW(CVTPD2PS, cvtpd2ps)
    ROW(CVTSS2SD, cvtss2sd) ROW(CVTSD2SS, cvtsd2ss)
    ROW(CVTSI2SS, cvtsi2ss) ROW(CVTSI2SD, cvtsi2sd)
    ROW(CVTSS2SI, cvtss2si) ROW(CVTTSS2SI, cvttss2si)
    ROW(CVTSD2SI, cvtsd2si) ROW(CVTTSD2SI, cvttsd2si)
    [X86_CVTPI2PS] = { { cvtpi2ps, cvtpi2ps } },
    [X86_CVTPI2PD] = { { cvtpi2pd, cvtpi2pd } },
    [X86_CVTPS2PI] = { { cvtps2pi, cvtps2pi } },
    [X86_CVTTPS2PI] = { { cvttps2pi, cvttps2pi } },
    [X86_CVTPD2PI] = { { cvtpd2pi, cvtpd2pi } },
    [X86_CVTTPD2PI] = { { cvttpd2pi, cvttpd2pi } },
    [X86_VCVTPH2PS] = { { vcvtph2ps, vcvtph2ps } },
    [X86_VCVTPS2PH] = { { vcvtps2ph, vcvtps2ph } },
};
/* clang-format on */

x86_exec *x86_select_vec_convert(const struct x86_insn *insn)
{
    return vec_pick(&forms[x86_insn_row(insn)->mnemonic], insn);
}
