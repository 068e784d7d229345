/* SPDX-License-Identifier: MIT */
/* The floppy controller by its data sheet, [82077AA], 5 and 6. */
#include "hw/block/fdc.h"
#include "hw/dma/i8237.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/mem_disk.h"

enum { DOR = 0x3f2, MSR = 0x3f4, FIFO = 0x3f5, CCR = 0x3f7 };

struct box {
    struct machine m;
    struct region ram_region;
    struct drive *a, *b;
    struct probe irq;
    uint8_t result[16];
    uint8_t data[64 * 512];
};

static void settle_disks(struct box *b)
{
    drive_drain(b->a);
    drive_drain(b->b);
}

/* A command byte by byte; -1: the controller wants no more. */
static void send(struct box *b, const uint8_t *p, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        g_assert_cmphex(in8(&b->m, MSR) & 0xc0, ==, 0x80);
        out8(&b->m, FIFO, p[i]);
    }
    settle_disks(b);
}

/* The result phase; how many bytes. */
static unsigned results(struct box *b)
{
    unsigned n = 0;

    while ((in8(&b->m, MSR) & 0xd0) == 0xd0) {
        g_assert_cmpuint(n, <, sizeof(b->result));
        b->result[n++] = in8(&b->m, FIFO);
    }
    g_assert_cmphex(in8(&b->m, MSR) & 0xf0, ==, 0x80);
    return n;
}

#define SEND(b, ...)                        \
    send(b, (const uint8_t[]){__VA_ARGS__}, \
         sizeof((const uint8_t[]){__VA_ARGS__}))

static void sense(struct box *b, uint8_t st0, uint8_t track)
{
    SEND(b, 0x08);
    g_assert_cmpuint(results(b), ==, 2);
    g_assert_cmphex(b->result[0], ==, st0);
    g_assert_cmpuint(b->result[1], ==, track);
}

/* rate: as in CCR; non-DMA transfers unless `dma`. */
static void box_init(struct box *b, uint64_t size_a, uint64_t size_b,
                     uint8_t rate, bool dma)
{
    struct dev *dev;
    GError *error = NULL;

    memset((void *)b, 0, sizeof(*b));
    hw_test_init(&b->m);
    b->m.ram = machine_ram_new(&b->m, "ram", MIB, NULL);
    region_init_ram(&b->ram_region, "ram", b->m.ram, 0, MIB);
    region_add(&b->m.memory.root, &b->ram_region, 0, 0);
    isa_bus_new(&b->m, NULL);
    isa_bus_of(&b->m)->irq[6] = probe_wire(&b->irq);
    hw_test_dev(&b->m, &i8237_type);
    b->a = mem_drive(&b->m, "a", size_a);
    b->b = mem_drive(&b->m, "b", size_b);
    dev = dev_new(&b->m, &fdc_type, NULL);
    dev_set_prop(dev, "driveA", "a", NULL);
    dev_set_prop(dev, "driveB", "b", NULL);
    dev_realize(dev, &error);
    g_assert_no_error(error);
    out8(&b->m, DOR, 0x00);
    g_assert_cmphex(in8(&b->m, MSR), ==, 0);
    out8(&b->m, DOR, 0x1c);
    hw_test_step(&b->m, NS_PER_MS);
    g_assert_true(b->irq.level);
    for (unsigned i = 0; i < 4; i++) { /* polling after a reset */
        sense(b, (uint8_t)(0xc0 | i), 0);
    }
    g_assert_false(b->irq.level);
    out8(&b->m, CCR, rate);
    SEND(b, 0x03, 0xdf, (uint8_t)(0x02 | !dma));
}

static void box_done(struct box *b)
{
    struct drive *const drives[] = {b->a, b->b, NULL};

    mem_drives_done(&b->m, drives);
}

static void seek(struct box *b, uint8_t unit, uint8_t track)
{
    SEND(b, 0x0f, unit, track);
    g_assert_cmphex(in8(&b->m, MSR) & 0x0f, ==, 1u << unit);
    hw_test_step(&b->m, 100 * NS_PER_MS);
    sense(b, (uint8_t)(0x20 | unit), track);
    g_assert_cmphex(in8(&b->m, MSR) & 0x0f, ==, 0);
}

