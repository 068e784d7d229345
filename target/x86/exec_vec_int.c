/* SPDX-License-Identifier: MIT */
/*
 * Integer and logical vector operations with two sources: one lane function
 * each, applied to 64 (MMX), 128 (SSE, VEX.128) and 256 bits. [SDM] vol. 2.
 */
#include "target/x86/exec_sse.h"

/* clang-format off */

/* A function of two vectors `a` and `b` seen as lanes of type T. */
#define LANES(name, T, expr)                                                 \
    static always_inline v128 op_##name(v128 va, v128 vb)                    \
    {                                                                        \
        T a = (T)va, b = (T)vb;                                              \
                                                                             \
        (void)a;                                                             \
        return (v128)(expr);                                                 \
    }

/* The same with a body that computes `r`. */
#define LANES_BODY(name, T, R, body)                                         \
    static always_inline v128 op_##name(v128 va, v128 vb)                    \
    {                                                                        \
        T a = (T)va, b = (T)vb;                                              \
        R r = {0};                                                           \
                                                                             \
        body;                                                                \
        return (v128)r;                                                      \
    }

LANES(paddb, v16u8, a + b)
LANES(paddw, v8u16, a + b)
LANES(paddd, v4u32, a + b)
LANES(paddq, v2u64, a + b)
LANES(psubb, v16u8, a - b)
LANES(psubw, v8u16, a - b)
LANES(psubd, v4u32, a - b)
LANES(psubq, v2u64, a - b)
LANES(pand, v2u64, a & b)
LANES(pandn, v2u64, ~a & b)
LANES(por, v2u64, a | b)
LANES(pxor, v2u64, a ^ b)
LANES(pcmpeqb, v16u8, a == b)
LANES(pcmpeqw, v8u16, a == b)
LANES(pcmpeqd, v4u32, a == b)
LANES(pcmpeqq, v2u64, a == b)
LANES(pcmpgtb, v16i8, a > b)
LANES(pcmpgtw, v8i16, a > b)
LANES(pcmpgtd, v4i32, a > b)
LANES(pcmpgtq, v2i64, a > b)

#define PICK(T, mask, x, y) (((T)(mask) & (x)) | (~(T)(mask) & (y)))
LANES(pminub, v16u8, PICK(v16u8, a < b, a, b))
LANES(pminuw, v8u16, PICK(v8u16, a < b, a, b))
LANES(pminud, v4u32, PICK(v4u32, a < b, a, b))
LANES(pminsb, v16i8, PICK(v16i8, a < b, a, b))
LANES(pminsw, v8i16, PICK(v8i16, a < b, a, b))
LANES(pminsd, v4i32, PICK(v4i32, a < b, a, b))
LANES(pmaxub, v16u8, PICK(v16u8, a > b, a, b))
LANES(pmaxuw, v8u16, PICK(v8u16, a > b, a, b))
LANES(pmaxud, v4u32, PICK(v4u32, a > b, a, b))
LANES(pmaxsb, v16i8, PICK(v16i8, a > b, a, b))
LANES(pmaxsw, v8i16, PICK(v8i16, a > b, a, b))
LANES(pmaxsd, v4i32, PICK(v4i32, a > b, a, b))
LANES(pavgb, v16u8, (a | b) - ((a ^ b) >> 1))
LANES(pavgw, v8u16, (a | b) - ((a ^ b) >> 1))

/* Saturating: a wrapped result is seen in the operands' and its own signs. */
LANES_BODY(paddusb, v16u8, v16u8, r = a + b; r |= (v16u8)(r < a))
LANES_BODY(paddusw, v8u16, v8u16, r = a + b; r |= (v8u16)(r < a))
LANES_BODY(psubusb, v16u8, v16u8, r = a - b; r &= (v16u8)(r <= a))
LANES_BODY(psubusw, v8u16, v8u16, r = a - b; r &= (v8u16)(r <= a))
LANES_BODY(paddsb, v16i8, v16i8, r = a + b;
           r = PICK(v16i8, ((a ^ r) & (b ^ r)) < 0, (a >> 7) ^ 0x7f, r))
LANES_BODY(paddsw, v8i16, v8i16, r = a + b;
           r = PICK(v8i16, ((a ^ r) & (b ^ r)) < 0, (a >> 15) ^ 0x7fff, r))
LANES_BODY(psubsb, v16i8, v16i8, r = a - b;
           r = PICK(v16i8, ((a ^ b) & (a ^ r)) < 0, (a >> 7) ^ 0x7f, r))
LANES_BODY(psubsw, v8i16, v8i16, r = a - b;
           r = PICK(v8i16, ((a ^ b) & (a ^ r)) < 0, (a >> 15) ^ 0x7fff, r))

