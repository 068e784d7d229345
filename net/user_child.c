/* SPDX-License-Identifier: MIT */
/*
 * The process of -netdev user: libslirp between a socket to the machine and
 * the host's network. A first process starts a second one that does the work,
 * and another one when that dies, with the same options; so it works where the
 * machine itself can start nothing any more.
 *
 * Not modelled: what was forwarded by the monitor is lost when it dies.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/sandbox.h"
#include "net/user.h"
#include "net/user_opts.h"
#include "net/user_proto.h"

enum { MS = 1000000, FOREVER = 1000, PAUSE_MS = 500 };

struct child_timer {
    SlirpTimerId id;
    void *cb;
    int64_t at; /* ms; -1 = not set */
};

struct child {
    int fd;
    Slirp *slirp;
    struct user_opts opts;
    GArray *polls; /* struct pollfd; the first is the machine */
    GPtrArray *timers;
    uint8_t (*in)[USER_MESSAGE_MAX]; /* [USER_BATCH] */
};

/* ---- what libslirp asks for ---- */

/* Waits where the machine does not read: so TCP's senders wait, too. */
static void tell(struct child *c, enum user_message kind, const void *data,
                 size_t len)
{
    uint8_t k = (uint8_t)kind;
    struct iovec iov[2] = {{&k, 1}, {(void *)(uintptr_t)data, len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

    while (sendmsg(c->fd, &m, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

static ssize_t cb_send(const void *buf, size_t len, void *opaque)
{
    if (len <= NET_PACKET_MAX) {
        tell(opaque, USER_FRAME, buf, len);
    }
    return (ssize_t)len;
}

static void cb_guest_error(const char *msg, void *opaque)
{
}

static int64_t cb_clock(void *opaque)
{
    return g_get_monotonic_time() * 1000;
}

static void *cb_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
    struct child *c = opaque;
    struct child_timer *t = g_new0(struct child_timer, 1);

    *t = (struct child_timer){.id = id, .cb = cb_opaque, .at = -1};
    g_ptr_array_add(c->timers, t);
    return t;
}

static void cb_timer_free(void *timer, void *opaque)
{
    struct child *c = opaque;

    g_ptr_array_remove(c->timers, timer);
}

static void cb_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
    struct child_timer *t = timer;

    t->at = expire_ms;
}

static void cb_poll_fd(int fd, void *opaque)
{
}

static void cb_notify(void *opaque)
{
}

static const SlirpCb callbacks = {
    .send_packet = cb_send,
    .guest_error = cb_guest_error,
    .clock_get_ns = cb_clock,
    .timer_new_opaque = cb_timer_new,
    .timer_free = cb_timer_free,
    .timer_mod = cb_timer_mod,
    .register_poll_fd = cb_poll_fd,
    .unregister_poll_fd = cb_poll_fd,
    .notify = cb_notify,
};

static bool start_slirp(struct child *c, GError **error)
{
    const struct user_opts *u = &c->opts;
    SlirpConfig config = {
        .version = 4,
        .restricted = u->restricted,
        .in_enabled = u->ipv4,
        .vnetwork = u->net,
        .vnetmask = u->mask,
        .vhost = u->host,
        .in6_enabled = u->ipv6,
        .vprefix_addr6 = u->prefix6,
        .vprefix_len = u->prefix6_len,
        .vhost6 = u->host6,
        .vhostname = u->hostname,
        .tftp_server_name = u->tftp_name,
        .tftp_path = u->tftp,
        .bootfile = u->bootfile,
        .vdhcp_start = u->dhcp,
        .vnameserver = u->dns,
        .vnameserver6 = u->dns6,
        .vdnssearch =
            u->search->len > 1 ? (const char **)u->search->pdata : NULL,
        .vdomainname = u->domain,
    };

    c->slirp = slirp_new(&config, &callbacks, c);
    return c->slirp ||
           fail(error, "libslirp takes none of this (dnssearch too long?)");
}

/* ---- forwards ---- */

static socklen_t length_of(const struct sockaddr *a)
{
    return a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                    : sizeof(struct sockaddr_in);
}

static uint16_t port_of(const struct user_forward *f)
{
    return ntohs(f->host.in.sin_port); /* where in6 has it, too */
}

static int add_forward(struct child *c, const struct user_forward *f)
{
    int flags = f->udp ? SLIRP_HOSTFWD_UDP : 0;

    return slirp_add_hostxfwd(c->slirp, &f->host.any, length_of(&f->host.any),
                              &f->guest.any, length_of(&f->guest.any), flags);
}

/* The next port that could be had, 0: none near. */
static unsigned free_port(const struct user_forward *wanted)
{
    struct user_forward f = *wanted;

    for (unsigned port = port_of(&f) + 1u; port < port_of(wanted) + 200u;
         port++) {
        int s =
            socket(f.host.any.sa_family, f.udp ? SOCK_DGRAM : SOCK_STREAM, 0);
        bool ok;

        f.host.in.sin_port = htons((uint16_t)port);
        ok = port < 65536 && s >= 0 &&
             bind(s, &f.host.any, length_of(&f.host.any)) == 0;
        close(s);
        if (ok) {
            return port;
        }
    }
    return 0;
}

static bool forward(struct child *c, const char *text, GError **error)
{
    struct user_forward f;
    int why;
    unsigned other;

    if (!user_forward_parse(&f, text, true, error)) {
        return false;
    }
    if (add_forward(c, &f) == 0) {
        return true;
    }
    why = errno;
    other = why == EADDRINUSE ? free_port(&f) : 0;
    return other ? fail(error,
                        "hostfwd=%s: port %u of this host is taken; %u is free",
                        text, port_of(&f), other)
                 : fail(error, "hostfwd=%s: cannot listen on port %u: %s", text,
                        port_of(&f), g_strerror(why));
}

static bool unforward(struct child *c, const char *text, GError **error)
{
    struct user_forward f;
    int flags;

    if (!user_forward_parse(&f, text, false, error)) {
        return false;
    }
    flags = f.udp ? SLIRP_HOSTFWD_UDP : 0;
    return slirp_remove_hostxfwd(c->slirp, &f.host.any, length_of(&f.host.any),
                                 flags) == 0 ||
           fail(error, "nothing is forwarded from %s", text);
}

/* ---- the machine ---- */

static void answer(struct child *c, bool ok, GError *error)
{
    if (ok) {
        tell(c, USER_ANSWER, "", 0);
    } else {
        tell(c, USER_ERROR, error->message, strlen(error->message));
        g_error_free(error);
    }
}

static void info(struct child *c)
{
    g_autofree char *connections = slirp_connection_info(c->slirp);
    g_autofree char *neighbours = slirp_neighbor_info(c->slirp);
    g_autofree char *text = g_strconcat(connections, neighbours, NULL);

    tell(c, USER_ANSWER, text, MIN(strlen(text), (size_t)NET_PACKET_MAX));
}

static void message(struct child *c, const uint8_t *m, size_t len)
{
    g_autofree char *text = NULL;
    GError *error = NULL;
    bool ok;

    if (len == 0) {
        return;
    }
    switch (m[0]) {
    case USER_FRAME: slirp_input(c->slirp, m + 1, (int)(len - 1)); break;
    case USER_ADD:
    case USER_REMOVE:
        text = g_strndup((const char *)m + 1, len - 1);
        ok = m[0] == USER_ADD ? forward(c, text, &error)
                              : unforward(c, text, &error);
        answer(c, ok, error);
        break;
    case USER_INFO: info(c); break;
    default: break;
    }
}

/* False: the machine is gone. */
static bool receive(struct child *c)
{
    struct mmsghdr m[USER_BATCH] = {0};
    struct iovec iov[USER_BATCH];
    int n;

    for (unsigned i = 0; i < USER_BATCH; i++) {
        iov[i] = (struct iovec){c->in[i], USER_MESSAGE_MAX};
        m[i].msg_hdr.msg_iov = &iov[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(c->fd, m, USER_BATCH, MSG_DONTWAIT, NULL);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    for (int i = 0; i < n; i++) {
        if (m[i].msg_len == 0) {
            return false;
        }
        message(c, c->in[i], m[i].msg_len);
    }
    return n > 0;
}

/* ---- the loop ---- */

static int add_poll(int fd, int events, void *opaque)
{
    struct child *c = opaque;
    struct pollfd p = {.fd = fd};

    p.events |= events & SLIRP_POLL_IN ? POLLIN : 0;
    p.events |= events & SLIRP_POLL_OUT ? POLLOUT : 0;
    p.events |= events & SLIRP_POLL_PRI ? POLLPRI : 0;
    g_array_append_val(c->polls, p);
    return (int)c->polls->len - 1;
}

static int get_revents(int i, void *opaque)
{
    const struct child *c = opaque;
    short r = g_array_index(c->polls, struct pollfd, (guint)i).revents;

    return (r & POLLIN ? SLIRP_POLL_IN : 0) |
           (r & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (r & POLLPRI ? SLIRP_POLL_PRI : 0) |
           (r & POLLERR ? SLIRP_POLL_ERR : 0) |
           (r & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void fire_timers(struct child *c, uint32_t *timeout)
{
    int64_t now = g_get_monotonic_time() / 1000;

    for (guint i = 0; i < c->timers->len; i++) {
        struct child_timer *t = c->timers->pdata[i];

        if (t->at >= 0 && t->at <= now) {
            t->at = -1;
            slirp_handle_timer(c->slirp, t->id, t->cb);
        }
        if (t->at >= 0) {
            *timeout = MIN(*timeout, (uint32_t)MAX(t->at - now, 0));
        }
    }
}

static bool turn(struct child *c)
{
    struct pollfd machine = {.fd = c->fd, .events = POLLIN};
    uint32_t timeout = FOREVER;
    bool goes_on = true;
    int n;

    g_array_set_size(c->polls, 0);
    g_array_append_val(c->polls, machine);
    fire_timers(c, &timeout);
    slirp_pollfds_fill(c->slirp, &timeout, add_poll, c);
    n = poll((struct pollfd *)(void *)c->polls->data, c->polls->len,
             (int)timeout);
    if (n < 0 && errno != EINTR) {
        return false;
    }
    if (n > 0 && g_array_index(c->polls, struct pollfd, 0).revents) {
        goes_on = receive(c);
    }
    slirp_pollfds_poll(c->slirp, n < 0, get_revents, c);
    return goes_on;
}

static bool start(struct child *c, struct opts *o, GError **error)
{
    if (!user_opts_parse(&c->opts, o, error) || !start_slirp(c, error)) {
        return false;
    }
    for (guint i = 0; i < c->opts.forward->len; i++) {
        if (!forward(c, c->opts.forward->pdata[i], error)) {
            return false;
        }
    }
    return true;
}

static int work(int fd, struct opts *o, bool again)
{
    struct child c = {.fd = fd};
    g_autoptr(GError) no_sandbox = NULL;
    GError *error = NULL;
    bool ok;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    c.polls = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    c.timers = g_ptr_array_new_with_free_func(g_free);
    c.in = g_malloc(USER_BATCH * sizeof(*c.in));
    ok = start(&c, o, &error);
    sandbox_enter(c.opts.tftp, &no_sandbox);
    if (again) {
        tell(&c, USER_RESTART, "", 0);
        g_clear_error(&error);
    } else {
        answer(&c, ok, error);
    }
    while (ok && turn(&c)) {
    }
    return 0;
}

/* Waits for one that works; true: it died. */
static bool supervise(int fd, struct opts *o, bool again)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(work(fd, o, again));
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFSIGNALED(status);
}

int net_user_child(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct opts *o = argc == 4 ? opts_parse(argv[3], NULL, &error) : NULL;
    int fd = argc == 4 ? (int)strtol(argv[2], NULL, 10) : -1;
    bool again = false;

    if (!o || fd < 3) {
        g_printerr("rhea: " NET_USER_CHILD " is for rhea itself\n");
        return 1;
    }
    close_range((unsigned)fd + 1, ~0U, 0);
    prctl(PR_SET_NAME, "rhea-net");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* of the terminal: the machine's end is ours */
    signal(SIGPIPE, SIG_IGN);
    while (supervise(fd, o, again)) {
        again = true;
        g_usleep(PAUSE_MS * 1000);
    }
    opts_free(o);
    return 0;
}
