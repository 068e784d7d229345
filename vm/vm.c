/* SPDX-License-Identifier: MIT */
/*
 * Running, stopping, resetting, ending. What the guest or a device asks for
 * (machine_request) is acted upon here, on the main loop.
 */
#include "vm/vm.h"

#include <string.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/text.h"
#include "block/drive.h"
#include "hw/pc/pc_parts.h"
#include "vm/blockdev.h"
#include "vm/chardev.h"
#include "vm/defaults.h"
#include "vm/displays.h"
#include "vm/fsdevs.h"
#include "vm/monitors.h"
#include "vm/netdevs.h"
#include "vm/objects.h"
#include "vm/policy.h"
#include "vm/setup.h"

const char *vm_state_name(enum vm_state state)
{
    static const char *const names[] = {
        [VM_PRELAUNCH] = "prelaunch",  [VM_RUNNING] = "running",
        [VM_PAUSED] = "paused",        [VM_SHUTDOWN] = "shutdown",
        [VM_SUSPENDED] = "suspended",  [VM_PANICKED] = "guest-panicked",
        [VM_ERROR] = "internal-error", [VM_IO_ERROR] = "io-error",
    };
    return names[state];
}

static void vm_event(struct vm *vm, const char *name, const char *json)
{
    lock_enter(&vm->machine.lock);
    machine_event(&vm->machine, name, json);
    lock_leave(&vm->machine.lock);
}

void vm_stop(struct vm *vm, enum vm_state why)
{
    if (vm->state == VM_RUNNING) {
        vcpus_pause(&vm->vcpus);
        lock_enter(&vm->machine.lock);
        clock_stop(&vm->machine.clock);
        for (guint i = 0; i < vm->drives->len; i++) {
            drive_quiesce(vm->drives->pdata[i]);
        }
        vm->state = why;
        machine_event(&vm->machine, "STOP", NULL);
        lock_leave(&vm->machine.lock);
    } else if (vm->state == VM_SUSPENDED) {
        lock_enter(&vm->machine.lock);
        clock_stop(&vm->machine.clock);
        vm->state = why;
        machine_event(&vm->machine, "STOP", NULL);
        lock_leave(&vm->machine.lock);
    } else if (vm->state != VM_PRELAUNCH) {
        vm->state = why;
    }
}

/* S3: the CPUs stop, time goes on; so an alarm can end it. */
static void vm_suspend(struct vm *vm)
{
    if (vm->state != VM_RUNNING) {
        return;
    }
    vcpus_pause(&vm->vcpus);
    lock_enter(&vm->machine.lock);
    for (guint i = 0; i < vm->drives->len; i++) {
        drive_drain(vm->drives->pdata[i]);
    }
    vm->state = VM_SUSPENDED;
    vm->asleep = true;
    machine_event(&vm->machine, "SUSPEND", NULL);
    lock_leave(&vm->machine.lock);
}

void vm_cont(struct vm *vm)
{
    if (vm->state == VM_RUNNING || vm->state == VM_SUSPENDED ||
        vm->state == VM_SHUTDOWN || vm->state == VM_ERROR) {
        return;
    }
    lock_enter(&vm->machine.lock);
    vm->state = vm->asleep ? VM_SUSPENDED : VM_RUNNING;
    clock_start(&vm->machine.clock);
    for (guint i = 0; i < vm->drives->len; i++) {
        drive_retry(vm->drives->pdata[i]);
    }
    machine_event(&vm->machine, "RESUME", NULL);
    lock_leave(&vm->machine.lock);
    if (!vm->asleep) {
        vcpus_resume(&vm->vcpus);
    }
}

/* -boot once=: the second start and all after it have the usual order. */
static void vm_boot_once_over(struct vm *vm)
{
    struct dev *rtc = machine_find_type(&vm->machine, &rtc_type);

    if (vm->started && vm->boot_order_later && rtc) {
        pc_cmos_boot(container_of(rtc, struct rtc, dev), vm->boot_order_later);
        g_clear_pointer(&vm->boot_order_later, g_free);
    }
    vm->started = true;
}

