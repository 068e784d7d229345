/* SPDX-License-Identifier: MIT */
/*
 * SSE arithmetic of fp.h on hosts that have no SSE, or not all of it: each lane
 * through fp_soft.h. [SDM] vol. 1 ch. 4.8, 4.9, 11.5 and 14.4.
 *
 * Most of it is built on x86-64 hosts for tests/oracle only (-DFP_PORTABLE),
 * which compares it with the host bit for bit.
 *
 * Not modelled: RCPPS and RSQRTPS give the twelve leading bits of the true
 * value, no CPU's very own approximation.
 */
#include "target/x86/fp_soft.h"

static struct soft_env sse_env(const struct x86_fpu *fpu)
{
    uint32_t csr = fpu->mxcsr;

    return (struct soft_env){
        .rounding = csr >> FP_MXCSR_RC_SHIFT & 3,
        .masks = csr >> FP_MXCSR_MASK_SHIFT & FP_ALL,
        .daz = csr & FP_MXCSR_DAZ,
        .fz = csr & FP_MXCSR_FZ,
    };
}

static const struct soft default_nan = {
    .class = SOFT_NAN, .sign = true, .mant = UINT64_C(3) << 62};

static struct soft quiet(struct soft x)
{
    x.mant |= UINT64_C(1) << 62;
    return x;
}

static bool is_nan(struct soft x)
{
    return x.class == SOFT_NAN;
}

/* The NaN that an operation with a NaN gives: the first one, quiet. */
static struct soft pass_nan(struct soft_env *env, struct soft a, struct soft b)
{
    if (a.signalling || b.signalling)
        env->raised |= FP_IE;
    return quiet(is_nan(a) ? a : b);
}

/* A computed result: invalid operations give the default NaN. */
static struct soft settle(struct soft_env *env, struct soft r, bool denormal)
{
    if (env->raised & FP_IE)
        return default_nan;
    if (denormal && !(env->raised & FP_ZE))
        env->raised |= FP_DE;
    return r;
}

/* ---- what hosts without SSE4.1, F16C or FMA need, too ---- */

static uint64_t get(v128 v, unsigned size, unsigned i)
{
    return size == 2 ? ((v8u16)v)[i] : size == 4 ? ((v4u32)v)[i] : v[i];
}

static v128 put(v128 v, unsigned size, unsigned i, uint64_t bits)
{
    if (size == 8) {
        v[i] = bits;
    } else if (size == 4) {
        v4u32 w = (v4u32)v;

        w[i] = (uint32_t)bits;
        v = (v128)w;
    } else {
        v8u16 h = (v8u16)v;

        h[i] = (uint16_t)bits;
        v = (v128)h;
    }
    return v;
}

static uint64_t lane_convert(struct soft_env *env, const struct soft_format *to,
                             const struct soft_format *from, uint64_t bits)
{
    struct soft b = soft_unpack(env, from, bits);

    if (is_nan(b))
        return soft_pack(to, pass_nan(env, b, b));
    if (b.denormal)
        env->raised |= FP_DE;
    return soft_pack(to, soft_convert(env, to, b));
}

/* Half precision: denormals are numbers whatever DAZ says, FZ is ignored. */
v128 soft_cvtph2ps(struct x86_fpu *fpu, v128 b)
{
    struct soft_env env = sse_env(fpu);
    v128 r = {0, 0};

    env.daz = false;
    for (unsigned i = 0; i < 4; i++)
        r = put(r, 4, i,
                lane_convert(&env, &soft_single, &soft_half, get(b, 2, i)));
    fpu->raised = env.raised & ~(uint32_t)FP_DE;
    return r;
}

v128 soft_cvtps2ph(struct x86_fpu *fpu, v128 b, unsigned imm)
{
    struct soft_env env = sse_env(fpu);
    v128 r = {0, 0};

    env.fz = false;
    if (!(imm & 4))
        env.rounding = imm & 3;
    for (unsigned i = 0; i < 4; i++)
        r = put(r, 2, i,
                lane_convert(&env, &soft_half, &soft_single, get(b, 4, i)));
    fpu->raised = env.raised;
    return r;
}

