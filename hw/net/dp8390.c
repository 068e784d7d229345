/* SPDX-License-Identifier: MIT */
/*
 * [DP8390] DP8390D/NS32490D Network Interface Controller; [NE2000] for what is
 * around it: the address PROM, the data port at 0x10, the reset port at 0x18.
 *
 * Not modelled: collisions and other errors of a wire, monitor mode, local DMA
 * bursts, the tally counters (they read 0).
 */
#include "hw/net/dp8390.h"

#include <string.h>

enum { CR_STP = 1, CR_TXP = 4, CR_RD = 0x38, CR_RD_READ = 0x08 };
enum { CR_RD_WRITE = 0x10, CR_RD_ABORT = 0x20, PAGE_SHIFT = 6 };
enum { ISR_PRX = 1, ISR_PTX = 2, ISR_OVW = 16, ISR_RDC = 64, ISR_RST = 128 };
enum { RCR_AR = 2, RCR_AB = 4, RCR_AM = 8, RCR_PRO = 16 };
enum { TSR_PTX = 1, RSR_PRX = 1, RSR_PHY = 0x20, TCR_LOOP = 6, DCR_WORD = 1 };
enum { DATA_PORT = 0x10, RESET_PORT = 0x18, FRAME_MIN = 60, RX_HEADER = 4 };

static void update_irq(struct dp8390 *d)
{
    wire_set(&d->irq, d->isr & d->imr & 0x7f);
}

/* ---- memory ---- */

static uint8_t peek(const struct dp8390 *d, uint16_t at)
{
    bool there = at < 32 || (at >= DP8390_RAM && at < DP8390_MEMORY);

    return there ? d->mem[at] : 0xff;
}

static void poke(struct dp8390 *d, uint16_t at, uint8_t value)
{
    if (at >= DP8390_RAM && at < DP8390_MEMORY) {
        d->mem[at] = value;
    }
}

/* The PROM: each byte of the address twice, then 0x57, which says NE2000. */
static void fill_prom(struct dp8390 *d)
{
    memset(d->mem, 0, 32);
    for (unsigned i = 0; i < 16; i++) {
        uint8_t byte = i < NET_MAC ? d->nic->mac[i] : i >= 14 ? 0x57 : 0;

        d->mem[2 * i] = d->mem[2 * i + 1] = byte;
    }
}

/* Remote DMA moved `n` bytes. */
static void advance(struct dp8390 *d, unsigned n)
{
    d->crda = (uint16_t)(d->crda + n);
    if (d->crda == (uint16_t)(d->pstop << 8)) {
        d->crda = (uint16_t)(d->pstart << 8);
    }
    d->rbcr = (uint16_t)(d->rbcr > n ? d->rbcr - n : 0);
    if (d->rbcr == 0) {
        d->isr |= ISR_RDC;
        update_irq(d);
    }
}

/* An access of the data port moves a byte, or as many words as it is wide. */
static unsigned step_of(const struct dp8390 *d, unsigned size)
{
    return d->dcr & DCR_WORD ? MAX(size, 2u) : 1;
}

static uint32_t data_read(struct dp8390 *d, unsigned size)
{
    unsigned n = step_of(d, size);
    uint32_t value = 0;

    for (unsigned i = 0; i < n; i++) {
        value |= (uint32_t)peek(d, (uint16_t)(d->crda + i)) << (8 * i);
    }
    advance(d, n);
    return value;
}

static void data_write(struct dp8390 *d, unsigned size, uint32_t value)
{
    unsigned n = step_of(d, size);

    if (d->rbcr == 0) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        poke(d, (uint16_t)(d->crda + i), (uint8_t)(value >> (8 * i)));
    }
    advance(d, n);
}

/* ---- packets ---- */

static bool wanted(const struct dp8390 *d, const uint8_t *mac)
{
    unsigned hash;

    if (d->rcr & RCR_PRO && !nic_is_multicast(mac)) {
        return true;
    }
    if (nic_is_broadcast(mac)) {
        return d->rcr & RCR_AB;
    }
    if (nic_is_multicast(mac)) {
        hash = nic_hash64(mac);
        return d->rcr & RCR_AM && d->mar[hash / 8] >> (hash % 8) & 1;
    }
    return memcmp(mac, d->par, NET_MAC) == 0;
}

