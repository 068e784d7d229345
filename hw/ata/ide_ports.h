/* SPDX-License-Identifier: MIT */
/* The two port ranges of an ATA channel: 1f0 and 3f6, or 170 and 376. */
#ifndef HW_ATA_IDE_PORTS_H
#define HW_ATA_IDE_PORTS_H

#include "hw/ata/ata.h"

struct ide_ports {
    struct region command; /* 8 ports */
    struct region control; /* 1 port */
    struct ata_channel *channel;
};

void ide_ports_init(struct ide_ports *p, struct ata_channel *c);

#endif
