/* SPDX-License-Identifier: MIT */
/*
 * usb-storage: a disk behind the bulk-only transport. [BOT] USB Mass Storage
 * Class, Bulk-Only Transport 1.0. The disk itself is hw/scsi's.
 *
 * Data go through a buffer of CHUNK bytes; a longer READ or WRITE becomes
 * several, so that what is under way is small enough to be saved. Where the
 * host asks for more than there is, a short packet ends the data.
 */
#include "hw/usb/storage.h"

#include <string.h>

#include "base/be.h"
#include "hw/block/dev_drive.h"
#include "hw/scsi/scsi.h"

enum { CHUNK = 64 * 1024, CBW_SIZE = 31, CSW_SIZE = 13, EP_IN = 1, EP_OUT = 2 };
enum { CBW_SIGNATURE = 0x43425355, CSW_SIGNATURE = 0x53425355 };
enum { CSW_PASSED = 0, CSW_FAILED = 1, CSW_PHASE_ERROR = 2 };
enum { BULK_RESET = 0xff, GET_MAX_LUN = 0xfe };

enum stage { STAGE_CBW, STAGE_OUT, STAGE_IN, STAGE_CSW, STAGE_BROKEN };

struct storage {
    struct usb_dev usb;
    struct scsi_unit unit;
    char *drive_id, *rerror, *werror, *write_cache; /* properties */
    int32_t bootindex;
    uint32_t logical_block_size, physical_block_size;
    bool removable, share_rw, commandlog;

    struct scsi_request req;
    struct iovec iov;
    bool busy;     /* req is under way */
    bool dropping; /* nobody wants its end */

    /* saved */
    uint8_t stage;
    uint8_t csw_status;
    uint8_t cdb[SCSI_CDB];
    uint32_t tag, length; /* of the CBW */
    uint32_t done;        /* bytes of the data stage that the host has seen */
    uint32_t used;        /* bytes that the command has used */
    uint32_t piece_at, piece_len; /* what data[] holds */
    uint64_t lba;                 /* long transfers: where the next piece is */
    uint32_t blocks;              /* and how many follow; 0: not cut */
    bool ended;                   /* the command has no more pieces */
    uint8_t data[CHUNK];
};

static struct storage *storage_of(struct dev *dev)
{
    return container_of(dev, struct storage, usb.dev);
}

/* --- pieces of a command --- */

/* READ and WRITE (10), (12), (16) can be cut; the rest is short. */
static void plan(struct storage *s)
{
    const uint8_t *c = s->cdb;
    unsigned group = c[0] >> 5, what = c[0] & 0x1f;

    s->blocks = 0;
    if (what != 0x08 && what != 0x0a) {
        return;
    }
    switch (group) {
    case 1:
        s->lba = be32(c + 2);
        s->blocks = be16(c + 7);
        break;
    case 4:
        s->lba = be64(c + 2);
        s->blocks = be32(c + 10);
        break;
    case 5:
        s->lba = be32(c + 2);
        s->blocks = be32(c + 6);
        break;
    default: break;
    }
}

/* The CDB of a piece of `blocks` at s->lba. */
static void cut_cdb(const struct storage *s, uint8_t *c, uint32_t blocks)
{
    switch (c[0] >> 5) {
    case 1:
        put_be32(c + 2, (uint32_t)s->lba);
        put_be16(c + 7, blocks);
        break;
    case 4:
        put_be64(c + 2, s->lba);
        put_be32(c + 10, blocks);
        break;
    default:
        put_be32(c + 2, (uint32_t)s->lba);
        put_be32(c + 6, blocks);
        break;
    }
}

static void piece_done(struct scsi_request *r)
{
    struct storage *s = container_of(r, struct storage, req);

    s->busy = false;
    if (s->dropping) {
        return;
    }
    s->used += (uint32_t)r->moved;
    s->piece_at = 0;
    s->piece_len = s->stage == STAGE_IN ? (uint32_t)r->moved : 0;
    if (r->status != SCSI_GOOD) {
        s->csw_status = CSW_FAILED;
    }
    if (r->status != SCSI_GOOD || !s->blocks) {
        s->ended = true;
    }
    if (s->stage == STAGE_OUT && s->done == s->length) {
        s->stage = STAGE_CSW;
    }
    usb_ready(&s->usb);
}

