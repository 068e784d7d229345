/* SPDX-License-Identifier: MIT */
#ifndef HW_ATA_PIIX3_IDE_H
#define HW_ATA_PIIX3_IDE_H

#include "hw/core/dev.h"

extern const struct dev_type piix3_ide_type;

#endif
