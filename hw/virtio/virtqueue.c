/* SPDX-License-Identifier: MIT */
/*
 * Queues: split rings, [VIRTIO] 2.7, and packed ones, 2.8. What the driver
 * wrote is copied, then checked, then used; a chain that cannot be breaks the
 * device until it is reset.
 */
#include <string.h>

#include "hw/virtio/virtio.h"
#include "mem/dma.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC = 16 };
enum { PACKED_AVAIL = 1 << 7, PACKED_USED = 1 << 15 };
enum { NO_INTERRUPT = 1, NO_NOTIFY = 1 };
enum { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };
enum { CHAIN_BYTES_MAX = 1 << 30 };

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next; /* packed rings: buffer id */
};

static uint16_t ring16(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

static void put_ring16(struct virtqueue *q, uint8_t *base, uint64_t guest,
                       unsigned at, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)(base + at), value, __ATOMIC_RELEASE);
    dma_wrote(&q->v->machine->memory, guest + at, 2);
}

static uint16_t size_of(const struct virtqueue *q)
{
    return q->v->q.size[q->index];
}

static bool is_packed(const struct virtqueue *q)
{
    return virtio_has(q->v, VIRTIO_F_RING_PACKED);
}

static bool is_ready(const struct virtqueue *q)
{
    return q->desc && virtio_runs(q->v);
}

/* ---- chains ---- */

static bool add_buffer(struct virtqueue *q, struct virtio_chain *c,
                       const struct desc *d)
{
    bool write = d->flags & DESC_WRITE;
    uint64_t addr = d->addr, left = d->len;

    if (!write && c->in) {
        return virtio_broken(q->v, "a buffer to be read after one to be "
                                   "written"),
               false;
    }
    while (left) {
        uint64_t len = left;
        void *host = dma_map(&q->v->machine->memory, addr, &len, write);
        unsigned n = c->out + c->in;

        if (!host || n == VIRTIO_SEGMENTS ||
            c->out_len + c->in_len + len > CHAIN_BYTES_MAX) {
            return virtio_broken(q->v, host ? "a chain that is too long"
                                            : "a buffer outside of memory"),
                   false;
        }
        c->iov[n] = (struct iovec){host, len};
        c->addr[n] = addr;
        *(write ? &c->in : &c->out) += 1;
        *(write ? &c->in_len : &c->out_len) += len;
        addr += len;
        left -= len;
    }
    return true;
}

static struct desc read_desc(const uint8_t *p)
{
    uint8_t copy[DESC];

    memcpy(copy, p, DESC);
    return (struct desc){
        .addr = ldl_u64(copy),
        .len = ldl_u32(copy + 8),
        .flags = ldl_u16(copy + 12),
        .next = ldl_u16(copy + 14),
    };
}

/* The table that an indirect descriptor names. */
static const uint8_t *indirect(struct virtqueue *q, const struct desc *d,
                               uint32_t *count)
{
    uint64_t len = d->len;
    const uint8_t *table =
        dma_map(&q->v->machine->memory, d->addr, &len, false);

    if (!virtio_has(q->v, VIRTIO_F_INDIRECT_DESC) || d->len % DESC ||
        d->len == 0 || !table || len < d->len) {
        virtio_broken(q->v, "an indirect table that is none");
        return NULL;
    }
    *count = d->len / DESC;
    return table;
}

/* Follows `next` from descriptor `i` of a table with `count` of them. */
static bool follow(struct virtqueue *q, struct virtio_chain *c,
                   const uint8_t *table, uint32_t count, uint32_t i,
                   bool nested)
{
    for (uint32_t seen = 0;; seen++) {
        struct desc d;

        if (i >= count || seen >= count) {
            return virtio_broken(q->v, "a chain that leads nowhere"), false;
        }
        d = read_desc(table + (size_t)i * DESC);
        if (d.flags & DESC_INDIRECT) {
            uint32_t n = 0;
            const uint8_t *inner =
                nested || d.flags & DESC_NEXT ? NULL : indirect(q, &d, &n);

            if (!inner) {
                return virtio_broken(q->v, "a nested table"), false;
            }
            return follow(q, c, inner, n, 0, true);
        }
        if (!add_buffer(q, c, &d)) {
            return false;
        }
        if (!(d.flags & DESC_NEXT)) {
            return true;
        }
        i = d.next;
    }
}

static void clear_chain(struct virtio_chain *c)
{
    c->out = c->in = 0;
    c->out_len = c->in_len = 0;
    c->count = 1;
}

/* ---- split rings ---- */

static bool split_empty(const struct virtqueue *q)
{
    return ring16(q->driver + 2) == q->v->q.last[q->index];
}

