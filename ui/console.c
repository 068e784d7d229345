/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ui/display.h"

struct console *console_new(const char *name, const struct console_ops *ops,
                            void *opaque)
{
    struct console *c = g_new0(struct console, 1);

    c->name = g_strdup(name);
    c->ops = ops;
    c->opaque = opaque;
    return c;
}

void console_free(struct console *c)
{
    while (c->viewers) {
        console_remove_viewer(c, c->viewers);
    }
    g_free(c->surface.pixels);
    g_free(c->name);
    g_free(c);
}

void console_resize(struct console *c, unsigned width, unsigned height)
{
    struct surface *s = &c->surface;

    if (s->width == width && s->height == height) {
        return;
    }
    g_free(s->pixels);
    *s = (struct surface){
        .width = width,
        .height = height,
        .stride = width * (unsigned)sizeof(uint32_t),
        .pixels = g_new0(uint32_t, (size_t)width * height),
    };
    for (struct viewer *v = c->viewers; v; v = v->next) {
        if (v->resized) {
            v->resized(v, s);
        }
    }
    console_damage(c, 0, 0, width, height);
}

void console_damage(struct console *c, unsigned x, unsigned y, unsigned w,
                    unsigned h)
{
    for (struct viewer *v = c->viewers; v; v = v->next) {
        if (v->damaged) {
            v->damaged(v, x, y, w, h);
        }
    }
}

void console_update(struct console *c)
{
    if (c->ops->update) {
        c->ops->update(c->opaque);
    }
}

void console_add_viewer(struct console *c, struct viewer *v)
{
    v->console = c;
    v->next = c->viewers;
    c->viewers = v;
    if (v->resized && c->surface.width) {
        v->resized(v, &c->surface);
    }
    if (c->ops->invalidate) {
        c->ops->invalidate(c->opaque);
    }
}

void console_remove_viewer(struct console *c, struct viewer *v)
{
    struct viewer **link = &c->viewers;

    while (*link && *link != v) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = v->next;
        v->next = NULL;
        v->console = NULL;
    }
}
