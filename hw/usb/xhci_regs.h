/* SPDX-License-Identifier: MIT */
/* Registers, contexts and transfer request blocks of an xHCI. [XHCI] 5, 6. */
#ifndef HW_USB_XHCI_REGS_H
#define HW_USB_XHCI_REGS_H

#include "hw/usb/xhci.h"

enum { /* places in the BAR */
       OPERATIONAL = 0x40,
       PORT_REGS = 0x440,
       RUNTIME = 0x1000,
       INTERRUPTER_REGS = 0x1020,
       DOORBELLS = 0x2000,
       MSIX_TABLE_AT = 0x3000,
       MSIX_PENDING_AT = 0x3800,
};

enum { /* [XHCI] 5.4.1 */
       CMD_RUN = 1 << 0,
       CMD_RESET = 1 << 1,
       CMD_INTE = 1 << 2,
       CMD_LIGHT_RESET = 1 << 7,
       CMD_SAVE = 1 << 8,
       CMD_RESTORE = 1 << 9,
       CMD_WRITABLE = 0xc0d,
};

enum { /* [XHCI] 5.4.2 */
       STS_HALTED = 1 << 0,
       STS_HSE = 1 << 2,
       STS_EINT = 1 << 3,
       STS_PORT = 1 << 4,
       STS_RESTORE_ERROR = 1 << 10,
       STS_W1C = STS_HSE | STS_EINT | STS_PORT | STS_RESTORE_ERROR,
};

enum { /* [XHCI] 5.4.5 */
       CRCR_CYCLE = 1 << 0,
       CRCR_STOP = 1 << 1,
       CRCR_ABORT = 1 << 2,
       CRCR_RUNNING = 1 << 3,
};

enum { /* [XHCI] 5.4.8 */
       PORT_CONNECT = 1 << 0,
       PORT_ENABLE = 1 << 1,
       PORT_RESET = 1 << 4,
       PORT_LINK_SHIFT = 5,
       PORT_LINK = 15 << PORT_LINK_SHIFT,
       PORT_POWER = 1 << 9,
       PORT_SPEED_SHIFT = 10,
       PORT_SPEED = 15 << PORT_SPEED_SHIFT,
       PORT_LINK_WRITE = 1 << 16,
       PORT_CONNECT_CHANGE = 1 << 17,
       PORT_ENABLE_CHANGE = 1 << 18,
       PORT_WARM_CHANGE = 1 << 19,
       PORT_RESET_CHANGE = 1 << 21,
       PORT_LINK_CHANGE = 1 << 22,
       PORT_CHANGES = 0x7f << 17,
       PORT_STORED = 3 << 14 | 7 << 25, /* indicators, wake enables */
};
#define PORT_WARM_RESET (1u << 31)

enum {
    LINK_U0 = 0,
    LINK_U3 = 3,
    LINK_DETECT = 5,
    LINK_POLLING = 7,
    LINK_RESUME = 15
};

enum { /* [XHCI] 5.5.2 */
       IMAN_PENDING = 1 << 0,
       IMAN_ENABLE = 1 << 1,
       ERDP_BUSY = 1 << 3,
};

struct trb {
    uint64_t at; /* where it lies */
    uint64_t parameter;
    uint32_t status, control;
};

enum { TRB_SIZE = 16 };

enum { /* trb.control. [XHCI] 6.4 */
       TRB_CYCLE = 1 << 0,
       TRB_TOGGLE = 1 << 1,     /* of a link */
       TRB_EVENT_DATA = 1 << 2, /* of a transfer event */
       TRB_SHORT = 1 << 2,      /* interrupt on short packet */
       TRB_CHAIN = 1 << 4,
       TRB_IOC = 1 << 5,
       TRB_IMMEDIATE = 1 << 6,
       TRB_BSR = 1 << 9,
       TRB_DECONFIGURE = 1 << 9,
       TRB_TYPE_SHIFT = 10,
       TRB_IN = 1 << 16,
};