/* Multiplications. */
LANES(pmullw, v8u16, a * b)
LANES(pmulld, v4u32, a * b)
LANES(pmuludq, v2u64, (a & 0xffffffff) * (b & 0xffffffff))
LANES(pmuldq, v2i64, ((a << 32) >> 32) * ((b << 32) >> 32))
LANES(pmaddwd, v4i32,
      ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16))
LANES_BODY(pmulhw, v8i16, v8i16,
           for (unsigned i = 0; i < 8; i++) r[i] = (int16_t)(a[i] * b[i] >> 16))
LANES_BODY(pmulhuw, v8u16, v8u16,
           for (unsigned i = 0; i < 8; i++)
               r[i] = (uint16_t)((uint32_t)a[i] * b[i] >> 16))
LANES_BODY(pmulhrsw, v8i16, v8i16,
           for (unsigned i = 0; i < 8; i++)
               r[i] = (int16_t)(((a[i] * b[i] >> 14) + 1) >> 1))

static always_inline v128 op_pmaddubsw(v128 va, v128 vb)
{
    v8u16 a = (v8u16)va;
    v8i16 b = (v8i16)vb;
    v8i16 even = (v8i16)(a & 0xff) * ((b << 8) >> 8);
    v8i16 odd = (v8i16)(a >> 8) * (b >> 8);

    return op_paddsw((v128)even, (v128)odd);
}

LANES_BODY(psadbw, v16u8, v2u64, for (unsigned i = 0; i < 16; i++)
               r[i / 8] += a[i] < b[i] ? (unsigned)(b[i] - a[i])
                                       : (unsigned)(a[i] - b[i]))

/* The sign of `b` applied to `a`: negated, zero, or as it is. */
LANES(psignb, v16i8, ((a ^ (b < 0)) - (b < 0)) & ~(b == 0))
LANES(psignw, v8i16, ((a ^ (b < 0)) - (b < 0)) & ~(b == 0))
LANES(psignd, v4i32, ((a ^ (b < 0)) - (b < 0)) & ~(b == 0))

/* Of one source. */
LANES(pabsb, v16i8, (b ^ (b < 0)) - (b < 0))
LANES(pabsw, v8i16, (b ^ (b < 0)) - (b < 0))
LANES(pabsd, v4i32, (b ^ (b < 0)) - (b < 0))

/* Neighbours: pairs of `a`, then pairs of `b`. */
#define EVEN8 0, 2, 4, 6, 8, 10, 12, 14
#define ODD8 1, 3, 5, 7, 9, 11, 13, 15
#define SHUFFLE(...) __builtin_shufflevector(__VA_ARGS__)
#define HORIZONTAL(name, op)                                                 \
    static always_inline v128 op_##name##w(v128 a, v128 b)                   \
    {                                                                        \
        return op##w((v128)SHUFFLE((v8u16)a, (v8u16)b, EVEN8),               \
                     (v128)SHUFFLE((v8u16)a, (v8u16)b, ODD8));               \
    }                                                                        \
    static always_inline v128 op_##name##d(v128 a, v128 b)                   \
    {                                                                        \
        return op##d((v128)SHUFFLE((v4u32)a, (v4u32)b, 0, 2, 4, 6),          \
                     (v128)SHUFFLE((v4u32)a, (v4u32)b, 1, 3, 5, 7));         \
    }
HORIZONTAL(phadd, op_padd)
HORIZONTAL(phsub, op_psub)

static always_inline v128 op_phaddsw(v128 a, v128 b)
{
    return op_paddsw((v128)SHUFFLE((v8u16)a, (v8u16)b, EVEN8),
                     (v128)SHUFFLE((v8u16)a, (v8u16)b, ODD8));
}

static always_inline v128 op_phsubsw(v128 a, v128 b)
{
    return op_psubsw((v128)SHUFFLE((v8u16)a, (v8u16)b, EVEN8),
                     (v128)SHUFFLE((v8u16)a, (v8u16)b, ODD8));
}

/* Packing with saturation. */
static always_inline int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

#define PACK(name, T, R, n, lo, hi)                                          \
    LANES_BODY(name, T, R,                                                   \
        for (unsigned i = 0; i < (n); i++) {                                 \
            r[i] = (__typeof__(r[0]))clamp(a[i], lo, hi);                    \
            r[i + (n)] = (__typeof__(r[0]))clamp(b[i], lo, hi);              \
        })
PACK(packsswb, v8i16, v16i8, 8, -128, 127)
PACK(packuswb, v8i16, v16u8, 8, 0, 255)
PACK(packssdw, v4i32, v8i16, 4, -32768, 32767)
PACK(packusdw, v4i32, v8u16, 4, 0, 65535)

