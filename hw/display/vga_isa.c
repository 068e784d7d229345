/* SPDX-License-Identifier: MIT */
/* The VGA on the ISA bus; its BIOS is a ROM of the board. */
#include "hw/display/vga_isa.h"

#include "hw/display/vga.h"
#include "hw/isa/isa.h"

struct vga_isa {
    struct dev dev;
    struct vga vga;
    uint32_t vgamem_mb;
};

static struct vga_isa *vga_isa_of(struct dev *dev)
{
    return container_of(dev, struct vga_isa, dev);
}

static bool vga_isa_realize(struct dev *dev, GError **error)
{
    struct vga_isa *s = vga_isa_of(dev);
    struct machine *m = dev->machine;

    if (!vga_init(&s->vga, m, s->vgamem_mb, error)) {
        return false;
    }
    machine_map_ports(m, &s->vga.ports_3b, 0x3b0);
    machine_map_ports(m, &s->vga.ports_3c, 0x3c0);
    machine_map_ports(m, &s->vga.ports_vbe, 0x1ce);
    region_add(&m->memory.root, &s->vga.window, 0xa0000, 1);
    return true;
}

static void vga_isa_unrealize(struct dev *dev)
{
    vga_clear(&vga_isa_of(dev)->vga);
}

static void vga_isa_reset(struct dev *dev)
{
    vga_reset(&vga_isa_of(dev)->vga);
}

static void vga_isa_settle(struct dev *dev)
{
    vga_settle(&vga_isa_of(dev)->vga);
}

static bool vga_isa_check(struct dev *dev, GError **error)
{
    return vga_check(&vga_isa_of(dev)->vga, error);
}

static const struct field vga_isa_props[] = {
    PROP(struct vga_isa, vgamem_mb, 8),
    FIELD_END,
};

/* clang-format off */
static const struct field vga_isa_state[] = {
    VGA_STATE(struct vga_isa, vga),
    FIELD_END,
};
/* clang-format on */

const struct dev_type vga_isa_type = {
    .name = "isa-vga",
    .desc = "standard VGA on the ISA bus",
    .bus = "ISA",
    .size = sizeof(struct vga_isa),
    .props = vga_isa_props,
    .state = vga_isa_state,
    .realize = vga_isa_realize,
    .unrealize = vga_isa_unrealize,
    .reset = vga_isa_reset,
    .settle = vga_isa_settle,
    .check = vga_isa_check,
};
