/* SPDX-License-Identifier: MIT */
#include "hw/input/i8042.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct input input;
    struct i8042 *s;
    struct probe kbd, mouse, a20;
};

static void pc_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    input_init(&pc->input);
    pc->m.input = &pc->input;
    pc->s = hw_test_dev(&pc->m, &i8042_type);
    pc->s->irq_kbd = probe_wire(&pc->kbd);
    pc->s->irq_mouse = probe_wire(&pc->mouse);
    pc->s->a20 = probe_wire(&pc->a20);
    machine_reset_devices(&pc->m);
}

static void pc_done(struct pc *pc)
{
    hw_test_done(&pc->m);
    input_clear(&pc->input);
}

/* All that comes within a while, as hexadecimal; mouse bytes with a colon. */
static void assert_reads(struct pc *pc, const char *want)
{
    g_autoptr(GString) got = g_string_new(NULL);

    for (unsigned i = 0; i < 50; i++) {
        uint8_t status = in8(&pc->m, 0x64);

        if (status & 1) {
            g_string_append_printf(got, "%s%02x%s", got->len ? " " : "",
                                   in8(&pc->m, 0x60), status & 0x20 ? ":" : "");
        }
        hw_test_step(&pc->m, NS_PER_MS);
    }
    g_assert_cmpstr(got->str, ==, want);
}

static void kbd(struct pc *pc, uint8_t v)
{
    out8(&pc->m, 0x60, v);
}

static void aux(struct pc *pc, uint8_t v)
{
    out8(&pc->m, 0x64, 0xd4);
    out8(&pc->m, 0x60, v);
}

static void mode(struct pc *pc, uint8_t v)
{
    out8(&pc->m, 0x64, 0x60);
    out8(&pc->m, 0x60, v);
}

static void key(struct pc *pc, unsigned usage, bool down)
{
    pc->s->kbd.sink.key(pc->s->kbd.sink.opaque, usage, down);
}

static void test_controller(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    out8(m, 0x64, 0xaa);
    assert_reads(&pc, "55");
    g_assert_cmphex(in8(m, 0x64), ==, 0x1c);
    out8(m, 0x64, 0xab);
    assert_reads(&pc, "00");
    out8(m, 0x64, 0xa9);
    assert_reads(&pc, "00");
    out8(m, 0x64, 0xa4);
    assert_reads(&pc, "f1");
    mode(&pc, 0x47);
    out8(m, 0x64, 0x20);
    assert_reads(&pc, "47");
    out8(m, 0x64, 0xa7);
    out8(m, 0x64, 0xad);
    out8(m, 0x64, 0x20);
    assert_reads(&pc, "77");
    out8(m, 0x64, 0xae);
    out8(m, 0x64, 0xa8);
    out8(m, 0x64, 0x65); /* controller RAM */
    out8(m, 0x60, 0x5a);
    out8(m, 0x64, 0x25);
    assert_reads(&pc, "5a");
    out8(m, 0x64, 0xd2);
    out8(m, 0x60, 0x1c);
    assert_reads(&pc, "1c");
    out8(m, 0x64, 0xd3);
    out8(m, 0x60, 0x1d);
    assert_reads(&pc, "1d:");
    pc_done(&pc);
}

static void test_outport(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct probe init = {0};

    pc_init(&pc);
    g_assert_true(pc.a20.level);
    out8(m, 0x64, 0xd1);
    out8(m, 0x60, 0xdd);
    g_assert_false(pc.a20.level);
    out8(m, 0x64, 0xdf);
    g_assert_true(pc.a20.level);
    out8(m, 0x64, 0xdd);
    g_assert_false(pc.a20.level);
    out8(m, 0x64, 0xd0);
    assert_reads(&pc, "cd");
    out8(m, 0x64, 0xff); /* pulses nothing */
    g_assert_cmphex(m->requests, ==, 0);
    out8(m, 0x64, 0xfe);
    g_assert_cmphex(m->requests, ==, MACHINE_RESET);
    pc.s->cpu_init = probe_wire(&init);
    out8(m, 0x64, 0xfe);
    g_assert_cmpuint(init.rises, ==, 1);
    pc_done(&pc);
}

static void test_interrupts(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    mode(&pc, 0x43);
    key(&pc, 0x04, true);
    key(&pc, 0x04, false);
    g_assert_true(pc.kbd.level);
    g_assert_cmphex(in8(m, 0x60), ==, 0x1e);
    g_assert_false(pc.kbd.level); /* the next byte needs time */
    g_assert_cmphex(in8(m, 0x60), ==, 0x1e);
    hw_test_step(m, NS_PER_MS);
    g_assert_true(pc.kbd.level);
    g_assert_cmphex(in8(m, 0x60), ==, 0x9e);
    g_assert_cmpuint(pc.kbd.rises, ==, 2);
    mode(&pc, 0x42);
    key(&pc, 0x04, true);
    hw_test_step(m, NS_PER_MS);
    g_assert_false(pc.kbd.level);
    g_assert_cmphex(in8(m, 0x64) & 1, ==, 1);
    mode(&pc, 0x43);
    g_assert_true(pc.kbd.level);
    g_assert_cmphex(in8(m, 0x60), ==, 0x1e);
    hw_test_step(m, NS_PER_MS);
    mode(&pc, 0x53); /* interface off */
    key(&pc, 0x05, true);
    hw_test_step(m, NS_PER_MS);
    g_assert_false(pc.kbd.level);
    out8(m, 0x64, 0xae);
    assert_reads(&pc, "30");
    pc_done(&pc);
}

