/* SPDX-License-Identifier: MIT */
/*
 * What the vector handlers share: operands, results, exceptions, and the shape
 * of their tables. Legacy SSE leaves the upper part of a register alone, VEX
 * clears it.
 */
#ifndef TARGET_X86_EXEC_SSE_H
#define TARGET_X86_EXEC_SSE_H

#include "target/x86/interp.h"
#include "target/x86/x87.h"

/* The parts of x86_select_sse(). */
x86_exec *x86_select_vec_move(const struct x86_insn *insn);
x86_exec *x86_select_vec_int(const struct x86_insn *insn);
x86_exec *x86_select_vec_shift(const struct x86_insn *insn);
x86_exec *x86_select_vec_shuffle(const struct x86_insn *insn);
x86_exec *x86_select_vec_fp(const struct x86_insn *insn);
x86_exec *x86_select_vec_convert(const struct x86_insn *insn);
x86_exec *x86_select_vec_string(const struct x86_insn *insn);
x86_exec *x86_select_avx(const struct x86_insn *insn);
x86_exec *x86_select_avx_gather(const struct x86_insn *insn);
x86_exec *x86_select_fma(const struct x86_insn *insn);
x86_exec *x86_select_crypto(const struct x86_insn *insn);
x86_exec *x86_select_bmi(const struct x86_insn *insn);
x86_exec *x86_select_xsave(const struct x86_insn *insn);

/*
 * The handlers of a mnemonic. Of a legacy one: [0] MMX, [1] SSE. Of a VEX one:
 * [0] 128 bits, [1] 256.
 */
struct vec_forms {
    x86_exec *exec[2];
};

static inline x86_exec *vec_pick(const struct vec_forms *forms,
                                 const struct x86_insn *insn)
{
    if (insn->flags & X86_I_VEX)
        return forms->exec[insn->flags & X86_I_L ? 1 : 0];
    return forms->exec[x86_insn_row(insn)->attrs & X86_A_MMX ? 0 : 1];
}

/* A 256-bit value. */
struct v256 {
    v128 lo, hi;
};

/* Registers. */
static always_inline v128 vec_get(const struct x86_cpu *cpu, unsigned i)
{
    return v128_load(&cpu->zmm[i]);
}

static always_inline v128 vec_get_hi(const struct x86_cpu *cpu, unsigned i)
{
    return v128_load(&cpu->zmm[i].u64[2]);
}

static always_inline void sse_put(struct x86_cpu *cpu, unsigned i, v128 v)
{
    v128_store(&cpu->zmm[i], v);
}

static always_inline void avx_put256(struct x86_cpu *cpu, unsigned i, v128 lo,
                                     v128 hi)
{
    const v128 zero = {0, 0};

    v128_store(&cpu->zmm[i], lo);
    v128_store(&cpu->zmm[i].u64[2], hi);
    v128_store(&cpu->zmm[i].u64[4], zero);
    v128_store(&cpu->zmm[i].u64[6], zero);
}

static always_inline void avx_put(struct x86_cpu *cpu, unsigned i, v128 v)
{
    const v128 zero = {0, 0};

    avx_put256(cpu, i, v, zero);
}

/* The destination of a 128-bit or scalar result: legacy or VEX. */
static always_inline void vec_put(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, v128 v)
{
    if (insn->flags & X86_I_VEX)
        avx_put(cpu, insn->reg, v);
    else
        sse_put(cpu, insn->reg, v);
}

/* The first source: the destination (legacy) or VEX.vvvv. */
static always_inline unsigned vec_first(const struct x86_insn *insn)
{
    return insn->flags & X86_I_VEX ? insn->vvvv : insn->reg;
}

/* Sixteen bytes of memory at `ea`; `align` 0 or 16. */
static always_inline v128 vec_ld128_at(struct x86_cpu *cpu,
                                       const struct x86_insn *insn, uint64_t ea,
                                       unsigned align)
{
    const uint8_t *p = x86_hit_rd(cpu, insn->seg, ea, 16);

    if (likely(p && !(align && ((uintptr_t)p & (align - 1)))))
        return v128_load(p);
    x86_ld(cpu, insn, insn->seg, ea, &cpu->scratch, 16, align);
    return v128_load(&cpu->scratch);
}

static always_inline v128 vec_ld128(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, unsigned align)
{
    return vec_ld128_at(cpu, insn, x86_ea(cpu, insn), align);
}

