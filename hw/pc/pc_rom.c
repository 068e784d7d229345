/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/file.h"
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

    if (!path || !file_load(path, ROM_MAX, &data, &len, error)) {
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

struct rom_shadow {
    struct dev dev;
    const struct pc_rom *rom;
};

static void rom_shadow_reset(struct dev *dev)
{
    const struct pc_rom *r = container_of(dev, struct rom_shadow, dev)->rom;
    uint64_t low = r->low.size;

    dma_write(&dev->machine->memory, MIB - low, r->ram->host + r->size - low,
              low);
}

static const struct dev_type rom_shadow_type = {
    .name = "rom-shadow",
    .desc = "copy of the firmware in RAM below 1 MiB",
    .hidden = true,
    .size = sizeof(struct rom_shadow),
    .reset = rom_shadow_reset,
};

bool pc_rom_shadow(struct pc_rom *r, struct machine *m, GError **error)
{
    struct dev *dev = dev_new(m, &rom_shadow_type, NULL);

    region_remove(&r->low);
    container_of(dev, struct rom_shadow, dev)->rom = r;
    return dev_realize(dev, error);
}
