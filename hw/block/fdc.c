/* SPDX-License-Identifier: MIT */
/*
 * The floppy controller of a PC: an Intel 82077AA with two drives. [82077AA]
 *
 * Not modelled: sectors of other sizes than 512 bytes, FM encoding (there are
 * no such disks: address marks are missing), writing deleted data marks (all
 * sectors have normal ones; reading deleted ones finds that), the rotation of the disk (READ ID
 * finds the sectors in turn), tape drives.
 */
#include "hw/block/fdc.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "hw/isa/isa.h"

enum fdc_phase { PHASE_COMMAND, PHASE_DATA, PHASE_RESULT };
enum { /* main status register */
       MSR_BUSY = 1 << 4,
       MSR_NON_DMA = 1 << 5,
       MSR_DIO = 1 << 6, /* controller to host */
       MSR_RQM = 1 << 7,
};
enum { DOR_RESET_N = 1 << 2, DOR_DMA = 1 << 3 };
enum { /* status 0 */
       ST0_SEEK_END = 1 << 5,
       ST0_CHECK = 1 << 4,
       ST0_ABNORMAL = 1 << 6,
       ST0_INVALID = 2 << 6,
       ST0_POLLED = 3 << 6,
};
enum {
    ST1_MA = 1 << 0,
    ST1_NW = 1 << 1,
    ST1_ND = 1 << 2,
    ST1_DE = 1 << 5,
    ST1_EN = 1 << 7
};
enum { ST2_WC = 1 << 4, ST2_CM = 1 << 6 };
enum { CONFIG_POLL_OFF = 1 << 4, CONFIG_SEEK = 1 << 6 };
enum { CMD_MT = 0x80, CMD_MFM = 0x40, CMD_SK = 0x20 };
enum { SEEK_NS = 1000000, RESET_NS = 250000 };

/* The formats of [82077AA]'s and everybody's disks, the common one of a size
 * first. */
static const struct floppy_format formats[] = {
    {163840, 40, 1, 8, 2},   {184320, 40, 1, 9, 2},   {327680, 40, 2, 8, 2},
    {368640, 40, 2, 9, 2},   {409600, 40, 2, 10, 2},  {655360, 80, 2, 8, 2},
    {737280, 80, 2, 9, 2},   {819200, 80, 2, 10, 2},  {1228800, 80, 2, 15, 0},
    {1474560, 80, 2, 18, 0}, {1638400, 80, 2, 20, 0}, {1720320, 80, 2, 21, 0},
    {1763328, 82, 2, 21, 0}, {1802240, 80, 2, 22, 0}, {2949120, 80, 2, 36, 3},
    {3276800, 80, 2, 40, 3},
};

static struct fdc *fdc_of(struct dev *dev)
{
    return container_of(dev, struct fdc, dev);
}

/* The format with this size, or the smallest that holds the image. */
static const struct floppy_format *format_of(const struct drive *d)
{
    uint64_t size = drive_size(d);

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (formats[i].bytes >= size) {
            return &formats[i];
        }
    }
    return NULL;
}

uint8_t fdc_cmos_type(const struct drive *drive)
{
    const struct floppy_format *f = format_of(drive);

    if (!drive_has_medium(drive) || !f) {
        return 4;
    }
    return f->rate == 3                      ? 5
           : f->bytes == 1228800             ? 2
           : f->rate == 2 && f->tracks == 40 ? 2
                                             : 4;
}

static struct floppy_drive *selected(struct fdc *s)
{
    return &s->drive[s->unit & 1];
}

static bool present(const struct fdc *s, unsigned unit)
{
    return unit < FDC_DRIVES && s->drive[unit].drive;
}

/* --- phases --- */

static void fdc_interrupt(struct fdc *s, bool on)
{
    s->interrupt = on;
    wire_set(&s->irq, on && s->dor & DOR_DMA);
}

static void to_command(struct fdc *s)
{
    s->phase = PHASE_COMMAND;
    s->len = 0;
    s->msr = MSR_RQM | (s->msr & 15);
}

static void to_result(struct fdc *s, const uint8_t *bytes, uint8_t len)
{
    memcpy(s->result, bytes, len);
    s->result_len = len;
    s->result_pos = 0;
    s->phase = PHASE_RESULT;
    s->msr = (uint8_t)(MSR_RQM | MSR_DIO | MSR_BUSY | (s->msr & 15));
}

