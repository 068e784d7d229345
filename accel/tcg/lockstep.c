/* SPDX-License-Identifier: MIT */
/*
 * -accel tcg,lockstep=on: every block that is translated runs twice from the
 * same state, interpreted and translated; the first difference in registers
 * or memory is reported and stops the machine. What the interpreter stored is
 * undone from a journal of 64-byte lines before the translation runs.
 *
 * Passed over, and left as the interpreter had it: what asks or tells a
 * device, what only the kernel may do, what changes the mode of the CPU, what
 * writes to code, and what depends on time (the interpreter, run again, does
 * something else). For one CPU: others would change memory in between.
 */
#include "accel/tcg/jit.h"
#include "accel/tcg/tcg.h"
#include "base/log.h"
#include "target/x86/dump.h"
#include "target/x86/journal.h"
#include "target/x86/pick.h"
#include "target/x86/undefined.h"

struct state {
    uint64_t gpr[16], rip, cr2, dr6_pending;
    uint32_t flags; /* arithmetic */
    uint32_t eflags;
    uint8_t shadow;
    bool halted;
    int excp_vector; /* -1 = none */
    uint32_t excp_error;
    bool excp_has_error;
    union x86_vreg vec[16];
    struct x86_fpu fpu;
};

struct jit_lockstep {
    struct state before, wanted, got, again;
    struct x86_journal journal, second;
    /* Blocks: passed over for what they are, what they did, what changed. */
    uint64_t compared, passed, lost, varying;
    bool failed;
};

static void keep(struct x86_cpu *cpu, struct state *s)
{
    memcpy(s->gpr, cpu->gpr_real, sizeof(s->gpr));
    memcpy(s->vec, cpu->zmm, sizeof(s->vec));
    s->fpu = cpu->fpu;
    s->rip = cpu->rip;
    s->cr2 = cpu->cr2;
    s->dr6_pending = cpu->dr6_pending;
    s->flags = x86_arith_flags(cpu);
    s->eflags = cpu->eflags;
    s->shadow = cpu->shadow;
    s->halted = cpu->halted;
    s->excp_vector = cpu->excp_vector;
    s->excp_error = cpu->excp_error;
    s->excp_has_error = cpu->excp_has_error;
}

static void put(struct x86_cpu *cpu, const struct state *s)
{
    memcpy(cpu->gpr_real, s->gpr, sizeof(s->gpr));
    memcpy(cpu->zmm, s->vec, sizeof(s->vec));
    cpu->fpu = s->fpu;
    cpu->rip = s->rip;
    cpu->cr2 = s->cr2;
    cpu->dr6_pending = s->dr6_pending;
    x86_set_arith_flags(cpu, s->flags);
    cpu->eflags = s->eflags;
    cpu->shadow = s->shadow;
    cpu->halted = s->halted;
    cpu->excp_vector = s->excp_vector;
    cpu->excp_error = s->excp_error;
    cpu->excp_has_error = s->excp_has_error;
}

/* ---- comparing ---- */

static const char *const gpr_names[16] = {
    "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
    "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15",
};

/* Where differences are told, or NULL: to know whether there are any. */
struct diff {
    GString *out;
    unsigned count;
};

static void check(struct diff *d, const char *what, uint64_t wanted,
                  uint64_t got)
{
    if (wanted == got) {
        return;
    }
    d->count++;
    if (d->out) {
        g_string_append_printf(d->out,
                               "  %-8s interpreted %016" G_GINT64_MODIFIER
                               "x translated %016" G_GINT64_MODIFIER "x\n",
                               what, wanted, got);
    }
}

static void check_fpu(struct diff *d, const struct x86_fpu *a,
                      const struct x86_fpu *b)
{
    for (unsigned i = 0; i < 8; i++) {
        check(d, "x87", a->reg[i].mantissa, b->reg[i].mantissa);
        check(d, "x87", a->reg[i].sign_exp, b->reg[i].sign_exp);
    }
    check(d, "FCW", a->fcw, b->fcw);
    check(d, "FSW", a->fsw, b->fsw);
    check(d, "empty", a->empty, b->empty);
    check(d, "FOP", a->fop, b->fop);
    check(d, "FIP", a->fip, b->fip);
    check(d, "FDP", a->fdp, b->fdp);
    check(d, "MXCSR", a->mxcsr, b->mxcsr);
}

static void check_registers(struct diff *d, const struct state *a,
                            const struct state *b)
{
    for (unsigned i = 0; i < 16; i++) {
        check(d, gpr_names[i], a->gpr[i], b->gpr[i]);
    }
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned k = 0; k < 4; k++) { /* to 256 bits */
            check(d, "vector", a->vec[i].u64[k], b->vec[i].u64[k]);
        }
    }
    check_fpu(d, &a->fpu, &b->fpu);
}

