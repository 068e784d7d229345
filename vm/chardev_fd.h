/* SPDX-License-Identifier: MIT */
/*
 * A stream over file descriptors: files, terminals, pipes, ptys, and what is
 * accepted on a socket. Reads only as much as the front end has room for.
 */
#ifndef VM_CHARDEV_FD_H
#define VM_CHARDEV_FD_H

#include <sys/types.h>

#include "vm/chardev.h"

struct chardev_fd {
    struct chardev chardev;
    struct lock *lock;
    int in, out; /* -1 = none; may be the same */
    GSource *in_source, *out_source;
    GByteArray *pending; /* written by the front end, not yet by us */
    char *what;          /* for describe: "stdio", "file:x" */
    bool owned;          /* close the descriptors */
    /* As read(2); NULL: that. */
    ssize_t (*read)(struct chardev_fd *c, void *buf, size_t len);
    void (*closed)(struct chardev_fd *c);  /* end of input, or a dead peer */
    void (*release)(struct chardev_fd *c); /* before it is freed */
    void *opaque;
    guint resized; /* source of SIGWINCH, 0: none */
};

/* Sets up a zeroed struct; descriptors become non-blocking unless they are
 * regular files. */
void chardev_fd_init(struct chardev_fd *c, struct lock *lock, const char *id,
                     int in, int out, const char *what);
/* (Re)starts with new descriptors; CHARDEV_OPENED. */
void chardev_fd_open(struct chardev_fd *c, int in, int out);
/* Stops using the descriptors; CHARDEV_CLOSED. */
void chardev_fd_close(struct chardev_fd *c);

extern const struct chardev_ops chardev_fd_ops;

/* What these are made of, for kinds that do some of it themselves. */
unsigned chardev_fd_write(struct chardev *c, const uint8_t *buf, unsigned len);
void chardev_fd_accept_input(struct chardev *c);
char *chardev_fd_describe(const struct chardev *c);
void chardev_fd_free(struct chardev *c);
void chardev_fd_size(const struct chardev *c, unsigned *cols, unsigned *rows);
/* It is our own terminal: CHARDEV_RESIZE when that changes its size. */
void chardev_fd_watch_size(struct chardev_fd *c);

#endif
