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
#include "target/x86/model.h"
#include "vm/devices.h"
#include "vm/objects.h"
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
    return device_del(&c->vm->machine, qmp_arg_string(c, "id"), error)
               ? qmp_nothing()
               : NULL;
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
    for (size_t i = 0; object_types[i].name; i++) {
        add_type(a, wanted, object_types[i].name, "object");
    }
    for (size_t i = 0; x86_model_name(i); i++) {
        g_autofree char *name =
            g_strconcat(x86_model_name(i), "-x86_64-cpu", NULL);

        add_type(a, wanted, name, "x86_64-cpu");
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

        if (g_str_has_prefix(path, folder) && path[strlen(folder)] == '/') {
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

static void add_property(JsonArray *a, const char *name, const char *type)
{
    json_array_add_object_element(a, property_object(name, type, NULL));
}

/* Folders that are always there, and what is in them. */
static JsonNode *list_folder(struct vm *vm, const char *path)
{
    g_autofree char *machine =
        g_strdup_printf("child<%s-machine>", vm->board_type->name);
    JsonArray *a;

    if (strcmp(path, "/machine") == 0) {
        return list_machine();
    }
    if (strcmp(path, "/machine/peripheral") == 0) {
        return list_devices(&vm->machine, path);
    }
    if (strcmp(path, "/") == 0) {
        a = json_array_new();
        add_property(a, "type", "string");
        add_property(a, "objects", "child<container>");
        add_property(a, "machine", machine);
        add_property(a, "chardevs", "child<container>");
        return qmp_array(a);
    }
    if (strcmp(path, "/objects") == 0) {
        a = json_array_new();
        for (guint i = 0; i < vm->objects->len; i++) {
            const struct object *o = vm->objects->pdata[i];
            g_autofree char *type = g_strdup_printf("child<%s>", o->type->name);

            add_property(a, o->id, type);
        }
        return qmp_array(a);
    }
    return NULL;
}

static JsonNode *list_unattached(struct vm *vm)
{
    JsonNode *node = list_devices(&vm->machine, "/machine/unattached");
    JsonArray *a = json_node_get_array(node);

    for (unsigned i = 0; i < vm->vcpus.count; i++) {
        g_autofree char *name = g_strdup_printf("cpu[%u]", i);
        g_autofree char *type = g_strdup_printf(
            "child<%s-x86_64-cpu>", vm->vcpus.vcpu[i]->cpu.model->name);

        add_property(a, name, type);
    }
    return node;
}

static const char *value_type(JsonNode *node)
{
    GType type = json_node_get_value_type(node);

    return JSON_NODE_HOLDS_ARRAY(node) ? "strList"
           : type == G_TYPE_BOOLEAN    ? "bool"
           : type == G_TYPE_INT64      ? "int"
                                       : "string";
}

static JsonNode *list_values(JsonObject *values)
{
    JsonArray *a = json_array_new();
    JsonObjectIter it;
    const char *name;
    JsonNode *node;

    json_object_iter_init_ordered(&it, values);
    while (json_object_iter_next_ordered(&it, &name, &node)) {
        add_property(a, name, value_type(node));
    }
    json_object_unref(values);
    return qmp_array(a);
}

/* What every device tells, beside its own properties. */
static const char *const dev_bools[] = {"realized", "hotplugged",
                                        "hotpluggable", NULL};

static JsonNode *list_type(const struct dev_type *type)
{
    JsonArray *a = json_array_new();

    add_property(a, "type", "string");
    for (size_t i = 0; dev_bools[i]; i++) {
        add_property(a, dev_bools[i], "bool");
    }
    for (const struct field *f = type->props; f && f->name; f++) {
        add_property(a, f->name, device_kind_text(f->kind));
    }
    return qmp_array(a);
}

JsonNode *qmp_qom_list(struct qmp_call *c, GError **error)
{
    const char *path = qmp_arg_string(c, "path");
    JsonNode *folder = list_folder(c->vm, path);
    const struct x86_cpu *cpu;
    const struct dev *dev;

    if (folder) {
        return folder;
    }
    if (strcmp(path, "/machine/unattached") == 0) {
        return list_unattached(c->vm);
    }
    cpu = qmp_path_cpu(c->vm, path);
    if (cpu) {
        return list_values(qmp_cpu_values(c->vm, cpu));
    }
    dev = path_dev(&c->vm->machine, path);
    if (!dev) {
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", path);
        return NULL;
    }
    return list_type(dev->type);
}

static JsonNode *bool_node(bool on)
{
    JsonNode *node = json_node_new(JSON_NODE_VALUE);

    json_node_set_boolean(node, on);
    return node;
}

static JsonNode *dev_value(const struct dev *dev, const struct field *f)
{
    g_autofree char *text = dev_prop_text(dev, f);
    JsonNode *node = json_node_new(JSON_NODE_VALUE);
    bool on = false;
    uint64_t n;

    if (f->kind == K_BOOL && text_to_bool(text, &on)) {
        json_node_set_boolean(node, on);
    } else if (f->kind != K_STRING && text_to_uint(text, INT64_MAX, &n)) {
        json_node_set_int(node, (gint64)n);
    } else if (f->kind != K_STRING) {
        json_node_set_int(node, g_ascii_strtoll(text, NULL, 10));
    } else { /* in quotes */
        text[strlen(text) - 1] = 0;
        json_node_set_string(node, text + 1);
    }
    return node;
}

static JsonNode *get_dev(struct dev *dev, const char *name, GError **error)
{
    const struct field *f = dev_find_prop(dev->type, name);
    g_autofree char *json =
        dev->type->get_value ? dev->type->get_value(dev, name) : NULL;
    JsonNode *node;

    if (json) {
        return json_from_string(json, error);
    }
    if (f) {
        return dev_value(dev, f);
    }
    if (strcmp(name, "type") == 0) {
        node = json_node_new(JSON_NODE_VALUE);
        json_node_set_string(node, dev->type->name);
        return node;
    }
    if (g_strv_contains(dev_bools, name)) {
        return bool_node(strcmp(name, "realized") == 0);
    }
    fail(error, "Property '%s.%s' not found", dev->type->name, name);
    return NULL;
}

static JsonNode *get_cpu(struct vm *vm, const struct x86_cpu *cpu,
                         const char *name, GError **error)
{
    JsonObject *values = qmp_cpu_values(vm, cpu);
    JsonNode *node = json_object_get_member(values, name);

    node = node ? json_node_copy(node) : NULL;
    json_object_unref(values);
    if (!node) {
        fail(error, "Property '%s-x86_64-cpu.%s' not found", cpu->model->name,
             name);
    }
    return node;
}

static JsonNode *get_object(const struct object *o, const char *name,
                            GError **error)
{
    const char *text =
        strcmp(name, "type") == 0 ? o->type->name : opts_get(o->opts, name);
    JsonNode *node;

    if (!text || (strcmp(o->type->name, "secret") == 0 && name[0] == 'd')) {
        fail(error, "Property '%s.%s' not found", o->type->name, name);
        return NULL;
    }
    node = json_node_new(JSON_NODE_VALUE);
    json_node_set_string(node, text);
    return node;
}

JsonNode *qmp_qom_get(struct qmp_call *c, GError **error)
{
    const char *path = qmp_arg_string(c, "path");
    const char *name = qmp_arg_string(c, "property");
    const struct x86_cpu *cpu = qmp_path_cpu(c->vm, path);
    const struct object *o = g_str_has_prefix(path, "/objects/")
                                 ? object_find(c->vm, path + 9)
                                 : NULL;
    struct dev *dev = path_dev(&c->vm->machine, path);

    if (cpu) {
        return get_cpu(c->vm, cpu, name, error);
    }
    if (o) {
        return get_object(o, name, error);
    }
    if (dev) {
        return get_dev(dev, name, error);
    }
    qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", path);
    return NULL;
}

/* The value as the command line would have it; NULL where it is no scalar. */
static char *scalar_text(JsonNode *value)
{
    if (!value || !JSON_NODE_HOLDS_VALUE(value)) {
        return NULL;
    }
    switch (json_node_get_value_type(value)) {
    case G_TYPE_STRING: return g_strdup(json_node_get_string(value));
    case G_TYPE_BOOLEAN:
        return g_strdup(json_node_get_boolean(value) ? "on" : "off");
    default:
        return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(value));
    }
}

/* Most devices take their properties when they are made. */
JsonNode *qmp_qom_set(struct qmp_call *c, GError **error)
{
    const char *path = qmp_arg_string(c, "path");
    const char *name = qmp_arg_string(c, "property");
    struct dev *dev = path_dev(&c->vm->machine, path);
    g_autofree char *text =
        scalar_text(json_object_get_member(c->args, "value"));

    if (dev && dev->type->set_value && text) {
        return dev->type->set_value(dev, name, text, error) ? qmp_nothing()
                                                            : NULL;
    }
    if (!dev && !qmp_path_cpu(c->vm, path)) {
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", path);
    } else if (dev && !dev_find_prop(dev->type, name)) {
        fail(error, "Property '%s.%s' not found", dev->type->name, name);
    } else {
        fail(error,
             "Attempt to set property '%s' on device '%s' after it was "
             "realized",
             name, path);
    }
    return NULL;
}

JsonNode *qmp_qom_list_properties(struct qmp_call *c, GError **error)
{
    const char *name = qmp_arg_string(c, "typename");
    const struct dev_type *type = device_type_find(name, NULL);
    JsonArray *a;

    if (type) {
        return list_type(type);
    }
    a = json_array_new();
    for (size_t i = 0; object_types[i].name; i++) {
        g_auto(GStrv) props = g_strsplit(object_types[i].props, ",", -1);

        for (char **p = props;
             strcmp(object_types[i].name, name) == 0 && *p && **p; p++) {
            g_auto(GStrv) parts = g_strsplit(*p, ":", 2);

            add_property(a, parts[0], parts[1]);
        }
    }
    if (json_array_get_length(a) == 0 && !g_str_has_suffix(name, "-machine") &&
        !g_str_has_suffix(name, "-cpu")) {
        json_array_unref(a);
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Class '%s' not found", name);
        return NULL;
    }
    return qmp_array(a);
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
