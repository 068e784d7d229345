/* SPDX-License-Identifier: MIT */
/*
 * A kernel as pc-bios/elfboot.S starts it: one piece of memory from the file's
 * segments, and behind it what the kernel is told (boot information, strings,
 * modules). Multiboot and PVH fill it in.
 */
#ifndef HW_PC_BOOT_IMAGE_H
#define HW_PC_BOOT_IMAGE_H

#include "hw/misc/fw_cfg.h"

struct boot_image {
    const char *kind; /* for messages: "Multiboot", "PVH" */
    const uint8_t *file;
    gsize len;
    uint64_t top;      /* end of the memory below 4 GiB */
    uint64_t from, to; /* physical, from 1 MiB on */
    uint32_t entry;
    GByteArray *mem;  /* [from, to) */
    GByteArray *info; /* at `base` */
    uint32_t base;
};

/* Where elfboot.S puts the firmware's memory map, entries of 24 bytes; the
 * first four of each are a size, for Multiboot. */
enum { BOOT_IMAGE_MAP = 0x9000, BOOT_IMAGE_MAGIC_PVH = 0x336ec578 };

/* The file stays the caller's and must outlive the image. */
void boot_image_init(struct boot_image *k, const char *kind,
                     const uint8_t *file, gsize len, uint64_t top);
void boot_image_clear(struct boot_image *k);
/* [from, to) is known: makes room. False: outside of memory. */
bool boot_image_place(struct boot_image *k, uint64_t from, uint64_t to,
                      GError **error);
/* Copies a segment of the file; it lies in [from, to). */
bool boot_image_segment(struct boot_image *k, uint64_t at, uint64_t offset,
                        uint64_t size, GError **error);
/* Places and copies what an ELF file loads, by physical address. */
bool boot_image_elf(struct boot_image *k, GError **error);
/* The kernel is there: what is added from now on stands behind it. */
void boot_image_begin_info(struct boot_image *k);
/* Adds to the information; its physical address. `data` NULL: zeroes. */
uint32_t boot_image_add(struct boot_image *k, const void *data, gsize len);
uint32_t boot_image_add_string(struct boot_image *k, const char *s);
/* Adds a module, "FILE ARGUMENTS", at a page's start. */
bool boot_image_module(struct boot_image *k, const char *text, uint32_t *start,
                       uint32_t *len, GError **error);
/* Hands everything to the boot ROM. */
bool boot_image_finish(struct boot_image *k, struct fw_cfg *fw, GError **error);

/* An ELF file's program headers, of either class, checked one by one. */
struct elf_segment {
    uint32_t type;
    uint64_t offset, file_size, at, size;
};

bool elf_is_x86(const uint8_t *file, gsize len);
bool elf_is_64(const uint8_t *file);
/* False: there is no header i; *error is set where it is cut short. */
bool elf_get_segment(const uint8_t *file, gsize len, unsigned i,
                     struct elf_segment *s, GError **error);

#endif
