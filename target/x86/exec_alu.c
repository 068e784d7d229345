/* SPDX-License-Identifier: MIT */
/*
 * ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT. [SDM] vol. 2.
 */
#include "target/x86/exec.h"

enum alu {
    ALU_ADD,
    ALU_OR,
    ALU_ADC,
    ALU_SBB,
    ALU_AND,
    ALU_SUB,
    ALU_XOR,
    ALU_CMP,
    ALU_TEST,
    ALU_OPS
};

static always_inline uint64_t alu_value(enum alu op, uint64_t a, uint64_t b,
                                        bool cf)
{
    switch (op) {
    case ALU_ADD: return a + b;
    case ALU_ADC: return a + b + cf;
    case ALU_SUB:
    case ALU_CMP: return a - b;
    case ALU_SBB: return a - b - cf;
    case ALU_OR: return a | b;
    case ALU_AND:
    case ALU_TEST: return a & b;
    default: return a ^ b;
    }
}

/* The result, with its flags set. */
static always_inline uint64_t alu(struct x86_cpu *cpu, enum alu op, uint64_t a,
                                  uint64_t b, unsigned size)
{
    uint64_t r = alu_value(op, a, b, x86_cf(cpu));

    switch (op) {
    case ALU_ADD:
    case ALU_ADC: flags_carries(cpu, r, (a & b) | ((a | b) & ~r), size); break;
    case ALU_SUB:
    case ALU_CMP:
    case ALU_SBB: flags_carries(cpu, r, (~a & b) | ((~a | b) & r), size); break;
    default: flags_logic(cpu, r, size); break;
    }
    return r;
}

static always_inline bool alu_writes(enum alu op)
{
    return op != ALU_CMP && op != ALU_TEST;
}

/* E, G and E, I with a register. */
static always_inline x86_next alu_reg(struct x86_cpu *cpu,
                                      const struct x86_insn *insn, enum alu op,
                                      unsigned size, bool imm)
{
    uint64_t b = imm ? insn->imm & size_mask(size) : get_reg(cpu, insn, size);
    uint64_t r = alu(cpu, op, get_rm(cpu, insn, size), b, size);

    if (alu_writes(op)) {
        set_rm(cpu, insn, r, size);
    }
    X86_NEXT(cpu, insn);
}

/* G, M */
static always_inline x86_next alu_load(struct x86_cpu *cpu,
                                       const struct x86_insn *insn, enum alu op,
                                       unsigned size, enum x86_am am,
                                       x86_exec *slow)
{
    const uint8_t *p = mem_rd(cpu, insn, am, size);
    uint64_t b;
    uint64_t r;

    if (am == AM_SEG) {
        b = likely(p)
                ? host_ld(p, size)
                : x86_ld_slow(cpu, insn, insn->seg, x86_ea(cpu, insn), size);
    } else if (unlikely(!p)) {
        return slow(cpu, insn);
    } else {
        b = host_ld(p, size);
    }
    r = alu(cpu, op, get_reg(cpu, insn, size), b, size);
    if (alu_writes(op)) {
        set_reg(cpu, insn, r, size);
    }
    X86_NEXT(cpu, insn);
}

/* M, G and M, I: compared */
static always_inline x86_next alu_test(struct x86_cpu *cpu,
                                       const struct x86_insn *insn, enum alu op,
                                       unsigned size, bool imm, enum x86_am am,
                                       x86_exec *slow)
{
    const uint8_t *p = mem_rd(cpu, insn, am, size);
    uint64_t b = imm ? insn->imm & size_mask(size) : get_reg(cpu, insn, size);
    uint64_t a;

    if (am == AM_SEG) {
        a = likely(p)
                ? host_ld(p, size)
                : x86_ld_slow(cpu, insn, insn->seg, x86_ea(cpu, insn), size);
    } else if (unlikely(!p)) {
        return slow(cpu, insn);
    } else {
        a = host_ld(p, size);
    }
    alu(cpu, op, a, b, size);
    X86_NEXT(cpu, insn);
}

