/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

#include "ui/display.h"

static void row_rgb(const struct surface *s, unsigned y, uint8_t *out)
{
    const uint32_t *p = s->pixels + (size_t)y * (s->stride / 4);

    for (unsigned x = 0; x < s->width; x++) {
        *out++ = (uint8_t)(p[x] >> 16);
        *out++ = (uint8_t)(p[x] >> 8);
        *out++ = (uint8_t)p[x];
    }
}

static bool write_ppm(const struct surface *s, FILE *f)
{
    g_autofree uint8_t *row = g_malloc((size_t)s->width * 3);

    fprintf(f, "P6\n%u %u\n255\n", s->width, s->height);
    for (unsigned y = 0; y < s->height; y++) {
        row_rgb(s, y, row);
        fwrite(row, 3, s->width, f);
    }
    return !ferror(f);
}

static bool write_png(const struct surface *s, FILE *f)
{
    g_autofree uint8_t *rgb = g_malloc((size_t)s->width * s->height * 3);
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = s->width,
        .height = s->height,
        .format = PNG_FORMAT_RGB,
    };

    for (unsigned y = 0; y < s->height; y++) {
        row_rgb(s, y, rgb + (size_t)y * s->width * 3);
    }
    return png_image_write_to_stdio(&image, f, 0, rgb, 0, NULL);
}

bool console_screendump(struct console *c, const char *path, const char *format,
                        GError **error)
{
    bool png = strcmp(format, "png") == 0;
    FILE *f;
    bool ok;

    console_update(c);
    if (c->surface.width == 0 || c->surface.height == 0) {
        return fail(error, "there is no picture yet");
    }
    f = fopen(path, "wbe");
    if (!f) {
        return fail_errno(error, "cannot write '%s'", path);
    }
    ok = png ? write_png(&c->surface, f) : write_ppm(&c->surface, f);
    ok = fclose(f) == 0 && ok;
    return ok || fail(error, "cannot write '%s': disk full?", path);
}
