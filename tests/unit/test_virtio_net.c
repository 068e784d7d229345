/* SPDX-License-Identifier: MIT */
/* The network device: [VIRTIO] 5.1. */
#include <stdio.h>

#include "hw/net/virtio_net.h"
#include "tests/unit/virtio_pci_driver.h"

enum { HS = 12, RX = VD_DATA + 0x100000, BUF = 2048, RX_COUNT = 64 };
enum { RXQ = 0, TXQ = 1, CTRLQ = 2 };

struct rig {
    struct vd_dev d;
    struct netdev *netdev;
    struct virtio_net *net;
    GByteArray *got; /* the last packet sent */
    struct net_packet last;
    unsigned sent;
    bool full;
    unsigned posted;
};

static bool peer_can_receive(void *opaque)
{
    return !((struct rig *)opaque)->full;
}

static void peer_receive(void *opaque, const struct net_packet *p)
{
    struct rig *r = opaque;

    g_byte_array_set_size(r->got, 0);
    g_byte_array_append(r->got, p->data, (guint)p->len);
    r->last = *p;
    r->sent++;
}

static void peer_free(struct netdev *n)
{
}

static const struct net_port_ops peer_ops = {.can_receive = peer_can_receive,
                                             .receive = peer_receive};
static const struct netdev_ops netdev_ops = {.kind = "test", .free = peer_free};

static void rig_init(struct rig *r)
{
    struct dev *dev;
    GError *error = NULL;

    *r = (struct rig){.got = g_byte_array_new()};
    vd_machine(&r->d);
    r->netdev = netdev_new("n", &netdev_ops, 1, NULL);
    net_port_init(&r->netdev->port[0], "peer", &peer_ops, r);
    machine_add_backend(&r->d.m, BACKEND_NETDEV, "n", r->netdev);
    dev = dev_new(&r->d.m, &virtio_net_types[0], NULL);
    dev_set_prop(dev, "netdev", "n", NULL);
    dev_set_prop(dev, "mac", "52:54:00:01:02:03", NULL);
    dev_realize(dev, &error);
    g_assert_no_error(error);
    r->net = container_of(dev, struct virtio_net, proxy.pci.dev);
    vd_probe(&r->d, dev);
}

static void rig_done(struct rig *r)
{
    dev_unrealize(&r->net->proxy.pci.dev);
    netdev_free(r->netdev);
    g_byte_array_unref(r->got);
    hw_test_done(&r->d.m);
}

static void post(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct vd_seg s = {RX + BUF * r->posted++, BUF, true};

        vd_add(&r->d.q[RXQ], &s, 1, false);
    }
    vd_kick(&r->d, RXQ);
}

static void start(struct rig *r, uint64_t features)
{
    g_assert_true(
        vd_negotiate(&r->d, features | BIT(VNET_F_CTRL_VQ) | BIT(28)));
    vd_queue_on(&r->d, RXQ, RX_COUNT, false);
    vd_queue_on(&r->d, TXQ, 16, false);
    vd_queue_on(&r->d, CTRLQ, 16, false);
    vd_go(&r->d);
}

static void fill_frame(uint8_t *f, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++) {
        f[i] = (uint8_t)(i * 7);
    }
    memcpy(f, (uint8_t[]){0x52, 0x54, 0, 1, 2, 3}, 6);
    f[0] = first;
}

/* What the next used receive buffer holds; its length. */
static uint32_t receive(struct rig *r, uint8_t *to)
{
    uint32_t len = 0;
    int id = vd_get(&r->d.q[RXQ], &len);
    uint64_t at;

    if (id < 0) {
        return 0;
    }
    at = space_read(&r->d.m.memory, r->d.q[RXQ].desc + 16u * (unsigned)id, 8);
    dma_read(&r->d.m.memory, at, to, len);
    return len;
}

