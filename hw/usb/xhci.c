/* SPDX-License-Identifier: MIT */
/*
 * xHCI: registers and the PCI device. qemu-xhci is QEMU's own (1b36:000d),
 * nec-usb-xhci a NEC uPD720200.
 *
 * Not modelled: streams, interrupt moderation, virtual functions, the debug
 * capability, saving and restoring by CMD.CSS (reports an error, and drivers
 * set the controller up again), bandwidth, contexts of 64 bytes.
 */
#include "hw/usb/xhci.h"

#include <string.h>

#include "hw/usb/xhci_regs.h"

enum { CFG_RELEASE = 0x60, CFG_FLADJ = 0x61, UFRAME_NS = 125000 };

static struct xhci *xhci_of(struct dev *dev)
{
    return container_of(dev, struct xhci, pci.dev);
}

static void set_low(uint64_t *v, uint32_t low)
{
    *v = (*v & ~UINT64_C(0xffffffff)) | low;
}

static void set_high(uint64_t *v, uint32_t high)
{
    *v = (*v & 0xffffffff) | (uint64_t)high << 32;
}

/* --- capabilities --- */

/* [XHCI] 5.3; from 20h: 7.2 supported protocols. */
static uint32_t read_capability(const struct xhci *x, unsigned at)
{
    switch (at) {
    case 0x00: return 0x01000000 | OPERATIONAL;
    case 0x04: return (x->p2 + x->p3) << 24 | x->intrs << 8 | x->slots;
    case 0x08: return 0x0000000f;
    case 0x10: return 0x00080001; /* 64-bit addresses; the list at 20h */
    case 0x14: return DOORBELLS;
    case 0x18: return RUNTIME;
    case 0x20: return 0x02000000 | (x->p3 ? 4u << 8 : 0) | 2;
    case 0x24: return 0x20425355; /* "USB " */
    case 0x28: return 1 | x->p2 << 8;
    case 0x30: return x->p3 ? 0x03000002 : 0;
    case 0x34: return 0x20425355;
    case 0x38: return (x->p2 + 1) | x->p3 << 8;
    default: return 0;
    }
}

/* --- operational registers --- */

static void reset_slots(struct xhci *x)
{
    for (unsigned s = 0; s <= XHCI_SLOTS; s++) {
        xhci_disable_slot(x, s);
    }
}

static void reset_registers(struct xhci *x)
{
    x->cmd = 0;
    x->sts = STS_HALTED;
    x->dnctrl = x->config = 0;
    x->crcr = x->dcbaap = x->command = 0;
    x->command_cycle = false;
    x->mfindex_start = 0;
    memset(x->intr, 0, sizeof(x->intr));
    timer_cancel(&x->work);
    reset_slots(x);
    for (unsigned i = 0; i < MAX(x->p2, x->p3); i++) {
        usb_port_reset(&x->connector[i]);
    }
    xhci_ports_reset(x);
    xhci_intx(x);
}

static void start(struct xhci *x)
{
    x->sts &= ~(uint32_t)STS_HALTED;
    x->mfindex_start = clock_now(x->work.clock);
    for (unsigned i = 0; i < x->intrs; i++) {
        if (!x->intr[i].ring_size) {
            xhci_ring_start(x, &x->intr[i]);
        }
    }
    for (unsigned i = 0; i < x->p2 + x->p3; i++) {
        if (x->portsc[i] & PORT_CONNECT_CHANGE) {
            xhci_event(x, 0, TRB_PORT_EVENT, CODE_SUCCESS,
                       (uint64_t)(i + 1) << 24, 0, 0);
        }
    }
}

static void write_cmd(struct xhci *x, uint32_t v)
{
    uint32_t old = x->cmd;

    if (v & (CMD_RESET | CMD_LIGHT_RESET)) {
        reset_registers(x);
        return;
    }
    x->cmd = v & CMD_WRITABLE;
    if (v & CMD_RESTORE) {
        x->sts |= STS_RESTORE_ERROR;
    }
    if (x->cmd & ~old & CMD_RUN) {
        start(x);
        xhci_kick_all(x, 0);
    } else if (!(x->cmd & CMD_RUN)) {
        x->sts |= STS_HALTED;
        x->crcr &= ~(uint64_t)CRCR_RUNNING;
    }
    xhci_intx(x);
}

