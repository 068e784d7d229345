/* SPDX-License-Identifier: MIT */
/*
 * What is there unless -nodefaults. With -nographic the terminal shows the
 * serial line and, behind Ctrl-A c, the monitor; who takes one of them
 * elsewhere gets the other one alone. With a screen the serial line leads
 * nowhere.
 */
#include "vm/defaults.h"

#include <string.h>

static void add(GPtrArray *list, const char *text)
{
    g_ptr_array_add(list, g_strdup(text));
}

static bool has_device(const struct config *c, const char *name)
{
    for (guint i = 0; i < c->device->len; i++) {
        const char *text = c->device->pdata[i];
        size_t len = strlen(name);

        if (strncmp(text, name, len) == 0 && (!text[len] || text[len] == ',')) {
            return true;
        }
    }
    return false;
}

void defaults_apply(struct config *c)
{
    bool serial = !c->serial->len && !has_device(c, "isa-serial");
    bool monitor = !c->monitor->len && !c->qmp->len && !c->mon->len;

    if (c->nodefaults) {
        return;
    }
    if (!c->nographic) {
        if (serial) {
            add(c->serial, "vc");
        }
    } else if (serial && monitor) {
        add(c->serial, "mon:stdio");
    } else if (serial) {
        add(c->serial, "stdio");
    } else if (monitor) {
        add(c->monitor, "stdio");
    }
}
