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

#endif
