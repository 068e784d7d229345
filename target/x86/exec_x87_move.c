/* SPDX-License-Identifier: MIT */
/*
 * x87 loads, stores, constants, conditional moves and stack management.
 * [SDM] vol. 1 ch. 8, vol. 2.
 */
#include "target/x86/exec_x87.h"

/* Stack overflow, or an empty source of a load: an indefinite is pushed. */
static no_inline void push_fault(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, uint32_t c1)
{
    if (x87_signal(cpu, insn, FP_IE | FP_SF | c1))
        return;
    x87_add_top(&cpu->fpu, 7);
    x87_put_indefinite(&cpu->fpu, 0);
}

static always_inline void push_bits(struct x86_cpu *cpu,
                                    const struct x86_insn *insn,
                                    uint16_t sign_exp, uint64_t mantissa)
{
    struct x86_fpu *fpu = &cpu->fpu;

    if (unlikely(!x87_is_empty(fpu, 7))) {
        push_fault(cpu, insn, FP_C1);
        return;
    }
    fpu->fsw &= (uint16_t)~FP_C1;
    x87_add_top(fpu, 7);
    x87_put_bits(fpu, 0, sign_exp, mantissa);
}

/*
 * Pushes x87_tmp(0), the outcome of a conversion. A denormal is pushed even
 * where that is an unmasked exception.
 */
static always_inline void push_converted(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         uint32_t flags)
{
    if (likely(x87_accept(cpu, insn, flags, 0, FP_IE))) {
        x87_add_top(&cpu->fpu, 7);
        x87_put(&cpu->fpu, 0, x87_tmp(cpu, 0));
    }
}

static const struct x86_insn *fld_f32(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn);
    uint32_t b = x86_ld32(cpu, insn, insn->seg, ea), exp = b >> 23 & 0xff;

    x87_note_mem(cpu, insn, ea);
    if (likely(exp - 1 < 0xfe && x87_is_empty(&cpu->fpu, 7)))
        push_bits(cpu, insn,
                  (uint16_t)(b >> 16 & X87_SIGN) |
                      (uint16_t)(exp + X87_BIAS - 127),
                  X87_INT_BIT | (uint64_t)b << 40);
    else if (x87_is_empty(&cpu->fpu, 7))
        push_converted(cpu, insn, fp_x87_ld_f32(&cpu->fpu, x87_tmp(cpu, 0), b));
    else
        push_fault(cpu, insn, FP_C1);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fld_f64(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn);
    uint64_t b = x86_ld64(cpu, insn, insn->seg, ea);
    uint32_t exp = (uint32_t)(b >> 52) & 0x7ff;

    x87_note_mem(cpu, insn, ea);
    if (likely(exp - 1 < 0x7fe && x87_is_empty(&cpu->fpu, 7)))
        push_bits(cpu, insn,
                  (uint16_t)(b >> 48 & X87_SIGN) |
                      (uint16_t)(exp + X87_BIAS - 1023),
                  X87_INT_BIT | b << 11);
    else if (x87_is_empty(&cpu->fpu, 7))
        push_converted(cpu, insn, fp_x87_ld_f64(&cpu->fpu, x87_tmp(cpu, 0), b));
    else
        push_fault(cpu, insn, FP_C1);
    X86_NEXT(cpu, insn);
}

/* The ten bytes at `ea`, wherever they are now. */
static always_inline const uint8_t *load10(struct x86_cpu *cpu,
                                           const struct x86_insn *insn,
                                           uint64_t ea)
{
    const uint8_t *p = x86_hit_rd(cpu, insn->seg, ea, 10);

    if (unlikely(!p)) {
        x86_ld(cpu, insn, insn->seg, ea, &cpu->scratch, 10, 0);
        p = cpu->scratch.u8;
    }
    return p;
}

static const struct x86_insn *fld_f80(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn);
    const uint8_t *p = load10(cpu, insn, ea);

    x87_note_mem(cpu, insn, ea);
    push_bits(cpu, insn, ldl_u16(p + 8), ldl_u64(p));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fld_reg(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    unsigned i = insn->rm & 7;
    const struct x87_reg *st = x87_st(&cpu->fpu, i);

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(&cpu->fpu, i)))
        push_fault(cpu, insn, 0);
    else
        push_bits(cpu, insn, st->sign_exp, st->mantissa);
    X86_NEXT(cpu, insn);
}

