/* SPDX-License-Identifier: MIT */
#include "vm/qmp.h"

#include <string.h>

#include "build-config.h"
#include "vm/monitors.h"

/* --- values --- */

JsonNode *qmp_object(JsonObject *o)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, o);
    return node;
}

JsonNode *qmp_array(JsonArray *a)
{
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    json_node_take_array(node, a);
    return node;
}

JsonNode *qmp_nothing(void)
{
    return qmp_object(json_object_new());
}

const char *qmp_arg_string(const struct qmp_call *c, const char *name)
{
    return json_object_get_string_member_with_default(c->args, name, NULL);
}

int64_t qmp_arg_int(const struct qmp_call *c, const char *name, int64_t def)
{
    return json_object_get_int_member_with_default(c->args, name, def);
}

bool qmp_arg_bool(const struct qmp_call *c, const char *name, bool def)
{
    return json_object_get_boolean_member_with_default(c->args, name, def);
}

JsonObject *qmp_arg_object(const struct qmp_call *c, const char *name)
{
    return json_object_has_member(c->args, name)
               ? json_object_get_object_member(c->args, name)
               : NULL;
}

JsonArray *qmp_arg_list(const struct qmp_call *c, const char *name)
{
    return json_object_has_member(c->args, name)
               ? json_object_get_array_member(c->args, name)
               : NULL;
}

/* --- output --- */

static void qmp_send(struct qmp *q, JsonObject *answer)
{
    g_autoptr(JsonNode) node = qmp_object(answer);
    g_autoptr(GString) text = g_string_new(NULL);

    json_print(node, text);
    g_string_append(text, "\r\n");
    session_write(&q->session, text->str, text->len);
}

static void qmp_send_error(struct qmp *q, JsonNode *id, const GError *error)
{
    JsonObject *answer = json_object_new();
    JsonObject *what = json_object_new();

    json_object_set_string_member(what, "class", qmp_error_class(error));
    json_object_set_string_member(what, "desc", error->message);
    if (id) {
        json_object_set_member(answer, "id", json_node_copy(id));
    }
    json_object_set_object_member(answer, "error", what);
    qmp_send(q, answer);
}

static void qmp_send_return(struct qmp *q, JsonNode *id, JsonNode *value)
{
    JsonObject *answer = json_object_new();

    json_object_set_member(answer, "return", value);
    if (id) {
        json_object_set_member(answer, "id", json_node_copy(id));
    }
    qmp_send(q, answer);
}

void qmp_event(struct qmp *q, const char *name, const char *json)
{
    int64_t now = g_get_real_time();
    g_autofree char *text = NULL;

    if (!q->negotiated) {
        return;
    }
    text =
        g_strdup_printf("{\"timestamp\": {\"seconds\": %" G_GINT64_FORMAT
                        ", \"microseconds\": %d}, \"event\": \"%s\"%s%s}\r\n",
                        now / G_USEC_PER_SEC, (int)(now % G_USEC_PER_SEC), name,
                        json ? ", \"data\": " : "", json ? json : "");
    session_write(&q->session, text, strlen(text));
}

static void qmp_opened(struct session *s)
{
    static const char greeting[] =
        "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, "
        "\"major\": 8}, \"package\": \"rhea " RHEA_VERSION
        "\"}, \"capabilities\": []}}\r\n";

    session_write(s, greeting, strlen(greeting));
}

static void qmp_closed(struct session *s)
{
    struct qmp *q = container_of(s, struct qmp, session);

    q->negotiated = false;
    q->at = q->len = 0;
    json_stream_reset(&q->stream);
}

/* --- arguments --- */

static const struct {
    char letter;
    const char *name;
} arg_types[] = {{'s', "string"}, {'i', "integer"}, {'b', "boolean"},
                 {'n', "number"}, {'o', "object"},  {'l', "array"},
                 {'a', "value"}};

