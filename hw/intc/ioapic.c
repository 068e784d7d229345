/* SPDX-License-Identifier: MIT */
/*
 * I/O APIC with 24 inputs.
 *
 * [82093AA] Intel 82093AA I/O APIC data sheet, 290566-001; the EOI register of
 * version 0x20 as in [ICH9] 13.5.5.
 *
 * Not modelled: polarity (a pin is high when its device asks).
 */
#include "hw/intc/ioapic.h"

#include <inttypes.h>

enum {
    MMIO_INDEX = 0x00,
    MMIO_DATA = 0x10,
    MMIO_EOI = 0x40,
    R_ID = 0,
    R_VERSION = 1,
    R_ARBITRATION = 2,
    R_ENTRIES = 0x10,
};

#define ENTRY_LOGICAL    UINT64_C(0x0800)
#define ENTRY_STATUS     UINT64_C(0x1000)
#define ENTRY_REMOTE_IRR UINT64_C(0x4000)
#define ENTRY_LEVEL      UINT64_C(0x8000)
#define ENTRY_MASKED     UINT64_C(0x10000)
#define ENTRY_READ_ONLY  (ENTRY_STATUS | ENTRY_REMOTE_IRR)
#define ENTRY_BITS       UINT64_C(0xff0000000001ffff)

static struct ioapic *ioapic_of(struct dev *dev)
{
    return container_of(dev, struct ioapic, dev);
}

static void ioapic_send(struct ioapic *s, unsigned pin)
{
    uint64_t e = s->entry[pin];
    uint32_t dest = (uint32_t)(e >> 56);
    struct apic_msg msg = {
        .dest = dest == 0xff ? APIC_BROADCAST : dest,
        .logical = e & ENTRY_LOGICAL,
        .level = e & ENTRY_LEVEL,
        .mode = e >> 8 & 7,
        .vector = (uint8_t)e,
    };

    apic_send(s->bus, &msg);
}

/* A level-triggered input that is high, and whose last message has ended. */
static void ioapic_serve_level(struct ioapic *s, unsigned pin)
{
    uint64_t e = s->entry[pin];

    if ((s->lines >> pin & 1) && (e & ENTRY_LEVEL) &&
        !(e & (ENTRY_MASKED | ENTRY_REMOTE_IRR))) {
        s->entry[pin] |= ENTRY_REMOTE_IRR;
        ioapic_send(s, pin);
    }
}

void ioapic_set_irq(void *dev, unsigned pin, bool level)
{
    struct ioapic *s = dev;
    uint32_t bit;
    bool rises;

    if (pin >= IOAPIC_PINS) {
        return;
    }
    bit = UINT32_C(1) << pin;
    rises = level && !(s->lines & bit);
    s->lines = level ? s->lines | bit : s->lines & ~bit;
    if (s->entry[pin] & ENTRY_LEVEL) {
        ioapic_serve_level(s, pin);
    } else if (rises && !(s->entry[pin] & ENTRY_MASKED)) {
        ioapic_send(s, pin); /* edges at a masked input are lost */
    }
}

static void ioapic_eoi(void *opaque, uint8_t vector)
{
    struct ioapic *s = opaque;

    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        if ((s->entry[i] & ENTRY_REMOTE_IRR) &&
            (uint8_t)s->entry[i] == vector) {
            s->entry[i] &= ~ENTRY_REMOTE_IRR;
            ioapic_serve_level(s, i);
        }
    }
}

static void ioapic_write_entry(struct ioapic *s, unsigned at, uint32_t v)
{
    unsigned pin = at / 2;
    uint64_t *e = &s->entry[pin];
    uint64_t now = at & 1 ? (*e & 0xffffffff) | (uint64_t)v << 32
                          : (*e & ~UINT64_C(0xffffffff)) | v;

    *e = (now & ENTRY_BITS & ~ENTRY_READ_ONLY) | (*e & ENTRY_READ_ONLY);
    if (!(*e & ENTRY_LEVEL)) { /* the way to end it without an EOI register */
        *e &= ~ENTRY_REMOTE_IRR;
    }
    ioapic_serve_level(s, pin);
}

