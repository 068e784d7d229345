/* SPDX-License-Identifier: MIT */
#include "vm/fsdevs.h"

#include <string.h>

#include "base/opts.h"
#include "base/text.h"
#include "fs/folder.h"

static const char *const known_keys[] = {
    "fsdriver", "id",    "path",      "security_model", "readonly", "mount_tag",
    "fmode",    "dmode", "multidevs", "writeout",       NULL};

static bool parse_model(const char *text, enum folder_model *model,
                        GError **error)
{
    static const struct {
        const char *name;
        enum folder_model model;
    } rows[] = {
        {"passthrough", FOLDER_PASSTHROUGH},
        {"none", FOLDER_NONE},
        {"mapped-xattr", FOLDER_MAPPED},
        {"mapped", FOLDER_MAPPED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (g_strcmp0(text, rows[i].name) == 0) {
            *model = rows[i].model;
            return true;
        }
    }
    return text ? fail(error,
                       "security_model=%s: want none, mapped-xattr or "
                       "passthrough",
                       text)
                : fail(error, "want security_model=none, mapped-xattr or "
                              "passthrough");
}

/* Octal, as chmod wants it. */
static bool parse_mode(struct opts *o, const char *key, mode_t *mode,
                       GError **error)
{
    const char *text = opts_get(o, key);
    char *end = NULL;
    guint64 v = text ? g_ascii_strtoull(text, &end, 8) : 0;

    if (text && (!*text || *end || v > 0777)) {
        return fail(error, "%s=%s: want an octal mode, as in 0640", key, text);
    }
    if (text) {
        *mode = (mode_t)v;
    }
    return true;
}

static bool add(struct machine *m, const char *id, struct opts *o,
                GError **error)
{
    const char *driver = opts_get(o, "fsdriver");
    const char *path = opts_get(o, "path");
    const char *model_text = opts_get(o, "security_model");
    enum folder_model model = FOLDER_NONE;
    mode_t file_mode = 0600, dir_mode = 0700;
    bool readonly = false;
    struct folder *f;

    opts_get(o, "multidevs"); /* "remap" is what always happens */
    opts_get(o, "writeout");
    if (g_strcmp0(driver, "local") != 0) {
        return fail(error, "want local,path=FOLDER,...");
    }
    if (!path || machine_backend(m, BACKEND_FSDEV, id)) {
        return path ? fail(error, "the id '%s' is taken", id)
                    : fail(error, "want path=FOLDER");
    }
    if (!parse_model(model_text, &model, error) ||
        !opts_get_bool(o, "readonly", &readonly, error) ||
        !parse_mode(o, "fmode", &file_mode, error) ||
        !parse_mode(o, "dmode", &dir_mode, error) ||
        !opts_check_used(o, "fsdev", known_keys, error)) {
        return false;
    }
    f = folder_new(id, path, model, readonly, error);
    if (f) {
        f->file_mode = file_mode;
        f->dir_mode = dir_mode;
        machine_add_backend(m, BACKEND_FSDEV, id, f);
    }
    return f;
}

bool fsdev_add_text(struct machine *m, const char *text, GError **error)
{
    struct opts *o = opts_parse(text, "fsdriver", error);
    const char *id = o ? opts_get(o, "id") : NULL;
    bool ok = o && (id ? add(m, id, o, error) : fail(error, "want id=NAME"));

    opts_free(o);
    return ok || (g_prefix_error(error, "-fsdev %s: ", text), false);
}

char *virtfs_add_text(struct machine *m, const char *text, GError **error)
{
    struct opts *o = opts_parse(text, "fsdriver", error);
    const char *tag = o ? opts_get(o, "mount_tag") : NULL;
    const char *id = o ? opts_get(o, "id") : NULL;
    char *device = NULL;

    if (o && !tag) {
        fail(error, "want mount_tag=NAME");
    } else if (o && add(m, id ? id : tag, o, error)) {
        device = g_strdup_printf("virtio-9p-pci,fsdev=%s,mount_tag=%s",
                                 id ? id : tag, tag);
    }
    opts_free(o);
    if (!device) {
        g_prefix_error(error, "-virtfs %s: ", text);
    }
    return device;
}

void fsdevs_free(struct machine *m)
{
    GHashTableIter it;
    void *folder;

    g_hash_table_iter_init(&it, m->backends[BACKEND_FSDEV]);
    while (g_hash_table_iter_next(&it, NULL, &folder)) {
        folder_free(folder);
        g_hash_table_iter_remove(&it);
    }
}
