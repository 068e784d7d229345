/* SPDX-License-Identifier: MIT */
/*
 * The commands of an ATA disk, and those that a packet device shares.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "hw/ata/ata.h"

enum { KIND_DISK = 1, KIND_CD = 2, KIND_BOTH = 3 };

struct ata_cmd {
    uint8_t code;
    uint8_t kinds;
    void (*run)(struct ata_dev *d);
    bool lba48;
};

static uint8_t ata_errno(int error)
{
    return error == EROFS ? ATA_ABRT : error == ENOMEDIUM ? ATA_ABRT : ATA_UNC;
}

/* --- where: LBA28, LBA48 or CHS; [ATA6] 6.2 --- */

static bool ata_chs(const struct ata_dev *d, uint64_t *lba)
{
    uint32_t cyl = d->lba_mid | (uint32_t)d->lba_high << 8;
    uint32_t head = d->device & 15;

    if (d->lba_low == 0 || d->lba_low > d->cur.secs || head >= d->cur.heads ||
        cyl >= d->cur.cyls) {
        return false;
    }
    *lba = ((uint64_t)cyl * d->cur.heads + head) * d->cur.secs + d->lba_low - 1;
    return true;
}

static void ata_get_address(struct ata_dev *d, bool *ok)
{
    uint32_t low =
        d->lba_low | (uint32_t)d->lba_mid << 8 | (uint32_t)d->lba_high << 16;

    *ok = true;
    if (d->lba48) {
        d->lba = low | (uint64_t)d->hob_low << 24 | (uint64_t)d->hob_mid << 32 |
                 (uint64_t)d->hob_high << 40;
        d->left = d->count | (uint32_t)d->hob_count << 8;
        d->left = d->left ? d->left : 65536;
        return;
    }
    d->left = d->count ? d->count : 256;
    if (d->device & ATA_LBA) {
        d->lba = low | (uint64_t)(d->device & 15) << 24;
    } else {
        *ok = ata_chs(d, &d->lba);
    }
}

/* The registers show the sector that `lba` is (on errors, and at the end). */
static void ata_put_address(struct ata_dev *d)
{
    uint64_t lba = d->lba;

    if (d->lba48) {
        d->hob_low = (uint8_t)(lba >> 24);
        d->hob_mid = (uint8_t)(lba >> 32);
        d->hob_high = (uint8_t)(lba >> 40);
    } else if (d->device & ATA_LBA) {
        d->device = (uint8_t)((d->device & 0xf0) | (lba >> 24 & 15));
    } else {
        uint64_t track = lba / d->cur.secs;
        uint64_t cyl = track / d->cur.heads;

        d->lba_low = (uint8_t)(lba % d->cur.secs + 1);
        d->device = (uint8_t)((d->device & 0xf0) | (track % d->cur.heads & 15));
        d->lba_mid = (uint8_t)cyl;
        d->lba_high = (uint8_t)(cyl >> 8);
        return;
    }
    d->lba_low = (uint8_t)lba;
    d->lba_mid = (uint8_t)(lba >> 8);
    d->lba_high = (uint8_t)(lba >> 16);
}

/* Sets lba and left; fails the command where they leave the disk. */
static bool ata_range(struct ata_dev *d)
{
    bool ok;

    d->standby = false; /* the medium is asked for */
    ata_get_address(d, &ok);
    if (!ok || d->lba >= d->sectors || d->left > d->sectors - d->lba) {
        d->lba = 0;
        d->left = 0;
        ata_fail(d, ATA_IDNF);
        return false;
    }
    return true;
}

static void ata_rw_error(struct ata_dev *d, int error)
{
    ata_put_address(d);
    ata_fail(d, ata_errno(error));
}

/* --- PIO --- */

static void ata_pio_read_next(struct ata_dev *d);

static void ata_pio_read_done(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;

    d->busy = false;
    if (error) {
        ata_rw_error(d, error);
        return;
    }
    ata_pio_in(d, ATA_PIO_READ, d->block * ATA_SECTOR);
}

static void ata_pio_read_next(struct ata_dev *d)
{
    d->pio_iov.iov_base = d->buf;
    d->pio_iov.iov_len = (size_t)d->block * ATA_SECTOR;
    ata_submit(d, DRIVE_READ, d->lba * ATA_SECTOR, d->pio_iov.iov_len,
               &d->pio_iov, 1, ata_pio_read_done);
}

/* Sectors in the next block of a PIO command. */
static void ata_next_block(struct ata_dev *d, bool multiple)
{
    d->block = multiple ? MIN(d->multiple, d->left) : 1;
}

