/* SPDX-License-Identifier: MIT */
#ifndef HW_MISC_DEBUGCON_H
#define HW_MISC_DEBUGCON_H

#include "base/chardev.h"
#include "hw/core/machine.h"

struct debugcon {
    struct dev dev;
    uint32_t iobase, readback; /* properties */
    char *chardev;
    struct chardev *chr;
    struct region port;
};

extern const struct dev_type debugcon_type;

#endif
