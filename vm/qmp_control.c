/* SPDX-License-Identifier: MIT */
/* QMP commands that act on the machine as a whole. */
#include <limits.h>
#include <string.h>

#include "vm/actions.h"
#include "vm/fdset.h"
#include "vm/hmp.h"
#include "vm/monitors.h"
#include "vm/qmp_commands.h"

/* clang-format off */
const struct qmp_command qmp_commands[] = {
#define QMP(name, fn, args, flags) {name, fn, args, flags},
#include "vm/qmp_commands.def"
#undef QMP
    {.name = NULL},
};
/* clang-format on */

static JsonNode *nothing_if(bool ok)
{
    return ok ? qmp_nothing() : NULL;
}

/* Commands that there is nothing to do for. */
JsonNode *qmp_accept(struct qmp_call *c, GError **error)
{
    return qmp_nothing();
}

JsonNode *qmp_capabilities(struct qmp_call *c, GError **error)
{
    JsonArray *enable = qmp_arg_list(c, "enable");

    if (enable && json_array_get_length(enable)) {
        fail(error, "no capabilities are offered");
        return NULL;
    }
    c->qmp->negotiated = true;
    return qmp_nothing();
}

JsonNode *qmp_quit(struct qmp_call *c, GError **error)
{
    vm_quit(c->vm, "host-qmp-quit");
    return qmp_nothing();
}

JsonNode *qmp_stop(struct qmp_call *c, GError **error)
{
    action_stop_unlocked(c->vm);
    return qmp_nothing();
}

JsonNode *qmp_cont(struct qmp_call *c, GError **error)
{
    return nothing_if(action_cont_unlocked(c->vm, error));
}

JsonNode *qmp_system_reset(struct qmp_call *c, GError **error)
{
    action_reset(c->vm);
    return qmp_nothing();
}

JsonNode *qmp_system_powerdown(struct qmp_call *c, GError **error)
{
    machine_request(&c->vm->machine, MACHINE_POWERDOWN);
    return qmp_nothing();
}

JsonNode *qmp_system_wakeup(struct qmp_call *c, GError **error)
{
    return nothing_if(action_wakeup(c->vm, error));
}

JsonNode *qmp_inject_nmi(struct qmp_call *c, GError **error)
{
    action_nmi(c->vm);
    return qmp_nothing();
}

static struct x86_cpu *arg_cpu(struct qmp_call *c, GError **error)
{
    int64_t index = qmp_arg_int(c, "cpu-index", 0);

