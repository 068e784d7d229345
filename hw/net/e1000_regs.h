/* SPDX-License-Identifier: MIT */
/*
 * Registers of the 8254x and their bits, spelt as in [8254X] chapter 13, and
 * descriptors (chapter 3).
 */
#ifndef HW_NET_E1000_REGS_H
#define HW_NET_E1000_REGS_H

#include "base/base.h"

#define E1000_BIT(n) (UINT32_C(1) << (n))

enum e1000_reg {
    E1000_CTRL = 0x0000,
    E1000_STATUS = 0x0008,
    E1000_EECD = 0x0010,
    E1000_EERD = 0x0014,
    E1000_CTRL_EXT = 0x0018,
    E1000_FLA = 0x001c,
    E1000_MDIC = 0x0020,
    E1000_FCAL = 0x0028,
    E1000_FCAH = 0x002c,
    E1000_FCT = 0x0030,
    E1000_VET = 0x0038,
    E1000_ICR = 0x00c0,
    E1000_ITR = 0x00c4,
    E1000_ICS = 0x00c8,
    E1000_IMS = 0x00d0,
    E1000_IMC = 0x00d8,
    E1000_RCTL = 0x0100,
    E1000_FCTTV = 0x0170,
    E1000_TXCW = 0x0178,
    E1000_RXCW = 0x0180,
    E1000_TCTL = 0x0400,
    E1000_TIPG = 0x0410,
    E1000_AIT = 0x0458,
    E1000_LEDCTL = 0x0e00,
    E1000_PBA = 0x1000,
    E1000_FCRTL = 0x2160,
    E1000_FCRTH = 0x2168,
    E1000_RDFH = 0x2410,
    E1000_RDFT = 0x2418,
    E1000_RDFHS = 0x2420,
    E1000_RDFTS = 0x2428,
    E1000_RDFPC = 0x2430,
    E1000_RDBAL = 0x2800,
    E1000_RDBAH = 0x2804,
    E1000_RDLEN = 0x2808,
    E1000_RDH = 0x2810,
    E1000_RDT = 0x2818,
    E1000_RDTR = 0x2820,
    E1000_RXDCTL = 0x2828,
    E1000_RADV = 0x282c,
    E1000_RSRPD = 0x2c00,
    E1000_TXDMAC = 0x3000,
    E1000_TDFH = 0x3410,
    E1000_TDFT = 0x3418,
    E1000_TDFHS = 0x3420,
    E1000_TDFTS = 0x3428,
    E1000_TDFPC = 0x3430,
    E1000_TDBAL = 0x3800,
    E1000_TDBAH = 0x3804,
    E1000_TDLEN = 0x3808,
    E1000_TDH = 0x3810,
    E1000_TDT = 0x3818,
    E1000_TIDV = 0x3820,
    E1000_TXDCTL = 0x3828,
    E1000_TADV = 0x382c,
    E1000_TSPMT = 0x3830,
    E1000_STATS = 0x4000, /* E1000_N_STATS of them */
    E1000_RXCSUM = 0x5000,
    E1000_MTA = 0x5200,  /* 128 */
    E1000_RA = 0x5400,   /* 16 pairs */
    E1000_VFTA = 0x5600, /* 128 */
    E1000_WUC = 0x5800,
    E1000_WUFC = 0x5808,
    E1000_WUS = 0x5810,
    E1000_MANC = 0x5820,
    E1000_IPAV = 0x5838,
};

enum e1000e_reg { /* [82574L] 10 */
                  E1000E_EIAC = 0x00dc,
                  E1000E_IAM = 0x00e0,
                  E1000E_IVAR = 0x00e4,
                  E1000E_EITR = 0x00e8, /* 5 */
                  E1000E_EXTCNF_CTRL = 0x0f00,
                  E1000E_EXTCNF_SIZE = 0x0f08,
                  E1000E_POEMB = 0x0f10,
                  E1000E_EEMNGCTL = 0x1010,
                  E1000E_PBA_ECC = 0x1100,
                  E1000E_ERT = 0x2008,
                  E1000E_PSRCTL = 0x2170,
                  E1000E_RING1 = 0x0100, /* behind the first ring */
                  E1000E_TARC0 = 0x3840,
                  E1000E_TARC1 = 0x3940,
                  E1000E_RFCTL = 0x5008,
                  E1000E_MRQC = 0x5818,
                  E1000E_GCR = 0x5b00,
                  E1000E_FUNCTAG = 0x5b08,
                  E1000E_FACTPS = 0x5b30,
                  E1000E_SWSM = 0x5b50,
                  E1000E_FWSM = 0x5b54,
                  E1000E_GCR2 = 0x5b64,
                  E1000E_PBACLR = 0x5b68,
                  E1000E_RETA_AT = 0x5c00,
                  E1000E_RSSRK_AT = 0x5c80,
};

