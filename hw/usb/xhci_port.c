/* SPDX-License-Identifier: MIT */
/* The root hub of an xHCI. [XHCI] 4.19, 5.4.8. */
#include "hw/usb/xhci_regs.h"

static bool is_super(const struct xhci *x, unsigned port)
{
    return port >= x->p2;
}

struct usb_port *xhci_connector(struct xhci *x, unsigned port)
{
    return &x->connector[is_super(x, port) ? port - x->p2 : port];
}

/* The port of the root hub on which a device appears. */
static unsigned port_of(const struct xhci *x, const struct usb_port *p)
{
    return p->dev && p->dev->speed == USB_SUPER ? x->p2 + p->index : p->index;
}

/* [XHCI] 4.19.2: an event where a change bit goes from 0 to 1. */
static void changed(struct xhci *x, unsigned port, uint32_t bits)
{
    if ((x->portsc[port] & bits) == bits) {
        return;
    }
    x->portsc[port] |= bits;
    x->sts |= STS_PORT;
    xhci_event(x, 0, TRB_PORT_EVENT, CODE_SUCCESS, (uint64_t)(port + 1) << 24,
               0, 0);
}

static void set_link(struct xhci *x, unsigned port, unsigned state)
{
    x->portsc[port] =
        (x->portsc[port] & ~(uint32_t)PORT_LINK) | state << PORT_LINK_SHIFT;
}

static unsigned link_of(const struct xhci *x, unsigned port)
{
    return (x->portsc[port] & PORT_LINK) >> PORT_LINK_SHIFT;
}

/* A USB 3 link trains by itself, a USB 2 port waits for its reset. */
static void connect(struct xhci *x, unsigned port)
{
    static const uint8_t speeds[] = {
        [USB_FULL] = 1, [USB_LOW] = 2, [USB_HIGH] = 3, [USB_SUPER] = 4};
    const struct usb_dev *d = xhci_connector(x, port)->dev;

    x->portsc[port] &= ~(uint32_t)(PORT_CONNECT | PORT_ENABLE | PORT_SPEED);
    set_link(x, port, LINK_DETECT);
    if (!d || (d->speed == USB_SUPER) != is_super(x, port)) {
        return;
    }
    x->portsc[port] |= PORT_CONNECT | (uint32_t)speeds[d->speed]
                                          << PORT_SPEED_SHIFT;
    if (is_super(x, port)) {
        x->portsc[port] |= PORT_ENABLE;
        set_link(x, port, LINK_U0);
    } else {
        set_link(x, port, LINK_POLLING);
    }
}

static void xhci_attach(struct usb_port *p)
{
    struct xhci *x = p->opaque;
    unsigned port = port_of(x, p);

    connect(x, port);
    changed(x, port, PORT_CONNECT_CHANGE);
}

static void xhci_detach(struct usb_port *p)
{
    struct xhci *x = p->opaque;
    unsigned ports[] = {p->index, x->p2 + p->index};

    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        if (ports[i] < (i ? x->p2 + x->p3 : x->p2) &&
            x->portsc[ports[i]] & PORT_CONNECT) {
            connect(x, ports[i]);
            changed(x, ports[i], PORT_CONNECT_CHANGE);
        }
    }
    xhci_look_again(x); /* their transfers fail */
}

static void xhci_ready(struct usb_port *p, struct usb_dev *d)
{
    struct xhci *x = p->opaque;
    bool inside = x->inside; /* within a transfer of its own */

    if (!inside) {
        x->inside = true;
        x->steps = 0;
    }
    for (unsigned s = 1; s <= x->slots; s++) {
        if (x->slot[s].enabled && d == xhci_device(x, s)) {
            xhci_kick_all(x, s);
        }
    }
    x->inside = inside;
}

static void xhci_wakeup(struct usb_port *p)
{
    struct xhci *x = p->opaque;
    unsigned port = port_of(x, p);

    if (link_of(x, port) == LINK_U3) {
        set_link(x, port, LINK_RESUME);
        changed(x, port, PORT_LINK_CHANGE);
    }
}

const struct usb_port_ops xhci_port_ops = {
    .attach = xhci_attach,
    .detach = xhci_detach,
    .ready = xhci_ready,
    .wakeup = xhci_wakeup,
};

void xhci_ports_reset(struct xhci *x)
{
    for (unsigned i = 0; i < x->p2 + x->p3; i++) {
        x->portsc[i] = PORT_POWER;
        connect(x, i);
        if (x->portsc[i] & PORT_CONNECT) {
            x->portsc[i] |= PORT_CONNECT_CHANGE;
        }
    }
}

static void reset_port(struct xhci *x, unsigned port, bool warm)
{
    if (!(x->portsc[port] & PORT_CONNECT)) {
        return;
    }
    usb_port_reset(xhci_connector(x, port));
    x->portsc[port] |= PORT_ENABLE;
    set_link(x, port, LINK_U0);
    changed(x, port,
            PORT_RESET_CHANGE |
                (warm && is_super(x, port) ? PORT_WARM_CHANGE : 0u));
}

/* [XHCI] 5.4.8 "port link state": what software may ask for. */
static void ask_link(struct xhci *x, unsigned port, unsigned state)
{
    unsigned old = link_of(x, port);

    if (state == LINK_U3 && old == LINK_U0 && x->portsc[port] & PORT_ENABLE) {
        set_link(x, port, LINK_U3);
    } else if (state == LINK_RESUME && old == LINK_U3 && !is_super(x, port)) {
        set_link(x, port, LINK_RESUME);
    } else if (state == LINK_U0 && (old == LINK_U3 || old == LINK_RESUME)) {
        set_link(x, port, LINK_U0);
        changed(x, port, PORT_LINK_CHANGE);
    } else if (state == LINK_DETECT && is_super(x, port)) {
        connect(x, port);
    }
}

void xhci_write_portsc(struct xhci *x, unsigned port, uint32_t v)
{
    x->portsc[port] &= ~(v & PORT_CHANGES);
    x->portsc[port] =
        (x->portsc[port] & ~(uint32_t)PORT_STORED) | (v & PORT_STORED);
    if (v & PORT_ENABLE) { /* writing 1 disables */
        x->portsc[port] &= ~(uint32_t)PORT_ENABLE;
    }
    if (v & (PORT_RESET | PORT_WARM_RESET)) {
        reset_port(x, port, v & PORT_WARM_RESET);
    } else if (v & PORT_LINK_WRITE) {
        ask_link(x, port, (v & PORT_LINK) >> PORT_LINK_SHIFT);
    }
}
