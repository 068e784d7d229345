/* SPDX-License-Identifier: MIT */
#include "hw/acpi/e820.h"
#include "hw/acpi/smbios.h"
#include "tests/unit/hw_test.h"

/* Walks the structures as a reader does; the n-th of a type, or NULL. */
static const uint8_t *find(const GByteArray *t, unsigned type, unsigned n,
                           unsigned *count)
{
    const uint8_t *found = NULL;
    const uint8_t *p = t->data;
    const uint8_t *stop = t->data + t->len;

    *count = 0;
    while (p + 4 <= stop) {
        const uint8_t *s = p + p[1];

        if (p[0] == type && n-- == 0) {
            found = p;
        }
        (*count)++;
        while (s + 1 < stop && (s[0] || s[1])) {
            s++;
        }
        p = s + 2;
    }
    g_assert_true(p == stop);
    return found;
}

/* String number `n` of a structure. */
static const char *string(const uint8_t *p, unsigned n)
{
    const char *s = (const char *)p + p[1];

    g_assert_cmpuint(n, >, 0);
    while (--n) {
        s += strlen(s) + 1;
    }
    return s;
}

static void test_tables(void)
{
    static const uint8_t uuid[16] = {1, 2,  3,  4,  5,  6,  7,  8,
                                     9, 10, 11, 12, 13, 14, 15, 16};
    const struct smbios_config c = {
        .system = {.manufacturer = "Maker", .serial = "42", .uuid = uuid},
        .cpu = {.sockets = 2, .cores = 4, .threads = 2},
        .memory = {.low = 3 * GIB, .high = 29 * GIB},
        .oem_strings = (const char *const[]){"one", "two", NULL},
    };
    g_autoptr(GByteArray) t = g_byte_array_new();
    g_autoptr(GByteArray) e = g_byte_array_new();
    const uint8_t *p;
    unsigned count;

    smbios_build(&c, t, e);
    g_assert_null(find(t, 0, 0, &count)); /* the firmware's own */
    g_assert_cmpuint(count, ==, ldl_u16(e->data + 0x1c));
    g_assert_cmpuint(t->len, ==, ldl_u16(e->data + 0x16));
    g_assert_cmpmem(e->data, 4, "_SM_", 4);
    g_assert_cmpuint(e->len, ==, 31);
    p = find(t, 1, 0, &count);
    g_assert_cmpstr(string(p, p[4]), ==, "Maker");
    g_assert_cmpstr(string(p, p[7]), ==, "42");
    g_assert_cmpuint(p[5], ==, 0);
    g_assert_cmpmem(p + 8, 16, "\4\3\2\1\6\5\10\7\11\12\13\14\15\16\17\20", 16);
    g_assert_null(find(t, 2, 0, &count));
    g_assert_nonnull(find(t, 3, 0, &count));
    p = find(t, 4, 1, &count);
    g_assert_cmpstr(string(p, p[4]), ==, "CPU 1");
    g_assert_cmpuint(p[0x23], ==, 4);
    g_assert_cmpuint(p[0x25], ==, 8);
    p = find(t, 11, 0, &count);
    g_assert_cmpuint(p[4], ==, 2);
    g_assert_cmpstr(string(p, 2), ==, "two");
    p = find(t, 16, 0, &count);
    g_assert_cmphex(ldl_u32(p + 7), ==, 32 * 1024 * 1024);
    g_assert_nonnull(find(t, 17, 1, &count));
    g_assert_null(find(t, 17, 2, &count));
    p = find(t, 19, 1, &count);
    g_assert_cmphex(ldl_u32(p + 4), ==, 4 * 1024 * 1024);
    g_assert_nonnull(find(t, 32, 0, &count));
    g_assert_nonnull(find(t, 127, 0, &count));
}

static void test_fw_cfg(void)
{
    const struct smbios_config c = {
        .bios = {.vendor = "Vendor", .uefi = true},
        .memory = {.low = 64 * MIB},
    };
    struct machine m;
    struct fw_cfg *fw;
    const struct fw_cfg_item *map;

    hw_test_init(&m);
    fw = hw_test_dev(&m, &fw_cfg_type);
    g_assert_true(smbios_init(fw, &c, NULL));
    g_assert_nonnull(fw_cfg_find_file(fw, "etc/smbios/smbios-tables"));
    g_assert_true(e820_add(fw, 0, 64 * MIB, E820_RAM, NULL));
    g_assert_true(e820_add(fw, 0xfeffc000, 0x4000, E820_RESERVED, NULL));
    map = fw_cfg_find_file(fw, "etc/e820");
    g_assert_cmpuint(map->len, ==, 40);
    g_assert_cmphex(ldl_u64(map->data + 20), ==, 0xfeffc000);
    g_assert_cmphex(ldl_u32(map->data + 36), ==, 2);
    hw_test_done(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smbios/tables", test_tables);
    g_test_add_func("/smbios/fw_cfg", test_fw_cfg);
    return g_test_run();
}
