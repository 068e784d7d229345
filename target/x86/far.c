/* SPDX-License-Identifier: MIT */
/*
 * Control transfers between segments and privilege levels. [SDM] vol. 3 ch. 5;
 * vol. 2: JMP, CALL, RET, IRET, SYSCALL, SYSENTER and their returns.
 */
#include "target/x86/far.h"

#include "target/x86/interp.h"
#include "target/x86/interrupt.h"
#include "target/x86/stack.h"
#include "target/x86/task.h"

static bool conforming(const struct x86_desc *d)
{
    return x86_desc_type(d) & X86_SEG_CONFORM;
}

static bool is_code(const struct x86_desc *d)
{
    return x86_desc_s(d) && x86_desc_type(d) & X86_SEG_CODE;
}

/* L and D both set is no code segment in long mode. */
static void check_long_cs(struct x86_cpu *cpu, const struct x86_desc *d,
                          uint16_t selector)
{
    if (x86_long_mode(cpu) && (x86_desc_attr(d) & (X86_SEG_L | X86_SEG_DB)) ==
                                  (X86_SEG_L | X86_SEG_DB)) {
        x86_raise_error(cpu, X86_EXC_GP, selector & 0xfffc);
    }
}

/* Does `offset` lie in the code segment? Raises #GP(0). */
static void check_target(struct x86_cpu *cpu, const struct x86_desc *d,
                         uint64_t offset)
{
    bool wide = x86_long_mode(cpu) && x86_desc_attr(d) & X86_SEG_L;

    if (wide ? !x86_canonical(cpu, offset) : offset > x86_desc_limit(d)) {
        x86_raise_gp0(cpu);
    }
}

static bool real_like(const struct x86_cpu *cpu)
{
    return x86_real_mode(cpu) || x86_v86_mode(cpu);
}

static void set_real_cs(struct x86_cpu *cpu, uint16_t selector, uint64_t offset)
{
    if (offset > cpu->seg[X86_CS].limit) {
        x86_raise_gp0(cpu);
    }
    if (x86_v86_mode(cpu)) {
        x86_load_v86(cpu, X86_CS, selector);
    } else {
        x86_load_real(cpu, X86_CS, selector);
    }
    cpu->rip = offset;
    x86_mode_changed(cpu);
}