/* Takes all data of a non-DMA read; how many bytes. */
static unsigned data_in(struct box *b)
{
    unsigned n = 0;

    while ((in8(&b->m, MSR) & 0xf0) == 0xf0) {
        g_assert_cmpuint(n, <, sizeof(b->data));
        b->data[n++] = in8(&b->m, FIFO);
        settle_disks(b);
    }
    return n;
}

static unsigned data_out(struct box *b, unsigned len)
{
    unsigned n = 0;

    while (n < len && (in8(&b->m, MSR) & 0xf0) == 0xb0) {
        out8(&b->m, FIFO, b->data[n++]);
        settle_disks(b);
    }
    return n;
}

static void check_result(struct box *b, const uint8_t *want)
{
    g_assert_cmpuint(results(b), ==, 7);
    for (unsigned i = 0; i < 7; i++) {
        if (b->result[i] != want[i]) {
            g_error("result byte %u: %02x, want %02x", i, b->result[i],
                    want[i]);
        }
    }
}

#define RESULT(b, ...) check_result(b, (const uint8_t[7]){__VA_ARGS__})

static void test_commands(void)
{
    struct box b;

    box_init(&b, 1474560, 0, 0, false);
    SEND(&b, 0x10);
    g_assert_cmpuint(results(&b), ==, 1);
    g_assert_cmphex(b.result[0], ==, 0x90);
    SEND(&b, 0x1e); /* no command */
    g_assert_cmpuint(results(&b), ==, 1);
    g_assert_cmphex(b.result[0], ==, 0x80);
    SEND(&b, 0x08); /* nothing to sense */
    g_assert_cmpuint(results(&b), ==, 1);
    g_assert_cmphex(b.result[0], ==, 0x80);
    SEND(&b, 0x04, 0x04);
    results(&b);
    g_assert_cmphex(b.result[0] & 0x7f, ==, 0x3c); /* ready, track 0, head */
    seek(&b, 0, 5);
    SEND(&b, 0x04, 0);
    results(&b);
    g_assert_cmphex(b.result[0] & 0x10, ==, 0);
    SEND(&b, 0x13, 0, 0x57, 3);
    SEND(&b, 0x94); /* LOCK */
    results(&b);
    g_assert_cmphex(b.result[0], ==, 0x10);
    SEND(&b, 0x12, 0x84); /* perpendicular: drive 0 */
    SEND(&b, 0x0e);
    g_assert_cmpuint(results(&b), ==, 10);
    g_assert_cmpuint(b.result[0], ==, 5);
    g_assert_cmphex(b.result[4], ==, 0xdf);
    g_assert_cmphex(b.result[5], ==, 0x03);
    g_assert_cmphex(b.result[7] & 0xbc, ==, 0x84);
    g_assert_cmphex(b.result[8], ==, 0x57);
    g_assert_cmphex(b.result[9], ==, 3);
    out8(&b.m, DOR, 0x18); /* a reset leaves what is locked */
    out8(&b.m, DOR, 0x1c);
    hw_test_step(&b.m, NS_PER_MS); /* polling is off: no interrupt */
    g_assert_false(b.irq.level);
    SEND(&b, 0x0e);
    results(&b);
    g_assert_cmphex(b.result[8], ==, 0x57);
    box_done(&b);
}

static void test_read(void)
{
    struct box b;

    box_init(&b, 1474560, 0, 0, false);
    SEND(&b, 0x07, 0);
    hw_test_step(&b.m, 100 * NS_PER_MS);
    sense(&b, 0x20, 0);
    seek(&b, 0, 3);
    /* sectors 17 and 18 of head 1; without terminal count: end of cylinder */
    SEND(&b, 0x46, 0x04, 3, 1, 17, 2, 18, 0x1b, 0xff);
    g_assert_true(b.irq.level);
    g_assert_cmpuint(data_in(&b), ==, 1024);
    g_assert_cmpuint(ldl_u32(b.data), ==, (3 * 2 + 1) * 18 + 16);
    g_assert_cmpuint(ldl_u32(b.data + 512), ==, (3 * 2 + 1) * 18 + 17);
    RESULT(&b, 0x44, 0x80, 0, 4, 1, 1, 2);
    g_assert_false(b.irq.level);
    /* both sides: MT */
    SEND(&b, 0xc6, 0x00, 3, 0, 18, 2, 18, 0x1b, 0xff);
    g_assert_cmpuint(data_in(&b), ==, 19 * 512);
    g_assert_cmpuint(ldl_u32(b.data + 512), ==, (3 * 2 + 1) * 18);
    RESULT(&b, 0x40, 0x80, 0, 4, 0, 1, 2);
    box_done(&b);
}

