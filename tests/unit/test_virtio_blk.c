/* SPDX-License-Identifier: MIT */
/* The PCI transport and the block device: [VIRTIO] 4.1 and 5.2. */
#include "hw/block/virtio_blk.h"
#include "tests/unit/mem_disk.h"
#include "tests/unit/virtio_pci_driver.h"

enum { SECTORS = 64, STATUS = VD_DATA + 0x1000, DATA = VD_DATA + 0x2000 };

struct rig {
    struct vd_dev d;
    struct drive *drive[2];
};

static void rig_init(struct rig *r, const char *prop, const char *value)
{
    struct dev *dev;
    GError *error = NULL;

    *r = (struct rig){0};
    vd_machine(&r->d);
    r->drive[0] = mem_drive(&r->d.m, "d", SECTORS * 512);
    dev = dev_new(&r->d.m, &virtio_blk_types[0], NULL);
    g_assert_true(dev_set_prop(dev, "drive", "d", NULL));
    g_assert_true(dev_set_prop(dev, "serial", "S3R1AL", NULL));
    g_assert_true(!prop || dev_set_prop(dev, prop, value, NULL));
    dev_realize(dev, &error);
    g_assert_no_error(error);
    vd_probe(&r->d, dev);
}

static void rig_done(struct rig *r)
{
    mem_drives_done(&r->d.m, r->drive);
}

static void start(struct rig *r, uint64_t features, bool packed)
{
    g_assert_true(
        vd_negotiate(&r->d, features | (packed ? BIT(34) : 0) | BIT(28)));
    vd_queue_on(&r->d, 0, 16, packed);
    vd_go(&r->d);
}

/* One request; its status. */
static uint8_t request(struct rig *r, uint32_t type, uint64_t sector,
                       uint32_t len, bool in)
{
    const struct vd_seg s[] = {
        {VD_DATA, 16, false}, {DATA, len, in}, {STATUS, 1, true}};
    const struct vd_seg bare[] = {{VD_DATA, 16, false}, {STATUS, 1, true}};
    uint8_t header[16] = {0};
    uint32_t written = 0;

    stl_u32(header, type);
    stl_u64(header + 8, sector);
    dma_write(&r->d.m.memory, VD_DATA, header, sizeof(header));
    space_write(&r->d.m.memory, STATUS, 1, 0xee);
    vd_add(&r->d.q[0], len ? s : bare, len ? 3 : 2, sector & 1);
    vd_kick(&r->d, 0);
    drive_drain(r->drive[0]);
    g_assert_cmpint(vd_get(&r->d.q[0], &written), >=, 0);
    g_assert_cmpuint(written, ==, (in ? len : 0) + 1);
    return (uint8_t)vd_read(&r->d, STATUS, 1);
}

static void test_ids(void)
{
    struct rig r;

    rig_init(&r, NULL, NULL);
    g_assert_cmphex(pci_config_read(r.d.pci, 0, 4), ==, 0x10011af4);
    g_assert_cmphex(pci_config_read(r.d.pci, 0x2c, 4), ==, 0x00021af4);
    g_assert_cmphex(pci_config_read(r.d.pci, 8, 1), ==, 0);
    rig_done(&r);
    rig_init(&r, "disable-legacy", "on");
    g_assert_cmphex(pci_config_read(r.d.pci, 0, 4), ==, 0x10421af4);
    g_assert_cmphex(pci_config_read(r.d.pci, 8, 1), ==, 1);
    rig_done(&r);
}

static void test_negotiation(void)
{
    struct rig r;

    rig_init(&r, NULL, NULL);
    g_assert_true(vd_offered(&r.d) & BIT(32));
    g_assert_false(vd_offered(&r.d) & BIT(27));
    vd_write(&r.d, r.d.common + 0x14, 1, 0xb); /* without VERSION_1 */
    g_assert_false(vd_status(&r.d) & VD_FEATURES_OK);
    g_assert_true(vd_negotiate(&r.d, BIT(9) | BIT(50)));
    vd_write(&r.d, r.d.common + 8, 4, 1);
    g_assert_cmphex(vd_read(&r.d, r.d.common + 12, 4), ==, 1);
    vd_write(&r.d, r.d.common + 12, 4, 0); /* too late */
    g_assert_cmphex(vd_read(&r.d, r.d.common + 12, 4), ==, 1);
    g_assert_cmpuint(vd_read(&r.d, r.d.common + 0x12, 2), ==, 1);
    vd_write(&r.d, r.d.common + 0x16, 2, 1);
    g_assert_cmpuint(vd_read(&r.d, r.d.common + 0x18, 2), ==, 0);
    vd_write(&r.d, r.d.common + 0x1a, 2, 1);
    g_assert_cmphex(vd_read(&r.d, r.d.common + 0x1a, 2), ==, 0xffff);
    vd_write(&r.d, r.d.common + 0x10, 2, 1);
    g_assert_cmphex(vd_read(&r.d, r.d.common + 0x10, 2), ==, 1);
    vd_write(&r.d, r.d.common + 0x10, 2, 7); /* there is none */
    g_assert_cmphex(vd_read(&r.d, r.d.common + 0x10, 2), ==, 0xffff);
    g_assert_cmpuint(vd_read(&r.d, r.d.config, 4), ==, SECTORS);
    rig_done(&r);
}

