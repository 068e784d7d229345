/* SPDX-License-Identifier: MIT */
/*
 * x87 arithmetic, comparisons and functions. [SDM] vol. 1 ch. 8, vol. 2.
 * Loads, stores and register moves are in exec_x87_move.c, control and
 * environments in exec_x87_env.c.
 */
#include "target/x86/exec_x87.h"

typedef uint32_t x87_op2(const struct x86_fpu *fpu, struct x87_reg *out,
                         const struct x87_reg *a, const struct x87_reg *b);
typedef uint32_t x87_op1(const struct x86_fpu *fpu, struct x87_reg *out,
                         const struct x87_reg *a);
typedef uint32_t x87_op_pair(const struct x86_fpu *fpu, struct x87_reg *out,
                             struct x87_reg *below, const struct x87_reg *a);
typedef uint32_t x87_op_compare(const struct x86_fpu *fpu,
                                const struct x87_reg *a,
                                const struct x87_reg *b);

/* A source was empty: ST(dst) becomes the indefinite, where masked. */
static no_inline void underflow_to(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, unsigned dst,
                                   bool pop)
{
    if (x87_signal(cpu, insn, FP_IE | FP_SF))
        return;
    x87_put_indefinite(&cpu->fpu, dst);
    if (pop)
        x87_pop(&cpu->fpu);
}

/* Takes over x87_tmp(0) as the new ST(dst). */
static always_inline void finish(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, uint32_t flags,
                                 uint32_t cc, unsigned dst, bool pop)
{
    if (likely(x87_accept(cpu, insn, flags, cc, X87_STOP))) {
        x87_put(&cpu->fpu, dst, x87_tmp(cpu, 0));
        if (pop)
            x87_pop(&cpu->fpu);
    }
}

/* ST(dst) = op(ST(dst), ST(src)) */
static always_inline void arith_regs(struct x86_cpu *cpu,
                                     const struct x86_insn *insn, x87_op2 *op,
                                     unsigned dst, unsigned src, bool pop)
{
    struct x86_fpu *fpu = &cpu->fpu;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, dst) || x87_is_empty(fpu, src))) {
        underflow_to(cpu, insn, dst, pop);
        return;
    }
    finish(cpu, insn,
           op(fpu, x87_tmp(cpu, 0), x87_st(fpu, dst), x87_st(fpu, src)), 0, dst,
           pop);
}

/* ST(0) = op(ST(0), an integer from memory) */
static always_inline void arith_int(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, x87_op2 *op,
                                    int64_t value)
{
    struct x86_fpu *fpu = &cpu->fpu;

    if (unlikely(x87_is_empty(fpu, 0))) {
        underflow_to(cpu, insn, 0, false);
        return;
    }
    x87_from_int(x87_tmp(cpu, 1), value);
    finish(cpu, insn, op(fpu, x87_tmp(cpu, 0), x87_st(fpu, 0), x87_tmp(cpu, 1)),
           0, 0, false);
}

