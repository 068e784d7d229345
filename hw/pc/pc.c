/* SPDX-License-Identifier: MIT */
/*
 * The "pc" board: i440FX, PIIX3, PIIX4 power management. [440FX], [PIIX3]
 */
#include "hw/ata/ide_dev.h"
#include "hw/ata/piix3_ide.h"
#include "hw/chipset/i440fx.h"
#include "hw/chipset/piix3.h"
#include "hw/chipset/piix4_pm.h"
#include "hw/display/vga_pci.h"
#include "hw/isa/isa.h"
#include "hw/pc/boards.h"
#include "hw/pc/pc_parts.h"
#include "hw/usb/uhci.h"

struct pc {
    struct pc_ram ram;
    struct pc_rom rom;
    struct pc_intc intc;
    struct pc_isa isa;
    struct pc_fw fw;
    struct pc_acpi acpi;
    struct i440fx *host;
    struct piix3 *piix3;
    struct piix4_pm *pm;
};

static bool pc_add_at(struct machine *m, struct dev *dev, const char *addr,
                      GError **error)
{
    return dev_set_prop(dev, "addr", addr, error) && dev_realize(dev, error);
}

static bool pc_chipset(struct pc *pc, struct machine *m, GError **error)
{
    struct dev *host = dev_new(m, &i440fx_type, NULL);
    struct dev *bridge = dev_new(m, &piix3_type, NULL);

    pc->host = container_of(host, struct i440fx, pci.dev);
    pc->piix3 = container_of(bridge, struct piix3, pci.dev);
    if (!pc_add_at(m, host, "0.0", error)) {
        return false;
    }
    pc->piix3->host = &pc->host->host;
    pc->piix3->pci.multifunction = true;
    if (!pc_add_at(m, bridge, "1.0", error)) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        pc->host->host.bus->irq[i] =
            (struct wire){.set = piix3_set_pirq, .to = pc->piix3, .pin = i};
    }
    return true;
}

/* The firmware's sign that a reset is the way out of S3. [RBIL] CMOS 0Fh */
static void pc_suspend(void *to, unsigned pin, bool level)
{
    if (level) {
        rtc_set_cmos(to, 0x0f, 0xfe);
    }
}

static bool pc_power(struct pc *pc, struct machine *m, struct board_config *c,
                     GError **error)
{
    struct dev *dev = dev_new(m, &piix4_pm_type, NULL);
    struct rtc *rtc = container_of(pc->isa.rtc, struct rtc, dev);

    pc->pm = container_of(dev, struct piix4_pm, pci.dev);
    pc->pm->smm = c->smm;
    pc->pm->smi = (struct wire){.set = pc_smi, .to = c->vcpus};
    pc->pm->suspend = (struct wire){.set = pc_suspend, .to = rtc};
    rtc->alarm = (struct wire){.set = piix4_pm_rtc_alarm, .to = pc->pm};
    return isa_connect_irq(m, &pc->pm->sci, 9, error) &&
           pc_add_at(m, dev, "1.3", error);
}

static bool pc_usb(struct machine *m, const struct board_config *c,
                   GError **error)
{
    return !c->usb ||
           pc_add_at(m, dev_new(m, &piix3_uhci_type, NULL), "1.2", error);
}

static bool pc_display(struct machine *m, struct board_config *c,
                       GError **error)
{
    const char *vga = c->vga ? c->vga : c->defaults ? "std" : "none";
    g_autofree char *rom = NULL;
    struct dev *dev;

    if (strcmp(vga, "none") == 0) {
        return true;
    }
    if (strcmp(vga, "std") != 0) {
        return fail(error, "-vga %s: there are std and none", vga);
    }
    rom = datadirs_find(c->data, "vgabios-stdvga.bin", error);
    if (!rom) {
        return false;
    }
    dev = dev_new(m, &vga_pci_type, NULL);
    return dev_set_prop(dev, "romfile", rom, error) &&
           pc_add_at(m, dev, "2.0", error);
}

static void pc_wake(struct machine *m)
{
    struct pc *pc = m->board;

    piix4_pm_wake(pc->pm);
}

static void pc_powerdown(struct machine *m)
{
    struct pc *pc = m->board;

    piix4_pm_power_button(pc->pm);
}

static bool pc_tables(struct pc *pc, struct machine *m, struct board_config *c,
                      GError **error)
{
    pc->acpi.pm = &pc->pm->pci;
    return pc_acpi_init(&pc->acpi, pc->fw.fw_cfg, m, c, &pc->ram, error);
}

static bool pc_build(struct machine *m, struct board_config *c, GError **error)
{
    struct pc *pc = machine_alloc(m, sizeof(*pc));
    uint64_t max_low = c->max_low                 ? c->max_low
                       : m->ram_size > 0xe0000000 ? 0xc0000000
                                                  : 0xe0000000;

    m->board = pc;
    m->board_powerdown = pc_powerdown;
    m->board_wake = pc_wake;
    if (!pc_ram_init(&pc->ram, m, max_low, error) ||
        !vcpus_init(c->vcpus, c->accel, m->cpus, &m->lock, error) ||
        !pc_chipset(pc, m, error) ||
        !pc_rom_init(&pc->rom, m, c, &pc->host->pci_memory, error) ||
        !pc_intc_init(&pc->intc, m, true, c->hpet, error) ||
        !pc_cpus_init(m, c, &pc->intc, i440fx_set_smm, pc->host, error) ||
        !pc_isa_init(&pc->isa, &pc->intc, m, c, error)) {
        return false;
    }
    pc_cmos_init(container_of(pc->isa.rtc, struct rtc, dev), m, c, &pc->ram);
    return pc_display(m, c, error) &&
           pc_add_at(m, dev_new(m, &piix3_ide_type, NULL), "1.1", error) &&
           pc_usb(m, c, error) && pc_power(pc, m, c, error) &&
           pc_ide_drives(m, c, error) &&
           pc_fw_init(&pc->fw, m, c, &pc->ram, error) &&
           pc_tables(pc, m, c, error);
}

const struct board_type board_pc = {
    .name = "pc-i440fx-8.2",
    .alias = "pc",
    .desc = "PC (i440FX + PIIX, 1996)",
    .is_default = true,
    .default_ram = 128 * MIB,
    .max_cpus = 255,
    .nic = "e1000",
    .build = pc_build,
};
