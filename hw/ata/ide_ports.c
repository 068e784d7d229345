/* SPDX-License-Identifier: MIT */
#include "hw/ata/ide_ports.h"

static uint64_t command_read(void *opaque, uint64_t at, unsigned size)
{
    struct ide_ports *p = opaque;
    uint64_t value = 0;

    if (at == 0) {
        return ata_read(p->channel, 0, size);
    }
    for (unsigned i = 0; i < size && at + i < 8; i++) {
        value |= (uint64_t)ata_read(p->channel, (unsigned)at + i, 1) << (8 * i);
    }
    return value;
}

static void command_write(void *opaque, uint64_t at, unsigned size,
                          uint64_t value)
{
    struct ide_ports *p = opaque;

    if (at == 0) {
        ata_write(p->channel, 0, size, (uint32_t)value);
        return;
    }
    for (unsigned i = 0; i < size && at + i < 8; i++) {
        ata_write(p->channel, (unsigned)at + i, 1,
                  (uint32_t)(value >> (8 * i)) & 0xff);
    }
}

static uint64_t control_read(void *opaque, uint64_t at, unsigned size)
{
    struct ide_ports *p = opaque;

    return ata_alt_status(p->channel);
}

static void control_write(void *opaque, uint64_t at, unsigned size,
                          uint64_t value)
{
    struct ide_ports *p = opaque;

    ata_control(p->channel, (uint8_t)value);
}

static const struct region_ops command_ops = {
    .read = command_read, .write = command_write, .max = 4, .unaligned = true};
static const struct region_ops control_ops = {
    .read = control_read, .write = control_write, .max = 1};

void ide_ports_init(struct ide_ports *p, struct ata_channel *c)
{
    p->channel = c;
    region_init_io(&p->command, "ide-command", 8, &command_ops, p);
    region_init_io(&p->control, "ide-control", 1, &control_ops, p);
}
