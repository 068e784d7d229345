/* SPDX-License-Identifier: MIT */
/*
 * x87 instructions, run by the host's x87. The guest's state is loaded when an
 * instruction first wants it and put away at the next call of C. [SDM] vol. 1
 * ch. 8; what the last instruction was (FIP, FDP) is kept beside it.
 *
 * MMX instructions are rewritten as SSE ones are (rewrite.c), behind the same
 * tr_need_x87().
 *
 * By C: guests that unmask exceptions, or have one pending; environments,
 * FNINIT; operands by FS and GS. The host's FSIN and the like are used,
 * whose last digit is not the interpreter's on all CPUs.
 */
#include "target/x86/x87.h"

#include "accel/tcg/tr.h"
#include "target/x86/fpstate.h"
#include "target/x86/opcodes.h"

/* FSAVE's image, 32-bit protected mode: words in dwords, then ST(0)..ST(7). */
enum { IMAGE_FCW = 0, IMAGE_FSW = 4, IMAGE_FTW = 8, IMAGE_REGS = 28 };

/* ---- C ---- */

bool jit_x87_load(struct jit *j)
{
    struct x86_fpu *fpu = &j->cpu->fpu;
    uint8_t *image = j->hot->x87;

    if ((fpu->fcw & FP_ALL) != FP_ALL || fpu->fsw & FP_ES) {
        return false;
    }
    memset(image, 0, IMAGE_REGS);
    stl_u32(image + IMAGE_FCW, fpu->fcw);
    stl_u32(image + IMAGE_FSW, fpu->fsw);
    stl_u32(image + IMAGE_FTW, x87_full_tags(fpu));
    for (unsigned i = 0; i < 8; i++) {
        const struct x87_reg *r = x87_st(fpu, i);

        stl_u64(image + IMAGE_REGS + 10 * i, r->mantissa);
        stl_u16(image + IMAGE_REGS + 10 * i + 8, r->sign_exp);
    }
    j->hot->x87_site = j->hot->x87_mem_site = 0;
    return true;
}

static void take_pointers(struct x86_cpu *cpu, const struct jit_hot *hot)
{
    const struct jit_site *site = (void *)(uintptr_t)hot->x87_site;
    const struct jit_site *mem = (void *)(uintptr_t)hot->x87_mem_site;

    if (site) {
        uint64_t rip = site->block->rip + site->insn->offset;

        cpu->fpu.fip = cpu->code64 ? rip : (uint32_t)rip;
        cpu->fpu.fcs = cpu->seg[X86_CS].selector;
    }
    if (mem) {
        cpu->fpu.fdp = hot->x87_fdp;
        cpu->fpu.fds = cpu->seg[mem->insn->seg].selector;
    }
}

void jit_x87_save(struct jit *j)
{
    struct x86_fpu *fpu = &j->cpu->fpu;
    const uint8_t *image = j->hot->x87;

    j->hot->x87_saved = 0;
    x87_set_fcw(j->cpu, ldl_u16(image + IMAGE_FCW));
    fpu->fsw = (uint16_t)(ldl_u16(image + IMAGE_FSW) & ~(FP_ES | FP_B));
    x87_set_full_tags(fpu, ldl_u16(image + IMAGE_FTW));
    for (unsigned i = 0; i < 8; i++) {
        struct x87_reg *r = x87_st(fpu, i);

        r->mantissa = ldl_u64(image + IMAGE_REGS + 10 * i);
        r->sign_exp = ldl_u16(image + IMAGE_REGS + 10 * i + 8);
    }
    take_pointers(j->cpu, j->hot);
}

/* ---- translation ---- */

/* Is it run here; does FIP remember it? */
static bool known(const struct x86_insn *i, bool *control)
{
    *control = false;
    switch (x86_insn_row(i)->mnemonic) {
    case X86_FLDENV:
    case X86_FNSTENV:
    case X86_FRSTOR:
    case X86_FNSAVE:
    case X86_FNINIT:
    case X86_FNENI:
    case X86_FNDISI:
    case X86_FNSETPM: return false;
    case X86_FLDCW:
    case X86_FNSTCW:
    case X86_FNSTSW:
    case X86_FNCLEX: *control = true; return true;
    default: return x86_insn_row(i)->attrs & X86_A_X87;
    }
}

