/* SPDX-License-Identifier: MIT */
/* The stream of JSON values: pieces, quotes, limits, noise. */
#include <string.h>

#include "vm/qmp_json.h"

/* Feeds all; values and errors ("!") come back as one text. */
static char *feed(const char *text, size_t len, size_t piece)
{
    GString *out = g_string_new(NULL);
    struct json_stream s;

    json_stream_init(&s);
    for (size_t at = 0; at < len;) {
        size_t n = MIN(piece, len - at);
        g_autoptr(GError) error = NULL;
        size_t used = 0;

        switch (json_stream_feed(&s, text + at, n, &used, &error)) {
        case JSON_FOUND_MORE: g_assert_cmpuint(used, ==, n); break;
        case JSON_FOUND_BAD:
            g_assert_nonnull(error);
            g_string_append_c(out, '!');
            break;
        case JSON_FOUND_VALUE: {
            g_autoptr(JsonNode) node = json_stream_take(&s, &error);

            g_assert_true((node == NULL) == (error != NULL));
            if (node) {
                json_print(node, out);
            } else {
                g_string_append_c(out, '?');
            }
            break;
        }
        }
        at += used;
    }
    json_stream_clear(&s);
    return g_string_free(out, FALSE);
}

static void test_values(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{\"a\":1}", "{\"a\": 1}"},
        {" {} \n[] ", "{}[]"},
        {"{'a':'b\"c'}", "{\"a\": \"b\\\"c\"}"},
        {"{'a':'it\\'s'}", "{\"a\": \"it's\"}"},
        {"{\"a\":\"}{][\"}", "{\"a\": \"}{][\"}"},
        {"{\"a\":\"\\\\\"}{}", "{\"a\": \"\\\\\"}{}"},
        {"{\"z\":true,\"a\":null,\"m\":[1,-2,\"x\"]}",
         "{\"z\": true, \"a\": null, \"m\": [1, -2, \"x\"]}"},
        {"{\"u\":\"\\u00e9\\n\"}", "{\"u\": \"\xc3\xa9\\n\"}"},
        {"quit\n{}", "!{}"},
        {"{\"a\" 1}{}", "?{}"},
        {"{\"a\n\":1}{}", "!!{}"},
        {"{\"a\": \xff{}", "!{}"},
        {"\xff\xff{}", "{}"},
        {"[}", "?"},
        {"{\"a\":\"\xc3\"}{}", "?{}"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (size_t piece = 1; piece < 40; piece += 7) {
            g_autofree char *out =
                feed(cases[i].in, strlen(cases[i].in), piece);

            g_assert_cmpstr(out, ==, cases[i].out);
        }
    }
}

static void test_limits(void)
{
    g_autoptr(GString) deep = g_string_new(NULL);
    g_autoptr(GString) big = g_string_new("{\"a\":\"");
    g_autofree char *out = NULL;
    g_autofree char *out2 = NULL;

    for (int i = 0; i < 100000; i++) {
        g_string_append_c(deep, '[');
    }
    g_string_append(deep, "\n{}");
    out = feed(deep->str, deep->len, 4096);
    g_assert_cmpstr(out, ==, "!{}");

    for (int i = 0; i < JSON_TEXT_MAX / 64 + 10; i++) {
        g_string_append(big, "0123456789abcdef0123456789abcdef"
                             "0123456789abcdef0123456789abcdef");
    }
    g_string_append(big, "\"}\n{}");
    out2 = feed(big->str, big->len, 65536);
    g_assert_cmpstr(out2, ==, "!{}");
}

/* The deepest that is allowed must not break the parser behind. */
static void test_deep(void)
{
    g_autoptr(GString) deep = g_string_new(NULL);
    g_autofree char *out = NULL;

    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        g_string_append_c(deep, '[');
    }
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        g_string_append_c(deep, ']');
    }
    out = feed(deep->str, deep->len, 100);
    g_assert_true(g_str_has_prefix(out, "[[["));
}

/* Noise made of what JSON is made of. */
static void test_noise(void)
{
    static const char letters[] = "{}[]\"':,\\ntrue1-e.u00ff \n\t\x01\xff\xc3";

    for (int round = 0; round < 20000; round++) {
        char text[64];
        size_t n = (size_t)g_test_rand_int_range(1, (gint)sizeof(text));
        g_autofree char *out = NULL;

        for (size_t i = 0; i < n; i++) {
            text[i] = letters[g_test_rand_int_range(0, sizeof(letters) - 1)];
        }
        out = feed(text, n, (size_t)g_test_rand_int_range(1, 20));
    }
}

/* A good message with bytes changed. */
static void test_mutations(void)
{
    static const char good[] =
        "{\"execute\": \"x\", \"arguments\": {\"a\": [1, 2.5, null]}}\n";

    for (int round = 0; round < 20000; round++) {
        char text[sizeof(good)];
        g_autofree char *out = NULL;

        memcpy(text, good, sizeof(good));
        for (int i = 0; i < 3; i++) {
            text[g_test_rand_int_range(0, sizeof(good) - 1)] =
                (char)g_test_rand_int_range(0, 256);
        }
        out = feed(text, sizeof(good) - 1, 16);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp_json/values", test_values);
    g_test_add_func("/qmp_json/limits", test_limits);
    g_test_add_func("/qmp_json/deep", test_deep);
    g_test_add_func("/qmp_json/noise", test_noise);
    g_test_add_func("/qmp_json/mutations", test_mutations);
    return g_test_run();
}
