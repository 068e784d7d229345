/* SPDX-License-Identifier: MIT */
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/sock_addr.h"

enum { LENGTH = 4, OUT_MAX = 1 << 20, BACKLOG = 1 };

struct sock {
    struct netdev *netdev;
    struct lock *lock;
    bool stream;
    int listener, fd; /* -1 = none */
    guint accept_source, source, retry;
    GIOCondition waiting;
    struct sock_addr to; /* datagrams; streams that connect again */
    uint64_t reconnect;  /* seconds, 0 = never */
    char *what;          /* for people */
    /* What has come: in[0..have), of which [0..used) is done with. */
    uint8_t in[2 * NET_PACKET_MAX];
    size_t have, used;
    GByteArray *out; /* what the socket had no room for */
};

static struct net_port *port_of(struct sock *s)
{
    return &s->netdev->port[0];
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer data);
static void lost(struct sock *s);

static void update_source(struct sock *s, bool card_is_full)
{
    GIOCondition want =
        (card_is_full ? 0 : G_IO_IN) | (s->out->len ? G_IO_OUT : 0);

    want = s->fd < 0 ? 0 : want;
    if (want == s->waiting) {
        return;
    }
    if (s->source) {
        g_source_remove(s->source);
    }
    s->waiting = want;
    s->source = want ? g_unix_fd_add(s->fd, want, on_ready, s) : 0;
}

/* ---- receiving ---- */

/* Hands on the frames that are whole; false: the card has no room. */
static bool hand_on(struct sock *s)
{
    while (s->fd >= 0 && s->have - s->used >= LENGTH) {
        const uint8_t *p = s->in + s->used;
        uint32_t len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                       (uint32_t)p[2] << 8 | p[3];

        if (len > NET_PACKET_MAX) {
            warn_user("network '%s': the peer says that a frame has %u bytes; "
                      "disconnected",
                      s->netdev->id, len);
            lost(s);
            return true;
        }
        if (s->have - s->used < LENGTH + len) {
            break;
        }
        if (len >= NET_HEADER && !net_send_frame(port_of(s), p + LENGTH, len)) {
            return false;
        }
        s->used += LENGTH + len;
    }
    memmove(s->in, s->in + s->used, s->have - s->used);
    s->have -= s->used;
    s->used = 0;
    return true;
}

static bool read_stream(struct sock *s)
{
    ssize_t n =
        recv(s->fd, s->in + s->have, sizeof(s->in) - s->have, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        lost(s);
        return true;
    }
    s->have += n > 0 ? (size_t)n : 0;
    return hand_on(s);
}

/* A frame that the card has no room for stays in `in`. */
static bool read_datagrams(struct sock *s)
{
    for (unsigned i = 0; i < 64; i++) {
        ssize_t n;

        if (s->have) {
            if (!net_send_frame(port_of(s), s->in, s->have)) {
                return false;
            }
            s->have = 0;
        }
        n = recv(s->fd, s->in, NET_PACKET_MAX, MSG_DONTWAIT);
        if (n < 0) {
            return true;
        }
        s->have = n >= NET_HEADER ? (size_t)n : 0;
    }
    return true;
}

/* ---- sending ---- */

