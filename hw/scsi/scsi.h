/* SPDX-License-Identifier: MIT */
/*
 * SCSI logical units, and the requests by which host adapters (virtio-scsi, USB
 * storage) use them. [SAM] architecture, [SPC] primary commands, [SBC] disks,
 * [MMC] CD drives.
 *
 * A request carries its command and all of its data as host memory; it ends in
 * done(), within scsi_submit() or later on the main loop. Machine lock held in
 * all calls.
 */
#ifndef HW_SCSI_SCSI_H
#define HW_SCSI_SCSI_H

#include "block/drive.h"
#include "hw/core/machine.h"

enum { SCSI_CDB = 16, SCSI_SENSE = 18, SCSI_TARGETS = 256, SCSI_LUNS = 16384 };

enum { /* status. [SAM] 5.3 */
       SCSI_GOOD = 0x00,
       SCSI_CHECK_CONDITION = 0x02,
       SCSI_BUSY = 0x08,
       SCSI_RESERVATION_CONFLICT = 0x18,
};

struct scsi_unit;
struct scsi_bus;

struct scsi_request {
    struct scsi_unit *unit;
    uint8_t cdb[SCSI_CDB]; /* zeroes behind a shorter one */
    /* The data area: from the host where to_device, else to it. Stays valid,
     * and is not looked at by others, until done(). */
    struct iovec *iov;
    unsigned iov_count;
    size_t len;
    bool to_device;
    void (*done)(struct scsi_request *r);
    void *opaque;

    /* the answer */
    uint8_t status;
    uint8_t sense[SCSI_SENSE]; /* where status is CHECK_CONDITION */
    size_t moved;              /* bytes of the data area that were used */

    /* the unit's own */
    struct drive_req io;
    struct iovec *slice; /* of iov: what io moves */
    uint8_t *scratch;
    uint64_t at, left; /* what follows, bytes */
    void (*next)(struct scsi_request *r);
    bool flush_after;
};

struct scsi_unit {
    struct machine *machine;
    struct drive *drive;
    struct scsi_bus *bus; /* NULL: alone behind its adapter */
    unsigned target, lun;
    bool cd, removable;
    char *vendor, *product, *version, *serial; /* may be NULL; not owned */
    uint64_t wwn;                              /* 0: none */
    uint32_t block, physical_block;            /* bytes */
    uint16_t rotation;                         /* rpm; 0: not said, 1: solid */
    bool cache_off; /* at the start: the guest may switch it on */

    /* saved */
    uint8_t attention[2];  /* pending unit attention: ASC, ASCQ; 0: none */
    uint8_t last_sense[3]; /* key, ASC, ASCQ: for REQUEST SENSE */
    bool tray_open, locked, stopped, write_through;
    uint8_t media_event;
};

/* clang-format off */
#define SCSI_UNIT_STATE(type, m) \
    FIELD_AS_ARRAY(type, m.attention, "attention"), \
    FIELD_AS_ARRAY(type, m.last_sense, "last_sense"), \
    FIELD_AS(type, m.tray_open, "tray_open"), \
    FIELD_AS(type, m.locked, "locked"), \
    FIELD_AS(type, m.stopped, "stopped"), \
    FIELD_AS(type, m.write_through, "write_through"), \
    FIELD_AS(type, m.media_event, "media_event")
/* clang-format on */

enum scsi_event { SCSI_CAME, SCSI_GOES, SCSI_MEDIUM, SCSI_CAPACITY };

struct scsi_bus {
    struct bus *bus;
    GPtrArray *units;       /* struct scsi_unit * */
    unsigned targets, luns; /* how many it can address */
    /* A unit came or is about to go, its medium or size changed; may be NULL. */
    void (*event)(void *opaque, struct scsi_unit *u, enum scsi_event what);
    void *opaque;
};

/* --- for host adapters --- */

void scsi_submit(struct scsi_request *r);
/* Waits for all requests of the unit; their done() is called. */
void scsi_drain(struct scsi_unit *u);
void scsi_unit_reset(struct scsi_unit *u); /* LUN, target or bus reset */

/* "ID.0" or "scsi.N" */
struct scsi_bus *scsi_bus_new(struct dev *adapter, unsigned targets,
                              unsigned luns);
void scsi_bus_free(struct scsi_bus *b);
/* NULL: there is none. */
struct scsi_unit *scsi_bus_unit(const struct scsi_bus *b, unsigned target,
                                unsigned lun);
/* Any unit of the target, or NULL. */
struct scsi_unit *scsi_bus_target(const struct scsi_bus *b, unsigned target);
/* Answers for a logical unit that is not there; `u` any of its target. */
void scsi_wrong_lun(struct scsi_request *r, const struct scsi_unit *u);

/* --- units --- */

/* drive, machine, block sizes and texts are set: takes the drive. */
bool scsi_unit_realize(struct scsi_unit *u, GError **error);
void scsi_unit_unrealize(struct scsi_unit *u);

extern const struct dev_type scsi_hd_type;

#endif
