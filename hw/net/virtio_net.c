/* SPDX-License-Identifier: MIT */
/*
 * virtio-net. [VIRTIO] 5.1 "Network Device".
 *
 * Packets larger than the link and without checksums pass in both directions
 * to whoever can do with them; net/ finishes them for those who cannot.
 *
 * Not modelled: UFO and USO, RSS and hash reports, coalescing, the standby
 * interface; with more pairs of queues than one, a packet comes in on the
 * queue of the back end's choice.
 */
#include "hw/net/virtio_net.h"

#include <string.h>

enum { CTRL_SIZE = 64, DUPLEX_HALF = 0, DUPLEX_FULL = 1, DUPLEX_UNKNOWN = 255 };

/* Features that depend on nothing but their property. */
static const uint8_t plain[] = {
    VNET_F_CSUM,           VNET_F_GUEST_CSUM,    VNET_F_CTRL_GUEST_OFFLOADS,
    VNET_F_GUEST_TSO4,     VNET_F_GUEST_TSO6,    VNET_F_GUEST_ECN,
    VNET_F_HOST_TSO4,      VNET_F_HOST_TSO6,     VNET_F_HOST_ECN,
    VNET_F_MRG_RXBUF,      VNET_F_STATUS,        VNET_F_CTRL_VQ,
    VNET_F_CTRL_RX,        VNET_F_CTRL_VLAN,     VNET_F_CTRL_RX_EXTRA,
    VNET_F_GUEST_ANNOUNCE, VNET_F_CTRL_MAC_ADDR,
};

/* [VIRTIO] 5.1.3.1: a feature that makes no sense without another. */
static const struct {
    uint8_t feature, needs;
} needs[] = {
    {VNET_F_GUEST_TSO4, VNET_F_GUEST_CSUM},
    {VNET_F_GUEST_TSO6, VNET_F_GUEST_CSUM},
    {VNET_F_GUEST_ECN, VNET_F_GUEST_CSUM},
    {VNET_F_HOST_TSO4, VNET_F_CSUM},
    {VNET_F_HOST_TSO6, VNET_F_CSUM},
    {VNET_F_HOST_ECN, VNET_F_CSUM},
    {VNET_F_CTRL_RX, VNET_F_CTRL_VQ},
    {VNET_F_CTRL_VLAN, VNET_F_CTRL_VQ},
    {VNET_F_CTRL_RX_EXTRA, VNET_F_CTRL_RX},
    {VNET_F_GUEST_ANNOUNCE, VNET_F_CTRL_VQ},
    {VNET_F_MQ, VNET_F_CTRL_VQ},
    {VNET_F_CTRL_MAC_ADDR, VNET_F_CTRL_VQ},
    {VNET_F_CTRL_GUEST_OFFLOADS, VNET_F_CTRL_VQ},
};

static void offer(struct virtio_net *s)
{
    struct virtio *v = &s->v;

    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (s->on[plain[i]]) {
            virtio_offer(v, plain[i]);
        }
    }
    virtio_offer(v, VNET_F_MAC);
    if (s->host_mtu) {
        virtio_offer(v, VNET_F_MTU);
    }
    if (s->on[VNET_F_MQ] && s->pairs > 1) {
        virtio_offer(v, VNET_F_MQ);
    }
    if (s->speed >= 0 || s->duplex) {
        virtio_offer(v, VNET_F_SPEED_DUPLEX);
    }
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        if (!(v->offered & BIT(needs[i].needs))) {
            v->offered &= ~BIT(needs[i].feature);
        }
    }
}

/* --- the configuration space --- */

static void put_config(struct virtio_net *s)
{
    uint8_t *c = s->v.config;

    stl_u16(c + VNET_C_PAIRS, (uint16_t)s->pairs);
    stl_u16(c + VNET_C_MTU, s->host_mtu);
    stl_u32(c + VNET_C_SPEED, (uint32_t)s->speed);
    c[VNET_C_DUPLEX] = g_strcmp0(s->duplex, "full") == 0   ? DUPLEX_FULL
                       : g_strcmp0(s->duplex, "half") == 0 ? DUPLEX_HALF
                                                           : DUPLEX_UNKNOWN;
}

/* A cable that is plugged in again may lead elsewhere: the guest is to tell
 * those there where it is. */
void vnet_put_link(struct virtio_net *s, bool up)
{
    uint8_t *status = s->v.config + VNET_C_STATUS;
    uint8_t was = *status;

    *status = (uint8_t)((was & ~VNET_S_LINK_UP) | (up ? VNET_S_LINK_UP : 0));
    if (up && !(was & VNET_S_LINK_UP) &&
        virtio_has(&s->v, VNET_F_GUEST_ANNOUNCE) &&
        (s->v.status & VIRTIO_DRIVER_OK)) {
        *status |= VNET_S_ANNOUNCE;
    }
    if (*status != was && virtio_has(&s->v, VNET_F_STATUS)) {
        virtio_config_changed(&s->v);
    }
}

