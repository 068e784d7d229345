/* SPDX-License-Identifier: MIT */
/*
 * From registers and memory to a picture. A row of pixels is drawn into a
 * buffer and compared with what is shown, so that only what changed counts as
 * damage, whatever the mode.
 */
#include <string.h>

#include "hw/display/vga.h"

enum { BLINK_NS = 266666667 }; /* 16 frames at 60 Hz */
enum { MAX_WIDTH = 16384 };

/* The geometry of the mode that is set. */
struct mode {
    unsigned width, height; /* in pixels, as shown */
    unsigned row_lines;     /* scan lines that show one row of memory */
    unsigned pitch;         /* units (4 bytes, one per plane) a row */
    unsigned start;         /* unit of the first one */
    unsigned line_compare;
    unsigned pan;
    unsigned double_dots; /* 1: each dot twice */
};

static unsigned crtc_bit(const struct vga *v, unsigned reg, unsigned bit,
                         unsigned to)
{
    return (v->crtc[reg] >> bit & 1U) << to;
}

static struct mode vga_mode(const struct vga *v)
{
    const uint8_t *cr = v->crtc;
    struct mode m = {
        .height = 1U + cr[0x12] + crtc_bit(v, 7, 1, 8) + crtc_bit(v, 7, 6, 9),
        .row_lines = (cr[9] & 31U) + 1,
        .pitch = cr[0x13] * 2U,
        .start = cr[0x0c] << 8 | cr[0x0d],
        .line_compare = cr[0x18] + crtc_bit(v, 7, 4, 8) + crtc_bit(v, 9, 6, 9),
        .pan = v->attr[0x13] & 15U,
        .double_dots = v->seq[1] >> 3 & 1U,
    };

    if (cr[9] & 0x80 && vga_graphics(v)) {
        m.row_lines *= 2;
    }
    m.width = cr[1] + 1U; /* characters */
    if (!vga_graphics(v) && !(v->seq[1] & 1)) {
        m.width *= 9;
    } else {
        m.width *= 8;
    }
    m.width <<= m.double_dots;
    return m;
}

/* --- colours --- */

static uint32_t dac_colour(const struct vga *v, uint8_t index)
{
    const uint8_t *c = &v->dac[(index & v->dac_mask) * 3];

    if (v->vbe[VBE_ENABLE] & VBE_DAC_8BIT) {
        return (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
    }
    return (uint32_t)(c[0] << 2 | c[0] >> 4) << 16 |
           (uint32_t)(c[1] << 2 | c[1] >> 4) << 8 | (c[2] << 2 | c[2] >> 4);
}

/* The sixteen colours go through the attribute controller first. */
static void palette16(struct vga *v)
{
    for (unsigned i = 0; i < 16; i++) {
        uint8_t index = v->attr[i] & 0x3f;

        if (v->attr[0x10] & 0x80) {
            index = (uint8_t)((index & 15) | (v->attr[0x14] & 15) << 4);
        } else {
            index = (uint8_t)(index | (v->attr[0x14] & 12) << 4);
        }
        v->palette[i] = dac_colour(v, index);
    }
}

static void palette256(struct vga *v)
{
    for (unsigned i = 0; i < 256; i++) {
        v->palette[i] = dac_colour(v, (uint8_t)i);
    }
}

/* --- rows --- */

static uint32_t unit(const struct vga *v, uint32_t n)
{
    return ldl_u32(v->vram->host + 4 * (size_t)(n & (v->vram_size / 4 - 1)));
}

/* Puts the row on the screen; remembers what changed. */
static void row_done(struct vga *v, unsigned y, unsigned width)
{
    struct surface *s = &v->console->surface;
    uint32_t *to = s->pixels + (size_t)y * (s->stride / 4);

    if (memcmp(to, v->line, width * sizeof(uint32_t)) != 0) {
        memcpy(to, v->line, width * sizeof(uint32_t));
        console_damage(v->console, 0, y, width, 1);
    }
}

static uint32_t *put_dot(uint32_t *p, uint32_t colour, unsigned doubled)
{
    *p++ = colour;
    if (doubled) {
        *p++ = colour;
    }
    return p;
}

/* Eight dots of four planes. */
static void row_planar(struct vga *v, const struct mode *m, uint32_t at,
                       unsigned pan)
{
    unsigned planes = v->attr[0x12] & 15;
    unsigned dots = (m->width >> m->double_dots) + pan;
    uint32_t *p = v->line;

    for (unsigned x = 0; x < dots; x += 8) {
        uint32_t u = unit(v, at++);

        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned s = 7 - bit;
            unsigned c = (u >> s & 1) | (u >> (7 + s) & 2) |
                         (u >> (14 + s) & 4) | (u >> (21 + s) & 8);

            if (x + bit >= pan && x + bit < dots) {
                p = put_dot(p, v->palette[c & planes], m->double_dots);
            }
        }
    }
}

