/* SPDX-License-Identifier: MIT */
#include "target/x86/segment.h"

#include "target/x86/block.h"
#include "target/x86/mmu.h"

uint64_t x86_desc_base(const struct x86_desc *d)
{
    return (d->low >> 16 & 0xffffff) | (d->low >> 56 & 0xff) << 24 |
           (d->high & 0xffffffff) << 32;
}

uint32_t x86_desc_limit(const struct x86_desc *d)
{
    uint32_t limit = (uint32_t)((d->low & 0xffff) | (d->low >> 32 & 0xf0000));

    return d->low >> 55 & 1 ? limit << 12 | 0xfff : limit;
}

struct x86_seg x86_desc_seg(const struct x86_desc *d, uint16_t selector)
{
    return (struct x86_seg){.base = x86_desc_base(d),
                            .limit = x86_desc_limit(d),
                            .attr = x86_desc_attr(d),
                            .selector = selector};
}

/* Where the 8 bytes of a selector's descriptor lie, if its table has them. */
static bool desc_at(const struct x86_cpu *cpu, uint16_t selector,
                    unsigned bytes, uint64_t *at)
{
    const struct x86_seg *ldt = &cpu->seg[X86_LDTR];
    uint32_t offset = selector & 0xfff8;

    if (!(selector & 4)) {
        *at = cpu->gdt.base + offset;
        return offset + bytes - 1 <= cpu->gdt.limit;
    }
    *at = ldt->base + offset;
    return !(ldt->attr & X86_SEG_UNUSABLE) && offset + bytes - 1 <= ldt->limit;
}

static uint64_t sys_mask(const struct x86_cpu *cpu)
{
    return x86_long_mode(cpu) ? ~UINT64_C(0) : 0xffffffff;
}

bool x86_desc_read(struct x86_cpu *cpu, uint16_t selector, struct x86_desc *d)
{
    if (!desc_at(cpu, selector, 8, &d->at)) {
        return false;
    }
    d->at &= sys_mask(cpu);
    d->high = 0;
    x86_ld_lin(cpu, X86_TLB_SUP, d->at, &d->low, 8);
    return true;
}

void x86_desc_get(struct x86_cpu *cpu, uint16_t selector,
                  enum x86_vector vector, struct x86_desc *d)
{
    if (!x86_desc_read(cpu, selector, d)) {
        x86_raise_error(cpu, vector, selector & 0xfffc);
    }
}

bool x86_desc_read_high(struct x86_cpu *cpu, uint16_t selector,
                        struct x86_desc *d)
{
    uint64_t at;

    if (!desc_at(cpu, selector, 16, &at)) {
        return false;
    }
    x86_ld_lin(cpu, X86_TLB_SUP, at + 8, &d->high, 8);
    return !(d->high >> 40 & 0x1f);
}

void x86_desc_accessed(struct x86_cpu *cpu, struct x86_desc *d)
{
    if (!(d->low >> 40 & X86_SEG_ACCESSED)) {
        uint8_t byte;

        d->low |= (uint64_t)X86_SEG_ACCESSED << 40;
        byte = (uint8_t)(d->low >> 40);
        x86_st_lin(cpu, X86_TLB_SUP, d->at + 5, &byte, 1);
    }
}

void x86_desc_set_busy(struct x86_cpu *cpu, uint16_t selector, bool busy)
{
    uint64_t at = cpu->gdt.base + (selector & 0xfff8) + 5;
    uint8_t byte;

    x86_ld_lin(cpu, X86_TLB_SUP, at, &byte, 1);
    byte = (uint8_t)(busy ? byte | 2 : byte & ~2);
    x86_st_lin(cpu, X86_TLB_SUP, at, &byte, 1);
}

static _Noreturn void seg_fault(struct x86_cpu *cpu, unsigned seg)
{
    x86_raise_error(cpu, seg == X86_SS ? X86_EXC_SS : X86_EXC_GP, 0);
}

/* Do offsets ea..ea + len - 1 lie in the segment? */
static bool in_limit(const struct x86_seg *s, uint64_t ea, unsigned len)
{
    uint64_t last = ea + len - 1;

    if ((s->attr & (X86_SEG_S | X86_SEG_CODE | X86_SEG_EXPAND)) ==
        (X86_SEG_S | X86_SEG_EXPAND)) {
        return ea > s->limit &&
               last <= (s->attr & X86_SEG_DB ? 0xffffffff : 0xffff);
    }
    return last <= s->limit;
}

