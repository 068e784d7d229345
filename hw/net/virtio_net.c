/* SPDX-License-Identifier: MIT */
/*
 * virtio-net. [VIRTIO] 5.1. Checksums and large packets pass through to a back
 * end that can do with them, and the other way round.
 *
 * Not modelled: several queue pairs, RSS, UDP segments, notification
 * coalescing, gratuitous announcements (there is nowhere to move to yet).
 */
#include "hw/net/virtio_net.h"

#include <string.h>

#include "base/log.h"
#include "hw/net/nic.h"
#include "hw/virtio/virtio_pci.h"

enum { /* features */
       F_CSUM = 0,
       F_GUEST_CSUM = 1,
       F_CTRL_GUEST_OFFLOADS = 2,
       F_MTU = 3,
       F_MAC = 5,
       F_GUEST_TSO4 = 7,
       F_GUEST_TSO6 = 8,
       F_GUEST_ECN = 9,
       F_HOST_TSO4 = 11,
       F_HOST_TSO6 = 12,
       F_HOST_ECN = 13,
       F_MRG_RXBUF = 15,
       F_STATUS = 16,
       F_CTRL_VQ = 17,
       F_CTRL_RX = 18,
       F_CTRL_VLAN = 19,
       F_CTRL_RX_EXTRA = 20,
       F_CTRL_MAC_ADDR = 23,
};

