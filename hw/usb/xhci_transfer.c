/* SPDX-License-Identifier: MIT */
/*
 * Transfers of an xHCI: the blocks of a transfer descriptor, the data that
 * they name, the events that they ask for. [XHCI] 4.10, 4.11.
 *
 * A descriptor that waits for its device stays on the ring; how many of its
 * bytes are done is all that is kept of it.
 *
 * Not modelled: isochronous timing (such a transfer is done at once), streams,
 * bandwidth.
 */
#include <string.h>

#include "hw/usb/xhci_regs.h"

enum {
    TD_BLOCKS = 4096,
    CHUNK = 64 * 1024,
    KICK_BYTES = 1024 * 1024,
    KICK_TDS = 256,
    STEPS_MAX = 32 * 1024, /* a few milliseconds */
    ROUNDS = 64,
    BLOCK_BYTES = 0x1ffff,
};

struct td {
    GArray *block; /* struct trb */
    uint64_t len;
    uint64_t next; /* behind it */
    bool next_cycle;
};

static const struct trb *block(const struct td *td, unsigned i)
{
    return &g_array_index(td->block, struct trb, i);
}

static bool has_data(const struct trb *t)
{
    switch (trb_type(t)) {
    case TRB_NORMAL:
    case TRB_SETUP:
    case TRB_DATA:
    case TRB_ISOCH: return true;
    default: return false;
    }
}

static unsigned block_len(const struct trb *t)
{
    unsigned len = t->status & BLOCK_BYTES;

    if (!has_data(t)) {
        return 0;
    }
    return t->control & TRB_IMMEDIATE ? MIN(len, 8u) : len;
}

/* The descriptor at the dequeue pointer; false: it is not all there. */
static bool gather(struct xhci *x, const struct xhci_ep *e, struct td *td)
{
    struct trb t;

    g_array_set_size(td->block, 0);
    td->len = 0;
    td->next = e->dequeue;
    td->next_cycle = e->cycle;
    do {
        if (td->block->len == TD_BLOCKS ||
            !xhci_fetch(x, &td->next, &td->next_cycle, &t)) {
            return false;
        }
        g_array_append_val(td->block, t);
        x->steps++;
        td->len += block_len(&t);
    } while (t.control & TRB_CHAIN);
    return true;
}

/* Bytes from `at` on of what the blocks name. */
static bool move(struct xhci *x, const struct td *td, uint64_t at,
                 uint8_t *data, size_t len, bool to_guest)
{
    for (unsigned i = 0; i < td->block->len && len; i++) {
        const struct trb *t = block(td, i);
        unsigned size = block_len(t);
        size_t part;
        bool ok = true;

        if (at >= size) {
            at -= size;
            continue;
        }
        part = MIN(size - (size_t)at, len);
        if (t->control & TRB_IMMEDIATE) {
            uint8_t bytes[8];

            stl_u64(bytes, t->parameter);
            memcpy(data, bytes + at, part);
        } else if (to_guest) {
            ok = pci_dma_write(&x->pci, t->parameter + at, data, part);
        } else {
            ok = pci_dma_read(&x->pci, t->parameter + at, data, part);
        }
        if (!ok) {
            return false;
        }
        data += part;
        len -= part;
        at = 0;
    }
    return true;
}

/* --- events --- */

static void transfer_event(struct xhci *x, unsigned slot, unsigned ep,
                           const struct trb *t, enum trb_code code,
                           uint32_t len, bool data_event)
{
    xhci_event(x, t->status >> 22, TRB_TRANSFER_EVENT, code,
               data_event ? t->parameter : t->at, len & 0xffffff,
               slot << 24 | ep << 16 | (data_event ? TRB_EVENT_DATA : 0u));
}

/* [XHCI] 4.10.1, 4.11.5.2. A descriptor has one event, but for those that
 * event data blocks ask for. */
static void report(struct xhci *x, unsigned slot, unsigned ep,
                   const struct td *td, enum trb_code code, uint64_t moved)
{
    uint64_t left = moved;
    uint32_t sum = 0; /* EDTLA */
    bool reported = false, cut = false;

    for (unsigned i = 0; i < td->block->len; i++) {
        const struct trb *t = block(td, i);
        unsigned size = block_len(t);
        unsigned part = (unsigned)MIN(size, left);
        bool last = i + 1 == td->block->len;

        left -= part;
        sum += part;
        cut |= part < size;
        if (trb_type(t) == TRB_DATA_EVENT) {
            if (t->control & TRB_IOC) {
                transfer_event(x, slot, ep, t,
                               code == CODE_SUCCESS && cut ? CODE_SHORT : code,
                               sum, true);
            }
            reported = false;
            sum = 0;
        } else if (!reported &&
                   (t->control & TRB_IOC || (cut && t->control & TRB_SHORT) ||
                    (code != CODE_SUCCESS && (part < size || last)))) {
            transfer_event(x, slot, ep, t,
                           code == CODE_SUCCESS && cut ? CODE_SHORT : code,
                           size - part, false);
            reported = true;
        }
    }
}

void xhci_report_stopped(struct xhci *x, unsigned slot, unsigned ep)
{
    struct td td = {.block = g_array_new(FALSE, FALSE, sizeof(struct trb))};
    const struct xhci_ep *e = xhci_ep(x, slot, ep);

    if (gather(x, e, &td)) {
        uint64_t left = e->moved;
        unsigned i = 0;

        while (i + 1 < td.block->len && left >= block_len(block(&td, i))) {
            left -= block_len(block(&td, i++));
        }
        transfer_event(x, slot, ep, block(&td, i), CODE_STOPPED,
                       block_len(block(&td, i)) -
                           (uint32_t)MIN(left, block_len(block(&td, i))),
                       false);
    }
    g_array_free(td.block, TRUE);
}