static void test_errors(void)
{
    struct box b;

    box_init(&b, 1474560, 0, 0, false);
    seek(&b, 0, 3);
    SEND(&b, 0x46, 0x00, 3, 0, 19, 2, 36, 0x1b, 0xff); /* no such sector */
    RESULT(&b, 0x40, 0x04, 0, 3, 0, 19, 2);
    SEND(&b, 0x46, 0x00, 4, 0, 1, 2, 18, 0x1b, 0xff); /* the head is at 3 */
    RESULT(&b, 0x40, 0x04, 0x10, 4, 0, 1, 2);
    SEND(&b, 0x06, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff); /* FM */
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[1], ==, 0x01);
    out8(&b.m, CCR, 2); /* 250 kbit/s */
    SEND(&b, 0x46, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[0] & 0xc0, ==, 0x40);
    g_assert_cmphex(b.result[1], ==, 0x01);
    SEND(&b, 0x4a, 0x00);
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[1], ==, 0x01);
    out8(&b.m, CCR, 0);
    SEND(&b, 0x4a, 0x00);
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[0] & 0xc0, ==, 0);
    g_assert_cmpuint(b.result[3], ==, 3);
    mem_disk_of(b.a)->bad_from = 3 * 36 * 512;
    mem_disk_of(b.a)->bad_to = b.m.ram->size;
    SEND(&b, 0x46, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(&b, 0x40, 0x20, 0, 3, 0, 1, 2); /* data error */
    b.a->readonly = true;
    SEND(&b, 0x45, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    RESULT(&b, 0x40, 0x02, 0, 3, 0, 1, 2);
    SEND(&b, 0x46, 0x01, 0, 0, 1, 2, 18, 0x1b, 0xff); /* drive B is empty */
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[0], ==, 0x41);
    box_done(&b);
}

/* READ DELETED DATA of normal sectors: one, with the control mark told. */
static void test_deleted(void)
{
    struct box b;

    box_init(&b, 1474560, 0, 0, false);
    SEND(&b, 0x4c, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff);
    g_assert_cmpuint(data_in(&b), ==, 512);
    g_assert_cmpuint(ldl_u32(b.data), ==, 1);
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[2], ==, 0x40);
    SEND(&b, 0x6c, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff);
    g_assert_cmpuint(data_in(&b), ==, 0);
    g_assert_cmpuint(results(&b), ==, 7);
    box_done(&b);
}

static void test_write(void)
{
    struct box b;

    box_init(&b, 1474560, 737280, 0, false);
    memset(b.data, 0xa7, sizeof(b.data));
    SEND(&b, 0x13, 0, 0x40, 0); /* implied seeks */
    SEND(&b, 0x45, 0x04, 9, 1, 18, 2, 18, 0x1b, 0xff);
    g_assert_cmpuint(data_out(&b, 512), ==, 512);
    RESULT(&b, 0x44, 0x80, 0, 10, 1, 1, 2);
    g_assert_cmphex(mem_disk_of(b.a)->data[((9 * 2 + 1) * 18 + 17) * 512], ==,
                    0xa7);
    g_assert_cmphex(mem_disk_of(b.a)->data[((9 * 2 + 1) * 18 + 16) * 512 + 9],
                    !=, 0xa7);
    box_done(&b);
}

static void test_format(void)
{
    struct box b;
    const uint8_t *disk;

    box_init(&b, 1474560, 0, 0, false);
    seek(&b, 0, 2);
    SEND(&b, 0x4d, 0x00, 2, 18, 0x54, 0xf6);
    for (unsigned i = 0; i < 18; i++) {
        b.data[4 * i] = 2;
        b.data[4 * i + 1] = 0;
        b.data[4 * i + 2] = (uint8_t)(i + 1);
        b.data[4 * i + 3] = 2;
    }
    g_assert_cmpuint(data_out(&b, 72), ==, 72);
    g_assert_cmpuint(results(&b), ==, 7);
    g_assert_cmphex(b.result[0] & 0xc0, ==, 0);
    disk = mem_disk_of(b.a)->data + (2 * 2) * 18 * 512;
    for (unsigned i = 0; i < 18 * 512; i++) {
        g_assert_cmphex(disk[i], ==, 0xf6);
    }
    g_assert_cmphex(disk[18 * 512 + 9], !=, 0xf6);
    box_done(&b);
}

