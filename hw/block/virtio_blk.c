/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk. [VIRTIO] 5.2 "Block Device".
 *
 * Requests go to the drive as they come off the ring, all of a notification
 * before the first is waited for; data moves between the image and the
 * guest's memory without a copy of ours.
 *
 * Not modelled: secure erase, lifetime, zoned devices, SCSI pass-through of
 * legacy drivers.
 */
#include "hw/block/virtio_blk.h"

#include <string.h>

#include "hw/block/dev_drive.h"

enum { SECTOR = 512, HEADER = 16, RANGE = 16, ID_LENGTH = 20 };
enum { OK = 0, IOERR = 1, UNSUPP = 2 };
enum { /* requests */
       T_IN = 0,
       T_OUT = 1,
       T_FLUSH = 4,
       T_GET_ID = 8,
       T_DISCARD = 11,
       T_WRITE_ZEROES = 13,
       FLAG_UNMAP = 1,
};
enum { /* features */
       F_SEG_MAX = 2,
       F_GEOMETRY = 4,
       F_RO = 5,
       F_BLK_SIZE = 6,
       F_FLUSH = 9,
       F_TOPOLOGY = 10,
       F_CONFIG_WCE = 11,
       F_MQ = 12,
       F_DISCARD = 13,
       F_WRITE_ZEROES = 14,
};
enum { /* configuration space */
       C_CAPACITY = 0,
       C_SEG_MAX = 12,
       C_CYLINDERS = 16,
       C_HEADS = 18,
       C_SECTORS = 19,
       C_BLK_SIZE = 20,
       C_PHYSICAL_EXP = 24,
       C_MIN_IO = 26,
       C_OPT_IO = 28,
       C_WRITEBACK = 32,
       C_NUM_QUEUES = 34,
       C_DISCARD_SECTORS = 36,
       C_DISCARD_SEG = 40,
       C_DISCARD_ALIGN = 44,
       C_ZEROES_SECTORS = 48,
       C_ZEROES_SEG = 52,
       C_ZEROES_UNMAP = 56,
       C_SIZE = 60,
};
enum { CLEAR_SECTORS_MAX = 0x3fffff, QUEUES_AUTO = 65535 };

struct virtio_blk {
    struct virtio_pci proxy;
    struct virtio v;

    char *drive_id, *serial, *rerror, *werror, *write_cache, *iothread;
    uint16_t num_queues, queue_size;
    uint32_t cyls, heads, secs;
    uint32_t logical_block_size, physical_block_size;
    uint32_t min_io_size, opt_io_size, discard_granularity;
    int32_t bootindex;
    bool config_wce, discard, write_zeroes;
    bool ignored; /* scsi, share-rw, request-merging, seg-max-adjust */

    struct drive *drive;
    bool dropping; /* being reset: nobody waits for what comes back */
};

struct request {
    struct drive_req io;
    struct virtio_blk *blk;
    struct virtq_buf *buf;
    uint16_t queue;
    bool flush_after; /* a write through */
    struct iovec iov[];
};

static struct virtio_blk *blk_of(struct virtio *v)
{
    return container_of(v, struct virtio_blk, v);
}

/* --- requests --- */

static void finish(struct virtio_blk *s, unsigned queue, struct virtq_buf *buf,
                   uint8_t status)
{
    if (s->dropping) {
        virtq_drop(buf);
        return;
    }
    virtq_write(buf, buf->in_len - 1, &status, 1);
    virtio_push(&s->v, queue, buf, (uint32_t)MIN(buf->in_len, UINT32_MAX));
}

static void request_done(struct drive_req *io, int error)
{
    struct request *r = container_of(io, struct request, io);

    if (r->flush_after && !error && !r->blk->dropping) {
        r->flush_after = false;
        r->io.op = DRIVE_FLUSH;
        drive_submit(r->blk->drive, &r->io);
        return;
    }
    finish(r->blk, r->queue, r->buf, error ? IOERR : OK);
    g_free(r);
}

static void submit(struct virtio_blk *s, struct request *r, enum drive_op op,
                   uint64_t offset, uint64_t len)
{
    r->io.op = op;
    r->io.offset = offset;
    r->io.len = len;
    r->io.done = request_done;
    r->io.at_once = true;
    drive_submit(s->drive, &r->io);
}

static struct request *request_new(struct virtio_blk *s, unsigned queue,
                                   struct virtq_buf *buf)
{
    unsigned n = buf->out_count + buf->in_count;
    struct request *r = g_malloc(sizeof(*r) + n * sizeof(r->iov[0]));

    *r = (struct request){.blk = s, .buf = buf, .queue = (uint16_t)queue};
    return r;
}

