/* SPDX-License-Identifier: MIT */
/*
 * An address space: the root of a region tree and its current flat view.
 *
 * A CPU keeps a reference to the view that its TLB was filled from, and takes
 * the new one when the listener told it to flush; so readers need no lock and
 * an old view lives as long as someone reads it.
 */
#ifndef MEM_SPACE_H
#define MEM_SPACE_H

#include "base/lock.h"
#include "mem/region.h"

/* A run of addresses served by one leaf region. */
struct range {
    uint64_t start;
    uint64_t last;
    struct region *region; /* RAM, ROM or IO */
    uint64_t at;           /* offset of `start` in the region */
    bool readonly;         /* ROM */
    uint8_t *host;         /* of `start`: RAM and ROM, else NULL */
    struct ram *ram;       /* likewise; host = ram->host + ram_at */
    uint64_t ram_at;
};

struct view {
    unsigned refs; /* atomic */
    unsigned count;
    uint16_t *direct; /* ports: index + 1 into ranges, by port; else NULL */
    struct range ranges[];
};

struct space {
    const char *name;
    struct lock *lock;
    struct region root;
    struct view *view;
    unsigned depth; /* of space_begin() */
    bool stale;
    bool ports;
    GArray *listeners;
};

void space_init(struct space *s, const char *name, uint64_t size, bool ports,
                struct lock *lock);
void space_clear(struct space *s);

/* Between these, changes of the tree are gathered into one new view. */
void space_begin(struct space *s);
void space_commit(struct space *s);
/* fn is called after each change of the view, with the lock held. */
void space_listen(struct space *s, void (*fn)(void *opaque), void *opaque);

/* The current view, with a reference. Takes the lock. */
struct view *space_view_ref(struct space *s);
void view_unref(struct view *v);
/* The range that holds `addr`, or NULL: nothing is there. */
const struct range *view_find(const struct view *v, uint64_t addr);

/*
 * One access of 1, 2, 4 or 8 bytes, as the bus would do it: RAM, ROM or a
 * device. Nothing there: reads give ones, writes vanish. Takes the lock.
 */
uint64_t space_read(struct space *s, uint64_t addr, unsigned size);
void space_write(struct space *s, uint64_t addr, unsigned size, uint64_t value);

/* The tree and the flat view as text: `info mtree`, `info mtree -f`. */
void space_print(struct space *s, GString *out, bool flat);

#endif
