/* SPDX-License-Identifier: MIT */
/*
 * What a UHCI does in a frame: it walks the frame's list of transfer
 * descriptors and queues. [UHCI] 3.4, the figures of the traversal.
 *
 * A frame moves up to FRAME_BYTES instead of the 1280 of a real wire: disks are
 * faster for it, and no driver counts. The walk ends where it meets a queue
 * that it has seen without having moved anything since: reclamation loops.
 */
#include "hw/usb/uhci_regs.h"

enum { FRAME_BYTES = 64 * 1024, FRAME_STEPS = 4096, PACKET_MAX = 1280 };

struct td {
    uint32_t at, link, control, token, buffer;
};

struct walk {
    unsigned bytes, steps;
    bool moved;
    uint32_t
        first_idle; /* the first queue after which nothing moved; 1: none */
    bool int_ioc, int_short, int_error;
};

enum td_result { TD_DONE, TD_SHORT, TD_WAITS, TD_FAILED };

static bool read_words(struct uhci *u, uint32_t at, uint32_t *words, unsigned n)
{
    uint8_t b[16];

    if (!pci_dma_read(&u->pci, at, b, 4 * n)) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        words[i] = ldl_u32(b + 4 * i);
    }
    return true;
}

static void write_word(struct uhci *u, uint32_t at, uint32_t word)
{
    uint8_t b[4];

    stl_u32(b, word);
    pci_dma_write(&u->pci, at, b, sizeof(b));
}

static struct usb_dev *find(const struct uhci *u, unsigned addr)
{
    for (unsigned i = 0; i < UHCI_PORTS; i++) {
        if ((u->portsc[i] & (PORT_ENABLE | PORT_SUSPEND)) == PORT_ENABLE) {
            struct usb_dev *d = usb_find(&u->port[i], addr);

            if (d) {
                return d;
            }
        }
    }
    return NULL;
}

/* C_ERR counts down; where it was 0 it does not count. [UHCI] 3.2.2 */
static enum td_result error_count(struct walk *w, struct td *td, uint32_t bits)
{
    unsigned errors = td->control >> TD_ERRORS_SHIFT & 3;

    td->control |= bits;
    w->int_error |= errors == 1;
    if (errors == 0) {
        return TD_WAITS;
    }
    td->control -= 1u << TD_ERRORS_SHIFT;
    if (errors > 1) {
        return TD_WAITS;
    }
    td->control |= TD_STALLED;
    td->control &= (uint32_t)~TD_ACTIVE;
    return TD_FAILED;
}

static enum td_result halt(struct walk *w, struct td *td, uint32_t bits)
{
    td->control |= TD_STALLED | bits;
    td->control &= (uint32_t)~TD_ACTIVE;
    w->int_error = true;
    return TD_FAILED;
}

static enum td_result finish(struct uhci *u, struct walk *w, struct td *td,
                             const struct usb_packet *p)
{
    bool small = p->pid == USB_IN && p->done < p->len;

    if (p->pid == USB_IN && p->done &&
        !pci_dma_write(&u->pci, td->buffer, p->data, p->done)) {
        return halt(w, td, TD_BUFFER);
    }
    td->control &= (uint32_t) ~(TD_ACTIVE | TD_NAK | TD_LENGTH);
    td->control |= (uint32_t)(p->done - 1) & TD_LENGTH;
    w->bytes += (unsigned)p->done + 8;
    w->moved = true;
    w->int_ioc |= (td->control & TD_IOC) != 0;
    if (small && td->control & TD_SPD) {
        w->int_short = true;
        return TD_SHORT;
    }
    return TD_DONE;
}

/* [UHCI] 3.2: the token names the packet, the device, the length. */
static enum td_result transact(struct uhci *u, struct walk *w, struct td *td)
{
    uint8_t data[PACKET_MAX];
    struct usb_packet p = {
        .pid = td->token & 0xff,
        .ep = td->token >> 15 & 15,
        .data = data,
        .len = ((td->token >> 21) + 1) & TD_LENGTH,
    };

