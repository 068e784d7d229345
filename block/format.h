/* SPDX-License-Identifier: MIT */
/*
 * An image format: how content is known, opened and made. A format lies over
 * an image of raw bytes (the protocol: a file, a device, a network peer),
 * which it owns from open() on. Everything in the file is hostile until
 * checked: open() refuses what is truncated, inconsistent, or needs a
 * feature that is not here, in a line that says so; nothing is allocated by
 * a size that the file claims and does not have; nothing is repaired unasked.
 */
#ifndef BLOCK_FORMAT_H
#define BLOCK_FORMAT_H

#include "base/opts.h"
#include "block/image.h"

/* What probe() may look at. */
struct image_head {
    const uint8_t *bytes; /* from the start of the file */
    size_t len;           /* up to 64 KiB, less where the file ends sooner */
    const uint8_t *tail;  /* the last 512 bytes, where there are as many */
    uint64_t size;        /* of the file, bytes */
    const char *filename;
};

enum {
    PROBE_NO = 0,
    PROBE_NAME = 1,    /* by the file's name alone */
    PROBE_LIKELY = 50, /* a weak signature */
    PROBE_SURE = 100,  /* a signature that nothing else has */
};

/* One key of `create`, as `-o help` shows it. */
struct format_option {
    const char *name; /* "cluster_size" */
    const char *desc; /* one line */
};

struct image_format {
    const char *name;  /* as users write it: "qcow2" */
    const char *alias; /* or NULL */
    int (*probe)(const struct image_head *head);
    /* Fills img->ops, size, impl and backing; takes `file` where it succeeds.
     * img->filename and readonly are set. A format that cannot be written
     * sets img->readonly, or refuses when !options->readonly. */
    bool (*open)(struct image *img, struct image *file,
                 const struct image_options *options, GError **error);
    /* Makes an image of `size` bytes in `file`, which is empty and grows;
     * options are those of create_options, checked by name already. NULL:
     * read only format. */
    bool (*create)(struct image *file, uint64_t size,
                   const struct opts *options, GError **error);
    const struct format_option *create_options; /* ends without a name */
};

/* Ends with NULL; what probe() is asked of, in this order. */
extern const struct image_format *const image_formats[];

/* By name or alias; NULL: the error lists what there is. */
const struct image_format *image_format_find(const char *name, GError **error);

#endif
