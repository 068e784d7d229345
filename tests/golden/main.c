/* SPDX-License-Identifier: MIT */
/*
 * golden: what the translator makes of an instruction, in host bytes and host
 * instructions, beyond what a block of its own costs.
 *
 *   golden INSNS EXPECTED
 *
 * INSNS is 64-bit code, assembled; its first instruction is a NOP. Fails where
 * the counts are not those in EXPECTED, and shows what changed; a change that
 * is meant goes there with `golden INSNS EXPECTED --write`. The counts are those
 * of a host with BMI2 and AVX2; elsewhere there is nothing to compare (77).
 */
#include <string.h>

#include "target/x86/decode.h"
#include "tests/oracle/oracle.h"

enum { SKIP = 77 };

static bool one(GString *out, const uint8_t *code, size_t room,
                struct guest_size *base, size_t *len)
{
    struct x86_decode_mode mode = {.code64 = true, .code32 = true};
    struct x86_insn insn;
    struct guest_size size;
    char text[96];

    if (x86_decode(&insn, code, room, mode) != X86_DECODE_OK ||
        !guest_measure(code, insn.len, &size)) {
        return false;
    }
    *len = insn.len;
    if (base->bytes == 0) {
        *base = size;
    }
    x86_disasm(&insn, ORACLE_CODE, text, sizeof(text));
    g_string_append_printf(out, "%-40s %2u  %3d bytes %2d instructions\n", text,
                           insn.len, (int)(size.bytes - base->bytes),
                           (int)(size.insns - base->insns));
    return true;
}

static char *count_all(const uint8_t *code, size_t size, GError **error)
{
    GString *out = g_string_new("# instruction, its bytes, what the host runs "
                                "for it\n");
    struct guest_size base = {0};

    for (size_t at = 0, len = 0; at < size; at += len) {
        if (!one(out, code + at, size - at, &base, &len)) {
            g_string_free(out, TRUE);
            fail(error, "cannot translate what is at byte %zu", at);
            return NULL;
        }
    }
    return g_string_free(out, FALSE);
}

/* Both have a line an instruction, in the same order. */
static unsigned show_changes(const char *wanted, const char *got)
{
    g_auto(GStrv) a = g_strsplit(wanted, "\n", -1);
    g_auto(GStrv) b = g_strsplit(got, "\n", -1);
    unsigned n = MIN(g_strv_length(a), g_strv_length(b));
    unsigned changes = g_strv_length(a) != g_strv_length(b);

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(a[i], b[i]) != 0) {
            g_print("-%s\n+%s\n", a[i], b[i]);
            changes++;
        }
    }
    return changes;
}

static int compare(const char *file, const char *got, bool write)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *wanted = NULL;
    unsigned changes;

    if (write ? !g_file_set_contents(file, got, -1, &error)
              : !g_file_get_contents(file, &wanted, NULL, &error)) {
        g_printerr("golden: %s\n", error->message);
        return 2;
    }
    changes = write ? 0 : show_changes(wanted, got);
    if (changes) {
        g_print("%u changed; if that is meant: golden INSNS EXPECTED --write\n",
                changes);
    }
    return changes != 0;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *code = NULL, *got = NULL;
    gsize size;

    if (argc < 3) {
        g_printerr("usage: golden INSNS EXPECTED [--write]\n");
        return 2;
    }
    if (!__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("avx2") ||
        !__builtin_cpu_supports("fma")) {
        g_print("this host lacks BMI2, AVX2 or FMA\n");
        return SKIP;
    }
    if (!g_file_get_contents(argv[1], &code, &size, &error) ||
        !guest_init("jit", &error) ||
        !(got = count_all((const uint8_t *)code, size, &error))) {
        g_printerr("golden: %s\n", error->message);
        return 2;
    }
    guest_free();
    return compare(argv[2], got, argc > 3);
}
