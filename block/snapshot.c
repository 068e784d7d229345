/* SPDX-License-Identifier: MIT */
#include "block/snapshot.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CLUSTER = 4096 };

struct snapshot {
    struct image *base;
    int fd;
    GMutex mutex;     /* for `present` and copying */
    uint8_t *present; /* a bit a cluster: it lives in the file */
};

static bool present(const struct snapshot *s, uint64_t cluster)
{
    return s->present[cluster / 8] >> (cluster % 8) & 1;
}

static int file_read(const struct snapshot *s, uint64_t at, void *buf,
                     size_t len)
{
    while (len) {
        ssize_t n = pread(s->fd, buf, len, (off_t)at);

        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n == 0) {
            memset(buf, 0, len);
            return 0;
        }
        n = MAX(n, 0);
        buf = (char *)buf + n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int file_write(const struct snapshot *s, uint64_t at, const void *buf,
                      size_t len)
{
    while (len) {
        ssize_t n = pwrite(s->fd, buf, len, (off_t)at);

        if (n < 0 && errno != EINTR) {
            return errno;
        }
        n = MAX(n, 0);
        buf = (const char *)buf + n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* A run inside one vector element and one kind of cluster. */
static int read_run(struct snapshot *s, uint64_t at, char *buf, size_t len)
{
    while (len) {
        uint64_t cluster = at / CLUSTER;
        bool here = present(s, cluster);
        size_t part = CLUSTER - at % CLUSTER;
        int error;

        while (part < len && present(s, (at + part) / CLUSTER) == here) {
            part += CLUSTER;
        }
        part = MIN(part, len);
        error = here ? file_read(s, at, buf, part)
                     : image_read(s->base, at, buf, part);
        if (error) {
            return error;
        }
        at += part;
        buf += part;
        len -= part;
    }
    return 0;
}

/* Brings a cluster that will be written in part into the file. */
static int copy_up(struct snapshot *s, uint64_t cluster)
{
    char buf[CLUSTER] = {0};
    uint64_t at = cluster * CLUSTER;
    size_t len = MIN((uint64_t)CLUSTER, s->base->size - at);
    int error = image_read(s->base, at, buf, len);

    return error ? error : file_write(s, at, buf, len);
}

static int write_run(struct snapshot *s, uint64_t at, const char *buf,
                     size_t len)
{
    uint64_t first = at / CLUSTER;
    uint64_t last = (at + len - 1) / CLUSTER;
    int error = 0;

    if (at % CLUSTER && !present(s, first)) {
        error = copy_up(s, first);
    }
    if (!error && (at + len) % CLUSTER && !present(s, last)) {
        error = copy_up(s, last);
    }
    if (!error) {
        error = file_write(s, at, buf, len);
    }
    for (uint64_t c = first; !error && c <= last; c++) {
        s->present[c / 8] |= (uint8_t)(1 << (c % 8));
    }
    return error;
}

static int snapshot_move(struct image *img, uint64_t offset,
                         const struct iovec *iov, unsigned count, bool write)
{
    struct snapshot *s = img->impl;
    int error = 0;

    g_mutex_lock(&s->mutex);
    for (unsigned i = 0; i < count && !error; i++) {
        if (iov[i].iov_len) {
            error = write
                        ? write_run(s, offset, iov[i].iov_base, iov[i].iov_len)
                        : read_run(s, offset, iov[i].iov_base, iov[i].iov_len);
        }
        offset += iov[i].iov_len;
    }
    g_mutex_unlock(&s->mutex);
    return error;
}

static int snapshot_read(struct image *img, uint64_t offset,
                         const struct iovec *iov, unsigned count)
{
    return snapshot_move(img, offset, iov, count, false);
}

static int snapshot_write(struct image *img, uint64_t offset,
                          const struct iovec *iov, unsigned count)
{
    return snapshot_move(img, offset, iov, count, true);
}

static int snapshot_flush(struct image *img)
{
    return 0; /* nothing outlives the process */
}

static int snapshot_discard(struct image *img, uint64_t offset, uint64_t len)
{
    return 0;
}

static int snapshot_zero(struct image *img, uint64_t offset, uint64_t len)
{
    static const char zeroes[CLUSTER];

    while (len) {
        size_t part = MIN(len, (uint64_t)CLUSTER);
        int error = image_write(img, offset, zeroes, part);

        if (error) {
            return error;
        }
        offset += part;
        len -= part;
    }
    return 0;
}

static void snapshot_close(struct image *img)
{
    struct snapshot *s = img->impl;

    image_close(s->base);
    close(s->fd);
    g_mutex_clear(&s->mutex);
    g_free(s->present);
    g_free(s);
}

static const struct image_ops snapshot_ops = {
    .name = "snapshot",
    .read = snapshot_read,
    .write = snapshot_write,
    .flush = snapshot_flush,
    .discard = snapshot_discard,
    .zero = snapshot_zero,
    .close = snapshot_close,
};

struct image *snapshot_over(struct image *base, GError **error)
{
    g_autofree char *name = NULL;
    int fd = g_file_open_tmp("rhea-snapshot-XXXXXX", &name, error);
    struct snapshot *s;
    struct image *img;

    if (fd < 0) {
        image_close(base);
        return NULL;
    }
    unlink(name);
    s = g_new0(struct snapshot, 1);
    s->base = base;
    s->fd = fd;
    s->present = g_malloc0(base->size / CLUSTER / 8 + 1);
    g_mutex_init(&s->mutex);
    img = g_new0(struct image, 1);
    img->ops = &snapshot_ops;
    img->filename = g_strdup(base->filename);
    img->size = base->size;
    img->impl = s;
    return img;
}
