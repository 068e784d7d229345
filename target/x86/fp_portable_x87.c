/* SPDX-License-Identifier: MIT */
/*
 * x87 arithmetic of fp.h on hosts without one, through fp_soft.h; the
 * transcendental functions through MPFR, which rounds correctly to any width.
 * [SDM] vol. 1 ch. 8, vol. 2.
 *
 * On x86-64 hosts this is built for tests/oracle only (-DFP_PORTABLE).
 *
 * Not modelled: the 66-bit pi by which CPUs reduce the arguments of FSIN and its
 * like, the last-bit errors and C1 of their transcendental functions, results
 * for arguments outside the range that the manual allows; and
 * the number of bits by which FPREM reduces at a
 * time (32 to 63 are allowed).
 */
#include "target/x86/fp_soft.h"

#if !defined(__x86_64__) || defined(FP_PORTABLE)

#include <mpfr.h>

#include "target/x86/x87.h"

enum { EXP_BIAS = 0x3fff, UNMASKED_BIAS = 24576 };

static struct soft_env x87_env(const struct x86_fpu *fpu)
{
    return (struct soft_env){
        .rounding = fpu->fcw >> 10 & 3,
        .masks = fpu->fcw & FP_ALL,
        .bias = UNMASKED_BIAS,
    };
}

/* Precision control: what add, subtract, multiply, divide and root round to. */
static const struct soft_format *precision(const struct x86_fpu *fpu)
{
    static const struct soft_format formats[4] = {
        {24, -16382, 16383},
        {64, -16382, 16383},
        {53, -16382, 16383},
        {64, -16382, 16383},
    };

    return &formats[fpu->fcw >> 8 & 3];
}

static struct soft unpack(const struct x87_reg *r)
{
    unsigned e = r->sign_exp & X87_EXP;
    struct soft x = {.sign = r->sign_exp & X87_SIGN, .mant = r->mantissa};

    if (e == X87_EXP && (x.mant & X87_INT_BIT)) {
        x.class = x.mant << 1 ? SOFT_NAN : SOFT_INF;
        x.signalling = x.mant << 1 && !(x.mant >> 62 & 1);
    } else if (e && !(x.mant & X87_INT_BIT)) {
        x.class = SOFT_UNSUPPORTED;
    } else if (x.mant) {
        unsigned shift = (unsigned)__builtin_clzll(x.mant);

        x.class = SOFT_FINITE;
        x.denormal = !e;
        x.exp = (int)(e ? e : 1) - EXP_BIAS - (int)shift;
        x.mant <<= shift;
    }
    return x;
}

static void pack(struct x87_reg *out, struct soft x)
{
    uint16_t sign = x.sign ? X87_SIGN : 0;

    out->mantissa = 0;
    out->sign_exp = sign;
    if (x.class == SOFT_INF || x.class == SOFT_NAN) {
        out->mantissa = x.class == SOFT_INF ? X87_INT_BIT : x.mant;
        out->sign_exp = sign | X87_EXP;
    } else if (x.class == SOFT_FINITE && x.exp <= -EXP_BIAS) {
        out->mantissa = x.mant >> (1 - EXP_BIAS - x.exp);
    } else if (x.class == SOFT_FINITE) {
        out->mantissa = x.mant;
        out->sign_exp = sign | (uint16_t)(x.exp + EXP_BIAS);
    }
}

static const struct soft indefinite = {
    .class = SOFT_NAN, .sign = true, .mant = UINT64_C(3) << 62};

static bool is_nan(struct soft x)
{
    return x.class == SOFT_NAN;
}

static bool unsupported(struct soft x)
{
    return x.class == SOFT_UNSUPPORTED;
}

/* The larger significand wins, then the positive sign. */
static struct soft larger(struct soft a, struct soft b)
{
    if (a.mant != b.mant)
        return a.mant > b.mant ? a : b;
    return a.sign ? b : a;
}

/* What an operation with a NaN gives: a quiet one before a signalling one. */
static struct soft pass_nan(struct soft_env *env, struct soft a, struct soft b)
{
    struct soft r;

