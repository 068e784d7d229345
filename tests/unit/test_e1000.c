/* SPDX-License-Identifier: MIT */
/* The 8254x, driven as its manual says. [8254X] */
#include "hw/net/e1000.h"
#include "tests/unit/nic_test.h"

enum {
    TX_RING = 0x10000,
    RX_RING = 0x20000,
    TX_BUF = 0x40000,
    RX_BUF = 0x80000,
    RING = 16,
};

struct card {
    struct nic_test t;
    struct e1000 *e;
    unsigned tail;
};

static uint32_t rd(struct card *c, unsigned reg)
{
    return mem_r32(&c->t, NIC_MMIO + reg);
}

static void wr(struct card *c, unsigned reg, uint32_t v)
{
    mem_w32(&c->t, NIC_MMIO + reg, v);
}

static uint8_t *rxd(struct card *c, unsigned n)
{
    return ram_at(&c->t, RX_RING + n * 16);
}

static uint8_t *txd(struct card *c, unsigned n)
{
    return ram_at(&c->t, TX_RING + n * 16);
}

static void card_init(struct card *c, const struct dev_type *type)
{
    nic_test_init(&c->t);
    c->e = nic_test_pci(&c->t, type);
    c->tail = 0;
}

/* [8254X] 14.4: receive initialization; 2 KiB buffers, checksums stripped. */
static void rx_init(struct card *c, uint32_t rctl)
{
    for (unsigned i = 0; i < RING; i++) {
        memset(rxd(c, i), 0, 16);
        stl_u64(rxd(c, i), RX_BUF + i * 0x1000);
    }
    wr(c, E1000_RDBAL, RX_RING);
    wr(c, E1000_RDBAH, 0);
    wr(c, E1000_RDLEN, RING * 16);
    wr(c, E1000_RDH, 0);
    wr(c, E1000_RDT, RING - 1);
    wr(c, E1000_RCTL, RCTL_EN | rctl);
}

/* [8254X] 14.5 */
static void tx_init(struct card *c)
{
    memset(txd(c, 0), 0, RING * 16);
    wr(c, E1000_TDBAL, TX_RING);
    wr(c, E1000_TDBAH, 0);
    wr(c, E1000_TDLEN, RING * 16);
    wr(c, E1000_TDH, 0);
    wr(c, E1000_TDT, 0);
    wr(c, E1000_TCTL, TCTL_EN | TCTL_PSP);
}

/* Puts a descriptor; TDT is the caller's. */
static void tx_desc(struct card *c, uint64_t addr, uint32_t low, uint32_t high)
{
    stl_u64(txd(c, c->tail), addr);
    stl_u32(txd(c, c->tail) + 8, low);
    stl_u32(txd(c, c->tail) + 12, high);
    c->tail = (c->tail + 1) % RING;
}

static void tx_go(struct card *c)
{
    wr(c, E1000_TDT, c->tail);
}

/* --- EEPROM, transceiver --- */

static uint16_t eerd(struct card *c, unsigned at)
{
    wr(c, E1000_EERD, EERD_START | at << 8);
    g_assert_true(rd(c, E1000_EERD) & EERD_DONE);
    return (uint16_t)(rd(c, E1000_EERD) >> 16);
}

static void ee_clock(struct card *c, bool di)
{
    uint32_t v = EECD_REQ | EECD_CS | (di ? EECD_DI : 0);

    wr(c, E1000_EECD, v);
    wr(c, E1000_EECD, v | EECD_SK);
    wr(c, E1000_EECD, v);
}

static void ee_out(struct card *c, uint32_t value, unsigned bits)
{
    while (bits--) {
        ee_clock(c, value >> bits & 1);
    }
}

static uint16_t ee_in(struct card *c)
{
    unsigned v = 0;

    for (unsigned i = 0; i < 16; i++) {
        ee_clock(c, false);
        v = v << 1 | !!(rd(c, E1000_EECD) & EECD_DO);
    }
    return (uint16_t)v;
}

static void ee_end(struct card *c)
{
    wr(c, E1000_EECD, EECD_REQ);
}

static void test_eeprom(void)
{
    struct card c;
    uint16_t sum = 0;

    card_init(&c, &e1000_82540em_type);
    for (unsigned i = 0; i < 64; i++) {
        sum = (uint16_t)(sum + eerd(&c, i));
    }
    g_assert_cmphex(sum, ==, 0xbaba);
    g_assert_cmphex(eerd(&c, 0), ==, 0x5452);
    g_assert_cmphex(eerd(&c, 2), ==, 0x3322);
    g_assert_cmphex(eerd(&c, 13), ==, 0x100e);
    g_assert_cmphex(rd(&c, E1000_RA), ==, 0x11005452);
    g_assert_cmphex(rd(&c, E1000_RA + 4), ==, 0x80003322);

    wr(&c, E1000_EECD, EECD_REQ);
    g_assert_true(rd(&c, E1000_EECD) & EECD_GNT);
    ee_out(&c, 6 << 6 | 1, 9); /* read word 1, then the next one */
    g_assert_cmphex(ee_in(&c), ==, 0x1100);
    g_assert_cmphex(ee_in(&c), ==, 0x3322);
    ee_end(&c);
    ee_out(&c, 5 << 6 | 4, 9); /* written only after EWEN */
    ee_out(&c, 0x1234, 16);
    ee_end(&c);
    g_assert_cmphex(eerd(&c, 4), ==, 0xffff);
    ee_out(&c, 4 << 6 | 0x30, 9);
    ee_end(&c);
    ee_out(&c, 5 << 6 | 4, 9);
    ee_out(&c, 0x1234, 16);
    ee_end(&c);
    g_assert_cmphex(eerd(&c, 4), ==, 0x1234);
    nic_test_done(&c.t);
}

