/* SPDX-License-Identifier: MIT */
/*
 * The registers of the VGA.
 */
#include "hw/display/vga.h"

#include <string.h>

/* Bits that exist, by register. [VGA] 2-2 ff. */
static const uint8_t seq_mask[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gfx_mask[16] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                     0x7b, 0x0f, 0x0f, 0xff};

enum { PORT_BASE = 0x3b0 };

static bool vga_colour(const struct vga *v)
{
    return v->misc & 1;
}

/* --- timing of the beam, for status register 1 --- */

struct beam {
    uint64_t line_ns, frame_ns;
    unsigned total, display_end, retrace_start, retrace_end;
    unsigned chars, display_chars;
};

static struct beam vga_beam(const struct vga *v)
{
    static const uint32_t khz[4] = {25175, 28322, 25175, 25175};
    const uint8_t *cr = v->crtc;
    unsigned dots = v->seq[1] & 1 ? 8 : 9;
    struct beam b = {
        .chars = cr[0] + 5U,
        .display_chars = cr[1] + 1U,
        .total = cr[6] + ((cr[7] & 1U) << 8) + ((cr[7] & 0x20U) << 4) + 2,
        .display_end =
            cr[0x12] + ((cr[7] & 2U) << 7) + ((cr[7] & 0x40U) << 3) + 1,
        .retrace_start =
            cr[0x10] + ((cr[7] & 4U) << 6) + ((cr[7] & 0x80U) << 2),
    };

    dots <<= v->seq[1] >> 3 & 1;
    /* when the line's low four bits are these; the same ones: 16 lines on */
    b.retrace_end =
        b.retrace_start + 1 + ((cr[0x11] - b.retrace_start - 1) & 15);
    b.line_ns = (uint64_t)b.chars * dots * 1000000 / khz[v->misc >> 2 & 3];
    b.line_ns = MAX(b.line_ns, 1);
    b.frame_ns = b.line_ns * b.total;
    return b;
}

/* Bit 0: the beam shows nothing; bit 3: vertical retrace. */
static uint8_t vga_status1(struct vga *v)
{
    struct beam b = vga_beam(v);
    uint64_t at = (uint64_t)clock_now(&v->machine->clock) % b.frame_ns;
    unsigned line = (unsigned)(at / b.line_ns);
    uint64_t chr = at % b.line_ns * b.chars / b.line_ns;
    uint8_t status = 0;

    if (line >= b.display_end || chr >= b.display_chars) {
        status |= 1;
    }
    if (line >= b.retrace_start && line < b.retrace_end) {
        status |= 8;
    }
    return status;
}

/* How many retraces have begun at time `at`. */
static uint64_t vga_retraces(const struct beam *b, uint64_t at)
{
    uint64_t start = b->retrace_start * b->line_ns;

    return (at + b->frame_ns - start % b->frame_ns) / b->frame_ns;
}

/* Bit 7: the vertical interrupt, latched since CR11 bit 4 let it. Bit 4: the
 * monitor that is sensed shows colours. */
static uint8_t vga_status0(const struct vga *v)
{
    struct beam b = vga_beam(v);
    uint64_t now = (uint64_t)clock_now(&v->machine->clock);
    bool pending =
        v->crtc[0x11] & 0x10 &&
        vga_retraces(&b, now) != vga_retraces(&b, (uint64_t)v->retrace_since);

    return (uint8_t)(v->st00 | (pending ? 0x80 : 0));
}

/* --- the palette --- */

static uint8_t vga_dac_data_read(struct vga *v)
{
    uint8_t value = v->dac[v->dac_read * 3 + v->dac_sub];

    if (++v->dac_sub == 3) {
        v->dac_sub = 0;
        v->dac_read++;
    }
    return value;
}

static void vga_dac_data_write(struct vga *v, uint8_t value)
{
    bool eight = v->vbe[VBE_ENABLE] & VBE_DAC_8BIT;

    v->dac_latch[v->dac_sub] = eight ? value : value & 0x3f;
    if (++v->dac_sub == 3) {
        memcpy(&v->dac[v->dac_write * 3], v->dac_latch, 3);
        v->dac_sub = 0;
        v->dac_write++;
        v->redraw = true;
    }
}

/* --- attribute controller --- */

