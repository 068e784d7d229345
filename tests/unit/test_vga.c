/* SPDX-License-Identifier: MIT */
/* The VGA's state machines by [VGA], 2 and 4, and the PCI card's EDID. */
#include "hw/chipset/i440fx.h"
#include "hw/display/vga_isa.h"
#include "hw/display/vga_pci.h"
#include "hw/pci/pci.h"
#include "tests/unit/hw_test.h"

struct box {
    struct machine m;
};

static void seq(struct box *b, uint8_t index, uint8_t value)
{
    out8(&b->m, 0x3c4, index);
    out8(&b->m, 0x3c5, value);
}

static void gfx(struct box *b, uint8_t index, uint8_t value)
{
    out8(&b->m, 0x3ce, index);
    out8(&b->m, 0x3cf, value);
}

static uint8_t crtc_get(struct box *b, uint8_t index)
{
    out8(&b->m, 0x3d4, index);
    return in8(&b->m, 0x3d5);
}

static void crtc(struct box *b, uint8_t index, uint8_t value)
{
    out8(&b->m, 0x3d4, index);
    out8(&b->m, 0x3d5, value);
}

static uint8_t get(struct box *b, uint32_t at)
{
    return (uint8_t)space_read(&b->m.memory, at, 1);
}

static void put(struct box *b, uint32_t at, uint8_t value)
{
    space_write(&b->m.memory, at, 1, value);
}

/* What plane p holds at offset `at`; read mode 0. */
static uint8_t plane(struct box *b, unsigned p, uint32_t at)
{
    gfx(b, 4, (uint8_t)p);
    gfx(b, 5, 0);
    return get(b, 0xa0000 + at);
}

/* Planar graphics at A0000, as mode 12h sets it. */
static void box_init(struct box *b)
{
    memset((void *)b, 0, sizeof(*b));
    hw_test_init(&b->m);
    isa_bus_new(&b->m, NULL);
    hw_test_dev(&b->m, &vga_isa_type);
    machine_reset_devices(&b->m);
    out8(&b->m, 0x3c2, 0xe3);
    seq(b, 2, 15);
    seq(b, 4, 6);
    gfx(b, 5, 0);
    gfx(b, 6, 5);
    gfx(b, 8, 0xff);
}

static void box_done(struct box *b)
{
    hw_test_done(&b->m);
}

/* Write mode 0: rotate, set/reset, function, bit mask, map mask. */
static void test_mode0(void)
{
    struct box b;

    box_init(&b);
    put(&b, 0xa0000, 0x5a);
    for (unsigned p = 0; p < 4; p++) {
        g_assert_cmphex(plane(&b, p, 0), ==, 0x5a);
    }
    seq(&b, 2, 5);
    put(&b, 0xa0001, 0xff);
    g_assert_cmphex(plane(&b, 0, 1), ==, 0xff);
    g_assert_cmphex(plane(&b, 1, 1), ==, 0);
    g_assert_cmphex(plane(&b, 2, 1), ==, 0xff);
    seq(&b, 2, 15);
    gfx(&b, 0, 0x9); /* set/reset of planes 0 and 1 */
    gfx(&b, 1, 0x3);
    put(&b, 0xa0002, 0x0f);
    g_assert_cmphex(plane(&b, 0, 2), ==, 0xff);
    g_assert_cmphex(plane(&b, 1, 2), ==, 0);
    g_assert_cmphex(plane(&b, 3, 2), ==, 0x0f);
    gfx(&b, 1, 0);
    gfx(&b, 3, 4); /* rotate right by 4 */
    put(&b, 0xa0003, 0x12);
    g_assert_cmphex(plane(&b, 0, 3), ==, 0x21);
    gfx(&b, 3, 0x18); /* exclusive or with the latches */
    get(&b, 0xa0003);
    put(&b, 0xa0003, 0xff);
    g_assert_cmphex(plane(&b, 0, 3), ==, 0xde);
    gfx(&b, 3, 0x08); /* and */
    get(&b, 0xa0003);
    put(&b, 0xa0003, 0x0f);
    g_assert_cmphex(plane(&b, 0, 3), ==, 0x0e);
    gfx(&b, 3, 0x10); /* or */
    get(&b, 0xa0003);
    put(&b, 0xa0003, 0xf0);
    g_assert_cmphex(plane(&b, 0, 3), ==, 0xfe);
    gfx(&b, 3, 0);
    gfx(&b, 8, 0x81); /* the other bits come from the latches */
    get(&b, 0xa0000);
    put(&b, 0xa0004, 0xff);
    g_assert_cmphex(plane(&b, 0, 4), ==, 0xdb);
    box_done(&b);
}

