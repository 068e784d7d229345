/* SPDX-License-Identifier: MIT */
/* virtio-serial-pci, and the ports that plug into it. */
#ifndef HW_VIRTIO_VIRTIO_SERIAL_H
#define HW_VIRTIO_VIRTIO_SERIAL_H

#include "base/chardev.h"
#include "hw/virtio/virtio_pci.h"

enum { VSERIAL_PORTS = 31 };

struct virtio_serial;

/* A port; its state is the controller's. */
struct vserial_port {
    struct dev dev;
    char *chardev_id, *name;
    uint32_t nr; /* property, then the port's number */
    struct virtio_serial *serial;
    struct chardev *chr; /* NULL: nobody is at the other end */
    bool console;
    bool host_open;
};

struct virtio_serial {
    struct virtio_pci proxy;
    struct virtio v;
    struct bus *bus;
    struct vserial_port *port[VSERIAL_PORTS];

    uint32_t max_ports;
    bool emergency_write;

    /* saved */
    uint8_t todo[VSERIAL_PORTS];  /* control messages to be sent */
    uint32_t guest_open;          /* a bit each port */
    uint64_t sent[VSERIAL_PORTS]; /* bytes of the buffer under way */
    uint32_t blocked; /* ports whose stream has no room, a bit each */
};

extern const struct dev_type virtio_serial_types[VIRTIO_PCI_VARIANTS];
extern const struct dev_type virtconsole_type, virtserialport_type;

/* --- between virtio_serial.c and virtio_serial_port.c --- */

static inline unsigned vserial_rx_queue(unsigned port)
{
    return port ? 2 * port + 2 : 0; /* 2 and 3 are the control queues */
}
/* The size of a console, or its state of being open, has changed. */
void vserial_tell_open(struct vserial_port *p);
void vserial_tell_size(struct vserial_port *p);
/* Does the guest have the port open? */
bool vserial_guest_open(const struct vserial_port *p);
/* Bytes that the guest would take; puts some where it wants them. */
unsigned vserial_room(struct vserial_port *p);
void vserial_deliver(struct vserial_port *p, const uint8_t *data, unsigned len);
/* Goes on with what the stream had no room for. */
void vserial_send(struct vserial_port *p);
/* The port comes, with its number or a free one; it goes. */
bool vserial_plug(struct virtio_serial *s, struct vserial_port *p,
                  GError **error);
void vserial_unplug(struct vserial_port *p);

#endif
