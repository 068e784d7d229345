/* SPDX-License-Identifier: MIT */
/*
 * -kernel with a Linux image: lays out setup code, kernel, initial RAM disk
 * and command line for pc-bios/linuxboot.S. [LINUXBOOT]
 */
#include <string.h>

#include "base/file.h"
#include "hw/misc/fw_cfg.h"
#include "hw/pc/pc_parts.h"
#include "pc-bios/roms.h"

enum {
    SETUP_ADDR = 0x10000,
    CMDLINE_ADDR = 0x20000,
    KERNEL_ADDR = 0x100000,
    OLD_KERNEL_ADDR = 0x10000, /* zImage: loaded low */
    INITRD_RESERVE = 0x20000,  /* firmware's tables at the top of memory */
};

enum { /* offsets in the setup header */
       H_SETUP_SECTS = 0x1f1,
       H_VID_MODE = 0x1fa,
       H_MAGIC = 0x202,
       H_VERSION = 0x206,
       H_LOADER = 0x210,
       H_LOADFLAGS = 0x211,
       H_RAMDISK_IMAGE = 0x218,
       H_RAMDISK_SIZE = 0x21c,
       H_HEAP_END = 0x224,
       H_CMDLINE_PTR = 0x228,
       H_RAMDISK_MAX = 0x22c,
       H_CMDLINE_SIZE = 0x238,
};

struct linux_image {
    uint8_t *data;
    gsize len;
    gsize setup_len;
    uint32_t version;
    bool high; /* the kernel goes to 1 MiB */
};

static bool linux_parse(struct linux_image *k, const char *path, GError **error)
{
    if (k->len < 0x1000 || memcmp(k->data + H_MAGIC, "HdrS", 4) != 0) {
        return fail(error,
                    "'%s' is neither a Linux image (bzImage) nor a Multiboot "
                    "kernel",
                    path);
    }
    k->version = ldl_u16(k->data + H_VERSION);
    k->setup_len =
        512 *
        (1 + (k->data[H_SETUP_SECTS] ? (gsize)k->data[H_SETUP_SECTS] : 4));
    k->high = k->version >= 0x200 && k->data[H_LOADFLAGS] & 1;
    if (k->version < 0x200 || k->setup_len >= k->len) {
        return fail(error,
                    "'%s': Linux boot protocol %x.%02x is too old, or "
                    "the file is cut short",
                    path, k->version >> 8, k->version & 0xff);
    }
    return true;
}

/* As high as the kernel allows, below what the firmware keeps. */
static bool linux_place_initrd(const struct linux_image *k, gsize len,
                               const struct pc_ram *ram, uint32_t *at,
                               GError **error)
{
    uint64_t top =
        k->version >= 0x203 ? ldl_u32(k->data + H_RAMDISK_MAX) : 0x37ffffff;

    top = MIN(top, ram->low_size - MIN(ram->low_size, INITRD_RESERVE));
    if (len + KERNEL_ADDR + k->len > top) {
        return fail(error,
                    "kernel and initrd (%zu MiB) do not fit: more memory "
                    "(-m) is needed",
                    (size_t)((len + k->len) >> 20));
    }
    *at = (uint32_t)((top - len) & ~UINT64_C(4095));
    return true;
}

static bool linux_initrd(struct linux_image *k, struct fw_cfg *fw,
                         const char *path, const struct pc_ram *ram,
                         GError **error)
{
    g_autofree char *data = NULL;
    gsize len = 0;
    uint32_t at = 0;

    if (!path) {
        return true;
    }
    if (!file_load(path, ram->low_size, &data, &len, error) ||
        !linux_place_initrd(k, len, ram, &at, error)) {
        return false;
    }
    stl_u32(k->data + H_RAMDISK_IMAGE, at);
    stl_u32(k->data + H_RAMDISK_SIZE, (uint32_t)len);
    fw_cfg_add_u32(fw, FW_CFG_INITRD_ADDR, at);
    fw_cfg_add_u32(fw, FW_CFG_INITRD_SIZE, (uint32_t)len);
    fw_cfg_add_bytes(fw, FW_CFG_INITRD_DATA, data, len);
    return true;
}

