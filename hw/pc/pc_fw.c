/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "hw/misc/fw_cfg.h"
#include "hw/pc/pc_parts.h"

static bool fw_boot_menu(struct fw_cfg *fw, const struct board_config *c,
                         GError **error)
{
    uint16_t wait = (uint16_t)c->splash_ms;
    uint8_t fail_wait[4];

    stl_u32(fail_wait, (uint32_t)c->boot_fail_ms);
    fw_cfg_add_u16(fw, FW_CFG_BOOT_MENU, c->boot_menu);
    return (!c->splash_ms || fw_cfg_add_file(fw, "etc/boot-menu-wait", &wait,
                                             sizeof(wait), error)) &&
           (!c->splash || fw_cfg_add_file(fw, c->splash_name, c->splash,
                                          c->splash_len, error)) &&
           (!c->has_boot_fail ||
            fw_cfg_add_file(fw, "etc/boot-fail-wait", fail_wait,
                            sizeof(fail_wait), error));
}

/* Boot order beyond what CMOS can say. */
static bool fw_boot_order(struct fw_cfg *fw, const struct board_config *c,
                          GError **error)
{
    GString *s = g_string_new(NULL);
    bool ok;

    if (c->kernel) {
        g_string_append(s, "/rom@genroms/rhea-boot.rom\n");
    }
    if (c->boot_strict) {
        g_string_append(s, "HALT\n");
    }
    ok = s->len == 0 ||
         fw_cfg_add_file(fw, "bootorder", s->str, s->len + 1, error);
    g_string_free(s, TRUE);
    return ok;
}

bool pc_fw_init(struct pc_fw *f, struct machine *m, struct board_config *c,
                const struct pc_ram *ram, GError **error)
{
    struct dev *dev = pc_add(m, &fw_cfg_type, error);
    struct fw_cfg *fw;

    if (!dev) {
        return false;
    }
    fw = container_of(dev, struct fw_cfg, dev);
    f->fw_cfg = fw;
    fw_cfg_add_u64(fw, FW_CFG_RAM_SIZE, m->ram_size);
    fw_cfg_add_u16(fw, FW_CFG_NB_CPUS, (uint16_t)m->cpus);
    fw_cfg_add_u16(fw, FW_CFG_MAX_CPUS, (uint16_t)m->max_cpus);
    fw_cfg_add_u16(fw, FW_CFG_NOGRAPHIC, c->nographic);
    return fw_boot_menu(fw, c, error) && fw_boot_order(fw, c, error) &&
           (!c->kernel || pc_load_kernel(fw, m, c, ram, error));
}
