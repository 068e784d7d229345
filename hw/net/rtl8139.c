/* SPDX-License-Identifier: MIT */
/*
 * Realtek RTL8139C+ (10ec:8139), or with cplus=off an RTL8139C: fast Ethernet.
 * BAR 0: ports, BAR 1: the same in memory.
 *
 * [RTL8139C+] RTL8139C+ data sheet, Realtek, rev. 1.6, 2002; [RTL8139]
 * RTL8139D(L) data sheet and programming guide; [93C46] its EEPROM; [802.3].
 *
 * Not modelled: power management and wake-up, VPD, the boot ROM's bank of the
 * EEPROM, collisions, flow control, diagnostic registers of the transceiver.
 * See also rtl8139_ring.c, rtl8139_cplus.c.
 */
#include "hw/net/rtl8139.h"

#include <string.h>

#include "net/offload.h"

enum {
    FRAME_MIN = 60,
    BMCR_RESET = 1 << 15,
    BMCR_ANE = 1 << 12,
    BMCR_RESTART = 1 << 9,
    BMCR_RESET_VALUE = 0x3100,
    BMCR_LOCKED = 0x3100, /* bits that want EEM = 11 */
    BMSR_BASE = 0x7809,
    BMSR_DONE = 1 << 5,
    BMSR_LINK = 1 << 2,
    ANLPAR_VALUE = 0x41e1,
    ANER_LP_ABLE = 1,
    MSR_LINKB = 1 << 2,
    MSR_AUX = 1 << 4,
    CONFIG1_PORTS = 0x0c,
    RX_BAR = 1 << 13, /* in the ring's header; C+: 11 bits further up */
    RX_PAM = 1 << 14,
    RX_MAR = 1 << 15,
    TICK_NS = 30, /* of TCTR: the PCI clock */
};

#define HWVERID_CPLUS UINT32_C(0x74800000)
#define HWVERID_C     UINT32_C(0x74000000)
#define DTCCR_CMD     8u
#define CP_BAR        (1u << 24)
#define CP_PAM        (1u << 25)
#define CP_MAR        (1u << 26)

static struct rtl8139 *rtl_of(struct dev *dev)
{
    return container_of(dev, struct rtl8139, pci.dev);
}

static int64_t now(const struct rtl8139 *s)
{
    return clock_now(&s->pci.dev.machine->clock);
}

static void update_irq(struct rtl8139 *s)
{
    pci_set_intx(&s->pci, s->isr & s->imr);
}

void rtl8139_raise(struct rtl8139 *s, unsigned causes)
{
    s->isr |= (uint16_t)causes;
    update_irq(s);
}

static bool link_is_up(const struct rtl8139 *s)
{
    return net_link_up(&s->nic.port);
}

static bool cplus_tx(const struct rtl8139 *s)
{
    return s->cplus && s->cpcr & CPCR_TX;
}

static bool cplus_rx(const struct rtl8139 *s)
{
    return s->cplus && s->cpcr & CPCR_RX;
}

/* --- sending --- */

static void loop_frame(void *opaque, const uint8_t *data, size_t len)
{
    struct net_packet p = {.data = data, .len = len, .csum_valid = true};

    rtl8139_receive(opaque, &p);
}

void rtl8139_send(struct rtl8139 *s, struct net_packet *p)
{
    if (p->len < NET_HEADER) {
        return;
    }
    if (!rtl8139_loops_back(s)) {
        net_send(&s->nic.port, p);
    } else if (p->gso) {
        net_segment(p, loop_frame, s);
    } else {
        if (p->csum_needed) {
            net_csum_fill(p, s->tx.buf);
        }
        rtl8139_receive(s, p);
    }
}

static void run(struct rtl8139 *s)
{
    if (s->tx_busy || !(s->cr & CR_TE) || !pci_is_master(&s->pci)) {
        return;
    }
    s->tx_busy = true;
    s->busy++;
    if (cplus_tx(s)) {
        rtl8139_cp_run(s);
    } else {
        rtl8139_ring_run(s);
    }
    s->busy--;
    s->tx_busy = false;
}

/* --- receiving --- */

