/* SPDX-License-Identifier: MIT */
/*
 * 93C46: 64 words of 16 bits behind a Microwire bus of four wires, as network
 * cards have them. [93C46] Commands are a start bit, an opcode of two bits, an
 * address of six, and for writing a word of data.
 *
 * Not modelled: how long writing takes.
 */
#ifndef HW_NET_EEPROM93_H
#define HW_NET_EEPROM93_H

#include "hw/core/dev.h"

enum { EEPROM93_WORDS = 64 };

struct eeprom93 {
    uint16_t word[EEPROM93_WORDS];
    bool cs, sk;      /* as they were last */
    bool out;         /* DO */
    bool write_on;    /* EWEN was the last of EWEN and EWDS */
    uint8_t phase;    /* enum in eeprom93.c */
    uint8_t bits;     /* left in this phase */
    uint8_t command;  /* opcode and address */
    uint16_t shifter; /* data on its way in or out */
};

/* clang-format off */
#define EEPROM93_STATE(type, m) \
    {.name = "eeprom", .at = offsetof(type, m.word), \
     .count = EEPROM93_WORDS, .kind = K_U16}, \
    FIELD_AS(type, m.cs, "eeprom_cs"), FIELD_AS(type, m.sk, "eeprom_sk"), \
    FIELD_AS(type, m.out, "eeprom_out"), \
    FIELD_AS(type, m.write_on, "eeprom_write_on"), \
    FIELD_AS(type, m.phase, "eeprom_phase"), \
    FIELD_AS(type, m.bits, "eeprom_bits"), \
    FIELD_AS(type, m.command, "eeprom_command"), \
    FIELD_AS(type, m.shifter, "eeprom_shifter")
/* clang-format on */

/* The bus goes idle; the words stay. */
void eeprom93_reset(struct eeprom93 *e);
/* The three wires to the chip. It looks at DI where SK rises. */
void eeprom93_set(struct eeprom93 *e, bool cs, bool sk, bool di);
bool eeprom93_check(const struct eeprom93 *e, GError **error);
/* Has the last word make the sum of the first `words` be `sum`. */
void eeprom93_checksum(struct eeprom93 *e, unsigned words, uint16_t sum);

#endif
