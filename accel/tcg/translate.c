/* SPDX-License-Identifier: MIT */
/*
 * From a decoded block to host code: each instruction by the first part of the
 * translator that knows it, else by a call of its handler. Then the cold part:
 * slow paths, stubs of exits.
 */
#include "accel/tcg/tr.h"
#include "base/log.h"
#include "target/x86/pick.h"

/* The handler of the instruction, in C. */
static void by_c(struct tr *t, const struct x86_insn *insn)
{
    emit_mov_ri(&t->e, H_R11, (uintptr_t)tr_site(t, insn));
    emit_call(&t->e, t->j->glue.call);
    t->vec = t->wide = false;
    t->polls |= x86_shadows(insn);
    t->j->fallbacks++;
}

static bool translate_insn(struct tr *t, const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);

    if (x86_is_trap(insn->exec)) {
        return false;
    }
    if (tr_system(t, insn)) {
        return true;
    }
    if (row->attrs & X86_A_ENDS) {
        return t->ended = tr_flow(t, insn);
    }
    return tr_special(t, insn) || tr_string(t, insn) || tr_x87(t, insn) ||
           tr_rewrite(t, insn);
}

/* Leaves with what R11 says. */
static void leave(struct tr *t, uintptr_t why)
{
    emit_mov_ri(&t->e, H_R11, why);
    emit_jmp(&t->e, t->j->glue.leave);
}

static void write_slow(struct tr *t, const struct tr_slow *s)
{
    uintptr_t site = (uintptr_t)s->site;

    for (unsigned i = 0; i < s->jumps; i++) {
        emit_patch(&t->e, s->jump[i], emit_run_address(&t->e));
    }
    emit_mov_ri(&t->e, H_R11, site);
    emit_call(&t->e, t->j->glue.call);
    if (!s->resume) {
        leave(t, site | JIT_AFTER);
        return;
    }
    if (s->vec) {
        emit_mov_ri(&t->e, H_R11, site | JIT_AFTER);
        emit_call(&t->e, t->j->glue.load_vec);
    }
    if (s->vec && s->wide) {
        emit_store8_i(&t->e, emit_abs(&t->j->hot->upper), 1);
    }
    emit_jmp(&t->e, s->resume);
}

void tr_miss(struct tr *t, uint8_t *disp)
{
    assert(t->misses < TR_MISSES);
    t->miss_insn[t->misses] = (uint8_t)(t->insn - t->block->insn);
    t->miss[t->misses++] = disp;
}

static void write_miss(struct tr *t, unsigned n)
{
    struct jit_miss *miss = jit_meta(t->j, sizeof(*miss));

    if (!miss) {
        t->full = true;
        return;
    }
    miss->block = t->jb;
    miss->jump = t->miss[n];
    miss->insn = t->miss_insn[n];
    emit_patch(&t->e, t->miss[n], emit_run_address(&t->e));
    leave(t, (uintptr_t)miss | JIT_MISSED);
}

static void write_cold(struct tr *t)
{
    for (unsigned i = 0; i < t->slows; i++) {
        write_slow(t, &t->slow[i]);
    }
    for (unsigned n = 0; n < t->exits; n++) {
        struct jit_exit *x = &t->jb->exits[n];

        x->stub = emit_run_address(&t->e);
        for (unsigned i = 0; i < t->to_stubs; i++) {
            if (t->to_which[i] == n) {
                emit_patch(&t->e, t->to_stub[i], x->stub);
            }
        }
        leave(t, (uintptr_t)x | JIT_AT_EXIT);
    }
    for (unsigned n = 0; n < t->misses; n++) {
        write_miss(t, n);
    }
    t->jb->bounce = emit_run_address(&t->e);
    if (t->second_changed) {
        emit_patch(&t->e, t->second_changed, t->jb->bounce);
    }
    leave(t, (uintptr_t)t->jb | JIT_AT_BLOCK);
}

/* False: control does not come behind it. */
static bool one_insn(struct tr *t, const struct x86_insn *insn)
{
    bool is_quiet;

    t->insn = insn;
    t->now = NULL;
    is_quiet = tr_stack_begin(t);
    if (!translate_insn(t, insn)) {
        by_c(t, insn);
    }
    t->in_r11 = is_quiet ? t->in_r11 : NULL;
    if (t->now && !t->ended) {
        t->now->resume = emit_run_address(&t->e);
        t->now->vec = t->vec;
        t->now->wide = t->wide;
    }
    return !t->ended;
}

