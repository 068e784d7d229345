/* SPDX-License-Identifier: MIT */
/*
 * Back ends of character streams, made from what the user typed. All with the
 * machine lock held.
 */
#ifndef VM_CHARDEV_H
#define VM_CHARDEV_H

#include "base/chardev.h"
#include "base/opts.h"
#include "hw/core/machine.h"

/*
 * "stdio", "mon:stdio", "file:F", "pty", "null", "none", "vc",
 * "unix:F[,server=on][,wait=off]", "tcp:H:P[,server]", "telnet:...",
 * "pipe:F", "udp:[H]:P[@[H]:P]", "ringbuf", "chardev:ID", "/dev/...": a stream, registered with the machine
 * under `id`. *result is NULL for "none". "mon:X" also puts a monitor on it:
 * *with_monitor is then set (it may be NULL where that makes no sense).
 */
bool chardev_from_text(struct machine *m, const char *id, const char *text,
                       struct chardev **result, bool *with_monitor,
                       GError **error);
/* -chardev KIND,id=ID,... */
bool chardev_from_opts(struct machine *m, const char *text, GError **error);
/* A second front end on the same stream: the one in front is switched with
 * Ctrl-A c. `base` must be a stream of kind mux (made by mon:, mux=on). */
struct chardev *chardev_mux_port(struct chardev *base);
bool chardev_is_mux(const struct chardev *c);
/* Not behind another front end of a mux. */
bool chardev_has_focus(const struct chardev *c);
/* Names of -chardev kinds, ends with NULL. */
const char *const *chardev_kind_names(void);
enum { CHARDEV_RINGBUF_MAX = 16 * 1024 * 1024 };
bool chardev_is_ringbuf(const struct chardev *c);
/* Takes up to `len` bytes, the oldest first: how many. */
unsigned chardev_ringbuf_read(struct chardev *c, uint8_t *buf, unsigned len);
/* Is the terminal somebody's stream? */
bool chardevs_use_stdio(const struct machine *m);
/* When the machine is about to run: see struct chardev_ops. */
void chardevs_start(struct machine *m);
/* With its logfile. */
void chardev_free(struct chardev *c);
/* Restores the terminal, removes socket files; at exit. */
void chardevs_close(struct machine *m);

#endif
