/* SPDX-License-Identifier: MIT */
/* Errors that a QMP client tells apart by their class; others are generic. */
#ifndef VM_QMP_ERROR_H
#define VM_QMP_ERROR_H

#include "base/error.h"

enum qmp_class {
    QMP_GENERIC_ERROR,
    QMP_COMMAND_NOT_FOUND,
    QMP_DEVICE_NOT_ACTIVE,
    QMP_DEVICE_NOT_FOUND,
    QMP_KVM_MISSING_CAP,
};

/* As fail(). */
bool qmp_fail(GError **error, enum qmp_class class, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
/* "DeviceNotFound" */
const char *qmp_error_class(const GError *error);

#endif
