/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* CLOCK_MONOTONIC does not count a suspend: the guest is not left behind. */
static int64_t monotonic_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

int64_t clock_now(const struct clock *c)
{
    if (__atomic_load_n(&c->running, __ATOMIC_ACQUIRE)) {
        return monotonic_ns() + __atomic_load_n(&c->offset, __ATOMIC_RELAXED);
    }
    return __atomic_load_n(&c->frozen, __ATOMIC_RELAXED);
}

void clock_init(struct clock *c, struct lock *lock)
{
    memset(c, 0, sizeof(*c));
    c->lock = lock;
    c->timers = g_sequence_new(NULL);
    c->fd = -1;
    c->armed = INT64_MAX;
}

void clock_clear(struct clock *c)
{
    if (c->source) {
        g_source_destroy(c->source);
        g_source_unref(c->source);
        close(c->fd);
    }
    g_sequence_free(c->timers);
}

static struct timer *clock_first(const struct clock *c)
{
    GSequenceIter *first = g_sequence_get_begin_iter(c->timers);

    return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

int64_t clock_deadline(const struct clock *c)
{
    const struct timer *t = clock_first(c);

    return t ? t->expires : -1;
}

/* Sets the timerfd to the first expiry; a wake-up too early does no harm. */
static void clock_arm(struct clock *c)
{
    const struct timer *first = clock_first(c);
    int64_t at = first && c->running ? first->expires : INT64_MAX;
    struct itimerspec spec = {0};

    if (at == c->armed || c->fd < 0) {
        return;
    }
    c->armed = at;
    if (at != INT64_MAX) {
        int64_t host = MAX(at - c->offset, 1);

        spec.it_value.tv_sec = host / NS_PER_SECOND;
        spec.it_value.tv_nsec = host % NS_PER_SECOND;
    }
    timerfd_settime(c->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void clock_fire_due(struct clock *c, int64_t now)
{
    struct timer *t;

    while ((t = clock_first(c)) && t->expires <= now) {
        if (c->manual) {
            c->frozen = MAX(c->frozen, t->expires);
        }
        timer_cancel(t);
        t->fire(t->opaque);
    }
}

static gboolean clock_dispatch(gint fd, GIOCondition condition, gpointer data)
{
    struct clock *c = data;
    uint64_t count;

    lock_enter(c->lock);
    if (read(fd, &count, sizeof(count)) > 0) {
        c->armed = INT64_MAX;
    }
    if (c->running) {
        clock_fire_due(c, clock_now(c));
    }
    clock_arm(c);
    lock_leave(c->lock);
    return G_SOURCE_CONTINUE;
}

bool clock_attach(struct clock *c, GMainContext *context, GError **error)
{
    c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (c->fd < 0) {
        return fail_errno(error, "timerfd");
    }
    c->source = g_unix_fd_source_new(c->fd, G_IO_IN);
    /* g_source_set_callback wants the generic type; GLib casts it back. */
    g_source_set_callback(c->source, G_SOURCE_FUNC(clock_dispatch), c, NULL);
    g_source_set_priority(c->source, G_PRIORITY_HIGH);
    g_source_attach(c->source, context);
    return true;
}

void clock_set_manual(struct clock *c)
{
    clock_stop(c);
    c->manual = true;
}

void clock_start(struct clock *c)
{
    if (c->running || c->manual) {
        return;
    }
    __atomic_store_n(&c->offset, c->frozen - monotonic_ns(), __ATOMIC_RELAXED);
    __atomic_store_n(&c->running, true, __ATOMIC_RELEASE);
    clock_arm(c);
}

void clock_stop(struct clock *c)
{
    if (c->running) {
        __atomic_store_n(&c->frozen, clock_now(c), __ATOMIC_RELAXED);
        __atomic_store_n(&c->running, false, __ATOMIC_RELEASE);
        clock_arm(c);
    }
}

void clock_set(struct clock *c, int64_t now)
{
    assert(!c->running);
    __atomic_store_n(&c->frozen, now, __ATOMIC_RELAXED);
}

void clock_step(struct clock *c, int64_t to)
{
    assert(c->manual);
    clock_fire_due(c, to);
    c->frozen = MAX(c->frozen, to);
}

void timer_init(struct timer *t, struct clock *c, void (*fire)(void *opaque),
                void *opaque)
{
    *t = (struct timer){
        .clock = c, .fire = fire, .opaque = opaque, .expires = -1};
}

static gint timer_order(gconstpointer a, gconstpointer b, gpointer data)
{
    const struct timer *x = a;
    const struct timer *y = b;

    return x->expires < y->expires ? -1 : x->expires > y->expires;
}

void timer_set(struct timer *t, int64_t expires)
{
    timer_cancel(t);
    t->expires = MAX(expires, 0);
    t->at = g_sequence_insert_sorted(t->clock->timers, t, timer_order, NULL);
    if (g_sequence_iter_is_begin(t->at)) {
        clock_arm(t->clock);
    }
}

/* The timerfd stays armed: firing for nothing is cheaper than two syscalls. */
void timer_cancel(struct timer *t)
{
    if (timer_pending(t)) {
        g_sequence_remove(t->at);
        t->expires = -1;
        t->at = NULL;
    }
}
