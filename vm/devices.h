/* SPDX-License-Identifier: MIT */
/* -device and device_add. */
#ifndef VM_DEVICES_H
#define VM_DEVICES_H

#include "hw/core/machine.h"

/* "NAME,prop=value,...": machine lock held. */
bool device_add_text(struct machine *m, const char *text, GError **error);
/* For -device help, and -device NAME,help. */
char *device_help(const char *name, GError **error);

#endif