/* A code segment that JMP or CALL names directly. */
static void check_direct(struct x86_cpu *cpu, const struct x86_desc *d,
                         uint16_t selector)
{
    uint32_t error = selector & 0xfffc;
    unsigned dpl = x86_desc_dpl(d);

    if (conforming(d) ? dpl > cpu->cpl
                      : (selector & 3) > cpu->cpl || dpl != cpu->cpl) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    check_long_cs(cpu, d, selector);
    if (!x86_desc_p(d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
}

static void read_target(struct x86_cpu *cpu, uint16_t selector,
                        struct x86_desc *d)
{
    if (!(selector & 0xfffc)) {
        x86_raise_gp0(cpu);
    }
    x86_desc_get(cpu, selector, X86_EXC_GP, d);
}

/* ---- gates and tasks ---- */

static uint16_t gate_selector(const struct x86_desc *d)
{
    return (uint16_t)(d->low >> 16);
}

static uint64_t gate_offset(const struct x86_desc *d)
{
    return (d->low & 0xffff) | (d->low >> 32 & 0xffff0000) | d->high << 32;
}

static void check_gate(struct x86_cpu *cpu, const struct x86_desc *d,
                       uint16_t selector)
{
    uint32_t error = selector & 0xfffc;

    if (x86_desc_dpl(d) < cpu->cpl || x86_desc_dpl(d) < (selector & 3U)) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
}

/* Task gates and TSS descriptors. False: it is neither. */
static bool task_transfer(struct x86_cpu *cpu, uint16_t selector,
                          struct x86_desc *d, enum x86_task_reason reason,
                          uint64_t next)
{
    unsigned type = x86_desc_type(d);
    uint16_t tss = selector;

    if (x86_long_mode(cpu)) {
        return false;
    }
    if (type == X86_SYS_TASK) {
        check_gate(cpu, d, selector);
        tss = gate_selector(d);
    } else if ((type & 7) == X86_SYS_TSS16 ||
               (type & 7) == X86_SYS_TSS16_BUSY) {
        if (x86_desc_dpl(d) < cpu->cpl || x86_desc_dpl(d) < (selector & 3U)) {
            x86_raise_error(cpu, X86_EXC_GP, selector & 0xfffc);
        }
    } else {
        return false;
    }
    x86_task_desc(cpu, tss, false, X86_EXC_GP, d);
    x86_task_switch(cpu, tss, d, reason, next);
    return true;
}

/* The code segment behind a call gate; *d was the gate. */
static void read_gate_target(struct x86_cpu *cpu, struct x86_desc *d,
                             uint16_t selector, struct x86_desc *target,
                             bool jump)
{
    unsigned type = x86_desc_type(d);
    bool wide = x86_long_mode(cpu);
    uint16_t to = gate_selector(d);
    uint32_t error = to & 0xfffc;

    if (type != X86_SYS_CALL32 && (wide || type != X86_SYS_CALL16)) {
        x86_raise_error(cpu, X86_EXC_GP, selector & 0xfffc);
    }
    check_gate(cpu, d, selector);
    if (wide && !x86_desc_read_high(cpu, selector, d)) {
        x86_raise_error(cpu, X86_EXC_GP, selector & 0xfffc);
    }
    if (!error) {
        x86_raise_gp0(cpu);
    }
    x86_desc_get(cpu, to, X86_EXC_GP, target);
    if (!is_code(target) || x86_desc_dpl(target) > cpu->cpl ||
        (jump && !conforming(target) && x86_desc_dpl(target) != cpu->cpl) ||
        (wide &&
         (x86_desc_attr(target) & (X86_SEG_L | X86_SEG_DB)) != X86_SEG_L)) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(target)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
}

/* ---- JMP ---- */

void x86_far_jump(struct x86_cpu *cpu, uint16_t selector, uint64_t offset,
                  unsigned osize)
{
    struct x86_desc d;
    struct x86_desc target;

    if (real_like(cpu)) {
        set_real_cs(cpu, selector, offset);
        return;
    }
    read_target(cpu, selector, &d);
    if (is_code(&d)) {
        check_direct(cpu, &d, selector);
        check_target(cpu, &d, offset);
        x86_set_cs(cpu, &d, selector, cpu->cpl);
        cpu->rip = offset;
        x86_mode_changed(cpu);
        return;
    }
    if (x86_desc_s(&d)) {
        x86_raise_error(cpu, X86_EXC_GP, selector & 0xfffc);
    }
    if (task_transfer(cpu, selector, &d, X86_TASK_JMP,
                      x86_next_rip(cpu, cpu->insn))) {
        return;
    }
    read_gate_target(cpu, &d, selector, &target, true);
    offset = gate_offset(&d);
    if (x86_desc_type(&d) == X86_SYS_CALL16) {
        offset &= 0xffff;
    }
    check_target(cpu, &target, offset);
    x86_set_cs(cpu, &target, gate_selector(&d), cpu->cpl);
    cpu->rip = offset;
    x86_mode_changed(cpu);
}

/* ---- CALL ---- */

/* To an inner level: a new stack with the old one's pointer and parameters. */
static void call_inner(struct x86_cpu *cpu, const struct x86_desc *gate,
                       struct x86_desc *target, uint64_t next)
{
    unsigned cpl = x86_desc_dpl(target);
    unsigned size = x86_desc_type(gate) & 8 ? 4 : 2;
    unsigned count = gate->low >> 32 & 31;
    uint64_t offset = gate_offset(gate);
    struct x86_stack old = x86_stack_now(cpu);
    struct x86_stack s;
    struct x86_seg ss;
    uint16_t selector;
    uint32_t esp;

    offset &= size == 4 ? 0xffffffff : 0xffff;
    x86_tss_stack(cpu, cpl, &selector, &esp);
    ss = x86_new_ss(cpu, selector, cpl, 0);
    s = x86_stack_at(cpu, &ss, esp, cpl, false);
    s.error = selector & 0xfffc;
    x86_stack_push(&s, cpu->seg[X86_SS].selector, size);
    x86_stack_push(&s, cpu->gpr[X86_RSP], size);
    for (unsigned i = count; i-- > 0;) {
        x86_stack_push(&s, x86_stack_peek(&old, (uint64_t)i * size, size),
                       size);
    }
    x86_stack_push(&s, cpu->seg[X86_CS].selector, size);
    x86_stack_push(&s, next, size);
    check_target(cpu, target, offset);
    x86_set_cs(cpu, target, gate_selector(gate), cpl);
    cpu->seg[X86_SS] = ss;
    x86_stack_commit(&s);
    cpu->rip = offset;
}

static void call_inner64(struct x86_cpu *cpu, const struct x86_desc *gate,
                         struct x86_desc *target, uint64_t next)
{
    unsigned cpl = x86_desc_dpl(target);
    struct x86_stack s =
        x86_stack_at(cpu, NULL, x86_tss_rsp(cpu, cpl), cpl, true);

    x86_stack_push(&s, cpu->seg[X86_SS].selector, 8);
    x86_stack_push(&s, cpu->gpr[X86_RSP], 8);
    x86_stack_push(&s, cpu->seg[X86_CS].selector, 8);
    x86_stack_push(&s, next, 8);
    check_target(cpu, target, gate_offset(gate));
    x86_set_cs(cpu, target, gate_selector(gate), cpl);
    cpu->seg[X86_SS] = (struct x86_seg){
        .selector = (uint16_t)cpl,
        .attr = X86_SEG_UNUSABLE | cpl << X86_SEG_DPL_SHIFT,
    };
    x86_stack_commit(&s);
    cpu->rip = gate_offset(gate);
}

static void call_gate(struct x86_cpu *cpu, uint16_t selector,
                      struct x86_desc *gate, uint64_t next)
{
    struct x86_desc target;
    struct x86_stack s;
    uint64_t offset;
    unsigned size;

    read_gate_target(cpu, gate, selector, &target, false);
    if (!conforming(&target) && x86_desc_dpl(&target) < cpu->cpl) {
        if (x86_long_mode(cpu)) {
            call_inner64(cpu, gate, &target, next);
        } else {
            call_inner(cpu, gate, &target, next);
        }
        x86_mode_changed(cpu);
        return;
    }
    size = x86_long_mode(cpu) ? 8 : x86_desc_type(gate) & 8 ? 4 : 2;
    offset = gate_offset(gate) & x86_addr_mask(size);
    s = x86_stack_at(cpu, &cpu->seg[X86_SS], cpu->gpr[X86_RSP], cpu->cpl,
                     x86_long_mode(cpu));
    x86_stack_push(&s, cpu->seg[X86_CS].selector, size);
    x86_stack_push(&s, next, size);
    check_target(cpu, &target, offset);
    x86_set_cs(cpu, &target, gate_selector(gate), cpu->cpl);
    x86_stack_commit(&s);
    cpu->rip = offset;
    x86_mode_changed(cpu);
}

void x86_far_call(struct x86_cpu *cpu, uint16_t selector, uint64_t offset,
                  unsigned osize, uint64_t next)
{
    struct x86_stack s = x86_stack_now(cpu);
    struct x86_desc d;

    if (!real_like(cpu)) {
        read_target(cpu, selector, &d);
        if (!is_code(&d)) {
            if (x86_desc_s(&d)) {
                x86_raise_error(cpu, X86_EXC_GP, selector & 0xfffc);
            }
            if (!task_transfer(cpu, selector, &d, X86_TASK_CALL, next)) {
                call_gate(cpu, selector, &d, next);
            }
            return;
        }
        check_direct(cpu, &d, selector);
        check_target(cpu, &d, offset);
    }
    x86_stack_push(&s, cpu->seg[X86_CS].selector, osize);
    x86_stack_push(&s, next, osize);
    if (real_like(cpu)) {
        set_real_cs(cpu, selector, offset);
        x86_stack_commit(&s);
        return;
    }
    x86_set_cs(cpu, &d, selector, cpu->cpl);
    x86_stack_commit(&s);
    cpu->rip = offset;
    x86_mode_changed(cpu);
}

/* ---- RET, IRET ---- */

/* Checks the CS that a return goes to. */
static void check_return_cs(struct x86_cpu *cpu, uint16_t selector,
                            struct x86_desc *d)
{
    uint32_t error = selector & 0xfffc;
    unsigned rpl = selector & 3;

    if (!error) {
        x86_raise_gp0(cpu);
    }
    x86_desc_get(cpu, selector, X86_EXC_GP, d);
    if (!is_code(d) || rpl < cpu->cpl ||
        (conforming(d) ? x86_desc_dpl(d) > rpl : x86_desc_dpl(d) != rpl)) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    check_long_cs(cpu, d, selector);
    if (!x86_desc_p(d)) {
        x86_raise_error(cpu, X86_EXC_NP, error);
    }
}

/* The SS that a return to level `cpl` goes to. */
static struct x86_seg return_ss(struct x86_cpu *cpu, uint16_t selector,
                                unsigned cpl, bool to64)
{
    uint32_t error = selector & 0xfffc;
    struct x86_desc d;

    if (!error) {
        if (!to64 || cpl == 3) {
            x86_raise_gp0(cpu);
        }
        return (struct x86_seg){.selector = selector,
                                .attr = X86_SEG_UNUSABLE |
                                        cpl << X86_SEG_DPL_SHIFT};
    }
    x86_desc_get(cpu, selector, X86_EXC_GP, &d);
    if ((selector & 3U) != cpl || x86_desc_dpl(&d) != cpl || !x86_desc_s(&d) ||
        (x86_desc_type(&d) & (X86_SEG_CODE | X86_SEG_WRITABLE)) !=
            X86_SEG_WRITABLE) {
        x86_raise_error(cpu, X86_EXC_GP, error);
    }
    if (!x86_desc_p(&d)) {
        x86_raise_error(cpu, X86_EXC_SS, error);
    }
    x86_desc_accessed(cpu, &d);
    return x86_desc_seg(&d, selector);
}

static void leave_inner(struct x86_cpu *cpu)
{
    static const uint8_t data[] = {X86_ES, X86_DS, X86_FS, X86_GS};

    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        x86_sreg_outer(cpu, data[i], cpu->cpl);
    }
}

static void set_sp(struct x86_cpu *cpu, const struct x86_seg *ss, uint64_t sp,
                   bool to64)
{
    struct x86_stack s = x86_stack_at(cpu, ss, sp, cpu->cpl, to64);

    x86_stack_commit(&s);
}

static bool goes_to_64(const struct x86_cpu *cpu, const struct x86_desc *d)
{
    return x86_long_mode(cpu) && x86_desc_attr(d) & X86_SEG_L;
}

void x86_far_return(struct x86_cpu *cpu, unsigned osize, unsigned release)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint64_t rip = x86_stack_pop(&s, osize);
    uint16_t selector = (uint16_t)x86_stack_pop(&s, osize);
    unsigned cpl = selector & 3;
    struct x86_desc d;
    struct x86_seg ss;
    uint64_t sp;
    bool to64;

    s.sp += release;
    if (real_like(cpu)) {
        set_real_cs(cpu, selector, rip);
        x86_stack_commit(&s);
        return;
    }
    check_return_cs(cpu, selector, &d);
    if (cpl == cpu->cpl) {
        check_target(cpu, &d, rip);
        x86_set_cs(cpu, &d, selector, cpl);
        x86_stack_commit(&s);
        cpu->rip = rip;
        x86_mode_changed(cpu);
        return;
    }
    to64 = goes_to_64(cpu, &d);
    sp = x86_stack_pop(&s, osize);
    ss = return_ss(cpu, (uint16_t)x86_stack_pop(&s, osize), cpl, to64);
    check_target(cpu, &d, rip);
    x86_set_cs(cpu, &d, selector, cpl);
    cpu->seg[X86_SS] = ss;
    set_sp(cpu, &ss, sp + release, to64);
    cpu->rip = rip;
    leave_inner(cpu);
    x86_mode_changed(cpu);
}

