/* SPDX-License-Identifier: MIT */
/*
 * DP8390, the network controller of the NE2000 and its clones: registers, a
 * ring of pages for what arrives, and remote DMA, by which the host reaches
 * the card's own memory. Knows no bus: the card gives it memory and takes its
 * interrupt. Machine lock held in all calls.
 */
#ifndef HW_NET_DP8390_H
#define HW_NET_DP8390_H

#include "hw/net/nic.h"

struct dp8390_memory { /* the card's; 16-bit addresses, wrapped */
    void (*read)(void *opaque, uint16_t at, uint8_t *buf, unsigned len);
    void (*write)(void *opaque, uint16_t at, const uint8_t *buf, unsigned len);
    void *opaque;
};

struct dp8390 {
    struct net_port *port;
    struct dp8390_memory memory;
    struct wire irq;
    uint8_t id[2];      /* where page 0 has nothing: RTL8029 */
    struct timer kick;  /* after a load: sends what waits */
    struct timer again; /* PRX, for what a driver has left in the ring */

    uint8_t cr, pstart, pstop, bnry, tpsr, tsr, isr, rcr, tcr, dcr, imr, rsr;
    uint8_t curr, par[NET_MAC], mar[8], cntr[3];
    uint16_t tbcr, rsar, rbcr;
    bool running; /* STA, and no STP since */
    bool sending; /* a nested TXP */
};

/* clang-format off */
#define DP8390_STATE(type, m) \
    FIELD_AS(type, m.cr, "cr"), FIELD_AS(type, m.pstart, "pstart"), \
    FIELD_AS(type, m.pstop, "pstop"), FIELD_AS(type, m.bnry, "bnry"), \
    FIELD_AS(type, m.tpsr, "tpsr"), FIELD_AS(type, m.tsr, "tsr"), \
    FIELD_AS(type, m.isr, "isr"), FIELD_AS(type, m.rcr, "rcr"), \
    FIELD_AS(type, m.tcr, "tcr"), FIELD_AS(type, m.dcr, "dcr"), \
    FIELD_AS(type, m.imr, "imr"), FIELD_AS(type, m.rsr, "rsr"), \
    FIELD_AS(type, m.curr, "curr"), FIELD_AS(type, m.tbcr, "tbcr"), \
    FIELD_AS(type, m.rsar, "rsar"), FIELD_AS(type, m.rbcr, "rbcr"), \
    FIELD_AS(type, m.running, "running"), \
    FIELD_AS(type, m.again, "prx_again"), \
    {.name = "par", .at = offsetof(type, m.par), .count = NET_MAC, \
     .kind = K_U8}, \
    {.name = "mar", .at = offsetof(type, m.mar), .count = 8, .kind = K_U8}, \
    {.name = "cntr", .at = offsetof(type, m.cntr), .count = 3, .kind = K_U8}
/* clang-format on */

void dp8390_init(struct dp8390 *s, struct machine *m, struct net_port *port);
void dp8390_clear(struct dp8390 *s);
void dp8390_power_on(struct dp8390 *s); /* all registers */
void dp8390_reset(struct dp8390 *s);    /* the RESET pin */
void dp8390_settle(struct dp8390 *s);

/* The sixteen registers. */
uint8_t dp8390_read(struct dp8390 *s, unsigned at);
void dp8390_write(struct dp8390 *s, unsigned at, uint8_t value);
/* The data port: remote DMA of 1, 2 or 4 bytes. */
uint32_t dp8390_data_read(struct dp8390 *s, unsigned size);
void dp8390_data_write(struct dp8390 *s, unsigned size, uint32_t value);

/* The cable. */
bool dp8390_can_receive(void *dp8390);
void dp8390_receive(void *dp8390, const struct net_packet *p);
void dp8390_writable(void *dp8390);

#endif