/* CGA's two bits a pixel: even bytes in plane 0, odd ones in plane 1, and
 * planes 2 and 3 above them. */
static void row_cga(struct vga *v, const struct mode *m, uint32_t at,
                    unsigned pan)
{
    unsigned planes = v->attr[0x12] & 15;
    unsigned dots = (m->width >> m->double_dots) + pan;
    uint32_t *p = v->line;

    for (unsigned x = 0; x < dots; x += 8) {
        uint32_t u = unit(v, at++);
        uint32_t low = (u & 0xff) << 8 | (u >> 8 & 0xff);
        uint32_t high = (u >> 16 & 0xff) << 8 | u >> 24;

        for (unsigned i = 0; i < 8; i++) {
            unsigned s = 14 - 2 * i;
            unsigned c = (low >> s & 3) | (high >> s & 3) << 2;

            if (x + i >= pan && x + i < dots) {
                p = put_dot(p, v->palette[c & planes], m->double_dots);
            }
        }
    }
}

/* One byte a pixel, each two dots wide. */
static void row_256(struct vga *v, const struct mode *m, uint32_t at,
                    unsigned pan)
{
    unsigned bytes = m->width / 2;
    uint32_t *p = v->line;
    uint32_t mask = v->vram_size - 1;

    for (unsigned x = 0; x < bytes; x++) {
        uint8_t c = v->vram->host[(4 * (size_t)at + pan / 2 + x) & mask];

        p = put_dot(p, v->palette[c], 1);
    }
}

/* --- text --- */

/* [VGA] 2-68: the two fonts that character map select names, in units. */
static unsigned font_at(const struct vga *v, bool second)
{
    unsigned r = v->seq[3];
    unsigned n = second ? (r >> 2 & 3) | (r >> 3 & 4) : (r & 3) | (r >> 2 & 4);

    return ((n & 3) * 2 + (n >> 2)) * 0x2000;
}

struct text {
    unsigned font[2]; /* unit of the font for attribute bit 3 set, clear */
    unsigned dots;    /* 8 or 9 */
    unsigned cursor;  /* unit, or ~0 where it does not show */
    unsigned cursor_first, cursor_last;
    bool blink; /* attribute bit 7 blinks */
    bool line_graphics;
};

static struct text vga_text(const struct vga *v)
{
    const uint8_t *cr = v->crtc;
    struct text t = {
        .font = {font_at(v, false), font_at(v, true)},
        .dots = v->seq[1] & 1 ? 8 : 9,
        .cursor = cr[0x0e] << 8 | cr[0x0f],
        .cursor_first = cr[0x0a] & 31,
        .cursor_last = cr[0x0b] & 31,
        .blink = v->attr[0x10] & 8,
        .line_graphics = v->attr[0x10] & 4,
    };

    if (cr[0x0a] & 0x20 || !v->blink) {
        t.cursor = ~0U;
    }
    return t;
}

/* The dots of a glyph in one scan line, the ninth included, bit 8 first. */
static unsigned glyph_bits(const struct vga *v, const struct text *t,
                           uint8_t chr, uint8_t attr, unsigned scan)
{
    unsigned font = t->font[attr & 8 ? 1 : 0];
    unsigned bits = unit(v, font + chr * 32U + scan) >> 16 & 0xff;
    bool extend = t->line_graphics && chr >= 0xc0 && chr <= 0xdf;

    return bits << 1 | (extend ? bits & 1 : 0);
}

