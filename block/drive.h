/* SPDX-License-Identifier: MIT */
/*
 * A drive: a disk image with what the user said about it, as devices see it.
 * Device code knows nothing of files: it submits requests and gets a
 * completion on some thread, with the machine lock held.
 */
#ifndef BLOCK_DRIVE_H
#define BLOCK_DRIVE_H

#include "base/lock.h"
#include "block/image.h"

enum drive_media { DRIVE_DISK, DRIVE_CDROM, DRIVE_FLOPPY };
enum drive_bus {
    DRIVE_IF_NONE,
    DRIVE_IF_IDE,
    DRIVE_IF_FLOPPY,
    DRIVE_IF_SCSI,
    DRIVE_IF_VIRTIO,
    DRIVE_IF_PFLASH,
};

/* What follows when the host cannot read or write. */
enum drive_policy {
    DRIVE_REPORT, /* the guest gets the error */
    DRIVE_IGNORE, /* the guest gets a success that is none */
    DRIVE_STOP,   /* the machine stops; drive_retry() tries again */
    DRIVE_ENOSPC, /* stops where the disk is full, reports otherwise */
};

struct drive_front { /* a device that wants to hear of media changes */
    void (*changed)(void *opaque); /* inserted, removed, resized */
    void (*eject_request)(void *opaque, bool force);
    bool (*tray_open)(void *opaque);   /* NULL: no tray */
    bool (*tray_locked)(void *opaque); /* PREVENT MEDIUM REMOVAL */
    void *opaque;
};

struct drive {
    char *id;     /* "ide0-hd0", or the user's */
    char *serial; /* property of the drive or NULL */
    enum drive_media media;
    enum drive_bus bus;
    unsigned index; /* on its kind of bus */
    bool readonly;
    struct image *image; /* NULL: no medium */
    struct drive_front front;
    bool attached; /* a device has it */
    struct lock *lock;
    unsigned in_flight;
    bool removable;
    /* -drive cyls=,heads=,secs=: 0 = guess */
    uint32_t cyls, heads, secs;
    /* statistics for query-blockstats */
    enum drive_policy on_read_error, on_write_error;
    int stalled_by; /* error that requests wait for after DRIVE_STOP, 0: none */
    /* A request failed: for those who watch, and for who stops the machine
     * (action is never DRIVE_ENOSPC). May be NULL. Lock held. */
    void (*failed)(void *opaque, const struct drive *d, bool write, int error,
                   enum drive_policy action);
    void *failed_opaque;
    uint64_t rd_ops, wr_ops, rd_bytes, wr_bytes, flush_ops;
};

enum drive_op {
    DRIVE_READ,
    DRIVE_WRITE,
    DRIVE_FLUSH,
    DRIVE_DISCARD,
    DRIVE_ZERO
};

/*
 * One request; owned by the device, untouched by it until done() is called.
 * error: 0 or an errno value. Vectors must stay valid; host memory of guest
 * RAM (dma_map) is welcome: the device calls dma_wrote() in done().
 */
struct drive_req {
    enum drive_op op;
    uint64_t offset; /* bytes, any alignment */
    uint64_t len;
    struct iovec *iov;
    unsigned iov_count;
    void (*done)(struct drive_req *req, int error);
    void *opaque;
    bool at_once; /* done() may be called within drive_submit() */
    /* private */
    struct drive *drive;
    int error;
    bool refused; /* the request itself is wrong: no policy applies */
};

/* Queues the request on the drive's workers. Lock held. */
void drive_submit(struct drive *d, struct drive_req *req);
/* Waits for all requests of the drive, running their done(). Those that were
 * stalled by DRIVE_STOP fail. Lock held. */
void drive_drain(struct drive *d);
/* The same, but what is stalled stays: the machine stops. Lock held. */
void drive_quiesce(struct drive *d);
/* The machine goes on: stalled requests are tried again. Lock held. */
void drive_retry(struct drive *d);
/* "report", "ignore", "stop", "enospc"; NULL leaves *policy. `write`: enospc
 * is for writes alone. */
bool drive_parse_policy(enum drive_policy *policy, const char *text, bool write,
                        GError **error);
uint64_t drive_size(const struct drive *d); /* bytes; 0 without medium */
static inline bool drive_has_medium(const struct drive *d)
{
    return d->image;
}

bool drive_attach(struct drive *d, const struct drive_front *front,
                  GError **error);
void drive_detach(struct drive *d);

/* Takes the image; lock = the machine's. */
struct drive *drive_new(const char *id, struct lock *lock);
void drive_free(struct drive *d); /* drains, flushes, closes */
/* Media change: closes the old image, takes the new one (may be NULL). */
void drive_set_image(struct drive *d, struct image *image);

#endif
