/* SPDX-License-Identifier: MIT */
/*
 * What is in the EEPROM ([8254X] 5.3 and 13.4.3) and the PHY (a
 * Marvell 88E1011, [8254X] 13.4.30; registers of [802.3] clause 22 and 40).
 *
 * Not modelled: writing to the EEPROM; other speeds than 1000 Mb/s.
 */
#include <string.h>

#include "hw/net/e1000.h"

enum { EECD_SK = 1, EECD_CS = 2, EECD_DI = 4, EECD_DO = 8, EECD_REQ = 0x40 };
enum { EECD_GNT = 0x80, EECD_PRES = 0x100 };
enum { EERD_START = 1, EERD_DONE = 1 << 4 };
enum { EE_CHECKSUM = 0xbaba };

enum { /* PHY registers */
       PHY_CTRL = 0,
       PHY_STATUS = 1,
       PHY_ID1 = 2,
       PHY_ID2 = 3,
       PHY_ADVERTISE = 4,
       PHY_PARTNER = 5,
       PHY_EXPANSION = 6,
       PHY_1000T_CTRL = 9,
       PHY_1000T_STATUS = 10,
       PHY_EXT_STATUS = 15,
       PHY_SPECIFIC = 16,
       PHY_SPECIFIC_STATUS = 17,
       PHY_EXT_SPECIFIC = 20,
};
enum { PHY_RESET = 1 << 15, PHY_LOOP = 1 << 14, PHY_RESTART = 1 << 9 };
enum { PHY_LINK = 1 << 2, PHY_DONE = 1 << 5 }; /* status */
enum { SPECIFIC_LINK = 1 << 10, SPECIFIC_UP = 0xac00 };

/* What the guest may write, and what is there after a reset. */
static const struct {
    uint16_t reset, rw;
} phy_regs[E1000_PHY_REGS] = {
    [PHY_CTRL] = {0x1140, 0x7fff & ~PHY_RESTART},
    [PHY_STATUS] = {0x7949, 0},
    [PHY_ID1] = {0x0141, 0},
    [PHY_ID2] = {0x0c20, 0},
    [PHY_ADVERTISE] = {0x0de1, 0xffff},
    [PHY_PARTNER] = {0x01e0, 0},
    [PHY_EXPANSION] = {0x0001, 0},
    [7] = {0x2001, 0xffff},
    [PHY_1000T_CTRL] = {0x0e00, 0xffff},
    [PHY_1000T_STATUS] = {0x3c00, 0},
    [PHY_EXT_STATUS] = {0x3000, 0},
    [PHY_SPECIFIC] = {0x0360, 0xffff},
    [18] = {0, 0xffff},
    [PHY_EXT_SPECIFIC] = {0x0d60, 0xffff},
    [24] = {0x4100, 0xffff},
    [29] = {0, 0xffff},
    [30] = {0, 0xffff},
};

/* ---- EEPROM ---- */

/* [8254X] table 5-2: the words that drivers look at. */
void e1000_eeprom_fill(struct e1000 *s)
{
    static const uint16_t image[E1000_EEPROM_WORDS] = {
        [3] = 0x0000,  [5] = 0xffff,  [8] = 0x3000,  [9] = 0x1000,
        [10] = 0x6403, [11] = 0x1100, [12] = 0x1af4, [14] = 0x8086,
        [15] = 0x3040, [16] = 0x0008, [17] = 0x2000, [18] = 0x7e14,
        [19] = 0x0048, [20] = 0x1000, [21] = 0x00d8, [33] = 0x0602,
    };
    uint16_t sum = 0;

    memcpy(s->eeprom, image, sizeof(image));
    for (unsigned i = 0; i < 3; i++) {
        s->eeprom[i] = ldl_u16(s->nic.mac + 2 * i);
    }
    s->eeprom[13] = ldl_u16(s->pci.config + PCI_DEVICE_ID);
    for (unsigned i = 0; i < E1000_EEPROM_WORDS - 1; i++) {
        sum = (uint16_t)(sum + s->eeprom[i]);
    }
    s->eeprom[E1000_EEPROM_WORDS - 1] = (uint16_t)(EE_CHECKSUM - sum);
}

