/* SPDX-License-Identifier: MIT */
/*
 * query-qmp-schema: the command table in QMP's own terms. Arguments have
 * their exact types; what is returned is described as "any".
 */
#include <string.h>

#include "vm/qmp_commands.h"

static void add(JsonArray *a, JsonObject *o, const char *name, const char *meta)
{
    json_object_set_string_member(o, "name", name);
    json_object_set_string_member(o, "meta-type", meta);
    json_array_add_object_element(a, o);
}

static void add_builtins(JsonArray *a)
{
    static const struct {
        const char *name, *json;
    } types[] = {{"str", "string"},
                 {"int", "int"},
                 {"bool", "boolean"},
                 {"number", "number"},
                 {"any", "value"}};
    JsonObject *o;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        o = json_object_new();
        json_object_set_string_member(o, "json-type", types[i].json);
        add(a, o, types[i].name, "builtin");
    }
    o = json_object_new();
    json_object_set_string_member(o, "element-type", "any");
    add(a, o, "[any]", "array");
    o = json_object_new();
    json_object_set_array_member(o, "members", json_array_new());
    add(a, o, "q_empty", "object");
}

static const char *type_name(char letter)
{
    switch (letter) {
    case 's': return "str";
    case 'i': return "int";
    case 'b': return "bool";
    case 'n': return "number";
    case 'l': return "[any]";
    default: return "any";
    }
}

/* "name:type?" to {"name": ..., "type": ..., "default": null} */
static JsonObject *member_object(const char *spec)
{
    size_t len = strcspn(spec, ":");
    g_autofree char *name = g_strndup(spec, len);
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "name", name);
    json_object_set_string_member(o, "type", type_name(spec[len + 1]));
    if (spec[len + 2] == '?') {
        json_object_set_null_member(o, "default");
    }
    return o;
}

static void add_command(JsonArray *a, const struct qmp_command *cmd)
{
    g_auto(GStrv) specs = g_strsplit(cmd->args, ",", -1);
    g_autofree char *type = specs[0]
                                ? g_strdup_printf("q_obj_%s-arg", cmd->name)
                                : g_strdup("q_empty");
    JsonArray *members = json_array_new();
    JsonObject *o;

    for (char **s = specs; *s; s++) {
        if (**s != '*') {
            json_array_add_object_element(members, member_object(*s));
        }
    }
    if (specs[0]) {
        o = json_object_new();
        json_object_set_array_member(o, "members", members);
        add(a, o, type, "object");
    } else {
        json_array_unref(members);
    }
    o = json_object_new();
    json_object_set_string_member(o, "arg-type", type);
    json_object_set_string_member(o, "ret-type", "any");
    json_object_set_boolean_member(o, "allow-oob", false);
    add(a, o, cmd->name, "command");
}

JsonNode *qmp_query_schema(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    add_builtins(a);
    for (const struct qmp_command *q = qmp_commands; q->name; q++) {
        add_command(a, q);
    }
    for (size_t i = 0; qmp_event_name(i); i++) {
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "arg-type", "q_empty");
        add(a, o, qmp_event_name(i), "event");
    }
    return qmp_array(a);
}
