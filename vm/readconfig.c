/* SPDX-License-Identifier: MIT */
#include "vm/readconfig.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "vm/text_opts.h"

/* Sections by name; the option that takes them, and the key that may stand
 * without its name. */
static const struct section {
    const char *name, *option, *implied;
    size_t list; /* in struct config; 0: a string option, not written */
} sections[] = {
#define L(m) offsetof(struct config, m)
    {"accel", "accel", "accel", L(accel)},
    {"acpi", "acpitable", "data", L(acpitable)},
    {"add-fd", "add-fd", NULL, L(add_fd)},
    {"boot-opts", "boot", "order", 0},
    {"chardev", "chardev", "backend", L(chardev)},
    {"device", "device", "driver", L(device)},
    {"drive", "drive", NULL, L(drive)},
    {"fw_cfg", "fw_cfg", "name", L(fw_cfg)},
    {"global", "global", "driver", L(global)},
    {"machine", "machine", "type", L(machine)},
    {"memory", "m", "size", 0},
    {"mon", "mon", "chardev", L(mon)},
    {"name", "name", "guest", 0},
    {"netdev", "netdev", "type", L(netdev)},
    {"nic", "nic", "model", L(nic)},
    {"object", "object", "qom-type", L(object)},
    {"option-rom", "option-rom", "romfile", L(option_rom)},
    {"rtc", "rtc", "base", 0},
    {"smbios", "smbios", NULL, L(smbios)},
    {"smp-opts", "smp", "cpus", 0},
    {"vnc", "vnc", "vnc", L(vnc)},
#undef L
};

static const struct section *section_find(const char *name, GError **error)
{
    const char *names[ARRAY_SIZE(sections) + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        if (strcmp(sections[i].name, name) == 0) {
            return &sections[i];
        }
        names[i] = sections[i].name;
    }
    fail_unknown(error, "group of options", name, names);
    return NULL;
}

/* --- reading --- */

struct reader {
    struct config *config;
    const char *path;
    unsigned line;
    const struct section *section; /* NULL: none yet */
    struct opts *opts;
};

static bool bad(const struct reader *r, GError **error, const char *what)
{
    return fail(error, "%s:%u: %s", r->path, r->line, what);
}

/* The section that ends becomes an option. */
static bool reader_finish(struct reader *r, GError **error)
{
    g_autofree char *text = NULL;
    bool ok = true;

    if (r->section) {
        const char *driver = opts_get(r->opts, "driver");
        const char *property = opts_get(r->opts, "property");
        const char *value = opts_get(r->opts, "value");

        text = strcmp(r->section->name, "global") == 0 && driver && property
                   ? g_strdup_printf("%s.%s=%s", driver, property,
                                     value ? value : "")
                   : opts_to_text(r->opts);
        ok = config_set(r->config, r->section->option, text, error);
    }
    g_clear_pointer(&r->opts, opts_free);
    r->section = NULL;
    return ok;
}

/* [group] or [group "id"] */
static bool reader_section(struct reader *r, const char *text, GError **error)
{
    char name[64] = "";
    char id[64] = "";
    char end = 0;

    if (!reader_finish(r, error)) {
        return false;
    }
    if (!((sscanf(text, "[%63s \"%63[^\"]\"%c", name, id, &end) == 3 ||
           sscanf(text, "[%63[^] ]%c", name, &end) == 2) &&
          end == ']')) {
        return bad(r, error, "want [group] or [group \"id\"]");
    }
    r->section = section_find(name, error);
    if (!r->section) {
        g_prefix_error(error, "%s:%u: ", r->path, r->line);
        return false;
    }
    r->opts = opts_new();
    if (*id) {
        opts_set(r->opts, "id", id);
    }
    return true;
}

/* key = "value" */
static bool reader_value(struct reader *r, char *text, GError **error)
{
    char *eq = strchr(text, '=');
    char *value;
    size_t len;

    if (!eq) {
        return bad(r, error, "want key = \"value\"");
    }
    if (!r->section) {
        return bad(r, error, "no group defined");
    }
    *eq = '\0';
    value = g_strstrip(eq + 1);
    len = strlen(value);
    if (len < 2 || value[0] != '"' || value[len - 1] != '"') {
        return bad(r, error, "want key = \"value\"");
    }
    value[len - 1] = '\0';
    opts_set(r->opts, g_strstrip(text), value + 1);
    return true;
}

