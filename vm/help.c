/* SPDX-License-Identifier: MIT */
#include "vm/help.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "build-config.h"
#include "hw/pc/board.h"
#include "target/x86/model.h"
#include "vm/devices.h"

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
        printf("%-20s %s%s\n", (*b)->name, (*b)->desc,
               (*b)->is_default ? " (default)" : "");
        if ((*b)->alias) {
            printf("%-20s %s (alias of %s)\n", (*b)->alias, (*b)->desc,
                   (*b)->name);
        }
    }
}

static void print_accels(void)
{
    printf("Accelerators supported in this binary:\n");
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

    if (c->version) {
        print_version(program);
    } else if (c->help) {
        text = config_help();
    } else if (list_asks(c->machine)) {
        print_machines();
    } else if (is_help(c->accel)) {
        print_accels();
    } else if (is_help(c->display)) {
        print_displays();
    } else if (is_help(c->cpu)) {
        text = x86_models_help();
    } else if (is_help(c->log_items)) {
        text = log_help();
    } else if (list_asks(c->netdev)) {
        printf("Available netdev backend types:\n");
    } else {
        return device_asks(c, error);
    }
    if (text) {
        fputs(text, stdout);
    }
    return true;
}
