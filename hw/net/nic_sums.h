/* SPDX-License-Identifier: MIT */
/* Checksums that cards verify for their drivers when a packet arrives. */
#ifndef HW_NET_NIC_SUMS_H
#define HW_NET_NIC_SUMS_H

#include "net/net.h"

struct nic_sums {
    bool ip4, ip6;
    bool tcp, udp; /* not of fragments, nor behind IPv6 extension headers */
    bool l4_sum;   /* there is one to check */
    bool ip_good;  /* IPv4's header */
    bool l4_good;
    uint8_t protocol; /* of IP */
};

/* p->csum_valid is believed. */
void nic_sums(const struct net_packet *p, struct nic_sums *out);

/* What a chip that finds its way through IPv4 by itself is asked for. */
struct nic_tx_sums {
    bool ip, tcp, udp;
    unsigned mss; /* of TCP segments; 0: none are wanted */
};

/*
 * Fills in sums and requests of a packet that is to be sent; `data` is
 * p->data, to be written. What is no IPv4, or cut short, stays as it is.
 */
void nic_request_sums(struct net_packet *p, uint8_t *data,
                      const struct nic_tx_sums *want);

#endif
