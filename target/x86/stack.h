/* SPDX-License-Identifier: MIT */
/*
 * A stack that far transfers push to and pop from: the current one or one
 * that is about to become it. Nothing of the CPU changes before the caller
 * commits sp.
 */
#ifndef TARGET_X86_STACK_H
#define TARGET_X86_STACK_H

#include "target/x86/mmu.h"
#include "target/x86/segment.h"

struct x86_stack {
    struct x86_cpu *cpu;
    const struct x86_seg *ss; /* NULL: 64-bit, no limit */
    uint64_t base;
    uint64_t sp;
    uint64_t mask;
    enum x86_tlb_set set;
    uint32_t error; /* of the #SS that is raised where it does not fit */
};

/* The stack SS:sp at privilege cpl. `wide`: 64-bit code is or will be running. */
static inline struct x86_stack x86_stack_at(struct x86_cpu *cpu,
                                            const struct x86_seg *ss,
                                            uint64_t sp, unsigned cpl,
                                            bool wide)
{
    return (struct x86_stack){
        .cpu = cpu,
        .ss = wide ? NULL : ss,
        .base = wide ? 0 : ss->base,
        .sp = sp,
        .mask = wide                    ? ~UINT64_C(0)
                : ss->attr & X86_SEG_DB ? 0xffffffff
                                        : 0xffff,
        .set = x86_data_set(cpu, cpl),
    };
}

static inline struct x86_stack x86_stack_now(struct x86_cpu *cpu)
{
    return x86_stack_at(cpu, &cpu->seg[X86_SS], cpu->gpr[X86_RSP], cpu->cpl,
                        cpu->code64);
}

static inline uint64_t x86_stack_lin(struct x86_stack *s, uint64_t sp,
                                     unsigned size)
{
    uint64_t lin = s->base + (sp & s->mask);

    if (!s->ss) {
        if (!x86_canonical(s->cpu, lin) ||
            !x86_canonical(s->cpu, lin + size - 1)) {
            x86_raise_error(s->cpu, X86_EXC_SS, s->error);
        }
        return lin;
    }
    x86_stack_check(s->cpu, s->ss, sp + size, size, s->error);
    return lin & 0xffffffff;
}

static inline void x86_stack_push(struct x86_stack *s, uint64_t value,
                                  unsigned size)
{
    uint64_t sp = s->sp - size;

    x86_st_lin(s->cpu, s->set, x86_stack_lin(s, sp, size), &value, size);
    s->sp = sp;
}

static inline uint64_t x86_stack_peek(struct x86_stack *s, uint64_t offset,
                                      unsigned size)
{
    uint64_t value = 0;

    x86_ld_lin(s->cpu, s->set, x86_stack_lin(s, s->sp + offset, size), &value,
               size);
    return value;
}

static inline uint64_t x86_stack_pop(struct x86_stack *s, unsigned size)
{
    uint64_t value = x86_stack_peek(s, 0, size);

    s->sp += size;
    return value;
}

/* Makes s->sp the stack pointer. */
static inline void x86_stack_commit(const struct x86_stack *s)
{
    uint64_t *rsp = &s->cpu->gpr[X86_RSP];

    *rsp = s->mask == 0xffff ? (*rsp & ~UINT64_C(0xffff)) | (s->sp & 0xffff)
                             : s->sp & s->mask;
}

#endif
