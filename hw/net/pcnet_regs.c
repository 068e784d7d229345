/* SPDX-License-Identifier: MIT */
/*
 * Registers of the PCnet: address PROM, then RDP, RAP, RESET and BDP as words
 * (WIO) or doublewords (DWIO), and behind them control and status registers
 * (CSR) and bus configuration registers (BCR). [AM79C970A] "User Accessible
 * Registers"
 */
#include <string.h>

#include "base/log.h"
#include "hw/net/pcnet.h"

enum { /* CSR3's masks lie as CSR0's causes, CSR4's one below its own */
       C0_CAUSES = 0x5f00, /* those that can be masked */
       C0_CLEAR = 0x7f00,
       C0_ERRORS = C0_BABL | C0_CERR | C0_MISS | C0_MERR,
       C4_CAUSES = 0x022a,
       C4_CLEAR = 0x026a,
       C4_WRITE = 0xfd15,
       C4_RESET = 0x0115,
       C5_CLEAR = 0x0a90,
       C5_WRITE = 0xc56f,
       C4_STOP_CLEARS = 0x02ea,
       C5_STOP_CLEARS = 0x0011,
       BCR_LNKST = 4,
       BCR_BSBC = 18,
       BCR_EECAS = 19,
       BCR_SWS = 20,
       BSBC_DWIO = 1 << 7,
       LNKST_LEDOUT = 1 << 15,
       EECAS_PVALID = 1 << 15,
       EECAS_PREAD = 1 << 14,
       EECAS_EEDET = 1 << 13,
       EECAS_EEN = 1 << 4,
       EECAS_ECS = 1 << 2,
       EECAS_ESK = 1 << 1,
       EECAS_EDI = 1 << 0,
       CSR_RCVRC = 72,
       CSR_XMTRC = 74,
};

/* Registers that are memory. */
static const struct {
    uint8_t n;
    uint16_t reset, writable;
} csr_rows[] = {
    {1, 0, 0xffff},        {2, 0, 0xffff},       {3, 0, 0x5f7c},
    {8, 0, 0xffff},        {9, 0, 0xffff},       {10, 0, 0xffff},
    {11, 0, 0xffff},       {12, 0, 0xffff},      {13, 0, 0xffff},
    {14, 0, 0xffff},       {15, 0, 0xffff},      {24, 0, 0xffff},
    {25, 0, 0xffff},       {30, 0, 0xffff},      {31, 0, 0xffff},
    {46, 0, 0xffff},       {47, 0, 0xffff},      {76, 0xffff, 0xffff},
    {78, 0xffff, 0xffff},  {80, 0x1410, 0x3fff}, {82, 0, 0xffff},
    {86, 0, 0xffff},       {88, 0x1003, 0},      {89, 0x0262, 0},
    {100, 0x0200, 0xffff}, {112, 0, 0},          {114, 0, 0},
    {122, 0, 1},           {124, 0, 0x7c},
};

static const struct {
    uint16_t reset, writable;
} bcr_rows[PCNET_BCRS] = {
    [0] = {0x0005, 0},       [1] = {0x0005, 0},
    [2] = {0x0002, 0x79af},  [4] = {0x00c0, 0x7ff7},
    [5] = {0x0084, 0x7ff7},  [6] = {0x0088, 0x7ff7},
    [7] = {0x0090, 0x7ff7},  [9] = {0, 3},
    [16] = {0, 0xffe0},      [17] = {0, 0xffff},
    [18] = {0x9001, 0xff7f}, [19] = {0x0002, 0x0017},
    [20] = {0x0200, 0},      [21] = {0, 0},
    [22] = {0xff06, 0xffff},
};

/* --- interrupts --- */

static bool wants_interrupt(const struct pcnet *s)
{
    return (s->csr[0] & ~s->csr[3] & C0_CAUSES) ||
           (s->csr[4] & ~(s->csr[4] << 1) & C4_CAUSES) || s->csr[4] & C4_UINT;
}

void pcnet_irq_update(struct pcnet *s)
{
    bool intr = wants_interrupt(s);
    bool level = intr && s->csr[0] & C0_INEA;

    s->csr[0] =
        (uint16_t)((s->csr[0] & ~(C0_INTR | C0_ERR)) | (intr ? C0_INTR : 0) |
                   (s->csr[0] & C0_ERRORS ? C0_ERR : 0));
    if (level != s->pci.intx) {
        pci_set_intx(&s->pci, level);
    }
}

void pcnet_raise(struct pcnet *s, unsigned causes)
{
    s->csr[0] |= (uint16_t)causes;
    pcnet_irq_update(s);
}

/* --- CSR --- */

static void stop(struct pcnet *s)
{
    s->csr[0] = C0_STOP;
    s->csr[4] &= (uint16_t)~C4_STOP_CLEARS;
    s->csr[5] &= (uint16_t)~C5_STOP_CLEARS;
    s->tx_inside = s->tx_ready = false;
    timer_cancel(&s->poll);
    pcnet_irq_update(s);
}

