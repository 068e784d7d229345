/* SPDX-License-Identifier: MIT */
/*
 * Instructions on segment registers and descriptors: MOV and POP Sreg, LDS..
 * LGS, LAR LSL VERR VERW ARPL, LLDT LTR SLDT STR, LGDT.., FS and GS bases.
 */
#include "target/x86/control.h"
#include "target/x86/exec.h"
#include "target/x86/mmu.h"
#include "target/x86/segment.h"

/* A change of SS keeps events away for one instruction. If that one is not in
 * this block, the loop has to see to it. */
static x86_next after_ss(struct x86_cpu *cpu, const struct x86_insn *insn,
                         uint32_t salt)
{
    if (insn[1].exec == x86_exec_end || cpu->jump_salt != salt) {
        cpu->shadow |= X86_SHADOW_MOVSS;
        return x86_leave(cpu, insn);
    }
    X86_NEXT(cpu, insn);
}

static x86_next after_load(struct x86_cpu *cpu, const struct x86_insn *insn,
                           unsigned seg, uint32_t salt)
{
    return seg == X86_SS ? after_ss(cpu, insn, salt)
                         : x86_continue(cpu, insn, salt);
}

HANDLER(mov_from_sreg)
{
    uint16_t selector = cpu->seg[insn->reg].selector;

    if (insn->flags & X86_I_MEM) {
        x86_st16(cpu, insn, insn->seg, x86_ea(cpu, insn), selector);
    } else {
        set_rm(cpu, insn, selector, insn->osize);
    }
    X86_NEXT(cpu, insn);
}

HANDLER(mov_to_sreg)
{
    uint16_t selector = (uint16_t)load_rm(cpu, insn, 2);
    uint32_t salt = cpu->jump_salt;

    x86_begin(cpu, insn);
    x86_load_sreg(cpu, insn->reg, selector);
    return after_load(cpu, insn, insn->reg, salt);
}

HANDLER(pop_sreg)
{
    unsigned seg = row_of(insn)->operand[0] - X86_O_sES;
    uint16_t selector = (uint16_t)stack_top(cpu, insn, insn->osize);
    uint32_t salt = cpu->jump_salt;
    uint64_t mask = cpu->sp_mask;
    uint64_t sp = cpu->gpr[X86_RSP] + insn->osize;

    x86_begin(cpu, insn);
    x86_load_sreg(cpu, seg, selector);
    /* POP SS moves the pointer in the width that the old SS had. */
    if (mask == 0xffff) {
        memcpy(&cpu->gpr[X86_RSP], &sp, 2);
    } else {
        cpu->gpr[X86_RSP] = sp & mask;
    }
    return after_load(cpu, insn, seg, salt);
}

HANDLER(load_far)
{
    static const struct {
        uint16_t mnemonic;
        uint8_t seg;
    } which[] = {{X86_LES, X86_ES},
                 {X86_LDS, X86_DS},
                 {X86_LSS, X86_SS},
                 {X86_LFS, X86_FS},
                 {X86_LGS, X86_GS}};
    uint64_t ea = x86_ea(cpu, insn);
    uint64_t offset = x86_ldn(cpu, insn, insn->seg, ea, insn->osize);
    uint16_t selector = x86_ld16(
        cpu, insn, insn->seg, (ea + insn->osize) & x86_addr_mask(insn->asize));
    uint32_t salt = cpu->jump_salt;
    unsigned i = 0;

    while (which[i].mnemonic != row_of(insn)->mnemonic) {
        i++;
    }
    x86_begin(cpu, insn);
    x86_load_sreg(cpu, which[i].seg, selector);
    set_reg(cpu, insn, offset, insn->osize);
    return x86_continue(cpu, insn, salt);
}

/* ---- looking at descriptors ---- */

static void set_zf(struct x86_cpu *cpu, bool zf)
{
    uint32_t f = x86_arith_flags(cpu) & ~(uint32_t)X86_ZF;

    x86_set_arith_flags(cpu, f | (zf ? (uint32_t)X86_ZF : 0));
}

/* The selector's descriptor, if this privilege may see it. */
static bool visible(struct x86_cpu *cpu, uint16_t selector, struct x86_desc *d)
{
    unsigned type;

    if (!(selector & 0xfffc) || !x86_desc_read(cpu, selector, d)) {
        return false;
    }
    type = x86_desc_type(d);
    if (x86_desc_s(d) && (type & (X86_SEG_CODE | X86_SEG_CONFORM)) ==
                             (X86_SEG_CODE | X86_SEG_CONFORM)) {
        return true;
    }
    return x86_desc_dpl(d) >= cpu->cpl && x86_desc_dpl(d) >= (selector & 3U);
}