/* Legacy drivers write the address without further ado. */
static void vnet_config_written(struct virtio *v, unsigned at, unsigned size,
                                const uint8_t *old)
{
    uint8_t mac[NET_MAC];

    memcpy(mac, v->config + VNET_C_MAC, NET_MAC);
    memcpy(v->config, old, sizeof(v->config));
    if (!virtio_has(v, VIRTIO_F_VERSION_1)) {
        memcpy(v->config + VNET_C_MAC, mac, NET_MAC);
    }
}

/* --- the device --- */

static void vnet_features_set(struct virtio *v)
{
    struct virtio_net *s = vnet_of(v);

    s->guest_offloads = v->features;
    vnet_set_offloads(s);
}

static bool vnet_notify(struct virtio *v, unsigned queue)
{
    struct virtio_net *s = vnet_of(v);

    if (queue == vnet_ctrl_queue(s)) {
        return virtio_has(v, VNET_F_CTRL_VQ) && vnet_ctrl(v, queue);
    }
    if (queue >= 2 * s->pairs) {
        return false;
    }
    if (queue % 2) {
        return vnet_send(v, queue);
    }
    for (unsigned i = 0; i < s->pairs; i++) { /* room for what waits */
        net_ready(s->end[i].port);
    }
    return false;
}

static void vnet_reset(struct virtio *v)
{
    struct virtio_net *s = vnet_of(v);

    s->active = 1;
    s->guest_offloads = 0;
    s->tx_waiting = 0;
    vnet_filter_reset(s);
    memcpy(v->config + VNET_C_MAC, s->nic.mac, NET_MAC);
    stl_u16(v->config + VNET_C_STATUS,
            net_link_up(s->end[0].port) ? VNET_S_LINK_UP : 0);
}

static void vnet_settle(struct virtio *v)
{
    struct virtio_net *s = vnet_of(v);

    put_config(s);
    vnet_set_offloads(s);
    for (unsigned i = 0; i < s->pairs; i++) {
        if (s->tx_waiting & 1u << i) {
            virtio_serve_later(v, 2 * i + 1);
        }
    }
}

static bool vnet_check(struct virtio *v, GError **error)
{
    struct virtio_net *s = vnet_of(v);

    if (s->active < 1 || s->active > s->pairs ||
        (unsigned)s->unicasts + s->multicasts > VNET_MACS ||
        (s->guest_offloads & ~v->features)) {
        return fail(error, "virtio-net: a state that cannot be");
    }
    s->tx_waiting &= (uint32_t)((UINT64_C(1) << s->pairs) - 1);
    return true;
}

static bool is_ring_size(uint16_t size)
{
    return size >= 64 && size <= VIRTQ_SIZE_MAX && (size & (size - 1)) == 0;
}

static bool check_props(struct virtio_net *s, GError **error)
{
    if (!is_ring_size(s->rx_queue_size) || !is_ring_size(s->tx_queue_size)) {
        return fail(error,
                    "%s: rx_queue_size and tx_queue_size are powers of two, "
                    "64 to %d",
                    dev_name(s->v.dev), VIRTQ_SIZE_MAX);
    }
    if (s->duplex && strcmp(s->duplex, "full") != 0 &&
        strcmp(s->duplex, "half") != 0) {
        return fail(error, "%s: duplex=%s: want full or half",
                    dev_name(s->v.dev), s->duplex);
    }
    return true;
}

/* The other pairs' ends, as nic_realize() did the first one's. */
static bool connect_more(struct virtio_net *s, GError **error)
{
    struct netdev *n =
        s->nic.netdev
            ? machine_backend(s->v.machine, BACKEND_NETDEV, s->nic.netdev)
            : NULL;

    s->pairs = n ? MIN(MAX(n->queues, 1), VNET_PAIRS) : 1;
    for (unsigned i = 1; i < s->pairs; i++) {
        struct net_port *port = &s->more[i - 1];

        s->end[i] = (struct vnet_end){.net = s, .pair = i, .port = port};
        net_port_init(port, dev_name(s->v.dev), &vnet_port_ops, &s->end[i]);
        if (!net_connect(port, &n->port[i], error)) {
            return false;
        }
    }
    return true;
}

static void disconnect(struct virtio_net *s)
{
    for (unsigned i = 1; i < s->pairs; i++) {
        if (s->more[i - 1].ops) {
            net_port_clear(&s->more[i - 1]);
        }
    }
    nic_unrealize(&s->nic);
}

static void add_queues(struct virtio_net *s)
{
    for (unsigned i = 0; i < s->pairs; i++) {
        virtio_add_queue(&s->v, s->rx_queue_size);
        virtio_add_queue(&s->v, s->tx_queue_size);
    }
    virtio_add_queue(&s->v, CTRL_SIZE);
    s->v.vectors = s->pairs > 1 ? 2 * s->pairs + 2 : 3;
}

static bool vnet_realize(struct virtio *v, GError **error)
{
    struct virtio_net *s = vnet_of(v);

    s->pairs = s->active = 1;
    s->end[0] = (struct vnet_end){.net = s, .port = &s->nic.port};
    if (!check_props(s, error)) {
        return false;
    }
    if (!nic_realize(v->dev, &s->nic, &vnet_port_ops, &s->end[0], error) ||
        !connect_more(s, error)) {
        disconnect(s);
        return false;
    }
    s->packet = g_malloc(NET_PACKET_MAX);
    add_queues(s);
    offer(s);
    put_config(s);
    return true;
}

