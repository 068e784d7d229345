/* SPDX-License-Identifier: MIT */
/*
 * The tables that opcodes.c makes of opcodes.def and operands.def, for the
 * decoder and the disassembler. Everybody else reads x86_rows.
 */
#ifndef TARGET_X86_OPCODES_H
#define TARGET_X86_OPCODES_H

#include "target/x86/decode.h"

/* Where an operand comes from: operands.def. */
enum x86_class {
    X86_C_NONE,
    X86_C_REG,
    X86_C_RM,
    X86_C_MEM,
    X86_C_RMR,
    X86_C_SREG,
    X86_C_CREG,
    X86_C_DREG,
    X86_C_MMX,
    X86_C_MMXRM,
    X86_C_MMXRMR,
    X86_C_VEC,
    X86_C_VECRM,
    X86_C_VECRMR,
    X86_C_STI,
    X86_C_VSIB,
    X86_C_LAST_MODRM = X86_C_VSIB, /* the ones up to here need a ModRM */
    X86_C_ST0,
    X86_C_OPC,
    X86_C_VVVV,
    X86_C_VECV,
    X86_C_VECI,
    X86_C_VECX,
    X86_C_RAX,
    X86_C_RCX,
    X86_C_RDX,
    X86_C_ES,
    X86_C_CS,
    X86_C_SS,
    X86_C_DS,
    X86_C_FS,
    X86_C_GS,
    X86_C_IMM,
    X86_C_IMMS,
    X86_C_IMM2,
    X86_C_ONE,
    X86_C_REL,
    X86_C_FAR,
    X86_C_MOFF,
    X86_C_SRC,
    X86_C_DST,
};

enum x86_size {
    X86_Z_none,
    X86_Z_any,
    X86_Z_b,
    X86_Z_w,
    X86_Z_d,
    X86_Z_q,
    X86_Z_t,
    X86_Z_dq,
    X86_Z_qq,
    X86_Z_v,
    X86_Z_z,
    X86_Z_y,
    X86_Z_n,
    X86_Z_x,
    X86_Z_h,
    X86_Z_f,
    X86_Z_e,
    X86_Z_p,
    X86_Z_a,
    X86_Z_s,
    X86_Z_env,
    X86_Z_sav,
    X86_Z_fx,
};

struct x86_operand_kind {
    uint8_t class; /* enum x86_class */
    uint8_t size;  /* enum x86_size, as a register */
    uint8_t msize; /* and as memory */
};

extern const struct x86_operand_kind x86_operand_kinds[];

/* What the decoder knows of an instruction when it picks the row: */
enum {
    X86_K_MODRM = 0xff,   /* the ModRM byte */
    X86_K_PP = 3 << 8,    /* as VEX.pp: 0, 66, F3, F2 = 0..3 */
    X86_K_REP = 2 << 8,   /* ... that is, F3 or F2 */
    X86_K_W = 1 << 10,    /* REX.W or VEX.W */
    X86_K_L = 1 << 11,    /* VEX.L */
    X86_K_MEM = 1 << 12,  /* ModRM names memory */
    X86_K_64 = 1 << 13,   /* 64-bit mode */
    X86_K_REXB = 1 << 14, /* REX.B */
    X86_K_VVVV = 1 << 15, /* VEX.vvvv names a register */
    X86_K_PP_SHIFT = 8,
};

enum x86_map {
    X86_MAP_1B,
    X86_MAP_0F,
    X86_MAP_38,
    X86_MAP_3A,
    X86_MAP_V1,
    X86_MAP_V2,
    X86_MAP_V3,
    X86_MAPS
};

/* x86_key.plan: what there is to do after the row is found. */
enum {
    X86_P_IMM = 0xf,       /* which immediate: below */
    X86_P_D64 = 1 << 4,    /* X86_A_D64 */
    X86_P_F64 = 1 << 5,    /* X86_A_F64 */
    X86_P_LOCK = 1 << 6,   /* X86_A_LOCK */
    X86_P_MODREG = 1 << 7, /* X86_A_MODREG */
    X86_P_VSIB = 1 << 8,   /* has an operand of that class */
    X86_P_SREG = 1 << 9,   /* likewise */
    X86_P_CREG = 1 << 10,  /* likewise */
    X86_P_DREG = 1 << 11,  /* likewise */
    X86_P_REG8 = 1 << 12,  /* ModRM.reg names one of 8: REX.R is ignored */
    X86_P_RM8 = 1 << 13,   /* ModRM.rm likewise */
    X86_P_OPC = 1 << 14,   /* register in the opcode */
};

enum {
    X86_P_NO_IMM,
    X86_P_IB,
    X86_P_IW,
    X86_P_IV,
    X86_P_IS, /* also rel8 */
    X86_P_IZ, /* also rel16/32 */
    X86_P_ONE,
    X86_P_FAR,
    X86_P_MOFF,
    X86_P_IWIB,
    X86_P_IS4,
};

struct x86_key {
    uint16_t id;          /* map << 8 | opcode */
    uint16_t mask, value; /* of X86_K_* */
    uint16_t plan;        /* X86_P_* */
};

extern const struct x86_key x86_keys[]; /* parallel to x86_rows */

/* The last row of each opcode, or 0; bit 15: a ModRM byte follows. */
enum { X86_INDEX_MODRM = 0x8000 };
extern const uint16_t x86_index[X86_MAPS][256];

#endif
