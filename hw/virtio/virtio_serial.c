/* SPDX-License-Identifier: MIT */
/*
 * virtio-serial: consoles and byte streams. [VIRTIO] 5.3 "Console Device".
 *
 * Each port has a pair of queues; queues 2 and 3 carry messages about ports.
 * What is to be told of a port waits as a bit until the guest has a buffer
 * for it.
 */
#include "hw/virtio/virtio_serial.h"

#include <string.h>

enum { F_SIZE = 0, F_MULTIPORT = 1, F_EMERG_WRITE = 2 };
enum { C_COLS = 0, C_ROWS = 2, C_MAX_PORTS = 4, C_EMERG = 8, C_SIZE = 12 };
enum { CTRL_RX = 2, CTRL_TX = 3, PORT_QUEUE = 128, CTRL_QUEUE = 32 };
enum { /* control messages */
       DEVICE_READY = 0,
       PORT_ADD = 1,
       PORT_REMOVE = 2,
       PORT_READY = 3,
       CONSOLE_PORT = 4,
       RESIZE = 5,
       PORT_OPEN = 6,
       PORT_NAME = 7,
       MESSAGE = 8, /* bytes, without what follows */
       MESSAGE_MAX = MESSAGE + 256,
};
enum { SEND_MAX = 64 * 1024 }; /* bytes of a port at a time */

/* Messages to be sent, in this order. */
static const uint8_t messages[] = {PORT_REMOVE, PORT_ADD,  CONSOLE_PORT,
                                   RESIZE,      PORT_NAME, PORT_OPEN};

static struct virtio_serial *serial_of(struct virtio *v)
{
    return container_of(v, struct virtio_serial, v);
}

static bool multiport(const struct virtio_serial *s)
{
    return virtio_has(&s->v, F_MULTIPORT);
}

static unsigned port_of_queue(unsigned queue)
{
    return queue < 2 ? 0 : queue / 2 - 1;
}

/* --- control messages to the guest --- */

static void terminal_size(const struct vserial_port *p, unsigned *cols,
                          unsigned *rows)
{
    *cols = *rows = 0;
    if (p && p->chr && p->chr->ops->size) {
        p->chr->ops->size(p->chr, cols, rows);
    }
}

/* The message's bytes; their number. */
static unsigned make_message(const struct virtio_serial *s, unsigned n,
                             uint8_t event, uint8_t *to)
{
    const struct vserial_port *p = s->port[n];
    unsigned cols, rows, len = MESSAGE;

    stl_u32(to, n);
    stl_u16(to + 4, event);
    stl_u16(to + 6, event == PORT_OPEN ? p && p->host_open : 1);
    if (event == PORT_NAME && p && p->name) {
        unsigned name = (unsigned)MIN(strlen(p->name), MESSAGE_MAX - MESSAGE);

        memcpy(to + len, p->name, name);
        len += name;
    } else if (event == RESIZE) {
        terminal_size(p, &cols, &rows);
        stl_u16(to + len, (uint16_t)cols);
        stl_u16(to + len + 2, (uint16_t)rows);
        len += 4;
    }
    return len;
}

/* False: the guest has no buffer. */
static bool send_message(struct virtio_serial *s, unsigned port, uint8_t event)
{
    struct virtq_buf *buf = virtio_pop(&s->v, CTRL_RX);
    uint8_t data[MESSAGE_MAX];
    unsigned len;

    if (!buf) {
        virtq_set_notify(&s->v.queue[CTRL_RX], true);
        return false;
    }
    len = make_message(s, port, event, data);
    len = (unsigned)virtq_write(buf, 0, data, len);
    virtio_push(&s->v, CTRL_RX, buf, len);
    return true;
}

static void send_messages(struct virtio_serial *s)
{
    for (unsigned n = 0; n < VSERIAL_PORTS; n++) {
        for (size_t i = 0; s->todo[n] && i < ARRAY_SIZE(messages); i++) {
            uint8_t bit = (uint8_t)(1u << messages[i]);

            if (!(s->todo[n] & bit)) {
                continue;
            }
            if (!send_message(s, n, messages[i])) {
                return;
            }
            s->todo[n] &= (uint8_t)~bit;
        }
    }
}

