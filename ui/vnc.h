/* SPDX-License-Identifier: MIT */
/*
 * The machine's screen over VNC, by libvncserver. Main thread; takes the
 * machine lock itself, except where a function says that it wants it.
 */
#ifndef UI_VNC_H
#define UI_VNC_H

#include "base/lock.h"
#include "ui/display.h"
#include "ui/input.h"

struct vnc_ui;

struct vnc_options {
    struct lock *lock;
    struct console *console;
    struct input *input;
    const char *title;
    const char *host;   /* NULL: all addresses */
    unsigned port;      /* TCP */
    unsigned ports;     /* how many to try, from `port` on */
    unsigned websocket; /* a port of its own for browsers, 0 = none */
    bool password;      /* nobody gets in until one is set */
};

struct vnc_ui *vnc_open(const struct vnc_options *o, GError **error);
void vnc_close(struct vnc_ui *ui);
/* Up to 8 characters count, as in the protocol. NULL: nobody gets in. */
void vnc_set_password(struct vnc_ui *ui, const char *password);
unsigned vnc_port(const struct vnc_ui *ui);
const char *vnc_host(const struct vnc_ui *ui);
unsigned vnc_clients(const struct vnc_ui *ui);

#endif
