/* SPDX-License-Identifier: MIT */
/*
 * A virtio device apart from its transport: status, features, queues,
 * configuration space. [VIRTIO] 2, 3.
 *
 * A device embeds struct virtio and describes itself by struct virtio_type; a
 * transport (virtio_pci.h) shows it to the guest. Machine lock held in all
 * calls.
 */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include "hw/core/machine.h"
#include "hw/virtio/virtqueue.h"

enum { VIRTIO_QUEUES = 64, VIRTIO_CONFIG = 256 };

enum virtio_id { /* [VIRTIO] 5 */
                 VIRTIO_ID_NET = 1,
                 VIRTIO_ID_BLOCK = 2,
                 VIRTIO_ID_CONSOLE = 3,
                 VIRTIO_ID_RNG = 4,
                 VIRTIO_ID_BALLOON = 5,
                 VIRTIO_ID_SCSI = 8,
                 VIRTIO_ID_9P = 9,
                 VIRTIO_ID_INPUT = 18,
};

enum { /* device status */
       VIRTIO_ACKNOWLEDGE = 1,
       VIRTIO_DRIVER = 2,
       VIRTIO_DRIVER_OK = 4,
       VIRTIO_FEATURES_OK = 8,
       VIRTIO_NEEDS_RESET = 0x40,
       VIRTIO_FAILED = 0x80,
};

enum { /* numbers of feature bits that all devices share, [VIRTIO] 6 */
       VIRTIO_F_ANY_LAYOUT = 27, /* of legacy drivers */
       VIRTIO_F_INDIRECT_DESC = 28,
       VIRTIO_F_EVENT_IDX = 29,
       VIRTIO_F_VERSION_1 = 32,
       VIRTIO_F_ACCESS_PLATFORM = 33,
       VIRTIO_F_RING_PACKED = 34,
       VIRTIO_F_RING_RESET = 40,
};

struct virtio;

struct virtio_type {
    const char *name; /* for messages and regions */
    enum virtio_id id;
    uint32_t pci_class;   /* 24 bits */
    uint16_t config_size; /* of the configuration space, in bytes */
    /* Adds queues and features, fills v->config. */
    bool (*realize)(struct virtio *v, GError **error);
    void (*unrealize)(struct virtio *v); /* may be NULL, as all that follow */
    /* The driver says that a queue has buffers. True: there was more than one
     * call should do; it comes again, soon. */
    bool (*notify)(struct virtio *v, unsigned queue);
    /* The driver wrote v->config[at .. at + size), `old` as it was. */
    void (*config_written)(struct virtio *v, unsigned at, unsigned size,
                           const uint8_t *old);
    /* The driver chose (or the device was reset): v->features holds now. */
    void (*features_set)(struct virtio *v);
    void (*started)(struct virtio *v); /* DRIVER_OK */
    /* All buffers must come back, without notice; then own state. */
    void (*reset)(struct virtio *v);
    void (*queue_reset)(struct virtio *v, unsigned queue); /* likewise */
    void (*settle)(struct virtio *v);
    bool (*check)(struct virtio *v, GError **error);
};

/* What the transport does for the device. */
struct virtio_transport {
    void (*queue_interrupt)(struct virtio *v, unsigned queue);
    void (*config_interrupt)(struct virtio *v);
    /* May the device access memory? NULL: always. */
    bool (*may_dma)(struct virtio *v);
};

struct virtio {
    const struct virtio_type *type;
    const struct virtio_transport *transport;
    struct dev *dev;
    struct machine *machine;
    uint64_t offered; /* features, bit by number */
    unsigned queues;
    unsigned vectors; /* how many the device would like */
    struct timer later;

    /* saved: */
    uint64_t features; /* what the driver took */
    uint64_t again;    /* queues to be served by `later`, a bit each */
    uint8_t status, generation;
    uint8_t config[VIRTIO_CONFIG];
    struct virtqueue queue[VIRTIO_QUEUES];
};

/* clang-format off */
#define VIRTIO_STATE(type, m) \
    FIELD_AS(type, m.features, "features"), \
    FIELD_AS(type, m.again, "again"), \
    FIELD_AS(type, m.status, "status"), \
    FIELD_AS(type, m.generation, "generation"), \
    FIELD_AS_ARRAY(type, m.config, "config"), \
    VIRTQ_STATE(type, m.queue)
/* clang-format on */

/* --- for devices --- */

/* In realize. The queue's number. */
unsigned virtio_add_queue(struct virtio *v, uint16_t size);
static inline void virtio_offer(struct virtio *v, unsigned feature)
{
    v->offered |= BIT(feature);
}
static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
    return v->features & BIT(feature);
}
/* Running: the driver is there, and nothing is broken. */
bool virtio_is_live(const struct virtio *v);
/* virtq_pop() of a live device; a ring that breaks is told of. */
struct virtq_buf *virtio_pop(struct virtio *v, unsigned queue);
bool virtio_has_buffer(struct virtio *v, unsigned queue);
/* Gives a buffer back and interrupts, where the driver wants that. */
void virtio_push(struct virtio *v, unsigned queue, struct virtq_buf *buf,
                 uint32_t written);
/* virtq_publish() and the interrupt, after some virtq_put(). */
void virtio_publish(struct virtio *v, unsigned queue);
/* Runs fn for each buffer of a queue until none is left (or fn says false: it
 * put it back), with notifications off meanwhile. At most as many as the ring
 * is long; true: there are more. */
bool virtio_each(struct virtio *v, unsigned queue,
                 bool (*fn)(struct virtio *v, unsigned queue,
                            struct virtq_buf *buf));
/* Serves the queue as if the driver had told of buffers, but later. */
void virtio_serve_later(struct virtio *v, unsigned queue);
/* v->config has changed: the driver hears of it. */
void virtio_config_changed(struct virtio *v);
/* The driver did what leaves no way on: it has to reset the device. */
void virtio_fail(struct virtio *v, const char *why);

/* --- for transports --- */

bool virtio_realize(struct virtio *v, struct dev *dev,
                    const struct virtio_transport *transport, GError **error);
void virtio_unrealize(struct virtio *v);
void virtio_reset(struct virtio *v);
void virtio_settle(struct virtio *v);
bool virtio_check(struct virtio *v, GError **error);
void virtio_set_status(struct virtio *v, uint8_t status);
/* Half 0 or 1 of the 64 bits. */
void virtio_set_features(struct virtio *v, unsigned half, uint32_t value);
void virtio_notified(struct virtio *v, unsigned queue);
void virtio_queue_enable(struct virtio *v, unsigned queue);
void virtio_queue_reset(struct virtio *v, unsigned queue);
uint64_t virtio_config_read(struct virtio *v, uint64_t at, unsigned size);
void virtio_config_write(struct virtio *v, uint64_t at, unsigned size,
                         uint64_t value);

#endif
