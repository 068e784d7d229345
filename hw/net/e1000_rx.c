/* SPDX-License-Identifier: MIT */
/*
 * Receiving: address and VLAN filters, descriptors, checksums. [8254X] 3.2.
 *
 * Not modelled: header split, early receive, hardware CRCs (the four bytes are
 * zeroes), flow control by pause frames.
 */
#include <string.h>

#include "hw/net/e1000.h"
#include "net/offload.h"

enum { /* of descriptors */
       ST_DD = 1 << 0,
       ST_EOP = 1 << 1,
       ST_IXSM = 1 << 2,
       ST_VP = 1 << 3,
       ST_TCPCS = 1 << 5,
       ST_IPCS = 1 << 6,
       ER_TCPE = 1 << 5,
       ER_IPE = 1 << 6,
};
enum { RXCSUM_IPOFL = 1 << 8, RXCSUM_TUOFL = 1 << 9 };
enum { RAH_AV = 1u << 31, FRAME_MIN = 60, CRC = 4, LONG = 1522, MOST = 16384 };
enum { TYPE_AT = 12, TYPE_IP = 0x0800, PROTO_TCP = 6, PROTO_UDP = 17 };

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* ---- filters ---- */

static bool is_ours(struct e1000 *s, const uint8_t *mac)
{
    for (unsigned i = 0; i < E1000_ADDRESSES; i++) {
        const uint32_t *ra = e1000_reg(s, E1000_RAL + 8 * i);

        if (ra[1] & RAH_AV && ra[0] == ldl_u32(mac) &&
            (ra[1] & 0xffff) == ldl_u16(mac + 4)) {
            return true;
        }
    }
    return false;
}

/* Twelve bits of the address, which ones RCTL.MO says, index the table. */
static bool multicast_wanted(struct e1000 *s, const uint8_t *mac)
{
    static const uint8_t shift[] = {4, 3, 2, 0};
    unsigned mo = *e1000_reg(s, E1000_RCTL) >> 12 & 3;
    unsigned hash = ldl_u16(mac + 4) >> shift[mo] & 0xfff;

    return *e1000_reg(s, E1000_MTA + hash / 32 * 4) >> (hash % 32) & 1;
}

static bool address_wanted(struct e1000 *s, const uint8_t *mac)
{
    uint32_t rctl = *e1000_reg(s, E1000_RCTL);

    if (is_ours(s, mac)) {
        return true;
    }
    if (!nic_is_multicast(mac)) {
        return rctl & E1000_RCTL_UPE;
    }
    if (rctl & E1000_RCTL_MPE ||
        (nic_is_broadcast(mac) && rctl & E1000_RCTL_BAM)) {
        return true;
    }
    return multicast_wanted(s, mac);
}

static bool is_tagged(struct e1000 *s, const struct net_packet *p)
{
    return p->len >= NET_HEADER + 4 &&
           be16(p->data + TYPE_AT) == (uint16_t)*e1000_reg(s, E1000_VET);
}

static bool vlan_wanted(struct e1000 *s, const struct net_packet *p)
{
    unsigned id;

    if (!(*e1000_reg(s, E1000_RCTL) & E1000_RCTL_VFE) || !is_tagged(s, p)) {
        return true;
    }
    id = be16(p->data + TYPE_AT + 2) & 0xfff;
    return *e1000_reg(s, E1000_VFTA + id / 32 * 4) >> (id % 32) & 1;
}

static bool size_wanted(struct e1000 *s, size_t len)
{
    return len >= NET_HEADER &&
           len + CRC <= (*e1000_reg(s, E1000_RCTL) & E1000_RCTL_LPE
                             ? (size_t)MOST
                             : (size_t)LONG);
}

/* ---- checksums ---- */

static bool sum_is_good(const uint8_t *data, size_t len, uint32_t sum)
{
    return net_sum_finish(net_sum(data, len, sum)) == 0;
}