    if (a.signalling || b.signalling)
        env->raised |= FP_IE;
    if (is_nan(a) && is_nan(b)) {
        if (a.signalling != b.signalling)
            r = a.signalling ? b : a;
        else
            r = larger(a, b);
    } else {
        r = is_nan(a) ? a : b;
    }
    r.mant |= UINT64_C(1) << 62;
    return r;
}

/* Operands that decide the result by themselves: NaNs and what is no number.
 * Otherwise notes denormals. */
static bool special(struct soft_env *env, struct soft a, struct soft b,
                    struct soft *r)
{
    if (unsupported(a) || unsupported(b)) {
        env->raised |= FP_IE;
        *r = indefinite;
        return true;
    }
    if (is_nan(a) || is_nan(b)) {
        *r = pass_nan(env, a, b);
        return true;
    }
    return false;
}

/* Flags and result of an operation, as fp.h returns them. */
static uint32_t finish(struct soft_env *env, struct x87_reg *out, struct soft r,
                       bool denormal)
{
    if (env->raised & FP_IE) {
        env->raised &= FP_IE;
        env->up = false;
        if (r.class != SOFT_NAN || !r.mant)
            r = indefinite;
    } else if (denormal && !(env->raised & FP_ZE)) {
        if (!(env->masks & FP_DE)) { /* it stops here */
            env->raised = 0;
            env->up = false;
        }
        env->raised |= FP_DE;
    }
    pack(out, r);
    return env->raised | (env->up ? FP_C1 : 0U);
}

/* ---- arithmetic ---- */

typedef struct soft arith_fn(struct soft_env *env, const struct soft_format *f,
                             struct soft a, struct soft b);

static struct soft op_sub(struct soft_env *env, const struct soft_format *f,
                          struct soft a, struct soft b)
{
    b.sign = !b.sign;
    return soft_add(env, f, a, b);
}

static struct soft op_subr(struct soft_env *env, const struct soft_format *f,
                           struct soft a, struct soft b)
{
    return op_sub(env, f, b, a);
}

static struct soft op_divr(struct soft_env *env, const struct soft_format *f,
                           struct soft a, struct soft b)
{
    return soft_div(env, f, b, a);
}

#define op_add soft_add
#define op_mul soft_mul
#define op_div soft_div

static uint32_t arith(const struct x86_fpu *fpu, struct x87_reg *out,
                      struct soft a, struct soft b, arith_fn *op)
{
    struct soft_env env = x87_env(fpu);
    struct soft r;

    if (special(&env, a, b, &r))
        return finish(&env, out, r, false);
    return finish(&env, out, op(&env, precision(fpu), a, b),
                  a.denormal || b.denormal);
}

static struct soft from_f32(uint32_t bits)
{
    const struct soft_env env = {.masks = FP_ALL};

    return soft_unpack(&env, &soft_single, bits);
}

static struct soft from_f64(uint64_t bits)
{
    const struct soft_env env = {.masks = FP_ALL};

    return soft_unpack(&env, &soft_double, bits);
}

/* clang-format off */
#define ARITH(name)                                                          \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out,   \
                           const struct x87_reg *a, const struct x87_reg *b) \
    {                                                                        \
        return arith(fpu, out, unpack(a), unpack(b), op_##name);             \
    }                                                                        \
    uint32_t fp_x87_##name##_f32(const struct x86_fpu *fpu,                  \
                                 struct x87_reg *out,                        \
                                 const struct x87_reg *a, uint32_t b)        \
    {                                                                        \
        return arith(fpu, out, unpack(a), from_f32(b), op_##name);           \
    }                                                                        \
    uint32_t fp_x87_##name##_f64(const struct x86_fpu *fpu,                  \
                                 struct x87_reg *out,                        \
                                 const struct x87_reg *a, uint64_t b)        \
    {                                                                        \
        return arith(fpu, out, unpack(a), from_f64(b), op_##name);           \
    }
FP_X87_ARITH(ARITH)
/* clang-format on */

uint32_t fp_x87_sqrt(const struct x86_fpu *fpu, struct x87_reg *out,
                     const struct x87_reg *a)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), r;

    if (special(&env, x, x, &r))
        return finish(&env, out, r, false);
    return finish(&env, out, soft_sqrt(&env, precision(fpu), x), x.denormal);
}

