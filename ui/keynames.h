/* SPDX-License-Identifier: MIT */
/* Names of keys as monitors and QMP spell them. Pure functions. */
#ifndef UI_KEYNAMES_H
#define UI_KEYNAMES_H

#include "base/error.h"

/* The HID usage of a name ("a", "ret", "kp_add"); 0 = there is none. */
unsigned keyname_usage(const char *name);
/* NULL: the usage has no name. */
const char *keyname_of(unsigned usage);
/* The usage of a set 1 scan code (| 0x80 after E0); 0 = there is none. */
unsigned keyname_from_number(unsigned number);
/* By place in the table, for completion; NULL behind the last. */
const char *keyname_at(unsigned index);

#endif
