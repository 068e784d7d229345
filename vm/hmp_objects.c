/* SPDX-License-Identifier: MIT */
/*
 * Monitor commands that QMP has in the same words: they ask its functions and
 * print what comes back; and the words of what is not there.
 */
#include <string.h>

#include "base/text.h"
#include "block/drive.h"
#include "vm/actions.h"
#include "vm/chardev.h"
#include "vm/hmp_commands.h"
#include "vm/objects.h"
#include "vm/policy.h"
#include "vm/qmp_commands.h"

/* The answer of a QMP command, or NULL with its error. Takes `args`. */
static JsonNode *ask(struct hmp_call *c,
                     JsonNode *(*fn)(struct qmp_call *call, GError **error),
                     JsonObject *args, GError **error)
{
    struct qmp_call call = {.vm = c->vm, .args = args};
    JsonNode *answer = fn(&call, error);

    json_object_unref(args);
    return answer;
}

static bool say(struct hmp_call *c, JsonNode *answer)
{
    if (!answer) {
        return false;
    }
    if (JSON_NODE_HOLDS_VALUE(answer) &&
        json_node_get_value_type(answer) == G_TYPE_STRING) {
        g_string_append(c->out, json_node_get_string(answer));
    } else {
        json_print(answer, c->out);
    }
    g_string_append_c(c->out, '\n');
    json_node_free(answer);
    return true;
}

/* Members of each object of a list, a line each. */
static bool say_list(struct hmp_call *c, JsonNode *answer)
{
    JsonArray *a = answer ? json_node_get_array(answer) : NULL;

    for (guint i = 0; a && i < json_array_get_length(a); i++) {
        JsonObject *o = json_array_get_object_element(a, i);
        JsonObjectIter it;
        const char *name;
        JsonNode *node;

        json_object_iter_init_ordered(&it, o);
        while (json_object_iter_next_ordered(&it, &name, &node)) {
            g_string_append_printf(c->out, "  %s: ", name);
            json_print(node, c->out);
            g_string_append_c(c->out, '\n');
        }
        g_string_append_c(c->out, '\n');
    }
    if (answer) {
        json_node_free(answer);
    }
    return answer;
}

/* --- objects --- */

bool hmp_object_add(struct hmp_call *c, GError **error)
{
    return object_add_text(c->vm, hmp_text(c, "object"), error);
}

bool hmp_object_del(struct hmp_call *c, GError **error)
{
    return object_del(c->vm, hmp_text(c, "id"), error);
}

static JsonObject *path_args(struct hmp_call *c)
{
    JsonObject *o = json_object_new();
    const char *path = hmp_text(c, "path");

    json_object_set_string_member(o, "path", path ? path : "/");
    return o;
}

bool hmp_qom_list(struct hmp_call *c, GError **error)
{
    JsonNode *answer = ask(c, qmp_qom_list, path_args(c), error);
    JsonArray *a = answer ? json_node_get_array(answer) : NULL;

    for (guint i = 0; a && i < json_array_get_length(a); i++) {
        JsonObject *o = json_array_get_object_element(a, i);

        g_string_append_printf(c->out, "%s (%s)\n",
                               json_object_get_string_member(o, "name"),
                               json_object_get_string_member(o, "type"));
    }
    if (answer) {
        json_node_free(answer);
    }
    return answer;
}

bool hmp_qom_get(struct hmp_call *c, GError **error)
{
    JsonObject *args = path_args(c);

    json_object_set_string_member(args, "property", hmp_text(c, "property"));
    return say(c, ask(c, qmp_qom_get, args, error));
}

bool hmp_info_memdev(struct hmp_call *c, GError **error)
{
    return say_list(c, ask(c, qmp_query_memdev, json_object_new(), error));
}

bool hmp_info_iothreads(struct hmp_call *c, GError **error)
{
    return say_list(c, ask(c, qmp_query_iothreads, json_object_new(), error));
}

bool hmp_info_hotpluggable_cpus(struct hmp_call *c, GError **error)
{
    g_string_append(c->out, "Hotpluggable CPUs:\n");
    return say_list(
        c, ask(c, qmp_query_hotpluggable_cpus, json_object_new(), error));
}

bool hmp_info_memory_size(struct hmp_call *c, GError **error)
{
    g_string_append_printf(
        c->out, "base memory: %" G_GUINT64_FORMAT "\nplugged memory: 0\n",
        c->vm->machine.ram_size);
    return true;
}

/* --- streams --- */

bool hmp_chardev_add(struct hmp_call *c, GError **error)
{
    return chardev_from_opts(&c->vm->machine, hmp_text(c, "args"), error);
}

static JsonObject *one_arg(const char *name, const char *value)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, name, value);
    return o;
}

/* A command without an answer. */
static bool done(JsonNode *answer)
{
    if (answer) {
        json_node_free(answer);
    }
    return answer;
}

bool hmp_chardev_remove(struct hmp_call *c, GError **error)
{
    return done(
        ask(c, qmp_chardev_remove, one_arg("id", hmp_text(c, "id")), error));
}

bool hmp_chardev_send_break(struct hmp_call *c, GError **error)
{
    return done(ask(c, qmp_chardev_send_break, one_arg("id", hmp_text(c, "id")),
                    error));
}

bool hmp_ringbuf_read(struct hmp_call *c, GError **error)
{
    JsonObject *args = one_arg("device", hmp_text(c, "device"));

    json_object_set_int_member(args, "size",
                               (gint64)hmp_number(c, "size", 4096));
    return say(c, ask(c, qmp_ringbuf_read, args, error));
}

bool hmp_ringbuf_write(struct hmp_call *c, GError **error)
{
    JsonObject *args = one_arg("device", hmp_text(c, "device"));

    json_object_set_string_member(args, "data", hmp_text(c, "data"));
    return done(ask(c, qmp_ringbuf_write, args, error));
}

/* --- drives, actions --- */

/* -snapshot's changes stay temporary: an image is changed only by a guest that
 * was told to. */
bool hmp_commit(struct hmp_call *c, GError **error)
{
    const char *name = hmp_text(c, "device");

    if (strcmp(name, "all") != 0 && !action_find_drive(c->vm, name, error)) {
        return false;
    }
    return fail(error, "there is nothing to commit: what -snapshot keeps "
                       "apart cannot be written back yet");
}

bool hmp_watchdog_action(struct hmp_call *c, GError **error)
{
    return policy_set(&c->vm->actions, "watchdog", hmp_text(c, "action"),
                      error);
}

/* --- what is not there --- */

bool hmp_absent(struct hmp_call *c, GError **error)
{
    return fail(error, "%s", c->command->help);
}

/* Topics that have nothing to say. */
bool hmp_info_nothing(struct hmp_call *c, GError **error)
{
    g_string_append_printf(c->out, "%s\n", c->command->params);
    return true;
}
