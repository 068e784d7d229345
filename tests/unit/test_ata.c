/* SPDX-License-Identifier: MIT */
/*
 * An ATA disk and a packet device at 1F0h by PIO: what [ATA8], [ATA6] and
 * [MMC] say about registers, errors and data.
 */
#include "hw/ata/ata.h"
#include "hw/ata/ide_dev.h"
#include "hw/ata/isa_ide.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/mem_disk.h"

enum { DATA = 0x1f0, ERROR, COUNT, LOW, MID, HIGH, DEV, CMD, CONTROL = 0x3f6 };
enum { SECTORS = 4096, CD_SECTORS = 100 };

struct box {
    struct machine m;
    struct drive *hd, *cd;
    struct probe irq;
    uint8_t buf[128 * 1024];
};

static void plug(struct box *b, const struct dev_type *type, const char *drive,
                 const char *unit)
{
    struct dev *dev = dev_new(&b->m, type, NULL);
    GError *error = NULL;

    g_assert_true(dev_set_prop(dev, "drive", drive, NULL));
    g_assert_true(dev_set_prop(dev, "unit", unit, NULL));
    dev_realize(dev, &error);
    g_assert_no_error(error);
}

static void box_init(struct box *b)
{
    memset((void *)b, 0, sizeof(*b));
    hw_test_init(&b->m);
    isa_bus_new(&b->m, NULL);
    isa_bus_of(&b->m)->irq[14] = probe_wire(&b->irq);
    hw_test_dev(&b->m, &isa_ide_type);
    b->hd = mem_drive(&b->m, "hd", SECTORS * 512);
    b->cd = mem_drive(&b->m, "cd", CD_SECTORS * 2048);
    plug(b, &ide_hd_type, "hd", "0");
    plug(b, &ide_cd_type, "cd", "1");
    machine_reset_devices(&b->m);
}

static void box_done(struct box *b)
{
    struct drive *const drives[] = {b->hd, b->cd, NULL};

    mem_drives_done(&b->m, drives);
}

static void wait(struct box *b)
{
    drive_drain(b->hd);
    drive_drain(b->cd);
}

/* Registers by LBA28; then the command. The status when it is not busy. */
static uint8_t command(struct box *b, uint8_t code, uint32_t lba, uint8_t count)
{
    out8(&b->m, DEV, (uint8_t)(0xe0 | lba >> 24));
    out8(&b->m, COUNT, count);
    out8(&b->m, LOW, (uint8_t)lba);
    out8(&b->m, MID, (uint8_t)(lba >> 8));
    out8(&b->m, HIGH, (uint8_t)(lba >> 16));
    out8(&b->m, CMD, code);
    wait(b);
    return in8(&b->m, CMD);
}

static uint8_t command48(struct box *b, uint8_t code, uint64_t lba,
                         uint16_t count)
{
    out8(&b->m, DEV, 0x40);
    out8(&b->m, COUNT, (uint8_t)(count >> 8));
    out8(&b->m, COUNT, (uint8_t)count);
    for (unsigned i = 0; i < 3; i++) {
        out8(&b->m, (uint16_t)(LOW + i), (uint8_t)(lba >> (24 + 8 * i)));
        out8(&b->m, (uint16_t)(LOW + i), (uint8_t)(lba >> (8 * i)));
    }
    out8(&b->m, CMD, code);
    wait(b);
    return in8(&b->m, CMD);
}

static void pio_in(struct box *b, unsigned len)
{
    for (unsigned i = 0; i < len; i += 2) {
        stl_u16(b->buf + i, in16(&b->m, DATA));
    }
    wait(b);
}

static void pio_out(struct box *b, unsigned len)
{
    for (unsigned i = 0; i < len; i += 2) {
        out16(&b->m, DATA, ldl_u16(b->buf + i));
    }
    wait(b);
}

static unsigned word(const struct box *b, unsigned n)
{
    return ldl_u16(b->buf + 2 * n);
}

static const uint8_t ready = ATA_DRDY | ATA_DSC;

