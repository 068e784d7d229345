/* SPDX-License-Identifier: MIT */
/*
 * The 82441FX "PMC", host bridge of the 440FX: configuration ports, the PCI
 * hole below main memory, shadow memory (PAM), SMRAM.
 *
 * [440FX] Intel 440FX PCIset, 82441FX and 82442FX data sheet, 290549-001.
 *
 * Main memory lies over the PCI address space; where PAM or SMRAM send
 * accesses to PCI, a window onto that space lies over main memory. SMRAM is
 * the whole machine's while a CPU is in SMM, not that CPU's alone.
 *
 * Not modelled: DRAM timing and sizing (DRB is storage), ECC, AGP, the fixed
 * hole of FDHC, SERR#.
 */
#include "hw/chipset/i440fx.h"

#include <limits.h>
#include <string.h>

enum {
    REG_PAM0 = 0x59,
    REG_SMRAM = 0x72,
    PAM_RE = 1, /* of a segment's nibble: reads go to memory */
    PAM_WE = 2,
    SMRAM_D_OPEN = 1 << 6,
    SMRAM_D_CLS = 1 << 5,
    SMRAM_D_LCK = 1 << 4,
    SMRAM_G_SMRAME = 1 << 3,
};

enum { VGA_AT = 0xa0000, VGA_SIZE = 0x20000 };

static struct i440fx *i440fx_of(struct dev *dev)
{
    return container_of(dev, struct i440fx, pci.dev);
}

/* PCI alone, as the bridge's cycles see it. Rendered when it has changed. */
static struct space *i440fx_pci_side(struct i440fx *s)
{
    struct machine *m = s->pci.dev.machine;

    if (s->seen != m->memory.view) {
        view_unref(s->seen);
        s->seen = space_view_ref(&m->memory);
        space_begin(&s->pci_side);
        s->pci_side.stale = true;
        space_commit(&s->pci_side);
    }
    return &s->pci_side;
}

static uint64_t mixed_read(void *opaque, uint64_t at, unsigned size)
{
    const struct i440fx_pam *p = opaque;

    return space_read(i440fx_pci_side(p->host), p->at + at, size);
}

static void read_only_write(void *opaque, uint64_t at, unsigned size,
                            uint64_t value)
{
    const struct i440fx_pam *p = opaque;

    space_write(i440fx_pci_side(p->host), p->at + at, size, value);
}

static void write_only_write(void *opaque, uint64_t at, unsigned size,
                             uint64_t value)
{
    const struct i440fx_pam *p = opaque;
    struct ram *ram = p->host->ram;
    uint8_t bytes[8];

    stl_u64(bytes, value);
    memcpy(ram->host + p->at + at, bytes, size);
    ram_wrote(ram, p->at + at, size);
}

static const struct region_ops read_only_ops = {
    .write = read_only_write,
    .max = 8,
};

static const struct region_ops write_only_ops = {
    .read = mixed_read,
    .write = write_only_write,
    .max = 8,
};

static const struct region_ops nothing_ops = {.max = 8};

/* Two bits: where reads and writes of a segment go. */
static unsigned pam_mode(const struct i440fx *s, unsigned i)
{
    /* PAM0's upper nibble is the BIOS; then two segments a register. */
    unsigned nibble = i == 0 ? 1 : i + 1;

    return s->pci.config[REG_PAM0 + nibble / 2] >> 4 * (nibble & 1) & 3;
}

static bool smram_open(const struct i440fx *s)
{
    uint8_t smram = s->pci.config[REG_SMRAM];

    if (smram & SMRAM_D_CLS) {
        return false;
    }
    return (smram & SMRAM_D_OPEN) || ((smram & SMRAM_G_SMRAME) && s->in_smm);
}

static void i440fx_update(struct i440fx *s)
{
    struct space *memory = &s->pci.dev.machine->memory;

    if (!s->ram) {
        return;
    }
    space_begin(memory);
    for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
        unsigned mode = pam_mode(s, i);

        region_set_enabled(&s->pam[i].pci, mode == 0);
        region_set_enabled(&s->pam[i].read_only, mode == PAM_RE);
        region_set_enabled(&s->pam[i].write_only, mode == PAM_WE);
    }
    region_set_enabled(&s->vga_window, !smram_open(s));
    space_commit(memory);
}

void i440fx_set_smm(void *dev, bool in_smm)
{
    struct i440fx *s = dev;

    if (s->in_smm != in_smm) {
        s->in_smm = in_smm;
        i440fx_update(s);
    }
}

static void i440fx_config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct i440fx *s = i440fx_of(&d->dev);
    uint8_t *smram = &d->config[REG_SMRAM];

    if (at <= REG_SMRAM && REG_SMRAM < at + size && (*smram & SMRAM_D_LCK)) {
        /* D_LCK closes SMRAM and makes all but D_CLS read-only, till reset */
        *smram &= (uint8_t)~SMRAM_D_OPEN;
        d->writable[REG_SMRAM] = SMRAM_D_CLS;
    }
    if (at + size > REG_PAM0 && at <= REG_SMRAM) {
        i440fx_update(s);
    }
}

static void pam_init(struct i440fx *s, unsigned i)
{
    struct i440fx_pam *p = &s->pam[i];

    p->host = s;
    p->at = i == 0 ? 0xf0000 : 0xc0000 + (i - 1) * 0x4000;
    p->size = i == 0 ? 0x10000 : 0x4000;
    region_init_alias(&p->pci, "pam-pci", &s->pci_memory, p->at, p->size);
    region_init_rom(&p->read_only, "pam-rom", s->ram, p->at, p->size,
                    &read_only_ops, p);
    region_init_io(&p->write_only, "pam-shadow", p->size, &write_only_ops, p);
    region_add(s->memory, &p->pci, p->at, 1);
    region_add(s->memory, &p->read_only, p->at, 1);
    region_add(s->memory, &p->write_only, p->at, 1);
}

