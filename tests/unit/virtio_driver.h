/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a virtqueue, for tests: split and packed rings.
 * [VIRTIO] 2.6, 2.7. Memory is written through the machine, as a CPU would.
 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_H
#define TESTS_UNIT_VIRTIO_DRIVER_H

#include "hw/core/machine.h"

enum { VD_NEXT = 1, VD_WRITE = 2, VD_INDIRECT = 4, VD_MAX = 256 };

struct vd_seg {
    uint64_t addr;
    uint32_t len;
    bool in;
};

struct vd_queue {
    struct machine *m;
    uint64_t desc, driver, device;
    uint16_t size;
    bool packed, event_idx;
    uint16_t free[VD_MAX]; /* ids; split: with every descriptor one */
    unsigned free_count;
    uint16_t slots[VD_MAX]; /* of an id */
    uint16_t avail, used;   /* split: free running; packed: slots */
    bool avail_wrap, used_wrap;
    unsigned left;  /* free slots */
    uint64_t table; /* indirect tables, 16 descriptors an id */
};

static inline uint64_t vd_align(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/* Everything lies in [base, base + 64 KiB); legacy drivers' layout. */
static inline void vd_init(struct vd_queue *q, struct machine *m, uint64_t base,
                           uint16_t size, bool packed)
{
    *q =
        (struct vd_queue){.m = m, .size = size, .packed = packed, .desc = base};
    dma_fill(&m->memory, base, 0, 0x10000);
    q->driver = base + 16u * size;
    q->device = vd_align(q->driver + 6 + 2u * size, 4096);
    q->table = base + 0x8000;
    q->avail_wrap = q->used_wrap = true;
    q->left = size;
    for (unsigned i = 0; i < size; i++) {
        q->free[q->free_count++] = (uint16_t)(size - 1 - i);
    }
}

static inline void vd_w16(struct vd_queue *q, uint64_t at, uint16_t v)
{
    space_write(&q->m->memory, at, 2, v);
}

static inline uint16_t vd_r16(struct vd_queue *q, uint64_t at)
{
    return (uint16_t)space_read(&q->m->memory, at, 2);
}

static inline void vd_desc(struct vd_queue *q, uint64_t at, uint64_t addr,
                           uint32_t len, uint16_t a, uint16_t b)
{
    uint8_t d[16];

    stl_u64(d, addr);
    stl_u32(d + 8, len);
    stl_u16(d + 12, a);
    stl_u16(d + 14, b);
    dma_write(&q->m->memory, at, d, sizeof(d));
}

static inline uint16_t vd_seg_flags(const struct vd_seg *s, bool more)
{
    return (uint16_t)((s->in ? VD_WRITE : 0) | (more ? VD_NEXT : 0));
}

static inline void vd_write_table(struct vd_queue *q, uint64_t table,
                                  const struct vd_seg *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint16_t flags = vd_seg_flags(&s[i], i + 1 < n && !q->packed);

        vd_desc(q, table + 16u * i, s[i].addr, s[i].len, q->packed ? 0 : flags,
                q->packed ? flags : (uint16_t)(i + 1));
    }
}

static inline int vd_add_split(struct vd_queue *q, const struct vd_seg *s,
                               unsigned n, bool indirect)
{
    unsigned need = indirect ? 1 : n;
    uint16_t head = q->free[q->free_count - 1];

    q->slots[head] = (uint16_t)need;
    if (indirect) {
        vd_write_table(q, q->table + 256u * head, s, n);
        vd_desc(q, q->desc + 16u * head, q->table + 256u * head, 16 * n,
                VD_INDIRECT, 0);
        q->free_count--;
    }
    for (unsigned i = 0; !indirect && i < n; i++) {
        uint16_t id = q->free[--q->free_count];
        uint16_t next = i + 1 < n ? q->free[q->free_count - 1] : 0;

        vd_desc(q, q->desc + 16u * id, s[i].addr, s[i].len,
                vd_seg_flags(&s[i], i + 1 < n), next);
    }
    vd_w16(q, q->driver + 4 + 2u * (q->avail % q->size), head);
    q->avail++;
    vd_w16(q, q->driver + 2, q->avail);
    return head;
}

