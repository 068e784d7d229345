/* SPDX-License-Identifier: MIT */
#include "net/hub.h"

struct hub {
    unsigned id;
    GPtrArray *ports; /* struct netdev *; the last one frees the hub */
};

static void hub_receive(void *opaque, const struct net_packet *p)
{
    struct netdev *from = opaque;
    struct hub *hub = from->impl;

    for (guint i = 0; i < hub->ports->len; i++) {
        struct netdev *to = hub->ports->pdata[i];

        if (to != from && !net_send(&to->port[0], p)) {
            to->port[0].dropped++; /* a hub keeps nothing */
        }
    }
}

static const struct net_port_ops port_ops = {.receive = hub_receive};

static char *hub_describe(const struct netdev *n)
{
    const struct hub *hub = n->impl;

    return g_strdup_printf("hubid=%u", hub->id);
}

static void hub_free(struct netdev *n)
{
    struct hub *hub = n->impl;

    g_ptr_array_remove(hub->ports, n);
    if (hub->ports->len == 0) {
        g_ptr_array_unref(hub->ports);
        g_free(hub);
    }
}

static const struct netdev_ops hub_ops = {
    .kind = "hubport",
    .describe = hub_describe,
    .free = hub_free,
};

struct netdev *net_hubport_new(const char *id, unsigned hubid,
                               struct netdev *sibling)
{
    struct hub *hub = sibling ? sibling->impl : NULL;
    struct netdev *n;

    if (!hub) {
        hub = g_new(struct hub, 1);
        *hub = (struct hub){.id = hubid, .ports = g_ptr_array_new()};
    }
    n = netdev_new(id, &hub_ops, 1, hub);
    net_port_init(&n->port[0], n->id, &port_ops, n);
    g_ptr_array_add(hub->ports, n);
    return n;
}

bool net_hubport_is(const struct netdev *n, unsigned hubid)
{
    const struct hub *hub = n->impl;

    return n->ops == &hub_ops && hub->id == hubid;
}