static void tell(struct virtio_serial *s, unsigned port, uint8_t event)
{
    if (multiport(s) && (s->v.status & VIRTIO_DRIVER_OK)) {
        s->todo[port] |= (uint8_t)(1u << event);
        send_messages(s);
    }
}

void vserial_tell_open(struct vserial_port *p)
{
    tell(p->serial, p->nr, PORT_OPEN);
}

static void put_size(struct virtio_serial *s)
{
    unsigned cols, rows;

    terminal_size(s->port[0], &cols, &rows);
    stl_u16(s->v.config + C_COLS, (uint16_t)cols);
    stl_u16(s->v.config + C_ROWS, (uint16_t)rows);
}

void vserial_tell_size(struct vserial_port *p)
{
    struct virtio_serial *s = p->serial;

    if (p->console) {
        tell(s, p->nr, RESIZE);
    }
    if (p->nr == 0) {
        put_size(s);
        virtio_config_changed(&s->v);
    }
}

/* --- control messages from the guest --- */

static void set_guest_open(struct virtio_serial *s, unsigned n, bool open)
{
    struct vserial_port *p = s->port[n];
    uint32_t bit = 1u << n;

    if (!(s->guest_open & bit) == !open) {
        return;
    }
    s->guest_open ^= bit;
    if (p && p->dev.id && !p->console) {
        g_autofree char *json =
            g_strdup_printf("{\"open\": %s, \"id\": \"%s\"}",
                            open ? "true" : "false", p->dev.id);

        machine_event(s->v.machine, "VSERPORT_CHANGE", json);
    }
    if (open && p && p->chr) {
        chardev_accept_input(p->chr);
    }
}

static void port_ready(struct virtio_serial *s, unsigned n)
{
    const struct vserial_port *p = s->port[n];

    if (!p) {
        return;
    }
    if (p->console) {
        tell(s, n, CONSOLE_PORT);
        tell(s, n, RESIZE);
        set_guest_open(s, n, true);
    }
    if (p->name) {
        tell(s, n, PORT_NAME);
    }
    if (p->host_open) {
        tell(s, n, PORT_OPEN);
    }
}

static void device_ready(struct virtio_serial *s)
{
    for (unsigned n = 0; n < VSERIAL_PORTS; n++) {
        if (s->port[n]) {
            tell(s, n, PORT_ADD);
        }
    }
}

static bool take_message(struct virtio *v, unsigned queue,
                         struct virtq_buf *buf)
{
    struct virtio_serial *s = serial_of(v);
    uint8_t m[MESSAGE];
    bool whole = virtq_read(buf, 0, m, sizeof(m)) == sizeof(m);
    uint32_t port = ldl_u32(m);

    virtio_push(v, queue, buf, 0);
    if (!whole || !ldl_u16(m + 6)) {
        if (whole && ldl_u16(m + 4) == PORT_OPEN && port < VSERIAL_PORTS) {
            set_guest_open(s, port, false);
        }
        return true;
    }
    if (ldl_u16(m + 4) == DEVICE_READY) {
        device_ready(s);
    } else if (port < VSERIAL_PORTS && ldl_u16(m + 4) == PORT_READY) {
        port_ready(s, port);
    } else if (port < VSERIAL_PORTS && ldl_u16(m + 4) == PORT_OPEN) {
        set_guest_open(s, port, true);
    }
    return true;
}

/* --- data --- */

bool vserial_guest_open(const struct vserial_port *p)
{
    const struct virtio_serial *s = p->serial;

    return multiport(s) ? s->guest_open & 1u << p->nr
                        : p->nr == 0 && (s->v.status & VIRTIO_DRIVER_OK);
}

unsigned vserial_room(struct vserial_port *p)
{
    struct virtio *v = &p->serial->v;
    unsigned queue = vserial_rx_queue(p->nr);
    struct virtq_buf *buf = vserial_guest_open(p) ? virtio_pop(v, queue) : NULL;
    unsigned room;

    if (!buf) {
        virtq_set_notify(&v->queue[queue], true);
        return 0;
    }
    room = (unsigned)MIN(buf->in_len, SEND_MAX);
    virtq_unpop(&v->queue[queue], buf);
    return room;
}

