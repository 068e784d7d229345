/* SPDX-License-Identifier: MIT */
#include "vm/displays.h"

#include <string.h>

#include "base/log.h"
#include "base/opts.h"
#include "base/text.h"
#include "ui/sdl.h"
#include "ui/vnc.h"
#include "vm/monitors.h"
#include "vm/vm.h"

enum { VNC_BASE = 5900, VNC_WEB_BASE = 5700 };

struct displays {
    struct vm *vm;
    struct sdl_ui *sdl;
    struct vnc_ui *vnc;
    struct vnc_control control;
    char service[8];
    char *title;
    char *vnc_host;
    guint expiry;
};

static void window_closed(void *opaque)
{
    machine_request(opaque, MACHINE_QUIT);
}

static struct console *first_console(const struct vm *vm)
{
    const GPtrArray *all = vm->machine.consoles;

    return all->len ? all->pdata[0] : NULL;
}

static bool open_window(struct displays *d, GError **error)
{
    struct machine *m = &d->vm->machine;
    const struct sdl_options o = {
        .lock = &m->lock,
        .console = first_console(d->vm),
        .input = m->input,
        .title = d->title,
        .full_screen = d->vm->config->full_screen,
        .quit = window_closed,
        .opaque = m,
    };

    if (!o.console) {
        return fail(error, "this machine has no display");
    }
    d->sdl = sdl_open(&o, error);
    return d->sdl;
}

/* --- VNC --- */

static bool control_password(void *opaque, const char *password, GError **error)
{
    struct displays *d = opaque;

    vnc_set_password(d->vnc, password && *password ? password : NULL);
    return true;
}

static gboolean password_expired(gpointer data)
{
    struct displays *d = data;

    d->expiry = 0;
    vnc_set_password(d->vnc, NULL);
    return G_SOURCE_REMOVE;
}

static bool control_expire(void *opaque, int64_t when, GError **error)
{
    struct displays *d = opaque;
    int64_t left = when - g_get_real_time() / G_USEC_PER_SEC;

    if (d->expiry) {
        g_source_remove(d->expiry);
        d->expiry = 0;
    }
    if (left <= 0) {
        vnc_set_password(d->vnc, NULL);
    } else if (left < UINT32_MAX) {
        d->expiry = g_timeout_add_seconds((guint)left, password_expired, d);
    }
    return true;
}

/* "host:display" or ":display" or ":port" beyond 5900. */
static bool vnc_place(struct displays *d, const char *text, unsigned *port,
                      GError **error)
{
    const char *colon = text ? strrchr(text, ':') : NULL;
    uint64_t n = 0;

    if (!colon || !text_to_uint(colon + 1, 65535 - VNC_BASE, &n)) {
        return fail(error, "-vnc %s: want HOST:DISPLAY, such as :1",
                    text ? text : "");
    }
    g_free(d->vnc_host);
    d->vnc_host = g_strndup(text, (gsize)(colon - text));
    *port = (unsigned)n + VNC_BASE;
    return true;
}

static bool vnc_websocket(struct opts *o, struct vnc_options *v, GError **error)
{
    const char *text = opts_get(o, "websocket");
    bool on = false;
    uint64_t port = 0;

    if (!text) {
        return true;
    }
    if (text_to_uint(text, 65535, &port) && port > 1) {
        v->websocket = (unsigned)port;
        return true;
    }
    if (!text_to_bool(text, &on)) {
        return fail(error, "websocket=%s: want a port, on or off", text);
    }
    v->websocket = on ? v->port - VNC_BASE + VNC_WEB_BASE : 0;
    return true;
}

