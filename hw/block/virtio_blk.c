/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk. [VIRTIO] 5.2. Data goes between the disk image and the guest's
 * own buffers, by the drive's workers.
 *
 * Not modelled: SCSI passthrough of legacy drivers, lifetime information,
 * secure erase, zoned devices.
 */
#include "hw/block/virtio_blk.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "block/drive.h"
#include "hw/virtio/virtio_pci.h"

enum { F_SEG_MAX = 2, F_GEOMETRY = 4, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9 };
enum { F_TOPOLOGY = 10, F_CONFIG_WCE = 11, F_MQ = 12, F_DISCARD = 13 };
enum { F_WRITE_ZEROES = 14, CONFIG_SIZE = 60, WCE_AT = 32 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11 };
enum { T_WRITE_ZEROES = 13, S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { HEADER = 16, SECTOR = 512, ID_SIZE = 20, RANGE = 16 };
enum { QUEUE_SIZE = 256, ZEROES = 64 << 10, RANGES_MAX = 1 };
enum { DISCARD_SECTORS_MAX = 1 << 21 };

struct virtio_blk {
    struct virtio_pci pci;
    struct drive *drive;
    bool write_cache; /* saved state: CONFIG_WCE */
    GPtrArray *spare; /* struct request *, to be used again */
    /* properties */
    char *drive_id, *serial, *rerror, *werror;
    uint32_t logical_block_size, physical_block_size, num_queues, queue_size;
    int32_t bootindex;
    bool discard, write_zeroes, config_wce;
};

struct request {
    struct virtio_chain chain; /* first: it is what is big */
    struct drive_req req;
    struct virtio_blk *blk;
    unsigned queue;
    uint32_t type;
    uint64_t zeroes_left; /* T_WRITE_ZEROES: bytes to go */
    struct iovec zero;
    struct iovec data[VIRTIO_SEGMENTS]; /* without header and status */
    unsigned data_count;
    uint64_t data_len;
};

static struct virtio_blk *blk_of(struct virtio *v)
{
    return container_of(v, struct virtio_blk, pci.v);
}

static struct virtio_blk *blk_of_dev(struct dev *dev)
{
    return container_of(dev, struct virtio_blk, pci.pci.dev);
}

/* ---- requests ---- */

static struct request *new_request(struct virtio_blk *s)
{
    if (s->spare->len) {
        return g_ptr_array_steal_index_fast(s->spare, s->spare->len - 1);
    }
    return g_new(struct request, 1);
}

static void finish(struct request *r, uint8_t status, uint64_t written)
{
    struct virtio_blk *s = r->blk;
    struct virtio *v = &s->pci.v;
    struct virtqueue *q = &v->queue[r->queue];

    virtio_wrote(v, &r->chain, written);
    virtio_write(v, &r->chain, r->chain.in_len - 1, &status, 1);
    virtqueue_push(q, &r->chain, (uint32_t)written + 1);
    virtqueue_flush(q);
    g_ptr_array_add(s->spare, r);
}

/* The data of a chain: its output behind the header, or its input before the
 * status byte. */
static void find_data(struct request *r)
{
    const struct virtio_chain *c = &r->chain;
    bool out = r->type & 1 || r->type == T_WRITE_ZEROES;
    uint64_t skip = out ? HEADER : 0;
    uint64_t left = out ? c->out_len - HEADER : c->in_len - 1;

    r->data_count = 0;
    r->data_len = left;
    for (unsigned i = out ? 0 : c->out; left; i++) {
        struct iovec v = c->iov[i];
        size_t cut = MIN(skip, v.iov_len);

        skip -= cut;
        v.iov_base = (uint8_t *)v.iov_base + cut;
        v.iov_len = MIN(v.iov_len - cut, left);
        left -= v.iov_len;
        if (v.iov_len) {
            r->data[r->data_count++] = v;
        }
    }
}

static void write_zeroes_step(struct request *r);

static void done(struct drive_req *req, int error)
{
    struct request *r = container_of(req, struct request, req);

    if (!error && r->zeroes_left) {
        write_zeroes_step(r);
        return;
    }
    if (!error && req->op == DRIVE_WRITE && !r->blk->write_cache) {
        req->op = DRIVE_FLUSH; /* write through */
        drive_submit(r->blk->drive, req);
        return;
    }
    finish(r, error ? S_IOERR : S_OK,
           r->type == T_IN && !error ? r->data_len : 0);
}

static void submit(struct request *r, enum drive_op op, uint64_t sector,
                   uint64_t len)
{
    r->req = (struct drive_req){
        .op = op,
        .offset = sector * SECTOR,
        .len = len,
        .iov = r->data,
        .iov_count = r->data_count,
        .done = done,
    };
    drive_submit(r->blk->drive, &r->req);
}

/* Does [sector, sector + len bytes) lie on the disk? */
static bool on_disk(const struct virtio_blk *s, uint64_t sector, uint64_t len)
{
    uint64_t size = drive_size(s->drive) / SECTOR;

    return len % SECTOR == 0 && sector <= size && len / SECTOR <= size - sector;
}

static void transfer(struct request *r, uint64_t sector)
{
    bool write = r->type == T_OUT;

    if (!on_disk(r->blk, sector, r->data_len) ||
        (write && r->blk->drive->readonly)) {
        finish(r, S_IOERR, 0);
    } else if (r->data_len == 0) {
        finish(r, S_OK, 0);
    } else {
        submit(r, write ? DRIVE_WRITE : DRIVE_READ, sector, r->data_len);
    }
}

static void get_id(struct request *r)
{
    struct virtio_blk *s = r->blk;
    const char *serial = s->serial ? s->serial : s->drive->serial;
    char id[ID_SIZE] = {0};
    size_t n;

    memcpy(id, serial ? serial : "", serial ? strnlen(serial, ID_SIZE) : 0);
    n = virtio_write(&s->pci.v, &r->chain, 0, id,
                     MIN(r->data_len, (uint64_t)ID_SIZE));
    finish(r, S_OK, n);
}

static void write_zeroes_step(struct request *r)
{
    static const uint8_t zeroes[ZEROES];
    uint64_t n = MIN(r->zeroes_left, (uint64_t)ZEROES);

    r->zero = (struct iovec){(void *)(uintptr_t)zeroes, n};
    r->req.op = DRIVE_WRITE;
    r->req.offset += r->req.len;
    r->req.len = n;
    r->req.iov = &r->zero;
    r->req.iov_count = 1;
    r->zeroes_left -= n;
    drive_submit(r->blk->drive, &r->req);
}

/* Discard and write zeroes: one range. 5.2.6.1 */
static void range(struct request *r)
{
    struct virtio_blk *s = r->blk;
    bool zero = r->type == T_WRITE_ZEROES;
    uint8_t d[RANGE];
    uint64_t sector, len;
    uint32_t flags;

    if (r->data_len != RANGE ||
        virtio_read(&r->chain, HEADER, d, RANGE) != RANGE) {
        finish(r, S_UNSUPP, 0);
        return;
    }
    sector = ldl_u64(d);
    len = (uint64_t)ldl_u32(d + 8) * SECTOR;
    flags = ldl_u32(d + 12);
    if (flags & ~(zero ? 1u : 0u)) {
        finish(r, S_UNSUPP, 0);
    } else if (len > (uint64_t)DISCARD_SECTORS_MAX * SECTOR ||
               !on_disk(s, sector, len) || s->drive->readonly) {
        finish(r, S_IOERR, 0);
    } else if (len == 0) {
        finish(r, S_OK, 0);
    } else if (zero) {
        r->zeroes_left = len;
        r->req = (struct drive_req){.offset = sector * SECTOR, .done = done};
        write_zeroes_step(r);
    } else {
        r->data_count = 0;
        submit(r, DRIVE_DISCARD, sector, len);
    }
}

static void start(struct request *r, const uint8_t *header)
{
    uint64_t sector = ldl_u64(header + 8);

    switch (r->type) {
    case T_IN:
    case T_OUT: transfer(r, sector); break;
    case T_FLUSH:
        r->data_count = 0;
        submit(r, DRIVE_FLUSH, 0, 0);
        break;
    case T_GET_ID: get_id(r); break;
    case T_DISCARD:
    case T_WRITE_ZEROES: range(r); break;
    default: finish(r, S_UNSUPP, 0); break;
    }
}

static void notified(struct virtio *v, unsigned queue)
{
    struct virtio_blk *s = blk_of(v);
    struct virtqueue *q = &v->queue[queue];

    for (;;) {
        struct request *r = new_request(s);
        uint8_t header[HEADER];

        if (!virtqueue_pop(q, &r->chain)) {
            g_ptr_array_add(s->spare, r);
            return;
        }
        if (virtio_read(&r->chain, 0, header, HEADER) < HEADER ||
            r->chain.in_len < 1) {
            virtio_broken(v, "a request without header or status");
            g_ptr_array_add(s->spare, r);
            return;
        }
        r->blk = s;
        r->queue = queue;
        r->type = ldl_u32(header);
        r->zeroes_left = 0;
        find_data(r);
        start(r, header);
    }
}

/* ---- the device ---- */

static void get_config(struct virtio *v, uint8_t *c)
{
    const struct virtio_blk *s = blk_of(v);
    uint64_t sectors = drive_size(s->drive) / SECTOR;
    uint64_t cylinders = MIN(sectors / (16 * 63), (uint64_t)16383);

    stl_u64(c, sectors);
    stl_u32(c + 12, VIRTIO_SEGMENTS - 2);
    stl_u16(c + 16, (uint16_t)(s->drive->cyls ? s->drive->cyls : cylinders));
    c[18] = (uint8_t)(s->drive->cyls ? s->drive->heads : 16);
    c[19] = (uint8_t)(s->drive->cyls ? s->drive->secs : 63);
    stl_u32(c + 20, s->logical_block_size);
    c[24] =
        (uint8_t)__builtin_ctz(s->physical_block_size / s->logical_block_size);
    stl_u16(c + 26, 1);
    c[WCE_AT] = s->write_cache;
    stl_u16(c + 34, (uint16_t)s->num_queues);
    stl_u32(c + 36, DISCARD_SECTORS_MAX);
    stl_u32(c + 40, RANGES_MAX);
    stl_u32(c + 44, s->logical_block_size / SECTOR);
    stl_u32(c + 48, DISCARD_SECTORS_MAX);
    stl_u32(c + 52, RANGES_MAX);
}

static void set_config(struct virtio *v, const uint8_t *c, unsigned at,
                       unsigned len)
{
    if (at <= WCE_AT && at + len > WCE_AT) {
        blk_of(v)->write_cache = c[WCE_AT] & 1;
    }
}

/* What is under way writes to memory that will be something else. */
static void reset_hook(struct virtio *v)
{
    struct virtio_blk *s = blk_of(v);

    if (s->drive) {
        drive_drain(s->drive);
    }
    s->write_cache = true;
}

static const struct virtio_ops blk_ops = {
    .type = VIRTIO_BLK,
    .config_size = CONFIG_SIZE,
    .get_config = get_config,
    .set_config = set_config,
    .reset = reset_hook,
};

static void changed(void *opaque)
{
    struct virtio_blk *s = opaque;

    virtio_config_changed(&s->pci.v);
}

static bool check_props(struct virtio_blk *s, GError **error)
{
    uint32_t l = s->logical_block_size, p = s->physical_block_size;

    if (l < 512 || l > 32768 || l & (l - 1) || p < l || p > 1 << 20 ||
        p & (p - 1)) {
        return fail(error,
                    "block sizes %u and %u: want powers of two, from "
                    "512 on, the physical one not smaller",
                    l, p);
    }
    if (s->num_queues < 1 || s->num_queues > VIRTIO_QUEUES) {
        return fail(error, "num-queues=%u: want 1 to %d", s->num_queues,
                    VIRTIO_QUEUES);
    }
    if (s->queue_size < 4 || s->queue_size > VIRTIO_QUEUE_MAX ||
        s->queue_size & (s->queue_size - 1)) {
        return fail(error, "queue-size=%u: want a power of two from 4 to %d",
                    s->queue_size, VIRTIO_QUEUE_MAX);
    }
    return true;
}

static bool find_drive(struct virtio_blk *s, GError **error)
{
    struct dev *dev = &s->pci.pci.dev;
    struct drive_front front = {.changed = changed, .opaque = s};
    struct drive *d =
        s->drive_id ? machine_backend(dev->machine, BACKEND_DRIVE, s->drive_id)
                    : NULL;

    if (!d) {
        return s->drive_id
                   ? fail(error, "%s: there is no drive '%s'", dev_name(dev),
                          s->drive_id)
                   : fail(error, "%s: want drive=ID (a drive with if=none)",
                          dev_name(dev));
    }
    if (!drive_has_medium(d)) {
        return fail(error, "%s: drive '%s' has no disk image", dev_name(dev),
                    d->id);
    }
    if (!drive_parse_policy(&d->on_read_error, s->rerror, false, error) ||
        !drive_parse_policy(&d->on_write_error, s->werror, true, error) ||
        !drive_attach(d, &front, error)) {
        return false;
    }
    s->drive = d;
    return true;
}

static uint64_t offer(const struct virtio_blk *s)
{
    bool ro = s->drive->readonly;

    return BIT(F_SEG_MAX) | BIT(F_GEOMETRY) | BIT(F_BLK_SIZE) | BIT(F_FLUSH) |
           BIT(F_TOPOLOGY) | (ro ? BIT(F_RO) : 0) |
           (s->config_wce ? BIT(F_CONFIG_WCE) : 0) |
           (s->num_queues > 1 ? BIT(F_MQ) : 0) |
           (s->discard && !ro ? BIT(F_DISCARD) : 0) |
           (s->write_zeroes && !ro ? BIT(F_WRITE_ZEROES) : 0);
}

static bool blk_realize(struct dev *dev, GError **error)
{
    struct virtio_blk *s = blk_of_dev(dev);

    if (!check_props(s, error) || !find_drive(s, error)) {
        return false;
    }
    s->spare = g_ptr_array_new_with_free_func(g_free);
    virtio_init(&s->pci.v, &blk_ops, dev, offer(s));
    for (unsigned i = 0; i < s->num_queues; i++) {
        virtio_add_queue(&s->pci.v, (uint16_t)s->queue_size, notified);
    }
    s->pci.vectors = MIN(s->pci.vectors, s->num_queues + 1);
    if (!virtio_pci_realize(&s->pci, 0x010000, error)) {
        drive_detach(s->drive);
        return false;
    }
    return true;
}

static void blk_unrealize(struct dev *dev)
{
    struct virtio_blk *s = blk_of_dev(dev);

    drive_drain(s->drive);
    drive_detach(s->drive);
    virtio_pci_unrealize(&s->pci);
    g_clear_pointer(&s->spare, g_ptr_array_unref);
}

static void blk_reset(struct dev *dev)
{
    virtio_pci_reset(&blk_of_dev(dev)->pci);
}

static void blk_settle(struct dev *dev)
{
    virtio_pci_settle(&blk_of_dev(dev)->pci);
}

static bool blk_check(struct dev *dev, GError **error)
{
    return virtio_check(&blk_of_dev(dev)->pci.v, error);
}

static const struct field blk_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_blk, pci, 2),
    PROP_STR(struct virtio_blk, drive_id, "drive", NULL),
    PROP_STR(struct virtio_blk, serial, "serial", NULL),
    PROP_STR(struct virtio_blk, rerror, "rerror", NULL),
    PROP_STR(struct virtio_blk, werror, "werror", NULL),
    PROP(struct virtio_blk, bootindex, -1),
    PROP(struct virtio_blk, logical_block_size, 512),
    PROP(struct virtio_blk, physical_block_size, 512),
    PROP_AS(struct virtio_blk, num_queues, "num-queues", 1),
    PROP_AS(struct virtio_blk, queue_size, "queue-size", QUEUE_SIZE),
    PROP(struct virtio_blk, discard, true),
    PROP_AS(struct virtio_blk, write_zeroes, "write-zeroes", true),
    PROP_AS(struct virtio_blk, config_wce, "config-wce", true),
    FIELD_END,
};

static const struct field blk_state[] = {
    VIRTIO_PCI_STATE(struct virtio_blk, pci),
    FIELD(struct virtio_blk, write_cache),
    FIELD_END,
};

const struct dev_type virtio_blk_pci_type = {
    .name = "virtio-blk-pci",
    .alias = "virtio-blk",
    .desc = "virtio disk",
    .bus = "PCI",
    .size = sizeof(struct virtio_blk),
    .version = 1,
    .props = blk_props,
    .state = blk_state,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
    .reset = blk_reset,
    .settle = blk_settle,
    .check = blk_check,
};
