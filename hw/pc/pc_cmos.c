/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "hw/block/fdc.h"
#include "hw/pc/pc_parts.h"

/* Registers, [RBIL] CMOS.LST; 34-35, 38, 3d, 5b-5d, 5f as Bochs and SeaBIOS
 * agreed on them. */
enum {
    CMOS_FLOPPY = 0x10,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_LOW = 0x15,
    CMOS_EXT_LOW = 0x17,
    CMOS_EXT2_LOW = 0x30,
    CMOS_MEM16_LOW = 0x34,
    CMOS_BOOT3 = 0x38,
    CMOS_BOOT12 = 0x3d,
    CMOS_HIGH_LOW = 0x5b,
    CMOS_CPUS = 0x5f,
};

static void cmos16(struct rtc *rtc, unsigned at, uint64_t value)
{
    value = MIN(value, 0xffff);
    rtc_set_cmos(rtc, at, (uint8_t)value);
    rtc_set_cmos(rtc, at + 1, (uint8_t)(value >> 8));
}

static void cmos_memory(struct rtc *rtc, const struct pc_ram *ram)
{
    uint64_t low = ram->low_size;
    uint64_t high = ram->high_size / (64 * KIB);

    cmos16(rtc, CMOS_BASE_LOW, 640);
    cmos16(rtc, CMOS_EXT_LOW, (low - MIN(low, MIB)) / KIB);
    cmos16(rtc, CMOS_EXT2_LOW, (low - MIN(low, MIB)) / KIB);
    cmos16(rtc, CMOS_MEM16_LOW, (low - MIN(low, 16 * MIB)) / (64 * KIB));
    rtc_set_cmos(rtc, CMOS_HIGH_LOW, (uint8_t)high);
    rtc_set_cmos(rtc, CMOS_HIGH_LOW + 1, (uint8_t)(high >> 8));
    rtc_set_cmos(rtc, CMOS_HIGH_LOW + 2, (uint8_t)(high >> 16));
}

/* A boot device's letter as the nibble that Bochs' BIOS gave it. */
static uint8_t boot_code(char letter)
{
    switch (letter) {
    case 'a':
    case 'b': return 1;
    case 'c': return 2;
    case 'd': return 3;
    case 'n':
    case 'o':
    case 'p': return 4;
    default: return 0;
    }
}

void pc_cmos_boot(struct rtc *rtc, const char *order)
{
    uint8_t code[3] = {0};

    for (unsigned i = 0; i < 3 && order[i]; i++) {
        code[i] = boot_code(order[i]);
    }
    rtc_set_cmos(rtc, CMOS_BOOT12, (uint8_t)(code[1] << 4 | code[0]));
    /* bit 0: no check of a floppy's signature */
    rtc_set_cmos(rtc, CMOS_BOOT3, (uint8_t)(code[2] << 4 | 1));
}

static uint8_t floppy_type(const struct board_config *c, unsigned index)
{
    for (guint i = 0; i < c->drives->len; i++) {
        const struct drive *d = c->drives->pdata[i];

        if (d->bus == DRIVE_IF_FLOPPY && d->index == index) {
            return fdc_cmos_type(d);
        }
    }
    return index == 0 && c->defaults ? 4 : 0;
}

static void cmos_floppies(struct rtc *rtc, const struct board_config *c)
{
    uint8_t a = floppy_type(c, 0);
    uint8_t b = floppy_type(c, 1);
    /* mouse port, FPU; the display tells by itself */
    uint8_t equipment = 0x06;

    if (a || b) {
        equipment |= a && b ? 0x41 : 0x01;
    }
    rtc_set_cmos(rtc, CMOS_FLOPPY, (uint8_t)(a << 4 | b));
    rtc_set_cmos(rtc, CMOS_EQUIPMENT, equipment);
}

void pc_cmos_init(struct rtc *rtc, const struct machine *m,
                  const struct board_config *c, const struct pc_ram *ram)
{
    cmos_memory(rtc, ram);
    pc_cmos_boot(rtc, c->boot_order);
    cmos_floppies(rtc, c);
    rtc_set_cmos(rtc, CMOS_CPUS, (uint8_t)(m->cpus - 1));
}
