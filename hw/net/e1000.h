/* SPDX-License-Identifier: MIT */
/*
 * Intel's 8254x family of gigabit cards and the 82574L, shared by the files
 * e1000_*.c: one for each unit of the chip. What the 82574L adds is in
 * e1000e*.c. Machine lock held in all calls.
 */
#ifndef HW_NET_E1000_H
#define HW_NET_E1000_H

#include "hw/net/e1000_regs.h"
#include "hw/net/eeprom93.h"
#include "hw/net/nic.h"
#include "hw/pci/msi.h"
#include "hw/pci/rom.h"

enum {
    E1000_MTA_WORDS = 128,
    E1000_VFTA_WORDS = 128,
    E1000_ADDRESSES = 16,
    E1000_PHY_REGS = 32,
    E1000_TAG = 4,             /* bytes of a VLAN tag */
    E1000_ITR_NS = 256,        /* unit of ITR */
    E1000_DELAY_NS = 1024,     /* of RDTR, RADV, TIDV, TADV */
    E1000_EEPROM_SUM = 0xbaba, /* of its words */
    E1000_MMIO_SIZE = 0x20000,
    E1000_IO_SIZE = 64,
    E1000E_IO_SIZE = 32,
    E1000E_VECTORS = 5,
    E1000E_RETA = 32,
    E1000E_RSSRK = 10,
    E1000E_MSIX_SIZE = 0x4000,
    E1000E_PBA_AT = 0x2000,
};

/* The transceiver, an 88E1011. */
struct e1000_phy {
    uint16_t reg[E1000_PHY_REGS];
    bool negotiated;    /* or nothing is to be negotiated */
    bool link_lost;     /* since the status register was read last */
    struct timer timer; /* of autonegotiation */
};

/* What a context descriptor says; there are two: checksums, segmentation. */
struct e1000_context {
    uint8_t ipcss, ipcso, tucss, tucso;
    uint16_t ipcse, tucse;
    uint16_t mss;
    uint8_t hdrlen;
    bool tcp, ip4;
};

/* Of a cause that may wait: since the last packet, since the first one. */
struct e1000_delay {
    struct timer packet, absolute;
};

/* The packet that is being gathered, or waits for the cable to take it. */
struct e1000_tx {
    struct e1000_context sums, tso;
    uint32_t len;    /* in buf, behind the room for a tag */
    bool inside;     /* descriptors were taken, the last one was not */
    bool ready;      /* complete, and refused */
    bool overflow;   /* it does not fit: will be dropped */
    bool segment;    /* TSE */
    bool ip_sum;     /* IXSM */
    bool l4_sum;     /* TXSM */
    bool legacy_sum; /* IC: at cso, from css on */
    uint8_t cso, css;
    bool tagged; /* VLE */
    uint16_t tag;
    uint8_t buf[E1000_TAG + NET_PACKET_MAX];
};

/* Registers and units that the 82574L has on top. */
struct e1000e {
    struct msi msi;
    struct msix msix;
    struct region msix_bar;
    uint32_t iam, eiac, ivar, eitr[E1000E_VECTORS];
    uint32_t extcnf_ctrl, extcnf_size, poemb, eemngctl, pbaecc, ert, psrctl;
    uint32_t rfctl, mrqc, gcr, gcr2, functag, swsm, fwsm, tarc0, tarc1;
    uint32_t rdbal1, rdbah1, rdlen1, rdh1, rdt1, rxdctl1;
    uint32_t tdbal1, tdbah1, tdlen1, tdh1, tdt1, txdctl1;
    uint32_t reta[E1000E_RETA], rssrk[E1000E_RSSRK];
    uint32_t signalled; /* causes whose message was sent */
    int64_t eitr_next[E1000E_VECTORS];
    struct timer eitr_timer[E1000E_VECTORS];
};

struct e1000 {
    struct pci_dev pci;
    struct nic nic;
    bool is_e; /* an 82574L */
    struct region mmio, io;
    struct pci_rom rom;
    unsigned busy; /* it does DMA: a bus master does not answer to itself */
    bool tx_busy, rx_busy;
    struct timer kick; /* after a load: what the cable did not take */