static bool listens(const struct rtl8139 *s)
{
    return s->cr & CR_RE && pci_is_master(&s->pci);
}

bool rtl8139_can_receive(void *opaque)
{
    struct rtl8139 *s = opaque;
    bool room;

    if (s->rx_busy) {
        return false;
    }
    if (!listens(s) || rtl8139_loops_back(s)) {
        return true; /* and drops it */
    }
    s->busy++;
    room = cplus_rx(s) ? rtl8139_cp_has_room(s) : rtl8139_ring_has_room(s, 0);
    s->busy--;
    return room;
}

/* The header's bits that say why a packet was taken; false: it is not. */
static bool filter(struct rtl8139 *s, const uint8_t *d, unsigned *status)
{
    bool all = s->rcr & RCR_AAP;

    *status = 0;
    if (nic_is_broadcast(d)) {
        *status = RX_BAR;
        s->tally.rx_broadcast++;
        return all || s->rcr & RCR_AB;
    }
    if (nic_is_multicast(d)) {
        unsigned hash = nic_hash64(d);

        *status = RX_MAR;
        s->tally.rx_multicast++;
        return all || (s->rcr & RCR_AM && s->mar[hash >> 3] >> (hash & 7) & 1);
    }
    if (memcmp(d, s->idr, NET_MAC) == 0) {
        *status = RX_PAM;
        s->tally.rx_physical++;
        return all || s->rcr & RCR_APM;
    }
    return all;
}

static uint32_t cplus_status(unsigned status)
{
    return (status & RX_BAR ? CP_BAR : 0) | (status & RX_PAM ? CP_PAM : 0) |
           (status & RX_MAR ? CP_MAR : 0);
}

static void accept(struct rtl8139 *s, const struct net_packet *p)
{
    unsigned status;

    if (!filter(s, p->data, &status)) {
        return;
    }
    s->tally.rx_ok++;
    if (cplus_rx(s)) {
        rtl8139_cp_store(s, p, cplus_status(status));
    } else {
        rtl8139_ring_store(s, p, status);
    }
}

void rtl8139_receive(void *opaque, const struct net_packet *p)
{
    struct rtl8139 *s = opaque;
    struct net_packet padded = *p;
    uint8_t small[FRAME_MIN] = {0};

    if (!listens(s) || s->rx_busy || p->len < NET_HEADER ||
        p->len > RTL_FRAME_MAX) {
        return;
    }
    if (p->len < FRAME_MIN) {
        memcpy(small, p->data, p->len);
        padded.data = small;
        padded.len = FRAME_MIN;
    }
    s->rx_busy = true;
    s->busy++;
    accept(s, &padded);
    s->busy--;
    s->rx_busy = false;
}

/* --- the timer --- */

static void set_timer(struct rtl8139 *s)
{
    int64_t wrap = (INT64_C(1) << 32) * TICK_NS;
    int64_t at = s->timer_base + (int64_t)s->timer_int * TICK_NS;
    int64_t t = now(s);

    if (!s->timer_int) {
        timer_cancel(&s->timer);
        return;
    }
    if (at <= t) {
        at += ((t - at) / wrap + 1) * wrap;
    }
    timer_set(&s->timer, at);
}

static void timer_fire(void *opaque)
{
    struct rtl8139 *s = opaque;

    rtl8139_raise(s, ISR_TIMEOUT);
    set_timer(s);
}

static void poll_fire(void *opaque)
{
    struct rtl8139 *s = opaque;

    run(s);
    net_ready(&s->nic.port);
}

static void kick(void *opaque)
{
    run(opaque);
}

/* --- registers --- */

static void load_eeprom(struct rtl8139 *s)
{
    for (unsigned i = 0; i < 3; i++) {
        stl_u16(s->idr + 2 * i, s->eeprom.word[7 + i]);
    }
}