/* By channel 2 of the DMA controller; terminal count ends the transfer. */
static void test_dma(void)
{
    struct box b;
    static const uint8_t setup[][2] = {{0x0a, 0x06}, {0x0c, 0},    {0x04, 0},
                                       {0x04, 0x10}, {0x81, 3},    {0x05, 0xff},
                                       {0x05, 5},    {0x0b, 0x46}, {0x0a, 2}};

    box_init(&b, 1474560, 0, 0, true);
    for (unsigned i = 0; i < ARRAY_SIZE(setup); i++) {
        out8(&b.m, setup[i][0], setup[i][1]);
    }
    SEND(&b, 0xc6, 0x00, 0, 0, 2, 2, 18, 0x1b, 0xff);
    for (unsigned i = 0; i < 20 && !b.irq.level; i++) {
        hw_test_step(&b.m, NS_PER_MS);
        settle_disks(&b);
    }
    g_assert_true(b.irq.level);
    RESULT(&b, 0, 0, 0, 0, 0, 5, 2);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(dma_read32(&b.m.memory, 0x31000 + i * 512), ==, i + 1);
    }
    g_assert_cmpuint(dma_read32(&b.m.memory, 0x31600), ==, 0);
    box_done(&b);
}

/* Every format of the trade: its last sector is there, the next is not. */
static void test_formats(void)
{
    static const struct {
        uint32_t size;
        uint8_t tracks, heads, sectors, rate;
    } rows[] = {
        {163840, 40, 1, 8, 2},   {184320, 40, 1, 9, 2},
        {327680, 40, 2, 8, 2},   {368640, 40, 2, 9, 2},
        {368640, 40, 2, 9, 1},   {737280, 80, 2, 9, 2},
        {1228800, 80, 2, 15, 0}, {1474560, 80, 2, 18, 0},
        {1720320, 80, 2, 21, 0}, /* DMF */
        {2949120, 80, 2, 36, 3},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct box b;
        uint8_t head = rows[i].heads - 1, track = rows[i].tracks - 1;
        uint8_t last = rows[i].sectors;

        box_init(&b, rows[i].size, 0, rows[i].rate, false);
        seek(&b, 0, track);
        SEND(&b, 0x46, (uint8_t)(head << 2), track, head, last, 2, last, 0x1b,
             0xff);
        g_assert_cmpuint(data_in(&b), ==, 512);
        g_assert_cmpuint(ldl_u32(b.data), ==, rows[i].size / 512 - 1);
        results(&b);
        SEND(&b, 0x46, (uint8_t)(head << 2), track, head, (uint8_t)(last + 1),
             2, (uint8_t)(last + 1), 0x1b, 0xff);
        g_assert_cmpuint(data_in(&b), ==, 0);
        g_assert_cmpuint(results(&b), ==, 7);
        g_assert_cmphex(b.result[1], ==, 0x04);
        box_done(&b);
    }
}

/* The disk change line stays until a step with a disk in the drive. */
static void test_change(void)
{
    struct box b;

    box_init(&b, 1474560, 0, 0, false);
    seek(&b, 0, 1);
    g_assert_cmphex(in8(&b.m, CCR) & 0x80, ==, 0);
    drive_set_image(b.a, NULL);
    g_assert_cmphex(in8(&b.m, CCR) & 0x80, ==, 0x80);
    seek(&b, 0, 2);
    g_assert_cmphex(in8(&b.m, CCR) & 0x80, ==, 0x80);
    drive_set_image(b.a, mem_disk_new(737280));
    g_assert_cmphex(in8(&b.m, CCR) & 0x80, ==, 0x80);
    seek(&b, 0, 1);
    g_assert_cmphex(in8(&b.m, CCR) & 0x80, ==, 0);
    box_done(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fdc/commands", test_commands);
    g_test_add_func("/fdc/read", test_read);
    g_test_add_func("/fdc/errors", test_errors);
    g_test_add_func("/fdc/deleted", test_deleted);
    g_test_add_func("/fdc/write", test_write);
    g_test_add_func("/fdc/format", test_format);
    g_test_add_func("/fdc/dma", test_dma);
    g_test_add_func("/fdc/formats", test_formats);
    g_test_add_func("/fdc/change", test_change);
    return g_test_run();
}
