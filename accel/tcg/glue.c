/* SPDX-License-Identifier: MIT */
/*
 * The code between C and translated code: where host state becomes guest
 * state and back. The only place that does.
 */
#include "accel/tcg/jit.h"

const uint8_t jit_host[16] = {
    H_RAX, H_R8,  H_RDX,         H_RBX,         H_R9,          H_RBP,
    H_RSI, H_RDI, JIT_IN_MEMORY, JIT_IN_MEMORY, JIT_IN_MEMORY, JIT_IN_MEMORY,
    H_R12, H_R13, H_R14,         H_R15,
};

static const uint8_t saved[] = {H_RBX, H_RBP, H_R12, H_R13, H_R14, H_R15};

static void load_gprs(struct jit *j)
{
    for (unsigned i = 0; i < 16; i++) {
        if (jit_host[i] != JIT_IN_MEMORY) {
            emit_load(&j->emit, jit_host[i], emit_abs(&j->cpu->gpr[i]), 8);
        }
    }
}

static void store_gprs(struct jit *j)
{
    for (unsigned i = 0; i < 16; i++) {
        if (jit_host[i] != JIT_IN_MEMORY) {
            emit_store(&j->emit, emit_abs(&j->cpu->gpr[i]), jit_host[i], 8);
        }
    }
}

static void load_flags(struct jit *j)
{
    emit_load(&j->emit, H_RAX, emit_abs(&j->hot->flags), 4);
    emit_sahf_addo(&j->emit);
}

static void store_flags(struct jit *j)
{
    emit_lahf_seto(&j->emit);
    emit_store(&j->emit, emit_abs(&j->hot->flags), H_RAX, 4);
}

/* VMOVDQA or MOVDQA between register i and its place. */
static void move_vec(struct jit *j, unsigned i, bool wide, bool store)
{
    struct host_op op = {.map = HM_0F,
                         .pp = PP_66,
                         .opcode = store ? 0x7f : 0x6f,
                         .vex = j->avx,
                         .l = wide};

    emit_op_rm(&j->emit, &op, i, emit_abs(&j->cpu->zmm[i]));
}

static void move_all(struct jit *j, bool wide, bool store)
{
    for (unsigned i = 0; i < 16; i++) {
        move_vec(j, i, wide, store);
    }
}

static void mxcsr(struct jit *j, unsigned digit, const void *at)
{
    struct host_op op = {.map = HM_0F, .opcode = 0xae};

    emit_op_rm(&j->emit, &op, digit, emit_abs(at));
}

enum { LDMXCSR = 2, STMXCSR = 3 };

/* Where the vector registers are the guest's, puts them away. RAX, RCX, RDX
 * and the flags are free. */
static void save_vec(struct jit *j)
{
    struct emit *e = &j->emit;
    uint8_t *over, *narrow, *done, *usual;

    emit_load8(e, H_RCX, emit_abs(&j->hot->vec_dead));
    emit_test_rr(e, H_RCX, H_RCX, 4);
    over = emit_jcc(e, CC_NZ, e->at);
    mxcsr(j, STMXCSR, &j->cpu->fpu.mxcsr);
    emit_load8(e, H_RCX, emit_abs(&j->hot->mxcsr_odd));
    emit_test_rr(e, H_RCX, H_RCX, 4);
    usual = emit_jcc(e, CC_Z, e->at);
    mxcsr(j, LDMXCSR, &j->hot->mxcsr);
    emit_patch(e, usual, emit_run_address(e));
    if (j->avx) {
        emit_load8(e, H_RCX, emit_abs(&j->hot->upper));
        emit_test_rr(e, H_RCX, H_RCX, 4);
        narrow = emit_jcc(e, CC_Z, e->at);
        move_all(j, true, true);
        emit_vzeroupper(e);
        done = emit_jmp(e, e->at);
        emit_patch(e, narrow, emit_run_address(e));
        move_all(j, false, true);
        emit_patch(e, done, emit_run_address(e));
    } else {
        move_all(j, false, true);
    }
    emit_store8_i(e, emit_abs(&j->hot->vec_dead), 1);
    emit_patch(e, over, emit_run_address(e));
}

