/* SPDX-License-Identifier: MIT */
/*
 * Delivery of interrupts and exceptions. [SDM] vol. 3 ch. 6.
 */
#ifndef TARGET_X86_INTERRUPT_H
#define TARGET_X86_INTERRUPT_H

#include "target/x86/cpu.h"

enum x86_event_kind {
    X86_EVENT_FAULT,    /* pushes RIP of the instruction, RF set */
    X86_EVENT_TRAP,     /* an exception after its instruction */
    X86_EVENT_EXTERNAL, /* INTR, NMI */
    X86_EVENT_SOFT,     /* INT n, INT3, INTO: gate privilege is checked */
    X86_EVENT_ICEBP,    /* INT1: like SOFT, unchecked */
};

struct x86_desc;

struct x86_event {
    enum x86_event_kind kind;
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t rip; /* to return to */
};

/* Enters the handler. Raises what goes wrong on the way. */
void x86_deliver(struct x86_cpu *cpu, const struct x86_event *ev);
/* INT n in virtual-8086 mode by CR4.VME's redirection: true = done. */
bool x86_vme_interrupt(struct x86_cpu *cpu, uint8_t vector, uint64_t rip);
/* Delivers what x86_raise() left. False: triple fault. */
bool x86_deliver_raised(struct x86_cpu *cpu);
/* #DB for what dr6_pending holds, as a trap. */
void x86_debug_trap(struct x86_cpu *cpu);
/* The stack of privilege `cpl` from the TSS; raises #TS. */
void x86_tss_stack(struct x86_cpu *cpu, unsigned cpl, uint16_t *ss,
                   uint32_t *esp);
/* RSP of the 64-bit TSS: slot 0..2 = RSP0.., 4..10 = IST1.. */
uint64_t x86_tss_rsp(struct x86_cpu *cpu, unsigned slot);
/* Reads and checks the descriptor of a new inner stack; raises #TS or #SS. */
struct x86_seg x86_new_ss(struct x86_cpu *cpu, uint16_t selector, unsigned cpl,
                          unsigned ext);
/* Sets CS to a descriptor at privilege cpl. */
void x86_set_cs(struct x86_cpu *cpu, struct x86_desc *d, uint16_t selector,
                unsigned cpl);
/* After a new TF, RF, IF or AC: the loop must see it. */
void x86_flags_changed(struct x86_cpu *cpu);

#endif
