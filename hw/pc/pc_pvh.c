/* SPDX-License-Identifier: MIT */
/*
 * -kernel with an ELF kernel that names a PVH entry in a note of Xen's (Linux,
 * Xen itself, unikernels): started in 32-bit mode with a start info in EBX.
 * Initial RAM disks by -initrd "FILE,FILE". [PVH]
 *
 * The firmware runs first, so tables and devices are the PC's.
 */
#include <string.h>

#include "hw/pc/boot_image.h"
#include "hw/pc/pc_parts.h"

enum {
    PT_NOTE = 4,
    NOTE_PHYS32_ENTRY = 18,
    VERSION = 1, /* of the start info: with a memory map */
};

enum { /* offsets in the start info; elfboot.S fills in the last two */
       S_MAGIC = 0,
       S_VERSION = 4,
       S_NR_MODULES = 12,
       S_MODLIST = 16,
       S_CMDLINE = 24,
       S_RSDP = 32,
       S_MEMMAP = 40,
       S_SIZE = 56,
       MODULE_SIZE = 32,
};

static uint64_t note_up(uint64_t n)
{
    return (n + 3) & ~UINT64_C(3);
}

/* Looks for the entry in a segment of notes. */
static bool find_note(const uint8_t *p, uint64_t len, uint32_t *entry)
{
    while (len >= 12) {
        uint64_t name = note_up(ldl_u32(p)), desc = note_up(ldl_u32(p + 4));

        if (12 + name + desc > len) {
            return false;
        }
        if (ldl_u32(p + 8) == NOTE_PHYS32_ENTRY && ldl_u32(p) == 4 &&
            memcmp(p + 12, "Xen", 4) == 0 && desc >= 4) {
            *entry = ldl_u32(p + 12 + name);
            return true;
        }
        p += 12 + name + desc;
        len -= 12 + name + desc;
    }
    return false;
}

static bool find_entry(const uint8_t *file, gsize len, uint32_t *entry)
{
    struct elf_segment s;

    for (unsigned i = 0;
         elf_is_x86(file, len) && elf_get_segment(file, len, i, &s, NULL);
         i++) {
        if (s.type == PT_NOTE && s.offset <= len &&
            s.file_size <= len - s.offset &&
            find_note(file + s.offset, s.file_size, entry)) {
            return true;
        }
    }
    return false;
}

bool pc_is_pvh(const uint8_t *file, gsize len)
{
    uint32_t entry;

    return find_entry(file, len, &entry);
}

static bool pvh_modules(struct boot_image *k, const char *list, GError **error)
{
    g_auto(GStrv) words = g_strsplit(list ? list : "", ",", -1);
    guint count = g_strv_length(words), row = k->info->len;

    stl_u64(k->info->data + S_MODLIST,
            boot_image_add(k, NULL, count * MODULE_SIZE));
    stl_u32(k->info->data + S_NR_MODULES, count);
    for (guint i = 0; i < count; i++, row += MODULE_SIZE) {
        const char *space = strchr(words[i], ' ');
        uint32_t text = boot_image_add_string(k, space ? space + 1 : "");
        uint32_t start, len;

        if (!boot_image_module(k, words[i], &start, &len, error)) {
            return false;
        }
        stl_u64(k->info->data + row, start);
        stl_u64(k->info->data + row + 8, len);
        stl_u64(k->info->data + row + 16, text);
    }
    return true;
}

static bool pvh_load(struct boot_image *k, const struct board_config *c,
                     GError **error)
{
    uint32_t line;

    if (!boot_image_elf(k, error)) {
        return false;
    }
    if (k->entry < k->from || k->entry >= k->to) {
        return fail(error, "PVH: the entry, 0x%x, lies outside of the kernel",
                    k->entry);
    }
    boot_image_begin_info(k);
    boot_image_add(k, NULL, S_SIZE);
    line = boot_image_add_string(k, c->append ? c->append : "");
    stl_u32(k->info->data + S_MAGIC, BOOT_IMAGE_MAGIC_PVH);
    stl_u32(k->info->data + S_VERSION, VERSION);
    stl_u64(k->info->data + S_CMDLINE, line);
    stl_u64(k->info->data + S_MEMMAP, BOOT_IMAGE_MAP + 4);
    boot_image_add(k, NULL, -k->info->len & 7);
    return pvh_modules(k, c->initrd, error);
}

bool pc_load_pvh(const uint8_t *file, gsize len, struct fw_cfg *fw,
                 const struct board_config *c, const struct pc_ram *ram,
                 GError **error)
{
    struct boot_image k;
    bool ok;

    boot_image_init(&k, "PVH", file, len, ram->low_size);
    ok = find_entry(file, len, &k.entry) && pvh_load(&k, c, error) &&
         boot_image_finish(&k, fw, error);
    boot_image_clear(&k);
    return ok;
}
