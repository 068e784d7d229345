/* SPDX-License-Identifier: MIT */
#ifndef HW_INTC_I8259_H
#define HW_INTC_I8259_H

#include "hw/core/machine.h"

struct i8259;

struct i8259_chip {
    struct i8259 *pair;
    uint8_t lines; /* input levels; saved, so that a load makes no edges */
    uint8_t irr, isr, imr;
    uint8_t icw2; /* vector base */
    uint8_t icw3, icw4;
    uint8_t elcr;
    uint8_t lowest;   /* the input of lowest priority */
    uint8_t next_icw; /* 0 = initialized, else 2, 3, 4 */
    bool ltim, single, need_icw4;
    bool read_isr, poll, special_mask, rotate_aeoi;
};

struct i8259 {
    struct dev dev;
    struct wire intr;          /* out: INTR of the CPU */
    struct i8259_chip chip[2]; /* master, slave */
    struct region ports[3];    /* 20, a0, ELCR 4d0 */
};

extern const struct dev_type i8259_type;

/* Interrupt inputs 0..15; 2 is the cascade and not connected. */
void i8259_set_irq(void *dev, unsigned pin, bool level);
/* The CPU's INTA cycle: the vector; a spurious one where nothing is pending. */
int i8259_ack(void *dev);
/* `info pic` */
void i8259_print(const struct i8259 *s, GString *out);

#endif
