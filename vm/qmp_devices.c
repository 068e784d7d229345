/* SPDX-License-Identifier: MIT */
/*
 * QMP commands about devices. Devices have paths: /machine/peripheral/ID for
 * those the user named, /machine/unattached/device[N] for the others, N their
 * place in the machine's list.
 *
 * Not modelled: properties of other objects than devices; unplugging.
 */
#include <string.h>

#include "base/text.h"
#include "hw/pci/pci.h"
#include "vm/devices.h"
#include "vm/qmp_commands.h"

/* --- adding, removing --- */

static void append_escaped(GString *s, const char *text)
{
    for (; *text; text++) {
        g_string_append(s, *text == ',' ? ",," : (char[2]){*text, 0});
    }
}

static bool append_value(GString *s, JsonNode *node)
{
    if (!JSON_NODE_HOLDS_VALUE(node)) {
        return false;
    }
    if (json_node_get_value_type(node) == G_TYPE_STRING) {
        append_escaped(s, json_node_get_string(node));
    } else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
        g_string_append(s, json_node_get_boolean(node) ? "on" : "off");
    } else {
        json_print(node, s);
    }
    return true;
}

JsonNode *qmp_device_add(struct qmp_call *c, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *id = qmp_arg_string(c, "id");
    JsonObjectIter it;
    const char *name;
    JsonNode *node;

    if (id && machine_find_dev(&c->vm->machine, id)) {
        fail(error, "Duplicate device ID '%s'", id);
        return NULL;
    }
    append_escaped(text, qmp_arg_string(c, "driver"));
    json_object_iter_init_ordered(&it, c->args);
    while (json_object_iter_next_ordered(&it, &name, &node)) {
        if (strcmp(name, "driver") == 0) {
            continue;
        }
        g_string_append_c(text, ',');
        append_escaped(text, name);
        g_string_append_c(text, '=');
        if (!append_value(text, node)) {
            fail(error, "Invalid parameter type for '%s', expected: string",
                 name);
            return NULL;
        }
    }
    return device_add_text(&c->vm->machine, text->str, error) ? qmp_nothing()
                                                              : NULL;
}

JsonNode *qmp_device_del(struct qmp_call *c, GError **error)
{
    device_del(&c->vm->machine, qmp_arg_string(c, "id"), error);
    return NULL;
}

/* --- types --- */

static JsonObject *property_object(const char *name, const char *type,
                                   const char *what)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "name", name);
    json_object_set_string_member(o, "type", type);
    if (what) {
        json_object_set_string_member(o, "description", what);
    }
    return o;
}

JsonNode *qmp_device_list_properties(struct qmp_call *c, GError **error)
{
    const char *name = qmp_arg_string(c, "typename");
    const struct dev_type *type = device_type_find(name, NULL);
    JsonArray *a;

    if (!type) {
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", name);
        return NULL;
    }
    a = json_array_new();
    for (const struct field *f = type->props; f && f->name; f++) {
        json_array_add_object_element(
            a, property_object(f->name, device_kind_text(f->kind), f->what));
    }
    return qmp_array(a);
}

/* What a type is, in words that callers filter by. */
static const char *type_parent(const struct dev_type *type)
{
    return g_strcmp0(type->bus, "PCI") == 0   ? "pci-device"
           : g_strcmp0(type->bus, "ISA") == 0 ? "isa-device"
                                              : "device";
}

static void add_type(JsonArray *a, const char *wanted, const char *name,
                     const char *parent)
{
    JsonObject *o;

    if (wanted && strcmp(wanted, parent) != 0 &&
        !(strcmp(wanted, "device") == 0 &&
          g_str_has_suffix(parent, "device"))) {
        return;
    }
    o = json_object_new();
    json_object_set_string_member(o, "name", name);
    json_object_set_string_member(o, "parent", parent);
    json_array_add_object_element(a, o);
}

