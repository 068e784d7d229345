/* SPDX-License-Identifier: MIT */
/* QMP commands about CPUs and their models. */
#include <string.h>

#include "target/x86/model.h"
#include "vm/qmp_commands.h"

/* --- of the machine --- */

static JsonObject *cpu_place(const struct machine *m, unsigned index)
{
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "core-id", index / m->threads % m->cores);
    json_object_set_int_member(o, "thread-id", index % m->threads);
    json_object_set_int_member(o, "socket-id", index / m->threads / m->cores);
    return o;
}

static char *cpu_path(unsigned index)
{
    return g_strdup_printf("/machine/unattached/cpu[%u]", index);
}

static char *cpu_type(const char *model)
{
    return g_strconcat(model, "-x86_64-cpu", NULL);
}

JsonNode *qmp_query_cpus_fast(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < c->vm->vcpus.count; i++) {
        g_autofree char *path = cpu_path(i);
        JsonObject *o = json_object_new();

        json_object_set_int_member(o, "thread-id", c->vm->vcpus.vcpu[i]->tid);
        json_object_set_object_member(o, "props",
                                      cpu_place(&c->vm->machine, i));
        json_object_set_string_member(o, "qom-path", path);
        json_object_set_int_member(o, "cpu-index", i);
        json_object_set_string_member(o, "target", "x86_64");
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

JsonNode *qmp_query_hotpluggable_cpus(struct qmp_call *c, GError **error)
{
    const struct vcpus *all = &c->vm->vcpus;
    g_autofree char *type =
        cpu_type(all->count ? all->vcpu[0]->cpu.model->name : "max");
    JsonArray *a = json_array_new();

    for (unsigned i = all->count ? c->vm->machine.max_cpus : 0; i-- > 0;) {
        JsonObject *o = json_object_new();

        json_object_set_object_member(o, "props",
                                      cpu_place(&c->vm->machine, i));
        json_object_set_int_member(o, "vcpus-count", 1);
        if (i < all->count) {
            g_autofree char *path = cpu_path(i);

            json_object_set_string_member(o, "qom-path", path);
        }
        json_object_set_string_member(o, "type", type);
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

/* --- models --- */

static JsonArray *missing_features(const struct x86_model *m)
{
    JsonArray *a = json_array_new();
    enum x86_feature f = X86_FEATURE_NONE;
    const char *name;

    for (size_t i = 0; (name = x86_feature_name(i, &f)); i++) {
        if (*name && x86_has(m, f) && !x86_has(x86_model_max(), f)) {
            json_array_add_string_element(a, name);
        }
    }
    return a;
}

JsonNode *qmp_query_cpu_definitions(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();
    const struct x86_model *m;

    for (size_t i = 0; (m = x86_model_at(i)); i++) {
        JsonObject *o = json_object_new();
        g_autofree char *type = cpu_type(m->name);
        bool max = m == x86_model_max();

        json_object_set_string_member(o, "name", m->name);
        json_object_set_string_member(o, "typename", type);
        json_object_set_array_member(o, "unavailable-features",
                                     missing_features(m));
        json_object_set_boolean_member(o, "static", false);
        json_object_set_boolean_member(o, "migration-safe", !max);
        json_object_set_boolean_member(o, "deprecated", false);
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

static JsonObject *model_props(const struct x86_model *m)
{
    JsonObject *o = json_object_new();
    enum x86_feature f = X86_FEATURE_NONE;
    const char *name;

    json_object_set_int_member(o, "family", m->family);
    json_object_set_int_member(o, "model", m->model);
    json_object_set_int_member(o, "stepping", m->stepping);
    json_object_set_string_member(o, "vendor", m->vendor);
    json_object_set_string_member(o, "model-id", m->brand);
    json_object_set_int_member(o, "phys-bits", m->phys_bits);
    for (size_t i = 0; (name = x86_feature_name(i, &f)); i++) {
        if (*name) {
            json_object_set_boolean_member(o, name, x86_has(m, f));
        }
    }
    return o;
}

/* {"name": "max", "props": {"avx": false}} as -cpu has it; g_free() it. */
static char *model_text(JsonObject *model, GError **error)
{
    JsonNode *name = json_object_get_member(model, "name");
    JsonNode *props = json_object_get_member(model, "props");
    GString *s;
    JsonObjectIter it;
    const char *key;
    JsonNode *node;

    if (!name || json_node_get_value_type(name) != G_TYPE_STRING) {
        fail(error, "Parameter 'model.name' is missing");
        return NULL;
    }
    s = g_string_new(json_node_get_string(name));
    if (!props || !JSON_NODE_HOLDS_OBJECT(props)) {
        return g_string_free(s, FALSE);
    }
    json_object_iter_init_ordered(&it, json_node_get_object(props));
    while (json_object_iter_next_ordered(&it, &key, &node)) {
        GType type = json_node_get_value_type(node);

        if (type == G_TYPE_BOOLEAN) {
            g_string_append_printf(s, ",%s=%s", key,
                                   json_node_get_boolean(node) ? "on" : "off");
        } else if (type == G_TYPE_INT64) {
            g_string_append_printf(s, ",%s=%" G_GINT64_FORMAT, key,
                                   json_node_get_int(node));
        } else if (type == G_TYPE_STRING) {
            g_string_append_printf(s, ",%s=%s", key,
                                   json_node_get_string(node));
        }
    }
    return g_string_free(s, FALSE);
}

JsonNode *qmp_query_cpu_model_expansion(struct qmp_call *c, GError **error)
{
    const char *type = qmp_arg_string(c, "type");
    g_autofree char *text = NULL;
    g_autofree struct x86_model *m = NULL;
    JsonObject *model;
    JsonObject *o;

    if (strcmp(type, "static") != 0 && strcmp(type, "full") != 0) {
        fail(error, "Parameter 'type' does not accept value '%s'", type);
        return NULL;
    }
    text = model_text(qmp_arg_object(c, "model"), error);
    if (!text) {
        return NULL;
    }
    if (g_str_has_prefix(text, "base")) { /* what an expansion gave: itself */
        model = json_object_ref(qmp_arg_object(c, "model"));
    } else {
        m = x86_model_new(text, error);
        if (!m) {
            return NULL;
        }
        model = json_object_new();
        json_object_set_string_member(model, "name",
                                      type[0] == 's' ? "base" : m->name);
        json_object_set_object_member(model, "props", model_props(m));
    }
    o = json_object_new();
    json_object_set_object_member(o, "model", model);
    return qmp_object(o);
}

/* --- CPUs as objects --- */

struct x86_cpu *qmp_path_cpu(struct vm *vm, const char *path)
{
    for (unsigned i = 0; i < vm->vcpus.count; i++) {
        g_autofree char *this = cpu_path(i);

        if (strcmp(this, path) == 0) {
            return &vm->vcpus.vcpu[i]->cpu;
        }
    }
    return NULL;
}

/* All that an object of a CPU tells, by name. */
JsonObject *qmp_cpu_values(struct vm *vm, const struct x86_cpu *cpu)
{
    JsonObject *o = model_props(cpu->model);
    JsonObject *place = cpu_place(&vm->machine, cpu->index);
    g_autofree char *type = cpu_type(cpu->model->name);
    JsonObjectIter it;
    const char *name;
    JsonNode *node;

    json_object_iter_init_ordered(&it, place);
    while (json_object_iter_next_ordered(&it, &name, &node)) {
        json_object_set_member(o, name, json_node_copy(node));
    }
    json_object_unref(place);
    json_object_set_string_member(o, "type", type);
    json_object_set_int_member(o, "apic-id", cpu->apic_id);
    json_object_set_boolean_member(o, "realized", true);
    json_object_set_boolean_member(o, "hotplugged", false);
    json_object_set_boolean_member(o, "hotpluggable", false);
    json_object_set_array_member(o, "unavailable-features", json_array_new());
    return o;
}
