/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

unsigned log_mask;
static FILE *log_file;

static const struct {
    const char *name;
    unsigned item;
    const char *what;
} log_items[] = {
    {"int", LOG_INT, "interrupts and exceptions"},
    {"cpu_reset", LOG_CPU_RESET, "CPU state before a reset"},
    {"in_asm", LOG_IN_ASM, "guest code when it is first decoded"},
    {"out_asm", LOG_OUT_ASM, "generated host code"},
    {"guest_errors", LOG_GUEST_ERRORS, "what no sane guest does"},
    {"unimp", LOG_UNIMP, "hardware that is not modelled"},
    {"exec", LOG_EXEC, "every block that is entered"},
    {"cpu", LOG_CPU, "registers before every block"},
    {"mmu", LOG_MMU, "page walks and faults"},
    {"page", LOG_PAGE, "memory layout at start"},
};

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