static void start(struct pcnet *s)
{
    uint16_t mode = s->csr[CSR_MODE];

    s->csr[0] &= (uint16_t)~C0_STOP;
    s->csr[0] |= C0_STRT;
    s->csr[0] |= (uint16_t)((mode & MODE_DTX ? 0 : C0_TXON) |
                            (mode & MODE_DRX ? 0 : C0_RXON));
}

static void write_csr0(struct pcnet *s, uint16_t v)
{
    s->csr[0] &= (uint16_t) ~(v & C0_CLEAR);
    if (v & C0_STOP) {
        stop(s);
        net_ready(&s->nic.port);
        return;
    }
    s->csr[0] = (uint16_t)((s->csr[0] & ~C0_INEA) | (v & C0_INEA));
    if (v & C0_INIT && !(s->csr[0] & C0_INIT)) {
        s->csr[0] &= (uint16_t)~C0_STOP;
        pcnet_read_init_block(s);
        s->csr[0] |= C0_INIT | C0_IDON;
    }
    if (v & C0_STRT && !(s->csr[0] & C0_STRT)) {
        start(s);
    }
    if (v & (C0_TDMD | C0_STRT) && s->csr[0] & C0_TXON) {
        s->csr[0] |= C0_TDMD;
        pcnet_tx_run(s);
    }
    pcnet_irq_update(s);
    net_ready(&s->nic.port);
}

static void write_csr4(struct pcnet *s, uint16_t v)
{
    s->csr[4] &= (uint16_t) ~(v & C4_CLEAR);
    s->csr[4] = (uint16_t)((s->csr[4] & ~C4_WRITE) | (v & C4_WRITE));
    if (v & C4_UINTCMD) {
        s->csr[4] |= C4_UINT;
    }
    pcnet_irq_update(s);
}

static void write_csr5(struct pcnet *s, uint16_t v)
{
    s->csr[5] &= (uint16_t) ~(v & C5_CLEAR);
    s->csr[5] = (uint16_t)((s->csr[5] & ~C5_WRITE) | (v & C5_WRITE));
    pcnet_tx_run(s);
    net_ready(&s->nic.port);
}

static void write_style(struct pcnet *s, uint16_t v)
{
    static const uint16_t styles[] = {0x0200, 0x0101, 0x0302, 0x0303};

    s->csr[CSR_SWSTYLE] = styles[v & 3];
    s->bcr[BCR_SWS] = styles[v & 3];
}

/* Where the chip is in a ring, counted from its end up to zero. */
static uint16_t read_place(const struct pcnet *s, unsigned len, unsigned at)
{
    return (uint16_t) - (pcnet_ring_len(s, len) - at);
}

static void write_place(struct pcnet *s, unsigned len, uint16_t *at, uint16_t v)
{
    unsigned n = pcnet_ring_len(s, len);

    *at = (uint16_t)((n - (-(unsigned)v & 0xffff)) % n);
}

static void write_plain(struct pcnet *s, unsigned n, uint16_t v)
{
    for (size_t i = 0; i < ARRAY_SIZE(csr_rows); i++) {
        uint16_t mask = csr_rows[i].writable;

        if (csr_rows[i].n == n) {
            s->csr[n] = (uint16_t)((s->csr[n] & ~mask) | (v & mask));
        }
    }
    s->rx_at = (uint16_t)(s->rx_at % pcnet_ring_len(s, CSR_RCVRL));
    s->tx_at = (uint16_t)(s->tx_at % pcnet_ring_len(s, CSR_XMTRL));
    pcnet_irq_update(s);
}

/* Most are for a chip that has stopped or is suspended. */
static bool is_locked(const struct pcnet *s, unsigned n)
{
    return !(s->csr[0] & C0_STOP) && !pcnet_suspended(s) && n != 3 &&
           n != CSR_MFC;
}

static void write_csr(struct pcnet *s, unsigned n, uint16_t v)
{
    switch (n) {
    case 0: write_csr0(s, v); return;
    case 4: write_csr4(s, v); return;
    case 5: write_csr5(s, v); return;
    default: break;
    }
    if (is_locked(s, n)) {
        return;
    }
    switch (n) {
    case 16:
    case 17: write_plain(s, n - 15, v); break; /* the same as 1 and 2 */
    case CSR_SWSTYLE: write_style(s, v); break;
    case CSR_RCVRC: write_place(s, CSR_RCVRL, &s->rx_at, v); break;
    case CSR_XMTRC: write_place(s, CSR_XMTRL, &s->tx_at, v); break;
    default: write_plain(s, n, v); break;
    }
}

static uint16_t read_csr(const struct pcnet *s, unsigned n)
{
    switch (n) {
    case 16:
    case 17: return s->csr[n - 15];
    case CSR_RCVRC: return read_place(s, CSR_RCVRL, s->rx_at);
    case CSR_XMTRC: return read_place(s, CSR_XMTRL, s->tx_at);
    default: return s->csr[n];
    }
}

/* --- BCR --- */

