/* SPDX-License-Identifier: MIT */
/*
 * What network cards do for their drivers, done in software: checksums of TCP
 * and UDP, and cutting a large TCP packet into segments. Pure functions; all
 * lengths and offsets in a packet may be anything.
 */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include "net/net.h"

/* The Internet checksum's running sum (RFC 1071), at any alignment. */
uint32_t net_sum(const void *data, size_t len, uint32_t sum);
/* Folds a sum and complements it; the 16 bits in network order as stored. */
uint16_t net_sum_finish(uint32_t sum);

/* Puts the checksum where csum_needed says, in `data`, a copy of p->data. */
void net_csum_fill(const struct net_packet *p, uint8_t *data);

/* For a TCP packet that is to be cut, whose driver left lengths to the card:
 * sets those of IP, IPv4's checksum, and the sum of the pseudo header. False:
 * it is no packet that can be cut. */
bool net_gso_lengths(const struct net_packet *p, uint8_t *data);

/*
 * Cuts p into frames of at most gso_size bytes of payload, with their own
 * lengths, identifications, sequence numbers, flags and checksums, and calls
 * emit() for each. False: it is no packet that can be cut.
 */
bool net_segment(const struct net_packet *p,
                 void (*emit)(void *opaque, const uint8_t *data, size_t len),
                 void *opaque);

/* CRC-32 of IEEE 802.3, e.g. of an address in a multicast filter. */
uint32_t net_crc32(const void *data, size_t len);

#endif
