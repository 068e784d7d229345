/* SPDX-License-Identifier: MIT */
/*
 * libvncserver does the protocol, in a thread of its own: a client that stalls
 * keeps nobody waiting but other clients, and those for CLIENT_WAIT_MS at most.
 *
 * The main loop copies what changed on the screen to `shadow` under `mutex`;
 * the thread takes it from there. The thread takes the machine lock only to
 * pass keys on, and never with `mutex` held.
 *
 * Not modelled: hardware cursors, TLS and SASL, sound, the clipboard.
 */
#include "ui/vnc.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <rfb/rfb.h>
#include <string.h>
#include <unistd.h>

#include "ui/keysym.h"
#include "ui/vnc_listen.h"

enum { FRAME_MS = 16, IDLE_MS = 100, CLIENT_WAIT_MS = 5000, SLEEP_MS = 1000 };

struct vnc_client {
    struct vnc_ui *ui;
    rfbClientPtr client;
    struct vnc_peer peer;
    bool initialized;
};

struct vnc_ui {
    struct vnc_options o;
    struct viewer viewer;
    rfbScreenInfoPtr screen; /* the thread's, once it runs */
    GThread *thread;
    int listener[2]; /* the second one is for browsers; -1 = none */
    int wake[2];     /* a pipe: the thread looks around */
    bool quit;       /* atomic */
    unsigned port;
    char *host, *path;
    guint timer;
    unsigned buttons;
    int last_x, last_y;

    GMutex mutex; /* for the rest */
    uint32_t *shadow;
    unsigned width, height;
    bool resized;
    GArray *damage;     /* struct rect */
    char *password;     /* NULL: none was set */
    char *passwords[2]; /* as libvncserver wants them */
    GPtrArray *clients; /* struct vnc_client *; the thread changes it */
    GArray *notices;    /* guint: sources of what is to be told */
};

struct rect {
    unsigned x, y, w, h;
};

static struct vnc_ui *vnc_of(struct viewer *v)
{
    return container_of(v, struct vnc_ui, viewer);
}

static void vnc_wake(struct vnc_ui *ui)
{
    ssize_t n = write(ui->wake[1], "", 1);

    (void)n; /* full: it is awake anyway */
}

/* --- the main loop's side --- */

static void vnc_resized(struct viewer *v, const struct surface *s)
{
    struct vnc_ui *ui = vnc_of(v);

    g_mutex_lock(&ui->mutex);
    g_free(ui->shadow);
    ui->shadow = g_malloc0_n(MAX(s->width, 1), MAX(s->height, 1) * 4UL);
    ui->width = s->width;
    ui->height = s->height;
    ui->resized = true;
    g_array_set_size(ui->damage, 0);
    g_mutex_unlock(&ui->mutex);
}

static void vnc_damaged(struct viewer *v, unsigned x, unsigned y, unsigned w,
                        unsigned h)
{
    struct vnc_ui *ui = vnc_of(v);
    const struct surface *s = &ui->o.console->surface;
    const struct rect r = {x, y, w, h};

    g_mutex_lock(&ui->mutex);
    if (x + w <= ui->width && y + h <= ui->height) {
        for (unsigned row = y; row < y + h; row++) {
            memcpy(ui->shadow + (size_t)row * ui->width + x,
                   s->pixels + (size_t)row * (s->stride / 4) + x,
                   4 * (size_t)w);
        }
        g_array_append_val(ui->damage, r);
    }
    g_mutex_unlock(&ui->mutex);
}

static gboolean vnc_frame(gpointer data)
{
    struct vnc_ui *ui = data;
    unsigned clients = vnc_clients(ui);

    lock_enter(ui->o.lock);
    if (clients) {
        console_update(ui->o.console);
    }
    lock_leave(ui->o.lock);
    vnc_wake(ui);
    ui->timer = g_timeout_add(clients ? FRAME_MS : IDLE_MS, vnc_frame, ui);
    return G_SOURCE_REMOVE;
}

struct notice {
    struct vnc_ui *ui;
    enum vnc_event event;
    struct vnc_peer peer;
};

static gboolean vnc_notify_on_loop(gpointer data)
{
    const struct notice *n = data;
    guint self = g_source_get_id(g_main_current_source());

    g_mutex_lock(&n->ui->mutex);
    for (guint i = 0; i < n->ui->notices->len; i++) {
        if (g_array_index(n->ui->notices, guint, i) == self) {
            g_array_remove_index(n->ui->notices, i);
            break;
        }
    }
    g_mutex_unlock(&n->ui->mutex);
    lock_enter(n->ui->o.lock);
    n->ui->o.event(n->ui->o.opaque, n->event, &n->peer);
    lock_leave(n->ui->o.lock);
    return G_SOURCE_REMOVE;
}

