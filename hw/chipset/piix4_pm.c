/* SPDX-License-Identifier: MIT */
/*
 * PIIX4 function 3: power management (ACPI registers, SMI command port) and
 * the SMBus host controller, with nothing on that bus.
 *
 * [PIIX4] Intel 82371AB (PIIX4) data sheet, 290562-001, chapters 7 and 11.
 * [ACPI] 4.8 "ACPI Register Model".
 *
 * Against the data sheet: writing the values that our FADT names for ACPI
 * enable and disable to the SMI command port also sets and clears SCI_EN,
 * which on real boards the firmware's SMI handler does. S4 by register is
 * a power off.
 *
 * Not modelled: device monitors and their SMIs and timers, clock control,
 * general purpose pins, SMBus slave.
 */
#include "hw/chipset/piix4_pm.h"

#include "base/log.h"
#include "hw/isa/isa.h"

enum { /* configuration */
       REG_PMBA = 0x40,
       REG_DEVACTB = 0x58,
       REG_PMREGMISC = 0x80,
       REG_SMBBA = 0x90,
       REG_SMBHSTCFG = 0xd2,
       PMREGMISC_PMIOSE = 1 << 0,
       SMBHSTCFG_ENABLE = 1 << 0,
       DEVACTB_APMC_EN = 1 << 25,
};

enum { /* PM1 status and enable */
       PM1_TMROF = 1 << 0,
       PM1_GBL = 1 << 5,
       PM1_PWRBTN = 1 << 8,
       PM1_RTC = 1 << 10,
       PM1_RSM = 1 << 15, /* WAK_STS */
       PM1_EVENTS = PM1_TMROF | PM1_GBL | PM1_PWRBTN | PM1_RTC,
};

enum { /* PM1 control */
       PM1_SCI_EN = 1 << 0,
       PM1_GBL_RLS = 1 << 2,
       PM1_SUS_TYP = 7 << 10,
       PM1_SUS_EN = 1 << 13,
};

enum { /* suspend types */
       SUS_OFF = 0,
       SUS_S3 = 1,
       SUS_S4 = 2,
       SUS_S1 = 4,
};

enum { GLBSTS_APM = 1 << 5, GLBSTS_BIOS = 1 << 0, GLBCTL_SMI_EN = 1 << 0 };
enum { ACPI_ENABLE = 0xf1, ACPI_DISABLE = 0xf0 };

enum { /* SMBus */
       SMB_BUSY = 1 << 0,
       SMB_INTER = 1 << 1,
       SMB_DEV_ERR = 1 << 2,
       SMB_STS_W1C = 0x1e,
       SMB_KILL = 1 << 1,
       SMB_START = 1 << 6,
};

#define PM_TIMER_HZ 3579545

static struct piix4_pm *pm_of(struct dev *dev)
{
    return container_of(dev, struct piix4_pm, pci.dev);
}

static uint64_t timer_ticks(const struct piix4_pm *s)
{
    return muldiv64((uint64_t)clock_now(&s->pci.dev.machine->clock),
                    PM_TIMER_HZ, (uint64_t)NS_PER_SECOND);
}

static void pm_update_sci(struct piix4_pm *s)
{
    bool level =
        (s->pm1_cnt & PM1_SCI_EN) &&
        ((s->pm1_sts & s->pm1_en & PM1_EVENTS) || (s->gpe_sts & s->gpe_en));

    wire_set(&s->sci, level);
}

/* The timer runs only while its overflow would be seen as an interrupt. */
static void pm_arm_timer(struct piix4_pm *s)
{
    uint64_t next;

    if (!(s->pm1_en & PM1_TMROF) || (s->pm1_sts & PM1_TMROF)) {
        timer_cancel(&s->overflow);
        return;
    }
    next = (timer_ticks(s) | 0x7fffff) + 1;
    /* round up: at that time the count must have been reached */
    timer_set(&s->overflow,
              (int64_t)muldiv64(next, (uint64_t)NS_PER_SECOND, PM_TIMER_HZ) +
                  1);
}

static void pm_overflow(void *opaque)
{
    struct piix4_pm *s = opaque;

    s->pm1_sts |= PM1_TMROF;
    pm_update_sci(s);
}

static void pm1_sts_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    pm_arm_timer(pm_of(dev));
    pm_update_sci(pm_of(dev));
}

