/* SPDX-License-Identifier: MIT */
/*
 * Realtek RTL8139C+ fast Ethernet, as 8139 and in C+ mode. [8139C+] Realtek
 * RTL8139C+ data sheet; [8139D] for the registers of the older mode.
 * BAR 0: registers in I/O space; BAR 1: the same in memory.
 *
 * Not modelled: wake on LAN, power management, the high priority ring, early
 * receive and transmit thresholds, writing to the EEPROM, the boot ROM's own
 * registers, NWay's timing (the link is there at once).
 */
#include "hw/net/rtl8139.h"

#include <string.h>

enum { IO_SIZE = 0x100, TICK_NS = 30 }; /* of TCTR: 33 MHz */
enum { CR9346_EEM = 0xc0, EEM_PROGRAM = 0x80, EECS = 8, EESK = 4, EEDI = 2 };
enum { BMSR_LINK = 1 << 2, BMSR_DONE = 1 << 5, MSR_LINKB = 1 << 2 };
enum { VERSION = 0x74800000, TPPOLL_NPQ = 1 << 6 };

static struct rtl8139 *rtl_of(struct dev *dev)
{
    return container_of(dev, struct rtl8139, pci.dev);
}

static int64_t now(const struct rtl8139 *s)
{
    return clock_now(&s->pci.dev.machine->clock);
}

/* ---- interrupts, timer ---- */

static void update_irq(struct rtl8139 *s)
{
    pci_set_intx(&s->pci, rtl_get16(s, RTL_ISR) & rtl_get16(s, RTL_IMR));
}

void rtl8139_interrupt(struct rtl8139 *s, unsigned bits)
{
    stl_u16(s->reg + RTL_ISR, (uint16_t)(rtl_get16(s, RTL_ISR) | bits));
    update_irq(s);
}

static void timer_fires(void *opaque)
{
    rtl8139_interrupt(opaque, RTL_TIMEOUT);
}

static void arm_timer(struct rtl8139 *s)
{
    uint32_t at = rtl_get(s, RTL_TIMERINT);

    if (at) {
        timer_set(&s->timer, s->timer_start + (int64_t)at * TICK_NS);
    } else {
        timer_cancel(&s->timer);
    }
}

/* ---- link ---- */

static void show_link(struct rtl8139 *s, bool up)
{
    uint16_t bits = BMSR_LINK | BMSR_DONE;
    uint16_t bmsr = (uint16_t)(rtl_get16(s, RTL_BMSR) & ~bits);

    stl_u16(s->reg + RTL_BMSR, (uint16_t)(bmsr | (up ? bits : 0)));
    s->reg[RTL_MSR] =
        (uint8_t)((s->reg[RTL_MSR] & ~MSR_LINKB) | (up ? 0 : MSR_LINKB));
    stl_u16(s->reg + RTL_ANLPAR, up ? 0x05e1 : 0);
}

static void port_link(void *opaque, bool up)
{
    struct rtl8139 *s = opaque;

    if (s->pci.dev.realized) {
        show_link(s, up);
        rtl8139_interrupt(s, RTL_LINK);
    }
}

static void port_writable(void *opaque)
{
    rtl8139_tx_ring(opaque);
}

static const struct net_port_ops port_ops = {
    .can_receive = rtl8139_can_receive,
    .receive = rtl8139_receive,
    .writable = port_writable,
    .link = port_link,
};

/* ---- registers ---- */

/* What RST and a power-on do. */
static void software_reset(struct rtl8139 *s)
{
    memset(s->reg, 0, sizeof(s->reg));
    memcpy(s->reg + RTL_IDR, s->nic.mac, NET_MAC);
    memset(s->reg + RTL_MAR, 0xff, 8);
    for (unsigned i = 0; i < 4; i++) {
        stl_u32(s->reg + RTL_TSD + 4 * i, 1 << 13);
    }
    s->reg[RTL_CR] = RTL_CR_BUFE;
    stl_u16(s->reg + RTL_CAPR, 0xfff0);
    stl_u32(s->reg + RTL_TCR, VERSION);
    s->reg[RTL_CONFIG1] = 0x0c;
    s->reg[RTL_MSR] = 0;
    stl_u16(s->reg + RTL_BMCR, 0x1000);
    stl_u16(s->reg + RTL_BMSR, 0x7809);
    stl_u16(s->reg + RTL_ANAR, 0x05e1);
    s->ring_at = 0;
    s->rx_at = s->tx_at = 0;
    s->tx_len = 0;
    s->tx_bad = false;
    s->timer_start = now(s);
    timer_cancel(&s->timer);
    show_link(s, net_link_up(&s->nic.port));
    pci_set_intx(&s->pci, false);
}

