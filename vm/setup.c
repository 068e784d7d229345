/* SPDX-License-Identifier: MIT */
/*
 * From a configuration to a machine that could run.
 */
#include "vm/setup.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hw/block/virtio_blk.h"
#include "ui/input.h"
#include "vm/blockdev.h"
#include "vm/chardev.h"
#include "vm/devices.h"
#include "vm/drives.h"
#include "vm/fsdevs.h"
#include "vm/netdevs.h"
#include "vm/objects.h"
#include "vm/text_opts.h"
#include "vm/usb.h"

/* --- the clock on the wall --- */

static bool rtc_base(struct machine *m, const char *base, GError **error)
{
    g_autoptr(GDateTime) date = NULL;
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    if (strcmp(base, "utc") == 0) {
        return true;
    }
    if (strcmp(base, "localtime") == 0) {
        m->rtc_local = true;
        return true;
    }
    date = g_date_time_new_from_iso8601(base, utc);
    if (!date && strlen(base) == 10) {
        g_autofree char *midnight = g_strconcat(base, "T00:00:00", NULL);

        date = g_date_time_new_from_iso8601(midnight, utc);
    }
    if (!date) {
        return fail(error,
                    "-rtc base=%s: want utc, localtime or a date such as "
                    "2006-06-17T16:01:21",
                    base);
    }
    m->rtc_offset +=
        g_date_time_to_unix(date) * NS_PER_SECOND - machine_rtc_ns(m);
    return true;
}

static bool rtc_options(struct machine *m, struct opts *o, GError **error)
{
    static const char *const keys[] = {"base", "clock", "driftfix", NULL};
    const char *base = opts_get(o, "base");
    const char *clock = opts_get(o, "clock");

    opts_get(o, "driftfix");
    if (clock && strcmp(clock, "vm") == 0) {
        int64_t now = machine_rtc_ns(m);

        m->rtc_from_clock = true;
        m->rtc_offset += now - machine_rtc_ns(m);
    } else if (clock && strcmp(clock, "host") != 0 &&
               strcmp(clock, "rt") != 0) {
        return fail(error, "-rtc clock=%s: want host or vm", clock);
    }
    return (!base || rtc_base(m, base, error)) &&
           opts_check_used(o, "-rtc", keys, error);
}

static bool setup_rtc(struct vm *vm, GError **error)
{
    struct config *c = vm->config;
    struct machine *m = &vm->machine;
    struct opts *o;
    bool ok;

    m->rtc_local = c->localtime;
    if (c->startdate && strcmp(c->startdate, "now") != 0 &&
        !rtc_base(m, c->startdate, error)) {
        return false;
    }
    if (!c->rtc) {
        return true;
    }
    o = opts_parse(c->rtc, "base", error);
    ok = o && rtc_options(m, o, error);
    opts_free(o);
    return ok;
}

/* --- streams --- */

static bool setup_serials(struct vm *vm, GError **error)
{
    struct config *c = vm->config;

    if (c->serial->len > BOARD_SERIALS || c->parallel->len > BOARD_PARALLELS) {
        return fail(error, "at most %d serial and %d parallel ports",
                    BOARD_SERIALS, BOARD_PARALLELS);
    }
    for (guint i = 0; i < c->serial->len; i++) {
        g_autofree char *id = g_strdup_printf("serial%u", i);
        bool monitor = false;

        if (!chardev_from_text(&vm->machine, id, c->serial->pdata[i],
                               &vm->board.serial[i], &monitor, error)) {
            return false;
        }
        if (monitor) {
            vm->mux = vm->board.serial[i];
        }
    }
    for (guint i = 0; i < c->parallel->len; i++) {
        g_autofree char *id = g_strdup_printf("parallel%u", i);

        if (!chardev_from_text(&vm->machine, id, c->parallel->pdata[i],
                               &vm->board.parallel[i], NULL, error)) {
            return false;
        }
    }
    return !c->debugcon ||
           chardev_from_text(&vm->machine, "debugcon", c->debugcon,
                             &vm->board.debugcon, NULL, error);
}

static bool setup_chardevs(struct vm *vm, GError **error)
{
    struct config *c = vm->config;

    for (guint i = 0; i < c->chardev->len; i++) {
        if (!chardev_from_opts(&vm->machine, c->chardev->pdata[i], error)) {
            return false;
        }
    }
    return setup_serials(vm, error);
}

/* The device tells the guest, where it is to know; clients hear of it here. */
static void drive_failed(void *opaque, const struct drive *d, bool write,
                         int error, enum drive_policy action)
{
    static const char *const actions[] = {[DRIVE_REPORT] = "report",
                                          [DRIVE_IGNORE] = "ignore",
                                          [DRIVE_STOP] = "stop"};
    struct vm *vm = opaque;
    const struct node *n = blockdev_of(vm, d);
    g_autofree char *json = g_strdup_printf(
        "{\"device\": \"%s\", \"node-name\": \"%s\", \"operation\": \"%s\", "
        "\"action\": \"%s\", \"nospace\": %s, \"reason\": \"%s\"}",
        d->id, n ? n->name : "", write ? "write" : "read", actions[action],
        error == ENOSPC ? "true" : "false", g_strerror(error));

    machine_event(&vm->machine, "BLOCK_IO_ERROR", json);
    if (action == DRIVE_STOP) {
        machine_request(&vm->machine, MACHINE_IO_ERROR);
    }
}

static void watch_drives(struct vm *vm)
{
    for (guint i = 0; i < vm->drives->len; i++) {
        struct drive *d = vm->drives->pdata[i];

        d->failed = drive_failed;
        d->failed_opaque = vm;
    }
}

