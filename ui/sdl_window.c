/* SPDX-License-Identifier: MIT */
/*
 * Keys: Ctrl-Alt-G takes or releases the mouse, Ctrl-Alt-F full screen,
 * Ctrl-Alt-U back to the guest's own size.
 *
 * An absolute pointer (tablet) follows the host's without being grabbed; a
 * mouse wants to be clicked into first.
 */
#include <SDL.h>
#include <string.h>

#include "ui/sdl.h"

enum { FRAME_MS = 16, MODIFIERS = 8, FIRST_MODIFIER = 0xe0 };

struct sdl_ui {
    struct sdl_options o;
    struct viewer viewer;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    unsigned width, height;
    bool damaged, grabbed, full_screen;
    unsigned modifiers; /* held down now: bit n: usage 0xe0 + n */
    uint32_t held[8];   /* keys that the guest believes down, a bit a usage */
    guint timer;
};

static struct sdl_ui *sdl_of(struct viewer *v)
{
    return container_of(v, struct sdl_ui, viewer);
}

static void sdl_title(struct sdl_ui *ui)
{
    g_autofree char *title = g_strdup_printf(
        "%s%s", ui->o.title,
        ui->grabbed ? " - press Ctrl-Alt-G to release the mouse" : "");

    SDL_SetWindowTitle(ui->window, title);
}

static void sdl_grab(struct sdl_ui *ui, bool on)
{
    ui->grabbed = on;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowGrab(ui->window, on ? SDL_TRUE : SDL_FALSE);
    sdl_title(ui);
}

static void sdl_resized(struct viewer *v, const struct surface *s)
{
    struct sdl_ui *ui = sdl_of(v);

    if (ui->texture) {
        SDL_DestroyTexture(ui->texture);
    }
    ui->texture = SDL_CreateTexture(ui->renderer, SDL_PIXELFORMAT_RGB888,
                                    SDL_TEXTUREACCESS_STREAMING, (int)s->width,
                                    (int)s->height);
    ui->width = s->width;
    ui->height = s->height;
    SDL_RenderSetLogicalSize(ui->renderer, (int)s->width, (int)s->height);
    if (!ui->full_screen) {
        SDL_SetWindowSize(ui->window, (int)s->width, (int)s->height);
    }
    ui->damaged = true;
}

static void sdl_damaged(struct viewer *v, unsigned x, unsigned y, unsigned w,
                        unsigned h)
{
    sdl_of(v)->damaged = true;
}

static void sdl_draw(struct sdl_ui *ui)
{
    const struct surface *s = &ui->o.console->surface;

    ui->damaged = false;
    if (!ui->texture) {
        return;
    }
    SDL_UpdateTexture(ui->texture, NULL, s->pixels, (int)s->stride);
    SDL_RenderClear(ui->renderer);
    SDL_RenderCopy(ui->renderer, ui->texture, NULL, NULL);
    SDL_RenderPresent(ui->renderer);
}

/* Our own key combinations; true where the guest must not see the key. */
static bool sdl_own_key(struct sdl_ui *ui, unsigned usage)
{
    bool ctrl = ui->modifiers & 0x11;
    bool alt = ui->modifiers & 0x44;

    if (!ctrl || !alt) {
        return false;
    }
    switch (usage) {
    case SDL_SCANCODE_G: sdl_grab(ui, !ui->grabbed); return true;
    case SDL_SCANCODE_F:
        ui->full_screen = !ui->full_screen;
        SDL_SetWindowFullscreen(
            ui->window, ui->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
        return true;
    case SDL_SCANCODE_U:
        SDL_SetWindowSize(ui->window, (int)ui->width, (int)ui->height);
        return true;
    default: return false;
    }
}

/* SDL's scancodes are HID usages. */
static void sdl_key(struct sdl_ui *ui, const SDL_KeyboardEvent *e)
{
    unsigned usage = e->keysym.scancode;
    bool down = e->type == SDL_KEYDOWN;

    if (usage >= FIRST_MODIFIER && usage < FIRST_MODIFIER + MODIFIERS) {
        unsigned bit = 1U << (usage - FIRST_MODIFIER);

        ui->modifiers = down ? ui->modifiers | bit : ui->modifiers & ~bit;
    }
    if ((down && sdl_own_key(ui, usage)) || usage > 0xff) {
        return;
    }
    if (down) {
        ui->held[usage / 32] |= 1U << usage % 32;
    } else {
        ui->held[usage / 32] &= ~(1U << usage % 32);
    }
    input_key(ui->o.input, usage, down);
}

/* Focus lost: no key may stay down. */
static void sdl_release_keys(struct sdl_ui *ui)
{
    for (unsigned i = 0; i < 32 * ARRAY_SIZE(ui->held); i++) {
        if (ui->held[i / 32] >> i % 32 & 1) {
            input_key(ui->o.input, i, false);
        }
    }
    memset(ui->held, 0, sizeof(ui->held));
    ui->modifiers = 0;
    sdl_grab(ui, false);
}

static void sdl_motion(struct sdl_ui *ui, const SDL_MouseMotionEvent *e)
{
    if (input_is_absolute(ui->o.input)) {
        input_abs(ui->o.input,
                  (unsigned)MAX(e->x, 0) * INPUT_ABS_MAX / MAX(ui->width, 1),
                  (unsigned)MAX(e->y, 0) * INPUT_ABS_MAX / MAX(ui->height, 1));
    } else if (ui->grabbed) {
        input_rel(ui->o.input, e->xrel, e->yrel);
    } else {
        return;
    }
    input_sync(ui->o.input);
}

static void sdl_button(struct sdl_ui *ui, const SDL_MouseButtonEvent *e)
{
    static const int8_t buttons[] = {
        [SDL_BUTTON_LEFT] = INPUT_LEFT,   [SDL_BUTTON_MIDDLE] = INPUT_MIDDLE,
        [SDL_BUTTON_RIGHT] = INPUT_RIGHT, [SDL_BUTTON_X1] = INPUT_SIDE,
        [SDL_BUTTON_X2] = INPUT_EXTRA,
    };
    bool down = e->type == SDL_MOUSEBUTTONDOWN;

    if (!ui->grabbed && !input_is_absolute(ui->o.input)) {
        if (down) {
            sdl_grab(ui, true);
        }
        return;
    }
    if (e->button >= SDL_BUTTON_LEFT && e->button < ARRAY_SIZE(buttons)) {
        input_button(ui->o.input, (enum input_button)buttons[e->button], down);
        input_sync(ui->o.input);
    }
}

static void sdl_wheel(struct sdl_ui *ui, int y)
{
    enum input_button b = y > 0 ? INPUT_WHEEL_UP : INPUT_WHEEL_DOWN;

    if (y != 0) {
        input_button(ui->o.input, b, true);
        input_sync(ui->o.input);
        input_button(ui->o.input, b, false);
        input_sync(ui->o.input);
    }
}

static void sdl_event(struct sdl_ui *ui, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_QUIT: ui->o.quit(ui->o.opaque); break;
    case SDL_KEYDOWN:
    case SDL_KEYUP: sdl_key(ui, &e->key); break;
    case SDL_MOUSEMOTION: sdl_motion(ui, &e->motion); break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: sdl_button(ui, &e->button); break;
    case SDL_MOUSEWHEEL: sdl_wheel(ui, e->wheel.y); break;
    case SDL_WINDOWEVENT:
        if (e->window.event == SDL_WINDOWEVENT_FOCUS_LOST) {
            sdl_release_keys(ui);
        }
        ui->damaged = true;
        break;
    default: break;
    }
}

