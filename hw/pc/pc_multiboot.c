/* SPDX-License-Identifier: MIT */
/*
 * -kernel with a Multiboot kernel, modules by -initrd "FILE ARGS,FILE ARGS":
 * lays them out for pc-bios/elfboot.S. [MULTIBOOT]
 *
 * Not modelled: symbols, drives, APM and video in the boot information; a
 * kernel that wishes for a video mode starts in text mode. 64-bit ELF.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/misc/fw_cfg.h"
#include "hw/pc/pc_parts.h"
#include "pc-bios/roms.h"

enum {
    MB_MAGIC = 0x1badb002,
    MB_SEARCH = 8192,
    MB_KNOWN = 0x7, /* of what a kernel may demand: bits 0-15 */
    MB_ADDRESSES = 1 << 16,
    MB_MAP = 0x9000, /* elfboot.S knows it */
    PAGE = 4096,
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

static uint64_t page_up(uint64_t at)
{
    return (at + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

struct mb_image {
    const uint8_t *file;
    gsize len;
    uint64_t from, to; /* physical */
    uint32_t entry;
    GByteArray *mem;  /* [from, to) */
    GByteArray *info; /* at `base`: boot information, then modules */
    uint32_t base;
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

static bool mb_segment(struct mb_image *k, uint64_t at, uint64_t offset,
                       uint64_t file_size, uint64_t size, uint64_t top,
                       GError **error)
{
    size = MAX(size, file_size);
    if (at < MIB || at + size > top || offset > k->len ||
        file_size > k->len - offset) {
        return fail(error,
                    "Multiboot: a segment of %" PRIu64 " bytes at 0x%" PRIx64
                    " is cut short, or outside of memory (-m)",
                    size, at);
    }
    if (!k->mem->len) {
        k->from = k->to = at;
    }
    if (at < k->from) {
        return fail(error, "Multiboot: segments are not sorted by address");
    }
    if (at + size > k->to) {
        guint old = k->mem->len;

        k->to = at + size;
        g_byte_array_set_size(k->mem, (guint)(k->to - k->from));
        memset(k->mem->data + old, 0, k->mem->len - old);
    }
    if (file_size) {
        memcpy(k->mem->data + (at - k->from), k->file + offset, file_size);
    }
    return true;
}

static bool mb_addresses(struct mb_image *k, gsize at, uint64_t top,
                         GError **error)
{
    const uint8_t *h = k->file + at;
    uint32_t header = ldl_u32(h + 12), load = ldl_u32(h + 16);
    uint32_t load_end = ldl_u32(h + 20), bss_end = ldl_u32(h + 24);
    uint64_t offset = at - (uint64_t)(header - load);
    uint64_t size;

    if (load > header || header - load > at || (load_end && load_end < load)) {
        return fail(error, "Multiboot: the header's addresses contradict");
    }
    size = load_end ? load_end - load : k->len - offset;
    k->entry = ldl_u32(h + 28);
    return mb_segment(k, load, offset, size,
                      bss_end > load ? bss_end - load : 0, top, error);
}

static bool mb_elf(struct mb_image *k, uint64_t top, GError **error)
{
    const uint8_t *f = k->file;
    uint64_t at;
    unsigned count;

    if (k->len < 52 || memcmp(f, "\177ELF\1\1", 6) != 0) {
        return fail(error, "Multiboot: neither 32-bit ELF nor addresses in "
                           "the header");
    }
    k->entry = ldl_u32(f + 24);
    at = ldl_u32(f + 28);
    count = ldl_u16(f + 44);
    for (unsigned i = 0; i < count; i++, at += 32) {
        if (at + 32 > k->len) {
            return fail(error, "Multiboot: program headers are cut short");
        }
        if (ldl_u32(f + at) == 1 && ldl_u32(f + at + 20) &&
            !mb_segment(k, ldl_u32(f + at + 12), ldl_u32(f + at + 4),
                        ldl_u32(f + at + 16), ldl_u32(f + at + 20), top,
                        error)) {
            return false;
        }
    }
    return k->mem->len || fail(error, "Multiboot: nothing to load");
}

/* Adds to the information; its address. */
static uint32_t mb_add(struct mb_image *k, const void *data, gsize len)
{
    uint32_t at = k->base + k->info->len;

    g_byte_array_append(k->info, data, (guint)len);
    return at;
}

static uint32_t mb_add_string(struct mb_image *k, const char *s)
{
    return mb_add(k, s, strlen(s) + 1);
}

static bool mb_module(struct mb_image *k, const char *text, guint row,
                      uint64_t top, GError **error)
{
    const char *space = strchr(text, ' ');
    g_autofree char *path =
        space ? g_strndup(text, (gsize)(space - text)) : g_strdup(text);
    g_autofree char *data = NULL;
    guint old = k->info->len, start = (guint)page_up(old);
    gsize len = 0;
    uint8_t *entry;

    if (!g_file_get_contents(path, &data, &len, error)) {
        return false;
    }
    if (k->base + (uint64_t)start + len + PAGE > top) {
        return fail(error,
                    "module '%s' does not fit: more memory (-m) is "
                    "needed",
                    path);
    }
    g_byte_array_set_size(k->info, start);
    memset(k->info->data + old, 0, start - old);
    mb_add(k, data, len);
    entry = k->info->data + row;
    stl_u32(entry, k->base + start);
    stl_u32(entry + 4, k->base + start + (uint32_t)len);
    return true;
}

static bool mb_modules(struct mb_image *k, const char *list, uint64_t top,
                       GError **error)
{
    g_auto(GStrv) words = g_strsplit(list ? list : "", ",", -1);
    guint count = g_strv_length(words), row = k->info->len;

    g_byte_array_set_size(k->info, row + count * MODULE_SIZE);
    memset(k->info->data + row, 0, count * MODULE_SIZE);
    stl_u32(k->info->data + I_MODS_COUNT, count);
    stl_u32(k->info->data + I_MODS_ADDR, k->base + row);
    for (guint i = 0; i < count; i++) {
        uint32_t text = mb_add_string(k, words[i]);

        stl_u32(k->info->data + row + i * MODULE_SIZE + 8, text);
    }
    for (guint i = 0; i < count; i++) {
        if (!mb_module(k, words[i], row + i * MODULE_SIZE, top, error)) {
            return false;
        }
    }
    return true;
}

static bool mb_info(struct mb_image *k, const struct board_config *c,
                    const struct pc_ram *ram, GError **error)
{
    g_autofree char *line =
        g_strdup_printf("%s %s", c->kernel, c->append ? c->append : "");
    uint8_t fixed[I_SIZE] = {0};
    uint32_t at;

    k->base = (uint32_t)page_up(k->to);
    mb_add(k, fixed, sizeof(fixed));
    at = mb_add_string(k, line);
    stl_u32(k->info->data + I_CMDLINE, at);
    at = mb_add_string(k, "Rhea");
    stl_u32(k->info->data + I_LOADER, at);
    /* memory, command line, modules, memory map, loader's name */
    stl_u32(k->info->data + I_FLAGS, 1 | 4 | 8 | 1 << 6 | 1 << 9);
    stl_u32(k->info->data + I_MEM_LOWER, 640);
    stl_u32(k->info->data + I_MEM_UPPER,
            (uint32_t)((ram->low_size - MIN(ram->low_size, MIB)) / KIB));
    stl_u32(k->info->data + I_MMAP_ADDR, MB_MAP);
    return mb_modules(k, c->initrd, ram->low_size, error);
}

static bool mb_load(struct mb_image *k, struct fw_cfg *fw,
                    const struct board_config *c, const struct pc_ram *ram,
                    GError **error)
{
    gsize at = mb_find(k->file, k->len);
    uint32_t flags = ldl_u32(k->file + at + 4);
    uint64_t top = ram->low_size;

    if (flags & 0xffff & ~MB_KNOWN) {
        return fail(error, "Multiboot: the kernel demands features 0x%x",
                    flags & 0xffff);
    }
    if (!(flags & MB_ADDRESSES ? mb_addresses(k, at, top, error)
                               : mb_elf(k, top, error)) ||
        !mb_info(k, c, ram, error)) {
        return false;
    }
    fw_cfg_add_u32(fw, FW_CFG_KERNEL_ENTRY, k->entry);
    fw_cfg_add_u32(fw, FW_CFG_KERNEL_ADDR, (uint32_t)k->from);
    fw_cfg_add_u32(fw, FW_CFG_KERNEL_SIZE, k->mem->len);
    fw_cfg_add_bytes(fw, FW_CFG_KERNEL_DATA, k->mem->data, k->mem->len);
    fw_cfg_add_u32(fw, FW_CFG_INITRD_ADDR, k->base);
    fw_cfg_add_u32(fw, FW_CFG_INITRD_SIZE, k->info->len);
    fw_cfg_add_bytes(fw, FW_CFG_INITRD_DATA, k->info->data, k->info->len);
    return fw_cfg_add_file(fw, "genroms/rhea-boot.rom", rom_elfboot,
                           rom_elfboot_size, error);
}

bool pc_load_multiboot(const uint8_t *file, gsize len, struct fw_cfg *fw,
                       const struct board_config *c, const struct pc_ram *ram,
                       GError **error)
{
    struct mb_image k = {.file = file, .len = len};
    bool ok;

    k.mem = g_byte_array_new();
    k.info = g_byte_array_new();
    ok = mb_load(&k, fw, c, ram, error);
    g_byte_array_unref(k.mem);
    g_byte_array_unref(k.info);
    return ok;
}