static bool ring_is_good(const struct dp8390 *d)
{
    return d->pstart >= DP8390_RAM >> 8 && d->pstart < d->pstop &&
           d->pstop <= DP8390_MEMORY >> 8 && d->curr >= d->pstart &&
           d->curr < d->pstop;
}

/* Pages of 256 bytes between what was received and what was read. Drivers also
 * write PSTART - 1 where they mean the last page. */
static unsigned free_pages(const struct dp8390 *d)
{
    int size = d->pstop - d->pstart;
    int used = ((d->curr - d->bnry) % size + size) % size;

    return used == 0 ? 0 : (unsigned)(size - used);
}

/* BNRY is one behind the page that is read next: when they meet it is full. */
static bool can_take(const struct dp8390 *d, size_t len)
{
    return ring_is_good(d) && free_pages(d) * 256u > len + RX_HEADER;
}

static bool port_can_receive(void *opaque)
{
    struct dp8390 *d = opaque;

    return d->cr & CR_STP || !ring_is_good(d) || can_take(d, NET_FRAME_MAX);
}

static void put(struct dp8390 *d, uint16_t *at, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        poke(d, (*at)++, data[i]);
        if (*at == (uint16_t)(d->pstop << 8)) {
            *at = (uint16_t)(d->pstart << 8);
        }
    }
}

static void port_receive(void *opaque, const struct net_packet *p)
{
    static const uint8_t zeroes[FRAME_MIN];
    struct dp8390 *d = opaque;
    size_t pad = p->len < FRAME_MIN ? FRAME_MIN - p->len : 0;
    size_t total = p->len + pad + RX_HEADER;
    uint8_t header[RX_HEADER];
    uint16_t at = (uint16_t)(d->curr << 8);
    unsigned next;

    if (d->cr & CR_STP || p->len < NET_HEADER || p->len > NET_FRAME_MAX ||
        !wanted(d, p->data)) {
        return;
    }
    if (!can_take(d, p->len + pad)) {
        d->isr |= ISR_OVW;
        update_irq(d);
        return;
    }
    next = d->curr + (unsigned)(total + 255) / 256;
    next = next >= d->pstop ? next - d->pstop + d->pstart : next;
    d->rsr = (uint8_t)(RSR_PRX | (nic_is_multicast(p->data) ? RSR_PHY : 0));
    header[0] = d->rsr;
    header[1] = (uint8_t)next;
    stl_u16(header + 2, (uint16_t)total);
    put(d, &at, header, RX_HEADER);
    put(d, &at, p->data, p->len);
    put(d, &at, zeroes, pad);
    d->curr = (uint8_t)next;
    d->isr |= ISR_PRX;
    update_irq(d);
}

const struct net_port_ops dp8390_port_ops = {
    .can_receive = port_can_receive,
    .receive = port_receive,
};

static void transmit(struct dp8390 *d)
{
    uint32_t start = (uint32_t)d->tpsr << 8;
    struct net_packet p = {.data = d->mem + start, .len = d->tbcr};

    if (start >= DP8390_RAM && start + p.len <= DP8390_MEMORY &&
        p.len >= NET_HEADER && p.len <= NET_FRAME_MAX) {
        if (d->tcr & TCR_LOOP) {
            port_receive(d, &p);
        } else {
            net_send(&d->nic->port, &p);
        }
    }
    d->tsr = TSR_PTX;
    d->isr |= ISR_PTX;
    d->cr &= (uint8_t)~CR_TXP;
    update_irq(d);
}

/* ---- registers ---- */

static void write_command(struct dp8390 *d, uint8_t value)
{
    d->cr = value;
    if (value & CR_STP) {
        d->isr |= ISR_RST;
        return;
    }
    d->isr &= (uint8_t)~ISR_RST;
    if ((value & CR_RD) == CR_RD_READ || (value & CR_RD) == CR_RD_WRITE) {
        d->crda = d->rsar;
        if (d->rbcr == 0) {
            d->isr |= ISR_RDC;
        }
    }
    if (value & CR_TXP) {
        transmit(d);
    }
    update_irq(d);
    net_ready(&d->nic->port);
}

/* Drivers take some packets, then acknowledge, and count on the interrupt of the
 * next one, which a full ring lets nobody send here: so what is left in it
 * asks again. */
static void tell_of_rest(struct dp8390 *d)
{
    if (ring_is_good(d) && !(d->cr & CR_STP) &&
        free_pages(d) < (unsigned)(d->pstop - d->pstart - 1)) {
        d->isr |= ISR_PRX;
    }
}

