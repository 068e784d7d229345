/* SPDX-License-Identifier: MIT */
#include "base/lowmem.h"

#include <glib.h>
#include <sys/mman.h>

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

/* Where the kernel does not look for MAP_32BIT: below 1 GiB. */
static void *map_lower(size_t size, int prot, int flags)
{
    for (uintptr_t at = 0x10000000; at < 0x40000000; at += 0x1000000) {
        void *p = mmap((void *)at, size, prot, flags, -1, 0);

        if (p == MAP_FAILED || lowmem_is(p, size)) {
            return p;
        }
        munmap(p, size);
    }
    return MAP_FAILED;
}

void *lowmem_map(size_t size, int prot, bool shared)
{
    int flags = MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE);
    void *p = mmap(NULL, size, prot, flags | MAP_32BIT, -1, 0);

    if (p == MAP_FAILED) {
        p = map_lower(size, prot, flags);
    }
    return p == MAP_FAILED ? mmap(NULL, size, prot, flags, -1, 0) : p;
}

void *lowmem_new(size_t size)
{
    void *p = lowmem_map(size, PROT_READ | PROT_WRITE, false);

    if (p == MAP_FAILED) {
        g_error("out of memory: %zu bytes", size);
    }
    return p;
}

void lowmem_free(void *p, size_t size)
{
    if (p) {
        munmap(p, size);
    }
}
