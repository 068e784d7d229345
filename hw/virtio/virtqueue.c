/* SPDX-License-Identifier: MIT */
/*
 * [VIRTIO] 2.6 "Split Virtqueues"; 2.7 "Packed Virtqueues" is in
 * virtq_packed.c. Here is also what both kinds share: chains of descriptors
 * become segments of host memory.
 *
 * Not modelled: buffers in memory that is not RAM (the queue breaks).
 */
#include "hw/virtio/virtqueue.h"

#include <string.h>

#include "hw/virtio/virtq_ring.h"

enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

/* --- the guest's memory --- */

/* Host memory of a part of the ring; NULL and a broken queue where there is
 * none. */
static void *ring_map(struct virtqueue *q, uint64_t addr, uint64_t len,
                      bool write)
{
    uint64_t got = len;
    void *p = dma_map(q->memory, addr, &got, write);

    if (!p || got < len) {
        virtq_break(q, "a ring outside of memory");
        return NULL;
    }
    return p;
}

uint16_t virtq_ring_load(struct virtqueue *q, uint64_t addr)
{
    const uint16_t *p = ring_map(q, addr, 2, false);

    return p ? GUINT16_FROM_LE(__atomic_load_n(p, __ATOMIC_ACQUIRE)) : 0;
}

void virtq_ring_store(struct virtqueue *q, uint64_t addr, uint16_t value)
{
    uint16_t *p = ring_map(q, addr, 2, true);

    if (p) {
        __atomic_store_n(p, GUINT16_TO_LE(value), __ATOMIC_RELEASE);
        dma_wrote(q->memory, addr, 2);
    }
}

void virtq_ring_write(struct virtqueue *q, uint64_t addr, const void *data,
                      size_t len)
{
    void *p = ring_map(q, addr, len, true);

    if (p) {
        memcpy(p, data, len);
        dma_wrote(q->memory, addr, len);
    }
}

bool virtq_ring_desc(struct virtqueue *q, uint64_t table, unsigned i,
                     struct virtq_desc *d)
{
    const uint8_t *p =
        ring_map(q, table + (uint64_t)VIRTQ_DESC * i, VIRTQ_DESC, false);
    uint8_t b[VIRTQ_DESC];

    if (!p) {
        return false;
    }
    memcpy(b, p, sizeof(b));
    *d = (struct virtq_desc){
        .addr = ldl_u64(b),
        .len = ldl_u32(b + 8),
        .a = ldl_u16(b + 12),
        .b = ldl_u16(b + 14),
    };
    return true;
}

void virtq_break(struct virtqueue *q, const char *why)
{
    if (!q->broken) {
        q->broken = true;
        q->reason = why;
    }
}

/* --- chains --- */

bool virtq_chain_add(struct virtqueue *q, struct virtq_chain *c,
                     const struct virtq_desc *d, bool in)
{
    uint64_t addr = d->addr;
    uint64_t left = d->len;

    if (!in && c->in_count) {
        virtq_break(q, "a readable descriptor behind a writable one");
        return false;
    }
    while (left) {
        uint64_t part = left;
        void *p = dma_map(q->memory, addr, &part, in);
        unsigned n = c->out_count + c->in_count;

        if (!p || n == VIRTQ_SEGMENTS) {
            virtq_break(q,
                        p ? "too many segments" : "a buffer outside of memory");
            return false;
        }
        c->iov[n] = (struct iovec){.iov_base = p, .iov_len = part};
        c->addr[n] = addr;
        *(in ? &c->in_count : &c->out_count) += 1;
        *(in ? &c->in_len : &c->out_len) += part;
        addr += part;
        left -= part;
    }
    return true;
}

bool virtq_indirect_ok(struct virtqueue *q, uint32_t len)
{
    if (!q->indirect || len % VIRTQ_DESC || len == 0 ||
        len / VIRTQ_DESC > VIRTQ_SEGMENTS) {
        virtq_break(q, "a bad indirect table");
        return false;
    }
    return true;
}

struct virtq_buf *virtq_chain_take(struct virtqueue *q,
                                   const struct virtq_chain *c, uint16_t id,
                                   uint16_t descs)
{
    size_t n = c->out_count + c->in_count;
    struct virtq_buf *buf =
        g_malloc(sizeof(*buf) + n * (sizeof(*buf->iov) + sizeof(*buf->addr)));

    *buf = (struct virtq_buf){
        .id = id,
        .descs = descs,
        .out_count = c->out_count,
        .in_count = c->in_count,
        .out_len = c->out_len,
        .in_len = c->in_len,
        .iov = (struct iovec *)(void *)(buf + 1),
    };
    buf->addr = (uint64_t *)(void *)(buf->iov + n);
    memcpy(buf->iov, c->iov, n * sizeof(*buf->iov));
    memcpy(buf->addr, c->addr, n * sizeof(*buf->addr));
    q->taken++;
    return buf;
}

/* --- split rings --- */

static uint64_t avail_ring(const struct virtqueue *q, unsigned i)
{
    return q->driver + 4 + (uint64_t)2 * i; /* behind flags and idx */
}

