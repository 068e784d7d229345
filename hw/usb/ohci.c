/* SPDX-License-Identifier: MIT */
/*
 * OHCI: registers, root hub, frames, interrupts; Apple's KeyLargo USB, as
 * QEMU's pci-ohci. The lists are in ohci_list.c.
 *
 * While nothing moves and nobody wants an interrupt for each frame, frames
 * run four at a time.
 *
 * Not modelled: legacy keyboard emulation, SMI routing, over-current.
 */
#include "hw/usb/ohci.h"

#include <string.h>

#include "hw/usb/ohci_regs.h"

enum { FRAME_NS = 1000000, IDLE_AFTER = 64, IDLE_FRAMES = 4, LATE_MAX = 32 };
enum { HCCA_FRAME = 0x80, HCCA_DONE = 0x84, INTERVAL = 0x27782edf };

static struct ohci *ohci_of(struct dev *dev)
{
    return container_of(dev, struct ohci, pci.dev);
}

void ohci_irq(struct ohci *o)
{
    pci_set_intx(&o->pci,
                 o->enable & INT_MASTER && o->status & o->enable & INT_ALL);
}

static bool operational(const struct ohci *o)
{
    return (o->control & CTL_STATE) == CTL_OPERATIONAL;
}

/* --- frames --- */

static void arm(struct ohci *o)
{
    bool slow =
        o->idle > IDLE_AFTER && !(o->enable & INT_FRAME) && o->done_delay == 7;

    timer_set(&o->work,
              o->next + (slow ? IDLE_FRAMES - 1 : 0) * (int64_t)FRAME_NS);
}

/* [OHCI] 4.4.1: the done queue goes to the HCCA when the host has taken the
 * last one. */
static void write_done(struct ohci *o)
{
    uint32_t head;

    if (o->done_delay == 0 && !(o->status & INT_DONE)) {
        head = o->done_head | ((o->status & o->enable & INT_ALL) != 0);
        ohci_write(o, o->hcca + HCCA_DONE, &head, 1);
        o->done_head = 0;
        o->done_delay = 7;
        o->status |= INT_DONE;
    }
}

static void run(struct ohci *o, bool new_frame)
{
    bool moved = ohci_run_lists(o, new_frame);

    o->idle = moved ? 0 : MIN(o->idle + 1, 1u << 20);
    write_done(o);
}

/* [OHCI] 6.4.1: the frame's number first, its lists, then the done queue. */
static void frame(struct ohci *o)
{
    uint32_t number;

    o->frame++;
    number = o->frame;
    ohci_write(o, o->hcca + HCCA_FRAME, &number, 1);
    o->status |= INT_FRAME;
    if ((o->frame & 0x7fff) == 0) {
        o->status |= INT_OVERFLOW;
    }
    if (o->done_delay && o->done_delay < 7) {
        o->done_delay--;
    }
    run(o, true);
}

static void look(void *opaque)
{
    struct ohci *o = opaque;
    int64_t now = clock_now(o->work.clock);
    int64_t due = now < o->next ? 0 : (now - o->next) / FRAME_NS + 1;

    if (due == 0) {
        run(o, false);
    }
    if (due > LATE_MAX) {
        o->frame = (uint16_t)(o->frame + due - LATE_MAX);
    }
    for (int64_t i = 0; i < MIN(due, LATE_MAX) && operational(o); i++) {
        frame(o);
    }
    o->next += due * FRAME_NS;
    ohci_irq(o);
    if (operational(o)) {
        arm(o);
    }
}

static void look_now(struct ohci *o)
{
    o->idle = 0;
    if (operational(o)) {
        timer_set(&o->work, clock_now(o->work.clock));
    }
}

/* --- the root hub --- */

static void port_changed(struct ohci *o, unsigned port, uint32_t bits)
{
    o->rh_port[port] |= bits;
    if (bits & PORT_CHANGES) {
        o->status |= INT_HUB;
        if ((o->control & CTL_STATE) == CTL_SUSPEND) {
            o->status |= INT_RESUME;
        }
    }
    ohci_irq(o);
}

