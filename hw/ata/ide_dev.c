/* SPDX-License-Identifier: MIT */
/*
 * ide-hd and ide-cd: what plugs a drive into an ATA channel.
 */
#include "hw/ata/ide_dev.h"

#include <string.h>

#include "hw/ata/ata.h"
#include "hw/block/dev_drive.h"

struct ide_dev {
    struct dev dev;
    char *drive_id, *serial, *model, *version;
    char *rerror, *werror; /* NULL: as -drive says */
    uint64_t wwn;
    int32_t unit, bootindex;
    uint32_t cyls, heads, secs;
    uint32_t logical_block_size, physical_block_size;
    struct ata_channel *channel;
    struct drive *drive;
    unsigned plugged; /* unit number + 1 */
};

static struct ide_dev *ide_dev_of(struct dev *dev)
{
    return container_of(dev, struct ide_dev, dev);
}

/* Most disks of old: 16 heads, 63 sectors; [ATA6] annex for the limits. */
static struct ata_geometry ide_guess_geometry(uint64_t sectors)
{
    uint64_t cyls = MIN(sectors / (16 * 63), 16383);

    return (struct ata_geometry){(uint32_t)MAX(cyls, 2), 16, 63};
}

static void copy_text(char *to, size_t size, const char *text,
                      const char *fallback)
{
    g_strlcpy(to, text ? text : fallback, size);
}

static void ide_describe(struct ide_dev *s, struct ata_dev *d)
{
    bool cd = d->kind == ATA_CDROM;
    const char *serial = s->serial ? s->serial : s->drive->serial;
    g_autofree char *number = g_strdup_printf("RH%05u", s->plugged);

    copy_text(d->serial, sizeof(d->serial), serial, number);
    copy_text(d->model, sizeof(d->model), s->model,
              cd ? "RHEA DVD-ROM" : "RHEA HARDDISK");
    copy_text(d->version, sizeof(d->version), s->version, "1.0");
    d->wwn = s->wwn;
    d->sectors = drive_size(s->drive) / (cd ? CD_SECTOR : ATA_SECTOR);
    d->geo = ide_guess_geometry(d->sectors);
    if (s->drive->cyls) {
        d->geo = (struct ata_geometry){s->drive->cyls, s->drive->heads,
                                       s->drive->secs};
    }
    if (s->cyls && s->heads && s->secs) {
        d->geo = (struct ata_geometry){s->cyls, s->heads, s->secs};
    }
    d->cur = d->geo;
}

static void ide_changed(void *opaque)
{
    struct ide_dev *s = opaque;

    atapi_media_changed(&s->channel->dev[s->plugged - 1]);
}

static bool ide_tray_open(void *opaque)
{
    struct ide_dev *s = opaque;

    return s->channel->dev[s->plugged - 1].tray_open;
}

static bool ide_tray_locked(void *opaque)
{
    struct ide_dev *s = opaque;

    return s->channel->dev[s->plugged - 1].tray_locked;
}

/* The button on the drive: asks the guest, or opens by force. */
static void ide_eject_request(void *opaque, bool force)
{
    struct ide_dev *s = opaque;
    struct ata_dev *d = &s->channel->dev[s->plugged - 1];

    d->media_event = 1;
    if (force) {
        d->tray_locked = false;
    }
}

static bool ide_find_place(struct ide_dev *s, unsigned *unit, GError **error)
{
    struct machine *m = s->dev.machine;

    for (guint i = 0; i < m->buses->len; i++) {
        struct bus *bus = m->buses->pdata[i];
        struct ata_channel *c = bus->impl;

        if (strcmp(bus->kind, "IDE") != 0 ||
            (s->dev.bus && s->dev.bus != bus)) {
            continue;
        }
        for (unsigned u = 0; u < 2; u++) {
            bool wanted = s->unit < 0 || s->unit == (int32_t)u;

            if (wanted && c->dev[u].kind == ATA_NONE) {
                s->channel = c;
                s->dev.bus = bus;
                *unit = u;
                return true;
            }
        }
    }
    return fail(error, "%s: no free place on %s", dev_name(&s->dev),
                s->dev.bus ? s->dev.bus->name : "any IDE bus");
}

