/* SPDX-License-Identifier: MIT */
#include "hw/usb/desc.h"

#include <string.h>

enum { LANGUAGE = 0x0409, CONFIGURATION = 1, STRING_MAX = 126 };

static void put8(GByteArray *out, unsigned v)
{
    uint8_t b = (uint8_t)v;

    g_byte_array_append(out, &b, 1);
}

static void put16(GByteArray *out, unsigned v)
{
    put8(out, v & 0xff);
    put8(out, v >> 8);
}

static bool has_serial(const struct usb_desc *d, const char *serial)
{
    return serial ||
           g_strv_length((char **)(uintptr_t)d->strings) + 1 > STR_SERIAL;
}

/* [USB2] table 9-8 */
static void put_device(const struct usb_desc *d, const struct usb_layout *l,
                       const char *serial, GByteArray *out)
{
    put8(out, 18);
    put8(out, USB_DT_DEVICE);
    put16(out, l->version);
    put8(out, l->class);
    put8(out, l->subclass);
    put8(out, l->protocol);
    put8(out, l->max_packet0);
    put16(out, d->vendor);
    put16(out, d->product);
    put16(out, d->release);
    put8(out, STR_VENDOR);
    put8(out, STR_PRODUCT);
    put8(out, has_serial(d, serial) ? STR_SERIAL : 0);
    put8(out, 1);
}

/* [USB2] table 9-9 */
static void put_qualifier(const struct usb_layout *l, GByteArray *out)
{
    put8(out, 10);
    put8(out, USB_DT_QUALIFIER);
    put16(out, l->version);
    put8(out, l->class);
    put8(out, l->subclass);
    put8(out, l->protocol);
    put8(out, l->max_packet0);
    put8(out, 1);
    put8(out, 0);
}

/* [USB2] table 9-13; [USB3] table 9-20; the pipe usage of [UAS] */
static void put_endpoint(const struct usb_endpoint *e, enum usb_speed speed,
                         GByteArray *out)
{
    put8(out, 7);
    put8(out, USB_DT_ENDPOINT);
    put8(out, e->address);
    put8(out, e->type);
    put16(out, e->max_packet);
    put8(out, e->interval);
    if (speed == USB_SUPER) {
        put8(out, 6);
        put8(out, USB_DT_COMPANION);
        put8(out, e->burst);
        put8(out, e->streams);
        put16(out, e->type == USB_INTERRUPT ? e->max_packet : 0);
    }
    if (e->pipe) {
        put8(out, 4);
        put8(out, USB_DT_PIPE_USAGE);
        put8(out, e->pipe);
        put8(out, 0);
    }
}

/* [USB2] table 9-12 */
static void put_interface(const struct usb_interface *i, enum usb_speed speed,
                          GByteArray *out)
{
    put8(out, 9);
    put8(out, USB_DT_INTERFACE);
    put8(out, i->number);
    put8(out, i->alternate);
    put8(out, i->endpoint_count);
    put8(out, i->class);
    put8(out, i->subclass);
    put8(out, i->protocol);
    put8(out, i->string);
    if (i->extra_len) {
        g_byte_array_append(out, i->extra, i->extra_len);
    }
    for (unsigned e = 0; e < i->endpoint_count; e++) {
        put_endpoint(&i->endpoints[e], speed, out);
    }
}

static unsigned interface_numbers(const struct usb_layout *l)
{
    unsigned n = 0;

    for (unsigned i = 0; i < l->interface_count; i++) {
        n += l->interfaces[i].alternate == 0;
    }
    return n;
}

/* [USB2] table 9-10, with all that belongs to it */
static void put_config(const struct usb_layout *l, enum usb_speed speed,
                       unsigned type, GByteArray *out)
{
    guint start = out->len;

    put8(out, 9);
    put8(out, type);
    put16(out, 0);
    put8(out, interface_numbers(l));
    put8(out, CONFIGURATION);
    put8(out, 0);
    put8(out, l->attributes);
    put8(out, l->max_power);
    for (unsigned i = 0; i < l->interface_count; i++) {
        put_interface(&l->interfaces[i], speed, out);
    }
    stl_u16(out->data + start + 2, (uint16_t)(out->len - start));
}

static bool put_string(const struct usb_desc *d, const char *serial,
                       unsigned index, GByteArray *out)
{
    unsigned count = g_strv_length((char **)(uintptr_t)d->strings);
    const char *text = index && index <= count ? d->strings[index - 1] : NULL;

    if (index == 0) {
        put8(out, 4);
        put8(out, USB_DT_STRING);
        put16(out, LANGUAGE);
        return true;
    }
    text = index == STR_SERIAL && serial ? serial : text;
    if (!text) {
        return false;
    }
    put8(out, (unsigned)(2 + 2 * MIN(strlen(text), (size_t)STRING_MAX)));
    put8(out, USB_DT_STRING);
    for (unsigned i = 0; text[i] && i < STRING_MAX; i++) {
        put16(out, (uint8_t)text[i]);
    }
    return true;
}

/* [USB3] 9.6.2: USB 2.0 extension, SuperSpeed device capability */
static void put_bos(const struct usb_desc *d, GByteArray *out)
{
    put8(out, 5);
    put8(out, USB_DT_BOS);
    put16(out, 5 + 7 + 10);
    put8(out, 2);
    put8(out, 7);
    put8(out, USB_DT_CAPABILITY);
    put8(out, 2);
    put16(out, 0);
    put16(out, 0);
    put8(out, 10);
    put8(out, USB_DT_CAPABILITY);
    put8(out, 3);
    put8(out, 0);
    put16(out,
          8u | (d->layout[USB_HIGH] ? 4u : 0) | (d->layout[USB_FULL] ? 2u : 0));
    put8(out, d->layout[USB_FULL] ? 1 : d->layout[USB_HIGH] ? 2 : 3);
    put8(out, 10);
    put16(out, 0x20);
}

/* What a high-speed device is at full speed, and the other way round. */
static enum usb_speed other_speed(enum usb_speed speed)
{
    return speed == USB_HIGH ? USB_FULL : USB_HIGH;
}

bool usb_desc_get(const struct usb_desc *desc, enum usb_speed speed,
                  const char *serial, unsigned type, unsigned index,
                  GByteArray *out)
{
    const struct usb_layout *l = desc->layout[speed];
    const struct usb_layout *other =
        speed <= USB_HIGH ? desc->layout[other_speed(speed)] : NULL;

    switch (type) {
    case USB_DT_DEVICE: put_device(desc, l, serial, out); return true;
    case USB_DT_CONFIG:
        if (index == 0) {
            put_config(l, speed, USB_DT_CONFIG, out);
        }
        return index == 0;
    case USB_DT_STRING: return put_string(desc, serial, index, out);
    case USB_DT_QUALIFIER:
        if (other) {
            put_qualifier(other, out);
        }
        return other;
    case USB_DT_OTHER_SPEED:
        if (other && index == 0) {
            put_config(other, other_speed(speed), USB_DT_OTHER_SPEED, out);
        }
        return other && index == 0;
    case USB_DT_BOS:
        if (desc->layout[USB_SUPER]) {
            put_bos(desc, out);
        }
        return desc->layout[USB_SUPER];
    default: return false;
    }
}
