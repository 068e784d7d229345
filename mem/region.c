/* SPDX-License-Identifier: MIT */
#include "mem/region.h"

#include "mem/space.h"

static void region_init(struct region *r, const char *name,
                        enum region_kind kind, uint64_t size)
{
    *r = (struct region){
        .name = name, .kind = kind, .size = size, .enabled = true};
}

void region_init_container(struct region *r, const char *name, uint64_t size)
{
    region_init(r, name, REGION_CONTAINER, size);
}

void region_init_ram(struct region *r, const char *name, struct ram *ram,
                     uint64_t ram_at, uint64_t size)
{
    assert(ram_at + size <= ram->size);
    region_init(r, name, REGION_RAM, size);
    r->ram = ram;
    r->ram_at = ram_at;
}

void region_init_rom(struct region *r, const char *name, struct ram *ram,
                     uint64_t ram_at, uint64_t size,
                     const struct region_ops *ops, void *opaque)
{
    region_init_ram(r, name, ram, ram_at, size);
    r->kind = REGION_ROM;
    r->ops = ops;
    r->opaque = opaque;
}

void region_init_io(struct region *r, const char *name, uint64_t size,
                    const struct region_ops *ops, void *opaque)
{
    region_init(r, name, REGION_IO, size);
    r->ops = ops;
    r->opaque = opaque;
}

void region_init_alias(struct region *r, const char *name,
                       struct region *target, uint64_t at, uint64_t size)
{
    region_init(r, name, REGION_ALIAS, size);
    r->alias = target;
    r->alias_at = at;
}

/* The space whose view must be rendered again; NULL outside any tree. */
static struct space *region_space(const struct region *r)
{
    while (r->parent) {
        r = r->parent;
    }
    return r->space;
}

/*
 * Brackets a change. A region that is not in a tree may still be shown by an
 * alias in one, which cannot be found from here: its owner then changes the
 * alias, or brackets the change with space_begin() itself.
 */
static struct space *region_begin(const struct region *r)
{
    struct space *s = region_space(r);

    if (s) {
        space_begin(s);
        s->stale = true;
    }
    return s;
}

static void region_commit(struct space *s)
{
    if (s) {
        space_commit(s);
    }
}

void region_add(struct region *parent, struct region *r, uint64_t at,
                int priority)
{
    struct space *s = region_begin(parent);
    struct region **link = &parent->first;

    assert(!r->parent);
    r->parent = parent;
    r->at = at;
    r->priority = priority;
    while (*link && (*link)->priority > priority) {
        link = &(*link)->next;
    }
    r->next = *link;
    *link = r;
    region_commit(s);
}

void region_remove(struct region *r)
{
    struct space *s = region_begin(r);

    if (r->parent) {
        struct region **link = &r->parent->first;

        while (*link != r) {
            link = &(*link)->next;
        }
        *link = r->next;
        r->next = NULL;
        r->parent = NULL;
    }
    region_commit(s);
}

void region_set_enabled(struct region *r, bool enabled)
{
    if (r->enabled != enabled) {
        struct space *s = region_begin(r);

        r->enabled = enabled;
        region_commit(s);
    }
}

void region_set_address(struct region *r, uint64_t at)
{
    if (r->at != at) {
        struct space *s = region_begin(r);

        r->at = at;
        region_commit(s);
    }
}

void region_set_size(struct region *r, uint64_t size)
{
    if (r->size != size) {
        struct space *s = region_begin(r);

        r->size = size;
        region_commit(s);
    }
}

void region_set_alias(struct region *r, struct region *target, uint64_t at)
{
    assert(r->kind == REGION_ALIAS);
    if (r->alias != target || r->alias_at != at) {
        struct space *s = region_begin(r);

        r->alias = target;
        r->alias_at = at;
        region_commit(s);
    }
}

void region_set_readonly(struct region *r, bool readonly)
{
    enum region_kind kind = readonly ? REGION_ROM : REGION_RAM;

    assert(r->ram);
    if (r->kind != kind) {
        struct space *s = region_begin(r);

        r->kind = kind;
        region_commit(s);
    }
}
