/* SPDX-License-Identifier: MIT */
/* Words, near matches and numbers as people type them. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/error.h"

/*
 * "unknown WHAT 'name'; did you mean 'x'?", or, where nothing is near, with
 * the list of them all. `names` ends with NULL. Returns false.
 */
bool fail_unknown(GError **error, const char *what, const char *name,
                  const char *const *names);
/* The entry of `names` nearest to `name`, NULL where none is near. */
const char *text_near(const char *name, const char *const *names);

/* Decimal or 0x; the whole text must be a number no greater than max. */
bool text_to_uint(const char *text, uint64_t max, uint64_t *value);
/*
 * A size with an optional suffix b, k, M, G, T; without one it counts in
 * `unit` bytes. Fractions ("1.5G") are understood.
 */
bool text_to_size(const char *text, uint64_t unit, uint64_t *bytes);
/* on/off, yes/no, true/false, y/n */
bool text_to_bool(const char *text, bool *value);

#endif
