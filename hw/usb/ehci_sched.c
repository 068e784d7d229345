/* SPDX-License-Identifier: MIT */
/*
 * The schedules of an EHCI: queues of transfer descriptors. [EHCI] chapter 4.
 * All state is in the guest's memory; a pass reads it anew and leaves nothing
 * behind.
 *
 * Not modelled: isochronous transfers (their descriptors complete empty),
 * split transactions, microframes of interrupt endpoints (they are asked once
 * a frame), NAK counters, the PING protocol, parking.
 */
#include <string.h>

#include "hw/usb/ehci_regs.h"

enum { PASS_BYTES = 256 * 1024, PASS_STEPS = 2048, QTD_BYTES = 5 * 4096 };

struct pass {
    unsigned bytes, steps;
    bool moved;
};

struct qh {
    uint32_t at;
    uint32_t w[QH_WORDS];
};

static bool read_words(struct ehci *e, uint32_t at, uint32_t *words, unsigned n)
{
    uint8_t b[4 * QH_WORDS];

    if (!pci_dma_read(&e->pci, at, b, 4 * n)) {
        e->sts |= STS_HSE | STS_HALTED;
        e->cmd &= ~(uint32_t)CMD_RUN;
        ehci_irq(e);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        words[i] = ldl_u32(b + 4 * i);
    }
    return true;
}

static void write_words(struct ehci *e, uint32_t at, const uint32_t *words,
                        unsigned n)
{
    uint8_t b[4 * QH_WORDS];

    for (unsigned i = 0; i < n; i++) {
        stl_u32(b + 4 * i, words[i]);
    }
    pci_dma_write(&e->pci, at, b, 4 * n);
}

static struct usb_dev *find(const struct ehci *e, unsigned addr)
{
    for (unsigned i = 0; i < EHCI_PORTS; i++) {
        if ((e->portsc[i] & (PORT_ENABLE | PORT_SUSPEND | PORT_OWNER)) ==
            PORT_ENABLE) {
            struct usb_dev *d = usb_find(&e->port[i], addr);

            if (d) {
                return d;
            }
        }
    }
    return NULL;
}

/* --- the buffer of a transfer: five pages --- */

static unsigned qtd_bytes(const struct qh *q)
{
    return q->w[QH_TOKEN] >> TOKEN_BYTES_SHIFT & TOKEN_BYTES;
}

static unsigned qtd_page(const struct qh *q)
{
    return q->w[QH_TOKEN] >> TOKEN_PAGE_SHIFT & 7;
}

/* How much the page pointers cover from here on. */
static unsigned qtd_room(const struct qh *q)
{
    unsigned page = qtd_page(q);

    return page > 4 ? 0 : (5 - page) * 4096 - (q->w[QH_BUFFER] & 0xfff);
}

/* Moves `len` bytes, and the place in the buffer on. */
static bool qtd_move(struct ehci *e, struct qh *q, uint8_t *data, unsigned len,
                     bool to_guest)
{
    unsigned page = qtd_page(q);
    unsigned at = q->w[QH_BUFFER] & 0xfff;
    bool ok = true;

    while (len && page < 5 && ok) {
        unsigned part = MIN(len, 4096 - at);
        uint32_t addr = (q->w[QH_BUFFER + page] & 0xfffff000) + at;

        ok = to_guest ? pci_dma_write(&e->pci, addr, data, part)
                      : pci_dma_read(&e->pci, addr, data, part);
        data += part;
        len -= part;
        at += part;
        page += at / 4096;
        at %= 4096;
    }
    return ok && len == 0;
}

/* [EHCI] 4.10.3: what was moved is taken off the token. */
static void qtd_advance(struct qh *q, unsigned done, unsigned packets)
{
    unsigned at = (q->w[QH_BUFFER] & 0xfff) + done;
    unsigned page = MIN(qtd_page(q) + at / 4096, 7u);
    uint32_t *token = &q->w[QH_TOKEN];

    q->w[QH_BUFFER] = (q->w[QH_BUFFER] & 0xfffff000) | (at & 0xfff);
    *token -= (uint32_t)done << TOKEN_BYTES_SHIFT;
    *token &= ~(7u << TOKEN_PAGE_SHIFT);
    *token |= page << TOKEN_PAGE_SHIFT;
    *token ^= packets & 1 ? TOKEN_TOGGLE : 0;
}

/* --- transfers --- */