static bool ata_is_multiple(uint8_t command)
{
    return command == 0xc4 || command == 0xc5 || command == 0x29 ||
           command == 0x39 || command == 0xce;
}

static void ata_read_pio(struct ata_dev *d)
{
    if (ata_is_multiple(d->command) && !d->multiple) {
        ata_fail(d, ATA_ABRT);
    } else if (ata_range(d)) {
        ata_next_block(d, ata_is_multiple(d->command));
        ata_pio_read_next(d);
    }
}

static void ata_flush_done(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;

    d->busy = false;
    if (error) {
        ata_fail(d, ATA_ABRT);
        return;
    }
    ata_done(d);
}

static void ata_flush(struct ata_dev *d)
{
    if (d->kind == ATA_CDROM) {
        ata_done(d);
        return;
    }
    ata_submit(d, DRIVE_FLUSH, 0, 0, NULL, 0, ata_flush_done);
}

/* A write command has moved its data. FUA, and any write while the cache is
 * off, is done when the data is on the disk. */
static void ata_write_finished(struct ata_dev *d)
{
    d->lba--;
    ata_put_address(d);
    if (d->command == 0x3d || d->command == 0xce || !d->write_cache) {
        ata_flush(d);
    } else {
        ata_done(d);
    }
}

static void ata_pio_write_done(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;

    d->busy = false;
    if (error) {
        ata_rw_error(d, error);
        return;
    }
    d->lba += d->block;
    d->left -= d->block;
    if (d->left == 0) {
        ata_write_finished(d);
        return;
    }
    ata_next_block(d, ata_is_multiple(d->command));
    ata_pio_out(d, ATA_PIO_WRITE, d->block * ATA_SECTOR);
    ata_irq(d);
}

static void ata_write_pio(struct ata_dev *d)
{
    if (d->drive->readonly || (ata_is_multiple(d->command) && !d->multiple)) {
        ata_fail(d, ATA_ABRT);
    } else if (ata_range(d)) {
        ata_next_block(d, ata_is_multiple(d->command));
        ata_pio_out(d, ATA_PIO_WRITE, d->block * ATA_SECTOR);
    }
}

/* A block of a read has left through the data port. */
static void ata_pio_read_block_out(struct ata_dev *d)
{
    d->lba += d->block;
    d->left -= d->block;
    if (d->left == 0) {
        d->lba--;
        ata_put_address(d);
        d->phase = ATA_IDLE;
        d->status = ATA_DRDY | ATA_DSC;
        return;
    }
    ata_next_block(d, ata_is_multiple(d->command));
    ata_pio_read_next(d);
}

void ata_block_done(struct ata_dev *d)
{
    switch (d->phase) {
    case ATA_PIO_READ: ata_pio_read_block_out(d); break;
    case ATA_PIO_WRITE:
        d->pio_iov.iov_base = d->buf;
        d->pio_iov.iov_len = (size_t)d->block * ATA_SECTOR;
        ata_submit(d, DRIVE_WRITE, d->lba * ATA_SECTOR, d->pio_iov.iov_len,
                   &d->pio_iov, 1, ata_pio_write_done);
        break;
    case ATA_PIO_OUT: ata_done(d); break;
    case ATA_PACKET_OUT: atapi_packet(d); break;
    case ATA_PACKET_IN: atapi_data_in_next(d); break;
    case ATA_PACKET_DATA: atapi_data_out(d); break;
    default:
        d->phase = ATA_IDLE;
        d->status = ATA_DRDY | ATA_DSC;
        break;
    }
}

/* --- DMA --- */

static void ata_dma_done(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;
    struct ata_channel *c = d->channel;

    d->busy = false;
    c->dma->done(c->dma_opaque, error ? 0 : req->len, error);
    if (error) {
        ata_rw_error(d, error);
        return;
    }
    d->lba += req->len / ATA_SECTOR;
    d->left -= (uint32_t)(req->len / ATA_SECTOR);
    if (d->left) { /* the guest's list was shorter than the command */
        d->phase = ATA_WAIT_DMA;
        d->status = ATA_BSY | ATA_DRDY | ATA_DSC | ATA_DRQ;
        return;
    }
    if (d->dma_write) {
        ata_write_finished(d);
        return;
    }
    d->lba--;
    ata_put_address(d);
    ata_done(d);
}

static void ata_trim_list(struct ata_dev *d);

