/* SPDX-License-Identifier: MIT */
/*
 * The VGA as a PCI card: 1234:1111, "VGA" (QEMU's standard VGA). [STDVGA]
 * BAR 0: video memory; BAR 2: EDID, then the same registers in memory (VGA
 * ports from 0x400, VBE from 0x500, byte order at 0x604); expansion ROM: the
 * VGA BIOS.
 *
 * Not modelled: a frame buffer that is big-endian.
 */
#include "hw/display/vga_pci.h"

#include <string.h>

#include "hw/display/edid.h"
#include "hw/display/vga.h"
#include "hw/pci/rom.h"

enum { MMIO_SIZE = 4096, MMIO_VGA = 0x400, MMIO_VBE = 0x500 };
enum { MMIO_EXT = 0x600, EXT_SIZE = 8, LITTLE = 0x1e1e1e1e };

struct vga_pci {
    struct pci_dev pci;
    struct vga vga;
    uint32_t vgamem_mb;
    bool with_edid;
    uint32_t xres, yres; /* of the monitor: the mode it prefers */
    uint8_t edid[EDID_SIZE];
    bool secondary; /* no legacy ports and window */
    char *romfile;
    struct region mmio;
    struct pci_rom rom;
};

static struct vga_pci *vga_pci_of(struct dev *dev)
{
    return container_of(dev, struct vga_pci, pci.dev);
}

/* Zeroes follow the only block there is; without EDID there are ones. */
static uint64_t edid_read(const struct vga_pci *s, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = at + i < EDID_SIZE ? s->edid[at + i] : 0;

        value |= (uint64_t)(s->with_edid ? byte : 0xff) << (8 * i);
    }
    return value;
}

static uint64_t mmio_read(void *opaque, uint64_t at, unsigned size)
{
    struct vga_pci *s = opaque;

    if (at < MMIO_VGA) {
        return edid_read(s, at, size);
    }
    if (at >= MMIO_EXT && at < MMIO_EXT + EXT_SIZE) {
        uint64_t ext = EXT_SIZE | (uint64_t)LITTLE << 32;

        return ext >> (8 * (at - MMIO_EXT));
    }
    if (at >= MMIO_VGA && at < MMIO_VGA + VGA_PORTS) {
        return vga_port_read(&s->vga, (unsigned)(at - MMIO_VGA) + 0x3c0);
    }
    if (at >= MMIO_VBE && at < MMIO_VBE + 2 * VBE_REGS) {
        uint16_t index = s->vga.vbe_index;
        uint16_t value;

        s->vga.vbe_index = (uint16_t)((at - MMIO_VBE) / 2);
        value = vbe_read(&s->vga);
        s->vga.vbe_index = index;
        return at & 1 ? value >> 8 : value;
    }
    return UINT64_MAX;
}

static void mmio_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct vga_pci *s = opaque;

    if (at >= MMIO_VGA && at < MMIO_VGA + VGA_PORTS) {
        for (unsigned i = 0; i < size; i++) {
            vga_port_write(&s->vga, (unsigned)(at - MMIO_VGA) + i + 0x3c0,
                           (uint8_t)(value >> (8 * i)));
        }
    } else if (at >= MMIO_VBE && at < MMIO_VBE + 2 * VBE_REGS && !(at & 1)) {
        uint16_t index = s->vga.vbe_index;

        s->vga.vbe_index = (uint16_t)((at - MMIO_VBE) / 2);
        vbe_write(&s->vga, (uint16_t)value);
        s->vga.vbe_index = index;
    }
}

static const struct region_ops mmio_ops = {
    .read = mmio_read, .write = mmio_write, .max = 2};

static void vga_pci_map_legacy(struct vga_pci *s)
{
    struct machine *m = s->pci.dev.machine;

    machine_map_ports(m, &s->vga.ports_3b, 0x3b0);
    machine_map_ports(m, &s->vga.ports_3c, 0x3c0);
    machine_map_ports(m, &s->vga.ports_vbe, 0x1ce);
    region_add(s->pci.pci->memory, &s->vga.window, 0xa0000, 1);
}

