/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions, through the real mode table, gates of all widths,
 * task gates and the 64-bit IDT with its stacks. [SDM] vol. 3 ch. 6, 20.
 */
#include "target/x86/interrupt.h"

#include <setjmp.h>

#include "base/log.h"
#include "target/x86/debug.h"
#include "target/x86/dump.h"
#include "target/x86/interp.h"
#include "target/x86/stack.h"
#include "target/x86/task.h"

/* ---- raising ---- */

static bool contributory(int vector)
{
    return vector == X86_EXC_DE ||
           (vector >= X86_EXC_TS && vector <= X86_EXC_GP);
}

/* What a second exception makes of the first: [SDM] table 6-5. */
static int combine(int first, int second)
{
    if (first == X86_EXC_DF) {
        return -1;
    }
    if (contributory(second) && (contributory(first) || first == X86_EXC_PF)) {
        return X86_EXC_DF;
    }
    if (first == X86_EXC_PF && second == X86_EXC_PF) {
        return X86_EXC_DF;
    }
    return second;
}

static _Noreturn void raise_vector(struct x86_cpu *cpu, int vector,
                                   bool has_error, uint32_t error)
{
    int first = cpu->excp_vector;

    cpu->rip = x86_insn_rip(cpu, cpu->insn);
    cpu->insns -= x86_block_rest(cpu);
    if (first >= 0) {
        vector = combine(first, vector);
        if (vector == X86_EXC_DF) {
            has_error = true;
            error = 0;
        }
    }
    if (has_error && cpu->excp_ext && vector != X86_EXC_PF &&
        vector != X86_EXC_DF && vector != X86_EXC_AC) {
        error |= 1;
    }
    cpu->excp_vector = vector;
    cpu->excp_has_error = has_error;
    cpu->excp_error = error;
    siglongjmp(*cpu->unwind, 1);
}

void x86_raise(struct x86_cpu *cpu, enum x86_vector vector)
{
    raise_vector(cpu, (int)vector, false, 0);
}

void x86_raise_error(struct x86_cpu *cpu, enum x86_vector vector,
                     uint32_t error)
{
    raise_vector(cpu, (int)vector, true, error);
}

/* ---- real mode ---- */

static void deliver_real(struct x86_cpu *cpu, const struct x86_event *ev)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint32_t entry;

    if (ev->vector * 4U + 3 > cpu->idt.limit) {
        x86_raise_error(cpu, X86_EXC_GP, ev->vector * 8U + 2);
    }
    x86_ld_lin(cpu, X86_TLB_SUP, cpu->idt.base + ev->vector * 4U, &entry, 4);
    x86_stack_push(&s, x86_get_rflags(cpu), 2);
    x86_stack_push(&s, cpu->seg[X86_CS].selector, 2);
    x86_stack_push(&s, ev->rip, 2);
    x86_stack_commit(&s);
    cpu->eflags &= ~(uint32_t)(X86_IF | X86_TF | X86_AC | X86_RF);
    x86_load_real(cpu, X86_CS, (uint16_t)(entry >> 16));
    cpu->rip = entry & 0xffff;
    x86_mode_changed(cpu);
}

/* ---- inner stacks ---- */

void x86_tss_stack(struct x86_cpu *cpu, unsigned cpl, uint16_t *ss,
                   uint32_t *esp)
{
    const struct x86_seg *tr = &cpu->seg[X86_TR];
    bool wide = tr->attr & 8;
    uint32_t at = wide ? 4 + cpl * 8 : 2 + cpl * 4;

    if (tr->attr & X86_SEG_UNUSABLE || at + (wide ? 5U : 3U) > tr->limit) {
        x86_raise_error(cpu, X86_EXC_TS, tr->selector & 0xfffc);
    }
    *esp = 0;
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + at, esp, wide ? 4 : 2);
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + at + (wide ? 4 : 2), ss, 2);
}

