/* SPDX-License-Identifier: MIT */
/*
 * Streams over sockets: TCP and Unix, server and client, one peer at a time;
 * with the options of telnet where asked for ([RFC854], echo, binary), with
 * descriptors passed on Unix sockets.
 *
 * Not modelled: TLS, websockets.
 */
#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "vm/chardev_kinds.h"

enum { FDS_MAX = 16 };

enum { /* telnet */
       IAC = 255,
       DO = 253,
       WILL = 251,
       SB = 250,
       SE = 240,
       OPT_BINARY = 0,
       OPT_ECHO = 1,
       OPT_SGA = 3,
};

enum telnet_state { TEXT, AFTER_CR, AFTER_IAC, OPTION, SUB, SUB_IAC };

struct sock {
    struct chardev_fd fd; /* first: chardev_fd_free() frees it */
    char *path;           /* Unix, or NULL */
    char *bound;          /* likewise, absolute: removed at the end */
    char *host, *port;    /* TCP */
    int family;           /* AF_UNSPEC, AF_INET, AF_INET6 */
    uint64_t port_to;     /* last port to try */
    bool server, wait, telnet, nodelay, passed; /* passed: fd= */
    uint64_t reconnect_ms;                      /* client: 0 = once */
    int listener;
    GSource *accepting;
    guint timer; /* until the next try to connect */
    enum telnet_state telnet_state;
    int fds[FDS_MAX]; /* that the peer passed */
    unsigned fds_count;
};

static struct sock *sock_of(struct chardev_fd *c)
{
    return container_of(c, struct sock, fd);
}

/* --- names --- */

static const char *kind_name(const struct sock *s)
{
    return s->path ? "unix" : s->telnet ? "telnet" : "tcp";
}

static char *place(const struct sock *s)
{
    if (s->path) {
        return g_strdup(s->path);
    }
    return g_strdup_printf(s->host && strchr(s->host, ':') ? "[%s]:%s"
                                                           : "%s:%s",
                           s->host ? s->host : "", s->port ? s->port : "");
}

static void sock_name(struct sock *s)
{
    g_autofree char *at = place(s);

    g_free(s->fd.what);
    s->fd.what = g_strdup_printf(
        "%s%s:%s%s", s->fd.chardev.open ? "" : "disconnected:", kind_name(s),
        at, s->server ? ",server=on" : "");
}

/* --- descriptors from the peer --- */

