/* SPDX-License-Identifier: MIT */
/* The PCI bus, its host bridge and the south bridge's function 0. */
#include "hw/chipset/i440fx.h"
#include "hw/chipset/piix3.h"
#include "hw/isa/port92.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct region ram_region;
    struct ram *rom;
    struct region rom_region;
    struct i440fx *host;
    struct piix3 *isa;
};

static void pc_init(struct pc *pc)
{
    struct machine *m = &pc->m;
    GError *error = NULL;

    hw_test_init(m);
    m->ram = machine_ram_new(m, "ram", 4 * MIB, &error);
    g_assert_no_error(error);
    region_init_ram(&pc->ram_region, "ram", m->ram, 0, 4 * MIB);
    region_add(&m->memory.root, &pc->ram_region, 0, 0);
    pc->host = hw_test_dev(m, &i440fx_type);
    pc->rom = machine_ram_new(m, "rom", 64 * KIB, &error);
    memset(pc->rom->host, 0xbb, 64 * KIB);
    region_init_rom(&pc->rom_region, "rom", pc->rom, 0, 64 * KIB, NULL, NULL);
    region_add(&pc->host->pci_memory, &pc->rom_region, 0xf0000, 0);
    pc->isa = (struct piix3 *)dev_new(m, &piix3_type, NULL);
    pc->isa->host = &pc->host->host;
    dev_realize(&pc->isa->pci.dev, &error);
    g_assert_no_error(error);
}

static void conf_write8(struct machine *m, uint32_t devfn, unsigned at,
                        uint8_t v)
{
    out32(m, 0xcf8, 0x80000000 | devfn << 8 | (at & 0xfc));
    out8(m, (uint16_t)(0xcfc + (at & 3)), v);
}

static uint32_t conf_read32(struct machine *m, uint32_t devfn, unsigned at)
{
    out32(m, 0xcf8, 0x80000000 | devfn << 8 | at);
    return in32(m, 0xcfc);
}

static void test_config(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    g_assert_cmphex(conf_read32(m, 0, 0), ==, 0x12378086);
    g_assert_cmphex(in16(m, 0xcfe), ==, 0x1237);
    g_assert_cmphex(in8(m, 0xcfd), ==, 0x80);
    g_assert_cmphex(conf_read32(m, 8, 0), ==, 0x70008086);
    g_assert_cmphex(conf_read32(m, 0x10, 0), ==, 0xffffffff);
    g_assert_cmphex(conf_read32(m, 8, 0x60), ==, 0x80808080);
    out32(m, 0xcf8, 0); /* not enabled */
    g_assert_cmphex(in32(m, 0xcfc), ==, 0xffffffff);
    out32(m, 0xcf8, 0x80010000); /* bus 1 */
    g_assert_cmphex(in32(m, 0xcfc), ==, 0xffffffff);
    out8(m, 0xcf8, 0x55); /* bytes are not the address register */
    g_assert_cmphex(in32(m, 0xcf8), ==, 0x80010000);
    out8(m, 0xcf9, 0x02);
    g_assert_cmphex(in8(m, 0xcf9), ==, 0x02);
    g_assert_cmphex(m->requests, ==, 0);
    out8(m, 0xcf9, 0x06);
    g_assert_cmphex(m->requests, ==, MACHINE_RESET);
    hw_test_done(m);
}

static void test_pam(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct space *mem = &m->memory;

    pc_init(&pc);
    space_write(mem, 0xf0000, 1, 0x11); /* PCI both ways: a ROM */
    g_assert_cmphex(space_read(mem, 0xf0000, 1), ==, 0xbb);
    conf_write8(m, 0, 0x59, 0x20); /* writes to memory, reads from the ROM */
    g_assert_cmphex(space_read(mem, 0xf0000, 4), ==, 0xbbbbbbbb);
    space_write(mem, 0xf0000, 4, 0x44332211);
    g_assert_cmphex(space_read(mem, 0xf0000, 4), ==, 0xbbbbbbbb);
    conf_write8(m, 0, 0x59, 0x10); /* reads from memory */
    space_write(mem, 0xf0000, 1, 0x99);
    g_assert_cmphex(space_read(mem, 0xf0000, 4), ==, 0x44332211);
    conf_write8(m, 0, 0x59, 0x30);
    space_write(mem, 0xf0000, 1, 0x99);
    g_assert_cmphex(space_read(mem, 0xf0000, 4), ==, 0x44332299);

    g_assert_cmphex(space_read(mem, 0xc8000, 1), ==, 0xff);
    conf_write8(m, 0, 0x5b, 0x03); /* C8000 */
    space_write(mem, 0xc8000, 1, 0x77);
    space_write(mem, 0xcc000, 1, 0x77);
    g_assert_cmphex(space_read(mem, 0xc8000, 1), ==, 0x77);
    g_assert_cmphex(space_read(mem, 0xcc000, 1), ==, 0xff);
    conf_write8(m, 0, 0x5f, 0x30); /* EC000 */
    space_write(mem, 0xec000, 1, 0x66);
    g_assert_cmphex(space_read(mem, 0xec000, 1), ==, 0x66);
    machine_reset_devices(m);
    g_assert_cmphex(space_read(mem, 0xec000, 1), ==, 0xff);
    g_assert_cmphex(space_read(mem, 0xf0000, 1), ==, 0xbb);
    hw_test_done(m);
}