static void vga_attr_write(struct vga *v, uint8_t value)
{
    unsigned index = v->attr_index & 31;

    if (!v->attr_data) {
        if ((v->attr_index ^ value) & 0x20) {
            v->redraw = true;
        }
        v->attr_index = value & 0x3f;
    } else if (index < 16 && !(v->attr_index & 0x20)) {
        v->attr[index] = value & 0x3f; /* the screen is off meanwhile */
    } else if (index >= 16 && index <= 20) {
        v->attr[index] = value;
        v->redraw = true;
    }
    v->attr_data = !v->attr_data;
}

/* --- CRT controller --- */

static void vga_crtc_write(struct vga *v, uint8_t value)
{
    unsigned index = v->crtc_index & 31;

    if (v->crtc[0x11] & 0x80 && index <= 7) { /* protected */
        if (index == 7) {
            v->crtc[7] = (uint8_t)((v->crtc[7] & ~0x10) | (value & 0x10));
            v->redraw = true;
        }
        return;
    }
    if (index == 0x11 && value & 0x10 && !(v->crtc[0x11] & 0x10)) {
        v->retrace_since = clock_now(&v->machine->clock);
    }
    if (index <= 0x18 && v->crtc[index] != value) {
        v->crtc[index] = value;
        v->redraw = true;
    }
}

/* --- ports --- */

static bool vga_port_hidden(const struct vga *v, unsigned port)
{
    return port < 0x3c0 ? vga_colour(v) : port >= 0x3d0 && !vga_colour(v);
}

uint8_t vga_port_read(struct vga *v, unsigned port)
{
    if (vga_port_hidden(v, port)) {
        return 0xff;
    }
    switch (port) {
    case 0x3c0: return v->attr_data ? 0 : v->attr_index;
    case 0x3c1: return v->attr[v->attr_index & 31];
    case 0x3c2: return vga_status0(v);
    case 0x3c4: return v->seq_index;
    case 0x3c5: return v->seq[v->seq_index & 7];
    case 0x3c6: return v->dac_mask;
    case 0x3c7: return v->dac_state;
    case 0x3c8: return v->dac_write;
    case 0x3c9: return vga_dac_data_read(v);
    case 0x3ca: return v->feature;
    case 0x3cc: return v->misc;
    case 0x3ce: return v->gfx_index;
    case 0x3cf: return v->gfx[v->gfx_index & 15];
    case 0x3b4:
    case 0x3d4: return v->crtc_index;
    case 0x3b5:
    case 0x3d5: return v->crtc[v->crtc_index & 31];
    case 0x3ba:
    case 0x3da: v->attr_data = false; return vga_status1(v);
    default: return 0xff;
    }
}

static void vga_seq_write(struct vga *v, uint8_t value)
{
    unsigned index = v->seq_index & 7;

    v->seq[index] = value & seq_mask[index];
    v->redraw = true;
    vga_memory_changed(v);
}

static void vga_gfx_write(struct vga *v, uint8_t value)
{
    unsigned index = v->gfx_index & 15;

    if ((index == 5 || index == 6) && v->gfx[index] != value) {
        v->redraw = true;
    }
    v->gfx[index] = value & gfx_mask[index];
    vga_memory_changed(v);
}

static void vga_dac_index(struct vga *v, uint8_t value, bool read)
{
    v->dac_sub = 0;
    v->dac_state = read ? 3 : 0;
    if (read) {
        v->dac_read = value;
    } else {
        v->dac_write = value;
    }
}

void vga_port_write(struct vga *v, unsigned port, uint8_t value)
{
    if (vga_port_hidden(v, port)) {
        return;
    }
    switch (port) {
    case 0x3c0: vga_attr_write(v, value); break;
    case 0x3c2:
        v->misc = value & ~0x10;
        v->redraw = true;
        break;
    case 0x3c4: v->seq_index = value & 7; break;
    case 0x3c5: vga_seq_write(v, value); break;
    case 0x3c6:
        v->dac_mask = value;
        v->redraw = true;
        break;
    case 0x3c7: vga_dac_index(v, value, true); break;
    case 0x3c8: vga_dac_index(v, value, false); break;
    case 0x3c9: vga_dac_data_write(v, value); break;
    case 0x3ce: v->gfx_index = value & 15; break;
    case 0x3cf: vga_gfx_write(v, value); break;
    case 0x3b4:
    case 0x3d4: v->crtc_index = value & 31; break;
    case 0x3b5:
    case 0x3d5: vga_crtc_write(v, value); break;
    case 0x3ba:
    case 0x3da: v->feature = value & 0x10; break;
    default: break;
    }
}

static uint64_t ports_read(void *opaque, uint64_t at, unsigned size)
{
    return vga_port_read(opaque, 0x3c0 + (unsigned)at);
}

