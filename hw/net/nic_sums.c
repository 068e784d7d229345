/* SPDX-License-Identifier: MIT */
/* [RFC791] [RFC8200] [RFC768] [RFC9293] */
#include "hw/net/nic_sums.h"

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

void nic_sums(const struct net_packet *p, struct nic_sums *out)
{
    struct payload l = {0};
    size_t at = NET_HEADER;
    unsigned type;
    bool whole;

    *out = (struct nic_sums){0};
    if (p->len < NET_HEADER + TAG) {
        return;
    }
    type = be16(p->data + TYPE_AT);
    if (type == TYPE_VLAN) {
        type = be16(p->data + TYPE_AT + TAG);
        at += TAG;
    }
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