static uint16_t phy_read(struct card *c, unsigned reg)
{
    wr(c, E1000_MDIC, MDIC_OP_READ | 1 << 21 | reg << 16);
    g_assert_true(rd(c, E1000_MDIC) & MDIC_READY);
    g_assert_false(rd(c, E1000_MDIC) & MDIC_ERROR);
    return (uint16_t)rd(c, E1000_MDIC);
}

static void phy_write(struct card *c, unsigned reg, uint16_t v)
{
    wr(c, E1000_MDIC, MDIC_OP_WRITE | 1 << 21 | reg << 16 | v);
    g_assert_true(rd(c, E1000_MDIC) & MDIC_READY);
}

static void test_phy(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    g_assert_cmphex(phy_read(&c, 2), ==, 0x0141);
    g_assert_cmphex(phy_read(&c, 3) & 0xfff0, ==, 0x0c20);
    g_assert_cmphex(phy_read(&c, 1) & 0x24, ==, 0x24); /* done, link */
    g_assert_cmphex(phy_read(&c, 17) & 0xfc00, ==, 0xbc00);
    g_assert_cmphex(rd(&c, E1000_STATUS) & 0xc3, ==, 0x83);
    wr(&c, E1000_MDIC, MDIC_OP_READ | 2 << 21);
    g_assert_true(rd(&c, E1000_MDIC) & MDIC_ERROR);

    wr(&c, E1000_IMS, ICR_LSC);
    phy_write(&c, 9, 0); /* no gigabit: 100 Mb/s after negotiation */
    phy_write(&c, 0, 0x1340);
    g_assert_false(rd(&c, E1000_STATUS) & STATUS_LU);
    g_assert_true(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_ICR), ==, ICR_LSC);
    g_assert_false(c.t.irq.level);
    hw_test_step(&c.t.m, 100 * NS_PER_MS);
    g_assert_true(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_STATUS) & 0xc3, ==, 0x43);
    g_assert_cmphex(phy_read(&c, 1) & 0x24, ==, 0x20); /* was lost */
    g_assert_cmphex(phy_read(&c, 1) & 0x24, ==, 0x24);
    phy_write(&c, 0, 0x8000); /* reset: gigabit again */
    hw_test_step(&c.t.m, 100 * NS_PER_MS);
    g_assert_cmphex(rd(&c, E1000_STATUS) & 0xc3, ==, 0x83);
    nic_test_done(&c.t);
}

static void test_link(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    wr(&c, E1000_IMS, ICR_LSC);
    net_set_link(nic_test_port(&c.t), false);
    g_assert_true(c.t.irq.level);
    g_assert_false(rd(&c, E1000_STATUS) & STATUS_LU);
    rd(&c, E1000_ICR);
    net_set_link(nic_test_port(&c.t), true);
    hw_test_step(&c.t.m, 100 * NS_PER_MS);
    g_assert_cmphex(rd(&c, E1000_ICR), ==, ICR_LSC);
    g_assert_true(rd(&c, E1000_STATUS) & STATUS_LU);
    wr(&c, E1000_CTRL, 0); /* without SLU there is no link */
    g_assert_false(rd(&c, E1000_STATUS) & STATUS_LU);
    nic_test_done(&c.t);
}

/* --- sending --- */

static void test_tx(void)
{
    struct card c;
    uint8_t *d;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    wr(&c, E1000_IMS, ICR_TXDW);
    d = ram_at(&c.t, TX_BUF);
    make_frame(d, 1000, nic_test_peer, 0x0806);
    tx_desc(&c, TX_BUF, TXD_EOP | TXD_RS | 1 << 25 | 1000, 0);
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 1);
    g_assert_cmpmem(d, 1000, nic_test_frame(&c.t, 0)->data,
                    nic_test_frame(&c.t, 0)->len);
    g_assert_cmphex(txd(&c, 0)[12] & 1, ==, 1);
    g_assert_cmpuint(rd(&c, E1000_TDH), ==, 1);
    g_assert_true(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_ICR), ==, ICR_TXDW | ICR_TXQE);
    g_assert_false(c.t.irq.level);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GPTC), ==, 1);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GPTC), ==, 0);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GOTCL), ==, 1004);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GOTCH), ==, 0);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GOTCL), ==, 0);

    /* Two descriptors, 40 bytes: padded; no RS, no interrupt, no status. */
    tx_desc(&c, TX_BUF, 14, 0);
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 1);
    tx_desc(&c, TX_BUF + 14, TXD_EOP | 26, 0);
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 2);
    g_assert_cmpuint(nic_test_frame(&c.t, 1)->len, ==, 60);
    g_assert_cmpmem(d, 40, nic_test_frame(&c.t, 1)->data, 40);
    g_assert_cmpuint(nic_test_frame(&c.t, 1)->data[40], ==, 0);
    g_assert_cmphex(txd(&c, 2)[12], ==, 0);
    g_assert_false(c.t.irq.level);
    nic_test_done(&c.t);
}

