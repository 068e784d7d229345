/* SPDX-License-Identifier: MIT */
/*
 * Commands that every SCSI device has. [SPC] 6: INQUIRY with its vital product
 * data, REQUEST SENSE, REPORT LUNS.
 */
#include <string.h>

#include "hw/scsi/scsi_int.h"

enum { PAGE_MAX = 256, UNMAP_BLOCKS = 0x200000, UNMAP_RANGES = 255 };

static void pad(uint8_t *out, size_t len, const char *text)
{
    memset(out, ' ', len);
    memcpy(out, text, MIN(strlen(text), len));
}

static const char *serial_of(const struct scsi_unit *u)
{
    return u->serial ? u->serial : u->drive->serial ? u->drive->serial : "";
}

/* --- vital product data. [SPC] 7.8, [SBC] 6.6 --- */

static size_t vpd_serial(const struct scsi_unit *u, uint8_t *out)
{
    size_t len = MIN(strlen(serial_of(u)), 36u);

    memcpy(out, serial_of(u), len);
    return len;
}

/* Descriptors: a text that is unique here, and the world wide name. */
static size_t vpd_identification(const struct scsi_unit *u, uint8_t *out)
{
    const char *id = *serial_of(u) ? serial_of(u) : u->drive->id;
    size_t len = MIN(strlen(id), 60u), n = 0;

    out[n++] = 2; /* ASCII */
    out[n++] = 0; /* of the unit, by its maker */
    out[n++] = 0;
    out[n++] = (uint8_t)len;
    memcpy(out + n, id, len);
    n += len;
    if (u->wwn) {
        out[n++] = 1; /* binary */
        out[n++] = 3; /* NAA */
        out[n++] = 0;
        out[n++] = 8;
        put_be64(out + n, u->wwn);
        n += 8;
    }
    return n;
}

static size_t vpd_limits(const struct scsi_unit *u, uint8_t *out)
{
    memset(out, 0, 60);
    out[0] = 1; /* WRITE SAME of 0 blocks is none */
    put_be32(out + 16, UNMAP_BLOCKS);
    put_be32(out + 20, UNMAP_RANGES);
    put_be32(out + 24, MAX(4096 / u->block, 1u)); /* granularity */
    put_be64(out + 32, UNMAP_BLOCKS);             /* WRITE SAME */
    return 60;
}

static size_t vpd_characteristics(const struct scsi_unit *u, uint8_t *out)
{
    memset(out, 0, 60);
    put_be16(out, u->rotation);
    return 60;
}

/* UNMAP, WRITE SAME (16) and (10) with UNMAP. */
static size_t vpd_provisioning(const struct scsi_unit *u, uint8_t *out)
{
    memset(out, 0, 4);
    out[1] = 0xe0;
    out[2] = 2; /* thin */
    return 4;
}

static const struct {
    uint8_t page;
    bool disks; /* only */
    size_t (*put)(const struct scsi_unit *u, uint8_t *out);
} vpd_pages[] = {
    {0x80, false, vpd_serial},      {0x83, false, vpd_identification},
    {0xb0, true, vpd_limits},       {0xb1, true, vpd_characteristics},
    {0xb2, true, vpd_provisioning},
};

static size_t vpd_list(const struct scsi_unit *u, uint8_t *out)
{
    size_t n = 0;

    out[n++] = 0;
    for (size_t i = 0; i < ARRAY_SIZE(vpd_pages); i++) {
        if (!vpd_pages[i].disks || !u->cd) {
            out[n++] = vpd_pages[i].page;
        }
    }
    return n;
}

static uint8_t type_of(const struct scsi_unit *u)
{
    return u->cd ? 5 : 0;
}