enum {
    FLAGS_ALWAYS =
        X86_ARITH | X86_TF | X86_DF | X86_NT | X86_RF | X86_AC | X86_ID,
};

/* Sets the flags that IRET may change at this privilege. */
static void iret_flags(struct x86_cpu *cpu, uint64_t flags, uint32_t mask,
                       unsigned osize)
{
    uint64_t old = x86_get_rflags(cpu);

    if (osize == 2) {
        mask &= 0xffff;
    }
    x86_put_rflags(cpu, (old & ~(uint64_t)mask) | (flags & mask));
    x86_flags_changed(cpu);
}

static void iret_real(struct x86_cpu *cpu, unsigned osize)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint64_t rip = x86_stack_pop(&s, osize);
    uint16_t selector = (uint16_t)x86_stack_pop(&s, osize);
    uint64_t flags = x86_stack_pop(&s, osize);

    set_real_cs(cpu, selector, rip);
    x86_stack_commit(&s);
    iret_flags(cpu, flags, FLAGS_ALWAYS | X86_IF | X86_IOPL, osize);
}

static void iret_v86(struct x86_cpu *cpu, unsigned osize)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint64_t rip = x86_stack_pop(&s, osize);
    uint16_t selector = (uint16_t)x86_stack_pop(&s, osize);
    uint64_t flags = x86_stack_pop(&s, osize);

    if ((cpu->eflags & X86_IOPL) == X86_IOPL) {
        set_real_cs(cpu, selector, rip);
        x86_stack_commit(&s);
        iret_flags(cpu, flags, FLAGS_ALWAYS | X86_IF, osize);
        return;
    }
    if (!(cpu->cr4 & X86_CR4_VME) || osize != 2 || flags & X86_TF ||
        (flags & X86_IF && cpu->eflags & X86_VIP)) {
        x86_raise_gp0(cpu);
    }
    set_real_cs(cpu, selector, rip);
    x86_stack_commit(&s);
    cpu->eflags &= ~(uint32_t)X86_VIF;
    cpu->eflags |= flags & X86_IF ? (uint32_t)X86_VIF : 0;
    iret_flags(cpu, flags, FLAGS_ALWAYS, 2);
}

