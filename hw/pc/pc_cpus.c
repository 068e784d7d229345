/* SPDX-License-Identifier: MIT */
/*
 * The CPUs of a PC and what their pins are wired to.
 */
#include "hw/intc/apic.h"
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
    struct pc_intc *intc;
    struct lapic *lapic;               /* NULL: the CPU has none */
    struct wire ferr;                  /* IRQ 13 */
    void (*smiact)(void *to, bool on); /* the chipset, NULL = none */
    void *smiact_to;
};

static int pins_pic_ack(void *to)
{
    struct cpu_pins *p = to;
    int vector;

    lock_enter(&p->machine->lock);
    vector = i8259_ack(p->intc->pic);
    lock_leave(&p->machine->lock);
    return vector;
}

static int pins_intack(void *to)
{
    struct cpu_pins *p = to;

    return p->lapic ? lapic_intack(p->lapic) : pins_pic_ack(to);
}

static uint64_t pins_get_tpr(void *to)
{
    struct cpu_pins *p = to;

    return p->lapic ? lapic_get_tpr(p->lapic) : 0;
}

static void pins_set_tpr(void *to, uint64_t cr8)
{
    struct cpu_pins *p = to;

    if (p->lapic) {
        lapic_set_tpr(p->lapic, cr8);
    }
}

static bool pins_apic_rdmsr(void *to, uint32_t msr, uint64_t *value)
{
    struct cpu_pins *p = to;

    return p->lapic && lapic_rdmsr(p->lapic, msr, value);
}

