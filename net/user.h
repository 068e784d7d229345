/* SPDX-License-Identifier: MIT */
/*
 * -netdev user: the guest's packets become connections of this host's user,
 * by libslirp, which runs in a process of its own that may open no files.
 */
#ifndef NET_USER_H
#define NET_USER_H

#include "base/lock.h"
#include "base/opts.h"
#include "net/net.h"

/* The first argument of the process that rhea starts for it. */
#define NET_USER_CHILD "-net-user-child"

/*
 * `program`: a file whose main() begins with net_user_child(), or NULL: then
 * it fails. Machine lock held. The error is libslirp's or the host's: a port
 * that is taken, with the next one that is free.
 */
struct netdev *net_user_new(const char *id, struct opts *o, const char *program,
                            struct lock *lock, GError **error);
bool net_user_is(const struct netdev *n);
/* "tcp::2222-:22", as hostfwd= has it. */
bool net_user_add_forward(struct netdev *n, const char *text, GError **error);
/* "tcp::2222" */
bool net_user_remove_forward(struct netdev *n, const char *text,
                             GError **error);
/* Connections, as text; g_free() it. NULL: the process does not answer. */
char *net_user_info(struct netdev *n);

/* The process itself: main() of NET_USER_CHILD FD OPTIONS. */
int net_user_child(int argc, char **argv);

#endif
