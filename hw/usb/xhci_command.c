/* SPDX-License-Identifier: MIT */
/*
 * The commands of an xHCI, and the contexts that they work on. [XHCI] 4.6,
 * 6.2. Contexts have 32 bytes.
 */
#include <string.h>

#include "hw/usb/xhci_regs.h"

enum { CONTEXT = 32, WORDS = 8, COMMANDS_MAX = 256 };

/* --- contexts --- */

static bool read_context(struct xhci *x, uint64_t at, uint32_t *w)
{
    uint8_t b[CONTEXT];

    if (!pci_dma_read(&x->pci, at, b, sizeof(b))) {
        return false;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        w[i] = ldl_u32(b + 4 * i);
    }
    return true;
}

static void write_context(struct xhci *x, uint64_t at, const uint32_t *w)
{
    uint8_t b[CONTEXT];

    for (unsigned i = 0; i < WORDS; i++) {
        stl_u32(b + 4 * i, w[i]);
    }
    pci_dma_write(&x->pci, at, b, sizeof(b));
}

/* Words 0 to 3: what the controller changes of an endpoint. */
void xhci_put_endpoint(struct xhci *x, unsigned slot, unsigned ep)
{
    const struct xhci_ep *e = xhci_ep(x, slot, ep);
    uint64_t at = x->slot[slot].context + (uint64_t)ep * CONTEXT;
    uint32_t w[WORDS];

    if (!x->slot[slot].context || !read_context(x, at, w)) {
        return;
    }
    w[0] = (w[0] & ~7u) | e->state;
    w[2] = (uint32_t)(e->dequeue & ~UINT64_C(15)) | e->cycle;
    w[3] = (uint32_t)(e->dequeue >> 32);
    write_context(x, at, w);
}

static void put_slot_state(struct xhci *x, unsigned slot, unsigned state,
                           unsigned entries)
{
    struct xhci_slot *s = &x->slot[slot];
    uint32_t w[WORDS];

    s->state = (uint8_t)state;
    if (s->context && read_context(x, s->context, w)) {
        w[3] = state << 27 | (state >= SLOT_ADDRESSED ? slot : 0);
        if (entries) {
            w[0] = (w[0] & 0x07ffffff) | entries << 27;
        }
        write_context(x, s->context, w);
    }
}

static void clear_endpoint(struct xhci *x, unsigned slot, unsigned ep)
{
    *xhci_ep(x, slot, ep) = (struct xhci_ep){0};
}

/* From an input context: the endpoint runs. */
static void start_endpoint(struct xhci *x, unsigned slot, unsigned ep,
                           uint32_t *w)
{
    struct xhci_ep *e = xhci_ep(x, slot, ep);

    *e = (struct xhci_ep){
        .dequeue = (w[2] & ~15u) | (uint64_t)w[3] << 32,
        .cycle = w[2] & 1,
        .type = w[1] >> 3 & 7,
        .state = EP_RUNNING,
    };
    w[0] = (w[0] & ~7u) | EP_RUNNING;
    write_context(x, x->slot[slot].context + (uint64_t)ep * CONTEXT, w);
}

/* --- devices --- */

struct usb_dev *xhci_device(struct xhci *x, unsigned slot)
{
    const struct xhci_slot *s = &x->slot[slot];

    if (!s->enabled || !s->port || !(x->portsc[s->port - 1] & PORT_ENABLE) ||
        (x->portsc[s->port - 1] & PORT_LINK) >> PORT_LINK_SHIFT == LINK_U3) {
        return NULL;
    }
    return usb_find(xhci_connector(x, s->port - 1u),
                    s->state >= SLOT_ADDRESSED ? slot : 0);
}

static bool set_address(struct usb_dev *d, unsigned addr)
{
    uint8_t setup[8] = {0, USB_SET_ADDRESS, (uint8_t)addr};
    struct usb_packet p = {
        .pid = USB_SETUP, .data = setup, .len = sizeof(setup)};

    if (usb_transact(d, &p) != USB_ACK) {
        return false;
    }
    p = (struct usb_packet){.pid = USB_IN, .data = setup};
    return usb_transact(d, &p) == USB_ACK;
}

/* --- commands --- */

static enum trb_code enable_slot(struct xhci *x, unsigned *slot)
{
    for (unsigned s = 1; s <= MIN(x->slots, x->config & 0xff); s++) {
        if (!x->slot[s].enabled) {
            x->slot[s] = (struct xhci_slot){.enabled = true};
            *slot = s;
            return CODE_SUCCESS;
        }
    }
    return CODE_NO_SLOTS;
}

