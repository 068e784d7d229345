/* SPDX-License-Identifier: MIT */
/* What the commands of disks and CD drives share. */
#ifndef HW_SCSI_SCSI_INT_H
#define HW_SCSI_SCSI_INT_H

#include "base/be.h"
#include "hw/scsi/scsi.h"

enum { /* sense keys. [SPC] table 48 */
       KEY_NONE = 0,
       KEY_NOT_READY = 2,
       KEY_MEDIUM = 3,
       KEY_HARDWARE = 4,
       KEY_ILLEGAL = 5,
       KEY_ATTENTION = 6,
       KEY_PROTECT = 7,
       KEY_MISCOMPARE = 14,
};

enum scsi_asc { /* additional sense: ASC << 8 | ASCQ. [SPC] annex D */
                ASC_NONE = 0,
                ASC_NOT_READY_START = 0x0402,
                ASC_WRITE_ERROR = 0x0c00,
                ASC_READ_ERROR = 0x1100,
                ASC_PARAMETER_LENGTH = 0x1a00,
                ASC_MISCOMPARE = 0x1d00,
                ASC_OPCODE = 0x2000,
                ASC_RANGE = 0x2100,
                ASC_FIELD = 0x2400,
                ASC_LUN = 0x2500,
                ASC_PARAMETER = 0x2600,
                ASC_PROTECTED = 0x2700,
                ASC_MEDIUM_CHANGED = 0x2800,
                ASC_RESET = 0x2900,
                ASC_CAPACITY_CHANGED = 0x2a09,
                ASC_NO_MEDIUM = 0x3a00,
                ASC_TRAY_OPEN = 0x3a02,
                ASC_INTERNAL = 0x4400,
                ASC_REMOVAL_PREVENTED = 0x5302,
};

enum {                    /* what a command needs */
       ANY_TIME = 1 << 0, /* unit attentions wait */
       NEEDS_MEDIUM = 1 << 1,
       WRITES = 1 << 2, /* the medium */
};

struct scsi_command {
    uint8_t opcode;
    uint8_t flags;
    void (*run)(struct scsi_request *r);
};

extern const struct scsi_command scsi_disk_commands[]; /* ends without run */

void scsi_good(struct scsi_request *r);
void scsi_check(struct scsi_request *r, unsigned key, enum scsi_asc asc);
/* Data to the host, cut to the allocation length, then GOOD. */
void scsi_reply(struct scsi_request *r, const uint8_t *data, size_t len,
                size_t allocated);
/* Up to `len` bytes that the host sent; how many there were. */
size_t scsi_take(const struct scsi_request *r, uint8_t *to, size_t len);
/* Starts r->io on `len` bytes of the drive at `offset`; next() follows where it
 * went well, else the request ends with the error's sense. */
void scsi_io(struct scsi_request *r, enum drive_op op, uint64_t offset,
             uint64_t len, struct iovec *iov, unsigned iov_count,
             void (*next)(struct scsi_request *r));
/* The part [from, from + len) of the data area, in r->slice. */
unsigned scsi_slice(struct scsi_request *r, size_t from, size_t len);
uint64_t scsi_blocks(const struct scsi_unit *u);
/* Is [lba, lba + count) on the medium? Else the request is ended. */
bool scsi_range_ok(struct scsi_request *r, uint64_t lba, uint64_t count);

/* spc.c: INQUIRY, REQUEST SENSE, REPORT LUNS, TEST UNIT READY */
void scsi_inquiry(struct scsi_request *r);
void scsi_request_sense(struct scsi_request *r);
void scsi_report_luns(struct scsi_request *r);

/* mode.c: MODE SENSE and SELECT, (6) and (10) */
void scsi_mode_sense(struct scsi_request *r);
void scsi_mode_select(struct scsi_request *r);

#endif
