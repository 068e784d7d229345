/* SPDX-License-Identifier: MIT */
#include "base/lowmem.h"

#include <glib.h>
#include <sys/mman.h>

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

void *lowmem_new(size_t size)
{
    int prot = PROT_READ | PROT_WRITE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *p = mmap(NULL, size, prot, flags | MAP_32BIT, -1, 0);

    if (p == MAP_FAILED) {
        p = mmap(NULL, size, prot, flags, -1, 0);
    }
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