static void vnc_notify(struct vnc_ui *ui, enum vnc_event event,
                       const struct vnc_peer *peer)
{
    struct notice *n = g_new(struct notice, 1);
    guint id;

    *n = (struct notice){.ui = ui, .event = event, .peer = *peer};
    g_mutex_lock(&ui->mutex);
    id = g_idle_add_full(G_PRIORITY_DEFAULT, vnc_notify_on_loop, n, g_free);
    g_array_append_val(ui->notices, id);
    g_mutex_unlock(&ui->mutex);
}

/* --- the thread's side: keys and pointer --- */

static void vnc_key(rfbBool down, rfbKeySym key, rfbClientPtr client)
{
    struct vnc_ui *ui = client->screen->screenData;
    unsigned usage = keysym_to_usage(ui->o.keymap, key);

    if (usage) {
        lock_enter(ui->o.lock);
        input_key(ui->o.input, usage, down);
        lock_leave(ui->o.lock);
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

    lock_enter(ui->o.lock);
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
    lock_leave(ui->o.lock);
    rfbDefaultPtrAddEvent(mask, x, y, client);
}

/* --- clients --- */

static void vnc_peer_of(struct vnc_peer *p, int fd, bool websocket)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);

    *p = (struct vnc_peer){.family = "unknown", .websocket = websocket};
    if (getpeername(fd, (void *)&a, &len) < 0 || a.ss_family == AF_UNIX) {
        p->family = "unix";
        return;
    }
    p->family = a.ss_family == AF_INET6 ? "ipv6" : "ipv4";
    getnameinfo((void *)&a, len, p->host, sizeof(p->host), p->service,
                sizeof(p->service), NI_NUMERICHOST | NI_NUMERICSERV);
}

static void vnc_gone(rfbClientPtr client)
{
    struct vnc_client *c = client->clientData;
    struct vnc_ui *ui = c->ui;

    lock_enter(ui->o.lock);
    vnc_buttons(ui, 0);
    lock_leave(ui->o.lock);
    g_mutex_lock(&ui->mutex);
    g_ptr_array_remove(ui->clients, c);
    g_mutex_unlock(&ui->mutex);
    vnc_notify(ui, VNC_DISCONNECTED, &c->peer);
    g_free(c);
}

static enum rfbNewClientAction vnc_new_client(rfbClientPtr client)
{
    struct vnc_ui *ui = client->screen->screenData;
    struct vnc_client *c = g_new0(struct vnc_client, 1);

    c->ui = ui;
    c->client = client;
    vnc_peer_of(&c->peer, client->sock, false);
    client->clientData = c;
    client->clientGoneHook = vnc_gone;
    g_mutex_lock(&ui->mutex);
    g_ptr_array_add(ui->clients, c);
    g_mutex_unlock(&ui->mutex);
    vnc_notify(ui, VNC_CONNECTED, &c->peer);
    return RFB_CLIENT_ACCEPT;
}

static rfbBool vnc_check_password(rfbClientPtr client, const char *response,
                                  int len)
{
    struct vnc_ui *ui = client->screen->screenData;
    rfbBool ok;

    g_mutex_lock(&ui->mutex);
    ok = ui->password && rfbCheckPasswordByList(client, response, len);
    g_mutex_unlock(&ui->mutex);
    return ok;
}

/* Who has got in since the last look; and no cursor of libvncserver's own. */
static void vnc_look_at_clients(struct vnc_ui *ui)
{
    for (guint i = 0; i < ui->clients->len; i++) {
        struct vnc_client *c = ui->clients->pdata[i];

        c->client->enableCursorShapeUpdates = FALSE;
        c->client->enableCursorPosUpdates = FALSE;
        if (!c->initialized && c->client->state == RFB_NORMAL) {
            c->initialized = true;
            vnc_notify(ui, VNC_INITIALIZED, &c->peer);
        }
    }
}

/* --- the thread's side: picture, sockets --- */

static void vnc_set_format(rfbScreenInfoPtr s)
{
    s->serverFormat.redShift = 16;
    s->serverFormat.greenShift = 8;
    s->serverFormat.blueShift = 0;
}

