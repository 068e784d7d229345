/* SPDX-License-Identifier: MIT */
#ifndef HW_DISPLAY_VGA_PCI_H
#define HW_DISPLAY_VGA_PCI_H

#include "hw/core/dev.h"

extern const struct dev_type vga_pci_type;
extern const struct dev_type vga_secondary_type;

#endif