uint32_t fp_x87_rndint(const struct x86_fpu *fpu, struct x87_reg *out,
                       const struct x87_reg *a)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), r;

    if (special(&env, x, x, &r))
        return finish(&env, out, r, false);
    return finish(&env, out, soft_rint(&env, &soft_extended, x), x.denormal);
}

/* ---- comparisons ---- */

static uint32_t compare(struct soft a, struct soft b, bool signals)
{
    int order;

    if (unsupported(a) || unsupported(b) || is_nan(a) || is_nan(b)) {
        bool ie = signals || a.signalling || b.signalling || unsupported(a) ||
                  unsupported(b);

        return FP_C0 | FP_C2 | FP_C3 | (ie ? FP_IE : 0U);
    }
    order = soft_compare(a, b);
    return (order < 0 ? FP_C0
            : order   ? 0U
                      : FP_C3) |
           (a.denormal || b.denormal ? FP_DE : 0U);
}

uint32_t fp_x87_com(const struct x86_fpu *fpu, const struct x87_reg *a,
                    const struct x87_reg *b)
{
    return compare(unpack(a), unpack(b), true);
}

uint32_t fp_x87_ucom(const struct x86_fpu *fpu, const struct x87_reg *a,
                     const struct x87_reg *b)
{
    return compare(unpack(a), unpack(b), false);
}

uint32_t fp_x87_com_f32(const struct x86_fpu *fpu, const struct x87_reg *a,
                        uint32_t b)
{
    return compare(unpack(a), from_f32(b), true);
}

uint32_t fp_x87_com_f64(const struct x86_fpu *fpu, const struct x87_reg *a,
                        uint64_t b)
{
    return compare(unpack(a), from_f64(b), true);
}

/* ---- between formats ---- */

static uint32_t load(const struct x86_fpu *fpu, struct x87_reg *out,
                     struct soft x)
{
    struct soft_env env = x87_env(fpu);
    struct soft r;

    if (special(&env, x, x, &r))
        return finish(&env, out, r, false);
    return finish(&env, out, x, x.denormal);
}

uint32_t fp_x87_ld_f32(const struct x86_fpu *fpu, struct x87_reg *out,
                       uint32_t b)
{
    return load(fpu, out, from_f32(b));
}

uint32_t fp_x87_ld_f64(const struct x86_fpu *fpu, struct x87_reg *out,
                       uint64_t b)
{
    return load(fpu, out, from_f64(b));
}

static uint64_t store(const struct x86_fpu *fpu, const struct soft_format *f,
                      const struct x87_reg *a, uint32_t *flags)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), r;

    env.bias = 0; /* nothing is stored then */
    if (!special(&env, x, x, &r))
        r = soft_convert(&env, f, x);
    if (env.raised & ~env.masks & (FP_OE | FP_UE)) { /* it is not stored */
        env.raised &= ~(uint32_t)FP_PE;
        env.up = false;
    }
    *flags = env.raised | (env.up ? FP_C1 : 0U);
    return soft_pack(f, r);
}

uint32_t fp_x87_st_f32(const struct x86_fpu *fpu, uint32_t *out,
                       const struct x87_reg *a)
{
    uint32_t flags;

    *out = (uint32_t)store(fpu, &soft_single, a, &flags);
    return flags;
}

uint32_t fp_x87_st_f64(const struct x86_fpu *fpu, uint64_t *out,
                       const struct x87_reg *a)
{
    uint32_t flags;

    *out = store(fpu, &soft_double, a, &flags);
    return flags;
}

