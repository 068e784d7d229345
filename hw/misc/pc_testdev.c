/* SPDX-License-Identifier: MIT */
/*
 * pc-testdev: what kvm-unit-tests play with: ports that remember (e0 whole,
 * e8 byte by byte), a port that drops a page (e4, nothing to do here), ISA
 * interrupt lines as ports (2000..200f), memory that is I/O (ff000000).
 */
#include "hw/misc/pc_testdev.h"

#include <string.h>

static struct pc_testdev *testdev_of(struct dev *dev)
{
    return container_of(dev, struct pc_testdev, dev);
}

static uint64_t word_read(void *opaque, uint64_t at, unsigned size)
{
    const struct pc_testdev *s = opaque;

    return s->data >> 8 * at;
}

static void word_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct pc_testdev *s = opaque;
    uint64_t mask = ((UINT64_C(1) << 8 * size) - 1) << 8 * at;

    s->data = (uint32_t)((s->data & ~mask) | (value << 8 * at & mask));
}

static const struct region_ops word_ops = {
    .read = word_read,
    .write = word_write,
};

static const struct region_ops byte_ops = {
    .read = word_read,
    .write = word_write,
    .max = 1,
};

static uint64_t zero_read(void *opaque, uint64_t at, unsigned size)
{
    return 0;
}

static const struct region_ops flush_ops = {.read = zero_read};

static void irq_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct pc_testdev *s = opaque;

    wire_set(&s->irq[at], value != 0);
}

static const struct region_ops irq_ops = {
    .read = zero_read,
    .write = irq_write,
    .max = 1,
};

static uint64_t memory_read(void *opaque, uint64_t at, unsigned size)
{
    const struct pc_testdev *s = opaque;
    uint8_t b[8] = {0};

    memcpy(b, s->iomem + at, size);
    return ldl_u64(b);
}

static void memory_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct pc_testdev *s = opaque;
    uint8_t b[8];

    stl_u64(b, value);
    memcpy(s->iomem + at, b, size);
}

static const struct region_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .max = 8,
};

static bool testdev_realize(struct dev *dev, GError **error)
{
    struct pc_testdev *s = testdev_of(dev);
    struct machine *m = dev->machine;

    for (unsigned i = 0; i < 16; i++) {
        if (!isa_connect_irq(m, &s->irq[i], i, error)) {
            return false;
        }
    }
    region_init_io(&s->word, "testdev-word", 4, &word_ops, s);
    region_init_io(&s->bytes, "testdev-bytes", 4, &byte_ops, s);
    region_init_io(&s->flush, "testdev-flush", 4, &flush_ops, s);
    region_init_io(&s->irqs, "testdev-irqs", 16, &irq_ops, s);
    region_init_io(&s->memory, "testdev-memory", sizeof(s->iomem), &memory_ops,
                   s);
    machine_map_ports(m, &s->word, 0xe0);
    machine_map_ports(m, &s->flush, 0xe4);
    machine_map_ports(m, &s->bytes, 0xe8);
    machine_map_ports(m, &s->irqs, 0x2000);
    region_add(&m->memory.root, &s->memory, 0xff000000, 1);
    return true;
}

static void testdev_unrealize(struct dev *dev)
{
    struct pc_testdev *s = testdev_of(dev);

    for (unsigned i = 0; i < 16; i++) {
        wire_set(&s->irq[i], false);
    }
    region_remove(&s->word);
    region_remove(&s->bytes);
    region_remove(&s->flush);
    region_remove(&s->irqs);
    region_remove(&s->memory);
}

static void testdev_reset(struct dev *dev)
{
    struct pc_testdev *s = testdev_of(dev);

    s->data = 0;
    for (unsigned i = 0; i < 16; i++) {
        s->irq[i].level = false;
    }
}

static void testdev_settle(struct dev *dev)
{
    struct pc_testdev *s = testdev_of(dev);

    for (unsigned i = 0; i < 16; i++) {
        wire_set(&s->irq[i], s->irq[i].level);
    }
}

#define LINE(n) FIELD_AS(struct pc_testdev, irq[n].level, "irq" #n)

static const struct field testdev_state[] = {
    FIELD(struct pc_testdev, data),
    FIELD_ARRAY(struct pc_testdev, iomem),
    LINE(0),
    LINE(1),
    LINE(2),
    LINE(3),
    LINE(4),
    LINE(5),
    LINE(6),
    LINE(7),
    LINE(8),
    LINE(9),
    LINE(10),
    LINE(11),
    LINE(12),
    LINE(13),
    LINE(14),
    LINE(15),
    FIELD_END,
};

const struct dev_type pc_testdev_type = {
    .name = "pc-testdev",
    .desc = "ports, lines and memory for unit tests in guests",
    .bus = "ISA",
    .size = sizeof(struct pc_testdev),
    .version = 1,
    .state = testdev_state,
    .realize = testdev_realize,
    .unrealize = testdev_unrealize,
    .reset = testdev_reset,
    .settle = testdev_settle,
};
