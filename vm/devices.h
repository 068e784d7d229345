/* SPDX-License-Identifier: MIT */
/* -device and device_add. */
#ifndef VM_DEVICES_H
#define VM_DEVICES_H

#include "hw/core/machine.h"

/* "NAME,prop=value,...": machine lock held. */
bool device_add_text(struct machine *m, const char *text, GError **error);
/* "DRIVER.PROP=VALUE": a default for devices that are made from now on. */
bool device_add_global(struct machine *m, const char *text, GError **error);
/* USB and SCSI devices can be unplugged; for others it says so. */
bool device_del(struct machine *m, const char *id, GError **error);
/* "uint32" */
const char *device_kind_text(enum kind kind);
/* For -device help, and -device NAME,help. */
char *device_help(const char *name, GError **error);

#endif