static always_inline void push_int(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, uint64_t ea,
                                   int64_t value)
{
    x87_note_mem(cpu, insn, ea);
    x87_from_int(x87_tmp(cpu, 0), value);
    push_bits(cpu, insn, x87_tmp(cpu, 0)->sign_exp, x87_tmp(cpu, 0)->mantissa);
}

static const struct x86_insn *fild_i16(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn);

    push_int(cpu, insn, ea, (int16_t)x86_ld16(cpu, insn, insn->seg, ea));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fild_i32(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn);

    push_int(cpu, insn, ea, (int32_t)x86_ld32(cpu, insn, insn->seg, ea));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fild_i64(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn);

    push_int(cpu, insn, ea, (int64_t)x86_ld64(cpu, insn, insn->seg, ea));
    X86_NEXT(cpu, insn);
}

/* Eighteen digits of packed BCD; digits above nine count as they are. */
static const struct x86_insn *fbld(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t ea = x87_begin_mem(cpu, insn), value = 0;
    const uint8_t *p = load10(cpu, insn, ea);
    uint16_t sign = p[9] & 0x80 ? X87_SIGN : 0;

    for (unsigned i = 9; i-- > 0;)
        value = value * 100 + (p[i] >> 4) * 10U + (p[i] & 15);
    x87_note_mem(cpu, insn, ea);
    x87_from_int(x87_tmp(cpu, 0), (int64_t)value);
    push_bits(cpu, insn, x87_tmp(cpu, 0)->sign_exp | sign,
              x87_tmp(cpu, 0)->mantissa);
    X86_NEXT(cpu, insn);
}

/* The constants: cut off, and whether the nearest is one more. */
struct constant {
    uint64_t mantissa;
    uint16_t exp;
    bool nearest_up, exact;
};

static const struct constant constants[8] = {
    {X87_INT_BIT, 0x3fff, false, true},                   /* 1 */
    {UINT64_C(0xd49a784bcd1b8afe), 0x4000, false, false}, /* log2(10) */
    {UINT64_C(0xb8aa3b295c17f0bb), 0x3fff, true, false},  /* log2(e) */
    {UINT64_C(0xc90fdaa22168c234), 0x4000, true, false},  /* pi */
    {UINT64_C(0x9a209a84fbcff798), 0x3ffd, true, false},  /* log10(2) */
    {UINT64_C(0xb17217f7d1cf79ab), 0x3ffe, true, false},  /* ln(2) */
    {0, 0, false, true},                                  /* 0 */
};

static const struct x86_insn *fld_constant(struct x86_cpu *cpu,
                                           const struct x86_insn *insn)
{
    const struct constant *c = &constants[insn->rm & 7];
    unsigned rounding = (cpu->fpu.fcw & X87_FCW_RC) >> 10;
    bool up = !c->exact && (rounding == 2 || (rounding == 0 && c->nearest_up));

    x87_begin(cpu, insn);
    push_bits(cpu, insn, c->exp, c->mantissa + up);
    X86_NEXT(cpu, insn);
}

/*
 * Stores. The memory access comes before any change of state; what an
 * unmasked exception forbids is not stored, but its address is checked.
 */
static always_inline bool store_stopped(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        uint64_t ea, unsigned len,
                                        uint32_t flags)
{
    if (likely(!(flags & ~(uint32_t)cpu->fpu.fcw & X87_STOP_STORE)))
        return false;
    x86_probe_st(cpu, insn, insn->seg, ea, len);
    return true;
}

/* True where the indefinite is to be stored for an empty ST(0). */
static no_inline bool store_empty(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, uint64_t ea,
                                  unsigned len)
{
    if (cpu->fpu.fcw & FP_IE)
        return true;
    x86_probe_st(cpu, insn, insn->seg, ea, len);
    x87_note_mem(cpu, insn, ea);
    x87_signal(cpu, insn, FP_IE | FP_SF);
    return false;
}

static always_inline void store_done(struct x86_cpu *cpu,
                                     const struct x86_insn *insn, uint64_t ea,
                                     uint32_t flags, bool pop)
{
    x87_note_mem(cpu, insn, ea);
    if (unlikely(flags & FP_SF))
        x87_signal(cpu, insn, flags);
    else if (unlikely(!x87_accept(cpu, insn, flags, 0, X87_STOP_STORE)))
        return;
    if (pop)
        x87_pop(&cpu->fpu);
}

