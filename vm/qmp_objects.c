/* SPDX-License-Identifier: MIT */
/* QMP commands about objects, streams and named nodes. */
#include <string.h>

#include "vm/blockdev.h"
#include "vm/chardev.h"
#include "vm/monitors.h"
#include "vm/objects.h"
#include "vm/policy.h"
#include "vm/qmp_commands.h"
#include "vm/text_opts.h"

static JsonNode *nothing_if(bool ok)
{
    return ok ? qmp_nothing() : NULL;
}

/* --- objects --- */

/* QEMU before 6.0 wanted properties in "props". */
JsonNode *qmp_object_add(struct qmp_call *c, GError **error)
{
    JsonObject *props = qmp_arg_object(c, "props");
    struct opts *opts;

    if (!props) {
        return nothing_if(object_add(c->vm, opts_from_json(c->args), error));
    }
    opts = opts_from_json(props);
    opts_set(opts, "qom-type", qmp_arg_string(c, "qom-type"));
    opts_set(opts, "id", qmp_arg_string(c, "id"));
    return nothing_if(object_add(c->vm, opts, error));
}

JsonNode *qmp_object_del(struct qmp_call *c, GError **error)
{
    return nothing_if(object_del(c->vm, qmp_arg_string(c, "id"), error));
}

/* --- streams --- */

/* {"type": "socket", "data": {"addr": {"type": "unix", "data": {...}}}} */
static struct opts *backend_opts(JsonObject *backend, const char *id,
                                 GError **error)
{
    JsonNode *type = json_object_get_member(backend, "type");
    struct opts *flat;
    struct opts *o;

    if (!type || json_node_get_value_type(type) != G_TYPE_STRING) {
        fail(error, "Parameter 'backend.type' is missing");
        return NULL;
    }
    flat = opts_from_json(backend);
    o = opts_new();
    opts_set(o, "backend", json_node_get_string(type));
    opts_set(o, "id", id);
    for (guint i = 0; i < flat->list->len; i++) {
        const struct opt *opt = &g_array_index(flat->list, struct opt, i);
        const char *key = strrchr(opt->key, '.');

        key = key ? key + 1 : opt->key;
        if (strcmp(key, "type") == 0) {
            continue;
        }
        opts_set(o,
                 strcmp(key, "str") == 0 ? "fd"
                 : strcmp(key, "out") == 0 || strcmp(key, "device") == 0
                     ? "path"
                     : key,
                 opt->value);
    }
    opts_free(flat);
    return o;
}

/* {"pty": "/dev/pts/3"} where there is such a name. */
static JsonNode *chardev_answer(const struct chardev *chardev)
{
    g_autofree char *what = chardev->ops->describe(chardev);
    JsonObject *o = json_object_new();

    if (g_str_has_prefix(what, "pty:")) {
        json_object_set_string_member(o, "pty", what + 4);
    }
    return qmp_object(o);
}

JsonNode *qmp_chardev_add(struct qmp_call *c, GError **error)
{
    const char *id = qmp_arg_string(c, "id");
    struct machine *m = &c->vm->machine;
    struct opts *o;
    g_autofree char *text = NULL;
    struct chardev *chardev;

    if (machine_backend(m, BACKEND_CHARDEV, id)) {
        fail(error, "Chardev with id '%s' already exists", id);
        return NULL;
    }
    o = backend_opts(qmp_arg_object(c, "backend"), id, error);
    text = o ? opts_to_text(o) : NULL;
    opts_free(o);
    if (!text || !chardev_from_opts(m, text, error)) {
        return NULL;
    }
    chardev = machine_backend(m, BACKEND_CHARDEV, id);
    if (chardev->ops->start) {
        chardev->ops->start(chardev);
    }
    return chardev_answer(chardev);
}

static struct chardev *chardev_arg(struct qmp_call *c, const char *arg,
                                   GError **error)
{
    const char *id = qmp_arg_string(c, arg);
    struct chardev *chardev =
        machine_backend(&c->vm->machine, BACKEND_CHARDEV, id);

    if (!chardev) {
        fail(error, "Chardev '%s' not found", id);
    }
    return chardev;
}

