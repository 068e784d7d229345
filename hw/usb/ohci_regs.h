/* SPDX-License-Identifier: MIT */
/* Registers and descriptors of an OHCI. [OHCI] chapters 4 and 7. */
#ifndef HW_USB_OHCI_REGS_H
#define HW_USB_OHCI_REGS_H

#include "hw/usb/ohci.h"

enum { /* [OHCI] 7, by offset */
       R_REVISION = 0x00,
       R_CONTROL = 0x04,
       R_COMMAND = 0x08,
       R_STATUS = 0x0c,
       R_ENABLE = 0x10,
       R_DISABLE = 0x14,
       R_HCCA = 0x18,
       R_PERIOD_CURRENT = 0x1c,
       R_CONTROL_HEAD = 0x20,
       R_CONTROL_CURRENT = 0x24,
       R_BULK_HEAD = 0x28,
       R_BULK_CURRENT = 0x2c,
       R_DONE_HEAD = 0x30,
       R_INTERVAL = 0x34,
       R_REMAINING = 0x38,
       R_FRAME = 0x3c,
       R_PERIODIC_START = 0x40,
       R_THRESHOLD = 0x44,
       R_RH_A = 0x48,
       R_RH_B = 0x4c,
       R_RH_STATUS = 0x50,
       R_RH_PORT = 0x54,
};

enum { /* HcControl */
       CTL_PERIODIC = 1 << 2,
       CTL_ISOCH = 1 << 3,
       CTL_CONTROL = 1 << 4,
       CTL_BULK = 1 << 5,
       CTL_STATE = 3 << 6,
       CTL_RESET = 0 << 6,
       CTL_RESUME = 1 << 6,
       CTL_OPERATIONAL = 2 << 6,
       CTL_SUSPEND = 3 << 6,
       CTL_ROUTE_SMI = 1 << 8,
       CTL_WAKE_CONNECTED = 1 << 9,
       CTL_WAKE_ENABLE = 1 << 10,
};

enum { /* HcCommandStatus */
       COM_RESET = 1 << 0,
       COM_CONTROL = 1 << 1, /* the list is filled */
       COM_BULK = 1 << 2,
       COM_OWNER = 1 << 3,
};

enum { /* HcInterruptStatus */
       INT_DONE = 1 << 1,
       INT_FRAME = 1 << 2,
       INT_RESUME = 1 << 3,
       INT_ERROR = 1 << 4,
       INT_OVERFLOW = 1 << 5,
       INT_HUB = 1 << 6,
       INT_OWNER = 1 << 30,
       INT_ALL = 0x4000007f,
};
#define INT_MASTER (1u << 31)

enum { /* HcRhPortStatus */
       PORT_CONNECT = 1 << 0,
       PORT_ENABLE = 1 << 1,
       PORT_SUSPEND = 1 << 2,
       PORT_RESET = 1 << 4,
       PORT_POWER = 1 << 8,
       PORT_LOW_SPEED = 1 << 9,
       PORT_CONNECT_CHANGE = 1 << 16,
       PORT_ENABLE_CHANGE = 1 << 17,
       PORT_SUSPEND_CHANGE = 1 << 18,
       PORT_RESET_CHANGE = 1 << 20,
       PORT_CHANGES = 0x1f << 16,
};

enum { /* endpoint descriptors. [OHCI] 4.2 */
       ED_FLAGS,
       ED_TAIL,
       ED_HEAD,
       ED_NEXT,
       ED_SKIP = 1 << 14,
       ED_ISOCH = 1 << 15,
       ED_HALTED = 1 << 0, /* of the head */
       ED_CARRY = 1 << 1,
};

enum { /* transfer descriptors. [OHCI] 4.3.1 */
       TD_FLAGS,
       TD_BUFFER,
       TD_NEXT,
       TD_END,
       TD_ROUNDING = 1 << 18,
       TD_PID_SHIFT = 19,
       TD_DELAY_SHIFT = 21,
       TD_TOGGLE = 1 << 24,
       TD_TOGGLE_OWN = 1 << 25,
       TD_ERRORS_SHIFT = 26,
       TD_CODE_SHIFT = 28,
};

enum { /* condition codes. [OHCI] 4.3.3 */
       CC_OK = 0,
       CC_STALL = 4,
       CC_SILENT = 5,
       CC_OVERRUN = 8,
       CC_UNDERRUN = 9,
       CC_BUFFER = 13,
};

void ohci_irq(struct ohci *o);
/* One pass over the lists; whether anything moved. ohci_list.c */
bool ohci_run_lists(struct ohci *o, bool new_frame);
/* Memory does not answer: HCCA, descriptors. */
void ohci_fatal(struct ohci *o);
/* Words in little-endian memory; false after ohci_fatal(). */
bool ohci_read(struct ohci *o, uint32_t at, uint32_t *words, unsigned n);
void ohci_write(struct ohci *o, uint32_t at, const uint32_t *words, unsigned n);

#endif
