/* SPDX-License-Identifier: MIT */
/*
 * What only AVX and AVX2 have: broadcasts, permutations across lanes, 128-bit
 * halves, masked moves, VZEROUPPER. [SDM] vol. 2. Gathers: exec_avx_gather.c.
 */
#include "target/x86/exec_sse.h"

/* The same 64 bits in every quadword of the destination. */
static always_inline void fill(struct x86_cpu *cpu, const struct x86_insn *insn,
                               uint64_t q)
{
    v128 v = {q, q};

    if (insn->flags & X86_I_L)
        avx_put256(cpu, insn->reg, v, v);
    else
        avx_put(cpu, insn->reg, v);
}

static always_inline uint64_t element(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      unsigned size)
{
    if (insn->flags & X86_I_MEM)
        return x86_ldn(cpu, insn, insn->seg, x86_ea(cpu, insn), size);
    return cpu->zmm[insn->rm].u64[0];
}

X86_HANDLER(broadcast8,
            fill(cpu, insn,
                 (uint8_t)element(cpu, insn, 1) * UINT64_C(0x0101010101010101)))
X86_HANDLER(broadcast16, fill(cpu, insn,
                              (uint16_t)element(cpu, insn, 2) *
                                  UINT64_C(0x0001000100010001)))
X86_HANDLER(broadcast32, fill(cpu, insn,
                              (uint32_t)element(cpu, insn, 4) *
                                  UINT64_C(0x0000000100000001)))
X86_HANDLER(broadcast64, fill(cpu, insn, element(cpu, insn, 8)))

static const struct x86_insn *broadcast128(struct x86_cpu *cpu,
                                           const struct x86_insn *insn)
{
    v128 v = vec_ld128(cpu, insn, 0);

    avx_put256(cpu, insn->reg, v, v);
    X86_NEXT(cpu, insn);
}

static always_inline v128 half(const struct x86_cpu *cpu, unsigned reg,
                               bool high)
{
    return high ? vec_get_hi(cpu, reg) : vec_get(cpu, reg);
}

static const struct x86_insn *extract128(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    bool high = insn->imm & 1;

    if (insn->flags & X86_I_MEM)
        x86_st(cpu, insn, insn->seg, x86_ea(cpu, insn),
               &cpu->zmm[insn->reg].u8[high ? 16 : 0], 16, 0);
    else
        avx_put(cpu, insn->rm, half(cpu, insn->reg, high));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *insert128(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    v128 b = avx_src(cpu, insn);

    if (insn->imm & 1)
        avx_put256(cpu, insn->reg, vec_get(cpu, insn->vvvv), b);
    else
        avx_put256(cpu, insn->reg, b, vec_get_hi(cpu, insn->vvvv));
    X86_NEXT(cpu, insn);
}

/* Each half of the result is a half of either source, or zero. */
static always_inline v128 perm2_half(const struct x86_cpu *cpu, unsigned a,
                                     struct v256 b, unsigned ctl)
{
    if (ctl & 8)
        return v128_low(0);
    if (ctl & 2)
        return ctl & 1 ? b.hi : b.lo;
    return half(cpu, a, ctl & 1);
}

static const struct x86_insn *perm2(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    struct v256 b = avx_src256(cpu, insn);
    unsigned imm = (uint8_t)insn->imm;

    avx_put256(cpu, insn->reg, perm2_half(cpu, insn->vvvv, b, imm & 15),
               perm2_half(cpu, insn->vvvv, b, imm >> 4));
    X86_NEXT(cpu, insn);
}

/* VPERMQ, VPERMPD: four quadwords by an immediate. */
static const struct x86_insn *permq(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    struct v256 b = avx_src256(cpu, insn);
    uint64_t q[4] = {b.lo[0], b.lo[1], b.hi[0], b.hi[1]};
    unsigned imm = (uint8_t)insn->imm;

    avx_put256(cpu, insn->reg, (v128){q[imm & 3], q[imm >> 2 & 3]},
               (v128){q[imm >> 4 & 3], q[imm >> 6]});
    X86_NEXT(cpu, insn);
}

/* VPERMD, VPERMPS: eight doublewords by the first source. */
static const struct x86_insn *permd(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    struct v256 b = avx_src256(cpu, insn);
    const union x86_vreg *index = &cpu->zmm[insn->vvvv];
    v4u32 lo = {0}, hi = {0};

    for (unsigned i = 0; i < 8; i++) {
        unsigned at = index->u32[i] & 7;
        uint32_t v = at & 4 ? ((v4u32)b.hi)[at & 3] : ((v4u32)b.lo)[at];

        if (i < 4)
            lo[i] = v;
        else
            hi[i & 3] = v;
    }
    avx_put256(cpu, insn->reg, (v128)lo, (v128)hi);
    X86_NEXT(cpu, insn);
}

/* VPERMILPS, VPERMILPD by a vector: within each half. */
static always_inline v128 permil_ps(v128 va, v128 vb)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb, r = {0};

    for (unsigned i = 0; i < 4; i++)
        r[i] = a[b[i] & 3];
    return (v128)r;
}

