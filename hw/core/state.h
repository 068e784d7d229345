/* SPDX-License-Identifier: MIT */
/*
 * Saves and restores a device from its tables: what its register banks store,
 * then its `state` fields. Every record carries its name and size, so a stream
 * does not depend on the order of the rows; a record the device does not know,
 * or whose size differs, fails the load; a row without a record keeps its
 * reset value. Values are little-endian. Machine lock held.
 *
 * A record: name length (1), name, element size (1), element count (4), data.
 */
#ifndef HW_CORE_STATE_H
#define HW_CORE_STATE_H

#include "hw/core/dev.h"

/* Appends the device's records. */
void state_save(struct dev *dev, GByteArray *out);
/* Resets the device, then takes all of [p, p + len), then check, settle. */
bool state_load(struct dev *dev, const uint8_t *p, size_t len, GError **error);

#endif