/* The seven result bytes of a transfer; it ends the command. */
static void transfer_end(struct fdc *s, uint8_t st0, uint8_t st1, uint8_t st2)
{
    uint8_t r[7] = {(uint8_t)(st0 | (s->head << 2) | s->unit),
                    st1,
                    st2,
                    s->cyl,
                    s->head,
                    s->sector,
                    2};

    isa_dreq(s->dev.machine, s->dma_channel, false);
    to_result(s, r, sizeof(r));
    fdc_interrupt(s, true);
}

static void fdc_invalid(struct fdc *s)
{
    const uint8_t st0 = ST0_INVALID;

    to_result(s, &st0, 1);
}

/* --- sectors --- */

static void sector_next(struct fdc *s);

/* Is the head where cylinder `cyl` of the medium is? Drives of 80 tracks reach
 * those of disks of 40 with one step, as emulators have it, or with two. */
static bool on_cylinder(const struct floppy_drive *d, unsigned cyl)
{
    return d->track == cyl || (d->format->tracks == 40 && d->track == 2 * cyl);
}

/* A controller that runs at another rate than the medium was written with
 * finds no address marks. Double density is 250 kbit/s, or 300 in a drive
 * that turns faster. */
static bool rate_fits(const struct fdc *s, const struct floppy_format *f)
{
    unsigned rate = s->dsr & 3;

    return rate == f->rate || (f->rate == 2 && f->tracks == 40 && rate == 1);
}

static bool sector_offset(struct fdc *s, uint64_t *offset)
{
    const struct floppy_drive *d = selected(s);
    const struct floppy_format *f = d->format;

    if (!f || !on_cylinder(d, s->cyl) || s->cyl >= f->tracks ||
        s->head >= f->heads || s->sector == 0 || s->sector > f->sectors) {
        return false;
    }
    *offset =
        (((uint64_t)s->cyl * f->heads + s->head) * f->sectors + s->sector - 1) *
        FDC_SECTOR;
    return true;
}

/* What the host sees while data moves. */
static void data_phase(struct fdc *s)
{
    s->pos = 0;
    s->end = FDC_SECTOR;
    s->phase = PHASE_DATA;
    if (s->dma) {
        s->msr = (uint8_t)(MSR_BUSY | (s->msr & 15));
        isa_dreq(s->dev.machine, s->dma_channel, true);
    } else {
        s->msr = (uint8_t)(MSR_BUSY | MSR_RQM | MSR_NON_DMA |
                           (s->to_host ? MSR_DIO : 0) | (s->msr & 15));
        fdc_interrupt(s, true);
    }
}

static void sector_failed(struct fdc *s, int error)
{
    uint8_t st1 = error == EROFS ? ST1_NW : ST1_DE;

    transfer_end(s, ST0_ABNORMAL, st1, 0);
}

static void sector_read_done(struct drive_req *req, int error)
{
    struct fdc *s = req->opaque;

    s->busy = false;
    if (error) {
        sector_failed(s, error);
        return;
    }
    data_phase(s);
}

static void sector_write_done(struct drive_req *req, int error)
{
    struct fdc *s = req->opaque;

    s->busy = false;
    if (error) {
        sector_failed(s, error);
        return;
    }
    sector_next(s);
}

static void sector_submit(struct fdc *s, enum drive_op op,
                          void (*done)(struct drive_req *req, int error))
{
    uint64_t offset;

    if (!sector_offset(s, &offset)) {
        transfer_end(s, ST0_ABNORMAL, ST1_ND,
                     on_cylinder(selected(s), s->cyl) ? 0 : ST2_WC);
        return;
    }
    s->busy = true;
    s->msr = (uint8_t)(MSR_BUSY | (s->msr & 15));
    s->iov = (struct iovec){.iov_base = s->buf, .iov_len = FDC_SECTOR};
    s->req = (struct drive_req){
        .op = op,
        .offset = offset,
        .len = FDC_SECTOR,
        .iov = &s->iov,
        .iov_count = 1,
        .done = done,
        .opaque = s,
    };
    drive_submit(selected(s)->drive, &s->req);
}

