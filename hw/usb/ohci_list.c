/* SPDX-License-Identifier: MIT */
/*
 * The lists of an OHCI: endpoint descriptors, each with a queue of transfers.
 * [OHCI] 4, 6.4. A transfer moves as much as its endpoint takes, not a packet a
 * frame.
 *
 * Not modelled: isochronous transfers (they are retired as not accessed),
 * bandwidth, the ratio of control to bulk.
 */
#include "hw/usb/ohci_regs.h"

enum { PASS_BYTES = 64 * 1024, PASS_STEPS = 2048, TD_BYTES = 8192 };
enum { NOT_ACCESSED = 15 };

struct pass {
    unsigned bytes, steps;
    bool moved;
};

void ohci_fatal(struct ohci *o)
{
    o->status |= INT_ERROR;
    o->control = (o->control & ~(uint32_t)CTL_STATE) | CTL_SUSPEND;
}

bool ohci_read(struct ohci *o, uint32_t at, uint32_t *words, unsigned n)
{
    uint8_t b[32];

    if (!pci_dma_read(&o->pci, at, b, 4 * n)) {
        ohci_fatal(o);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        words[i] = ldl_u32(b + 4 * i);
    }
    return true;
}

void ohci_write(struct ohci *o, uint32_t at, const uint32_t *words, unsigned n)
{
    uint8_t b[32];

    for (unsigned i = 0; i < n; i++) {
        stl_u32(b + 4 * i, words[i]);
    }
    if (!pci_dma_write(&o->pci, at, b, 4 * n)) {
        ohci_fatal(o);
    }
}

static struct usb_dev *find(const struct ohci *o, unsigned addr)
{
    for (unsigned i = 0; i < o->num_ports; i++) {
        if ((o->rh_port[i] & (PORT_ENABLE | PORT_SUSPEND)) == PORT_ENABLE) {
            struct usb_dev *d = usb_find(&o->port[i], addr);

            if (d) {
                return d;
            }
        }
    }
    return NULL;
}

/* --- the buffer: up to two pages --- */

static unsigned td_len(const uint32_t *td)
{
    uint32_t from = td[TD_BUFFER], to = td[TD_END];

    if (!from) {
        return 0;
    }
    if ((from ^ to) & 0xfffff000) {
        return 4096 - (from & 0xfff) + (to & 0xfff) + 1;
    }
    return to >= from ? to - from + 1 : 0;
}

static bool td_move(struct ohci *o, const uint32_t *td, uint8_t *data,
                    unsigned len, bool to_guest)
{
    uint32_t at = td[TD_BUFFER];
    unsigned part = MIN(len, 4096 - (at & 0xfff));
    uint32_t second = td[TD_END] & 0xfffff000;

    if (to_guest) {
        return pci_dma_write(&o->pci, at, data, part) &&
               (part == len ||
                pci_dma_write(&o->pci, second, data + part, len - part));
    }
    return pci_dma_read(&o->pci, at, data, part) &&
           (part == len ||
            pci_dma_read(&o->pci, second, data + part, len - part));
}

static void td_advance(uint32_t *td, unsigned done)
{
    uint32_t at = td[TD_BUFFER];

    if (done && (at & 0xfff) + done >= 4096) {
        td[TD_BUFFER] = (td[TD_END] & 0xfffff000) | ((at + done) & 0xfff);
    } else {
        td[TD_BUFFER] = at + done;
    }
}

/* --- transfers --- */

/* [OHCI] 4.3.1.3.5: off the endpoint's queue, onto the done queue. */
static void retire(struct ohci *o, uint32_t *ed, uint32_t at, uint32_t *td,
                   unsigned code)
{
    uint32_t carry = ed[ED_HEAD] & ED_CARRY;
    unsigned delay = td[TD_FLAGS] >> TD_DELAY_SHIFT & 7;

    td[TD_FLAGS] = (td[TD_FLAGS] & 0x0fffffff) | code << TD_CODE_SHIFT;
    ed[ED_HEAD] =
        (td[TD_NEXT] & 0xfffffff0) | carry | (code ? (uint32_t)ED_HALTED : 0);
    td[TD_NEXT] = o->done_head;
    o->done_head = at;
    o->done_delay = (uint8_t)MIN(o->done_delay, code ? 0 : delay);
    ohci_write(o, at, td, 4);
}

static uint8_t pid_of(const uint32_t *ed, const uint32_t *td)
{
    static const uint8_t pids[] = {USB_SETUP, USB_OUT, USB_IN, 0};
    unsigned direction = ed[ED_FLAGS] >> 11 & 3;

    if (direction == 1 || direction == 2) {
        return pids[direction];
    }
    return pids[td[TD_FLAGS] >> TD_PID_SHIFT & 3];
}

static void flip(uint32_t *ed, uint32_t *td, unsigned packets)
{
    bool now = td[TD_FLAGS] & TD_TOGGLE_OWN ? td[TD_FLAGS] & TD_TOGGLE
                                            : ed[ED_HEAD] & ED_CARRY;

    now ^= packets & 1;
    td[TD_FLAGS] = (td[TD_FLAGS] & ~(uint32_t)TD_TOGGLE) | TD_TOGGLE_OWN |
                   (now ? (uint32_t)TD_TOGGLE : 0);
    ed[ED_HEAD] =
        (ed[ED_HEAD] & ~(uint32_t)ED_CARRY) | (now ? (uint32_t)ED_CARRY : 0);
}

