/* SPDX-License-Identifier: MIT */
#ifndef HW_NET_NE2000_H
#define HW_NET_NE2000_H

#include "hw/core/dev.h"

extern const struct dev_type ne2k_isa_type;
extern const struct dev_type ne2k_pci_type;

#endif
