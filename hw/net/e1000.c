/* SPDX-License-Identifier: MIT */
/*
 * Intel PRO/1000 MT: 82540EM (8086:100e) and 82545EM (8086:100f) gigabit
 * Ethernet controllers. BAR 0: registers; BAR 1: the same through IOADDR and
 * IODATA.
 *
 * [8254X] PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual, 317453; [93C46] its EEPROM; [802.3] its transceiver.
 *
 * Not modelled: power management and wake-up, MSI, flash memory, flow control
 * frames, the packet buffer's diagnostic window, management (SMBus, ASF), the
 * fibre interface. See also e1000_tx.c, e1000_rx.c, e1000_phy.c, e1000e.c.
 */
#include "hw/net/e1000.h"

#include <string.h>

#include "hw/core/reg.h"

struct model {
    const struct dev_type *type;
    uint16_t device;
    const char *rom;
};

static const struct model models[] = {
    {&e1000_82540em_type, 0x100e, "efi-e1000.rom"},
    {&e1000_82545em_type, 0x100f, "efi-e1000.rom"},
    {&e1000e_type, 0x10d3, "efi-e1000e.rom"},
};

static struct e1000 *e1000_of(struct dev *dev)
{
    return container_of(dev, struct e1000, pci.dev);
}

static const struct model *model_of(const struct e1000 *s)
{
    const struct model *m = models;

    while (m->type != s->pci.dev.type) {
        m++;
    }
    return m;
}

/* --- the cable --- */

static void port_writable(void *opaque)
{
    e1000_tx_run(opaque);
}

static void port_link(void *opaque, bool up)
{
    struct e1000 *s = opaque;

    if (s->pci.dev.realized) {
        e1000_phy_cable(s, up);
    }
}

static const struct net_port_ops port_ops = {
    .can_receive = e1000_can_receive,
    .receive = e1000_receive,
    .writable = port_writable,
    .link = port_link,
};

/* --- EEPROM --- */

/* [8254X] 5.6: address, identity; the words' sum is 0xbaba. */
static void eeprom_fill(struct e1000 *s)
{
    static const uint16_t words[EEPROM93_WORDS] = {
        [0x03] = 0x0000, [0x04] = 0xffff, [0x05] = 0x0010, [0x06] = 0xffff,
        [0x07] = 0xffff, [0x08] = 0xffff, [0x09] = 0xffff, [0x0a] = 0x4408,
        [0x0b] = 0x1100, [0x0c] = 0x1af4, [0x0e] = 0x8086, [0x0f] = 0x3040,
        [0x20] = 0xffff, [0x21] = 0x7863, [0x2f] = 0x0602,
    };
    uint16_t *w = s->eeprom.word;

    memcpy(w, words, sizeof(words));
    for (unsigned i = 0; i < 3; i++) {
        w[i] = ldl_u16(s->nic.mac + 2 * i);
    }
    w[0x0d] = model_of(s)->device;
    if (s->is_e) { /* [82574L] 6.1: no management, no other address */
        w[0x0a] = w[0x0f] = 0;
        w[0x37] = 0xffff;
    }
    eeprom93_checksum(&s->eeprom, EEPROM93_WORDS, E1000_EEPROM_SUM);
}

/* --- life --- */

static void config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct e1000 *s = container_of(d, struct e1000, pci);

    msi_config_written(&s->e.msi, at, size);
    msix_config_written(&s->e.msix, at, size);
    if (s->is_e && at + size > PCI_CAP_PTR) { /* how interrupts are told */
        pci_set_intx(d, false);
        s->asserted = false;
        e1000_irq_update(s);
    }
    if (at < PCI_COMMAND + 2 && at + size > PCI_COMMAND && pci_is_master(d)) {
        e1000_tx_run(s);
        net_ready(&s->nic.port);
    }
}

static void kick(void *opaque)
{
    e1000_tx_run(opaque);
}

