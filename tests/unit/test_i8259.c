/* SPDX-License-Identifier: MIT */
#include "hw/intc/i8259.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct i8259 *pic;
    struct probe intr;
};

static void pc_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    pc->pic = hw_test_dev(&pc->m, &i8259_type);
    pc->pic->intr = probe_wire(&pc->intr);
}

/* As a BIOS does it: vectors 8 and 70h. */
static void pic_setup(struct machine *m, uint8_t icw1, uint8_t icw4)
{
    out8(m, 0x20, icw1);
    out8(m, 0x21, 0x08);
    out8(m, 0x21, 0x04);
    out8(m, 0x21, icw4);
    out8(m, 0xa0, icw1);
    out8(m, 0xa1, 0x70);
    out8(m, 0xa1, 0x02);
    out8(m, 0xa1, icw4 & ~0x10);
}

static void irq(struct pc *pc, unsigned n, bool level)
{
    i8259_set_irq(pc->pic, n, level);
}

static void test_priority(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x01);
    irq(&pc, 3, true);
    irq(&pc, 1, true);
    g_assert_true(pc.intr.level);
    g_assert_cmphex(in8(m, 0x20), ==, 0x0a);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x09);
    g_assert_false(pc.intr.level); /* 3 waits for the end of 1 */
    g_assert_cmphex(in8(m, 0x20), ==, 0x08);
    out8(m, 0x20, 0x0b);
    g_assert_cmphex(in8(m, 0x20), ==, 0x02); /* ISR */
    irq(&pc, 0, true);
    g_assert_true(pc.intr.level); /* 0 nests */
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x08);
    out8(m, 0x20, 0x20);
    out8(m, 0x20, 0x20);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0b);
    out8(m, 0x20, 0x63); /* specific */
    g_assert_cmphex(in8(m, 0x20), ==, 0);
    g_assert_false(pc.intr.level); /* the lines are high, but no new edge */
    irq(&pc, 1, false);
    irq(&pc, 1, true);
    g_assert_true(pc.intr.level);
    out8(m, 0x21, 0x02);
    g_assert_false(pc.intr.level);
    g_assert_cmphex(in8(m, 0x21), ==, 0x02);
    hw_test_done(m);
}

static void test_cascade(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x01);
    irq(&pc, 12, true);
    irq(&pc, 8, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x70);
    g_assert_false(pc.intr.level);
    out8(m, 0xa0, 0x20);
    g_assert_false(pc.intr.level); /* the master still serves the slave */
    out8(m, 0x20, 0x20);
    g_assert_true(pc.intr.level);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x74);
    out8(m, 0xa0, 0x20);
    out8(m, 0x20, 0x20);
    g_assert_false(pc.intr.level);
    irq(&pc, 2, true); /* not connected */
    g_assert_false(pc.intr.level);
    hw_test_done(m);
}

static void test_nested_slave(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x11); /* special fully nested */
    irq(&pc, 12, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x74);
    irq(&pc, 9, true);
    g_assert_true(pc.intr.level);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x71);
    irq(&pc, 13, true);
    g_assert_false(pc.intr.level);
    hw_test_done(m);
}

static void test_spurious(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x01);
    irq(&pc, 4, true);
    irq(&pc, 4, false);
    g_assert_false(pc.intr.level);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0f);
    out8(m, 0x20, 0x0b);
    g_assert_cmphex(in8(m, 0x20), ==, 0);
    hw_test_done(m);
}

static void test_level(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    out8(m, 0x4d0, 0xff);
    out8(m, 0x4d1, 0xff);
    g_assert_cmphex(in16(m, 0x4d0), ==, 0xdef8);
    pic_setup(m, 0x11, 0x01);
    irq(&pc, 11, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x73);
    g_assert_false(pc.intr.level);
    out8(m, 0xa0, 0x20);
    out8(m, 0x20, 0x20);
    g_assert_true(pc.intr.level); /* still pulled */
    irq(&pc, 11, false);
    g_assert_false(pc.intr.level);
    out8(m, 0x20, 0x19); /* LTIM: all inputs; only ICW2, 3, 4 follow */
    out8(m, 0x21, 0x08);
    out8(m, 0x21, 0x04);
    out8(m, 0x21, 0x01);
    irq(&pc, 1, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x09);
    out8(m, 0x20, 0x20);
    g_assert_true(pc.intr.level);
    hw_test_done(m);
}

