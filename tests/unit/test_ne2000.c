/* SPDX-License-Identifier: MIT */
/* The DP8390 behind an NE2000, on ISA and on PCI. [DP8390] [NE2000] */
#include "hw/net/ne2000.h"
#include "tests/unit/nic_test.h"

enum { START = 0x46, STOP = 0x80, TX_PAGE = 0x40 };

struct card {
    struct nic_test t;
    struct dev *dev;
    uint16_t base;
};

static uint8_t rd(struct card *c, unsigned reg)
{
    return in8(&c->t.m, (uint16_t)(c->base + reg));
}

static void wr(struct card *c, unsigned reg, uint8_t v)
{
    out8(&c->t.m, (uint16_t)(c->base + reg), v);
}

static void wr_page1(struct card *c, unsigned reg, uint8_t v)
{
    wr(c, 0, 0x61);
    wr(c, reg, v);
    wr(c, 0, 0x21);
}

static void init_isa(struct card *c)
{
    nic_test_init(&c->t);
    c->t.isa->irq[5] = probe_wire(&c->t.irq);
    c->dev = nic_test_new(&c->t, &ne2k_isa_type);
    g_assert_true(dev_set_prop(c->dev, "iobase", "0x320", NULL));
    g_assert_true(dev_set_prop(c->dev, "irq", "5", NULL));
    nic_test_realize(c->dev);
    c->base = 0x320;
}

static void init_pci(struct card *c)
{
    nic_test_init(&c->t);
    c->dev = nic_test_pci(&c->t, &ne2k_pci_type);
    c->base = NIC_IO;
}

