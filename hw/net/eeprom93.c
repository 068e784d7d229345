/* SPDX-License-Identifier: MIT */
#include "hw/net/eeprom93.h"

enum phase { WAIT_START, COMMAND, READING, WRITING, WRITTEN, IDLE };

enum { /* opcodes; those of SPECIAL in the address's upper bits */
       OP_SPECIAL = 0,
       OP_WRITE = 1,
       OP_READ = 2,
       OP_ERASE = 3,
       SPECIAL_EWDS = 0,
       SPECIAL_WRAL = 1,
       SPECIAL_ERAL = 2,
       SPECIAL_EWEN = 3,
       COMMAND_BITS = 8,
       WORD_BITS = 16,
       ERASED = 0xffff,
};

static unsigned opcode(const struct eeprom93 *e)
{
    return e->command >> 6;
}

static unsigned address(const struct eeprom93 *e)
{
    return e->command & (EEPROM93_WORDS - 1);
}

static unsigned special(const struct eeprom93 *e)
{
    return e->command >> 4 & 3;
}

static void enter(struct eeprom93 *e, enum phase phase, uint8_t bits)
{
    e->phase = phase;
    e->bits = bits;
}

void eeprom93_reset(struct eeprom93 *e)
{
    e->cs = e->sk = e->write_on = false;
    e->out = true;
    e->command = 0;
    e->shifter = 0;
    enter(e, WAIT_START, 0);
}

static void fill(struct eeprom93 *e, uint16_t value)
{
    for (unsigned i = 0; i < EEPROM93_WORDS; i++) {
        e->word[i] = value;
    }
}

/* The command is complete. */
static void decode(struct eeprom93 *e)
{
    switch (opcode(e)) {
    case OP_READ:
        e->shifter = e->word[address(e)];
        e->out = false; /* a zero comes first */
        enter(e, READING, WORD_BITS);
        return;
    case OP_WRITE: enter(e, WRITING, WORD_BITS); return;
    case OP_ERASE:
        e->shifter = ERASED;
        enter(e, WRITTEN, 0);
        return;
    default: break;
    }
    switch (special(e)) {
    case SPECIAL_EWDS: e->write_on = false; break;
    case SPECIAL_EWEN: e->write_on = true; break;
    case SPECIAL_WRAL: enter(e, WRITING, WORD_BITS); return;
    default:
        e->shifter = ERASED;
        enter(e, WRITTEN, 0);
        return;
    }
    enter(e, IDLE, 0);
}

/* Words follow one another for as long as the clock goes on. */
static void read_bit(struct eeprom93 *e)
{
    if (e->bits == 0) {
        e->command = (uint8_t)(OP_READ << 6 | ((address(e) + 1) & 63));
        e->shifter = e->word[address(e)];
        e->bits = WORD_BITS;
    }
    e->out = e->shifter >> 15;
    e->shifter = (uint16_t)(e->shifter << 1);
    e->bits--;
}

static void clock_bit(struct eeprom93 *e, bool di)
{
    switch (e->phase) {
    case WAIT_START:
        if (di) {
            e->command = 0;
            enter(e, COMMAND, COMMAND_BITS);
        }
        break;
    case COMMAND:
        e->command = (uint8_t)(e->command << 1 | di);
        if (--e->bits == 0) {
            decode(e);
        }
        break;
    case READING: read_bit(e); break;
    case WRITING:
        e->shifter = (uint16_t)(e->shifter << 1 | di);
        if (--e->bits == 0) {
            e->phase = WRITTEN;
        }
        break;
    default: break;
    }
}

/* Writing begins when the chip is deselected. */
static void commit(struct eeprom93 *e)
{
    if (e->phase != WRITTEN || !e->write_on) {
        return;
    }
    if (opcode(e) == OP_SPECIAL) {
        fill(e, e->shifter);
    } else {
        e->word[address(e)] = e->shifter;
    }
}

void eeprom93_set(struct eeprom93 *e, bool cs, bool sk, bool di)
{
    bool rises = sk && !e->sk;

    e->sk = sk;
    if (!cs) {
        if (e->cs) {
            commit(e);
        }
        e->out = true; /* ready, or nobody drives it */
        enter(e, WAIT_START, 0);
    } else if (rises) {
        clock_bit(e, di);
    }
    e->cs = cs;
}

bool eeprom93_check(const struct eeprom93 *e, GError **error)
{
    bool counts = e->phase == COMMAND || e->phase == WRITING;

    if (e->phase > IDLE || e->bits > WORD_BITS || (counts && e->bits == 0)) {
        return fail(error, "EEPROM: %u bits in phase %u", e->bits, e->phase);
    }
    return true;
}

void eeprom93_checksum(struct eeprom93 *e, unsigned words, uint16_t sum)
{
    for (unsigned i = 0; i + 1 < words; i++) {
        sum = (uint16_t)(sum - e->word[i]);
    }
    e->word[words - 1] = sum;
}
