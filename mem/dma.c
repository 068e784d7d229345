/* SPDX-License-Identifier: MIT */
#include "mem/dma.h"

#include <string.h>

/* Moves `len` bytes piece by piece; devices are reached in 4-byte accesses,
 * or single bytes at the edges. */
static uint64_t dma_device(struct space *s, uint64_t addr, uint8_t *buf,
                           uint64_t len, bool write)
{
    unsigned size = len >= 4 && addr % 4 == 0 ? 4 : 1;
    uint8_t b[8] = {0};

    if (write) {
        memcpy(b, buf, size);
        space_write(s, addr, size, ldl_u64(b));
    } else {
        stl_u64(b, space_read(s, addr, size));
        memcpy(buf, b, size);
    }
    return size;
}

/* One piece inside one range; its length. *ok turns false on a hole. */
static uint64_t dma_piece(struct space *s, uint64_t addr, uint8_t *buf,
                          uint64_t len, bool write, bool *ok)
{
    const struct range *r = view_find(s->view, addr);
    uint64_t part = r ? MIN(len - 1, r->last - addr) + 1 : 1;

    if (!r) {
        *ok = false;
        if (!write) {
            *buf = 0xff;
        }
    } else if (!r->host) {
        part = dma_device(s, addr, buf, part, write);
    } else if (!write) {
        memcpy(buf, r->host + (addr - r->start), part);
    } else if (!r->readonly) {
        memcpy(r->host + (addr - r->start), buf, part);
        ram_wrote(r->ram, r->ram_at + (addr - r->start), part);
    }
    return part;
}

static bool dma_move(struct space *s, uint64_t addr, uint8_t *buf, uint64_t len,
                     bool write)
{
    bool ok = true;

    lock_enter(s->lock);
    while (len) {
        uint64_t part = dma_piece(s, addr, buf, len, write, &ok);

        addr += part;
        buf += part;
        len -= part;
    }
    lock_leave(s->lock);
    return ok;
}

bool dma_read(struct space *s, uint64_t addr, void *buf, uint64_t len)
{
    return dma_move(s, addr, buf, len, false);
}

bool dma_write(struct space *s, uint64_t addr, const void *buf, uint64_t len)
{
    return dma_move(s, addr, (uint8_t *)(uintptr_t)buf, len, true);
}

bool dma_fill(struct space *s, uint64_t addr, uint8_t byte, uint64_t len)
{
    uint8_t block[512];
    bool ok = true;

    memset(block, byte, sizeof(block));
    while (len) {
        uint64_t part = MIN(len, sizeof(block));

        ok &= dma_write(s, addr, block, part);
        addr += part;
        len -= part;
    }
    return ok;
}

void *dma_map(struct space *s, uint64_t addr, uint64_t *len, bool write)
{
    const struct range *r = view_find(s->view, addr);

    if (!r || !r->host || (write && r->readonly) || *len == 0) {
        return NULL;
    }
    *len = MIN(*len - 1, r->last - addr) + 1;
    return r->host + (addr - r->start);
}

void dma_wrote(struct space *s, uint64_t addr, uint64_t len)
{
    while (len) {
        const struct range *r = view_find(s->view, addr);
        uint64_t part = r ? MIN(len - 1, r->last - addr) + 1 : 1;

        if (r && r->ram) {
            ram_wrote(r->ram, r->ram_at + (addr - r->start), part);
        }
        addr += part;
        len -= part;
    }
}

void dma_discard(struct space *s, const struct ram *ram, uint64_t addr,
                 uint64_t len)
{
    while (len) {
        const struct range *r = view_find(s->view, addr);
        uint64_t part = r ? MIN(len - 1, r->last - addr) + 1 : 1;

        if (r && r->ram && r->ram == ram && !r->readonly) {
            uint64_t at = r->ram_at + (addr - r->start);
            uint64_t first = (at + RAM_PAGE - 1) >> RAM_PAGE_SHIFT;
            uint64_t end = (at + part) >> RAM_PAGE_SHIFT;

            if (end > first) {
                ram_discard(r->ram, first, end - first);
            }
        }
        addr += part;
        len -= part;
    }
}
