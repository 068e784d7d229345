/* SPDX-License-Identifier: MIT */
/*
 * What both monitors can do to a machine: one function an action. Machine
 * lock held unless the name ends in _unlocked.
 */
#ifndef VM_ACTIONS_H
#define VM_ACTIONS_H

#include "block/drive.h"
#include "vm/vm.h"

/* --- life --- */
void action_stop_unlocked(struct vm *vm);
bool action_cont_unlocked(struct vm *vm, GError **error);
void action_reset(struct vm *vm);
bool action_wakeup(struct vm *vm, GError **error);
void action_nmi(struct vm *vm);

/* --- media --- */
/* By the drive's id, the device's, or a path that ends in one. */
struct drive *action_find_drive(struct vm *vm, const char *name,
                                GError **error);
/* The device that has the drive, or NULL. */
struct dev *action_drive_dev(struct vm *vm, const struct drive *d);
bool action_tray_open(const struct drive *d);
bool action_tray_locked(const struct drive *d);
bool action_open_tray(struct vm *vm, struct drive *d, bool force,
                      GError **error);
void action_tray_event(struct vm *vm, const struct drive *d, bool open);
/* Opens the tray and takes the medium out. */
bool action_eject(struct vm *vm, struct drive *d, bool force, GError **error);
/* mode: "retain", "read-only", "read-write"; NULL = retain. */
bool action_change_medium(struct vm *vm, struct drive *d, const char *file,
                          const char *format, const char *mode, bool force,
                          GError **error);

/* --- passwords --- */
/* "now", "never", "+SECONDS", "SECONDS" since 1970. */
bool action_expiry_time(const char *text, int64_t *when, GError **error);

/* --- memory --- */
enum { ACTION_CHUNK = 64 * 1024 };
/* cpu: its linear addresses; NULL: physical ones. CPUs must stand still. */
bool action_save_memory(struct vm *vm, struct x86_cpu *cpu, uint64_t addr,
                        uint64_t size, const char *path, GError **error);
/* Guest memory as the CPU (NULL: the bus) sees it; false: not there. */
bool action_peek(struct vm *vm, struct x86_cpu *cpu, uint64_t addr, void *buf,
                 size_t len);

/* --- screen --- */
/* format: "png", "ppm", NULL = by the name's ending. device: an id or NULL. */
bool action_screendump(struct vm *vm, const char *path, const char *format,
                       const char *device, int64_t head, GError **error);

#endif