static always_inline v128 permil_pd(v128 a, v128 b)
{
    return (v128){a[b[0] >> 1 & 1], a[b[1] >> 1 & 1]};
}

static always_inline v128 blendd(v128 va, v128 vb, unsigned imm)
{
    v4u32 a = (v4u32)va, b = (v4u32)vb;

    for (unsigned i = 0; i < 4; i++)
        a[i] = imm >> i & 1 ? b[i] : a[i];
    return (v128)a;
}

static always_inline void binary(struct x86_cpu *cpu,
                                 const struct x86_insn *insn,
                                 v128 (*op)(v128, v128))
{
    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);

        avx_put256(cpu, insn->reg, op(vec_get(cpu, insn->vvvv), b.lo),
                   op(vec_get_hi(cpu, insn->vvvv), b.hi));
    } else {
        v128 b = avx_src(cpu, insn);

        avx_put(cpu, insn->reg, op(vec_get(cpu, insn->vvvv), b));
    }
}

X86_HANDLER(permilps, binary(cpu, insn, permil_ps))
X86_HANDLER(permilpd, binary(cpu, insn, permil_pd))

static const struct x86_insn *vpblendd(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    unsigned imm = (uint8_t)insn->imm;

    if (insn->flags & X86_I_L) {
        struct v256 b = avx_src256(cpu, insn);

        avx_put256(cpu, insn->reg, blendd(vec_get(cpu, insn->vvvv), b.lo, imm),
                   blendd(vec_get_hi(cpu, insn->vvvv), b.hi, imm >> 4));
    } else {
        v128 b = avx_src(cpu, insn);

        avx_put(cpu, insn->reg, blendd(vec_get(cpu, insn->vvvv), b, imm));
    }
    X86_NEXT(cpu, insn);
}

/*
 * VMASKMOVPS and its like: elements whose mask has the top bit set. No access,
 * so no fault, for the others. The operand is one piece of memory: its address
 * is cut to the address size, those of its elements wrap at 4 GiB alone.
 */
static bool lane_on(const union x86_vreg *mask, unsigned i, unsigned size)
{
    return size == 4 ? mask->u32[i] >> 31 : mask->u64[i] >> 63;
}

static uint64_t lane_at(const struct x86_cpu *cpu, uint64_t ea)
{
    return ea & cpu->lin_mask;
}