/* The ring goes round; the cable has no room for a while. */
static void test_tx_ring(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    for (unsigned i = 0; i < 40; i++) {
        make_frame(ram_at(&c.t, TX_BUF), 100 + i, nic_test_peer, 0x0806);
        tx_desc(&c, TX_BUF, TXD_EOP | TXD_RS | (100 + i), 0);
        tx_go(&c);
        g_assert_cmpuint(rd(&c, E1000_TDH), ==, (i + 1) % RING);
        g_assert_cmpuint(nic_test_frame(&c.t, i)->len, ==, 100 + i);
    }
    c.t.full = true;
    for (unsigned i = 0; i < 10; i++) {
        tx_desc(&c, TX_BUF, TXD_EOP | TXD_RS | (200 + i), 0);
        tx_go(&c);
    }
    g_assert_cmpuint(c.t.frames->len, ==, 40);
    g_assert_cmpuint(rd(&c, E1000_TDH), ==, 40 % RING);
    c.t.full = false;
    net_ready(nic_test_port(&c.t));
    g_assert_cmpuint(c.t.frames->len, ==, 50);
    g_assert_cmpuint(nic_test_frame(&c.t, 49)->len, ==, 209);
    g_assert_cmpuint(rd(&c, E1000_TDH), ==, 50 % RING);
    wr(&c, E1000_TDT, 0xffff); /* outside of the ring: nothing happens */
    g_assert_cmpuint(c.t.frames->len, ==, 50);
    nic_test_done(&c.t);
}

static void context(struct card *c, uint32_t tucmd, uint32_t paylen,
                    unsigned hdrlen, unsigned mss)
{
    uint64_t offsets = 14u | 24u << 8 | 33u << 16;

    offsets |= (uint64_t)(34u | (tucmd & TXC_TCP ? 50u : 40u) << 8) << 32;
    tx_desc(c, offsets, TXD_DEXT | tucmd | paylen, mss << 16 | hdrlen << 8);
}

#define DATA (TXD_DEXT | DTYP_DATA << TXD_DTYP_SHIFT)

static void test_tx_checksum(void)
{
    struct card c;
    uint8_t *d, want[300];

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    d = ram_at(&c.t, TX_BUF);
    for (unsigned proto = 6; proto <= 17; proto += 11) {
        unsigned at = proto == 6 ? 50 : 40;
        uint8_t tail[4] = {0, (uint8_t)proto};
        uint16_t sum;

        make_frame(d, 300, nic_test_peer, 0);
        make_ip4(d, 300, proto);
        memcpy(want, d, 300);
        put_be16(d + 24, 0);
        put_be16(tail + 2, 300 - 34); /* the pseudo header's sum */
        sum =
            (uint16_t)~net_sum_finish(net_sum(d + 26, 8, net_sum(tail, 4, 0)));
        memcpy(d + at, &sum, 2);
        context(&c, proto == 6 ? TXC_TCP | TXC_IP : TXC_IP, 0, 0, 0);
        tx_desc(&c, TX_BUF, DATA | TXD_EOP | TXD_RS | 300, TXD_IXSM | TXD_TXSM);
        tx_go(&c);
        g_assert_cmpmem(nic_test_frame(&c.t, c.t.frames->len - 1)->data, 300,
                        want, 300);
    }
    /* A peer that sums itself gets the packet as it is. */
    nic_test_port(&c.t)->offloads = NET_CSUM;
    context(&c, TXC_IP, 0, 0, 0);
    tx_desc(&c, TX_BUF, DATA | TXD_EOP | 300, TXD_IXSM | TXD_TXSM);
    tx_go(&c);
    g_assert_true(c.t.last.csum_needed);
    g_assert_cmpuint(c.t.last.csum_start, ==, 34);
    g_assert_cmpuint(c.t.last.csum_offset, ==, 6);
    nic_test_done(&c.t);
}

/* Legacy descriptors sum from CSS on and store at CSO. */
static void test_tx_legacy_checksum(void)
{
    struct card c;
    uint8_t *d;
    const uint8_t *got;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    d = ram_at(&c.t, TX_BUF);
    make_frame(d, 100, nic_test_peer, 0x0806);
    put_be16(d + 40, 0);
    tx_desc(&c, TX_BUF, TXD_EOP | TXD_IC | 40 << 16 | 100, 20 << 8);
    tx_go(&c);
    got = nic_test_frame(&c.t, 0)->data;
    g_assert_cmphex(net_sum_finish(net_sum(got + 20, 80, 0)), ==, 0);
    g_assert_cmpmem(got, 40, d, 40);
    nic_test_done(&c.t);
}

/* A TCP packet over several descriptors, its headers as drivers leave them. */
static void tso(struct card *c, uint32_t payload, unsigned mss)
{
    uint8_t *d = ram_at(&c->t, TX_BUF), tail[4] = {0, 6, 0, 0};
    uint32_t len = 54 + payload;
    uint16_t sum;

    make_frame(d, len, nic_test_peer, 0);
    make_ip4(d, MIN(len, 1000), 6);
    d[47] = 0x19; /* ACK PSH FIN */
    put_be16(d + 16, 0);
    put_be16(d + 24, 0);
    sum = (uint16_t)~net_sum_finish(net_sum(d + 26, 8, net_sum(tail, 4, 0)));
    memcpy(d + 50, &sum, 2);
    context(c, TXD_TSE | TXC_TCP | TXC_IP, payload, 54, mss);
    tx_desc(c, TX_BUF, DATA | TXD_TSE | 54, TXD_IXSM | TXD_TXSM);
    for (uint32_t done = 0; done < payload;) {
        uint32_t part = MIN(payload - done, 40000);

        done += part;
        tx_desc(c, TX_BUF + 54 + done - part,
                DATA | TXD_TSE | TXD_RS | (done == payload ? TXD_EOP : 0) |
                    part,
                TXD_IXSM | TXD_TXSM);
    }
    tx_go(c);
}

