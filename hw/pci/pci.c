/* SPDX-License-Identifier: MIT */
/*
 * Conventional PCI devices and the root bus: configuration headers, BARs,
 * interrupt pins. [PCI]
 *
 * Not modelled: bridges behind the root bus, parity, PERR#/SERR#, latency.
 */
#include "hw/pci/pci.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
    DEFAULT_SUBSYS_VENDOR = 0x1af4,
    DEFAULT_SUBSYS = 0x1100,
    CAP_FIRST = 0x40,
    STATUS_INTX = 1 << 3,
    STATUS_CAPS = 1 << 4,
    HEADER_MULTI = 0x80,
    ROM_ENABLE = 1,
};

struct pci_bus *pci_bus_new(struct machine *m, const char *name,
                            struct dev *parent, struct region *memory,
                            struct region *ports)
{
    struct pci_bus *pci = g_new0(struct pci_bus, 1);

    pci->bus = bus_new(m, "PCI", name, parent, pci);
    pci->bus->free_impl = g_free;
    pci->memory = memory;
    pci->ports = ports;
    return pci;
}

/* "1d.7" or "4": hexadecimal slot, function. */
static int pci_parse_addr(const char *text)
{
    char *end;
    unsigned long slot = strtoul(text, &end, 16);
    unsigned long fn = 0;

    if (end != text && *end == '.') {
        text = end + 1;
        fn = strtoul(text, &end, 16);
    }
    return end == text || *end || slot > 31 || fn > 7 ? -1
                                                      : (int)(slot << 3 | fn);
}

static int pci_free_slot(const struct pci_bus *bus)
{
    for (int slot = 0; slot < 32; slot++) {
        bool used = false;

        for (int fn = 0; fn < 8; fn++) {
            used |= bus->dev[slot << 3 | fn] != NULL;
        }
        if (!used) {
            return slot << 3;
        }
    }
    return -1;
}

static bool pci_find_place(struct pci_dev *d, int devfn, GError **error)
{
    struct bus *bus =
        d->dev.bus ? d->dev.bus : bus_find(d->dev.machine, "PCI", NULL);
    const struct pci_dev *first;

    if (!bus) {
        return fail(error, "%s: this machine has no PCI bus",
                    dev_name(&d->dev));
    }
    d->pci = bus->impl;
    d->dev.bus = bus;
    if (devfn < 0 && d->addr) {
        devfn = pci_parse_addr(d->addr);
        if (devfn < 0) {
            return fail(error,
                        "%s: addr=%s is not SLOT[.FUNCTION] (0..1f.0..7)",
                        dev_name(&d->dev), d->addr);
        }
    } else if (devfn < 0) {
        devfn = pci_free_slot(d->pci);
        if (devfn < 0) {
            return fail(error, "%s: all slots of %s are taken",
                        dev_name(&d->dev), bus->name);
        }
    }
    if (d->pci->dev[devfn]) {
        return fail(error, "%s: slot %x.%x of %s is taken by %s",
                    dev_name(&d->dev), (unsigned)devfn >> 3, devfn & 7u,
                    bus->name, dev_name(&d->pci->dev[devfn]->dev));
    }
    first = d->pci->dev[devfn & ~7];
    if ((devfn & 7) && first && !first->multifunction) {
        return fail(error, "%s: slot %x.0 is not a multifunction device",
                    dev_name(&d->dev), (unsigned)devfn >> 3);
    }
    d->devfn = (uint8_t)devfn;
    d->pci->dev[devfn] = d;
    return true;
}

bool pci_realize(struct pci_dev *d, const struct pci_ids *ids, int devfn,
                 GError **error)
{
    uint8_t *c = d->config;

    if (!pci_find_place(d, devfn, error)) {
        return false;
    }
    stl_u16(c + PCI_VENDOR_ID, ids->vendor);
    stl_u16(c + PCI_DEVICE_ID, ids->device);
    c[PCI_REVISION] = ids->revision;
    c[PCI_PROG_IF] = (uint8_t)ids->class_code;
    stl_u16(c + PCI_CLASS, (uint16_t)(ids->class_code >> 8));
    c[PCI_HEADER_TYPE] = d->multifunction ? HEADER_MULTI : 0;
    stl_u16(c + PCI_SUBSYS_VENDOR,
            ids->subsys_vendor ? ids->subsys_vendor : DEFAULT_SUBSYS_VENDOR);
    stl_u16(c + PCI_SUBSYS_ID, ids->subsys ? ids->subsys : DEFAULT_SUBSYS);
    c[PCI_INT_PIN] = ids->int_pin;

    stl_u16(d->writable + PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEMORY |
                                           PCI_CMD_MASTER | PCI_CMD_SERR |
                                           PCI_CMD_INTX_OFF | 1 << 6);
    d->w1c[PCI_STATUS + 1] = 0xf9;
    d->writable[PCI_CACHE_LINE] = 0xff;
    d->writable[PCI_LATENCY] = 0xf8;
    d->writable[PCI_INT_LINE] = 0xff;
    return true;
}

