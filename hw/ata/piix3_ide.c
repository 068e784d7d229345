/* SPDX-License-Identifier: MIT */
/*
 * The IDE function of the PIIX3 (8086:7010): two channels at the ports of
 * old, and a bus master for each. [PIIX3] 2.4 and 2.7.
 *
 * Not modelled: timings (the registers are storage). The channels decode
 * their ports from reset on, so that software without firmware finds them;
 * the hardware wants bit 15 of IDETIM set first.
 */
#include "hw/ata/piix3_ide.h"

#include <string.h>

#include "hw/ata/ata.h"
#include "hw/ata/ide_ports.h"
#include "hw/isa/isa.h"
#include "hw/pci/pci.h"

enum { BM_START = 1 << 0, BM_TO_MEMORY = 1 << 3 };                /* command */
enum { BM_ACTIVE = 1 << 0, BM_ERROR = 1 << 1, BM_INTR = 1 << 2 }; /* status */
enum { PRD_LAST = 0x80, IDETIM = 0x40 };

struct piix3_ide;

/* A stretch of guest memory that a transfer writes. */
struct stretch {
    uint64_t addr, len;
};

struct bus_master {
    struct piix3_ide *ide;
    struct ata_channel channel;
    struct ide_ports ports;
    struct wire irq; /* to the ISA bus */
    uint8_t command, status;
    uint32_t table;         /* of descriptors, as programmed */
    uint32_t at;            /* next descriptor */
    uint32_t seg, seg_left; /* the rest of the current one */
    bool last;
    GArray *written; /* struct stretch */
};

struct piix3_ide {
    struct pci_dev pci;
    struct region region; /* BAR 4 */
    struct bus_master bm[2];
};

/* --- the engine, as the channel sees it --- */

static void bm_ready(void *opaque, bool to_memory)
{
    struct bus_master *b = opaque;

    if (b->status & BM_ACTIVE) {
        ata_dma_run(&b->channel);
    }
}

static void bm_next_descriptor(struct bus_master *b)
{
    uint8_t prd[8];

    pci_dma_read(&b->ide->pci, b->at, prd, sizeof(prd));
    b->at += 8;
    b->seg = ldl_u32(prd) & ~UINT32_C(1);
    b->seg_left = ldl_u16(prd + 4) & ~UINT32_C(1);
    b->seg_left = b->seg_left ? b->seg_left : 0x10000;
    b->last = prd[7] & PRD_LAST;
}

/* Adds one piece of the current segment; 0 where it is not memory. */
static uint64_t bm_map_piece(struct bus_master *b, GArray *iov, uint64_t len,
                             bool to_memory)
{
    struct machine *m = b->ide->pci.dev.machine;
    uint64_t part = MIN(len, b->seg_left);
    void *host = dma_map(&m->memory, b->seg, &part, to_memory);
    struct iovec v = {.iov_base = host, .iov_len = part};
    struct stretch s = {b->seg, part};

    if (!host) {
        return 0;
    }
    g_array_append_val(iov, v);
    if (to_memory) {
        g_array_append_val(b->written, s);
    }
    b->seg += (uint32_t)part;
    b->seg_left -= (uint32_t)part;
    return part;
}

static uint64_t bm_map(void *opaque, GArray *iov, uint64_t len, bool to_memory)
{
    struct bus_master *b = opaque;
    uint64_t got = 0;

    if (!pci_is_master(&b->ide->pci)) {
        return 0;
    }
    while (got < len) {
        uint64_t part;

        if (b->seg_left == 0) {
            if (b->last) {
                break;
            }
            bm_next_descriptor(b);
        }
        part = bm_map_piece(b, iov, len - got, to_memory);
        if (part == 0) {
            b->status |= BM_ERROR;
            b->last = true;
            b->seg_left = 0;
            break;
        }
        got += part;
    }
    return got;
}

static void bm_done(void *opaque, uint64_t bytes, bool error)
{
    struct bus_master *b = opaque;
    struct machine *m = b->ide->pci.dev.machine;

    for (guint i = 0; i < b->written->len; i++) {
        const struct stretch *s = &g_array_index(b->written, struct stretch, i);

        dma_wrote(&m->memory, s->addr, s->len);
    }
    g_array_set_size(b->written, 0);
    if (error) {
        b->status |= BM_ERROR;
        b->status &= (uint8_t)~BM_ACTIVE;
    } else if (b->last && b->seg_left == 0) {
        b->status &= (uint8_t)~BM_ACTIVE;
    }
}