static uint64_t to_int(const struct x86_fpu *fpu, const struct x87_reg *a,
                       unsigned bits, bool trunc, uint32_t *flags)
{
    struct soft_env env = x87_env(fpu);
    uint64_t v;

    if (trunc)
        env.rounding = 3;
    v = soft_to_int(&env, unpack(a), bits);
    *flags = env.raised | (env.up ? FP_C1 : 0U);
    return v;
}

uint32_t fp_x87_st_i16(const struct x86_fpu *fpu, uint16_t *out,
                       const struct x87_reg *a, bool trunc)
{
    uint32_t flags;

    *out = (uint16_t)to_int(fpu, a, 16, trunc, &flags);
    return flags;
}

uint32_t fp_x87_st_i32(const struct x86_fpu *fpu, uint32_t *out,
                       const struct x87_reg *a, bool trunc)
{
    uint32_t flags;

    *out = (uint32_t)to_int(fpu, a, 32, trunc, &flags);
    return flags;
}

uint32_t fp_x87_st_i64(const struct x86_fpu *fpu, uint64_t *out,
                       const struct x87_reg *a, bool trunc)
{
    uint32_t flags;

    *out = to_int(fpu, a, 64, trunc, &flags);
    return flags;
}

uint32_t fp_x87_st_bcd(const struct x86_fpu *fpu, uint8_t out[10],
                       const struct x87_reg *a)
{
    const uint64_t most = UINT64_C(999999999999999999);
    uint32_t flags;
    uint64_t v = to_int(fpu, a, 64, false, &flags);
    bool sign = a->sign_exp & X87_SIGN;

    v = (int64_t)v < 0 ? 0 - v : v;
    if ((flags & FP_IE) || v > most) {
        memcpy(out, "\0\0\0\0\0\0\0\xc0\xff\xff", 10);
        return FP_IE;
    }
    for (unsigned i = 0; i < 9; i++, v /= 100)
        out[i] = (uint8_t)(v % 10 | v / 10 % 10 << 4);
    out[9] = sign ? 0x80 : 0;
    return flags;
}

/* ---- exponents and remainders ---- */

uint32_t fp_x87_scale(const struct x86_fpu *fpu, struct x87_reg *out,
                      const struct x87_reg *a, const struct x87_reg *b)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), n = unpack(b), r;
    bool denormal = x.denormal || n.denormal;
    int by = 0;

    if (special(&env, x, n, &r))
        return finish(&env, out, r, false);
    if (n.class == SOFT_INF) {
        if (x.class == (n.sign ? SOFT_INF : SOFT_ZERO))
            env.raised |= FP_IE;
        x.class = n.sign ? SOFT_ZERO : SOFT_INF;
        return finish(&env, out, x, denormal);
    }
    if (n.class == SOFT_FINITE && n.exp >= 0)
        by = n.exp > 16 ? 1 << 17 : (int)(n.mant >> (63 - n.exp));
    x.exp += n.sign ? -by : by;
    return finish(&env, out, soft_convert(&env, &soft_extended, x), denormal);
}

uint32_t fp_x87_xtract(const struct x86_fpu *fpu, struct x87_reg *out,
                       struct x87_reg *below, const struct x87_reg *a)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), r, e;
    uint32_t flags;

    if (special(&env, x, x, &r)) {
        flags = finish(&env, out, r, false);
        *below = *out;
        return flags;
    }
    switch (x.class) {
    case SOFT_ZERO:
        env.raised = FP_ZE;
        e = (struct soft){.class = SOFT_INF, .sign = true};
        break;
    case SOFT_INF: e = (struct soft){.class = SOFT_INF}; break;
    default:
        e = soft_from_int(&env, &soft_extended, x.exp);
        x.exp = 0;
        break;
    }
    pack(below, e);
    return finish(&env, out, x, x.denormal);
}

/*
 * FPREM, FPREM1. Up to 63 bits of the quotient at a time; when it is all
 * there, its last three bits go to C0, C3, C1.
 */
