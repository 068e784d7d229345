/* SPDX-License-Identifier: MIT */
#ifndef HW_CHIPSET_PIIX4_PM_H
#define HW_CHIPSET_PIIX4_PM_H

#include "hw/core/reg.h"
#include "hw/pci/pci.h"

struct piix4_pm {
    struct pci_dev pci;
    struct wire sci; /* out: level, to IRQ 9 */
    struct wire smi; /* out: a pulse */
    /* Out, a pulse before MACHINE_SUSPEND: the board tells the firmware,
     * which expects 0xfe in CMOS byte 0x0f. */
    struct wire suspend;

    bool asleep;                 /* in S3, since the guest asked for it */
    bool by_alarm;               /* what ends it is the RTC's alarm */
    bool disable_s3, disable_s4; /* properties */
    uint8_t s4_val;
    bool smm; /* property: SMIs can be enabled */

    /* Power management I/O, at PMBA. */
    struct reg_window pmio;
    uint16_t pm1_sts, pm1_en, pm1_cnt;
    uint16_t gpe_sts, gpe_en;
    uint16_t glb_sts, glb_en;
    uint32_t p_cnt, dev_sts, glb_ctl, dev_ctl, gpo;
    struct timer overflow; /* next change of the timer's top bit */

    /* SMI command and status ports B2, B3. */
    struct reg_window apm;
    uint8_t apm_cnt, apm_sts;

    /* SMBus host controller, at SMBBA. */
    struct reg_window smbus;
    uint8_t smb_sts, smb_cnt, smb_cmd, smb_addr, smb_dat0, smb_dat1;
    uint8_t smb_slv_cnt, smb_shdw_cmd;
    uint16_t smb_slv_evt, smb_slv_dat;
};

extern const struct dev_type piix4_pm_type;

/* Somebody pressed the power button: tells the guest. */
void piix4_pm_power_button(void *dev);
/* The machine wakes from S3, after its reset. */
void piix4_pm_wake(void *dev);
/* Wire input: the RTC's alarm. Wakes the machine where PM1 lets it. */
void piix4_pm_rtc_alarm(void *dev, unsigned pin, bool level);
/* A general purpose event (0..15) happened. */
void piix4_pm_gpe(void *dev, unsigned event);

#endif