static gboolean sdl_frame(gpointer data)
{
    struct sdl_ui *ui = data;
    SDL_Event e;

    lock_enter(ui->o.lock);
    while (SDL_PollEvent(&e)) {
        sdl_event(ui, &e);
    }
    console_update(ui->o.console);
    if (ui->damaged) {
        sdl_draw(ui);
    }
    lock_leave(ui->o.lock);
    return G_SOURCE_CONTINUE;
}

static bool sdl_window(struct sdl_ui *ui, GError **error)
{
    Uint32 flags = SDL_WINDOW_RESIZABLE;

    if (ui->full_screen) {
        flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
    }
    ui->window = SDL_CreateWindow(ui->o.title, SDL_WINDOWPOS_UNDEFINED,
                                  SDL_WINDOWPOS_UNDEFINED, 720, 400, flags);
    if (ui->window) {
        ui->renderer = SDL_CreateRenderer(ui->window, -1, 0);
    }
    return ui->renderer || fail(error, "no window: %s", SDL_GetError());
}

/* SDL may settle for a window that nobody sees, which is welcome only where
 * it was asked for. */
static bool sdl_is_visible(void)
{
    static const char *const unseen[] = {"offscreen", "dummy", "evdev", NULL};
    const char *driver = SDL_GetCurrentVideoDriver();

    return driver &&
           (g_getenv("SDL_VIDEODRIVER") || !g_strv_contains(unseen, driver));
}

struct sdl_ui *sdl_open(const struct sdl_options *o, GError **error)
{
    struct sdl_ui *ui;

    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    if (!g_getenv("DISPLAY") && !g_getenv("WAYLAND_DISPLAY") &&
        !g_getenv("SDL_VIDEODRIVER")) {
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "KMSDRM"); /* the console's screen */
    }
    if (SDL_Init(SDL_INIT_VIDEO) < 0) {
        fail(error, "there is no display for a window (%s)", SDL_GetError());
        return NULL;
    }
    if (!sdl_is_visible()) {
        SDL_Quit();
        fail(error, "there is no display for a window");
        return NULL;
    }
    ui = g_new0(struct sdl_ui, 1);
    ui->o = *o;
    ui->full_screen = o->full_screen;
    if (!sdl_window(ui, error)) {
        sdl_close(ui);
        return NULL;
    }
    ui->viewer.resized = sdl_resized;
    ui->viewer.damaged = sdl_damaged;
    console_add_viewer(o->console, &ui->viewer);
    sdl_title(ui);
    ui->timer = g_timeout_add(FRAME_MS, sdl_frame, ui);
    return ui;
}

void sdl_close(struct sdl_ui *ui)
{
    if (ui->timer) {
        g_source_remove(ui->timer);
        console_remove_viewer(ui->o.console, &ui->viewer);
    }
    if (ui->texture) {
        SDL_DestroyTexture(ui->texture);
    }
    if (ui->renderer) {
        SDL_DestroyRenderer(ui->renderer);
    }
    if (ui->window) {
        SDL_DestroyWindow(ui->window);
    }
    SDL_Quit();
    g_free(ui);
}
