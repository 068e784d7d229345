/* SPDX-License-Identifier: MIT */
/* net/net.c and net/offload.c: what the RFCs say of sums and segments. */
#include <string.h>

#include "net/hub.h"
#include "net/net.h"
#include "net/offload.h"

/* ---- checksums ---- */

/* As RFC 1071 has it, a byte pair at a time. */
static uint16_t plain_sum(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void test_sum(void)
{
    uint8_t data[2000];

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 37 + (i >> 3));
    }
    for (unsigned len = 0; len < 100; len++) {
        for (unsigned at = 0; at < 4; at++) {
            uint16_t sum = net_sum_finish(net_sum(data + at, len, 0));
            uint16_t want = (uint16_t)~plain_sum(data + at, len, 0);

            g_assert_cmphex(GUINT16_FROM_BE(sum), ==, want);
        }
    }
    memset(data, 0xff, sizeof(data)); /* carries */
    g_assert_cmphex(net_sum_finish(net_sum(data, sizeof(data), 0)), ==, 0);
}

static void test_crc(void)
{
    /* The check value of CRC-32. */
    g_assert_cmphex(net_crc32("123456789", 9), ==, 0xcbf43926);
}

/* ---- segments ---- */

enum { IP = 14, TCP = IP + 20, PAYLOAD = TCP + 20, TOTAL = 2500, MSS = 1000 };

/* IPv4 and TCP headers, FIN, PSH and CWR set, sequence number 0xfffffc18. */
static void make_packet(uint8_t *d)
{
    static const uint8_t headers[] = {
        2,    0,    0,    0,    0,    1,    2,    0,    0,  0,
        0,    2,    8,    0, /* to here: Ethernet */
        0x45, 0,    0,    0,    0x12, 0x34, 0x40, 0,    64, 6,
        0,    0,    10,   0,    2,    15,   10,   0,    2,  2, /* IPv4 */
        0x30, 0x39, 0,    80,   0xff, 0xff, 0xfc, 0x18, 0,  0,
        0,    1,    0x50, 0x99, 0x10, 0,    0,    0,    0,  0,
    };

    G_STATIC_ASSERT(sizeof(headers) == PAYLOAD);
    memcpy(d, headers, sizeof(headers));
    for (unsigned i = 0; i < TOTAL; i++) {
        d[PAYLOAD + i] = (uint8_t)(i ^ i >> 8);
    }
}

struct seen {
    unsigned count;
    size_t bytes;
};

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void on_segment(void *opaque, const uint8_t *d, size_t len)
{
    struct seen *s = opaque;
    size_t payload = len - PAYLOAD;
    bool last = s->bytes + payload == TOTAL;
    uint32_t seq = 0xfffffc18u + (uint32_t)s->bytes;
    uint8_t pseudo[12] = {0};

    g_assert_cmpuint(payload, ==, last ? TOTAL % MSS : MSS);
    g_assert_cmpuint(be16(d + IP + 2), ==, len - IP);
    g_assert_cmphex(be16(d + IP + 4), ==, 0x1234 + s->count);
    g_assert_cmphex(plain_sum(d + IP, 20, 0), ==, 0xffff);
    g_assert_cmphex((uint32_t)be16(d + TCP + 4) << 16 | be16(d + TCP + 6), ==,
                    seq);
    g_assert_cmphex(d[TCP + 13], ==,
                    0x10 | (s->count == 0 ? 0x80 : 0) | (last ? 0x09 : 0));
    memcpy(pseudo, d + IP + 12, 8);
    pseudo[9] = 6;
    pseudo[10] = (uint8_t)((len - TCP) >> 8);
    pseudo[11] = (uint8_t)(len - TCP);
    g_assert_cmphex(plain_sum(d + TCP, len - TCP, plain_sum(pseudo, 12, 0)), ==,
                    0xffff);
    for (size_t i = 0; i < payload; i++) {
        size_t at = s->bytes + i;

        g_assert_cmphex(d[PAYLOAD + i], ==, (uint8_t)(at ^ at >> 8));
    }
    s->bytes += payload;
    s->count++;
}

static struct net_packet big_packet(const uint8_t *data)
{
    return (struct net_packet){
        .data = data,
        .len = PAYLOAD + TOTAL,
        .gso = NET_GSO_TCP4,
        .gso_size = MSS,
        .csum_needed = true,
        .csum_start = TCP,
        .csum_offset = 16,
    };
}

static void test_segments(void)
{
    uint8_t data[PAYLOAD + TOTAL];
    struct net_packet p = big_packet(data);
    struct seen seen = {0};

    make_packet(data);
    g_assert_true(net_segment(&p, on_segment, &seen));
    g_assert_cmpuint(seen.count, ==, 3);
    g_assert_cmpuint(seen.bytes, ==, TOTAL);
}

