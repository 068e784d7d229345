/* SPDX-License-Identifier: MIT */
/*
 * Shuffles, blends, insertion and extraction, widening moves, tests, and the
 * odd integer operations of SSE4.1. [SDM] vol. 2.
 */
#include "target/x86/exec_sse.h"

typedef v128 shuffle1_fn(v128 b, unsigned imm, unsigned lane);
typedef v128 shuffle2_fn(v128 a, v128 b, unsigned imm, unsigned lane);

/* r[i] = v[two bits of imm] */
static always_inline v128 op_pshufd(v128 vb, unsigned imm, unsigned lane)
{
    v4u32 b = (v4u32)vb, r = {0};

    for (unsigned i = 0; i < 4; i++)
        r[i] = b[imm >> 2 * i & 3];
    return (v128)r;
}

static always_inline uint64_t shuffle_words(uint64_t v, unsigned imm)
{
    uint64_t r = 0;

    for (unsigned i = 0; i < 4; i++)
        r |= (v >> 16 * (imm >> 2 * i & 3) & 0xffff) << 16 * i;
    return r;
}

static always_inline v128 op_pshuflw(v128 b, unsigned imm, unsigned lane)
{
    return (v128){shuffle_words(b[0], imm), b[1]};
}

static always_inline v128 op_pshufhw(v128 b, unsigned imm, unsigned lane)
{
    return (v128){b[0], shuffle_words(b[1], imm)};
}

static always_inline v128 op_vpermilps_imm(v128 b, unsigned imm, unsigned lane)
{
    return op_pshufd(b, imm, lane);
}

static always_inline v128 op_vpermilpd_imm(v128 b, unsigned imm, unsigned lane)
{
    imm >>= 2 * lane;
    return (v128){b[imm & 1], b[imm >> 1 & 1]};
}

static always_inline v128 op_shufps(v128 va, v128 vb, unsigned imm,
                                    unsigned lane)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb;

    return (v128)(v4u32){a[imm & 3], a[imm >> 2 & 3], b[imm >> 4 & 3],
                         b[imm >> 6 & 3]};
}

static always_inline v128 op_shufpd(v128 a, v128 b, unsigned imm, unsigned lane)
{
    imm >>= 2 * lane;
    return (v128){a[imm & 1], b[imm >> 1 & 1]};
}

/* Sixteen bytes out of the thirty-two of a:b, from byte imm of b on. */
static always_inline v128 op_palignr(v128 a, v128 b, unsigned imm,
                                     unsigned lane)
{
    uint64_t w[6] = {b[0], b[1], a[0], a[1], 0, 0};
    unsigned i = imm / 8, bits = 8 * (imm & 7);

    if (imm >= 32)
        return (v128){0, 0};
    if (!bits)
        return (v128){w[i], w[i + 1]};
    return (v128){w[i] >> bits | w[i + 1] << (64 - bits),
                  w[i + 1] >> bits | w[i + 2] << (64 - bits)};
}

/* Lanes of `b` where the bit of imm is set. */
static always_inline v128 op_blendps(v128 va, v128 vb, unsigned imm,
                                     unsigned lane)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb;

    for (unsigned i = 0; i < 4; i++)
        a[i] = imm >> (4 * lane + i) & 1 ? b[i] : a[i];
    return (v128)a;
}

static always_inline v128 op_blendpd(v128 a, v128 b, unsigned imm,
                                     unsigned lane)
{
    imm >>= 2 * lane;
    return (v128){imm & 1 ? b[0] : a[0], imm & 2 ? b[1] : a[1]};
}

static always_inline v128 op_pblendw(v128 va, v128 vb, unsigned imm,
                                     unsigned lane)
{
    v8u16 a = (v8u16)va, b = (v8u16)vb;

    for (unsigned i = 0; i < 8; i++)
        a[i] = imm >> i & 1 ? b[i] : a[i];
    return (v128)a;
}

/* Eight sums of four absolute differences, against one block of `b`. */
static always_inline v128 op_mpsadbw(v128 va, v128 vb, unsigned imm,
                                     unsigned lane)
{
    v16u8 a = (v16u8)va, b = (v16u8)vb;
    v8u16 r = {0};
    unsigned ctl = imm >> 3 * lane, ia = ctl & 4, ib = 4 * (ctl & 3);

    for (unsigned i = 0; i < 8; i++) {
        unsigned sum = 0;

        for (unsigned j = 0; j < 4; j++) {
            int d = a[(ia + i + j) & 15] - b[ib + j];

            sum += (unsigned)(d < 0 ? -d : d);
        }
        r[i] = (uint16_t)sum;
    }
    return (v128)r;
}

