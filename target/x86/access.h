/* SPDX-License-Identifier: MIT */
/*
 * How instruction handlers reach guest memory. Every accessor checks
 * segmentation, paging and alignment as the CPU would and raises the
 * exception itself (it records `insn` first, see excp.h); TLB hits are
 * inline, the rest is in access.c.
 */
#ifndef TARGET_X86_ACCESS_H
#define TARGET_X86_ACCESS_H

#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/tlb.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "guest registers and memory are accessed in the host's byte order"
#endif

/* Address bits by address size. */
static always_inline uint64_t x86_addr_mask(unsigned asize)
{
    return asize == 8 ? ~UINT64_C(0) : asize == 4 ? 0xffffffff : 0xffff;
}

/*
 * Effective address (offset) of insn's memory operand, wrapped to asize.
 * Only for instructions that went through x86_prepare().
 */
static always_inline uint64_t x86_ea_unwrapped(const struct x86_cpu *cpu,
                                               const struct x86_insn *insn)
{
    return cpu->gpr[insn->base] + (cpu->gpr[insn->index] << insn->scale) +
           (uint64_t)(int64_t)insn->disp;
}

static inline uint64_t x86_ea(const struct x86_cpu *cpu,
                              const struct x86_insn *insn)
{
    return x86_ea_unwrapped(cpu, insn) & x86_addr_mask(insn->asize);
}

/* The slow paths: any size up to 8, everything checked. */
uint64_t x86_ld_slow(struct x86_cpu *cpu, const struct x86_insn *insn,
                     unsigned seg, uint64_t ea, unsigned size);
void x86_st_slow(struct x86_cpu *cpu, const struct x86_insn *insn, unsigned seg,
                 uint64_t ea, uint64_t value, unsigned size);

/* Host loads and stores; `size` is a constant where it matters. */
static always_inline uint64_t host_ld(const void *p, unsigned size)
{
    uint64_t v = 0;

    switch (size) {
    case 1: memcpy(&v, p, 1); break;
    case 2: memcpy(&v, p, 2); break;
    case 4: memcpy(&v, p, 4); break;
    default: memcpy(&v, p, 8); break;
    }
    return v;
}

static always_inline void host_st(void *p, uint64_t v, unsigned size)
{
    switch (size) {
    case 1: memcpy(p, &v, 1); break;
    case 2: memcpy(p, &v, 2); break;
    case 4: memcpy(p, &v, 4); break;
    default: memcpy(p, &v, 8); break;
    }
}

/* Host address of guest bytes that the TLB knows, or NULL. */
static always_inline uint8_t *x86_hit(const struct x86_tlb_array *set,
                                      uint64_t lin, unsigned size)
{
    unsigned i = lin >> 12 & (X86_TLB_SIZE - 1);
    uint8_t *p;

    if (unlikely(lin + set->minus[i] > 4096 - size)) {
        return NULL;
    }
    p = (uint8_t *)(uintptr_t)(lin + set->delta[i]);
    if (!p) {
        __builtin_unreachable(); /* the caller need not test it again */
    }
    return p;
}

static always_inline uint8_t *x86_hit_rd(const struct x86_cpu *cpu,
                                         unsigned seg, uint64_t ea,
                                         unsigned size)
{
    const struct x86_seg_hot *h = &cpu->hot[seg];

    if (unlikely(ea + size > h->rd_end)) {
        return NULL;
    }
    return x86_hit(cpu->tlb_rd, (h->base + ea) & cpu->lin_mask, size);
}

static always_inline uint8_t *x86_hit_wr(const struct x86_cpu *cpu,
                                         unsigned seg, uint64_t ea,
                                         unsigned size)
{
    const struct x86_seg_hot *h = &cpu->hot[seg];

    if (unlikely(ea + size > h->wr_end)) {
        return NULL;
    }
    return x86_hit(cpu->tlb_wr, (h->base + ea) & cpu->lin_mask, size);
}

/*
 * Loads and stores at offset `ea` of segment `seg` (insn->seg for the ModRM
 * operand). Sizes 8 to 64 bits are values; x86_ld/x86_st take any length up
 * to 64 bytes into a buffer: 10 for x87, 16 and 32 for SSE and AVX.
 * `align` (0 or a power of two): #GP(0) where the address is not a multiple.
 */
static always_inline uint64_t x86_ldn(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, unsigned seg,
                                      uint64_t ea, unsigned size)
{
    const uint8_t *p = x86_hit_rd(cpu, seg, ea, size);

    return likely(p) ? host_ld(p, size) : x86_ld_slow(cpu, insn, seg, ea, size);
}

