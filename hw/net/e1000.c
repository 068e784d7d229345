/* SPDX-License-Identifier: MIT */
/*
 * Intel 82540EM and 82545EM gigabit Ethernet, PCI. [8254X] PCI/PCI-X Family of
 * Gigabit Ethernet Controllers, Software Developer's Manual.
 * BAR 0: registers in memory; BAR 1: the same by address and data ports.
 *
 * Not modelled: wake on LAN, ASF and management, flow control, flash, SerDes,
 * half duplex, the diagnostic windows into the packet buffer.
 */
#include "hw/net/e1000.h"

#include <string.h>

#include "base/log.h"

enum { MMIO_SIZE = 0x20000, IO_SIZE = 64, ITR_NS = 256 };
enum { STATUS_RESET = 0x80000780, CTRL_RESET = 0x00140241 };

static struct e1000 *e1000_of(struct dev *dev)
{
    return container_of(dev, struct e1000, pci.dev);
}

static int64_t now(const struct e1000 *s)
{
    return clock_now(&s->pci.dev.machine->clock);
}

/* ---- interrupts ---- */

/* INTx as ICR and IMS say, but raised no sooner after the last time than ITR
 * allows. [8254X] 13.4.18 */
static void update_irq(struct e1000 *s)
{
    uint32_t itr = *e1000_reg(s, E1000_ITR) & 0xffff;

    if (!(*e1000_reg(s, E1000_ICR) & *e1000_reg(s, E1000_IMS))) {
        pci_set_intx(&s->pci, false);
    } else if (!s->pci.intx && !timer_pending(&s->throttle)) {
        pci_set_intx(&s->pci, true);
        if (itr) {
            timer_set(&s->throttle, now(s) + (int64_t)itr * ITR_NS);
        }
    }
}

static void throttle_over(void *opaque)
{
    update_irq(opaque);
}

void e1000_cause(struct e1000 *s, uint32_t bits)
{
    *e1000_reg(s, E1000_ICR) |= bits;
    update_irq(s);
}

static void rx_delay_over(void *opaque)
{
    e1000_cause(opaque, E1000_RXT0);
}

static void tx_delay_over(void *opaque)
{
    e1000_cause(opaque, E1000_TXDW);
}

/* ---- link ---- */

bool e1000_link_up(const struct e1000 *s)
{
    return s->reg[E1000_STATUS / 4] & E1000_STATUS_LU;
}

/* What the cable and autonegotiation make of it. */
static void set_link(struct e1000 *s, bool up)
{
    bool was = e1000_link_up(s);

    e1000_phy_link(s, up);
    *e1000_reg(s, E1000_STATUS) =
        (*e1000_reg(s, E1000_STATUS) & ~(uint32_t)E1000_STATUS_LU) |
        (up ? E1000_STATUS_LU : 0);
    if (up != was) {
        e1000_cause(s, E1000_LSC);
        net_ready(&s->nic.port);
    }
}

static void link_timer(void *opaque)
{
    struct e1000 *s = opaque;

    set_link(s, net_link_up(&s->nic.port));
}

static void port_link(void *opaque, bool up)
{
    struct e1000 *s = opaque;

    if (s->pci.dev.realized && !timer_pending(&s->link_timer)) {
        set_link(s, up);
    }
}

static void port_writable(void *opaque)
{
    e1000_tx(opaque);
}

static const struct net_port_ops port_ops = {
    .can_receive = e1000_can_receive,
    .receive = e1000_receive,
    .writable = port_writable,
    .link = port_link,
};

/* ---- statistics: they stay at their most ---- */

void e1000_count(struct e1000 *s, unsigned counter)
{
    uint32_t *r = e1000_reg(s, counter);

    *r += *r < UINT32_MAX;
}

void e1000_count_octets(struct e1000 *s, unsigned counter, size_t octets)
{
    uint32_t *r = e1000_reg(s, counter);
    uint64_t sum = (r[0] | (uint64_t)r[1] << 32) + octets;

    r[0] = (uint32_t)sum;
    r[1] = (uint32_t)(sum >> 32);
}

void e1000_count_size(struct e1000 *s, unsigned first, size_t len)
{
    static const uint16_t most[] = {64, 127, 255, 511, 1023};
    unsigned i = 0;

    while (i < ARRAY_SIZE(most) && len > most[i]) {
        i++;
    }
    e1000_count(s, first + 4 * i);
}

/* ---- registers ---- */