static bool pins_apic_wrmsr(void *to, uint32_t msr, uint64_t value)
{
    struct cpu_pins *p = to;

    return p->lapic && lapic_wrmsr(p->lapic, msr, value);
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

/* --- from the interrupt controllers to the CPUs; `to` is struct vcpus --- */

static void pic_intr(void *to, unsigned pin, bool level)
{
    struct vcpus *all = to;

    vcpu_set_intr(all->vcpu[0], level);
}

static void bus_intr(void *to, unsigned cpu, bool level)
{
    struct vcpus *all = to;

    vcpu_set_intr(all->vcpu[cpu], level);
}

static void bus_nmi(void *to, unsigned cpu)
{
    struct vcpus *all = to;

    vcpu_raise(all->vcpu[cpu], X86_EV_NMI);
}

static void bus_smi(void *to, unsigned cpu)
{
    struct vcpus *all = to;

    vcpu_raise(all->vcpu[cpu], X86_EV_SMI);
}

static void bus_init(void *to, unsigned cpu)
{
    struct vcpus *all = to;

    vcpu_raise(all->vcpu[cpu], X86_EV_INIT);
}

static void bus_sipi(void *to, unsigned cpu, uint8_t vector)
{
    struct vcpus *all = to;

    __atomic_store_n(&all->vcpu[cpu]->cpu.sipi_vector, vector,
                     __ATOMIC_RELEASE);
    vcpu_raise(all->vcpu[cpu], X86_EV_SIPI);
}

static int bus_current(void *to)
{
    struct vcpu *v = vcpu_self(to);

    return v ? (int)v->cpu.index : -1;
}

static int bus_ext_ack(void *to)
{
    struct vcpus *all = to;

    return pins_pic_ack(all->vcpu[0]->cpu.pins.to);
}

static int64_t bus_tsc_ns(void *to, unsigned cpu, uint64_t tsc)
{
    struct vcpus *all = to;
    const struct x86_cpu *c = &all->vcpu[cpu]->cpu;

    tsc -= (uint64_t)c->tsc_offset;
    if (tsc > INT64_MAX / 2) {
        return (int64_t)tsc < 0 ? 0 : INT64_MAX;
    }
    return (int64_t)muldiv64(tsc, 1000000, c->tsc_khz);
}

static const struct apic_pins bus_pins = {
    .intr = bus_intr,
    .nmi = bus_nmi,
    .smi = bus_smi,
    .init = bus_init,
    .sipi = bus_sipi,
    .current = bus_current,
    .ext_ack = bus_ext_ack,
    .tsc_ns = bus_tsc_ns,
};

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

/* To the boot CPU only: firmware for this chipset moves SMBASE of that one,
 * and the others' would still overlap. */
void pc_smi(void *to, unsigned pin, bool level)
{
    struct vcpus *all = to;

    if (level) {
        vcpu_raise(all->vcpu[0], X86_EV_SMI);
    }
}

void pc_nmi(void *to, unsigned pin, bool level)
{
    struct vcpus *all = to;

    if (level) {
        vcpu_raise(all->vcpu[0], X86_EV_NMI);
    }
}

static const struct x86_pins cpu_pins = {
    .intack = pins_intack,
    .get_tpr = pins_get_tpr,
    .set_tpr = pins_set_tpr,
    .apic_rdmsr = pins_apic_rdmsr,
    .apic_wrmsr = pins_apic_wrmsr,
    .ferr = pins_ferr,
    .triple_fault = pins_triple_fault,
    .smiact = pins_smiact,
    .now_ns = pins_now,
};

static unsigned bits_for(unsigned n)
{
    return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

uint32_t pc_apic_id(const struct machine *m, unsigned index)
{
    unsigned thread = index % m->threads;
    unsigned core = index / m->threads % m->cores;
    unsigned socket = index / m->threads / m->cores;

    return (socket << bits_for(m->cores) | core) << bits_for(m->threads) |
           thread;
}

static bool cpu_connect(struct machine *m, struct vcpu *v,
                        const struct cpu_pins *board, GError **error)
{
    struct cpu_pins *p = g_memdup2(board, sizeof(*board));
    struct x86_cpu *cpu = &v->cpu;

    machine_own(m, p);
    p->vcpu = v;
    cpu->memory = &m->memory;
    cpu->ports = &m->ports;
    cpu->tsc_khz = TSC_KHZ;
    cpu->pins = cpu_pins;
    cpu->pins.to = p;
    if (p->intc->apics) {
        p->lapic = lapic_new(p->intc->apics, cpu->index, cpu->apic_id,
                             x86_has(cpu->model, X86_FEATURE_X2APIC), error);
        if (!p->lapic) {
            return false;
        }
    }
    /* FERR# of the boot CPU alone is wired, as on real boards. */
    return cpu->index != 0 || isa_connect_irq(m, &p->ferr, 13, error);
}

bool pc_cpus_init(struct machine *m, struct board_config *c,
                  struct pc_intc *intc, void (*smiact)(void *to, bool on),
                  void *smiact_to, GError **error)
{
    struct x86_model *model; /* of all CPUs */
    struct vcpus *all = c->vcpus;
    struct cpu_pins board = {
        .machine = m, .intc = intc, .smiact = smiact, .smiact_to = smiact_to};

    model = x86_model_new(c->cpu_model ? c->cpu_model : "max", error);
    if (!model) {
        return false;
    }
    machine_own(m, model);
    model->cores = (uint16_t)m->cores;
    model->threads = (uint16_t)m->threads;
    if (pc_apic_id(m, m->max_cpus - 1) >= 0xff) {
        return fail(error, "-smp: sockets, cores and threads of these numbers "
                           "need more than 255 APIC ids");
    }
    if (intc->apics) {
        intc->apics->pins = bus_pins;
        intc->apics->pins.to = all;
    } else {
        intc->pic->intr = (struct wire){.set = pic_intr, .to = all};
    }
    for (unsigned i = 0; i < all->count; i++) {
        all->vcpu[i]->cpu.model = model;
        all->vcpu[i]->cpu.apic_id = pc_apic_id(m, i);
        if (!cpu_connect(m, all->vcpu[i], &board, error)) {
            return false;
        }
    }
    return vcpus_realize(all, error);
}