/* CR.RST: addresses, EEPROM and PCI stay. */
static void soft_reset(struct rtl8139 *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(s->tsd); i++) {
        s->tsd[i] = TSD_OWN;
        s->tsad[i] = 0;
    }
    s->rbstart = 0;
    s->erbcr = s->imr = s->isr = 0;
    s->ersr = s->cr = 0;
    s->tcr = s->rcr = s->mpc = s->timer_int = 0;
    s->tppoll = s->etthr = 0;
    s->cpcr = 0;
    s->rdsar[0] = s->rdsar[1] = 0;
    s->tx_next = s->rx_index = 0;
    memset(s->tx_index, 0, sizeof(s->tx_index));
    memset(&s->tx, 0, offsetof(struct rtl8139_tx, buf));
    memset(&s->tally, 0, sizeof(s->tally));
    rtl8139_ring_reset(s);
    timer_cancel(&s->timer);
    timer_cancel(&s->poll);
    s->timer_base = now(s);
    update_irq(s);
    net_ready(&s->nic.port);
}

/* In C+ mode DTCCR lies where TSD0 and TSD1 are. */
static bool tsd_is_dtccr(const struct rtl8139 *s, unsigned n)
{
    return n < 2 && s->cplus && s->cpcr & (CPCR_TX | CPCR_RX);
}

static void write_dtccr(struct rtl8139 *s)
{
    if (s->tsd[0] & DTCCR_CMD) {
        s->busy++;
        rtl8139_cp_dump(s, (uint64_t)s->tsd[1] << 32 | (s->tsd[0] & ~63u));
        s->busy--;
        s->tsd[0] &= ~DTCCR_CMD;
    }
}

static void write_tsd(struct rtl8139 *s, unsigned n)
{
    if (!tsd_is_dtccr(s, n)) {
        s->tsd[n] &= TSD_WRITABLE;
        run(s);
    } else if (n == 0) {
        write_dtccr(s);
    }
}

/* clang-format off */
#define TSD_WROTE(n) \
    static void tsd##n##_wrote(struct dev *dev, uint32_t old, uint32_t value) \
    { \
        write_tsd(rtl_of(dev), n); \
    }
/* clang-format on */
TSD_WROTE(0)
TSD_WROTE(1)
TSD_WROTE(2)
TSD_WROTE(3)

static uint32_t tsad_read(struct dev *dev, uint32_t stored)
{
    return rtl8139_ring_status(rtl_of(dev));
}

static uint32_t cr_read(struct dev *dev, uint32_t stored)
{
    return stored | (rtl8139_ring_empty(rtl_of(dev)) ? CR_BUFE : 0);
}

static void cr_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    struct rtl8139 *s = rtl_of(dev);

    if (value & CR_RST) {
        soft_reset(s);
        return;
    }
    if (value & ~old & CR_RE) {
        rtl8139_ring_reset(s);
        s->rx_index = 0;
    }
    if (value & ~old & CR_TE) {
        s->tx_next = 0;
        memset(s->tx_index, 0, sizeof(s->tx_index));
        memset(&s->tx, 0, offsetof(struct rtl8139_tx, buf));
    }
    run(s);
    net_ready(&s->nic.port);
}

/* Also where a driver is done with what it found: there may be room. */
static void irq_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    update_irq(rtl_of(dev));
    net_ready(&rtl_of(dev)->nic.port);
}

static void rx_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    net_ready(&rtl_of(dev)->nic.port);
}

static void rcr_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    struct rtl8139 *s = rtl_of(dev);

    if ((old ^ value) >> RCR_RBLEN_SHIFT & 3) {
        rtl8139_ring_reset(s);
    }
    net_ready(&s->nic.port);
}

static uint32_t tcr_read(struct dev *dev, uint32_t stored)
{
    return stored | (rtl_of(dev)->cplus ? HWVERID_CPLUS : HWVERID_C);
}

static uint32_t tctr_read(struct dev *dev, uint32_t stored)
{
    const struct rtl8139 *s = rtl_of(dev);

    return (uint32_t)((now(s) - s->timer_base) / TICK_NS);
}

static void tctr_write(struct dev *dev, uint32_t value)
{
    rtl_of(dev)->timer_base = now(rtl_of(dev));
    set_timer(rtl_of(dev));
}

static void timer_int_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    set_timer(rtl_of(dev));
}

static void mpc_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    rtl_of(dev)->mpc = 0;
}

static uint32_t cr9346_read(struct dev *dev, uint32_t stored)
{
    const struct rtl8139 *s = rtl_of(dev);
    bool out = (stored & EEM_MASK) == EEM_PROGRAM && s->eeprom.out;

    return stored | (out ? EEDO : 0);
}