/* The frames of frames[first...] carry the payload, one after the other. */
static void check_segments(struct card *c, guint first, uint32_t payload,
                           unsigned mss)
{
    const uint8_t *all = ram_at(&c->t, TX_BUF) + 54;
    uint32_t done = 0;

    for (guint i = first; i < c->t.frames->len; i++) {
        const GByteArray *f = nic_test_frame(&c->t, i);
        uint32_t n = MIN(mss, payload - done);
        bool last = done + n == payload;

        g_assert_cmpuint(f->len, ==, 54 + n);
        g_assert_true(sum_is_right(f->data, f->len));
        g_assert_cmpuint(get_be16(f->data + 16), ==, 40 + n);
        g_assert_cmpuint(get_be16(f->data + 18), ==,
                         (0x1234 + i - first) & 0xffff);
        g_assert_cmpuint(get_be32(f->data + 38), ==, done);
        g_assert_cmphex(f->data[47], ==, last ? 0x19 : 0x10);
        g_assert_cmpmem(f->data + 54, n, all + done, n);
        done += n;
    }
    g_assert_cmpuint(done, ==, payload);
}

static void test_tso(void)
{
    static const uint32_t sizes[] = {10, 1448, 1449, 5000, 65400, 200000};
    struct card c;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        guint first = c.t.frames->len;

        tso(&c, sizes[i], 1448);
        check_segments(&c, first, sizes[i], 1448);
        g_assert_cmpuint(rd(&c, E1000_TDH), ==, c.tail);
    }
    nic_test_port(&c.t)->offloads = NET_CSUM | NET_TSO4;
    tso(&c, 50000, 1000);
    g_assert_cmpuint(c.t.last.len, ==, 50054);
    g_assert_cmpint(c.t.last.gso, ==, NET_GSO_TCP4);
    g_assert_cmpuint(c.t.last.gso_size, ==, 1000);
    g_assert_cmpuint(c.t.last.csum_start, ==, 34);
    g_assert_true(c.t.last.csum_needed);
    g_assert_cmpuint(
        get_be16(nic_test_frame(&c.t, c.t.frames->len - 1)->data + 16), ==,
        50040);
    nic_test_done(&c.t);
}

/* What no driver says: dropped, and the card goes on. */
static void test_tx_nonsense(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    make_frame(ram_at(&c.t, TX_BUF), 200, nic_test_peer, 0x0806);
    context(&c, TXD_TSE | TXC_TCP | TXC_IP, 1000, 54, 0); /* mss 0 */
    tx_desc(&c, TX_BUF, DATA | TXD_TSE | TXD_EOP | 1000, 0);
    context(&c, TXD_TSE | TXC_TCP | TXC_IP, 1000, 20, 100); /* hdrlen */
    tx_desc(&c, TX_BUF, DATA | TXD_TSE | TXD_EOP | 1000, 0);
    tx_desc(&c, TX_BUF, DATA | TXD_EOP | 0xfffff, 0); /* 1 MiB */
    tx_desc(&c, TX_BUF, TXD_EOP | 5, 0);              /* no header */
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 0);
    tx_desc(&c, TX_BUF, TXD_EOP | 200, 0);
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 1);
    /* A descriptor ring in its own registers. */
    wr(&c, E1000_TDBAL, NIC_MMIO + E1000_TDT - 0x18);
    tx_desc(&c, TX_BUF, TXD_EOP | 200, 0);
    tx_go(&c);
    nic_test_done(&c.t);
}

static void test_vlan(void)
{
    struct card c;
    uint8_t d[200];
    const uint8_t *got;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    wr(&c, E1000_VET, 0x8100);
    wr(&c, E1000_CTRL, rd(&c, E1000_CTRL) | CTRL_VME);
    make_frame(ram_at(&c.t, TX_BUF), 100, nic_test_peer, 0x0806);
    tx_desc(&c, TX_BUF, TXD_EOP | TXD_VLE | 100, 0x2005u << 16);
    tx_go(&c);
    got = nic_test_frame(&c.t, 0)->data;
    g_assert_cmpuint(nic_test_frame(&c.t, 0)->len, ==, 104);
    g_assert_cmpmem(got, 12, ram_at(&c.t, TX_BUF), 12);
    g_assert_cmphex(get_be32(got + 12), ==, 0x81002005);
    g_assert_cmpmem(got + 16, 88, ram_at(&c.t, TX_BUF) + 12, 88);

    rx_init(&c, RCTL_BAM | RCTL_SECRC | RCTL_VFE);
    make_frame(d, 120, nic_test_mac, 0x8100);
    put_be16(d + 14, 0x6005);
    nic_test_send(&c.t, d, 120); /* not in the table */
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 0);
    wr(&c, E1000_VFTA, 1 << 5);
    nic_test_send(&c.t, d, 120);
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 1);
    g_assert_cmpuint(ldl_u16(rxd(&c, 0) + 8), ==, 116);
    g_assert_cmphex(rxd(&c, 0)[12] & RXS_VP, ==, RXS_VP);
    g_assert_cmphex(ldl_u16(rxd(&c, 0) + 14), ==, 0x6005);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF), 12, d, 12);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF) + 12, 104, d + 16, 104);
    wr(&c, E1000_CTRL, rd(&c, E1000_CTRL) & ~CTRL_VME); /* kept as it is */
    nic_test_send(&c.t, d, 120);
    g_assert_cmpuint(ldl_u16(rxd(&c, 1) + 8), ==, 120);
    g_assert_cmphex(rxd(&c, 1)[12] & RXS_VP, ==, 0);
    nic_test_done(&c.t);
}

/* --- receiving --- */