static void software_reset(struct e1000 *s)
{
    bool up = net_link_up(&s->nic.port);

    memset(s->reg, 0, sizeof(s->reg));
    *e1000_reg(s, E1000_CTRL) = CTRL_RESET;
    *e1000_reg(s, E1000_STATUS) = STATUS_RESET | 1;
    *e1000_reg(s, E1000_PBA) = 0x00100030;
    *e1000_reg(s, E1000_LEDCTL) = 0x07068302;
    *e1000_reg(s, E1000_VET) = 0x8100;
    *e1000_reg(s, E1000_RAL) = ldl_u32(s->nic.mac);
    *e1000_reg(s, E1000_RAL + 4) = ldl_u16(s->nic.mac + 4) | 1u << 31;
    timer_cancel(&s->throttle);
    timer_cancel(&s->rx_delay);
    timer_cancel(&s->tx_delay);
    timer_cancel(&s->link_timer);
    s->tx_len = 0;
    s->tx_too_long = s->tx_has_opts = s->tx_tso = false;
    s->tx_popts = 0;
    e1000_phy_reset(s);
    e1000_phy_link(s, up);
    *e1000_reg(s, E1000_STATUS) |= up ? E1000_STATUS_LU : 0;
    pci_set_intx(&s->pci, false);
}

static void write_ctrl(struct e1000 *s, uint32_t value)
{
    if (value & E1000_CTRL_RST) {
        software_reset(s);
        return;
    }
    *e1000_reg(s, E1000_CTRL) = value;
}

static void write_ics(struct e1000 *s, uint32_t value)
{
    e1000_cause(s, value);
}

static void write_icr(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_ICR) &= ~value;
    update_irq(s);
}

static void write_ims(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_IMS) |= value;
    update_irq(s);
}

static void write_imc(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_IMS) &= ~value;
    update_irq(s);
}

static void write_rctl(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_RCTL) = value;
    net_ready(&s->nic.port);
}

static void write_rdt(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_RDT) = value & 0xffff;
    net_ready(&s->nic.port);
}

static void write_tdt(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_TDT) = value & 0xffff;
    e1000_tx(s);
}

static void write_tctl(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_TCTL) = value;
    e1000_tx(s);
}

enum { RDTR_FLUSH = 1u << 31 };

static void write_rdtr(struct e1000 *s, uint32_t value)
{
    *e1000_reg(s, E1000_RDTR) = value & 0xffff;
    if (value & RDTR_FLUSH && timer_pending(&s->rx_delay)) {
        timer_cancel(&s->rx_delay);
        rx_delay_over(s);
    }
}

static uint32_t read_icr(struct e1000 *s)
{
    uint32_t value = *e1000_reg(s, E1000_ICR);

    *e1000_reg(s, E1000_ICR) = 0;
    update_irq(s);
    return value;
}

/* [8254X] 13.4: a register that is not here is plain storage where `plain`
 * has it, else reads 0 and takes nothing. */
static const struct {
    uint16_t at;
    uint32_t (*read)(struct e1000 *s);
    void (*write)(struct e1000 *s, uint32_t value);
} regs[] = {
    {E1000_CTRL, NULL, write_ctrl},
    {0x0004, NULL, write_ctrl}, /* its duplicate */
    {E1000_EECD, e1000_eecd_read, e1000_eecd_write},
    {E1000_EERD, e1000_eerd_read, NULL},
    {E1000_MDIC, NULL, e1000_mdic_write},
    {E1000_ICR, read_icr, write_icr},
    {E1000_ICS, NULL, write_ics},
    {E1000_IMS, NULL, write_ims},
    {E1000_IMC, NULL, write_imc},
    {E1000_RCTL, NULL, write_rctl},
    {E1000_TCTL, NULL, write_tctl},
    {E1000_RDT, NULL, write_rdt},
    {E1000_RDTR, NULL, write_rdtr},
    {E1000_TDT, NULL, write_tdt},
};

