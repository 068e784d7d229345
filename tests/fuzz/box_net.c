/* SPDX-License-Identifier: MIT */
/* The other ends of the cables of a box's network cards: peers that mean ill. */
#include <string.h>

#include "hw/net/e1000_regs.h"
#include "hw/net/pcnet.h"
#include "hw/net/rtl8139.h"
#include "hw/pci/pci.h"
#include "tests/fuzz/box.h"

/* What a card sends comes back while it is still sending, if `echo`. */
struct box_net {
    struct netdev *netdev;
    bool full, echo;
};

static bool peer_can_receive(void *opaque)
{
    return !((struct box_net *)opaque)->full;
}

static void peer_receive(void *opaque, const struct net_packet *p)
{
    struct box_net *n = opaque;

    if (n->echo) {
        net_send_frame(&n->netdev->port[0], p->data, p->len);
    }
}

static const struct net_port_ops peer_ops = {.can_receive = peer_can_receive,
                                             .receive = peer_receive};

static void peer_free(struct netdev *n)
{
}

static const struct netdev_ops netdev_ops = {.kind = "fuzz", .free = peer_free};

void box_net_attach(struct box *b, struct dev *dev)
{
    g_autofree char *id = g_strdup_printf("net%u", b->nets->len);
    g_autofree char *mac = g_strdup_printf("52:54:00:00:00:%02x", b->nets->len);
    struct box_net *n;

    if (!dev_find_prop(dev->type, "netdev")) {
        return;
    }
    n = g_new0(struct box_net, 1);
    n->netdev = netdev_new(id, &netdev_ops, 1, NULL);
    net_port_init(&n->netdev->port[0], "fuzz", &peer_ops, n);
    machine_add_backend(&b->vm.machine, BACKEND_NETDEV, id, n->netdev);
    dev_set_prop(dev, "netdev", id, NULL);
    dev_set_prop(dev, "mac", mac, NULL);
    g_ptr_array_add(b->nets, n);
}

void box_net_free(struct box *b)
{
    for (guint i = 0; i < b->nets->len; i++) {
        g_free(b->nets->pdata[i]); /* the machine has freed its netdev */
    }
    g_ptr_array_free(b->nets, TRUE);
}

static void copy_port(struct net_port *to, const struct net_port *from)
{
    to->refused = from->refused;
    to->offloads = from->offloads;
    if (to->unplugged != from->unplugged) {
        net_set_link(to, !from->unplugged);
    }
}

void box_net_copy(struct box *to, const struct box *from)
{
    for (guint i = 0; i < from->nets->len; i++) {
        const struct box_net *x = from->nets->pdata[i];
        struct box_net *y = to->nets->pdata[i];
        struct net_port *a = &x->netdev->port[0];
        struct net_port *b = &y->netdev->port[0];

        y->full = x->full;
        y->echo = x->echo;
        copy_port(b, a);
        if (a->peer && b->peer) {
            b->peer->refused = a->peer->refused;
        }
    }
}

enum { FRAME_MAX = 2200, HEADER_BYTES = 60 };

/* The first bytes as given, the rest counts; to everybody, or to the card. */
static void send_frame(struct net_port *p, const struct net_action *a,
                       unsigned which)
{
    uint8_t to[2][NET_MAC] = {{255, 255, 255, 255, 255, 255},
                              {0x52, 0x54, 0, 0, 0, (uint8_t)which}};
    const uint8_t *head = a->head;
    unsigned len = a->len;
    uint8_t d[FRAME_MAX];
    struct net_packet packet = {.data = d, .len = len % FRAME_MAX};

    packet.csum_valid = len & 0x8000;
    for (unsigned i = 0; i < packet.len; i++) {
        d[i] = i < HEADER_BYTES ? head[i] : (uint8_t)i;
    }
    if (a->what & 0x40) {
        memcpy(d, to[a->what >> 7], NET_MAC);
    }
    for (unsigned i = 0; i < 1 + (len >> 12 & 3); i++) {
        net_send(p, &packet);
    }
}

