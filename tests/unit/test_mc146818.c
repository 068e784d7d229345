/* SPDX-License-Identifier: MIT */
#include "hw/timer/mc146818.h"
#include "tests/unit/hw_test.h"

enum { START = 1000000000 }; /* 2001-09-09 01:46:40 UTC, a Sunday */

struct pc {
    struct machine m;
    struct rtc *rtc;
    struct probe irq;
};

static void pc_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    pc->m.rtc_offset = START * NS_PER_SECOND;
    pc->rtc = hw_test_dev(&pc->m, &rtc_type);
    pc->rtc->irq = probe_wire(&pc->irq);
}

static uint8_t get(struct pc *pc, uint8_t at)
{
    out8(&pc->m, 0x70, at);
    return in8(&pc->m, 0x71);
}

static void set(struct pc *pc, uint8_t at, uint8_t v)
{
    out8(&pc->m, 0x70, at);
    out8(&pc->m, 0x71, v);
}

/* Seconds, minutes, hours, weekday, day, month, year, century as digits. */
static void assert_time(struct pc *pc, const char *want)
{
    static const uint8_t at[] = {0x32, 9, 8, 7, 6, 4, 2, 0};
    g_autoptr(GString) s = g_string_new(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        g_string_append_printf(s, i ? " %02x" : "%02x", get(pc, at[i]));
    }
    g_assert_cmpstr(s->str, ==, want);
}

static void test_read(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    assert_time(&pc, "20 01 09 09 01 01 46 40");
    hw_test_step(&pc.m, 14 * 3600 * NS_PER_SECOND);
    assert_time(&pc, "20 01 09 09 01 15 46 40");
    set(&pc, 11, 0x06); /* binary, 24 hours */
    assert_time(&pc, "14 01 09 09 01 0f 2e 28");
    set(&pc, 11, 0x00); /* BCD, 12 hours */
    assert_time(&pc, "20 01 09 09 01 83 46 40");
    set(&pc, 11, 0x04); /* binary, 12 hours */
    g_assert_cmphex(get(&pc, 4), ==, 0x83);
    g_assert_cmphex(get(&pc, 13), ==, 0x80);
    g_assert_cmphex(get(&pc, 0x37), ==, get(&pc, 0x32));
    g_assert_cmphex(in8(&pc.m, 0x70), ==, 0xff);
    hw_test_done(&pc.m);
}

static void test_write(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    hw_test_step(&pc.m, NS_PER_SECOND / 4);
    set(&pc, 11, 0x82); /* SET */
    set(&pc, 0, 0x59);
    set(&pc, 2, 0x59);
    set(&pc, 4, 0x23);
    set(&pc, 6, 0x03); /* as the guest says, whatever the date is */
    set(&pc, 7, 0x31);
    set(&pc, 8, 0x12);
    set(&pc, 9, 0x99);
    set(&pc, 0x32, 0x19);
    hw_test_step(&pc.m, 10 * NS_PER_SECOND);
    assert_time(&pc, "19 99 12 31 03 23 59 59"); /* it is held */
    set(&pc, 11, 0x02);
    hw_test_step(&pc.m, NS_PER_SECOND / 2);
    assert_time(&pc, "19 99 12 31 03 23 59 59");
    hw_test_step(&pc.m, NS_PER_SECOND / 2);
    assert_time(&pc, "20 00 01 01 04 00 00 00");
    set(&pc, 2, 0x30); /* a running clock, too */
    assert_time(&pc, "20 00 01 01 04 00 30 00");
    machine_reset_devices(&pc.m);
    assert_time(&pc, "20 00 01 01 04 00 30 00");
    /* the year 9999 and beyond */
    set(&pc, 0x32, 0xff);
    set(&pc, 9, 0xff);
    get(&pc, 0);
    hw_test_done(&pc.m);
}

/* Divider reset: the next update is half a second after its end. */
static void test_divider(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    hw_test_step(&pc.m, 300 * NS_PER_MS);
    set(&pc, 10, 0x76);
    hw_test_step(&pc.m, 5 * NS_PER_SECOND);
    g_assert_cmphex(get(&pc, 0), ==, 0x40);
    set(&pc, 10, 0x26);
    hw_test_step(&pc.m, 499 * NS_PER_MS);
    g_assert_cmphex(get(&pc, 0), ==, 0x40);
    g_assert_cmphex(get(&pc, 10), ==, 0xa6); /* update in progress */
    hw_test_step(&pc.m, 1 * NS_PER_MS);
    g_assert_cmphex(get(&pc, 0), ==, 0x41);
    g_assert_cmphex(get(&pc, 10), ==, 0x26);
    hw_test_done(&pc.m);
}

