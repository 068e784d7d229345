/* SPDX-License-Identifier: MIT */
/* Options that may be written as JSON: -device '{"driver": "VGA"}'. */
#ifndef VM_TEXT_OPTS_H
#define VM_TEXT_OPTS_H

#include <json-glib/json-glib.h>

#include "base/opts.h"

/* As opts_parse(), or a JSON object where the text begins with '{'. */
struct opts *opts_from_text(const char *text, const char *implied,
                            GError **error);
/* Members of nested objects become "outer.inner", those of lists "outer.0";
 * numbers are decimal, booleans on and off, null is left out. */
struct opts *opts_from_json(JsonObject *o);

#endif
