/* SPDX-License-Identifier: MIT */
/*
 * USB between host controllers and devices: ports, devices, transactions.
 * [USB2] Universal Serial Bus Specification 2.0; [USB3] 3.0 for SuperSpeed.
 *
 * A transaction is a synchronous call: a device that is not ready answers
 * USB_NAK, as on the wire, and calls usb_ready() when asking again is worth it.
 * So nothing is ever in flight, and unplugging, cancelling and saving need no
 * care. A device embeds struct usb_dev first and calls usb_dev_realize() in its
 * realize. Machine lock held in all calls.
 */
#ifndef HW_USB_USB_H
#define HW_USB_USB_H

#include "hw/core/machine.h"
#include "hw/usb/desc.h"

enum usb_pid { USB_OUT = 0xe1, USB_IN = 0x69, USB_SETUP = 0x2d };

enum usb_status {
    USB_ACK,
    USB_NAK,    /* not now */
    USB_STALL,  /* the endpoint is halted; the request is not supported */
    USB_BABBLE, /* the device has more than was asked for */
    USB_SILENT, /* nobody answers: CRC error, timeout */
};

/*
 * IN: the device fills up to `len` bytes, OUT: it takes them; `done` says how
 * many. More than one packet's worth may be asked for on bulk endpoints; a
 * short packet (done no multiple of the packet size, 0 included) ends what the
 * device has to say.
 */
struct usb_packet {
    uint8_t pid;
    uint8_t ep; /* 0..15 */
    uint8_t *data;
    size_t len, done;
};

/* The eight bytes of a SETUP. [USB2] table 9-2 */
struct usb_setup {
    uint8_t type, request;
    uint16_t value, index, length;
};

enum { /* usb_setup.type */
       USB_TO_HOST = 0x80,
       USB_CLASS = 0x20,
       USB_VENDOR = 0x40,
       USB_TO_INTERFACE = 1,
       USB_TO_ENDPOINT = 2,
       USB_TO_OTHER = 3,
};

enum { /* standard requests. [USB2] table 9-4 */
       USB_GET_STATUS = 0,
       USB_CLEAR_FEATURE = 1,
       USB_SET_FEATURE = 3,
       USB_SET_ADDRESS = 5,
       USB_GET_DESCRIPTOR = 6,
       USB_SET_DESCRIPTOR = 7,
       USB_GET_CONFIGURATION = 8,
       USB_SET_CONFIGURATION = 9,
       USB_GET_INTERFACE = 10,
       USB_SET_INTERFACE = 11,
       USB_SYNCH_FRAME = 12,
       USB_SET_SEL = 48,
       USB_SET_ISOCH_DELAY = 49,
};

enum { USB_CONTROL_MAX = 4096, USB_INTERFACES = 8, USB_HUB_DEPTH = 5 };

struct usb_dev;
struct usb_bus;
struct usb_port;

/* What a kind of device does; any but data() may be NULL. */
struct usb_dev_ops {
    /* Requests that the core does not serve. data: what the host sent, or room
     * for *len bytes. USB_STALL: no such request. */
    enum usb_status (*control)(struct usb_dev *d, const struct usb_setup *s,
                               uint8_t *data, size_t *len);
    /* Endpoints 1 to 15 of the present configuration. */
    enum usb_status (*data)(struct usb_dev *d, struct usb_packet *p);
    void (*reset)(struct usb_dev *d); /* by the bus */
    /* A configuration or an alternate setting was chosen. */
    void (*configured)(struct usb_dev *d);
    /* CLEAR_FEATURE(ENDPOINT_HALT); ep: 0x80 for IN */
    void (*unhalted)(struct usb_dev *d, unsigned ep);
};

enum usb_control_stage { CONTROL_IDLE, CONTROL_IN, CONTROL_OUT, CONTROL_ACK };

struct usb_dev {
    struct dev dev;
    const struct usb_desc *desc;
    const struct usb_dev_ops *ops;
    struct usb_port *port; /* NULL: plugged into nothing */
    enum usb_speed speed;
    char *port_path; /* property "port": "2", "1.3" */
    char *serial;    /* property "serial" */

