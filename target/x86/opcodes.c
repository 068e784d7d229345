/* SPDX-License-Identifier: MIT */
/*
 * opcodes.def and operands.def as constant tables, all made by the compiler.
 * [SDM] vol. 2 appendix A, vol. 1 appendix A (flags).
 */
#include "target/x86/opcodes.h"

#include "target/x86/cpu.h"
#include "target/x86/features.h"

/* Attributes are written without their prefix in opcodes.def. */
enum {
    LOCK = X86_A_LOCK,
    NO64 = X86_A_NO64,
    ONLY64 = X86_A_ONLY64,
    CPL0 = X86_A_CPL0,
    ENDS = X86_A_ENDS,
    SVM = X86_A_SVM,
    D64 = X86_A_D64,
    F64 = X86_A_F64,
    REP = X86_A_REP,
    PROT = X86_A_PROT,
    X87 = X86_A_X87,
    MMX = X86_A_MMX,
    SSE = X86_A_SSE,
    AVX = X86_A_AVX,
    ALIGN = X86_A_ALIGN,
    IOPL = X86_A_IOPL,
    SIMDFP = X86_A_SIMDFP,
    STORE = X86_A_STORE,
    RMW = X86_A_RMW,
    NOMEM = X86_A_NOMEM,
    NOREG = X86_A_NOREG,
    VL0 = X86_A_VL0,
    VL1 = X86_A_VL1,
    NOVVVV = X86_A_NOVVVV,
    W0 = X86_A_W0,
    W1 = X86_A_W1,
    MODREG = X86_A_MODREG,
    NOWAIT = X86_A_NOWAIT,
    AVX2L = X86_A_AVX2L,
};

/* clang-format off */

/*
 * Flags: read, written, undefined. Where flags survive (a count of zero), they
 * stand among the ones read too, so that "not read, and written" means that
 * the old value is dead. String instructions with REP and a count of zero
 * keep the flags, whatever their row says.
 */
enum {
    C = X86_CF, P = X86_PF, A = X86_AF, Z = X86_ZF, S = X86_SF, O = X86_OF,
    SIX = X86_ARITH, EVERY = SIX | X86_TF | X86_IF | X86_DF,
};
#define FLAGS(read, write, undef) \
    .flags_read = (read), .flags_write = (write), .flags_undef = (undef)

#define F_NONE   FLAGS(0, 0, 0)
#define F_ARITH  FLAGS(0, SIX, 0)
#define F_ADC    FLAGS(C, SIX, 0)
#define F_LOGIC  FLAGS(0, SIX & ~A, A)
#define F_INCDEC FLAGS(0, SIX & ~C, 0)
#define F_MUL    FLAGS(0, C | O, S | Z | A | P)
#define F_DIV    FLAGS(0, 0, SIX)
#define F_SHIFT1 FLAGS(0, SIX & ~A, A)
#define F_SHIFT  FLAGS(SIX, S | Z | P | C, A | O) /* O is defined for 1 */
#define F_SHLD   FLAGS(SIX, S | Z | P | C, A | O)
#define F_ROT1   FLAGS(0, C | O, 0)
#define F_ROT    FLAGS(C | O, C, O)
#define F_RC1    FLAGS(C, C | O, 0)
#define F_RC     FLAGS(C | O, C, O)
#define F_BT     FLAGS(0, C, O | S | A | P)
#define F_BSF    FLAGS(0, Z, C | O | S | A | P)
#define F_LZCNT  FLAGS(0, C | Z, O | S | A | P)
#define F_DAA    FLAGS(A | C, SIX & ~O, O)
#define F_AAA    FLAGS(A, A | C, O | S | Z | P)
#define F_AAM    FLAGS(0, S | Z | P, O | A | C)
#define F_STRING FLAGS(X86_DF, 0, 0)
#define F_CMPS   FLAGS(X86_DF, SIX, 0)
#define F_LAHF   FLAGS(SIX & ~O, 0, 0)
#define F_SAHF   FLAGS(0, SIX & ~O, 0)
#define F_CMC    FLAGS(C, C, 0)
#define F_CF     FLAGS(0, C, 0)
#define F_DF     FLAGS(0, X86_DF, 0)
#define F_IF     FLAGS(0, X86_IF, 0)
#define F_ZF     FLAGS(0, Z, 0)
#define F_UNDEF  FLAGS(0, 0, SIX)
#define F_ALL    FLAGS(0, EVERY, 0)
#define F_ALLRW  FLAGS(EVERY, EVERY, 0)
#define F_INT    FLAGS(EVERY, X86_TF | X86_IF, 0)
#define F_R_ALL  FLAGS(EVERY, 0, 0)
#define F_R_O    FLAGS(O, 0, 0)
#define F_R_C    FLAGS(C, 0, 0)
#define F_R_Z    FLAGS(Z, 0, 0)
#define F_R_CZ   FLAGS(C | Z, 0, 0)
#define F_R_S    FLAGS(S, 0, 0)
#define F_R_P    FLAGS(P, 0, 0)
#define F_R_SO   FLAGS(S | O, 0, 0)
#define F_R_SOZ  FLAGS(S | O | Z, 0, 0)
#define F_BMI    FLAGS(0, C | O | S | Z, A | P) /* ANDN, BLSR.., BZHI */
#define F_BEXTR  FLAGS(0, C | O | Z, A | P | S)
#define F_ADCX   FLAGS(C, C, 0)
#define F_ADOX   FLAGS(O, O, 0)