static void write_block(struct tr *t)
{
    const struct x86_block *block = t->block;
    bool goes_on = true;

    t->insn = block->insn;
    tr_shapes_begin(t);
    tr_stack_plan(t);
    tr_range_plan(t);
    for (unsigned i = 0; i < block->count && goes_on; i++) {
        if (t->jb->at) {
            t->jb->at[i] = (uint32_t)(uintptr_t)emit_run_address(&t->e);
        }
        goes_on = one_insn(t, &block->insn[i]);
        tr_stack_step(t, &block->insn[i]);
    }
    if (goes_on) {
        tr_pay_sp(t);
        tr_exit(t, tr_next_rip(t));
    }
    write_cold(t);
}

/* The instruction goes on in the next page, which must be what it was. */
static void check_second_page(struct tr *t)
{
    const struct jit_map *map = t->jb->map2;
    struct host_mem minus_id = {H_RCX, H_NONE, 0, -(int32_t)map->id};
    uint8_t *same;

    emit_load(&t->e, H_RCX, emit_abs(&t->j->cpu->tlb->code_id[map->slot]), 4);
    emit_lea(&t->e, H_RCX, minus_id, 4);
    same = emit_jrcxz(&t->e);
    t->second_changed = emit_jmp(&t->e, t->e.at);
    emit_here(&t->e, same);
}

/* -d out_asm */
static void log_made(const struct jit_block *jb, unsigned len)
{
    struct x86_decode_mode host = {.code64 = true, .code32 = true};
    g_autoptr(GString) out = NULL;

    if (log_on(LOG_OUT_ASM) && log_in_range(jb->rip)) {
        out = g_string_new("OUT: ");
        g_string_append_printf(out, "[size=%u] of 0x%" G_GINT64_MODIFIER "x\n",
                               len, jb->rip);
        x86_code_text(out, host, (uintptr_t)jb->run, jb->code, len);
        log_print("%s\n", out->str);
    }
}

static struct jit_block *translate(struct jit *j, const struct x86_block *block,
                                   uint64_t rip, bool plain)
{
    const struct jit_jumps *jumps = jit_jumps(j, block->mode);
    struct jit_block *jb = jit_meta(j, sizeof(*jb));
    uint32_t *at = plain ? jit_meta(j, block->count * sizeof(*at)) : NULL;
    struct tr t = {
        .j = j,
        .jumps = jumps,
        .e = j->emit,
        .block = block,
        .jb = jb,
        .mode = block->mode,
        .plain = plain,
    };

    if (!jb || t.e.at + JIT_SLACK > t.e.end || (plain && !at)) {
        return NULL;
    }
    jb->rip = rip;
    jb->block = block;
    jb->at = at;
    if (block->generation2 && !plain && !jit_map_second(j, jb)) {
        return NULL;
    }
    jb->code = t.e.at;
    jb->run = emit_run_address(&t.e);
    if (jb->map2) {
        check_second_page(&t);
    }
    write_block(&t);
    if (t.full) {
        return NULL;
    }
    assert(t.e.at - jb->code < JIT_SLACK);
    j->host_bytes += (uint64_t)(t.e.at - jb->code);
    log_made(jb, (unsigned)(t.e.at - jb->code));
    jit_perf_name(j, jb, (size_t)(t.e.at - jb->code));
    j->emit.at = t.e.at;
    return jb;
}

struct jit_block *jit_translate(struct jit *j, const struct x86_block *block,
                                uint64_t rip)
{
    struct jit_block *jb = translate(j, block, rip, false);

    if (jb) {
        j->blocks++;
        j->insns += block->count;
        j->guest_bytes += block->len;
    }
    return jb;
}

struct jit_block *jit_plain(struct jit *j, struct jit_block *jb)
{
    struct jit_block *plain = translate(j, jb->block, jb->rip, true);

    if (plain) {
        plain->map = jb->map;
        plain->id = jb->id;
        plain->slot = jb->slot;
    }
    return plain;
}
