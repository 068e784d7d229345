/* SPDX-License-Identifier: MIT */
/*
 * `-snapshot`: writes go to a file without a name that vanishes with us.
 */
#ifndef BLOCK_SNAPSHOT_H
#define BLOCK_SNAPSHOT_H

#include "block/image.h"

/* Takes `base` (read-only) in any case; NULL on failure. */
struct image *snapshot_over(struct image *base, GError **error);

#endif
