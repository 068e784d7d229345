/* SPDX-License-Identifier: MIT */
#ifndef VM_CHARDEV_MUX_H
#define VM_CHARDEV_MUX_H

#include "vm/chardev.h"

/* Takes the stream; the first port is the one that has the focus. `escape`:
 * the key that commands begin with, 1 is Ctrl-A. */
struct chardev *chardev_mux_new(struct machine *machine, struct chardev *base,
                                uint8_t escape);

#endif
