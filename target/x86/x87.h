/* SPDX-License-Identifier: MIT */
/*
 * What the x87 and MMX handlers share: the register stack, the status word
 * and its exceptions. [SDM] vol. 1 ch. 8.
 */
#ifndef TARGET_X86_X87_H
#define TARGET_X86_X87_H

#include "target/x86/fp.h"
#include "target/x86/interp.h"

enum {
    X87_TOP_SHIFT = 11,
    X87_TOP = 7 << X87_TOP_SHIFT,
    X87_EXP = 0x7fff,
    X87_SIGN = 0x8000,
    X87_BIAS = 0x3fff,
    X87_FCW_PC = 3 << 8,
    X87_FCW_RC = 3 << 10,
    X87_FCW_VALID = 0x1f7f,
    X87_FCW_ONE = 0x40,
    X87_FCW_INIT = 0x37f,
};

#define X87_INT_BIT (UINT64_C(1) << 63)

static inline bool x87_is_empty(const struct x86_fpu *fpu, unsigned i)
{
    return fpu->empty >> (((fpu->fsw >> X87_TOP_SHIFT) + i) & 7) & 1;
}

static inline void x87_add_top(struct x86_fpu *fpu, unsigned n)
{
    fpu->fsw = (uint16_t)((fpu->fsw & ~X87_TOP) |
                          ((fpu->fsw + (n << X87_TOP_SHIFT)) & X87_TOP));
}

static inline void x87_set_empty(struct x86_fpu *fpu, unsigned i)
{
    fpu->empty |= (uint8_t)(1 << (((fpu->fsw >> X87_TOP_SHIFT) + i) & 7));
}

static inline void x87_pop(struct x86_fpu *fpu)
{
    x87_set_empty(fpu, 0);
    x87_add_top(fpu, 1);
}

/* Writes ST(i), which is then not empty. */
static inline void x87_put(struct x86_fpu *fpu, unsigned i,
                           const struct x87_reg *value)
{
    unsigned r = ((fpu->fsw >> X87_TOP_SHIFT) + i) & 7;

    fpu->reg[r].mantissa = value->mantissa;
    fpu->reg[r].sign_exp = value->sign_exp;
    fpu->empty &= (uint8_t) ~(1 << r);
}

static inline void x87_put_bits(struct x86_fpu *fpu, unsigned i,
                                uint16_t sign_exp, uint64_t mantissa)
{
    struct x87_reg *st = x87_st(fpu, i);

    st->mantissa = mantissa;
    st->sign_exp = sign_exp;
    fpu->empty &= (uint8_t) ~(1 << (((fpu->fsw >> X87_TOP_SHIFT) + i) & 7));
}

/* The QNaN that stands for "no value". */
static inline void x87_put_indefinite(struct x86_fpu *fpu, unsigned i)
{
    x87_put_bits(fpu, i, 0xffff, UINT64_C(0xc000000000000000));
}

/* Room for operation results, so that handlers stay tail calls. */
static inline struct x87_reg *x87_tmp(struct x86_cpu *cpu, unsigned i)
{
    return (struct x87_reg *)(void *)&cpu->scratch.u64[2 * i];
}

/* ES and B follow from the flags and masks; the FERR# pin from them. */
void x87_update_es(struct x86_cpu *cpu);
/* An exception is pending: #MF, or (CR0.NE = 0) FERR# once more. */
void x87_pending(struct x86_cpu *cpu, const struct x86_insn *insn);
/* Raises `flags` (FP_IE.. and FP_SF, FP_C1); true: one of them is unmasked. */
bool x87_signal(struct x86_cpu *cpu, const struct x86_insn *insn,
                uint32_t flags);

/* Starts a waiting instruction. */
static always_inline void x87_wait(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    if (unlikely(cpu->fpu.fsw & FP_ES))
        x87_pending(cpu, insn);
}

/* Starts a non-control instruction: it is remembered in FIP. */
static always_inline void x87_begin(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    cpu->fpu.fip = x86_insn_rip(cpu, insn);
    cpu->fpu.fcs = cpu->seg[X86_CS].selector;
}

/* The same where there is a memory operand; returns its offset. */
static always_inline uint64_t x87_begin_mem(struct x86_cpu *cpu,
                                            const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    return x86_ea(cpu, insn);
}

/* After the memory operand was read. */
static always_inline void x87_note_mem(struct x86_cpu *cpu,
                                       const struct x86_insn *insn, uint64_t ea)
{
    cpu->fpu.fip = x86_insn_rip(cpu, insn);
    cpu->fpu.fcs = cpu->seg[X86_CS].selector;
    cpu->fpu.fdp = ea;
    cpu->fpu.fds = cpu->seg[insn->seg].selector;
}

/*
 * Takes over what an operation returned: C1 (and `cc`, other condition bits)
 * and exceptions. False where an unmasked one of `stop` forbids the result.
 */
static always_inline bool x87_accept(struct x86_cpu *cpu,
                                     const struct x86_insn *insn,
                                     uint32_t flags, uint32_t cc, uint32_t stop)
{
    struct x86_fpu *fpu = &cpu->fpu;

    fpu->fsw = (uint16_t)((fpu->fsw & ~(cc | FP_C1)) |
                          (flags & (cc | FP_C1 | FP_ALL)));
    if (unlikely(flags & ~(uint32_t)fpu->fcw & FP_ALL)) {
        x87_signal(cpu, insn, flags & (FP_ALL | FP_C1));
        return !(flags & ~(uint32_t)fpu->fcw & stop);
    }
    return true;
}

enum {
    X87_STOP = FP_IE | FP_DE | FP_ZE,
    X87_STOP_STORE = FP_IE | FP_OE | FP_UE
};

/* A handler whose work is `body`. */
/* clang-format off */
#define X86_HANDLER(name, body)                                              \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        body;                                                                \
        X86_NEXT(cpu, insn);                                                 \
    }
/* clang-format on */

#endif