/* [XHCI] 5.4.5: a running ring only takes stop and abort. */
static void write_crcr(struct xhci *x, uint32_t v)
{
    if (!(x->crcr & CRCR_RUNNING)) {
        set_low(&x->crcr, v & ~0x3eu);
        set_low(&x->command, v & ~0x3fu);
        x->command_cycle = v & CRCR_CYCLE;
    } else if (v & (CRCR_STOP | CRCR_ABORT)) {
        x->crcr &= ~(uint64_t)CRCR_RUNNING;
        xhci_event(x, 0, TRB_COMMAND_EVENT, CODE_COMMAND_STOPPED, x->command, 0,
                   0);
    }
}

static void write_operational(struct xhci *x, unsigned at, uint32_t v)
{
    switch (at) {
    case 0x00: write_cmd(x, v); break;
    case 0x04: x->sts &= ~(v & STS_W1C); break;
    case 0x14: x->dnctrl = v & 0xffff; break;
    case 0x18: write_crcr(x, v); break;
    case 0x1c:
        if (!(x->crcr & CRCR_RUNNING)) {
            set_high(&x->crcr, v);
            set_high(&x->command, v);
        }
        break;
    case 0x30: set_low(&x->dcbaap, v & ~63u); break;
    case 0x34: set_high(&x->dcbaap, v); break;
    case 0x38: x->config = v & 0xff; break;
    default: break;
    }
}

static uint32_t read_operational(const struct xhci *x, unsigned at)
{
    switch (at) {
    case 0x00: return x->cmd;
    case 0x04: return x->sts;
    case 0x08: return 1; /* pages of 4 KiB */
    case 0x14: return x->dnctrl;
    case 0x18: return (uint32_t)(x->crcr & CRCR_RUNNING);
    case 0x30: return (uint32_t)x->dcbaap;
    case 0x34: return (uint32_t)(x->dcbaap >> 32);
    case 0x38: return x->config;
    default: return 0;
    }
}

/* --- interrupters, doorbells --- */

/* What waited for time, or for room in an event ring. */
static void look(struct xhci *x)
{
    if (x->crcr & CRCR_RUNNING) {
        xhci_run_commands(x);
    }
    xhci_kick_all(x, 0);
}

static void work(void *opaque)
{
    struct xhci *x = opaque;

    x->inside = true;
    x->steps = 0;
    look(x);
    x->inside = false;
}

/* [XHCI] 4.17.2: what came while the handler was busy interrupts again. */
static void write_dequeue(struct xhci *x, unsigned n, uint32_t v)
{
    struct xhci_interrupter *i = &x->intr[n];
    uint64_t busy = v & ERDP_BUSY ? 0 : i->dequeue & ERDP_BUSY;

    set_low(&i->dequeue, (v & ~(uint32_t)ERDP_BUSY) | (uint32_t)busy);
    if (i->ring_size && !busy &&
        (i->dequeue & ~UINT64_C(15)) !=
            i->ring + (uint64_t)i->enqueue * TRB_SIZE) {
        xhci_interrupt(x, n);
    }
    look(x);
}

static void write_interrupter(struct xhci *x, unsigned at, uint32_t v)
{
    unsigned n = at / 32;
    struct xhci_interrupter *i;

    if (n >= x->intrs) {
        return;
    }
    i = &x->intr[n];
    switch (at % 32) {
    case 0x00:
        i->iman &= ~(v & IMAN_PENDING);
        i->iman = (i->iman & IMAN_PENDING) | (v & IMAN_ENABLE);
        xhci_intx(x);
        break;
    case 0x04: i->imod = v; break;
    case 0x08: i->erst_size = v & 0xffff; break;
    case 0x10: set_low(&i->erst, v & ~63u); break;
    case 0x14:
        set_high(&i->erst, v);
        xhci_ring_start(x, i);
        break;
    case 0x18: write_dequeue(x, n, v); break;
    case 0x1c: set_high(&i->dequeue, v); break;
    default: break;
    }
}

