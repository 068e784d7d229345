/* SPDX-License-Identifier: MIT */
#include "hw/pci/rom.h"

#include <string.h>

#include "base/file.h"

enum { PCIR_AT = 0x18, PCIR_IDS = 4, IDS = 4, SUM_AT = 6 };

/* One image may be for a family of cards, but a BIOS takes it only where its
 * header names the very card: so it does, with the sum of its bytes kept. */
static void patch_ids(const struct pci_dev *d, uint8_t *rom, size_t len)
{
    size_t at =
        len > PCIR_AT + 2 ? (size_t)ldl_u16(rom + PCIR_AT) + PCIR_IDS : len;

    if (at + IDS > len || rom[0] != 0x55 || rom[1] != 0xaa ||
        memcmp(rom + at - PCIR_IDS, "PCIR", PCIR_IDS) != 0) {
        return;
    }
    for (unsigned i = 0; i < IDS; i++) {
        uint8_t now = d->config[PCI_VENDOR_ID + i];

        rom[SUM_AT] = (uint8_t)(rom[SUM_AT] + rom[at + i] - now);
        rom[at + i] = now;
    }
}

/* The image, padded to a power of two. */
bool pci_rom_load(struct pci_dev *d, struct pci_rom *rom, const char *file,
                  GError **error)
{
    g_autofree char *data = NULL;
    gsize len = 0;
    uint64_t size = 4096;

    if (!file || !*file) {
        return true;
    }
    if (!file_load(file, MIB, &data, &len, error)) {
        return false;
    }
    if (len == 0 || len > MIB) {
        return fail(error, "'%s' is no expansion ROM: %zu bytes", file, len);
    }
    while (size < len) {
        size *= 2;
    }
    rom->ram = machine_ram_new(d->dev.machine, "rom", size, error);
    if (!rom->ram) {
        return false;
    }
    memcpy(rom->ram->host, data, len);
    patch_ids(d, rom->ram->host, len);
    region_init_rom(&rom->region, "rom", rom->ram, 0, size, NULL, NULL);
    pci_set_bar(d, PCI_ROM_SLOT, PCI_BAR_ROM, &rom->region);
    return true;
}
