/* SPDX-License-Identifier: MIT */
/*
 * SSE and AVX floating-point arithmetic and comparisons; the numbers come from
 * fp.h. Nothing is written before the exceptions are settled. [SDM] vol. 2.
 */
#include "target/x86/exec_sse.h"

typedef v128 fp2_fn(struct x86_fpu *fpu, v128 a, v128 b);
typedef v128 fp1_fn(struct x86_fpu *fpu, v128 b);
typedef v128 cmp_fn(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred);

/* Two sources, all lanes. */
static always_inline void packed2(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, fp2_fn *op,
                                  enum fp_lanes lanes)
{
    v128 b = vec_src(cpu, insn);
    v128 r = op(&cpu->fpu, vec_get(cpu, vec_first(insn)), b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
    vec_put(cpu, insn, r);
}

static always_inline void packed2_256(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, fp2_fn *op,
                                      enum fp_lanes lanes)
{
    struct v256 b = avx_src256(cpu, insn);
    v128 lo = op(&cpu->fpu, vec_get(cpu, insn->vvvv), b.lo), hi;
    uint32_t raised = cpu->fpu.raised;

    hi = op(&cpu->fpu, vec_get_hi(cpu, insn->vvvv), b.hi);
    sse_fp_accept256(cpu, insn, raised | cpu->fpu.raised, lo, hi, lanes);
    avx_put256(cpu, insn->reg, lo, hi);
}

/* One source, all lanes. */
static always_inline void packed1(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, fp1_fn *op,
                                  enum fp_lanes lanes)
{
    v128 b = vec_src(cpu, insn);
    v128 r = op(&cpu->fpu, b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
    vec_put(cpu, insn, r);
}

static always_inline void packed1_256(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, fp1_fn *op,
                                      enum fp_lanes lanes)
{
    struct v256 b = avx_src256(cpu, insn);
    v128 lo = op(&cpu->fpu, b.lo), hi;
    uint32_t raised = cpu->fpu.raised;

