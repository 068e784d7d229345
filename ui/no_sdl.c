/* SPDX-License-Identifier: MIT */
/* A build without SDL2 has no window. */
#include "ui/sdl.h"

struct sdl_ui *sdl_open(const struct sdl_options *o, GError **error)
{
    fail(error, "-display sdl: this rhea was built without SDL2; -vnc :1 and "
                "-display none are there");
    return NULL;
}

void sdl_close(struct sdl_ui *ui)
{
}
