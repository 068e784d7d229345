/* SPDX-License-Identifier: MIT */
/*
 * Boards: what `-machine NAME` builds. A board creates CPUs and devices in
 * order and connects their wires; nothing exists that it does not name.
 */
#ifndef HW_PC_BOARD_H
#define HW_PC_BOARD_H

#include "accel/accel.h"
#include "base/chardev.h"
#include "base/datadir.h"
#include "hw/core/machine.h"

struct smbios_config;

enum { BOARD_SERIALS = 4, BOARD_PARALLELS = 3 };

/* What the command line says about the board. Strings may be NULL. */
struct board_config {
    const struct accel *accel;
    const char *cpu_model; /* "max,-avx2" */
    const struct datadirs *data;
    const char *bios;
    const char *kernel;
    const char *initrd;
    const char *append;
    const char *boot_order; /* "cdn" */
    const char *vga;        /* "std", "none" */
    const char *name;       /* of the guest */
    const char *uuid;
    uint32_t splash_ms;               /* boot menu: how long it waits */
    const char *splash_name, *splash; /* a picture for it */
    size_t splash_len;
    int32_t boot_fail_ms; /* after it a failed boot begins again, -1 = never */
    bool has_boot_fail;
    const char *oem_id, *oem_table_id; /* of ACPI tables */
    uint64_t max_low;                  /* where memory below 4 GiB ends, 0 =
                                          the board's own idea */
    const GPtrArray *acpi_extra;       /* GByteArray *: -acpitable */
    bool boot_menu;
    bool boot_strict;
    bool nographic;
    bool defaults; /* floppy controller, CD drive, ... : no -nodefaults */
    bool acpi;
    bool hpet;
    bool usb; /* the chipset's controller */
    bool smm;
    struct chardev *serial[BOARD_SERIALS];
    struct chardev *parallel[BOARD_PARALLELS];
    struct chardev *debugcon;     /* -debugcon, or NULL */
    struct smbios_config *smbios; /* what -smbios says; the rest is NULL */
    GPtrArray *drives;   /* struct drive *: -drive, -hda and the like */
    struct vcpus *vcpus; /* to be filled in */
};

struct board_type {
    const char *name;
    const char *alias; /* or NULL */
    const char *desc;
    bool is_default;
    const char *nic; /* model of the network card, or NULL */
    uint64_t default_ram;
    unsigned max_cpus;
    bool (*build)(struct machine *m, struct board_config *c, GError **error);
};

extern const struct board_type *const boards[]; /* ends with NULL */
/* By name, alias or versioned name ("pc-i440fx-7.2"). */
const struct board_type *board_find(const char *name, GError **error);

/* Every device type that -device can make; ends with NULL. */
extern const struct dev_type *const device_types[];
/* Those that only boards make; ends with NULL. */
extern const struct dev_type *const board_device_types[];
const struct dev_type *device_type_find(const char *name, GError **error);

#endif
