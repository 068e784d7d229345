/* SPDX-License-Identifier: MIT */
/*
 * The machine's screen over VNC, by libvncserver. Main thread, machine lock
 * held in all calls.
 */
#ifndef UI_VNC_H
#define UI_VNC_H

#include "base/lock.h"
#include "ui/display.h"
#include "ui/input.h"
#include "ui/keysym.h"

struct vnc_ui;

enum vnc_event { VNC_CONNECTED, VNC_INITIALIZED, VNC_DISCONNECTED };

struct vnc_peer {
    char host[64], service[8];
    const char *family; /* "ipv4", "ipv6", "unix" */
    bool websocket;
};

struct vnc_options {
    struct lock *lock;
    struct console *console;
    struct input *input;
    const char *title;
    const char *host;            /* NULL: all addresses */
    const char *path;            /* of a Unix socket, instead of all that */
    unsigned port;               /* TCP */
    unsigned ports;              /* how many to try, from `port` on */
    unsigned websocket;          /* a port of its own for browsers, 0 = none */
    bool web_follows;            /* it moves as `port` does */
    bool password;               /* nobody gets in until one is set */
    const struct keymap *keymap; /* of clients; NULL: US */
    void (*event)(void *opaque, enum vnc_event event,
                  const struct vnc_peer *peer);
    void *opaque;
};

struct vnc_ui *vnc_open(const struct vnc_options *o, GError **error);
/* Lets go of the lock for a while. */
void vnc_close(struct vnc_ui *ui);
/* Up to 8 characters count, as in the protocol. NULL: nobody gets in. */
void vnc_set_password(struct vnc_ui *ui, const char *password);
unsigned vnc_port(const struct vnc_ui *ui);
const char *vnc_host(const struct vnc_ui *ui); /* or the path */
unsigned vnc_clients(struct vnc_ui *ui);
void vnc_each_client(struct vnc_ui *ui,
                     void (*fn)(void *opaque, const struct vnc_peer *peer),
                     void *opaque);

#endif
