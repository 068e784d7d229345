/* SPDX-License-Identifier: MIT */
#include "mem/space.h"

#include <string.h>

#include "base/log.h"
#include "mem/dma.h"
#include "mem/render.h"

struct listener {
    void (*fn)(void *opaque);
    void *opaque;
};

void space_init(struct space *s, const char *name, uint64_t size, bool ports,
                struct lock *lock)
{
    memset(s, 0, sizeof(*s));
    s->name = name;
    s->lock = lock;
    s->ports = ports;
    region_init_container(&s->root, name, size);
    s->root.space = s;
    s->listeners = g_array_new(FALSE, FALSE, sizeof(struct listener));
    s->view = view_render(&s->root, ports);
}

void space_clear(struct space *s)
{
    view_unref(s->view);
    g_array_free(s->listeners, TRUE);
}

void space_begin(struct space *s)
{
    s->depth++;
}

void space_commit(struct space *s)
{
    struct view *old = s->view;

    assert(s->depth > 0);
    if (--s->depth || !s->stale) {
        return;
    }
    s->stale = false;
    s->view = view_render(&s->root, s->ports);
    view_unref(old);
    for (guint i = 0; i < s->listeners->len; i++) {
        const struct listener *l =
            &g_array_index(s->listeners, struct listener, i);

        l->fn(l->opaque);
    }
}

void space_listen(struct space *s, void (*fn)(void *opaque), void *opaque)
{
    struct listener l = {fn, opaque};

    g_array_append_val(s->listeners, l);
}

struct view *space_view_ref(struct space *s)
{
    struct view *v;

    lock_enter(s->lock);
    v = s->view;
    __atomic_fetch_add(&v->refs, 1, __ATOMIC_RELAXED);
    lock_leave(s->lock);
    return v;
}

void view_unref(struct view *v)
{
    if (v && __atomic_fetch_sub(&v->refs, 1, __ATOMIC_ACQ_REL) == 1) {
        g_free(v->direct);
        g_free(v);
    }
}

const struct range *view_find(const struct view *v, uint64_t addr)
{
    unsigned lo = 0;
    unsigned hi = v->count;

    if (v->direct) {
        unsigned i = addr < 0x10000 ? v->direct[addr] : 0;

        return i ? &v->ranges[i - 1] : NULL;
    }
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (v->ranges[mid].last < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < v->count && v->ranges[lo].start <= addr ? &v->ranges[lo] : NULL;
}

static uint64_t ones(unsigned size)
{
    return ~UINT64_C(0) >> (64 - 8 * size);
}

/* One access that the handler takes as it is, or widened to its minimum. */
static uint64_t io_read_part(const struct region *r, uint64_t at, unsigned size)
{
    unsigned min = r->ops->min ? r->ops->min : 1;

    if (!r->ops->read) {
        return ones(size);
    }
    if (size < min) {
        uint64_t base = at & ~(uint64_t)(min - 1);

        return r->ops->read(r->opaque, base, min) >> (8 * (at - base));
    }
    return r->ops->read(r->opaque, at, size);
}

static void io_write_part(const struct region *r, uint64_t at, unsigned size,
                          uint64_t value)
{
    unsigned min = r->ops->min ? r->ops->min : 1;

    if (!r->ops->write) {
        return;
    }
    if (size < min) {
        uint64_t base = at & ~(uint64_t)(min - 1);

        r->ops->write(r->opaque, base, min, value << (8 * (at - base)));
        return;
    }
    r->ops->write(r->opaque, at, size, value);
}

/* The size of the pieces in which `ops` wants an access. */
static unsigned io_piece(const struct region_ops *ops, uint64_t at,
                         unsigned size)
{
    unsigned max = ops->max ? ops->max : 4;
    unsigned piece = MIN(size, max);

    return ops->unaligned || at % piece == 0 ? piece : 1;
}

static uint64_t io_read(const struct range *range, uint64_t addr, unsigned size)
{
    const struct region *r = range->region;
    uint64_t at = range->at + (addr - range->start);
    unsigned piece = io_piece(r->ops, at, size);
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i += piece) {
        value |= (io_read_part(r, at + i, piece) & ones(piece)) << (8 * i);
    }
    return value;
}

