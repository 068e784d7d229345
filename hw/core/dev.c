/* SPDX-License-Identifier: MIT */
#include "hw/core/dev.h"

#include <string.h>

#include "base/text.h"
#include "hw/core/machine.h"
#include "hw/core/reg.h"

void wire_or_set(void *wire_or, unsigned pin, bool level)
{
    struct wire_or *w = wire_or;
    uint32_t bit = UINT32_C(1) << (pin & 31);
    bool was = w->levels;

    w->levels = level ? w->levels | bit : w->levels & ~bit;
    if ((w->levels != 0) != was) {
        wire_set(&w->out, w->levels != 0);
    }
}

const char *dev_name(const struct dev *dev)
{
    return dev->id ? dev->id : dev->type->name;
}

static const struct {
    int64_t min, max;
} kind_bounds[] = {
    [K_BOOL] = {0, 1},
    [K_U8] = {0, UINT8_MAX},
    [K_U16] = {0, UINT16_MAX},
    [K_U32] = {0, UINT32_MAX},
    [K_U64] = {INT64_MIN, INT64_MAX}, /* any bits */
    [K_I32] = {INT32_MIN, INT32_MAX},
    [K_I64] = {INT64_MIN, INT64_MAX},
};

/* Stores an integer in a member; false where it does not fit. */
static bool prop_set_int(struct dev *dev, const struct field *f, int64_t v)
{
    char *p = (char *)dev + f->at;
    uint8_t v8 = (uint8_t)v;
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;

    if (v < kind_bounds[f->kind].min || v > kind_bounds[f->kind].max) {
        return false;
    }
    switch (f->kind) {
    case K_BOOL:
    case K_U8: memcpy(p, &v8, 1); break;
    case K_U16: memcpy(p, &v16, 2); break;
    case K_I32:
    case K_U32: memcpy(p, &v32, 4); break;
    default: memcpy(p, &v, 8); break;
    }
    return true;
}

static int64_t prop_get_int(const struct dev *dev, const struct field *f)
{
    const char *p = (const char *)dev + f->at;
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    int64_t v;

    switch (f->kind) {
    case K_BOOL:
    case K_U8: memcpy(&v8, p, 1); return v8;
    case K_U16: memcpy(&v16, p, 2); return v16;
    case K_U32: memcpy(&v32, p, 4); return v32;
    case K_I32: memcpy(&v32, p, 4); return (int32_t)v32;
    default: memcpy(&v, p, 8); return v;
    }
}

static char **prop_string(const struct dev *dev, const struct field *f)
{
    return (char **)(void *)((char *)(uintptr_t)dev + f->at);
}

static void dev_defaults(struct dev *dev)
{
    for (const struct field *f = dev->type->props; f && f->name; f++) {
        if (f->kind == K_STRING) {
            *prop_string(dev, f) = g_strdup(f->str);
        } else {
            prop_set_int(dev, f, f->def);
        }
    }
}

/* The user's own defaults; what does not fit was refused before. */
static void dev_globals(struct dev *dev)
{
    const GPtrArray *all = dev->machine ? dev->machine->globals : NULL;

    for (guint i = 0; all && i < all->len; i++) {
        const struct machine_global *g = all->pdata[i];

        if (strcmp(g->driver, dev->type->name) == 0 ||
            g_strcmp0(dev->type->alias, g->driver) == 0) {
            dev_set_prop(dev, g->prop, g->value, NULL);
        }
    }
}

void dev_init(struct dev *dev, const struct dev_type *type, struct machine *m)
{
    memset((void *)dev, 0, type->size);
    dev->type = type;
    dev->machine = m;
    if (type->init) {
        type->init(dev);
    }
    dev_defaults(dev);
    dev_globals(dev);
}

struct dev *dev_new(struct machine *m, const struct dev_type *type,
                    const char *id)
{
    struct dev *dev = g_malloc0(type->size);

    dev_init(dev, type, m);
    dev->id = g_strdup(id);
    return dev;
}

void dev_free(struct dev *dev)
{
    for (const struct field *f = dev->type->props; f && f->name; f++) {
        if (f->kind == K_STRING) {
            g_free(*prop_string(dev, f));
        }
    }
    g_free(dev->id);
    g_free(dev);
}

