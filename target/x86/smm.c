/* SPDX-License-Identifier: MIT */
/*
 * SMM entry and RSM, with the state saved as AMD64 processors do where the
 * model has long mode (revision 20064), else as the Pentium and its kin did
 * (revision 20000). [APM] vol. 2, 10.2.
 *
 * Not modelled: I/O instruction restart, SMM of an SVM guest.
 */
#include "target/x86/smm.h"

#include "target/x86/access.h"
#include "target/x86/control.h"
#include "target/x86/excp.h"
#include "target/x86/flags.h"
#include "target/x86/interrupt.h"
#include "target/x86/mmu.h"
#include "target/x86/model.h"
#include "target/x86/segment.h"

enum { /* offsets from SMBASE + 8000 */
       REVISION = 0x7efc,
       REV_LEGACY = 0x20000,
       REV_LONG = 0x20064,
       /* AMD64 */
       L_SEG = 0x7e00, /* ES.., 16 bytes each: selector, attr, limit, base */
       L_GDTR = 0x7e60,
       L_LDTR = 0x7e70,
       L_IDTR = 0x7e80,
       L_TR = 0x7e90,
       L_HALT = 0x7ec9,
       L_EFER = 0x7ed0,
       L_SMBASE = 0x7f00,
       L_CR4 = 0x7f48,
       L_CR3 = 0x7f50,
       L_CR0 = 0x7f58,
       L_DR7 = 0x7f60,
       L_DR6 = 0x7f68,
       L_RFLAGS = 0x7f70,
       L_RIP = 0x7f78,
       L_RAX = 0x7ff8, /* downwards: RCX, RDX, RBX, RSP.., R15 */
       /* 32 bits */
       S_CR0 = 0x7ffc,
       S_CR3 = 0x7ff8,
       S_EFLAGS = 0x7ff4,
       S_EIP = 0x7ff0,
       S_EAX = 0x7fd0, /* upwards: ECX, EDX, EBX, ESP, EBP, ESI, EDI */
       S_DR6 = 0x7fcc,
       S_DR7 = 0x7fc8,
       S_TR = 0x7fc4,
       S_LDTR = 0x7fc0,
       S_SELECTOR = 0x7fa8, /* ES.. */
       S_GDTR_BASE = 0x7f74,
       S_GDTR_LIMIT = 0x7f70,
       S_IDTR_BASE = 0x7f58,
       S_IDTR_LIMIT = 0x7f54,
       S_LDTR_CACHE = 0x7f78, /* attr, limit, base */
       S_TR_CACHE = 0x7f5c,
       S_CR4 = 0x7f14,
       S_HALT = 0x7f02,
       S_SMBASE = 0x7ef8,
};

static uint64_t at(const struct x86_cpu *cpu, unsigned offset)
{
    return cpu->msr.smbase + 0x8000 + offset;
}

static void put(struct x86_cpu *cpu, unsigned offset, uint64_t v, unsigned size)
{
    x86_phys_st(cpu, at(cpu, offset), v, size);
}

static uint64_t get(struct x86_cpu *cpu, unsigned offset, unsigned size)
{
    return space_read(cpu->memory, at(cpu, offset), size);
}

/* Attributes without the hole that the limit leaves in a descriptor. */
static uint64_t packed(uint32_t attr)
{
    uint32_t a = attr & X86_SEG_UNUSABLE ? 0 : attr;

    return (a & 0xff) | (a >> 4 & 0xf00);
}

static uint32_t unpacked(uint64_t v)
{
    uint32_t a = (uint32_t)((v & 0xff) | (v & 0xf00) << 4);

    return a & X86_SEG_P ? a : a | X86_SEG_UNUSABLE;
}

/* ---- AMD64 ---- */

static const uint16_t long_seg[X86_SREGS] = {
    [X86_ES] = L_SEG,        [X86_CS] = L_SEG + 0x10, [X86_SS] = L_SEG + 0x20,
    [X86_DS] = L_SEG + 0x30, [X86_FS] = L_SEG + 0x40, [X86_GS] = L_SEG + 0x50,
    [X86_LDTR] = L_LDTR,     [X86_TR] = L_TR,
};

