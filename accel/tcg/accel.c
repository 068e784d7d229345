/* SPDX-License-Identifier: MIT */
/*
 * The translator as an accelerator. Where the host does not let it work, its
 * CPUs are interpreted, and a warning says so.
 */
#include "accel/accel.h"

#include "accel/tcg/tcg.h"
#include "base/log.h"

/* All code and what belongs to it must lie below 2 GiB, for all CPUs: so much,
 * of which a CPU takes some whatever its code. */
enum {
    LOW_MEMORY = 880 << 20,
    LOW_OF_CPU = 5 << 19,
    CODE_MOST = 96 << 20,
    CODE_LEAST = 1 << 20,
};

static size_t code_size(const struct vcpus *all)
{
    size_t wanted = all->options.tb_size ? all->options.tb_size : CODE_MOST;
    size_t room = LOW_MEMORY / MAX(all->count, 1U);
    /* What is kept about code takes five quarters of it. */
    size_t most = room > LOW_OF_CPU ? (room - LOW_OF_CPU) / 9 * 4 : 0;

    return MAX(MIN(wanted, most), (size_t)CODE_LEAST) & ~(size_t)0xfff;
}

/* The first CPU that has to be interpreted says why. */
static void complain(const struct vcpu *v, const GError *why)
{
    unsigned i = v->cpu.index;

    if (i == 0) {
        warn_user("%s; interpreting", why->message);
    } else if (v->all->vcpu[i - 1]->cpu.engine) {
        warn_user("%s; CPU %u is interpreted", why->message, i);
    }
}

static bool tcg_vcpu_init(struct vcpu *v, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (v->all->options.lockstep && v->all->count > 1) {
        return fail(error, "-accel tcg,lockstep=on compares what one CPU does: "
                           "-smp 1");
    }
    x86_cpu_init(&v->cpu);
    v->cpu.short_blocks = v->all->options.one_insn_per_tb;
    if (!jit_attach(&v->cpu, code_size(v->all), &why)) {
        complain(v, why);
        return true;
    }
    if (v->all->options.lockstep) {
        jit_lockstep(&v->cpu);
    }
    return !v->all->options.perf_map || jit_perf_map(&v->cpu, error);
}

static void tcg_vcpu_free(struct vcpu *v)
{
    jit_detach(&v->cpu);
}

static enum vcpu_exit tcg_vcpu_run(struct vcpu *v)
{
    enum x86_exit why =
        v->cpu.engine ? jit_run(&v->cpu) : x86_interp_run(&v->cpu);

    if (v->cpu.engine && jit_lockstep_failed(&v->cpu)) {
        return VCPU_FAILED;
    }
    return why == X86_EXIT_HALT ? VCPU_HALTED : VCPU_STOPPED;
}

const struct accel accel_tcg = {
    .name = "tcg",
    .desc = "translator to the host's instructions",
    .vcpu_init = tcg_vcpu_init,
    .vcpu_free = tcg_vcpu_free,
    .vcpu_run = tcg_vcpu_run,
    .hears_code = true,
};
