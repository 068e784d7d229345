/* SPDX-License-Identifier: MIT */
/* The rings of an xHCI, as good and as hostile guests make them. [XHCI] */
#include "hw/usb/hid.h"
#include "hw/usb/xhci.h"
#include "tests/unit/hw_test.h"

enum {
    RAM = 1 * MIB,
    BAR = 0xf0000000,
    TABLE = 0x900,
    EVENTS = 0x1000,
    EVENT_COUNT = 32,
    COMMANDS = 0x2000
};
enum { NOOP = 23 << 10, ENABLE_SLOT = 9 << 10, LINK = 6 << 10 };

struct rig {
    struct machine m;
    struct region ram_region;
    struct pci_bus *pci;
    struct probe irq;
    struct dev *dev;
};

static uint32_t rd(struct rig *r, uint32_t at)
{
    return (uint32_t)space_read(&r->m.memory, BAR + at, 4);
}

static void wr(struct rig *r, uint32_t at, uint32_t v)
{
    space_write(&r->m.memory, BAR + at, 4, v);
}

static void put_trb(struct rig *r, uint64_t at, uint64_t parameter,
                    uint32_t control)
{
    uint8_t b[16] = {0};

    stl_u64(b, parameter);
    stl_u32(b + 12, control);
    dma_write(&r->m.memory, at, b, sizeof(b));
}

/* Word n of event i. */
static uint32_t event(struct rig *r, unsigned i, unsigned n)
{
    return dma_read32(&r->m.memory, EVENTS + 16 * i + 4 * n);
}

static unsigned events(struct rig *r)
{
    unsigned n = 0;

    while (n < EVENT_COUNT && event(r, n, 3) & 1) {
        n++;
    }
    return n;
}

static void rig_init(struct rig *r)
{
    struct pci_dev *d;

    memset(r, 0, sizeof(*r));
    hw_test_init(&r->m);
    r->m.ram = machine_ram_new(&r->m, "ram", RAM, NULL);
    region_init_ram(&r->ram_region, "ram", r->m.ram, 0, RAM);
    region_add(&r->m.memory.root, &r->ram_region, 0, 0);
    r->pci =
        pci_bus_new(&r->m, "pci.0", NULL, &r->m.memory.root, &r->m.ports.root);
    for (unsigned i = 0; i < 4; i++) {
        r->pci->irq[i] = probe_wire(&r->irq);
    }
    r->dev = dev_new(&r->m, &qemu_xhci_type, NULL);
    g_assert_true(dev_realize(r->dev, NULL));
    d = container_of(r->dev, struct pci_dev, dev);
    pci_config_write(d, PCI_BAR0, 4, BAR);
    pci_config_write(d, PCI_COMMAND, 2, PCI_CMD_MEMORY | PCI_CMD_MASTER);
}

/* [XHCI] 4.2: rings, then run. */
static void start(struct rig *r, uint64_t event_ring)
{
    uint8_t table[16] = {0};

    stl_u64(table, event_ring);
    stl_u32(table + 8, EVENT_COUNT);
    dma_write(&r->m.memory, TABLE, table, sizeof(table));
    wr(r, 0x78, 8);
    wr(r, 0x58, COMMANDS | 1);
    wr(r, 0x5c, 0);
    wr(r, 0x1028, 1);
    wr(r, 0x1038, (uint32_t)event_ring);
    wr(r, 0x103c, (uint32_t)(event_ring >> 32));
    wr(r, 0x1030, TABLE);
    wr(r, 0x1034, 0);
    wr(r, 0x1020, 2);
    wr(r, 0x40, 5);
}

static void rig_done(struct rig *r)
{
    hw_test_done(&r->m);
}

static void test_command(void)
{
    struct rig r;

    rig_init(&r);
    g_assert_cmphex(rd(&r, 0) & 0xff, ==, 0x40);
    g_assert_cmphex(rd(&r, 0x44) & 1, ==, 1); /* halted */
    start(&r, EVENTS);
    put_trb(&r, COMMANDS, 0, ENABLE_SLOT | 1);
    g_assert_false(r.irq.level);
    wr(&r, 0x2000, 0);
    g_assert_cmpuint(events(&r), ==, 1);
    g_assert_cmphex(event(&r, 0, 0), ==, COMMANDS);
    g_assert_cmphex(event(&r, 0, 2), ==, 1u << 24);
    g_assert_cmphex(event(&r, 0, 3), ==, 1u << 24 | 33u << 10 | 1);
    g_assert_true(r.irq.level);
    wr(&r, 0x1020, 3); /* the pending bit goes */
    g_assert_false(r.irq.level);
    put_trb(&r, COMMANDS + 16, 0, 63u << 10 | 1); /* no such command */
    wr(&r, 0x1038, EVENTS | 16 | 8);
    wr(&r, 0x2000, 0);
    g_assert_cmphex(event(&r, 1, 2), ==, 5u << 24);
    rig_done(&r);
}

/* A ring without an end: no event is lost, and others get their turn. */
static void test_endless(void)
{
    struct rig r;
    unsigned n;

    rig_init(&r);
    start(&r, EVENTS);
    put_trb(&r, COMMANDS, 0, NOOP | 1);
    put_trb(&r, COMMANDS + 16, COMMANDS, LINK | 1);
    wr(&r, 0x2000, 0);
    n = events(&r);
    g_assert_cmpuint(n, >, 8);
    g_assert_cmpuint(n, <, EVENT_COUNT);
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmphex(event(&r, i, 2), ==, 1u << 24);
    }
    wr(&r, 0x1038, EVENTS + 16 * n - 16);
    g_assert_cmphex(event(&r, n, 3) & 1, ==, 1); /* it went on */
    put_trb(&r, COMMANDS, COMMANDS, LINK | 1);   /* links to itself */
    wr(&r, 0x1038, EVENTS);
    wr(&r, 0x2000, 0);
    rig_done(&r);
}

/* Rings in the controller's own registers. */
static void test_own_registers(void)
{
    struct rig r;

    rig_init(&r);
    start(&r, BAR + 0x2000); /* events ring doorbells */
    put_trb(&r, COMMANDS, 0, NOOP | 1);
    put_trb(&r, COMMANDS + 16, COMMANDS, LINK | 1);
    wr(&r, 0x2000, 0);
    hw_test_step(&r.m, NS_PER_SECOND);
    rig_done(&r);
}

/* [XHCI] 4.19: a device appears, is reset, goes. */
static void test_port(void)
{
    struct rig r;
    struct dev *pen;

    rig_init(&r);
    start(&r, EVENTS);
    g_assert_cmphex(rd(&r, 0x440), ==, 0x2a0); /* power, receiver detect */
    pen = dev_new(&r.m, &usb_tablet_type, "pen");
    g_assert_true(dev_realize(pen, NULL));
    g_assert_cmphex(rd(&r, 0x440) & 0x20c03, ==, 0x20c01); /* high speed */
    g_assert_cmphex(event(&r, 0, 0), ==, 1u << 24);
    g_assert_cmphex(event(&r, 0, 3), ==, 34u << 10 | 1);
    wr(&r, 0x440, 0x20210); /* reset, the change is taken */
    g_assert_cmphex(rd(&r, 0x440) & 0x2201e3, ==, 0x200003);
    dev_unrealize(pen);
    g_assert_cmphex(rd(&r, 0x440) & 0x20003, ==, 0x20000);
    rig_done(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xhci/command", test_command);
    g_test_add_func("/xhci/endless", test_endless);
    g_test_add_func("/xhci/own-registers", test_own_registers);
    g_test_add_func("/xhci/port", test_port);
    return g_test_run();
}
