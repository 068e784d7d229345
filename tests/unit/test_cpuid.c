/* SPDX-License-Identifier: MIT */
/* What CPUID says of sockets, cores and threads: [SDM] vol. 3, 9.9.3, and
 * [APM] vol. 3, appendix E.5; and -cpu's properties. */
#include <glib.h>
#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/model.h"

static void ask(const struct x86_model *m, uint32_t apic_id, uint32_t leaf,
                uint32_t subleaf, uint32_t out[4])
{
    struct x86_cpu *cpu = g_malloc0(sizeof(*cpu));

    cpu->model = m;
    cpu->apic_id = apic_id;
    x86_cpuid(cpu, leaf, subleaf, out);
    g_free(cpu);
}

/* Three cores take two bits of the APIC id, two threads one. */
static void test_topology(void)
{
    g_autofree struct x86_model *m = x86_model_new("max", NULL);
    uint32_t out[4];

    m->cores = 3;
    m->threads = 2;
    ask(m, 13, 1, 0, out);
    g_assert_cmpuint(out[1] >> 16 & 0xff, ==, 8); /* ids of a socket */
    g_assert_cmpuint(out[1] >> 24, ==, 13);
    g_assert_true(out[3] >> 28 & 1);
    ask(m, 13, 0xb, 0, out);
    g_assert_cmpuint(out[0], ==, 1);
    g_assert_cmpuint(out[1], ==, 2);
    g_assert_cmphex(out[2], ==, 0x100);
    g_assert_cmpuint(out[3], ==, 13);
    ask(m, 13, 0xb, 1, out);
    g_assert_cmpuint(out[0], ==, 3);
    g_assert_cmpuint(out[1], ==, 6);
    g_assert_cmphex(out[2], ==, 0x201);
    ask(m, 13, 0xb, 2, out);
    g_assert_cmpuint(out[1], ==, 0);
    g_assert_cmphex(out[2], ==, 2);
    ask(m, 13, 0x80000008, 0, out);
    g_assert_cmpuint(out[2] & 0xff, ==, 5);
    g_assert_cmpuint(out[2] >> 12 & 15, ==, 3);
}

/* One CPU a socket is not told to be several. */
static void test_alone(void)
{
    g_autofree struct x86_model *m = x86_model_new("qemu64", NULL);
    uint32_t out[4];

    ask(m, 2, 1, 0, out);
    g_assert_cmpuint(out[1] >> 16 & 0xff, ==, 1);
    g_assert_false(out[3] >> 28 & 1);
    ask(m, 2, 0xb, 1, out);
    g_assert_cmpuint(out[0], ==, 0);
    g_assert_cmpuint(out[1], ==, 1);
    ask(m, 2, 0x80000001, 0, out);
    g_assert_false(out[2] >> 1 & 1);
}

static void test_properties(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree struct x86_model *m = x86_model_new(
        "qemu64,vendor=GenuineIntel,model-id=A CPU of mine,+avx,-sse3,family=6",
        NULL);
    uint32_t out[4];

    ask(m, 0, 0, 0, out);
    g_assert_cmpmem(&out[1], 4, "Genu", 4);
    ask(m, 0, 0x80000002, 0, out);
    g_assert_cmpmem(out, 13, "A CPU of mine", 13);
    ask(m, 0, 1, 0, out);
    g_assert_true(out[2] >> 28 & 1);
    g_assert_false(out[2] & 1);
    g_assert_cmpuint(out[0] >> 8 & 15, ==, 6);
    g_assert_null(x86_model_new("qemu64,+svm,enforce", &error));
    g_assert_nonnull(strstr(error->message, "svm"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpuid/topology", test_topology);
    g_test_add_func("/cpuid/alone", test_alone);
    g_test_add_func("/cpuid/properties", test_properties);
    return g_test_run();
}
