/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of the 8254x: causes, mask, and what holds them back. [8254X]
 * 3.2.7, 3.4.3, 13.4.17 to 13.4.22
 *
 * ITR is the time from one interrupt to the next: the first one after a pause
 * is not late. The timers of single causes delay that first one, too; where
 * ITR holds the interrupt back for longer than a timer would, the timer has
 * no effect and is not started.
 */
#include "hw/net/e1000.h"

#define RDTR_FPD E1000_BIT(31)
enum { DELAY_MASK = 0xffff };

static int64_t now(const struct e1000 *s)
{
    return clock_now(&s->pci.dev.machine->clock);
}

/* The line, or a message where it rises. */
static void assert_irq(struct e1000 *s, bool level)
{
    s->asserted = level;
    if (!msi_enabled(&s->e.msi)) {
        pci_set_intx(&s->pci, level);
    } else if (level) {
        msi_send(&s->e.msi, 0);
    }
}

void e1000_irq_update(struct e1000 *s)
{
    if (msix_enabled(&s->e.msix)) {
        e1000e_msix_update(s);
    } else if (!(s->icr & s->ims)) {
        if (s->asserted) {
            assert_irq(s, false);
        }
        timer_cancel(&s->itr_timer);
    } else if (!s->asserted && !timer_pending(&s->itr_timer)) {
        int64_t t = s->itr ? now(s) : 0;

        if (t < s->itr_next && s->itr) {
            timer_set(&s->itr_timer, s->itr_next);
            return;
        }
        s->itr_next = t + (int64_t)s->itr * E1000_ITR_NS;
        assert_irq(s, true);
    }
}

static void itr_fire(void *opaque)
{
    e1000_irq_update(opaque);
}

void e1000_raise(struct e1000 *s, uint32_t causes)
{
    static const uint32_t other =
        ICR_LSC | ICR_RXO | ICR_MDAC | ICR_SRPD; /* of OTHER */

    if (s->is_e) {
        causes |= causes & ICR_RXT0 ? ICR_RXQ0 : 0;
        causes |= causes & ICR_TXDW ? ICR_TXQ0 : 0;
        causes |= causes & other ? ICR_OTHER : 0;
    }
    s->icr |= causes & (s->is_e ? ICR_E_ALL : ICR_ALL);
    e1000_irq_update(s);
}

void e1000_flush_delay(struct e1000 *s, struct e1000_delay *d, uint32_t cause)
{
    if (timer_pending(&d->packet)) {
        timer_cancel(&d->packet);
        timer_cancel(&d->absolute);
        e1000_raise(s, cause);
    }
}

/* Nobody sees whether the cause comes now or after `ns`. */
static bool delay_is_hidden(const struct e1000 *s, int64_t t, int64_t ns)
{
    return s->asserted || (s->itr && t + ns <= s->itr_next);
}

static void raise_delayed(struct e1000 *s, struct e1000_delay *d,
                          uint32_t cause, uint32_t packet, uint32_t absolute)
{
    int64_t packet_ns = (int64_t)(packet & DELAY_MASK) * E1000_DELAY_NS;
    int64_t absolute_ns = (int64_t)(absolute & DELAY_MASK) * E1000_DELAY_NS;
    int64_t t = now(s);

    if (packet_ns == 0 || delay_is_hidden(s, t, packet_ns)) {
        timer_cancel(&d->packet);
        timer_cancel(&d->absolute);
        e1000_raise(s, cause);
        return;
    }
    if (absolute_ns && !timer_pending(&d->packet)) {
        timer_set(&d->absolute, t + absolute_ns);
    }
    timer_set(&d->packet, t + packet_ns);
}

void e1000_raise_rx(struct e1000 *s, size_t len)
{
    bool small = len <= (s->rsrpd & 0xfff);

    if (small) {
        e1000_raise(s, ICR_SRPD);
    }
    if (small || !(s->rdtr & DELAY_MASK)) {
        timer_cancel(&s->rx_delay.packet);
        timer_cancel(&s->rx_delay.absolute);
        e1000_raise(s, ICR_RXT0);
        return;
    }
    raise_delayed(s, &s->rx_delay, ICR_RXT0, s->rdtr, s->radv);
}

void e1000_raise_tx(struct e1000 *s, bool delayed)
{
    raise_delayed(s, &s->tx_delay, ICR_TXDW, delayed ? s->tidv : 0, s->tadv);
}

static void rx_fire(void *opaque)
{
    struct e1000 *s = opaque;

    timer_cancel(&s->rx_delay.packet);
    timer_cancel(&s->rx_delay.absolute);
    e1000_raise(s, ICR_RXT0);
}

static void tx_fire(void *opaque)
{
    struct e1000 *s = opaque;

    timer_cancel(&s->tx_delay.packet);
    timer_cancel(&s->tx_delay.absolute);
    e1000_raise(s, ICR_TXDW);
}

void e1000_irq_init(struct e1000 *s)
{
    struct clock *c = &s->pci.dev.machine->clock;

    timer_init(&s->itr_timer, c, itr_fire, s);
    timer_init(&s->rx_delay.packet, c, rx_fire, s);
    timer_init(&s->rx_delay.absolute, c, rx_fire, s);
    timer_init(&s->tx_delay.packet, c, tx_fire, s);
    timer_init(&s->tx_delay.absolute, c, tx_fire, s);
}

void e1000_irq_reset(struct e1000 *s)
{
    timer_cancel(&s->itr_timer);
    timer_cancel(&s->rx_delay.packet);
    timer_cancel(&s->rx_delay.absolute);
    timer_cancel(&s->tx_delay.packet);
    timer_cancel(&s->tx_delay.absolute);
    s->itr_next = 0;
}

/* The line from the registers; a message that was sent is not sent again. */
void e1000_irq_settle(struct e1000 *s)
{
    bool message = msi_enabled(&s->e.msi) || msix_enabled(&s->e.msix);

    s->asserted = (s->icr & s->ims) && !timer_pending(&s->itr_timer);
    pci_set_intx(&s->pci, s->asserted && !message);
}
