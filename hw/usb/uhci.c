/* SPDX-License-Identifier: MIT */
/*
 * UHCI: registers, root ports, interrupts, the frame timer. The schedule is in
 * uhci_frame.c.
 *
 * Where nothing has moved for a while frames run four at a time: the host
 * wakes up less often. A device that has something to say is asked at once.
 *
 * Not modelled: legacy keyboard emulation by SMI (LEGSUP only stores), the
 * debug mode of CMD.SWDBG (steps like running), SOF timing, bandwidth.
 */
#include <string.h>

#include "hw/usb/ehci.h"
#include "hw/usb/uhci_regs.h"

enum { FRAME_NS = 1000000, IDLE_AFTER = 64, IDLE_FRAMES = 4, LATE_MAX = 32 };
enum { CFG_RELEASE = 0x60, CFG_LEGSUP = 0xc0 };

static struct uhci *uhci_of(struct dev *dev)
{
    return container_of(dev, struct uhci, pci.dev);
}

void uhci_irq(struct uhci *u)
{
    bool level = (u->causes & CAUSE_IOC && u->intr & INTR_IOC) ||
                 (u->causes & CAUSE_SHORT && u->intr & INTR_SHORT) ||
                 (u->sts & STS_ERROR && u->intr & INTR_TIMEOUT) ||
                 (u->sts & STS_RESUME && u->intr & INTR_RESUME) ||
                 u->sts & (STS_HSE | STS_HCPE);

    pci_set_intx(&u->pci, level);
}

/* --- frames --- */

static void arm(struct uhci *u)
{
    unsigned more = u->idle > IDLE_AFTER ? IDLE_FRAMES - 1 : 0;

    timer_set(&u->frame, u->next + more * (int64_t)FRAME_NS);
}

static void run(struct uhci *u)
{
    u->idle = uhci_run_frame(u) ? 0 : MIN(u->idle + 1, 1u << 20);
}

/* Runs the frames that are due; of what a stalled host missed LATE_MAX are
 * run, the others counted. Before its time a frame is looked at once more. */
static void frame_due(void *opaque)
{
    struct uhci *u = opaque;
    int64_t now = clock_now(u->frame.clock);
    int64_t due = now < u->next ? 0 : (now - u->next) / FRAME_NS + 1;

    if (due == 0) {
        run(u);
    }
    for (int64_t i = 0; i < MIN(due, LATE_MAX) && u->cmd & CMD_RUN; i++) {
        run(u);
        u->frnum = (u->frnum + 1) & 0x7ff;
    }
    if (due > LATE_MAX) {
        u->frnum = (uint16_t)((u->frnum + due - LATE_MAX) & 0x7ff);
    }
    u->next += due * FRAME_NS;
    if (u->cmd & CMD_RUN) {
        arm(u);
    } else {
        u->sts |= STS_HALTED;
    }
}

static void run_soon(struct uhci *u)
{
    u->idle = 0;
    if (u->cmd & CMD_RUN) {
        timer_set(&u->frame, clock_now(u->frame.clock));
    }
}

/* --- root ports --- */

static void set_connected(struct uhci *u, unsigned port)
{
    const struct usb_dev *d = u->port[port].dev;
    uint16_t *sc = &u->portsc[port];

    *sc &= (uint16_t) ~(PORT_CONNECT | PORT_LOW_SPEED | PORT_LINES);
    if (d) {
        *sc |= PORT_CONNECT;
        *sc |= d->speed == USB_LOW ? PORT_LOW_SPEED : 0;
    } else if (*sc & PORT_ENABLE) {
        *sc &= (uint16_t)~PORT_ENABLE;
        *sc |= PORT_ENABLE_CHANGE;
    }
}

/* Resume from suspend: [UHCI] 2.1.2 "resume detect". */
static void resume(struct uhci *u)
{
    if (u->cmd & CMD_EGSM) {
        u->cmd |= CMD_FGR;
        u->sts |= STS_RESUME;
        uhci_irq(u);
    }
}

static void uhci_port_changed(struct usb_port *p)
{
    struct uhci *u = p->opaque;

    set_connected(u, p->index);
    u->portsc[p->index] |= PORT_CONNECT_CHANGE;
    resume(u);
}

