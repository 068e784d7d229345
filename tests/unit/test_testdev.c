/* SPDX-License-Identifier: MIT */
/* Parallel port, pvpanic, the test devices. */
#include "hw/char/parallel.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/pc_testdev.h"
#include "hw/misc/pci_testdev.h"
#include "hw/misc/pvpanic.h"
#include "tests/unit/hw_test.h"

struct printer {
    struct chardev chr;
    GString *paper;
    bool stuck;
};

static unsigned printer_write(struct chardev *c, const uint8_t *buf,
                              unsigned len)
{
    struct printer *p = container_of(c, struct printer, chr);

    if (p->stuck) {
        return 0;
    }
    g_string_append_len(p->paper, (const char *)buf, len);
    return len;
}

static const struct chardev_ops printer_ops = {.write = printer_write};

static void strobe(struct machine *m, uint8_t byte, uint8_t control)
{
    out8(m, 0x378, byte);
    out8(m, 0x37a, control | 1);
    out8(m, 0x37a, control);
}

static void test_parallel(void)
{
    struct machine m;
    struct probe irq = {0};
    struct printer p = {.chr.ops = &printer_ops};
    struct dev *dev;

    hw_test_init(&m);
    isa_bus_new(&m, NULL)->irq[7] = probe_wire(&irq);
    p.paper = g_string_new(NULL);
    machine_add_backend(&m, BACKEND_CHARDEV, "p", &p.chr);
    dev = dev_new(&m, &parallel_type, NULL);
    dev_set_prop(dev, "chardev", "p", NULL);
    g_assert_true(dev_realize(dev, NULL));
    g_assert_cmphex(in8(&m, 0x379), ==, 0xdb);
    strobe(&m, 'A', 0x0c);
    g_assert_cmpstr(p.paper->str, ==, "A");
    g_assert_cmphex(in8(&m, 0x379), ==, 0x9b); /* acknowledged, once */
    g_assert_cmphex(in8(&m, 0x379), ==, 0xdb);
    g_assert_false(irq.level);
    strobe(&m, 'B', 0x1c);
    g_assert_true(irq.level);
    in8(&m, 0x379);
    g_assert_false(irq.level);
    p.stuck = true;
    strobe(&m, 'C', 0x0c);
    g_assert_cmphex(in8(&m, 0x379), ==, 0x5b); /* busy */
    p.stuck = false;
    p.chr.front.writable(p.chr.front.opaque);
    g_assert_cmpstr(p.paper->str, ==, "ABC");
    strobe(&m, 'D', 0x08); /* held in reset */
    g_assert_cmpstr(p.paper->str, ==, "ABC");
    hw_test_done(&m);
    g_string_free(p.paper, TRUE);
}

static void count_event(void *opaque, const char *name, const char *json)
{
    g_assert_cmpstr(name, ==, "GUEST_CRASHLOADED");
    ++*(unsigned *)opaque;
}

static void test_pvpanic(void)
{
    struct machine m;
    struct fw_cfg *fw;
    unsigned events = 0;

    hw_test_init(&m);
    m.event = count_event;
    m.event_opaque = &events;
    fw = hw_test_dev(&m, &fw_cfg_type);
    hw_test_dev(&m, &pvpanic_type);
    g_assert_cmpmem(fw_cfg_find_file(fw, "etc/pvpanic-port")->data, 2,
                    "\x05\x05", 2);
    g_assert_cmphex(in8(&m, 0x505), ==, 3);
    out8(&m, 0x505, 2);
    g_assert_cmpuint(events, ==, 1);
    g_assert_cmphex(m.requests, ==, 0);
    out8(&m, 0x505, 1);
    g_assert_cmphex(m.requests, ==, MACHINE_PANIC);
    hw_test_done(&m);
}

static void test_pc_testdev(void)
{
    struct machine m;
    struct probe irq = {0};

    hw_test_init(&m);
    isa_bus_new(&m, NULL)->irq[5] = probe_wire(&irq);
    hw_test_dev(&m, &pc_testdev_type);
    out32(&m, 0xe0, 0x12345678);
    g_assert_cmphex(in32(&m, 0xe8), ==, 0x12345678);
    out8(&m, 0xe9, 0xaa);
    g_assert_cmphex(in16(&m, 0xe0), ==, 0xaa78);
    out8(&m, 0x2005, 1);
    g_assert_true(irq.level);
    out8(&m, 0x2005, 0);
    g_assert_false(irq.level);
    space_write(&m.memory, 0xff000ff8, 8, UINT64_C(0x1122334455667788));
    g_assert_cmphex(space_read(&m.memory, 0xff000ffc, 4), ==, 0x11223344);
    hw_test_done(&m);
}

static void test_pci_testdev(void)
{
    struct machine m;
    struct pci_testdev *d;
    char name[32] = {0};

    hw_test_init(&m);
    pci_bus_new(&m, "pci.0", NULL, &m.memory.root, &m.ports.root);
    d = hw_test_dev(&m, &pci_testdev_type);
    pci_config_write(&d->pci, PCI_BAR0, 4, 0xe0000000);
    pci_config_write(&d->pci, PCI_BAR0 + 4, 4, 0xc000);
    pci_config_write(&d->pci, PCI_COMMAND, 2, 3);
    out8(&m, 0xc000, 2); /* data match, ports */
    for (unsigned i = 0; i < 24; i++) {
        name[i] = (char)in8(&m, (uint16_t)(0xc010 + i));
    }
    g_assert_cmpstr(name, ==, "portio-datamatch-eventfd");
    g_assert_cmphex(in32(&m, 0xc004), ==, 128 + 5);
    out8(&m, 0xc000 + 128 + 5, in8(&m, 0xc008));
    out8(&m, 0xc000 + 128 + 5, 0);
    out8(&m, 0xc000 + 128 + 4, in8(&m, 0xc008));
    g_assert_cmpuint(in32(&m, 0xc00c), ==, 1);
    space_write(&m.memory, 0xe0000000, 1, 1); /* wildcard, memory */
    space_write(&m.memory, 0xe0000000 + 2048 + 1, 1, 0x77);
    g_assert_cmpuint(space_read(&m.memory, 0xe000000c, 4), ==, 1);
    out8(&m, 0xc000, 200); /* there is no such test */
    g_assert_cmphex(in32(&m, 0xc004), ==, 0);
    hw_test_done(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/parallel", test_parallel);
    g_test_add_func("/pvpanic", test_pvpanic);
    g_test_add_func("/pc_testdev", test_pc_testdev);
    g_test_add_func("/pci_testdev", test_pci_testdev);
    return g_test_run();
}
