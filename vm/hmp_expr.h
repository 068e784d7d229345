/* SPDX-License-Identifier: MIT */
/*
 * Expressions in monitor commands: numbers (decimal, 0x, octal), characters
 * ('a'), registers ($rax), parentheses, and C's operators ~ ! - + * / % << >>
 * & ^ | with C's precedence, on 64 bits without sign.
 */
#ifndef VM_HMP_EXPR_H
#define VM_HMP_EXPR_H

#include "base/error.h"

struct hmp_registers {
    /* False: there is no such register. */
    bool (*get)(void *opaque, const char *name, uint64_t *value);
    void *opaque;
};

/* Takes the expression at the start of *text, which moves behind it and the
 * spaces that follow. */
bool hmp_expr(const char **text, const struct hmp_registers *regs,
              uint64_t *value, GError **error);

#endif
