/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices apart from how they are attached: features, status, queues.
 * [VIRTIO] Virtual I/O Device (VIRTIO) 1.2. Machine lock held in all calls.
 *
 * A device embeds struct virtio in its transport (virtio_pci.h), fills in
 * `ops`, takes chains of buffers off its queues and gives them back. Guest
 * memory of a chain is mapped: it may be read and written by workers.
 */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include <sys/uio.h>

#include "hw/core/machine.h"

enum {
    VIRTIO_QUEUES = 18,
    VIRTIO_SEGMENTS = 256, /* most buffers of a chain */
    VIRTIO_QUEUE_MAX = 1024,
    VIRTIO_NO_VECTOR = 0xffff,
    VIRTIO_CONFIG_MAX = 256,
};

enum { /* device types */
       VIRTIO_NET = 1,
       VIRTIO_BLK = 2,
       VIRTIO_CONSOLE = 3,
       VIRTIO_RNG = 4,
       VIRTIO_BALLOON = 5,
       VIRTIO_SCSI = 8,
       VIRTIO_9P = 9,
       VIRTIO_INPUT = 18,
};

enum { /* status */
       VIRTIO_ACKNOWLEDGE = 1,
       VIRTIO_DRIVER = 2,
       VIRTIO_DRIVER_OK = 4,
       VIRTIO_FEATURES_OK = 8,
       VIRTIO_NEEDS_RESET = 64,
       VIRTIO_FAILED = 128,
};

#define VIRTIO_F_ANY_LAYOUT    BIT(27)
#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX     BIT(29)
#define VIRTIO_F_VERSION_1     BIT(32)
#define VIRTIO_F_RING_PACKED   BIT(34)

struct virtio;

/* What is saved of the queues, a member an array. */
struct virtio_queues {
    uint64_t desc[VIRTIO_QUEUES];   /* guest addresses */
    uint64_t driver[VIRTIO_QUEUES]; /* "available ring" */
    uint64_t device[VIRTIO_QUEUES]; /* "used ring" */
    uint16_t size[VIRTIO_QUEUES];
    uint16_t vector[VIRTIO_QUEUES];
    uint16_t last[VIRTIO_QUEUES]; /* the next available entry */
    uint16_t used[VIRTIO_QUEUES]; /* the next used entry */
    uint16_t told[VIRTIO_QUEUES]; /* `used` when the driver was notified last */
    bool enabled[VIRTIO_QUEUES];
    /* Packed rings: the wrap counters. */
    bool last_wrap[VIRTIO_QUEUES], used_wrap[VIRTIO_QUEUES];
};

struct virtqueue {
    struct virtio *v;
    unsigned index;
    uint16_t max; /* the size it has after a reset; 0: there is none */
    void (*notified)(struct virtio *v, unsigned queue);
    /* Host addresses of the rings, NULL: not mapped. */
    uint8_t *desc, *driver, *device;
    bool no_interrupt; /* the device polls it: the driver need not kick */
    /* Packed: the flags of the first descriptor since the last flush, which
     * makes all behind it seen. */
    bool held;
    unsigned held_at;
    uint16_t held_flags;
};

/* Buffers of one descriptor chain. */
struct virtio_chain {
    uint16_t head;
    uint16_t count;   /* descriptors, for packed rings */
    unsigned out, in; /* to be read, to be written: iov[0..out..out+in) */
    uint64_t out_len, in_len;
    uint64_t addr[VIRTIO_SEGMENTS]; /* guest addresses of the same */
    struct iovec iov[VIRTIO_SEGMENTS];
};

struct virtio_ops {
    uint16_t type;
    unsigned config_size;
    uint64_t features; /* that it may offer; see `offered` */
    /* Fills in the configuration that is about to be read. */
    void (*get_config)(struct virtio *v, uint8_t *config);
    /* The driver wrote [at, at + len) of it; may be NULL. */
    void (*set_config)(struct virtio *v, const uint8_t *config, unsigned at,
                       unsigned len);
    void (*reset)(struct virtio *v);  /* may be NULL */
    void (*status)(struct virtio *v); /* it changed; may be NULL */
};

