/* SPDX-License-Identifier: MIT */
/* Kernels as ELF files: placed by physical address; hostile headers refused. */
#include <string.h>

#include "hw/pc/boot_image.h"
#include "hw/pc/pc_parts.h"

enum { SIZE = 4096, TOP = 16 << 20, HEADERS = 64 };

/* A 64-bit kernel: a segment of 256 bytes, one before it in memory with bss, and a
 * note with a PVH entry. */
static void make64(uint8_t *f)
{
    static const struct elf_segment s[] = {
        {1, 0x400, 0x100, 0x201000, 0x100},
        {1, 0x500, 0x10, 0x200000, 0x80},
        {4, 0x600, 0x14, 0, 0x14},
    };

    memset(f, 0, SIZE);
    memcpy(f, "\177ELF\2\1\1", 7);
    stl_u16(f + 18, 62);
    stl_u64(f + 32, HEADERS);
    stl_u16(f + 54, 56);
    stl_u16(f + 56, G_N_ELEMENTS(s));
    for (unsigned i = 0; i < G_N_ELEMENTS(s); i++) {
        uint8_t *h = f + HEADERS + 56 * i;

        stl_u32(h, s[i].type);
        stl_u64(h + 8, s[i].offset);
        stl_u64(h + 24, s[i].at);
        stl_u64(h + 32, s[i].file_size);
        stl_u64(h + 40, s[i].size);
    }
    memset(f + 0x400, 0xaa, 0x100);
    memset(f + 0x500, 0xbb, 0x10);
    stl_u32(f + 0x600, 4);
    stl_u32(f + 0x604, 4);
    stl_u32(f + 0x608, 18);
    memcpy(f + 0x60c, "Xen", 4);
    stl_u32(f + 0x610, 0x200010);
}

static void test_placed(void)
{
    uint8_t f[SIZE];
    struct boot_image k;

    make64(f);
    g_assert_true(pc_is_pvh(f, SIZE));
    boot_image_init(&k, "PVH", f, SIZE, TOP);
    g_assert_true(boot_image_elf(&k, NULL));
    g_assert_cmphex(k.from, ==, 0x200000);
    g_assert_cmphex(k.to, ==, 0x201100);
    g_assert_cmpuint(k.mem->len, ==, 0x1100);
    g_assert_cmphex(k.mem->data[0], ==, 0xbb);
    g_assert_cmphex(k.mem->data[0x10], ==, 0);
    g_assert_cmphex(k.mem->data[0x1000], ==, 0xaa);
    boot_image_begin_info(&k);
    g_assert_cmphex(k.base, ==, 0x202000);
    boot_image_clear(&k);
}

struct refusal {
    unsigned at, size;
    uint64_t value;
    const char *message;
};

static const struct refusal refusals[] = {
    {18, 2, 40, "PVH: no ELF file for x86"},
    {32, 8, SIZE - 10, "ELF: program header 0 is cut short"},
    {32, 8, UINT64_MAX, "ELF: program header 0 is cut short"},
    {54, 2, 8, "ELF: program header 0 is cut short"},
    {56, 2, 0, "PVH: nothing to load"},
    {HEADERS + 8, 8, SIZE,
     "PVH: a segment of 256 bytes at offset 4096 is cut "
     "short: the file has 4096 bytes"},
    {HEADERS + 8, 8, UINT64_MAX,
     "PVH: a segment of 256 bytes at offset "
     "18446744073709551615 is cut short: the file "
     "has 4096 bytes"},
    {HEADERS + 24, 8, 0x1000,
     "PVH: the kernel wants to be at 0x1000 to "
     "0x200080; memory is there from 1 MiB to 16 MiB "
     "(-m)"},
    {HEADERS + 24, 8, TOP,
     "PVH: the kernel wants to be at 0x200000 to "
     "0x1000100; memory is there from 1 MiB to 16 MiB "
     "(-m)"},
    {HEADERS + 40, 8, UINT64_MAX, "PVH: segment 0 wraps"},
};

static void test_refused(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(refusals); i++) {
        const struct refusal *r = &refusals[i];
        g_autoptr(GError) error = NULL;
        uint8_t f[SIZE];
        struct boot_image k;

        make64(f);
        memcpy(f + r->at, &r->value, r->size);
        boot_image_init(&k, "PVH", f, SIZE, TOP);
        g_assert_false(boot_image_elf(&k, &error));
        g_assert_cmpstr(error->message, ==, r->message);
        boot_image_clear(&k);
    }
}

/* Random bytes in the headers, and files cut short anywhere. */
static void test_junk(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    for (unsigned i = 0; i < 20000; i++) {
        unsigned len = (unsigned)g_rand_int_range(rand, 1, SIZE + 1);
        g_autofree uint8_t *f = g_malloc(SIZE);
        g_autofree uint8_t *cut = NULL;
        g_autoptr(GError) error = NULL;
        struct boot_image k;

        make64(f);
        f[4] = (uint8_t)g_rand_int_range(rand, 1, 3);
        for (unsigned n = (unsigned)g_rand_int_range(rand, 0, 8); n; n--) {
            unsigned at = (unsigned)g_rand_int_range(rand, 0, 256);

            f[at] = (uint8_t)g_rand_int(rand);
        }
        cut = g_memdup2(f, len); /* so that a sanitizer sees its end */
        pc_is_pvh(cut, len);
        pc_is_multiboot(cut, len);
        boot_image_init(&k, "PVH", cut, len, TOP);
        if (!boot_image_elf(&k, &error)) {
            g_assert_nonnull(error);
            g_assert_null(strchr(error->message, '\n'));
        }
        boot_image_clear(&k);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/boot_image/placed", test_placed);
    g_test_add_func("/boot_image/refused", test_refused);
    g_test_add_func("/boot_image/junk", test_junk);
    return g_test_run();
}