/* Devices and CPUs, which stand still. */
static void vm_reset_machine(struct vm *vm, bool waking)
{
    lock_enter(&vm->machine.lock);
    for (guint i = 0; i < vm->drives->len; i++) {
        drive_drain(vm->drives->pdata[i]);
    }
    vm_boot_once_over(vm);
    vm->machine.waking = waking;
    machine_reset_devices(&vm->machine);
    vm->machine.waking = false;
    if (waking && vm->machine.board_wake) {
        vm->machine.board_wake(&vm->machine);
    }
    lock_leave(&vm->machine.lock);
    vcpus_reset(&vm->vcpus);
    vm->asleep = false;
}

static void vm_wake(struct vm *vm)
{
    vm_event(vm, "WAKEUP", NULL);
    vm_reset_machine(vm, true);
    vm->state = VM_RUNNING;
    vcpus_resume(&vm->vcpus);
}

void vm_reset(struct vm *vm)
{
    bool goes_on = vm->state == VM_RUNNING || vm->state == VM_SUSPENDED;

    if (vm->state == VM_RUNNING) {
        vcpus_pause(&vm->vcpus);
    }
    vm_reset_machine(vm, false);
    if (vm->state == VM_SHUTDOWN || vm->state == VM_ERROR ||
        vm->state == VM_PANICKED) {
        vm->state = VM_PAUSED;
    }
    vm_event(vm, "RESET",
             vm->reset_by_host
                 ? "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}"
                 : "{\"guest\": true, \"reason\": \"guest-reset\"}");
    vm->reset_by_host = false;
    if (goes_on) {
        vm->state = VM_RUNNING;
        vcpus_resume(&vm->vcpus);
    }
}

void vm_quit(struct vm *vm, const char *reason)
{
    vm->quit_reason = reason;
    g_main_loop_quit(vm->loop);
}

static void vm_shutdown(struct vm *vm, const char *reason)
{
    g_autofree char *json =
        g_strdup_printf("{\"guest\":true,\"reason\":\"%s\"}", reason);

    vm_stop(vm, VM_SHUTDOWN);
    vm_event(vm, "SHUTDOWN", json);
    if (!vm->actions.shutdown_pauses) {
        vm_quit(vm, NULL);
    }
}

static void vm_power_button(struct vm *vm)
{
    lock_enter(&vm->machine.lock);
    machine_event(&vm->machine, "POWERDOWN", NULL);
    if (vm->machine.board_powerdown) {
        vm->machine.board_powerdown(&vm->machine);
    }
    lock_leave(&vm->machine.lock);
}

/* The guest told pvpanic that it crashed. */
static void vm_panicked(struct vm *vm)
{
    switch (vm->actions.panic) {
    case PANIC_NONE:
        vm_event(vm, "GUEST_PANICKED", "{\"action\": \"run\"}");
        break;
    case PANIC_PAUSE:
        vm_stop(vm, VM_PANICKED);
        vm_event(vm, "GUEST_PANICKED", "{\"action\": \"pause\"}");
        break;
    default:
        vm_event(vm, "GUEST_PANICKED", "{\"action\": \"poweroff\"}");
        if (vm->actions.panic == PANIC_EXIT) {
            vm->machine.exit_code = 1;
        }
        vm_shutdown(vm, "guest-panic");
        break;
    }
}

static void vm_serve_power(struct vm *vm, unsigned requests)
{
    if (requests & MACHINE_SUSPEND) {
        vm_suspend(vm);
    }
    if (requests & MACHINE_WAKEUP && vm->state == VM_SUSPENDED) {
        vm_wake(vm);
    }
    if (requests & MACHINE_PANIC) {
        vm_panicked(vm);
    }
    if (requests & MACHINE_POWERDOWN) {
        vm_power_button(vm);
    }
}

