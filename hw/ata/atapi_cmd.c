/* SPDX-License-Identifier: MIT */
/*
 * The commands of a CD/DVD-ROM drive with a data disc in it. [MMC], [SPC].
 *
 * Not modelled: audio tracks and playing them, several sessions, CSS,
 * writing.
 */
#include <string.h>

#include "base/be.h"
#include "base/log.h"
#include "hw/ata/atapi.h"
#include "hw/block/dev_drive.h"

enum { /* what a command needs */
       NEEDS_MEDIUM = 1 << 0,
       PASSES_ATTENTION = 1 << 1, /* does not report a pending unit attention */
};

enum { PROFILE_NONE = 0, PROFILE_CD_ROM = 8, PROFILE_DVD_ROM = 0x10 };

static uint32_t be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | be16(p + 1);
}

void atapi_msf(uint8_t out[3], uint64_t frame)
{
    out[0] = (uint8_t)(frame / (75 * 60));
    out[1] = (uint8_t)(frame / 75 % 60);
    out[2] = (uint8_t)(frame % 75);
}

static bool has_medium(const struct ata_dev *d)
{
    return drive_has_medium(d->drive) && !d->tray_open;
}

/* More than a CD holds (80 minutes): a DVD. */
static bool is_dvd(const struct ata_dev *d)
{
    return d->sectors > 80 * 60 * 75;
}

static uint32_t profile(const struct ata_dev *d)
{
    return !has_medium(d) ? PROFILE_NONE
           : is_dvd(d)    ? PROFILE_DVD_ROM
                          : PROFILE_CD_ROM;
}

static void bad_field(struct ata_dev *d)
{
    atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD, 0);
}

static void cmd_test_unit_ready(struct ata_dev *d)
{
    atapi_good(d);
}

static void cmd_request_sense(struct ata_dev *d)
{
    uint8_t *out = d->buf;

    memset(out, 0, 18);
    out[0] = 0x70;
    out[2] = d->sense_key;
    out[7] = 10;
    out[12] = d->asc;
    out[13] = d->ascq;
    if (d->unit_attention && !d->sense_key) {
        out[2] = SENSE_UNIT_ATTENTION;
        out[12] = ASC_MEDIUM_MAY_HAVE_CHANGED;
        d->unit_attention = false;
    }
    atapi_send(d, 18, d->packet[4]);
}

static void pad(uint8_t *out, size_t len, const char *s)
{
    memset(out, ' ', len);
    memcpy(out, s, MIN(strlen(s), len));
}

static void cmd_inquiry(struct ata_dev *d)
{
    uint8_t *out = d->buf;

    if (d->packet[1] & 1 || d->packet[2]) {
        bad_field(d); /* no vital product data */
        return;
    }
    memset(out, 0, 36);
    out[0] = 5;    /* CD/DVD */
    out[1] = 0x80; /* removable */
    out[3] = 0x21;
    out[4] = 31;
    pad(out + 8, 8, "RHEA");
    pad(out + 16, 16, d->model);
    pad(out + 32, 4, d->version);
    atapi_send(d, 36, be16(d->packet + 3));
}

static void cmd_start_stop(struct ata_dev *d)
{
    bool load_eject = d->packet[4] & 2;
    bool start = d->packet[4] & 1;

    if (d->packet[4] >> 4) { /* a power condition */
        atapi_good(d);
        return;
    }
    if (load_eject && !start && d->tray_locked) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED, 2);
        return;
    }
    if (load_eject && d->tray_open == start) {
        d->tray_open = !start;
        d->media_event = start ? 2 : 3;
        d->unit_attention = start;
        dev_tray_moved(d->channel->machine, d->drive, d->tray_open);
    }
    atapi_good(d);
}

static void cmd_prevent_allow(struct ata_dev *d)
{
    d->tray_locked = d->packet[4] & 1;
    atapi_good(d);
}

static void cmd_read_capacity(struct ata_dev *d)
{
    put_be32(d->buf, (uint32_t)(d->sectors - 1));
    put_be32(d->buf + 4, CD_SECTOR);
    atapi_send(d, 8, 8);
}

