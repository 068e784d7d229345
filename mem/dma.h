/* SPDX-License-Identifier: MIT */
/*
 * The one door from a device to guest memory. Machine lock held, unless a
 * function says otherwise. Lengths and addresses may come from the guest: they
 * need no check before. What falls on no memory reads as ones and is lost on
 * writing; the result is then false.
 */
#ifndef MEM_DMA_H
#define MEM_DMA_H

#include "mem/space.h"

bool dma_read(struct space *s, uint64_t addr, void *buf, uint64_t len);
bool dma_write(struct space *s, uint64_t addr, const void *buf, uint64_t len);
bool dma_fill(struct space *s, uint64_t addr, uint8_t byte, uint64_t len);

/*
 * Host memory of guest RAM at addr; *len is cut to what is contiguous. NULL
 * where it is not plain RAM (use dma_read/dma_write then). Valid until the
 * machine goes: workers may fill it without the lock. After writing, call
 * dma_wrote() with the lock held.
 */
void *dma_map(struct space *s, uint64_t addr, uint64_t *len, bool write);
void dma_wrote(struct space *s, uint64_t addr, uint64_t len);

/* Gives the whole pages of `ram` that lie in [addr, addr + len) back to the
 * host: the guest does not need what is in them. */
void dma_discard(struct space *s, const struct ram *ram, uint64_t addr,
                 uint64_t len);

static inline uint32_t dma_read32(struct space *s, uint64_t addr)
{
    uint8_t b[4];

    dma_read(s, addr, b, sizeof(b));
    return ldl_u32(b);
}

#endif