static void vga_pci_unrealize(struct dev *dev)
{
    struct vga_pci *s = vga_pci_of(dev);

    vga_clear(&s->vga);
    pci_unrealize(&s->pci);
}

static bool vga_pci_realize(struct dev *dev, GError **error)
{
    struct vga_pci *s = vga_pci_of(dev);
    struct pci_ids ids = {.vendor = 0x1234,
                          .device = 0x1111,
                          .revision = 2,
                          .class_code = 0x030000};

    if (s->xres < EDID_MIN || s->xres > EDID_MAX || s->yres < EDID_MIN ||
        s->yres > EDID_MAX) {
        return fail(error, "%s: xres=%u,yres=%u: want %d to %d each",
                    dev_name(dev), s->xres, s->yres, EDID_MIN, EDID_MAX);
    }
    edid_make(s->edid, s->xres, s->yres);
    if (s->secondary) {
        ids.class_code = 0x038000;
    }
    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    if (!vga_init(&s->vga, dev->machine, s->vgamem_mb, error)) {
        pci_unrealize(&s->pci);
        return false;
    }
    region_init_io(&s->mmio, "vga.mmio", MMIO_SIZE, &mmio_ops, s);
    pci_set_bar(&s->pci, 0, PCI_BAR_MEM32_PREFETCH, &s->vga.vram_region);
    pci_set_bar(&s->pci, 2, PCI_BAR_MEM32, &s->mmio);
    if (!s->secondary) {
        vga_pci_map_legacy(s);
    }
    if (!pci_rom_load(&s->pci, &s->rom, s->romfile, NULL, error)) {
        vga_pci_unrealize(dev);
        return false;
    }
    return true;
}

static void vga_pci_reset(struct dev *dev)
{
    struct vga_pci *s = vga_pci_of(dev);

    pci_reset(&s->pci);
    vga_reset(&s->vga);
}

static void vga_pci_settle(struct dev *dev)
{
    struct vga_pci *s = vga_pci_of(dev);

    pci_settle(&s->pci);
    vga_settle(&s->vga);
}

static bool vga_pci_check(struct dev *dev, GError **error)
{
    return vga_check(&vga_pci_of(dev)->vga, error);
}

static void secondary_init(struct dev *dev)
{
    vga_pci_of(dev)->secondary = true;
}

static const struct field vga_pci_props[] = {
    PCI_PROPS(struct vga_pci, pci),
    PROP(struct vga_pci, vgamem_mb, 16),
    PROP_AS(struct vga_pci, with_edid, "edid", true),
    PROP(struct vga_pci, xres, 1280),
    PROP(struct vga_pci, yres, 800),
    PROP_STR(struct vga_pci, romfile, "romfile", NULL),
    FIELD_END,
};

/* clang-format off */
static const struct field vga_pci_state[] = {
    PCI_STATE(struct vga_pci, pci),
    VGA_STATE(struct vga_pci, vga),
    FIELD_END,
};
/* clang-format on */

const struct dev_type vga_pci_type = {
    .name = "VGA",
    .desc = "standard VGA with Bochs VBE",
    .bus = "PCI",
    .size = sizeof(struct vga_pci),
    .props = vga_pci_props,
    .state = vga_pci_state,
    .realize = vga_pci_realize,
    .unrealize = vga_pci_unrealize,
    .reset = vga_pci_reset,
    .settle = vga_pci_settle,
    .check = vga_pci_check,
};

const struct dev_type vga_secondary_type = {
    .name = "secondary-vga",
    .desc = "a second display: no legacy ports",
    .bus = "PCI",
    .size = sizeof(struct vga_pci),
    .props = vga_pci_props,
    .state = vga_pci_state,
    .init = secondary_init,
    .realize = vga_pci_realize,
    .unrealize = vga_pci_unrealize,
    .reset = vga_pci_reset,
    .settle = vga_pci_settle,
    .check = vga_pci_check,
};
