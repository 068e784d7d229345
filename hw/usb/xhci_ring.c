/* SPDX-License-Identifier: MIT */
/*
 * Rings of transfer request blocks, and the events and interrupts of an xHCI.
 * [XHCI] 4.9, 4.17. An event ring has one segment.
 */
#include "hw/usb/xhci_regs.h"

enum { LINKS_MAX = 32, EVENT_ROOM = 4 };

void xhci_dma_failed(struct xhci *x)
{
    x->sts |= STS_HSE | STS_HALTED;
    x->cmd &= ~(uint32_t)CMD_RUN;
}

static bool read_trb(struct xhci *x, uint64_t at, struct trb *t)
{
    uint8_t b[TRB_SIZE];

    if (!pci_dma_read(&x->pci, at, b, sizeof(b))) {
        xhci_dma_failed(x);
        return false;
    }
    t->at = at;
    t->parameter = ldl_u64(b);
    t->status = ldl_u32(b + 8);
    t->control = ldl_u32(b + 12);
    return true;
}

bool xhci_fetch(struct xhci *x, uint64_t *at, bool *cycle, struct trb *t)
{
    for (unsigned links = 0; links < LINKS_MAX; links++) {
        if (!read_trb(x, *at, t) || (t->control & TRB_CYCLE) != *cycle) {
            return false;
        }
        if (trb_type(t) != TRB_LINK) {
            *at += TRB_SIZE;
            return true;
        }
        *at = t->parameter & ~UINT64_C(15);
        *cycle ^= (t->control & TRB_TOGGLE) != 0;
    }
    return false;
}

/* --- interrupts --- */

void xhci_intx(struct xhci *x)
{
    bool level =
        x->cmd & CMD_INTE && (x->intr[0].iman & (IMAN_PENDING | IMAN_ENABLE)) ==
                                 (IMAN_PENDING | IMAN_ENABLE);

    pci_set_intx(&x->pci,
                 level && !msi_enabled(&x->msi) && !msix_enabled(&x->msix));
}

/* [XHCI] 4.17.5: a message takes the pending bit with it. */
static void send(struct xhci *x, unsigned n)
{
    struct xhci_interrupter *i = &x->intr[n];

    if (!(x->cmd & CMD_INTE) || (i->iman & (IMAN_PENDING | IMAN_ENABLE)) !=
                                    (IMAN_PENDING | IMAN_ENABLE)) {
        return;
    }
    if (msix_enabled(&x->msix)) {
        i->iman &= ~(uint32_t)IMAN_PENDING;
        msix_send(&x->msix, n);
    } else if (msi_enabled(&x->msi)) {
        i->iman &= ~(uint32_t)IMAN_PENDING;
        msi_send(&x->msi, n);
    }
}

void xhci_interrupt(struct xhci *x, unsigned n)
{
    struct xhci_interrupter *i = &x->intr[n];
    bool busy = i->dequeue & ERDP_BUSY;

    x->sts |= STS_EINT;
    i->dequeue |= ERDP_BUSY;
    if (!busy) {
        i->iman |= IMAN_PENDING;
        send(x, n);
        xhci_intx(x);
    }
}

/* --- event rings --- */

void xhci_ring_start(struct xhci *x, struct xhci_interrupter *i)
{
    uint8_t b[TRB_SIZE];

    i->ring_size = 0;
    i->enqueue = 0;
    i->cycle = true;
    if (i->erst_size != 1 || !i->erst) {
        return;
    }
    if (!pci_dma_read(&x->pci, i->erst, b, sizeof(b))) {
        xhci_dma_failed(x);
        return;
    }
    i->ring = ldl_u64(b) & ~UINT64_C(63);
    i->ring_size = ldl_u32(b + 8) & 0xffff;
    if (i->ring_size < 16 || i->ring_size > 4096) { /* [XHCI] 6.5 */
        i->ring_size = 0;
        xhci_dma_failed(x);
    }
}

/* Events that fit before the one that the guest reads next. */
static unsigned ring_free(const struct xhci_interrupter *i)
{
    uint64_t at = (i->dequeue & ~UINT64_C(15)) - i->ring;
    unsigned next =
        at / TRB_SIZE < i->ring_size ? (unsigned)(at / TRB_SIZE) : 0;

    return (next + i->ring_size - i->enqueue - 1) % i->ring_size;
}

bool xhci_event_room(const struct xhci *x, unsigned n)
{
    const struct xhci_interrupter *i = &x->intr[n < x->intrs ? n : 0];

    return !i->ring_size || ring_free(i) > EVENT_ROOM;
}

static void put(struct xhci *x, struct xhci_interrupter *i, uint64_t parameter,
                uint32_t status, uint32_t control)
{
    uint8_t b[TRB_SIZE];

    stl_u64(b, parameter);
    stl_u32(b + 8, status);
    stl_u32(b + 12, control | (i->cycle ? TRB_CYCLE : 0));
    pci_dma_write(&x->pci, i->ring + (uint64_t)i->enqueue * TRB_SIZE, b,
                  sizeof(b));
    if (++i->enqueue == i->ring_size) {
        i->enqueue = 0;
        i->cycle = !i->cycle;
    }
}

void xhci_event(struct xhci *x, unsigned n, enum trb_type type,
                enum trb_code code, uint64_t parameter, uint32_t status,
                uint32_t control)
{
    struct xhci_interrupter *i;

    n = n < x->intrs ? n : 0;
    i = &x->intr[n];
    if (!i->ring_size || !(x->cmd & CMD_RUN)) {
        return;
    }
    switch (ring_free(i)) {
    case 0: return; /* [XHCI] 4.9.4: lost */
    case 1:
        put(x, i, 0, (uint32_t)CODE_RING_FULL << 24,
            (uint32_t)TRB_CONTROLLER_EVENT << TRB_TYPE_SHIFT);
        break;
    default:
        put(x, i, parameter, status | (uint32_t)code << 24,
            control | (uint32_t)type << TRB_TYPE_SHIFT);
        break;
    }
    xhci_interrupt(x, n);
}
