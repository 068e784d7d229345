/* SPDX-License-Identifier: MIT */
#include "hw/pc/pc_parts.h"

bool pc_ram_init(struct pc_ram *r, struct machine *m, uint64_t max_low,
                 GError **error)
{
    m->ram = machine_main_ram_new(m, error);
    if (!m->ram) {
        return false;
    }
    r->low_size = MIN(m->ram_size, max_low);
    r->high_size = m->ram_size - r->low_size;
    region_init_ram(&r->low, "ram-below-4g", m->ram, 0, r->low_size);
    region_add(&m->memory.root, &r->low, 0, 0);
    if (r->high_size) {
        region_init_ram(&r->high, "ram-above-4g", m->ram, r->low_size,
                        r->high_size);
        region_add(&m->memory.root, &r->high, 4 * GIB, 0);
    }
    return true;
}
