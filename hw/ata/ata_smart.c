/* SPDX-License-Identifier: MIT */
/*
 * SMART, as far as tools ask: a healthy disk with a short table of
 * attributes, an empty error log, self tests that pass at once.
 * [ATA8] 7.53; attribute numbers as disks of all makers use them.
 */
#include <string.h>

#include "hw/ata/ata.h"

enum { SMART_LBA_MID = 0x4f, SMART_LBA_HIGH = 0xc2 };

struct attribute {
    uint8_t id;
    uint16_t flags;
    uint8_t value, worst, threshold;
    uint32_t raw;
};

static const struct attribute attributes[] = {
    {1, 0x0003, 100, 100, 6, 0},    /* raw read error rate */
    {3, 0x0003, 100, 100, 0, 0},    /* spin-up time */
    {4, 0x0002, 100, 100, 20, 100}, /* start/stop count */
    {5, 0x0003, 100, 100, 36, 0},   /* reallocated sectors */
    {9, 0x0003, 100, 100, 0, 1},    /* power-on hours */
    {12, 0x0003, 100, 100, 0, 0},   /* power cycles */
    {190, 0x0003, 69, 69, 50, 31},  /* temperature */
};

static void smart_checksum(uint8_t *out)
{
    uint8_t sum = 0;

    for (int i = 0; i < 511; i++) {
        sum = (uint8_t)(sum + out[i]);
    }
    out[511] = (uint8_t)-sum;
}

static void smart_send(struct ata_dev *d)
{
    smart_checksum(d->buf);
    ata_pio_in(d, ATA_PIO_IN, ATA_SECTOR);
}

static void smart_read_data(struct ata_dev *d)
{
    uint8_t *out = d->buf;

    memset(out, 0, ATA_SECTOR);
    out[0] = 1;
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        const struct attribute *a = &attributes[i];
        uint8_t *row = out + 2 + 12 * i;

        row[0] = a->id;
        stl_u16(row + 1, a->flags);
        row[3] = a->value;
        row[4] = a->worst;
        stl_u32(row + 5, a->raw);
    }
    out[362] = 2; /* off-line collection: completed */
    stl_u16(out + 364, 288);
    out[367] = 1U << 4 | 1U << 3 | 1;
    stl_u16(out + 368, 3);
    out[370] = 1; /* error log */
    out[372] = 2; /* minutes of a short self test */
    out[373] = 54;
    smart_send(d);
}

static void smart_read_thresholds(struct ata_dev *d)
{
    memset(d->buf, 0, ATA_SECTOR);
    d->buf[0] = 1;
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        d->buf[2 + 12 * i] = attributes[i].id;
        d->buf[3 + 12 * i] = attributes[i].threshold;
    }
    smart_send(d);
}

static void smart_read_log(struct ata_dev *d)
{
    memset(d->buf, 0, ATA_SECTOR);
    switch (d->lba_low) {
    case 0x00: /* directory: one sector each of the logs below */
        d->buf[0] = 1;
        d->buf[2] = 1;
        d->buf[12] = 1;
        ata_pio_in(d, ATA_PIO_IN, ATA_SECTOR);
        break;
    case 0x01:
        d->buf[0] = 1;
        smart_send(d);
        break; /* summary error log */
    case 0x06:
        d->buf[0] = 1;
        smart_send(d);
        break; /* self-test log */
    default: ata_fail(d, ATA_ABRT); break;
    }
}

bool ata_smart(struct ata_dev *d)
{
    if (d->lba_mid != SMART_LBA_MID || d->lba_high != SMART_LBA_HIGH ||
        (!d->smart && d->feature != 0xd8)) {
        return false;
    }
    switch (d->feature) {
    case 0xd0: smart_read_data(d); break;
    case 0xd1: smart_read_thresholds(d); break;
    case 0xd5: smart_read_log(d); break;
    case 0xd8:
    case 0xd9:
        d->smart = d->feature == 0xd8;
        ata_done(d);
        break;
    case 0xd2: /* autosave */
    case 0xd3: /* save */
    case 0xd4: /* self test: done before one could look */
    case 0xdb: /* automatic off-line */
    case 0xda: /* status: the magic numbers stay as they are = healthy */
        ata_done(d);
        break;
    default: return false;
    }
    return true;
}
