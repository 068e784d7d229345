/* SPDX-License-Identifier: MIT */
/*
 * The PC's pair of 8259A interrupt controllers, the slave on the master's
 * input 2, with the edge/level control registers of EISA and PIIX.
 *
 * [8259A] Intel 8259A/8259A-2 data sheet, 231468-003.
 * [PIIX3] 2.5.8 "Edge/Level Control Registers".
 *
 * In both trigger modes a request must stay high until it is acknowledged:
 * otherwise the controller answers with its input 7, "spurious".
 *
 * Not modelled: MCS-80/85 mode, buffered mode.
 */
#include "hw/intc/i8259.h"

enum { MASTER, SLAVE, CASCADE = 2, SPURIOUS = 7 };

enum {
    ICW1_IC4 = 1 << 0,
    ICW1_SNGL = 1 << 1,
    ICW1_LTIM = 1 << 3,
    ICW1_INIT = 1 << 4,
    ICW4_AEOI = 1 << 1,
    ICW4_SFNM = 1 << 4,
    OCW3 = 1 << 3,
    OCW3_RR = 1 << 1,
    OCW3_RIS = 1 << 0,
    OCW3_POLL = 1 << 2,
    OCW3_ESMM = 1 << 6,
    OCW3_SMM = 1 << 5,
};

/* Inputs whose trigger mode can be chosen: not 0, 1, 2, 8 and 13. */
static const uint8_t elcr_writable[2] = {0xf8, 0xde};

/* The input of highest priority among `set`, 8 where there is none. */
static unsigned chip_rank(const struct i8259_chip *c, uint8_t set)
{
    for (unsigned rank = 0; rank < 8; rank++) {
        if (set >> ((c->lowest + 1 + rank) & 7) & 1) {
            return rank;
        }
    }
    return 8;
}

static unsigned chip_input(const struct i8259_chip *c, unsigned rank)
{
    return (c->lowest + 1 + rank) & 7;
}

static uint8_t chip_level_mask(const struct i8259_chip *c)
{
    return c->ltim ? 0xff : c->elcr;
}

/* The input that the chip asks service for, or -1. */
static int chip_pending(const struct i8259_chip *c)
{
    unsigned rank = chip_rank(c, c->irr & ~c->imr);
    uint8_t isr = c->isr;

    if (rank == 8 || c->next_icw) {
        return -1;
    }
    if (c->special_mask) {
        isr &= ~c->imr;
    }
    if ((c->icw4 & ICW4_SFNM) && !c->single) {
        isr &= (uint8_t) ~(1 << CASCADE); /* the slave may nest in itself */
    }
    return rank < chip_rank(c, isr) ? (int)chip_input(c, rank) : -1;
}

static void chip_set_line(struct i8259_chip *c, unsigned n, bool level)
{
    uint8_t bit = (uint8_t)(1 << n);

    if (!level) {
        c->lines &= (uint8_t)~bit;
        c->irr &= (uint8_t)~bit;
    } else {
        if (!(c->lines & bit) || (chip_level_mask(c) & bit)) {
            c->irr |= bit;
        }
        c->lines |= bit;
    }
}

/* Drives the cascade, then INTR, where they change. */
static void i8259_update(struct i8259 *s)
{
    bool cascade = chip_pending(&s->chip[SLAVE]) >= 0;
    bool intr;

    if (cascade != (s->chip[MASTER].lines >> CASCADE & 1)) {
        chip_set_line(&s->chip[MASTER], CASCADE, cascade);
    }
    intr = chip_pending(&s->chip[MASTER]) >= 0;
    if (intr != s->intr.level) {
        wire_set(&s->intr, intr);
    }
}

void i8259_set_irq(void *dev, unsigned pin, bool level)
{
    struct i8259 *s = dev;

    if (pin == CASCADE || pin > 15) {
        return;
    }
    chip_set_line(&s->chip[pin >> 3], pin & 7, level);
    i8259_update(s);
}

static void chip_eoi(struct i8259_chip *c, unsigned n, bool rotate)
{
    c->isr &= (uint8_t) ~(1 << n);
    if (rotate) {
        c->lowest = (uint8_t)n;
    }
}

