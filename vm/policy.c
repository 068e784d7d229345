/* SPDX-License-Identifier: MIT */
/* What follows a reset, the end, a panic: -action and its older spellings. */
#include "vm/policy.h"

#include <string.h>

#include "base/text.h"

static const char *const reboots[] = {"reset", "shutdown", NULL};
static const char *const shutdowns[] = {"poweroff", "pause", NULL};
static const char *const panics[] = {[PANIC_PAUSE] = "pause",
                                     [PANIC_SHUTDOWN] = "shutdown",
                                     [PANIC_EXIT] = "exit-failure",
                                     [PANIC_NONE] = "none",
                                     NULL};
static const char *const watchdogs[] = {"reset",      "shutdown", "poweroff",
                                        "pause",      "debug",    "none",
                                        "inject-nmi", NULL};

static bool word(const char *const *words, const char *name, const char *text,
                 int *index, GError **error)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *index = i;
            return true;
        }
    }
    return fail_unknown(error, name, text, words);
}

bool policy_set(struct vm_actions *a, const char *event, const char *action,
                GError **error)
{
    static const char *const events[] = {"reboot", "shutdown", "panic",
                                         "watchdog", NULL};
    int n = 0;

    if (strcmp(event, "reboot") == 0) {
        if (!word(reboots, "action after a reset", action, &n, error)) {
            return false;
        }
        a->reboot_ends = n;
        return true;
    }
    if (strcmp(event, "shutdown") == 0) {
        if (!word(shutdowns, "action after power-off", action, &n, error)) {
            return false;
        }
        a->shutdown_pauses = n;
        return true;
    }
    if (strcmp(event, "panic") == 0) {
        if (!word(panics, "action after a panic", action, &n, error)) {
            return false;
        }
        a->panic = (enum vm_panic)n;
        return true;
    }
    if (strcmp(event, "watchdog") == 0) {
        /* there is no watchdog that could bark */
        return word(watchdogs, "action of a watchdog", action, &n, error);
    }
    return fail_unknown(error, "-action event", event, events);
}

static bool policy_text(struct vm_actions *a, const char *text, GError **error)
{
    struct opts *o = opts_parse(text, NULL, error);
    bool ok = o;

    for (guint i = 0; ok && i < o->list->len; i++) {
        const struct opt *opt = &g_array_index(o->list, struct opt, i);

        ok = policy_set(a, opt->key, opt->value, error);
    }
    opts_free(o);
    return ok;
}

bool policy_init(struct vm_actions *a, const struct config *c, GError **error)
{
    *a = (struct vm_actions){.reboot_ends = c->no_reboot,
                             .shutdown_pauses = c->no_shutdown,
                             .panic =
                                 c->no_shutdown ? PANIC_PAUSE : PANIC_SHUTDOWN};
    for (guint i = 0; i < c->action->len; i++) {
        if (!policy_text(a, c->action->pdata[i], error)) {
            return false;
        }
    }
    return !c->watchdog_action ||
           policy_set(a, "watchdog", c->watchdog_action, error);
}