/* Row numbers: one enumerator a row, so that no row can be there twice. */
enum {
    X86_FEATURE___ = X86_FEATURE_NONE, /* what __ stands for there */
};
enum {
    X86_ROW_NONE,
#define OP(map, pp, byte, sel, name, o1, ...) \
    X86_ROW_##map##_##pp##_##byte##_##sel##_##name##_##o1,
#include "target/x86/opcodes.def"
#undef OP
    X86_ROWS
};

const struct x86_row x86_rows[] = {
    [X86_ROW_NONE] = {0},
#define OP(map, pp, byte, sel, name, o1, o2, o3, o4, need, attributes, fl) \
    [X86_ROW_##map##_##pp##_##byte##_##sel##_##name##_##o1] = { \
        .mnemonic = X86_##name, \
        .operand = {X86_O_##o1, X86_O_##o2, X86_O_##o3, X86_O_##o4}, \
        .feature = X86_FEATURE_##need, .attrs = (attributes), fl \
    },
#include "target/x86/opcodes.def"
#undef OP
};
const unsigned x86_rows_count = X86_ROWS;

const struct x86_operand_kind x86_operand_kinds[] = {
#define OPERAND(name, class, size, msize) \
    [X86_O_##name] = {X86_C_##class, X86_Z_##size, X86_Z_##msize},
#include "target/x86/operands.def"
#undef OPERAND
};

/* Class and size of an operand, as constants. */
enum {
#define OPERAND(name, class, size, msize) \
    CLASS_##name = X86_C_##class, SIZE_##name = X86_Z_##size,
#include "target/x86/operands.def"
#undef OPERAND
};

/* What the columns "prefix" and "ModRM" ask for: mask << 16 | value. */
#define WANT(mask, value) ((uint32_t)(mask) << 16 | (uint32_t)(value))
#define PP(n) WANT(X86_K_PP, (n) << X86_K_PP_SHIFT)
#define REGMEM(n) \
    SEL_r##n = WANT(0x38, (n) << 3), \
    SEL_m##n = WANT(0x38 | X86_K_MEM, (n) << 3 | X86_K_MEM), \
    SEL_g##n = WANT(0x38 | X86_K_MEM, (n) << 3),
#define EXACT(n) SEL_x##n = WANT(0xff, 0x##n),
#define EXACT8(h) \
    EXACT(h##0) EXACT(h##1) EXACT(h##2) EXACT(h##3) \
    EXACT(h##4) EXACT(h##5) EXACT(h##6) EXACT(h##7) \
    EXACT(h##8) EXACT(h##9) EXACT(h##A) EXACT(h##B) \
    EXACT(h##C) EXACT(h##D) EXACT(h##E) EXACT(h##F)
enum {
    PP___ = 0,
    PP_NP = PP(0),
    PP_66 = PP(1),
    PP_F3 = PP(2),
    PP_F2 = PP(3),
    PP_N3 = WANT(X86_K_REP, 0),
    SEL___ = 0,
    SEL_m = WANT(X86_K_MEM, X86_K_MEM),
    SEL_g = WANT(X86_K_MEM, 0),
    SEL_b0 = WANT(X86_K_REXB, 0),
    REGMEM(0) REGMEM(1) REGMEM(2) REGMEM(3)
    REGMEM(4) REGMEM(5) REGMEM(6) REGMEM(7)
    EXACT8(C) EXACT8(D) EXACT8(E) EXACT8(F)
};

/* The same of attributes and operands. */
#define IF(condition, value) ((condition) ? (value) : 0U)
#define WANT_BIT(condition, bit, on) \
    IF(condition, WANT(X86_K_##bit, (on) ? X86_K_##bit : 0))
#define WANT_ATTRS(a) \
    (WANT_BIT((a) & W1, W, 1) | WANT_BIT((a) & W0, W, 0) | \
     WANT_BIT((a) & VL1, L, 1) | WANT_BIT((a) & VL0, L, 0) | \
     WANT_BIT((a) & ONLY64, 64, 1) | WANT_BIT((a) & NO64, 64, 0) | \
     WANT_BIT((a) & NOMEM, MEM, 0) | WANT_BIT((a) & NOREG, MEM, 1) | \
     WANT_BIT((a) & NOVVVV, VVVV, 0))
#define IS(o, class) ((int)CLASS_##o == (int)X86_C_##class)
#define WANT_OPERAND(o) \
    (WANT_BIT(IS(o, MEM) || IS(o, VSIB), MEM, 1) | \
     WANT_BIT(IS(o, RMR) || IS(o, MMXRMR) || IS(o, VECRMR) || IS(o, STI), \
              MEM, 0))
#define WANT_ROW(pp, sel, o1, o2, o3, o4, a) \
    ((uint32_t)PP_##pp | (uint32_t)SEL_##sel | WANT_ATTRS(a) | \
     IF(!((a) & MODREG), WANT_OPERAND(o1) | WANT_OPERAND(o2) | \
        WANT_OPERAND(o3) | WANT_OPERAND(o4)))

#define PLAN_IMM(o) \
    (IS(o, IMM) ? ((int)SIZE_##o == X86_Z_b   ? X86_P_IB \
                   : (int)SIZE_##o == X86_Z_w ? X86_P_IW \
                                         : X86_P_IV) \
     : IS(o, IMMS) || IS(o, REL) \
         ? ((int)SIZE_##o == X86_Z_b ? X86_P_IS : X86_P_IZ) \
     : IS(o, VECI) ? X86_P_IS4 \
     : IS(o, ONE)  ? X86_P_ONE \
     : IS(o, FAR)  ? X86_P_FAR \
     : IS(o, MOFF) ? X86_P_MOFF \
     : IS(o, IMM2) ? X86_P_IWIB : X86_P_NO_IMM)
#define PLAN_OPERAND(o) \
    (IF(IS(o, VSIB), X86_P_VSIB) | IF(IS(o, SREG), X86_P_SREG) | \
     IF(IS(o, CREG), X86_P_CREG) | IF(IS(o, DREG), X86_P_DREG) | \
     IF(IS(o, OPC), X86_P_OPC) | \
     IF(IS(o, MMX) || IS(o, SREG), X86_P_REG8) | \
     IF(IS(o, MMXRM) || IS(o, MMXRMR) || IS(o, STI), X86_P_RM8))
#define PLAN(o1, o2, o3, o4, a) \
    (MAX(MAX(PLAN_IMM(o1), PLAN_IMM(o2)), MAX(PLAN_IMM(o3), PLAN_IMM(o4))) | \
     PLAN_OPERAND(o1) | PLAN_OPERAND(o2) | PLAN_OPERAND(o3) | \
     PLAN_OPERAND(o4) | IF((a) & D64, X86_P_D64) | \
     IF((a) & F64, X86_P_F64) | IF((a) & LOCK, X86_P_LOCK) | \
     IF((a) & MODREG, X86_P_MODREG))

const struct x86_key x86_keys[] = {
    [X86_ROW_NONE] = {.id = 0xffff},
#define OP(map, pp, byte, sel, name, o1, o2, o3, o4, need, attributes, fl) \
    [X86_ROW_##map##_##pp##_##byte##_##sel##_##name##_##o1] = { \
        .id = X86_MAP_##map << 8 | (byte), \
        .mask = WANT_ROW(pp, sel, o1, o2, o3, o4, attributes) >> 16, \
        .value = WANT_ROW(pp, sel, o1, o2, o3, o4, attributes) & 0xffff, \
        .plan = PLAN(o1, o2, o3, o4, attributes), \
    },
#include "target/x86/opcodes.def"
#undef OP
};

/* Later rows of an opcode override its earlier ones here, on purpose. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define NEEDS_MODRM(o) (!IS(o, NONE) && (int)CLASS_##o <= X86_C_LAST_MODRM)
const uint16_t x86_index[X86_MAPS][256] = {
#define OP(map, pp, byte, sel, name, o1, o2, o3, o4, need, attributes, fl) \
    [X86_MAP_##map][byte] = \
        X86_ROW_##map##_##pp##_##byte##_##sel##_##name##_##o1 | \
        IF(((uint32_t)SEL_##sel >> 16 & (X86_K_MODRM | X86_K_MEM)) || \
           NEEDS_MODRM(o1) || NEEDS_MODRM(o2) || NEEDS_MODRM(o3) || \
           NEEDS_MODRM(o4), X86_INDEX_MODRM),
#include "target/x86/opcodes.def"
#undef OP
};
#pragma GCC diagnostic pop

/* clang-format on */

static const char *const mnemonic_names[] = {
    [X86_INVALID] = "(bad)",
#define MN(name) [X86_##name] = #name,
#include "target/x86/mnemonics.def"
#undef MN
};

const char *x86_mnemonic_name(enum x86_mnemonic mnemonic)
{
    return mnemonic < X86_MNEMONICS ? mnemonic_names[mnemonic] : "(bad)";
}