/* Three silences in a row end a transfer. [OHCI] 4.3.1.3.6 */
static unsigned silent(uint32_t *td, bool *ends)
{
    unsigned errors = td[TD_FLAGS] >> TD_ERRORS_SHIFT & 3;

    *ends = errors == 2;
    td[TD_FLAGS] = (td[TD_FLAGS] & ~(3u << TD_ERRORS_SHIFT)) |
                   MIN(errors + 1, 3u) << TD_ERRORS_SHIFT;
    return CC_SILENT;
}

/* How a transfer ended: true and its condition code. */
static bool ended(const struct usb_packet *p, enum usb_status status,
                  uint32_t *td, unsigned *code)
{
    bool ends = true;

    switch (status) {
    case USB_ACK:
        *code = p->done < p->len && p->pid == USB_IN &&
                        !(td[TD_FLAGS] & TD_ROUNDING)
                    ? CC_UNDERRUN
                    : CC_OK;
        if (p->done == p->len) {
            td[TD_BUFFER] = 0;
        }
        break;
    case USB_NAK: return false;
    case USB_STALL: *code = CC_STALL; break;
    case USB_BABBLE: *code = CC_OVERRUN; break;
    default: *code = silent(td, &ends); break;
    }
    return ends;
}

/* The transfer at the head; false: it waits. ed is changed, not written. */
static bool run_td(struct ohci *o, struct pass *pass, uint32_t *ed)
{
    uint8_t data[TD_BYTES];
    uint32_t at = ed[ED_HEAD] & 0xfffffff0, td[4];
    unsigned max = MAX(ed[ED_FLAGS] >> 16 & 0x7ff, 1u), code = CC_OK;
    enum usb_status status = USB_SILENT;
    struct usb_packet p = {.data = data};
    bool ends;

    if (!ohci_read(o, at, td, 4)) {
        return false;
    }
    p.pid = pid_of(ed, td);
    p.ep = ed[ED_FLAGS] >> 7 & 15;
    p.len = MIN(td_len(td), (unsigned)TD_BYTES);
    if (p.pid == USB_IN || !p.len ||
        td_move(o, td, data, (unsigned)p.len, false)) {
        status = usb_transfer(find(o, ed[ED_FLAGS] & 0x7f), &p);
    }
    if (p.pid == USB_IN && p.done &&
        !td_move(o, td, data, (unsigned)p.done, true)) {
        status = USB_BABBLE;
    }
    if (p.done || status == USB_ACK) {
        flip(ed, td, MAX(((unsigned)p.done + max - 1) / max, 1u));
    }
    td_advance(td, (unsigned)p.done);
    pass->bytes += (unsigned)p.done;
    ends = ended(&p, status, td, &code);
    pass->moved |= ends || p.done;
    if (ends) {
        retire(o, ed, at, td, code);
    } else if (p.done || status == USB_SILENT) {
        ohci_write(o, at, td, 4);
    }
    return ends && code == CC_OK;
}

/* An isochronous transfer: all its packets were not accessed. */
static void retire_isoch(struct ohci *o, uint32_t *ed)
{
    uint32_t at = ed[ED_HEAD] & 0xfffffff0, td[8];

    if (ohci_read(o, at, td, 8)) {
        for (unsigned i = 4; i < 8; i++) {
            td[i] |= 0xe000e000;
        }
        ohci_write(o, at + 16, td + 4, 4);
        retire(o, ed, at, td, CC_OK);
    }
}

static bool has_work(const uint32_t *ed)
{
    return !(ed[ED_FLAGS] & ED_SKIP) && !(ed[ED_HEAD] & ED_HALTED) &&
           (ed[ED_HEAD] ^ ed[ED_TAIL]) & 0xfffffff0;
}

/* A list of endpoints; whether any of them had work. */
static bool run_list(struct ohci *o, struct pass *pass, uint32_t at)
{
    bool work = false;
    uint32_t ed[4], head;

    while (at && pass->steps++ < PASS_STEPS && ohci_read(o, at, ed, 4)) {
        head = ed[ED_HEAD];
        work |= has_work(ed);
        if (ed[ED_FLAGS] & ED_ISOCH) {
            if (has_work(ed)) {
                retire_isoch(o, ed);
            }
        } else {
            while (has_work(ed) && pass->steps++ < PASS_STEPS &&
                   pass->bytes < PASS_BYTES && run_td(o, pass, ed)) {
                ;
            }
        }
        if (ed[ED_HEAD] != head) {
            ohci_write(o, at + 4 * ED_HEAD, &ed[ED_HEAD], 1);
        }
        at = ed[ED_NEXT] & 0xfffffff0;
    }
    return work;
}

bool ohci_run_lists(struct ohci *o, bool new_frame)
{
    struct pass pass = {0};
    uint32_t head;

    if (new_frame && o->control & CTL_PERIODIC &&
        ohci_read(o, o->hcca + 4 * (o->frame & 31u), &head, 1)) {
        run_list(o, &pass, head & 0xfffffff0);
    }
    if (o->control & CTL_CONTROL && o->command & COM_CONTROL) {
        o->command &= ~(uint32_t)COM_CONTROL;
        if (run_list(o, &pass, o->control_head)) {
            o->command |= COM_CONTROL;
        }
    }
    if (o->control & CTL_BULK && o->command & COM_BULK) {
        o->command &= ~(uint32_t)COM_BULK;
        if (run_list(o, &pass, o->bulk_head)) {
            o->command |= COM_BULK;
        }
    }
    return pass.moved;
}
