/* SPDX-License-Identifier: MIT */
/*
 * What the manuals leave open, so that two engines may both be right: for who
 * compares them.
 */
#ifndef TARGET_X86_UNDEFINED_H
#define TARGET_X86_UNDEFINED_H

#include "target/x86/decode.h"

/* The flags that mean nothing after `insn`, when `before` meant nothing before
 * it. */
uint32_t x86_undefined_flags(const struct x86_insn *insn, uint32_t before);
/* Is its result left open in a way that rows cannot say? */
bool x86_undefined_result(const struct x86_insn *insn);

#endif
