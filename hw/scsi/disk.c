/* SPDX-License-Identifier: MIT */
/*
 * The commands of disks. [SBC] SCSI Block Commands 3. The data of READ and
 * WRITE move between the image and the adapter's memory without a copy of ours.
 *
 * Not modelled: protection information, defect lists, log pages, persistent
 * reservations (there is one host), atomic and compare-and-write commands.
 */
#include <string.h>

#include "hw/block/dev_drive.h"
#include "hw/scsi/scsi_int.h"

enum { FUA = 1 << 3, BYTCHK = 1 << 1, UNMAP_BIT = 1 << 3, NO_DATA_BUFFER = 1 };
enum {
    SAME_CHUNK = 1 << 20,
    SAME_BLOCKS = 0x200000,
    UNMAP_LIST = 8 + 255 * 16
};

/* --- blocks and counts of a CDB --- */

struct extent {
    uint64_t lba;
    uint32_t count;
};

static struct extent extent_of(const uint8_t *c)
{
    switch (c[0] >> 5) {
    case 0: return (struct extent){be32(c) & 0x1fffff, c[4] ? c[4] : 256u};
    case 1:
    case 2: return (struct extent){be32(c + 2), be16(c + 7)};
    case 4: return (struct extent){be64(c + 2), be32(c + 10)};
    default: return (struct extent){be32(c + 2), be32(c + 6)};
    }
}

/* --- reading and writing --- */

static void moved_all(struct scsi_request *r)
{
    r->moved = r->io.len;
    if (r->flush_after) {
        r->flush_after = false;
        scsi_io(r, DRIVE_FLUSH, 0, 0, NULL, 0, scsi_good);
        return;
    }
    scsi_good(r);
}

/* The data area may be shorter than the command says: what fits is moved. */
static void transfer(struct scsi_request *r, bool write)
{
    struct scsi_unit *u = r->unit;
    struct extent e = extent_of(r->cdb);
    uint64_t len = (uint64_t)e.count * u->block;
    unsigned n;

    if (!scsi_range_ok(r, e.lba, e.count)) {
        return;
    }
    len = MIN(len, r->len - r->len % u->block);
    if (len == 0 || write != r->to_device) {
        scsi_good(r);
        return;
    }
    r->flush_after =
        write && (u->write_through || (r->cdb[0] >> 5 && r->cdb[1] & FUA));
    n = scsi_slice(r, 0, len);
    scsi_io(r, write ? DRIVE_WRITE : DRIVE_READ, e.lba * u->block, len,
            r->slice, n, moved_all);
}

static void cmd_read(struct scsi_request *r)
{
    transfer(r, false);
}

static void cmd_write(struct scsi_request *r)
{
    transfer(r, true);
}

static void cmd_synchronize(struct scsi_request *r)
{
    scsi_io(r, DRIVE_FLUSH, 0, 0, NULL, 0, scsi_good);
}

/* --- VERIFY: the medium alone, or against the host's data --- */

static void verified(struct scsi_request *r)
{
    const uint8_t *p = r->scratch;
    struct extent e = extent_of(r->cdb);
    size_t left = (size_t)e.count * r->unit->block;

    r->moved = left;
    for (unsigned i = 0; i < r->iov_count && left; i++) {
        size_t part = MIN(r->iov[i].iov_len, left);

        if (memcmp(p, r->iov[i].iov_base, part) != 0) {
            scsi_check(r, KEY_MISCOMPARE, ASC_MISCOMPARE);
            return;
        }
        p += part;
        left -= part;
    }
    scsi_good(r);
}

static void cmd_verify(struct scsi_request *r)
{
    struct extent e = extent_of(r->cdb);
    uint64_t len = (uint64_t)e.count * r->unit->block;

    if (!scsi_range_ok(r, e.lba, e.count)) {
        return;
    }
    if (!(r->cdb[1] & BYTCHK) || len == 0) {
        scsi_good(r);
        return;
    }
    if (!r->to_device || r->len < len) {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
        return;
    }
    r->scratch = g_malloc(len);
    r->slice = g_new(struct iovec, 1);
    r->slice[0] = (struct iovec){.iov_base = r->scratch, .iov_len = len};
    scsi_io(r, DRIVE_READ, e.lba * r->unit->block, len, r->slice, 1, verified);
}

/* --- WRITE SAME, UNMAP --- */

