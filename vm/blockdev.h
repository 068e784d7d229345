/* SPDX-License-Identifier: MIT */
/*
 * Named nodes: -blockdev and blockdev-add. A node "file" (or "host_device") is
 * a name for a file; a node "raw" over one is an image, and a drive of the
 * same name that devices find. Machine lock held.
 *
 * Not there: filters, other formats, throttling.
 */
#ifndef VM_BLOCKDEV_H
#define VM_BLOCKDEV_H

#include "base/opts.h"
#include "block/drive.h"
#include "vm/vm.h"

struct node {
    char *name;
    char *driver; /* "file", "raw" */
    char *file;   /* its name in the file system */
    char *over;   /* raw: the node below, or NULL */
    struct image_options options;
    struct drive *drive; /* that has it now, or NULL */
};

/* Takes the options. */
bool blockdev_add(struct vm *vm, struct opts *opts, GError **error);
bool blockdev_del(struct vm *vm, const char *name, GError **error);
struct node *blockdev_find(const struct vm *vm, const char *name);
/* Every -blockdev that a device can name gets a drive. */
bool blockdevs_setup(struct vm *vm, GError **error);
void blockdevs_free(struct vm *vm);
/* Puts a node's image into a drive without a medium. */
bool blockdev_insert(struct vm *vm, struct drive *d, const char *name,
                     GError **error);
/* The drive has given its medium up. */
void blockdev_removed(struct vm *vm, const struct drive *d);
/* The node of a drive's medium, or NULL. */
struct node *blockdev_of(const struct vm *vm, const struct drive *d);

#endif
