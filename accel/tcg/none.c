/* SPDX-License-Identifier: MIT */
/* Hosts that are not x86-64 have no translator. */
#include "accel/tcg/tcg.h"

bool jit_attach(struct x86_cpu *cpu, size_t code_size, GError **error)
{
    return fail(error, "the translator runs on x86-64 hosts alone");
}

void jit_for_tests(struct x86_cpu *cpu, bool plain)
{
}

bool jit_perf_map(struct x86_cpu *cpu, GError **error)
{
    return true;
}

bool jit_lockstep(struct x86_cpu *cpu)
{
    return false;
}

bool jit_lockstep_failed(const struct x86_cpu *cpu)
{
    return false;
}

void jit_detach(struct x86_cpu *cpu)
{
}

void jit_describe(const struct x86_cpu *cpu, GString *out)
{
}

enum x86_exit jit_run(struct x86_cpu *cpu)
{
    return x86_interp_run(cpu);
}
