/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "hw/pc/pc_parts.h"

enum { ROM_ALIGN = 64 * 1024, ROM_MAX = 16 * 1024 * 1024, ROM_LOW = 0x20000 };

bool pc_rom_init(struct pc_rom *r, struct machine *m, struct board_config *c,
                 struct region *memory, GError **error)
{
    const char *name = c->bios ? c->bios : "bios-256k.bin";
    g_autofree char *path = datadirs_find(c->data, name, error);
    g_autofree char *data = NULL;
    gsize len = 0;
    uint64_t low;

    if (!path || !g_file_get_contents(path, &data, &len, error)) {
        return false;
    }
    if (len == 0 || len % ROM_ALIGN || len > ROM_MAX) {
        return fail(error,
                    "'%s' is no PC firmware: %zu bytes, want a multiple of "
                    "64 KiB up to 16 MiB",
                    path, len);
    }
    r->size = len;
    r->ram = machine_ram_new(m, "pc.bios", len, error);
    if (!r->ram) {
        return false;
    }
    memcpy(r->ram->host, data, len);
    region_init_rom(&r->rom, "pc.bios", r->ram, 0, len, NULL, NULL);
    region_add(memory, &r->rom, 4 * GIB - len, 0);
    low = MIN(len, (uint64_t)ROM_LOW);
    region_init_alias(&r->low, "isa-bios", &r->rom, len - low, low);
    region_add(memory, &r->low, MIB - low, 1);
    return true;
}
