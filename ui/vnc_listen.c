/* SPDX-License-Identifier: MIT */
#include "ui/vnc_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static int listen_at(const struct addrinfo *a)
{
    int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* The port: in both families it lies at the same place. */
static void set_port(const struct addrinfo *a, unsigned port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)a->ai_addr;

    in->sin_port = htons((uint16_t)port);
}

static int listen_ports(const struct addrinfo *a, const char *host,
                        unsigned *port, unsigned ports, GError **error)
{
    int fd = -1;

    for (unsigned i = 0; i < ports && *port + i <= 65535; i++) {
        set_port(a, *port + i);
        fd = listen_at(a);
        if (fd >= 0) {
            *port += i;
            return fd;
        }
        if (errno != EADDRINUSE) {
            fail_errno(error, "VNC: cannot listen on %s port %u",
                       host ? host : "any address,", *port + i);
            return -1;
        }
    }
    fail(error,
         "VNC: port %u (display :%d) is taken%s; add to=99 to try the next "
         "ones",
         *port, (int)*port - 5900,
         ports > 1 ? " and so are those behind it" : "");
    return -1;
}

int vnc_listen_tcp(const char *host, unsigned *port, unsigned ports,
                   GError **error)
{
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE,
        .ai_family = host && *host ? AF_UNSPEC : AF_INET,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *list = NULL;
    int fd;
    int e;

    host = host && *host ? host : NULL;
    e = getaddrinfo(host, "0", &hints, &list);
    if (e != 0) {
        fail(error, "VNC: no address of '%s': %s", host ? host : "",
             gai_strerror(e));
        return -1;
    }
    fd = listen_ports(list, host, port, ports, error);
    freeaddrinfo(list);
    return fd;
}

/* A socket that nobody listens on any more is in the way of a new one. */
static void remove_stale(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const void *)a, sizeof(*a)) < 0 &&
        errno == ECONNREFUSED) {
        unlink(a->sun_path);
    }
    close(fd);
}

int vnc_listen_unix(const char *path, GError **error)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd;

    if (!*path || strlen(path) >= sizeof(a.sun_path)) {
        fail(error, "VNC: unix:%s: want a path of up to %d characters", path,
             (int)sizeof(a.sun_path) - 1);
        return -1;
    }
    strcpy(a.sun_path, path);
    remove_stale(&a);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (void *)&a, sizeof(a)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        fail_errno(error, "VNC: cannot listen on '%s'", path);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}
