/* SPDX-License-Identifier: MIT */
/*
 * Writes x86-64 instructions. Knows encodings, [SDM] vol. 2 ch. 2, and nothing
 * of what is to be done: one function for each shape of operands. Of the
 * flags-preserving kind unless its name says something else.
 *
 * Code is written through one mapping and runs in another: `delta` apart.
 * State is addressed absolutely, so it must lie below 2 GiB.
 */
#ifndef ACCEL_TCG_EMIT_H
#define ACCEL_TCG_EMIT_H

#include "base/base.h"

enum host_reg {
    H_RAX,
    H_RCX,
    H_RDX,
    H_RBX,
    H_RSP,
    H_RBP,
    H_RSI,
    H_RDI,
    H_R8,
    H_R9,
    H_R10,
    H_R11,
    H_R12,
    H_R13,
    H_R14,
    H_R15,
    H_NONE = 0xff,
};

enum host_map { HM_1B, HM_0F, HM_38, HM_3A };

/* Prefix that is part of the opcode, as VEX.pp. */
enum host_pp { PP_NONE, PP_66, PP_F3, PP_F2 };

struct emit {
    uint8_t *at;     /* next byte, in the mapping that is written */
    uint8_t *end;    /* when `at` is past it, what was written is no good */
    ptrdiff_t delta; /* from there to where it runs */
};

/* Base and index registers, or H_NONE; the index is never RSP. */
struct host_mem {
    uint8_t base, index, scale;
    int32_t disp;
};

enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

enum { CC_B = 2, CC_Z = 4, CC_NZ = 5, CC_BE = 6 };

/* An instruction with a ModRM byte. */
struct host_op {
    uint8_t map; /* enum host_map */
    uint8_t pp;  /* enum host_pp */
    uint8_t opcode;
    bool w;       /* REX.W, VEX.W */
    bool osize16; /* 66 as operand size */
    bool lock;
    bool byte_reg; /* `reg` is a byte register: SPL..DIL want a REX */
    bool byte_rm;  /* likewise */
    bool vex;
    bool l;       /* VEX.L */
    uint8_t vvvv; /* register */
    uint8_t imm_len;
    uint64_t imm;
};

void emit_op_rr(struct emit *e, const struct host_op *op, unsigned reg,
                unsigned rm);
void emit_op_rm(struct emit *e, const struct host_op *op, unsigned reg,
                struct host_mem m);

/* Absolute address of something low. */
static inline struct host_mem emit_abs(const void *p)
{
    return (struct host_mem){H_NONE, H_NONE, 0, (int32_t)(uintptr_t)p};
}

void emit_bytes(struct emit *e, uint64_t v, unsigned n);

void emit_mov_rr(struct emit *e, unsigned to, unsigned from, unsigned size);
void emit_mov_ri(struct emit *e, unsigned to, uint64_t v);
void emit_mov_ri64(struct emit *e, unsigned to, uint64_t v); /* 10 bytes */
void emit_load(struct emit *e, unsigned to, struct host_mem m, unsigned size);
void emit_load8(struct emit *e, unsigned to, struct host_mem m);
void emit_store(struct emit *e, struct host_mem m, unsigned from,
                unsigned size);
void emit_store_i(struct emit *e, struct host_mem m, int32_t v); /* 8 bytes */
void emit_load16(struct emit *e, unsigned to, struct host_mem m);
void emit_store8_i(struct emit *e, struct host_mem m, uint8_t v);
void emit_lea(struct emit *e, unsigned to, struct host_mem m, unsigned size);
void emit_rorx(struct emit *e, unsigned to, unsigned from, unsigned by);
void emit_shlx(struct emit *e, unsigned to, unsigned from, unsigned by_reg);
/* By the low six bits of a register. */
void emit_shrx(struct emit *e, unsigned to, unsigned from, unsigned by_reg);
void emit_sarx(struct emit *e, unsigned to, unsigned from, unsigned by_reg,
               unsigned size);
void emit_movsxd(struct emit *e, unsigned to, unsigned from);
void emit_pext(struct emit *e, unsigned to, unsigned from, struct host_mem m);
void emit_pdep(struct emit *e, unsigned to, unsigned from, struct host_mem m);
void emit_movzx8(struct emit *e, unsigned to, unsigned from); /* not AH.. */
void emit_movzx_ecx_ah(struct emit *e);
void emit_mov_ah_cl(struct emit *e);
/* op: ALU_*. These change the flags. */
void emit_alu_ri(struct emit *e, unsigned op, unsigned reg, int32_t v,
                 unsigned size);
void emit_alu_rm(struct emit *e, unsigned op, unsigned reg, struct host_mem m,
                 unsigned size);
void emit_not(struct emit *e, unsigned reg); /* keeps the flags */
void emit_push_m(struct emit *e, struct host_mem m);
void emit_push_i(struct emit *e, int32_t v);
void emit_shr(struct emit *e, unsigned reg, unsigned by, unsigned size);
void emit_test_rr(struct emit *e, unsigned a, unsigned b, unsigned size);
void emit_lahf_seto(struct emit *e); /* AH: SF ZF AF PF CF; AL: OF */
void emit_sahf_addo(struct emit *e); /* and back: AX is destroyed */
void emit_push(struct emit *e, unsigned reg);
void emit_pop(struct emit *e, unsigned reg);
void emit_alu_rr(struct emit *e, unsigned op, unsigned a, unsigned b,
                 unsigned size);
void emit_test_ri(struct emit *e, unsigned reg, int32_t v, unsigned size);
void emit_sar(struct emit *e, unsigned reg, unsigned by, unsigned size);
void emit_div(struct emit *e, unsigned reg, bool is_signed, unsigned size);
void emit_incdec(struct emit *e, unsigned reg, bool dec, unsigned size);
void emit_bswap(struct emit *e, unsigned reg, unsigned size);
void emit_xchg_rr(struct emit *e, unsigned a, unsigned b, unsigned size);
void emit_mov_ri_small(struct emit *e, unsigned to, uint32_t v, unsigned size);
void emit_cbw(struct emit *e, unsigned size);
void emit_cwd(struct emit *e, unsigned size);
void emit_clc(struct emit *e);
void emit_stc(struct emit *e);
void emit_cmc(struct emit *e);
void emit_lahf(struct emit *e);
void emit_sahf(struct emit *e);
void emit_fence(struct emit *e, unsigned digit);
void emit_seta_rcx(struct emit *e); /* CL: above */
void emit_ret(struct emit *e);
void emit_vzeroupper(struct emit *e);

/* Jumps to where code runs (`to` is a run address), patchable: the return
 * value is where their 32-bit displacement is written. */
uint8_t *emit_jmp(struct emit *e, const void *to);
uint8_t *emit_jcc(struct emit *e, unsigned cc, const void *to);
uint8_t *emit_call(struct emit *e, const void *to);
void emit_jmp_r(struct emit *e, unsigned reg);
void emit_jmp_m(struct emit *e, struct host_mem m);
void emit_call_r(struct emit *e, unsigned reg);
void emit_call_m(struct emit *e, struct host_mem m);
/* Forward jumps over less than 128 bytes, ended by emit_here(). */
uint8_t *emit_jrcxz(struct emit *e);
uint8_t *emit_jmp_short(struct emit *e);
uint8_t *emit_jcc_short(struct emit *e, unsigned cc);
void emit_here(struct emit *e, uint8_t *jump);
void emit_patch(const struct emit *e, uint8_t *disp, const void *to);

static inline void *emit_run_address(const struct emit *e)
{
    return e->at + e->delta;
}

#endif
