/* SPDX-License-Identifier: MIT */
/*
 * From a configuration to a machine that could run.
 */
#include "vm/setup.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "ui/input.h"
#include "vm/chardev.h"
#include "vm/devices.h"
#include "vm/drives.h"
#include "vm/vm.h"

/* --- -machine, -accel --- */

static const char *const machine_keys[] = {"type",
                                           "accel",
                                           "acpi",
                                           "hpet",
                                           "smm",
                                           "usb",
                                           "vmport",
                                           "graphics",
                                           "suppress-vmdesc",
                                           "dump-guest-core",
                                           "mem-merge",
                                           "pcspk-audiodev",
                                           "kernel-irqchip",
                                           "kernel_irqchip",
                                           "max-ram-below-4g",
                                           "fd-bootchk",
                                           "kernel",
                                           "initrd",
                                           "append",
                                           "memory-backend",
                                           "pic",
                                           "pit",
                                           "sata",
                                           "i8042",
                                           NULL};

struct machine_options {
    char *type;
    char *accel;
    bool acpi, hpet, smm;
};

static bool machine_option_values(struct machine_options *mo, struct opts *o,
                                  GError **error)
{
    static const char *const accepted[] = {"usb",
                                           "vmport",
                                           "graphics",
                                           "suppress-vmdesc",
                                           "dump-guest-core",
                                           "mem-merge",
                                           "pcspk-audiodev",
                                           "kernel-irqchip",
                                           "kernel_irqchip",
                                           "max-ram-below-4g",
                                           "fd-bootchk",
                                           "pic",
                                           "pit",
                                           "sata",
                                           "i8042"};
    const char *type = opts_get(o, "type");
    const char *accel = opts_get(o, "accel");
    const char *smm = opts_get(o, "smm");

    for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
        opts_get(o, accepted[i]);
    }
    if (type) {
        g_free(mo->type);
        mo->type = g_strdup(type);
    }
    if (accel) {
        g_free(mo->accel);
        mo->accel = g_strdup(accel);
    }
    if (smm && strcmp(smm, "auto") != 0 && !text_to_bool(smm, &mo->smm)) {
        return fail(error, "smm=%s: want on, off or auto", smm);
    }
    return opts_get_bool(o, "acpi", &mo->acpi, error) &&
           opts_get_bool(o, "hpet", &mo->hpet, error) &&
           opts_check_used(o, "machine", machine_keys, error);
}