/*
 * Rounds zero, or a normal number to nearest where the outcome is normal too:
 * what FST does nearly always, without a trip to fp.h. `bits` of fraction, exponents
 * 1 to `max`. False: not such a case; else the magnitude and the flags.
 */
static always_inline bool round_normal(const struct x86_fpu *fpu,
                                       const struct x87_reg *st, unsigned bits,
                                       unsigned max, uint64_t *out,
                                       uint32_t *flags)
{
    unsigned drop = 63 - bits;
    int exp = (st->sign_exp & X87_EXP) - X87_BIAS + (int)(max / 2);
    uint64_t rest = st->mantissa << (64 - drop), half = X87_INT_BIT;
    uint64_t m = (st->mantissa & ~X87_INT_BIT) >> drop;
    bool up = rest > half || (rest == half && (m & 1));

    if (!(st->sign_exp & X87_EXP) && !st->mantissa) {
        *out = *flags = 0;
        return true;
    }
    if (unlikely((fpu->fcw & (X87_FCW_RC | FP_ALL)) != FP_ALL || exp < 1 ||
                 exp >= (int)max - 1 || !(st->mantissa & X87_INT_BIT)))
        return false;
    *out = ((uint64_t)exp << bits | m) + up;
    *flags = (rest ? FP_PE : 0U) | (up ? FP_C1 : 0U);
    return true;
}

static always_inline uint32_t to_f32(const struct x86_fpu *fpu, uint32_t *out,
                                     const struct x87_reg *st)
{
    uint64_t v;
    uint32_t flags;

    if (unlikely(!round_normal(fpu, st, 23, 0xff, &v, &flags)))
        return fp_x87_st_f32(fpu, out, st);
    *out = (uint32_t)v | (uint32_t)(st->sign_exp & X87_SIGN) << 16;
    return flags;
}

static always_inline uint32_t to_f64(const struct x86_fpu *fpu, uint64_t *out,
                                     const struct x87_reg *st)
{
    uint64_t v;
    uint32_t flags;

    if (unlikely(!round_normal(fpu, st, 52, 0x7ff, &v, &flags)))
        return fp_x87_st_f64(fpu, out, st);
    *out = v | (uint64_t)(st->sign_exp & X87_SIGN) << 48;
    return flags;
}

/*
 * name: convert ST(0) with `convert`, store by `store`; `indefinite`
 * where ST(0) is empty.
 */
/* clang-format off */
#define STORE(name, type, indefinite, convert, store, pop)                   \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        struct x86_fpu *fpu = &cpu->fpu;                                     \
        uint64_t ea = x87_begin_mem(cpu, insn);                              \
        type *out = (type *)(void *)&cpu->scratch;                           \
        const struct x87_reg *st = x87_st(fpu, 0);                           \
        uint32_t flags;                                                      \
                                                                             \
        if (likely(!x87_is_empty(fpu, 0))) {                                 \
            flags = convert;                                                 \
        } else {                                                             \
            if (!store_empty(cpu, insn, ea, sizeof(type)))                   \
                X86_NEXT(cpu, insn);                                         \
            flags = FP_IE | FP_SF;                                           \
            *out = indefinite;                                               \
        }                                                                    \
        if (likely(!store_stopped(cpu, insn, ea, sizeof(type), flags)))      \
            store(cpu, insn, insn->seg, ea, *out);                           \
        store_done(cpu, insn, ea, flags, pop);                               \
        X86_NEXT(cpu, insn);                                                 \
    }