/* Begins with the sector that cyl, head and sector name. */
static void sector_begin(struct fdc *s)
{
    uint64_t offset;

    if (s->to_host) {
        sector_submit(s, DRIVE_READ, sector_read_done);
    } else if (sector_offset(s, &offset)) {
        data_phase(s);
    } else {
        transfer_end(s, ST0_ABNORMAL, ST1_ND,
                     on_cylinder(selected(s), s->cyl) ? 0 : ST2_WC);
    }
}

/* After a sector: the next one, the other side, or the end. [82077AA] 6.1 */
static void sector_next(struct fdc *s)
{
    bool at_last = s->sector >= s->last;
    bool ends = s->terminal;
    /* READ DELETED DATA of a sector that is not: that one, and no more */
    uint8_t st2 = (s->command[0] & 0x1f) == 0x0c ? ST2_CM : 0;

    if (st2) {
        ends = true;
    }
    if (!at_last) {
        s->sector++;
    } else {
        s->sector = 1;
        if (s->command[0] & CMD_MT && s->head == 0) {
            s->head = 1;
        } else {
            s->cyl++;
            if (s->command[0] & CMD_MT) {
                s->head = 0;
            }
            if (!ends) {
                transfer_end(s, ST0_ABNORMAL, ST1_EN, 0);
                return;
            }
        }
    }
    if (ends) {
        transfer_end(s, 0, 0, st2);
    } else {
        sector_begin(s);
    }
}

static void format_next(struct fdc *s);

/* A buffer's worth has gone through the data port or by DMA. */
static void data_done(struct fdc *s)
{
    isa_dreq(s->dev.machine, s->dma_channel, false);
    if (!s->dma) {
        fdc_interrupt(s, false);
    }
    if (s->formatting) {
        format_next(s);
    } else if (s->to_host) {
        sector_next(s);
    } else {
        memset(s->buf + s->pos, 0, FDC_SECTOR - s->pos);
        sector_submit(s, DRIVE_WRITE, sector_write_done);
    }
}

static unsigned fdc_dma(void *opaque, uint8_t *buf, unsigned len, bool write,
                        bool tc)
{
    struct fdc *s = opaque;
    unsigned n = MIN(len, (unsigned)(s->end - s->pos));

    if (s->phase != PHASE_DATA || s->busy || n == 0) {
        return 0;
    }
    if (s->to_host) {
        memcpy(buf, s->buf + s->pos, n);
    } else {
        memcpy(s->buf + s->pos, buf, n);
    }
    s->pos = (uint16_t)(s->pos + n);
    s->terminal = tc && n == len;
    if (s->pos == s->end || s->terminal) {
        data_done(s);
    }
    return n;
}

/* --- transfers --- */

static bool transfer_setup(struct fdc *s, bool to_host)
{
    const uint8_t *c = s->command;

    s->unit = c[1] & 3;
    s->cyl = c[2];
    s->head = c[3];
    s->sector = c[4];
    s->last = c[6];
    s->to_host = to_host;
    s->terminal = false;
    s->formatting = false;
    s->dma = !(s->specify[1] & 1);
    if (!present(s, s->unit) || !selected(s)->format) {
        transfer_end(s, ST0_ABNORMAL, ST1_MA, 0);
        return false;
    }
    if (s->config[0] & CONFIG_SEEK) { /* implied seek */
        selected(s)->track = s->cyl;
    }
    if (!(c[0] & CMD_MFM) || !rate_fits(s, selected(s)->format)) {
        transfer_end(s, ST0_ABNORMAL, ST1_MA, 0);
        return false;
    }
    if (c[5] != 2 || (c[1] >> 2 & 1) != s->head) {
        transfer_end(s, ST0_ABNORMAL, ST1_ND, 0);
        return false;
    }
    return true;
}

static void cmd_read(struct fdc *s)
{
    if (!transfer_setup(s, true)) {
        return;
    }
    if ((s->command[0] & 0x1f) == 0x0c && s->command[0] & CMD_SK) {
        /* every sector is skipped, until there are none */
        transfer_end(s, ST0_ABNORMAL, ST1_EN, ST2_CM);
        return;
    }
    sector_begin(s);
}

static void cmd_write(struct fdc *s)
{
    if (!transfer_setup(s, false)) {
        return;
    }
    if (selected(s)->drive->readonly) {
        transfer_end(s, ST0_ABNORMAL, ST1_NW, 0);
        return;
    }
    sector_begin(s);
}