/* [DP8390] 11: the order in which registers are set up. */
static void start(struct card *c, uint8_t rcr)
{
    rd(c, 0x1f);
    g_assert_cmphex(rd(c, 7) & 0x80, ==, 0x80);
    wr(c, 0x00, 0x21);
    wr(c, 0x0e, 0x49); /* words, FIFO 8 bytes */
    wr(c, 0x0a, 0);
    wr(c, 0x0b, 0);
    wr(c, 0x0c, rcr);
    wr(c, 0x0d, 0x02); /* loopback */
    wr(c, 0x01, START);
    wr(c, 0x02, STOP);
    wr(c, 0x03, START);
    wr(c, 0x07, 0xff);
    wr(c, 0x0f, 0x3f);
    wr(c, 0x00, 0x61);
    for (unsigned i = 0; i < 6; i++) {
        wr(c, 1 + i, nic_test_mac[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        wr(c, 8 + i, 0);
    }
    wr(c, 7, START + 1); /* CURR */
    wr(c, 0, 0x22);
    wr(c, 0x0d, 0);
}

static void remote(struct card *c, uint8_t cr, uint16_t at, uint16_t len)
{
    wr(c, 0x0a, (uint8_t)len);
    wr(c, 0x0b, (uint8_t)(len >> 8));
    wr(c, 0x08, (uint8_t)at);
    wr(c, 0x09, (uint8_t)(at >> 8));
    wr(c, 0x00, cr);
}

static void fetch(struct card *c, uint16_t at, uint8_t *d, unsigned len)
{
    remote(c, 0x0a, at, (uint16_t)len);
    for (unsigned i = 0; i < len; i += 2) {
        g_assert_cmphex(rd(c, 7) & 0x40, ==, 0);
        stl_u16(d + i, in16(&c->t.m, (uint16_t)(c->base + 0x10)));
    }
    g_assert_cmphex(rd(c, 7) & 0x40, ==, 0x40); /* RDC */
    wr(c, 7, 0x40);
}

static void put(struct card *c, uint16_t at, const uint8_t *d, unsigned len)
{
    remote(c, 0x12, at, (uint16_t)len);
    for (unsigned i = 0; i < len; i += 2) {
        out16(&c->t.m, (uint16_t)(c->base + 0x10), ldl_u16(d + i));
    }
    g_assert_cmphex(rd(c, 7) & 0x40, ==, 0x40);
    wr(c, 7, 0x40);
}

static void probe(struct card *c)
{
    uint8_t prom[32];

    start(c, 0x04);
    fetch(c, 0, prom, 32);
    for (unsigned i = 0; i < 6; i++) {
        g_assert_cmphex(prom[2 * i], ==, nic_test_mac[i]);
        g_assert_cmphex(prom[2 * i + 1], ==, nic_test_mac[i]);
    }
    g_assert_cmphex(prom[28], ==, 0x57);
    g_assert_cmphex(prom[30], ==, 0x57);
    wr(c, 0, 0xa2); /* page 2 */
    g_assert_cmphex(rd(c, 1), ==, START);
    g_assert_cmphex(rd(c, 2), ==, STOP);
    wr(c, 0, 0x22);
}

static void test_probe(void)
{
    struct card c;

    init_isa(&c);
    probe(&c);
    nic_test_done(&c.t);
    init_pci(&c);
    probe(&c);
    g_assert_cmphex(rd(&c, 0x0a), ==, 0x50);
    g_assert_cmphex(rd(&c, 0x0b), ==, 0x43);
    g_assert_cmphex(pci_config_read(c.t.card, 0, 4), ==, 0x802910ec);
    nic_test_done(&c.t);
}

static void transmit(struct card *c, unsigned len)
{
    wr(c, 0x04, TX_PAGE);
    wr(c, 0x05, (uint8_t)len);
    wr(c, 0x06, (uint8_t)(len >> 8));
    wr(c, 0x00, 0x26);
}

static void test_tx(void)
{
    struct card c;
    uint8_t d[1514];

    init_isa(&c);
    start(&c, 0x04);
    make_frame(d, sizeof(d), nic_test_peer, 0x0806);
    put(&c, TX_PAGE << 8, d, 1514);
    transmit(&c, 1514);
    g_assert_cmpmem(nic_test_frame(&c.t, 0)->data, nic_test_frame(&c.t, 0)->len,
                    d, 1514);
    g_assert_cmphex(rd(&c, 0), ==, 0x22); /* TXP is over */
    g_assert_cmphex(rd(&c, 7), ==, 0x02);
    g_assert_cmphex(rd(&c, 4) & 1, ==, 1);
    g_assert_true(c.t.irq.level);
    wr(&c, 7, 0x02);
    g_assert_false(c.t.irq.level);
    c.t.full = true;
    transmit(&c, 100);
    g_assert_cmphex(rd(&c, 0), ==, 0x26);
    g_assert_cmphex(rd(&c, 7), ==, 0);
    c.t.full = false;
    net_ready(nic_test_port(&c.t));
    g_assert_cmpuint(nic_test_frame(&c.t, 1)->len, ==, 100);
    g_assert_cmphex(rd(&c, 7), ==, 0x02);
    transmit(&c, 0xffff); /* longer than a frame: nothing is sent */
    g_assert_cmpuint(c.t.frames->len, ==, 2);
    nic_test_done(&c.t);
}

/* Every packet is read through remote DMA, whose ring goes round, too. */
static void ring(struct card *c)
{
    uint8_t d[1514], got[1520];
    unsigned page = START + 1;

    start(c, 0x04);
    for (unsigned i = 0; i < 100; i++) {
        unsigned len = 60 + i * 37 % 1455;
        unsigned pages = (len + 8 + 255) / 256;

        make_frame(d, len, i & 1 ? nic_test_mac : nic_test_all, 0x1234);
        g_assert_true(nic_test_send(&c->t, d, len));
        g_assert_cmphex(rd(c, 7), ==, 1);
        g_assert_true(c->t.irq.level);
        fetch(c, (uint16_t)(page << 8), got, (len + 5) & ~1u);
        g_assert_cmphex(got[0], ==, i & 1 ? 0x01 : 0x21);
        page += pages;
        page = page >= STOP ? page - (STOP - START) : page;
        g_assert_cmphex(got[1], ==, page);
        g_assert_cmpuint(ldl_u16(got + 2), ==, len + 4);
        g_assert_cmpmem(got + 4, len, d, len);
        wr(c, 3, (uint8_t)(page == START ? STOP - 1 : page - 1));
        wr(c, 7, 1);
    }
    make_frame(d, 1500, nic_test_mac, 0x1234);
    for (unsigned n = 0; nic_test_send(&c->t, d, 1500); n++) {
        g_assert_cmpuint(n, <, (STOP - START) / 6);
    }
    c->t.writable = 0;
    wr(c, 3, (uint8_t)(page + 6 < STOP ? page + 6 : START));
    g_assert_cmpuint(c->t.writable, ==, 1);
    nic_test_done(&c->t);
}

static void test_rx(void)
{
    struct card c;

    init_isa(&c);
    ring(&c);
    init_pci(&c);
    ring(&c);
}

static bool arrives(struct card *c, const uint8_t *to)
{
    uint8_t d[64];
    bool came;

    make_frame(d, 64, to, 0x1234);
    nic_test_send(&c->t, d, 64);
    came = rd(c, 7) & 1;
    wr(c, 7, 1);
    return came;
}

static void test_filters(void)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 0x11, 0x22, 0x34};
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1}; /* hash 31 */
    struct card c;

    init_isa(&c);
    start(&c, 0);
    g_assert_true(arrives(&c, nic_test_mac));
    g_assert_false(arrives(&c, nic_test_all));
    g_assert_false(arrives(&c, other));
    wr(&c, 0x0c, 0x04);
    g_assert_true(arrives(&c, nic_test_all));
    wr(&c, 0x0c, 0x08);
    g_assert_false(arrives(&c, group));
    wr_page1(&c, 8 + 3, 0x80);
    wr(&c, 0, 0x22);
    g_assert_true(arrives(&c, group));
    wr(&c, 0x0c, 0x10);
    g_assert_true(arrives(&c, other));
    wr(&c, 0, 0x20); /* neither stopped nor started: goes on */
    g_assert_true(arrives(&c, other));
    wr(&c, 0x0c, 0x30); /* monitor */
    g_assert_false(arrives(&c, other));
    wr(&c, 0x0c, 0x10);
    wr(&c, 0, 0x21); /* stopped */
    g_assert_false(arrives(&c, nic_test_mac));
    nic_test_done(&c.t);
}

static void test_state(void)
{
    struct card a, b;
    uint8_t d[100];

    init_pci(&a);
    init_pci(&b);
    start(&a, 0x04);
    make_frame(d, 100, nic_test_mac, 0x1234);
    put(&a, TX_PAGE << 8, d, 100);
    nic_test_send(&a.t, d, 100);
    a.t.full = true;
    transmit(&a, 100);
    remote(&a, 0x0e, (START + 1) << 8, 104);
    in16(&a.t.m, (uint16_t)(a.base + 0x10));
    hw_test_roundtrip(a.dev, b.dev);
    g_assert_true(b.t.irq.level);
    hw_test_step(&b.t.m, 1);
    g_assert_cmpuint(nic_test_frame(&b.t, 0)->len, ==, 100);
    g_assert_cmphex(in16(&b.t.m, (uint16_t)(b.base + 0x10)), ==, 104);
    nic_test_done(&b.t);
    nic_test_done(&a.t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/probe", test_probe);
    g_test_add_func("/tx", test_tx);
    g_test_add_func("/rx", test_rx);
    g_test_add_func("/filters", test_filters);
    g_test_add_func("/state", test_state);
    return g_test_run();
}