static void bm_cancel(void *opaque)
{
    struct bus_master *b = opaque;

    b->status &= (uint8_t)~BM_ACTIVE;
}

static const struct ata_dma_ops bm_ops = {
    .ready = bm_ready,
    .map = bm_map,
    .done = bm_done,
    .cancel = bm_cancel,
};

static void bm_irq(void *to, unsigned pin, bool level)
{
    struct bus_master *b = to;

    if (level) {
        b->status |= BM_INTR;
    }
    wire_set(&b->irq, level);
}

/* --- the registers --- */

static void bm_write_command(struct bus_master *b, uint8_t value)
{
    bool was = b->command & BM_START;
    bool start = value & BM_START;

    b->command = value & (BM_START | BM_TO_MEMORY);
    if (start && !was) {
        b->at = b->table;
        b->seg_left = 0;
        b->last = false;
        b->status |= BM_ACTIVE;
        ata_dma_run(&b->channel);
    } else if (!start && was) {
        struct ata_dev *d = ata_selected(&b->channel);

        if (d->busy && d->dma) {
            drive_drain(d->drive);
        }
        b->status &= (uint8_t)~BM_ACTIVE;
    }
}

static uint64_t bm_read(void *opaque, uint64_t at, unsigned size)
{
    struct piix3_ide *s = opaque;
    const struct bus_master *b = &s->bm[at >> 3 & 1];
    uint8_t regs[8] = {b->command, 0xff, b->status, 0xff};
    uint64_t value = 0;

    stl_u32(regs + 4, b->table);
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)regs[(at + i) & 7] << (8 * i);
    }
    return value;
}

static void bm_write_byte(struct bus_master *b, unsigned at, uint8_t value)
{
    unsigned shift = 8 * (at & 3);

    if (at == 0) {
        bm_write_command(b, value);
    } else if (at == 2) {
        b->status = (uint8_t)((value & 0x60) | (b->status & BM_ACTIVE) |
                              (b->status & ~value & (BM_ERROR | BM_INTR)));
    } else if (at >= 4) {
        b->table = (b->table & ~(UINT32_C(0xff) << shift)) | (uint32_t)value
                                                                 << shift;
        b->table &= ~UINT32_C(3);
    }
}

static void bm_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    struct piix3_ide *s = opaque;

    for (unsigned i = 0; i < size; i++) {
        bm_write_byte(&s->bm[(at + i) >> 3 & 1], (unsigned)(at + i) & 7,
                      (uint8_t)(value >> (8 * i)));
    }
}

static const struct region_ops bm_region_ops = {
    .read = bm_read, .write = bm_write, .max = 4, .unaligned = true};

/* --- the PCI function --- */

static void ide_decode(struct piix3_ide *s)
{
    for (unsigned i = 0; i < 2; i++) {
        bool on = s->pci.config[IDETIM + 2 * i + 1] & 0x80;

        region_set_enabled(&s->bm[i].ports.command, on);
        region_set_enabled(&s->bm[i].ports.control, on);
    }
}

static void ide_config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct piix3_ide *s = container_of(d, struct piix3_ide, pci);

    if (at + size > IDETIM && at < IDETIM + 4) {
        ide_decode(s);
    }
}

static bool bm_realize(struct piix3_ide *s, unsigned i, GError **error)
{
    static const uint16_t command_port[] = {0x1f0, 0x170};
    static const uint16_t control_port[] = {0x3f6, 0x376};
    struct machine *m = s->pci.dev.machine;
    struct bus_master *b = &s->bm[i];

    b->ide = s;
    b->written = g_array_new(FALSE, FALSE, sizeof(struct stretch));
    ata_channel_init(&b->channel, m, i ? "ide.1" : "ide.0", &s->pci.dev);
    b->channel.dma = &bm_ops;
    b->channel.dma_opaque = b;
    b->channel.irq = (struct wire){.set = bm_irq, .to = b};
    ide_ports_init(&b->ports, &b->channel);
    machine_map_ports(m, &b->ports.command, command_port[i]);
    machine_map_ports(m, &b->ports.control, control_port[i]);
    return isa_connect_irq(m, &b->irq, 14 + i, error);
}