/* [ATA8] 7.16 */
static void test_identify(void)
{
    struct box b;
    uint8_t sum = 0;

    box_init(&b);
    g_assert_cmphex(command(&b, 0xec, 0, 0), ==, ready | ATA_DRQ);
    pio_in(&b, 512);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    g_assert_cmphex(word(&b, 0) & 0x8000, ==, 0); /* an ATA device */
    g_assert_cmpuint(word(&b, 3), ==, 16);
    g_assert_cmpuint(word(&b, 6), ==, 63);
    g_assert_cmpuint(ldl_u32(b.buf + 120), ==, SECTORS);
    g_assert_cmpuint(ldl_u64(b.buf + 200), ==, SECTORS);
    g_assert_cmphex(word(&b, 49) & 0x0300, ==, 0x0300); /* LBA, DMA */
    g_assert_cmphex(word(&b, 53) & 7, ==, 7);
    /* power management, READ and WRITE BUFFER, NOP: and they work */
    g_assert_cmphex(word(&b, 82) & 0x7008, ==, 0x7008);
    g_assert_cmphex(word(&b, 83) & 0xc000, ==, 0x4000);
    g_assert_cmphex(word(&b, 84) & 0xc000, ==, 0x4000);
    g_assert_cmphex(word(&b, 87) & 0xc000, ==, 0x4000);
    g_assert_cmphex(word(&b, 255) & 0xff, ==, 0xa5);
    for (unsigned i = 0; i < 512; i++) {
        sum = (uint8_t)(sum + b.buf[i]);
    }
    g_assert_cmpuint(sum, ==, 0);
    box_done(&b);
}

/* A packet device aborts IDENTIFY DEVICE and shows its signature. */
static void test_signature(void)
{
    struct box b;

    box_init(&b);
    out8(&b.m, DEV, 0xb0);
    g_assert_cmphex(in8(&b.m, CMD), ==, 0); /* after power-on */
    out8(&b.m, CMD, 0xec);
    g_assert_cmphex(in8(&b.m, CMD) & ATA_ERR, ==, ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR) & ATA_ABRT, ==, ATA_ABRT);
    g_assert_cmphex(in8(&b.m, MID), ==, 0x14);
    g_assert_cmphex(in8(&b.m, HIGH), ==, 0xeb);
    out8(&b.m, CMD, 0xa1);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready | ATA_DRQ);
    pio_in(&b, 512);
    g_assert_cmphex(word(&b, 0) & 0xdf83, ==, 0x8580); /* CD, removable, 12 */
    box_done(&b);
}

static void test_reset(void)
{
    struct box b;

    box_init(&b);
    command(&b, 0x20, 5, 2); /* a read under way */
    out8(&b.m, DEV, 0xf0);
    out8(&b.m, CONTROL, ATA_SRST);
    g_assert_cmphex(in8(&b.m, CONTROL) & ATA_BSY, ==, ATA_BSY);
    out8(&b.m, CONTROL, 0);
    /* device 0 is selected, passed, and an ATA device */
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    g_assert_cmphex(in8(&b.m, ERROR), ==, 1);
    g_assert_cmphex(in8(&b.m, COUNT), ==, 1);
    g_assert_cmphex(in8(&b.m, LOW), ==, 1);
    g_assert_cmphex(in8(&b.m, MID), ==, 0);
    g_assert_cmphex(in8(&b.m, DEV) & 0x1f, ==, 0);
    g_assert_false(b.irq.level);
    box_done(&b);
}

/* EXECUTE DEVICE DIAGNOSTIC while a request is with the disk: it ends, and
 * its data is nobody's. */
static void test_diagnostic(void)
{
    struct box b;

    box_init(&b);
    out8(&b.m, DEV, 0xe0);
    out8(&b.m, COUNT, 1);
    out8(&b.m, CMD, 0x20); /* not waited for */
    out8(&b.m, CMD, 0x90);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    g_assert_cmphex(in8(&b.m, ERROR), ==, 1);
    g_assert_cmpuint(b.hd->in_flight, ==, 0);
    wait(&b);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    box_done(&b);
}

