/* SPDX-License-Identifier: MIT */
/* Monitor commands about networks. */
#include <string.h>

#include "net/user.h"
#include "vm/hmp_commands.h"
#include "vm/netdevs.h"

bool hmp_info_network(struct hmp_call *c, GError **error)
{
    netdevs_print(&c->vm->machine, c->out);
    if (c->out->len == 0) {
        g_string_append(c->out, "no network is attached\n");
    }
    return true;
}

bool hmp_netdev_add(struct hmp_call *c, GError **error)
{
    return netdev_add_text(&c->vm->machine, hmp_text(c, "netdev"), error);
}

bool hmp_netdev_del(struct hmp_call *c, GError **error)
{
    return netdev_del(&c->vm->machine, hmp_text(c, "id"), error);
}

bool hmp_set_link(struct hmp_call *c, GError **error)
{
    const char *up = hmp_text(c, "up");

    if (strcmp(up, "on") != 0 && strcmp(up, "off") != 0) {
        return fail(error, "set_link: want on or off, not '%s'", up);
    }
    return netdev_set_link(&c->vm->machine, hmp_text(c, "name"),
                           strcmp(up, "on") == 0, error);
}

/* The user network of that name; for NULL the first one there is. */
static struct netdev *user_network(struct hmp_call *c, const char *name,
                                   GError **error)
{
    GHashTable *all = c->vm->machine.backends[BACKEND_NETDEV];
    GHashTableIter i;
    gpointer n;

    g_hash_table_iter_init(&i, all);
    while (g_hash_table_iter_next(&i, NULL, &n)) {
        const struct netdev *netdev = n;

        if (net_user_is(n) && (!name || strcmp(netdev->id, name) == 0)) {
            return n;
        }
    }
    fail(error,
         name ? "there is no user network '%s'"
              : "there is no user "
                "network",
         name);
    return NULL;
}

/* [netdev] rule: the rule is the last one. */
static bool forward(struct hmp_call *c,
                    bool (*act)(struct netdev *n, const char *text,
                                GError **error),
                    GError **error)
{
    const char *second = hmp_text(c, "rule");
    const char *first = hmp_text(c, "netdev");
    struct netdev *n = user_network(c, second ? first : NULL, error);

    return n && act(n, second ? second : first, error);
}

bool hmp_hostfwd_add(struct hmp_call *c, GError **error)
{
    return forward(c, net_user_add_forward, error);
}

bool hmp_hostfwd_remove(struct hmp_call *c, GError **error)
{
    return forward(c, net_user_remove_forward, error);
}

bool hmp_info_usernet(struct hmp_call *c, GError **error)
{
    GHashTableIter i;
    gpointer n;

    g_hash_table_iter_init(&i, c->vm->machine.backends[BACKEND_NETDEV]);
    while (g_hash_table_iter_next(&i, NULL, &n)) {
        if (net_user_is(n)) {
            g_autofree char *text = net_user_info(n);

            g_string_append_printf(c->out, "%s:\n%s\n",
                                   ((struct netdev *)n)->id, text ? text : "");
        }
    }
    return true;
}
