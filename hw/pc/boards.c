/* SPDX-License-Identifier: MIT */
/* The tables: boards, and devices that -device can make. */
#include "hw/pc/boards.h"

#include <string.h>

#include "base/text.h"
#include "hw/ata/ide_dev.h"
#include "hw/ata/isa_ide.h"
#include "hw/ata/piix3_ide.h"
#include "hw/block/fdc.h"
#include "hw/block/virtio_blk.h"
#include "hw/char/isa_serial.h"
#include "hw/char/parallel.h"
#include "hw/chipset/i440fx.h"
#include "hw/chipset/piix3.h"
#include "hw/chipset/piix4_pm.h"
#include "hw/display/vga_isa.h"
#include "hw/display/vga_pci.h"
#include "hw/dma/i8237.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/port61.h"
#include "hw/isa/port92.h"
#include "hw/misc/debugcon.h"
#include "hw/misc/debugexit.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/pc_testdev.h"
#include "hw/misc/pci_testdev.h"
#include "hw/misc/pvpanic.h"
#include "hw/net/e1000.h"
#include "hw/net/ne2000.h"
#include "hw/net/pcnet.h"
#include "hw/net/rtl8139.h"
#include "hw/net/virtio_net.h"
#include "hw/scsi/scsi.h"
#include "hw/scsi/virtio_scsi.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"
#include "hw/usb/ehci.h"
#include "hw/usb/hid.h"
#include "hw/usb/hub.h"
#include "hw/usb/ohci.h"
#include "hw/usb/storage.h"
#include "hw/usb/uhci.h"
#include "hw/usb/xhci.h"
#include "hw/virtio/virtio_9p.h"
#include "hw/virtio/virtio_balloon.h"
#include "hw/virtio/virtio_input.h"
#include "hw/virtio/virtio_rng.h"
#include "hw/virtio/virtio_serial.h"

const struct board_type *const boards[] = {
    &board_pc,
    &board_isapc,
    &board_none,
    NULL,
};

/* "pc-i440fx-7.2": any version of a board is the board. */
static bool board_is(const struct board_type *b, const char *name)
{
    const char *dash = strrchr(b->name, '-');

    return strcmp(b->name, name) == 0 || g_strcmp0(b->alias, name) == 0 ||
           (dash && g_str_has_prefix(name, b->name) == 0 &&
            strncmp(b->name, name, (size_t)(dash - b->name) + 1) == 0);
}

const struct board_type *board_find(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const struct board_type *const *b = boards; *b; b++) {
        if (name ? board_is(*b, name) : (*b)->is_default) {
            return *b;
        }
        g_ptr_array_add(
            names, (void *)(uintptr_t)((*b)->alias ? (*b)->alias : (*b)->name));
    }
    g_ptr_array_add(names, NULL);
    fail_unknown(error, "machine", name, (const char *const *)names->pdata);
    return NULL;
}

/* NAME-pci, NAME-pci-transitional, NAME-pci-non-transitional */
#define VIRTIO(types) &(types)[0], &(types)[1], &(types)[2]

/* One a line, sorted. */
/* clang-format off */
const struct dev_type *const device_types[] = {
    &debugcon_type,
    &debugexit_type,
    &e1000_82540em_type,
    &e1000_82545em_type,
    &e1000e_type,
    &ide_cd_type,
    &ide_hd_type,
    &isa_serial_type,
    &ne2k_isa_type,
    &ne2k_pci_type,
    &parallel_type,
    &pc_testdev_type,
    &pci_testdev_type,
    &pcnet_type,
    &piix3_ide_type,
    &pvpanic_type,
    &rtl8139_type,
    &piix3_uhci_type,
    &piix4_uhci_type,
    &nec_xhci_type,
    &pci_ohci_type,
    &qemu_xhci_type,
    &usb_ehci_type,
    &ich9_ehci1_type,
    &ich9_ehci2_type,
    &ich9_uhci1_type,
    &ich9_uhci2_type,
    &ich9_uhci3_type,
    &ich9_uhci4_type,
    &ich9_uhci5_type,
    &ich9_uhci6_type,
    &vga_pci_type,
    &vga_secondary_type,
    VIRTIO(virtio_9p_types),
    VIRTIO(virtio_balloon_types),
    VIRTIO(virtio_blk_types),
    &virtio_keyboard_type,
    &virtio_mouse_type,
    &virtio_tablet_type,
    VIRTIO(virtio_net_types),
    VIRTIO(virtio_rng_types),
    VIRTIO(virtio_scsi_types),
    VIRTIO(virtio_serial_types),
    &scsi_hd_type, /* behind what they plug into */
    &usb_hub_type,
    &usb_kbd_type,
    &usb_mouse_type,
    &usb_storage_type,
    &usb_tablet_type,
    &virtconsole_type,
    &virtserialport_type,
    NULL,
};
/* clang-format on */

/* One a line, sorted. */
/* clang-format off */
const struct dev_type *const board_device_types[] = {
    &fdc_type,     &fw_cfg_type,   &hpet_type,   &i440fx_type, &i8042_type,
    &i8237_type,   &i8254_type,    &i8259_type,  &ioapic_type, &isa_ide_type,
    &piix3_type,   &piix4_pm_type, &port61_type, &port92_type, &rtc_type,
    &vga_isa_type, NULL,
};
/* clang-format on */

const struct dev_type *device_type_find(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const struct dev_type *const *t = device_types; *t; t++) {
        if (strcmp((*t)->name, name) == 0 ||
            g_strcmp0((*t)->alias, name) == 0) {
            return *t;
        }
        if (!(*t)->hidden) {
            g_ptr_array_add(names, (void *)(uintptr_t)(*t)->name);
        }
    }
    g_ptr_array_add(names, NULL);
    fail_unknown(error, "device", name, (const char *const *)names->pdata);
    return NULL;
}
