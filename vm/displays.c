/* SPDX-License-Identifier: MIT */
#include "vm/displays.h"

#include <string.h>

#include "base/log.h"
#include "base/opts.h"
#include "base/text.h"
#include "ui/sdl.h"
#include "ui/vnc.h"
#include "vm/monitors.h"
#include "vm/objects.h"
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
    const char *vnc_auth;
    const struct keymap *keymap;
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

/* "host:display" or ":display" or "unix:PATH". */
static bool vnc_place(struct displays *d, const char *text,
                      struct vnc_options *v, GError **error)
{
    const char *colon = text ? strrchr(text, ':') : NULL;
    bool brackets = text && text[0] == '[' && colon && colon[-1] == ']';
    uint64_t n = 0;

    if (text && g_str_has_prefix(text, "unix:")) {
        g_free(d->vnc_host);
        d->vnc_host = g_strdup(text + 5);
        v->path = d->vnc_host;
        return true;
    }
    if (!colon || !text_to_uint(colon + 1, 65535 - VNC_BASE, &n)) {
        return fail(error, "-vnc %s: want HOST:DISPLAY, such as :1",
                    text ? text : "");
    }
    g_free(d->vnc_host);
    d->vnc_host =
        g_strndup(text + brackets, (gsize)(colon - text) - (brackets ? 2 : 0));
    v->host = d->vnc_host;
    v->port = (unsigned)n + VNC_BASE;
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
    if (v->path) {
        return fail(error, "websocket=%s: not beside a Unix socket", text);
    }
    if (text_to_uint(text, 65535, &port) && port > 1) {
        v->websocket = (unsigned)port;
        return true;
    }
    if (!text_to_bool(text, &on)) {
        return fail(error, "websocket=%s: want a port, on or off", text);
    }
    v->web_follows = on;
    v->websocket = on ? v->port - VNC_BASE + VNC_WEB_BASE : 0;
    return true;
}

/* Accepted: sessions are shared, nothing is lossy, there is no sound. */
static const char *const vnc_accepted[] = {
    "share",         "id",           "lossy",
    "non-adaptive",  "key-delay-ms", "power-control",
    "lock-key-sync", "connections",  "audiodev",
    "ipv4",          "ipv6"};

static const char *const vnc_keys[] = {"vnc",
                                       "password",
                                       "password-secret",
                                       "to",
                                       "websocket",
                                       "share",
                                       "id",
                                       "lossy",
                                       "non-adaptive",
                                       "key-delay-ms",
                                       "power-control",
                                       "lock-key-sync",
                                       "connections",
                                       "audiodev",
                                       "ipv4",
                                       "ipv6",
                                       NULL};

static bool vnc_ports(struct opts *o, struct vnc_options *v, GError **error)
{
    uint64_t to = 0;

    if (!opts_get_uint(o, "to", 65535 - VNC_BASE, &to, error)) {
        return false;
    }
    v->ports =
        to + VNC_BASE > v->port ? (unsigned)to + VNC_BASE - v->port + 1 : 1;
    return true;
}

