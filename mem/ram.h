/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM (and ROM and video memory): host memory with, for every 4 KiB
 * page, who has not seen its last change yet, and which of its 64-byte lines
 * hold decoded code.
 *
 * The fast path of a CPU store may go to a page directly only while
 * ram_plain() holds; everyone else calls ram_wrote() after writing. A CPU that
 * keeps write permission in a TLB drops it when asked (`clean`), and calls
 * ram_wrote_page() for the pages it had it for: so a store that raced with
 * the request is seen, at the price of one redundant notice.
 */
#ifndef MEM_RAM_H
#define MEM_RAM_H

#include "base/error.h"

enum { RAM_PAGE_SHIFT = 12, RAM_PAGE = 1 << RAM_PAGE_SHIFT, RAM_LINE = 64 };

enum ram_backing {
    RAM_ANONYMOUS,    /* private, with transparent huge pages */
    RAM_MEMFD,        /* a shared memfd: other processes may map it */
    RAM_FILE,         /* a file's pages; likewise */
    RAM_FILE_PRIVATE, /* a file's contents; what is written stays here */
};

struct ram_source {
    enum ram_backing backing;
    int fd; /* of RAM_FILE and RAM_FILE_PRIVATE: ram_new_from() takes it */
    bool prealloc; /* all of it now, or an error */
};

enum { /* clients: bits of ram->dirty[page] */
       RAM_DIRTY_DISPLAY = 1 << 0,
       RAM_DIRTY_MIGRATION = 1 << 1,
       RAM_DIRTY_ALL = RAM_DIRTY_DISPLAY | RAM_DIRTY_MIGRATION,
};

struct ram_code {
    /* atomic: bit i: line i of the page holds decoded code, or has done so */
    uint64_t lines;
    uint32_t generation; /* atomic: grows when such a line is written */
    uint32_t hits;       /* atomic: how often, since code was decoded last */
};

struct ram {
    char *name;
    uint8_t *host;
    uint64_t size; /* a multiple of RAM_PAGE */
    enum ram_backing backing;
    int fd;                /* of the memfd or file, -1 without */
    uint8_t *dirty;        /* atomic, a byte a page; all bits set at first */
    struct ram_code *code; /* one a page */
    /* Asks every CPU to drop write permission; set by the machine. */
    void (*clean)(void *opaque);
    void *clean_opaque;
    /* A page that holds code was written: its `generation`, which has grown. Any
     * thread; set by the machine. */
    void (*code_written)(void *opaque, uint32_t *generation);
    void *code_opaque;
};

/* Zeroed memory. `size` is rounded up to whole pages. */
struct ram *ram_new(const char *name, uint64_t size, enum ram_backing backing,
                    GError **error);
/* The same, from somewhere else. */
struct ram *ram_new_from(const char *name, uint64_t size,
                         const struct ram_source *source, GError **error);
void ram_free(struct ram *ram);

/* Can a store to this page go unseen? Any thread. */
static inline bool ram_plain(const struct ram *ram, uint64_t page)
{
    return __atomic_load_n(&ram->dirty[page], __ATOMIC_RELAXED) ==
               RAM_DIRTY_ALL &&
           __atomic_load_n(&ram->code[page].lines, __ATOMIC_RELAXED) == 0;
}

/* [at, at + len) was written: marks it dirty, invalidates code. Any thread. */
void ram_wrote(struct ram *ram, uint64_t at, uint64_t len);
/* Write permission for the page was just given up; see above. */
void ram_wrote_page(struct ram *ram, uint64_t page);

/* Gives whole pages back to the host; they read as zeroes, or as the file
 * does. Lock held: nobody else maps them anew meanwhile. */
void ram_discard(struct ram *ram, uint64_t page, uint64_t pages);

/* Code was decoded from [at, at + len), inside one page. Returns its page's
 * entry: note `generation` before reading the bytes. Any thread. */
struct ram_code *ram_code_add(struct ram *ram, uint64_t at, uint64_t len);

/*
 * Calls fn for each maximal run of pages in [first, first + count) that was
 * dirty for `client`, and clears it. Machine lock held.
 */
void ram_sync_dirty(struct ram *ram, unsigned client, uint64_t first,
                    uint64_t count,
                    void (*fn)(void *opaque, uint64_t page, uint64_t pages),
                    void *opaque);

#endif
