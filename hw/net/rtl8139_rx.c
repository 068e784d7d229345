/* SPDX-License-Identifier: MIT */
/*
 * Receiving: into a ring of bytes as the 8139 has it, or through descriptors
 * (C+). The CRC behind a packet is zeroes.
 */
#include <string.h>

#include "hw/net/rtl8139.h"
#include "net/offload.h"

enum { RING_HEADER = 4, CRC = 4, FRAME_MIN = 60, MOST = 64, D_BYTES = 16 };
enum { ST_ROK = 1, ST_BAR = 1 << 13, ST_PAM = 1 << 14, ST_MAR = 1 << 15 };
enum { D_OWN = 1u << 31, D_EOR = 1 << 30, D_FS = 1 << 29, D_LS = 1 << 28 };
enum { D_MAR = 1 << 26, D_PAM = 1 << 25, D_BAR = 1 << 24 };
enum { D_IPF = 1 << 15, D_UDPF = 1 << 14, D_TCPF = 1 << 13 };
enum { D_TCP = 1 << 16, D_UDP = 2 << 16, D_IP = 3 << 16, D_TAVA = 1 << 16 };
enum { TYPE_AT = 12, VLAN = 0x8100, LONG = 4096 };

static uint32_t ring_size(const struct rtl8139 *s)
{
    return 8192u << (rtl_get(s, RTL_RCR) >> 11 & 3);
}

static bool is_cplus(const struct rtl8139 *s)
{
    return rtl_get16(s, RTL_CPCR) & RTL_CPCR_RXEN;
}

/* What the driver has read: CAPR is 16 behind. */
static uint32_t read_up_to(const struct rtl8139 *s)
{
    return (rtl_get16(s, RTL_CAPR) + 16u) % ring_size(s);
}

bool rtl8139_ring_empty(const struct rtl8139 *s)
{
    return s->ring_at % ring_size(s) == read_up_to(s);
}

static uint32_t ring_room(const struct rtl8139 *s)
{
    uint32_t size = ring_size(s);

    return size - (s->ring_at + size - read_up_to(s)) % size;
}

static uint64_t descriptor_at(const struct rtl8139 *s)
{
    return (rtl_get(s, RTL_RDSAR) | (uint64_t)rtl_get(s, RTL_RDSAR + 4) << 32) +
           (uint64_t)s->rx_at * D_BYTES;
}

static bool read_descriptor(struct rtl8139 *s, uint8_t *d)
{
    return pci_dma_read(&s->pci, descriptor_at(s), d, D_BYTES) &&
           ldl_u32(d) & D_OWN;
}

bool rtl8139_can_receive(void *opaque)
{
    struct rtl8139 *s = opaque;
    uint8_t d[D_BYTES];

    if (!(s->reg[RTL_CR] & RTL_CR_RE) || !pci_is_master(&s->pci)) {
        return true; /* to be dropped */
    }
    return is_cplus(s) ? read_descriptor(s, d) : ring_room(s) > 1600;
}

/* Which filter let it in: bits of a ring's status; 0: none. */
static unsigned wanted(const struct rtl8139 *s, const uint8_t *mac)
{
    uint32_t rcr = rtl_get(s, RTL_RCR);
    unsigned hash;

    if (nic_is_broadcast(mac)) {
        return rcr & (RTL_RCR_AB | RTL_RCR_AAP) ? ST_ROK | ST_BAR : 0;
    }
    if (nic_is_multicast(mac)) {
        hash = nic_hash64(mac);
        return rcr & RTL_RCR_AAP ||
                       (rcr & RTL_RCR_AM &&
                        s->reg[RTL_MAR + hash / 8] >> (hash % 8) & 1)
                   ? ST_ROK | ST_MAR
                   : 0;
    }
    if (rcr & RTL_RCR_APM && memcmp(mac, s->reg + RTL_IDR, NET_MAC) == 0) {
        return ST_ROK | ST_PAM;
    }
    return rcr & RTL_RCR_AAP ? ST_ROK : 0;
}

static void missed(struct rtl8139 *s)
{
    stl_u16(s->reg + RTL_MPC, (uint16_t)(rtl_get16(s, RTL_MPC) + 1));
    rtl8139_interrupt(s, RTL_RXOVW);
}

/* ---- the ring ---- */

static void ring_put(struct rtl8139 *s, const void *data, uint32_t len)
{
    uint32_t size = ring_size(s), at = s->ring_at % size;
    uint32_t first = rtl_get(s, RTL_RCR) & RTL_RCR_WRAP || size == 65536
                         ? len
                         : MIN(len, size - at);
    uint64_t start = rtl_get(s, RTL_RBSTART);

    pci_dma_write(&s->pci, start + at, data, first);
    if (first < len) {
        pci_dma_write(&s->pci, start, (const uint8_t *)data + first,
                      len - first);
    }
    s->ring_at = (uint16_t)((at + len) % size);
}

