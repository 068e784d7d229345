/* SPDX-License-Identifier: MIT */
/*
 * A whole machine in a box, for the fuzzer: no CPU runs, clocks move only by
 * hand, disks are in memory, nothing reaches the host. Two boxes that are
 * given the same accesses do the same.
 */
#ifndef TESTS_FUZZ_BOX_H
#define TESTS_FUZZ_BOX_H

#include "block/drive.h"
#include "net/net.h"
#include "tests/fuzz/fuzz.h"
#include "vm/vm.h"

enum { BOX_DISKS = 7 };

/* The content of a disk; `fails`: every n-th access fails, 0 = none. */
struct box_disk {
    uint8_t *data;
    uint64_t size;
    unsigned fails, accesses;
};

struct box {
    struct vm vm;
    struct config config;
    struct box_disk disk[BOX_DISKS]; /* see box.c */
    GPtrArray *nets;                 /* struct box_net *, box_net.c */
    unsigned level;                  /* of machines this one was copied from */
};

/* What happens on a cable: see box_net_op(). */
struct net_action {
    uint8_t which, what;
    uint16_t len;
    uint8_t head[60];
};

struct box *box_new(const char *board);
void box_free(struct box *b);
struct drive *box_drive(struct box *b, unsigned n);
/* Medium in, or out. */
void box_insert(struct box *b, unsigned n, bool in);
/* box_net.c: a cable for a device that wants one; what happens on it. */
void box_net_attach(struct box *b, struct dev *dev);
void box_net_setup(struct machine *m);
void box_net_op(struct box *b, struct net_action *a);
void box_net_copy(struct box *to, const struct box *from);
void box_net_free(struct box *b);
/* box_virtio.c: rings, as a driver would set them up; tells of buffers. */
void box_virtio_setup(struct machine *m);
void box_virtio_kick(struct machine *m);
/* box_usb.c: devices on every USB controller; a controller of this type (NULL:
 * all) as its driver starts it. */
void box_usb_devices(struct machine *m);
void box_usb_setup(struct machine *m, const struct dev_type *type);
/* A descriptor into low memory: `what` says which of its words point there. */
void box_usb_op(struct machine *m, uint8_t what, uint16_t at,
                const uint32_t *words);
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
