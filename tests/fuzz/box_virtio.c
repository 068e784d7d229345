/* SPDX-License-Identifier: MIT */
/* Drivers of a box's virtio devices, as far as the rings. */
#include "hw/virtio/virtio_pci.h"
#include "tests/fuzz/box.h"

/* The proxy of a virtio device, or NULL. */
static struct virtio_pci *virtio_of(struct dev *dev)
{
    return g_str_has_prefix(dev->type->name, "virtio-")
               ? container_of(dev, struct virtio_pci, pci.dev)
               : NULL;
}

/* As a driver would: all features, small rings where op_ram() writes. */
void box_virtio_setup(struct machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct virtio_pci *p = virtio_of(m->devices->pdata[i]);

        if (!p) {
            continue;
        }
        virtio_set_status(p->v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
        virtio_set_features(p->v, 0, UINT32_MAX);
        virtio_set_features(p->v, 1, UINT32_MAX);
        virtio_set_status(p->v, VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
        for (unsigned n = 0; n < p->v->queues; n++) {
            struct virtqueue *q = &p->v->queue[n];

            q->size = MIN(q->max, 8);
            q->desc = (n & 3) * 0x1000;
            q->driver = q->desc + 0x400;
            q->device = q->desc + 0x800;
            virtio_queue_enable(p->v, n);
        }
        virtio_set_status(p->v, VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    }
}

void box_virtio_kick(struct machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct virtio_pci *p = virtio_of(m->devices->pdata[i]);

        for (unsigned n = 0; p && n < p->v->queues; n++) {
            virtio_notified(p->v, n);
        }
    }
}
