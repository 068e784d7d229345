/* SPDX-License-Identifier: MIT */
/*
 * libvncserver does the protocol; here are the picture, the keys and the
 * main loop. Its sockets are polled: it keeps them to itself.
 */
#include "ui/vnc.h"

#include <rfb/rfb.h>
#include <string.h>

#include "ui/keysym.h"

enum { BUSY_MS = 16, IDLE_MS = 100 };

struct vnc_ui {
    struct vnc_options o;
    struct viewer viewer;
    rfbScreenInfoPtr screen;
    char *host;
    char *password;     /* NULL: none was set */
    char *passwords[2]; /* as libvncserver wants them */
    int web;            /* listening socket for browsers, -1 = none */
    unsigned clients;
    unsigned buttons;
    int last_x, last_y;
    guint timer;
    unsigned period;
};

static struct vnc_ui *vnc_of(struct viewer *v)
{
    return container_of(v, struct vnc_ui, viewer);
}

static void vnc_resized(struct viewer *v, const struct surface *s)
{
    struct vnc_ui *ui = vnc_of(v);
    /* the protocol wants multiples of four; the rest stays black */
    int width = (int)((s->width + 3) & ~3U);
    char *old = ui->screen->frameBuffer;

    rfbNewFramebuffer(ui->screen, g_malloc0((gsize)width * s->height * 4),
                      width, (int)s->height, 8, 3, 4);
    ui->screen->serverFormat.redShift = 16;
    ui->screen->serverFormat.greenShift = 8;
    ui->screen->serverFormat.blueShift = 0;
    g_free(old);
}

static void vnc_damaged(struct viewer *v, unsigned x, unsigned y, unsigned w,
                        unsigned h)
{
    struct vnc_ui *ui = vnc_of(v);
    const struct surface *s = &ui->o.console->surface;
    unsigned pitch = (unsigned)ui->screen->paddedWidthInBytes;

    if ((unsigned)ui->screen->height < y + h || pitch < (x + w) * 4) {
        return;
    }
    for (unsigned row = y; row < y + h; row++) {
        memcpy(ui->screen->frameBuffer + (size_t)row * pitch + 4 * (size_t)x,
               s->pixels + (size_t)row * (s->stride / 4) + x, 4 * (size_t)w);
    }
    rfbMarkRectAsModified(ui->screen, (int)x, (int)y, (int)(x + w),
                          (int)(y + h));
}

static void vnc_key(rfbBool down, rfbKeySym key, rfbClientPtr client)
{
    struct vnc_ui *ui = client->screen->screenData;
    unsigned usage = keysym_to_usage(key);

    if (usage) {
        input_key(ui->o.input, usage, down);
    }
}

static void vnc_buttons(struct vnc_ui *ui, unsigned mask)
{
    static const enum input_button buttons[] = {
        INPUT_LEFT,       INPUT_MIDDLE,     INPUT_RIGHT,      INPUT_WHEEL_UP,
        INPUT_WHEEL_DOWN, INPUT_WHEEL_LEFT, INPUT_WHEEL_RIGHT};
    unsigned changed = mask ^ ui->buttons;

    for (unsigned i = 0; i < ARRAY_SIZE(buttons); i++) {
        if (changed >> i & 1) {
            input_button(ui->o.input, buttons[i], mask >> i & 1);
        }
    }
    ui->buttons = mask;
}

static void vnc_pointer(int mask, int x, int y, rfbClientPtr client)
{
    struct vnc_ui *ui = client->screen->screenData;
    const struct surface *s = &ui->o.console->surface;

    if (input_is_absolute(ui->o.input)) {
        input_abs(ui->o.input,
                  (unsigned)MAX(x, 0) * INPUT_ABS_MAX / MAX(s->width, 1),
                  (unsigned)MAX(y, 0) * INPUT_ABS_MAX / MAX(s->height, 1));
    } else if (x != ui->last_x || y != ui->last_y) {
        input_rel(ui->o.input, x - ui->last_x, y - ui->last_y);
    }
    ui->last_x = x;
    ui->last_y = y;
    vnc_buttons(ui, (unsigned)mask);
    input_sync(ui->o.input);
    rfbDefaultPtrAddEvent(mask, x, y, client);
}

static void vnc_gone(rfbClientPtr client)
{
    struct vnc_ui *ui = client->screen->screenData;

    ui->clients--;
    vnc_buttons(ui, 0);
}

static enum rfbNewClientAction vnc_new_client(rfbClientPtr client)
{
    struct vnc_ui *ui = client->screen->screenData;

    ui->clients++;
    client->clientGoneHook = vnc_gone;
    return RFB_CLIENT_ACCEPT;
}

static rfbBool vnc_check_password(rfbClientPtr client, const char *response,
                                  int len)
{
    struct vnc_ui *ui = client->screen->screenData;

    return ui->password && rfbCheckPasswordByList(client, response, len);
}

/* Browsers have a port of their own; the handshake tells them apart. */
static void vnc_accept_web(struct vnc_ui *ui)
{
    int fd = accept4(ui->web, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        rfbNewClientConnection(ui->screen, fd);
    }
}

