/* SPDX-License-Identifier: MIT */
/*
 * A decoded instruction: what the decoder makes, and what the interpreter,
 * the translator and the test generator read.
 */
#ifndef TARGET_X86_INSN_H
#define TARGET_X86_INSN_H

#include "base/base.h"

struct x86_cpu;
struct x86_insn;

/*
 * Runs one instruction. Returns the next instruction of the block, or NULL
 * when the block is over (cpu->rip is then exact). A handler may also run its
 * successors itself, as a tail call.
 */
typedef const struct x86_insn *x86_exec(struct x86_cpu *cpu,
                                        const struct x86_insn *insn);

enum { X86_NO_REG = 0xff, X86_BASE_RIP = 0x10 };

/* x86_insn.flags */
enum {
    X86_I_MEM = 1 << 0,   /* ModRM names memory (mod != 3), or a moffs */
    X86_I_LOCK = 1 << 1,  /* F0 */
    X86_I_REP = 1 << 2,   /* F3, where it is not part of the opcode */
    X86_I_REPNE = 1 << 3, /* F2, likewise */
    X86_I_REX = 1 << 4,   /* a REX is there: byte registers 4..7 are SPL..DIL */
    X86_I_W = 1 << 5,     /* REX.W or VEX.W */
    X86_I_L = 1 << 6,     /* VEX.L: 256 bits */
    X86_I_VEX = 1 << 7,   /* VEX-encoded: upper parts of registers are zeroed */
    X86_I_66 = 1 << 8,    /* an operand-size prefix was seen */
    X86_I_SEG = 1 << 9,   /* a segment prefix was seen (and applies) */
};

struct x86_insn {
    x86_exec *exec; /* set by the interpreter, NULL from the decoder */
    /*
     * The immediate, sign-extended where the row says so. moffs: the address.
     * Far pointers: offset | (uint64_t)selector << 32. ENTER: iw | ib << 16.
     * Relative branches: the displacement, sign-extended.
     */
    uint64_t imm;
    int32_t disp;    /* of the memory operand, sign-extended */
    uint16_t row;    /* index into x86_rows */
    uint16_t flags;  /* X86_I_* */
    uint16_t offset; /* of its first byte from its block's; set by the user */
    uint8_t len;     /* in bytes, 1..15 */
    uint8_t osize;   /* operand size in bytes: 2, 4 or 8 */
    uint8_t asize;   /* address size in bytes: 2, 4 or 8 */
    uint8_t reg;     /* ModRM.reg with REX.R/VEX.R */
    uint8_t rm;      /* ModRM.rm with REX.B where mod is 3; or the register in
                        the opcode byte, with REX.B */
    uint8_t base;    /* 0..15, X86_NO_REG, or X86_BASE_RIP */
    uint8_t index;   /* 0..15 or X86_NO_REG; a vector register in VSIB */
    uint8_t scale;   /* 0..3: shift */
    uint8_t seg;     /* enum x86_sreg of the memory operand */
    uint8_t vvvv;    /* VEX.vvvv, 0..15 */
    uint8_t opcode;  /* the last byte of the opcode; condition = opcode & 15 */
    /* Set by x86_prepare(): reg and rm as byte registers, as byte offsets
     * into cpu->gpr. It also turns base and index into indexes of cpu->gpr. */
    uint8_t reg8;
    uint8_t rm8;
};

/* Condition code of Jcc, SETcc, CMOVcc. */
static inline unsigned x86_cc(const struct x86_insn *insn)
{
    return insn->opcode & 15;
}

#endif
