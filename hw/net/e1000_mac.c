/* SPDX-License-Identifier: MIT */
/* The registers of the 8254x, in memory and through IOADDR. [8254X] 13 */
#include "hw/core/reg.h"
#include "hw/net/e1000.h"

enum { IOADDR = 0, IODATA = 4, IO_BASE_MASK = 0x1ffff };

static struct e1000 *e1000_of(struct dev *dev)
{
    return container_of(dev, struct e1000, pci.dev);
}

/* --- interrupts --- */

static uint32_t icr_read(struct dev *dev, uint32_t value)
{
    struct e1000 *s = e1000_of(dev);

    if (s->is_e) {
        value = e1000e_icr_read(s, value);
    }
    e1000_irq_update(s);
    return value;
}

static void irq_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    e1000_irq_update(e1000_of(dev));
}

static void ims_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);

    s->ims = (old | now) & (s->is_e ? ICR_E_ALL : ICR_ALL);
    e1000_irq_update(e1000_of(dev));
}

static void imc_write(struct dev *dev, uint32_t value)
{
    e1000_of(dev)->ims &= ~value;
    e1000_irq_update(e1000_of(dev));
}

static void ics_write(struct dev *dev, uint32_t value)
{
    e1000_raise(e1000_of(dev), value);
}

/* --- device --- */

static void ctrl_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);

    s->ctrl &= ~(CTRL_RST | CTRL_PHY_RST);
    if (now & CTRL_RST) {
        e1000_core_reset(s);
    }
    if (now & CTRL_PHY_RST) {
        e1000_phy_write(s, 0, 1 << 15);
    }
    e1000_link_update(s);
}

/* Speed and duplex are the transceiver's, or what CTRL forces. */
static uint32_t status_read(struct dev *dev, uint32_t stored)
{
    const struct e1000 *s = e1000_of(dev);
    uint32_t c = s->ctrl;
    unsigned speed = c & CTRL_FRCSPD ? (c & CTRL_SPEED) >> CTRL_SPEED_SHIFT
                                     : e1000_phy_speed(s);
    bool fd = c & CTRL_FRCDPLX ? c & CTRL_FD : e1000_phy_duplex(s);

    uint32_t v = (fd ? STATUS_FD : 0) | (s->link ? STATUS_LU : 0) |
                 speed << STATUS_SPEED_SHIFT |
                 e1000_phy_speed(s) << STATUS_ASDV_SHIFT;

    if (!s->is_e) {
        return v | STATUS_PCI66;
    }
    return v | (c & CTRL_GIO_DISABLE ? 0 : STATUS_GIO_MASTER);
}

static void ctrl_ext_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);

    if (now & CTRL_EXT_EE_RST) {
        s->ctrl_ext &= ~CTRL_EXT_EE_RST;
        e1000_eeprom_load(s);
    }
}

static uint32_t eecd_read(struct dev *dev, uint32_t stored)
{
    const struct e1000 *s = e1000_of(dev);

    return stored | EECD_PRES | (stored & EECD_REQ ? EECD_GNT : 0) |
           (s->is_e         ? EECD_AUTO_RD
            : s->eeprom.out ? EECD_DO
                            : 0);
}

static void eecd_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);

    if (now & EECD_REQ && !s->is_e) {
        eeprom93_set(&s->eeprom, now & EECD_CS, now & EECD_SK, now & EECD_DI);
    }
}

static void eerd_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);
    unsigned shift = s->is_e ? EERD_E_ADDR_SHIFT : EERD_ADDR_SHIFT;
    uint32_t at = (now & 0xffff) >> shift;
    uint32_t word = at < EEPROM93_WORDS ? s->eeprom.word[at] : 0xffff;

    if (now & EERD_START) {
        s->eerd = at << shift | word << EERD_DATA_SHIFT |
                  (s->is_e ? EERD_E_DONE : EERD_DONE);
    }
}

