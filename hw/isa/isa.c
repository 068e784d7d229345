/* SPDX-License-Identifier: MIT */
/* The ISA bus: shared interrupt lines, DMA requests, ports. */
#include "hw/isa/isa.h"

enum { SOURCES = 16 }; /* that can share a line */

struct isa_bus *isa_bus_new(struct machine *m, struct dev *parent)
{
    struct isa_bus *isa = g_new0(struct isa_bus, 1);

    isa->machine = m;
    isa->bus = bus_new(m, "ISA", "isa.0", parent, isa);
    isa->bus->free_impl = g_free;
    return isa;
}

struct isa_bus *isa_bus_of(struct machine *m)
{
    const struct bus *bus = bus_find(m, "ISA", NULL);

    return bus ? bus->impl : NULL;
}

/* pin: the line, and which of its sources. */
static void isa_irq_set(void *opaque, unsigned pin, bool level)
{
    struct isa_bus *isa = opaque;
    unsigned line = pin & 15;
    uint16_t bit = (uint16_t)(1 << (pin >> 4 & 15));
    bool was = isa->level[line];
    bool now;

    isa->level[line] =
        (uint16_t)(level ? isa->level[line] | bit : isa->level[line] & ~bit);
    now = isa->level[line];
    if (now != was) {
        wire_set(&isa->irq[line], now);
    }
}

bool isa_connect_irq(struct machine *m, struct wire *wire, unsigned n,
                     GError **error)
{
    struct isa_bus *isa = isa_bus_of(m);

    if (!isa) {
        return fail(error, "this machine has no ISA bus");
    }
    if (n >= ARRAY_SIZE(isa->irq)) {
        return fail(error, "irq %u is not an ISA interrupt (0..15)", n);
    }
    if (isa->sources[n] == SOURCES) {
        return fail(error, "irq %u: too many devices share it", n);
    }
    wire->set = isa_irq_set;
    wire->to = isa;
    wire->pin = n | (unsigned)isa->sources[n]++ << 4;
    return true;
}

bool isa_dma_attach(struct machine *m, unsigned channel,
                    const struct isa_dma_client *client, GError **error)
{
    struct isa_bus *isa = isa_bus_of(m);

    if (!isa || !isa->dma_attach) {
        return fail(error, "this machine has no ISA DMA controller");
    }
    if (channel > 7 || channel == 4) {
        return fail(error, "dma %u is not an ISA DMA channel (0..3, 5..7)",
                    channel);
    }
    isa->dma_attach(isa->dma, channel, client);
    return true;
}

void isa_dreq(struct machine *m, unsigned channel, bool level)
{
    struct isa_bus *isa = isa_bus_of(m);

    if (isa && isa->dreq) {
        isa->dreq(isa->dma, channel, level);
    }
}

bool isa_map(struct machine *m, struct region *r, uint32_t port, GError **error)
{
    if (port > 0xffff || r->size > 0x10000 - port) {
        return fail(error, "%s: port %#x is beyond 0xffff", r->name, port);
    }
    machine_map_ports(m, r, (uint16_t)port);
    return true;
}
