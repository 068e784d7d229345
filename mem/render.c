/* SPDX-License-Identifier: MIT */
/*
 * Renders a region tree: walks it from the highest priority down and puts
 * each leaf into what is still free, so nothing is ever cut out again.
 */
#include "mem/render.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16 }; /* of aliases in aliases */

/* A window of the address space onto a region. */
struct window {
    uint64_t start; /* in the space */
    uint64_t last;
    uint64_t at; /* offset in the region of `start` */
};

static int range_order(const void *a, const void *b)
{
    const struct range *x = a;
    const struct range *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

/* Index of the first range that ends at or after `addr`. */
static guint render_lower(const GArray *ranges, uint64_t addr)
{
    guint lo = 0;
    guint hi = ranges->len;

    while (lo < hi) {
        guint mid = (lo + hi) / 2;

        if (g_array_index(ranges, struct range, mid).last < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static struct range render_range(struct region *r, uint64_t start,
                                 uint64_t last, uint64_t at)
{
    struct range range = {
        .start = start,
        .last = last,
        .region = r,
        .at = at,
        .readonly = r->kind == REGION_ROM,
    };

    if (r->ram) {
        range.ram = r->ram;
        range.ram_at = r->ram_at + at;
        range.host = r->ram->host + range.ram_at;
    }
    return range;
}

/* Fills what is free of the window with leaf `r`. */
static void render_leaf(GArray *ranges, struct region *r, struct window w)
{
    guint i = render_lower(ranges, w.start);
    uint64_t start = w.start;

    for (;;) {
        const struct range *next =
            i < ranges->len ? &g_array_index(ranges, struct range, i) : NULL;

        if (!next || next->start > start) {
            uint64_t last =
                next && next->start <= w.last ? next->start - 1 : w.last;
            struct range range =
                render_range(r, start, last, w.at + (start - w.start));

            g_array_insert_val(ranges, i, range);
            i++;
            if (last == w.last) {
                return;
            }
            next = &g_array_index(ranges, struct range, i);
        }
        if (next->last >= w.last) {
            return;
        }
        start = next->last + 1;
        i++;
    }
}

/* The part of window `w` (onto the parent) that child [at, at+size) covers. */
static bool window_clip(struct window *w, uint64_t at, uint64_t size)
{
    uint64_t child_last = at + size - 1; /* size > 0, no wrap: see the adder */
    uint64_t first = MAX(w->at, at);
    uint64_t last = MIN(w->at + (w->last - w->start), child_last);

    if (size == 0 || first > last) {
        return false;
    }
    *w = (struct window){
        .start = w->start + (first - w->at),
        .last = w->start + (last - w->at),
        .at = first - at,
    };
    return true;
}

/* The window's coordinates are those of region r. Recursion ends: MAX_DEPTH
 * bounds aliases, and containers form a tree. */
static void render(GArray *ranges, struct region *r,
                   struct window w, /* NOLINT(misc-no-recursion) */
                   int depth)
{
    if (!r->enabled || depth > MAX_DEPTH || !window_clip(&w, 0, r->size)) {
        return;
    }
    if (r->kind == REGION_ALIAS) {
        w.at += r->alias_at;
        render(ranges, r->alias, w, depth + 1);
        return;
    }
    for (struct region *child = r->first; child; child = child->next) {
        struct window part = w;

        if (window_clip(&part, child->at, child->size)) {
            render(ranges, child, part, depth + 1);
        }
    }
    if (r->kind != REGION_CONTAINER) {
        render_leaf(ranges, r, w);
    }
}

static bool range_joins(const struct range *a, const struct range *b)
{
    return a->region == b->region && a->last + 1 == b->start &&
           a->at + (b->start - a->start) == b->at;
}

static void render_merge(GArray *ranges)
{
    guint out = 0;

    for (guint i = 1; i < ranges->len; i++) {
        struct range *last = &g_array_index(ranges, struct range, out);
        const struct range *r = &g_array_index(ranges, struct range, i);

        if (range_joins(last, r)) {
            last->last = r->last;
        } else {
            g_array_index(ranges, struct range, ++out) = *r;
        }
    }
    if (ranges->len) {
        g_array_set_size(ranges, out + 1);
    }
}

static uint16_t *render_direct(const struct view *v)
{
    uint16_t *direct = g_new0(uint16_t, 0x10000);

    for (unsigned i = 0; i < v->count; i++) {
        const struct range *r = &v->ranges[i];

        for (uint64_t p = r->start; p <= r->last && p < 0x10000; p++) {
            direct[p] = (uint16_t)(i + 1);
        }
    }
    return direct;
}

struct view *view_render(const struct region *root, bool ports)
{
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
    struct window all = {.start = 0, .last = root->size - 1, .at = 0};
    struct view *v;

    render(ranges, (struct region *)(uintptr_t)root, all, 0);
    if (ranges->len) {
        qsort(ranges->data, ranges->len, sizeof(struct range), range_order);
        render_merge(ranges);
    }
    v = g_malloc(sizeof(*v) + ranges->len * sizeof(struct range));
    v->refs = 1;
    v->count = ranges->len;
    if (ranges->len) {
        memcpy(v->ranges, ranges->data, ranges->len * sizeof(struct range));
    }
    v->direct = ports ? render_direct(v) : NULL;
    return v;
}
