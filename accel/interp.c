/* SPDX-License-Identifier: MIT */
/*
 * The interpreter as an accelerator, and qtest, which runs no CPU at all.
 */
#include "target/x86/interp.h"

#include "accel/accel.h"

static bool interp_vcpu_init(struct vcpu *v, GError **error)
{
    x86_cpu_init(&v->cpu);
    v->cpu.short_blocks = v->all->options.one_insn_per_tb;
    return true;
}

static enum vcpu_exit interp_vcpu_run(struct vcpu *v)
{
    switch (x86_interp_run(&v->cpu)) {
    case X86_EXIT_HALT: return VCPU_HALTED;
    default: return VCPU_STOPPED;
    }
}

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
    &accel_tcg,
    &accel_interp,
    &accel_qtest,
    NULL,
};
