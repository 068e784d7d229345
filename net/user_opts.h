/* SPDX-License-Identifier: MIT */
/* The options of -netdev user, checked: both processes read them. */
#ifndef NET_USER_OPTS_H
#define NET_USER_OPTS_H

#include <netinet/in.h>

#include "base/opts.h"

struct user_forward {
    bool udp;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } host, guest;
};

struct user_opts {
    bool ipv4, ipv6, restricted;
    struct in_addr net, mask, host, dhcp, dns;
    struct in6_addr prefix6, host6, dns6;
    uint8_t prefix6_len;
    const char *hostname, *domain, *tftp, *tftp_name, *bootfile;
    GPtrArray *search;  /* const char *, ends with NULL; dnssearch= */
    GPtrArray *forward; /* const char *: hostfwd= */
};

/* Strings belong to `o`, which must stay. */
bool user_opts_parse(struct user_opts *u, struct opts *o, GError **error);
void user_opts_clear(struct user_opts *u);
/* "tcp:[ADDR]:PORT-[ADDR]:PORT"; without `guest` what is before the dash. */
bool user_forward_parse(struct user_forward *f, const char *text, bool guest,
                        GError **error);

#endif
