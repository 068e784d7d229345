/* SPDX-License-Identifier: MIT */
#ifndef HW_MISC_PCI_TESTDEV_H
#define HW_MISC_PCI_TESTDEV_H

#include "hw/pci/pci.h"

enum { PCI_TESTDEV_TESTS = 6 };

struct pci_testdev {
    struct pci_dev pci;
    struct region memory, ports;
    int32_t current; /* the test that runs; -1 = none */
    uint32_t count[PCI_TESTDEV_TESTS];
};

extern const struct dev_type pci_testdev_type;

#endif