static void mdic_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);
    unsigned reg = now >> MDIC_REG_SHIFT & 31;
    unsigned phy = now >> MDIC_PHY_SHIFT & 31;

    s->mdic = (now & ~MDIC_ERROR) | MDIC_READY;
    if (phy != 1) {
        s->mdic |= MDIC_ERROR | 0xffff;
    } else if ((now & MDIC_OP) == MDIC_OP_READ) {
        s->mdic = (s->mdic & ~0xffffu) | e1000_phy_read(s, reg);
    } else if ((now & MDIC_OP) == MDIC_OP_WRITE) {
        e1000_phy_write(s, reg, (uint16_t)now);
    } else {
        s->mdic |= MDIC_ERROR;
    }
    if (now & MDIC_INT) {
        e1000_raise(s, ICR_MDAC);
    }
}

/* --- receiving and sending --- */

static void rx_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    net_ready(&e1000_of(dev)->nic.port);
}

static void rdtr_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct e1000 *s = e1000_of(dev);

    s->rdtr &= 0xffff;
    if (now & E1000_BIT(31)) {
        e1000_flush_delay(s, &s->rx_delay, ICR_RXT0);
    }
}

static void tx_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    e1000_tx_run(e1000_of(dev));
}

/* clang-format off */
#define ROW(m, offset, reset_, rw_, ...) \
    {.name = #m, .at = (offset), .size = 4, .stored = true, \
     .member = offsetof(struct e1000, m), .reset = (reset_), .rw = (rw_), \
     __VA_ARGS__}