static void take_fds(struct sock *s, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
            if (s->fds_count < FDS_MAX) {
                s->fds[s->fds_count++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

static void drop_fds(struct sock *s)
{
    while (s->fds_count) {
        close(s->fds[--s->fds_count]);
    }
}

/* The oldest one. */
static int sock_take_fd(struct chardev *c)
{
    struct sock *s = sock_of(container_of(c, struct chardev_fd, chardev));
    int fd;

    if (s->fds_count == 0) {
        return -1;
    }
    fd = s->fds[0];
    s->fds_count--;
    memmove(s->fds, s->fds + 1, s->fds_count * sizeof(s->fds[0]));
    return fd;
}

/* --- telnet --- */

/* One byte of input: true where it is text. */
static bool telnet_byte(struct sock *s, uint8_t b)
{
    if (s->telnet_state == AFTER_CR) {
        s->telnet_state = TEXT;
        if (b == 0) {
            return false;
        }
    }
    switch (s->telnet_state) {
    case AFTER_CR:
    case TEXT:
        if (b == IAC) {
            s->telnet_state = AFTER_IAC;
            return false;
        }
        if (b == '\r') {
            s->telnet_state = AFTER_CR;
        }
        return true;
    case AFTER_IAC:
        s->telnet_state = b == SB ? SUB : b >= WILL && b < IAC ? OPTION : TEXT;
        return b == IAC;
    case SUB:
        if (b == IAC) {
            s->telnet_state = SUB_IAC;
        }
        return false;
    case SUB_IAC: s->telnet_state = b == SE ? TEXT : SUB; return false;
    case OPTION: s->telnet_state = TEXT; return false;
    }
    return true;
}

static ssize_t sock_read(struct chardev_fd *c, void *buf, size_t len)
{
    struct sock *s = sock_of(c);
    union { /* aligned as the kernel wants it */
        char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {buf, len};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.buf,
                         .msg_controllen = sizeof(control.buf)};
    ssize_t n = recvmsg(c->in, &msg, MSG_CMSG_CLOEXEC);
    uint8_t *p = buf;
    ssize_t kept = 0;

    if (n <= 0) {
        return n;
    }
    take_fds(s, &msg);
    if (!s->telnet) {
        return n;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (telnet_byte(s, p[i])) {
            p[kept++] = p[i];
        }
    }
    if (kept == 0) {
        errno = EAGAIN;
        return -1;
    }
    return kept;
}

/* An IAC in the text is sent twice. */
static unsigned sock_write(struct chardev *c, const uint8_t *buf, unsigned len)
{
    struct sock *s = sock_of(container_of(c, struct chardev_fd, chardev));
    static const uint8_t twice[] = {IAC, IAC};
    unsigned done = 0;

    while (s->telnet && done < len) {
        const uint8_t *at = memchr(buf + done, IAC, len - done);
        unsigned n = at ? (unsigned)(at - buf) - done : len - done;

        if (n && chardev_fd_write(c, buf + done, n) == 0) {
            return done;
        }
        done += n;
        if (at && chardev_fd_write(c, twice, sizeof(twice))) {
            done++;
        } else if (at) {
            return done;
        }
    }
    return s->telnet ? len : chardev_fd_write(c, buf, len);
}

static const struct chardev_ops sock_ops = {
    .name = "socket",
    .write = sock_write,
    .accept_input = chardev_fd_accept_input,
    .take_fd = sock_take_fd,
    .describe = chardev_fd_describe,
    .free = chardev_fd_free,
};

/* --- a peer comes and goes --- */

static void sock_connected(struct sock *s, int fd)
{
    static const uint8_t hello[] = {IAC,        WILL,    OPT_ECHO, IAC,
                                    WILL,       OPT_SGA, IAC,      WILL,
                                    OPT_BINARY, IAC,     DO,       OPT_BINARY};
    int on = 1;

    if (!s->path && s->nodelay) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    s->telnet_state = TEXT;
    if (s->telnet && write(fd, hello, sizeof(hello)) < 0) {
        /* it is gone already: reading will tell */
        s->telnet_state = TEXT;
    }
    s->fd.chardev.open = true;
    sock_name(s);
    chardev_fd_open(&s->fd, fd, fd);
}

static void accepting_stop(struct sock *s)
{
    if (s->accepting) {
        g_source_destroy(s->accepting);
        g_clear_pointer(&s->accepting, g_source_unref);
    }
}

static gboolean sock_accept(gint listener, GIOCondition what, gpointer data)
{
    struct sock *s = data;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        lock_enter(s->fd.lock);
        accepting_stop(s);
        sock_connected(s, fd);
        lock_leave(s->fd.lock);
    }
    return fd >= 0 ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void accepting_start(struct sock *s)
{
    s->accepting = g_unix_fd_source_new(s->listener, G_IO_IN);
    g_source_set_callback(s->accepting, G_SOURCE_FUNC(sock_accept), s, NULL);
    g_source_attach(s->accepting, NULL);
}

static int sock_connect(const struct sock *s, GError **error);

static gboolean sock_retry(gpointer data)
{
    struct sock *s = data;
    int fd;

    lock_enter(s->fd.lock);
    fd = sock_connect(s, NULL);
    if (fd >= 0) {
        s->timer = 0;
        sock_connected(s, fd);
    }
    lock_leave(s->fd.lock);
    return fd >= 0 ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void retry_start(struct sock *s)
{
    s->timer = g_timeout_add((guint)s->reconnect_ms, sock_retry, s);
}

static void sock_closed(struct chardev_fd *c)
{
    struct sock *s = sock_of(c);

    chardev_fd_close(c);
    drop_fds(s);
    sock_name(s);
    if (s->listener >= 0 && !s->accepting) {
        accepting_start(s);
    } else if (s->reconnect_ms && !s->timer) {
        retry_start(s);
    }
}

static void sock_release(struct chardev_fd *c)
{
    struct sock *s = sock_of(c);

    accepting_stop(s);
    if (s->timer) {
        g_source_remove(s->timer);
    }
    drop_fds(s);
    if (s->listener >= 0) {
        close(s->listener);
        if (s->bound) {
            unlink(s->bound);
        }
    }
    g_free(s->path);
    g_free(s->bound);
    g_free(s->host);
    g_free(s->port);
}

/* --- addresses --- */

static bool unix_address(const struct sock *s, struct sockaddr_un *un,
                         GError **error)
{
    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(s->path) >= sizeof(un->sun_path)) {
        return fail(error, "the socket path '%s' is too long (over %zu bytes)",
                    s->path, sizeof(un->sun_path) - 1);
    }
    strcpy(un->sun_path, s->path);
    return true;
}

static int unix_listen(const struct sock *s, GError **error)
{
    struct sockaddr_un un;
    int fd;

    if (!unix_address(s, &un, error)) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(s->path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
        listen(fd, 1) < 0) {
        fail_errno(error, "cannot listen on socket '%s'", s->path);
        close(fd);
        return -1;
    }
    return fd;
}

static int unix_connect(const struct sock *s, GError **error)
{
    struct sockaddr_un un;
    int fd;

    if (!unix_address(s, &un, error)) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
        fail_errno(error, "cannot connect to socket '%s'", s->path);
        close(fd);
        return -1;
    }
    return fd;
}

static struct addrinfo *tcp_addresses(const struct sock *s, const char *port,
                                      GError **error)
{
    const struct addrinfo hints = {
        .ai_family = s->family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = s->server ? AI_PASSIVE : 0,
    };
    const char *host = s->host && *s->host ? s->host : NULL;
    struct addrinfo *list = NULL;
    int e = getaddrinfo(host, port, &hints, &list);

    if (e) {
        fail(error, "address %s:%s: %s", host ? host : "", port,
             gai_strerror(e));
        return NULL;
    }
    return list;
}

static int tcp_listen_at(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 1) < 0) {
        int e = errno;

        close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

/* The main loop waits meanwhile, so not for long. */
static int tcp_connect_to(const struct addrinfo *a)
{
    const struct timeval limit = {.tv_sec = 2};
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
        int e = errno;

        close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

/* The first address that works. */
static int tcp_open(const struct sock *s, const char *port,
                    int (*open_at)(const struct addrinfo *a), GError **error)
{
    struct addrinfo *list = tcp_addresses(s, port, error);
    int fd = -1;

    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = open_at(a);
    }
    if (list && fd < 0) {
        fail_errno(error, "cannot %s %s:%s",
                   s->server ? "listen on" : "connect to",
                   s->host ? s->host : "", port);
    }
    if (list) {
        freeaddrinfo(list);
    }
    return fd;
}

/* The port that the kernel chose for 0, or to=. */
static void tcp_learn_port(struct sock *s)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    char port[16];

    if (getsockname(s->listener, (struct sockaddr *)&at, &len) == 0 &&
        getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof(port),
                    NI_NUMERICSERV) == 0) {
        g_free(s->port);
        s->port = g_strdup(port);
    }
}

