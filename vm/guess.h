/* SPDX-License-Identifier: MIT */
/*
 * `rhea FILE`: what is it, and which options boot it? And `--explain`: the
 * full command line.
 */
#ifndef VM_GUESS_H
#define VM_GUESS_H

#include "vm/config.h"

/* Turns c->file, if there is one, into options. Says in *why what it took the
 * file for (g_free() it; NULL without a file). */
bool guess_apply(struct config *c, char **why, GError **error);
/* The command line that the configuration amounts to, for a shell. */
char *guess_explain(const char *program, const struct config *c,
                    const char *why);

#endif
