/* SPDX-License-Identifier: MIT */
/*
 * USB in a box: a device on every controller, at address 1 and configured, and
 * the controllers running over schedules in the lowest 16 KiB, where op_ram()
 * and box_usb_op() write.
 */
#include "hw/usb/ehci.h"
#include "hw/usb/hid.h"
#include "hw/usb/hub.h"
#include "hw/usb/ohci.h"
#include "hw/usb/uhci.h"
#include "hw/usb/xhci.h"
#include "tests/fuzz/box.h"

enum { LOW = 0x3ff0, EVENT_TABLE = 0x3900, EVENTS = 0x3a00, CONTEXT = 0x3000 };

static const struct dev_type *const plugged[] = {&usb_tablet_type,
                                                 &usb_kbd_type, &usb_hub_type};

void box_usb_devices(struct machine *m)
{
    for (guint i = 0, n = m->buses->len; i < n; i++) {
        struct bus *b = m->buses->pdata[i];

        if (strcmp(b->kind, "usb-bus") == 0) {
            struct dev *dev =
                dev_new(m, plugged[i % ARRAY_SIZE(plugged)], NULL);

            dev->bus = b;
            if (!dev_realize(dev, NULL)) {
                dev_free(dev);
            }
        }
    }
}

/* Through SET_CONFIGURATION, as a host would. */
static void configure(struct usb_port *ports, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct usb_dev *d = ports[i].dev;
        uint8_t setup[8] = {0, USB_SET_CONFIGURATION, 1};
        struct usb_packet p = {
            .pid = USB_SETUP, .data = setup, .len = sizeof(setup)};

        usb_transact(d, &p);
        p = (struct usb_packet){.pid = USB_IN, .data = setup};
        usb_transact(d, &p);
        if (d) {
            d->addr = 1;
        }
    }
}

/* What a driver writes: offset, width, value. */
struct step {
    uint16_t at;
    uint8_t size;
    uint32_t value;
};

static const struct step uhci_steps[] = {
    {0x10, 2, 0x200}, {0x10, 2, 0},  {0x10, 2, 4},
    {0x12, 2, 0x200}, {0x12, 2, 0},  {0x12, 2, 4},
    {0x08, 4, 0},     {0x04, 2, 15}, {0x00, 2, 1},
};

static const struct step ehci_steps[] = {
    {0x60, 4, 1}, {0x64, 4, 0x100},  {0x64, 4, 0},    {0x68, 4, 0x100},
    {0x68, 4, 0}, {0x38, 4, 0x1000}, {0x28, 4, 0x3f}, {0x20, 4, 0x3d},
};

static const struct step ohci_steps[] = {
    {0x18, 4, 0},    {0x20, 4, 0x1000},     {0x28, 4, 0x1400},
    {0x54, 4, 0x10}, {0x58, 4, 0x10},       {0x04, 4, 0xbc},
    {0x08, 4, 6},    {0x10, 4, 0x8000007f},
};

static const struct step xhci_steps[] = {
    {0x78, 4, 8},      {0x70, 4, 0x800},
    {0x1028, 4, 1},    {0x1030, 4, EVENT_TABLE},
    {0x1034, 4, 0},    {0x1038, 4, EVENTS},
    {0x1020, 4, 2},    {0x58, 4, 0x1001},
    {0x5c, 4, 0},      {0x40, 4, 5},
    {0x440, 4, 0x210},
};

static void follow(struct pci_dev *d, const struct step *steps, size_t count)
{
    struct space *s = &d->dev.machine->memory;
    unsigned bar = d->bar[4].kind == PCI_BAR_IO ? 4 : 0;
    uint32_t base = pci_config_read(d, PCI_BAR0 + 4 * bar, 4) & ~15u;

    s = bar ? &d->dev.machine->ports : s;
    for (size_t i = 0; i < count; i++) {
        space_write(s, base + steps[i].at, steps[i].size, steps[i].value);
    }
}

/* Slot 1 is configured, four of its endpoints run on rings in low memory. */
static void start_xhci(struct xhci *x)
{
    uint8_t table[16] = {0};

    stl_u64(table, EVENTS);
    stl_u32(table + 8, 32);
    dma_write(&x->pci.dev.machine->memory, EVENT_TABLE, table, sizeof(table));
    follow(&x->pci, xhci_steps, ARRAY_SIZE(xhci_steps));
    configure(x->connector, x->p2);
    x->slot[1] = (struct xhci_slot){
        .enabled = true, .state = 3, .port = 1, .context = CONTEXT};
    for (unsigned e = 1; e <= 4; e++) {
        x->ep[XHCI_EPS + e] = (struct xhci_ep){.dequeue = e * 0x400,
                                               .state = 1,
                                               .type = e == 1 ? 4 : 7,
                                               .cycle = true};
    }
}

static void start(struct dev *dev)
{
    struct pci_dev *pci = container_of(dev, struct pci_dev, dev);
    const char *name = dev->type->name;

    if (strstr(name, "-uhci")) {
        struct uhci *u = container_of(pci, struct uhci, pci);

        follow(pci, uhci_steps, ARRAY_SIZE(uhci_steps));
        configure(u->port, UHCI_PORTS);
    } else if (strstr(name, "-ehci")) {
        struct ehci *e = container_of(pci, struct ehci, pci);

        follow(pci, ehci_steps, ARRAY_SIZE(ehci_steps));
        configure(e->port, EHCI_PORTS);
    } else if (strstr(name, "-ohci")) {
        struct ohci *o = container_of(pci, struct ohci, pci);

        follow(pci, ohci_steps, ARRAY_SIZE(ohci_steps));
        configure(o->port, o->num_ports);
    } else if (strstr(name, "-xhci")) {
        start_xhci(container_of(pci, struct xhci, pci));
    }
}

void box_usb_setup(struct machine *m, const struct dev_type *type)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];

        if (g_strcmp0(dev->type->bus, "PCI") == 0 &&
            (!type || type == dev->type)) {
            start(dev);
        }
    }
}

/* Bits 0-3 of `what`: this word points into low memory, its low bits stay. Bit
 * 4: a UHCI's or an EHCI's active transfer, to address 1; bit 5: an xHCI's
 * block with the cycle bit that counts; bit 6: a disk's command. */
void box_usb_op(struct machine *m, uint8_t what, uint16_t at,
                const uint32_t *words)
{
    static const uint8_t pids[] = {0x69, 0xe1, 0x2d, 0x69};
    uint8_t b[16];

    for (unsigned i = 0; i < 4; i++) {
        uint32_t w = words[i];

        if (what & 0x40 && i == 0) {
            w = 0x43425355; /* of a command block wrapper */
        } else if (what >> i & 1) {
            w &= LOW | 3;
        } else if (what & 0x10 && i == 1) {
            w |= 1u << 23 | 1u << 7;
        } else if (what & 0x10 && i == 2) {
            w = (w & 0x01ff8000) | 0x100 | pids[w & 3];
        } else if (what & 0x20 && i == 3) {
            w |= 1;
        }
        stl_u32(b + 4 * i, w);
    }
    dma_write(&m->memory, at & LOW, b, sizeof(b));
}
