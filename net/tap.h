/* SPDX-License-Identifier: MIT */
/* -netdev tap: an interface of the host. */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "base/lock.h"
#include "base/opts.h"
#include "net/net.h"

/* Machine lock held. */
struct netdev *net_tap_new(const char *id, struct opts *o, struct lock *lock,
                           GError **error);

#endif
