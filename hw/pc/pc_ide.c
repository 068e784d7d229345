/* SPDX-License-Identifier: MIT */
#include "hw/ata/ide_dev.h"
#include "hw/pc/pc_parts.h"

static bool plug(struct machine *m, struct drive *d, GError **error)
{
    const char *name = d->index < 2 ? "ide.0" : "ide.1";
    struct bus *bus = bus_find(m, "IDE", name);

    if (!bus || d->index > 3) {
        return true; /* whoever checks that drives are used will say so */
    }
    return ide_plug_drive(m, bus, d->index % 2, d, error);
}

/* An empty CD drive as master of the second channel, as PCs come. */
static bool default_cd(struct machine *m, struct board_config *c,
                       GError **error)
{
    struct drive *d;

    for (guint i = 0; i < c->drives->len; i++) {
        const struct drive *other = c->drives->pdata[i];

        if (other->bus == DRIVE_IF_IDE && other->index == 2) {
            return true;
        }
    }
    d = drive_new("ide1-cd0", &m->lock);
    d->bus = DRIVE_IF_IDE;
    d->index = 2;
    d->media = DRIVE_CDROM;
    d->removable = d->readonly = true;
    g_ptr_array_add(c->drives, d);
    machine_add_backend(m, BACKEND_DRIVE, d->id, d);
    return true;
}

bool pc_ide_drives(struct machine *m, struct board_config *c, GError **error)
{
    if (c->defaults && !default_cd(m, c, error)) {
        return false;
    }
    for (guint i = 0; i < c->drives->len; i++) {
        struct drive *d = c->drives->pdata[i];

        if (d->bus == DRIVE_IF_IDE && !plug(m, d, error)) {
            return false;
        }
    }
    return true;
}
