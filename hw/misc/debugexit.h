/* SPDX-License-Identifier: MIT */
#ifndef HW_MISC_DEBUGEXIT_H
#define HW_MISC_DEBUGEXIT_H

#include "hw/core/machine.h"

struct debugexit {
    struct dev dev;
    uint32_t iobase, iosize; /* properties */
    struct region ports;
};

extern const struct dev_type debugexit_type;

#endif
