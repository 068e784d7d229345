/* SPDX-License-Identifier: MIT */
/*
 * Instructions that are not rewritten as they stand: the stack, LEA, registers
 * in the opcode, fixed registers, hints, divisions.
 */
#include "accel/tcg/tr.h"
#include "target/x86/opcodes.h"

static unsigned word(const struct tr *t)
{
    return tr_code64(t) ? 8 : 4;
}

static unsigned class_of(const struct x86_insn *i, unsigned n)
{
    return x86_operand_kinds[x86_insn_row(i)->operand[n]].class;
}

static bool push(struct tr *t, const struct x86_insn *i)
{
    unsigned class = class_of(i, 0);
    struct host_mem tmp = emit_abs(&t->j->hot->tmp);
    struct host_mem m = TR_MEM;
    bool mem = i->flags & X86_I_MEM;
    bool imm = class == X86_C_IMMS || class == X86_C_IMM;
    unsigned from = H_RCX;

    if (i->osize != word(t) || (mem && !tr_can_address(t, i)) ||
        (!imm && class != X86_C_OPC && class != X86_C_RM)) {
        return false;
    }
    if (mem) {
        tr_operand(t, i, word(t), false, &m);
        emit_load(&t->e, H_RCX, m, word(t));
        m = TR_MEM;
        emit_store(&t->e, tmp, H_RCX, 8);
    }
    if (!tr_stack_mem(t, -(int32_t)word(t), &m)) {
        tr_stack_address(t, -(int32_t)word(t));
        tr_check(t, word(t), true);
    }
    if (mem) {
        emit_load(&t->e, H_RCX, tmp, 8);
    } else if (imm) {
        emit_mov_ri(&t->e, H_RCX, i->imm);
    } else if (jit_host[i->rm] != JIT_IN_MEMORY) {
        from = jit_host[i->rm];
    } else {
        tr_get(t, H_RCX, i->rm);
    }
    emit_store(&t->e, m, from, word(t));
    tr_owe_sp(t, -(int32_t)word(t));
    return true;
}

static bool pop(struct tr *t, const struct x86_insn *i)
{
    struct host_mem m = TR_MEM;

    if (i->osize != word(t) || class_of(i, 0) != X86_C_OPC) {
        return false;
    }
    if (!tr_stack_mem(t, 0, &m)) {
        tr_stack_address(t, 0);
        tr_check(t, word(t), false);
    }
    if (jit_host[i->rm] == JIT_IN_MEMORY) {
        emit_load(&t->e, H_RCX, m, word(t));
        tr_put(t, i->rm, H_RCX);
    } else if (i->rm == X86_RSP) {
        emit_load(&t->e, jit_host[X86_RSP], m, word(t));
        return true;
    } else {
        emit_load(&t->e, jit_host[i->rm], m, word(t));
    }
    tr_owe_sp(t, (int32_t)word(t));
    return true;
}

static bool leave(struct tr *t, const struct x86_insn *i)
{
    uint8_t bp = jit_host[X86_RBP];

    if (i->osize != word(t)) {
        return false;
    }
    emit_mov_rr(&t->e, H_R10, bp, word(t));
    tr_check(t, word(t), false);
    emit_load(&t->e, H_RCX, TR_MEM, word(t));
    emit_lea(&t->e, jit_host[X86_RSP],
             (struct host_mem){bp, H_NONE, 0, (int32_t)word(t)}, word(t));
    emit_mov_rr(&t->e, bp, H_RCX, 8);
    return true;
}

static bool lea(struct tr *t, const struct x86_insn *i)
{
    bool here = jit_host[i->reg] != JIT_IN_MEMORY;

    if (i->asize == 2 || i->osize == 2) {
        return false;
    }
    tr_lea(t, i, here ? jit_host[i->reg] : H_R10, MIN(i->osize, i->asize));
    if (!here) {
        tr_put(t, i->reg, H_R10);
    }
    return true;
}