static void pm1_en_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    pm_arm_timer(pm_of(dev));
    pm_update_sci(pm_of(dev));
}

static void pm_sleep(struct piix4_pm *s, unsigned type)
{
    struct machine *m = s->pci.dev.machine;

    if (type == SUS_OFF || (type == s->s4_val && !s->disable_s4)) {
        machine_request(m, MACHINE_SHUTDOWN);
    } else if (type == SUS_S3 && !s->disable_s3) {
        s->asleep = true;
        wire_pulse(&s->suspend);
        machine_request(m, MACHINE_SUSPEND);
    } else if (type == SUS_S1) {
        s->pm1_sts |= PM1_RSM; /* nothing is lost: awake at once */
    } else {
        log_guest("piix4-pm: sleep type %u is not supported", type);
    }
}

static void pm1_cnt_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct piix4_pm *s = pm_of(dev);

    s->pm1_cnt &= (uint16_t) ~(PM1_SUS_EN | PM1_GBL_RLS); /* read as zero */
    if (now & PM1_SUS_EN) {
        pm_sleep(s, (now & PM1_SUS_TYP) >> 10);
    }
    if (now & PM1_GBL_RLS) {
        s->glb_sts |= GLBSTS_BIOS;
        if ((s->glb_en & GLBSTS_BIOS) && (s->glb_ctl & GLBCTL_SMI_EN)) {
            wire_pulse(&s->smi);
        }
    }
    pm_update_sci(s);
}

static uint32_t pm_tmr_read(struct dev *dev, uint32_t stored)
{
    return timer_ticks(pm_of(dev)) & 0xffffff;
}

static void gpe_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    pm_update_sci(pm_of(dev));
}

/* clang-format off */
static const struct reg pmio_regs[] = { /* [PIIX4] 7.2 */
    {REG(struct piix4_pm, pm1_sts, 0x00), .w1c = 0x8d31,
     .wrote = pm1_sts_wrote},
    {REG(struct piix4_pm, pm1_en, 0x02), .rw = PM1_EVENTS,
     .wrote = pm1_en_wrote},
    {REG(struct piix4_pm, pm1_cnt, 0x04), .rw = 0x3c07,
     .wrote = pm1_cnt_wrote},
    {.name = "pm_tmr", .at = 0x08, .size = 4, .read = pm_tmr_read},
    {REG(struct piix4_pm, gpe_sts, 0x0c), .w1c = 0xffff, .wrote = gpe_wrote},
    {REG(struct piix4_pm, gpe_en, 0x0e), .rw = 0xffff, .wrote = gpe_wrote},
    {REG(struct piix4_pm, p_cnt, 0x10), .rw = 0x00023e1e},
    {REG(struct piix4_pm, glb_sts, 0x18), .w1c = 0x0cff},
    {REG(struct piix4_pm, dev_sts, 0x1c), .w1c = 0x3fff0fff},
    {REG(struct piix4_pm, glb_en, 0x20), .rw = 0x0cff},
    {REG(struct piix4_pm, glb_ctl, 0x28), .rw = 0x0507ff7f},
    {REG(struct piix4_pm, dev_ctl, 0x2c), .rw = 0x0fffffff},
    {.name = "gpi", .at = 0x30, .size = 4, .read = NULL},
    {REG(struct piix4_pm, gpo, 0x34), .reset = 0x7fffbfff, .rw = 0x7fffffff},
};
/* clang-format on */
static const struct reg_bank pmio_bank = REG_BANK("piix4-pmio", pmio_regs);

static void apm_cnt_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct piix4_pm *s = pm_of(dev);

    if (now == ACPI_ENABLE) {
        s->pm1_cnt |= PM1_SCI_EN;
    } else if (now == ACPI_DISABLE) {
        s->pm1_cnt &= (uint16_t)~PM1_SCI_EN;
    }
    pm_update_sci(s);
    if (ldl_u32(s->pci.config + REG_DEVACTB) & DEVACTB_APMC_EN) {
        s->glb_sts |= GLBSTS_APM;
        if (s->smm && (s->glb_ctl & GLBCTL_SMI_EN)) {
            wire_pulse(&s->smi);
        }
    }
}

