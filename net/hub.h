/* SPDX-License-Identifier: MIT */
/* A hub: what comes in at one port goes out at all others. */
#ifndef NET_HUB_H
#define NET_HUB_H

#include "net/net.h"

/* A port of hub `hubid`: -netdev hubport. `sibling`: any other port of that
 * hub, or NULL for the first one. Machine lock held. */
struct netdev *net_hubport_new(const char *id, unsigned hubid,
                               struct netdev *sibling);
bool net_hubport_is(const struct netdev *n, unsigned hubid);

#endif
