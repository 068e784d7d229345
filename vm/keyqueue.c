/* SPDX-License-Identifier: MIT */
#include "vm/keyqueue.h"

#include "ui/input.h"

struct key_step {
    unsigned usage;
    bool down;
    int64_t wait_ms; /* behind it */
};

struct keyqueue {
    struct machine *machine;
    struct timer timer;
    GQueue steps; /* struct key_step * */
};

/* Steps up to the next pause. */
static void keyqueue_run(void *opaque)
{
    struct keyqueue *q = opaque;
    struct input *in = q->machine->input;
    struct key_step *step;

    while ((step = g_queue_pop_head(&q->steps))) {
        int64_t wait = step->wait_ms;

        if (step->usage) {
            input_key(in, step->usage, step->down);
        }
        g_free(step);
        if (wait) {
            timer_set(&q->timer,
                      clock_now(&q->machine->host_clock) + wait * NS_PER_MS);
            return;
        }
    }
}

static void keyqueue_add(struct keyqueue *q, unsigned usage, bool down,
                         int64_t wait_ms)
{
    struct key_step *step = g_new(struct key_step, 1);

    *step = (struct key_step){usage, down, wait_ms};
    g_queue_push_tail(&q->steps, step);
}

bool keyqueue_press(struct keyqueue *q, const unsigned *usages, unsigned count,
                    int64_t hold_ms, GError **error)
{
    if (count > KEYQUEUE_CHORD) {
        return fail(error, "too many keys at once: at most %d", KEYQUEUE_CHORD);
    }
    if (hold_ms < 1 || hold_ms > 3600 * 1000) {
        return fail(error, "hold time: want 1 to 3600000 milliseconds");
    }
    if (g_queue_get_length(&q->steps) + 2 * count > KEYQUEUE_MAX) {
        return fail(error, "too many keys are waiting to be pressed");
    }
    for (unsigned i = 0; i < count; i++) {
        keyqueue_add(q, usages[i], true, i + 1 < count ? 0 : hold_ms);
    }
    for (unsigned i = count; i-- > 0;) {
        keyqueue_add(q, usages[i], false, i ? 0 : MIN(hold_ms, 50));
    }
    if (!timer_pending(&q->timer)) {
        keyqueue_run(q);
    }
    return true;
}

struct keyqueue *keyqueue_new(struct machine *m)
{
    struct keyqueue *q = g_new0(struct keyqueue, 1);

    q->machine = m;
    g_queue_init(&q->steps);
    timer_init(&q->timer, &m->host_clock, keyqueue_run, q);
    return q;
}

void keyqueue_free(struct keyqueue *q)
{
    timer_cancel(&q->timer);
    g_queue_clear_full(&q->steps, g_free);
    g_free(q);
}