static void to_ring(struct rtl8139 *s, const uint8_t *data, uint32_t len,
                    unsigned status)
{
    uint8_t buf[RING_HEADER + LONG + CRC + 4] = {0};
    uint32_t total = RING_HEADER + len + CRC;

    if (ring_room(s) <= total + 4) {
        missed(s);
        return;
    }
    stl_u16(buf, (uint16_t)status);
    stl_u16(buf + 2, (uint16_t)(len + CRC));
    memcpy(buf + RING_HEADER, data, len);
    ring_put(s, buf, (total + 3) & ~3u);
    stl_u16(s->reg + RTL_CBR, s->ring_at);
    rtl8139_interrupt(s, RTL_ROK);
}

/* ---- descriptors ---- */

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* What kind of packet it is, and which checksums fail. */
static uint32_t look_at_sums(const struct rtl8139 *s,
                             const struct net_packet *p)
{
    const uint8_t *ip = p->data + NET_HEADER;
    size_t header, total;
    uint8_t tail[4] = {0};
    uint32_t bits = D_IP;

    if (!(rtl_get16(s, RTL_CPCR) & RTL_CPCR_RXSUM) ||
        p->len < NET_HEADER + 20 || be16(p->data + TYPE_AT) != 0x0800 ||
        ip[0] >> 4 != 4) {
        return 0;
    }
    header = 4u * (ip[0] & 15);
    total = be16(ip + 2);
    if (header < 20 || total < header + 8 || total > p->len - NET_HEADER) {
        return 0;
    }
    bits |= net_sum_finish(net_sum(ip, header, 0)) ? D_IPF : 0;
    if ((ip[9] != 6 && ip[9] != 17) || be16(ip + 6) & 0x3fff) {
        return bits;
    }
    bits = (bits & D_IPF) | (ip[9] == 6 ? D_TCP : D_UDP);
    tail[1] = ip[9];
    tail[2] = (uint8_t)((total - header) >> 8);
    tail[3] = (uint8_t)(total - header);
    if (!p->csum_valid && !(ip[9] == 17 && be16(ip + header + 6) == 0) &&
        net_sum_finish(
            net_sum(ip + header, total - header,
                    net_sum(ip + 12, 8, net_sum(tail, sizeof(tail), 0))))) {
        bits |= ip[9] == 6 ? D_TCPF : D_UDPF;
    }
    return bits;
}

static void to_descriptor(struct rtl8139 *s, const uint8_t *data, uint32_t len,
                          uint32_t bits, uint32_t vlan)
{
    static const uint8_t crc[CRC];
    uint8_t d[D_BYTES];
    uint32_t d0;

    if (!read_descriptor(s, d) ||
        (ldl_u32(d) & 0x1fff) < len + CRC) { /* a packet never spans two */
        missed(s);
        return;
    }
    d0 = ldl_u32(d);
    pci_dma_write(&s->pci, ldl_u64(d + 8), data, len);
    pci_dma_write(&s->pci, ldl_u64(d + 8) + len, crc, CRC);
    stl_u32(d + 4, vlan);
    stl_u32(d, (d0 & D_EOR) | D_FS | D_LS | bits | (len + CRC));
    pci_dma_write(&s->pci, descriptor_at(s) + 4, d + 4, 4);
    pci_dma_write(&s->pci, descriptor_at(s), d, 4);
    s->rx_at = d0 & D_EOR || s->rx_at == MOST - 1 ? 0 : s->rx_at + 1;
    rtl8139_interrupt(s, RTL_ROK);
}

static uint32_t filter_bits(unsigned status)
{
    return (status & ST_MAR ? D_MAR : 0) | (status & ST_PAM ? D_PAM : 0) |
           (status & ST_BAR ? D_BAR : 0);
}

void rtl8139_receive(void *opaque, const struct net_packet *p)
{
    struct rtl8139 *s = opaque;
    uint8_t buf[LONG];
    uint32_t len = (uint32_t)p->len, vlan = 0, bits;
    unsigned status;

    if (p->len < NET_HEADER || p->len > LONG - CRC ||
        !(s->reg[RTL_CR] & RTL_CR_RE) || !pci_is_master(&s->pci)) {
        return;
    }
    status = wanted(s, p->data);
    if (!status) {
        return;
    }
    memset(buf, 0, FRAME_MIN);
    memcpy(buf, p->data, len);
    bits = filter_bits(status) | (is_cplus(s) ? look_at_sums(s, p) : 0);
    if (is_cplus(s) && rtl_get16(s, RTL_CPCR) & RTL_CPCR_RXVLAN &&
        len >= NET_HEADER + 4 && be16(buf + TYPE_AT) == VLAN) {
        vlan = D_TAVA | ldl_u16(buf + TYPE_AT + 2);
        memmove(buf + TYPE_AT, buf + TYPE_AT + 4, len - TYPE_AT - 4);
        len -= 4;
    }
    len = MAX(len, (uint32_t)FRAME_MIN);
    if (is_cplus(s)) {
        to_descriptor(s, buf, len, bits, vlan);
    } else {
        to_ring(s, buf, len, status);
    }
}
