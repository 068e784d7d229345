/* SPDX-License-Identifier: MIT */
/*
 * A CPU's state as text: monitor commands and the log.
 */
#ifndef TARGET_X86_DUMP_H
#define TARGET_X86_DUMP_H

#include <glib.h>

#include "target/x86/cpu.h"

/* In the layout that QEMU's "info registers" made familiar. */
void x86_dump_state(struct x86_cpu *cpu, GString *out);
/* "info tlb": a line a page that is mapped; "info mem": a line a run of pages
 * with the same rights. Ends after `lines` lines. */
void x86_dump_tlb(struct x86_cpu *cpu, GString *out, unsigned lines);
void x86_dump_mem(struct x86_cpu *cpu, GString *out, unsigned lines);
/* The instructions from CS:rip on. */
void x86_dump_code(struct x86_cpu *cpu, uint64_t rip, unsigned count,
                   GString *out);
/* After a triple fault: why, to the log. */
void x86_autopsy(struct x86_cpu *cpu);

#endif