static uint32_t read_interrupter(const struct xhci *x, unsigned at)
{
    const struct xhci_interrupter *i;

    if (at / 32 >= x->intrs) {
        return 0;
    }
    i = &x->intr[at / 32];
    switch (at % 32) {
    case 0x00: return i->iman;
    case 0x04: return i->imod;
    case 0x08: return i->erst_size;
    case 0x10: return (uint32_t)i->erst;
    case 0x14: return (uint32_t)(i->erst >> 32);
    case 0x18: return (uint32_t)i->dequeue;
    case 0x1c: return (uint32_t)(i->dequeue >> 32);
    default: return 0;
    }
}

static uint32_t mfindex(const struct xhci *x)
{
    int64_t past = clock_now(x->work.clock) - x->mfindex_start;

    return x->cmd & CMD_RUN ? (uint32_t)(past / UFRAME_NS) & 0x3fff : 0;
}

static void ring_doorbell(struct xhci *x, unsigned slot, uint32_t v)
{
    unsigned ep = v & 0xff;
    struct xhci_ep *e;

    if (slot == 0) {
        if (ep == 0) {
            xhci_run_commands(x);
        }
        return;
    }
    if (slot > x->slots || ep == 0 || ep >= XHCI_EPS || !(x->cmd & CMD_RUN)) {
        return;
    }
    e = xhci_ep(x, slot, ep);
    if (e->state == EP_STOPPED) {
        e->state = EP_RUNNING;
        xhci_put_endpoint(x, slot, ep);
    }
    xhci_kick(x, slot, ep);
}

/* --- the whole --- */

static bool is_port(const struct xhci *x, uint64_t at)
{
    return at >= PORT_REGS && at < PORT_REGS + 16u * (x->p2 + x->p3);
}

static uint64_t xhci_read(void *opaque, uint64_t at, unsigned size)
{
    const struct xhci *x = opaque;

    if (at < OPERATIONAL) {
        return read_capability(x, (unsigned)at);
    }
    if (is_port(x, at)) {
        return at % 16 ? 0 : x->portsc[(at - PORT_REGS) / 16];
    }
    if (at < RUNTIME) {
        return read_operational(x, (unsigned)at - OPERATIONAL);
    }
    if (at >= INTERRUPTER_REGS && at < DOORBELLS) {
        return read_interrupter(x, (unsigned)at - INTERRUPTER_REGS);
    }
    return at == RUNTIME ? mfindex(x) : 0;
}

static void write_register(struct xhci *x, uint64_t at, uint32_t v)
{
    if (is_port(x, at)) {
        if (at % 16 == 0) {
            xhci_write_portsc(x, (unsigned)(at - PORT_REGS) / 16, v);
        }
    } else if (at >= OPERATIONAL && at < RUNTIME) {
        write_operational(x, (unsigned)at - OPERATIONAL, v);
    } else if (at >= INTERRUPTER_REGS && at < DOORBELLS) {
        write_interrupter(x, (unsigned)at - INTERRUPTER_REGS, v);
    } else if (at >= DOORBELLS && at < MSIX_TABLE_AT) {
        ring_doorbell(x, (unsigned)(at - DOORBELLS) / 4, v);
    }
}

static void xhci_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct xhci *x = opaque;

    if (!x->inside) {
        x->inside = true;
        x->steps = 0;
        write_register(x, at, (uint32_t)value);
        x->inside = false;
    }
}

static const struct region_ops xhci_ops = {
    .read = xhci_read, .write = xhci_write, .min = 4, .max = 4};

static void xhci_config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct xhci *x = container_of(d, struct xhci, pci);

    msi_config_written(&x->msi, at, size);
    msix_config_written(&x->msix, at, size);
    xhci_intx(x);
}

/* --- the device --- */