/* Storage: the bits that can be written. */
static const struct {
    uint16_t first, last;
    uint32_t rw;
} plain[] = {
    {E1000_EERD, E1000_EERD, 0xff01},
    {E1000_CTRL_EXT, E1000_CTRL_EXT, UINT32_MAX},
    {0x0028, E1000_VET, UINT32_MAX}, /* flow control */
    {E1000_ITR, E1000_ITR, 0xffff},
    {0x0170, 0x0178, UINT32_MAX}, /* FCTTV, TXCW */
    {0x0410, 0x0410, UINT32_MAX}, /* TIPG */
    {0x0458, 0x0458, UINT32_MAX}, /* AIT */
    {E1000_LEDCTL, E1000_LEDCTL, UINT32_MAX},
    {E1000_PBA, E1000_PBA, 0xffff},
    {0x2160, 0x2168, UINT32_MAX}, /* FCRTL, FCRTH */
    {E1000_RDBAL, E1000_RDBAL, 0xfffffff0},
    {E1000_RDBAH, E1000_RDBAH, UINT32_MAX},
    {E1000_RDLEN, E1000_RDLEN, 0xfff80},
    {E1000_RDH, E1000_RDH, 0xffff},
    {0x2828, E1000_RADV, UINT32_MAX}, /* RXDCTL */
    {0x2c00, 0x2c00, UINT32_MAX},     /* RSRPD */
    {0x3000, 0x3004, UINT32_MAX},     /* TXDMAC */
    {E1000_TDBAL, E1000_TDBAL, 0xfffffff0},
    {E1000_TDBAH, E1000_TDBAH, UINT32_MAX},
    {E1000_TDLEN, E1000_TDLEN, 0xfff80},
    {E1000_TDH, E1000_TDH, 0xffff},
    {E1000_TIDV, E1000_TIDV, 0xffff},
    {0x3828, 0x3830, UINT32_MAX}, /* TXDCTL, TADV, TSPMT */
    {E1000_RXCSUM, E1000_RXCSUM, 0x3ff},
    {E1000_MTA, E1000_MTA + 0x1fc, UINT32_MAX},
    {E1000_RAL, E1000_RAL + 0x7c, UINT32_MAX},
    {E1000_VFTA, E1000_VFTA + 0x1fc, UINT32_MAX},
    {0x5800, 0x5818, UINT32_MAX}, /* wake-up: WUC, WUFC, WUS */
    {0x5820, 0x5820, UINT32_MAX}, /* MANC */
    {0x5838, 0x58e8, UINT32_MAX}, /* address tables of wake-up */
    {0x5f00, 0x5ffc, UINT32_MAX}, /* FFLT and its kin */
};

static uint32_t reg_value(struct e1000 *s, unsigned at)
{
    uint32_t value;

    for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
        if (regs[i].at == at && regs[i].read) {
            return regs[i].read(s);
        }
    }
    if (at == 0x0004) {
        at = E1000_CTRL;
    }
    if (at == E1000_ICS || at == E1000_IMC || at + 4 > sizeof(s->reg)) {
        return 0;
    }
    value = *e1000_reg(s, at);
    if (at >= E1000_STATS && at < E1000_STATS_END) {
        *e1000_reg(s, at) = 0;
    }
    return value;
}

static void set_reg(struct e1000 *s, unsigned at, uint32_t value)
{
    for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
        if (regs[i].at == at && regs[i].write) {
            regs[i].write(s, value);
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (at >= plain[i].first && at <= plain[i].last) {
            *e1000_reg(s, at) =
                (*e1000_reg(s, at) & ~plain[i].rw) | (value & plain[i].rw);
            return;
        }
    }
}

static uint64_t mmio_read(void *opaque, uint64_t at, unsigned size)
{
    return reg_value(opaque, (unsigned)at);
}

static void mmio_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    set_reg(opaque, (unsigned)at, (uint32_t)value);
}

static const struct region_ops mmio_ops = {
    .read = mmio_read, .write = mmio_write, .min = 4, .max = 4};

/* IOADDR at 0, IODATA at 4. [8254X] 13.1.2 */
static uint64_t io_read(void *opaque, uint64_t at, unsigned size)
{
    struct e1000 *s = opaque;

    return at == 0   ? s->io_addr
           : at == 4 ? reg_value(s, s->io_addr & (MMIO_SIZE - 4))
                     : 0;
}

static void io_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct e1000 *s = opaque;

    if (at == 0) {
        s->io_addr = (uint32_t)value;
    } else if (at == 4) {
        set_reg(s, s->io_addr & (MMIO_SIZE - 4), (uint32_t)value);
    }
}

static const struct region_ops io_ops = {
    .read = io_read, .write = io_write, .min = 4, .max = 4};

/* ---- the device ---- */

static void e1000_unrealize(struct dev *dev)
{
    struct e1000 *s = e1000_of(dev);

    timer_cancel(&s->throttle);
    timer_cancel(&s->rx_delay);
    timer_cancel(&s->tx_delay);
    timer_cancel(&s->link_timer);
    nic_unrealize(&s->nic);
    pci_unrealize(&s->pci);
}