/* MOV of the accumulator to or from an absolute address. */
static bool mov_moffs(struct tr *t, const struct x86_insn *i)
{
    bool store = class_of(i, 0) == X86_C_MOFF;
    unsigned size = x86_operand_size(i, 0);

    if (!tr_can_address(t, i)) {
        return false;
    }
    tr_address(t, i);
    tr_check(t, size, store);
    if (store) {
        emit_store(&t->e, TR_MEM, H_RAX, size);
    } else {
        emit_load(&t->e, H_RAX, TR_MEM, size);
    }
    return true;
}

/* An operation on one register of the opcode: `op` on what is in RCX. */
static bool on_register(struct tr *t, const struct x86_insn *i,
                        void (*write)(struct emit *e, unsigned reg,
                                      const struct x86_insn *i))
{
    unsigned host = jit_host[i->rm];

    if (host == JIT_IN_MEMORY) {
        tr_get(t, H_RCX, i->rm);
        write(&t->e, H_RCX, i);
        tr_put(t, i->rm, H_RCX);
    } else {
        write(&t->e, host, i);
    }
    return true;
}

static void write_mov_imm(struct emit *e, unsigned reg,
                          const struct x86_insn *i)
{
    emit_mov_ri_small(e, reg, (uint32_t)i->imm, x86_operand_size(i, 0));
}

/* MOV of an immediate to a register in the opcode. */
static bool mov_imm(struct tr *t, const struct x86_insn *i)
{
    unsigned size = x86_operand_size(i, 0);
    struct x86_insn low = *i;

    if (size >= 4) {
        bool here = jit_host[i->rm] != JIT_IN_MEMORY;
        unsigned host = here ? jit_host[i->rm] : H_RCX;

        emit_mov_ri(&t->e, host, size == 4 ? (uint32_t)i->imm : i->imm);
        tr_put(t, i->rm, host);
        return true;
    }
    low.rm = size == 1 ? i->rm8 >> 3 : i->rm;
    return !(size == 1 && i->rm8 & 1) && on_register(t, &low, write_mov_imm);
}

static bool mov(struct tr *t, const struct x86_insn *i)
{
    if (class_of(i, 0) == X86_C_OPC) {
        return mov_imm(t, i);
    }
    if (class_of(i, 0) == X86_C_MOFF || class_of(i, 1) == X86_C_MOFF) {
        return mov_moffs(t, i);
    }
    return false;
}

static void write_bswap(struct emit *e, unsigned reg, const struct x86_insn *i)
{
    emit_bswap(e, reg, i->osize);
}

static void write_xchg(struct emit *e, unsigned reg, const struct x86_insn *i)
{
    emit_xchg_rr(e, reg, H_RAX, i->osize);
}

static void write_incdec(struct emit *e, unsigned reg, const struct x86_insn *i)
{
    emit_incdec(e, reg, x86_insn_row(i)->mnemonic == X86_DEC, i->osize);
}

/* AL or rAX and an immediate. */
static bool accumulator(struct tr *t, const struct x86_insn *i)
{
    unsigned size = x86_operand_size(i, 0);

    if (class_of(i, 0) != X86_C_RAX || class_of(i, 1) == X86_C_MOFF) {
        return false;
    }
    if (x86_insn_row(i)->mnemonic == X86_TEST) {
        emit_test_ri(&t->e, H_RAX, (int32_t)i->imm, size);
    } else {
        emit_alu_ri(&t->e, i->opcode >> 3 & 7, H_RAX, (int32_t)i->imm, size);
    }
    return true;
}

/* ---- DIV, IDIV ---- */

/*
 * Whether the quotient fits is seen before the division, so that the host's
 * never faults: DIV where the high half is below the divisor; IDIV where the
 * high half is the low half's sign and the divisor is neither 0 nor -1. C does
 * the others. The flags are undefined after a division, but not at its #DE.
 */
