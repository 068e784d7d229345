/* SPDX-License-Identifier: MIT */
#ifndef HW_ISA_PORT92_H
#define HW_ISA_PORT92_H

#include "hw/core/reg.h"

struct port92 {
    struct dev dev;
    struct wire a20;      /* out: the A20 gate is open */
    struct wire cpu_init; /* out, a pulse; not connected: machine reset */
    struct reg_window window;
    uint8_t ctrl;
};

extern const struct dev_type port92_type;

#endif
