/* SPDX-License-Identifier: MIT */
/*
 * The program: what only prints, then a machine and its main loop.
 */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "net/user.h"
#include "vm/chardev.h"
#include "vm/daemon.h"
#include "vm/guess.h"
#include "vm/help.h"
#include "vm/privileges.h"
#include "vm/readconfig.h"
#include "vm/vm.h"

static int main_failed(GError *error)
{
    fprintf(stderr, "rhea: %s\n", error->message);
    g_error_free(error);
    return 1;
}

static gboolean main_signal(gpointer data)
{
    struct vm *vm = data;

    vm_quit(vm, "host-signal");
    return G_SOURCE_CONTINUE;
}

static bool main_logs(const struct config *c, GError **error)
{
    return (!c->log_ranges || log_set_ranges(c->log_ranges, error)) &&
           (!c->log_file || log_set_file(c->log_file, error)) &&
           (!c->log_items || log_set_items(c->log_items, error));
}

static int main_run(struct config *c, GError **error)
{
    struct vm *vm = g_new0(struct vm, 1);
    struct daemon d = {.ready = -1};
    int status = 1;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write that is too much is an error */
    if (c->daemonize && !daemon_start(&d, error)) {
        g_free(vm);
        return 1;
    }
    if (vm_create(vm, c, error) &&
        (!c->pidfile || daemon_write_pid(&d, c->pidfile, error)) &&
        privileges_drop(c, error)) {
        g_unix_signal_add(SIGINT, main_signal, vm);
        g_unix_signal_add(SIGTERM, main_signal, vm);
        g_unix_signal_add(SIGHUP, main_signal, vm);
        lock_enter(&vm->machine.lock);
        chardevs_start(&vm->machine);
        lock_leave(&vm->machine.lock);
        daemon_ready(&d);
        status = c->dry_run ? 0 : vm_run(vm);
    }
    vm_destroy(vm);
    daemon_end(&d);
    g_free(vm);
    return status;
}

/* FILE becomes options; true where those were all that was asked for. */
static bool main_explain(struct config *c, const char *program, GError **error)
{
    g_autofree char *why = NULL;
    g_autofree char *text = NULL;

    if (*error || !guess_apply(c, &why, error) || !c->explain) {
        return false;
    }
    text = guess_explain(program, c, why);
    fputs(text, stdout);
    return true;
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    struct config c;
    int status = 1;

    if (argc > 1 && strcmp(argv[1], NET_USER_CHILD) == 0) {
        return net_user_child(argc, argv);
    }
    config_init(&c);
    c.helper = "/proc/self/exe";
    if (!config_parse(&c, argc, argv, &error)) {
        config_clear(&c);
        return main_failed(error);
    }
    if (!config_files(&c, &error)) {
        config_clear(&c);
        return main_failed(error);
    }
    if (help_wanted(&c, argv[0], &error) || main_explain(&c, argv[0], &error)) {
        status = 0;
    } else if (!error && main_logs(&c, &error)) {
        status = main_run(&c, &error);
    }
    config_clear(&c);
    return error ? main_failed(error) : status;
}
