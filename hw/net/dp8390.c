/* SPDX-License-Identifier: MIT */
/*
 * [DP8390] National Semiconductor DP8390D/NS32490D NIC Network Interface
 * Controller, July 1995.
 *
 * Not modelled: collisions and counters of errors, loopback into the FIFO
 * (such packets go nowhere), the time a frame takes, the send-packet command;
 * the frame's checksum in the ring is zero.
 */
#include "hw/net/dp8390.h"

#include <string.h>

#include "base/log.h"

enum {
    CR_STP = 1 << 0,
    CR_STA = 1 << 1,
    CR_TXP = 1 << 2,
    CR_READ = 1 << 3,
    CR_WRITE = 1 << 4,
    CR_ABORT = 1 << 5,
    CR_PAGE_SHIFT = 6,
};

enum {
    ISR_PRX = 1 << 0,
    ISR_PTX = 1 << 1,
    ISR_OVW = 1 << 4,
    ISR_CNT = 1 << 5,
    ISR_RDC = 1 << 6,
    ISR_RST = 1 << 7,
};

enum {
    RCR_AR = 1 << 1,
    RCR_AB = 1 << 2,
    RCR_AM = 1 << 3,
    RCR_PRO = 1 << 4,
    RCR_MON = 1 << 5,
    TCR_LB = 3 << 1,
    TSR_PTX = 1 << 0,
    RSR_PRX = 1 << 0,
    RSR_PHY = 1 << 5,
    DCR_WTS = 1 << 0,
};

enum {
    PAGE = 256,
    HEADER = 4,
    FCS = 4,
    FRAME_MIN = 60,
    FRAME_LONG = 1518,
    CNTR_MISSED = 2,
    ROOM = (HEADER + FRAME_LONG + FCS + PAGE - 1) / PAGE,
};

#define AGAIN_NS (200 * NS_PER_US)

/* --- interrupts --- */

static void update_irq(struct dp8390 *s)
{
    bool level = s->isr & s->imr & ~ISR_RST;

    if (level != s->irq.level) {
        wire_set(&s->irq, level);
    }
}

static void signal_causes(struct dp8390 *s, uint8_t causes)
{
    s->isr |= causes;
    update_irq(s);
}

/* --- receiving --- */

static unsigned ring_pages(const struct dp8390 *s)
{
    return s->pstop > s->pstart ? (unsigned)s->pstop - s->pstart : 0;
}

/* Pages before BNRY; CURR on BNRY is where drivers begin. */
static unsigned ring_free(const struct dp8390 *s)
{
    return s->curr < s->bnry
               ? (unsigned)s->bnry - s->curr
               : (unsigned)MAX(0, (int)ring_pages(s) - (s->curr - s->bnry));
}

static bool listens(const struct dp8390 *s)
{
    return s->running && !(s->rcr & RCR_MON);
}

bool dp8390_can_receive(void *opaque)
{
    struct dp8390 *s = opaque;

    return !listens(s) || ring_pages(s) <= ROOM || ring_free(s) > ROOM;
}

static bool passes(const struct dp8390 *s, const uint8_t *d)
{
    unsigned hash;

    if (s->rcr & RCR_PRO) {
        return true;
    }
    if (nic_is_broadcast(d)) {
        return s->rcr & RCR_AB;
    }
    if (!nic_is_multicast(d)) {
        return memcmp(d, s->par, NET_MAC) == 0;
    }
    hash = nic_hash64(d);
    return s->rcr & RCR_AM && s->mar[hash >> 3] >> (hash & 7) & 1;
}

/* From page CURR on, round at PSTOP. */
static void ring_write(struct dp8390 *s, unsigned *at, const uint8_t *d,
                       unsigned len)
{
    while (len) {
        unsigned end = (unsigned)s->pstop * PAGE;
        unsigned part = *at < end ? MIN(len, end - *at) : len;

        s->memory.write(s->memory.opaque, (uint16_t)*at, d, part);
        *at += part;
        if (*at == end) {
            *at = (unsigned)s->pstart * PAGE;
        }
        d += part;
        len -= part;
    }
}

