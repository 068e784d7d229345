/* SPDX-License-Identifier: MIT */
/* The devices that plug into an ATA channel. */
#ifndef HW_ATA_IDE_DEV_H
#define HW_ATA_IDE_DEV_H

#include "block/drive.h"
#include "hw/core/machine.h"

extern const struct dev_type ide_hd_type;
extern const struct dev_type ide_cd_type;

/* What the board does for -drive if=ide. */
bool ide_plug_drive(struct machine *m, struct bus *bus, unsigned unit,
                    struct drive *drive, GError **error);

#endif
