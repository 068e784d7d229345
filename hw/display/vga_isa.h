/* SPDX-License-Identifier: MIT */
#ifndef HW_DISPLAY_VGA_ISA_H
#define HW_DISPLAY_VGA_ISA_H

#include "hw/core/dev.h"

extern const struct dev_type vga_isa_type;

#endif
