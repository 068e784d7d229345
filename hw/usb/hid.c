/* SPDX-License-Identifier: MIT */
/*
 * usb-kbd, usb-mouse, usb-tablet: the device around the reports. [HID] 7.2
 * class requests.
 *
 * A device takes input from the moment the guest configures it; before that
 * the PS/2 keyboard and mouse have it.
 */
#include "hw/usb/hid.h"

#include <string.h>

enum { /* [HID] 7.2 */
       GET_REPORT = 1,
       GET_IDLE = 2,
       GET_PROTOCOL = 3,
       SET_REPORT = 9,
       SET_IDLE = 10,
       SET_PROTOCOL = 11,
       REPORT_INPUT = 1,
       REPORT_OUTPUT = 2,
};

static struct hid *hid_of(struct dev *dev)
{
    return container_of(dev, struct hid, usb.dev);
}

void hid_push(struct hid *h, const struct hid_event *e)
{
    bool was_empty = h->count == 0;

    if (h->count < HID_EVENTS) {
        h->event[h->count++] = *e;
    }
    if (was_empty) {
        usb_wakeup(&h->usb);
    }
}

bool hid_pop(struct hid *h, struct hid_event *e)
{
    if (!h->count) {
        return false;
    }
    *e = h->event[0];
    h->count--;
    memmove(h->event, h->event + 1, h->count * sizeof(h->event[0]));
    return true;
}

static void activate(struct hid *h, bool on)
{
    struct input *in = h->usb.dev.machine->input;

    if (in && on != h->active) {
        if (on) {
            input_add(in, &h->sink);
        } else {
            input_remove(in, &h->sink);
        }
        h->active = on;
    }
}

static void hid_configured(struct usb_dev *d)
{
    activate(hid_of(&d->dev), d->configuration && d->port);
}

static void hid_bus_reset(struct usb_dev *d)
{
    struct hid *h = hid_of(&d->dev);

    h->count = 0;
    h->idle = h->kind->idle;
    h->protocol = 1;
    h->leds = 0;
    h->changed = false;
    h->reported = 0;
    memset(h->event, 0, sizeof(h->event));
    memset(h->keys, 0, sizeof(h->keys));
    memset(h->held, 0, sizeof(h->held));
    memset(h->order, 0, sizeof(h->order));
    h->now = h->next = (struct hid_event){0};
}

static enum usb_status get_descriptor(const struct hid *h,
                                      const struct usb_setup *s, uint8_t *data,
                                      size_t *len)
{
    const struct usb_layout *l = h->usb.desc->layout[h->usb.speed];

    switch (s->value >> 8) {
    case USB_DT_HID:
        return usb_reply(l->interfaces[0].extra, l->interfaces[0].extra_len,
                         data, len);
    case USB_DT_HID_REPORT:
        return usb_reply(h->kind->report_descriptor,
                         h->kind->report_descriptor_len, data, len);
    default: return USB_STALL;
    }
}

static enum usb_status set_report(struct hid *h, const struct usb_setup *s,
                                  const uint8_t *data, size_t len)
{
    if (s->value >> 8 != REPORT_OUTPUT || !h->kind->output) {
        return USB_STALL;
    }
    h->kind->output(h, data, len);
    return USB_ACK;
}

/* The report as it is now: what waits is not taken. */
static enum usb_status get_report(struct hid *h, const struct usb_setup *s,
                                  uint8_t *data, size_t *len)
{
    uint8_t report[HID_REPORT_MAX];
    uint32_t count = h->count;
    unsigned n;

    if (s->value >> 8 != REPORT_INPUT) {
        return USB_STALL;
    }
    h->count = 0;
    n = h->kind->report(h, report);
    h->count = count;
    return usb_reply(report, n, data, len);
}

static enum usb_status class_request(struct hid *h, const struct usb_setup *s,
                                     uint8_t *data, size_t *len)
{
    switch (s->request) {
    case GET_REPORT: return get_report(h, s, data, len);
    case GET_IDLE: return usb_reply(&h->idle, 1, data, len);
    case GET_PROTOCOL: return usb_reply(&h->protocol, 1, data, len);
    case SET_REPORT: return set_report(h, s, data, *len);
    case SET_IDLE: h->idle = s->value >> 8; return USB_ACK;
    case SET_PROTOCOL: h->protocol = s->value & 1; return USB_ACK;
    default: return USB_STALL;
    }
}

static enum usb_status hid_control(struct usb_dev *d, const struct usb_setup *s,
                                   uint8_t *data, size_t *len)
{
    struct hid *h = hid_of(&d->dev);

    if ((s->type & 0x1f) != USB_TO_INTERFACE || s->index != 0) {
        return USB_STALL;
    }
    if ((s->type & 0x60) == USB_CLASS) {
        return class_request(h, s, data, len);
    }
    return s->type & USB_TO_HOST && s->request == USB_GET_DESCRIPTOR
               ? get_descriptor(h, s, data, len)
               : USB_STALL;
}