/* clang-format off */
#define ARITH(name)                                                          \
    static const struct x86_insn *name##_0i(struct x86_cpu *cpu,             \
                                            const struct x86_insn *insn)     \
    {                                                                        \
        arith_regs(cpu, insn, fp_x87_##name, 0, insn->rm & 7, false);        \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *name##_i0(struct x86_cpu *cpu,             \
                                            const struct x86_insn *insn)     \
    {                                                                        \
        arith_regs(cpu, insn, fp_x87_##name, insn->rm & 7, 0, false);        \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *name##_i0_pop(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        arith_regs(cpu, insn, fp_x87_##name, insn->rm & 7, 0, true);         \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *name##_f32(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t ea = x87_begin_mem(cpu, insn);                              \
        uint32_t b = x86_ld32(cpu, insn, insn->seg, ea);                     \
                                                                             \
        x87_note_mem(cpu, insn, ea);                                         \
        if (likely(!x87_is_empty(&cpu->fpu, 0)))                             \
            finish(cpu, insn,                                                \
                   fp_x87_##name##_f32(&cpu->fpu, x87_tmp(cpu, 0),           \
                                       x87_st(&cpu->fpu, 0), b),             \
                   0, 0, false);                                             \
        else                                                                 \
            underflow_to(cpu, insn, 0, false);                               \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *name##_f64(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t ea = x87_begin_mem(cpu, insn);                              \
        uint64_t b = x86_ld64(cpu, insn, insn->seg, ea);                     \
                                                                             \
        x87_note_mem(cpu, insn, ea);                                         \
        if (likely(!x87_is_empty(&cpu->fpu, 0)))                             \
            finish(cpu, insn,                                                \
                   fp_x87_##name##_f64(&cpu->fpu, x87_tmp(cpu, 0),           \
                                       x87_st(&cpu->fpu, 0), b),             \
                   0, 0, false);                                             \
        else                                                                 \
            underflow_to(cpu, insn, 0, false);                               \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *name##_i16(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t ea = x87_begin_mem(cpu, insn);                              \
        uint16_t b = x86_ld16(cpu, insn, insn->seg, ea);                     \
                                                                             \
        x87_note_mem(cpu, insn, ea);                                         \
        arith_int(cpu, insn, fp_x87_##name, (int16_t)b);                     \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *name##_i32(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t ea = x87_begin_mem(cpu, insn);                              \
        uint32_t b = x86_ld32(cpu, insn, insn->seg, ea);                     \
                                                                             \
        x87_note_mem(cpu, insn, ea);                                         \
        arith_int(cpu, insn, fp_x87_##name, (int32_t)b);                     \
        X86_NEXT(cpu, insn);                                                 \
    }
FP_X87_ARITH(ARITH)
/* clang-format on */

/* Comparisons. */

enum { CC_COMPARE = FP_C0 | FP_C2 | FP_C3 };

static void pop_n(struct x86_fpu *fpu, unsigned n)
{
    for (; n; n--)
        x87_pop(fpu);
}

static no_inline void compare_empty(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, unsigned pops)
{
    bool stopped = x87_signal(cpu, insn, FP_IE | FP_SF);

    cpu->fpu.fsw |= CC_COMPARE;
    if (!stopped)
        pop_n(&cpu->fpu, pops);
}

static always_inline void compare_done(struct x86_cpu *cpu,
                                       const struct x86_insn *insn,
                                       uint32_t flags, unsigned pops)
{
    if (likely(x87_accept(cpu, insn, flags, CC_COMPARE, X87_STOP)))
        pop_n(&cpu->fpu, pops);
}

static always_inline void compare_with(struct x86_cpu *cpu,
                                       const struct x86_insn *insn,
                                       x87_op_compare *op,
                                       const struct x87_reg *b, unsigned pops)
{
    if (unlikely(x87_is_empty(&cpu->fpu, 0)))
        compare_empty(cpu, insn, pops);
    else
        compare_done(cpu, insn, op(&cpu->fpu, x87_st(&cpu->fpu, 0), b), pops);
}

static always_inline void compare_reg(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      x87_op_compare *op, unsigned pops)
{
    unsigned i = insn->rm & 7;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(&cpu->fpu, i)))
        compare_empty(cpu, insn, pops);
    else
        compare_with(cpu, insn, op, x87_st(&cpu->fpu, i), pops);
}

static always_inline void compare_f32(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      unsigned pops)
{
    uint64_t ea = x87_begin_mem(cpu, insn);
    uint32_t b = x86_ld32(cpu, insn, insn->seg, ea);

    x87_note_mem(cpu, insn, ea);
    if (unlikely(x87_is_empty(&cpu->fpu, 0)))
        compare_empty(cpu, insn, pops);
    else
        compare_done(cpu, insn,
                     fp_x87_com_f32(&cpu->fpu, x87_st(&cpu->fpu, 0), b), pops);
}

static always_inline void compare_f64(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      unsigned pops)
{
    uint64_t ea = x87_begin_mem(cpu, insn);
    uint64_t b = x86_ld64(cpu, insn, insn->seg, ea);

    x87_note_mem(cpu, insn, ea);
    if (unlikely(x87_is_empty(&cpu->fpu, 0)))
        compare_empty(cpu, insn, pops);
    else
        compare_done(cpu, insn,
                     fp_x87_com_f64(&cpu->fpu, x87_st(&cpu->fpu, 0), b), pops);
}

