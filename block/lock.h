/* SPDX-License-Identifier: MIT */
/*
 * Image locks: the byte ranges that QEMU locks, so that both respect each
 * other. Byte 100 + p is held by who uses permission p, byte 200 + p by who
 * does not share it; p: 0 read, 1 write, 3 resize. OFD locks, all shared;
 * a conflict is found by asking for an exclusive one.
 */
#ifndef BLOCK_LOCK_H
#define BLOCK_LOCK_H

#include "base/error.h"

/* The error names the process that has the image open. */
bool image_lock(int fd, const char *filename, bool write, GError **error);

#endif
