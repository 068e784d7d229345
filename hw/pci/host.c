/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration mechanism #1. [PCI] 3.2.2.3.2: only a 32-bit access of
 * CF8 is the address register; narrower ones go on to the bus, where CF9 is
 * the south bridge's reset control.
 */
#include "hw/pci/host.h"

enum {
    PORT_ADDRESS = 0xcf8,
    PORT_DATA = 0xcfc,
    ADDRESS_MASK = 0x00fffffc,
};
#define ADDRESS_ENABLE UINT32_C(0x80000000)

static uint64_t address_read(void *opaque, uint64_t at, unsigned size)
{
    struct pci_host *h = opaque;
    uint64_t value = 0;

    if (at == 0 && size == 4) {
        return h->address;
    }
    for (unsigned i = 0; i < size; i++) {
        bool cf9 = at + i == 1 && h->cf9_read;

        value |= (uint64_t)(cf9 ? h->cf9_read(h->cf9_opaque) : 0xff) << 8 * i;
    }
    return value;
}

static void address_write(void *opaque, uint64_t at, unsigned size,
                          uint64_t value)
{
    struct pci_host *h = opaque;

    if (at == 0 && size == 4) {
        h->address = (uint32_t)value & (ADDRESS_ENABLE | ADDRESS_MASK);
    } else if (at <= 1 && at + size > 1 && h->cf9_write) {
        h->cf9_write(h->cf9_opaque, (uint8_t)(value >> 8 * (1 - at)));
    }
}

static const struct region_ops address_ops = {
    .read = address_read,
    .write = address_write,
    .unaligned = true,
};

/* The device that the address register selects, or NULL. */
static struct pci_dev *selected(const struct pci_host *h)
{
    unsigned bus = h->address >> 16 & 0xff;

    if (!(h->address & ADDRESS_ENABLE) || bus != 0) {
        return NULL;
    }
    return h->bus->dev[h->address >> 8 & 0xff];
}

static uint64_t data_read(void *opaque, uint64_t at, unsigned size)
{
    struct pci_host *h = opaque;
    struct pci_dev *d = selected(h);

    return d ? pci_config_read(d, (h->address & 0xfc) + (unsigned)at, size)
             : UINT32_MAX;
}

static void data_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct pci_host *h = opaque;
    struct pci_dev *d = selected(h);

    if (d) {
        pci_config_write(d, (h->address & 0xfc) + (unsigned)at, size,
                         (uint32_t)value);
    }
}

static const struct region_ops data_ops = {
    .read = data_read,
    .write = data_write,
};

void pci_host_init(struct pci_host *h, struct pci_bus *bus)
{
    h->bus = bus;
    region_init_io(&h->address_ports, "pci-config-address", 4, &address_ops, h);
    region_init_io(&h->data_ports, "pci-config-data", 4, &data_ops, h);
}

void pci_host_map(struct pci_host *h, struct machine *m)
{
    machine_map_ports(m, &h->address_ports, PORT_ADDRESS);
    machine_map_ports(m, &h->data_ports, PORT_DATA);
}

void pci_host_unmap(struct pci_host *h)
{
    region_remove(&h->address_ports);
    region_remove(&h->data_ports);
}