static bool check_props(const struct xhci *x, GError **error)
{
    if (x->p2 < 1 || x->p2 > XHCI_CONNECTORS || x->p3 > XHCI_CONNECTORS) {
        return fail(error,
                    "%s: p2=%u,p3=%u: want 1 to %d USB 2 ports, up to "
                    "%d USB 3 ports",
                    dev_name(&x->pci.dev), x->p2, x->p3, XHCI_CONNECTORS,
                    XHCI_CONNECTORS);
    }
    if (x->slots < 1 || x->slots > XHCI_SLOTS || x->intrs < 1 ||
        x->intrs > XHCI_INTERRUPTERS) {
        return fail(error, "%s: slots=%u,intrs=%u: want 1 to %d, 1 to %d",
                    dev_name(&x->pci.dev), x->slots, x->intrs, XHCI_SLOTS,
                    XHCI_INTERRUPTERS);
    }
    return true;
}

static void add_ports(struct xhci *x)
{
    x->bus = usb_bus_new(&x->pci.dev);
    for (unsigned i = 0; i < MAX(x->p2, x->p3); i++) {
        struct usb_port *p = &x->connector[i];

        p->ops = &xhci_port_ops;
        p->opaque = x;
        p->index = i;
        p->speeds =
            i < x->p2 ? 1u << USB_LOW | 1u << USB_FULL | 1u << USB_HIGH : 0;
        p->speeds |= i < x->p3 ? 1u << USB_SUPER : 0;
        usb_port_add(x->bus, p, NULL);
    }
}

static bool is_off(const char *text)
{
    return text && strcmp(text, "off") == 0;
}

static bool xhci_realize(struct dev *dev, GError **error)
{
    struct xhci *x = xhci_of(dev);
    bool nec = dev->type == &nec_xhci_type;
    const struct pci_ids ids = {.vendor = nec ? 0x1033 : 0x1b36,
                                .device = nec ? 0x0194 : 0x000d,
                                .revision = nec ? 3 : 1,
                                .class_code = 0x0c0330,
                                .int_pin = 1};

    if (!check_props(x, error) || !pci_realize(&x->pci, &ids, -1, error)) {
        return false;
    }
    x->pci.config[CFG_RELEASE] = 0x30;
    x->pci.config[CFG_FLADJ] = 0x20;
    x->pci.config_written = xhci_config_written;
    region_init_container(&x->bar, dev->type->name, XHCI_BAR);
    region_init_io(&x->mmio, dev->type->name, MSIX_TABLE_AT, &xhci_ops, x);
    region_add(&x->bar, &x->mmio, 0, 0);
    pci_set_bar(&x->pci, 0, PCI_BAR_MEM32, &x->bar);
    if (!is_off(x->use_msi)) {
        msi_init(&x->msi, &x->pci, XHCI_INTERRUPTERS, false);
    }
    if (!is_off(x->use_msix)) {
        msix_init(&x->msix, &x->pci, XHCI_INTERRUPTERS, 0, &x->bar,
                  MSIX_TABLE_AT, MSIX_PENDING_AT);
    }
    timer_init(&x->work, &dev->machine->clock, work, x);
    add_ports(x);
    return true;
}

static void xhci_unrealize(struct dev *dev)
{
    struct xhci *x = xhci_of(dev);

    timer_cancel(&x->work);
    usb_bus_free(x->bus);
    msix_unrealize(&x->msix);
    pci_unrealize(&x->pci);
}

static void xhci_reset(struct dev *dev)
{
    struct xhci *x = xhci_of(dev);

    pci_reset(&x->pci);
    msix_reset(&x->msix);
    reset_registers(x);
}

static void xhci_settle(struct dev *dev)
{
    struct xhci *x = xhci_of(dev);

    pci_settle(&x->pci);
    msi_settle(&x->msi);
    msix_settle(&x->msix);
    xhci_intx(x);
}