    if ((p.pid != USB_IN && p.pid != USB_OUT && p.pid != USB_SETUP) ||
        p.len > PACKET_MAX) {
        u->sts |= STS_HCPE;
        return halt(w, td, 0);
    }
    if (p.pid != USB_IN && !pci_dma_read(&u->pci, td->buffer, data, p.len)) {
        return halt(w, td, TD_BUFFER);
    }
    switch (usb_transact(find(u, td->token >> 8 & 0x7f), &p)) {
    case USB_ACK: return finish(u, w, td, &p);
    case USB_NAK:
        td->control |= TD_NAK;
        if (td->control & TD_ISOCH) {
            td->control &= (uint32_t)~TD_ACTIVE;
        }
        return TD_WAITS;
    case USB_STALL: return halt(w, td, 0);
    case USB_BABBLE: return halt(w, td, TD_BABBLE);
    default: return error_count(w, td, TD_TIMEOUT);
    }
}

/* One descriptor: *td is as memory has it afterwards. */
static enum td_result run_td(struct uhci *u, struct walk *w, uint32_t at,
                             struct td *td)
{
    uint32_t words[4], before;
    enum td_result result;

    td->at = at & ~(uint32_t)LINK_FLAGS;
    if (!read_words(u, td->at, words, 4)) {
        u->sts |= STS_HSE;
        u->cmd &= (uint16_t)~CMD_RUN;
        return TD_FAILED;
    }
    td->link = words[0];
    td->control = before = words[1];
    td->token = words[2];
    td->buffer = words[3];
    if (!(td->control & TD_ACTIVE)) {
        w->int_ioc |= (td->control & TD_IOC) && (td->control & TD_ISOCH);
        return TD_WAITS;
    }
    result = transact(u, w, td);
    if (td->control != before) {
        write_word(u, td->at + 4, td->control);
    }
    if (result == TD_FAILED) {
        w->int_ioc |= (td->control & TD_IOC) != 0;
    }
    return result;
}

/* The descriptors of a queue, as far as this frame takes them: breadth first
 * one, depth first until one waits. [UHCI] 3.4.2 */
static void run_queue(struct uhci *u, struct walk *w, uint32_t qh,
                      uint32_t element)
{
    struct td td;

    while (!(element & (LINK_END | LINK_QH)) && w->steps++ < FRAME_STEPS &&
           w->bytes < FRAME_BYTES) {
        if (run_td(u, w, element, &td) != TD_DONE) {
            return;
        }
        element = td.link;
        write_word(u, qh + 4, element);
        if (!(td.link & LINK_DEPTH)) {
            return;
        }
    }
}

/* Has the walk come round without having moved anything? */
static bool came_round(struct walk *w, uint32_t qh)
{
    if (w->moved) {
        w->moved = false;
        w->first_idle = LINK_END;
    }
    if (w->first_idle == qh) {
        return true;
    }
    if (w->first_idle == LINK_END) {
        w->first_idle = qh;
    }
    return false;
}

static void report(struct uhci *u, const struct walk *w)
{
    if (w->int_ioc) {
        u->causes |= CAUSE_IOC;
    }
    if (w->int_short) {
        u->causes |= CAUSE_SHORT;
    }
    if (w->int_ioc || w->int_short) {
        u->sts |= STS_USBINT;
    }
    if (w->int_error) {
        u->sts |= STS_ERROR;
    }
    uhci_irq(u);
}

bool uhci_run_frame(struct uhci *u)
{
    struct walk w = {.first_idle = LINK_END};
    uint32_t link, words[2];
    bool moved = false;
    struct td td;

    if (!read_words(u, u->flbase + (u->frnum & 0x3ffu) * 4, &link, 1)) {
        link = LINK_END;
    }
    while (!(link & LINK_END) && w.steps++ < FRAME_STEPS &&
           w.bytes < FRAME_BYTES && u->cmd & CMD_RUN) {
        if (!(link & LINK_QH)) {
            run_td(u, &w, link, &td);
            link = u->cmd & CMD_RUN ? td.link : LINK_END;
            moved |= w.moved;
            continue;
        }
        link &= ~(uint32_t)LINK_FLAGS;
        moved |= w.moved;
        if (came_round(&w, link) || !read_words(u, link, words, 2)) {
            break;
        }
        run_queue(u, &w, link, words[1]);
        link = words[0];
    }
    report(u, &w);
    return moved || w.moved;
}