static const char *arg_type_name(char letter)
{
    for (size_t i = 0; i < ARRAY_SIZE(arg_types); i++) {
        if (arg_types[i].letter == letter) {
            return arg_types[i].name;
        }
    }
    g_assert_not_reached();
}

static bool arg_has_type(JsonNode *node, char letter)
{
    GType value = json_node_get_value_type(node);

    switch (letter) {
    case 's': return JSON_NODE_HOLDS_VALUE(node) && value == G_TYPE_STRING;
    case 'i': return JSON_NODE_HOLDS_VALUE(node) && value == G_TYPE_INT64;
    case 'b': return JSON_NODE_HOLDS_VALUE(node) && value == G_TYPE_BOOLEAN;
    case 'n':
        return JSON_NODE_HOLDS_VALUE(node) &&
               (value == G_TYPE_INT64 || value == G_TYPE_DOUBLE);
    case 'o': return JSON_NODE_HOLDS_OBJECT(node);
    case 'l': return JSON_NODE_HOLDS_ARRAY(node);
    default: return true;
    }
}

/* One "name:type?" against what was sent. */
static bool check_arg(JsonObject *args, const char *spec, GError **error)
{
    size_t len = strcspn(spec, ":");
    g_autofree char *name = g_strndup(spec, len);
    char type = spec[len + 1];
    JsonNode *node = json_object_get_member(args, name);

    if (!node) {
        return spec[len + 2] == '?' ||
               fail(error, "Parameter '%s' is missing", name);
    }
    return arg_has_type(node, type) ||
           fail(error, "Invalid parameter type for '%s', expected: %s", name,
                arg_type_name(type));
}

static bool spec_has(char **specs, const char *name)
{
    size_t len = strlen(name);

    for (; *specs; specs++) {
        if (strncmp(*specs, name, len) == 0 && (*specs)[len] == ':') {
            return true;
        }
    }
    return false;
}

static bool check_args(const struct qmp_command *cmd, JsonObject *args,
                       GError **error)
{
    g_auto(GStrv) specs = g_strsplit(cmd->args, ",", -1);
    const char *name;
    JsonObjectIter it;

    for (char **s = specs; *s; s++) {
        if (!check_arg(args, *s, error)) {
            return false;
        }
    }
    if (spec_has(specs, "*")) { /* a device's properties */
        return true;
    }
    json_object_iter_init_ordered(&it, args);
    while (json_object_iter_next_ordered(&it, &name, NULL)) {
        if (!spec_has(specs, name)) {
            return fail(error, "Parameter '%s' is unexpected", name);
        }
    }
    return true;
}

/* --- dispatch --- */

