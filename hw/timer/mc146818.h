/* SPDX-License-Identifier: MIT */
#ifndef HW_TIMER_MC146818_H
#define HW_TIMER_MC146818_H

#include "hw/core/machine.h"

enum { RTC_SIZE = 128, RTC_CENTURY = 0x32 };

struct rtc {
    struct dev dev;
    struct wire irq;   /* out: the IRQ pin, inverted (high = asserted) */
    struct wire alarm; /* out: the alarm's part of it, for power management */
    uint32_t iobase;   /* properties */

    struct region ports;
    uint8_t index;   /* bits 6..0 */
    bool nmi_masked; /* bit 7 of the index port */
    uint8_t a, b, c;
    /*
     * The clock bytes (while they are held), the alarm bytes and the memory,
     * by address. Kept through resets: it has a battery.
     */
    uint8_t cmos[RTC_SIZE];

    /* The guest's clock minus the machine's: ns reach only 292 years. */
    int64_t offset_sec;
    int64_t offset_ns;  /* 0..999999999 */
    uint8_t wday_skew;  /* the day of the week as set minus the real one */
    bool fell_back;     /* daylight saving ended already this October */
    int64_t seen_sec;   /* updates up to this second are in C */
    uint64_t seen_tick; /* periods up to this tick of 32768 Hz are in C */
    struct timer event; /* the next flag that is enabled */
};

extern const struct dev_type rtc_type;

/* For the board and the firmware's settings. Machine lock held. */
void rtc_set_cmos(struct rtc *s, unsigned at, uint8_t value);
uint8_t rtc_get_cmos(const struct rtc *s, unsigned at);

#endif