static bool realize(struct dev *dev, uint16_t device, GError **error)
{
    struct pci_ids ids = {
        .vendor = 0x8086,
        .device = device,
        .revision = 3,
        .class_code = 0x020000,
        .int_pin = 1,
    };
    struct e1000 *s = e1000_of(dev);
    struct clock *c = &dev->machine->clock;

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    timer_init(&s->throttle, c, throttle_over, s);
    timer_init(&s->rx_delay, c, rx_delay_over, s);
    timer_init(&s->tx_delay, c, tx_delay_over, s);
    timer_init(&s->link_timer, c, link_timer, s);
    region_init_io(&s->mmio, "e1000-mmio", MMIO_SIZE, &mmio_ops, s);
    region_init_io(&s->io, "e1000-io", IO_SIZE, &io_ops, s);
    pci_set_bar(&s->pci, 0, PCI_BAR_MEM32, &s->mmio);
    pci_set_bar(&s->pci, 1, PCI_BAR_IO, &s->io);
    if (!nic_realize(dev, &s->nic, &port_ops, s, error) ||
        !pci_rom_load(&s->pci, &s->nic.rom, s->nic.romfile, error)) {
        e1000_unrealize(dev);
        return false;
    }
    e1000_eeprom_fill(s);
    return true;
}

static bool e1000_realize(struct dev *dev, GError **error)
{
    return realize(dev, 0x100e, error);
}

static bool e1000_82545em_realize(struct dev *dev, GError **error)
{
    return realize(dev, 0x100f, error);
}

static void e1000_reset(struct dev *dev)
{
    struct e1000 *s = e1000_of(dev);

    pci_reset(&s->pci);
    s->io_addr = 0;
    s->ee = (struct ee93c46){0};
    s->tso = s->sum = (struct e1000_context){0};
    s->rx_first = 0;
    software_reset(s);
}

static void e1000_settle(struct dev *dev)
{
    struct e1000 *s = e1000_of(dev);

    pci_settle(&s->pci);
    if (!timer_pending(&s->link_timer)) {
        set_link(s, net_link_up(&s->nic.port));
    }
    net_ready(&s->nic.port);
}

static bool e1000_check(struct dev *dev, GError **error)
{
    const struct e1000 *s = e1000_of(dev);

    return s->tx_len <= NET_PACKET_MAX - 4 ||
           fail(error, "%s: a packet of %u bytes", dev_name(dev), s->tx_len);
}

static const struct field e1000_props[] = {
    PCI_PROPS(struct e1000, pci),
    NIC_PROPS(struct e1000, nic),
    FIELD_END,
};

/* clang-format off */
#define CONTEXT(c) \
    FIELD(struct e1000, c.ipcss), FIELD(struct e1000, c.ipcso), \
    FIELD(struct e1000, c.tucss), FIELD(struct e1000, c.tucso), \
    FIELD(struct e1000, c.hdrlen), FIELD(struct e1000, c.ipcse), \
    FIELD(struct e1000, c.tucse), FIELD(struct e1000, c.mss), \
    FIELD(struct e1000, c.paylen), FIELD(struct e1000, c.tcp), \
    FIELD(struct e1000, c.ipv4)

static const struct field e1000_state[] = {
    PCI_STATE(struct e1000, pci),
    FIELD_ARRAY(struct e1000, reg),
    FIELD(struct e1000, io_addr),
    FIELD_ARRAY(struct e1000, phy),
    EE93C46_STATE(struct e1000, ee),
    FIELD(struct e1000, throttle),
    FIELD(struct e1000, rx_delay),
    FIELD(struct e1000, tx_delay),
    FIELD(struct e1000, link_timer),
    FIELD(struct e1000, rx_first),
    FIELD_ARRAY(struct e1000, tx),
    FIELD(struct e1000, tx_len),
    FIELD(struct e1000, tx_too_long),
    FIELD(struct e1000, tx_has_opts),
    FIELD(struct e1000, tx_tso),
    FIELD(struct e1000, tx_popts),
    CONTEXT(tso),
    CONTEXT(sum),
    FIELD_END,
};
/* clang-format on */

/* clang-format off */
#define E1000_TYPE(nm, al, text, fn) { \
    .name = nm, .alias = al, .desc = text, .bus = "PCI", \
    .size = sizeof(struct e1000), .version = 1, \
    .props = e1000_props, .state = e1000_state, .realize = fn, \
    .unrealize = e1000_unrealize, .reset = e1000_reset, \
    .settle = e1000_settle, .check = e1000_check}
/* clang-format on */

const struct dev_type e1000_type = E1000_TYPE(
    "e1000", "e1000-82540em", "Intel 82540EM gigabit Ethernet", e1000_realize);
const struct dev_type e1000_82545em_type =
    E1000_TYPE("e1000-82545em", NULL, "Intel 82545EM gigabit Ethernet",
               e1000_82545em_realize);