/* Offsets that lead nowhere are refused. */
static void test_bad_segments(void)
{
    uint8_t data[PAYLOAD + TOTAL];
    struct net_packet p = big_packet(data);
    struct seen seen = {0};

    make_packet(data);
    p.gso_size = 0;
    g_assert_false(net_segment(&p, on_segment, &seen));
    p = big_packet(data);
    p.csum_start = 3;
    g_assert_false(net_segment(&p, on_segment, &seen));
    p = big_packet(data);
    p.csum_start = 65535;
    g_assert_false(net_segment(&p, on_segment, &seen));
    p = big_packet(data);
    p.len = PAYLOAD;
    g_assert_false(net_segment(&p, on_segment, &seen));
    p = big_packet(data);
    data[TCP + 12] = 0xf0;
    p.len = PAYLOAD + 8;
    g_assert_false(net_segment(&p, on_segment, &seen));
    g_assert_cmpuint(seen.count, ==, 0);
}

/* ---- ports ---- */

struct end {
    struct net_port port;
    unsigned got, links, writable;
    bool full, up;
    size_t len;
};

static bool end_can(void *opaque)
{
    const struct end *e = opaque;

    return !e->full;
}

static void end_receive(void *opaque, const struct net_packet *p)
{
    struct end *e = opaque;

    e->got++;
    e->len = p->len;
    g_assert_false(p->gso);
    g_assert_false(p->csum_needed);
}

static void end_link(void *opaque, bool up)
{
    struct end *e = opaque;

    e->links++;
    e->up = up;
}

static void end_writable(void *opaque)
{
    struct end *e = opaque;

    e->writable++;
}

static const struct net_port_ops end_ops = {
    .can_receive = end_can,
    .receive = end_receive,
    .link = end_link,
    .writable = end_writable,
};

static void test_ports(void)
{
    struct end a = {0}, b = {0}, c = {0};
    g_autoptr(GError) error = NULL;
    uint8_t frame[60] = {0};

    net_port_init(&a.port, "a", &end_ops, &a);
    net_port_init(&b.port, "b", &end_ops, &b);
    net_port_init(&c.port, "c", &end_ops, &c);
    g_assert_true(net_send_frame(&a.port, frame, 60)); /* into the air */
    g_assert_true(net_connect(&a.port, &b.port, &error));
    g_assert_true(a.up && b.up);
    g_assert_false(net_connect(&c.port, &b.port, &error));
    g_assert_nonnull(strstr(error->message, "'a'"));
    g_assert_true(net_send_frame(&a.port, frame, 60));
    g_assert_cmpuint(b.got, ==, 1);
    b.full = true;
    g_assert_false(net_send_frame(&a.port, frame, 60));
    g_assert_cmpuint(b.got, ==, 1);
    b.full = false;
    net_ready(&b.port);
    g_assert_cmpuint(a.writable, ==, 1);
    net_ready(&b.port); /* nobody waits */
    g_assert_cmpuint(a.writable, ==, 1);
    net_set_link(&b.port, false);
    g_assert_false(a.up || b.up);
    g_assert_true(net_send_frame(&a.port, frame, 60));
    g_assert_cmpuint(b.got, ==, 1);
    net_set_link(&b.port, true);
    g_assert_true(a.up);
    net_port_clear(&b.port);
    g_assert_false(a.up);
    g_assert_null(a.port.peer);
}

/* What the other end cannot do is done before. */
static void test_offloads(void)
{
    uint8_t data[PAYLOAD + TOTAL];
    struct net_packet p = big_packet(data);
    struct end a = {0}, b = {0};

    make_packet(data);
    net_port_init(&a.port, "a", &end_ops, &a);
    net_port_init(&b.port, "b", &end_ops, &b);
    net_connect(&a.port, &b.port, NULL);
    g_assert_true(net_send(&a.port, &p));
    g_assert_cmpuint(b.got, ==, 3);
    g_assert_cmpuint(b.len, ==, PAYLOAD + TOTAL % MSS);
    p.gso = NET_GSO_NONE;
    g_assert_true(net_send(&a.port, &p));
    g_assert_cmpuint(b.got, ==, 4);
    net_port_clear(&a.port);
}

static void test_hub(void)
{
    struct netdev *p[3] = {0};
    struct end e[3] = {0};
    uint8_t frame[60] = {0};

    for (unsigned i = 0; i < 3; i++) {
        p[i] = net_hubport_new("port", 7, i ? p[0] : NULL);
        net_port_init(&e[i].port, "end", &end_ops, &e[i]);
        net_connect(&e[i].port, &p[i]->port[0], NULL);
    }
    g_assert_true(net_hubport_is(p[1], 7));
    g_assert_true(net_send_frame(&e[1].port, frame, 60));
    g_assert_cmpuint(e[0].got, ==, 1);
    g_assert_cmpuint(e[1].got, ==, 0);
    g_assert_cmpuint(e[2].got, ==, 1);
    for (unsigned i = 0; i < 3; i++) {
        netdev_free(p[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/sum", test_sum);
    g_test_add_func("/net/crc", test_crc);
    g_test_add_func("/net/segments", test_segments);
    g_test_add_func("/net/bad-segments", test_bad_segments);
    g_test_add_func("/net/ports", test_ports);
    g_test_add_func("/net/offloads", test_offloads);
    g_test_add_func("/net/hub", test_hub);
    return g_test_run();
}