static void read_write(bool packed)
{
    struct rig r;

    rig_init(&r, "packed", packed ? "on" : "off");
    start(&r, BIT(9), packed);
    for (unsigned i = 0; i < 40; i++) { /* round and round */
        g_assert_cmpuint(request(&r, 0, i, 1024, true), ==, 0);
        g_assert_cmpuint(vd_read(&r.d, DATA + 512, 4), ==, i + 1);
    }
    g_assert_true(r.d.irq.level);
    g_assert_cmphex(vd_read(&r.d, r.d.isr, 1), ==, 1);
    g_assert_false(r.d.irq.level);
    dma_fill(&r.d.m.memory, DATA, 0x5a, 512);
    g_assert_cmpuint(request(&r, 1, 7, 512, false), ==, 0);
    g_assert_cmphex(mem_disk_of(r.drive[0])->data[7 * 512 + 5], ==, 0x5a);
    g_assert_cmpuint(mem_disk_of(r.drive[0])->flushes, ==, 0);
    g_assert_cmpuint(request(&r, 4, 0, 0, false), ==, 0);
    g_assert_cmpuint(mem_disk_of(r.drive[0])->flushes, ==, 1);
    g_assert_cmpuint(request(&r, 0, SECTORS, 512, true), ==, 1);
    g_assert_cmpuint(request(&r, 0, SECTORS - 1, 1024, true), ==, 1);
    g_assert_cmpuint(request(&r, 0, UINT64_MAX, 512, true), ==, 1);
    g_assert_cmpuint(request(&r, 0, 0, 100, true), ==, 1);
    g_assert_cmpuint(request(&r, 77, 0, 512, true), ==, 2);
    g_assert_cmpuint(request(&r, 8, 0, 20, true), ==, 0);
    g_assert_cmphex(vd_read(&r.d, DATA, 4), ==, 0x31523353);
    mem_disk_of(r.drive[0])->bad_to = 512;
    g_assert_cmpuint(request(&r, 0, 0, 512, true), ==, 1);
    rig_done(&r);
}

static void test_read_write(void)
{
    read_write(false);
    read_write(true);
}

/* Without FLUSH, or with the cache switched off, writes are stable. */
static void test_write_through(void)
{
    struct rig r;

    rig_init(&r, NULL, NULL);
    start(&r, 0, false);
    g_assert_cmpuint(request(&r, 1, 0, 512, false), ==, 0);
    g_assert_cmpuint(mem_disk_of(r.drive[0])->flushes, ==, 1);
    start(&r, BIT(9) | BIT(11), false);
    g_assert_cmpuint(vd_read(&r.d, r.d.config + 32, 1), ==, 1);
    g_assert_cmpuint(request(&r, 1, 0, 512, false), ==, 0);
    g_assert_cmpuint(mem_disk_of(r.drive[0])->flushes, ==, 1);
    vd_write(&r.d, r.d.config + 32, 1, 0);
    g_assert_cmpuint(request(&r, 1, 0, 512, false), ==, 0);
    g_assert_cmpuint(mem_disk_of(r.drive[0])->flushes, ==, 2);
    vd_write(&r.d, r.d.config, 1, 0); /* the capacity is not the driver's */
    g_assert_cmpuint(vd_read(&r.d, r.d.config, 4), ==, SECTORS);
    rig_done(&r);
}

static void put_range(struct rig *r, uint64_t sector, uint32_t count,
                      uint32_t flags)
{
    uint8_t range[16];

    stl_u64(range, sector);
    stl_u32(range + 8, count);
    stl_u32(range + 12, flags);
    dma_write(&r->d.m.memory, DATA, range, sizeof(range));
}

