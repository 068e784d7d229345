/* SPDX-License-Identifier: MIT */
/*
 * Packets of virtio-net. [VIRTIO] 5.1.6: each has a header in front that says
 * what is left to do for it, which is what struct net_packet says, too.
 */
#include <string.h>

#include "hw/net/virtio_net.h"

enum { /* the header */
       H_FLAGS = 0,
       H_GSO_TYPE = 1,
       H_HDR_LEN = 2,
       H_GSO_SIZE = 4,
       H_CSUM_START = 6,
       H_CSUM_OFFSET = 8,
       H_NUM_BUFFERS = 10,
       H_SIZE = 12,
       H_SIZE_LEGACY = 10,
       FLAG_NEEDS_CSUM = 1,
       FLAG_DATA_VALID = 2,
       GSO_TCPV4 = 1,
       GSO_TCPV6 = 4,
       GSO_ECN = 0x80,
};
enum { TCP_OFFSET = 12, FRAME_MIN = NET_HEADER };
/* A packet that is to be cut may need so many buffers. */
enum { BUFFERS_WANTED = 48 };

static bool merges(const struct virtio_net *s)
{
    return virtio_has(&s->v, VNET_F_MRG_RXBUF);
}

/* Legacy drivers have no num_buffers where buffers are not merged. */
static unsigned header_size(const struct virtio_net *s)
{
    return merges(s) || virtio_has(&s->v, VIRTIO_F_VERSION_1) ? H_SIZE
                                                              : H_SIZE_LEGACY;
}

void vnet_set_offloads(struct virtio_net *s)
{
    static const struct {
        uint8_t feature, offload;
    } rows[] = {
        {VNET_F_GUEST_CSUM, NET_CSUM},
        {VNET_F_GUEST_TSO4, NET_TSO4},
        {VNET_F_GUEST_TSO6, NET_TSO6},
        {VNET_F_GUEST_ECN, NET_ECN},
    };
    unsigned offloads = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (s->guest_offloads & BIT(rows[i].feature)) {
            offloads |= rows[i].offload;
        }
    }
    if (!(offloads & NET_CSUM)) { /* what is to be cut has no checksums */
        offloads = 0;
    }
    for (unsigned i = 0; i < s->pairs; i++) {
        s->end[i].port->offloads = offloads;
    }
}

/* --- to the guest --- */

static unsigned rx_queue(const struct vnet_end *e)
{
    return 2 * (e->pair % e->net->active);
}

static bool vnet_can_receive(void *opaque)
{
    struct vnet_end *e = opaque;
    struct virtio *v = &e->net->v;
    struct virtqueue *q = &v->queue[rx_queue(e)];
    unsigned want = merges(e->net) ? MIN(BUFFERS_WANTED, q->size / 2u) : 1;

    return (v->status & VIRTIO_DRIVER_OK) && q->enabled && virtio_is_live(v) &&
           virtq_wait_buffers(q, MAX(want, 1));
}

/* Bytes up to and with the TCP header of what is to be cut. */
static uint16_t headers_len(const struct net_packet *p)
{
    size_t at = (size_t)p->csum_start + TCP_OFFSET;

    return (uint16_t)(at < p->len ? p->csum_start + 4u * (p->data[at] >> 4)
                                  : p->csum_start);
}

static void put_header(const struct virtio_net *s, const struct net_packet *p,
                       uint8_t *h)
{
    memset(h, 0, H_SIZE);
    if (p->csum_needed) {
        h[H_FLAGS] = FLAG_NEEDS_CSUM;
        stl_u16(h + H_CSUM_START, p->csum_start);
        stl_u16(h + H_CSUM_OFFSET, p->csum_offset);
    } else if (p->csum_valid && (s->guest_offloads & BIT(VNET_F_GUEST_CSUM))) {
        h[H_FLAGS] = FLAG_DATA_VALID;
    }
    if (p->gso != NET_GSO_NONE) {
        h[H_GSO_TYPE] =
            (uint8_t)((p->gso == NET_GSO_TCP4 ? GSO_TCPV4 : GSO_TCPV6) |
                      (p->ecn ? GSO_ECN : 0));
        stl_u16(h + H_GSO_SIZE, p->gso_size);
        stl_u16(h + H_HDR_LEN, headers_len(p));
    }
}

/* Buffers of one packet, until it is known to fit. */
struct delivery {
    unsigned count;
    struct virtq_buf *buf[VIRTQ_SIZE_MAX];
    uint32_t written[VIRTQ_SIZE_MAX];
};