static always_inline struct v256 vec_ld256(struct x86_cpu *cpu,
                                           const struct x86_insn *insn,
                                           unsigned align)
{
    uint64_t ea = x86_ea(cpu, insn);
    const uint8_t *p = x86_hit_rd(cpu, insn->seg, ea, 32);

    if (unlikely(!p || (align && ((uintptr_t)p & (align - 1))))) {
        x86_ld(cpu, insn, insn->seg, ea, &cpu->scratch, 32, align);
        p = cpu->scratch.u8;
    }
    return (struct v256){v128_load(p), v128_load(p + 16)};
}

static always_inline uint64_t vec_ld64(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    return x86_ld64(cpu, insn, insn->seg, x86_ea(cpu, insn));
}

static always_inline uint32_t vec_ld32(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    return x86_ld32(cpu, insn, insn->seg, x86_ea(cpu, insn));
}

/* The W operand: 16 bytes, aligned where legacy SSE asks for it. */
static always_inline v128 sse_src(struct x86_cpu *cpu,
                                  const struct x86_insn *insn)
{
    return insn->flags & X86_I_MEM ? vec_ld128(cpu, insn, 16)
                                   : vec_get(cpu, insn->rm);
}

static always_inline v128 avx_src(struct x86_cpu *cpu,
                                  const struct x86_insn *insn)
{
    return insn->flags & X86_I_MEM ? vec_ld128(cpu, insn, 0)
                                   : vec_get(cpu, insn->rm);
}

static always_inline v128 vec_src(struct x86_cpu *cpu,
                                  const struct x86_insn *insn)
{
    return insn->flags & X86_I_VEX ? avx_src(cpu, insn) : sse_src(cpu, insn);
}

static always_inline struct v256 avx_src256(struct x86_cpu *cpu,
                                            const struct x86_insn *insn)
{
    if (insn->flags & X86_I_MEM)
        return vec_ld256(cpu, insn, 0);
    return (struct v256){vec_get(cpu, insn->rm), vec_get_hi(cpu, insn->rm)};
}

/* Its low 8 and 4 bytes, zero-extended: memory operands of those sizes. */
static always_inline v128 vec_src64(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    return v128_low(insn->flags & X86_I_MEM ? vec_ld64(cpu, insn)
                                            : cpu->zmm[insn->rm].u64[0]);
}

static always_inline v128 vec_src32(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    return v128_low(insn->flags & X86_I_MEM ? vec_ld32(cpu, insn)
                                            : cpu->zmm[insn->rm].u32[0]);
}

/* A register operand of 4 or 8 bytes with zero extension. */
static always_inline void gpr_put(struct x86_cpu *cpu, unsigned i,
                                  uint64_t value, bool wide)
{
    cpu->gpr[i] = wide ? value : (uint32_t)value;
}

/*
 * MMX. Every MMX instruction but EMMS makes the x87 stack full with TOP 0; a
 * register written has an exponent of ones.
 */
static always_inline uint64_t mmx_get(const struct x86_cpu *cpu, unsigned i)
{
    return cpu->fpu.reg[i & 7].mantissa;
}

static always_inline void mmx_enter(struct x86_cpu *cpu)
{
    cpu->fpu.fsw &= (uint16_t)~X87_TOP;
    cpu->fpu.empty = 0;
}

static always_inline void mmx_put(struct x86_cpu *cpu, unsigned i, uint64_t v)
{
    cpu->fpu.reg[i & 7].mantissa = v;
    cpu->fpu.reg[i & 7].sign_exp = 0xffff;
}

static always_inline uint64_t mmx_src(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    return insn->flags & X86_I_MEM ? vec_ld64(cpu, insn)
                                   : mmx_get(cpu, insn->rm);
}

/* What the lanes of a floating-point result are, for tiny ones. */
enum fp_lanes { FP_NO_LANES, FP_PS, FP_PD, FP_SS, FP_SD, FP_PH };

/* The slow part of sse_fp_accept(). */
void sse_fp_flags(struct x86_cpu *cpu, const struct x86_insn *insn,
                  uint32_t raised, v128 lo, v128 hi, enum fp_lanes lanes);

/*
 * After an operation of fp.h, before its result is written: sets the flags in
 * MXCSR and raises #XM (or #UD) for an unmasked exception.
 */
static always_inline void sse_fp_accept256(struct x86_cpu *cpu,
                                           const struct x86_insn *insn,
                                           uint32_t raised, v128 lo, v128 hi,
                                           enum fp_lanes lanes)
{
    uint32_t clear = ~cpu->fpu.mxcsr;

    if (unlikely((raised & clear) | (clear & FP_MXCSR_MASKS)))
        sse_fp_flags(cpu, insn, raised, lo, hi, lanes);
}

static always_inline void sse_fp_accept(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        uint32_t raised, v128 result,
                                        enum fp_lanes lanes)
{
    const v128 none = {0, 0};

    sse_fp_accept256(cpu, insn, raised, result, none, lanes);
}

#endif
