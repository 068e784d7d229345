/* SPDX-License-Identifier: MIT */
#include "target/x86/fp_soft.h"

const struct soft_format soft_half = {11, -14, 15};
const struct soft_format soft_single = {24, -126, 127};
const struct soft_format soft_double = {53, -1022, 1023};
const struct soft_format soft_extended = {64, -16382, 16383};

static unsigned wide_clz(soft_wide v)
{
    uint64_t hi = (uint64_t)(v >> 64);

    return hi ? (unsigned)__builtin_clzll(hi)
              : 64 + (unsigned)__builtin_clzll((uint64_t)v);
}

/* v >> n; what falls out leaves *sticky set. */
static soft_wide shift_sticky(soft_wide v, unsigned n, bool *sticky)
{
    if (!n)
        return v;
    if (n >= 128) {
        *sticky |= v != 0;
        return 0;
    }
    *sticky |= v << (128 - n) != 0;
    return v >> n;
}

static unsigned exponent_bits(const struct soft_format *f)
{
    return f->bits == 53 ? 11 : f->bits == 24 ? 8 : 5;
}

struct soft soft_unpack(const struct soft_env *env, const struct soft_format *f,
                        uint64_t bits)
{
    unsigned fraction = f->bits - 1, eb = exponent_bits(f);
    uint64_t e = bits >> fraction & ((1U << eb) - 1);
    uint64_t m = bits & ((UINT64_C(1) << fraction) - 1);
    struct soft x = {.sign = bits >> (fraction + eb) & 1};

    if (e == (1U << eb) - 1) {
        x.class = m ? SOFT_NAN : SOFT_INF;
        x.mant = (m | UINT64_C(1) << fraction) << (64 - f->bits);
        x.signalling = m && !(m >> (fraction - 1) & 1);
    } else if (e) {
        x.class = SOFT_FINITE;
        x.exp = (int)e - f->emax;
        x.mant = (m | UINT64_C(1) << fraction) << (64 - f->bits);
    } else if (m && !env->daz) {
        unsigned shift = (unsigned)__builtin_clzll(m);

        x.class = SOFT_FINITE;
        x.denormal = true;
        x.mant = m << shift;
        x.exp = f->emin + (int)(63 - shift) - (int)fraction;
    }
    return x;
}

uint64_t soft_pack(const struct soft_format *f, struct soft x)
{
    unsigned fraction = f->bits - 1, eb = exponent_bits(f);
    uint64_t sign = (uint64_t)x.sign << (fraction + eb);
    uint64_t ones = ((UINT64_C(1) << eb) - 1) << fraction;
    uint64_t m = x.mant >> (64 - f->bits);
    uint64_t below = (UINT64_C(1) << fraction) - 1;

    switch (x.class) {
    case SOFT_FINITE:
        if (x.exp < f->emin)
            return sign | m >> (f->emin - x.exp);
        return sign | (uint64_t)(x.exp + f->emax) << fraction | (m & below);
    case SOFT_INF: return sign | ones;
    case SOFT_NAN: return sign | ones | (m & below);
    default: return sign;
    }
}

/* Does rounding add one to the last place? */
static bool round_up(unsigned rounding, bool sign, bool odd, bool half,
                     bool rest)
{
    switch (rounding) {
    case 0: return half && (rest || odd);
    case 1: return sign && (half || rest);
    case 2: return !sign && (half || rest);
    default: return false;
    }
}

/* Cuts to the upper `bits`, rounding. True: a carry came out at the top. */
static bool cut(const struct soft_env *env, unsigned bits, bool sign,
                soft_wide *mant, bool sticky, bool *inexact, bool *up)
{
    unsigned drop = 128 - bits;
    soft_wide unit = (soft_wide)1 << drop, kept = *mant & ~(unit - 1);
    bool half = *mant >> (drop - 1) & 1;
    bool rest = (*mant & (unit / 2 - 1)) != 0 || sticky;

    *inexact = half || rest;
    *up = round_up(env->rounding, sign, kept >> drop & 1, half, rest);
    *mant = *up ? kept + unit : kept;
    return *up && *mant == 0;
}

