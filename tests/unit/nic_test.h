/* SPDX-License-Identifier: MIT */
/*
 * For tests of network cards: a machine with RAM, a PCI and an ISA bus, and
 * the other end of the card's cable, which keeps what it gets.
 */
#ifndef TESTS_UNIT_NIC_TEST_H
#define TESTS_UNIT_NIC_TEST_H

#include "hw/pci/pci.h"
#include "net/net.h"
#include "net/offload.h"
#include "tests/unit/hw_test.h"

enum {
    NIC_RAM = 4 * MIB,
    NIC_MMIO = 0xf0000000,
    NIC_IO = 0xc000,
    NIC_DEVFN = 3 << 3,
};

struct nic_test {
    struct machine m;
    struct region ram_region;
    struct pci_bus *pci;
    struct isa_bus *isa;
    struct probe irq;
    struct netdev *netdev;
    GPtrArray *frames;      /* GByteArray *, as the peer got them */
    struct net_packet last; /* its data is not there any more */
    bool full;              /* the peer takes nothing */
    unsigned writable;      /* calls */
    bool link;
    struct pci_dev *card;
};

static inline bool nic_test_can_receive(void *opaque)
{
    return !((struct nic_test *)opaque)->full;
}

static inline void nic_test_receive(void *opaque, const struct net_packet *p)
{
    struct nic_test *t = opaque;
    GByteArray *frame = g_byte_array_new();

    g_byte_array_append(frame, p->data, (guint)p->len);
    g_ptr_array_add(t->frames, frame);
    t->last = *p;
}

static inline void nic_test_writable(void *opaque)
{
    ((struct nic_test *)opaque)->writable++;
}

static inline void nic_test_link(void *opaque, bool up)
{
    ((struct nic_test *)opaque)->link = up;
}

static const struct net_port_ops nic_test_ops = {
    .can_receive = nic_test_can_receive,
    .receive = nic_test_receive,
    .writable = nic_test_writable,
    .link = nic_test_link,
};

static inline void nic_test_netdev_free(struct netdev *n)
{
}

static const struct netdev_ops nic_test_netdev_ops = {
    .kind = "test", .free = nic_test_netdev_free};

static inline struct net_port *nic_test_port(struct nic_test *t)
{
    return &t->netdev->port[0];
}

static inline void nic_test_free_frame(gpointer frame)
{
    g_byte_array_unref(frame);
}

static inline void nic_test_init(struct nic_test *t)
{
    struct machine *m = &t->m;

    memset(t, 0, sizeof(*t));
    hw_test_init(m);
    m->ram = machine_ram_new(m, "ram", NIC_RAM, NULL);
    region_init_ram(&t->ram_region, "ram", m->ram, 0, NIC_RAM);
    region_add(&m->memory.root, &t->ram_region, 0, 0);
    t->pci = pci_bus_new(m, "pci.0", NULL, &m->memory.root, &m->ports.root);
    t->isa = isa_bus_new(m, NULL);
    for (unsigned i = 0; i < 4; i++) {
        t->pci->irq[i] = probe_wire(&t->irq);
    }
    t->frames = g_ptr_array_new_with_free_func(nic_test_free_frame);
    t->netdev = netdev_new("n0", &nic_test_netdev_ops, 1, NULL);
    net_port_init(nic_test_port(t), "n0", &nic_test_ops, t);
    machine_add_backend(m, BACKEND_NETDEV, "n0", t->netdev);
}

/* A card at the cable, not realized yet. */
static inline struct dev *nic_test_new(struct nic_test *t,
                                       const struct dev_type *type)
{
    struct dev *dev = dev_new(&t->m, type, NULL);

    g_assert_true(dev_set_prop(dev, "netdev", "n0", NULL));
    g_assert_true(dev_set_prop(dev, "mac", "52:54:00:11:22:33", NULL));
    return dev;
}

static inline void nic_test_realize(struct dev *dev)
{
    GError *error = NULL;

    dev_realize(dev, &error);
    g_assert_no_error(error);
}