/* Bit n: LAR and LSL know system type n. */
enum {
    LAR_LEGACY = 0x1a3e,
    LAR_LONG = 0x1a04,
    LSL_LEGACY = 0x0a0e,
    LSL_LONG = 0x0a04
};

static bool known_type(const struct x86_cpu *cpu, const struct x86_desc *d,
                       unsigned legacy, unsigned wide)
{
    unsigned types = x86_long_mode(cpu) ? wide : legacy;

    return x86_desc_s(d) || types >> x86_desc_type(d) & 1;
}

static no_inline void do_lar(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    uint16_t selector = (uint16_t)load_rm(cpu, insn, 2);
    struct x86_desc d;
    bool ok;

    x86_begin(cpu, insn);
    ok =
        visible(cpu, selector, &d) && known_type(cpu, &d, LAR_LEGACY, LAR_LONG);
    if (ok) {
        set_reg(cpu, insn, d.low >> 32 & 0xffff00, insn->osize);
    }
    set_zf(cpu, ok);
}

HANDLER(lar)
{
    do_lar(cpu, insn);
    X86_NEXT(cpu, insn);
}

static no_inline void do_lsl(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    uint16_t selector = (uint16_t)load_rm(cpu, insn, 2);
    struct x86_desc d;
    bool ok;

    x86_begin(cpu, insn);
    ok =
        visible(cpu, selector, &d) && known_type(cpu, &d, LSL_LEGACY, LSL_LONG);
    if (ok) {
        set_reg(cpu, insn, x86_desc_limit(&d), insn->osize);
    }
    set_zf(cpu, ok);
}

HANDLER(lsl)
{
    do_lsl(cpu, insn);
    X86_NEXT(cpu, insn);
}

static no_inline void do_verr(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    uint16_t selector = (uint16_t)load_rm(cpu, insn, 2);
    bool write = row_of(insn)->mnemonic == X86_VERW;
    struct x86_desc d;
    bool ok;
    unsigned type;

    x86_begin(cpu, insn);
    ok = visible(cpu, selector, &d) && x86_desc_s(&d);
    if (ok) {
        type = x86_desc_type(&d);
        ok = write ? !(type & X86_SEG_CODE) && type & X86_SEG_WRITABLE
                   : !(type & X86_SEG_CODE) || type & X86_SEG_READABLE;
    }
    set_zf(cpu, ok);
}

HANDLER(verr)
{
    do_verr(cpu, insn);
    X86_NEXT(cpu, insn);
}

HANDLER(arpl)
{
    uint16_t want = (uint16_t)get_reg(cpu, insn, 2) & 3;
    uint16_t v;
    bool less;

    probe_rm(cpu, insn, 2);
    v = (uint16_t)load_rm(cpu, insn, 2);
    less = (v & 3) < want;
    if (less) {
        store_rm(cpu, insn, (v & ~3U) | want, 2);
    }
    set_zf(cpu, less);
    X86_NEXT(cpu, insn);
}

/* ---- LDTR, TR, GDTR, IDTR ---- */

HANDLER(lldt)
{
    uint16_t selector = (uint16_t)load_rm(cpu, insn, 2);

    x86_begin(cpu, insn);
    x86_load_ldt(cpu, selector, X86_EXC_GP);
    X86_NEXT(cpu, insn);
}

static no_inline void do_ltr(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    uint16_t selector = (uint16_t)load_rm(cpu, insn, 2);
    uint32_t error = selector & 0xfffc;
    struct x86_desc d;
    unsigned type;

    x86_begin(cpu, insn);
    if (!error || selector & 4) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    x86_desc_get(cpu, selector, X86_EXC_GP, &d);
    type = x86_desc_type(&d);
    if (x86_desc_s(&d) || (type != X86_SYS_TSS32 &&
                           (x86_long_mode(cpu) || type != X86_SYS_TSS16))) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
    if (x86_long_mode(cpu) && (!x86_desc_read_high(cpu, selector, &d) ||
                               !x86_canonical(cpu, x86_desc_base(&d)))) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    x86_desc_set_busy(cpu, selector, true);
    cpu->seg[X86_TR] = x86_desc_seg(&d, selector);
    cpu->seg[X86_TR].attr |= 2;
}

HANDLER(ltr)
{
    do_ltr(cpu, insn);
    X86_NEXT(cpu, insn);
}

