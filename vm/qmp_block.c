/* SPDX-License-Identifier: MIT */
/* QMP commands about drives and what is in them. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "vm/actions.h"
#include "vm/blockdev.h"
#include "vm/monitors.h"
#include "vm/qmp_commands.h"

static JsonObject *image_object(const struct image *image)
{
    JsonObject *o = json_object_new();
    struct stat st;

    json_object_set_int_member(o, "virtual-size", (gint64)image->size);
    json_object_set_string_member(o, "filename", image->filename);
    json_object_set_string_member(o, "format", image->ops->name);
    if (stat(image->filename, &st) == 0) {
        json_object_set_int_member(o, "actual-size",
                                   (gint64)st.st_blocks * 512);
    }
    json_object_set_boolean_member(o, "dirty-flag", false);
    return o;
}

static JsonObject *inserted_object(const struct drive *d)
{
    static const char *const throttles[] = {"bps",  "bps_rd",  "bps_wr",
                                            "iops", "iops_rd", "iops_wr"};
    JsonObject *cache = json_object_new();
    JsonObject *o = json_object_new();

    for (size_t i = 0; i < ARRAY_SIZE(throttles); i++) {
        json_object_set_int_member(o, throttles[i], 0);
    }
    json_object_set_string_member(o, "file", d->image->filename);
    json_object_set_string_member(o, "drv", d->image->ops->name);
    json_object_set_boolean_member(o, "ro", d->image->readonly);
    json_object_set_boolean_member(o, "encrypted", false);
    json_object_set_int_member(o, "backing_file_depth", 0);
    json_object_set_string_member(o, "detect_zeroes", "off");
    json_object_set_int_member(o, "write_threshold", 0);
    json_object_set_boolean_member(cache, "writeback", true);
    json_object_set_boolean_member(cache, "direct", false);
    json_object_set_boolean_member(cache, "no-flush", false);
    json_object_set_object_member(o, "cache", cache);
    json_object_set_object_member(o, "image", image_object(d->image));
    return o;
}

static char *qdev_path(struct vm *vm, const struct drive *d)
{
    const struct dev *dev = action_drive_dev(vm, d);

    return !dev      ? NULL
           : dev->id ? g_strdup(dev->id)
                     : g_strdup_printf("/machine/unattached/%s", d->id);
}

JsonNode *qmp_query_block(struct qmp_call *c, GError **error)
{
    const GPtrArray *drives = c->vm->drives;
    JsonArray *a = json_array_new();

    for (guint i = 0; i < drives->len; i++) {
        const struct drive *d = drives->pdata[i];
        g_autofree char *qdev = qdev_path(c->vm, d);
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "io-status",
                                      d->stalled_by == 0        ? "ok"
                                      : d->stalled_by == ENOSPC ? "nospace"
                                                                : "failed");
        json_object_set_string_member(o, "device", d->id);
        json_object_set_boolean_member(o, "locked", action_tray_locked(d));
        json_object_set_boolean_member(o, "removable", d->removable);
        if (d->image) {
            JsonObject *in = inserted_object(d);
            const struct node *n = blockdev_of(c->vm, d);

            if (n) {
                json_object_set_string_member(in, "node-name", n->name);
            }
            json_object_set_object_member(o, "inserted", in);
        }
        if (qdev) {
            json_object_set_string_member(o, "qdev", qdev);
        }
        if (d->front.tray_open) {
            json_object_set_boolean_member(o, "tray_open", action_tray_open(d));
        }
        json_object_set_string_member(o, "type", "unknown");
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

static JsonObject *stats_object(const struct drive *d)
{
    static const char *const zeroes[] = {"flush_total_time_ns",
                                         "wr_total_time_ns",
                                         "rd_total_time_ns",
                                         "wr_merged",
                                         "rd_merged",
                                         "wr_highest_offset",
                                         "failed_rd_operations",
                                         "failed_wr_operations",
                                         "failed_flush_operations",
                                         "invalid_rd_operations",
                                         "invalid_wr_operations",
                                         "invalid_flush_operations"};
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "rd_bytes", (gint64)d->rd_bytes);
    json_object_set_int_member(o, "wr_bytes", (gint64)d->wr_bytes);
    json_object_set_int_member(o, "rd_operations", (gint64)d->rd_ops);
    json_object_set_int_member(o, "wr_operations", (gint64)d->wr_ops);
    json_object_set_int_member(o, "flush_operations", (gint64)d->flush_ops);
    for (size_t i = 0; i < ARRAY_SIZE(zeroes); i++) {
        json_object_set_int_member(o, zeroes[i], 0);
    }
    json_object_set_boolean_member(o, "account_invalid", true);
    json_object_set_boolean_member(o, "account_failed", true);
    json_object_set_array_member(o, "timed_stats", json_array_new());
    return o;
}

JsonNode *qmp_query_blockstats(struct qmp_call *c, GError **error)
{
    const GPtrArray *drives = c->vm->drives;
    JsonArray *a = json_array_new();

    for (guint i = 0; i < drives->len; i++) {
        const struct drive *d = drives->pdata[i];
        g_autofree char *qdev = qdev_path(c->vm, d);
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "device", d->id);
        json_object_set_object_member(o, "stats", stats_object(d));
        if (qdev) {
            json_object_set_string_member(o, "qdev", qdev);
        }
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

/* Nodes, and the images of drives that have none: "#block" and the id. */
JsonNode *qmp_query_named_block_nodes(struct qmp_call *c, GError **error)
{
    const GPtrArray *drives = c->vm->drives;
    JsonArray *a = json_array_new();

    for (guint i = 0; i < drives->len; i++) {
        const struct drive *d = drives->pdata[i];
        const struct node *n = blockdev_of(c->vm, d);
        g_autofree char *name =
            n ? g_strdup(n->name) : g_strdup_printf("#block-%s", d->id);
        JsonObject *o;

        if (d->image) {
            o = inserted_object(d);
            json_object_set_string_member(o, "node-name", name);
            json_array_add_object_element(a, o);
        }
    }
    return qmp_array(a);
}

