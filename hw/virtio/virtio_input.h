/* SPDX-License-Identifier: MIT */
/* virtio-keyboard-pci, virtio-mouse-pci, virtio-tablet-pci. */
#ifndef HW_VIRTIO_VIRTIO_INPUT_H
#define HW_VIRTIO_VIRTIO_INPUT_H

#include "hw/virtio/virtio_pci.h"

extern const struct dev_type virtio_keyboard_type, virtio_mouse_type,
    virtio_tablet_type;

#endif
