/* SPDX-License-Identifier: MIT */
/*
 * Guest memory from translated code: the address of an operand, and its way
 * through the soft TLB of target/x86/tlb.h, without a change of the flags.
 * What misses goes to C, which runs the whole instruction.
 *
 * Not modelled here: segments with a base in 32-bit code (C runs those).
 */
#include "accel/tcg/tr.h"

void tr_get(struct tr *t, unsigned host, unsigned guest)
{
    if (jit_host[guest] == JIT_IN_MEMORY) {
        emit_load(&t->e, host, emit_abs(&t->j->cpu->gpr[guest]), 8);
    } else if (jit_host[guest] != host) {
        emit_mov_rr(&t->e, host, jit_host[guest], 8);
    }
}

void tr_put(struct tr *t, unsigned guest, unsigned host)
{
    if (jit_host[guest] == JIT_IN_MEMORY) {
        emit_store(&t->e, emit_abs(&t->j->cpu->gpr[guest]), host, 8);
    } else if (jit_host[guest] != host) {
        emit_mov_rr(&t->e, jit_host[guest], host, 8);
    }
}

struct jit_site *tr_site(struct tr *t, const struct x86_insn *insn)
{
    struct jit_site *site = jit_meta(t->j, sizeof(*site));

    if (!site) {
        t->full = true;
        site = (struct jit_site *)(void *)t->j->meta; /* never run */
        return site;
    }
    site->insn = insn;
    site->block = t->jb;
    return site;
}

void tr_to_slow(struct tr *t, uint8_t *disp)
{
    if (!t->now) {
        t->now = &t->slow[t->slows++];
        *t->now = (struct tr_slow){.site = tr_site(t, t->insn)};
    }
    assert(t->now->jumps < TR_SLOW_MAX);
    t->now->jump[t->now->jumps++] = disp;
}

void tr_go_slow(struct tr *t)
{
    tr_to_slow(t, emit_jmp(&t->e, t->e.at));
}

bool tr_can_address(const struct tr *t, const struct x86_insn *insn)
{
    return tr_code64(t)
               ? insn->asize >= 4
               : insn->asize == 4 && insn->seg < X86_FS && insn->seg != X86_CS;
}

/* A base or index register of the guest's; in memory: first to `scratch`. */
static unsigned address_reg(struct tr *t, unsigned guest, unsigned scratch)
{
    if (guest == X86_R_ZERO) {
        return H_NONE;
    }
    if (jit_host[guest] != JIT_IN_MEMORY) {
        return jit_host[guest];
    }
    emit_load(&t->e, scratch, emit_abs(&t->j->cpu->gpr[guest]), 8);
    return scratch;
}

uint64_t tr_fixed_address(const struct tr *t, const struct x86_insn *insn)
{
    uint64_t a = (uint64_t)(int64_t)insn->disp;

    a += insn->base == X86_R_BLOCK ? t->jb->rip : 0;
    a += insn->index == X86_R_4K ? 4096 : 0;
    return insn->asize == 4 ? (uint32_t)a : a;
}

static void add_segment(struct tr *t, unsigned seg)
{
    if (seg >= X86_FS) {
        emit_load(&t->e, H_RCX, emit_abs(&t->j->cpu->hot[seg].base), 8);
        emit_lea(&t->e, H_R10, (struct host_mem){H_R10, H_RCX, 0, 0}, 8);
    }
}

void tr_number_address(struct tr *t, unsigned seg, uint64_t address)
{
    emit_mov_ri(&t->e, H_R10, address);
    add_segment(t, seg);
}

void tr_lea(struct tr *t, const struct x86_insn *insn, unsigned to,
            unsigned size)
{
    struct host_mem m = {.scale = insn->scale, .disp = insn->disp};

    if (insn->base == X86_R_BLOCK ||
        (insn->base == X86_R_ZERO && insn->index >= X86_R_ZERO)) {
        uint64_t a = tr_fixed_address(t, insn);

        emit_mov_ri(&t->e, to, size == 4 ? (uint32_t)a : a);
        return;
    }
    m.base = (uint8_t)address_reg(t, insn->base, H_R10);
    m.index = (uint8_t)address_reg(t, insn->index, H_R11);
    emit_lea(&t->e, to, m, size);
}

void tr_address(struct tr *t, const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);

    if (row->operand[0] == X86_O_Ob || row->operand[0] == X86_O_Ov ||
        row->operand[1] == X86_O_Ob || row->operand[1] == X86_O_Ov) {
        emit_mov_ri(&t->e, H_R10, insn->imm);
    } else {
        tr_lea(t, insn, H_R10, insn->asize == 4 ? 4 : 8);
    }
    add_segment(t, insn->seg);
}

void tr_stack_address(struct tr *t, int32_t disp)
{
    struct host_mem m = {jit_host[X86_RSP], H_NONE, 0, disp};

    emit_lea(&t->e, H_R10, m, tr_code64(t) ? 8 : 4);
}

/* The set of the TLB that blocks of this mode use. */
static struct x86_tlb_array *tlb_set(const struct tr *t, bool write)
{
    struct x86_tlb *tlb = t->j->cpu->tlb;
    unsigned set = jit_mode_set(t->mode);

