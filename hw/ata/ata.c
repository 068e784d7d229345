/* SPDX-License-Identifier: MIT */
/*
 * The task file, the data port and interrupts of an ATA channel.
 */
#include "hw/ata/ata.h"

#include <string.h>

#include "base/log.h"

static void ata_drive_irq(struct ata_channel *c)
{
    wire_set(&c->irq, c->irq_pending && !(c->control & ATA_NIEN));
}

void ata_irq(struct ata_dev *d)
{
    if (d == ata_selected(d->channel)) {
        d->channel->irq_pending = true;
        ata_drive_irq(d->channel);
    }
}

static void ata_irq_clear(struct ata_channel *c)
{
    c->irq_pending = false;
    ata_drive_irq(c);
}

void ata_done(struct ata_dev *d)
{
    d->phase = ATA_IDLE;
    d->status = ATA_DRDY | ATA_DSC;
    d->error = 0;
    ata_irq(d);
}

void ata_fail(struct ata_dev *d, uint8_t error)
{
    d->phase = ATA_IDLE;
    d->status = ATA_DRDY | ATA_DSC | ATA_ERR;
    d->error = error;
    ata_irq(d);
}

/* [ATA8] 9.12: what a reset leaves in the task file tells the kind. */
void ata_signature(struct ata_dev *d)
{
    d->count = 1;
    d->lba_low = 1;
    d->lba_mid = d->kind == ATA_CDROM ? 0x14 : 0;
    d->lba_high = d->kind == ATA_CDROM ? 0xeb : 0;
    d->device &= ATA_DEV;
}

void ata_pio_in(struct ata_dev *d, enum ata_phase phase, uint32_t len)
{
    d->phase = (uint8_t)phase;
    d->pos = 0;
    d->end = len;
    d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    ata_irq(d);
}

