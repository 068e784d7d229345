/* SPDX-License-Identifier: MIT */
/*
 * virtio-9p: the 9P server (p9.c) on a virtqueue. [VIRTIO] leaves the device to
 * [9P]: a buffer is a message and room for its answer; the configuration
 * space holds the name under which the guest mounts the folder.
 *
 * Messages are served in order by a thread of the device's own, which blocks
 * as it likes; answers go back on the main loop.
 *
 * Not modelled: saving while the folder is mounted (the guest's files are not
 * known afterwards).
 */
#include "hw/virtio/virtio_9p.h"

#include <string.h>

#include "hw/virtio/p9.h"

enum { F_MOUNT_TAG = 0, TAG_MAX = 32, QUEUE_SIZE = 128 };

struct virtio_9p {
    struct virtio_pci proxy;
    struct virtio v;
    char *fsdev, *tag;

    struct p9 *server; /* the worker's */
    GThreadPool *pool;
    GAsyncQueue *done; /* struct message, answered */
    unsigned in_flight;
    bool dropping;
};

struct message {
    struct virtio_9p *owner;
    struct virtq_buf *buf;
    uint32_t written;
};

static struct virtio_9p *p9_of(struct virtio *v)
{
    return container_of(v, struct virtio_9p, v);
}

static void finish(struct virtio_9p *s, struct message *m)
{
    s->in_flight--;
    if (s->dropping) {
        virtq_drop(m->buf);
    } else {
        virtio_push(&s->v, 0, m->buf, m->written);
    }
    g_free(m);
}

/* On the main loop. */
static gboolean dispatch(gpointer data)
{
    struct virtio_9p *s = data;
    struct message *m;

    lock_enter(&s->v.machine->lock);
    while ((m = g_async_queue_try_pop(s->done))) {
        finish(s, m);
    }
    lock_leave(&s->v.machine->lock);
    return G_SOURCE_REMOVE;
}

/* The worker. The message is copied: the guest may change it meanwhile. */
static void work(gpointer data, gpointer user)
{
    struct message *m = data;
    struct virtio_9p *s = user;
    size_t len = m->buf->out_len;
    size_t max = MIN(m->buf->in_len, (uint64_t)P9_MSIZE);
    g_autofree uint8_t *in = g_malloc(len + 1);
    g_autofree uint8_t *out = g_malloc(max + 1);

    virtq_read(m->buf, 0, in, len);
    len = p9_run(s->server, in, len, out, max);
    m->written = (uint32_t)virtq_write(m->buf, 0, out, len);
    g_async_queue_push(s->done, m);
    g_idle_add_full(G_PRIORITY_HIGH, dispatch, s, NULL);
}

static bool take_message(struct virtio *v, unsigned queue,
                         struct virtq_buf *buf)
{
    struct virtio_9p *s = p9_of(v);
    struct message *m;

    if (buf->out_len < P9_HEADER || buf->out_len > P9_MSIZE ||
        buf->in_len < P9_HEADER) {
        virtio_fail(v, "a message that is too short or too long");
        virtio_push(v, queue, buf, 0);
        return false;
    }
    m = g_new(struct message, 1);
    *m = (struct message){.owner = s, .buf = buf};
    s->in_flight++;
    g_thread_pool_push(s->pool, m, NULL);
    return true;
}

static bool p9_notify(struct virtio *v, unsigned queue)
{
    return virtio_each(v, queue, take_message);
}

static void drain(struct virtio_9p *s)
{
    s->dropping = true;
    while (s->in_flight) {
        finish(s, g_async_queue_pop(s->done));
    }
    s->dropping = false;
}

static void p9_device_reset(struct virtio *v)
{
    drain(p9_of(v));
    p9_reset(p9_of(v)->server);
}

static void p9_queue_reset(struct virtio *v, unsigned queue)
{
    drain(p9_of(v));
}

static bool p9_realize(struct virtio *v, GError **error)
{
    struct virtio_9p *s = p9_of(v);
    const struct folder *f =
        s->fsdev ? machine_backend(v->machine, BACKEND_FSDEV, s->fsdev) : NULL;
    size_t len = s->tag ? strlen(s->tag) : 0;

    if (!f) {
        return fail(error, "%s: want fsdev=ID of a -fsdev", dev_name(v->dev));
    }
    if (len < 1 || len > TAG_MAX) {
        return fail(error, "%s: want mount_tag=NAME, of at most %d bytes",
                    dev_name(v->dev), TAG_MAX);
    }
    stl_u16(v->config, (uint16_t)len);
    memcpy(v->config + 2, s->tag, len);
    virtio_offer(v, F_MOUNT_TAG);
    virtio_add_queue(v, QUEUE_SIZE);
    v->vectors = 2;
    s->server = p9_new(f);
    s->done = g_async_queue_new();
    s->pool = g_thread_pool_new(work, s, 1, FALSE, NULL);
    return true;
}

static void p9_unrealize(struct virtio *v)
{
    struct virtio_9p *s = p9_of(v);

    drain(s);
    g_thread_pool_free(s->pool, FALSE, TRUE);
    while (g_idle_remove_by_data(s)) {
        /* wake-ups that have nothing left to do */
    }
    g_async_queue_unref(s->done);
    p9_free(s->server);
}

static const struct virtio_type p9_type = {
    .name = "virtio-9p",
    .id = VIRTIO_ID_9P,
    .pci_class = 0x000200,
    .config_size = 2 + TAG_MAX,
    .realize = p9_realize,
    .unrealize = p9_unrealize,
    .notify = p9_notify,
    .reset = p9_device_reset,
    .queue_reset = p9_queue_reset,
};

static const struct field p9_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_9p, proxy, false),
    PROP_STR(struct virtio_9p, fsdev, "fsdev", NULL),
    PROP_STR(struct virtio_9p, tag, "mount_tag", NULL),
    FIELD_END,
};

static const struct field p9_state[] = {
    VIRTIO_PCI_STATE(struct virtio_9p, proxy),
    VIRTIO_STATE(struct virtio_9p, v),
    FIELD_END,
};

static void p9_init(struct dev *dev)
{
    struct virtio_9p *s = container_of(dev, struct virtio_9p, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &p9_type);
}

/* clang-format off */
const struct dev_type virtio_9p_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-9p", "folder of the host", struct virtio_9p,
                     p9_props, p9_state, p9_init);
/* clang-format on */
