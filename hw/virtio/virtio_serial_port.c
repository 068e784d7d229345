/* SPDX-License-Identifier: MIT */
/*
 * virtconsole and virtserialport: what connects a port of virtio-serial to a
 * stream of the host.
 */
#include "hw/virtio/virtio_serial.h"

static struct vserial_port *port_of(struct dev *dev)
{
    return container_of(dev, struct vserial_port, dev);
}

static unsigned port_can_receive(void *opaque)
{
    return vserial_room(opaque);
}

static void port_receive(void *opaque, const uint8_t *buf, unsigned len)
{
    vserial_deliver(opaque, buf, len);
}

static void port_writable(void *opaque)
{
    vserial_send(opaque);
}

static void port_event(void *opaque, enum chardev_event event)
{
    struct vserial_port *p = opaque;
    bool open = event == CHARDEV_OPENED;

    if (event == CHARDEV_RESIZE) {
        vserial_tell_size(p);
        return;
    }
    if ((!open && event != CHARDEV_CLOSED) || p->console ||
        p->host_open == open) {
        return;
    }
    p->host_open = open;
    vserial_tell_open(p);
}

static bool port_realize(struct dev *dev, bool console, GError **error)
{
    struct vserial_port *p = port_of(dev);
    const struct chardev_front front = {.can_receive = port_can_receive,
                                        .receive = port_receive,
                                        .event = port_event,
                                        .writable = port_writable,
                                        .opaque = p};
    struct chardev *chr = NULL;

    if (!dev->bus) {
        dev->bus = bus_find(dev->machine, dev->type->bus, NULL);
    }
    if (!dev->bus) {
        return fail(error, "%s: want a -device virtio-serial before it",
                    dev_name(dev));
    }
    if (p->chardev_id) {
        chr = machine_backend(dev->machine, BACKEND_CHARDEV, p->chardev_id);
        if (!chr) {
            return fail(error, "%s: there is no chardev '%s'", dev_name(dev),
                        p->chardev_id);
        }
    }
    p->console = p->host_open = console;
    if (!vserial_plug(dev->bus->impl, p, error)) {
        return false;
    }
    if (chr && !chardev_attach(chr, &front, error)) {
        vserial_unplug(p);
        return false;
    }
    p->chr = chr;
    vserial_tell_size(p);
    return true;
}

static bool virtconsole_realize(struct dev *dev, GError **error)
{
    return port_realize(dev, true, error);
}

static bool virtserialport_realize(struct dev *dev, GError **error)
{
    return port_realize(dev, false, error);
}

static void port_unrealize(struct dev *dev)
{
    struct vserial_port *p = port_of(dev);

    if (p->chr) {
        chardev_detach(p->chr);
        p->chr = NULL;
    }
    vserial_unplug(p);
}

static const struct field port_props[] = {
    PROP_STR(struct vserial_port, chardev_id, "chardev", NULL),
    PROP_STR(struct vserial_port, name, "name", NULL),
    PROP(struct vserial_port, nr, UINT32_MAX),
    FIELD_END,
};

const struct dev_type virtconsole_type = {
    .name = "virtconsole",
    .desc = "console on virtio-serial",
    .bus = "virtio-serial-bus",
    .size = sizeof(struct vserial_port),
    .version = 1,
    .props = port_props,
    .realize = virtconsole_realize,
    .unrealize = port_unrealize,
};

const struct dev_type virtserialport_type = {
    .name = "virtserialport",
    .desc = "stream on virtio-serial",
    .bus = "virtio-serial-bus",
    .size = sizeof(struct vserial_port),
    .version = 1,
    .props = port_props,
    .realize = virtserialport_realize,
    .unrealize = port_unrealize,
};
