/* SPDX-License-Identifier: MIT */
/*
 * Vector shifts: by one count for all lanes, from a register, memory or an
 * immediate; by a count a lane; and of whole registers by bytes. [SDM] vol. 2.
 */
#include "target/x86/exec_sse.h"

/* clang-format off */

/* A count beyond the lane clears it, or leaves copies of the sign. */
#define SHIFT(name, T, bits, expr)                                           \
    static always_inline v128 shift_##name(v128 v, uint64_t n)               \
    {                                                                        \
        T a = (T)v;                                                          \
                                                                             \
        if (unlikely(n >= (bits)))                                           \
            return (v128){ 0, 0 };                                           \
        return (v128)(expr);                                                 \
    }
#define SHIFT_SIGN(name, T, bits)                                            \
    static always_inline v128 shift_##name(v128 v, uint64_t n)               \
    {                                                                        \
        return (v128)((T)v >> (int)(n < (bits) ? n : (bits) - 1));           \
    }

SHIFT(psllw, v8u16, 16, a << (unsigned)n)
SHIFT(pslld, v4u32, 32, a << (unsigned)n)
SHIFT(psllq, v2u64, 64, a << n)
SHIFT(psrlw, v8u16, 16, a >> (unsigned)n)
SHIFT(psrld, v4u32, 32, a >> (unsigned)n)
SHIFT(psrlq, v2u64, 64, a >> n)
SHIFT_SIGN(psraw, v8i16, 16)
SHIFT_SIGN(psrad, v4i32, 32)

