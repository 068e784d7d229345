/* SPDX-License-Identifier: MIT */
/*
 * Options in files: -readconfig and -writeconfig. A section is an option, its
 * lines are the option's parameters:
 *
 *     [drive "disk"]
 *       file = "debian.img"
 *       if = "ide"
 */
#ifndef VM_READCONFIG_H
#define VM_READCONFIG_H

#include "vm/config.h"

/* Reads all -readconfig files, applies -set, writes -writeconfig. */
bool config_files(struct config *c, GError **error);

#endif