static void test_rx(void)
{
    struct card c;
    uint8_t d[4000];

    card_init(&c, &e1000_82545em_type);
    make_frame(d, 1514, nic_test_mac, 0x1234);
    nic_test_send(&c.t, d, 1514); /* not enabled: lost */
    rx_init(&c, RCTL_BAM);
    wr(&c, E1000_IMS, ICR_RXT0);
    nic_test_send(&c.t, d, 1514);
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 1);
    g_assert_cmpuint(ldl_u16(rxd(&c, 0) + 8), ==, 1518); /* checksum too */
    g_assert_cmphex(rxd(&c, 0)[12], ==, RXS_DD | RXS_EOP | RXS_IXSM);
    g_assert_cmphex(rxd(&c, 0)[13], ==, 0);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF), 1514, d, 1514);
    g_assert_true(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_ICR) & ICR_RXT0, ==, ICR_RXT0);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GPRC), ==, 1);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_GORCL), ==, 1518);

    wr(&c, E1000_RCTL, RCTL_EN | RCTL_SECRC);
    nic_test_send(&c.t, d, 20); /* short: padded */
    g_assert_cmpuint(ldl_u16(rxd(&c, 1) + 8), ==, 60);
    nic_test_send(&c.t, d, 1519); /* too long */
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 2);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_ROC), ==, 1);

    /* Four buffers of 1 KiB; the last descriptor says so. */
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_SECRC | RCTL_LPE | 1 << 16);
    make_frame(d, 3500, nic_test_mac, 0x1234);
    nic_test_send(&c.t, d, 3500);
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 6);
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = i < 3 ? 1024 : 3500 - 3072;

        g_assert_cmpuint(ldl_u16(rxd(&c, 2 + i) + 8), ==, n);
        g_assert_cmphex(rxd(&c, 2 + i)[12] & 3, ==, i < 3 ? 1 : 3);
        g_assert_cmpmem(ram_at(&c.t, RX_BUF + (2 + i) * 0x1000), n,
                        d + 1024 * i, n);
    }
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_SECRC | RCTL_LPE | RCTL_BSEX | 3 << 16);
    nic_test_send(&c.t, d, 3500); /* one of 4 KiB */
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 7);
    nic_test_done(&c.t);
}

/* Without a free descriptor the sender waits; then it is told. */
static void test_rx_full(void)
{
    struct card c;
    uint8_t d[100];
    unsigned sent = 0;

    card_init(&c, &e1000_82540em_type);
    rx_init(&c, 0);
    make_frame(d, 100, nic_test_mac, 0x1234);
    while (nic_test_send(&c.t, d, 100)) {
        sent++;
    }
    g_assert_cmpuint(sent, ==, RING - 1);
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, RING - 1);
    g_assert_true(rd(&c, E1000_ICR) & ICR_RXDMT0);
    g_assert_cmpuint(rd(&c, E1000_STATS + 4 * ST_RNBC), ==, 1);
    g_assert_cmpuint(c.t.writable, ==, 0);
    wr(&c, E1000_RDT, 3);
    g_assert_cmpuint(c.t.writable, ==, 1);
    while (nic_test_send(&c.t, d, 100)) {
        sent++;
    }
    g_assert_cmpuint(sent, ==, RING - 1 + 4);
    wr(&c, E1000_RDT, 0x8000); /* outside of the ring */
    g_assert_false(nic_test_send(&c.t, d, 100));
    nic_test_done(&c.t);
}

static bool arrives(struct card *c, const uint8_t *to)
{
    uint8_t d[64];
    uint32_t before = rd(c, E1000_RDH);

    make_frame(d, 64, to, 0x1234);
    g_assert_true(nic_test_send(&c->t, d, 64));
    wr(c, E1000_RDT, (rd(c, E1000_RDH) + RING - 1) % RING);
    return rd(c, E1000_RDH) != before;
}

static void test_filters(void)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 0x11, 0x22, 0x34};
    static const uint8_t group[6] = {1, 0, 0x5e, 0x01, 0xab, 0xcd};
    static const uint8_t shifts[] = {4, 3, 2, 0};
    struct card c;

    card_init(&c, &e1000_82540em_type);
    rx_init(&c, 0);
    g_assert_true(arrives(&c, nic_test_mac));
    g_assert_false(arrives(&c, other));
    g_assert_false(arrives(&c, group));
    g_assert_false(arrives(&c, nic_test_all));
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_BAM);
    g_assert_true(arrives(&c, nic_test_all));
    g_assert_false(arrives(&c, group));
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_MPE);
    g_assert_true(arrives(&c, group));
    g_assert_false(arrives(&c, other));
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_UPE);
    g_assert_true(arrives(&c, other));
    g_assert_false(arrives(&c, group));
    wr(&c, E1000_RA + 8 * 15, ldl_u32(other));
    wr(&c, E1000_RA + 8 * 15 + 4, ldl_u16(other + 4));
    wr(&c, E1000_RCTL, RCTL_EN);
    g_assert_false(arrives(&c, other));
    wr(&c, E1000_RA + 8 * 15 + 4, ldl_u16(other + 4) | RAH_AV);
    g_assert_true(arrives(&c, other));
    for (unsigned mo = 0; mo < 4; mo++) {
        unsigned hash = (0xab | 0xcd << 8) >> shifts[mo] & 0xfff;

        wr(&c, E1000_RCTL, RCTL_EN | mo << RCTL_MO_SHIFT);
        g_assert_false(arrives(&c, group));
        wr(&c, E1000_MTA + 4 * (hash >> 5), 1u << (hash & 31));
        g_assert_true(arrives(&c, group));
        wr(&c, E1000_MTA + 4 * (hash >> 5), 0);
    }
    nic_test_done(&c.t);
}