static uint32_t remainder_of(const struct x86_fpu *fpu, struct x87_reg *out,
                             const struct x87_reg *a, const struct x87_reg *b,
                             bool nearest)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), y = unpack(b), r;
    bool denormal = x.denormal || y.denormal, partial;
    uint64_t quotient = 0, rest;
    uint32_t cc = 0;
    int steps;

    if (special(&env, x, y, &r))
        return finish(&env, out, r, false);
    if (x.class == SOFT_INF || y.class == SOFT_ZERO) {
        env.raised = FP_IE;
        return finish(&env, out, x, false);
    }
    if (x.class == SOFT_ZERO || y.class == SOFT_INF || x.exp < y.exp - 1 ||
        (denormal && !(env.masks & FP_DE)))
        return finish(&env, out, soft_convert(&env, &soft_extended, x),
                      denormal);
    partial = x.exp - y.exp >= 64;
    steps = partial ? 32 + (x.exp - y.exp) % 32 : x.exp - y.exp;
    rest = x.mant;
    if (steps < 0) { /* x is below y: at least half of it, perhaps */
        steps = -1;
        quotient = 0;
    } else {
        soft_wide n = rest;

        for (int i = 0; i <= steps; i++) {
            quotient <<= 1;
            if (n >= y.mant) {
                n -= y.mant;
                quotient |= 1;
            }
            if (i < steps)
                n <<= 1;
        }
        rest = (uint64_t)n;
    }
    r = x;
    r.exp = steps < 0 ? x.exp : x.exp - steps;
    if (nearest && !partial) {
        /* Twice the rest against the divisor, at their scales. */
        soft_wide twice = (soft_wide)rest << (steps < 0 ? 0 : 1);
        bool up = twice > y.mant || (twice == y.mant && (quotient & 1));

        if (up) {
            soft_wide whole = (soft_wide)y.mant << (steps < 0 ? 1 : 0);

            rest = (uint64_t)(whole - rest);
            r.sign = !r.sign;
            quotient++;
        }
    }
    if (partial)
        cc = FP_C2;
    else
        cc = (quotient & 4 ? FP_C0 : 0U) | (quotient & 2 ? FP_C3 : 0U) |
             (quotient & 1 ? FP_C1 : 0U);
    if (!rest)
        r = (struct soft){.class = SOFT_ZERO, .sign = x.sign};
    else
        r = soft_round(&env, &soft_extended, r.sign, r.exp,
                       (soft_wide)rest << 64, false);
    env.up = false;
    return finish(&env, out, r, denormal) | cc;
}

uint32_t fp_x87_prem(const struct x86_fpu *fpu, struct x87_reg *out,
                     const struct x87_reg *a, const struct x87_reg *b)
{
    return remainder_of(fpu, out, a, b, false);
}

uint32_t fp_x87_prem1(const struct x86_fpu *fpu, struct x87_reg *out,
                      const struct x87_reg *a, const struct x87_reg *b)
{
    return remainder_of(fpu, out, a, b, true);
}

/* ---- transcendental functions ---- */

/* An exact MPFR number. */
static void to_mpfr(mpfr_t m, struct soft x)
{
    mpfr_init2(m, 64);
    if (x.class == SOFT_ZERO) {
        mpfr_set_zero(m, x.sign ? -1 : 1);
    } else if (x.class == SOFT_INF) {
        mpfr_set_inf(m, x.sign ? -1 : 1);
    } else {
        mpfr_set_ui_2exp(m, x.mant >> 32, 32, MPFR_RNDN);
        mpfr_add_ui(m, m, x.mant & 0xffffffff, MPFR_RNDN);
        mpfr_mul_2si(m, m, x.exp - 63, MPFR_RNDN);
        if (x.sign)
            mpfr_neg(m, m, MPFR_RNDN);
    }
}

/* A result of 160 bits, `ternary` telling that it is inexact, rounded. */
static struct soft from_mpfr(struct soft_env *env, mpfr_t m, int ternary)
{
    bool sign = mpfr_signbit(m);
    mpfr_t part;
    mpfr_exp_t exp;
    soft_wide mant;
    struct soft r;

