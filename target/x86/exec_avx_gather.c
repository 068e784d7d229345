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

static void load_element(struct x86_cpu *cpu, const struct x86_insn *insn,
                         unsigned i, unsigned index_size, unsigned size)
{
    uint64_t ea = element_address(cpu, insn, i, index_size);
    union x86_vreg *dst = &cpu->zmm[insn->reg];
    union x86_vreg *mask = &cpu->zmm[insn->vvvv];

    if (size == 4) {
        if (mask->u32[i] >> 31)
            dst->u32[i] = x86_ld32(cpu, insn, insn->seg, ea);
        mask->u32[i] = 0;
    } else {
        if (mask->u64[i] >> 63)
            dst->u64[i] = x86_ld64(cpu, insn, insn->seg, ea);
        mask->u64[i] = 0;
    }
}

static always_inline void gather(struct x86_cpu *cpu,
                                 const struct x86_insn *insn,
                                 unsigned index_size, unsigned size)
{
    unsigned wider = index_size > size ? index_size : size;
    unsigned n = (insn->flags & X86_I_L ? 32 : 16) / wider;
    unsigned used = n * size / 8;

    for (unsigned i = 0; i < n; i++)
        load_element(cpu, insn, i, index_size, size);
    for (unsigned i = used; i < 8; i++) {
        cpu->zmm[insn->reg].u64[i] = 0;
        cpu->zmm[insn->vvvv].u64[i] = 0;
    }
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
