/* SPDX-License-Identifier: MIT */
#include "hw/dma/i8237.h"
#include "tests/unit/hw_test.h"

/* A device with `have` bytes: counting up when it sends. */
struct source {
    struct machine *m;
    unsigned have, at, tcs;
    uint8_t got[256];
};

struct pc {
    struct machine m;
    struct region ram_region;
    struct i8237_pair *dma;
    struct source dev;
};

static unsigned source_transfer(void *opaque, uint8_t *buf, unsigned len,
                                bool write, bool tc)
{
    struct source *s = opaque;
    unsigned n = MIN(len, s->have);

    for (unsigned i = 0; i < n; i++, s->at++) {
        if (write) {
            buf[i] = (uint8_t)s->at;
        } else {
            s->got[s->at % sizeof(s->got)] = buf[i];
        }
    }
    s->have -= n;
    s->tcs += tc && n == len;
    return n;
}

static void pc_init(struct pc *pc, unsigned channel)
{
    struct isa_dma_client client = {source_transfer, &pc->dev};

    hw_test_init(&pc->m);
    isa_bus_new(&pc->m, NULL);
    pc->m.ram = machine_ram_new(&pc->m, "ram", MIB, NULL);
    region_init_ram(&pc->ram_region, "ram", pc->m.ram, 0, MIB);
    region_add(&pc->m.memory.root, &pc->ram_region, 0, 0);
    pc->dma = hw_test_dev(&pc->m, &i8237_type);
    g_assert_true(isa_dma_attach(&pc->m, channel, &client, NULL));
}

/* Channel 2: mode, address 0x1ff00 and up, count. */
static void setup2(struct machine *m, uint8_t mode, uint16_t addr,
                   uint16_t count)
{
    out8(m, 0x0c, 0);
    out8(m, 0x0b, mode | 2);
    out8(m, 0x04, (uint8_t)addr);
    out8(m, 0x04, (uint8_t)(addr >> 8));
    out8(m, 0x05, (uint8_t)count);
    out8(m, 0x05, (uint8_t)(count >> 8));
    out8(m, 0x81, 0x01);
    out8(m, 0x0a, 2);
}

static void test_write(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, 2);
    setup2(m, 0x44, 0x2000, 511);
    pc.dev.have = 200;
    isa_dreq(m, 2, true);
    g_assert_cmphex(m->ram->host[0x12000 + 199], ==, 199);
    g_assert_cmphex(in8(m, 0x04), ==, 200);
    g_assert_cmphex(in8(m, 0x04), ==, 0x20);
    g_assert_cmphex(in8(m, 0x05) | in8(m, 0x05) << 8, ==, 311);
    g_assert_cmphex(in8(m, 0x08), ==, 0x40);
    isa_dreq(m, 2, false);
    pc.dev.have = 1000;
    isa_dreq(m, 2, true);
    g_assert_cmpuint(pc.dev.have, ==, 688); /* the count stops it */
    g_assert_cmpuint(pc.dev.tcs, ==, 1);
    g_assert_cmphex(m->ram->host[0x12000 + 511], ==, 0xff);
    g_assert_cmphex(in8(m, 0x08), ==, 0x44);
    g_assert_cmphex(in8(m, 0x08), ==, 0x40);
    g_assert_cmphex(in8(m, 0x0f), ==, 0xff); /* masked itself */
    hw_test_done(m);
}

static void test_read(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, 2);
    for (unsigned i = 0; i < 16; i++) {
        m->ram->host[0x10000 + i] = (uint8_t)(0x80 + i);
        m->ram->host[0x1fff8 + i] = (uint8_t)(0x40 + i);
    }
    pc.dev.have = 100;
    isa_dreq(m, 2, true);
    g_assert_cmpuint(pc.dev.have, ==, 100); /* masked */
    setup2(m, 0x48, 0xfff8, 15); /* the address wraps inside its page */
    g_assert_cmpuint(pc.dev.have, ==, 84);
    g_assert_cmphex(pc.dev.got[7], ==, 0x47);
    g_assert_cmphex(pc.dev.got[8], ==, 0x80);
    pc.dev.at = 0;
    setup2(m, 0x68, 0x0003, 3); /* down */
    g_assert_cmpmem(pc.dev.got, 4, "\x83\x82\x81\x80", 4);
    hw_test_done(m);
}

static void test_auto(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, 2);
    setup2(m, 0x54, 0x0000, 9);
    pc.dev.have = 25;
    isa_dreq(m, 2, true);
    g_assert_cmpuint(pc.dev.have, ==, 0);
    g_assert_cmpuint(pc.dev.tcs, ==, 2);
    g_assert_cmphex(in8(m, 0x04), ==, 5);
    g_assert_cmphex(m->ram->host[0x10000], ==, 20);
    g_assert_cmphex(m->ram->host[0x10005], ==, 15);
    g_assert_cmphex(in8(m, 0x0f), ==, 0xfb);
    pc.dev.have = UINT32_MAX; /* must come to an end */
    isa_dreq(m, 2, true);
    hw_test_done(m);
}

static void test_words(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, 5);
    out8(m, 0xd8, 0);
    out8(m, 0xd6, 0x45);
    out8(m, 0xc4, 0x00);
    out8(m, 0xc4, 0x80); /* word 0x8000 of page 2 */
    out8(m, 0xc6, 0x03);
    out8(m, 0xc6, 0x00);
    out8(m, 0x8b, 0x03); /* bit 0 does not count */
    out8(m, 0xd4, 1);
    pc.dev.have = 100;
    isa_dreq(m, 5, true);
    g_assert_cmpuint(pc.dev.have, ==, 92);
    g_assert_cmpmem(m->ram->host + 0x30000, 8, "\0\1\2\3\4\5\6\7", 8);
    hw_test_done(m);
}

static void test_mem_to_mem(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc, 2);
    memcpy(m->ram->host + 0x100, "abcd", 4);
    out8(m, 0x0b, 0x88);
    out8(m, 0x0b, 0x85);
    out8(m, 0x00, 0x00);
    out8(m, 0x00, 0x01);
    out8(m, 0x02, 0x00);
    out8(m, 0x02, 0x02);
    out8(m, 0x03, 3);
    out8(m, 0x03, 0);
    out8(m, 0x08, 1);
    out8(m, 0x09, 4);
    g_assert_cmpmem(m->ram->host + 0x200, 4, "abcd", 4);
    g_assert_cmphex(in8(m, 0x0d), ==, 'd');
    hw_test_done(m);
}

static void test_page(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct isa_dma_client client = {0};
    g_autoptr(GError) error = NULL;

    pc_init(&pc, 2);
    out8(m, 0x80, 0x5a);
    g_assert_cmphex(in8(m, 0x80), ==, 0x5a);
    g_assert_false(isa_dma_attach(m, 4, &client, &error));
    g_assert_cmpstr(error->message, ==,
                    "dma 4 is not an ISA DMA channel (0..3, 5..7)");
    hw_test_done(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8237/write", test_write);
    g_test_add_func("/i8237/read", test_read);
    g_test_add_func("/i8237/auto", test_auto);
    g_test_add_func("/i8237/words", test_words);
    g_test_add_func("/i8237/mem_to_mem", test_mem_to_mem);
    g_test_add_func("/i8237/page", test_page);
    return g_test_run();
}
