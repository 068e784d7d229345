/* SPDX-License-Identifier: MIT */
#include "net/sock_addr.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static bool resolve(struct sock_addr *a, const char *host, const char *port,
                    bool passive, GError **error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = passive ? AI_PASSIVE : 0};
    struct addrinfo *list = NULL;
    int why;

    /* Both kinds of addresses are meant by none: IPv4, as ever. */
    hints.ai_family = host && *host ? AF_UNSPEC : AF_INET;
    why = getaddrinfo(host && *host ? host : NULL, port, &hints, &list);
    if (why) {
        return fail(error, "%s:%s: %s", host ? host : "", port,
                    gai_strerror(why));
    }
    memcpy(&a->any, list->ai_addr, list->ai_addrlen);
    a->len = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

bool sock_addr_text(struct sock_addr *a, const char *text, bool passive,
                    GError **error)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *host =
        colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
    size_t n = host ? strlen(host) : 0;

    *a = (struct sock_addr){.fd = -1};
    if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = 0;
    }
    return resolve(a, host, colon ? colon + 1 : text, passive, error) ||
           (g_prefix_error(error, "want HOST:PORT: "), false);
}

static const char *get(struct opts *o, const char *prefix, const char *name)
{
    g_autofree char *key = g_strdup_printf("%s.%s", prefix, name);

    return opts_get(o, key);
}

static bool unix_path(struct sock_addr *a, const char *path, GError **error)
{
    if (!path || !*path || strlen(path) >= sizeof(a->un.sun_path)) {
        return fail(error, "path=%s: want a path of 1 to %zu bytes",
                    path ? path : "", sizeof(a->un.sun_path) - 1);
    }
    a->un.sun_family = AF_UNIX;
    g_strlcpy(a->un.sun_path, path, sizeof(a->un.sun_path));
    a->len = sizeof(a->un);
    return true;
}

bool sock_addr_opts(struct sock_addr *a, struct opts *o, const char *prefix,
                    bool passive, GError **error)
{
    const char *type = get(o, prefix, "type");
    const char *host = get(o, prefix, "host");
    const char *port = get(o, prefix, "port");
    const char *path = get(o, prefix, "path");
    const char *str = get(o, prefix, "str");
    char *end = NULL;

    *a = (struct sock_addr){.fd = -1};
    if (!type) {
        return !host && !port && !path && !str
                   ? true
                   : fail(error, "%s.type= is missing: inet, unix or fd",
                          prefix);
    }
    if (strcmp(type, "inet") == 0) {
        return port ? resolve(a, host, port, passive, error)
                    : fail(error, "%s.port= is missing", prefix);
    }
    if (strcmp(type, "unix") == 0) {
        return unix_path(a, path, error);
    }
    if (strcmp(type, "fd") == 0) {
        a->fd = str ? (int)strtol(str, &end, 10) : -1;
        return (str && *str && !*end && a->fd >= 0) ||
               fail(error, "%s.str=%s: want the number of a descriptor", prefix,
                    str ? str : "");
    }
    return fail(error, "%s.type=%s: there are inet, unix and fd", prefix, type);
}
