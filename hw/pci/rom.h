/* SPDX-License-Identifier: MIT */
/* The expansion ROM of a card, from a file: PXE and the like. [PCI] 6.3 */
#ifndef HW_PCI_ROM_H
#define HW_PCI_ROM_H

#include "hw/pci/pci.h"

struct pci_rom {
    struct region region;
    struct ram *ram;
};

/*
 * In realize. `named` is the user's: a file that must be there, or "": none.
 * NULL: `usual`, where the machine's data folders have it; its images are
 * then for this card whatever IDs they name.
 */
bool pci_rom_load(struct pci_dev *d, struct pci_rom *rom, const char *named,
                  const char *usual, GError **error);

#endif
