/* SPDX-License-Identifier: MIT */
/*
 * How instruction handlers reach guest memory. Every accessor checks
 * segmentation, paging and alignment as the CPU would and raises the
 * exception itself (it records `insn` first, see excp.h); TLB hits are
 * inline, the rest is in mmu.c.
 */
#ifndef TARGET_X86_ACCESS_H
#define TARGET_X86_ACCESS_H

#include "target/x86/cpu.h"

/* Effective address (offset) of insn's memory operand, wrapped to asize. */
static inline uint64_t x86_ea(const struct x86_cpu *cpu,
                              const struct x86_insn *insn);

/*
 * Loads and stores at offset `ea` of segment `seg` (insn->seg for the ModRM
 * operand). Sizes 8 to 64 bits are values; x86_ld/x86_st take any length up
 * to 64 bytes into a buffer: 10 for x87, 16 and 32 for SSE and AVX.
 * `align` (0 or a power of two): #GP(0) where the address is not a multiple.
 */
static inline uint8_t x86_ld8(struct x86_cpu *, const struct x86_insn *,
                              unsigned seg, uint64_t ea);
static inline uint16_t x86_ld16(struct x86_cpu *, const struct x86_insn *,
                                unsigned seg, uint64_t ea);
static inline uint32_t x86_ld32(struct x86_cpu *, const struct x86_insn *,
                                unsigned seg, uint64_t ea);
static inline uint64_t x86_ld64(struct x86_cpu *, const struct x86_insn *,
                                unsigned seg, uint64_t ea);
static inline void x86_st8(struct x86_cpu *, const struct x86_insn *,
                           unsigned seg, uint64_t ea, uint8_t value);
static inline void x86_st16(struct x86_cpu *, const struct x86_insn *,
                            unsigned seg, uint64_t ea, uint16_t value);
static inline void x86_st32(struct x86_cpu *, const struct x86_insn *,
                            unsigned seg, uint64_t ea, uint32_t value);
static inline void x86_st64(struct x86_cpu *, const struct x86_insn *,
                            unsigned seg, uint64_t ea, uint64_t value);
void x86_ld(struct x86_cpu *, const struct x86_insn *, unsigned seg,
            uint64_t ea, void *buf, unsigned len, unsigned align);
void x86_st(struct x86_cpu *, const struct x86_insn *, unsigned seg,
            uint64_t ea, const void *buf, unsigned len, unsigned align);
/* Faults as a store of len bytes would; changes nothing. */
void x86_probe_st(struct x86_cpu *, const struct x86_insn *, unsigned seg,
                  uint64_t ea, unsigned len);

#endif
