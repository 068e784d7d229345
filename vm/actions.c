/* SPDX-License-Identifier: MIT */
#include "vm/actions.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "target/x86/mmu.h"
#include "ui/display.h"
#include "vm/blockdev.h"
#include "vm/fdset.h"
#include "vm/monitors.h"
#include "vm/qmp_error.h"

/* --- life --- */

void action_stop_unlocked(struct vm *vm)
{
    vm_stop(vm, VM_PAUSED);
}

bool action_cont_unlocked(struct vm *vm, GError **error)
{
    if (vm->state == VM_SHUTDOWN || vm->state == VM_ERROR ||
        vm->state == VM_PANICKED) {
        return fail(error, "Resetting the Virtual Machine is required");
    }
    vm_cont(vm);
    return true;
}

void action_reset(struct vm *vm)
{
    vm->reset_by_host = true;
    machine_request(&vm->machine, MACHINE_RESET);
}

bool action_wakeup(struct vm *vm, GError **error)
{
    if (vm->state != VM_SUSPENDED) {
        return fail(error,
                    "Unable to wake up: guest is not in suspended state");
    }
    machine_request(&vm->machine, MACHINE_WAKEUP);
    return true;
}

void action_nmi(struct vm *vm)
{
    vcpus_raise(&vm->vcpus, X86_EV_NMI);
}

/* --- media --- */

/* Does a property "drive" of the device name this drive? A floppy controller
 * has two, "driveA" and "driveB". */
static bool dev_has_drive(const struct dev *dev, const char *id)
{
    g_autofree char *quoted = g_strdup_printf("\"%s\"", id);

    for (const struct field *f = dev->type->props; f && f->name; f++) {
        g_autofree char *text = NULL;

        if (f->kind == K_STRING && g_str_has_prefix(f->name, "drive")) {
            text = dev_prop_text(dev, f);
        }
        if (g_strcmp0(text, quoted) == 0) {
            return true;
        }
    }
    return false;
}

struct dev *action_drive_dev(struct vm *vm, const struct drive *d)
{
    GPtrArray *devs = vm->machine.devices;

    for (guint i = 0; i < devs->len; i++) {
        if (dev_has_drive(devs->pdata[i], d->id)) {
            return devs->pdata[i];
        }
    }
    return NULL;
}

struct drive *action_find_drive(struct vm *vm, const char *name, GError **error)
{
    struct drive *d = machine_backend(&vm->machine, BACKEND_DRIVE, name);
    const char *slash = strrchr(name, '/');

    name = slash ? slash + 1 : name;
    for (guint i = 0; !d && i < vm->drives->len; i++) {
        struct drive *this = vm->drives->pdata[i];
        struct dev *dev = action_drive_dev(vm, this);

        if (dev && g_strcmp0(dev->id, name) == 0) {
            d = this;
        }
    }
    if (!d) {
        qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", name);
    }
    return d;
}

bool action_tray_open(const struct drive *d)
{
    return d->front.tray_open && d->front.tray_open(d->front.opaque);
}

bool action_tray_locked(const struct drive *d)
{
    return d->front.tray_locked && d->front.tray_locked(d->front.opaque);
}

void action_tray_event(struct vm *vm, const struct drive *d, bool open)
{
    struct dev *dev = action_drive_dev(vm, d);
    g_autofree char *json = g_strdup_printf(
        "{\"device\": \"%s\", \"id\": \"%s\", \"tray-open\": %s}", d->id,
        dev && dev->id ? dev->id : d->id, open ? "true" : "false");

    machine_event(&vm->machine, "DEVICE_TRAY_MOVED", json);
}

bool action_open_tray(struct vm *vm, struct drive *d, bool force,
                      GError **error)
{
    bool locked = action_tray_locked(d);

    if (!d->removable) {
        return fail(error, "Device '%s' is not removable", d->id);
    }
    if (locked && d->front.eject_request) {
        d->front.eject_request(d->front.opaque, force);
    }
    if (locked && !force) {
        return fail(error,
                    "Device '%s' is locked and force was not specified, wait "
                    "for tray to open and try again",
                    d->id);
    }
    return true;
}

bool action_eject(struct vm *vm, struct drive *d, bool force, GError **error)
{
    if (!action_open_tray(vm, d, force, error)) {
        return false;
    }
    if (d->image) {
        drive_set_image(d, NULL);
        blockdev_removed(vm, d);
        action_tray_event(vm, d, true);
    }
    return true;
}

static bool change_mode(const struct drive *d, const char *mode,
                        struct image_options *o, GError **error)
{
    if (!mode || strcmp(mode, "retain") == 0) {
        o->readonly = d->readonly;
    } else if (strcmp(mode, "read-only") == 0) {
        o->readonly = true;
    } else if (strcmp(mode, "read-write") != 0) {
        return fail(error,
                    "Parameter 'read-only-mode' does not accept "
                    "value '%s'",
                    mode);
    }
    o->readonly |= d->media == DRIVE_CDROM;
    return true;
}

