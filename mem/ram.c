/* SPDX-License-Identifier: MIT */
#include "mem/ram.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Writes to lines with code, none decoded in between, after which the page is
 * taken for data. Until then its lines stay: code that rewrites itself, or
 * lies beside its data, would have every CPU drop its write permissions again
 * and again.
 */
enum { RAM_HITS = 32 };

static void *ram_map(uint64_t size, int fd, bool shared)
{
    int flags = fd < 0   ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
                : shared ? MAP_SHARED
                         : MAP_PRIVATE;

    return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static bool ram_map_host(struct ram *ram, GError **error)
{
    if (ram->backing == RAM_MEMFD) {
        ram->fd = memfd_create(ram->name, MFD_CLOEXEC);
        if (ram->fd < 0 || ftruncate(ram->fd, (off_t)ram->size) < 0) {
            return fail_errno(error, "memfd for '%s'", ram->name);
        }
    }
    ram->host = ram_map(ram->size, ram->fd, ram->backing != RAM_FILE_PRIVATE);
    if (ram->host == MAP_FAILED) {
        ram->host = NULL;
        return fail_errno(error, "%s: %" G_GUINT64_FORMAT " MiB of memory",
                          ram->name, ram->size >> 20);
    }
    if (ram->backing == RAM_ANONYMOUS) {
        madvise(ram->host, ram->size, MADV_HUGEPAGE);
    }
    return true;
}

/* Takes every page from the host, so that none can be missing later. */
static bool ram_populate(struct ram *ram, GError **error)
{
    if (madvise(ram->host, ram->size, MADV_POPULATE_WRITE) == 0) {
        return true;
    }
    if (errno == ENOMEM || errno == EFAULT || errno == EHWPOISON) {
        return fail_errno(error, "%s: %" G_GUINT64_FORMAT " MiB of memory",
                          ram->name, ram->size >> 20);
    }
    for (uint64_t at = 0; at < ram->size; at += RAM_PAGE) { /* old kernels */
        volatile uint8_t *p = ram->host + at;

        *p = *p;
    }
    return true;
}

struct ram *ram_new(const char *name, uint64_t size, enum ram_backing backing,
                    GError **error)
{
    const struct ram_source source = {.backing = backing, .fd = -1};

    return ram_new_from(name, size, &source, error);
}

struct ram *ram_new_from(const char *name, uint64_t size,
                         const struct ram_source *source, GError **error)
{
    struct ram *ram = g_new0(struct ram, 1);
    uint64_t pages;

    ram->name = g_strdup(name);
    ram->size = (size + RAM_PAGE - 1) & ~(uint64_t)(RAM_PAGE - 1);
    ram->backing = source->backing;
    ram->fd = source->backing >= RAM_FILE ? source->fd : -1;
    if (!ram_map_host(ram, error) ||
        (source->prealloc && !ram_populate(ram, error))) {
        ram_free(ram);
        return NULL;
    }
    pages = ram->size >> RAM_PAGE_SHIFT;
    ram->dirty = g_malloc(pages);
    memset(ram->dirty, RAM_DIRTY_ALL, pages);
    /* Large and mostly untouched: zero pages of the host's. */
    ram->code = ram_map(pages * sizeof(*ram->code), -1, false);
    if (ram->code == MAP_FAILED) {
        ram->code = NULL;
        ram_free(ram);
        fail_errno(error, "%s: code map", name);
        return NULL;
    }
    return ram;
}

void ram_free(struct ram *ram)
{
    if (!ram) {
        return;
    }
    if (ram->code) {
        munmap(ram->code, (ram->size >> RAM_PAGE_SHIFT) * sizeof(*ram->code));
    }
    if (ram->host) {
        munmap(ram->host, ram->size);
    }
    if (ram->fd >= 0) {
        close(ram->fd);
    }
    g_free(ram->dirty);
    g_free(ram->name);
    g_free(ram);
}

/* Bits of the 64-byte lines that [from, from + len) of a page touches. */
static uint64_t ram_lines(uint64_t from, uint64_t len)
{
    uint64_t first = from / RAM_LINE;
    uint64_t last = (from + len - 1) / RAM_LINE;

    return (~UINT64_C(0) << first) & (~UINT64_C(0) >> (63 - last));
}

static void ram_wrote_lines(struct ram *ram, uint64_t page, uint64_t lines)
{
    struct ram_code *code = &ram->code[page];

    if (__atomic_load_n(&ram->dirty[page], __ATOMIC_RELAXED) != RAM_DIRTY_ALL) {
        __atomic_store_n(&ram->dirty[page], RAM_DIRTY_ALL, __ATOMIC_RELEASE);
    }
    if (__atomic_load_n(&code->lines, __ATOMIC_RELAXED) & lines) {
        if (__atomic_add_fetch(&code->hits, 1, __ATOMIC_RELAXED) > RAM_HITS) {
            __atomic_store_n(&code->lines, 0, __ATOMIC_RELAXED);
        }
        __atomic_fetch_add(&code->generation, 1, __ATOMIC_RELEASE);
        if (ram->code_written) {
            ram->code_written(ram->code_opaque, &code->generation);
        }
    }
}

void ram_wrote(struct ram *ram, uint64_t at, uint64_t len)
{
    assert(at + len <= ram->size);
    while (len) {
        uint64_t from = at & (RAM_PAGE - 1);
        uint64_t part = MIN(len, RAM_PAGE - from);

        ram_wrote_lines(ram, at >> RAM_PAGE_SHIFT, ram_lines(from, part));
        at += part;
        len -= part;
    }
}

void ram_wrote_page(struct ram *ram, uint64_t page)
{
    ram_wrote_lines(ram, page, ~UINT64_C(0));
}

/* A file's pages are its contents: only a hole in it frees them. */
void ram_discard(struct ram *ram, uint64_t page, uint64_t pages)
{
    uint8_t *host = ram->host + (page << RAM_PAGE_SHIFT);
    size_t len = pages << RAM_PAGE_SHIFT;
    bool shared = ram->backing == RAM_MEMFD || ram->backing == RAM_FILE;

    assert(page + pages <= ram->size >> RAM_PAGE_SHIFT);
    if (madvise(host, len, shared ? MADV_REMOVE : MADV_DONTNEED) != 0) {
        memset(host, 0, len);
    }
    for (uint64_t i = 0; i < pages; i++) {
        ram_wrote_page(ram, page + i);
    }
}

static void ram_clean(struct ram *ram)
{
    if (ram->clean) {
        ram->clean(ram->clean_opaque);
    }
}

struct ram_code *ram_code_add(struct ram *ram, uint64_t at, uint64_t len)
{
    struct ram_code *code = &ram->code[at >> RAM_PAGE_SHIFT];
    uint64_t lines = ram_lines(at & (RAM_PAGE - 1), len);

    __atomic_store_n(&code->hits, 0, __ATOMIC_RELAXED);
    if (__atomic_fetch_or(&code->lines, lines, __ATOMIC_ACQ_REL) == 0) {
        ram_clean(ram);
    }
    return code;
}

void ram_sync_dirty(struct ram *ram, unsigned client, uint64_t first,
                    uint64_t count,
                    void (*fn)(void *opaque, uint64_t page, uint64_t pages),
                    void *opaque)
{
    uint64_t start = 0;
    uint64_t run = 0;
    bool any = false;

    for (uint64_t page = first; page < first + count; page++) {
        uint8_t *d = &ram->dirty[page];

        if (__atomic_load_n(d, __ATOMIC_RELAXED) & client) {
            __atomic_fetch_and(d, (uint8_t)~client, __ATOMIC_ACQ_REL);
            start = run++ ? start : page;
            any = true;
        } else if (run) {
            fn(opaque, start, run);
            run = 0;
        }
    }
    if (run) {
        fn(opaque, start, run);
    }
    if (any) {
        ram_clean(ram);
    }
}
