/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues, the device's side: buffers are taken off a ring in the guest's
 * memory, used, and given back. Split and packed rings, indirect descriptors,
 * event index. [VIRTIO] 2.6, 2.7, 2.8.
 *
 * A pure state machine: it knows neither devices nor transports. What the
 * guest wrote is copied once, then checked, then used; a ring that no driver
 * makes breaks the queue, which then gives nothing until it is reset. Machine
 * lock held in all calls.
 */
#ifndef HW_VIRTIO_VIRTQUEUE_H
#define HW_VIRTIO_VIRTQUEUE_H

#include <sys/uio.h>

#include "mem/dma.h"

enum { VIRTQ_SIZE_MAX = 1024, VIRTQ_SEGMENTS = 1024 };

/*
 * A buffer off the ring. Its device-readable segments come first in iov, then
 * the device-writable ones. They are the guest's memory itself, which may
 * change at any time: read once what is to be checked. Workers may use iov
 * without the lock until the buffer is given back.
 */
struct virtq_buf {
    uint16_t id;
    uint16_t descs; /* slots that it takes in a packed ring */
    unsigned out_count, in_count;
    uint64_t out_len, in_len; /* bytes */
    struct iovec *iov;        /* out_count + in_count */
    uint64_t *addr;           /* likewise: the guest's addresses */
};

struct virtqueue {
    struct space *memory;
    uint16_t max; /* what the device offers; 0 = there is no such queue */

    /* Set before virtq_enable(); saved with what follows. */
    uint16_t size;
    uint64_t desc, driver, device; /* [VIRTIO] names of 1.1: descriptor area,
                                      driver area (available ring), device area
                                      (used ring) */
    bool enabled, broken;
    uint16_t next;             /* split: free running; packed: a slot */
    uint16_t used;             /* likewise */
    bool next_wrap, used_wrap; /* packed: wrap counters */
    uint16_t signalled;        /* `used` at the last notification */
    bool signalled_valid;
    uint16_t taken; /* buffers that are off the ring */

    /* By the features, set before virtq_enable(). */
    bool packed, event_idx, indirect;

    uint16_t put; /* split: given back, not yet published */
    bool held;    /* packed: likewise; the first one's flags wait */
    uint16_t held_slot, held_flags;
    const char *reason; /* why it broke, for messages */
};

/* Names of all that is saved of queues in the array `m`. */
/* clang-format off */
#define VIRTQ_STATE(type, m) \
    FIELD_EACH(type, m, size, "q_size"), \
    FIELD_EACH(type, m, desc, "q_desc"), \
    FIELD_EACH(type, m, driver, "q_driver"), \
    FIELD_EACH(type, m, device, "q_device"), \
    FIELD_EACH(type, m, enabled, "q_enabled"), \
    FIELD_EACH(type, m, broken, "q_broken"), \
    FIELD_EACH(type, m, next, "q_next"), \
    FIELD_EACH(type, m, used, "q_used"), \
    FIELD_EACH(type, m, next_wrap, "q_next_wrap"), \
    FIELD_EACH(type, m, used_wrap, "q_used_wrap"), \
    FIELD_EACH(type, m, signalled, "q_signalled"), \
    FIELD_EACH(type, m, signalled_valid, "q_signalled_valid"), \
    FIELD_EACH(type, m, taken, "q_taken")
/* clang-format on */

/* As after a reset of the device. `max`: a power of two, or 0. */
void virtq_init(struct virtqueue *q, struct space *memory, uint16_t max);
void virtq_reset(struct virtqueue *q);
/* Places a split ring as legacy drivers have it: in one piece, used ring
 * aligned to `align`. */
void virtq_place_legacy(struct virtqueue *q, uint64_t addr, uint32_t align);
/* The driver says that all is set up. Breaks it where that cannot be. */
void virtq_enable(struct virtqueue *q);
/* Is a loaded state one that can be? */
bool virtq_state_ok(const struct virtqueue *q);

/* The next buffer, or NULL: none is available, or the queue is broken. To be
 * given back by exactly one of the next three. */
struct virtq_buf *virtq_pop(struct virtqueue *q);
/* Used; the first `written` bytes of its device-writable part were written.
 * The driver sees it after virtq_publish(). */
void virtq_put(struct virtqueue *q, struct virtq_buf *buf, uint32_t written);
/* As if it had not been taken; the last one taken first. */
void virtq_unpop(struct virtqueue *q, struct virtq_buf *buf);
/* The queue was reset in the meantime: frees it. */
void virtq_drop(struct virtq_buf *buf);

void virtq_publish(struct virtqueue *q);
/* virtq_put(), virtq_publish() */
void virtq_push(struct virtqueue *q, struct virtq_buf *buf, uint32_t written);
/* Does the driver want to hear of what was published since the last time? */
bool virtq_must_notify(struct virtqueue *q);

bool virtq_has_buffer(struct virtqueue *q);
/* Shall the driver tell of new buffers? Once virtq_pop() gave nothing it has to
 * be told so, also where it was never switched off: then look once more. */
void virtq_set_notify(struct virtqueue *q, bool on);

/* Copies out of the device-readable part, or into the device-writable one,
 * from byte `at` of it; how much there was to copy. */
size_t virtq_read(const struct virtq_buf *buf, size_t at, void *to, size_t len);
size_t virtq_write(const struct virtq_buf *buf, size_t at, const void *from,
                   size_t len);
/*
 * The part [at, at + len) of iov, cut short where it ends, written to `to`
 * (room for all of count). Its number of segments.
 */
unsigned virtq_slice(const struct iovec *iov, unsigned count, uint64_t at,
                     uint64_t len, struct iovec *to);

#endif