static void read_at(struct ata_dev *d, uint32_t lba, uint32_t count,
                    uint32_t sector_size)
{
    if (lba > d->sectors || count > d->sectors - lba) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE, 0);
        return;
    }
    d->lba = lba;
    d->left = count;
    atapi_read_sectors(d, sector_size);
}

static void cmd_read10(struct ata_dev *d)
{
    read_at(d, be32(d->packet + 2), be16(d->packet + 7), CD_SECTOR);
}

static void cmd_read12(struct ata_dev *d)
{
    read_at(d, be32(d->packet + 2), be32(d->packet + 6), CD_SECTOR);
}

/* READ CD, [MMC] 6.19: user data alone, or the whole raw sector. */
static void read_cd(struct ata_dev *d, uint32_t lba, uint32_t count)
{
    uint8_t fields = d->packet[9] & 0xf8;
    uint8_t kind = d->packet[1] >> 2 & 7;

    if (kind != 0 && kind != 2) { /* any, mode 1 */
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE, 0);
    } else if (count == 0 || fields == 0) {
        atapi_good(d);
    } else if (fields == 0x10) {
        read_at(d, lba, count, CD_SECTOR);
    } else if (fields == 0xf8 || fields == 0xb8 || fields == 0xf0) {
        read_at(d, lba, count, CD_RAW_SECTOR);
    } else {
        bad_field(d);
    }
}

static void cmd_read_cd(struct ata_dev *d)
{
    read_cd(d, be32(d->packet + 2), be24(d->packet + 6));
}

static uint32_t from_msf(const uint8_t *p)
{
    uint32_t frame = ((uint32_t)p[0] * 60 + p[1]) * 75 + p[2];

    return frame >= 150 ? frame - 150 : 0;
}

static void cmd_read_cd_msf(struct ata_dev *d)
{
    uint32_t from = from_msf(d->packet + 3);
    uint32_t to = from_msf(d->packet + 6);

    if (to < from) {
        bad_field(d);
        return;
    }
    read_cd(d, from, to - from);
}

static void cmd_seek(struct ata_dev *d)
{
    if (be32(d->packet + 2) >= d->sectors) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE, 0);
        return;
    }
    atapi_good(d);
}

/* An address of a TOC: LBA or MSF. */
static void toc_address(uint8_t *out, bool msf, uint32_t lba)
{
    out[0] = 0;
    if (msf) {
        atapi_msf(out + 1, lba + UINT64_C(150));
    } else {
        put_be32(out, lba);
    }
}

/* Format 0: the data track and the lead-out. */
static uint32_t toc_tracks(const struct ata_dev *d, uint8_t *out, bool msf,
                           uint8_t first)
{
    uint8_t *p = out + 4;

    out[2] = out[3] = 1;
    if (first <= 1) {
        p[1] = 0x14;
        p[2] = 1;
        toc_address(p + 4, msf, 0);
        p += 8;
    }
    p[1] = 0x14;
    p[2] = 0xaa;
    toc_address(p + 4, msf, (uint32_t)d->sectors);
    return (uint32_t)(p + 8 - out);
}

/* Format 2: first and last track, lead-out, then the track; 11 bytes each. */
static uint32_t toc_full(const struct ata_dev *d, uint8_t *out)
{
    static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 1};
    uint8_t *p = out + 4;

    out[2] = out[3] = 1;
    for (size_t i = 0; i < ARRAY_SIZE(points); i++, p += 11) {
        p[0] = 1;
        p[1] = 0x14;
        p[3] = points[i];
        if (points[i] == 0xa2) {
            atapi_msf(p + 8, d->sectors + 150);
        } else if (points[i] == 1) {
            atapi_msf(p + 8, 150);
        } else {
            p[8] = 1;
        }
    }
    return (uint32_t)(p - out);
}

