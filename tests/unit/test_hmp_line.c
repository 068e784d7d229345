/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "vm/hmp_line.h"

static char **words(void *opaque, const char *line, size_t cursor)
{
    static const char *const all[] = {"info", "into", "quit", NULL};
    GPtrArray *found = g_ptr_array_new();

    for (size_t i = 0; all[i]; i++) {
        if (strncmp(all[i], line, cursor) == 0) {
            g_ptr_array_add(found, g_strdup(all[i]));
        }
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

static void start(struct hmp_line *l, GString *out)
{
    hmp_line_init(l, "> ");
    l->complete = words;
    hmp_line_start(l, out);
}

/* Types keys; the lines that come out, separated by '|'. */
static char *type(const char *keys)
{
    g_autoptr(GString) out = g_string_new(NULL);
    GString *lines = g_string_new(NULL);
    struct hmp_line l;

    start(&l, out);
    for (; *keys; keys++) {
        if (hmp_line_byte(&l, *keys, out)) {
            g_string_append_printf(lines, "%s|", l.text);
            hmp_line_start(&l, out);
        }
    }
    hmp_line_clear(&l);
    return g_string_free(lines, FALSE);
}

static void test_keys(void)
{
    static const struct {
        const char *keys, *lines;
    } cases[] = {
        {"stop\n", "stop|"},
        {"a\r\nb\r\n", "a|b|"},
        {"\n\n", "||"},
        {"stpo\b\bop\n", "stop|"},
        {"abc\x7f\n", "ab|"},
        {"bc\x01"
         "a\n",
         "abc|"},
        {"ac\033[Db\n", "abc|"},
        {"abc\033[D\033[D\033[C!\n", "ab!c|"},
        {"xabc\033[H\033[3~\n", "abc|"},
        {"xabc\033[1~\x04\033[F!\n", "abc!|"},
        {"foo bar\x17"
         "baz\n",
         "foo baz|"},
        {"foo\x15"
         "bar\n",
         "bar|"},
        {"foobar\002\002\002\x0b\n", "foo|"},
        {"foo\003bar\n", "bar|"},
        {"one\ntwo\n\033[A\033[A\n", "one|two|one|"},
        {"one\ntwo\nx\033[A\033[B!\n", "one|two|x!|"},
        {"one\n\020\016two\n", "one|two|"},
        {"q\t\n", "quit |"},
        {"i\t\n", "in|"},
        {"zz\t\n", "zz|"},
        {"a\033[200;5qb\n", "ab|"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *lines = type(cases[i].keys);

        g_assert_cmpstr(lines, ==, cases[i].lines);
    }
}

static void test_echo(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct hmp_line l;

    start(&l, out);
    hmp_line_byte(&l, 'a', out);
    hmp_line_byte(&l, '\b', out);
    hmp_line_byte(&l, 'b', out);
    g_assert_true(hmp_line_byte(&l, '\r', out));
    g_assert_cmpstr(out->str, ==, "> a\b \bb\r\n");
    hmp_line_clear(&l);
}

static void test_noise(void)
{
    static const char keys[] = "\033[[OABCDFH~13478;\001\002\003\004\005\006"
                               "\010\011\013\014\016\020\025\027\177\r\nabc qi";
    g_autoptr(GString) out = g_string_new(NULL);
    struct hmp_line l;

    start(&l, out);
    for (int i = 0; i < 500000; i++) {
        char c = i % 3 ? keys[g_test_rand_int_range(0, sizeof(keys) - 1)]
                       : (char)g_test_rand_int_range(0, 256);

        if (hmp_line_byte(&l, c, out)) {
            hmp_line_start(&l, out);
        }
        g_assert_cmpuint(l.cursor, <=, l.len);
        g_assert_cmpuint(strlen(l.text), <=, l.len);
        g_string_truncate(out, 0);
    }
    for (int i = 0; i < 10000; i++) { /* more than fits */
        hmp_line_byte(&l, 'x', out);
    }
    g_assert_cmpuint(l.len, <=, HMP_LINE_MAX);
    hmp_line_clear(&l);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hmp_line/keys", test_keys);
    g_test_add_func("/hmp_line/echo", test_echo);
    g_test_add_func("/hmp_line/noise", test_noise);
    return g_test_run();
}
