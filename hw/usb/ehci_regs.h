/* SPDX-License-Identifier: MIT */
/* Registers and schedule entries of an EHCI. [EHCI] chapters 2 and 3. */
#ifndef HW_USB_EHCI_REGS_H
#define HW_USB_EHCI_REGS_H

#include "hw/usb/ehci.h"

enum { /* offsets in the BAR. [EHCI] 2.2, 2.3 */
       R_CAPLENGTH = 0x00,
       R_HCSPARAMS = 0x04,
       R_HCCPARAMS = 0x08,
       OPERATIONAL = 0x20,
       R_CMD = OPERATIONAL + 0x00,
       R_STS = OPERATIONAL + 0x04,
       R_INTR = OPERATIONAL + 0x08,
       R_FRINDEX = OPERATIONAL + 0x0c,
       R_SEGMENT = OPERATIONAL + 0x10,
       R_PERIODIC = OPERATIONAL + 0x14,
       R_ASYNC = OPERATIONAL + 0x18,
       R_CONFIG = OPERATIONAL + 0x40,
       R_PORTSC = OPERATIONAL + 0x44,
};

enum { /* [EHCI] 2.3.1 */
       CMD_RUN = 1 << 0,
       CMD_RESET = 1 << 1,
       CMD_LIST_SHIFT = 2,
       CMD_PERIODIC = 1 << 4,
       CMD_ASYNC = 1 << 5,
       CMD_DOORBELL = 1 << 6,
       CMD_WRITABLE = 0x00ff0b7f,
       CMD_DEFAULT = 0x00080000,
};

enum { /* [EHCI] 2.3.2 */
       STS_INT = 1 << 0,
       STS_ERROR = 1 << 1,
       STS_PORT = 1 << 2,
       STS_ROLLOVER = 1 << 3,
       STS_HSE = 1 << 4,
       STS_ADVANCE = 1 << 5,
       STS_CHANGES = 0x3f,
       STS_HALTED = 1 << 12,
       STS_PERIODIC = 1 << 14,
       STS_ASYNC = 1 << 15,
};

enum { /* [EHCI] 2.3.9 */
       PORT_CONNECT = 1 << 0,
       PORT_CONNECT_CHANGE = 1 << 1,
       PORT_ENABLE = 1 << 2,
       PORT_ENABLE_CHANGE = 1 << 3,
       PORT_OC_CHANGE = 1 << 5,
       PORT_RESUME = 1 << 6,
       PORT_SUSPEND = 1 << 7,
       PORT_RESET = 1 << 8,
       PORT_LINE_K = 1 << 10,
       PORT_LINE_J = 1 << 11,
       PORT_POWER = 1 << 12,
       PORT_OWNER = 1 << 13,
       PORT_WRITABLE = 0x007fc000,
       PORT_CHANGES = PORT_CONNECT_CHANGE | PORT_ENABLE_CHANGE | PORT_OC_CHANGE,
};

enum { /* link pointers. [EHCI] 3.1 */
       LINK_END = 1,
       LINK_TYPE = 6,
       LINK_ITD = 0,
       LINK_QH = 2,
       LINK_SITD = 4,
       LINK_FSTN = 6,
       LINK_FLAGS = 0x1f,
};

enum { /* the words of a queue head. [EHCI] 3.6 */
       QH_LINK,
       QH_ENDPOINT,
       QH_CAPS,
       QH_CURRENT,
       QH_NEXT, /* from here on: the transfer overlay */
       QH_ALTERNATE,
       QH_TOKEN,
       QH_BUFFER,
       QH_WORDS = 12,
       QTD_WORDS = 8,
};

#define QH_TOGGLE_IN_QTD (1u << 14)
#define QH_INACTIVATE    (1u << 7)

enum { /* the token. [EHCI] 3.5.3 */
       TOKEN_PING = 1 << 0,
       TOKEN_XACT = 1 << 3,
       TOKEN_BABBLE = 1 << 4,
       TOKEN_BUFFER = 1 << 5,
       TOKEN_HALTED = 1 << 6,
       TOKEN_ACTIVE = 1 << 7,
       TOKEN_PID_SHIFT = 8,
       TOKEN_ERRORS_SHIFT = 10,
       TOKEN_PAGE_SHIFT = 12,
       TOKEN_IOC = 1 << 15,
       TOKEN_BYTES_SHIFT = 16,
       TOKEN_BYTES = 0x7fff,
};

#define TOKEN_TOGGLE (1u << 31)

void ehci_irq(struct ehci *e);
/* One pass over a schedule; whether anything moved. ehci_sched.c */
bool ehci_run_periodic(struct ehci *e, unsigned frame);
bool ehci_run_async(struct ehci *e);

#endif