/* TCP or UDP over IPv4, whole: status and error bits. */
static uint16_t check_transport(const struct net_packet *p, const uint8_t *ip,
                                size_t header, size_t total)
{
    uint8_t tail[4] = {0, ip[9], (uint8_t)((total - header) >> 8),
                       (uint8_t)(total - header)};
    uint32_t pseudo = net_sum(ip + 12, 8, net_sum(tail, sizeof(tail), 0));

    if ((ip[9] != PROTO_TCP && ip[9] != PROTO_UDP) || be16(ip + 6) & 0x3fff ||
        (ip[9] == PROTO_UDP && be16(ip + header + 6) == 0)) {
        return 0;
    }
    return p->csum_valid || sum_is_good(ip + header, total - header, pseudo)
               ? ST_TCPCS
               : ST_TCPCS | ER_TCPE << 8;
}

/* Status in the low byte, errors in the high one. */
static uint16_t check_sums(struct e1000 *s, const struct net_packet *p)
{
    uint32_t rxcsum = *e1000_reg(s, E1000_RXCSUM);
    const uint8_t *ip = p->data + NET_HEADER;
    size_t header, total;
    uint16_t bits = 0;

    if (p->len < NET_HEADER + 20 || be16(p->data + TYPE_AT) != TYPE_IP ||
        ip[0] >> 4 != 4 || !(rxcsum & (RXCSUM_IPOFL | RXCSUM_TUOFL))) {
        return ST_IXSM;
    }
    header = 4u * (ip[0] & 15);
    total = be16(ip + 2);
    if (header < 20 || total < header + 8 || total > p->len - NET_HEADER) {
        return ST_IXSM;
    }
    if (rxcsum & RXCSUM_IPOFL) {
        bits |= ST_IPCS | (sum_is_good(ip, header, 0) ? 0 : ER_IPE << 8);
    }
    if (rxcsum & RXCSUM_TUOFL) {
        bits |= check_transport(p, ip, header, total);
    }
    return bits;
}

/* ---- descriptors ---- */

static uint32_t buffer_size(struct e1000 *s)
{
    uint32_t rctl = *e1000_reg(s, E1000_RCTL);
    unsigned code = rctl >> 16 & 3;

    return rctl & E1000_RCTL_BSEX && code ? 32768u >> code : 2048u >> code;
}

static uint32_t free_descriptors(struct e1000 *s)
{
    uint32_t size = *e1000_reg(s, E1000_RDLEN) / E1000_DESC;
    uint32_t head = *e1000_reg(s, E1000_RDH), tail = *e1000_reg(s, E1000_RDT);

    if (head >= size || tail >= size) {
        return 0;
    }
    return tail >= head ? tail - head : size - head + tail;
}

bool e1000_can_receive(void *opaque)
{
    struct e1000 *s = opaque;

    /* What cannot be received at all is not kept waiting. */
    return !e1000_link_up(s) || !pci_is_master(&s->pci) ||
           !(*e1000_reg(s, E1000_RCTL) & E1000_RCTL_EN) ||
           free_descriptors(s) * buffer_size(s) >= LONG + CRC;
}

/* What is written beside the bytes. */
struct arrival {
    const uint8_t *data;
    size_t len; /* with what is padded, and the CRC */
    size_t have;
    uint16_t bits, vlan;
};

static void put_buffer(struct e1000 *s, uint64_t addr, const struct arrival *a,
                       size_t done, size_t n)
{
    static const uint8_t zeroes[FRAME_MIN + CRC];
    size_t real = done < a->have ? MIN(n, a->have - done) : 0;

    if (real) {
        pci_dma_write(&s->pci, addr, a->data + done, real);
    }
    if (n > real) {
        pci_dma_write(&s->pci, addr + real, zeroes,
                      MIN(n - real, sizeof(zeroes)));
    }
}

