/* SPDX-License-Identifier: MIT */
/*
 * Message signalled interrupts of a PCI device: the MSI and MSI-X
 * capabilities, tables, masks and pending bits. A message is a write to the
 * machine's memory. [PCI] 6.8.
 *
 * A device embeds struct msi or struct msix (or both), calls msi_init() or
 * msix_init() in its realize behind pci_realize(), *_config_written() in its
 * hook of that name, and *_settle() behind pci_settle(); struct msix also
 * wants msix_reset() and MSIX_STATE() in the device's state. While one of them
 * is enabled the device must not drive INTx#: msi_enabled() and msix_enabled() say so. Machine
 * lock held in all calls.
 */
#ifndef HW_PCI_MSI_H
#define HW_PCI_MSI_H

#include "hw/pci/pci.h"

enum { MSI_MAX = 32, MSIX_MAX = 128, MSIX_ENTRY = 16, MSIX_BAR = 4096 };

/* All that is saved of it lies in the configuration space. */
struct msi {
    struct pci_dev *pci;
    unsigned vectors; /* 0: the device has none */
    uint8_t at;       /* of the capability */
    bool maskable;
    bool sending;
};

/* `vectors`: 1, 2, 4 .. 32; 64-bit addresses; `maskable`: a mask and a pending
 * bit for each vector. */
void msi_init(struct msi *msi, struct pci_dev *d, unsigned vectors,
              bool maskable);
bool msi_enabled(const struct msi *msi);
/* Sends the message, or notes it as pending where it is masked. Does nothing
 * where MSI is off. A vector that the guest did not allot becomes one that it
 * did, modulo their number. */
void msi_send(struct msi *msi, unsigned vector);
/* Sends what was unmasked. */
void msi_config_written(struct msi *msi, unsigned at, unsigned size);
/* Corrects what a loaded state cannot have changed. */
void msi_settle(struct msi *msi);

struct msix {
    struct pci_dev *pci;
    unsigned vectors; /* 0: the device has none */
    uint8_t at;
    bool sending;
    uint8_t table[MSIX_MAX * MSIX_ENTRY]; /* saved */
    uint8_t pending[MSIX_MAX / 8];        /* saved */
    struct region bar, table_region, pending_region;
};

/* clang-format off */
#define MSIX_STATE(type, m) \
    FIELD_AS_ARRAY(type, m.table, "msix_table"), \
    FIELD_AS_ARRAY(type, m.pending, "msix_pending")
/* clang-format on */

/*
 * `vectors`: 1 to MSIX_MAX. Table and pending bits become parts of `bar`, the
 * container that the device gave to pci_set_bar(slot), at these offsets, which
 * are multiples of 8.
 */
void msix_init(struct msix *x, struct pci_dev *d, unsigned vectors,
               unsigned slot, struct region *bar, uint32_t table_at,
               uint32_t pending_at);
/* The same in a BAR of its own: 4 KiB of memory, pending bits at 2048. */
void msix_init_bar(struct msix *x, struct pci_dev *d, unsigned vectors,
                   unsigned slot);
void msix_unrealize(struct msix *x);
void msix_reset(struct msix *x);
bool msix_enabled(const struct msix *x);
/* As msi_send(). A vector that is not there is ignored. */
void msix_send(struct msix *x, unsigned vector);
/* Forgets a pending message: its cause is gone. */
void msix_clear_pending(struct msix *x, unsigned vector);
void msix_config_written(struct msix *x, unsigned at, unsigned size);
void msix_settle(struct msix *x);

#endif
