/* SPDX-License-Identifier: MIT */
#include "vm/monitors.h"

#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "vm/chardev.h"
#include "vm/fdset.h"
#include "vm/hmp.h"
#include "vm/keyqueue.h"
#include "vm/qmp.h"
#include "vm/qtest.h"

/* --- CPUs that stand still --- */

bool cpus_hold(struct vm *vm)
{
    bool running = vm->state == VM_RUNNING;
    const struct accel *a = vm->vcpus.accel;

    if (running) {
        vcpus_pause(&vm->vcpus);
    }
    for (unsigned i = 0; a->state_get && i < vm->vcpus.count; i++) {
        a->state_get(vm->vcpus.vcpu[i]);
    }
    return running;
}

/* A reset or the end that is asked for resumes them itself, or does not. */
void cpus_release(struct vm *vm, bool resume)
{
    unsigned requests =
        __atomic_load_n(&vm->machine.requests, __ATOMIC_ACQUIRE);

    if (resume && vm->state == VM_RUNNING &&
        !(requests & (MACHINE_RESET | MACHINE_SHUTDOWN | MACHINE_QUIT))) {
        vcpus_resume(&vm->vcpus);
    }
}

/* --- who talks --- */

static void monitors_event(void *opaque, const char *name, const char *json)
{
    const struct vm *vm = opaque;

    for (guint i = 0; i < vm->monitors->qmp->len; i++) {
        qmp_event(vm->monitors->qmp->pdata[i], name, json);
    }
}

void monitors_init(struct vm *vm)
{
    struct monitors *mon = g_new0(struct monitors, 1);

    mon->qmp = g_ptr_array_new();
    mon->hmp = g_ptr_array_new();
    mon->fdsets = fdsets_new();
    mon->keys = keyqueue_new(&vm->machine);
    vm->monitors = mon;
    vm->machine.event = monitors_event;
    vm->machine.event_opaque = vm;
}

static bool add_qmp(struct vm *vm, struct chardev *c, GError **error)
{
    struct qmp *q = qmp_new(vm, c, error);

    if (q) {
        g_ptr_array_add(vm->monitors->qmp, q);
    }
    return q;
}

static bool add_hmp(struct vm *vm, struct chardev *c, GError **error)
{
    struct hmp *h = hmp_new(vm, c, error);

    if (h) {
        g_ptr_array_add(vm->monitors->hmp, h);
    }
    return h;
}

/* Texts of -qmp or -monitor. */
static bool add_from_texts(struct vm *vm, const GPtrArray *texts,
                           const char *prefix,
                           bool (*add)(struct vm *vm, struct chardev *c,
                                       GError **error),
                           GError **error)
{
    for (guint i = 0; i < texts->len; i++) {
        g_autofree char *id = g_strdup_printf("%s%u", prefix, i);
        struct chardev *c;

        if (!chardev_from_text(&vm->machine, id, texts->pdata[i], &c, NULL,
                               error) ||
            (c && !add(vm, c, error))) {
            return false;
        }
    }
    return true;
}

static bool add_mon(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {"chardev", "mode", "pretty", NULL};
    static const char *const modes[] = {"readline", "control", NULL};
    const char *id = opts_get(o, "chardev");
    const char *mode = opts_get(o, "mode");
    g_autofree char *text = NULL;
    struct chardev *c;

    opts_get(o, "pretty");
    if (!id) {
        return fail(error, "-mon wants chardev=ID[,mode=control]");
    }
    if (mode && !g_strv_contains(modes, mode)) {
        return fail_unknown(error, "-mon mode", mode, modes);
    }
    text = g_strconcat("chardev:", id, NULL);
    return opts_check_used(o, "-mon", keys, error) &&
           chardev_from_text(&vm->machine, id, text, &c, NULL, error) &&
           (g_strcmp0(mode, "control") == 0 ? add_qmp(vm, c, error)
                                            : add_hmp(vm, c, error));
}

static bool add_mons(struct vm *vm, GError **error)
{
    const GPtrArray *texts = vm->config->mon;

    for (guint i = 0; i < texts->len; i++) {
        struct opts *o = opts_parse(texts->pdata[i], "chardev", error);
        bool ok = o && add_mon(vm, o, error);

        opts_free(o);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* mon:... on a serial line. */
static bool add_mux(struct vm *vm, GError **error)
{
    struct chardev *port;

    if (!vm->mux) {
        return true;
    }
    port = chardev_mux_port(vm->mux);
    return port ? add_hmp(vm, port, error)
                : fail(error, "too many users of chardev '%s'", vm->mux->id);
}

static bool add_qtest(struct vm *vm, GError **error)
{
    const struct config *c = vm->config;
    struct chardev *chardev;

    if (!c->qtest) {
        return true;
    }
    if (!chardev_from_text(&vm->machine, "qtest", c->qtest, &chardev, NULL,
                           error)) {
        return false;
    }
    if (!chardev) {
        return fail(error, "-qtest %s: want a stream", c->qtest);
    }
    vm->monitors->qtest = qtest_new(&vm->machine, chardev, c->qtest_log, error);
    return vm->monitors->qtest;
}

static bool add_fd(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {"fd", "set", "opaque", NULL};
    const char *opaque = opts_get(o, "opaque");
    uint64_t fd = 0;
    uint64_t set = 0;
    int64_t in;
    int copy;

    if (!opts_get_uint(o, "fd", 1 << 20, &fd, error) ||
        !opts_get_uint(o, "set", INT32_MAX, &set, error) ||
        !opts_check_used(o, "-add-fd", keys, error)) {
        return false;
    }
    copy = fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return fail_errno(error, "-add-fd: fd=%d", (int)fd);
    }
    in = (int64_t)set;
    return fdsets_add(vm->monitors->fdsets, copy, &in, opaque, error);
}

bool monitors_add_fds(struct vm *vm, GError **error)
{
    const GPtrArray *texts = vm->config->add_fd;

    for (guint i = 0; i < texts->len; i++) {
        struct opts *o = opts_parse(texts->pdata[i], NULL, error);
        bool ok = o && add_fd(vm, o, error);

        opts_free(o);
        if (!ok) {
            return false;
        }
    }
    return true;
}

bool monitors_create(struct vm *vm, GError **error)
{
    const struct config *c = vm->config;

    return add_mux(vm, error) &&
           add_from_texts(vm, c->monitor, "monitor", add_hmp, error) &&
           add_from_texts(vm, c->qmp, "compat_monitor", add_qmp, error) &&
           add_mons(vm, error) && add_qtest(vm, error);
}

void monitors_free(struct vm *vm)
{
    struct monitors *mon = vm->monitors;

    vm->machine.event = NULL;
    for (guint i = 0; i < mon->qmp->len; i++) {
        qmp_free(mon->qmp->pdata[i]);
    }
    for (guint i = 0; i < mon->hmp->len; i++) {
        hmp_free(mon->hmp->pdata[i]);
    }
    qtest_free(mon->qtest);
    g_ptr_array_free(mon->qmp, TRUE);
    g_ptr_array_free(mon->hmp, TRUE);
    keyqueue_free(mon->keys);
    fdsets_free(mon->fdsets);
    g_clear_pointer(&vm->monitors, g_free);
}