static void cmd_read_toc(struct ata_dev *d)
{
    bool msf = d->packet[1] & 2;
    uint8_t format = d->packet[2] & 15;
    uint8_t first = d->packet[6];
    uint8_t *out = d->buf;
    uint32_t len = 12;

    format = format ? format : d->packet[9] >> 6; /* where it used to be */
    memset(out, 0, 64);
    if ((format == 0 && first > 1 && first != 0xaa) || format > 2) {
        bad_field(d);
        return;
    }
    if (format == 0) {
        len = toc_tracks(d, out, msf, first);
    } else if (format == 1) { /* session */
        out[2] = out[3] = 1;
        out[5] = 0x14;
        out[6] = 1;
        toc_address(out + 8, msf, 0);
    } else {
        len = toc_full(d, out);
    }
    put_be16(out, len - 2);
    atapi_send(d, len, be16(d->packet + 7));
}

static void cmd_read_subchannel(struct ata_dev *d)
{
    memset(d->buf, 0, 4);
    d->buf[1] = 0x15; /* no audio status to return */
    atapi_send(d, 4, be16(d->packet + 7));
}

/* --- mode pages --- */

static const uint8_t page_error[] = {0x01, 0x06, 0, 5, 0, 0, 0, 0};
static const uint8_t page_audio[] = {0x0e, 0x0e, 4, 0,    0, 0, 0, 0,
                                     1,    0xff, 2, 0xff, 0, 0, 0, 0};
static const uint8_t page_power[] = {0x1a, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

/* Capabilities, [MMC] table E.3: reads CD-R/RW, DVD-ROM; tray that locks. */
static size_t page_capabilities(const struct ata_dev *d, uint8_t *out)
{
    static const uint8_t page[] = {0x2a,
                                   0x12,
                                   0x3b,
                                   0,
                                   0x71,
                                   0x60,
                                   0x29,
                                   0,
                                   16 * 176 >> 8,
                                   (16 * 176) & 0xff,
                                   0,
                                   2,
                                   2,
                                   0,
                                   16 * 176 >> 8,
                                   (16 * 176) & 0xff,
                                   0,
                                   0,
                                   0,
                                   0};

    memcpy(out, page, sizeof(page));
    out[6] = (uint8_t)(out[6] | (d->tray_locked ? 2 : 0));
    return sizeof(page);
}

static size_t copy(uint8_t *out, const uint8_t *page, size_t len)
{
    memcpy(out, page, len);
    return len;
}

static size_t mode_pages(const struct ata_dev *d, uint8_t code, uint8_t *out)
{
    size_t len = 0;

    if (code == 0x01 || code == 0x3f) {
        len += copy(out + len, page_error, sizeof(page_error));
    }
    if (code == 0x0e || code == 0x3f) {
        len += copy(out + len, page_audio, sizeof(page_audio));
    }
    if (code == 0x1a || code == 0x3f) {
        len += copy(out + len, page_power, sizeof(page_power));
    }
    if (code == 0x2a || code == 0x3f) {
        len += page_capabilities(d, out + len);
    }
    return len;
}

static uint8_t medium_type(const struct ata_dev *d)
{
    return d->tray_open ? 0x71 : has_medium(d) ? 0x01 : 0x70;
}

static void cmd_mode_sense(struct ata_dev *d)
{
    bool ten = d->packet[0] == 0x5a;
    uint32_t head = ten ? 8 : 4;
    uint8_t *out = d->buf;
    size_t len;

    if (d->packet[2] >> 6 == 3) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED, 0);
        return;
    }
    memset(out, 0, head);
    len = mode_pages(d, d->packet[2] & 0x3f, out + head);
    if (len == 0) {
        bad_field(d);
        return;
    }
    len += head;
    if (ten) {
        put_be16(out, (uint32_t)len - 2);
        out[2] = medium_type(d);
    } else {
        out[0] = (uint8_t)(len - 1);
        out[1] = medium_type(d);
    }
    atapi_send(d, (uint32_t)len, ten ? be16(d->packet + 7) : d->packet[4]);
}

