/* SPDX-License-Identifier: MIT */
/*
 * SCSI buses, and the devices that plug into them: scsi-hd. Their commands are
 * in disk.c.
 */
#include <string.h>

#include "hw/block/dev_drive.h"
#include "hw/scsi/scsi.h"

struct scsi_dev {
    struct dev dev;
    struct scsi_unit unit;
    char *drive_id, *serial, *vendor, *product, *ver, *rerror, *werror;
    char *device_id, *write_cache;
    uint64_t wwn;
    uint32_t channel, lun, logical_block_size, physical_block_size;
    uint32_t discard_granularity, min_io_size, opt_io_size;
    uint16_t rotation_rate;
    int32_t scsi_id, bootindex;
    bool removable, dpofua, share_rw;
};

static struct scsi_dev *scsi_of(struct dev *dev)
{
    return container_of(dev, struct scsi_dev, dev);
}

/* --- buses --- */

struct scsi_bus *scsi_bus_new(struct dev *adapter, unsigned targets,
                              unsigned luns)
{
    struct scsi_bus *b = g_new0(struct scsi_bus, 1);

    b->units = g_ptr_array_new();
    b->targets = targets;
    b->luns = luns;
    b->bus = bus_new_numbered(adapter, "SCSI", "scsi", b);
    return b;
}

void scsi_bus_free(struct scsi_bus *b)
{
    for (guint i = 0; i < b->units->len; i++) {
        struct scsi_unit *u = b->units->pdata[i];

        u->bus = NULL;
    }
    g_ptr_array_free(b->units, TRUE);
    b->bus->impl = NULL;
    g_free(b);
}

struct scsi_unit *scsi_bus_unit(const struct scsi_bus *b, unsigned target,
                                unsigned lun)
{
    for (guint i = 0; i < b->units->len; i++) {
        struct scsi_unit *u = b->units->pdata[i];

        if (u->target == target && u->lun == lun) {
            return u;
        }
    }
    return NULL;
}

struct scsi_unit *scsi_bus_target(const struct scsi_bus *b, unsigned target)
{
    for (guint i = 0; i < b->units->len; i++) {
        struct scsi_unit *u = b->units->pdata[i];

        if (u->target == target) {
            return u;
        }
    }
    return NULL;
}

/* scsi-id=, or the first target that is free. */
static bool find_place(struct scsi_dev *s, struct scsi_bus *b, GError **error)
{
    unsigned target = s->scsi_id < 0 ? 0 : (unsigned)s->scsi_id;

    while (s->scsi_id < 0 && target < b->targets &&
           scsi_bus_unit(b, target, s->lun)) {
        target++;
    }
    if (target >= b->targets || s->lun >= b->luns || s->channel) {
        return fail(error,
                    "%s: channel=%u,scsi-id=%d,lun=%u: '%s' has "
                    "channel 0, targets 0 to %u, units 0 to %u",
                    dev_name(&s->dev), s->channel, s->scsi_id, s->lun,
                    b->bus->name, b->targets - 1, b->luns - 1);
    }
    if (scsi_bus_unit(b, target, s->lun)) {
        return fail(error, "%s: scsi-id=%u,lun=%u of '%s' is taken",
                    dev_name(&s->dev), target, s->lun, b->bus->name);
    }
    s->unit.target = target;
    s->unit.lun = s->lun;
    return true;
}

/* --- devices --- */

static bool describe(struct scsi_dev *s, GError **error)
{
    struct scsi_unit *u = &s->unit;

    if (!dev_block_sizes(&s->dev, s->logical_block_size,
                         &s->physical_block_size, error)) {
        return false;
    }
    u->machine = s->dev.machine;
    u->removable = s->removable;
    u->vendor = s->vendor;
    u->product = s->product;
    u->version = s->ver;
    u->serial = s->serial;
    u->wwn = s->wwn;
    u->block = s->logical_block_size;
    u->physical_block = s->physical_block_size;
    u->rotation = s->rotation_rate;
    u->cache_off = g_strcmp0(s->write_cache, "off") == 0;
    return true;
}