/* VERIFY moves nothing: all sectors are readable that are there. */
static void cmd_verify(struct fdc *s)
{
    uint64_t offset;

    if (!transfer_setup(s, true)) {
        return;
    }
    if (s->command[1] & 0x80) { /* EC: a count instead of DTL */
        s->last = (uint8_t)(s->sector + s->command[8] - 1);
    }
    while (s->sector <= s->last) {
        if (!sector_offset(s, &offset)) {
            transfer_end(s, ST0_ABNORMAL, ST1_ND, 0);
            return;
        }
        s->sector++;
    }
    s->sector = 1;
    s->cyl++;
    transfer_end(s, 0, 0, 0);
}

/* READ TRACK: sectors in physical order from the first on. */
static void cmd_read_track(struct fdc *s)
{
    if (transfer_setup(s, true)) {
        s->sector = 1;
        sector_begin(s);
    }
}

static void cmd_read_id(struct fdc *s)
{
    struct floppy_drive *d;

    s->unit = s->command[1] & 3;
    s->head = s->command[1] >> 2 & 1;
    d = selected(s);
    if (!present(s, s->unit) || !d->format || s->head >= d->format->heads ||
        !(s->command[0] & CMD_MFM) || !rate_fits(s, d->format)) {
        s->cyl = s->sector = 0;
        transfer_end(s, ST0_ABNORMAL, ST1_MA, 0);
        return;
    }
    s->cyl = d->track < d->format->tracks ? d->track : d->track / 2;
    s->sector = (uint8_t)(s->sector % d->format->sectors + 1);
    transfer_end(s, 0, 0, 0);
}

/* --- FORMAT TRACK: four bytes a sector, then the filler --- */

static void format_begin(struct fdc *s)
{
    s->pos = 0;
    s->end = 4;
    s->phase = PHASE_DATA;
    data_phase(s);
    s->end = 4;
}

static void format_written(struct drive_req *req, int error)
{
    struct fdc *s = req->opaque;

    s->busy = false;
    if (error) {
        sector_failed(s, error);
    } else if (--s->last == 0 || s->terminal) {
        transfer_end(s, 0, 0, 0);
    } else {
        format_begin(s);
    }
}

static void format_next(struct fdc *s)
{
    s->cyl = s->buf[0];
    s->head = s->buf[1];
    s->sector = s->buf[2];
    memset(s->buf, s->command[5], FDC_SECTOR);
    sector_submit(s, DRIVE_WRITE, format_written);
}

static void cmd_format(struct fdc *s)
{
    s->unit = s->command[1] & 3;
    s->head = s->command[1] >> 2 & 1;
    s->last = s->command[3];
    s->to_host = false;
    s->terminal = false;
    s->formatting = true;
    s->dma = !(s->specify[1] & 1);
    if (!present(s, s->unit) || !selected(s)->format ||
        !rate_fits(s, selected(s)->format) || selected(s)->drive->readonly ||
        s->command[2] != 2 || s->last == 0) {
        transfer_end(
            s, ST0_ABNORMAL,
            present(s, s->unit) && selected(s)->format ? ST1_NW : ST1_MA, 0);
        return;
    }
    format_begin(s);
}

/* --- seeks --- */

static void seek_to(struct fdc *s, unsigned unit, unsigned track)
{
    uint8_t st0 = (uint8_t)(ST0_SEEK_END | (s->command[1] & 7));

    if (present(s, unit)) {
        struct floppy_drive *d = &s->drive[unit];

        d->track = (uint8_t)MIN(track, 84);
        d->changed = d->changed && !d->format;
    } else if (s->command[0] == 0x07) {
        st0 |= ST0_ABNORMAL | ST0_CHECK; /* track 0 never came */
    }
    s->st0[unit] = st0;
    s->msr |= (uint8_t)(1U << unit);
    to_command(s);
    s->event_what |= (uint8_t)(1U << unit);
    timer_set(&s->event, clock_now(&s->dev.machine->clock) + SEEK_NS);
}

static void cmd_recalibrate(struct fdc *s)
{
    seek_to(s, s->command[1] & 3, 0);
}

static void cmd_seek(struct fdc *s)
{
    seek_to(s, s->command[1] & 3, s->command[2]);
}