static const struct reg apm_regs[] = {
    {REG(struct piix4_pm, apm_cnt, 0), .rw = 0xff, .wrote = apm_cnt_wrote},
    {REG(struct piix4_pm, apm_sts, 1), .rw = 0xff},
};
static const struct reg_bank apm_bank = REG_BANK("piix4-apm", apm_regs);

/* Nobody answers: every command ends in a device error at once. */
static void smb_cnt_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct piix4_pm *s = pm_of(dev);

    s->smb_cnt &= (uint8_t) ~(SMB_START | SMB_KILL);
    if (now & SMB_START) {
        s->smb_sts |= SMB_DEV_ERR;
    }
}

/* clang-format off */
static const struct reg smbus_regs[] = { /* [PIIX4] 7.3 */
    {REG(struct piix4_pm, smb_sts, 0x00), .w1c = SMB_STS_W1C},
    {.name = "smb_slv_sts", .at = 0x01, .size = 1, .read = NULL},
    {REG(struct piix4_pm, smb_cnt, 0x02), .rw = 0x5f, .wrote = smb_cnt_wrote},
    {REG(struct piix4_pm, smb_cmd, 0x03), .rw = 0xff},
    {REG(struct piix4_pm, smb_addr, 0x04), .rw = 0xff},
    {REG(struct piix4_pm, smb_dat0, 0x05), .rw = 0xff},
    {REG(struct piix4_pm, smb_dat1, 0x06), .rw = 0xff},
    {.name = "smb_blk_dat", .at = 0x07, .size = 1, .read = NULL},
    {REG(struct piix4_pm, smb_slv_cnt, 0x08), .rw = 0x0d},
    {REG(struct piix4_pm, smb_shdw_cmd, 0x09)},
    {REG(struct piix4_pm, smb_slv_evt, 0x0a), .rw = 0xffff},
    {REG(struct piix4_pm, smb_slv_dat, 0x0c)},
};
/* clang-format on */
static const struct reg_bank smbus_bank = REG_BANK("piix4-smbus", smbus_regs);

void piix4_pm_power_button(void *dev)
{
    struct piix4_pm *s = dev;

    s->pm1_sts |= PM1_PWRBTN;
    pm_update_sci(s);
    if (s->asleep) {
        machine_request(s->pci.dev.machine, MACHINE_WAKEUP);
    }
}

void piix4_pm_rtc_alarm(void *dev, unsigned pin, bool level)
{
    struct piix4_pm *s = dev;

    if (!level) {
        return;
    }
    s->pm1_sts |= PM1_RTC;
    pm_update_sci(s);
    if (s->asleep && s->pm1_en & PM1_RTC) {
        s->by_alarm = true;
        machine_request(s->pci.dev.machine, MACHINE_WAKEUP);
    }
}

void piix4_pm_wake(void *dev)
{
    struct piix4_pm *s = dev;

    s->pm1_sts |= PM1_RSM | (s->by_alarm ? PM1_RTC : PM1_PWRBTN);
    s->by_alarm = false;
    pm_update_sci(s);
}

void piix4_pm_gpe(void *dev, unsigned event)
{
    struct piix4_pm *s = dev;

    s->gpe_sts |= (uint16_t)(1 << (event & 15));
    pm_update_sci(s);
}

/* Maps a block of I/O where its base register and enable bit say. */
static void pm_map(struct piix4_pm *s, struct region *r, unsigned base,
                   bool enabled)
{
    uint16_t at = ldl_u16(s->pci.config + base) & 0xfff0;

    region_remove(r);
    if (enabled && at) {
        region_add(s->pci.pci->ports, r, at, 0);
    }
}

static void pm_map_all(struct piix4_pm *s)
{
    const uint8_t *c = s->pci.config;
    struct space *ports = &s->pci.dev.machine->ports;

    space_begin(ports);
    pm_map(s, &s->pmio.region, REG_PMBA, c[REG_PMREGMISC] & PMREGMISC_PMIOSE);
    pm_map(s, &s->smbus.region, REG_SMBBA, c[REG_SMBHSTCFG] & SMBHSTCFG_ENABLE);
    space_commit(ports);
}

static void pm_config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    if ((at < REG_PMBA + 4 && at + size > REG_PMBA) ||
        (at & ~3u) == REG_PMREGMISC || (at & ~3u) == REG_SMBBA ||
        (at & ~3u) == (REG_SMBHSTCFG & ~3)) {
        pm_map_all(pm_of(&d->dev));
    }
}

