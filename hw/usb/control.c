/* SPDX-License-Identifier: MIT */
/*
 * Transactions: the control endpoint with the requests that every device
 * serves ([USB2] 8.5.3, 9.4), halted endpoints, and everything else to the
 * device itself.
 *
 * Not modelled: isochronous timing, data toggles (controllers keep them),
 * test modes, link power management.
 */
#include <string.h>

#include "hw/usb/usb.h"

enum { FEATURE_HALT = 0, FEATURE_REMOTE_WAKEUP = 1, SELF_POWERED = 0x40 };
enum { U1_ENABLE = 48, U2_ENABLE = 49, LTM_ENABLE = 50, SUSPEND = 0 };

static const struct usb_layout *layout_of(const struct usb_dev *d)
{
    return d->desc->layout[d->speed];
}

static uint32_t halt_bit(unsigned ep)
{
    return 1u << ((ep & 15) + (ep & 0x80 ? 16 : 0));
}

static const struct usb_interface *interface_of(const struct usb_dev *d,
                                                unsigned number)
{
    const struct usb_layout *l = layout_of(d);

    for (unsigned i = 0; d->configuration && i < l->interface_count; i++) {
        if (l->interfaces[i].number == number && number < USB_INTERFACES &&
            l->interfaces[i].alternate == d->alternate[number]) {
            return &l->interfaces[i];
        }
    }
    return NULL;
}

const struct usb_endpoint *usb_endpoint(const struct usb_dev *d, unsigned ep,
                                        bool in)
{
    const struct usb_layout *l = layout_of(d);
    unsigned address = ep | (in ? 0x80u : 0);

    for (unsigned i = 0; d->configuration && i < l->interface_count; i++) {
        const struct usb_interface *f = &l->interfaces[i];

        for (unsigned e = 0;
             f == interface_of(d, f->number) && e < f->endpoint_count; e++) {
            if (f->endpoints[e].address == address) {
                return &f->endpoints[e];
            }
        }
    }
    return NULL;
}

enum usb_status usb_reply(const void *from, size_t from_len, uint8_t *data,
                          size_t *len)
{
    *len = MIN(*len, from_len);
    memcpy(data, from, *len);
    return USB_ACK;
}

static enum usb_status get_descriptor(const struct usb_dev *d,
                                      const struct usb_setup *s, uint8_t *data,
                                      size_t *len)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    if (!usb_desc_get(d->desc, d->speed, d->serial, s->value >> 8,
                      s->value & 0xff, bytes)) {
        return USB_STALL;
    }
    return usb_reply(bytes->data, bytes->len, data, len);
}

static enum usb_status get_status(const struct usb_dev *d,
                                  const struct usb_setup *s, uint8_t *data,
                                  size_t *len)
{
    unsigned to = s->type & 0x1f;
    uint8_t status[2] = {0};

    if (to == 0) {
        status[0] =
            (uint8_t)((layout_of(d)->attributes & SELF_POWERED ? 1 : 0) |
                      d->remote_wakeup << 1);
    } else if (to == USB_TO_ENDPOINT) {
        status[0] = (d->halted & halt_bit(s->index)) != 0;
    }
    return usb_reply(status, sizeof(status), data, len);
}

static enum usb_status set_configuration(struct usb_dev *d, unsigned value)
{
    if (value > 1) {
        return USB_STALL;
    }
    d->configuration = (uint8_t)value;
    d->halted = 0;
    memset(d->alternate, 0, sizeof(d->alternate));
    if (d->ops->configured) {
        d->ops->configured(d);
    }
    return USB_ACK;
}

static enum usb_status set_interface(struct usb_dev *d, unsigned number,
                                     unsigned alternate)
{
    const struct usb_layout *l = layout_of(d);

    for (unsigned i = 0; d->configuration && i < l->interface_count; i++) {
        if (l->interfaces[i].number == number &&
            l->interfaces[i].alternate == alternate) {
            d->alternate[number] = (uint8_t)alternate;
            for (unsigned e = 0; e < l->interfaces[i].endpoint_count; e++) {
                d->halted &= ~halt_bit(l->interfaces[i].endpoints[e].address);
            }
            if (d->ops->configured) {
                d->ops->configured(d);
            }
            return USB_ACK;
        }
    }
    return USB_STALL;
}