enum e1000_stat { /* index: (offset - E1000_STATS) / 4; all clear when read */
                  ST_CRCERRS = 0x00 / 4,
                  ST_MPC = 0x10 / 4,
                  ST_RLEC = 0x40 / 4,
                  ST_FCRUC = 0x58 / 4,
                  ST_PRC64 = 0x5c / 4,
                  ST_GPRC = 0x74 / 4,
                  ST_BPRC = 0x78 / 4,
                  ST_MPRC = 0x7c / 4,
                  ST_GPTC = 0x80 / 4,
                  ST_GORCL = 0x88 / 4,
                  ST_GORCH = 0x8c / 4,
                  ST_GOTCL = 0x90 / 4,
                  ST_GOTCH = 0x94 / 4,
                  ST_RNBC = 0xa0 / 4,
                  ST_RUC = 0xa4 / 4,
                  ST_ROC = 0xac / 4,
                  ST_TORL = 0xc0 / 4,
                  ST_TORH = 0xc4 / 4,
                  ST_TOTL = 0xc8 / 4,
                  ST_TOTH = 0xcc / 4,
                  ST_TPR = 0xd0 / 4,
                  ST_TPT = 0xd4 / 4,
                  ST_PTC64 = 0xd8 / 4,
                  ST_MPTC = 0xf0 / 4,
                  ST_BPTC = 0xf4 / 4,
                  ST_TSCTC = 0xf8 / 4,
                  ST_TSCTFC = 0xfc / 4,
                  E1000_N_STATS = 0x128 / 4,
};

#define CTRL_FD      E1000_BIT(0)
#define CTRL_ASDE    E1000_BIT(5)
#define CTRL_SLU     E1000_BIT(6)
#define CTRL_SPEED   (3u << 8)
#define CTRL_FRCSPD  E1000_BIT(11)
#define CTRL_FRCDPLX E1000_BIT(12)
#define CTRL_RST     E1000_BIT(26)
#define CTRL_VME     E1000_BIT(30)
#define CTRL_PHY_RST E1000_BIT(31)

#define STATUS_FD    E1000_BIT(0)
#define STATUS_LU    E1000_BIT(1)
#define STATUS_TXOFF E1000_BIT(4)
#define STATUS_PCI66 E1000_BIT(11)
enum { STATUS_SPEED_SHIFT = 6, STATUS_ASDV_SHIFT = 8, CTRL_SPEED_SHIFT = 8 };

#define EECD_SK   E1000_BIT(0)
#define EECD_CS   E1000_BIT(1)
#define EECD_DI   E1000_BIT(2)
#define EECD_DO   E1000_BIT(3)
#define EECD_FWE  (3u << 4)
#define EECD_REQ  E1000_BIT(6)
#define EECD_GNT  E1000_BIT(7)
#define EECD_PRES E1000_BIT(8)

#define EERD_START  E1000_BIT(0)
#define EERD_DONE   E1000_BIT(4)
#define EERD_E_DONE E1000_BIT(1)
enum { EERD_E_ADDR_SHIFT = 2 };
#define RFCTL_EXSTEN      E1000_BIT(15)
#define CTRL_GIO_DISABLE  E1000_BIT(2)
#define STATUS_GIO_MASTER E1000_BIT(19)
#define EECD_AUTO_RD      E1000_BIT(9)
enum { EERD_ADDR_SHIFT = 8, EERD_DATA_SHIFT = 16 };

#define CTRL_EXT_EE_RST E1000_BIT(13)
#define CTRL_EXT_EIAME  E1000_BIT(24)
#define CTRL_EXT_IAME   E1000_BIT(27)

#define MDIC_READY    E1000_BIT(28)
#define MDIC_INT      E1000_BIT(29)
#define MDIC_ERROR    E1000_BIT(30)
#define MDIC_OP_WRITE (1u << 26)
#define MDIC_OP_READ  (2u << 26)
#define MDIC_OP       (3u << 26)
enum { MDIC_REG_SHIFT = 16, MDIC_PHY_SHIFT = 21 };