static void cmd_relative_seek(struct fdc *s)
{
    unsigned unit = s->command[1] & 3;
    unsigned now = unit < FDC_DRIVES ? s->drive[unit].track : 0;
    unsigned by = s->command[2];

    seek_to(s, unit, s->command[0] & 0x40 ? now + by : now - MIN(now, by));
}

static void cmd_sense_interrupt(struct fdc *s)
{
    uint8_t r[2];

    fdc_interrupt(s, false);
    for (unsigned i = 0; i < 4; i++) {
        if (s->pending >> i & 1) {
            s->pending &= (uint8_t) ~(1U << i);
            s->msr &= (uint8_t) ~(1U << i);
            r[0] = s->st0[i];
            r[1] = i < FDC_DRIVES ? s->drive[i].track : 0;
            to_result(s, r, 2);
            return;
        }
    }
    fdc_invalid(s);
}

static void cmd_sense_drive(struct fdc *s)
{
    unsigned unit = s->command[1] & 3;
    uint8_t st3 = (uint8_t)(0x28 | (s->command[1] & 7)); /* ready, two sides */

    if (present(s, unit)) {
        st3 |= s->drive[unit].track == 0 ? 0x10 : 0;
        st3 |= s->drive[unit].drive->readonly ? 0x40 : 0;
    }
    to_result(s, &st3, 1);
}

/* --- settings --- */

static void cmd_specify(struct fdc *s)
{
    memcpy(s->specify, s->command + 1, 2);
    to_command(s);
}

static void cmd_configure(struct fdc *s)
{
    s->config[0] = s->command[2];
    s->config[1] = s->command[3];
    to_command(s);
}

static void cmd_version(struct fdc *s)
{
    const uint8_t enhanced = 0x90;

    to_result(s, &enhanced, 1);
}

static void cmd_part_id(struct fdc *s)
{
    const uint8_t id = 0x41; /* stepping 1 of the 82077AA's successor line */

    to_result(s, &id, 1);
}

static void cmd_lock(struct fdc *s)
{
    uint8_t r = s->command[0] & 0x80 ? 0x10 : 0;

    s->lock = r;
    to_result(s, &r, 1);
}

static void cmd_dumpreg(struct fdc *s)
{
    const uint8_t r[10] = {s->drive[0].track,
                           s->drive[1].track,
                           0,
                           0,
                           s->specify[0],
                           s->specify[1],
                           s->last,
                           (uint8_t)(s->lock << 7 |
                                     s->drive[0].perpendicular << 2 |
                                     s->drive[1].perpendicular << 3),
                           s->config[0],
                           s->config[1]};

    to_result(s, r, sizeof(r));
}

static void cmd_perpendicular(struct fdc *s)
{
    if (s->command[1] & 0x80) {
        s->drive[0].perpendicular = s->command[1] & 4;
        s->drive[1].perpendicular = s->command[1] & 8;
    }
    to_command(s);
}

static void cmd_quiet(struct fdc *s)
{
    to_command(s);
}

static void cmd_power(struct fdc *s)
{
    to_result(s, s->command + 1, 1);
}

static const struct fdc_command {
    uint8_t mask, code;
    uint8_t params;
    void (*run)(struct fdc *s);
} commands[] = {
    {0x1f, 0x06, 8, cmd_read},          {0x1f, 0x0c, 8, cmd_read},
    {0x3f, 0x05, 8, cmd_write},         {0x3f, 0x09, 8, cmd_write},
    {0x9f, 0x02, 8, cmd_read_track},    {0x1f, 0x16, 8, cmd_verify},
    {0xbf, 0x0a, 1, cmd_read_id},       {0xbf, 0x0d, 5, cmd_format},
    {0xff, 0x07, 1, cmd_recalibrate},   {0xff, 0x08, 0, cmd_sense_interrupt},
    {0xff, 0x03, 2, cmd_specify},       {0xff, 0x04, 1, cmd_sense_drive},
    {0xff, 0x0f, 2, cmd_seek},          {0xbf, 0x8f, 2, cmd_relative_seek},
    {0xff, 0x0e, 0, cmd_dumpreg},       {0xff, 0x10, 0, cmd_version},
    {0xff, 0x12, 1, cmd_perpendicular}, {0xff, 0x13, 3, cmd_configure},
    {0x7f, 0x14, 0, cmd_lock},          {0xff, 0x17, 1, cmd_power},
    {0xff, 0x18, 0, cmd_part_id},       {0xff, 0x33, 1, cmd_quiet},
};