static void uhci_wakeup(struct usb_port *p)
{
    struct uhci *u = p->opaque;
    uint16_t *sc = &u->portsc[p->index];

    if (*sc & PORT_SUSPEND && !(*sc & PORT_RESUME)) {
        *sc |= PORT_RESUME;
        u->sts |= STS_RESUME;
        uhci_irq(u);
    }
    resume(u);
}

static void uhci_ready(struct usb_port *p, struct usb_dev *d)
{
    run_soon(p->opaque);
}

static const struct usb_port_ops uhci_port_ops = {
    .attach = uhci_port_changed,
    .detach = uhci_port_changed,
    .ready = uhci_ready,
    .wakeup = uhci_wakeup,
};

static void write_portsc(struct uhci *u, unsigned port, uint16_t v)
{
    uint16_t *sc = &u->portsc[port];
    uint16_t writable = PORT_ENABLE | PORT_RESUME | PORT_RESET | PORT_SUSPEND;
    uint16_t old = *sc;

    if (v & PORT_RESET && !(old & PORT_RESET)) {
        usb_port_reset(&u->port[port]);
    }
    *sc &= (uint16_t) ~(v & (PORT_CONNECT_CHANGE | PORT_ENABLE_CHANGE));
    *sc = (uint16_t)((*sc & ~writable) | (v & writable));
    if (*sc & PORT_RESET || !(*sc & PORT_CONNECT)) {
        *sc &= (uint16_t)~PORT_ENABLE;
    }
    if (old & PORT_RESUME && !(v & PORT_RESUME)) { /* resume has ended */
        *sc &= (uint16_t)~PORT_SUSPEND;
    }
    run_soon(u);
}

/* --- registers --- */

static void reset_registers(struct uhci *u)
{
    u->cmd = 0;
    u->sts = STS_HALTED;
    u->intr = 0;
    u->frnum = 0;
    u->flbase = 0;
    u->sofmod = 64;
    u->causes = 0;
    u->idle = 0;
    u->next = 0;
    timer_cancel(&u->frame);
    for (unsigned i = 0; i < UHCI_PORTS; i++) {
        u->portsc[i] = PORT_ALWAYS;
        set_connected(u, i);
        u->portsc[i] |= u->port[i].dev ? PORT_CONNECT_CHANGE : 0;
    }
    uhci_irq(u);
}

static void reset_ports(struct uhci *u)
{
    for (unsigned i = 0; i < UHCI_PORTS; i++) {
        usb_port_reset(&u->port[i]);
    }
}

static void write_cmd(struct uhci *u, uint16_t v)
{
    if (v & CMD_HCRESET || (v & CMD_GRESET && !(u->cmd & CMD_GRESET))) {
        reset_ports(u);
        reset_registers(u);
        u->cmd = v & CMD_GRESET;
        return;
    }
    if (v & CMD_RUN && !(u->cmd & CMD_RUN)) {
        u->sts &= (uint16_t)~STS_HALTED;
        u->idle = 0;
        u->next = clock_now(u->frame.clock) + FRAME_NS;
        arm(u);
    } else if (!(v & CMD_RUN)) {
        u->sts |= STS_HALTED;
        timer_cancel(&u->frame);
    }
    u->cmd = v & 0xff;
}

static void uhci_write16(struct uhci *u, unsigned at, uint16_t v)
{
    switch (at) {
    case R_CMD: write_cmd(u, v); break;
    case R_STS:
        u->sts &= (uint16_t) ~(v & 0x1f);
        u->causes = u->sts & STS_USBINT ? u->causes : 0;
        uhci_irq(u);
        break;
    case R_INTR:
        u->intr = v & 15;
        uhci_irq(u);
        break;
    case R_FRNUM:
        if (u->sts & STS_HALTED) {
            u->frnum = v & 0x7ff;
        }
        break;
    case R_FLBASE: u->flbase = (u->flbase & 0xffff0000) | (v & 0xf000); break;
    case R_FLBASE + 2:
        u->flbase = (u->flbase & 0xffff) | (uint32_t)v << 16;
        break;
    case R_SOFMOD: u->sofmod = v & 0x7f; break;
    case R_PORTSC:
    case R_PORTSC + 2: write_portsc(u, (at - R_PORTSC) / 2, v); break;
    default: break;
    }
}