static void test_clear(void)
{
    struct rig r;

    rig_init(&r, NULL, NULL);
    start(&r, BIT(9) | BIT(13) | BIT(14), false);
    put_range(&r, 3, 2, 0);
    g_assert_cmpuint(request(&r, 11, 0, 16, false), ==, 0);
    g_assert_cmphex(mem_disk_of(r.drive[0])->data[4 * 512], ==, 0);
    g_assert_cmphex(mem_disk_of(r.drive[0])->data[5 * 512], ==, 5);
    put_range(&r, 5, 1, 1);
    g_assert_cmpuint(request(&r, 11, 0, 16, false), ==, 2);
    g_assert_cmpuint(request(&r, 13, 0, 16, false), ==, 0);
    g_assert_cmphex(mem_disk_of(r.drive[0])->data[5 * 512], ==, 0);
    put_range(&r, SECTORS - 1, 2, 0);
    g_assert_cmpuint(request(&r, 13, 0, 16, false), ==, 1);
    put_range(&r, UINT64_MAX, UINT32_MAX, 0);
    g_assert_cmpuint(request(&r, 13, 0, 16, false), ==, 1);
    g_assert_cmpuint(request(&r, 13, 0, 15, false), ==, 2);
    rig_done(&r);
}

/* A ring that no driver makes: NEEDS_RESET, and an interrupt. */
static void test_broken(void)
{
    const struct vd_seg no_status = {VD_DATA, 16, false};
    struct rig r;

    rig_init(&r, NULL, NULL);
    start(&r, 0, false);
    vd_w16(&r.d.q[0], r.d.q[0].driver + 2, 1000);
    vd_kick(&r.d, 0);
    g_assert_true(vd_status(&r.d) & VD_NEEDS_RESET);
    g_assert_cmphex(vd_read(&r.d, r.d.isr, 1), ==, 2);
    start(&r, 0, false);
    vd_add(&r.d.q[0], &no_status, 1, false);
    vd_kick(&r.d, 0);
    g_assert_true(vd_status(&r.d) & VD_NEEDS_RESET);
    start(&r, 0, false);
    g_assert_cmpuint(request(&r, 0, 0, 512, true), ==, 0);
    rig_done(&r);
}

/* Reset with requests under way: nothing of them is to be seen later. */
static void test_reset(void)
{
    const struct vd_seg s[] = {
        {VD_DATA, 16, false}, {DATA, 512, true}, {STATUS, 1, true}};
    struct rig r;

    rig_init(&r, NULL, NULL);
    start(&r, BIT(9) | BIT(40), false);
    dma_fill(&r.d.m.memory, VD_DATA, 0, 16);
    vd_write(&r.d, STATUS, 1, 0xee);
    vd_add(&r.d.q[0], s, 3, false);
    vd_kick(&r.d, 0);
    vd_write(&r.d, r.d.common + 0x14, 1, 0);
    g_assert_cmpint(vd_get(&r.d.q[0], NULL), ==, -1);
    g_assert_cmphex(vd_read(&r.d, STATUS, 1), ==, 0xee);
    start(&r, BIT(9) | BIT(40), false); /* one queue alone */
    vd_write(&r.d, r.d.common + 0x3a, 2, 1);
    g_assert_cmphex(vd_read(&r.d, r.d.common + 0x3a, 2), ==, 0);
    g_assert_cmphex(vd_read(&r.d, r.d.common + 0x1c, 2), ==, 0);
    vd_queue_on(&r.d, 0, 8, false);
    g_assert_cmpuint(request(&r, 0, 0, 512, true), ==, 0);
    rig_done(&r);
}

/* The legacy interface: one page frame number places the ring. */
static void test_legacy(void)
{
    struct rig r;
    struct machine *m = &r.d.m;

    rig_init(&r, "queue-size", "16");
    g_assert_cmphex(in32(m, 0xc000) & (1u << 27), !=, 0);
    g_assert_cmpuint(in32(m, 0xc014), ==, SECTORS);
    out8(m, 0xc012, 0);
    out8(m, 0xc012, 3);
    out32(m, 0xc004, 1u << 28);
    out16(m, 0xc00e, 0);
    g_assert_cmpuint(in16(m, 0xc00c), ==, 16);
    vd_init(&r.d.q[0], m, VD_RINGS, 16, false);
    out32(m, 0xc008, VD_RINGS >> 12);
    g_assert_cmphex(in32(m, 0xc008), ==, VD_RINGS >> 12);
    pci_config_write(r.d.pci, PCI_COMMAND, 2, 3); /* it does not know better */
    out8(m, 0xc012, 7);
    r.d.notify = 0;
    r.d.multiplier = 0;
    {
        const struct vd_seg s[] = {
            {VD_DATA, 16, false}, {DATA, 512, true}, {STATUS, 1, true}};

        dma_fill(&m->memory, VD_DATA, 0, 16);
        space_write(&m->memory, VD_DATA + 8, 4, 9);
        vd_add(&r.d.q[0], s, 3, false);
        out16(m, 0xc010, 0);
        drive_drain(r.drive[0]);
    }
    g_assert_cmpint(vd_get(&r.d.q[0], NULL), >=, 0);
    g_assert_cmpuint(vd_read(&r.d, DATA, 4), ==, 9);
    g_assert_true(r.d.irq.level);
    g_assert_cmphex(in8(m, 0xc013), ==, 1);
    g_assert_false(r.d.irq.level);
    rig_done(&r);
}

