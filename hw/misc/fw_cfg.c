/* SPDX-License-Identifier: MIT */
/*
 * Firmware configuration device.
 *
 * [FW-CFG] "QEMU Firmware Configuration (fw_cfg) Device": selector and data
 * ports, the file directory, and a DMA interface with big-endian descriptors.
 *
 * Not modelled: the memory-mapped variant; writes through the data port.
 */
#include "hw/misc/fw_cfg.h"

#include <string.h>

#include "base/log.h"
#include "hw/isa/isa.h"

enum { /* DMA control */
       DMA_ERROR = 1 << 0,
       DMA_READ = 1 << 1,
       DMA_SKIP = 1 << 2,
       DMA_SELECT = 1 << 3,
       DMA_WRITE = 1 << 4,
};

enum { ID_PORTS = 1 << 0, ID_DMA = 1 << 1, DIR_ENTRY = 64 };

#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) /* "QEMU CFG" */

static struct fw_cfg *fw_cfg_of_dev(struct dev *dev)
{
    return container_of(dev, struct fw_cfg, dev);
}

struct fw_cfg *fw_cfg_of(struct machine *m)
{
    return (void *)machine_find_type(m, &fw_cfg_type);
}

static struct fw_cfg_item *fw_cfg_item(struct fw_cfg *s, unsigned key)
{
    if (key < FW_CFG_FILE_FIRST) {
        return &s->item[key];
    }
    if (key - FW_CFG_FILE_FIRST < s->files->len) {
        return s->files->pdata[key - FW_CFG_FILE_FIRST];
    }
    if (key >= FW_CFG_ARCH && key < FW_CFG_ARCH + FW_CFG_ARCH_KEYS) {
        return &s->arch[key - FW_CFG_ARCH];
    }
    return NULL;
}

void fw_cfg_modify(struct fw_cfg_item *item, const void *data, size_t len)
{
    assert(len <= UINT32_MAX);
    g_free(item->data);
    item->data = g_malloc(MAX(len, 1));
    if (len) {
        memcpy(item->data, data, len);
    }
    item->len = (uint32_t)len;
}

void fw_cfg_add_bytes(struct fw_cfg *s, unsigned key, const void *data,
                      size_t len)
{
    struct fw_cfg_item *item = fw_cfg_item(s, key);

    assert(item);
    fw_cfg_modify(item, data, len);
}

void fw_cfg_add_u16(struct fw_cfg *s, unsigned key, uint16_t v)
{
    uint8_t b[2];

    stl_u16(b, v);
    fw_cfg_add_bytes(s, key, b, sizeof(b));
}

void fw_cfg_add_u32(struct fw_cfg *s, unsigned key, uint32_t v)
{
    uint8_t b[4];

    stl_u32(b, v);
    fw_cfg_add_bytes(s, key, b, sizeof(b));
}

void fw_cfg_add_u64(struct fw_cfg *s, unsigned key, uint64_t v)
{
    uint8_t b[8];

    stl_u64(b, v);
    fw_cfg_add_bytes(s, key, b, sizeof(b));
}

void fw_cfg_add_string(struct fw_cfg *s, unsigned key, const char *text)
{
    fw_cfg_add_bytes(s, key, text, strlen(text) + 1);
}

struct fw_cfg_item *fw_cfg_find_file(struct fw_cfg *s, const char *name)
{
    for (guint i = 0; i < s->files->len; i++) {
        struct fw_cfg_item *item = s->files->pdata[i];

        if (strcmp(item->name, name) == 0) {
            return item;
        }
    }
    return NULL;
}

static void put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, (uint16_t)(v >> 16));
    put_be16(p + 2, (uint16_t)v);
}

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* The directory item, rewritten from the files. */
static void fw_cfg_write_dir(struct fw_cfg *s)
{
    size_t len = 4 + (size_t)s->files->len * DIR_ENTRY;
    g_autofree uint8_t *dir = g_malloc0(len);

    put_be32(dir, s->files->len);
    for (guint i = 0; i < s->files->len; i++) {
        const struct fw_cfg_item *item = s->files->pdata[i];
        uint8_t *e = dir + 4 + (size_t)i * DIR_ENTRY;

        put_be32(e, item->len);
        put_be16(e + 4, (uint16_t)(FW_CFG_FILE_FIRST + i));
        memcpy(e + 8, item->name, FW_CFG_NAME);
    }
    fw_cfg_modify(&s->item[FW_CFG_FILE_DIR], dir, len);
}

/* Sizes may have changed: the directory is made anew when it is opened. */
static void fw_cfg_dir_selected(void *opaque)
{
    fw_cfg_write_dir(opaque);
}

