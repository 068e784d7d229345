/* SPDX-License-Identifier: MIT */
/* Local APICs, their bus, the I/O APIC. */
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "tests/unit/hw_test.h"

enum { CPUS = 3 };

struct pc {
    struct machine m;
    struct apic_bus *bus;
    struct lapic *cpu[CPUS];
    struct ioapic *io;
    struct i8259 *pic;
    int current;
    bool intr[CPUS];
    unsigned nmi[CPUS], smi[CPUS], init[CPUS], sipi[CPUS];
};

static void pin_intr(void *to, unsigned cpu, bool level)
{
    ((struct pc *)to)->intr[cpu] = level;
}

static void pin_nmi(void *to, unsigned cpu)
{
    ((struct pc *)to)->nmi[cpu]++;
}

static void pin_smi(void *to, unsigned cpu)
{
    ((struct pc *)to)->smi[cpu]++;
}

static void pin_init(void *to, unsigned cpu)
{
    ((struct pc *)to)->init[cpu]++;
}

static void pin_sipi(void *to, unsigned cpu, uint8_t vector)
{
    ((struct pc *)to)->sipi[cpu] = vector;
}

static int pin_current(void *to)
{
    return ((struct pc *)to)->current;
}

static int pin_ext_ack(void *to)
{
    return i8259_ack(((struct pc *)to)->pic);
}

/* The TSC runs at 2 GHz. */
static int64_t pin_tsc_ns(void *to, unsigned cpu, uint64_t tsc)
{
    return (int64_t)(tsc / 2);
}

static uint32_t get(struct pc *pc, unsigned at)
{
    return (uint32_t)space_read(&pc->m.memory, APIC_BASE + at, 4);
}

static void set(struct pc *pc, unsigned at, uint32_t v)
{
    space_write(&pc->m.memory, APIC_BASE + at, 4, v);
}

static void io_set(struct pc *pc, unsigned r, uint32_t v)
{
    space_write(&pc->m.memory, 0xfec00000, 4, r);
    space_write(&pc->m.memory, 0xfec00010, 4, v);
}

static uint32_t io_get(struct pc *pc, unsigned r)
{
    space_write(&pc->m.memory, 0xfec00000, 4, r);
    return (uint32_t)space_read(&pc->m.memory, 0xfec00010, 4);
}

static void pc_init(struct pc *pc)
{
    const struct apic_pins pins = {
        .to = pc,
        .intr = pin_intr,
        .nmi = pin_nmi,
        .smi = pin_smi,
        .init = pin_init,
        .sipi = pin_sipi,
        .current = pin_current,
        .ext_ack = pin_ext_ack,
        .tsc_ns = pin_tsc_ns,
    };

    hw_test_init(&pc->m);
    pc->bus = hw_test_dev(&pc->m, &apic_bus_type);
    pc->bus->pins = pins;
    for (unsigned i = 0; i < CPUS; i++) {
        pc->cpu[i] = lapic_new(pc->bus, i, i, true, NULL);
    }
    pc->io = hw_test_dev(&pc->m, &ioapic_type);
    pc->pic = hw_test_dev(&pc->m, &i8259_type);
    pc->pic->intr = (struct wire){.set = apic_set_intr, .to = pc->bus};
    for (pc->current = CPUS - 1;; pc->current--) {
        set(pc, 0xf0, 0x1ff);
        set(pc, 0xd0, 1u << (24 + pc->current));
        if (pc->current == 0) {
            break;
        }
    }
}

static void test_registers(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    g_assert_cmphex(get(&pc, 0x30), ==, 0x50014);
    pc.current = 2;
    g_assert_cmphex(get(&pc, 0x20), ==, 2 << 24);
    g_assert_cmphex(get(&pc, 0x350), ==, 0x10000);
    pc.current = -1; /* a device sees no registers */
    g_assert_cmphex(get(&pc, 0x20), ==, 0xffffffff);
    pc.current = 0;
    g_assert_cmphex(get(&pc, 0x350), ==, 0x700);
    get(&pc, 0x50); /* there is no such register */
    set(&pc, 0x280, 0);
    g_assert_cmphex(get(&pc, 0x280), ==, 0x80);
    set(&pc, 0xf0, 0xff); /* software off masks all */
    g_assert_cmphex(get(&pc, 0x350), ==, 0x10700);
    set(&pc, 0x320, 0x30);
    g_assert_cmphex(get(&pc, 0x320), ==, 0x10030);
    hw_test_done(&pc.m);
}