/* With MSI-X on, the legacy header is four bytes longer. */
static void test_legacy_msix(void)
{
    struct rig r;
    unsigned cap;

    rig_init(&r, NULL, NULL);
    for (cap = r.d.pci->config[PCI_CAP_PTR]; r.d.pci->config[cap] != 0x11;
         cap = r.d.pci->config[cap + 1]) {
    }
    pci_config_write(r.d.pci, cap + 2, 2, 0x8000);
    g_assert_cmpuint(in32(&r.d.m, 0xc018), ==, SECTORS);
    out16(&r.d.m, 0xc014, 1);
    g_assert_cmphex(in16(&r.d.m, 0xc014), ==, 1);
    pci_config_write(r.d.pci, cap + 2, 2, 0);
    g_assert_cmpuint(in32(&r.d.m, 0xc014), ==, SECTORS);
    rig_done(&r);
}

/* The window in the configuration space, [VIRTIO] 4.1.4.9. */
static void test_window(void)
{
    struct rig r;
    unsigned cap;

    rig_init(&r, NULL, NULL);
    for (cap = r.d.pci->config[PCI_CAP_PTR]; r.d.pci->config[cap + 3] != 5;
         cap = r.d.pci->config[cap + 1]) {
    }
    pci_config_write(r.d.pci, cap + 4, 1, 4);
    pci_config_write(r.d.pci, cap + 8, 4, 0x2000);
    pci_config_write(r.d.pci, cap + 12, 4, 4);
    g_assert_cmpuint(pci_config_read(r.d.pci, cap + 16, 4), ==, SECTORS);
    pci_config_write(r.d.pci, cap + 8, 4, 0x16);
    pci_config_write(r.d.pci, cap + 12, 4, 2);
    pci_config_write(r.d.pci, cap + 16, 2, 0x1234);
    g_assert_cmphex(vd_read(&r.d, r.d.common + 0x16, 2), ==, 0x1234);
    pci_config_write(r.d.pci, cap + 12, 4, 3); /* no such width */
    pci_config_read(r.d.pci, cap + 16, 4);
    pci_config_write(r.d.pci, cap + 8, 4, UINT32_MAX - 3);
    pci_config_write(r.d.pci, cap + 12, 4, 4);
    pci_config_read(r.d.pci, cap + 16, 4);
    rig_done(&r);
}

static void test_roundtrip(void)
{
    struct rig a, b;

    rig_init(&a, NULL, NULL);
    rig_init(&b, NULL, NULL);
    start(&a, BIT(9) | BIT(29), false);
    g_assert_cmpuint(request(&a, 0, 2, 512, true), ==, 0);
    hw_test_roundtrip(&a.d.pci->dev, &b.d.pci->dev);
    memcpy(b.d.m.ram->host, a.d.m.ram->host, 8 * MIB);
    b.d.q[0] = a.d.q[0];
    b.d.q[0].m = &b.d.m;
    g_assert_cmpuint(request(&b, 0, 5, 512, true), ==, 0);
    g_assert_cmpuint(vd_read(&b.d, DATA, 4), ==, 5);
    rig_done(&a);
    rig_done(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci/ids", test_ids);
    g_test_add_func("/pci/negotiation", test_negotiation);
    g_test_add_func("/pci/legacy", test_legacy);
    g_test_add_func("/pci/legacy_msix", test_legacy_msix);
    g_test_add_func("/pci/window", test_window);
    g_test_add_func("/blk/read_write", test_read_write);
    g_test_add_func("/blk/write_through", test_write_through);
    g_test_add_func("/blk/clear", test_clear);
    g_test_add_func("/blk/broken", test_broken);
    g_test_add_func("/blk/reset", test_reset);
    g_test_add_func("/blk/roundtrip", test_roundtrip);
    return g_test_run();
}