/* Bits that a write changes, by byte of the register. */
static uint8_t writable(unsigned at)
{
    static const struct {
        uint8_t first, last, bits;
    } rows[] = {
        {RTL_IDR, RTL_IDR + 5, 0xff},
        {RTL_MAR, RTL_MAR + 7, 0xff},
        {RTL_TSAD, RTL_RBSTART + 3, 0xff},
        {RTL_CAPR, RTL_CAPR + 1, 0xff},
        {RTL_IMR, RTL_IMR + 1, 0xff},
        {RTL_TCR, RTL_TCR + 2, 0xff},
        {RTL_RCR, RTL_RCR + 3, 0xff},
        {RTL_9346CR, RTL_9346CR, 0xce},
        {RTL_CONFIG1, RTL_CONFIG1, 0xff},
        {RTL_TIMERINT, RTL_TIMERINT + 3, 0xff},
        {RTL_MSR, RTL_MSR, 0xc0},
        {RTL_CONFIG3, RTL_CONFIG3 + 1, 0xff},
        {RTL_MULINT, RTL_MULINT + 1, 0xff},
        {RTL_BMCR, RTL_BMCR + 1, 0xff},
        {RTL_ANAR, RTL_ANAR + 1, 0xff},
        {RTL_CPCR, RTL_CPCR + 1, 0xff},
        {RTL_RDSAR, RTL_RDSAR + 7, 0xff},
        {0xec, 0xec, 0xff},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (at >= rows[i].first && at <= rows[i].last) {
            return rows[i].bits;
        }
    }
    return 0;
}

static void write_command(struct rtl8139 *s, uint8_t value)
{
    if (value & RTL_CR_RST) {
        software_reset(s);
        return;
    }
    if (value & RTL_CR_RE && !(s->reg[RTL_CR] & RTL_CR_RE)) {
        s->ring_at = 0;
        s->rx_at = 0;
        stl_u16(s->reg + RTL_CBR, 0);
        stl_u16(s->reg + RTL_CAPR, 0xfff0);
    }
    if (value & RTL_CR_TE && !(s->reg[RTL_CR] & RTL_CR_TE)) {
        s->tx_at = 0;
    }
    s->reg[RTL_CR] = value & (RTL_CR_RE | RTL_CR_TE);
    net_ready(&s->nic.port);
}

/* All four slots' states at once. */
static uint16_t read_tsall(const struct rtl8139 *s)
{
    uint16_t value = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t tsd = rtl_get(s, RTL_TSD + 4 * i);

        value |= (uint16_t)((tsd >> 13 & 1) << i);
        value |= (uint16_t)((tsd >> 15 & 1) << (12 + i));
    }
    return value;
}

static uint8_t read_byte(struct rtl8139 *s, unsigned at)
{
    switch (at) {
    case RTL_CR:
        return (uint8_t)((s->reg[at] & ~RTL_CR_BUFE) |
                         (rtl8139_ring_empty(s) ? RTL_CR_BUFE : 0));
    case RTL_9346CR:
        return (uint8_t)((s->reg[at] & ~1) |
                         ((s->reg[at] & CR9346_EEM) == EEM_PROGRAM &&
                          ee93c46_out(&s->ee)));
    case RTL_TSALL: return (uint8_t)read_tsall(s);
    case RTL_TSALL + 1: return (uint8_t)(read_tsall(s) >> 8);
    case RTL_TCTR:
    case RTL_TCTR + 1:
    case RTL_TCTR + 2:
    case RTL_TCTR + 3:
        return (uint8_t)((now(s) - s->timer_start) / TICK_NS >>
                         (8 * (at - RTL_TCTR)));
    default: return s->reg[at];
    }
}

static uint64_t regs_read(void *opaque, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)read_byte(opaque, (unsigned)at + i) << (8 * i);
    }
    return value;
}

/* After all bytes of an access are there; `at` is its first. */
static void after_write(struct rtl8139 *s, unsigned at, unsigned size)
{
    for (unsigned i = at; i < at + size; i++) {
        switch (i) {
        case RTL_CAPR + 1:
        case RTL_RCR: net_ready(&s->nic.port); break;
        case RTL_IMR:
            update_irq(s);
            /* Descriptors are given without a bell; this follows. */
            net_ready(&s->nic.port);
            break;
        case RTL_TIMERINT: arm_timer(s); break;
        case RTL_9346CR:
            if ((s->reg[i] & CR9346_EEM) == EEM_PROGRAM) {
                ee93c46_pins(&s->ee, s->eeprom, s->reg[i] & EECS,
                             s->reg[i] & EESK, s->reg[i] & EEDI);
            }
            break;
        case RTL_BMCR + 1: /* a restarted negotiation is done at once */
            s->reg[i] &= (uint8_t)~0x82;
            break;
        default: break;
        }
    }
}

