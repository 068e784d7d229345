/* SPDX-License-Identifier: MIT */
/*
 * The PC's pair of 8237A DMA controllers and their page registers. Channels
 * 0..3 move bytes inside 64 KiB, 5..7 words inside 128 KiB; 4 is the cascade.
 *
 * [8237A] Intel 8237A data sheet, 231466-005. [PIIX3] 2.5.1.
 *
 * A granted channel moves as much as its device has at once: single, demand
 * and block mode differ in bus timing only.
 *
 * Not modelled: priorities between channels, compressed timing, EISA's high
 * page registers.
 */
#include "hw/dma/i8237.h"

#include <string.h>

enum {
    MODE_TYPE = 3 << 2, /* verify, write (to memory), read */
    MODE_VERIFY = 0 << 2,
    MODE_WRITE = 1 << 2,
    MODE_READ = 2 << 2,
    MODE_AUTO = 1 << 4,
    MODE_DOWN = 1 << 5,
    MODE_CASCADE = 3 << 6,
    CMD_MEM_TO_MEM = 1 << 0,
    CMD_HOLD_0 = 1 << 1,
    CMD_DISABLE = 1 << 2,
    CHUNK = 4096,
    BUDGET = 0x40000, /* bytes that one request may move */
};

static struct i8237_pair *pair_of(struct dev *dev)
{
    return container_of(dev, struct i8237_pair, dev);
}

/* The page registers of channels 0..7, by port - 0x80. */
static const uint8_t page_of[8] = {7, 3, 1, 2, 15, 11, 9, 10};

/* The byte address that unit `addr` of a channel is at. */
static uint32_t dma_address(const struct i8237_pair *s, unsigned n,
                            uint16_t addr)
{
    uint32_t page = s->page[page_of[n]];

    return n < 4 ? page << 16 | addr
                 : (page & 0xfe) << 16 | (uint32_t)addr << 1;
}

/* Reverses the order of units: the address counts down. */
static void reverse_units(uint8_t *buf, unsigned units, unsigned size)
{
    for (unsigned i = 0; i < units / 2; i++) {
        for (unsigned b = 0; b < size; b++) {
            uint8_t *x = &buf[i * size + b];
            uint8_t *y = &buf[(units - 1 - i) * size + b];
            uint8_t t = *x;

            *x = *y;
            *y = t;
        }
    }
}

/* Units that can move before the address wraps or the buffer is full. */
static unsigned dma_run_length(const struct i8237_channel *c, unsigned size)
{
    unsigned left = c->count + 1u;
    unsigned to_wrap = c->mode & MODE_DOWN ? c->addr + 1u : 0x10000u - c->addr;

    return MIN(MIN(left, to_wrap), CHUNK / size);
}

/* Counts units down; at the end, terminal count. */
static void dma_advance(struct i8237_chip *chip, unsigned n, unsigned units)
{
    struct i8237_channel *c = &chip->channel[n];
    bool tc = units > c->count;

    c->addr =
        (uint16_t)(c->mode & MODE_DOWN ? c->addr - units : c->addr + units);
    c->count = (uint16_t)(c->count - units);
    if (!tc) {
        return;
    }
    chip->tc |= (uint8_t)(1 << n);
    chip->request &= (uint8_t) ~(1 << n);
    if (c->mode & MODE_AUTO) {
        c->addr = c->base_addr;
        c->count = c->base_count;
    } else {
        chip->mask |= (uint8_t)(1 << n);
    }
}