enum { RX, TX, CTRL, QUEUE_SIZE = 256, CTRL_SIZE = 64, CONFIG_SIZE = 12 };
enum { HDR_SHORT = 10, HDR = 12, HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { GSO_NONE = 0, GSO_TCP4 = 1, GSO_TCP6 = 4, GSO_ECN = 0x80 };
enum { S_LINK_UP = 1, MACS = 64, VLAN_AT = 12, VLAN_TYPE = 0x8100 };

struct virtio_net {
    struct virtio_pci pci;
    struct nic nic;
    uint32_t host_mtu; /* property */
    /* saved state: filters */
    bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
    uint32_t uni_count, multi_count; /* of macs, unicast first */
    bool uni_overflow, multi_overflow;
    uint8_t macs[MACS * NET_MAC];
    uint32_t vlans[4096 / 32];
    uint64_t guest_offloads; /* feature bits */
    bool in_tx;
    struct virtio_chain chain, first;
    uint8_t packet[NET_PACKET_MAX];
};

static struct virtio_net *net_of(struct virtio *v)
{
    return container_of(v, struct virtio_net, pci.v);
}

static struct virtio_net *net_of_dev(struct dev *dev)
{
    return container_of(dev, struct virtio_net, pci.pci.dev);
}

static unsigned header_size(const struct virtio *v)
{
    return virtio_has(v, VIRTIO_F_VERSION_1 | BIT(F_MRG_RXBUF)) ? HDR
                                                                : HDR_SHORT;
}

/* ---- receiving: filters ---- */

static bool in_table(const struct virtio_net *s, const uint8_t *mac)
{
    bool multi = nic_is_multicast(mac);
    unsigned first = multi ? s->uni_count : 0;
    unsigned n = multi ? s->multi_count : s->uni_count;

    for (unsigned i = first; i < first + n; i++) {
        if (memcmp(s->macs + i * NET_MAC, mac, NET_MAC) == 0) {
            return true;
        }
    }
    return false;
}

static bool address_wanted(const struct virtio_net *s, const uint8_t *mac)
{
    if (s->promisc) {
        return true;
    }
    if (nic_is_broadcast(mac)) {
        return !s->nobcast;
    }
    if (nic_is_multicast(mac)) {
        return !s->nomulti &&
               (s->allmulti || s->multi_overflow || in_table(s, mac));
    }
    return !s->nouni &&
           (s->alluni || s->uni_overflow ||
            memcmp(mac, s->nic.mac, NET_MAC) == 0 || in_table(s, mac));
}

static bool wanted(const struct virtio_net *s, const struct net_packet *p)
{
    const uint8_t *d = p->data;

    if (p->len >= NET_HEADER + 4 && virtio_has(&s->pci.v, BIT(F_CTRL_VLAN)) &&
        (d[VLAN_AT] << 8 | d[VLAN_AT + 1]) == VLAN_TYPE) {
        unsigned id = (unsigned)(d[VLAN_AT + 2] << 8 | d[VLAN_AT + 3]) & 0xfff;

        if (!(s->vlans[id / 32] >> (id % 32) & 1)) {
            return false;
        }
    }
    return p->len >= NET_HEADER && address_wanted(s, d);
}

/* ---- receiving ---- */

static bool can_receive(void *opaque)
{
    struct virtio_net *s = opaque;
    struct virtqueue *q = &s->pci.v.queue[RX];

    if (!virtio_runs(&s->pci.v)) {
        return true; /* to be dropped */
    }
    if (!virtqueue_empty(q)) {
        return true;
    }
    virtqueue_want_kicks(q, true);
    return !virtqueue_empty(q); /* it may have come meanwhile */
}

static void make_header(const struct virtio_net *s, const struct net_packet *p,
                        uint8_t *h)
{
    memset(h, 0, HDR);
    if (p->csum_needed) {
        h[0] = HDR_NEEDS_CSUM;
        stl_u16(h + 6, p->csum_start);
        stl_u16(h + 8, p->csum_offset);
    } else if (p->csum_valid && s->nic.port.offloads & NET_CSUM) {
        h[0] = HDR_DATA_VALID;
    }
    if (p->gso) {
        h[1] = (uint8_t)((p->gso == NET_GSO_TCP4 ? GSO_TCP4 : GSO_TCP6) |
                         (p->ecn ? GSO_ECN : 0));
        stl_u16(h + 2, p->csum_start); /* a hint */
        stl_u16(h + 4, p->gso_size);
    }
    stl_u16(h + 10, 1);
}

/* The rest of a packet into further chains, where the driver merges them; how
 * many, 0: there were not enough. */
static unsigned put_rest(struct virtio_net *s, const struct net_packet *p,
                         size_t done)
{
    struct virtio *v = &s->pci.v;
    struct virtqueue *q = &v->queue[RX];
    unsigned n = 1;

    for (; done < p->len; n++) {
        size_t part;

        if (!virtqueue_pop(q, &s->chain)) {
            return 0;
        }
        part = virtio_write(v, &s->chain, 0, p->data + done, p->len - done);
        virtqueue_push(q, &s->chain, (uint32_t)part);
        if (part == 0) {
            virtio_broken(v, "an empty buffer to receive into");
            return 0;
        }
        done += part;
    }
    return n;
}

/* Are there so many bytes of room? Nothing is taken. */
static bool has_room(struct virtio_net *s, size_t len)
{
    struct virtio *v = &s->pci.v;
    struct virtqueue *q = &v->queue[RX];
    struct virtio_queues before = v->q;
    uint64_t room = 0;

    while (room < len && virtqueue_pop(q, &s->chain)) {
        room += s->chain.in_len;
    }
    v->q.last[RX] = before.last[RX];
    v->q.last_wrap[RX] = before.last_wrap[RX];
    return room >= len;
}

static void receive(void *opaque, const struct net_packet *p)
{
    struct virtio_net *s = opaque;
    struct virtio *v = &s->pci.v;
    struct virtqueue *q = &v->queue[RX];
    unsigned hdr = header_size(v), n = 1;
    uint8_t h[HDR];
    size_t part;

    if (!virtio_runs(v) || !wanted(s, p) ||
        (virtio_has(v, BIT(F_MRG_RXBUF)) && p->len + hdr > 1500 &&
         !has_room(s, p->len + hdr)) ||
        !virtqueue_pop(q, &s->first)) {
        return;
    }
    make_header(s, p, h);
    if (s->first.in_len < hdr) {
        virtio_broken(v, "a buffer that is shorter than a header");
        return;
    }
    virtio_write(v, &s->first, 0, h, hdr);
    part = virtio_write(v, &s->first, hdr, p->data, p->len);
    if (part < p->len && !virtio_has(v, BIT(F_MRG_RXBUF))) {
        virtqueue_unpop(q, &s->first); /* it does not fit: dropped */
        return;
    }
    virtqueue_push(q, &s->first, (uint32_t)(hdr + part));
    if (part < p->len) {
        n = put_rest(s, p, part);
        stl_u16(h + 10, (uint16_t)n);
        virtio_write(v, &s->first, 10, h + 10, 2);
    }
    virtqueue_flush(q);
}

/* ---- sending ---- */

/* What the header says of a packet; false: what no device could do. */
static bool read_header(const uint8_t *h, struct net_packet *p)
{
    p->csum_needed = h[0] & HDR_NEEDS_CSUM;
    p->csum_start = ldl_u16(h + 6);
    p->csum_offset = ldl_u16(h + 8);
    p->gso_size = ldl_u16(h + 4);
    p->ecn = h[1] & GSO_ECN;
    switch (h[1] & ~GSO_ECN) {
    case GSO_NONE: return true;
    case GSO_TCP4: p->gso = NET_GSO_TCP4; break;
    case GSO_TCP6: p->gso = NET_GSO_TCP6; break;
    default: return false;
    }
    return p->csum_needed;
}

static bool send_chain(struct virtio_net *s, unsigned hdr)
{
    struct net_packet p = {.data = s->packet};
    uint8_t h[HDR] = {0};

    if (virtio_read(&s->chain, 0, h, hdr) < hdr) {
        virtio_broken(&s->pci.v, "a packet without a header");
        return false;
    }
    p.len = virtio_read(&s->chain, hdr, s->packet, sizeof(s->packet));
    if (p.len >= NET_HEADER && s->chain.out_len - hdr <= sizeof(s->packet) &&
        read_header(h, &p)) {
        net_send_own(&s->nic.port, &p, s->packet);
    }
    return true;
}

static void send_all(struct virtio_net *s)
{
    struct virtio *v = &s->pci.v;
    struct virtqueue *q = &v->queue[TX];
    unsigned hdr = header_size(v);

    if (s->in_tx) {
        return;
    }
    s->in_tx = true;
    for (unsigned n = 0; n < 2 * QUEUE_SIZE && net_can_send(&s->nic.port) &&
                         virtqueue_pop(q, &s->chain) && send_chain(s, hdr);
         n++) {
        virtqueue_push(q, &s->chain, 0);
    }
    s->in_tx = false;
    virtqueue_flush(q);
}

static void tx_notified(struct virtio *v, unsigned queue)
{
    send_all(net_of(v));
}

static void writable(void *opaque)
{
    struct virtio_net *s = opaque;

    if (virtio_runs(&s->pci.v)) {
        send_all(s);
    }
}

static void rx_notified(struct virtio *v, unsigned queue)
{
    struct virtio_net *s = net_of(v);

    virtqueue_want_kicks(&v->queue[RX], false);
    net_ready(&s->nic.port);
}

static void link_changed(void *opaque, bool up)
{
    struct virtio_net *s = opaque;

    if (s->pci.pci.dev.realized) {
        virtio_config_changed(&s->pci.v);
    }
}

static const struct net_port_ops port_ops = {
    .can_receive = can_receive,
    .receive = receive,
    .writable = writable,
    .link = link_changed,
};

/* ---- the control queue. 5.1.6.5 ---- */

enum { CLASS_RX = 0, CLASS_MAC = 1, CLASS_VLAN = 2, CLASS_OFFLOADS = 5 };

static unsigned offloads_of(uint64_t bits)
{
    return (bits & BIT(F_GUEST_CSUM) ? NET_CSUM : 0) |
           (bits & BIT(F_GUEST_TSO4) ? NET_TSO4 : 0) |
           (bits & BIT(F_GUEST_TSO6) ? NET_TSO6 : 0) |
           (bits & BIT(F_GUEST_ECN) ? NET_ECN : 0);
}

static void set_offloads(struct virtio_net *s, uint64_t bits)
{
    s->guest_offloads = bits;
    s->nic.port.offloads = offloads_of(bits);
}

static bool control_rx(struct virtio_net *s, unsigned command)
{
    bool *const flags[] = {&s->promisc, &s->allmulti, &s->alluni,
                           &s->nomulti, &s->nouni,    &s->nobcast};
    uint8_t on;

    if (command >= ARRAY_SIZE(flags) ||
        virtio_read(&s->chain, 2, &on, 1) != 1) {
        return false;
    }
    *flags[command] = on;
    return true;
}

/* A count and so many addresses at `at`; where they end, 0: bad. */
static size_t read_table(struct virtio_net *s, size_t at, unsigned *used,
                         uint32_t *count, bool *overflow)
{
    uint8_t n[4];

    if (virtio_read(&s->chain, at, n, 4) != 4) {
        return 0;
    }
    *count = ldl_u32(n);
    *overflow = *count > MACS - *used;
    at += 4;
    if (s->chain.out_len - at < (uint64_t)*count * NET_MAC) {
        *count = 0;
        return 0;
    }
    if (*overflow) {
        at += (size_t)*count * NET_MAC;
        *count = 0;
        return at;
    }
    virtio_read(&s->chain, at, s->macs + *used * NET_MAC,
                (size_t)*count * NET_MAC);
    *used += *count;
    return at + (size_t)*count * NET_MAC;
}

static bool control_mac(struct virtio_net *s, unsigned command)
{
    unsigned used = 0;
    size_t at;

    if (command == 1) {
        return virtio_read(&s->chain, 2, s->nic.mac, NET_MAC) == NET_MAC;
    }
    if (command != 0) {
        return false;
    }
    s->multi_count = 0;
    s->multi_overflow = false;
    at = read_table(s, 2, &used, &s->uni_count, &s->uni_overflow);
    return at && read_table(s, at, &used, &s->multi_count, &s->multi_overflow);
}

static bool control_vlan(struct virtio_net *s, unsigned command)
{
    uint8_t id[2];
    unsigned n;

    if (command > 1 || virtio_read(&s->chain, 2, id, 2) != 2 ||
        (n = ldl_u16(id)) >= 4096) {
        return false;
    }
    if (command == 0) {
        s->vlans[n / 32] |= 1u << (n % 32);
    } else {
        s->vlans[n / 32] &= ~(1u << (n % 32));
    }
    return true;
}

static bool control_offloads(struct virtio_net *s, unsigned command)
{
    uint8_t bits[8];

    if (command != 0 || virtio_read(&s->chain, 2, bits, 8) != 8) {
        return false;
    }
    set_offloads(s, ldl_u64(bits) & s->pci.v.features);
    return true;
}

static bool control(struct virtio_net *s)
{
    uint8_t head[2];

    if (virtio_read(&s->chain, 0, head, 2) != 2) {
        return false;
    }
    switch (head[0]) {
    case CLASS_RX: return control_rx(s, head[1]);
    case CLASS_MAC: return control_mac(s, head[1]);
    case CLASS_VLAN: return control_vlan(s, head[1]);
    case CLASS_OFFLOADS: return control_offloads(s, head[1]);
    default: return false;
    }
}

static void ctrl_notified(struct virtio *v, unsigned queue)
{
    struct virtio_net *s = net_of(v);

    while (virtqueue_pop(&v->queue[CTRL], &s->chain)) {
        uint8_t answer = control(s) ? 0 : 1;

        virtio_write(v, &s->chain, 0, &answer, 1);
        virtqueue_push(&v->queue[CTRL], &s->chain, 1);
    }
    virtqueue_flush(&v->queue[CTRL]);
}

/* ---- the device ---- */

static void get_config(struct virtio *v, uint8_t *c)
{
    const struct virtio_net *s = net_of(v);

    memcpy(c, s->nic.mac, NET_MAC);
    stl_u16(c + 6, net_link_up(&s->nic.port) ? S_LINK_UP : 0);
    stl_u16(c + 8, 1);
    stl_u16(c + 10, (uint16_t)s->host_mtu);
}

/* Drivers from before the control queue set the address here. */
static void set_config(struct virtio *v, const uint8_t *c, unsigned at,
                       unsigned len)
{
    if (!virtio_has(v, VIRTIO_F_VERSION_1 | BIT(F_CTRL_MAC_ADDR))) {
        memcpy(net_of(v)->nic.mac, c, NET_MAC);
    }
}

static void reset_hook(struct virtio *v)
{
    struct virtio_net *s = net_of(v);

    s->promisc = true; /* until a driver that knows better comes */
    s->allmulti = s->alluni = s->nomulti = s->nouni = s->nobcast = false;
    s->uni_count = s->multi_count = 0;
    s->uni_overflow = s->multi_overflow = false;
    memset(s->vlans, 0, sizeof(s->vlans));
    set_offloads(s, 0);
}

static void status_hook(struct virtio *v)
{
    struct virtio_net *s = net_of(v);

    if (virtio_runs(v)) {
        set_offloads(s, v->features);
        net_ready(&s->nic.port);
    }
}

static const struct virtio_ops net_ops = {
    .type = VIRTIO_NET,
    .config_size = CONFIG_SIZE,
    .get_config = get_config,
    .set_config = set_config,
    .reset = reset_hook,
    .status = status_hook,
};

static uint64_t offer(const struct virtio_net *s)
{
    return BIT(F_CSUM) | BIT(F_GUEST_CSUM) | BIT(F_CTRL_GUEST_OFFLOADS) |
           BIT(F_MAC) | BIT(F_GUEST_TSO4) | BIT(F_GUEST_TSO6) |
           BIT(F_GUEST_ECN) | BIT(F_HOST_TSO4) | BIT(F_HOST_TSO6) |
           BIT(F_HOST_ECN) | BIT(F_MRG_RXBUF) | BIT(F_STATUS) | BIT(F_CTRL_VQ) |
           BIT(F_CTRL_RX) | BIT(F_CTRL_VLAN) | BIT(F_CTRL_RX_EXTRA) |
           BIT(F_CTRL_MAC_ADDR) | (s->host_mtu ? BIT(F_MTU) : 0);
}

static bool net_realize(struct dev *dev, GError **error)
{
    struct virtio_net *s = net_of_dev(dev);
    struct virtio *v = &s->pci.v;

    if (s->host_mtu && (s->host_mtu < 68 || s->host_mtu > 65535)) {
        return fail(error, "host_mtu=%u: want 68 to 65535", s->host_mtu);
    }
    virtio_init(v, &net_ops, dev, offer(s));
    virtio_add_queue(v, QUEUE_SIZE, rx_notified);
    virtio_add_queue(v, QUEUE_SIZE, tx_notified);
    virtio_add_queue(v, CTRL_SIZE, ctrl_notified);
    if (!virtio_pci_realize(&s->pci, 0x020000, error)) {
        return false;
    }
    if (!nic_realize(dev, &s->nic, &port_ops, s, error) ||
        !pci_rom_load(&s->pci.pci, &s->nic.rom, s->nic.romfile, error)) {
        nic_unrealize(&s->nic);
        virtio_pci_unrealize(&s->pci);
        return false;
    }
    return true;
}

static void net_unrealize(struct dev *dev)
{
    struct virtio_net *s = net_of_dev(dev);

    nic_unrealize(&s->nic);
    virtio_pci_unrealize(&s->pci);
}

static void net_reset(struct dev *dev)
{
    virtio_pci_reset(&net_of_dev(dev)->pci);
}

static void net_settle(struct dev *dev)
{
    struct virtio_net *s = net_of_dev(dev);

    s->nic.port.offloads = offloads_of(s->guest_offloads);
    virtio_pci_settle(&s->pci);
    net_ready(&s->nic.port);
}

static bool net_check(struct dev *dev, GError **error)
{
    const struct virtio_net *s = net_of_dev(dev);

    if (s->uni_count > MACS || s->multi_count > MACS - s->uni_count) {
        return fail(error, "%s: more addresses than there is room for",
                    dev_name(dev));
    }
    return virtio_check(&s->pci.v, error);
}

static const struct field net_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_net, pci, 4),
    NIC_PROPS(struct virtio_net, nic),
    PROP(struct virtio_net, host_mtu, 0),
    FIELD_END,
};