static void test_read(void)
{
    struct box b;

    box_init(&b);
    g_assert_cmphex(command(&b, 0x20, 0x123, 3), ==, ready | ATA_DRQ);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true(b.irq.level || i == 0);
        in8(&b.m, CMD);
        g_assert_false(b.irq.level);
        pio_in(&b, 512);
        g_assert_cmpuint(ldl_u32(b.buf), ==, 0x123 + i);
    }
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    g_assert_cmphex(in8(&b.m, LOW), ==, 0x25); /* the last one */
    box_done(&b);
}

/* [ATA8] 7.34: a block of several sectors to an interrupt; the last may be
 * shorter. */
static void test_multiple(void)
{
    struct box b;
    unsigned rises;

    box_init(&b);
    g_assert_cmphex(command(&b, 0xc6, 0, 3), ==, ready | ATA_ERR);
    g_assert_cmphex(command(&b, 0xc6, 0, 4), ==, ready);
    rises = b.irq.rises;
    g_assert_cmphex(command(&b, 0xc4, 8, 6), ==, ready | ATA_DRQ);
    pio_in(&b, 4 * 512);
    g_assert_cmpuint(ldl_u32(b.buf + 3 * 512), ==, 11);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready | ATA_DRQ);
    pio_in(&b, 2 * 512);
    g_assert_cmpuint(ldl_u32(b.buf), ==, 12);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    g_assert_cmpuint(b.irq.rises - rises, ==, 2);
    command(&b, 0xc6, 0, 0); /* off: then the commands abort */
    g_assert_cmphex(command(&b, 0xc4, 8, 6), ==, ready | ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_ABRT);
    box_done(&b);
}

static void test_write(void)
{
    static const uint8_t codes[] = {0x30, 0xc5, 0x34, 0x39, 0xce};
    struct box b;

    box_init(&b);
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        unsigned flushes = mem_disk_of(b.hd)->flushes;

        memset(b.buf, 0x80 + (int)i, 512);
        if (codes[i] == 0x30 || codes[i] == 0xc5) {
            command(&b, codes[i], 100 + i, 1);
        } else {
            command48(&b, codes[i], 100 + i, 1);
        }
        g_assert_cmphex(in8(&b.m, CMD), ==, ready | ATA_DRQ);
        pio_out(&b, 512);
        g_assert_cmphex(in8(&b.m, CMD), ==, ready);
        g_assert_cmphex(mem_disk_of(b.hd)->data[(100 + i) * 512 + 511], ==,
                        0x80 + i);
        /* WRITE MULTIPLE FUA EXT: on the disk before it is done */
        g_assert_cmpuint(mem_disk_of(b.hd)->flushes - flushes, ==,
                         codes[i] == 0xce);
    }
    box_done(&b);
}

/* Without the write cache every write is on the disk when it is done. */
static void test_write_through(void)
{
    struct box b;
    unsigned flushes;

    box_init(&b);
    out8(&b.m, ERROR, 0x82);
    g_assert_cmphex(command(&b, 0xef, 0, 0), ==, ready);
    flushes = mem_disk_of(b.hd)->flushes;
    command(&b, 0x30, 7, 1);
    pio_out(&b, 512);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    g_assert_cmpuint(mem_disk_of(b.hd)->flushes - flushes, ==, 1);
    box_done(&b);
}