static always_inline void compare_int(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, bool word,
                                      unsigned pops)
{
    uint64_t ea = x87_begin_mem(cpu, insn);
    int64_t b = word ? (int16_t)x86_ld16(cpu, insn, insn->seg, ea)
                     : (int32_t)x86_ld32(cpu, insn, insn->seg, ea);

    x87_note_mem(cpu, insn, ea);
    x87_from_int(x87_tmp(cpu, 1), b);
    compare_with(cpu, insn, fp_x87_com, x87_tmp(cpu, 1), pops);
}

/*
 * FCOMI and relatives: the outcome goes to EFLAGS, as on AMD's CPUs also where
 * an unmasked exception stops the pop. C1 changes only in a stack fault.
 */
static always_inline void compare_eflags(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         x87_op_compare *op, unsigned pops)
{
    struct x86_fpu *fpu = &cpu->fpu;
    unsigned i = insn->rm & 7;
    uint32_t flags = CC_COMPARE;
    bool stopped;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, 0) || x87_is_empty(fpu, i))) {
        stopped = x87_signal(cpu, insn, FP_IE | FP_SF);
    } else {
        flags = op(fpu, x87_st(fpu, 0), x87_st(fpu, i)) & ~(uint32_t)FP_C1;
        flags |= fpu->fsw & FP_C1;
        stopped = !x87_accept(cpu, insn, flags, 0, X87_STOP);
    }
    x86_set_arith_flags(cpu, (flags & FP_C3 ? X86_ZF : 0U) |
                                 (flags & FP_C2 ? X86_PF : 0U) |
                                 (flags & FP_C0 ? X86_CF : 0U));
    if (!stopped)
        pop_n(fpu, pops);
}

static const struct x86_insn *ftst(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    static const struct x87_reg zero;

    x87_begin(cpu, insn);
    compare_with(cpu, insn, fp_x87_com, &zero, 0);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fcompp(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    compare_reg(cpu, insn, fp_x87_com, 2);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fucompp(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    compare_reg(cpu, insn, fp_x87_ucom, 2);
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define COMPARE(name, call)                                                  \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        call;                                                                \
        X86_NEXT(cpu, insn);                                                 \
    }
COMPARE(fcom_reg, compare_reg(cpu, insn, fp_x87_com, 0))
COMPARE(fcomp_reg, compare_reg(cpu, insn, fp_x87_com, 1))
COMPARE(fucom_reg, compare_reg(cpu, insn, fp_x87_ucom, 0))
COMPARE(fucomp_reg, compare_reg(cpu, insn, fp_x87_ucom, 1))
COMPARE(fcom_f32, compare_f32(cpu, insn, 0))
COMPARE(fcomp_f32, compare_f32(cpu, insn, 1))
COMPARE(fcom_f64, compare_f64(cpu, insn, 0))
COMPARE(fcomp_f64, compare_f64(cpu, insn, 1))
COMPARE(ficom_i16, compare_int(cpu, insn, true, 0))
COMPARE(ficomp_i16, compare_int(cpu, insn, true, 1))
COMPARE(ficom_i32, compare_int(cpu, insn, false, 0))
COMPARE(ficomp_i32, compare_int(cpu, insn, false, 1))
COMPARE(fcomi, compare_eflags(cpu, insn, fp_x87_com, 0))
COMPARE(fcomip, compare_eflags(cpu, insn, fp_x87_com, 1))
COMPARE(fucomi, compare_eflags(cpu, insn, fp_x87_ucom, 0))
COMPARE(fucomip, compare_eflags(cpu, insn, fp_x87_ucom, 1))
/* clang-format on */

/* Functions of ST(0), and of ST(0) and ST(1). */

static always_inline void unary(struct x86_cpu *cpu,
                                const struct x86_insn *insn, x87_op1 *op,
                                uint32_t cc)
{
    struct x86_fpu *fpu = &cpu->fpu;

    x87_begin(cpu, insn);
    fpu->fsw &= (uint16_t) ~(cc & FP_C2);
    if (unlikely(x87_is_empty(fpu, 0)))
        underflow_to(cpu, insn, 0, false);
    else
        finish(cpu, insn, op(fpu, x87_tmp(cpu, 0), x87_st(fpu, 0)), cc, 0,
               false);
}

static always_inline void binary(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, x87_op2 *op,
                                 unsigned dst, bool pop)
{
    struct x86_fpu *fpu = &cpu->fpu;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, 0) || x87_is_empty(fpu, 1)))
        underflow_to(cpu, insn, dst, pop);
    else
        finish(cpu, insn,
               op(fpu, x87_tmp(cpu, 0), x87_st(fpu, 0), x87_st(fpu, 1)), 0, dst,
               pop);
}

