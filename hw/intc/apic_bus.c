/* SPDX-License-Identifier: MIT */
/*
 * The APIC bus: carries messages from I/O APICs, devices (MSI) and local APICs
 * to the local APICs; decodes the window at 0xfee00000.
 *
 * [SDM] Intel 64 and IA-32 Architectures Software Developer's Manual, volume
 * 3A, chapter 11 "APIC", 11.11 "Message Signalled Interrupts".
 *
 * A CPU's own accesses to the first page are its APIC's registers; what a
 * device writes to the window is an MSI. Offset 0, where the APIC has no
 * register, is an MSI to CPU 0 whoever writes it: a device may be started by a
 * CPU's access.
 */
#include "base/log.h"
#include "hw/intc/apic.h"

enum { WINDOW = 0x100000, PAGE = 0x1000 };

static struct apic_bus *bus_of(struct dev *dev)
{
    return container_of(dev, struct apic_bus, dev);
}

static struct lapic *bus_cpu(const struct apic_bus *bus, guint i)
{
    return bus->cpus->pdata[i];
}

/* The candidate of lowest priority; the turn goes round among equals. */
static void apic_send_lowest(struct apic_bus *bus, const struct apic_msg *msg)
{
    struct lapic *best = NULL;
    guint n = bus->cpus->len;

    for (guint i = 1; i <= n; i++) {
        struct lapic *l = bus_cpu(bus, (guint)((bus->last + i) % n));

        if (lapic_matches(l, msg) && lapic_takes_fixed(l) &&
            (!best || lapic_priority(l) < lapic_priority(best))) {
            best = l;
        }
    }
    if (best) {
        bus->last = best->cpu;
        lapic_accept(best, msg);
    }
}

void apic_send(struct apic_bus *bus, const struct apic_msg *msg)
{
    if (msg->mode == APIC_LOWEST && bus->cpus->len > 0) {
        apic_send_lowest(bus, msg);
        return;
    }
    for (guint i = 0; i < bus->cpus->len; i++) {
        if (lapic_matches(bus_cpu(bus, i), msg)) {
            lapic_accept(bus_cpu(bus, i), msg);
        }
    }
}

void apic_msi(struct apic_bus *bus, uint64_t addr, uint32_t data)
{
    uint32_t dest = addr >> 12 & 0xff;
    struct apic_msg msg = {
        .dest = dest == 0xff ? APIC_BROADCAST : dest,
        .logical = addr >> 2 & 1,
        .level = data >> 15 & 1,
        .mode = data >> 8 & 7,
        .vector = (uint8_t)data,
    };

    if (msg.level && !(data >> 14 & 1)) {
        return; /* the end of a level: nothing to tell */
    }
    apic_send(bus, &msg);
}

void apic_add_eoi(struct apic_bus *bus,
                  void (*eoi)(void *opaque, uint8_t vector), void *opaque)
{
    struct apic_eoi e = {eoi, opaque};

    g_array_append_val(bus->eoi, e);
}

void apic_set_intr(void *opaque, unsigned pin, bool level)
{
    struct apic_bus *bus = opaque;

    bus->intr = level;
    for (guint i = 0; i < bus->cpus->len; i++) {
        lapic_lint(bus_cpu(bus, i), 0, level);
    }
}

void apic_set_nmi(void *opaque, unsigned pin, bool level)
{
    struct apic_bus *bus = opaque;

    bus->nmi = level;
    for (guint i = 0; i < bus->cpus->len; i++) {
        lapic_lint(bus_cpu(bus, i), 1, level);
    }
}

/* The APIC of the CPU that makes this access, if the window is its page. */
static struct lapic *apic_current(const struct apic_bus *bus)
{
    int cpu = bus->pins.current ? bus->pins.current(bus->pins.to) : -1;

    return cpu >= 0 && (guint)cpu < bus->cpus->len ? bus_cpu(bus, (guint)cpu)
                                                   : NULL;
}

static uint64_t window_read(void *opaque, uint64_t at, unsigned size)
{
    struct apic_bus *bus = opaque;
    struct lapic *l = apic_current(bus);

    if (at >= PAGE || !l || (l->base & ~UINT64_C(0xfff)) != APIC_BASE) {
        return UINT64_MAX;
    }
    return lapic_mmio_read(l, at, size);
}

static void window_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct apic_bus *bus = opaque;
    struct lapic *l = apic_current(bus);

    if (at >= PAGE || at < 0x10 || !l) {
        apic_msi(bus, APIC_BASE + at, (uint32_t)value);
    } else if ((l->base & ~UINT64_C(0xfff)) == APIC_BASE) {
        lapic_mmio_write(l, at, size, value);
    }
}

static const struct region_ops window_ops = {
    .read = window_read,
    .write = window_write,
    .unaligned = true,
};

static void bus_init(struct dev *dev)
{
    struct apic_bus *bus = bus_of(dev);

    bus->cpus = g_ptr_array_new();
    bus->eoi = g_array_new(FALSE, FALSE, sizeof(struct apic_eoi));
}

static bool bus_realize(struct dev *dev, GError **error)
{
    struct apic_bus *bus = bus_of(dev);

    region_init_io(&bus->window, "apic", WINDOW, &window_ops, bus);
    region_add(&dev->machine->memory.root, &bus->window, APIC_BASE, 4096);
    return true;
}

static void bus_unrealize(struct dev *dev)
{
    struct apic_bus *bus = bus_of(dev);

    region_remove(&bus->window);
    g_ptr_array_free(bus->cpus, TRUE);
    g_array_free(bus->eoi, TRUE);
}

static void bus_reset(struct dev *dev)
{
    bus_of(dev)->last = 0;
}

static const struct field bus_state[] = {
    FIELD(struct apic_bus, intr),
    FIELD(struct apic_bus, nmi),
    FIELD(struct apic_bus, last),
    FIELD_END,
};

const struct dev_type apic_bus_type = {
    .name = "apic-bus",
    .desc = "bus of the APICs",
    .size = sizeof(struct apic_bus),
    .version = 1,
    .hidden = true,
    .state = bus_state,
    .init = bus_init,
    .realize = bus_realize,
    .unrealize = bus_unrealize,
    .reset = bus_reset,
};