static void retire(struct ehci *e, struct qh *q, uint32_t bits)
{
    uint32_t *token = &q->w[QH_TOKEN];

    *token |= bits;
    *token &= ~(uint32_t)TOKEN_ACTIVE;
    if (bits & TOKEN_HALTED) {
        e->sts |= STS_ERROR;
    }
    if (*token & TOKEN_IOC) {
        e->sts |= STS_INT;
    }
}

/* [EHCI] 4.10.3: CERR counts down; 0 from the start does not count. */
static void transaction_error(struct ehci *e, struct qh *q)
{
    uint32_t *token = &q->w[QH_TOKEN];
    unsigned errors = *token >> TOKEN_ERRORS_SHIFT & 3;

    *token |= TOKEN_XACT;
    if (errors) {
        *token -= 1u << TOKEN_ERRORS_SHIFT;
    }
    if (errors == 1) {
        retire(e, q, TOKEN_HALTED);
    }
}

static void settle_transfer(struct ehci *e, struct qh *q,
                            const struct usb_packet *p, enum usb_status status)
{
    switch (status) {
    case USB_ACK:
        if (p->pid == USB_IN && p->done < p->len) {
            e->sts |= STS_INT;
        }
        retire(e, q, 0);
        break;
    case USB_NAK: break;
    case USB_STALL: retire(e, q, TOKEN_HALTED); break;
    case USB_BABBLE: retire(e, q, TOKEN_HALTED | TOKEN_BABBLE); break;
    default: transaction_error(e, q); break;
    }
}

/* The active transfer of the overlay; false: it waits. */
static bool execute(struct ehci *e, struct pass *pass, struct qh *q)
{
    static const uint8_t pids[] = {USB_OUT, USB_IN, USB_SETUP, 0};
    uint8_t data[QTD_BYTES];
    unsigned max = MAX(q->w[QH_ENDPOINT] >> 16 & 0x7ff, 1u);
    struct usb_packet p = {
        .pid = pids[q->w[QH_TOKEN] >> TOKEN_PID_SHIFT & 3],
        .ep = q->w[QH_ENDPOINT] >> 8 & 15,
        .data = data,
        .len = qtd_bytes(q),
    };
    uint32_t before = q->w[QH_TOKEN];
    enum usb_status status;

    if (!p.pid || p.len > qtd_room(q)) {
        retire(e, q, TOKEN_HALTED | TOKEN_BUFFER);
        return true;
    }
    if (p.pid != USB_IN && !qtd_move(e, q, data, (unsigned)p.len, false)) {
        retire(e, q, TOKEN_HALTED | TOKEN_BUFFER);
        return true;
    }
    status = usb_transfer(find(e, q->w[QH_ENDPOINT] & 0x7f), &p);
    if (p.pid == USB_IN && p.done &&
        !qtd_move(e, q, data, (unsigned)p.done, true)) {
        retire(e, q, TOKEN_HALTED | TOKEN_BUFFER);
        return true;
    }
    qtd_advance(q, (unsigned)p.done,
                status == USB_ACK || p.done
                    ? MAX(((unsigned)p.done + max - 1) / max, 1u)
                    : 0);
    settle_transfer(e, q, &p, status);
    pass->bytes += (unsigned)p.done;
    pass->moved |= p.done || !(q->w[QH_TOKEN] & TOKEN_ACTIVE);
    return q->w[QH_TOKEN] != before && !(q->w[QH_TOKEN] & TOKEN_ACTIVE);
}

/* [EHCI] 4.10.2: the next descriptor into the overlay, where it is active. */
static bool fetch(struct ehci *e, struct qh *q)
{
    uint32_t *w = q->w;
    uint32_t link = w[QH_NEXT], qtd[QTD_WORDS];

    if (w[QH_TOKEN] & TOKEN_HALTED || w[QH_ENDPOINT] & QH_INACTIVATE) {
        return false;
    }
    if (qtd_bytes(q) && !(w[QH_ALTERNATE] & LINK_END)) {
        link = w[QH_ALTERNATE];
    }
    if (link & LINK_END ||
        !read_words(e, link & ~(uint32_t)LINK_FLAGS, qtd, QTD_WORDS) ||
        !(qtd[2] & TOKEN_ACTIVE)) {
        return false;
    }
    if (!(w[QH_ENDPOINT] & QH_TOGGLE_IN_QTD)) {
        qtd[2] = (qtd[2] & ~TOKEN_TOGGLE) | (w[QH_TOKEN] & TOKEN_TOGGLE);
    }
    w[QH_CURRENT] = link & ~(uint32_t)LINK_FLAGS;
    memcpy(w + QH_NEXT, qtd, sizeof(qtd));
    return true;
}

