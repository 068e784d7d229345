/* SPDX-License-Identifier: MIT */
/* QMP commands that tell about the machine and the emulator. */
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "hw/virtio/virtio_balloon.h"
#include "ui/vnc.h"
#include "vm/chardev.h"
#include "vm/monitors.h"
#include "vm/objects.h"
#include "vm/qmp_commands.h"

/* One member: {"name": text}. */
static JsonNode *one_string(const char *name, const char *text)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, name, text);
    return qmp_object(o);
}

JsonNode *qmp_query_empty(struct qmp_call *c, GError **error)
{
    return qmp_array(json_array_new());
}

JsonNode *qmp_query_version(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();
    JsonObject *q = json_object_new();

    json_object_set_int_member(q, "micro", 0);
    json_object_set_int_member(q, "minor", 2);
    json_object_set_int_member(q, "major", 8);
    json_object_set_object_member(o, "qemu", q);
    json_object_set_string_member(o, "package", "rhea " RHEA_VERSION);
    return qmp_object(o);
}

JsonNode *qmp_query_status(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "status", vm_state_name(c->vm->state));
    json_object_set_boolean_member(o, "singlestep", false);
    json_object_set_boolean_member(o, "running", c->vm->state == VM_RUNNING);
    return qmp_object(o);
}

JsonNode *qmp_query_name(struct qmp_call *c, GError **error)
{
    return c->vm->name ? one_string("name", c->vm->name) : qmp_nothing();
}

JsonNode *qmp_query_uuid(struct qmp_call *c, GError **error)
{
    const char *uuid = c->vm->config->uuid;

    return one_string("UUID",
                      uuid ? uuid : "00000000-0000-0000-0000-000000000000");
}