/* The same on PCI, with its BARs mapped; INTA# is t->irq. */
static inline void *nic_test_pci(struct nic_test *t,
                                 const struct dev_type *type)
{
    struct dev *dev = nic_test_new(t, type);
    uint32_t mem = NIC_MMIO, io = NIC_IO;

    g_assert_true(dev_set_prop(dev, "addr", "3", NULL));
    nic_test_realize(dev);
    t->card = t->pci->dev[NIC_DEVFN];
    g_assert_nonnull(t->card);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (t->card->bar[i].kind == PCI_BAR_NONE) {
            continue;
        }
        if (t->card->bar[i].kind == PCI_BAR_IO) {
            pci_config_write(t->card, PCI_BAR0 + 4 * i, 4, io);
            io += 0x100;
        } else {
            pci_config_write(t->card, PCI_BAR0 + 4 * i, 4, mem);
            mem += 0x100000;
        }
    }
    pci_config_write(t->card, PCI_COMMAND, 2,
                     PCI_CMD_IO | PCI_CMD_MEMORY | PCI_CMD_MASTER);
    return dev;
}

static inline void nic_test_done(struct nic_test *t)
{
    net_port_clear(nic_test_port(t));
    hw_test_done(&t->m);
    netdev_free(t->netdev);
    g_ptr_array_unref(t->frames);
}

/* --- memory --- */

static inline uint8_t *ram_at(struct nic_test *t, uint32_t at)
{
    return t->m.ram->host + at;
}

static inline uint32_t mem_r32(struct nic_test *t, uint64_t at)
{
    return (uint32_t)space_read(&t->m.memory, at, 4);
}

static inline void mem_w32(struct nic_test *t, uint64_t at, uint32_t v)
{
    space_write(&t->m.memory, at, 4, v);
}

/* --- frames --- */

static inline void put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline unsigned get_be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t get_be32(const uint8_t *p)
{
    return get_be16(p) << 16 | get_be16(p + 2);
}

static const uint8_t nic_test_mac[6] = {0x52, 0x54, 0, 0x11, 0x22, 0x33};
static const uint8_t nic_test_peer[6] = {0x52, 0x55, 0x0a, 0, 2, 2};
static const uint8_t nic_test_all[6] = {255, 255, 255, 255, 255, 255};

/* A frame to `to`, of bytes that count. */
static inline void make_frame(uint8_t *d, size_t len, const uint8_t *to,
                              unsigned type)
{
    memcpy(d, to, 6);
    memcpy(d + 6, nic_test_peer, 6);
    put_be16(d + 12, type);
    for (size_t i = 14; i < len; i++) {
        d[i] = (uint8_t)(i * 7 + i / 256);
    }
}

/* IPv4 with UDP or TCP over what make_frame() left as payload; sums right. */
static inline void make_ip4(uint8_t *d, size_t len, unsigned proto)
{
    uint8_t *ip = d + 14, *l4 = d + 34, tail[4] = {0, (uint8_t)proto};
    uint16_t sum;
    size_t at = proto == 6 ? 16 : 6;

    put_be16(d + 12, 0x0800);
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put_be16(ip + 2, (unsigned)(len - 14));
    put_be16(ip + 4, 0x1234);
    ip[8] = 64;
    ip[9] = (uint8_t)proto;
    memcpy(ip + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
    sum = net_sum_finish(net_sum(ip, 20, 0));
    memcpy(ip + 10, &sum, 2);
    memset(l4, 0, proto == 6 ? 20 : 8);
    put_be16(l4, 1000);
    put_be16(l4 + 2, 2000);
    if (proto == 6) {
        l4[12] = 5 << 4;
        l4[13] = 0x18;
    } else {
        put_be16(l4 + 4, (unsigned)(len - 34));
    }
    put_be16(tail + 2, (unsigned)(len - 34));
    sum = net_sum_finish(
        net_sum(l4, len - 34, net_sum(tail, 4, net_sum(ip + 12, 8, 0))));
    memcpy(l4 + at, &sum, 2);
}

static inline bool sum_is_right(const uint8_t *d, size_t len)
{
    uint8_t tail[4] = {0, d[23]};

    put_be16(tail + 2, (unsigned)(len - 34));
    return net_sum_finish(net_sum(d + 14, 20, 0)) == 0 &&
           net_sum_finish(net_sum(
               d + 34, len - 34, net_sum(tail, 4, net_sum(d + 26, 8, 0)))) == 0;
}

static inline bool nic_test_send(struct nic_test *t, const uint8_t *d,
                                 size_t len)
{
    return net_send_frame(nic_test_port(t), d, len);
}

static inline const GByteArray *nic_test_frame(struct nic_test *t, guint n)
{
    g_assert_cmpuint(n, <, t->frames->len);
    return t->frames->pdata[n];
}

#endif
