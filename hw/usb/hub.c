/* SPDX-License-Identifier: MIT */
/*
 * usb-hub: a full-speed hub of eight ports, each powered on its own. [USB2]
 * chapter 11.
 *
 * Not modelled: high speed with transaction translators, indicators,
 * over-current, the electrical tests.
 */
#include "hw/usb/hub.h"

#include <string.h>

enum { PORTS = 8 };

enum { /* wPortStatus and wPortChange. [USB2] tables 11-21, 11-22 */
       P_CONNECTION = 1 << 0,
       P_ENABLE = 1 << 1,
       P_SUSPEND = 1 << 2,
       P_RESET = 1 << 4,
       P_POWER = 1 << 8,
       P_LOW_SPEED = 1 << 9,
};

enum { /* feature selectors. [USB2] table 11-17 */
       F_ENABLE = 1,
       F_SUSPEND = 2,
       F_RESET = 4,
       F_POWER = 8,
       F_C_CONNECTION = 16,
       F_C_RESET = 20,
};

struct hub {
    struct usb_dev usb;
    struct usb_port port[PORTS];
    uint16_t status[PORTS], change[PORTS]; /* saved */
};

static struct hub *hub_of(struct dev *dev)
{
    return container_of(dev, struct hub, usb.dev);
}

/* --- the ports --- */

static void changed(struct hub *h, unsigned port, uint16_t bits)
{
    h->change[port] |= bits;
    usb_wakeup(&h->usb);
}

/* What is plugged in is seen where there is power. */
static void sense(struct hub *h, unsigned port)
{
    const struct usb_dev *d = h->port[port].dev;

    h->status[port] &= P_POWER;
    if (d && h->status[port]) {
        h->status[port] |=
            P_CONNECTION | (d->speed == USB_LOW ? P_LOW_SPEED : 0);
    }
}

static void hub_attach(struct usb_port *p)
{
    struct hub *h = p->opaque;

    sense(h, p->index);
    if (h->status[p->index] & P_CONNECTION) {
        changed(h, p->index, P_CONNECTION);
    }
}

static void hub_detach(struct usb_port *p)
{
    struct hub *h = p->opaque;
    uint16_t old = h->status[p->index];

    sense(h, p->index);
    changed(h, p->index, old & (P_CONNECTION | P_ENABLE));
}

/* [USB2] 11.4.4: resume comes from below. */
static void hub_wakeup(struct usb_port *p)
{
    struct hub *h = p->opaque;

    if (h->status[p->index] & P_SUSPEND) {
        h->status[p->index] &= (uint16_t)~P_SUSPEND;
        changed(h, p->index, P_SUSPEND);
    } else {
        usb_wakeup(&h->usb);
    }
}

static const struct usb_port_ops hub_port_ops = {
    .attach = hub_attach, .detach = hub_detach, .wakeup = hub_wakeup};

struct usb_dev *usb_hub_find(struct usb_dev *d, unsigned addr)
{
    struct usb_dev *found = NULL;

    if (d->dev.type == &usb_hub_type) {
        const struct hub *h = hub_of(&d->dev);

        for (unsigned i = 0; i < PORTS && !found; i++) {
            if ((h->status[i] & (P_ENABLE | P_SUSPEND)) == P_ENABLE) {
                found = usb_find(&h->port[i], addr);
            }
        }
    }
    return found;
}

/* --- class requests. [USB2] 11.24.2 --- */

static enum usb_status set_feature(struct hub *h, unsigned port, unsigned what)
{
    switch (what) {
    case F_POWER:
        if (!(h->status[port] & P_POWER)) {
            h->status[port] = P_POWER;
            hub_attach(&h->port[port]);
        }
        return USB_ACK;
    case F_RESET:
        if (h->status[port] & P_CONNECTION) {
            usb_port_reset(&h->port[port]);
            h->status[port] |= P_ENABLE;
            h->status[port] &= (uint16_t)~P_SUSPEND;
            changed(h, port, P_RESET);
        }
        return USB_ACK;
    case F_SUSPEND:
        if (h->status[port] & P_ENABLE) {
            h->status[port] |= P_SUSPEND;
        }
        return USB_ACK;
    default: return USB_STALL;
    }
}

static enum usb_status clear_feature(struct hub *h, unsigned port,
                                     unsigned what)
{
    if (what >= F_C_CONNECTION && what <= F_C_RESET) {
        h->change[port] &= (uint16_t) ~(1u << (what - F_C_CONNECTION));
        return USB_ACK;
    }
    switch (what) {
    case F_ENABLE: h->status[port] &= (uint16_t)~P_ENABLE; return USB_ACK;
    case F_SUSPEND:
        if (h->status[port] & P_SUSPEND) {
            h->status[port] &= (uint16_t)~P_SUSPEND;
            changed(h, port, P_SUSPEND);
        }
        return USB_ACK;
    case F_POWER: h->status[port] = 0; return USB_ACK;
    default: return USB_STALL;
    }
}

static enum usb_status get_descriptor(uint8_t *data, size_t *len)
{
    static const uint8_t hub_descriptor[] = {
        7 + 2 * (PORTS / 8 + 1),
        USB_DT_HUB,
        PORTS,
        0x09,
        0x00, /* power by the port, no over-current protection */
        1,    /* 2 ms until power is good */
        0,    /* mA of its own */
        0x00,
        0x00, /* all can be pulled out */
        0xff,
        0xff,
    };

    return usb_reply(hub_descriptor, sizeof(hub_descriptor), data, len);
}