bool tr_x87_operand(const struct tr *t, const struct x86_insn *i,
                    unsigned *size, bool *write)
{
    bool control;

    if (!known(i, &control) || !(i->flags & X86_I_MEM) ||
        !tr_can_address(t, i) || i->seg >= X86_FS) {
        return false;
    }
    *size = x86_operand_size(i, 0);
    *write = x86_insn_row(i)->attrs & X86_A_STORE;
    return true;
}

void tr_need_x87(struct tr *t)
{
    struct host_mem dead = emit_abs(&t->j->hot->x87_dead);
    uint8_t *live, *now;

    emit_load8(&t->e, H_RCX, dead);
    live = emit_jrcxz(&t->e);
    emit_call(&t->e, t->j->glue.load_x87);
    emit_load8(&t->e, H_RCX, dead);
    now = emit_jrcxz(&t->e);
    tr_go_slow(t);
    emit_here(&t->e, live);
    emit_here(&t->e, now);
    t->vec = t->wide = false;
}

static void note(struct tr *t, const struct x86_insn *i, bool mem)
{
    uintptr_t site = (uintptr_t)tr_site(t, i);

    emit_store_i(&t->e, emit_abs(&t->j->hot->x87_site), (int32_t)site);
    if (mem) {
        emit_store_i(&t->e, emit_abs(&t->j->hot->x87_mem_site), (int32_t)site);
        emit_store(&t->e, emit_abs(&t->j->hot->x87_fdp), H_R10, 8);
    }
}

/* A word from R10 + R11: the new control word, where it masks everything. */
static void load_control(struct tr *t, struct host_mem m)
{
    struct host_op fldcw = {.opcode = 0xd9};
    struct host_mem tmp = emit_abs(&t->j->hot->tmp);
    uint8_t *masked;

    emit_load16(&t->e, H_RCX, m);
    emit_store(&t->e, tmp, H_RCX, 8);
    emit_not(&t->e, H_RCX);
    emit_pext(&t->e, H_RCX, H_RCX, emit_abs(&t->j->hot->bits_of[8]));
    masked = emit_jrcxz(&t->e);
    tr_go_slow(t);
    emit_here(&t->e, masked);
    emit_op_rm(&t->e, &fldcw, 5, tmp);
}

static void on_memory(struct tr *t, const struct x86_insn *i, unsigned size,
                      bool write, bool control)
{
    struct host_op op = {.opcode = i->opcode};
    struct host_mem m;

    tr_operand(t, i, size, write, &m);
    if (x86_insn_row(i)->mnemonic == X86_FLDCW) {
        load_control(t, m);
        return;
    }
    if (!control) {
        if (m.base != H_R10) {
            tr_lea(t, i, H_R10, i->asize == 4 ? 4 : 8);
        }
        note(t, i, true);
    }
    emit_op_rm(&t->e, &op, i->reg & 7, m);
}

/* FWAIT: there is nothing to wait for where the x87 is the guest's. */
static bool wait_for_it(struct tr *t)
{
    uint8_t *live;

    emit_load8(&t->e, H_RCX, emit_abs(&t->j->hot->x87_dead));
    live = emit_jrcxz(&t->e);
    tr_go_slow(t);
    emit_here(&t->e, live);
    return true;
}

bool tr_x87(struct tr *t, const struct x86_insn *i)
{
    unsigned size;
    bool write, control;

    if (!t->j->bmi2) {
        return false;
    }
    if (x86_insn_row(i)->mnemonic == X86_FWAIT) {
        return wait_for_it(t);
    }
    if (x86_insn_row(i)->mnemonic == X86_EMMS) {
        tr_need_x87(t);
        emit_bytes(&t->e, 0x770f, 2);
        return true;
    }
    if (!known(i, &control)) {
        return false;
    }
    if (i->flags & X86_I_MEM) {
        if (!tr_x87_operand(t, i, &size, &write)) {
            return false;
        }
        tr_need_x87(t);
        on_memory(t, i, size, write, control);
        return true;
    }
    tr_need_x87(t);
    if (!control) {
        note(t, i, false);
    }
    emit_bytes(&t->e, i->opcode, 1);
    emit_bytes(&t->e, 0xc0U | (i->reg & 7U) << 3 | (i->rm & 7U), 1);
    return true;
}