static void test_priority(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    set(&pc, 0x310, 0);
    set(&pc, 0x300, 0x4031); /* fixed 0x31 to CPU 0 */
    set(&pc, 0x300, 0x4052);
    g_assert_true(pc.intr[0]);
    g_assert_cmphex(get(&pc, 0x210) | get(&pc, 0x220), ==, 1 << 17 | 1 << 18);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x52);
    g_assert_false(pc.intr[0]);
    g_assert_cmphex(get(&pc, 0xa0), ==, 0x50);
    set(&pc, 0x300, 0x4053); /* the same class waits */
    g_assert_false(pc.intr[0]);
    set(&pc, 0x300, 0x4061);
    g_assert_true(pc.intr[0]);
    lapic_set_tpr(pc.cpu[0], 6);
    g_assert_false(pc.intr[0]);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, -1);
    g_assert_cmphex(get(&pc, 0x80), ==, 0x60);
    set(&pc, 0x80, 0);
    g_assert_cmphex(lapic_get_tpr(pc.cpu[0]), ==, 0);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x61);
    set(&pc, 0xb0, 0);
    set(&pc, 0xb0, 0);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x53);
    set(&pc, 0xb0, 0);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x31);
    set(&pc, 0x300, 0x4005); /* vectors below 16 are errors */
    set(&pc, 0x280, 0);
    g_assert_cmphex(get(&pc, 0x280), ==, 0x20);
    hw_test_done(&pc.m);
}

static void test_ipi(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    set(&pc, 0x310, 1 << 24);
    set(&pc, 0x300, 0x4500);
    g_assert_cmpuint(pc.init[1], ==, 1);
    g_assert_cmpuint(pc.init[2], ==, 0);
    set(&pc, 0x300, 0x8500); /* de-assert */
    g_assert_cmpuint(pc.init[1], ==, 1);
    set(&pc, 0x300, 0x4612);
    g_assert_cmphex(pc.sipi[1], ==, 0x12);
    set(&pc, 0x300, 0xc4400); /* NMI to all but self */
    g_assert_cmpuint(pc.nmi[0], ==, 0);
    g_assert_cmpuint(pc.nmi[1], ==, 1);
    g_assert_cmpuint(pc.nmi[2], ==, 1);
    set(&pc, 0x300, 0x44040); /* self */
    g_assert_true(pc.intr[0]);
    g_assert_false(pc.intr[2]);
    set(&pc, 0x310, 0x05000000); /* logical flat: 0 and 2 */
    set(&pc, 0x300, 0x4850);
    g_assert_cmphex(lapic_intack(pc.cpu[2]), ==, 0x50);
    g_assert_cmphex(lapic_intack(pc.cpu[1]), ==, -1);
    set(&pc, 0x310, 0xff000000);
    set(&pc, 0x300, 0x4200); /* SMI to everybody */
    g_assert_cmpuint(pc.smi[0] + pc.smi[1] + pc.smi[2], ==, 3);
    hw_test_done(&pc.m);
}

static void test_cluster(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    for (pc.current = 0; pc.current < CPUS; pc.current++) {
        set(&pc, 0xe0, 0x0fffffff);
        set(&pc, 0xd0, pc.current == 2 ? 0x21000000 : 0x11000000 << pc.current);
    }
    pc.current = 0; /* 0x11, 0x22, 0x21 */
    set(&pc, 0x310, 0x23000000);
    set(&pc, 0x300, 0x4840);
    g_assert_false(pc.intr[0]);
    g_assert_true(pc.intr[1]);
    g_assert_true(pc.intr[2]);
    set(&pc, 0x310, 0xf1000000);
    set(&pc, 0x300, 0x4841);
    g_assert_true(pc.intr[0]);
    hw_test_done(&pc.m);
}

/* Lowest priority goes round among equals, and avoids the busy. */
static void test_lowest(void)
{
    struct pc pc = {0};
    unsigned got[CPUS] = {0};

    pc_init(&pc);
    lapic_set_tpr(pc.cpu[1], 8);
    for (unsigned i = 0; i < 10; i++) {
        apic_msi(pc.bus, 0xfee07004, 0x4160);
        for (unsigned c = 0; c < CPUS; c++) {
            got[c] += pc.intr[c];
            lapic_intack(pc.cpu[c]);
            pc.current = (int)c;
            set(&pc, 0xb0, 0);
        }
    }
    g_assert_cmpuint(got[0], ==, 5);
    g_assert_cmpuint(got[1], ==, 0);
    g_assert_cmpuint(got[2], ==, 5);
    hw_test_done(&pc.m);
}

