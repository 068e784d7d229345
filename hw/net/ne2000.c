/* SPDX-License-Identifier: MIT */
/*
 * [NE2000] Novell NE2000 16-bit Ethernet adapter: ports 0 to 15 are the
 * chip's, 16 to 23 the data port, reading 24 to 31 resets. The chip sees the
 * PROM, whose bytes come twice, from 0 on, and the memory at 0x4000.
 */
#include "hw/net/ne2000.h"

#include <string.h>

enum { DATA_AT = 16, RESET_AT = 24, PROM_MARK = 0x57, PROM_MARK_AT = 28 };

static uint8_t prom_byte(const struct ne2000 *s, unsigned at)
{
    at %= NE2000_PROM;
    if (at < 2 * NET_MAC) {
        return s->nic.mac[at / 2];
    }
    return at >= PROM_MARK_AT ? PROM_MARK : 0;
}

static bool is_ram(unsigned at)
{
    return at >= NE2000_RAM_AT && at < NE2000_RAM_AT + NE2000_RAM;
}

static bool all_ram(unsigned at, unsigned len)
{
    return is_ram(at) && len <= NE2000_RAM_AT + NE2000_RAM - at;
}

static void mem_read(void *opaque, uint16_t at, uint8_t *buf, unsigned len)
{
    const struct ne2000 *s = opaque;

    if (all_ram(at, len)) {
        memcpy(buf, s->ram + at - NE2000_RAM_AT, len);
        return;
    }
    for (unsigned i = 0; i < len; i++) {
        unsigned a = (at + i) & 0xffff;

        buf[i] = is_ram(a)           ? s->ram[a - NE2000_RAM_AT]
                 : a < NE2000_RAM_AT ? prom_byte(s, a)
                                     : 0xff;
    }
}

static void mem_write(void *opaque, uint16_t at, const uint8_t *buf,
                      unsigned len)
{
    struct ne2000 *s = opaque;

    if (all_ram(at, len)) {
        memcpy(s->ram + at - NE2000_RAM_AT, buf, len);
        return;
    }
    for (unsigned i = 0; i < len; i++) {
        unsigned a = (at + i) & 0xffff;

        if (is_ram(a)) {
            s->ram[a - NE2000_RAM_AT] = buf[i];
        }
    }
}

static uint64_t regs_read(void *opaque, uint64_t at, unsigned size)
{
    struct ne2000 *s = opaque;

    return dp8390_read(&s->chip, (unsigned)at);
}

static void regs_write(void *opaque, uint64_t at, unsigned size, uint64_t v)
{
    struct ne2000 *s = opaque;

    dp8390_write(&s->chip, (unsigned)at, (uint8_t)v);
}

static uint64_t data_read(void *opaque, uint64_t at, unsigned size)
{
    struct ne2000 *s = opaque;

    return dp8390_data_read(&s->chip, size);
}

static void data_write(void *opaque, uint64_t at, unsigned size, uint64_t v)
{
    struct ne2000 *s = opaque;

    dp8390_data_write(&s->chip, size, (uint32_t)v);
}

static uint64_t reset_read(void *opaque, uint64_t at, unsigned size)
{
    struct ne2000 *s = opaque;

    dp8390_reset(&s->chip);
    dp8390_settle(&s->chip);
    return 0;
}

static void reset_write(void *opaque, uint64_t at, unsigned size, uint64_t v)
{
}

static const struct region_ops regs_ops = {
    .read = regs_read, .write = regs_write, .max = 1};
static const struct region_ops data_ops = {
    .read = data_read, .write = data_write, .max = 4, .unaligned = true};
static const struct region_ops reset_ops = {
    .read = reset_read, .write = reset_write, .max = 1};

static bool port_can_receive(void *opaque)
{
    return dp8390_can_receive(&((struct ne2000 *)opaque)->chip);
}

static void port_receive(void *opaque, const struct net_packet *p)
{
    dp8390_receive(&((struct ne2000 *)opaque)->chip, p);
}

static void port_writable(void *opaque)
{
    dp8390_writable(&((struct ne2000 *)opaque)->chip);
}

static const struct net_port_ops port_ops = {.can_receive = port_can_receive,
                                             .receive = port_receive,
                                             .writable = port_writable};

bool ne2000_realize(struct ne2000 *s, struct dev *dev, GError **error)
{
    dp8390_init(&s->chip, dev->machine, &s->nic.port);
    s->chip.memory = (struct dp8390_memory){mem_read, mem_write, s};
    region_init_container(&s->ports, "ne2000", NE2000_PORTS);
    region_init_io(&s->regs, "ne2000", DATA_AT, &regs_ops, s);
    region_init_io(&s->data, "ne2000-data", RESET_AT - DATA_AT, &data_ops, s);
    region_init_io(&s->reset, "ne2000-reset", NE2000_PORTS - RESET_AT,
                   &reset_ops, s);
    region_add(&s->ports, &s->regs, 0, 0);
    region_add(&s->ports, &s->data, DATA_AT, 0);
    region_add(&s->ports, &s->reset, RESET_AT, 0);
    return nic_realize(dev, &s->nic, &port_ops, s, error);
}

void ne2000_unrealize(struct ne2000 *s)
{
    dp8390_clear(&s->chip);
    nic_unrealize(&s->nic);
}

void ne2000_reset(struct ne2000 *s)
{
    memset(s->ram, 0, sizeof(s->ram));
    dp8390_power_on(&s->chip);
}
