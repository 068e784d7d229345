/* SPDX-License-Identifier: MIT */
/*
 * The translator as an accelerator: from the event loop into translated code
 * and back, and the interpreter for single instructions.
 *
 * Not modelled: cpu->insns is not counted in translated code.
 */
#include "accel/accel.h"
#include "accel/tcg/jit.h"
#include "accel/tcg/tcg.h"
#include "target/x86/pick.h"

static uint16_t flags_image(const struct x86_cpu *cpu)
{
    uint32_t f = x86_arith_flags(cpu);

    return (uint16_t)((f & 0xff) << 8 | (f & X86_OF ? 1 : 0));
}

static void take_flags(struct x86_cpu *cpu, uint16_t image)
{
    x86_set_arith_flags(cpu,
                        (uint32_t)(image >> 8) | (image & 1 ? X86_OF : 0U));
}

/* A block of one instruction, as handlers want it. */
static const struct x86_insn *single(struct jit *j, const struct jit_site *site)
{
    struct x86_block *slot = j->slot;
    const struct x86_block *block = site->block->block;

    slot->generation = block->generation;
    slot->generation2 = NULL;
    slot->seen = block->seen;
    slot->count = 1;
    slot->insn[0] = *site->insn;
    slot->insn[1] = (struct x86_insn){
        .exec = x86_exec_end,
        .imm = (uint64_t)(uintptr_t)slot,
        .offset = (uint16_t)(site->insn->offset + site->insn->len),
    };
    return slot->insn;
}

/* STI holds events back for one instruction, which is in the block, whose exits
 * look at them: so nothing is to be done about it. */
static void end_sti(struct x86_cpu *cpu, const struct jit_site *site)
{
    const struct x86_block *block = site->block->block;

    if (cpu->shadow & X86_SHADOW_STI &&
        site->insn + 1 < block->insn + block->count) {
        cpu->shadow &= (uint8_t)~X86_SHADOW_STI;
        __atomic_store_n(&cpu->poll, 0, __ATOMIC_SEQ_CST);
        x86_look_at_events(cpu);
    }
}

static bool wants_loop(const struct x86_cpu *cpu)
{
    return cpu->wrote_code || x86_special(cpu);
}

uintptr_t jit_call(struct x86_cpu *cpu, struct jit_site *site)
{
    struct jit *j = cpu->engine;
    const struct x86_insn *insn = single(j, site);
    uint32_t salt = cpu->jump_salt;
    uint64_t next = site->block->rip + insn->offset + insn->len;
    struct jit_block *jb;

    j->calls++;
    if (j->hot->x87_saved) {
        jit_x87_save(j);
    }
    take_flags(cpu, j->hot->flags);
    cpu->block_rip = site->block->rip;
    cpu->chain_end = 0;
    cpu->insns++;
    while (insn) {
        insn = insn->exec(cpu, insn);
    }
    j->hot->flags = flags_image(cpu);
    next = cpu->code64 ? next : (uint32_t)next;
    if (cpu->rip == next && cpu->jump_salt == salt) {
        if (x86_shadows(site->insn)) {
            end_sti(cpu, site);
            return wants_loop(cpu) ? JIT_LEAVE : JIT_CONTINUE;
        }
        if (!__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED) &&
            !wants_loop(cpu) && x86_block_fresh(j->slot)) {
            return JIT_CONTINUE;
        }
        return JIT_LEAVE;
    }
    if (__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED) || wants_loop(cpu)) {
        return JIT_LEAVE;
    }
    jb = jit_known(j, cpu->rip);
    if (!jb) {
        return JIT_LEAVE;
    }
    jit_jump_add(j, jb); /* it may have missed there */
    return (uintptr_t)jb->run;
}

struct jit_block *jit_block_at(struct jit *j, const struct x86_block *block)
{
    uint64_t rip = j->cpu->rip;
    struct jit_block *jb = jit_find(j, block, rip);

    if (!jb) {
        jb = jit_translate(j, block, rip);
        if (!jb) {
            jit_flush(j);
            jb = jit_translate(j, block, rip);
        }
        if (jb && !jit_keep(j, jb)) {
            jit_flush(j);
            jb = NULL;
        }
    }
    return jb;
}

/* The check of a range failed for the first time: from now on the plain version
 * of the block goes on there. */
static void missed(struct jit *j, const struct jit_miss *miss)
{
    struct jit_block *jb = miss->block;
    uint64_t rip = jb->rip + jb->block->insn[miss->insn].offset;

    j->cpu->rip = j->cpu->code64 ? rip : (uint32_t)rip;
    jb->plain = jb->plain ? jb->plain : jit_plain(j, jb);
    if (jb->plain) {
        uint32_t at = jb->plain->at[miss->insn];

        emit_patch(&j->emit, miss->jump, (void *)(uintptr_t)at);
    } else {
        jit_flush(j);
    }
}

