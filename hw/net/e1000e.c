/* SPDX-License-Identifier: MIT */
/*
 * What the 82574L (8086:10d3) has that the 8254x does not: MSI-X with a
 * moderation timer for each vector, causes that are masked and cleared by
 * themselves, receive descriptors that are extended or split (e1000_rx.c).
 *
 * [82574L] Intel 82574 GbE Controller Family Datasheet, 317694.
 *
 * Not modelled: the PCI Express capability (its bus here is PCI), the second
 * queues and receive-side scaling (everything uses the first ones, hashes are
 * zero), header splitting (buffers are filled in order), time stamps, flash,
 * the SPI pins of the EEPROM.
 */
#include "hw/core/reg.h"
#include "hw/net/e1000.h"

enum { IVAR_BITS = 4, IVAR_VALID = 8, IVAR_VECTOR = 7 };

/* In the order of IVAR's fields. */
static const uint32_t causes[] = {ICR_RXQ0, ICR_RXQ1, ICR_TXQ0, ICR_TXQ1,
                                  ICR_OTHER};

static struct e1000 *e1000_of(struct dev *dev)
{
    return container_of(dev, struct e1000, pci.dev);
}

/* --- interrupts --- */

/* [82574L] 10.2.4.1: when reading clears, and masks. */
uint32_t e1000e_icr_read(struct e1000 *s, uint32_t value)
{
    bool asserted = value & s->ims;
    bool iame = s->ctrl_ext & CTRL_EXT_IAME;

    s->icr = asserted || s->ims == 0 ? 0 : value;
    if (asserted && iame) {
        s->ims &= ~s->e.iam;
    }
    return value | (asserted ? ICR_ASSERTED : 0);
}

/* A vector may send: its timer has run out, or it does so later. */
static bool may_send(struct e1000 *s, unsigned vector)
{
    uint32_t eitr = s->e.eitr[vector];
    int64_t now;

    if (!eitr) {
        return true;
    }
    now = clock_now(&s->pci.dev.machine->clock);
    if (now < s->e.eitr_next[vector]) {
        if (!timer_pending(&s->e.eitr_timer[vector])) {
            timer_set(&s->e.eitr_timer[vector], s->e.eitr_next[vector]);
        }
        return false;
    }
    s->e.eitr_next[vector] = now + (int64_t)eitr * E1000_ITR_NS;
    return true;
}

/* The message is on its way: what is cleared and masked with it. */
static void sent(struct e1000 *s, uint32_t cause)
{
    uint32_t cleared = cause & s->e.eiac;

    s->e.signalled |= cause;
    s->icr &= ~cleared;
    if (!(s->ctrl_ext & CTRL_EXT_IAME)) {
        s->ims &= ~cleared;
    }
    if (s->ctrl_ext & CTRL_EXT_EIAME) {
        s->ims &= ~(cause & s->e.iam);
    }
}

static void try_cause(struct e1000 *s, unsigned n)
{
    uint32_t entry = s->e.ivar >> (IVAR_BITS * n);
    unsigned vector = entry & IVAR_VECTOR;
    uint32_t live = s->icr & s->ims & causes[n];

    if (!(entry & IVAR_VALID) || vector >= E1000E_VECTORS || !live ||
        s->e.signalled & causes[n] || !may_send(s, vector)) {
        return;
    }
    sent(s, causes[n]);
    msix_send(&s->e.msix, vector);
}

void e1000e_msix_update(struct e1000 *s)
{
    s->e.signalled &= s->icr & s->ims;
    for (unsigned n = 0; n < ARRAY_SIZE(causes); n++) {
        try_cause(s, n);
    }
    s->e.signalled &= s->icr & s->ims;
}

static void eitr_fire(void *opaque)
{
    e1000_irq_update(opaque);
}

/* --- registers --- */

static void irq_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    e1000_irq_update(e1000_of(dev));
}

/* The arbiter grants what is asked for. */
static uint32_t swsm_read(struct dev *dev, uint32_t stored)
{
    e1000_of(dev)->e.swsm |= 1; /* SMBI: reading takes the semaphore */
    return stored;
}

/* clang-format off */
#define ROW(m, offset, reset_, rw_, ...) \
    {.name = "e_" #m, .at = (offset), .size = 4, .stored = true, \
     .member = offsetof(struct e1000, e.m), .reset = (reset_), \
     .rw = (rw_), __VA_ARGS__}
