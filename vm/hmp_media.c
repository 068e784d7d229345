/* SPDX-License-Identifier: MIT */
/* Monitor commands about media, passwords and devices. */
#include <string.h>

#include "vm/actions.h"
#include "vm/devices.h"
#include "vm/hmp_commands.h"
#include "vm/monitors.h"
#include "vm/qmp_error.h"

static bool vnc_password(struct hmp_call *c, const char *password,
                         GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;

    if (!vnc) {
        return fail(error, "there is no VNC server");
    }
    if (!password) {
        return fail(error, "want a password: change vnc password PASSWORD");
    }
    return vnc->set_password(vnc->opaque, password, error);
}

bool hmp_set_password(struct hmp_call *c, GError **error)
{
    if (strcmp(hmp_text(c, "protocol"), "vnc") != 0) {
        return fail(error, "only VNC has a password");
    }
    return vnc_password(c, hmp_text(c, "password"), error);
}

bool hmp_expire_password(struct hmp_call *c, GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;
    int64_t when;

    if (strcmp(hmp_text(c, "protocol"), "vnc") != 0 || !vnc) {
        return fail(error, "there is no VNC server");
    }
    return action_expiry_time(hmp_text(c, "time"), &when, error) &&
           vnc->expire_password(vnc->opaque, when, error);
}

bool hmp_eject(struct hmp_call *c, GError **error)
{
    struct drive *d = action_find_drive(c->vm, hmp_text(c, "device"), error);

    return d && action_eject(c->vm, d, hmp_flag(c, "force"), error);
}

bool hmp_change(struct hmp_call *c, GError **error)
{
    const char *device = hmp_text(c, "device");
    const char *target = hmp_text(c, "target");
    const char *arg = hmp_text(c, "arg");
    struct drive *d;

    if (strcmp(device, "vnc") == 0) {
        return strcmp(target, "password") == 0
                   ? vnc_password(c, arg, error)
                   : fail(error, "of VNC only the password can be changed");
    }
    d = action_find_drive(c->vm, device, error);
    return d && action_change_medium(c->vm, d, target, arg, hmp_text(c, "mode"),
                                     hmp_flag(c, "force"), error);
}

bool hmp_device_add(struct hmp_call *c, GError **error)
{
    return device_add_text(&c->vm->machine, hmp_text(c, "device"), error);
}

bool hmp_device_del(struct hmp_call *c, GError **error)
{
    return device_del(&c->vm->machine, hmp_text(c, "id"), error);
}
