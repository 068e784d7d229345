/* SPDX-License-Identifier: MIT */
/*
 * MOV, MOVZX, MOVSX, LEA, CMOVcc, SETcc, XCHG, XADD, CMPXCHG, PUSH and POP of
 * registers, memory and immediates. [SDM] vol. 2.
 */
#include "target/x86/exec.h"

/* ---- loads, with zero or sign extension ---- */

enum extend { NONE, ZERO_EXT, SIGN_EXT };

/* Value of size `from`, extended to `to`. */
static always_inline uint64_t extended(uint64_t v, enum extend ext,
                                       unsigned from)
{
    return ext == SIGN_EXT ? (uint64_t)sign_extend(v, from) : v;
}

static always_inline x86_next load(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, enum extend ext,
                                   unsigned from, unsigned to, enum x86_am am,
                                   x86_exec *slow)
{
    const uint8_t *p = mem_rd(cpu, insn, am, from);
    uint64_t v;

    if (am == AM_SEG) {
        v = likely(p)
                ? host_ld(p, from)
                : x86_ld_slow(cpu, insn, insn->seg, x86_ea(cpu, insn), from);
    } else if (unlikely(!p)) {
        return slow(cpu, insn);
    } else {
        v = host_ld(p, from);
    }
    set_reg(cpu, insn, extended(v, ext, from), to);
    X86_NEXT(cpu, insn);
}

