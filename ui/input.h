/* SPDX-License-Identifier: MIT */
/*
 * Keyboard and pointer events on their way from a window, VNC or the monitor
 * to the device that takes them. Keys are named by their USB HID usage
 * ([HUT] page 7), which every keyboard model can translate.
 * Machine lock held in all calls.
 */
#ifndef UI_INPUT_H
#define UI_INPUT_H

#include "base/error.h"

enum input_axis { INPUT_X, INPUT_Y };
enum input_button {
    INPUT_LEFT,
    INPUT_MIDDLE,
    INPUT_RIGHT,
    INPUT_WHEEL_UP,
    INPUT_WHEEL_DOWN,
    INPUT_SIDE,
    INPUT_EXTRA,
    INPUT_WHEEL_LEFT,
    INPUT_WHEEL_RIGHT,
};

enum { INPUT_ABS_MAX = 0x7fff };

/* A device that takes input; any handler may be NULL. */
struct input_sink {
    const char *name;
    void (*key)(void *opaque, unsigned hid_usage, bool down);
    void (*rel)(void *opaque, int dx, int dy);         /* mouse */
    void (*abs)(void *opaque, unsigned x, unsigned y); /* 0..INPUT_ABS_MAX */
    void (*button)(void *opaque, enum input_button button, bool down);
    void (*sync)(void *opaque); /* end of a group of events */
    void *opaque;
};

/* The machine's input: who gets keys, who gets the pointer. */
struct input {
    GPtrArray *sinks; /* struct input_sink *; the last one added comes first */
    /* LEDs as the guest set them: bit 0 scroll, 1 num, 2 caps */
    unsigned leds;
    void (*leds_changed)(void *opaque, unsigned leds);
    void *leds_opaque;
};

void input_init(struct input *in);
void input_clear(struct input *in);
void input_add(struct input *in, struct input_sink *sink);
void input_remove(struct input *in, struct input_sink *sink);
/* Makes it the one that gets what it has handlers for. */
void input_activate(struct input *in, struct input_sink *sink);

void input_key(struct input *in, unsigned hid_usage, bool down);
void input_rel(struct input *in, int dx, int dy);
void input_abs(struct input *in, unsigned x, unsigned y);
void input_button(struct input *in, enum input_button button, bool down);
void input_sync(struct input *in);
/* Does the active pointer take absolute positions? */
bool input_is_absolute(const struct input *in);
void input_set_leds(struct input *in, unsigned leds);

#endif
