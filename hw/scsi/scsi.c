/* SPDX-License-Identifier: MIT */
/* Requests: what is checked before a command runs, and how it ends. */
#include "hw/scsi/scsi.h"

#include <errno.h>
#include <string.h>

#include "hw/scsi/scsi_int.h"

static void finish(struct scsi_request *r)
{
    g_clear_pointer(&r->slice, g_free);
    g_clear_pointer(&r->scratch, g_free);
    r->done(r);
}

void scsi_good(struct scsi_request *r)
{
    r->status = SCSI_GOOD;
    finish(r);
}

/* Fixed format. [SPC] 4.5.3 */
static void put_sense(uint8_t *sense, unsigned key, unsigned asc)
{
    memset(sense, 0, SCSI_SENSE);
    sense[0] = 0x70;
    sense[2] = (uint8_t)key;
    sense[7] = SCSI_SENSE - 8;
    put_be16(sense + 12, asc);
}

void scsi_check(struct scsi_request *r, unsigned key, enum scsi_asc asc)
{
    struct scsi_unit *u = r->unit;

    r->status = SCSI_CHECK_CONDITION;
    put_sense(r->sense, key, asc);
    if (u) {
        u->last_sense[0] = (uint8_t)key;
        u->last_sense[1] = (uint8_t)(asc >> 8);
        u->last_sense[2] = (uint8_t)asc;
    }
    finish(r);
}

void scsi_reply(struct scsi_request *r, const uint8_t *data, size_t len,
                size_t allocated)
{
    size_t left = MIN(MIN(len, allocated), r->to_device ? 0 : r->len);

    r->moved = left;
    for (unsigned i = 0; i < r->iov_count && left; i++) {
        size_t part = MIN(r->iov[i].iov_len, left);

        memcpy(r->iov[i].iov_base, data, part);
        data += part;
        left -= part;
    }
    scsi_good(r);
}

size_t scsi_take(const struct scsi_request *r, uint8_t *to, size_t len)
{
    size_t left = MIN(len, r->to_device ? r->len : 0), taken = left;

    for (unsigned i = 0; i < r->iov_count && left; i++) {
        size_t part = MIN(r->iov[i].iov_len, left);

        memcpy(to, r->iov[i].iov_base, part);
        to += part;
        left -= part;
    }
    return taken;
}

unsigned scsi_slice(struct scsi_request *r, size_t from, size_t len)
{
    unsigned n = 0;

    if (!r->slice) {
        r->slice = g_new(struct iovec, r->iov_count + 1);
    }
    for (unsigned i = 0; i < r->iov_count && len; i++) {
        size_t size = r->iov[i].iov_len, part;

        if (from >= size) {
            from -= size;
            continue;
        }
        part = MIN(size - from, len);
        r->slice[n++] = (struct iovec){
            .iov_base = (char *)r->iov[i].iov_base + from, .iov_len = part};
        len -= part;
        from = 0;
    }
    return n;
}

/* --- the drive --- */

static void drive_failed(struct scsi_request *r, int error)
{
    bool write = r->io.op != DRIVE_READ;

    if (error == EROFS || error == EPERM) {
        scsi_check(r, KEY_PROTECT, ASC_PROTECTED);
    } else if (error == ENOMEDIUM) {
        scsi_check(r, KEY_NOT_READY, ASC_NO_MEDIUM);
    } else {
        scsi_check(r, KEY_MEDIUM, write ? ASC_WRITE_ERROR : ASC_READ_ERROR);
    }
}

static void io_done(struct drive_req *io, int error)
{
    struct scsi_request *r = container_of(io, struct scsi_request, io);

    if (error) {
        drive_failed(r, error);
    } else {
        r->next(r);
    }
}

void scsi_io(struct scsi_request *r, enum drive_op op, uint64_t offset,
             uint64_t len, struct iovec *iov, unsigned iov_count,
             void (*next)(struct scsi_request *r))
{
    r->next = next;
    r->io = (struct drive_req){.op = op,
                               .offset = offset,
                               .len = len,
                               .iov = iov,
                               .iov_count = iov_count,
                               .done = io_done,
                               .at_once = true};
    drive_submit(r->unit->drive, &r->io);
}

uint64_t scsi_blocks(const struct scsi_unit *u)
{
    return drive_size(u->drive) / u->block;
}