/* One run of a channel; the bytes moved: 0, the device has none now. */
static unsigned dma_transfer(struct i8237_pair *s, unsigned n)
{
    struct i8237_chip *chip = &s->chip[n >> 2];
    struct i8237_channel *c = &chip->channel[n & 3];
    struct space *memory = &s->dev.machine->memory;
    unsigned size = n < 4 ? 1 : 2;
    unsigned units = dma_run_length(c, size);
    unsigned type = c->mode & MODE_TYPE;
    bool down = c->mode & MODE_DOWN;
    bool tc = units == c->count + 1u;
    uint8_t buf[CHUNK];
    unsigned moved;
    uint32_t at;

    memset(buf, 0xff, (size_t)units * size);
    if (type == MODE_READ) {
        at =
            dma_address(s, n, (uint16_t)(down ? c->addr - units + 1 : c->addr));
        dma_read(memory, at, buf, (uint64_t)units * size);
        if (down) {
            reverse_units(buf, units, size);
        }
    }
    moved = units * size;
    if (c->client.transfer) {
        moved = c->client.transfer(c->client.opaque, buf, units * size,
                                   type != MODE_READ, tc);
    }
    units = MIN(moved, units * size) / size;
    if (type == MODE_WRITE && units) {
        at =
            dma_address(s, n, (uint16_t)(down ? c->addr - units + 1 : c->addr));
        if (down) {
            reverse_units(buf, units, size);
        }
        dma_write(memory, at, buf, (uint64_t)units * size);
    }
    if (units) {
        dma_advance(chip, n & 3, units);
    }
    return units * size;
}

/* Channel 0 reads, channel 1 writes. */
static void dma_mem_to_mem(struct i8237_pair *s)
{
    struct i8237_chip *chip = &s->chip[0];
    struct i8237_channel *from = &chip->channel[0];
    struct i8237_channel *to = &chip->channel[1];
    struct space *memory = &s->dev.machine->memory;

    for (unsigned left = to->count + 1u; left; left--) {
        dma_read(memory, dma_address(s, 0, from->addr), &chip->temp, 1);
        dma_write(memory, dma_address(s, 1, to->addr), &chip->temp, 1);
        if (!(chip->command & CMD_HOLD_0)) {
            from->addr = (uint16_t)(from->mode & MODE_DOWN ? from->addr - 1
                                                           : from->addr + 1);
        }
        from->count--;
        dma_advance(chip, 1, 1);
    }
    chip->request &= (uint8_t)~1;
}

/* May channel n move something now? */
static bool dma_wants(const struct i8237_pair *s, unsigned n)
{
    const struct i8237_chip *chip = &s->chip[n >> 2];
    const struct i8237_channel *c = &chip->channel[n & 3];
    unsigned bit = 1u << (n & 3);

    return n != 4 && !(chip->command & CMD_DISABLE) &&
           (c->mode & MODE_CASCADE) != MODE_CASCADE &&
           (c->mode & MODE_TYPE) != MODE_TYPE &&
           ((chip->dreq & ~chip->mask & bit) || (chip->request & bit));
}

/* Serves channel n until its device, its count or its request ends. */
static void dma_serve(struct i8237_pair *s, unsigned n)
{
    /* a device that always has data and autoinit would never end */
    unsigned budget = BUDGET;

    while (budget && dma_wants(s, n)) {
        unsigned moved = dma_transfer(s, n);

        if (moved == 0) {
            return;
        }
        budget -= MIN(budget, moved);
    }
}

/* Serves the channels in a mask, and those that ask meanwhile. */
static void dma_run(struct i8237_pair *s, uint8_t channels)
{
    s->asked |= channels;
    if (s->running) {
        return; /* a device asks from inside its transfer */
    }
    s->running = true;
    for (unsigned rounds = 0; s->asked && rounds < 64; rounds++) {
        unsigned n = (unsigned)__builtin_ctz(s->asked);

        s->asked &= (uint8_t) ~(1 << n);
        dma_serve(s, n);
    }
    s->asked = 0;
    s->running = false;
}

static void dma_run_all(struct i8237_pair *s)
{
    if ((s->chip[0].command & CMD_MEM_TO_MEM) && (s->chip[0].request & 1)) {
        dma_mem_to_mem(s);
    }
    dma_run(s, 0xff);
}