/* [EHCI] 4.10.4: what the descriptor says afterwards. */
static void write_back(struct ehci *e, const struct qh *q)
{
    write_words(e, q->w[QH_CURRENT] + 8, &q->w[QH_TOKEN], 2);
}

/* All that a queue can do now. */
static void run_queue(struct ehci *e, struct pass *pass, struct qh *q)
{
    bool touched = false;

    while (pass->steps++ < PASS_STEPS && pass->bytes < PASS_BYTES) {
        uint32_t before;

        if (!(q->w[QH_TOKEN] & TOKEN_ACTIVE)) {
            if (!fetch(e, q)) {
                break;
            }
            touched = true;
        }
        before = q->w[QH_TOKEN];
        if (!execute(e, pass, q)) {
            touched |= q->w[QH_TOKEN] != before;
            break;
        }
        write_back(e, q);
        touched = true;
    }
    if (touched) {
        write_words(e, q->at + 4 * QH_CURRENT, &q->w[QH_CURRENT],
                    QH_WORDS - QH_CURRENT);
    }
}

static bool read_queue(struct ehci *e, struct qh *q, uint32_t link)
{
    q->at = link & ~(uint32_t)LINK_FLAGS;
    return read_words(e, q->at, q->w, QH_WORDS);
}

bool ehci_run_async(struct ehci *e)
{
    struct pass pass = {0};
    uint32_t idle_since = LINK_END;
    bool moved = false;
    struct qh q;

    while (pass.steps++ < PASS_STEPS && pass.bytes < PASS_BYTES &&
           e->cmd & CMD_RUN && read_queue(e, &q, e->async)) {
        if (idle_since == q.at) {
            break;
        }
        pass.moved = false;
        run_queue(e, &pass, &q);
        moved |= pass.moved;
        if (pass.moved) {
            idle_since = LINK_END;
        } else if (idle_since == LINK_END) {
            idle_since = q.at;
        }
        if (q.w[QH_LINK] & LINK_END || (q.w[QH_LINK] & LINK_TYPE) != LINK_QH) {
            break;
        }
        e->async = q.w[QH_LINK] & ~(uint32_t)LINK_FLAGS;
    }
    ehci_irq(e);
    return moved;
}

/* An isochronous descriptor: its transactions complete without data. */
static uint32_t skip_itd(struct ehci *e, uint32_t at)
{
    uint32_t w[9];
    uint32_t active = 1u << 31;

    if (!read_words(e, at, w, ARRAY_SIZE(w))) {
        return LINK_END;
    }
    for (unsigned i = 1; i < ARRAY_SIZE(w); i++) {
        if (w[i] & active) {
            e->sts |= w[i] & TOKEN_IOC ? STS_INT : 0;
            w[i] &= ~(active | 0x0fff0000u);
        }
    }
    write_words(e, at + 4, w + 1, 8);
    return w[0];
}

static uint32_t skip_sitd(struct ehci *e, uint32_t at)
{
    uint32_t w[4];

    if (!read_words(e, at, w, ARRAY_SIZE(w))) {
        return LINK_END;
    }
    if (w[3] & TOKEN_ACTIVE) {
        e->sts |= w[3] >> 31 ? STS_INT : 0;
        w[3] &= ~(uint32_t)TOKEN_ACTIVE;
        write_words(e, at + 12, w + 3, 1);
    }
    return w[0];
}

bool ehci_run_periodic(struct ehci *e, unsigned frame)
{
    struct pass pass = {0};
    uint32_t link;
    struct qh q;

    if (!read_words(e, e->periodic + 4 * frame, &link, 1)) {
        return false;
    }
    while (!(link & LINK_END) && pass.steps++ < PASS_STEPS &&
           e->cmd & CMD_RUN) {
        uint32_t at = link & ~(uint32_t)LINK_FLAGS;

        switch (link & LINK_TYPE) {
        case LINK_QH:
            if (!read_queue(e, &q, at)) {
                return pass.moved;
            }
            if (q.w[QH_CAPS] & 0xff) {
                run_queue(e, &pass, &q);
            }
            link = q.w[QH_LINK];
            break;
        case LINK_ITD: link = skip_itd(e, at); break;
        case LINK_SITD: link = skip_sitd(e, at); break;
        default:
            if (!read_words(e, at, &link, 1)) {
                return pass.moved;
            }
            break;
        }
    }
    ehci_irq(e);
    return pass.moved;
}