static void vnc_new_size(struct vnc_ui *ui)
{
    /* the protocol's encoders want multiples of four; the rest stays black */
    unsigned width = (ui->width + 3) & ~3U;
    char *old = ui->screen->frameBuffer;

    ui->resized = false;
    rfbNewFramebuffer(ui->screen, g_malloc0((gsize)width * ui->height * 4),
                      (int)width, (int)ui->height, 8, 3, 4);
    vnc_set_format(ui->screen);
    g_free(old);
}

static void vnc_take_picture(struct vnc_ui *ui)
{
    rfbScreenInfoPtr s = ui->screen;

    g_mutex_lock(&ui->mutex);
    if (ui->resized && ui->width && ui->height) {
        vnc_new_size(ui);
    }
    for (guint i = 0; i < ui->damage->len; i++) {
        const struct rect *r = &g_array_index(ui->damage, struct rect, i);

        for (unsigned row = r->y; row < r->y + r->h; row++) {
            memcpy(s->frameBuffer + (size_t)row * (size_t)s->width * 4 +
                       4 * (size_t)r->x,
                   ui->shadow + (size_t)row * ui->width + r->x,
                   4 * (size_t)r->w);
        }
        rfbMarkRectAsModified(s, (int)r->x, (int)r->y, (int)(r->x + r->w),
                              (int)(r->y + r->h));
    }
    g_array_set_size(ui->damage, 0);
    g_mutex_unlock(&ui->mutex);
}

static void vnc_accept(struct vnc_ui *ui, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        rfbNewClientConnection(ui->screen,
                               fd); /* browsers tell by themselves */
    }
}

/* Until there is something to do. */
static void vnc_sleep(struct vnc_ui *ui, GArray *fds)
{
    char buf[64];

    g_array_set_size(fds, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct pollfd p = {.fd = i < 2 ? ui->listener[i] : ui->wake[0],
                           .events = POLLIN};

        g_array_append_val(fds, p);
    }
    for (guint i = 0; i < ui->clients->len; i++) {
        const struct vnc_client *c = ui->clients->pdata[i];
        struct pollfd p = {.fd = c->client->sock, .events = POLLIN};

        g_array_append_val(fds, p);
    }
    poll((void *)fds->data, fds->len, SLEEP_MS);
    while (read(ui->wake[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf)) {
        /* all of it */
    }
    for (unsigned i = 0; i < 2; i++) {
        if (g_array_index(fds, struct pollfd, i).revents & POLLIN) {
            vnc_accept(ui, ui->listener[i]);
        }
    }
}

static gpointer vnc_thread(gpointer data)
{
    struct vnc_ui *ui = data;
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));

    while (!__atomic_load_n(&ui->quit, __ATOMIC_ACQUIRE)) {
        vnc_sleep(ui, fds);
        vnc_take_picture(ui);
        vnc_look_at_clients(ui);
        rfbProcessEvents(ui->screen, 0);
    }
    g_array_free(fds, TRUE);
    return NULL;
}

/* --- opening, closing --- */

static void vnc_quiet(const char *format, ...)
{
}

static bool vnc_listen(struct vnc_ui *ui, GError **error)
{
    const struct vnc_options *o = &ui->o;

    ui->port = o->port;
    ui->listener[0] = o->path
                          ? vnc_listen_unix(o->path, error)
                          : vnc_listen_tcp(o->host, &ui->port, o->ports, error);
    if (ui->listener[0] < 0) {
        return false;
    }
    ui->path = g_strdup(o->path);
    if (o->websocket) {
        /* the port that follows the display moves with it */
        unsigned port =
            o->websocket + (o->web_follows ? ui->port - o->port : 0);

        ui->listener[1] = vnc_listen_tcp(o->host, &port, 1, error);
        return ui->listener[1] >= 0 ||
               (g_prefix_error_literal(error, "websocket: "), false);
    }
    return true;
}

static void vnc_screen(struct vnc_ui *ui)
{
    rfbScreenInfoPtr s = rfbGetScreen(NULL, NULL, 720, 400, 8, 3, 4);

    s->frameBuffer = g_malloc0(720 * 400 * 4);
    vnc_set_format(s);
    s->autoPort = FALSE;
    s->port = 0; /* the sockets are ours */
    s->ipv6port = 0;
    s->cursor = NULL;
    s->desktopName = ui->o.title;
    s->alwaysShared = TRUE;
    s->screenData = ui;
    s->kbdAddEvent = vnc_key;
    s->ptrAddEvent = vnc_pointer;
    s->newClientHook = vnc_new_client;
    s->deferUpdateTime = 5;
    s->maxClientWait = CLIENT_WAIT_MS;
    if (ui->o.password) {
        s->authPasswdData = ui->passwords;
        s->passwordCheck = vnc_check_password;
    }
    rfbInitServer(s);
    ui->screen = s;
}

