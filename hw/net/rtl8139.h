/* SPDX-License-Identifier: MIT */
/*
 * Realtek's RTL8139C+ fast Ethernet card, shared by the files rtl8139*.c.
 * Register and bit names are those of [RTL8139C+]. Machine lock held in all
 * calls.
 */
#ifndef HW_NET_RTL8139_H
#define HW_NET_RTL8139_H

#include "hw/core/reg.h"
#include "hw/net/eeprom93.h"
#include "hw/net/nic.h"
#include "hw/pci/rom.h"

enum { /* registers */
       RTL_IDR0 = 0x00,
       RTL_MAR0 = 0x08,
       RTL_TSD0 = 0x10,  /* DTCCR in C+ mode */
       RTL_TSAD0 = 0x20, /* TNPDS and THPDS in C+ mode */
       RTL_RBSTART = 0x30,
       RTL_ERBCR = 0x34,
       RTL_ERSR = 0x36,
       RTL_CR = 0x37,
       RTL_CAPR = 0x38,
       RTL_CBR = 0x3a,
       RTL_IMR = 0x3c,
       RTL_ISR = 0x3e,
       RTL_TCR = 0x40,
       RTL_RCR = 0x44,
       RTL_TCTR = 0x48,
       RTL_MPC = 0x4c,
       RTL_9346CR = 0x50,
       RTL_CONFIG0 = 0x51,
       RTL_CONFIG1 = 0x52,
       RTL_TIMERINT = 0x54,
       RTL_MSR = 0x58,
       RTL_CONFIG3 = 0x59,
       RTL_CONFIG4 = 0x5a,
       RTL_MULINT = 0x5c,
       RTL_RERID = 0x5e,
       RTL_TSAD = 0x60,
       RTL_BMCR = 0x62,
       RTL_BMSR = 0x64,
       RTL_ANAR = 0x66,
       RTL_ANLPAR = 0x68,
       RTL_ANER = 0x6a,
       RTL_NWAYTR = 0x70,
       RTL_CSCR = 0x74,
       RTL_CONFIG5 = 0xd8,
       RTL_TPPOLL = 0xd9,
       RTL_CPCR = 0xe0,
       RTL_RDSAR = 0xe4,
       RTL_ETTHR = 0xec,
       RTL_SPACE = 0x100,
};

enum { CR_BUFE = 1 << 0, CR_TE = 1 << 2, CR_RE = 1 << 3, CR_RST = 1 << 4 };

enum {
    ISR_ROK = 1 << 0,
    ISR_RER = 1 << 1,
    ISR_TOK = 1 << 2,
    ISR_TER = 1 << 3,
    ISR_RXOVW = 1 << 4, /* no descriptor, in C+ mode */
    ISR_LINKCHG = 1 << 5,
    ISR_FOVW = 1 << 6,
    ISR_TDU = 1 << 7,
    ISR_SWINT = 1 << 8,
    ISR_TIMEOUT = 1 << 14,
    ISR_ALL = 0xe1ff,
};

#define TSD_SIZE     0x1fffu
#define TSD_OWN      (1u << 13)
#define TSD_TUN      (1u << 14)
#define TSD_TOK      (1u << 15)
#define TSD_TABT     (1u << 30)
#define TSD_WRITABLE 0x003f3fffu

enum {
    RCR_AAP = 1 << 0,
    RCR_APM = 1 << 1,
    RCR_AM = 1 << 2,
    RCR_AB = 1 << 3,
    RCR_WRAP = 1 << 7,
    RCR_RBLEN_SHIFT = 11,
    TCR_LOOPBACK = 3 << 17,
};

enum {
    EEM_MASK = 0xc0,
    EEM_LOAD = 0x40,
    EEM_PROGRAM = 0x80,
    EEM_CONFIG = 0xc0,
    EECS = 1 << 3,
    EESK = 1 << 2,
    EEDI = 1 << 1,
    EEDO = 1 << 0,
};

enum {
    CPCR_TX = 1 << 0,
    CPCR_RX = 1 << 1,
    CPCR_RX_CSUM = 1 << 5,
    CPCR_RX_VLAN = 1 << 6,
    TPPOLL_FSWINT = 1 << 0,
    TPPOLL_NPQ = 1 << 6,
    TPPOLL_HPQ = 1 << 7,
};

