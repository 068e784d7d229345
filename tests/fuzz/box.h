/* SPDX-License-Identifier: MIT */
/*
 * A whole machine in a box, for the fuzzer: no CPU runs, clocks move only by
 * hand, disks are in memory, nothing reaches the host. Two boxes that are
 * given the same accesses do the same.
 */
#ifndef TESTS_FUZZ_BOX_H
#define TESTS_FUZZ_BOX_H

#include "block/drive.h"
#include "tests/fuzz/fuzz.h"
#include "vm/vm.h"

enum { BOX_DISKS = 5 };

/* The content of a disk; `fails`: every n-th access fails, 0 = none. */
struct box_disk {
    uint8_t *data;
    uint64_t size;
    unsigned fails, accesses;
};

struct box {
    struct vm vm;
    struct config config;
    struct box_disk disk[BOX_DISKS]; /* hd, cd, floppy, floppy, virtio */
    unsigned level;                  /* of machines this one was copied from */
};

struct box *box_new(const char *board);
void box_free(struct box *b);
struct drive *box_drive(struct box *b, unsigned n);
/* Medium in, or out. */
void box_insert(struct box *b, unsigned n, bool in);
/* Waits for the disks, does what the machine asked for (resets). */
void box_serve(struct box *b);
/* Clock to the left by ns, no more than that many timers: see box.c */
void box_step(struct box *b, int64_t ns);
/* The state of all devices, in order: length (4), records. */
GByteArray *box_save(struct box *b);
/* All of them into `to`, memory and disks too; it fails where a device
 * refuses. */
bool box_load(struct box *to, const GByteArray *state, GError **error);
void box_copy_memory(struct box *to, struct box *from);
/* Says where two saved states differ and aborts; they must not. */
void box_compare(struct box *b, const GByteArray *x, const GByteArray *y,
                 const char *what);

#endif
