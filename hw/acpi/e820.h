/* SPDX-License-Identifier: MIT */
/* The memory map that firmware takes from fw_cfg: etc/e820. */
#ifndef HW_ACPI_E820_H
#define HW_ACPI_E820_H

#include "hw/misc/fw_cfg.h"

enum e820_type { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4 };

/* Adds a range to the file; makes the file with the first one. Files are
 * moved by new ones: add them all before the guest runs. */
bool e820_add(struct fw_cfg *fw, uint64_t at, uint64_t len, enum e820_type type,
              GError **error);

#endif