static void test_timer(void)
{
    struct pc pc = {0};
    uint64_t v;

    pc_init(&pc);
    set(&pc, 0x3e0, 3); /* 16 */
    set(&pc, 0x320, 0x40);
    set(&pc, 0x380, 1000);
    hw_test_step(&pc.m, 8000);
    g_assert_cmpuint(get(&pc, 0x390), ==, 500);
    hw_test_step(&pc.m, 7999);
    g_assert_false(pc.intr[0]);
    hw_test_step(&pc.m, 1);
    g_assert_true(pc.intr[0]);
    g_assert_cmpuint(get(&pc, 0x390), ==, 0);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x40);
    set(&pc, 0xb0, 0);
    hw_test_step(&pc.m, 100000);
    g_assert_false(pc.intr[0]);

    set(&pc, 0x320, 0x20040);
    set(&pc, 0x380, 1000);
    for (unsigned i = 0; i < 5; i++) {
        hw_test_step(&pc.m, 16000);
        g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x40);
        set(&pc, 0xb0, 0);
    }
    set(&pc, 0x3e0, 0xb); /* 1, while it runs */
    g_assert_cmpuint(get(&pc, 0x390), ==, 1000);
    hw_test_step(&pc.m, 300);
    g_assert_cmpuint(get(&pc, 0x390), ==, 700);

    set(&pc, 0x320, 0x40040); /* TSC deadline */
    g_assert_cmpuint(get(&pc, 0x390), ==, 0);
    v = (uint64_t)clock_now(&pc.m.clock) * 2;
    g_assert_true(lapic_wrmsr(pc.cpu[0], 0x6e0, v + 2000));
    hw_test_step(&pc.m, 999);
    g_assert_false(pc.intr[0]);
    hw_test_step(&pc.m, 1);
    g_assert_true(pc.intr[0]);
    g_assert_true(lapic_rdmsr(pc.cpu[0], 0x6e0, &v));
    g_assert_cmphex(v, ==, 0);
    hw_test_done(&pc.m);
}

static void test_ioapic(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    g_assert_cmphex(io_get(&pc, 1), ==, 0x170020);
    io_set(&pc, 0, 0x05000000);
    g_assert_cmphex(io_get(&pc, 0), ==, 0x05000000);
    g_assert_cmphex(io_get(&pc, 0x12), ==, 0x10000);
    ioapic_set_irq(pc.io, 1, true);
    io_set(&pc, 0x13, 0x01000000);
    io_set(&pc, 0x12, 0x41); /* edge: what came while it was masked is lost */
    g_assert_false(pc.intr[1]);
    ioapic_set_irq(pc.io, 1, false);
    ioapic_set_irq(pc.io, 1, true);
    g_assert_cmphex(lapic_intack(pc.cpu[1]), ==, 0x41);

    io_set(&pc, 0x25, 0x02000000);
    io_set(&pc, 0x24, 0xa051); /* level */
    ioapic_set_irq(pc.io, 10, true);
    g_assert_cmphex(lapic_intack(pc.cpu[2]), ==, 0x51);
    g_assert_cmphex(io_get(&pc, 0x24), ==, 0xe051); /* remote IRR */
    pc.current = 2;
    set(&pc, 0xb0, 0);
    g_assert_cmphex(lapic_intack(pc.cpu[2]), ==, 0x51); /* still high */
    ioapic_set_irq(pc.io, 10, false);
    set(&pc, 0xb0, 0);
    g_assert_false(pc.intr[2]);
    g_assert_cmphex(io_get(&pc, 0x24), ==, 0xa051);
    ioapic_set_irq(pc.io, 10, true);
    g_assert_cmphex(lapic_intack(pc.cpu[2]), ==, 0x51);
    ioapic_set_irq(pc.io, 10, false);
    space_write(&pc.m.memory, 0xfec00040, 4, 0x51); /* EOI register */
    g_assert_cmphex(io_get(&pc, 0x24), ==, 0xa051);
    hw_test_done(&pc.m);
}

static void test_virtual_wire(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    static const uint8_t icws[] = {8, 4, 1};

    pc_init(&pc);
    out8(m, 0x20, 0x11);
    for (unsigned i = 0; i < 3; i++) {
        out8(m, 0x21, icws[i]);
    }
    i8259_set_irq(pc.pic, 1, true);
    g_assert_true(pc.intr[0]);
    g_assert_false(pc.intr[1]);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x09);
    g_assert_false(pc.intr[0]);
    out8(m, 0x20, 0x20);
    set(&pc, 0x350, 0x10700);
    i8259_set_irq(pc.pic, 3, true);
    g_assert_false(pc.intr[0]);
    set(&pc, 0x350, 0x00700);
    g_assert_true(pc.intr[0]);
    set(&pc, 0x350, 0x10700);
    /* the APIC off: the pin is the CPU's */
    g_assert_true(lapic_wrmsr(pc.cpu[0], 0x1b, 0xfee00100));
    g_assert_true(pc.intr[0]);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x0b);
    apic_set_nmi(pc.bus, 0, true);
    g_assert_cmpuint(pc.nmi[0], ==, 1);
    g_assert_cmpuint(pc.nmi[1], ==, 0); /* its LINT1 is masked */
    hw_test_done(m);
}