static void sense(struct ohci *o, unsigned port)
{
    const struct usb_dev *d = o->port[port].dev;

    o->rh_port[port] &=
        ~(uint32_t)(PORT_CONNECT | PORT_LOW_SPEED | PORT_ENABLE | PORT_SUSPEND);
    if (d) {
        o->rh_port[port] |= PORT_CONNECT;
        o->rh_port[port] |= d->speed == USB_LOW ? (uint32_t)PORT_LOW_SPEED : 0;
    }
}

static void ohci_port_event(struct usb_port *p)
{
    struct ohci *o = p->opaque;
    uint32_t enabled = o->rh_port[p->index] & PORT_ENABLE;

    sense(o, p->index);
    port_changed(o, p->index,
                 PORT_CONNECT_CHANGE |
                     (enabled ? (uint32_t)PORT_ENABLE_CHANGE : 0));
}

static void ohci_ready(struct usb_port *p, struct usb_dev *d)
{
    look_now(p->opaque);
}

static void ohci_wakeup(struct usb_port *p)
{
    struct ohci *o = p->opaque;

    if (o->rh_port[p->index] & PORT_SUSPEND) {
        o->rh_port[p->index] &= ~(uint32_t)PORT_SUSPEND;
        port_changed(o, p->index, PORT_SUSPEND_CHANGE);
    }
    if ((o->control & CTL_STATE) == CTL_SUSPEND) {
        o->control = (o->control & ~(uint32_t)CTL_STATE) | CTL_RESUME;
        o->status |= INT_RESUME;
        ohci_irq(o);
    }
}

static const struct usb_port_ops ohci_port_ops = {
    .attach = ohci_port_event,
    .detach = ohci_port_event,
    .ready = ohci_ready,
    .wakeup = ohci_wakeup,
};

/* [OHCI] 7.4.4: bits that set, bits that clear, by writing 1. */
static void write_port(struct ohci *o, unsigned port, uint32_t v)
{
    uint32_t *s = &o->rh_port[port];

    *s &= ~(v & PORT_CHANGES);
    if (v & PORT_CONNECT) { /* clear port enable */
        *s &= ~(uint32_t)PORT_ENABLE;
    }
    if (v & PORT_ENABLE && *s & PORT_CONNECT) {
        *s |= PORT_ENABLE;
    }
    if (v & PORT_SUSPEND && *s & PORT_CONNECT) {
        *s |= PORT_SUSPEND;
    }
    if (v & 1 << 3 && *s & PORT_SUSPEND) { /* clear suspend */
        *s &= ~(uint32_t)PORT_SUSPEND;
        port_changed(o, port, PORT_SUSPEND_CHANGE);
    }
    if (v & PORT_RESET && *s & PORT_CONNECT) {
        usb_port_reset(&o->port[port]);
        *s &= ~(uint32_t)PORT_SUSPEND;
        port_changed(o, port, PORT_ENABLE | PORT_RESET_CHANGE);
    }
    if (v & PORT_POWER) {
        *s |= PORT_POWER;
    }
    if (v & 1 << 9) { /* clear port power */
        *s &= ~(uint32_t)(PORT_POWER | PORT_ENABLE | PORT_SUSPEND);
    }
    look_now(o);
}

static void write_rh_status(struct ohci *o, uint32_t v)
{
    for (unsigned i = 0; i < o->num_ports; i++) {
        if (v & 1) { /* clear global power */
            o->rh_port[i] &= ~(uint32_t)PORT_POWER;
        } else if (v & 1 << 16) {
            o->rh_port[i] |= PORT_POWER;
        }
    }
    if (v & 1 << 15) {
        o->rh_status |= 1 << 15;
    }
    if (v & 1u << 31) {
        o->rh_status &= ~(1u << 15);
    }
}

/* --- registers --- */

static void reset_hub(struct ohci *o)
{
    o->rh_a = 1u << 9 | o->num_ports; /* no power switching */
    o->rh_b = o->rh_status = 0;
    for (unsigned i = 0; i < o->num_ports; i++) {
        usb_port_reset(&o->port[i]);
        o->rh_port[i] = PORT_POWER;
        sense(o, i);
        o->rh_port[i] |= o->port[i].dev ? (uint32_t)PORT_CONNECT_CHANGE : 0;
    }
}