static enum usb_status endpoint_feature(struct usb_dev *d, unsigned ep,
                                        unsigned feature, bool set)
{
    if (feature != FEATURE_HALT ||
        ((ep & 15) && !usb_endpoint(d, ep & 15, ep & 0x80))) {
        return USB_STALL;
    }
    if (set && (ep & 15)) {
        d->halted |= halt_bit(ep);
    } else {
        d->halted &= ~halt_bit(ep);
        if (d->ops->unhalted) {
            d->ops->unhalted(d, ep);
        }
    }
    return USB_ACK;
}

static enum usb_status change_feature(struct usb_dev *d,
                                      const struct usb_setup *s, bool set)
{
    switch (s->type & 0x1f) {
    case 0:
        if (s->value == FEATURE_REMOTE_WAKEUP) {
            d->remote_wakeup = set;
            return USB_ACK;
        }
        return d->speed == USB_SUPER && s->value >= U1_ENABLE &&
                       s->value <= LTM_ENABLE
                   ? USB_ACK
                   : USB_STALL;
    case USB_TO_INTERFACE: /* [USB3] 9.4.9: FUNCTION_SUSPEND */
        return d->speed == USB_SUPER && s->value == SUSPEND ? USB_ACK
                                                            : USB_STALL;
    case USB_TO_ENDPOINT: return endpoint_feature(d, s->index, s->value, set);
    default: return USB_STALL;
    }
}

static enum usb_status get_interface(const struct usb_dev *d,
                                     const struct usb_setup *s, uint8_t *data,
                                     size_t *len)
{
    if (!interface_of(d, s->index)) {
        return USB_STALL;
    }
    return usb_reply(&d->alternate[s->index], 1, data, len);
}

/* [USB2] 9.4. What no device has otherwise goes to the device. */
static enum usb_status standard(struct usb_dev *d, const struct usb_setup *s,
                                uint8_t *data, size_t *len)
{
    switch (s->request) {
    case USB_GET_STATUS: return get_status(d, s, data, len);
    case USB_CLEAR_FEATURE: return change_feature(d, s, false);
    case USB_SET_FEATURE: return change_feature(d, s, true);
    case USB_SET_ADDRESS:
        d->addr = s->value & 0x7f;
        return s->value < 0x80 ? USB_ACK : USB_STALL;
    case USB_GET_DESCRIPTOR:
        return (s->type & 0x1f) == 0 ? get_descriptor(d, s, data, len)
                                     : USB_STALL;
    case USB_GET_CONFIGURATION:
        return usb_reply(&d->configuration, 1, data, len);
    case USB_SET_CONFIGURATION: return set_configuration(d, s->value);
    case USB_GET_INTERFACE: return get_interface(d, s, data, len);
    case USB_SET_INTERFACE: return set_interface(d, s->index, s->value);
    case USB_SET_SEL:
    case USB_SET_ISOCH_DELAY:
        return d->speed == USB_SUPER ? USB_ACK : USB_STALL;
    default: return USB_STALL;
    }
}

static enum usb_status request(struct usb_dev *d, uint8_t *data, size_t *len)
{
    const struct usb_setup s = {
        .type = d->setup[0],
        .request = d->setup[1],
        .value = ldl_u16(d->setup + 2),
        .index = ldl_u16(d->setup + 4),
        .length = ldl_u16(d->setup + 6),
    };
    enum usb_status status = USB_STALL;

    if (d->ops->control) {
        status = d->ops->control(d, &s, data, len);
    }
    if (status == USB_STALL && (s.type & 0x60) == 0) {
        status = standard(d, &s, data, len);
    }
    return status;
}

static enum usb_status control_setup(struct usb_dev *d, struct usb_packet *p)
{
    unsigned length;