/* Addresses behind the end: IDNF. Bad sectors: UNC, and which one. */
static void test_errors(void)
{
    struct box b;

    box_init(&b);
    g_assert_cmphex(command(&b, 0x20, SECTORS, 1), ==, ready | ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_IDNF);
    g_assert_cmphex(command(&b, 0x20, SECTORS - 1, 1), ==, ready | ATA_DRQ);
    pio_in(&b, 512);
    g_assert_cmphex(command48(&b, 0x24, UINT64_C(1) << 40, 1), ==,
                    ready | ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_IDNF);
    g_assert_cmphex(command48(&b, 0x24, 0, 0), ==, ready | ATA_ERR); /* 65536 */
    g_assert_cmphex(command(&b, 0x40, SECTORS - 4, 5), ==, ready | ATA_ERR);
    mem_disk_of(b.hd)->bad_from = 10 * 512;
    mem_disk_of(b.hd)->bad_to = 11 * 512;
    g_assert_cmphex(command(&b, 0x20, 9, 3), ==, ready | ATA_DRQ);
    pio_in(&b, 512);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready | ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_UNC);
    g_assert_cmphex(in8(&b.m, LOW), ==, 10);
    /* READ VERIFY looks at the disk as well */
    g_assert_cmphex(command(&b, 0x40, 8, 8), ==, ready | ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_UNC);
    g_assert_cmphex(command(&b, 0x77, 0, 0), ==, ready | ATA_ERR);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_ABRT);
    box_done(&b);
}

/* [ATA6] 6.2: CHS as INITIALIZE DEVICE PARAMETERS set it. */
static void test_chs(void)
{
    struct box b;

    box_init(&b);
    out8(&b.m, COUNT, 17); /* sectors */
    out8(&b.m, DEV, 0xa0 | 3);
    out8(&b.m, CMD, 0x91);
    out8(&b.m, COUNT, 1);
    out8(&b.m, LOW, 17);
    out8(&b.m, MID, 2);
    out8(&b.m, HIGH, 0);
    out8(&b.m, DEV, 0xa0 | 1);
    out8(&b.m, CMD, 0x20);
    wait(&b);
    pio_in(&b, 512);
    g_assert_cmpuint(ldl_u32(b.buf), ==, (2 * 4 + 1) * 17 + 16);
    out8(&b.m, LOW, 18);
    out8(&b.m, CMD, 0x20);
    wait(&b);
    g_assert_cmphex(in8(&b.m, ERROR), ==, ATA_IDNF);
    box_done(&b);
}

static void test_buffer(void)
{
    struct box b;

    box_init(&b);
    memset(b.buf, 0x3c, 512);
    g_assert_cmphex(command(&b, 0xe8, 0, 0), ==, ready | ATA_DRQ);
    pio_out(&b, 512);
    g_assert_cmphex(in8(&b.m, CMD), ==, ready);
    memset(b.buf, 0, 512);
    g_assert_cmphex(command(&b, 0xe4, 0, 0), ==, ready | ATA_DRQ);
    pio_in(&b, 512);
    g_assert_cmphex(b.buf[511], ==, 0x3c);
    box_done(&b);
}

/* Standby ends with the next access to the medium. */
static void test_power(void)
{
    struct box b;

    box_init(&b);
    command(&b, 0xe5, 0, 0);
    g_assert_cmphex(in8(&b.m, COUNT), ==, 0xff);
    command(&b, 0xe0, 0, 0);
    command(&b, 0xe5, 0, 0);
    g_assert_cmphex(in8(&b.m, COUNT), ==, 0);
    command(&b, 0x40, 0, 1);
    command(&b, 0xe5, 0, 0);
    g_assert_cmphex(in8(&b.m, COUNT), ==, 0xff);
    box_done(&b);
}

static uint8_t smart(struct box *b, uint8_t feature, uint8_t low)
{
    out8(&b->m, ERROR, feature);
    return command(b, 0xb0, 0xc24f00u | low, 1);
}

static void test_smart(void)
{
    struct box b;
    uint8_t sum = 0;

    box_init(&b);
    g_assert_cmphex(smart(&b, 0xda, 0), ==, ready); /* healthy */
    g_assert_cmphex(in8(&b.m, MID), ==, 0x4f);
    g_assert_cmphex(in8(&b.m, HIGH), ==, 0xc2);
    g_assert_cmphex(smart(&b, 0xd0, 0), ==, ready | ATA_DRQ);
    pio_in(&b, 512);
    for (unsigned i = 0; i < 512; i++) {
        sum = (uint8_t)(sum + b.buf[i]);
    }
    g_assert_cmpuint(sum, ==, 0);
    g_assert_cmphex(smart(&b, 0xd9, 0), ==, ready);           /* off */
    g_assert_cmphex(smart(&b, 0xd0, 0), ==, ready | ATA_ERR); /* aborted */
    g_assert_cmphex(smart(&b, 0xd8, 0), ==, ready);
    out8(&b.m, ERROR, 0xda); /* without the key */
    g_assert_cmphex(command(&b, 0xb0, 0, 1), ==, ready | ATA_ERR);
    box_done(&b);
}