static const struct field net_state[] = {
    VIRTIO_PCI_STATE(struct virtio_net, pci),
    FIELD(struct virtio_net, promisc),
    FIELD(struct virtio_net, allmulti),
    FIELD(struct virtio_net, alluni),
    FIELD(struct virtio_net, nomulti),
    FIELD(struct virtio_net, nouni),
    FIELD(struct virtio_net, nobcast),
    FIELD(struct virtio_net, uni_count),
    FIELD(struct virtio_net, multi_count),
    FIELD(struct virtio_net, uni_overflow),
    FIELD(struct virtio_net, multi_overflow),
    FIELD_ARRAY(struct virtio_net, macs),
    FIELD_ARRAY(struct virtio_net, vlans),
    FIELD(struct virtio_net, guest_offloads),
    FIELD_ARRAY(struct virtio_net, nic.mac),
    FIELD_END,
};

const struct dev_type virtio_net_pci_type = {
    .name = "virtio-net-pci",
    .alias = "virtio-net",
    .desc = "virtio network card",
    .bus = "PCI",
    .size = sizeof(struct virtio_net),
    .version = 1,
    .props = net_props,
    .state = net_state,
    .realize = net_realize,
    .unrealize = net_unrealize,
    .reset = net_reset,
    .settle = net_settle,
    .check = net_check,
};