static bool vnc_parse(struct displays *d, struct opts *o, struct vnc_options *v,
                      char **secret, GError **error)
{
    static const char *const missing[] = {"reverse", "tls-creds",  "tls-authz",
                                          "sasl",    "sasl-authz", "acl"};
    const char *secret_id = opts_get(o, "password-secret");

    for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
        if (opts_has(o, missing[i])) {
            return fail(error,
                        "-vnc %s=: there is password= only, and no "
                        "calling back",
                        missing[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(vnc_accepted); i++) {
        opts_get(o, vnc_accepted[i]);
    }
    if (secret_id) {
        *secret = object_secret(d->vm, secret_id, error);
        v->password = true;
    }
    return (!secret_id || *secret) &&
           vnc_place(d, opts_get(o, "vnc"), v, error) &&
           opts_get_bool(o, "password", &v->password, error) &&
           vnc_ports(o, v, error) && vnc_websocket(o, v, error) &&
           opts_check_used(o, "-vnc", vnc_keys, error);
}

static void vnc_tell(void *opaque, enum vnc_event event,
                     const struct vnc_peer *peer)
{
    static const char *const names[] = {[VNC_CONNECTED] = "VNC_CONNECTED",
                                        [VNC_INITIALIZED] = "VNC_INITIALIZED",
                                        [VNC_DISCONNECTED] =
                                            "VNC_DISCONNECTED"};
    struct displays *d = opaque;
    bool local = strcmp(peer->family, "unix") == 0;
    g_autofree char *json = g_strdup_printf(
        "{\"server\": {\"auth\": \"%s\", \"family\": \"%s\", \"service\": "
        "\"%s\", \"host\": \"%s\", \"websocket\": false}, \"client\": "
        "{\"family\": \"%s\", \"service\": \"%s\", \"host\": \"%s\", "
        "\"websocket\": %s}}",
        d->vnc_auth, local ? "unix" : peer->family, d->service,
        local ? "" : d->control.host, peer->family, peer->service, peer->host,
        peer->websocket ? "true" : "false");

    machine_event(&d->vm->machine, names[event], json);
}

static void control_clients(void *opaque,
                            void (*fn)(void *to, const struct vnc_peer *peer),
                            void *to)
{
    struct displays *d = opaque;

    vnc_each_client(d->vnc, fn, to);
}

static void vnc_connect_control(struct displays *d, bool local)
{
    g_snprintf(d->service, sizeof(d->service), "%u", vnc_port(d->vnc));
    d->control = (struct vnc_control){
        .set_password = control_password,
        .expire_password = control_expire,
        .clients = control_clients,
        .host = vnc_host(d->vnc),
        .service = local ? "" : d->service,
        .family = local                           ? "unix"
                  : strchr(vnc_host(d->vnc), ':') ? "ipv6"
                                                  : "ipv4",
        .auth = d->vnc_auth,
        .opaque = d,
    };
    d->vm->monitors->vnc = &d->control;
}

static bool open_vnc(struct displays *d, const char *text, GError **error)
{
    struct machine *m = &d->vm->machine;
    struct vnc_options v = {.lock = &m->lock,
                            .console = first_console(d->vm),
                            .input = m->input,
                            .title = d->title,
                            .keymap = d->keymap,
                            .event = vnc_tell,
                            .opaque = d};
    struct opts *o = opts_parse(text, "vnc", error);
    g_autofree char *secret = NULL;
    bool ok = o && vnc_parse(d, o, &v, &secret, error);

    opts_free(o);
    if (!ok || d->vnc) {
        return ok ? fail(error, "one -vnc is enough") : false;
    }
    if (!v.console) {
        return fail(error, "-vnc: this machine has no display");
    }
    d->vnc_auth = v.password ? "vnc" : "none";
    d->vnc = vnc_open(&v, error);
    if (!d->vnc) {
        return false;
    }
    if (secret) {
        vnc_set_password(d->vnc, secret);
    }
    vnc_connect_control(d, v.path);
    return true;
}

/* --- which --- */

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

static bool open_named(struct displays *d, const char *text, GError **error)
{
    static const char *const names[] = {"sdl",   "none",      "vnc", "gtk",
                                        "cocoa", "spice-app", NULL};
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
    if (strcmp(words[0], "curses") == 0) {
        return fail(error, "-display curses: the terminal shows the serial "
                           "line (-nographic)");
    }
    if (strcmp(words[0], "sdl") == 0) {
        return open_window(d, error);
    }
    if (strcmp(words[0], "gtk") == 0 || strcmp(words[0], "cocoa") == 0 ||
        strcmp(words[0], "spice-app") == 0) {
        return open_default(d); /* the window that there is */
    }
    return fail_unknown(error, "display", words[0], names);
}

/* QEMU's other layouts: what is on a US keyboard can be typed. */
static const char *const far_keymaps[] = {
    "ar", "bepo",  "cz", "de-ch", "et", "fo", "fr-be", "fr-ca", "fr-ch",
    "hr", "hu",    "is", "ja",    "lt", "lv", "mk",    "nl",    "nl-be",
    "pl", "pt-br", "ru", "sl",    "th", "tr", NULL};

static bool set_keymap(struct displays *d, const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    d->keymap = name ? keymap_find(name) : NULL;
    if (!name || d->keymap) {
        return true;
    }
    if (g_strv_contains(far_keymaps, name)) {
        warn_user("-k %s: there is no table of that layout; taking en-us",
                  name);
        return true;
    }
    for (size_t i = 0; keymap_name(i); i++) {
        g_ptr_array_add(names, (void *)(uintptr_t)keymap_name(i));
    }
    g_ptr_array_add(names, NULL);
    return fail_unknown(error, "keyboard layout", name,
                        (const char *const *)names->pdata);
}

bool displays_create(struct vm *vm, GError **error)
{
    struct displays *d = g_new0(struct displays, 1);
    const struct config *c = vm->config;

    vm->displays = d;
    d->vm = vm;
    d->title = g_strdup_printf("Rhea%s%s%s", c->name ? " (" : "",
                               c->name ? c->name : "", c->name ? ")" : "");
    if (!set_keymap(d, c->keymap, error)) {
        return false;
    }
    for (guint i = 0; i < c->vnc->len; i++) {
        if (strcmp(c->vnc->pdata[i], "none") != 0 &&
            !open_vnc(d, c->vnc->pdata[i], error)) {
            return false;
        }
    }
    return c->sdl && !c->display ? open_window(d, error)
           : c->display          ? open_named(d, c->display, error)
                                 : open_default(d);
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