static const struct qmp_command *find_command(struct qmp *q, const char *name,
                                              GError **error)
{
    bool is_caps = strcmp(name, "qmp_capabilities") == 0;

    if (!q->negotiated && !is_caps) {
        qmp_fail(error, QMP_COMMAND_NOT_FOUND,
                 "Expecting capabilities negotiation with "
                 "'qmp_capabilities'");
        return NULL;
    }
    if (q->negotiated && is_caps) {
        qmp_fail(error, QMP_COMMAND_NOT_FOUND,
                 "Capabilities negotiation is already complete, command "
                 "ignored");
        return NULL;
    }
    for (const struct qmp_command *c = qmp_commands; c->name; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    qmp_fail(error, QMP_COMMAND_NOT_FOUND, "The command %s has not been found",
             name);
    return NULL;
}

static JsonNode *run_command(struct qmp *q, const struct qmp_command *cmd,
                             JsonObject *args, GError **error)
{
    struct qmp_call call = {.qmp = q, .vm = q->vm, .args = args};
    bool resume = false;
    JsonNode *result;

    if (cmd->flags & QMP_UNLOCKED) {
        return cmd->run(&call, error);
    }
    if (cmd->flags & QMP_PAUSED) {
        resume = cpus_hold(q->vm);
    }
    lock_enter(&q->vm->machine.lock);
    result = cmd->run(&call, error);
    lock_leave(&q->vm->machine.lock);
    if (cmd->flags & QMP_PAUSED) {
        cpus_release(q->vm, resume);
    }
    return result;
}

/* The members of a request itself. */
static const char *check_request(JsonObject *request, GError **error)
{
    static const char *const known[] = {"execute", "arguments", "id", "control",
                                        NULL};
    JsonNode *execute = json_object_get_member(request, "execute");
    JsonNode *args = json_object_get_member(request, "arguments");
    JsonObjectIter it;
    const char *name;

    json_object_iter_init_ordered(&it, request);
    while (json_object_iter_next_ordered(&it, &name, NULL)) {
        if (!g_strv_contains(known, name)) {
            fail(error, "QMP input member '%s' is unexpected", name);
            return NULL;
        }
    }
    if (!execute) {
        fail(error, "QMP input lacks member 'execute'");
        return NULL;
    }
    if (!arg_has_type(execute, 's')) {
        fail(error, "QMP input member 'execute' must be a string");
        return NULL;
    }
    if (args && !JSON_NODE_HOLDS_OBJECT(args)) {
        fail(error, "QMP input member 'arguments' must be an object");
        return NULL;
    }
    return json_node_get_string(execute);
}

static JsonNode *qmp_execute(struct qmp *q, JsonObject *request, GError **error)
{
    g_autoptr(JsonObject) none = json_object_new();
    const char *name = check_request(request, error);
    const struct qmp_command *cmd = name ? find_command(q, name, error) : NULL;
    JsonObject *args = json_object_has_member(request, "arguments")
                           ? json_object_get_object_member(request, "arguments")
                           : none;

    return cmd && check_args(cmd, args, error)
               ? run_command(q, cmd, args, error)
               : NULL;
}

static void qmp_request(struct qmp *q)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = json_stream_take(&q->stream, &error);
    JsonNode *result = NULL;
    JsonNode *id = NULL;

    if (node && !JSON_NODE_HOLDS_OBJECT(node)) {
        fail(&error, "QMP input must be a JSON object");
    } else if (node) {
        JsonObject *request = json_node_get_object(node);

        id = json_object_get_member(request, "id");
        result = qmp_execute(q, request, &error);
    }
    if (result) {
        qmp_send_return(q, id, result);
    } else {
        qmp_send_error(q, id, error);
    }
}

/* One request, or one piece of input. */
static bool qmp_serve(struct session *s)
{
    struct qmp *q = container_of(s, struct qmp, session);
    g_autoptr(GError) error = NULL;
    size_t used = 0;

    if (q->at == q->len) {
        q->at = 0;
        q->len = session_read(s, q->pending, sizeof(q->pending));
    }
    switch (json_stream_feed(&q->stream, q->pending + q->at, q->len - q->at,
                             &used, &error)) {
    case JSON_FOUND_MORE: q->at = q->len; break;
    case JSON_FOUND_BAD:
        q->at += used;
        qmp_send_error(q, NULL, error);
        break;
    case JSON_FOUND_VALUE:
        q->at += used;
        qmp_request(q);
        break;
    }
    return q->at < q->len;
}

static const struct session_ops qmp_session = {
    .serve = qmp_serve,
    .opened = qmp_opened,
    .closed = qmp_closed,
};

struct qmp *qmp_new(struct vm *vm, struct chardev *c, GError **error)
{
    struct qmp *q = g_new0(struct qmp, 1);

    q->vm = vm;
    json_stream_init(&q->stream);
    if (!session_init(&q->session, &vm->machine, c, &qmp_session, error)) {
        qmp_free(q);
        return NULL;
    }
    return q;
}

void qmp_free(struct qmp *q)
{
    session_clear(&q->session);
    json_stream_clear(&q->stream);
    g_free(q);
}