JsonNode *qmp_qom_list_types(struct qmp_call *c, GError **error)
{
    const char *wanted = qmp_arg_string(c, "implements");
    JsonArray *a = json_array_new();

    for (const struct dev_type *const *t = device_types; *t; t++) {
        add_type(a, wanted, (*t)->name, type_parent(*t));
    }
    for (const struct board_type *const *b = boards; *b; b++) {
        g_autofree char *name = g_strconcat((*b)->name, "-machine", NULL);

        add_type(a, wanted, name, "machine");
    }
    return qmp_array(a);
}

/* --- objects --- */

static char *dev_path(const struct machine *m, guint i)
{
    const struct dev *dev = m->devices->pdata[i];

    return dev->id ? g_strconcat("/machine/peripheral/", dev->id, NULL)
                   : g_strdup_printf("/machine/unattached/device[%u]", i);
}

static struct dev *path_dev(struct machine *m, const char *path)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];
        g_autofree char *this = dev_path(m, i);

        if (strcmp(this, path) == 0 || g_strcmp0(dev->id, path) == 0) {
            return dev;
        }
    }
    return NULL;
}

static JsonNode *list_devices(struct machine *m, const char *folder)
{
    JsonArray *a = json_array_new();

    for (guint i = 0; i < m->devices->len; i++) {
        const struct dev *dev = m->devices->pdata[i];
        g_autofree char *path = dev_path(m, i);
        g_autofree char *type = g_strdup_printf("child<%s>", dev->type->name);

        if (g_str_has_prefix(path, folder)) {
            json_array_add_object_element(
                a, property_object(strrchr(path, '/') + 1, type, NULL));
        }
    }
    return qmp_array(a);
}

static JsonNode *list_machine(void)
{
    JsonArray *a = json_array_new();

    json_array_add_object_element(
        a, property_object("peripheral", "child<container>", NULL));
    json_array_add_object_element(
        a, property_object("unattached", "child<container>", NULL));
    return qmp_array(a);
}

JsonNode *qmp_qom_list(struct qmp_call *c, GError **error)
{
    const char *path = qmp_arg_string(c, "path");
    const struct dev *dev;
    JsonArray *a;

    if (strcmp(path, "/machine") == 0) {
        return list_machine();
    }
    if (strcmp(path, "/machine/peripheral") == 0 ||
        strcmp(path, "/machine/unattached") == 0) {
        return list_devices(&c->vm->machine, path);
    }
    dev = path_dev(&c->vm->machine, path);
    if (!dev) {
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", path);
        return NULL;
    }
    a = json_array_new();
    json_array_add_object_element(a, property_object("type", "string", NULL));
    for (const struct field *f = dev->type->props; f && f->name; f++) {
        json_array_add_object_element(
            a, property_object(f->name, device_kind_text(f->kind), NULL));
    }
    return qmp_array(a);
}

JsonNode *qmp_qom_get(struct qmp_call *c, GError **error)
{
    const char *path = qmp_arg_string(c, "path");
    const char *name = qmp_arg_string(c, "property");
    const struct dev *dev = path_dev(&c->vm->machine, path);
    const struct field *f = dev ? dev_find_prop(dev->type, name) : NULL;
    g_autofree char *text = f ? dev_prop_text(dev, f) : NULL;
    JsonNode *node;
    bool on = false;
    uint64_t n;

    if (!dev) {
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", path);
        return NULL;
    }
    if (!f && strcmp(name, "type") != 0) {
        fail(error, "Property '%s.%s' not found", dev->type->name, name);
        return NULL;
    }
    node = json_node_new(JSON_NODE_VALUE);
    if (!f) {
        json_node_set_string(node, dev->type->name);
    } else if (f->kind == K_BOOL && text_to_bool(text, &on)) {
        json_node_set_boolean(node, on);
    } else if (f->kind != K_STRING && text_to_uint(text, INT64_MAX, &n)) {
        json_node_set_int(node, (gint64)n);
    } else {
        size_t len = strlen(text);

        if (f->kind == K_STRING) { /* in quotes */
            text[len - 1] = 0;
        }
        json_node_set_string(node, text + (f->kind == K_STRING));
    }
    return node;
}

