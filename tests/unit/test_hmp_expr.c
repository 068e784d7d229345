/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "vm/hmp_expr.h"

static bool get(void *opaque, const char *name, uint64_t *value)
{
    *value = 0x1000;
    return strcmp(name, "rax") == 0;
}

static const struct hmp_registers regs = {get, NULL};

static void test_values(void)
{
    static const struct {
        const char *text;
        uint64_t value;
        const char *rest;
    } cases[] = {
        {"1", 1, ""},
        {"0x10", 16, ""},
        {"010", 8, ""},
        {"'a'", 97, ""},
        {" 1 + 2*3 ", 7, ""},
        {"(1+2)*3", 9, ""},
        {"$rax+8", 0x1008, ""},
        {"-1", UINT64_MAX, ""},
        {"~0", UINT64_MAX, ""},
        {"!5", 0, ""},
        {"1<<4|1", 17, ""},
        {"1<<64", 0, ""},
        {"7&3^1", 2, ""},
        {"10-2-3", 5, ""},
        {"100/7%5", 4, ""},
        {"0x10 0x20", 16, "0x20"},
        {"0xffffffffffffffff", UINT64_MAX, ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *p = cases[i].text;
        g_autoptr(GError) error = NULL;
        uint64_t v = 0;

        g_assert_true(hmp_expr(&p, &regs, &v, &error));
        g_assert_cmpuint(v, ==, cases[i].value);
        g_assert_cmpstr(p, ==, cases[i].rest);
    }
}

static void test_errors(void)
{
    static const char *const cases[] = {
        "",       "+",   "1+", "(1", "$foo", "$",
        "1/0",    "5%0", "'a", "0x", "12ab", "99999999999999999999",
        "((((((", "*3"};
    g_autoptr(GString) deep = g_string_new(NULL);

    for (int i = 0; i < 100000; i++) {
        g_string_append_c(deep, i & 1 ? '(' : '-');
    }
    for (size_t i = 0; i <= G_N_ELEMENTS(cases); i++) {
        const char *p = i < G_N_ELEMENTS(cases) ? cases[i] : deep->str;
        g_autoptr(GError) error = NULL;
        uint64_t v = 0;

        g_assert_false(hmp_expr(&p, &regs, &v, &error));
        g_assert_nonnull(error);
    }
}

static void test_noise(void)
{
    static const char letters[] = "0123xX9abf+-*/%&|^~!()$' <>rax";

    for (int round = 0; round < 200000; round++) {
        char text[24] = {0};
        int n = g_test_rand_int_range(0, sizeof(text) - 1);
        g_autoptr(GError) error = NULL;
        const char *p = text;
        uint64_t v;

        for (int i = 0; i < n; i++) {
            text[i] = letters[g_test_rand_int_range(0, sizeof(letters) - 1)];
        }
        if (!hmp_expr(&p, &regs, &v, &error)) {
            g_assert_nonnull(error);
        }
        g_assert_true(p >= text && p <= text + n);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hmp_expr/values", test_values);
    g_test_add_func("/hmp_expr/errors", test_errors);
    g_test_add_func("/hmp_expr/noise", test_noise);
    return g_test_run();
}