/* The next piece, with the data that have come or room for those to come. */
static void run_piece(struct storage *s)
{
    struct scsi_request *r = &s->req;
    uint32_t fits = CHUNK / s->unit.block;
    bool out = s->stage == STAGE_OUT;
    uint32_t len = out ? s->piece_len
                       : (uint32_t)MIN(s->length - s->done, (uint32_t)CHUNK);

    memset(r, 0, sizeof(*r));
    memcpy(r->cdb, s->cdb, sizeof(r->cdb));
    if (s->blocks) {
        uint32_t now = MIN(s->blocks, fits);

        cut_cdb(s, r->cdb, now);
        s->lba += now;
        s->blocks -= now;
    }
    s->iov = (struct iovec){.iov_base = s->data, .iov_len = len};
    r->unit = &s->unit;
    r->iov = &s->iov;
    r->iov_count = len ? 1 : 0;
    r->len = len;
    r->to_device = out;
    r->done = piece_done;
    s->busy = true;
    scsi_submit(r);
}

/* --- the transport --- */

/* [BOT] 5.1, 6.2: a CBW that is valid and meaningful. */
static bool take_cbw(struct storage *s, const struct usb_packet *p)
{
    const uint8_t *c = p->data;
    unsigned len = p->len == CBW_SIZE ? c[14] & 31u : 0;

    if (p->len != CBW_SIZE || ldl_u32(c) != CBW_SIGNATURE || c[13] & 15 ||
        len < 1 || len > SCSI_CDB) {
        s->stage = STAGE_BROKEN;
        return false;
    }
    s->tag = ldl_u32(c + 4);
    s->length = ldl_u32(c + 8);
    memset(s->cdb, 0, sizeof(s->cdb));
    memcpy(s->cdb, c + 15, len);
    s->csw_status = CSW_PASSED;
    s->done = s->used = 0;
    s->piece_at = s->piece_len = 0;
    s->ended = false;
    plan(s);
    s->stage = !s->length ? STAGE_CSW : c[12] & 0x80 ? STAGE_IN : STAGE_OUT;
    if (s->stage != STAGE_OUT) {
        run_piece(s);
    }
    return true;
}

/* Data from the host; what a command does not want is dropped. */
static enum usb_status take_data(struct storage *s, struct usb_packet *p)
{
    uint32_t room = (uint32_t)MIN(CHUNK - s->piece_len, s->length - s->done);

    if (s->busy) {
        return USB_NAK;
    }
    p->done = MIN(p->len, room);
    if (s->ended) {
        s->done += (uint32_t)p->done;
        s->stage = s->done == s->length ? STAGE_CSW : STAGE_OUT;
        return USB_ACK;
    }
    memcpy(s->data + s->piece_len, p->data, p->done);
    s->piece_len += (uint32_t)p->done;
    s->done += (uint32_t)p->done;
    if (s->piece_len == CHUNK || s->done == s->length) {
        run_piece(s);
    }
    return USB_ACK;
}

static enum usb_status give_data(struct storage *s, struct usb_packet *p)
{
    unsigned packet = usb_endpoint(&s->usb, EP_IN, true)->max_packet;

    if (s->busy) {
        return USB_NAK;
    }
    p->done = MIN(p->len, s->piece_len - s->piece_at);
    memcpy(p->data, s->data + s->piece_at, p->done);
    s->piece_at += (uint32_t)p->done;
    s->done += (uint32_t)p->done;
    if (s->piece_at < s->piece_len) {
        return USB_ACK;
    }
    if (s->done == s->length || (s->ended && (p->done % packet || !p->done))) {
        s->stage = STAGE_CSW;
    } else if (!s->ended) {
        run_piece(s);
    }
    return USB_ACK;
}