/* Lines of the ISA bus. */
static void i8237_dreq(void *dma, unsigned n, bool level)
{
    struct i8237_pair *s = dma;
    struct i8237_chip *chip = &s->chip[n >> 2 & 1];
    uint8_t bit = (uint8_t)(1 << (n & 3));

    chip->dreq = (uint8_t)(level ? chip->dreq | bit : chip->dreq & ~bit);
    if (level) {
        dma_run(s, (uint8_t)(1 << (n & 7)));
    }
}

static void i8237_attach(void *dma, unsigned n,
                         const struct isa_dma_client *client)
{
    struct i8237_pair *s = dma;

    s->chip[n >> 2 & 1].channel[n & 3].client = *client;
}

/* Addresses and counts are written and read a byte at a time. */
static uint8_t chip_read_channel(struct i8237_chip *chip, unsigned at)
{
    const struct i8237_channel *c = &chip->channel[at >> 1 & 3];
    uint16_t v = at & 1 ? c->count : c->addr;
    bool high = chip->high;

    chip->high = !high;
    return (uint8_t)(high ? v >> 8 : v);
}

static void chip_write_channel(struct i8237_chip *chip, unsigned at, uint8_t v)
{
    struct i8237_channel *c = &chip->channel[at >> 1 & 3];
    uint16_t *base = at & 1 ? &c->base_count : &c->base_addr;

    if (chip->high) {
        *base = (uint16_t)((*base & 0x00ff) | v << 8);
    } else {
        *base = (uint16_t)((*base & 0xff00) | v);
    }
    *(at & 1 ? &c->count : &c->addr) = *base;
    chip->high = !chip->high;
}

static void chip_clear(struct i8237_chip *chip)
{
    chip->command = 0;
    chip->request = 0;
    chip->tc = 0;
    chip->temp = 0;
    chip->mask = 0x0f;
    chip->high = false;
}

static void chip_write_control(struct i8237_chip *chip, unsigned at, uint8_t v)
{
    uint8_t bit = (uint8_t)(1 << (v & 3));

    switch (at) {
    case 0x8: chip->command = v; break;
    case 0x9:
        chip->request =
            (uint8_t)(v & 4 ? chip->request | bit : chip->request & ~bit);
        break;
    case 0xa:
        chip->mask = (uint8_t)(v & 4 ? chip->mask | bit : chip->mask & ~bit);
        break;
    case 0xb: chip->channel[v & 3].mode = v; break;
    case 0xc: chip->high = false; break;
    case 0xd: chip_clear(chip); break;
    case 0xe: chip->mask = 0; break;
    default: chip->mask = v & 0x0f; break;
    }
    dma_run_all(chip->pair);
}

static uint8_t chip_read_control(struct i8237_chip *chip, unsigned at)
{
    uint8_t v;

    switch (at) {
    case 0x8:
        v = (uint8_t)(chip->tc | (chip->dreq | chip->request) << 4);
        chip->tc = 0;
        return v;
    case 0xd: return chip->temp;
    case 0xf: return chip->mask | 0xf0;
    default: return 0xff;
    }
}

/* The second chip's registers are two ports apart. */
static unsigned chip_register(const struct i8237_chip *chip, uint64_t at)
{
    return (unsigned)(chip == &chip->pair->chip[0] ? at : at >> 1);
}

static uint64_t chip_read(void *opaque, uint64_t at, unsigned size)
{
    struct i8237_chip *chip = opaque;
    unsigned r = chip_register(chip, at);

    return r < 8 ? chip_read_channel(chip, r) : chip_read_control(chip, r);
}

static void chip_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct i8237_chip *chip = opaque;
    unsigned r = chip_register(chip, at);

    if (r < 8) {
        chip_write_channel(chip, r, (uint8_t)value);
    } else {
        chip_write_control(chip, r, (uint8_t)value);
    }
}

static const struct region_ops chip_ops = {
    .read = chip_read,
    .write = chip_write,
    .max = 1,
};