/* Is this range of sectors one of the disk, in whole blocks? */
static bool range_ok(const struct virtio_blk *s, uint64_t sector, uint64_t len)
{
    uint64_t sectors = drive_size(s->drive) / SECTOR;
    unsigned block = s->logical_block_size;

    return sector <= sectors && len / SECTOR <= sectors - sector &&
           len % block == 0 && sector % (block / SECTOR) == 0;
}

/* What the driver and the user say about writes: done when they are stable? */
static bool is_writethrough(const struct virtio_blk *s)
{
    if (virtio_has(&s->v, F_CONFIG_WCE)) {
        return !s->v.config[C_WRITEBACK];
    }
    return !virtio_has(&s->v, F_FLUSH);
}

static void transfer(struct virtio_blk *s, unsigned queue,
                     struct virtq_buf *buf, uint64_t sector, bool write)
{
    uint64_t len = write ? buf->out_len - HEADER : buf->in_len - 1;
    struct request *r;

    if (!range_ok(s, sector, len) || len == 0) {
        finish(s, queue, buf, len ? IOERR : OK);
        return;
    }
    r = request_new(s, queue, buf);
    r->io.iov = r->iov;
    r->io.iov_count =
        write ? virtq_slice(buf->iov, buf->out_count, HEADER, len, r->iov)
              : virtq_slice(buf->iov + buf->out_count, buf->in_count, 0, len,
                            r->iov);
    r->flush_after = write && is_writethrough(s);
    submit(s, r, write ? DRIVE_WRITE : DRIVE_READ, sector * SECTOR, len);
}

/* Discard and write zeroes: one range, [VIRTIO] 5.2.6. */
static void clear_range(struct virtio_blk *s, unsigned queue,
                        struct virtq_buf *buf, bool discard)
{
    uint8_t range[RANGE];
    uint64_t sector, sectors;
    uint32_t flags;
    struct request *r;

    if (!virtio_has(&s->v, discard ? F_DISCARD : F_WRITE_ZEROES) ||
        buf->out_len != HEADER + RANGE) {
        finish(s, queue, buf, UNSUPP);
        return;
    }
    virtq_read(buf, HEADER, range, sizeof(range));
    sector = ldl_u64(range);
    sectors = ldl_u32(range + 8);
    flags = ldl_u32(range + 12);
    if ((flags & ~(uint32_t)FLAG_UNMAP) || (discard && flags)) {
        finish(s, queue, buf, UNSUPP);
        return;
    }
    if (sectors > CLEAR_SECTORS_MAX || !range_ok(s, sector, sectors * SECTOR)) {
        finish(s, queue, buf, IOERR);
        return;
    }
    r = request_new(s, queue, buf);
    r->flush_after = !discard && is_writethrough(s);
    submit(s, r, discard ? DRIVE_DISCARD : DRIVE_ZERO, sector * SECTOR,
           sectors * SECTOR);
}

static const char *serial_of(const struct virtio_blk *s)
{
    return s->serial ? s->serial : s->drive->serial ? s->drive->serial : "";
}

static void get_id(struct virtio_blk *s, unsigned queue, struct virtq_buf *buf)
{
    char id[ID_LENGTH] = {0};
    const char *serial = serial_of(s);

    memcpy(id, serial, MIN(strlen(serial), sizeof(id)));
    virtq_write(buf, 0, id, MIN(sizeof(id), buf->in_len - 1));
    finish(s, queue, buf, OK);
}

/* A request: type, reserved, sector; data; a status byte that comes last. */
static bool take_request(struct virtio *v, unsigned queue,
                         struct virtq_buf *buf)
{
    struct virtio_blk *s = blk_of(v);
    uint8_t header[HEADER];

    if (virtq_read(buf, 0, header, HEADER) != HEADER || buf->in_len == 0) {
        virtio_fail(v, "a request without a header or status");
        virtio_push(v, queue, buf, 0);
        return false;
    }
    switch (ldl_u32(header)) {
    case T_IN: transfer(s, queue, buf, ldl_u64(header + 8), false); break;
    case T_OUT: transfer(s, queue, buf, ldl_u64(header + 8), true); break;
    case T_FLUSH:
        submit(s, request_new(s, queue, buf), DRIVE_FLUSH, 0, 0);
        break;
    case T_GET_ID: get_id(s, queue, buf); break;
    case T_DISCARD: clear_range(s, queue, buf, true); break;
    case T_WRITE_ZEROES: clear_range(s, queue, buf, false); break;
    default: finish(s, queue, buf, UNSUPP); break;
    }
    return true;
}

