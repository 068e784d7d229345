/* SPDX-License-Identifier: MIT */
#include "vm/chardev_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PENDING_MAX = 256 * 1024, READ_MAX = 4096 };

static struct chardev_fd *fd_of(struct chardev *c)
{
    return container_of(c, struct chardev_fd, chardev);
}

static void source_drop(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *source_new(int fd, GIOCondition what, GUnixFDSourceFunc fn,
                           void *opaque)
{
    GSource *s = g_unix_fd_source_new(fd, what);

    g_source_set_callback(s, G_SOURCE_FUNC(fn), opaque, NULL);
    g_source_attach(s, NULL);
    return s;
}

/* Writes what is pending; true while something is left. */
static bool fd_flush(struct chardev_fd *c)
{
    while (c->pending->len) {
        ssize_t n = write(c->out, c->pending->data, c->pending->len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return true;
        }
        if (n < 0) { /* nobody reads: as a real line with no one at its end */
            g_byte_array_set_size(c->pending, 0);
            return false;
        }
        g_byte_array_remove_range(c->pending, 0, (guint)n);
    }
    return false;
}

static gboolean fd_can_write(gint fd, GIOCondition what, gpointer data)
{
    struct chardev_fd *c = data;
    bool more;

    lock_enter(c->lock);
    more = fd_flush(c);
    if (!more) {
        g_clear_pointer(&c->out_source, g_source_unref);
        if (c->chardev.front.writable) {
            c->chardev.front.writable(c->chardev.front.opaque);
        }
    }
    lock_leave(c->lock);
    return more ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

unsigned chardev_fd_write(struct chardev *chardev, const uint8_t *buf,
                          unsigned len)
{
    struct chardev_fd *c = fd_of(chardev);

    if (c->out < 0) {
        return len; /* no peer: the bytes are lost, as on a line */
    }
    if (c->pending->len >= PENDING_MAX) {
        return 0;
    }
    g_byte_array_append(c->pending, buf, len);
    if (!c->out_source && fd_flush(c)) {
        c->out_source = source_new(c->out, G_IO_OUT, fd_can_write, c);
    }
    return len;
}

static gboolean fd_can_read(gint fd, GIOCondition what, gpointer data);

/* Watches for input while the front end has room. */
void chardev_fd_accept_input(struct chardev *chardev)
{
    struct chardev_fd *c = fd_of(chardev);
    const struct chardev_front *f = &chardev->front;

    if (c->in >= 0 && !c->in_source && f->receive &&
        (!f->can_receive || f->can_receive(f->opaque))) {
        c->in_source =
            source_new(c->in, G_IO_IN | G_IO_HUP | G_IO_ERR, fd_can_read, c);
    }
}

/* False: stop watching (no room, or the end). */
static bool fd_read_some(struct chardev_fd *c)
{
    const struct chardev_front *f = &c->chardev.front;
    unsigned room = READ_MAX;
    uint8_t buf[READ_MAX];
    ssize_t n;

    if (f->can_receive) {
        room = MIN(room, f->can_receive(f->opaque));
    }
    if (!f->receive || room == 0) {
        return false;
    }
    n = c->read ? c->read(c, buf, room) : read(c->in, buf, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        c->in = -1;
        if (c->closed) {
            c->closed(c);
        }
        return false;
    }
    f->receive(f->opaque, buf, (unsigned)n);
    return true;
}

static gboolean fd_can_read(gint fd, GIOCondition what, gpointer data)
{
    struct chardev_fd *c = data;
    GSource *self = c->in_source;
    bool more;

    lock_enter(c->lock);
    more = fd_read_some(c);
    if (!more && c->in_source == self) {
        g_clear_pointer(&c->in_source, g_source_unref);
    }
    lock_leave(c->lock);
    return more ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void chardev_fd_close(struct chardev_fd *c)
{
    bool was = c->chardev.open;

    source_drop(&c->in_source);
    source_drop(&c->out_source);
    if (c->owned && c->in >= 0 && c->in != c->out) {
        close(c->in);
    }
    if (c->owned && c->out >= 0) {
        close(c->out);
    }
    c->in = c->out = -1;
    c->chardev.open = false;
    g_byte_array_set_size(c->pending, 0);
    if (was && c->chardev.front.event) {
        c->chardev.front.event(c->chardev.front.opaque, CHARDEV_CLOSED);
    }
}

void chardev_fd_open(struct chardev_fd *c, int in, int out)
{
    c->in = in;
    c->out = out;
    if (in >= 0) {
        g_unix_set_fd_nonblocking(in, TRUE, NULL);
    }
    if (out >= 0) {
        g_unix_set_fd_nonblocking(out, TRUE, NULL);
    }
    c->chardev.open = true;
    if (c->chardev.front.event) {
        c->chardev.front.event(c->chardev.front.opaque, CHARDEV_OPENED);
    }
    chardev_fd_accept_input(&c->chardev);
}

char *chardev_fd_describe(const struct chardev *chardev)
{
    const struct chardev_fd *c =
        container_of(chardev, const struct chardev_fd, chardev);

    return g_strdup(c->what);
}

void chardev_fd_free(struct chardev *chardev)
{
    struct chardev_fd *c = fd_of(chardev);

    fd_flush(c);
    if (c->resized) {
        g_source_remove(c->resized);
    }
    if (c->release) {
        c->release(c);
    }
    chardev->front = (struct chardev_front){0};
    chardev_fd_close(c);
    g_byte_array_free(c->pending, TRUE);
    g_free(c->what);
    g_free(chardev->id);
    g_free(c);
}

void chardev_fd_size(const struct chardev *chardev, unsigned *cols,
                     unsigned *rows)
{
    const struct chardev_fd *c =
        container_of(chardev, const struct chardev_fd, chardev);
    struct winsize size;

    if (c->out >= 0 && ioctl(c->out, TIOCGWINSZ, &size) == 0) {
        *cols = size.ws_col;
        *rows = size.ws_row;
    }
}

static gboolean fd_resized(gpointer data)
{
    struct chardev_fd *c = data;
    const struct chardev_front *f = &c->chardev.front;

    lock_enter(c->lock);
    if (f->event) {
        f->event(f->opaque, CHARDEV_RESIZE);
    }
    lock_leave(c->lock);
    return G_SOURCE_CONTINUE;
}

void chardev_fd_watch_size(struct chardev_fd *c)
{
    c->resized = g_unix_signal_add(SIGWINCH, fd_resized, c);
}

const struct chardev_ops chardev_fd_ops = {
    .name = "fd",
    .write = chardev_fd_write,
    .accept_input = chardev_fd_accept_input,
    .describe = chardev_fd_describe,
    .free = chardev_fd_free,
};

void chardev_fd_init(struct chardev_fd *c, struct lock *lock, const char *id,
                     int in, int out, const char *what)
{
    c->chardev.id = g_strdup(id);
    c->chardev.ops = &chardev_fd_ops;
    c->lock = lock;
    c->in = c->out = -1;
    c->pending = g_byte_array_new();
    c->what = g_strdup(what);
    if (in >= 0 || out >= 0) {
        chardev_fd_open(c, in, out);
    }
}
