/* SPDX-License-Identifier: MIT */
/* The RTL8139C+, in both of its ways. [RTL8139C+] [RTL8139] */
#include "hw/net/rtl8139.h"
#include "tests/unit/nic_test.h"

enum {
    TX_BUF = 0x10000,
    RX_RING = 0x20000,
    CP_TX = 0x40000,
    CP_RX = 0x41000,
    CP_BUF = 0x50000,
    MEM = NIC_MMIO,
};

#define OWN (1u << 31)
#define EOR (1u << 30)
#define FS  (1u << 29)
#define LS  (1u << 28)

static uint8_t r8(struct nic_test *t, unsigned reg)
{
    return in8(&t->m, (uint16_t)(NIC_IO + reg));
}

static uint16_t r16(struct nic_test *t, unsigned reg)
{
    return in16(&t->m, (uint16_t)(NIC_IO + reg));
}

static uint32_t r32(struct nic_test *t, unsigned reg)
{
    return in32(&t->m, (uint16_t)(NIC_IO + reg));
}

static void w8(struct nic_test *t, unsigned reg, uint8_t v)
{
    out8(&t->m, (uint16_t)(NIC_IO + reg), v);
}

static void w16(struct nic_test *t, unsigned reg, uint16_t v)
{
    out16(&t->m, (uint16_t)(NIC_IO + reg), v);
}

static void w32(struct nic_test *t, unsigned reg, uint32_t v)
{
    out32(&t->m, (uint16_t)(NIC_IO + reg), v);
}

static void ee_bit(struct nic_test *t, bool di)
{
    uint8_t v = EEM_PROGRAM | EECS | (di ? EEDI : 0);

    w8(t, RTL_9346CR, v);
    w8(t, RTL_9346CR, v | EESK);
}

static uint16_t ee_word(struct nic_test *t, unsigned at)
{
    unsigned v = 0;

    for (unsigned i = 9; i--;) {
        ee_bit(t, (6u << 6 | at) >> i & 1);
    }
    for (unsigned i = 0; i < 16; i++) {
        ee_bit(t, false);
        v = v << 1 | (r8(t, RTL_9346CR) & EEDO);
    }
    w8(t, RTL_9346CR, EEM_PROGRAM);
    w8(t, RTL_9346CR, 0);
    return (uint16_t)v;
}

static void test_basics(void)
{
    struct nic_test t;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    g_assert_cmphex(pci_config_read(t.card, 0, 4), ==, 0x813910ec);
    g_assert_cmphex(t.card->config[PCI_REVISION], ==, 0x20);
    g_assert_cmphex(r32(&t, RTL_IDR0), ==, 0x11005452);
    g_assert_cmphex(r16(&t, RTL_IDR0 + 4), ==, 0x3322);
    g_assert_cmphex(mem_r32(&t, MEM + RTL_IDR0), ==, 0x11005452);
    g_assert_cmphex(r32(&t, RTL_TCR) & 0x7cc00000, ==, 0x74800000);
    g_assert_cmphex(ee_word(&t, 0), ==, 0x8129);
    g_assert_cmphex(ee_word(&t, 7), ==, 0x5452);
    g_assert_cmphex(ee_word(&t, 9), ==, 0x3322);
    g_assert_cmphex(r16(&t, RTL_BMSR), ==, 0x782d);
    g_assert_cmphex(r8(&t, RTL_MSR) & 4, ==, 0);
    w32(&t, RTL_IDR0, 0x12345678);
    w8(&t, RTL_9346CR, EEM_LOAD);
    g_assert_cmphex(r32(&t, RTL_IDR0), ==, 0x11005452);
    g_assert_cmphex(r8(&t, RTL_9346CR), ==, 0);

    w8(&t, RTL_CONFIG1, 0xd0); /* locked */
    g_assert_cmphex(r8(&t, RTL_CONFIG1), ==, 0x0c);
    w8(&t, RTL_9346CR, EEM_CONFIG);
    w8(&t, RTL_CONFIG1, 0xd0);
    g_assert_cmphex(r8(&t, RTL_CONFIG1), ==, 0xdc);

    w16(&t, RTL_IMR, ISR_LINKCHG);
    net_set_link(nic_test_port(&t), false);
    g_assert_true(t.irq.level);
    g_assert_cmphex(r16(&t, RTL_BMSR) & 0x24, ==, 0);
    g_assert_cmphex(r8(&t, RTL_MSR) & 4, ==, 4);
    w16(&t, RTL_ISR, ISR_LINKCHG);
    g_assert_false(t.irq.level);
    nic_test_done(&t);
}