/* The first block of a write comes without an interrupt: the caller decides. */
void ata_pio_out(struct ata_dev *d, enum ata_phase phase, uint32_t len)
{
    d->phase = (uint8_t)phase;
    d->pos = 0;
    d->end = len;
    d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

void ata_submit(struct ata_dev *d, enum drive_op op, uint64_t offset,
                uint64_t len, struct iovec *iov, unsigned iov_count,
                void (*done)(struct drive_req *req, int error))
{
    d->busy = true;
    d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
    d->req = (struct drive_req){
        .op = op,
        .offset = offset,
        .len = len,
        .iov = iov,
        .iov_count = iov_count,
        .done = done,
        .opaque = d,
    };
    drive_submit(d->drive, &d->req);
}

void ata_dma_start(struct ata_dev *d, bool write)
{
    struct ata_channel *c = d->channel;

    d->phase = ATA_WAIT_DMA;
    d->dma_write = write;
    d->status = ATA_BSY | ATA_DRDY | ATA_DSC | ATA_DRQ;
    if (c->dma) {
        c->dma->ready(c->dma_opaque, !write);
    } else {
        ata_fail(d, ATA_ABRT);
    }
}

void ata_dma_run(struct ata_channel *c)
{
    struct ata_dev *d = ata_selected(c);

    if (d->phase != ATA_WAIT_DMA || d->busy) {
        return;
    }
    if (d->kind == ATA_CDROM) {
        atapi_dma_transfer(d);
    } else {
        ata_dma_transfer(d);
    }
}

static uint32_t ata_data_read(struct ata_dev *d, unsigned size)
{
    uint32_t value = 0;

    if (!(d->status & ATA_DRQ) ||
        (d->phase != ATA_PIO_IN && d->phase != ATA_PIO_READ &&
         d->phase != ATA_PACKET_IN)) {
        return UINT32_MAX;
    }
    for (unsigned i = 0; i < size && d->pos < d->end; i++) {
        value |= (uint32_t)d->buf[d->pos++] << (8 * i);
    }
    if (d->pos >= d->end) {
        ata_block_done(d);
    }
    return value;
}

static void ata_data_write(struct ata_dev *d, unsigned size, uint32_t value)
{
    if (!(d->status & ATA_DRQ) ||
        (d->phase != ATA_PIO_WRITE && d->phase != ATA_PIO_OUT &&
         d->phase != ATA_PACKET_OUT && d->phase != ATA_PACKET_DATA)) {
        return;
    }
    for (unsigned i = 0; i < size && d->pos < d->end; i++) {
        d->buf[d->pos++] = (uint8_t)(value >> (8 * i));
    }
    if (d->pos >= d->end) {
        ata_block_done(d);
    }
}

/* A device that is not there leaves the bus to the other one, or floating. */
static bool ata_absent(const struct ata_channel *c)
{
    return c->dev[0].kind == ATA_NONE && c->dev[1].kind == ATA_NONE;
}

static uint8_t ata_status(const struct ata_channel *c)
{
    const struct ata_dev *d = &c->dev[c->selected];

    return ata_absent(c) || d->kind == ATA_NONE ? 0 : d->status;
}

uint8_t ata_alt_status(struct ata_channel *c)
{
    return ata_status(c);
}

static uint8_t ata_read_reg(struct ata_channel *c, unsigned at)
{
    const struct ata_dev *d = ata_selected(c);
    bool hob = c->control & ATA_HOB;

    if (ata_absent(c)) {
        return at == 7 ? 0 : 0xff;
    }
    if (d->kind == ATA_NONE && at != 7) {
        return 0; /* device 0 answers for the absent device 1 */
    }
    switch (at) {
    case 1: return hob ? d->hob_feature : d->error;
    case 2: return hob ? d->hob_count : d->count;
    case 3: return hob ? d->hob_low : d->lba_low;
    case 4: return hob ? d->hob_mid : d->lba_mid;
    case 5: return hob ? d->hob_high : d->lba_high;
    case 6: return d->device | 0xa0;
    default: ata_irq_clear(c); return ata_status(c);
    }
}

uint32_t ata_read(struct ata_channel *c, unsigned at, unsigned size)
{
    if (at == 0) {
        return ata_data_read(ata_selected(c), size);
    }
    return ata_read_reg(c, at);
}

/* Task file registers are two deep; HOB shows the older value. */
static void latch(uint8_t *old, uint8_t *reg, uint8_t value)
{
    *old = *reg;
    *reg = value;
}

static void ata_write_dev(struct ata_dev *d, unsigned at, uint8_t value)
{
    switch (at) {
    case 1: latch(&d->hob_feature, &d->feature, value); break;
    case 2: latch(&d->hob_count, &d->count, value); break;
    case 3: latch(&d->hob_low, &d->lba_low, value); break;
    case 4: latch(&d->hob_mid, &d->lba_mid, value); break;
    case 5: latch(&d->hob_high, &d->lba_high, value); break;
    default: d->device = value; break;
    }
}

static void ata_write_command(struct ata_channel *c, uint8_t command)
{
    struct ata_dev *d = ata_selected(c);

    ata_irq_clear(c);
    if (command == 0x90) { /* diagnostics: both devices, device 0 answers */
        ata_command(&c->dev[0], command);
        return;
    }
    if (d->kind == ATA_NONE) {
        return;
    }
    /* While busy only DEVICE RESET of a packet device is heard. */
    if (d->status & (ATA_BSY | ATA_DRQ) &&
        !(command == 0x08 && d->kind == ATA_CDROM)) {
        log_guest("ata: command %02x while %02x is in progress", command,
                  d->command);
        return;
    }
    ata_command(d, command);
}

void ata_write(struct ata_channel *c, unsigned at, unsigned size,
               uint32_t value)
{
    if (at == 0) {
        ata_data_write(ata_selected(c), size, value);
        return;
    }
    c->control &= (uint8_t)~ATA_HOB;
    if (at == 7) {
        ata_write_command(c, (uint8_t)value);
        return;
    }
    if (at == 6) {
        c->selected = value & ATA_DEV ? 1 : 0;
    }
    for (int i = 0; i < 2; i++) {
        if (!(c->dev[i].status & (ATA_BSY | ATA_DRQ))) {
            ata_write_dev(&c->dev[i], at, (uint8_t)value);
        }
    }
}

void ata_abandon(struct ata_dev *d)
{
    struct ata_channel *c = d->channel;

    if (d->busy) {
        drive_drain(d->drive);
    }
    if (c->dma && d->phase == ATA_WAIT_DMA) {
        c->dma->cancel(c->dma_opaque);
    }
    d->phase = ATA_IDLE;
}

/* Power-on, software or bus reset of one device. */
static void ata_reset_dev(struct ata_dev *d)
{
    ata_abandon(d);
    d->error = 1; /* diagnostics passed */
    d->status = d->kind == ATA_CDROM ? 0 : ATA_DRDY | ATA_DSC;
    d->hob_count = d->hob_low = d->hob_mid = d->hob_high = 0;
    ata_signature(d);
}

void ata_control(struct ata_channel *c, uint8_t value)
{
    bool was = c->control & ATA_SRST;

    c->control = value;
    if (value & ATA_SRST && !was) {
        for (int i = 0; i < 2; i++) {
            if (c->dev[i].kind != ATA_NONE) {
                ata_reset_dev(&c->dev[i]);
                c->dev[i].status = ATA_BSY | ATA_DSC;
            }
        }
        c->irq_pending = false;
    } else if (!(value & ATA_SRST) && was) {
        for (int i = 0; i < 2; i++) {
            if (c->dev[i].kind != ATA_NONE) {
                ata_reset_dev(&c->dev[i]);
            }
            c->dev[i].device = 0;
        }
        c->selected = 0;
    }
    ata_drive_irq(c);
}

void ata_channel_init(struct ata_channel *c, struct machine *m,
                      const char *bus_name, struct dev *parent)
{
    c->machine = m;
    c->bus = bus_new(m, "IDE", bus_name, parent, c);
    for (int i = 0; i < 2; i++) {
        c->dev[i].channel = c;
        c->dev[i].iov = g_array_new(FALSE, FALSE, sizeof(struct iovec));
    }
}

void ata_channel_clear(struct ata_channel *c)
{
    for (unsigned i = 0; i < 2; i++) {
        g_array_free(c->dev[i].iov, TRUE);
    }
}

void ata_channel_reset(struct ata_channel *c)
{
    c->control = 0;
    c->selected = 0;
    c->irq_pending = false;
    for (int i = 0; i < 2; i++) {
        struct ata_dev *d = &c->dev[i];

        ata_reset_dev(d);
        d->device = 0;
        d->feature = d->hob_feature = 0;
        d->multiple = ATA_MULTIPLE;
        d->xfer_mode = 0x45; /* UDMA 5: what firmware would have set */
        d->write_cache = true;
        d->read_ahead = true;
        d->smart = true;
        d->standby = false;
        d->cur = d->geo;
        if (d->kind == ATA_CDROM) {
            atapi_reset(d);
        }
    }
}

void ata_channel_settle(struct ata_channel *c)
{
    ata_drive_irq(c);
}

/* Of a disk's command in progress. A CD may have been changed meanwhile, and
 * a command that failed leaves any address behind. */
static bool ata_range_check(const struct ata_dev *d)
{
    return d->kind != ATA_DISK || d->phase == ATA_IDLE ||
           (d->lba <= d->sectors && d->left <= d->sectors - d->lba);
}

static bool ata_dev_check(const struct ata_dev *d)
{
    return d->phase <= ATA_PIO_OUT && d->pos <= d->end &&
           d->end <= ATA_BUFFER && d->packet_left <= ATA_BUFFER - d->pos &&
           d->multiple <= ATA_MULTIPLE && d->block <= ATA_MULTIPLE &&
           ata_range_check(d) &&
           (d->kind != ATA_NONE || d->phase == ATA_IDLE) &&
           d->cur.heads <= 16 && d->cur.secs <= 255 && d->cur.cyls <= 65535 &&
           (d->kind != ATA_DISK || d->cur.secs) &&
           (d->kind != ATA_DISK || d->cur.heads);
}

bool ata_channel_check(const struct ata_channel *c, GError **error)
{
    for (int i = 0; i < 2; i++) {
        if (!ata_dev_check(&c->dev[i])) {
            return fail(error, "%s: impossible state of device %d",
                        c->bus->name, i);
        }
    }
    return c->selected <= 1 ||
           fail(error, "%s: impossible device selected", c->bus->name);
}