static bool vnc_parse(struct displays *d, struct opts *o, struct vnc_options *v,
                      GError **error)
{
    static const char *const keys[] = {
        "vnc",   "password",     "to",           "websocket",     "share", "id",
        "lossy", "non-adaptive", "key-delay-ms", "power-control", NULL};
    uint64_t to = 0;

    for (size_t i = 4; keys[i]; i++) {
        opts_get(o, keys[i]); /* accepted: everything is shared */
    }
    if (!vnc_place(d, opts_get(o, "vnc"), &v->port, error) ||
        !opts_get_bool(o, "password", &v->password, error) ||
        !opts_get_uint(o, "to", 65535 - VNC_BASE, &to, error) ||
        !vnc_websocket(o, v, error)) {
        return false;
    }
    v->host = d->vnc_host;
    v->ports =
        to + VNC_BASE > v->port ? (unsigned)to + VNC_BASE - v->port + 1 : 1;
    return opts_check_used(o, "-vnc", keys, error);
}

static bool open_vnc(struct displays *d, const char *text, GError **error)
{
    struct machine *m = &d->vm->machine;
    struct vnc_options v = {.lock = &m->lock,
                            .console = first_console(d->vm),
                            .input = m->input,
                            .title = d->title};
    struct opts *o = opts_parse(text, "vnc", error);
    bool ok = o && vnc_parse(d, o, &v, error);

    opts_free(o);
    if (!ok || d->vnc) {
        return ok ? fail(error, "one -vnc is enough") : false;
    }
    if (!v.console) {
        return fail(error, "-vnc: this machine has no display");
    }
    d->vnc = vnc_open(&v, error);
    if (!d->vnc) {
        return false;
    }
    g_snprintf(d->service, sizeof(d->service), "%u", vnc_port(d->vnc));
    d->control = (struct vnc_control){
        .set_password = control_password,
        .expire_password = control_expire,
        .host = vnc_host(d->vnc),
        .service = d->service,
        .auth = v.password ? "vnc" : "none",
        .opaque = d,
    };
    d->vm->monitors->vnc = &d->control;
    return true;
}

/* --- which --- */

static bool open_named(struct displays *d, const char *text, GError **error)
{
    static const char *const names[] = {"sdl", "none", "vnc", "gtk", NULL};
    g_auto(GStrv) words = g_strsplit_set(text, ",=", 2);

    if (!words[0]) {
        return fail(error, "-display wants a name");
    }
    if (strcmp(words[0], "none") == 0) {
        return true;
    }
    if (strcmp(words[0], "vnc") == 0) {
        return open_vnc(d, words[1] ? words[1] : ":0", error);
    }
    if (strcmp(words[0], "sdl") == 0 || strcmp(words[0], "gtk") == 0) {
        return open_window(d, error);
    }
    return fail_unknown(error, "display", words[0], names);
}

/* A window where one can be had; otherwise a message, and none. */
static bool open_default(struct displays *d)
{
    g_autoptr(GError) why = NULL;

    if (d->vm->config->vnc->len || d->vm->config->nographic ||
        !first_console(d->vm) || d->vm->vcpus.accel->no_cpus) {
        return true;
    }
    if (!open_window(d, &why)) {
        warn_user("%s; going on without (-display none and -vnc :0 say so "
                  "in advance, -nographic uses the terminal)",
                  why->message);
    }
    return true;
}

bool displays_create(struct vm *vm, GError **error)
{
    struct displays *d = g_new0(struct displays, 1);
    const struct config *c = vm->config;

    vm->displays = d;
    d->vm = vm;
    d->title = g_strdup_printf("Rhea%s%s%s", c->name ? " (" : "",
                               c->name ? c->name : "", c->name ? ")" : "");
    for (guint i = 0; i < c->vnc->len; i++) {
        if (strcmp(c->vnc->pdata[i], "none") != 0 &&
            !open_vnc(d, c->vnc->pdata[i], error)) {
            return false;
        }
    }
    return c->display ? open_named(d, c->display, error) : open_default(d);
}

void displays_free(struct vm *vm)
{
    struct displays *d = vm->displays;

    if (!d) {
        return;
    }
    vm->displays = NULL;
    if (d->expiry) {
        g_source_remove(d->expiry);
    }
    if (d->sdl) {
        sdl_close(d->sdl);
    }
    if (d->vnc) {
        vm->monitors->vnc = NULL;
        vnc_close(d->vnc);
    }
    g_free(d->title);
    g_free(d->vnc_host);
    g_free(d);
}
