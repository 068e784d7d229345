/* SPDX-License-Identifier: MIT */
#include "hw/block/dev_drive.h"

struct drive *dev_find_drive(const struct dev *dev, const char *id,
                             const char *rerror, const char *werror,
                             GError **error)
{
    struct drive *d;

    if (!id) {
        fail(error, "%s: want drive=ID (a drive with if=none)", dev_name(dev));
        return NULL;
    }
    d = machine_backend(dev->machine, BACKEND_DRIVE, id);
    if (!d) {
        fail(error, "%s: there is no drive '%s'", dev_name(dev), id);
        return NULL;
    }
    return drive_parse_policy(&d->on_read_error, rerror, false, error) &&
                   drive_parse_policy(&d->on_write_error, werror, true, error)
               ? d
               : NULL;
}

static bool block_size_ok(uint32_t size)
{
    return size >= 512 && size <= 32 * KIB && (size & (size - 1)) == 0;
}

bool dev_block_sizes(const struct dev *dev, uint32_t logical,
                     uint32_t *physical, GError **error)
{
    if (!block_size_ok(logical) || !block_size_ok(*physical)) {
        return fail(error, "%s: a block size is a power of two, 512 to 32768",
                    dev_name(dev));
    }
    *physical = MAX(*physical, logical);
    return true;
}

void dev_tray_moved(struct machine *m, const struct drive *d, bool open)
{
    g_autofree char *json = g_strdup_printf(
        "{\"device\": \"%s\", \"id\": \"%s\", \"tray-open\": %s}", d->id, d->id,
        open ? "true" : "false");

    machine_event(m, "DEVICE_TRAY_MOVED", json);
}
