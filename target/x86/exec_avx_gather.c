/* SPDX-License-Identifier: MIT */
/*
 * AVX2 gathers. An element that was loaded has its mask cleared at once, so a
 * fault in the middle leaves a state from which the instruction continues.
 * [SDM] vol. 2 VGATHERDPS, VPGATHERDD. The decoder has seen to it that the
 * three registers differ.
 */
#include "target/x86/exec_sse.h"

static uint64_t element_address(const struct x86_cpu *cpu,
                                const struct x86_insn *insn, unsigned i,
                                unsigned index_size)
{
    const union x86_vreg *v = &cpu->zmm[insn->index];
    int64_t index = index_size == 4 ? v->i32[i] : v->i64[i];
    /* The engine's address without an index: base and displacement. */
    uint64_t base = cpu->gpr[insn->base] + (uint64_t)(int64_t)insn->disp;

    return (base + ((uint64_t)index << insn->scale)) &
           x86_addr_mask(insn->asize);
}

/* Zeroes a vector register from byte `from` on. */
static always_inline void zero_above(union x86_vreg *v, unsigned from)
{
    memset(v->u8 + from, 0, sizeof(v->u8) - from);
}

/* An element that is loaded zeroes what is above `bytes` at once. */
static always_inline void load_element(struct x86_cpu *cpu,
                                       const struct x86_insn *insn, unsigned i,
                                       unsigned index_size, unsigned size,
                                       unsigned bytes)
{
    uint64_t ea = element_address(cpu, insn, i, index_size);
    union x86_vreg *dst = &cpu->zmm[insn->reg];
    union x86_vreg *mask = &cpu->zmm[insn->vvvv];

    if (size == 4 && mask->u32[i]) {
        dst->u32[i] = x86_ld32(cpu, insn, insn->seg, ea);
        mask->u32[i] = 0;
        zero_above(dst, bytes);
    } else if (size == 8 && mask->u64[i]) {
        dst->u64[i] = x86_ld64(cpu, insn, insn->seg, ea);
        mask->u64[i] = 0;
        zero_above(dst, bytes);
    }
}

/* The mask as an interrupted gather leaves it: all ones where there is still
 * something to do, else zero; zero above its `bytes`. */
static always_inline void spread_mask(union x86_vreg *mask, unsigned bytes,
                                      unsigned size)
{
    for (unsigned i = 0; i < bytes / size; i++) {
        if (size == 4)
            mask->i32[i] >>= 31;
        else
            mask->i64[i] >>= 63;
    }
    zero_above(mask, bytes);
}

static always_inline void gather(struct x86_cpu *cpu,
                                 const struct x86_insn *insn,
                                 unsigned index_size, unsigned size)
{
    unsigned wider = index_size > size ? index_size : size;
    unsigned bytes = insn->flags & X86_I_L ? 32 : 16;
    unsigned used = bytes / wider * size;

    spread_mask(&cpu->zmm[insn->vvvv], bytes, size);
    for (unsigned i = 0; i < bytes / wider; i++)
        load_element(cpu, insn, i, index_size, size, bytes);
    zero_above(&cpu->zmm[insn->reg], used);
    zero_above(&cpu->zmm[insn->vvvv], used);
}

X86_HANDLER(gather_dd, gather(cpu, insn, 4, 4))
X86_HANDLER(gather_dq, gather(cpu, insn, 4, 8))
X86_HANDLER(gather_qd, gather(cpu, insn, 8, 4))
X86_HANDLER(gather_qq, gather(cpu, insn, 8, 8))

x86_exec *x86_select_avx_gather(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    case X86_VPGATHERDD:
    case X86_VGATHERDPS: return gather_dd;
    case X86_VPGATHERDQ:
    case X86_VGATHERDPD: return gather_dq;
    case X86_VPGATHERQD:
    case X86_VGATHERQPS: return gather_qd;
    case X86_VPGATHERQQ:
    case X86_VGATHERQPD: return gather_qq;
    default: return NULL;
    }
}