static gint file_order(gconstpointer a, gconstpointer b)
{
    const struct fw_cfg_item *const *x = a;
    const struct fw_cfg_item *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

struct fw_cfg_item *fw_cfg_add_file(struct fw_cfg *s, const char *name,
                                    const void *data, size_t len,
                                    GError **error)
{
    struct fw_cfg_item *item = fw_cfg_find_file(s, name);

    if (!item) {
        if (strlen(name) >= FW_CFG_NAME) {
            fail(error, "fw_cfg: the name '%s' is longer than %d", name,
                 FW_CFG_NAME - 1);
            return NULL;
        }
        if (s->files->len == FW_CFG_FILES_MAX) {
            fail(error, "fw_cfg: '%s' is one file too many (%d)", name,
                 FW_CFG_FILES_MAX);
            return NULL;
        }
        item = g_new0(struct fw_cfg_item, 1);
        g_strlcpy(item->name, name, sizeof(item->name));
        g_ptr_array_add(s->files, item);
        g_ptr_array_sort(s->files, file_order);
    }
    fw_cfg_modify(item, data, len);
    return item;
}

static void fw_cfg_select(struct fw_cfg *s, uint16_t key)
{
    const struct fw_cfg_item *item = fw_cfg_item(s, key);

    s->key = key;
    s->offset = 0;
    if (item && item->selected) {
        item->selected(item->opaque);
    }
}

static uint8_t fw_cfg_read_byte(struct fw_cfg *s)
{
    const struct fw_cfg_item *item = fw_cfg_item(s, s->key);

    return item && s->offset < item->len ? item->data[s->offset++] : 0;
}

static uint64_t ports_read(void *opaque, uint64_t at, unsigned size)
{
    struct fw_cfg *s = opaque;
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)(at + i == 1 ? fw_cfg_read_byte(s) : 0) << 8 * i;
    }
    return v;
}

static void ports_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    if (at == 0 && size == 2) {
        fw_cfg_select(opaque, (uint16_t)value);
    }
}

static const struct region_ops ports_ops = {
    .read = ports_read,
    .write = ports_write,
    .max = 2,
};

/* In pieces, so that a length of 4 GiB over nothing ends soon. */
static bool dma_zero(struct space *memory, uint64_t addr, uint32_t len)
{
    while (len) {
        uint32_t n = MIN(len, (uint32_t)MIB);

        if (!dma_fill(memory, addr, 0, n)) {
            return false;
        }
        addr += n;
        len -= n;
    }
    return true;
}

/* Item to memory; zeroes behind its end. */
static bool dma_do_read(struct fw_cfg *s, uint64_t addr, uint32_t len)
{
    const struct fw_cfg_item *item = fw_cfg_item(s, s->key);
    struct space *memory = &s->dev.machine->memory;
    uint32_t left = item && s->offset < item->len ? item->len - s->offset : 0;
    uint32_t n = MIN(len, left);
    bool ok = true;

    if (n) {
        ok = dma_write(memory, addr, item->data + s->offset, n);
        s->offset += n;
    }
    return ok && dma_zero(memory, addr + n, len - n);
}

static bool dma_do_write(struct fw_cfg *s, uint64_t addr, uint32_t len)
{
    const struct fw_cfg_item *item = fw_cfg_item(s, s->key);

    if (!item || !item->writable || s->offset > item->len ||
        len > item->len - s->offset) {
        log_guest("fw_cfg: write to item %#x", s->key);
        return false;
    }
    if (!dma_read(&s->dev.machine->memory, addr, item->data + s->offset, len)) {
        return false;
    }
    s->offset += len;
    if (item->written) {
        item->written(item->opaque, s->offset - len, len);
    }
    return true;
}

static void dma_skip(struct fw_cfg *s, uint32_t len)
{
    const struct fw_cfg_item *item = fw_cfg_item(s, s->key);
    uint32_t left = item && s->offset < item->len ? item->len - s->offset : 0;

    s->offset += MIN(len, left);
}

/* Descriptor: control (4), length (4), address (8), all big-endian. */
static void fw_cfg_dma(struct fw_cfg *s)
{
    struct space *memory = &s->dev.machine->memory;
    uint64_t at = s->dma_addr;
    uint8_t d[16];
    uint32_t control;
    uint32_t len;
    uint64_t addr;
    bool ok = true;

    s->dma_addr = 0;
    if (!dma_read(memory, at, d, sizeof(d))) {
        put_be32(d, DMA_ERROR);
        dma_write(memory, at, d, 4);
        return;
    }
    control = get_be32(d);
    len = get_be32(d + 4);
    addr = (uint64_t)get_be32(d + 8) << 32 | get_be32(d + 12);
    if (control & DMA_SELECT) {
        fw_cfg_select(s, (uint16_t)(control >> 16));
    }
    if (control & DMA_READ) {
        ok = dma_do_read(s, addr, len);
    } else if (control & DMA_WRITE) {
        ok = dma_do_write(s, addr, len);
    } else if (control & DMA_SKIP) {
        dma_skip(s, len);
    }
    put_be32(d, ok ? 0 : DMA_ERROR);
    dma_write(memory, at, d, 4);
}