static void set_byte(uint16_t *to, unsigned byte, uint8_t value)
{
    *to = byte ? (uint16_t)((*to & 0xff) | value << 8)
               : (uint16_t)((*to & 0xff00) | value);
}

static void write_page0(struct dp8390 *d, unsigned at, uint8_t value)
{
    switch (at) {
    case 1: d->pstart = value; break;
    case 2: d->pstop = value; break;
    case 3:
        d->bnry = value;
        net_ready(&d->nic->port);
        break;
    case 4: d->tpsr = value; break;
    case 5: set_byte(&d->tbcr, 0, value); break;
    case 6: set_byte(&d->tbcr, 1, value); break;
    case 7:
        d->isr &= (uint8_t) ~(value & 0x7f);
        tell_of_rest(d);
        update_irq(d);
        break;
    case 8: set_byte(&d->rsar, 0, value); break;
    case 9: set_byte(&d->rsar, 1, value); break;
    case 10: set_byte(&d->rbcr, 0, value); break;
    case 11: set_byte(&d->rbcr, 1, value); break;
    case 12: d->rcr = value & 0x3f; break;
    case 13: d->tcr = value & 0x1f; break;
    case 14: d->dcr = value & 0x7f; break;
    default:
        d->imr = value & 0x7f;
        update_irq(d);
        break;
    }
}

static uint8_t read_page0(const struct dp8390 *d, unsigned at)
{
    switch (at) {
    case 1: return 0; /* CLDA: where local DMA is */
    case 2: return d->curr;
    case 3: return d->bnry;
    case 4: return d->tsr;
    case 7: return d->isr;
    case 8: return (uint8_t)d->crda;
    case 9: return (uint8_t)(d->crda >> 8);
    case 10: return 0x50; /* the RTL8029 and 8019 say who they are */
    case 11: return 0x43;
    case 12: return d->rsr;
    default: return 0;
    }
}

static void write_page1(struct dp8390 *d, unsigned at, uint8_t value)
{
    if (at < 7) {
        d->par[at - 1] = value;
    } else if (at == 7) {
        d->curr = value;
    } else {
        d->mar[at - 8] = value;
    }
}

static uint8_t read_page1(const struct dp8390 *d, unsigned at)
{
    return at < 7 ? d->par[at - 1] : at == 7 ? d->curr : d->mar[at - 8];
}

static uint8_t read_page2(const struct dp8390 *d, unsigned at)
{
    switch (at) {
    case 1: return d->pstart;
    case 2: return d->pstop;
    case 4: return d->tpsr;
    case 12: return d->rcr | 0xc0;
    case 13: return d->tcr | 0xe0;
    case 14: return d->dcr | 0x80;
    case 15: return d->imr | 0x80;
    default: return 0;
    }
}

static uint64_t ports_read(void *opaque, uint64_t at, unsigned size)
{
    struct dp8390 *d = opaque;

    if (at >= RESET_PORT) {
        dp8390_reset(d);
        return 0;
    }
    if (at >= DATA_PORT) {
        return data_read(d, size);
    }
    if (at == 0) {
        return d->cr;
    }
    switch (d->cr >> PAGE_SHIFT) {
    case 0: return read_page0(d, (unsigned)at);
    case 1: return read_page1(d, (unsigned)at);
    case 2: return read_page2(d, (unsigned)at);
    default: return 0;
    }
}

static void ports_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    struct dp8390 *d = opaque;

    if (at >= RESET_PORT) {
        return; /* reading resets */
    }
    if (at >= DATA_PORT) {
        data_write(d, size, (uint32_t)value);
    } else if (at == 0) {
        write_command(d, (uint8_t)value);
    } else if (d->cr >> PAGE_SHIFT == 0) {
        write_page0(d, (unsigned)at, (uint8_t)value);
    } else if (d->cr >> PAGE_SHIFT == 1) {
        write_page1(d, (unsigned)at, (uint8_t)value);
    }
}

const struct region_ops dp8390_ops = {
    .read = ports_read, .write = ports_write, .min = 1, .max = 4};

void dp8390_reset(struct dp8390 *d)
{
    d->cr = CR_STP | CR_RD_ABORT;
    d->isr = ISR_RST;
    d->imr = 0;
    d->tcr = 0;
    d->rbcr = 0;
    fill_prom(d);
    update_irq(d);
}

void dp8390_settle(struct dp8390 *d)
{
    update_irq(d);
    net_ready(&d->nic->port);
}
