/* SPDX-License-Identifier: MIT */
#ifndef HW_BLOCK_FDC_H
#define HW_BLOCK_FDC_H

#include "block/drive.h"
#include "hw/core/machine.h"

enum { FDC_DRIVES = 2, FDC_SECTOR = 512, FDC_PARAMS = 16 };

/* How a medium is formatted. */
struct floppy_format {
    uint32_t bytes;
    uint8_t tracks, heads, sectors;
    uint8_t rate; /* data rate: 0 500, 1 300, 2 250, 3 1000 kbit/s */
};

struct floppy_drive {
    struct drive *drive;                /* NULL: no such drive */
    const struct floppy_format *format; /* NULL: no medium */
    uint8_t track;
    bool changed; /* DIR bit 7: a medium was changed since the last step */
    bool perpendicular;
};

struct fdc {
    struct dev dev;
    uint32_t iobase, irq_number, dma_channel; /* properties */
    char *drive_id[FDC_DRIVES];               /* driveA, driveB */
    struct wire irq;
    struct region ports, dir_port;
    struct floppy_drive drive[FDC_DRIVES];

    uint8_t dor, tdr, dsr, msr;
    uint8_t phase; /* enum fdc_phase */
    uint8_t command[FDC_PARAMS];
    uint8_t len, wanted; /* of the command */
    uint8_t result[FDC_PARAMS];
    uint8_t result_len, result_pos;
    uint8_t st0[4];  /* of SENSE INTERRUPT, by drive */
    uint8_t pending; /* bit n: st0[n] waits to be sensed */
    bool interrupt;
    bool busy;         /* a request is with the drive's workers */
    uint8_t config[3]; /* CONFIGURE */
    uint8_t specify[2];
    bool lock;

    /* A transfer in progress. */
    bool to_host, dma, terminal, formatting;
    uint8_t cyl, head, sector, last, unit; /* next sector */
    uint16_t pos, end;
    uint8_t buf[FDC_SECTOR];
    struct timer event; /* the end of a seek or reset */
    uint8_t event_what; /* bit n: seek of drive n, bit 7: reset */
    struct iovec iov;
    struct drive_req req;
};

extern const struct dev_type fdc_type;

/* CMOS type of a drive that suits the medium: 4 = 1.44 MB, 5 = 2.88 MB... */
uint8_t fdc_cmos_type(const struct drive *drive);

#endif
