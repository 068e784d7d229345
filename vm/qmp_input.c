/* SPDX-License-Identifier: MIT */
/* QMP commands that press keys and move the pointer. */
#include <string.h>

#include "ui/input.h"
#include "ui/keynames.h"
#include "vm/keyqueue.h"
#include "vm/monitors.h"
#include "vm/qmp_commands.h"

static const char *member_string(JsonObject *o, const char *name,
                                 GError **error)
{
    JsonNode *node = json_object_get_member(o, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_STRING) {
        fail(error, "Parameter '%s' is missing", name);
        return NULL;
    }
    return json_node_get_string(node);
}

static JsonObject *member_object(JsonObject *o, const char *name,
                                 GError **error)
{
    JsonNode *node = json_object_get_member(o, name);

    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        fail(error, "Parameter '%s' is missing", name);
        return NULL;
    }
    return json_node_get_object(node);
}

static bool member_int(JsonObject *o, const char *name, int64_t *value,
                       GError **error)
{
    JsonNode *node = json_object_get_member(o, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_INT64) {
        return fail(error, "Parameter '%s' is missing", name);
    }
    *value = json_node_get_int(node);
    return true;
}

static bool member_bool(JsonObject *o, const char *name, bool *value,
                        GError **error)
{
    JsonNode *node = json_object_get_member(o, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_BOOLEAN) {
        return fail(error, "Parameter '%s' is missing", name);
    }
    *value = json_node_get_boolean(node);
    return true;
}

/* {"type": "qcode", "data": "a"} or {"type": "number", "data": 30} */
static unsigned key_usage(JsonObject *key, GError **error)
{
    const char *type = member_string(key, "type", error);
    const char *name = NULL;
    unsigned usage = 0;
    int64_t number = 0;

    if (!type) {
        return 0;
    }
    if (strcmp(type, "number") == 0) {
        if (!member_int(key, "data", &number, error)) {
            return 0;
        }
        usage = keyname_from_number((unsigned)CLAMP(number, 0, 0xffff));
    } else if (strcmp(type, "qcode") == 0) {
        name = member_string(key, "data", error);
        if (!name) {
            return 0;
        }
        usage = keyname_usage(name);
    }
    if (!usage) {
        fail(error, "Parameter 'data' does not accept value '%s'",
             name ? name : type);
    }
    return usage;
}

JsonNode *qmp_send_key(struct qmp_call *c, GError **error)
{
    JsonArray *keys = qmp_arg_list(c, "keys");
    unsigned usages[KEYQUEUE_CHORD];
    guint n = json_array_get_length(keys);

    if (n > KEYQUEUE_CHORD) {
        fail(error, "too many keys at once: at most %d", KEYQUEUE_CHORD);
        return NULL;
    }
    for (guint i = 0; i < n; i++) {
        JsonNode *node = json_array_get_element(keys, i);

        if (!JSON_NODE_HOLDS_OBJECT(node)) {
            fail(error,
                 "Invalid parameter type for 'keys[%u]', expected: "
                 "object",
                 i);
            return NULL;
        }
        usages[i] = key_usage(json_node_get_object(node), error);
        if (!usages[i]) {
            return NULL;
        }
    }
    return keyqueue_press(c->vm->monitors->keys, usages, n,
                          qmp_arg_int(c, "hold-time", KEYQUEUE_HOLD_MS), error)
               ? qmp_nothing()
               : NULL;
}

/* --- input-send-event --- */

static const char *const button_names[] = {[INPUT_LEFT] = "left",
                                           [INPUT_MIDDLE] = "middle",
                                           [INPUT_RIGHT] = "right",
                                           [INPUT_WHEEL_UP] = "wheel-up",
                                           [INPUT_WHEEL_DOWN] = "wheel-down",
                                           [INPUT_SIDE] = "side",
                                           [INPUT_EXTRA] = "extra",
                                           [INPUT_WHEEL_LEFT] = "wheel-left",
                                           [INPUT_WHEEL_RIGHT] = "wheel-right"};

/* Positions come axis by axis and are sent as a pair. */
struct motion {
    int rel[2];
    bool abs_moved;
};

static void motion_flush(struct motion *motion, struct monitors *mon,
                         struct input *in)
{
    if (motion->rel[0] || motion->rel[1]) {
        input_rel(in, motion->rel[0], motion->rel[1]);
    }
    if (motion->abs_moved) {
        input_abs(in, mon->pointer[0], mon->pointer[1]);
    }
    *motion = (struct motion){0};
}

static bool send_key_event(struct input *in, JsonObject *data, GError **error)
{
    JsonObject *key = member_object(data, "key", error);
    unsigned usage = key ? key_usage(key, error) : 0;
    bool down = false;

    if (!usage || !member_bool(data, "down", &down, error)) {
        return false;
    }
    input_key(in, usage, down);
    return true;
}

static bool send_button_event(struct input *in, JsonObject *data,
                              GError **error)
{
    const char *name = member_string(data, "button", error);
    bool down = false;

    if (!name || !member_bool(data, "down", &down, error)) {
        return false;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(button_names); i++) {
        if (strcmp(button_names[i], name) == 0) {
            input_button(in, i, down);
            return true;
        }
    }
    return fail(error, "Parameter 'button' does not accept value '%s'", name);
}

static bool send_move_event(struct monitors *mon, struct motion *motion,
                            bool absolute, JsonObject *data, GError **error)
{
    const char *axis = member_string(data, "axis", error);
    int64_t value = 0;
    unsigned i;

    if (!axis || !member_int(data, "value", &value, error)) {
        return false;
    }
    if (strcmp(axis, "x") != 0 && strcmp(axis, "y") != 0) {
        return fail(error, "Parameter 'axis' does not accept value '%s'", axis);
    }
    i = axis[0] == 'y';
    if (absolute) {
        mon->pointer[i] = (unsigned)CLAMP(value, 0, INPUT_ABS_MAX);
        motion->abs_moved = true;
    } else {
        motion->rel[i] += (int)CLAMP(value, -0x7fff, 0x7fff);
    }
    return true;
}

static bool send_event(struct qmp_call *c, struct motion *motion,
                       JsonObject *event, GError **error)
{
    struct input *in = c->vm->machine.input;
    const char *type = member_string(event, "type", error);
    JsonObject *data = type ? member_object(event, "data", error) : NULL;

    if (!data) {
        return false;
    }
    if (strcmp(type, "key") == 0) {
        return send_key_event(in, data, error);
    }
    if (strcmp(type, "btn") == 0) {
        motion_flush(motion, c->vm->monitors, in);
        return send_button_event(in, data, error);
    }
    if (strcmp(type, "rel") == 0 || strcmp(type, "abs") == 0) {
        return send_move_event(c->vm->monitors, motion, type[0] == 'a', data,
                               error);
    }
    return fail(error, "Parameter 'type' does not accept value '%s'", type);
}

JsonNode *qmp_input_send_event(struct qmp_call *c, GError **error)
{
    struct input *in = c->vm->machine.input;
    JsonArray *events = qmp_arg_list(c, "events");
    struct motion motion = {0};

    for (guint i = 0; i < json_array_get_length(events); i++) {
        JsonNode *node = json_array_get_element(events, i);

        if (!JSON_NODE_HOLDS_OBJECT(node)) {
            fail(error,
                 "Invalid parameter type for 'events[%u]', expected: "
                 "object",
                 i);
            return NULL;
        }
        if (!send_event(c, &motion, json_node_get_object(node), error)) {
            return NULL;
        }
    }
    motion_flush(&motion, c->vm->monitors, in);
    input_sync(in);
    return qmp_nothing();
}
