/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of a HID device with one interface: `nm`_desc from its
 * interface class (subclass, protocol), report descriptor and report size.
 * At high speed it is asked every 4 ms (interval 6: 2^5 microframes).
 */
#ifndef HW_USB_HID_DESC_H
#define HW_USB_HID_DESC_H

#include "hw/usb/hid.h"

/* clang-format off */
#define HID_DESC(nm, sub, proto, packet, full_interval, strs) \
    static const uint8_t nm##_hid[] = { \
        9, USB_DT_HID, 0x11, 0x01, 0, 1, USB_DT_HID_REPORT, \
        sizeof(nm##_report) & 0xff, sizeof(nm##_report) >> 8, \
    }; \
    static const struct usb_endpoint nm##_full_ep[] = { \
        {.address = 0x81, .type = USB_INTERRUPT, .max_packet = (packet), \
         .interval = (full_interval)}, \
    }; \
    static const struct usb_endpoint nm##_high_ep[] = { \
        {.address = 0x81, .type = USB_INTERRUPT, .max_packet = (packet), \
         .interval = 6}, \
    }; \
    static const struct usb_interface nm##_full_if[] = { \
        {.class = 3, .subclass = (sub), .protocol = (proto), \
         .endpoint_count = 1, .endpoints = nm##_full_ep, \
         .extra = nm##_hid, .extra_len = sizeof(nm##_hid)}, \
    }; \
    static const struct usb_interface nm##_high_if[] = { \
        {.class = 3, .subclass = (sub), .protocol = (proto), \
         .endpoint_count = 1, .endpoints = nm##_high_ep, \
         .extra = nm##_hid, .extra_len = sizeof(nm##_hid)}, \
    }; \
    static const struct usb_layout nm##_full = { \
        .version = 0x0200, .max_packet0 = 8, .attributes = 0xa0, \
        .max_power = 50, .interface_count = 1, .interfaces = nm##_full_if, \
    }; \
    static const struct usb_layout nm##_high = { \
        .version = 0x0200, .max_packet0 = 64, .attributes = 0xa0, \
        .max_power = 50, .interface_count = 1, .interfaces = nm##_high_if, \
    }; \
    static const struct usb_desc nm##_desc = { \
        .vendor = 0x0627, .product = 0x0001, .strings = (strs), \
        .layout = {[USB_FULL] = &nm##_full, [USB_HIGH] = &nm##_high}, \
    }
/* clang-format on */

#endif