uint64_t x86_tss_rsp(struct x86_cpu *cpu, unsigned slot)
{
    const struct x86_seg *tr = &cpu->seg[X86_TR];
    uint32_t at = 4 + slot * 8;
    uint64_t rsp;

    if (tr->attr & X86_SEG_UNUSABLE || at + 7 > tr->limit) {
        x86_raise_error(cpu, X86_EXC_TS, tr->selector & 0xfffc);
    }
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + at, &rsp, 8);
    if (!x86_canonical(cpu, rsp)) {
        x86_raise_error(cpu, X86_EXC_SS, 0);
    }
    return rsp;
}

struct x86_seg x86_new_ss(struct x86_cpu *cpu, uint16_t selector, unsigned cpl,
                          unsigned ext)
{
    uint32_t error = (selector & 0xfffcU) | ext;
    struct x86_desc d;

    if (!(selector & 0xfffc)) {
        x86_raise_error(cpu, X86_EXC_TS, ext);
    }
    if (!x86_desc_read(cpu, selector, &d) || (selector & 3U) != cpl ||
        x86_desc_dpl(&d) != cpl || !x86_desc_s(&d) ||
        (x86_desc_type(&d) & (X86_SEG_CODE | X86_SEG_WRITABLE)) !=
            X86_SEG_WRITABLE) {
        x86_raise_error(cpu, X86_EXC_TS, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_SS, error);
    }
    x86_desc_accessed(cpu, &d);
    return x86_desc_seg(&d, selector);
}

void x86_set_cs(struct x86_cpu *cpu, struct x86_desc *d, uint16_t selector,
                unsigned cpl)
{
    x86_desc_accessed(cpu, d);
    cpu->seg[X86_CS] = x86_desc_seg(d, (uint16_t)((selector & 0xfffc) | cpl));
    cpu->cpl = (uint8_t)cpl;
}

void x86_flags_changed(struct x86_cpu *cpu)
{
    if (cpu->eflags & (X86_TF | X86_RF)) {
        __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
    }
    x86_look_at_events(cpu);
}

/* ---- protected mode ---- */

struct gate {
    unsigned type;
    unsigned dpl;
    bool present;
    uint16_t selector;
    uint64_t offset;
    unsigned ist;
};

static uint32_t gate_error(const struct x86_event *ev)
{
    return ev->vector * 8U + 2;
}

static struct gate read_gate(struct x86_cpu *cpu, const struct x86_event *ev)
{
    bool wide = x86_long_mode(cpu);
    unsigned size = wide ? 16 : 8;
    uint64_t at = cpu->idt.base + ev->vector * size;
    uint64_t w[2] = {0, 0};

    if (ev->vector * size + size - 1 > cpu->idt.limit) {
        x86_raise_error(cpu, X86_EXC_GP, gate_error(ev));
    }
    x86_ld_lin(cpu, X86_TLB_SUP, wide ? at : at & 0xffffffff, &w[0], 8);
    if (wide) {
        x86_ld_lin(cpu, X86_TLB_SUP, at + 8, &w[1], 8);
    }
    return (struct gate){
        .type = w[0] >> 40 & 0x1f,
        .dpl = w[0] >> 45 & 3,
        .present = w[0] >> 47 & 1,
        .selector = (uint16_t)(w[0] >> 16),
        .offset = (w[0] & 0xffff) | (w[0] >> 32 & 0xffff0000) | w[1] << 32,
        .ist = wide ? w[0] >> 32 & 7 : 0,
    };
}

static void check_gate(struct x86_cpu *cpu, const struct x86_event *ev,
                       const struct gate *g)
{
    bool known = g->type == X86_SYS_INT32 || g->type == X86_SYS_TRAP32;

    if (!x86_long_mode(cpu)) {
        known |= g->type == X86_SYS_INT16 || g->type == X86_SYS_TRAP16 ||
                 g->type == X86_SYS_TASK;
    }
    if (!known || (ev->kind == X86_EVENT_SOFT && g->dpl < cpu->cpl)) {
        x86_raise_error(cpu, X86_EXC_GP, gate_error(ev));
    }
    if (!g->present) {
        x86_raise_error(cpu, X86_EXC_NP, gate_error(ev));
    }
}