/* The immediate forms write VEX.vvvv or, legacy, ModRM.rm itself. */
#define BY_COUNT(N, name)                                                    \
    static const struct x86_insn *mmx_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t n;                                                          \
                                                                             \
        x87_wait(cpu, insn);                                                 \
        n = mmx_src(cpu, insn);                                              \
        mmx_enter(cpu);                                                      \
        mmx_put(cpu, insn->reg,                                              \
                shift_##name(v128_low(mmx_get(cpu, insn->reg)), n)[0]);      \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *mmx_imm_##name(struct x86_cpu *cpu,        \
                                                 const struct x86_insn *insn) \
    {                                                                        \
        x87_wait(cpu, insn);                                                 \
        mmx_enter(cpu);                                                      \
        mmx_put(cpu, insn->rm,                                               \
                shift_##name(v128_low(mmx_get(cpu, insn->rm)),               \
                             (uint8_t)insn->imm)[0]);                        \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *sse_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t n = sse_src(cpu, insn)[0];                                  \
                                                                             \
        sse_put(cpu, insn->reg, shift_##name(vec_get(cpu, insn->reg), n));   \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *sse_imm_##name(struct x86_cpu *cpu,        \
                                                 const struct x86_insn *insn) \
    {                                                                        \
        sse_put(cpu, insn->rm,                                               \
                shift_##name(vec_get(cpu, insn->rm), (uint8_t)insn->imm));   \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t n = avx_src(cpu, insn)[0];                                  \
                                                                             \
        avx_put(cpu, insn->reg, shift_##name(vec_get(cpu, insn->vvvv), n));  \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx_imm_##name(struct x86_cpu *cpu,        \
                                                 const struct x86_insn *insn) \
    {                                                                        \
        avx_put(cpu, insn->vvvv,                                             \
                shift_##name(vec_get(cpu, insn->rm), (uint8_t)insn->imm));   \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_##name(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        uint64_t n = avx_src(cpu, insn)[0];                                  \
                                                                             \
        avx_put256(cpu, insn->reg,                                           \
                   shift_##name(vec_get(cpu, insn->vvvv), n),                \
                   shift_##name(vec_get_hi(cpu, insn->vvvv), n));            \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_imm_##name(                         \
        struct x86_cpu *cpu, const struct x86_insn *insn)                    \
    {                                                                        \
        uint8_t n = (uint8_t)insn->imm;                                      \
                                                                             \
        avx_put256(cpu, insn->vvvv,                                          \
                   shift_##name(vec_get(cpu, insn->rm), n),                  \
                   shift_##name(vec_get_hi(cpu, insn->rm), n));              \
        X86_NEXT(cpu, insn);                                                 \
    }

#define SHIFTS(X)                                                            \
    X(PSLLW, psllw) X(PSLLD, pslld) X(PSLLQ, psllq)                          \
    X(PSRLW, psrlw) X(PSRLD, psrld) X(PSRLQ, psrlq)                          \
    X(PSRAW, psraw) X(PSRAD, psrad)
SHIFTS(BY_COUNT)

/* Whole registers, by bytes; each half of a YMM register by itself. */
static always_inline v128 bytes_left(v128 v, unsigned n)
{
    unsigned bits = 8 * (n & 7);

    if (n >= 16)
        return (v128){ 0, 0 };
    if (n >= 8)
        v = (v128){ 0, v[0] };
    return bits ? (v128){ v[0] << bits, v[1] << bits | v[0] >> (64 - bits) }
                : v;
}

static always_inline v128 bytes_right(v128 v, unsigned n)
{
    unsigned bits = 8 * (n & 7);

    if (n >= 16)
        return (v128){ 0, 0 };
    if (n >= 8)
        v = (v128){ v[1], 0 };
    return bits ? (v128){ v[0] >> bits | v[1] << (64 - bits), v[1] >> bits }
                : v;
}

#define BY_BYTES(name)                                                       \
    static const struct x86_insn *sse_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        sse_put(cpu, insn->rm,                                               \
                name(vec_get(cpu, insn->rm), (uint8_t)insn->imm));           \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        avx_put(cpu, insn->vvvv,                                             \
                name(vec_get(cpu, insn->rm), (uint8_t)insn->imm));           \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_##name(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        avx_put256(cpu, insn->vvvv,                                          \
                   name(vec_get(cpu, insn->rm), (uint8_t)insn->imm),         \
                   name(vec_get_hi(cpu, insn->rm), (uint8_t)insn->imm));     \
        X86_NEXT(cpu, insn);                                                 \
    }
BY_BYTES(bytes_left)
BY_BYTES(bytes_right)

/* A count a lane: VPSLLVD and its like. */
#define PER_LANE(name, T, n, beyond, expr)                                   \
    static always_inline v128 each_##name(v128 va, v128 vb)                  \
    {                                                                        \
        T a = (T)va, b = (T)vb, r = {0};                                           \
                                                                             \
        for (unsigned i = 0; i < (n); i++)                                   \
            r[i] = (uint64_t)b[i] < 128 / (n) ? (expr) : (beyond);           \
        return (v128)r;                                                      \
    }                                                                        \
    static const struct x86_insn *avx_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        v128 b = avx_src(cpu, insn);                                         \
                                                                             \
        avx_put(cpu, insn->reg, each_##name(vec_get(cpu, insn->vvvv), b));   \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_##name(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        struct v256 b = avx_src256(cpu, insn);                               \
                                                                             \
        avx_put256(cpu, insn->reg,                                           \
                   each_##name(vec_get(cpu, insn->vvvv), b.lo),              \
                   each_##name(vec_get_hi(cpu, insn->vvvv), b.hi));          \
        X86_NEXT(cpu, insn);                                                 \
    }
PER_LANE(vpsllvd, v4u32, 4, 0, a[i] << b[i])
PER_LANE(vpsllvq, v2u64, 2, 0, a[i] << b[i])
PER_LANE(vpsrlvd, v4u32, 4, 0, a[i] >> b[i])
PER_LANE(vpsrlvq, v2u64, 2, 0, a[i] >> b[i])
PER_LANE(vpsravd, v4u32, 4, (uint32_t)((int32_t)a[i] >> 31),
         (uint32_t)((int32_t)a[i] >> b[i]))

#define ROW(N, name)                                                         \
    [X86_##N] = { { mmx_##name, sse_##name } },                              \
    [X86_V##N] = { { avx_##name, avx256_##name } },
#define ROW_IMM(N, name)                                                     \
    [X86_##N] = { { mmx_imm_##name, sse_imm_##name } },                      \
    [X86_V##N] = { { avx_imm_##name, avx256_imm_##name } },
static const struct vec_forms forms[X86_MNEMONICS] = {
    SHIFTS(ROW)
    [X86_PSLLDQ] = { { NULL, sse_bytes_left } },
    [X86_VPSLLDQ] = { { avx_bytes_left, avx256_bytes_left } },
    [X86_PSRLDQ] = { { NULL, sse_bytes_right } },
    [X86_VPSRLDQ] = { { avx_bytes_right, avx256_bytes_right } },
    [X86_VPSLLVD] = { { avx_vpsllvd, avx256_vpsllvd } },
    [X86_VPSLLVQ] = { { avx_vpsllvq, avx256_vpsllvq } },
    [X86_VPSRLVD] = { { avx_vpsrlvd, avx256_vpsrlvd } },
    [X86_VPSRLVQ] = { { avx_vpsrlvq, avx256_vpsrlvq } },
    [X86_VPSRAVD] = { { avx_vpsravd, avx256_vpsravd } },
};
static const struct vec_forms forms_imm[X86_MNEMONICS] = { SHIFTS(ROW_IMM) };
/* clang-format on */

x86_exec *x86_select_vec_shift(const struct x86_insn *insn)
{
    unsigned mnemonic = x86_insn_row(insn)->mnemonic;
    x86_exec *exec = NULL;

    if (insn->opcode >= 0x71 && insn->opcode <= 0x73)
        exec = vec_pick(&forms_imm[mnemonic], insn);
    return exec ? exec : vec_pick(&forms[mnemonic], insn);
}