static void test_config(void)
{
    struct rig r;

    rig_init(&r);
    g_assert_cmphex(vd_read(&r.d, r.d.config, 4), ==, 0x01005452);
    g_assert_cmphex(vd_read(&r.d, r.d.config + 6, 2), ==, 1); /* link */
    start(&r, BIT(VNET_F_STATUS) | BIT(VNET_F_GUEST_ANNOUNCE));
    net_set_link(&r.netdev->port[0], false);
    g_assert_cmphex(vd_read(&r.d, r.d.isr, 1), ==, 2);
    g_assert_cmphex(vd_read(&r.d, r.d.config + 6, 2), ==, 0);
    net_set_link(&r.netdev->port[0], true);
    g_assert_cmphex(vd_read(&r.d, r.d.config + 6, 2), ==, 3);
    vd_write(&r.d, r.d.config, 1, 0); /* not the driver's */
    g_assert_cmphex(vd_read(&r.d, r.d.config, 1), ==, 0x52);
    rig_done(&r);
}

static void test_receive(void)
{
    struct rig r;
    uint8_t frame[1514], got[BUF];
    struct net_port *p;

    rig_init(&r);
    p = &r.netdev->port[0];
    fill_frame(frame, sizeof(frame), 0x52);
    g_assert_false(net_send_frame(p, frame, 100)); /* nobody is there */
    start(&r, 0);
    g_assert_false(net_send_frame(p, frame, 100)); /* no room */
    post(&r, 2);
    g_assert_true(net_send_frame(p, frame, sizeof(frame)));
    g_assert_cmpuint(receive(&r, got), ==, HS + sizeof(frame));
    g_assert_cmpmem(got + HS, sizeof(frame), frame, sizeof(frame));
    g_assert_cmpuint(got[0] | got[1], ==, 0);
    g_assert_cmpuint(ldl_u16(got + 10), ==, 1);
    g_assert_true(r.d.irq.level);
    g_assert_true(net_send_frame(p, frame, 10)); /* no frame: dropped */
    g_assert_cmpuint(receive(&r, got), ==, 0);
    rig_done(&r);
}

/* A packet to be cut, across several buffers. */
static void test_merge(void)
{
    struct rig r;
    g_autofree uint8_t *frame = g_malloc(20000);
    uint8_t got[BUF];
    struct net_packet p = {.data = frame,
                           .len = 20000,
                           .csum_needed = true,
                           .gso = NET_GSO_TCP4,
                           .gso_size = 1448,
                           .csum_start = 34,
                           .csum_offset = 16};
    size_t at = 0;

    rig_init(&r);
    fill_frame(frame, 20000, 0x52);
    frame[34 + 12] = 0x80;
    start(&r, BIT(VNET_F_MRG_RXBUF) | BIT(VNET_F_GUEST_CSUM) |
                  BIT(VNET_F_GUEST_TSO4));
    g_assert_cmphex(r.net->nic.port.offloads, ==, NET_CSUM | NET_TSO4);
    post(&r, 5); /* fewer than such packets may want */
    g_assert_false(net_send(&r.netdev->port[0], &p));
    post(&r, 50);
    g_assert_true(net_send(&r.netdev->port[0], &p));
    for (unsigned i = 0; i < 10; i++) {
        unsigned skip = i ? 0 : HS;
        uint32_t len = receive(&r, got);

        g_assert_cmpuint(len, ==, i < 9 ? BUF : (20000 + HS) % BUF);
        g_assert_cmpmem(got + skip, len - skip, frame + at, len - skip);
        at += len - skip;
        if (i == 0) {
            g_assert_cmpuint(got[0], ==, 1); /* NEEDS_CSUM */
            g_assert_cmpuint(got[1], ==, 1); /* TCPV4 */
            g_assert_cmpuint(ldl_u16(got + 2), ==, 34 + 32);
            g_assert_cmpuint(ldl_u16(got + 4), ==, 1448);
            g_assert_cmpuint(ldl_u16(got + 6), ==, 34);
            g_assert_cmpuint(ldl_u16(got + 8), ==, 16);
            g_assert_cmpuint(ldl_u16(got + 10), ==, 10);
        }
    }
    g_assert_cmpuint(at, ==, 20000);
    rig_done(&r);
}