void ata_dma_transfer(struct ata_dev *d)
{
    struct ata_channel *c = d->channel;
    uint64_t want = (uint64_t)d->left * ATA_SECTOR;
    uint64_t got;

    if (d->command == 0x06) {
        ata_trim_list(d);
        return;
    }
    g_array_set_size(d->iov, 0);
    got = c->dma->map(c->dma_opaque, d->iov, want, !d->dma_write);
    got -= got % ATA_SECTOR;
    if (got == 0) {
        c->dma->done(c->dma_opaque, 0, false);
        return; /* waits for a list that is long enough */
    }
    ata_submit(d, d->dma_write ? DRIVE_WRITE : DRIVE_READ, d->lba * ATA_SECTOR,
               got, &g_array_index(d->iov, struct iovec, 0), d->iov->len,
               ata_dma_done);
}

static void ata_read_dma(struct ata_dev *d)
{
    if (ata_range(d)) {
        ata_dma_start(d, false);
    }
}

static void ata_write_dma(struct ata_dev *d)
{
    if (d->drive->readonly) {
        ata_fail(d, ATA_ABRT);
    } else if (ata_range(d)) {
        ata_dma_start(d, true);
    }
}

/* --- DATA SET MANAGEMENT, [ATA8] 7.10: ranges that hold nothing now --- */

static void ata_trim_next(struct ata_dev *d);

static void ata_trim_done(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;

    d->busy = false;
    if (error) {
        ata_fail(d, ata_errno(error));
        return;
    }
    ata_trim_next(d);
}

/* The next entry of the list in buf: 48 bits of LBA, 16 of length. */
static uint64_t trim_entry(const struct ata_dev *d, uint64_t *count)
{
    uint64_t entry = ldl_u64(d->buf + d->pos);

    *count = entry >> 48;
    return entry & 0xffffffffffff;
}

static void ata_trim_next(struct ata_dev *d)
{
    while (d->pos + 8 <= d->end) {
        uint64_t count;
        uint64_t lba = trim_entry(d, &count);

        d->pos += 8;
        if (count) {
            ata_submit(d, DRIVE_DISCARD, lba * ATA_SECTOR, count * ATA_SECTOR,
                       NULL, 0, ata_trim_done);
            return;
        }
    }
    ata_done(d);
}

static bool ata_trim_check(struct ata_dev *d)
{
    for (d->pos = 0; d->pos + 8 <= d->end; d->pos += 8) {
        uint64_t count;
        uint64_t lba = trim_entry(d, &count);

        if (count && (lba >= d->sectors || count > d->sectors - lba)) {
            return false;
        }
    }
    d->pos = 0;
    return true;
}

/* The list has come by DMA; a short one is what there is of it. */
static void ata_trim_list(struct ata_dev *d)
{
    struct ata_channel *c = d->channel;
    uint64_t got = 0;

    g_array_set_size(d->iov, 0);
    c->dma->map(c->dma_opaque, d->iov, d->end, false);
    for (guint i = 0; i < d->iov->len; i++) {
        const struct iovec *v = &g_array_index(d->iov, struct iovec, i);

        memcpy(d->buf + got, v->iov_base, v->iov_len);
        got += v->iov_len;
    }
    c->dma->done(c->dma_opaque, got, false);
    d->end = (uint32_t)got;
    d->phase = ATA_IDLE;
    if (ata_trim_check(d)) {
        ata_trim_next(d);
    } else {
        ata_fail(d, ATA_IDNF);
    }
}

static void ata_trim(struct ata_dev *d)
{
    uint32_t blocks = d->count | (uint32_t)d->hob_count << 8;

    if (d->feature != 1 || blocks == 0 || blocks > ATA_TRIM_BLOCKS ||
        d->drive->readonly) {
        ata_fail(d, ATA_ABRT);
        return;
    }
    d->left = 0;
    d->pos = 0;
    d->end = blocks * ATA_SECTOR;
    ata_dma_start(d, true);
}

/* --- the rest --- */

static void ata_ok(struct ata_dev *d)
{
    ata_done(d);
}

static void ata_verify_next(struct ata_dev *d);

static void ata_verify_done(struct drive_req *req, int error)
{
    struct ata_dev *d = req->opaque;

    d->busy = false;
    if (error) {
        ata_rw_error(d, error);
        return;
    }
    d->lba += d->block;
    d->left -= d->block;
    if (d->left) {
        ata_verify_next(d);
        return;
    }
    d->lba--;
    ata_put_address(d);
    ata_done(d);
}

static void ata_verify_next(struct ata_dev *d)
{
    d->block = MIN(d->left, (uint32_t)ATA_MULTIPLE);
    d->pio_iov.iov_base = d->buf;
    d->pio_iov.iov_len = (size_t)d->block * ATA_SECTOR;
    ata_submit(d, DRIVE_READ, d->lba * ATA_SECTOR, d->pio_iov.iov_len,
               &d->pio_iov, 1, ata_verify_done);
}