enum trb_type { /* [XHCI] table 139 */
                TRB_NORMAL = 1,
                TRB_SETUP,
                TRB_DATA,
                TRB_STATUS,
                TRB_ISOCH,
                TRB_LINK,
                TRB_DATA_EVENT,
                TRB_NOOP,
                TRB_ENABLE_SLOT,
                TRB_DISABLE_SLOT,
                TRB_ADDRESS_DEVICE,
                TRB_CONFIGURE,
                TRB_EVALUATE,
                TRB_RESET_ENDPOINT,
                TRB_STOP_ENDPOINT,
                TRB_SET_DEQUEUE,
                TRB_RESET_DEVICE,
                TRB_COMMAND_NOOP = 23,
                TRB_TRANSFER_EVENT = 32,
                TRB_COMMAND_EVENT = 33,
                TRB_PORT_EVENT = 34,
                TRB_CONTROLLER_EVENT = 37,
};

enum trb_code { /* completion codes. [XHCI] table 138 */
                CODE_SUCCESS = 1,
                CODE_BUFFER = 2,
                CODE_BABBLE = 3,
                CODE_TRANSACTION = 4,
                CODE_TRB = 5,
                CODE_STALL = 6,
                CODE_NO_SLOTS = 9,
                CODE_SLOT_OFF = 11,
                CODE_ENDPOINT_OFF = 12,
                CODE_SHORT = 13,
                CODE_PARAMETER = 17,
                CODE_CONTEXT_STATE = 19,
                CODE_RING_FULL = 21,
                CODE_COMMAND_STOPPED = 24,
                CODE_STOPPED = 26,
};

enum { EP_OFF, EP_RUNNING, EP_HALTED, EP_STOPPED, EP_ERROR }; /* 6.2.3 */
enum { SLOT_ENABLED, SLOT_DEFAULT, SLOT_ADDRESSED, SLOT_CONFIGURED };
enum { EPT_ISOCH_OUT = 1, EPT_CONTROL = 4, EPT_ISOCH_IN = 5 };

static inline unsigned trb_type(const struct trb *t)
{
    return t->control >> TRB_TYPE_SHIFT & 0x3f;
}

static inline struct xhci_ep *xhci_ep(struct xhci *x, unsigned slot,
                                      unsigned ep)
{
    return &x->ep[slot * XHCI_EPS + ep];
}

/* --- rings: xhci_ring.c --- */

/* The block at *at, links followed; false: none with this cycle yet. */
bool xhci_fetch(struct xhci *x, uint64_t *at, bool *cycle, struct trb *t);
void xhci_event(struct xhci *x, unsigned interrupter, enum trb_type type,
                enum trb_code code, uint64_t parameter, uint32_t status,
                uint32_t control);
/* Room for the events that one transfer may have. */
bool xhci_event_room(const struct xhci *x, unsigned interrupter);
void xhci_interrupt(struct xhci *x, unsigned interrupter);
void xhci_intx(struct xhci *x);
/* The event ring as the guest has just described it. */
void xhci_ring_start(struct xhci *x, struct xhci_interrupter *i);
void xhci_dma_failed(struct xhci *x);

/* --- commands and contexts: xhci_command.c --- */

/* From where the ring stands, as far as there is room for their events. */
void xhci_run_commands(struct xhci *x);
/* Into the context in memory: state and dequeue pointer. */
void xhci_put_endpoint(struct xhci *x, unsigned slot, unsigned ep);
void xhci_disable_slot(struct xhci *x, unsigned slot);
/* What is plugged in where the slot says; NULL: nothing. */
struct usb_dev *xhci_device(struct xhci *x, unsigned slot);

/* --- transfers: xhci_transfer.c --- */

void xhci_kick(struct xhci *x, unsigned slot, unsigned ep);
/* All endpoints of a slot, 0: of all. */
void xhci_kick_all(struct xhci *x, unsigned slot);
/* Commands and endpoints, soon, from the timer. */
void xhci_look_again(struct xhci *x);
/* The event of a transfer that was cut short by a stop. */
void xhci_report_stopped(struct xhci *x, unsigned slot, unsigned ep);

/* --- ports: xhci_port.c --- */

extern const struct usb_port_ops xhci_port_ops;
void xhci_ports_reset(struct xhci *x);
void xhci_write_portsc(struct xhci *x, unsigned port, uint32_t v);
/* The connector of a root hub port (from 0). */
struct usb_port *xhci_connector(struct xhci *x, unsigned port);

#endif