static int tcp_listen(const struct sock *s, GError **error)
{
    uint64_t port = g_ascii_strtoull(s->port, NULL, 10);

    for (; port < s->port_to; port++) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, port);
        int fd = tcp_open(s, text, tcp_listen_at, NULL);

        if (fd >= 0) {
            return fd;
        }
    }
    return tcp_open(s, s->port, tcp_listen_at, error);
}

static int sock_connect(const struct sock *s, GError **error)
{
    return s->path ? unix_connect(s, error)
                   : tcp_open(s, s->port, tcp_connect_to, error);
}

/* --- making one --- */

/* "host:port", "[::1]:port" */
static bool split_address(struct sock *s, const char *addr, GError **error)
{
    const char *colon = strrchr(addr, ':');
    size_t len;

    if (!colon) {
        return fail(error, "'%s': want HOST:PORT", addr);
    }
    len = (size_t)(colon - addr);
    if (addr[0] == '[' && len >= 2 && colon[-1] == ']') {
        addr++;
        len -= 2;
    }
    s->host = g_strndup(addr, len);
    s->port = g_strdup(colon + 1);
    return *s->port || fail(error, "'%s': want a port behind the colon", addr);
}

static bool parse_family(struct sock *s, struct opts *o, GError **error)
{
    bool v4 = !opts_has(o, "ipv6");
    bool v6 = !opts_has(o, "ipv4");

    if (!opts_get_bool(o, "ipv4", &v4, error) ||
        !opts_get_bool(o, "ipv6", &v6, error)) {
        return false;
    }
    s->family = v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
    return true;
}