static void test_keys(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    mode(&pc, 0x03); /* set 2 as it is */
    key(&pc, 0x04, true);
    key(&pc, 0x04, true); /* the host repeats */
    key(&pc, 0x04, false);
    assert_reads(&pc, "1c 1c f0 1c");
    key(&pc, 0x4f, true);
    key(&pc, 0x4f, false);
    assert_reads(&pc, "e0 74 e0 f0 74");
    key(&pc, 0x48, true); /* Pause */
    key(&pc, 0x48, false);
    assert_reads(&pc, "e1 14 77 e1 f0 14 f0 77");
    key(&pc, 0x46, true); /* PrintScreen */
    key(&pc, 0x46, false);
    assert_reads(&pc, "e0 12 e0 7c e0 f0 7c e0 f0 12");
    key(&pc, 0xe2, true);
    key(&pc, 0x46, true); /* SysRq */
    key(&pc, 0x46, false);
    key(&pc, 0xe2, false);
    assert_reads(&pc, "11 84 f0 84 f0 11");
    key(&pc, 0xe0, true);
    key(&pc, 0x48, true); /* Break */
    assert_reads(&pc, "14 e0 7e e0 f0 7e");
    key(&pc, 0x48, false);
    key(&pc, 0xe0, false);
    assert_reads(&pc, "f0 14");
    mode(&pc, 0x43); /* translated to set 1 */
    key(&pc, 0x48, true);
    assert_reads(&pc, "e1 1d 45 e1 9d c5");
    key(&pc, 0x40, true); /* F7: 83 */
    key(&pc, 0x40, false);
    assert_reads(&pc, "41 c1");
    key(&pc, 0x90, true); /* Hangul: no break */
    key(&pc, 0x90, false);
    assert_reads(&pc, "f2");
    pc_done(&pc);
}

static void test_sets(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    mode(&pc, 0x03);
    kbd(&pc, 0xf0);
    kbd(&pc, 0x00);
    assert_reads(&pc, "fa fa 02");
    kbd(&pc, 0xf0);
    kbd(&pc, 0x01);
    key(&pc, 0x4f, true);
    key(&pc, 0x4f, false);
    assert_reads(&pc, "fa fa e0 4d e0 cd");
    kbd(&pc, 0xf0);
    kbd(&pc, 0x03);
    key(&pc, 0x4f, true);
    key(&pc, 0x4f, false);
    assert_reads(&pc, "fa fa 6a f0 6a");
    kbd(&pc, 0xf9); /* make only */
    key(&pc, 0x4f, true);
    key(&pc, 0x4f, true);
    key(&pc, 0x4f, false);
    assert_reads(&pc, "fa 6a");
    kbd(&pc, 0xfc); /* make and break, for this one */
    kbd(&pc, 0x6a);
    key(&pc, 0x4f, true);
    key(&pc, 0x4f, false);
    assert_reads(&pc, "fa fa 6a f0 6a");
    kbd(&pc, 0xf0);
    kbd(&pc, 0x07);
    assert_reads(&pc, "fa fe");
    pc_done(&pc);
}

static void test_kbd_commands(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    mode(&pc, 0x03);
    kbd(&pc, 0xff);
    assert_reads(&pc, "fa aa");
    kbd(&pc, 0xee);
    assert_reads(&pc, "ee");
    kbd(&pc, 0xf2);
    assert_reads(&pc, "fa ab 83");
    kbd(&pc, 0xfe);
    assert_reads(&pc, "83");
    kbd(&pc, 0xed);
    kbd(&pc, 0x06);
    assert_reads(&pc, "fa fa");
    g_assert_cmphex(pc.input.leds, ==, 6);
    kbd(&pc, 0xf3);
    kbd(&pc, 0x20);
    assert_reads(&pc, "fa fa");
    kbd(&pc, 0xed);
    kbd(&pc, 0xf4); /* a command in place of the parameter */
    assert_reads(&pc, "fa fa");
    kbd(&pc, 0xf5);
    key(&pc, 0x04, true);
    assert_reads(&pc, "fa");
    kbd(&pc, 0xf4);
    key(&pc, 0x04, true);
    assert_reads(&pc, "fa 1c");
    kbd(&pc, 0x55);
    assert_reads(&pc, "fe");
    for (unsigned i = 0; i < 100; i++) { /* more than it holds */
        key(&pc, 0x04, true);
    }
    assert_reads(&pc, "1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 1c 00");
    pc_done(&pc);
}