static void cmd_mode_select(struct ata_dev *d)
{
    atapi_receive(d, d->packet[0] == 0x55 ? be16(d->packet + 7) : d->packet[4]);
}

/* Every page is fixed: what is selected is taken note of, not more. */
void atapi_mode_select(struct ata_dev *d, const uint8_t *data, uint32_t len)
{
    atapi_good(d);
}

static void cmd_event_status(struct ata_dev *d)
{
    bool polled = d->packet[1] & 1;
    uint8_t *out = d->buf;

    if (!polled) {
        bad_field(d); /* asynchronous notification is not there */
        return;
    }
    memset(out, 0, 8);
    out[3] = 1U << 4; /* only the media class */
    if (!(d->packet[4] & 1U << 4)) {
        put_be16(out, 2);
        out[2] = 0x80;
        atapi_send(d, 4, be16(d->packet + 7));
        return;
    }
    put_be16(out, 6);
    out[2] = 4;
    out[4] = d->media_event;
    out[5] = (uint8_t)((d->tray_open ? 1 : 0) | (has_medium(d) ? 2 : 0));
    d->media_event = 0;
    atapi_send(d, 8, be16(d->packet + 7));
}

static void feature(uint8_t **p, uint32_t code, uint8_t flags, uint8_t extra)
{
    put_be16(*p, code);
    (*p)[2] = flags;
    (*p)[3] = extra;
    memset(*p + 4, 0, extra);
    *p += 4 + extra;
}

/* GET CONFIGURATION, [MMC] 6.6: profiles, core, morphing, removable, reads. */
static void cmd_get_configuration(struct ata_dev *d)
{
    uint8_t *out = d->buf;
    uint8_t *p = out + 8;
    uint8_t *profiles = p;
    uint32_t current = profile(d);

    if ((d->packet[1] & 3) > 2) {
        bad_field(d);
        return;
    }
    memset(out, 0, 8);
    put_be16(out + 6, current);
    feature(&p, 0, 3, 8);
    put_be16(profiles + 4, PROFILE_DVD_ROM);
    profiles[6] = current == PROFILE_DVD_ROM;
    put_be16(profiles + 8, PROFILE_CD_ROM);
    profiles[10] = current == PROFILE_CD_ROM;
    feature(&p, 1, 0x0b, 8);
    put_be32(p - 8, 2); /* ATAPI */
    p[-4] = 1;
    feature(&p, 3, 3, 4);
    p[-4] = 0x29; /* tray, ejects, locks */
    feature(&p, 0x1e, has_medium(d), 4);
    put_be32(out, (uint32_t)(p - out) - 4);
    atapi_send(d, (uint32_t)(p - out), be16(d->packet + 7));
}

static void cmd_mechanism_status(struct ata_dev *d)
{
    memset(d->buf, 0, 8);
    d->buf[1] = d->tray_open ? 0x10 : 0;
    d->buf[5] = 1;
    atapi_send(d, 8, be16(d->packet + 8));
}

static void cmd_read_disc_information(struct ata_dev *d)
{
    uint8_t *out = d->buf;

    if (d->packet[1] & 7) {
        bad_field(d);
        return;
    }
    memset(out, 0, 34);
    put_be16(out, 32);
    out[2] = 0x0e; /* last session complete, disc finalized */
    out[3] = out[4] = out[5] = out[6] = 1;
    out[7] = 0x20;
    memset(out + 16, 0xff, 8);
    atapi_send(d, 34, be16(d->packet + 7));
}

static void cmd_read_track_information(struct ata_dev *d)
{
    uint8_t *out = d->buf;

    memset(out, 0, 36);
    put_be16(out, 34);
    out[2] = out[3] = 1;
    out[5] = 4;
    out[6] = 1;
    put_be32(out + 24, (uint32_t)d->sectors);
    atapi_send(d, 36, be16(d->packet + 7));
}