static void flush_out(struct sock *s)
{
    ssize_t n =
        send(s->fd, s->out->data, s->out->len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0) {
        g_byte_array_remove_range(s->out, 0, (guint)n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        lost(s);
    }
    if (s->out->len == 0) {
        net_ready(port_of(s));
    }
}

static bool can_receive(void *opaque)
{
    const struct sock *s = opaque;

    return s->out->len < OUT_MAX;
}

static void send_stream(struct sock *s, const struct net_packet *p)
{
    uint32_t be = htonl((uint32_t)p->len);
    struct iovec iov[2] = {{&be, LENGTH}, {(void *)(uintptr_t)p->data, p->len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t n =
        s->out->len ? 0 : sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t done = n > 0 ? (size_t)n : 0;

    if (done < LENGTH) {
        g_byte_array_append(s->out, (const uint8_t *)&be + done,
                            (guint)(LENGTH - done));
        done = LENGTH;
    }
    g_byte_array_append(s->out, p->data + (done - LENGTH),
                        (guint)(p->len - (done - LENGTH)));
    update_source(s, !(s->waiting & G_IO_IN));
}

static void port_receive(void *opaque, const struct net_packet *p)
{
    struct sock *s = opaque;

    if (s->fd < 0) {
        return;
    }
    if (s->stream) {
        send_stream(s, p);
    } else { /* a datagram that finds no room is lost, as on a wire */
        sendto(s->fd, p->data, p->len, MSG_DONTWAIT | MSG_NOSIGNAL,
               s->to.len ? &s->to.any : NULL, s->to.len);
    }
}

static bool read_some(struct sock *s)
{
    return s->stream ? read_stream(s) : read_datagrams(s);
}

static void port_writable(void *opaque)
{
    struct sock *s = opaque;
    bool took = s->stream ? hand_on(s) : read_datagrams(s);

    update_source(s, !took);
}

static const struct net_port_ops port_ops = {
    .can_receive = can_receive,
    .receive = port_receive,
    .writable = port_writable,
};

static gboolean on_ready(gint fd, GIOCondition condition, gpointer data)
{
    struct sock *s = data;
    bool took = s->waiting & G_IO_IN;

    lock_enter(s->lock);
    if (condition & G_IO_OUT && s->fd >= 0) {
        flush_out(s);
    }
    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR) && s->fd >= 0) {
        took = read_some(s);
    }
    update_source(s, !took);
    lock_leave(s->lock);
    return G_SOURCE_CONTINUE;
}

/* ---- connections ---- */

static void use(struct sock *s, int fd)
{
    s->fd = fd;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    s->have = s->used = 0;
    g_byte_array_set_size(s->out, 0);
    net_set_link(port_of(s), true);
    update_source(s, false);
}

static int open_connection(const struct sock_addr *to)
{
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, &to->any, to->len) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static gboolean connect_again(gpointer data)
{
    struct sock *s = data;
    int fd;

    lock_enter(s->lock);
    fd = open_connection(&s->to);
    if (fd >= 0) {
        s->retry = 0;
        use(s, fd);
    }
    lock_leave(s->lock);
    return fd < 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* The peer is gone: the next one may come, or we call again. */
static void lost(struct sock *s)
{
    close(s->fd);
    s->fd = -1;
    s->have = s->used = 0;
    g_byte_array_set_size(s->out, 0);
    net_set_link(port_of(s), false);
    if (s->reconnect && !s->retry) {
        s->retry = g_timeout_add_seconds((guint)s->reconnect, connect_again, s);
    }
}

static gboolean on_connection(gint listener, GIOCondition condition,
                              gpointer data)
{
    struct sock *s = data;
    int fd = accept(listener, NULL, NULL);

    lock_enter(s->lock);
    if (fd >= 0 && s->fd >= 0) {
        close(fd); /* one at a time */
    } else if (fd >= 0) {
        use(s, fd);
    }
    lock_leave(s->lock);
    return G_SOURCE_CONTINUE;
}

static bool listen_at(struct sock *s, const struct sock_addr *at,
                      GError **error)
{
    int on = 1;

    s->listener = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (at->any.sa_family == AF_UNIX) {
        unlink(at->un.sun_path);
    } else {
        setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (s->listener < 0 || bind(s->listener, &at->any, at->len) < 0 ||
        listen(s->listener, BACKLOG) < 0) {
        return fail_errno(error, "cannot listen");
    }
    s->accept_source = g_unix_fd_add(s->listener, G_IO_IN, on_connection, s);
    net_set_link(port_of(s), false); /* until somebody comes */
    return true;
}

static bool connect_to(struct sock *s, const struct sock_addr *to,
                       GError **error)
{
    int fd = open_connection(to);

    s->to = *to;
    if (fd >= 0) {
        use(s, fd);
        return true;
    }
    if (!s->reconnect) {
        return fail_errno(error, "cannot connect");
    }
    s->retry = g_timeout_add_seconds((guint)s->reconnect, connect_again, s);
    net_set_link(port_of(s), false);
    return true;
}

static void sock_free(struct netdev *n)
{
    struct sock *s = n->impl;

    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    update_source(s, true);
    if (s->accept_source) {
        g_source_remove(s->accept_source);
    }
    if (s->listener >= 0) {
        close(s->listener);
    }
    if (s->retry) {
        g_source_remove(s->retry);
    }
    g_byte_array_unref(s->out);
    g_free(s->what);
    g_free(s);
}

static char *sock_describe(const struct netdev *n)
{
    const struct sock *s = n->impl;

    return g_strdup_printf("%s%s", s->what,
                           s->stream && s->fd < 0 ? ",disconnected" : "");
}

static const struct netdev_ops socket_ops = {
    .kind = "socket", .describe = sock_describe, .free = sock_free};
static const struct netdev_ops stream_ops = {
    .kind = "stream", .describe = sock_describe, .free = sock_free};
static const struct netdev_ops dgram_ops = {
    .kind = "dgram", .describe = sock_describe, .free = sock_free};

static struct sock *new_sock(const char *id, const struct netdev_ops *ops,
                             struct lock *lock, bool stream, char *what)
{
    struct sock *s = g_new0(struct sock, 1);

    s->listener = s->fd = -1;
    s->lock = lock;
    s->stream = stream;
    s->what = what;
    s->out = g_byte_array_new();
    s->netdev = netdev_new(id, ops, 1, s);
    net_port_init(port_of(s), s->netdev->id, &port_ops, s);
    return s;
}

static struct netdev *done(struct sock *s, bool ok)
{
    struct netdev *n = s->netdev;

    if (!ok) {
        netdev_free(n);
        return NULL;
    }
    return n;
}

/* ---- datagrams ---- */

/* Everybody in the group hears everybody else. */
static bool join(int fd, const struct sock_addr *group,
                 const struct sock_addr *local, GError **error)
{
    struct ip_mreq m = {.imr_multiaddr = group->in.sin_addr};
    unsigned char loop = 1;

    if (local->len) {
        m.imr_interface = local->in.sin_addr;
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m.imr_interface,
                   sizeof(m.imr_interface));
    }
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop));
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) == 0 ||
           fail_errno(error, "cannot join the group");
}