static void safe_to_divide(struct tr *t, bool is_signed, unsigned size)
{
    uint8_t *good, *bad = NULL;

    if (!is_signed) {
        emit_alu_rr(&t->e, ALU_CMP, H_RDX, H_RCX, size);
        good = emit_jcc_short(&t->e, CC_B);
    } else {
        /* Unsigned: RCX + 1 is at most 1. */
        emit_lea(&t->e, H_R10, (struct host_mem){H_RCX, H_NONE, 0, 1}, size);
        emit_alu_ri(&t->e, ALU_CMP, H_R10, 1, size);
        bad = emit_jcc_short(&t->e, CC_BE);
        emit_mov_rr(&t->e, H_R10, H_R11, size);
        emit_sar(&t->e, H_R10, size * 8 - 1, size);
        emit_alu_rr(&t->e, ALU_CMP, H_R10, H_RDX, size);
        good = emit_jcc_short(&t->e, CC_Z);
        emit_here(&t->e, bad);
    }
    emit_load(&t->e, H_RAX, emit_abs(&t->j->hot->flags_vec), 4);
    emit_sahf_addo(&t->e);
    emit_mov_rr(&t->e, H_RAX, H_R11, 8);
    tr_go_slow(t);
    emit_here(&t->e, good);
}

static bool divide(struct tr *t, const struct x86_insn *i)
{
    bool is_signed = x86_insn_row(i)->mnemonic == X86_IDIV;
    unsigned size = x86_operand_size(i, 0);
    bool mem = i->flags & X86_I_MEM;
    struct host_mem m = TR_MEM;

    if (size < 4 || (mem && !tr_can_address(t, i))) {
        return false;
    }
    if (mem) {
        tr_operand(t, i, size, false, &m);
        emit_load(&t->e, H_RCX, m, size);
    } else {
        tr_get(t, H_RCX, i->rm);
    }
    emit_mov_rr(&t->e, H_R11, H_RAX, 8);
    emit_lahf_seto(&t->e);
    emit_store(&t->e, emit_abs(&t->j->hot->flags_vec), H_RAX, 4);
    emit_mov_rr(&t->e, H_RAX, H_R11, 8);
    safe_to_divide(t, is_signed, size);
    emit_div(&t->e, H_RCX, is_signed, size);
    return true;
}

/* ---- bits and double words in memory ---- */

/* BT, BTS, BTR, BTC of a bit string: the register is an offset in bits, which
 * may lead anywhere. */
static bool bit_string(struct tr *t, const struct x86_insn *i)
{
    struct host_op op = {.map = HM_0F,
                         .opcode = i->opcode,
                         .w = i->osize == 8,
                         .lock = i->flags & X86_I_LOCK};
    bool write = x86_insn_row(i)->mnemonic != X86_BT;
    unsigned size = i->osize;

    if (!(i->flags & X86_I_MEM) || class_of(i, 1) != X86_C_REG || size < 4 ||
        !t->j->bmi2 || !tr_can_address(t, i) || i->asize != word(t)) {
        return false;
    }
    tr_address(t, i);
    tr_get(t, H_R11, i->reg);
    emit_mov_ri(&t->e, H_RCX, size == 8 ? 6 : 5);
    emit_sarx(&t->e, H_RCX, H_R11, H_RCX, size);
    if (size == 4) {
        emit_movsxd(&t->e, H_RCX, H_RCX);
    }
    emit_lea(&t->e, H_R10,
             (struct host_mem){H_R10, H_RCX, size == 8 ? 3 : 2, 0}, word(t));
    tr_check(t, size, write);
    tr_get(t, H_RCX, i->reg);
    emit_pext(&t->e, H_RCX, H_RCX, emit_abs(&t->j->hot->bits_of[size]));
    if (op.lock) {
        emit_op_rm(&t->e, &op, H_RCX, TR_MEM);
        return true;
    }
    emit_lea(&t->e, H_R10, TR_MEM, 8);
    emit_load(&t->e, H_R11, (struct host_mem){H_R10, H_NONE, 0, 0}, size);
    emit_op_rr(&t->e, &op, H_RCX, H_R11);
    if (write) {
        emit_store(&t->e, (struct host_mem){H_R10, H_NONE, 0, 0}, H_R11, size);
    }
    return true;
}