#define STORE_PAIR(name, ...) \
    STORE(name, __VA_ARGS__, false) STORE(name##_pop, __VA_ARGS__, true)

STORE_PAIR(fst_f32, uint32_t, UINT32_C(0xffc00000),
           to_f32(fpu, out, st), x86_st32)
STORE_PAIR(fst_f64, uint64_t, UINT64_C(0xfff8000000000000),
           to_f64(fpu, out, st), x86_st64)
STORE_PAIR(fist_i16, uint16_t, 0x8000,
           fp_x87_st_i16(fpu, out, st, false), x86_st16)
STORE_PAIR(fist_i32, uint32_t, UINT32_C(0x80000000),
           fp_x87_st_i32(fpu, out, st, false), x86_st32)
STORE(fist_i64_pop, uint64_t, UINT64_C(0x8000000000000000),
      fp_x87_st_i64(fpu, out, st, false), x86_st64, true)
STORE(fistt_i16, uint16_t, 0x8000,
      fp_x87_st_i16(fpu, out, st, true), x86_st16, true)
STORE(fistt_i32, uint32_t, UINT32_C(0x80000000),
      fp_x87_st_i32(fpu, out, st, true), x86_st32, true)
STORE(fistt_i64, uint64_t, UINT64_C(0x8000000000000000),
      fp_x87_st_i64(fpu, out, st, true), x86_st64, true)
/* clang-format on */

/* The bits of a register, or of the indefinite, into the scratch area. */
static void put_scratch(struct x86_cpu *cpu, uint16_t sign_exp,
                        uint64_t mantissa)
{
    stl_u64(cpu->scratch.u8, mantissa);
    stl_u16(cpu->scratch.u8 + 8, sign_exp);
}

static const struct x86_insn *fstp_f80(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    const struct x87_reg *st = x87_st(&cpu->fpu, 0);
    uint64_t ea = x87_begin_mem(cpu, insn);
    uint32_t flags = 0;

    if (likely(!x87_is_empty(&cpu->fpu, 0))) {
        put_scratch(cpu, st->sign_exp, st->mantissa);
    } else {
        if (!store_empty(cpu, insn, ea, 10))
            X86_NEXT(cpu, insn);
        flags = FP_IE | FP_SF;
        put_scratch(cpu, 0xffff, UINT64_C(0xc000000000000000));
    }
    x86_st(cpu, insn, insn->seg, ea, &cpu->scratch, 10, 0);
    store_done(cpu, insn, ea, flags, true);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fbstp(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    struct x86_fpu *fpu = &cpu->fpu;
    uint64_t ea = x87_begin_mem(cpu, insn);
    uint32_t flags = FP_IE | FP_SF;

    if (likely(!x87_is_empty(fpu, 0))) {
        flags = fp_x87_st_bcd(fpu, cpu->scratch.u8, x87_st(fpu, 0));
    } else {
        if (!store_empty(cpu, insn, ea, 10))
            X86_NEXT(cpu, insn);
        put_scratch(cpu, 0xffff, UINT64_C(0xc000000000000000));
    }
    if (!store_stopped(cpu, insn, ea, 10, flags))
        x86_st(cpu, insn, insn->seg, ea, &cpu->scratch, 10, 0);
    store_done(cpu, insn, ea, flags, true);
    X86_NEXT(cpu, insn);
}

/* FST, FSTP to a register. */
static always_inline void store_reg(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, bool pop)
{
    struct x86_fpu *fpu = &cpu->fpu;
    unsigned i = insn->rm & 7;

    x87_begin(cpu, insn);
    if (likely(!x87_is_empty(fpu, 0))) {
        fpu->fsw &= (uint16_t)~FP_C1;
        x87_put(fpu, i, x87_st(fpu, 0));
    } else {
        if (x87_signal(cpu, insn, FP_IE | FP_SF))
            return;
        x87_put_indefinite(fpu, i);
    }
    if (pop)
        x87_pop(fpu);
}

static const struct x86_insn *fst_reg(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    store_reg(cpu, insn, false);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fstp_reg(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    store_reg(cpu, insn, true);
    X86_NEXT(cpu, insn);
}

/* Undocumented: an FSTP that does nothing but pop where ST(0) is empty. */
static const struct x86_insn *fstpnce(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    struct x86_fpu *fpu = &cpu->fpu;

    x87_begin(cpu, insn);
    if (!x87_is_empty(fpu, 0))
        x87_put(fpu, insn->rm & 7, x87_st(fpu, 0));
    fpu->fsw &= (uint16_t)~FP_C1;
    x87_pop(fpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fxch(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    struct x86_fpu *fpu = &cpu->fpu;
    struct x87_reg *a = x87_st(fpu, 0), *b = x87_st(fpu, insn->rm & 7), t;
    unsigned i = insn->rm & 7;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, 0) || x87_is_empty(fpu, i))) {
        if (x87_signal(cpu, insn, FP_IE | FP_SF))
            X86_NEXT(cpu, insn);
        if (x87_is_empty(fpu, 0))
            x87_put_indefinite(fpu, 0);
        if (x87_is_empty(fpu, i))
            x87_put_indefinite(fpu, i);
    } else {
        fpu->fsw &= (uint16_t)~FP_C1;
    }
    t = *a;
    *a = *b;
    *b = t;
    X86_NEXT(cpu, insn);
}

static always_inline void cmov(struct x86_cpu *cpu, const struct x86_insn *insn,
                               bool condition)
{
    struct x86_fpu *fpu = &cpu->fpu;
    unsigned i = insn->rm & 7;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, 0) || x87_is_empty(fpu, i))) {
        if (!x87_signal(cpu, insn, FP_IE | FP_SF))
            x87_put_indefinite(fpu, 0);
        return;
    }
    if (condition)
        x87_put(fpu, 0, x87_st(fpu, i));
}