static void cr9346_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    struct rtl8139 *s = rtl_of(dev);

    switch (value & EEM_MASK) {
    case EEM_LOAD:
        load_eeprom(s);
        s->cr9346 = 0;
        break;
    case EEM_PROGRAM:
        eeprom93_set(&s->eeprom, value & EECS, value & EESK, value & EEDI);
        break;
    default: break;
    }
}

/* Configuration is written only while 9346CR says so. */
static bool unlocked(const struct rtl8139 *s)
{
    return (s->cr9346 & EEM_MASK) == EEM_CONFIG;
}

/* clang-format off */
#define LOCKED(m) \
    static void m##_wrote(struct dev *dev, uint32_t old, uint32_t value) \
    { \
        if (!unlocked(rtl_of(dev))) { \
            rtl_of(dev)->m = (uint8_t)old; \
        } \
    }
/* clang-format on */
LOCKED(config0)
LOCKED(config1)
LOCKED(config3)
LOCKED(config4)

static uint32_t msr_read(struct dev *dev, uint32_t stored)
{
    return MSR_AUX | (link_is_up(rtl_of(dev)) ? 0 : MSR_LINKB);
}

static void bmcr_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    struct rtl8139 *s = rtl_of(dev);

    if (!unlocked(s)) {
        value = (value & ~(uint32_t)BMCR_LOCKED) | (old & BMCR_LOCKED);
    }
    s->bmcr = (uint16_t)(value & ~(uint32_t)(BMCR_RESET | BMCR_RESTART));
    if (value & BMCR_RESET) {
        s->bmcr = BMCR_RESET_VALUE;
        s->anar = 0x01e1;
    }
}

static uint32_t bmsr_read(struct dev *dev, uint32_t stored)
{
    const struct rtl8139 *s = rtl_of(dev);

    return link_is_up(s)
               ? BMSR_BASE | BMSR_LINK | (s->bmcr & BMCR_ANE ? BMSR_DONE : 0)
               : BMSR_BASE;
}

static uint32_t anlpar_read(struct dev *dev, uint32_t stored)
{
    return link_is_up(rtl_of(dev)) ? ANLPAR_VALUE : 0;
}

static uint32_t aner_read(struct dev *dev, uint32_t stored)
{
    return link_is_up(rtl_of(dev)) ? ANER_LP_ABLE : 0;
}

static void tppoll_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    struct rtl8139 *s = rtl_of(dev);

    s->tppoll = (uint8_t)((old | value) & (TPPOLL_NPQ | TPPOLL_HPQ));
    if (value & TPPOLL_FSWINT) {
        rtl8139_raise(s, ISR_SWINT);
    }
    run(s);
    net_ready(&s->nic.port);
}

static void cpcr_wrote(struct dev *dev, uint32_t old, uint32_t value)
{
    struct rtl8139 *s = rtl_of(dev);

    if (!s->cplus) {
        s->cpcr = 0;
    }
    if ((old ^ value) & (CPCR_TX | CPCR_RX)) {
        s->rx_index = 0;
        memset(s->tx_index, 0, sizeof(s->tx_index));
        memset(&s->tx, 0, offsetof(struct rtl8139_tx, buf));
    }
    net_ready(&s->nic.port);
}

/* clang-format off */
#define ROW_AS(nm, m, offset, reset_, rw_, ...) \
    {.name = (nm), .at = (offset), .size = sizeof(MEMBER(struct rtl8139, m)), \
     .stored = true, .member = offsetof(struct rtl8139, m), \
     .reset = (reset_), .rw = (rw_), __VA_ARGS__}