static bool e1000_realize(struct dev *dev, GError **error)
{
    struct e1000 *s = e1000_of(dev);
    const struct model *model = model_of(s);
    const struct pci_ids ids = {
        .vendor = 0x8086,
        .device = model->device,
        .revision = 3,
        .class_code = 0x020000,
        .int_pin = 1,
    };

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    s->is_e = dev->type == &e1000e_type;
    e1000_irq_init(s);
    e1000_phy_init(s);
    timer_init(&s->kick, &dev->machine->clock, kick, s);
    e1000_mac_init(s);
    pci_set_bar(&s->pci, 0, PCI_BAR_MEM32, &s->mmio);
    pci_set_bar(&s->pci, s->is_e ? 2 : 1, PCI_BAR_IO, &s->io);
    if (s->is_e) {
        e1000e_init(s);
    }
    s->pci.config_written = config_written;
    if (!pci_rom_load(&s->pci, &s->rom, s->nic.romfile, model->rom, error) ||
        !nic_realize(dev, &s->nic, &port_ops, s, error)) {
        nic_unrealize(&s->nic);
        pci_unrealize(&s->pci);
        return false;
    }
    eeprom_fill(s);
    return true;
}

static void e1000_unrealize(struct dev *dev)
{
    struct e1000 *s = e1000_of(dev);

    e1000_irq_reset(s);
    timer_cancel(&s->phy.timer);
    timer_cancel(&s->kick);
    nic_unrealize(&s->nic);
    pci_unrealize(&s->pci);
}

/* CTRL.RST. Tables of addresses keep what they have. */
void e1000_core_reset(struct e1000 *s)
{
    reg_reset(&s->pci.dev, &e1000_bank);
    if (s->is_e) {
        e1000e_reset(s);
    }
    memset(s->stats, 0, sizeof(s->stats));
    memset(&s->tx, 0, offsetof(struct e1000_tx, buf));
    e1000_irq_reset(s);
    e1000_eeprom_load(s);
    e1000_irq_update(s);
    net_ready(&s->nic.port);
}

static void e1000_reset(struct dev *dev)
{
    struct e1000 *s = e1000_of(dev);

    pci_reset(&s->pci);
    if (s->is_e) {
        msix_reset(&s->e.msix);
    }
    memset(s->mta, 0, sizeof(s->mta));
    memset(s->ra, 0, sizeof(s->ra));
    memset(s->vfta, 0, sizeof(s->vfta));
    memset(s->tx.buf, 0, sizeof(s->tx.buf));
    s->ioaddr = 0;
    eeprom93_reset(&s->eeprom);
    e1000_phy_reset(s);
    e1000_core_reset(s);
    s->link = e1000_phy_link(s);
}

static void e1000_settle(struct dev *dev)
{
    struct e1000 *s = e1000_of(dev);

    pci_settle(&s->pci);
    msi_settle(&s->e.msi);
    msix_settle(&s->e.msix);
    e1000_irq_settle(s);
    if (s->tdh != s->tdt || s->tx.ready) {
        timer_set(&s->kick, clock_now(&dev->machine->clock));
    }
}

static bool e1000_check(struct dev *dev, GError **error)
{
    const struct e1000 *s = e1000_of(dev);

    return eeprom93_check(&s->eeprom, error) && e1000_tx_check(s, error);
}

static const struct field e1000_props[] = {
    PCI_PROPS(struct e1000, pci),
    NIC_PROPS(struct e1000, nic),
    FIELD_END,
};

/* clang-format off */
#define AS(m, nm) FIELD_AS(struct e1000, m, nm)
#define CONTEXT(m, nm) \
    AS(m.ipcss, nm "_ipcss"), AS(m.ipcso, nm "_ipcso"), \
    AS(m.ipcse, nm "_ipcse"), AS(m.tucss, nm "_tucss"), \
    AS(m.tucso, nm "_tucso"), AS(m.tucse, nm "_tucse"), \
    AS(m.mss, nm "_mss"), AS(m.hdrlen, nm "_hdrlen"), \
    AS(m.tcp, nm "_tcp"), AS(m.ip4, nm "_ip4")

