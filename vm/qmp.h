/* SPDX-License-Identifier: MIT */
/*
 * QMP: JSON commands, answers and events, as libxl, libvirt, Packer and many
 * scripts speak it. One client at a time on each server; every client gets
 * every event once it has sent qmp_capabilities.
 *
 * Not there: out-of-band execution (not offered in the greeting).
 */
#ifndef VM_QMP_H
#define VM_QMP_H

#include "vm/qmp_error.h"
#include "vm/qmp_json.h"
#include "vm/session.h"
#include "vm/vm.h"

struct qmp {
    struct session session;
    struct vm *vm;
    struct json_stream stream;
    char pending[4096]; /* taken from the session, not yet looked at */
    size_t at, len;
    bool negotiated;
};

/* What a command gets. */
struct qmp_call {
    struct qmp *qmp;
    struct vm *vm;
    JsonObject *args; /* checked against the command's table row */
};

enum {
    QMP_UNLOCKED = 1 << 0, /* runs without the machine lock */
    QMP_PAUSED = 1 << 1,   /* CPUs stand still, their state is current */
};

struct qmp_command {
    const char *name;
    JsonNode *(*run)(struct qmp_call *c, GError **error); /* NULL: failed */
    const char *args; /* "name:type,name:type?": s string, i integer, b bool,
                         n number, o object, l list, a anything; ? optional */
    unsigned flags;
};

/* A server on a chardev. Lock held. */
struct qmp *qmp_new(struct vm *vm, struct chardev *c, GError **error);
void qmp_free(struct qmp *q);
/* Lock held. json: an object's text, or NULL. */
void qmp_event(struct qmp *q, const char *name, const char *json);

/* Ends with a row without a name. */
extern const struct qmp_command qmp_commands[];

/* The n-th event that there is; NULL behind the last. */
const char *qmp_event_name(size_t n);
/* A CPU's object: NULL where the path names none. */
struct x86_cpu *qmp_path_cpu(struct vm *vm, const char *path);
JsonObject *qmp_cpu_values(struct vm *vm, const struct x86_cpu *cpu);

/* --- for commands --- */

JsonNode *qmp_nothing(void); /* {} */
JsonNode *qmp_object(JsonObject *o);
JsonNode *qmp_array(JsonArray *a);
/* NULL, or the default, where the argument is not there. */
const char *qmp_arg_string(const struct qmp_call *c, const char *name);
int64_t qmp_arg_int(const struct qmp_call *c, const char *name, int64_t def);
bool qmp_arg_bool(const struct qmp_call *c, const char *name, bool def);
JsonObject *qmp_arg_object(const struct qmp_call *c, const char *name);
JsonArray *qmp_arg_list(const struct qmp_call *c, const char *name);

#endif
