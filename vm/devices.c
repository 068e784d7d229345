/* SPDX-License-Identifier: MIT */
#include "vm/devices.h"

#include <string.h>

#include "base/opts.h"
#include "hw/pc/board.h"
#include "vm/qmp_error.h"

/* Every option but those that say what, who and where is a property. */
static bool device_set_props(struct dev *dev, struct opts *o, GError **error)
{
    static const char *const mine[] = {"driver", "id", "bus", NULL};

    for (guint i = 0; i < o->list->len; i++) {
        const struct opt *opt = &g_array_index(o->list, struct opt, i);

        if (!g_strv_contains(mine, opt->key) &&
            !dev_set_prop(dev, opt->key, opt->value, error)) {
            return false;
        }
    }
    return true;
}

/* bus=NAME must be there, and of the right kind; without it any will do. */
static bool device_find_bus(struct dev *dev, const char *name, GError **error)
{
    struct machine *m = dev->machine;

    if (!dev->type->bus) {
        return true;
    }
    dev->bus = name ? bus_find(m, dev->type->bus, name) : NULL;
    if (!bus_find(m, dev->type->bus, NULL)) {
        return fail(error, "%s: this machine has no %s bus", dev_name(dev),
                    dev->type->bus);
    }
    return dev->bus || !name ||
           fail(error, "%s: there is no %s bus '%s'", dev_name(dev),
                dev->type->bus, name);
}

static bool device_make(struct machine *m, struct opts *o, GError **error)
{
    const char *driver = opts_get(o, "driver");
    const struct dev_type *type =
        driver ? device_type_find(driver, error) : NULL;
    struct dev *dev;

    if (!type) {
        return driver ? false : fail(error, "-device wants a driver");
    }
    dev = dev_new(m, type, opts_get(o, "id"));
    if (!device_find_bus(dev, opts_get(o, "bus"), error) ||
        !device_set_props(dev, o, error) || !dev_realize(dev, error)) {
        dev_free(dev);
        return false;
    }
    return true;
}

bool device_add_text(struct machine *m, const char *text, GError **error)
{
    struct opts *o = opts_parse(text, "driver", error);
    bool ok = o && device_make(m, o, error);

    opts_free(o);
    return ok;
}

bool device_del(struct machine *m, const char *id, GError **error)
{
    const struct dev *dev = machine_find_dev(m, id);

    if (!dev || g_strcmp0(dev->id, id) != 0) {
        return qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found",
                        id);
    }
    return fail(error, "Bus '%s' does not support hotplugging",
                dev->bus ? dev->bus->name : "main-system-bus");
}

static char *device_list(void)
{
    GString *s = g_string_new(NULL);

    for (const struct dev_type *const *t = device_types; *t; t++) {
        if ((*t)->hidden) {
            continue;
        }
        g_string_append_printf(s, "name \"%s\"", (*t)->name);
        if ((*t)->bus) {
            g_string_append_printf(s, ", bus %s", (*t)->bus);
        }
        if ((*t)->alias) {
            g_string_append_printf(s, ", alias \"%s\"", (*t)->alias);
        }
        g_string_append_printf(s, ", desc \"%s\"\n", (*t)->desc);
    }
    return g_string_free(s, FALSE);
}

const char *device_kind_text(enum kind kind)
{
    static const char *const names[] = {
        [K_BOOL] = "bool",  [K_U8] = "uint8",    [K_U16] = "uint16",
        [K_U32] = "uint32", [K_U64] = "uint64",  [K_I32] = "int32",
        [K_I64] = "int64",  [K_TIMER] = "timer", [K_STRING] = "str",
    };

    return names[kind];
}

char *device_help(const char *name, GError **error)
{
    const struct dev_type *type;
    GString *s;

    if (!name) {
        return device_list();
    }
    type = device_type_find(name, error);
    if (!type) {
        return NULL;
    }
    s = g_string_new(NULL);
    g_string_append_printf(s, "%s options:\n", type->name);
    for (const struct field *f = type->props; f && f->name; f++) {
        g_string_append_printf(s, "  %s=<%s>%s%s\n", f->name,
                               device_kind_text(f->kind), f->what ? " - " : "",
                               f->what ? f->what : "");
    }
    return g_string_free(s, FALSE);
}