static gboolean vm_serve(gpointer data)
{
    struct vm *vm = data;
    unsigned requests =
        __atomic_exchange_n(&vm->machine.requests, 0, __ATOMIC_ACQ_REL);

    if (requests & MACHINE_QUIT) {
        vm_quit(vm, "host-ui");
        return G_SOURCE_REMOVE;
    }
    if (requests & MACHINE_SHUTDOWN) {
        vm_shutdown(vm, "guest-shutdown");
    } else if (requests & MACHINE_RESET && vm->actions.reboot_ends) {
        vm_shutdown(vm, "guest-reset");
    } else if (requests & MACHINE_RESET) {
        vm_reset(vm);
    }
    if (requests & MACHINE_STOP) {
        vm_stop(vm, VM_PAUSED);
    }
    if (requests & MACHINE_IO_ERROR && vm->state == VM_RUNNING) {
        vm_stop(vm, VM_IO_ERROR);
    }
    vm_serve_power(vm, requests);
    return G_SOURCE_REMOVE;
}

/* Any thread. A CPU that asked for a reset should not run on for long. */
static void vm_requested(void *opaque)
{
    struct vm *vm = opaque;
    unsigned now = __atomic_load_n(&vm->machine.requests, __ATOMIC_ACQUIRE);

    if (now & (MACHINE_RESET | MACHINE_SHUTDOWN | MACHINE_QUIT) &&
        __atomic_exchange_n(&vm->vcpus.running, false, __ATOMIC_ACQ_REL)) {
        vcpus_raise(&vm->vcpus, X86_EV_EXIT);
    }
    g_idle_add_full(G_PRIORITY_DEFAULT, vm_serve, vm, NULL);
}

static gboolean vm_failed_on_loop(gpointer data)
{
    struct vm *vm = data;

    vm_stop(vm, VM_ERROR);
    return G_SOURCE_REMOVE;
}

static void vm_failed(void *opaque)
{
    g_idle_add(vm_failed_on_loop, opaque);
}

/* CPUs that chain translated code must look. */
static void vm_cpus_code_written(void *opaque, uint32_t *generation)
{
    struct vm *vm = opaque;

    vcpus_code_written(&vm->vcpus, generation);
}

static void vm_cpus_clean(void *opaque)
{
    struct vm *vm = opaque;

    vcpus_raise(&vm->vcpus, X86_EV_CLEAN);
}

static void vm_memory_changed(void *opaque)
{
    struct vm *vm = opaque;

    vcpus_raise(&vm->vcpus, X86_EV_FLUSH);
}

/* Hooks between the machine and its life. */
void vm_connect(struct vm *vm)
{
    struct machine *m = &vm->machine;

    m->vm = vm;
    m->requested = vm_requested;
    m->requested_opaque = vm;
    m->cpus_clean = vm_cpus_clean;
    m->cpus_code_written = vm_cpus_code_written;
    m->cpus_opaque = vm;
    vm->vcpus.failed = vm_failed;
    vm->vcpus.opaque = vm;
    space_listen(&m->memory, vm_memory_changed, vm);
}

static void vm_last_event(struct vm *vm)
{
    g_autofree char *json = g_strdup_printf(
        "{\"guest\": false, \"reason\": \"%s\"}", vm->quit_reason);

    if (vm->quit_reason) {
        vm_event(vm, "SHUTDOWN", json);
    }
    vm->machine.event = NULL; /* stopping for the end is no event */
}

int vm_run(struct vm *vm)
{
    struct machine *m = &vm->machine;

    vm_reset(vm);
    vcpus_start(&vm->vcpus);
    clock_start(&m->host_clock);
    if (vm->state == VM_PRELAUNCH && !vm->config->paused) {
        vm_cont(vm);
    }
    g_main_loop_run(vm->loop);
    vm_last_event(vm);
    if (vm->vcpus.running || vm->state == VM_RUNNING) {
        vm_stop(vm, VM_PAUSED);
    }
    return m->exit_code;
}