static void test_modes123(void)
{
    struct box b;

    box_init(&b);
    for (unsigned p = 0; p < 4; p++) {
        seq(&b, 2, (uint8_t)(1 << p));
        put(&b, 0xa0000, (uint8_t)(0x11 * (p + 1)));
    }
    seq(&b, 2, 15);
    gfx(&b, 5, 1); /* 1: the latches, whatever the mask */
    gfx(&b, 8, 0);
    get(&b, 0xa0000);
    put(&b, 0xa0010, 0);
    for (unsigned p = 0; p < 4; p++) {
        g_assert_cmphex(plane(&b, p, 0x10), ==, 0x11 * (p + 1));
    }
    gfx(&b, 5, 2); /* 2: a bit a plane */
    gfx(&b, 8, 0xf0);
    get(&b, 0xa0020);
    put(&b, 0xa0020, 0x0a);
    g_assert_cmphex(plane(&b, 0, 0x20), ==, 0);
    g_assert_cmphex(plane(&b, 1, 0x20), ==, 0xf0);
    g_assert_cmphex(plane(&b, 3, 0x20), ==, 0xf0);
    gfx(&b, 5, 3); /* 3: set/reset where data and mask are 1 */
    gfx(&b, 0, 0x5);
    gfx(&b, 8, 0x3c);
    get(&b, 0xa0030);
    put(&b, 0xa0030, 0x0f);
    g_assert_cmphex(plane(&b, 0, 0x30), ==, 0x0c);
    g_assert_cmphex(plane(&b, 1, 0x30), ==, 0);
    g_assert_cmphex(plane(&b, 2, 0x30), ==, 0x0c);
    box_done(&b);
}

/* Read mode 1: which pixels have the colour, as far as it matters? */
static void test_compare(void)
{
    struct box b;

    box_init(&b);
    seq(&b, 2, 1);
    put(&b, 0xa0000, 0xf0);
    seq(&b, 2, 4);
    put(&b, 0xa0000, 0xcc);
    gfx(&b, 2, 5);
    gfx(&b, 7, 15);
    gfx(&b, 5, 8);
    g_assert_cmphex(get(&b, 0xa0000), ==, 0xc0);
    gfx(&b, 7, 4);
    g_assert_cmphex(get(&b, 0xa0000), ==, 0xcc);
    gfx(&b, 7, 0);
    g_assert_cmphex(get(&b, 0xa0000), ==, 0xff);
    box_done(&b);
}

/* Chain-4: the low address bits choose the plane; map mask still counts. */
static void test_chain4(void)
{
    struct box b;

    box_init(&b);
    seq(&b, 4, 0x0e);
    space_write(&b.m.memory, 0xa0000, 4, 0x44332211);
    g_assert_cmphex(get(&b, 0xa0002), ==, 0x33);
    seq(&b, 2, 1);
    space_write(&b.m.memory, 0xa0000, 4, 0xaabbccdd);
    g_assert_cmphex(space_read(&b.m.memory, 0xa0000, 4), ==, 0x443322dd);
    seq(&b, 2, 15);
    seq(&b, 4, 6); /* unchained: one pixel of four, as mode X has it */
    g_assert_cmphex(plane(&b, 0, 0), ==, 0xdd);
    g_assert_cmphex(plane(&b, 3, 0), ==, 0x44);
    box_done(&b);
}

/* Odd/even: text. Characters in plane 0, attributes in plane 1. */
static void test_odd_even(void)
{
    struct box b;

    box_init(&b);
    seq(&b, 2, 3);
    seq(&b, 4, 2);
    gfx(&b, 5, 0x10);
    gfx(&b, 6, 0x0e); /* B8000 */
    space_write(&b.m.memory, 0xb8000, 2, 0x0741);
    g_assert_cmphex(space_read(&b.m.memory, 0xb8000, 2), ==, 0x0741);
    g_assert_cmphex(get(&b, 0xa0000), ==, 0xff); /* not there now */
    gfx(&b, 6, 5);
    seq(&b, 4, 6);
    g_assert_cmphex(plane(&b, 0, 0), ==, 0x41);
    g_assert_cmphex(plane(&b, 1, 0), ==, 0x07);
    g_assert_cmphex(plane(&b, 2, 0), ==, 0);
    box_done(&b);
}