static always_inline x86_next store(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, unsigned size,
                                    bool imm, enum x86_am am, x86_exec *slow)
{
    uint8_t *p = mem_wr(cpu, insn, am, size);
    uint64_t v = imm ? insn->imm : get_reg(cpu, insn, size);

    if (likely(p)) {
        host_st(p, v, size);
    } else if (am != AM_SEG) {
        return slow(cpu, insn);
    } else {
        x86_st_slow(cpu, insn, insn->seg, x86_ea(cpu, insn), v, size);
    }
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define MEM_FORMS(name, call, size, ...) \
    HANDLER(name##_seg##size) \
    { return call(cpu, insn, __VA_ARGS__, AM_SEG, NULL); } \
    HANDLER(name##_base##size) \
    { return call(cpu, insn, __VA_ARGS__, AM_BASE, name##_seg##size); } \
    HANDLER(name##_full##size) \
    { return call(cpu, insn, __VA_ARGS__, AM_FULL, name##_seg##size); } \
    HANDLER(name##_flat##size) \
    { return call(cpu, insn, __VA_ARGS__, AM_FLAT, name##_seg##size); }

#define MOVES(size) \
    MEM_FORMS(mov_rm, load, size, NONE, size, size) \
    MEM_FORMS(mov_mr, store, size, size, false) \
    MEM_FORMS(mov_mi, store, size, size, true) \
    HANDLER(mov_rr##size) \
    { \
        set_rm(cpu, insn, get_reg(cpu, insn, size), size); \
        X86_NEXT(cpu, insn); \
    } \
    HANDLER(mov_ri##size) \
    { \
        set_rm(cpu, insn, insn->imm, size); \
        X86_NEXT(cpu, insn); \
    }
MOVES(1) MOVES(2) MOVES(4) MOVES(8)

/* name, extension, from, to */
#define EXTENDS(name, ext, from, to) \
    MEM_FORMS(name, load, to, ext, from, to) \
    HANDLER(name##_rr##to) \
    { \
        set_reg(cpu, insn, extended(get_rm(cpu, insn, from), ext, from), to); \
        X86_NEXT(cpu, insn); \
    }
EXTENDS(movzxb, ZERO_EXT, 1, 2) EXTENDS(movzxb, ZERO_EXT, 1, 4)
EXTENDS(movzxb, ZERO_EXT, 1, 8)
EXTENDS(movzxw, ZERO_EXT, 2, 2) EXTENDS(movzxw, ZERO_EXT, 2, 4)
EXTENDS(movzxw, ZERO_EXT, 2, 8)
EXTENDS(movsxb, SIGN_EXT, 1, 2) EXTENDS(movsxb, SIGN_EXT, 1, 4)
EXTENDS(movsxb, SIGN_EXT, 1, 8)
EXTENDS(movsxw, SIGN_EXT, 2, 2) EXTENDS(movsxw, SIGN_EXT, 2, 4)
EXTENDS(movsxw, SIGN_EXT, 2, 8)
EXTENDS(movsxd, SIGN_EXT, 4, 8)

#define BY_SIZE(name) {name##1, name##2, name##4, name##8}
#define BY_SIZE_V(name) {NULL, name##2, name##4, name##8}
#define BY_AM(name, list) { \
    [AM_SEG] = list(name##_seg), [AM_BASE] = list(name##_base), \
    [AM_FULL] = list(name##_full), [AM_FLAT] = list(name##_flat)}

struct load_forms {
    x86_exec *rr[4];
    x86_exec *rm[AM_COUNT][4];
};
static const struct load_forms movzxb = {BY_SIZE_V(movzxb_rr),
                                         BY_AM(movzxb, BY_SIZE_V)};
static const struct load_forms movzxw = {BY_SIZE_V(movzxw_rr),
                                         BY_AM(movzxw, BY_SIZE_V)};
static const struct load_forms movsxb = {BY_SIZE_V(movsxb_rr),
                                         BY_AM(movsxb, BY_SIZE_V)};
static const struct load_forms movsxw = {BY_SIZE_V(movsxw_rr),
                                         BY_AM(movsxw, BY_SIZE_V)};
static const struct {
    x86_exec *rr[4], *ri[4];
    x86_exec *rm[AM_COUNT][4], *mr[AM_COUNT][4], *mi[AM_COUNT][4];
} mov = {BY_SIZE(mov_rr), BY_SIZE(mov_ri), BY_AM(mov_rm, BY_SIZE),
         BY_AM(mov_mr, BY_SIZE), BY_AM(mov_mi, BY_SIZE)};
/* clang-format on */

HANDLER(movsxd_narrow) /* MOVSXD with a 16- or 32-bit operand: a MOV */
{
    set_reg(cpu, insn, load_rm(cpu, insn, insn->osize), insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(mov_from_offset)
{
    unsigned size = row_of(insn)->operand[0] == X86_O_rAL ? 1 : insn->osize;
    uint64_t v = x86_ldn(cpu, insn, insn->seg, insn->imm, size);

    set_gpr(cpu, X86_RAX, v, size);
    X86_NEXT(cpu, insn);
}

HANDLER(mov_to_offset)
{
    unsigned size = row_of(insn)->operand[1] == X86_O_rAL ? 1 : insn->osize;

    x86_stn(cpu, insn, insn->seg, insn->imm, get_gpr(cpu, X86_RAX, size), size);
    X86_NEXT(cpu, insn);
}

/* ---- LEA ---- */

HANDLER(lea_base)
{
    cpu->gpr[insn->reg] = lin_of(cpu, insn, AM_BASE);
    X86_NEXT(cpu, insn);
}

HANDLER(lea_full)
{
    cpu->gpr[insn->reg] = lin_of(cpu, insn, AM_FULL);
    X86_NEXT(cpu, insn);
}

HANDLER(lea32)
{
    cpu->gpr[insn->reg] = lin_of(cpu, insn, AM_FLAT);
    X86_NEXT(cpu, insn);
}

HANDLER(lea_any)
{
    set_reg(cpu, insn, x86_ea(cpu, insn), insn->osize);
    X86_NEXT(cpu, insn);
}

static x86_exec *pick_lea(const struct x86_insn *insn)
{
    if (insn->osize == 4 && insn->asize >= 4) {
        return lea32;
    }
    if (insn->osize != 8 || insn->asize != 8) {
        return lea_any;
    }
    return insn->index == X86_R_ZERO ? lea_base : lea_full;
}

/* ---- CMOVcc, SETcc ---- */

/* clang-format off */
#define CONDITIONS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) \
    X(11) X(12) X(13) X(14) X(15)

#define CMOV(cc) \
    HANDLER(cmov32_##cc) \
    { \
        uint64_t v = condition(cpu, cc) ? cpu->gpr[insn->rm] \
                                        : cpu->gpr[insn->reg]; \
        cpu->gpr[insn->reg] = (uint32_t)v; \
        X86_NEXT(cpu, insn); \
    } \
    HANDLER(cmov64_##cc) \
    { \
        cpu->gpr[insn->reg] = condition(cpu, cc) ? cpu->gpr[insn->rm] \
                                                 : cpu->gpr[insn->reg]; \
        X86_NEXT(cpu, insn); \
    } \
    HANDLER(cmov_##cc) \
    { \
        uint64_t v = load_rm(cpu, insn, insn->osize); \
        if (!condition(cpu, cc)) { \
            v = get_reg(cpu, insn, insn->osize); \
        } \
        set_reg(cpu, insn, v, insn->osize); \
        X86_NEXT(cpu, insn); \
    } \
    HANDLER(set_##cc) \
    { \
        set_rm(cpu, insn, condition(cpu, cc), 1); \
        X86_NEXT(cpu, insn); \
    } \
    HANDLER(setm_##cc) \
    { \
        x86_stn(cpu, insn, insn->seg, x86_ea(cpu, insn), condition(cpu, cc), \
                1); \
        X86_NEXT(cpu, insn); \
    }
CONDITIONS(CMOV)

#define CMOV32(cc) cmov32_##cc,
#define CMOV64(cc) cmov64_##cc,
#define CMOVM(cc)  cmov_##cc,
#define SETR(cc)   set_##cc,
#define SETM(cc)   setm_##cc,
static x86_exec *const cmov32[16] = {CONDITIONS(CMOV32)};
static x86_exec *const cmov64[16] = {CONDITIONS(CMOV64)};
static x86_exec *const cmov_any[16] = {CONDITIONS(CMOVM)};
static x86_exec *const set_reg_cc[16] = {CONDITIONS(SETR)};
static x86_exec *const set_mem_cc[16] = {CONDITIONS(SETM)};
/* clang-format on */

static x86_exec *pick_cmov(const struct x86_insn *insn)
{
    unsigned cc = x86_cc(insn);

    if (insn->flags & X86_I_MEM || insn->osize == 2) {
        return cmov_any[cc];
    }
    return insn->osize == 8 ? cmov64[cc] : cmov32[cc];
}

/* ---- exchanges ---- */

static unsigned size_of(const struct x86_insn *insn)
{
    switch (row_of(insn)->operand[0]) {
    case X86_O_Eb:
    case X86_O_Gb:
    case X86_O_Zb: return 1;
    default: return insn->osize;
    }
}

HANDLER(xchg_reg)
{
    unsigned size = size_of(insn);
    uint64_t a = get_rm(cpu, insn, size);

    set_rm(cpu, insn, get_reg(cpu, insn, size), size);
    set_reg(cpu, insn, a, size);
    X86_NEXT(cpu, insn);
}

static uint64_t replace(uint64_t old, uint64_t with, uint64_t b)
{
    return with;
}

HANDLER(xchg_mem)
{
    unsigned size = size_of(insn);
    uint64_t with = get_reg(cpu, insn, size);
    uint64_t old =
        x86_rmw(cpu, insn, x86_ea(cpu, insn), size, true, replace, with, 0);

    set_reg(cpu, insn, old, size);
    X86_NEXT(cpu, insn);
}

static uint64_t added(uint64_t old, uint64_t a, uint64_t b)
{
    return old + a;
}

HANDLER(xadd)
{
    unsigned size = size_of(insn);
    uint64_t b = get_reg(cpu, insn, size);
    uint64_t a;

    if (insn->flags & X86_I_MEM) {
        a = x86_rmw(cpu, insn, x86_ea(cpu, insn), size,
                    insn->flags & X86_I_LOCK, added, b, 0);
        set_reg(cpu, insn, a, size);
    } else {
        a = get_rm(cpu, insn, size);
        set_reg(cpu, insn, a, size);
        set_rm(cpu, insn, a + b, size);
    }
    flags_add(cpu, a, b, size);
    X86_NEXT(cpu, insn);
}

static uint64_t exchanged(uint64_t old, uint64_t expect, uint64_t with)
{
    return old == expect ? with : old;
}

HANDLER(cmpxchg)
{
    unsigned size = size_of(insn);
    uint64_t expect = get_gpr(cpu, X86_RAX, size);
    uint64_t with = get_reg(cpu, insn, size);
    uint64_t old;

    if (insn->flags & X86_I_MEM) {
        old = x86_rmw(cpu, insn, x86_ea(cpu, insn), size,
                      insn->flags & X86_I_LOCK, exchanged, expect, with);
    } else {
        old = get_rm(cpu, insn, size);
        if (old == expect) {
            set_rm(cpu, insn, with, size);
        }
    }
    if (old != expect) {
        set_gpr(cpu, X86_RAX, old, size);
    }
    flags_sub(cpu, expect, old, size);
    X86_NEXT(cpu, insn);
}

static void set_zf(struct x86_cpu *cpu, bool zf)
{
    uint32_t f = x86_arith_flags(cpu) & ~(uint32_t)X86_ZF;

    x86_set_arith_flags(cpu, f | (zf ? (uint32_t)X86_ZF : 0));
}

HANDLER(cmpxchg8b)
{
    uint64_t expect = (uint32_t)cpu->gpr[X86_RAX] | cpu->gpr[X86_RDX] << 32;
    uint64_t with = (uint32_t)cpu->gpr[X86_RBX] | cpu->gpr[X86_RCX] << 32;
    uint64_t old = x86_rmw(cpu, insn, x86_ea(cpu, insn), 8,
                           insn->flags & X86_I_LOCK, exchanged, expect, with);

    if (old != expect) {
        cpu->gpr[X86_RAX] = (uint32_t)old;
        cpu->gpr[X86_RDX] = old >> 32;
    }
    set_zf(cpu, old == expect);
    X86_NEXT(cpu, insn);
}

static no_inline void do_cmpxchg16b(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    uint64_t old[2] = {cpu->gpr[X86_RAX], cpu->gpr[X86_RDX]};
    uint64_t with[2] = {cpu->gpr[X86_RBX], cpu->gpr[X86_RCX]};
    bool done = x86_cmpxchg16(cpu, insn, x86_ea(cpu, insn), old, with);

    if (!done) {
        cpu->gpr[X86_RAX] = old[0];
        cpu->gpr[X86_RDX] = old[1];
    }
    set_zf(cpu, done);
}

HANDLER(cmpxchg16b)
{
    do_cmpxchg16b(cpu, insn);
    X86_NEXT(cpu, insn);
}

/* ---- PUSH, POP ---- */

enum stack { STACK_ANY, STACK_64, STACK_FLAT };

static always_inline uint64_t stack_lin(const struct x86_cpu *cpu,
                                        enum stack st, uint64_t delta)
{
    uint64_t sp = cpu->gpr[X86_RSP] + delta;

    return st == STACK_64 ? sp : (uint32_t)sp;
}

static always_inline x86_next push_value(struct x86_cpu *cpu,
                                         const struct x86_insn *insn,
                                         uint64_t v, enum stack st,
                                         x86_exec *slow)
{
    unsigned size = st == STACK_64 ? 8 : st == STACK_FLAT ? 4 : insn->osize;

    if (st == STACK_ANY) {
        push(cpu, insn, v, size);
    } else {
        uint64_t lin = stack_lin(cpu, st, -(uint64_t)size);
        uint8_t *p = x86_hit(cpu->tlb_wr, lin, size);

        if (unlikely(!p)) {
            return slow(cpu, insn);
        }
        host_st(p, v, size);
        cpu->gpr[X86_RSP] = lin;
    }
    X86_NEXT(cpu, insn);
}

static always_inline x86_next pop_reg(struct x86_cpu *cpu,
                                      const struct x86_insn *insn,
                                      enum stack st, x86_exec *slow)
{
    unsigned size = st == STACK_64 ? 8 : st == STACK_FLAT ? 4 : insn->osize;

    if (st == STACK_ANY) {
        uint64_t v = stack_top(cpu, insn, size);

        add_sp(cpu, size);
        set_rm(cpu, insn, v, size);
    } else {
        uint64_t lin = stack_lin(cpu, st, 0);
        const uint8_t *p = x86_hit(cpu->tlb_rd, lin, size);

        if (unlikely(!p)) {
            return slow(cpu, insn);
        }
        cpu->gpr[X86_RSP] = st == STACK_64 ? lin + 8 : (uint32_t)(lin + 4);
        cpu->gpr[insn->rm] = host_ld(p, size);
    }
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define STACK_FORMS(name, call, ...) \
    HANDLER(name##_any) \
    { return call(cpu, insn, ##__VA_ARGS__, STACK_ANY, NULL); } \
    HANDLER(name##_64) \
    { return call(cpu, insn, ##__VA_ARGS__, STACK_64, name##_any); } \
    HANDLER(name##_flat) \
    { return call(cpu, insn, ##__VA_ARGS__, STACK_FLAT, name##_any); }
STACK_FORMS(push_r, push_value, cpu->gpr[insn->rm])
STACK_FORMS(push_i, push_value, insn->imm)
STACK_FORMS(pop_r, pop_reg)
#define STACKS(name) {name##_any, name##_64, name##_flat}
static x86_exec *const push_r[] = STACKS(push_r);
static x86_exec *const push_i[] = STACKS(push_i);
static x86_exec *const pop_r[] = STACKS(pop_r);
/* clang-format on */

HANDLER(push_m)
{
    uint64_t v = x86_ldn(cpu, insn, insn->seg, x86_ea(cpu, insn), insn->osize);

    push(cpu, insn, v, insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(pop_m)
{
    uint64_t v = stack_top(cpu, insn, insn->osize);
    uint64_t sp = cpu->gpr[X86_RSP];
    uint64_t ea;

    /* The address is computed with the new stack pointer. */
    add_sp(cpu, insn->osize);
    ea = x86_ea(cpu, insn);
    cpu->gpr[X86_RSP] = sp;
    x86_stn(cpu, insn, insn->seg, ea, v, insn->osize);
    add_sp(cpu, insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(push_sreg)
{
    unsigned seg = row_of(insn)->operand[0] - X86_O_sES;

    push(cpu, insn, cpu->seg[seg].selector, insn->osize);
    X86_NEXT(cpu, insn);
}

static enum stack stack_of(const struct x86_cpu *cpu,
                           const struct x86_insn *insn)
{
    uint32_t mode = x86_mode_bits(cpu);

    if (mode & X86_M_CODE64 && insn->osize == 8) {
        return STACK_64;
    }
    return mode & X86_M_FLAT && insn->osize == 4 ? STACK_FLAT : STACK_ANY;
}

static x86_exec *pick_push(const struct x86_cpu *cpu,
                           const struct x86_insn *insn)
{
    enum stack st = stack_of(cpu, insn);

    switch (row_of(insn)->operand[0]) {
    case X86_O_Iz:
    case X86_O_Is: return push_i[st];
    case X86_O_Zv: return push_r[st];
    case X86_O_Ev: return insn->flags & X86_I_MEM ? push_m : push_r[st];
    default: return push_sreg;
    }
}

static x86_exec *pick_pop(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    switch (row_of(insn)->operand[0]) {
    case X86_O_Zv: return pop_r[stack_of(cpu, insn)];
    case X86_O_Ev:
        return insn->flags & X86_I_MEM ? pop_m : pop_r[stack_of(cpu, insn)];
    default: return NULL; /* segment registers: exec_system.c */
    }
}

/* ---- choosing ---- */

static x86_exec *pick_mov(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);
    unsigned i = x86_size_index(size_of(insn));
    bool mem = insn->flags & X86_I_MEM;
    enum x86_am am = mem ? x86_addressing(cpu, insn) : AM_SEG;

    switch (row->operand[0]) {
    case X86_O_rAL:
    case X86_O_rAX: return mov_from_offset;
    case X86_O_Ob:
    case X86_O_Ov: return mov_to_offset;
    case X86_O_Zb:
    case X86_O_Zv: return mov.ri[i];
    case X86_O_Gb:
    case X86_O_Gv: return mem ? mov.rm[am][i] : mov.rr[i];
    case X86_O_Eb:
    case X86_O_Ev:
        if (row->operand[1] == X86_O_Gb || row->operand[1] == X86_O_Gv) {
            return mem ? mov.mr[am][i] : mov.rr[i];
        }
        return mem ? mov.mi[am][i] : mov.ri[i];
    default: return NULL; /* segment, control and debug registers */
    }
}

static x86_exec *pick_extend(const struct x86_cpu *cpu,
                             const struct x86_insn *insn,
                             const struct load_forms *f)
{
    unsigned i = x86_size_index(insn->osize);

    return insn->flags & X86_I_MEM ? f->rm[x86_addressing(cpu, insn)][i]
                                   : f->rr[i];
}

static x86_exec *pick_movsxd(const struct x86_cpu *cpu,
                             const struct x86_insn *insn)
{
    static x86_exec *const memory[] = {
        [AM_SEG] = movsxd_seg8,
        [AM_BASE] = movsxd_base8,
        [AM_FULL] = movsxd_full8,
        [AM_FLAT] = movsxd_flat8,
    };

    if (insn->osize != 8) {
        return movsxd_narrow;
    }
    return insn->flags & X86_I_MEM ? memory[x86_addressing(cpu, insn)]
                                   : movsxd_rr8;
}

x86_exec *x86_pick_mov(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);
    bool mem = insn->flags & X86_I_MEM;
    bool byte = row->operand[1] == X86_O_Eb;

    switch (row->mnemonic) {
    case X86_MOV: return pick_mov(cpu, insn);
    case X86_MOVZX: return pick_extend(cpu, insn, byte ? &movzxb : &movzxw);
    case X86_MOVSX: return pick_extend(cpu, insn, byte ? &movsxb : &movsxw);
    case X86_MOVSXD: return pick_movsxd(cpu, insn);
    case X86_LEA: return pick_lea(insn);
    case X86_CMOVcc: return pick_cmov(insn);
    case X86_SETcc:
        return mem ? set_mem_cc[x86_cc(insn)] : set_reg_cc[x86_cc(insn)];
    case X86_XCHG: return mem ? xchg_mem : xchg_reg;
    case X86_XADD: return xadd;
    case X86_CMPXCHG: return cmpxchg;
    case X86_CMPXCHG8B: return cmpxchg8b;
    case X86_CMPXCHG16B: return cmpxchg16b;
    case X86_PUSH: return pick_push(cpu, insn);
    case X86_POP: return pick_pop(cpu, insn);
    default: return NULL;
    }
}