    if (mpfr_nan_p(m)) {
        env->raised |= FP_IE;
        return indefinite;
    }
    if (mpfr_zero_p(m))
        return (struct soft){.class = SOFT_ZERO, .sign = sign};
    if (mpfr_inf_p(m))
        return (struct soft){.class = SOFT_INF, .sign = sign};
    exp = mpfr_get_exp(m); /* |m| = 0.1... * 2^exp */
    mpfr_init2(part, 160);
    mpfr_abs(part, m, MPFR_RNDN);
    mpfr_mul_2si(part, part, 32 - exp, MPFR_RNDN);
    mant = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned long word = mpfr_get_ui(part, MPFR_RNDZ);

        mant = mant << 32 | word;
        mpfr_sub_ui(part, part, word, MPFR_RNDN);
        mpfr_mul_2ui(part, part, 32, MPFR_RNDN);
    }
    r = soft_round(env, &soft_extended, sign, (int)exp - 1, mant,
                   !mpfr_zero_p(part) || ternary);
    mpfr_clear(part);
    return r;
}

enum { WORK_BITS = 160 };

typedef int mpfr1_fn(mpfr_t r, const mpfr_t a, mpfr_rnd_t rnd);

static struct soft function1(struct soft_env *env, struct soft x, mpfr1_fn *fn)
{
    mpfr_t a, m;
    struct soft r;
    int ternary;

    to_mpfr(a, x);
    mpfr_init2(m, WORK_BITS);
    ternary = fn(m, a, MPFR_RNDZ);
    r = from_mpfr(env, m, ternary);
    mpfr_clears(a, m, (mpfr_ptr)0);
    return r;
}

static int exp2_less1(mpfr_t r, const mpfr_t a, mpfr_rnd_t rnd)
{
    mpfr_t t;
    int ternary;

    /* 2^a - 1 = expm1(a * ln 2), with room for what the product loses. */
    mpfr_init2(t, 2 * WORK_BITS);
    mpfr_const_log2(t, MPFR_RNDN);
    mpfr_mul(t, t, a, MPFR_RNDN);
    ternary = mpfr_expm1(r, t, rnd);
    mpfr_clear(t);
    return ternary;
}

uint32_t fp_x87_2xm1(const struct x86_fpu *fpu, struct x87_reg *out,
                     const struct x87_reg *a)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), r;

    if (special(&env, x, x, &r))
        return finish(&env, out, r, false);
    if (x.class == SOFT_FINITE)
        r = function1(&env, x, exp2_less1);
    else if (x.class == SOFT_INF && x.sign)
        r = (struct soft){
            .class = SOFT_FINITE, .sign = true, .mant = X87_INT_BIT};
    else
        r = x;
    return finish(&env, out, r, x.denormal);
}

/* Arguments of 2^63 and more are left alone, with C2 set. */
static bool out_of_range(struct soft x)
{
    return x.class == SOFT_FINITE && x.exp >= 63;
}

static uint32_t trig(const struct x86_fpu *fpu, struct x87_reg *out,
                     const struct x87_reg *a, mpfr1_fn *fn)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), r;

    if (special(&env, x, x, &r))
        return finish(&env, out, r, false);
    if (out_of_range(x)) {
        *out = *a;
        return FP_C2;
    }
    if (x.class == SOFT_INF)
        env.raised |= FP_IE;
    r = x.class == SOFT_INF ? indefinite : function1(&env, x, fn);
    return finish(&env, out, r, x.denormal);
}

uint32_t fp_x87_sin(const struct x86_fpu *fpu, struct x87_reg *out,
                    const struct x87_reg *a)
{
    return trig(fpu, out, a, mpfr_sin);
}

uint32_t fp_x87_cos(const struct x86_fpu *fpu, struct x87_reg *out,
                    const struct x87_reg *a)
{
    return trig(fpu, out, a, mpfr_cos);
}

uint32_t fp_x87_sincos(const struct x86_fpu *fpu, struct x87_reg *out,
                       struct x87_reg *below, const struct x87_reg *a)
{
    uint32_t flags = trig(fpu, below, a, mpfr_sin);

