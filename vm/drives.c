/* SPDX-License-Identifier: MIT */
#include "vm/drives.h"

#include <string.h>

#include "base/opts.h"
#include "base/text.h"
#include "vm/fdset.h"
#include "vm/monitors.h"

static const char *const bus_names[] = {[DRIVE_IF_NONE] = "none",
                                        [DRIVE_IF_IDE] = "ide",
                                        [DRIVE_IF_FLOPPY] = "floppy",
                                        [DRIVE_IF_SCSI] = "scsi",
                                        [DRIVE_IF_VIRTIO] = "virtio",
                                        [DRIVE_IF_PFLASH] = "pflash",
                                        NULL};

static const char *const media_names[] = {
    [DRIVE_DISK] = "disk", [DRIVE_CDROM] = "cdrom", NULL};

static const char *const known_keys[] = {"file",
                                         "if",
                                         "index",
                                         "bus",
                                         "unit",
                                         "media",
                                         "format",
                                         "id",
                                         "readonly",
                                         "read-only",
                                         "snapshot",
                                         "cache",
                                         "aio",
                                         "serial",
                                         "discard",
                                         "werror",
                                         "rerror",
                                         "cyls",
                                         "heads",
                                         "secs",
                                         "trans",
                                         "detect-zeroes",
                                         "file.locking",
                                         "locking",
                                         "driver",
                                         "file.driver",
                                         "file.filename",
                                         "node-name",
                                         NULL};

/* The index of a word in a list; false with near matches. */
static bool word_index(const char *const *words, const char *what,
                       const char *word, unsigned *index, GError **error)
{
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *index = i;
            return true;
        }
    }
    return fail_unknown(error, what, word, words);
}

static bool parse_cache(struct image_options *o, const char *cache,
                        GError **error)
{
    static const char *const modes[] = {
        "writeback", "none", "writethrough", "unsafe", "directsync",
        "off",       NULL};
    unsigned mode = 0;

    if (cache && !word_index(modes, "cache mode", cache, &mode, error)) {
        return false;
    }
    o->direct = mode == 1 || mode == 4 || mode == 5;
    o->writethrough = mode == 2 || mode == 4;
    o->unsafe = mode == 3;
    return true;
}

/* "auto" is on; the rest as text_to_bool says. */
static bool parse_locking(struct image_options *o, struct opts *opts,
                          GError **error)
{
    const char *text = opts_get(opts, "file.locking");
    bool on = true;

    if (!text) {
        text = opts_get(opts, "locking");
    }
    if (text && strcmp(text, "auto") != 0 && !text_to_bool(text, &on)) {
        return fail(error, "file.locking=%s: want on, off or auto", text);
    }
    o->no_lock = !on;
    return true;
}

static bool parse_image_options(struct image_options *o, struct opts *opts,
                                GError **error)
{
    const char *discard = opts_get(opts, "discard");

    o->format = opts_get(opts, "format");
    if (!o->format) {
        o->format = opts_get(opts, "driver");
    }
    o->discard = discard &&
                 (strcmp(discard, "unmap") == 0 || strcmp(discard, "on") == 0);
    /* Accepted without effect: one way to do I/O. */
    opts_get(opts, "aio");
    opts_get(opts, "trans");
    opts_get(opts, "detect-zeroes");
    opts_get(opts, "file.driver");
    opts_get(opts, "node-name");
    return opts_get_bool(opts, "readonly", &o->readonly, error) &&
           opts_get_bool(opts, "read-only", &o->readonly, error) &&
           opts_get_bool(opts, "snapshot", &o->snapshot, error) &&
           parse_locking(o, opts, error) &&
           parse_cache(o, opts_get(opts, "cache"), error);
}

static bool parse_policies(struct drive *d, struct opts *opts, GError **error)
{
    return drive_parse_policy(&d->on_write_error, opts_get(opts, "werror"),
                              true, error) &&
           drive_parse_policy(&d->on_read_error, opts_get(opts, "rerror"),
                              false, error);
}

static bool parse_geometry(struct drive *d, struct opts *opts, GError **error)
{
    uint64_t c = 0;
    uint64_t h = 0;
    uint64_t s = 0;

    if (!opts_get_uint(opts, "cyls", 65535, &c, error) ||
        !opts_get_uint(opts, "heads", 255, &h, error) ||
        !opts_get_uint(opts, "secs", 255, &s, error)) {
        return false;
    }
    if (!(c && h && s) && (c || h || s)) {
        return fail(error, "cyls, heads and secs go together");
    }
    d->cyls = (uint32_t)c;
    d->heads = (uint32_t)h;
    d->secs = (uint32_t)s;
    return true;
}

struct drive *drive_at(const GPtrArray *drives, enum drive_bus bus,
                       unsigned index)
{
    for (guint i = 0; i < drives->len; i++) {
        struct drive *d = drives->pdata[i];

        if (d->bus == bus && d->index == index) {
            return d;
        }
    }
    return NULL;
}

static bool parse_index(struct drive *d, const GPtrArray *drives,
                        struct opts *opts, GError **error)
{
    uint64_t index = 0;
    uint64_t bus = 0;
    uint64_t unit = 0;
    unsigned per_bus = d->bus == DRIVE_IF_IDE ? 2 : 1;