static uint16_t read_bcr(const struct pcnet *s, unsigned n)
{
    uint16_t v = s->bcr[n];

    if (n == BCR_LNKST && net_link_up(&s->nic.port)) {
        v |= LNKST_LEDOUT;
    } else if (n == BCR_EECAS) {
        v = (uint16_t)((v & ~EECAS_EDI) | EECAS_PVALID | EECAS_EEDET |
                       (s->eeprom.out ? EECAS_EDI : 0));
    }
    return v;
}

static void load_address(struct pcnet *s)
{
    for (unsigned i = 0; i < 3; i++) {
        s->csr[CSR_PADR + i] = s->eeprom.word[i];
    }
}

static void write_eecas(struct pcnet *s, uint16_t v)
{
    if (v & EECAS_PREAD) {
        load_address(s);
    } else if (v & EECAS_EEN) {
        eeprom93_set(&s->eeprom, v & EECAS_ECS, v & EECAS_ESK, v & EECAS_EDI);
    }
}

static void write_bcr(struct pcnet *s, unsigned n, uint16_t v)
{
    uint16_t mask = bcr_rows[n].writable;

    if (n == BCR_SWS) {
        if (!is_locked(s, CSR_SWSTYLE)) {
            write_style(s, v);
        }
        return;
    }
    s->bcr[n] = (uint16_t)((s->bcr[n] & ~mask) | (v & mask));
    if (n == BCR_EECAS) {
        write_eecas(s, v);
    }
}

/* --- ports --- */

enum port { RDP, RAP, RESET, BDP, NOTHING };

static bool is_dwio(const struct pcnet *s)
{
    return s->bcr[BCR_BSBC] & BSBC_DWIO;
}

static enum port port_at(const struct pcnet *s, unsigned at, unsigned size)
{
    unsigned shift = is_dwio(s) ? 2 : 1;

    at -= PCNET_APROM;
    if (size == 1 || at & ((1u << shift) - 1) || at >> shift > BDP) {
        return NOTHING;
    }
    return (enum port)(at >> shift);
}

/* The low half of the reset: registers keep what is not said here. */
static void soft_reset(struct pcnet *s)
{
    stop(s);
    s->csr[3] = 0;
    s->csr[4] = C4_RESET;
    s->csr[5] = 0;
    pcnet_irq_update(s);
}

static uint8_t aprom(const struct pcnet *s, unsigned at)
{
    return (uint8_t)(s->eeprom.word[at / 2] >> (at & 1 ? 8 : 0));
}

static uint64_t space_read_op(void *opaque, uint64_t at, unsigned size)
{
    struct pcnet *s = opaque;
    uint32_t v = 0;

    if (s->busy) {
        return UINT32_MAX;
    }
    if (at < PCNET_APROM) {
        for (unsigned i = 0; i < size && at + i < PCNET_APROM; i++) {
            v |= (uint32_t)aprom(s, (unsigned)at + i) << (8 * i);
        }
        return v;
    }
    switch (port_at(s, (unsigned)at, size)) {
    case RDP: return read_csr(s, s->rap);
    case RAP: return s->rap;
    case RESET: soft_reset(s); return 0;
    case BDP: return s->rap < PCNET_BCRS ? read_bcr(s, s->rap) : 0;
    default: return UINT32_MAX;
    }
}

static void space_write_op(void *opaque, uint64_t at, unsigned size,
                           uint64_t value)
{
    struct pcnet *s = opaque;
    uint16_t v = (uint16_t)value;

    if (s->busy || at < PCNET_APROM) {
        return;
    }
    if (size == 4 && at == PCNET_APROM) {
        s->bcr[BCR_BSBC] |= BSBC_DWIO; /* for ever */
    }
    switch (port_at(s, (unsigned)at, size)) {
    case RDP: write_csr(s, s->rap, v); break;
    case RAP: s->rap = v & (PCNET_CSRS - 1); break;
    case BDP:
        if (s->rap < PCNET_BCRS) {
            write_bcr(s, s->rap, v);
        }
        break;
    default: break;
    }
}

static const struct region_ops space_ops = {
    .read = space_read_op, .write = space_write_op, .max = 4};

void pcnet_regs_init(struct pcnet *s)
{
    region_init_io(&s->io, "pcnet", PCNET_SPACE, &space_ops, s);
    region_init_io(&s->mmio, "pcnet", PCNET_SPACE, &space_ops, s);
}

/* H_RESET: all registers, then the EEPROM is read. */
void pcnet_hard_reset(struct pcnet *s)
{
    memset(s->csr, 0, sizeof(s->csr));
    s->csr[0] = C0_STOP;
    s->csr[4] = C4_RESET;
    for (size_t i = 0; i < ARRAY_SIZE(csr_rows); i++) {
        s->csr[csr_rows[i].n] = csr_rows[i].reset;
    }
    for (unsigned i = 0; i < PCNET_BCRS; i++) {
        s->bcr[i] = bcr_rows[i].reset;
    }
    s->rap = 0;
    s->rx_at = s->tx_at = 0;
    s->tx_inside = s->tx_overflow = s->tx_ready = false;
    s->tx_len = 0;
    write_style(s, 0);
    load_address(s);
    timer_cancel(&s->poll);
}