/* Where the x87 is the guest's, puts it away: C's is an empty one. RCX and the
 * flags are free. */
static void save_x87(struct jit *j)
{
    struct host_op fnsave = {.opcode = 0xdd};
    struct emit *e = &j->emit;
    uint8_t *dead;

    emit_load8(e, H_RCX, emit_abs(&j->hot->x87_dead));
    emit_test_rr(e, H_RCX, H_RCX, 4);
    dead = emit_jcc(e, CC_NZ, e->at);
    emit_op_rm(e, &fnsave, 6, emit_abs(j->hot->x87));
    emit_store8_i(e, emit_abs(&j->hot->x87_dead), 1);
    emit_store8_i(e, emit_abs(&j->hot->x87_saved), 1);
    emit_patch(e, dead, emit_run_address(e));
}

/* Back to C's caller, on its stack. */
static void epilogue(struct jit *j)
{
    struct emit *e = &j->emit;

    emit_alu_ri(e, ALU_ADD, H_RSP, 8, 8);
    for (unsigned i = G_N_ELEMENTS(saved); i-- > 0;) {
        emit_pop(e, saved[i]);
    }
    emit_ret(e);
}

/* uintptr_t enter(const void *run) */
static void emit_enter(struct jit *j)
{
    struct emit *e = &j->emit;

    j->glue.enter = emit_run_address(e);
    for (unsigned i = 0; i < G_N_ELEMENTS(saved); i++) {
        emit_push(e, saved[i]);
    }
    emit_alu_ri(e, ALU_SUB, H_RSP, 8, 8);
    emit_store(e, emit_abs(&j->hot->c_rsp), H_RSP, 8);
    emit_load(e, H_RSP, emit_abs(&j->hot->ret_rsp), 8);
    emit_mov_rr(e, H_R10, H_RDI, 8);
    load_flags(j);
    load_gprs(j);
    emit_jmp_r(e, H_R10);
}

static void emit_leave(struct jit *j)
{
    struct emit *e = &j->emit;

    j->glue.leave = emit_run_address(e);
    store_gprs(j);
    store_flags(j);
    emit_store(e, emit_abs(&j->hot->ret_rsp), H_RSP, 8);
    emit_load(e, H_RSP, emit_abs(&j->hot->c_rsp), 8);
    save_x87(j);
    save_vec(j);
    emit_mov_rr(e, H_RAX, H_R11, 8);
    epilogue(j);
}

static void move_rsp(struct emit *e, int32_t by)
{
    emit_lea(e, H_RSP, (struct host_mem){H_RSP, H_NONE, 0, by}, 8);
}

/* The return address of who called stays below ret_rsp: nobody pushes. */
static void to_c_stack(struct jit *j)
{
    move_rsp(&j->emit, 8);
    emit_store(&j->emit, emit_abs(&j->hot->ret_rsp), H_RSP, 8);
    emit_load(&j->emit, H_RSP, emit_abs(&j->hot->c_rsp), 8);
}

static void from_c_stack(struct jit *j)
{
    load_flags(j);
    load_gprs(j);
    emit_load(&j->emit, H_RSP, emit_abs(&j->hot->ret_rsp), 8);
}

/* Runs the instruction of the site in R11 in C; comes back behind the call,
 * goes on elsewhere, or leaves with 0. */