static bool parse_place(struct sock *s, struct opts *o, uint64_t *fd,
                        GError **error)
{
    const char *addr = opts_get(o, "addr");
    const char *path = opts_get(o, "path");
    const char *port = opts_get(o, "port");
    const char *host = opts_get(o, "host");

    if (opts_has(o, "fd")) {
        s->passed = true;
        s->path = g_strdup(path);
        s->port = path ? NULL : g_strdup(opts_get(o, "fd"));
        return opts_get_uint(o, "fd", 1 << 20, fd, error);
    }
    if (addr) {
        return split_address(s, addr, error);
    }
    if (path && *path) {
        s->path = g_strdup(path);
        return true;
    }
    s->host = g_strdup(host ? host : "");
    s->port = g_strdup(port);
    return port ||
           fail(error, "want path=NAME, host=NAME,port=NUMBER, or fd=NUMBER");
}

static bool sock_parse(struct sock *s, struct opts *o, uint64_t *fd,
                       GError **error)
{
    bool delay = false;
    uint64_t seconds = 0;

    s->wait = true;
    if (!parse_place(s, o, fd, error) || !parse_family(s, o, error) ||
        !opts_get_bool(o, "server", &s->server, error) ||
        !opts_get_bool(o, "wait", &s->wait, error) ||
        !opts_get_bool(o, "telnet", &s->telnet, error) ||
        !opts_get_bool(o, "delay", &delay, error) ||
        !opts_get_bool(o, "nodelay", &s->nodelay, error) ||
        !opts_get_uint(o, "to", 65535, &s->port_to, error) ||
        !opts_get_uint(o, "reconnect", 86400, &seconds, error) ||
        !opts_get_uint(o, "reconnect-ms", 86400000, &s->reconnect_ms, error)) {
        return false;
    }
    s->nodelay |= opts_has(o, "delay") && !delay;
    s->reconnect_ms += seconds * 1000;
    if (s->server && s->reconnect_ms) {
        return fail(error, "reconnect is for clients, not with server=on");
    }
    return true;
}

/* A server that waits: nothing happens before somebody is there. */
static bool sock_wait(struct sock *s, GError **error)
{
    g_autofree char *at = place(s);
    int fd;

    warn_user("waiting for a connection on %s:%s", kind_name(s), at);
    do {
        fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return fail_errno(error, "cannot accept a connection");
    }
    sock_connected(s, fd);
    return true;
}

static bool sock_start_server(struct sock *s, uint64_t fd, GError **error)
{
    s->listener = s->passed ? (int)fd
                  : s->path ? unix_listen(s, error)
                            : tcp_listen(s, error);
    if (s->listener < 0) {
        return false;
    }
    if (!s->path && !s->passed) {
        tcp_learn_port(s);
    } else if (!s->passed) {
        s->bound = g_canonicalize_filename(s->path, NULL);
    }
    sock_name(s);
    if (s->wait) {
        return sock_wait(s, error);
    }
    g_unix_set_fd_nonblocking(s->listener, TRUE, NULL);
    accepting_start(s);
    return true;
}

static bool sock_start(struct sock *s, uint64_t passed, GError **error)
{
    int fd;

    if (s->server) {
        return sock_start_server(s, passed, error);
    }
    if (s->passed) {
        sock_connected(s, (int)passed);
        return true;
    }
    fd = sock_connect(s, s->reconnect_ms ? NULL : error);
    if (fd >= 0) {
        sock_connected(s, fd);
    } else if (s->reconnect_ms) {
        retry_start(s);
    }
    return fd >= 0 || s->reconnect_ms;
}

struct chardev *chardev_socket_new(struct machine *m, const char *id,
                                   struct opts *o, GError **error)
{
    struct sock *s = g_new0(struct sock, 1);
    uint64_t fd = 0;

    s->listener = -1;
    s->fd.owned = true;
    s->fd.read = sock_read;
    s->fd.closed = sock_closed;
    s->fd.release = sock_release;
    chardev_fd_init(&s->fd, &m->lock, id, -1, -1, "");
    s->fd.chardev.ops = &sock_ops;
    if (!sock_parse(s, o, &fd, error) || !sock_start(s, fd, error)) {
        if (error) {
            g_prefix_error(error, "chardev '%s': ", id);
        }
        chardev_fd_free(&s->fd.chardev);
        return NULL;
    }
    sock_name(s);
    return &s->fd.chardev;
}