static enum usb_status get_status(const struct hub *h,
                                  const struct usb_setup *s, uint8_t *data,
                                  size_t *len)
{
    uint8_t status[4] = {0};

    if (s->type & USB_TO_OTHER & 1) {
        stl_u16(status, h->status[s->index - 1]);
        stl_u16(status + 2, h->change[s->index - 1]);
    }
    return usb_reply(status, sizeof(status), data, len);
}

static enum usb_status hub_control(struct usb_dev *d, const struct usb_setup *s,
                                   uint8_t *data, size_t *len)
{
    struct hub *h = hub_of(&d->dev);
    bool to_port = (s->type & 0x1f) == USB_TO_OTHER;
    unsigned port = (s->index & 0xffu) - 1;

    if ((s->type & 0x60) != USB_CLASS || (to_port && port >= PORTS)) {
        return USB_STALL;
    }
    switch (s->request) {
    case USB_GET_DESCRIPTOR: return get_descriptor(data, len);
    case USB_GET_STATUS: return get_status(h, s, data, len);
    case USB_SET_FEATURE:
        return to_port ? set_feature(h, port, s->value) : USB_ACK;
    case USB_CLEAR_FEATURE:
        return to_port ? clear_feature(h, port, s->value) : USB_ACK;
    default: return USB_STALL;
    }
}

/* The status change endpoint: a bit for the hub, one for each port. */
static enum usb_status hub_data(struct usb_dev *d, struct usb_packet *p)
{
    const struct hub *h = hub_of(&d->dev);
    uint8_t bits[PORTS / 8 + 1];
    unsigned mask = 0;

    for (unsigned i = 0; i < PORTS; i++) {
        mask |= (h->change[i] ? 2u : 0) << i;
    }
    if (!mask) {
        return USB_NAK;
    }
    stl_u16(bits, (uint16_t)mask);
    p->done = MIN(p->len, sizeof(bits));
    memcpy(p->data, bits, p->done);
    return USB_ACK;
}

/* --- the device --- */

static void hub_bus_reset(struct usb_dev *d)
{
    struct hub *h = hub_of(&d->dev);

    memset(h->status, 0, sizeof(h->status));
    memset(h->change, 0, sizeof(h->change));
}

static const struct usb_endpoint endpoints[] = {
    {.address = 0x81, .type = USB_INTERRUPT, .max_packet = 2, .interval = 0xff},
};

static const struct usb_interface interfaces[] = {
    {.class = 9, .endpoint_count = 1, .endpoints = endpoints},
};

static const struct usb_layout layout = {
    .version = 0x0110,
    .class = 9,
    .max_packet0 = 8,
    .attributes = 0xe0,
    .interface_count = ARRAY_SIZE(interfaces),
    .interfaces = interfaces,
};

static const char *const strings[] = {"Rhea", "USB Hub", NULL};

static const struct usb_desc hub_desc = {
    .vendor = 0x0409,
    .product = 0x55aa,
    .release = 0x0101,
    .strings = strings,
    .layout = {[USB_FULL] = &layout},
};

static const struct usb_dev_ops hub_ops = {
    .control = hub_control, .data = hub_data, .reset = hub_bus_reset};

/* How deep a port lies: a path's dots. */
static unsigned depth(const struct usb_port *p)
{
    unsigned n = 1;

    for (const char *c = p->path; *c; c++) {
        n += *c == '.';
    }
    return n;
}

static bool hub_realize(struct dev *dev, GError **error)
{
    struct hub *h = hub_of(dev);

    if (!usb_dev_realize(&h->usb, &hub_desc, &hub_ops, error)) {
        return false;
    }
    if (depth(h->usb.port) > USB_HUB_DEPTH) {
        usb_dev_unrealize(&h->usb);
        return fail(error, "%s: at most %d hubs one behind the other",
                    dev_name(dev), USB_HUB_DEPTH);
    }
    for (unsigned i = 0; i < PORTS; i++) {
        struct usb_port *p = &h->port[i];

        p->ops = &hub_port_ops;
        p->opaque = h;
        p->index = i;
        p->speeds = 1u << USB_LOW | 1u << USB_FULL;
        usb_port_add(h->usb.port->bus, p, &h->usb);
    }
    return true;
}

/* What hangs on it goes with it. */
static void hub_unrealize(struct dev *dev)
{
    struct hub *h = hub_of(dev);

    for (unsigned i = 0; i < PORTS; i++) {
        if (h->port[i].dev) {
            dev_unrealize(&h->port[i].dev->dev);
        }
        usb_port_remove(&h->port[i]);
    }
    usb_dev_unrealize(&h->usb);
}

static void hub_reset(struct dev *dev)
{
    usb_dev_reset(&hub_of(dev)->usb);
}

static bool hub_check(struct dev *dev, GError **error)
{
    return usb_dev_check(&hub_of(dev)->usb, error);
}

static const struct field hub_props[] = {
    USB_PROPS(struct hub, usb),
    FIELD_END,
};

static const struct field hub_state[] = {
    USB_STATE(struct hub, usb),
    FIELD_ARRAY(struct hub, status),
    FIELD_ARRAY(struct hub, change),
    FIELD_END,
};

const struct dev_type usb_hub_type = {
    .name = "usb-hub",
    .desc = "USB hub of eight ports, full speed",
    .bus = "usb-bus",
    .size = sizeof(struct hub),
    .version = 1,
    .props = hub_props,
    .state = hub_state,
    .realize = hub_realize,
    .unrealize = hub_unrealize,
    .reset = hub_reset,
    .check = hub_check,
};
