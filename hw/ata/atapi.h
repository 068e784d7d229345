/* SPDX-License-Identifier: MIT */
/* Between atapi.c (how data moves) and atapi_cmd.c (what commands mean). */
#ifndef HW_ATA_ATAPI_H
#define HW_ATA_ATAPI_H

#include "hw/ata/ata.h"

enum { /* sense keys, [SPC] */
       SENSE_NONE = 0,
       SENSE_NOT_READY = 2,
       SENSE_MEDIUM_ERROR = 3,
       SENSE_ILLEGAL_REQUEST = 5,
       SENSE_UNIT_ATTENTION = 6,
};

enum { /* additional sense codes */
       ASC_UNRECOVERED = 0x11,
       ASC_INVALID_OPCODE = 0x20,
       ASC_LBA_OUT_OF_RANGE = 0x21,
       ASC_INVALID_FIELD = 0x24,
       ASC_MEDIUM_MAY_HAVE_CHANGED = 0x28,
       ASC_INCOMPATIBLE_MEDIUM = 0x30,
       ASC_SAVING_NOT_SUPPORTED = 0x39,
       ASC_NO_MEDIUM = 0x3a,
       ASC_REMOVAL_PREVENTED = 0x53,
       ASC_ILLEGAL_MODE = 0x64,
};

void atapi_good(struct ata_dev *d);
void atapi_check(struct ata_dev *d, uint8_t key, uint8_t asc, uint8_t ascq);
/* Sends buf[0..len), or the part the guest made room for. */
void atapi_send(struct ata_dev *d, uint32_t len, uint32_t allowed);
void atapi_receive(struct ata_dev *d, uint32_t len);
/* Sends d->left sectors from d->lba. */
void atapi_read_sectors(struct ata_dev *d, uint32_t sector_size);
void atapi_mode_select(struct ata_dev *d, const uint8_t *data, uint32_t len);
/* Minute, second, frame of a frame number, binary. */
void atapi_msf(uint8_t out[3], uint64_t frame);

#endif
