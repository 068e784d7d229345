/* SPDX-License-Identifier: MIT */
/*
 * The table loader's script: firmware allocates files, patches pointers in
 * them and sums them up as it says. [LOADER] SeaBIOS' romfile_loader and
 * OVMF's AcpiPlatformDxe run it.
 */
#ifndef HW_ACPI_LINKER_H
#define HW_ACPI_LINKER_H

#include <glib.h>

#include "base/base.h"

enum linker_zone { LINKER_HIGH = 1, LINKER_FSEG = 2 };

/* Adds to `script`. Files are named as in fw_cfg. */
void linker_allocate(GByteArray *script, const char *file, uint32_t align,
                     enum linker_zone zone);
/* At `at` in `in`, `size` bytes hold an offset in `to`: adds its address. */
void linker_pointer(GByteArray *script, const char *in, uint32_t at,
                    uint8_t size, const char *to);
/* Makes [start, start + len) of `file` sum up to 0 through the byte `at`. */
void linker_checksum(GByteArray *script, const char *file, uint32_t at,
                     uint32_t start, uint32_t len);

#endif