#define ICR_TXDW    E1000_BIT(0)
#define ICR_TXQE    E1000_BIT(1)
#define ICR_LSC     E1000_BIT(2)
#define ICR_RXSEQ   E1000_BIT(3)
#define ICR_RXDMT0  E1000_BIT(4)
#define ICR_RXO     E1000_BIT(6)
#define ICR_RXT0    E1000_BIT(7)
#define ICR_MDAC    E1000_BIT(9)
#define ICR_TXD_LOW E1000_BIT(15)
#define ICR_SRPD    E1000_BIT(16)
#define ICR_ALL     0x1ffffu
/* Of the 82574L. */
#define ICR_RXQ0     E1000_BIT(20)
#define ICR_RXQ1     E1000_BIT(21)
#define ICR_TXQ0     E1000_BIT(22)
#define ICR_TXQ1     E1000_BIT(23)
#define ICR_OTHER    E1000_BIT(24)
#define ICR_ASSERTED E1000_BIT(31)
#define ICR_E_ALL    0x01f7ffffu

#define RCTL_EN      E1000_BIT(1)
#define RCTL_SBP     E1000_BIT(2)
#define RCTL_UPE     E1000_BIT(3)
#define RCTL_MPE     E1000_BIT(4)
#define RCTL_LPE     E1000_BIT(5)
#define RCTL_LBM     (3u << 6)
#define RCTL_BAM     E1000_BIT(15)
#define RCTL_VFE     E1000_BIT(18)
#define RCTL_CFIEN   E1000_BIT(19)
#define RCTL_CFI     E1000_BIT(20)
#define RCTL_DPF     E1000_BIT(22)
#define RCTL_PMCF    E1000_BIT(23)
#define RCTL_BSEX    E1000_BIT(25)
#define RCTL_SECRC   E1000_BIT(26)
#define RCTL_DTYP_PS E1000_BIT(10) /* packet split, 82574L */
enum { RCTL_FLXBUF_SHIFT = 27 };
enum { RCTL_RDMTS_SHIFT = 8, RCTL_MO_SHIFT = 12, RCTL_BSIZE_SHIFT = 16 };

#define TCTL_EN  E1000_BIT(1)
#define TCTL_PSP E1000_BIT(3)

enum { TXDCTL_LWTHRESH_SHIFT = 25 };

#define RXCSUM_IPOFL E1000_BIT(8)
#define RXCSUM_TUOFL E1000_BIT(9)

#define RAH_AV   E1000_BIT(31)
#define RAH_BITS 0x8003ffffu
enum { RAH_AS_SHIFT = 16 };

enum { /* descriptors */
       E1000_DESC = 16,
       RXD_LENGTH = 8,
       RXD_CSUM = 10,
       RXD_STATUS = 12,
       RXD_ERRORS = 13,
       RXD_SPECIAL = 14,
       TXD_STATUS = 12,
};

enum {
    RXS_DD = 1 << 0,
    RXS_EOP = 1 << 1,
    RXS_IXSM = 1 << 2,
    RXS_VP = 1 << 3,
    RXS_TCPCS = 1 << 5,
    RXS_IPCS = 1 << 6,
    RXS_PIF = 1 << 7,
    RXE_TCPE = 1 << 5,
    RXE_IPE = 1 << 6,
};

/* Second quadword of a transmit descriptor, lower half. */
#define TXD_EOP  E1000_BIT(24)
#define TXD_IC   E1000_BIT(26) /* legacy */
#define TXD_TSE  E1000_BIT(26) /* extended */
#define TXD_RS   E1000_BIT(27)
#define TXD_RPS  E1000_BIT(28)
#define TXD_DEXT E1000_BIT(29)
#define TXD_VLE  E1000_BIT(30)
#define TXD_IDE  E1000_BIT(31)
/* Of a context descriptor. */
#define TXC_TCP E1000_BIT(24)
#define TXC_IP  E1000_BIT(25)
/* Upper half. */
#define TXD_DD   E1000_BIT(0)
#define TXD_IXSM E1000_BIT(8)
#define TXD_TXSM E1000_BIT(9)
enum { TXD_DTYP_SHIFT = 20, DTYP_CONTEXT = 0, DTYP_DATA = 1 };

#endif
