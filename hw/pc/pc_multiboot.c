/* SPDX-License-Identifier: MIT */
/*
 * -kernel with a Multiboot kernel, modules by -initrd "FILE ARGS,FILE ARGS":
 * lays them out for pc-bios/elfboot.S. [MULTIBOOT]
 *
 * Not modelled: symbols, drives, APM and video in the boot information; a
 * kernel that wishes for a video mode starts in text mode. 64-bit ELF.
 */
#include "hw/pc/boot_image.h"
#include "hw/pc/pc_parts.h"

enum {
    MB_MAGIC = 0x1badb002,
    MB_SEARCH = 8192,
    MB_KNOWN = 0x7, /* of what a kernel may demand: bits 0-15 */
    MB_ADDRESSES = 1 << 16,
};

enum { /* offsets in the boot information */
       I_FLAGS = 0,
       I_MEM_LOWER = 4,
       I_MEM_UPPER = 8,
       I_CMDLINE = 16,
       I_MODS_COUNT = 20,
       I_MODS_ADDR = 24,
       I_MMAP_ADDR = 48,
       I_LOADER = 64,
       I_SIZE = 88,
       MODULE_SIZE = 16,
};

/* Where the header is, or len. */
static gsize mb_find(const uint8_t *file, gsize len)
{
    for (gsize i = 0; i + 32 <= MIN(len, (gsize)MB_SEARCH); i += 4) {
        if (ldl_u32(file + i) == MB_MAGIC &&
            ldl_u32(file + i) + ldl_u32(file + i + 4) + ldl_u32(file + i + 8) ==
                0) {
            return i;
        }
    }
    return len;
}

bool pc_is_multiboot(const uint8_t *file, gsize len)
{
    return mb_find(file, len) < len;
}

static bool mb_addresses(struct boot_image *k, gsize at, GError **error)
{
    const uint8_t *h = k->file + at;
    uint32_t header = ldl_u32(h + 12), load = ldl_u32(h + 16);
    uint32_t load_end = ldl_u32(h + 20), bss_end = ldl_u32(h + 24);
    uint64_t offset = at - (uint64_t)(header - load);
    uint64_t size, room;

    if (load > header || header - load > at || (load_end && load_end < load)) {
        return fail(error, "Multiboot: the header's addresses contradict");
    }
    size = load_end ? load_end - load : k->len - offset;
    room = bss_end > load ? bss_end - load : 0;
    k->entry = ldl_u32(h + 28);
    return boot_image_place(k, load, load + MAX(size, room), error) &&
           boot_image_segment(k, load, offset, size, error);
}

static bool mb_elf(struct boot_image *k, GError **error)
{
    if (!elf_is_x86(k->file, k->len) || elf_is_64(k->file)) {
        return fail(error, "Multiboot: neither 32-bit ELF nor addresses in "
                           "the header");
    }
    k->entry = ldl_u32(k->file + 24);
    return boot_image_elf(k, error);
}

static bool mb_modules(struct boot_image *k, const char *list, GError **error)
{
    g_auto(GStrv) words = g_strsplit(list ? list : "", ",", -1);
    guint count = g_strv_length(words), row = k->info->len;

    stl_u32(k->info->data + I_MODS_ADDR,
            boot_image_add(k, NULL, count * MODULE_SIZE));
    stl_u32(k->info->data + I_MODS_COUNT, count);
    for (guint i = 0; i < count; i++, row += MODULE_SIZE) {
        uint32_t text = boot_image_add_string(k, words[i]);
        uint32_t start, len;

        if (!boot_image_module(k, words[i], &start, &len, error)) {
            return false;
        }
        stl_u32(k->info->data + row, start);
        stl_u32(k->info->data + row + 4, start + len);
        stl_u32(k->info->data + row + 8, text);
    }
    return true;
}

static bool mb_info(struct boot_image *k, const struct board_config *c,
                    GError **error)
{
    g_autofree char *line =
        g_strdup_printf("%s %s", c->kernel, c->append ? c->append : "");
    uint32_t at;

    boot_image_begin_info(k);
    boot_image_add(k, NULL, I_SIZE);
    at = boot_image_add_string(k, line);
    stl_u32(k->info->data + I_CMDLINE, at);
    at = boot_image_add_string(k, "Rhea");
    stl_u32(k->info->data + I_LOADER, at);
    /* memory, command line, modules, memory map, loader's name */
    stl_u32(k->info->data + I_FLAGS, 1 | 4 | 8 | 1 << 6 | 1 << 9);
    stl_u32(k->info->data + I_MEM_LOWER, 640);
    stl_u32(k->info->data + I_MEM_UPPER,
            (uint32_t)((k->top - MIN(k->top, MIB)) / KIB));
    stl_u32(k->info->data + I_MMAP_ADDR, BOOT_IMAGE_MAP);
    return mb_modules(k, c->initrd, error);
}

static bool mb_load(struct boot_image *k, const struct board_config *c,
                    GError **error)
{
    gsize at = mb_find(k->file, k->len);
    uint32_t flags = ldl_u32(k->file + at + 4);

    if (flags & 0xffff & ~MB_KNOWN) {
        return fail(error, "Multiboot: the kernel demands features 0x%x",
                    flags & 0xffff);
    }
    return (flags & MB_ADDRESSES ? mb_addresses(k, at, error)
                                 : mb_elf(k, error)) &&
           mb_info(k, c, error);
}

bool pc_load_multiboot(const uint8_t *file, gsize len, struct fw_cfg *fw,
                       const struct board_config *c, const struct pc_ram *ram,
                       GError **error)
{
    struct boot_image k;
    bool ok;

    boot_image_init(&k, "Multiboot", file, len, ram->low_size);
    ok = mb_load(&k, c, error) && boot_image_finish(&k, fw, error);
    boot_image_clear(&k);
    return ok;
}
