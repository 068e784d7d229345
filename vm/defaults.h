/* SPDX-License-Identifier: MIT */
#ifndef VM_DEFAULTS_H
#define VM_DEFAULTS_H

#include "vm/config.h"

/* Serial line and monitor of a command line that names none. */
void defaults_apply(struct config *c);

#endif
