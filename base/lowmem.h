/* SPDX-License-Identifier: MIT */
/*
 * Zeroed pages below 2 GiB where the host has them free: what translated code
 * names by 32-bit addresses. Any thread.
 */
#ifndef BASE_LOWMEM_H
#define BASE_LOWMEM_H

#include "base/base.h"

/* Never NULL; but not low where nothing was free there: see lowmem_is(). */
void *lowmem_new(size_t size);
void lowmem_free(void *p, size_t size);

/* Memory like that, with other rights; `shared`: a forked process sees it, too.
 * MAP_FAILED as mmap(). */
void *lowmem_map(size_t size, int prot, bool shared);

/* Can [p, p + size) be named by a sign-extended 32-bit address? */
static inline bool lowmem_is(const void *p, size_t size)
{
    return (uintptr_t)p + size <= UINT64_C(0x80000000);
}

#endif
