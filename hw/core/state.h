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
/* The same without resetting or settling: the caller does both. */
bool state_load_records(struct dev *dev, const uint8_t *p, size_t len,
                        GError **error);

/*
 * All devices of a machine, in order; drives must be drained. A section:
 * its length (4), the type's name (length 1, text), records. Loading needs a
 * machine of the same devices; where it fails, all devices are reset. Devices
 * settle when all have their state: a wire never shows a state that was not.
 */
void state_save_devices(struct machine *m, GByteArray *out);
bool state_load_devices(struct machine *m, const uint8_t *p, size_t len,
                        GError **error);

#endif
