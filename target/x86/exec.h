/* SPDX-License-Identifier: MIT */
/*
 * What integer handlers are made of: register operands, memory operands by
 * addressing mode, flags of each kind of result.
 *
 * Handlers are instances of always_inline templates with a constant size and
 * addressing mode. A fast instance that misses the TLB goes on as the AM_SEG
 * instance of the same instruction, which can do everything; so fast ones
 * call nothing and need no stack frame.
 */
#ifndef TARGET_X86_EXEC_H
#define TARGET_X86_EXEC_H

#include "target/x86/interp.h"

typedef const struct x86_insn *x86_next;

#define HANDLER(name) \
    static x86_next name(struct x86_cpu *cpu, const struct x86_insn *insn)

/* How a memory operand is addressed. */
enum x86_am {
    AM_SEG,  /* any: segment base and limit, wrap to the address size */
    AM_BASE, /* 64-bit, segment base 0: base + disp */
    AM_FULL, /* 64-bit, segment base 0: base + index * scale + disp */
    AM_FLAT, /* 32-bit in flat segments */
    AM_COUNT
};

/* The best addressing mode for insn's memory operand in this mode. */
enum x86_am x86_addressing(const struct x86_cpu *cpu,
                           const struct x86_insn *insn);

static inline unsigned x86_size_index(unsigned size)
{
    return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
}

/* ---- registers ---- */

static always_inline uint64_t gpr_get(const struct x86_cpu *cpu, unsigned reg,
                                      unsigned reg8, unsigned size)
{
    switch (size) {
    case 1: return ((const uint8_t *)cpu->gpr)[reg8];
    case 2: return (uint16_t)cpu->gpr[reg];
    case 4: return (uint32_t)cpu->gpr[reg];
    default: return cpu->gpr[reg];
    }
}

static always_inline void gpr_set(struct x86_cpu *cpu, unsigned reg,
                                  unsigned reg8, uint64_t v, unsigned size)
{
    switch (size) {
    case 1: ((uint8_t *)cpu->gpr)[reg8] = (uint8_t)v; break;
    case 2: memcpy(&cpu->gpr[reg], &v, 2); break;
    case 4: cpu->gpr[reg] = (uint32_t)v; break;
    default: cpu->gpr[reg] = v; break;
    }
}

static always_inline uint64_t get_reg(const struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      unsigned size)
{
    return gpr_get(cpu, insn->reg, insn->reg8, size);
}

static always_inline void set_reg(struct x86_cpu *cpu,
                                  const struct x86_insn *insn, uint64_t v,
                                  unsigned size)
{
    gpr_set(cpu, insn->reg, insn->reg8, v, size);
}

static always_inline uint64_t get_rm(const struct x86_cpu *cpu,
                                     const struct x86_insn *insn, unsigned size)
{
    return gpr_get(cpu, insn->rm, insn->rm8, size);
}

static always_inline void set_rm(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, uint64_t v,
                                 unsigned size)
{
    gpr_set(cpu, insn->rm, insn->rm8, v, size);
}

/* RAX and the like by size. */
static always_inline uint64_t get_gpr(const struct x86_cpu *cpu, unsigned reg,
                                      unsigned size)
{
    return gpr_get(cpu, reg, reg * 8, size);
}

static always_inline void set_gpr(struct x86_cpu *cpu, unsigned reg, uint64_t v,
                                  unsigned size)
{
    gpr_set(cpu, reg, reg * 8, v, size);
}

/* ---- memory ---- */

static always_inline uint64_t lin_of(const struct x86_cpu *cpu,
                                     const struct x86_insn *insn,
                                     enum x86_am am)
{
    uint64_t base = cpu->gpr[insn->base] + (uint64_t)(int64_t)insn->disp;

    if (am == AM_BASE) {
        return base;
    }
    base += cpu->gpr[insn->index] << insn->scale;
    return am == AM_FULL ? base : (uint32_t)base;
}

static always_inline const uint8_t *mem_rd(const struct x86_cpu *cpu,
                                           const struct x86_insn *insn,
                                           enum x86_am am, unsigned size)
{
    return am == AM_SEG ? x86_hit_rd(cpu, insn->seg, x86_ea(cpu, insn), size)
                        : x86_hit(cpu->tlb_rd, lin_of(cpu, insn, am), size);
}