static always_inline void x86_stn(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, unsigned seg,
                                  uint64_t ea, uint64_t value, unsigned size)
{
    uint8_t *p = x86_hit_wr(cpu, seg, ea, size);

    if (likely(p)) {
        host_st(p, value, size);
    } else {
        x86_st_slow(cpu, insn, seg, ea, value, size);
    }
}

static inline uint8_t x86_ld8(struct x86_cpu *cpu, const struct x86_insn *insn,
                              unsigned seg, uint64_t ea)
{
    return (uint8_t)x86_ldn(cpu, insn, seg, ea, 1);
}

static inline uint16_t x86_ld16(struct x86_cpu *cpu,
                                const struct x86_insn *insn, unsigned seg,
                                uint64_t ea)
{
    return (uint16_t)x86_ldn(cpu, insn, seg, ea, 2);
}

static inline uint32_t x86_ld32(struct x86_cpu *cpu,
                                const struct x86_insn *insn, unsigned seg,
                                uint64_t ea)
{
    return (uint32_t)x86_ldn(cpu, insn, seg, ea, 4);
}

static inline uint64_t x86_ld64(struct x86_cpu *cpu,
                                const struct x86_insn *insn, unsigned seg,
                                uint64_t ea)
{
    return x86_ldn(cpu, insn, seg, ea, 8);
}

static inline void x86_st8(struct x86_cpu *cpu, const struct x86_insn *insn,
                           unsigned seg, uint64_t ea, uint8_t value)
{
    x86_stn(cpu, insn, seg, ea, value, 1);
}

static inline void x86_st16(struct x86_cpu *cpu, const struct x86_insn *insn,
                            unsigned seg, uint64_t ea, uint16_t value)
{
    x86_stn(cpu, insn, seg, ea, value, 2);
}

static inline void x86_st32(struct x86_cpu *cpu, const struct x86_insn *insn,
                            unsigned seg, uint64_t ea, uint32_t value)
{
    x86_stn(cpu, insn, seg, ea, value, 4);
}

static inline void x86_st64(struct x86_cpu *cpu, const struct x86_insn *insn,
                            unsigned seg, uint64_t ea, uint64_t value)
{
    x86_stn(cpu, insn, seg, ea, value, 8);
}

void x86_ld(struct x86_cpu *cpu, const struct x86_insn *insn, unsigned seg,
            uint64_t ea, void *buf, unsigned len, unsigned align);
void x86_st(struct x86_cpu *cpu, const struct x86_insn *insn, unsigned seg,
            uint64_t ea, const void *buf, unsigned len, unsigned align);
/* Faults as a store of len bytes would; changes nothing. */
void x86_probe_st(struct x86_cpu *cpu, const struct x86_insn *insn,
                  unsigned seg, uint64_t ea, unsigned len);
void x86_probe_ld(struct x86_cpu *cpu, const struct x86_insn *insn,
                  unsigned seg, uint64_t ea, unsigned len);

/*
 * A read-modify-write of up to 8 bytes: `fn` gets the old value, and a and b
 * as given here, and returns the new one, perhaps several times. Returns the
 * old value. Atomic against other CPUs where `locked`. (Values, not a pointer:
 * a handler whose locals escape cannot leave by a tail call.)
 */
typedef uint64_t x86_rmw_fn(uint64_t old, uint64_t a, uint64_t b);
uint64_t x86_rmw(struct x86_cpu *cpu, const struct x86_insn *insn, uint64_t ea,
                 unsigned size, bool locked, x86_rmw_fn *fn, uint64_t a,
                 uint64_t b);
/* CMPXCHG16B: true where *old was there (and *with is now). Else *old is what
 * was there. */
bool x86_cmpxchg16(struct x86_cpu *cpu, const struct x86_insn *insn,
                   uint64_t ea, uint64_t old[2], const uint64_t with[2]);

/*
 * Linear addresses, seen by `set`: descriptor tables, task segments, stacks
 * that are about to become current. cpu->insn must be set.
 */
void x86_ld_lin(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                void *buf, unsigned len);
void x86_st_lin(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                const void *buf, unsigned len);
void x86_probe_lin(struct x86_cpu *cpu, enum x86_tlb_set set, uint64_t lin,
                   unsigned len, bool write);

/* Physical memory; what is not RAM goes to the space. */
uint64_t x86_phys_ld(struct x86_cpu *cpu, uint64_t phys, unsigned size);
void x86_phys_st(struct x86_cpu *cpu, uint64_t phys, uint64_t value,
                 unsigned size);

#endif
