/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

void lock_init(struct lock *l)
{
    g_mutex_init(&l->mutex);
    l->owner = NULL;
    l->depth = 0;
}

void lock_clear(struct lock *l)
{
    g_mutex_clear(&l->mutex);
}

bool lock_held(const struct lock *l)
{
    return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == g_thread_self();
}

void lock_enter(struct lock *l)
{
    if (!lock_held(l)) {
        g_mutex_lock(&l->mutex);
        __atomic_store_n(&l->owner, g_thread_self(), __ATOMIC_RELAXED);
    }
    l->depth++;
}

bool lock_try(struct lock *l)
{
    if (!lock_held(l)) {
        if (!g_mutex_trylock(&l->mutex)) {
            return false;
        }
        __atomic_store_n(&l->owner, g_thread_self(), __ATOMIC_RELAXED);
    }
    l->depth++;
    return true;
}

void lock_leave(struct lock *l)
{
    assert(lock_held(l));
    if (--l->depth == 0) {
        __atomic_store_n(&l->owner, NULL, __ATOMIC_RELAXED);
        g_mutex_unlock(&l->mutex);
    }
}

void lock_wait(struct lock *l, GCond *cond)
{
    assert(lock_held(l) && l->depth == 1);
    l->depth = 0;
    __atomic_store_n(&l->owner, NULL, __ATOMIC_RELAXED);
    g_cond_wait(cond, &l->mutex);
    __atomic_store_n(&l->owner, g_thread_self(), __ATOMIC_RELAXED);
    l->depth = 1;
}
