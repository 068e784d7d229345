/* SPDX-License-Identifier: MIT */
/*
 * Keys that a program presses, holds for a while and releases, one chord
 * after the other, so that guests see them as typed. Machine lock held.
 */
#ifndef VM_KEYQUEUE_H
#define VM_KEYQUEUE_H

#include "hw/core/machine.h"

enum { KEYQUEUE_HOLD_MS = 100, KEYQUEUE_CHORD = 16, KEYQUEUE_MAX = 4096 };

struct keyqueue *keyqueue_new(struct machine *m);
void keyqueue_free(struct keyqueue *q);
/* All keys of a chord go down together; they come up in reverse order. */
bool keyqueue_press(struct keyqueue *q, const unsigned *usages, unsigned count,
                    int64_t hold_ms, GError **error);

#endif