static void store(struct dp8390 *s, const uint8_t *d, unsigned len)
{
    static const uint8_t fcs[FCS];
    unsigned pages = (HEADER + len + FCS + PAGE - 1) / PAGE;
    unsigned next = s->curr + pages;
    unsigned at = (unsigned)s->curr * PAGE;
    uint8_t header[HEADER];

    if (pages >= ring_free(s)) {
        s->cntr[CNTR_MISSED]++;
        signal_causes(s, ISR_OVW | (s->cntr[CNTR_MISSED] & 0x80 ? ISR_CNT : 0));
        return;
    }
    if (s->curr < s->pstop && next >= s->pstop) {
        next -= ring_pages(s);
    }
    s->rsr = (uint8_t)(RSR_PRX | (nic_is_multicast(d) ? RSR_PHY : 0));
    header[0] = s->rsr;
    header[1] = (uint8_t)next;
    stl_u16(header + 2, (uint16_t)(len + FCS));
    ring_write(s, &at, header, HEADER);
    ring_write(s, &at, d, len);
    ring_write(s, &at, fcs, FCS);
    s->curr = (uint8_t)next;
    signal_causes(s, ISR_PRX);
}

void dp8390_receive(void *opaque, const struct net_packet *p)
{
    struct dp8390 *s = opaque;
    uint8_t small[FRAME_MIN] = {0};
    const uint8_t *d = p->data;
    size_t len = p->len;

    if (!listens(s) || len < NET_HEADER || len > FRAME_LONG || !passes(s, d)) {
        return;
    }
    if (len < FRAME_MIN) {
        memcpy(small, d, len);
        d = small;
        len = FRAME_MIN;
    }
    store(s, d, (unsigned)len);
}

/*
 * A driver that takes a few packets and acknowledges them all will look again
 * when the next one comes. On a wire that is soon; here the sender may wait
 * for room in the ring, and nothing would ever come.
 */
static void look_again(struct dp8390 *s)
{
    unsigned used =
        ring_pages(s) > ring_free(s) ? ring_pages(s) - ring_free(s) : 0;

    if (used > 1 && !(s->isr & ISR_PRX)) { /* one page: BNRY of an empty ring */
        timer_set(&s->again, clock_now(s->again.clock) + AGAIN_NS);
    }
}

static void again(void *opaque)
{
    struct dp8390 *s = opaque;

    if (listens(s) && ring_pages(s) > ring_free(s) + 1) {
        signal_causes(s, ISR_PRX);
    }
}

/* --- sending --- */

static void transmit(struct dp8390 *s)
{
    uint8_t d[FRAME_LONG];
    bool loops = s->tcr & TCR_LB;

    if (s->sending || !(s->cr & CR_TXP) || !s->running ||
        (!loops && !net_can_send(s->port))) {
        return;
    }
    s->sending = true;
    if (s->tbcr <= sizeof(d) && s->tbcr >= NET_HEADER && !loops) {
        s->memory.read(s->memory.opaque, (uint16_t)(s->tpsr * PAGE), d,
                       s->tbcr);
        net_send_frame(s->port, d, s->tbcr);
    }
    s->sending = false;
    s->cr &= (uint8_t)~CR_TXP;
    s->tsr = TSR_PTX;
    signal_causes(s, ISR_PTX);
}

void dp8390_writable(void *opaque)
{
    transmit(opaque);
}

/* --- remote DMA --- */

static void advance(struct dp8390 *s)
{
    s->rsar++;
    if (s->rsar == s->pstop * PAGE) {
        s->rsar = (uint16_t)(s->pstart * PAGE);
    }
}

