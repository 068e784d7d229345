/* SPDX-License-Identifier: MIT */
/*
 * "key=value,key=value" as people and programs type it, QEMU's way: ",," is a
 * comma in a value, the first item may stand without its key, and `key` and
 * `nokey` alone mean on and off.
 */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H

#include "base/error.h"

struct opt {
    char *key;
    char *value;
    bool used; /* somebody asked for it: see opts_check_used() */
};

struct opts {
    GArray *list; /* struct opt, in order */
};

/* `implied`: the key of a first item that has none, or NULL. */
struct opts *opts_parse(const char *text, const char *implied, GError **error);
struct opts *opts_new(void);
void opts_free(struct opts *o);
/* "key=value,key=value" again, the commas in values doubled: g_free() it. */
char *opts_to_text(const struct opts *o);

/* The last one wins; NULL where there is none. Marks it as used. */
const char *opts_get(struct opts *o, const char *key);
bool opts_has(const struct opts *o, const char *key);
void opts_set(struct opts *o, const char *key, const char *value);
/* *value stays as it is where the key is missing; false = bad value. */
bool opts_get_bool(struct opts *o, const char *key, bool *value,
                   GError **error);
bool opts_get_uint(struct opts *o, const char *key, uint64_t max,
                   uint64_t *value, GError **error);
bool opts_get_size(struct opts *o, const char *key, uint64_t unit,
                   uint64_t *value, GError **error);
/* Fails for the first key that nobody asked for; `known` ends with NULL. */
bool opts_check_used(const struct opts *o, const char *where,
                     const char *const *known, GError **error);

#endif
