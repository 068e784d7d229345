/* SPDX-License-Identifier: MIT */
/*
 * Extensible host controllers (USB 3). [XHCI] eXtensible Host Controller
 * Interface for USB, 1.1. Every connector is a USB 2 and a USB 3 port.
 */
#ifndef HW_USB_XHCI_H
#define HW_USB_XHCI_H

#include "hw/pci/msi.h"
#include "hw/usb/usb.h"

enum {
    XHCI_SLOTS = 64,
    XHCI_EPS = 32, /* of a slot; by device context index, 0 is not used */
    XHCI_INTERRUPTERS = 16,
    XHCI_CONNECTORS = 15,
    XHCI_PORTS = 2 * XHCI_CONNECTORS,
    XHCI_BAR = 0x4000,
};

struct xhci_interrupter { /* saved */
    uint32_t iman, imod, erst_size;
    uint64_t erst, dequeue;
    uint64_t ring;      /* its one segment */
    uint32_t ring_size; /* in events; 0: there is none */
    uint32_t enqueue;
    bool cycle;
};

struct xhci_ep {         /* saved */
    uint64_t dequeue;    /* of the transfer ring */
    uint32_t moved;      /* bytes of the transfer that is under way */
    uint8_t state, type; /* as in its context */
    bool cycle;
};

struct xhci_slot {    /* saved */
    uint64_t context; /* the device context, in memory */
    bool enabled;
    uint8_t state;
    uint8_t port; /* of the root hub, from 1; 0: none */
};

struct xhci {
    struct pci_dev pci;
    struct msi msi;
    struct msix msix;
    struct region bar, mmio;
    struct usb_bus *bus;
    struct usb_port connector[XHCI_CONNECTORS];
    struct timer work; /* saved: endpoints are looked at again */
    unsigned busy;     /* the slot of the transfer that runs, 0: none */
    bool asked;        /* meanwhile its device became ready */
    bool inside;       /* at work: its own DMA does not reach its registers */
    unsigned steps;    /* blocks looked at since the guest or a timer came */
    uint32_t p2, p3, slots, intrs; /* properties */
    char *use_msi, *use_msix;      /* properties */
    bool streams;                  /* property; accepted */

    /* saved */
    uint32_t cmd, sts, dnctrl, config;
    uint64_t crcr, dcbaap;
    uint64_t command; /* the command ring: where it stands */
    bool command_cycle;
    int64_t mfindex_start; /* ns */
    uint32_t portsc[XHCI_PORTS];
    struct xhci_interrupter intr[XHCI_INTERRUPTERS];
    struct xhci_slot slot[XHCI_SLOTS + 1]; /* from 1 */
    struct xhci_ep ep[(XHCI_SLOTS + 1) * XHCI_EPS];
};

extern const struct dev_type qemu_xhci_type, nec_xhci_type;

#endif
