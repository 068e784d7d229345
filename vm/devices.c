/* SPDX-License-Identifier: MIT */
#include "vm/devices.h"

#include <string.h>

#include "base/log.h"
#include "base/opts.h"
#include "hw/pc/board.h"
#include "vm/qmp_error.h"
#include "vm/text_opts.h"

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
    struct opts *o = opts_from_text(text, "driver", error);
    bool ok = o && device_make(m, o, error);

    opts_free(o);
    return ok;
}

/* "VGA.vgamem_mb=32", or driver=VGA,property=vgamem_mb,value=32. */
static bool global_split(const char *text, char **driver, char **prop,
                         char **value, GError **error)
{
    const char *dot = strchr(text, '.');
    const char *eq = dot ? strchr(dot, '=') : NULL;
    struct opts *o;

    if (eq && memchr(text, '=', (size_t)(dot - text)) == NULL) {
        *driver = g_strndup(text, (gsize)(dot - text));
        *prop = g_strndup(dot + 1, (gsize)(eq - dot - 1));
        *value = g_strdup(eq + 1);
        return true;
    }
    o = opts_parse(text, NULL, error);
    if (!o) {
        return false;
    }
    *driver = g_strdup(opts_get(o, "driver"));
    *prop = g_strdup(opts_get(o, "property"));
    *value = g_strdup(opts_get(o, "value"));
    opts_free(o);
    return (*driver && *prop && *value) ||
           fail(error, "-global %s: want DRIVER.PROP=VALUE", text);
}

static const struct dev_type *global_type(const char *name)
{
    const struct dev_type *const *lists[] = {device_types, board_device_types};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (const struct dev_type *const *t = lists[i]; *t; t++) {
            if (strcmp((*t)->name, name) == 0 ||
                g_strcmp0((*t)->alias, name) == 0) {
                return *t;
            }
        }
    }
    return NULL;
}

bool device_add_global(struct machine *m, const char *text, GError **error)
{
    g_autofree char *driver = NULL;
    g_autofree char *prop = NULL;
    g_autofree char *value = NULL;
    const struct dev_type *type;
    struct dev *probe;
    bool ok;

    if (!global_split(text, &driver, &prop, &value, error)) {
        return false;
    }
    type = global_type(driver);
    if (!type) { /* scripts set what this machine may not have */
        warn_user("-global %s: there is no device '%s'; ignored", text, driver);
        return true;
    }
    if (!dev_find_prop(type, prop)) {
        warn_user("-global %s: %s has no property '%s'; ignored", text, driver,
                  prop);
        return true;
    }
    probe = dev_new(m, type, NULL);
    ok = dev_set_prop(probe, prop, value, error);
    dev_free(probe);
    if (ok) {
        machine_add_global(m, driver, prop, value);
    }
    return ok;
}

bool device_del(struct machine *m, const char *id, GError **error)
{
    struct dev *dev = machine_find_dev(m, id);
    static const char *const hotplug[] = {"SCSI", "usb-bus", NULL};
    g_autofree char *deleted = NULL;

    if (!dev || g_strcmp0(dev->id, id) != 0) {
        return qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found",
                        id);
    }
    if (!dev->bus || !g_strv_contains(hotplug, dev->bus->kind)) {
        return fail(error, "Bus '%s' does not support hotplugging",
                    dev->bus ? dev->bus->name : "main-system-bus");
    }
    deleted = g_strdup_printf("{\"device\":\"%s\",\"path\":"
                              "\"/machine/peripheral/%s\"}",
                              id, id);
    dev_unrealize(dev);
    machine_event(m, "DEVICE_DELETED", deleted);
    return true;
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