/* The data is read, and goes nowhere: what cannot be read is found. */
static void ata_verify(struct ata_dev *d)
{
    if (ata_range(d)) {
        ata_verify_next(d);
    }
}

static void ata_read_buffer(struct ata_dev *d)
{
    ata_pio_in(d, ATA_PIO_IN, ATA_SECTOR);
}

static void ata_write_buffer(struct ata_dev *d)
{
    ata_pio_out(d, ATA_PIO_OUT, ATA_SECTOR);
}

static void ata_seek(struct ata_dev *d)
{
    d->count = 1;
    if (ata_range(d)) {
        ata_done(d);
    }
}

static void ata_identify_cmd(struct ata_dev *d)
{
    if (d->kind == ATA_CDROM) {
        ata_signature(d);
        ata_fail(d, ATA_ABRT);
        return;
    }
    ata_identify(d, d->buf);
    ata_pio_in(d, ATA_PIO_IN, ATA_SECTOR);
}

static void ata_identify_packet_cmd(struct ata_dev *d)
{
    ata_identify_packet(d, d->buf);
    ata_pio_in(d, ATA_PIO_IN, ATA_SECTOR);
}

/* Multiword and Ultra DMA, PIO: mode numbers in bits 2..0. */
static bool ata_xfer_mode_ok(uint8_t mode)
{
    switch (mode >> 3) {
    case 0: return mode <= 1;       /* PIO default */
    case 1: return (mode & 7) <= 4; /* PIO with flow control */
    case 4: return (mode & 7) <= 2; /* multiword DMA */
    case 8: return (mode & 7) <= 5; /* Ultra DMA */
    default: return false;
    }
}

static void ata_set_features(struct ata_dev *d)
{
    switch (d->feature) {
    case 0x02: d->write_cache = true; break;
    case 0x82:
        d->write_cache = false;
        ata_flush(d);
        return;
    case 0x03:
        if (!ata_xfer_mode_ok(d->count)) {
            ata_fail(d, ATA_ABRT);
            return;
        }
        d->xfer_mode = d->count;
        break;
    case 0x55: d->read_ahead = false; break;
    case 0xaa: d->read_ahead = true; break;
    case 0x05: /* power management, defaults: nothing changes */
    case 0x85:
    case 0x42:
    case 0xc2:
    case 0x66:
    case 0xcc: break;
    default: ata_fail(d, ATA_ABRT); return;
    }
    ata_done(d);
}

static void ata_set_multiple(struct ata_dev *d)
{
    if (d->count > ATA_MULTIPLE || (d->count & (d->count - 1))) {
        ata_fail(d, ATA_ABRT);
        return;
    }
    d->multiple = d->count;
    ata_done(d);
}

/* INITIALIZE DEVICE PARAMETERS: the geometry that CHS addresses mean. */
static void ata_set_geometry(struct ata_dev *d)
{
    uint32_t heads = (d->device & 15U) + 1;
    uint32_t secs = d->count;
    uint64_t cyls;

    if (secs == 0) {
        ata_fail(d, ATA_ABRT);
        return;
    }
    cyls = d->sectors / (heads * secs);
    d->cur = (struct ata_geometry){(uint32_t)MIN(cyls, 65535), heads, secs};
    ata_done(d);
}

static void ata_native_max(struct ata_dev *d)
{
    uint64_t last = d->sectors - 1;

    d->lba = d->lba48 ? last : MIN(last, UINT64_C(0x0fffffff));
    d->device |= ATA_LBA;
    ata_put_address(d);
    ata_done(d);
}

static void ata_power_mode(struct ata_dev *d)
{
    d->count = d->standby ? 0x00 : 0xff; /* standby; active or idle */
    ata_done(d);
}

static void ata_standby(struct ata_dev *d)
{
    d->standby = true;
    ata_flush(d);
}

static void ata_idle(struct ata_dev *d)
{
    d->standby = false;
    ata_done(d);
}

static void ata_diagnostics(struct ata_dev *d)
{
    struct ata_channel *c = d->channel;

    for (int i = 0; i < 2; i++) {
        struct ata_dev *each = &c->dev[i];

        if (each->kind != ATA_NONE) {
            ata_abandon(each);
            ata_signature(each);
            each->error = 1;
            each->device = 0;
            each->status = each->kind == ATA_CDROM ? 0 : ATA_DRDY | ATA_DSC;
        }
    }
    c->selected = 0;
    ata_irq(&c->dev[0]);
}