v128 soft_round_lanes(struct x86_fpu *fpu, v128 a, v128 b, unsigned size,
                      unsigned n, unsigned imm)
{
    const struct soft_format *f = size == 4 ? &soft_single : &soft_double;
    struct soft_env env = sse_env(fpu);

    if (!(imm & 4))
        env.rounding = imm & 3;
    for (unsigned i = 0; i < n; i++) {
        struct soft x = soft_unpack(&env, f, get(b, size, i));

        x = is_nan(x) ? pass_nan(&env, x, x) : soft_rint(&env, f, x);
        a = put(a, size, i, soft_pack(f, x));
    }
    fpu->raised = env.raised & (imm & 8 ? FP_ALL & ~FP_PE : FP_ALL);
    return a;
}

/* b * a + c; of several NaNs the first of b, a, c counts. */
static uint64_t lane_fma(struct soft_env *env, const struct soft_format *f,
                         const uint64_t bits[3], bool minus, bool subtracted)
{
    struct soft a = soft_unpack(env, f, bits[0]);
    struct soft b = soft_unpack(env, f, bits[1]);
    struct soft c = soft_unpack(env, f, bits[2]);
    uint32_t before = env->raised;
    struct soft r;

    if (is_nan(a) || is_nan(b) || is_nan(c)) {
        if (a.signalling || b.signalling || c.signalling)
            env->raised |= FP_IE;
        return soft_pack(f, quiet(is_nan(b) ? b : is_nan(a) ? a : c));
    }
    a.sign ^= minus;
    c.sign ^= subtracted;
    env->raised = 0;
    r = soft_fma(env, f, a, b, c);
    r = settle(env, r, a.denormal || b.denormal || c.denormal);
    env->raised |= before;
    return soft_pack(f, r);
}

v128 soft_fma_lanes(struct x86_fpu *fpu, v128 a, v128 b, v128 c, unsigned size,
                    unsigned n, bool minus, bool subtracted)
{
    const struct soft_format *f = size == 4 ? &soft_single : &soft_double;
    struct soft_env env = sse_env(fpu);

    for (unsigned i = 0; i < n; i++) {
        uint64_t bits[3] = {get(a, size, i), get(b, size, i), get(c, size, i)};

        a = put(a, size, i, lane_fma(&env, f, bits, minus, subtracted));
    }
    fpu->raised = env.raised;
    return a;
}

#if !defined(__x86_64__) || defined(FP_PORTABLE)

/* ---- lanes ---- */

typedef uint64_t lane2_fn(struct soft_env *env, const struct soft_format *f,
                          uint64_t a, uint64_t b);
typedef struct soft soft2_fn(struct soft_env *env, const struct soft_format *f,
                             struct soft a, struct soft b);

static uint64_t arith(struct soft_env *env, const struct soft_format *f,
                      uint64_t abits, uint64_t bbits, soft2_fn *op)
{
    struct soft a = soft_unpack(env, f, abits), b = soft_unpack(env, f, bbits);
    uint32_t before = env->raised;
    struct soft r;

    if (is_nan(a) || is_nan(b))
        return soft_pack(f, pass_nan(env, a, b));
    env->raised = 0;
    r = op(env, f, a, b);
    r = settle(env, r, a.denormal || b.denormal);
    env->raised |= before;
    return soft_pack(f, r);
}

static struct soft subtract(struct soft_env *env, const struct soft_format *f,
                            struct soft a, struct soft b)
{
    b.sign = !b.sign;
    return soft_add(env, f, a, b);
}

static uint64_t lane_add(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return arith(env, f, a, b, soft_add);
}

static uint64_t lane_sub(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return arith(env, f, a, b, subtract);
}

static uint64_t lane_mul(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return arith(env, f, a, b, soft_mul);
}

static uint64_t lane_div(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return arith(env, f, a, b, soft_div);
}

