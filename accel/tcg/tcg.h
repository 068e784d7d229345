/* SPDX-License-Identifier: MIT */
/*
 * The translator's face: a CPU that x86_cpu_init() has made runs translated
 * code. The struct must be low: base/lowmem.h. From the CPU's own thread.
 */
#ifndef ACCEL_TCG_TCG_H
#define ACCEL_TCG_TCG_H

#include "base/error.h"
#include "target/x86/interp.h"

/* `code_size`: bytes of code cache. */
bool jit_attach(struct x86_cpu *cpu, size_t code_size, GError **error);
/* Nothing that can be translated is interpreted first; `plain`: as on a host
 * without BMI2. Before it runs. */
void jit_for_tests(struct x86_cpu *cpu, bool plain);
/* Tells perf(1) what is translated from now on. */
bool jit_perf_map(struct x86_cpu *cpu, GError **error);
/* Every block is interpreted, too: lockstep.c. Before it runs. */
bool jit_lockstep(struct x86_cpu *cpu);
/* There was a difference, and it was told. */
bool jit_lockstep_failed(const struct x86_cpu *cpu);
void jit_detach(struct x86_cpu *cpu);
/* Lines of counts, for people; any thread, while it runs. */
void jit_describe(const struct x86_cpu *cpu, GString *out);
/* As x86_interp_run(). */
enum x86_exit jit_run(struct x86_cpu *cpu);

#endif
