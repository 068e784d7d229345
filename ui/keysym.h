/* SPDX-License-Identifier: MIT */
#ifndef UI_KEYSYM_H
#define UI_KEYSYM_H

#include "base/base.h"

/* The key of a US keyboard that an X keysym is on: a HID usage, 0 = none. */
unsigned keysym_to_usage(uint32_t keysym);

#endif
