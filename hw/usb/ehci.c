/* SPDX-License-Identifier: MIT */
/*
 * EHCI: registers, root ports and their companions, interrupts, time. The
 * schedules are in ehci_sched.c.
 *
 * While something moves the schedules are looked at every BUSY_NS, then every
 * millisecond; a device that has something to say is asked at once.
 *
 * Not modelled: 64-bit addresses, port indicators and tests, wake events,
 * over-current, the interrupt threshold (interrupts come at once), the legacy
 * support capability.
 */
#include "hw/usb/ehci.h"

#include <string.h>

#include "hw/usb/ehci_regs.h"

enum {
    UFRAME_NS = 125000,
    FRAME_NS = 1000000,
    BUSY_NS = 125000,
    BUSY_LOOKS = 16, /* idle ones, until it slows down */
    IDLE_LOOKS = 256,
    IDLE_NS = 4 * FRAME_NS,
    LATE_MAX = 32,
};
enum { CFG_RELEASE = 0x60, CFG_FLADJ = 0x61 };

static struct ehci *ehci_of(struct dev *dev)
{
    return container_of(dev, struct ehci, pci.dev);
}

void ehci_irq(struct ehci *e)
{
    pci_set_intx(&e->pci, e->sts & e->intr & STS_CHANGES);
}

/* --- time --- */

static unsigned list_size(const struct ehci *e)
{
    return 1024u >> (e->cmd >> CMD_LIST_SHIFT & 3);
}

static bool works(const struct ehci *e)
{
    return e->cmd & CMD_RUN && e->cmd & (CMD_PERIODIC | CMD_ASYNC);
}

static void look_in(struct ehci *e, int64_t ns)
{
    timer_set(&e->work, clock_now(e->work.clock) + ns);
}

static uint32_t frindex_now(const struct ehci *e)
{
    int64_t past = clock_now(e->work.clock) - e->since;

    if (!(e->cmd & CMD_RUN) || past < 0) {
        return e->frindex;
    }
    return (uint32_t)(e->frindex + past / UFRAME_NS) & 0x3fff;
}

/* The frames that have begun since the last look. */
static bool run_frames(struct ehci *e)
{
    int64_t past = clock_now(e->work.clock) - e->since;
    int64_t due = MAX(past, 0) / FRAME_NS;
    unsigned size = list_size(e);
    uint32_t old = e->frindex;
    bool moved = false;

    for (int64_t i = MAX(due - LATE_MAX, 0); i < due; i++) {
        unsigned frame = (unsigned)((e->frindex >> 3) + i);

        if (e->cmd & CMD_RUN && e->cmd & CMD_PERIODIC) {
            moved |= ehci_run_periodic(e, frame % size);
        }
    }
    e->frindex = (uint32_t)(e->frindex + due * 8) & 0x3fff;
    e->since += due * FRAME_NS;
    if ((old >> 3) / size != (e->frindex >> 3) / size) {
        e->sts |= STS_ROLLOVER;
        ehci_irq(e);
    }
    return moved;
}

static void look(void *opaque)
{
    struct ehci *e = opaque;
    bool moved = run_frames(e);

    if (e->cmd & CMD_RUN && e->cmd & CMD_ASYNC) {
        moved |= ehci_run_async(e);
    }
    e->idle = moved ? 0 : MIN(e->idle + 1, 1u << 20);
    if (works(e)) {
        look_in(e, e->idle < BUSY_LOOKS   ? BUSY_NS
                   : e->idle < IDLE_LOOKS ? FRAME_NS
                                          : IDLE_NS);
    }
}

static void look_now(struct ehci *e)
{
    e->idle = 0;
    if (works(e)) {
        look_in(e, 0);
    }
}

/* --- root ports --- */

static bool companion_has(const struct ehci *e, unsigned port)
{
    return e->companion[port] && e->portsc[port] & PORT_OWNER;
}

static void port_event(struct ehci *e, unsigned port, uint32_t change)
{
    e->portsc[port] |= change;
    e->sts |= STS_PORT;
    ehci_irq(e);
}

/* The device appears at who has the port. */
static void show(struct ehci *e, unsigned port)
{
    struct usb_dev *d = e->port[port].dev;
    struct usb_port *c = e->companion[port];

    if (!d) {
        return;
    }
    if (companion_has(e, port)) {
        d->speed = usb_common_speed(c, d->desc);
        c->dev = d;
        c->ops->attach(c);
    } else if (!(e->portsc[port] & PORT_OWNER)) {
        d->speed = usb_common_speed(&e->port[port], d->desc);
        e->portsc[port] |= PORT_CONNECT;
        port_event(e, port, PORT_CONNECT_CHANGE);
    }
}

