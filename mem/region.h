/* SPDX-License-Identifier: MIT */
/*
 * What lies where: a tree of regions for memory, another one for ports. The
 * tree is rendered to a flat view (view.h) whenever it changes.
 *
 * All functions want the machine lock held. A region is embedded in whatever
 * owns it and must stay until it is removed and no CPU uses an old view, which
 * is when the machine is freed or the owning device is unplugged.
 */
#ifndef MEM_REGION_H
#define MEM_REGION_H

#include "mem/ram.h"

struct space;

/*
 * The one kind of handler, for memory and ports alike. `at` is the offset in
 * the region, `size` 1, 2, 4 or 8. Wider accesses than `max` are split,
 * lowest address first; narrower ones than `min` are widened: reads return
 * the part asked for, writes put the value at its place with zeroes around
 * it. `min` and `max` 0 mean 1 and 4. Misaligned accesses are split into
 * bytes unless `unaligned` is set. Called with the machine lock held.
 */
struct region_ops {
    uint64_t (*read)(void *opaque, uint64_t at, unsigned size);
    void (*write)(void *opaque, uint64_t at, unsigned size, uint64_t value);
    uint8_t min, max;
    bool unaligned;
};

enum region_kind {
    REGION_CONTAINER,
    REGION_RAM,
    REGION_ROM, /* reads are direct; writes go to ops->write, or nowhere */
    REGION_IO,
    REGION_ALIAS,
};

struct region {
    const char *name; /* a literal, or owned by the device */
    enum region_kind kind;
    bool enabled;
    int priority; /* among its siblings; the higher one wins */
    uint64_t at;  /* in its parent */
    uint64_t size;

    const struct region_ops *ops;
    void *opaque;
    struct ram *ram;
    uint64_t ram_at;
    struct region *alias;
    uint64_t alias_at;

    struct space *space; /* of a root */
    struct region *parent;
    struct region *first; /* children, by falling priority */
    struct region *next;
};

void region_init_container(struct region *r, const char *name, uint64_t size);
void region_init_ram(struct region *r, const char *name, struct ram *ram,
                     uint64_t ram_at, uint64_t size);
void region_init_rom(struct region *r, const char *name, struct ram *ram,
                     uint64_t ram_at, uint64_t size,
                     const struct region_ops *ops, void *opaque);
void region_init_io(struct region *r, const char *name, uint64_t size,
                    const struct region_ops *ops, void *opaque);
/* Shows [at, at + size) of `target`, which need not be in the tree. */
void region_init_alias(struct region *r, const char *name,
                       struct region *target, uint64_t at, uint64_t size);

/* Among siblings of one priority the one added last wins. */
void region_add(struct region *parent, struct region *r, uint64_t at,
                int priority);
void region_remove(struct region *r); /* no-op where it is not in a tree */
static inline bool region_mapped(const struct region *r)
{
    return r->parent;
}

void region_set_enabled(struct region *r, bool enabled);
void region_set_address(struct region *r, uint64_t at);
void region_set_size(struct region *r, uint64_t size);
/* Aliases: what they show. */
void region_set_alias(struct region *r, struct region *target, uint64_t at);
/* RAM becomes ROM and back (PAM, flash). */
void region_set_readonly(struct region *r, bool readonly);

#endif