static bool blk_notify(struct virtio *v, unsigned queue)
{
    return virtio_each(v, queue, take_request);
}

/* --- the configuration space --- */

static void put_geometry(struct virtio_blk *s)
{
    uint8_t *c = s->v.config;
    uint64_t cylinders = drive_size(s->drive) / SECTOR / (16 * 63);

    stl_u16(c + C_CYLINDERS, (uint16_t)MIN(MAX(cylinders, 2), 16383));
    c[C_HEADS] = 16;
    c[C_SECTORS] = 63;
    if (s->cyls && s->heads && s->secs) {
        stl_u16(c + C_CYLINDERS, (uint16_t)s->cyls);
        c[C_HEADS] = (uint8_t)s->heads;
        c[C_SECTORS] = (uint8_t)s->secs;
    } else if (s->drive->cyls) {
        stl_u16(c + C_CYLINDERS, (uint16_t)s->drive->cyls);
        c[C_HEADS] = (uint8_t)s->drive->heads;
        c[C_SECTORS] = (uint8_t)s->drive->secs;
    }
}

/* All but the write cache, which the driver may switch. */
static void put_config(struct virtio_blk *s)
{
    uint8_t *c = s->v.config;
    uint32_t block = s->logical_block_size;
    uint32_t granularity =
        s->discard_granularity ? s->discard_granularity : block;

    stl_u64(c + C_CAPACITY, drive_size(s->drive) / SECTOR);
    stl_u32(c + C_SEG_MAX, s->queue_size - 2u);
    put_geometry(s);
    stl_u32(c + C_BLK_SIZE, block);
    c[C_PHYSICAL_EXP] = (uint8_t)__builtin_ctz(s->physical_block_size / block);
    stl_u16(c + C_MIN_IO, (uint16_t)(s->min_io_size / block));
    stl_u32(c + C_OPT_IO, s->opt_io_size / block);
    stl_u16(c + C_NUM_QUEUES, s->num_queues);
    stl_u32(c + C_DISCARD_SECTORS, CLEAR_SECTORS_MAX);
    stl_u32(c + C_DISCARD_SEG, 1);
    stl_u32(c + C_DISCARD_ALIGN, granularity / SECTOR);
    stl_u32(c + C_ZEROES_SECTORS, CLEAR_SECTORS_MAX);
    stl_u32(c + C_ZEROES_SEG, 1);
    c[C_ZEROES_UNMAP] = 1;
}

static void blk_config_written(struct virtio *v, unsigned at, unsigned size,
                               const uint8_t *old)
{
    uint8_t wce = v->config[C_WRITEBACK] & 1;

    memcpy(v->config, old, sizeof(v->config));
    if (at <= C_WRITEBACK && C_WRITEBACK < at + size &&
        virtio_has(v, F_CONFIG_WCE)) {
        v->config[C_WRITEBACK] = wce;
    }
}

static void blk_changed(void *opaque)
{
    struct virtio_blk *s = opaque;

    put_config(s);
    virtio_config_changed(&s->v);
}

/* --- the device --- */

static void blk_reset(struct virtio *v)
{
    struct virtio_blk *s = blk_of(v);

    s->dropping = true;
    drive_drain(s->drive);
    s->dropping = false;
    v->config[C_WRITEBACK] = g_strcmp0(s->write_cache, "off") != 0;
}

static void blk_queue_reset(struct virtio *v, unsigned queue)
{
    drive_drain(blk_of(v)->drive);
}

static void blk_settle(struct virtio *v)
{
    put_config(blk_of(v));
    v->config[C_WRITEBACK] &= 1;
}

static bool check_sizes(struct virtio_blk *s, GError **error)
{
    const char *name = dev_name(s->v.dev);

    if (s->num_queues == QUEUES_AUTO || s->num_queues == 0) {
        s->num_queues = (uint16_t)MIN(s->v.machine->cpus, VIRTIO_QUEUES);
    }
    if (s->num_queues > VIRTIO_QUEUES) {
        return fail(error, "%s: num-queues=%u: at most %d", name, s->num_queues,
                    VIRTIO_QUEUES);
    }
    if (s->queue_size < 4 || s->queue_size > VIRTQ_SIZE_MAX ||
        (s->queue_size & (s->queue_size - 1))) {
        return fail(error, "%s: queue-size=%u: want a power of two, 4 to %d",
                    name, s->queue_size, VIRTQ_SIZE_MAX);
    }
    return dev_block_sizes(s->v.dev, s->logical_block_size,
                           &s->physical_block_size, error);
}

