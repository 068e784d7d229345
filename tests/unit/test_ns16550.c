/* SPDX-License-Identifier: MIT */
/* The UART on ISA; the debug ports, which have a chardev, too. */
#include "hw/char/isa_serial.h"
#include "hw/misc/debugcon.h"
#include "hw/misc/debugexit.h"
#include "tests/unit/hw_test.h"

struct line {
    struct chardev chr;
    GString *sent;
    unsigned room; /* bytes it takes before it is full */
    unsigned baud, breaks;
};

static unsigned line_write(struct chardev *c, const uint8_t *buf, unsigned len)
{
    struct line *l = container_of(c, struct line, chr);
    unsigned n = MIN(len, l->room);

    g_string_append_len(l->sent, (const char *)buf, n);
    l->room -= n;
    return n;
}

static void line_params(struct chardev *c, unsigned baud, unsigned data_bits,
                        char parity, unsigned stop_bits)
{
    container_of(c, struct line, chr)->baud = baud;
}

static void line_break(struct chardev *c, bool on)
{
    container_of(c, struct line, chr)->breaks += on;
}

static const struct chardev_ops line_ops = {
    .name = "line",
    .write = line_write,
    .set_params = line_params,
    .set_break = line_break,
};

struct pc {
    struct machine m;
    struct line line;
    struct isa_serial *s;
    struct probe irq;
};

static void line_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    isa_bus_new(&pc->m, NULL)->irq[4] = probe_wire(&pc->irq);
    pc->line.chr.ops = &line_ops;
    pc->line.chr.id = (char *)(uintptr_t) "line";
    pc->line.chr.open = true;
    pc->line.sent = g_string_new(NULL);
    pc->line.room = UINT32_MAX;
    machine_add_backend(&pc->m, BACKEND_CHARDEV, "line", &pc->line.chr);
}

static void pc_init(struct pc *pc, bool paced)
{
    GError *error = NULL;
    struct dev *dev;

    line_init(pc);
    dev = dev_new(&pc->m, &isa_serial_type, NULL);
    dev_set_prop(dev, "chardev", "line", &error);
    dev_set_prop(dev, "paced", paced ? "on" : "off", &error);
    dev_realize(dev, &error);
    g_assert_no_error(error);
    pc->s = (struct isa_serial *)dev;
    out8(&pc->m, 0x3fb, 0x83); /* 8N1, 115200 */
    out8(&pc->m, 0x3f8, 1);
    out8(&pc->m, 0x3f9, 0);
    out8(&pc->m, 0x3fb, 0x03);
}

static void pc_done(struct pc *pc)
{
    hw_test_done(&pc->m);
    g_string_free(pc->line.sent, TRUE);
}

static void receive(struct pc *pc, const char *text)
{
    struct chardev_front *f = &pc->line.chr.front;

    f->receive(f->opaque, (const uint8_t *)text, (unsigned)strlen(text));
}

static unsigned can_receive(struct pc *pc)
{
    return pc->line.chr.front.can_receive(pc->line.chr.front.opaque);
}

static void test_send(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, false);
    g_assert_cmpuint(pc.line.baud, ==, 115200);
    g_assert_cmphex(in8(m, 0x3fd), ==, 0x60);
    out8(m, 0x3f9, 2); /* asks at once when it is empty */
    g_assert_true(pc.irq.level);
    g_assert_cmphex(in8(m, 0x3fa), ==, 0x02);
    g_assert_false(pc.irq.level);
    g_assert_cmphex(in8(m, 0x3fa), ==, 0x01);
    out8(m, 0x3f8, 'a');
    g_assert_true(pc.irq.level);
    g_assert_cmpstr(pc.line.sent->str, ==, "a");
    pc.line.room = 1; /* a slow reader */
    out8(m, 0x3fa, 1);
    out8(m, 0x3f8, 'b');
    out8(m, 0x3f8, 'c');
    out8(m, 0x3f8, 'd');
    g_assert_cmphex(in8(m, 0x3fd) & 0x60, ==, 0);
    pc.line.room = 10;
    pc.line.chr.front.writable(pc.line.chr.front.opaque);
    g_assert_cmpstr(pc.line.sent->str, ==, "abcd");
    g_assert_cmphex(in8(m, 0x3fd) & 0x60, ==, 0x60);
    pc_done(&pc);
}

static void test_paced(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, true);
    out8(m, 0x3fa, 1);
    out8(m, 0x3f8, 'x');
    out8(m, 0x3f8, 'y');
    g_assert_cmphex(in8(m, 0x3fd) & 0x60, ==, 0);
    hw_test_step(m, 86806); /* ten bits */
    g_assert_cmpstr(pc.line.sent->str, ==, "x");
    g_assert_cmphex(in8(m, 0x3fd) & 0x60, ==, 0x20);
    hw_test_step(m, 86806);
    g_assert_cmpstr(pc.line.sent->str, ==, "xy");
    g_assert_cmphex(in8(m, 0x3fd) & 0x60, ==, 0x60);
    pc_done(&pc);
}