    /* Registers: rows of the bank in e1000_mac.c. */
    uint32_t ctrl, eecd, eerd, ctrl_ext, fla, mdic, fcal, fcah, fct, vet;
    uint32_t icr, itr, ims;
    uint32_t rctl, fcttv, txcw, tctl, tipg, ait, ledctl, pba, fcrtl, fcrth;
    uint32_t rdfh, rdft, rdfhs, rdfts, tdfh, tdft, tdfhs, tdfts;
    uint32_t rdbal, rdbah, rdlen, rdh, rdt, rdtr, rxdctl, radv, rsrpd;
    uint32_t txdmac, tdbal, tdbah, tdlen, tdh, tdt, tidv, txdctl, tadv, tspmt;
    uint32_t rxcsum, wuc, wufc, manc, ipav;
    uint32_t stats[E1000_N_STATS];
    uint32_t mta[E1000_MTA_WORDS];
    uint32_t ra[2 * E1000_ADDRESSES]; /* low, high */
    uint32_t vfta[E1000_VFTA_WORDS];
    uint32_t ioaddr;

    struct eeprom93 eeprom;
    struct e1000_phy phy;
    bool link; /* as STATUS.LU says */
    struct e1000_tx tx;
    struct e1000_delay rx_delay, tx_delay;
    struct timer itr_timer;
    int64_t itr_next; /* no interrupt before; virtual clock */
    bool asserted;    /* INTx or MSI; follows from the registers */
    struct e1000e e;
};

extern const struct dev_type e1000_82540em_type, e1000_82545em_type;
extern const struct dev_type e1000e_type;
extern const struct reg_bank e1000_bank, e1000e_bank;

/* e1000.c */
void e1000_core_reset(struct e1000 *s); /* all but PCI, PHY and EEPROM */

/* e1000_mac.c */
void e1000_mac_init(struct e1000 *s);
void e1000_eeprom_load(struct e1000 *s); /* the address from the EEPROM */
static inline void e1000_count(struct e1000 *s, unsigned stat, uint32_t n)
{
    s->stats[stat] += MIN(n, UINT32_MAX - s->stats[stat]);
}
/* Of octets: a pair of registers. */
void e1000_count64(struct e1000 *s, unsigned stat, uint64_t n);
/* n frames of a size, in one of six classes from `stat` on. */
void e1000_count_size(struct e1000 *s, unsigned stat, size_t octets,
                      uint32_t n);

/* e1000_irq.c */
void e1000_irq_init(struct e1000 *s);
void e1000_irq_reset(struct e1000 *s);
void e1000_raise(struct e1000 *s, uint32_t causes);
void e1000_irq_update(struct e1000 *s);
void e1000_irq_settle(struct e1000 *s);
/* RXT0 or TXDW, as their timers want it. */
void e1000_raise_rx(struct e1000 *s, size_t len);
void e1000_raise_tx(struct e1000 *s, bool delayed);
void e1000_flush_delay(struct e1000 *s, struct e1000_delay *d, uint32_t cause);

/* e1000e.c */
void e1000e_init(struct e1000 *s);
void e1000e_reset(struct e1000 *s); /* CTRL.RST */
uint32_t e1000e_icr_read(struct e1000 *s, uint32_t causes);
void e1000e_msix_update(struct e1000 *s);

/* e1000_phy.c */
void e1000_phy_init(struct e1000 *s);
void e1000_phy_reset(struct e1000 *s);
uint16_t e1000_phy_read(struct e1000 *s, unsigned reg);
void e1000_phy_write(struct e1000 *s, unsigned reg, uint16_t value);
void e1000_phy_cable(struct e1000 *s, bool up); /* plugged in or out */
bool e1000_phy_link(const struct e1000 *s);
bool e1000_phy_loopback(const struct e1000 *s);
unsigned e1000_phy_speed(const struct e1000 *s); /* 0..2: 10, 100, 1000 */
bool e1000_phy_duplex(const struct e1000 *s);
void e1000_link_update(struct e1000 *s); /* STATUS.LU, LSC */

static inline bool e1000_loops_back(const struct e1000 *s)
{
    return s->rctl & RCTL_LBM || e1000_phy_loopback(s);
}

/* e1000_tx.c */
void e1000_tx_run(struct e1000 *s);
bool e1000_tx_check(const struct e1000 *s, GError **error);

/* e1000_rx.c */
bool e1000_can_receive(void *e1000);
void e1000_receive(void *e1000, const struct net_packet *p);

#endif
