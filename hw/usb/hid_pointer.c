/* SPDX-License-Identifier: MIT */
/*
 * Reports of mice and tablets: buttons, position, wheel, tilt wheel. A mouse's
 * first three bytes are those of the boot protocol ([HID] appendix B.2).
 * Motion that the host has not asked for yet adds up; buttons do not.
 */
#include <string.h>

#include "hw/usb/hid_desc.h"

/* clang-format off */
#define POINTER_BUTTONS \
    0x05, 0x01, /* usage page: generic desktop */ \
    0x09, 0x02, /* usage: mouse */ \
    0xa1, 0x01, /* collection: application */ \
    0x09, 0x01, /*   usage: pointer */ \
    0xa1, 0x00, /*   collection: physical */ \
    0x05, 0x09, /*     usage page: buttons */ \
    0x19, 0x01, /*     usages: 1 to 5 */ \
    0x29, 0x05, \
    0x15, 0x00, /*     0 to 1 */ \
    0x25, 0x01, \
    0x95, 0x05, /*     five bits */ \
    0x75, 0x01, \
    0x81, 0x02, /*     input: data, variable, absolute */ \
    0x95, 0x01, /*     three bits */ \
    0x75, 0x03, \
    0x81, 0x01  /*     input: constant */

#define POINTER_WHEELS \
    0x05, 0x01, /*     usage page: generic desktop */ \
    0x09, 0x38, /*     usage: wheel */ \
    0x15, 0x81, /*     -127 to 127 */ \
    0x25, 0x7f, \
    0x75, 0x08, /*     a byte */ \
    0x95, 0x01, \
    0x81, 0x06, /*     input: data, variable, relative */ \
    0x05, 0x0c, /*     usage page: consumer */ \
    0x0a, 0x38, 0x02, /* usage: AC pan */ \
    0x81, 0x06, /*     input: data, variable, relative */ \
    0xc0,       /*   end */ \
    0xc0        /* end */
/* clang-format on */

static const uint8_t mouse_report[] = {
    POINTER_BUTTONS,
    0x05,
    0x01, /*     usage page: generic desktop */
    0x09,
    0x30, /*     usage: X */
    0x09,
    0x31, /*     usage: Y */
    0x15,
    0x81, /*     -127 to 127 */
    0x25,
    0x7f, /**/
    0x75,
    0x08, /*     two bytes */
    0x95,
    0x02, /**/
    0x81,
    0x06, /*     input: data, variable, relative */
    POINTER_WHEELS,
};

static const uint8_t tablet_report[] = {
    POINTER_BUTTONS,
    0x05,
    0x01, /*     usage page: generic desktop */
    0x09,
    0x30, /*     usage: X */
    0x09,
    0x31, /*     usage: Y */
    0x15,
    0x00, /*     0 to 32767 */
    0x26,
    0xff,
    0x7f, /**/
    0x35,
    0x00, /*     the same, physically */
    0x46,
    0xff,
    0x7f, /**/
    0x75,
    0x10, /*     twice 16 bits */
    0x95,
    0x02, /**/
    0x81,
    0x02, /*     input: data, variable, absolute */
    0x45,
    0x00, /*     no physical range */
    POINTER_WHEELS,
};

static const char *const mouse_strings[] = {"Rhea", "USB Mouse", NULL};
static const char *const tablet_strings[] = {"Rhea", "USB Tablet", NULL};

HID_DESC(mouse, 1, 2, 8, 10, mouse_strings);
HID_DESC(tablet, 0, 0, 8, 4, tablet_strings);

static int32_t cut(int32_t *v)
{
    int32_t part = CLAMP(*v, -127, 127);

    *v -= part;
    return part;
}

/* Can `e` be told together with the newest event that waits? */
static bool merges(const struct hid *h, const struct hid_event *e)
{
    const struct hid_event *last = &h->event[h->count - 1];

    return h->count == HID_EVENTS ||
           (h->count > 1 && last->buttons == e->buttons &&
            h->event[h->count - 2].buttons == e->buttons);
}

