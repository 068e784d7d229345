/* SPDX-License-Identifier: MIT */
/*
 * Vector moves: whole registers, halves, scalars, masks, and between vector,
 * MMX and general registers. [SDM] vol. 2.
 *
 * Not modelled: non-temporal hints; stores are ordered like any other.
 */
#include "target/x86/exec_sse.h"

/* Stores of a register's low bytes; `align` 0, 16 or 32. */
static always_inline void vec_store(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, unsigned len,
                                    unsigned align)
{
    uint64_t ea = x86_ea(cpu, insn);
    uint8_t *p = x86_hit_wr(cpu, insn->seg, ea, len);

    if (likely(p && !(align && ((uintptr_t)p & (align - 1)))))
        memcpy(p, &cpu->zmm[insn->reg], len);
    else
        x86_st(cpu, insn, insn->seg, ea, &cpu->zmm[insn->reg], len, align);
}

/* Loads of 16 and 32 bytes, aligned or not. */
static always_inline void vec_load(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, bool aligned)
{
    if (insn->flags & X86_I_L) {
        struct v256 v = vec_ld256(cpu, insn, aligned ? 32 : 0);

        avx_put256(cpu, insn->reg, v.lo, v.hi);
    } else {
        vec_put(cpu, insn, vec_ld128(cpu, insn, aligned ? 16 : 0));
    }
}

X86_HANDLER(load_aligned, vec_load(cpu, insn, true))
X86_HANDLER(load_unaligned, vec_load(cpu, insn, false))
X86_HANDLER(store16_aligned, vec_store(cpu, insn, 16, 16))
X86_HANDLER(store32_aligned, vec_store(cpu, insn, 32, 32))
X86_HANDLER(store16_unaligned, vec_store(cpu, insn, 16, 0))
X86_HANDLER(store32_unaligned, vec_store(cpu, insn, 32, 0))
X86_HANDLER(store8, vec_store(cpu, insn, 8, 0))
X86_HANDLER(store4, vec_store(cpu, insn, 4, 0))

static const struct x86_insn *store_high(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    x86_st64(cpu, insn, insn->seg, x86_ea(cpu, insn),
             cpu->zmm[insn->reg].u64[1]);
    X86_NEXT(cpu, insn);
}

static always_inline void copy_reg(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, unsigned dst,
                                   unsigned src)
{
    if (insn->flags & X86_I_L)
        avx_put256(cpu, dst, vec_get(cpu, src), vec_get_hi(cpu, src));
    else if (insn->flags & X86_I_VEX)
        avx_put(cpu, dst, vec_get(cpu, src));
    else
        sse_put(cpu, dst, vec_get(cpu, src));
}

X86_HANDLER(copy_to_reg, copy_reg(cpu, insn, insn->reg, insn->rm))
X86_HANDLER(copy_to_rm, copy_reg(cpu, insn, insn->rm, insn->reg))

/* Whole-register moves: from memory, to memory (16, 32), by opcode. */
struct whole {
    x86_exec *load, *store16, *store32;
};

static x86_exec *pick_whole(const struct x86_insn *insn, const struct whole *w)
{
    bool store = x86_insn_row(insn)->attrs & X86_A_STORE;

    if (!(insn->flags & X86_I_MEM))
        return store ? copy_to_rm : copy_to_reg;
    if (!store)
        return w->load;
    return insn->flags & X86_I_L ? w->store32 : w->store16;
}

static const struct whole whole_aligned = {load_aligned, store16_aligned,
                                           store32_aligned};
static const struct whole whole_unaligned = {load_unaligned, store16_unaligned,
                                             store32_unaligned};

/* Scalars and halves from memory. */
X86_HANDLER(load_ss, vec_put(cpu, insn, v128_low(vec_ld32(cpu, insn))))
X86_HANDLER(load_sd, vec_put(cpu, insn, v128_low(vec_ld64(cpu, insn))))

