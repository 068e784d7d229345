/* SPDX-License-Identifier: MIT */
#ifndef VM_POLICY_H
#define VM_POLICY_H

#include "vm/vm.h"

/* -action, -no-reboot, -no-shutdown. */
bool policy_init(struct vm_actions *a, const struct config *c, GError **error);
/* policy_set(a, "reboot", "shutdown", &error) */
bool policy_set(struct vm_actions *a, const char *event, const char *action,
                GError **error);

#endif
