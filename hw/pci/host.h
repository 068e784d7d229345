/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration mechanism #1: ports CF8 (address) and CFC (data). Part of
 * a host bridge, which saves `address`.
 */
#ifndef HW_PCI_HOST_H
#define HW_PCI_HOST_H

#include "hw/pci/pci.h"

struct pci_host {
    struct pci_bus *bus;
    uint32_t address; /* saved by the host bridge */
    struct region address_ports, data_ports;
    /* Port CF9, reset control, is the south bridge's; set by it. */
    uint8_t (*cf9_read)(void *opaque);
    void (*cf9_write)(void *opaque, uint8_t value);
    void *cf9_opaque;
};

void pci_host_init(struct pci_host *h, struct pci_bus *bus);
void pci_host_map(struct pci_host *h, struct machine *m);
void pci_host_unmap(struct pci_host *h);

#endif