static bool is_nan(const struct x87_reg *r)
{
    return (r->sign_exp & X87_EXP) == X87_EXP && r->mantissa << 1;
}

/* FPREM: quotient bits in C0, C3, C1, unless there is no quotient. */
static always_inline void remainder_of(struct x86_cpu *cpu,
                                       const struct x86_insn *insn, x87_op2 *op)
{
    struct x86_fpu *fpu = &cpu->fpu;
    uint32_t flags, cc = FP_C2;

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, 0) || x87_is_empty(fpu, 1))) {
        fpu->fsw &= (uint16_t)~FP_C2;
        underflow_to(cpu, insn, 0, false);
        return;
    }
    flags = op(fpu, x87_tmp(cpu, 0), x87_st(fpu, 0), x87_st(fpu, 1));
    if (!(flags & FP_IE) && !(flags & ~(uint32_t)fpu->fcw & X87_STOP) &&
        !is_nan(x87_tmp(cpu, 0)))
        cc = CC_COMPARE;
    finish(cpu, insn, flags, cc, 0, false);
}

/* Two results, or one register less or more than there is room for. */
static no_inline void pair_fault(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, uint32_t c1)
{
    struct x86_fpu *fpu = &cpu->fpu;

    if (x87_signal(cpu, insn, FP_IE | FP_SF | c1))
        return;
    x87_put_indefinite(fpu, 0);
    x87_add_top(fpu, 7);
    x87_put_indefinite(fpu, 0);
}

static always_inline void pair(struct x86_cpu *cpu, const struct x86_insn *insn,
                               x87_op_pair *op, uint32_t cc)
{
    struct x86_fpu *fpu = &cpu->fpu;
    uint32_t flags;

    x87_begin(cpu, insn);
    fpu->fsw &= (uint16_t) ~(cc & FP_C2);
    if (unlikely(x87_is_empty(fpu, 0))) {
        pair_fault(cpu, insn, 0);
        return;
    }
    if (unlikely(!x87_is_empty(fpu, 7))) {
        pair_fault(cpu, insn, FP_C1);
        return;
    }
    flags = op(fpu, x87_tmp(cpu, 0), x87_tmp(cpu, 1), x87_st(fpu, 0));
    if (!x87_accept(cpu, insn, flags, cc, X87_STOP))
        return;
    if (cc & flags & FP_C2) /* argument out of range: nothing happens */
        return;
    x87_put(fpu, 0, x87_tmp(cpu, 1));
    x87_add_top(fpu, 7);
    x87_put(fpu, 0, x87_tmp(cpu, 0));
}

/* clang-format off */
#define FUNCTION(name, call)                                                 \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        call;                                                                \
        X86_NEXT(cpu, insn);                                                 \
    }
FUNCTION(fsqrt, unary(cpu, insn, fp_x87_sqrt, 0))
FUNCTION(frndint, unary(cpu, insn, fp_x87_rndint, 0))
FUNCTION(f2xm1, unary(cpu, insn, fp_x87_2xm1, 0))
FUNCTION(fsin, unary(cpu, insn, fp_x87_sin, FP_C2))
FUNCTION(fcos, unary(cpu, insn, fp_x87_cos, FP_C2))
FUNCTION(fscale, binary(cpu, insn, fp_x87_scale, 0, false))
FUNCTION(fprem, remainder_of(cpu, insn, fp_x87_prem))
FUNCTION(fprem1, remainder_of(cpu, insn, fp_x87_prem1))
FUNCTION(fyl2x, binary(cpu, insn, fp_x87_yl2x, 1, true))
FUNCTION(fyl2xp1, binary(cpu, insn, fp_x87_yl2xp1, 1, true))
FUNCTION(fpatan, binary(cpu, insn, fp_x87_patan, 1, true))
FUNCTION(fsincos, pair(cpu, insn, fp_x87_sincos, FP_C2))
FUNCTION(fptan, pair(cpu, insn, fp_x87_ptan, FP_C2))
FUNCTION(fxtract, pair(cpu, insn, fp_x87_xtract, 0))
/* clang-format on */

