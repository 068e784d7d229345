/* SPDX-License-Identifier: MIT */
/*
 * System management mode. [SDM] vol. 3 ch. 31, [APM] vol. 2 ch. 10.
 */
#ifndef TARGET_X86_SMM_H
#define TARGET_X86_SMM_H

#include "target/x86/cpu.h"

/* Takes an SMI: saves the state at SMBASE and starts the handler. */
void x86_smm_enter(struct x86_cpu *cpu);
/* RSM. */
void x86_smm_leave(struct x86_cpu *cpu);

#endif
