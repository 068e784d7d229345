/* SPDX-License-Identifier: MIT */
/* For tests of disk controllers: a drive whose disk is memory, with sectors
 * that cannot be read or written. Machine lock held. */
#ifndef TESTS_UNIT_MEM_DISK_H
#define TESTS_UNIT_MEM_DISK_H

#include <errno.h>
#include <string.h>

#include "block/drive.h"
#include "hw/core/machine.h"

struct mem_disk {
    uint8_t *data;
    uint64_t size;
    uint64_t bad_from, bad_to; /* bytes that give EIO */
    unsigned flushes;
};

static inline int mem_disk_move(struct image *img, uint64_t offset,
                                const struct iovec *iov, unsigned count,
                                bool write)
{
    struct mem_disk *d = img->impl;

    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpuint(offset + iov[i].iov_len, <=, d->size);
        if (offset < d->bad_to && offset + iov[i].iov_len > d->bad_from) {
            return EIO;
        }
        if (write) {
            memcpy(d->data + offset, iov[i].iov_base, iov[i].iov_len);
        } else {
            memcpy(iov[i].iov_base, d->data + offset, iov[i].iov_len);
        }
        offset += iov[i].iov_len;
    }
    return 0;
}

static inline int mem_disk_read(struct image *img, uint64_t offset,
                                const struct iovec *iov, unsigned count)
{
    return mem_disk_move(img, offset, iov, count, false);
}

static inline int mem_disk_write(struct image *img, uint64_t offset,
                                 const struct iovec *iov, unsigned count)
{
    return mem_disk_move(img, offset, iov, count, true);
}

static inline int mem_disk_flush(struct image *img)
{
    ((struct mem_disk *)img->impl)->flushes++;
    return 0;
}

static inline int mem_disk_clear(struct image *img, uint64_t offset,
                                 uint64_t len)
{
    struct mem_disk *d = img->impl;

    memset(d->data + offset, 0, len);
    return 0;
}

static inline void mem_disk_close(struct image *img)
{
    struct mem_disk *d = img->impl;

    g_free(d->data);
    g_free(d);
}

/* Sector n of 512 bytes begins with n, and the rest is n's low byte. */
static inline struct image *mem_disk_new(uint64_t size)
{
    static const struct image_ops ops = {
        .name = "memory",
        .read = mem_disk_read,
        .write = mem_disk_write,
        .flush = mem_disk_flush,
        .discard = mem_disk_clear,
        .zero = mem_disk_clear,
        .close = mem_disk_close,
    };
    struct image *img = g_new0(struct image, 1);
    struct mem_disk *d = g_new0(struct mem_disk, 1);

    d->data = g_malloc0(size);
    d->size = size;
    for (uint64_t at = 0; at + 512 <= size; at += 512) {
        memset(d->data + at, (int)(at / 512), 512);
        stl_u32(d->data + at, (uint32_t)(at / 512));
    }
    *img = (struct image){
        .ops = &ops, .filename = g_strdup("memory"), .size = size, .impl = d};
    return img;
}

static inline struct mem_disk *mem_disk_of(struct drive *d)
{
    return d->image->impl;
}

/* A drive of the machine; size 0: without a medium. */
static inline struct drive *mem_drive(struct machine *m, const char *id,
                                      uint64_t size)
{
    struct drive *d = drive_new(id, &m->lock);

    if (size) {
        drive_set_image(d, mem_disk_new(size));
    }
    machine_add_backend(m, BACKEND_DRIVE, id, d);
    return d;
}

/* hw_test_done() of a machine with such drives: NULL ends them. */
static inline void mem_drives_done(struct machine *m, struct drive *const *d)
{
    while (m->devices->len) {
        dev_unrealize(m->devices->pdata[m->devices->len - 1]);
    }
    lock_leave(&m->lock);
    for (; *d; d++) {
        drive_free(*d);
    }
    machine_clear(m);
}

#endif