static const struct fdc_command *command_find(uint8_t byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if ((byte & commands[i].mask) == commands[i].code) {
            return &commands[i];
        }
    }
    return NULL;
}

/* --- registers --- */

static void fifo_write(struct fdc *s, uint8_t value)
{
    const struct fdc_command *c;

    if (s->phase == PHASE_DATA && !s->dma && !s->to_host && !s->busy) {
        s->buf[s->pos++] = value;
        if (s->pos == s->end) {
            data_done(s);
        }
        return;
    }
    if (s->phase != PHASE_COMMAND || !(s->msr & MSR_RQM)) {
        return;
    }
    if (s->len == 0) {
        c = command_find(value);
        s->wanted = c ? c->params + 1 : 1;
        s->msr |= MSR_BUSY;
    }
    s->command[s->len++] = value;
    if (s->len < s->wanted) {
        return;
    }
    c = command_find(s->command[0]);
    s->len = 0;
    if (c) {
        c->run(s);
    } else {
        log_unimp("fdc: command %02x", s->command[0]);
        fdc_invalid(s);
    }
}

static uint8_t fifo_read(struct fdc *s)
{
    uint8_t value = 0;

    if (s->phase == PHASE_DATA && !s->dma && s->to_host && !s->busy) {
        value = s->buf[s->pos++];
        if (s->pos == s->end) {
            data_done(s);
        }
        return value;
    }
    if (s->phase != PHASE_RESULT) {
        return 0;
    }
    if (s->result_pos == 0 && s->result_len == 7) {
        fdc_interrupt(s, false);
    }
    value = s->result[s->result_pos++];
    if (s->result_pos == s->result_len) {
        to_command(s);
    }
    return value;
}

static void fdc_soft_reset(struct fdc *s)
{
    if (s->busy) {
        drive_drain(selected(s)->drive);
    }
    isa_dreq(s->dev.machine, s->dma_channel, false);
    timer_cancel(&s->event);
    s->event_what = 0;
    s->pending = 0;
    s->msr = 0;
    fdc_interrupt(s, false);
    to_command(s);
    s->msr = 0;
    if (!s->lock) {
        s->config[0] = s->config[1] = 0;
    }
}

/* Out of reset: every drive has an interrupt to be sensed. */
static void fdc_reset_done(struct fdc *s)
{
    for (unsigned i = 0; i < 4; i++) {
        s->st0[i] = (uint8_t)(ST0_POLLED | i);
    }
    s->msr = MSR_RQM;
    if (s->config[0] & CONFIG_POLL_OFF) {
        return;
    }
    s->event_what = 0x80;
    timer_set(&s->event, clock_now(&s->dev.machine->clock) + RESET_NS);
}

static void fdc_event(void *opaque)
{
    struct fdc *s = opaque;

    s->pending |= s->event_what & 0x80 ? 15 : s->event_what & 15;
    s->event_what = 0;
    fdc_interrupt(s, true);
}

static void dor_write(struct fdc *s, uint8_t value)
{
    uint8_t was = s->dor;

    s->dor = value;
    if (was & DOR_RESET_N && !(value & DOR_RESET_N)) {
        fdc_soft_reset(s);
    } else if (!(was & DOR_RESET_N) && value & DOR_RESET_N) {
        fdc_reset_done(s);
    }
    fdc_interrupt(s, s->interrupt);
}

static void dsr_write(struct fdc *s, uint8_t value)
{
    s->dsr = value & 0x7f;
    if (value & 0x80) { /* a reset that ends by itself */
        fdc_soft_reset(s);
        fdc_reset_done(s);
    }
}

static uint8_t dir_read(struct fdc *s)
{
    unsigned unit = s->dor & 3;
    bool on = s->dor >> (4 + unit) & 1; /* the motor selects the drive */

    return on && present(s, unit) && s->drive[unit].changed ? 0x80 : 0;
}