#define PORT(nm, offset, ...) \
    {.name = #nm, .at = (offset), .size = 4, __VA_ARGS__}
#define ALL UINT32_MAX

/* What drivers use for each packet comes first: rows are searched in order. */
static const struct reg e1000_rows[] = {
    ROW(icr, E1000_ICR, 0, 0, .w1c = ICR_E_ALL, .rc = ICR_ALL,
        .read = icr_read, .wrote = irq_wrote),
    ROW(tdt, E1000_TDT, 0, 0xffff, .wrote = tx_wrote),
    ROW(rdt, E1000_RDT, 0, 0xffff, .wrote = rx_wrote),
    ROW(ims, E1000_IMS, 0, ICR_E_ALL, .wrote = ims_wrote),
    PORT(imc, E1000_IMC, .write = imc_write),
    ROW(itr, E1000_ITR, 0, 0xffff),
    PORT(ics, E1000_ICS, .write = ics_write),
    PORT(status, E1000_STATUS, .read = status_read),
    ROW(mdic, E1000_MDIC, MDIC_READY, ALL, .wrote = mdic_wrote),
    ROW(tdh, E1000_TDH, 0, 0xffff, .wrote = tx_wrote),
    ROW(rdh, E1000_RDH, 0, 0xffff, .wrote = rx_wrote),

    ROW(ctrl, E1000_CTRL, CTRL_FD | CTRL_SLU | 2u << CTRL_SPEED_SHIFT,
        ALL, .wrote = ctrl_wrote),
    ROW(eecd, E1000_EECD, 0x10, EECD_SK | EECD_CS | EECD_DI | EECD_FWE |
        EECD_REQ, .read = eecd_read, .wrote = eecd_wrote),
    ROW(eerd, E1000_EERD, 0, ALL, .wrote = eerd_wrote),
    ROW(ctrl_ext, E1000_CTRL_EXT, 0, ALL, .wrote = ctrl_ext_wrote),
    ROW(fla, E1000_FLA, 0, 0x3f),
    ROW(fcal, E1000_FCAL, 0, ALL),
    ROW(fcah, E1000_FCAH, 0, 0xffff),
    ROW(fct, E1000_FCT, 0, 0xffff),
    ROW(vet, E1000_VET, 0x8100, 0xffff),
    ROW(rctl, E1000_RCTL, 0, 0x7ffffffe, .wrote = rx_wrote),
    ROW(fcttv, E1000_FCTTV, 0, 0xffff),
    ROW(txcw, E1000_TXCW, 0, ALL),
    PORT(rxcw, E1000_RXCW),
    ROW(tctl, E1000_TCTL, 0, 0x05fffffa, .wrote = tx_wrote),
    ROW(tipg, E1000_TIPG, 0x00602008, 0x3fffffff),
    ROW(ait, E1000_AIT, 0, 0xffff),
    ROW(ledctl, E1000_LEDCTL, 0x07061302, ALL),
    ROW(pba, E1000_PBA, 0x00100030, 0x7f),
    ROW(fcrtl, E1000_FCRTL, 0, 0x8000fff8),
    ROW(fcrth, E1000_FCRTH, 0, 0xfff8),
    ROW(rdfh, E1000_RDFH, 0, 0x1fff),
    ROW(rdft, E1000_RDFT, 0, 0x1fff),
    ROW(rdfhs, E1000_RDFHS, 0, 0x1fff),
    ROW(rdfts, E1000_RDFTS, 0, 0x1fff),
    PORT(rdfpc, E1000_RDFPC),
    ROW(rdbal, E1000_RDBAL, 0, 0xfffffff0),
    ROW(rdbah, E1000_RDBAH, 0, ALL),
    ROW(rdlen, E1000_RDLEN, 0, 0x000fff80, .wrote = rx_wrote),
    ROW(rdtr, E1000_RDTR, 0, 0x8000ffff, .wrote = rdtr_wrote),
    ROW(rxdctl, E1000_RXDCTL, 0x01010000, 0x013f3f3f),
    ROW(radv, E1000_RADV, 0, 0xffff),
    ROW(rsrpd, E1000_RSRPD, 0, 0xfff),
    ROW(txdmac, E1000_TXDMAC, 0, 1),
    ROW(tdfh, E1000_TDFH, 0, 0x1fff),
    ROW(tdft, E1000_TDFT, 0, 0x1fff),
    ROW(tdfhs, E1000_TDFHS, 0, 0x1fff),
    ROW(tdfts, E1000_TDFTS, 0, 0x1fff),
    PORT(tdfpc, E1000_TDFPC),
    ROW(tdbal, E1000_TDBAL, 0, 0xfffffff0),
    ROW(tdbah, E1000_TDBAH, 0, ALL),
    ROW(tdlen, E1000_TDLEN, 0, 0x000fff80, .wrote = tx_wrote),
    ROW(tidv, E1000_TIDV, 0, 0xffff),
    ROW(txdctl, E1000_TXDCTL, 0, 0xff3f3f3f),
    ROW(tadv, E1000_TADV, 0, 0xffff),
    ROW(tspmt, E1000_TSPMT, 0x01000400, ALL),
    ROW(rxcsum, E1000_RXCSUM, 0, 0x7ff),
    ROW(wuc, E1000_WUC, 0, 0xf),
    ROW(wufc, E1000_WUFC, 0, 0xf80ff),
    PORT(wus, E1000_WUS),
    ROW(manc, E1000_MANC, 0, ALL),
    ROW(ipav, E1000_IPAV, 0, 0x1000f),
};
/* clang-format on */

const struct reg_bank e1000_bank = REG_BANK("e1000", e1000_rows);

/* --- arrays --- */

void e1000_count64(struct e1000 *s, unsigned stat, uint64_t n)
{
    uint64_t sum = (uint64_t)s->stats[stat + 1] << 32 | s->stats[stat];

    sum = n > UINT64_MAX - sum ? UINT64_MAX : sum + n;
    s->stats[stat] = (uint32_t)sum;
    s->stats[stat + 1] = (uint32_t)(sum >> 32);
}

void e1000_count_size(struct e1000 *s, unsigned stat, size_t octets, uint32_t n)
{
    static const uint16_t classes[] = {64, 127, 255, 511, 1023};
    unsigned class = 0;

    while (class < ARRAY_SIZE(classes) && octets > classes[class]) {
        class ++;
    }
    e1000_count(s, stat + class, n);
}

static bool is_low_half(unsigned stat)
{
    return stat == ST_GORCL || stat == ST_GOTCL || stat == ST_TORL ||
           stat == ST_TOTL;
}

/* Reading clears; of a pair, reading the upper half clears both. */
static uint32_t stat_read(struct e1000 *s, unsigned stat)
{
    uint32_t value = s->stats[stat];

    if (is_low_half(stat)) {
        return value;
    }
    s->stats[stat] = 0;
    if (is_low_half(stat - 1)) {
        s->stats[stat - 1] = 0;
    }
    return value;
}

/* The word of a table that is plain memory, or NULL. */
static uint32_t *table_word(struct e1000 *s, unsigned at)
{
    if (at >= E1000_MTA && at < E1000_MTA + sizeof(s->mta)) {
        return &s->mta[(at - E1000_MTA) / 4];
    }
    if (at >= E1000_RA && at < E1000_RA + sizeof(s->ra)) {
        return &s->ra[(at - E1000_RA) / 4];
    }
    if (at >= E1000_VFTA && at < E1000_VFTA + sizeof(s->vfta)) {
        return &s->vfta[(at - E1000_VFTA) / 4];
    }
    if (s->is_e && at >= E1000E_RETA_AT &&
        at < E1000E_RETA_AT + sizeof(s->e.reta)) {
        return &s->e.reta[(at - E1000E_RETA_AT) / 4];
    }
    if (s->is_e && at >= E1000E_RSSRK_AT &&
        at < E1000E_RSSRK_AT + sizeof(s->e.rssrk)) {
        return &s->e.rssrk[(at - E1000E_RSSRK_AT) / 4];
    }
    return NULL;
}

static bool is_stat(unsigned at)
{
    return at >= E1000_STATS && at < E1000_STATS + 4 * E1000_N_STATS;
}

static uint32_t mac_read(struct e1000 *s, unsigned at)
{
    const uint32_t *word;
    uint32_t v;

    if (is_stat(at)) {
        return stat_read(s, (at - E1000_STATS) / 4);
    }
    word = table_word(s, at);
    if (word) {
        return *word;
    }
    v = reg_read(&s->pci.dev, &e1000_bank, at); /* 0: not in this bank */
    return s->is_e ? v | reg_read(&s->pci.dev, &e1000e_bank, at) : v;
}

static void mac_write(struct e1000 *s, unsigned at, uint32_t value)
{
    uint32_t *word = table_word(s, at);

    if (word) {
        bool high = at >= E1000_RA && at < E1000_VFTA && at & 4;

        *word = high ? value & RAH_BITS : value;
    } else {
        reg_write(&s->pci.dev, &e1000_bank, at, value);
        if (s->is_e) {
            reg_write(&s->pci.dev, &e1000e_bank, at, value);
        }
    }
}

static uint64_t mmio_read(void *opaque, uint64_t at, unsigned size)
{
    struct e1000 *s = opaque;

    return s->busy ? UINT32_MAX : mac_read(s, (unsigned)at & ~3u);
}

static void mmio_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct e1000 *s = opaque;

    if (!s->busy) {
        mac_write(s, (unsigned)at & ~3u, (uint32_t)value);
    }
}