/* [HID] 7.2.4: the idle rate repeats a report that has not changed. */
static bool idle_over(const struct hid *h)
{
    int64_t now = clock_now(&h->usb.dev.machine->clock);

    return h->idle && now - h->reported >= h->idle * 4 * NS_PER_MS;
}

static enum usb_status hid_data(struct usb_dev *d, struct usb_packet *p)
{
    struct hid *h = hid_of(&d->dev);
    uint8_t report[HID_REPORT_MAX];
    unsigned n;

    if (p->pid == USB_OUT) {
        if (!h->kind->output) {
            return USB_STALL;
        }
        h->kind->output(h, p->data, p->len);
        p->done = p->len;
        return USB_ACK;
    }
    if (!h->count && !h->changed && !idle_over(h)) {
        return USB_NAK;
    }
    h->changed = false;
    n = h->kind->report(h, report);
    p->done = MIN(n, p->len);
    memcpy(p->data, report, p->done);
    h->reported = clock_now(&d->dev.machine->clock);
    return n > p->len ? USB_BABBLE : USB_ACK;
}

static const struct usb_dev_ops hid_ops = {
    .control = hid_control,
    .data = hid_data,
    .reset = hid_bus_reset,
    .configured = hid_configured,
};

/* --- the device --- */

static const struct hid_kind *kind_of(const struct dev_type *t)
{
    return t == &usb_kbd_type     ? &hid_keyboard
           : t == &usb_mouse_type ? &hid_mouse
                                  : &hid_tablet;
}

static bool hid_realize(struct dev *dev, GError **error)
{
    struct hid *h = hid_of(dev);

    h->kind = kind_of(dev->type);
    h->sink = h->kind->sink;
    h->sink.name = h->kind->desc->strings[STR_PRODUCT - 1];
    h->sink.opaque = h;
    return usb_dev_realize(&h->usb, h->kind->desc, &hid_ops, error);
}

static void hid_unrealize(struct dev *dev)
{
    activate(hid_of(dev), false);
    usb_dev_unrealize(&hid_of(dev)->usb);
}

static void hid_reset(struct dev *dev)
{
    usb_dev_reset(&hid_of(dev)->usb);
}

static void hid_settle(struct dev *dev)
{
    hid_configured(&hid_of(dev)->usb);
}

static bool hid_check(struct dev *dev, GError **error)
{
    const struct hid *h = hid_of(dev);

    return usb_dev_check(&hid_of(dev)->usb, error) &&
           (h->count <= HID_EVENTS ||
            fail(error, "%s: more events than there can be", dev_name(dev)));
}

static const struct field hid_props[] = {
    USB_PROPS(struct hid, usb),
    PROP_STR(struct hid, display, "display", NULL),
    PROP(struct hid, head, 0),
    FIELD_END,
};

static const struct field hid_state[] = {
    USB_STATE(struct hid, usb),
    FIELD(struct hid, count),
    FIELD_EACH(struct hid, event, x, "event_x"),
    FIELD_EACH(struct hid, event, y, "event_y"),
    FIELD_EACH(struct hid, event, wheel, "event_wheel"),
    FIELD_EACH(struct hid, event, pan, "event_pan"),
    FIELD_EACH(struct hid, event, buttons, "event_buttons"),
    FIELD_ARRAY(struct hid, keys),
    FIELD_ARRAY(struct hid, held),
    FIELD_ARRAY(struct hid, order),
    FIELD_AS(struct hid, now.x, "now_x"),
    FIELD_AS(struct hid, now.y, "now_y"),
    FIELD_AS(struct hid, now.buttons, "now_buttons"),
    FIELD_AS(struct hid, next.x, "next_x"),
    FIELD_AS(struct hid, next.y, "next_y"),
    FIELD_AS(struct hid, next.wheel, "next_wheel"),
    FIELD_AS(struct hid, next.pan, "next_pan"),
    FIELD_AS(struct hid, next.buttons, "next_buttons"),
    FIELD(struct hid, idle),
    FIELD(struct hid, protocol),
    FIELD(struct hid, leds),
    FIELD(struct hid, changed),
    FIELD(struct hid, reported),
    FIELD_END,
};

/* clang-format off */
#define HID_TYPE(nm, text) { \
    .name = nm, \
    .desc = text, \
    .bus = "usb-bus", \
    .size = sizeof(struct hid), \
    .version = 1, \
    .props = hid_props, \
    .state = hid_state, \
    .realize = hid_realize, \
    .unrealize = hid_unrealize, \
    .reset = hid_reset, \
    .settle = hid_settle, \
    .check = hid_check, \
}
/* clang-format on */

const struct dev_type usb_kbd_type = HID_TYPE("usb-kbd", "USB keyboard");
const struct dev_type usb_mouse_type = HID_TYPE("usb-mouse", "USB mouse");
const struct dev_type usb_tablet_type =
    HID_TYPE("usb-tablet", "USB tablet: absolute pointer");
