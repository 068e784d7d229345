/* SPDX-License-Identifier: MIT */
/*
 * Every device of a PC: random accesses, save, load into a fresh one, save
 * again: the same bytes. Two machines that are alike; the wires lead as on a
 * board, so that the devices disturb one another.
 */
#include "hw/char/isa_serial.h"
#include "hw/char/parallel.h"
#include "hw/chipset/i440fx.h"
#include "hw/chipset/piix3.h"
#include "hw/chipset/piix4_pm.h"
#include "hw/dma/i8237.h"
#include "hw/input/i8042.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/port61.h"
#include "hw/isa/port92.h"
#include "hw/misc/debugcon.h"
#include "hw/misc/debugexit.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/pc_testdev.h"
#include "hw/misc/pci_testdev.h"
#include "hw/misc/pvpanic.h"
#include "hw/net/e1000.h"
#include "hw/net/ne2000.h"
#include "hw/net/pcnet.h"
#include "hw/net/rtl8139.h"
#include "hw/timer/hpet.h"
#include "hw/timer/mc146818.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct region ram_region;
    struct i8259 *pic;
};

static void pin_intr(void *to, unsigned cpu, bool level)
{
}

static void pin_pulse(void *to, unsigned cpu)
{
}

static void pin_sipi(void *to, unsigned cpu, uint8_t vector)
{
}

static int pin_current(void *to)
{
    return 0;
}

static int pin_ext_ack(void *to)
{
    return i8259_ack(((struct pc *)to)->pic);
}

static void connect_pic(struct pc *pc, struct apic_bus *bus)
{
    struct isa_bus *isa = isa_bus_of(&pc->m);

    pc->pic = hw_test_dev(&pc->m, &i8259_type);
    pc->pic->intr = (struct wire){.set = apic_set_intr, .to = bus};
    for (unsigned i = 0; i < 16; i++) {
        isa->irq[i] =
            (struct wire){.set = i8259_set_irq, .to = pc->pic, .pin = i};
    }
}

static void connect_timers(struct machine *m)
{
    struct i8254 *pit = hw_test_dev(m, &i8254_type);
    struct rtc *rtc = hw_test_dev(m, &rtc_type);
    struct hpet *hpet = hw_test_dev(m, &hpet_type);

    isa_connect_irq(m, &hpet->legacy[0], 0, NULL);
    isa_connect_irq(m, &hpet->legacy[1], 8, NULL);
    pit->channel[0].out = (struct wire){.set = hpet_set_legacy, .to = hpet};
    rtc->irq = (struct wire){.set = hpet_set_legacy, .to = hpet, .pin = 1};
    hw_test_dev(m, &port61_type);
}

static void pc_init(struct pc *pc)
{
    static const struct dev_type *const rest[] = {
        &port92_type,      &i8042_type,    &isa_serial_type,
        &parallel_type,    &debugcon_type, &debugexit_type,
        &fw_cfg_type,      &i8237_type,    &pc_testdev_type,
        &pci_testdev_type, &pvpanic_type,  &e1000_82540em_type,
        &rtl8139_type,     &ne2k_isa_type, &ne2k_pci_type,
        &pcnet_type,
    };
    const struct apic_pins pins = {
        .to = pc,
        .intr = pin_intr,
        .nmi = pin_pulse,
        .smi = pin_pulse,
        .init = pin_pulse,
        .sipi = pin_sipi,
        .current = pin_current,
        .ext_ack = pin_ext_ack,
    };
    struct machine *m = &pc->m;
    struct apic_bus *bus;
    struct dev *pm;

    hw_test_init(m);
    m->ram = machine_ram_new(m, "ram", MIB, NULL);
    region_init_ram(&pc->ram_region, "ram", m->ram, 0, MIB);
    region_add(&m->memory.root, &pc->ram_region, 0, 0);
    hw_test_dev(m, &i440fx_type);
    hw_test_dev(m, &piix3_type);
    pm = hw_test_dev(m, &piix4_pm_type);
    isa_connect_irq(m, &((struct piix4_pm *)pm)->sci, 9, NULL);
    bus = hw_test_dev(m, &apic_bus_type);
    bus->pins = pins;
    g_assert_nonnull(lapic_new(bus, 0, 0, true, NULL));
    g_assert_nonnull(lapic_new(bus, 1, 1, true, NULL));
    hw_test_dev(m, &ioapic_type);
    connect_pic(pc, bus);
    connect_timers(m);
    for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
        hw_test_dev(m, rest[i]);
    }
    machine_reset_devices(m);
}

static void poke(struct machine *m, GRand *rand)
{
    struct space *s = g_rand_boolean(rand) ? &m->ports : &m->memory;
    struct view *v = space_view_ref(s);
    const struct range *r =
        &v->ranges[(guint)g_rand_int_range(rand, 0, (gint)v->count)];
    uint64_t len = MIN(r->last - r->start, 0x1fff);
    uint64_t at = r->start + (uint64_t)g_rand_int_range(rand, 0, (gint)len + 1);
    unsigned size = 1u << g_rand_int_range(rand, 0, 3);
    uint32_t value = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);

    if (!r->host) {
        if (g_rand_int_range(rand, 0, 4) == 0) {
            space_read(s, at, size);
        } else {
            space_write(s, at, size, value);
        }
    }
    view_unref(v);
}

static void roundtrip(guint32 seed)
{
    struct pc a = {0};
    struct pc b = {0};
    GRand *rand = g_rand_new_with_seed(seed);

    pc_init(&a);
    pc_init(&b);
    for (unsigned i = 0; i < 4000; i++) {
        poke(&a.m, rand);
        if (i % 4 == 0) {
            hw_test_step(&a.m, g_rand_int_range(rand, 0, 1000000));
        }
    }
    clock_step(&b.m.clock, clock_now(&a.m.clock));
    for (guint i = 0; i < a.m.devices->len; i++) {
        hw_test_roundtrip(a.m.devices->pdata[i], b.m.devices->pdata[i]);
    }
    hw_test_done(&b.m);
    hw_test_done(&a.m);
    g_rand_free(rand);
}

static void test_roundtrip(void)
{
    for (guint32 seed = 1; seed <= 20; seed++) {
        roundtrip(seed);
    }
}

/* Records that are damaged are refused, or make some state that is safe. */
static void test_damaged(void)
{
    GRand *rand = g_rand_new_with_seed(7);

    for (unsigned round = 0; round < 5; round++) {
        struct pc a = {0};

        pc_init(&a);
        for (unsigned i = 0; i < 500; i++) {
            poke(&a.m, rand);
        }
        for (guint i = 0; i < a.m.devices->len; i++) {
            g_autoptr(GByteArray) s = g_byte_array_new();
            struct dev *dev = a.m.devices->pdata[i];

            state_save(dev, s);
            for (unsigned n = 0; s->len && n < 40; n++) {
                s->data[g_rand_int_range(rand, 0, (gint)s->len)] ^=
                    (guint8)g_rand_int(rand);
                state_load(dev, s->data, s->len, NULL);
            }
        }
        for (unsigned i = 0; i < 500; i++) {
            poke(&a.m, rand);
            hw_test_step(&a.m, g_rand_int_range(rand, 0, 1000000));
        }
        hw_test_done(&a.m);
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/roundtrip", test_roundtrip);
    g_test_add_func("/damaged", test_damaged);
    return g_test_run();
}
