/* SPDX-License-Identifier: MIT */
/*
 * The serial EEPROM of many cards: 64 words of 16 bits behind four wires.
 * [93C46] Commands are a start bit, two bits of operation, six of address.
 *
 * Not modelled: writing and erasing.
 */
#ifndef HW_NET_EE93C46_H
#define HW_NET_EE93C46_H

#include "hw/core/dev.h"

enum { EE93C46_WORDS = 64 };

struct ee93c46 { /* saved state */
    uint16_t shift, out;
    uint8_t bits, out_bits; /* that have come; that are left of `out` */
    bool clock, selected;
};

/* clang-format off */
#define EE93C46_STATE(type, m) \
    FIELD(type, m.shift), FIELD(type, m.out), FIELD(type, m.bits), \
    FIELD(type, m.out_bits), FIELD(type, m.clock), FIELD(type, m.selected)
/* clang-format on */

/* The levels of its inputs: chip select, clock, data. */
void ee93c46_pins(struct ee93c46 *e, const uint16_t *words, bool cs, bool sk,
                  bool di);
/* The level of its output. */
bool ee93c46_out(const struct ee93c46 *e);

#endif
