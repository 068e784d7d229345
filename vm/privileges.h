/* SPDX-License-Identifier: MIT */
/* -run-with user=U,chroot=DIR, and -runas U, -chroot DIR as they were. */
#ifndef VM_PRIVILEGES_H
#define VM_PRIVILEGES_H

#include "vm/config.h"

/* When all files are open, before the guest runs. */
bool privileges_drop(const struct config *c, GError **error);

#endif