static uint64_t io_read(void *opaque, uint64_t at, unsigned size)
{
    struct e1000 *s = opaque;

    switch (at & ~UINT64_C(3)) {
    case IOADDR: return s->ioaddr;
    case IODATA: return mmio_read(s, s->ioaddr & IO_BASE_MASK, 4);
    default: return 0;
    }
}

static void io_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct e1000 *s = opaque;

    switch (at & ~UINT64_C(3)) {
    case IOADDR: s->ioaddr = (uint32_t)value & IO_BASE_MASK; break;
    case IODATA: mmio_write(s, s->ioaddr & IO_BASE_MASK, 4, value); break;
    default: break;
    }
}

static const struct region_ops mmio_ops = {
    .read = mmio_read, .write = mmio_write, .min = 4, .max = 4};
static const struct region_ops io_ops = {
    .read = io_read, .write = io_write, .min = 4, .max = 4};

void e1000_mac_init(struct e1000 *s)
{
    region_init_io(&s->mmio, "e1000", E1000_MMIO_SIZE, &mmio_ops, s);
    region_init_io(&s->io, "e1000-io",
                   s->is_e ? (unsigned)E1000E_IO_SIZE : (unsigned)E1000_IO_SIZE,
                   &io_ops, s);
}

void e1000_eeprom_load(struct e1000 *s)
{
    const uint16_t *w = s->eeprom.word;

    s->ra[0] = w[0] | (uint32_t)w[1] << 16;
    s->ra[1] = w[2] | RAH_AV;
}