/* [BOT] 5.2 */
static enum usb_status give_csw(struct storage *s, struct usb_packet *p)
{
    if (s->busy) {
        return USB_NAK;
    }
    if (p->len < CSW_SIZE) {
        return USB_BABBLE;
    }
    stl_u32(p->data, CSW_SIGNATURE);
    stl_u32(p->data + 4, s->tag);
    stl_u32(p->data + 8, s->length - MIN(s->used, s->length));
    p->data[12] = s->csw_status;
    p->done = CSW_SIZE;
    s->stage = STAGE_CBW;
    return USB_ACK;
}

static enum usb_status storage_data(struct usb_dev *d, struct usb_packet *p)
{
    struct storage *s = storage_of(&d->dev);

    if (s->stage == STAGE_BROKEN) { /* until a reset. [BOT] 6.6.1 */
        return USB_STALL;
    }
    if (p->pid == USB_IN) {
        return s->stage == STAGE_IN    ? give_data(s, p)
               : s->stage == STAGE_CSW ? give_csw(s, p)
                                       : USB_NAK;
    }
    if (s->stage == STAGE_OUT) {
        return take_data(s, p);
    }
    if (s->stage != STAGE_CBW) {
        return s->busy ? USB_NAK : USB_STALL;
    }
    p->done = p->len;
    return take_cbw(s, p) ? USB_ACK : USB_STALL;
}

/* Whatever is under way ends unheard. */
static void drop(struct storage *s)
{
    s->dropping = true;
    scsi_drain(&s->unit);
    s->dropping = false;
    s->stage = STAGE_CBW;
    s->csw_status = 0;
    s->length = s->done = s->used = s->tag = 0;
    s->piece_at = s->piece_len = 0;
    s->blocks = 0;
    s->lba = 0;
    s->ended = false;
    memset(s->cdb, 0, sizeof(s->cdb));
}

static enum usb_status storage_control(struct usb_dev *d,
                                       const struct usb_setup *u, uint8_t *data,
                                       size_t *len)
{
    struct storage *s = storage_of(&d->dev);

    if ((u->type & 0x7f) != (USB_CLASS | USB_TO_INTERFACE)) {
        return USB_STALL;
    }
    switch (u->request) {
    case BULK_RESET: drop(s); return USB_ACK;
    case GET_MAX_LUN: return usb_reply(&(uint8_t){0}, 1, data, len);
    default: return USB_STALL;
    }
}

static void storage_bus_reset(struct usb_dev *d)
{
    struct storage *s = storage_of(&d->dev);

    if (s->unit.drive) {
        drop(s);
        scsi_unit_reset(&s->unit);
    }
}

static const struct usb_dev_ops storage_ops = {
    .control = storage_control,
    .data = storage_data,
    .reset = storage_bus_reset,
};

/* --- descriptors --- */

/* clang-format off */
#define STORAGE_LAYOUT(nm, ver, packet, packet0, bursts) \
    static const struct usb_endpoint nm##_eps[] = { \
        {.address = 0x80 | EP_IN, .type = USB_BULK, .max_packet = (packet), \
         .burst = (bursts)}, \
        {.address = EP_OUT, .type = USB_BULK, .max_packet = (packet), \
         .burst = (bursts)}, \
    }; \
    static const struct usb_interface nm##_ifs[] = { \
        {.class = 8, .subclass = 6, .protocol = 0x50, .endpoint_count = 2, \
         .endpoints = nm##_eps}, \
    }; \
    static const struct usb_layout nm = { \
        .version = (ver), .max_packet0 = (packet0), .attributes = 0xc0, \
        .interface_count = 1, .interfaces = nm##_ifs, \
    }
/* clang-format on */

STORAGE_LAYOUT(full, 0x0200, 64, 8, 0);
STORAGE_LAYOUT(high, 0x0200, 512, 64, 0);
STORAGE_LAYOUT(super, 0x0300, 1024, 9, 15);

