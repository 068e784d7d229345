/* SPDX-License-Identifier: MIT */
/* Realtek RTL8139C+: what its files share. Names and bits of [8139C+]. */
#ifndef HW_NET_RTL8139_H
#define HW_NET_RTL8139_H

#include "hw/net/ee93c46.h"
#include "hw/net/nic.h"
#include "hw/pci/pci.h"

enum { /* registers */
       RTL_IDR = 0x00,
       RTL_MAR = 0x08,
       RTL_TSD = 0x10,  /* 4 */
       RTL_TSAD = 0x20, /* 4; C+: TNPDS, THPDS */
       RTL_RBSTART = 0x30,
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
       RTL_MULINT = 0x5c,
       RTL_TSALL = 0x60,
       RTL_BMCR = 0x62,
       RTL_BMSR = 0x64,
       RTL_ANAR = 0x66,
       RTL_ANLPAR = 0x68,
       RTL_ANER = 0x6a,
       RTL_TPPOLL = 0xd9,
       RTL_CPCR = 0xe0,
       RTL_RDSAR = 0xe4,
       RTL_REGS = 0x100,
};

enum { RTL_CR_BUFE = 1, RTL_CR_TE = 4, RTL_CR_RE = 8, RTL_CR_RST = 0x10 };

enum { /* ISR, IMR */
       RTL_ROK = 1 << 0,
       RTL_TOK = 1 << 2,
       RTL_RXOVW = 1 << 4,
       RTL_LINK = 1 << 5,
       RTL_TDU = 1 << 7,
       RTL_TIMEOUT = 1 << 14,
};

enum {
    RTL_RCR_AAP = 1 << 0,
    RTL_RCR_APM = 1 << 1,
    RTL_RCR_AM = 1 << 2,
    RTL_RCR_AB = 1 << 3,
    RTL_RCR_WRAP = 1 << 7,
    RTL_CPCR_TXEN = 1 << 0,
    RTL_CPCR_RXEN = 1 << 1,
    RTL_CPCR_RXSUM = 1 << 5,
    RTL_CPCR_RXVLAN = 1 << 6,
    RTL_TCR_LOOP = 3 << 17,
};

struct rtl8139 {
    struct pci_dev pci;
    struct nic nic;
    struct region io, mmio;
    uint8_t reg[RTL_REGS]; /* little-endian, saved state */
    uint16_t eeprom[EE93C46_WORDS];
    struct ee93c46 ee;
    uint16_t ring_at;      /* receive ring: where the next packet goes */
    uint32_t rx_at, tx_at; /* C+: descriptors */
    struct timer timer;    /* of TIMERINT */
    int64_t timer_start;   /* when TCTR was 0 */
    uint32_t tx_len;       /* of the packet that is gathered */
    bool tx_bad, in_tx;
    uint8_t tx[NET_PACKET_MAX];
};

extern const struct dev_type rtl8139_type;

static inline uint32_t rtl_get(const struct rtl8139 *s, unsigned at)
{
    return ldl_u32(s->reg + at);
}

static inline uint16_t rtl_get16(const struct rtl8139 *s, unsigned at)
{
    return ldl_u16(s->reg + at);
}

/* rtl8139.c */
void rtl8139_interrupt(struct rtl8139 *s, unsigned bits);

/* rtl8139_tx.c */
void rtl8139_tx_slot(struct rtl8139 *s, unsigned slot); /* TSD was written */
void rtl8139_tx_ring(struct rtl8139 *s);                /* C+ */

/* rtl8139_rx.c */
bool rtl8139_can_receive(void *opaque);
void rtl8139_receive(void *opaque, const struct net_packet *p);
bool rtl8139_ring_empty(const struct rtl8139 *s);

#endif
