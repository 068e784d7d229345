/* SPDX-License-Identifier: MIT */
#include "vm/netdevs.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hw/net/nic.h"
#include "hw/pc/board.h"
#include "net/hub.h"
#include "net/sock.h"
#include "net/tap.h"
#include "net/user.h"
#include "vm/devices.h"
#include "vm/qmp_error.h"
#include "vm/text_opts.h"

/* ---- kinds ---- */

static struct netdev *make_user(struct machine *m, const char *id,
                                struct opts *o, GError **error)
{
    const struct vm *vm = m->vm;

    return net_user_new(id, o, vm->config->helper, &m->lock, error);
}

static struct netdev *make_tap(struct machine *m, const char *id,
                               struct opts *o, GError **error)
{
    return net_tap_new(id, o, &m->lock, error);
}

static struct netdev *make_socket(struct machine *m, const char *id,
                                  struct opts *o, GError **error)
{
    return net_socket_new(id, o, &m->lock, error);
}

static struct netdev *make_stream(struct machine *m, const char *id,
                                  struct opts *o, GError **error)
{
    return net_stream_new(id, o, &m->lock, error);
}

static struct netdev *make_dgram(struct machine *m, const char *id,
                                 struct opts *o, GError **error)
{
    return net_dgram_new(id, o, &m->lock, error);
}

static struct netdev *find_hubport(struct machine *m, unsigned hubid)
{
    GHashTableIter i;
    gpointer n;

    g_hash_table_iter_init(&i, m->backends[BACKEND_NETDEV]);
    while (g_hash_table_iter_next(&i, NULL, &n)) {
        if (net_hubport_is(n, hubid)) {
            return n;
        }
    }
    return NULL;
}

/* netdev=: what the port leads to; without it a card does. */
static struct netdev *make_hubport(struct machine *m, const char *id,
                                   struct opts *o, GError **error)
{
    static const char *const keys[] = {"type", "id", "hubid", "netdev", NULL};
    const char *to = opts_get(o, "netdev");
    struct netdev *other = to ? machine_backend(m, BACKEND_NETDEV, to) : NULL;
    struct netdev *n;
    uint64_t hubid = 0;

    if (!opts_get_uint(o, "hubid", INT32_MAX, &hubid, error) ||
        !opts_check_used(o, "hubport", keys, error)) {
        return NULL;
    }
    if (to && !other) {
        fail(error, "netdev=%s: there is no -netdev with that id", to);
        return NULL;
    }
    n = net_hubport_new(id, (unsigned)hubid, find_hubport(m, (unsigned)hubid));
    if (other && !net_connect(&n->port[0], &other->port[0], error)) {
        netdev_free(n);
        return NULL;
    }
    return n;
}

static const struct {
    const char *name;
    struct netdev *(*make)(struct machine *m, const char *id, struct opts *o,
                           GError **error);
} kinds[] = {
    {"dgram", make_dgram},   {"hubport", make_hubport}, {"socket", make_socket},
    {"stream", make_stream}, {"tap", make_tap},         {"user", make_user},
};

char *netdev_help(void)
{
    GString *s = g_string_new("Available netdev backend types:\n");

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        g_string_append_printf(s, "%s\n", kinds[i].name);
    }
    return g_string_free(s, FALSE);
}

static struct netdev *make(struct machine *m, const char *kind, const char *id,
                           struct opts *o, GError **error)
{
    const char *names[ARRAY_SIZE(kinds) + 1] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, kind) == 0) {
            return kinds[i].make(m, id, o, error);
        }
        names[i] = kinds[i].name;
    }
    fail_unknown(error, "netdev type", kind, names);
    return NULL;
}

/* ---- back ends ---- */

static bool add(struct machine *m, struct opts *o, GError **error)
{
    const char *kind = opts_get(o, "type");
    const char *id = opts_get(o, "id");
    struct netdev *n;

    if (!kind || !id || !*id) {
        return fail(error, "-netdev wants %s", kind ? "id=" : "a type");
    }
    if (machine_backend(m, BACKEND_NETDEV, id)) {
        return fail(error, "netdev '%s' is there already", id);
    }
    n = make(m, kind, id, o, error);
    if (n) {
        machine_add_backend(m, BACKEND_NETDEV, id, n);
    }
    return n;
}

bool netdev_add(struct machine *m, struct opts *o, GError **error)
{
    bool ok = add(m, o, error);

    opts_free(o);
    return ok;
}

bool netdev_add_text(struct machine *m, const char *text, GError **error)
{
    struct opts *o = opts_from_text(text, "type", error);

    return o && (netdev_add(m, o, error) ||
                 (g_prefix_error(error, "-netdev %s: ", text), false));
}