static void same_next(struct scsi_request *r)
{
    uint64_t len = MIN(r->left, (uint64_t)SAME_CHUNK);
    uint64_t at = r->at;

    if (len == 0) {
        scsi_good(r);
        return;
    }
    r->at += len;
    r->left -= len;
    r->slice[0].iov_len = len;
    scsi_io(r, DRIVE_WRITE, at, len, r->slice, 1, same_next);
}

static bool is_zero(const uint8_t *p, size_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* The block that is written everywhere, many times in r->scratch. */
static void same_fill(struct scsi_request *r, const uint8_t *block)
{
    size_t size = r->unit->block;

    r->scratch = g_malloc(SAME_CHUNK);
    for (size_t at = 0; at < SAME_CHUNK; at += size) {
        memcpy(r->scratch + at, block, size);
    }
    r->slice = g_new(struct iovec, 1);
    r->slice[0].iov_base = r->scratch;
    same_next(r);
}

static void cmd_write_same(struct scsi_request *r)
{
    struct extent e = extent_of(r->cdb);
    size_t size = r->unit->block;
    g_autofree uint8_t *block = g_malloc0(size);
    bool none = r->cdb[0] == 0x93 && r->cdb[1] & NO_DATA_BUFFER;

    if (e.count == 0 || e.count > SAME_BLOCKS || r->cdb[1] & 0xe2) {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
        return;
    }
    if (!scsi_range_ok(r, e.lba, e.count)) {
        return;
    }
    if (!none && scsi_take(r, block, size) < size) {
        scsi_check(r, KEY_ILLEGAL, ASC_PARAMETER_LENGTH);
        return;
    }
    r->moved = none ? 0 : size;
    r->at = e.lba * size;
    r->left = (uint64_t)e.count * size;
    if (is_zero(block, size)) {
        scsi_io(r, DRIVE_ZERO, r->at, r->left, NULL, 0, scsi_good);
    } else {
        same_fill(r, block);
    }
}

/* The descriptors are in r->scratch: r->at is the next, r->left the end. */
static void unmap_next(struct scsi_request *r)
{
    const uint8_t *d = r->scratch + r->at;
    size_t size = r->unit->block;

    if (r->at + 16 > r->left) {
        scsi_good(r);
        return;
    }
    r->at += 16;
    if (!scsi_range_ok(r, be64(d), be32(d + 8))) {
        return;
    }
    scsi_io(r, DRIVE_DISCARD, be64(d) * size, (uint64_t)be32(d + 8) * size,
            NULL, 0, unmap_next);
}

static void cmd_unmap(struct scsi_request *r)
{
    size_t len;

    r->scratch = g_malloc0(UNMAP_LIST);
    len = scsi_take(r, r->scratch, MIN(be16(r->cdb + 7), (size_t)UNMAP_LIST));
    r->moved = len;
    if (len == 0) {
        scsi_good(r);
        return;
    }
    if (len < 8 || be16(r->scratch + 2) + 8u > len) {
        scsi_check(r, KEY_ILLEGAL, ASC_PARAMETER_LENGTH);
        return;
    }
    r->at = 8;
    r->left = 8 + be16(r->scratch + 2);
    unmap_next(r);
}

/* --- capacity and state --- */

static void cmd_capacity10(struct scsi_request *r)
{
    uint64_t last = MAX(scsi_blocks(r->unit), 1u) - 1;
    uint8_t out[8];

    put_be32(out, (uint32_t)MIN(last, UINT32_MAX));
    put_be32(out + 4, r->unit->block);
    scsi_reply(r, out, sizeof(out), sizeof(out));
}

/* READ CAPACITY (16), the one service action that there is. */
static void cmd_service_in(struct scsi_request *r)
{
    const struct scsi_unit *u = r->unit;
    uint8_t out[32] = {0};

    if ((r->cdb[1] & 31) != 0x10) {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
        return;
    }
    put_be64(out, MAX(scsi_blocks(u), 1u) - 1);
    put_be32(out + 8, u->block);
    out[13] = (uint8_t)__builtin_ctz(MAX(u->physical_block / u->block, 1u));
    out[14] = 0xc0; /* thin; what is unmapped reads as zeroes */
    scsi_reply(r, out, sizeof(out), be32(r->cdb + 10));
}

/* [SBC] 5.20 */
static void cmd_start_stop(struct scsi_request *r)
{
    struct scsi_unit *u = r->unit;
    bool load_eject = r->cdb[4] & 2, start = r->cdb[4] & 1;

    if (r->cdb[4] >> 4) { /* a power condition */
        scsi_good(r);
        return;
    }
    if (load_eject && u->removable && !start && u->locked) {
        scsi_check(r, KEY_ILLEGAL, ASC_REMOVAL_PREVENTED);
        return;
    }
    u->stopped = !start && !u->cd;
    if (load_eject && u->removable && u->tray_open == start) {
        u->tray_open = !start;
        dev_tray_moved(u->machine, u->drive, u->tray_open);
    }
    if (!start) {
        cmd_synchronize(r);
    } else {
        scsi_good(r);
    }
}

static void cmd_prevent(struct scsi_request *r)
{
    r->unit->locked = r->unit->removable && r->cdb[4] & 1;
    scsi_good(r);
}

/* FORMAT UNIT without protection: there is nothing to do. */
static void cmd_format(struct scsi_request *r)
{
    if (r->cdb[1] & 0xe0) {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
    } else {
        scsi_good(r);
    }
}

/* SEND DIAGNOSTIC: the self test passes. */
static void cmd_diagnostic(struct scsi_request *r)
{
    if (r->cdb[1] & 4 || (r->cdb[1] == 0 && be16(r->cdb + 3) == 0)) {
        scsi_good(r);
    } else {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
    }
}

static void cmd_prefetch(struct scsi_request *r)
{
    struct extent e = extent_of(r->cdb);

    if (scsi_range_ok(r, e.lba, e.count)) {
        scsi_good(r);
    }
}

const struct scsi_command scsi_disk_commands[] = {
    {0x00, NEEDS_MEDIUM, scsi_good}, /* TEST UNIT READY */
    {0x03, ANY_TIME, scsi_request_sense},
    {0x04, NEEDS_MEDIUM | WRITES, cmd_format},
    {0x08, NEEDS_MEDIUM, cmd_read},
    {0x0a, NEEDS_MEDIUM | WRITES, cmd_write},
    {0x12, ANY_TIME, scsi_inquiry},
    {0x15, 0, scsi_mode_select},
    {0x16, 0, scsi_good}, /* RESERVE and RELEASE: one host */
    {0x17, 0, scsi_good},
    {0x1a, 0, scsi_mode_sense},
    {0x1b, 0, cmd_start_stop},
    {0x1d, 0, cmd_diagnostic},
    {0x1e, 0, cmd_prevent},
    {0x25, NEEDS_MEDIUM, cmd_capacity10},
    {0x28, NEEDS_MEDIUM, cmd_read},
    {0x2a, NEEDS_MEDIUM | WRITES, cmd_write},
    {0x2e, NEEDS_MEDIUM | WRITES, cmd_write}, /* WRITE AND VERIFY */
    {0x2f, NEEDS_MEDIUM, cmd_verify},
    {0x34, NEEDS_MEDIUM, cmd_prefetch},
    {0x35, NEEDS_MEDIUM, cmd_synchronize},
    {0x41, NEEDS_MEDIUM | WRITES, cmd_write_same},
    {0x42, NEEDS_MEDIUM | WRITES, cmd_unmap},
    {0x55, 0, scsi_mode_select},
    {0x56, 0, scsi_good},
    {0x57, 0, scsi_good},
    {0x5a, 0, scsi_mode_sense},
    {0x88, NEEDS_MEDIUM, cmd_read},
    {0x8a, NEEDS_MEDIUM | WRITES, cmd_write},
    {0x8e, NEEDS_MEDIUM | WRITES, cmd_write},
    {0x8f, NEEDS_MEDIUM, cmd_verify},
    {0x90, NEEDS_MEDIUM, cmd_prefetch},
    {0x91, NEEDS_MEDIUM, cmd_synchronize},
    {0x93, NEEDS_MEDIUM | WRITES, cmd_write_same},
    {0x9e, NEEDS_MEDIUM, cmd_service_in},
    {0xa0, ANY_TIME, scsi_report_luns},
    {0xa8, NEEDS_MEDIUM, cmd_read},
    {0xaa, NEEDS_MEDIUM | WRITES, cmd_write},
    {0xae, NEEDS_MEDIUM | WRITES, cmd_write},
    {0xaf, NEEDS_MEDIUM, cmd_verify},
    {0},
};