static uint64_t dma_ports_read(void *opaque, uint64_t at, unsigned size)
{
    uint64_t v = DMA_SIGNATURE >> (8 * (8 - at - size));

    switch (size) {
    case 1: return v & 0xff;
    case 2: return GUINT16_SWAP_LE_BE((uint16_t)v);
    case 4: return GUINT32_SWAP_LE_BE((uint32_t)v);
    default: return GUINT64_SWAP_LE_BE(v);
    }
}

/* The lower half, which is the second one, starts the transfer. */
static void dma_ports_write(void *opaque, uint64_t at, unsigned size,
                            uint64_t value)
{
    struct fw_cfg *s = opaque;

    if (size == 8) {
        s->dma_addr = GUINT64_SWAP_LE_BE(value);
        fw_cfg_dma(s);
    } else if (size == 4 && at == 0) {
        s->dma_addr = (uint64_t)GUINT32_SWAP_LE_BE((uint32_t)value) << 32;
    } else if (size == 4 && at == 4) {
        s->dma_addr |= GUINT32_SWAP_LE_BE((uint32_t)value);
        fw_cfg_dma(s);
    }
}

static const struct region_ops dma_ports_ops = {
    .read = dma_ports_read,
    .write = dma_ports_write,
    .max = 8,
};

static void fw_cfg_init(struct dev *dev)
{
    fw_cfg_of_dev(dev)->files = g_ptr_array_new();
}

static bool fw_cfg_realize(struct dev *dev, GError **error)
{
    struct fw_cfg *s = fw_cfg_of_dev(dev);

    fw_cfg_add_bytes(s, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_u32(s, FW_CFG_ID, ID_PORTS | (s->dma_enabled ? ID_DMA : 0));
    fw_cfg_write_dir(s);
    s->item[FW_CFG_FILE_DIR].selected = fw_cfg_dir_selected;
    s->item[FW_CFG_FILE_DIR].opaque = s;
    region_init_io(&s->ports, "fw_cfg", 2, &ports_ops, s);
    region_init_io(&s->dma_ports, "fw_cfg-dma", 8, &dma_ports_ops, s);
    return isa_map(dev->machine, &s->ports, s->iobase, error) &&
           (!s->dma_enabled ||
            isa_map(dev->machine, &s->dma_ports, s->iobase + 4, error));
}

static void fw_cfg_unrealize(struct dev *dev)
{
    struct fw_cfg *s = fw_cfg_of_dev(dev);

    region_remove(&s->ports);
    region_remove(&s->dma_ports);
    for (unsigned i = 0; i < ARRAY_SIZE(s->item); i++) {
        g_free(s->item[i].data);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(s->arch); i++) {
        g_free(s->arch[i].data);
    }
    for (guint i = 0; i < s->files->len; i++) {
        struct fw_cfg_item *item = s->files->pdata[i];

        g_free(item->data);
        g_free(item);
    }
    g_ptr_array_free(s->files, TRUE);
}

static void fw_cfg_reset(struct dev *dev)
{
    struct fw_cfg *s = fw_cfg_of_dev(dev);

    s->key = 0;
    s->offset = 0;
    s->dma_addr = 0;
}

/* What is made when it is opened is made again where a saved state has it
 * open. */
static void fw_cfg_settle(struct dev *dev)
{
    struct fw_cfg *s = fw_cfg_of_dev(dev);
    const struct fw_cfg_item *item = fw_cfg_item(s, s->key);

    if (item && item->selected) {
        item->selected(item->opaque);
    }
}

static const struct field fw_cfg_props[] = {
    PROP(struct fw_cfg, iobase, 0x510),
    PROP(struct fw_cfg, dma_enabled, true),
    FIELD_END,
};

static const struct field fw_cfg_state[] = {
    FIELD(struct fw_cfg, key),
    FIELD(struct fw_cfg, offset),
    FIELD(struct fw_cfg, dma_addr),
    FIELD_END,
};

const struct dev_type fw_cfg_type = {
    .name = "fw_cfg_io",
    .alias = "fw_cfg",
    .desc = "firmware configuration",
    .size = sizeof(struct fw_cfg),
    .version = 1,
    .hidden = true,
    .props = fw_cfg_props,
    .state = fw_cfg_state,
    .init = fw_cfg_init,
    .realize = fw_cfg_realize,
    .unrealize = fw_cfg_unrealize,
    .reset = fw_cfg_reset,
    .settle = fw_cfg_settle,
};