static bool xhci_check(struct dev *dev, GError **error)
{
    const struct xhci *x = xhci_of(dev);

    for (unsigned i = 0; i < XHCI_INTERRUPTERS; i++) {
        const struct xhci_interrupter *n = &x->intr[i];

        if (n->ring_size > 4096 || (n->ring_size && n->ring_size < 16) ||
            n->enqueue >= MAX(n->ring_size, 1u)) {
            return fail(error, "%s: an event ring is out of range",
                        dev_name(dev));
        }
    }
    for (unsigned s = 1; s <= XHCI_SLOTS; s++) {
        if (x->slot[s].port > x->p2 + x->p3 || x->slot[s].state > 3) {
            return fail(error, "%s: a slot is out of range", dev_name(dev));
        }
    }
    return true;
}

static const struct field xhci_props[] = {
    PCI_PROPS(struct xhci, pci),
    PROP(struct xhci, p2, 4),
    PROP(struct xhci, p3, 4),
    PROP(struct xhci, slots, XHCI_SLOTS),
    PROP(struct xhci, intrs, XHCI_INTERRUPTERS),
    PROP(struct xhci, streams, false),
    PROP_STR(struct xhci, use_msi, "msi", NULL),
    PROP_STR(struct xhci, use_msix, "msix", NULL),
    FIELD_END,
};

static const struct field xhci_state[] = {
    PCI_STATE(struct xhci, pci),
    MSIX_STATE(struct xhci, msix),
    FIELD(struct xhci, work),
    FIELD(struct xhci, cmd),
    FIELD(struct xhci, sts),
    FIELD(struct xhci, dnctrl),
    FIELD(struct xhci, config),
    FIELD(struct xhci, crcr),
    FIELD(struct xhci, dcbaap),
    FIELD(struct xhci, command),
    FIELD(struct xhci, command_cycle),
    FIELD(struct xhci, mfindex_start),
    FIELD_ARRAY(struct xhci, portsc),
    FIELD_EACH(struct xhci, intr, iman, "intr_iman"),
    FIELD_EACH(struct xhci, intr, imod, "intr_imod"),
    FIELD_EACH(struct xhci, intr, erst_size, "intr_erst_size"),
    FIELD_EACH(struct xhci, intr, erst, "intr_erst"),
    FIELD_EACH(struct xhci, intr, dequeue, "intr_dequeue"),
    FIELD_EACH(struct xhci, intr, ring, "intr_ring"),
    FIELD_EACH(struct xhci, intr, ring_size, "intr_ring_size"),
    FIELD_EACH(struct xhci, intr, enqueue, "intr_enqueue"),
    FIELD_EACH(struct xhci, intr, cycle, "intr_cycle"),
    FIELD_EACH(struct xhci, slot, context, "slot_context"),
    FIELD_EACH(struct xhci, slot, enabled, "slot_enabled"),
    FIELD_EACH(struct xhci, slot, state, "slot_state"),
    FIELD_EACH(struct xhci, slot, port, "slot_port"),
    FIELD_EACH(struct xhci, ep, dequeue, "ep_dequeue"),
    FIELD_EACH(struct xhci, ep, moved, "ep_moved"),
    FIELD_EACH(struct xhci, ep, state, "ep_state"),
    FIELD_EACH(struct xhci, ep, type, "ep_type"),
    FIELD_EACH(struct xhci, ep, cycle, "ep_cycle"),
    FIELD_END,
};

/* clang-format off */
#define XHCI_TYPE(nm, text) { \
    .name = nm, \
    .desc = text, \
    .bus = "PCI", \
    .size = sizeof(struct xhci), \
    .version = 1, \
    .props = xhci_props, \
    .state = xhci_state, \
    .realize = xhci_realize, \
    .unrealize = xhci_unrealize, \
    .reset = xhci_reset, \
    .settle = xhci_settle, \
    .check = xhci_check, \
}
/* clang-format on */

const struct dev_type qemu_xhci_type =
    XHCI_TYPE("qemu-xhci", "USB 3 controller");
const struct dev_type nec_xhci_type =
    XHCI_TYPE("nec-usb-xhci", "USB 3 controller NEC uPD720200");