/* CMPXCHG8B, CMPXCHG16B: but for RCX the registers are where they have to be. */
static bool cmpxchg_double(struct tr *t, const struct x86_insn *i)
{
    bool wide = x86_insn_row(i)->mnemonic == X86_CMPXCHG16B;
    struct host_op op = {
        .map = HM_0F, .opcode = 0xc7, .w = wide, .lock = i->flags & X86_I_LOCK};
    unsigned size = wide ? 16 : 8;

    if (!tr_can_address(t, i) || !tr_host_has(t, x86_insn_row(i)->feature)) {
        return false;
    }
    tr_address(t, i);
    if (wide) {
        tr_check_aligned(t, size);
    }
    tr_check(t, size, true);
    tr_get(t, H_RCX, X86_RCX);
    emit_op_rm(&t->e, &op, 1, TR_MEM);
    return true;
}

/* ---- ---- */

static bool plain(struct tr *t, const struct x86_insn *i, unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_NOP:
    case X86_ENDBR32:
    case X86_ENDBR64:
    case X86_PREFETCH:
    case X86_PREFETCHW:
    case X86_PREFETCHWT1:
    case X86_PREFETCHNTA:
    case X86_PREFETCHT0:
    case X86_PREFETCHT1:
    case X86_PREFETCHT2: return true;
    case X86_CLC: emit_clc(&t->e); return true;
    case X86_STC: emit_stc(&t->e); return true;
    case X86_CMC: emit_cmc(&t->e); return true;
    case X86_LAHF: emit_lahf(&t->e); return true;
    case X86_SAHF: emit_sahf(&t->e); return true;
    case X86_LFENCE: emit_fence(&t->e, 5); return true;
    case X86_MFENCE: emit_fence(&t->e, 6); return true;
    case X86_SFENCE: emit_fence(&t->e, 7); return true;
    case X86_CBW: emit_cbw(&t->e, i->osize); return true;
    case X86_CWD: emit_cwd(&t->e, i->osize); return true;
    default: return false;
    }
}

/* Does it leave RSP alone (beside what rewrite.c knows)? */
bool tr_is_plain(const struct x86_insn *i)
{
    if (x86_insn_row(i)->attrs & X86_A_X87) {
        return true;
    }
    switch (x86_insn_row(i)->mnemonic) {
    case X86_NOP:
    case X86_ENDBR64:
    case X86_CBW:
    case X86_CWD:
    case X86_DIV:
    case X86_IDIV:
    case X86_MOVS:
    case X86_STOS:
    case X86_LODS:
    case X86_SCAS:
    case X86_CMPS:
    case X86_Jcc:
    case X86_JMP: return true;
    case X86_LEA: return i->reg != X86_RSP;
    case X86_CLI:
    case X86_STI:
    case X86_CLD:
    case X86_STD:
    case X86_SWAPGS:
    case X86_CMPXCHG8B:
    case X86_CMPXCHG16B: return true;
    case X86_BT:
    case X86_BTS:
    case X86_BTR:
    case X86_BTC: return i->flags & X86_I_MEM;
    case X86_MOV:
    case X86_BSWAP:
        return class_of(i, 0) == X86_C_OPC && i->rm != X86_RSP &&
               x86_operand_size(i, 0) >= 4;
    default: return class_of(i, 0) == X86_C_RAX && class_of(i, 1) == X86_C_IMMS;
    }
}

#define REG(name) (1U << X86_##name)