/* [RTL8139] 6: reset, buffers, then receiver and transmitter. */
static void init_8139(struct nic_test *t, uint32_t rcr)
{
    w8(t, RTL_CR, CR_RST);
    g_assert_cmphex(r8(t, RTL_CR) & CR_RST, ==, 0);
    w32(t, RTL_RBSTART, RX_RING);
    w8(t, RTL_CR, CR_TE | CR_RE);
    w32(t, RTL_RCR, rcr);
    w32(t, RTL_TCR, 0x03000700);
    w16(t, RTL_IMR, ISR_ROK | ISR_TOK | ISR_RXOVW | ISR_TER);
}

static void test_tx(void)
{
    struct nic_test t;
    uint8_t *d;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_8139(&t, RCR_APM | RCR_AB);
    d = ram_at(&t, TX_BUF);
    make_frame(d, 1000, nic_test_peer, 0x0806);
    for (unsigned i = 0; i < 9; i++) {
        unsigned n = i % 4;

        g_assert_cmphex(r32(&t, RTL_TSD0 + 4 * n) & TSD_OWN, ==, TSD_OWN);
        w32(&t, RTL_TSAD0 + 4 * n, TX_BUF);
        w32(&t, RTL_TSD0 + 4 * n, 100 + i);
        g_assert_cmphex(r32(&t, RTL_TSD0 + 4 * n), ==,
                        (100 + i) | TSD_OWN | TSD_TOK);
        g_assert_cmpmem(nic_test_frame(&t, i)->data, nic_test_frame(&t, i)->len,
                        d, 100 + i);
        g_assert_true(t.irq.level);
        w16(&t, RTL_ISR, r16(&t, RTL_ISR));
        g_assert_false(t.irq.level);
    }
    g_assert_cmphex(r16(&t, RTL_TSAD), ==, 0xf00f);

    /* The cable is full: in order, when it has room again. */
    t.full = true;
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = (9 + i) % 4;

        w32(&t, RTL_TSD0 + 4 * n, 200 + i);
        g_assert_cmphex(r32(&t, RTL_TSD0 + 4 * n), ==, 200 + i);
    }
    t.full = false;
    net_ready(nic_test_port(&t));
    g_assert_cmpuint(t.frames->len, ==, 13);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmpuint(nic_test_frame(&t, 9 + i)->len, ==, 200 + i);
    }
    w32(&t, RTL_TSD0 + 4, 1793); /* more than a buffer may have */
    g_assert_cmphex(r32(&t, RTL_TSD0 + 4), ==, 1793 | TSD_OWN | TSD_TABT);
    g_assert_cmphex(r16(&t, RTL_ISR) & ISR_TER, ==, ISR_TER);
    nic_test_done(&t);
}