static void ports_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    vga_port_write(opaque, 0x3c0 + (unsigned)at, (uint8_t)value);
}

static uint64_t mono_read(void *opaque, uint64_t at, unsigned size)
{
    return vga_port_read(opaque, PORT_BASE + (unsigned)at);
}

static void mono_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    vga_port_write(opaque, PORT_BASE + (unsigned)at, (uint8_t)value);
}

static const struct region_ops ports_ops = {
    .read = ports_read, .write = ports_write, .max = 1};
static const struct region_ops mono_ops = {
    .read = mono_read, .write = mono_write, .max = 1};

/* --- Bochs VBE --- */

static unsigned vbe_bytes_of(unsigned bpp, unsigned pixels)
{
    return bpp == 4 ? pixels / 8 * 4 : (bpp + 7) / 8 * pixels;
}

/* Keeps the picture inside memory: virtual size and offsets. */
static void vbe_fit(struct vga *v)
{
    uint16_t *r = v->vbe;
    unsigned pitch;
    unsigned lines;

    r[VBE_VIRT_WIDTH] = MAX(r[VBE_VIRT_WIDTH], r[VBE_XRES]);
    pitch = vbe_bytes_of(r[VBE_BPP], r[VBE_VIRT_WIDTH]);
    lines = pitch ? v->vram_size / pitch : 0;
    if (lines < r[VBE_YRES]) {
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
        pitch = vbe_bytes_of(r[VBE_BPP], r[VBE_VIRT_WIDTH]);
        lines = pitch ? v->vram_size / pitch : 0;
    }
    r[VBE_YRES] = (uint16_t)MIN(r[VBE_YRES], lines);
    r[VBE_VIRT_HEIGHT] = (uint16_t)MIN(lines, 0xffff);
    if (r[VBE_X_OFFSET] > r[VBE_VIRT_WIDTH] - r[VBE_XRES]) {
        r[VBE_X_OFFSET] = 0;
    }
    if (r[VBE_Y_OFFSET] > r[VBE_VIRT_HEIGHT] - r[VBE_YRES]) {
        r[VBE_Y_OFFSET] = 0;
    }
    v->redraw = true;
}

static bool vbe_bpp_ok(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 ||
           bpp == 32;
}

static void vbe_enable(struct vga *v, uint16_t value)
{
    bool was = vbe_on(v);

    v->vbe[VBE_ENABLE] = value;
    if (value & VBE_ENABLED && !was) {
        v->vbe[VBE_VIRT_WIDTH] = v->vbe[VBE_XRES];
        v->vbe[VBE_X_OFFSET] = v->vbe[VBE_Y_OFFSET] = 0;
        vbe_fit(v);
        if (!(value & VBE_KEEP_MEMORY)) {
            unsigned pitch = vbe_bytes_of(v->vbe[VBE_BPP], v->vbe[VBE_XRES]);

            memset(v->vram->host, 0, (size_t)pitch * v->vbe[VBE_YRES]);
            ram_wrote(v->vram, 0, MAX(pitch * v->vbe[VBE_YRES], 1U));
        }
    }
    v->redraw = true;
    vga_memory_changed(v);
}

uint16_t vbe_read(struct vga *v)
{
    static const uint16_t most[] = {
        [VBE_XRES] = 16000, [VBE_YRES] = 12000, [VBE_BPP] = 32};
    unsigned index = v->vbe_index;

    if (index == VBE_MEMORY_64K) {
        return (uint16_t)(v->vram_size >> 16);
    }
    if (v->vbe[VBE_ENABLE] & VBE_GETCAPS && index >= VBE_XRES &&
        index <= VBE_BPP) {
        return most[index];
    }
    return index < VBE_REGS ? v->vbe[index] : 0;
}

void vbe_write(struct vga *v, uint16_t value)
{
    uint16_t *r = v->vbe;

    switch (v->vbe_index) {
    case VBE_ID:
        if (value >= 0xb0c0 && value <= 0xb0c5) {
            r[VBE_ID] = value;
        }
        return;
    case VBE_XRES:
    case VBE_YRES:
        if (!vbe_on(v) && value <= (v->vbe_index == VBE_XRES ? 16000 : 12000)) {
            r[v->vbe_index] = v->vbe_index == VBE_XRES ? value & ~7 : value;
        }
        return;
    case VBE_BPP:
        if (!vbe_on(v) && (vbe_bpp_ok(value) || value == 0)) {
            r[VBE_BPP] = value ? value : 8;
        }
        return;
    case VBE_ENABLE: vbe_enable(v, value); return;
    case VBE_BANK:
        r[VBE_BANK] = (uint16_t)(value & ((v->vram_size >> 16) - 1));
        vga_memory_changed(v);
        return;
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        r[v->vbe_index] = value;
        vbe_fit(v);
        return;
    default: return;
    }
}

