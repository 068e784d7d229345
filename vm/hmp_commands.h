/* SPDX-License-Identifier: MIT */
#ifndef VM_HMP_COMMANDS_H
#define VM_HMP_COMMANDS_H

#include "vm/hmp.h"

/* clang-format off */
#define HMP(name, fn, args, params, help, flags) \
    bool fn(struct hmp_call *c, GError **error);
#define INFO HMP
/* clang-format on */
#include "vm/hmp_commands.def"
#undef HMP
#undef INFO

#endif
