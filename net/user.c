/* SPDX-License-Identifier: MIT */
/*
 * -netdev user, the machine's side: frames to and from the process that runs
 * libslirp (user_child.c). What the guest has no room for waits here, and
 * then there, and then with TCP's senders.
 */
#include "net/user.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "net/offload.h"
#include "net/user_opts.h"
#include "net/user_proto.h"

enum { ANSWER_MS = 10000, FLAP_MS = 300, CHILD_FD = 3, BUFFER = 1 << 20 };

struct user {
    struct netdev *netdev;
    struct lock *lock;
    pid_t pid;
    int fd;
    guint source, flap;   /* GSource numbers, 0 = none */
    GIOCondition waiting; /* what `source` is for */
    char *net;
    /* Received and not yet taken by the card: in[first..count). */
    uint8_t (*in)[USER_MESSAGE_MAX];
    unsigned length[USER_BATCH];
    unsigned first, count;
    GByteArray *out; /* a frame that the socket had no room for */
};

static struct net_port *port_of(struct user *u)
{
    return &u->netdev->port[0];
}

/* ---- waiting ---- */

static gboolean on_socket(gint fd, GIOCondition condition, gpointer data);

static void update_source(struct user *u)
{
    GIOCondition want =
        (u->first == u->count ? G_IO_IN : 0) | (u->out->len ? G_IO_OUT : 0);

    if (u->fd < 0) {
        want = 0;
    }
    if (want == u->waiting) {
        return;
    }
    if (u->source) {
        g_source_remove(u->source);
    }
    u->waiting = want;
    u->source = want ? g_unix_fd_add(u->fd, want, on_socket, u) : 0;
}

static gboolean link_up_again(gpointer data)
{
    struct user *u = data;

    lock_enter(u->lock);
    u->flap = 0;
    net_set_link(port_of(u), true);
    lock_leave(u->lock);
    return G_SOURCE_REMOVE;
}

/* It died and was started anew: connections are lost, which a cable that was
 * pulled tells the guest. */
static void restarted(struct user *u)
{
    warn_user("network '%s': its process died and was started again",
              u->netdev->id);
    net_set_link(port_of(u), false);
    if (!u->flap) {
        u->flap = g_timeout_add(FLAP_MS, link_up_again, u);
    }
}

static void gone(struct user *u)
{
    warn_user("network '%s': its process has ended", u->netdev->id);
    close(u->fd);
    u->fd = -1;
    g_byte_array_set_size(u->out, 0);
    net_set_link(port_of(u), false);
}

/* ---- from the process ---- */

/* Hands on what was received; stops where the card has no room. */
static void hand_on(struct user *u)
{
    for (; u->first < u->count; u->first++) {
        const uint8_t *m = u->in[u->first];
        unsigned len = u->length[u->first];

        if (m[0] == USER_RESTART) {
            restarted(u);
        } else if (m[0] == USER_FRAME && len > 1 + NET_HEADER &&
                   !net_send_frame(port_of(u), m + 1, len - 1)) {
            return;
        }
    }
    u->first = u->count = 0;
}