static always_inline void mask_load(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, unsigned size)
{
    const union x86_vreg *mask = &cpu->zmm[insn->vvvv];
    unsigned n = (insn->flags & X86_I_L ? 32 : 16) / size;
    uint64_t ea = x86_ea(cpu, insn);
    union x86_vreg r = {.u64 = {0}};

    for (unsigned i = 0; i < n; i++) {
        if (!lane_on(mask, i, size))
            continue;
        if (size == 4)
            r.u32[i] = x86_ld32(cpu, insn, insn->seg, lane_at(cpu, ea + 4 * i));
        else
            r.u64[i] = x86_ld64(cpu, insn, insn->seg, lane_at(cpu, ea + 8 * i));
    }
    avx_put256(cpu, insn->reg, v128_load(&r), v128_load(&r.u64[2]));
}

static always_inline void mask_store(struct x86_cpu *cpu,
                                     const struct x86_insn *insn, unsigned size)
{
    const union x86_vreg *mask = &cpu->zmm[insn->vvvv];
    const union x86_vreg *src = &cpu->zmm[insn->reg];
    unsigned n = (insn->flags & X86_I_L ? 32 : 16) / size;
    uint64_t ea = x86_ea(cpu, insn);

    for (unsigned i = 0; i < n; i++) {
        if (lane_on(mask, i, size))
            x86_probe_st(cpu, insn, insn->seg, lane_at(cpu, ea + size * i),
                         size);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!lane_on(mask, i, size))
            continue;
        if (size == 4)
            x86_st32(cpu, insn, insn->seg, lane_at(cpu, ea + 4 * i),
                     src->u32[i]);
        else
            x86_st64(cpu, insn, insn->seg, lane_at(cpu, ea + 8 * i),
                     src->u64[i]);
    }
}

X86_HANDLER(mask_load32, mask_load(cpu, insn, 4))
X86_HANDLER(mask_load64, mask_load(cpu, insn, 8))
X86_HANDLER(mask_store32, mask_store(cpu, insn, 4))
X86_HANDLER(mask_store64, mask_store(cpu, insn, 8))

static unsigned registers(const struct x86_cpu *cpu)
{
    return cpu->code64 ? 16 : 8;
}

static const struct x86_insn *vzeroupper(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    for (unsigned i = 0; i < registers(cpu); i++)
        avx_put(cpu, i, vec_get(cpu, i));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *vzeroall(struct x86_cpu *cpu,
                                       const struct x86_insn *insn)
{
    for (unsigned i = 0; i < registers(cpu); i++)
        avx_put(cpu, i, v128_low(0));
    X86_NEXT(cpu, insn);
}

x86_exec *x86_select_avx(const struct x86_insn *insn)
{
    bool store = x86_insn_row(insn)->attrs & X86_A_STORE;

    switch (x86_insn_row(insn)->mnemonic) {
    case X86_VBROADCASTSS:
    case X86_VPBROADCASTD: return broadcast32;
    case X86_VBROADCASTSD:
    case X86_VPBROADCASTQ: return broadcast64;
    case X86_VPBROADCASTB: return broadcast8;
    case X86_VPBROADCASTW: return broadcast16;
    case X86_VBROADCASTF128:
    case X86_VBROADCASTI128: return broadcast128;
    case X86_VEXTRACTF128:
    case X86_VEXTRACTI128: return extract128;
    case X86_VINSERTF128:
    case X86_VINSERTI128: return insert128;
    case X86_VPERM2F128:
    case X86_VPERM2I128: return perm2;
    case X86_VPERMQ:
    case X86_VPERMPD: return permq;
    case X86_VPERMD:
    case X86_VPERMPS: return permd;
    case X86_VPERMILPS: return permilps;
    case X86_VPERMILPD: return permilpd;
    case X86_VPBLENDD: return vpblendd;
    case X86_VMASKMOVPS:
    case X86_VPMASKMOVD: return store ? mask_store32 : mask_load32;
    case X86_VMASKMOVPD:
    case X86_VPMASKMOVQ: return store ? mask_store64 : mask_load64;
    case X86_VZEROUPPER: return vzeroupper;
    case X86_VZEROALL: return vzeroall;
    default: return NULL;
    }
}