static uint16_t uhci_read16(struct uhci *u, unsigned at)
{
    switch (at) {
    case R_CMD: return u->cmd;
    case R_STS: return u->sts;
    case R_INTR: return u->intr;
    case R_FRNUM: return u->frnum;
    case R_FLBASE: return (uint16_t)u->flbase;
    case R_FLBASE + 2: return (uint16_t)(u->flbase >> 16);
    case R_SOFMOD: return u->sofmod;
    case R_PORTSC:
    case R_PORTSC + 2: return u->portsc[(at - R_PORTSC) / 2];
    default: return 0xff7f; /* no port: bit 7 is what software looks for */
    }
}

static uint64_t uhci_read(void *opaque, uint64_t at, unsigned size)
{
    struct uhci *u = opaque;
    uint16_t v = uhci_read16(u, (unsigned)at & ~1u);

    return size == 1 ? (uint8_t)(v >> 8 * (at & 1)) : v;
}

/* A byte write leaves the other byte; bits that are cleared by 1 stay. */
static void uhci_write(void *opaque, uint64_t at, unsigned size, uint64_t v)
{
    struct uhci *u = opaque;
    unsigned even = (unsigned)at & ~1u;

    if (size == 1) {
        unsigned shift = 8 * (at & 1);
        uint16_t keep = uhci_read16(u, even);

        if (even == R_STS) {
            keep = 0;
        } else if (even == R_PORTSC || even == R_PORTSC + 2) {
            keep &= (uint16_t) ~(PORT_CONNECT_CHANGE | PORT_ENABLE_CHANGE);
        }
        keep &= (uint16_t) ~(0xffu << shift);
        v = keep | v << shift;
    }
    uhci_write16(u, even, (uint16_t)v);
}

static const struct region_ops uhci_io = {
    .read = uhci_read, .write = uhci_write, .max = 2};

/* --- the device --- */

struct uhci_model {
    const struct dev_type *type;
    uint16_t device;
    uint8_t revision, pin;
};

static const struct uhci_model models[] = {
    {&piix3_uhci_type, 0x7020, 1, 4}, {&piix4_uhci_type, 0x7112, 1, 4},
    {&ich9_uhci1_type, 0x2934, 3, 1}, {&ich9_uhci2_type, 0x2935, 3, 2},
    {&ich9_uhci3_type, 0x2936, 3, 3}, {&ich9_uhci4_type, 0x2937, 3, 1},
    {&ich9_uhci5_type, 0x2938, 3, 2}, {&ich9_uhci6_type, 0x2939, 3, 3},
};

static const struct uhci_model *model_of(const struct dev *dev)
{
    const struct uhci_model *m = models;

    while (m->type != dev->type) {
        m++;
    }
    return m;
}

static void add_ports(struct uhci *u)
{
    if (!u->masterbus) {
        u->bus = usb_bus_new(&u->pci.dev);
    }
    for (unsigned i = 0; i < UHCI_PORTS; i++) {
        struct usb_port *p = &u->port[i];

        p->ops = &uhci_port_ops;
        p->opaque = u;
        p->index = i;
        p->speeds = 1u << USB_LOW | 1u << USB_FULL;
        if (u->bus) {
            usb_port_add(u->bus, p, NULL);
        }
    }
}