/* Reads the packet at the driver's place in the ring; its length. */
static unsigned take(struct nic_test *t, uint32_t size, uint32_t *at,
                     const uint8_t *want, unsigned len, unsigned status)
{
    uint32_t offset = *at % size;
    const uint8_t *p = ram_at(t, RX_RING);

    g_assert_cmphex(r8(t, RTL_CR) & CR_BUFE, ==, 0);
    g_assert_cmphex(ldl_u16(p + offset), ==, status);
    g_assert_cmpuint(ldl_u16(p + offset + 2), ==, len + 4);
    for (unsigned i = 0; i < len; i++) {
        uint32_t k = offset + 4 + i;

        if (!(r32(t, RTL_RCR) & RCR_WRAP)) {
            k %= size;
        }
        g_assert_cmphex(p[k], ==, want[i]);
    }
    *at = (*at + 4 + len + 4 + 3) & ~3u;
    w16(t, RTL_CAPR, (uint16_t)(*at % size - 16));
    return len;
}

static void ring(uint32_t rcr)
{
    struct nic_test t;
    uint32_t size = 8192u << (rcr >> 11 & 3), at = 0;
    uint8_t d[1514];

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_8139(&t, RCR_APM | RCR_AB | rcr);
    g_assert_cmphex(r8(&t, RTL_CR) & CR_BUFE, ==, CR_BUFE);
    for (unsigned i = 0; i < 200; i++) {
        unsigned len = 60 + i * 37 % 1455;

        make_frame(d, len, i & 1 ? nic_test_mac : nic_test_all, 0x1234);
        g_assert_true(nic_test_send(&t, d, len));
        g_assert_true(t.irq.level);
        w16(&t, RTL_ISR, ISR_ROK);
        take(&t, size, &at, d, len, i & 1 ? 0x4001 : 0x2001);
        g_assert_cmphex(r8(&t, RTL_CR) & CR_BUFE, ==, CR_BUFE);
    }
    /* Until it is full; then what was read makes room. */
    make_frame(d, 1000, nic_test_mac, 0x1234);
    for (unsigned n = 0; nic_test_send(&t, d, 1000); n++) {
        g_assert_cmpuint(n, <, size / 1008);
    }
    g_assert_cmpuint(t.writable, ==, 0);
    take(&t, size, &at, d, 1000, 0x4001);
    g_assert_cmpuint(t.writable, ==, 1);
    g_assert_true(nic_test_send(&t, d, 1000));
    nic_test_done(&t);
}

static void test_rx(void)
{
    for (unsigned code = 0; code < 4; code++) {
        ring(code << 11);
        ring(code << 11 | (code < 3 ? RCR_WRAP : 0));
    }
}

static bool arrives(struct nic_test *t, const uint8_t *to)
{
    uint8_t d[64];
    uint16_t before = r16(t, RTL_CBR);

    make_frame(d, 64, to, 0x1234);
    nic_test_send(t, d, 64);
    return r16(t, RTL_CBR) != before;
}

static void test_filters(void)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 0x11, 0x22, 0x34};
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
    struct nic_test t;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_8139(&t, 0);
    g_assert_false(arrives(&t, nic_test_mac));
    g_assert_false(arrives(&t, nic_test_all));
    w32(&t, RTL_RCR, RCR_APM);
    g_assert_true(arrives(&t, nic_test_mac));
    g_assert_false(arrives(&t, other));
    w32(&t, RTL_RCR, RCR_AB);
    g_assert_true(arrives(&t, nic_test_all));
    w32(&t, RTL_RCR, RCR_AM);
    g_assert_false(arrives(&t, group));
    w32(&t, RTL_MAR0, 0); /* 01:00:5e:00:00:01 hashes to 31 */
    w32(&t, RTL_MAR0, 1u << 31);
    g_assert_true(arrives(&t, group));
    w32(&t, RTL_MAR0, ~(1u << 31));
    w32(&t, RTL_MAR0 + 4, UINT32_MAX);
    g_assert_false(arrives(&t, group));
    w32(&t, RTL_RCR, RCR_AAP);
    g_assert_true(arrives(&t, other));
    w32(&t, RTL_TCR, 3 << 17); /* loopback */
    w32(&t, RTL_RCR, RCR_APM);
    make_frame(ram_at(&t, TX_BUF), 100, nic_test_mac, 0x1234);
    w32(&t, RTL_TSAD0, TX_BUF);
    w32(&t, RTL_TSD0, 100);
    g_assert_cmpuint(t.frames->len, ==, 0);
    g_assert_cmphex(r16(&t, RTL_ISR) & ISR_ROK, ==, ISR_ROK);
    nic_test_done(&t);
}