static void test_smram(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct space *mem = &m->memory;

    pc_init(&pc);
    g_assert_cmphex(space_read(mem, 0xa0000, 1), ==, 0xff);
    conf_write8(m, 0, 0x72, 0x4a); /* open */
    space_write(mem, 0xa0000, 1, 0x5a);
    g_assert_cmphex(space_read(mem, 0xa0000, 1), ==, 0x5a);
    conf_write8(m, 0, 0x72, 0x0a);
    g_assert_cmphex(space_read(mem, 0xa0000, 1), ==, 0xff);
    i440fx_set_smm(pc.host, true);
    g_assert_cmphex(space_read(mem, 0xa0000, 1), ==, 0x5a);
    i440fx_set_smm(pc.host, false);
    conf_write8(m, 0, 0x72, 0x5a); /* lock closes it */
    g_assert_cmphex(space_read(mem, 0xa0000, 1), ==, 0xff);
    conf_write8(m, 0, 0x72, 0x4a);
    g_assert_cmphex(conf_read32(m, 0, 0x70) >> 16 & 0xff, ==, 0x1a);
    machine_reset_devices(m);
    g_assert_cmphex(conf_read32(m, 0, 0x70) >> 16 & 0xff, ==, 0x02);
    hw_test_done(m);
}

/* A device with one I/O and one memory BAR, for the bus. */
struct card {
    struct pci_dev pci;
    struct region io, mem;
};

static uint64_t card_read(void *opaque, uint64_t at, unsigned size)
{
    return 0x42;
}

static const struct region_ops card_ops = {.read = card_read};

static bool card_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {.vendor = 0x1234,
                                       .device = 0x5678,
                                       .class_code = 0xff0000,
                                       .int_pin = 1};
    struct card *c = (struct card *)dev;

    if (!pci_realize(&c->pci, &ids, -1, error)) {
        return false;
    }
    region_init_io(&c->io, "card-io", 32, &card_ops, c);
    region_init_io(&c->mem, "card-mem", 4096, &card_ops, c);
    pci_set_bar(&c->pci, 0, PCI_BAR_IO, &c->io);
    pci_set_bar(&c->pci, 2, PCI_BAR_MEM64_PREFETCH, &c->mem);
    g_assert_cmphex(pci_add_capability(&c->pci, 1, 8), ==, 0x40);
    g_assert_cmphex(pci_add_capability(&c->pci, 5, 14), ==, 0x48);
    return true;
}

static void card_unrealize(struct dev *dev)
{
    pci_unrealize((struct pci_dev *)dev);
}

static void card_reset(struct dev *dev)
{
    pci_reset((struct pci_dev *)dev);
}

static void card_settle(struct dev *dev)
{
    pci_settle((struct pci_dev *)dev);
}

static const struct field card_props[] = {PCI_PROPS(struct card, pci),
                                          FIELD_END};
static const struct dev_type card_type = {
    .name = "card",
    .bus = "PCI",
    .size = sizeof(struct card),
    .props = card_props,
    .realize = card_realize,
    .unrealize = card_unrealize,
    .reset = card_reset,
    .settle = card_settle,
};