static uint64_t fdc_read(void *opaque, uint64_t at, unsigned size)
{
    struct fdc *s = opaque;

    switch (at) {
    case 0: return s->interrupt ? 0x80 : 0;
    case 1: return 0xc0 | (s->dor & 1 ? 0x20 : 0) | (s->dor >> 4 & 3);
    case 2: return s->dor;
    case 3: return s->tdr;
    case 4: return s->dor & DOR_RESET_N ? s->msr : 0;
    case 5: return fifo_read(s);
    default: return 0xff;
    }
}

static void fdc_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct fdc *s = opaque;

    switch (at) {
    case 2: dor_write(s, (uint8_t)value); break;
    case 3: s->tdr = value & 3; break;
    case 4: dsr_write(s, (uint8_t)value); break;
    case 5:
        if (s->dor & DOR_RESET_N) {
            fifo_write(s, (uint8_t)value);
        }
        break;
    default: break;
    }
}

static uint64_t dir_port_read(void *opaque, uint64_t at, unsigned size)
{
    return dir_read(opaque);
}

static void ccr_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct fdc *s = opaque;

    s->dsr = (uint8_t)((s->dsr & ~3) | (value & 3));
}

static const struct region_ops fdc_ops = {
    .read = fdc_read, .write = fdc_write, .max = 1};
static const struct region_ops dir_ops = {
    .read = dir_port_read, .write = ccr_write, .max = 1};

/* --- life --- */

static void medium_changed(struct fdc *s, unsigned unit)
{
    struct floppy_drive *d = &s->drive[unit];

    d->format = drive_has_medium(d->drive) ? format_of(d->drive) : NULL;
    d->changed = true;
}

static void medium_changed_a(void *opaque)
{
    medium_changed(opaque, 0);
}

static void medium_changed_b(void *opaque)
{
    medium_changed(opaque, 1);
}

static bool fdc_attach(struct fdc *s, unsigned unit, GError **error)
{
    struct drive_front front = {
        .changed = unit ? medium_changed_b : medium_changed_a, .opaque = s};
    struct drive *d;

    if (!s->drive_id[unit]) {
        return true;
    }
    d = machine_backend(s->dev.machine, BACKEND_DRIVE, s->drive_id[unit]);
    if (!d) {
        return fail(error, "%s: there is no drive '%s'", dev_name(&s->dev),
                    s->drive_id[unit]);
    }
    if (drive_has_medium(d) && !format_of(d)) {
        return fail(error, "'%s' is too large for a floppy: 2.88 MB at most",
                    d->image->filename);
    }
    if (!drive_attach(d, &front, error)) {
        return false;
    }
    d->removable = true;
    d->media = DRIVE_FLOPPY;
    s->drive[unit].drive = d;
    medium_changed(s, unit);
    return true;
}

static bool fdc_realize(struct dev *dev, GError **error)
{
    struct fdc *s = fdc_of(dev);
    struct machine *m = dev->machine;
    const struct isa_dma_client client = {.transfer = fdc_dma, .opaque = s};

    timer_init(&s->event, &m->clock, fdc_event, s);
    region_init_io(&s->ports, "fdc", 6, &fdc_ops, s);
    region_init_io(&s->dir_port, "fdc-dir", 1, &dir_ops, s);
    return fdc_attach(s, 0, error) && fdc_attach(s, 1, error) &&
           isa_map(m, &s->ports, s->iobase, error) &&
           isa_map(m, &s->dir_port, s->iobase + 7, error) &&
           isa_connect_irq(m, &s->irq, s->irq_number, error) &&
           isa_dma_attach(m, s->dma_channel, &client, error);
}

static void fdc_unrealize(struct dev *dev)
{
    struct fdc *s = fdc_of(dev);

    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        if (s->drive[i].drive) {
            drive_detach(s->drive[i].drive);
        }
    }
    timer_cancel(&s->event);
    region_remove(&s->ports);
    region_remove(&s->dir_port);
}