static bool split_pop(struct virtqueue *q, struct virtio_chain *c)
{
    uint16_t *last = &q->v->q.last[q->index];
    uint16_t available = (uint16_t)(ring16(q->driver + 2) - *last);

    if (available == 0) {
        return false;
    }
    if (available > size_of(q)) {
        return virtio_broken(q->v, "more buffers than a queue holds"), false;
    }
    c->head = ring16(q->driver + 4 + 2 * (*last % size_of(q)));
    ++*last;
    return follow(q, c, q->desc, size_of(q), c->head, false);
}

static void split_push(struct virtqueue *q, const struct virtio_chain *c,
                       uint32_t written)
{
    struct virtio_queues *s = &q->v->q;
    unsigned at = 4 + 8 * (s->used[q->index] % size_of(q));

    stl_u32(q->device + at, c->head);
    stl_u32(q->device + at + 4, written);
    dma_wrote(&q->v->machine->memory, s->device[q->index] + at, 8);
    s->used[q->index]++;
}

/* Where the driver says after which used entry it wants an interrupt, and
 * where it is told after which available one it should kick. */
static uint16_t used_event(const struct virtqueue *q)
{
    return ring16(q->driver + 4 + 2 * size_of(q));
}

static void put_avail_event(struct virtqueue *q, uint16_t value)
{
    put_ring16(q, q->device, q->v->q.device[q->index], 4 + 8u * size_of(q),
               value);
}

static bool passed(uint16_t event, uint16_t now, uint16_t before)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

static bool split_wants(struct virtqueue *q)
{
    struct virtio_queues *s = &q->v->q;
    uint16_t before = s->told[q->index], now = s->used[q->index];

    s->told[q->index] = now;
    if (virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
        return passed(used_event(q), now, before);
    }
    return !(ring16(q->driver) & NO_INTERRUPT);
}

/* ---- packed rings ---- */

static bool packed_available(const struct virtqueue *q, uint16_t flags)
{
    bool wrap = q->v->q.last_wrap[q->index];

    return !!(flags & PACKED_AVAIL) == wrap && !!(flags & PACKED_USED) != wrap;
}

static bool packed_empty(const struct virtqueue *q)
{
    const uint8_t *d = q->desc + (size_t)q->v->q.last[q->index] * DESC;

    return !packed_available(q, ring16(d + 14));
}

static void advance(const struct virtqueue *q, uint16_t *index, bool *wrap,
                    unsigned n)
{
    unsigned to = *index + n;

    if (to >= size_of(q)) {
        to -= size_of(q);
        *wrap = !*wrap;
    }
    *index = (uint16_t)to;
}

/* A packed descriptor has its id where a split one has flags. */
static struct desc read_packed(const uint8_t *p)
{
    struct desc d = read_desc(p);
    uint16_t id = d.flags;

    d.flags = d.next;
    d.next = id;
    return d;
}

static bool packed_indirect(struct virtqueue *q, struct virtio_chain *c,
                            const struct desc *d)
{
    uint32_t n = 0;
    const uint8_t *table = indirect(q, d, &n);

    for (uint32_t i = 0; table && i < n; i++) {
        struct desc inner = read_packed(table + (size_t)i * DESC);

        inner.flags &= DESC_WRITE;
        if (!add_buffer(q, c, &inner)) {
            return false;
        }
    }
    return table;
}

static bool packed_pop(struct virtqueue *q, struct virtio_chain *c)
{
    struct virtio_queues *s = &q->v->q;
    uint16_t i = s->last[q->index];

    if (packed_empty(q)) {
        return false;
    }
    for (c->count = 0;;) {
        struct desc d = read_packed(q->desc + (size_t)i * DESC);

        if (++c->count > size_of(q)) {
            return virtio_broken(q->v, "a chain that leads nowhere"), false;
        }
        c->head = d.next;
        if (d.flags & DESC_INDIRECT ? !packed_indirect(q, c, &d)
                                    : !add_buffer(q, c, &d)) {
            return false;
        }
        if (!(d.flags & DESC_NEXT)) {
            break;
        }
        i = (uint16_t)(i + 1 == size_of(q) ? 0 : i + 1);
    }
    advance(q, &s->last[q->index], &s->last_wrap[q->index], c->count);
    return true;
}

static void packed_push(struct virtqueue *q, const struct virtio_chain *c,
                        uint32_t written)
{
    struct virtio_queues *s = &q->v->q;
    unsigned at = s->used[q->index] * (unsigned)DESC;
    uint8_t *d = q->desc + at;
    uint16_t flags = s->used_wrap[q->index] ? PACKED_AVAIL | PACKED_USED : 0;

    stl_u32(d + 8, written);
    stl_u16(d + 12, c->head);
    flags |= written ? DESC_WRITE : 0;
    if (q->held) {
        put_ring16(q, q->desc, s->desc[q->index], at + 14, flags);
    } else {
        q->held = true;
        q->held_at = at + 14;
        q->held_flags = flags;
    }
    dma_wrote(&q->v->machine->memory, s->desc[q->index] + at, DESC);
    advance(q, &s->used[q->index], &s->used_wrap[q->index], c->count);
}

