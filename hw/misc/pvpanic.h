/* SPDX-License-Identifier: MIT */
#ifndef HW_MISC_PVPANIC_H
#define HW_MISC_PVPANIC_H

#include "hw/core/machine.h"

struct pvpanic {
    struct dev dev;
    uint32_t iobase; /* properties */
    uint8_t events;
    struct region port;
};

extern const struct dev_type pvpanic_type;

#endif
