/* SPDX-License-Identifier: MIT */
#ifndef HW_INPUT_I8042_H
#define HW_INPUT_I8042_H

#include "hw/core/machine.h"
#include "hw/input/ps2.h"

struct i8042 {
    struct dev dev;
    struct wire irq_kbd, irq_mouse; /* out: IRQ 1, IRQ 12 */
    struct wire a20;        /* out: set at each write of the output port */
    struct wire cpu_init;   /* out, a pulse; not connected: machine reset */
    struct region ports[2]; /* 60, 64 */

    struct ps2_kbd kbd;
    struct ps2_mouse mouse;
    uint8_t status, mode, outport;
    uint8_t command; /* waits for its data byte; 0 = none */
    uint8_t out;     /* the output buffer */
    uint8_t ram[32];
    uint8_t answer; /* of the controller itself, waits for the buffer */
    bool answers, answer_aux;
    bool released;      /* translation: F0 was seen */
    int64_t not_before; /* when the next byte can have come down the cable */
    struct timer deliver;
};

extern const struct dev_type i8042_type;

#endif