static uint64_t vbe_port_read(void *opaque, uint64_t at, unsigned size)
{
    struct vga *v = opaque;

    return at == 0 ? v->vbe_index : vbe_read(v);
}

/* Port 1ce: index, 1cf and 1d0: data. Byte accesses reach the low half. */
static void vbe_port_write(void *opaque, uint64_t at, unsigned size,
                           uint64_t value)
{
    struct vga *v = opaque;

    if (at == 0) {
        v->vbe_index = (uint16_t)value;
    } else {
        vbe_write(v, (uint16_t)value);
    }
}

static const struct region_ops vbe_ops = {.read = vbe_port_read,
                                          .write = vbe_port_write,
                                          .max = 2,
                                          .unaligned = true};

/* --- life --- */

bool vga_init(struct vga *v, struct machine *m, uint32_t vram_mib,
              GError **error)
{
    if (vram_mib == 0 || vram_mib > 512) {
        return fail(error, "vgamem_mb=%u: want 1 to 512", vram_mib);
    }
    v->machine = m;
    v->vram_size = UINT32_C(1) << 20;
    while (v->vram_size < (uint64_t)vram_mib << 20) {
        v->vram_size *= 2; /* a BAR is a power of two */
    }
    v->vram = machine_ram_new(m, "vga.vram", v->vram_size, error);
    if (!v->vram) {
        return false;
    }
    v->line = g_new(uint32_t, 16384);
    v->console = console_new("vga", &vga_console_ops, v);
    machine_add_console(m, v->console);
    region_init_io(&v->ports_3c, "vga", 0x20, &ports_ops, v);
    region_init_io(&v->ports_3b, "vga-mono", 0x0c, &mono_ops, v);
    region_init_io(&v->ports_vbe, "vbe", 3, &vbe_ops, v);
    vga_memory_init(v);
    return true;
}

void vga_clear(struct vga *v)
{
    region_remove(&v->window);
    region_remove(&v->ports_3b);
    region_remove(&v->ports_3c);
    region_remove(&v->ports_vbe);
    if (v->console) {
        machine_remove_console(v->machine, v->console);
        console_free(v->console);
    }
    g_free(v->line);
}

void vga_reset(struct vga *v)
{
    v->misc = 0;
    v->feature = 0;
    v->st00 = 0x10; /* the monitor that is sensed shows colours */
    v->seq_index = v->gfx_index = v->crtc_index = v->attr_index = 0;
    memset(v->seq, 0, sizeof(v->seq));
    memset(v->gfx, 0, sizeof(v->gfx));
    memset(v->crtc, 0, sizeof(v->crtc));
    memset(v->attr, 0, sizeof(v->attr));
    memset(v->dac, 0, sizeof(v->dac));
    memset(v->vbe, 0, sizeof(v->vbe));
    v->attr_data = false;
    v->retrace_since = 0;
    v->dac_mask = 0xff;
    v->dac_read = v->dac_write = v->dac_sub = v->dac_state = 0;
    v->latch = 0;
    v->vbe_index = 0;
    v->vbe[VBE_ID] = 0xb0c5;
    v->vbe[VBE_BPP] = 8;
}

void vga_settle(struct vga *v)
{
    v->redraw = true;
    vga_memory_changed(v);
}

bool vga_check(const struct vga *v, GError **error)
{
    const uint16_t *r = v->vbe;
    uint64_t pitch = vbe_bytes_of(r[VBE_BPP], r[VBE_VIRT_WIDTH]);

    if (v->dac_sub > 2 || !vbe_bpp_ok(r[VBE_BPP]) || r[VBE_XRES] > 16000 ||
        r[VBE_BANK] >= v->vram_size >> 16 ||
        (vbe_on(v) && (r[VBE_XRES] + r[VBE_X_OFFSET] > r[VBE_VIRT_WIDTH] ||
                       pitch * (r[VBE_YRES] + UINT64_C(0) + r[VBE_Y_OFFSET]) >
                           v->vram_size))) {
        return fail(error, "vga: impossible state");
    }
    return true;
}
