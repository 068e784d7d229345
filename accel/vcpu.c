/* SPDX-License-Identifier: MIT */
/*
 * CPU threads: running, parking, sleeping in HLT, waking.
 */
#include <unistd.h>

#include "accel/accel.h"
#include "base/lowmem.h"
#include "base/text.h"
#include "target/x86/interp.h"

const struct accel *accel_find(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const struct accel *const *a = accels; *a; a++) {
        if (g_strcmp0((*a)->name, name) == 0) {
            return *a;
        }
        g_ptr_array_add(names, (void *)(uintptr_t)(*a)->name);
    }
    g_ptr_array_add(names, NULL);
    fail_unknown(error, "accelerator", name, (const char *const *)names->pdata);
    return NULL;
}

static void vcpu_new(struct vcpus *all, unsigned index)
{
    /* Low for translated code; pages, so vector registers are aligned. */
    struct vcpu *v = lowmem_new(sizeof(*v));

    v->all = all;
    v->parked = true;
    g_mutex_init(&v->mutex);
    g_cond_init(&v->wake);
    v->cpu.index = index;
    v->cpu.apic_id = index;
    all->vcpu[all->count++] = v;
}

/* Of no machine: which CPU, of whatever machine, a thread runs. */
static GPrivate vcpu_self_key;

bool vcpus_init(struct vcpus *all, const struct accel *accel, unsigned count,
                struct lock *lock, GError **error)
{
    *all = (struct vcpus){
        .options = all->options,
        .failed = all->failed,
        .opaque = all->opaque,
        .accel = accel,
        .lock = lock,
        .self = &vcpu_self_key,
    };
    all->vcpu = g_new0(struct vcpu *, count);
    if (accel->init && !accel->init(all, error)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        vcpu_new(all, i);
    }
    return true;
}

bool vcpus_realize(struct vcpus *all, GError **error)
{
    for (unsigned i = 0; i < all->count; i++) {
        if (!all->accel->vcpu_init(all->vcpu[i], error)) {
            return false;
        }
    }
    return true;
}

/* Parks until the machine runs; false: the thread should end. */
static bool vcpu_wait_running(struct vcpu *v)
{
    bool quit;

    g_mutex_lock(&v->mutex);
    while (!__atomic_load_n(&v->all->running, __ATOMIC_ACQUIRE) &&
           !__atomic_load_n(&v->all->quit, __ATOMIC_ACQUIRE)) {
        v->parked = true;
        g_cond_broadcast(&v->wake);
        g_cond_wait(&v->wake, &v->mutex);
    }
    quit = __atomic_load_n(&v->all->quit, __ATOMIC_ACQUIRE);
    v->parked = quit;
    if (quit) {
        g_cond_broadcast(&v->wake);
    }
    g_mutex_unlock(&v->mutex);
    return !quit;
}

/* Sleeps until an event is there; parking asks for it by X86_EV_EXIT. */
static void vcpu_sleep(struct vcpu *v)
{
    g_mutex_lock(&v->mutex);
    __atomic_store_n(&v->sleeping, true, __ATOMIC_SEQ_CST);
    while (!x86_has_work(&v->cpu)) {
        g_cond_wait(&v->wake, &v->mutex);
    }
    __atomic_store_n(&v->sleeping, false, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&v->mutex);
}

static gpointer vcpu_thread(gpointer data)
{
    struct vcpu *v = data;

    v->tid = gettid();
    g_private_set(v->all->self, v);
    while (vcpu_wait_running(v)) {
        switch (v->all->accel->vcpu_run(v)) {
        case VCPU_HALTED: vcpu_sleep(v); break;
        case VCPU_STOPPED: break;
        case VCPU_FAILED:
            __atomic_store_n(&v->all->running, false, __ATOMIC_RELEASE);
            v->all->failed(v->all->opaque);
            break;
        }
    }
    return NULL;
}

struct vcpu *vcpu_self(struct vcpus *all)
{
    return g_private_get(all->self);
}

