/* SPDX-License-Identifier: MIT */
/* A driver of virtio devices on PCI, for tests: modern interface. */
#ifndef TESTS_UNIT_VIRTIO_PCI_DRIVER_H
#define TESTS_UNIT_VIRTIO_PCI_DRIVER_H

#include "hw/pci/pci.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/virtio_driver.h"

enum { VD_BAR = 0xe0000000, VD_RINGS = 0x100000, VD_DATA = 0x400000 };
enum { VD_DRIVER_OK = 4, VD_FEATURES_OK = 8, VD_NEEDS_RESET = 0x40 };

struct vd_dev {
    struct machine m;
    struct region ram;
    struct probe irq;
    struct pci_dev *pci;
    uint64_t common, isr, config, notify; /* addresses */
    uint32_t multiplier;
    struct vd_queue q[4];
};

/* A machine with 8 MiB of memory and a PCI bus. */
static inline void vd_machine(struct vd_dev *d)
{
    struct pci_bus *bus;

    hw_test_init(&d->m);
    d->m.ram = machine_ram_new(&d->m, "ram", 8 * MIB, NULL);
    region_init_ram(&d->ram, "ram", d->m.ram, 0, 8 * MIB);
    region_add(&d->m.memory.root, &d->ram, 0, 0);
    bus =
        pci_bus_new(&d->m, "pci.0", NULL, &d->m.memory.root, &d->m.ports.root);
    for (unsigned i = 0; i < 4; i++) {
        bus->irq[i] = probe_wire(&d->irq);
    }
}

/* Finds the capabilities, as [VIRTIO] 4.1.4 says. */
static inline void vd_probe(struct vd_dev *d, void *dev)
{
    unsigned cap;

    d->pci = container_of(dev, struct pci_dev, dev);
    pci_config_write(d->pci, PCI_BAR0 + 16, 4, VD_BAR);
    pci_config_write(d->pci, PCI_BAR0, 4, 0xc000);
    pci_config_write(d->pci, PCI_COMMAND, 2, 7);
    for (cap = d->pci->config[PCI_CAP_PTR]; cap;
         cap = pci_config_read(d->pci, cap + 1, 1)) {
        uint64_t at = VD_BAR + pci_config_read(d->pci, cap + 8, 4);

        if (pci_config_read(d->pci, cap, 1) != 9) {
            continue;
        }
        switch (pci_config_read(d->pci, cap + 3, 1)) {
        case 1: d->common = at; break;
        case 2:
            d->notify = at;
            d->multiplier = pci_config_read(d->pci, cap + 16, 4);
            break;
        case 3: d->isr = at; break;
        case 4: d->config = at; break;
        default: break;
        }
    }
    g_assert_true(d->common && d->isr && d->notify);
}

static inline uint32_t vd_read(struct vd_dev *d, uint64_t at, unsigned size)
{
    return (uint32_t)space_read(&d->m.memory, at, size);
}

static inline void vd_write(struct vd_dev *d, uint64_t at, unsigned size,
                            uint64_t v)
{
    space_write(&d->m.memory, at, size, v);
}

static inline uint64_t vd_offered(struct vd_dev *d)
{
    uint64_t low;

    vd_write(d, d->common, 4, 0);
    low = vd_read(d, d->common + 4, 4);
    vd_write(d, d->common, 4, 1);
    return low | (uint64_t)vd_read(d, d->common + 4, 4) << 32;
}

static inline uint8_t vd_status(struct vd_dev *d)
{
    return (uint8_t)vd_read(d, d->common + 0x14, 1);
}

/* Reset, then features; VERSION_1 is added. Is it content? */
static inline bool vd_negotiate(struct vd_dev *d, uint64_t features)
{
    features |= BIT(32);
    vd_write(d, d->common + 0x14, 1, 0);
    g_assert_cmphex(vd_status(d), ==, 0);
    vd_write(d, d->common + 0x14, 1, 3);
    for (unsigned i = 0; i < 2; i++) {
        vd_write(d, d->common + 8, 4, i);
        vd_write(d, d->common + 12, 4, (uint32_t)(features >> 32 * i));
    }
    vd_write(d, d->common + 0x14, 1, 3 | VD_FEATURES_OK);
    return vd_status(d) & VD_FEATURES_OK;
}

static inline void vd_queue_on(struct vd_dev *d, unsigned n, uint16_t size,
                               bool packed)
{
    struct vd_queue *q = &d->q[n];

    vd_init(q, &d->m, VD_RINGS + 0x10000 * n, size, packed);
    vd_write(d, d->common + 0x16, 2, n);
    vd_write(d, d->common + 0x18, 2, size);
    g_assert_cmpuint(vd_read(d, d->common + 0x18, 2), ==, size);
    vd_write(d, d->common + 0x20, 4, q->desc);
    vd_write(d, d->common + 0x24, 4, 0);
    vd_write(d, d->common + 0x28, 4, q->driver);
    vd_write(d, d->common + 0x2c, 4, 0);
    vd_write(d, d->common + 0x30, 4, q->device);
    vd_write(d, d->common + 0x34, 4, 0);
    vd_write(d, d->common + 0x1c, 2, 1);
}

static inline void vd_go(struct vd_dev *d)
{
    vd_write(d, d->common + 0x14, 1, 3 | VD_FEATURES_OK | VD_DRIVER_OK);
}

static inline void vd_kick(struct vd_dev *d, unsigned n)
{
    vd_write(d, d->notify + d->multiplier * n, 2, n);
}

#endif