bool action_change_medium(struct vm *vm, struct drive *d, const char *file,
                          const char *format, const char *mode, bool force,
                          GError **error)
{
    struct image_options o = {.format = format};
    g_autofree char *path = NULL;
    struct image *image;

    if (!action_open_tray(vm, d, force, error) ||
        !change_mode(d, mode, &o, error)) {
        return false;
    }
    path = fdsets_resolve(vm->monitors->fdsets, file, !o.readonly, error);
    image = path ? image_open(path, &o, error) : NULL;
    if (!image) {
        return false;
    }
    d->readonly = o.readonly;
    if (d->image) {
        action_tray_event(vm, d, true);
    }
    blockdev_removed(vm, d);
    drive_set_image(d, image);
    action_tray_event(vm, d, false);
    return true;
}

/* --- passwords --- */

bool action_expiry_time(const char *text, int64_t *when, GError **error)
{
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    uint64_t n;

    if (strcmp(text, "now") == 0) {
        *when = 0;
    } else if (strcmp(text, "never") == 0) {
        *when = INT64_MAX;
    } else if (text_to_uint(text + (text[0] == '+'), INT64_MAX / 2, &n)) {
        *when = (int64_t)n + (text[0] == '+' ? now : 0);
    } else {
        return fail(error, "Parameter 'time' expects now, never, +SECONDS or "
                           "SECONDS");
    }
    return true;
}

/* --- memory --- */

bool action_peek(struct vm *vm, struct x86_cpu *cpu, uint64_t addr, void *buf,
                 size_t len)
{
    uint8_t *p = buf;

    while (len) {
        size_t n = MIN(len, 4096 - (size_t)(addr & 4095));
        uint64_t phys = addr;

        if ((cpu && !x86_translate_debug(cpu, addr, &phys)) ||
            !dma_read(&vm->machine.memory, phys, p, n)) {
            return false;
        }
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}

static bool save_chunks(struct vm *vm, struct x86_cpu *cpu, uint64_t addr,
                        uint64_t size, FILE *f, GError **error)
{
    g_autofree uint8_t *buf = g_malloc(ACTION_CHUNK);

    while (size) {
        size_t n = MIN(size, ACTION_CHUNK);

        if (!action_peek(vm, cpu, addr, buf, n)) {
            return fail(error,
                        "Invalid addr 0x%016" G_GINT64_MODIFIER
                        "x/size %" G_GUINT64_FORMAT " specified",
                        addr, size);
        }
        if (fwrite(buf, 1, n, f) != n) {
            return fail_errno(error, "cannot write");
        }
        addr += n;
        size -= n;
    }
    return true;
}

bool action_save_memory(struct vm *vm, struct x86_cpu *cpu, uint64_t addr,
                        uint64_t size, const char *path, GError **error)
{
    g_autofree char *real =
        fdsets_resolve(vm->monitors->fdsets, path, true, error);
    FILE *f = real ? fopen(real, "wbe") : NULL;
    bool ok;

    if (!f) {
        return real && fail_errno(error, "Could not open '%s'", path);
    }
    ok = save_chunks(vm, cpu, addr, size, f, error);
    if (fclose(f) != 0 && ok) {
        return fail_errno(error, "cannot write '%s'", path);
    }
    return ok;
}

/* --- screen --- */

static struct console *find_console(struct vm *vm, const char *device,
                                    int64_t head, GError **error)
{
    GPtrArray *consoles = vm->machine.consoles;

    if (!consoles->len) {
        fail(error, "there is no display to take a picture of");
        return NULL;
    }
    if (!device) {
        return consoles->pdata[0];
    }
    for (guint i = 0; i < consoles->len; i++) {
        struct console *c = consoles->pdata[i];

        if (head == 0 && g_strcmp0(c->name, device) == 0) {
            return c;
        }
    }
    if (head == 0 && machine_find_dev(&vm->machine, device)) {
        return consoles->pdata[0];
    }
    qmp_fail(error, QMP_DEVICE_NOT_FOUND, "Device '%s' not found", device);
    return NULL;
}

bool action_screendump(struct vm *vm, const char *path, const char *format,
                       const char *device, int64_t head, GError **error)
{
    struct console *c = find_console(vm, device, head, error);
    g_autofree char *real = NULL;

    if (!c) {
        return false;
    }
    if (!format) {
        format = g_str_has_suffix(path, ".png") ? "png" : "ppm";
    }
    if (strcmp(format, "png") != 0 && strcmp(format, "ppm") != 0) {
        return fail(error, "Parameter 'format' does not accept value '%s'",
                    format);
    }
    real = fdsets_resolve(vm->monitors->fdsets, path, true, error);
    return real && console_screendump(c, real, format, error);
}