static void move(struct pc *pc, int dx, int dy)
{
    struct input_sink *s = &pc->s->mouse.sink;

    s->rel(s->opaque, dx, dy);
    s->sync(s->opaque);
}

static void button(struct pc *pc, enum input_button b, bool down)
{
    struct input_sink *s = &pc->s->mouse.sink;

    s->button(s->opaque, b, down);
    s->sync(s->opaque);
}

static void test_mouse(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    aux(&pc, 0xff);
    assert_reads(&pc, "fa: aa: 00:");
    aux(&pc, 0xf2);
    assert_reads(&pc, "fa: 00:");
    move(&pc, 5, 5); /* it does not report yet */
    assert_reads(&pc, "");
    aux(&pc, 0xf4);
    assert_reads(&pc, "fa:");
    g_assert_cmpuint(pc.mouse.rises, ==, 6);
    move(&pc, 5, 3);
    assert_reads(&pc, "28: 05: fd:");
    move(&pc, -300, -300);
    assert_reads(&pc, "18: 01: ff: 18: d3: 2d:");
    button(&pc, INPUT_LEFT, true);
    button(&pc, INPUT_LEFT, false);
    assert_reads(&pc, "09: 00: 00: 08: 00: 00:");
    button(&pc, INPUT_WHEEL_UP, true);
    assert_reads(&pc, "");
    aux(&pc, 0xe9);
    assert_reads(&pc, "fa: 20: 02: 64:");
    aux(&pc, 0xf0); /* remote */
    assert_reads(&pc, "fa:");
    move(&pc, 1, 0);
    assert_reads(&pc, "");
    aux(&pc, 0xeb);
    assert_reads(&pc, "fa: 08: 01: 00:");
    aux(&pc, 0xee); /* wrap */
    assert_reads(&pc, "fa:");
    aux(&pc, 0x55);
    assert_reads(&pc, "55:");
    aux(&pc, 0xec);
    assert_reads(&pc, "fa:");
    aux(&pc, 0xea);
    assert_reads(&pc, "fa:");
    aux(&pc, 0xe7); /* 2:1 */
    assert_reads(&pc, "fa:");
    move(&pc, 3, 0);
    assert_reads(&pc, "08: 03: 00:");
    move(&pc, 10, 0);
    assert_reads(&pc, "08: 14: 00:");
    aux(&pc, 0x12);
    assert_reads(&pc, "fe:");
    pc_done(&pc);
}

static void knock(struct pc *pc, uint8_t a, uint8_t b, uint8_t c)
{
    const uint8_t rates[] = {a, b, c};

    for (unsigned i = 0; i < 3; i++) {
        aux(pc, 0xf3);
        assert_reads(pc, "fa:");
        aux(pc, rates[i]);
        assert_reads(pc, "fa:");
    }
}

static void test_wheel(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    knock(&pc, 200, 100, 80);
    aux(&pc, 0xf2);
    assert_reads(&pc, "fa: 03:");
    aux(&pc, 0xf4);
    assert_reads(&pc, "fa:");
    button(&pc, INPUT_WHEEL_UP, true);
    assert_reads(&pc, "08: 00: 00: ff:");
    button(&pc, INPUT_WHEEL_DOWN, true);
    assert_reads(&pc, "08: 00: 00: 01:");
    knock(&pc, 200, 200, 80);
    aux(&pc, 0xf2);
    assert_reads(&pc, "fa: 04:");
    button(&pc, INPUT_SIDE, true);
    assert_reads(&pc, "08: 00: 00: 10:");
    button(&pc, INPUT_EXTRA, true);
    assert_reads(&pc, "08: 00: 00: 30:");
    pc_done(&pc);
}

static void test_state(void)
{
    struct pc a = {0};
    struct pc b = {0};

    pc_init(&a);
    pc_init(&b);
    mode(&a, 0x47);
    knock(&a, 200, 100, 80);
    key(&a, 0x48, true);
    in8(&a.m, 0x60);
    hw_test_roundtrip(&a.s->dev, &b.s->dev);
    clock_step(&b.m.clock, clock_now(&a.m.clock));
    assert_reads(&b, "1d 45 e1 9d c5");
    g_assert_cmphex(b.s->mouse.id, ==, 3);
    pc_done(&b);
    pc_done(&a);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8042/controller", test_controller);
    g_test_add_func("/i8042/outport", test_outport);
    g_test_add_func("/i8042/interrupts", test_interrupts);
    g_test_add_func("/i8042/keys", test_keys);
    g_test_add_func("/i8042/sets", test_sets);
    g_test_add_func("/i8042/kbd_commands", test_kbd_commands);
    g_test_add_func("/i8042/mouse", test_mouse);
    g_test_add_func("/i8042/wheel", test_wheel);
    g_test_add_func("/i8042/state", test_state);
    return g_test_run();
}