void vserial_deliver(struct vserial_port *p, const uint8_t *data, unsigned len)
{
    struct virtio *v = &p->serial->v;
    unsigned queue = vserial_rx_queue(p->nr);

    while (len) {
        struct virtq_buf *buf = virtio_pop(v, queue);
        unsigned part;

        if (!buf) {
            return; /* more than there was room for */
        }
        part = (unsigned)virtq_write(buf, 0, data, len);
        virtio_push(v, queue, buf, part);
        data += part;
        len -= part;
    }
}

/* Writes [*at, end) of the buffer, as far as the stream takes it. */
static void write_buffer(struct chardev *c, const struct virtq_buf *buf,
                         uint64_t *at, uint64_t end)
{
    while (*at < end) {
        uint8_t chunk[1024];
        unsigned part = (unsigned)virtq_read(buf, *at, chunk,
                                             MIN(end - *at, sizeof(chunk)));
        unsigned n = chardev_write(c, chunk, part);

        *at += n;
        if (n < part) {
            return;
        }
    }
}

static bool send_buffer(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    struct virtio_serial *s = serial_of(v);
    unsigned n = port_of_queue(queue);
    const struct vserial_port *p = s->port[n];
    uint64_t *at = &s->sent[n];
    uint64_t end = MIN(buf->out_len, *at + SEND_MAX);

    if (p && p->chr && *at < end) {
        write_buffer(p->chr, buf, at, end);
        if (*at < buf->out_len) {
            s->blocked |= 1u << n;
            if (*at == end) {
                virtio_serve_later(v, queue);
            }
            virtq_unpop(&v->queue[queue], buf);
            return false;
        }
    }
    *at = 0;
    virtio_push(v, queue, buf, 0);
    return true;
}

void vserial_send(struct vserial_port *p)
{
    virtio_notified(&p->serial->v, vserial_rx_queue(p->nr) + 1);
}

/* The stream says when it has room again; until then nothing is to be done. */
static bool serial_notify(struct virtio *v, unsigned queue)
{
    struct virtio_serial *s = serial_of(v);
    const struct vserial_port *p;

    if (queue == CTRL_RX && multiport(s)) {
        send_messages(s);
        return false;
    }
    if (queue == CTRL_TX && multiport(s)) {
        return virtio_each(v, queue, take_message);
    }
    p = s->port[port_of_queue(queue)];
    if (queue % 2 == 0) {
        if (p && p->chr) {
            chardev_accept_input(p->chr);
        }
        return false;
    }
    s->blocked &= ~(1u << port_of_queue(queue));
    return virtio_each(v, queue, send_buffer) &&
           !(s->blocked & 1u << port_of_queue(queue));
}

/* --- ports come and go --- */

static bool place(struct virtio_serial *s, struct vserial_port *p,
                  GError **error)
{
    uint32_t n = p->nr;

    if (n == UINT32_MAX) { /* 0 is for consoles */
        for (n = !p->console; n < s->max_ports && s->port[n]; n++) {
        }
        if (n >= s->max_ports) {
            return fail(error, "%s: all %u ports are taken", dev_name(&p->dev),
                        s->max_ports);
        }
    }
    if (n >= s->max_ports || s->port[n]) {
        return fail(error, "%s: nr=%u is %s", dev_name(&p->dev), n,
                    n < s->max_ports ? "taken" : "too large");
    }
    p->nr = n;
    return true;
}

bool vserial_plug(struct virtio_serial *s, struct vserial_port *p,
                  GError **error)
{
    p->serial = s;
    if (!place(s, p, error)) {
        return false;
    }
    s->port[p->nr] = p;
    tell(s, p->nr, PORT_ADD);
    vserial_tell_size(p);
    return true;
}

void vserial_unplug(struct vserial_port *p)
{
    struct virtio_serial *s = p->serial;

    s->port[p->nr] = NULL;
    set_guest_open(s, p->nr, false);
    s->todo[p->nr] = 0;
    s->sent[p->nr] = 0;
    s->blocked &= ~(1u << p->nr);
    tell(s, p->nr, PORT_REMOVE);
}

/* --- the device --- */

static void serial_config_written(struct virtio *v, unsigned at, unsigned size,
                                  const uint8_t *old)
{
    struct virtio_serial *s = serial_of(v);
    const struct vserial_port *p = s->port[0];
    uint8_t c = v->config[C_EMERG];

    memcpy(v->config, old, sizeof(v->config));
    if (s->emergency_write && at == C_EMERG && p && p->chr) {
        chardev_write(p->chr, &c, 1);
    }
}

