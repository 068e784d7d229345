/* SPDX-License-Identifier: MIT */
/*
 * The ISA bus: sixteen interrupt lines and the DMA channels. The board makes
 * one and points its lines at the interrupt controllers.
 */
#ifndef HW_ISA_ISA_H
#define HW_ISA_ISA_H

#include "hw/core/machine.h"

/* A device's side of a DMA channel: the controller calls back. */
struct isa_dma_client {
    /*
     * The channel is granted. Moves up to `len` bytes between `buf` and the
     * device; write = to memory. Returns the count; *tc tells whether the
     * last byte of the programmed count is among them.
     */
    unsigned (*transfer)(void *opaque, uint8_t *buf, unsigned len, bool write,
                         bool tc);
    void *opaque;
};

struct isa_bus {
    struct bus *bus;
    struct machine *machine;
    /*
     * To the interrupt controllers. A device holds its line until it is
     * served: the 8259 forgets a request that falls before it is acknowledged.
     */
    struct wire irq[16];
    uint16_t level[16];  /* sources that pull it now: shared lines are OR-ed */
    uint8_t sources[16]; /* connected to each line */
    void *dma;           /* struct i8237_pair */
    /* Set by the DMA controller: request line of a channel. */
    void (*dreq)(void *dma, unsigned channel, bool level);
    void (*dma_attach)(void *dma, unsigned channel,
                       const struct isa_dma_client *client);
};

struct isa_bus *isa_bus_new(struct machine *m, struct dev *parent);
struct isa_bus *isa_bus_of(struct machine *m); /* NULL: there is none */
/* Points `wire` at ISA interrupt line n (0..15), OR-ed with other users. */
bool isa_connect_irq(struct machine *m, struct wire *wire, unsigned n,
                     GError **error);
bool isa_dma_attach(struct machine *m, unsigned channel,
                    const struct isa_dma_client *client, GError **error);
void isa_dreq(struct machine *m, unsigned channel, bool level);
/* Maps a device's ports; fails where they are outside 0..0xffff. */
bool isa_map(struct machine *m, struct region *r, uint32_t port,
             GError **error);

#endif
