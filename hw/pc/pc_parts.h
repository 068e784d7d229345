/* SPDX-License-Identifier: MIT */
/* What the PC boards share; each part is one file. */
#ifndef HW_PC_PC_PARTS_H
#define HW_PC_PC_PARTS_H

#include "hw/acpi/tables.h"
#include "hw/pc/board.h"
#include "hw/timer/mc146818.h"

struct apic_bus;
struct fw_cfg;
struct hpet;
struct i8259;
struct ioapic;

/* Main memory: below 4 GiB from 0, the rest from 4 GiB. */
struct pc_ram {
    struct region low, high;
    uint64_t low_size, high_size;
};

/* max_low: where the hole for devices begins at the latest. */
bool pc_ram_init(struct pc_ram *r, struct machine *m, uint64_t max_low,
                 GError **error);

/* Firmware at the top of 4 GiB, its last 128 KiB also below 1 MiB. */
struct pc_rom {
    struct region rom, low;
    struct ram *ram;
    uint64_t size;
};

/* `memory`: where it is mapped, below main memory. */
bool pc_rom_init(struct pc_rom *r, struct machine *m, struct board_config *c,
                 struct region *memory, GError **error);
/* For boards without shadow registers: the part below 1 MiB becomes a copy in
 * RAM, made anew at every reset. */
bool pc_rom_shadow(struct pc_rom *r, struct machine *m, GError **error);

/* What firmware reads of memory size, drives and boot order. [RBIL] CMOS. */
void pc_cmos_init(struct rtc *rtc, const struct machine *m,
                  const struct board_config *c, const struct pc_ram *ram);

/* Boot order ("cdn") from the next reset on. */
void pc_cmos_boot(struct rtc *rtc, const char *order);

/* Interrupt controllers. Without APICs (ISA boards) only the 8259s. */
struct pc_intc {
    struct i8259 *pic;
    struct apic_bus *apics; /* NULL: none; likewise the others */
    struct ioapic *ioapic;
    struct hpet *hpet;
};

bool pc_intc_init(struct pc_intc *s, struct machine *m, bool apics, bool hpet,
                  GError **error);
/* Connects the PIT's (irq 0) or the RTC's (irq 8) output. */
bool pc_connect_timer(struct pc_intc *s, struct machine *m, struct wire *wire,
                      unsigned irq, GError **error);

/* The devices that every PC has on its ISA bus, and those asked for. */
struct pc_isa {
    struct dev *pit, *port61, *rtc, *i8042, *port92;
};

bool pc_isa_init(struct pc_isa *isa, struct pc_intc *intc, struct machine *m,
                 struct board_config *c, GError **error);

/* CPUs: their pins and the wires to the interrupt controllers. `smiact`: what
 * SMIACT# goes to, NULL = nothing. Call vcpus_init() before. */
bool pc_cpus_init(struct machine *m, struct board_config *c,
                  struct pc_intc *intc, void (*smiact)(void *to, bool on),
                  void *smiact_to, GError **error);
/* Thread, core and socket have their own bits of it, [SDM] vol. 3, 9.9. */
uint32_t pc_apic_id(const struct machine *m, unsigned index);
/* Wire inputs: pin is not used. `to` is struct vcpus *. */
void pc_set_a20(void *to, unsigned pin, bool level);
void pc_cpu_init_pulse(void *to, unsigned pin, bool level);
void pc_smi(void *to, unsigned pin, bool level);
void pc_nmi(void *to, unsigned pin, bool level);

/* What the firmware is told through fw_cfg. */
struct pc_fw {
    struct fw_cfg *fw_cfg;
};

bool pc_fw_init(struct pc_fw *fw, struct machine *m, struct board_config *c,
                const struct pc_ram *ram, GError **error);
/* -kernel: puts kernel, initrd and command line where a boot ROM finds them. */
bool pc_load_kernel(struct fw_cfg *fw, struct machine *m,
                    struct board_config *c, const struct pc_ram *ram,
                    GError **error);

bool pc_is_multiboot(const uint8_t *file, gsize len);
bool pc_load_multiboot(const uint8_t *file, gsize len, struct fw_cfg *fw,
                       const struct board_config *c, const struct pc_ram *ram,
                       GError **error);

bool pc_is_pvh(const uint8_t *file, gsize len);
bool pc_load_pvh(const uint8_t *file, gsize len, struct fw_cfg *fw,
                 const struct board_config *c, const struct pc_ram *ram,
                 GError **error);

/* ACPI and SMBIOS tables, memory map: files of fw_cfg. */
struct pc_acpi {
    struct acpi_tables tables;
    struct machine *machine;
    const struct pci_dev *pm; /* before pc_acpi_init() */
    uint32_t *apic_ids;
    uint64_t low_size;
    unsigned serials;                  /* a bit each */
    const char *oem_id, *oem_table_id; /* NULL: our own */
    const GPtrArray *extra;            /* GByteArray *: tables of the user */
    bool hpet, floppy;
};

bool pc_acpi_init(struct pc_acpi *a, struct fw_cfg *fw, struct machine *m,
                  const struct board_config *c, const struct pc_ram *ram,
                  GError **error);

/* Drives with if=ide, and the CD drive that a PC has unless -nodefaults. */
bool pc_ide_drives(struct machine *m, struct board_config *c, GError **error);

/* dev_new + dev_realize for devices without anything to set. */
struct dev *pc_add(struct machine *m, const struct dev_type *type,
                   GError **error);

#endif