static void check_state(struct diff *d, const struct state *a,
                        const struct state *b, uint32_t undefined)
{
    /* Nearly always all of it is the same, with what is between the members. */
    if (memcmp(a->gpr, b->gpr, sizeof(a->gpr)) != 0 ||
        memcmp(a->vec, b->vec, sizeof(a->vec)) != 0 ||
        memcmp(&a->fpu, &b->fpu, sizeof(a->fpu)) != 0) {
        check_registers(d, a, b);
    }
    check(d, "RIP", a->rip, b->rip);
    check(d, "flags", a->flags & ~undefined, b->flags & ~undefined);
    check(d, "EFLAGS", a->eflags, b->eflags);
    check(d, "CR2", a->cr2, b->cr2);
    check(d, "shadow", a->shadow, b->shadow);
    check(d, "halted", a->halted, b->halted);
    check(d, "vector", (uint64_t)a->excp_vector, (uint64_t)b->excp_vector);
    if (a->excp_vector >= 0 && a->excp_has_error) {
        check(d, "error", a->excp_error, b->excp_error);
    }
}

static void check_memory(struct diff *d, const struct x86_journal *j)
{
    const struct x86_journal_line *line = x86_journal_differs(j);

    for (unsigned i = 0; line && i < X86_JOURNAL_LINE; i += 8) {
        check(d, "memory", ldl_u64(line->after + i), ldl_u64(line->host + i));
    }
}

/* Flags that mean nothing where the block was left. */
static uint32_t undefined_at(const struct x86_block *block, uint64_t start,
                             const struct state *end)
{
    uint32_t undefined = 0;

    for (unsigned i = 0; i < block->count; i++) {
        const struct x86_insn *insn = &block->insn[i];

        if (end->excp_vector >= 0 && start + insn->offset == end->rip) {
            break;
        }
        undefined = x86_undefined_flags(insn, undefined);
    }
    return undefined;
}

static unsigned differences(struct jit_lockstep *l,
                            const struct x86_block *block, GString *out)
{
    struct diff d = {.out = out};

    uint32_t undefined = l->wanted.flags == l->got.flags
                             ? 0
                             : undefined_at(block, l->before.rip, &l->wanted);

    check_state(&d, &l->wanted, &l->got, undefined);
    check_memory(&d, &l->journal);
    return d.count;
}

/* ---- running ---- */

struct work {
    struct jit *j;
    struct x86_block *block;
    const struct jit_block *jb;
};

static void interpret(const struct work *w)
{
    x86_run_block(w->j->cpu, w->block, true);
}

/* A range that does not hold leads to the plain version from then on. */
static void translated(const struct work *w)
{
    jit_enter(w->j, w->jb);
}

/* Runs until the end or an exception, which stays in excp_vector. */
static void guarded(const struct work *w, void (*run)(const struct work *w))
{
    struct x86_cpu *cpu = w->j->cpu;
    sigjmp_buf here;
    sigjmp_buf *outer = cpu->unwind;

    cpu->unwind = &here;
    if (sigsetjmp(here, 0) == 0) {
        run(w);
    }
    cpu->unwind = outer;
}

/* False: what it did cannot be undone, or should not be repeated. */
static bool run_interpreted(const struct work *w, struct x86_journal *journal,
                            struct state *end)
{
    struct x86_cpu *cpu = w->j->cpu;
    struct x86_tlb_array *never = &cpu->tlb->wr[X86_TLB_NONE];
    struct x86_tlb_array *usual = cpu->tlb_wr;
    uint32_t salt = cpu->jump_salt;
    bool can_undo;

    x86_journal_begin(journal);
    cpu->journal = journal;
    cpu->tlb_wr = never;
    guarded(w, interpret);
    can_undo = cpu->tlb_wr == never && !journal->lost && !cpu->wrote_code &&
               cpu->jump_salt == salt;
    if (cpu->tlb_wr == never) {
        cpu->tlb_wr = usual;
    }
    cpu->journal = NULL;
    x86_journal_end(journal);
    keep(cpu, end);
    return can_undo;
}

static void start_again(struct jit *j, const struct x86_journal *journal)
{
    x86_journal_undo(journal);
    put(j->cpu, &j->lockstep->before);
}

/* Translations that leave in the middle (JIT_MISSED) have been mended when
 * they are tried again. */
static bool run_translated(const struct work *w)
{
    struct jit_lockstep *l = w->j->lockstep;

    for (unsigned i = 0; i <= w->block->count; i++) {
        start_again(w->j, &l->journal);
        guarded(w, translated);
        keep(w->j->cpu, &l->got);
        if (differences(l, w->block, NULL) == 0) {
            return true;
        }
    }
    return false;
}