static bool open_datagrams(struct sock *s, const struct sock_addr *local,
                           const struct sock_addr *remote, GError **error)
{
    bool group = remote->any.sa_family == AF_INET &&
                 IN_MULTICAST(ntohl(remote->in.sin_addr.s_addr));
    const struct sock_addr *at = group ? remote : local;
    int fd, on = 1;

    if (local->fd >= 0) {
        use(s, local->fd);
        return true;
    }
    if (!at->len) {
        return fail(error, "where to receive is missing: local.type=, "
                           "localaddr= or a group");
    }
    fd = socket(at->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (at->any.sa_family == AF_UNIX) {
        unlink(at->un.sun_path);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (fd < 0 || bind(fd, &at->any, at->len) < 0) {
        fail_errno(error, "cannot bind");
    } else if (!group || join(fd, remote, local, error)) {
        s->to = *remote;
        use(s, fd);
        return true;
    }
    if (fd >= 0) {
        close(fd);
    }
    return false;
}

struct netdev *net_dgram_new(const char *id, struct opts *o, struct lock *lock,
                             GError **error)
{
    static const char *const keys[] = {
        "type",        "id",          "local.type",  "local.host",
        "local.port",  "local.path",  "local.str",   "remote.type",
        "remote.host", "remote.port", "remote.path", NULL};
    struct sock_addr local, remote;
    struct sock *s;

    if (!sock_addr_opts(&local, o, "local", true, error) ||
        !sock_addr_opts(&remote, o, "remote", false, error) ||
        !opts_check_used(o, "dgram", keys, error)) {
        return NULL;
    }
    if (local.fd < 0 && !remote.len) {
        fail(error, "remote.type= is missing: where to send");
        return NULL;
    }
    s = new_sock(id, &dgram_ops, lock, false, g_strdup("dgram"));
    return done(s, open_datagrams(s, &local, &remote, error));
}

/* ---- streams ---- */

struct netdev *net_stream_new(const char *id, struct opts *o, struct lock *lock,
                              GError **error)
{
    static const char *const keys[] = {
        "type",      "id",        "server",   "addr.type", "addr.host",
        "addr.port", "addr.path", "addr.str", "reconnect", NULL};
    bool server = false, ok;
    struct sock_addr at;
    uint64_t reconnect = 0;
    struct sock *s;

    if (!opts_get_bool(o, "server", &server, error) ||
        !opts_get_uint(o, "reconnect", 3600, &reconnect, error) ||
        !sock_addr_opts(&at, o, "addr", server, error) ||
        !opts_check_used(o, "stream", keys, error)) {
        return NULL;
    }
    if (!at.len && at.fd < 0) {
        fail(error, "addr.type= is missing: inet, unix or fd");
        return NULL;
    }
    s = new_sock(id, &stream_ops, lock, true,
                 g_strdup(server ? "server" : "client"));
    s->reconnect = reconnect;
    if (at.fd >= 0) {
        use(s, at.fd);
        return done(s, true);
    }
    ok = server ? listen_at(s, &at, error) : connect_to(s, &at, error);
    return done(s, ok);
}

/* ---- socket: all of it in the old spelling ---- */

static bool open_socket(struct sock *s, const char *kind, const char *value,
                        const char *localaddr, GError **error)
{
    struct sock_addr at, local = {.fd = -1};
    bool listens = strcmp(kind, "listen") == 0;

    if (!sock_addr_text(&at, value, listens, error)) {
        return false;
    }
    if (s->stream) {
        return listens ? listen_at(s, &at, error) : connect_to(s, &at, error);
    }
    if (localaddr && strcmp(kind, "mcast") == 0) {
        g_autofree char *text = g_strconcat(localaddr, ":0", NULL);

        return sock_addr_text(&local, text, true, error) &&
               open_datagrams(s, &local, &at, error);
    }
    return (!localaddr || sock_addr_text(&local, localaddr, true, error)) &&
           open_datagrams(s, &local, &at, error);
}

static bool use_fd(struct sock *s, const char *text, GError **error)
{
    char *end;
    int fd = (int)strtol(text, &end, 10), type = 0;
    socklen_t len = sizeof(type);

    if (!*text || *end || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len)) {
        return fail(error, "fd=%s: want the number of an open socket", text);
    }
    s->stream = type == SOCK_STREAM;
    use(s, fd);
    return true;
}

struct netdev *net_socket_new(const char *id, struct opts *o, struct lock *lock,
                              GError **error)
{
    static const char *const kinds[] = {"fd", "listen", "connect", "mcast",
                                        "udp"};
    static const char *const keys[] = {"type",   "id",        "fd",
                                       "listen", "connect",   "mcast",
                                       "udp",    "localaddr", NULL};
    const char *kind = NULL, *value = NULL;
    const char *localaddr = opts_get(o, "localaddr");
    unsigned given = 0;
    struct sock *s;
    bool ok;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (opts_has(o, kinds[i])) {
            kind = kinds[i];
            value = opts_get(o, kind);
            given++;
        }
    }
    if (given != 1) {
        fail(error, "want one of fd=, listen=, connect=, mcast= and udp=");
        return NULL;
    }
    if (!opts_check_used(o, "socket", keys, error)) {
        return NULL;
    }
    s = new_sock(id, &socket_ops, lock, kind[0] == 'l' || kind[0] == 'c',
                 g_strdup_printf("%s=%s", kind, value));
    ok = kind[0] == 'f' ? use_fd(s, value, error)
                        : open_socket(s, kind, value, localaddr, error);
    return done(s, ok);
}