/* --- media --- */

static struct drive *arg_drive(struct qmp_call *c, GError **error)
{
    const char *device = qmp_arg_string(c, "device");
    const char *id = qmp_arg_string(c, "id");

    if (!device == !id) {
        fail(error, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    return action_find_drive(c->vm, device ? device : id, error);
}

JsonNode *qmp_eject(struct qmp_call *c, GError **error)
{
    struct drive *d = arg_drive(c, error);

    return d && action_eject(c->vm, d, qmp_arg_bool(c, "force", false), error)
               ? qmp_nothing()
               : NULL;
}

JsonNode *qmp_remove_medium(struct qmp_call *c, GError **error)
{
    struct drive *d = arg_drive(c, error);

    if (d && action_tray_locked(d) && !action_tray_open(d)) {
        fail(error, "Tray of device '%s' is not open", d->id);
        return NULL;
    }
    return d && action_eject(c->vm, d, true, error) ? qmp_nothing() : NULL;
}

/* A node's image goes into an empty drive, and the tray closes. */
JsonNode *qmp_insert_medium(struct qmp_call *c, GError **error)
{
    struct drive *d = arg_drive(c, error);

    if (!d || (!d->removable &&
               !fail(error, "Device '%s' is not removable", d->id))) {
        return NULL;
    }
    if (!blockdev_insert(c->vm, d, qmp_arg_string(c, "node-name"), error)) {
        return NULL;
    }
    action_tray_event(c->vm, d, false);
    return qmp_nothing();
}

JsonNode *qmp_open_tray(struct qmp_call *c, GError **error)
{
    struct drive *d = arg_drive(c, error);

    return d && action_open_tray(c->vm, d, qmp_arg_bool(c, "force", false),
                                 error)
               ? qmp_nothing()
               : NULL;
}

/* A new medium closes the tray by itself. */
JsonNode *qmp_close_tray(struct qmp_call *c, GError **error)
{
    struct drive *d = arg_drive(c, error);

    return d && (d->removable ||
                 fail(error, "Device '%s' is not removable", d->id))
               ? qmp_nothing()
               : NULL;
}

JsonNode *qmp_change_medium(struct qmp_call *c, GError **error)
{
    struct drive *d = arg_drive(c, error);

    return d && action_change_medium(c->vm, d, qmp_arg_string(c, "filename"),
                                     qmp_arg_string(c, "format"),
                                     qmp_arg_string(c, "read-only-mode"),
                                     qmp_arg_bool(c, "force", false), error)
               ? qmp_nothing()
               : NULL;
}

/* The command that blockdev-change-medium and change-vnc-password replaced. */
JsonNode *qmp_change(struct qmp_call *c, GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;
    const char *device = qmp_arg_string(c, "device");
    const char *target = qmp_arg_string(c, "target");
    const char *arg = qmp_arg_string(c, "arg");
    struct drive *d;
    bool ok;

    if (strcmp(device, "vnc") != 0) {
        d = action_find_drive(c->vm, device, error);
        ok = d &&
             action_change_medium(c->vm, d, target, arg, NULL, false, error);
    } else if (!vnc) {
        ok = qmp_fail(error, QMP_DEVICE_NOT_ACTIVE,
                      "No VNC display has been activated");
    } else if (strcmp(target, "password") != 0) {
        ok = fail(error, "of VNC only the password can be changed");
    } else {
        ok = vnc->set_password(vnc->opaque, arg, error);
    }
    return ok ? qmp_nothing() : NULL;
}