/* Registers that are no storage. */
static bool write_special(struct rtl8139 *s, unsigned at, unsigned size,
                          uint32_t value)
{
    if (at >= RTL_TSD && at < RTL_TSD + 16) {
        if (size == 4 && at % 4 == 0) {
            stl_u32(s->reg + at, value & 0x3fffff);
            rtl8139_tx_slot(s, (at - RTL_TSD) / 4);
        }
        return true;
    }
    switch (at) {
    case RTL_CR: write_command(s, (uint8_t)value); return true;
    case RTL_ISR:
        stl_u16(s->reg + RTL_ISR, (uint16_t)(rtl_get16(s, RTL_ISR) & ~value));
        update_irq(s);
        return size <= 2;
    case RTL_TCTR:
        s->timer_start = now(s);
        arm_timer(s);
        return true;
    case RTL_MPC: stl_u32(s->reg + RTL_MPC, 0); return true;
    case RTL_TPPOLL:
        if (value & TPPOLL_NPQ) {
            rtl8139_tx_ring(s);
        }
        return true;
    default: return false;
    }
}

static void regs_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct rtl8139 *s = opaque;

    if (write_special(s, (unsigned)at, size, (uint32_t)value)) {
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        uint8_t mask = writable((unsigned)at + i);
        uint8_t *r = &s->reg[at + i];

        *r = (uint8_t)((*r & ~mask) | ((uint8_t)(value >> (8 * i)) & mask));
    }
    after_write(s, (unsigned)at, size);
}

static const struct region_ops regs_ops = {
    .read = regs_read, .write = regs_write, .min = 1, .max = 4};

/* ---- the device ---- */

/* [8139D] 6: identity and address are loaded from here. */
static void fill_eeprom(struct rtl8139 *s)
{
    memset(s->eeprom, 0, sizeof(s->eeprom));
    s->eeprom[0] = 0x8129;
    s->eeprom[1] = 0x10ec;
    s->eeprom[2] = 0x8139;
    s->eeprom[3] = 0x1af4;
    s->eeprom[4] = 0x1100;
    for (unsigned i = 0; i < 3; i++) {
        s->eeprom[7 + i] = ldl_u16(s->nic.mac + 2 * i);
    }
}

static void rtl_unrealize(struct dev *dev)
{
    struct rtl8139 *s = rtl_of(dev);

    timer_cancel(&s->timer);
    nic_unrealize(&s->nic);
    pci_unrealize(&s->pci);
}

static bool rtl_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x10ec,
        .device = 0x8139,
        .revision = 0x20,
        .class_code = 0x020000,
        .int_pin = 1,
    };
    struct rtl8139 *s = rtl_of(dev);

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    timer_init(&s->timer, &dev->machine->clock, timer_fires, s);
    region_init_io(&s->io, "rtl8139", IO_SIZE, &regs_ops, s);
    region_init_io(&s->mmio, "rtl8139", IO_SIZE, &regs_ops, s);
    pci_set_bar(&s->pci, 0, PCI_BAR_IO, &s->io);
    pci_set_bar(&s->pci, 1, PCI_BAR_MEM32, &s->mmio);
    if (!nic_realize(dev, &s->nic, &port_ops, s, error) ||
        !pci_rom_load(&s->pci, &s->nic.rom, s->nic.romfile, error)) {
        rtl_unrealize(dev);
        return false;
    }
    fill_eeprom(s);
    return true;
}

static void rtl_reset(struct dev *dev)
{
    struct rtl8139 *s = rtl_of(dev);

    pci_reset(&s->pci);
    s->ee = (struct ee93c46){0};
    software_reset(s);
}

static void rtl_settle(struct dev *dev)
{
    struct rtl8139 *s = rtl_of(dev);

    show_link(s, net_link_up(&s->nic.port));
    s->pci.intx = rtl_get16(s, RTL_ISR) & rtl_get16(s, RTL_IMR);
    pci_settle(&s->pci);
    net_ready(&s->nic.port);
}

static bool rtl_check(struct dev *dev, GError **error)
{
    const struct rtl8139 *s = rtl_of(dev);

    return (s->tx_len <= sizeof(s->tx) - 4 && s->rx_at < 64 && s->tx_at < 64) ||
           fail(error, "%s: places outside of its rings", dev_name(dev));
}

static const struct field rtl_props[] = {
    PCI_PROPS(struct rtl8139, pci),
    NIC_PROPS(struct rtl8139, nic),
    FIELD_END,
};

static const struct field rtl_state[] = {
    PCI_STATE(struct rtl8139, pci),    FIELD_ARRAY(struct rtl8139, reg),
    EE93C46_STATE(struct rtl8139, ee), FIELD(struct rtl8139, ring_at),
    FIELD(struct rtl8139, rx_at),      FIELD(struct rtl8139, tx_at),
    FIELD(struct rtl8139, timer),      FIELD(struct rtl8139, timer_start),
    FIELD(struct rtl8139, tx_len),     FIELD(struct rtl8139, tx_bad),
    FIELD_ARRAY(struct rtl8139, tx),   FIELD_END,
};

const struct dev_type rtl8139_type = {
    .name = "rtl8139",
    .desc = "Realtek RTL8139C+ fast Ethernet",
    .bus = "PCI",
    .size = sizeof(struct rtl8139),
    .version = 1,
    .props = rtl_props,
    .state = rtl_state,
    .realize = rtl_realize,
    .unrealize = rtl_unrealize,
    .reset = rtl_reset,
    .settle = rtl_settle,
    .check = rtl_check,
};
