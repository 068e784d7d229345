/* SPDX-License-Identifier: MIT */
/*
 * Mode pages of disks. [SPC] 7.5, [SBC] 6.4: caching (the write cache can be
 * switched), control, error recovery, and the geometry pages of old.
 */
#include <string.h>

#include "hw/scsi/scsi_int.h"

enum { ALL_PAGES = 0x3f, CACHING = 8, WCE = 4, CHANGEABLE = 1, SAVED = 3 };
enum { HEADS = 255, SECTORS = 63, OUT_MAX = 256 };

static size_t page_recovery(const struct scsi_unit *u, uint8_t *p)
{
    p[2] = 0x80; /* writes move bad sectors */
    return 10;
}

/* Rigid disk geometry. */
static size_t page_rigid(const struct scsi_unit *u, uint8_t *p)
{
    uint64_t cyls = MIN(scsi_blocks(u) / (HEADS * SECTORS), 0xffffffu);

    p[2] = (uint8_t)(cyls >> 16);
    put_be16(p + 3, (uint32_t)cyls);
    p[5] = HEADS;
    put_be16(p + 20, u->rotation > 1 ? u->rotation : 5400);
    return 22;
}

/* Flexible disk, as USB sticks are asked for it. */
static size_t page_flexible(const struct scsi_unit *u, uint8_t *p)
{
    uint64_t cyls = MIN(scsi_blocks(u) / (HEADS * SECTORS), 0xffffu);

    put_be16(p + 2, 5000); /* kbit/s */
    p[4] = HEADS;
    p[5] = SECTORS;
    put_be16(p + 6, u->block);
    put_be16(p + 8, (uint32_t)cyls);
    return 30;
}

static size_t page_caching(const struct scsi_unit *u, uint8_t *p)
{
    p[2] = u->write_through ? 0 : WCE;
    return 18;
}

static size_t page_control(const struct scsi_unit *u, uint8_t *p)
{
    p[3] = 0x10; /* commands may be reordered */
    return 10;
}

/* In the order of their codes. */
static const struct {
    uint8_t code;
    size_t (*put)(const struct scsi_unit *u, uint8_t *p); /* its length */
} pages[] = {
    {0x01, page_recovery},   {0x04, page_rigid},   {0x05, page_flexible},
    {CACHING, page_caching}, {0x0a, page_control},
};

/* What a MODE SELECT may change: the write cache. */
static void only_changeable(uint8_t *p, size_t len, unsigned code)
{
    memset(p + 2, 0, len - 2);
    if (code == CACHING) {
        p[2] = WCE;
    }
}

static size_t put_pages(const struct scsi_unit *u, unsigned code,
                        unsigned control, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (code == pages[i].code || code == ALL_PAGES) {
            size_t len = 2 + pages[i].put(u, out + n);

            out[n] = pages[i].code;
            out[n + 1] = (uint8_t)(len - 2);
            if (control == CHANGEABLE) {
                only_changeable(out + n, len, pages[i].code);
            }
            n += len;
        }
    }
    return n;
}

/* The block descriptor: number and length. */
static size_t put_descriptor(const struct scsi_unit *u, uint8_t *out)
{
    put_be32(out, (uint32_t)MIN(scsi_blocks(u), UINT32_MAX));
    put_be32(out + 4, u->block);
    return 8;
}

void scsi_mode_sense(struct scsi_request *r)
{
    const struct scsi_unit *u = r->unit;
    bool ten = r->cdb[0] == 0x5a;
    unsigned head = ten ? 8 : 4, control = r->cdb[2] >> 6;
    uint8_t out[OUT_MAX] = {0};
    size_t n = head, blocks = 0;

    if (control == SAVED) {
        scsi_check(r, KEY_ILLEGAL, (enum scsi_asc)0x3900);
        return;
    }
    if (!(r->cdb[1] & 8)) {
        blocks = put_descriptor(u, out + n);
        n += blocks;
    }
    if (r->cdb[2] & 0x3f) {
        size_t len = r->cdb[3] && r->cdb[3] != 0xff
                         ? 0
                         : put_pages(u, r->cdb[2] & 0x3f, control, out + n);

        if (!len) {
            scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
            return;
        }
        n += len;
    }
    out[ten ? 3 : 2] = (uint8_t)((u->drive->readonly ? 0x80 : 0) | 0x10);
    if (ten) {
        put_be16(out, (uint32_t)n - 2);
        out[7] = (uint8_t)blocks;
    } else {
        out[0] = (uint8_t)(n - 1);
        out[3] = (uint8_t)blocks;
    }
    scsi_reply(r, out, n, ten ? be16(r->cdb + 7) : r->cdb[4]);
}

/* Pages as MODE SENSE gives them; all but the write cache must be as they
 * are. False: the request was ended. */
static bool select_page(struct scsi_request *r, const uint8_t *page,
                        size_t left)
{
    struct scsi_unit *u = r->unit;
    uint8_t now[OUT_MAX] = {0};
    size_t len = left < 2 ? 0 : put_pages(u, page[0] & 0x3f, 0, now);

    if (len == 0 || (page[0] & 0x3f) == ALL_PAGES || page[1] + 2u != len ||
        len > left) {
        scsi_check(r, KEY_ILLEGAL, ASC_PARAMETER);
        return false;
    }
    if ((page[0] & 0x3f) == CACHING) {
        u->write_through = !(page[2] & WCE);
    }
    return true;
}

void scsi_mode_select(struct scsi_request *r)
{
    bool ten = r->cdb[0] == 0x55;
    uint8_t in[OUT_MAX];
    size_t head = ten ? 8 : 4;
    size_t len = ten ? be16(r->cdb + 7) : r->cdb[4], at;

    len = scsi_take(r, in, MIN(len, sizeof(in)));
    r->moved = len;
    if (len == 0) {
        scsi_good(r);
        return;
    }
    at = len < head ? len : head + (ten ? be16(in + 6) : in[3]);
    if (len < head || at > len || !(r->cdb[1] & 0x10)) {
        scsi_check(r, KEY_ILLEGAL, ASC_PARAMETER_LENGTH);
        return;
    }
    while (at < len) {
        if (!select_page(r, in + at, len - at)) {
            return;
        }
        at += 2u + in[at + 1];
    }
    scsi_io(r, DRIVE_FLUSH, 0, 0, NULL, 0, scsi_good);
}
