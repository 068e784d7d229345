/* SPDX-License-Identifier: MIT */
#ifndef HW_CHAR_PARALLEL_H
#define HW_CHAR_PARALLEL_H

#include "base/chardev.h"
#include "hw/core/reg.h"

struct parallel {
    struct dev dev;
    struct wire irq;
    uint32_t index, iobase, irq_line; /* properties; UINT32_MAX = by index */
    char *chardev;
    struct chardev *chr;
    struct reg_window window;
    uint8_t data, control;
    uint8_t pending; /* latched, not taken by the printer yet */
    bool busy, ack;  /* ack: a byte was taken, and no status read since */
};

extern const struct dev_type parallel_type;

#endif
