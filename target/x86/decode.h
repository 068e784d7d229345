/* SPDX-License-Identifier: MIT */
/*
 * The decoder: bytes to struct x86_insn, driven by opcodes.def alone.
 * Pure functions, any thread. [SDM] vol. 2 ch. 2 and appendix A.
 */
#ifndef TARGET_X86_DECODE_H
#define TARGET_X86_DECODE_H

#include <glib.h>

#include "target/x86/insn.h"

enum { X86_MAX_INSN = 15 };

enum x86_mnemonic {
    X86_INVALID,
#define MN(name) X86_##name,
#include "target/x86/mnemonics.def"
#undef MN
    X86_MNEMONICS
};

/* Operand kinds of opcodes.def, in the manual's letters. */
enum x86_operand {
#define OPERAND(name, ...) X86_O_##name,
#include "target/x86/operands.def"
#undef OPERAND
    X86_OPERANDS
};

/* Attributes of a row. */
enum {
    X86_A_LOCK = 1 << 0,    /* LOCK is allowed where operand 1 is memory */
    X86_A_NO64 = 1 << 1,    /* #UD in 64-bit mode */
    X86_A_ONLY64 = 1 << 2,  /* #UD outside it */
    X86_A_CPL0 = 1 << 3,    /* #GP(0) unless CPL is 0 */
    X86_A_ENDS = 1 << 4,    /* ends a block: control may go elsewhere, or
                               the mode may change */
    X86_A_SVM = 1 << 5,     /* may be intercepted by SVM */
    X86_A_D64 = 1 << 6,     /* operand size is 64 by default in 64-bit mode */
    X86_A_F64 = 1 << 7,     /* operand size is always 64 in 64-bit mode */
    X86_A_REP = 1 << 8,     /* F2/F3 repeat it (string instruction) */
    X86_A_PROT = 1 << 9,    /* #UD in real and virtual-8086 mode */
    X86_A_X87 = 1 << 10,    /* #NM by CR0.EM|TS; pending #MF */
    X86_A_MMX = 1 << 11,    /* #UD by CR0.EM, #NM by TS */
    X86_A_SSE = 1 << 12,    /* #UD by EM or !OSFXSR, #NM by TS */
    X86_A_AVX = 1 << 13,    /* VEX: #UD by !OSXSAVE or XCR0, #NM by TS */
    X86_A_ALIGN = 1 << 14,  /* memory operand must be naturally aligned */
    X86_A_IOPL = 1 << 15,   /* CPL against IOPL matters */
    X86_A_SIMDFP = 1 << 16, /* may raise #XM by MXCSR */
    X86_A_STORE = 1 << 17,  /* operand 1, where memory, is only written */
    X86_A_RMW = 1 << 18,    /* operand 1, where memory, is read and written */
    X86_A_NOMEM = 1 << 19,  /* #UD where ModRM names memory */
    X86_A_NOREG = 1 << 20,  /* #UD where ModRM names a register */
    X86_A_VL0 = 1 << 21,    /* VEX.L must be 0 */
    X86_A_VL1 = 1 << 22,    /* VEX.L must be 1 */
    X86_A_NOVVVV = 1 << 23, /* VEX.vvvv must be 1111b */
    X86_A_W0 = 1 << 24,     /* W must be 0 (VEX) */
    X86_A_W1 = 1 << 25,     /* W must be 1 (selects the row, REX.W or VEX.W) */
    X86_A_MODREG = 1 << 26, /* ModRM.mod is ignored: rm is a register */
    X86_A_NOWAIT = 1 << 27, /* x87 without the check for a pending #MF */
    X86_A_AVX2L = 1 << 28,  /* with VEX.L it needs AVX2, not `feature` */
};

struct x86_row {
    uint16_t mnemonic;    /* enum x86_mnemonic */
    uint8_t operand[4];   /* enum x86_operand, X86_O___ = none */
    uint8_t feature;      /* enum x86_feature (features.def), 0 = 8086..486 */
    uint32_t attrs;       /* X86_A_* */
    uint16_t flags_read;  /* EFLAGS bits 0..11 it reads */
    uint16_t flags_write; /* ... that it sets to a defined value */
    uint16_t flags_undef; /* ... that it leaves undefined */
};

extern const struct x86_row x86_rows[];
extern const unsigned x86_rows_count;

/* What decides how bytes are decoded. */
struct x86_decode_mode {
    bool code64; /* CS.L in long mode */
    bool code32; /* CS.D: default operand and address size 32 */
    bool real;   /* real or virtual-8086 mode: VEX does not exist */
};

enum x86_decode_result {
    X86_DECODE_OK,
    X86_DECODE_INVALID,  /* #UD; insn->len holds the bytes looked at */
    X86_DECODE_MORE,     /* `avail` bytes were too few to tell */
    X86_DECODE_TOO_LONG, /* over 15 bytes: #GP(0) */
};

/*
 * Decodes one instruction at `code`, of which `avail` bytes may be read.
 * Writes *insn whole (exec and offset are zero). Whether the CPU model has
 * the row's feature is for the caller to ask.
 */
enum x86_decode_result x86_decode(struct x86_insn *insn, const uint8_t *code,
                                  size_t avail, struct x86_decode_mode mode);

static inline const struct x86_row *x86_insn_row(const struct x86_insn *insn)
{
    return &x86_rows[insn->row];
}

/* Size in bytes of operand `n` as decoded (memory or register); 0 = none. */
unsigned x86_operand_size(const struct x86_insn *insn, unsigned n);
const char *x86_mnemonic_name(enum x86_mnemonic mnemonic);

/*
 * The instruction as text (Intel notation) into `buf`; `pc` is its address.
 * Made from the row: for logs and reports, no library needed.
 */
void x86_disasm(const struct x86_insn *insn, uint64_t pc, char *buf,
                size_t size);

/* `len` bytes of code at a linear address: address, bytes, text, a line each. */
void x86_code_text(GString *out, struct x86_decode_mode mode, uint64_t lin,
                   const uint8_t *code, unsigned len);
/* -d in_asm: `len` bytes of code at a linear address, one line each. */
void x86_log_code(struct x86_decode_mode mode, uint64_t lin,
                  const uint8_t *code, unsigned len);

#endif