static uint64_t used_ring(const struct virtqueue *q, unsigned i)
{
    return q->device + 4 + (uint64_t)8 * i;
}

/* Follows `next` through one table of `count` descriptors. */
static bool walk(struct virtqueue *q, struct virtq_chain *c, uint64_t table,
                 unsigned count, unsigned i,
                 bool nested) /* NOLINT(misc-no-recursion) */
{
    struct virtq_desc d;

    for (unsigned steps = 0; steps < count; steps++) {
        if (!virtq_ring_desc(q, table, i, &d)) {
            return false;
        }
        if (d.a & VIRTQ_INDIRECT) {
            if (nested || (d.a & VIRTQ_NEXT)) {
                virtq_break(q, "an indirect table inside of a chain");
                return false;
            }
            return virtq_indirect_ok(q, d.len) &&
                   walk(q, c, d.addr, d.len / VIRTQ_DESC, 0, true);
        }
        if (!virtq_chain_add(q, c, &d, d.a & VIRTQ_WRITE)) {
            return false;
        }
        if (!(d.a & VIRTQ_NEXT)) {
            return true;
        }
        i = d.b;
        if (i >= count) {
            virtq_break(q, "a descriptor that is not there");
            return false;
        }
    }
    virtq_break(q, "a chain that loops");
    return false;
}

static bool split_has(struct virtqueue *q)
{
    uint16_t left = virtq_ring_load(q, q->driver + 2) - q->next;

    if (left > q->size) {
        virtq_break(q, "more buffers than the ring holds");
    }
    return left && !q->broken;
}

static struct virtq_buf *split_pop(struct virtqueue *q)
{
    struct virtq_chain c;
    unsigned head;

    if (!split_has(q)) {
        return NULL;
    }
    head = virtq_ring_load(q, avail_ring(q, q->next & (q->size - 1)));
    if (head >= q->size) {
        virtq_break(q, "a buffer that is not there");
        return NULL;
    }
    virtq_chain_start(&c);
    if (!walk(q, &c, q->desc, q->size, head, false)) {
        return NULL;
    }
    q->next++;
    return virtq_chain_take(q, &c, (uint16_t)head, 1);
}

static void split_put(struct virtqueue *q, const struct virtq_buf *buf,
                      uint32_t written)
{
    unsigned slot = (unsigned)(q->used + q->put) & (q->size - 1u);
    uint8_t e[8];

    stl_u32(e, buf->id);
    stl_u32(e + 4, written);
    virtq_ring_write(q, used_ring(q, slot), e, sizeof(e));
    q->put++;
}

static void split_publish(struct virtqueue *q)
{
    uint16_t old = q->used;

    q->used = (uint16_t)(old + q->put);
    virtq_ring_store(q, q->device + 2, q->used);
    /* The point of the last notification is more than a round behind. */
    if ((uint16_t)(q->used - q->signalled) < q->put) {
        q->signalled_valid = false;
    }
    q->put = 0;
}

/* Did `now` pass `event` since `old`? */
static bool passed(uint16_t event, uint16_t now, uint16_t old)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

static bool split_must_notify(struct virtqueue *q)
{
    uint16_t old = q->signalled;
    bool valid = q->signalled_valid;

    if (!q->event_idx) {
        return !(virtq_ring_load(q, q->driver) & AVAIL_NO_INTERRUPT);
    }
    q->signalled = q->used;
    q->signalled_valid = true;
    return !valid ||
           passed(virtq_ring_load(q, avail_ring(q, q->size)), q->used, old);
}

static void split_set_notify(struct virtqueue *q, bool on)
{
    if (!q->event_idx) {
        virtq_ring_store(q, q->device, on ? 0 : USED_NO_NOTIFY);
    } else if (on) {
        virtq_ring_store(q, used_ring(q, q->size), q->next);
    }
}

/* --- both --- */

void virtq_init(struct virtqueue *q, struct space *memory, uint16_t max)
{
    assert((max & (max - 1)) == 0 && max <= VIRTQ_SIZE_MAX);
    *q = (struct virtqueue){.memory = memory, .max = max};
    virtq_reset(q);
}

void virtq_reset(struct virtqueue *q)
{
    *q = (struct virtqueue){
        .memory = q->memory,
        .max = q->max,
        .size = q->max,
        .next_wrap = true,
        .used_wrap = true,
    };
}

void virtq_place_legacy(struct virtqueue *q, uint64_t addr, uint32_t align)
{
    q->desc = addr;
    q->driver = addr + (uint64_t)VIRTQ_DESC * q->size;
    q->device = (q->driver + 6 + (uint64_t)2 * q->size + align - 1) &
                ~(uint64_t)(align - 1);
}

/* [VIRTIO] 2.6, 2.7: alignments. */
static bool virtq_aligned(const struct virtqueue *q)
{
    return q->desc % 16 == 0 && q->driver % (q->packed ? 4 : 2) == 0 &&
           q->device % 4 == 0;
}