static void inquiry_vpd(struct scsi_request *r, size_t allocated)
{
    const struct scsi_unit *u = r->unit;
    uint8_t out[PAGE_MAX] = {type_of(u), r->cdb[2]};
    size_t len = 0;
    bool found = r->cdb[2] == 0;

    if (found) {
        len = vpd_list(u, out + 4);
    }
    for (size_t i = 0; i < ARRAY_SIZE(vpd_pages) && !found; i++) {
        if (vpd_pages[i].page == r->cdb[2] && (!vpd_pages[i].disks || !u->cd)) {
            len = vpd_pages[i].put(u, out + 4);
            found = true;
        }
    }
    if (!found) {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
        return;
    }
    put_be16(out + 2, (uint32_t)len);
    scsi_reply(r, out, 4 + len, allocated);
}

void scsi_inquiry(struct scsi_request *r)
{
    const struct scsi_unit *u = r->unit;
    size_t allocated = be16(r->cdb + 3);
    uint8_t out[36] = {0};

    if (r->cdb[1] & 1) {
        inquiry_vpd(r, allocated);
        return;
    }
    if (r->cdb[1] || r->cdb[2]) {
        scsi_check(r, KEY_ILLEGAL, ASC_FIELD);
        return;
    }
    out[0] = type_of(u);
    out[1] = u->removable ? 0x80 : 0;
    out[2] = 5;    /* SPC-3 */
    out[3] = 0x12; /* LUNs by 8 bytes; the format of this */
    out[4] = sizeof(out) - 5;
    out[7] = 0x12; /* synchronous transfers, command queueing */
    pad(out + 8, 8, u->vendor ? u->vendor : "RHEA");
    pad(out + 16, 16,
        u->product ? u->product
        : u->cd    ? "RHEA CD-ROM"
                   : "RHEA HARDDISK");
    pad(out + 32, 4, u->version ? u->version : "1.0");
    scsi_reply(r, out, sizeof(out), allocated);
}

/* The sense of the last failure, or of what waits to be told. */
void scsi_request_sense(struct scsi_request *r)
{
    struct scsi_unit *u = r->unit;
    uint8_t out[SCSI_SENSE] = {0x70};

    out[7] = SCSI_SENSE - 8;
    if (u->last_sense[0]) {
        out[2] = u->last_sense[0];
        memcpy(out + 12, u->last_sense + 1, 2);
        memset(u->last_sense, 0, sizeof(u->last_sense));
    } else if (u->attention[0]) {
        out[2] = KEY_ATTENTION;
        memcpy(out + 12, u->attention, 2);
        memset(u->attention, 0, sizeof(u->attention));
    }
    scsi_reply(r, out, sizeof(out), r->cdb[4]);
}

static void report_luns(struct scsi_request *r, const struct scsi_unit *u)
{
    size_t allocated = be32(r->cdb + 6);
    g_autoptr(GByteArray) out = g_byte_array_new();
    uint8_t entry[8] = {0};

    g_byte_array_append(out, entry, 8);
    if (!u->bus) {
        g_byte_array_append(out, entry, 8);
    }
    for (guint i = 0; u->bus && i < u->bus->units->len; i++) {
        const struct scsi_unit *other = u->bus->units->pdata[i];

        if (other->target == u->target) { /* [SAM] 4.7: by peripheral, flat */
            put_be16(entry,
                     other->lun < 256 ? other->lun : other->lun | 0x4000u);
            g_byte_array_append(out, entry, 8);
        }
    }
    put_be32(out->data, out->len - 8);
    scsi_reply(r, out->data, out->len, allocated);
}

void scsi_report_luns(struct scsi_request *r)
{
    report_luns(r, r->unit);
}

/* [SPC] 6.6: INQUIRY says that there is no such unit, REPORT LUNS which there
 * are; everything else fails. */
void scsi_wrong_lun(struct scsi_request *r, const struct scsi_unit *u)
{
    uint8_t out[36] = {0x7f, 0, 5, 2, 31};

    r->unit = NULL;
    r->moved = 0;
    r->slice = NULL;
    r->scratch = NULL;
    switch (r->cdb[0]) {
    case 0x12: scsi_reply(r, out, sizeof(out), be16(r->cdb + 3)); break;
    case 0xa0: report_luns(r, u); break;
    default: scsi_check(r, KEY_ILLEGAL, ASC_LUN); break;
    }
}