/* What translated code said when it left. */
static void came_back(struct jit *j, uintptr_t why)
{
    struct x86_cpu *cpu = j->cpu;
    void *p = (void *)(why & ~(uintptr_t)JIT_WHY);

    if (j->hot->x87_saved) {
        jit_x87_save(j);
    }
    take_flags(cpu, j->hot->flags);
    if (!p) {
        return; /* jit_call() has set RIP */
    }
    switch (why & JIT_WHY) {
    case JIT_AT_EXIT:
        j->pending = p;
        cpu->rip = j->pending->rip;
        break;
    case JIT_MISSED: missed(j, p); break;
    case JIT_AT_BLOCK: cpu->rip = ((struct jit_block *)p)->rip; break;
    default: {
        const struct jit_site *site = p;

        cpu->rip = site->block->rip + site->insn->offset +
                   ((why & JIT_WHY) == JIT_AFTER ? site->insn->len : 0);
        cpu->rip = cpu->code64 ? cpu->rip : (uint32_t)cpu->rip;
        break;
    }
    }
}

/* Can translated code go on after what C did? What the decoder has thrown away
 * is gone, and code may have changed. */
void jit_catch_up(struct jit *j)
{
    if (x86_blocks_drops(j->cpu->blocks) != j->drops) {
        jit_flush(j);
    }
    if (j->cpu->wrote_code) {
        j->cpu->wrote_code = false;
        jit_sweep(j);
    }
}

/* Much code runs a few times only, and is sooner interpreted than translated:
 * translating an instruction takes as long as interpreting it 50 times. */
static bool is_warm(const struct jit *j, struct x86_block *block)
{
    return block->runs >= j->cold_runs || block->runs++ >= j->cold_runs;
}

void jit_for_tests(struct x86_cpu *cpu, bool plain)
{
    struct jit *j = cpu->engine;

    j->cold_runs = 0;
    j->bmi2 &= !plain;
}

/* The block at CS:RIP, made if need be; NULL: it was interpreted. `from`: the
 * exit that led here, or NULL. */
static struct jit_block *find(struct jit *j, const struct jit_exit *from)
{
    struct x86_cpu *cpu = j->cpu;
    struct x86_block *block;
    struct jit_block *jb;

    if (from && from->to && jit_still(j, from->to, cpu->rip)) {
        return from->to;
    }
    jb = jit_known(j, cpu->rip);
    if (jb) {
        return jb;
    }
    block = x86_block_find(cpu, cpu->rip);
    jit_catch_up(j);
    if ((block->generation2 || block->salt == cpu->jump_salt) &&
        jit_can_run(cpu, block->mode) && is_warm(j, block)) {
        jb = jit_block_at(j, block);
    }
    if (!jb) {
        j->fallbacks++;
        x86_run_block(cpu, block, true);
        return NULL;
    }
    if (jit_still(j, jb, cpu->rip)) {
        jit_jump_add(j, jb);
    }
    return jb;
}

void jit_enter(struct jit *j, const struct jit_block *jb)
{
    uintptr_t (*enter)(const void *) =
        (uintptr_t(*)(const void *))(uintptr_t)j->glue.enter;

    j->entries++;
    j->hot->vec_dead = 1; /* also after an exception */
    j->hot->flags = flags_image(j->cpu);
    came_back(j, enter(jb->run));
}

static void run(struct x86_cpu *cpu)
{
    struct jit *j = cpu->engine;
    struct jit_exit *from = j->pending;
    struct jit_block *jb;
    uint64_t flushes = j->flushes;

    j->pending = NULL;
    jit_catch_up(j);
    from = j->flushes == flushes ? from : NULL;
    jb = find(j, from);
    if (!jb) {
        return;
    }
    if (from && j->flushes == flushes && !from->from->dead &&
        from->rip == jb->rip) {
        jit_link(j, from, jb);
    }
    jit_enter(j, jb);
}

bool jit_attach(struct x86_cpu *cpu, size_t code_size, GError **error)
{
    cpu->engine = jit_new(cpu, code_size, error);
    cpu->one_by_one = cpu->engine;
    if (cpu->engine) {
        x86_blocks_set_room(cpu->blocks, code_size / 2 * 3);
    }
    return cpu->engine;
}

void jit_detach(struct x86_cpu *cpu)
{
    if (cpu->engine) {
        jit_free(cpu->engine);
        cpu->engine = NULL;
        cpu->one_by_one = false;
    }
}

void jit_describe(const struct x86_cpu *cpu, GString *out)
{
    const struct jit *j = cpu->engine;

    if (!j) {
        g_string_append(out, "interpreted\n");
        return;
    }
    g_string_append_printf(
        out,
        "%" G_GUINT64_FORMAT " blocks of %" G_GUINT64_FORMAT
        " instructions were made, %" G_GUINT64_FORMAT
        " were dropped because code changed\n"
        "  %" G_GUINT64_FORMAT " bytes became %" G_GUINT64_FORMAT
        " (%.1f each); %zu KiB of %zu KiB are in use; all was dropped "
        "%" G_GUINT64_FORMAT " times\n"
        "  entered %" G_GUINT64_FORMAT
        " times, C called for an instruction %" G_GUINT64_FORMAT " times\n",
        j->blocks, j->insns, j->killed, j->guest_bytes, j->host_bytes,
        (double)j->host_bytes / (double)MAX(j->guest_bytes, 1U),
        (size_t)(j->emit.at - j->rw) >> 10, j->code_size >> 10, j->flushes - 1,
        j->entries, j->calls);
    jit_lockstep_describe(j, out);
}

enum x86_exit jit_run(struct x86_cpu *cpu)
{
    const struct jit *j = cpu->engine;

    return x86_run(cpu, j->lockstep ? jit_lockstep_run : run);
}