/* Header and frame at VD_DATA; was it sent? */
static bool send_frame(struct rig *r, const uint8_t *header,
                       const uint8_t *frame, uint32_t len)
{
    const struct vd_seg s[] = {{VD_DATA, HS, false},
                               {VD_DATA + HS, len / 2, false},
                               {VD_DATA + HS + len / 2, len - len / 2, false}};
    unsigned before = r->sent;

    dma_write(&r->d.m.memory, VD_DATA, header, HS);
    dma_write(&r->d.m.memory, VD_DATA + HS, frame, len);
    vd_add(&r->d.q[TXQ], s, 3, len & 1);
    vd_kick(&r->d, TXQ);
    return r->sent > before;
}

static void test_send(void)
{
    struct rig r;
    uint8_t frame[9001], header[HS] = {0};

    rig_init(&r);
    fill_frame(frame, sizeof(frame), 0x52);
    start(&r, BIT(VNET_F_CSUM) | BIT(VNET_F_HOST_TSO4));
    g_assert_true(send_frame(&r, header, frame, 1001));
    g_assert_cmpint(vd_get(&r.d.q[TXQ], NULL), >=, 0);
    g_assert_cmpmem(r.got->data, r.got->len, frame, 1001);
    g_assert_false(send_frame(&r, header, frame, 8)); /* no frame */
    r.netdev->port[0].offloads = NET_CSUM | NET_TSO4;
    header[0] = 1;
    header[1] = 1;
    stl_u16(header + 4, 1448);
    stl_u16(header + 6, 34);
    stl_u16(header + 8, 16);
    g_assert_true(send_frame(&r, header, frame, 9001));
    g_assert_cmpuint(r.last.gso, ==, NET_GSO_TCP4);
    g_assert_cmpuint(r.last.gso_size, ==, 1448);
    g_assert_true(r.last.csum_needed);
    header[1] = 4; /* TCPV6 was not agreed upon */
    g_assert_false(send_frame(&r, header, frame, 9001));
    header[1] = 0;
    stl_u16(header + 6, 65535);
    stl_u16(header + 8, 65535);
    g_assert_false(send_frame(&r, header, frame, 9001));
    rig_done(&r);
}

/* A peer without room: the packet stays on the ring till there is. */
static void test_send_waits(void)
{
    struct rig r;
    uint8_t frame[100], header[HS] = {0};

    rig_init(&r);
    fill_frame(frame, sizeof(frame), 0x52);
    start(&r, 0);
    r.full = true;
    g_assert_false(send_frame(&r, header, frame, 100));
    g_assert_cmpint(vd_get(&r.d.q[TXQ], NULL), ==, -1);
    r.full = false;
    net_ready(&r.netdev->port[0]);
    g_assert_cmpuint(r.sent, ==, 1);
    g_assert_cmpint(vd_get(&r.d.q[TXQ], NULL), >=, 0);
    rig_done(&r);
}

/* A command; what the device answers. */
static uint8_t command(struct rig *r, uint8_t class, uint8_t number,
                       const void *data, uint32_t len)
{
    const struct vd_seg s[] = {{VD_DATA, 2, false},
                               {VD_DATA + 2, len, false},
                               {VD_DATA + 0x1000, 1, true}};
    const uint8_t header[] = {class, number};
    uint32_t written = 0;

    dma_write(&r->d.m.memory, VD_DATA, header, 2);
    dma_write(&r->d.m.memory, VD_DATA + 2, data, len);
    vd_add(&r->d.q[CTRLQ], s, 3, false);
    vd_kick(&r->d, CTRLQ);
    g_assert_cmpint(vd_get(&r->d.q[CTRLQ], &written), >=, 0);
    g_assert_cmpuint(written, ==, 1);
    return (uint8_t)vd_read(&r->d, VD_DATA + 0x1000, 1);
}

