/* SPDX-License-Identifier: MIT */
/* Listening sockets of the VNC server: TCP of both families, Unix. */
#ifndef UI_VNC_LISTEN_H
#define UI_VNC_LISTEN_H

#include "base/error.h"

/*
 * One of `ports` ports from `port` on, at a host's address (NULL: any). The
 * descriptor, or -1 with an error that says what is wrong. *port: the one that
 * it became.
 */
int vnc_listen_tcp(const char *host, unsigned *port, unsigned ports,
                   GError **error);
int vnc_listen_unix(const char *path, GError **error);

#endif