static gboolean vnc_frame(gpointer data)
{
    struct vnc_ui *ui = data;
    unsigned period;

    lock_enter(ui->o.lock);
    if (ui->web >= 0) {
        vnc_accept_web(ui);
    }
    if (ui->clients) {
        console_update(ui->o.console);
    }
    rfbProcessEvents(ui->screen, 0);
    period = ui->clients ? BUSY_MS : IDLE_MS;
    lock_leave(ui->o.lock);
    if (period != ui->period) {
        ui->period = period;
        ui->timer = g_timeout_add(period, vnc_frame, ui);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void vnc_quiet(const char *format, ...)
{
}

static in_addr_t vnc_address(const char *host)
{
    in_addr_t a = INADDR_ANY;

    if (host && *host) {
        rfbStringToAddr((char *)(uintptr_t)host, &a);
    }
    return a;
}

static bool vnc_listen_web(struct vnc_ui *ui, GError **error)
{
    ui->web = -1;
    if (!ui->o.websocket) {
        return true;
    }
    ui->web = rfbListenOnTCPPort((int)ui->o.websocket, vnc_address(ui->o.host));
    if (ui->web < 0) {
        return fail(error, "VNC: port %u (websocket) is taken",
                    ui->o.websocket);
    }
    rfbSetNonBlocking(ui->web);
    return true;
}

/* A port that is free; rfbListenOnTCPPort() tells whether one is. */
static bool vnc_find_port(struct vnc_ui *ui, GError **error)
{
    for (unsigned i = 0; i < ui->o.ports; i++) {
        int fd =
            rfbListenOnTCPPort((int)(ui->o.port + i), vnc_address(ui->o.host));

        if (fd >= 0) {
            rfbCloseSocket(fd);
            ui->screen->port = (int)(ui->o.port + i);
            return true;
        }
    }
    return fail(error,
                "VNC: port %u (display :%u) is taken%s; add to=99 to try the "
                "next ones",
                ui->o.port, ui->o.port - 5900,
                ui->o.ports > 1 ? " and so are those behind it" : "");
}

static bool vnc_start(struct vnc_ui *ui, GError **error)
{
    rfbScreenInfoPtr s = ui->screen;

    s->autoPort = FALSE;
    s->ipv6port = 0;
    s->listenInterface = vnc_address(ui->o.host);
    s->desktopName = ui->o.title;
    s->alwaysShared = TRUE;
    s->screenData = ui;
    s->kbdAddEvent = vnc_key;
    s->ptrAddEvent = vnc_pointer;
    s->newClientHook = vnc_new_client;
    s->deferUpdateTime = 5;
    if (ui->o.password) {
        s->authPasswdData = ui->passwords;
        s->passwordCheck = vnc_check_password;
    }
    if (!vnc_find_port(ui, error) || !vnc_listen_web(ui, error)) {
        return false;
    }
    rfbInitServer(s);
    return s->listenSock >= 0 ||
           fail(error, "VNC: cannot listen on port %d", s->port);
}

struct vnc_ui *vnc_open(const struct vnc_options *o, GError **error)
{
    struct vnc_ui *ui = g_new0(struct vnc_ui, 1);

    rfbLog = vnc_quiet;
    rfbErr = vnc_quiet;
    ui->o = *o;
    ui->host = g_strdup(o->host && *o->host ? o->host : "0.0.0.0");
    ui->screen = rfbGetScreen(NULL, NULL, 720, 400, 8, 3, 4);
    ui->screen->frameBuffer = g_malloc0(720 * 400 * 4);
    ui->screen->serverFormat.redShift = 16;
    ui->screen->serverFormat.greenShift = 8;
    ui->screen->serverFormat.blueShift = 0;
    if (!vnc_start(ui, error)) {
        vnc_close(ui);
        return NULL;
    }
    ui->viewer.resized = vnc_resized;
    ui->viewer.damaged = vnc_damaged;
    console_add_viewer(o->console, &ui->viewer);
    ui->period = IDLE_MS;
    ui->timer = g_timeout_add(ui->period, vnc_frame, ui);
    return ui;
}

void vnc_close(struct vnc_ui *ui)
{
    char *pixels = ui->screen->frameBuffer;

    if (ui->timer) {
        g_source_remove(ui->timer);
        console_remove_viewer(ui->o.console, &ui->viewer);
        rfbShutdownServer(ui->screen, TRUE);
    }
    if (ui->web > 0) {
        rfbCloseSocket(ui->web);
    }
    rfbScreenCleanup(ui->screen);
    g_free(pixels);
    g_free(ui->host);
    g_free(ui->password);
    g_free(ui);
}

void vnc_set_password(struct vnc_ui *ui, const char *password)
{
    g_free(ui->password);
    ui->password = g_strdup(password);
    ui->passwords[0] = ui->password;
}

unsigned vnc_port(const struct vnc_ui *ui)
{
    return (unsigned)ui->screen->port;
}

const char *vnc_host(const struct vnc_ui *ui)
{
    return ui->host;
}

unsigned vnc_clients(const struct vnc_ui *ui)
{
    return ui->clients;
}