static bool passes(struct rig *r, const char *mac, unsigned vlan)
{
    uint8_t frame[100] = {0}, got[BUF];
    unsigned m[6];

    sscanf(mac, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]);
    for (unsigned i = 0; i < 6; i++) {
        frame[i] = (uint8_t)m[i];
    }
    if (vlan) {
        frame[12] = 0x81;
        frame[14] = (uint8_t)(vlan >> 8);
        frame[15] = (uint8_t)vlan;
    }
    g_assert_true(net_send_frame(&r->netdev->port[0], frame, sizeof(frame)));
    return receive(r, got);
}

static void test_filter(void)
{
    static const char own[] = "52:54:0:1:2:3", other[] = "52:54:0:9:9:9";
    static const char multi[] = "1:0:5e:0:0:1", all[] = "ff:ff:ff:ff:ff:ff";
    uint8_t table[20] = {1, 0, 0, 0, 0x52, 0x54, 0,    9, 9, 9,
                         1, 0, 0, 0, 1,    0,    0x5e, 0, 0, 1};
    struct rig r;

    rig_init(&r);
    start(&r, BIT(VNET_F_CTRL_RX) | BIT(VNET_F_CTRL_VLAN) |
                  BIT(VNET_F_CTRL_RX_EXTRA) | BIT(VNET_F_CTRL_MAC_ADDR));
    post(&r, 60);
    g_assert_true(passes(&r, other, 0)); /* promiscuous at first */
    g_assert_cmpuint(command(&r, 0, 0, "\0", 1), ==, 0);
    g_assert_true(passes(&r, own, 0));
    g_assert_true(passes(&r, all, 0));
    g_assert_false(passes(&r, other, 0));
    g_assert_false(passes(&r, multi, 0));
    g_assert_cmpuint(command(&r, 1, 0, table, 20), ==, 0);
    g_assert_true(passes(&r, other, 0));
    g_assert_true(passes(&r, multi, 0));
    g_assert_cmpuint(command(&r, 1, 0, table, 19), ==, 1); /* cut short */
    g_assert_false(passes(&r, other, 0));
    g_assert_cmpuint(command(&r, 1, 0, "\xff\xff\xff\xff", 4), ==, 1);
    g_assert_cmpuint(command(&r, 0, 1, "\1", 1), ==, 0);
    g_assert_true(passes(&r, multi, 0));
    g_assert_cmpuint(command(&r, 0, 5, "\1", 1), ==, 0);
    g_assert_false(passes(&r, all, 0));
    g_assert_false(passes(&r, own, 5));
    g_assert_cmpuint(command(&r, 2, 0, "\5\0", 2), ==, 0);
    g_assert_true(passes(&r, own, 5));
    g_assert_cmpuint(command(&r, 2, 0, "\0\x10", 2), ==, 1);
    g_assert_cmpuint(command(&r, 1, 1, "\x52\x54\0\x9\x9\x9", 6), ==, 0);
    g_assert_true(passes(&r, other, 0));
    g_assert_false(passes(&r, own, 0));
    g_assert_cmpuint(command(&r, 99, 0, "", 0), ==, 1);
    g_assert_cmpuint(command(&r, 4, 0, "\1\0", 2), ==, 1); /* no MQ */
    rig_done(&r);
}

static void test_roundtrip(void)
{
    struct rig a, b;

    rig_init(&a);
    rig_init(&b);
    start(&a,
          BIT(VNET_F_CTRL_RX) | BIT(VNET_F_CTRL_VLAN) | BIT(VNET_F_GUEST_CSUM));
    post(&a, 10);
    command(&a, 2, 0, "\5\0", 2);
    hw_test_roundtrip(&a.net->proxy.pci.dev, &b.net->proxy.pci.dev);
    g_assert_cmphex(b.net->nic.port.offloads, ==, NET_CSUM);
    rig_done(&a);
    rig_done(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config", test_config);
    g_test_add_func("/receive", test_receive);
    g_test_add_func("/merge", test_merge);
    g_test_add_func("/send", test_send);
    g_test_add_func("/send/waits", test_send_waits);
    g_test_add_func("/filter", test_filter);
    g_test_add_func("/roundtrip", test_roundtrip);
    return g_test_run();
}