void virtq_enable(struct virtqueue *q)
{
    bool power = (q->size & (q->size - 1)) == 0;

    q->enabled = true;
    if (q->size == 0 || q->size > q->max || (!q->packed && !power) ||
        !virtq_aligned(q)) {
        virtq_break(q, "a bad size or alignment");
    }
}

bool virtq_state_ok(const struct virtqueue *q)
{
    bool power = (q->size & (q->size - 1)) == 0;

    if (q->size > q->max || q->taken) {
        return false;
    }
    if (!q->enabled || q->broken) {
        return true;
    }
    return q->size && (q->packed || power) && virtq_aligned(q) &&
           (!q->packed || (q->next < q->size && q->used < q->size));
}

static bool virtq_usable(const struct virtqueue *q)
{
    return q->enabled && !q->broken;
}

struct virtq_buf *virtq_pop(struct virtqueue *q)
{
    if (!virtq_usable(q)) {
        return NULL;
    }
    if (q->taken >= q->size) {
        if (virtq_has_buffer(q)) {
            virtq_break(q, "more buffers than the ring holds");
        }
        return NULL;
    }
    return q->packed ? virtq_packed_pop(q) : split_pop(q);
}

/* The device wrote the first `written` bytes. */
static void mark_written(struct virtqueue *q, const struct virtq_buf *buf,
                         uint64_t written)
{
    for (unsigned i = buf->out_count;
         written && i < buf->out_count + buf->in_count; i++) {
        uint64_t part = MIN(written, buf->iov[i].iov_len);

        dma_wrote(q->memory, buf->addr[i], part);
        written -= part;
    }
}

void virtq_put(struct virtqueue *q, struct virtq_buf *buf, uint32_t written)
{
    mark_written(q, buf, written);
    q->taken--;
    if (virtq_usable(q) && q->packed) {
        virtq_packed_put(q, buf, written);
    } else if (virtq_usable(q)) {
        split_put(q, buf, written);
    }
    g_free(buf);
}

void virtq_unpop(struct virtqueue *q, struct virtq_buf *buf)
{
    q->taken--;
    if (q->packed) {
        virtq_packed_unpop(q, buf);
    } else {
        q->next--;
    }
    g_free(buf);
}

void virtq_drop(struct virtq_buf *buf)
{
    g_free(buf);
}

void virtq_publish(struct virtqueue *q)
{
    if (!virtq_usable(q)) {
        q->put = 0;
        q->held = false;
    } else if (q->packed) {
        virtq_packed_publish(q);
    } else if (q->put) {
        split_publish(q);
    }
}

void virtq_push(struct virtqueue *q, struct virtq_buf *buf, uint32_t written)
{
    virtq_put(q, buf, written);
    virtq_publish(q);
}

bool virtq_must_notify(struct virtqueue *q)
{
    if (!virtq_usable(q)) {
        return false;
    }
    /* What was published is seen before what the driver asked for is read. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return q->packed ? virtq_packed_must_notify(q) : split_must_notify(q);
}

bool virtq_has_buffer(struct virtqueue *q)
{
    return virtq_usable(q) && (q->packed ? virtq_packed_has(q) : split_has(q));
}

void virtq_set_notify(struct virtqueue *q, bool on)
{
    if (!virtq_usable(q)) {
        return;
    }
    if (q->packed) {
        virtq_packed_set_notify(q, on);
    } else {
        split_set_notify(q, on);
    }
    if (on) { /* before the caller looks for buffers */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

/* --- the buffers' contents --- */

/* Copies between memory and [at, at + len) of some segments. */
static size_t copy(const struct iovec *iov, unsigned count, size_t at,
                   uint8_t *data, size_t len, bool to_iov)
{
    size_t done = 0;

    for (unsigned i = 0; i < count && done < len; i++) {
        size_t have = iov[i].iov_len;
        size_t part;

        if (at >= have) {
            at -= have;
            continue;
        }
        part = MIN(have - at, len - done);
        if (to_iov) {
            memcpy((uint8_t *)iov[i].iov_base + at, data + done, part);
        } else {
            memcpy(data + done, (const uint8_t *)iov[i].iov_base + at, part);
        }
        done += part;
        at = 0;
    }
    return done;
}

size_t virtq_read(const struct virtq_buf *buf, size_t at, void *to, size_t len)
{
    return copy(buf->iov, buf->out_count, at, to, len, false);
}

size_t virtq_write(const struct virtq_buf *buf, size_t at, const void *from,
                   size_t len)
{
    return copy(buf->iov + buf->out_count, buf->in_count, at,
                (uint8_t *)(uintptr_t)from, len, true);
}

unsigned virtq_slice(const struct iovec *iov, unsigned count, uint64_t at,
                     uint64_t len, struct iovec *to)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count && len; i++) {
        uint64_t have = iov[i].iov_len;
        uint64_t part;

        if (at >= have) {
            at -= have;
            continue;
        }
        part = MIN(have - at, len);
        to[n++] = (struct iovec){.iov_base = (uint8_t *)iov[i].iov_base + at,
                                 .iov_len = part};
        len -= part;
        at = 0;
    }
    return n;
}
