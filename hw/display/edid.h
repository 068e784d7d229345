/* SPDX-License-Identifier: MIT */
#ifndef HW_DISPLAY_EDID_H
#define HW_DISPLAY_EDID_H

#include "base/error.h"

enum { EDID_SIZE = 128, EDID_MIN = 200, EDID_MAX = 4095 };

/* What the monitor says of itself. The preferred mode is width x height at
 * 60 Hz; each between EDID_MIN and EDID_MAX. */
void edid_make(uint8_t out[EDID_SIZE], unsigned width, unsigned height);

#endif