/* Interleaving. */
LANES(punpcklbw, v16u8, SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                6, 22, 7, 23))
LANES(punpckhbw, v16u8, SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                29, 14, 30, 15, 31))
LANES(punpcklwd, v8u16, SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11))
LANES(punpckhwd, v8u16, SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15))
LANES(punpckldq, v4u32, SHUFFLE(a, b, 0, 4, 1, 5))
LANES(punpckhdq, v4u32, SHUFFLE(a, b, 2, 6, 3, 7))
LANES(punpcklqdq, v2u64, SHUFFLE(a, b, 0, 2))
LANES(punpckhqdq, v2u64, SHUFFLE(a, b, 1, 3))

static always_inline v128 op_pshufb(v128 a, v128 b)
{
    uint8_t from[32] = { 0 }; /* the upper half: where bit 7 leads to */
    uint64_t r[2] = { 0, 0 };

    v128_store(from, a);
    b = (b & UINT64_C(0x0f0f0f0f0f0f0f0f)) |
        (b >> 3 & UINT64_C(0x1010101010101010));
    for (unsigned i = 0; i < 16; i++)
        r[i / 8] |= (uint64_t)from[b[i / 8] >> 8 * (i & 7) & 31] << 8 * (i & 7);
    return (v128){ r[0], r[1] };
}

/*
 * The MMX form of an operation, from its 128-bit function: lane by lane; or
 * where operands follow one another in the result, on `a` and `b` side by side;
 * or the upper half of the interleaving of the lower halves.
 */
#define MMX_LANES(op) op(v128_low(a), v128_low(b))[0]
#define MMX_JOINED(op) op((v128){ a, b }, (v128){ a, b })[0]
#define MMX_UPPER(op) op(v128_low(a), v128_low(b))[1]

#define MMX_FORM(name, result) MMX_FORM_FROM(name, mmx_src, result)
#define MMX_FORM_FROM(name, source, result)                                  \
    static const struct x86_insn *mmx_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        uint64_t a, b;                                                       \
                                                                             \
        x87_wait(cpu, insn);                                                 \
        b = source(cpu, insn);                                               \
        a = mmx_get(cpu, insn->reg);                                         \
        (void)a;                                                             \
        mmx_enter(cpu);                                                      \
        mmx_put(cpu, insn->reg, result);                                     \
        X86_NEXT(cpu, insn);                                                 \
    }

static always_inline uint64_t mmx_src32(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    return insn->flags & X86_I_MEM ? vec_ld32(cpu, insn)
                                   : mmx_get(cpu, insn->rm);
}