static void emit_call_c(struct jit *j)
{
    struct emit *e = &j->emit;
    struct host_mem target = emit_abs(&j->hot->target);
    uint8_t *out, *behind;

    j->glue.call = emit_run_address(e);
    store_gprs(j);
    store_flags(j);
    to_c_stack(j);
    save_x87(j);
    save_vec(j);
    emit_mov_ri(e, H_RDI, (uintptr_t)j->cpu);
    emit_mov_rr(e, H_RSI, H_R11, 8);
    emit_mov_ri64(e, H_RAX, (uintptr_t)jit_call);
    emit_call_r(e, H_RAX);
    emit_alu_ri(e, ALU_CMP, H_RAX, JIT_CONTINUE, 8);
    out = emit_jcc(e, CC_B, e->at);
    behind = emit_jcc(e, CC_Z, e->at);
    emit_store(e, target, H_RAX, 8);
    from_c_stack(j);
    emit_jmp_m(e, target);
    emit_patch(e, behind, emit_run_address(e));
    from_c_stack(j);
    move_rsp(e, -8);
    emit_ret(e);
    emit_patch(e, out, emit_run_address(e));
    emit_mov_ri(e, H_RAX, 0);
    epilogue(j);
}

/* Makes the x87 the guest's, where that may be; the vector registers are put
 * away. */
static void emit_load_x87(struct jit *j)
{
    struct host_op frstor = {.opcode = 0xdd};
    struct emit *e = &j->emit;
    uint8_t *no;

    j->glue.load_x87 = emit_run_address(e);
    store_gprs(j);
    store_flags(j);
    to_c_stack(j);
    save_vec(j);
    emit_mov_ri64(e, H_RDI, (uintptr_t)j);
    emit_mov_ri64(e, H_RAX, (uintptr_t)jit_x87_load);
    emit_call_r(e, H_RAX);
    emit_movzx8(e, H_RAX, H_RAX);
    emit_test_rr(e, H_RAX, H_RAX, 4);
    no = emit_jcc(e, CC_Z, e->at);
    emit_op_rm(e, &frstor, 4, emit_abs(j->hot->x87));
    emit_store8_i(e, emit_abs(&j->hot->x87_dead), 0);
    emit_patch(e, no, emit_run_address(e));
    from_c_stack(j);
    move_rsp(e, -8);
    emit_ret(e);
}

/* A guest return to R10 that an entry nobody made was right for. */
static void emit_ret_lost(struct jit *j)
{
    struct emit *e = &j->emit;

    j->glue.ret_lost = emit_run_address(e);
    emit_load(e, H_RSP, emit_abs(&j->hot->ret_top), 8);
    emit_store(e, emit_abs(&j->cpu->rip), H_R10, 8);
    emit_mov_ri(e, H_R11, 0);
    emit_jmp(e, j->glue.leave);
}

void jit_next_ret(struct emit *e, const struct jit *j)
{
    int32_t start = (int32_t)(uintptr_t)j->rets;

    emit_lea(e, H_RCX, (struct host_mem){H_RSP, H_NONE, 0, -JIT_RET_SIZE}, 8);
    emit_pext(e, H_RCX, H_RCX, emit_abs(&j->hot->ret_mask));
    emit_lea(e, H_RSP, (struct host_mem){H_RCX, H_NONE, 0, start + 16}, 8);
}

/* Called where the entry on top is not for R10: takes it off, if it is not the
 * last; goes by the one below if that is for R10, else comes back. RCX and R11
 * are lost. */
static void emit_ret_miss(struct jit *j)
{
    struct emit *e = &j->emit;
    int32_t minus_last = -(int32_t)j->hot->ret_top;
    uint8_t *hit, *last;

    j->glue.ret_miss = emit_run_address(e);
    emit_lea(e, H_RCX, (struct host_mem){H_RSP, H_NONE, 0, 8 + minus_last}, 8);
    last = emit_jrcxz(e);
    emit_pop(e, H_R11);
    move_rsp(e, JIT_RET_SIZE);
    emit_load(e, H_RCX, (struct host_mem){H_RSP, H_NONE, 0, 8}, 8);
    emit_lea(e, H_RCX, (struct host_mem){H_RCX, H_R10, 0, 0}, 8);
    hit = emit_jrcxz(e);
    emit_jmp_r(e, H_R11);
    emit_here(e, hit);
    emit_here(e, last);
    emit_ret(e);
}