static void test_irq(void)
{
    struct box b;

    box_init(&b);
    out8(&b.m, CONTROL, ATA_NIEN);
    command(&b, 0x40, 0, 1);
    g_assert_cmpuint(b.irq.rises, ==, 0);
    out8(&b.m, CONTROL, 0);
    out8(&b.m, DEV, 0xe0);
    out8(&b.m, COUNT, 1);
    out8(&b.m, CMD, 0x40);
    wait(&b);
    g_assert_true(b.irq.level);
    in8(&b.m, CONTROL); /* the alternate status does not acknowledge */
    g_assert_true(b.irq.level);
    in8(&b.m, CMD);
    g_assert_false(b.irq.level);
    box_done(&b);
}

/* --- packets --- */

/* Sends a packet; what comes back is in buf. The length, -1: an error. */
static int packet(struct box *b, const uint8_t *p, unsigned limit)
{
    int got = 0;

    out8(&b->m, DEV, 0xb0);
    out8(&b->m, ERROR, 0);
    out8(&b->m, MID, (uint8_t)limit);
    out8(&b->m, HIGH, (uint8_t)(limit >> 8));
    out8(&b->m, CMD, 0xa0);
    g_assert_cmphex(in8(&b->m, CMD) & ATA_DRQ, ==, ATA_DRQ);
    g_assert_cmphex(in8(&b->m, COUNT) & 3, ==, ATAPI_CD);
    for (unsigned i = 0; i < 12; i += 2) {
        out16(&b->m, DATA, ldl_u16(p + i));
    }
    wait(b);
    while (in8(&b->m, CMD) & ATA_DRQ) {
        unsigned len = in8(&b->m, MID) | (unsigned)in8(&b->m, HIGH) << 8;

        g_assert_cmphex(in8(&b->m, COUNT) & 3, ==, ATAPI_IO);
        g_assert_cmpuint(len, <=, limit);
        for (unsigned i = 0; i < len; i += 2, got += 2) {
            stl_u16(b->buf + got, in16(&b->m, DATA));
        }
        wait(b);
    }
    g_assert_cmphex(in8(&b->m, COUNT) & 3, ==, ATAPI_IO | ATAPI_CD);
    return in8(&b->m, CMD) & ATA_ERR ? -1 : got;
}

#define PACKET(b, ...) packet(b, (const uint8_t[12]){__VA_ARGS__}, 2048)

/* Key, code and qualifier of REQUEST SENSE. */
static unsigned sense(struct box *b)
{
    g_assert_cmpint(PACKET(b, 0x03, 0, 0, 0, 18), ==, 18);
    g_assert_cmphex(b->buf[0] & 0x7f, ==, 0x70);
    return (unsigned)b->buf[2] << 16 | (unsigned)b->buf[12] << 8 | b->buf[13];
}

static unsigned be32(const uint8_t *p)
{
    return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 |
           p[3];
}