static void iret_to_v86(struct x86_cpu *cpu, struct x86_stack *s, uint64_t rip,
                        uint16_t cs, uint64_t flags)
{
    static const uint8_t order[] = {X86_ES, X86_DS, X86_FS, X86_GS};
    uint64_t esp = x86_stack_pop(s, 4);
    uint16_t ss = (uint16_t)x86_stack_pop(s, 4);
    uint16_t data[4];

    for (unsigned i = 0; i < 4; i++) {
        data[i] = (uint16_t)x86_stack_pop(s, 4);
    }
    x86_put_rflags(cpu, flags & 0x3f7fd7);
    cpu->cpl = 3;
    x86_load_v86(cpu, X86_CS, cs);
    x86_load_v86(cpu, X86_SS, ss);
    for (unsigned i = 0; i < 4; i++) {
        x86_load_v86(cpu, order[i], data[i]);
    }
    cpu->gpr[X86_RSP] = esp;
    cpu->rip = rip & 0xffff;
    x86_mode_changed(cpu);
    x86_flags_changed(cpu);
}

static void iret_task(struct x86_cpu *cpu, uint64_t next)
{
    const struct x86_seg *tr = &cpu->seg[X86_TR];
    struct x86_desc d;
    uint16_t link;

    if (x86_long_mode(cpu)) {
        x86_raise_gp0(cpu);
    }
    x86_ld_lin(cpu, X86_TLB_SUP, tr->base, &link, 2);
    x86_task_desc(cpu, link, true, X86_EXC_TS, &d);
    x86_task_switch(cpu, link, &d, X86_TASK_IRET, next);
}

