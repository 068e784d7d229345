/* SPDX-License-Identifier: MIT */
#include "vm/blockdev.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "vm/fdset.h"
#include "vm/monitors.h"

static const char *const drivers[] = {"file", "host_device", "host_cdrom",
                                      "raw", NULL};

static const char *const keys[] = {"driver",
                                   "node-name",
                                   "file",
                                   "filename",
                                   "read-only",
                                   "auto-read-only",
                                   "discard",
                                   "detect-zeroes",
                                   "cache.direct",
                                   "cache.no-flush",
                                   "locking",
                                   "aio",
                                   "file.driver",
                                   "file.filename",
                                   "file.node-name",
                                   "file.locking",
                                   "file.aio",
                                   "file.read-only",
                                   "file.auto-read-only",
                                   "file.discard",
                                   "file.cache.direct",
                                   "file.cache.no-flush",
                                   "force-share",
                                   "x-check-cache-dropped",
                                   "drop-cache",
                                   NULL};

struct node *blockdev_find(const struct vm *vm, const char *name)
{
    for (guint i = 0; i < vm->nodes->len; i++) {
        struct node *n = vm->nodes->pdata[i];

        if (strcmp(n->name, name) == 0) {
            return n;
        }
    }
    return NULL;
}

struct node *blockdev_of(const struct vm *vm, const struct drive *d)
{
    for (guint i = 0; i < vm->nodes->len; i++) {
        struct node *n = vm->nodes->pdata[i];

        if (n->drive == d && d->image) {
            return n;
        }
    }
    return NULL;
}

static void node_free(struct node *n)
{
    g_free(n->name);
    g_free(n->driver);
    g_free(n->file);
    g_free(n->over);
    g_free(n);
}

void blockdevs_free(struct vm *vm)
{
    for (guint i = 0; i < vm->nodes->len; i++) {
        node_free(vm->nodes->pdata[i]);
    }
    g_ptr_array_free(vm->nodes, TRUE);
}

/* --- from options --- */

static bool node_flags(struct node *n, struct opts *o, GError **error)
{
    const char *locking = opts_get(o, "locking");
    const char *discard = opts_get(o, "discard");
    bool lock = true;

    if (!locking) {
        locking = opts_get(o, "file.locking");
    }
    if (locking && strcmp(locking, "auto") != 0 &&
        !text_to_bool(locking, &lock)) {
        return fail(error, "locking=%s: want on, off or auto", locking);
    }
    n->options.no_lock = !lock;
    n->options.discard = discard && strcmp(discard, "unmap") == 0;
    for (size_t i = 0; keys[i]; i++) {
        opts_get(o, keys[i]);
    }
    return opts_get_bool(o, "read-only", &n->options.readonly, error) &&
           opts_get_bool(o, "cache.direct", &n->options.direct, error) &&
           opts_get_bool(o, "cache.no-flush", &n->options.unsafe, error) &&
           opts_check_used(o, "blockdev", keys, error);
}

/* raw: over a node, or over a file that it names itself. */
static bool node_below(struct vm *vm, struct node *n, struct opts *o,
                       GError **error)
{
    const char *over = opts_get(o, "file");
    const char *file = opts_get(o, "file.filename");
    struct node *below = over ? blockdev_find(vm, over) : NULL;

    if (!over && !file) {
        return fail(error, "A block device must be specified for \"file\"");
    }
    if (over && !below) {
        return fail(error, "Cannot find device='' nor node-name='%s'", over);
    }
    if (below && below->drive) {
        return fail(error, "Node '%s' is in use", over);
    }
    n->over = g_strdup(over);
    n->file = g_strdup(below ? below->file : file);
    if (below) {
        n->options.no_lock |= below->options.no_lock;
        n->options.direct |= below->options.direct;
    }
    return true;
}

static bool node_file(struct vm *vm, struct node *n, struct opts *o,
                      GError **error)
{
    const char *file = opts_get(o, "filename");
    g_autofree char *path = NULL;

    if (!file) {
        return fail(error, "Parameter 'filename' is missing");
    }
    path = fdsets_resolve(vm->monitors->fdsets, file, false, error);
    if (!path) {
        return false;
    }
    n->file = g_strdup(file);
    return access(path, R_OK) == 0 ||
           fail_errno(error, "Could not open '%s'", file);
}

