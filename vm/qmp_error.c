/* SPDX-License-Identifier: MIT */
#include "vm/qmp_error.h"

static GQuark qmp_error_domain(void)
{
    return g_quark_from_static_string("qmp");
}

bool qmp_fail(GError **error, enum qmp_class class, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (error) {
        *error = g_error_new_valist(qmp_error_domain(), class, fmt, ap);
    }
    va_end(ap);
    return false;
}

const char *qmp_error_class(const GError *error)
{
    static const char *const names[] = {
        [QMP_GENERIC_ERROR] = "GenericError",
        [QMP_COMMAND_NOT_FOUND] = "CommandNotFound",
        [QMP_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
        [QMP_DEVICE_NOT_FOUND] = "DeviceNotFound",
        [QMP_KVM_MISSING_CAP] = "KVMMissingCap",
    };

    return names[error->domain == qmp_error_domain() ? error->code
                                                     : QMP_GENERIC_ERROR];
}
