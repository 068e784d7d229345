/* SPDX-License-Identifier: MIT */
/* Ports, and what is plugged into them. */
#include <string.h>

#include "hw/usb/hub.h"
#include "hw/usb/usb.h"

static const char *const speed_names[] = {[USB_LOW] = "1.5",
                                          [USB_FULL] = "12",
                                          [USB_HIGH] = "480",
                                          [USB_SUPER] = "5000"};

struct usb_bus *usb_bus_new(struct dev *controller)
{
    struct usb_bus *bus = g_new0(struct usb_bus, 1);

    bus->ports = g_ptr_array_new();
    bus->bus = bus_new_numbered(controller, "usb-bus", "usb-bus", bus);
    return bus;
}

void usb_bus_free(struct usb_bus *bus)
{
    while (bus->ports->len) {
        usb_port_remove(bus->ports->pdata[bus->ports->len - 1]);
    }
    g_ptr_array_free(bus->ports, TRUE);
    bus->bus->impl = NULL;
    g_free(bus);
}

void usb_port_add(struct usb_bus *bus, struct usb_port *p, struct usb_dev *hub)
{
    p->bus = bus;
    p->hub = hub;
    p->dev = NULL;
    p->path = hub && hub->port
                  ? g_strdup_printf("%s.%u", hub->port->path, p->index + 1)
                  : g_strdup_printf("%u", p->index + 1);
    g_ptr_array_add(bus->ports, p);
}

static void unplug(struct usb_dev *d)
{
    struct usb_port *p = d->port;

    if (p) {
        d->port = NULL;
        p->dev = NULL;
        p->ops->detach(p);
    }
}

void usb_port_remove(struct usb_port *p)
{
    if (p->bus) {
        if (p->dev) {
            unplug(p->dev);
        }
        g_ptr_array_remove(p->bus->ports, p);
        p->bus = NULL;
    }
    g_clear_pointer(&p->path, g_free);
}

struct usb_dev *usb_find(const struct usb_port *p, unsigned addr)
{
    struct usb_dev *d = p->dev;

    if (!d || d->addr == addr) {
        return d;
    }
    return usb_hub_find(d, addr);
}

enum usb_speed usb_common_speed(const struct usb_port *p,
                                const struct usb_desc *desc)
{
    for (int s = USB_SUPER; s >= USB_LOW; s--) {
        if (desc->layout[s] && p->speeds >> s & 1) {
            return (enum usb_speed)s;
        }
    }
    return USB_SPEEDS;
}

static struct usb_port *bus_port(const struct usb_bus *bus, const char *path,
                                 const struct usb_desc *desc)
{
    struct usb_port *best = NULL;

    for (guint i = 0; i < bus->ports->len; i++) {
        struct usb_port *p = bus->ports->pdata[i];
        enum usb_speed s = usb_common_speed(p, desc);

        if (path && strcmp(p->path, path) == 0) {
            return p;
        }
        if (path || p->dev || s == USB_SPEEDS) {
            continue;
        }
        if (!best || s > usb_common_speed(best, desc)) {
            best = p;
        }
    }
    return best;
}

/* How many more devices like this one the bus takes. */
static unsigned bus_free(const struct usb_bus *bus, const struct usb_desc *desc)
{
    unsigned n = 0;

    for (guint i = 0; i < bus->ports->len; i++) {
        const struct usb_port *p = bus->ports->pdata[i];

        n += !p->dev && usb_common_speed(p, desc) != USB_SPEEDS;
    }
    return n;
}

/* The last free port gets a hub, so that there is always one more. */
static void grow(struct usb_dev *d, struct usb_bus *bus)
{
    struct dev *hub;

    if (d->dev.type == &usb_hub_type || bus_free(bus, d->desc) != 1) {
        return;
    }
    hub = dev_new(d->dev.machine, &usb_hub_type, NULL);
    hub->bus = bus->bus;
    if (!dev_realize(hub, NULL)) {
        dev_free(hub);
    }
}

/* The bus of the option bus=, or the first one with a port for it. */
static struct usb_port *choose_port(struct usb_dev *d, GError **error)
{
    struct machine *m = d->dev.machine;
    struct usb_port *p = NULL;
    unsigned buses = 0;

