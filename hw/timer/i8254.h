/* SPDX-License-Identifier: MIT */
#ifndef HW_TIMER_I8254_H
#define HW_TIMER_I8254_H

#include "hw/core/machine.h"

enum { PIT_HZ = 1193182 };

struct pit_channel {
    struct i8254 *pit;
    struct wire out;   /* OUT */
    struct timer edge; /* its next change; only while OUT is connected */

    uint8_t mode; /* 0..5 */
    uint8_t rw;   /* 1 = LSB, 2 = MSB, 3 = LSB then MSB */
    bool bcd;
    bool gate;
    bool null_count; /* no count was written since the control word */
    bool armed;      /* modes 1 and 5: loaded by the next trigger */
    bool loaded;     /* the counting element runs, or is held by its gate */
    bool half;       /* mode 3: OUT is low from `since` on */
    bool reload;     /* modes 2, 3: a new count is taken at `switch_at` */
    uint16_t cr;     /* count register as written */
    uint32_t count;  /* that the element was loaded with: 1..0x10000 */
    uint64_t since;  /* tick at which it held `count` */
    uint64_t held;   /* gate low: ticks it has counted so far */
    uint64_t switch_at;

    uint8_t write_low;        /* the first byte of two */
    bool write_msb, read_msb; /* which byte is next */
    uint8_t latched;          /* bit 0: count (low, or only byte), 1: status */
    bool latched_msb;         /* the latch's upper byte is next */
    uint16_t latch;
    uint8_t status_latch;
};

struct i8254 {
    struct dev dev;
    uint32_t iobase; /* property */
    struct region ports;
    struct pit_channel channel[3];
};

extern const struct dev_type i8254_type;

/* GATE of a channel; 0 and 1 are tied high on a PC. */
void i8254_set_gate(void *dev, unsigned channel, bool level);
/* OUT now. */
bool i8254_out(struct i8254 *s, unsigned channel);
/* Period of a channel that runs in mode 2 or 3, in ticks; else 0. */
uint32_t i8254_period(const struct i8254 *s, unsigned channel);

#endif
