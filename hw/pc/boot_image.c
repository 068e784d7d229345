/* SPDX-License-Identifier: MIT */
#include "hw/pc/boot_image.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "pc-bios/roms.h"

enum { PAGE = 4096, PT_LOAD = 1 };

static uint64_t page_up(uint64_t at)
{
    return (at + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* ---- ELF ---- */

bool elf_is_64(const uint8_t *file)
{
    return file[4] == 2;
}

/* Little-endian, for the 80386 or x86-64. */
bool elf_is_x86(const uint8_t *file, gsize len)
{
    if (len < 52 || memcmp(file, "\177ELF", 4) != 0 || file[5] != 1) {
        return false;
    }
    return elf_is_64(file) ? len >= 64 && ldl_u16(file + 18) == 62
                           : file[4] == 1 && ldl_u16(file + 18) == 3;
}

bool elf_get_segment(const uint8_t *file, gsize len, unsigned i,
                     struct elf_segment *s, GError **error)
{
    bool wide = elf_is_64(file);
    uint64_t table = wide ? ldl_u64(file + 32) : ldl_u32(file + 28);
    unsigned size = ldl_u16(file + (wide ? 54 : 42));
    unsigned least = wide ? 56 : 32;
    uint64_t at = (uint64_t)i * size;
    const uint8_t *h;

    if (i >= ldl_u16(file + (wide ? 56 : 44))) {
        return false;
    }
    if (size < least || table > len || at + least > len - table) {
        return fail(error, "ELF: program header %u is cut short", i);
    }
    h = file + table + at;
    *s = wide
             ? (struct elf_segment){ldl_u32(h), ldl_u64(h + 8), ldl_u64(h + 32),
                                    ldl_u64(h + 24), ldl_u64(h + 40)}
             : (struct elf_segment){ldl_u32(h), ldl_u32(h + 4), ldl_u32(h + 16),
                                    ldl_u32(h + 12), ldl_u32(h + 20)};
    s->size = MAX(s->size, s->file_size);
    return true;
}

/* ---- the kernel ---- */

void boot_image_init(struct boot_image *k, const char *kind,
                     const uint8_t *file, gsize len, uint64_t top)
{
    *k = (struct boot_image){
        .kind = kind,
        .file = file,
        .len = len,
        .top = top,
        .mem = g_byte_array_new(),
        .info = g_byte_array_new(),
    };
}

void boot_image_clear(struct boot_image *k)
{
    g_byte_array_unref(k->mem);
    g_byte_array_unref(k->info);
}

bool boot_image_place(struct boot_image *k, uint64_t from, uint64_t to,
                      GError **error)
{
    if (from < MIB || from >= to || to > k->top) {
        return fail(error,
                    "%s: the kernel wants to be at 0x%" PRIx64 " to 0x%" PRIx64
                    "; memory is there from 1 MiB to %" PRIu64 " MiB (-m)",
                    k->kind, from, to, k->top / MIB);
    }
    k->from = from;
    k->to = to;
    g_byte_array_set_size(k->mem, (guint)(to - from));
    memset(k->mem->data, 0, k->mem->len);
    return true;
}

bool boot_image_segment(struct boot_image *k, uint64_t at, uint64_t offset,
                        uint64_t size, GError **error)
{
    if (offset > k->len || size > k->len - offset) {
        return fail(error,
                    "%s: a segment of %" PRIu64 " bytes at offset %" PRIu64
                    " is cut short: the file has %zu bytes",
                    k->kind, size, offset, k->len);
    }
    assert(at >= k->from && at <= k->to && size <= k->to - at);
    if (size) {
        memcpy(k->mem->data + (at - k->from), k->file + offset, size);
    }
    return true;
}

/* The span of the segments to load. */
static bool elf_span(struct boot_image *k, uint64_t *from, uint64_t *to,
                     GError **error)
{
    struct elf_segment s;
    GError *why = NULL;

    *from = UINT64_MAX;
    *to = 0;
    for (unsigned i = 0; elf_get_segment(k->file, k->len, i, &s, &why); i++) {
        if (s.type == PT_LOAD && s.size) {
            if (s.at + s.size < s.at) {
                return fail(error, "%s: segment %u wraps", k->kind, i);
            }
            *from = MIN(*from, s.at);
            *to = MAX(*to, s.at + s.size);
        }
    }
    if (why) {
        g_propagate_error(error, why);
        return false;
    }
    return *to || fail(error, "%s: nothing to load", k->kind);
}

bool boot_image_elf(struct boot_image *k, GError **error)
{
    struct elf_segment s;
    uint64_t from, to;

    if (!elf_is_x86(k->file, k->len)) {
        return fail(error, "%s: no ELF file for x86", k->kind);
    }
    if (!elf_span(k, &from, &to, error) ||
        !boot_image_place(k, from, to, error)) {
        return false;
    }
    for (unsigned i = 0; elf_get_segment(k->file, k->len, i, &s, NULL); i++) {
        if (s.type == PT_LOAD && s.size &&
            !boot_image_segment(k, s.at, s.offset, s.file_size, error)) {
            return false;
        }
    }
    return true;
}

/* ---- what it is told ---- */

void boot_image_begin_info(struct boot_image *k)
{
    k->base = (uint32_t)page_up(k->to);
}

uint32_t boot_image_add(struct boot_image *k, const void *data, gsize len)
{
    guint old = k->info->len;

    g_byte_array_set_size(k->info, old + (guint)len);
    if (data && len) {
        memcpy(k->info->data + old, data, len);
    } else {
        memset(k->info->data + old, 0, len);
    }
    return k->base + old;
}

uint32_t boot_image_add_string(struct boot_image *k, const char *s)
{
    return boot_image_add(k, s, strlen(s) + 1);
}

bool boot_image_module(struct boot_image *k, const char *text, uint32_t *start,
                       uint32_t *len, GError **error)
{
    const char *space = strchr(text, ' ');
    g_autofree char *path =
        space ? g_strndup(text, (gsize)(space - text)) : g_strdup(text);
    g_autofree char *data = NULL;
    uint64_t at = page_up((uint64_t)k->base + k->info->len);
    gsize size = 0;

    if (!file_load(path, k->top, &data, &size, error)) {
        return false;
    }
    if (at > k->top || size > k->top - at) {
        return fail(error,
                    "module '%s' does not fit: more memory (-m) is "
                    "needed",
                    path);
    }
    boot_image_add(k, NULL, at - k->base - k->info->len);
    *start = boot_image_add(k, data, size);
    *len = (uint32_t)size;
    return true;
}

bool boot_image_finish(struct boot_image *k, struct fw_cfg *fw, GError **error)
{
    if ((uint64_t)k->base + k->info->len > k->top) {
        return fail(error,
                    "%s: no room behind the kernel: more memory (-m) is "
                    "needed",
                    k->kind);
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