/* vga=MODE on the command line is the loader's to act upon. */
static void linux_video_mode(struct linux_image *k, const char *cmdline)
{
    const char *vga = strstr(cmdline, "vga=");
    uint64_t mode = 0xffff;

    if (!vga) {
        return;
    }
    vga += 4;
    if (g_str_has_prefix(vga, "ext")) {
        mode = 0xfffe;
    } else if (g_str_has_prefix(vga, "ask")) {
        mode = 0xfffd;
    } else if (!g_str_has_prefix(vga, "normal")) {
        mode = g_ascii_strtoull(vga, NULL, 0);
    }
    stl_u16(k->data + H_VID_MODE, (uint16_t)mode);
}

static bool linux_cmdline(struct linux_image *k, struct fw_cfg *fw,
                          const char *text, GError **error)
{
    size_t most = k->version >= 0x206 ? ldl_u32(k->data + H_CMDLINE_SIZE) : 255;

    text = text ? text : "";
    if (strlen(text) > most) {
        return fail(error, "-append: %zu characters, this kernel takes %zu",
                    strlen(text), most);
    }
    linux_video_mode(k, text);
    stl_u32(k->data + H_CMDLINE_PTR, CMDLINE_ADDR);
    fw_cfg_add_u32(fw, FW_CFG_CMDLINE_ADDR, CMDLINE_ADDR);
    fw_cfg_add_u32(fw, FW_CFG_CMDLINE_SIZE, (uint32_t)strlen(text) + 1);
    fw_cfg_add_string(fw, FW_CFG_CMDLINE_DATA, text);
    return true;
}

static void linux_kernel(struct linux_image *k, struct fw_cfg *fw)
{
    uint32_t len = (uint32_t)(k->len - k->setup_len);

    k->data[H_LOADER] = 0xff; /* a loader without a number of its own */
    if (k->version >= 0x201) {
        k->data[H_LOADFLAGS] |= 0x80; /* the heap may be used */
        stl_u16(k->data + H_HEAP_END, 0xfe00 - 0x200);
    }
    fw_cfg_add_u32(fw, FW_CFG_SETUP_ADDR, SETUP_ADDR);
    fw_cfg_add_u32(fw, FW_CFG_SETUP_SIZE, (uint32_t)k->setup_len);
    fw_cfg_add_bytes(fw, FW_CFG_SETUP_DATA, k->data, k->setup_len);
    fw_cfg_add_u32(fw, FW_CFG_KERNEL_ADDR,
                   k->high ? KERNEL_ADDR : OLD_KERNEL_ADDR);
    fw_cfg_add_u32(fw, FW_CFG_KERNEL_SIZE, len);
    fw_cfg_add_bytes(fw, FW_CFG_KERNEL_DATA, k->data + k->setup_len, len);
}

static bool linux_load(struct linux_image *k, struct fw_cfg *fw,
                       struct board_config *c, const struct pc_ram *ram,
                       GError **error)
{
    if (!linux_parse(k, c->kernel, error) ||
        !linux_initrd(k, fw, c->initrd, ram, error) ||
        !linux_cmdline(k, fw, c->append, error)) {
        return false;
    }
    linux_kernel(k, fw);
    return fw_cfg_add_file(fw, "genroms/rhea-boot.rom", rom_linuxboot,
                           rom_linuxboot_size, error);
}

bool pc_load_kernel(struct fw_cfg *fw, struct machine *m,
                    struct board_config *c, const struct pc_ram *ram,
                    GError **error)
{
    struct linux_image k = {0};
    char *data = NULL;
    bool ok;

    if (!file_load(c->kernel, ram->low_size, &data, &k.len, error)) {
        return false;
    }
    k.data = (uint8_t *)data;
    ok = pc_is_multiboot(k.data, k.len)
             ? pc_load_multiboot(k.data, k.len, fw, c, ram, error)
         : pc_is_pvh(k.data, k.len)
             ? pc_load_pvh(k.data, k.len, fw, c, ram, error)
             : linux_load(&k, fw, c, ram, error);
    g_free(data);
    return ok;
}
