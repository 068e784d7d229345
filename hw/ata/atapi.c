/* SPDX-License-Identifier: MIT */
/*
 * The PACKET protocol: how data of a packet command moves. What the commands
 * mean is in atapi_cmd.c. [ATA8] 9.9, [MMC] Multi-Media Commands 6.
 */
#include "hw/ata/atapi.h"

#include <string.h>

void atapi_good(struct ata_dev *d)
{
    d->sense_key = d->asc = d->ascq = 0;
    d->count = ATAPI_IO | ATAPI_CD;
    ata_done(d);
}

void atapi_check(struct ata_dev *d, uint8_t key, uint8_t asc, uint8_t ascq)
{
    d->sense_key = key;
    d->asc = asc;
    d->ascq = ascq;
    d->count = ATAPI_IO | ATAPI_CD;
    ata_fail(d, (uint8_t)(key << 4 | ATA_ABRT));
}

/* The next chunk of buf at the data port: at most what the guest allows. */
static void atapi_chunk(struct ata_dev *d)
{
    uint32_t limit = d->byte_limit ? d->byte_limit : 0xfffe;
    uint32_t len = MIN(limit == 0xffff ? 0xfffe : limit, d->packet_left);

    if (len < d->packet_left) {
        len &= ~UINT32_C(1); /* only the last chunk may be odd */
        len = MAX(len, 2);
        len = MIN(len, d->packet_left);
    }
    d->lba_mid = (uint8_t)len;
    d->lba_high = (uint8_t)(len >> 8);
    d->count = ATAPI_IO;
    d->end = d->pos + len;
    d->packet_left -= len;
    d->phase = ATA_PACKET_IN;
    d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    ata_irq(d);
}

static void atapi_dma_buffer(struct ata_dev *d);

void atapi_send(struct ata_dev *d, uint32_t len, uint32_t allowed)
{
    d->left = 0;
    d->pos = 0;
    d->packet_left = MIN(len, allowed);
    if (d->packet_left == 0) {
        atapi_good(d);
    } else if (d->dma) {
        ata_dma_start(d, false);
    } else {
        atapi_chunk(d);
    }
}

void atapi_receive(struct ata_dev *d, uint32_t len)
{
    uint32_t limit = d->byte_limit ? d->byte_limit : 0xfffe;

    len = MIN(len, limit & ~UINT32_C(1));
    if (len == 0 || d->dma) {
        atapi_good(d); /* nothing to take: mode pages are all fixed */
        return;
    }
    d->lba_mid = (uint8_t)len;
    d->lba_high = (uint8_t)(len >> 8);
    d->count = 0;
    ata_pio_out(d, ATA_PACKET_DATA, len);
    ata_irq(d);
}

void atapi_data_out(struct ata_dev *d)
{
    atapi_mode_select(d, d->buf, d->end);
}

/* --- sectors --- */

static void atapi_read_failed(struct ata_dev *d)
{
    if (!drive_has_medium(d->drive)) {
        atapi_check(d, SENSE_NOT_READY, ASC_NO_MEDIUM, 0);
    } else {
        atapi_check(d, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED, 0);
    }
}

/* READ CD with headers: sync, address and mode around each 2048 bytes. */
static void atapi_raw_sectors(struct ata_dev *d, uint32_t sectors)
{
    for (uint32_t i = sectors; i-- > 0;) {
        uint8_t *raw = d->buf + (size_t)i * CD_RAW_SECTOR;

        memmove(raw + 16, d->buf + (size_t)i * CD_SECTOR, CD_SECTOR);
        memset(raw, 0xff, 12);
        raw[0] = raw[11] = 0;
        atapi_msf(raw + 12, d->lba + i + 150);
        raw[15] = 1;
        memset(raw + 16 + CD_SECTOR, 0, CD_RAW_SECTOR - 16 - CD_SECTOR);
    }
}

static void atapi_sectors_in(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;
    uint32_t sectors = (uint32_t)(req->len / CD_SECTOR);

    d->busy = false;
    if (error) {
        atapi_read_failed(d);
        return;
    }
    if (d->cd_sector_size == CD_RAW_SECTOR) {
        atapi_raw_sectors(d, sectors);
    }
    d->lba += sectors;
    d->left -= sectors;
    d->pos = 0;
    d->packet_left = sectors * d->cd_sector_size;
    if (d->dma) {
        atapi_dma_buffer(d);
    } else {
        atapi_chunk(d);
    }
}

/* Fills buf with the sectors that come next. */
static void atapi_fill(struct ata_dev *d)
{
    uint32_t most = ATA_BUFFER / CD_RAW_SECTOR;
    uint32_t sectors = MIN(d->left, most);

    d->pio_iov.iov_base = d->buf;
    d->pio_iov.iov_len = (size_t)sectors * CD_SECTOR;
    ata_submit(d, DRIVE_READ, d->lba * CD_SECTOR, d->pio_iov.iov_len,
               &d->pio_iov, 1, atapi_sectors_in);
}

void atapi_read_sectors(struct ata_dev *d, uint32_t sector_size)
{
    d->cd_sector_size = sector_size;
    d->packet_left = 0;
    if (d->left == 0) {
        atapi_good(d);
    } else if (d->dma) {
        ata_dma_start(d, false);
    } else {
        atapi_fill(d);
    }
}

void atapi_data_in_next(struct ata_dev *d)
{
    if (d->packet_left) {
        atapi_chunk(d);
    } else if (d->left) {
        atapi_fill(d);
    } else {
        atapi_good(d);
    }
}

/* --- DMA --- */

/* Moves buf[pos..] to the guest; goes on with sectors, or ends. */
static void atapi_dma_buffer(struct ata_dev *d)
{
    struct ata_channel *c = d->channel;
    uint64_t got;
    const uint8_t *from = d->buf + d->pos;

    g_array_set_size(d->iov, 0);
    got = c->dma->map(c->dma_opaque, d->iov, d->packet_left, true);
    for (guint i = 0; i < d->iov->len; i++) {
        const struct iovec *v = &g_array_index(d->iov, struct iovec, i);

        memcpy(v->iov_base, from, v->iov_len);
        from += v->iov_len;
    }
    c->dma->done(c->dma_opaque, got, false);
    d->pos += (uint32_t)got;
    d->packet_left -= (uint32_t)got;
    if (d->packet_left) { /* the guest's list was too short */
        d->phase = ATA_WAIT_DMA;
        d->status = ATA_BSY | ATA_DRDY | ATA_DSC | ATA_DRQ;
    } else if (d->left) {
        atapi_fill(d);
    } else {
        atapi_good(d);
    }
}

void atapi_dma_transfer(struct ata_dev *d)
{
    if (d->packet_left) {
        atapi_dma_buffer(d);
    } else if (d->left) {
        atapi_fill(d);
    }
}
