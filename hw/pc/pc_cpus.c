/* SPDX-License-Identifier: MIT */
/*
 * The CPUs of a PC and what their pins are wired to.
 */
#include "hw/intc/i8259.h"
#include "hw/isa/isa.h"
#include "hw/pc/pc_parts.h"
#include "target/x86/interp.h"
#include "target/x86/model.h"

enum { TSC_KHZ = 1000000 }; /* one tick a nanosecond */

/* A CPU's view of the board. */
struct cpu_pins {
    struct machine *machine;
    struct vcpu *vcpu;
    struct i8259 *pic;
    struct wire ferr;                  /* IRQ 13 */
    void (*smiact)(void *to, bool on); /* the chipset, NULL = none */
    void *smiact_to;
};

static int pins_intack(void *to)
{
    struct cpu_pins *p = to;
    int vector;

    lock_enter(&p->machine->lock);
    vector = i8259_ack(p->pic);
    lock_leave(&p->machine->lock);
    return vector;
}

static void pins_ferr(void *to, bool level)
{
    struct cpu_pins *p = to;

    lock_enter(&p->machine->lock);
    wire_set(&p->ferr, level);
    lock_leave(&p->machine->lock);
}

static void pins_triple_fault(void *to)
{
    struct cpu_pins *p = to;

    machine_request(p->machine, MACHINE_RESET);
}

static void pins_smiact(void *to, bool on)
{
    struct cpu_pins *p = to;

    lock_enter(&p->machine->lock);
    if (p->smiact) {
        p->smiact(p->smiact_to, on);
    }
    lock_leave(&p->machine->lock);
}

static int64_t pins_now(void *to)
{
    struct cpu_pins *p = to;

    return clock_now(&p->machine->clock);
}

static void pic_intr(void *to, unsigned pin, bool level)
{
    struct vcpus *all = to;

    vcpu_set_intr(all->vcpu[0], level);
}

/* A20M#: the gates of the keyboard controller (pin 0) and of port 92 (pin 1)
 * are OR-ed, [PIIX3] 2.5.4. */
void pc_set_a20(void *to, unsigned pin, bool level)
{
    struct vcpus *all = to;
    uint32_t wanted = all->vcpu[0]->cpu.a20_wanted;

    wanted = level ? wanted | 1U << pin : wanted & ~(1U << pin);

    for (unsigned i = 0; i < all->count; i++) {
        __atomic_store_n(&all->vcpu[i]->cpu.a20_wanted, wanted,
                         __ATOMIC_RELEASE);
    }
    vcpus_raise(all, X86_EV_A20);
}

void pc_cpu_init_pulse(void *to, unsigned pin, bool level)
{
    if (level) {
        vcpus_raise(to, X86_EV_RESET);
    }
}

void pc_smi(void *to, unsigned pin, bool level)
{
    if (level) {
        vcpus_raise(to, X86_EV_SMI);
    }
}

void pc_nmi(void *to, unsigned pin, bool level)
{
    struct vcpus *all = to;

    if (level) {
        vcpu_raise(all->vcpu[0], X86_EV_NMI);
    }
}

static bool cpu_connect(struct machine *m, struct vcpu *v, struct pc_isa *isa,
                        GError **error)
{
    struct cpu_pins *p = g_new0(struct cpu_pins, 1);
    struct x86_cpu *cpu = &v->cpu;

    p->machine = m;
    p->vcpu = v;
    p->pic = isa->pic;
    p->smiact = isa->smiact;
    p->smiact_to = isa->smiact_to;
    cpu->memory = &m->memory;
    cpu->ports = &m->ports;
    cpu->tsc_khz = TSC_KHZ;
    cpu->pins = (struct x86_pins){
        .to = p,
        .intack = pins_intack,
        .ferr = pins_ferr,
        .triple_fault = pins_triple_fault,
        .smiact = pins_smiact,
        .now_ns = pins_now,
    };
    return isa_connect_irq(m, &p->ferr, 13, error);
}

bool pc_cpus_init(struct machine *m, struct board_config *c, struct pc_isa *isa,
                  GError **error)
{
    struct vcpus *all = c->vcpus;

    isa->pic->intr = (struct wire){.set = pic_intr, .to = all};
    for (unsigned i = 0; i < all->count; i++) {
        if (!cpu_connect(m, all->vcpu[i], isa, error)) {
            return false;
        }
    }
    return vcpus_realize(all, error);
}