static void test_timer(void)
{
    struct nic_test t;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    w16(&t, RTL_IMR, ISR_TIMEOUT);
    w32(&t, RTL_TCTR, 0);
    w32(&t, RTL_TIMERINT, 33333);
    hw_test_step(&t.m, 500 * NS_PER_US);
    g_assert_cmpuint(r32(&t, RTL_TCTR), ==, 16666);
    g_assert_false(t.irq.level);
    hw_test_step(&t.m, 500 * NS_PER_US);
    g_assert_true(t.irq.level);
    nic_test_done(&t);
}

/* --- C+ mode --- */

static void init_cplus(struct nic_test *t, uint16_t cpcr)
{
    w8(t, RTL_CR, CR_RST);
    w16(t, RTL_CPCR, (uint16_t)(CPCR_TX | CPCR_RX | cpcr));
    w8(t, RTL_CR, CR_TE | CR_RE);
    w32(t, RTL_RDSAR, CP_RX);
    w32(t, RTL_RDSAR + 4, 0);
    w32(t, RTL_TSAD0, CP_TX);
    w32(t, RTL_TSAD0 + 4, 0);
    w32(t, RTL_RCR, RCR_APM | RCR_AB);
    w16(t, RTL_IMR, ISR_ROK | ISR_TOK | ISR_TDU | ISR_RXOVW);
    memset(ram_at(t, CP_TX), 0, 0x2000);
}

static void desc(struct nic_test *t, uint32_t base, unsigned n, uint32_t w0,
                 uint32_t w1, uint32_t addr)
{
    uint8_t *p = ram_at(t, base + 16 * n);

    stl_u32(p, w0);
    stl_u32(p + 4, w1);
    stl_u64(p + 8, addr);
}

static uint32_t word(struct nic_test *t, uint32_t base, unsigned n, unsigned w)
{
    return ldl_u32(ram_at(t, base + 16 * n + 4 * w));
}

static void test_cp_tx(void)
{
    struct nic_test t;
    uint8_t *d, want[300];

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_cplus(&t, 0);
    d = ram_at(&t, TX_BUF);
    make_frame(d, 300, nic_test_peer, 0);
    make_ip4(d, 300, 17);
    memcpy(want, d, 300);
    put_be16(d + 24, 0);
    put_be16(d + 40, 0x1111); /* the card's to fill in */
    desc(&t, CP_TX, 0, OWN | FS | 100 | 1 << 18 | 1 << 17, 0, TX_BUF);
    desc(&t, CP_TX, 1, OWN | LS | EOR | 200, 0, TX_BUF + 100);
    w8(&t, RTL_TPPOLL, TPPOLL_NPQ);
    g_assert_cmpuint(t.frames->len, ==, 1);
    g_assert_cmpmem(nic_test_frame(&t, 0)->data, 300, want, 300);
    g_assert_cmphex(word(&t, CP_TX, 0, 0) & (OWN | EOR), ==, 0);
    g_assert_cmphex(word(&t, CP_TX, 1, 0) & (OWN | EOR), ==, EOR);
    g_assert_cmphex(r16(&t, RTL_ISR), ==, ISR_TOK | ISR_TDU);
    g_assert_cmphex(r8(&t, RTL_TPPOLL), ==, 0);

    /* Round the end of the ring; with a tag. */
    desc(&t, CP_TX, 0, OWN | FS | LS | 100, 1 << 17 | 0x0520, TX_BUF);
    w8(&t, RTL_TPPOLL, TPPOLL_NPQ);
    g_assert_cmpuint(nic_test_frame(&t, 1)->len, ==, 104);
    g_assert_cmphex(get_be32(nic_test_frame(&t, 1)->data + 12), ==, 0x81002005);
    g_assert_cmpmem(nic_test_frame(&t, 1)->data + 16, 88, d + 12, 88);
    nic_test_done(&t);
}

