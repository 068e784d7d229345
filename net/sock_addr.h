/* SPDX-License-Identifier: MIT */
/* Addresses of sockets from options. */
#ifndef NET_SOCK_ADDR_H
#define NET_SOCK_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/opts.h"

struct sock_addr {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
    socklen_t len; /* 0: none was given */
    int fd;        /* instead of an address; -1 */
};

/* "HOST:PORT", ":PORT", "PORT". */
bool sock_addr_text(struct sock_addr *a, const char *text, bool passive,
                    GError **error);
/* PREFIX.type=inet|unix|fd, PREFIX.host=, PREFIX.port=, PREFIX.path=,
 * PREFIX.str=. Nothing given: len 0 and fd -1. */
bool sock_addr_opts(struct sock_addr *a, struct opts *o, const char *prefix,
                    bool passive, GError **error);

#endif