bool netdev_del(struct machine *m, const char *id, GError **error)
{
    struct netdev *n = machine_backend(m, BACKEND_NETDEV, id);

    if (!n) {
        return qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found",
                        id);
    }
    machine_remove_backend(m, BACKEND_NETDEV, id);
    netdev_free(n);
    return true;
}

void netdevs_free(struct machine *m)
{
    GHashTableIter i;
    gpointer n;

    g_hash_table_iter_init(&i, m->backends[BACKEND_NETDEV]);
    while (g_hash_table_iter_next(&i, NULL, &n)) {
        g_hash_table_iter_remove(&i);
        netdev_free(n);
    }
}

static struct nic *find_nic(struct machine *m, const char *name)
{
    for (guint i = 0; i < m->nics->len; i++) {
        struct nic *nic = m->nics->pdata[i];

        if (strcmp(nic->port.name, name) == 0) {
            return nic;
        }
    }
    return NULL;
}

bool netdev_set_link(struct machine *m, const char *name, bool up,
                     GError **error)
{
    struct netdev *n = machine_backend(m, BACKEND_NETDEV, name);
    struct nic *nic = n ? NULL : find_nic(m, name);

    if (!n && !nic) {
        return qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found",
                        name);
    }
    for (unsigned i = 0; n && i < n->queues; i++) {
        net_set_link(&n->port[i], up);
    }
    if (nic) {
        net_set_link(&nic->port, up);
    }
    return true;
}

/* ---- cards ---- */

/* The options of -nic that are the card's. */
static const char *const card_keys[] = {"model",   "mac", "macaddr", "addr",
                                        "vectors", "id",  "name",    NULL};

static bool is_card(const struct dev_type *t)
{
    const struct field *p = t->props;

    while (p && p->name && strcmp(p->name, "netdev") != 0) {
        p++;
    }
    return p && p->name;
}

/* The type of a card; the error lists what cards there are. */
static const char *card_type(const char *model, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (strcmp(model, "virtio") == 0) {
        return "virtio-net-pci";
    }
    for (const struct dev_type *const *t = device_types; *t; t++) {
        if (!is_card(*t)) {
            continue;
        }
        if (strcmp((*t)->name, model) == 0 ||
            g_strcmp0((*t)->alias, model) == 0) {
            return model;
        }
        g_ptr_array_add(names, (void *)(uintptr_t)(*t)->name);
    }
    g_ptr_array_add(names, NULL);
    fail_unknown(error, "network card", model,
                 (const char *const *)names->pdata);
    return NULL;
}

static bool add_card(struct vm *vm, struct opts *o, const char *netdev,
                     GError **error)
{
    const char *model = opts_get(o, "model");
    const char *mac = opts_get(o, opts_has(o, "mac") ? "mac" : "macaddr");
    struct opts *device;
    g_autofree char *text = NULL;

    model = model ? model : vm->board_type->nic;
    if (!model) {
        return fail(error, "this machine has no network card of its own; "
                           "model= names one");
    }
    model = card_type(model, error);
    if (!model) {
        return false;
    }
    device = opts_new();
    opts_set(device, "driver", model);
    opts_set(device, "netdev", netdev);
    if (mac) {
        opts_set(device, "mac", mac);
    }
    if (opts_has(o, "addr")) {
        opts_set(device, "addr", opts_get(o, "addr"));
    }
    text = opts_to_text(device);
    opts_free(device);
    return device_add_text(&vm->machine, text, error);
}

/* A name that nobody has. */
static char *free_id(struct machine *m, const char *stem)
{
    for (unsigned i = 0;; i++) {
        char *id = g_strdup_printf("%s%u", stem, i);

        if (!machine_backend(m, BACKEND_NETDEV, id)) {
            return id;
        }
        g_free(id);
    }
}

/* The options of a back end: all but those of the card. */
static struct opts *back_end_opts(const struct opts *o, const char *id)
{
    struct opts *to = opts_new();

    for (guint i = 0; i < o->list->len; i++) {
        const struct opt *opt = &g_array_index(o->list, struct opt, i);

        if (!g_strv_contains(card_keys, opt->key)) {
            opts_set(to, opt->key, opt->value);
        }
    }
    opts_set(to, "id", id);
    return to;
}

/* -nic KIND,model=,mac=,...: a back end and a card on it. */
static bool nic_option(struct vm *vm, struct opts *o, GError **error)
{
    const char *kind = opts_get(o, "type");
    const char *given = opts_get(o, "id");
    struct machine *m = &vm->machine;
    g_autofree char *id = given ? g_strdup(given) : free_id(m, "#net");

    if (!kind) {
        return fail(error, "want a type of back end, such as user, or none");
    }
    if (strcmp(kind, "none") == 0) {
        return true;
    }
    return netdev_add(m, back_end_opts(o, id), error) &&
           add_card(vm, o, id, error);
}