static void count(struct dp8390 *s, unsigned n)
{
    s->rbcr = (uint16_t)(s->rbcr > n ? s->rbcr - n : 0);
    if (s->rbcr == 0) {
        signal_causes(s, ISR_RDC);
    }
}

/* A transfer is a byte or a word. */
static unsigned transfer_size(const struct dp8390 *s, unsigned size)
{
    return s->dcr & DCR_WTS && size == 1 ? 2 : size;
}

uint32_t dp8390_data_read(struct dp8390 *s, unsigned size)
{
    unsigned n = transfer_size(s, size);
    uint8_t d[4] = {0};

    if (!(s->cr & CR_READ) || s->rbcr == 0) {
        return UINT32_MAX;
    }
    for (unsigned i = 0; i < n; i++) {
        s->memory.read(s->memory.opaque, s->rsar, d + i, 1);
        advance(s);
    }
    count(s, n);
    return ldl_u32(d);
}

void dp8390_data_write(struct dp8390 *s, unsigned size, uint32_t value)
{
    unsigned n = transfer_size(s, size);
    uint8_t d[4];

    if (!(s->cr & CR_WRITE) || s->rbcr == 0) {
        return;
    }
    stl_u32(d, value);
    for (unsigned i = 0; i < n; i++) {
        s->memory.write(s->memory.opaque, s->rsar, d + i, 1);
        advance(s);
    }
    count(s, n);
}

/* --- registers --- */

static void write_cr(struct dp8390 *s, uint8_t v)
{
    uint8_t waiting = s->cr & CR_TXP;

    s->cr = (uint8_t)(v | waiting);
    if (v & CR_STP) {
        s->running = false;
        s->isr |= ISR_RST;
        s->cr &= (uint8_t)~CR_TXP;
        update_irq(s);
        return;
    }
    if (v & CR_STA) { /* with neither bit it stays as it is */
        s->running = true;
        s->isr &= (uint8_t)~ISR_RST;
    }
    if (v & (CR_READ | CR_WRITE) && !(v & CR_ABORT) && s->rbcr == 0) {
        signal_causes(s, ISR_RDC); /* nothing to transfer */
    }
    transmit(s);
    net_ready(s->port);
}

static void write_low(uint16_t *r, uint8_t v)
{
    *r = (uint16_t)((*r & 0xff00) | v);
}

static void write_high(uint16_t *r, uint8_t v)
{
    *r = (uint16_t)((*r & 0xff) | v << 8);
}

static void write_page0(struct dp8390 *s, unsigned at, uint8_t v)
{
    switch (at) {
    case 0x01: s->pstart = v; break;
    case 0x02: s->pstop = v; break;
    case 0x03:
        s->bnry = v;
        net_ready(s->port);
        break;
    case 0x04: s->tpsr = v; break;
    case 0x05: write_low(&s->tbcr, v); break;
    case 0x06: write_high(&s->tbcr, v); break;
    case 0x07:
        s->isr &= (uint8_t) ~(v & ~ISR_RST);
        update_irq(s);
        if (v & ISR_PRX) {
            look_again(s);
        }
        break;
    case 0x08: write_low(&s->rsar, v); break;
    case 0x09: write_high(&s->rsar, v); break;
    case 0x0a: write_low(&s->rbcr, v); break;
    case 0x0b: write_high(&s->rbcr, v); break;
    case 0x0c:
        s->rcr = v & 0x3f;
        net_ready(s->port);
        break;
    case 0x0d: s->tcr = v & 0x1f; break;
    case 0x0e: s->dcr = v & 0x7f; break;
    case 0x0f:
        s->imr = v & 0x7f;
        update_irq(s);
        break;
    default: break;
    }
}

static void write_page1(struct dp8390 *s, unsigned at, uint8_t v)
{
    if (at >= 8) {
        s->mar[at - 8] = v;
    } else if (at == 7) {
        s->curr = v;
    } else {
        s->par[at - 1] = v;
    }
}

