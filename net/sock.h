/* SPDX-License-Identifier: MIT */
/*
 * Frames over sockets: -netdev socket, stream, dgram. Streams carry each frame
 * behind its length (four bytes, network order), as QEMU does.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "base/lock.h"
#include "base/opts.h"
#include "net/net.h"

/* Machine lock held. */
struct netdev *net_socket_new(const char *id, struct opts *o, struct lock *lock,
                              GError **error);
struct netdev *net_stream_new(const char *id, struct opts *o, struct lock *lock,
                              GError **error);
struct netdev *net_dgram_new(const char *id, struct opts *o, struct lock *lock,
                             GError **error);

#endif