#define WIDE_FORMS(name)                                                     \
    static const struct x86_insn *sse_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        v128 b = sse_src(cpu, insn);                                         \
                                                                             \
        sse_put(cpu, insn->reg, op_##name(vec_get(cpu, insn->reg), b));      \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        v128 b = avx_src(cpu, insn);                                         \
                                                                             \
        avx_put(cpu, insn->reg, op_##name(vec_get(cpu, insn->vvvv), b));     \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_##name(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        struct v256 b = avx_src256(cpu, insn);                               \
                                                                             \
        avx_put256(cpu, insn->reg,                                           \
                   op_##name(vec_get(cpu, insn->vvvv), b.lo),                \
                   op_##name(vec_get_hi(cpu, insn->vvvv), b.hi));            \
        X86_NEXT(cpu, insn);                                                 \
    }

/* MNEMONIC, name: with an MMX form that is lane by lane, joined, or none. */
#define LANE_OPS(X)                                                          \
    X(PADDB, paddb) X(PADDW, paddw) X(PADDD, paddd) X(PADDQ, paddq)          \
    X(PSUBB, psubb) X(PSUBW, psubw) X(PSUBD, psubd) X(PSUBQ, psubq)          \
    X(PAND, pand) X(PANDN, pandn) X(POR, por) X(PXOR, pxor)                  \
    X(PCMPEQB, pcmpeqb) X(PCMPEQW, pcmpeqw) X(PCMPEQD, pcmpeqd)              \
    X(PCMPGTB, pcmpgtb) X(PCMPGTW, pcmpgtw) X(PCMPGTD, pcmpgtd)              \
    X(PMINUB, pminub) X(PMINSW, pminsw) X(PMAXUB, pmaxub) X(PMAXSW, pmaxsw)  \
    X(PAVGB, pavgb) X(PAVGW, pavgw)                                          \
    X(PADDUSB, paddusb) X(PADDUSW, paddusw) X(PSUBUSB, psubusb)              \
    X(PSUBUSW, psubusw) X(PADDSB, paddsb) X(PADDSW, paddsw)                  \
    X(PSUBSB, psubsb) X(PSUBSW, psubsw)                                      \
    X(PMULLW, pmullw) X(PMULHW, pmulhw) X(PMULHUW, pmulhuw)                  \
    X(PMULUDQ, pmuludq) X(PMADDWD, pmaddwd) X(PSADBW, psadbw)                \
    X(PMULHRSW, pmulhrsw) X(PMADDUBSW, pmaddubsw)                            \
    X(PSIGNB, psignb) X(PSIGNW, psignw) X(PSIGND, psignd)                    \
    X(PABSB, pabsb) X(PABSW, pabsw) X(PABSD, pabsd)
/* Whose MMX form reads but 32 bits of memory. */
#define LOWER_OPS(X)                                                         \
    X(PUNPCKLBW, punpcklbw) X(PUNPCKLWD, punpcklwd) X(PUNPCKLDQ, punpckldq)
#define JOINED_OPS(X)                                                        \
    X(PHADDW, phaddw) X(PHADDD, phaddd) X(PHADDSW, phaddsw)                  \
    X(PHSUBW, phsubw) X(PHSUBD, phsubd) X(PHSUBSW, phsubsw)                  \
    X(PACKSSWB, packsswb) X(PACKUSWB, packuswb) X(PACKSSDW, packssdw)
#define UPPER_OPS(X)                                                         \
    X(PUNPCKHBW, punpckhbw) X(PUNPCKHWD, punpckhwd) X(PUNPCKHDQ, punpckhdq)
#define WIDE_OPS(X)                                                          \
    X(PCMPEQQ, pcmpeqq) X(PCMPGTQ, pcmpgtq)                                  \
    X(PMINUW, pminuw) X(PMINUD, pminud) X(PMINSB, pminsb) X(PMINSD, pminsd)  \
    X(PMAXUW, pmaxuw) X(PMAXUD, pmaxud) X(PMAXSB, pmaxsb) X(PMAXSD, pmaxsd)  \
    X(PMULLD, pmulld) X(PMULDQ, pmuldq) X(PACKUSDW, packusdw)                \
    X(PUNPCKLQDQ, punpcklqdq) X(PUNPCKHQDQ, punpckhqdq)
/* The same bits under other names. */
#define ALIASES(X)                                                           \
    X(ANDPS, pand) X(ANDPD, pand) X(ANDNPS, pandn) X(ANDNPD, pandn)          \
    X(ORPS, por) X(ORPD, por) X(XORPS, pxor) X(XORPD, pxor)                  \
    X(UNPCKLPS, punpckldq) X(UNPCKHPS, punpckhdq)                            \
    X(UNPCKLPD, punpcklqdq) X(UNPCKHPD, punpckhqdq)

#define LANE_FORMS(N, name) MMX_FORM(name, MMX_LANES(op_##name)) WIDE_FORMS(name)
#define JOINED_FORMS(N, name) \
    MMX_FORM(name, MMX_JOINED(op_##name)) WIDE_FORMS(name)
#define LOWER_FORMS(N, name) \
    MMX_FORM_FROM(name, mmx_src32, MMX_LANES(op_##name)) WIDE_FORMS(name)
#define ONLY_WIDE(N, name) WIDE_FORMS(name)
LANE_OPS(LANE_FORMS)
JOINED_OPS(JOINED_FORMS)
LOWER_OPS(LOWER_FORMS)
UPPER_OPS(ONLY_WIDE)
WIDE_OPS(ONLY_WIDE)
MMX_FORM(punpckhbw, MMX_UPPER(op_punpcklbw))
MMX_FORM(punpckhwd, MMX_UPPER(op_punpcklwd))
MMX_FORM(punpckhdq, MMX_UPPER(op_punpckldq))
WIDE_FORMS(pshufb)
MMX_FORM(pshufb, op_pshufb(v128_low(a), (v128)((v16u8)v128_low(b) & 0x87))[0])

#define ROW_MMX(N, name)                                                     \
    [X86_##N] = { { mmx_##name, sse_##name } },                              \
    [X86_V##N] = { { avx_##name, avx256_##name } },
#define ROW_WIDE(N, name)                                                    \
    [X86_##N] = { { NULL, sse_##name } },                                    \
    [X86_V##N] = { { avx_##name, avx256_##name } },

static const struct vec_forms forms[X86_MNEMONICS] = {
    LANE_OPS(ROW_MMX) JOINED_OPS(ROW_MMX) LOWER_OPS(ROW_MMX) UPPER_OPS(ROW_MMX)
    WIDE_OPS(ROW_WIDE) ALIASES(ROW_WIDE)
    ROW_MMX(PSHUFB, pshufb)
};
/* clang-format on */

x86_exec *x86_select_vec_int(const struct x86_insn *insn)
{
    return vec_pick(&forms[x86_insn_row(insn)->mnemonic], insn);
}
