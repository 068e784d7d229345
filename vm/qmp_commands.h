/* SPDX-License-Identifier: MIT */
#ifndef VM_QMP_COMMANDS_H
#define VM_QMP_COMMANDS_H

#include "vm/qmp.h"

/* clang-format off */
#define QMP(name, fn, args, flags) \
    JsonNode *fn(struct qmp_call *c, GError **error);
/* clang-format on */
#include "vm/qmp_commands.def"
#undef QMP

#endif
