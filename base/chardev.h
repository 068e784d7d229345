/* SPDX-License-Identifier: MIT */
/*
 * A byte stream between a device (or a monitor) and the world: the front end
 * is whoever reads and writes here, the back end a file, a socket, a pty, the
 * terminal. Back ends live in vm/. Machine lock held in all calls.
 */
#ifndef BASE_CHARDEV_H
#define BASE_CHARDEV_H

#include <stdio.h>

#include "base/error.h"

enum chardev_event {
    CHARDEV_OPENED, /* a peer is there */
    CHARDEV_CLOSED,
    CHARDEV_BREAK, /* a break condition was received */
    CHARDEV_FOCUS, /* mux: this front end is in front now */
    CHARDEV_UNFOCUS,
    CHARDEV_RESIZE, /* of the terminal: ask ops->size() */
};

/* What a front end wants to hear; any may be NULL. */
struct chardev_front {
    unsigned (*can_receive)(void *opaque); /* bytes it has room for */
    void (*receive)(void *opaque, const uint8_t *buf, unsigned len);
    void (*event)(void *opaque, enum chardev_event event);
    void (*writable)(void *opaque); /* after a short write */
    void *opaque;
};

struct chardev {
    char *id;
    const struct chardev_ops *ops;
    struct chardev_front front;
    bool attached; /* a front end is there */
    bool open;     /* a peer is there; writes without one vanish */
    FILE *log;     /* copy of what is written (logfile=), or NULL */
};

struct chardev_ops {
    const char *name; /* "socket", "pty"... */
    /* Takes what it can without waiting: the count, 0 = try when writable. */
    unsigned (*write)(struct chardev *c, const uint8_t *buf, unsigned len);
    /* The machine is about to run, and will end by itself from now on: what
     * must be undone at the end can be done. May be NULL. */
    void (*start)(struct chardev *c);
    /* The front end has room again. */
    void (*accept_input)(struct chardev *c);
    void (*set_break)(struct chardev *c, bool on);
    void (*set_params)(struct chardev *c, unsigned baud, unsigned data_bits,
                       char parity, unsigned stop_bits);
    /* A descriptor that the peer passed, -1 = none; may be NULL. */
    int (*take_fd)(struct chardev *c);
    /* Of the terminal, where it has one; *cols and *rows stay otherwise. May
     * be NULL. */
    void (*size)(const struct chardev *c, unsigned *cols, unsigned *rows);
    char *(*describe)(const struct chardev *c); /* "pty:/dev/pts/3" */
    void (*free)(struct chardev *c);
};

/* False where somebody else is the front end already. */
static inline bool chardev_attach(struct chardev *c,
                                  const struct chardev_front *front,
                                  GError **error)
{
    if (c->attached) {
        return fail(error, "chardev '%s' is in use", c->id);
    }
    c->front = *front;
    c->attached = true;
    if (c->open && front->event) {
        front->event(front->opaque, CHARDEV_OPENED);
    }
    if (c->ops->accept_input) {
        c->ops->accept_input(c);
    }
    return true;
}

static inline void chardev_detach(struct chardev *c)
{
    c->front = (struct chardev_front){0};
    c->attached = false;
}

static inline unsigned chardev_write(struct chardev *c, const void *buf,
                                     unsigned len)
{
    unsigned n = c->ops->write(c, buf, len);

    if (c->log) {
        fwrite(buf, 1, n, c->log);
    }
    return n;
}

static inline void chardev_accept_input(struct chardev *c)
{
    if (c->ops->accept_input) {
        c->ops->accept_input(c);
    }
}

#endif
