/* SPDX-License-Identifier: MIT */
/*
 * A keyboard's reports: those of the boot protocol ([HID] appendix B.1), which
 * are what its report descriptor says, too. Keys go through one a report, so
 * that none is lost between two questions of the host. Where a host does not ask
 * and too many wait, the keys at the end are as they are held.
 */
#include <string.h>

#include "hw/usb/hid_desc.h"

enum { FIRST_MODIFIER = 0xe0, LAST_MODIFIER = 0xe7, ROLL_OVER = 1, KEYS = 6 };

/* [HID] appendix E.6 */
static const uint8_t keyboard_report[] = {
    0x05, 0x01,       /* usage page: generic desktop */
    0x09, 0x06,       /* usage: keyboard */
    0xa1, 0x01,       /* collection: application */
    0x05, 0x07,       /*   usage page: keyboard */
    0x19, 0xe0,       /*   usages: the modifiers */
    0x29, 0xe7,       /**/
    0x15, 0x00,       /*   0 to 1 */
    0x25, 0x01,       /**/
    0x75, 0x01,       /*   eight times one bit */
    0x95, 0x08,       /**/
    0x81, 0x02,       /*   input: data, variable, absolute */
    0x95, 0x01,       /*   a byte */
    0x75, 0x08,       /**/
    0x81, 0x01,       /*   input: constant */
    0x95, 0x05,       /*   five bits */
    0x75, 0x01,       /**/
    0x05, 0x08,       /*   usage page: LEDs */
    0x19, 0x01,       /*   usages: num lock to kana */
    0x29, 0x05,       /**/
    0x91, 0x02,       /*   output: data, variable, absolute */
    0x95, 0x01,       /*   three bits */
    0x75, 0x03,       /**/
    0x91, 0x01,       /*   output: constant */
    0x95, 0x06,       /*   six bytes */
    0x75, 0x08,       /**/
    0x15, 0x00,       /*   0 to 255 */
    0x26, 0xff, 0x00, /**/
    0x05, 0x07,       /*   usage page: keyboard */
    0x19, 0x00,       /*   usages: all */
    0x2a, 0xff, 0x00, /**/
    0x81, 0x00,       /*   input: data, array */
    0xc0,             /* end */
};

static const char *const strings[] = {"Rhea", "USB Keyboard", NULL};

HID_DESC(keyboard, 1, 1, 8, 10, strings);

static bool is_down(const uint8_t *keys, unsigned usage)
{
    return keys[usage / 8] >> usage % 8 & 1;
}

static void set_down(uint8_t *keys, unsigned usage, bool down)
{
    uint8_t bit = (uint8_t)(1u << usage % 8);

    keys[usage / 8] = (uint8_t)((keys[usage / 8] & ~bit) | (down ? bit : 0));
}

/* The keys of the report, in the order in which they went down. */
static void apply(struct hid *h, unsigned usage, bool down)
{
    unsigned n = 0;

    set_down(h->keys, usage, down);
    if (usage >= FIRST_MODIFIER) {
        return;
    }
    for (unsigned i = 0; i < KEYS; i++) {
        if (h->order[i] && h->order[i] != usage) {
            h->order[n++] = h->order[i];
        }
    }
    if (down && n < KEYS) {
        h->order[n++] = (uint8_t)usage;
    }
    memset(h->order + n, 0, KEYS - n);
}

static unsigned keys_down(const struct hid *h)
{
    unsigned n = 0;

    for (unsigned u = 0; u < FIRST_MODIFIER; u++) {
        n += is_down(h->keys, u);
    }
    return n;
}

/* The queue is empty: what it had no room for. */
static void catch_up(struct hid *h)
{
    for (unsigned u = 0; u < HID_KEYS; u++) {
        if (is_down(h->keys, u) != is_down(h->held, u)) {
            apply(h, u, is_down(h->held, u));
        }
    }
}

static unsigned keyboard_make(struct hid *h, uint8_t *report)
{
    struct hid_event e;

    if (hid_pop(h, &e)) {
        apply(h, (uint8_t)e.x, e.y);
        if (!h->count) {
            catch_up(h);
        }
    }
    report[0] = h->keys[FIRST_MODIFIER / 8];
    report[1] = 0;
    if (keys_down(h) > KEYS) {
        memset(report + 2, ROLL_OVER, KEYS);
    } else {
        memcpy(report + 2, h->order, KEYS);
    }
    return 2 + KEYS;
}

static void keyboard_key(void *opaque, unsigned usage, bool down)
{
    if (usage && usage <= LAST_MODIFIER) {
        set_down(((struct hid *)opaque)->held, usage, down);
        hid_push(opaque, &(struct hid_event){.x = (int32_t)usage, .y = down});
    }
}

/* [HID] appendix B.1: bit 0 num lock, 1 caps lock, 2 scroll lock. */
static void keyboard_output(struct hid *h, const uint8_t *data, size_t len)
{
    struct input *in = h->usb.dev.machine->input;

    if (len) {
        h->leds = data[0];
        if (in) {
            input_set_leds(in, (h->leds & 1u) << 1 | (h->leds & 2u) << 1 |
                                   (h->leds & 4u) >> 2);
        }
    }
}

const struct hid_kind hid_keyboard = {
    .desc = &keyboard_desc,
    .report_descriptor = keyboard_report,
    .report_descriptor_len = sizeof(keyboard_report),
    .sink = {.key = keyboard_key},
    .idle = 125, /* 500 ms: [HID] 7.2.4 */
    .report = keyboard_make,
    .output = keyboard_output,
};
