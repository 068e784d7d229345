/* SPDX-License-Identifier: MIT */
/*
 * A file whose size is no multiple of 512 bytes reads as if zeroes followed;
 * a write there makes it longer, up to the sector's end.
 */
#include "block/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/lock.h"

enum { SECTOR = 512, IOV_BATCH = 64 };

struct raw {
    int fd;
    bool device; /* a block device */
    bool direct;
    bool unsafe;
    bool discard; /* what the guest discards is given back to the host */
    bool sync;    /* every write reaches the disk before it is done */
};

/* Skips `done` bytes of a copy of the vector; false when nothing is left. */
static bool iov_advance(struct iovec **iov, unsigned *count, size_t done)
{
    while (*count && done >= (*iov)->iov_len) {
        done -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + done;
        (*iov)->iov_len -= done;
    }
    return *count;
}

static void iov_zero(const struct iovec *iov, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        memset(iov[i].iov_base, 0, iov[i].iov_len);
    }
}

/* Moves all of a batch; short transfers go on, reads past the end are 0. */
static int raw_batch(const struct raw *r, uint64_t offset, struct iovec *iov,
                     unsigned count, bool write)
{
    do {
        ssize_t n = write ? pwritev(r->fd, iov, (int)count, (off_t)offset)
                          : preadv(r->fd, iov, (int)count, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            n = 0;
        } else if (n < 0) {
            return errno;
        } else if (n == 0 && !write) {
            iov_zero(iov, count);
            return 0;
        }
        offset += (uint64_t)n;
        if (!iov_advance(&iov, &count, (size_t)n)) {
            return 0;
        }
    } while (true);
}

static int raw_move(struct image *img, uint64_t offset, const struct iovec *iov,
                    unsigned count, bool write)
{
    const struct raw *r = img->impl;
    int error = 0;

    while (count && !error) {
        struct iovec batch[IOV_BATCH];
        unsigned n = MIN(count, IOV_BATCH);
        uint64_t len = 0;

        for (unsigned i = 0; i < n; i++) {
            batch[i] = iov[i];
            len += iov[i].iov_len;
        }
        error = raw_batch(r, offset, batch, n, write);
        offset += len;
        iov += n;
        count -= n;
    }
    return error;
}

static int raw_read(struct image *img, uint64_t offset, const struct iovec *iov,
                    unsigned count)
{
    return raw_move(img, offset, iov, count, false);
}

/* From the host's page cache alone. */
static int raw_read_now(struct image *img, uint64_t offset,
                        const struct iovec *iov, unsigned count)
{
    const struct raw *r = img->impl;
    size_t len = 0;
    ssize_t n;

    if (r->direct || count > IOV_BATCH) {
        return EAGAIN;
    }
    for (unsigned i = 0; i < count; i++) {
        len += iov[i].iov_len;
    }
    n = preadv2(r->fd, iov, (int)count, (off_t)offset, RWF_NOWAIT);
    return n >= 0 && (size_t)n == len ? 0 : EAGAIN;
}

static int raw_flush(struct image *img)
{
    const struct raw *r = img->impl;

    if (r->unsafe || img->readonly) {
        return 0;
    }
    return fdatasync(r->fd) < 0 ? errno : 0;
}

static int raw_write(struct image *img, uint64_t offset,
                     const struct iovec *iov, unsigned count)
{
    const struct raw *r = img->impl;
    int error = raw_move(img, offset, iov, count, true);

    return error || !r->sync ? error : raw_flush(img);
}

static int raw_punch(struct image *img, uint64_t offset, uint64_t len, int mode)
{
    const struct raw *r = img->impl;

    if (!r->device && fallocate(r->fd, mode | FALLOC_FL_KEEP_SIZE,
                                (off_t)offset, (off_t)len) == 0) {
        return 0;
    }
    return ENOTSUP;
}

/* Advice only: what cannot be discarded stays. */
static int raw_discard(struct image *img, uint64_t offset, uint64_t len)
{
    const struct raw *r = img->impl;

    if (r->discard) {
        raw_punch(img, offset, len, FALLOC_FL_PUNCH_HOLE);
    }
    return 0;
}

static int raw_zero(struct image *img, uint64_t offset, uint64_t len)
{
    static const uint8_t zeroes[64 * 1024];

    if (raw_punch(img, offset, len, FALLOC_FL_ZERO_RANGE) == 0) {
        return 0;
    }
    while (len) {
        size_t part = MIN(len, sizeof(zeroes));
        int error = image_write(img, offset, zeroes, part);

        if (error) {
            return error;
        }
        offset += part;
        len -= part;
    }
    return 0;
}

static void raw_close(struct image *img)
{
    struct raw *r = img->impl;

    close(r->fd);
    g_free(r);
}

static const struct image_ops raw_ops = {
    .name = "raw",
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .zero = raw_zero,
    .close = raw_close,
    .read_now = raw_read_now,
};

/* Size in bytes, whole sectors; refuses what is no disk. */
static bool raw_size(int fd, const char *filename, bool *device, uint64_t *size,
                     GError **error)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return fail_errno(error, "'%s'", filename);
    }
    if (S_ISDIR(st.st_mode)) {
        return fail(error, "'%s' is a folder, not a disk image", filename);
    }
    *device = S_ISBLK(st.st_mode);
    if (*device) {
        return ioctl(fd, BLKGETSIZE64, size) == 0 ||
               fail_errno(error, "'%s': size of the device", filename);
    }
    if (!S_ISREG(st.st_mode)) {
        return fail(error, "'%s' is neither a file nor a block device",
                    filename);
    }
    *size = ((uint64_t)st.st_size + SECTOR - 1) & ~(uint64_t)(SECTOR - 1);
    return true;
}

static int raw_open_fd(const char *filename, const struct image_options *o,
                       GError **error)
{
    int flags = O_CLOEXEC | (o->readonly ? O_RDONLY : O_RDWR);
    int fd = -1;

    if (o->direct) {
        fd = open(filename, flags | O_DIRECT);
    }
    if (fd < 0) {
        fd = open(filename, flags);
    }
    if (fd < 0) {
        bool permission = errno == EACCES || errno == EROFS;

        fail_errno(error, "cannot open '%s'%s", filename,
                   permission && !o->readonly
                       ? " for writing (readonly=on or snapshot=on may serve)"
                       : "");
    }
    return fd;
}

struct image *raw_open(const char *filename, const struct image_options *o,
                       GError **error)
{
    bool device = false;
    uint64_t size = 0;
    struct raw *r;
    struct image *img;
    int fd = raw_open_fd(filename, o, error);

    if (fd < 0) {
        return NULL;
    }
    if (!raw_size(fd, filename, &device, &size, error) ||
        (!o->no_lock && !image_lock(fd, filename, !o->readonly, error))) {
        close(fd);
        return NULL;
    }
    r = g_new0(struct raw, 1);
    r->fd = fd;
    r->device = device;
    r->direct = o->direct;
    r->unsafe = o->unsafe;
    r->discard = o->discard;
    r->sync = o->writethrough;
    img = g_new0(struct image, 1);
    img->ops = &raw_ops;
    img->filename = g_strdup(filename);
    img->size = size;
    img->readonly = o->readonly;
    img->impl = r;
    return img;
}
