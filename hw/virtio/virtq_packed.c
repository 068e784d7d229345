/* SPDX-License-Identifier: MIT */
/*
 * [VIRTIO] 2.7 "Packed Virtqueues": one ring of descriptors that driver and
 * device write in turn; a wrap counter on each side says whose turn it is.
 */
#include "hw/virtio/virtq_ring.h"

enum { DESC_ID = 12, DESC_FLAGS = 14, AVAIL = 1 << 7, USED = 1 << 15 };
enum { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2, EVENT_FLAGS = 2 };

static uint64_t slot_at(const struct virtqueue *q, unsigned slot)
{
    return q->desc + (uint64_t)VIRTQ_DESC * slot;
}

/* Is a descriptor with these flags the driver's gift to us? */
static bool is_available(uint16_t flags, bool wrap)
{
    return !(flags & AVAIL) != wrap && !(flags & USED) == wrap;
}

bool virtq_packed_has(struct virtqueue *q)
{
    uint16_t flags = virtq_ring_load(q, slot_at(q, q->next) + DESC_FLAGS);

    return !q->broken && is_available(flags, q->next_wrap);
}

static void advance(uint16_t *slot, bool *wrap, uint16_t by, uint16_t size)
{
    unsigned at = (unsigned)*slot + by;

    if (at >= size) {
        at -= size;
        *wrap = !*wrap;
    }
    *slot = (uint16_t)at;
}

static bool add_table(struct virtqueue *q, struct virtq_chain *c,
                      const struct virtq_desc *table)
{
    struct virtq_desc d;

    if (!virtq_indirect_ok(q, table->len)) {
        return false;
    }
    for (unsigned i = 0; i < table->len / VIRTQ_DESC; i++) {
        if (!virtq_ring_desc(q, table->addr, i, &d) ||
            !virtq_chain_add(q, c, &d, d.b & VIRTQ_WRITE)) {
            return false;
        }
    }
    return true;
}

/* Takes a list of descriptors; the number of its slots, 0 = broken. */
static uint16_t take_list(struct virtqueue *q, struct virtq_chain *c,
                          uint16_t *id)
{
    uint16_t slot = q->next;
    bool wrap = q->next_wrap;
    struct virtq_desc d;

    for (uint16_t n = 1; n <= q->size; n++) {
        if (!virtq_ring_desc(q, q->desc, slot, &d)) {
            return 0;
        }
        *id = d.a;
        if (d.b & VIRTQ_INDIRECT) {
            if (n > 1 || (d.b & VIRTQ_NEXT)) {
                virtq_break(q, "an indirect table inside of a chain");
                return 0;
            }
            return add_table(q, c, &d) ? 1 : 0;
        }
        if (!virtq_chain_add(q, c, &d, d.b & VIRTQ_WRITE)) {
            return 0;
        }
        if (!(d.b & VIRTQ_NEXT)) {
            return n;
        }
        advance(&slot, &wrap, 1, q->size);
    }
    virtq_break(q, "a chain that loops");
    return 0;
}

struct virtq_buf *virtq_packed_pop(struct virtqueue *q)
{
    struct virtq_chain c;
    uint16_t id = 0;
    uint16_t descs;

    if (!virtq_packed_has(q)) {
        return NULL;
    }
    virtq_chain_start(&c);
    descs = take_list(q, &c, &id);
    if (!descs) {
        return NULL;
    }
    advance(&q->next, &q->next_wrap, descs, q->size);
    return virtq_chain_take(q, &c, id, descs);
}

void virtq_packed_unpop(struct virtqueue *q, const struct virtq_buf *buf)
{
    if (q->next < buf->descs) {
        q->next = (uint16_t)(q->next + q->size);
        q->next_wrap = !q->next_wrap;
    }
    q->next = (uint16_t)(q->next - buf->descs);
}

/* The first one's flags are written last, when all are to be seen. */
void virtq_packed_put(struct virtqueue *q, const struct virtq_buf *buf,
                      uint32_t written)
{
    uint64_t at = slot_at(q, q->used);
    uint16_t flags = (uint16_t)((q->used_wrap ? AVAIL | USED : 0) |
                                (written ? VIRTQ_WRITE : 0));
    uint8_t d[6];

    stl_u32(d, written);
    stl_u16(d + 4, buf->id);
    virtq_ring_write(q, at + 8, d, sizeof(d));
    if (!q->held) {
        q->held = true;
        q->held_slot = q->used;
        q->held_flags = flags;
    } else {
        virtq_ring_store(q, at + DESC_FLAGS, flags);
    }
    if ((unsigned)q->used + buf->descs >= q->size) {
        q->signalled = (uint16_t)(q->signalled - q->size);
    }
    advance(&q->used, &q->used_wrap, buf->descs, q->size);
}

void virtq_packed_publish(struct virtqueue *q)
{
    if (q->held) {
        q->held = false;
        virtq_ring_store(q, slot_at(q, q->held_slot) + DESC_FLAGS,
                         q->held_flags);
    }
}

/* The driver's area: offset 0 a slot and (bit 15) its wrap counter, 2 flags. */
bool virtq_packed_must_notify(struct virtqueue *q)
{
    uint16_t flags = virtq_ring_load(q, q->driver + EVENT_FLAGS);
    uint16_t event = virtq_ring_load(q, q->driver);
    uint16_t old = q->signalled;
    bool valid = q->signalled_valid;
    bool wrap = event >> 15;

    q->signalled = q->used;
    q->signalled_valid = true;
    if ((flags & 3) != EVENT_DESC || !q->event_idx) {
        return (flags & 3) != EVENT_DISABLE;
    }
    event &= 0x7fff;
    if (wrap != q->used_wrap) {
        event = (uint16_t)(event - q->size);
    }
    /* `used`, `event` and `old` count from the start of this round. */
    return !valid ||
           (uint16_t)(q->used - event - 1) < (uint16_t)(q->used - old);
}

void virtq_packed_set_notify(struct virtqueue *q, bool on)
{
    if (on && q->event_idx) {
        virtq_ring_store(q, q->device,
                         (uint16_t)(q->next | (q->next_wrap ? 1 << 15 : 0)));
    }
    virtq_ring_store(q, q->device + EVENT_FLAGS,
                     !on            ? EVENT_DISABLE
                     : q->event_idx ? EVENT_DESC
                                    : EVENT_ENABLE);
}