/* clang-format off */
#define FORMS1(name)                                                         \
    static const struct x86_insn *sse_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        v128 b = vec_src(cpu, insn);                                         \
                                                                             \
        vec_put(cpu, insn, op_##name(b, (uint8_t)insn->imm, 0));             \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_##name(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        struct v256 b = avx_src256(cpu, insn);                               \
                                                                             \
        avx_put256(cpu, insn->reg, op_##name(b.lo, (uint8_t)insn->imm, 0),   \
                   op_##name(b.hi, (uint8_t)insn->imm, 1));                  \
        X86_NEXT(cpu, insn);                                                 \
    }
#define FORMS2(name)                                                         \
    static const struct x86_insn *sse_##name(struct x86_cpu *cpu,            \
                                             const struct x86_insn *insn)    \
    {                                                                        \
        v128 b = vec_src(cpu, insn);                                         \
                                                                             \
        vec_put(cpu, insn, op_##name(vec_get(cpu, vec_first(insn)), b,       \
                                     (uint8_t)insn->imm, 0));                \
        X86_NEXT(cpu, insn);                                                 \
    }                                                                        \
    static const struct x86_insn *avx256_##name(struct x86_cpu *cpu,         \
                                                const struct x86_insn *insn) \
    {                                                                        \
        struct v256 b = avx_src256(cpu, insn);                               \
        unsigned imm = (uint8_t)insn->imm;                                   \
                                                                             \
        avx_put256(cpu, insn->reg,                                           \
                   op_##name(vec_get(cpu, insn->vvvv), b.lo, imm, 0),        \
                   op_##name(vec_get_hi(cpu, insn->vvvv), b.hi, imm, 1));    \
        X86_NEXT(cpu, insn);                                                 \
    }

#define SHUFFLES1(X)                                                         \
    X(PSHUFD, pshufd) X(PSHUFLW, pshuflw) X(PSHUFHW, pshufhw)
#define SHUFFLES2(X)                                                         \
    X(SHUFPS, shufps) X(SHUFPD, shufpd) X(BLENDPS, blendps)                  \
    X(BLENDPD, blendpd) X(PBLENDW, pblendw) X(MPSADBW, mpsadbw)
#define DEFINE1(N, name) FORMS1(name)
#define DEFINE2(N, name) FORMS2(name)
SHUFFLES1(DEFINE1)
SHUFFLES2(DEFINE2)
FORMS2(palignr)
FORMS1(vpermilps_imm)
FORMS1(vpermilpd_imm)
/* clang-format on */

static const struct x86_insn *mmx_palignr(struct x86_cpu *cpu,
                                          const struct x86_insn *insn)
{
    v128 joined;
    uint64_t b;

    x87_wait(cpu, insn);
    b = mmx_src(cpu, insn);
    joined = (v128){b, mmx_get(cpu, insn->reg)};
    mmx_enter(cpu);
    mmx_put(cpu, insn->reg,
            op_palignr(v128_low(0), joined, (uint8_t)insn->imm, 0)[0]);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *mmx_pshufw(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    uint64_t b;

    x87_wait(cpu, insn);
    b = mmx_src(cpu, insn);
    mmx_enter(cpu);
    mmx_put(cpu, insn->reg, shuffle_words(b, (uint8_t)insn->imm));
    X86_NEXT(cpu, insn);
}

/* Blends by the top bits of a register: XMM0, or the one in imm8[7:4]. */
static always_inline v128 mask_of(v128 v, unsigned bits)
{
    if (bits == 8)
        return (v128)((v16i8)v < 0);
    if (bits == 32)
        return (v128)((v4i32)v < 0);
    return (v128)((v2i64)v < 0);
}

static always_inline void blend_variable(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         unsigned bits)
{
    unsigned m =
        insn->flags & X86_I_VEX ? insn->imm >> 4 & (cpu->code64 ? 15 : 7) : 0;
    unsigned a = vec_first(insn);

    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);

        avx_put256(
            cpu, insn->reg,
            v128_blend(mask_of(vec_get(cpu, m), bits), b.lo, vec_get(cpu, a)),
            v128_blend(mask_of(vec_get_hi(cpu, m), bits), b.hi,
                       vec_get_hi(cpu, a)));
    } else {
        v128 b = vec_src(cpu, insn);

        vec_put(cpu, insn,
                v128_blend(mask_of(vec_get(cpu, m), bits), b, vec_get(cpu, a)));
    }
}