struct vnc_ui *vnc_open(const struct vnc_options *o, GError **error)
{
    struct vnc_ui *ui = g_new0(struct vnc_ui, 1);

    rfbLog = vnc_quiet;
    rfbErr = vnc_quiet;
    ui->o = *o;
    ui->host = g_strdup(o->path               ? o->path
                        : o->host && *o->host ? o->host
                                              : "0.0.0.0");
    ui->listener[0] = ui->listener[1] = ui->wake[0] = ui->wake[1] = -1;
    ui->clients = g_ptr_array_new();
    ui->damage = g_array_new(FALSE, FALSE, sizeof(struct rect));
    ui->notices = g_array_new(FALSE, FALSE, sizeof(guint));
    g_mutex_init(&ui->mutex);
    vnc_screen(ui);
    if (!vnc_listen(ui, error) ||
        (pipe2(ui->wake, O_CLOEXEC | O_NONBLOCK) < 0 &&
         !fail_errno(error, "VNC: pipe"))) {
        vnc_close(ui);
        return NULL;
    }
    ui->viewer.resized = vnc_resized;
    ui->viewer.damaged = vnc_damaged;
    console_add_viewer(o->console, &ui->viewer);
    ui->timer = g_timeout_add(IDLE_MS, vnc_frame, ui);
    ui->thread = g_thread_new("vnc", vnc_thread, ui);
    return ui;
}

/* What the main loop would still tell of a server that is gone. */
static void vnc_drop_notices(struct vnc_ui *ui)
{
    for (guint i = 0; i < ui->notices->len; i++) {
        g_source_remove(g_array_index(ui->notices, guint, i));
    }
    g_array_set_size(ui->notices, 0);
}

/* A client that keeps the thread waiting is cut off. */
static void vnc_stop_thread(struct vnc_ui *ui)
{
    __atomic_store_n(&ui->quit, true, __ATOMIC_RELEASE);
    vnc_wake(ui);
    g_mutex_lock(&ui->mutex);
    for (guint i = 0; i < ui->clients->len; i++) {
        const struct vnc_client *c = ui->clients->pdata[i];

        shutdown(c->client->sock, SHUT_RDWR);
    }
    g_mutex_unlock(&ui->mutex);
    lock_leave(ui->o.lock); /* it may be about to press a key */
    g_thread_join(ui->thread);
    rfbShutdownServer(ui->screen, TRUE);
    lock_enter(ui->o.lock);
}

static void close_if(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void vnc_close(struct vnc_ui *ui)
{
    char *pixels = ui->screen->frameBuffer;

    if (ui->thread) {
        g_source_remove(ui->timer);
        console_remove_viewer(ui->o.console, &ui->viewer);
        vnc_stop_thread(ui);
        vnc_drop_notices(ui);
    }
    for (unsigned i = 0; i < 2; i++) {
        close_if(ui->listener[i]);
        close_if(ui->wake[i]);
    }
    if (ui->path) {
        unlink(ui->path);
    }
    rfbScreenCleanup(ui->screen);
    g_mutex_clear(&ui->mutex);
    g_ptr_array_free(ui->clients, TRUE);
    g_array_free(ui->damage, TRUE);
    g_array_free(ui->notices, TRUE);
    g_free(pixels);
    g_free(ui->shadow);
    g_free(ui->host);
    g_free(ui->path);
    g_free(ui->password);
    g_free(ui);
}

void vnc_set_password(struct vnc_ui *ui, const char *password)
{
    g_mutex_lock(&ui->mutex);
    g_free(ui->password);
    ui->password = g_strdup(password);
    ui->passwords[0] = ui->password;
    g_mutex_unlock(&ui->mutex);
}

unsigned vnc_port(const struct vnc_ui *ui)
{
    return ui->port;
}

const char *vnc_host(const struct vnc_ui *ui)
{
    return ui->host;
}

unsigned vnc_clients(struct vnc_ui *ui)
{
    unsigned n;

    g_mutex_lock(&ui->mutex);
    n = ui->clients->len;
    g_mutex_unlock(&ui->mutex);
    return n;
}

void vnc_each_client(struct vnc_ui *ui,
                     void (*fn)(void *opaque, const struct vnc_peer *peer),
                     void *opaque)
{
    g_mutex_lock(&ui->mutex);
    for (guint i = 0; i < ui->clients->len; i++) {
        const struct vnc_client *c = ui->clients->pdata[i];

        fn(opaque, &c->peer);
    }
    g_mutex_unlock(&ui->mutex);
}
