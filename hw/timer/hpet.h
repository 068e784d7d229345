/* SPDX-License-Identifier: MIT */
#ifndef HW_TIMER_HPET_H
#define HW_TIMER_HPET_H

#include "hw/core/machine.h"

enum { HPET_TIMERS = 3, HPET_PINS = 32 };
enum { HPET_LEGACY_PIT, HPET_LEGACY_RTC };

struct hpet_timer {
    struct hpet *hpet;
    struct timer event;
    uint64_t config, comparator, period;
    bool high; /* its share of its pin */
};

struct hpet {
    struct dev dev;
    uint64_t base;   /* property: 0xfed00000 */
    uint32_t routes; /* property "hpet-intcap": I/O APIC pins it can use */
    /*
     * Out: I/O APIC inputs by number; connect those in `routes`. The legacy
     * pair is the PIT's and the RTC's lines, which the board leads through
     * hpet_set_legacy(): IRQ 0 and IRQ 8.
     */
    struct wire irq[HPET_PINS];
    struct wire legacy[2];
    bool legacy_in[2]; /* levels of the PIT and the RTC */

    struct region mmio;
    uint64_t config, status;
    uint64_t counter; /* its value while it is halted */
    int64_t offset;   /* running: counter = ticks + offset */
    struct hpet_timer timer[HPET_TIMERS];
};

extern const struct dev_type hpet_type;

/* Wires from the PIT's channel 0 and the RTC. */
void hpet_set_legacy(void *dev, unsigned pin, bool level);

#endif
