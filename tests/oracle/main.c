/* SPDX-License-Identifier: MIT */
/*
 * oracle: compares the interpreter, or the translator, with the CPU that it
 * runs on.
 *
 *   oracle [--seed N] [--count N] [--only PATTERN,...] [--insns N] [--32 PERCENT]
 *          [--fails N] [--engine interp|jit|jit-plain]
 *
 * A failure is printed as short as it gets by leaving out instructions, with
 * its seed: `--seed THAT --count 1` (and the same --only, --insns) runs it
 * again.
 */
#include <string.h>

#include "target/x86/decode.h"
#include "tests/oracle/oracle.h"

struct options {
    gint64 seed, count;
    char *only, *engine;
    int insns, fails, percent32;
};

struct run {
    struct oracle_case c;
    struct oracle_result native, guest;
};

static bool agrees(struct run *run, GString *report)
{
    native_run(&run->c, &run->native);
    guest_run(&run->c, &run->guest);
    /* There the host finds the translator's own memory, and does not fault. */
    if (run->guest.state.vector == 14 && run->guest.state.cr2 >> 28 == 4) {
        return true;
    }
    return oracle_same(&run->c, &run->native, &run->guest, report);
}

/* Leaves out instructions one after the other, as long as it still fails. */
static void minimise(struct run *run)
{
    for (unsigned i = 0; i < run->c.count;) {
        struct oracle_case whole = run->c;

        memmove(&run->c.insn[i], &run->c.insn[i + 1],
                (run->c.count - i - 1) * sizeof(run->c.insn[0]));
        run->c.count--;
        if (run->c.count == 0 || agrees(run, NULL)) {
            run->c = whole;
            i++;
        }
    }
}

static void print_case(const struct oracle_case *c)
{
    uint8_t code[ORACLE_MAX_CODE];
    unsigned offsets[ORACLE_MAX_INSNS + 1];
    struct x86_decode_mode mode = {.code64 = !c->mode32, .code32 = true};

    gen_code(c, code, offsets);
    for (unsigned i = 0; i < c->count; i++) {
        const uint8_t *p = code + offsets[i];
        struct x86_insn insn;
        char text[128];

        x86_decode(&insn, p, c->insn[i].len, mode);
        x86_disasm(&insn, ORACLE_CODE + offsets[i], text, sizeof(text));
        g_print("  %04x ", offsets[i]);
        for (unsigned j = 0; j < c->insn[i].len; j++)
            g_print(" %02x", p[j]);
        g_print("\t%s\n", text);
    }
}

static void report_failure(struct run *run)
{
    g_autoptr(GString) report = g_string_new(NULL);

    minimise(run);
    agrees(run, report);
    g_print("seed %" G_GINT64_FORMAT ": %s-bit mxcsr %x fcw %x fsw %x\n",
            (gint64)run->c.seed, run->c.mode32 ? "32" : "64", run->c.in.mxcsr,
            run->c.in.fcw, run->c.in.fsw);
    print_case(&run->c);
    g_print("%s", report->str);
}

static bool run_all(const struct options *o, const struct oracle_gen *gen)
{
    g_autofree struct run *run = g_new0(struct run, 1);
    gint64 start = g_get_monotonic_time(), faults = 0;
    int failed = 0;

    for (gint64 i = 0; i < o->count && failed < o->fails; i++) {
        gen_case(gen, (uint64_t)(o->seed + i), &run->c);
        if (!agrees(run, NULL)) {
            report_failure(run);
            failed++;
        }
        faults += run->native.state.vector != ORACLE_NO_VECTOR;
    }
    g_print("%" G_GINT64_FORMAT " cases from seed %" G_GINT64_FORMAT
            ", %u rows, %" G_GINT64_FORMAT " exceptions, %d failed, %.1f s\n",
            o->count, o->seed, gen_rows(gen), faults, failed,
            (double)(g_get_monotonic_time() - start) / 1e6);
    return !failed;
}

static bool parse(struct options *o, int argc, char **argv, GError **error)
{
    /* clang-format off */
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, "first seed", "N"},
        {"count", 0, 0, G_OPTION_ARG_INT64, &o->count, "cases", "N"},
        {"only", 0, 0, G_OPTION_ARG_STRING, &o->only,
         "mnemonics (with * and ?)", "LIST"},
        {"engine", 0, 0, G_OPTION_ARG_STRING, &o->engine,
         "what is compared with the host: interp or jit", "NAME"},
        {"insns", 0, 0, G_OPTION_ARG_INT, &o->insns,
         "most instructions a case", "N"},
        {"32", 0, 0, G_OPTION_ARG_INT, &o->percent32,
         "how many are 32-bit code", "PERCENT"},
        {"fails", 0, 0, G_OPTION_ARG_INT, &o->fails,
         "failures after which to stop", "N"},
        G_OPTION_ENTRY_NULL,
    };
    /* clang-format on */
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, &argc, &argv, error);
}

int main(int argc, char **argv)
{
    struct options o = {
        .count = 100000, .insns = 4, .fails = 10, .percent32 = 30};
    g_autoptr(GError) error = NULL;
    struct oracle_gen *gen;
    bool good;

    o.seed = (gint64)g_random_int() << 20;
    if (!parse(&o, argc, argv, &error) || !native_init(&error) ||
        !guest_init(o.engine ? o.engine : "interp", &error)) {
        g_printerr("oracle: %s\n", error->message);
        return 2;
    }
    gen = gen_new(o.only, (unsigned)CLAMP(o.insns, 1, ORACLE_MAX_INSNS),
                  (unsigned)CLAMP(o.percent32, 0, 100));
    if (!gen_rows(gen)) {
        g_printerr("oracle: no instruction is named so\n");
        return 2;
    }
    good = run_all(&o, gen);
    guest_free();
    gen_free(gen);
    return good ? 0 : 1;
}