static void serial_reset(struct virtio *v)
{
    struct virtio_serial *s = serial_of(v);

    for (unsigned n = 0; n < VSERIAL_PORTS; n++) {
        set_guest_open(s, n, false);
        s->todo[n] = 0;
        s->sent[n] = 0;
    }
    s->blocked = 0;
    put_size(s);
    stl_u32(v->config + C_MAX_PORTS, s->max_ports);
}

static void serial_settle(struct virtio *v)
{
    struct virtio_serial *s = serial_of(v);

    stl_u32(v->config + C_MAX_PORTS, s->max_ports);
    for (unsigned n = 0; n < s->max_ports; n++) {
        if (s->blocked & 1u << n) {
            virtio_serve_later(v, vserial_rx_queue(n) + 1);
        }
    }
}

static bool serial_check(struct virtio *v, GError **error)
{
    const struct virtio_serial *s = serial_of(v);

    for (unsigned n = s->max_ports; n < VSERIAL_PORTS; n++) {
        if (s->todo[n] || s->sent[n] || (s->guest_open | s->blocked) >> n) {
            return fail(error, "virtio-serial: there is no port %u", n);
        }
    }
    return (s->guest_open | s->blocked) >> VSERIAL_PORTS == 0 ||
           fail(error, "virtio-serial: there are not so many ports");
}

static bool serial_realize(struct virtio *v, GError **error)
{
    struct virtio_serial *s = serial_of(v);

    if (s->max_ports < 1 || s->max_ports > VSERIAL_PORTS) {
        return fail(error, "%s: max_ports is 1 to %d", dev_name(v->dev),
                    VSERIAL_PORTS);
    }
    for (unsigned i = 0; i < 2 * s->max_ports + 2; i++) {
        virtio_add_queue(v, i / 2 == 1 ? CTRL_QUEUE : PORT_QUEUE);
    }
    v->vectors = 2;
    virtio_offer(v, F_SIZE);
    virtio_offer(v, F_MULTIPORT);
    if (s->emergency_write) {
        virtio_offer(v, F_EMERG_WRITE);
    }
    return true;
}

/* "virtio-serial0.0" for id=virtio-serial0. */
static bool add_bus(struct virtio_pci *p, GError **error)
{
    struct virtio_serial *s = container_of(p, struct virtio_serial, proxy);
    const char *id = p->pci.dev.id;
    g_autofree char *name =
        g_strdup_printf("%s.0", id ? id : "virtio-serial-bus");

    s->bus =
        bus_new(p->pci.dev.machine, "virtio-serial-bus", name, &p->pci.dev, s);
    return true;
}

static const struct virtio_type serial_type = {
    .name = "virtio-serial",
    .id = VIRTIO_ID_CONSOLE,
    .pci_class = 0x078000,
    .config_size = C_SIZE,
    .realize = serial_realize,
    .notify = serial_notify,
    .config_written = serial_config_written,
    .reset = serial_reset,
    .settle = serial_settle,
    .check = serial_check,
};

static const struct field serial_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_serial, proxy, false),
    PROP(struct virtio_serial, max_ports, VSERIAL_PORTS),
    PROP_AS(struct virtio_serial, emergency_write, "emergency-write", true),
    FIELD_END,
};

static const struct field serial_state[] = {
    VIRTIO_PCI_STATE(struct virtio_serial, proxy),
    VIRTIO_STATE(struct virtio_serial, v),
    FIELD_ARRAY(struct virtio_serial, todo),
    FIELD(struct virtio_serial, guest_open),
    FIELD_ARRAY(struct virtio_serial, sent),
    FIELD(struct virtio_serial, blocked),
    FIELD_END,
};

static void serial_init(struct dev *dev)
{
    struct virtio_serial *s =
        container_of(dev, struct virtio_serial, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &serial_type);
    s->proxy.realized = add_bus;
}

/* clang-format off */
const struct dev_type virtio_serial_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-serial", "consoles and streams",
                     struct virtio_serial, serial_props, serial_state,
                     serial_init);
/* clang-format on */
