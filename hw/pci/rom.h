/* SPDX-License-Identifier: MIT */
/* Expansion ROMs of PCI cards, from files. */
#ifndef HW_PCI_ROM_H
#define HW_PCI_ROM_H

#include "hw/pci/pci.h"

struct pci_rom {
    struct region region;
    struct ram *ram; /* the machine's; NULL: there is none */
};

/* In realize. `file` NULL or "": no ROM. */
bool pci_rom_load(struct pci_dev *d, struct pci_rom *rom, const char *file,
                  GError **error);

#endif