static void iret_protected(struct x86_cpu *cpu, unsigned osize)
{
    struct x86_stack s = x86_stack_now(cpu);
    uint64_t rip = x86_stack_pop(&s, osize);
    uint16_t selector = (uint16_t)x86_stack_pop(&s, osize);
    uint64_t flags = x86_stack_pop(&s, osize);
    uint32_t mask = FLAGS_ALWAYS;
    unsigned old_cpl = cpu->cpl;
    unsigned cpl = selector & 3;
    struct x86_seg ss = {0};
    struct x86_desc d;
    bool to64;
    bool new_stack;

    if (flags & X86_VM && cpu->cpl == 0 && osize == 4 && !x86_long_mode(cpu)) {
        iret_to_v86(cpu, &s, rip, selector, flags);
        return;
    }
    check_return_cs(cpu, selector, &d);
    to64 = goes_to_64(cpu, &d);
    new_stack = cpl != cpu->cpl || cpu->code64;
    if (new_stack) {
        uint64_t sp = x86_stack_pop(&s, osize);

        ss = return_ss(cpu, (uint16_t)x86_stack_pop(&s, osize), cpl, to64);
        s.sp = sp;
    }
    check_target(cpu, &d, rip);
    x86_set_cs(cpu, &d, selector, cpl);
    if (new_stack) {
        cpu->seg[X86_SS] = ss;
        set_sp(cpu, &ss, s.sp, to64);
    } else {
        x86_stack_commit(&s);
    }
    cpu->rip = rip;
    mask |= old_cpl == 0 ? X86_IOPL | X86_VIF | X86_VIP : 0U;
    mask |= old_cpl <= (cpu->eflags & X86_IOPL) >> 12 ? (uint32_t)X86_IF : 0;
    iret_flags(cpu, flags, mask, osize);
    if (cpl != old_cpl) {
        leave_inner(cpu);
    }
    x86_mode_changed(cpu);
}

