/* SPDX-License-Identifier: MIT */
/*
 * Sending with the 8254x: descriptors into packets. [8254X] 3.3, 3.4 (ring),
 * 3.5 (segmentation), 3.6 (checksums)
 *
 * A packet is gathered in one buffer, which is the chip's FIFO: it waits there
 * when the cable has no room. What the driver wants done with it, segments and
 * checksums, goes with the packet to whoever takes it.
 *
 * Not modelled: segmentation of UDP, frames that bring their own checksum
 * (IFCS clear), collisions, the time a frame takes.
 */
#include <string.h>

#include "base/log.h"
#include "hw/net/e1000.h"
#include "net/offload.h"

enum {
    BATCH = 64, /* descriptors that the chip fetches at once, at most */
    FRAME_MIN = 60,
    FCS = 4,
    ADDRESSES = 2 * NET_MAC,
    IP4_MIN = 20,
    IP4_LENGTH = 2,
    IP4_ID = 4,
    IP4_SUM = 10,
    IP6_SIZE = 40,
    IP6_LENGTH = 4,
    IP_MAX = 65535,
    TCP_MIN = 20,
    TCP_SEQ = 4,
    TCP_FLAGS = 13,
    TCP_FIN = 1 << 0,
    TCP_PSH = 1 << 3,
    TCP_CWR = 1 << 7,
    TCP_SUM = 16,
};

static uint8_t *frame(struct e1000 *s)
{
    return s->tx.buf + E1000_TAG;
}

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* --- a packet on its way --- */

static void loop_frame(void *opaque, const uint8_t *data, size_t len)
{
    struct net_packet p = {.data = data, .len = len, .csum_valid = true};

    e1000_receive(opaque, &p);
}

static void transmit(struct e1000 *s, const struct net_packet *p)
{
    if (!e1000_loops_back(s)) {
        if (s->link && !net_send(&s->nic.port, p)) {
            s->nic.port.dropped++;
        }
    } else if (p->gso) {
        net_segment(p, loop_frame, s);
    } else {
        if (p->csum_needed) { /* data lies in s->tx.buf */
            net_csum_fill(p, s->tx.buf + (p->data - s->tx.buf));
        }
        e1000_receive(s, p);
    }
}

static void count_packet(struct e1000 *s, const struct net_packet *p)
{
    size_t hdr = s->tx.tso.hdrlen;
    uint32_t n = 1;
    size_t octets = p->len + FCS;

    if (p->gso && p->len > hdr) {
        n = (uint32_t)((p->len - hdr + p->gso_size - 1) / p->gso_size);
        octets = p->len + (n - 1) * hdr + (size_t)n * FCS;
        e1000_count(s, ST_TSCTC, 1);
    }
    e1000_count_size(s, ST_PTC64, octets / n, n);
    e1000_count(s, ST_GPTC, n);
    e1000_count(s, ST_TPT, n);
    e1000_count64(s, ST_GOTCL, octets);
    e1000_count64(s, ST_TOTL, octets);
    if (nic_is_broadcast(p->data)) {
        e1000_count(s, ST_BPTC, n);
    } else if (nic_is_multicast(p->data)) {
        e1000_count(s, ST_MPTC, n);
    }
}

/* The tag goes behind the addresses, which move into the room before. */
static void insert_tag(struct e1000 *s, struct net_packet *p)
{
    memmove(s->tx.buf, frame(s), ADDRESSES);
    put16(s->tx.buf + ADDRESSES, s->vet & 0xffff);
    put16(s->tx.buf + ADDRESSES + 2, s->tx.tag);
    p->data = s->tx.buf;
    p->len += E1000_TAG;
    p->csum_start += E1000_TAG;
}

static void remove_tag(struct e1000 *s)
{
    memmove(frame(s), s->tx.buf, ADDRESSES);
}

static void send_packet(struct e1000 *s, struct net_packet *p)
{
    bool tagged = s->tx.tagged && s->ctrl & CTRL_VME;

    p->data = frame(s);
    if (p->len < FRAME_MIN && s->tctl & TCTL_PSP) {
        memset(frame(s) + p->len, 0, FRAME_MIN - p->len);
        p->len = FRAME_MIN;
    }
    if (tagged) {
        insert_tag(s, p);
    }
    count_packet(s, p);
    transmit(s, p);
    if (tagged) {
        remove_tag(s);
    }
}

