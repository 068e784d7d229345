/* SPDX-License-Identifier: MIT */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

#include "base/error.h"

/*
 * From now on the calling process opens no files but for reading below
 * `folder` (NULL: none) and what the resolver reads, starts no programs, and
 * gets no privileges. What the kernel cannot enforce is left out: false, with
 * a reason. One thread.
 */
bool sandbox_enter(const char *folder, GError **error);

#endif