static always_inline uint8_t *mem_wr(const struct x86_cpu *cpu,
                                     const struct x86_insn *insn,
                                     enum x86_am am, unsigned size)
{
    return am == AM_SEG ? x86_hit_wr(cpu, insn->seg, x86_ea(cpu, insn), size)
                        : x86_hit(cpu->tlb_wr, lin_of(cpu, insn, am), size);
}

/* The ModRM operand, register or memory: for handlers that are not hot. */
static always_inline uint64_t load_rm(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      unsigned size)
{
    return insn->flags & X86_I_MEM
               ? x86_ldn(cpu, insn, insn->seg, x86_ea(cpu, insn), size)
               : get_rm(cpu, insn, size);
}

static always_inline void store_rm(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, uint64_t v,
                                   unsigned size)
{
    if (insn->flags & X86_I_MEM) {
        x86_stn(cpu, insn, insn->seg, x86_ea(cpu, insn), v, size);
    } else {
        set_rm(cpu, insn, v, size);
    }
}

/* Before a read-modify-write whose flags must not change if it faults. */
static always_inline void probe_rm(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, unsigned size)
{
    if (insn->flags & X86_I_MEM) {
        x86_probe_st(cpu, insn, insn->seg, x86_ea(cpu, insn), size);
    }
}

/* ---- flags ---- */

#define AUX_CF    BIT(X86_AUX_CF)
#define AUX_PO    BIT(X86_AUX_PO)
#define AUX_CARRY (AUX_CF | AUX_PO)

static always_inline uint64_t size_mask(unsigned size)
{
    return ~UINT64_C(0) >> (64 - 8 * size);
}

static always_inline int64_t sign_extend(uint64_t v, unsigned size)
{
    switch (size) {
    case 1: return (int8_t)v;
    case 2: return (int16_t)v;
    case 4: return (int32_t)v;
    default: return (int64_t)v;
    }
}

static always_inline bool top_bit(uint64_t v, unsigned size)
{
    return v >> (8 * size - 1) & 1;
}

/* From a result and its carry-out vector. */
static always_inline void flags_carries(struct x86_cpu *cpu, uint64_t r,
                                        uint64_t carries, unsigned size)
{
    cpu->flags_result = sign_extend(r, size);
    cpu->flags_aux =
        size == 8 ? carries & (AUX_CARRY | BIT(X86_AUX_AF))
                  : carries << (64 - 8 * size) | (carries & BIT(X86_AUX_AF));
}

/* Of the addition a + b and the subtraction a - b. */
static always_inline void flags_add(struct x86_cpu *cpu, uint64_t a, uint64_t b,
                                    unsigned size)
{
    uint64_t r = a + b;

    flags_carries(cpu, r, (a & b) | ((a | b) & ~r), size);
}

static always_inline void flags_sub(struct x86_cpu *cpu, uint64_t a, uint64_t b,
                                    unsigned size)
{
    uint64_t r = a - b;

    flags_carries(cpu, r, (~a & b) | ((~a | b) & r), size);
}

static always_inline void flags_logic(struct x86_cpu *cpu, uint64_t r,
                                      unsigned size)
{
    cpu->flags_result = sign_extend(r, size);
    cpu->flags_aux = 0;
}

/* From a result, CF and OF; AF clear. */
static always_inline void flags_result_cf_of(struct x86_cpu *cpu, uint64_t r,
                                             bool cf, bool of, unsigned size)
{
    cpu->flags_result = sign_extend(r, size);
    cpu->flags_aux = (uint64_t)cf << X86_AUX_CF | (uint64_t)(cf ^ of)
                                                      << X86_AUX_PO;
}

/* CF and OF alone; the others stay. */
static always_inline void flags_cf_of(struct x86_cpu *cpu, bool cf, bool of)
{
    cpu->flags_aux = (cpu->flags_aux & ~AUX_CARRY) |
                     (uint64_t)cf << X86_AUX_CF |
                     (uint64_t)(cf ^ of) << X86_AUX_PO;
}

static always_inline void flags_cf(struct x86_cpu *cpu, bool cf)
{
    flags_cf_of(cpu, cf, x86_of(cpu));
}

