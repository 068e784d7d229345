/* SPDX-License-Identifier: MIT */
/*
 * IDENTIFY DEVICE and IDENTIFY PACKET DEVICE. [ATA8] 7.16, 7.17.
 */
#include <string.h>

#include "hw/ata/ata.h"

static void word(uint8_t *out, unsigned n, uint32_t value)
{
    stl_u16(out + 2 * n, (uint16_t)value);
}

/* Text is padded with blanks, two characters a word, high byte first. */
static void text(uint8_t *out, unsigned first, unsigned words, const char *s)
{
    for (unsigned i = 0; i < 2 * words; i++) {
        char c = *s ? *s++ : ' ';

        out[2 * first + (i ^ 1)] = (uint8_t)c;
    }
}

static void identity(const struct ata_dev *d, uint8_t *out)
{
    text(out, 10, 10, d->serial);
    text(out, 23, 4, d->version);
    text(out, 27, 20, d->model);
}

static void transfer_modes(const struct ata_dev *d, uint8_t *out)
{
    uint8_t family = d->xfer_mode >> 3;
    unsigned chosen = 1U << (d->xfer_mode & 7);

    word(out, 53, 7); /* words 54-58, 64-70 and 88 are valid */
    word(out, 63, 7 | (family == 4 ? chosen << 8 : 0));
    word(out, 64, 3);   /* PIO 3 and 4 */
    word(out, 65, 120); /* ns a cycle */
    word(out, 66, 120);
    word(out, 67, 120);
    word(out, 68, 120);
    word(out, 88, 0x3f | (family == 8 ? chosen << 8 : 0));
}

/* Words 82-87: what there is, and what of it is on. */
static void command_sets(const struct ata_dev *d, uint8_t *out)
{
    unsigned wcache = d->write_cache ? 1U << 5 : 0;
    unsigned ahead = d->read_ahead ? 1U << 6 : 0;

    word(out, 80, 0xf0); /* ATA/ATAPI-4 to 7 */
    word(out, 81, 0x16);
    if (d->kind == ATA_CDROM) {
        word(out, 82, 1U << 14 | 1U << 9 | 1U << 4 | 1U << 3);
        word(out, 83, 1U << 14);
        word(out, 84, 1U << 14);
        word(out, 85, 1U << 14 | 1U << 9 | 1U << 4 | 1U << 3);
        word(out, 87, 1U << 14);
        return;
    }
    /* NOP, READ and WRITE BUFFER, look-ahead, cache, power management, SMART;
     * FLUSH CACHE (EXT), LBA48; FUA */
    word(out, 82, 7U << 12 | 1U << 6 | 1U << 5 | 1U << 3 | 1U);
    word(out, 83, 1U << 14 | 1U << 13 | 1U << 12 | 1U << 10);
    word(out, 84, 1U << 14 | (d->wwn ? 1U << 8 : 0) | 1U << 6 | 2);
    word(out, 85, 7U << 12 | wcache | ahead | 1U << 3 | (d->smart ? 1U : 0));
    word(out, 86, 1U << 13 | 1U << 12 | 1U << 10);
    word(out, 87, 1U << 14 | (d->wwn ? 1U << 8 : 0) | 1U << 6 | 2);
}

static void geometry(const struct ata_dev *d, uint8_t *out)
{
    uint32_t capacity = d->cur.cyls * d->cur.heads * d->cur.secs;
    uint32_t lba28 = (uint32_t)MIN(d->sectors, UINT64_C(0x0fffffff));

    word(out, 1, d->geo.cyls);
    word(out, 3, d->geo.heads);
    word(out, 4, d->geo.secs * ATA_SECTOR);
    word(out, 5, ATA_SECTOR);
    word(out, 6, d->geo.secs);
    word(out, 54, d->cur.cyls);
    word(out, 55, d->cur.heads);
    word(out, 56, d->cur.secs);
    stl_u32(out + 2 * 57, capacity);
    stl_u32(out + 2 * 60, lba28);
    stl_u64(out + 2 * 100, d->sectors);
}

/* [ATA8] 7.16.7.92: the sum of all bytes is 0. */
static void checksum(uint8_t *out)
{
    uint8_t sum = 0;

    out[510] = 0xa5;
    for (int i = 0; i < 511; i++) {
        sum = (uint8_t)(sum + out[i]);
    }
    out[511] = (uint8_t)-sum;
}

void ata_identify(struct ata_dev *d, uint8_t *out)
{
    memset(out, 0, ATA_SECTOR);
    word(out, 0, 0x0040); /* not removable */
    geometry(d, out);
    identity(d, out);
    word(out, 20, 3);
    word(out, 21, 512); /* 256 KiB of cache */
    word(out, 22, 4);
    word(out, 47, 0x8000 | ATA_MULTIPLE);
    word(out, 48, 1); /* 32-bit data port */
    word(out, 49, 1U << 13 | 1U << 11 | 1U << 9 | 1U << 8);
    word(out, 50, 1U << 14);
    word(out, 51, 0x200); /* PIO and DMA timing, old style */
    word(out, 52, 0x200);
    word(out, 59, 0x100U * (d->multiple ? 1 : 0) | d->multiple);
    transfer_modes(d, out);
    command_sets(d, out);
    /* 93: device 0 or 1 told by jumper, 80-wire cable seen, tests passed */
    word(out, 93, 0x6003 | (d == &d->channel->dev[1] ? 0x0200U : 0));
    word(out, 105, ATA_TRIM_BLOCKS);
    word(out, 106, 1U << 14); /* logical = physical = 512 */
    if (d->wwn) {
        for (unsigned i = 0; i < 4; i++) {
            word(out, 108 + i, (uint32_t)(d->wwn >> (48 - 16 * i)));
        }
    }
    word(out, 169, 1); /* TRIM */
    word(out, 217, 1); /* no rotation */
    checksum(out);
}

void ata_identify_packet(struct ata_dev *d, uint8_t *out)
{
    memset(out, 0, ATA_SECTOR);
    /* packet device, CD-ROM, removable, DRQ within 50 us, 12-byte packets */
    word(out, 0, 2U << 14 | 5U << 8 | 1U << 7 | 2U << 5);
    identity(d, out);
    word(out, 48, 1);
    word(out, 49, 1U << 11 | 1U << 9 | 1U << 8);
    word(out, 71, 30);
    word(out, 72, 30);
    transfer_modes(d, out);
    command_sets(d, out);
    word(out, 93, 0x6003 | (d == &d->channel->dev[1] ? 0x0200U : 0));
    checksum(out);
}
