/* SPDX-License-Identifier: MIT */
/*
 * The machine in a window, by SDL2. Main thread only; takes the machine lock
 * itself.
 */
#ifndef UI_SDL_H
#define UI_SDL_H

#include "base/lock.h"
#include "ui/display.h"
#include "ui/input.h"

struct sdl_ui;

struct sdl_options {
    struct lock *lock;
    struct console *console;
    struct input *input;
    const char *title;
    bool full_screen;
    void (*quit)(void *opaque); /* the window was closed */
    void *opaque;
};

/* Fails where there is no display. Options are copied, strings are not. */
struct sdl_ui *sdl_open(const struct sdl_options *o, GError **error);
void sdl_close(struct sdl_ui *ui);

#endif