/* MINPS, MAXPS: the second operand wherever they do not differ. */
static uint64_t choose(struct soft_env *env, const struct soft_format *f,
                       uint64_t abits, uint64_t bbits, int sign)
{
    struct soft a = soft_unpack(env, f, abits), b = soft_unpack(env, f, bbits);

    if (is_nan(a) || is_nan(b)) {
        env->raised |= FP_IE;
        return is_nan(b) ? bbits : soft_pack(f, b);
    }
    if (a.denormal || b.denormal)
        env->raised |= FP_DE;
    return soft_pack(f, soft_compare(a, b) == sign ? a : b);
}

static uint64_t lane_min(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return choose(env, f, a, b, -1);
}

static uint64_t lane_max(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return choose(env, f, a, b, 1);
}

/* Of one operand, the second; `a` is there for the shape. */
static uint64_t lane_sqrt(struct soft_env *env, const struct soft_format *f,
                          uint64_t a, uint64_t bits)
{
    struct soft b = soft_unpack(env, f, bits), r;
    uint32_t before = env->raised;

    if (is_nan(b))
        return soft_pack(f, pass_nan(env, b, b));
    env->raised = 0;
    r = settle(env, soft_sqrt(env, f, b), b.denormal);
    env->raised |= before;
    return soft_pack(f, r);
}

static const struct soft_format twelve_bits = {12, -126, 127};

/* Approximations: no flags, denormals are zeros, and so are tiny results. */
static uint64_t approximate(struct soft_env *env, uint64_t bits, bool root)
{
    struct soft_env quietly = {
        .rounding = 0, .masks = FP_ALL, .daz = true, .fz = true};
    struct soft one = {.class = SOFT_FINITE, .mant = UINT64_C(1) << 63};
    struct soft b = soft_unpack(&quietly, &soft_single, bits);

    if (is_nan(b))
        return soft_pack(&soft_single, quiet(b));
    if (root && b.class != SOFT_ZERO) {
        if (b.sign)
            return soft_pack(&soft_single, default_nan);
        b = soft_sqrt(&quietly, &soft_double, b);
    }
    return soft_pack(&soft_single, soft_div(&quietly, &twelve_bits, one, b));
}

static uint64_t lane_rcp(struct soft_env *env, const struct soft_format *f,
                         uint64_t a, uint64_t b)
{
    return approximate(env, b, false);
}

static uint64_t lane_rsqrt(struct soft_env *env, const struct soft_format *f,
                           uint64_t a, uint64_t b)
{
    return approximate(env, b, true);
}

/* ---- vectors ---- */

/* The first `n` lanes of `size` bytes of a become op(a, b). */
static v128 map2(struct x86_fpu *fpu, v128 a, v128 b, unsigned size, unsigned n,
                 lane2_fn *op)
{
    const struct soft_format *f = size == 4 ? &soft_single : &soft_double;
    struct soft_env env = sse_env(fpu);

    for (unsigned i = 0; i < n; i++)
        a = put(a, size, i, op(&env, f, get(a, size, i), get(b, size, i)));
    fpu->raised = env.raised;
    return a;
}