void vcpus_start(struct vcpus *all)
{
    if (all->accel->no_cpus) {
        return;
    }
    for (unsigned i = 0; i < all->count; i++) {
        g_autofree char *name = g_strdup_printf("cpu%u", i);

        all->vcpu[i]->thread = g_thread_new(name, vcpu_thread, all->vcpu[i]);
    }
}

static void vcpu_signal(struct vcpu *v)
{
    g_mutex_lock(&v->mutex);
    g_cond_broadcast(&v->wake);
    g_mutex_unlock(&v->mutex);
}

void vcpus_resume(struct vcpus *all)
{
    for (unsigned i = 0; i < all->count; i++) {
        x86_lower_event(&all->vcpu[i]->cpu, X86_EV_EXIT);
    }
    __atomic_store_n(&all->running, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < all->count; i++) {
        vcpu_signal(all->vcpu[i]);
    }
}

static void vcpu_wait_parked(struct vcpu *v)
{
    g_mutex_lock(&v->mutex);
    while (!v->parked) {
        g_cond_wait(&v->wake, &v->mutex);
    }
    g_mutex_unlock(&v->mutex);
}

void vcpus_pause(struct vcpus *all)
{
    assert(!lock_held(all->lock));
    __atomic_store_n(&all->running, false, __ATOMIC_RELEASE);
    vcpus_raise(all, X86_EV_EXIT);
    for (unsigned i = 0; i < all->count; i++) {
        if (all->vcpu[i]->thread) {
            vcpu_wait_parked(all->vcpu[i]);
        }
    }
}

void vcpus_end(struct vcpus *all)
{
    if (all->running) {
        vcpus_pause(all);
    }
    __atomic_store_n(&all->quit, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < all->count; i++) {
        struct vcpu *v = all->vcpu[i];

        vcpu_signal(v);
        if (v->thread) {
            g_thread_join(v->thread);
            v->thread = NULL;
        }
    }
}

void vcpus_clear(struct vcpus *all)
{
    vcpus_end(all);
    for (unsigned i = 0; i < all->count; i++) {
        struct vcpu *v = all->vcpu[i];

        if (all->accel->vcpu_free) {
            all->accel->vcpu_free(v);
        }
        x86_cpu_free(&v->cpu);
        g_mutex_clear(&v->mutex);
        g_cond_clear(&v->wake);
        lowmem_free(v, sizeof(*v));
    }
    g_clear_pointer(&all->vcpu, g_free);
    all->count = 0;
}

void vcpus_reset(struct vcpus *all)
{
    for (unsigned i = 0; i < all->count; i++) {
        x86_cpu_reset(&all->vcpu[i]->cpu, false);
        all->vcpu[i]->cpu.wait_sipi = i != 0;
        if (all->accel->state_set) {
            all->accel->state_set(all->vcpu[i]);
        }
    }
}

void vcpu_raise(struct vcpu *v, uint32_t events)
{
    x86_raise_event(&v->cpu, events);
    if (__atomic_load_n(&v->sleeping, __ATOMIC_SEQ_CST)) {
        vcpu_signal(v);
    }
    if (v->all->accel->vcpu_kick) {
        v->all->accel->vcpu_kick(v);
    }
}

void vcpu_set_intr(struct vcpu *v, bool level)
{
    if (level) {
        vcpu_raise(v, X86_EV_INTR);
    } else {
        x86_lower_event(&v->cpu, X86_EV_INTR);
    }
}

void vcpus_raise(struct vcpus *all, uint32_t events)
{
    for (unsigned i = 0; i < all->count; i++) {
        vcpu_raise(all->vcpu[i], events);
    }
}

void vcpus_code_written(struct vcpus *all, uint32_t *generation)
{
    if (!all->accel->hears_code) {
        return;
    }
    for (unsigned i = 0; i < all->count; i++) {
        x86_code_written(&all->vcpu[i]->cpu, generation);
    }
}
