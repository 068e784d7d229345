/* SPDX-License-Identifier: MIT */
/*
 * Real-time clock with CMOS memory.
 *
 * [MC146818] Motorola, "MC146818 Real-Time Clock Plus RAM" data sheet.
 *
 * The clock is the machine's wall clock moved by an offset; setting it moves
 * the offset. While it is held (B.SET, or the divider in reset) the bytes in
 * `cmos` are the clock. Flags of C are found out when somebody looks, or by a
 * timer where their interrupt is enabled.
 *
 * Beside the data sheet: the century in byte 0x32 (and 0x37, as on PS/2), kept
 * by the clock.
 *
 * Not modelled: square wave output, time bases other than 32.768 kHz.
 */
#include "hw/timer/mc146818.h"

#include <string.h>
#include <time.h>

#include "hw/isa/isa.h"

enum { /* [MC146818] "Address Map" */
       RTC_SEC = 0,
       RTC_SEC_ALARM = 1,
       RTC_MIN = 2,
       RTC_MIN_ALARM = 3,
       RTC_HOUR = 4,
       RTC_HOUR_ALARM = 5,
       RTC_WDAY = 6,
       RTC_MDAY = 7,
       RTC_MON = 8,
       RTC_YEAR = 9,
       RTC_A = 10,
       RTC_B = 11,
       RTC_C = 12,
       RTC_D = 13,
       RTC_PS2_CENTURY = 0x37,
};

enum {
    A_RS = 0x0f,
    A_DV = 0x70,
    A_DV_32K = 0x20,
    A_DV_RESET = 0x60, /* and 0x70 */
    A_UIP = 0x80,
    B_DSE = 1 << 0,
    B_24H = 1 << 1,
    B_BINARY = 1 << 2,
    B_SQWE = 1 << 3,
    B_SET = 1 << 7,
    UF = 1 << 4, /* in C; the same bits of B enable them */
    AF = 1 << 5,
    PF = 1 << 6,
    FLAGS = UF | AF | PF,
    C_IRQF = 1 << 7,
    D_VRT = 1 << 7,
    HOUR_PM = 0x80,
    DONT_CARE = 0xc0,
};

#define FAR_FUTURE INT64_C(1000000000000) /* 33,000 years */

enum { TICK_HZ = 32768, UIP_NS = 244000 + 1984000 };