    return flags | trig(fpu, out, a, mpfr_cos);
}

uint32_t fp_x87_ptan(const struct x86_fpu *fpu, struct x87_reg *out,
                     struct x87_reg *below, const struct x87_reg *a)
{
    uint32_t flags = trig(fpu, below, a, mpfr_tan);

    *out = *below;
    if ((below->sign_exp & X87_EXP) != X87_EXP) {
        out->mantissa = X87_INT_BIT;
        out->sign_exp = EXP_BIAS;
    }
    return flags;
}

typedef int mpfr2_fn(mpfr_t r, const mpfr_t a, const mpfr_t b, mpfr_rnd_t rnd);

static struct soft function2(struct soft_env *env, struct soft x, struct soft y,
                             mpfr2_fn *fn)
{
    mpfr_t a, b, m;
    struct soft r;
    int ternary;

    to_mpfr(a, x);
    to_mpfr(b, y);
    mpfr_init2(m, WORK_BITS);
    ternary = fn(m, a, b, MPFR_RNDZ);
    r = from_mpfr(env, m, ternary);
    mpfr_clears(a, b, m, (mpfr_ptr)0);
    return r;
}

/* b * log2(a), b * log2(a + 1) */
static int times_log2(mpfr_t r, const mpfr_t a, const mpfr_t b, mpfr_rnd_t rnd)
{
    mpfr_t t;
    int ternary;

    mpfr_init2(t, 2 * WORK_BITS);
    ternary = mpfr_log2(t, a, MPFR_RNDZ);
    ternary |= mpfr_mul(r, t, b, rnd);
    mpfr_clear(t);
    return ternary;
}

static int times_log2p1(mpfr_t r, const mpfr_t a, const mpfr_t b,
                        mpfr_rnd_t rnd)
{
    mpfr_t t, ln2;
    int ternary;

    mpfr_inits2(2 * WORK_BITS, t, ln2, (mpfr_ptr)0);
    ternary = mpfr_log1p(t, a, MPFR_RNDZ);
    mpfr_const_log2(ln2, MPFR_RNDN);
    mpfr_div(t, t, ln2, MPFR_RNDN);
    ternary |= mpfr_mul(r, t, b, rnd);
    mpfr_clears(t, ln2, (mpfr_ptr)0);
    return ternary;
}

static uint32_t logarithm(const struct x86_fpu *fpu, struct x87_reg *out,
                          const struct x87_reg *a, const struct x87_reg *b,
                          mpfr2_fn *fn, bool plus_one)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), y = unpack(b), r;
    bool denormal = x.denormal || y.denormal;

    if (special(&env, x, y, &r))
        return finish(&env, out, r, false);
    if (!plus_one && x.class == SOFT_ZERO) {
        if (y.class == SOFT_ZERO)
            env.raised |= FP_IE;
        else if (y.class == SOFT_FINITE)
            env.raised |= FP_ZE;
    }
    r = function2(&env, x, y, fn);
    return finish(&env, out, r, denormal);
}

uint32_t fp_x87_yl2x(const struct x86_fpu *fpu, struct x87_reg *out,
                     const struct x87_reg *a, const struct x87_reg *b)
{
    return logarithm(fpu, out, a, b, times_log2, false);
}

uint32_t fp_x87_yl2xp1(const struct x86_fpu *fpu, struct x87_reg *out,
                       const struct x87_reg *a, const struct x87_reg *b)
{
    return logarithm(fpu, out, a, b, times_log2p1, true);
}

uint32_t fp_x87_patan(const struct x86_fpu *fpu, struct x87_reg *out,
                      const struct x87_reg *a, const struct x87_reg *b)
{
    struct soft_env env = x87_env(fpu);
    struct soft x = unpack(a), y = unpack(b), r;

    if (special(&env, x, y, &r))
        return finish(&env, out, r, false);
    r = function2(&env, y, x, mpfr_atan2);
    return finish(&env, out, r, x.denormal || y.denormal);
}

#endif