static void test_receive(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, false);
    out8(m, 0x3f9, 5);
    g_assert_cmpuint(can_receive(&pc), ==, 1);
    receive(&pc, "a");
    g_assert_true(pc.irq.level);
    g_assert_cmphex(in8(m, 0x3fa), ==, 0x04);
    g_assert_cmpuint(can_receive(&pc), ==, 0);
    receive(&pc, "b"); /* overrun */
    g_assert_cmphex(in8(m, 0x3fa), ==, 0x06);
    g_assert_cmphex(in8(m, 0x3fd), ==, 0x63);
    g_assert_cmphex(in8(m, 0x3f8), ==, 'b');
    g_assert_false(pc.irq.level);

    out8(m, 0x3fa, 0x41); /* FIFO, trigger at four */
    g_assert_cmphex(in8(m, 0x3fa), ==, 0xc1);
    g_assert_cmpuint(can_receive(&pc), ==, 16);
    receive(&pc, "123");
    g_assert_false(pc.irq.level);
    hw_test_step(m, 4 * 86806);
    g_assert_cmphex(in8(m, 0x3fa), ==, 0xcc); /* they waited too long */
    g_assert_cmphex(in8(m, 0x3f8), ==, '1');
    g_assert_false(pc.irq.level);
    receive(&pc, "45");
    g_assert_cmphex(in8(m, 0x3fa), ==, 0xc4);
    g_assert_cmphex(in8(m, 0x3f8), ==, '2');
    g_assert_false(pc.irq.level);
    out8(m, 0x3fa, 0x43);
    g_assert_cmphex(in8(m, 0x3fd) & 1, ==, 0);
    pc.line.chr.front.event(pc.line.chr.front.opaque, CHARDEV_BREAK);
    g_assert_cmphex(in8(m, 0x3fd) & 0x11, ==, 0x11);
    g_assert_cmphex(in8(m, 0x3f8), ==, 0);
    out8(m, 0x3fb, 0x43);
    g_assert_cmpuint(pc.line.breaks, ==, 1);
    pc_done(&pc);
}

static void test_loopback(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, false);
    g_assert_cmphex(in8(m, 0x3fe), ==, 0xb0);
    out8(m, 0x3fc, 0x10);
    g_assert_cmphex(in8(m, 0x3fe), ==, 0x0b); /* all went away */
    out8(m, 0x3fc, 0x1a);
    g_assert_cmphex(in8(m, 0x3fe), ==, 0x99);
    out8(m, 0x3fc, 0x1e);
    g_assert_cmphex(in8(m, 0x3fe), ==, 0xd0); /* ring: its end counts */
    out8(m, 0x3fc, 0x1a);
    g_assert_cmphex(in8(m, 0x3fe), ==, 0x94);
    out8(m, 0x3f8, 'z');
    g_assert_cmphex(in8(m, 0x3f8), ==, 'z');
    g_assert_cmpuint(pc.line.sent->len, ==, 0);
    out8(m, 0x3f9, 8);
    out8(m, 0x3fc, 0x10);
    g_assert_true(pc.irq.level);
    g_assert_cmphex(in8(m, 0x3fa), ==, 0);
    in8(m, 0x3fe);
    g_assert_false(pc.irq.level);
    out8(m, 0x3ff, 0xa5);
    g_assert_cmphex(in8(m, 0x3ff), ==, 0xa5);
    pc_done(&pc);
}

static void test_places(void)
{
    struct pc pc = {0};
    g_autoptr(GError) error = NULL;
    struct dev *dev = NULL;

    pc_init(&pc, false);
    for (unsigned i = 1; i < 4; i++) {
        dev = dev_new(&pc.m, &isa_serial_type, NULL);
        g_assert_true(dev_realize(dev, NULL));
    }
    g_assert_cmphex(((struct isa_serial *)dev)->iobase, ==, 0x2e8);
    dev = dev_new(&pc.m, &isa_serial_type, NULL);
    g_assert_false(dev_realize(dev, &error));
    g_assert_cmpstr(error->message, ==,
                    "isa-serial: there are at most 4 serial ports");
    dev_free(dev);
    pc_done(&pc);
}

static void test_debug(void)
{
    struct pc pc = {0};
    struct dev *dev;

    line_init(&pc);
    dev = dev_new(&pc.m, &debugcon_type, NULL);
    dev_set_prop(dev, "iobase", "0x402", NULL);
    dev_set_prop(dev, "chardev", "line", NULL);
    g_assert_true(dev_realize(dev, NULL));
    g_assert_cmphex(in8(&pc.m, 0x402), ==, 0xe9);
    out8(&pc.m, 0x402, 'h');
    out8(&pc.m, 0x402, 'i');
    g_assert_cmpstr(pc.line.sent->str, ==, "hi");
    hw_test_dev(&pc.m, &debugexit_type);
    out8(&pc.m, 0x501, 0x10);
    g_assert_cmphex(pc.m.exit_code, ==, 0x21);
    g_assert_cmphex(pc.m.requests, ==, MACHINE_QUIT);
    pc_done(&pc);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ns16550/send", test_send);
    g_test_add_func("/ns16550/paced", test_paced);
    g_test_add_func("/ns16550/receive", test_receive);
    g_test_add_func("/ns16550/loopback", test_loopback);
    g_test_add_func("/ns16550/places", test_places);
    g_test_add_func("/debug", test_debug);
    return g_test_run();
}
