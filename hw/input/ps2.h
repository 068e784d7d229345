/* SPDX-License-Identifier: MIT */
/*
 * The two devices at the ends of PS/2 cables, as state machines: the
 * controller sends them bytes and takes bytes from them.
 */
#ifndef HW_INPUT_PS2_H
#define HW_INPUT_PS2_H

#include "hw/core/dev.h"
#include "ui/input.h"

/* Bytes on their way to the host. Answers to commands overtake the rest. */
struct ps2_queue {
    uint8_t reply[8];
    uint8_t replies;
    uint8_t data[16];
    uint8_t first, count;
    uint8_t last; /* what was sent last, for the resend command */
    /* A byte is there to be taken. */
    void (*ready)(void *opaque);
    void *opaque;
};

struct ps2_kbd {
    struct ps2_queue queue;
    struct input *input; /* where LEDs go; may be NULL */
    struct input_sink sink;
    uint8_t command; /* waits for its parameter; 0 = none */
    uint8_t set;     /* of scan codes: 1..3 */
    bool enabled;
    uint8_t rate; /* typematic rate and delay, as set */
    uint8_t leds;
    uint8_t down[32];      /* a bit a HID usage: pressed now */
    uint8_t make_only[32]; /* set 3: a bit a code: no break code */
    uint8_t no_repeat[32]; /* set 3: a bit a code: no typematic */
};

struct ps2_mouse {
    struct ps2_queue queue;
    struct input_sink sink;
    uint8_t command;
    uint8_t id; /* 0 = three buttons, 3 = wheel, 4 = five buttons */
    bool enabled, remote, wrap, scaling;
    uint8_t resolution, rate;
    uint8_t history[2]; /* the sample rates before */
    uint8_t buttons;    /* bit 0 left, 1 right, 2 middle, 3, 4 extra */
    uint8_t sent_buttons;
    int32_t dx, dy, dz; /* moved since the last packet; y up */
};

void ps2_kbd_init(struct ps2_kbd *k, struct input *input);
void ps2_kbd_reset(struct ps2_kbd *k);
void ps2_kbd_write(struct ps2_kbd *k, uint8_t v);
void ps2_mouse_init(struct ps2_mouse *m);
void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t v);
/* After a byte was taken from the mouse: there may be more to report. */
void ps2_mouse_taken(struct ps2_mouse *m);

static inline bool ps2_pending(const struct ps2_queue *q)
{
    return q->replies || q->count;
}
/* The next byte; 0 where there is none. */
uint8_t ps2_take(struct ps2_queue *q);
/* What a controller makes of a code of set 2 when it translates to set 1. */
uint8_t ps2_translate(uint8_t v);
/* False for counts and values that no device could have. */
bool ps2_kbd_valid(const struct ps2_kbd *k);
bool ps2_mouse_valid(const struct ps2_mouse *m);

/* Rows of saved state; `p` is the prefix of the names. */
/* clang-format off */
#define PS2_ROW(type, m, nm) FIELD_AS(type, m, nm)
#define PS2_ROWS(type, m, nm) \
    {.name = nm, .at = offsetof(type, m), \
     .count = sizeof(MEMBER(type, m)) / sizeof(MEMBER(type, m)[0]), \
     .kind = KIND_OF(MEMBER(type, m)[0])}
#define PS2_QUEUE_STATE(type, m, p) \
    PS2_ROWS(type, m.reply, p "_reply"), \
    PS2_ROW(type, m.replies, p "_replies"), \
    PS2_ROWS(type, m.data, p "_data"), \
    PS2_ROW(type, m.first, p "_first"), \
    PS2_ROW(type, m.count, p "_count"), \
    PS2_ROW(type, m.last, p "_last")
#define PS2_KBD_STATE(type, m, p) \
    PS2_QUEUE_STATE(type, m.queue, p), \
    PS2_ROW(type, m.command, p "_command"), \
    PS2_ROW(type, m.set, p "_set"), \
    PS2_ROW(type, m.enabled, p "_enabled"), \
    PS2_ROW(type, m.rate, p "_rate"), \
    PS2_ROW(type, m.leds, p "_leds"), \
    PS2_ROWS(type, m.down, p "_down"), \
    PS2_ROWS(type, m.make_only, p "_make_only"), \
    PS2_ROWS(type, m.no_repeat, p "_no_repeat")
#define PS2_MOUSE_STATE(type, m, p) \
    PS2_QUEUE_STATE(type, m.queue, p), \
    PS2_ROW(type, m.command, p "_command"), \
    PS2_ROW(type, m.id, p "_id"), \
    PS2_ROW(type, m.enabled, p "_enabled"), \
    PS2_ROW(type, m.remote, p "_remote"), \
    PS2_ROW(type, m.wrap, p "_wrap"), \
    PS2_ROW(type, m.scaling, p "_scaling"), \
    PS2_ROW(type, m.resolution, p "_resolution"), \
    PS2_ROW(type, m.rate, p "_rate"), \
    PS2_ROWS(type, m.history, p "_history"), \
    PS2_ROW(type, m.buttons, p "_buttons"), \
    PS2_ROW(type, m.sent_buttons, p "_sent_buttons"), \
    PS2_ROW(type, m.dx, p "_dx"), \
    PS2_ROW(type, m.dy, p "_dy"), \
    PS2_ROW(type, m.dz, p "_dz")
/* clang-format on */

#endif