/* M, G and M, I: changed */
static always_inline x86_next alu_store(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        enum alu op, unsigned size, bool imm,
                                        enum x86_am am, x86_exec *slow)
{
    uint8_t *p = mem_wr(cpu, insn, am, size);
    uint64_t b = imm ? insn->imm & size_mask(size) : get_reg(cpu, insn, size);

    if (likely(p)) {
        host_st(p, alu(cpu, op, host_ld(p, size), b, size), size);
    } else if (am != AM_SEG) {
        return slow(cpu, insn);
    } else {
        uint64_t ea = x86_ea(cpu, insn);
        uint64_t a;

        x86_probe_st(cpu, insn, insn->seg, ea, size);
        a = x86_ldn(cpu, insn, insn->seg, ea, size);
        x86_stn(cpu, insn, insn->seg, ea, alu_value(op, a, b, x86_cf(cpu)),
                size);
        alu(cpu, op, a, b, size);
    }
    X86_NEXT(cpu, insn);
}

static always_inline x86_next alu_to_mem(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         enum alu op, unsigned size, bool imm,
                                         enum x86_am am, x86_exec *slow)
{
    return alu_writes(op) ? alu_store(cpu, insn, op, size, imm, am, slow)
                          : alu_test(cpu, insn, op, size, imm, am, slow);
}

/* ---- LOCK ---- */

/* how: the operation, and the carry in bit 8 */
static uint64_t locked_value(uint64_t old, uint64_t b, uint64_t how)
{
    return alu_value((enum alu)(how & 0xff), old, b, how >> 8);
}

static always_inline x86_next alu_locked(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         enum alu op, unsigned size, bool imm)
{
    uint64_t b = imm ? insn->imm & size_mask(size) : get_reg(cpu, insn, size);
    uint64_t how = op | (uint64_t)x86_cf(cpu) << 8;
    uint64_t old =
        x86_rmw(cpu, insn, x86_ea(cpu, insn), size, true, locked_value, b, how);

    alu(cpu, op, old, b, size);
    X86_NEXT(cpu, insn);
}

/* ---- instances ---- */