static void put_packet(struct e1000 *s, const struct arrival *a)
{
    uint64_t base =
        *e1000_reg(s, E1000_RDBAL) | (uint64_t)*e1000_reg(s, E1000_RDBAH) << 32;
    uint32_t size = *e1000_reg(s, E1000_RDLEN) / E1000_DESC;
    uint32_t room = buffer_size(s);
    uint32_t *head = e1000_reg(s, E1000_RDH);

    for (size_t done = 0; done < a->len;) {
        uint64_t at = base + (uint64_t)*head * E1000_DESC;
        size_t n = MIN(a->len - done, room);
        uint8_t d[E1000_DESC];

        pci_dma_read(&s->pci, at, d, sizeof(d));
        if (ldl_u64(d)) { /* a null buffer takes nothing */
            put_buffer(s, ldl_u64(d), a, done, n);
            done += n;
        } else {
            n = 0;
            done = a->len;
        }
        stl_u16(d + 8, (uint16_t)n);
        stl_u16(d + 10, 0);
        d[12] = (uint8_t)(ST_DD | (done == a->len ? ST_EOP | a->bits : 0));
        d[13] = done == a->len ? (uint8_t)(a->bits >> 8) : 0;
        stl_u16(d + 14, a->vlan);
        pci_dma_write(&s->pci, at, d, sizeof(d));
        *head = *head + 1 == size ? 0 : *head + 1;
    }
}

/* RXT0, now or after a while without packets, or after the first. */
static void tell(struct e1000 *s)
{
    int64_t now = clock_now(&s->pci.dev.machine->clock);
    int64_t delay = 1024 * (int64_t)(*e1000_reg(s, E1000_RDTR) & 0xffff);
    int64_t most = 1024 * (int64_t)(*e1000_reg(s, E1000_RADV) & 0xffff);
    uint32_t rctl = *e1000_reg(s, E1000_RCTL);
    uint32_t size = *e1000_reg(s, E1000_RDLEN) / E1000_DESC;
    uint32_t cause = 0;

    if (free_descriptors(s) == size >> ((rctl >> 8 & 3) + 1)) {
        cause |= E1000_RXDMT0;
    }
    if (!delay) {
        e1000_cause(s, cause | E1000_RXT0);
        return;
    }
    if (!timer_pending(&s->rx_delay)) {
        s->rx_first = now;
    }
    timer_set(&s->rx_delay,
              most ? MIN(now + delay, s->rx_first + most) : now + delay);
    if (cause) {
        e1000_cause(s, cause);
    }
}

static void count_received(struct e1000 *s, const uint8_t *mac, size_t len)
{
    e1000_count(s, E1000_GPRC);
    e1000_count(s, E1000_TPR);
    e1000_count_octets(s, E1000_GORC, len);
    e1000_count_octets(s, E1000_TOR, len);
    e1000_count_size(s, E1000_PRC64, len);
    if (nic_is_broadcast(mac)) {
        e1000_count(s, E1000_BPRC);
    } else if (nic_is_multicast(mac)) {
        e1000_count(s, E1000_MPRC);
    }
}

static void missed(struct e1000 *s)
{
    e1000_count(s, E1000_MPC);
    e1000_count(s, E1000_RNBC);
    e1000_cause(s, E1000_RXO);
}

/* Takes the tag out: what is before it moves up. */
static void strip_vlan(struct arrival *a, uint8_t *copy)
{
    memcpy(copy, a->data, TYPE_AT);
    memcpy(copy + TYPE_AT, a->data + TYPE_AT + 4, a->have - TYPE_AT - 4);
    a->vlan = be16(a->data + TYPE_AT + 2);
    a->bits |= ST_VP;
    a->data = copy;
    a->have -= 4;
}

void e1000_receive(void *opaque, const struct net_packet *p)
{
    struct e1000 *s = opaque;
    uint32_t rctl = *e1000_reg(s, E1000_RCTL);
    struct arrival a = {.data = p->data, .have = p->len};
    uint8_t copy[MOST];
    uint64_t room;

    if (!(rctl & E1000_RCTL_EN) || !pci_is_master(&s->pci) ||
        !size_wanted(s, p->len) || !address_wanted(s, p->data) ||
        !vlan_wanted(s, p)) {
        return;
    }
    a.bits = check_sums(s, p);
    if (*e1000_reg(s, E1000_CTRL) & E1000_CTRL_VME && is_tagged(s, p)) {
        strip_vlan(&a, copy);
    }
    a.len = MAX(a.have, (size_t)FRAME_MIN) +
            (rctl & E1000_RCTL_SECRC ? 0 : (size_t)CRC);
    room = (uint64_t)free_descriptors(s) * buffer_size(s);
    if (room < a.len) {
        missed(s);
        return;
    }
    count_received(s, p->data, a.len);
    put_packet(s, &a);
    tell(s);
}
