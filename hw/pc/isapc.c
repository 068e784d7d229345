/* SPDX-License-Identifier: MIT */
/*
 * The "isapc" board: an AT of about 1993 without PCI, APICs or power
 * management. The firmware lies in RAM below 1 MiB, where such boards shadowed
 * it; every reset copies it there again.
 *
 * Not modelled: a chipset with shadow or cache registers (C0000h-FFFFFh is
 * plain RAM), EISA, ISA plug and play.
 */
#include <string.h>

#include "base/file.h"
#include "hw/ata/isa_ide.h"
#include "hw/display/vga_isa.h"
#include "hw/isa/isa.h"
#include "hw/misc/fw_cfg.h"
#include "hw/pc/boards.h"
#include "hw/pc/pc_parts.h"

struct isapc {
    struct pc_ram ram;
    struct pc_rom rom;
    struct pc_intc intc;
    struct pc_isa isa;
    struct pc_fw fw;
};

static bool isapc_ide(struct machine *m, struct board_config *c, GError **error)
{
    static const char *const channels[2][3] = {
        {"0x1f0", "0x3f6", "14"},
        {"0x170", "0x376", "15"},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(channels); i++) {
        struct dev *dev = dev_new(m, &isa_ide_type, NULL);

        if (!dev_set_prop(dev, "iobase", channels[i][0], error) ||
            !dev_set_prop(dev, "iobase2", channels[i][1], error) ||
            !dev_set_prop(dev, "irq", channels[i][2], error) ||
            !dev_realize(dev, error)) {
            return false;
        }
    }
    return pc_ide_drives(m, c, error);
}

/* The firmware copies the VGA's BIOS to C0000h. */
static bool isapc_display(struct isapc *pc, struct machine *m,
                          struct board_config *c, GError **error)
{
    const char *vga = c->vga ? c->vga : c->defaults ? "std" : "none";
    g_autofree char *path = NULL;
    g_autofree char *rom = NULL;
    gsize len = 0;

    if (strcmp(vga, "none") == 0) {
        return true;
    }
    if (strcmp(vga, "std") != 0) {
        return fail(error, "-vga %s: there are std and none", vga);
    }
    path = datadirs_find(c->data, "vgabios-isavga.bin", error);
    return path && file_load(path, 256 * KIB, &rom, &len, error) &&
           fw_cfg_add_file(pc->fw.fw_cfg, "vgaroms/vgabios.bin", rom, len,
                           error) &&
           pc_add(m, &vga_isa_type, error);
}

/* The 128 KiB build of SeaBIOS where it is installed. */
static void isapc_defaults(struct board_config *c)
{
    g_autofree char *small = datadirs_find(c->data, "bios.bin", NULL);

    if (!c->bios && small) {
        c->bios = "bios.bin";
    }
    if (!c->cpu_model) {
        c->cpu_model = "486";
    }
}

static bool isapc_build(struct machine *m, struct board_config *c,
                        GError **error)
{
    struct isapc *pc = machine_alloc(m, sizeof(*pc));

    m->board = pc;
    isapc_defaults(c);
    isa_bus_new(m, NULL);
    if (!pc_ram_init(&pc->ram, m, 0xe0000000, error) ||
        !vcpus_init(c->vcpus, c->accel, m->cpus, &m->lock, error) ||
        !pc_rom_init(&pc->rom, m, c, &m->memory.root, error) ||
        !pc_rom_shadow(&pc->rom, m, error) ||
        !pc_intc_init(&pc->intc, m, false, false, error) ||
        !pc_cpus_init(m, c, &pc->intc, NULL, NULL, error) ||
        !pc_isa_init(&pc->isa, &pc->intc, m, c, error)) {
        return false;
    }
    pc_cmos_init(container_of(pc->isa.rtc, struct rtc, dev), m, c, &pc->ram);
    return isapc_ide(m, c, error) &&
           pc_fw_init(&pc->fw, m, c, &pc->ram, error) &&
           isapc_display(pc, m, c, error);
}

const struct board_type board_isapc = {
    .name = "isapc",
    .desc = "AT without PCI (486, about 1993)",
    .default_ram = 128 * MIB,
    .max_cpus = 1,
    .nic = "ne2k_isa",
    .build = isapc_build,
};