    d->stage = CONTROL_IDLE;
    if (p->len != sizeof(d->setup)) {
        return USB_SILENT;
    }
    memcpy(d->setup, p->data, sizeof(d->setup));
    p->done = p->len;
    length = ldl_u16(d->setup + 6);
    d->control_at = 0;
    d->control_len = (uint16_t)MIN(length, sizeof(d->control_data));
    d->stage = length == 0                 ? CONTROL_ACK
               : d->setup[0] & USB_TO_HOST ? CONTROL_IN
               : length > USB_CONTROL_MAX  ? CONTROL_IDLE
                                           : CONTROL_OUT;
    if (d->stage == CONTROL_IN) {
        size_t len = d->control_len;
        enum usb_status status = request(d, d->control_data, &len);

        d->control_len = (uint16_t)len;
        if (status != USB_ACK) {
            d->stage = CONTROL_IDLE; /* the data stage stalls */
        }
    }
    return USB_ACK;
}

/* The data stage, or the status stage of a request without data or of one
 * that sent some. */
static enum usb_status control_in(struct usb_dev *d, struct usb_packet *p)
{
    size_t len = d->control_at;
    enum usb_status status;

    if (d->stage == CONTROL_IN) {
        p->done = MIN(p->len, (size_t)(d->control_len - d->control_at));
        memcpy(p->data, d->control_data + d->control_at, p->done);
        d->control_at = (uint16_t)(d->control_at + p->done);
        return USB_ACK;
    }
    if (d->stage != CONTROL_ACK && d->stage != CONTROL_OUT) {
        return USB_STALL;
    }
    status = request(d, d->control_data, &len);
    if (status != USB_NAK) {
        d->stage = CONTROL_IDLE;
    }
    return status;
}

static enum usb_status control_out(struct usb_dev *d, struct usb_packet *p)
{
    if (d->stage == CONTROL_IN) { /* the status stage */
        d->stage = CONTROL_IDLE;
        p->done = p->len;
        return USB_ACK;
    }
    if (d->stage != CONTROL_OUT ||
        p->len > (size_t)(d->control_len - d->control_at)) {
        d->stage = CONTROL_IDLE;
        return USB_STALL;
    }
    memcpy(d->control_data + d->control_at, p->data, p->len);
    d->control_at = (uint16_t)(d->control_at + p->len);
    p->done = p->len;
    return USB_ACK;
}

static enum usb_status endpoint_data(struct usb_dev *d, struct usb_packet *p)
{
    bool in = p->pid == USB_IN;
    unsigned ep = p->ep | (in ? 0x80u : 0);
    enum usb_status status;

    if (!usb_endpoint(d, p->ep, in)) {
        return USB_SILENT;
    }
    if (d->halted & halt_bit(ep)) {
        return USB_STALL;
    }
    status = d->ops->data(d, p);
    if (status == USB_STALL) {
        d->halted |= halt_bit(ep);
    }
    return status;
}

enum usb_status usb_transact(struct usb_dev *d, struct usb_packet *p)
{
    p->done = 0;
    if (!d || p->ep > 15) {
        return USB_SILENT;
    }
    if (p->ep) {
        return p->pid == USB_SETUP ? USB_SILENT : endpoint_data(d, p);
    }
    switch (p->pid) {
    case USB_SETUP: return control_setup(d, p);
    case USB_IN: return control_in(d, p);
    default: return control_out(d, p);
    }
}

static unsigned packet_size(const struct usb_dev *d, const struct usb_packet *p)
{
    const struct usb_endpoint *e;

    if (p->ep == 0) {
        unsigned max = layout_of(d)->max_packet0;

        return d->speed == USB_SUPER ? 1u << max : max;
    }
    e = usb_endpoint(d, p->ep, p->pid == USB_IN);
    return e ? e->max_packet & 0x7ff : 64;
}

enum usb_status usb_transfer(struct usb_dev *d, struct usb_packet *p)
{
    const struct usb_endpoint *e =
        d && p->ep ? usb_endpoint(d, p->ep, p->pid == USB_IN) : NULL;
    unsigned size = d ? packet_size(d, p) : 0;
    bool whole = e && e->type == USB_BULK;
    enum usb_status status = USB_SILENT;
    struct usb_packet part = *p;

    p->done = 0;
    if (!d || size == 0) {
        return USB_SILENT;
    }
    do {
        part.data = p->data + p->done;
        part.len = p->len - p->done;
        if (!whole) {
            part.len = MIN(part.len, size);
        }
        status = usb_transact(d, &part);
        p->done += part.done;
    } while (status == USB_ACK && p->done < p->len && part.done &&
             part.done % size == 0);
    return status;
}
