/* SPDX-License-Identifier: MIT */
/*
 * The transceiver of the 8254x: an 88E1011 behind MDIC. [8254X] 13.4.7 and
 * chapter 8; registers 0 to 15 as in [802.3] clause 22 and 40.
 *
 * Its partner can do everything but flow control. Not modelled: crossover and
 * cable diagnostics, error counters, interrupts of its own.
 */
#include "hw/net/e1000.h"

enum {
    BMCR = 0,
    BMSR = 1,
    ID1 = 2,
    ID2 = 3,
    ANAR = 4,
    ANLPAR = 5,
    ANER = 6,
    GTCR = 9,
    GTSR = 10,
    PSSR = 17,
};

enum { /* BMCR, BMSR */
       BMCR_RESET = 1 << 15,
       BMCR_LOOPBACK = 1 << 14,
       BMCR_SPEED0 = 1 << 13,
       BMCR_ANENABLE = 1 << 12,
       BMCR_POWERDOWN = 1 << 11,
       BMCR_ISOLATE = 1 << 10,
       BMCR_ANRESTART = 1 << 9,
       BMCR_DUPLEX = 1 << 8,
       BMCR_SPEED1 = 1 << 6,
       BMSR_ANDONE = 1 << 5,
       BMSR_LINK = 1 << 2,
};

enum { /* 88E1011: speed and duplex as they are */
       PSSR_SPEED_SHIFT = 14,
       PSSR_DUPLEX = 1 << 13,
       PSSR_PAGE = 1 << 12,
       PSSR_RESOLVED = 1 << 11,
       PSSR_LINK = 1 << 10,
};

enum {
    ID2_82574 = 0x0cb1,
    PARTNER = 0xc1e1,      /* ANLPAR: 10 and 100, half and full duplex */
    PARTNER_GIGA = 0x7c00, /* GTSR: both receivers well, both duplexes */
    PARTNER_ABLE = 0x000f, /* ANER */
    AN_100FD = 1 << 8,
    AN_100 = 1 << 7,
    AN_10FD = 1 << 6,
    GT_1000FD = 1 << 9,
    GT_1000 = 1 << 8,
};

#define NEGOTIATION (5 * NS_PER_MS)

static const struct {
    uint16_t reset, writable;
} rows[E1000_PHY_REGS] = {
    [BMCR] = {0x1140, 0x7dc0}, [BMSR] = {0x7949, 0},
    [ID1] = {0x0141, 0},       [ID2] = {0x0c20, 0},
    [ANAR] = {0x0de1, 0xafff}, [ANER] = {0x0004, 0},
    [7] = {0x2001, 0xffff},    [GTCR] = {0x0f00, 0xff00},
    [15] = {0x3000, 0},        [16] = {0x0360, 0xffff},
    [18] = {0, 0xffff},        [20] = {0x0d60, 0xffff},
    [22] = {0, 0xffff},        [24] = {0x4100, 0xffff},
    [29] = {0, 0xffff},        [30] = {0, 0xffff},
};

static bool cable_is_in(const struct e1000 *s)
{
    return net_link_up(&s->nic.port);
}

bool e1000_phy_loopback(const struct e1000 *s)
{
    return s->phy.reg[BMCR] & BMCR_LOOPBACK;
}

static bool negotiates(const struct e1000 *s)
{
    return (s->phy.reg[BMCR] & (BMCR_ANENABLE | BMCR_LOOPBACK)) ==
           BMCR_ANENABLE;
}

bool e1000_phy_link(const struct e1000 *s)
{
    if (s->phy.reg[BMCR] & (BMCR_POWERDOWN | BMCR_ISOLATE)) {
        return false;
    }
    if (e1000_phy_loopback(s)) {
        return true;
    }
    return cable_is_in(s) && (!negotiates(s) || s->phy.negotiated);
}

unsigned e1000_phy_speed(const struct e1000 *s)
{
    uint16_t c = s->phy.reg[BMCR];

    if (!negotiates(s)) {
        return c & BMCR_SPEED1 ? 2 : c & BMCR_SPEED0 ? 1 : 0;
    }
    if (s->phy.reg[GTCR] & (GT_1000FD | GT_1000)) {
        return 2;
    }
    return s->phy.reg[ANAR] & (AN_100FD | AN_100) ? 1 : 0;
}

