/* SPDX-License-Identifier: MIT */
/*
 * The machine lock: a mutex that knows its owner. Device callbacks run with
 * it held. A thread that holds it may enter again (a device's DMA that lands
 * in another device, a reset from a port write).
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <glib.h>

#include "base/base.h"

struct lock {
    GMutex mutex;
    GThread *owner; /* atomic */
    unsigned depth;
};

void lock_init(struct lock *l);
void lock_clear(struct lock *l);
void lock_enter(struct lock *l);
/* Where nobody else holds it. */
bool lock_try(struct lock *l);
void lock_leave(struct lock *l);
bool lock_held(const struct lock *l); /* by the calling thread */
/* Waits for `cond` with the lock dropped; depth must be 1. */
void lock_wait(struct lock *l, GCond *cond);

#endif