static bool rights_ok(const struct x86_seg *s, bool write)
{
    if (s->attr & X86_SEG_UNUSABLE) {
        return false;
    }
    if (s->attr & X86_SEG_CODE) {
        return !write && s->attr & X86_SEG_READABLE;
    }
    return !write || s->attr & X86_SEG_WRITABLE;
}

uint64_t x86_seg_check(struct x86_cpu *cpu, unsigned seg, uint64_t ea,
                       unsigned len, bool write)
{
    const struct x86_seg *s = &cpu->seg[seg];

    if (cpu->code64) {
        uint64_t lin = cpu->hot[seg].base + ea;

        if (!x86_canonical(cpu, lin) || !x86_canonical(cpu, lin + len - 1)) {
            seg_fault(cpu, seg);
        }
        return lin;
    }
    if ((x86_protected(cpu) && !rights_ok(s, write)) || !in_limit(s, ea, len)) {
        seg_fault(cpu, seg);
    }
    return (s->base + ea) & 0xffffffff;
}

void x86_stack_check(struct x86_cpu *cpu, const struct x86_seg *ss,
                     uint64_t esp, unsigned bytes, uint32_t error)
{
    uint64_t mask = ss->attr & X86_SEG_DB ? 0xffffffff : 0xffff;

    uint64_t first = (esp - bytes) & mask;
    uint64_t last = (esp - 1) & mask;

    if (first > last || !in_limit(ss, first, 1) || !in_limit(ss, last, 1)) {
        x86_raise_error(cpu, X86_EXC_SS, error);
    }
}

/* ---- loading ---- */

static void load_null(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector)
{
    cpu->seg[seg] = (struct x86_seg){
        .selector = selector,
        .attr = X86_SEG_UNUSABLE |
                (seg == X86_SS ? (uint32_t)cpu->cpl << X86_SEG_DPL_SHIFT : 0),
    };
}

static void load_ss(struct x86_cpu *cpu, uint16_t selector)
{
    uint32_t error = selector & 0xfffc;
    struct x86_desc d;

    if (error == 0) {
        if (!cpu->code64 || cpu->cpl == 3 || (selector & 3) != cpu->cpl) {
            x86_raise_gp0(cpu);
        }
        load_null(cpu, X86_SS, selector);
        return;
    }
    x86_desc_get(cpu, selector, X86_EXC_GP, &d);
    if ((selector & 3) != cpu->cpl || x86_desc_dpl(&d) != cpu->cpl ||
        !x86_desc_s(&d) ||
        (x86_desc_type(&d) & (X86_SEG_CODE | X86_SEG_WRITABLE)) !=
            X86_SEG_WRITABLE) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_SS, error);
    }
    x86_desc_accessed(cpu, &d);
    cpu->seg[X86_SS] = x86_desc_seg(&d, selector);
}

static void load_data(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector)
{
    uint32_t error = selector & 0xfffc;
    struct x86_desc d;
    unsigned type;

    if (error == 0) {
        load_null(cpu, seg, selector);
        return;
    }
    x86_desc_get(cpu, selector, X86_EXC_GP, &d);
    type = x86_desc_type(&d);
    if (!x86_desc_s(&d) ||
        (type & (X86_SEG_CODE | X86_SEG_READABLE)) == X86_SEG_CODE ||
        ((type & (X86_SEG_CODE | X86_SEG_CONFORM)) !=
             (X86_SEG_CODE | X86_SEG_CONFORM) &&
         (x86_desc_dpl(&d) < (selector & 3) || x86_desc_dpl(&d) < cpu->cpl))) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
    x86_desc_accessed(cpu, &d);
    cpu->seg[seg] = x86_desc_seg(&d, selector);
}

void x86_load_real(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector)
{
    struct x86_seg *s = &cpu->seg[seg];

    /* Limit and size stay what protected mode left: "unreal" mode. */
    if (s->attr & X86_SEG_UNUSABLE) {
        s->limit = 0xffff;
        s->attr = 0;
    }
    s->attr = (s->attr & (X86_SEG_DB | X86_SEG_G)) | X86_SEG_P | X86_SEG_S |
              X86_SEG_WRITABLE | X86_SEG_ACCESSED;
    s->selector = selector;
    s->base = (uint64_t)selector << 4;
}

void x86_load_v86(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector)
{
    cpu->seg[seg] = (struct x86_seg){
        .selector = selector,
        .base = (uint64_t)selector << 4,
        .limit = 0xffff,
        .attr = X86_SEG_P | X86_SEG_S | X86_SEG_DPL | X86_SEG_WRITABLE |
                X86_SEG_ACCESSED,
    };
}