/* [OHCI] 5.1.1.4: a software reset leaves the root hub and suspends. */
static void reset_registers(struct ohci *o)
{
    o->control = CTL_RESET;
    o->command = o->status = 0;
    o->enable = 0;
    o->hcca = o->period_current = 0;
    o->control_head = o->control_current = 0;
    o->bulk_head = o->bulk_current = o->done_head = 0;
    o->interval = INTERVAL;
    o->periodic_start = 0;
    o->threshold = 0x628;
    o->frame = 0;
    o->done_delay = 7;
    o->idle = 0;
    o->next = 0;
    timer_cancel(&o->work);
    ohci_irq(o);
}

static void write_control(struct ohci *o, uint32_t v)
{
    uint32_t old = o->control & CTL_STATE, now = v & CTL_STATE;

    o->control = v & 0x7ff;
    if (now == CTL_OPERATIONAL && old != now) {
        o->next = clock_now(o->work.clock) + FRAME_NS;
        o->idle = 0;
        arm(o);
    } else if (now != CTL_OPERATIONAL) {
        timer_cancel(&o->work);
    }
    if (now == CTL_RESET && old != now) {
        reset_hub(o);
    }
    look_now(o);
}

static void write_command(struct ohci *o, uint32_t v)
{
    if (v & COM_RESET) {
        reset_registers(o);
        o->control = CTL_SUSPEND;
        return;
    }
    o->command |= v & (COM_CONTROL | COM_BULK);
    if (v & COM_OWNER) {
        o->status |= INT_OWNER;
    }
    look_now(o);
}

static uint32_t remaining(const struct ohci *o)
{
    uint32_t length = o->interval & 0x3fff;
    int64_t left = CLAMP(o->next - clock_now(o->work.clock), 0, FRAME_NS);

    return (o->interval & 1u << 31) |
           (operational(o) ? (uint32_t)(length * left / FRAME_NS) : length);
}

static uint64_t mmio_read(void *opaque, uint64_t at, unsigned size)
{
    const struct ohci *o = opaque;

    if (at >= R_RH_PORT && at < R_RH_PORT + 4 * o->num_ports) {
        return o->rh_port[(at - R_RH_PORT) / 4];
    }
    switch (at) {
    case R_REVISION: return 0x10;
    case R_CONTROL: return o->control;
    case R_COMMAND: return o->command;
    case R_STATUS: return o->status;
    case R_ENABLE:
    case R_DISABLE: return o->enable;
    case R_HCCA: return o->hcca;
    case R_PERIOD_CURRENT: return o->period_current;
    case R_CONTROL_HEAD: return o->control_head;
    case R_CONTROL_CURRENT: return o->control_current;
    case R_BULK_HEAD: return o->bulk_head;
    case R_BULK_CURRENT: return o->bulk_current;
    case R_DONE_HEAD: return o->done_head;
    case R_INTERVAL: return o->interval;
    case R_REMAINING: return remaining(o);
    case R_FRAME: return o->frame;
    case R_PERIODIC_START: return o->periodic_start;
    case R_THRESHOLD: return o->threshold;
    case R_RH_A: return o->rh_a;
    case R_RH_B: return o->rh_b;
    case R_RH_STATUS: return o->rh_status;
    default: return 0;
    }
}

static void mmio_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct ohci *o = opaque;
    uint32_t v = (uint32_t)value;

    if (at >= R_RH_PORT && at < R_RH_PORT + 4 * o->num_ports) {
        write_port(o, (unsigned)(at - R_RH_PORT) / 4, v);
        return;
    }
    switch (at) {
    case R_CONTROL: write_control(o, v); break;
    case R_COMMAND: write_command(o, v); break;
    case R_STATUS: o->status &= ~v; break;
    case R_ENABLE: o->enable |= v & (INT_ALL | INT_MASTER); break;
    case R_DISABLE: o->enable &= ~v; break;
    case R_HCCA: o->hcca = v & 0xffffff00; break;
    case R_CONTROL_HEAD: o->control_head = v & 0xfffffff0; break;
    case R_CONTROL_CURRENT: o->control_current = v & 0xfffffff0; break;
    case R_BULK_HEAD: o->bulk_head = v & 0xfffffff0; break;
    case R_BULK_CURRENT: o->bulk_current = v & 0xfffffff0; break;
    case R_INTERVAL: o->interval = v & 0xffff3fff; break;
    case R_PERIODIC_START: o->periodic_start = v & 0x3fff; break;
    case R_THRESHOLD: o->threshold = v & 0xfff; break;
    case R_RH_A: o->rh_a = (o->rh_a & 0xff) | (v & 0xff001b00); break;
    case R_RH_B: o->rh_b = v; break;
    case R_RH_STATUS: write_rh_status(o, v); break;
    default: break;
    }
    ohci_irq(o);
}

