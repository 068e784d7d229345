/* SPDX-License-Identifier: MIT */
/*
 * All that talks to people and programs about a machine: QMP servers,
 * monitors, qtest, and what outlives one command of theirs (keys that are
 * held down, descriptors that were passed).
 */
#ifndef VM_MONITORS_H
#define VM_MONITORS_H

#include "vm/vm.h"

struct fdsets;
struct keyqueue;
struct qtest;
struct vnc_peer;

/* What the VNC server lets monitors do; set in struct monitors while there is
 * one. Lock held. */
struct vnc_control {
    /* password: NULL or "" = nobody gets in */
    bool (*set_password)(void *opaque, const char *password, GError **error);
    /* When the password ends: seconds since 1970, INT64_MAX = never */
    bool (*expire_password)(void *opaque, int64_t when, GError **error);
    /* Calls fn for each client. */
    void (*clients)(void *opaque,
                    void (*fn)(void *to, const struct vnc_peer *peer),
                    void *to);
    const char *host, *service; /* as strings: "127.0.0.1", "5900" */
    const char *family;         /* "ipv4", "ipv6", "unix" */
    const char *auth;           /* "none", "vnc" */
    void *opaque;
};

struct monitors {
    GPtrArray *qmp;   /* struct qmp * */
    GPtrArray *hmp;   /* struct hmp * */
    GPtrArray *other; /* struct chardev *: made here, by -qmp and the like */
    struct fdsets *fdsets;
    struct keyqueue *keys;
    struct qtest *qtest; /* NULL: none */
    unsigned pointer[2]; /* where programs put it, 0..INPUT_ABS_MAX */
    const struct vnc_control *vnc;
};

/* Before the board is built: what a device may need from the start. */
void monitors_init(struct vm *vm);
/* -add-fd; before drives are opened. */
bool monitors_add_fds(struct vm *vm, GError **error);
/* -qmp, -monitor, -mon, mon:..., -qtest. Lock held, the board is built. */
bool monitors_create(struct vm *vm, GError **error);
void monitors_free(struct vm *vm); /* lock held, before the chardevs go */

/* Lets all CPUs stand still, their state in x86_cpu, while a command looks at
 * them. Not with the lock held. True: pass that to cpus_release(). */
bool cpus_hold(struct vm *vm);
void cpus_release(struct vm *vm, bool resume);

#endif
