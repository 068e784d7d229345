/* SPDX-License-Identifier: MIT */
#ifndef HW_ATA_ISA_IDE_H
#define HW_ATA_ISA_IDE_H

#include "hw/core/dev.h"

extern const struct dev_type isa_ide_type;

#endif