static void row_text(struct vga *v, const struct mode *m, const struct text *t,
                     uint32_t at, unsigned scan, unsigned pan)
{
    unsigned skip = t->dots == 9 ? (pan >= 8 ? 0 : pan + 1) : pan & 7;
    unsigned width = m->width >> m->double_dots;
    unsigned x = 0;
    uint32_t *p = v->line;

    for (uint32_t n = at; x < width + skip; n++) {
        uint32_t u = unit(v, n);
        uint8_t attr = (uint8_t)(u >> 8);
        unsigned bits = glyph_bits(v, t, (uint8_t)u, attr, scan);
        unsigned bg = attr >> 4 & (t->blink ? 7 : 15);

        if (t->blink && attr & 0x80 && !v->blink) {
            bits = 0;
        }
        if (n == t->cursor && scan >= t->cursor_first &&
            scan <= t->cursor_last) {
            bits = 0x1ff;
        }
        for (unsigned i = 0; i < t->dots; i++, x++) {
            if (x >= skip && x < width + skip) {
                p = put_dot(p, v->palette[bits & 0x100 ? attr & 15 : bg],
                            m->double_dots);
            }
            bits <<= 1;
        }
    }
}

/* --- the standard modes --- */

static bool mode_256(const struct vga *v)
{
    return v->gfx[5] & 0x40;
}

/* CRTC 17h: low address bits taken from the row counter (CGA, Hercules). */
static uint32_t row_address(const struct vga *v, uint32_t at, unsigned scan)
{
    unsigned shift = 12 + (v->crtc[0x17] >> 6 & 1U);

    if (!(v->crtc[0x17] & 1)) {
        at = (at & ~(1U << shift)) | (scan & 1) << shift;
    }
    if (!(v->crtc[0x17] & 2)) {
        at = (at & ~(2U << shift)) | (scan >> 1 & 1) << (shift + 1);
    }
    return at;
}

static void draw_row(struct vga *v, const struct mode *m, const struct text *t,
                     uint32_t row, unsigned scan, unsigned pan)
{
    if (!vga_graphics(v)) {
        row_text(v, m, t, row, scan, pan);
    } else if (mode_256(v)) {
        row_256(v, m, row_address(v, row, scan), pan);
    } else if (v->gfx[5] & 0x20) {
        row_cga(v, m, row_address(v, row, scan), pan & 7);
    } else {
        row_planar(v, m, row_address(v, row, scan), pan & 7);
    }
}

static void draw_standard(struct vga *v)
{
    struct mode m = vga_mode(v);
    struct text t = vga_text(v);
    uint32_t row = m.start + (v->crtc[8] >> 5 & 3U);
    unsigned scan = v->crtc[8] & 31U;
    unsigned pan = m.pan;

    console_resize(v->console, m.width, m.height);
    if (mode_256(v) && vga_graphics(v)) {
        palette256(v);
    } else {
        palette16(v);
    }
    scan = MIN(scan, m.row_lines - 1);
    for (unsigned y = 0; y < m.height; y++) {
        /* CGA modes show each counter value twice on a VGA. */
        draw_row(v, &m, &t, row, v->crtc[9] & 0x80 ? scan >> 1 : scan, pan);
        row_done(v, y, m.width);
        if (y == m.line_compare) {
            row = 0;
            scan = 0;
            pan = v->attr[0x10] & 0x20 ? 0 : pan;
        } else if (++scan == m.row_lines) {
            scan = 0;
            row += m.pitch;
        }
    }
}

/* --- VBE --- */

static uint32_t expand(uint32_t value, unsigned bits)
{
    value <<= 8 - bits;
    return value | value >> bits;
}

static void row_vbe(struct vga *v, const uint8_t *p, unsigned width)
{
    unsigned bpp = v->vbe[VBE_BPP];

    for (unsigned x = 0; x < width; x++) {
        uint32_t c;

        switch (bpp) {
        case 8: v->line[x] = v->palette[*p++]; break;
        case 15:
            c = ldl_u16(p);
            v->line[x] = expand(c >> 10 & 31, 5) << 16 |
                         expand(c >> 5 & 31, 5) << 8 | expand(c & 31, 5);
            p += 2;
            break;
        case 16:
            c = ldl_u16(p);
            v->line[x] = expand(c >> 11, 5) << 16 |
                         expand(c >> 5 & 63, 6) << 8 | expand(c & 31, 5);
            p += 2;
            break;
        case 24:
            v->line[x] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
            p += 3;
            break;
        default:
            v->line[x] = ldl_u32(p) & 0xffffff;
            p += 4;
            break;
        }
    }
}

