/* SPDX-License-Identifier: MIT */
/* Between virtqueue.c and virtq_packed.c. */
#ifndef HW_VIRTIO_VIRTQ_RING_H
#define HW_VIRTIO_VIRTQ_RING_H

#include "hw/virtio/virtqueue.h"

enum { VIRTQ_DESC = 16 }; /* bytes of a descriptor */
enum {                    /* flags of both kinds */
       VIRTQ_NEXT = 1 << 0,
       VIRTQ_WRITE = 1 << 1,
       VIRTQ_INDIRECT = 1 << 2,
};

/* A descriptor, copied. */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t a, b; /* split: flags, next; packed: id, flags */
};

struct virtq_chain {
    unsigned out_count, in_count;
    uint64_t out_len, in_len;
    struct iovec iov[VIRTQ_SEGMENTS];
    uint64_t addr[VIRTQ_SEGMENTS];
};

static inline void virtq_chain_start(struct virtq_chain *c)
{
    c->out_count = c->in_count = 0;
    c->out_len = c->in_len = 0;
}

void virtq_break(struct virtqueue *q, const char *why);
/* Adds what a descriptor names; false and broken where it must not. */
bool virtq_chain_add(struct virtqueue *q, struct virtq_chain *c,
                     const struct virtq_desc *d, bool in);
bool virtq_indirect_ok(struct virtqueue *q, uint32_t len);
struct virtq_buf *virtq_chain_take(struct virtqueue *q,
                                   const struct virtq_chain *c, uint16_t id,
                                   uint16_t descs);

/* Accesses to rings; outside of memory they break the queue. Loads acquire,
 * stores release. */
uint16_t virtq_ring_load(struct virtqueue *q, uint64_t addr);
void virtq_ring_store(struct virtqueue *q, uint64_t addr, uint16_t value);
void virtq_ring_write(struct virtqueue *q, uint64_t addr, const void *data,
                      size_t len);
bool virtq_ring_desc(struct virtqueue *q, uint64_t table, unsigned i,
                     struct virtq_desc *d);

struct virtq_buf *virtq_packed_pop(struct virtqueue *q);
void virtq_packed_unpop(struct virtqueue *q, const struct virtq_buf *buf);
void virtq_packed_put(struct virtqueue *q, const struct virtq_buf *buf,
                      uint32_t written);
void virtq_packed_publish(struct virtqueue *q);
bool virtq_packed_must_notify(struct virtqueue *q);
bool virtq_packed_has(struct virtqueue *q);
void virtq_packed_set_notify(struct virtqueue *q, bool on);

#endif
