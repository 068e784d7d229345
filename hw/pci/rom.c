/* SPDX-License-Identifier: MIT */
#include "hw/pci/rom.h"

#include <string.h>

#include "base/file.h"

enum { /* an image's header, and the data structure that it points at */
       ROM_MAX = 16 * MIB,
       ROM_MIN_SIZE = 2 * KIB,
       ROM_BLOCK = 512,
       ROM_SIGNATURE = 0xaa55,
       ROM_SIZE = 0x02,  /* in blocks: PC-AT images */
       ROM_SPARE = 0x06, /* a byte that nothing needs */
       ROM_PCIR = 0x18,
       PCIR_VENDOR = 0x04,
       PCIR_DEVICE = 0x06,
       PCIR_LENGTH = 0x10, /* of the image, in blocks */
       PCIR_CODE = 0x14,   /* 0: PC-AT */
       PCIR_INDICATOR = 0x15,
       PCIR_MIN = 0x18,
       PCIR_LAST = 0x80,
};

/* The sum of a PC-AT image's bytes is zero. */
static void fix_sum(uint8_t *image, size_t left)
{
    size_t len = MIN(left, (size_t)image[ROM_SIZE] * ROM_BLOCK);
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + image[i]);
    }
    image[ROM_SPARE] = (uint8_t)(image[ROM_SPARE] - sum);
}

/* Firmware runs an image only where its IDs are the card's. */
static void adapt_ids(const struct pci_dev *d, uint8_t *rom, size_t len)
{
    size_t at = 0;

    while (len - at >= ROM_PCIR + 2 && ldl_u16(rom + at) == ROM_SIGNATURE) {
        uint8_t *image = rom + at;
        size_t pcir = ldl_u16(image + ROM_PCIR);
        size_t next;

        if (pcir + PCIR_MIN > len - at || memcmp(image + pcir, "PCIR", 4)) {
            return;
        }
        memcpy(image + pcir + PCIR_VENDOR, d->config + PCI_VENDOR_ID, 2);
        memcpy(image + pcir + PCIR_DEVICE, d->config + PCI_DEVICE_ID, 2);
        if (image[pcir + PCIR_CODE] == 0) {
            fix_sum(image, len - at);
        }
        next = (size_t)ldl_u16(image + pcir + PCIR_LENGTH) * ROM_BLOCK;
        if (image[pcir + PCIR_INDICATOR] & PCIR_LAST || next == 0 ||
            next >= len - at) {
            return;
        }
        at += next;
    }
}

static char *rom_path(const struct pci_dev *d, const char *named,
                      const char *usual, GError **error)
{
    const struct datadirs *data = d->dev.machine->data;

    if (named) {
        return data ? datadirs_find(data, named, error) : g_strdup(named);
    }
    return data && usual ? datadirs_find(data, usual, NULL) : NULL;
}

bool pci_rom_load(struct pci_dev *d, struct pci_rom *rom, const char *named,
                  const char *usual, GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *data = NULL;
    gsize len = 0;
    uint64_t size = ROM_MIN_SIZE;

    if (named && !*named) {
        return true;
    }
    path = rom_path(d, named, usual, error);
    if (!path) {
        return !named;
    }
    if (!file_load(path, ROM_MAX, &data, &len, error)) {
        return false;
    }
    if (len == 0) {
        return fail(error, "%s: romfile=%s is empty", dev_name(&d->dev), path);
    }
    while (size < len) {
        size *= 2;
    }
    rom->ram = machine_ram_new(d->dev.machine, "pci.rom", size, error);
    if (!rom->ram) {
        return false;
    }
    memcpy(rom->ram->host, data, len);
    if (!named) {
        adapt_ids(d, rom->ram->host, len);
    }
    region_init_rom(&rom->region, "pci.rom", rom->ram, 0, size, NULL, NULL);
    pci_set_bar(d, PCI_ROM_SLOT, PCI_BAR_ROM, &rom->region);
    return true;
}
