/* SPDX-License-Identifier: MIT */
/* Where firmware and other files that ship with systems are found. */
#ifndef BASE_DATADIR_H
#define BASE_DATADIR_H

#include "base/error.h"

struct datadirs {
    GPtrArray *dirs; /* char *, the first one wins */
};

struct datadirs *datadirs_new(void); /* with the usual places */
void datadirs_free(struct datadirs *d);
void datadirs_prepend(struct datadirs *d, const char *dir); /* -L */
/* The path of `name`, which may itself be a path; NULL with an error that
 * says where was looked. */
char *datadirs_find(const struct datadirs *d, const char *name, GError **error);

#endif
