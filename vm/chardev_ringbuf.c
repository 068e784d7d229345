/* SPDX-License-Identifier: MIT */
/* A stream into memory, which keeps the last bytes: read by the monitor. */
#include <string.h>

#include "base/text.h"
#include "vm/chardev_kinds.h"

struct ringbuf {
    struct chardev chardev;
    uint8_t *bytes;
    unsigned size;        /* a power of two */
    unsigned first, last; /* counted for ever; last - first are there */
};

static struct ringbuf *ringbuf_of(struct chardev *c)
{
    return container_of(c, struct ringbuf, chardev);
}

static unsigned ringbuf_write(struct chardev *c, const uint8_t *buf,
                              unsigned len)
{
    struct ringbuf *r = ringbuf_of(c);

    for (unsigned i = 0; i < len; i++) {
        r->bytes[r->last++ & (r->size - 1)] = buf[i];
        if (r->last - r->first > r->size) {
            r->first = r->last - r->size;
        }
    }
    return len;
}

unsigned chardev_ringbuf_read(struct chardev *c, uint8_t *buf, unsigned len)
{
    struct ringbuf *r = ringbuf_of(c);
    unsigned n = 0;

    while (n < len && r->first != r->last) {
        buf[n++] = r->bytes[r->first++ & (r->size - 1)];
    }
    return n;
}

static char *ringbuf_describe(const struct chardev *c)
{
    return g_strdup("ringbuf");
}

static void ringbuf_free(struct chardev *c)
{
    struct ringbuf *r = ringbuf_of(c);

    g_free(r->bytes);
    g_free(c->id);
    g_free(r);
}

static const struct chardev_ops ringbuf_ops = {
    .name = "ringbuf",
    .write = ringbuf_write,
    .describe = ringbuf_describe,
    .free = ringbuf_free,
};

bool chardev_is_ringbuf(const struct chardev *c)
{
    return c->ops == &ringbuf_ops;
}

struct chardev *chardev_ringbuf_new(struct machine *m, const char *id,
                                    struct opts *o, GError **error)
{
    uint64_t size = 65536;
    struct ringbuf *r;

    if (!opts_get_size(o, "size", 1, &size, error)) {
        return NULL;
    }
    if (size == 0 || size > CHARDEV_RINGBUF_MAX || size & (size - 1)) {
        fail(error, "chardev '%s': size=: want a power of two up to 16M", id);
        return NULL;
    }
    r = g_new0(struct ringbuf, 1);
    r->chardev.id = g_strdup(id);
    r->chardev.ops = &ringbuf_ops;
    r->chardev.open = true;
    r->size = (unsigned)size;
    r->bytes = g_malloc(size);
    return &r->chardev;
}