static bool scsi_realize(struct dev *dev, GError **error)
{
    struct scsi_dev *s = scsi_of(dev);
    struct bus *bus =
        dev->bus ? dev->bus : bus_find(dev->machine, "SCSI", NULL);
    struct scsi_bus *b = bus ? bus->impl : NULL;

    if (!b) {
        return fail(error,
                    "%s: there is no SCSI adapter; -device "
                    "virtio-scsi-pci is one",
                    dev_name(dev));
    }
    s->unit.drive =
        dev_find_drive(dev, s->drive_id, s->rerror, s->werror, error);
    if (!s->unit.drive || !describe(s, error) || !find_place(s, b, error) ||
        !scsi_unit_realize(&s->unit, error)) {
        s->unit.drive = NULL;
        return false;
    }
    dev->bus = bus;
    s->unit.bus = b;
    g_ptr_array_add(b->units, &s->unit);
    if (b->event) {
        b->event(b->opaque, &s->unit, SCSI_CAME);
    }
    return true;
}

static void scsi_unrealize(struct dev *dev)
{
    struct scsi_unit *u = &scsi_of(dev)->unit;

    if (u->bus) {
        if (u->bus->event) {
            u->bus->event(u->bus->opaque, u, SCSI_GOES);
        }
        scsi_drain(u);
        g_ptr_array_remove(u->bus->units, u);
        u->bus = NULL;
    }
    scsi_unit_unrealize(u);
}

static void scsi_reset(struct dev *dev)
{
    scsi_unit_reset(&scsi_of(dev)->unit);
}

static const struct field scsi_hd_props[] = {
    PROP_STR(struct scsi_dev, drive_id, "drive", NULL),
    PROP_STR(struct scsi_dev, serial, "serial", NULL),
    PROP_STR(struct scsi_dev, vendor, "vendor", NULL),
    PROP_STR(struct scsi_dev, product, "product", NULL),
    PROP_STR(struct scsi_dev, ver, "ver", NULL),
    PROP_STR(struct scsi_dev, device_id, "device_id", NULL),
    PROP_STR(struct scsi_dev, rerror, "rerror", NULL),
    PROP_STR(struct scsi_dev, werror, "werror", NULL),
    PROP_STR(struct scsi_dev, write_cache, "write-cache", NULL),
    PROP(struct scsi_dev, wwn, 0),
    PROP(struct scsi_dev, channel, 0),
    PROP_AS(struct scsi_dev, scsi_id, "scsi-id", -1),
    PROP(struct scsi_dev, lun, 0),
    PROP(struct scsi_dev, bootindex, -1),
    PROP(struct scsi_dev, logical_block_size, 512),
    PROP(struct scsi_dev, physical_block_size, 512),
    PROP(struct scsi_dev, discard_granularity, 4096),
    PROP(struct scsi_dev, min_io_size, 0),
    PROP(struct scsi_dev, opt_io_size, 0),
    PROP(struct scsi_dev, rotation_rate, 0),
    PROP(struct scsi_dev, removable, false),
    PROP(struct scsi_dev, dpofua, true),
    PROP_AS(struct scsi_dev, share_rw, "share-rw", false),
    FIELD_END,
};

static const struct field scsi_state[] = {
    SCSI_UNIT_STATE(struct scsi_dev, unit),
    FIELD_END,
};

const struct dev_type scsi_hd_type = {
    .name = "scsi-hd",
    .alias = "scsi-disk",
    .desc = "SCSI disk",
    .bus = "SCSI",
    .size = sizeof(struct scsi_dev),
    .version = 1,
    .props = scsi_hd_props,
    .state = scsi_state,
    .realize = scsi_realize,
    .unrealize = scsi_unrealize,
    .reset = scsi_reset,
};