static void draw_vbe(struct vga *v)
{
    const uint16_t *r = v->vbe;
    unsigned bytes = (r[VBE_BPP] + 7U) / 8;
    size_t pitch = (size_t)bytes * r[VBE_VIRT_WIDTH];
    unsigned width = MIN(r[VBE_XRES], MAX_WIDTH);
    struct mode m = {.width = width};

    console_resize(v->console, width, r[VBE_YRES]);
    if (r[VBE_BPP] == 4) {
        palette16(v);
    } else {
        palette256(v);
    }
    for (unsigned y = 0; y < r[VBE_YRES]; y++) {
        size_t line = y + (size_t)r[VBE_Y_OFFSET];

        if (r[VBE_BPP] == 4) {
            row_planar(v, &m,
                       (uint32_t)(line * (r[VBE_VIRT_WIDTH] / 8) +
                                  r[VBE_X_OFFSET] / 8),
                       r[VBE_X_OFFSET] & 7);
        } else {
            row_vbe(v,
                    v->vram->host + line * pitch +
                        (size_t)bytes * r[VBE_X_OFFSET],
                    width);
        }
        row_done(v, y, width);
    }
}

/* --- when --- */

static void draw_blank(struct vga *v)
{
    const struct surface *s = &v->console->surface;

    if (s->width == 0) {
        console_resize(v->console, 720, 400);
    }
    memset(s->pixels, 0, (size_t)s->stride * s->height);
    console_damage(v->console, 0, 0, s->width, s->height);
}

static bool vga_blanked(const struct vga *v)
{
    if (vbe_on(v)) {
        return v->vbe[VBE_XRES] == 0 || v->vbe[VBE_YRES] == 0;
    }
    return !(v->attr_index & 0x20) || v->seq[1] & 0x20 ||
           !(v->crtc[0x17] & 0x80);
}

static void note_dirty(void *opaque, uint64_t page, uint64_t pages)
{
    struct vga *v = opaque;

    v->redraw = true;
}

static void vga_update(void *opaque)
{
    struct vga *v = opaque;
    uint64_t size = vbe_on(v) ? v->vram_size : VGA_PLANES_SIZE;
    bool blink = clock_now(&v->machine->clock) / BLINK_NS & 1;

    ram_sync_dirty(v->vram, RAM_DIRTY_DISPLAY, 0, size >> RAM_PAGE_SHIFT,
                   note_dirty, v);
    if (blink != v->blink) {
        v->blink = blink;
        v->redraw |= !vga_graphics(v) && !vbe_on(v);
    }
    if (!v->redraw && v->console->surface.width) {
        return;
    }
    v->redraw = false;
    if (vga_blanked(v)) {
        draw_blank(v);
    } else if (vbe_on(v)) {
        draw_vbe(v);
    } else {
        draw_standard(v);
    }
}

static void vga_invalidate(void *opaque)
{
    struct vga *v = opaque;

    v->redraw = true;
}

/* Code page 437 beyond ASCII, as far as line art and shades go. */
static gunichar cp437(uint8_t c)
{
    static const char high[] =
        "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼"
        "╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

    if (c < 0x80) {
        return c < 0x20 || c == 0x7f ? ' ' : c;
    }
    return g_utf8_get_char(g_utf8_offset_to_pointer(high, c - 0x80));
}

static char *vga_screen_text(void *opaque)
{
    struct vga *v = opaque;
    struct mode m = vga_mode(v);
    unsigned columns = v->crtc[1] + 1U;
    GString *s = g_string_new(NULL);

    if (vbe_on(v) || vga_graphics(v) || vga_blanked(v)) {
        return g_string_free(s, FALSE);
    }
    for (unsigned row = 0; row < m.height / m.row_lines; row++) {
        gsize start = s->len;

        for (unsigned col = 0; col < columns; col++) {
            uint32_t u = unit(v, m.start + row * m.pitch + col);

            g_string_append_unichar(s, cp437((uint8_t)u));
        }
        while (s->len > start && s->str[s->len - 1] == ' ') {
            g_string_truncate(s, s->len - 1);
        }
        g_string_append_c(s, '\n');
    }
    return g_string_free(s, FALSE);
}

const struct console_ops vga_console_ops = {
    .update = vga_update,
    .invalidate = vga_invalidate,
    .text = vga_screen_text,
};
