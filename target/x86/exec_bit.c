/* SPDX-License-Identifier: MIT */
/*
 * BT BTS BTR BTC BSF BSR BSWAP; the younger ones are in exec_bmi.c.
 */
#include "target/x86/exec.h"
#include "target/x86/model.h"

/* ---- bit tests ---- */

static uint64_t bit_changed(unsigned mnemonic, uint64_t v, uint64_t bit)
{
    switch (mnemonic) {
    case X86_BTS: return v | bit;
    case X86_BTR: return v & ~bit;
    case X86_BTC: return v ^ bit;
    default: return v;
    }
}

HANDLER(bt_reg)
{
    const struct x86_row *row = row_of(insn);
    unsigned size = insn->osize;
    uint64_t n =
        row->operand[1] == X86_O_Ib ? insn->imm : get_reg(cpu, insn, size);
    uint64_t v = get_rm(cpu, insn, size);
    uint64_t bit = BIT(n & (8 * size - 1));

    flags_cf(cpu, v & bit);
    if (row->mnemonic != X86_BT) {
        set_rm(cpu, insn, bit_changed(row->mnemonic, v, bit), size);
    }
    X86_NEXT(cpu, insn);
}

static uint64_t bit_rmw(uint64_t old, uint64_t mnemonic, uint64_t bit)
{
    return bit_changed((unsigned)mnemonic, old, bit);
}

/* A bit number in a register reaches beyond the operand. */
HANDLER(bt_mem)
{
    const struct x86_row *row = row_of(insn);
    unsigned size = insn->osize;
    uint64_t ea = x86_ea_unwrapped(cpu, insn);
    uint64_t bit;
    uint64_t v;

    if (row->operand[1] == X86_O_Ib) {
        bit = BIT(insn->imm & (8 * size - 1));
    } else {
        int64_t n = sign_extend(get_reg(cpu, insn, size), size);
        unsigned shift = size == 2 ? 4 : size == 4 ? 5 : 6;

        ea += (uint64_t)(n >> shift) * size;
        bit = BIT((uint64_t)n & (8 * size - 1));
    }
    ea &= x86_addr_mask(insn->asize);
    if (row->mnemonic == X86_BT) {
        v = x86_ldn(cpu, insn, insn->seg, ea, size);
    } else {
        v = x86_rmw(cpu, insn, ea, size, insn->flags & X86_I_LOCK, bit_rmw,
                    row->mnemonic, bit);
    }
    flags_cf(cpu, v & bit);
    X86_NEXT(cpu, insn);
}

/* ---- searching and counting ---- */

static always_inline x86_next scan(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, bool reverse)
{
    unsigned size = insn->osize;
    uint64_t v = load_rm(cpu, insn, size);

    /* Zero leaves the destination as it is. */
    if (v) {
        set_reg(
            cpu, insn,
            (uint64_t)(reverse ? 63 - __builtin_clzll(v) : __builtin_ctzll(v)),
            size);
    }
    flags_logic(cpu, v, size); /* only ZF is defined */
    X86_NEXT(cpu, insn);
}

HANDLER(bsf)
{
    return scan(cpu, insn, false);
}

HANDLER(bsr)
{
    return scan(cpu, insn, true);
}

/* ---- byte order ---- */

static uint64_t swapped(uint64_t v, unsigned size)
{
    return size == 8   ? __builtin_bswap64(v)
           : size == 4 ? __builtin_bswap32((uint32_t)v)
                       : __builtin_bswap16((uint16_t)v);
}

HANDLER(bswap)
{
    unsigned size = insn->osize;

    /* Of 16 bits it is undefined: zero on all processors. */
    set_rm(cpu, insn, size == 2 ? 0 : swapped(get_rm(cpu, insn, size), size),
           size);
    X86_NEXT(cpu, insn);
}

x86_exec *x86_pick_bit(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    bool mem = insn->flags & X86_I_MEM;

    switch (row_of(insn)->mnemonic) {
    case X86_BT:
    case X86_BTS:
    case X86_BTR:
    case X86_BTC: return mem ? bt_mem : bt_reg;
    case X86_BSF: return bsf;
    case X86_BSR: return bsr;
    case X86_TZCNT: return x86_has(cpu->model, X86_FEATURE_BMI1) ? NULL : bsf;
    case X86_LZCNT: return x86_has(cpu->model, X86_FEATURE_ABM) ? NULL : bsr;
    case X86_BSWAP: return bswap;
    default: return NULL;
    }
}