#define STATE \
    PCI_STATE(struct e1000, pci), \
    FIELD_ARRAY(struct e1000, stats), \
    FIELD_ARRAY(struct e1000, mta), \
    FIELD_ARRAY(struct e1000, ra), \
    FIELD_ARRAY(struct e1000, vfta), \
    FIELD(struct e1000, ioaddr), \
    FIELD(struct e1000, link), \
    FIELD(struct e1000, itr_next), \
    FIELD(struct e1000, itr_timer), \
    AS(rx_delay.packet, "rdtr_timer"), \
    AS(rx_delay.absolute, "radv_timer"), \
    AS(tx_delay.packet, "tidv_timer"), \
    AS(tx_delay.absolute, "tadv_timer"), \
    EEPROM93_STATE(struct e1000, eeprom), \
    {.name = "phy", .at = offsetof(struct e1000, phy.reg), \
     .count = E1000_PHY_REGS, .kind = K_U16}, \
    AS(phy.negotiated, "phy_negotiated"), \
    AS(phy.link_lost, "phy_link_lost"), \
    AS(phy.timer, "phy_timer"), \
    CONTEXT(tx.sums, "sums"), \
    CONTEXT(tx.tso, "tso"), \
    AS(tx.len, "tx_len"), \
    AS(tx.inside, "tx_inside"), \
    AS(tx.ready, "tx_ready"), \
    AS(tx.overflow, "tx_overflow"), \
    AS(tx.segment, "tx_segment"), \
    AS(tx.ip_sum, "tx_ip_sum"), \
    AS(tx.l4_sum, "tx_l4_sum"), \
    AS(tx.legacy_sum, "tx_legacy_sum"), \
    AS(tx.cso, "tx_cso"), \
    AS(tx.css, "tx_css"), \
    AS(tx.tagged, "tx_tagged"), \
    AS(tx.tag, "tx_tag"), \
    {.name = "tx_buf", .at = offsetof(struct e1000, tx.buf), \
     .count = E1000_TAG + NET_PACKET_MAX, .kind = K_U8}

static const struct field e1000_state[] = {STATE, FIELD_END};
static const struct field e1000e_state[] = {
    STATE,
    MSIX_STATE(struct e1000, e.msix),
    {.name = "reta", .at = offsetof(struct e1000, e.reta),
     .count = E1000E_RETA, .kind = K_U32},
    {.name = "rssrk", .at = offsetof(struct e1000, e.rssrk),
     .count = E1000E_RSSRK, .kind = K_U32},
    AS(e.signalled, "signalled"),
    FIELD_AS_ARRAY(struct e1000, e.eitr_next, "eitr_next"),
    FIELD_AS_ARRAY(struct e1000, e.eitr_timer, "eitr_timer"),
    FIELD_END,
};
/* clang-format on */

static const struct reg_bank *const e1000_banks[] = {&e1000_bank, NULL};
static const struct reg_bank *const e1000e_banks[] = {&e1000_bank, &e1000e_bank,
                                                      NULL};

const struct dev_type e1000_82540em_type = {
    .name = "e1000",
    .alias = "e1000-82540em",
    .desc = "Intel PRO/1000 MT, 82540EM",
    .bus = "PCI",
    .size = sizeof(struct e1000),
    .version = 1,
    .props = e1000_props,
    .state = e1000_state,
    .banks = e1000_banks,
    .realize = e1000_realize,
    .unrealize = e1000_unrealize,
    .reset = e1000_reset,
    .settle = e1000_settle,
    .check = e1000_check,
};

const struct dev_type e1000_82545em_type = {
    .name = "e1000-82545em",
    .desc = "Intel PRO/1000 MT, 82545EM",
    .bus = "PCI",
    .size = sizeof(struct e1000),
    .version = 1,
    .props = e1000_props,
    .state = e1000_state,
    .banks = e1000_banks,
    .realize = e1000_realize,
    .unrealize = e1000_unrealize,
    .reset = e1000_reset,
    .settle = e1000_settle,
    .check = e1000_check,
};

const struct dev_type e1000e_type = {
    .name = "e1000e",
    .desc = "Intel 82574L",
    .bus = "PCI",
    .size = sizeof(struct e1000),
    .version = 1,
    .props = e1000_props,
    .state = e1000e_state,
    .banks = e1000e_banks,
    .realize = e1000_realize,
    .unrealize = e1000_unrealize,
    .reset = e1000_reset,
    .settle = e1000_settle,
    .check = e1000_check,
};