static void test_protect(void)
{
    struct box b;

    box_init(&b);
    crtc(&b, 0x11, 0);
    for (uint8_t i = 0; i < 8; i++) {
        crtc(&b, i, 0x40);
    }
    crtc(&b, 0x11, 0x80);
    for (uint8_t i = 0; i < 8; i++) {
        crtc(&b, i, 0xff);
        /* only the line compare's bit of the overflow register moves */
        g_assert_cmphex(crtc_get(&b, i), ==, i == 7 ? 0x50 : 0x40);
    }
    crtc(&b, 8, 0x1f);
    g_assert_cmphex(crtc_get(&b, 8), ==, 0x1f);
    box_done(&b);
}

/* 3C0: index and data by turns; reading 3DA starts over. */
static void test_attributes(void)
{
    struct box b;

    box_init(&b);
    in8(&b.m, 0x3da);
    out8(&b.m, 0x3c0, 0x10);
    out8(&b.m, 0x3c0, 0x41);
    out8(&b.m, 0x3c0, 0x05);
    out8(&b.m, 0x3c0, 0x15);
    out8(&b.m, 0x3c0, 0x10);
    g_assert_cmphex(in8(&b.m, 0x3c1), ==, 0x41);
    in8(&b.m, 0x3da);
    out8(&b.m, 0x3c0, 0x25); /* the palette belongs to the screen now */
    out8(&b.m, 0x3c0, 0x3f);
    g_assert_cmphex(in8(&b.m, 0x3c0), ==, 0x25);
    g_assert_cmphex(in8(&b.m, 0x3c1), ==, 0x15);
    box_done(&b);
}

static void test_dac(void)
{
    struct box b;

    box_init(&b);
    out8(&b.m, 0x3c8, 7);
    g_assert_cmphex(in8(&b.m, 0x3c7) & 3, ==, 0); /* writing */
    for (unsigned i = 0; i < 6; i++) {
        out8(&b.m, 0x3c9, (uint8_t)(0x41 + i)); /* six bits count */
    }
    g_assert_cmpuint(in8(&b.m, 0x3c8), ==, 9);
    out8(&b.m, 0x3c7, 7);
    g_assert_cmphex(in8(&b.m, 0x3c7) & 3, ==, 3); /* reading */
    for (unsigned i = 0; i < 6; i++) {
        g_assert_cmphex(in8(&b.m, 0x3c9), ==, 1 + i);
    }
    out8(&b.m, 0x3c8, 20); /* an entry is taken when its third byte comes */
    out8(&b.m, 0x3c9, 1);
    out8(&b.m, 0x3c9, 2);
    out8(&b.m, 0x3c7, 20);
    g_assert_cmphex(in8(&b.m, 0x3c9), ==, 0);
    box_done(&b);
}

/* Mode 3's vertical timing: 449 lines of 100 characters of 9 dots at 28.322
 * MHz; the retrace is lines 412 and 413. */
static void mode3_timing(struct box *b)
{
    static const uint8_t regs[][2] = {
        {0x11, 0x0e}, {0x00, 0x5f}, {0x01, 0x4f}, {0x06, 0xbf},
        {0x07, 0x1f}, {0x10, 0x9c}, {0x12, 0x8f}, {0x11, 0x0e},
    };

    out8(&b->m, 0x3c2, 0x67);
    seq(b, 1, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
        crtc(b, regs[i][0], regs[i][1]);
    }
}

static void test_retrace(void)
{
    struct box b;
    unsigned retrace = 0, blank = 0;
    enum { LINES = 449, LINE_NS = 31777 };
    int64_t frame = (int64_t)LINES * LINE_NS;

    box_init(&b);
    mode3_timing(&b);
    for (unsigned i = 0; i < LINES; i++) { /* once a line, at its begin */
        uint8_t status;

        clock_step(&b.m.clock, 10 * frame + (int64_t)i * LINE_NS + 500);
        status = in8(&b.m, 0x3da);
        retrace += status >> 3 & 1;
        blank += status & 1;
    }
    g_assert_cmpuint(retrace, ==, 2);
    g_assert_cmpuint(blank, ==, LINES - 400);
    box_done(&b);
}

