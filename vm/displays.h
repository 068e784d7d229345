/* SPDX-License-Identifier: MIT */
/* -display, -vnc, -full-screen: who looks at the machine's screen. */
#ifndef VM_DISPLAYS_H
#define VM_DISPLAYS_H

#include "base/error.h"

struct vm;

/* After the board and the monitors are there. Lock held. A window that cannot
 * be opened is said and done without, unless it was asked for by name. */
bool displays_create(struct vm *vm, GError **error);
void displays_free(struct vm *vm); /* lock held; before the devices go */

#endif