static void check_umip(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    if (unlikely(cpu->cr4 & X86_CR4_UMIP && cpu->cpl > 0)) {
        x86_begin(cpu, insn);
        x86_raise_gp0(cpu);
    }
}

HANDLER(sldt)
{
    bool tr = row_of(insn)->mnemonic == X86_STR;
    uint16_t selector = cpu->seg[tr ? X86_TR : X86_LDTR].selector;

    check_umip(cpu, insn);
    store_rm(cpu, insn, selector, insn->flags & X86_I_MEM ? 2 : insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(sgdt)
{
    const struct x86_table *t =
        row_of(insn)->mnemonic == X86_SGDT ? &cpu->gdt : &cpu->idt;
    uint64_t ea = x86_ea(cpu, insn);
    unsigned size = cpu->code64 ? 8 : 4;

    check_umip(cpu, insn);
    x86_probe_st(cpu, insn, insn->seg, ea, size + 2);
    x86_st16(cpu, insn, insn->seg, ea, (uint16_t)t->limit);
    x86_stn(cpu, insn, insn->seg, (ea + 2) & x86_addr_mask(insn->asize),
            t->base, size);
    X86_NEXT(cpu, insn);
}

HANDLER(lgdt)
{
    struct x86_table *t =
        row_of(insn)->mnemonic == X86_LGDT ? &cpu->gdt : &cpu->idt;
    uint64_t ea = x86_ea(cpu, insn);
    unsigned size = cpu->code64 ? 8 : 4;
    uint16_t limit = x86_ld16(cpu, insn, insn->seg, ea);
    uint64_t base = x86_ldn(cpu, insn, insn->seg,
                            (ea + 2) & x86_addr_mask(insn->asize), size);

    if (cpu->code64 && !x86_canonical(cpu, base)) {
        x86_begin(cpu, insn);
        x86_raise_gp0(cpu);
    }
    if (!cpu->code64 && insn->osize == 2) {
        base &= 0xffffff;
    }
    t->limit = limit;
    t->base = base;
    X86_NEXT(cpu, insn);
}

/* ---- FS and GS ---- */

static void check_fsgsbase(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    if (!(cpu->cr4 & X86_CR4_FSGSBASE)) {
        x86_raise(cpu, X86_EXC_UD);
    }
}

HANDLER(rdbase)
{
    unsigned seg = row_of(insn)->mnemonic == X86_RDFSBASE ? X86_FS : X86_GS;

    check_fsgsbase(cpu, insn);
    set_rm(cpu, insn, cpu->seg[seg].base, insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(wrbase)
{
    unsigned seg = row_of(insn)->mnemonic == X86_WRFSBASE ? X86_FS : X86_GS;
    uint64_t base = get_rm(cpu, insn, insn->osize);

    check_fsgsbase(cpu, insn);
    if (!x86_canonical(cpu, base)) {
        x86_raise_gp0(cpu);
    }
    x86_set_base(cpu, seg, base);
    X86_NEXT(cpu, insn);
}

HANDLER(swapgs)
{
    uint64_t base = cpu->seg[X86_GS].base;

    x86_set_base(cpu, X86_GS, cpu->msr.kernel_gs_base);
    cpu->msr.kernel_gs_base = base;
    X86_NEXT(cpu, insn);
}

static x86_exec *pick_mov(const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);

    return row->operand[0] == X86_O_Sw   ? mov_to_sreg
           : row->operand[1] == X86_O_Sw ? mov_from_sreg
                                         : NULL;
}

x86_exec *x86_pick_segment(const struct x86_cpu *cpu,
                           const struct x86_insn *insn)
{
    switch (row_of(insn)->mnemonic) {
    case X86_MOV: return pick_mov(insn);
    case X86_POP: return pop_sreg;
    case X86_LES:
    case X86_LDS:
    case X86_LSS:
    case X86_LFS:
    case X86_LGS: return load_far;
    case X86_LAR: return lar;
    case X86_LSL: return lsl;
    case X86_VERR:
    case X86_VERW: return verr;
    case X86_ARPL: return arpl;
    case X86_LLDT: return lldt;
    case X86_LTR: return ltr;
    case X86_SLDT:
    case X86_STR: return sldt;
    case X86_SGDT:
    case X86_SIDT: return sgdt;
    case X86_LGDT:
    case X86_LIDT: return lgdt;
    case X86_RDFSBASE:
    case X86_RDGSBASE: return rdbase;
    case X86_WRFSBASE:
    case X86_WRGSBASE: return wrbase;
    case X86_SWAPGS: return swapgs;
    default: return NULL;
    }
}
