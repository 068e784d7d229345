/* SPDX-License-Identifier: MIT */
/*
 * Register banks: what a guest can read and write of a device, as a table.
 *
 * One row serves five readers: guest access, reset, save and restore, the
 * monitor's `info registers`, and the fuzzer.
 */
#ifndef HW_CORE_REG_H
#define HW_CORE_REG_H

#include "hw/core/dev.h"
#include "mem/region.h"

struct reg {
    const char *name;
    uint16_t at;   /* offset of the register in its bank */
    uint8_t size;  /* in bytes: 1, 2 or 4 */
    bool stored;   /* false: a port, all hooks, with nothing to save */
    size_t member; /* offset of its storage in the device's struct */

    uint32_t reset; /* value after reset */
    uint32_t rw;    /* bits the guest may write */
    uint32_t w1c;   /* bits that writing 1 clears */
    uint32_t rc;    /* bits that reading clears */

    uint32_t (*read)(struct dev *dev, uint32_t stored); /* what is read */
    void (*wrote)(struct dev *dev, uint32_t old, uint32_t now); /* after */
    void (*write)(struct dev *dev, uint32_t value);             /* ports only */
};

/* A register and the member that holds it; it has the member's size. */
/* clang-format off */
#define REG(type, m, offset) \
    .name = #m, .at = (offset), .size = sizeof(MEMBER(type, m)), \
    .stored = true, .member = offsetof(type, m)
#define REG_PORT(nm, offset) .name = #nm, .at = (offset), .size = 1
/* clang-format on */

struct reg_bank {
    const char *name;
    const struct reg *regs;
    size_t count;
    uint32_t unmapped; /* what a read of no register gives */
};

/* clang-format off */
#define REG_BANK(nm, rows) \
    {.name = (nm), .regs = (rows), .count = ARRAY_SIZE(rows)}
/* clang-format on */

/* Accesses of the register at exactly this offset. */
uint32_t reg_read(struct dev *dev, const struct reg_bank *bank, unsigned at);
void reg_write(struct dev *dev, const struct reg_bank *bank, unsigned at,
               uint32_t value);
void reg_reset(struct dev *dev, const struct reg_bank *bank);

/*
 * A region served by a bank. Accesses narrower or wider than a register, or
 * beside its start, are made whole: parts of a register read as its parts and
 * write read-modify-write; a wide access covers several registers.
 */
struct reg_window {
    struct region region;
    struct dev *dev;
    const struct reg_bank *bank;
};

void reg_window_init(struct reg_window *w, struct dev *dev,
                     const struct reg_bank *bank, uint64_t size);
/* What its region does, for devices that look at accesses first. */
uint64_t reg_window_read(void *reg_window, uint64_t at, unsigned size);
void reg_window_write(void *reg_window, uint64_t at, unsigned size,
                      uint64_t value);

#endif