static inline int vd_add_packed(struct vd_queue *q, const struct vd_seg *s,
                                unsigned n, bool indirect)
{
    unsigned need = indirect ? 1 : n;
    uint16_t id = q->free[--q->free_count];
    uint16_t first = q->avail, first_flags = 0;

    q->slots[id] = (uint16_t)need;
    if (indirect) {
        vd_write_table(q, q->table + 256u * id, s, n);
    }
    for (unsigned i = 0; i < need; i++) {
        uint64_t at = q->desc + 16u * q->avail;
        uint16_t flags =
            indirect ? VD_INDIRECT : vd_seg_flags(&s[i], i + 1 < n);

        flags = (uint16_t)(flags | (q->avail_wrap ? 0x80 : 0x8000));
        vd_desc(q, at, indirect ? q->table + 256u * id : s[i].addr,
                indirect ? 16 * n : s[i].len, id,
                i ? flags : (uint16_t)(flags ^ 0x8080));
        if (i == 0) {
            first_flags = flags;
        }
        if (++q->avail == q->size) {
            q->avail = 0;
            q->avail_wrap = !q->avail_wrap;
        }
    }
    vd_w16(q, q->desc + 16u * first + 14, first_flags);
    return id;
}

/* The buffer's id; -1: no room. */
static inline int vd_add(struct vd_queue *q, const struct vd_seg *s, unsigned n,
                         bool indirect)
{
    unsigned need = indirect ? 1 : n;

    if (q->left < need || (q->packed && !q->free_count)) {
        return -1;
    }
    q->left -= need;
    return q->packed ? vd_add_packed(q, s, n, indirect)
                     : vd_add_split(q, s, n, indirect);
}

static inline void vd_free_split(struct vd_queue *q, uint16_t id)
{
    for (unsigned n = q->slots[id]; n; n--) {
        q->free[q->free_count++] = id;
        id = vd_r16(q, q->desc + 16u * id + 14);
    }
}

static inline int vd_get_split(struct vd_queue *q, uint32_t *len)
{
    uint64_t at = q->device + 4 + 8u * (q->used % q->size);
    uint16_t id;

    if (vd_r16(q, q->device + 2) == q->used) {
        return -1;
    }
    id = vd_r16(q, at);
    *len = dma_read32(&q->m->memory, at + 4);
    q->used++;
    if (q->event_idx) {
        vd_w16(q, q->driver + 4 + 2u * q->size, q->used);
    }
    q->left += q->slots[id];
    vd_free_split(q, id);
    return id;
}

static inline int vd_get_packed(struct vd_queue *q, uint32_t *len)
{
    uint64_t at = q->desc + 16u * q->used;
    uint16_t flags = vd_r16(q, at + 14);
    uint16_t id;
    unsigned next;

    if (!(flags & 0x80) != !q->used_wrap ||
        !(flags & 0x8000) != !q->used_wrap) {
        return -1;
    }
    id = vd_r16(q, at + 12);
    *len = dma_read32(&q->m->memory, at + 8);
    next = (unsigned)q->used + q->slots[id];
    if (next >= q->size) {
        next -= q->size;
        q->used_wrap = !q->used_wrap;
    }
    q->used = (uint16_t)next;
    if (q->event_idx) {
        vd_w16(q, q->driver, (uint16_t)(q->used | q->used_wrap << 15));
        vd_w16(q, q->driver + 2, 2);
    }
    q->left += q->slots[id];
    q->free[q->free_count++] = id;
    return id;
}

/* A used buffer: its id, and how much was written; -1: there is none. */
static inline int vd_get(struct vd_queue *q, uint32_t *len)
{
    uint32_t ignored;

    len = len ? len : &ignored;
    return q->packed ? vd_get_packed(q, len) : vd_get_split(q, len);
}

/* Would the device be told of buffers added since `old` (then q->avail)? */
static inline bool vd_must_kick(struct vd_queue *q, uint16_t old)
{
    if (q->packed) {
        uint16_t event = vd_r16(q, q->device);
        uint16_t at = event & 0x7fff;

        if (vd_r16(q, q->device + 2) != 2) {
            return vd_r16(q, q->device + 2) == 0;
        }
        if (event >> 15 != q->avail_wrap) {
            at = (uint16_t)(at - q->size);
        }
        if (old > q->avail) {
            old = (uint16_t)(old - q->size);
        }
        return (uint16_t)(q->avail - at - 1) < (uint16_t)(q->avail - old);
    }
    if (q->event_idx) {
        uint16_t event = vd_r16(q, q->device + 4 + 8u * q->size);

        return (uint16_t)(q->avail - event - 1) < (uint16_t)(q->avail - old);
    }
    return !(vd_r16(q, q->device) & 1);
}

#endif
