/* SPDX-License-Identifier: MIT */
/* QMP commands about networks. */
#include "vm/netdevs.h"
#include "vm/qmp_commands.h"
#include "vm/text_opts.h"

JsonNode *qmp_set_link(struct qmp_call *c, GError **error)
{
    return netdev_set_link(&c->vm->machine, qmp_arg_string(c, "name"),
                           qmp_arg_bool(c, "up", true), error)
               ? qmp_nothing()
               : NULL;
}

JsonNode *qmp_netdev_add(struct qmp_call *c, GError **error)
{
    return netdev_add(&c->vm->machine, opts_from_json(c->args), error)
               ? qmp_nothing()
               : NULL;
}

JsonNode *qmp_netdev_del(struct qmp_call *c, GError **error)
{
    return netdev_del(&c->vm->machine, qmp_arg_string(c, "id"), error)
               ? qmp_nothing()
               : NULL;
}