static uint64_t page_read(void *opaque, uint64_t at, unsigned size)
{
    const struct i8237_pair *s = opaque;

    return s->page[at];
}

static void page_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct i8237_pair *s = opaque;

    s->page[at] = (uint8_t)value;
}

static const struct region_ops page_ops = {
    .read = page_read,
    .write = page_write,
    .max = 1,
};

static bool i8237_realize(struct dev *dev, GError **error)
{
    struct i8237_pair *s = pair_of(dev);
    struct isa_bus *isa = isa_bus_of(dev->machine);

    if (!isa) {
        return fail(error, "i8237: this machine has no ISA bus");
    }
    isa->dma = s;
    isa->dreq = i8237_dreq;
    isa->dma_attach = i8237_attach;
    for (unsigned i = 0; i < 2; i++) {
        s->chip[i].pair = s;
    }
    region_init_io(&s->chip[0].ports, "dma-bytes", 16, &chip_ops, &s->chip[0]);
    region_init_io(&s->chip[1].ports, "dma-words", 32, &chip_ops, &s->chip[1]);
    region_init_io(&s->page_ports, "dma-page", 16, &page_ops, s);
    machine_map_ports(dev->machine, &s->chip[0].ports, 0x00);
    machine_map_ports(dev->machine, &s->chip[1].ports, 0xc0);
    machine_map_ports(dev->machine, &s->page_ports, 0x80);
    return true;
}

static void i8237_unrealize(struct dev *dev)
{
    struct i8237_pair *s = pair_of(dev);
    struct isa_bus *isa = isa_bus_of(dev->machine);

    region_remove(&s->chip[0].ports);
    region_remove(&s->chip[1].ports);
    region_remove(&s->page_ports);
    isa->dma = NULL;
    isa->dreq = NULL;
    isa->dma_attach = NULL;
}

/* Requests are the devices' lines; they live on. */
static void i8237_reset(struct dev *dev)
{
    struct i8237_pair *s = pair_of(dev);

    for (unsigned i = 0; i < 2; i++) {
        chip_clear(&s->chip[i]);
        for (unsigned n = 0; n < 4; n++) {
            struct isa_dma_client client = s->chip[i].channel[n].client;

            s->chip[i].channel[n] = (struct i8237_channel){.client = client};
        }
    }
    memset(s->page, 0, sizeof(s->page));
}

/* clang-format off */
#define CHIP(i, m) FIELD_AS(struct i8237_pair, chip[i].m, #m #i)
#define CHANNEL(i, n, m) \
    FIELD_AS(struct i8237_pair, chip[i].channel[n].m, #m #i #n)
#define CHANNEL_STATE(i, n) \
    CHANNEL(i, n, base_addr), CHANNEL(i, n, base_count), \
    CHANNEL(i, n, addr), CHANNEL(i, n, count), CHANNEL(i, n, mode)
#define CHIP_STATE(i) \
    CHIP(i, command), CHIP(i, mask), CHIP(i, request), CHIP(i, tc), \
    CHIP(i, temp), CHIP(i, high), CHIP(i, dreq), CHANNEL_STATE(i, 0), \
    CHANNEL_STATE(i, 1), CHANNEL_STATE(i, 2), CHANNEL_STATE(i, 3)
/* clang-format on */

static const struct field i8237_state[] = {
    FIELD_ARRAY(struct i8237_pair, page),
    CHIP_STATE(0),
    CHIP_STATE(1),
    FIELD_END,
};

const struct dev_type i8237_type = {
    .name = "i8237",
    .desc = "pair of 8237A DMA controllers",
    .bus = "ISA",
    .size = sizeof(struct i8237_pair),
    .version = 1,
    .hidden = true,
    .state = i8237_state,
    .realize = i8237_realize,
    .unrealize = i8237_unrealize,
    .reset = i8237_reset,
};
