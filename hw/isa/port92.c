/* SPDX-License-Identifier: MIT */
/*
 * System control port A: the fast A20 gate and the fast CPU reset.
 *
 * [PS2-TRM] IBM PS/2 Hardware Interface Technical Reference, "System Control
 * Port A". Bits 0 and 1 only; the other bits of the PS/2 read as zero here.
 */
#include "hw/isa/port92.h"

#include "hw/isa/isa.h"

enum {
    CTRL_RESET = 1 << 0, /* 0 -> 1 pulses the CPU's reset line */
    CTRL_A20 = 1 << 1,   /* drives the A20 mask, ORed with the 8042's */
};

static void ctrl_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct port92 *s = container_of(dev, struct port92, dev);

    wire_set(&s->a20, now & CTRL_A20);
    if (~old & now & CTRL_RESET) {
        if (s->cpu_init.set) {
            wire_pulse(&s->cpu_init);
        } else {
            machine_request(dev->machine, MACHINE_RESET);
        }
    }
}

static const struct reg port92_regs[] = {
    {REG(struct port92, ctrl, 0), .rw = CTRL_RESET | CTRL_A20,
     .wrote = ctrl_wrote},
};
static const struct reg_bank port92_bank = REG_BANK("port92", port92_regs);

static bool port92_realize(struct dev *dev, GError **error)
{
    struct port92 *s = container_of(dev, struct port92, dev);

    reg_window_init(&s->window, dev, &port92_bank, 1);
    return isa_map(dev->machine, &s->window.region, 0x92, error);
}

static void port92_unrealize(struct dev *dev)
{
    region_remove(&container_of(dev, struct port92, dev)->window.region);
}

static void port92_settle(struct dev *dev)
{
    struct port92 *s = container_of(dev, struct port92, dev);

    wire_set(&s->a20, s->ctrl & CTRL_A20);
}

const struct dev_type port92_type = {
    .name = "port92",
    .desc = "system control port A (fast A20 and reset)",
    .bus = "ISA",
    .size = sizeof(struct port92),
    .version = 1,
    .hidden = true,
    .banks = (const struct reg_bank *const[]){&port92_bank, NULL},
    .realize = port92_realize,
    .unrealize = port92_unrealize,
    .settle = port92_settle,
};