/* clang-format off */
#define ALU_MEM(op, form, call, size, ...) \
    HANDLER(op##_##form##_seg##size) \
    { return call(cpu, insn, ALU_##op, size, ##__VA_ARGS__, AM_SEG, NULL); } \
    HANDLER(op##_##form##_base##size) \
    { return call(cpu, insn, ALU_##op, size, ##__VA_ARGS__, AM_BASE, \
                  op##_##form##_seg##size); } \
    HANDLER(op##_##form##_full##size) \
    { return call(cpu, insn, ALU_##op, size, ##__VA_ARGS__, AM_FULL, \
                  op##_##form##_seg##size); } \
    HANDLER(op##_##form##_flat##size) \
    { return call(cpu, insn, ALU_##op, size, ##__VA_ARGS__, AM_FLAT, \
                  op##_##form##_seg##size); }

#define ALU_SIZE(op, size) \
    HANDLER(op##_rr##size) \
    { return alu_reg(cpu, insn, ALU_##op, size, false); } \
    HANDLER(op##_ri##size) \
    { return alu_reg(cpu, insn, ALU_##op, size, true); } \
    ALU_MEM(op, rm, alu_load, size) \
    ALU_MEM(op, mr, alu_to_mem, size, false) \
    ALU_MEM(op, mi, alu_to_mem, size, true)

#define ALU_LOCKED(op, size) \
    HANDLER(op##_lr##size) \
    { return alu_locked(cpu, insn, ALU_##op, size, false); } \
    HANDLER(op##_li##size) \
    { return alu_locked(cpu, insn, ALU_##op, size, true); }

#define ALU(op) ALU_SIZE(op, 1) ALU_SIZE(op, 2) ALU_SIZE(op, 4) ALU_SIZE(op, 8)
#define LOCKED(op) ALU_LOCKED(op, 1) ALU_LOCKED(op, 2) ALU_LOCKED(op, 4) \
    ALU_LOCKED(op, 8)

ALU(ADD) ALU(OR) ALU(ADC) ALU(SBB) ALU(AND) ALU(SUB) ALU(XOR) ALU(CMP) ALU(TEST)
LOCKED(ADD) LOCKED(OR) LOCKED(ADC) LOCKED(SBB) LOCKED(AND) LOCKED(SUB)
LOCKED(XOR)

#define BY_SIZE(name) {name##1, name##2, name##4, name##8}
#define BY_AM(name) { \
    [AM_SEG] = BY_SIZE(name##_seg), [AM_BASE] = BY_SIZE(name##_base), \
    [AM_FULL] = BY_SIZE(name##_full), [AM_FLAT] = BY_SIZE(name##_flat)}

struct alu_forms {
    x86_exec *rr[4], *ri[4];
    x86_exec *rm[AM_COUNT][4], *mr[AM_COUNT][4], *mi[AM_COUNT][4];
    x86_exec *lr[4], *li[4];
};

#define FORMS(op) .rr = BY_SIZE(op##_rr), .ri = BY_SIZE(op##_ri), \
    .rm = BY_AM(op##_rm), .mr = BY_AM(op##_mr), .mi = BY_AM(op##_mi)
#define LOCKED_FORMS(op) .lr = BY_SIZE(op##_lr), .li = BY_SIZE(op##_li)

static const struct alu_forms alu_forms[ALU_OPS] = {
    [ALU_ADD] = {FORMS(ADD), LOCKED_FORMS(ADD)},
    [ALU_OR] = {FORMS(OR), LOCKED_FORMS(OR)},
    [ALU_ADC] = {FORMS(ADC), LOCKED_FORMS(ADC)},
    [ALU_SBB] = {FORMS(SBB), LOCKED_FORMS(SBB)},
    [ALU_AND] = {FORMS(AND), LOCKED_FORMS(AND)},
    [ALU_SUB] = {FORMS(SUB), LOCKED_FORMS(SUB)},
    [ALU_XOR] = {FORMS(XOR), LOCKED_FORMS(XOR)},
    [ALU_CMP] = {FORMS(CMP)},
    [ALU_TEST] = {FORMS(TEST)},
};
/* clang-format on */

/* XOR of a register with itself: the idiom for zero. */
HANDLER(zero)
{
    cpu->gpr[insn->rm] = 0;
    flags_logic(cpu, 0, 8);
    X86_NEXT(cpu, insn);
}

/* ---- one operand ---- */

enum unary { INC, DEC, NEG, NOT };

static always_inline uint64_t unary_value(enum unary op, uint64_t a)
{
    switch (op) {
    case INC: return a + 1;
    case DEC: return a - 1;
    case NEG: return -a;
    default: return ~a;
    }
}

static always_inline void unary_flags(struct x86_cpu *cpu, enum unary op,
                                      uint64_t a, unsigned size)
{
    uint64_t old = cpu->flags_aux;

    if (op == NEG) {
        alu(cpu, ALU_SUB, 0, a, size);
    } else if (op != NOT) {
        alu(cpu, op == INC ? ALU_ADD : ALU_SUB, a, 1, size);
        /* CF stays, and OF = CF ^ PO with it. */
        old = (old ^ cpu->flags_aux) & AUX_CF;
        cpu->flags_aux ^= old | old >> 1;
    }
}

static uint64_t unary_locked(uint64_t old, uint64_t op, uint64_t b)
{
    return unary_value((enum unary)op, old);
}

static always_inline x86_next unary_mem(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        enum unary op, unsigned size)
{
    uint64_t a = x86_rmw(cpu, insn, x86_ea(cpu, insn), size,
                         insn->flags & X86_I_LOCK, unary_locked, op, 0);

    unary_flags(cpu, op, a, size);
    X86_NEXT(cpu, insn);
}

static always_inline x86_next unary_fast(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         enum unary op, unsigned size,
                                         enum x86_am am, x86_exec *slow)
{
    uint8_t *p = mem_wr(cpu, insn, am, size);
    uint64_t a;

    if (unlikely(!p)) {
        return slow(cpu, insn);
    }
    a = host_ld(p, size);
    host_st(p, unary_value(op, a), size);
    unary_flags(cpu, op, a, size);
    X86_NEXT(cpu, insn);
}

static always_inline x86_next unary_reg(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        enum unary op, unsigned size)
{
    uint64_t a = get_rm(cpu, insn, size);

    set_rm(cpu, insn, unary_value(op, a), size);
    unary_flags(cpu, op, a, size);
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define UNARY_SIZE(op, size) \
    HANDLER(op##_r##size) { return unary_reg(cpu, insn, op, size); } \
    HANDLER(op##_m_seg##size) { return unary_mem(cpu, insn, op, size); } \
    HANDLER(op##_m_base##size) \
    { return unary_fast(cpu, insn, op, size, AM_BASE, op##_m_seg##size); } \
    HANDLER(op##_m_full##size) \
    { return unary_fast(cpu, insn, op, size, AM_FULL, op##_m_seg##size); } \
    HANDLER(op##_m_flat##size) \
    { return unary_fast(cpu, insn, op, size, AM_FLAT, op##_m_seg##size); }
#define UNARY(op) UNARY_SIZE(op, 1) UNARY_SIZE(op, 2) UNARY_SIZE(op, 4) \
    UNARY_SIZE(op, 8)

UNARY(INC) UNARY(DEC) UNARY(NEG) UNARY(NOT)

static const struct {
    x86_exec *r[4];
    x86_exec *m[AM_COUNT][4];
} unary_forms[] = {
    [INC] = {BY_SIZE(INC_r), BY_AM(INC_m)},
    [DEC] = {BY_SIZE(DEC_r), BY_AM(DEC_m)},
    [NEG] = {BY_SIZE(NEG_r), BY_AM(NEG_m)},
    [NOT] = {BY_SIZE(NOT_r), BY_AM(NOT_m)},
};
/* clang-format on */

/* ---- choosing ---- */

static int alu_of(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_ADD: return ALU_ADD;
    case X86_OR: return ALU_OR;
    case X86_ADC: return ALU_ADC;
    case X86_SBB: return ALU_SBB;
    case X86_AND: return ALU_AND;
    case X86_SUB: return ALU_SUB;
    case X86_XOR: return ALU_XOR;
    case X86_CMP: return ALU_CMP;
    case X86_TEST: return ALU_TEST;
    default: return -1;
    }
}

static int unary_of(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_INC: return INC;
    case X86_DEC: return DEC;
    case X86_NEG: return NEG;
    case X86_NOT: return NOT;
    default: return -1;
    }
}

static bool is_imm(unsigned operand)
{
    return operand == X86_O_Ib || operand == X86_O_Iz || operand == X86_O_Is;
}

static bool is_g(unsigned operand)
{
    return operand == X86_O_Gb || operand == X86_O_Gv;
}

static bool is_byte(unsigned operand)
{
    return operand == X86_O_Gb || operand == X86_O_Eb || operand == X86_O_rAL;
}

static x86_exec *pick_binary(const struct x86_cpu *cpu,
                             const struct x86_insn *insn, enum alu op)
{
    const struct alu_forms *f = &alu_forms[op];
    const struct x86_row *row = row_of(insn);
    unsigned i = is_byte(row->operand[0]) ? 0 : x86_size_index(insn->osize);
    bool imm = is_imm(row->operand[1]);
    enum x86_am am;

    if (!(insn->flags & X86_I_MEM)) {
        if (op == ALU_XOR && !imm && insn->reg == insn->rm && i >= 2) {
            return zero;
        }
        return imm ? f->ri[i] : f->rr[i];
    }
    if (insn->flags & X86_I_LOCK) {
        return imm ? f->li[i] : f->lr[i];
    }
    am = x86_addressing(cpu, insn);
    return is_g(row->operand[0]) ? f->rm[am][i]
           : imm                 ? f->mi[am][i]
                                 : f->mr[am][i];
}

x86_exec *x86_pick_alu(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);
    unsigned i = is_byte(row->operand[0]) ? 0 : x86_size_index(insn->osize);
    int op = alu_of(row->mnemonic);

    if (op >= 0) {
        return pick_binary(cpu, insn, (enum alu)op);
    }
    op = unary_of(row->mnemonic);
    if (op < 0) {
        return NULL;
    }
    if (!(insn->flags & X86_I_MEM)) {
        return unary_forms[op].r[i];
    }
    return unary_forms[op]
        .m[insn->flags & X86_I_LOCK ? AM_SEG : x86_addressing(cpu, insn)][i];
}
