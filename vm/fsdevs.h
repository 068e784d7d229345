/* SPDX-License-Identifier: MIT */
/* -fsdev and -virtfs: folders that guests may have. Machine lock held. */
#ifndef VM_FSDEVS_H
#define VM_FSDEVS_H

#include "hw/core/machine.h"

/* "local,id=ID,path=FOLDER,..." */
bool fsdev_add_text(struct machine *m, const char *text, GError **error);
/* The same, and a virtio-9p-pci with mount_tag= for it: its text for -device,
 * to be freed; NULL: an error. */
char *virtfs_add_text(struct machine *m, const char *text, GError **error);
void fsdevs_free(struct machine *m);

#endif