static bool machine_options(struct machine_options *mo, struct config *c,
                            GError **error)
{
    *mo = (struct machine_options){
        .acpi = !c->no_acpi, .hpet = !c->no_hpet, .smm = true};
    for (guint i = 0; i < c->machine->len; i++) {
        struct opts *o = opts_parse(c->machine->pdata[i], "type", error);
        bool ok = o && machine_option_values(mo, o, error);

        opts_free(o);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* "kvm:tcg": the first one that works here. */
static const struct accel *accel_choose(const char *list, GError **error)
{
    g_auto(GStrv) names = g_strsplit(list, ":", -1);

    for (char **n = names; *n; n++) {
        g_auto(GStrv) parts = g_strsplit(*n, ",", 2);
        g_autoptr(GError) why = NULL;
        const struct accel *a = accel_find(parts[0] ? parts[0] : "", &why);

        if (a && (!a->available || a->available(&why))) {
            return a;
        }
        if (!n[1]) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
        warn_user("%s; trying %s", why->message, n[1]);
    }
    fail(error, "-accel wants a name");
    return NULL;
}

/* --- numbers --- */

static bool setup_memory(struct vm *vm, GError **error)
{
    struct machine *m = &vm->machine;
    struct opts *o;
    bool ok;

    m->ram_size = vm->board_type->default_ram;
    if (!vm->config->memory) {
        return true;
    }
    o = opts_parse(vm->config->memory, "size", error);
    if (!o) {
        return false;
    }
    opts_get(o, "maxmem");
    opts_get(o, "slots");
    ok = opts_get_size(o, "size", MIB, &m->ram_size, error);
    opts_free(o);
    if (!ok) {
        return g_prefix_error_literal(error, "-m: "), false;
    }
    m->ram_size = (m->ram_size + MIB - 1) & ~(MIB - 1);
    if (m->ram_size < MIB || m->ram_size > 2 * 1024 * GIB) {
        return fail(error, "-m %s: want between 1 MiB and 2 TiB",
                    vm->config->memory);
    }
    return true;
}

static bool smp_counts(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {
        "cpus",     "sockets", "cores",   "threads", "dies", "maxcpus",
        "clusters", "books",   "drawers", "modules", NULL};
    static const char *const parts[] = {"sockets", "dies",  "clusters",
                                        "modules", "cores", "threads"};
    struct machine *m = &vm->machine;
    uint64_t cpus = 0;
    uint64_t max = 0;
    uint64_t product = 1;

    if (!opts_get_uint(o, "cpus", 4096, &cpus, error) ||
        !opts_get_uint(o, "maxcpus", 4096, &max, error)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        uint64_t n = 1;

        if (!opts_get_uint(o, parts[i], 4096, &n, error)) {
            return false;
        }
        product *= n ? n : 1;
    }
    if (cpus == 0 && opts_has(o, "cpus")) {
        return fail(error, "-smp %s: want at least one CPU", vm->config->smp);
    }
    cpus = cpus ? cpus : max ? max : product;
    max = max ? max : MAX(cpus, product);
    if (cpus == 0 || cpus > max || max > vm->board_type->max_cpus) {
        return fail(error, "-smp %s: machine '%s' takes 1 to %u CPUs",
                    vm->config->smp, vm->board_type->name,
                    vm->board_type->max_cpus);
    }
    m->cpus = (unsigned)cpus;
    m->max_cpus = (unsigned)max;
    return opts_check_used(o, "-smp", keys, error);
}

static bool setup_smp(struct vm *vm, GError **error)
{
    struct opts *o;
    bool ok;

    if (!vm->config->smp) {
        return true;
    }
    o = opts_parse(vm->config->smp, "cpus", error);
    ok = o && smp_counts(vm, o, error);
    opts_free(o);
    return ok;
}

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

static bool setup_drives(struct vm *vm, GError **error)
{
    struct config *c = vm->config;

    for (guint i = 0; i < c->drive->len; i++) {
        if (!drive_from_text(&vm->machine, vm->drives, c->drive->pdata[i],
                             c->snapshot, error)) {
            return false;
        }
    }
    return true;
}

/* --- boot --- */

static bool boot_options(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {
        "order",  "once",        "menu",           "splash",
        "strict", "splash-time", "reboot-timeout", NULL};
    struct board_config *b = &vm->board;
    const char *order = opts_get(o, "order");
    const char *once = opts_get(o, "once");
    uint64_t splash = 0;

    opts_get(o, "splash");
    opts_get(o, "reboot-timeout");
    if (!opts_get_bool(o, "menu", &b->boot_menu, error) ||
        !opts_get_bool(o, "strict", &b->boot_strict, error) ||
        !opts_get_uint(o, "splash-time", 65535, &splash, error)) {
        return false;
    }
    b->splash_ms = (uint32_t)splash;
    order = once ? once : order;
    if (order && strspn(order, "abcdefghijklmnop") != strlen(order)) {
        return fail(error, "-boot order=%s: letters a, b, c, d, n only", order);
    }
    vm->boot_order = g_strdup(order ? order : "cad");
    b->boot_order = vm->boot_order;
    return opts_check_used(o, "-boot", keys, error);
}

static bool setup_boot(struct vm *vm, GError **error)
{
    const char *text = vm->config->boot ? vm->config->boot : "";
    struct opts *o = opts_parse(text, "order", error);
    bool ok = o && boot_options(vm, o, error);

    opts_free(o);
    return ok;
}

static void setup_board_config(struct vm *vm, const struct machine_options *mo)
{
    struct config *c = vm->config;
    struct board_config *b = &vm->board;

    b->cpu_model = c->cpu;
    b->data = vm->data;
    b->bios = c->bios;
    b->kernel = c->kernel;
    b->initrd = c->initrd;
    b->append = c->append;
    b->vga = c->vga;
    b->name = vm->name;
    b->uuid = c->uuid;
    b->nographic = c->nographic;
    b->defaults = !c->nodefaults;
    b->acpi = mo->acpi;
    b->hpet = mo->hpet;
    b->smm = mo->smm;
    b->drives = vm->drives;
    b->vcpus = &vm->vcpus;
}

static bool setup_devices(struct vm *vm, GError **error)
{
    for (guint i = 0; i < vm->config->device->len; i++) {
        if (!device_add_text(&vm->machine, vm->config->device->pdata[i],
                             error)) {
            return false;
        }
    }
    return drives_check_used(vm->drives, error);
}

/* Where a test steps the clock, the RTC begins with the host's time too. */
static void setup_manual_clock(struct machine *m)
{
    int64_t now = machine_rtc_ns(m);

    clock_set_manual(&m->clock);
    m->rtc_offset += now - machine_rtc_ns(m);
}

static bool setup_build(struct vm *vm, const struct machine_options *mo,
                        GError **error)
{
    const char *accel = vm->config->qtest        ? "qtest"
                        : vm->config->accel      ? vm->config->accel
                        : mo->accel              ? mo->accel
                        : vm->config->enable_kvm ? "kvm"
                                                 : "tcg";

    vm->board.accel = accel_choose(accel, error);
    if (vm->board.accel && vm->board.accel->no_cpus) {
        setup_manual_clock(&vm->machine);
    }
    if (!vm->board.accel || !setup_memory(vm, error) || !setup_smp(vm, error) ||
        !setup_rtc(vm, error) || !setup_chardevs(vm, error) ||
        !setup_drives(vm, error) || !setup_boot(vm, error)) {
        return false;
    }
    setup_board_config(vm, mo);
    return vm->board_type->build(&vm->machine, &vm->board, error) &&
           setup_devices(vm, error);
}

bool vm_setup(struct vm *vm, GError **error)
{
    struct machine_options mo;
    bool ok = machine_options(&mo, vm->config, error);

    if (ok) {
        vm->board_type = board_find(mo.type, error);
        ok = vm->board_type && setup_build(vm, &mo, error);
    }
    g_free(mo.type);
    g_free(mo.accel);
    return ok;
}
