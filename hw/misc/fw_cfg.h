/* SPDX-License-Identifier: MIT */
/*
 * The firmware configuration device: numbered items and named files that the
 * firmware reads (and, where allowed, writes).
 */
#ifndef HW_MISC_FW_CFG_H
#define HW_MISC_FW_CFG_H

#include "hw/core/machine.h"

enum { /* keys, [FW-CFG] */
       FW_CFG_SIGNATURE = 0x00,
       FW_CFG_ID = 0x01,
       FW_CFG_UUID = 0x02,
       FW_CFG_RAM_SIZE = 0x03,
       FW_CFG_NOGRAPHIC = 0x04,
       FW_CFG_NB_CPUS = 0x05,
       FW_CFG_MACHINE_ID = 0x06,
       FW_CFG_KERNEL_ADDR = 0x07,
       FW_CFG_KERNEL_SIZE = 0x08,
       FW_CFG_KERNEL_CMDLINE = 0x09,
       FW_CFG_INITRD_ADDR = 0x0a,
       FW_CFG_INITRD_SIZE = 0x0b,
       FW_CFG_BOOT_DEVICE = 0x0c,
       FW_CFG_NUMA = 0x0d,
       FW_CFG_BOOT_MENU = 0x0e,
       FW_CFG_MAX_CPUS = 0x0f,
       FW_CFG_KERNEL_ENTRY = 0x10,
       FW_CFG_KERNEL_DATA = 0x11,
       FW_CFG_INITRD_DATA = 0x12,
       FW_CFG_CMDLINE_ADDR = 0x13,
       FW_CFG_CMDLINE_SIZE = 0x14,
       FW_CFG_CMDLINE_DATA = 0x15,
       FW_CFG_SETUP_ADDR = 0x16,
       FW_CFG_SETUP_SIZE = 0x17,
       FW_CFG_SETUP_DATA = 0x18,
       FW_CFG_FILE_DIR = 0x19,
       FW_CFG_FILE_FIRST = 0x20,
       FW_CFG_FILES_MAX = 0x200,
       FW_CFG_KEYS = FW_CFG_FILE_FIRST + FW_CFG_FILES_MAX,
       FW_CFG_ARCH = 0x8000, /* x86's own */
       FW_CFG_ACPI_TABLES = FW_CFG_ARCH + 0,
       FW_CFG_SMBIOS = FW_CFG_ARCH + 1,
       FW_CFG_IRQ0_OVERRIDE = FW_CFG_ARCH + 2,
       FW_CFG_E820_TABLE = FW_CFG_ARCH + 3,
       FW_CFG_HPET = FW_CFG_ARCH + 4,
       FW_CFG_ARCH_KEYS = 8,
};

enum { FW_CFG_NAME = 56 };

struct fw_cfg_item {
    uint8_t *data;
    uint32_t len;
    bool writable;
    /* Called before the guest reads it from the start. May be NULL. */
    void (*selected)(void *opaque);
    /* Called after the guest wrote [at, at + len). May be NULL. */
    void (*written)(void *opaque, uint32_t at, uint32_t len);
    void *opaque;
    char name[FW_CFG_NAME]; /* of files */
};

struct fw_cfg {
    struct dev dev;
    uint32_t iobase;  /* property */
    bool dma_enabled; /* property */
    struct fw_cfg_item item[FW_CFG_FILE_FIRST];
    struct fw_cfg_item arch[FW_CFG_ARCH_KEYS];
    GPtrArray *files; /* struct fw_cfg_item *, sorted by name */
    struct region ports, dma_ports;
    uint16_t key;
    uint32_t offset;
    uint64_t dma_addr;
};

extern const struct dev_type fw_cfg_type;

/* All copy the data. Adding a key or file again replaces its contents. */
void fw_cfg_add_bytes(struct fw_cfg *s, unsigned key, const void *data,
                      size_t len);
void fw_cfg_add_u16(struct fw_cfg *s, unsigned key, uint16_t v);
void fw_cfg_add_u32(struct fw_cfg *s, unsigned key, uint32_t v);
void fw_cfg_add_u64(struct fw_cfg *s, unsigned key, uint64_t v);
/* With the terminating zero. */
void fw_cfg_add_string(struct fw_cfg *s, unsigned key, const char *text);
/*
 * The item, for its hooks; it stays where it is. NULL with a message where the
 * name is too long or there are too many files. Add files before the guest
 * runs: each one moves the keys of those behind it.
 */
struct fw_cfg_item *fw_cfg_add_file(struct fw_cfg *s, const char *name,
                                    const void *data, size_t len,
                                    GError **error);
struct fw_cfg_item *fw_cfg_find_file(struct fw_cfg *s, const char *name);
/* New contents; takes effect for the guest's next read. */
void fw_cfg_modify(struct fw_cfg_item *item, const void *data, size_t len);
/* The machine's device, or NULL. */
struct fw_cfg *fw_cfg_of(struct machine *m);

#endif
