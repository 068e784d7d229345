/* SPDX-License-Identifier: MIT */
/*
 * FMA3: a product and a sum with one rounding. The digits of a mnemonic say
 * which operands are multiplied (the first two digits) and added (the third).
 * [SDM] vol. 1 ch. 14.5, vol. 2.
 */
#include "target/x86/exec_sse.h"

typedef v128 fma_fn(struct x86_fpu *fpu, v128 a, v128 b, v128 c);

/* Even lanes of `even`, odd lanes of `odd`; zeros stand in for the others. */
static always_inline v128 alternate(struct x86_fpu *fpu, v128 a, v128 b, v128 c,
                                    v128 mask, fma_fn *even, fma_fn *odd)
{
    v128 lo = even(fpu, a & mask, b & mask, c & mask), hi;
    uint32_t raised = fpu->raised;

    hi = odd(fpu, a & ~mask, b & ~mask, c & ~mask);
    fpu->raised |= raised;
    return v128_blend(mask, lo, hi);
}

/* clang-format off */
#define EVEN_PS ((v128){ UINT32_MAX, UINT32_MAX })
#define EVEN_PD ((v128){ UINT64_MAX, 0 })
#define ALTERNATE(name, mask, even, odd)                                     \
    static v128 name(struct x86_fpu *fpu, v128 a, v128 b, v128 c)            \
    {                                                                        \
        return alternate(fpu, a, b, c, mask, even, odd);                     \
    }
ALTERNATE(fp_fmaddsub_ps, EVEN_PS, fp_fmsub_ps, fp_fmadd_ps)
ALTERNATE(fp_fmaddsub_pd, EVEN_PD, fp_fmsub_pd, fp_fmadd_pd)
ALTERNATE(fp_fmsubadd_ps, EVEN_PS, fp_fmadd_ps, fp_fmsub_ps)
ALTERNATE(fp_fmsubadd_pd, EVEN_PD, fp_fmadd_pd, fp_fmsub_pd)
/* clang-format on */

/* Operands 1, 2, 3 of the instruction in the roles that `order` names. */
static always_inline v128 ordered(struct x86_fpu *fpu, fma_fn *op,
                                  unsigned order, v128 x, v128 y, v128 z)
{
    if (order == 132)
        return op(fpu, z, x, y);
    if (order == 213)
        return op(fpu, x, y, z);
    return op(fpu, z, y, x);
}

static always_inline void packed(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, fma_fn *op,
                                 unsigned order, enum fp_lanes lanes)
{
    struct x86_fpu *fpu = &cpu->fpu;

    if (insn->flags & X86_I_L) {
        struct v256 z = avx_src256(cpu, insn);
        v128 lo = ordered(fpu, op, order, vec_get(cpu, insn->reg),
                          vec_get(cpu, insn->vvvv), z.lo);
        uint32_t raised = fpu->raised;
        v128 hi = ordered(fpu, op, order, vec_get_hi(cpu, insn->reg),
                          vec_get_hi(cpu, insn->vvvv), z.hi);

        raised |= fpu->raised;
        sse_fp_accept256(cpu, insn, raised, lo, hi, lanes);
        avx_put256(cpu, insn->reg, lo, hi);
    } else {
        v128 z = avx_src(cpu, insn);
        v128 r = ordered(fpu, op, order, vec_get(cpu, insn->reg),
                         vec_get(cpu, insn->vvvv), z);

        sse_fp_accept(cpu, insn, fpu->raised, r, lanes);
        avx_put(cpu, insn->reg, r);
    }
}

static always_inline void scalar(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, fma_fn *op,
                                 unsigned order, enum fp_lanes lanes)
{
    const v128 mask = {lanes == FP_SS ? UINT32_MAX : UINT64_MAX, 0};
    v128 z = lanes == FP_SS ? vec_src32(cpu, insn) : vec_src64(cpu, insn);
    v128 x = vec_get(cpu, insn->reg);
    v128 r = ordered(&cpu->fpu, op, order, x, vec_get(cpu, insn->vvvv), z);

    sse_fp_accept(cpu, insn, cpu->fpu.raised, r, lanes);
    avx_put(cpu, insn->reg, v128_blend(mask, r, x));
}

/* clang-format off */
#define ORDERS(X, shape, N, name, lanes, suffix)                             \
    X(shape, N, name, 132, lanes, suffix)                                    \
    X(shape, N, name, 213, lanes, suffix)                                    \
    X(shape, N, name, 231, lanes, suffix)
#define ALL(X)                                                              \
    ORDERS(X, packed, FMADD, fmadd, PS, ps)                                  \
    ORDERS(X, packed, FMADD, fmadd, PD, pd)                                  \
    ORDERS(X, scalar, FMADD, fmadd, SS, ss)                                  \
    ORDERS(X, scalar, FMADD, fmadd, SD, sd)                                  \
    ORDERS(X, packed, FMSUB, fmsub, PS, ps)                                  \
    ORDERS(X, packed, FMSUB, fmsub, PD, pd)                                  \
    ORDERS(X, scalar, FMSUB, fmsub, SS, ss)                                  \
    ORDERS(X, scalar, FMSUB, fmsub, SD, sd)                                  \
    ORDERS(X, packed, FNMADD, fnmadd, PS, ps)                                \
    ORDERS(X, packed, FNMADD, fnmadd, PD, pd)                                \
    ORDERS(X, scalar, FNMADD, fnmadd, SS, ss)                                \
    ORDERS(X, scalar, FNMADD, fnmadd, SD, sd)                                \
    ORDERS(X, packed, FNMSUB, fnmsub, PS, ps)                                \
    ORDERS(X, packed, FNMSUB, fnmsub, PD, pd)                                \
    ORDERS(X, scalar, FNMSUB, fnmsub, SS, ss)                                \
    ORDERS(X, scalar, FNMSUB, fnmsub, SD, sd)                                \
    ORDERS(X, packed, FMADDSUB, fmaddsub, PS, ps)                            \
    ORDERS(X, packed, FMADDSUB, fmaddsub, PD, pd)                            \
    ORDERS(X, packed, FMSUBADD, fmsubadd, PS, ps)                            \
    ORDERS(X, packed, FMSUBADD, fmsubadd, PD, pd)

#define DEFINE(shape, N, name, order, lanes, suffix)                         \
    X86_HANDLER(name##order##lanes,                                              \
            shape(cpu, insn, fp_##name##_##suffix, order, FP_##lanes))
ALL(DEFINE)

#define CASE(shape, N, name, order, lanes, suffix)                           \
    case X86_V##N##order##lanes: return name##order##lanes;
x86_exec *x86_select_fma(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    ALL(CASE)
    default: return NULL;
    }
}
/* clang-format on */
