/* SPDX-License-Identifier: MIT */
/*
 * [VIRTIO] 2.1 "Device Status Field", 2.2 "Feature Bits", 2.5 "Device
 * Configuration Space", 3 "General Initialization And Device Operation".
 *
 * Not modelled: NOTIFICATION_DATA, IN_ORDER, shared memory, administration
 * queues.
 */
#include "hw/virtio/virtio.h"

#include <string.h>

#include "base/log.h"

unsigned virtio_add_queue(struct virtio *v, uint16_t size)
{
    assert(v->queues < VIRTIO_QUEUES);
    virtq_init(&v->queue[v->queues], &v->machine->memory, size);
    return v->queues++;
}

static void serve(struct virtio *v, unsigned queue)
{
    if (queue < v->queues && v->queue[queue].enabled && virtio_is_live(v) &&
        v->type->notify && v->type->notify(v, queue)) {
        virtio_serve_later(v, queue);
    }
}

static void serve_again(void *opaque)
{
    struct virtio *v = opaque;
    uint64_t queues = v->again;

    v->again = 0;
    for (unsigned i = 0; i < v->queues; i++) {
        if (queues & BIT(i)) {
            serve(v, i);
        }
    }
}

void virtio_serve_later(struct virtio *v, unsigned queue)
{
    v->again |= BIT(queue);
    if (!timer_pending(&v->later)) {
        timer_set(&v->later, clock_now(&v->machine->clock));
    }
}

bool virtio_realize(struct virtio *v, struct dev *dev,
                    const struct virtio_transport *transport, GError **error)
{
    v->dev = dev;
    v->machine = dev->machine;
    v->transport = transport;
    v->queues = 0;
    timer_init(&v->later, &v->machine->clock, serve_again, v);
    return v->type->realize(v, error);
}

void virtio_unrealize(struct virtio *v)
{
    virtio_reset(v);
    if (v->type->unrealize) {
        v->type->unrealize(v);
    }
}

void virtio_reset(struct virtio *v)
{
    if (v->type->reset) {
        v->type->reset(v);
    }
    v->features = 0;
    v->again = 0;
    v->status = 0;
    timer_cancel(&v->later);
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        virtq_reset(&v->queue[i]);
    }
}

/* What queues do by the features that hold. */
static void apply_features(struct virtio *v)
{
    for (unsigned i = 0; i < v->queues; i++) {
        v->queue[i].packed = virtio_has(v, VIRTIO_F_RING_PACKED);
        v->queue[i].event_idx = virtio_has(v, VIRTIO_F_EVENT_IDX);
        v->queue[i].indirect = virtio_has(v, VIRTIO_F_INDIRECT_DESC);
    }
}

static void features_changed(struct virtio *v)
{
    apply_features(v);
    if (v->type->features_set) {
        v->type->features_set(v);
    }
}

void virtio_settle(struct virtio *v)
{
    apply_features(v);
    if (v->again && !timer_pending(&v->later)) {
        timer_set(&v->later, clock_now(&v->machine->clock));
    }
    if (v->type->settle) {
        v->type->settle(v);
    }
}

bool virtio_check(struct virtio *v, GError **error)
{
    if (v->features & ~v->offered) {
        return fail(error, "%s: features that it does not have", v->type->name);
    }
    apply_features(v);
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        if (!virtq_state_ok(&v->queue[i])) {
            return fail(error, "%s: queue %u cannot be in such a state",
                        v->type->name, i);
        }
    }
    return !v->type->check || v->type->check(v, error);
}

bool virtio_is_live(const struct virtio *v)
{
    bool started =
        (v->status & VIRTIO_DRIVER_OK) || !virtio_has(v, VIRTIO_F_VERSION_1);

    return started && !(v->status & VIRTIO_NEEDS_RESET) &&
           (!v->transport->may_dma ||
            v->transport->may_dma((struct virtio *)(uintptr_t)v));
}

void virtio_fail(struct virtio *v, const char *why)
{
    if (v->status & VIRTIO_NEEDS_RESET) {
        return;
    }
    log_guest("%s: %s: it has to be reset", dev_name(v->dev), why);
    v->status |= VIRTIO_NEEDS_RESET;
    if ((v->status & VIRTIO_DRIVER_OK) && virtio_has(v, VIRTIO_F_VERSION_1)) {
        v->transport->config_interrupt(v);
    }
}

static void check_broken(struct virtio *v, const struct virtqueue *q)
{
    if (unlikely(q->broken) && q->enabled) {
        virtio_fail(v, q->reason ? q->reason : "a broken queue");
    }
}

struct virtq_buf *virtio_pop(struct virtio *v, unsigned queue)
{
    struct virtq_buf *buf;

