/* SPDX-License-Identifier: MIT */
/*
 * Open host controllers (USB 1.1). [OHCI] OpenHCI: Open Host Controller
 * Interface Specification for USB, 1.0a.
 */
#ifndef HW_USB_OHCI_H
#define HW_USB_OHCI_H

#include "hw/pci/pci.h"
#include "hw/usb/usb.h"

enum { OHCI_PORTS = 15, OHCI_BAR = 4096 };

struct ohci {
    struct pci_dev pci;
    struct region mmio;
    struct usb_bus *bus;
    struct usb_port port[OHCI_PORTS];
    struct timer work;  /* saved: the lists are looked at */
    uint32_t num_ports; /* property */

    /* saved: registers */
    uint32_t control, command, status, enable, hcca;
    uint32_t period_current, control_head, control_current;
    uint32_t bulk_head, bulk_current, done_head;
    uint32_t interval, periodic_start, threshold;
    uint32_t rh_a, rh_b, rh_status;
    uint32_t rh_port[OHCI_PORTS];
    uint16_t frame;
    uint8_t done_delay; /* frames until the done queue goes out, 7: never */
    uint32_t idle;      /* looks since something moved */
    int64_t next;       /* when the next frame starts, ns */
};

extern const struct dev_type pci_ohci_type;

#endif