struct virtio {
    const struct virtio_ops *ops;
    struct machine *machine;
    struct dev *dev;
    uint64_t offered;   /* by the device */
    uint64_t features;  /* accepted; saved state */
    uint8_t status;     /* saved state */
    uint8_t generation; /* of the configuration */
    struct virtio_queues q;
    struct virtqueue queue[VIRTIO_QUEUES];
    /* The transport's: a used buffer, or (VIRTIO_QUEUES) the configuration. */
    void (*interrupt)(struct virtio *v, unsigned queue);
};

/* clang-format off */
#define VIRTIO_STATE(type, m) \
    FIELD(type, m.features), FIELD(type, m.status), \
    FIELD(type, m.generation), \
    FIELD_ARRAY(type, m.q.desc), FIELD_ARRAY(type, m.q.driver), \
    FIELD_ARRAY(type, m.q.device), FIELD_ARRAY(type, m.q.size), \
    FIELD_ARRAY(type, m.q.vector), FIELD_ARRAY(type, m.q.last), \
    FIELD_ARRAY(type, m.q.used), FIELD_ARRAY(type, m.q.told), \
    FIELD_ARRAY(type, m.q.enabled), FIELD_ARRAY(type, m.q.last_wrap), \
    FIELD_ARRAY(type, m.q.used_wrap)
/* clang-format on */

void virtio_init(struct virtio *v, const struct virtio_ops *ops,
                 struct dev *dev, uint64_t offered);
/* Adds a queue of at most `max` entries, a power of two. */
void virtio_add_queue(struct virtio *v, uint16_t max,
                      void (*notified)(struct virtio *v, unsigned queue));
void virtio_reset(struct virtio *v);
/* After a load: refuses what cannot be. */
bool virtio_check(const struct virtio *v, GError **error);
/* After a load or when a queue is enabled: finds the rings. */
void virtio_map_queue(struct virtio *v, unsigned queue);
void virtio_settle(struct virtio *v);

static inline bool virtio_has(const struct virtio *v, uint64_t feature)
{
    return v->features & feature;
}

/* Is the driver at work? */
static inline bool virtio_runs(const struct virtio *v)
{
    return v->status & VIRTIO_DRIVER_OK && !(v->status & VIRTIO_NEEDS_RESET);
}

void virtio_set_status(struct virtio *v, uint8_t status);
/* Accepts features of the 32-bit word `select`. */
void virtio_set_features(struct virtio *v, unsigned select, uint32_t value);
/* The configuration changed by itself: tells the driver. */
void virtio_config_changed(struct virtio *v);
/* The driver did what no driver may: stops until a reset. */
void virtio_broken(struct virtio *v, const char *what);
/* The driver rang for a queue. */
void virtio_notified(struct virtio *v, unsigned queue);

/* virtqueue.c */
/* Takes the next chain; false: there is none, or the queue is broken. */
bool virtqueue_pop(struct virtqueue *q, struct virtio_chain *c);
/* Puts back what was popped last and not used. */
void virtqueue_unpop(struct virtqueue *q, const struct virtio_chain *c);
bool virtqueue_empty(struct virtqueue *q);
/* Gives a chain back, `written` bytes of which are new. Not seen by the driver
 * before virtqueue_flush(). */
void virtqueue_push(struct virtqueue *q, const struct virtio_chain *c,
                    uint32_t written);
/* Interrupts, if the driver wants to hear of it. */
void virtqueue_flush(struct virtqueue *q);
/* Asks for kicks, or for none. */
void virtqueue_want_kicks(struct virtqueue *q, bool want);

/* Copies between a chain's buffers and the device's; how many bytes. */
size_t virtio_read(const struct virtio_chain *c, size_t at, void *to,
                   size_t len);
size_t virtio_write(struct virtio *v, const struct virtio_chain *c, size_t at,
                    const void *from, size_t len);
/* Workers wrote [0, len) of the chain's input. */
void virtio_wrote(struct virtio *v, const struct virtio_chain *c, uint64_t len);

#endif