/* clang-format off */
#define CMOV(name, condition)                                                \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        cmov(cpu, insn, condition);                                          \
        X86_NEXT(cpu, insn);                                                 \
    }
CMOV(fcmovb, x86_cf(cpu))
CMOV(fcmove, x86_zf(cpu))
CMOV(fcmovbe, x86_cf(cpu) || x86_zf(cpu))
CMOV(fcmovu, x86_pf(cpu))
CMOV(fcmovnb, !x86_cf(cpu))
CMOV(fcmovne, !x86_zf(cpu))
CMOV(fcmovnbe, !x86_cf(cpu) && !x86_zf(cpu))
CMOV(fcmovnu, !x86_pf(cpu))
/* clang-format on */

static const struct x86_insn *ffree(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    x87_begin(cpu, insn);
    cpu->fpu.fsw &= (uint16_t)~FP_C1;
    x87_set_empty(&cpu->fpu, insn->rm & 7);
    X86_NEXT(cpu, insn);
}

/* Undocumented, and in every CPU since the 287. */
static const struct x86_insn *ffreep(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    x87_begin(cpu, insn);
    x87_set_empty(&cpu->fpu, insn->rm & 7);
    cpu->fpu.fsw &= (uint16_t)~FP_C1;
    x87_pop(&cpu->fpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fincstp(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    x87_begin(cpu, insn);
    cpu->fpu.fsw &= (uint16_t)~FP_C1;
    x87_add_top(&cpu->fpu, 1);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fdecstp(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    x87_begin(cpu, insn);
    cpu->fpu.fsw &= (uint16_t)~FP_C1;
    x87_add_top(&cpu->fpu, 7);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fnop(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    x87_begin(cpu, insn);
    X86_NEXT(cpu, insn);
}

/* By escape (D8..DF) and /reg. */
static x86_exec *const memory_forms[8][8] = {
    [1] = {fld_f32, NULL, fst_f32, fst_f32_pop},
    [3] = {fild_i32, fistt_i32, fist_i32, fist_i32_pop, NULL, fld_f80, NULL,
           fstp_f80},
    [5] = {fld_f64, fistt_i64, fst_f64, fst_f64_pop},
    [7] = {fild_i16, fistt_i16, fist_i16, fist_i16_pop, fbld, fild_i64, fbstp,
           fist_i64_pop},
};

static x86_exec *const register_forms[8][8] = {
    [1] = {fld_reg, fxch, fnop, fstpnce, NULL, fld_constant},
    [2] = {fcmovb, fcmove, fcmovbe, fcmovu},
    [3] = {fcmovnb, fcmovne, fcmovnbe, fcmovnu},
    [5] = {ffree, fxch, fst_reg, fstp_reg},
    [7] = {ffreep, fxch, fstp_reg, fstp_reg},
};

x86_exec *x86_select_x87_move(const struct x86_insn *insn)
{
    unsigned escape = insn->opcode & 7, reg = insn->reg & 7;

    if (insn->flags & X86_I_MEM)
        return memory_forms[escape][reg];
    if (escape == 1 && reg == 6) {
        if ((insn->rm & 7) < 6)
            return NULL;
        return (insn->rm & 7) == 6 ? fdecstp : fincstp;
    }
    return register_forms[escape][reg];
}