JsonNode *qmp_chardev_remove(struct qmp_call *c, GError **error)
{
    struct chardev *chardev = chardev_arg(c, "id", error);

    if (!chardev) {
        return NULL;
    }
    if (chardev->attached) {
        fail(error, "Chardev '%s' is busy", chardev->id);
        return NULL;
    }
    machine_remove_backend(&c->vm->machine, BACKEND_CHARDEV, chardev->id);
    chardev_free(chardev);
    return qmp_nothing();
}

JsonNode *qmp_chardev_change(struct qmp_call *c, GError **error)
{
    struct chardev *chardev = chardev_arg(c, "id", error);

    if (chardev && chardev->attached) {
        fail(error,
             "Chardev '%s' is in use; what has it cannot change its stream",
             chardev->id);
        return NULL;
    }
    if (!chardev) {
        return NULL;
    }
    machine_remove_backend(&c->vm->machine, BACKEND_CHARDEV, chardev->id);
    chardev_free(chardev);
    return qmp_chardev_add(c, error);
}

JsonNode *qmp_chardev_send_break(struct qmp_call *c, GError **error)
{
    struct chardev *chardev = chardev_arg(c, "id", error);

    if (!chardev) {
        return NULL;
    }
    if (chardev->front.event) {
        chardev->front.event(chardev->front.opaque, CHARDEV_BREAK);
    }
    return qmp_nothing();
}

JsonNode *qmp_ringbuf_read(struct qmp_call *c, GError **error)
{
    struct chardev *chardev = chardev_arg(c, "device", error);
    int64_t size = qmp_arg_int(c, "size", 0);
    const char *format = qmp_arg_string(c, "format");
    g_autofree uint8_t *buf = NULL;
    g_autofree char *text = NULL;
    JsonNode *node;
    unsigned n;

    if (!chardev || !chardev_is_ringbuf(chardev)) {
        return chardev
                   ? (fail(error, "%s is not a ringbuf device", chardev->id),
                      NULL)
                   : NULL;
    }
    if (size <= 0) {
        fail(error, "size must be greater than zero");
        return NULL;
    }
    buf = g_malloc((gsize)MIN(size, CHARDEV_RINGBUF_MAX));
    n = chardev_ringbuf_read(chardev, buf,
                             (unsigned)MIN(size, CHARDEV_RINGBUF_MAX));
    text = g_strcmp0(format, "base64") == 0
               ? g_base64_encode(buf, n)
               : g_utf8_make_valid((const char *)buf, n);
    node = json_node_new(JSON_NODE_VALUE);
    json_node_set_string(node, text);
    return node;
}

JsonNode *qmp_ringbuf_write(struct qmp_call *c, GError **error)
{
    struct chardev *chardev = chardev_arg(c, "device", error);
    const char *data = qmp_arg_string(c, "data");
    g_autofree guchar *bytes = NULL;
    gsize len = strlen(data);

    if (!chardev || !chardev_is_ringbuf(chardev)) {
        return chardev
                   ? (fail(error, "%s is not a ringbuf device", chardev->id),
                      NULL)
                   : NULL;
    }
    if (g_strcmp0(qmp_arg_string(c, "format"), "base64") == 0) {
        bytes = g_base64_decode(data, &len);
        data = (const char *)bytes;
    }
    chardev->ops->write(chardev, (const uint8_t *)data, (unsigned)len);
    return qmp_nothing();
}

/* --- nodes --- */

JsonNode *qmp_blockdev_add(struct qmp_call *c, GError **error)
{
    return nothing_if(blockdev_add(c->vm, opts_from_json(c->args), error));
}

JsonNode *qmp_blockdev_del(struct qmp_call *c, GError **error)
{
    return nothing_if(
        blockdev_del(c->vm, qmp_arg_string(c, "node-name"), error));
}

/* --- what follows what --- */

JsonNode *qmp_set_action(struct qmp_call *c, GError **error)
{
    static const char *const events[] = {"reboot", "shutdown", "panic",
                                         "watchdog"};

    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        const char *action = qmp_arg_string(c, events[i]);

        if (action && !policy_set(&c->vm->actions, events[i], action, error)) {
            return NULL;
        }
    }
    return qmp_nothing();
}

JsonNode *qmp_watchdog_set_action(struct qmp_call *c, GError **error)
{
    return nothing_if(policy_set(&c->vm->actions, "watchdog",
                                 qmp_arg_string(c, "action"), error));
}