static const struct region_ops ohci_ops = {
    .read = mmio_read, .write = mmio_write, .min = 4, .max = 4};

/* --- the device --- */

static bool ohci_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {.vendor = 0x106b,
                                       .device = 0x003f,
                                       .class_code = 0x0c0310,
                                       .int_pin = 1};
    struct ohci *o = ohci_of(dev);

    if (o->num_ports < 1 || o->num_ports > OHCI_PORTS) {
        return fail(error, "%s: num-ports=%u: want 1 to %d", dev_name(dev),
                    o->num_ports, OHCI_PORTS);
    }
    if (!pci_realize(&o->pci, &ids, -1, error)) {
        return false;
    }
    region_init_io(&o->mmio, dev->type->name, OHCI_BAR, &ohci_ops, o);
    pci_set_bar(&o->pci, 0, PCI_BAR_MEM32, &o->mmio);
    timer_init(&o->work, &dev->machine->clock, look, o);
    o->bus = usb_bus_new(dev);
    for (unsigned i = 0; i < o->num_ports; i++) {
        o->port[i].ops = &ohci_port_ops;
        o->port[i].opaque = o;
        o->port[i].index = i;
        o->port[i].speeds = 1u << USB_LOW | 1u << USB_FULL;
        usb_port_add(o->bus, &o->port[i], NULL);
    }
    return true;
}

static void ohci_unrealize(struct dev *dev)
{
    struct ohci *o = ohci_of(dev);

    timer_cancel(&o->work);
    usb_bus_free(o->bus);
    pci_unrealize(&o->pci);
}

static void ohci_reset(struct dev *dev)
{
    struct ohci *o = ohci_of(dev);

    pci_reset(&o->pci);
    reset_registers(o);
    reset_hub(o);
}

static void ohci_settle(struct dev *dev)
{
    struct ohci *o = ohci_of(dev);

    pci_settle(&o->pci);
    ohci_irq(o);
}

static bool ohci_check(struct dev *dev, GError **error)
{
    const struct ohci *o = ohci_of(dev);
    int64_t now = clock_now(o->work.clock);

    return (o->next >= 0 && o->next <= now + NS_PER_SECOND &&
            o->done_delay <= 7) ||
           fail(error, "%s: its next frame is out of range", dev_name(dev));
}

static const struct field ohci_props[] = {
    PCI_PROPS(struct ohci, pci),
    PROP_AS(struct ohci, num_ports, "num-ports", 3),
    FIELD_END,
};

static const struct field ohci_state[] = {
    PCI_STATE(struct ohci, pci),
    FIELD(struct ohci, work),
    FIELD(struct ohci, control),
    FIELD(struct ohci, command),
    FIELD(struct ohci, status),
    FIELD(struct ohci, enable),
    FIELD(struct ohci, hcca),
    FIELD(struct ohci, period_current),
    FIELD(struct ohci, control_head),
    FIELD(struct ohci, control_current),
    FIELD(struct ohci, bulk_head),
    FIELD(struct ohci, bulk_current),
    FIELD(struct ohci, done_head),
    FIELD(struct ohci, interval),
    FIELD(struct ohci, periodic_start),
    FIELD(struct ohci, threshold),
    FIELD(struct ohci, rh_a),
    FIELD(struct ohci, rh_b),
    FIELD(struct ohci, rh_status),
    FIELD_ARRAY(struct ohci, rh_port),
    FIELD(struct ohci, frame),
    FIELD(struct ohci, done_delay),
    FIELD(struct ohci, idle),
    FIELD(struct ohci, next),
    FIELD_END,
};

const struct dev_type pci_ohci_type = {
    .name = "pci-ohci",
    .desc = "USB 1.1 controller of the open kind",
    .bus = "PCI",
    .size = sizeof(struct ohci),
    .version = 1,
    .props = ohci_props,
    .state = ohci_state,
    .realize = ohci_realize,
    .unrealize = ohci_unrealize,
    .reset = ohci_reset,
    .settle = ohci_settle,
    .check = ohci_check,
};