static void test_bars(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct card *card;
    uint32_t devfn;

    pc_init(&pc);
    card = hw_test_dev(m, &card_type);
    devfn = card->pci.devfn;
    g_assert_cmphex(devfn, ==, 0x10); /* the first free slot */
    conf_write8(m, devfn, 4, 3);
    for (unsigned i = 0; i < 6; i++) {
        out32(m, 0xcf8, 0x80000000 | devfn << 8 | (0x10 + 4 * i));
        out32(m, 0xcfc, 0xffffffff);
    }
    g_assert_cmphex(conf_read32(m, devfn, 0x10), ==, 0xffffffe1);
    g_assert_cmphex(conf_read32(m, devfn, 0x14), ==, 0);
    g_assert_cmphex(conf_read32(m, devfn, 0x18), ==, 0xfffff00c);
    g_assert_cmphex(conf_read32(m, devfn, 0x1c), ==, 0xffffffff);
    g_assert_false(region_mapped(&card->io));
    g_assert_false(region_mapped(&card->mem));
    out32(m, 0xcf8, 0x80000000 | devfn << 8 | 0x10);
    out16(m, 0xcfc, 0xc000);
    out16(m, 0xcfe, 0);
    g_assert_cmphex(in8(m, 0xc01f), ==, 0x42);
    g_assert_cmphex(in8(m, 0xc020), ==, 0xff);
    out32(m, 0xcf8, 0x80000000 | devfn << 8 | 0x18);
    out32(m, 0xcfc, 0x1000);
    out32(m, 0xcf8, 0x80000000 | devfn << 8 | 0x1c);
    out32(m, 0xcfc, 0x8);
    g_assert_cmphex(space_read(&m->memory, 0x800001000, 1), ==, 0x42);
    conf_write8(m, devfn, 4, 0);
    g_assert_cmphex(in8(m, 0xc01f), ==, 0xff);
    g_assert_cmphex(space_read(&m->memory, 0x800001000, 1), ==, 0xff);
    g_assert_cmphex(conf_read32(m, devfn, 0x34), ==, 0x48);
    g_assert_cmphex(conf_read32(m, devfn, 0x48), ==, 0x4005);
    hw_test_done(m);
}

static void test_intx(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct card *a;
    struct card *b;
    struct probe irq11 = {0};

    pc_init(&pc);
    a = hw_test_dev(m, &card_type); /* slot 2: PIRQB */
    b = (struct card *)dev_new(m, &card_type, "b");
    dev_set_prop(&b->pci.dev, "addr", "6", NULL); /* PIRQB too */
    g_assert_true(dev_realize(&b->pci.dev, NULL));
    isa_bus_of(m)->irq[11] = probe_wire(&irq11);
    pci_set_intx(&a->pci, true);
    g_assert_false(irq11.level); /* not routed yet */
    conf_write8(m, 8, 0x61, 11);
    g_assert_true(irq11.level);
    pci_set_intx(&b->pci, true);
    pci_set_intx(&a->pci, false);
    g_assert_true(irq11.level);
    conf_write8(m, 0x30, 5, 4); /* INTx off */
    g_assert_false(irq11.level);
    g_assert_cmphex(conf_read32(m, 0x30, 4) >> 16 & 8, ==, 8);
    conf_write8(m, 0x30, 5, 0);
    g_assert_true(irq11.level);
    conf_write8(m, 8, 0x61, 0x80);
    g_assert_false(irq11.level);
    conf_write8(m, 8, 0x61, 11);
    dev_unrealize(&b->pci.dev);
    g_assert_false(irq11.level);
    hw_test_done(m);
}

static void test_places(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct dev *dev;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    pc_init(&pc);
    dev = dev_new(m, &card_type, NULL);
    dev_set_prop(dev, "addr", "1.0", NULL);
    g_assert_false(dev_realize(dev, &error));
    g_assert_cmpstr(error->message, ==,
                    "card: slot 1.0 of pci.0 is taken by PIIX3");
    g_clear_error(&error);
    dev_set_prop(dev, "addr", "0.1", NULL);
    g_assert_false(dev_realize(dev, &error));
    g_assert_cmpstr(error->message, ==,
                    "card: slot 0.0 is not a multifunction device");
    g_clear_error(&error);
    dev_set_prop(dev, "addr", "20", NULL);
    g_assert_false(dev_realize(dev, NULL));
    dev_set_prop(dev, "addr", "1.7", NULL);
    g_assert_true(dev_realize(dev, NULL));
    pci_print(m, text);
    g_assert_nonnull(strstr(text->str, "device   1, function 7"));
    hw_test_done(m);
}

static void test_port92(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct port92 *s;
    struct probe a20 = {0};

    pc_init(&pc);
    s = hw_test_dev(m, &port92_type);
    s->a20 = probe_wire(&a20);
    out8(m, 0x92, 0xfe);
    g_assert_cmphex(in8(m, 0x92), ==, 0x02);
    g_assert_true(a20.level);
    g_assert_cmphex(m->requests, ==, 0);
    out8(m, 0x92, 0x03);
    g_assert_cmphex(m->requests, ==, MACHINE_RESET);
    machine_reset_devices(m);
    g_assert_false(a20.level);
    hw_test_done(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci/config", test_config);
    g_test_add_func("/pci/bars", test_bars);
    g_test_add_func("/pci/intx", test_intx);
    g_test_add_func("/pci/places", test_places);
    g_test_add_func("/i440fx/pam", test_pam);
    g_test_add_func("/i440fx/smram", test_smram);
    g_test_add_func("/port92", test_port92);
    return g_test_run();
}