static struct region *bar_parent(const struct pci_dev *d, unsigned slot)
{
    return d->bar[slot].kind == PCI_BAR_IO ? d->pci->ports : d->pci->memory;
}

static unsigned bar_offset(unsigned slot)
{
    return slot == PCI_ROM_SLOT ? PCI_ROM_BAR : PCI_BAR0 + 4 * slot;
}

void pci_unrealize(struct pci_dev *d)
{
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        if (d->bar[i].kind != PCI_BAR_NONE) {
            region_remove(d->bar[i].region);
        }
    }
    pci_set_intx(d, false);
    d->pci->dev[d->devfn] = NULL;
}

void pci_set_bar(struct pci_dev *d, unsigned slot, enum pci_bar_kind kind,
                 struct region *region)
{
    static const uint8_t type_bits[] = {
        [PCI_BAR_IO] = 1,
        [PCI_BAR_MEM32] = 0,
        [PCI_BAR_MEM32_PREFETCH] = 8,
        [PCI_BAR_MEM64_PREFETCH] = 0xc,
        [PCI_BAR_ROM] = 0,
    };
    unsigned at = bar_offset(slot);
    uint64_t mask = ~(region->size - 1);

    assert(slot < PCI_SLOTS && (region->size & (region->size - 1)) == 0);
    assert(region->size >= (kind == PCI_BAR_IO ? 4 : 16));
    d->bar[slot] = (struct pci_bar){kind, region};
    stl_u32(d->config + at, type_bits[kind]);
    stl_u32(d->writable + at,
            (uint32_t)mask | (kind == PCI_BAR_ROM ? ROM_ENABLE : 0));
    if (kind == PCI_BAR_MEM64_PREFETCH) {
        stl_u32(d->writable + at + 4, (uint32_t)(mask >> 32));
    }
}

/* Where a BAR is to be; 0: nowhere. Sizing writes land nowhere, too. */
static uint64_t bar_address(const struct pci_dev *d, unsigned slot)
{
    const struct pci_bar *bar = &d->bar[slot];
    unsigned command = ldl_u16(d->config + PCI_COMMAND);
    uint32_t low = ldl_u32(d->config + bar_offset(slot));
    uint64_t addr = low & ~(bar->region->size - 1);
    uint64_t limit = UINT32_MAX;

    if (!(command & (bar->kind == PCI_BAR_IO ? PCI_CMD_IO : PCI_CMD_MEMORY)) ||
        (bar->kind == PCI_BAR_ROM && !(low & ROM_ENABLE))) {
        return 0;
    }
    if (bar->kind == PCI_BAR_IO) {
        limit = 0x10000;
    } else if (bar->kind == PCI_BAR_MEM64_PREFETCH) {
        uint64_t high = ldl_u32(d->config + bar_offset(slot) + 4);

        addr = (high << 32 | low) & ~(bar->region->size - 1);
        limit = high ? UINT64_C(1) << 52 : UINT32_MAX;
    }
    return addr >= limit || limit - addr < bar->region->size ? 0 : addr;
}

static void pci_map_bar(struct pci_dev *d, unsigned slot)
{
    struct region *r = d->bar[slot].region;
    uint64_t addr = bar_address(d, slot);

    if (addr && region_mapped(r)) {
        region_set_address(r, addr);
    } else if (addr) {
        region_add(bar_parent(d, slot), r, addr, 1);
    } else if (region_mapped(r)) {
        region_remove(r);
    }
}

static void pci_map_bars(struct pci_dev *d)
{
    struct machine *m = d->dev.machine;

    space_begin(&m->memory);
    space_begin(&m->ports);
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        if (d->bar[i].kind != PCI_BAR_NONE) {
            pci_map_bar(d, i);
        }
    }
    space_commit(&m->ports);
    space_commit(&m->memory);
}