static struct soft overflow(struct soft_env *env, const struct soft_format *f,
                            bool sign)
{
    bool to_inf = env->rounding == 0 || env->rounding == (sign ? 1U : 2U);

    env->raised |= FP_OE | FP_PE;
    env->up = to_inf;
    if (to_inf)
        return (struct soft){.class = SOFT_INF, .sign = sign};
    return (struct soft){.class = SOFT_FINITE,
                         .sign = sign,
                         .exp = f->emax,
                         .mant = ~UINT64_C(0) << (64 - f->bits)};
}

/* The result where the exponent is below emin even after rounding. */
static struct soft underflow(struct soft_env *env, const struct soft_format *f,
                             bool sign, int exp, soft_wide mant, bool sticky)
{
    struct soft x = {.class = SOFT_FINITE, .sign = sign, .exp = f->emin};
    bool inexact;

    if (env->fz && (env->masks & FP_UE)) {
        env->raised |= FP_UE | FP_PE;
        return (struct soft){.class = SOFT_ZERO, .sign = sign};
    }
    mant = shift_sticky(mant, (unsigned)(f->emin - exp), &sticky);
    /* A carry cannot leave the top: that bit is clear. */
    cut(env, f->bits, sign, &mant, sticky, &inexact, &env->up);
    env->raised |= inexact ? FP_UE | FP_PE : 0U;
    env->raised |= env->masks & FP_UE ? 0U : (uint32_t)FP_UE;
    if (!mant)
        return (struct soft){.class = SOFT_ZERO, .sign = sign};
    x.exp -= (int)wide_clz(mant);
    x.mant = (uint64_t)(mant << wide_clz(mant) >> 64);
    x.denormal = x.exp < f->emin;
    return x;
}

struct soft soft_round(struct soft_env *env, const struct soft_format *f,
                       bool sign, int exp, soft_wide mant, bool sticky)
{
    soft_wide rounded;
    bool inexact, up;
    int top;

    env->up = false;
    if (!mant)
        return (struct soft){.class = SOFT_ZERO, .sign = sign};
    exp -= (int)wide_clz(mant);
    mant <<= wide_clz(mant);
    rounded = mant;
    top = exp;
    if (cut(env, f->bits, sign, &rounded, sticky, &inexact, &up)) {
        rounded = (soft_wide)1 << 127;
        top++;
    }
    if (top < f->emin) {
        if (!env->bias || (env->masks & FP_UE))
            return underflow(env, f, sign, exp, mant, sticky);
        top += env->bias;
        env->raised |= FP_UE;
        if (top < f->emin) { /* FSCALE by far too much */
            env->raised |= FP_PE;
            return (struct soft){.class = SOFT_ZERO, .sign = sign};
        }
    } else if (top > f->emax) {
        if (!env->bias || (env->masks & FP_OE))
            return overflow(env, f, sign);
        top -= env->bias;
        env->raised |= FP_OE;
        if (top > f->emax) {
            env->raised |= FP_PE;
            env->up = true;
            return (struct soft){.class = SOFT_INF, .sign = sign};
        }
    }
    env->up = up;
    env->raised |= inexact ? (uint32_t)FP_PE : 0U;
    return (struct soft){.class = SOFT_FINITE,
                         .sign = sign,
                         .exp = top,
                         .mant = (uint64_t)(rounded >> 64)};
}

static struct soft invalid(struct soft_env *env)
{
    env->raised |= FP_IE;
    return (struct soft){.class = SOFT_NAN};
}