static void save_long(struct x86_cpu *cpu)
{
    for (unsigned i = 0; i < X86_SREGS; i++) {
        const struct x86_seg *s = &cpu->seg[i];

        put(cpu, long_seg[i], s->selector, 2);
        put(cpu, long_seg[i] + 2, packed(s->attr), 2);
        put(cpu, long_seg[i] + 4, s->limit, 4);
        put(cpu, long_seg[i] + 8, s->base, 8);
    }
    put(cpu, L_GDTR + 4, cpu->gdt.limit, 4);
    put(cpu, L_GDTR + 8, cpu->gdt.base, 8);
    put(cpu, L_IDTR + 4, cpu->idt.limit, 4);
    put(cpu, L_IDTR + 8, cpu->idt.base, 8);
    put(cpu, L_HALT, cpu->halted, 1);
    put(cpu, L_EFER, cpu->msr.efer, 8);
    put(cpu, L_CR4, cpu->cr4, 8);
    put(cpu, L_CR3, cpu->cr3, 8);
    put(cpu, L_CR0, cpu->cr0, 8);
    put(cpu, L_DR7, cpu->dr[7], 8);
    put(cpu, L_DR6, cpu->dr[6], 8);
    put(cpu, L_RFLAGS, x86_get_rflags(cpu), 8);
    put(cpu, L_RIP, cpu->rip, 8);
    for (unsigned i = 0; i < 16; i++) {
        put(cpu, L_RAX - 8 * i, cpu->gpr[i], 8);
    }
    put(cpu, REVISION, REV_LONG, 4);
    put(cpu, L_SMBASE, cpu->msr.smbase, 4);
}

static void load_long(struct x86_cpu *cpu)
{
    for (unsigned i = 0; i < X86_SREGS; i++) {
        cpu->seg[i] = (struct x86_seg){
            .selector = (uint16_t)get(cpu, long_seg[i], 2),
            .attr = unpacked(get(cpu, long_seg[i] + 2, 2)),
            .limit = (uint32_t)get(cpu, long_seg[i] + 4, 4),
            .base = get(cpu, long_seg[i] + 8, 8),
        };
    }
    cpu->gdt.limit = (uint32_t)get(cpu, L_GDTR + 4, 4) & 0xffff;
    cpu->gdt.base = get(cpu, L_GDTR + 8, 8);
    cpu->idt.limit = (uint32_t)get(cpu, L_IDTR + 4, 4) & 0xffff;
    cpu->idt.base = get(cpu, L_IDTR + 8, 8);
    cpu->halted = get(cpu, L_HALT, 1) & 1;
    cpu->msr.efer = get(cpu, L_EFER, 8);
    cpu->cr4 = get(cpu, L_CR4, 8);
    cpu->cr3 = get(cpu, L_CR3, 8);
    cpu->cr0 = get(cpu, L_CR0, 8) & 0xffffffff;
    cpu->dr[7] = get(cpu, L_DR7, 8) & 0xffffffff;
    cpu->dr[6] = get(cpu, L_DR6, 8) & 0xffffffff;
    x86_put_rflags(cpu, get(cpu, L_RFLAGS, 8) & 0x3f7fd7);
    cpu->rip = get(cpu, L_RIP, 8);
    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = get(cpu, L_RAX - 8 * i, 8);
    }
    cpu->msr.smbase = get(cpu, L_SMBASE, 4);
}

/* ---- 32 bits ---- */

static unsigned short_cache(unsigned i)
{
    return i < 3 ? 0x7f84 + i * 12 : 0x7f2c + (i - 3) * 12;
}

static void save_cache(struct x86_cpu *cpu, unsigned offset,
                       const struct x86_seg *s)
{
    put(cpu, offset, packed(s->attr), 4);
    put(cpu, offset + 4, s->limit, 4);
    put(cpu, offset + 8, s->base, 4);
}

static void load_cache(struct x86_cpu *cpu, unsigned offset, unsigned selector,
                       struct x86_seg *s)
{
    s->attr = unpacked(get(cpu, offset, 4));
    s->limit = (uint32_t)get(cpu, offset + 4, 4);
    s->base = get(cpu, offset + 8, 4);
    s->selector = (uint16_t)get(cpu, selector, 4);
}

static void save_short(struct x86_cpu *cpu)
{
    put(cpu, S_CR0, cpu->cr0, 4);
    put(cpu, S_CR3, cpu->cr3, 4);
    put(cpu, S_CR4, cpu->cr4, 4);
    put(cpu, S_EFLAGS, x86_get_rflags(cpu), 4);
    put(cpu, S_EIP, cpu->rip, 4);
    for (unsigned i = 0; i < 8; i++) {
        put(cpu, S_EAX + 4 * i, cpu->gpr[i], 4);
    }
    put(cpu, S_DR6, cpu->dr[6], 4);
    put(cpu, S_DR7, cpu->dr[7], 4);
    put(cpu, S_TR, cpu->seg[X86_TR].selector, 4);
    put(cpu, S_LDTR, cpu->seg[X86_LDTR].selector, 4);
    save_cache(cpu, S_TR_CACHE, &cpu->seg[X86_TR]);
    save_cache(cpu, S_LDTR_CACHE, &cpu->seg[X86_LDTR]);
    for (unsigned i = 0; i < 6; i++) {
        put(cpu, S_SELECTOR + 4 * i, cpu->seg[i].selector, 4);
        save_cache(cpu, short_cache(i), &cpu->seg[i]);
    }
    put(cpu, S_GDTR_BASE, cpu->gdt.base, 4);
    put(cpu, S_GDTR_LIMIT, cpu->gdt.limit, 4);
    put(cpu, S_IDTR_BASE, cpu->idt.base, 4);
    put(cpu, S_IDTR_LIMIT, cpu->idt.limit, 4);
    put(cpu, S_HALT, cpu->halted, 2);
    put(cpu, REVISION, REV_LEGACY, 4);
    put(cpu, S_SMBASE, cpu->msr.smbase, 4);
}

