/* SPDX-License-Identifier: MIT */
#include "accel/tcg/emit.h"

#include <glib.h>
#include <string.h>

static void put(struct emit *e, uint64_t v, unsigned n)
{
    if (e->at + n <= e->end) {
        memcpy(e->at, &v, n);
    }
    e->at += n;
}

void emit_bytes(struct emit *e, uint64_t v, unsigned n)
{
    put(e, v, n);
}

static void put_vex(struct emit *e, const struct host_op *op, unsigned reg,
                    unsigned index, unsigned base)
{
    unsigned r = reg >> 3 & 1;
    unsigned x = index == H_NONE ? 0 : index >> 3 & 1;
    unsigned b = base == H_NONE ? 0 : base >> 3 & 1;

    put(e, 0xc4, 1);
    put(e, (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | op->map, 1);
    put(e,
        (op->w ? 0x80U : 0U) | (~(unsigned)op->vvvv & 15) << 3 |
            (op->l ? 4U : 0U) | op->pp,
        1);
    put(e, op->opcode, 1);
}

/* Prefixes, REX and opcode. */
static void put_head(struct emit *e, const struct host_op *op, unsigned reg,
                     unsigned index, unsigned base, bool rm_is_reg)
{
    static const uint8_t pps[] = {0, 0x66, 0xf3, 0xf2};
    unsigned rex = (op->w ? 8U : 0U) | (reg >> 3 & 1) << 2 |
                   (index == H_NONE ? 0 : index >> 3 & 1) << 1 |
                   (base == H_NONE ? 0 : base >> 3 & 1);

    if (op->vex) {
        put_vex(e, op, reg, index, base);
        return;
    }
    if (op->lock) {
        put(e, 0xf0, 1);
    }
    if (op->osize16) {
        put(e, 0x66, 1);
    }
    if (op->pp) {
        put(e, pps[op->pp], 1);
    }
    if (rex || (op->byte_reg && reg >= 4) ||
        (op->byte_rm && rm_is_reg && base >= 4)) {
        put(e, 0x40 | rex, 1);
    }
    if (op->map != HM_1B) {
        put(e, 0x0f, 1);
    }
    if (op->map == HM_38 || op->map == HM_3A) {
        put(e, op->map == HM_38 ? 0x38 : 0x3a, 1);
    }
    put(e, op->opcode, 1);
}

void emit_op_rr(struct emit *e, const struct host_op *op, unsigned reg,
                unsigned rm)
{
    put_head(e, op, reg, H_NONE, rm, true);
    put(e, 0xc0 | (reg & 7) << 3 | (rm & 7), 1);
    put(e, op->imm, op->imm_len);
}

void emit_op_rm(struct emit *e, const struct host_op *op, unsigned reg,
                struct host_mem m)
{
    unsigned r = (reg & 7) << 3;
    bool none = m.base == H_NONE;
    bool sib = none || m.index != H_NONE || (m.base & 7) == H_RSP;
    unsigned mod = none                                   ? 0
                   : m.disp == 0 && (m.base & 7) != H_RBP ? 0
                   : m.disp >= -128 && m.disp <= 127      ? 1
                                                          : 2;

    put_head(e, op, reg, m.index, m.base, false);
    put(e, mod << 6 | r | (sib ? 4 : m.base & 7), 1);
    if (sib) {
        put(e,
            (unsigned)m.scale << 6 |
                (m.index == H_NONE ? 4U : m.index & 7U) << 3 |
                (none ? 5U : m.base & 7U),
            1);
    }
    if (none || mod) {
        put(e, (uint32_t)m.disp, mod == 1 ? 1 : 4);
    }
    put(e, op->imm, op->imm_len);
}

static struct host_op sized(unsigned opcode, unsigned size)
{
    return (struct host_op){
        .opcode = (uint8_t)(size == 1 ? opcode & ~1U : opcode),
        .w = size == 8,
        .osize16 = size == 2,
        .byte_reg = size == 1,
        .byte_rm = size == 1,
    };
}

void emit_mov_rr(struct emit *e, unsigned to, unsigned from, unsigned size)
{
    struct host_op op = sized(0x8b, size);

    emit_op_rr(e, &op, to, from);
}

void emit_mov_ri64(struct emit *e, unsigned to, uint64_t v)
{
    put(e, 0x48 | to >> 3, 1);
    put(e, 0xb8 | (to & 7), 1);
    put(e, v, 8);
}

void emit_mov_ri(struct emit *e, unsigned to, uint64_t v)
{
    if (v <= UINT32_MAX) {
        if (to >= 8) {
            put(e, 0x41, 1);
        }
        put(e, 0xb8 | (to & 7), 1);
        put(e, v, 4);
    } else if ((int64_t)v == (int32_t)v) {
        struct host_op op = sized(0xc7, 8);

        op.imm_len = 4;
        op.imm = (uint32_t)v;
        emit_op_rr(e, &op, 0, to);
    } else {
        emit_mov_ri64(e, to, v);
    }
}

void emit_load(struct emit *e, unsigned to, struct host_mem m, unsigned size)
{
    struct host_op op = sized(0x8b, size);

    emit_op_rm(e, &op, to, m);
}

void emit_load8(struct emit *e, unsigned to, struct host_mem m)
{
    struct host_op op = {.map = HM_0F, .opcode = 0xb6};

    emit_op_rm(e, &op, to, m);
}

void emit_store(struct emit *e, struct host_mem m, unsigned from, unsigned size)
{
    struct host_op op = sized(0x89, size);

    emit_op_rm(e, &op, from, m);
}

void emit_store_i(struct emit *e, struct host_mem m, int32_t v)
{
    struct host_op op = sized(0xc7, 8);

    op.imm_len = 4;
    op.imm = (uint32_t)v;
    emit_op_rm(e, &op, 0, m);
}

void emit_load16(struct emit *e, unsigned to, struct host_mem m)
{
    struct host_op op = {.map = HM_0F, .opcode = 0xb7};

    emit_op_rm(e, &op, to, m);
}

void emit_store8_i(struct emit *e, struct host_mem m, uint8_t v)
{
    struct host_op op = {.opcode = 0xc6, .imm_len = 1, .imm = v};

    emit_op_rm(e, &op, 0, m);
}

void emit_lea(struct emit *e, unsigned to, struct host_mem m, unsigned size)
{
    struct host_op op = sized(0x8d, size);

    emit_op_rm(e, &op, to, m);
}

void emit_rorx(struct emit *e, unsigned to, unsigned from, unsigned by)
{
    struct host_op op = {.map = HM_3A,
                         .pp = PP_F2,
                         .opcode = 0xf0,
                         .w = true,
                         .vex = true,
                         .imm_len = 1,
                         .imm = by};

    emit_op_rr(e, &op, to, from);
}

/* A row of [SDM]'s VEX.LZ.0F38 operations with a second source in vvvv. */
static struct host_op bmi2(unsigned pp, unsigned opcode, unsigned vvvv,
                           unsigned size)
{
    return (struct host_op){.map = HM_38,
                            .pp = (uint8_t)pp,
                            .opcode = (uint8_t)opcode,
                            .w = size == 8,
                            .vex = true,
                            .vvvv = (uint8_t)vvvv};
}

void emit_shlx(struct emit *e, unsigned to, unsigned from, unsigned by_reg)
{
    struct host_op op = bmi2(PP_66, 0xf7, by_reg, 8);

    emit_op_rr(e, &op, to, from);
}

void emit_shrx(struct emit *e, unsigned to, unsigned from, unsigned by_reg)
{
    struct host_op op = bmi2(PP_F2, 0xf7, by_reg, 8);

    emit_op_rr(e, &op, to, from);
}

void emit_sarx(struct emit *e, unsigned to, unsigned from, unsigned by_reg,
               unsigned size)
{
    struct host_op op = bmi2(PP_F3, 0xf7, by_reg, size);

    emit_op_rr(e, &op, to, from);
}

void emit_movsxd(struct emit *e, unsigned to, unsigned from)
{
    struct host_op op = {.opcode = 0x63, .w = true};

    emit_op_rr(e, &op, to, from);
}

void emit_pext(struct emit *e, unsigned to, unsigned from, struct host_mem m)
{
    struct host_op op = bmi2(PP_F3, 0xf5, from, 8);

    emit_op_rm(e, &op, to, m);
}

void emit_pdep(struct emit *e, unsigned to, unsigned from, struct host_mem m)
{
    struct host_op op = bmi2(PP_F2, 0xf5, from, 8);

    emit_op_rm(e, &op, to, m);
}

void emit_movzx8(struct emit *e, unsigned to, unsigned from)
{
    struct host_op op = {.map = HM_0F, .opcode = 0xb6, .byte_rm = true};

    emit_op_rr(e, &op, to, from);
}

void emit_movzx_ecx_ah(struct emit *e)
{
    emit_bytes(e, 0xccb60f, 3);
}

void emit_mov_ah_cl(struct emit *e)
{
    emit_bytes(e, 0xcc88, 2);
}

void emit_alu_ri(struct emit *e, unsigned op, unsigned reg, int32_t v,
                 unsigned size)
{
    struct host_op o = sized(0x81, size);

    o.imm_len = (uint8_t)MIN(size, 4U);
    if (size > 1 && v >= -128 && v <= 127) {
        o.opcode = 0x83;
        o.imm_len = 1;
    }
    o.imm = (uint32_t)v;
    emit_op_rr(e, &o, op, reg);
}

void emit_alu_rm(struct emit *e, unsigned op, unsigned reg, struct host_mem m,
                 unsigned size)
{
    struct host_op o = sized(op << 3 | 3, size);

    emit_op_rm(e, &o, reg, m);
}

void emit_not(struct emit *e, unsigned reg)
{
    struct host_op op = sized(0xf7, 8);

    emit_op_rr(e, &op, 2, reg);
}

void emit_push_m(struct emit *e, struct host_mem m)
{
    struct host_op op = {.opcode = 0xff};

    emit_op_rm(e, &op, 6, m);
}

void emit_push_i(struct emit *e, int32_t v)
{
    emit_bytes(e, 0x68, 1);
    emit_bytes(e, (uint32_t)v, 4);
}

void emit_call_m(struct emit *e, struct host_mem m)
{
    struct host_op op = {.opcode = 0xff};

    emit_op_rm(e, &op, 2, m);
}

void emit_shr(struct emit *e, unsigned reg, unsigned by, unsigned size)
{
    struct host_op op = sized(0xc1, size);

    op.imm_len = 1;
    op.imm = by;
    emit_op_rr(e, &op, 5, reg);
}

void emit_test_rr(struct emit *e, unsigned a, unsigned b, unsigned size)
{
    struct host_op op = sized(0x85, size);

    emit_op_rr(e, &op, a, b);
}

void emit_lahf_seto(struct emit *e)
{
    struct host_op seto = {.map = HM_0F, .opcode = 0x90, .byte_rm = true};

    put(e, 0x9f, 1);
    emit_op_rr(e, &seto, 0, H_RAX);
}

void emit_sahf_addo(struct emit *e)
{
    emit_alu_ri(e, 0, H_RAX, 0x7f, 1);
    put(e, 0x9e, 1);
}

void emit_push(struct emit *e, unsigned reg)
{
    put(e, reg >= 8 ? (0x50U | (reg & 7)) << 8 | 0x41 : 0x50 | reg,
        reg >= 8 ? 2 : 1);
}

void emit_pop(struct emit *e, unsigned reg)
{
    put(e, reg >= 8 ? (0x58U | (reg & 7)) << 8 | 0x41 : 0x58 | reg,
        reg >= 8 ? 2 : 1);
}

void emit_ret(struct emit *e)
{
    put(e, 0xc3, 1);
}

void emit_alu_rr(struct emit *e, unsigned op, unsigned a, unsigned b,
                 unsigned size)
{
    struct host_op o = sized(op << 3 | 3, size);

    emit_op_rr(e, &o, a, b);
}

void emit_test_ri(struct emit *e, unsigned reg, int32_t v, unsigned size)
{
    struct host_op op = sized(0xf7, size);

    op.imm_len = (uint8_t)MIN(size, 4U);
    op.imm = (uint32_t)v;
    emit_op_rr(e, &op, 0, reg);
}

void emit_sar(struct emit *e, unsigned reg, unsigned by, unsigned size)
{
    struct host_op op = sized(0xc1, size);

    op.imm_len = 1;
    op.imm = by;
    emit_op_rr(e, &op, 7, reg);
}

void emit_div(struct emit *e, unsigned reg, bool is_signed, unsigned size)
{
    struct host_op op = sized(0xf7, size);

    emit_op_rr(e, &op, is_signed ? 7 : 6, reg);
}

void emit_incdec(struct emit *e, unsigned reg, bool dec, unsigned size)
{
    struct host_op op = sized(0xff, size);

    emit_op_rr(e, &op, dec, reg);
}

void emit_bswap(struct emit *e, unsigned reg, unsigned size)
{
    put(e, 0x40U | (size == 8 ? 8U : 0U) | reg >> 3, 1);
    put(e, 0x0f | (0xc8U | (reg & 7)) << 8, 2);
}

void emit_xchg_rr(struct emit *e, unsigned a, unsigned b, unsigned size)
{
    struct host_op op = sized(0x87, size);

    emit_op_rr(e, &op, b, a);
}

void emit_mov_ri_small(struct emit *e, unsigned to, uint32_t v, unsigned size)
{
    struct host_op op = sized(0xc7, size);

    op.imm_len = (uint8_t)size;
    op.imm = v;
    emit_op_rr(e, &op, 0, to);
}

/* An opcode without operands, by operand size. */
static void put_sized(struct emit *e, unsigned opcode, unsigned size)
{
    if (size != 4) {
        put(e, size == 8 ? 0x48 : 0x66, 1);
    }
    put(e, opcode, 1);
}

void emit_cbw(struct emit *e, unsigned size)
{
    put_sized(e, 0x98, size);
}

void emit_cwd(struct emit *e, unsigned size)
{
    put_sized(e, 0x99, size);
}

void emit_clc(struct emit *e)
{
    put(e, 0xf8, 1);
}

void emit_stc(struct emit *e)
{
    put(e, 0xf9, 1);
}

void emit_cmc(struct emit *e)
{
    put(e, 0xf5, 1);
}

void emit_lahf(struct emit *e)
{
    put(e, 0x9f, 1);
}

void emit_sahf(struct emit *e)
{
    put(e, 0x9e, 1);
}

void emit_fence(struct emit *e, unsigned digit)
{
    struct host_op op = {.map = HM_0F, .opcode = 0xae};

    emit_op_rr(e, &op, digit, 0);
}

void emit_seta_rcx(struct emit *e)
{
    struct host_op op = {.map = HM_0F, .opcode = 0x97};

    emit_op_rr(e, &op, 0, H_RCX);
}

void emit_vzeroupper(struct emit *e)
{
    put(e, 0x77f8c5, 3);
}

void emit_patch(const struct emit *e, uint8_t *disp, const void *to)
{
    ptrdiff_t d = (const uint8_t *)to - (disp + 4 + e->delta);
    int32_t d32 = (int32_t)d;

    if (disp + 4 <= e->end) {
        __atomic_store_n((int32_t *)(void *)disp, d32, __ATOMIC_RELAXED);
    }
}

static uint8_t *displacement(struct emit *e, const void *to)
{
    uint8_t *disp = e->at;

    put(e, 0, 4);
    emit_patch(e, disp, to);
    return disp;
}

uint8_t *emit_jmp(struct emit *e, const void *to)
{
    put(e, 0xe9, 1);
    return displacement(e, to);
}

uint8_t *emit_jcc(struct emit *e, unsigned cc, const void *to)
{
    put(e, 0x0f | (0x80 | cc) << 8, 2);
    return displacement(e, to);
}

uint8_t *emit_call(struct emit *e, const void *to)
{
    put(e, 0xe8, 1);
    return displacement(e, to);
}

void emit_jmp_r(struct emit *e, unsigned reg)
{
    struct host_op op = {.opcode = 0xff};

    emit_op_rr(e, &op, 4, reg);
}

void emit_jmp_m(struct emit *e, struct host_mem m)
{
    struct host_op op = {.opcode = 0xff};

    emit_op_rm(e, &op, 4, m);
}

void emit_call_r(struct emit *e, unsigned reg)
{
    struct host_op op = {.opcode = 0xff};

    emit_op_rr(e, &op, 2, reg);
}

static uint8_t *short_jump(struct emit *e, unsigned opcode)
{
    put(e, opcode, 1);
    put(e, 0, 1);
    return e->at;
}

uint8_t *emit_jrcxz(struct emit *e)
{
    return short_jump(e, 0xe3);
}

uint8_t *emit_jmp_short(struct emit *e)
{
    return short_jump(e, 0xeb);
}

uint8_t *emit_jcc_short(struct emit *e, unsigned cc)
{
    return short_jump(e, 0x70 | cc);
}

void emit_here(struct emit *e, uint8_t *jump)
{
    if (jump <= e->end) {
        assert(e->at - jump < 128);
        jump[-1] = (uint8_t)(e->at - jump);
    }
}