/* The sum of two magnitudes with signs, each at the top of its word. */
static struct soft sum(struct soft_env *env, const struct soft_format *f,
                       bool sa, int ea, soft_wide ma, bool sb, int eb,
                       soft_wide mb)
{
    bool sticky = false, carry;
    soft_wide r;

    if (ea < eb || (ea == eb && ma < mb)) {
        bool s = sa;
        int e = ea;
        soft_wide m = ma;

        sa = sb, ea = eb, ma = mb;
        sb = s, eb = e, mb = m;
    }
    /* A bit of room for the carry. */
    ma >>= 1;
    mb = shift_sticky(mb, (unsigned)(ea - eb) + 1, &sticky);
    if (sa == sb) {
        r = ma + mb;
    } else {
        carry = sticky; /* a - (b + little) = (a - b - 1) + little */
        r = ma - mb - carry;
    }
    if (!r && !sticky)
        sa = env->rounding == 1;
    return soft_round(env, f, sa, ea + 1, r, sticky);
}

struct soft soft_add(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b)
{
    if (a.class == SOFT_INF || b.class == SOFT_INF) {
        if (a.class == b.class && a.sign != b.sign)
            return invalid(env);
        return a.class == SOFT_INF ? a : b;
    }
    if (a.class == SOFT_ZERO && b.class == SOFT_ZERO) {
        env->up = false;
        if (a.sign != b.sign)
            a.sign = env->rounding == 1;
        return a;
    }
    if (b.class == SOFT_ZERO)
        return soft_convert(env, f, a);
    if (a.class == SOFT_ZERO)
        return soft_convert(env, f, b);
    return sum(env, f, a.sign, a.exp, (soft_wide)a.mant << 64, b.sign, b.exp,
               (soft_wide)b.mant << 64);
}

struct soft soft_mul(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b)
{
    bool sign = a.sign != b.sign;

    if (a.class == SOFT_INF || b.class == SOFT_INF) {
        if (a.class == SOFT_ZERO || b.class == SOFT_ZERO)
            return invalid(env);
        return (struct soft){.class = SOFT_INF, .sign = sign};
    }
    if (a.class == SOFT_ZERO || b.class == SOFT_ZERO)
        return (struct soft){.class = SOFT_ZERO, .sign = sign};
    return soft_round(env, f, sign, a.exp + b.exp + 1,
                      (soft_wide)a.mant * b.mant, false);
}

struct soft soft_div(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b)
{
    bool sign = a.sign != b.sign;
    soft_wide n, q;

    if (a.class == b.class && a.class != SOFT_FINITE)
        return invalid(env); /* 0/0, inf/inf */
    if (a.class == SOFT_INF || b.class == SOFT_ZERO) {
        if (a.class == SOFT_FINITE)
            env->raised |= FP_ZE;
        return (struct soft){.class = SOFT_INF, .sign = sign};
    }
    if (a.class == SOFT_ZERO || b.class == SOFT_INF)
        return (struct soft){.class = SOFT_ZERO, .sign = sign};
    /* 64 bits of quotient at least, and 62 more from the remainder. */
    n = (soft_wide)a.mant << 63;
    q = n / b.mant << 62;
    n = n % b.mant << 62;
    q += n / b.mant;
    return soft_round(env, f, sign, a.exp - b.exp + 2, q, n % b.mant != 0);
}

struct soft soft_sqrt(struct soft_env *env, const struct soft_format *f,
                      struct soft a)
{
    soft_wide rest, root = 0, bit = (soft_wide)1 << 126;
    bool odd = a.exp & 1;

    if (a.class == SOFT_ZERO || (a.class == SOFT_INF && !a.sign))
        return a;
    if (a.sign)
        return invalid(env);
    /* The root of mant * 2^63 or 2^64, of 64 bits, then two bits more. */
    rest = (soft_wide)a.mant << (odd ? 64 : 63);
    for (; bit; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        soft_wide try = root << 2 | 1;

        rest <<= 2;
        root <<= 1;
        if (rest >= try) {
            rest -= try;
            root |= 1;
        }
    }
    return soft_round(env, f, false, (a.exp - odd) / 2, root << 62, rest != 0);
}

struct soft soft_fma(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b, struct soft c)
{
    bool sign = a.sign != b.sign;
    soft_wide p;

