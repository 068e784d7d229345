/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"

enum { FIRST = 64 * 1024 };

/* Reads to the end, or to one byte more than `most`. */
static bool file_read(int fd, gsize most, GByteArray *a)
{
    gsize room = MIN((gsize)FIRST, most + 1);

    for (;;) {
        guint had = a->len;
        ssize_t n;

        g_byte_array_set_size(a, (guint)(had + room));
        n = read(fd, a->data + had, room);
        g_byte_array_set_size(a, n > 0 ? had + (guint)n : had);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0 || a->len > most) {
            return n >= 0;
        }
        room = MIN((gsize)a->len + FIRST, most + 1 - a->len);
    }
}

bool file_load(const char *path, gsize most, char **data, gsize *len,
               GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    g_autoptr(GByteArray) a = g_byte_array_new();
    bool ok;

    if (fd < 0) {
        return fail_errno(error, "cannot open '%s'", path);
    }
    ok = file_read(fd, most, a) || fail_errno(error, "cannot read '%s'", path);
    close(fd);
    if (!ok) {
        return false;
    }
    if (a->len > most) {
        return fail(error,
                    "'%s' is too long: %" G_GSIZE_FORMAT " bytes at most", path,
                    most);
    }
    if (len) {
        *len = a->len;
    }
    g_byte_array_append(a, (const guint8 *)"", 1);
    *data = (char *)g_byte_array_free(g_steal_pointer(&a), FALSE);
    return true;
}
