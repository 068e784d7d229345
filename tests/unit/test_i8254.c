/* SPDX-License-Identifier: MIT */
#include "hw/isa/port61.h"
#include "hw/timer/i8254.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct i8254 *pit;
    struct port61 *b;
    struct probe irq0;
};

static void pc_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    pc->pit = hw_test_dev(&pc->m, &i8254_type);
    pc->b = hw_test_dev(&pc->m, &port61_type);
    pc->pit->channel[0].out = probe_wire(&pc->irq0);
    machine_reset_devices(&pc->m);
    pc->irq0.rises = 0;
}

/* To the first nanosecond of a tick. */
static void to_tick(struct machine *m, uint64_t tick)
{
    clock_step(&m->clock,
               (int64_t)((tick * UINT64_C(1000000000) + PIT_HZ - 1) / PIT_HZ));
}

static unsigned count16(struct machine *m, unsigned channel)
{
    unsigned low;

    out8(m, 0x43, (uint8_t)(channel << 6)); /* latch */
    low = in8(m, (uint16_t)(0x40 + channel));
    return low | (unsigned)in8(m, (uint16_t)(0x40 + channel)) << 8;
}

static void set16(struct machine *m, unsigned channel, unsigned mode,
                  unsigned count)
{
    out8(m, 0x43, (uint8_t)(channel << 6 | 0x30 | mode << 1));
    out8(m, (uint16_t)(0x40 + channel), (uint8_t)count);
    out8(m, (uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
}

static uint8_t status(struct machine *m, unsigned channel)
{
    out8(m, 0x43, (uint8_t)(0xe0 | 2 << channel));
    return in8(m, (uint16_t)(0x40 + channel));
}

/* Interrupt on terminal count: OUT rises N + 1 ticks after the write. */
static void test_mode0(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    set16(m, 0, 0, 100);
    g_assert_cmphex(status(m, 0), ==, 0x70); /* OUT low, null count */
    to_tick(m, 1);
    g_assert_cmphex(status(m, 0), ==, 0x30);
    g_assert_cmpuint(count16(m, 0), ==, 100);
    to_tick(m, 51);
    g_assert_cmpuint(count16(m, 0), ==, 50);
    to_tick(m, 100);
    g_assert_cmpuint(count16(m, 0), ==, 1);
    g_assert_false(pc.irq0.level);
    to_tick(m, 101);
    g_assert_true(pc.irq0.level);
    g_assert_cmpuint(count16(m, 0), ==, 0);
    to_tick(m, 102);
    g_assert_cmphex(count16(m, 0), ==, 0xffff); /* it counts on */
    hw_test_done(m);
}

/* One-shot on channel 2, triggered by its gate. */
static void test_mode1(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    set16(m, 2, 1, 10);
    to_tick(m, 5);
    g_assert_true(i8254_out(pc.pit, 2));
    out8(m, 0x61, 1);
    g_assert_true(in8(m, 0x61) & 0x20);
    to_tick(m, 6);
    g_assert_false(in8(m, 0x61) & 0x20);
    to_tick(m, 15);
    out8(m, 0x61, 0);
    out8(m, 0x61, 1); /* again, before it is over */
    to_tick(m, 25);
    g_assert_false(i8254_out(pc.pit, 2));
    to_tick(m, 26);
    g_assert_true(i8254_out(pc.pit, 2));
    hw_test_done(m);
}

static void test_mode2(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    set16(m, 0, 2, 1000);
    g_assert_cmpuint(pc.irq0.rises, ==, 0);
    to_tick(m, 1);
    g_assert_cmpuint(count16(m, 0), ==, 1000);
    to_tick(m, 1000);
    g_assert_cmpuint(count16(m, 0), ==, 1);
    g_assert_cmphex(status(m, 0) >> 7, ==, 0);
    to_tick(m, 1001);
    g_assert_cmpuint(count16(m, 0), ==, 1000);
    g_assert_cmphex(status(m, 0) >> 7, ==, 1);
    g_assert_cmpuint(pc.irq0.rises, ==, 1);
    to_tick(m, 10001);
    g_assert_cmpuint(pc.irq0.rises, ==, 10);
    /* a new count waits for the end of the period */
    to_tick(m, 10101);
    out8(m, 0x40, 0x88);
    out8(m, 0x40, 0x13); /* 5000 */
    g_assert_cmphex(status(m, 0) & 0x40, ==, 0x40);
    g_assert_cmpuint(count16(m, 0), ==, 900);
    to_tick(m, 11001);
    g_assert_cmphex(status(m, 0) & 0x40, ==, 0);
    g_assert_cmpuint(count16(m, 0), ==, 5000);
    g_assert_cmpuint(pc.irq0.rises, ==, 11);
    to_tick(m, 16001);
    g_assert_cmpuint(pc.irq0.rises, ==, 12);
    /* count 0 is 65536 */
    set16(m, 0, 2, 0);
    to_tick(m, 16002 + 65535);
    g_assert_cmpuint(count16(m, 0), ==, 1);
    hw_test_done(m);
}

static void test_mode3(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    set16(m, 0, 3, 101); /* 51 high, 50 low */
    to_tick(m, 1);
    g_assert_cmpuint(count16(m, 0), ==, 100);
    to_tick(m, 51);
    g_assert_cmpuint(count16(m, 0), ==, 0);
    g_assert_true(pc.irq0.level);
    to_tick(m, 52);
    g_assert_false(pc.irq0.level);
    g_assert_cmpuint(count16(m, 0), ==, 100);
    to_tick(m, 101);
    g_assert_false(pc.irq0.level);
    to_tick(m, 102);
    g_assert_true(pc.irq0.level);
    /* a new count is taken at the end of the half */
    out8(m, 0x40, 200);
    out8(m, 0x40, 0);
    to_tick(m, 153);
    g_assert_false(pc.irq0.level);
    g_assert_cmpuint(count16(m, 0), ==, 200);
    to_tick(m, 252);
    g_assert_false(pc.irq0.level);
    to_tick(m, 253);
    g_assert_true(pc.irq0.level);
    hw_test_done(m);
}

static void test_mode4_5(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    set16(m, 0, 4, 20);
    to_tick(m, 20);
    g_assert_cmphex(status(m, 0) >> 7, ==, 1);
    to_tick(m, 21);
    g_assert_cmphex(status(m, 0) >> 7, ==, 0);
    g_assert_cmpuint(pc.irq0.rises, ==, 0);
    to_tick(m, 22);
    g_assert_cmphex(status(m, 0) >> 7, ==, 1);
    g_assert_cmpuint(pc.irq0.rises, ==, 1);
    to_tick(m, 100000);
    g_assert_cmpuint(pc.irq0.rises, ==, 1);

    set16(m, 2, 5, 10);
    to_tick(m, 100050);
    g_assert_true(i8254_out(pc.pit, 2));
    out8(m, 0x61, 1);
    to_tick(m, 100061);
    g_assert_false(i8254_out(pc.pit, 2));
    to_tick(m, 100062);
    g_assert_true(i8254_out(pc.pit, 2));
    hw_test_done(m);
}

static void test_gate(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    set16(m, 2, 0, 1000);
    to_tick(m, 500);
    g_assert_cmpuint(count16(m, 2), ==, 1000); /* the gate is closed */
    out8(m, 0x61, 1);
    to_tick(m, 600);
    g_assert_cmpuint(count16(m, 2), ==, 900);
    out8(m, 0x61, 0);
    to_tick(m, 5000);
    g_assert_cmpuint(count16(m, 2), ==, 900);
    out8(m, 0x61, 1);
    to_tick(m, 5900);
    g_assert_true(in8(m, 0x61) & 0x20);
    hw_test_done(m);
}

static void test_access(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    out8(m, 0x43, 0x35); /* mode 2, BCD */
    out8(m, 0x40, 0x00);
    out8(m, 0x40, 0x10); /* 1000 */
    to_tick(m, 2);
    g_assert_cmphex(count16(m, 0), ==, 0x0999);
    g_assert_cmphex(in8(m, 0x40), ==, 0x99); /* not latched */
    g_assert_cmphex(in8(m, 0x40), ==, 0x09);

    out8(m, 0x43, 0x14); /* LSB only */
    out8(m, 0x40, 100);
    to_tick(m, 13);
    g_assert_cmpuint(in8(m, 0x40), ==, 90);
    out8(m, 0x43, 0x24); /* MSB only */
    out8(m, 0x40, 2);
    to_tick(m, 14);
    g_assert_cmpuint(in8(m, 0x40), ==, 2);
    to_tick(m, 15);
    g_assert_cmpuint(in8(m, 0x40), ==, 1);

    set16(m, 0, 2, 1000); /* a latch holds, a second one does nothing */
    to_tick(m, 16 + 100);
    out8(m, 0x43, 0xc2); /* status and count */
    to_tick(m, 16 + 200);
    out8(m, 0x43, 0x00);
    g_assert_cmphex(in8(m, 0x40), ==, 0xb4);
    g_assert_cmphex(in8(m, 0x40), ==, 900 & 0xff);
    g_assert_cmphex(in8(m, 0x40), ==, 900 >> 8);
    g_assert_cmpuint(in8(m, 0x40), ==, 800 & 0xff);
    hw_test_done(m);
}

static void test_port61(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct probe nmi = {0};
    uint8_t before;

    pc_init(&pc);
    pc.b->nmi = probe_wire(&nmi);
    before = in8(m, 0x61);
    hw_test_step(m, 15085);
    g_assert_cmphex((before ^ in8(m, 0x61)) & 0x10, ==, 0x10);
    g_assert_cmpuint(port61_tone(pc.b), ==, 0);
    set16(m, 2, 3, 1193);
    out8(m, 0x61, 3);
    g_assert_cmpuint(port61_tone(pc.b), ==, 1000);
    port61_nmi(pc.b, PORT61_IOCHK, true);
    g_assert_cmpuint(nmi.rises, ==, 1);
    g_assert_cmphex(in8(m, 0x61) & 0xc0, ==, 0x40);
    out8(m, 0x61, 0x0b);
    g_assert_cmphex(in8(m, 0x61) & 0xcf, ==, 0x0b);
    port61_nmi(pc.b, PORT61_IOCHK, true);
    g_assert_cmpuint(nmi.rises, ==, 1);
    hw_test_done(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8254/mode0", test_mode0);
    g_test_add_func("/i8254/mode1", test_mode1);
    g_test_add_func("/i8254/mode2", test_mode2);
    g_test_add_func("/i8254/mode3", test_mode3);
    g_test_add_func("/i8254/mode4_5", test_mode4_5);
    g_test_add_func("/i8254/gate", test_gate);
    g_test_add_func("/i8254/access", test_access);
    g_test_add_func("/port61", test_port61);
    return g_test_run();
}