static void read_handler_cs(struct x86_cpu *cpu, const struct gate *g,
                            struct x86_desc *d)
{
    uint32_t error = g->selector & 0xfffc;
    unsigned type;

    if (error == 0) {
        x86_raise_error(cpu, X86_EXC_GP, 0);
    }
    x86_desc_get(cpu, g->selector, X86_EXC_GP, d);
    type = x86_desc_type(d);
    if (!x86_desc_s(d) || !(type & X86_SEG_CODE) ||
        x86_desc_dpl(d) > cpu->cpl ||
        (x86_long_mode(cpu) &&
         (x86_desc_attr(d) & (X86_SEG_L | X86_SEG_DB)) != X86_SEG_L)) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
}

/* EFLAGS as the handler's frame holds them. */
static uint64_t frame_flags(const struct x86_cpu *cpu,
                            const struct x86_event *ev)
{
    uint64_t flags = x86_get_rflags(cpu) & ~(uint64_t)X86_RF;

    return ev->kind == X86_EVENT_FAULT ? flags | X86_RF : flags;
}

static void handler_flags(struct x86_cpu *cpu, const struct gate *g)
{
    cpu->eflags &= ~(uint32_t)(X86_TF | X86_NT | X86_RF | X86_VM);
    if (!(g->type & 1)) {
        cpu->eflags &= ~(uint32_t)X86_IF;
    }
}

static void deliver_long(struct x86_cpu *cpu, const struct x86_event *ev,
                         const struct gate *g)
{
    uint64_t flags = frame_flags(cpu, ev);
    uint64_t rsp = cpu->gpr[X86_RSP];
    struct x86_stack s;
    struct x86_desc d;
    unsigned cpl;
    bool inner;

    read_handler_cs(cpu, g, &d);
    cpl = x86_desc_type(&d) & X86_SEG_CONFORM ? cpu->cpl : x86_desc_dpl(&d);
    inner = cpl < cpu->cpl;
    if (g->ist) {
        rsp = x86_tss_rsp(cpu, g->ist + 3);
    } else if (inner) {
        rsp = x86_tss_rsp(cpu, cpl);
    }
    if (!x86_canonical(cpu, g->offset)) {
        x86_raise_gp0(cpu);
    }
    s = x86_stack_at(cpu, NULL, rsp & ~UINT64_C(15), cpl, true);
    x86_stack_push(&s, cpu->seg[X86_SS].selector, 8);
    x86_stack_push(&s, cpu->gpr[X86_RSP], 8);
    x86_stack_push(&s, flags, 8);
    x86_stack_push(&s, cpu->seg[X86_CS].selector, 8);
    x86_stack_push(&s, ev->rip, 8);
    if (ev->has_error) {
        x86_stack_push(&s, ev->error, 8);
    }
    x86_set_cs(cpu, &d, g->selector, cpl);
    if (inner) {
        cpu->seg[X86_SS] = (struct x86_seg){
            .selector = (uint16_t)cpl,
            .attr = X86_SEG_UNUSABLE | cpl << X86_SEG_DPL_SHIFT,
        };
    }
    x86_stack_commit(&s);
    cpu->rip = g->offset;
    handler_flags(cpu, g);
    x86_mode_changed(cpu);
}

static void push_v86_segments(struct x86_cpu *cpu, struct x86_stack *s,
                              unsigned size)
{
    static const uint8_t order[] = {X86_GS, X86_FS, X86_DS, X86_ES};

    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        x86_stack_push(s, cpu->seg[order[i]].selector, size);
    }
}