static always_inline void change_sign(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      uint16_t keep, uint16_t flip)
{
    struct x86_fpu *fpu = &cpu->fpu;
    struct x87_reg *st = x87_st(fpu, 0);

    x87_begin(cpu, insn);
    if (unlikely(x87_is_empty(fpu, 0))) {
        underflow_to(cpu, insn, 0, false);
        return;
    }
    fpu->fsw &= (uint16_t)~FP_C1;
    st->sign_exp = (uint16_t)((st->sign_exp & keep) ^ flip);
}

static const struct x86_insn *fabs_(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    change_sign(cpu, insn, X87_EXP, 0);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fchs(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    change_sign(cpu, insn, 0xffff, X87_SIGN);
    X86_NEXT(cpu, insn);
}

/* The class of ST(0), in C3 C2 C0. */
static uint16_t examine(const struct x86_fpu *fpu, const struct x87_reg *st)
{
    unsigned exp = st->sign_exp & X87_EXP;

    if (x87_is_empty(fpu, 0))
        return FP_C3 | FP_C0;
    if (exp == 0)
        return st->mantissa ? FP_C3 | FP_C2 : FP_C3;
    if (!(st->mantissa & X87_INT_BIT))
        return 0; /* unsupported */
    if (exp == X87_EXP)
        return st->mantissa << 1 ? FP_C0 : FP_C2 | FP_C0;
    return FP_C2;
}

static const struct x86_insn *fxam(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    struct x86_fpu *fpu = &cpu->fpu;
    const struct x87_reg *st = x87_st(fpu, 0);

    x87_begin(cpu, insn);
    fpu->fsw = (uint16_t)((fpu->fsw & ~FP_CC) | examine(fpu, st) |
                          (st->sign_exp & X87_SIGN ? FP_C1 : 0));
    X86_NEXT(cpu, insn);
}

/* By escape (D8..DF), /reg; D9 /4../7 and others have a handler per rm. */
static x86_exec *const memory_forms[8][8] = {
    [0] = {add_f32, mul_f32, fcom_f32, fcomp_f32, sub_f32, subr_f32, div_f32,
           divr_f32},
    [2] = {add_i32, mul_i32, ficom_i32, ficomp_i32, sub_i32, subr_i32, div_i32,
           divr_i32},
    [4] = {add_f64, mul_f64, fcom_f64, fcomp_f64, sub_f64, subr_f64, div_f64,
           divr_f64},
    [6] = {add_i16, mul_i16, ficom_i16, ficomp_i16, sub_i16, subr_i16, div_i16,
           divr_i16},
};

static x86_exec *const register_forms[8][8] = {
    [0] = {add_0i, mul_0i, fcom_reg, fcomp_reg, sub_0i, subr_0i, div_0i,
           divr_0i},
    [2] = {[5] = fucompp},
    [3] = {[5] = fucomi, [6] = fcomi},
    [4] = {add_i0, mul_i0, fcom_reg, fcomp_reg, subr_i0, sub_i0, divr_i0,
           div_i0},
    [5] = {[4] = fucom_reg, [5] = fucomp_reg},
    [6] = {add_i0_pop, mul_i0_pop, fcomp_reg, fcompp, subr_i0_pop, sub_i0_pop,
           divr_i0_pop, div_i0_pop},
    [7] = {[5] = fucomip, [6] = fcomip},
};

static x86_exec *const d9_forms[4][8] = {
    [0] = {fchs, fabs_, NULL, NULL, ftst, fxam},
    [2] = {f2xm1, fyl2x, fptan, fpatan, fxtract, fprem1},
    [3] = {fprem, fyl2xp1, fsqrt, fsincos, frndint, fscale, fsin, fcos},
};

x86_exec *x86_select_x87_arith(const struct x86_insn *insn)
{
    unsigned escape = insn->opcode & 7, reg = insn->reg & 7;

    if (insn->flags & X86_I_MEM)
        return memory_forms[escape][reg];
    if (escape == 1)
        return reg >= 4 ? d9_forms[reg - 4][insn->rm & 7] : NULL;
    return register_forms[escape][reg];
}
