/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

unsigned log_mask;
static FILE *log_file;
static GArray *log_ranges; /* struct log_range; NULL: everywhere */

struct log_range {
    uint64_t first, last;
};

static const struct {
    const char *name;
    unsigned item;
    const char *what;
} log_items[] = {
    {"int", LOG_INT, "interrupts and exceptions"},
    {"cpu_reset", LOG_CPU_RESET, "CPU state before a reset"},
    {"in_asm", LOG_IN_ASM, "guest code when it is first decoded"},
    {"guest_errors", LOG_GUEST_ERRORS, "what no sane guest does"},
    {"out_asm", LOG_OUT_ASM, "host code when it is made from guest code"},
    {"exec", LOG_EXEC, "each block before it runs (which interprets it)"},
    {"cpu", LOG_EXEC | LOG_CPU, "that, and the registers"},
    {"unimp", LOG_UNIMP, "hardware that is not modelled"},
};

/* QEMU's other items: known, but nothing is logged for them. */
static const char *const log_silent[] = {
    "op",  "op_opt", "op_ind", "op_plugin",   "fpu",
    "mmu", "pcall",  "page",   "nochain",     "plugin",
    "tid", "strace", "vpu",    "invalid_mem", NULL};

G_GNUC_PRINTF(1, 0)
static void log_vprint(const char *fmt, va_list ap, bool newline)
{
    FILE *f = log_file ? log_file : stderr;

    flockfile(f);
    vfprintf(f, fmt, ap);
    if (newline) {
        putc_unlocked('\n', f);
    }
    fflush(f);
    funlockfile(f);
}

void log_print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_vprint(fmt, ap, false);
    va_end(ap);
}

void log_guest(const char *fmt, ...)
{
    va_list ap;

    if (log_on(LOG_GUEST_ERRORS)) {
        va_start(ap, fmt);
        log_vprint(fmt, ap, true);
        va_end(ap);
    }
}

void log_unimp(const char *fmt, ...)
{
    va_list ap;

    if (log_on(LOG_UNIMP)) {
        va_start(ap, fmt);
        log_vprint(fmt, ap, true);
        va_end(ap);
    }
}

static bool log_item_mask(const char *name, unsigned *mask, GError **error)
{
    const char *names[ARRAY_SIZE(log_items) + 1];

    for (size_t i = 0; i < ARRAY_SIZE(log_items); i++) {
        if (strcmp(log_items[i].name, name) == 0) {
            *mask |= log_items[i].item;
            return true;
        }
        names[i] = log_items[i].name;
    }
    names[ARRAY_SIZE(log_items)] = NULL;
    if (g_strv_contains(log_silent, name) || g_str_has_prefix(name, "trace:")) {
        warn_user("-d %s: nothing is logged for it", name);
        return true;
    }
    return fail_unknown(error, "log item", name, names);
}

bool log_set_items(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    unsigned mask = 0;

    for (char **w = words; *w; w++) {
        if (strcmp(*w, "none") != 0 && !log_item_mask(*w, &mask, error)) {
            return false;
        }
    }
    log_mask = mask;
    return true;
}

/* "FIRST..LAST", "FIRST+SIZE" or "END-SIZE" */
static bool log_parse_range(const char *text, struct log_range *r)
{
    const char *op = strpbrk(text, "+-.");
    g_autofree char *head = g_strndup(text, op ? (gsize)(op - text) : 0);
    bool pair = op && op[0] == '.' && op[1] == '.';
    uint64_t a = 0;
    uint64_t b = 0;

    if (!op || (op[0] == '.' && !pair) || !text_to_uint(head, UINT64_MAX, &a) ||
        !text_to_uint(op + 1 + pair, UINT64_MAX, &b)) {
        return false;
    }
    *r = op[0] == '-' ? (struct log_range){a - b + 1, a}
         : pair       ? (struct log_range){a, b}
                      : (struct log_range){a, a + b - 1};
    return r->first <= r->last && (pair || b);
}

bool log_set_ranges(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    g_autoptr(GArray) ranges =
        g_array_new(FALSE, FALSE, sizeof(struct log_range));

    for (char **w = words; *w; w++) {
        struct log_range r;

        if (!log_parse_range(*w, &r)) {
            return fail(error,
                        "-dfilter %s: want FIRST..LAST, FIRST+SIZE or "
                        "LAST-SIZE",
                        *w);
        }
        g_array_append_val(ranges, r);
    }
    g_clear_pointer(&log_ranges, g_array_unref);
    log_ranges = g_steal_pointer(&ranges);
    return true;
}

bool log_in_range(uint64_t addr)
{
    for (guint i = 0; log_ranges && i < log_ranges->len; i++) {
        const struct log_range *r =
            &g_array_index(log_ranges, struct log_range, i);

        if (addr >= r->first && addr <= r->last) {
            return true;
        }
    }
    return !log_ranges;
}

bool log_set_file(const char *path, GError **error)
{
    FILE *f = path ? fopen(path, "we") : stderr;

    if (!f) {
        return fail_errno(error, "log file '%s'", path);
    }
    if (log_file && log_file != stderr) {
        fclose(log_file);
    }
    log_file = f;
    return true;
}

char *log_help(void)
{
    GString *s = g_string_new(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(log_items); i++) {
        g_string_append_printf(s, "%-14s %s\n", log_items[i].name,
                               log_items[i].what);
    }
    return g_string_free(s, FALSE);
}

void warn_user(const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    fprintf(stderr, "rhea: %s\n", text);
}