X86_HANDLER(pblendvb, blend_variable(cpu, insn, 8))
X86_HANDLER(blendvps, blend_variable(cpu, insn, 32))
X86_HANDLER(blendvpd, blend_variable(cpu, insn, 64))

/* PINSRx: from a general register or memory. */
static const struct x86_insn *pinsrb(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    v16u8 v = (v16u8)vec_get(cpu, vec_first(insn));
    uint8_t b = (uint8_t)cpu->gpr[insn->rm];

    if (insn->flags & X86_I_MEM)
        b = x86_ld8(cpu, insn, insn->seg, x86_ea(cpu, insn));
    v[insn->imm & 15] = b;
    vec_put(cpu, insn, (v128)v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pinsrw(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    v8u16 v = (v8u16)vec_get(cpu, vec_first(insn));
    uint16_t b = (uint16_t)cpu->gpr[insn->rm];

    if (insn->flags & X86_I_MEM)
        b = x86_ld16(cpu, insn, insn->seg, x86_ea(cpu, insn));
    v[insn->imm & 7] = b;
    vec_put(cpu, insn, (v128)v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pinsrd(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    v4u32 v = (v4u32)vec_get(cpu, vec_first(insn));
    uint32_t b = (uint32_t)cpu->gpr[insn->rm];

    if (insn->flags & X86_I_MEM)
        b = vec_ld32(cpu, insn);
    v[insn->imm & 3] = b;
    vec_put(cpu, insn, (v128)v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pinsrq(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    v128 v = vec_get(cpu, vec_first(insn));
    uint64_t b = cpu->gpr[insn->rm];

    if (insn->flags & X86_I_MEM)
        b = vec_ld64(cpu, insn);
    v[insn->imm & 1] = b;
    vec_put(cpu, insn, v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *mmx_pinsrw(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    unsigned shift = 16 * (insn->imm & 3);
    uint64_t v = mmx_get(cpu, insn->reg);
    uint16_t b = (uint16_t)cpu->gpr[insn->rm];

    x87_wait(cpu, insn);
    if (insn->flags & X86_I_MEM)
        b = x86_ld16(cpu, insn, insn->seg, x86_ea(cpu, insn));
    mmx_enter(cpu);
    mmx_put(cpu, insn->reg,
            (v & ~(UINT64_C(0xffff) << shift)) | (uint64_t)b << shift);
    X86_NEXT(cpu, insn);
}

/* PEXTRx, EXTRACTPS. */
static const struct x86_insn *pextrb(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint8_t v = cpu->zmm[insn->reg].u8[insn->imm & 15];

    if (insn->flags & X86_I_MEM)
        x86_st8(cpu, insn, insn->seg, x86_ea(cpu, insn), v);
    else
        cpu->gpr[insn->rm] = v;
    X86_NEXT(cpu, insn);
}

/* Two encodings: C5 to ModRM.reg, 3A 15 to ModRM.rm or memory. */
static const struct x86_insn *pextrw(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    if (insn->opcode == 0xc5)
        cpu->gpr[insn->reg] = cpu->zmm[insn->rm].u16[insn->imm & 7];
    else if (insn->flags & X86_I_MEM)
        x86_st16(cpu, insn, insn->seg, x86_ea(cpu, insn),
                 cpu->zmm[insn->reg].u16[insn->imm & 7]);
    else
        cpu->gpr[insn->rm] = cpu->zmm[insn->reg].u16[insn->imm & 7];
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pextrd(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint32_t v = cpu->zmm[insn->reg].u32[insn->imm & 3];

    if (insn->flags & X86_I_MEM)
        x86_st32(cpu, insn, insn->seg, x86_ea(cpu, insn), v);
    else
        cpu->gpr[insn->rm] = v;
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pextrq(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint64_t v = cpu->zmm[insn->reg].u64[insn->imm & 1];

    if (insn->flags & X86_I_MEM)
        x86_st64(cpu, insn, insn->seg, x86_ea(cpu, insn), v);
    else
        cpu->gpr[insn->rm] = v;
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *mmx_pextrw(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    mmx_enter(cpu);
    cpu->gpr[insn->reg] =
        mmx_get(cpu, insn->rm) >> 16 * (insn->imm & 3) & 0xffff;
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *insertps(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    v4u32 v = (v4u32)vec_get(cpu, vec_first(insn));
    uint32_t b;

    if (insn->flags & X86_I_MEM)
        b = vec_ld32(cpu, insn);
    else
        b = cpu->zmm[insn->rm].u32[insn->imm >> 6 & 3];
    v[insn->imm >> 4 & 3] = b;
    for (unsigned i = 0; i < 4; i++) {
        if (insn->imm >> i & 1)
            v[i] = 0;
    }
    vec_put(cpu, insn, (v128)v);
    X86_NEXT(cpu, insn);
}

/*
 * PMOVSX and PMOVZX: `from` bytes of each element become `to`. The memory
 * operand is as long as what is used.
 */
static always_inline uint64_t extend(const union x86_vreg *v, unsigned i,
                                     unsigned from, bool sign)
{
    if (from == 1)
        return sign ? (uint64_t)(int64_t)v->i8[i] : v->u8[i];
    if (from == 2)
        return sign ? (uint64_t)(int64_t)v->i16[i] : v->u16[i];
    return sign ? (uint64_t)(int64_t)v->i32[i] : v->u32[i];
}

static always_inline void pmovx(struct x86_cpu *cpu,
                                const struct x86_insn *insn, unsigned from,
                                unsigned to, bool sign)
{
    unsigned n = (insn->flags & X86_I_L ? 32 : 16) / to;
    union x86_vreg *src = &cpu->scratch, r;

    if (insn->flags & X86_I_MEM)
        x86_ld(cpu, insn, insn->seg, x86_ea(cpu, insn), src, n * from, 0);
    else
        src = &cpu->zmm[insn->rm];
    for (unsigned i = 0; i < n; i++) {
        uint64_t v = extend(src, i, from, sign);

        if (to == 2)
            r.u16[i] = (uint16_t)v;
        else if (to == 4)
            r.u32[i] = (uint32_t)v;
        else
            r.u64[i] = v;
    }
    if (insn->flags & X86_I_L)
        avx_put256(cpu, insn->reg, v128_load(&r), v128_load(&r.u64[2]));
    else
        vec_put(cpu, insn, v128_load(&r));
}

X86_HANDLER(pmovsxbw, pmovx(cpu, insn, 1, 2, true))
X86_HANDLER(pmovsxbd, pmovx(cpu, insn, 1, 4, true))
X86_HANDLER(pmovsxbq, pmovx(cpu, insn, 1, 8, true))
X86_HANDLER(pmovsxwd, pmovx(cpu, insn, 2, 4, true))
X86_HANDLER(pmovsxwq, pmovx(cpu, insn, 2, 8, true))
X86_HANDLER(pmovsxdq, pmovx(cpu, insn, 4, 8, true))
X86_HANDLER(pmovzxbw, pmovx(cpu, insn, 1, 2, false))
X86_HANDLER(pmovzxbd, pmovx(cpu, insn, 1, 4, false))
X86_HANDLER(pmovzxbq, pmovx(cpu, insn, 1, 8, false))
X86_HANDLER(pmovzxwd, pmovx(cpu, insn, 2, 4, false))
X86_HANDLER(pmovzxwq, pmovx(cpu, insn, 2, 8, false))
X86_HANDLER(pmovzxdq, pmovx(cpu, insn, 4, 8, false))

/* PTEST, VTESTPS, VTESTPD: ZF of a & b, CF of ~a & b, under a lane mask. */
static always_inline void test(struct x86_cpu *cpu, const struct x86_insn *insn,
                               uint64_t mask)
{
    v128 a = vec_get(cpu, insn->reg), both, only;
    const v128 zero = {0, 0};

    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);
        v128 hi = vec_get_hi(cpu, insn->reg);

        both = (a & b.lo) | (hi & b.hi);
        only = (~a & b.lo) | (~hi & b.hi);
    } else {
        v128 b = vec_src(cpu, insn);

        both = (a & b) | zero;
        only = ~a & b;
    }
    x86_set_arith_flags(cpu, ((both[0] | both[1]) & mask ? 0U : X86_ZF) |
                                 ((only[0] | only[1]) & mask ? 0U : X86_CF));
}

X86_HANDLER(ptest, test(cpu, insn, UINT64_MAX))
X86_HANDLER(vtestps, test(cpu, insn, UINT64_C(0x8000000080000000)))
X86_HANDLER(vtestpd, test(cpu, insn, UINT64_C(1) << 63))

/* The smallest word and its index. */
static const struct x86_insn *phminposuw(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    v8u16 b = (v8u16)vec_src(cpu, insn);
    unsigned at = 0;

    for (unsigned i = 1; i < 8; i++) {
        if (b[i] < b[at])
            at = i;
    }
    vec_put(cpu, insn, v128_low(b[at] | (uint64_t)at << 16));
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define ROW(N, name)                                                         \
    [X86_##N] = { { NULL, sse_##name } },                                    \
    [X86_V##N] = { { sse_##name, avx256_##name } },
/* The handler looks at VEX and L itself. */
#define ANY(N, name)                                                         \
    [X86_##N] = { { NULL, name } }, [X86_V##N] = { { name, name } },

static const struct vec_forms forms[X86_MNEMONICS] = {
    SHUFFLES1(ROW) SHUFFLES2(ROW)
    [X86_PSHUFW] = { { mmx_pshufw, NULL } },
    [X86_PALIGNR] = { { mmx_palignr, sse_palignr } },
    [X86_VPALIGNR] = { { sse_palignr, avx256_palignr } },
    [X86_PINSRW] = { { mmx_pinsrw, pinsrw } },
    [X86_VPINSRW] = { { pinsrw, NULL } },
    [X86_PEXTRW] = { { mmx_pextrw, pextrw } },
    [X86_VPEXTRW] = { { pextrw, NULL } },
    [X86_PBLENDVB] = { { NULL, pblendvb } },
    [X86_BLENDVPS] = { { NULL, blendvps } },
    [X86_BLENDVPD] = { { NULL, blendvpd } },
    [X86_VPBLENDVB] = { { pblendvb, pblendvb } },
    [X86_VBLENDVPS] = { { blendvps, blendvps } },
    [X86_VBLENDVPD] = { { blendvpd, blendvpd } },
    [X86_VTESTPS] = { { vtestps, vtestps } },
    [X86_VTESTPD] = { { vtestpd, vtestpd } },
    ANY(PINSRB, pinsrb) ANY(PINSRD, pinsrd) ANY(PINSRQ, pinsrq)
    ANY(PEXTRB, pextrb) ANY(PEXTRD, pextrd) ANY(PEXTRQ, pextrq)
    ANY(EXTRACTPS, pextrd) ANY(INSERTPS, insertps)
    ANY(PMOVSXBW, pmovsxbw) ANY(PMOVSXBD, pmovsxbd) ANY(PMOVSXBQ, pmovsxbq)
    ANY(PMOVSXWD, pmovsxwd) ANY(PMOVSXWQ, pmovsxwq) ANY(PMOVSXDQ, pmovsxdq)
    ANY(PMOVZXBW, pmovzxbw) ANY(PMOVZXBD, pmovzxbd) ANY(PMOVZXBQ, pmovzxbq)
    ANY(PMOVZXWD, pmovzxwd) ANY(PMOVZXWQ, pmovzxwq) ANY(PMOVZXDQ, pmovzxdq)
    ANY(PTEST, ptest) ANY(PHMINPOSUW, phminposuw)
};
/* clang-format on */

x86_exec *x86_select_vec_shuffle(const struct x86_insn *insn)
{
    unsigned mnemonic = x86_insn_row(insn)->mnemonic;

    if (insn->opcode <= 5 && mnemonic == X86_VPERMILPS)
        return insn->flags & X86_I_L ? avx256_vpermilps_imm : sse_vpermilps_imm;
    if (insn->opcode <= 5 && mnemonic == X86_VPERMILPD)
        return insn->flags & X86_I_L ? avx256_vpermilpd_imm : sse_vpermilpd_imm;
    return vec_pick(&forms[mnemonic], insn);
}