    if ((a.class == SOFT_INF && b.class == SOFT_ZERO) ||
        (a.class == SOFT_ZERO && b.class == SOFT_INF))
        return invalid(env);
    if (a.class != SOFT_FINITE || b.class != SOFT_FINITE) {
        struct soft q = {.class = SOFT_ZERO, .sign = sign};

        if (a.class == SOFT_INF || b.class == SOFT_INF)
            q.class = SOFT_INF;
        return soft_add(env, f, q, c);
    }
    p = (soft_wide)a.mant * b.mant;
    if (c.class == SOFT_INF)
        return c;
    if (c.class == SOFT_ZERO)
        return soft_round(env, f, sign, a.exp + b.exp + 1, p, false);
    return sum(env, f, sign, a.exp + b.exp + 1 - (int)wide_clz(p),
               p << wide_clz(p), c.sign, c.exp, (soft_wide)c.mant << 64);
}

struct soft soft_convert(struct soft_env *env, const struct soft_format *f,
                         struct soft a)
{
    if (a.class != SOFT_FINITE)
        return a;
    return soft_round(env, f, a.sign, a.exp, (soft_wide)a.mant << 64, false);
}

/* |a| as an integer, rounded; a is FINITE with an exponent below 64. */
static uint64_t integral(struct soft_env *env, struct soft a, bool *carry)
{
    bool sticky = false, half, up;
    unsigned shift = (unsigned)(63 - a.exp);
    soft_wide m = shift_sticky((soft_wide)a.mant << 64, shift, &sticky);
    bool rest = ((uint64_t)m << 1) != 0 || sticky;
    uint64_t v = (uint64_t)(m >> 64);

    half = (uint64_t)m >> 63;
    up = round_up(env->rounding, a.sign, v & 1, half, rest);
    env->up = up;
    env->raised |= half || rest ? (uint32_t)FP_PE : 0U;
    *carry = up && v == UINT64_MAX;
    return v + up;
}

struct soft soft_rint(struct soft_env *env, const struct soft_format *f,
                      struct soft a)
{
    bool carry;
    uint64_t v;

    env->up = false;
    if (a.class != SOFT_FINITE || a.exp >= 63)
        return a;
    v = integral(env, a, &carry);
    if (!v)
        return (struct soft){.class = SOFT_ZERO, .sign = a.sign};
    a.denormal = false;
    a.exp = 63 - __builtin_clzll(v);
    a.mant = v << __builtin_clzll(v);
    return a;
}

struct soft soft_from_int(struct soft_env *env, const struct soft_format *f,
                          int64_t value)
{
    uint64_t m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    return soft_round(env, f, value < 0, 63, (soft_wide)m << 64, false);
}

uint64_t soft_to_int(struct soft_env *env, struct soft a, unsigned bits)
{
    uint64_t limit = UINT64_C(1) << (bits - 1), v = 0;
    uint32_t before = env->raised;
    bool carry = false;

    env->up = false;
    if (a.class == SOFT_ZERO)
        return 0;
    if (a.class == SOFT_FINITE && a.exp < 64)
        v = integral(env, a, &carry);
    if (a.class != SOFT_FINITE || a.exp >= 64 || carry || v > limit - !a.sign) {
        env->raised = before | FP_IE;
        env->up = false;
        return limit;
    }
    v = a.sign ? 0 - v : v;
    return bits == 64 ? v : v & (limit * 2 - 1);
}

/* The order of magnitudes and classes as a number. */
static int compare_magnitude(struct soft a, struct soft b)
{
    if (a.class != b.class)
        return a.class < b.class ? -1 : 1;
    if (a.class != SOFT_FINITE)
        return 0;
    if (a.exp != b.exp)
        return a.exp < b.exp ? -1 : 1;
    return a.mant < b.mant ? -1 : a.mant > b.mant;
}

int soft_compare(struct soft a, struct soft b)
{
    if (a.class == SOFT_ZERO && b.class == SOFT_ZERO)
        return 0;
    if (a.sign != b.sign)
        return a.sign ? -1 : 1;
    return a.sign ? -compare_magnitude(a, b) : compare_magnitude(a, b);
}
