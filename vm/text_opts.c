/* SPDX-License-Identifier: MIT */
#include "vm/text_opts.h"

static void add_object(struct opts *to, const char *prefix, JsonObject *o);

static void add_value(struct opts *to, const char *key, JsonNode *node)
{
    GType type = json_node_get_value_type(node);
    g_autofree char *text = NULL;

    if (type == G_TYPE_STRING) {
        text = g_strdup(json_node_get_string(node));
    } else if (type == G_TYPE_BOOLEAN) {
        text = g_strdup(json_node_get_boolean(node) ? "on" : "off");
    } else if (type == G_TYPE_DOUBLE) {
        text = g_strdup_printf("%.17g", json_node_get_double(node));
    } else {
        text = g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
    }
    opts_set(to, key, text);
}

static void add_node(struct opts *to, const char *key, JsonNode *node)
{
    if (JSON_NODE_HOLDS_OBJECT(node)) {
        add_object(to, key, json_node_get_object(node));
    } else if (JSON_NODE_HOLDS_ARRAY(node)) {
        JsonArray *a = json_node_get_array(node);

        for (guint i = 0; i < json_array_get_length(a); i++) {
            g_autofree char *name = g_strdup_printf("%s.%u", key, i);

            add_node(to, name, json_array_get_element(a, i));
        }
    } else if (JSON_NODE_HOLDS_VALUE(node)) {
        add_value(to, key, node);
    }
}

static void add_object(struct opts *to, const char *prefix, JsonObject *o)
{
    JsonObjectIter it;
    const char *name;
    JsonNode *node;

    json_object_iter_init_ordered(&it, o);
    while (json_object_iter_next_ordered(&it, &name, &node)) {
        g_autofree char *key =
            prefix ? g_strconcat(prefix, ".", name, NULL) : g_strdup(name);

        add_node(to, key, node);
    }
}

struct opts *opts_from_json(JsonObject *o)
{
    struct opts *opts = opts_new();

    add_object(opts, NULL, o);
    return opts;
}

struct opts *opts_from_text(const char *text, const char *implied,
                            GError **error)
{
    g_autoptr(JsonParser) parser = NULL;
    g_autoptr(GError) why = NULL;
    JsonNode *root;

    if (text[0] != '{') {
        return opts_parse(text, implied, error);
    }
    parser = json_parser_new();
    if (!json_parser_load_from_data(parser, text, -1, &why)) {
        fail(error, "'%.40s...' is not JSON: %s", text, why->message);
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        fail(error, "'%.40s...' is not a JSON object", text);
        return NULL;
    }
    return opts_from_json(json_node_get_object(root));
}
