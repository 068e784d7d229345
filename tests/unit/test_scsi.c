/* SPDX-License-Identifier: MIT */
/* SCSI disks: [SPC], [SBC]. */
#include "base/be.h"
#include "hw/scsi/scsi.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/mem_disk.h"

enum { BLOCKS = 4096, AREA = 64 * 1024 };

struct rig {
    struct machine m;
    struct drive *drive[2];
    struct scsi_unit unit;
    struct scsi_bus bus;
    uint8_t area[AREA];
    struct scsi_request r;
    struct iovec iov[2];
    bool done;
};

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    hw_test_init(&r->m);
    r->drive[0] = mem_drive(&r->m, "d", BLOCKS * 512);
    r->unit = (struct scsi_unit){.machine = &r->m,
                                 .drive = r->drive[0],
                                 .serial = (char *)(uintptr_t) "S1",
                                 .wwn = UINT64_C(0x5000c50012345678),
                                 .block = 512,
                                 .physical_block = 4096};
    g_assert_true(scsi_unit_realize(&r->unit, NULL));
    scsi_unit_reset(&r->unit);
}

static void rig_done(struct rig *r)
{
    scsi_unit_unrealize(&r->unit);
    mem_drives_done(&r->m, r->drive);
}

static void done(struct scsi_request *r)
{
    ((struct rig *)r->opaque)->done = true;
}

/* A command with `len` bytes of data; its status. */
static uint8_t run(struct rig *r, const uint8_t *cdb, size_t cdb_len,
                   size_t len, bool to_device)
{
    r->iov[0] = (struct iovec){r->area, len / 2};
    r->iov[1] = (struct iovec){r->area + len / 2, len - len / 2};
    memset(&r->r, 0, sizeof(r->r));
    memcpy(r->r.cdb, cdb, cdb_len);
    r->r.unit = &r->unit;
    r->r.iov = r->iov;
    r->r.iov_count = 2;
    r->r.len = len;
    r->r.to_device = to_device;
    r->r.done = done;
    r->r.opaque = r;
    r->done = false;
    scsi_submit(&r->r);
    scsi_drain(&r->unit);
    g_assert_true(r->done);
    return r->r.status;
}

#define RUN(r, len, out, ...)              \
    run(r, (const uint8_t[]){__VA_ARGS__}, \
        sizeof((const uint8_t[]){__VA_ARGS__}), len, out)

static void assert_sense(const struct rig *r, unsigned key, unsigned asc)
{
    g_assert_cmphex(r->r.status, ==, SCSI_CHECK_CONDITION);
    g_assert_cmphex(r->r.sense[0], ==, 0x70);
    g_assert_cmphex(r->r.sense[2], ==, key);
    g_assert_cmphex(be16(r->r.sense + 12), ==, asc);
}

/* [SAM] 5.14: power on is told once, and INQUIRY does not see it. */
static void test_attention(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);

    rig_init(r);
    g_assert_cmphex(RUN(r, 36, false, 0x12, 0, 0, 0, 36), ==, SCSI_GOOD);
    RUN(r, 0, false, 0x00);
    assert_sense(r, 6, 0x2900);
    g_assert_cmphex(RUN(r, 0, false, 0x00), ==, SCSI_GOOD);
    RUN(r, 0, false, 0xff);
    assert_sense(r, 5, 0x2000);
    g_assert_cmphex(RUN(r, 18, false, 3, 0, 0, 0, 18), ==, SCSI_GOOD);
    g_assert_cmphex(r->area[2], ==, 5); /* what the last one left */
    g_assert_cmphex(RUN(r, 18, false, 3, 0, 0, 0, 18), ==, SCSI_GOOD);
    g_assert_cmphex(r->area[2], ==, 0);
    rig_done(r);
}

static void test_inquiry(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);

    rig_init(r);
    RUN(r, 255, false, 0x12, 0, 0, 0, 255);
    g_assert_cmpuint(r->r.moved, ==, 36);
    g_assert_cmphex(r->area[0], ==, 0);
    g_assert_cmpuint(r->area[4], ==, 31);
    RUN(r, 255, false, 0x12, 0, 0, 0, 5); /* the allocation length holds */
    g_assert_cmpuint(r->r.moved, ==, 5);
    RUN(r, 255, false, 0x12, 1, 0x80, 0, 255);
    g_assert_cmpmem(r->area, 6, "\0\x80\0\x02S1", 6);
    RUN(r, 255, false, 0x12, 1, 0x83, 0, 255);
    g_assert_cmphex(be64(r->area + r->r.moved - 8), ==,
                    UINT64_C(0x5000c50012345678));
    RUN(r, 255, false, 0x12, 1, 0xee, 0, 255);
    assert_sense(r, 5, 0x2400);
    RUN(r, 255, false, 0x12, 0, 0x80, 0, 255); /* a page without EVPD */
    assert_sense(r, 5, 0x2400);
    rig_done(r);
}

static void test_capacity(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);

    rig_init(r);
    RUN(r, 0, false, 0x00);
    RUN(r, 8, false, 0x25);
    g_assert_cmpuint(be32(r->area), ==, BLOCKS - 1);
    g_assert_cmpuint(be32(r->area + 4), ==, 512);
    RUN(r, 32, false, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32);
    g_assert_cmpuint(be64(r->area), ==, BLOCKS - 1);
    g_assert_cmpuint(r->area[13] & 15, ==, 3); /* 8 blocks a physical one */
    rig_done(r);
}

static void fill(struct rig *r, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++) {
        r->area[i] = (uint8_t)(seed + i * 7 + i / 256);
    }
}

