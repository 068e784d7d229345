/* SPDX-License-Identifier: MIT */
#include "net/net.h"

#include "net/offload.h"

void net_port_init(struct net_port *p, const char *name,
                   const struct net_port_ops *ops, void *opaque)
{
    *p = (struct net_port){.name = name, .ops = ops, .opaque = opaque};
    g_queue_init(&p->waiting);
}

void net_port_clear(struct net_port *p)
{
    net_disconnect(p);
    g_queue_clear_full(&p->waiting, (GDestroyNotify)g_bytes_unref);
    g_clear_pointer(&p->filters, g_array_unref);
}

/* Tells both ends what became of the cable. */
static void tell_link(struct net_port *p, bool up)
{
    if (p->ops->link) {
        p->ops->link(p->opaque, up);
    }
    if (p->peer && p->peer->ops->link) {
        p->peer->ops->link(p->peer->opaque, up);
    }
}

static void tell_peer(struct net_port *p)
{
    if (p->ops->peer) {
        p->ops->peer(p->opaque);
    }
}

bool net_connect(struct net_port *card, struct net_port *back_end,
                 GError **error)
{
    if (back_end->peer) {
        return fail(error, "network back end '%s' is connected to '%s' already",
                    back_end->name, back_end->peer->name);
    }
    if (card->peer) {
        return fail(error, "'%s' is connected to '%s' already", card->name,
                    card->peer->name);
    }
    card->peer = back_end;
    back_end->peer = card;
    tell_peer(card);
    tell_peer(back_end);
    tell_link(card, net_link_up(card));
    return true;
}

void net_disconnect(struct net_port *p)
{
    struct net_port *peer = p->peer;

    if (!peer) {
        return;
    }
    p->peer = peer->peer = NULL;
    p->refused = peer->refused = false;
    tell_peer(p);
    tell_peer(peer);
    tell_link(p, false);
    tell_link(peer, false);
}

bool net_link_up(const struct net_port *p)
{
    return p->peer && !p->unplugged && !p->peer->unplugged;
}

void net_set_link(struct net_port *p, bool up)
{
    bool was = net_link_up(p);

    p->unplugged = !up;
    if (net_link_up(p) != was) {
        tell_link(p, !was);
    }
    /* Who waited for room need not: packets vanish now. */
    if (was && p->peer) {
        g_queue_clear_full(&p->waiting, (GDestroyNotify)g_bytes_unref);
        g_queue_clear_full(&p->peer->waiting, (GDestroyNotify)g_bytes_unref);
        net_ready(p);
        net_ready(p->peer);
    }
}

static void filter(const struct net_port *p, const struct net_packet *packet,
                   bool to_card)
{
    for (guint i = 0; p->filters && i < p->filters->len; i++) {
        const struct net_filter *f =
            &g_array_index(p->filters, struct net_filter, i);

        f->packet(f->opaque, packet, to_card);
    }
}

static bool has_room(struct net_port *p)
{
    return !p->ops->can_receive || p->ops->can_receive(p->opaque);
}

static void give(struct net_port *to, const uint8_t *data, size_t len)
{
    struct net_packet p = {.data = data, .len = len, .csum_valid = true};

    to->ops->receive(to->opaque, &p);
}

/* A segment; one packet may be more of them than there is room for. */
static void deliver(void *opaque, const uint8_t *data, size_t len)
{
    struct net_port *to = opaque;

    if (g_queue_is_empty(&to->waiting) && has_room(to)) {
        give(to, data, len);
    } else {
        g_queue_push_tail(&to->waiting, g_bytes_new(data, len));
    }
}

static void deliver_waiting(struct net_port *to)
{
    while (!g_queue_is_empty(&to->waiting) && has_room(to)) {
        g_autoptr(GBytes) b = g_queue_pop_head(&to->waiting);
        gsize len;
        const void *data = g_bytes_get_data(b, &len);

        give(to, data, len);
    }
}

static unsigned gso_offload(enum net_gso gso)
{
    return gso == NET_GSO_TCP6 ? NET_TSO6 : NET_TSO4;
}

/* Does for the port what it cannot do itself. */
static void deliver_finished(struct net_port *to, const struct net_packet *p)
{
    g_autofree uint8_t *copy = NULL;

    if (p->gso && (!(to->offloads & gso_offload(p->gso)) ||
                   (p->ecn && !(to->offloads & NET_ECN)))) {
        if (!net_segment(p, deliver, to)) {
            to->dropped++;
        }
    } else if (p->csum_needed && !(to->offloads & NET_CSUM)) {
        copy = g_memdup2(p->data, p->len);
        net_csum_fill(p, copy);
        deliver(to, copy, p->len);
    } else {
        to->ops->receive(to->opaque, p);
    }
}

bool net_can_send(struct net_port *from)
{
    struct net_port *to = from->peer;

    if (!net_link_up(from) ||
        (g_queue_is_empty(&to->waiting) && has_room(to))) {
        return true;
    }
    from->refused = true;
    return false;
}

bool net_send(struct net_port *from, const struct net_packet *p)
{
    if (!net_can_send(from)) {
        return false;
    }
    if (!net_link_up(from)) {
        from->dropped++;
        return true;
    }
    from->sent++;
    from->sent_bytes += p->len;
    filter(from, p, true);
    filter(from->peer, p, false);
    deliver_finished(from->peer, p);
    return true;
}

bool net_send_own(struct net_port *from, const struct net_packet *p,
                  uint8_t *data)
{
    struct net_packet filled = *p;

    if (p->csum_needed && !p->gso && from->peer &&
        !(from->peer->offloads & NET_CSUM)) {
        net_csum_fill(p, data);
        filled.csum_needed = false;
        filled.csum_valid = true;
    }
    return net_send(from, &filled);
}

bool net_send_frame(struct net_port *from, const void *data, size_t len)
{
    struct net_packet p = {.data = data, .len = len};

    return net_send(from, &p);
}

void net_ready(struct net_port *p)
{
    struct net_port *from = p->peer;

    deliver_waiting(p);
    if (from && from->refused && g_queue_is_empty(&p->waiting)) {
        from->refused = false;
        if (from->ops->writable) {
            from->ops->writable(from->opaque);
        }
    }
}

void net_filter_add(struct net_port *p, const struct net_filter *f)
{
    if (!p->filters) {
        p->filters = g_array_new(FALSE, FALSE, sizeof(struct net_filter));
    }
    g_array_append_val(p->filters, *f);
}

void net_filter_remove(struct net_port *p, const void *opaque)
{
    for (guint i = 0; p->filters && i < p->filters->len; i++) {
        if (g_array_index(p->filters, struct net_filter, i).opaque == opaque) {
            g_array_remove_index(p->filters, i);
            return;
        }
    }
}

struct netdev *netdev_new(const char *id, const struct netdev_ops *ops,
                          unsigned queues, void *impl)
{
    struct netdev *n = g_new0(struct netdev, 1);

    n->id = g_strdup(id);
    n->ops = ops;
    n->queues = queues;
    n->port = g_new0(struct net_port, queues);
    n->impl = impl;
    return n;
}

void netdev_free(struct netdev *n)
{
    for (unsigned i = 0; i < n->queues; i++) {
        net_port_clear(&n->port[i]);
    }
    n->ops->free(n);
    g_free(n->port);
    g_free(n->id);
    g_free(n);
}