enum {
    RTL_FCS = 4,
    RTL_FRAME_MAX = 4088, /* what the 13 bits of a length can say */
    RTL_TX_MAX = 1792,
    RTL_DESCS = 64, /* of a ring in C+ mode */
    RTL_QUEUES = 2, /* normal, high priority */
    RTL_TAG = 4,
};

/* Dumped by DTCCR. */
struct rtl8139_tally {
    uint64_t tx_ok, rx_ok, rx_physical, rx_broadcast;
    uint32_t rx_multicast;
    uint16_t missed, tx_aborted;
};

/* The packet that is gathered from descriptors of C+ mode. */
struct rtl8139_tx {
    uint32_t len;
    uint32_t first[2]; /* the first descriptor's flags */
    bool inside, overflow;
    bool ready; /* complete, and waits for the cable */
    uint8_t queue;
    uint8_t buf[NET_PACKET_MAX];
};

struct rtl8139 {
    struct pci_dev pci;
    struct nic nic;
    bool cplus; /* property: an 8139C+, else an 8139C */
    struct reg_window window;
    struct region io, mmio;
    struct pci_rom rom;
    unsigned busy; /* it does DMA: a bus master does not answer to itself */
    bool tx_busy, rx_busy;
    struct timer kick;

    uint8_t idr[NET_MAC], mar[8];
    uint32_t tsd[4], tsad[4];
    uint32_t rbstart;
    uint16_t erbcr, capr, cbr, imr, isr;
    uint8_t ersr, cr;
    uint32_t tcr, rcr, mpc, timer_int;
    uint8_t cr9346, config0, config1, config3, config4, config5;
    uint16_t mulint, bmcr, anar, nwaytr, cscr;
    uint8_t tppoll, etthr;
    uint16_t cpcr;
    uint32_t rdsar[2];

    struct eeprom93 eeprom;
    uint8_t tx_next;              /* of the four */
    uint8_t tx_index[RTL_QUEUES]; /* C+: in the rings */
    uint8_t rx_index;
    struct rtl8139_tx tx;
    struct rtl8139_tally tally;
    int64_t timer_base; /* when TCTR was zero, virtual clock */
    struct timer timer; /* TimerInt */
    struct timer poll;  /* C+: looks for descriptors again */
};

extern const struct dev_type rtl8139_type;

/* rtl8139.c */
void rtl8139_raise(struct rtl8139 *s, unsigned causes);
static inline bool rtl8139_loops_back(const struct rtl8139 *s)
{
    return (s->tcr & TCR_LOOPBACK) == TCR_LOOPBACK;
}
/* Has the cable room? */
static inline bool rtl8139_can_send(struct rtl8139 *s)
{
    return rtl8139_loops_back(s) || net_can_send(&s->nic.port);
}
/* p->data is in s->tx.buf where sums are requested. */
void rtl8139_send(struct rtl8139 *s, struct net_packet *p);
bool rtl8139_can_receive(void *rtl8139);
void rtl8139_receive(void *rtl8139, const struct net_packet *p);

/* rtl8139_ring.c: the 8139's own four buffers, and its receive ring */
void rtl8139_ring_reset(struct rtl8139 *s);
bool rtl8139_ring_empty(const struct rtl8139 *s);
bool rtl8139_ring_has_room(const struct rtl8139 *s, size_t len);
void rtl8139_ring_store(struct rtl8139 *s, const struct net_packet *p,
                        unsigned status);
void rtl8139_ring_run(struct rtl8139 *s);
unsigned rtl8139_ring_status(const struct rtl8139 *s); /* TSAD */

/* rtl8139_cplus.c: descriptors of C+ mode */
bool rtl8139_cp_has_room(struct rtl8139 *s);
void rtl8139_cp_store(struct rtl8139 *s, const struct net_packet *p,
                      uint32_t status);
void rtl8139_cp_run(struct rtl8139 *s);
void rtl8139_cp_dump(struct rtl8139 *s, uint64_t addr);
bool rtl8139_cp_check(const struct rtl8139 *s, GError **error);

#endif