/* --- checksums --- */

static void put_sum(struct e1000 *s, size_t start, size_t end, size_t at)
{
    uint8_t *d = frame(s);
    uint16_t sum;

    end = end && end < s->tx.len ? end + 1 : s->tx.len;
    if (start >= end || at + 2 > s->tx.len) {
        return;
    }
    sum = net_sum_finish(net_sum(d + start, end - start, 0));
    memcpy(d + at, &sum, 2);
}

/* The header's sum is made here, the payload's by whoever can do it best. */
static void request_sums(struct e1000 *s, struct net_packet *p)
{
    const struct e1000_context *c = &s->tx.sums;

    if (s->tx.legacy_sum) {
        put_sum(s, s->tx.css, 0, s->tx.cso);
    }
    if (s->tx.ip_sum) {
        put_sum(s, c->ipcss, c->ipcse, c->ipcso);
    }
    if (!s->tx.l4_sum) {
        return;
    }
    if (c->tucso < c->tucss || (c->tucse && c->tucse + 1u < s->tx.len)) {
        put_sum(s, c->tucss, c->tucse, c->tucso);
    } else if (c->tucss < s->tx.len && c->tucso + 2u <= s->tx.len) {
        p->csum_needed = true;
        p->csum_start = c->tucss;
        p->csum_offset = c->tucso - c->tucss;
    }
}

/* --- segmentation --- */

static bool context_is_sane(const struct e1000_context *c)
{
    unsigned ip = c->ip4 ? IP4_MIN : IP6_SIZE;

    return c->tcp && c->mss && c->ipcss >= NET_HEADER &&
           c->ipcss + ip <= c->tucss && c->tucss + TCP_MIN <= c->hdrlen &&
           c->mss <= IP_MAX - (c->hdrlen - c->ipcss);
}

/* What one packet of IP can carry: whole segments. */
static size_t chunk_max(const struct e1000_context *c)
{
    size_t payload = IP_MAX - ((size_t)c->hdrlen - c->ipcss);

    return c->hdrlen + payload / c->mss * c->mss;
}

/* Driver's headers lack the lengths: they differ from segment to segment. */
static void finish_headers(struct e1000 *s)
{
    const struct e1000_context *c = &s->tx.tso;
    uint8_t *ip = frame(s) + c->ipcss;
    uint8_t *sum = frame(s) + c->tucss + TCP_SUM;
    unsigned len = s->tx.len - c->tucss;
    uint32_t v = get16(sum) + len;

    if (c->ip4) {
        put16(ip + IP4_LENGTH, s->tx.len - c->ipcss);
        put16(ip + IP4_SUM, 0);
        put_sum(s, c->ipcss, c->tucss - 1u, c->ipcss + IP4_SUM);
    } else {
        put16(ip + IP6_LENGTH, s->tx.len - c->ipcss - IP6_SIZE);
    }
    v = (v & 0xffff) + (v >> 16);
    put16(sum, (v & 0xffff) + (v >> 16));
}

static void send_chunk(struct e1000 *s)
{
    const struct e1000_context *c = &s->tx.tso;
    struct net_packet p = {.len = s->tx.len,
                           .csum_needed = true,
                           .csum_start = c->tucss,
                           .csum_offset = TCP_SUM,
                           .gso = c->ip4 ? NET_GSO_TCP4 : NET_GSO_TCP6,
                           .gso_size = c->mss};

    p.ecn = frame(s)[c->tucss + TCP_FLAGS] & TCP_CWR;
    if (s->tx.len <= (uint32_t)c->hdrlen + c->mss) {
        p.gso = NET_GSO_NONE; /* one segment */
        p.gso_size = 0;
    }
    send_packet(s, &p);
}

/*
 * More follows than one packet of IP can hold: sends what is there, and leaves
 * the headers for the rest. A cable without room loses it, as a wire would.
 */