/* Non-zero bytes after reset, [440FX] chapter 3. */
static const struct {
    uint8_t at, value;
} config_defaults[] = {
    {0x53, 0x80}, {0x57, 0x01}, {0x58, 0x10}, {0x60, 0x01}, {0x61, 0x01},
    {0x62, 0x01}, {0x63, 0x01}, {0x64, 0x01}, {0x65, 0x01}, {0x66, 0x01},
    {0x67, 0x01}, {0x71, 0x10}, {0x72, 0x02},
};

static void i440fx_init_config(struct i440fx *s)
{
    uint8_t *c = s->pci.config;

    stl_u16(c + PCI_COMMAND, PCI_CMD_MEMORY | PCI_CMD_MASTER);
    stl_u16(s->pci.writable + PCI_COMMAND, PCI_CMD_SERR | 1 << 6);
    stl_u16(c + PCI_STATUS, 0x0280);
    for (size_t i = 0; i < ARRAY_SIZE(config_defaults); i++) {
        c[config_defaults[i].at] = config_defaults[i].value;
    }
    memset(s->pci.writable + 0x50, 0xff, 0x93 - 0x50);
    memset(s->pci.writable + REG_PAM0, 0x33, 7);
    s->pci.config_written = i440fx_config_written;
}

static bool i440fx_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x8086,
        .device = 0x1237,
        .revision = 2,
        .class_code = 0x060000,
    };
    struct machine *m = dev->machine;
    struct i440fx *s = i440fx_of(dev);
    struct pci_bus *bus;

    s->memory = s->memory ? s->memory : &m->memory.root;
    s->ram = s->ram ? s->ram : m->ram;
    assert(!s->ram || s->ram->size >= MIB);
    region_init_container(&s->pci_memory, "pci", UINT64_C(1) << 52);
    region_init_io(&s->nothing, "pci-nothing", MIB - VGA_AT, &nothing_ops, s);
    region_add(&s->pci_memory, &s->nothing, VGA_AT, INT_MIN);
    bus = pci_bus_new(m, "pci.0", dev, &s->pci_memory, &m->ports.root);
    bus->swizzle = 3;
    if (!pci_realize(&s->pci, &ids, 0, error)) {
        return false;
    }
    i440fx_init_config(s);
    pci_host_init(&s->host, bus);
    pci_host_map(&s->host, m);

    space_init(&s->pci_side, "pci-side", UINT64_C(1) << 52, false, &m->lock);
    region_init_alias(&s->pci_side_alias, "pci", &s->pci_memory, 0, 4 * GIB);
    region_add(&s->pci_side.root, &s->pci_side_alias, 0, 0);
    space_begin(&m->memory);
    region_add(s->memory, &s->pci_memory, 0, -1);
    for (unsigned i = 0; s->ram && i < I440FX_SEGMENTS; i++) {
        pam_init(s, i);
    }
    region_init_alias(&s->vga_window, "vga-window", &s->pci_memory, VGA_AT,
                      VGA_SIZE);
    if (s->ram) {
        region_add(s->memory, &s->vga_window, VGA_AT, 1);
    }
    i440fx_update(s);
    space_commit(&m->memory);
    return true;
}

static void i440fx_unrealize(struct dev *dev)
{
    struct i440fx *s = i440fx_of(dev);

    space_begin(&dev->machine->memory);
    for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
        region_remove(&s->pam[i].pci);
        region_remove(&s->pam[i].read_only);
        region_remove(&s->pam[i].write_only);
    }
    region_remove(&s->vga_window);
    region_remove(&s->pci_memory);
    space_commit(&dev->machine->memory);
    pci_host_unmap(&s->host);
    region_remove(&s->pci_side_alias);
    space_clear(&s->pci_side);
    view_unref(s->seen);
    pci_unrealize(&s->pci);
}

static void i440fx_reset(struct dev *dev)
{
    struct i440fx *s = i440fx_of(dev);
    uint8_t pam[7];

    memcpy(pam, s->pci.config + REG_PAM0, sizeof(pam));
    pci_reset(&s->pci);
    if (dev->machine->waking) {
        /* The firmware wakes in its shadow, where it keeps what it needs. */
        memcpy(s->pci.config + REG_PAM0, pam, sizeof(pam));
    }
    s->pci.writable[REG_SMRAM] = 0x78;
    s->host.address = 0;
    s->in_smm = false;
}

static void i440fx_settle(struct dev *dev)
{
    struct i440fx *s = i440fx_of(dev);

    if (s->pci.config[REG_SMRAM] & SMRAM_D_LCK) {
        s->pci.writable[REG_SMRAM] = SMRAM_D_CLS;
    }
    pci_settle(&s->pci);
    i440fx_update(s);
}

static const struct field i440fx_props[] = {
    PCI_PROPS(struct i440fx, pci),
    FIELD_END,
};

static const struct field i440fx_state[] = {
    PCI_STATE(struct i440fx, pci),
    FIELD_AS(struct i440fx, host.address, "config_address"),
    FIELD(struct i440fx, in_smm),
    FIELD_END,
};

const struct dev_type i440fx_type = {
    .name = "i440FX",
    .desc = "82441FX host bridge",
    .bus = "PCI",
    .size = sizeof(struct i440fx),
    .version = 1,
    .hidden = true,
    .props = i440fx_props,
    .state = i440fx_state,
    .realize = i440fx_realize,
    .unrealize = i440fx_unrealize,
    .reset = i440fx_reset,
    .settle = i440fx_settle,
};