/* A medium that is new is announced once; INQUIRY and the like go through. */
static void test_attention(void)
{
    struct box b;

    box_init(&b);
    g_assert_cmpint(PACKET(&b, 0x12, 0, 0, 0, 36), ==, 36);
    g_assert_cmphex(b.buf[0], ==, 5);
    g_assert_cmphex(b.buf[1], ==, 0x80);
    g_assert_cmpint(PACKET(&b, 0), ==, -1);
    g_assert_cmphex(in8(&b.m, ERROR) >> 4, ==, 6);
    g_assert_cmphex(sense(&b), ==, 0x062800);
    g_assert_cmpint(PACKET(&b, 0), ==, 0);
    g_assert_cmphex(sense(&b), ==, 0);
    drive_set_image(b.cd, NULL);
    g_assert_cmpint(PACKET(&b, 0), ==, -1);
    g_assert_cmphex(sense(&b) >> 8, ==, 0x023a);
    PACKET(&b, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    g_assert_cmphex(b.buf[4] & 15, ==, 3); /* removed */
    g_assert_cmphex(b.buf[5], ==, 0);
    drive_set_image(b.cd, mem_disk_new(50 * 2048));
    PACKET(&b, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    g_assert_cmphex(b.buf[2] & 7, ==, 4);
    g_assert_cmphex(b.buf[4] & 15, ==, 2); /* new medium */
    g_assert_cmphex(b.buf[5], ==, 2);
    PACKET(&b, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    g_assert_cmphex(b.buf[4] & 15, ==, 0); /* told once */
    g_assert_cmpint(PACKET(&b, 0), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x062800);
    g_assert_cmpint(PACKET(&b, 0x25), ==, 8);
    g_assert_cmpuint(be32(b.buf), ==, 49);
    g_assert_cmpuint(be32(b.buf + 4), ==, 2048);
    box_done(&b);
}

static void ready_cd(struct box *b)
{
    box_init(b);
    PACKET(b, 0);
}

static void test_tray(void)
{
    struct box b;

    ready_cd(&b);
    g_assert_cmpint(PACKET(&b, 0x1e, 0, 0, 0, 1), ==, 0); /* lock */
    g_assert_cmpint(PACKET(&b, 0x1b, 0, 0, 0, 2), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x055302);
    g_assert_cmpint(PACKET(&b, 0x1e), ==, 0);
    g_assert_cmpint(PACKET(&b, 0x1b, 0, 0, 0, 2), ==, 0); /* eject */
    g_assert_cmpint(PACKET(&b, 0), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x023a02); /* tray open */
    PACKET(&b, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    g_assert_cmphex(b.buf[1] & 0x10, ==, 0x10);
    g_assert_cmpint(PACKET(&b, 0x1b, 0, 0, 0, 3), ==, 0); /* load */
    PACKET(&b, 0);
    g_assert_cmpint(PACKET(&b, 0), ==, 0);
    box_done(&b);
}

static void test_cd_read(void)
{
    struct box b;

    ready_cd(&b);
    g_assert_cmpint(PACKET(&b, 0x28, 0, 0, 0, 0, 7, 0, 0, 3), ==, 3 * 2048);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(ldl_u32(b.buf + 2048 * i), ==, (7 + i) * 4);
    }
    g_assert_cmpint(PACKET(&b, 0xa8, 0, 0, 0, 0, 99, 0, 0, 0, 1), ==, 2048);
    g_assert_cmpint(PACKET(&b, 0x28, 0, 0, 0, 0, 99, 0, 0, 2), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x052100);
    mem_disk_of(b.cd)->bad_to = 2048;
    g_assert_cmpint(PACKET(&b, 0x28, 0, 0, 0, 0, 0, 0, 0, 1), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x031100);
    g_assert_cmpint(PACKET(&b, 0xff), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x052000);
    box_done(&b);
}

/* [MMC] 6.19; the raw sector is [ECMA-130]'s: sync, address, EDC and ECC */
static void test_read_cd(void)
{
    struct box b;

    ready_cd(&b);
    g_assert_cmpint(PACKET(&b, 0xbe, 0, 0, 0, 0, 5, 0, 0, 2, 0x10), ==, 4096);
    g_assert_cmpuint(ldl_u32(b.buf), ==, 20);
    g_assert_cmpint(PACKET(&b, 0xbe, 0, 0, 0, 0, 75, 0, 0, 1, 0xf8), ==, 2352);
    g_assert_cmphex(b.buf[0], ==, 0);
    g_assert_cmphex(b.buf[1], ==, 0xff);
    g_assert_cmphex(b.buf[10], ==, 0xff);
    g_assert_cmphex(b.buf[11], ==, 0);
    g_assert_cmphex(be32(b.buf + 12), ==, 0x00030001); /* 00:03:00, mode 1 */
    g_assert_cmpuint(ldl_u32(b.buf + 16), ==, 75 * 4);
    /* CD-DA is asked for: this is data */
    g_assert_cmpint(PACKET(&b, 0xbe, 4, 0, 0, 0, 5, 0, 0, 1, 0xf8), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x056400);
    box_done(&b);
}

static void test_toc(void)
{
    struct box b;

    ready_cd(&b);
    g_assert_cmpint(PACKET(&b, 0x43, 0, 0, 0, 0, 0, 1, 0, 255), ==, 20);
    g_assert_cmphex(be32(b.buf), ==, 0x00120101);
    g_assert_cmphex(b.buf[5], ==, 0x14); /* a data track */
    g_assert_cmphex(b.buf[6], ==, 1);
    g_assert_cmphex(b.buf[14], ==, 0xaa);
    g_assert_cmpuint(be32(b.buf + 16), ==, CD_SECTORS);
    g_assert_cmpint(PACKET(&b, 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 255), ==, 12);
    g_assert_cmphex(be32(b.buf + 8), ==, 0x00000319); /* 250 frames */
    g_assert_cmpint(PACKET(&b, 0x43, 0, 1, 0, 0, 0, 0, 0, 255), ==, 12);
    g_assert_cmphex(be32(b.buf), ==, 0x000a0101);
    g_assert_cmpint(PACKET(&b, 0x43, 2, 2, 0, 0, 0, 0, 0, 255), ==, 48);
    g_assert_cmphex(b.buf[4 + 3], ==, 0xa0);
    g_assert_cmpint(PACKET(&b, 0x43, 0, 0, 0, 0, 0, 1, 0, 4), ==, 4);
    g_assert_cmpint(PACKET(&b, 0x43, 0, 0, 0, 0, 0, 2, 0, 255), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x052400);
    box_done(&b);
}

static void test_modes(void)
{
    static const uint8_t pages[][2] = {{0x01, 6}, {0x0e, 14}, {0x2a, 0}};
    struct box b;

    ready_cd(&b);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        int got = PACKET(&b, 0x5a, 0, pages[i][0], 0, 0, 0, 0, 0, 255);

        g_assert_cmpint(got, >, 10);
        g_assert_cmpuint(be32(b.buf) >> 16, ==, (unsigned)got - 2);
        g_assert_cmphex(b.buf[8] & 0x3f, ==, pages[i][0]);
        g_assert_cmpint(got, ==, 8 + 2 + b.buf[9]);
    }
    g_assert_cmpint(PACKET(&b, 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255), >, 50);
    g_assert_cmpint(PACKET(&b, 0x5a, 0, 0x55 & 0x3f, 0, 0, 0, 0, 0, 255), ==,
                    -1);
    g_assert_cmphex(sense(&b), ==, 0x052400);
    g_assert_cmpint(PACKET(&b, 0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 255), ==, -1);
    g_assert_cmphex(sense(&b), ==, 0x053900); /* saved values */
    box_done(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ata/identify", test_identify);
    g_test_add_func("/ata/signature", test_signature);
    g_test_add_func("/ata/reset", test_reset);
    g_test_add_func("/ata/diagnostic", test_diagnostic);
    g_test_add_func("/ata/read", test_read);
    g_test_add_func("/ata/multiple", test_multiple);
    g_test_add_func("/ata/write", test_write);
    g_test_add_func("/ata/write-through", test_write_through);
    g_test_add_func("/ata/errors", test_errors);
    g_test_add_func("/ata/chs", test_chs);
    g_test_add_func("/ata/buffer", test_buffer);
    g_test_add_func("/ata/power", test_power);
    g_test_add_func("/ata/smart", test_smart);
    g_test_add_func("/ata/irq", test_irq);
    g_test_add_func("/atapi/attention", test_attention);
    g_test_add_func("/atapi/tray", test_tray);
    g_test_add_func("/atapi/read", test_cd_read);
    g_test_add_func("/atapi/read-cd", test_read_cd);
    g_test_add_func("/atapi/toc", test_toc);
    g_test_add_func("/atapi/modes", test_modes);
    return g_test_run();
}
