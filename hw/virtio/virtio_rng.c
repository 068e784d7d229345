/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng. [VIRTIO] 5.4 "Entropy Device".
 *
 * With max-bytes=N,period=T the guest gets N bytes in T milliseconds; buffers
 * wait for the next period meanwhile.
 */
#include "hw/virtio/virtio_rng.h"

#include <sys/random.h>

enum { QUEUE_SIZE = 8, CHUNK = 256, BUFFER_MAX = 64 * 1024 };

struct virtio_rng {
    struct virtio_pci proxy;
    struct virtio v;

    char *source; /* `rng`: an object's id; they all are the host's */
    uint64_t max_bytes;
    uint32_t period; /* ms */

    uint64_t left; /* bytes of this period; saved */
    struct timer refill;
};

static struct virtio_rng *rng_of(struct virtio *v)
{
    return container_of(v, struct virtio_rng, v);
}

static size_t random_bytes(struct machine *m, uint8_t *to, size_t len)
{
    ssize_t n = (ssize_t)len;

    if (m->random) {
        m->random(to, len);
    } else {
        n = getrandom(to, len, 0);
    }
    return n < 0 ? 0 : (size_t)n;
}

static bool fill(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    struct virtio_rng *s = rng_of(v);
    uint8_t chunk[CHUNK];
    uint64_t want = MIN(MIN(buf->in_len, s->left), (uint64_t)BUFFER_MAX);
    uint64_t done = 0;

    if (s->left == 0) {
        virtq_unpop(&v->queue[queue], buf);
        return false;
    }
    while (done < want) {
        size_t part = random_bytes(v->machine, chunk, MIN(want - done, CHUNK));

        if (part == 0) {
            break;
        }
        done += virtq_write(buf, done, chunk, part);
    }
    s->left -= done;
    virtio_push(v, queue, buf, (uint32_t)done);
    return true;
}

static bool rng_notify(struct virtio *v, unsigned queue)
{
    struct virtio_rng *s = rng_of(v);
    bool more = virtio_each(v, queue, fill);

    if (s->left < s->max_bytes && !timer_pending(&s->refill)) {
        timer_set(&s->refill,
                  clock_now(&v->machine->clock) + s->period * NS_PER_MS);
    }
    return more && s->left;
}

static void rng_refill(void *opaque)
{
    struct virtio_rng *s = opaque;

    s->left = s->max_bytes;
    virtio_notified(&s->v, 0);
}

static void rng_reset(struct virtio *v)
{
    struct virtio_rng *s = rng_of(v);

    timer_cancel(&s->refill);
    s->left = s->max_bytes;
}

static bool rng_check(struct virtio *v, GError **error)
{
    const struct virtio_rng *s = rng_of(v);

    return s->left <= s->max_bytes ||
           fail(error, "virtio-rng: more left than there was");
}

static bool rng_realize(struct virtio *v, GError **error)
{
    struct virtio_rng *s = rng_of(v);

    if (s->period == 0 || s->max_bytes == 0) {
        return fail(error, "%s: max-bytes and period are greater than zero",
                    dev_name(v->dev));
    }
    virtio_add_queue(v, QUEUE_SIZE);
    v->vectors = 2;
    timer_init(&s->refill, &v->machine->clock, rng_refill, s);
    return true;
}

static const struct virtio_type rng_type = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .pci_class = 0x00ff00,
    .realize = rng_realize,
    .notify = rng_notify,
    .reset = rng_reset,
    .check = rng_check,
};

static const struct field rng_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_rng, proxy, false),
    PROP_STR(struct virtio_rng, source, "rng", NULL),
    PROP_AS(struct virtio_rng, max_bytes, "max-bytes", INT64_MAX),
    PROP(struct virtio_rng, period, 65536),
    FIELD_END,
};

static const struct field rng_state[] = {
    VIRTIO_PCI_STATE(struct virtio_rng, proxy),
    VIRTIO_STATE(struct virtio_rng, v),
    FIELD(struct virtio_rng, left),
    FIELD(struct virtio_rng, refill),
    FIELD_END,
};

static void rng_init(struct dev *dev)
{
    struct virtio_rng *s = container_of(dev, struct virtio_rng, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &rng_type);
}

/* clang-format off */
const struct dev_type virtio_rng_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-rng", "random numbers", struct virtio_rng,
                     rng_props, rng_state, rng_init);
/* clang-format on */
