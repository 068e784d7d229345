/* SPDX-License-Identifier: MIT */
#include "base/datadir.h"

#include <string.h>

#include "build-config.h"

struct datadirs *datadirs_new(void)
{
    static const char *const usual[] = {
        RHEA_PREFIX "/share/rhea", "/usr/share/seabios", "/usr/share/qemu",
        "/usr/share/vgabios",      "/usr/lib/ipxe/qemu", "/usr/share/OVMF",
        "/usr/share/seavgabios",   "/usr/share/qboot",
    };
    struct datadirs *d = g_new(struct datadirs, 1);

    d->dirs = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        g_ptr_array_add(d->dirs, g_strdup(usual[i]));
    }
    return d;
}

void datadirs_free(struct datadirs *d)
{
    g_ptr_array_free(d->dirs, TRUE);
    g_free(d);
}

void datadirs_prepend(struct datadirs *d, const char *dir)
{
    g_ptr_array_insert(d->dirs, 0, g_strdup(dir));
}

char *datadirs_find(const struct datadirs *d, const char *name, GError **error)
{
    g_autoptr(GString) places = g_string_new(NULL);

    if (g_file_test(name, G_FILE_TEST_IS_REGULAR)) {
        return g_strdup(name);
    }
    for (guint i = 0; !strchr(name, '/') && i < d->dirs->len; i++) {
        char *path = g_build_filename(d->dirs->pdata[i], name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
            return path;
        }
        g_free(path);
        g_string_append_printf(places, "%s%s", i ? ", " : "",
                               (const char *)d->dirs->pdata[i]);
    }
    if (strchr(name, '/')) {
        fail(error, "there is no file '%s'", name);
    } else {
        fail(error,
             "firmware '%s' is not in %s (install the package that has it, "
             "e.g. seabios, or give its folder with -L)",
             name, places->str);
    }
    return NULL;
}