/* READ DVD STRUCTURE, format 0: physical format of a single-layer DVD-ROM. */
static void cmd_read_dvd_structure(struct ata_dev *d)
{
    uint8_t *out = d->buf;

    if (!is_dvd(d)) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM, 2);
        return;
    }
    if (d->packet[7] != 0 || d->packet[6] != 0) {
        bad_field(d);
        return;
    }
    memset(out, 0, 2052);
    put_be16(out, 2050);
    out[4] = 1;    /* DVD-ROM, part version 1 */
    out[5] = 0x0f; /* 120 mm, no rate specified */
    out[6] = 1;    /* one layer, read only */
    put_be32(out + 8, 0x30000);
    put_be32(out + 12, 0x30000 + (uint32_t)d->sectors - 1);
    atapi_send(d, 2052, be16(d->packet + 8));
}

static void cmd_set_speed(struct ata_dev *d)
{
    atapi_good(d);
}

static const struct {
    uint8_t code;
    uint8_t flags;
    void (*run)(struct ata_dev *d);
} packets[] = {
    {0x00, NEEDS_MEDIUM, cmd_test_unit_ready},
    {0x03, PASSES_ATTENTION, cmd_request_sense},
    {0x12, PASSES_ATTENTION, cmd_inquiry},
    {0x15, 0, cmd_mode_select},
    {0x1a, 0, cmd_mode_sense},
    {0x1b, 0, cmd_start_stop},
    {0x1e, 0, cmd_prevent_allow},
    {0x25, NEEDS_MEDIUM, cmd_read_capacity},
    {0x28, NEEDS_MEDIUM, cmd_read10},
    {0x2b, NEEDS_MEDIUM, cmd_seek},
    {0x42, NEEDS_MEDIUM, cmd_read_subchannel},
    {0x43, NEEDS_MEDIUM, cmd_read_toc},
    {0x46, PASSES_ATTENTION, cmd_get_configuration},
    {0x4a, PASSES_ATTENTION, cmd_event_status},
    {0x51, NEEDS_MEDIUM, cmd_read_disc_information},
    {0x52, NEEDS_MEDIUM, cmd_read_track_information},
    {0x55, 0, cmd_mode_select},
    {0x5a, 0, cmd_mode_sense},
    {0xa8, NEEDS_MEDIUM, cmd_read12},
    {0xad, NEEDS_MEDIUM, cmd_read_dvd_structure},
    {0xb9, NEEDS_MEDIUM, cmd_read_cd_msf},
    {0xbb, 0, cmd_set_speed},
    {0xbd, 0, cmd_mechanism_status},
    {0xbe, NEEDS_MEDIUM, cmd_read_cd},
};

static void atapi_run(struct ata_dev *d, uint8_t flags,
                      void (*run)(struct ata_dev *d))
{
    if (d->unit_attention && !(flags & PASSES_ATTENTION)) {
        d->unit_attention = false;
        atapi_check(d, SENSE_UNIT_ATTENTION, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
    } else if (flags & NEEDS_MEDIUM && !has_medium(d)) {
        atapi_check(d, SENSE_NOT_READY, ASC_NO_MEDIUM, d->tray_open ? 2 : 1);
    } else {
        run(d);
    }
}

void atapi_packet(struct ata_dev *d)
{
    memcpy(d->packet, d->buf, ATA_PACKET);
    d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
    d->phase = ATA_IDLE;
    for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
        if (packets[i].code == d->packet[0]) {
            atapi_run(d, packets[i].flags, packets[i].run);
            return;
        }
    }
    log_unimp("atapi: command %02x", d->packet[0]);
    atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE, 0);
}

void atapi_media_changed(struct ata_dev *d)
{
    d->sectors = drive_size(d->drive) / CD_SECTOR;
    d->unit_attention = drive_has_medium(d->drive);
    d->media_event = drive_has_medium(d->drive) ? 2 : 3;
}

void atapi_reset(struct ata_dev *d)
{
    d->sense_key = d->asc = d->ascq = 0;
    d->tray_locked = false;
    d->unit_attention = drive_has_medium(d->drive);
    d->media_event = 0;
}