void dp8390_write(struct dp8390 *s, unsigned at, uint8_t value)
{
    if (at == 0) {
        write_cr(s, value);
        return;
    }
    switch (s->cr >> CR_PAGE_SHIFT) {
    case 0: write_page0(s, at, value); break;
    case 1: write_page1(s, at, value); break;
    default: log_guest("dp8390: write to page %u", s->cr >> 6); break;
    }
}

static uint8_t read_counter(struct dp8390 *s, unsigned n)
{
    uint8_t v = s->cntr[n];

    s->cntr[n] = 0;
    return v;
}

static uint8_t read_page0(struct dp8390 *s, unsigned at)
{
    switch (at) {
    case 0x03: return s->bnry;
    case 0x04: return s->tsr;
    case 0x07: return s->isr;
    case 0x08: return (uint8_t)s->rsar;
    case 0x09: return (uint8_t)(s->rsar >> 8);
    case 0x0a: return s->id[0];
    case 0x0b: return s->id[1];
    case 0x0c: return s->rsr;
    case 0x0d:
    case 0x0e:
    case 0x0f: return read_counter(s, at - 0x0d);
    default: return 0;
    }
}

static uint8_t read_page1(const struct dp8390 *s, unsigned at)
{
    return at >= 8 ? s->mar[at - 8] : at == 7 ? s->curr : s->par[at - 1];
}

static uint8_t read_page2(const struct dp8390 *s, unsigned at)
{
    switch (at) {
    case 0x01: return s->pstart;
    case 0x02: return s->pstop;
    case 0x04: return s->tpsr;
    case 0x0c: return s->rcr | 0xc0;
    case 0x0d: return s->tcr | 0xe0;
    case 0x0e: return s->dcr | 0x80;
    case 0x0f: return s->imr | 0x80;
    default: return 0;
    }
}

uint8_t dp8390_read(struct dp8390 *s, unsigned at)
{
    if (at == 0) {
        return s->cr;
    }
    switch (s->cr >> CR_PAGE_SHIFT) {
    case 0: return read_page0(s, at);
    case 1: return read_page1(s, at);
    case 2: return read_page2(s, at);
    default: return 0;
    }
}

/* --- life --- */

static void kick(void *opaque)
{
    transmit(opaque);
}

void dp8390_init(struct dp8390 *s, struct machine *m, struct net_port *port)
{
    s->port = port;
    timer_init(&s->kick, &m->clock, kick, s);
    timer_init(&s->again, &m->clock, again, s);
}

void dp8390_clear(struct dp8390 *s)
{
    timer_cancel(&s->kick);
    timer_cancel(&s->again);
}

/* [DP8390] 10.0: the rest keeps what it has. */
void dp8390_reset(struct dp8390 *s)
{
    s->cr = CR_STP | CR_ABORT;
    s->running = false;
    s->isr = ISR_RST;
    s->imr = 0;
    s->dcr = (uint8_t)(s->dcr & ~(1 << 2));
    s->tcr = (uint8_t)(s->tcr & ~TCR_LB);
}

void dp8390_power_on(struct dp8390 *s)
{
    s->pstart = s->pstop = s->bnry = s->tpsr = s->tsr = s->rcr = s->tcr = 0;
    s->dcr = s->rsr = s->curr = 0;
    s->tbcr = s->rsar = s->rbcr = 0;
    memset(s->par, 0, sizeof(s->par));
    memset(s->mar, 0, sizeof(s->mar));
    memset(s->cntr, 0, sizeof(s->cntr));
    timer_cancel(&s->again);
    dp8390_reset(s);
}

void dp8390_settle(struct dp8390 *s)
{
    wire_set(&s->irq, s->isr & s->imr & ~ISR_RST);
    if (s->cr & CR_TXP) {
        timer_set(&s->kick, clock_now(s->kick.clock));
    }
}
