/* SPDX-License-Identifier: MIT */
#ifndef HW_MISC_PC_TESTDEV_H
#define HW_MISC_PC_TESTDEV_H

#include "hw/isa/isa.h"

enum { PC_TESTDEV_MEMORY = 0x10000 };

struct pc_testdev {
    struct dev dev;
    struct region word, bytes, flush, irqs, memory;
    struct wire irq[16];
    uint32_t data; /* of the word and byte ports */
    uint8_t iomem[PC_TESTDEV_MEMORY];
};

extern const struct dev_type pc_testdev_type;

#endif
