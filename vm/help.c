/* SPDX-License-Identifier: MIT */
#include "vm/help.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "build-config.h"
#include "hw/pc/board.h"
#include "target/x86/model.h"
#include "vm/chardev.h"
#include "vm/devices.h"
#include "vm/netdevs.h"
#include "vm/objects.h"
#include "vm/setup.h"

/* The version of QEMU whose interface is spoken, for callers that look. */
#define QEMU_COMPATIBLE "8.2.0"

static bool is_help(const char *text)
{
    return text && (strcmp(text, "help") == 0 || strcmp(text, "?") == 0);
}

static void print_version(const char *program)
{
    g_autofree char *base = g_path_get_basename(program);

    if (g_str_has_prefix(base, "qemu-system-")) {
        printf("QEMU emulator version %s (rhea %s)\n", QEMU_COMPATIBLE,
               RHEA_VERSION);
    } else {
        printf("rhea %s\n", RHEA_VERSION);
    }
}

static void print_machines(void)
{
    printf("Supported machines are:\n");
    for (const struct board_type *const *b = boards; *b; b++) {
        if ((*b)->alias) {
            printf("%-20s %s (alias of %s)\n", (*b)->alias, (*b)->desc,
                   (*b)->name);
        }
        printf("%-20s %s%s\n", (*b)->name, (*b)->desc,
               (*b)->is_default ? " (default)" : "");
    }
}

static void print_accels(void)
{
    printf("Accelerators supported in QEMU binary:\n");
    for (const struct accel *const *a = accels; *a; a++) {
        printf("%-8s %s\n", (*a)->name, (*a)->desc);
    }
}

static void print_displays(void)
{
    printf("Available display backend types:\nnone\nsdl\nvnc\n");
}

static bool list_asks(const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        if (is_help(list->pdata[i])) {
            return true;
        }
    }
    return false;
}

/* The NAME of a "NAME,help": g_free() it. */
static char *type_help(const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        const char *text = list->pdata[i];

        if (g_str_has_suffix(text, ",help") || g_str_has_suffix(text, ",?")) {
            return g_strndup(text, strcspn(text, ","));
        }
    }
    return NULL;
}

static void print_chardevs(void)
{
    printf("Available chardev backend types:\n");
    for (const char *const *n = chardev_kind_names(); *n; n++) {
        printf("  %s\n", *n);
    }
}

static bool device_asks(const struct config *c, GError **error)
{
    for (guint i = 0; i < c->device->len; i++) {
        const char *text = c->device->pdata[i];
        g_auto(GStrv) words = g_strsplit(text, ",", -1);
        g_autofree char *help = NULL;

        if (is_help(text)) {
            help = device_help(NULL, error);
        } else if (words[0] &&
                   g_strv_contains((const char *const *)words + 1, "help")) {
            help = device_help(words[0], error);
        }
        if (help) {
            fputs(help, stdout);
            return true;
        }
    }
    return false;
}

bool help_wanted(const struct config *c, const char *program, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *name = NULL;

    if (c->version) {
        print_version(program);
    } else if (c->help) {
        text = config_help();
    } else if (list_asks(c->machine)) {
        print_machines();
    } else if ((name = type_help(c->machine))) {
        const struct board_type *b = board_find(name, error);

        text = b ? machine_options_help(b->name) : NULL;
        if (!b) {
            return false;
        }
    } else if (list_asks(c->object)) {
        text = object_help(NULL, error);
    } else if ((name = type_help(c->object))) {
        text = object_help(name, error);
        if (!text) {
            return false;
        }
    } else if (list_asks(c->accel)) {
        print_accels();
    } else if (list_asks(c->vnc)) {
        puts("-vnc HOST:DISPLAY|unix:PATH|none[,password=on]"
             "[,password-secret=ID][,to=N][,websocket=on|PORT]");
    } else if (is_help(c->vga)) {
        puts("std    standard VGA with Bochs VBE (default)\nnone   no graphic "
             "card");
    } else if (list_asks(c->chardev)) {
        print_chardevs();
    } else if (c->watchdog_action && is_help(c->watchdog_action)) {
        puts("reset shutdown poweroff pause debug none inject-nmi");
    } else if (is_help(c->display)) {
        print_displays();
    } else if (is_help(c->cpu)) {
        text = x86_models_help();
    } else if (is_help(c->log_items)) {
        text = log_help();
    } else if (list_asks(c->netdev)) {
        text = netdev_help();
    } else {
        return device_asks(c, error);
    }
    if (text) {
        fputs(text, stdout);
    }
    return true;
}
