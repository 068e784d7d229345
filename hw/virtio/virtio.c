/* SPDX-License-Identifier: MIT */
#include "hw/virtio/virtio.h"

#include <string.h>

#include "base/log.h"
#include "mem/dma.h"

void virtio_init(struct virtio *v, const struct virtio_ops *ops,
                 struct dev *dev, uint64_t offered)
{
    v->ops = ops;
    v->dev = dev;
    v->machine = dev->machine;
    v->offered = offered | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
}

void virtio_add_queue(struct virtio *v, uint16_t max,
                      void (*notified)(struct virtio *v, unsigned queue))
{
    unsigned i = 0;

    while (v->queue[i].max) {
        i++;
    }
    assert(i < VIRTIO_QUEUES);
    v->queue[i] = (struct virtqueue){
        .v = v, .index = i, .max = max, .notified = notified};
}

static void reset_queue(struct virtio *v, unsigned i)
{
    struct virtqueue *q = &v->queue[i];

    v->q.desc[i] = v->q.driver[i] = v->q.device[i] = 0;
    v->q.size[i] = q->max;
    v->q.vector[i] = VIRTIO_NO_VECTOR;
    v->q.last[i] = v->q.used[i] = v->q.told[i] = 0;
    v->q.enabled[i] = false;
    v->q.last_wrap[i] = v->q.used_wrap[i] = true;
    q->desc = q->driver = q->device = NULL;
    q->no_interrupt = false;
    q->held = false;
}

void virtio_reset(struct virtio *v)
{
    v->status = 0;
    v->features = 0;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        reset_queue(v, i);
    }
    if (v->ops->reset) {
        v->ops->reset(v);
    }
}

/* Sizes of the three areas. [VIRTIO] 2.7, 2.8 */
static bool find_area(struct virtio *v, uint64_t addr, uint64_t size,
                      uint8_t **host)
{
    uint64_t len = size;

    *host = addr % 2 ? NULL : dma_map(&v->machine->memory, addr, &len, true);
    return *host && len >= size;
}

void virtio_map_queue(struct virtio *v, unsigned i)
{
    struct virtqueue *q = &v->queue[i];
    uint64_t n = v->q.size[i];
    bool packed = virtio_has(v, VIRTIO_F_RING_PACKED);

    if (!v->q.enabled[i] || !q->max) {
        q->desc = NULL;
        return;
    }
    if (!find_area(v, v->q.desc[i], 16 * n, &q->desc) ||
        !find_area(v, v->q.driver[i], packed ? 4 : 6 + 2 * n, &q->driver) ||
        !find_area(v, v->q.device[i], packed ? 4 : 6 + 8 * n, &q->device)) {
        q->desc = NULL;
        virtio_broken(v, "a queue outside of memory");
    }
}

bool virtio_check(const struct virtio *v, GError **error)
{
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        unsigned size = v->q.size[i];
        bool packed = virtio_has(v, VIRTIO_F_RING_PACKED);

        if (size > v->queue[i].max || (v->q.enabled[i] && size == 0) ||
            (!packed && size & (size - 1)) ||
            (packed && v->q.enabled[i] &&
             (v->q.last[i] >= size || v->q.used[i] >= size))) {
            return fail(error, "%s: queue %u cannot be like that",
                        dev_name(v->dev), i);
        }
    }
    return true;
}

void virtio_settle(struct virtio *v)
{
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        virtio_map_queue(v, i);
    }
}

void virtio_set_features(struct virtio *v, unsigned select, uint32_t value)
{
    uint64_t bits;

    if (select > 1 || v->status & VIRTIO_FEATURES_OK) {
        return;
    }
    bits = (uint64_t)value << (32 * select);
    v->features &= select ? UINT32_MAX : ~(uint64_t)UINT32_MAX;
    v->features |= bits & v->offered;
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
    if (status == 0) {
        virtio_reset(v);
    } else {
        v->status = (uint8_t)(status | (v->status & VIRTIO_NEEDS_RESET));
    }
    if (v->ops->status) {
        v->ops->status(v);
    }
}

void virtio_config_changed(struct virtio *v)
{
    v->generation++;
    if (v->status & VIRTIO_DRIVER_OK) {
        v->interrupt(v, VIRTIO_QUEUES);
    }
}

void virtio_broken(struct virtio *v, const char *what)
{
    if (v->status & VIRTIO_NEEDS_RESET) {
        return;
    }
    log_guest("%s: %s", dev_name(v->dev), what);
    v->status |= VIRTIO_NEEDS_RESET;
    if (virtio_has(v, VIRTIO_F_VERSION_1)) {
        virtio_config_changed(v);
    }
}

void virtio_notified(struct virtio *v, unsigned queue)
{
    if (queue < VIRTIO_QUEUES && v->queue[queue].max && virtio_runs(v)) {
        v->queue[queue].notified(v, queue);
    }
}
