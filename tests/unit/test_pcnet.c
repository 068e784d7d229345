/* SPDX-License-Identifier: MIT */
/* The PCnet-PCI II, in words and doublewords, in its software styles.
 * [AM79C970A] */
#include "hw/net/pcnet.h"
#include "tests/unit/nic_test.h"

enum {
    BLOCK = 0x1000,
    RX = 0x2000,
    TX = 0x3000,
    TX_BUF = 0x10000,
    RX_BUF = 0x20000,
    RING_CODE = 3,
    RING = 1 << RING_CODE,
};

struct card {
    struct nic_test t;
    struct dev *dev;
    unsigned style;
    bool dwio;
};

static void set_rap(struct card *c, unsigned n)
{
    if (c->dwio) {
        out32(&c->t.m, NIC_IO + 0x14, n);
    } else {
        out16(&c->t.m, NIC_IO + 0x12, (uint16_t)n);
    }
}

static uint16_t csr(struct card *c, unsigned n)
{
    set_rap(c, n);
    return c->dwio ? (uint16_t)in32(&c->t.m, NIC_IO + 0x10)
                   : in16(&c->t.m, NIC_IO + 0x10);
}

static void set_csr(struct card *c, unsigned n, uint16_t v)
{
    set_rap(c, n);
    if (c->dwio) {
        out32(&c->t.m, NIC_IO + 0x10, v);
    } else {
        out16(&c->t.m, NIC_IO + 0x10, v);
    }
}

static uint16_t bcr(struct card *c, unsigned n)
{
    set_rap(c, n);
    return c->dwio ? (uint16_t)in32(&c->t.m, NIC_IO + 0x1c)
                   : in16(&c->t.m, NIC_IO + 0x16);
}

static void set_bcr(struct card *c, unsigned n, uint16_t v)
{
    set_rap(c, n);
    if (c->dwio) {
        out32(&c->t.m, NIC_IO + 0x1c, v);
    } else {
        out16(&c->t.m, NIC_IO + 0x16, v);
    }
}

static void reset(struct card *c)
{
    if (c->dwio) {
        in32(&c->t.m, NIC_IO + 0x18);
    } else {
        in16(&c->t.m, NIC_IO + 0x14);
    }
}

static void init(struct card *c, unsigned style, bool dwio)
{
    nic_test_init(&c->t);
    c->dev = nic_test_pci(&c->t, &pcnet_type);
    c->style = style;
    c->dwio = dwio;
    if (dwio) {
        out32(&c->t.m, NIC_IO + 0x10, 0);
    }
    reset(c);
    g_assert_cmphex(csr(c, 0), ==, 0x0004);
    set_bcr(c, 20, (uint16_t)style);
}

/* One descriptor, whatever the style: base, flags (OWN is bit 15), length. */
static void put_desc(struct card *c, uint32_t ring, unsigned n, uint32_t addr,
                     unsigned flags, unsigned len)
{
    uint8_t *p = ram_at(&c->t, ring + n * (c->style ? 16 : 8));
    uint32_t word = flags << 16 | 0xf000 | (-len & 0xfff);

    if (c->style == 0) {
        stl_u32(p, addr | (flags & 0xff00) << 16);
        stl_u16(p + 4, (uint16_t)word);
        stl_u16(p + 6, 0);
    } else {
        stl_u32(p + (c->style == 3 ? 8 : 0), addr);
        stl_u32(p + 4, word);
        stl_u32(p + (c->style == 3 ? 0 : 8), 0);
    }
}

static unsigned desc_flags(struct card *c, uint32_t ring, unsigned n)
{
    const uint8_t *p = ram_at(&c->t, ring + n * (c->style ? 16 : 8));

    return c->style ? ldl_u16(p + 6) : ldl_u16(p + 2) & 0xff00;
}

static unsigned desc_count(struct card *c, uint32_t ring, unsigned n)
{
    const uint8_t *p = ram_at(&c->t, ring + n * (c->style ? 16 : 8));

    p += c->style == 0 ? 6 : c->style == 3 ? 0 : 8;
    return ldl_u16(p) & 0xfff;
}

