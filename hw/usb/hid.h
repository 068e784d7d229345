/* SPDX-License-Identifier: MIT */
/*
 * What keyboards, mice and tablets on USB have in common: events that wait for
 * the host, and the class requests. [HID] Device Class Definition for HID 1.11.
 */
#ifndef HW_USB_HID_H
#define HW_USB_HID_H

#include "hw/usb/usb.h"
#include "ui/input.h"

enum { HID_EVENTS = 32, HID_KEYS = 256, HID_REPORT_MAX = 8 };

struct hid;

/* One kind of HID device. */
struct hid_kind {
    const struct usb_desc *desc;
    const uint8_t *report_descriptor;
    uint16_t report_descriptor_len;
    struct input_sink sink; /* its handlers */
    uint8_t idle;           /* after reset, units of 4 ms */
    /* Takes the next event, where there is one, and writes the report that
     * follows from it; how long that is. */
    unsigned (*report)(struct hid *h, uint8_t *report);
    /* SET_REPORT(output); NULL: it has none. */
    void (*output)(struct hid *h, const uint8_t *data, size_t len);
};

/* A keyboard's event: key down or up. A pointer's: where it went, and the
 * buttons from then on. */
struct hid_event {
    int32_t x, y, wheel, pan; /* a keyboard's x: the usage, y: down */
    uint32_t buttons;
};

struct hid {
    struct usb_dev usb;
    const struct hid_kind *kind;
    struct input_sink sink;
    bool active;   /* it is among the machine's inputs */
    char *display; /* property; accepted */
    uint32_t head;

    /* saved */
    uint32_t count; /* events that wait, the oldest first */
    struct hid_event event[HID_EVENTS];
    uint8_t keys[HID_KEYS / 8]; /* down, as far as the host knows */
    uint8_t held[HID_KEYS / 8]; /* down: for what found no room in the queue */
    uint8_t order[6];           /* the keys of the report */
    struct hid_event now;       /* the pointer as the host knows it */
    struct hid_event next;      /* a group of events that has not ended */
    uint8_t idle, protocol, leds;
    bool changed;     /* a report is due though no event waits */
    int64_t reported; /* when the last report was taken, ns */
};

/* Appends an event; where none fits, the last one takes it in. */
void hid_push(struct hid *h, const struct hid_event *e);
/* The next event or false. */
bool hid_pop(struct hid *h, struct hid_event *e);

extern const struct hid_kind hid_keyboard, hid_mouse, hid_tablet;
extern const struct dev_type usb_kbd_type, usb_mouse_type, usb_tablet_type;

#endif