static void vnet_unrealize(struct virtio *v)
{
    struct virtio_net *s = vnet_of(v);

    disconnect(s);
    g_clear_pointer(&s->packet, g_free);
}

static const struct virtio_type vnet_type = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .pci_class = 0x020000,
    .config_size = VNET_C_SIZE,
    .realize = vnet_realize,
    .unrealize = vnet_unrealize,
    .notify = vnet_notify,
    .config_written = vnet_config_written,
    .features_set = vnet_features_set,
    .reset = vnet_reset,
    .settle = vnet_settle,
    .check = vnet_check,
};

static bool vnet_load_rom(struct virtio_pci *p, GError **error)
{
    struct virtio_net *s = container_of(p, struct virtio_net, proxy);

    return pci_rom_load(&p->pci, &s->rom, s->nic.romfile, "efi-virtio.rom",
                        error);
}

/* clang-format off */
#define ON(feature, nm, dflt) \
    PROP_AS(struct virtio_net, on[feature], nm, dflt)

static const struct field vnet_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_net, proxy, false),
    NIC_PROPS(struct virtio_net, nic),
    ON(VNET_F_CSUM, "csum", true),
    ON(VNET_F_GUEST_CSUM, "guest_csum", true),
    ON(VNET_F_CTRL_GUEST_OFFLOADS, "ctrl_guest_offloads", true),
    ON(VNET_F_GUEST_TSO4, "guest_tso4", true),
    ON(VNET_F_GUEST_TSO6, "guest_tso6", true),
    ON(VNET_F_GUEST_ECN, "guest_ecn", true),
    ON(VNET_F_HOST_TSO4, "host_tso4", true),
    ON(VNET_F_HOST_TSO6, "host_tso6", true),
    ON(VNET_F_HOST_ECN, "host_ecn", true),
    ON(VNET_F_MRG_RXBUF, "mrg_rxbuf", true),
    ON(VNET_F_STATUS, "status", true),
    ON(VNET_F_CTRL_VQ, "ctrl_vq", true),
    ON(VNET_F_CTRL_RX, "ctrl_rx", true),
    ON(VNET_F_CTRL_VLAN, "ctrl_vlan", true),
    ON(VNET_F_CTRL_RX_EXTRA, "ctrl_rx_extra", true),
    ON(VNET_F_GUEST_ANNOUNCE, "guest_announce", true),
    ON(VNET_F_MQ, "mq", false),
    ON(VNET_F_CTRL_MAC_ADDR, "ctrl_mac_addr", true),
    PROP(struct virtio_net, rx_queue_size, 256),
    PROP(struct virtio_net, tx_queue_size, 256),
    PROP(struct virtio_net, host_mtu, 0),
    PROP(struct virtio_net, speed, -1),
    PROP_STR(struct virtio_net, duplex, "duplex", NULL),
    PROP_STR(struct virtio_net, tx, "tx", NULL),
    PROP_AS(struct virtio_net, txtimer, "x-txtimer", 150000),
    PROP_AS(struct virtio_net, txburst, "x-txburst", 256),
    PROP_AS(struct virtio_net, ignored, "gso", true),
    PROP_AS(struct virtio_net, ignored, "guest_ufo", true),
    PROP_AS(struct virtio_net, ignored, "host_ufo", true),
    PROP_AS(struct virtio_net, ignored, "rss", false),
    PROP_AS(struct virtio_net, ignored, "hash", false),
    PROP_AS(struct virtio_net, ignored, "guest_rsc_ext", false),
    PROP_AS(struct virtio_net, ignored, "failover", false),
    FIELD_END,
};

static const struct field vnet_state[] = {
    VIRTIO_PCI_STATE(struct virtio_net, proxy),
    VIRTIO_STATE(struct virtio_net, v),
    FIELD(struct virtio_net, active),
    FIELD(struct virtio_net, guest_offloads),
    FIELD(struct virtio_net, promisc),
    FIELD(struct virtio_net, allmulti),
    FIELD(struct virtio_net, alluni),
    FIELD(struct virtio_net, nomulti),
    FIELD(struct virtio_net, nouni),
    FIELD(struct virtio_net, nobcast),
    FIELD(struct virtio_net, uni_overflow),
    FIELD(struct virtio_net, multi_overflow),
    FIELD(struct virtio_net, unicasts),
    FIELD(struct virtio_net, multicasts),
    FIELD_ARRAY(struct virtio_net, macs),
    FIELD_ARRAY(struct virtio_net, vlans),
    FIELD(struct virtio_net, tx_waiting),
    FIELD_END,
};

static void vnet_init(struct dev *dev)
{
    struct virtio_net *s = container_of(dev, struct virtio_net, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &vnet_type);
    s->proxy.realized = vnet_load_rom;
}

const struct dev_type virtio_net_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-net", "network card", struct virtio_net,
                     vnet_props, vnet_state, vnet_init);
/* clang-format on */
