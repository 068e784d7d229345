/* SPDX-License-Identifier: MIT */
/*
 * The x87 status word: exceptions, and how they reach the outside: #MF with
 * CR0.NE set, else the FERR# pin (IRQ 13 on a PC). [SDM] vol. 1 ch. 8.6-8.7,
 * vol. 3 ch. 2.5.
 *
 * Not modelled: the freeze until an interrupt arrives when an exception is
 * pending, NE is clear and IGNNE# is not active: FERR# goes up as soon as the
 * exception happens, and later waiting instructions run. FOP is kept only for
 * unmasked exceptions (as the newer CPUs do), and its ModRM.mod is rebuilt
 * from the shortest encoding of the displacement.
 */
#include "target/x86/x87.h"

static void set_ferr(struct x86_cpu *cpu, bool level)
{
    if (cpu->ferr == level && !level)
        return;
    cpu->ferr = level;
    if (cpu->pins.ferr)
        cpu->pins.ferr(cpu->pins.to, level);
}

void x87_update_es(struct x86_cpu *cpu)
{
    struct x86_fpu *fpu = &cpu->fpu;

    if (fpu->fsw & ~fpu->fcw & FP_ALL) {
        fpu->fsw |= FP_ES | FP_B;
        if (!(cpu->cr0 & X86_CR0_NE))
            set_ferr(cpu, true);
    } else {
        fpu->fsw &= (uint16_t) ~(FP_ES | FP_B);
        set_ferr(cpu, false);
    }
}

void x87_pending(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    if (cpu->cr0 & X86_CR0_NE)
        x86_raise(cpu, X86_EXC_MF);
    set_ferr(cpu, true);
}

static uint16_t insn_fop(const struct x86_insn *insn)
{
    unsigned mod = 3, rm = insn->rm & 7;

    if (insn->flags & X86_I_MEM) {
        mod = insn->disp == 0 ? 0 : insn->disp == (int8_t)insn->disp ? 1 : 2;
        rm = insn->base < 16 ? insn->base & 7 : 5;
    }
    return (uint16_t)((insn->opcode & 7) << 8 | mod << 6 |
                      (insn->reg & 7) << 3 | rm);
}

bool x87_signal(struct x86_cpu *cpu, const struct x86_insn *insn,
                uint32_t flags)
{
    struct x86_fpu *fpu = &cpu->fpu;

    fpu->fsw = (uint16_t)((fpu->fsw & ~FP_C1) | flags);
    if (!(flags & ~(uint32_t)fpu->fcw & FP_ALL))
        return false;
    fpu->fop = insn_fop(insn);
    x87_update_es(cpu);
    return true;
}
