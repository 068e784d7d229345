/* SPDX-License-Identifier: MIT */
#include "hw/chipset/piix4_pm.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct piix4_pm *pm;
    struct probe sci, smi, suspend;
};

static void pc_init(struct pc *pc)
{
    struct machine *m = &pc->m;
    struct pci_dev *d;

    hw_test_init(m);
    pci_bus_new(m, "pci.0", NULL, &m->memory.root, &m->ports.root);
    pc->pm = hw_test_dev(m, &piix4_pm_type);
    pc->pm->sci = probe_wire(&pc->sci);
    pc->pm->smi = probe_wire(&pc->smi);
    pc->pm->suspend = probe_wire(&pc->suspend);
    d = &pc->pm->pci;
    pci_config_write(d, 0x40, 4, 0x601);
    pci_config_write(d, 0x80, 1, 1);
    pci_config_write(d, 0x90, 4, 0x701);
    pci_config_write(d, 0xd2, 1, 9);
    pci_config_write(d, 4, 2, 1);
}

static void test_timer(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    uint32_t t;

    pc_init(&pc);
    t = in32(m, 0x608);
    hw_test_step(m, NS_PER_SECOND);
    g_assert_cmpuint(in32(m, 0x608) - t, ==, 3579545);
    out16(m, 0x604, 1); /* SCI_EN */
    out16(m, 0x602, 1); /* TMROF_EN */
    hw_test_step(m, NS_PER_SECOND);
    g_assert_false(pc.sci.level);
    hw_test_step(m, NS_PER_SECOND);
    g_assert_true(pc.sci.level); /* 2^23 ticks are 2.34 s */
    g_assert_cmphex(in16(m, 0x600), ==, 1);
    out16(m, 0x600, 1);
    g_assert_false(pc.sci.level);
    hw_test_step(m, NS_PER_SECOND * 5 / 2);
    g_assert_true(pc.sci.level);
    hw_test_done(m);
}

static void test_sleep(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    out16(m, 0x604, 1 << 13 | 1 << 10); /* S3 */
    g_assert_cmphex(m->requests, ==, MACHINE_SUSPEND);
    g_assert_cmpuint(pc.suspend.rises, ==, 1);
    g_assert_cmphex(in16(m, 0x604), ==, 1 << 10);
    piix4_pm_wake(pc.pm);
    g_assert_cmphex(in16(m, 0x600), ==, 0x8100);
    out16(m, 0x600, 0xffff);
    g_assert_cmphex(in16(m, 0x600), ==, 0);
    m->requests = 0;
    out16(m, 0x604, 0); /* no SLP_EN */
    g_assert_cmphex(m->requests, ==, 0);
    out16(m, 0x604, 1 << 13);
    g_assert_cmphex(m->requests, ==, MACHINE_SHUTDOWN);
    hw_test_done(m);
}

/* The RTC's alarm and the button end S3, where PM1 lets them. */
static void test_wake(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    piix4_pm_rtc_alarm(pc.pm, 0, true);
    g_assert_cmphex(in16(m, 0x600), ==, 0x400); /* noted while awake */
    g_assert_cmphex(m->requests, ==, 0);
    out16(m, 0x600, 0xffff);
    out16(m, 0x604, 1 << 13 | 1 << 10);
    m->requests = 0;
    piix4_pm_rtc_alarm(pc.pm, 0, true); /* RTC_EN is off */
    g_assert_cmphex(m->requests, ==, 0);
    out16(m, 0x602, 0x400);
    piix4_pm_rtc_alarm(pc.pm, 0, true);
    g_assert_cmphex(m->requests, ==, MACHINE_WAKEUP);
    m->waking = true;
    machine_reset_devices(m);
    m->waking = false;
    piix4_pm_wake(pc.pm);
    /* PM I/O is where it was, and the alarm is the reason */
    g_assert_cmphex(in16(m, 0x600), ==, 0x8400);
    m->requests = 0;
    piix4_pm_power_button(pc.pm);
    g_assert_cmphex(m->requests, ==, 0); /* awake */
    out16(m, 0x604, 1 << 13 | 1 << 10);
    m->requests = 0;
    piix4_pm_power_button(pc.pm);
    g_assert_cmphex(m->requests, ==, MACHINE_WAKEUP);
    hw_test_done(m);
}

static void test_button(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    piix4_pm_power_button(pc.pm);
    g_assert_cmphex(in16(m, 0x600), ==, 0x100);
    out16(m, 0x602, 0x100);
    g_assert_false(pc.sci.level);
    out8(m, 0xb2, 0xf1); /* ACPI enable */
    g_assert_cmphex(in16(m, 0x604), ==, 1);
    g_assert_true(pc.sci.level);
    out8(m, 0x601, 1); /* the upper byte alone */
    g_assert_false(pc.sci.level);
    piix4_pm_gpe(pc.pm, 3);
    g_assert_false(pc.sci.level);
    out16(m, 0x60e, 8);
    g_assert_true(pc.sci.level);
    out16(m, 0x60c, 8);
    g_assert_false(pc.sci.level);
    out8(m, 0xb2, 0xf0);
    g_assert_cmphex(in16(m, 0x604), ==, 0);
    hw_test_done(m);
}

static void test_smi(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    out8(m, 0xb2, 0);
    g_assert_cmpuint(pc.smi.rises, ==, 0);
    pci_config_write(&pc.pm->pci, 0x58, 4, 1 << 25);
    out8(m, 0xb2, 0);
    g_assert_cmpuint(pc.smi.rises, ==, 0);
    out32(m, 0x628, 1);
    out8(m, 0xb3, 0x55);
    out8(m, 0xb2, 0x12);
    g_assert_cmpuint(pc.smi.rises, ==, 1);
    g_assert_cmphex(in16(m, 0xb2), ==, 0x5512);
    hw_test_done(m);
}

static void test_smbus(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;

    pc_init(&pc);
    out8(m, 0x704, 0xa1);
    out8(m, 0x702, 0x48);
    g_assert_cmphex(in8(m, 0x700), ==, 4); /* nobody answered */
    out8(m, 0x700, 4);
    g_assert_cmphex(in8(m, 0x700), ==, 0);
    hw_test_done(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/piix4_pm/timer", test_timer);
    g_test_add_func("/piix4_pm/sleep", test_sleep);
    g_test_add_func("/piix4_pm/wake", test_wake);
    g_test_add_func("/piix4_pm/button", test_button);
    g_test_add_func("/piix4_pm/smi", test_smi);
    g_test_add_func("/piix4_pm/smbus", test_smbus);
    return g_test_run();
}
