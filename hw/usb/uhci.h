/* SPDX-License-Identifier: MIT */
/*
 * Universal host controllers (USB 1.1). [UHCI] Universal Host Controller
 * Interface Design Guide 1.1; function 2 of the PIIX3 and PIIX4, and the ICH9's
 * as companions of its enhanced controller.
 */
#ifndef HW_USB_UHCI_H
#define HW_USB_UHCI_H

#include "hw/pci/pci.h"
#include "hw/usb/usb.h"

enum { UHCI_PORTS = 2 };

struct uhci {
    struct pci_dev pci;
    struct region ports;
    struct usb_bus *bus; /* NULL: a companion, its ports are on another bus */
    struct usb_port port[UHCI_PORTS];
    struct timer frame; /* saved: looks at the schedule */
    char *masterbus;    /* property: the bus of the enhanced controller */
    uint32_t firstport; /* property: there, its first port */

    /* saved */
    uint16_t cmd, sts, intr, frnum;
    uint32_t flbase;
    uint8_t sofmod;
    uint16_t portsc[UHCI_PORTS];
    uint8_t causes; /* why STS.USBINT is set: enum uhci_cause */
    uint32_t idle;  /* frames since something moved */
    int64_t next;   /* when the next frame starts, ns */
};

extern const struct dev_type piix3_uhci_type, piix4_uhci_type;
extern const struct dev_type ich9_uhci1_type, ich9_uhci2_type, ich9_uhci3_type,
    ich9_uhci4_type, ich9_uhci5_type, ich9_uhci6_type;

#endif
