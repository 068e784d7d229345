/* SPDX-License-Identifier: MIT */
#include "vm/qmp_json.h"

#include <math.h>
#include <string.h>

void json_stream_init(struct json_stream *s)
{
    *s = (struct json_stream){.text = g_string_new(NULL)};
}

void json_stream_clear(struct json_stream *s)
{
    g_string_free(s->text, TRUE);
}

void json_stream_reset(struct json_stream *s)
{
    g_string_truncate(s->text, 0);
    s->state = JSON_OUTSIDE;
    s->depth = 0;
}

static enum json_found stream_bad(struct json_stream *s, enum json_state next,
                                  GError **error, const char *why)
{
    json_stream_reset(s);
    s->state = next;
    fail(error, "JSON parse error, %s", why);
    return JSON_FOUND_BAD;
}

static const char not_a_command[] = "a command is an object in braces";

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Outside and inside of values, but not in strings. */
static enum json_found stream_plain(struct json_stream *s, char c,
                                    GError **error)
{
    if (c == '"' || c == '\'') {
        s->state = JSON_STRING;
        s->quote = c;
        c = '"';
    } else if (c == '{' || c == '[') {
        if (++s->depth > JSON_DEPTH_MAX) {
            return stream_bad(s, JSON_SKIP, error, "too deeply nested");
        }
    } else if (c == '}' || c == ']') {
        s->depth--;
    }
    g_string_append_c(s->text, c);
    if (s->depth == 0) {
        s->state = JSON_OUTSIDE;
        return JSON_FOUND_VALUE;
    }
    return JSON_FOUND_MORE;
}

static enum json_found stream_outside(struct json_stream *s, char c,
                                      GError **error)
{
    if (c == '{' || c == '[') {
        s->state = JSON_INSIDE;
        return stream_plain(s, c, error);
    }
    if (!is_space(c)) {
        s->state = JSON_WORD;
    }
    return JSON_FOUND_MORE;
}

static enum json_found stream_string(struct json_stream *s, char c,
                                     GError **error)
{
    if ((unsigned char)c < 0x20) {
        return stream_bad(s, JSON_OUTSIDE, error,
                          "control character in a string");
    }
    if (s->state == JSON_ESCAPE) {
        if (c == '\'') { /* which JSON itself has no escape for */
            g_string_truncate(s->text, s->text->len - 1);
        }
        s->state = JSON_STRING;
    } else if (c == '\\') {
        s->state = JSON_ESCAPE;
    } else if (c == s->quote) {
        s->state = JSON_INSIDE;
        c = '"';
    } else if (c == '"') {
        g_string_append_c(s->text, '\\');
    }
    g_string_append_c(s->text, c);
    return JSON_FOUND_MORE;
}

static enum json_found stream_byte(struct json_stream *s, char c,
                                   GError **error)
{
    switch (s->state) {
    case JSON_OUTSIDE: return stream_outside(s, c, error);
    case JSON_INSIDE: return stream_plain(s, c, error);
    case JSON_STRING:
    case JSON_ESCAPE: return stream_string(s, c, error);
    case JSON_WORD:
        if (is_space(c)) {
            return stream_bad(s, JSON_OUTSIDE, error, not_a_command);
        }
        break;
    case JSON_SKIP:
        if (c == '\n') {
            s->state = JSON_OUTSIDE;
        }
        break;
    }
    return JSON_FOUND_MORE;
}

enum json_found json_stream_feed(struct json_stream *s, const char *p,
                                 size_t len, size_t *used, GError **error)
{
    for (size_t i = 0; i < len; i++) {
        enum json_found found;

        if (s->state == JSON_WORD && (p[i] == '{' || p[i] == '[')) {
            *used = i; /* it begins a value */
            return stream_bad(s, JSON_OUTSIDE, error, not_a_command);
        }
        *used = i + 1;
        if ((unsigned char)p[i] >= 0xfe) {
            if (s->state != JSON_OUTSIDE) {
                return stream_bad(s, JSON_OUTSIDE, error, "broken off");
            }
            continue;
        }
        if (s->text->len >= JSON_TEXT_MAX) {
            return stream_bad(s, JSON_SKIP, error, "too long");
        }
        found = stream_byte(s, p[i], error);
        if (found != JSON_FOUND_MORE) {
            return found;
        }
    }
    *used = len;
    return JSON_FOUND_MORE;
}

JsonNode *json_stream_take(struct json_stream *s, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) why = NULL;
    JsonNode *node = NULL;

    if (memchr(s->text->str, 0, s->text->len)) {
        fail(error, "JSON parse error, NUL character");
    } else if (json_parser_load_from_data(parser, s->text->str,
                                          (gssize)s->text->len, &why)) {
        node = json_parser_steal_root(parser);
    } else {
        fail(error, "JSON parse error, %s", why->message);
    }
    json_stream_reset(s);
    if (!node && error && !*error) {
        fail(error, "JSON parse error, nothing there");
    }
    return node;
}

static void print_string(const char *text, GString *out)
{
    static const char escapes[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";

    g_string_append_c(out, '"');
    for (const char *p = text; *p; p++) {
        const char *at = strchr(escapes, *p);

        if (at) {
            g_string_append_c(out, '\\');
            g_string_append_c(out, letters[at - escapes]);
        } else if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            g_string_append_printf(out, "\\u%04x", *p);
        } else {
            g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

static void print_double(double value, GString *out)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(value)) {
        value = 0; /* JSON has no word for it */
    }
    g_string_append(out, g_ascii_dtostr(text, sizeof(text), value));
}

static void print_value(JsonNode *node, GString *out)
{
    switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING: print_string(json_node_get_string(node), out); break;
    case G_TYPE_BOOLEAN:
        g_string_append(out, json_node_get_boolean(node) ? "true" : "false");
        break;
    case G_TYPE_DOUBLE: print_double(json_node_get_double(node), out); break;
    default:
        g_string_append_printf(out, "%" G_GINT64_FORMAT,
                               json_node_get_int(node));
        break;
    }
}

static void print_object(JsonObject *object, GString *out)
{
    const char *comma = "";
    JsonObjectIter it;
    const char *name;
    JsonNode *node;

    g_string_append_c(out, '{');
    json_object_iter_init_ordered(&it, object);
    while (json_object_iter_next_ordered(&it, &name, &node)) {
        g_string_append(out, comma);
        print_string(name, out);
        g_string_append(out, ": ");
        json_print(node, out);
        comma = ", ";
    }
    g_string_append_c(out, '}');
}

static void print_array(JsonArray *array, GString *out)
{
    g_string_append_c(out, '[');
    for (guint i = 0; i < json_array_get_length(array); i++) {
        g_string_append(out, i ? ", " : "");
        json_print(json_array_get_element(array, i), out);
    }
    g_string_append_c(out, ']');
}

void json_print(JsonNode *node, GString *out)
{
    switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT: print_object(json_node_get_object(node), out); break;
    case JSON_NODE_ARRAY: print_array(json_node_get_array(node), out); break;
    case JSON_NODE_NULL: g_string_append(out, "null"); break;
    case JSON_NODE_VALUE: print_value(node, out); break;
    }
}
