/* SPDX-License-Identifier: MIT */
/*
 * The VGA: sequencer, CRT controller, graphics and attribute controllers,
 * palette, four planes of memory, with the Bochs VBE extensions. Apart from
 * any bus. [VGA] IBM VGA technical reference, [FREEVGA], [VBE-DISPI].
 *
 * Memory is kept with the planes interleaved: byte 4 * n + p is offset n of
 * plane p. Chain-4 and odd/even addresses are squeezed to follow one another
 * (the hardware leaves gaps, and has the CRTC skip them), so what is written
 * in one mode and shown in another may differ from the hardware there.
 *
 * Not modelled: light pen, feature connector, the vertical interrupt's line
 * (its bit in status register 0 works; cards came with the jumper off), the
 * effect of odd CRTC timings on a monitor.
 */
#ifndef HW_DISPLAY_VGA_H
#define HW_DISPLAY_VGA_H

#include "hw/core/machine.h"
#include "ui/display.h"

enum {
    VGA_PORTS = 0x20,          /* 3c0..3df, and 3b4, 3b5, 3ba */
    VGA_WINDOW = 0x20000,      /* A0000..BFFFF */
    VGA_PLANES_SIZE = 0x40000, /* what the four planes of a VGA hold */
    VBE_REGS = 16,
};

enum vbe_reg {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
};

enum { /* VBE_ENABLE */
       VBE_ENABLED = 1 << 0,
       VBE_GETCAPS = 1 << 1,
       VBE_DAC_8BIT = 1 << 5,
       VBE_LFB = 1 << 6,
       VBE_KEEP_MEMORY = 1 << 7,
};

struct vga {
    struct machine *machine;
    struct ram *vram;
    uint32_t vram_size;
    struct console *console;
    struct region window; /* container: A0000..BFFFF */
    struct region slow;   /* planes by handlers */
    struct region direct; /* an alias of vram while the planes are linear */
    struct region vram_region;
    struct region ports_3b, ports_3c, ports_vbe;

    /* registers: all saved */
    uint8_t misc, feature, st00;
    uint8_t seq_index, seq[8];
    uint8_t gfx_index, gfx[16];
    uint8_t crtc_index, crtc[32];
    uint8_t attr_index, attr[32];
    bool attr_data; /* the flip-flop: data comes next */
    uint8_t dac_mask, dac_read, dac_write, dac_sub, dac_state;
    uint8_t dac_latch[3];
    uint8_t dac[768];
    uint32_t latch;
    int64_t retrace_since; /* when the vertical interrupt was let */
    uint16_t vbe_index, vbe[VBE_REGS];

    /* of drawing: derived */
    bool redraw;
    bool blink; /* the phase that shows */
    uint32_t shown_w, shown_h;
    uint32_t *line; /* one row of pixels */
    uint32_t palette[256];
};

/* Maps nothing: the owner maps `window` and the port regions. */
bool vga_init(struct vga *v, struct machine *m, uint32_t vram_mib,
              GError **error);
void vga_clear(struct vga *v);
void vga_reset(struct vga *v);
void vga_settle(struct vga *v);
bool vga_check(const struct vga *v, GError **error);

/* Ports as offsets from 3b0; also of the PCI device's MMIO copy. */
uint8_t vga_port_read(struct vga *v, unsigned port);
void vga_port_write(struct vga *v, unsigned port, uint8_t value);
uint16_t vbe_read(struct vga *v);
void vbe_write(struct vga *v, uint16_t value);

/* --- between the files of this folder --- */
void vga_memory_init(struct vga *v);
void vga_memory_changed(struct vga *v); /* is the window linear now? */
extern const struct console_ops vga_console_ops;

static inline bool vbe_on(const struct vga *v)
{
    return v->vbe[VBE_ENABLE] & VBE_ENABLED;
}

static inline bool vga_graphics(const struct vga *v)
{
    return v->gfx[6] & 1;
}

/* Saved state of a struct vga at member `m` of a device of type `t`. */
/* clang-format off */
#define VGA_ARRAY(t, m, f, n) \
    {.name = n, .at = offsetof(t, m.f), .count = sizeof(MEMBER(t, m.f)), \
     .kind = K_U8}
#define VGA_STATE(t, m) \
    FIELD_AS(t, m.misc, "misc"), FIELD_AS(t, m.feature, "feature"), \
    FIELD_AS(t, m.seq_index, "seq_index"), VGA_ARRAY(t, m, seq, "seq"), \
    FIELD_AS(t, m.gfx_index, "gfx_index"), VGA_ARRAY(t, m, gfx, "gfx"), \
    FIELD_AS(t, m.crtc_index, "crtc_index"), \
    VGA_ARRAY(t, m, crtc, "crtc"), \
    FIELD_AS(t, m.attr_index, "attr_index"), \
    VGA_ARRAY(t, m, attr, "attr"), \
    FIELD_AS(t, m.attr_data, "attr_data"), \
    FIELD_AS(t, m.dac_mask, "dac_mask"), \
    FIELD_AS(t, m.dac_read, "dac_read"), \
    FIELD_AS(t, m.dac_write, "dac_write"), \
    FIELD_AS(t, m.dac_sub, "dac_sub"), \
    FIELD_AS(t, m.dac_state, "dac_state"), \
    VGA_ARRAY(t, m, dac_latch, "dac_latch"), VGA_ARRAY(t, m, dac, "dac"), \
    FIELD_AS(t, m.latch, "latch"), \
    FIELD_AS(t, m.retrace_since, "retrace_since"), FIELD_AS(t, m.vbe_index, "vbe_index"), \
    {.name = "vbe", .at = offsetof(t, m.vbe), .count = VBE_REGS, \
     .kind = K_U16}
/* clang-format on */

#endif