    hi = op(&cpu->fpu, b.hi);
    sse_fp_accept256(cpu, insn, raised | cpu->fpu.raised, lo, hi, lanes);
    avx_put256(cpu, insn->reg, lo, hi);
}

/* Lane 0 only; the rest is the first source's. */
static always_inline void scalar2(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, v128 b,
                                  fp2_fn *op, enum fp_lanes lanes)
{
    v128 r = op(&cpu->fpu, vec_get(cpu, vec_first(insn)), b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
    vec_put(cpu, insn, r);
}

/* clang-format off */

#define PACKED2(name, lanes)                                                 \
    X86_HANDLER(sse_##name, packed2(cpu, insn, fp_##name, lanes))                \
    X86_HANDLER(avx256_##name, packed2_256(cpu, insn, fp_##name, lanes))
#define PACKED1(name, lanes)                                                 \
    X86_HANDLER(sse_##name, packed1(cpu, insn, fp_##name, lanes))                \
    X86_HANDLER(avx256_##name, packed1_256(cpu, insn, fp_##name, lanes))
#define SCALAR2(name, source, lanes)                                         \
    X86_HANDLER(sse_##name,                                                  \
                scalar2(cpu, insn, source(cpu, insn), fp_##name, lanes))

#define ARITH(X) X(ADD, add) X(SUB, sub) X(MUL, mul) X(DIV, div)
#define ARITH_FORMS(N, name)                                                 \
    PACKED2(name##_ps, FP_PS) PACKED2(name##_pd, FP_PD)                      \
    SCALAR2(name##_ss, vec_src32, FP_SS) SCALAR2(name##_sd, vec_src64, FP_SD)
/* These cannot underflow. */
#define MINMAX(X) X(MIN, min) X(MAX, max)
#define MINMAX_FORMS(N, name)                                                \
    PACKED2(name##_ps, FP_NO_LANES) PACKED2(name##_pd, FP_NO_LANES)          \
    SCALAR2(name##_ss, vec_src32, FP_NO_LANES)                               \
    SCALAR2(name##_sd, vec_src64, FP_NO_LANES)
ARITH(ARITH_FORMS)
MINMAX(MINMAX_FORMS)
PACKED1(sqrt_ps, FP_NO_LANES)
PACKED1(sqrt_pd, FP_NO_LANES)
SCALAR2(sqrt_ss, vec_src32, FP_NO_LANES)
SCALAR2(sqrt_sd, vec_src64, FP_NO_LANES)
PACKED1(rcp_ps, FP_NO_LANES)
PACKED1(rsqrt_ps, FP_NO_LANES)
/* clang-format on */

/* The approximations raise nothing. */
static always_inline void approximate(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, fp2_fn *op)
{
    v128 b = vec_src32(cpu, insn);

    vec_put(cpu, insn, op(&cpu->fpu, vec_get(cpu, vec_first(insn)), b));
}

X86_HANDLER(sse_rcp_ss, approximate(cpu, insn, fp_rcp_ss))
X86_HANDLER(sse_rsqrt_ss, approximate(cpu, insn, fp_rsqrt_ss))

/* Neighbours: HADDPS and its like. */
static always_inline v128 even_ps(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((v4u32)a, (v4u32)b, 0, 2, 4, 6);
}

static always_inline v128 odd_ps(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((v4u32)a, (v4u32)b, 1, 3, 5, 7);
}

static v128 fp_hadd_ps(struct x86_fpu *fpu, v128 a, v128 b)
{
    return fp_add_ps(fpu, even_ps(a, b), odd_ps(a, b));
}

static v128 fp_hsub_ps(struct x86_fpu *fpu, v128 a, v128 b)
{
    return fp_sub_ps(fpu, even_ps(a, b), odd_ps(a, b));
}

static v128 fp_hadd_pd(struct x86_fpu *fpu, v128 a, v128 b)
{
    return fp_add_pd(fpu, (v128){a[0], b[0]}, (v128){a[1], b[1]});
}

static v128 fp_hsub_pd(struct x86_fpu *fpu, v128 a, v128 b)
{
    return fp_sub_pd(fpu, (v128){a[0], b[0]}, (v128){a[1], b[1]});
}

/* Even lanes subtract, odd lanes add; zeros stand in for the other kind. */
static always_inline v128 addsub(struct x86_fpu *fpu, v128 a, v128 b, v128 even,
                                 fp2_fn *sub, fp2_fn *add)
{
    v128 lo = sub(fpu, a & even, b & even), hi;
    uint32_t raised = fpu->raised;

    hi = add(fpu, a & ~even, b & ~even);
    fpu->raised |= raised;
    return v128_blend(even, lo, hi);
}

static v128 fp_addsub_ps(struct x86_fpu *fpu, v128 a, v128 b)
{
    const v128 even = {UINT32_MAX, UINT32_MAX};

    return addsub(fpu, a, b, even, fp_sub_ps, fp_add_ps);
}

static v128 fp_addsub_pd(struct x86_fpu *fpu, v128 a, v128 b)
{
    const v128 even = {UINT64_MAX, 0};

    return addsub(fpu, a, b, even, fp_sub_pd, fp_add_pd);
}

PACKED2(hadd_ps, FP_PS)
PACKED2(hadd_pd, FP_PD)
PACKED2(hsub_ps, FP_PS)
PACKED2(hsub_pd, FP_PD)
PACKED2(addsub_ps, FP_PS)
PACKED2(addsub_pd, FP_PD)

/* Comparisons into masks. Legacy SSE has eight predicates. */
static always_inline unsigned predicate(const struct x86_insn *insn)
{
    return (unsigned)insn->imm & (insn->flags & X86_I_VEX ? 31 : 7);
}

static always_inline void compare(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, cmp_fn *op,
                                  enum fp_lanes lanes)
{
    v128 b = lanes == FP_SS   ? vec_src32(cpu, insn)
             : lanes == FP_SD ? vec_src64(cpu, insn)
                              : vec_src(cpu, insn);
    v128 r = op(&cpu->fpu, vec_get(cpu, vec_first(insn)), b, predicate(insn));

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, FP_NO_LANES);
    vec_put(cpu, insn, r);
}

static always_inline void compare256(struct x86_cpu *cpu,
                                     const struct x86_insn *insn, cmp_fn *op)
{
    struct v256 b = avx_src256(cpu, insn);
    unsigned pred = predicate(insn);
    v128 lo = op(&cpu->fpu, vec_get(cpu, insn->vvvv), b.lo, pred), hi;
    uint32_t raised = cpu->fpu.raised;

    hi = op(&cpu->fpu, vec_get_hi(cpu, insn->vvvv), b.hi, pred);
    sse_fp_accept(cpu, insn, raised | cpu->fpu.raised, lo, FP_NO_LANES);
    avx_put256(cpu, insn->reg, lo, hi);
}

X86_HANDLER(sse_cmp_ps, compare(cpu, insn, fp_cmp_ps, FP_PS))
X86_HANDLER(sse_cmp_pd, compare(cpu, insn, fp_cmp_pd, FP_PD))
X86_HANDLER(sse_cmp_ss, compare(cpu, insn, fp_cmp_ss, FP_SS))
X86_HANDLER(sse_cmp_sd, compare(cpu, insn, fp_cmp_sd, FP_SD))
X86_HANDLER(avx256_cmp_ps, compare256(cpu, insn, fp_cmp_ps))
X86_HANDLER(avx256_cmp_pd, compare256(cpu, insn, fp_cmp_pd))

/* COMISS and its like: into EFLAGS. */
typedef uint32_t comi_fn(struct x86_fpu *fpu, v128 a, v128 b);

static always_inline void comi(struct x86_cpu *cpu, const struct x86_insn *insn,
                               comi_fn *op, enum fp_lanes lanes)
{
    v128 b = lanes == FP_SS ? vec_src32(cpu, insn) : vec_src64(cpu, insn);
    uint32_t flags = op(&cpu->fpu, vec_get(cpu, insn->reg), b);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, b, FP_NO_LANES);
    x86_set_arith_flags(cpu, flags);
}

X86_HANDLER(sse_comi_ss, comi(cpu, insn, fp_comi_ss, FP_SS))
X86_HANDLER(sse_ucomi_ss, comi(cpu, insn, fp_ucomi_ss, FP_SS))
X86_HANDLER(sse_comi_sd, comi(cpu, insn, fp_comi_sd, FP_SD))
X86_HANDLER(sse_ucomi_sd, comi(cpu, insn, fp_ucomi_sd, FP_SD))

/* ROUNDPS and its like. */
typedef v128 round1_fn(struct x86_fpu *fpu, v128 b, unsigned imm);

static always_inline void round_packed(struct x86_cpu *cpu,
                                       const struct x86_insn *insn,
                                       round1_fn *op, enum fp_lanes lanes)
{
    unsigned imm = (uint8_t)insn->imm;

    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);
        v128 lo = op(&cpu->fpu, b.lo, imm), hi;
        uint32_t raised = cpu->fpu.raised;

        hi = op(&cpu->fpu, b.hi, imm);
        sse_fp_accept256(cpu, insn, raised | cpu->fpu.raised, lo, hi, lanes);
        avx_put256(cpu, insn->reg, lo, hi);
    } else {
        v128 b = vec_src(cpu, insn);
        v128 r = op(&cpu->fpu, b, imm);

        sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
        vec_put(cpu, insn, r);
    }
}

typedef v128 round2_fn(struct x86_fpu *fpu, v128 a, v128 b, unsigned imm);

static always_inline void round_scalar(struct x86_cpu *cpu,
                                       const struct x86_insn *insn,
                                       round2_fn *op, enum fp_lanes lanes)
{
    v128 b = lanes == FP_SS ? vec_src32(cpu, insn) : vec_src64(cpu, insn);
    v128 r =
        op(&cpu->fpu, vec_get(cpu, vec_first(insn)), b, (uint8_t)insn->imm);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
    vec_put(cpu, insn, r);
}

X86_HANDLER(roundps, round_packed(cpu, insn, fp_round_ps, FP_PS))
X86_HANDLER(roundpd, round_packed(cpu, insn, fp_round_pd, FP_PD))
X86_HANDLER(roundss, round_scalar(cpu, insn, fp_round_ss, FP_SS))
X86_HANDLER(roundsd, round_scalar(cpu, insn, fp_round_sd, FP_SD))

/*
 * Dot products: products of the lanes that imm[7:4] names, summed up pairwise,
 * into the lanes that imm[3:0] names. Each step may raise exceptions; without
 * an unmasked one their flags add up.
 */
static v128 dp_lanes(unsigned bits)
{
    v4u32 m = {0};

    for (unsigned i = 0; i < 4; i++)
        m[i] = bits >> i & 1 ? UINT32_MAX : 0;
    return (v128)m;
}

/* A step on both halves: op(a, b), its exceptions settled. */
static struct v256 dot_step(struct x86_cpu *cpu, const struct x86_insn *insn,
                            fp2_fn *op, struct v256 a, struct v256 b)
{
    struct v256 r;
    uint32_t raised;

    r.lo = op(&cpu->fpu, a.lo, b.lo);
    raised = cpu->fpu.raised;
    r.hi = op(&cpu->fpu, a.hi, b.hi);
    sse_fp_accept256(cpu, insn, raised | cpu->fpu.raised, r.lo, r.hi, FP_PS);
    return r;
}

/* Lanes i and j in place of lanes 0 and 1, zeros above. */
static struct v256 dot_pick(struct v256 v, unsigned i, unsigned j)
{
    v4u32 lo = (v4u32)v.lo, hi = (v4u32)v.hi;

    return (struct v256){(v128)(v4u32){lo[i], lo[j]},
                         (v128)(v4u32){hi[i], hi[j]}};
}

static void dpps_any(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    bool wide = insn->flags & X86_I_L;
    unsigned imm = (uint8_t)insn->imm, first = vec_first(insn);
    v128 use = dp_lanes(imm >> 4), put = dp_lanes(imm);
    struct v256 a = {vec_get(cpu, first), vec_get_hi(cpu, first)}, b, s;

    if (wide)
        b = avx_src256(cpu, insn);
    else
        b = (struct v256){vec_src(cpu, insn), {0, 0}};
    b = (struct v256){b.lo & use, b.hi & use};
    a = (struct v256){a.lo & use, wide ? a.hi & use : b.hi};
    s = dot_step(cpu, insn, fp_mul_ps, a, b);
    s = dot_step(cpu, insn, fp_add_ps, dot_pick(s, 0, 2), dot_pick(s, 1, 3));
    a = dot_pick(s, 0, 2);
    b = dot_pick(s, 1, 3);
    s = dot_step(cpu, insn, fp_add_ps, a, b);
    s.lo = (v128)__builtin_shufflevector((v4u32)s.lo, (v4u32)s.lo, 0, 0, 0, 0);
    s.hi = (v128)__builtin_shufflevector((v4u32)s.hi, (v4u32)s.hi, 0, 0, 0, 0);
    if (wide)
        avx_put256(cpu, insn->reg, s.lo & put, s.hi & put);
    else
        vec_put(cpu, insn, s.lo & put);
}

static no_inline void dppd_any(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    unsigned imm = (uint8_t)insn->imm;
    v128 b = vec_src(cpu, insn), t, s;
    v128 use = {imm & 0x10 ? UINT64_MAX : 0, imm & 0x20 ? UINT64_MAX : 0};

    t = fp_mul_pd(&cpu->fpu, vec_get(cpu, vec_first(insn)) & use, b & use);
    sse_fp_accept(cpu, insn, cpu->fpu.raised, t, FP_PD);
    s = fp_add_sd(&cpu->fpu, t, v128_low(t[1]));
    sse_fp_accept(cpu, insn, cpu->fpu.raised, s, FP_SD);
    vec_put(cpu, insn, (v128){imm & 1 ? s[0] : 0, imm & 2 ? s[0] : 0});
}

X86_HANDLER(dpps, dpps_any(cpu, insn))
X86_HANDLER(dppd, dppd_any(cpu, insn))

/* clang-format off */
#define ROW_PACKED(N, name)                                                  \
    [X86_##N] = { { NULL, sse_##name } },                                    \
    [X86_V##N] = { { sse_##name, avx256_##name } },
/* The handler looks at VEX and L itself, or L is ignored. */
#define ROW_ANY(N, name)                                                     \
    [X86_##N] = { { NULL, name } }, [X86_V##N] = { { name, name } },
#define ROW_SCALAR(N, name) ROW_ANY(N, sse_##name)
#define ROWS_ARITH(N, name)                                                  \
    ROW_PACKED(N##PS, name##_ps) ROW_PACKED(N##PD, name##_pd)                \
    ROW_SCALAR(N##SS, name##_ss) ROW_SCALAR(N##SD, name##_sd)

static const struct vec_forms forms[X86_MNEMONICS] = {
    ARITH(ROWS_ARITH) MINMAX(ROWS_ARITH) ROWS_ARITH(SQRT, sqrt) ROWS_ARITH(CMP, cmp)
    ROW_PACKED(RCPPS, rcp_ps) ROW_PACKED(RSQRTPS, rsqrt_ps)
    ROW_SCALAR(RCPSS, rcp_ss) ROW_SCALAR(RSQRTSS, rsqrt_ss)
    ROW_PACKED(HADDPS, hadd_ps) ROW_PACKED(HADDPD, hadd_pd)
    ROW_PACKED(HSUBPS, hsub_ps) ROW_PACKED(HSUBPD, hsub_pd)
    ROW_PACKED(ADDSUBPS, addsub_ps) ROW_PACKED(ADDSUBPD, addsub_pd)
    ROW_SCALAR(COMISS, comi_ss) ROW_SCALAR(UCOMISS, ucomi_ss)
    ROW_SCALAR(COMISD, comi_sd) ROW_SCALAR(UCOMISD, ucomi_sd)
    ROW_ANY(ROUNDPS, roundps) ROW_ANY(ROUNDPD, roundpd)
    ROW_ANY(ROUNDSS, roundss) ROW_ANY(ROUNDSD, roundsd)
    ROW_ANY(DPPS, dpps) ROW_ANY(DPPD, dppd)
};
/* clang-format on */

x86_exec *x86_select_vec_fp(const struct x86_insn *insn)
{
    return vec_pick(&forms[x86_insn_row(insn)->mnemonic], insn);
}