static void start(struct card *c, uint16_t mode)
{
    uint8_t *b = ram_at(&c->t, BLOCK);

    memset(b, 0, 28);
    if (c->style == 0) {
        stl_u16(b, mode);
        memcpy(b + 2, nic_test_mac, 6);
        stl_u32(b + 16, RX | (uint32_t)RING_CODE << 29);
        stl_u32(b + 20, TX | (uint32_t)RING_CODE << 29);
    } else {
        stl_u32(b, mode | RING_CODE << 20 | (uint32_t)RING_CODE << 28);
        memcpy(b + 4, nic_test_mac, 6);
        stl_u32(b + 20, RX);
        stl_u32(b + 24, TX);
    }
    for (unsigned i = 0; i < RING; i++) {
        put_desc(c, RX, i, RX_BUF + i * 0x1000, 0x8000, 1544);
        put_desc(c, TX, i, 0, 0, 0);
    }
    set_csr(c, 1, BLOCK & 0xffff);
    set_csr(c, 2, BLOCK >> 16);
    set_csr(c, 4, 0x0915);
    set_csr(c, 0, C0_INIT);
    g_assert_cmphex(csr(c, 0), ==, C0_INIT | C0_IDON | C0_INTR);
    set_csr(c, 0, C0_IDON);
    set_csr(c, 0, C0_STRT | C0_INEA);
    g_assert_cmphex(csr(c, 0), ==,
                    C0_INIT | C0_STRT | C0_TXON | C0_RXON | C0_INEA);
    g_assert_cmphex(csr(c, 76), ==, 0x10000 - RING);
}

static void test_probe(void)
{
    struct card c;
    unsigned sum = 0;

    init(&c, 0, false);
    g_assert_cmphex(csr(&c, 88), ==, 0x1003);
    g_assert_cmphex(csr(&c, 89) & 0xfff, ==, 0x262);
    for (unsigned i = 0; i < 16; i++) {
        uint8_t v = in8(&c.t.m, (uint16_t)(NIC_IO + i));

        sum += i == 12 || i == 13 ? 0 : v;
        if (i < 6) {
            g_assert_cmphex(v, ==, nic_test_mac[i]);
        }
    }
    g_assert_cmphex(in16(&c.t.m, NIC_IO + 12), ==, sum);
    g_assert_cmphex(csr(&c, 12), ==, 0x5452);
    set_rap(&c, 88);
    g_assert_cmphex(in16(&c.t.m, NIC_IO + 0x12), ==, 88);
    g_assert_cmphex(bcr(&c, 4), ==, 0x80c0);
    net_set_link(nic_test_port(&c.t), false);
    g_assert_cmphex(bcr(&c, 4), ==, 0x00c0);
    g_assert_cmphex(bcr(&c, 18) & 0x80, ==, 0);
    out32(&c.t.m, NIC_IO + 0x10, 0);
    c.dwio = true;
    g_assert_cmphex(csr(&c, 88), ==, 0x1003);
    g_assert_cmphex(bcr(&c, 18) & 0x80, ==, 0x80);
    g_assert_cmphex(bcr(&c, 20), ==, 0x0200);
    set_bcr(&c, 20, 3);
    g_assert_cmphex(bcr(&c, 20), ==, 0x0303);
    g_assert_cmphex(csr(&c, 58), ==, 0x0303);
    nic_test_done(&c.t);
}

static void transmit(struct card *c)
{
    uint8_t *d = ram_at(&c->t, TX_BUF);

    start(c, 0);
    make_frame(d, 1514, nic_test_peer, 0x0806);
    for (unsigned i = 0; i < 3 * RING; i++) {
        unsigned n = i % RING, len = 70 + i * 50;

        put_desc(c, TX, n, TX_BUF, 0x8300, len);
        set_csr(c, 0, C0_TDMD | C0_INEA);
        g_assert_cmpmem(nic_test_frame(&c->t, i)->data,
                        nic_test_frame(&c->t, i)->len, d, len);
        g_assert_cmphex(desc_flags(c, TX, n) & 0xff00, ==, 0x0300);
        g_assert_true(c->t.irq.level);
        g_assert_cmphex(csr(c, 0) & (C0_TINT | C0_INTR), ==, C0_TINT | C0_INTR);
        set_csr(c, 0, C0_TINT | C0_INEA);
        g_assert_false(c->t.irq.level);
    }
    /* In three buffers, 40 bytes, padded. */
    put_desc(c, TX, 0, TX_BUF, 0x8200, 10);
    put_desc(c, TX, 1, TX_BUF + 10, 0x8000, 20);
    put_desc(c, TX, 2, TX_BUF + 30, 0x8100, 10);
    set_csr(c, 0, C0_TDMD | C0_INEA);
    g_assert_cmpuint(nic_test_frame(&c->t, 24)->len, ==, 60);
    g_assert_cmpmem(nic_test_frame(&c->t, 24)->data, 40, d, 40);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmphex(desc_flags(c, TX, i) & 0x8000, ==, 0);
    }
    c->t.full = true;
    put_desc(c, TX, 3, TX_BUF, 0x8300, 100);
    set_csr(c, 0, C0_TDMD | C0_INEA);
    g_assert_cmpuint(c->t.frames->len, ==, 25);
    c->t.full = false;
    net_ready(nic_test_port(&c->t));
    g_assert_cmpuint(c->t.frames->len, ==, 26);
    nic_test_done(&c->t);
}

