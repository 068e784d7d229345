/* SPDX-License-Identifier: MIT */
/*
 * A server of the file protocol 9P2000.L for one folder of the host. [9P] A
 * message comes in, its answer goes out; nothing else is known here.
 * Functions block; one thread at a time.
 */
#ifndef HW_VIRTIO_P9_H
#define HW_VIRTIO_P9_H

#include "fs/folder.h"

enum { P9_MSIZE = 512 * 1024, P9_HEADER = 7 };

struct p9;

struct p9 *p9_new(const struct folder *f);
void p9_free(struct p9 *s);
/* As after Tversion: no file is known. */
void p9_reset(struct p9 *s);
/* `out` has room for `max` bytes; the answer's length, 0: there is none, the
 * message has no header. */
size_t p9_run(struct p9 *s, const uint8_t *in, size_t len, uint8_t *out,
              size_t max);

#endif
