/* SPDX-License-Identifier: MIT */
/*
 * [RFC1071] checksum, [RFC791] IPv4, [RFC8200] IPv6, [RFC9293] TCP. IPv6
 * extension headers are passed as they are: csum_start says where TCP begins.
 */
#include "net/offload.h"

#include <string.h>
#include <zlib.h>

enum { /* of the headers */
       ETH_TYPE = 12,
       ETH_VLAN = 0x8100,
       VLAN_TAG = 4,
       IP4_MIN = 20,
       IP4_LENGTH = 2,
       IP4_ID = 4,
       IP4_SUM = 10,
       IP4_ADDRESSES = 12,
       IP6_HEADER = 40,
       IP6_LENGTH = 4,
       IP6_ADDRESSES = 8,
       PROTO_TCP = 6,
       TCP_MIN = 20,
       TCP_SEQ = 4,
       TCP_OFFSET = 12,
       TCP_FLAGS = 13,
       TCP_SUM = 16,
       TCP_FIN = 0x01,
       TCP_PSH = 0x08,
       TCP_CWR = 0x80,
};

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

uint32_t net_sum(const void *data, size_t len, uint32_t sum)
{
    const uint8_t *p = data;
    uint64_t total = sum;

    for (; len >= 4; p += 4, len -= 4) {
        uint32_t word;

        memcpy(&word, p, 4);
        total += word;
    }
    if (len) {
        uint32_t word = 0;

        memcpy(&word, p, len);
        total += word;
    }
    total = (total & UINT32_MAX) + (total >> 32);
    total = (total & UINT32_MAX) + (total >> 32);
    return (uint32_t)((total & 0xffff) + (total >> 16));
}

uint16_t net_sum_finish(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

void net_csum_fill(const struct net_packet *p, uint8_t *data)
{
    size_t at = (size_t)p->csum_start + p->csum_offset;
    uint16_t sum;

    if (p->csum_start >= p->len || at + 2 > p->len) {
        return;
    }
    sum = net_sum_finish(
        net_sum(data + p->csum_start, p->len - p->csum_start, 0));
    if (sum == 0) {
        sum = 0xffff; /* UDP's zero means "none"; for TCP both are zero */
    }
    memcpy(data + at, &sum, 2);
}

/* Where the headers of a TCP packet lie. */
struct layout {
    size_t ip, tcp, payload;
    bool v6;
};

static bool find_headers(const struct net_packet *p, struct layout *l)
{
    const uint8_t *d = p->data;

    l->ip = NET_HEADER;
    l->v6 = p->gso == NET_GSO_TCP6;
    l->tcp = p->csum_start;
    if (p->len < NET_HEADER + IP4_MIN + TCP_MIN || p->gso_size == 0) {
        return false;
    }
    if (be16(d + ETH_TYPE) == ETH_VLAN) {
        l->ip += VLAN_TAG;
    }
    if (l->tcp < l->ip + (l->v6 ? (size_t)IP6_HEADER : (size_t)IP4_MIN) ||
        l->tcp + TCP_MIN > p->len) {
        return false;
    }
    l->payload = l->tcp + 4u * (d[l->tcp + TCP_OFFSET] >> 4);
    return l->payload >= l->tcp + TCP_MIN && l->payload < p->len;
}

static uint32_t pseudo_sum(const uint8_t *frame, const struct layout *l,
                           size_t tcp_len)
{
    uint8_t tail[4] = {0, PROTO_TCP, 0, 0};
    uint32_t sum;

    put16(tail + 2, (unsigned)tcp_len);
    sum = net_sum(tail, sizeof(tail), 0);
    return l->v6 ? net_sum(frame + l->ip + IP6_ADDRESSES, 32, sum)
                 : net_sum(frame + l->ip + IP4_ADDRESSES, 8, sum);
}

static void finish_ip(uint8_t *frame, size_t len, const struct layout *l,
                      unsigned n)
{
    uint8_t *ip = frame + l->ip;
    uint16_t sum;

    if (l->v6) {
        put16(ip + IP6_LENGTH, (unsigned)(len - l->ip - IP6_HEADER));
        return;
    }
    put16(ip + IP4_LENGTH, (unsigned)(len - l->ip));
    put16(ip + IP4_ID, be16(ip + IP4_ID) + n);
    put16(ip + IP4_SUM, 0);
    sum = net_sum_finish(net_sum(ip, l->tcp - l->ip, 0));
    memcpy(ip + IP4_SUM, &sum, 2);
}

/* The n-th segment's headers, which begin as copies of the packet's. */
static void finish_segment(uint8_t *frame, size_t len, const struct layout *l,
                           unsigned n, size_t done, bool last)
{
    uint8_t *tcp = frame + l->tcp;
    uint16_t sum;

    finish_ip(frame, len, l, n);
    put32(tcp + TCP_SEQ, be32(tcp + TCP_SEQ) + (uint32_t)done);
    if (!last) {
        tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    }
    if (n > 0) {
        tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
    }
    put16(tcp + TCP_SUM, 0);
    sum = net_sum_finish(
        net_sum(tcp, len - l->tcp, pseudo_sum(frame, l, len - l->tcp)));
    memcpy(tcp + TCP_SUM, &sum, 2);
}

bool net_gso_lengths(const struct net_packet *p, uint8_t *data)
{
    struct layout l;
    uint16_t sum;

    if (!find_headers(p, &l)) {
        return false;
    }
    finish_ip(data, p->len, &l, 0);
    sum = (uint16_t)~net_sum_finish(pseudo_sum(data, &l, p->len - l.tcp));
    memcpy(data + l.tcp + TCP_SUM, &sum, 2);
    return true;
}

bool net_segment(const struct net_packet *p,
                 void (*emit)(void *opaque, const uint8_t *data, size_t len),
                 void *opaque)
{
    struct layout l;
    g_autofree uint8_t *frame = NULL;
    size_t total, step;

    if (!find_headers(p, &l)) {
        return false;
    }
    total = p->len - l.payload;
    frame = g_malloc(l.payload + p->gso_size);
    for (size_t done = 0, n = 0; done < total; done += step, n++) {
        step = MIN(total - done, p->gso_size);
        memcpy(frame, p->data, l.payload);
        memcpy(frame + l.payload, p->data + l.payload + done, step);
        finish_segment(frame, l.payload + step, &l, (unsigned)n, done,
                       done + step == total);
        emit(opaque, frame, l.payload + step);
    }
    return true;
}

uint32_t net_crc32(const void *data, size_t len)
{
    return (uint32_t)crc32(0, data, (uInt)len);
}
