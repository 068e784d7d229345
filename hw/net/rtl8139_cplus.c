/* SPDX-License-Identifier: MIT */
/*
 * C+ mode of the RTL8139C+: rings of descriptors, checksums, large send, VLAN
 * tags. [RTL8139C+] 6.3, 6.4 (descriptors), 5.x (C+ registers)
 *
 * A driver hands descriptors back in memory alone: while a sender waits for
 * one, the card looks for it from time to time.
 */
#include <string.h>

#include "base/log.h"
#include "hw/net/nic_sums.h"
#include "hw/net/rtl8139.h"

#define DESC_OWN   (1u << 31)
#define DESC_EOR   (1u << 30)
#define DESC_FS    (1u << 29)
#define DESC_LS    (1u << 28)
#define TX_LGSEN   (1u << 27)
#define TX_IPCS    (1u << 18)
#define TX_UDPCS   (1u << 17)
#define TX_TCPCS   (1u << 16)
#define TX_TAGC    (1u << 17) /* second word */
#define TX_SIZE    0xffffu
#define RX_SIZE    0x1fffu
#define RX_PID_TCP (1u << 16)
#define RX_PID_UDP (2u << 16)
#define RX_PID_IP  (3u << 16)
#define RX_IPF     (1u << 15)
#define RX_UDPF    (1u << 14)
#define RX_TCPF    (1u << 13)
#define RX_TAVA    (1u << 16) /* second word */

enum {
    DESC = 16,
    MSS_SHIFT = 16,
    MSS_MASK = 0x7ff,
    ADDRESSES = 2 * NET_MAC,
    FRAME_MIN = 60,
    TALLY = 64,
    PIECES = 3,
};

#define POLL_NS NS_PER_MS

struct desc {
    uint64_t at; /* in memory */
    uint32_t word[2];
    uint64_t addr;
};

static void desc_read(struct rtl8139 *s, uint64_t base, unsigned index,
                      struct desc *d)
{
    uint8_t b[DESC];

    d->at = base + (uint64_t)index * DESC;
    pci_dma_read(&s->pci, d->at, b, sizeof(b));
    d->word[0] = ldl_u32(b);
    d->word[1] = ldl_u32(b + 4);
    d->addr = ldl_u64(b + 8);
}

/* The first word last: it gives the descriptor back. */
static void desc_write(struct rtl8139 *s, const struct desc *d)
{
    uint8_t b[8];

    stl_u32(b, d->word[0]);
    stl_u32(b + 4, d->word[1]);
    pci_dma_write(&s->pci, d->at + 4, b + 4, 4);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    pci_dma_write(&s->pci, d->at, b, 4);
}

static uint8_t next_index(const struct desc *d, uint8_t index)
{
    return d->word[0] & DESC_EOR ? 0 : (uint8_t)((index + 1) % RTL_DESCS);
}

/* --- receiving --- */

static uint64_t rx_base(const struct rtl8139 *s)
{
    return ((uint64_t)s->rdsar[1] << 32 | s->rdsar[0]) & ~UINT64_C(0xff);
}

static void look_again(struct rtl8139 *s)
{
    if (!timer_pending(&s->poll)) {
        timer_set(&s->poll, clock_now(&s->pci.dev.machine->clock) + POLL_NS);
    }
}

bool rtl8139_cp_has_room(struct rtl8139 *s)
{
    struct desc d;

    desc_read(s, rx_base(s), s->rx_index, &d);
    if (d.word[0] & DESC_OWN) {
        return true;
    }
    look_again(s);
    return false;
}

struct piece {
    const uint8_t *p;
    size_t len;
};

/* The packet in pieces: without its tag where that goes into the descriptor. */
static uint32_t cut(const struct rtl8139 *s, const struct net_packet *p,
                    struct piece *piece)
{
    static const uint8_t fcs[RTL_FCS];
    const uint8_t *d = p->data;