    /* saved */
    uint8_t addr;
    uint8_t configuration; /* 0: none */
    uint8_t alternate[USB_INTERFACES];
    uint32_t halted; /* bits 0-15 OUT, 16-31 IN endpoints */
    bool remote_wakeup;
    uint8_t setup[8];
    uint8_t stage; /* enum usb_control_stage */
    uint16_t control_len, control_at;
    uint8_t control_data[USB_CONTROL_MAX];
};

/* clang-format off */
#define USB_PROPS(type, m) \
    PROP_STR(type, m.port_path, "port", NULL), \
    PROP_STR(type, m.serial, "serial", NULL)
#define USB_STATE(type, m) \
    FIELD_AS(type, m.addr, "addr"), \
    FIELD_AS(type, m.configuration, "configuration"), \
    FIELD_AS_ARRAY(type, m.alternate, "alternate"), \
    FIELD_AS(type, m.halted, "halted"), \
    FIELD_AS(type, m.remote_wakeup, "remote_wakeup"), \
    FIELD_AS_ARRAY(type, m.setup, "setup"), \
    FIELD_AS(type, m.stage, "stage"), \
    FIELD_AS(type, m.control_len, "control_len"), \
    FIELD_AS(type, m.control_at, "control_at"), \
    FIELD_AS_ARRAY(type, m.control_data, "control_data")
/* clang-format on */

/* What the owner of a port hears. */
struct usb_port_ops {
    void (*attach)(struct usb_port *p);
    void (*detach)(struct usb_port *p); /* p->dev is NULL already */
    /* Root ports: some device below may have something to say. */
    void (*ready)(struct usb_port *p, struct usb_dev *d);
    void (*wakeup)(struct usb_port *p); /* resume signalling from below */
};

struct usb_port {
    const struct usb_port_ops *ops;
    void *opaque;
    unsigned index;
    unsigned speeds; /* bits 1 << enum usb_speed */
    struct usb_bus *bus;
    struct usb_dev *dev; /* what is plugged in, or NULL */
    struct usb_dev *hub; /* whose port it is; NULL: a root port */
    char *path;          /* "1", "1.3" */
};

struct usb_bus {
    struct bus *bus;
    GPtrArray *ports; /* struct usb_port *, hubs' ports too */
};

/* --- controllers and hubs --- */

/* "usb-bus.N", or "ID.0" where the controller has an id. */
struct usb_bus *usb_bus_new(struct dev *controller);
void usb_bus_free(struct usb_bus *bus); /* pulls every plug first */
/* opaque, ops, index and speeds are set; `hub` NULL: a root port. */
void usb_port_add(struct usb_bus *bus, struct usb_port *p, struct usb_dev *hub);
void usb_port_remove(struct usb_port *p);
/* The fastest speed that a port and a device have; USB_SPEEDS: none. */
enum usb_speed usb_common_speed(const struct usb_port *p,
                                const struct usb_desc *desc);
/* The device with an address at or below a port; NULL: none. */
struct usb_dev *usb_find(const struct usb_port *p, unsigned addr);
/* Reset signalling: the device is at address 0 again. */
void usb_port_reset(struct usb_port *p);
/* One transaction; d may be NULL (nobody answers). */
enum usb_status usb_transact(struct usb_dev *d, struct usb_packet *p);
/* Transactions until len is moved, a short packet came, or the device has
 * no more now: USB_ACK, or what stopped it; p->done counts in any case. */
enum usb_status usb_transfer(struct usb_dev *d, struct usb_packet *p);

/* --- devices --- */

/* Finds a port and plugs in; desc and ops stay valid. */
bool usb_dev_realize(struct usb_dev *d, const struct usb_desc *desc,
                     const struct usb_dev_ops *ops, GError **error);
void usb_dev_unrealize(struct usb_dev *d);
void usb_dev_reset(struct usb_dev *d);
bool usb_dev_check(struct usb_dev *d, GError **error);
/* The host should ask again: there are data, or there is room. */
void usb_ready(struct usb_dev *d);
/* In control(): the answer, cut to what the host has room for. */
enum usb_status usb_reply(const void *from, size_t from_len, uint8_t *data,
                          size_t *len);
/* Resume signalling, where the host allowed it. */
void usb_wakeup(struct usb_dev *d);
/* Of the present configuration; NULL: no such endpoint. */
const struct usb_endpoint *usb_endpoint(const struct usb_dev *d, unsigned ep,
                                        bool in);
/* `info usb`. */
void usb_print(struct machine *m, GString *out);

#endif
