/* SPDX-License-Identifier: MIT */
#include "block/image.h"

#include "block/format.h"
#include "block/raw.h"
#include "block/snapshot.h"

enum { HEAD = 64 * 1024, TAIL = 512 };

/* The format that knows the content best; NULL: it is raw. */
static const struct image_format *probe(struct image *file, GError **error)
{
    g_autofree uint8_t *bytes = g_malloc(HEAD + TAIL);
    const struct image_format *best = NULL;
    int best_score = PROBE_NO;
    struct image_head head = {
        .bytes = bytes,
        .len = MIN(file->size, HEAD),
        .tail = file->size >= TAIL ? bytes + HEAD : NULL,
        .size = file->size,
        .filename = file->filename,
    };
    int err = image_read(file, 0, bytes, head.len);

    if (!err && head.tail) {
        err = image_read(file, file->size - TAIL, bytes + HEAD, TAIL);
    }
    if (err) {
        fail(error, "cannot read '%s': %s", file->filename, g_strerror(err));
        return NULL;
    }
    for (const struct image_format *const *f = image_formats; *f; f++) {
        int score = (*f)->probe(&head);

        if (score > best_score) {
            best = *f;
            best_score = score;
        }
    }
    return best;
}

/* The image of a format over `file`, which it takes in any case. */
static struct image *open_over(const struct image_format *format,
                               struct image *file,
                               const struct image_options *o, GError **error)
{
    struct image *img = g_new0(struct image, 1);

    img->filename = g_strdup(file->filename);
    img->readonly = o->readonly;
    if (!format->open(img, file, o, error)) {
        image_close(file);
        g_free(img->filename);
        g_free(img);
        return NULL;
    }
    img->file = file;
    return img;
}

static bool is_raw(const char *format)
{
    static const char *const names[] = {"raw", "host_device", "file", NULL};

    return g_strv_contains(names, format);
}

static struct image *open_format(const char *filename,
                                 const struct image_options *o, GError **error)
{
    const struct image_format *format = NULL;
    struct image *file;
    GError *failed = NULL;

    if (o->format && !is_raw(o->format)) {
        format = image_format_find(o->format, error);
        if (!format) {
            return NULL;
        }
    }
    file = raw_open(filename, o, error);
    if (!file || (o->format && !format)) {
        return file;
    }
    if (!format) {
        format = probe(file, &failed);
    }
    if (failed) {
        g_propagate_error(error, failed);
        image_close(file);
        return NULL;
    }
    return format ? open_over(format, file, o, error) : file;
}

struct image *image_open(const char *filename,
                         const struct image_options *options, GError **error)
{
    struct image_options o = *options;
    struct image *img;

    o.readonly |= o.snapshot;
    img = open_format(filename, &o, error);
    return img && o.snapshot ? snapshot_over(img, error) : img;
}

void image_close(struct image *img)
{
    if (img) {
        img->ops->flush(img);
        img->ops->close(img);
        image_close(img->file);
        image_close(img->backing);
        g_free(img->filename);
        g_free(img);
    }
}

int image_read(struct image *img, uint64_t offset, void *buf, size_t len)
{
    struct iovec iov = {.iov_base = buf, .iov_len = len};

    return img->ops->read(img, offset, &iov, 1);
}

int image_write(struct image *img, uint64_t offset, const void *buf, size_t len)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};

    return img->ops->write(img, offset, &iov, 1);
}

int image_flush(struct image *img)
{
    return img->ops->flush(img);
}