static bool node_parse(struct vm *vm, struct node *n, struct opts *o,
                       GError **error)
{
    const char *driver = opts_get(o, "driver");
    const char *name = opts_get(o, "node-name");

    if (!driver) {
        return fail(error, "Parameter 'driver' is missing");
    }
    if (!name || !*name) {
        return fail(error, "'node-name' must be specified for the root node");
    }
    if (!g_strv_contains(drivers, driver)) {
        return fail_unknown(error, "block driver", driver, drivers);
    }
    if (blockdev_find(vm, name) ||
        machine_backend(&vm->machine, BACKEND_DRIVE, name)) {
        return fail(error, "Duplicate nodes with node-name='%s'", name);
    }
    n->name = g_strdup(name);
    n->driver = g_strdup(driver);
    return node_flags(n, o, error) &&
           (strcmp(driver, "raw") == 0 ? node_below(vm, n, o, error)
                                       : node_file(vm, n, o, error));
}

bool blockdev_add(struct vm *vm, struct opts *opts, GError **error)
{
    struct node *n = g_new0(struct node, 1);
    bool ok = node_parse(vm, n, opts, error);

    opts_free(opts);
    if (!ok) {
        node_free(n);
        return false;
    }
    g_ptr_array_add(vm->nodes, n);
    return true;
}

static bool is_below(const struct vm *vm, const char *name)
{
    for (guint i = 0; i < vm->nodes->len; i++) {
        const struct node *n = vm->nodes->pdata[i];

        if (g_strcmp0(n->over, name) == 0) {
            return true;
        }
    }
    return false;
}

bool blockdev_del(struct vm *vm, const char *name, GError **error)
{
    struct node *n = blockdev_find(vm, name);

    if (!n) {
        return fail(error, "Failed to find node with node-name='%s'", name);
    }
    if (n->drive) {
        return fail(error, "Node %s is in use", name);
    }
    if (is_below(vm, name)) {
        return fail(error, "Block device %s is in use", name);
    }
    g_ptr_array_remove(vm->nodes, n);
    node_free(n);
    return true;
}

/* --- images --- */

static struct image *node_open(struct vm *vm, const struct node *n,
                               bool readonly, GError **error)
{
    struct image_options o = n->options;
    g_autofree char *path = NULL;

    o.format = "raw";
    o.readonly |= readonly;
    path = fdsets_resolve(vm->monitors->fdsets, n->file, !o.readonly, error);
    return path ? image_open(path, &o, error) : NULL;
}

bool blockdev_insert(struct vm *vm, struct drive *d, const char *name,
                     GError **error)
{
    struct node *n = blockdev_find(vm, name);
    struct image *image;

    if (!n) {
        return fail(error, "Cannot find device='' nor node-name='%s'", name);
    }
    if (n->drive) {
        return fail(error, "Node '%s' is in use by '%s'", name, n->drive->id);
    }
    if (d->image) {
        return fail(error, "There already is a medium in device '%s'", d->id);
    }
    image = node_open(vm, n, d->media == DRIVE_CDROM, error);
    if (!image) {
        return false;
    }
    d->readonly = image->readonly;
    drive_set_image(d, image);
    n->drive = d;
    return true;
}

void blockdev_removed(struct vm *vm, const struct drive *d)
{
    for (guint i = 0; i < vm->nodes->len; i++) {
        struct node *n = vm->nodes->pdata[i];

        if (n->drive == d) {
            n->drive = NULL;
        }
    }
}

/* Will a CD drive have it? It may be opened for reading only then. */
static bool for_cd(const struct vm *vm, const char *name)
{
    g_autofree char *text = g_strdup_printf("drive=%s", name);
    g_autofree char *json = g_strdup_printf("\"drive\":\"%s\"", name);

    for (guint i = 0; i < vm->config->device->len; i++) {
        const char *device = vm->config->device->pdata[i];

        if (strstr(device, "ide-cd") &&
            (strstr(device, text) || strstr(device, json))) {
            return true;
        }
    }
    return false;
}

bool blockdevs_setup(struct vm *vm, GError **error)
{
    for (guint i = 0; i < vm->nodes->len; i++) {
        struct node *n = vm->nodes->pdata[i];
        struct drive *d;

        if (is_below(vm, n->name)) {
            continue;
        }
        d = drive_new(n->name, &vm->machine.lock);
        d->bus = DRIVE_IF_NONE;
        d->media = for_cd(vm, n->name) ? DRIVE_CDROM : DRIVE_DISK;
        d->removable = d->media == DRIVE_CDROM;
        machine_add_backend(&vm->machine, BACKEND_DRIVE, d->id, d);
        g_ptr_array_add(vm->drives, d);
        if (!blockdev_insert(vm, d, n->name, error)) {
            return false;
        }
    }
    return true;
}