static void test_periodic(void)
{
    struct pc pc = {0};
    unsigned count = 0;

    pc_init(&pc);
    g_assert_cmphex(get(&pc, 12), ==, 0);
    hw_test_step(&pc.m, NS_PER_MS);
    g_assert_cmphex(get(&pc, 12), ==, 0x40); /* 1024 Hz, flag only */
    g_assert_cmphex(get(&pc, 12), ==, 0x00);
    set(&pc, 11, 0x42);
    for (unsigned i = 0; i < 10000; i++) {
        hw_test_step(&pc.m, NS_PER_MS / 10);
        if (pc.irq.level) {
            g_assert_cmphex(get(&pc, 12) & 0xc0, ==, 0xc0);
            g_assert_false(pc.irq.level);
            count++;
        }
    }
    g_assert_cmpuint(count, ==, 1024);
    set(&pc, 10, 0x2f); /* 2 Hz */
    get(&pc, 12);
    hw_test_step(&pc.m, NS_PER_SECOND / 2);
    g_assert_true(pc.irq.level);
    set(&pc, 10, 0x20); /* off */
    get(&pc, 12);
    hw_test_step(&pc.m, NS_PER_SECOND);
    g_assert_false(pc.irq.level);
    hw_test_done(&pc.m);
}

static void test_update_and_alarm(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    set(&pc, 11, 0x12);
    hw_test_step(&pc.m, 999 * NS_PER_MS);
    g_assert_false(pc.irq.level);
    hw_test_step(&pc.m, NS_PER_MS);
    g_assert_true(pc.irq.level);
    g_assert_cmphex(get(&pc, 12) & 0x90, ==, 0x90);
    hw_test_step(&pc.m, NS_PER_SECOND);
    g_assert_true(pc.irq.level);

    set(&pc, 5, 0x02); /* 02:00:05 */
    set(&pc, 3, 0x00);
    set(&pc, 1, 0x05);
    set(&pc, 11, 0x22);
    get(&pc, 12);
    hw_test_step(&pc.m, 13 * 60 * NS_PER_SECOND + 22 * NS_PER_SECOND);
    g_assert_false(pc.irq.level); /* 02:00:04 */
    hw_test_step(&pc.m, NS_PER_SECOND);
    g_assert_true(pc.irq.level);
    g_assert_cmphex(get(&pc, 12) & 0xa0, ==, 0xa0);
    set(&pc, 5, 0xff); /* every hour and minute, at :05 */
    set(&pc, 3, 0xc0);
    hw_test_step(&pc.m, 59 * NS_PER_SECOND);
    g_assert_false(pc.irq.level);
    hw_test_step(&pc.m, NS_PER_SECOND);
    g_assert_true(pc.irq.level);
    set(&pc, 1, 0x77); /* never */
    get(&pc, 12);
    hw_test_step(&pc.m, 5000 * NS_PER_SECOND);
    g_assert_false(pc.irq.level);
    hw_test_done(&pc.m);
}

static void test_daylight(void)
{
    struct pc pc = {0};

    pc_init(&pc);
    pc.m.rtc_offset = INT64_C(1004234340) * NS_PER_SECOND; /* 28 Oct 01:59 */
    set(&pc, 11, 0x03);
    assert_time(&pc, "20 01 10 28 01 01 59 00");
    hw_test_step(&pc.m, 60 * NS_PER_SECOND);
    assert_time(&pc, "20 01 10 28 01 01 00 00");
    hw_test_step(&pc.m, 3600 * NS_PER_SECOND);
    assert_time(&pc, "20 01 10 28 01 02 00 00");
    hw_test_done(&pc.m);
}

static void test_cmos(void)
{
    struct pc pc = {0};
    struct pc other = {0};

    pc_init(&pc);
    pc_init(&other);
    rtc_set_cmos(pc.rtc, 0x10, 0x40);
    g_assert_cmphex(get(&pc, 0x90), ==, 0x40); /* bit 7 is the NMI mask */
    g_assert_true(pc.rtc->nmi_masked);
    set(&pc, 0x7f, 0x5a);
    machine_reset_devices(&pc.m);
    g_assert_cmphex(get(&pc, 0x7f), ==, 0x5a);
    g_assert_false(pc.rtc->nmi_masked);
    set(&pc, 11, 0x42);
    hw_test_step(&pc.m, NS_PER_MS);
    g_assert_true(pc.irq.level);
    hw_test_step(&other.m, NS_PER_MS);
    hw_test_roundtrip(&pc.rtc->dev, &other.rtc->dev);
    g_assert_true(other.irq.level);
    g_assert_cmphex(get(&other, 0x7f), ==, 0x5a);
    hw_test_done(&other.m);
    hw_test_done(&pc.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mc146818/read", test_read);
    g_test_add_func("/mc146818/write", test_write);
    g_test_add_func("/mc146818/divider", test_divider);
    g_test_add_func("/mc146818/periodic", test_periodic);
    g_test_add_func("/mc146818/update_and_alarm", test_update_and_alarm);
    g_test_add_func("/mc146818/daylight", test_daylight);
    g_test_add_func("/mc146818/cmos", test_cmos);
    return g_test_run();
}