static void test_tx(void)
{
    struct card c;

    init(&c, 0, false);
    transmit(&c);
    init(&c, 2, false);
    transmit(&c);
    init(&c, 3, true);
    transmit(&c);
}

static void receive(struct card *c)
{
    uint8_t d[1514];

    start(c, 0);
    for (unsigned i = 0; i < 3 * RING; i++) {
        unsigned n = i % RING, len = 60 + i * 50;

        make_frame(d, len, i & 1 ? nic_test_mac : nic_test_all, 0x1234);
        g_assert_true(nic_test_send(&c->t, d, len));
        g_assert_cmphex(desc_flags(c, RX, n) & 0xff00, ==, 0x0300);
        g_assert_cmpuint(desc_count(c, RX, n), ==, len + 4);
        g_assert_cmpmem(ram_at(&c->t, RX_BUF + n * 0x1000), len, d, len);
        g_assert_true(c->t.irq.level);
        set_csr(c, 0, C0_RINT | C0_INEA);
        g_assert_false(c->t.irq.level);
        put_desc(c, RX, n, RX_BUF + n * 0x1000, 0x8000, 1544);
    }
    /* Over two buffers; then none is left until one is given back. */
    put_desc(c, RX, 0, RX_BUF, 0x8000, 100);
    put_desc(c, RX, 1, RX_BUF + 0x1000, 0x8000, 200);
    put_desc(c, RX, 2, RX_BUF + 0x2000, 0, 1544);
    g_assert_true(nic_test_send(&c->t, d, 150));
    g_assert_cmphex(desc_flags(c, RX, 0) & 0xff00, ==, 0x0200);
    g_assert_cmphex(desc_flags(c, RX, 1) & 0xff00, ==, 0x0100);
    g_assert_cmpuint(desc_count(c, RX, 1), ==, 154);
    g_assert_cmpmem(ram_at(&c->t, RX_BUF), 100, d, 100);
    g_assert_cmpmem(ram_at(&c->t, RX_BUF + 0x1000), 50, d + 100, 50);
    g_assert_false(nic_test_send(&c->t, d, 150));
    c->t.writable = 0;
    put_desc(c, RX, 2, RX_BUF, 0x8000, 1544);
    hw_test_step(&c->t.m, 2 * NS_PER_MS);
    g_assert_cmpuint(c->t.writable, >=, 1);
    g_assert_true(nic_test_send(&c->t, d, 150));
    nic_test_done(&c->t);
}

static void test_rx(void)
{
    struct card c;

    init(&c, 0, true);
    receive(&c);
    init(&c, 2, false);
    receive(&c);
    init(&c, 3, false);
    receive(&c);
}

static bool arrives(struct card *c, const uint8_t *to)
{
    uint8_t d[64];
    bool came;

    make_frame(d, 64, to, 0x1234);
    nic_test_send(&c->t, d, 64);
    came = csr(c, 0) & C0_RINT;
    set_csr(c, 0, C0_RINT | C0_INEA);
    return came;
}

