/* SPDX-License-Identifier: MIT */
#include "block/format.h"

#include <string.h>

#include "base/text.h"

/* One a line, sorted. */
const struct image_format *const image_formats[] = {
    NULL,
};

const struct image_format *image_format_find(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const struct image_format *const *f = image_formats; *f; f++) {
        if (strcmp((*f)->name, name) == 0 ||
            g_strcmp0((*f)->alias, name) == 0) {
            return *f;
        }
        g_ptr_array_add(names, (void *)(uintptr_t)(*f)->name);
    }
    g_ptr_array_add(names, (void *)(uintptr_t) "raw");
    g_ptr_array_add(names, NULL);
    fail_unknown(error, "image format", name,
                 (const char *const *)names->pdata);
    return NULL;
}
