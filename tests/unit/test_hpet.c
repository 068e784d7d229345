/* SPDX-License-Identifier: MIT */
#include "hw/timer/hpet.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct hpet *s;
    struct probe irq2, irq8, gsi20;
};

#define BASE UINT64_C(0xfed00000)

static void pc_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    pc->s = hw_test_dev(&pc->m, &hpet_type);
    pc->s->legacy[0] = probe_wire(&pc->irq2);
    pc->s->legacy[1] = probe_wire(&pc->irq8);
    pc->s->irq[20] = probe_wire(&pc->gsi20);
}

static uint64_t get(struct pc *pc, unsigned at, unsigned size)
{
    return space_read(&pc->m.memory, BASE + at, size);
}

static void set(struct pc *pc, unsigned at, uint64_t v, unsigned size)
{
    space_write(&pc->m.memory, BASE + at, size, v);
}

static void test_counter(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    g_assert_cmphex(get(&pc, 0, 8), ==, UINT64_C(0x989680) << 32 | 0x8086a201);
    g_assert_cmphex(get(&pc, 4, 4), ==, 10000000);
    hw_test_step(&pc.m, 1000);
    g_assert_cmphex(get(&pc, 0xf0, 8), ==, 0);
    set(&pc, 0x10, 1, 4);
    hw_test_step(&pc.m, 1000);
    g_assert_cmphex(get(&pc, 0xf0, 8), ==, 100);
    set(&pc, 0x10, 0, 4);
    hw_test_step(&pc.m, 1000);
    g_assert_cmphex(get(&pc, 0xf0, 8), ==, 100);
    set(&pc, 0xf4, 5, 4);
    g_assert_cmphex(get(&pc, 0xf0, 8), ==, UINT64_C(5) << 32 | 100);
    set(&pc, 0x10, 1, 4);
    hw_test_step(&pc.m, 10);
    g_assert_cmphex(get(&pc, 0xf0, 4), ==, 101);
    g_assert_cmphex(get(&pc, 0x104, 4), ==, 0x00ff0104);
    hw_test_done(&pc.m);
}

static void test_one_shot(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    set(&pc, 0x10, 1, 8);
    set(&pc, 0x140, 20 << 9 | 4, 8); /* timer 2, edge */
    set(&pc, 0x148, 10000, 8);
    hw_test_step(&pc.m, 99990);
    g_assert_cmpuint(pc.gsi20.rises, ==, 0);
    hw_test_step(&pc.m, 10);
    g_assert_cmpuint(pc.gsi20.rises, ==, 1);
    set(&pc, 0x140, 20 << 9 | 4 | 2, 8); /* level */
    g_assert_false(pc.gsi20.level);
    set(&pc, 0x148, 20000, 8);
    hw_test_step(&pc.m, 100000);
    g_assert_true(pc.gsi20.level);
    g_assert_cmphex(get(&pc, 0x20, 4), ==, 4);
    set(&pc, 0x20, 4, 4);
    g_assert_false(pc.gsi20.level);
    g_assert_cmphex(get(&pc, 0x20, 4), ==, 0);
    hw_test_done(&pc.m);
}

static void test_periodic(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    hpet_set_legacy(pc.s, HPET_LEGACY_PIT, true);
    g_assert_true(pc.irq2.level); /* the PIT's line goes through */
    hpet_set_legacy(pc.s, HPET_LEGACY_PIT, false);
    pc.irq2.rises = 0;
    set(&pc, 0x10, 3, 4);
    set(&pc, 0x100, 0x14c, 4); /* 32 bits, SETVAL, periodic, enabled */
    set(&pc, 0x108, 50000, 4);
    set(&pc, 0x108, 10000, 4);
    hw_test_step(&pc.m, 500000);
    g_assert_cmpuint(pc.irq2.rises, ==, 1);
    hpet_set_legacy(pc.s, HPET_LEGACY_PIT, true);
    hpet_set_legacy(pc.s, HPET_LEGACY_PIT, false);
    for (unsigned i = 0; i < 10; i++) {
        hw_test_step(&pc.m, 100000);
    }
    g_assert_cmpuint(pc.irq2.rises, ==, 11);
    g_assert_cmphex(get(&pc, 0x108, 4), ==, 160000);
    set(&pc, 0x10, 0, 4);
    hw_test_step(&pc.m, 1000000);
    g_assert_cmpuint(pc.irq2.rises, ==, 11);
    hw_test_done(&pc.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hpet/counter", test_counter);
    g_test_add_func("/hpet/one_shot", test_one_shot);
    g_test_add_func("/hpet/periodic", test_periodic);
    return g_test_run();
}
