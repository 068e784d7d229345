/* SPDX-License-Identifier: MIT */
/*
 * What all network cards have in common: the properties `netdev` and `mac`,
 * and the port of their cable. Machine lock held in all calls.
 */
#ifndef HW_NET_NIC_H
#define HW_NET_NIC_H

#include "hw/core/machine.h"
#include "net/net.h"

struct nic {
    struct dev *dev;
    char *netdev;   /* property: id of the back end, NULL = none */
    char *mac_text; /* property "mac": NULL = the next of 52:54:00:12:34:56 */
    char *romfile;  /* property: PXE ROM; NULL or "" = none */
    int32_t bootindex;    /* property */
    uint8_t mac[NET_MAC]; /* in the EEPROM */
    struct net_port port;
};

/* clang-format off */
#define NIC_PROPS(type, m) \
    PROP_STR(type, m.netdev, "netdev", NULL), \
    PROP_STR(type, m.mac_text, "mac", NULL), \
    PROP_STR(type, m.romfile, "romfile", NULL), \
    PROP_AS(type, m.bootindex, "bootindex", -1)
/* clang-format on */

/* Takes a MAC address and connects the port to the back end, in realize. */
bool nic_realize(struct dev *dev, struct nic *nic,
                 const struct net_port_ops *ops, void *opaque, GError **error);
void nic_unrealize(struct nic *nic);
/* Of a multicast address: the upper bits of the CRC index a table of 64 as
 * most chips have it. */
unsigned nic_hash64(const uint8_t *mac);

static inline bool nic_is_broadcast(const uint8_t *mac)
{
    return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static inline bool nic_is_multicast(const uint8_t *mac)
{
    return mac[0] & 1;
}

#endif
