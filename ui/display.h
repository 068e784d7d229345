/* SPDX-License-Identifier: MIT */
/*
 * What a display device shows, and who looks at it. A console holds one
 * 32-bit picture (0x00RRGGBB, host endian) that the device redraws when a
 * viewer (window, VNC server, screen dump) asks for an update.
 * Machine lock held in all calls.
 */
#ifndef UI_DISPLAY_H
#define UI_DISPLAY_H

#include "base/error.h"

struct console;

struct surface {
    unsigned width, height;
    unsigned stride; /* bytes */
    uint32_t *pixels;
};

/* The device's side. */
struct console_ops {
    /* Brings the picture up to date: console_resize(), pixels, damage. */
    void (*update)(void *opaque);
    /* Everything must be drawn again at the next update. */
    void (*invalidate)(void *opaque);
    /* Screen as text where it is in a text mode, "" otherwise; g_free(). */
    char *(*text)(void *opaque);
};

/* A viewer's side; any may be NULL. */
struct viewer {
    void (*resized)(struct viewer *v, const struct surface *s);
    void (*damaged)(struct viewer *v, unsigned x, unsigned y, unsigned w,
                    unsigned h);
    /* Hardware cursor: ARGB pixels, or NULL to hide it. */
    void (*cursor)(struct viewer *v, const uint32_t *argb, unsigned w,
                   unsigned h, int hot_x, int hot_y);
    void (*cursor_moved)(struct viewer *v, int x, int y);
    struct viewer *next;
    struct console *console;
};

struct console {
    char *name;
    const struct console_ops *ops;
    void *opaque;
    struct surface surface;
    struct viewer *viewers;
    struct console *next;
};

struct console *console_new(const char *name, const struct console_ops *ops,
                            void *opaque);
void console_free(struct console *c);
/* The device: a picture of a new size, black. No-op for the same size. */
void console_resize(struct console *c, unsigned width, unsigned height);
void console_damage(struct console *c, unsigned x, unsigned y, unsigned w,
                    unsigned h);
/* A viewer, 30 to 60 times a second, or whenever it wants a picture. */
void console_update(struct console *c);
void console_add_viewer(struct console *c, struct viewer *v);
void console_remove_viewer(struct console *c, struct viewer *v);

/* Saves the current picture. The format is "png" or "ppm". */
bool console_screendump(struct console *c, const char *path, const char *format,
                        GError **error);

#endif