static bool read_file(struct config *c, const char *path, GError **error)
{
    struct reader r = {.config = c, .path = path};
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    bool ok = file_load(path, MIB, &text, NULL, error);

    if (!ok) {
        return false;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; ok && *l; l++) {
        char *line = g_strstrip(*l);

        r.line++;
        if (line[0] == '[') {
            ok = reader_section(&r, line, error);
        } else if (line[0] && line[0] != '#') {
            ok = reader_value(&r, line, error);
        }
    }
    ok = ok && reader_finish(&r, error);
    opts_free(r.opts);
    return ok;
}

/* --- -set --- */

static GPtrArray *section_list(const struct config *c, const struct section *s)
{
    return *(GPtrArray *const *)(const void *)((const char *)c + s->list);
}

/* "group.id.param=value": the last one of the group with that id. */
static bool apply_set(struct config *c, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ".", 3);
    char *eq = words[0] && words[1] && words[2] ? strchr(words[2], '=') : NULL;
    const struct section *s;
    GPtrArray *list;

    if (!eq) {
        return fail(error, "-set %s: want GROUP.ID.PARAM=VALUE", text);
    }
    *eq = '\0';
    s = section_find(words[0], error);
    if (!s) {
        return false;
    }
    list = s->list ? section_list(c, s) : NULL;
    for (guint i = 0; list && i < list->len; i++) {
        struct opts *o = opts_from_text(list->pdata[i], s->implied, NULL);

        if (o && g_strcmp0(opts_get(o, "id"), words[1]) == 0) {
            opts_set(o, words[2], eq + 1);
            g_free(list->pdata[i]);
            list->pdata[i] = opts_to_text(o);
            opts_free(o);
            return true;
        }
        opts_free(o);
    }
    return fail(error, "-set %s: there is no %s with id \"%s\"", text, words[0],
                words[1]);
}

/* --- writing --- */

static void write_option(FILE *f, const struct section *s, const char *text)
{
    struct opts *o = opts_from_text(text, s->implied, NULL);
    const char *id = o ? opts_get(o, "id") : NULL;

    if (!o) {
        return;
    }
    if (strcmp(s->name, "global") == 0) {
        const char *dot = strchr(text, '.');
        const char *eq = strchr(text, '=');

        opts_free(o);
        o = opts_new();
        if (dot && eq && dot < eq) {
            g_autofree char *driver = g_strndup(text, (gsize)(dot - text));
            g_autofree char *prop = g_strndup(dot + 1, (gsize)(eq - dot - 1));

            opts_set(o, "driver", driver);
            opts_set(o, "property", prop);
            opts_set(o, "value", eq + 1);
        }
        id = NULL;
    }
    fprintf(f, id ? "[%s \"%s\"]\n" : "[%s]\n", s->name, id);
    for (guint i = 0; i < o->list->len; i++) {
        const struct opt *opt = &g_array_index(o->list, struct opt, i);

        if (strcmp(opt->key, "id") != 0) {
            fprintf(f, "  %s = \"%s\"\n", opt->key, opt->value);
        }
    }
    fputc('\n', f);
    opts_free(o);
}

static bool write_file(const struct config *c, const char *path, GError **error)
{
    const struct {
        const char *section, *text;
    } strings[] = {{"boot-opts", c->boot},
                   {"memory", c->memory},
                   {"name", c->name},
                   {"rtc", c->rtc},
                   {"smp-opts", c->smp}};
    bool out = strcmp(path, "-") == 0;
    FILE *f = out ? stdout : fopen(path, "we");

    if (!f) {
        return fail_errno(error, "-writeconfig %s", path);
    }
    fprintf(f, "# rhea config file\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
        if (strings[i].text) {
            write_option(f, section_find(strings[i].section, NULL),
                         strings[i].text);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        const GPtrArray *list =
            sections[i].list ? section_list(c, &sections[i]) : NULL;

        for (guint k = 0; list && k < list->len; k++) {
            write_option(f, &sections[i], list->pdata[k]);
        }
    }
    return (out ? fflush(f) : fclose(f)) == 0 ||
           fail_errno(error, "-writeconfig %s", path);
}

bool config_files(struct config *c, GError **error)
{
    for (guint i = 0; i < c->readconfig->len; i++) {
        if (!read_file(c, c->readconfig->pdata[i], error)) {
            return false;
        }
    }
    for (guint i = 0; i < c->set->len; i++) {
        if (!apply_set(c, c->set->pdata[i], error)) {
            return false;
        }
    }
    return !c->writeconfig || write_file(c, c->writeconfig, error);
}
