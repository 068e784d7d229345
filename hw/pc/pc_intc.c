/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of a PC: every ISA line goes to the 8259s and to the I/O APIC
 * (line 0 to its pin 2), the HPET stands between the timers and their lines.
 */
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/isa.h"
#include "hw/pc/pc_parts.h"
#include "hw/timer/hpet.h"

/* ISA line `pin` of a machine with both kinds of controllers. */
static void intc_line(void *to, unsigned pin, bool level)
{
    struct pc_intc *s = to;

    i8259_set_irq(s->pic, pin, level);
    if (s->ioapic) {
        ioapic_set_irq(s->ioapic, pin == 0 ? 2 : pin, level);
    }
}

static bool add_pic(struct pc_intc *s, struct machine *m, GError **error)
{
    struct dev *dev = pc_add(m, &i8259_type, error);

    if (!dev) {
        return false;
    }
    s->pic = container_of(dev, struct i8259, dev);
    for (unsigned i = 0; i < 16; i++) {
        isa_bus_of(m)->irq[i] =
            (struct wire){.set = intc_line, .to = s, .pin = i};
    }
    return true;
}

static bool add_apics(struct pc_intc *s, struct machine *m, GError **error)
{
    struct dev *bus = dev_new(m, &apic_bus_type, NULL);
    struct dev *ioapic = dev_new(m, &ioapic_type, NULL);

    s->apics = container_of(bus, struct apic_bus, dev);
    s->ioapic = container_of(ioapic, struct ioapic, dev);
    s->ioapic->bus = s->apics;
    if (!dev_realize(bus, error) || !dev_realize(ioapic, error)) {
        return false;
    }
    s->pic->intr = (struct wire){.set = apic_set_intr, .to = s->apics};
    return true;
}

static bool add_hpet(struct pc_intc *s, struct machine *m, GError **error)
{
    struct dev *dev = dev_new(m, &hpet_type, NULL);

    s->hpet = container_of(dev, struct hpet, dev);
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        s->hpet->irq[i] =
            (struct wire){.set = ioapic_set_irq, .to = s->ioapic, .pin = i};
    }
    return isa_connect_irq(m, &s->hpet->legacy[HPET_LEGACY_PIT], 0, error) &&
           isa_connect_irq(m, &s->hpet->legacy[HPET_LEGACY_RTC], 8, error) &&
           dev_realize(dev, error);
}

bool pc_intc_init(struct pc_intc *s, struct machine *m, bool apics, bool hpet,
                  GError **error)
{
    return add_pic(s, m, error) && (!apics || add_apics(s, m, error)) &&
           (!hpet || !apics || add_hpet(s, m, error));
}

bool pc_connect_timer(struct pc_intc *s, struct machine *m, struct wire *wire,
                      unsigned irq, GError **error)
{
    if (!s->hpet) {
        return isa_connect_irq(m, wire, irq, error);
    }
    *wire = (struct wire){
        .set = hpet_set_legacy,
        .to = s->hpet,
        .pin = irq == 0 ? HPET_LEGACY_PIT : HPET_LEGACY_RTC,
    };
    return true;
}