#define ROW(m, offset, reset_, rw_, ...) \
    ROW_AS(#m, m, offset, reset_, rw_, __VA_ARGS__)
#define PORT(nm, offset, bytes, ...) \
    {.name = #nm, .at = (offset), .size = (bytes), __VA_ARGS__}
#define BYTE(nm, m, n, offset) \
    ROW_AS(nm #n, m[n], (offset) + (n), 0, 0xff)
#define ALL UINT32_MAX

/* What drivers use for each packet comes first: rows are searched in order. */
static const struct reg rows[] = {
    ROW(isr, RTL_ISR, 0, 0, .w1c = ISR_ALL, .wrote = irq_wrote),
    ROW(imr, RTL_IMR, 0, ISR_ALL, .wrote = irq_wrote),
    ROW(cr, RTL_CR, 0, CR_TE | CR_RE | CR_RST, .read = cr_read, .wrote = cr_wrote),
    ROW_AS("tsd0", tsd[0], RTL_TSD0, TSD_OWN, ALL, .wrote = tsd0_wrote),
    ROW_AS("tsd1", tsd[1], RTL_TSD0 + 4, TSD_OWN, ALL, .wrote = tsd1_wrote),
    ROW_AS("tsd2", tsd[2], RTL_TSD0 + 8, TSD_OWN, ALL, .wrote = tsd2_wrote),
    ROW_AS("tsd3", tsd[3], RTL_TSD0 + 12, TSD_OWN, ALL, .wrote = tsd3_wrote),
    ROW(capr, RTL_CAPR, 0xfff0, 0xffff, .wrote = rx_wrote),
    ROW(cbr, RTL_CBR, 0, 0),
    ROW(tppoll, RTL_TPPOLL, 0, 0xff, .wrote = tppoll_wrote),
    ROW_AS("tsad0", tsad[0], RTL_TSAD0, 0, ALL),
    ROW_AS("tsad1", tsad[1], RTL_TSAD0 + 4, 0, ALL),
    ROW_AS("tsad2", tsad[2], RTL_TSAD0 + 8, 0, ALL),
    ROW_AS("tsad3", tsad[3], RTL_TSAD0 + 12, 0, ALL),
    BYTE("idr", idr, 0, RTL_IDR0), BYTE("idr", idr, 1, RTL_IDR0),
    BYTE("idr", idr, 2, RTL_IDR0), BYTE("idr", idr, 3, RTL_IDR0),
    BYTE("idr", idr, 4, RTL_IDR0), BYTE("idr", idr, 5, RTL_IDR0),
    BYTE("mar", mar, 0, RTL_MAR0), BYTE("mar", mar, 1, RTL_MAR0),
    BYTE("mar", mar, 2, RTL_MAR0), BYTE("mar", mar, 3, RTL_MAR0),
    BYTE("mar", mar, 4, RTL_MAR0), BYTE("mar", mar, 5, RTL_MAR0),
    BYTE("mar", mar, 6, RTL_MAR0), BYTE("mar", mar, 7, RTL_MAR0),
    ROW(rbstart, RTL_RBSTART, 0, ALL),
    ROW(erbcr, RTL_ERBCR, 0, 0),
    ROW(ersr, RTL_ERSR, 0, 0),
    ROW(tcr, RTL_TCR, 0, 0x030707f0, .read = tcr_read),
    ROW(rcr, RTL_RCR, 0, 0x0f03ffbf, .wrote = rcr_wrote),
    PORT(tctr, RTL_TCTR, 4, .read = tctr_read, .write = tctr_write),
    ROW(mpc, RTL_MPC, 0, 0, .wrote = mpc_wrote),
    ROW(cr9346, RTL_9346CR, 0, 0xce, .read = cr9346_read,
        .wrote = cr9346_wrote),
    ROW(config0, RTL_CONFIG0, 0, 0, .wrote = config0_wrote),
    ROW(config1, RTL_CONFIG1, CONFIG1_PORTS, 0xf3, .wrote = config1_wrote),
    ROW(timer_int, RTL_TIMERINT, 0, ALL, .wrote = timer_int_wrote),
    PORT(msr, RTL_MSR, 1, .read = msr_read),
    ROW(config3, RTL_CONFIG3, 0x01, 0xe0, .wrote = config3_wrote),
    ROW(config4, RTL_CONFIG4, 0, 0xff, .wrote = config4_wrote),
    ROW(mulint, RTL_MULINT, 0, 0xffff),
    PORT(rerid, RTL_RERID, 1),
    PORT(tsad, RTL_TSAD, 2, .read = tsad_read),
    ROW(bmcr, RTL_BMCR, BMCR_RESET_VALUE, 0xb300, .wrote = bmcr_wrote),
    PORT(bmsr, RTL_BMSR, 2, .read = bmsr_read),
    ROW(anar, RTL_ANAR, 0x01e1, 0xafff),
    PORT(anlpar, RTL_ANLPAR, 2, .read = anlpar_read),
    PORT(aner, RTL_ANER, 2, .read = aner_read),
    ROW(nwaytr, RTL_NWAYTR, 0, 0xffff),
    ROW(cscr, RTL_CSCR, 0x00c0, 0xffff),
    ROW(config5, RTL_CONFIG5, 0, 0xff),
    ROW(cpcr, RTL_CPCR, 0, 0x007b, .wrote = cpcr_wrote),
    ROW_AS("rdsar0", rdsar[0], RTL_RDSAR, 0, ALL, .wrote = rx_wrote),
    ROW_AS("rdsar1", rdsar[1], RTL_RDSAR + 4, 0, ALL, .wrote = rx_wrote),
    ROW(etthr, RTL_ETTHR, 0, 0x3f),
};
/* clang-format on */

static const struct reg_bank rtl8139_bank = REG_BANK("rtl8139", rows);
static const struct reg_bank *const banks[] = {&rtl8139_bank, NULL};

static uint64_t space_read_op(void *opaque, uint64_t at, unsigned size)
{
    struct rtl8139 *s = opaque;

    return s->busy ? UINT64_MAX : reg_window_read(&s->window, at, size);
}

static void space_write_op(void *opaque, uint64_t at, unsigned size,
                           uint64_t value)
{
    struct rtl8139 *s = opaque;

    if (!s->busy) {
        reg_window_write(&s->window, at, size, value);
    }
}

static const struct region_ops space_ops = {.read = space_read_op,
                                            .write = space_write_op,
                                            .max = 4,
                                            .unaligned = true};

/* --- life --- */

static void port_writable(void *opaque)
{
    run(opaque);
}

static void port_link(void *opaque, bool up)
{
    struct rtl8139 *s = opaque;

    if (s->pci.dev.realized) {
        rtl8139_raise(s, ISR_LINKCHG);
    }
}

static const struct net_port_ops port_ops = {
    .can_receive = rtl8139_can_receive,
    .receive = rtl8139_receive,
    .writable = port_writable,
    .link = port_link,
};

static void config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct rtl8139 *s = container_of(d, struct rtl8139, pci);

    if (at < PCI_COMMAND + 2 && at + size > PCI_COMMAND) {
        run(s);
        net_ready(&s->nic.port);
    }
}

/* [RTL8139C+] 7: signature, IDs, timing, address. */
static void fill_eeprom(struct rtl8139 *s)
{
    uint16_t *w = s->eeprom.word;

    w[0] = 0x8129;
    w[1] = 0x10ec;
    w[2] = 0x8139;
    w[3] = 0x1af4;
    w[4] = 0x1100;
    w[5] = 0x4020;
    w[6] = 0xe112;
    for (unsigned i = 0; i < 3; i++) {
        w[7 + i] = ldl_u16(s->nic.mac + 2 * i);
    }
}

static void init_regions(struct rtl8139 *s)
{
    s->window.dev = &s->pci.dev;
    s->window.bank = &rtl8139_bank;
    region_init_io(&s->io, "rtl8139", RTL_SPACE, &space_ops, s);
    region_init_io(&s->mmio, "rtl8139", RTL_SPACE, &space_ops, s);
    pci_set_bar(&s->pci, 0, PCI_BAR_IO, &s->io);
    pci_set_bar(&s->pci, 1, PCI_BAR_MEM32, &s->mmio);
}

static bool rtl8139_realize(struct dev *dev, GError **error)
{
    struct rtl8139 *s = rtl_of(dev);
    struct clock *c = &dev->machine->clock;
    const struct pci_ids ids = {.vendor = 0x10ec,
                                .device = 0x8139,
                                .revision = s->cplus ? 0x20 : 0x10,
                                .class_code = 0x020000,
                                .int_pin = 1};

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    timer_init(&s->timer, c, timer_fire, s);
    timer_init(&s->poll, c, poll_fire, s);
    timer_init(&s->kick, c, kick, s);
    init_regions(s);
    s->pci.config_written = config_written;
    if (!pci_rom_load(&s->pci, &s->rom, s->nic.romfile, "efi-rtl8139.rom",
                      error) ||
        !nic_realize(dev, &s->nic, &port_ops, s, error)) {
        nic_unrealize(&s->nic);
        pci_unrealize(&s->pci);
        return false;
    }
    fill_eeprom(s);
    return true;
}

static void rtl8139_unrealize(struct dev *dev)
{
    struct rtl8139 *s = rtl_of(dev);

    timer_cancel(&s->timer);
    timer_cancel(&s->poll);
    timer_cancel(&s->kick);
    nic_unrealize(&s->nic);
    pci_unrealize(&s->pci);
}

static void rtl8139_reset(struct dev *dev)
{
    struct rtl8139 *s = rtl_of(dev);

    pci_reset(&s->pci);
    memset(s->mar, 0, sizeof(s->mar));
    memset(s->tx.buf, 0, sizeof(s->tx.buf));
    eeprom93_reset(&s->eeprom);
    load_eeprom(s);
    soft_reset(s);
}

static void rtl8139_settle(struct dev *dev)
{
    struct rtl8139 *s = rtl_of(dev);

    pci_settle(&s->pci);
    update_irq(s);
    if (s->cr & CR_TE && !timer_pending(&s->poll)) {
        timer_set(&s->kick, now(s));
    }
}

static bool rtl8139_check(struct dev *dev, GError **error)
{
    const struct rtl8139 *s = rtl_of(dev);

    if (s->tx_next > 3) {
        return fail(error, "rtl8139: there is no buffer %u", s->tx_next);
    }
    return eeprom93_check(&s->eeprom, error) && rtl8139_cp_check(s, error);
}

static const struct field rtl8139_props[] = {
    PCI_PROPS(struct rtl8139, pci),
    NIC_PROPS(struct rtl8139, nic),
    PROP(struct rtl8139, cplus, true),
    FIELD_END,
};

/* clang-format off */
#define AS(m, nm) FIELD_AS(struct rtl8139, m, nm)

static const struct field rtl8139_state[] = {
    PCI_STATE(struct rtl8139, pci),
    EEPROM93_STATE(struct rtl8139, eeprom),
    FIELD(struct rtl8139, tx_next),
    FIELD_ARRAY(struct rtl8139, tx_index),
    FIELD(struct rtl8139, rx_index),
    FIELD(struct rtl8139, timer_base),
    FIELD(struct rtl8139, timer),
    FIELD(struct rtl8139, poll),
    AS(tx.len, "tx_len"),
    AS(tx.first[0], "tx_first0"),
    AS(tx.first[1], "tx_first1"),
    AS(tx.inside, "tx_inside"),
    AS(tx.overflow, "tx_overflow"),
    AS(tx.ready, "tx_ready"),
    AS(tx.queue, "tx_queue"),
    {.name = "tx_buf", .at = offsetof(struct rtl8139, tx.buf),
     .count = NET_PACKET_MAX, .kind = K_U8},
    AS(tally.tx_ok, "tally_tx_ok"),
    AS(tally.rx_ok, "tally_rx_ok"),
    AS(tally.rx_physical, "tally_rx_physical"),
    AS(tally.rx_broadcast, "tally_rx_broadcast"),
    AS(tally.rx_multicast, "tally_rx_multicast"),
    AS(tally.missed, "tally_missed"),
    AS(tally.tx_aborted, "tally_tx_aborted"),
    FIELD_END,
};
/* clang-format on */

const struct dev_type rtl8139_type = {
    .name = "rtl8139",
    .desc = "Realtek RTL8139C+",
    .bus = "PCI",
    .size = sizeof(struct rtl8139),
    .version = 1,
    .props = rtl8139_props,
    .state = rtl8139_state,
    .banks = banks,
    .realize = rtl8139_realize,
    .unrealize = rtl8139_unrealize,
    .reset = rtl8139_reset,
    .settle = rtl8139_settle,
    .check = rtl8139_check,
};