static void test_rx_checksum(void)
{
    struct card c;
    uint8_t d[200];

    card_init(&c, &e1000_82540em_type);
    rx_init(&c, RCTL_SECRC);
    wr(&c, E1000_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL | 14);
    make_frame(d, 200, nic_test_mac, 0);
    make_ip4(d, 200, 6);
    nic_test_send(&c.t, d, 200);
    g_assert_cmphex(rxd(&c, 0)[12], ==,
                    RXS_DD | RXS_EOP | RXS_IPCS | RXS_TCPCS);
    g_assert_cmphex(rxd(&c, 0)[13], ==, 0);
    g_assert_cmphex(ldl_u16(rxd(&c, 0) + 10), ==,
                    GUINT16_FROM_BE(net_sum_finish(net_sum(d + 14, 186, 0))));
    d[199] ^= 1;
    nic_test_send(&c.t, d, 200);
    g_assert_cmphex(rxd(&c, 1)[13], ==, RXE_TCPE);
    d[199] ^= 1;
    d[22]--; /* TTL */
    nic_test_send(&c.t, d, 200);
    g_assert_cmphex(rxd(&c, 2)[13], ==, RXE_IPE);
    make_frame(d, 200, nic_test_mac, 0x0806);
    nic_test_send(&c.t, d, 200);
    g_assert_cmphex(rxd(&c, 3)[12], ==, RXS_DD | RXS_EOP | RXS_IXSM);
    make_frame(d, 200, nic_test_mac, 0);
    make_ip4(d, 200, 17);
    d[20] = 0x20; /* the first of several fragments: no sum of UDP */
    nic_test_send(&c.t, d, 200);
    g_assert_cmphex(rxd(&c, 4)[12], ==, RXS_DD | RXS_EOP | RXS_IPCS);
    nic_test_done(&c.t);
}

static void test_loopback(void)
{
    struct card c;
    uint8_t *d;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    rx_init(&c, RCTL_SECRC | 1 << 6);
    d = ram_at(&c.t, TX_BUF);
    make_frame(d, 500, nic_test_mac, 0x1234);
    tx_desc(&c, TX_BUF, TXD_EOP | TXD_RS | 500, 0);
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 0);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF), 500, d, 500);
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_SECRC);
    phy_write(&c, 0, 0x4140); /* the transceiver's */
    tx_desc(&c, TX_BUF, TXD_EOP | TXD_RS | 500, 0);
    tx_go(&c);
    g_assert_cmpuint(c.t.frames->len, ==, 0);
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 2);
    nic_test_done(&c.t);
}

/* --- interrupts --- */

static void test_interrupts(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    wr(&c, E1000_ICS, ICR_LSC | ICR_RXT0);
    g_assert_false(c.t.irq.level);
    wr(&c, E1000_IMS, ICR_RXT0);
    g_assert_true(c.t.irq.level);
    wr(&c, E1000_IMS, ICR_TXDW);
    g_assert_cmphex(rd(&c, E1000_IMS), ==, ICR_RXT0 | ICR_TXDW);
    wr(&c, E1000_IMC, ICR_RXT0);
    g_assert_false(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_IMS), ==, ICR_TXDW);
    wr(&c, E1000_ICR, ICR_LSC); /* written ones clear */
    g_assert_cmphex(rd(&c, E1000_ICR), ==, ICR_RXT0);
    g_assert_cmphex(rd(&c, E1000_ICR), ==, 0);
    nic_test_done(&c.t);
}

/* The first interrupt at once, the next one after ITR. */
static void test_itr(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    hw_test_step(&c.t.m, NS_PER_SECOND);
    wr(&c, E1000_ITR, 400); /* 102.4 us */
    wr(&c, E1000_IMS, ICR_RXT0);
    wr(&c, E1000_ICS, ICR_RXT0);
    g_assert_true(c.t.irq.level);
    rd(&c, E1000_ICR);
    hw_test_step(&c.t.m, 50 * NS_PER_US);
    wr(&c, E1000_ICS, ICR_RXT0);
    g_assert_false(c.t.irq.level);
    hw_test_step(&c.t.m, 52 * NS_PER_US);
    g_assert_false(c.t.irq.level);
    hw_test_step(&c.t.m, 1 * NS_PER_US);
    g_assert_true(c.t.irq.level);
    rd(&c, E1000_ICR);
    hw_test_step(&c.t.m, 200 * NS_PER_US);
    wr(&c, E1000_ICS, ICR_RXT0);
    g_assert_true(c.t.irq.level);
    nic_test_done(&c.t);
}

static void test_delays(void)
{
    struct card c;
    uint8_t d[100];

    card_init(&c, &e1000_82540em_type);
    hw_test_step(&c.t.m, NS_PER_SECOND);
    rx_init(&c, 0);
    wr(&c, E1000_IMS, ICR_RXT0);
    wr(&c, E1000_RDTR, 10);
    wr(&c, E1000_RADV, 25);
    make_frame(d, 100, nic_test_mac, 0x1234);
    nic_test_send(&c.t, d, 100);
    hw_test_step(&c.t.m, 10 * NS_PER_US);
    g_assert_false(c.t.irq.level);
    hw_test_step(&c.t.m, 1 * NS_PER_US);
    g_assert_true(c.t.irq.level);
    rd(&c, E1000_ICR);
    for (unsigned i = 0; i < 5; i++) { /* 25 * 1.024 us after the first */
        nic_test_send(&c.t, d, 100);
        g_assert_false(c.t.irq.level);
        hw_test_step(&c.t.m, 5 * NS_PER_US);
    }
    hw_test_step(&c.t.m, 1 * NS_PER_US);
    g_assert_true(c.t.irq.level);
    rd(&c, E1000_ICR);
    nic_test_send(&c.t, d, 100);
    g_assert_false(c.t.irq.level);
    wr(&c, E1000_RDTR, 10 | E1000_BIT(31)); /* flushed */
    g_assert_true(c.t.irq.level);

    rd(&c, E1000_ICR);
    wr(&c, E1000_IMC, UINT32_MAX);
    tx_init(&c);
    wr(&c, E1000_IMS, ICR_TXDW);
    wr(&c, E1000_TIDV, 10);
    tx_desc(&c, TX_BUF, TXD_EOP | TXD_RS | TXD_IDE | 100, 0);
    tx_go(&c);
    g_assert_cmphex(txd(&c, 0)[12] & 1, ==, 1);
    g_assert_false(c.t.irq.level);
    hw_test_step(&c.t.m, 11 * NS_PER_US);
    g_assert_true(c.t.irq.level);
    nic_test_done(&c.t);
}