static struct rtc *rtc_of(struct dev *dev)
{
    return container_of(dev, struct rtc, dev);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The guest's time in seconds since 1970; *into: ns into that second. */
static int64_t rtc_now(const struct rtc *s, int64_t *into)
{
    int64_t ns = machine_rtc_ns(s->dev.machine) + s->offset_ns;
    int64_t sec = floor_div(ns, NS_PER_SECOND);

    if (into) {
        *into = ns - sec * NS_PER_SECOND;
    }
    return sec + s->offset_sec;
}

static uint64_t rtc_tick(const struct rtc *s)
{
    return muldiv64((uint64_t)clock_now(&s->dev.machine->clock), TICK_HZ,
                    (uint64_t)NS_PER_SECOND);
}

static bool rtc_divider_reset(const struct rtc *s)
{
    return (s->a & A_DV_RESET) == A_DV_RESET;
}

/* The clock stands still and its bytes are memory. */
static bool rtc_held(const struct rtc *s)
{
    return (s->b & B_SET) || rtc_divider_reset(s);
}

static uint8_t rtc_encode(const struct rtc *s, int v)
{
    return (uint8_t)(s->b & B_BINARY ? v : v / 10 % 10 << 4 | v % 10);
}

static int rtc_decode(const struct rtc *s, uint8_t v)
{
    return s->b & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t rtc_encode_hour(const struct rtc *s, int hour)
{
    if (s->b & B_24H) {
        return rtc_encode(s, hour);
    }
    return (uint8_t)(rtc_encode(s, hour % 12 ? hour % 12 : 12) |
                     (hour >= 12 ? HOUR_PM : 0));
}

static int rtc_decode_hour(const struct rtc *s, uint8_t v)
{
    int hour;

    if (s->b & B_24H) {
        return rtc_decode(s, v);
    }
    hour = rtc_decode(s, v & 0x7f) % 12;
    return v & HOUR_PM ? hour + 12 : hour;
}

/* Fills the clock bytes of `cmos` from a time. */
static void rtc_put_time(struct rtc *s, int64_t sec)
{
    time_t t = (time_t)sec;
    struct tm tm;
    int year;

    gmtime_r(&t, &tm);
    year = tm.tm_year + 1900;
    s->cmos[RTC_SEC] = rtc_encode(s, tm.tm_sec);
    s->cmos[RTC_MIN] = rtc_encode(s, tm.tm_min);
    s->cmos[RTC_HOUR] = rtc_encode_hour(s, tm.tm_hour);
    s->cmos[RTC_WDAY] = rtc_encode(s, (tm.tm_wday + s->wday_skew) % 7 + 1);
    s->cmos[RTC_MDAY] = rtc_encode(s, tm.tm_mday);
    s->cmos[RTC_MON] = rtc_encode(s, tm.tm_mon + 1);
    s->cmos[RTC_YEAR] = rtc_encode(s, year % 100);
    s->cmos[RTC_CENTURY] = rtc_encode(s, year / 100);
}

/* The time that the clock bytes say; whatever they hold, it is some time. */
static int64_t rtc_get_time(struct rtc *s)
{
    struct tm tm = {
        .tm_sec = rtc_decode(s, s->cmos[RTC_SEC]),
        .tm_min = rtc_decode(s, s->cmos[RTC_MIN]),
        .tm_hour = rtc_decode_hour(s, s->cmos[RTC_HOUR]),
        .tm_mday = rtc_decode(s, s->cmos[RTC_MDAY]),
        .tm_mon = rtc_decode(s, s->cmos[RTC_MON]) - 1,
        .tm_year = rtc_decode(s, s->cmos[RTC_YEAR]) +
                   rtc_decode(s, s->cmos[RTC_CENTURY]) * 100 - 1900,
    };
    time_t t = timegm(&tm);
    int wday = rtc_decode(s, s->cmos[RTC_WDAY]) - 1;

    s->wday_skew = (uint8_t)((wday - tm.tm_wday + 14) % 7);
    return t;
}

/* The host may want to set the guest's clock like that again. */
static void rtc_tell(const struct rtc *s)
{
    g_autofree char *json =
        g_strdup_printf("{\"offset\": %" G_GINT64_FORMAT
                        ", \"qom-path\": \"/machine/unattached/%s\"}",
                        s->offset_sec, dev_name(&s->dev));

    machine_event(s->dev.machine, "RTC_CHANGE", json);
}

/* Makes `sec` the time now, `ns` into that second. */
static void rtc_set_time(struct rtc *s, int64_t sec, int64_t ns)
{
    int64_t into;
    int64_t was = s->offset_sec;

    s->offset_ns = 0;
    s->offset_sec += sec - rtc_now(s, &into);
    s->offset_ns = ns - into;
    if (s->offset_ns < 0) {
        s->offset_ns += NS_PER_SECOND;
        s->offset_sec--;
    }
    s->seen_sec = sec;
    if (s->offset_sec != was) {
        rtc_tell(s);
    }
}

/* Does an alarm byte match? */
static bool alarm_matches(const struct rtc *s, unsigned at, int value)
{
    uint8_t v = s->cmos[at];

    return v >= DONT_CARE || (at == RTC_HOUR_ALARM ? rtc_decode_hour(s, v)
                                                   : rtc_decode(s, v)) == value;
}

/* The first second after `sec` at which the alarm goes off, or -1. */
static int64_t rtc_next_alarm(const struct rtc *s, int64_t sec)
{
    int64_t t = sec + 1;

    for (unsigned i = 0; i < 200; i++) { /* 24 hours, 60 minutes, 60 seconds */
        int64_t day = t - floor_div(t, 86400) * 86400;

        if (!alarm_matches(s, RTC_HOUR_ALARM, (int)(day / 3600))) {
            t += 3600 - day % 3600;
        } else if (!alarm_matches(s, RTC_MIN_ALARM, (int)(day / 60 % 60))) {
            t += 60 - day % 60;
        } else if (!alarm_matches(s, RTC_SEC_ALARM, (int)(day % 60))) {
            t++;
        } else {
            return t;
        }
    }
    return -1;
}

/* Period of PF in ticks of 32768 Hz, 0 = none. [MC146818] table 5. */
static uint64_t rtc_period(const struct rtc *s)
{
    unsigned rs = s->a & A_RS;

    if (rs == 0 || (s->a & A_DV) != A_DV_32K) {
        return 0;
    }
    return UINT64_C(1) << (rs <= 2 ? rs + 6 : rs - 1);
}

/* The last Sunday of a month, at 2:00 or 1:00, as [MC146818] "DSE" has it. */
static int64_t last_sunday(int year, int mon, int mday, int hour)
{
    struct tm tm = {.tm_year = year, .tm_mon = mon, .tm_mday = mday};
    time_t t = timegm(&tm);

    return t - tm.tm_wday * INT64_C(86400) + hour * INT64_C(3600);
}

/* April: 1:59:59 is followed by 3:00:00. October: 1:59:59 by 1:00:00, once. */
static void rtc_daylight(struct rtc *s, int64_t now)
{
    time_t t = (time_t)now;
    struct tm tm;
    int64_t spring;
    int64_t autumn;

    gmtime_r(&t, &tm);
    spring = last_sunday(tm.tm_year, 3, 30, 2);
    autumn = last_sunday(tm.tm_year, 9, 31, 2);
    if (s->seen_sec < spring && now >= spring && now < spring + 3600) {
        s->offset_sec += 3600;
    } else if (s->seen_sec < autumn && now >= autumn && !s->fell_back) {
        s->offset_sec -= 3600;
        s->fell_back = true;
    } else if (now >= autumn) {
        s->fell_back = false;
    }
}

/* Sets the flags for all that has happened since we looked last. */
static void rtc_catch_up(struct rtc *s)
{
    uint64_t tick = rtc_tick(s);
    uint64_t period = rtc_period(s);

    if (period && tick / period != s->seen_tick / period) {
        s->c |= PF;
    }
    s->seen_tick = tick;
    if (!rtc_held(s)) {
        int64_t now = rtc_now(s, NULL);
        int64_t alarm = rtc_next_alarm(s, s->seen_sec);

        if (s->b & B_DSE) {
            rtc_daylight(s, now);
            now = rtc_now(s, NULL);
        }
        if (now != s->seen_sec) {
            s->c |= UF;
        }
        if (alarm >= 0 && alarm <= now) {
            s->c |= AF;
        }
        s->seen_sec = now;
    }
}

/* C.IRQF and the pin follow from the cause bits in C and their masks in B. */
static void rtc_update_irq(struct rtc *s)
{
    bool pending = s->b & s->c & FLAGS;
    bool alarm = s->b & s->c & AF;

    s->c = (uint8_t)((s->c & ~C_IRQF) | (pending ? C_IRQF : 0));
    if (pending != s->irq.level) {
        wire_set(&s->irq, pending);
    }
    if (alarm != s->alarm.level) {
        wire_set(&s->alarm, alarm);
    }
}

/* When the guest's clock shows `sec`, in terms of the virtual clock. */
static int64_t rtc_when(const struct rtc *s, int64_t sec)
{
    int64_t into;
    int64_t wait = sec - rtc_now(s, &into);

    wait = CLAMP(wait, 0, 86400);
    return clock_now(&s->dev.machine->clock) + wait * NS_PER_SECOND - into;
}

/* The timer runs for flags that are enabled and not set yet. */
static void rtc_arm(struct rtc *s)
{
    uint8_t wanted = s->b & ~s->c & FLAGS;
    uint64_t period = rtc_period(s);
    int64_t at = INT64_MAX;

    if ((wanted & PF) && period) {
        uint64_t next = (s->seen_tick / period + 1) * period;

        at = (int64_t)muldiv64(next, (uint64_t)NS_PER_SECOND, TICK_HZ) + 1;
    }
    if ((wanted & UF) && !rtc_held(s)) {
        at = MIN(at, rtc_when(s, s->seen_sec + 1));
    }
    if ((wanted & AF) && !rtc_held(s)) {
        int64_t alarm = rtc_next_alarm(s, s->seen_sec);

        at = alarm < 0 ? at : MIN(at, rtc_when(s, alarm));
    }
    if (at == INT64_MAX) {
        timer_cancel(&s->event);
    } else {
        timer_set(&s->event, MAX(at, 0));
    }
}

static void rtc_look(struct rtc *s)
{
    rtc_catch_up(s);
    rtc_update_irq(s);
    rtc_arm(s);
}

static void rtc_event(void *opaque)
{
    rtc_look(opaque);
}

static bool rtc_updating(const struct rtc *s)
{
    int64_t into;

    rtc_now(s, &into);
    return !rtc_held(s) && into >= NS_PER_SECOND - UIP_NS;
}

/* Bytes that the clock keeps. */
static bool is_clock_byte(unsigned at)
{
    return at == RTC_SEC || at == RTC_MIN || at == RTC_HOUR ||
           (at >= RTC_WDAY && at <= RTC_YEAR) || at == RTC_CENTURY;
}

static uint8_t rtc_read_byte(struct rtc *s, unsigned at)
{
    uint8_t v;

    switch (at) {
    case RTC_A: return (uint8_t)(s->a | (rtc_updating(s) ? A_UIP : 0));
    case RTC_B: return s->b;
    case RTC_C:
        rtc_catch_up(s);
        rtc_update_irq(s);
        v = s->c;
        s->c = 0; /* reading clears it, and the pin */
        rtc_update_irq(s);
        rtc_arm(s);
        return v;
    case RTC_D: return D_VRT;
    default:
        if (is_clock_byte(at) && !rtc_held(s)) {
            rtc_catch_up(s);
            rtc_update_irq(s);
            rtc_put_time(s, rtc_now(s, NULL));
        }
        return s->cmos[at];
    }
}

/* Before a change of A or B: the bytes say what the time is now. */
static void rtc_freeze(struct rtc *s)
{
    if (!rtc_held(s)) {
        rtc_put_time(s, rtc_now(s, NULL));
    }
}

static void rtc_write_a(struct rtc *s, uint8_t v)
{
    bool was_held = rtc_held(s);
    bool was_reset = rtc_divider_reset(s);

    rtc_catch_up(s);
    rtc_freeze(s);
    s->a = v & (A_RS | A_DV);
    if (was_held && !rtc_held(s)) {
        /* the first update comes half a second after the divider's start */
        rtc_set_time(s, rtc_get_time(s), was_reset ? NS_PER_SECOND / 2 : 0);
    }
}

static void rtc_write_b(struct rtc *s, uint8_t v)
{
    bool was_held = rtc_held(s);
    int64_t into;
    int64_t sec;

    rtc_catch_up(s);
    rtc_now(s, &into);
    rtc_freeze(s);
    sec = rtc_get_time(s);
    if ((v & B_SET) && !(s->b & B_SET)) {
        v &= (uint8_t)~UF; /* SET clears UIE */
    }
    if (was_held || !((v ^ s->b) & (B_24H | B_BINARY))) {
        s->b = v;
    } else { /* a running clock is not misread because the format changes */
        s->b = v;
        rtc_put_time(s, sec);
    }
    if (was_held && !rtc_held(s)) {
        rtc_set_time(s, rtc_get_time(s), into);
    }
}

static void rtc_write_byte(struct rtc *s, unsigned at, uint8_t v)
{
    int64_t into;

    rtc_now(s, &into);
    switch (at) {
    case RTC_A: rtc_write_a(s, v); break;
    case RTC_B: rtc_write_b(s, v); break;
    case RTC_C:
    case RTC_D: break;
    default:
        rtc_catch_up(s);
        if (is_clock_byte(at) && !rtc_held(s)) {
            rtc_freeze(s);
            s->cmos[at] = v;
            rtc_set_time(s, rtc_get_time(s), into);
        } else {
            s->cmos[at] = v;
        }
        break;
    }
    rtc_update_irq(s);
    rtc_arm(s);
}

static unsigned rtc_address(const struct rtc *s)
{
    return s->index == RTC_PS2_CENTURY ? RTC_CENTURY : s->index;
}

static uint64_t rtc_read(void *opaque, uint64_t at, unsigned size)
{
    struct rtc *s = opaque;

    return at ? rtc_read_byte(s, rtc_address(s)) : 0xff;
}

static void rtc_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct rtc *s = opaque;

    if (at) {
        rtc_write_byte(s, rtc_address(s), (uint8_t)value);
    } else {
        s->index = value & 0x7f;
        s->nmi_masked = value & 0x80;
    }
}

static const struct region_ops rtc_ops = {
    .read = rtc_read,
    .write = rtc_write,
    .max = 1,
};

void rtc_set_cmos(struct rtc *s, unsigned at, uint8_t value)
{
    if (at >= RTC_SIZE) {
        return;
    }
    s->cmos[at] = value;
}

uint8_t rtc_get_cmos(const struct rtc *s, unsigned at)
{
    return at < RTC_SIZE ? s->cmos[at] : 0xff;
}

static bool rtc_realize(struct dev *dev, GError **error)
{
    struct rtc *s = rtc_of(dev);

    timer_init(&s->event, &dev->machine->clock, rtc_event, s);
    s->a = A_DV_32K | 6;
    s->b = B_24H;
    region_init_io(&s->ports, "rtc", 2, &rtc_ops, s);
    return isa_map(dev->machine, &s->ports, s->iobase, error);
}

static void rtc_unrealize(struct dev *dev)
{
    struct rtc *s = rtc_of(dev);

    timer_cancel(&s->event);
    region_remove(&s->ports);
}

/* RESET# clears the interrupts; time, alarms and memory live on. */
static void rtc_reset(struct dev *dev)
{
    struct rtc *s = rtc_of(dev);

    s->b &= (uint8_t) ~(FLAGS | B_SQWE);
    s->c = 0;
    s->index = 0;
    s->nmi_masked = false;
    s->seen_sec = rtc_now(s, NULL);
    s->seen_tick = rtc_tick(s);
    timer_cancel(&s->event);
}

static void rtc_settle(struct dev *dev)
{
    struct rtc *s = rtc_of(dev);

    rtc_update_irq(s);
    wire_set(&s->irq, s->irq.level);
    wire_set(&s->alarm, s->alarm.level);
    rtc_arm(s);
}

static bool is_near(int64_t sec)
{
    return sec > -FAR_FUTURE && sec < FAR_FUTURE;
}

static bool rtc_check(struct dev *dev, GError **error)
{
    struct rtc *s = rtc_of(dev);

    if (s->index >= RTC_SIZE || s->wday_skew > 6 || !is_near(s->offset_sec) ||
        !is_near(s->seen_sec) || s->offset_ns < 0 ||
        s->offset_ns >= NS_PER_SECOND) {
        return fail(error, "mc146818: impossible time or index");
    }
    return true;
}

static const struct field rtc_props[] = {
    PROP(struct rtc, iobase, 0x70),
    FIELD_END,
};

static const struct field rtc_state[] = {
    FIELD(struct rtc, index),
    FIELD(struct rtc, nmi_masked),
    FIELD(struct rtc, a),
    FIELD(struct rtc, b),
    FIELD(struct rtc, c),
    FIELD_ARRAY(struct rtc, cmos),
    FIELD(struct rtc, offset_sec),
    FIELD(struct rtc, offset_ns),
    FIELD(struct rtc, wday_skew),
    FIELD(struct rtc, fell_back),
    FIELD(struct rtc, seen_sec),
    FIELD(struct rtc, seen_tick),
    FIELD_END,
};

const struct dev_type rtc_type = {
    .name = "mc146818rtc",
    .alias = "mc146818",
    .desc = "real-time clock and CMOS memory",
    .bus = "ISA",
    .size = sizeof(struct rtc),
    .version = 1,
    .hidden = true,
    .props = rtc_props,
    .state = rtc_state,
    .realize = rtc_realize,
    .unrealize = rtc_unrealize,
    .reset = rtc_reset,
    .settle = rtc_settle,
    .check = rtc_check,
};