/* -name GUEST,process=NAME,debug-threads=on */
static bool vm_set_name(struct vm *vm, GError **error)
{
    static const char *const keys[] = {"guest", "process", "debug-threads",
                                       NULL};
    const char *text = vm->config->name;
    struct opts *o = text ? opts_parse(text, "guest", error) : opts_new();
    bool debug = false;
    const char *process;
    bool ok;

    if (!o) {
        return false;
    }
    vm->name = g_strdup(opts_get(o, "guest"));
    process = opts_get(o, "process");
    if (process) {
        prctl(PR_SET_NAME, process);
    }
    ok = opts_get_bool(o, "debug-threads", &debug, error) &&
         opts_check_used(o, "-name", keys, error);
    opts_free(o);
    return ok;
}

static bool vm_set_escape(struct vm *vm, GError **error)
{
    const char *text = vm->config->echr;
    uint64_t n = 1;

    if (text && !text_to_uint(text, 255, &n)) {
        return fail(error,
                    "-echr %s: want the code of a key, such as 1 for "
                    "Ctrl-A",
                    text);
    }
    vm->escape = (uint8_t)n;
    return true;
}

/* Nobody is at the terminal of a daemon. */
static bool vm_check_stdio(const struct vm *vm, GError **error)
{
    return !vm->config->daemonize || !chardevs_use_stdio(&vm->machine) ||
           fail(error, "-nographic and stdio cannot be used with -daemonize");
}

bool vm_create(struct vm *vm, struct config *c, GError **error)
{
    struct machine *m = &vm->machine;
    bool ok;

    memset((void *)vm, 0, sizeof(*vm));
    vm->config = c;
    defaults_apply(c);
    vm->loop = g_main_loop_new(NULL, FALSE);
    vm->drives = g_ptr_array_new();
    vm->objects = g_ptr_array_new();
    vm->nodes = g_ptr_array_new();
    vm->data = datadirs_new();
    for (guint i = 0; i < c->data_dir->len; i++) {
        datadirs_prepend(vm->data, c->data_dir->pdata[i]);
    }
    machine_init(m);
    m->data = vm->data;
    vm_connect(vm);
    input_init(&vm->input);
    m->input = &vm->input;
    monitors_init(vm);
    lock_enter(&m->lock);
    ok = vm_set_escape(vm, error) && policy_init(&vm->actions, c, error) &&
         vm_set_name(vm, error) && monitors_add_fds(vm, error) &&
         clock_attach(&m->clock, NULL, error) &&
         clock_attach(&m->host_clock, NULL, error) && vm_setup(vm, error) &&
         monitors_create(vm, error) && displays_create(vm, error) &&
         vm_check_stdio(vm, error);
    lock_leave(&m->lock);
    return ok;
}

void vm_destroy(struct vm *vm)
{
    struct machine *m = &vm->machine;

    vcpus_end(&vm->vcpus);
    while (g_idle_remove_by_data(vm)) {
        /* requests that nobody will serve */
    }
    lock_enter(&m->lock);
    displays_free(vm);
    monitors_free(vm);
    while (m->devices->len) {
        dev_unrealize(m->devices->pdata[m->devices->len - 1]);
    }
    netdevs_free(m);
    chardevs_close(m);
    fsdevs_free(m);
    lock_leave(&m->lock);
    for (guint i = 0; i < vm->drives->len; i++) {
        drive_free(vm->drives->pdata[i]);
    }
    vcpus_clear(&vm->vcpus);
    machine_clear(m);
    input_clear(&vm->input);
    g_ptr_array_free(vm->drives, TRUE);
    datadirs_free(vm->data);
    objects_free(vm);
    blockdevs_free(vm);
    machine_options_clear(&vm->machine_options);
    g_clear_pointer(&vm->smbios_opts, g_ptr_array_unref);
    g_clear_pointer(&vm->oem_strings, g_ptr_array_unref);
    g_clear_pointer(&vm->smbios_files, g_ptr_array_unref);
    g_clear_pointer(&vm->acpi_extra, g_ptr_array_unref);
    g_free(vm->cpu_model);
    g_free(vm->boot_order);
    g_free(vm->boot_order_later);
    g_free(vm->name);
    g_main_loop_unref(vm->loop);
}