bool e1000_phy_duplex(const struct e1000 *s)
{
    if (!negotiates(s)) {
        return s->phy.reg[BMCR] & BMCR_DUPLEX;
    }
    switch (e1000_phy_speed(s)) {
    case 2: return s->phy.reg[GTCR] & GT_1000FD;
    case 1: return s->phy.reg[ANAR] & AN_100FD;
    default: return s->phy.reg[ANAR] & AN_10FD;
    }
}

void e1000_link_update(struct e1000 *s)
{
    bool link = e1000_phy_link(s) && (s->ctrl & CTRL_SLU);

    if (!e1000_phy_link(s)) {
        s->phy.link_lost = true;
    }
    if (link != s->link) {
        s->link = link;
        e1000_raise(s, ICR_LSC);
    }
}

static void negotiate(struct e1000 *s)
{
    timer_cancel(&s->phy.timer);
    s->phy.negotiated = false;
    if (negotiates(s) && cable_is_in(s)) {
        timer_set(&s->phy.timer,
                  clock_now(&s->pci.dev.machine->clock) + NEGOTIATION);
    }
}

static void negotiated(void *opaque)
{
    struct e1000 *s = opaque;

    s->phy.negotiated = true;
    e1000_link_update(s);
}

void e1000_phy_cable(struct e1000 *s, bool up)
{
    negotiate(s);
    e1000_link_update(s);
}

void e1000_phy_init(struct e1000 *s)
{
    timer_init(&s->phy.timer, &s->pci.dev.machine->clock, negotiated, s);
}

/* Power on: when software looks, negotiation is over. */
void e1000_phy_reset(struct e1000 *s)
{
    for (unsigned i = 0; i < E1000_PHY_REGS; i++) {
        s->phy.reg[i] = rows[i].reset;
    }
    timer_cancel(&s->phy.timer);
    s->phy.negotiated = cable_is_in(s);
    s->phy.link_lost = false;
}

static uint16_t status(struct e1000 *s)
{
    uint16_t v = rows[BMSR].reset;

    if (s->phy.negotiated && negotiates(s)) {
        v |= BMSR_ANDONE;
    }
    if (e1000_phy_link(s) && !s->phy.link_lost) {
        v |= BMSR_LINK;
    }
    s->phy.link_lost = !e1000_phy_link(s);
    return v;
}

static uint16_t specific_status(const struct e1000 *s)
{
    unsigned v = e1000_phy_speed(s) << PSSR_SPEED_SHIFT;

    if (!e1000_phy_link(s)) {
        return 0;
    }
    v |= PSSR_RESOLVED | PSSR_LINK;
    v |= s->phy.negotiated ? PSSR_PAGE : 0;
    v |= e1000_phy_duplex(s) ? PSSR_DUPLEX : 0;
    return (uint16_t)v;
}

uint16_t e1000_phy_read(struct e1000 *s, unsigned reg)
{
    bool done = s->phy.negotiated && negotiates(s);

    switch (reg) {
    case ID2: return s->is_e ? ID2_82574 : rows[ID2].reset;
    case BMSR: return status(s);
    case ANLPAR: return done ? PARTNER : 0;
    case ANER: return done ? PARTNER_ABLE : rows[ANER].reset;
    case GTSR: return done ? PARTNER_GIGA : 0;
    case PSSR: return specific_status(s);
    default: return s->phy.reg[reg];
    }
}

static void write_control(struct e1000 *s, uint16_t value)
{
    uint16_t old = s->phy.reg[BMCR];
    uint16_t mask = rows[BMCR].writable;
    bool restarts = (value & BMCR_ANRESTART) || ((old ^ value) & mask);

    if (value & BMCR_RESET) {
        for (unsigned i = 0; i < E1000_PHY_REGS; i++) {
            s->phy.reg[i] = rows[i].reset;
        }
        restarts = true;
    } else {
        s->phy.reg[BMCR] = value & mask;
    }
    if (restarts) {
        negotiate(s);
    }
    e1000_link_update(s);
}

void e1000_phy_write(struct e1000 *s, unsigned reg, uint16_t value)
{
    uint16_t mask = rows[reg].writable;

    if (reg == BMCR) {
        write_control(s, value);
    } else {
        s->phy.reg[reg] =
            (uint16_t)((s->phy.reg[reg] & ~mask) | (value & mask));
    }
}
