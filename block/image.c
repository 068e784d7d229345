/* SPDX-License-Identifier: MIT */
#include "block/image.h"

#include "base/text.h"
#include "block/raw.h"
#include "block/snapshot.h"

struct image *image_open(const char *filename,
                         const struct image_options *options, GError **error)
{
    static const char *const formats[] = {"raw", "host_device", "file", NULL};
    struct image_options o = *options;
    struct image *img;

    if (o.format && !g_strv_contains(formats, o.format)) {
        fail_unknown(error, "image format", o.format, formats);
        return NULL;
    }
    o.readonly |= o.snapshot;
    img = raw_open(filename, &o, error);
    return img && o.snapshot ? snapshot_over(img, error) : img;
}

void image_close(struct image *img)
{
    if (img) {
        img->ops->flush(img);
        img->ops->close(img);
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
