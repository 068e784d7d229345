/* SPDX-License-Identifier: MIT */
/*
 * AMD PCnet-PCI II (Am79C970A, 1022:2000): Ethernet. BAR 0: ports, BAR 1: the
 * same in memory.
 *
 * [AM79C970A] Am79C970A PCnet-PCI II Single-Chip Full-Duplex Ethernet
 * Controller, AMD, 19436, 1996; [93C46] its EEPROM.
 *
 * Not modelled: Magic Packet and sleep, AUI and GPSI, expansion bus, collisions
 * and errors of the wire, the user-visible internal state in CSR18 to CSR42.
 * See also pcnet_ring.c.
 */
#include "hw/net/pcnet.h"

#include <string.h>

static struct pcnet *pcnet_of(struct dev *dev)
{
    return container_of(dev, struct pcnet, pci.dev);
}

static void port_writable(void *opaque)
{
    pcnet_tx_run(opaque);
}

static const struct net_port_ops port_ops = {
    .can_receive = pcnet_can_receive,
    .receive = pcnet_receive,
    .writable = port_writable,
};

static void kick(void *opaque)
{
    pcnet_tx_run(opaque);
}

static void poll_fire(void *opaque)
{
    struct pcnet *s = opaque;

    pcnet_tx_run(s);
    net_ready(&s->nic.port);
}

static void config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct pcnet *s = container_of(d, struct pcnet, pci);

    if (at < PCI_COMMAND + 2 && at + size > PCI_COMMAND) {
        pcnet_tx_run(s);
        net_ready(&s->nic.port);
    }
}

/* Address, hardware ID, sum of these bytes, "WW". */
static void fill_eeprom(struct pcnet *s)
{
    uint8_t b[PCNET_APROM] = {0};
    unsigned sum = 0;

    memcpy(b, s->nic.mac, NET_MAC);
    b[9] = 0x11;
    b[14] = b[15] = 'W';
    for (unsigned i = 0; i < PCNET_APROM; i++) {
        sum += b[i];
    }
    stl_u16(b + 12, (uint16_t)sum);
    memset(s->eeprom.word, 0xff, sizeof(s->eeprom.word));
    for (unsigned i = 0; i < PCNET_APROM / 2; i++) {
        s->eeprom.word[i] = ldl_u16(b + 2 * i);
    }
}

static bool pcnet_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {.vendor = 0x1022,
                                       .device = 0x2000,
                                       .revision = 0x16,
                                       .class_code = 0x020000,
                                       .int_pin = 1};
    struct pcnet *s = pcnet_of(dev);

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    timer_init(&s->kick, &dev->machine->clock, kick, s);
    timer_init(&s->poll, &dev->machine->clock, poll_fire, s);
    pcnet_regs_init(s);
    s->pci.config_written = config_written;
    pci_set_bar(&s->pci, 0, PCI_BAR_IO, &s->io);
    pci_set_bar(&s->pci, 1, PCI_BAR_MEM32, &s->mmio);
    if (!pci_rom_load(&s->pci, &s->rom, s->nic.romfile, "efi-pcnet.rom",
                      error) ||
        !nic_realize(dev, &s->nic, &port_ops, s, error)) {
        nic_unrealize(&s->nic);
        pci_unrealize(&s->pci);
        return false;
    }
    fill_eeprom(s);
    return true;
}

static void pcnet_unrealize(struct dev *dev)
{
    struct pcnet *s = pcnet_of(dev);

    timer_cancel(&s->kick);
    timer_cancel(&s->poll);
    nic_unrealize(&s->nic);
    pci_unrealize(&s->pci);
}

static void pcnet_reset(struct dev *dev)
{
    struct pcnet *s = pcnet_of(dev);

    pci_reset(&s->pci);
    eeprom93_reset(&s->eeprom);
    memset(s->tx_buf, 0, sizeof(s->tx_buf));
    pcnet_hard_reset(s);
}

static void pcnet_settle(struct dev *dev)
{
    struct pcnet *s = pcnet_of(dev);

    pci_settle(&s->pci);
    pcnet_irq_update(s);
    if (s->csr[0] & C0_TDMD && !timer_pending(&s->poll)) {
        timer_set(&s->kick, clock_now(&dev->machine->clock));
    }
}

static bool pcnet_check(struct dev *dev, GError **error)
{
    const struct pcnet *s = pcnet_of(dev);

    if (s->rap >= PCNET_CSRS || s->tx_len > sizeof(s->tx_buf) ||
        s->rx_at >= pcnet_ring_len(s, CSR_RCVRL) ||
        s->tx_at >= pcnet_ring_len(s, CSR_XMTRL)) {
        return fail(error, "pcnet: a place in a ring that cannot be");
    }
    return eeprom93_check(&s->eeprom, error);
}

static const struct field pcnet_props[] = {
    PCI_PROPS(struct pcnet, pci),
    NIC_PROPS(struct pcnet, nic),
    FIELD_END,
};

static const struct field pcnet_state[] = {
    PCI_STATE(struct pcnet, pci),      EEPROM93_STATE(struct pcnet, eeprom),
    FIELD(struct pcnet, rap),          FIELD_ARRAY(struct pcnet, csr),
    FIELD_ARRAY(struct pcnet, bcr),    FIELD(struct pcnet, rx_at),
    FIELD(struct pcnet, tx_at),        FIELD(struct pcnet, poll),
    FIELD(struct pcnet, tx_inside),    FIELD(struct pcnet, tx_overflow),
    FIELD(struct pcnet, tx_ready),     FIELD(struct pcnet, tx_len),
    FIELD_ARRAY(struct pcnet, tx_buf), FIELD_END,
};

const struct dev_type pcnet_type = {
    .name = "pcnet",
    .desc = "AMD PCnet-PCI II, Am79C970A",
    .bus = "PCI",
    .size = sizeof(struct pcnet),
    .version = 1,
    .props = pcnet_props,
    .state = pcnet_state,
    .realize = pcnet_realize,
    .unrealize = pcnet_unrealize,
    .reset = pcnet_reset,
    .settle = pcnet_settle,
    .check = pcnet_check,
};