static void packed_publish(struct virtqueue *q)
{
    if (q->held) {
        put_ring16(q, q->desc, q->v->q.desc[q->index], q->held_at,
                   q->held_flags);
        q->held = false;
    }
}

static bool packed_wants(struct virtqueue *q)
{
    struct virtio_queues *s = &q->v->q;
    uint16_t event = ring16(q->driver), flags = ring16(q->driver + 2);
    uint16_t before = s->told[q->index], now = s->used[q->index];
    bool event_wrap = event >> 15;

    s->told[q->index] = now;
    if ((flags & 3) != EVENT_DESC || !virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
        return (flags & 3) != EVENT_DISABLE;
    }
    event &= 0x7fff;
    if (event_wrap != s->used_wrap[q->index]) {
        event = (uint16_t)(event - size_of(q));
    }
    if (before > now) {
        before = (uint16_t)(before - size_of(q));
    }
    return passed(event, now, before);
}

/* ---- both ---- */

bool virtqueue_empty(struct virtqueue *q)
{
    return !is_ready(q) || (is_packed(q) ? packed_empty(q) : split_empty(q));
}

bool virtqueue_pop(struct virtqueue *q, struct virtio_chain *c)
{
    clear_chain(c);
    if (!is_ready(q) || !(is_packed(q) ? packed_pop(q, c) : split_pop(q, c))) {
        return false;
    }
    if (!is_packed(q) && virtio_has(q->v, VIRTIO_F_EVENT_IDX) &&
        !q->no_interrupt) {
        put_avail_event(q, q->v->q.last[q->index]);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    return true;
}

void virtqueue_unpop(struct virtqueue *q, const struct virtio_chain *c)
{
    struct virtio_queues *s = &q->v->q;
    uint16_t *last = &s->last[q->index];

    if (!is_packed(q)) {
        --*last;
    } else if (*last >= c->count) {
        *last = (uint16_t)(*last - c->count);
    } else {
        *last = (uint16_t)(*last + size_of(q) - c->count);
        s->last_wrap[q->index] = !s->last_wrap[q->index];
    }
}

void virtqueue_push(struct virtqueue *q, const struct virtio_chain *c,
                    uint32_t written)
{
    if (!is_ready(q)) {
        return; /* it was reset meanwhile */
    }
    if (is_packed(q)) {
        packed_push(q, c, written);
    } else {
        split_push(q, c, written);
    }
}

void virtqueue_flush(struct virtqueue *q)
{
    struct virtio_queues *s = &q->v->q;

    if (!is_ready(q) || s->told[q->index] == s->used[q->index]) {
        return;
    }
    if (is_packed(q)) {
        packed_publish(q);
    } else {
        put_ring16(q, q->device, s->device[q->index], 2, s->used[q->index]);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (is_packed(q) ? packed_wants(q) : split_wants(q)) {
        q->v->interrupt(q->v, q->index);
    }
}

void virtqueue_want_kicks(struct virtqueue *q, bool want)
{
    struct virtio_queues *s = &q->v->q;

    q->no_interrupt = !want;
    if (!is_ready(q)) {
        return;
    }
    if (is_packed(q)) {
        put_ring16(q, q->device, s->device[q->index], 2,
                   want ? EVENT_ENABLE : EVENT_DISABLE);
    } else if (!virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
        put_ring16(q, q->device, s->device[q->index], 0, want ? 0 : NO_NOTIFY);
    } else if (want) {
        put_avail_event(q, s->last[q->index]);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- bytes ---- */

size_t virtio_read(const struct virtio_chain *c, size_t at, void *to,
                   size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < c->out && done < len; i++) {
        size_t n = c->iov[i].iov_len;

        if (at >= n) {
            at -= n;
            continue;
        }
        n = MIN(n - at, len - done);
        memcpy((uint8_t *)to + done, (uint8_t *)c->iov[i].iov_base + at, n);
        done += n;
        at = 0;
    }
    return done;
}

size_t virtio_write(struct virtio *v, const struct virtio_chain *c, size_t at,
                    const void *from, size_t len)
{
    size_t done = 0;

    for (unsigned i = c->out; i < c->out + c->in && done < len; i++) {
        size_t n = c->iov[i].iov_len;

        if (at >= n) {
            at -= n;
            continue;
        }
        n = MIN(n - at, len - done);
        memcpy((uint8_t *)c->iov[i].iov_base + at, (const uint8_t *)from + done,
               n);
        dma_wrote(&v->machine->memory, c->addr[i] + at, n);
        done += n;
        at = 0;
    }
    return done;
}

void virtio_wrote(struct virtio *v, const struct virtio_chain *c, uint64_t len)
{
    for (unsigned i = c->out; i < c->out + c->in && len; i++) {
        uint64_t n = MIN(len, (uint64_t)c->iov[i].iov_len);

        dma_wrote(&v->machine->memory, c->addr[i], n);
        len -= n;
    }
}