static void offer(struct virtio_blk *s)
{
    const struct {
        bool on;
        unsigned feature;
    } rows[] = {
        {true, F_SEG_MAX},
        {true, F_GEOMETRY},
        {s->drive->readonly, F_RO},
        {true, F_BLK_SIZE},
        {true, F_FLUSH},
        {true, F_TOPOLOGY},
        {s->config_wce, F_CONFIG_WCE},
        {s->num_queues > 1, F_MQ},
        {s->discard && !s->drive->readonly, F_DISCARD},
        {s->write_zeroes && !s->drive->readonly, F_WRITE_ZEROES},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].on) {
            virtio_offer(&s->v, rows[i].feature);
        }
    }
}

static bool blk_realize(struct virtio *v, GError **error)
{
    struct virtio_blk *s = blk_of(v);
    const struct drive_front front = {.changed = blk_changed, .opaque = s};

    if (!check_sizes(s, error)) {
        return false;
    }
    s->drive = dev_find_drive(v->dev, s->drive_id, s->rerror, s->werror, error);
    if (!s->drive) {
        return false;
    }
    if (!drive_has_medium(s->drive)) {
        return fail(error, "%s: drive '%s' has no disk image", dev_name(v->dev),
                    s->drive_id);
    }
    if (!drive_attach(s->drive, &front, error)) {
        return false;
    }
    for (unsigned i = 0; i < s->num_queues; i++) {
        virtio_add_queue(v, s->queue_size);
    }
    v->vectors = s->num_queues + 1u;
    offer(s);
    put_config(s);
    return true;
}

static void blk_unrealize(struct virtio *v)
{
    drive_detach(blk_of(v)->drive);
}

static const struct virtio_type blk_type = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLOCK,
    .pci_class = 0x010000,
    .config_size = C_SIZE,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
    .notify = blk_notify,
    .config_written = blk_config_written,
    .reset = blk_reset,
    .queue_reset = blk_queue_reset,
    .settle = blk_settle,
};

static const struct field blk_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_blk, proxy, false),
    PROP_STR(struct virtio_blk, drive_id, "drive", NULL),
    PROP_STR(struct virtio_blk, serial, "serial", NULL),
    PROP_STR(struct virtio_blk, rerror, "rerror", NULL),
    PROP_STR(struct virtio_blk, werror, "werror", NULL),
    PROP_STR(struct virtio_blk, write_cache, "write-cache", NULL),
    PROP_STR(struct virtio_blk, iothread, "iothread", NULL),
    PROP_AS(struct virtio_blk, num_queues, "num-queues", QUEUES_AUTO),
    PROP_AS(struct virtio_blk, queue_size, "queue-size", 256),
    PROP(struct virtio_blk, bootindex, -1),
    PROP(struct virtio_blk, cyls, 0),
    PROP(struct virtio_blk, heads, 0),
    PROP(struct virtio_blk, secs, 0),
    PROP(struct virtio_blk, logical_block_size, SECTOR),
    PROP(struct virtio_blk, physical_block_size, SECTOR),
    PROP(struct virtio_blk, min_io_size, 0),
    PROP(struct virtio_blk, opt_io_size, 0),
    PROP(struct virtio_blk, discard_granularity, 0),
    PROP_AS(struct virtio_blk, config_wce, "config-wce", true),
    PROP(struct virtio_blk, discard, true),
    PROP_AS(struct virtio_blk, write_zeroes, "write-zeroes", true),
    PROP_AS(struct virtio_blk, ignored, "scsi", false),
    PROP_AS(struct virtio_blk, ignored, "share-rw", false),
    PROP_AS(struct virtio_blk, ignored, "request-merging", true),
    PROP_AS(struct virtio_blk, ignored, "seg-max-adjust", true),
    FIELD_END,
};

static const struct field blk_state[] = {
    VIRTIO_PCI_STATE(struct virtio_blk, proxy),
    VIRTIO_STATE(struct virtio_blk, v),
    FIELD_END,
};

static void blk_init(struct dev *dev)
{
    struct virtio_blk *s = container_of(dev, struct virtio_blk, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &blk_type);
}

/* clang-format off */
const struct dev_type virtio_blk_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-blk", "disk", struct virtio_blk, blk_props,
                     blk_state, blk_init);
/* clang-format on */

bool virtio_blk_plug_drive(struct machine *m, struct drive *drive,
                           GError **error)
{
    struct dev *dev = dev_new(m, &virtio_blk_types[0], NULL);
    struct virtio_blk *s = container_of(dev, struct virtio_blk, proxy.pci.dev);

    s->drive_id = g_strdup(drive->id);
    if (!dev_realize(dev, error)) {
        dev_free(dev);
        return false;
    }
    return true;
}
