/* SPDX-License-Identifier: MIT */
#ifndef HW_CHIPSET_I440FX_H
#define HW_CHIPSET_I440FX_H

#include "hw/pci/host.h"

enum { I440FX_SEGMENTS = 13 }; /* that PAM0..PAM6 govern */

/* One of the PAM segments: what lies over main memory there. */
struct i440fx_pam {
    struct i440fx *host;
    uint32_t at;
    uint32_t size;
    struct region pci;        /* both ways to PCI */
    struct region read_only;  /* reads from memory, writes to PCI */
    struct region write_only; /* reads from PCI, writes to memory */
};

struct i440fx {
    struct pci_dev pci;
    /*
     * From the board, before realize; NULL: the machine's. The board itself
     * maps the RAM at 0 of `memory`, with priority 0. Without RAM (Xen) there
     * is neither PAM nor SMRAM.
     */
    struct region *memory;
    struct ram *ram;

    struct pci_host host;
    /* Where BARs, VGA and the firmware go: below `memory`, priority -1. */
    struct region pci_memory;
    struct region nothing; /* of PCI: so that no memory shows through it */
    struct i440fx_pam pam[I440FX_SEGMENTS];
    struct region vga_window; /* A0000-BFFFF goes to PCI, not to memory */
    bool in_smm;

    struct space pci_side; /* pci_memory alone, for the mixed PAM modes */
    struct region pci_side_alias;
    struct view *seen; /* the memory view that pci_side was rendered with */
};

extern const struct dev_type i440fx_type;

/* A CPU entered or left SMM: all of the machine sees SMRAM meanwhile. */
void i440fx_set_smm(void *dev, bool in_smm);

#endif