static void ioapic_write_register(struct ioapic *s, uint32_t v)
{
    unsigned at = (unsigned)s->index - R_ENTRIES;

    if (s->index == R_ID) {
        s->id = v >> 24 & 15;
    } else if (s->index >= R_ENTRIES && at < 2 * IOAPIC_PINS) {
        ioapic_write_entry(s, at, v);
    }
}

static uint32_t ioapic_read_register(const struct ioapic *s)
{
    unsigned at = (unsigned)s->index - R_ENTRIES;

    switch (s->index) {
    case R_ID:
    case R_ARBITRATION: return (uint32_t)s->id << 24;
    case R_VERSION: return (IOAPIC_PINS - 1) << 16 | s->version;
    default:
        if (s->index < R_ENTRIES || at >= 2 * IOAPIC_PINS) {
            return 0;
        }
        return (uint32_t)(s->entry[at / 2] >> (at & 1 ? 32 : 0));
    }
}

static uint64_t ioapic_read(void *opaque, uint64_t at, unsigned size)
{
    const struct ioapic *s = opaque;

    switch (at & 0xf0) {
    case MMIO_INDEX: return s->index;
    case MMIO_DATA: return ioapic_read_register(s);
    default: return 0;
    }
}

static void ioapic_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct ioapic *s = opaque;

    switch (at & 0xf0) {
    case MMIO_INDEX: s->index = (uint8_t)value; break;
    case MMIO_DATA: ioapic_write_register(s, (uint32_t)value); break;
    case MMIO_EOI:
        if (s->version >= 0x20) {
            ioapic_eoi(s, (uint8_t)value);
        }
        break;
    default: break;
    }
}

static const struct region_ops ioapic_ops = {
    .read = ioapic_read,
    .write = ioapic_write,
    .min = 4,
};

static bool ioapic_realize(struct dev *dev, GError **error)
{
    struct ioapic *s = ioapic_of(dev);

    if (!s->bus) {
        s->bus = (void *)machine_find_type(dev->machine, &apic_bus_type);
    }
    if (!s->bus) {
        return fail(error, "ioapic: there is no APIC bus");
    }
    apic_add_eoi(s->bus, ioapic_eoi, s);
    region_init_io(&s->mmio, "ioapic", 0x1000, &ioapic_ops, s);
    region_add(&dev->machine->memory.root, &s->mmio, s->base, 1);
    return true;
}

static void ioapic_unrealize(struct dev *dev)
{
    region_remove(&ioapic_of(dev)->mmio);
}

static void ioapic_reset(struct dev *dev)
{
    struct ioapic *s = ioapic_of(dev);

    s->id = 0;
    s->index = 0;
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        s->entry[i] = ENTRY_MASKED;
    }
}

static void ioapic_settle(struct dev *dev)
{
    struct ioapic *s = ioapic_of(dev);

    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        s->entry[i] &= ENTRY_BITS;
    }
}

static const struct field ioapic_props[] = {
    PROP(struct ioapic, base, 0xfec00000),
    PROP(struct ioapic, version, 0x20),
    FIELD_END,
};

static const struct field ioapic_state[] = {
    FIELD(struct ioapic, id),
    FIELD(struct ioapic, index),
    FIELD(struct ioapic, lines),
    FIELD_ARRAY(struct ioapic, entry),
    FIELD_END,
};

void ioapic_print(const struct ioapic *s, GString *out)
{
    g_string_append_printf(out, "ioapic ID=%u sel=0x%02x\n", s->id, s->index);
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        uint64_t e = s->entry[i];

        g_string_append_printf(
            out, "pin %-2u 0x%016" PRIx64 " dest=%u vec=%u%s%s%s%s\n", i, e,
            (unsigned)(e >> 56), (unsigned)(e & 0xff),
            e & ENTRY_LEVEL ? " level" : " edge",
            e & ENTRY_MASKED ? " masked" : "",
            e & ENTRY_REMOTE_IRR ? " remote-irr" : "",
            s->lines >> i & 1 ? " high" : "");
    }
}

const struct dev_type ioapic_type = {
    .name = "ioapic",
    .desc = "82093AA I/O APIC",
    .size = sizeof(struct ioapic),
    .version = 1,
    .hidden = true,
    .props = ioapic_props,
    .state = ioapic_state,
    .realize = ioapic_realize,
    .unrealize = ioapic_unrealize,
    .reset = ioapic_reset,
    .settle = ioapic_settle,
};