bool scsi_range_ok(struct scsi_request *r, uint64_t lba, uint64_t count)
{
    uint64_t blocks = scsi_blocks(r->unit);

    if (lba > blocks || count > blocks - lba) {
        scsi_check(r, KEY_ILLEGAL, ASC_RANGE);
        return false;
    }
    return true;
}

/* --- dispatch --- */

/* Ended by what is the matter with the unit? [SAM] 5.14: attentions come
 * first, INQUIRY and the like do not see them. */
static bool refused(struct scsi_request *r, unsigned flags)
{
    struct scsi_unit *u = r->unit;

    if (!(flags & ANY_TIME) && u->attention[0]) {
        enum scsi_asc asc =
            (enum scsi_asc)(u->attention[0] << 8 | u->attention[1]);

        u->attention[0] = u->attention[1] = 0;
        scsi_check(r, KEY_ATTENTION, asc);
        return true;
    }
    if (flags & NEEDS_MEDIUM && !drive_has_medium(u->drive)) {
        scsi_check(r, KEY_NOT_READY,
                   u->tray_open ? ASC_TRAY_OPEN : ASC_NO_MEDIUM);
        return true;
    }
    if (flags & NEEDS_MEDIUM && u->stopped) {
        scsi_check(r, KEY_NOT_READY, ASC_NOT_READY_START);
        return true;
    }
    if (flags & WRITES && u->drive->readonly) {
        scsi_check(r, KEY_PROTECT, ASC_PROTECTED);
        return true;
    }
    return false;
}

void scsi_submit(struct scsi_request *r)
{
    const struct scsi_command *c = scsi_disk_commands;

    r->status = SCSI_GOOD;
    r->moved = 0;
    r->slice = NULL;
    r->scratch = NULL;
    r->flush_after = false;
    while (c->run && c->opcode != r->cdb[0]) {
        c++;
    }
    if (!c->run) {
        scsi_check(r, KEY_ILLEGAL, ASC_OPCODE);
    } else if (!refused(r, c->flags)) {
        c->run(r);
    }
}

void scsi_drain(struct scsi_unit *u)
{
    drive_drain(u->drive);
}

static void attend(struct scsi_unit *u, enum scsi_asc asc)
{
    u->attention[0] = (uint8_t)(asc >> 8);
    u->attention[1] = (uint8_t)asc;
}

void scsi_unit_reset(struct scsi_unit *u)
{
    scsi_drain(u);
    u->locked = false;
    u->stopped = false;
    u->tray_open = false;
    u->write_through = u->cache_off;
    u->media_event = 0;
    memset(u->last_sense, 0, sizeof(u->last_sense));
    attend(u, ASC_RESET);
}

/* --- the drive's side --- */

static void medium_changed(void *opaque)
{
    struct scsi_unit *u = opaque;

    attend(u, u->removable ? ASC_MEDIUM_CHANGED : ASC_CAPACITY_CHANGED);
    u->tray_open = u->cd && !drive_has_medium(u->drive);
    u->media_event = drive_has_medium(u->drive) ? 2 : 3;
    if (u->bus && u->bus->event) {
        u->bus->event(u->bus->opaque, u,
                      u->removable ? SCSI_MEDIUM : SCSI_CAPACITY);
    }
}

static void eject_request(void *opaque, bool force)
{
    struct scsi_unit *u = opaque;

    u->media_event = 1;
    if (force) {
        u->locked = false;
    }
}

static bool tray_open(void *opaque)
{
    return ((struct scsi_unit *)opaque)->tray_open;
}

static bool tray_locked(void *opaque)
{
    return ((struct scsi_unit *)opaque)->locked;
}

bool scsi_unit_realize(struct scsi_unit *u, GError **error)
{
    struct drive_front front = {.changed = medium_changed, .opaque = u};

    if (!u->drive->image && !u->removable) {
        return fail(error,
                    "drive '%s' has no medium; file= names one, or "
                    "removable=on",
                    u->drive->id);
    }
    u->drive->removable = u->removable;
    if (u->removable) {
        front.eject_request = eject_request;
        front.tray_locked = tray_locked;
    }
    if (u->cd) {
        front.tray_open = tray_open;
    }
    return drive_attach(u->drive, &front, error);
}

void scsi_unit_unrealize(struct scsi_unit *u)
{
    if (u->drive) {
        drive_drain(u->drive);
        drive_detach(u->drive);
        u->drive = NULL;
    }
}
