/* SPDX-License-Identifier: MIT */
/*
 * Frames between a network card and the world. A cable has two ports: one
 * belongs to a card (hw/net) or a hub, the other one to a back end (net/). A
 * frame begins with its destination address and ends before the checksum.
 *
 * A frame may be larger than its link, and its checksums unset, where both
 * ends can do with that (offloads): net_send() does what is left to do for a
 * port that cannot. Machine lock held in all calls.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/error.h"

enum {
    NET_MAC = 6,
    NET_HEADER = 14,        /* addresses and type */
    NET_FRAME_MAX = 1518,   /* with a VLAN tag, without checksum */
    NET_PACKET_MAX = 65550, /* to be segmented: 64 KiB of IP */
};

enum net_offload { /* what a port takes */
                   NET_CSUM = 1 << 0,
                   NET_TSO4 = 1 << 1,
                   NET_TSO6 = 1 << 2,
                   NET_ECN = 1 << 3, /* of TCP that is to be segmented */
};

enum net_gso { NET_GSO_NONE, NET_GSO_TCP4, NET_GSO_TCP6 };

struct net_packet {
    const uint8_t *data; /* the sender's; whoever keeps it makes a copy */
    size_t len;
    bool csum_needed;  /* the checksum over [csum_start, len) is to be put
                             at csum_start + csum_offset, where the sum of
                             the pseudo header is */
    bool csum_valid;   /* it need not be checked */
    bool ecn;          /* segments: CWR in the first one only */
    enum net_gso gso;  /* to be cut; csum_needed is then set */
    uint16_t gso_size; /* bytes of a segment's payload */
    uint16_t csum_start;
    uint16_t csum_offset;
};

struct net_port;

struct net_port_ops {
    /* Room for a packet? NULL: always. */
    bool (*can_receive)(void *opaque);
    /* Takes it, or drops it as the hardware would. */
    void (*receive)(void *opaque, const struct net_packet *p);
    /* net_send() may be tried again after a refusal. May be NULL. */
    void (*writable)(void *opaque);
    /* The cable was plugged in or out, at either end. May be NULL. */
    void (*link)(void *opaque, bool up);
    /* The peer came or went; may be NULL. */
    void (*peer)(void *opaque);
};

struct net_filter { /* sees all that passes, e.g. to write it to a file */
    void (*packet)(void *opaque, const struct net_packet *p, bool to_card);
    void *opaque;
};

struct net_port {
    const char *name; /* of the card or back end, for messages */
    const struct net_port_ops *ops;
    void *opaque;
    struct net_port *peer; /* NULL: nothing is at the other end */
    unsigned offloads;     /* enum net_offload: what receive() can take */
    bool unplugged;        /* set_link: this end of the cable */
    bool refused;          /* a net_send() by the peer; wants writable() */
    uint64_t sent, sent_bytes, dropped;
    GQueue waiting;  /* GBytes *: segments that there was no room for */
    GArray *filters; /* struct net_filter, of a back end's port; or NULL */
};

void net_port_init(struct net_port *p, const char *name,
                   const struct net_port_ops *ops, void *opaque);
void net_port_clear(struct net_port *p); /* disconnects */

/* The error names who is connected already. */
bool net_connect(struct net_port *card, struct net_port *back_end,
                 GError **error);
void net_disconnect(struct net_port *p);
/* Is there a cable with both ends plugged in? */
bool net_link_up(const struct net_port *p);
void net_set_link(struct net_port *p, bool up);

/*
 * Hands a packet to the peer. False: it has no room, nothing was taken; its
 * port's ops->writable() of `from` says when to try again. Without a peer, or
 * unplugged, packets vanish: true.
 */
bool net_send(struct net_port *from, const struct net_packet *p);
/* The same of a packet whose bytes, which are at `data`, may be changed. */
bool net_send_own(struct net_port *from, const struct net_packet *p,
                  uint8_t *data);
/* A frame without offloads. */
bool net_send_frame(struct net_port *from, const void *data, size_t len);
/* Would net_send() take one? */
bool net_can_send(struct net_port *from);
/* can_receive() has become true. */
void net_ready(struct net_port *p);

void net_filter_add(struct net_port *p, const struct net_filter *f);
void net_filter_remove(struct net_port *p, const void *opaque);

/*
 * A back end that the user named: -netdev KIND,id=ID. Registered with the
 * machine as BACKEND_NETDEV.
 */
struct netdev {
    char *id;
    const struct netdev_ops *ops;
    unsigned queues;       /* at least 1 */
    struct net_port *port; /* [queues] */
    void *impl;
};

struct netdev_ops {
    const char *kind; /* "user", "tap" */
    /* One line for `info network`: "net=10.0.2.0,restrict=off". To be freed;
     * may be NULL. */
    char *(*describe)(const struct netdev *n);
    void (*free)(struct netdev *n); /* impl only; ports are disconnected */
};

struct netdev *netdev_new(const char *id, const struct netdev_ops *ops,
                          unsigned queues, void *impl);
void netdev_free(struct netdev *n);

#endif
