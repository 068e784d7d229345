/* SPDX-License-Identifier: MIT */
/*
 * String instructions: one element, and REP MOVS and REP STOS by the host's
 * where all of it lies in one page of the source and one of the destination.
 * Forwards only, with addresses of the mode's own size; the rest is for C, as
 * are REP LODS, SCAS and CMPS.
 */
#include "accel/tcg/tr.h"

struct string {
    unsigned size;
    uint8_t shift; /* its logarithm */
    bool repeat;
};

static unsigned word(const struct tr *t)
{
    return tr_code64(t) ? 8 : 4;
}

/* Slow unless RCX is 0. */
static void must_be_zero(struct tr *t)
{
    uint8_t *good = emit_jrcxz(&t->e);

    tr_go_slow(t);
    emit_here(&t->e, good);
}

static void must_go_forwards(struct tr *t)
{
    emit_load(&t->e, H_RCX, emit_abs(&t->j->cpu->eflags), 4);
    emit_pext(&t->e, H_RCX, H_RCX, emit_abs(&t->j->hot->df));
    must_be_zero(t);
}

/* Where the elements at the register are: TR_MEM. */
static void find(struct tr *t, const struct string *s, unsigned guest,
                 bool write)
{
    emit_mov_rr(&t->e, H_R10, jit_host[guest], word(t));
    if (s->repeat) {
        tr_check_run(t, jit_host[X86_RCX], s->shift, write);
    } else {
        tr_check(t, s->size, write);
    }
}

static void step(struct tr *t, const struct string *s, unsigned guest)
{
    uint8_t reg = jit_host[guest];
    struct host_mem next = {reg, H_NONE, 0, (int32_t)s->size};

    emit_lea(&t->e, reg, next, word(t));
}

/* ---- one element ---- */

/* The element at RSI to hot->tmp. */
static void fetch(struct tr *t, const struct string *s)
{
    find(t, s, X86_RSI, false);
    emit_load(&t->e, H_RCX, TR_MEM, s->size);
    emit_store(&t->e, emit_abs(&t->j->hot->tmp), H_RCX, s->size);
}

static void movs(struct tr *t, const struct string *s)
{
    fetch(t, s);
    find(t, s, X86_RDI, true);
    emit_load(&t->e, H_RCX, emit_abs(&t->j->hot->tmp), s->size);
    emit_store(&t->e, TR_MEM, H_RCX, s->size);
    step(t, s, X86_RSI);
    step(t, s, X86_RDI);
}

static void cmps(struct tr *t, const struct string *s)
{
    fetch(t, s);
    find(t, s, X86_RDI, false);
    emit_load(&t->e, H_RCX, emit_abs(&t->j->hot->tmp), s->size);
    emit_alu_rm(&t->e, ALU_CMP, H_RCX, TR_MEM, s->size);
    step(t, s, X86_RSI);
    step(t, s, X86_RDI);
}

static void stos(struct tr *t, const struct string *s)
{
    find(t, s, X86_RDI, true);
    emit_store(&t->e, TR_MEM, H_RAX, s->size);
    step(t, s, X86_RDI);
}

static void lods(struct tr *t, const struct string *s)
{
    find(t, s, X86_RSI, false);
    emit_load(&t->e, H_RAX, TR_MEM, s->size);
    step(t, s, X86_RSI);
}

static void scas(struct tr *t, const struct string *s)
{
    find(t, s, X86_RDI, false);
    emit_alu_rm(&t->e, ALU_CMP, H_RAX, TR_MEM, s->size);
    step(t, s, X86_RDI);
}

/* ---- many ---- */

/* So many that their size cannot wrap. */
static void must_be_few(struct tr *t)
{
    emit_pext(&t->e, H_RCX, jit_host[X86_RCX], emit_abs(&t->j->hot->page_mask));
    must_be_zero(t);
}

/* The host's own, REP in front. */
static void host_repeat(struct tr *t, const struct string *s, unsigned opcode)
{
    emit_mov_rr(&t->e, H_RCX, jit_host[X86_RCX], 4);
    if (s->size == 2) {
        emit_bytes(&t->e, 0x66, 1);
    }
    emit_bytes(&t->e, 0xf3, 1);
    if (s->size == 8) {
        emit_bytes(&t->e, 0x48, 1);
    }
    emit_bytes(&t->e, s->size == 1 ? opcode & ~1U : opcode, 1);
}

static void rep_stos(struct tr *t, const struct string *s)
{
    uint8_t di = jit_host[X86_RDI], count = jit_host[X86_RCX];
    struct host_mem end = {di, count, s->shift, 0};

    must_be_few(t);
    find(t, s, X86_RDI, true);
    emit_lea(&t->e, H_R10, TR_MEM, 8);
    emit_lea(&t->e, H_R11, end, word(t));
    emit_mov_rr(&t->e, di, H_R10, 8);
    host_repeat(t, s, 0xab);
    emit_mov_rr(&t->e, di, H_R11, 8);
    emit_mov_ri(&t->e, count, 0);
}

static void rep_movs(struct tr *t, const struct string *s)
{
    uint8_t si = jit_host[X86_RSI], di = jit_host[X86_RDI];
    uint8_t count = jit_host[X86_RCX];
    struct host_mem si_end = {si, count, s->shift, 0};
    struct host_mem di_end = {di, count, s->shift, 0};
    struct host_mem tmp = emit_abs(&t->j->hot->tmp);

    must_be_few(t);
    find(t, s, X86_RSI, false);
    emit_lea(&t->e, H_R10, TR_MEM, 8);
    emit_store(&t->e, tmp, H_R10, 8);
    find(t, s, X86_RDI, true);
    emit_lea(&t->e, H_R10, TR_MEM, 8);
    emit_lea(&t->e, H_R11, di_end, word(t));
    emit_mov_rr(&t->e, di, H_R10, 8);
    emit_lea(&t->e, H_R10, si_end, word(t));
    emit_load(&t->e, si, tmp, 8);
    host_repeat(t, s, 0xa5);
    emit_mov_rr(&t->e, si, H_R10, 8);
    emit_mov_rr(&t->e, di, H_R11, 8);
    emit_mov_ri(&t->e, count, 0);
}

/* ---- ---- */

typedef void string_fn(struct tr *t, const struct string *s);

static string_fn *writer(unsigned mnemonic, bool repeat)
{
    switch (mnemonic) {
    case X86_MOVS: return repeat ? rep_movs : movs;
    case X86_STOS: return repeat ? rep_stos : stos;
    case X86_LODS: return repeat ? NULL : lods;
    case X86_SCAS: return repeat ? NULL : scas;
    case X86_CMPS: return repeat ? NULL : cmps;
    default: return NULL;
    }
}

bool tr_string(struct tr *t, const struct x86_insn *i)
{
    struct string s = {
        .size = i->opcode & 1 ? i->osize : 1,
        .repeat = i->flags & (X86_I_REP | X86_I_REPNE),
    };
    string_fn *write = writer(x86_insn_row(i)->mnemonic, s.repeat);
    bool flat =
        tr_code64(t) ? i->seg < X86_FS : i->seg < X86_FS && i->seg != X86_CS;

    if (!write || !t->j->bmi2 || i->asize != word(t) || !flat) {
        return false;
    }
    s.shift = (uint8_t)__builtin_ctz(s.size);
    must_go_forwards(t);
    write(t, &s);
    return true;
}
