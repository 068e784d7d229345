/* SPDX-License-Identifier: MIT */
#include "vm/config.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

enum option_kind {
    STRING,
    LIST,
    FLAG,
    DRIVE,
    IGNORED,
    IGNORED_ARG,
    WARNED,
    WARNED_ARG,
    REFUSED,
    REFUSED_ARG,
    TITLE
};

struct option {
    const char *name;
    enum option_kind kind;
    const char *member; /* its name, or the text in front of a drive, or why it
                           has no effect (in quotes) */
    const char *arg;
    const char *what; /* NULL: not in --help */
};

/* clang-format off */
static const struct option options[] = {
#define GROUP(title) {title, TITLE, NULL, NULL, title},
#define OPTION(name, kind, member, arg, what) {name, kind, #member, arg, what},
#include "vm/options.def"
#undef OPTION
#undef GROUP
};

/* Members by name; options.def can then hold any text in that column. */
static const struct {
    const char *name;
    size_t at;
} members[] = {
#define S(m) {#m, offsetof(struct config, m)}
    S(accel), S(acpitable), S(action), S(append), S(blockdev), S(bios), S(boot), S(cpu), S(debugcon), S(display),
    S(dry_run), S(echr), S(fsdev), S(fw_cfg), S(initrd), S(kernel), S(keymap), S(log_file), S(log_items), S(log_ranges), S(mem_path),
    S(mem_prealloc), S(memory), S(object), S(option_rom), S(readconfig), S(sdl),
    S(set), S(watchdog_action), S(writeconfig),
    S(name), S(pidfile), S(qtest), S(qtest_log), S(rtc), S(smp), S(uuid),
    S(usb), S(usbdevice),
    S(vga), S(virtfs), S(run_with), S(runas), S(chroot), S(add_fd), S(startdate), S(machine), S(chardev), S(data_dir),
    S(device), S(drive), S(global), S(mon), S(monitor), S(net), S(netdev), S(nic),
    S(parallel), S(qmp), S(serial), S(smbios), S(vnc), S(daemonize),
    S(enable_kvm), S(explain), S(full_screen), S(help), S(localtime), S(perfmap),
    S(no_acpi), S(no_hpet), S(no_reboot), S(no_shutdown), S(nodefaults),
    S(nographic), S(paused), S(snapshot), S(version),
#undef S
};
/* clang-format on */

static void *member_of(struct config *c, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (strcmp(members[i].name, name) == 0) {
            return (char *)c + members[i].at;
        }
    }
    g_assert_not_reached();
}

void config_init(struct config *c)
{
    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].kind == LIST) {
            GPtrArray **list = member_of(c, options[i].member);

            if (!*list) {
                *list = g_ptr_array_new_with_free_func(g_free);
            }
        }
    }
}

void config_clear(struct config *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].kind == LIST) {
            GPtrArray **list = member_of(c, options[i].member);

            g_clear_pointer(list, g_ptr_array_unref);
        } else if (options[i].kind == STRING) {
            g_clear_pointer((char **)member_of(c, options[i].member), g_free);
        }
    }
    g_free(c->file);
}

static const struct option *option_find(const char *name, GError **error)
{
    const char *names[ARRAY_SIZE(options) + 1];
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].kind == TITLE) {
            continue;
        }
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
        names[n++] = options[i].name;
    }
    names[n] = NULL;
    near = text_near(name, names);
    fail(error, "unknown option '-%s'%s%s%s", name,
         near ? "; did you mean '-" : "; see --help", near ? near : "",
         near ? "'?" : "");
    return NULL;
}

/* "if=ide;index=0" and a file name: a -drive text. */
static char *drive_text(const char *head, const char *file)
{
    g_auto(GStrv) names = g_strsplit(file, ",", -1);
    g_autofree char *name = g_strjoinv(",,", names);
    g_autofree char *text = g_strdup_printf("%s;file=", head);

    g_strdelimit(text, ";", ',');
    return g_strconcat(text, name, NULL);
}

