/* SPDX-License-Identifier: MIT */
#include "vm/usb.h"

#include <string.h>

#include "base/text.h"
#include "vm/config.h"
#include "vm/devices.h"

/* Names of -usbdevice, and the -device that each stands for. */
static const struct {
    const char *name, *device;
} usb_names[] = {
    {"hub", "usb-hub"},     {"kbd", "usb-kbd"},       {"keyboard", "usb-kbd"},
    {"mouse", "usb-mouse"}, {"tablet", "usb-tablet"},
};

static bool usbdevice_add(struct machine *m, const char *name, GError **error)
{
    const char *names[ARRAY_SIZE(usb_names) + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_SIZE(usb_names); i++) {
        names[i] = usb_names[i].name;
        if (strcmp(name, usb_names[i].name) == 0) {
            return device_add_text(m, usb_names[i].device, error);
        }
    }
    return fail_unknown(error, "-usbdevice", name, names);
}

/* Does the user name a pointer, or think about pointers at all? */
static bool wants_tablet(const struct vm *vm)
{
    static const char *const pointers[] = {"tablet", "mouse"};
    const struct config *c = vm->config;

    if (c->nodefaults || !vm->machine_options.usb) {
        return false;
    }
    for (size_t p = 0; p < ARRAY_SIZE(pointers); p++) {
        for (guint i = 0; i < c->device->len; i++) {
            if (strstr(c->device->pdata[i], pointers[p])) {
                return false;
            }
        }
        for (guint i = 0; i < c->usbdevice->len; i++) {
            if (strcmp(c->usbdevice->pdata[i], pointers[p]) == 0) {
                return false;
            }
        }
    }
    return true;
}

bool usb_setup(struct vm *vm, GError **error)
{
    const struct config *c = vm->config;

    for (guint i = 0; i < c->usbdevice->len; i++) {
        if (!usbdevice_add(&vm->machine, c->usbdevice->pdata[i], error)) {
            return false;
        }
    }
    return !wants_tablet(vm) ||
           device_add_text(&vm->machine, "usb-tablet", error);
}
