/* SPDX-License-Identifier: MIT */
#include "vm/session.h"

#include <string.h>

/* A peer that sends without reading, or reads nothing, is held up there. */
enum { IN_MAX = 64 * 1024, OUT_BUSY = 1024 * 1024, OUT_MAX = 64 * 1024 * 1024 };

static void session_flush(struct session *s)
{
    while (s->out->len) {
        unsigned n = chardev_write(s->chardev, s->out->data, s->out->len);

        if (n == 0) {
            return;
        }
        g_byte_array_remove_range(s->out, 0, n);
    }
}

static void session_closed(struct session *s)
{
    s->closing = false;
    g_byte_array_set_size(s->in, 0);
    if (s->ops->closed) {
        s->ops->closed(s);
    }
}

static gboolean session_idle(gpointer data)
{
    struct session *s = data;
    bool more;

    lock_enter(&s->machine->lock);
    s->source = 0;
    more = s->out->len < OUT_BUSY;
    lock_leave(&s->machine->lock);
    if (!more) {
        return G_SOURCE_REMOVE; /* goes on when the peer has read */
    }
    more = s->ops->serve(s);
    lock_enter(&s->machine->lock);
    if (more || s->in->len) {
        session_wake(s);
    } else if (s->closing) {
        session_closed(s);
    }
    chardev_accept_input(s->chardev);
    lock_leave(&s->machine->lock);
    return G_SOURCE_REMOVE;
}

void session_wake(struct session *s)
{
    if (!s->source) {
        /* Before the end of input is seen: who sends a command and goes
         * gets the answer. */
        s->source = g_idle_add_full(G_PRIORITY_HIGH, session_idle, s, NULL);
    }
}

static unsigned session_can_receive(void *opaque)
{
    const struct session *s = opaque;

    return s->in->len < IN_MAX ? IN_MAX - s->in->len : 0;
}

static void session_receive(void *opaque, const uint8_t *buf, unsigned len)
{
    struct session *s = opaque;

    g_byte_array_append(s->in, buf, len);
    session_wake(s);
}

static void session_event(void *opaque, enum chardev_event event)
{
    struct session *s = opaque;

    if (event == CHARDEV_OPENED) {
        if (s->closing) {
            session_closed(s);
        }
        s->open = true;
        if (s->ops->opened) {
            s->ops->opened(s);
        }
    } else if (event == CHARDEV_CLOSED && s->open) {
        s->open = false;
        s->closing = true;
        g_byte_array_set_size(s->out, 0);
        session_wake(s);
    } else if (event == CHARDEV_FOCUS && s->ops->focused) {
        s->ops->focused(s);
    }
}

static void session_writable(void *opaque)
{
    struct session *s = opaque;

    session_flush(s);
    session_wake(s);
}

bool session_init(struct session *s, struct machine *m, struct chardev *c,
                  const struct session_ops *ops, GError **error)
{
    const struct chardev_front front = {
        .can_receive = session_can_receive,
        .receive = session_receive,
        .event = session_event,
        .writable = session_writable,
        .opaque = s,
    };

    s->machine = m;
    s->chardev = c;
    s->ops = ops;
    s->in = g_byte_array_new();
    s->out = g_byte_array_new();
    if (!chardev_attach(c, &front, error)) {
        s->chardev = NULL;
        return false;
    }
    return true;
}

void session_clear(struct session *s)
{
    if (s->source) {
        g_source_remove(s->source);
        s->source = 0;
    }
    if (s->chardev) {
        chardev_detach(s->chardev);
    }
    if (s->in) {
        g_byte_array_free(s->in, TRUE);
        g_byte_array_free(s->out, TRUE);
    }
}

void session_write(struct session *s, const void *buf, size_t len)
{
    lock_enter(&s->machine->lock);
    if (s->open && len <= OUT_MAX - s->out->len) {
        g_byte_array_append(s->out, buf, (guint)len);
        session_flush(s);
    }
    lock_leave(&s->machine->lock);
}

size_t session_read(struct session *s, void *buf, size_t max)
{
    size_t n;

    lock_enter(&s->machine->lock);
    n = MIN(max, s->in->len);
    if (n) {
        memcpy(buf, s->in->data, n);
        g_byte_array_remove_range(s->in, 0, (guint)n);
    }
    lock_leave(&s->machine->lock);
    return n;
}
