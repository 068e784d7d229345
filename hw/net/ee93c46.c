/* SPDX-License-Identifier: MIT */
#include "hw/net/ee93c46.h"

enum { READ = 6, COMMAND = 3, ADDRESS = 6, WORD = 16 };

bool ee93c46_out(const struct ee93c46 *e)
{
    /* Idle it is ready: high. Before a word there is a zero. */
    return e->out_bits == 0 || (e->out_bits <= WORD && e->out >> 15);
}

/* A rising clock: a bit of the command, or the next bit of the word. */
static void clock_rises(struct ee93c46 *e, const uint16_t *words, bool in)
{
    if (e->out_bits) {
        if (e->out_bits <= WORD) {
            e->out = (uint16_t)(e->out << 1 | 1);
        }
        e->out_bits--;
        return;
    }
    if (e->bits == 0 && !in) {
        return; /* before the start bit */
    }
    e->shift = (uint16_t)(e->shift << 1 | in);
    if (++e->bits < COMMAND + ADDRESS) {
        return;
    }
    if (e->shift >> ADDRESS == READ) {
        e->out = words[e->shift & (EE93C46_WORDS - 1)];
        e->out_bits = WORD + 1;
    }
    e->bits = 0;
    e->shift = 0;
}

void ee93c46_pins(struct ee93c46 *e, const uint16_t *words, bool cs, bool sk,
                  bool di)
{
    if (!cs || !e->selected) {
        e->bits = e->out_bits = 0;
        e->shift = 0;
    }
    if (cs && sk && !e->clock) {
        clock_rises(e, words, di);
    }
    e->clock = sk;
    e->selected = cs;
}
