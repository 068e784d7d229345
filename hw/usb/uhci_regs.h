/* SPDX-License-Identifier: MIT */
/* Registers and schedule entries of a UHCI. [UHCI] chapters 2 and 3. */
#ifndef HW_USB_UHCI_REGS_H
#define HW_USB_UHCI_REGS_H

#include "hw/usb/uhci.h"

enum { /* I/O ports. [UHCI] 2.1 */
       R_CMD = 0x00,
       R_STS = 0x02,
       R_INTR = 0x04,
       R_FRNUM = 0x06,
       R_FLBASE = 0x08,
       R_SOFMOD = 0x0c,
       R_PORTSC = 0x10,
       UHCI_IO_SIZE = 0x20,
};

enum { /* [UHCI] 2.1.1 */
       CMD_RUN = 1 << 0,
       CMD_HCRESET = 1 << 1,
       CMD_GRESET = 1 << 2,
       CMD_EGSM = 1 << 3,
       CMD_FGR = 1 << 4,
       CMD_SWDBG = 1 << 5,
       CMD_CF = 1 << 6,
       CMD_MAXP = 1 << 7,
};

enum { /* [UHCI] 2.1.2 */
       STS_USBINT = 1 << 0,
       STS_ERROR = 1 << 1,
       STS_RESUME = 1 << 2,
       STS_HSE = 1 << 3,  /* host system error: memory */
       STS_HCPE = 1 << 4, /* process error: a bad schedule */
       STS_HALTED = 1 << 5,
};

enum { /* [UHCI] 2.1.3 */
       INTR_TIMEOUT = 1 << 0,
       INTR_RESUME = 1 << 1,
       INTR_IOC = 1 << 2,
       INTR_SHORT = 1 << 3,
};

enum uhci_cause { CAUSE_IOC = 1, CAUSE_SHORT = 2 };

enum { /* [UHCI] 2.1.7 */
       PORT_CONNECT = 1 << 0,
       PORT_CONNECT_CHANGE = 1 << 1,
       PORT_ENABLE = 1 << 2,
       PORT_ENABLE_CHANGE = 1 << 3,
       PORT_LINES = 3 << 4,
       PORT_RESUME = 1 << 6,
       PORT_ALWAYS = 1 << 7,
       PORT_LOW_SPEED = 1 << 8,
       PORT_RESET = 1 << 9,
       PORT_SUSPEND = 1 << 12,
};

enum { /* link pointers. [UHCI] 3.1 */
       LINK_END = 1 << 0,
       LINK_QH = 1 << 1,
       LINK_DEPTH = 1 << 2,
       LINK_FLAGS = 15,
};

enum { /* the control word of a transfer descriptor. [UHCI] 3.2.2 */
       TD_LENGTH = 0x7ff,
       TD_BITSTUFF = 1 << 17,
       TD_TIMEOUT = 1 << 18,
       TD_NAK = 1 << 19,
       TD_BABBLE = 1 << 20,
       TD_BUFFER = 1 << 21,
       TD_STALLED = 1 << 22,
       TD_ACTIVE = 1 << 23,
       TD_IOC = 1 << 24,
       TD_ISOCH = 1 << 25,
       TD_LOW_SPEED = 1 << 26,
       TD_ERRORS_SHIFT = 27,
       TD_SPD = 1 << 29,
};

/* The schedule of one frame; returns whether anything moved. uhci_frame.c */
bool uhci_run_frame(struct uhci *u);
void uhci_irq(struct uhci *u);

#endif
