/* SPDX-License-Identifier: MIT */
/*
 * National's DP8390 network controller with the memory and ports that an
 * NE2000 has around it, apart from its bus. [DP8390]
 */
#ifndef HW_NET_DP8390_H
#define HW_NET_DP8390_H

#include "hw/net/nic.h"

enum {
    DP8390_PORTS = 32,
    DP8390_MEMORY = 0xc000, /* PROM at 0, RAM from 0x4000 on */
    DP8390_RAM = 0x4000,
};

struct dp8390 {
    struct wire irq;
    struct nic *nic;
    /* saved state: the registers as they are named */
    uint8_t cr, pstart, pstop, bnry, tpsr, tsr, isr, imr, rcr, tcr, dcr, rsr;
    uint8_t curr, par[6], mar[8];
    uint16_t tbcr, rsar, rbcr, crda;
    uint8_t mem[DP8390_MEMORY];
};

/* clang-format off */
#define DP8390_STATE(type, m) \
    FIELD(type, m.cr), FIELD(type, m.pstart), FIELD(type, m.pstop), \
    FIELD(type, m.bnry), FIELD(type, m.tpsr), FIELD(type, m.tsr), \
    FIELD(type, m.isr), FIELD(type, m.imr), FIELD(type, m.rcr), \
    FIELD(type, m.tcr), FIELD(type, m.dcr), FIELD(type, m.rsr), \
    FIELD(type, m.curr), FIELD_ARRAY(type, m.par), FIELD_ARRAY(type, m.mar), \
    FIELD(type, m.tbcr), FIELD(type, m.rsar), FIELD(type, m.rbcr), \
    FIELD(type, m.crda), FIELD_ARRAY(type, m.mem)
/* clang-format on */

extern const struct region_ops dp8390_ops;        /* opaque: the chip */
extern const struct net_port_ops dp8390_port_ops; /* likewise */

void dp8390_reset(struct dp8390 *d);
void dp8390_settle(struct dp8390 *d);

#endif
