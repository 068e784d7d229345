/* SPDX-License-Identifier: MIT */
#include "base/opts.h"

#include <string.h>

#include "base/text.h"

struct opts *opts_new(void)
{
    struct opts *o = g_new(struct opts, 1);

    o->list = g_array_new(FALSE, FALSE, sizeof(struct opt));
    return o;
}

void opts_free(struct opts *o)
{
    if (!o) {
        return;
    }
    for (guint i = 0; i < o->list->len; i++) {
        g_free(g_array_index(o->list, struct opt, i).key);
        g_free(g_array_index(o->list, struct opt, i).value);
    }
    g_array_free(o->list, TRUE);
    g_free(o);
}

void opts_set(struct opts *o, const char *key, const char *value)
{
    struct opt opt = {.key = g_strdup(key), .value = g_strdup(value)};

    g_array_append_val(o->list, opt);
}

/* Takes one item off *text: up to a comma that is not doubled. */
static char *opts_item(const char **text)
{
    GString *s = g_string_new(NULL);
    const char *p = *text;

    for (; *p; p++) {
        if (*p == ',' && *++p != ',') {
            break;
        }
        g_string_append_c(s, *p);
    }
    *text = p;
    return g_string_free(s, FALSE);
}

static void opts_add_item(struct opts *o, const char *item, const char *implied)
{
    const char *eq = strchr(item, '=');

    if (eq) {
        g_autofree char *key = g_strndup(item, (gsize)(eq - item));

        opts_set(o, key, eq + 1);
    } else if (implied) {
        opts_set(o, implied, item);
    } else if (g_str_has_prefix(item, "no") && item[2]) {
        opts_set(o, item + 2, "off");
    } else {
        opts_set(o, item, "on");
    }
}

struct opts *opts_parse(const char *text, const char *implied, GError **error)
{
    struct opts *o = opts_new();

    while (*text) {
        g_autofree char *item = opts_item(&text);

        if (item[0] == '=') {
            opts_free(o);
            fail(error, "'%s' has no key", item);
            return NULL;
        }
        if (item[0]) {
            opts_add_item(o, item, implied);
        }
        implied = NULL;
    }
    return o;
}

const char *opts_get(struct opts *o, const char *key)
{
    const char *value = NULL;

    for (guint i = 0; i < o->list->len; i++) {
        struct opt *opt = &g_array_index(o->list, struct opt, i);

        if (strcmp(opt->key, key) == 0) {
            opt->used = true;
            value = opt->value;
        }
    }
    return value;
}

bool opts_has(const struct opts *o, const char *key)
{
    for (guint i = 0; i < o->list->len; i++) {
        if (strcmp(g_array_index(o->list, struct opt, i).key, key) == 0) {
            return true;
        }
    }
    return false;
}

bool opts_get_bool(struct opts *o, const char *key, bool *value, GError **error)
{
    const char *text = opts_get(o, key);

    if (text && !text_to_bool(text, value)) {
        return fail(error, "%s=%s: want on or off", key, text);
    }
    return true;
}

bool opts_get_uint(struct opts *o, const char *key, uint64_t max,
                   uint64_t *value, GError **error)
{
    const char *text = opts_get(o, key);

    if (text && !text_to_uint(text, max, value)) {
        return fail(error, "%s=%s: want a number from 0 to %" G_GUINT64_FORMAT,
                    key, text, max);
    }
    return true;
}

bool opts_get_size(struct opts *o, const char *key, uint64_t unit,
                   uint64_t *value, GError **error)
{
    const char *text = opts_get(o, key);

    if (text && !text_to_size(text, unit, value)) {
        return fail(error, "%s=%s: want a size such as 512M or 4G", key, text);
    }
    return true;
}

bool opts_check_used(const struct opts *o, const char *where,
                     const char *const *known, GError **error)
{
    for (guint i = 0; i < o->list->len; i++) {
        const struct opt *opt = &g_array_index(o->list, struct opt, i);

        if (!opt->used) {
            g_autofree char *what = g_strdup_printf("%s parameter", where);

            return fail_unknown(error, what, opt->key, known);
        }
    }
    return true;
}

char *opts_to_text(const struct opts *o)
{
    GString *s = g_string_new(NULL);

    for (guint i = 0; i < o->list->len; i++) {
        const struct opt *opt = &g_array_index(o->list, struct opt, i);
        g_auto(GStrv) parts = g_strsplit(opt->value, ",", -1);
        g_autofree char *value = g_strjoinv(",,", parts);

        g_string_append_printf(s, "%s%s=%s", i ? "," : "", opt->key, value);
    }
    return g_string_free(s, FALSE);
}
