/* SPDX-License-Identifier: MIT */
#include "vm/hmp.h"

#include <string.h>

#include "base/text.h"
#include "block/drive.h"
#include "build-config.h"
#include "ui/keynames.h"
#include "vm/chardev.h"
#include "vm/monitors.h"

struct hmp {
    struct session session;
    struct hmp_context context;
    struct hmp_line line;
    bool greeted;
};

/* --- running a line --- */

const struct hmp_command *hmp_find(const struct hmp_command *table,
                                   const char *name, size_t len)
{
    for (; table->name; table++) {
        for (const char *p = table->name;; p++) {
            size_t n = strcspn(p, "|");

            if (n == len && strncmp(p, name, n) == 0) {
                return table;
            }
            p += n;
            if (!*p) {
                break;
            }
        }
    }
    return NULL;
}

/* Splits the command's name off: it ends at a space, or a format's slash. */
static size_t take_name(const char **text)
{
    size_t len;

    while (g_ascii_isspace(**text)) {
        (*text)++;
    }
    len = strcspn(*text, " \t/");
    return len;
}

static void print_error(GString *out, const GError *error)
{
    g_string_append_printf(out, "Error: %s\n", error->message);
}

static void run(struct hmp_call *c, const struct hmp_command *cmd,
                const char *text)
{
    struct machine *m = &c->vm->machine;
    g_autoptr(GError) error = NULL;
    bool held = cmd->flags & HMP_PAUSED || strchr(text, '$');
    bool resume = held && cpus_hold(c->vm);

    c->command = cmd;
    if (!(cmd->flags & HMP_UNLOCKED)) {
        lock_enter(&m->lock);
    }
    if (!hmp_parse_args(c, cmd, text, &error) || !cmd->run(c, &error)) {
        print_error(c->out, error);
    }
    if (!(cmd->flags & HMP_UNLOCKED)) {
        lock_leave(&m->lock);
    }
    if (held) {
        cpus_release(c->vm, resume);
    }
    hmp_free_args(c);
}

static void unknown_command(GString *out, const char *name, size_t len,
                            const struct hmp_command *table)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = g_strndup(name, len);
    const char *near;

    for (; table->name; table++) {
        g_ptr_array_add(names,
                        g_strndup(table->name, strcspn(table->name, "|")));
    }
    g_ptr_array_add(names, NULL);
    near = text_near(text, (const char *const *)names->pdata);
    g_string_append_printf(out, "unknown command: '%s'%s%s%s\n", text,
                           near ? "; did you mean '" : "", near ? near : "",
                           near ? "'?" : "");
}

void hmp_run_unlocked(struct hmp_context *context, const char *line,
                      GString *out)
{
    struct vm *vm = context->vm;
    struct hmp_call call = {
        .context = context,
        .vm = vm,
        .cpu = context->cpu < vm->vcpus.count
                   ? &vm->vcpus.vcpu[context->cpu]->cpu
                   : NULL,
        .format = {.count = 1, .kind = 'x', .size = 'w'},
        .out = out,
    };
    const struct hmp_command *table = hmp_commands;
    size_t len = take_name(&line);
    const struct hmp_command *cmd;

    if (len == 0 || line[0] == '#') {
        return;
    }
    if (len == 4 && strncmp(line, "info", 4) == 0) {
        const char *topic = line + len;
        size_t n = take_name(&topic);

        if (n) {
            table = hmp_infos;
            line = topic;
            len = n;
        }
    }
    cmd = hmp_find(table, line, len);
    if (!cmd) {
        unknown_command(out, line, len, table);
        return;
    }
    run(&call, cmd, line + len);
}

/* --- completion --- */

static void add_match(GPtrArray *words, const char *prefix, const char *word,
                      size_t len)
{
    if (strncmp(word, prefix, strlen(prefix)) == 0 && strlen(prefix) <= len) {
        g_ptr_array_add(words, g_strndup(word, len));
    }
}

static void match_table(GPtrArray *words, const char *prefix,
                        const struct hmp_command *table)
{
    for (; table->name; table++) {
        if (!(table->flags & HMP_HIDDEN)) {
            add_match(words, prefix, table->name, strcspn(table->name, "|"));
        }
    }
}

static void match_drives(GPtrArray *words, const char *prefix, struct vm *vm)
{
    for (guint i = 0; i < vm->drives->len; i++) {
        const struct drive *d = vm->drives->pdata[i];

        if (d->removable) {
            add_match(words, prefix, d->id, strlen(d->id));
        }
    }
}

static void match_devices(GPtrArray *words, const char *prefix, struct vm *vm)
{
    const GPtrArray *devs = vm->machine.devices;

    for (guint i = 0; i < devs->len; i++) {
        const struct dev *dev = devs->pdata[i];

        if (dev->id) {
            add_match(words, prefix, dev->id, strlen(dev->id));
        }
    }
}