static void hide(struct ehci *e, unsigned port)
{
    struct usb_port *c = e->companion[port];

    if (c && c->dev) {
        c->dev = NULL;
        c->ops->detach(c);
    }
    if (e->portsc[port] & PORT_CONNECT) {
        uint32_t change = PORT_CONNECT_CHANGE;

        change |= e->portsc[port] & PORT_ENABLE ? PORT_ENABLE_CHANGE : 0;
        e->portsc[port] &=
            ~(uint32_t)(PORT_CONNECT | PORT_ENABLE | PORT_SUSPEND);
        port_event(e, port, change);
    }
}

static void ehci_attach(struct usb_port *p)
{
    show(p->opaque, p->index);
}

static void ehci_detach(struct usb_port *p)
{
    hide(p->opaque, p->index);
}

static void ehci_ready(struct usb_port *p, struct usb_dev *d)
{
    struct ehci *e = p->opaque;
    struct usb_port *c = e->companion[p->index];

    if (companion_has(e, p->index)) {
        c->ops->ready(c, d);
    } else {
        look_now(e);
    }
}

static void ehci_wakeup(struct usb_port *p)
{
    struct ehci *e = p->opaque;
    struct usb_port *c = e->companion[p->index];

    if (companion_has(e, p->index)) {
        c->ops->wakeup(c);
    } else if (e->portsc[p->index] & PORT_SUSPEND) {
        port_event(e, p->index, PORT_RESUME);
    }
}

static const struct usb_port_ops ehci_port_ops = {
    .attach = ehci_attach,
    .detach = ehci_detach,
    .ready = ehci_ready,
    .wakeup = ehci_wakeup,
};

static void set_owner(struct ehci *e, unsigned port, bool companion)
{
    if (companion == !!(e->portsc[port] & PORT_OWNER)) {
        return;
    }
    hide(e, port);
    e->portsc[port] ^= PORT_OWNER;
    show(e, port);
}

/* [EHCI] 4.2.2: reset ends; a device of high speed is enabled. */
static void end_reset(struct ehci *e, unsigned port)
{
    const struct usb_dev *d = e->port[port].dev;

    usb_port_reset(&e->port[port]);
    if (d && d->speed == USB_HIGH) {
        e->portsc[port] |= PORT_ENABLE;
    }
}

static void write_portsc(struct ehci *e, unsigned port, uint32_t v)
{
    uint32_t *sc = &e->portsc[port];
    uint32_t old = *sc;

    *sc &= ~(v & PORT_CHANGES);
    *sc = (*sc & ~(uint32_t)PORT_WRITABLE) | (v & PORT_WRITABLE);
    if (!(v & PORT_ENABLE)) {
        *sc &= ~(uint32_t)PORT_ENABLE;
    }
    if (v & PORT_RESET && *sc & PORT_CONNECT) {
        *sc |= PORT_RESET;
        *sc &= ~(uint32_t)(PORT_ENABLE | PORT_SUSPEND | PORT_RESUME);
    } else if (old & PORT_RESET) {
        *sc &= ~(uint32_t)PORT_RESET;
        end_reset(e, port);
    }
    if (v & PORT_SUSPEND && *sc & PORT_ENABLE) {
        *sc |= PORT_SUSPEND;
    }
    if (v & PORT_RESUME && *sc & PORT_SUSPEND) {
        *sc |= PORT_RESUME;
    } else if (old & PORT_RESUME && !(v & PORT_RESUME)) {
        *sc &= ~(uint32_t)(PORT_RESUME | PORT_SUSPEND);
    }
    set_owner(e, port, v & PORT_OWNER);
    look_now(e);
}

/* [EHCI] 2.3.9: the line state of a port that is not enabled. */
static uint32_t read_portsc(const struct ehci *e, unsigned port)
{
    const struct usb_dev *d = e->port[port].dev;
    uint32_t sc = e->portsc[port];

    if (d && (sc & (PORT_CONNECT | PORT_ENABLE)) == PORT_CONNECT) {
        sc |= d->speed == USB_LOW ? PORT_LINE_K : PORT_LINE_J;
    }
    return sc;
}

/* --- registers --- */

static void reset_registers(struct ehci *e)
{
    e->cmd = CMD_DEFAULT;
    e->sts = STS_HALTED;
    e->intr = e->segment = e->periodic = e->async = e->config = 0;
    e->frindex = 0;
    e->since = 0;
    e->idle = 0;
    timer_cancel(&e->work);
    for (unsigned i = 0; i < EHCI_PORTS; i++) {
        usb_port_reset(&e->port[i]);
        hide(e, i);
        e->portsc[i] = PORT_POWER | PORT_OWNER;
        show(e, i);
    }
    e->sts = STS_HALTED;
    ehci_irq(e);
}

