/* SPDX-License-Identifier: MIT */
/*
 * -netdev, -nic, -net, and what the monitors change of them. Machine lock held.
 */
#ifndef VM_NETDEVS_H
#define VM_NETDEVS_H

#include "base/opts.h"
#include "vm/vm.h"

/* "KIND,id=ID,...", or a JSON object. */
bool netdev_add_text(struct machine *m, const char *text, GError **error);
/* "type", "id" and the rest; takes the options. */
bool netdev_add(struct machine *m, struct opts *o, GError **error);
bool netdev_del(struct machine *m, const char *id, GError **error);
/* A card or a back end, by name. */
bool netdev_set_link(struct machine *m, const char *name, bool up,
                     GError **error);
/* Back ends and cards of the command line, when the board is there. */
bool netdevs_setup(struct vm *vm, GError **error);
void netdevs_free(struct machine *m);
/* A card or back end a line, each with what is at the other end. */
void netdevs_print(struct machine *m, GString *out);
/* Names of -netdev kinds, a line each. */
char *netdev_help(void);

#endif
