/* SPDX-License-Identifier: MIT */
/*
 * The "none" board: no CPU, no memory that anybody could use, no device. For
 * programs that only ask the emulator what it can do.
 */
#include "hw/pc/boards.h"

static bool none_build(struct machine *m, struct board_config *c,
                       GError **error)
{
    m->cpus = m->max_cpus = 0;
    return vcpus_init(c->vcpus, c->accel, 0, &m->lock, error) &&
           vcpus_realize(c->vcpus, error);
}

const struct board_type board_none = {
    .name = "none",
    .desc = "empty machine",
    .default_ram = MIB,
    .max_cpus = 1,
    .build = none_build,
};