static void write_cmd(struct ehci *e, uint32_t v)
{
    if (v & CMD_RESET) {
        reset_registers(e);
        return;
    }
    if ((v ^ e->cmd) & CMD_RUN) {
        e->frindex = frindex_now(e);
        e->since = clock_now(e->work.clock);
    }
    e->cmd = v & CMD_WRITABLE;
    e->sts &= ~(uint32_t)(STS_HALTED | STS_PERIODIC | STS_ASYNC);
    if (!(v & CMD_RUN)) {
        e->sts |= STS_HALTED;
        timer_cancel(&e->work);
    } else {
        e->sts |= v & CMD_PERIODIC ? STS_PERIODIC : 0;
        e->sts |= v & CMD_ASYNC ? STS_ASYNC : 0;
    }
    if (v & CMD_DOORBELL) { /* nothing is cached: at once */
        e->cmd &= ~(uint32_t)CMD_DOORBELL;
        e->sts |= STS_ADVANCE;
    }
    ehci_irq(e);
    look_now(e);
}

static void write_config(struct ehci *e, uint32_t v)
{
    if ((v ^ e->config) & 1) {
        e->config = v & 1;
        for (unsigned i = 0; i < EHCI_PORTS; i++) {
            set_owner(e, i, !e->config);
        }
    }
}

static void ehci_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct ehci *e = opaque;
    uint32_t v = (uint32_t)value;

    if (at >= R_PORTSC && at < R_PORTSC + 4 * EHCI_PORTS) {
        write_portsc(e, (unsigned)(at - R_PORTSC) / 4, v);
        return;
    }
    switch (at) {
    case R_CMD: write_cmd(e, v); break;
    case R_STS:
        e->sts &= ~(v & STS_CHANGES);
        ehci_irq(e);
        break;
    case R_INTR:
        e->intr = v & STS_CHANGES;
        ehci_irq(e);
        break;
    case R_FRINDEX:
        if (e->sts & STS_HALTED) {
            e->frindex = v & 0x3fff;
        }
        break;
    case R_PERIODIC: e->periodic = v & 0xfffff000; break;
    case R_ASYNC:
        e->async = v & ~(uint32_t)LINK_FLAGS;
        look_now(e);
        break;
    case R_CONFIG: write_config(e, v); break;
    default: break;
    }
}

static uint64_t ehci_read(void *opaque, uint64_t at, unsigned size)
{
    const struct ehci *e = opaque;

    if (at >= R_PORTSC && at < R_PORTSC + 4 * EHCI_PORTS) {
        return read_portsc(e, (unsigned)(at - R_PORTSC) / 4);
    }
    switch (at) {
    case R_CAPLENGTH: return 0x01000000 | OPERATIONAL;
    case R_HCSPARAMS:
        return EHCI_PORTS | e->companion_ports << 8 | e->companions << 12;
    case R_HCCPARAMS: return 0x82; /* any list size, one frame is cached */
    case R_CMD: return e->cmd;
    case R_STS: return e->sts;
    case R_INTR: return e->intr;
    case R_FRINDEX: return frindex_now(e);
    case R_PERIODIC: return e->periodic;
    case R_ASYNC: return e->async;
    case R_CONFIG: return e->config;
    default: return 0;
    }
}

static const struct region_ops ehci_ops = {
    .read = ehci_read, .write = ehci_write, .min = 4, .max = 4};

/* --- companions --- */

bool ehci_companion(struct machine *m, const char *bus, unsigned first,
                    struct usb_port *ports, unsigned count, GError **error)
{
    struct bus *b = bus_find(m, "usb-bus", bus);
    struct ehci *e = b && b->parent->type->realize == usb_ehci_type.realize
                         ? ehci_of(b->parent)
                         : NULL;