/* The interrupt's bit: latched by the retrace, let and cleared by CR11. */
static void test_interrupt(void)
{
    struct box b;

    box_init(&b);
    mode3_timing(&b);
    crtc(&b, 0x11, 0x2e);
    hw_test_step(&b.m, 20 * NS_PER_MS);
    g_assert_cmphex(in8(&b.m, 0x3c2) & 0x80, ==, 0); /* held clear */
    crtc(&b, 0x11, 0x3e);
    g_assert_cmphex(in8(&b.m, 0x3c2) & 0x80, ==, 0);
    hw_test_step(&b.m, 15 * NS_PER_MS); /* a frame */
    g_assert_cmphex(in8(&b.m, 0x3c2) & 0x80, ==, 0x80);
    crtc(&b, 0x11, 0x2e);
    crtc(&b, 0x11, 0x3e);
    g_assert_cmphex(in8(&b.m, 0x3c2) & 0x80, ==, 0);
    box_done(&b);
}

/* Colour or mono: the CRTC is at 3D4 or at 3B4, never both. */
static void test_addresses(void)
{
    struct box b;

    box_init(&b);
    crtc(&b, 0x0e, 0x12);
    g_assert_cmphex(in8(&b.m, 0x3b5), ==, 0xff);
    out8(&b.m, 0x3c2, 0xe2);
    g_assert_cmphex(in8(&b.m, 0x3d5), ==, 0xff);
    g_assert_cmphex(in8(&b.m, 0x3b5), ==, 0x12);
    g_assert_cmphex(in8(&b.m, 0x3cc), ==, 0xe2);
    box_done(&b);
}

/* --- the PCI card --- */

static void card(struct box *b, const char *prop, const char *value)
{
    struct dev *dev;
    GError *error = NULL;

    memset((void *)b, 0, sizeof(*b));
    hw_test_init(&b->m);
    hw_test_dev(&b->m, &i440fx_type);
    dev = dev_new(&b->m, &vga_pci_type, NULL);
    if (prop) {
        g_assert_true(dev_set_prop(dev, prop, value, NULL));
    }
    dev_realize(dev, &error);
    g_assert_no_error(error);
    machine_reset_devices(&b->m);
    pci_config_write(container_of(dev, struct pci_dev, dev), 0x18, 4,
                     0xe1000000);
    pci_config_write(container_of(dev, struct pci_dev, dev), 4, 2, 2);
}

static void test_edid(void)
{
    static const uint8_t head[8] = {0, 255, 255, 255, 255, 255, 255, 0};
    struct box b;
    uint8_t e[128];
    uint8_t sum = 0;

    card(&b, "xres", "1366");
    dma_read(&b.m.memory, 0xe1000000, e, sizeof(e));
    for (unsigned i = 0; i < sizeof(e); i++) {
        sum = (uint8_t)(sum + e[i]);
    }
    g_assert_cmpmem(e, 8, head, 8);
    g_assert_cmpuint(sum, ==, 0);
    g_assert_cmpuint(e[18], ==, 1);
    g_assert_cmpuint(e[56] | (e[58] & 0xf0u) << 4, ==, 1366);
    g_assert_cmpuint(e[59] | (e[61] & 0xf0u) << 4, ==, 800);
    g_assert_cmphex(dma_read32(&b.m.memory, 0xe1000600), ==, 8);
    g_assert_cmphex(dma_read32(&b.m.memory, 0xe1000604), ==, 0x1e1e1e1e);
    hw_test_done(&b.m);
    card(&b, "edid", "off");
    g_assert_cmphex(dma_read32(&b.m.memory, 0xe1000000), ==, 0xffffffff);
    hw_test_done(&b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vga/write-mode-0", test_mode0);
    g_test_add_func("/vga/write-modes-1-2-3", test_modes123);
    g_test_add_func("/vga/colour-compare", test_compare);
    g_test_add_func("/vga/chain4", test_chain4);
    g_test_add_func("/vga/odd-even", test_odd_even);
    g_test_add_func("/vga/protect", test_protect);
    g_test_add_func("/vga/attributes", test_attributes);
    g_test_add_func("/vga/dac", test_dac);
    g_test_add_func("/vga/retrace", test_retrace);
    g_test_add_func("/vga/interrupt", test_interrupt);
    g_test_add_func("/vga/addresses", test_addresses);
    g_test_add_func("/vga/edid", test_edid);
    return g_test_run();
}