/* Takes the pending request into service; the input. */
static unsigned chip_ack(struct i8259_chip *c)
{
    int n = chip_pending(c);

    if (n < 0) {
        return SPURIOUS;
    }
    if (!(chip_level_mask(c) >> n & 1)) {
        c->irr &= (uint8_t) ~(1 << n);
    }
    c->isr |= (uint8_t)(1 << n);
    if (c->icw4 & ICW4_AEOI) {
        chip_eoi(c, (unsigned)n, c->rotate_aeoi);
    }
    return (unsigned)n;
}

int i8259_ack(void *dev)
{
    struct i8259 *s = dev;
    struct i8259_chip *master = &s->chip[MASTER];
    struct i8259_chip *slave = &s->chip[SLAVE];
    unsigned n = chip_ack(master);
    int vector = master->icw2 + (int)n;

    if (n == CASCADE && !master->single) {
        vector = slave->icw2 + (int)chip_ack(slave);
        /* INT of the slave falls, to rise again if it has more to say. */
        chip_set_line(master, CASCADE, false);
    }
    i8259_update(s);
    return vector;
}

/* The highest in service; in special mask mode masked ones do not count. */
static void chip_eoi_nonspecific(struct i8259_chip *c, bool rotate)
{
    unsigned rank = chip_rank(c, c->special_mask ? c->isr & ~c->imr : c->isr);

    if (rank < 8) {
        chip_eoi(c, chip_input(c, rank), rotate);
    }
}

static void chip_write_ocw2(struct i8259_chip *c, uint8_t v)
{
    switch (v >> 5) {
    case 0: c->rotate_aeoi = false; break;
    case 1: chip_eoi_nonspecific(c, false); break;
    case 2: break;
    case 3: chip_eoi(c, v & 7, false); break;
    case 4: c->rotate_aeoi = true; break;
    case 5: chip_eoi_nonspecific(c, true); break;
    case 6: c->lowest = v & 7; break;
    case 7: chip_eoi(c, v & 7, true); break;
    }
}

static void chip_write_ocw3(struct i8259_chip *c, uint8_t v)
{
    if (v & OCW3_ESMM) {
        c->special_mask = v & OCW3_SMM;
    }
    if (v & OCW3_RR) {
        c->read_isr = v & OCW3_RIS;
    }
    c->poll = v & OCW3_POLL;
}

static void chip_write_icw1(struct i8259_chip *c, uint8_t v)
{
    c->ltim = v & ICW1_LTIM;
    c->single = v & ICW1_SNGL;
    c->need_icw4 = v & ICW1_IC4;
    c->next_icw = 2;
    c->imr = 0;
    c->isr = 0;
    c->irr = c->lines & chip_level_mask(c); /* edges are forgotten */
    c->lowest = 7;
    c->special_mask = false;
    c->read_isr = false;
    c->poll = false;
    if (!c->need_icw4) {
        c->icw4 = 0;
    }
}

/* ICW2..ICW4, or the mask. */
static void chip_write_odd(struct i8259_chip *c, uint8_t v)
{
    switch (c->next_icw) {
    case 0: c->imr = v; break;
    case 2:
        c->icw2 = v & 0xf8;
        c->next_icw = !c->single ? 3 : c->need_icw4 ? 4 : 0;
        break;
    case 3:
        c->icw3 = v;
        c->next_icw = c->need_icw4 ? 4 : 0;
        break;
    default:
        c->icw4 = v & 0x1f;
        c->next_icw = 0;
        break;
    }
}

static void chip_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct i8259_chip *c = opaque;
    uint8_t v = (uint8_t)value;

    if (at) {
        chip_write_odd(c, v);
    } else if (v & ICW1_INIT) {
        chip_write_icw1(c, v);
    } else if (v & OCW3) {
        chip_write_ocw3(c, v);
    } else {
        chip_write_ocw2(c, v);
    }
    i8259_update(c->pair);
}

static uint8_t chip_poll(struct i8259_chip *c)
{
    uint8_t answer = 0;

    c->poll = false;
    if (chip_pending(c) >= 0) {
        answer = (uint8_t)(0x80 | chip_ack(c));
    }
    i8259_update(c->pair);
    return answer;
}

static uint64_t chip_read(void *opaque, uint64_t at, unsigned size)
{
    struct i8259_chip *c = opaque;

    if (c->poll) {
        return chip_poll(c);
    }
    return at ? c->imr : c->read_isr ? c->isr : c->irr;
}

static const struct region_ops chip_ops = {
    .read = chip_read,
    .write = chip_write,
    .max = 1,
};