static void null_data_segments(struct x86_cpu *cpu)
{
    static const uint8_t all[] = {X86_GS, X86_FS, X86_DS, X86_ES};

    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        cpu->seg[all[i]] = (struct x86_seg){.attr = X86_SEG_UNUSABLE};
    }
}

/* The stack that the handler runs on; *ss is its new SS, if it changes. */
static struct x86_stack handler_stack(struct x86_cpu *cpu, unsigned cpl,
                                      bool inner, struct x86_seg *ss)
{
    unsigned ext = cpu->excp_ext;
    struct x86_stack s;
    uint16_t selector;
    uint32_t esp;

    if (!inner) {
        return x86_stack_now(cpu);
    }
    x86_tss_stack(cpu, cpl, &selector, &esp);
    *ss = x86_new_ss(cpu, selector, cpl, ext);
    s = x86_stack_at(cpu, ss, esp, cpl, false);
    s.error = selector & 0xfffc;
    return s;
}

static void deliver_gate(struct x86_cpu *cpu, const struct x86_event *ev,
                         const struct gate *g)
{
    uint64_t flags = frame_flags(cpu, ev);
    bool v86 = x86_v86_mode(cpu);
    unsigned size = g->type & 8 ? 4 : 2;
    struct x86_stack s;
    struct x86_seg ss;
    struct x86_desc d;
    uint64_t offset = size == 4 ? g->offset & 0xffffffff : g->offset & 0xffff;
    unsigned cpl;
    bool inner;

    read_handler_cs(cpu, g, &d);
    cpl = x86_desc_type(&d) & X86_SEG_CONFORM ? cpu->cpl : x86_desc_dpl(&d);
    inner = cpl < cpu->cpl;
    if (v86 && (!inner || cpl != 0)) {
        x86_raise_error(cpu, X86_EXC_GP, g->selector & 0xfffc);
    }
    s = handler_stack(cpu, cpl, inner, &ss);
    if (offset > x86_desc_limit(&d)) {
        x86_raise_gp0(cpu);
    }
    if (v86) {
        push_v86_segments(cpu, &s, size);
    }
    if (inner) {
        x86_stack_push(&s, cpu->seg[X86_SS].selector, size);
        x86_stack_push(&s, cpu->gpr[X86_RSP], size);
    }
    x86_stack_push(&s, flags, size);
    x86_stack_push(&s, cpu->seg[X86_CS].selector, size);
    x86_stack_push(&s, ev->rip, size);
    if (ev->has_error) {
        x86_stack_push(&s, ev->error, size);
    }
    x86_set_cs(cpu, &d, g->selector, cpl);
    if (inner) {
        cpu->seg[X86_SS] = ss;
    }
    if (v86) {
        null_data_segments(cpu);
    }
    x86_stack_commit(&s);
    cpu->rip = offset;
    handler_flags(cpu, g);
    x86_mode_changed(cpu);
}

static void log_event(const struct x86_cpu *cpu, const struct x86_event *ev)
{
    static const char *const kind[] = {"fault", "trap", "intr", "int", "int1"};

    log_print("cpu %u: %s %02x e=%04x cpl=%u ip=%04x:%016" G_GINT64_MODIFIER
              "x sp=%04x:%016" G_GINT64_MODIFIER "x cr2=%016" G_GINT64_MODIFIER
              "x ax=%016" G_GINT64_MODIFIER "x\n",
              cpu->index, kind[ev->kind], ev->vector, ev->error, cpu->cpl,
              cpu->seg[X86_CS].selector, ev->rip, cpu->seg[X86_SS].selector,
              cpu->gpr[X86_RSP], cpu->cr2, cpu->gpr[X86_RAX]);
}