JsonNode *qmp_query_commands(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (const struct qmp_command *q = qmp_commands; q->name; q++) {
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "name", q->name);
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

const char *qmp_event_name(size_t n)
{
    static const char *const names[] = {"SHUTDOWN",
                                        "POWERDOWN",
                                        "RESET",
                                        "STOP",
                                        "RESUME",
                                        "SUSPEND",
                                        "WAKEUP",
                                        "RTC_CHANGE",
                                        "DEVICE_TRAY_MOVED",
                                        "BALLOON_CHANGE",
                                        "BLOCK_IO_ERROR",
                                        "VNC_CONNECTED",
                                        "VNC_INITIALIZED",
                                        "VNC_DISCONNECTED",
                                        "VSERPORT_CHANGE",
                                        "GUEST_PANICKED"};

    return n < ARRAY_SIZE(names) ? names[n] : NULL;
}

JsonNode *qmp_query_events(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (size_t i = 0; qmp_event_name(i); i++) {
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "name", qmp_event_name(i));
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

JsonNode *qmp_query_kvm(struct qmp_call *c, GError **error)
{
    bool enabled = strcmp(c->vm->vcpus.accel->name, "kvm") == 0;
    JsonObject *o = json_object_new();
    g_autoptr(GError) why = NULL;
    const struct accel *kvm = accel_find("kvm", &why);

    json_object_set_boolean_member(o, "enabled", enabled);
    json_object_set_boolean_member(
        o, "present", kvm && (!kvm->available || kvm->available(NULL)));
    return qmp_object(o);
}

/* --- machine --- */

JsonNode *qmp_query_machines(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (const struct board_type *const *b = boards; *b; b++) {
        JsonObject *o = json_object_new();

        json_object_set_boolean_member(o, "hotpluggable-cpus", false);
        json_object_set_string_member(o, "name", (*b)->name);
        json_object_set_boolean_member(o, "numa-mem-supported", false);
        json_object_set_string_member(o, "default-cpu-type", "max-x86_64-cpu");
        json_object_set_int_member(o, "cpu-max", (*b)->max_cpus);
        json_object_set_boolean_member(o, "deprecated", false);
        json_object_set_string_member(o, "default-ram-id", "pc.ram");
        json_object_set_boolean_member(o, "acpi", true);
        if ((*b)->alias) {
            json_object_set_string_member(o, "alias", (*b)->alias);
        }
        if ((*b)->is_default) {
            json_object_set_boolean_member(o, "is-default", true);
        }
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

JsonNode *qmp_query_current_machine(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();

    json_object_set_boolean_member(o, "wakeup-suspend-support",
                                   c->vm->machine.board_powerdown != NULL);
    return qmp_object(o);
}

JsonNode *qmp_query_target(struct qmp_call *c, GError **error)
{
    return one_string("arch", "x86_64");
}

JsonNode *qmp_query_memory_size(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "base-memory",
                               (gint64)c->vm->machine.ram_size);
    json_object_set_int_member(o, "plugged-memory", 0);
    return qmp_object(o);
}

static struct virtio *balloon(struct qmp_call *c, GError **error)
{
    struct virtio *v = virtio_balloon_find(&c->vm->machine);

    if (!v) {
        qmp_fail(error, QMP_DEVICE_NOT_ACTIVE,
                 "No balloon device has been activated");
    }
    return v;
}

JsonNode *qmp_query_balloon(struct qmp_call *c, GError **error)
{
    const struct virtio *v = balloon(c, error);
    JsonObject *o;

    if (!v) {
        return NULL;
    }
    o = json_object_new();
    json_object_set_int_member(o, "actual", (gint64)virtio_balloon_actual(v));
    return qmp_object(o);
}

JsonNode *qmp_balloon(struct qmp_call *c, GError **error)
{
    int64_t target = qmp_arg_int(c, "value", 0);
    struct virtio *v = balloon(c, error);

    if (v && target <= 0) {
        fail(error, "Parameter 'target' expects a size");
    } else if (v) {
        virtio_balloon_ask(v, (uint64_t)target);
        return qmp_nothing();
    }
    return NULL;
}

/* --- what is attached --- */

JsonNode *qmp_query_chardev(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, c->vm->machine.backends[BACKEND_CHARDEV]);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        const struct chardev *chardev = value;
        g_autofree char *what = chardev->ops->describe(chardev);
        JsonObject *o = json_object_new();

        json_object_set_boolean_member(o, "frontend-open", chardev->attached);
        json_object_set_string_member(o, "filename", what);
        json_object_set_string_member(o, "label", chardev->id);
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

JsonNode *qmp_query_chardev_backends(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (const char *const *n = chardev_kind_names(); *n; n++) {
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "name", *n);
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

JsonNode *qmp_query_mice(struct qmp_call *c, GError **error)
{
    const GPtrArray *sinks = c->vm->input.sinks;
    JsonArray *a = json_array_new();
    bool current = true;

    for (guint i = 0; i < sinks->len; i++) {
        const struct input_sink *s = sinks->pdata[i];
        JsonObject *o;

        if (!s->rel && !s->abs) {
            continue;
        }
        o = json_object_new();
        json_object_set_string_member(o, "name", s->name);
        json_object_set_int_member(o, "index", i);
        json_object_set_boolean_member(o, "current", current);
        json_object_set_boolean_member(o, "absolute", s->abs != NULL);
        json_array_add_object_element(a, o);
        current = false;
    }
    return qmp_array(a);
}

static void add_client(void *to, const struct vnc_peer *peer)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "host", peer->host);
    json_object_set_string_member(o, "service", peer->service);
    json_object_set_string_member(o, "family", peer->family);
    json_object_set_boolean_member(o, "websocket", peer->websocket);
    json_array_add_object_element(to, o);
}

static JsonArray *vnc_client_list(const struct vnc_control *vnc)
{
    JsonArray *a = json_array_new();

    vnc->clients(vnc->opaque, add_client, a);
    return a;
}

JsonNode *qmp_query_vnc(struct qmp_call *c, GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;
    JsonObject *o = json_object_new();

    json_object_set_boolean_member(o, "enabled", vnc != NULL);
    if (vnc) {
        json_object_set_string_member(o, "host", vnc->host);
        json_object_set_string_member(o, "family", vnc->family);
        json_object_set_string_member(o, "service", vnc->service);
        json_object_set_string_member(o, "auth", vnc->auth);
        json_object_set_array_member(o, "clients", vnc_client_list(vnc));
    }
    return qmp_object(o);
}

JsonNode *qmp_query_vnc_servers(struct qmp_call *c, GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;
    JsonArray *a = json_array_new();
    JsonArray *servers;
    JsonObject *server;
    JsonObject *o;

    if (!vnc) {
        return qmp_array(a);
    }
    server = json_object_new();
    json_object_set_string_member(server, "host", vnc->host);
    json_object_set_string_member(server, "service", vnc->service);
    json_object_set_string_member(server, "family", vnc->family);
    json_object_set_boolean_member(server, "websocket", false);
    json_object_set_string_member(server, "auth", vnc->auth);
    servers = json_array_new();
    json_array_add_object_element(servers, server);
    o = json_object_new();
    json_object_set_string_member(o, "id", "default");
    json_object_set_array_member(o, "server", servers);
    json_object_set_array_member(o, "clients", vnc_client_list(vnc));
    json_object_set_string_member(o, "auth", vnc->auth);
    json_array_add_object_element(a, o);
    return qmp_array(a);
}

JsonNode *qmp_query_display_options(struct qmp_call *c, GError **error)
{
    const char *name = c->vm->config->display;
    g_autofree char *type =
        name ? g_strndup(name, strcspn(name, ",")) : g_strdup("none");

    return one_string("type", type);
}

JsonNode *qmp_query_memdev(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (guint i = 0; i < c->vm->objects->len; i++) {
        const struct object *obj = c->vm->objects->pdata[i];
        uint64_t size = 0;
        bool share = false;
        bool prealloc = false;
        JsonObject *o;

        if (!obj->type->is_memory) {
            continue;
        }
        opts_get_size(obj->opts, "size", 1, &size, NULL);
        opts_get_bool(obj->opts, "share", &share, NULL);
        opts_get_bool(obj->opts, "prealloc", &prealloc, NULL);
        o = json_object_new();
        json_object_set_boolean_member(o, "share", share);
        json_object_set_boolean_member(o, "reserve", true);
        json_object_set_boolean_member(o, "prealloc", prealloc);
        json_object_set_array_member(o, "host-nodes", json_array_new());
        json_object_set_int_member(o, "size", (gint64)size);
        json_object_set_boolean_member(o, "merge", true);
        json_object_set_boolean_member(o, "dump", true);
        json_object_set_string_member(o, "policy", "default");
        json_object_set_string_member(o, "id", obj->id);
        json_array_add_object_element(a, o);
    }
    return qmp_array(a);
}

static JsonObject *iothread_object(const struct object *obj)
{
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "thread-id", getpid());
    json_object_set_int_member(o, "poll-max-ns", 0);
    json_object_set_int_member(o, "poll-grow", 0);
    json_object_set_int_member(o, "poll-shrink", 0);
    json_object_set_int_member(o, "aio-max-batch", 0);
    json_object_set_string_member(o, "id", obj->id);
    return o;
}

JsonNode *qmp_query_iothreads(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();

    for (guint i = 0; i < c->vm->objects->len; i++) {
        const struct object *obj = c->vm->objects->pdata[i];

        if (strcmp(obj->type->name, "iothread") == 0) {
            json_array_add_object_element(a, iothread_object(obj));
        }
    }
    return qmp_array(a);
}

/* --- the command line --- */

/* Parameters are listed where a caller is known to look for them. */
static const struct {
    const char *option, *params;
} option_params[] = {
    {"run-with", "chroot,user"},
    {"machine", "type,accel,acpi,hpet,smm,usb,vmport,kernel,initrd,append"},
    {"boot-opts", "order,once,menu,splash-time,strict"},
    {"smp-opts", "cpus,sockets,dies,cores,threads,maxcpus"},
    {"chardev", "backend,id,path,host,port,server,wait,mux,fd,logfile"},
    {"mon", "mode,chardev,pretty"},
    {"drive", "file,if,index,media,format,id,readonly,snapshot,cache"},
};

static JsonObject *option_object(const char *name)
{
    JsonObject *o = json_object_new();
    JsonArray *params = json_array_new();

    for (size_t i = 0; i < ARRAY_SIZE(option_params); i++) {
        g_auto(GStrv) words = g_strsplit(option_params[i].params, ",", -1);

        if (strcmp(option_params[i].option, name) != 0) {
            continue;
        }
        for (char **w = words; *w; w++) {
            JsonObject *p = json_object_new();

            json_object_set_string_member(p, "name", *w);
            json_object_set_string_member(p, "type", "string");
            json_array_add_object_element(params, p);
        }
    }
    json_object_set_array_member(o, "parameters", params);
    json_object_set_string_member(o, "option", name);
    return o;
}

JsonNode *qmp_query_options(struct qmp_call *c, GError **error)
{
    const char *wanted = qmp_arg_string(c, "option");
    g_autoptr(GPtrArray) names = config_option_names();
    JsonArray *a = json_array_new();

    g_ptr_array_add(names, (void *)(uintptr_t) "boot-opts");
    g_ptr_array_add(names, (void *)(uintptr_t) "smp-opts");
    for (guint i = 0; i < names->len; i++) {
        if (!wanted || strcmp(wanted, names->pdata[i]) == 0) {
            json_array_add_object_element(a, option_object(names->pdata[i]));
        }
    }
    if (wanted && json_array_get_length(a) == 0) {
        json_array_unref(a);
        fail(error, "invalid option name");
        return NULL;
    }
    return qmp_array(a);
}