    if (!opts_get_uint(opts, "index", 255, &index, error) ||
        !opts_get_uint(opts, "bus", 255, &bus, error) ||
        !opts_get_uint(opts, "unit", 255, &unit, error)) {
        return false;
    }
    if (opts_has(opts, "bus") || opts_has(opts, "unit")) {
        index = bus * per_bus + unit;
    } else if (!opts_has(opts, "index")) {
        while (drive_at(drives, d->bus, (unsigned)index)) {
            index++;
        }
    }
    if (d->bus != DRIVE_IF_NONE && drive_at(drives, d->bus, (unsigned)index)) {
        return fail(error, "two drives with if=%s,index=%u", bus_names[d->bus],
                    (unsigned)index);
    }
    d->index = (unsigned)index;
    return true;
}

static bool parse_place(struct drive *d, const GPtrArray *drives,
                        struct opts *opts, GError **error)
{
    const char *bus = opts_get(opts, "if");
    const char *media = opts_get(opts, "media");
    const char *serial = opts_get(opts, "serial");
    unsigned bus_index = DRIVE_IF_IDE;
    unsigned media_index = DRIVE_DISK;

    if ((bus &&
         !word_index(bus_names, "drive interface", bus, &bus_index, error)) ||
        (media &&
         !word_index(media_names, "medium", media, &media_index, error))) {
        return false;
    }
    d->bus = bus_index;
    if (bus_index == DRIVE_IF_PFLASH) {
        return fail(error, "if=pflash: there is no flash memory yet; -bios "
                           "takes firmware images");
    }
    d->media = d->bus == DRIVE_IF_FLOPPY ? DRIVE_FLOPPY : media_index;
    d->removable = d->media != DRIVE_DISK;
    d->serial = g_strdup(serial);
    return parse_index(d, drives, opts, error) &&
           parse_policies(d, opts, error) && parse_geometry(d, opts, error);
}

/* "ide0-hd1", "ide1-cd0", "floppy0" as people know them. */
static char *default_id(const struct drive *d, const GPtrArray *drives)
{
    switch (d->bus) {
    case DRIVE_IF_IDE:
        return g_strdup_printf("ide%u-%s%u", d->index / 2,
                               d->media == DRIVE_CDROM ? "cd" : "hd",
                               d->index % 2);
    case DRIVE_IF_NONE: return g_strdup_printf("drive%u", drives->len);
    default: return g_strdup_printf("%s%u", bus_names[d->bus], d->index);
    }
}

/* "/dev/fdset/N" is a descriptor that was passed. */
static struct image *open_named(const struct machine *m, const char *file,
                                const struct image_options *o, GError **error)
{
    const struct vm *vm = m->vm;
    g_autofree char *path =
        vm ? fdsets_resolve(vm->monitors->fdsets, file, !o->readonly, error)
           : g_strdup(file);

    return path ? image_open(path, o, error) : NULL;
}

static bool drive_open(const struct machine *m, struct drive *d,
                       const char *file, struct image_options *o,
                       GError **error)
{
    o->readonly |= d->media == DRIVE_CDROM;
    d->readonly = o->readonly;
    if (!file || !*file) {
        return d->removable ||
               fail(error, "drive '%s': a disk wants file=NAME", d->id);
    }
    d->image = open_named(m, file, o, error);
    return d->image;
}

static bool drive_parse(struct machine *m, GPtrArray *drives, struct opts *opts,
                        struct image_options *o, GError **error)
{
    struct drive *d = drive_new(NULL, &m->lock);
    const char *id = opts_get(opts, "id");
    const char *long_name = opts_get(opts, "file.filename");
    const char *file = opts_get(opts, "file");
    bool ok = parse_image_options(o, opts, error) &&
              parse_place(d, drives, opts, error);

    if (ok) {
        d->id = id ? g_strdup(id) : default_id(d, drives);
        if (machine_backend(m, BACKEND_DRIVE, d->id)) {
            ok = fail(error, "two drives with id '%s'", d->id);
        }
    }
    if (!ok || !opts_check_used(opts, "drive", known_keys, error) ||
        !drive_open(m, d, file ? file : long_name, o, error)) {
        drive_free(d);
        return false;
    }
    machine_add_backend(m, BACKEND_DRIVE, d->id, d);
    g_ptr_array_add(drives, d);
    return true;
}

bool drive_from_text(struct machine *m, GPtrArray *drives, const char *text,
                     bool snapshot, GError **error)
{
    struct image_options o = {.snapshot = snapshot};
    struct opts *opts = opts_parse(text, NULL, error);
    bool ok;

    if (!opts) {
        return false;
    }
    ok = drive_parse(m, drives, opts, &o, error);
    opts_free(opts);
    return ok;
}

bool drives_check_used(const GPtrArray *drives, GError **error)
{
    for (guint i = 0; i < drives->len; i++) {
        const struct drive *d = drives->pdata[i];

        if (d->bus != DRIVE_IF_NONE && !d->attached) {
            return fail(error,
                        "drive '%s' (if=%s,index=%u): this machine has no "
                        "such place",
                        d->id, bus_names[d->bus], d->index);
        }
    }
    return true;
}