static void group_ends(struct hid *h, bool absolute)
{
    struct hid_event *e = &h->next;

    if (h->count && merges(h, e)) {
        struct hid_event *last = &h->event[h->count - 1];

        last->x = absolute ? e->x : last->x + e->x;
        last->y = absolute ? e->y : last->y + e->y;
        last->wheel += e->wheel;
        last->pan += e->pan;
        last->buttons = e->buttons;
    } else {
        hid_push(h, e);
    }
    e->wheel = e->pan = 0;
    if (!absolute) {
        e->x = e->y = 0;
    }
}

static void mouse_sync(void *opaque)
{
    group_ends(opaque, false);
}

static void tablet_sync(void *opaque)
{
    group_ends(opaque, true);
}

static void mouse_rel(void *opaque, int dx, int dy)
{
    struct hid *h = opaque;

    h->next.x = CLAMP(h->next.x + dx, -0x10000, 0x10000);
    h->next.y = CLAMP(h->next.y + dy, -0x10000, 0x10000);
}

static void tablet_abs(void *opaque, unsigned x, unsigned y)
{
    struct hid *h = opaque;

    h->next.x = (int32_t)x;
    h->next.y = (int32_t)y;
}

static void pointer_button(void *opaque, enum input_button b, bool down)
{
    static const uint8_t bits[] = {
        [INPUT_LEFT] = 1, [INPUT_RIGHT] = 2,  [INPUT_MIDDLE] = 4,
        [INPUT_SIDE] = 8, [INPUT_EXTRA] = 16, [INPUT_WHEEL_RIGHT] = 0,
    };
    struct hid_event *e = &((struct hid *)opaque)->next;

    switch (b) {
    case INPUT_WHEEL_UP: e->wheel += down; break;
    case INPUT_WHEEL_DOWN: e->wheel -= down; break;
    case INPUT_WHEEL_LEFT: e->pan -= down; break;
    case INPUT_WHEEL_RIGHT: e->pan += down; break;
    default:
        e->buttons =
            down ? e->buttons | bits[b] : e->buttons & (uint32_t)~bits[b];
        break;
    }
}

static unsigned mouse_make(struct hid *h, uint8_t *report)
{
    struct hid_event e = {.buttons = h->now.buttons};

    if (h->count) { /* as much as fits; the rest stays */
        struct hid_event *first = &h->event[0];

        e.buttons = first->buttons;
        e.x = cut(&first->x);
        e.y = cut(&first->y);
        e.wheel = cut(&first->wheel);
        e.pan = cut(&first->pan);
        if (!first->x && !first->y && !first->wheel && !first->pan) {
            hid_pop(h, &(struct hid_event){0});
        }
    }
    h->now.buttons = e.buttons;
    report[0] = (uint8_t)e.buttons;
    report[1] = (uint8_t)e.x;
    report[2] = (uint8_t)e.y;
    report[3] = (uint8_t)e.wheel;
    report[4] = (uint8_t)e.pan;
    return h->protocol ? 5 : 3;
}

static unsigned tablet_make(struct hid *h, uint8_t *report)
{
    int32_t wheel = 0, pan = 0;

    if (h->count) {
        struct hid_event *first = &h->event[0];

        h->now = *first;
        wheel = cut(&first->wheel);
        pan = cut(&first->pan);
        if (!first->wheel && !first->pan) {
            hid_pop(h, &(struct hid_event){0});
        }
    }
    report[0] = (uint8_t)h->now.buttons;
    stl_u16(report + 1, (uint16_t)h->now.x);
    stl_u16(report + 3, (uint16_t)h->now.y);
    report[5] = (uint8_t)wheel;
    report[6] = (uint8_t)pan;
    return 7;
}

const struct hid_kind hid_mouse = {
    .desc = &mouse_desc,
    .report_descriptor = mouse_report,
    .report_descriptor_len = sizeof(mouse_report),
    .sink = {.rel = mouse_rel, .button = pointer_button, .sync = mouse_sync},
    .report = mouse_make,
};

const struct hid_kind hid_tablet = {
    .desc = &tablet_desc,
    .report_descriptor = tablet_report,
    .report_descriptor_len = sizeof(tablet_report),
    .sink = {.abs = tablet_abs, .button = pointer_button, .sync = tablet_sync},
    .report = tablet_make,
};
