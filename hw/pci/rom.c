/* SPDX-License-Identifier: MIT */
#include "hw/pci/rom.h"

#include <string.h>

#include "base/file.h"

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
    region_init_rom(&rom->region, "rom", rom->ram, 0, size, NULL, NULL);
    pci_set_bar(d, PCI_ROM_SLOT, PCI_BAR_ROM, &rom->region);
    return true;
}
