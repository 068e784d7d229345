/* SPDX-License-Identifier: MIT */
#include "hw/net/nic.h"

#include <stdio.h>
#include <string.h>

#include "net/offload.h"

static bool parse_mac(const char *text, uint8_t *mac, GError **error)
{
    unsigned v[NET_MAC];
    int used = 0;

    if (sscanf(text, "%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%n",
               &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &used) != NET_MAC ||
        text[used]) {
        return fail(error,
                    "mac=%s: a MAC address is six hexadecimal bytes, as in "
                    "52:54:00:12:34:56",
                    text);
    }
    for (unsigned i = 0; i < NET_MAC; i++) {
        mac[i] = (uint8_t)v[i];
    }
    if (nic_is_multicast(mac)) {
        return fail(
            error, "mac=%s is a multicast address; a card's first byte is even",
            text);
    }
    return true;
}

/* The addresses that cards get in order, as under QEMU. */
static void next_mac(struct machine *m, uint8_t *mac)
{
    static const uint8_t first[NET_MAC] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    memcpy(mac, first, NET_MAC);
    mac[5] = (uint8_t)(mac[5] + m->nics->len);
}

static bool connect(struct machine *m, struct nic *nic, GError **error)
{
    struct netdev *n = machine_backend(m, BACKEND_NETDEV, nic->netdev);

    if (!n) {
        return fail(error, "netdev=%s: there is no -netdev with that id",
                    nic->netdev);
    }
    return net_connect(&nic->port, &n->port[0], error);
}

bool nic_realize(struct dev *dev, struct nic *nic,
                 const struct net_port_ops *ops, void *opaque, GError **error)
{
    nic->dev = dev;
    net_port_init(&nic->port, dev_name(dev), ops, opaque);
    if (!nic->mac_text) {
        next_mac(dev->machine, nic->mac);
    } else if (!parse_mac(nic->mac_text, nic->mac, error)) {
        return false;
    }
    if (nic->netdev && !connect(dev->machine, nic, error)) {
        return false;
    }
    g_ptr_array_add(dev->machine->nics, nic);
    return true;
}

void nic_unrealize(struct nic *nic)
{
    g_ptr_array_remove(nic->dev->machine->nics, nic);
    net_port_clear(&nic->port);
}

unsigned nic_hash64(const uint8_t *mac)
{
    uint32_t crc = ~net_crc32(mac, NET_MAC), reversed = 0;

    for (unsigned i = 0; i < 32; i++) {
        reversed |= (crc >> i & 1) << (31 - i);
    }
    return reversed >> 26;
}