    for (guint i = 0; i < m->buses->len && !p; i++) {
        struct bus *b = m->buses->pdata[i];

        if (strcmp(b->kind, "usb-bus") == 0 && b->impl &&
            (!d->dev.bus || d->dev.bus == b)) {
            buses++;
            if (!d->port_path) {
                grow(d, b->impl);
            }
            p = bus_port(b->impl, d->port_path, d->desc);
        }
    }
    if (p) {
        return p;
    }
    if (!buses) {
        fail(error,
             "%s: there is no USB controller; -usb or -device "
             "qemu-xhci gives one",
             dev_name(&d->dev));
    } else if (d->port_path) {
        fail(error, "%s: there is no USB port '%s'; `info usb` shows them",
             dev_name(&d->dev), d->port_path);
    } else {
        fail(error, "%s: no USB port of a speed that it has is free",
             dev_name(&d->dev));
    }
    return NULL;
}

bool usb_dev_realize(struct usb_dev *d, const struct usb_desc *desc,
                     const struct usb_dev_ops *ops, GError **error)
{
    struct usb_port *p;

    d->desc = desc;
    d->ops = ops;
    p = choose_port(d, error);
    if (!p) {
        return false;
    }
    if (p->dev) {
        return fail(error, "%s: USB port '%s' has a %s already",
                    dev_name(&d->dev), p->path, p->dev->dev.type->name);
    }
    d->speed = usb_common_speed(p, desc);
    if (d->speed == USB_SPEEDS) {
        return fail(error, "%s: USB port '%s' does not have its speed",
                    dev_name(&d->dev), p->path);
    }
    d->dev.bus = p->bus->bus;
    d->port = p;
    p->dev = d;
    p->ops->attach(p);
    return true;
}

void usb_dev_unrealize(struct usb_dev *d)
{
    unplug(d);
}

void usb_dev_reset(struct usb_dev *d)
{
    d->addr = 0;
    d->configuration = 0;
    d->halted = 0;
    d->remote_wakeup = false;
    d->stage = CONTROL_IDLE;
    d->control_len = d->control_at = 0;
    memset(d->alternate, 0, sizeof(d->alternate));
    memset(d->setup, 0, sizeof(d->setup));
    memset(d->control_data, 0, sizeof(d->control_data));
    if (d->ops->reset) {
        d->ops->reset(d);
    }
    if (d->ops->configured) {
        d->ops->configured(d);
    }
}

void usb_port_reset(struct usb_port *p)
{
    if (p->dev) {
        usb_dev_reset(p->dev);
    }
}

bool usb_dev_check(struct usb_dev *d, GError **error)
{
    return (d->addr < 0x80 && d->configuration <= 1 &&
            d->stage <= CONTROL_ACK && d->control_len <= USB_CONTROL_MAX &&
            d->control_at <= d->control_len) ||
           fail(error, "%s: its USB state is out of range", dev_name(&d->dev));
}

void usb_ready(struct usb_dev *d)
{
    const struct usb_dev *top = d;

    while (top->port && top->port->hub) {
        top = top->port->hub;
    }
    if (top->port && top->port->ops->ready) {
        top->port->ops->ready(top->port, d);
    }
}

void usb_wakeup(struct usb_dev *d)
{
    if (d->remote_wakeup && d->port && d->port->ops->wakeup) {
        d->port->ops->wakeup(d->port);
    }
    usb_ready(d);
}

static void print_bus(const struct usb_bus *bus, unsigned n, GString *out)
{
    for (guint i = 0; i < bus->ports->len; i++) {
        const struct usb_port *p = bus->ports->pdata[i];
        const struct usb_dev *d = p->dev;

        if (d) {
            g_string_append_printf(
                out, "  Device %u.%u, Port %s, Speed %s Mb/s, Product %s", n,
                d->addr, p->path, speed_names[d->speed],
                d->desc->strings[STR_PRODUCT - 1]);
            if (d->dev.id) {
                g_string_append_printf(out, ", ID: %s", d->dev.id);
            }
            g_string_append_c(out, '\n');
        }
    }
}

void usb_print(struct machine *m, GString *out)
{
    unsigned n = 0;

    for (guint i = 0; i < m->buses->len; i++) {
        const struct bus *b = m->buses->pdata[i];

        if (strcmp(b->kind, "usb-bus") == 0 && b->impl) {
            print_bus(b->impl, n++, out);
        }
    }
    if (n == 0) {
        g_string_append(out, "USB support not enabled\n");
    }
}
