/* SPDX-License-Identifier: MIT */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"

/*
 * All of a file, as g_file_get_contents() (a zero byte more at the end, not
 * counted), but never more than `most` bytes: a longer one, or a device that
 * never ends, is an error, and so is a pipe that nobody writes to for two
 * seconds. g_free() *data. len may be NULL.
 */
bool file_load(const char *path, gsize most, char **data, gsize *len,
               GError **error);

#endif
