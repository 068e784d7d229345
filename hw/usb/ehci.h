/* SPDX-License-Identifier: MIT */
/*
 * Enhanced host controllers (USB 2.0). [EHCI] Enhanced Host Controller
 * Interface Specification 1.0.
 */
#ifndef HW_USB_EHCI_H
#define HW_USB_EHCI_H

#include "hw/pci/pci.h"
#include "hw/usb/usb.h"

/* Makes `ports` the companions of ports `first`.. of the enhanced controller
 * with this bus: it hands devices that are not of high speed over to them. */
bool ehci_companion(struct machine *m, const char *bus, unsigned first,
                    struct usb_port *ports, unsigned count, GError **error);

#endif
