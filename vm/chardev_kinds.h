/* SPDX-License-Identifier: MIT */
/* Makers of streams, for the table in chardev.c. Machine lock held. */
#ifndef VM_CHARDEV_KINDS_H
#define VM_CHARDEV_KINDS_H

#include "vm/chardev_fd.h"

struct chardev *chardev_pty_new(struct machine *m, const char *id,
                                struct opts *o, GError **error);
struct chardev *chardev_pipe_new(struct machine *m, const char *id,
                                 struct opts *o, GError **error);
struct chardev *chardev_serial_new(struct machine *m, const char *id,
                                   struct opts *o, GError **error);
struct chardev *chardev_socket_new(struct machine *m, const char *id,
                                   struct opts *o, GError **error);
struct chardev *chardev_udp_new(struct machine *m, const char *id,
                                struct opts *o, GError **error);
struct chardev *chardev_ringbuf_new(struct machine *m, const char *id,
                                    struct opts *o, GError **error);

#endif