void xhci_disable_slot(struct xhci *x, unsigned slot)
{
    for (unsigned e = 0; e < XHCI_EPS; e++) {
        clear_endpoint(x, slot, e);
    }
    x->slot[slot] = (struct xhci_slot){0};
}

static bool find_context(struct xhci *x, unsigned slot)
{
    uint8_t b[8];

    if (!pci_dma_read(&x->pci, x->dcbaap + 8u * slot, b, sizeof(b))) {
        return false;
    }
    x->slot[slot].context = ldl_u64(b) & ~UINT64_C(63);
    return x->slot[slot].context;
}

/* [XHCI] 4.6.5 */
static enum trb_code address_device(struct xhci *x, unsigned slot,
                                    const struct trb *t)
{
    struct xhci_slot *s = &x->slot[slot];
    uint64_t input = t->parameter & ~UINT64_C(15);
    uint32_t control[WORDS], sw[WORDS], ew[WORDS];
    bool bsr = t->control & TRB_BSR;
    struct usb_dev *d;
    unsigned port;

    if (!read_context(x, input, control) ||
        !read_context(x, input + CONTEXT, sw) ||
        !read_context(x, input + 2u * CONTEXT, ew)) {
        return CODE_TRB;
    }
    port = sw[1] >> 16 & 0xff;
    if ((control[1] & 3) != 3 || control[0] || !port || port > x->p2 + x->p3 ||
        !find_context(x, slot)) {
        return CODE_PARAMETER;
    }
    if (s->state >= SLOT_ADDRESSED || (bsr && s->state != SLOT_ENABLED)) {
        return CODE_CONTEXT_STATE;
    }
    s->port = (uint8_t)port;
    s->state = SLOT_DEFAULT;
    d = xhci_device(x, slot);
    if (!d || (!bsr && !set_address(d, slot))) {
        return CODE_TRANSACTION;
    }
    write_context(x, s->context, sw);
    start_endpoint(x, slot, 1, ew);
    put_slot_state(x, slot, bsr ? SLOT_DEFAULT : SLOT_ADDRESSED, 0);
    return CODE_SUCCESS;
}

/* [XHCI] 4.6.6. All additions are read before anything changes. */
static enum trb_code configure(struct xhci *x, unsigned slot,
                               const struct trb *t)
{
    uint64_t input = t->parameter & ~UINT64_C(15);
    uint32_t control[WORDS] = {0}, w[XHCI_EPS][WORDS];
    unsigned last = 1;

    if (x->slot[slot].state < SLOT_ADDRESSED) {
        return CODE_CONTEXT_STATE;
    }
    if (t->control & TRB_DECONFIGURE) {
        control[0] = ~3u;
    } else if (!read_context(x, input, control) ||
               ((control[0] | ~control[1]) & 1)) {
        return CODE_PARAMETER;
    }
    for (unsigned e = 2; e < XHCI_EPS; e++) {
        if (control[1] >> e & 1 &&
            (!read_context(x, input + (e + 1u) * CONTEXT, w[e]) ||
             !(w[e][1] >> 3 & 7) || w[e][1] >> 3 == EPT_CONTROL)) {
            return CODE_PARAMETER;
        }
    }
    for (unsigned e = 2; e < XHCI_EPS; e++) {
        if ((control[0] | control[1]) >> e & 1) {
            clear_endpoint(x, slot, e);
            xhci_put_endpoint(x, slot, e);
        }
        if (control[1] >> e & 1) {
            start_endpoint(x, slot, e, w[e]);
        }
        last = xhci_ep(x, slot, e)->state ? e : last;
    }
    put_slot_state(x, slot, last > 1 ? SLOT_CONFIGURED : SLOT_ADDRESSED, last);
    return CODE_SUCCESS;
}

/* [XHCI] 4.6.7: exit latency and interrupter; packet size of endpoint 0. */
static enum trb_code evaluate(struct xhci *x, unsigned slot,
                              const struct trb *t)
{
    uint64_t input = t->parameter & ~UINT64_C(15);
    uint64_t output = x->slot[slot].context;
    uint32_t control[WORDS], in[WORDS], out[WORDS];

    if (x->slot[slot].state < SLOT_DEFAULT) {
        return CODE_CONTEXT_STATE;
    }
    if (!read_context(x, input, control) || control[0]) {
        return CODE_PARAMETER;
    }
    if (control[1] & 1 && read_context(x, input + CONTEXT, in) &&
        read_context(x, output, out)) {
        out[1] = (out[1] & 0xffff0000) | (in[1] & 0xffff);
        out[2] = (out[2] & 0x003fffff) | (in[2] & 0xffc00000);
        write_context(x, output, out);
    }
    if (control[1] & 2 && read_context(x, input + 2u * CONTEXT, in) &&
        read_context(x, output + CONTEXT, out)) {
        out[1] = (out[1] & 0xffff) | (in[1] & 0xffff0000);
        write_context(x, output + CONTEXT, out);
    }
    return CODE_SUCCESS;
}

