/* SPDX-License-Identifier: MIT */
/*
 * Enhanced host controllers (USB 2.0). [EHCI] Enhanced Host Controller
 * Interface Specification 1.0. Devices that are not of high speed go to
 * companions, which are UHCIs with masterbus=; without companions the ports
 * take high speed alone.
 */
#ifndef HW_USB_EHCI_H
#define HW_USB_EHCI_H

#include "hw/pci/pci.h"
#include "hw/usb/usb.h"

enum { EHCI_PORTS = 6, EHCI_BAR = 4096 };

struct ehci {
    struct pci_dev pci;
    struct region mmio;
    struct usb_bus *bus;
    struct usb_port port[EHCI_PORTS];
    struct usb_port *companion[EHCI_PORTS]; /* NULL: none */
    unsigned companions, companion_ports;   /* how many, ports of each */
    struct timer work;                      /* saved */

    /* saved */
    uint32_t cmd, sts, intr, segment, periodic, async, config;
    uint32_t portsc[EHCI_PORTS];
    uint32_t frindex; /* at `since` */
    int64_t since;    /* ns */
    uint32_t idle;    /* looks at the schedules since something moved */
};

/* Makes `ports` the companions of ports `first`.. of the enhanced controller
 * with this bus: it hands devices that are not of high speed over to them. */
bool ehci_companion(struct machine *m, const char *bus, unsigned first,
                    struct usb_port *ports, unsigned count, GError **error);

extern const struct dev_type usb_ehci_type, ich9_ehci1_type, ich9_ehci2_type;

#endif