void box_net_op(struct box *b, struct net_action *a)
{
    struct box_net *n;
    struct net_port *p;

    if (!b->nets->len) {
        return;
    }
    n = b->nets->pdata[a->which % b->nets->len];
    p = &n->netdev->port[0];
    switch (a->what & 15) {
    case 0:
        n->full = !n->full;
        if (!n->full) {
            net_ready(p);
        }
        break;
    case 1: net_set_link(p, p->unplugged); break;
    case 2: p->offloads = a->what >> 4; break;
    case 3: n->echo = !n->echo; break;
    default: send_frame(p, a, a->which % b->nets->len);
    }
}

/* --- what a driver would set up --- */

struct setup {
    const char *device;
    uint32_t at, value; /* in BAR 0 */
    uint8_t size;
};

/* Rings in low memory, where the fuzzer's descriptors are; all packets. */
static const struct setup setups[] = {
    {"e1000", E1000_TDLEN, 0x100, 4},
    {"e1000", E1000_TCTL, TCTL_EN, 4},
    {"e1000", E1000_RDBAL, 0x200, 4},
    {"e1000", E1000_RDLEN, 0x100, 4},
    {"e1000", E1000_RDT, 12, 4},
    {"e1000", E1000_IMS, ICR_ALL, 4},
    {"e1000", E1000_RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM, 4},
    {"e1000e", E1000_TDLEN, 0x100, 4},
    {"e1000e", E1000_TCTL, TCTL_EN, 4},
    {"e1000e", E1000_RDBAL, 0x200, 4},
    {"e1000e", E1000_RDLEN, 0x100, 4},
    {"e1000e", E1000_RDT, 12, 4},
    {"e1000e", E1000_IMS, ICR_ALL, 4},
    {"e1000e", E1000_RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM, 4},
    {"e1000e", E1000E_IVAR, 0x000fffff, 4},
    {"rtl8139", RTL_CPCR, CPCR_TX | CPCR_RX | CPCR_RX_CSUM, 2},
    {"rtl8139", RTL_CR, CR_TE | CR_RE, 1},
    {"rtl8139", RTL_RCR, RCR_AAP, 4},
    {"rtl8139", RTL_IMR, ISR_ALL, 2},
    {"rtl8139", RTL_RDSAR, 0x200, 4},
    {"ne2k_pci", 1, 0x46, 1},
    {"ne2k_pci", 2, 0x80, 1},
    {"ne2k_pci", 3, 0x46, 1},
    {"ne2k_pci", 0x0c, 0x1c, 1},
    {"ne2k_pci", 0x0f, 0x7f, 1},
    {"ne2k_pci", 0, 0x61, 1},
    {"ne2k_pci", 7, 0x47, 1},
    {"ne2k_pci", 0, 0x22, 1},
    {"pcnet", 0x12, 20, 2},
    {"pcnet", 0x16, 2, 2},
    {"pcnet", 0x12, 15, 2},
    {"pcnet", 0x10, MODE_PROM, 2},
    {"pcnet", 0x12, CSR_RCVRL, 2},
    {"pcnet", 0x10, 0xfff0, 2},
    {"pcnet", 0x12, CSR_XMTRL, 2},
    {"pcnet", 0x10, 0xfff0, 2},
    {"pcnet", 0x12, CSR_BADX, 2},
    {"pcnet", 0x10, 0x200, 2},
    {"pcnet", 0x12, 0, 2},
    {"pcnet", 0x10, C0_STRT | C0_INEA, 2},
};

void box_net_setup(struct machine *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(setups); i++) {
        struct dev *dev = machine_find_dev(m, setups[i].device);
        const struct pci_dev *d = container_of(dev, struct pci_dev, dev);
        uint32_t bar;

        if (!dev) {
            continue;
        }
        bar = ldl_u32(d->config + PCI_BAR0);
        space_write(bar & 1 ? &m->ports : &m->memory,
                    (bar & ~15u) + setups[i].at, setups[i].size,
                    setups[i].value);
    }
}