static bool setup_drives(struct vm *vm, GError **error)
{
    struct config *c = vm->config;

    for (guint i = 0; i < c->drive->len; i++) {
        if (!drive_from_text(&vm->machine, vm->drives, c->drive->pdata[i],
                             c->snapshot, error)) {
            return false;
        }
    }
    for (guint i = 0; i < c->blockdev->len; i++) {
        struct opts *o = opts_from_text(c->blockdev->pdata[i], "driver", error);

        if (!o || !blockdev_add(vm, o, error)) {
            return g_prefix_error_literal(error, "-blockdev: "), false;
        }
    }
    if (!blockdevs_setup(vm, error)) {
        return false;
    }
    watch_drives(vm);
    return true;
}

/* --- the board --- */

static void setup_board_config(struct vm *vm, const struct machine_options *mo)
{
    struct config *c = vm->config;
    struct board_config *b = &vm->board;

    b->data = vm->data;
    b->bios = c->bios ? c->bios : mo->firmware;
    b->kernel = c->kernel ? c->kernel : mo->kernel;
    b->initrd = c->initrd ? c->initrd : mo->initrd;
    b->append = c->append ? c->append : mo->append;
    b->max_low = mo->max_low;
    b->oem_id = mo->oem_id;
    b->oem_table_id = mo->oem_table_id;
    b->vga = c->vga;
    b->name = vm->name;
    b->uuid = c->uuid;
    b->nographic = c->nographic || !mo->graphics;
    b->defaults = !c->nodefaults;
    b->acpi = mo->acpi;
    b->hpet = mo->hpet;
    b->smm = mo->smm;
    b->usb = mo->usb;
    b->drives = vm->drives;
    b->vcpus = &vm->vcpus;
}

/* -drive if=virtio, behind what -device named, as QEMU has them. */
static bool plug_virtio_drives(struct vm *vm, GError **error)
{
    for (guint i = 0; i < vm->drives->len; i++) {
        struct drive *d = vm->drives->pdata[i];

        if (d->bus == DRIVE_IF_VIRTIO && !d->attached &&
            !virtio_blk_plug_drive(&vm->machine, d, error)) {
            return false;
        }
    }
    return true;
}

/* -fsdev and -virtfs; the latter's devices join those of -device. */
static bool setup_folders(struct vm *vm, GError **error)
{
    struct config *c = vm->config;

    for (guint i = 0; i < c->fsdev->len; i++) {
        if (!fsdev_add_text(&vm->machine, c->fsdev->pdata[i], error)) {
            return false;
        }
    }
    for (guint i = 0; i < c->virtfs->len; i++) {
        g_autofree char *device =
            virtfs_add_text(&vm->machine, c->virtfs->pdata[i], error);

        if (!device || !device_add_text(&vm->machine, device, error)) {
            return false;
        }
    }
    return true;
}

static bool setup_devices(struct vm *vm, GError **error)
{
    if (!setup_folders(vm, error) || !usb_setup(vm, error)) {
        return false;
    }
    for (guint i = 0; i < vm->config->device->len; i++) {
        if (!device_add_text(&vm->machine, vm->config->device->pdata[i],
                             error)) {
            return false;
        }
    }
    return plug_virtio_drives(vm, error) &&
           drives_check_used(vm->drives, error);
}

/* Where a test steps the clock, the RTC begins with the host's time too. */
static void setup_manual_clock(struct machine *m)
{
    int64_t now = machine_rtc_ns(m);

    clock_set_manual(&m->clock);
    m->rtc_offset += now - machine_rtc_ns(m);
}

/* -object, -global, -readconfig and others that name no device. */
static bool setup_objects(struct vm *vm, GError **error)
{
    const struct config *c = vm->config;

    for (guint i = 0; i < c->object->len; i++) {
        if (!object_add_text(vm, c->object->pdata[i], error)) {
            return false;
        }
    }
    for (guint i = 0; i < c->global->len; i++) {
        if (!device_add_global(&vm->machine, c->global->pdata[i], error)) {
            return false;
        }
    }
    return true;
}

static bool setup_build(struct vm *vm, struct machine_options *mo,
                        GError **error)
{
    vm->board.accel = accel_choose(vm, mo, error);
    if (vm->board.accel && vm->board.accel->no_cpus) {
        setup_manual_clock(&vm->machine);
    }
    if (!vm->board.accel || !setup_objects(vm, error) ||
        !setup_memory(vm, mo->memory, error) || !setup_smp(vm, error) ||
        !setup_rtc(vm, error) || !setup_chardevs(vm, error) ||
        !setup_drives(vm, error) || !setup_boot(vm, error) ||
        !setup_tables(vm, error)) {
        return false;
    }
    setup_cpu_model(vm);
    setup_board_config(vm, mo);
    if (!vm->board.kernel && (vm->board.initrd || vm->board.append)) {
        return fail(error, "%s: only with -kernel",
                    vm->board.initrd ? "-initrd" : "-append");
    }
    return vm->board_type->build(&vm->machine, &vm->board, error) &&
           setup_firmware_files(vm, error) && netdevs_setup(vm, error) &&
           setup_devices(vm, error);
}

bool vm_setup(struct vm *vm, GError **error)
{
    struct machine_options *mo = &vm->machine_options;

    if (!machine_options_parse(mo, vm->config, error)) {
        return false;
    }
    vm->board_type = board_find(mo->type, error);
    return vm->board_type && setup_build(vm, mo, error);
}