static void test_x2apic(void)
{
    struct pc pc = {0};
    uint64_t v;

    pc_init(&pc);
    g_assert_false(lapic_rdmsr(pc.cpu[1], 0x802, &v));
    g_assert_true(lapic_rdmsr(pc.cpu[1], 0x1b, &v));
    g_assert_cmphex(v, ==, 0xfee00800);
    g_assert_true(lapic_wrmsr(pc.cpu[1], 0x1b, 0xfee00c00));
    g_assert_false(lapic_wrmsr(pc.cpu[1], 0x1b, 0xfee00800));
    g_assert_false(lapic_wrmsr(pc.cpu[0], 0x1b, 0xfee00500));
    g_assert_true(lapic_rdmsr(pc.cpu[1], 0x802, &v));
    g_assert_cmphex(v, ==, 1);
    g_assert_true(lapic_rdmsr(pc.cpu[1], 0x80d, &v));
    g_assert_cmphex(v, ==, 2);
    pc.current = 1;
    g_assert_cmphex(get(&pc, 0x20), ==, 0xffffffff); /* no page any more */
    g_assert_true(lapic_wrmsr(pc.cpu[1], 0x830, UINT64_C(2) << 32 | 0x4045));
    g_assert_true(pc.intr[2]);
    g_assert_true(lapic_wrmsr(pc.cpu[1], 0x83f, 0x46));
    g_assert_cmphex(lapic_intack(pc.cpu[1]), ==, 0x46);
    g_assert_false(lapic_wrmsr(pc.cpu[1], 0x80b, 1));
    g_assert_true(lapic_wrmsr(pc.cpu[1], 0x80b, 0));
    g_assert_false(lapic_wrmsr(pc.cpu[1], 0x80d, 1));
    g_assert_false(lapic_wrmsr(pc.cpu[1], 0x802, 1));
    g_assert_false(lapic_rdmsr(pc.cpu[1], 0x80e, &v));
    g_assert_true(lapic_wrmsr(pc.cpu[1], 0x1b, 0xfee00000));
    g_assert_true(lapic_wrmsr(pc.cpu[1], 0x1b, 0xfee00800));
    g_assert_cmphex(get(&pc, 0x20), ==, 1 << 24);
    hw_test_done(&pc.m);
}

static void test_relocate(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    g_assert_true(lapic_wrmsr(pc.cpu[0], 0x1b, 0xd0000900));
    g_assert_cmphex(get(&pc, 0x30), ==, 0xffffffff);
    g_assert_cmphex(space_read(&pc.m.memory, 0xd0000030, 4), ==, 0x50014);
    pc.current = 1;
    g_assert_cmphex(space_read(&pc.m.memory, 0xd0000030, 4), ==, 0xffffffff);
    g_assert_cmphex(get(&pc, 0x30), ==, 0x50014);
    hw_test_done(&pc.m);
}

static void test_msi(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    pc.current = -1;
    space_write(&pc.m.memory, 0xfee02000, 4, 0x4070);
    g_assert_cmphex(lapic_intack(pc.cpu[2]), ==, 0x70);
    pc.current = 1; /* a CPU's access started the device */
    space_write(&pc.m.memory, 0xfee00000, 4, 0x0071);
    g_assert_cmphex(lapic_intack(pc.cpu[0]), ==, 0x71);
    space_write(&pc.m.memory, 0xfee0300c, 4, 0x0082); /* logical 0, 1 */
    g_assert_true(pc.intr[0]);
    g_assert_true(pc.intr[1]);
    g_assert_false(pc.intr[2]);
    hw_test_done(&pc.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apic/registers", test_registers);
    g_test_add_func("/apic/priority", test_priority);
    g_test_add_func("/apic/ipi", test_ipi);
    g_test_add_func("/apic/cluster", test_cluster);
    g_test_add_func("/apic/lowest", test_lowest);
    g_test_add_func("/apic/timer", test_timer);
    g_test_add_func("/apic/ioapic", test_ioapic);
    g_test_add_func("/apic/virtual_wire", test_virtual_wire);
    g_test_add_func("/apic/x2apic", test_x2apic);
    g_test_add_func("/apic/relocate", test_relocate);
    g_test_add_func("/apic/msi", test_msi);
    return g_test_run();
}