/* A port of hub 0, where all that -net names meets; its id. */
static char *hub_port(struct machine *m, const char *to, GError **error)
{
    char *id = free_id(m, "#hub0port");
    struct opts *o = opts_new();

    opts_set(o, "type", "hubport");
    opts_set(o, "id", id);
    if (to) {
        opts_set(o, "netdev", to);
    }
    if (!netdev_add(m, o, error)) {
        g_clear_pointer(&id, g_free);
    }
    return id;
}

/* -net nic,... or -net KIND,... */
static bool net_option(struct vm *vm, struct opts *o, GError **error)
{
    const char *kind = opts_get(o, "type");
    const char *netdev = opts_get(o, "netdev");
    struct machine *m = &vm->machine;
    g_autofree char *id = NULL, *port = NULL;

    if (!kind) {
        return fail(error, "want nic, none or a type of back end");
    }
    if (strcmp(kind, "none") == 0) {
        return true;
    }
    if (strcmp(kind, "nic") == 0) {
        port = netdev ? g_strdup(netdev) : hub_port(m, NULL, error);
        return port && add_card(vm, o, port, error);
    }
    id = free_id(m, "#net");
    port = netdev_add(m, back_end_opts(o, id), error) ? hub_port(m, id, error)
                                                      : NULL;
    return port;
}

static bool each(struct vm *vm, const GPtrArray *texts, const char *option,
                 bool (*act)(struct vm *vm, struct opts *o, GError **error),
                 GError **error)
{
    for (guint i = 0; i < texts->len; i++) {
        const char *text = texts->pdata[i];
        struct opts *o = opts_from_text(text, "type", error);
        bool ok = o && act(vm, o, error);

        opts_free(o);
        if (!ok) {
            return g_prefix_error(error, "%s %s: ", option, text), false;
        }
    }
    return true;
}

/* Who says nothing about networks gets one card and the user's network. */
static bool default_card(struct vm *vm, GError **error)
{
    const char *model = vm->board_type->nic;
    g_autoptr(GError) why = NULL;
    struct opts *o;
    bool ok;

    if (!model || !vm->config->helper || !device_type_find(model, NULL)) {
        return true;
    }
    o = opts_parse("type=user", NULL, error);
    ok = nic_option(vm, o, &why);
    opts_free(o);
    if (!ok) { /* a host that lets us start nothing: no reason to end */
        warn_user("no network: %s", why->message);
    }
    return true;
}

bool netdevs_setup(struct vm *vm, GError **error)
{
    const struct config *c = vm->config;

    for (guint i = 0; i < c->netdev->len; i++) {
        if (!netdev_add_text(&vm->machine, c->netdev->pdata[i], error)) {
            return false;
        }
    }
    if (!each(vm, c->nic, "-nic", nic_option, error) ||
        !each(vm, c->net, "-net", net_option, error)) {
        return false;
    }
    return c->nodefaults || c->netdev->len || c->nic->len || c->net->len ||
           default_card(vm, error);
}

/* ---- info network ---- */

static void print_back_end(const struct netdev *n, GString *out)
{
    g_autofree char *what = n->ops->describe ? n->ops->describe(n) : NULL;

    g_string_append_printf(out, "%s: index=0,type=%s%s%s\n", n->id,
                           n->ops->kind, what ? "," : "", what ? what : "");
}

static void print_nic(const struct nic *nic, GString *out)
{
    const uint8_t *a = nic->mac;

    g_string_append_printf(out,
                           "%s: index=0,type=nic,model=%s,"
                           "macaddr=%02x:%02x:%02x:%02x:%02x:%02x%s\n",
                           nic->port.name, nic->dev->type->name, a[0], a[1],
                           a[2], a[3], a[4], a[5],
                           nic->port.unplugged ? ",link=off" : "");
}

void netdevs_print(struct machine *m, GString *out)
{
    GHashTableIter i;
    gpointer data;

    for (guint k = 0; k < m->nics->len; k++) {
        const struct nic *nic = m->nics->pdata[k];
        const struct netdev *n =
            nic->netdev ? machine_backend(m, BACKEND_NETDEV, nic->netdev)
                        : NULL;

        print_nic(nic, out);
        if (n) {
            g_string_append(out, " \\ ");
            print_back_end(n, out);
        }
    }
    g_hash_table_iter_init(&i, m->backends[BACKEND_NETDEV]);
    while (g_hash_table_iter_next(&i, NULL, &data)) {
        const struct netdev *n = data;
        const struct net_port *peer = n->port[0].peer;

        if (!peer || !find_nic(m, peer->name)) {
            print_back_end(n, out);
        }
    }
}
