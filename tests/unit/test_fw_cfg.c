/* SPDX-License-Identifier: MIT */
#include "hw/misc/fw_cfg.h"
#include "tests/unit/hw_test.h"

struct pc {
    struct machine m;
    struct region ram_region;
    struct fw_cfg *s;
};

static void pc_init(struct pc *pc)
{
    hw_test_init(&pc->m);
    pc->m.ram = machine_ram_new(&pc->m, "ram", MIB, NULL);
    region_init_ram(&pc->ram_region, "ram", pc->m.ram, 0, MIB);
    region_add(&pc->m.memory.root, &pc->ram_region, 0, 0);
    pc->s = hw_test_dev(&pc->m, &fw_cfg_type);
}

static void read_item(struct machine *m, uint16_t key, uint8_t *buf, size_t len)
{
    out16(m, 0x510, key);
    for (size_t i = 0; i < len; i++) {
        buf[i] = in8(m, 0x511);
    }
}

static void test_items(void)
{
    struct pc pc = {0};
    uint8_t buf[16];

    pc_init(&pc);
    read_item(&pc.m, 0, buf, 6);
    g_assert_cmpmem(buf, 6, "QEMU\0\0", 6);
    read_item(&pc.m, 1, buf, 4);
    g_assert_cmphex(ldl_u32(buf), ==, 3);
    fw_cfg_add_u16(pc.s, FW_CFG_NB_CPUS, 0x1234);
    read_item(&pc.m, FW_CFG_NB_CPUS, buf, 3);
    g_assert_cmpmem(buf, 3, "\x34\x12\0", 3);
    fw_cfg_add_u64(pc.s, FW_CFG_HPET, 0x42);
    read_item(&pc.m, 0x8004, buf, 8);
    g_assert_cmphex(ldl_u64(buf), ==, 0x42);
    read_item(&pc.m, 0x7777, buf, 4);
    g_assert_cmphex(ldl_u32(buf), ==, 0);
    read_item(&pc.m, 0xffff, buf, 4);
    hw_test_done(&pc.m);
}

static void test_files(void)
{
    struct pc pc = {0};
    uint8_t buf[4 + 3 * 64];
    struct fw_cfg_item *b;
    g_autoptr(GError) error = NULL;

    pc_init(&pc);
    b = fw_cfg_add_file(pc.s, "etc/b", "bbb", 3, NULL);
    fw_cfg_add_file(pc.s, "etc/c", "c", 1, NULL);
    fw_cfg_add_file(pc.s, "etc/a", "aaaaa", 5, NULL);
    fw_cfg_modify(b, "1234567", 7);
    read_item(&pc.m, FW_CFG_FILE_DIR, buf, sizeof(buf));
    g_assert_cmphex(buf[3], ==, 3);
    g_assert_cmpstr((char *)buf + 4 + 8, ==, "etc/a");
    g_assert_cmpstr((char *)buf + 4 + 64 + 8, ==, "etc/b");
    g_assert_cmphex(buf[4 + 64 + 3], ==, 7);
    g_assert_cmphex(buf[4 + 64 + 5], ==, 0x21);
    read_item(&pc.m, 0x21, buf, 8);
    g_assert_cmpmem(buf, 8, "1234567\0", 8);
    g_assert_null(fw_cfg_add_file(
        pc.s, "a name that is so very long that nobody could want to use it",
        "", 0, &error));
    g_assert_nonnull(error);
    hw_test_done(&pc.m);
}

/* Puts a descriptor at 0x100 and starts it. */
static uint32_t dma(struct machine *m, uint32_t control, uint32_t len,
                    uint64_t addr)
{
    uint8_t *d = m->ram->host + 0x100;
    uint32_t words[] = {control, len, (uint32_t)(addr >> 32), (uint32_t)addr};

    for (unsigned i = 0; i < 4; i++) {
        stl_u32(d + 4 * i, GUINT32_SWAP_LE_BE(words[i]));
    }
    out32(m, 0x514, 0);
    out32(m, 0x518, GUINT32_SWAP_LE_BE(0x100));
    return GUINT32_SWAP_LE_BE(ldl_u32(d));
}

static unsigned writes;

static void written(void *opaque, uint32_t at, uint32_t len)
{
    writes += at + len;
}

static void test_dma(void)
{
    struct pc pc = {0};
    struct machine *m = &pc.m;
    struct fw_cfg_item *item;

    pc_init(&pc);
    g_assert_cmphex(in32(m, 0x514), ==, 0x554d4551); /* "QEMU" */
    g_assert_cmphex(in32(m, 0x518), ==, 0x47464320); /* " CFG" */
    item = fw_cfg_add_file(pc.s, "f", "0123456789", 10, NULL);
    memset(m->ram->host + 0x1000, 0xff, 32);
    g_assert_cmphex(dma(m, 0x20 << 16 | 8 | 4, 2, 0), ==, 0);
    g_assert_cmphex(dma(m, 2, 12, 0x1000), ==, 0);
    g_assert_cmpmem(m->ram->host + 0x1000, 13, "23456789\0\0\0\0\xff", 13);
    g_assert_cmphex(dma(m, 0x20 << 16 | 8 | 16, 4, 0x1000), ==, 1);
    item->writable = true;
    item->written = written;
    g_assert_cmphex(dma(m, 0x20 << 16 | 8 | 16, 4, 0x1000), ==, 0);
    g_assert_cmpmem(item->data, 10, "2345456789", 10);
    g_assert_cmpuint(writes, ==, 4);
    g_assert_cmphex(dma(m, 16, 7, 0x1000), ==, 1); /* beyond its end */
    g_assert_cmphex(dma(m, 0x20 << 16 | 8 | 2, 4, UINT64_MAX - 1), ==, 1);
    hw_test_done(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fw_cfg/items", test_items);
    g_test_add_func("/fw_cfg/files", test_files);
    g_test_add_func("/fw_cfg/dma", test_dma);
    return g_test_run();
}