unsigned pci_add_capability(struct pci_dev *d, uint8_t id, unsigned size)
{
    unsigned at = CAP_FIRST;

    /* Behind the last one; each records its place in `next` of the next. */
    for (unsigned p = d->config[PCI_CAP_PTR]; p; p = d->config[p + 1]) {
        at = MAX(at, p + d->cap_size[p / 4]);
    }
    at = (at + 3) & ~3u;
    assert(at + size <= PCI_CONFIG);
    d->cap_size[at / 4] = (uint8_t)size;
    memset(d->config + at, 0, size);
    d->config[at] = id;
    d->config[at + 1] = d->config[PCI_CAP_PTR];
    d->config[PCI_CAP_PTR] = (uint8_t)at;
    d->config[PCI_STATUS] |= STATUS_CAPS;
    return at;
}

void pci_reset(struct pci_dev *d)
{
    if (!d->realized) { /* right after realize: the device has filled it in */
        memcpy(d->reset_config, d->config, PCI_CONFIG);
        d->realized = true;
    }
    memcpy(d->config, d->reset_config, PCI_CONFIG);
    d->intx = false;
}

/* Drives the device's share of its interrupt line. */
static void pci_drive_intx(struct pci_dev *d)
{
    unsigned command = ldl_u16(d->config + PCI_COMMAND);
    bool level = d->intx && !(command & PCI_CMD_INTX_OFF);
    struct pci_bus *bus = d->pci;
    unsigned pin;

    d->config[PCI_STATUS] = (uint8_t)((d->config[PCI_STATUS] & ~STATUS_INTX) |
                                      (d->intx ? STATUS_INTX : 0));
    if (level == d->intx_driven || d->config[PCI_INT_PIN] == 0) {
        return;
    }
    d->intx_driven = level;
    pin = ((d->devfn >> 3) + bus->swizzle + d->config[PCI_INT_PIN] - 1u) & 3;
    bus->irq_count[pin] += level ? 1 : -1u;
    if (bus->irq[pin].level != (bus->irq_count[pin] > 0)) {
        wire_set(&bus->irq[pin], bus->irq_count[pin] > 0);
    }
}

void pci_settle(struct pci_dev *d)
{
    /* What a loaded state cannot change: identity, pin, capabilities. */
    for (unsigned i = 0; i < CAP_FIRST; i++) {
        if (!d->writable[i] && !d->w1c[i] && i != PCI_STATUS) {
            d->config[i] = d->reset_config[i];
        }
    }
    pci_map_bars(d);
    pci_drive_intx(d);
}

void pci_set_intx(struct pci_dev *d, bool level)
{
    d->intx = level;
    pci_drive_intx(d);
}

bool pci_dma_read(struct pci_dev *d, uint64_t addr, void *buf, uint64_t len)
{
    if (!pci_is_master(d)) {
        log_guest("%s: DMA without bus mastering", dev_name(&d->dev));
        memset(buf, 0xff, len);
        return false;
    }
    return dma_read(&d->dev.machine->memory, addr, buf, len);
}

bool pci_dma_write(struct pci_dev *d, uint64_t addr, const void *buf,
                   uint64_t len)
{
    if (!pci_is_master(d)) {
        log_guest("%s: DMA without bus mastering", dev_name(&d->dev));
        return false;
    }
    return dma_write(&d->dev.machine->memory, addr, buf, len);
}

uint32_t pci_config_read(struct pci_dev *d, unsigned at, unsigned size)
{
    uint32_t value = 0;

    if (at + size > PCI_CONFIG) {
        return UINT32_MAX;
    }
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)d->config[at + i] << (8 * i);
    }
    return d->config_read ? d->config_read(d, at, size, value) : value;
}

static bool touches(unsigned at, unsigned size, unsigned reg, unsigned reg_size)
{
    return at < reg + reg_size && reg < at + size;
}

