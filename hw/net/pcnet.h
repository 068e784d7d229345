/* SPDX-License-Identifier: MIT */
/*
 * AMD PCnet-PCI II, shared by the files pcnet*.c. Names are those of
 * [AM79C970A]. Machine lock held in all calls.
 */
#ifndef HW_NET_PCNET_H
#define HW_NET_PCNET_H

#include "hw/net/eeprom93.h"
#include "hw/net/nic.h"
#include "hw/pci/rom.h"

enum {
    PCNET_SPACE = 32,
    PCNET_APROM = 16,
    PCNET_CSRS = 128,
    PCNET_BCRS = 32,
    PCNET_FRAME_MAX = 4096,
};

enum { /* CSR0 */
       C0_INIT = 1 << 0,
       C0_STRT = 1 << 1,
       C0_STOP = 1 << 2,
       C0_TDMD = 1 << 3,
       C0_TXON = 1 << 4,
       C0_RXON = 1 << 5,
       C0_INEA = 1 << 6,
       C0_INTR = 1 << 7,
       C0_IDON = 1 << 8,
       C0_TINT = 1 << 9,
       C0_RINT = 1 << 10,
       C0_MERR = 1 << 11,
       C0_MISS = 1 << 12,
       C0_CERR = 1 << 13,
       C0_BABL = 1 << 14,
       C0_ERR = 1 << 15,
};

enum { /* CSR3 to CSR5 */
       C4_TXSTRT = 1 << 3,
       C4_UINT = 1 << 6,
       C4_UINTCMD = 1 << 7,
       C4_APAD_XMT = 1 << 11,
       C5_SPND = 1 << 0,
       C5_LTINTEN = 1 << 14,
       C5_TOKINTD = 1 << 15,
};

enum { /* CSR15, the mode */
       MODE_DRX = 1 << 0,
       MODE_DTX = 1 << 1,
       MODE_LOOP = 1 << 2,
       MODE_DRCVBC = 1 << 14,
       MODE_DRCVPA = 1 << 13,
       MODE_PROM = 1 << 15,
};

enum { /* registers that the rings use */
       CSR_LADRF = 8,
       CSR_PADR = 12,
       CSR_MODE = 15,
       CSR_BADR = 24,
       CSR_BADX = 30,
       CSR_SWSTYLE = 58,
       CSR_RCVRL = 76, /* lengths, negative */
       CSR_XMTRL = 78,
       CSR_MFC = 112,
       SSIZE32 = 1 << 8,
};

struct pcnet {
    struct pci_dev pci;
    struct nic nic;
    struct region io, mmio;
    struct pci_rom rom;
    unsigned busy; /* it does DMA: a bus master does not answer to itself */
    bool tx_busy, rx_busy;
    struct timer kick; /* after a load: sends what waits */
    struct timer poll; /* looks for a receive descriptor again */

    uint8_t rap;
    uint16_t csr[PCNET_CSRS];
    uint16_t bcr[PCNET_BCRS];
    uint16_t rx_at, tx_at; /* in the rings */
    struct eeprom93 eeprom;
    bool tx_inside, tx_overflow;
    bool tx_ready; /* complete, and waits for the cable */
    uint32_t tx_len;
    uint8_t tx_buf[PCNET_FRAME_MAX];
};

extern const struct dev_type pcnet_type;

/* pcnet_regs.c */
void pcnet_regs_init(struct pcnet *s);
void pcnet_hard_reset(struct pcnet *s);
void pcnet_raise(struct pcnet *s, unsigned causes); /* of CSR0 */
void pcnet_irq_update(struct pcnet *s);
static inline bool pcnet_suspended(const struct pcnet *s)
{
    return s->csr[5] & C5_SPND;
}

/* pcnet_ring.c */
void pcnet_read_init_block(struct pcnet *s);
void pcnet_tx_run(struct pcnet *s);
bool pcnet_can_receive(void *pcnet);
void pcnet_receive(void *pcnet, const struct net_packet *p);
unsigned pcnet_ring_len(const struct pcnet *s, unsigned csr);

#endif
