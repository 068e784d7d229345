/* SPDX-License-Identifier: MIT */
#include "hw/acpi/e820.h"

#include <string.h>

enum { ENTRY = 20 }; /* address (8), length (8), type (4) */

bool e820_add(struct fw_cfg *fw, uint64_t at, uint64_t len, enum e820_type type,
              GError **error)
{
    const char *name = "etc/e820";
    const struct fw_cfg_item *old = fw_cfg_find_file(fw, name);
    size_t size = old ? old->len : 0;
    g_autofree uint8_t *map = g_malloc(size + ENTRY);

    if (old) {
        memcpy(map, old->data, size);
    }
    stl_u64(map + size, at);
    stl_u64(map + size + 8, len);
    stl_u32(map + size + 16, type);
    return fw_cfg_add_file(fw, name, map, size + ENTRY, error);
}
