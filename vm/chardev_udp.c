/* SPDX-License-Identifier: MIT */
/*
 * A stream over UDP: what is written at once is one datagram; of what comes
 * in, the front end gets as much as it has room for at a time.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vm/chardev_kinds.h"

struct udp {
    struct chardev_fd fd; /* first: chardev_fd_free() frees it */
    uint8_t held[65536];  /* the rest of a datagram */
    unsigned at, len;
};

static ssize_t udp_take(struct udp *u, void *buf, size_t room)
{
    unsigned n = (unsigned)MIN(room, u->len - u->at);

    memcpy(buf, u->held + u->at, n);
    u->at += n;
    return n;
}

static ssize_t udp_read(struct chardev_fd *c, void *buf, size_t room)
{
    struct udp *u = container_of(c, struct udp, fd);

    if (u->at == u->len) {
        ssize_t n = recv(c->in, u->held, sizeof(u->held), 0);

        if (n <= 0) { /* empty, or refused by nobody who listens */
            errno = EAGAIN;
            return -1;
        }
        u->at = 0;
        u->len = (unsigned)n;
    }
    return udp_take(u, buf, room);
}

/* Room again: the rest first, which no descriptor tells of. */
static void udp_accept_input(struct chardev *chardev)
{
    struct udp *u = container_of(chardev, struct udp, fd.chardev);
    const struct chardev_front *f = &chardev->front;

    while (u->at < u->len && f->receive) {
        unsigned room = f->can_receive ? f->can_receive(f->opaque) : 4096;
        uint8_t buf[4096];
        ssize_t n = udp_take(u, buf, MIN(room, sizeof(buf)));

        if (n == 0) {
            return;
        }
        f->receive(f->opaque, buf, (unsigned)n);
    }
    chardev_fd_accept_input(chardev);
}

static const struct chardev_ops udp_ops = {
    .name = "udp",
    .write = chardev_fd_write,
    .accept_input = udp_accept_input,
    .describe = chardev_fd_describe,
    .free = chardev_fd_free,
};

static struct addrinfo *udp_resolve(const char *host, const char *port,
                                    int family, GError **error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                                   .ai_family = family,
                                   .ai_flags = host ? 0 : AI_PASSIVE};
    struct addrinfo *list = NULL;
    int e = getaddrinfo(host, port, &hints, &list);

    if (e) {
        fail(error, "address %s:%s: %s", host ? host : "", port,
             gai_strerror(e));
        return NULL;
    }
    return list;
}

static int udp_open(const char *host, const char *port, const char *local_host,
                    const char *local_port, GError **error)
{
    struct addrinfo *to = udp_resolve(host, port, AF_UNSPEC, error);
    struct addrinfo *from =
        to ? udp_resolve(local_host, local_port, to->ai_family, error) : NULL;
    int fd = -1;

    if (from) {
        fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, from->ai_addr, from->ai_addrlen) < 0 ||
            connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
            fail_errno(error, "udp %s:%s from port %s", host, port, local_port);
            if (fd >= 0) {
                close(fd);
            }
            fd = -1;
        }
        freeaddrinfo(from);
    }
    if (to) {
        freeaddrinfo(to);
    }
    return fd;
}

/* "host:port" into its parts; the host may be empty. */
static bool split(const char *text, char **host, char **port)
{
    const char *colon = strrchr(text, ':');

    if (!colon || !colon[1]) {
        return false;
    }
    *host = colon == text ? NULL : g_strndup(text, (gsize)(colon - text));
    *port = g_strdup(colon + 1);
    return true;
}

struct udp_place {
    char *host, *port, *local_host, *local_port;
};

/* addr="[HOST]:PORT[@[HOST]:PORT]", or the parts by name. */
static bool udp_place(struct udp_place *p, struct opts *o)
{
    const char *addr = opts_get(o, "addr");
    g_auto(GStrv) ends = g_strsplit(addr ? addr : "", "@", 2);

    if (addr) {
        return ends[0] && split(ends[0], &p->host, &p->port) &&
               (!ends[1] || split(ends[1], &p->local_host, &p->local_port));
    }
    p->host = g_strdup(opts_get(o, "host"));
    p->port = g_strdup(opts_get(o, "port"));
    p->local_host = g_strdup(opts_get(o, "localaddr"));
    p->local_port = g_strdup(opts_get(o, "localport"));
    return p->port;
}

struct chardev *chardev_udp_new(struct machine *m, const char *id,
                                struct opts *o, GError **error)
{
    struct udp_place p = {0};
    g_autofree char *what = NULL;
    struct udp *u = NULL;
    int fd = -1;

    if (!udp_place(&p, o)) {
        fail(error, "chardev '%s': want udp:[HOST]:PORT[@[HOST]:PORT]", id);
    } else {
        fd = udp_open(p.host ? p.host : "localhost", p.port, p.local_host,
                      p.local_port ? p.local_port : "0", error);
    }
    if (fd >= 0) {
        what = g_strdup_printf("udp:%s:%s", p.host ? p.host : "", p.port);
        u = g_new0(struct udp, 1);
        u->fd.owned = true;
        u->fd.read = udp_read;
        chardev_fd_init(&u->fd, &m->lock, id, fd, fd, what);
        u->fd.chardev.ops = &udp_ops;
    } else if (error && *error) {
        g_prefix_error(error, "chardev '%s': ", id);
    }
    g_free(p.host);
    g_free(p.port);
    g_free(p.local_host);
    g_free(p.local_port);
    return u ? &u->fd.chardev : NULL;
}
