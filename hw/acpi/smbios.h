/* SPDX-License-Identifier: MIT */
/* SMBIOS 2.8 tables for firmware that takes them from fw_cfg. */
#ifndef HW_ACPI_SMBIOS_H
#define HW_ACPI_SMBIOS_H

#include "hw/misc/fw_cfg.h"

/* All strings may be NULL: not given. */
struct smbios_bios { /* type 0; without any of it the firmware writes its own */
    const char *vendor, *version, *date;
    uint8_t major, minor;
    bool has_release, uefi;
};

struct smbios_system { /* type 1 */
    const char *manufacturer, *product, *version, *serial, *sku, *family;
    const uint8_t *uuid; /* 16 bytes, in the order they are printed */
};

struct smbios_board { /* type 2; left out where all is NULL */
    const char *manufacturer, *product, *version, *serial, *asset, *location;
};

struct smbios_chassis { /* type 3 */
    const char *manufacturer, *version, *serial, *asset, *sku;
};

struct smbios_cpu {     /* type 4, one a socket */
    const char *socket; /* prefix: "CPU" */
    const char *manufacturer, *version, *serial, *asset, *part;
    uint16_t max_mhz, mhz;
    unsigned sockets, cores, threads; /* cores a socket, threads a core */
    uint32_t signature, features;     /* CPUID leaf 1: EAX, EDX */
};

struct smbios_memory {   /* types 16, 17 and 19 */
    const char *locator; /* prefix: "DIMM" */
    const char *bank, *manufacturer, *serial, *asset, *part;
    uint16_t mhz;
    uint64_t low, high; /* bytes from 0, and from 4 GiB */
};

struct smbios_config {
    struct smbios_bios bios;
    struct smbios_system system;
    struct smbios_board board;
    struct smbios_chassis chassis;
    struct smbios_cpu cpu;
    struct smbios_memory memory;
    const char *const *oem_strings; /* type 11, ends with NULL; may be NULL */
    GBytes *const *files; /* whole structures, ends with NULL; may be NULL */
};

/* The structures, and the entry point without address and checksums. */
void smbios_build(const struct smbios_config *c, GByteArray *tables,
                  GByteArray *anchor);
/* Adds etc/smbios/smbios-tables and etc/smbios/smbios-anchor. */
bool smbios_init(struct fw_cfg *fw, const struct smbios_config *c,
                 GError **error);

#endif
