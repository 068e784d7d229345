/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

enum { FIRST = 64 * 1024, PIPE_MS = 2000 };

/* Opens without waiting for the other end of a pipe, but for a moment. */
static int file_open(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        fail_errno(error, "cannot open '%s'", path);
    } else if (S_ISFIFO(st.st_mode) &&
               poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PIPE_MS) <
                   1) {
        fail(error, "'%s' is a pipe that nobody writes to", path);
    } else if (fcntl(fd, F_SETFL, 0) < 0) {
        fail_errno(error, "cannot read '%s'", path);
    } else {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

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
    int fd = file_open(path, error);
    g_autoptr(GByteArray) a = g_byte_array_new();
    bool ok;

    if (fd < 0) {
        return false;
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
