/* SPDX-License-Identifier: MIT */
#include "ui/input.h"

void input_init(struct input *in)
{
    *in = (struct input){.sinks = g_ptr_array_new()};
}

void input_clear(struct input *in)
{
    g_ptr_array_free(in->sinks, TRUE);
}

void input_add(struct input *in, struct input_sink *sink)
{
    g_ptr_array_insert(in->sinks, 0, sink);
}

void input_remove(struct input *in, struct input_sink *sink)
{
    g_ptr_array_remove(in->sinks, sink);
}

void input_activate(struct input *in, struct input_sink *sink)
{
    if (g_ptr_array_remove(in->sinks, sink)) {
        g_ptr_array_insert(in->sinks, 0, sink);
    }
}

/* The first sink with the handler at this place in the struct. */
static struct input_sink *input_for(const struct input *in, size_t handler)
{
    for (guint i = 0; i < in->sinks->len; i++) {
        char *sink = in->sinks->pdata[i];

        if (*(void **)(void *)(sink + handler)) {
            return (struct input_sink *)(void *)sink;
        }
    }
    return NULL;
}

/* The pointer is one device: who moves also has the buttons. */
static struct input_sink *input_pointer(const struct input *in)
{
    for (guint i = 0; i < in->sinks->len; i++) {
        struct input_sink *s = in->sinks->pdata[i];

        if (s->rel || s->abs) {
            return s;
        }
    }
    return NULL;
}

void input_key(struct input *in, unsigned hid_usage, bool down)
{
    struct input_sink *s = input_for(in, offsetof(struct input_sink, key));

    if (s) {
        s->key(s->opaque, hid_usage, down);
    }
}

void input_rel(struct input *in, int dx, int dy)
{
    struct input_sink *s = input_pointer(in);

    if (s && s->rel) {
        s->rel(s->opaque, dx, dy);
    }
}

void input_abs(struct input *in, unsigned x, unsigned y)
{
    struct input_sink *s = input_pointer(in);

    if (s && s->abs) {
        s->abs(s->opaque, MIN(x, (unsigned)INPUT_ABS_MAX),
               MIN(y, (unsigned)INPUT_ABS_MAX));
    }
}

void input_button(struct input *in, enum input_button button, bool down)
{
    struct input_sink *s = input_pointer(in);

    if (s && s->button) {
        s->button(s->opaque, button, down);
    }
}

void input_sync(struct input *in)
{
    struct input_sink *s = input_pointer(in);

    if (s && s->sync) {
        s->sync(s->opaque);
    }
}

bool input_is_absolute(const struct input *in)
{
    const struct input_sink *s = input_pointer(in);

    return s && s->abs;
}

void input_set_leds(struct input *in, unsigned leds)
{
    if (in->leds != leds) {
        in->leds = leds;
        if (in->leds_changed) {
            in->leds_changed(in->leds_opaque, leds);
        }
    }
}