/* What rewritten instructions write beside their operands. */
uint32_t tr_hidden_written(const struct x86_insn *i)
{
    const struct x86_row *row = x86_insn_row(i);

    switch (row->mnemonic) {
    case X86_CMPXCHG: return REG(RAX);
    case X86_MUL: return REG(RAX) | REG(RDX);
    case X86_IMUL: return row->operand[1] == X86_O___ ? REG(RAX) | REG(RDX) : 0;
    default: return 0;
    }
}

/* Those of the others that are common; TR_WRITES_ANY: not known here. */
uint32_t tr_special_written(const struct x86_insn *i)
{
    bool opc = class_of(i, 0) == X86_C_OPC;
    uint32_t rm = opc ? 1U << i->rm : TR_WRITES_ANY;

    if (x86_insn_row(i)->attrs & X86_A_X87) {
        return REG(RAX); /* by FNSTSW */
    }
    switch (x86_insn_row(i)->mnemonic) {
    case X86_PUSH: return REG(RSP);
    case X86_POP: return REG(RSP) | rm;
    case X86_LEA: return 1U << i->reg;
    case X86_BSWAP: return rm;
    case X86_MOV:
    case X86_INC:
    case X86_DEC: return x86_operand_size(i, 0) >= 4 ? rm : TR_WRITES_ANY;
    case X86_DIV:
    case X86_IDIV:
    case X86_CMPXCHG8B:
    case X86_CMPXCHG16B: return REG(RAX) | REG(RDX);
    case X86_MOVS:
    case X86_CMPS: return REG(RSI) | REG(RDI) | REG(RCX);
    case X86_STOS:
    case X86_SCAS: return REG(RDI) | REG(RCX);
    case X86_LODS: return REG(RAX) | REG(RSI) | REG(RCX);
    case X86_CBW: return REG(RAX);
    case X86_CWD: return REG(RDX);
    case X86_NOP:
    case X86_ENDBR64:
    case X86_CLI:
    case X86_STI:
    case X86_Jcc:
    case X86_JMP: return 0;
    case X86_PUSHF:
    case X86_POPF: return REG(RSP);
    case X86_ADD:
    case X86_OR:
    case X86_ADC:
    case X86_SBB:
    case X86_AND:
    case X86_SUB:
    case X86_XOR:
    case X86_CMP:
    case X86_TEST:
        return class_of(i, 0) == X86_C_RAX ? REG(RAX) : TR_WRITES_ANY;
    default: return TR_WRITES_ANY;
    }
}

bool tr_special(struct tr *t, const struct x86_insn *i)
{
    unsigned mnemonic = x86_insn_row(i)->mnemonic;
    bool opc = class_of(i, 0) == X86_C_OPC;

    switch (mnemonic) {
    case X86_PUSH: return push(t, i);
    case X86_POP: return pop(t, i);
    case X86_LEAVE: return leave(t, i);
    case X86_LEA: return lea(t, i);
    case X86_MOV: return mov(t, i);
    case X86_BSWAP: return i->osize >= 4 && on_register(t, i, write_bswap);
    case X86_XCHG: return opc && on_register(t, i, write_xchg);
    case X86_INC:
    case X86_DEC: return opc && on_register(t, i, write_incdec);
    case X86_ADD:
    case X86_OR:
    case X86_ADC:
    case X86_SBB:
    case X86_AND:
    case X86_SUB:
    case X86_XOR:
    case X86_CMP:
    case X86_TEST: return accumulator(t, i);
    case X86_DIV:
    case X86_IDIV: return divide(t, i);
    case X86_BT:
    case X86_BTS:
    case X86_BTR:
    case X86_BTC: return bit_string(t, i);
    case X86_CMPXCHG8B:
    case X86_CMPXCHG16B: return cmpxchg_double(t, i);
    case X86_VZEROUPPER:
        if (!tr_code64(t)) {
            return false; /* eight registers */
        }
        tr_need_vec(t);
        emit_vzeroupper(&t->e);
        return true;
    default: return plain(t, i, mnemonic);
    }
}
