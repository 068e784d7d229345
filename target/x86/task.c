/* SPDX-License-Identifier: MIT */
/*
 * Task switches through 16- and 32-bit TSSes, and the I/O permission bitmap.
 * [SDM] vol. 3 ch. 7; vol. 1 ch. 19.
 */
#include "target/x86/task.h"

#include "target/x86/control.h"
#include "target/x86/debug.h"
#include "target/x86/interp.h"
#include "target/x86/mmu.h"
#include "target/x86/stack.h"

/* Where things are in a TSS of either width. */
struct layout {
    uint8_t eip, eflags, gpr, sreg, sregs, ldt, size;
    uint8_t width; /* of a register */
    uint8_t step;  /* from one selector to the next */
};

static const struct layout tss32 = {.eip = 0x20,
                                    .eflags = 0x24,
                                    .gpr = 0x28,
                                    .sreg = 0x48,
                                    .sregs = 6,
                                    .ldt = 0x60,
                                    .size = 0x68,
                                    .width = 4,
                                    .step = 4};
static const struct layout tss16 = {.eip = 0x0e,
                                    .eflags = 0x10,
                                    .gpr = 0x12,
                                    .sreg = 0x22,
                                    .sregs = 4,
                                    .ldt = 0x2a,
                                    .size = 0x2c,
                                    .width = 2,
                                    .step = 2};

enum { TSS_CR3 = 0x1c, TSS_TRAP = 0x64, TSS_MAP = 0x66 };

static const struct layout *layout_of(uint32_t attr)
{
    return attr & 8 ? &tss32 : &tss16;
}

void x86_task_desc(struct x86_cpu *cpu, uint16_t selector, bool busy,
                   enum x86_vector vector, struct x86_desc *d)
{
    uint32_t error = selector & 0xfffc;
    unsigned want = busy ? X86_SYS_TSS16_BUSY : X86_SYS_TSS16;

