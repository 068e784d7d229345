/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switching. [SDM] vol. 3 ch. 7.
 */
#ifndef TARGET_X86_TASK_H
#define TARGET_X86_TASK_H

#include "target/x86/interrupt.h"
#include "target/x86/segment.h"

enum x86_task_reason { X86_TASK_JMP, X86_TASK_CALL, X86_TASK_IRET };

/*
 * Switches to the task whose TSS descriptor `d` is. The old task goes on at
 * `rip`. After it the CPU is in the new one; what it raises then belongs to
 * it.
 */
void x86_task_switch(struct x86_cpu *cpu, uint16_t selector, struct x86_desc *d,
                     enum x86_task_reason reason, uint64_t rip);
/* Through the task gate of the IDT, with an error code on the new stack. */
void x86_task_gate(struct x86_cpu *cpu, uint16_t selector,
                   const struct x86_event *ev);
/* Reads the TSS descriptor of a task gate or far pointer; `vector` where it is
 * no TSS of that state. */
void x86_task_desc(struct x86_cpu *cpu, uint16_t selector, bool busy,
                   enum x86_vector vector, struct x86_desc *d);
/* May CPL use these ports, by IOPL or the TSS's bitmap? */
bool x86_io_allowed(struct x86_cpu *cpu, uint16_t port, unsigned len);

#endif