static enum trb_code endpoint_command(struct xhci *x, unsigned slot,
                                      const struct trb *t)
{
    unsigned ep = t->control >> 16 & 0x1f;
    struct xhci_ep *e = xhci_ep(x, slot, ep);

    if (!ep) {
        return CODE_TRB;
    }
    if (e->state == EP_OFF) {
        return CODE_ENDPOINT_OFF;
    }
    switch (trb_type(t)) {
    case TRB_RESET_ENDPOINT:
        if (e->state != EP_HALTED) {
            return CODE_CONTEXT_STATE;
        }
        e->state = EP_STOPPED;
        break;
    case TRB_STOP_ENDPOINT:
        if (e->state != EP_RUNNING) {
            return CODE_CONTEXT_STATE;
        }
        xhci_report_stopped(x, slot, ep);
        e->state = EP_STOPPED;
        break;
    default: /* TRB_SET_DEQUEUE */
        if (e->state != EP_STOPPED && e->state != EP_ERROR) {
            return CODE_CONTEXT_STATE;
        }
        e->state = EP_STOPPED;
        e->dequeue = t->parameter & ~UINT64_C(15);
        e->cycle = t->parameter & 1;
        e->moved = 0;
        break;
    }
    xhci_put_endpoint(x, slot, ep);
    return CODE_SUCCESS;
}

/* [XHCI] 4.6.11 */
static enum trb_code reset_device(struct xhci *x, unsigned slot)
{
    if (x->slot[slot].state < SLOT_ADDRESSED) {
        return CODE_CONTEXT_STATE;
    }
    for (unsigned e = 2; e < XHCI_EPS; e++) {
        clear_endpoint(x, slot, e);
        xhci_put_endpoint(x, slot, e);
    }
    put_slot_state(x, slot, SLOT_DEFAULT, 1);
    return CODE_SUCCESS;
}

static enum trb_code slot_command(struct xhci *x, unsigned slot,
                                  const struct trb *t)
{
    if (slot == 0 || slot > x->slots) {
        return CODE_TRB;
    }
    if (!x->slot[slot].enabled) {
        return CODE_SLOT_OFF;
    }
    switch (trb_type(t)) {
    case TRB_DISABLE_SLOT:
        put_slot_state(x, slot, SLOT_ENABLED, 0);
        xhci_disable_slot(x, slot);
        return CODE_SUCCESS;
    case TRB_ADDRESS_DEVICE: return address_device(x, slot, t);
    case TRB_CONFIGURE: return configure(x, slot, t);
    case TRB_EVALUATE: return evaluate(x, slot, t);
    case TRB_RESET_DEVICE: return reset_device(x, slot);
    default: return endpoint_command(x, slot, t);
    }
}

static void run_command(struct xhci *x, const struct trb *t)
{
    unsigned slot = t->control >> 24;
    enum trb_code code = CODE_TRB;

    switch (trb_type(t)) {
    case TRB_ENABLE_SLOT: code = enable_slot(x, &slot); break;
    case TRB_COMMAND_NOOP: code = CODE_SUCCESS; break;
    case TRB_DISABLE_SLOT:
    case TRB_ADDRESS_DEVICE:
    case TRB_CONFIGURE:
    case TRB_EVALUATE:
    case TRB_RESET_ENDPOINT:
    case TRB_STOP_ENDPOINT:
    case TRB_SET_DEQUEUE:
    case TRB_RESET_DEVICE: code = slot_command(x, slot, t); break;
    default: break;
    }
    xhci_event(x, 0, TRB_COMMAND_EVENT, code, t->at, 0, slot << 24);
}

void xhci_run_commands(struct xhci *x)
{
    struct trb t;

    if (!(x->cmd & CMD_RUN)) {
        return;
    }
    x->crcr |= CRCR_RUNNING;
    for (unsigned i = 0; x->cmd & CMD_RUN && xhci_event_room(x, 0) &&
                         xhci_fetch(x, &x->command, &x->command_cycle, &t);
         i++) {
        run_command(x, &t);
        if (i == COMMANDS_MAX) {
            xhci_look_again(x);
            return;
        }
    }
}