/* False: nothing is there. */
static bool receive(struct user *u)
{
    struct mmsghdr m[USER_BATCH] = {0};
    struct iovec iov[USER_BATCH];
    int n;

    for (unsigned i = 0; i < USER_BATCH; i++) {
        iov[i] = (struct iovec){u->in[i], USER_MESSAGE_MAX};
        m[i].msg_hdr.msg_iov = &iov[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(u->fd, m, USER_BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (n <= 0 || m[0].msg_len == 0) {
        gone(u);
        return false;
    }
    u->count = (unsigned)n;
    for (unsigned i = 0; i < u->count; i++) {
        u->length[i] = m[i].msg_len;
        if (m[i].msg_len == 0) {
            u->count = i; /* the end; the next call sees it again */
        }
    }
    return true;
}

/* ---- to the process ---- */

/* 0, or errno. */
static int send_message(const struct user *u, enum user_message kind,
                        const void *data, size_t len)
{
    uint8_t k = (uint8_t)kind;
    struct iovec iov[2] = {{&k, 1}, {(void *)(uintptr_t)data, len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

    return sendmsg(u->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

static void flush_out(struct user *u)
{
    if (u->out->len &&
        send_message(u, USER_FRAME, u->out->data, u->out->len) != EAGAIN) {
        g_byte_array_set_size(u->out, 0);
        net_ready(port_of(u));
    }
}

static bool user_can_receive(void *opaque)
{
    const struct user *u = opaque;

    return u->out->len == 0;
}

static void send_frame(struct user *u, const uint8_t *data, size_t len)
{
    if (send_message(u, USER_FRAME, data, len) == EAGAIN) {
        g_byte_array_append(u->out, data, (guint)len);
        update_source(u);
    }
}

/* libslirp takes TCP packets of any size, but wants checksums. */
static void user_receive(void *opaque, const struct net_packet *p)
{
    struct user *u = opaque;
    g_autofree uint8_t *copy = NULL;

    if (u->fd < 0 || p->len > NET_PACKET_MAX) {
        return;
    }
    if (p->csum_needed) {
        copy = g_memdup2(p->data, p->len);
        net_csum_fill(p, copy);
    }
    send_frame(u, copy ? copy : p->data, p->len);
}

static void user_writable(void *opaque)
{
    struct user *u = opaque;

    hand_on(u);
    update_source(u);
}

static const struct net_port_ops port_ops = {
    .can_receive = user_can_receive,
    .receive = user_receive,
    .writable = user_writable,
};

static gboolean on_socket(gint fd, GIOCondition condition, gpointer data)
{
    struct user *u = data;

    lock_enter(u->lock);
    if (condition & G_IO_OUT) {
        flush_out(u);
    }
    if (u->first == u->count && receive(u)) {
        hand_on(u);
    }
    update_source(u);
    lock_leave(u->lock);
    return G_SOURCE_CONTINUE;
}

/* ---- questions ---- */

/* The answer's text; frames that come in between are handed on. */
static char *wait_answer(struct user *u, GError **error)
{
    gint64 end = g_get_monotonic_time() + ANSWER_MS * 1000;
    g_autofree uint8_t *m = g_malloc(USER_MESSAGE_MAX);
    struct pollfd p = {.fd = u->fd, .events = POLLIN};

    while (g_get_monotonic_time() < end) {
        ssize_t n = poll(&p, 1, ANSWER_MS) > 0
                        ? recv(u->fd, m, USER_MESSAGE_MAX, MSG_DONTWAIT)
                        : -1;

        if (n == 0) {
            break;
        }
        if (n > 0 && (m[0] == USER_ANSWER || m[0] == USER_ERROR)) {
            char *text = g_strndup((const char *)m + 1, (gsize)n - 1);

            if (m[0] == USER_ANSWER) {
                return text;
            }
            fail(error, "%s", text);
            g_free(text);
            return NULL;
        }
        if (n > 1 + NET_HEADER && m[0] == USER_FRAME) {
            net_send_frame(port_of(u), m + 1, (size_t)n - 1);
        }
    }
    fail(error, "the process of network '%s' does not answer", u->netdev->id);
    return NULL;
}

static char *ask(struct user *u, enum user_message kind, const char *text,
                 GError **error)
{
    if (u->fd < 0 || send_message(u, kind, text, strlen(text)) != 0) {
        fail(error, "the process of network '%s' is not there", u->netdev->id);
        return NULL;
    }
    return wait_answer(u, error);
}

/* ---- life ---- */

static bool spawn(struct user *u, const char *path, struct opts *o, int fd,
                  GError **error)
{
    g_autofree char *text = opts_to_text(o);
    char number[8];
    char program[] = "rhea-net", kind[] = NET_USER_CHILD;
    char *argv[] = {program, kind, number, text, NULL};
    posix_spawn_file_actions_t actions;
    int why;

    g_snprintf(number, sizeof(number), "%d", CHILD_FD);
    posix_spawn_file_actions_init(&actions);
    if (fd == CHILD_FD) { /* dup2 onto itself would leave it to be closed */
        fd = dup(fd);
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
    why = posix_spawn(&u->pid, path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fd);
    errno = why;
    return why == 0 || fail_errno(error, "cannot start a process for the "
                                         "network");
}

static void user_free(struct netdev *n)
{
    struct user *u = n->impl;

    u->first = u->count = 0;
    g_byte_array_set_size(u->out, 0);
    if (u->fd >= 0) {
        close(u->fd);
        u->fd = -1;
    }
    update_source(u);
    if (u->flap) {
        g_source_remove(u->flap);
    }
    if (u->pid > 0) {
        waitpid(u->pid, NULL, 0);
    }
    g_byte_array_unref(u->out);
    g_free(u->in);
    g_free(u->net);
    g_free(u);
}

static char *user_describe(const struct netdev *n)
{
    const struct user *u = n->impl;

    return g_strdup_printf("net=%s", u->net);
}

static const struct netdev_ops user_ops = {
    .kind = "user",
    .describe = user_describe,
    .free = user_free,
};

static bool connect_process(struct user *u, const char *path, struct opts *o,
                            GError **error)
{
    int pair[2], size = BUFFER;
    g_autofree char *text = NULL;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return fail_errno(error, "cannot make a socket for the network");
    }
    u->fd = pair[0];
    for (unsigned i = 0; i < 2; i++) { /* as far as the host allows */
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    if (!spawn(u, path, o, pair[1], error)) {
        return false;
    }
    text = wait_answer(u, error);
    return text;
}

struct netdev *net_user_new(const char *id, struct opts *o, const char *program,
                            struct lock *lock, GError **error)
{
    struct user_opts checked;
    bool ok = user_opts_parse(&checked, o, error) &&
              (program ||
               fail(error, "this program cannot start a network's process"));
    const char *net = opts_get(o, "net");
    struct user *u = NULL;

    if (ok) {
        u = g_new0(struct user, 1);
        u->fd = -1;
        u->lock = lock;
        u->out = g_byte_array_new();
        u->in = g_malloc(USER_BATCH * sizeof(*u->in));
        u->net = g_strdup_printf("%s,restrict=%s", net ? net : "10.0.2.0/24",
                                 checked.restricted ? "on" : "off");
        u->netdev = netdev_new(id, &user_ops, 1, u);
        net_port_init(port_of(u), u->netdev->id, &port_ops, u);
        port_of(u)->offloads = NET_TSO4 | NET_TSO6 | NET_ECN;
        ok = connect_process(u, program, o, error);
        if (!ok) {
            netdev_free(u->netdev);
        } else {
            update_source(u);
        }
    }
    user_opts_clear(&checked);
    return ok ? u->netdev : NULL;
}

bool net_user_is(const struct netdev *n)
{
    return n->ops == &user_ops;
}

bool net_user_add_forward(struct netdev *n, const char *text, GError **error)
{
    g_autofree char *answer = ask(n->impl, USER_ADD, text, error);

    return answer;
}

bool net_user_remove_forward(struct netdev *n, const char *text, GError **error)
{
    g_autofree char *answer = ask(n->impl, USER_REMOVE, text, error);

    return answer;
}

char *net_user_info(struct netdev *n)
{
    return ask(n->impl, USER_INFO, "", NULL);
}
