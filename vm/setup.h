/* SPDX-License-Identifier: MIT */
/* From a configuration to a machine that could run: machine lock held. */
#ifndef VM_SETUP_H
#define VM_SETUP_H

#include "vm/vm.h"

/* Builds the machine that vm->config describes. */
bool vm_setup(struct vm *vm, GError **error);

/* --- setup_machine.c --- */
bool machine_options_parse(struct machine_options *mo, const struct config *c,
                           GError **error);
void machine_options_clear(struct machine_options *mo);
/* For -machine BOARD,help: g_free() it. */
char *machine_options_help(const char *board);
/* The first one of -accel (or -machine accel=) that works here. */
const struct accel *accel_choose(struct vm *vm,
                                 const struct machine_options *mo,
                                 GError **error);
void setup_cpu_model(struct vm *vm);
/* backend: id of a memory object, or NULL. */
bool setup_memory(struct vm *vm, const char *backend, GError **error);
bool setup_smp(struct vm *vm, GError **error);

/* --- setup_firmware.c --- */
/* -boot, -smbios, -acpitable: before the board is made. */
bool setup_boot(struct vm *vm, GError **error);
bool setup_tables(struct vm *vm, GError **error);
/* -fw_cfg, -option-rom: when it is there. */
bool setup_firmware_files(struct vm *vm, GError **error);

#endif