static const char *const strings[] = {"Rhea", "USB Storage", "1", NULL};

static const struct usb_desc storage_desc = {
    .vendor = 0x46f4,
    .product = 0x0001,
    .strings = strings,
    .layout = {[USB_FULL] = &full, [USB_HIGH] = &high, [USB_SUPER] = &super},
};

/* --- the device --- */

/* The unit behind the transport, with its drive. */
static bool add_unit(struct storage *s, GError **error)
{
    struct dev *dev = &s->usb.dev;

    if (!dev_block_sizes(dev, s->logical_block_size, &s->physical_block_size,
                         error)) {
        return false;
    }
    s->unit = (struct scsi_unit){
        .machine = dev->machine,
        .drive = dev_find_drive(dev, s->drive_id, s->rerror, s->werror, error),
        .removable = s->removable,
        .serial = s->usb.serial,
        .block = s->logical_block_size,
        .physical_block = s->physical_block_size,
        .cache_off = g_strcmp0(s->write_cache, "off") == 0,
    };
    return s->unit.drive && scsi_unit_realize(&s->unit, error);
}

static bool storage_realize(struct dev *dev, GError **error)
{
    struct storage *s = storage_of(dev);

    if (!add_unit(s, error)) {
        s->unit.drive = NULL;
        return false;
    }
    if (!usb_dev_realize(&s->usb, &storage_desc, &storage_ops, error)) {
        scsi_unit_unrealize(&s->unit);
        return false;
    }
    return true;
}

static void storage_unrealize(struct dev *dev)
{
    struct storage *s = storage_of(dev);

    s->dropping = true;
    scsi_unit_unrealize(&s->unit);
    usb_dev_unrealize(&s->usb);
}

static void storage_reset(struct dev *dev)
{
    usb_dev_reset(&storage_of(dev)->usb);
}

static bool storage_check(struct dev *dev, GError **error)
{
    const struct storage *s = storage_of(dev);

    if (s->stage > STAGE_BROKEN || s->piece_len > CHUNK ||
        s->piece_at > s->piece_len || s->done > s->length) {
        return fail(error, "%s: its transfer is out of range", dev_name(dev));
    }
    return usb_dev_check(&storage_of(dev)->usb, error);
}

static const struct field storage_props[] = {
    USB_PROPS(struct storage, usb),
    PROP_STR(struct storage, drive_id, "drive", NULL),
    PROP_STR(struct storage, rerror, "rerror", NULL),
    PROP_STR(struct storage, werror, "werror", NULL),
    PROP_STR(struct storage, write_cache, "write-cache", NULL),
    PROP(struct storage, bootindex, -1),
    PROP(struct storage, logical_block_size, 512),
    PROP(struct storage, physical_block_size, 512),
    PROP(struct storage, removable, false),
    PROP_AS(struct storage, share_rw, "share-rw", false),
    PROP(struct storage, commandlog, false),
    FIELD_END,
};

static const struct field storage_state[] = {
    USB_STATE(struct storage, usb),    SCSI_UNIT_STATE(struct storage, unit),
    FIELD(struct storage, stage),      FIELD(struct storage, csw_status),
    FIELD_ARRAY(struct storage, cdb),  FIELD(struct storage, tag),
    FIELD(struct storage, length),     FIELD(struct storage, done),
    FIELD(struct storage, used),       FIELD(struct storage, piece_at),
    FIELD(struct storage, piece_len),  FIELD(struct storage, lba),
    FIELD(struct storage, blocks),     FIELD(struct storage, ended),
    FIELD_ARRAY(struct storage, data), FIELD_END,
};

const struct dev_type usb_storage_type = {
    .name = "usb-storage",
    .desc = "USB disk",
    .bus = "usb-bus",
    .size = sizeof(struct storage),
    .version = 1,
    .props = storage_props,
    .state = storage_state,
    .realize = storage_realize,
    .unrealize = storage_unrealize,
    .reset = storage_reset,
    .check = storage_check,
};
