/* SPDX-License-Identifier: MIT */
/* -drive: from text to struct drive. */
#ifndef VM_DRIVES_H
#define VM_DRIVES_H

#include "block/drive.h"
#include "hw/core/machine.h"

/*
 * Adds a drive; it is registered with the machine as a backend and in
 * `drives`. `snapshot`: as if snapshot=on stood there. Lock held.
 */
bool drive_from_text(struct machine *m, GPtrArray *drives, const char *text,
                     bool snapshot, GError **error);
/* The drive of a bus and index, or NULL. */
struct drive *drive_at(const GPtrArray *drives, enum drive_bus bus,
                       unsigned index);
/* Checks that every drive with a bus found a device. */
bool drives_check_used(const GPtrArray *drives, GError **error);

#endif
