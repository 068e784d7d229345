/* SPDX-License-Identifier: MIT */
/*
 * NE2000: a DP8390, 16 KiB of memory and a PROM behind it, in 32 ports. What
 * the ISA card and its PCI clones have in common.
 */
#ifndef HW_NET_NE2000_H
#define HW_NET_NE2000_H

#include "hw/net/dp8390.h"

enum {
    NE2000_PORTS = 32,
    NE2000_PROM = 32,
    NE2000_RAM_AT = 0x4000,
    NE2000_RAM = 0x4000,
};

struct ne2000 {
    struct nic nic;
    struct dp8390 chip;
    struct region ports, regs, data, reset;
    uint8_t ram[NE2000_RAM];
};

/* clang-format off */
#define NE2000_STATE(type, m) \
    DP8390_STATE(type, m.chip), \
    {.name = "ram", .at = offsetof(type, m.ram), .count = NE2000_RAM, \
     .kind = K_U8}
/* clang-format on */

/* In realize: the port and the regions; map `ports`. */
bool ne2000_realize(struct ne2000 *s, struct dev *dev, GError **error);
void ne2000_unrealize(struct ne2000 *s);
void ne2000_reset(struct ne2000 *s);

extern const struct dev_type ne2k_isa_type, ne2k_pci_type;

#endif