static void test_transfer(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);
    uint8_t want[1024];

    rig_init(r);
    RUN(r, 0, false, 0x00);
    fill(r, 1024, 1);
    memcpy(want, r->area, sizeof(want));
    g_assert_cmphex(RUN(r, 1024, true, 0x2a, 0, 0, 0, 0x0f, 0xfe, 0, 0, 2), ==,
                    SCSI_GOOD); /* the last two blocks */
    memset(r->area, 0, 1024);
    g_assert_cmphex(RUN(r, 1024, false, 0x08, 0, 0x0f, 0xfe, 2, 0), ==,
                    SCSI_GOOD);
    g_assert_cmpmem(r->area, 1024, want, 1024);
    g_assert_cmpuint(r->r.moved, ==, 1024);
    RUN(r, 1024, false, 0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 2);
    assert_sense(r, 5, 0x2100);
    RUN(r, 1024, false, 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0, 0, 0, 2);
    assert_sense(r, 5, 0x2100);
    g_assert_cmphex(RUN(r, AREA, false, 0x08, 0, 0, 0, 0, 0), ==, SCSI_GOOD);
    g_assert_cmpuint(r->r.moved, ==, AREA); /* 0 is 256, as far as it fits */
    fill(r, 512, 9);
    RUN(r, 512, true, 0x2f, 2, 0, 0, 0x0f, 0xfe, 0, 0, 1);
    assert_sense(r, 14, 0x1d00);
    memcpy(r->area, want, 512);
    g_assert_cmphex(RUN(r, 512, true, 0x2f, 2, 0, 0, 0x0f, 0xfe, 0, 0, 1), ==,
                    SCSI_GOOD);
    r->drive[0]->readonly = true;
    RUN(r, 512, true, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1);
    assert_sense(r, 7, 0x2700);
    rig_done(r);
}

static void test_same_unmap(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);

    rig_init(r);
    RUN(r, 0, false, 0x00);
    memset(r->area, 0xab, 512);
    g_assert_cmphex(
        RUN(r, 512, true, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0), ==,
        SCSI_GOOD); /* 2560 blocks, more than a chunk */
    RUN(r, 512, false, 0x28, 0, 0, 0, 0x09, 0xff, 0, 0, 1);
    g_assert_cmphex(r->area[511], ==, 0xab);
    RUN(r, 512, false, 0x28, 0, 0, 0, 0x0a, 0, 0, 0, 1);
    g_assert_cmphex(r->area[0], !=, 0xab);
    memset(r->area, 0, 24);
    put_be16(r->area, 22);
    put_be16(r->area + 2, 16);
    put_be64(r->area + 8, 8);
    put_be32(r->area + 16, 8);
    g_assert_cmphex(RUN(r, 24, true, 0x42, 0, 0, 0, 0, 0, 0, 0, 24), ==,
                    SCSI_GOOD);
    RUN(r, 1024, false, 0x28, 0, 0, 0, 0, 15, 0, 0, 2);
    g_assert_cmphex(r->area[511], ==, 0);
    g_assert_cmphex(r->area[512], ==, 0xab);
    put_be16(r->area + 2, 64); /* longer than what came */
    RUN(r, 24, true, 0x42, 0, 0, 0, 0, 0, 0, 0, 24);
    assert_sense(r, 5, 0x1a00);
    rig_done(r);
}

/* [SBC] 6.4.4: the write cache can be switched off, and nothing else. */
static void test_mode(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);
    uint8_t page[24];

    rig_init(r);
    RUN(r, 0, false, 0x00);
    RUN(r, 192, false, 0x1a, 0, 0x08, 0, 192);
    g_assert_cmpuint(r->r.moved, ==, 4 + 8 + 20);
    g_assert_cmpuint(r->area[0], ==, r->r.moved - 1);
    g_assert_cmpuint(be32(r->area + 4), ==, BLOCKS);
    g_assert_cmphex(r->area[12], ==, 8);
    g_assert_cmphex(r->area[14], ==, 4);
    memcpy(page + 4, r->area + 12, 20);
    memset(page, 0, 4);
    page[6] = 0;
    memcpy(r->area, page, 24);
    g_assert_cmphex(RUN(r, 24, true, 0x15, 0x10, 0, 0, 24), ==, SCSI_GOOD);
    g_assert_true(r->unit.write_through);
    memset(r->area, 0, 24);
    r->area[4] = 0x3e;
    r->area[5] = 18;
    RUN(r, 24, true, 0x15, 0x10, 0, 0, 24);
    assert_sense(r, 5, 0x2600);
    RUN(r, 192, false, 0x5a, 8, 0x3f, 0, 0, 0, 0, 0, 192);
    g_assert_cmpuint(be16(r->area), ==, r->r.moved - 2);
    RUN(r, 192, false, 0x1a, 0, 0x3e, 0, 192);
    assert_sense(r, 5, 0x2400);
    rig_done(r);
}

static void test_lun(void)
{
    g_autofree struct rig *r = g_new(struct rig, 1);

    rig_init(r);
    RUN(r, 64, false, 0x12, 0, 0, 0, 36);
    r->r.cdb[0] = 0x12;
    scsi_wrong_lun(&r->r, &r->unit);
    g_assert_cmphex(r->r.status, ==, SCSI_GOOD);
    g_assert_cmphex(r->area[0], ==, 0x7f);
    RUN(r, 64, false, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64);
    g_assert_cmpuint(be32(r->area), ==, 8);
    rig_done(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scsi/attention", test_attention);
    g_test_add_func("/scsi/inquiry", test_inquiry);
    g_test_add_func("/scsi/capacity", test_capacity);
    g_test_add_func("/scsi/transfer", test_transfer);
    g_test_add_func("/scsi/same-unmap", test_same_unmap);
    g_test_add_func("/scsi/mode", test_mode);
    g_test_add_func("/scsi/lun", test_lun);
    return g_test_run();
}