/* --- the 82574L --- */

static void test_extended(void)
{
    struct card c;
    uint8_t d[1000];

    card_init(&c, &e1000e_type);
    rx_init(&c, RCTL_SECRC);
    wr(&c, E1000E_RFCTL, RFCTL_EXSTEN);
    wr(&c, E1000_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
    make_frame(d, 200, nic_test_mac, 0);
    make_ip4(d, 200, 6);
    d[199] ^= 1;
    nic_test_send(&c.t, d, 200);
    g_assert_cmphex(ldl_u32(rxd(&c, 0)), ==, 0);
    g_assert_cmphex(ldl_u32(rxd(&c, 0) + 8), ==,
                    RXS_DD | RXS_EOP | RXS_IPCS | RXS_TCPCS | 1u << 29);
    g_assert_cmpuint(ldl_u16(rxd(&c, 0) + 12), ==, 200);

    /* Split: four buffers, 256 bytes and three of 1 KiB; 32 bytes each. */
    wr(&c, E1000_RCTL, 0);
    wr(&c, E1000E_PSRCTL, 0x01010102);
    for (unsigned i = 0; i < 4; i++) {
        stl_u64(rxd(&c, 0) + 8 * i, RX_BUF + 0x1000 * i);
    }
    wr(&c, E1000_RDH, 0);
    wr(&c, E1000_RDT, RING / 2 - 1);
    wr(&c, E1000_RCTL, RCTL_EN | RCTL_SECRC | RCTL_DTYP_PS);
    make_frame(d, 1000, nic_test_mac, 0x1234);
    nic_test_send(&c.t, d, 1000);
    g_assert_cmpuint(rd(&c, E1000_RDH), ==, 1);
    g_assert_cmphex(ldl_u32(rxd(&c, 0) + 8) & 3, ==, 3);
    g_assert_cmpuint(ldl_u16(rxd(&c, 0) + 12), ==, 256);
    g_assert_cmpuint(ldl_u16(rxd(&c, 0) + 18), ==, 744);
    g_assert_cmpuint(ldl_u16(rxd(&c, 0) + 20), ==, 0);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF), 256, d, 256);
    g_assert_cmpmem(ram_at(&c.t, RX_BUF + 0x1000), 744, d + 256, 744);
    wr(&c, E1000_EERD, EERD_START | 1 << EERD_E_ADDR_SHIFT);
    g_assert_cmphex(rd(&c, E1000_EERD), ==, 0x11000000 | EERD_E_DONE | 4);
    nic_test_done(&c.t);
}

enum { MSG = 0x3000, MSIX_BAR3 = NIC_MMIO + 0x100000 };

static void msix_on(struct card *c)
{
    unsigned at = c->e->e.msix.at;

    for (unsigned i = 0; i < 5; i++) {
        mem_w32(&c->t, MSIX_BAR3 + 16 * i, MSG + 4 * i);
        mem_w32(&c->t, MSIX_BAR3 + 16 * i + 4, 0);
        mem_w32(&c->t, MSIX_BAR3 + 16 * i + 8, 0x55 + i);
        mem_w32(&c->t, MSIX_BAR3 + 16 * i + 12, 0);
    }
    pci_config_write(c->t.card, at + 2, 2, 0x8000);
}

static bool got_message(struct card *c, unsigned n)
{
    uint32_t v = ldl_u32(ram_at(&c->t, MSG + 4 * n));

    stl_u32(ram_at(&c->t, MSG + 4 * n), 0);
    g_assert_true(v == 0 || v == 0x55 + n);
    return v;
}

static void test_msix(void)
{
    struct card c;
    uint8_t d[100];

    card_init(&c, &e1000e_type);
    hw_test_step(&c.t.m, NS_PER_SECOND);
    rx_init(&c, 0);
    msix_on(&c);
    wr(&c, E1000E_IVAR, 8 | 9 << 8 | 0xa << 16); /* rx 0, tx 1, other 2 */
    wr(&c, E1000E_EIAC, ICR_RXQ0 | ICR_TXQ0);
    wr(&c, E1000E_EITR, 400);
    wr(&c, E1000_IMS, ICR_RXQ0 | ICR_OTHER | ICR_LSC);
    make_frame(d, 100, nic_test_mac, 0x1234);
    nic_test_send(&c.t, d, 100);
    g_assert_true(got_message(&c, 0));
    g_assert_false(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_IMS) & ICR_RXQ0, ==, 0); /* by EIAC */
    nic_test_send(&c.t, d, 100);
    g_assert_false(got_message(&c, 0));
    wr(&c, E1000_IMS, ICR_RXQ0); /* held back by EITR */
    g_assert_false(got_message(&c, 0));
    hw_test_step(&c.t.m, 103 * NS_PER_US);
    g_assert_true(got_message(&c, 0));

    net_set_link(nic_test_port(&c.t), false);
    g_assert_true(got_message(&c, 2));
    g_assert_cmphex(rd(&c, E1000_ICR) & (ICR_LSC | ICR_OTHER | ICR_ASSERTED),
                    ==, ICR_LSC | ICR_OTHER | ICR_ASSERTED);
    g_assert_cmphex(rd(&c, E1000_ICR) & ICR_LSC, ==, 0);
    pci_config_write(c.t.card, c.e->e.msix.at + 2, 2, 0); /* INTx again */
    wr(&c, E1000_ICS, ICR_LSC);
    g_assert_true(c.t.irq.level);
    rd(&c, E1000_ICR);
    g_assert_false(c.t.irq.level);
    nic_test_done(&c.t);
}