static bool same_twice(const struct work *w)
{
    struct jit_lockstep *l = w->j->lockstep;
    struct diff d = {0};

    start_again(w->j, &l->journal);
    if (!run_interpreted(w, &l->second, &l->again)) {
        return false;
    }
    check_state(&d, &l->wanted, &l->again, 0);
    check_memory(&d, &l->journal);
    return d.count == 0;
}

static void report(const struct work *w)
{
    struct x86_cpu *cpu = w->j->cpu;
    struct jit_lockstep *l = w->j->lockstep;
    g_autoptr(GString) out = g_string_new("lockstep: this block does "
                                          "something else translated:\n");

    x86_dump_code(cpu, l->before.rip, w->block->count, out);
    differences(l, w->block, out);
    put(cpu, &l->before);
    g_string_append(out, "it began with\n");
    x86_dump_state(cpu, out);
    log_print("%s", out->str);
    warn_user("lockstep: a translated block at %" G_GINT64_MODIFIER
              "x differs from what the interpreter does",
              l->before.rip);
    l->failed = true;
    x86_raise_event(cpu, X86_EV_EXIT);
}

/* The exception that was caught on the way goes where it belongs. */
static void finish(struct x86_cpu *cpu)
{
    if (cpu->excp_vector >= 0) {
        siglongjmp(*cpu->unwind, 1);
    }
}

static void run_both(const struct work *w)
{
    struct jit *j = w->j;
    struct jit_lockstep *l = j->lockstep;

    keep(j->cpu, &l->before);
    if (!run_interpreted(w, &l->journal, &l->wanted)) {
        l->lost++;
    } else if (run_translated(w)) {
        l->compared++;
    } else if (!same_twice(w) ||
               __atomic_load_n(&j->cpu->poll, __ATOMIC_RELAXED)) {
        l->varying++;
    } else if (run_translated(w)) {
        l->compared++;
    } else {
        report(w);
        return;
    }
    finish(j->cpu);
}

/* ---- what is compared ---- */

/* In struct x86_block's `runs`, as nothing is counted here. */
enum { UNKNOWN, COMPARABLE, NOT_COMPARABLE };

/* Would another run do the same? */
static bool repeatable(const struct x86_insn *insn)
{
    unsigned mnemonic = x86_insn_row(insn)->mnemonic;

    switch (mnemonic) {
    case X86_RDTSC:
    case X86_RDTSCP:
    case X86_RDPMC:
    case X86_RDRAND:
    case X86_RDSEED: return false;
    default:
        /* The translator may leave for the shadow of MOV SS. */
        return !x86_undefined_result(insn) &&
               (!x86_shadows(insn) || mnemonic == X86_STI);
    }
}

static bool comparable(const struct x86_block *block)
{
    uint32_t undefined = 0;

    for (unsigned i = 0; i < block->count; i++) {
        const struct x86_insn *insn = &block->insn[i];
        const struct x86_row *row = x86_insn_row(insn);

        if (row->attrs & X86_A_CPL0 || row->flags_read & undefined ||
            !repeatable(insn)) {
            return false;
        }
        undefined = x86_undefined_flags(insn, undefined);
    }
    return true;
}

void jit_lockstep_run(struct x86_cpu *cpu)
{
    struct jit *j = cpu->engine;
    struct work w = {.j = j};

    jit_catch_up(j);
    w.block = x86_block_find(cpu, cpu->rip);
    jit_catch_up(j);
    if (w.block->runs == UNKNOWN) {
        w.block->runs = comparable(w.block) ? COMPARABLE : NOT_COMPARABLE;
    }
    if (w.block->runs == COMPARABLE && jit_can_run(cpu, w.block->mode)) {
        w.jb = jit_block_at(j, w.block);
    }
    if (w.jb && jit_still(j, w.jb, cpu->rip)) {
        run_both(&w);
    } else {
        j->lockstep->passed++;
        x86_run_block(cpu, w.block, true);
    }
}

bool jit_lockstep(struct x86_cpu *cpu)
{
    struct jit *j = cpu->engine;

    j->lockstep = g_new0(struct jit_lockstep, 1);
    j->cold_runs = 0;
    return true;
}

bool jit_lockstep_failed(const struct x86_cpu *cpu)
{
    const struct jit *j = cpu->engine;

    return j->lockstep && j->lockstep->failed;
}

void jit_lockstep_describe(const struct jit *j, GString *out)
{
    const struct jit_lockstep *l = j->lockstep;

    if (l) {
        g_string_append_printf(
            out,
            "  lockstep: %" G_GUINT64_FORMAT
            " blocks did the same; passed over: %" G_GUINT64_FORMAT
            " for their instructions, %" G_GUINT64_FORMAT
            " that cannot be undone, %" G_GUINT64_FORMAT " that vary\n",
            l->compared, l->passed, l->lost, l->varying);
    }
}

void jit_lockstep_free(struct jit *j)
{
    g_free(j->lockstep);
}