/* --- PCI --- */

/* A BAR as the guest set it; NULL where it is not there. */
static JsonObject *region_object(const struct pci_dev *d, unsigned slot)
{
    const struct pci_bar *bar = &d->bar[slot];
    unsigned at = slot == PCI_ROM_SLOT ? PCI_ROM_BAR : PCI_BAR0 + slot * 4;
    uint64_t address = ldl_u32(d->config + at);
    bool io = bar->kind == PCI_BAR_IO;
    bool wide = bar->kind == PCI_BAR_MEM64_PREFETCH;
    JsonObject *o;

    if (bar->kind == PCI_BAR_NONE) {
        return NULL;
    }
    if (wide) {
        address |= (uint64_t)ldl_u32(d->config + at + 4) << 32;
    }
    o = json_object_new();
    json_object_set_int_member(o, "bar", slot);
    json_object_set_string_member(o, "type", io ? "io" : "memory");
    json_object_set_int_member(o, "address",
                               (gint64)(address & ~(bar->region->size - 1)));
    json_object_set_int_member(o, "size", (gint64)bar->region->size);
    if (!io) {
        json_object_set_boolean_member(
            o, "prefetch", wide || bar->kind == PCI_BAR_MEM32_PREFETCH);
        json_object_set_boolean_member(o, "mem_type_64", wide);
    }
    return o;
}

static JsonObject *pci_object(const struct pci_dev *d)
{
    JsonArray *regions = json_array_new();
    JsonObject *class = json_object_new();
    JsonObject *id = json_object_new();
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "bus", 0);
    json_object_set_int_member(o, "slot", d->devfn >> 3);
    json_object_set_int_member(o, "function", d->devfn & 7);
    json_object_set_int_member(class, "class", ldl_u16(d->config + PCI_CLASS));
    json_object_set_string_member(class, "desc", d->dev.type->desc);
    json_object_set_object_member(o, "class_info", class);
    json_object_set_int_member(id, "device",
                               ldl_u16(d->config + PCI_DEVICE_ID));
    json_object_set_int_member(id, "vendor",
                               ldl_u16(d->config + PCI_VENDOR_ID));
    json_object_set_int_member(id, "subsystem",
                               ldl_u16(d->config + PCI_SUBSYS_ID));
    json_object_set_int_member(id, "subsystem-vendor",
                               ldl_u16(d->config + PCI_SUBSYS_VENDOR));
    json_object_set_object_member(o, "id", id);
    if (d->config[PCI_INT_PIN]) {
        json_object_set_int_member(o, "irq", d->config[PCI_INT_LINE]);
    }
    json_object_set_int_member(o, "irq_pin", d->config[PCI_INT_PIN]);
    json_object_set_string_member(o, "qdev_id", d->dev.id ? d->dev.id : "");
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        JsonObject *r = region_object(d, i);

        if (r) {
            json_array_add_object_element(regions, r);
        }
    }
    json_object_set_array_member(o, "regions", regions);
    return o;
}

JsonNode *qmp_query_pci(struct qmp_call *c, GError **error)
{
    const struct bus *bus = bus_find(&c->vm->machine, "PCI", NULL);
    const struct pci_bus *pci = bus ? bus->impl : NULL;
    JsonArray *buses = json_array_new();
    JsonArray *devices;
    JsonObject *o;

    if (!pci) {
        return qmp_array(buses);
    }
    devices = json_array_new();
    for (unsigned i = 0; i < ARRAY_SIZE(pci->dev); i++) {
        if (pci->dev[i]) {
            json_array_add_object_element(devices, pci_object(pci->dev[i]));
        }
    }
    o = json_object_new();
    json_object_set_int_member(o, "bus", 0);
    json_object_set_array_member(o, "devices", devices);
    json_array_add_object_element(buses, o);
    return qmp_array(buses);
}