void x86_load_sreg(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector)
{
    if (x86_real_mode(cpu)) {
        x86_load_real(cpu, seg, selector);
    } else if (x86_v86_mode(cpu)) {
        x86_load_v86(cpu, seg, selector);
    } else if (seg == X86_SS) {
        load_ss(cpu, selector);
    } else {
        load_data(cpu, seg, selector);
    }
    x86_data_segs_changed(cpu);
}

void x86_sreg_outer(struct x86_cpu *cpu, enum x86_sreg seg, unsigned cpl)
{
    const struct x86_seg *s = &cpu->seg[seg];
    bool conforming = (s->attr & (X86_SEG_CODE | X86_SEG_CONFORM)) ==
                      (X86_SEG_CODE | X86_SEG_CONFORM);
    unsigned dpl = (s->attr & X86_SEG_DPL) >> X86_SEG_DPL_SHIFT;

    if (!(s->attr & X86_SEG_UNUSABLE) && !conforming && dpl < cpl) {
        load_null(cpu, seg, 0);
    }
}

void x86_load_ldt(struct x86_cpu *cpu, uint16_t selector,
                  enum x86_vector invalid)
{
    uint32_t error = selector & 0xfffc;
    struct x86_desc d;

    if (error == 0) {
        load_null(cpu, X86_LDTR, selector);
        return;
    }
    if (selector & 4) {
        x86_raise_error(cpu, invalid, error);
    }
    x86_desc_get(cpu, selector, invalid, &d);
    if (x86_desc_s(&d) || x86_desc_type(&d) != X86_SYS_LDT) {
        x86_raise_error(cpu, invalid, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, invalid == X86_EXC_GP ? X86_EXC_NP : invalid,
                        error);
    }
    if (x86_long_mode(cpu) && (!x86_desc_read_high(cpu, selector, &d) ||
                               !x86_canonical(cpu, x86_desc_base(&d)))) {
        x86_raise_error(cpu, invalid, error);
    }
    cpu->seg[X86_LDTR] = x86_desc_seg(&d, selector);
}

/* ---- derived state ---- */

static void derive_hot(struct x86_cpu *cpu, unsigned seg)
{
    const struct x86_seg *s = &cpu->seg[seg];
    struct x86_seg_hot *h = &cpu->hot[seg];
    bool check = x86_protected(cpu);
    bool down = (s->attr & (X86_SEG_CODE | X86_SEG_EXPAND)) == X86_SEG_EXPAND;
    uint64_t end = down ? 0 : (uint64_t)s->limit + 1;

    if (cpu->code64) {
        h->base = seg >= X86_FS ? s->base : 0;
        h->rd_end = ~UINT64_C(0);
        h->wr_end = ~UINT64_C(0);
        return;
    }
    h->base = s->base;
    h->rd_end = !check || rights_ok(s, false) ? end : 0;
    h->wr_end = !check || rights_ok(s, true) ? end : 0;
}

void x86_data_segs_changed(struct x86_cpu *cpu)
{
    cpu->stack32 = cpu->seg[X86_SS].attr & X86_SEG_DB;
    cpu->sp_mask = cpu->code64    ? ~UINT64_C(0)
                   : cpu->stack32 ? 0xffffffff
                                  : 0xffff;
    for (unsigned seg = 0; seg < 6; seg++) {
        derive_hot(cpu, seg);
    }
    x86_jumps_mode(cpu);
}

void x86_choose_tlb(struct x86_cpu *cpu)
{
    enum x86_tlb_set set = x86_data_set(cpu, cpu->cpl);

    if (cpu->cpl == 3 && cpu->cr0 & X86_CR0_AM && cpu->eflags & X86_AC) {
        set = X86_TLB_NONE;
    }
    cpu->tlb_rd = &cpu->tlb->rd[set];
    cpu->tlb_wr = &cpu->tlb->wr[set];
}

void x86_mode_changed(struct x86_cpu *cpu)
{
    const struct x86_seg *cs = &cpu->seg[X86_CS];

    x86_choose_tlb(cpu);
    cpu->code64 = x86_long_mode(cpu) && cs->attr & X86_SEG_L;
    cpu->code32 = !cpu->code64 && cs->attr & X86_SEG_DB;
    cpu->lin_mask = cpu->code64 ? ~UINT64_C(0) : 0xffffffff;
    x86_data_segs_changed(cpu);
}