    if (selector & 4 || !error) {
        x86_raise_error(cpu, vector, error);
    }
    x86_desc_get(cpu, selector, vector, d);
    if (x86_desc_s(d) || (x86_desc_type(d) & 7) != want) {
        x86_raise_error(cpu, vector, error);
    }
    if (!x86_desc_p(d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
}

static void put(struct x86_cpu *cpu, uint64_t at, uint64_t value, unsigned size)
{
    x86_st_lin(cpu, X86_TLB_SUP, at & 0xffffffff, &value, size);
}

static void save_old(struct x86_cpu *cpu, uint64_t rip, uint32_t flags)
{
    const struct x86_seg *tr = &cpu->seg[X86_TR];
    const struct layout *l = layout_of(tr->attr);

    put(cpu, tr->base + l->eip, rip, l->width);
    put(cpu, tr->base + l->eflags, flags, l->width);
    for (unsigned i = 0; i < 8; i++) {
        put(cpu, tr->base + l->gpr + i * l->width, cpu->gpr[i], l->width);
    }
    for (unsigned i = 0; i < l->sregs; i++) {
        put(cpu, tr->base + l->sreg + i * l->step, cpu->seg[i].selector, 2);
    }
}

static uint32_t get(const uint8_t *tss, unsigned at, unsigned width)
{
    return (uint32_t)host_ld(tss + at, width);
}

static void load_registers(struct x86_cpu *cpu, const struct layout *l,
                           const uint8_t *tss)
{
    for (unsigned i = 0; i < 8; i++) {
        uint32_t v = get(tss, l->gpr + i * l->width, l->width);

        cpu->gpr[i] = l->width == 2 ? v | 0xffff0000 : v;
    }
    for (unsigned i = 0; i < 6; i++) {
        uint32_t s = i < l->sregs ? get(tss, l->sreg + i * l->step, 2) : 0;

        cpu->seg[i] =
            (struct x86_seg){.selector = (uint16_t)s, .attr = X86_SEG_UNUSABLE};
    }
    cpu->seg[X86_LDTR] = (struct x86_seg){
        .selector = (uint16_t)get(tss, l->ldt, 2), .attr = X86_SEG_UNUSABLE};
}

static void load_cs(struct x86_cpu *cpu, uint16_t selector)
{
    uint32_t error = selector & 0xfffc;
    unsigned rpl = selector & 3;
    struct x86_desc d;
    unsigned type;

    if (!error) {
        x86_raise_error(cpu, X86_EXC_TS, 0);
    }
    x86_desc_get(cpu, selector, X86_EXC_TS, &d);
    type = x86_desc_type(&d);
    if (!x86_desc_s(&d) || !(type & X86_SEG_CODE) ||
        (type & X86_SEG_CONFORM ? x86_desc_dpl(&d) > rpl
                                : x86_desc_dpl(&d) != rpl)) {
        x86_raise_error(cpu, X86_EXC_TS, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
    x86_set_cs(cpu, &d, selector, rpl);
}

static void load_data(struct x86_cpu *cpu, unsigned seg)
{
    uint16_t selector = cpu->seg[seg].selector;
    uint32_t error = selector & 0xfffc;
    struct x86_desc d;
    unsigned type;

    if (!error) {
        return;
    }
    x86_desc_get(cpu, selector, X86_EXC_TS, &d);
    type = x86_desc_type(&d);
    if (!x86_desc_s(&d) ||
        (type & (X86_SEG_CODE | X86_SEG_READABLE)) == X86_SEG_CODE ||
        ((type & (X86_SEG_CODE | X86_SEG_CONFORM)) !=
             (X86_SEG_CODE | X86_SEG_CONFORM) &&
         (x86_desc_dpl(&d) < (selector & 3U) || x86_desc_dpl(&d) < cpu->cpl))) {
        x86_raise_error(cpu, X86_EXC_TS, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
    x86_desc_accessed(cpu, &d);
    cpu->seg[seg] = x86_desc_seg(&d, selector);
}

static void load_segments(struct x86_cpu *cpu)
{
    static const uint8_t data[] = {X86_DS, X86_ES, X86_FS, X86_GS};

    x86_load_ldt(cpu, cpu->seg[X86_LDTR].selector, X86_EXC_TS);
    if (x86_v86_mode(cpu)) {
        for (unsigned i = 0; i < 6; i++) {
            x86_load_v86(cpu, i, cpu->seg[i].selector);
        }
        cpu->cpl = 3;
        x86_mode_changed(cpu);
        return;
    }
    /* CPL is the new CS's RPL from here on. */
    cpu->cpl = cpu->seg[X86_CS].selector & 3;
    x86_mode_changed(cpu);
    load_cs(cpu, cpu->seg[X86_CS].selector);
    cpu->seg[X86_SS] =
        x86_new_ss(cpu, cpu->seg[X86_SS].selector, cpu->cpl, cpu->excp_ext);
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        load_data(cpu, data[i]);
    }
    x86_mode_changed(cpu);
    if (cpu->rip > cpu->seg[X86_CS].limit) {
        x86_raise_gp0(cpu);
    }
}

static void check_sizes(struct x86_cpu *cpu, uint16_t selector,
                        const struct x86_seg *new)
{
    const struct x86_seg *old = &cpu->seg[X86_TR];

    if (new->limit < layout_of(new->attr)->size - 1U) {
        x86_raise_error(cpu, X86_EXC_TS, selector & 0xfffc);
    }
    if (old->attr & X86_SEG_UNUSABLE ||
        old->limit < layout_of(old->attr)->size - 1U) {
        x86_raise_error(cpu, X86_EXC_TS, old->selector & 0xfffc);
    }
}

static void switch_tables(struct x86_cpu *cpu, const uint8_t *tss)
{
    uint32_t cr3 = get(tss, TSS_CR3, 4);

    if (cpu->cr0 & X86_CR0_PG) {
        if (cpu->cr4 & X86_CR4_PAE && !x86_load_pdptes(cpu, cr3, cpu->pdpte)) {
            x86_raise_error(cpu, X86_EXC_TS, cpu->seg[X86_TR].selector);
        }
        cpu->cr3 = cr3;
        x86_tlb_flush(cpu, false);
    }
}

void x86_task_switch(struct x86_cpu *cpu, uint16_t selector, struct x86_desc *d,
                     enum x86_task_reason reason, uint64_t rip)
{
    struct x86_seg new = x86_desc_seg(d, selector);
    const struct layout *l = layout_of(new.attr);
    const struct x86_seg *old = &cpu->seg[X86_TR];
    uint32_t flags = (uint32_t)x86_get_rflags(cpu);
    uint8_t tss[0x68];

    check_sizes(cpu, selector, &new);
    x86_ld_lin(cpu, X86_TLB_SUP, new.base, tss, l->size);
    x86_probe_lin(cpu, X86_TLB_SUP, old->base, layout_of(old->attr)->size,
                  true);
    if (reason != X86_TASK_CALL) {
        x86_desc_set_busy(cpu, old->selector, false);
    }
    save_old(cpu, rip,
             reason == X86_TASK_IRET ? flags & ~(uint32_t)X86_NT : flags);
    if (reason == X86_TASK_CALL) {
        put(cpu, new.base, old->selector, 2);
    }
    if (reason != X86_TASK_IRET) {
        x86_desc_set_busy(cpu, selector, true);
    }
    new.attr |= 2;
    cpu->seg[X86_TR] = new;
    cpu->cr0 |= X86_CR0_TS;
    if (l == &tss32) {
        switch_tables(cpu, tss);
    }
    cpu->dr[7] &= ~UINT64_C(0x55); /* the local breakpoints */
    flags = get(tss, l->eflags, l->width);
    if (reason == X86_TASK_CALL) {
        flags |= X86_NT;
    }
    x86_put_rflags(cpu, flags & 0x3f7fd7);
    load_registers(cpu, l, tss);
    cpu->rip = get(tss, l->eip, l->width);
    /* What is raised from here on is the new task's. */
    cpu->insn = x86_no_insn;
    cpu->block_rip = cpu->rip;
    load_segments(cpu);
    if (l == &tss32 && tss[TSS_TRAP] & 1) {
        cpu->dr6_pending |= X86_DR6_BT;
        __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
    }
    x86_flags_changed(cpu);
}

void x86_task_gate(struct x86_cpu *cpu, uint16_t selector,
                   const struct x86_event *ev)
{
    struct x86_desc d;

    x86_task_desc(cpu, selector, false, X86_EXC_GP, &d);
    x86_task_switch(cpu, selector, &d, X86_TASK_CALL, ev->rip);
    if (ev->has_error) {
        struct x86_stack s = x86_stack_now(cpu);

        x86_stack_push(&s, ev->error, cpu->seg[X86_TR].attr & 8 ? 4 : 2);
        x86_stack_commit(&s);
    }
}

bool x86_io_allowed(struct x86_cpu *cpu, uint16_t port, unsigned len)
{
    const struct x86_seg *tr = &cpu->seg[X86_TR];
    uint16_t map;
    uint16_t bits;

    if (!x86_v86_mode(cpu) &&
        (x86_real_mode(cpu) || cpu->cpl <= (cpu->eflags & X86_IOPL) >> 12)) {
        return true;
    }
    if (tr->attr & X86_SEG_UNUSABLE || !(tr->attr & 8) || tr->limit < 0x67) {
        return false;
    }
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + TSS_MAP, &map, 2);
    if (map + port / 8U + 1 > tr->limit) {
        return false;
    }
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + map + port / 8, &bits, 2);
    return !(bits >> (port & 7) & ((1U << len) - 1));
}