void x86_deliver(struct x86_cpu *cpu, const struct x86_event *ev)
{
    struct gate g;

    if (log_on(LOG_INT)) {
        log_event(cpu, ev);
    }
    cpu->shadow &= (uint8_t) ~(X86_SHADOW_STI | X86_SHADOW_MOVSS);
    cpu->dr6_pending = 0;
    cpu->excp_ext = ev->kind != X86_EVENT_SOFT;
    if (x86_real_mode(cpu)) {
        deliver_real(cpu, ev);
    } else {
        g = read_gate(cpu, ev);
        check_gate(cpu, ev, &g);
        if (g.type == X86_SYS_TASK) {
            x86_task_gate(cpu, g.selector, ev);
        } else if (x86_long_mode(cpu)) {
            deliver_long(cpu, ev, &g);
        } else {
            deliver_gate(cpu, ev, &g);
        }
    }
    cpu->excp_ext = false;
    cpu->excp_vector = -1;
}

/* ---- virtual-8086 mode extensions ---- */

bool x86_vme_interrupt(struct x86_cpu *cpu, uint8_t vector, uint64_t rip)
{
    const struct x86_seg *tr = &cpu->seg[X86_TR];
    bool low_iopl = (cpu->eflags & X86_IOPL) != X86_IOPL;
    struct x86_stack s;
    uint16_t map;
    uint8_t bits;
    uint32_t entry;
    uint32_t flags;

    if (!(cpu->cr4 & X86_CR4_VME) || tr->limit < 0x67) {
        return false;
    }
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + 0x66, &map, 2);
    if (map < 32 || map - 32U + vector / 8U > tr->limit) {
        return false;
    }
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base + map - 32 + vector / 8, &bits, 1);
    if (bits >> (vector & 7) & 1) {
        return false;
    }
    x86_ld_lin(cpu, X86_TLB_USER, vector * 4U, &entry, 4);
    flags = (uint32_t)x86_get_rflags(cpu);
    if (low_iopl) {
        flags = (flags & ~(uint32_t)X86_IF) | X86_IOPL |
                (flags & X86_VIF ? (uint32_t)X86_IF : 0);
    }
    s = x86_stack_now(cpu);
    x86_stack_push(&s, flags, 2);
    x86_stack_push(&s, cpu->seg[X86_CS].selector, 2);
    x86_stack_push(&s, rip, 2);
    x86_stack_commit(&s);
    cpu->eflags &= ~(uint32_t)(X86_TF | (low_iopl ? X86_VIF : X86_IF));
    x86_load_v86(cpu, X86_CS, (uint16_t)(entry >> 16));
    cpu->rip = entry & 0xffff;
    x86_mode_changed(cpu);
    return true;
}

/* ---- from the loop ---- */

bool x86_deliver_raised(struct x86_cpu *cpu)
{
    int vector = cpu->excp_vector;
    struct x86_event ev = {
        .kind = vector == X86_EXC_DF || vector == X86_EXC_MC ? X86_EVENT_TRAP
                                                             : X86_EVENT_FAULT,
        .vector = (uint8_t)vector,
        .has_error = cpu->excp_has_error,
        .error = cpu->excp_error,
        .rip = cpu->rip,
    };

    if (vector < 0) {
        cpu->excp_ext = false;
        x86_autopsy(cpu);
        return false;
    }
    if (vector == X86_EXC_DB) {
        cpu->dr[7] &= ~(uint64_t)X86_DR7_GD;
        ev.kind = X86_EVENT_TRAP; /* an instruction breakpoint: no RF */
    }
    cpu->insn = x86_no_insn;
    cpu->block_rip = cpu->rip;
    x86_deliver(cpu, &ev);
    return true;
}

void x86_debug_trap(struct x86_cpu *cpu)
{
    struct x86_event ev = {
        .kind = X86_EVENT_TRAP, .vector = X86_EXC_DB, .rip = cpu->rip};

    cpu->dr[6] |= cpu->dr6_pending;
    cpu->dr[7] &= ~(uint64_t)X86_DR7_GD;
    cpu->insn = x86_no_insn;
    cpu->block_rip = cpu->rip;
    cpu->excp_vector = X86_EXC_DB;
    cpu->excp_has_error = false;
    x86_deliver(cpu, &ev);
}