    return write ? &tlb->wr[set] : &tlb->rd[set];
}

/* Of the entry whose number is in RCX. */
static struct host_mem entry(const uint64_t *column, unsigned scale)
{
    struct host_mem m = emit_abs(column);

    m.index = H_RCX;
    m.scale = (uint8_t)scale;
    return m;
}

static uint8_t *check_bmi2(struct tr *t, struct x86_tlb_array *set,
                           unsigned size)
{
    struct host_mem last = {H_R10, H_RCX, 0, (int32_t)size - 1};

    emit_pext(&t->e, H_RCX, H_R10, emit_abs(&t->j->hot->index_mask));
    emit_load(&t->e, H_R11, entry(set->delta, 3), 8);
    emit_load(&t->e, H_RCX, entry(set->minus, 3), 8);
    emit_lea(&t->e, H_RCX, last, 8);
    emit_shrx(&t->e, H_RCX, H_RCX, H_RSP); /* by JIT_RET_LOW */
    return emit_jrcxz(&t->e);
}

static void save_flags(struct tr *t)
{
    emit_store(&t->e, emit_abs(&t->j->hot->rax), H_RAX, 8);
    emit_lahf_seto(&t->e);
    emit_mov_rr(&t->e, H_RCX, H_RAX, 4);
    emit_load(&t->e, H_RAX, emit_abs(&t->j->hot->rax), 8);
    emit_store(&t->e, emit_abs(&t->j->hot->flags_vec), H_RCX, 4);
}

static void restore_flags(struct tr *t)
{
    emit_load(&t->e, H_RAX, emit_abs(&t->j->hot->flags_vec), 4);
    emit_sahf_addo(&t->e);
    emit_load(&t->e, H_RAX, emit_abs(&t->j->hot->rax), 8);
}

/* For hosts without BMI2: the flags are put away for the while. */
static uint8_t *check_plain(struct tr *t, struct x86_tlb_array *set,
                            unsigned size)
{
    save_flags(t);
    emit_mov_rr(&t->e, H_RCX, H_R10, 4);
    emit_shr(&t->e, H_RCX, 12 - 3, 4);
    emit_alu_ri(&t->e, ALU_AND, H_RCX, (X86_TLB_SIZE - 1) * 8, 4);
    emit_load(&t->e, H_R11, entry(set->delta, 0), 8);
    emit_load(&t->e, H_RCX, entry(set->minus, 0), 8);
    emit_lea(&t->e, H_RCX, (struct host_mem){H_RCX, H_R10, 0, 0}, 8);
    emit_alu_ri(&t->e, ALU_CMP, H_RCX, (int32_t)(4096 - size), 8);
    emit_mov_ri(&t->e, H_RCX, 0);
    emit_seta_rcx(&t->e);
    restore_flags(t);
    return emit_jrcxz(&t->e);
}

uint8_t *tr_check_only(struct tr *t, unsigned size, bool write)
{
    return t->j->bmi2 ? check_bmi2(t, tlb_set(t, write), size)
                      : check_plain(t, tlb_set(t, write), size);
}

void tr_check(struct tr *t, unsigned size, bool write)
{
    uint8_t *hit = tr_check_only(t, size, write);

    tr_go_slow(t);
    emit_here(&t->e, hit);
}

/* The first byte is looked up by itself: n bytes on from a page that is not the
 * entry's may well be in the entry's. */
void tr_check_run(struct tr *t, unsigned count, unsigned shift, bool write)
{
    struct host_mem last = {H_RCX, (uint8_t)count, (uint8_t)shift, -1};
    uint8_t *hit;

    tr_check(t, 1, write);
    emit_pext(&t->e, H_RCX, H_R10, emit_abs(&t->j->hot->offset_mask));
    emit_lea(&t->e, H_RCX, last, 8);
    emit_pext(&t->e, H_RCX, H_RCX, emit_abs(&t->j->hot->page_mask));
    hit = emit_jrcxz(&t->e);
    tr_go_slow(t);
    emit_here(&t->e, hit);
}

void tr_operand(struct tr *t, const struct x86_insn *insn, unsigned size,
                bool write, struct host_mem *m)
{
    if (tr_stack_operand(t, insn, m) || tr_range_operand(t, insn, m)) {
        return;
    }
    tr_address(t, insn);
    tr_check(t, size, write);
    *m = TR_MEM;
}

/* Is R10 a multiple of `align`? RCX is lost. */
void tr_check_aligned(struct tr *t, unsigned align)
{
    uint8_t *hit;

    if (t->j->bmi2) {
        emit_mov_ri(&t->e, H_RCX, 64 - (unsigned)__builtin_ctz(align));
        emit_shlx(&t->e, H_RCX, H_R10, H_RCX);
    } else {
        save_flags(t);
        emit_mov_rr(&t->e, H_RCX, H_R10, 4);
        emit_alu_ri(&t->e, ALU_AND, H_RCX, (int32_t)align - 1, 4);
        restore_flags(t);
    }
    hit = emit_jrcxz(&t->e);
    tr_go_slow(t);
    emit_here(&t->e, hit);
}
