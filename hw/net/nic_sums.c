/* SPDX-License-Identifier: MIT */
/* [RFC791] [RFC8200] [RFC768] [RFC9293]; IPv6 extension headers end the search. */
#include "hw/net/nic_sums.h"

#include <string.h>

#include "net/offload.h"

enum {
    TYPE_AT = 12,
    TYPE_IP4 = 0x0800,
    TYPE_IP6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    TAG = 4,
    IP4_MIN = 20,
    IP6_SIZE = 40,
    TCP = 6,
    UDP = 17,
    TCP_MIN = 20,
    UDP_SIZE = 8,
    UDP_SUM = 6,
    TCP_SUM = 16,
    TCP_FLAGS = 13,
    TCP_CWR = 0x80,
    IP4_SUM = 10,
};

/* Where the payload of IP lies, and what the pseudo header adds. */
struct payload {
    size_t at, len;
    uint32_t pseudo;
    uint8_t protocol;
};

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t pseudo(const uint8_t *addresses, size_t size,
                       const struct payload *l)
{
    uint8_t tail[4] = {0, l->protocol, (uint8_t)(l->len >> 8), (uint8_t)l->len};

    return net_sum(addresses, size, net_sum(tail, sizeof(tail), 0));
}

/* False: no IPv4, or a fragment, or cut short. */
static bool ip4(const struct net_packet *p, size_t at, struct nic_sums *out,
                struct payload *l)
{
    const uint8_t *ip = p->data + at;
    size_t left = p->len - at;
    size_t header, total;

    if (left < IP4_MIN || ip[0] >> 4 != 4) {
        return false;
    }
    header = 4u * (ip[0] & 15);
    total = be16(ip + 2);
    if (header < IP4_MIN || total < header || total > left) {
        return false;
    }
    out->ip4 = true;
    out->ip_good = net_sum_finish(net_sum(ip, header, 0)) == 0;
    out->protocol = l->protocol = ip[9];
    l->at = at + header;
    l->len = total - header;
    l->pseudo = pseudo(ip + 12, 8, l);
    return (be16(ip + 6) & 0x3fff) == 0;
}

static bool ip6(const struct net_packet *p, size_t at, struct nic_sums *out,
                struct payload *l)
{
    const uint8_t *ip = p->data + at;
    size_t left = p->len - at;

    if (left < IP6_SIZE || ip[0] >> 4 != 6 || be16(ip + 4) > left - IP6_SIZE) {
        return false;
    }
    out->ip6 = true;
    out->protocol = l->protocol = ip[6];
    l->at = at + IP6_SIZE;
    l->len = be16(ip + 4);
    l->pseudo = pseudo(ip + 8, 32, l);
    return true;
}

/* Where IP begins, and the type that says so. */
static size_t find_ip(const struct net_packet *p, unsigned *type)
{
    *type = be16(p->data + TYPE_AT);
    if (*type != TYPE_VLAN) {
        return NET_HEADER;
    }
    *type = be16(p->data + TYPE_AT + TAG);
    return NET_HEADER + TAG;
}

void nic_sums(const struct net_packet *p, struct nic_sums *out)
{
    struct payload l = {0};
    unsigned type;
    bool whole;
    size_t at;

    *out = (struct nic_sums){0};
    if (p->len < NET_HEADER + TAG) {
        return;
    }
    at = find_ip(p, &type);
    whole = (type == TYPE_IP4 && ip4(p, at, out, &l)) ||
            (type == TYPE_IP6 && ip6(p, at, out, &l));
    if (!whole) {
        return;
    }
    out->tcp = l.protocol == TCP && l.len >= TCP_MIN;
    out->udp = l.protocol == UDP && l.len >= UDP_SIZE;
    out->l4_sum = out->tcp || (out->udp && be16(p->data + l.at + UDP_SUM));
    out->l4_good =
        out->l4_sum &&
        (p->csum_valid ||
         net_sum_finish(net_sum(p->data + l.at, l.len, l.pseudo)) == 0);
}

static void store16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void store_ip_sum(uint8_t *ip, size_t header)
{
    uint16_t sum;

    store16(ip + IP4_SUM, 0);
    sum = net_sum_finish(net_sum(ip, header, 0));
    memcpy(ip + IP4_SUM, &sum, sizeof(sum));
}

/* The sum's field gets the pseudo header's; the rest is the taker's. */
static void request_l4(struct net_packet *p, uint8_t *data,
                       const struct payload *l, size_t field)
{
    uint16_t sum = (uint16_t)~net_sum_finish(l->pseudo);

    memcpy(data + l->at + field, &sum, sizeof(sum));
    p->csum_needed = true;
    p->csum_start = (uint16_t)l->at;
    p->csum_offset = (uint16_t)field;
}

void nic_request_sums(struct net_packet *p, uint8_t *data,
                      const struct nic_tx_sums *want)
{
    struct payload l = {0};
    struct nic_sums found = {0};
    unsigned type;
    size_t at;

    if (p->len < NET_HEADER + TAG + IP4_MIN) {
        return;
    }
    at = find_ip(p, &type);
    if (want->mss && type == TYPE_IP4) { /* the length of all of it */
        store16(data + at + 2, (unsigned)MIN(p->len - at, 65535));
    }
    if (type != TYPE_IP4 || !ip4(p, at, &found, &l)) {
        return;
    }
    if (want->ip || want->mss) {
        store_ip_sum(data + at, l.at - at);
    }
    if ((want->tcp || want->mss) && l.protocol == TCP && l.len >= TCP_MIN) {
        request_l4(p, data, &l, TCP_SUM);
    } else if (want->udp && l.protocol == UDP && l.len >= UDP_SIZE) {
        request_l4(p, data, &l, UDP_SUM);
    }
    if (want->mss && p->csum_needed && l.len > TCP_MIN + want->mss) {
        p->gso = NET_GSO_TCP4;
        p->gso_size = (uint16_t)want->mss;
        p->ecn = data[l.at + TCP_FLAGS] & TCP_CWR;
    }
}
