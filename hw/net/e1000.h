/* SPDX-License-Identifier: MIT */
/*
 * Intel's 8254x family of PCI network cards: what its files share. Register
 * names, offsets and bits as in [8254X] chapter 13.
 */
#ifndef HW_NET_E1000_H
#define HW_NET_E1000_H

#include "hw/net/ee93c46.h"
#include "hw/net/nic.h"
#include "hw/pci/pci.h"

enum {
    E1000_CTRL = 0x0000,
    E1000_STATUS = 0x0008,
    E1000_EECD = 0x0010,
    E1000_EERD = 0x0014,
    E1000_CTRL_EXT = 0x0018,
    E1000_MDIC = 0x0020,
    E1000_VET = 0x0038,
    E1000_ICR = 0x00c0,
    E1000_ITR = 0x00c4,
    E1000_ICS = 0x00c8,
    E1000_IMS = 0x00d0,
    E1000_IMC = 0x00d8,
    E1000_RCTL = 0x0100,
    E1000_TCTL = 0x0400,
    E1000_LEDCTL = 0x0e00,
    E1000_PBA = 0x1000,
    E1000_RDBAL = 0x2800,
    E1000_RDBAH = 0x2804,
    E1000_RDLEN = 0x2808,
    E1000_RDH = 0x2810,
    E1000_RDT = 0x2818,
    E1000_RDTR = 0x2820,
    E1000_RADV = 0x282c,
    E1000_TDBAL = 0x3800,
    E1000_TDBAH = 0x3804,
    E1000_TDLEN = 0x3808,
    E1000_TDH = 0x3810,
    E1000_TDT = 0x3818,
    E1000_TIDV = 0x3820,
    E1000_TADV = 0x382c,
    E1000_STATS = 0x4000, /* all clear when they are read */
    E1000_MPC = 0x4010,
    E1000_PRC64 = 0x405c, /* received, by size: 6 counters */
    E1000_GPRC = 0x4074,
    E1000_BPRC = 0x4078,
    E1000_MPRC = 0x407c,
    E1000_GPTC = 0x4080,
    E1000_GORC = 0x4088, /* 64 bits, as all of octets */
    E1000_GOTC = 0x4090,
    E1000_RNBC = 0x40a0,
    E1000_TOR = 0x40c0,
    E1000_TOT = 0x40c8,
    E1000_TPR = 0x40d0,
    E1000_TPT = 0x40d4,
    E1000_PTC64 = 0x40d8, /* sent */
    E1000_MPTC = 0x40f0,
    E1000_BPTC = 0x40f4,
    E1000_TSCTC = 0x40f8,
    E1000_STATS_END = 0x4100,
    E1000_RXCSUM = 0x5000,
    E1000_MTA = 0x5200,  /* 128 words */
    E1000_RAL = 0x5400,  /* 16 addresses: low, high */
    E1000_VFTA = 0x5600, /* 128 words */
    E1000_REGS = 0x6000, /* bytes of registers that are kept */
};

enum { E1000_ADDRESSES = 16 };

enum { /* ICR and its kin */
       E1000_TXDW = 1 << 0,
       E1000_TXQE = 1 << 1,
       E1000_LSC = 1 << 2,
       E1000_RXDMT0 = 1 << 4,
       E1000_RXO = 1 << 6,
       E1000_RXT0 = 1 << 7,
       E1000_MDAC = 1 << 9,
};

enum {
    E1000_CTRL_SLU = 1 << 6,
    E1000_CTRL_RST = 1 << 26,
    E1000_CTRL_VME = 1 << 30,
    E1000_STATUS_LU = 1 << 1,
    E1000_RCTL_EN = 1 << 1,
    E1000_RCTL_UPE = 1 << 3,
    E1000_RCTL_MPE = 1 << 4,
    E1000_RCTL_LPE = 1 << 5,
    E1000_RCTL_LBM = 3 << 6,
    E1000_RCTL_BAM = 1 << 15,
    E1000_RCTL_VFE = 1 << 18,
    E1000_RCTL_BSEX = 1 << 25,
    E1000_RCTL_SECRC = 1 << 26,
    E1000_TCTL_EN = 1 << 1,
};

enum {
    E1000_EEPROM_WORDS = EE93C46_WORDS,
    E1000_PHY_REGS = 32,
    E1000_DESC = 16
};
enum { E1000_TX_BATCH = 64 }; /* descriptors that are read at once */

/* Offload context, as a descriptor loaded it. [8254X] 3.3.6 */
struct e1000_context {
    uint8_t ipcss, ipcso, tucss, tucso, hdrlen;
    uint16_t ipcse, tucse, mss;
    uint32_t paylen;
    bool tcp, ipv4;
};

struct e1000 {
    struct pci_dev pci;
    struct nic nic;
    struct region mmio, io;
    uint32_t reg[E1000_REGS / 4];
    uint32_t io_addr;
    uint16_t phy[E1000_PHY_REGS];
    uint16_t eeprom[E1000_EEPROM_WORDS];
    struct ee93c46 ee;
    /* Interrupts: none before `throttle`; delays since the first packet. */
    struct timer throttle, rx_delay, tx_delay, link_timer;
    int64_t rx_first;
    /* The packet that is being gathered. */
    uint8_t tx[NET_PACKET_MAX];
    uint32_t tx_len;
    bool tx_too_long, tx_has_opts, tx_tso;
    uint8_t tx_popts;
    struct e1000_context tso, sum; /* of TSE contexts, of the others */
    bool in_tx;                    /* sending, which must not begin again */
};

extern const struct dev_type e1000_type;
extern const struct dev_type e1000_82545em_type;

static inline uint32_t *e1000_reg(struct e1000 *s, unsigned at)
{
    return &s->reg[at / 4];
}

/* e1000.c */
void e1000_cause(struct e1000 *s, uint32_t bits); /* into ICR */
void e1000_count(struct e1000 *s, unsigned counter);
void e1000_count_octets(struct e1000 *s, unsigned counter, size_t octets);
/* Of the six counters by size from `first` on. */
void e1000_count_size(struct e1000 *s, unsigned first, size_t len);
bool e1000_link_up(const struct e1000 *s);

/* e1000_tx.c: sends what is in the ring. */
void e1000_tx(struct e1000 *s);

/* e1000_rx.c: as struct net_port_ops has them. */
bool e1000_can_receive(void *opaque);
void e1000_receive(void *opaque, const struct net_packet *p);

/* e1000_phy.c */
void e1000_eeprom_fill(struct e1000 *s);
uint32_t e1000_eecd_read(struct e1000 *s);
void e1000_eecd_write(struct e1000 *s, uint32_t value);
uint32_t e1000_eerd_read(struct e1000 *s);
void e1000_phy_reset(struct e1000 *s);
/* The PHY's side of the link; false: autonegotiation is not done. */
void e1000_phy_link(struct e1000 *s, bool up);
void e1000_mdic_write(struct e1000 *s, uint32_t value);
bool e1000_phy_loops(const struct e1000 *s);

#endif
