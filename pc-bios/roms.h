/* SPDX-License-Identifier: MIT */
/* Our own option ROMs, as the build assembled them. */
#ifndef PC_BIOS_ROMS_H
#define PC_BIOS_ROMS_H

#include "base/base.h"

extern const uint8_t rom_elfboot[];
extern const size_t rom_elfboot_size;
extern const uint8_t rom_linuxboot[];
extern const size_t rom_linuxboot_size;

#endif
