/* SPDX-License-Identifier: MIT */
/* Raw images: a file or a block device, byte for byte. */
#ifndef BLOCK_RAW_H
#define BLOCK_RAW_H

#include "block/image.h"

struct image *raw_open(const char *filename, const struct image_options *o,
                       GError **error);

#endif