void x86_iret(struct x86_cpu *cpu, unsigned osize, uint64_t next)
{
    if (x86_real_mode(cpu)) {
        iret_real(cpu, osize);
    } else if (x86_v86_mode(cpu)) {
        iret_v86(cpu, osize);
    } else if (cpu->eflags & X86_NT) {
        iret_task(cpu, next);
    } else {
        iret_protected(cpu, osize);
    }
    cpu->shadow &= (uint8_t)~X86_SHADOW_NMI;
}

/* ---- fast system calls ---- */

enum {
    FLAT_CODE = 0xc09b,   /* 4 GiB, 32-bit, present, readable, accessed */
    FLAT_CODE64 = 0xa09b, /* L */
    FLAT_DATA = 0xc093,
};

static struct x86_seg flat(unsigned selector, uint32_t attr, unsigned dpl)
{
    return (struct x86_seg){.selector = (uint16_t)selector,
                            .limit = 0xffffffff,
                            .attr = attr | dpl << X86_SEG_DPL_SHIFT};
}

void x86_syscall(struct x86_cpu *cpu, uint64_t next)
{
    unsigned selector = cpu->msr.star >> 32 & 0xfffc;

    if (!(cpu->msr.efer & X86_EFER_SCE)) {
        x86_raise(cpu, X86_EXC_UD);
    }
    cpu->gpr[X86_RCX] = next;
    if (x86_long_mode(cpu)) {
        uint64_t flags = x86_get_rflags(cpu);

        cpu->gpr[11] = flags & ~(uint64_t)X86_RF;
        cpu->rip = cpu->code64 ? cpu->msr.lstar : cpu->msr.cstar;
        x86_put_rflags(cpu, flags & ~cpu->msr.sfmask & ~(uint64_t)X86_RF);
        cpu->seg[X86_CS] = flat(selector, FLAT_CODE64, 0);
    } else {
        cpu->rip = cpu->msr.star & 0xffffffff;
        cpu->eflags &= ~(uint32_t)(X86_VM | X86_IF | X86_RF);
        cpu->seg[X86_CS] = flat(selector, FLAT_CODE, 0);
    }
    cpu->seg[X86_SS] = flat(selector + 8, FLAT_DATA, 0);
    cpu->cpl = 0;
    x86_mode_changed(cpu);
}