/* Puts header and packet into buffers; false where they do not suffice. */
static bool fill(struct virtio_net *s, unsigned queue,
                 const struct net_packet *p, struct delivery *d)
{
    unsigned hs = header_size(s);
    uint8_t header[H_SIZE];
    size_t done = 0;

    d->count = 0;
    do {
        struct virtq_buf *buf =
            d->count < VIRTQ_SIZE_MAX ? virtio_pop(&s->v, queue) : NULL;
        size_t skip = d->count ? 0 : hs;
        size_t part;

        if (!buf) {
            return false;
        }
        d->buf[d->count++] = buf;
        if (buf->in_len < skip) {
            return false;
        }
        part = virtq_write(buf, skip, p->data + done, p->len - done);
        d->written[d->count - 1] = (uint32_t)(skip + part);
        done += part;
    } while (done < p->len && merges(s));
    put_header(s, p, header);
    stl_u16(header + H_NUM_BUFFERS, (uint16_t)d->count);
    virtq_write(d->buf[0], 0, header, hs);
    return done == p->len;
}

static void give_back(struct virtio_net *s, unsigned queue, struct delivery *d)
{
    while (d->count) {
        virtq_unpop(&s->v.queue[queue], d->buf[--d->count]);
    }
}

static void vnet_receive(void *opaque, const struct net_packet *p)
{
    struct vnet_end *e = opaque;
    struct virtio_net *s = e->net;
    unsigned queue = rx_queue(e);
    struct delivery d;

    if (p->len < FRAME_MIN || !vnet_filter_takes(s, p->data, p->len) ||
        !(s->v.status & VIRTIO_DRIVER_OK)) {
        return;
    }
    if (!fill(s, queue, p, &d)) {
        e->port->dropped++;
        give_back(s, queue, &d);
        return;
    }
    for (unsigned i = 0; i < d.count; i++) {
        virtq_put(&s->v.queue[queue], d.buf[i], d.written[i]);
    }
    virtio_publish(&s->v, queue);
}

/* --- from the guest --- */

/* What the header asks for; false where it cannot be. */
static bool take_header(const struct virtio_net *s, const uint8_t *h,
                        struct net_packet *p)
{
    unsigned gso = h[H_GSO_TYPE] & ~(unsigned)GSO_ECN;

    p->csum_needed = h[H_FLAGS] & FLAG_NEEDS_CSUM;
    if (p->csum_needed) {
        p->csum_start = ldl_u16(h + H_CSUM_START);
        p->csum_offset = ldl_u16(h + H_CSUM_OFFSET);
        if (!virtio_has(&s->v, VNET_F_CSUM) ||
            (size_t)p->csum_start + p->csum_offset + 2 > p->len) {
            return false;
        }
    }
    if (gso == 0) {
        return true;
    }
    p->gso = gso == GSO_TCPV4 ? NET_GSO_TCP4 : NET_GSO_TCP6;
    p->gso_size = ldl_u16(h + H_GSO_SIZE);
    p->ecn = h[H_GSO_TYPE] & GSO_ECN;
    return p->csum_needed && p->gso_size &&
           ((gso == GSO_TCPV4 && virtio_has(&s->v, VNET_F_HOST_TSO4)) ||
            (gso == GSO_TCPV6 && virtio_has(&s->v, VNET_F_HOST_TSO6)));
}

/* A copy of the packet: who takes it may look at it more than once. */
static bool take_packet(struct virtio_net *s, const struct virtq_buf *buf,
                        struct net_packet *p)
{
    unsigned hs = header_size(s);
    uint8_t header[H_SIZE] = {0};

    if (virtq_read(buf, 0, header, hs) < hs ||
        buf->out_len - hs > NET_PACKET_MAX || buf->out_len - hs < FRAME_MIN) {
        return false;
    }
    p->data = s->packet;
    p->len = virtq_read(buf, hs, s->packet, NET_PACKET_MAX);
    return take_header(s, header, p);
}

static bool send_one(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    struct virtio_net *s = vnet_of(v);
    unsigned pair = queue / 2;
    struct net_port *port = s->end[pair].port;
    struct net_packet p = {0};

    if (!net_can_send(port)) {
        s->tx_waiting |= 1u << pair;
        virtq_unpop(&v->queue[queue], buf);
        return false;
    }
    if (take_packet(s, buf, &p)) {
        net_send(port, &p);
    } else {
        port->dropped++;
    }
    virtq_put(&v->queue[queue], buf, 0);
    return true;
}

bool vnet_send(struct virtio *v, unsigned queue)
{
    struct virtio_net *s = vnet_of(v);
    bool more;

    s->tx_waiting &= ~(1u << queue / 2);
    more = virtio_each(v, queue, send_one);
    virtio_publish(v, queue);
    return more && !(s->tx_waiting & 1u << queue / 2);
}

static void vnet_writable(void *opaque)
{
    struct vnet_end *e = opaque;

    if (e->net->tx_waiting & 1u << e->pair) {
        virtio_notified(&e->net->v, 2 * e->pair + 1);
    }
}

static void vnet_link(void *opaque, bool up)
{
    struct vnet_end *e = opaque;

    if (e->pair == 0) {
        vnet_put_link(e->net, up);
    }
}

const struct net_port_ops vnet_port_ops = {
    .can_receive = vnet_can_receive,
    .receive = vnet_receive,
    .writable = vnet_writable,
    .link = vnet_link,
};