static void split(struct e1000 *s)
{
    const struct e1000_context *c = &s->tx.tso;
    uint8_t *tcp = frame(s) + c->tucss;
    uint8_t *id = frame(s) + c->ipcss + IP4_ID;
    uint8_t flags = tcp[TCP_FLAGS];
    uint32_t payload = s->tx.len - c->hdrlen;
    uint32_t seq = get16(tcp + TCP_SEQ) << 16 | get16(tcp + TCP_SEQ + 2);
    unsigned partial = get16(tcp + TCP_SUM);

    tcp[TCP_FLAGS] = flags & (uint8_t) ~(TCP_FIN | TCP_PSH);
    finish_headers(s);
    send_chunk(s);
    seq += payload;
    put16(tcp + TCP_SEQ, seq >> 16);
    put16(tcp + TCP_SEQ + 2, seq & 0xffff);
    if (c->ip4) {
        put16(id, get16(id) + (payload + c->mss - 1) / c->mss);
    }
    tcp[TCP_FLAGS] = flags & (uint8_t)~TCP_CWR;
    put16(tcp + TCP_SUM, partial);
    s->tx.len = c->hdrlen;
}

/* --- gathering --- */

static size_t room(const struct e1000 *s)
{
    size_t most = sizeof(s->tx.buf) - E1000_TAG;

    if (s->tx.segment) {
        most = MIN(most, chunk_max(&s->tx.tso));
    }
    return most - s->tx.len;
}

static void append(struct e1000 *s, uint64_t addr, size_t len)
{
    while (len && !s->tx.overflow) {
        size_t part = MIN(len, room(s));

        if (part == 0 && s->tx.segment && s->tx.len > s->tx.tso.hdrlen) {
            split(s);
            continue;
        }
        if (part == 0) {
            log_guest("e1000: a packet of more than %d bytes", NET_PACKET_MAX);
            s->tx.overflow = true;
            return;
        }
        pci_dma_read(&s->pci, addr, frame(s) + s->tx.len, part);
        s->tx.len += (uint32_t)part;
        addr += part;
        len -= part;
    }
}

static void begin(struct e1000 *s)
{
    struct e1000_tx *t = &s->tx;

    t->len = 0;
    t->inside = true;
    t->overflow = t->segment = t->ip_sum = t->l4_sum = false;
    t->legacy_sum = t->tagged = false;
}

static bool cable_takes(struct e1000 *s)
{
    return e1000_loops_back(s) || !s->link || net_can_send(&s->nic.port);
}

/* Sends the packet that is complete, or keeps it until there is room. */
static void finish(struct e1000 *s)
{
    struct net_packet p = {.len = s->tx.len};

    s->tx.inside = false;
    s->tx.ready = !cable_takes(s);
    if (s->tx.ready || s->tx.overflow || s->tx.len < NET_HEADER) {
        return;
    }
    if (s->tx.segment && s->tx.len > s->tx.tso.hdrlen) {
        finish_headers(s);
        send_chunk(s);
    } else {
        request_sums(s, &p);
        send_packet(s, &p);
    }
}

/* --- descriptors --- */

static void take_context(struct e1000 *s, const uint8_t *d)
{
    uint32_t low = ldl_u32(d + 8), high = ldl_u32(d + 12);
    struct e1000_context *c = low & TXD_TSE ? &s->tx.tso : &s->tx.sums;

    if (s->tx.inside) {
        log_guest("e1000: a context inside of a packet, which is dropped");
        s->tx.overflow = true;
        s->tx.segment = false;
    }
    *c = (struct e1000_context){
        .ipcss = d[0],
        .ipcso = d[1],
        .ipcse = ldl_u16(d + 2),
        .tucss = d[4],
        .tucso = d[5],
        .tucse = ldl_u16(d + 6),
        .hdrlen = (uint8_t)(high >> 8),
        .mss = (uint16_t)(high >> 16),
        .tcp = low & TXC_TCP,
        .ip4 = low & TXC_IP,
    };
}

/* The first descriptor of a packet says what is to be done with it. */
static void begin_data(struct e1000 *s, uint32_t low, uint32_t high)
{
    begin(s);
    s->tx.ip_sum = high & TXD_IXSM;
    s->tx.l4_sum = high & TXD_TXSM;
    s->tx.segment = low & TXD_TSE;
    if (s->tx.segment && !context_is_sane(&s->tx.tso)) {
        log_guest("e1000: TSE with a context that makes no sense");
        s->tx.overflow = true;
        s->tx.segment = false;
    }
}

