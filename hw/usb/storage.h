/* SPDX-License-Identifier: MIT */
#ifndef HW_USB_STORAGE_H
#define HW_USB_STORAGE_H

#include "hw/usb/usb.h"

extern const struct dev_type usb_storage_type;

#endif