static bool ide_dev_realize(struct dev *dev, bool cd, GError **error)
{
    struct ide_dev *s = ide_dev_of(dev);
    struct drive_front front = {.opaque = s};
    unsigned unit = 0;

    if (!ide_find_place(s, &unit, error)) {
        return false;
    }
    s->drive = dev_find_drive(dev, s->drive_id, s->rerror, s->werror, error);
    if (!s->drive) {
        return false;
    }
    if (cd) {
        front.changed = ide_changed;
        front.tray_open = ide_tray_open;
        front.tray_locked = ide_tray_locked;
        front.eject_request = ide_eject_request;
        s->drive->removable = true;
        s->drive->media = DRIVE_CDROM;
    } else if (!drive_has_medium(s->drive) || drive_size(s->drive) == 0) {
        return fail(error, "%s: drive '%s' has no disk image, or an empty one",
                    dev_name(dev), s->drive->id);
    }
    if (s->logical_block_size != 512 && s->logical_block_size != 0) {
        return fail(error, "%s: logical_block_size must be 512", dev_name(dev));
    }
    if (!drive_attach(s->drive, &front, error)) {
        return false;
    }
    s->plugged = unit + 1;
    s->channel->dev[unit].kind = cd ? ATA_CDROM : ATA_DISK;
    s->channel->dev[unit].drive = s->drive;
    ide_describe(s, &s->channel->dev[unit]);
    return true;
}

static bool ide_hd_realize(struct dev *dev, GError **error)
{
    return ide_dev_realize(dev, false, error);
}

static bool ide_cd_realize(struct dev *dev, GError **error)
{
    return ide_dev_realize(dev, true, error);
}

static void ide_dev_unrealize(struct dev *dev)
{
    struct ide_dev *s = ide_dev_of(dev);

    drive_detach(s->drive);
    s->channel->dev[s->plugged - 1].kind = ATA_NONE;
    s->channel->dev[s->plugged - 1].drive = NULL;
}

static const struct field ide_dev_props[] = {
    PROP_STR(struct ide_dev, drive_id, "drive", NULL),
    PROP_STR(struct ide_dev, serial, "serial", NULL),
    PROP_STR(struct ide_dev, model, "model", NULL),
    PROP_STR(struct ide_dev, version, "ver", NULL),
    PROP_STR(struct ide_dev, rerror, "rerror", NULL),
    PROP_STR(struct ide_dev, werror, "werror", NULL),
    PROP(struct ide_dev, wwn, 0),
    PROP(struct ide_dev, unit, -1),
    PROP(struct ide_dev, bootindex, -1),
    PROP(struct ide_dev, cyls, 0),
    PROP(struct ide_dev, heads, 0),
    PROP(struct ide_dev, secs, 0),
    PROP(struct ide_dev, logical_block_size, 512),
    PROP(struct ide_dev, physical_block_size, 512),
    FIELD_END,
};

const struct dev_type ide_hd_type = {
    .name = "ide-hd",
    .desc = "IDE disk",
    .bus = "IDE",
    .size = sizeof(struct ide_dev),
    .props = ide_dev_props,
    .realize = ide_hd_realize,
    .unrealize = ide_dev_unrealize,
};

const struct dev_type ide_cd_type = {
    .name = "ide-cd",
    .desc = "IDE CD/DVD drive",
    .bus = "IDE",
    .size = sizeof(struct ide_dev),
    .props = ide_dev_props,
    .realize = ide_cd_realize,
    .unrealize = ide_dev_unrealize,
};

bool ide_plug_drive(struct machine *m, struct bus *bus, unsigned unit,
                    struct drive *drive, GError **error)
{
    bool cd = drive->media == DRIVE_CDROM;
    struct dev *dev = dev_new(m, cd ? &ide_cd_type : &ide_hd_type, NULL);
    struct ide_dev *s = ide_dev_of(dev);

    dev->bus = bus;
    s->unit = (int32_t)unit;
    s->drive_id = g_strdup(drive->id);
    if (!dev_realize(dev, error)) {
        dev_free(dev);
        return false;
    }
    return true;
}
