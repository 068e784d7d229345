/* SPDX-License-Identifier: MIT */
#ifndef HW_CHAR_ISA_SERIAL_H
#define HW_CHAR_ISA_SERIAL_H

#include "hw/char/ns16550.h"
#include "hw/core/machine.h"

struct isa_serial {
    struct dev dev;
    uint32_t index, iobase, irq; /* properties; UINT32_MAX = by the index */
    char *chardev;
    bool paced;
    struct ns16550 uart;
    struct region ports;
};

extern const struct dev_type isa_serial_type;

#endif
