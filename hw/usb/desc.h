/* SPDX-License-Identifier: MIT */
/*
 * What a USB device says of itself, as tables; the bytes of its descriptors are
 * made from them. [USB2] 9.6, [USB3] 9.6.
 */
#ifndef HW_USB_DESC_H
#define HW_USB_DESC_H

#include "base/error.h"

enum usb_speed { USB_LOW, USB_FULL, USB_HIGH, USB_SUPER, USB_SPEEDS };

enum { /* descriptor types */
       USB_DT_DEVICE = 1,
       USB_DT_CONFIG = 2,
       USB_DT_STRING = 3,
       USB_DT_INTERFACE = 4,
       USB_DT_ENDPOINT = 5,
       USB_DT_QUALIFIER = 6,
       USB_DT_OTHER_SPEED = 7,
       USB_DT_BOS = 15,
       USB_DT_CAPABILITY = 16,
       USB_DT_HID = 0x21,
       USB_DT_HID_REPORT = 0x22,
       USB_DT_PIPE_USAGE = 0x24,
       USB_DT_HUB = 0x29,
       USB_DT_COMPANION = 0x30,
};

enum { USB_CONTROL, USB_ISOCH, USB_BULK, USB_INTERRUPT };

/* Strings that every device has; 0 = none. Others follow. */
enum { STR_VENDOR = 1, STR_PRODUCT, STR_SERIAL, STR_OWN };

struct usb_endpoint {
    uint8_t address; /* 0x80: IN */
    uint8_t type;    /* USB_BULK ... */
    uint16_t max_packet;
    uint8_t interval; /* bInterval as it stands */
    uint8_t burst;    /* SuperSpeed: packets at once, less one */
    uint8_t streams;  /* SuperSpeed: log2 of how many */
    uint8_t pipe;     /* UAS: pipe usage, 0: none */
};

struct usb_interface {
    uint8_t number, alternate;
    uint8_t class, subclass, protocol;
    uint8_t string;
    uint8_t endpoint_count;
    const struct usb_endpoint *endpoints;
    const uint8_t *extra; /* class descriptors, behind the interface's */
    uint8_t extra_len;
};

/* A device as it is at one speed; it has one configuration. */
struct usb_layout {
    uint16_t version; /* bcdUSB */
    uint8_t class, subclass, protocol;
    uint8_t max_packet0; /* SuperSpeed: the exponent */
    uint8_t attributes;  /* bmAttributes, bit 7 included */
    uint8_t max_power;   /* as it stands */
    uint8_t interface_count;
    const struct usb_interface *interfaces; /* alternates follow their first */
};

struct usb_desc {
    uint16_t vendor, product, release;
    const char *const *strings; /* from STR_VENDOR on; ends with NULL */
    const struct usb_layout *layout[USB_SPEEDS]; /* NULL: not at this speed */
};

/* The descriptor with type and index as the device has it at `speed`; appends
 * its bytes to `out`. `serial`: replaces STR_SERIAL, may be NULL. false: there
 * is none. */
bool usb_desc_get(const struct usb_desc *desc, enum usb_speed speed,
                  const char *serial, unsigned type, unsigned index,
                  GByteArray *out);

#endif
