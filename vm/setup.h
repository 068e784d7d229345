/* SPDX-License-Identifier: MIT */
#ifndef VM_SETUP_H
#define VM_SETUP_H

#include "base/error.h"

struct vm;

/* Builds the machine that vm->config describes. Machine lock held. */
bool vm_setup(struct vm *vm, GError **error);

#endif