/* Condition code 0..15, as in the low nibble of Jcc. */
static always_inline bool condition(const struct x86_cpu *cpu, unsigned cc)
{
    bool v;

    switch (cc >> 1) {
    case 0: v = x86_of(cpu); break;
    case 1: v = x86_cf(cpu); break;
    case 2: v = x86_zf(cpu); break;
    case 3: v = x86_cf(cpu) || x86_zf(cpu); break;
    case 4: v = x86_sf(cpu); break;
    case 5: v = x86_pf(cpu); break;
    case 6: v = x86_sf(cpu) != x86_of(cpu); break;
    default: v = x86_zf(cpu) || x86_sf(cpu) != x86_of(cpu); break;
    }
    return v != (cc & 1);
}

/* ---- the stack ---- */

static always_inline void add_sp(struct x86_cpu *cpu, uint64_t delta)
{
    uint64_t sp = cpu->gpr[X86_RSP] + delta;

    if (cpu->sp_mask == 0xffff) {
        memcpy(&cpu->gpr[X86_RSP], &sp, 2);
    } else {
        cpu->gpr[X86_RSP] = sp & cpu->sp_mask;
    }
}

/* Pushes; SP changes only after the store. */
static always_inline void push(struct x86_cpu *cpu, const struct x86_insn *insn,
                               uint64_t v, unsigned size)
{
    x86_stn(cpu, insn, X86_SS, (cpu->gpr[X86_RSP] - size) & cpu->sp_mask, v,
            size);
    add_sp(cpu, -(uint64_t)size);
}

/* The value that POP would give; SP stays. */
static always_inline uint64_t stack_top(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        unsigned size)
{
    return x86_ldn(cpu, insn, X86_SS, cpu->gpr[X86_RSP] & cpu->sp_mask, size);
}

/* ---- branches ---- */

/* Where a near branch may go: raises #GP(0). */
static always_inline void check_rip(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, uint64_t rip)
{
    if (cpu->code64) {
        /* Non-canonical targets fault where they are fetched from; but RIP
         * must still be the branch's. */
        if (unlikely((uint64_t)((int64_t)(rip << 7) >> 7) != rip)) {
            x86_begin(cpu, insn);
            x86_raise_gp0(cpu);
        }
    } else if (unlikely(rip > cpu->seg[X86_CS].limit)) {
        x86_begin(cpu, insn);
        x86_raise_gp0(cpu);
    }
}

/* A near branch by displacement, or past it; the operand size cuts RIP. */
static always_inline x86_next go(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, uint64_t rip)
{
    rip &= x86_addr_mask(insn->osize);
    check_rip(cpu, insn, rip);
    return x86_goto_link(cpu, insn, 1, rip);
}

/* ---- families ---- */

/* The operand's class in the row, as far as handlers are chosen by it. */
static inline const struct x86_row *row_of(const struct x86_insn *insn)
{
    return x86_insn_row(insn);
}

x86_exec *x86_pick_alu(const struct x86_cpu *cpu, const struct x86_insn *insn);
x86_exec *x86_pick_mov(const struct x86_cpu *cpu, const struct x86_insn *insn);
x86_exec *x86_pick_shift(const struct x86_cpu *cpu,
                         const struct x86_insn *insn);
x86_exec *x86_pick_mul(const struct x86_cpu *cpu, const struct x86_insn *insn);
x86_exec *x86_pick_bit(const struct x86_cpu *cpu, const struct x86_insn *insn);
x86_exec *x86_pick_misc(const struct x86_cpu *cpu, const struct x86_insn *insn);
x86_exec *x86_pick_string(const struct x86_cpu *cpu,
                          const struct x86_insn *insn);
x86_exec *x86_pick_branch(const struct x86_cpu *cpu,
                          const struct x86_insn *insn);
x86_exec *x86_pick_system(const struct x86_cpu *cpu,
                          const struct x86_insn *insn);
x86_exec *x86_pick_segment(const struct x86_cpu *cpu,
                           const struct x86_insn *insn);
x86_exec *x86_pick_io(const struct x86_cpu *cpu, const struct x86_insn *insn);

#endif
