/* SPDX-License-Identifier: MIT */
/* -usb and -usbdevice. */
#ifndef VM_USB_H
#define VM_USB_H

#include "vm/vm.h"

/* The devices of -usbdevice; and where there is USB but no pointer on it, and
 * the user did not say -nodefaults, a tablet. Machine lock held. */
bool usb_setup(struct vm *vm, GError **error);

#endif