static void io_write(const struct range *range, uint64_t addr, unsigned size,
                     uint64_t value)
{
    const struct region *r = range->region;
    uint64_t at = range->at + (addr - range->start);
    unsigned piece;

    if (!r->ops) {
        return; /* plain ROM */
    }
    piece = io_piece(r->ops, at, size);
    for (unsigned i = 0; i < size; i += piece) {
        io_write_part(r, at + i, piece, (value >> (8 * i)) & ones(piece));
    }
}

/* True where the whole access lies in one range. */
static bool range_holds(const struct range *r, uint64_t addr, unsigned size)
{
    return r && r->last - addr >= size - 1;
}

static uint64_t space_read_locked(struct space *s, uint64_t addr, unsigned size)
{
    const struct range *r = view_find(s->view, addr);
    uint64_t value = 0;

    if (range_holds(r, addr, size)) {
        if (!r->host) {
            return io_read(r, addr, size);
        }
        memcpy(&value, r->host + (addr - r->start), size);
        return GUINT64_FROM_LE(value);
    }
    if (!r && size == 1) {
        log_unimp("%s: read of nothing at %#" G_GINT64_MODIFIER "x", s->name,
                  addr);
        return 0xff;
    }
    for (unsigned i = 0; i < size; i++) {
        r = view_find(s->view, addr + i);
        value |= (r ? space_read(s, addr + i, 1) : 0xff) << (8 * i);
    }
    return value;
}

static void space_write_locked(struct space *s, uint64_t addr, unsigned size,
                               uint64_t value)
{
    const struct range *r = view_find(s->view, addr);

    if (range_holds(r, addr, size)) {
        if (!r->host || r->readonly) {
            io_write(r, addr, size, value);
            return;
        }
        value = GUINT64_TO_LE(value);
        memcpy(r->host + (addr - r->start), &value, size);
        ram_wrote(r->ram, r->ram_at + (addr - r->start), size);
        return;
    }
    if (!r && size == 1) {
        log_unimp("%s: write to nothing at %#" G_GINT64_MODIFIER "x", s->name,
                  addr);
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        if (view_find(s->view, addr + i)) {
            space_write(s, addr + i, 1, value >> (8 * i) & 0xff);
        }
    }
}

uint64_t space_read(struct space *s, uint64_t addr, unsigned size)
{
    uint64_t value;

    lock_enter(s->lock);
    value = space_read_locked(s, addr, size);
    lock_leave(s->lock);
    return value;
}

void space_write(struct space *s, uint64_t addr, unsigned size, uint64_t value)
{
    lock_enter(s->lock);
    space_write_locked(s, addr, size, value);
    lock_leave(s->lock);
}

static const char *kind_name(enum region_kind kind)
{
    static const char *const names[] = {"container", "ram", "rom", "i/o",
                                        "alias"};

    return names[kind];
}

static void print_region(const struct region *r, GString *out,
                         uint64_t base, /* NOLINT(misc-no-recursion) */
                         int depth)
{
    uint64_t at = base + r->at;

    g_string_append_printf(
        out,
        "%*s%016" G_GINT64_MODIFIER "x-%016" G_GINT64_MODIFIER
        "x (prio %d, %s): %s%s%s%s\n",
        2 * depth, "", at, at + r->size - 1, r->priority, kind_name(r->kind),
        r->name, r->alias ? " @" : "", r->alias ? r->alias->name : "",
        r->enabled ? "" : " [disabled]");
    for (const struct region *c = r->first; c; c = c->next) {
        print_region(c, out, at, depth + 1);
    }
}

void space_print(struct space *s, GString *out, bool flat)
{
    lock_enter(s->lock);
    g_string_append_printf(out, "%s: %s\n",
                           flat ? "FlatView of" : "address-space", s->name);
    if (!flat) {
        print_region(&s->root, out, 0, 1);
    }
    for (unsigned i = 0; flat && i < s->view->count; i++) {
        const struct range *r = &s->view->ranges[i];

        g_string_append_printf(out,
                               "  %016" G_GINT64_MODIFIER
                               "x-%016" G_GINT64_MODIFIER
                               "x (%s): %s @%016" G_GINT64_MODIFIER "x\n",
                               r->start, r->last, kind_name(r->region->kind),
                               r->region->name, r->at);
    }
    lock_leave(s->lock);
}