    if (!virtio_is_live(v)) {
        return NULL;
    }
    buf = virtq_pop(&v->queue[queue]);
    check_broken(v, &v->queue[queue]);
    return buf;
}

bool virtio_has_buffer(struct virtio *v, unsigned queue)
{
    bool has = virtio_is_live(v) && virtq_has_buffer(&v->queue[queue]);

    check_broken(v, &v->queue[queue]);
    return has;
}

void virtio_publish(struct virtio *v, unsigned queue)
{
    struct virtqueue *q = &v->queue[queue];

    if (virtq_publish(q) && virtq_must_notify(q)) {
        v->transport->queue_interrupt(v, queue);
    }
    check_broken(v, q);
}

void virtio_push(struct virtio *v, unsigned queue, struct virtq_buf *buf,
                 uint32_t written)
{
    virtq_put(&v->queue[queue], buf, written);
    virtio_publish(v, queue);
}

bool virtio_each(struct virtio *v, unsigned queue,
                 bool (*fn)(struct virtio *v, unsigned queue,
                            struct virtq_buf *buf))
{
    struct virtqueue *q = &v->queue[queue];
    unsigned left = q->size;
    bool more;

    if (!virtio_is_live(v)) {
        return false;
    }
    do {
        struct virtq_buf *buf = NULL;

        virtq_set_notify(q, false);
        while (left && (buf = virtio_pop(v, queue))) {
            left--;
            if (!fn(v, queue, buf)) {
                break;
            }
        }
        virtq_set_notify(q, true);
        more = virtio_has_buffer(v, queue);
        if (buf && left) {
            return more; /* fn could take no more */
        }
    } while (more && left);
    return more;
}

void virtio_config_changed(struct virtio *v)
{
    v->generation++;
    if (v->status & VIRTIO_DRIVER_OK) {
        v->transport->config_interrupt(v);
    }
}

/* [VIRTIO] 2.2: features that need others are the device's to refuse. */
static bool features_ok(const struct virtio *v)
{
    return virtio_has(v, VIRTIO_F_VERSION_1);
}

/* Linux fills some queues, and tells of it, before it says DRIVER_OK. */
static void start(struct virtio *v)
{
    if (v->type->started) {
        v->type->started(v);
    }
    for (unsigned i = 0; i < v->queues; i++) {
        serve(v, i);
    }
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
    uint8_t old = v->status;

    if (status == 0) {
        virtio_reset(v);
        features_changed(v);
        return;
    }
    if ((status & ~old & VIRTIO_FEATURES_OK) && !features_ok(v)) {
        status &= (uint8_t)~VIRTIO_FEATURES_OK;
    }
    v->status =
        (uint8_t)((old & VIRTIO_NEEDS_RESET) | (status & ~VIRTIO_NEEDS_RESET));
    if (v->status & ~old & VIRTIO_DRIVER_OK) {
        start(v);
    }
}

void virtio_set_features(struct virtio *v, unsigned half, uint32_t value)
{
    uint64_t bits = half == 0 ? value : half == 1 ? (uint64_t)value << 32 : 0;
    uint64_t kept =
        half == 0 ? v->features & ~(uint64_t)UINT32_MAX : (uint32_t)v->features;

    if (half > 1 || (v->status & VIRTIO_FEATURES_OK)) {
        return;
    }
    v->features = (kept | bits) & v->offered;
    features_changed(v);
}

void virtio_notified(struct virtio *v, unsigned queue)
{
    serve(v, queue);
}

void virtio_queue_enable(struct virtio *v, unsigned queue)
{
    virtq_enable(&v->queue[queue]);
    check_broken(v, &v->queue[queue]);
}

void virtio_queue_reset(struct virtio *v, unsigned queue)
{
    if (v->type->queue_reset) {
        v->type->queue_reset(v, queue);
    }
    virtq_reset(&v->queue[queue]);
    apply_features(v);
}

uint64_t virtio_config_read(struct virtio *v, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        uint64_t n = at + i;

        value |= (uint64_t)(n < v->type->config_size ? v->config[n] : 0xff)
                 << (8 * i);
    }
    return value;
}

void virtio_config_write(struct virtio *v, uint64_t at, unsigned size,
                         uint64_t value)
{
    uint8_t old[VIRTIO_CONFIG];
    uint8_t b[8];

    if (at >= v->type->config_size || size > v->type->config_size - at ||
        !v->type->config_written) {
        return;
    }
    memcpy(old, v->config, sizeof(old));
    stl_u64(b, value);
    memcpy(v->config + at, b, size);
    v->type->config_written(v, (unsigned)at, size, old);
}
