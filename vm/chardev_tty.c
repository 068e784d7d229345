/* SPDX-License-Identifier: MIT */
/*
 * Streams over terminals and named pipes: a pseudo terminal for others to
 * open, a serial port of the host, a pair of FIFOs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "vm/chardev_kinds.h"

/* --- pty --- */

/* How often to look whether somebody has opened the other end. */
enum { PTY_POLL_MS = 200 };

struct pty {
    struct chardev_fd fd; /* first: chardev_fd_free() frees it */
    int master;
    guint timer;
};

static struct pty *pty_of(struct chardev_fd *c)
{
    return container_of(c, struct pty, fd);
}

static gboolean pty_look(gpointer data)
{
    struct pty *p = data;
    struct pollfd poll_fd = {.fd = p->master, .events = POLLOUT};
    bool there;

    lock_enter(p->fd.lock);
    there = poll(&poll_fd, 1, 0) > 0 && !(poll_fd.revents & POLLHUP);
    if (there) {
        p->timer = 0;
        chardev_fd_open(&p->fd, p->master, p->master);
    }
    lock_leave(p->fd.lock);
    return there ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void pty_closed(struct chardev_fd *c)
{
    struct pty *p = pty_of(c);

    chardev_fd_close(c);
    if (!p->timer) {
        p->timer = g_timeout_add(PTY_POLL_MS, pty_look, p);
    }
}

static void pty_release(struct chardev_fd *c)
{
    struct pty *p = pty_of(c);

    if (p->timer) {
        g_source_remove(p->timer);
    }
    close(p->master);
}

static const struct chardev_ops pty_ops = {
    .name = "pty",
    .write = chardev_fd_write,
    .accept_input = chardev_fd_accept_input,
    .size = chardev_fd_size,
    .describe = chardev_fd_describe,
    .free = chardev_fd_free,
};

struct chardev *chardev_pty_new(struct machine *m, const char *id,
                                struct opts *o, GError **error)
{
    char name[128];
    g_autofree char *what = NULL;
    struct termios tty;
    struct pty *p;
    int master;
    int slave;

    if (openpty(&master, &slave, name, NULL, NULL) < 0) {
        fail_errno(error, "chardev '%s': no pseudo terminal", id);
        return NULL;
    }
    tcgetattr(slave, &tty);
    cfmakeraw(&tty);
    tcsetattr(slave, TCSAFLUSH, &tty);
    close(slave);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    printf("char device redirected to %s (label %s)\n", name, id);
    fflush(stdout);
    what = g_strdup_printf("pty:%s", name);
    p = g_new0(struct pty, 1);
    p->master = master;
    p->fd.closed = pty_closed;
    p->fd.release = pty_release;
    chardev_fd_init(&p->fd, &m->lock, id, -1, -1, what);
    p->fd.chardev.ops = &pty_ops;
    p->timer = g_timeout_add(PTY_POLL_MS, pty_look, p);
    return &p->fd.chardev;
}

/* --- a serial port of the host --- */

static const struct {
    unsigned baud;
    speed_t code;
} speeds[] = {
    {50, B50},         {75, B75},       {110, B110},     {134, B134},
    {150, B150},       {200, B200},     {300, B300},     {600, B600},
    {1200, B1200},     {1800, B1800},   {2400, B2400},   {4800, B4800},
    {9600, B9600},     {19200, B19200}, {38400, B38400}, {57600, B57600},
    {115200, B115200},
};

static speed_t speed_near(unsigned baud)
{
    for (size_t i = 0; i < ARRAY_SIZE(speeds); i++) {
        if (baud <= speeds[i].baud + speeds[i].baud / 50) {
            return speeds[i].code;
        }
    }
    return B115200;
}

static void tty_set_params(struct chardev *chardev, unsigned baud,
                           unsigned data_bits, char parity, unsigned stop_bits)
{
    static const tcflag_t sizes[] = {CS5, CS6, CS7, CS8};
    const struct chardev_fd *c =
        container_of(chardev, struct chardev_fd, chardev);
    struct termios tty;

    if (tcgetattr(c->in, &tty) < 0) {
        return;
    }
    cfmakeraw(&tty);
    cfsetspeed(&tty, speed_near(baud));
    tty.c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | PARODD | CRTSCTS | CSIZE);
    tty.c_cflag |= sizes[CLAMP(data_bits, 5U, 8U) - 5] | CREAD | CLOCAL;
    tty.c_cflag |= stop_bits > 1 ? CSTOPB : 0;
    tty.c_cflag |= parity == 'N' ? 0 : parity == 'E' ? PARENB : PARENB | PARODD;
    tcsetattr(c->in, TCSANOW, &tty);
}

static void tty_set_break(struct chardev *chardev, bool on)
{
    const struct chardev_fd *c =
        container_of(chardev, struct chardev_fd, chardev);

    ioctl(c->in, on ? TIOCSBRK : TIOCCBRK);
}

static const struct chardev_ops tty_ops = {
    .name = "serial",
    .write = chardev_fd_write,
    .accept_input = chardev_fd_accept_input,
    .set_break = tty_set_break,
    .set_params = tty_set_params,
    .describe = chardev_fd_describe,
    .free = chardev_fd_free,
};

struct chardev *chardev_serial_new(struct machine *m, const char *id,
                                   struct opts *o, GError **error)
{
    const char *path = opts_get(o, "path");
    g_autofree char *what = NULL;
    struct chardev_fd *c;
    int fd;

    if (!path || !*path) {
        fail(error, "chardev '%s': want serial:/dev/NAME", id);
        return NULL;
    }
    fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        fail_errno(error, "chardev '%s': cannot open '%s'", id, path);
        return NULL;
    }
    what = g_strdup_printf("serial:%s", path);
    c = g_new0(struct chardev_fd, 1);
    c->owned = true;
    chardev_fd_init(c, &m->lock, id, fd, fd, what);
    c->chardev.ops = &tty_ops;
    tty_set_params(&c->chardev, 115200, 8, 'N', 1);
    return &c->chardev;
}

/* --- named pipes --- */

/* PATH.in and PATH.out, or one PATH for both. Opened for both directions, so
 * that no end of file is seen when the other side goes. */
static bool pipe_open(const char *path, int *in, int *out)
{
    g_autofree char *in_path = g_strconcat(path, ".in", NULL);
    g_autofree char *out_path = g_strconcat(path, ".out", NULL);

    *in = open(in_path, O_RDWR | O_CLOEXEC);
    *out = open(out_path, O_RDWR | O_CLOEXEC);
    if (*in >= 0 && *out >= 0) {
        return true;
    }
    if (*in >= 0) {
        close(*in);
    }
    if (*out >= 0) {
        close(*out);
    }
    *in = *out = open(path, O_RDWR | O_CLOEXEC);
    return *in >= 0;
}

struct chardev *chardev_pipe_new(struct machine *m, const char *id,
                                 struct opts *o, GError **error)
{
    const char *path = opts_get(o, "path");
    g_autofree char *what = NULL;
    struct chardev_fd *c;
    int in;
    int out;

    if (!path || !*path) {
        fail(error, "chardev '%s': want pipe:NAME", id);
        return NULL;
    }
    if (!pipe_open(path, &in, &out)) {
        fail_errno(error,
                   "chardev '%s': cannot open '%s.in' and '%s.out', or '%s' "
                   "(make them with mkfifo)",
                   id, path, path, path);
        return NULL;
    }
    what = g_strdup_printf("pipe:%s", path);
    c = g_new0(struct chardev_fd, 1);
    c->owned = true;
    chardev_fd_init(c, &m->lock, id, in, out, what);
    return &c->chardev;
}