void pci_config_write(struct pci_dev *d, unsigned at, unsigned size,
                      uint32_t value)
{
    if (at + size > PCI_CONFIG) {
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        uint8_t *c = &d->config[at + i];
        uint8_t v = (uint8_t)(value >> (8 * i));
        uint8_t mask = d->writable[at + i];

        *c = (uint8_t)((*c & ~mask) | (v & mask));
        *c &= (uint8_t) ~(v & d->w1c[at + i]);
    }
    if (touches(at, size, PCI_COMMAND, 2) ||
        touches(at, size, PCI_BAR0, 4 * PCI_BARS) ||
        touches(at, size, PCI_ROM_BAR, 4)) {
        pci_map_bars(d);
        pci_drive_intx(d);
    }
    if (d->config_written) {
        d->config_written(d, at, size);
    }
}

static const char *class_name(unsigned class)
{
    static const struct {
        uint16_t class;
        const char *name;
    } names[] = {
        {0x0100, "SCSI controller"},
        {0x0101, "IDE controller"},
        {0x0106, "SATA controller"},
        {0x0108, "NVMe controller"},
        {0x0200, "Ethernet controller"},
        {0x0300, "VGA controller"},
        {0x0380, "Display controller"},
        {0x0401, "Audio controller"},
        {0x0403, "Audio controller"},
        {0x0500, "RAM controller"},
        {0x0600, "Host bridge"},
        {0x0601, "ISA bridge"},
        {0x0604, "PCI bridge"},
        {0x0680, "Bridge"},
        {0x0700, "Serial port"},
        {0x0c03, "USB controller"},
        {0x0c05, "SMBus"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].class == class) {
            return names[i].name;
        }
    }
    return "Class";
}

static void pci_print_bar(const struct pci_dev *d, unsigned slot, GString *out)
{
    const struct pci_bar *bar = &d->bar[slot];
    uint64_t at = ldl_u32(d->config + bar_offset(slot));
    uint64_t size = bar->region->size;

    if (bar->kind == PCI_BAR_MEM64_PREFETCH) {
        at |= (uint64_t)ldl_u32(d->config + bar_offset(slot) + 4) << 32;
    }
    at &= ~(size - 1);
    if (bar->kind == PCI_BAR_IO) {
        g_string_append_printf(out, "      BAR%u: I/O at 0x%04x [0x%04x].\n",
                               slot, (unsigned)at, (unsigned)(at + size - 1));
        return;
    }
    g_string_append_printf(
        out,
        "      BAR%u: %u bit%s memory at 0x%08" G_GINT64_MODIFIER
        "x [0x%08" G_GINT64_MODIFIER "x].\n",
        slot, bar->kind == PCI_BAR_MEM64_PREFETCH ? 64 : 32,
        bar->kind == PCI_BAR_MEM32_PREFETCH ||
                bar->kind == PCI_BAR_MEM64_PREFETCH
            ? " prefetchable"
            : "",
        at, at + size - 1);
}

static void pci_print_dev(const struct pci_dev *d, GString *out)
{
    const uint8_t *c = d->config;
    unsigned class = ldl_u16(c + PCI_CLASS);

    g_string_append_printf(out, "  Bus  0, device %3u, function %u:\n",
                           d->devfn >> 3, d->devfn & 7u);
    g_string_append_printf(out, "    %s", class_name(class));
    if (strcmp(class_name(class), "Class") == 0) {
        g_string_append_printf(out, " %04x", class);
    }
    g_string_append_printf(out, ": PCI device %04x:%04x\n", ldl_u16(c),
                           ldl_u16(c + PCI_DEVICE_ID));
    g_string_append_printf(out, "      PCI subsystem %04x:%04x\n",
                           ldl_u16(c + PCI_SUBSYS_VENDOR),
                           ldl_u16(c + PCI_SUBSYS_ID));
    if (c[PCI_INT_PIN]) {
        g_string_append_printf(out, "      IRQ %u, pin %c\n", c[PCI_INT_LINE],
                               'A' + c[PCI_INT_PIN] - 1);
    }
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        if (d->bar[i].kind != PCI_BAR_NONE) {
            pci_print_bar(d, i, out);
        }
    }
    g_string_append_printf(out, "      id \"%s\"\n",
                           d->dev.id ? d->dev.id : "");
}

void pci_print(struct machine *m, GString *out)
{
    for (guint i = 0; i < m->buses->len; i++) {
        const struct bus *bus = m->buses->pdata[i];
        const struct pci_bus *pci = bus->impl;

        for (unsigned d = 0; strcmp(bus->kind, "PCI") == 0 && d < 256; d++) {
            if (pci->dev[d]) {
                pci_print_dev(pci->dev[d], out);
            }
        }
    }
}