static void ata_device_reset(struct ata_dev *d)
{
    ata_abandon(d);
    ata_signature(d);
    d->error = 1;
    d->status = 0;
}

static void ata_packet(struct ata_dev *d)
{
    if (d->feature & 2) { /* overlap */
        ata_fail(d, ATA_ABRT);
        return;
    }
    d->dma = d->feature & 1;
    d->byte_limit = (uint16_t)(d->lba_mid | d->lba_high << 8);
    d->count = ATAPI_CD;
    ata_pio_out(d, ATA_PACKET_OUT, ATA_PACKET);
}

static void ata_smart_cmd(struct ata_dev *d)
{
    if (!ata_smart(d)) {
        ata_fail(d, ATA_ABRT);
    }
}

static const struct ata_cmd commands[] = {
    {0x00, KIND_BOTH, NULL, false}, /* NOP: always aborts */
    {0x06, KIND_DISK, ata_trim, true},
    {0x08, KIND_CD, ata_device_reset, false},
    {0x10, KIND_DISK, ata_ok, false}, /* RECALIBRATE */
    {0x20, KIND_DISK, ata_read_pio, false},
    {0x21, KIND_DISK, ata_read_pio, false},
    {0x24, KIND_DISK, ata_read_pio, true},
    {0x25, KIND_DISK, ata_read_dma, true},
    {0x27, KIND_DISK, ata_native_max, true},
    {0x29, KIND_DISK, ata_read_pio, true},
    {0x30, KIND_DISK, ata_write_pio, false},
    {0x31, KIND_DISK, ata_write_pio, false},
    {0x34, KIND_DISK, ata_write_pio, true},
    {0x35, KIND_DISK, ata_write_dma, true},
    {0x39, KIND_DISK, ata_write_pio, true},
    {0x3d, KIND_DISK, ata_write_dma, true}, /* FUA */
    {0x40, KIND_DISK, ata_verify, false},
    {0x41, KIND_DISK, ata_verify, false},
    {0x42, KIND_DISK, ata_verify, true},
    {0x70, KIND_DISK, ata_seek, false},
    {0x90, KIND_BOTH, ata_diagnostics, false},
    {0x91, KIND_DISK, ata_set_geometry, false},
    {0xa0, KIND_CD, ata_packet, false},
    {0xa1, KIND_CD, ata_identify_packet_cmd, false},
    {0xb0, KIND_DISK, ata_smart_cmd, false},
    {0xc4, KIND_DISK, ata_read_pio, false},
    {0xc5, KIND_DISK, ata_write_pio, false},
    {0xc6, KIND_DISK, ata_set_multiple, false},
    {0xc8, KIND_DISK, ata_read_dma, false},
    {0xc9, KIND_DISK, ata_read_dma, false},
    {0xca, KIND_DISK, ata_write_dma, false},
    {0xcb, KIND_DISK, ata_write_dma, false},
    {0xce, KIND_DISK, ata_write_pio, true}, /* MULTIPLE, FUA */
    {0xe0, KIND_BOTH, ata_standby, false},
    {0xe1, KIND_BOTH, ata_idle, false},
    {0xe2, KIND_BOTH, ata_standby, false},
    {0xe3, KIND_BOTH, ata_idle, false},
    {0xe4, KIND_DISK, ata_read_buffer, false},
    {0xe5, KIND_BOTH, ata_power_mode, false},
    {0xe6, KIND_BOTH, ata_standby, false}, /* SLEEP */
    {0xe7, KIND_DISK, ata_flush, false},
    {0xe8, KIND_DISK, ata_write_buffer, false},
    {0xea, KIND_DISK, ata_flush, true},
    {0xec, KIND_BOTH, ata_identify_cmd, false},
    {0xef, KIND_BOTH, ata_set_features, false},
    {0xf8, KIND_DISK, ata_native_max, false},
};

void ata_command(struct ata_dev *d, uint8_t command)
{
    uint8_t kind = d->kind == ATA_CDROM ? KIND_CD : KIND_DISK;

    d->command = command;
    d->error = 0;
    d->status = ATA_DRDY | ATA_DSC;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct ata_cmd *cmd = &commands[i];

        if (cmd->code == command && cmd->run &&
            (cmd->kinds & kind || command == 0x90)) {
            d->lba48 = cmd->lba48;
            cmd->run(d);
            return;
        }
    }
    log_unimp("ata: command %02x", command);
    ata_fail(d, ATA_ABRT);
}