    if (index < 0 || index >= c->vm->vcpus.count) {
        fail(error, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    return &c->vm->vcpus.vcpu[index]->cpu;
}

JsonNode *qmp_human_monitor_command(struct qmp_call *c, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *text = NULL;
    struct hmp_context context = {.vm = c->vm};
    JsonNode *node;

    if (qmp_arg_int(c, "cpu-index", -1) >= 0) {
        if (!arg_cpu(c, error)) {
            return NULL;
        }
        context.cpu = (unsigned)qmp_arg_int(c, "cpu-index", 0);
    }
    hmp_run_unlocked(&context, qmp_arg_string(c, "command-line"), out);
    text = g_utf8_make_valid(out->str, (gssize)out->len);
    node = json_node_new(JSON_NODE_VALUE);
    json_node_set_string(node, text);
    return node;
}

JsonNode *qmp_screendump(struct qmp_call *c, GError **error)
{
    const char *format = qmp_arg_string(c, "format");

    return nothing_if(action_screendump(
        c->vm, qmp_arg_string(c, "filename"), format ? format : "ppm",
        qmp_arg_string(c, "device"), qmp_arg_int(c, "head", 0), error));
}

static JsonNode *save_memory(struct qmp_call *c, struct x86_cpu *cpu,
                             GError **error)
{
    int64_t size = qmp_arg_int(c, "size", 0);

    if (size < 0) {
        fail(error, "Parameter 'size' expects a positive number");
        return NULL;
    }
    return nothing_if(action_save_memory(
        c->vm, cpu, (uint64_t)qmp_arg_int(c, "val", 0), (uint64_t)size,
        qmp_arg_string(c, "filename"), error));
}

JsonNode *qmp_memsave(struct qmp_call *c, GError **error)
{
    struct x86_cpu *cpu = arg_cpu(c, error);

    return cpu ? save_memory(c, cpu, error) : NULL;
}

JsonNode *qmp_pmemsave(struct qmp_call *c, GError **error)
{
    return save_memory(c, NULL, error);
}

/* --- descriptors --- */

/* The one that came with the command, or -1. */
static int passed_fd(struct qmp_call *c, GError **error)
{
    struct chardev *chardev = c->qmp->session.chardev;
    int fd = chardev->ops->take_fd ? chardev->ops->take_fd(chardev) : -1;

    if (fd < 0) {
        fail(error, "No file descriptor supplied via SCM_RIGHTS");
    }
    return fd;
}

JsonNode *qmp_add_fd(struct qmp_call *c, GError **error)
{
    int64_t set = qmp_arg_int(c, "fdset-id", -1);
    int fd = passed_fd(c, error);
    JsonObject *o;

    if (fd < 0 || !fdsets_add(c->vm->monitors->fdsets, fd, &set,
                              qmp_arg_string(c, "opaque"), error)) {
        return NULL;
    }
    o = json_object_new();
    json_object_set_int_member(o, "fdset-id", set);
    json_object_set_int_member(o, "fd", fd);
    return qmp_object(o);
}

JsonNode *qmp_remove_fd(struct qmp_call *c, GError **error)
{
    return nothing_if(fdsets_remove(
        c->vm->monitors->fdsets, qmp_arg_int(c, "fdset-id", 0),
        (int)CLAMP(qmp_arg_int(c, "fd", -1), -1, INT_MAX), error));
}

JsonNode *qmp_query_fdsets(struct qmp_call *c, GError **error)
{
    const GArray *entries = c->vm->monitors->fdsets->entries;
    JsonArray *sets = json_array_new();
    JsonArray *fds = NULL;
    int64_t set = -1;

    for (guint i = 0; i < entries->len; i++) {
        const struct fdset_entry *e =
            &g_array_index(entries, struct fdset_entry, i);
        JsonObject *o = json_object_new();

        if (e->set != set) {
            JsonObject *in = json_object_new();

            set = e->set;
            fds = json_array_new();
            json_object_set_array_member(in, "fds", fds);
            json_object_set_int_member(in, "fdset-id", set);
            json_array_add_object_element(sets, in);
        }
        json_object_set_int_member(o, "fd", e->fd);
        if (e->opaque) {
            json_object_set_string_member(o, "opaque", e->opaque);
        }
        json_array_add_object_element(fds, o);
    }
    return qmp_array(sets);
}

JsonNode *qmp_getfd(struct qmp_call *c, GError **error)
{
    int fd = passed_fd(c, error);

    if (fd < 0) {
        return NULL;
    }
    fdsets_name(c->vm->monitors->fdsets, qmp_arg_string(c, "fdname"), fd);
    return qmp_nothing();
}

JsonNode *qmp_closefd(struct qmp_call *c, GError **error)
{
    return nothing_if(fdsets_close_name(c->vm->monitors->fdsets,
                                        qmp_arg_string(c, "fdname"), error));
}

/* --- passwords --- */

static const struct vnc_control *vnc_for(struct qmp_call *c,
                                         const char *protocol, GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;

    if (protocol && strcmp(protocol, "vnc") != 0) {
        fail(error, "Invalid parameter 'protocol': there is only 'vnc'");
        return NULL;
    }
    if (!vnc) {
        qmp_fail(error, QMP_DEVICE_NOT_ACTIVE,
                 "No VNC display has been activated");
    }
    return vnc;
}

JsonNode *qmp_set_password(struct qmp_call *c, GError **error)
{
    const struct vnc_control *vnc =
        vnc_for(c, qmp_arg_string(c, "protocol"), error);

    return nothing_if(
        vnc &&
        vnc->set_password(vnc->opaque, qmp_arg_string(c, "password"), error));
}

JsonNode *qmp_change_vnc_password(struct qmp_call *c, GError **error)
{
    const struct vnc_control *vnc = vnc_for(c, NULL, error);

    return nothing_if(
        vnc &&
        vnc->set_password(vnc->opaque, qmp_arg_string(c, "password"), error));
}

JsonNode *qmp_expire_password(struct qmp_call *c, GError **error)
{
    const struct vnc_control *vnc =
        vnc_for(c, qmp_arg_string(c, "protocol"), error);
    int64_t when;

    return nothing_if(
        vnc && action_expiry_time(qmp_arg_string(c, "time"), &when, error) &&
        vnc->expire_password(vnc->opaque, when, error));
}