/* --- the rest --- */

static void test_io(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    out32(&c.t.m, NIC_IO, E1000_STATUS);
    g_assert_cmphex(in32(&c.t.m, NIC_IO), ==, E1000_STATUS);
    g_assert_cmphex(in32(&c.t.m, NIC_IO + 4), ==, rd(&c, E1000_STATUS));
    out32(&c.t.m, NIC_IO, E1000_VFTA + 8);
    out32(&c.t.m, NIC_IO + 4, 0x12345678);
    g_assert_cmphex(rd(&c, E1000_VFTA + 8), ==, 0x12345678);
    nic_test_done(&c.t);
}

static void test_reset(void)
{
    struct card c;

    card_init(&c, &e1000_82540em_type);
    tx_init(&c);
    rx_init(&c, 0);
    wr(&c, E1000_IMS, ICR_ALL);
    wr(&c, E1000_ICS, ICR_RXT0);
    wr(&c, E1000_RA, 0);
    wr(&c, E1000_CTRL, CTRL_RST);
    g_assert_false(c.t.irq.level);
    g_assert_cmphex(rd(&c, E1000_CTRL) & CTRL_RST, ==, 0);
    g_assert_cmphex(rd(&c, E1000_RCTL), ==, 0);
    g_assert_cmphex(rd(&c, E1000_TDLEN), ==, 0);
    g_assert_cmphex(rd(&c, E1000_IMS), ==, 0);
    g_assert_cmphex(rd(&c, E1000_RA), ==, 0x11005452);
    g_assert_true(rd(&c, E1000_STATUS) & STATUS_LU);
    nic_test_done(&c.t);
}

/* Saved in the middle of a packet, of a pause, and of a wait for the cable. */
static void test_state(void)
{
    struct card a, b;

    card_init(&a, &e1000_82540em_type);
    card_init(&b, &e1000_82540em_type);
    tx_init(&a);
    make_frame(ram_at(&a.t, TX_BUF), 200, nic_test_peer, 0x0806);
    tx_desc(&a, TX_BUF, 120, 0);
    tx_go(&a);
    wr(&a, E1000_ITR, 1000);
    wr(&a, E1000_IMS, ICR_RXT0);
    wr(&a, E1000_ICS, ICR_RXT0);
    rd(&a, E1000_ICR);
    wr(&a, E1000_ICS, ICR_RXT0);
    hw_test_roundtrip(&a.e->pci.dev, &b.e->pci.dev);
    memcpy(ram_at(&b.t, 0), ram_at(&a.t, 0), NIC_RAM);
    b.tail = a.tail;
    tx_desc(&b, TX_BUF + 120, TXD_EOP | 80, 0);
    tx_go(&b);
    g_assert_cmpmem(nic_test_frame(&b.t, 0)->data, 200, ram_at(&a.t, TX_BUF),
                    200);
    g_assert_false(b.t.irq.level);
    hw_test_step(&b.t.m, NS_PER_MS);
    g_assert_true(b.t.irq.level);

    a.t.full = true;
    tx_desc(&a, TX_BUF + 120, TXD_EOP | 80, 0);
    tx_go(&a);
    g_assert_cmpuint(a.t.frames->len, ==, 0);
    hw_test_roundtrip(&a.e->pci.dev, &b.e->pci.dev);
    hw_test_step(&b.t.m, 1);
    g_assert_cmpuint(b.t.frames->len, ==, 2);
    g_assert_cmpuint(nic_test_frame(&b.t, 1)->len, ==, 200);
    nic_test_done(&b.t);
    nic_test_done(&a.t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/eeprom", test_eeprom);
    g_test_add_func("/phy", test_phy);
    g_test_add_func("/link", test_link);
    g_test_add_func("/tx", test_tx);
    g_test_add_func("/tx/ring", test_tx_ring);
    g_test_add_func("/tx/checksum", test_tx_checksum);
    g_test_add_func("/tx/legacy-checksum", test_tx_legacy_checksum);
    g_test_add_func("/tx/tso", test_tso);
    g_test_add_func("/tx/nonsense", test_tx_nonsense);
    g_test_add_func("/vlan", test_vlan);
    g_test_add_func("/rx", test_rx);
    g_test_add_func("/rx/full", test_rx_full);
    g_test_add_func("/rx/filters", test_filters);
    g_test_add_func("/rx/checksum", test_rx_checksum);
    g_test_add_func("/loopback", test_loopback);
    g_test_add_func("/interrupts", test_interrupts);
    g_test_add_func("/interrupts/itr", test_itr);
    g_test_add_func("/interrupts/delays", test_delays);
    g_test_add_func("/82574/extended", test_extended);
    g_test_add_func("/82574/msix", test_msix);
    g_test_add_func("/io", test_io);
    g_test_add_func("/reset", test_reset);
    g_test_add_func("/state", test_state);
    return g_test_run();
}