uint32_t e1000_eecd_read(struct e1000 *s)
{
    uint32_t value = *e1000_reg(s, E1000_EECD) & ~(uint32_t)EECD_DO;

    value |= EECD_PRES | (value & EECD_REQ ? EECD_GNT : 0);
    return value | (ee93c46_out(&s->ee) ? EECD_DO : 0);
}

void e1000_eecd_write(struct e1000 *s, uint32_t value)
{
    ee93c46_pins(&s->ee, s->eeprom, value & EECD_CS, value & EECD_SK,
                 value & EECD_DI);
    *e1000_reg(s, E1000_EECD) =
        value & (EECD_SK | EECD_CS | EECD_DI | EECD_REQ | 0x30);
}

uint32_t e1000_eerd_read(struct e1000 *s)
{
    uint32_t value = *e1000_reg(s, E1000_EERD);
    unsigned word = value >> 8 & 0xff;

    if (!(value & EERD_START)) {
        return value;
    }
    return (value & 0xff00) | EERD_DONE |
           (word < E1000_EEPROM_WORDS ? (uint32_t)s->eeprom[word] << 16 : 0);
}

/* ---- PHY ---- */

void e1000_phy_reset(struct e1000 *s)
{
    for (unsigned i = 0; i < E1000_PHY_REGS; i++) {
        s->phy[i] = phy_regs[i].reset;
    }
}

void e1000_phy_link(struct e1000 *s, bool up)
{
    const uint16_t bits = PHY_LINK | PHY_DONE;

    s->phy[PHY_STATUS] =
        (uint16_t)((s->phy[PHY_STATUS] & ~bits) | (up ? bits : 0));
    s->phy[PHY_PARTNER] = up ? 0xcde1 : 0x01e0;
    s->phy[PHY_SPECIFIC_STATUS] = up ? SPECIFIC_UP | SPECIFIC_LINK : 0;
}

bool e1000_phy_loops(const struct e1000 *s)
{
    return s->phy[PHY_CTRL] & PHY_LOOP;
}

enum { LINK_MS = 40 }; /* faster than any real one */

static void phy_write(struct e1000 *s, unsigned reg, uint16_t value)
{
    uint16_t rw = phy_regs[reg].rw;

    if (reg == PHY_CTRL && value & PHY_RESET) {
        e1000_phy_reset(s);
        value = PHY_RESTART;
        rw = 0;
    }
    s->phy[reg] = (uint16_t)((s->phy[reg] & ~rw) | (value & rw));
    if (reg == PHY_CTRL && value & PHY_RESTART) {
        e1000_phy_link(s, false);
        *e1000_reg(s, E1000_STATUS) &= ~(uint32_t)E1000_STATUS_LU;
        timer_set(&s->link_timer,
                  clock_now(&s->pci.dev.machine->clock) + LINK_MS * NS_PER_MS);
    }
}

enum { MDIC_WRITE = 1, MDIC_READ = 2, MDIC_READY = 1 << 28 };
enum { MDIC_INTERRUPT = 1 << 29, MDIC_ERROR = 1 << 30, PHY_ADDRESS = 1 };

void e1000_mdic_write(struct e1000 *s, uint32_t value)
{
    unsigned reg = value >> 16 & 31, phy = value >> 21 & 31;
    unsigned op = value >> 26 & 3;
    uint32_t *mdic = e1000_reg(s, E1000_MDIC);

    *mdic = value | MDIC_READY;
    if (phy != PHY_ADDRESS) {
        *mdic |= MDIC_ERROR;
    } else if (op == MDIC_READ) {
        *mdic = (*mdic & ~UINT32_C(0xffff)) | s->phy[reg];
    } else if (op == MDIC_WRITE) {
        phy_write(s, reg, (uint16_t)value);
    }
    if (value & MDIC_INTERRUPT) {
        e1000_cause(s, E1000_MDAC);
    }
}