static void match_types(GPtrArray *words, const char *prefix)
{
    for (const struct dev_type *const *t = device_types; *t; t++) {
        if (!(*t)->hidden) {
            add_match(words, prefix, (*t)->name, strlen((*t)->name));
        }
    }
}

static void match_keys(GPtrArray *words, const char *prefix)
{
    const char *dash = strrchr(prefix, '-');
    g_autofree char *head =
        g_strndup(prefix, dash ? (gsize)(dash + 1 - prefix) : 0);
    const char *name;

    for (unsigned i = 0; (name = keyname_at(i)); i++) {
        g_autofree char *word = g_strconcat(head, name, NULL);

        add_match(words, prefix, word, strlen(word));
    }
}

/* The first argument of a few commands. */
static void match_argument(GPtrArray *words, struct vm *vm, const char *command,
                           const char *prefix)
{
    if (strcmp(command, "info") == 0) {
        match_table(words, prefix, hmp_infos);
    } else if (strcmp(command, "help") == 0 || strcmp(command, "?") == 0) {
        match_table(words, prefix, hmp_commands);
    } else if (strcmp(command, "eject") == 0 ||
               strcmp(command, "change") == 0) {
        match_drives(words, prefix, vm);
    } else if (strcmp(command, "device_del") == 0) {
        match_devices(words, prefix, vm);
    } else if (strcmp(command, "device_add") == 0) {
        match_types(words, prefix);
    } else if (strcmp(command, "sendkey") == 0) {
        match_keys(words, prefix);
    }
}

char **hmp_complete(void *context, const char *line, size_t cursor)
{
    const struct hmp_context *c = context;
    GPtrArray *words = g_ptr_array_new();
    g_autofree char *text = g_strndup(line, cursor);
    const char *word = strrchr(text, ' ');

    lock_enter(&c->vm->machine.lock);
    if (!word) {
        match_table(words, text, hmp_commands);
    } else {
        g_autofree char *command = g_strndup(text, (gsize)(word - text));

        match_argument(words, c->vm, g_strstrip(command), word + 1);
    }
    lock_leave(&c->vm->machine.lock);
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

/* --- the terminal --- */

static void hmp_print(struct hmp *h, const GString *text)
{
    g_autoptr(GString) out = g_string_sized_new(text->len + 64);

    for (gsize i = 0; i < text->len; i++) {
        if (text->str[i] == '\n' && (i == 0 || text->str[i - 1] != '\r')) {
            g_string_append_c(out, '\r');
        }
        g_string_append_c(out, text->str[i]);
    }
    session_write(&h->session, out->str, out->len);
}

static void hmp_finish_line(struct hmp *h, GString *out)
{
    g_autofree char *line = g_strdup(h->line.text);

    hmp_print(h, out); /* before a command that takes its time */
    g_string_truncate(out, 0);
    hmp_run_unlocked(&h->context, line, out);
    hmp_line_start(&h->line, out);
}

/* Bytes up to the end of a line. */
static bool hmp_serve(struct session *s)
{
    struct hmp *h = container_of(s, struct hmp, session);
    g_autoptr(GString) out = g_string_new(NULL);
    bool more = true;
    char c;

    while (more && session_read(s, &c, 1)) {
        if (hmp_line_byte(&h->line, c, out)) {
            hmp_finish_line(h, out);
            more = false;
        }
    }
    hmp_print(h, out);
    return false;
}

static void hmp_focused(struct session *s)
{
    struct hmp *h = container_of(s, struct hmp, session);
    g_autoptr(GString) out = g_string_new(NULL);

    if (!h->greeted) {
        g_string_append(out, "Rhea " RHEA_VERSION
                             " monitor - type 'help' for more information\n");
        h->greeted = true;
    }
    hmp_line_start(&h->line, out);
    hmp_print(h, out);
}

static void hmp_opened(struct session *s)
{
    if (chardev_has_focus(s->chardev)) {
        hmp_focused(s);
    }
}

static void hmp_closed(struct session *s)
{
    container_of(s, struct hmp, session)->greeted = false;
}

static const struct session_ops hmp_session = {
    .serve = hmp_serve,
    .opened = hmp_opened,
    .closed = hmp_closed,
    .focused = hmp_focused,
};

struct hmp *hmp_new(struct vm *vm, struct chardev *c, GError **error)
{
    struct hmp *h = g_new0(struct hmp, 1);

    hmp_line_init(&h->line, "(qemu) ");
    h->line.complete = hmp_complete;
    h->line.opaque = &h->context;
    h->context = (struct hmp_context){.vm = vm, .line = &h->line};
    if (!session_init(&h->session, &vm->machine, c, &hmp_session, error)) {
        hmp_free(h);
        return NULL;
    }
    return h;
}

void hmp_free(struct hmp *h)
{
    session_clear(&h->session);
    hmp_line_clear(&h->line);
    g_free(h);
}