static void fdc_reset(struct dev *dev)
{
    struct fdc *s = fdc_of(dev);

    if (s->busy) {
        drive_drain(selected(s)->drive);
    }
    timer_cancel(&s->event);
    s->dor = DOR_RESET_N | DOR_DMA;
    s->tdr = 0;
    s->dsr = 2;
    s->msr = MSR_RQM;
    s->phase = PHASE_COMMAND;
    s->len = s->wanted = s->result_len = s->result_pos = 0;
    s->pending = s->event_what = 0;
    s->interrupt = false;
    s->lock = false;
    s->dma = s->to_host = s->formatting = s->terminal = false;
    s->pos = s->end = 0;
    s->unit = s->cyl = s->head = s->sector = s->last = 0;
    memset(s->config, 0, sizeof(s->config));
    memset(s->specify, 0, sizeof(s->specify));
    memset(s->command, 0, sizeof(s->command));
    memset(s->result, 0, sizeof(s->result));
    memset(s->st0, 0, sizeof(s->st0));
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        s->drive[i].track = 0;
        s->drive[i].changed = true;
        s->drive[i].perpendicular = false;
    }
}

static void fdc_settle(struct dev *dev)
{
    struct fdc *s = fdc_of(dev);

    wire_set(&s->irq, s->interrupt && s->dor & DOR_DMA);
    isa_dreq(dev->machine, s->dma_channel,
             s->phase == PHASE_DATA && s->dma && !s->busy);
}

static bool fdc_check(struct dev *dev, GError **error)
{
    const struct fdc *s = fdc_of(dev);

    if (s->phase > PHASE_RESULT || s->len >= FDC_PARAMS ||
        s->wanted > FDC_PARAMS || s->result_len > FDC_PARAMS ||
        s->result_pos > s->result_len || s->pos > s->end ||
        s->end > FDC_SECTOR || s->unit > 3 ||
        (s->phase == PHASE_DATA &&
         (!present(s, s->unit) || s->pos == s->end)) ||
        (s->phase == PHASE_RESULT && s->result_pos == s->result_len)) {
        return fail(error, "fdc: impossible state");
    }
    return true;
}

/* clang-format off */
static const struct field fdc_props[] = {
    PROP(struct fdc, iobase, 0x3f0),
    PROP_AS(struct fdc, irq_number, "irq", 6),
    PROP_AS(struct fdc, dma_channel, "dma", 2),
    PROP_STR(struct fdc, drive_id[0], "driveA", NULL),
    PROP_STR(struct fdc, drive_id[1], "driveB", NULL),
    FIELD_END,
};

#define FLOPPY_STATE(i, n) \
    FIELD_AS(struct fdc, drive[i].track, n "track"), \
    FIELD_AS(struct fdc, drive[i].changed, n "changed"), \
    FIELD_AS(struct fdc, drive[i].perpendicular, n "perpendicular")

static const struct field fdc_state[] = {
    FLOPPY_STATE(0, "a."), FLOPPY_STATE(1, "b."),
    FIELD(struct fdc, dor), FIELD(struct fdc, tdr), FIELD(struct fdc, dsr),
    FIELD(struct fdc, msr), FIELD(struct fdc, phase),
    FIELD_ARRAY(struct fdc, command), FIELD(struct fdc, len),
    FIELD(struct fdc, wanted), FIELD_ARRAY(struct fdc, result),
    FIELD(struct fdc, result_len), FIELD(struct fdc, result_pos),
    FIELD_ARRAY(struct fdc, st0), FIELD(struct fdc, pending),
    FIELD(struct fdc, interrupt), FIELD_ARRAY(struct fdc, config),
    FIELD_ARRAY(struct fdc, specify), FIELD(struct fdc, lock),
    FIELD(struct fdc, to_host), FIELD(struct fdc, dma),
    FIELD(struct fdc, terminal), FIELD(struct fdc, formatting),
    FIELD(struct fdc, cyl), FIELD(struct fdc, head),
    FIELD(struct fdc, sector), FIELD(struct fdc, last),
    FIELD(struct fdc, unit), FIELD(struct fdc, pos), FIELD(struct fdc, end),
    FIELD_ARRAY(struct fdc, buf), FIELD(struct fdc, event),
    FIELD(struct fdc, event_what),
    FIELD_END,
};
/* clang-format on */

const struct dev_type fdc_type = {
    .name = "isa-fdc",
    .desc = "82077AA floppy controller, two drives",
    .bus = "ISA",
    .size = sizeof(struct fdc),
    .props = fdc_props,
    .state = fdc_state,
    .realize = fdc_realize,
    .unrealize = fdc_unrealize,
    .reset = fdc_reset,
    .settle = fdc_settle,
    .check = fdc_check,
};