/* clang-format off */
#define BINARY(name)                                                         \
    v128 fp_##name##_ps(struct x86_fpu *fpu, v128 a, v128 b)                  \
    {                                                                        \
        return map2(fpu, a, b, 4, 4, lane_##name);                           \
    }                                                                        \
    v128 fp_##name##_pd(struct x86_fpu *fpu, v128 a, v128 b)                  \
    {                                                                        \
        return map2(fpu, a, b, 8, 2, lane_##name);                           \
    }                                                                        \
    v128 fp_##name##_ss(struct x86_fpu *fpu, v128 a, v128 b)                  \
    {                                                                        \
        return map2(fpu, a, b, 4, 1, lane_##name);                           \
    }                                                                        \
    v128 fp_##name##_sd(struct x86_fpu *fpu, v128 a, v128 b)                  \
    {                                                                        \
        return map2(fpu, a, b, 8, 1, lane_##name);                           \
    }
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(min)
BINARY(max)

#define UNARY(name, packed, size, n)                                         \
    v128 fp_##packed(struct x86_fpu *fpu, v128 b)                             \
    {                                                                        \
        return map2(fpu, b, b, size, n, lane_##name);                        \
    }
#define UNARY_SCALAR(name, scalar, size)                                     \
    v128 fp_##scalar(struct x86_fpu *fpu, v128 a, v128 b)                     \
    {                                                                        \
        return map2(fpu, a, b, size, 1, lane_##name);                        \
    }
UNARY(sqrt, sqrt_ps, 4, 4)
UNARY(sqrt, sqrt_pd, 8, 2)
UNARY_SCALAR(sqrt, sqrt_ss, 4)
UNARY_SCALAR(sqrt, sqrt_sd, 8)
UNARY(rcp, rcp_ps, 4, 4)
UNARY_SCALAR(rcp, rcp_ss, 4)
UNARY(rsqrt, rsqrt_ps, 4, 4)
UNARY_SCALAR(rsqrt, rsqrt_ss, 4)
/* clang-format on */

/* ---- conversions ---- */

v128 fp_cvtss2sd(struct x86_fpu *fpu, v128 a, v128 b)
{
    struct soft_env env = sse_env(fpu);

    a[0] = lane_convert(&env, &soft_double, &soft_single, (uint32_t)b[0]);
    fpu->raised = env.raised;
    return a;
}

v128 fp_cvtsd2ss(struct x86_fpu *fpu, v128 a, v128 b)
{
    struct soft_env env = sse_env(fpu);

    a = put(a, 4, 0, lane_convert(&env, &soft_single, &soft_double, b[0]));
    fpu->raised = env.raised;
    return a;
}

v128 fp_cvtps2pd(struct x86_fpu *fpu, v128 b)
{
    struct soft_env env = sse_env(fpu);
    v128 r = {0, 0};

    for (unsigned i = 0; i < 2; i++)
        r[i] = lane_convert(&env, &soft_double, &soft_single, get(b, 4, i));
    fpu->raised = env.raised;
    return r;
}

v128 fp_cvtpd2ps(struct x86_fpu *fpu, v128 b)
{
    struct soft_env env = sse_env(fpu);
    v128 r = {0, 0};

    for (unsigned i = 0; i < 2; i++)
        r = put(r, 4, i, lane_convert(&env, &soft_single, &soft_double, b[i]));
    fpu->raised = env.raised;
    return r;
}

v128 fp_cvtdq2ps(struct x86_fpu *fpu, v128 b)
{
    struct soft_env env = sse_env(fpu);

    for (unsigned i = 0; i < 4; i++)
        b = put(b, 4, i,
                soft_pack(&soft_single,
                          soft_from_int(&env, &soft_single, ((v4i32)b)[i])));
    fpu->raised = env.raised;
    return b;
}

v128 fp_cvtdq2pd(struct x86_fpu *fpu, v128 b)
{
    struct soft_env env = sse_env(fpu);
    v128 r = {0, 0};

    for (unsigned i = 0; i < 2; i++)
        r[i] = soft_pack(&soft_double,
                         soft_from_int(&env, &soft_double, ((v4i32)b)[i]));
    fpu->raised = env.raised;
    return r;
}

v128 fp_cvtsi2ss(struct x86_fpu *fpu, v128 a, int64_t b)
{
    struct soft_env env = sse_env(fpu);
    struct soft x = soft_from_int(&env, &soft_single, b);

    fpu->raised = env.raised;
    return put(a, 4, 0, soft_pack(&soft_single, x));
}

v128 fp_cvtsi2sd(struct x86_fpu *fpu, v128 a, int64_t b)
{
    struct soft_env env = sse_env(fpu);
    struct soft x = soft_from_int(&env, &soft_double, b);

    fpu->raised = env.raised;
    return put(a, 8, 0, soft_pack(&soft_double, x));
}

static uint64_t lane_to_int(struct soft_env *env, const struct soft_format *f,
                            uint64_t bits, unsigned to)
{
    return soft_to_int(env, soft_unpack(env, f, bits), to);
}

/* n lanes to doublewords. */
static v128 to_dq(struct x86_fpu *fpu, v128 b, unsigned size, unsigned n,
                  bool trunc)
{
    const struct soft_format *f = size == 4 ? &soft_single : &soft_double;
    struct soft_env env = sse_env(fpu);
    v128 r = {0, 0};

    if (trunc)
        env.rounding = 3;
    for (unsigned i = 0; i < n; i++)
        r = put(r, 4, i, lane_to_int(&env, f, get(b, size, i), 32));
    fpu->raised = env.raised;
    return r;
}

v128 fp_cvtps2dq(struct x86_fpu *fpu, v128 b)
{
    return to_dq(fpu, b, 4, 4, false);
}

v128 fp_cvttps2dq(struct x86_fpu *fpu, v128 b)
{
    return to_dq(fpu, b, 4, 4, true);
}

v128 fp_cvtpd2dq(struct x86_fpu *fpu, v128 b)
{
    return to_dq(fpu, b, 8, 2, false);
}

v128 fp_cvttpd2dq(struct x86_fpu *fpu, v128 b)
{
    return to_dq(fpu, b, 8, 2, true);
}

static uint64_t to_si(struct x86_fpu *fpu, uint64_t bits,
                      const struct soft_format *f, unsigned to, bool trunc)
{
    struct soft_env env = sse_env(fpu);
    uint64_t v;

    if (trunc)
        env.rounding = 3;
    v = lane_to_int(&env, f, bits, to);
    fpu->raised = env.raised;
    return v;
}

/* clang-format off */
#define TO_INT(name, bits, format, trunc)                                    \
    uint32_t fp_##name##32(struct x86_fpu *fpu, v128 b)                       \
    {                                                                        \
        return (uint32_t)to_si(fpu, bits, format, 32, trunc);                \
    }                                                                        \
    uint64_t fp_##name##64(struct x86_fpu *fpu, v128 b)                       \
    {                                                                        \
        return to_si(fpu, bits, format, 64, trunc);                          \
    }
TO_INT(cvtss2si, (uint32_t)b[0], &soft_single, false)
TO_INT(cvtsd2si, b[0], &soft_double, false)
TO_INT(cvttss2si, (uint32_t)b[0], &soft_single, true)
TO_INT(cvttsd2si, b[0], &soft_double, true)
/* clang-format on */

v128 fp_cvtph2ps(struct x86_fpu *fpu, v128 b)
{
    return soft_cvtph2ps(fpu, b);
}

v128 fp_cvtps2ph(struct x86_fpu *fpu, v128 b, unsigned imm)
{
    return soft_cvtps2ph(fpu, b, imm);
}

/* ---- comparisons ---- */

/* Less (1), equal (2), greater (4) or unordered (8). */
static unsigned relation(struct soft_env *env, const struct soft_format *f,
                         uint64_t abits, uint64_t bbits, bool signals)
{
    struct soft a = soft_unpack(env, f, abits), b = soft_unpack(env, f, bbits);

    if (is_nan(a) || is_nan(b)) {
        if (signals || a.signalling || b.signalling)
            env->raised |= FP_IE;
        return 8;
    }
    if (a.denormal || b.denormal)
        env->raised |= FP_DE;
    return 1U << (soft_compare(a, b) + 1);
}

/* Which relations make each predicate true; and which predicates signal. */
static const uint8_t predicates[16] = {
    2, 1, 3, 8, 13, 14, 12, 7, 10, 9, 11, 0, 5, 6, 4, 15,
};

static v128 compare(struct x86_fpu *fpu, v128 a, v128 b, unsigned size,
                    unsigned n, unsigned pred)
{
    const struct soft_format *f = size == 4 ? &soft_single : &soft_double;
    bool signals = UINT32_C(0x99996666) >> (pred & 31) & 1;
    struct soft_env env = sse_env(fpu);

    for (unsigned i = 0; i < n; i++) {
        unsigned r =
            relation(&env, f, get(a, size, i), get(b, size, i), signals);

        a = put(a, size, i, r & predicates[pred & 15] ? UINT64_MAX : 0);
    }
    fpu->raised = env.raised;
    return a;
}

v128 fp_cmp_ps(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred)
{
    return compare(fpu, a, b, 4, 4, pred);
}

v128 fp_cmp_pd(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred)
{
    return compare(fpu, a, b, 8, 2, pred);
}

v128 fp_cmp_ss(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred)
{
    return compare(fpu, a, b, 4, 1, pred);
}

v128 fp_cmp_sd(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred)
{
    return compare(fpu, a, b, 8, 1, pred);
}

static uint32_t compare_flags(struct x86_fpu *fpu, const struct soft_format *f,
                              uint64_t a, uint64_t b, bool signals)
{
    struct soft_env env = sse_env(fpu);
    unsigned r = relation(&env, f, a, b, signals);

    fpu->raised = env.raised;
    switch (r) {
    case 1: return X86_CF;
    case 2: return X86_ZF;
    case 4: return 0;
    default: return X86_ZF | X86_PF | X86_CF;
    }
}

uint32_t fp_comi_ss(struct x86_fpu *fpu, v128 a, v128 b)
{
    return compare_flags(fpu, &soft_single, (uint32_t)a[0], (uint32_t)b[0],
                         true);
}

uint32_t fp_ucomi_ss(struct x86_fpu *fpu, v128 a, v128 b)
{
    return compare_flags(fpu, &soft_single, (uint32_t)a[0], (uint32_t)b[0],
                         false);
}

uint32_t fp_comi_sd(struct x86_fpu *fpu, v128 a, v128 b)
{
    return compare_flags(fpu, &soft_double, a[0], b[0], true);
}

uint32_t fp_ucomi_sd(struct x86_fpu *fpu, v128 a, v128 b)
{
    return compare_flags(fpu, &soft_double, a[0], b[0], false);
}

/* ---- rounding to integral values ---- */

v128 fp_round_ps(struct x86_fpu *fpu, v128 b, unsigned imm)
{
    return soft_round_lanes(fpu, b, b, 4, 4, imm);
}

v128 fp_round_pd(struct x86_fpu *fpu, v128 b, unsigned imm)
{
    return soft_round_lanes(fpu, b, b, 8, 2, imm);
}

v128 fp_round_ss(struct x86_fpu *fpu, v128 a, v128 b, unsigned imm)
{
    return soft_round_lanes(fpu, a, b, 4, 1, imm);
}

v128 fp_round_sd(struct x86_fpu *fpu, v128 a, v128 b, unsigned imm)
{
    return soft_round_lanes(fpu, a, b, 8, 1, imm);
}

/* ---- FMA ---- */

/* clang-format off */
#define FMA(name, minus, subtracted)                                         \
    v128 fp_##name##_ps(struct x86_fpu *fpu, v128 a, v128 b, v128 c)          \
    {                                                                        \
        return soft_fma_lanes(fpu, a, b, c, 4, 4, minus, subtracted);             \
    }                                                                        \
    v128 fp_##name##_pd(struct x86_fpu *fpu, v128 a, v128 b, v128 c)          \
    {                                                                        \
        return soft_fma_lanes(fpu, a, b, c, 8, 2, minus, subtracted);             \
    }                                                                        \
    v128 fp_##name##_ss(struct x86_fpu *fpu, v128 a, v128 b, v128 c)          \
    {                                                                        \
        return soft_fma_lanes(fpu, a, b, c, 4, 1, minus, subtracted);             \
    }                                                                        \
    v128 fp_##name##_sd(struct x86_fpu *fpu, v128 a, v128 b, v128 c)          \
    {                                                                        \
        return soft_fma_lanes(fpu, a, b, c, 8, 1, minus, subtracted);             \
    }
FMA(fmadd, false, false)
FMA(fmsub, false, true)
FMA(fnmadd, true, false)
FMA(fnmsub, true, true)
/* clang-format on */

#endif