static void pm_init_config(struct piix4_pm *s)
{
    uint8_t *c = s->pci.config;
    uint8_t *w = s->pci.writable;

    stl_u16(c + PCI_STATUS, 0x0280);
    stl_u16(w + PCI_COMMAND, PCI_CMD_IO);
    c[REG_PMBA] = 1;
    stl_u32(w + REG_PMBA, 0xffc0);
    for (unsigned i = 0x44; i < 0x80; i++) {
        w[i] = 0xff; /* counters, global and device control: storage */
    }
    w[REG_PMREGMISC] = PMREGMISC_PMIOSE;
    c[REG_SMBBA] = 1;
    stl_u32(w + REG_SMBBA, 0xfff0);
    w[REG_SMBHSTCFG] = 0x0f;
    w[REG_SMBHSTCFG + 1] = w[REG_SMBHSTCFG + 2] = w[REG_SMBHSTCFG + 3] = 0xff;
    if (!s->smm) { /* tells the firmware that the handler is in place */
        c[REG_DEVACTB + 3] = DEVACTB_APMC_EN >> 24;
    }
    s->pci.config_written = pm_config_written;
}

static bool pm_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x8086,
        .device = 0x7113,
        .revision = 3,
        .class_code = 0x068000,
        .int_pin = 1,
    };
    struct piix4_pm *s = pm_of(dev);

    if (!pci_realize(&s->pci, &ids, s->pci.addr ? -1 : 0x0b, error)) {
        return false;
    }
    pm_init_config(s);
    timer_init(&s->overflow, &dev->machine->clock, pm_overflow, s);
    reg_window_init(&s->pmio, dev, &pmio_bank, 0x40);
    reg_window_init(&s->smbus, dev, &smbus_bank, 0x10);
    reg_window_init(&s->apm, dev, &apm_bank, 2);
    machine_map_ports(dev->machine, &s->apm.region, 0xb2);
    return true;
}

static void pm_unrealize(struct dev *dev)
{
    struct piix4_pm *s = pm_of(dev);

    timer_cancel(&s->overflow);
    region_remove(&s->pmio.region);
    region_remove(&s->smbus.region);
    region_remove(&s->apm.region);
    pci_unrealize(&s->pci);
}

static void pm_reset(struct dev *dev)
{
    struct piix4_pm *s = pm_of(dev);
    uint32_t base = ldl_u32(s->pci.config + REG_PMBA);
    uint8_t misc = s->pci.config[REG_PMREGMISC];

    pci_reset(&s->pci);
    if (dev->machine->waking) {
        /* SeaBIOS lets SMIs in by PM I/O before it sets its base again. */
        stl_u32(s->pci.config + REG_PMBA, base);
        s->pci.config[REG_PMREGMISC] = misc;
    }
    timer_cancel(&s->overflow);
    s->asleep = false;
}

static void pm_settle(struct dev *dev)
{
    struct piix4_pm *s = pm_of(dev);

    pci_settle(&s->pci);
    pm_map_all(s);
    pm_arm_timer(s);
    pm_update_sci(s);
}

static const struct field pm_props[] = {
    PCI_PROPS(struct piix4_pm, pci),
    PROP(struct piix4_pm, disable_s3, false),
    PROP(struct piix4_pm, disable_s4, false),
    PROP(struct piix4_pm, s4_val, SUS_S4),
    PROP_AS(struct piix4_pm, smm, "smm-enabled", true),
    FIELD_END,
};

static const struct field pm_state[] = {
    PCI_STATE(struct piix4_pm, pci),
    FIELD(struct piix4_pm, asleep),
    FIELD(struct piix4_pm, by_alarm),
    FIELD_END,
};

const struct dev_type piix4_pm_type = {
    .name = "PIIX4_PM",
    .desc = "82371AB power management and SMBus",
    .bus = "PCI",
    .size = sizeof(struct piix4_pm),
    .version = 1,
    .hidden = true,
    .props = pm_props,
    .state = pm_state,
    .banks = (const struct reg_bank *const[]){&pmio_bank, &apm_bank,
                                              &smbus_bank, NULL},
    .realize = pm_realize,
    .unrealize = pm_unrealize,
    .reset = pm_reset,
    .settle = pm_settle,
};
