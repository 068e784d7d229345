/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables of a PC, for firmware that loads them from fw_cfg.
 *
 * They depend on what the firmware has set up by then (where it put the power
 * management ports, the windows of PCI): so they are made when it asks.
 */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H

#include "hw/acpi/aml.h"
#include "hw/misc/fw_cfg.h"

enum { ACPI_SERIALS = 4, ACPI_PARALLELS = 3, ACPI_EXTRA_MAX = 32 };

struct acpi_port {
    uint16_t at; /* 0: there is none */
    uint8_t irq;
};

struct acpi_config {
    const uint32_t *apic_ids; /* of max_cpus CPUs */
    unsigned cpus;            /* that are there */
    unsigned max_cpus;
    uint16_t pm_base;   /* power management ports; 0 = none */
    uint8_t sci;        /* interrupt of ACPI events: 9 */
    uint32_t pci_first; /* PCI's window below 4 GiB */
    uint32_t pci_last;
    uint64_t pci64_first; /* above; first > last: none */
    uint64_t pci64_last;
    uint8_t s4; /* sleep type of S4 */
    bool no_s3, no_s4;
    bool ioapic, hpet;
    bool i8042, floppy, fw_cfg;
    struct acpi_port serial[ACPI_SERIALS];
    struct acpi_port parallel[ACPI_PARALLELS];
    uint16_t pvpanic; /* port, 0 = none */
    /* Six and eight characters, padded; NULL: our own. */
    const char *oem_id, *oem_table_id;
    /* GByteArray *: more tables, with headers whose checksums are made here;
     * NULL: none. */
    const GPtrArray *extra;
};

struct acpi_tables {
    struct fw_cfg *fw;
    /* Fills in the configuration as it is now; apic_ids must stay. */
    void (*fill)(void *opaque, struct acpi_config *c);
    void *opaque;
    struct fw_cfg_item *tables, *rsdp, *loader;
};

/* Adds etc/acpi/tables, etc/acpi/rsdp and etc/table-loader to fw_cfg; `t`
 * stays as long as that does, with `fw`, `fill` and `opaque` set. */
bool acpi_tables_init(struct acpi_tables *t, GError **error);

/* The three files; for acpi_tables_init() and tests. */
void acpi_build(const struct acpi_config *c, GByteArray *tables,
                GByteArray *rsdp, GByteArray *loader);
/* The body of the DSDT. */
void acpi_dsdt(const struct acpi_config *c, struct aml *a);

#endif
