/* SPDX-License-Identifier: MIT */
#ifndef HW_USB_HUB_H
#define HW_USB_HUB_H

#include "hw/usb/usb.h"

/* The device with an address below a hub; NULL: none, or d is no hub. */
struct usb_dev *usb_hub_find(struct usb_dev *d, unsigned addr);

extern const struct dev_type usb_hub_type;

#endif
