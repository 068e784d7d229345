/* SPDX-License-Identifier: MIT */
/* Sending: four slots as the 8139 had them, or a ring of descriptors (C+). */
#include <string.h>

#include "base/log.h"
#include "hw/net/rtl8139.h"
#include "net/offload.h"

enum { TSD_OWN = 1 << 13, TSD_TOK = 1 << 15, TSD_SIZE = 0x1fff, SLOTS = 4 };
enum { VLAN_AT = 12, VLAN_TAG = 4, MOST = 64, IP_AT = 14 };

enum { /* C+ descriptors, first word */
       D_OWN = 1u << 31,
       D_EOR = 1 << 30,
       D_FS = 1 << 29,
       D_LS = 1 << 28,
       D_LGSEN = 1 << 27,
       D_IPCS = 1 << 18,
       D_UDPCS = 1 << 17,
       D_TCPCS = 1 << 16,
       D_MSS_SHIFT = 16,
       D_MSS = 0x7ff,
       D_TAGC = 1 << 17, /* second word */
       D_BYTES = 16,
};

static void send(struct rtl8139 *s, const struct net_packet *p)
{
    if (p->len < NET_HEADER) {
        return;
    }
    if ((rtl_get(s, RTL_TCR) & RTL_TCR_LOOP) == RTL_TCR_LOOP) {
        rtl8139_receive(s, p);
    } else {
        net_send_own(&s->nic.port, p, s->tx);
    }
}

/* ---- the four slots ---- */

void rtl8139_tx_slot(struct rtl8139 *s, unsigned slot)
{
    uint32_t tsd = rtl_get(s, RTL_TSD + 4 * slot);
    struct net_packet p = {.data = s->tx, .len = tsd & TSD_SIZE};

    if (tsd & TSD_OWN || !(s->reg[RTL_CR] & RTL_CR_TE)) {
        return;
    }
    pci_dma_read(&s->pci, rtl_get(s, RTL_TSAD + 4 * slot), s->tx, p.len);
    send(s, &p);
    stl_u32(s->reg + RTL_TSD + 4 * slot, tsd | TSD_OWN | TSD_TOK);
    rtl8139_interrupt(s, RTL_TOK);
}

/* ---- C+ ---- */

static void insert_vlan(struct rtl8139 *s, struct net_packet *p, uint32_t tag)
{
    memmove(s->tx + VLAN_AT + VLAN_TAG, s->tx + VLAN_AT, p->len - VLAN_AT);
    s->tx[VLAN_AT] = 0x81;
    s->tx[VLAN_AT + 1] = 0;
    s->tx[VLAN_AT + 2] = (uint8_t)tag; /* in network order already */
    s->tx[VLAN_AT + 3] = (uint8_t)(tag >> 8);
    p->len += VLAN_TAG;
    p->csum_start = (uint16_t)(p->csum_start + (p->csum_needed ? VLAN_TAG : 0));
}

/* Checksums of IPv4, TCP and UDP, which the card computes from nothing. */
static void plan(struct rtl8139 *s, struct net_packet *p, uint32_t d0)
{
    uint8_t *ip = s->tx + IP_AT;
    size_t header = 4u * (ip[0] & 15), total;
    bool tcp = d0 & D_TCPCS || d0 & D_LGSEN;
    uint8_t tail[4] = {0, tcp ? 6 : 17};
    unsigned at = tcp ? 16 : 6;
    uint16_t sum;

    if (p->len < IP_AT + 20 || ip[0] >> 4 != 4 || header < 20 ||
        p->len < IP_AT + header + 8 + (tcp ? 12 : 0)) {
        return;
    }
    if (d0 & (D_IPCS | D_LGSEN)) {
        memset(ip + 10, 0, 2);
        sum = net_sum_finish(net_sum(ip, header, 0));
        memcpy(ip + 10, &sum, 2);
    }
    if (!(d0 & (D_TCPCS | D_UDPCS | D_LGSEN))) {
        return;
    }
    total = (size_t)(ip[2] << 8 | ip[3]) - header;
    tail[2] = (uint8_t)(total >> 8);
    tail[3] = (uint8_t)total;
    sum = (uint16_t)~net_sum_finish(
        net_sum(ip + 12, 8, net_sum(tail, sizeof(tail), 0)));
    memcpy(ip + header + at, &sum, 2);
    p->csum_needed = true;
    p->csum_start = (uint16_t)(IP_AT + header);
    p->csum_offset = (uint16_t)at;
}

static void plan_segments(struct rtl8139 *s, struct net_packet *p, uint32_t d0)
{
    p->gso = NET_GSO_TCP4;
    p->gso_size = d0 >> D_MSS_SHIFT & D_MSS;
    if (!p->csum_needed || !net_gso_lengths(p, s->tx)) {
        p->len = 0;
    }
}

static void finish(struct rtl8139 *s, uint32_t d0, uint32_t d1)
{
    struct net_packet p = {.data = s->tx, .len = s->tx_len};

    if (s->tx_bad || p.len < NET_HEADER) {
        return;
    }
    plan(s, &p, d0);
    if (d0 & D_LGSEN) {
        plan_segments(s, &p, d0);
    }
    if (d1 & D_TAGC) {
        insert_vlan(s, &p, d1);
    }
    send(s, &p);
}

static void gather(struct rtl8139 *s, const uint8_t *d)
{
    uint32_t d0 = ldl_u32(d), len = d0 & 0xffff;

    if (d0 & D_FS) {
        s->tx_len = 0;
        s->tx_bad = false;
    }
    if (s->tx_len + len > sizeof(s->tx) - VLAN_TAG) {
        s->tx_bad = true;
        return;
    }
    pci_dma_read(&s->pci, ldl_u64(d + 8), s->tx + s->tx_len, len);
    s->tx_len += len;
}

/* One descriptor; false: it is not ours. */
static bool one(struct rtl8139 *s)
{
    uint64_t ring = rtl_get(s, RTL_TSAD) | (uint64_t)rtl_get(s, RTL_TSAD + 4)
                                               << 32;
    uint64_t at = ring + (uint64_t)s->tx_at * D_BYTES;
    uint8_t d[D_BYTES];
    uint32_t d0;

    if (!pci_dma_read(&s->pci, at, d, sizeof(d)) || !(ldl_u32(d) & D_OWN)) {
        return false;
    }
    d0 = ldl_u32(d);
    gather(s, d);
    if (d0 & D_LS) {
        finish(s, d0, ldl_u32(d + 4));
    }
    stl_u32(d, d0 & ~D_OWN);
    pci_dma_write(&s->pci, at, d, 4);
    s->tx_at = d0 & D_EOR || s->tx_at == MOST - 1 ? 0 : s->tx_at + 1;
    return true;
}

void rtl8139_tx_ring(struct rtl8139 *s)
{
    unsigned n = 0;

    if (s->in_tx || !(rtl_get16(s, RTL_CPCR) & RTL_CPCR_TXEN) ||
        !(s->reg[RTL_CR] & RTL_CR_TE)) {
        return;
    }
    s->in_tx = true;
    while (n < 2 * MOST && net_can_send(&s->nic.port) && one(s)) {
        n++;
    }
    s->in_tx = false;
    if (n) {
        rtl8139_interrupt(s, RTL_TOK | RTL_TDU);
    }
}