static void load_short(struct x86_cpu *cpu)
{
    cpu->cr0 = get(cpu, S_CR0, 4);
    cpu->cr3 = get(cpu, S_CR3, 4);
    cpu->cr4 = get(cpu, S_CR4, 4);
    x86_put_rflags(cpu, get(cpu, S_EFLAGS, 4) & 0x3f7fd7);
    cpu->rip = get(cpu, S_EIP, 4);
    for (unsigned i = 0; i < 8; i++) {
        cpu->gpr[i] = get(cpu, S_EAX + 4 * i, 4);
    }
    cpu->dr[6] = get(cpu, S_DR6, 4);
    cpu->dr[7] = get(cpu, S_DR7, 4);
    load_cache(cpu, S_TR_CACHE, S_TR, &cpu->seg[X86_TR]);
    load_cache(cpu, S_LDTR_CACHE, S_LDTR, &cpu->seg[X86_LDTR]);
    for (unsigned i = 0; i < 6; i++) {
        load_cache(cpu, short_cache(i), S_SELECTOR + 4 * i, &cpu->seg[i]);
    }
    cpu->gdt.base = get(cpu, S_GDTR_BASE, 4);
    cpu->gdt.limit = (uint32_t)get(cpu, S_GDTR_LIMIT, 4) & 0xffff;
    cpu->idt.base = get(cpu, S_IDTR_BASE, 4);
    cpu->idt.limit = (uint32_t)get(cpu, S_IDTR_LIMIT, 4) & 0xffff;
    cpu->halted = get(cpu, S_HALT, 2) & 1;
    cpu->msr.smbase = get(cpu, S_SMBASE, 4);
}

/* ---- in and out ---- */

static void show_smram(struct x86_cpu *cpu, bool on)
{
    cpu->in_smm = on;
    if (cpu->pins.smiact) {
        cpu->pins.smiact(cpu->pins.to, on);
    }
    x86_tlb_new_view(cpu);
}

static void handler_segments(struct x86_cpu *cpu)
{
    for (unsigned i = 0; i < 6; i++) {
        cpu->seg[i] = (struct x86_seg){
            .limit = 0xffffffff,
            .attr = X86_SEG_P | X86_SEG_S | X86_SEG_WRITABLE |
                    X86_SEG_ACCESSED | X86_SEG_G,
        };
    }
    cpu->seg[X86_CS].selector = (uint16_t)(cpu->msr.smbase >> 4);
    cpu->seg[X86_CS].base = cpu->msr.smbase;
}

void x86_smm_enter(struct x86_cpu *cpu)
{
    show_smram(cpu, true);
    if (x86_has(cpu->model, X86_FEATURE_LM)) {
        save_long(cpu);
    } else {
        save_short(cpu);
    }
    cpu->halted = false;
    cpu->shadow |= X86_SHADOW_SMI | X86_SHADOW_NMI;
    cpu->cr0 &= ~(uint64_t)(X86_CR0_PE | X86_CR0_EM | X86_CR0_TS | X86_CR0_PG);
    cpu->cr4 = 0;
    cpu->msr.efer = 0;
    cpu->dr[7] = 0x400;
    cpu->cpl = 0;
    x86_put_rflags(cpu, X86_FIXED);
    cpu->rip = 0x8000;
    handler_segments(cpu);
    x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
}

void x86_smm_leave(struct x86_cpu *cpu)
{
    if (x86_has(cpu->model, X86_FEATURE_LM)) {
        load_long(cpu);
    } else {
        load_short(cpu);
    }
    cpu->shadow &= (uint8_t) ~(X86_SHADOW_SMI | X86_SHADOW_NMI);
    cpu->cpl = x86_real_mode(cpu) ? 0
               : x86_v86_mode(cpu)
                   ? 3
                   : (uint8_t)((cpu->seg[X86_SS].attr & X86_SEG_DPL) >>
                               X86_SEG_DPL_SHIFT);
    show_smram(cpu, false);
    if (cpu->cr0 & X86_CR0_PG && cpu->cr4 & X86_CR4_PAE &&
        !x86_long_mode(cpu)) {
        x86_load_pdptes(cpu, cpu->cr3, cpu->pdpte);
    }
    x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
    x86_flags_changed(cpu);
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
}