static void option_apply(struct config *c, const struct option *o,
                         const char *arg)
{
    char **string;

    switch (o->kind) {
    case STRING:
        string = member_of(c, o->member);
        g_free(*string);
        *string = g_strdup(arg);
        break;
    case LIST:
        g_ptr_array_add(*(GPtrArray **)member_of(c, o->member), g_strdup(arg));
        break;
    case FLAG: *(bool *)member_of(c, o->member) = true; break;
    case DRIVE: g_ptr_array_add(c->drive, drive_text(o->member, arg)); break;
    case WARNED:
    case WARNED_ARG:
        warn_user("-%s is ignored: %.*s", o->name, (int)strlen(o->member) - 2,
                  o->member + 1);
        break;
    default: break;
    }
}

static bool option_wants_arg(const struct option *o)
{
    return o->kind == STRING || o->kind == LIST || o->kind == DRIVE ||
           o->kind == IGNORED_ARG || o->kind == WARNED_ARG ||
           o->kind == REFUSED_ARG;
}

bool config_set(struct config *c, const char *name, const char *value,
                GError **error)
{
    const struct option *o = option_find(name, error);

    if (o) {
        option_apply(c, o, value);
    }
    return o;
}

/* A member is shown once, under the first of its names. */
static bool option_is_alias(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == options[n].kind &&
            strcmp(options[i].member, options[n].member) == 0) {
            return true;
        }
    }
    return false;
}

static void option_show(const struct config *c, const struct option *o,
                        void (*fn)(void *opaque, const char *name,
                                   const char *value),
                        void *opaque)
{
    const void *m = member_of((struct config *)(uintptr_t)c, o->member);
    const GPtrArray *list;

    switch (o->kind) {
    case STRING:
        if (*(char *const *)m) {
            fn(opaque, o->name, *(char *const *)m);
        }
        break;
    case FLAG:
        if (*(const bool *)m) {
            fn(opaque, o->name, NULL);
        }
        break;
    default:
        list = *(GPtrArray *const *)m;
        for (guint i = 0; i < list->len; i++) {
            fn(opaque, o->name, list->pdata[i]);
        }
        break;
    }
}

void config_each(const struct config *c,
                 void (*fn)(void *opaque, const char *name, const char *value),
                 void *opaque)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option *o = &options[i];

        if ((o->kind == STRING || o->kind == LIST || o->kind == FLAG) &&
            strcmp(o->name, "explain") != 0 && !option_is_alias(i)) {
            option_show(c, o, fn, opaque);
        }
    }
}

bool config_parse(struct config *c, int argc, char **argv, GError **error)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const struct option *o;

        if (word[0] != '-' || !word[1]) {
            if (c->file) {
                return fail(error,
                            "what is '%s'? One file to boot is enough, and "
                            "options begin with '-'",
                            word);
            }
            c->file = g_strdup(word);
            continue;
        }
        o = option_find(word + (word[1] == '-' ? 2 : 1), error);
        if (!o) {
            return false;
        }
        if (option_wants_arg(o) && ++i == argc) {
            return fail(error, "'%s' wants an argument: %s", word,
                        o->arg ? o->arg : "TEXT");
        }
        if (o->kind == REFUSED || o->kind == REFUSED_ARG) {
            return fail(error, "-%s: %.*s", o->name, (int)strlen(o->member) - 2,
                        o->member + 1);
        }
        option_apply(c, o, option_wants_arg(o) ? argv[i] : NULL);
    }
    return true;
}

GPtrArray *config_option_names(void)
{
    GPtrArray *names = g_ptr_array_new();

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].kind != TITLE) {
            g_ptr_array_add(names, (void *)(uintptr_t)options[i].name);
        }
    }
    return names;
}

char *config_help(void)
{
    GString *s = g_string_new(
        "usage: rhea [OPTION]... [FILE]\n\n"
        "Boots FILE (disk, floppy or CD image, or a kernel), or what the "
        "options say.\n");

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option *o = &options[i];
        g_autofree char *head = NULL;

        if (o->kind == TITLE) {
            g_string_append_printf(s, "\n%s:\n", o->what);
        } else if (o->what) {
            head = g_strdup_printf("-%s%s%s", o->name, o->arg ? " " : "",
                                   o->arg ? o->arg : "");
            g_string_append_printf(
                s, "  %-30s%s%s\n", head,
                strlen(head) > 29 ? "\n                                " : "",
                o->what);
        }
    }
    return g_string_free(s, FALSE);
}