static void test_cp_large_send(void)
{
    struct nic_test t;
    uint8_t *d;
    uint32_t done = 0;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_cplus(&t, 0);
    d = ram_at(&t, TX_BUF);
    make_frame(d, 9054, nic_test_peer, 0);
    make_ip4(d, 9054, 6);
    desc(&t, CP_TX, 0, OWN | FS | 1 << 27 | 1400 << 16 | 5000, 0, TX_BUF);
    desc(&t, CP_TX, 1, OWN | LS | 1 << 27 | 1400 << 16 | 4054, 0,
         TX_BUF + 5000);
    w8(&t, RTL_TPPOLL, TPPOLL_NPQ);
    g_assert_cmpuint(t.frames->len, ==, 7);
    for (unsigned i = 0; i < 7; i++) {
        const GByteArray *f = nic_test_frame(&t, i);

        g_assert_true(sum_is_right(f->data, f->len));
        g_assert_cmpmem(f->data + 54, f->len - 54, d + 54 + done, f->len - 54);
        done += f->len - 54;
    }
    g_assert_cmpuint(done, ==, 9000);
    nic_test_done(&t);
}

static void test_cp_rx(void)
{
    struct nic_test t;
    uint8_t d[200], *p;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_cplus(&t, CPCR_RX_CSUM | CPCR_RX_VLAN);
    desc(&t, CP_RX, 0, OWN | 1536, 0, CP_BUF);
    desc(&t, CP_RX, 1, OWN | 100, 0, CP_BUF + 0x1000);
    desc(&t, CP_RX, 2, OWN | EOR | 1536, 0, CP_BUF + 0x2000);
    make_frame(d, 200, nic_test_mac, 0);
    make_ip4(d, 200, 6);
    g_assert_true(nic_test_send(&t, d, 200));
    g_assert_cmphex(word(&t, CP_RX, 0, 0), ==,
                    FS | LS | 1u << 25 | 1u << 16 | 204);
    g_assert_cmpmem(ram_at(&t, CP_BUF), 200, d, 200);
    g_assert_true(t.irq.level);

    d[199] ^= 1; /* wrong sum, over two descriptors */
    g_assert_true(nic_test_send(&t, d, 200));
    g_assert_cmphex(word(&t, CP_RX, 1, 0), ==, FS);
    g_assert_cmphex(word(&t, CP_RX, 2, 0), ==,
                    EOR | LS | 1u << 25 | 1u << 16 | 1u << 13 | 204);
    g_assert_cmpmem(ram_at(&t, CP_BUF + 0x1000), 100, d, 100);
    g_assert_cmpmem(ram_at(&t, CP_BUF + 0x2000), 100, d + 100, 100);

    /* No descriptor: the sender waits until one is there. */
    g_assert_false(nic_test_send(&t, d, 200));
    desc(&t, CP_RX, 0, OWN | 1536, 0, CP_BUF);
    hw_test_step(&t.m, 2 * NS_PER_MS);
    g_assert_cmpuint(t.writable, ==, 1);
    make_frame(d, 100, nic_test_all, 0x8100);
    put_be16(d + 14, 0x2005);
    g_assert_true(nic_test_send(&t, d, 100));
    g_assert_cmphex(word(&t, CP_RX, 0, 0), ==, FS | LS | 1u << 24 | 100);
    g_assert_cmphex(word(&t, CP_RX, 0, 1), ==, 1u << 16 | 0x0520);
    p = ram_at(&t, CP_BUF);
    g_assert_cmpmem(p, 12, d, 12);
    g_assert_cmpmem(p + 12, 84, d + 16, 84);
    w32(&t, RTL_TSD0 + 4, 0); /* counters */
    w32(&t, RTL_TSD0, CP_BUF | 8);
    g_assert_cmphex(r32(&t, RTL_TSD0), ==, CP_BUF);
    g_assert_cmpuint(ldl_u64(ram_at(&t, CP_BUF + 8)), ==, 3);
    nic_test_done(&t);
}

