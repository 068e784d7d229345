/* SPDX-License-Identifier: MIT */
/*
 * MSI-X: a table of messages in a BAR, each of which can be masked. [PCI] 6.8.2
 * Machine lock held in all calls.
 */
#ifndef HW_PCI_MSIX_H
#define HW_PCI_MSIX_H

#include "hw/pci/pci.h"

enum { MSIX_VECTORS = 64, MSIX_NONE = 0xffff };

struct msix {
    struct pci_dev *pci;
    unsigned count;       /* of vectors; 0: the capability is not there */
    unsigned cap;         /* offset of the capability */
    struct region region; /* the table, and from 2 KiB on what is pending */
    uint32_t table[MSIX_VECTORS * 4]; /* saved state */
    uint64_t pending;                 /* saved state: a bit a vector */
};

/* clang-format off */
#define MSIX_STATE(type, m) \
    FIELD_ARRAY(type, m.table), \
    FIELD(type, m.pending)
/* clang-format on */

/* In realize, after pci_realize(): the capability and its BAR. */
void msix_init(struct msix *x, struct pci_dev *d, unsigned count, unsigned bar);
void msix_reset(struct msix *x);
/* In the device's config_written hook. */
void msix_config_written(struct msix *x);
/* Has the driver chosen MSI-X rather than INTx? */
bool msix_enabled(const struct msix *x);
/* Sends a message, or remembers it while it is masked. */
void msix_notify(struct msix *x, unsigned vector);

#endif
