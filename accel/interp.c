/* SPDX-License-Identifier: MIT */
/*
 * The interpreter as an accelerator, and qtest, which runs no CPU at all.
 */
#include "target/x86/interp.h"

#include "accel/accel.h"
#ifdef __x86_64__
#include "accel/tcg/tcg.h"
#endif

static bool interp_vcpu_init(struct vcpu *v, GError **error)
{
    x86_cpu_init(&v->cpu);
    return true;
}

static enum vcpu_exit interp_vcpu_run(struct vcpu *v)
{
    switch (x86_interp_run(&v->cpu)) {
    case X86_EXIT_HALT: return VCPU_HALTED;
    default: return VCPU_STOPPED;
    }
}

static const struct accel accel_tcg = {
    .name = "tcg",
    .desc = "translator (all of it interpreted as yet)",
    .vcpu_init = interp_vcpu_init,
    .vcpu_run = interp_vcpu_run,
};

#ifdef __x86_64__
/* All of it and what belongs to it must lie below 2 GiB, for all CPUs. */
enum { CODE_CACHE = 96 << 20, CODE_CACHES = 384 << 20 };

static void jit_vcpu_free(struct vcpu *v)
{
    jit_detach(&v->cpu);
}

static bool jit_vcpu_init(struct vcpu *v, GError **error)
{
    size_t size = MIN(CODE_CACHE, CODE_CACHES / MAX(v->all->count, 1U));

    x86_cpu_init(&v->cpu);
    return jit_attach(&v->cpu, MAX(size, 4U << 20) & ~(size_t)0xfff, error);
}

static enum vcpu_exit jit_vcpu_run(struct vcpu *v)
{
    switch (jit_run(&v->cpu)) {
    case X86_EXIT_HALT: return VCPU_HALTED;
    default: return VCPU_STOPPED;
    }
}

static const struct accel accel_jit = {
    .name = "jit",
    .desc = "translator, on its way",
    .vcpu_init = jit_vcpu_init,
    .vcpu_free = jit_vcpu_free,
    .vcpu_run = jit_vcpu_run,
    .hears_code = true,
};
#endif

static const struct accel accel_interp = {
    .name = "interp",
    .desc = "interpreter: exact, portable",
    .vcpu_init = interp_vcpu_init,
    .vcpu_run = interp_vcpu_run,
};

static const struct accel accel_qtest = {
    .name = "qtest",
    .desc = "no CPU: a test program drives ports, memory and the clock",
    .vcpu_init = interp_vcpu_init,
    .vcpu_run = interp_vcpu_run,
    .no_cpus = true,
};

const struct accel *const accels[] = {
    &accel_tcg,   &accel_interp,
#ifdef __x86_64__
    &accel_jit,
#endif
    &accel_qtest, NULL,
};