    if (!e) {
        return fail(error,
                    "masterbus=%s: there is no bus of that name that "
                    "an enhanced controller has",
                    bus);
    }
    if (first > EHCI_PORTS || count > EHCI_PORTS - first) {
        return fail(error, "firstport=%u: want 0 to %u", first,
                    EHCI_PORTS - count);
    }
    for (unsigned i = 0; i < count; i++) {
        if (e->companion[first + i] || e->port[first + i].dev) {
            return fail(error, "firstport=%u: port %u of '%s' is taken", first,
                        first + i, bus);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        e->companion[first + i] = &ports[i];
        e->port[first + i].speeds |= ports[i].speeds;
    }
    e->companions++;
    e->companion_ports = count;
    return true;
}

/* --- the device --- */

static bool ehci_realize(struct dev *dev, GError **error)
{
    struct ehci *e = ehci_of(dev);
    struct pci_ids ids = {
        .vendor = 0x8086, .class_code = 0x0c0320, .int_pin = 4};

    ids.device = dev->type == &ich9_ehci1_type   ? 0x293a
                 : dev->type == &ich9_ehci2_type ? 0x293c
                                                 : 0x24cd;
    ids.revision = dev->type == &usb_ehci_type ? 0x10 : 0x03;
    ids.int_pin = dev->type == &ich9_ehci2_type ? 3 : 4;
    if (!pci_realize(&e->pci, &ids, -1, error)) {
        return false;
    }
    e->pci.config[CFG_RELEASE] = 0x20;
    e->pci.config[CFG_FLADJ] = 0x20;
    e->pci.writable[CFG_FLADJ] = 0x3f;
    region_init_io(&e->mmio, dev->type->name, EHCI_BAR, &ehci_ops, e);
    pci_set_bar(&e->pci, 0, PCI_BAR_MEM32, &e->mmio);
    timer_init(&e->work, &dev->machine->clock, look, e);
    e->bus = usb_bus_new(dev);
    for (unsigned i = 0; i < EHCI_PORTS; i++) {
        e->port[i].ops = &ehci_port_ops;
        e->port[i].opaque = e;
        e->port[i].index = i;
        e->port[i].speeds = 1u << USB_HIGH;
        usb_port_add(e->bus, &e->port[i], NULL);
    }
    return true;
}

static void ehci_unrealize(struct dev *dev)
{
    struct ehci *e = ehci_of(dev);

    timer_cancel(&e->work);
    memset(e->companion, 0, sizeof(e->companion));
    usb_bus_free(e->bus);
    pci_unrealize(&e->pci);
}

static void ehci_reset(struct dev *dev)
{
    struct ehci *e = ehci_of(dev);

    pci_reset(&e->pci);
    reset_registers(e);
}

/* After a load: who has a device is what the owner bits say. */
static void ehci_settle(struct dev *dev)
{
    struct ehci *e = ehci_of(dev);

    pci_settle(&e->pci);
    for (unsigned i = 0; i < EHCI_PORTS; i++) {
        struct usb_dev *d = e->port[i].dev;
        struct usb_port *c = e->companion[i];

        if (c) {
            c->dev = companion_has(e, i) ? d : NULL;
        }
        if (d) {
            d->speed = usb_common_speed(companion_has(e, i) ? c : &e->port[i],
                                        d->desc);
        }
    }
    ehci_irq(e);
}

static bool ehci_check(struct dev *dev, GError **error)
{
    const struct ehci *e = ehci_of(dev);

    return (e->since >= 0 && e->since <= INT64_MAX / 2) ||
           fail(error, "%s: its time is out of range", dev_name(dev));
}

static const struct field ehci_props[] = {
    PCI_PROPS(struct ehci, pci),
    FIELD_END,
};

static const struct field ehci_state[] = {
    PCI_STATE(struct ehci, pci),  FIELD(struct ehci, work),
    FIELD(struct ehci, cmd),      FIELD(struct ehci, sts),
    FIELD(struct ehci, intr),     FIELD(struct ehci, segment),
    FIELD(struct ehci, periodic), FIELD(struct ehci, async),
    FIELD(struct ehci, config),   FIELD_ARRAY(struct ehci, portsc),
    FIELD(struct ehci, frindex),  FIELD(struct ehci, since),
    FIELD(struct ehci, idle),     FIELD_END,
};

/* clang-format off */
#define EHCI_TYPE(nm, text) { \
    .name = nm, \
    .desc = text, \
    .bus = "PCI", \
    .size = sizeof(struct ehci), \
    .version = 1, \
    .props = ehci_props, \
    .state = ehci_state, \
    .realize = ehci_realize, \
    .unrealize = ehci_unrealize, \
    .reset = ehci_reset, \
    .settle = ehci_settle, \
    .check = ehci_check, \
}
/* clang-format on */

const struct dev_type usb_ehci_type =
    EHCI_TYPE("usb-ehci", "USB 2.0 controller of the ICH4");
const struct dev_type ich9_ehci1_type =
    EHCI_TYPE("ich9-usb-ehci1", "USB 2.0 controller 1 of the ICH9");
const struct dev_type ich9_ehci2_type =
    EHCI_TYPE("ich9-usb-ehci2", "USB 2.0 controller 2 of the ICH9");
