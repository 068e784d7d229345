/* SPDX-License-Identifier: MIT */
/*
 * A conversation over a chardev: what the monitor, QMP and qtest have in
 * common. Bytes are gathered as they come, with the machine lock held; they
 * are served from the main loop *without* it, because a command may have to
 * stop CPUs. Writing never waits: what the peer does not take is kept.
 */
#ifndef VM_SESSION_H
#define VM_SESSION_H

#include "base/chardev.h"
#include "hw/core/machine.h"

struct session;

struct session_ops {
    /* Main loop, lock not held: takes what it can serve in one go off the
     * input. False: nothing more to do until more input comes. */
    bool (*serve)(struct session *s);
    void (*opened)(struct session *s);  /* a peer came; lock held; or NULL */
    void (*closed)(struct session *s);  /* all it sent is served; likewise */
    void (*focused)(struct session *s); /* Ctrl-A c came to it; likewise */
};

struct session {
    struct machine *machine;
    struct chardev *chardev;
    const struct session_ops *ops;
    /* Below: with the machine lock held. */
    GByteArray *in, *out;
    guint source; /* of the idle callback, 0 = none */
    bool open;
    bool closing; /* the peer is gone, what it sent is not all served */
};

/* Attaches to the chardev. Lock held. */
bool session_init(struct session *s, struct machine *m, struct chardev *c,
                  const struct session_ops *ops, GError **error);
void session_clear(struct session *s); /* lock held */

/* Any thread; takes the lock. */
void session_write(struct session *s, const void *buf, size_t len);
/* Takes up to `max` bytes of input: how many. Takes the lock. */
size_t session_read(struct session *s, void *buf, size_t max);
/* Lets serve() be called soon. Lock held. */
void session_wake(struct session *s);

#endif