static bool piix3_ide_realize(struct dev *dev, GError **error)
{
    struct piix3_ide *s = container_of(dev, struct piix3_ide, pci.dev);
    static const struct pci_ids ids = {
        .vendor = 0x8086, .device = 0x7010, .class_code = 0x010180};

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    region_init_io(&s->region, "piix3-bmdma", 16, &bm_region_ops, s);
    pci_set_bar(&s->pci, 4, PCI_BAR_IO, &s->region);
    s->pci.config_written = ide_config_written;
    for (unsigned i = 0; i < 2; i++) {
        stl_u16(s->pci.reset_config + IDETIM + 2 * i, 0x8000);
        stl_u16(s->pci.config + IDETIM + 2 * i, 0x8000);
        stl_u16(s->pci.writable + IDETIM + 2 * i, 0xffff);
        if (!bm_realize(s, i, error)) {
            return false;
        }
    }
    s->pci.writable[0x44] = 0xff; /* SIDETIM */
    return true;
}

static void piix3_ide_unrealize(struct dev *dev)
{
    struct piix3_ide *s = container_of(dev, struct piix3_ide, pci.dev);

    for (unsigned i = 0; i < 2; i++) {
        region_remove(&s->bm[i].ports.command);
        region_remove(&s->bm[i].ports.control);
        ata_channel_clear(&s->bm[i].channel);
        g_array_free(s->bm[i].written, TRUE);
    }
    pci_unrealize(&s->pci);
}

static void piix3_ide_reset(struct dev *dev)
{
    struct piix3_ide *s = container_of(dev, struct piix3_ide, pci.dev);

    pci_reset(&s->pci);
    for (unsigned i = 0; i < 2; i++) {
        struct bus_master *b = &s->bm[i];

        ata_channel_reset(&b->channel);
        b->command = 0;
        b->status = 0;
        b->table = b->at = b->seg = b->seg_left = 0;
        b->last = false;
    }
}

static void piix3_ide_settle(struct dev *dev)
{
    struct piix3_ide *s = container_of(dev, struct piix3_ide, pci.dev);

    pci_settle(&s->pci);
    ide_decode(s);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t status = s->bm[i].status; /* driving the wire sets a bit */

        ata_channel_settle(&s->bm[i].channel);
        s->bm[i].status = status;
    }
}

static bool piix3_ide_check(struct dev *dev, GError **error)
{
    struct piix3_ide *s = container_of(dev, struct piix3_ide, pci.dev);

    return ata_channel_check(&s->bm[0].channel, error) &&
           ata_channel_check(&s->bm[1].channel, error);
}

static const struct field piix3_ide_props[] = {
    PCI_PROPS(struct piix3_ide, pci),
    FIELD_END,
};

/* clang-format off */
#define BM_STATE(i, n) \
    FIELD_AS(struct piix3_ide, bm[i].command, n "bm_command"), \
    FIELD_AS(struct piix3_ide, bm[i].status, n "bm_status"), \
    FIELD_AS(struct piix3_ide, bm[i].table, n "bm_table"), \
    FIELD_AS(struct piix3_ide, bm[i].at, n "bm_at"), \
    FIELD_AS(struct piix3_ide, bm[i].seg, n "bm_seg"), \
    FIELD_AS(struct piix3_ide, bm[i].seg_left, n "bm_seg_left"), \
    FIELD_AS(struct piix3_ide, bm[i].last, n "bm_last"), \
    ATA_CHANNEL_STATE(struct piix3_ide, bm[i].channel, n)

static const struct field piix3_ide_state[] = {
    PCI_STATE(struct piix3_ide, pci),
    BM_STATE(0, "c0."),
    BM_STATE(1, "c1."),
    FIELD_END,
};
/* clang-format on */

const struct dev_type piix3_ide_type = {
    .name = "piix3-ide",
    .desc = "PIIX3 IDE controller, two channels with bus master",
    .bus = "PCI",
    .size = sizeof(struct piix3_ide),
    .props = piix3_ide_props,
    .state = piix3_ide_state,
    .realize = piix3_ide_realize,
    .unrealize = piix3_ide_unrealize,
    .reset = piix3_ide_reset,
    .settle = piix3_ide_settle,
    .check = piix3_ide_check,
};