static uint64_t elcr_read(void *opaque, uint64_t at, unsigned size)
{
    const struct i8259 *s = opaque;

    return s->chip[at].elcr;
}

static void elcr_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct i8259 *s = opaque;
    struct i8259_chip *c = &s->chip[at];

    c->elcr = (uint8_t)value & elcr_writable[at];
    /* What is level triggered now follows its line. */
    c->irr = (uint8_t)((c->irr & ~c->elcr) | (c->lines & c->elcr));
    i8259_update(s);
}

static const struct region_ops elcr_ops = {
    .read = elcr_read,
    .write = elcr_write,
    .max = 1,
};

static struct i8259 *i8259_of(struct dev *dev)
{
    return container_of(dev, struct i8259, dev);
}

static bool i8259_realize(struct dev *dev, GError **error)
{
    struct i8259 *s = i8259_of(dev);

    region_init_io(&s->ports[0], "i8259-master", 2, &chip_ops, &s->chip[0]);
    region_init_io(&s->ports[1], "i8259-slave", 2, &chip_ops, &s->chip[1]);
    region_init_io(&s->ports[2], "elcr", 2, &elcr_ops, s);
    machine_map_ports(dev->machine, &s->ports[0], 0x20);
    machine_map_ports(dev->machine, &s->ports[1], 0xa0);
    machine_map_ports(dev->machine, &s->ports[2], 0x4d0);
    return true;
}

static void i8259_unrealize(struct dev *dev)
{
    struct i8259 *s = i8259_of(dev);

    for (unsigned i = 0; i < ARRAY_SIZE(s->ports); i++) {
        region_remove(&s->ports[i]);
    }
}

/* The lines are their drivers': a reset does not touch them. */
static void i8259_reset(struct dev *dev)
{
    struct i8259 *s = i8259_of(dev);

    for (unsigned i = 0; i < 2; i++) {
        s->chip[i] = (struct i8259_chip){
            .pair = s, .lines = s->chip[i].lines, .lowest = 7};
    }
    s->chip[MASTER].lines &= (uint8_t) ~(1 << CASCADE);
}

static void i8259_settle(struct dev *dev)
{
    struct i8259 *s = i8259_of(dev);

    i8259_update(s);
    wire_set(&s->intr, s->intr.level);
}

static bool i8259_check(struct dev *dev, GError **error)
{
    const struct i8259 *s = i8259_of(dev);

    for (unsigned i = 0; i < 2; i++) {
        if (s->chip[i].lowest > 7) {
            return fail(error, "i8259: lowest priority is input %u",
                        s->chip[i].lowest);
        }
    }
    return true;
}

/* clang-format off */
#define CHIP(n, m) FIELD_AS(struct i8259, chip[n].m, #m #n)
#define CHIP_STATE(n) \
    CHIP(n, lines), CHIP(n, irr), CHIP(n, isr), CHIP(n, imr), CHIP(n, icw2), \
    CHIP(n, icw3), CHIP(n, icw4), CHIP(n, elcr), CHIP(n, lowest), \
    CHIP(n, next_icw), CHIP(n, ltim), CHIP(n, single), CHIP(n, need_icw4), \
    CHIP(n, read_isr), CHIP(n, poll), CHIP(n, special_mask), \
    CHIP(n, rotate_aeoi)
/* clang-format on */

static const struct field i8259_state[] = {
    CHIP_STATE(0),
    CHIP_STATE(1),
    FIELD_END,
};

void i8259_print(const struct i8259 *s, GString *out)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct i8259_chip *c = &s->chip[i];

        g_string_append_printf(
            out,
            "pic%u: irr=%02x imr=%02x isr=%02x hprio=%u irq_base=%02x "
            "rr_sel=%u elcr=%02x fnm=%u\n",
            i, c->irr, c->imr, c->isr, (c->lowest + 1u) & 7, c->icw2,
            c->read_isr, c->elcr, (c->icw4 & ICW4_SFNM) != 0);
    }
}

const struct dev_type i8259_type = {
    .name = "i8259",
    .alias = "isa-i8259",
    .desc = "pair of 8259A interrupt controllers",
    .size = sizeof(struct i8259),
    .version = 1,
    .hidden = true,
    .state = i8259_state,
    .realize = i8259_realize,
    .unrealize = i8259_unrealize,
    .reset = i8259_reset,
    .settle = i8259_settle,
    .check = i8259_check,
};
