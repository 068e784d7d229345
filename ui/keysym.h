/* SPDX-License-Identifier: MIT */
#ifndef UI_KEYSYM_H
#define UI_KEYSYM_H

#include <glib.h>

#include "base/base.h"

struct keymap;

/* The key that an X keysym is on, of a layout (NULL: US): a HID usage, 0 =
 * none. */
unsigned keysym_to_usage(const struct keymap *map, uint32_t keysym);
const struct keymap *keymap_find(const char *name); /* "de"; NULL: none */
const char *keymap_name(size_t n); /* of the n-th; NULL behind the last */

#endif
