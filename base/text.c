/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More names than that help nobody. */
enum { LIST_MAX = 40 };

/* Levenshtein distance, case folded, of words up to 63 letters. */
static unsigned text_distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t lb = strlen(b);

    if (lb > 63 || strlen(a) > 63) {
        return 64;
    }
    for (unsigned j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diag = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            bool same = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]);
            unsigned best = diag + (same ? 0 : 1);

            diag = row[j];
            best = MIN(best, row[j] + 1);
            row[j] = MIN(best, row[j - 1] + 1);
        }
    }
    return row[lb];
}

const char *text_near(const char *name, const char *const *names)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)(strlen(name) / 3 + 2);

    for (; *names; names++) {
        unsigned d = text_distance(name, *names);

        if (d < best_distance) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}

bool fail_unknown(GError **error, const char *what, const char *name,
                  const char *const *names)
{
    const char *near = text_near(name, names);
    g_autofree char *all = NULL;

    if (near) {
        return fail(error, "unknown %s '%s'; did you mean '%s'?", what, name,
                    near);
    }
    if (g_strv_length((char **)(uintptr_t)names) > LIST_MAX) {
        return fail(error, "unknown %s '%s'", what, name);
    }
    all = g_strjoinv(", ", (char **)(uintptr_t)names);
    return fail(error, "unknown %s '%s'; there are: %s", what, name, all);
}

bool text_to_uint(const char *text, uint64_t max, uint64_t *value)
{
    char *end;
    unsigned long long v;

    if (!g_ascii_isdigit(text[0])) {
        return false;
    }
    errno = 0;
    v = strtoull(text, &end,
                 text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
    if (errno || *end || v > max) {
        return false;
    }
    *value = v;
    return true;
}

static uint64_t text_unit(char suffix)
{
    static const char suffixes[] = "bkmgtpe";
    const char *at = strchr(suffixes, g_ascii_tolower(suffix));

    return at && suffix ? UINT64_C(1) << (10 * (at - suffixes)) : 0;
}

bool text_to_size(const char *text, uint64_t unit, uint64_t *bytes)
{
    char *end;
    double v;
    uint64_t whole;

    if (text_to_uint(text, UINT64_MAX, &whole)) {
        *bytes = whole * unit;
        return whole <= UINT64_MAX / unit;
    }
    if (!g_ascii_isdigit(text[0])) {
        return false;
    }
    v = g_ascii_strtod(text, &end);
    if (*end) {
        unit = text_unit(*end++);
    }
    if (!unit || *end || v < 0 || v * (double)unit >= 0x1p63) {
        return false;
    }
    *bytes = (uint64_t)(v * (double)unit);
    return true;
}

bool text_to_bool(const char *text, bool *value)
{
    static const char *const words[] = {"off", "on",    "no",   "yes", "n",
                                        "y",   "false", "true", "0",   "1"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (g_ascii_strcasecmp(text, words[i]) == 0) {
            *value = i & 1;
            return true;
        }
    }
    return false;
}