static bool uhci_realize(struct dev *dev, GError **error)
{
    struct uhci *u = uhci_of(dev);
    const struct uhci_model *model = model_of(dev);
    const struct pci_ids ids = {.vendor = 0x8086,
                                .device = model->device,
                                .revision = model->revision,
                                .class_code = 0x0c0300,
                                .int_pin = model->pin};

    if (!pci_realize(&u->pci, &ids, -1, error)) {
        return false;
    }
    u->pci.config[CFG_RELEASE] = 0x10;
    u->pci.config[CFG_LEGSUP + 1] = 0x20;
    memset(u->pci.writable + CFG_LEGSUP, 0xff, 2);
    region_init_io(&u->ports, dev->type->name, UHCI_IO_SIZE, &uhci_io, u);
    pci_set_bar(&u->pci, 4, PCI_BAR_IO, &u->ports);
    timer_init(&u->frame, &dev->machine->clock, frame_due, u);
    add_ports(u);
    if (u->masterbus &&
        !ehci_companion(dev->machine, u->masterbus, u->firstport, u->port,
                        UHCI_PORTS, error)) {
        pci_unrealize(&u->pci);
        return false;
    }
    return true;
}

static void uhci_unrealize(struct dev *dev)
{
    struct uhci *u = uhci_of(dev);

    timer_cancel(&u->frame);
    if (u->bus) {
        usb_bus_free(u->bus);
    }
    pci_unrealize(&u->pci);
}

static void uhci_reset(struct dev *dev)
{
    struct uhci *u = uhci_of(dev);

    pci_reset(&u->pci);
    reset_registers(u);
}

static void uhci_settle(struct dev *dev)
{
    struct uhci *u = uhci_of(dev);

    pci_settle(&u->pci);
    uhci_irq(u);
}

static bool uhci_check(struct dev *dev, GError **error)
{
    const struct uhci *u = uhci_of(dev);
    int64_t now = clock_now(u->frame.clock);

    return (u->next >= 0 && u->next <= now + NS_PER_SECOND) ||
           fail(error, "%s: its next frame is out of range", dev_name(dev));
}

static const struct field uhci_props[] = {
    PCI_PROPS(struct uhci, pci),
    PROP_STR(struct uhci, masterbus, "masterbus", NULL),
    PROP(struct uhci, firstport, 0),
    FIELD_END,
};

static const struct field uhci_state[] = {
    PCI_STATE(struct uhci, pci),
    FIELD(struct uhci, frame),
    FIELD(struct uhci, next),
    FIELD(struct uhci, cmd),
    FIELD(struct uhci, sts),
    FIELD(struct uhci, intr),
    FIELD(struct uhci, frnum),
    FIELD(struct uhci, flbase),
    FIELD(struct uhci, sofmod),
    FIELD_ARRAY(struct uhci, portsc),
    FIELD(struct uhci, causes),
    FIELD(struct uhci, idle),
    FIELD_END,
};

/* clang-format off */
#define UHCI_TYPE(nm, text) { \
    .name = nm, \
    .desc = text, \
    .bus = "PCI", \
    .size = sizeof(struct uhci), \
    .version = 1, \
    .props = uhci_props, \
    .state = uhci_state, \
    .realize = uhci_realize, \
    .unrealize = uhci_unrealize, \
    .reset = uhci_reset, \
    .settle = uhci_settle, \
    .check = uhci_check, \
}
/* clang-format on */

const struct dev_type piix3_uhci_type =
    UHCI_TYPE("piix3-usb-uhci", "USB 1.1 controller of the PIIX3");
const struct dev_type piix4_uhci_type =
    UHCI_TYPE("piix4-usb-uhci", "USB 1.1 controller of the PIIX4");
const struct dev_type ich9_uhci1_type =
    UHCI_TYPE("ich9-usb-uhci1", "USB 1.1 controller 1 of the ICH9");
const struct dev_type ich9_uhci2_type =
    UHCI_TYPE("ich9-usb-uhci2", "USB 1.1 controller 2 of the ICH9");
const struct dev_type ich9_uhci3_type =
    UHCI_TYPE("ich9-usb-uhci3", "USB 1.1 controller 3 of the ICH9");
const struct dev_type ich9_uhci4_type =
    UHCI_TYPE("ich9-usb-uhci4", "USB 1.1 controller 4 of the ICH9");
const struct dev_type ich9_uhci5_type =
    UHCI_TYPE("ich9-usb-uhci5", "USB 1.1 controller 5 of the ICH9");
const struct dev_type ich9_uhci6_type =
    UHCI_TYPE("ich9-usb-uhci6", "USB 1.1 controller 6 of the ICH9");
