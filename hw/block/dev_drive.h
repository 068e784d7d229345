/* SPDX-License-Identifier: MIT */
/* What devices with a drive= property have in common. Machine lock held. */
#ifndef HW_BLOCK_DEV_DRIVE_H
#define HW_BLOCK_DEV_DRIVE_H

#include "block/drive.h"
#include "hw/core/machine.h"

/* The drive of this id, with the device's rerror= and werror= (NULL: as -drive
 * says). NULL: the error names what is wrong. */
struct drive *dev_find_drive(const struct dev *dev, const char *id,
                             const char *rerror, const char *werror,
                             GError **error);
/* Powers of two, 512 to 32768 bytes; a physical block that is smaller than a
 * logical one becomes as large. */
bool dev_block_sizes(const struct dev *dev, uint32_t logical,
                     uint32_t *physical, GError **error);
/* The event DEVICE_TRAY_MOVED. */
void dev_tray_moved(struct machine *m, const struct drive *d, bool open);

#endif