#define EITR(n) \
    ROW(eitr[n], E1000E_EITR + 4 * (n), 0, 0xffff)
#define ALL UINT32_MAX

static const struct reg e1000e_rows[] = {
    EITR(0), EITR(1), EITR(2), EITR(3), EITR(4),
    ROW(eiac, E1000E_EIAC, 0, 0x01f00000),
    ROW(iam, E1000E_IAM, 0, ALL),
    ROW(ivar, E1000E_IVAR, 0, 0x800fffff, .wrote = irq_wrote),
    ROW(extcnf_ctrl, E1000E_EXTCNF_CTRL, 0x8, 0x2f),
    ROW(extcnf_size, E1000E_EXTCNF_SIZE, 0, ALL),
    ROW(poemb, E1000E_POEMB, 0, 0x1ff),
    ROW(eemngctl, E1000E_EEMNGCTL, 0x80040000, 0x7fff),
    ROW(pbaecc, E1000E_PBA_ECC, 0, 0xf),
    ROW(ert, E1000E_ERT, 0, 0x3fff),
    ROW(psrctl, E1000E_PSRCTL, 0x00040402, 0x3f3f3f7f),
    ROW(tarc0, E1000E_TARC0, 0x403, ALL),
    ROW(tarc1, E1000E_TARC1, 0x403, ALL),
    ROW(rfctl, E1000E_RFCTL, 0, 0x3fff3),
    ROW(mrqc, E1000E_MRQC, 0, 0x3f0003),
    ROW(gcr, E1000E_GCR, 0, ALL),
    ROW(functag, E1000E_FUNCTAG, 0, ALL),
    ROW(gcr2, E1000E_GCR2, 0, ALL),
    ROW(swsm, E1000E_SWSM, 0, 0xf, .read = swsm_read),
    ROW(fwsm, E1000E_FWSM, 0, 0),
    ROW(rdbal1, E1000_RDBAL + E1000E_RING1, 0, 0xfffffff0),
    ROW(rdbah1, E1000_RDBAH + E1000E_RING1, 0, ALL),
    ROW(rdlen1, E1000_RDLEN + E1000E_RING1, 0, 0x000fff80),
    ROW(rdh1, E1000_RDH + E1000E_RING1, 0, 0xffff),
    ROW(rdt1, E1000_RDT + E1000E_RING1, 0, 0xffff),
    ROW(rxdctl1, E1000_RXDCTL + E1000E_RING1, 0x01010000, 0x013f3f3f),
    ROW(tdbal1, E1000_TDBAL + E1000E_RING1, 0, 0xfffffff0),
    ROW(tdbah1, E1000_TDBAH + E1000E_RING1, 0, ALL),
    ROW(tdlen1, E1000_TDLEN + E1000E_RING1, 0, 0x000fff80),
    ROW(tdh1, E1000_TDH + E1000E_RING1, 0, 0xffff),
    ROW(tdt1, E1000_TDT + E1000E_RING1, 0, 0xffff),
    ROW(txdctl1, E1000_TXDCTL + E1000E_RING1, 0, 0xff3f3f3f),
};
/* clang-format on */

const struct reg_bank e1000e_bank = REG_BANK("e1000e", e1000e_rows);

/* --- life --- */

void e1000e_init(struct e1000 *s)
{
    struct clock *c = &s->pci.dev.machine->clock;

    msi_init(&s->e.msi, &s->pci, 1, false);
    region_init_container(&s->e.msix_bar, "e1000e-msix", E1000E_MSIX_SIZE);
    pci_set_bar(&s->pci, 3, PCI_BAR_MEM32, &s->e.msix_bar);
    msix_init(&s->e.msix, &s->pci, E1000E_VECTORS, 3, &s->e.msix_bar, 0,
              E1000E_PBA_AT);
    for (unsigned i = 0; i < E1000E_VECTORS; i++) {
        timer_init(&s->e.eitr_timer[i], c, eitr_fire, s);
    }
}

void e1000e_reset(struct e1000 *s)
{
    reg_reset(&s->pci.dev, &e1000e_bank);
    s->e.signalled = 0;
    for (unsigned i = 0; i < E1000E_VECTORS; i++) {
        timer_cancel(&s->e.eitr_timer[i]);
        s->e.eitr_next[i] = 0;
    }
}