    piece[2] = (struct piece){fcs, sizeof(fcs)};
    if (s->cpcr & CPCR_RX_VLAN && p->len >= NET_HEADER + RTL_TAG &&
        d[12] == 0x81 && d[13] == 0) {
        piece[0] = (struct piece){d, ADDRESSES};
        piece[1] = (struct piece){d + ADDRESSES + RTL_TAG,
                                  p->len - ADDRESSES - RTL_TAG};
        return RX_TAVA | ldl_u16(d + 14); /* in the tag's own byte order */
    }
    piece[0] = (struct piece){d, p->len};
    piece[1] = (struct piece){d, 0};
    return 0;
}

static uint32_t judge(const struct rtl8139 *s, const struct net_packet *p)
{
    struct nic_sums sums;
    uint32_t v;

    if (!(s->cpcr & CPCR_RX_CSUM)) {
        return 0;
    }
    nic_sums(p, &sums);
    if (!sums.ip4) {
        return 0;
    }
    v = sums.ip_good ? 0 : RX_IPF;
    if (!sums.l4_sum) {
        return v | RX_PID_IP;
    }
    if (sums.tcp) {
        return v | RX_PID_TCP | (sums.l4_good ? 0 : RX_TCPF);
    }
    return v | RX_PID_UDP | (sums.l4_good ? 0 : RX_UDPF);
}

static size_t fill(struct rtl8139 *s, struct piece *piece, uint64_t addr,
                   size_t room)
{
    size_t done = 0;

    for (unsigned i = 0; i < PIECES; i++) {
        size_t part = MIN(piece[i].len, room - done);

        pci_dma_write(&s->pci, addr + done, piece[i].p, part);
        piece[i].p += part;
        piece[i].len -= part;
        done += part;
    }
    return done;
}

void rtl8139_cp_store(struct rtl8139 *s, const struct net_packet *p,
                      uint32_t status)
{
    struct piece piece[PIECES];
    uint32_t tag = cut(s, p, piece);
    size_t total = piece[0].len + piece[1].len + piece[2].len, left = total;
    struct desc d;

    status |= judge(s, p) | DESC_FS;
    for (unsigned i = 0; left && i < RTL_DESCS; i++) {
        uint32_t eor;

        desc_read(s, rx_base(s), s->rx_index, &d);
        if (!(d.word[0] & DESC_OWN)) { /* what is stored has no end */
            s->mpc = (s->mpc + 1) & 0xffffff;
            s->tally.missed++;
            rtl8139_raise(s, ISR_RXOVW);
            return;
        }
        left -= fill(s, piece, d.addr, d.word[0] & RX_SIZE);
        eor = d.word[0] & DESC_EOR;
        s->rx_index = next_index(&d, s->rx_index);
        d.word[0] = eor | (status & DESC_FS) |
                    (left ? 0 : status | DESC_LS | (uint32_t)total);
        d.word[1] = left ? 0 : tag;
        desc_write(s, &d);
        status &= ~DESC_FS;
    }
    rtl8139_raise(s, ISR_ROK);
}

/* --- sending --- */

static uint64_t tx_base(const struct rtl8139 *s, unsigned queue)
{
    return ((uint64_t)s->tsad[2 * queue + 1] << 32 | s->tsad[2 * queue]) &
           ~UINT64_C(0xff);
}

static void insert_tag(struct rtl8139 *s, struct net_packet *p)
{
    uint8_t *d = s->tx.buf + ADDRESSES;

    if (p->len < ADDRESSES || p->len + RTL_TAG > sizeof(s->tx.buf)) {
        return;
    }
    memmove(d + RTL_TAG, d, p->len - ADDRESSES);
    d[0] = 0x81;
    d[1] = 0;
    stl_u16(d + 2, (uint16_t)s->tx.first[1]);
    p->len += RTL_TAG;
}