static void take_data(struct e1000 *s, const uint8_t *d)
{
    uint32_t low = ldl_u32(d + 8), high = ldl_u32(d + 12);
    bool extended = low & TXD_DEXT;

    if (!s->tx.inside && extended) {
        begin_data(s, low, high);
    } else if (!s->tx.inside) {
        begin(s);
    }
    if (!extended && low & TXD_IC) {
        s->tx.legacy_sum = true;
        s->tx.cso = (uint8_t)(low >> 16);
        s->tx.css = (uint8_t)(high >> 8);
    }
    if (low & TXD_VLE) {
        s->tx.tagged = true;
        s->tx.tag = (uint16_t)(high >> 16);
    }
    append(s, ldl_u64(d), low & (extended ? 0xfffff : 0xffff));
    if (low & TXD_EOP) {
        finish(s);
    }
}

static void take(struct e1000 *s, const uint8_t *d)
{
    uint32_t low = ldl_u32(d + 8);

    if (low & TXD_DEXT && (low >> TXD_DTYP_SHIFT & 15) == DTYP_CONTEXT) {
        take_context(s, d);
    } else {
        take_data(s, d);
    }
}

/* --- the ring --- */

/* What a batch of descriptors asks for when it is done. */
struct done {
    bool status, delayed;
};

/* Takes up to n descriptors; how many. */
static uint32_t take_batch(struct e1000 *s, uint64_t at, uint32_t n,
                           struct done *done)
{
    uint8_t d[BATCH * E1000_DESC];
    uint32_t first = n, last = 0, i;

    pci_dma_read(&s->pci, at, d, (uint64_t)n * E1000_DESC);
    for (i = 0; i < n && (s->tx.inside || cable_takes(s)); i++) {
        uint8_t *this = d + i * E1000_DESC;
        uint32_t low = ldl_u32(this + 8);

        take(s, this);
        if (low & (TXD_RS | TXD_RPS)) {
            this[TXD_STATUS] |= TXD_DD;
            first = MIN(first, i);
            last = i;
            done->status = true;
            done->delayed = low & TXD_IDE;
        }
    }
    if (first <= last) {
        pci_dma_write(&s->pci, at + (uint64_t)first * E1000_DESC,
                      d + first * E1000_DESC,
                      (uint64_t)(last - first + 1) * E1000_DESC);
    }
    return i;
}

static bool ring_is_sane(const struct e1000 *s)
{
    uint32_t size = s->tdlen / E1000_DESC;

    return s->tctl & TCTL_EN && pci_is_master(&s->pci) && s->tdh < size &&
           s->tdt < size;
}

static void take_ring(struct e1000 *s, struct done *done)
{
    uint64_t base = (uint64_t)s->tdbah << 32 | s->tdbal;
    uint32_t size = s->tdlen / E1000_DESC;

    while (s->tdh != s->tdt) {
        uint32_t end = s->tdt > s->tdh ? s->tdt : size;
        uint32_t n = MIN(end - s->tdh, BATCH);
        uint32_t taken =
            take_batch(s, base + (uint64_t)s->tdh * E1000_DESC, n, done);

        s->tdh = s->tdh + taken < size ? s->tdh + taken : 0;
        if (taken < n) {
            return;
        }
    }
}

static void tx_run(struct e1000 *s, struct done *done)
{
    if (s->tx.ready) {
        finish(s);
    }
    if (!s->tx.ready && ring_is_sane(s)) {
        take_ring(s, done);
    }
}

void e1000_tx_run(struct e1000 *s)
{
    struct done done = {0};
    uint32_t head = s->tdh;

    if (s->tx_busy || !(s->tctl & TCTL_EN)) {
        return;
    }
    s->tx_busy = true;
    s->busy++;
    tx_run(s, &done);
    s->busy--;
    s->tx_busy = false;
    if (done.status) {
        e1000_raise_tx(s, done.delayed);
    }
    if (s->tdh != head && s->tdh == s->tdt) {
        bool low = s->txdctl >> TXDCTL_LWTHRESH_SHIFT;

        e1000_raise(s, ICR_TXQE | (low ? ICR_TXD_LOW : 0));
    }
}

bool e1000_tx_check(const struct e1000 *s, GError **error)
{
    const struct e1000_tx *t = &s->tx;

    if (t->len > NET_PACKET_MAX) {
        return fail(error, "e1000: a packet of %u bytes", t->len);
    }
    if (t->segment &&
        (!context_is_sane(&t->tso) || t->len > chunk_max(&t->tso))) {
        return fail(error, "e1000: segmentation that cannot be");
    }
    return true;
}