/* The low half is loaded, or the high half; the other is the first source's. */
static const struct x86_insn *load_low(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    uint64_t v = vec_ld64(cpu, insn);

    vec_put(cpu, insn, (v128){v, cpu->zmm[vec_first(insn)].u64[1]});
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *load_high(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    uint64_t v = vec_ld64(cpu, insn);

    vec_put(cpu, insn, (v128){cpu->zmm[vec_first(insn)].u64[0], v});
    X86_NEXT(cpu, insn);
}

/* MOVLHPS, MOVHLPS. */
X86_HANDLER(low_to_high, vec_put(cpu, insn,
                                 (v128){cpu->zmm[vec_first(insn)].u64[0],
                                        cpu->zmm[insn->rm].u64[0]}))
X86_HANDLER(high_to_low, vec_put(cpu, insn,
                                 (v128){cpu->zmm[insn->rm].u64[1],
                                        cpu->zmm[vec_first(insn)].u64[1]}))

/* Scalars between registers: merged into the first source. */
static always_inline void merge_scalar(struct x86_cpu *cpu,
                                       const struct x86_insn *insn,
                                       unsigned dst, unsigned first,
                                       unsigned src, v128 mask)
{
    v128 v = v128_blend(mask, vec_get(cpu, src), vec_get(cpu, first));

    if (insn->flags & X86_I_VEX)
        avx_put(cpu, dst, v);
    else
        sse_put(cpu, dst, v);
}

#define MASK_SS ((v128){UINT32_MAX, 0})
#define MASK_SD ((v128){UINT64_MAX, 0})

X86_HANDLER(merge_ss, merge_scalar(cpu, insn, insn->reg, vec_first(insn),
                                   insn->rm, MASK_SS))
X86_HANDLER(merge_sd, merge_scalar(cpu, insn, insn->reg, vec_first(insn),
                                   insn->rm, MASK_SD))
X86_HANDLER(merge_ss_store,
            merge_scalar(cpu, insn, insn->rm,
                         insn->flags &X86_I_VEX ? insn->vvvv : insn->rm,
                         insn->reg, MASK_SS))
X86_HANDLER(merge_sd_store,
            merge_scalar(cpu, insn, insn->rm,
                         insn->flags &X86_I_VEX ? insn->vvvv : insn->rm,
                         insn->reg, MASK_SD))

/* MOVD, MOVQ between vector and general registers or memory. */
static const struct x86_insn *movd_load(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    uint64_t v;

    if (insn->flags & X86_I_MEM)
        v = vec_ld32(cpu, insn);
    else
        v = (uint32_t)cpu->gpr[insn->rm];
    vec_put(cpu, insn, v128_low(v));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *movq_load(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    uint64_t v;

    if (insn->flags & X86_I_MEM)
        v = vec_ld64(cpu, insn);
    else
        v = cpu->gpr[insn->rm];
    vec_put(cpu, insn, v128_low(v));
    X86_NEXT(cpu, insn);
}

X86_HANDLER(movd_to_gpr, cpu->gpr[insn->rm] = cpu->zmm[insn->reg].u32[0])
X86_HANDLER(movq_to_gpr, cpu->gpr[insn->rm] = cpu->zmm[insn->reg].u64[0])
/* MOVQ between vector registers clears the upper half of the destination. */
X86_HANDLER(movq_to_reg,
            vec_put(cpu, insn, v128_low(cpu->zmm[insn->rm].u64[0])))

static const struct x86_insn *movq_to_rm(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    v128 v = v128_low(cpu->zmm[insn->reg].u64[0]);

    if (insn->flags & X86_I_VEX)
        avx_put(cpu, insn->rm, v);
    else
        sse_put(cpu, insn->rm, v);
    X86_NEXT(cpu, insn);
}

/* Opcodes 6E and 7E: general registers; F3 7E, D6: vector registers. */
static x86_exec *pick_movdq(const struct x86_insn *insn, bool quad)
{
    bool mem = insn->flags & X86_I_MEM;

    switch (insn->opcode) {
    case 0x6e: return quad ? movq_load : movd_load;
    case 0xd6: return mem ? store8 : movq_to_rm;
    default:
        if (x86_insn_row(insn)->attrs & X86_A_STORE) {
            if (mem)
                return quad ? store8 : store4;
            return quad ? movq_to_gpr : movd_to_gpr;
        }
        return mem ? load_sd : movq_to_reg;
    }
}

/* MOVSLDUP, MOVSHDUP, MOVDDUP. */
static always_inline v128 dup_even(v128 v)
{
    return (v128)__builtin_shufflevector((v4u32)v, (v4u32)v, 0, 0, 2, 2);
}

static always_inline v128 dup_odd(v128 v)
{
    return (v128)__builtin_shufflevector((v4u32)v, (v4u32)v, 1, 1, 3, 3);
}

static always_inline v128 dup_low(v128 v)
{
    return (v128){v[0], v[0]};
}

static always_inline void duplicate(struct x86_cpu *cpu,
                                    const struct x86_insn *insn,
                                    v128 (*op)(v128))
{
    if (insn->flags & X86_I_L) {
        struct v256 v = avx_src256(cpu, insn);

        avx_put256(cpu, insn->reg, op(v.lo), op(v.hi));
    } else {
        vec_put(cpu, insn, op(vec_src(cpu, insn)));
    }
}

X86_HANDLER(movsldup, duplicate(cpu, insn, dup_even))
X86_HANDLER(movshdup, duplicate(cpu, insn, dup_odd))
X86_HANDLER(movddup256, duplicate(cpu, insn, dup_low))
X86_HANDLER(movddup, vec_put(cpu, insn, dup_low(vec_src64(cpu, insn))))

/* Sign masks. */
static always_inline unsigned mask_ps(v128 v)
{
    v4u32 s = (v4u32)v >> 31;

    return s[0] | s[1] << 1 | s[2] << 2 | s[3] << 3;
}

static always_inline unsigned mask_pd(v128 v)
{
    return (unsigned)(v[0] >> 63 | v[1] >> 63 << 1);
}

/* Gathers the top bit of each byte of a quadword. */
static always_inline unsigned mask_b8(uint64_t v)
{
    v = v >> 7 & UINT64_C(0x0101010101010101);
    return (unsigned)(v * UINT64_C(0x0102040810204080) >> 56);
}

static always_inline unsigned mask_b(v128 v)
{
    return mask_b8(v[0]) | mask_b8(v[1]) << 8;
}

static always_inline void movmsk(struct x86_cpu *cpu,
                                 const struct x86_insn *insn,
                                 unsigned (*op)(v128), unsigned bits)
{
    unsigned m = op(vec_get(cpu, insn->rm));

    if (insn->flags & X86_I_L)
        m |= op(vec_get_hi(cpu, insn->rm)) << bits;
    cpu->gpr[insn->reg] = m;
}

X86_HANDLER(movmskps, movmsk(cpu, insn, mask_ps, 4))
X86_HANDLER(movmskpd, movmsk(cpu, insn, mask_pd, 2))
X86_HANDLER(pmovmskb, movmsk(cpu, insn, mask_b, 16))

static const struct x86_insn *pmovmskb_mmx(struct x86_cpu *cpu,
                                           const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    mmx_enter(cpu);
    cpu->gpr[insn->reg] = mask_b8(mmx_get(cpu, insn->rm));
    X86_NEXT(cpu, insn);
}

/* Bytes whose mask has its top bit set are stored at (E)DI. */
static void mask_store(struct x86_cpu *cpu, const struct x86_insn *insn,
                       const uint8_t *src, const uint8_t *mask, unsigned n)
{
    uint64_t wrap = x86_addr_mask(insn->asize), di = cpu->gpr[X86_RDI];

    for (unsigned i = 0; i < n; i++) {
        if (mask[i] & 0x80)
            x86_probe_st(cpu, insn, insn->seg, (di + i) & wrap, 1);
    }
    for (unsigned i = 0; i < n; i++) {
        if (mask[i] & 0x80)
            x86_st8(cpu, insn, insn->seg, (di + i) & wrap, src[i]);
    }
}

static const struct x86_insn *maskmovdqu(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    mask_store(cpu, insn, cpu->zmm[insn->reg].u8, cpu->zmm[insn->rm].u8, 16);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *maskmovq(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    stl_u64(cpu->scratch.u8, mmx_get(cpu, insn->reg));
    stl_u64(cpu->scratch.u8 + 8, mmx_get(cpu, insn->rm));
    mask_store(cpu, insn, cpu->scratch.u8, cpu->scratch.u8 + 8, 8);
    mmx_enter(cpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *movnti(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint64_t ea = x86_ea(cpu, insn);

    if (insn->osize == 8)
        x86_st64(cpu, insn, insn->seg, ea, cpu->gpr[insn->reg]);
    else
        x86_st32(cpu, insn, insn->seg, ea, (uint32_t)cpu->gpr[insn->reg]);
    X86_NEXT(cpu, insn);
}

/* MMX moves. */
static const struct x86_insn *mmx_load32(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    uint64_t v;

    x87_wait(cpu, insn);
    if (insn->flags & X86_I_MEM)
        v = vec_ld32(cpu, insn);
    else
        v = (uint32_t)cpu->gpr[insn->rm];
    mmx_enter(cpu);
    mmx_put(cpu, insn->reg, v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *mmx_load64(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    uint64_t v;

    x87_wait(cpu, insn);
    if (insn->flags & X86_I_MEM)
        v = vec_ld64(cpu, insn);
    else if (insn->opcode == 0x6e)
        v = cpu->gpr[insn->rm];
    else
        v = mmx_get(cpu, insn->rm);
    mmx_enter(cpu);
    mmx_put(cpu, insn->reg, v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *mmx_store32(struct x86_cpu *cpu,
                                          const struct x86_insn *insn)
{
    uint32_t v = (uint32_t)mmx_get(cpu, insn->reg);

    x87_wait(cpu, insn);
    if (insn->flags & X86_I_MEM)
        x86_st32(cpu, insn, insn->seg, x86_ea(cpu, insn), v);
    else
        cpu->gpr[insn->rm] = v;
    mmx_enter(cpu);
    X86_NEXT(cpu, insn);
}

/* MOVQ, MOVNTQ */
static const struct x86_insn *mmx_store64(struct x86_cpu *cpu,
                                          const struct x86_insn *insn)
{
    uint64_t v = mmx_get(cpu, insn->reg);

    x87_wait(cpu, insn);
    if (insn->flags & X86_I_MEM)
        x86_st64(cpu, insn, insn->seg, x86_ea(cpu, insn), v);
    else if (insn->opcode == 0x7e)
        cpu->gpr[insn->rm] = v;
    else
        mmx_put(cpu, insn->rm, v);
    mmx_enter(cpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *movq2dq(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    mmx_enter(cpu);
    sse_put(cpu, insn->reg, v128_low(mmx_get(cpu, insn->rm)));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *movdq2q(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    mmx_enter(cpu);
    mmx_put(cpu, insn->reg, cpu->zmm[insn->rm].u64[0]);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *emms(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    cpu->fpu.fsw &= (uint16_t)~X87_TOP;
    cpu->fpu.empty = 0xff;
    X86_NEXT(cpu, insn);
}

static x86_exec *pick_scalar(const struct x86_insn *insn, x86_exec *load,
                             x86_exec *store, x86_exec *merge,
                             x86_exec *merge_store)
{
    bool to_rm = insn->opcode == 0x11;

    if (insn->flags & X86_I_MEM)
        return to_rm ? store : load;
    return to_rm ? merge_store : merge;
}

static x86_exec *pick_mmx(const struct x86_insn *insn)
{
    bool store = x86_insn_row(insn)->attrs & X86_A_STORE;

    switch (x86_insn_row(insn)->mnemonic) {
    case X86_MOVD: return store ? mmx_store32 : mmx_load32;
    case X86_MOVQ: return store ? mmx_store64 : mmx_load64;
    case X86_MOVNTQ: return mmx_store64;
    case X86_MOVQ2DQ: return movq2dq;
    case X86_MOVDQ2Q: return movdq2q;
    case X86_MASKMOVQ: return maskmovq;
    case X86_PMOVMSKB: return pmovmskb_mmx;
    case X86_EMMS: return emms;
    default: return NULL;
    }
}

/* clang-format off */
x86_exec *x86_select_vec_move(const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);
    bool mem = insn->flags & X86_I_MEM, store = row->attrs & X86_A_STORE;

    if (row->attrs & X86_A_MMX)
        return pick_mmx(insn);
    switch (row->mnemonic) {
    case X86_MOVAPS: case X86_VMOVAPS: case X86_MOVAPD: case X86_VMOVAPD:
    case X86_MOVDQA: case X86_VMOVDQA:
    case X86_MOVNTPS: case X86_VMOVNTPS: case X86_MOVNTPD: case X86_VMOVNTPD:
    case X86_MOVNTDQ: case X86_VMOVNTDQ:
    case X86_MOVNTDQA: case X86_VMOVNTDQA:
        return pick_whole(insn, &whole_aligned);
    case X86_MOVUPS: case X86_VMOVUPS: case X86_MOVUPD: case X86_VMOVUPD:
    case X86_MOVDQU: case X86_VMOVDQU: case X86_LDDQU: case X86_VLDDQU:
        return pick_whole(insn, &whole_unaligned);
    case X86_MOVSS: case X86_VMOVSS:
        return pick_scalar(insn, load_ss, store4, merge_ss, merge_ss_store);
    case X86_MOVSD: case X86_VMOVSD:
        return pick_scalar(insn, load_sd, store8, merge_sd, merge_sd_store);
    case X86_MOVLPS: case X86_VMOVLPS: case X86_MOVLPD: case X86_VMOVLPD:
        return store ? store8 : mem ? load_low : high_to_low;
    case X86_MOVHPS: case X86_VMOVHPS: case X86_MOVHPD: case X86_VMOVHPD:
        return store ? store_high : mem ? load_high : low_to_high;
    case X86_MOVHLPS: case X86_VMOVHLPS: return high_to_low;
    case X86_MOVLHPS: case X86_VMOVLHPS: return low_to_high;
    case X86_MOVD: case X86_VMOVD: return pick_movdq(insn, false);
    case X86_MOVQ: case X86_VMOVQ: return pick_movdq(insn, true);
    case X86_MOVSLDUP: case X86_VMOVSLDUP: return movsldup;
    case X86_MOVSHDUP: case X86_VMOVSHDUP: return movshdup;
    case X86_MOVDDUP: case X86_VMOVDDUP:
        return insn->flags & X86_I_L ? movddup256 : movddup;
    case X86_MOVMSKPS: case X86_VMOVMSKPS: return movmskps;
    case X86_MOVMSKPD: case X86_VMOVMSKPD: return movmskpd;
    case X86_PMOVMSKB: case X86_VPMOVMSKB: return pmovmskb;
    case X86_MASKMOVDQU: case X86_VMASKMOVDQU: return maskmovdqu;
    case X86_MOVNTI: return movnti;
    default: return NULL;
    }
}
/* clang-format on */
