/* SPDX-License-Identifier: MIT */
/* virtio-net-pci, between its files: virtio_net.c is the device,
 * virtio_net_io.c moves packets, virtio_net_ctrl.c is the control queue. */
#ifndef HW_NET_VIRTIO_NET_H
#define HW_NET_VIRTIO_NET_H

#include "hw/net/nic.h"
#include "hw/pci/rom.h"
#include "hw/virtio/virtio_pci.h"

enum {
    VNET_PAIRS = 31, /* of queues, and the control queue */
    VNET_MACS = 64,  /* in the filter */
    VNET_VLANS = 4096,
};

enum { /* feature bits, [VIRTIO] 5.1.3 */
       VNET_F_CSUM = 0,
       VNET_F_GUEST_CSUM = 1,
       VNET_F_CTRL_GUEST_OFFLOADS = 2,
       VNET_F_MTU = 3,
       VNET_F_MAC = 5,
       VNET_F_GUEST_TSO4 = 7,
       VNET_F_GUEST_TSO6 = 8,
       VNET_F_GUEST_ECN = 9,
       VNET_F_HOST_TSO4 = 11,
       VNET_F_HOST_TSO6 = 12,
       VNET_F_HOST_ECN = 13,
       VNET_F_MRG_RXBUF = 15,
       VNET_F_STATUS = 16,
       VNET_F_CTRL_VQ = 17,
       VNET_F_CTRL_RX = 18,
       VNET_F_CTRL_VLAN = 19,
       VNET_F_CTRL_RX_EXTRA = 20,
       VNET_F_GUEST_ANNOUNCE = 21,
       VNET_F_MQ = 22,
       VNET_F_CTRL_MAC_ADDR = 23,
       VNET_F_SPEED_DUPLEX = 63,
};

enum { /* configuration space */
       VNET_C_MAC = 0,
       VNET_C_STATUS = 6,
       VNET_C_PAIRS = 8,
       VNET_C_MTU = 10,
       VNET_C_SPEED = 12,
       VNET_C_DUPLEX = 16,
       VNET_C_SIZE = 17,
       VNET_S_LINK_UP = 1,
       VNET_S_ANNOUNCE = 2,
};

struct virtio_net;

/* The end of the cable that a pair of queues has. */
struct vnet_end {
    struct virtio_net *net;
    unsigned pair;
    struct net_port *port; /* nic.port, or one of `more` */
};

struct virtio_net {
    struct virtio_pci proxy;
    struct virtio v;
    struct nic nic;
    struct pci_rom rom;
    struct vnet_end end[VNET_PAIRS];
    struct net_port more[VNET_PAIRS - 1];
    unsigned pairs;  /* that the back end has */
    uint8_t *packet; /* room for one that is sent */

    /* properties */
    bool on[64]; /* features that may be offered */
    bool ignored;
    uint16_t rx_queue_size, tx_queue_size, host_mtu;
    int32_t speed;
    char *duplex, *tx;
    uint32_t txtimer;
    int32_t txburst;

    /* saved */
    uint16_t active;         /* pairs in use */
    uint64_t guest_offloads; /* by feature bit; what of them is in effect */
    bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
    bool uni_overflow, multi_overflow; /* more than the table holds */
    uint16_t unicasts, multicasts;     /* in the table: these first */
    uint8_t macs[VNET_MACS * NET_MAC];
    uint8_t vlans[VNET_VLANS / 8]; /* bits */
    uint32_t tx_waiting; /* queues whose peer has no room, a bit each pair */
};

static inline struct virtio_net *vnet_of(struct virtio *v)
{
    return container_of(v, struct virtio_net, v);
}

/* Number of the control queue: behind the pairs that the driver knows of. */
static inline unsigned vnet_ctrl_queue(const struct virtio_net *s)
{
    return virtio_has(&s->v, VNET_F_MQ) ? 2 * s->pairs : 2;
}

extern const struct dev_type virtio_net_types[VIRTIO_PCI_VARIANTS];

/* --- virtio_net_io.c --- */
extern const struct net_port_ops vnet_port_ops;
bool vnet_send(struct virtio *v, unsigned queue); /* the queue of a pair */
/* What the ports of the cables take, by features and control queue. */
void vnet_set_offloads(struct virtio_net *s);

/* --- virtio_net_ctrl.c --- */
bool vnet_ctrl(struct virtio *v, unsigned queue);
void vnet_filter_reset(struct virtio_net *s);
bool vnet_filter_takes(const struct virtio_net *s, const uint8_t *frame,
                       size_t len);

/* --- virtio_net.c --- */
void vnet_put_link(struct virtio_net *s, bool up);

#endif