/* Addresses are changed while the chip is suspended. */
static void test_filters(void)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 0x11, 0x22, 0x34};
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
    uint8_t d[60] = {0};
    struct card c;

    init(&c, 2, false);
    start(&c, 0);
    g_assert_true(arrives(&c, nic_test_mac));
    g_assert_true(arrives(&c, nic_test_all));
    g_assert_false(arrives(&c, other));
    g_assert_false(arrives(&c, group));
    set_csr(&c, 15, MODE_PROM); /* running: ignored */
    g_assert_false(arrives(&c, other));
    set_csr(&c, 5, C5_SPND);
    g_assert_cmphex(csr(&c, 5), ==, C5_SPND);
    g_assert_false(nic_test_send(&c.t, d, 60)); /* waits */
    set_csr(&c, 11, 1 << 6);                    /* 01:00:5e:00:00:01 */
    set_csr(&c, 15, MODE_DRCVBC);
    set_csr(&c, 5, 0);
    g_assert_cmpuint(c.t.writable, >=, 1);
    g_assert_false(arrives(&c, nic_test_all));
    g_assert_false(arrives(&c, other));
    g_assert_true(arrives(&c, group));
    set_csr(&c, 5, C5_SPND);
    for (unsigned i = 0; i < 4; i++) {
        set_csr(&c, 8 + i, 0xffff);
    }
    set_csr(&c, 15, MODE_PROM);
    set_csr(&c, 5, 0);
    g_assert_true(arrives(&c, other));
    g_assert_true(arrives(&c, group));
    nic_test_done(&c.t);
}

static void test_loopback(void)
{
    struct card c;

    init(&c, 2, false);
    start(&c, MODE_LOOP);
    make_frame(ram_at(&c.t, TX_BUF), 100, nic_test_mac, 0x1234);
    put_desc(&c, TX, 0, TX_BUF, 0x8300, 100);
    set_csr(&c, 0, C0_TDMD);
    g_assert_cmpuint(c.t.frames->len, ==, 0);
    g_assert_cmphex(csr(&c, 0) & (C0_RINT | C0_TINT), ==, C0_RINT | C0_TINT);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF), 100, ram_at(&c.t, TX_BUF), 100);
    nic_test_done(&c.t);
}

static void test_interrupts(void)
{
    struct card c;

    init(&c, 2, false);
    start(&c, 0);
    set_csr(&c, 3, 0x5f00); /* all masked, while it runs */
    g_assert_true(arrives(&c, nic_test_mac));
    g_assert_false(c.t.irq.level);
    set_csr(&c, 3, 0);
    g_assert_false(c.t.irq.level);
    g_assert_true(arrives(&c, nic_test_mac));
    set_csr(&c, 4, 0x0995); /* UINTCMD */
    g_assert_true(c.t.irq.level);
    set_csr(&c, 4, 0x0955);
    g_assert_false(c.t.irq.level);
    /* LTINTEN: only descriptors that ask for it. */
    set_csr(&c, 5, C5_LTINTEN);
    put_desc(&c, TX, 0, TX_BUF, 0x8300, 100);
    set_csr(&c, 0, C0_TDMD | C0_INEA);
    g_assert_false(c.t.irq.level);
    put_desc(&c, TX, 1, TX_BUF, 0x9300, 100);
    set_csr(&c, 0, C0_TDMD | C0_INEA);
    g_assert_true(c.t.irq.level);
    set_csr(&c, 0, C0_STOP);
    g_assert_cmphex(csr(&c, 0), ==, C0_STOP);
    g_assert_false(c.t.irq.level);
    nic_test_done(&c.t);
}

static void test_state(void)
{
    struct card a, b;

    init(&a, 2, false);
    init(&b, 2, false);
    start(&a, 0);
    make_frame(ram_at(&a.t, TX_BUF), 300, nic_test_peer, 0x0806);
    put_desc(&a, TX, 0, TX_BUF, 0x8200, 100);
    set_csr(&a, 0, C0_TDMD | C0_INEA);
    a.t.full = true;
    put_desc(&a, TX, 1, TX_BUF + 100, 0x8100, 200);
    set_csr(&a, 0, C0_TDMD | C0_INEA);
    memcpy(ram_at(&b.t, 0), ram_at(&a.t, 0), NIC_RAM);
    hw_test_roundtrip(a.dev, b.dev);
    hw_test_step(&b.t.m, 1);
    g_assert_cmpmem(nic_test_frame(&b.t, 0)->data, nic_test_frame(&b.t, 0)->len,
                    ram_at(&a.t, TX_BUF), 300);
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
    g_test_add_func("/loopback", test_loopback);
    g_test_add_func("/interrupts", test_interrupts);
    g_test_add_func("/state", test_state);
    return g_test_run();
}