/* --- data --- */

static uint8_t pid_of(unsigned ep, const struct trb *first)
{
    if (ep == 1) {
        return trb_type(first) == TRB_SETUP ? USB_SETUP
               : first->control & TRB_IN    ? USB_IN
                                            : USB_OUT;
    }
    return ep & 1 ? USB_IN : USB_OUT;
}

/* One piece of a descriptor, from e->moved on. */
static enum usb_status move_chunk(struct xhci *x, struct xhci_ep *e,
                                  struct usb_dev *d, const struct td *td,
                                  struct usb_packet *p)
{
    enum usb_status status;

    p->len = MIN(td->len - e->moved, CHUNK);
    if (p->pid != USB_IN && !move(x, td, e->moved, p->data, p->len, false)) {
        return USB_SILENT;
    }
    status = p->pid == USB_SETUP ? usb_transact(d, p) : usb_transfer(d, p);
    if (p->pid == USB_IN && p->done &&
        !move(x, td, e->moved, p->data, p->done, true)) {
        return USB_SILENT;
    }
    e->moved += (uint32_t)p->done;
    return status;
}

/* Moves what can be moved now: USB_NAK where the device does not want. */
static enum usb_status run_td(struct xhci *x, unsigned slot, unsigned ep,
                              const struct td *td)
{
    struct xhci_ep *e = xhci_ep(x, slot, ep);
    struct usb_dev *d = xhci_device(x, slot);
    g_autofree uint8_t *data = g_malloc(MIN(td->len, (uint64_t)CHUNK) + 1);
    struct usb_packet p = {
        .pid = pid_of(ep, block(td, 0)), .ep = (uint8_t)(ep / 2), .data = data};
    enum usb_status status;

    if (trb_type(block(td, 0)) == TRB_NOOP) {
        return USB_ACK;
    }
    do {
        status = move_chunk(x, e, d, td, &p);
    } while (status == USB_ACK && p.done == p.len && e->moved < td->len);
    if (status == USB_NAK &&
        (e->type == EPT_ISOCH_IN || e->type == EPT_ISOCH_OUT)) {
        return USB_ACK;
    }
    return status;
}

static enum trb_code code_of(enum usb_status status)
{
    switch (status) {
    case USB_ACK: return CODE_SUCCESS;
    case USB_STALL: return CODE_STALL;
    case USB_BABBLE: return CODE_BABBLE;
    default: return CODE_TRANSACTION;
    }
}

/* False: the endpoint has nothing more to do for now. */
static bool run_next(struct xhci *x, unsigned slot, unsigned ep, struct td *td,
                     uint64_t *bytes)
{
    struct xhci_ep *e = xhci_ep(x, slot, ep);
    enum usb_status status;

    if (e->state != EP_RUNNING || !(x->cmd & CMD_RUN) || !gather(x, e, td) ||
        !xhci_event_room(x, block(td, 0)->status >> 22)) {
        return false;
    }
    if (e->moved > td->len) { /* the guest has changed it */
        e->moved = 0;
    }
    status = run_td(x, slot, ep, td);
    *bytes += e->moved;
    if (status == USB_NAK) {
        return false;
    }
    if (status != USB_ACK) {
        e->state = EP_HALTED;
        xhci_put_endpoint(x, slot, ep);
    }
    report(x, slot, ep, td, code_of(status), e->moved);
    e->moved = 0;
    if (status != USB_ACK) {
        return false;
    }
    e->dequeue = td->next;
    e->cycle = td->next_cycle;
    return true;
}

void xhci_look_again(struct xhci *x)
{
    timer_set(&x->work, clock_now(x->work.clock));
}

static void run_ring(struct xhci *x, unsigned slot, unsigned ep)
{
    struct td td;
    uint64_t bytes = 0;
    unsigned n = 0;

    if (xhci_ep(x, slot, ep)->state != EP_RUNNING) {
        return;
    }
    td.block = g_array_new(FALSE, FALSE, sizeof(struct trb));
    while (n < KICK_TDS && bytes < KICK_BYTES && x->steps < STEPS_MAX &&
           run_next(x, slot, ep, &td, &bytes)) {
        n++;
    }
    g_array_free(td.block, TRUE);
    if (n == KICK_TDS || bytes >= KICK_BYTES || x->steps >= STEPS_MAX) {
        xhci_look_again(x);
    }
}

/* A device may call from within its own transfer: a disk that has the data at
 * once. Its endpoints are then looked at when that transfer is over. */
void xhci_kick(struct xhci *x, unsigned slot, unsigned ep)
{
    if (x->busy) {
        if (x->busy == slot) {
            x->asked = true;
        } else {
            xhci_look_again(x);
        }
        return;
    }
    x->busy = slot;
    run_ring(x, slot, ep);
    for (unsigned n = 0; x->asked && n < ROUNDS; n++) {
        x->asked = false;
        for (unsigned e = 1; e < XHCI_EPS; e++) {
            run_ring(x, slot, e);
        }
    }
    x->busy = 0;
    if (x->asked) {
        x->asked = false;
        xhci_look_again(x);
    }
}

void xhci_kick_all(struct xhci *x, unsigned slot)
{
    unsigned first = slot ? slot : 1, last = slot ? slot : x->slots;

    for (unsigned s = first; s <= last; s++) {
        for (unsigned e = 1; x->slot[s].enabled && e < XHCI_EPS; e++) {
            xhci_kick(x, s, e);
        }
    }
}