/* Descriptors that can never be given back: no hang. */
static void test_cp_nonsense(void)
{
    struct nic_test t;

    nic_test_init(&t);
    nic_test_pci(&t, &rtl8139_type);
    init_cplus(&t, 0);
    w32(&t, RTL_TSAD0, 0xe0000000); /* nothing there: all ones */
    w8(&t, RTL_TPPOLL, TPPOLL_NPQ | TPPOLL_HPQ);
    w32(&t, RTL_TSAD0, NIC_MMIO + 0x100000);
    w8(&t, RTL_TPPOLL, TPPOLL_NPQ);
    hw_test_step(&t.m, 5 * NS_PER_MS);
    nic_test_done(&t);
}

static void test_plain(void)
{
    struct nic_test t;
    struct dev *dev;

    nic_test_init(&t);
    dev = nic_test_new(&t, &rtl8139_type);
    g_assert_true(dev_set_prop(dev, "cplus", "off", NULL));
    g_assert_true(dev_set_prop(dev, "addr", "3", NULL));
    nic_test_realize(dev);
    t.card = t.pci->dev[NIC_DEVFN];
    pci_config_write(t.card, PCI_BAR0, 4, NIC_IO);
    pci_config_write(t.card, PCI_COMMAND, 2, 7);
    g_assert_cmphex(t.card->config[PCI_REVISION], ==, 0x10);
    w16(&t, RTL_CPCR, 3);
    g_assert_cmphex(r16(&t, RTL_CPCR), ==, 0);
    init_8139(&t, RCR_APM);
    g_assert_true(arrives(&t, nic_test_mac));
    nic_test_done(&t);
}

static void test_state(void)
{
    struct nic_test a, b;
    struct rtl8139 *x, *y;

    nic_test_init(&a);
    nic_test_init(&b);
    x = nic_test_pci(&a, &rtl8139_type);
    y = nic_test_pci(&b, &rtl8139_type);
    init_cplus(&a, 0);
    make_frame(ram_at(&a, TX_BUF), 300, nic_test_peer, 0x0806);
    desc(&a, CP_TX, 0, OWN | FS | 100, 0, TX_BUF);
    w8(&a, RTL_TPPOLL, TPPOLL_NPQ);
    w32(&a, RTL_TIMERINT, 100000);
    memcpy(ram_at(&b, 0), ram_at(&a, 0), NIC_RAM);
    hw_test_roundtrip(&x->pci.dev, &y->pci.dev);
    desc(&b, CP_TX, 1, OWN | LS | 200, 0, TX_BUF + 100);
    w8(&b, RTL_TPPOLL, TPPOLL_NPQ);
    g_assert_cmpmem(nic_test_frame(&b, 0)->data, nic_test_frame(&b, 0)->len,
                    ram_at(&a, TX_BUF), 300);
    nic_test_done(&b);
    nic_test_done(&a);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/basics", test_basics);
    g_test_add_func("/tx", test_tx);
    g_test_add_func("/rx", test_rx);
    g_test_add_func("/filters", test_filters);
    g_test_add_func("/timer", test_timer);
    g_test_add_func("/cplus/tx", test_cp_tx);
    g_test_add_func("/cplus/large-send", test_cp_large_send);
    g_test_add_func("/cplus/rx", test_cp_rx);
    g_test_add_func("/cplus/nonsense", test_cp_nonsense);
    g_test_add_func("/plain", test_plain);
    g_test_add_func("/state", test_state);
    return g_test_run();
}