void x86_sysret(struct x86_cpu *cpu, bool wide)
{
    unsigned star = cpu->msr.star >> 48 & 0xffff;

    if (!(cpu->msr.efer & X86_EFER_SCE)) {
        x86_raise(cpu, X86_EXC_UD);
    }
    if (x86_real_mode(cpu) || cpu->cpl != 0 ||
        (wide && !x86_canonical(cpu, cpu->gpr[X86_RCX]))) {
        x86_raise_gp0(cpu);
    }
    cpu->rip = wide ? cpu->gpr[X86_RCX] : (uint32_t)cpu->gpr[X86_RCX];
    if (x86_long_mode(cpu)) {
        uint64_t keep = 0x3c7fd7;

        x86_put_rflags(cpu, cpu->gpr[11] & keep);
    } else {
        cpu->eflags |= X86_IF;
    }
    cpu->seg[X86_CS] =
        flat((wide ? star + 16 : star) | 3, wide ? FLAT_CODE64 : FLAT_CODE, 3);
    cpu->seg[X86_SS].selector = (uint16_t)((star + 8) | 3);
    cpu->seg[X86_SS] = flat((star + 8) | 3, FLAT_DATA, 3);
    cpu->cpl = 3;
    x86_mode_changed(cpu);
    x86_flags_changed(cpu);
}

void x86_sysenter(struct x86_cpu *cpu)
{
    unsigned selector = cpu->msr.sysenter_cs & 0xfffc;
    bool wide = x86_long_mode(cpu);

    if (x86_real_mode(cpu) || !selector) {
        x86_raise_gp0(cpu);
    }
    cpu->eflags &= ~(uint32_t)(X86_VM | X86_IF | X86_RF);
    cpu->gpr[X86_RSP] =
        wide ? cpu->msr.sysenter_esp : (uint32_t)cpu->msr.sysenter_esp;
    cpu->rip = wide ? cpu->msr.sysenter_eip : (uint32_t)cpu->msr.sysenter_eip;
    cpu->seg[X86_CS] = flat(selector, wide ? FLAT_CODE64 : FLAT_CODE, 0);
    cpu->seg[X86_SS] = flat(selector + 8, FLAT_DATA, 0);
    cpu->cpl = 0;
    x86_mode_changed(cpu);
}

void x86_sysexit(struct x86_cpu *cpu, bool wide)
{
    unsigned selector = cpu->msr.sysenter_cs & 0xfffc;

    if (x86_real_mode(cpu) || !selector || cpu->cpl != 0 ||
        (wide && (!x86_canonical(cpu, cpu->gpr[X86_RCX]) ||
                  !x86_canonical(cpu, cpu->gpr[X86_RDX])))) {
        x86_raise_gp0(cpu);
    }
    cpu->gpr[X86_RSP] = wide ? cpu->gpr[X86_RCX] : (uint32_t)cpu->gpr[X86_RCX];
    cpu->rip = wide ? cpu->gpr[X86_RDX] : (uint32_t)cpu->gpr[X86_RDX];
    cpu->seg[X86_CS] = flat((selector + (wide ? 32 : 16)) | 3,
                            wide ? FLAT_CODE64 : FLAT_CODE, 3);
    cpu->seg[X86_SS] = flat((selector + (wide ? 40 : 24)) | 3, FLAT_DATA, 3);
    cpu->cpl = 3;
    x86_mode_changed(cpu);
}
