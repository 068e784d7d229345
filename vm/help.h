/* SPDX-License-Identifier: MIT */
/* What prints and ends: --help, --version, -device help and the like. */
#ifndef VM_HELP_H
#define VM_HELP_H

#include "vm/config.h"

/* True: it was asked for, and is printed. */
bool help_wanted(const struct config *c, const char *program, GError **error);

#endif