const struct field *dev_find_prop(const struct dev_type *type, const char *name)
{
    for (const struct field *f = type->props; f && f->name; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

static bool fail_no_prop(const struct dev *dev, const char *name,
                         GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *what = g_strdup_printf("property of %s", dev->type->name);

    for (const struct field *f = dev->type->props; f && f->name; f++) {
        g_ptr_array_add(names, (void *)(uintptr_t)f->name);
    }
    g_ptr_array_add(names, NULL);
    return fail_unknown(error, what, name, (const char *const *)names->pdata);
}

bool dev_set_prop(struct dev *dev, const char *name, const char *value,
                  GError **error)
{
    const struct field *f = dev_find_prop(dev->type, name);
    uint64_t v = 0;
    bool on = false;
    bool negative = value[0] == '-';

    if (!f) {
        return fail_no_prop(dev, name, error);
    }
    if (f->kind == K_STRING) {
        g_free(*prop_string(dev, f));
        *prop_string(dev, f) = g_strdup(value);
        return true;
    }
    if (f->kind == K_BOOL) {
        return text_to_bool(value, &on)
                   ? prop_set_int(dev, f, on)
                   : fail(error, "%s: %s=%s: want on or off", dev_name(dev),
                          name, value);
    }
    if (!text_to_size(value + negative, 1, &v) ||
        !prop_set_int(dev, f, (int64_t)(negative ? -v : v))) {
        return fail(error, "%s: %s=%s is not a number that fits", dev_name(dev),
                    name, value);
    }
    return true;
}

char *dev_prop_text(const struct dev *dev, const struct field *prop)
{
    if (prop->kind == K_STRING) {
        const char *s = *prop_string(dev, prop);

        return g_strdup_printf("\"%s\"", s ? s : "");
    }
    if (prop->kind == K_BOOL) {
        return g_strdup(prop_get_int(dev, prop) ? "true" : "false");
    }
    return g_strdup_printf("%" G_GINT64_FORMAT, prop_get_int(dev, prop));
}

/* Ids are one name space; a type's name is not an id. */
static bool dev_check_id(const struct dev *dev, GError **error)
{
    struct dev *other =
        dev->id ? machine_find_dev(dev->machine, dev->id) : NULL;

    if (other && g_strcmp0(other->id, dev->id) == 0) {
        return fail(error, "id '%s' is taken by a %s", dev->id,
                    other->type->name);
    }
    return true;
}

bool dev_realize(struct dev *dev, GError **error)
{
    if (!dev_check_id(dev, error) ||
        (dev->type->realize && !dev->type->realize(dev, error))) {
        return false;
    }
    dev->realized = true;
    g_ptr_array_add(dev->machine->devices, dev);
    dev_reset(dev);
    return true;
}

void dev_unrealize(struct dev *dev)
{
    g_ptr_array_remove(dev->machine->devices, dev);
    if (dev->type->unrealize) {
        dev->type->unrealize(dev);
    }
    dev_free(dev);
}

void dev_reset(struct dev *dev)
{
    for (const struct reg_bank *const *b = dev->type->banks; b && *b; b++) {
        reg_reset(dev, *b);
    }
    if (dev->type->reset) {
        dev->type->reset(dev);
    }
    if (dev->type->settle) {
        dev->type->settle(dev);
    }
}

struct bus *bus_new(struct machine *m, const char *kind, const char *name,
                    struct dev *parent, void *impl)
{
    struct bus *bus = g_new0(struct bus, 1);

    bus->name = g_strdup(name);
    bus->kind = kind;
    bus->parent = parent;
    bus->machine = m;
    bus->impl = impl;
    g_ptr_array_add(m->buses, bus);
    return bus;
}

struct bus *bus_new_numbered(struct dev *parent, const char *kind,
                             const char *stem, void *impl)
{
    struct machine *m = parent->machine;
    g_autofree char *name = NULL;
    unsigned n = 0;

    for (guint i = 0; i < m->buses->len; i++) {
        const struct bus *other = m->buses->pdata[i];

        n += strcmp(other->kind, kind) == 0;
    }
    name = parent->id ? g_strdup_printf("%s.0", parent->id)
                      : g_strdup_printf("%s.%u", stem, n);
    return bus_new(m, kind, name, parent, impl);
}

struct bus *bus_find(struct machine *m, const char *kind, const char *name)
{
    for (guint i = 0; i < m->buses->len; i++) {
        struct bus *bus = m->buses->pdata[i];

        if (strcmp(bus->kind, kind) == 0 &&
            (!name || strcmp(bus->name, name) == 0)) {
            return bus;
        }
    }
    return NULL;
}
