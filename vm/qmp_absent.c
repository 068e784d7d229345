/* SPDX-License-Identifier: MIT */
/*
 * QMP commands about what this machine does not have: callers ask for them
 * all the same, and want the answer that says so.
 */
#include <string.h>

#include "vm/qmp_commands.h"

static JsonNode *no(GError **error, const char *what)
{
    fail(error, "%s", what);
    return NULL;
}

JsonNode *qmp_block_set_io_throttle(struct qmp_call *c, GError **error)
{
    return no(error, "drives cannot be slowed down yet");
}

JsonNode *qmp_dump_guest_memory(struct qmp_call *c, GError **error)
{
    return no(error, "guest memory cannot be dumped as a core file yet; "
                     "pmemsave writes it as it is");
}

JsonNode *qmp_query_dump(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "total", 0);
    json_object_set_string_member(o, "status", "none");
    json_object_set_int_member(o, "completed", 0);
    return qmp_object(o);
}

JsonNode *qmp_migrate(struct qmp_call *c, GError **error)
{
    return no(error, "there is no migration yet");
}

/* A state of "false" is the one that every capability has. */
JsonNode *qmp_migrate_set_capabilities(struct qmp_call *c, GError **error)
{
    JsonArray *a = qmp_arg_list(c, "capabilities");

    for (guint i = 0; i < json_array_get_length(a); i++) {
        JsonNode *node = json_array_get_element(a, i);
        JsonObject *o =
            JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
        const char *name = o ? json_object_get_string_member_with_default(
                                   o, "capability", NULL)
                             : NULL;

        if (!name) {
            return no(error, "Parameter 'capability' is missing");
        }
        if (json_object_get_boolean_member_with_default(o, "state", false) &&
            strcmp(name, "events") != 0) {
            return no(error, "there is no migration yet");
        }
    }
    return qmp_nothing();
}

JsonNode *qmp_query_migrate_capabilities(struct qmp_call *c, GError **error)
{
    JsonArray *a = json_array_new();
    JsonObject *o = json_object_new();

    json_object_set_boolean_member(o, "state", false);
    json_object_set_string_member(o, "capability", "events");
    json_array_add_object_element(a, o);
    return qmp_array(a);
}

JsonNode *qmp_query_sev(struct qmp_call *c, GError **error)
{
    return no(error, "SEV is not enabled in KVM");
}

JsonNode *qmp_query_sgx(struct qmp_call *c, GError **error)
{
    return no(error, "SGX is not enabled in KVM");
}

JsonNode *qmp_query_dirty_rate(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "status", "unstarted");
    json_object_set_int_member(o, "sample-pages", 0);
    json_object_set_string_member(o, "mode", "page-sampling");
    json_object_set_int_member(o, "start-time", 0);
    json_object_set_int_member(o, "calc-time", 0);
    return qmp_object(o);
}

JsonNode *qmp_query_replay(struct qmp_call *c, GError **error)
{
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "icount", 0);
    json_object_set_string_member(o, "mode", "none");
    return qmp_object(o);
}

JsonNode *qmp_job_absent(struct qmp_call *c, GError **error)
{
    fail(error, "Job not found");
    return NULL;
}
