/* SPDX-License-Identifier: MIT */
/*
 * The window at A0000: how the CPU's bytes reach the planes. [VGA] 2-59 ff.,
 * write modes 0 to 3, read modes 0 and 1, chain-4, odd/even.
 */
#include "hw/display/vga.h"

/* A byte for each plane that a 4-bit mask selects. */
static uint32_t spread(unsigned mask)
{
    return (mask & 1 ? 0x000000ffU : 0) | (mask & 2 ? 0x0000ff00U : 0) |
           (mask & 4 ? 0x00ff0000U : 0) | (mask & 8 ? 0xff000000U : 0);
}

static uint32_t repeat(uint8_t byte)
{
    return byte * 0x01010101U;
}

/* Offset inside the selected window; false where the CPU sees nothing. */
static bool window_offset(const struct vga *v, uint64_t at, uint32_t *offset)
{
    uint32_t a = (uint32_t)at;

    switch (v->gfx[6] >> 2 & 3) {
    case 0: break; /* A0000, 128 KiB */
    case 1:        /* A0000, 64 KiB; the VBE bank selects which */
        if (a >= 0x10000) {
            return false;
        }
        a += vbe_on(v) ? (uint32_t)v->vbe[VBE_BANK] << 16 : 0;
        break;
    case 2:
        a -= 0x10000; /* B0000, 32 KiB */
        if (a >= 0x8000) {
            return false;
        }
        break;
    default:
        a -= 0x18000; /* B8000, 32 KiB */
        if (a >= 0x8000) {
            return false;
        }
        break;
    }
    *offset = a;
    return true;
}

static bool chain4(const struct vga *v)
{
    return v->seq[4] & 8;
}

static uint32_t planes_get(const struct vga *v, uint32_t unit)
{
    return ldl_u32(v->vram->host + 4 * (size_t)unit);
}

static uint8_t planes_read(struct vga *v, uint32_t offset)
{
    uint32_t units = v->vram_size / 4;
    unsigned plane = v->gfx[4] & 3;
    uint32_t unit = offset;

    if (v->gfx[5] & 0x10) { /* odd/even: the low bit of the address */
        plane = (plane & 2) | (offset & 1);
        unit = offset >> 1;
    }
    if (unit >= units) {
        return 0xff;
    }
    v->latch = planes_get(v, unit);
    if (v->gfx[5] & 8) { /* read mode 1: where does the colour match? */
        uint32_t care = spread(v->gfx[7]);
        uint32_t differ = (v->latch ^ spread(v->gfx[2])) & care;

        differ |= differ >> 16;
        differ |= differ >> 8;
        return (uint8_t)~differ;
    }
    return (uint8_t)(v->latch >> (8 * plane));
}

static uint8_t window_read_byte(struct vga *v, uint64_t at)
{
    uint32_t offset;

    if (!window_offset(v, at, &offset)) {
        return 0xff;
    }
    if (chain4(v) || (vbe_on(v) && v->vbe[VBE_BPP] != 4)) {
        if (offset >= v->vram_size) {
            return 0xff;
        }
        v->latch = planes_get(v, offset / 4);
        return v->vram->host[offset];
    }
    return planes_read(v, offset);
}

static uint8_t rotate(uint8_t value, unsigned count)
{
    count &= 7;
    return (uint8_t)(value >> count | value << ((8 - count) & 7));
}

static uint32_t alu(const struct vga *v, uint32_t value)
{
    switch (v->gfx[3] >> 3 & 3) {
    case 1: return value & v->latch;
    case 2: return value | v->latch;
    case 3: return value ^ v->latch;
    default: return value;
    }
}

/* What the four planes get for one byte of the CPU, before the map mask. */
static uint32_t write_value(const struct vga *v, uint8_t byte)
{
    uint8_t bits = v->gfx[8];
    uint32_t value;
    uint32_t mask;

    switch (v->gfx[5] & 3) {
    case 0: {
        uint32_t set = spread(v->gfx[1]);

        value = repeat(rotate(byte, v->gfx[3]));
        value = (value & ~set) | (spread(v->gfx[0]) & set);
        value = alu(v, value);
        break;
    }
    case 1: return v->latch;
    case 2: value = alu(v, spread(byte & 15)); break;
    default:
        bits &= rotate(byte, v->gfx[3]);
        value = spread(v->gfx[0]);
        break;
    }
    mask = repeat(bits);
    return (value & mask) | (v->latch & ~mask);
}

static void planes_put(struct vga *v, uint32_t unit, uint32_t value,
                       uint32_t mask)
{
    uint8_t *p = v->vram->host + 4 * (size_t)unit;

    stl_u32(p, (ldl_u32(p) & ~mask) | (value & mask));
    ram_wrote(v->vram, 4 * (uint64_t)unit, 4);
}

static void planes_write(struct vga *v, uint32_t offset, uint8_t byte)
{
    uint32_t units = v->vram_size / 4;
    uint32_t mask = spread(v->seq[2]);
    uint32_t unit = offset;

    if (!(v->seq[4] & 4)) { /* odd/even */
        mask &= offset & 1 ? 0xff00ff00U : 0x00ff00ffU;
        unit = offset >> 1;
    }
    if (unit < units) {
        planes_put(v, unit, write_value(v, byte), mask);
    }
}

static void window_write_byte(struct vga *v, uint64_t at, uint8_t byte)
{
    uint32_t offset;

    if (!window_offset(v, at, &offset)) {
        return;
    }
    if (chain4(v) || (vbe_on(v) && v->vbe[VBE_BPP] != 4)) {
        if (offset < v->vram_size &&
            (vbe_on(v) || v->seq[2] >> (offset & 3) & 1)) {
            v->vram->host[offset] = byte;
            ram_wrote(v->vram, offset, 1);
        }
        return;
    }
    planes_write(v, offset, byte);
}

static uint64_t window_read(void *opaque, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)window_read_byte(opaque, at + i) << (8 * i);
    }
    return value;
}

static void window_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        window_write_byte(opaque, at + i, (uint8_t)(value >> (8 * i)));
    }
}

static const struct region_ops window_ops = {
    .read = window_read, .write = window_write, .max = 8, .unaligned = true};

/* Linear memory needs no handler: chain-4 with every plane, or VBE. */
static bool window_linear(const struct vga *v)
{
    bool vbe = vbe_on(v) && v->vbe[VBE_BPP] != 4;

    return (v->gfx[6] >> 2 & 3) == 1 && (vbe || (chain4(v) && v->seq[2] == 15));
}

void vga_memory_changed(struct vga *v)
{
    bool linear = window_linear(v);

    if (linear) {
        uint64_t bank =
            vbe_on(v) ? (uint64_t)v->vbe[VBE_BANK] << 16 : UINT64_C(0);

        region_set_alias(&v->direct, &v->vram_region, bank);
    }
    region_set_enabled(&v->direct, linear);
}

void vga_memory_init(struct vga *v)
{
    region_init_container(&v->window, "vga-window", VGA_WINDOW);
    region_init_io(&v->slow, "vga-planes", VGA_WINDOW, &window_ops, v);
    region_init_ram(&v->vram_region, "vga.vram", v->vram, 0, v->vram_size);
    region_init_alias(&v->direct, "vga-linear", &v->vram_region, 0, 0x10000);
    region_set_enabled(&v->direct, false);
    region_add(&v->window, &v->slow, 0, 0);
    region_add(&v->window, &v->direct, 0, 1);
}