static void test_rotation(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x01);
    irq(&pc, 4, true);
    irq(&pc, 6, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0c);
    out8(m, 0x20, 0xa0); /* rotate on non-specific EOI: 4 is lowest now */
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0e);
    out8(m, 0x20, 0xe6); /* rotate on specific EOI */
    irq(&pc, 0, true);
    irq(&pc, 7, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0f);
    out8(m, 0x20, 0x67);
    out8(m, 0x20, 0xc0); /* 0 is the lowest */
    irq(&pc, 5, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0d);
    hw_test_done(m);
}

static void test_auto_eoi(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x03);
    irq(&pc, 3, true);
    irq(&pc, 5, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0b);
    g_assert_true(pc.intr.level);
    out8(m, 0x20, 0x80); /* rotate in AEOI mode */
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0d);
    irq(&pc, 4, true);
    irq(&pc, 6, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0e);
    hw_test_done(m);
}

static void test_special_mask(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x01);
    irq(&pc, 1, true);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x09);
    irq(&pc, 5, true);
    g_assert_false(pc.intr.level);
    out8(m, 0x21, 0x02);
    g_assert_false(pc.intr.level);
    out8(m, 0x20, 0x68); /* special mask: 1 no longer blocks the others */
    g_assert_true(pc.intr.level);
    g_assert_cmphex(i8259_ack(pc.pic), ==, 0x0d);
    out8(m, 0x20, 0x20); /* does not end the masked one */
    out8(m, 0x20, 0x0b);
    g_assert_cmphex(in8(m, 0x20), ==, 0x02);
    out8(m, 0x20, 0x48);
    hw_test_done(m);
}

static void test_poll(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    pic_setup(m, 0x11, 0x01);
    out8(m, 0x20, 0x0c);
    g_assert_cmphex(in8(m, 0x20), ==, 0x00);
    irq(&pc, 6, true);
    out8(m, 0x20, 0x0c);
    g_assert_cmphex(in8(m, 0x20), ==, 0x86);
    g_assert_false(pc.intr.level);
    out8(m, 0x20, 0x0b);
    g_assert_cmphex(in8(m, 0x20), ==, 0x40);
    hw_test_done(m);
}

/* A line that is high before and after makes no new edge. */
static void test_load(void)
{
    struct pc a = {0};
    struct pc b = {0};

    pc_init(&a);
    pc_init(&b);
    pic_setup(&a.m, 0x11, 0x01);
    irq(&a, 1, true);
    i8259_ack(a.pic);
    out8(&a.m, 0x20, 0x20);
    irq(&a, 14, true);
    hw_test_roundtrip(&a.pic->dev, &b.pic->dev);
    irq(&b, 1, true);
    irq(&b, 14, true);
    g_assert_true(b.intr.level);
    g_assert_cmphex(i8259_ack(b.pic), ==, 0x76);
    g_assert_cmphex(in8(&b.m, 0x20), ==, 0);
    hw_test_done(&b.m);
    hw_test_done(&a.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8259/priority", test_priority);
    g_test_add_func("/i8259/cascade", test_cascade);
    g_test_add_func("/i8259/nested_slave", test_nested_slave);
    g_test_add_func("/i8259/spurious", test_spurious);
    g_test_add_func("/i8259/level", test_level);
    g_test_add_func("/i8259/rotation", test_rotation);
    g_test_add_func("/i8259/auto_eoi", test_auto_eoi);
    g_test_add_func("/i8259/special_mask", test_special_mask);
    g_test_add_func("/i8259/poll", test_poll);
    g_test_add_func("/i8259/load", test_load);
    return g_test_run();
}