/* Sends the packet that is complete, or keeps it until there is room. */
static void finish(struct rtl8139 *s)
{
    uint32_t flags = s->tx.first[0];
    bool large = flags & TX_LGSEN;
    const struct nic_tx_sums want = {
        .ip = !large && flags & TX_IPCS,
        .tcp = !large && flags & TX_TCPCS,
        .udp = !large && flags & TX_UDPCS,
        .mss = large ? flags >> MSS_SHIFT & MSS_MASK : 0,
    };
    struct net_packet p = {.data = s->tx.buf, .len = s->tx.len};

    s->tx.inside = false;
    s->tx.ready = !rtl8139_can_send(s);
    if (s->tx.ready || s->tx.overflow) {
        return;
    }
    if (p.len < FRAME_MIN) {
        memset(s->tx.buf + p.len, 0, FRAME_MIN - p.len);
        p.len = FRAME_MIN;
    }
    if (s->tx.first[1] & TX_TAGC) {
        insert_tag(s, &p);
    }
    nic_request_sums(&p, s->tx.buf, &want);
    rtl8139_send(s, &p);
    s->tally.tx_ok++;
    rtl8139_raise(s, ISR_TOK);
}

static void take(struct rtl8139 *s, const struct desc *d)
{
    size_t len = d->word[0] & TX_SIZE;

    if (!s->tx.inside || d->word[0] & DESC_FS) {
        s->tx.len = 0;
        s->tx.inside = true;
        s->tx.overflow = false;
        memcpy(s->tx.first, d->word, sizeof(s->tx.first));
    }
    if (len > sizeof(s->tx.buf) - s->tx.len) {
        log_guest("rtl8139: a packet of more than %d bytes", NET_PACKET_MAX);
        s->tx.overflow = true;
    }
    if (!s->tx.overflow) {
        pci_dma_read(&s->pci, d->addr, s->tx.buf + s->tx.len, len);
        s->tx.len += (uint32_t)len;
    }
    if (d->word[0] & DESC_LS) {
        finish(s);
    }
}

/* True: the queue is empty. */
static bool run_queue(struct rtl8139 *s, unsigned queue)
{
    struct desc d;

    for (unsigned i = 0; i < RTL_DESCS; i++) {
        if (s->tx.ready || (!s->tx.inside && !rtl8139_can_send(s))) {
            return false;
        }
        desc_read(s, tx_base(s, queue), s->tx_index[queue], &d);
        if (!(d.word[0] & DESC_OWN)) {
            rtl8139_raise(s, ISR_TDU);
            return true;
        }
        s->tx.queue = (uint8_t)queue;
        take(s, &d);
        s->tx_index[queue] = next_index(&d, s->tx_index[queue]);
        d.word[0] &= DESC_EOR | DESC_FS | DESC_LS;
        desc_write(s, &d);
    }
    look_again(s); /* once round: others want the machine, too */
    return false;
}

/* High priority first; a packet that was begun is ended first. */
void rtl8139_cp_run(struct rtl8139 *s)
{
    static const uint8_t bits[] = {TPPOLL_NPQ, TPPOLL_HPQ};

    if (s->tx.ready) {
        finish(s);
    }
    for (unsigned q = RTL_QUEUES; q--;) {
        if (s->tppoll & bits[q] && !(s->tx.inside && s->tx.queue != q) &&
            run_queue(s, q)) {
            s->tppoll &= (uint8_t)~bits[q];
        }
    }
}

/* --- counters --- */

void rtl8139_cp_dump(struct rtl8139 *s, uint64_t addr)
{
    const struct rtl8139_tally *t = &s->tally;
    uint8_t b[TALLY] = {0};

    stl_u64(b, t->tx_ok);
    stl_u64(b + 8, t->rx_ok);
    stl_u16(b + 28, t->missed);
    stl_u64(b + 40, t->rx_physical);
    stl_u64(b + 48, t->rx_broadcast);
    stl_u32(b + 56, t->rx_multicast);
    stl_u16(b + 60, t->tx_aborted);
    pci_dma_write(&s->pci, addr, b, sizeof(b));
}

bool rtl8139_cp_check(const struct rtl8139 *s, GError **error)
{
    if (s->tx.len > sizeof(s->tx.buf) || s->rx_index >= RTL_DESCS ||
        s->tx_index[0] >= RTL_DESCS || s->tx_index[1] >= RTL_DESCS) {
        return fail(error, "rtl8139: a descriptor or packet that cannot be");
    }
    return true;
}
