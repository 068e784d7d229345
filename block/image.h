/* SPDX-License-Identifier: MIT */
/*
 * A disk image in some format. Formats are plain blocking code, run on worker
 * threads; every function may be called from any thread, several at a time
 * (a format locks its own metadata).
 */
#ifndef BLOCK_IMAGE_H
#define BLOCK_IMAGE_H

#include <sys/uio.h>

#include "base/error.h"

struct image;

struct image_options {
    bool readonly;
    bool snapshot;      /* writes go to a temporary file and are dropped */
    bool no_lock;       /* file.locking=off */
    bool direct;        /* cache=none: O_DIRECT where the file system can */
    bool writethrough;  /* cache=writethrough, directsync */
    bool unsafe;        /* cache=unsafe: flush does nothing */
    bool discard;       /* discard=unmap */
    const char *format; /* NULL: look at the content */
};

/* A stretch of an image that is of one kind, as `rhea-img map` tells it. */
struct image_extent {
    uint64_t len;    /* bytes, not 0 */
    bool present;    /* this layer has it; false: it is the backing image's */
    bool zero;       /* reads as zeroes */
    bool data;       /* takes space in a file */
    bool compressed; /* data, packed: no offset */
    bool has_offset; /* data lies at `offset` of the file below */
    uint64_t offset;
};

struct image_ops {
    const char *name; /* "raw" */
    /* All: 0 or an errno value. The range lies inside the image. */
    int (*read)(struct image *img, uint64_t offset, const struct iovec *iov,
                unsigned count);
    int (*write)(struct image *img, uint64_t offset, const struct iovec *iov,
                 unsigned count);
    int (*flush)(struct image *img);
    int (*discard)(struct image *img, uint64_t offset, uint64_t len);
    int (*zero)(struct image *img, uint64_t offset, uint64_t len);
    void (*close)(struct image *img);
    /* What lies at `offset`, at most `len` bytes of it. NULL: all is data. */
    int (*status)(struct image *img, uint64_t offset, uint64_t len,
                  struct image_extent *extent);
    /* As read(), where that needs no waiting: else EAGAIN. NULL: never. */
    int (*read_now)(struct image *img, uint64_t offset, const struct iovec *iov,
                    unsigned count);
    /* Another size in bytes; img->size is set where it succeeds. NULL: cannot.
     */
    bool (*resize)(struct image *img, uint64_t size, GError **error);
};

struct image {
    const struct image_ops *ops;
    char *filename;
    uint64_t size; /* bytes */
    bool readonly;
    void *impl;
    struct image *file;    /* what a format lies over; NULL: none */
    struct image *backing; /* what holds the rest; NULL: zeroes */
};

/* Opens by name. The error names the file, what is wrong, and, where it is
 * locked, who holds it. */
struct image *image_open(const char *filename,
                         const struct image_options *options, GError **error);
void image_close(struct image *img); /* flushes; NULL is fine */

int image_read(struct image *img, uint64_t offset, void *buf, size_t len);
int image_write(struct image *img, uint64_t offset, const void *buf,
                size_t len);
int image_flush(struct image *img);

#endif
