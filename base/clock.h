/* SPDX-License-Identifier: MIT */
/*
 * Clocks and timers. A clock counts nanoseconds; its timers fire on the main
 * loop, under the machine lock. The virtual clock stops with the machine and
 * does not count a host's suspend; a manual clock (qtest) moves only when it
 * is stepped.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/lock.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     INT64_C(1000)

struct clock {
    struct lock *lock; /* protects all but `offset` and `running` */
    GSequence *timers; /* pending struct timer, by expiry */
    GSource *source;   /* timerfd; NULL: manual */
    int fd;
    int64_t offset; /* atomic: running: now = monotonic + offset */
    int64_t frozen; /* atomic: stopped: now */
    int64_t armed;  /* what the timerfd is set to; INT64_MAX = off */
    bool running;   /* atomic */
    bool manual;
};

struct timer {
    struct clock *clock;
    void (*fire)(void *opaque);
    void *opaque;
    int64_t expires; /* ns; -1 = not pending */
    GSequenceIter *at;
};

/* A stopped clock at 0. */
void clock_init(struct clock *c, struct lock *lock);
void clock_clear(struct clock *c);
/* Lets the main loop `context` fire its timers (NULL = the default one). */
bool clock_attach(struct clock *c, GMainContext *context, GError **error);
void clock_set_manual(struct clock *c);

int64_t clock_now(const struct clock *c); /* any thread, no lock */
void clock_start(struct clock *c);
void clock_stop(struct clock *c);
void clock_set(struct clock *c, int64_t now); /* while stopped */
/* Earliest expiry, -1 where nothing is pending. */
int64_t clock_deadline(const struct clock *c);
/* Manual clocks: moves to `to`, firing what falls due on the way, in order. */
void clock_step(struct clock *c, int64_t to);

/* All with the lock held. */
void timer_init(struct timer *t, struct clock *c, void (*fire)(void *opaque),
                void *opaque);
void timer_set(struct timer *t, int64_t expires);
void timer_cancel(struct timer *t);

static inline bool timer_pending(const struct timer *t)
{
    return t->expires >= 0;
}

/* a * b / c without overflow on the way; c > 0. */
static inline uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}

#endif
