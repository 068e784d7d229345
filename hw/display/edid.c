/* SPDX-License-Identifier: MIT */
/*
 * The identification of a made-up flat monitor of 100 dots an inch. [EDID]
 * Timing by [CVT]'s reduced blanking, which suits any size.
 *
 * Not modelled: extension blocks.
 */
#include "hw/display/edid.h"

#include <string.h>

enum { DPI = 100, HZ = 60, PRODUCT = 0x5245 };
/* [CVT] reduced blanking: pixels, lines, microseconds */
enum { H_BLANK = 160, H_FRONT = 48, H_SYNC = 32 };
enum { V_FRONT = 3, V_SYNC = 6, V_BACK_MIN = 6, V_BLANK_US = 460 };
enum { TEXT = 13 };

static unsigned millimetres(unsigned pixels)
{
    return pixels * 254 / (10 * DPI);
}

static unsigned v_blank(unsigned height)
{
    unsigned lines = V_BLANK_US * height / (1000000 / HZ - V_BLANK_US) + 1;

    return MAX(lines, (unsigned)(V_FRONT + V_SYNC + V_BACK_MIN));
}

static unsigned clock_10khz(unsigned width, unsigned height)
{
    uint64_t dots = (uint64_t)(width + H_BLANK) * (height + v_blank(height));

    return (unsigned)MIN(dots * HZ / 10000, 0xffff);
}

/* 3.10.2: the detailed timing of the preferred mode. */
static void detailed_timing(uint8_t *p, unsigned w, unsigned h)
{
    unsigned blank = v_blank(h);

    stl_u16(p, (uint16_t)clock_10khz(w, h));
    p[2] = (uint8_t)w;
    p[3] = H_BLANK;
    p[4] = (uint8_t)(w >> 8 << 4);
    p[5] = (uint8_t)h;
    p[6] = (uint8_t)blank;
    p[7] = (uint8_t)(h >> 8 << 4 | blank >> 8);
    p[8] = H_FRONT;
    p[9] = H_SYNC;
    p[10] = V_FRONT << 4 | V_SYNC;
    p[12] = (uint8_t)millimetres(w);
    p[13] = (uint8_t)millimetres(h);
    p[14] = (uint8_t)(millimetres(w) >> 8 << 4 | millimetres(h) >> 8);
    p[17] = 0x1a; /* digital separate sync, horizontal positive */
}

/* 3.10.3.3: what a window may be: nearly anything. */
static void range_limits(uint8_t *p)
{
    static const uint8_t limits[18] = {0,    0,    0,    0xfd, 0,    50,
                                       125,  30,   160,  66,   0x01, 0x0a,
                                       0x20, 0x20, 0x20, 0x20, 0x20, 0x20};

    memcpy(p, limits, sizeof(limits));
}

static void text_descriptor(uint8_t *p, uint8_t tag, const char *text)
{
    size_t len = MIN(strlen(text), (size_t)TEXT - 1);

    p[3] = tag;
    memset(p + 5, ' ', TEXT);
    memcpy(p + 5, text, len);
    p[5 + len] = '\n';
}

static void dummy_descriptor(uint8_t *p)
{
    p[3] = 0x10;
}

/* 3.9: eight modes at 60 Hz; what is not one is 01 01. */
static void standard_timings(uint8_t *p)
{
    static const struct {
        uint16_t width;
        uint8_t aspect; /* 16:10, 4:3, 5:4, 16:9 */
    } modes[8] = {{1920, 3}, {1280, 3}, {2048, 3}, {1680, 0},
                  {1440, 0}, {1600, 1}, {1280, 2}, {1920, 0}};

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        p[2 * i] = (uint8_t)(modes[i].width / 8 - 31);
        p[2 * i + 1] = (uint8_t)(modes[i].aspect << 6 | (HZ - 60));
    }
}

void edid_make(uint8_t out[EDID_SIZE], unsigned width, unsigned height)
{
    static const uint8_t srgb[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c,
                                     0x99, 0x26, 0x0f, 0x50, 0x54};
    unsigned maker =
        ('R' - 'A' + 1) << 10 | ('H' - 'A' + 1) << 5 | ('E' - 'A' + 1);
    uint8_t sum = 0;

    memset(out, 0, EDID_SIZE);
    memset(out + 1, 0xff, 6);
    out[8] = (uint8_t)(maker >> 8);
    out[9] = (uint8_t)maker;
    stl_u16(out + 10, PRODUCT);
    out[16] = 1;           /* week */
    out[17] = 2024 - 1990; /* and year of manufacture */
    out[18] = 1;
    out[19] = 4;
    out[20] = 0xa5; /* digital, 8 bits a colour, DisplayPort */
    out[21] = (uint8_t)MIN(millimetres(width) / 10, 255U);
    out[22] = (uint8_t)MIN(millimetres(height) / 10, 255U);
    out[23] = 220 - 100; /* gamma 2.2 */
    out[24] = 0x06;      /* sRGB; the first timing is the native one */
    memcpy(out + 25, srgb, sizeof(srgb));
    out[35] = 0x21; /* 640x480 and 800x600 at 60 Hz */
    out[36] = 0x08; /* 1024x768 at 60 Hz */
    standard_timings(out + 38);
    detailed_timing(out + 54, width, height);
    range_limits(out + 72);
    text_descriptor(out + 90, 0xfc, "Rhea Monitor");
    dummy_descriptor(out + 108);
    for (unsigned i = 0; i < EDID_SIZE - 1; i++) {
        sum = (uint8_t)(sum + out[i]);
    }
    out[EDID_SIZE - 1] = (uint8_t)-sum;
}