/* Are any upper halves not zero? To ZF; XMM0 is lost. */
static void test_upper(struct jit *j)
{
    struct host_op load = {
        .map = HM_0F, .pp = PP_66, .opcode = 0x6f, .vex = true};
    struct host_op or
        = {.map = HM_0F, .pp = PP_66, .opcode = 0xeb, .vex = true};
    struct host_op test = {
        .map = HM_38, .pp = PP_66, .opcode = 0x17, .vex = true};

    emit_op_rm(&j->emit, &load, 0, emit_abs(&j->cpu->zmm[0].u64[2]));
    for (unsigned i = 1; i < 16; i++) {
        emit_op_rm(&j->emit, & or, 0, emit_abs(&j->cpu->zmm[i].u64[2]));
    }
    emit_op_rr(&j->emit, &test, 0, 0);
}

enum { MXCSR_MASKS = 0x1f80, MXCSR_STATUS = 0x3f };

/* Makes the vector registers the guest's, keeping everything else; leaves with
 * R11 where exceptions are not masked: that is for the interpreter. */
static void emit_load_vec(struct jit *j)
{
    struct emit *e = &j->emit;
    uint8_t *bad, *narrow, *done, *usual;

    j->glue.load_vec = emit_run_address(e);
    emit_store(e, emit_abs(&j->hot->rax), H_RAX, 8);
    emit_lahf_seto(e);
    emit_store(e, emit_abs(&j->hot->flags_vec), H_RAX, 4);
    emit_load(e, H_RAX, emit_abs(&j->cpu->fpu.mxcsr), 4);
    emit_alu_ri(e, ALU_AND, H_RAX, (int32_t)~MXCSR_STATUS, 4);
    emit_alu_ri(e, ALU_XOR, H_RAX, MXCSR_MASKS, 4);
    emit_store8_i(e, emit_abs(&j->hot->mxcsr_odd), 0);
    usual = emit_jcc(e, CC_Z, e->at);
    emit_store8_i(e, emit_abs(&j->hot->mxcsr_odd), 1);
    emit_test_ri(e, H_RAX, MXCSR_MASKS, 4);
    bad = emit_jcc(e, CC_NZ, e->at);
    emit_patch(e, usual, emit_run_address(e));
    mxcsr(j, LDMXCSR, &j->cpu->fpu.mxcsr);
    if (j->avx) {
        test_upper(j);
        narrow = emit_jcc(e, CC_Z, e->at);
        move_all(j, true, false);
        emit_store8_i(e, emit_abs(&j->hot->upper), 1);
        done = emit_jmp(e, e->at);
        emit_patch(e, narrow, emit_run_address(e));
        move_all(j, false, false);
        emit_store8_i(e, emit_abs(&j->hot->upper), 0);
        emit_patch(e, done, emit_run_address(e));
    } else {
        move_all(j, false, false);
    }
    emit_store8_i(e, emit_abs(&j->hot->vec_dead), 0);
    emit_load(e, H_RAX, emit_abs(&j->hot->flags_vec), 4);
    emit_sahf_addo(e);
    emit_load(e, H_RAX, emit_abs(&j->hot->rax), 8);
    emit_ret(e);
    emit_patch(e, bad, emit_run_address(e));
    emit_load(e, H_RAX, emit_abs(&j->hot->flags_vec), 4);
    emit_sahf_addo(e);
    emit_load(e, H_RAX, emit_abs(&j->hot->rax), 8);
    move_rsp(e, 8);
    emit_jmp(e, j->glue.leave);
}

void jit_emit_glue(struct jit *j)
{
    emit_enter(j);
    emit_leave(j);
    emit_ret_lost(j);
    emit_ret_miss(j);
    emit_call_c(j);
    emit_load_x87(j);
    emit_load_vec(j);
}
