/* SPDX-License-Identifier: MIT */
/* Virtqueues: what [VIRTIO] 2.6 to 2.8 say, and drivers that do not. */
#include "hw/virtio/virtqueue.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/virtio_driver.h"

enum { RING = 0x10000, DATA = 0x40000, SIZE = 8 };

struct rig {
    struct machine m;
    struct region ram;
    struct virtqueue q;
    struct vd_queue d;
};

static void rig_queue(struct rig *r, uint16_t size, bool packed, bool event_idx)
{
    vd_init(&r->d, &r->m, RING, size, packed);
    r->d.event_idx = event_idx;
    virtq_init(&r->q, &r->m.memory, 256);
    r->q.size = size;
    r->q.desc = r->d.desc;
    r->q.driver = r->d.driver;
    r->q.device = r->d.device;
    r->q.packed = packed;
    r->q.event_idx = event_idx;
    r->q.indirect = true;
    virtq_enable(&r->q);
}

static void rig_init(struct rig *r, uint16_t size, bool packed, bool event_idx)
{
    hw_test_init(&r->m);
    r->m.ram = machine_ram_new(&r->m, "ram", MIB, NULL);
    region_init_ram(&r->ram, "ram", r->m.ram, 0, MIB);
    region_add(&r->m.memory.root, &r->ram, 0, 0);
    rig_queue(r, size, packed, event_idx);
    g_assert_false(r->q.broken);
}

static void one_buffer(bool packed, bool indirect)
{
    const struct vd_seg segs[] = {{DATA, 4, false},
                                  {DATA + 0x100, 3, false},
                                  {DATA + 0x200, 2, true},
                                  {DATA + 0x300, 6, true}};
    struct rig r;
    struct virtq_buf *b;
    uint8_t got[16];
    uint32_t len = 0;
    int id;

    rig_init(&r, SIZE, packed, false);
    g_assert_null(virtq_pop(&r.q));
    dma_write(&r.m.memory, DATA, "abcd", 4);
    dma_write(&r.m.memory, DATA + 0x100, "efg", 3);
    id = vd_add(&r.d, segs, 4, indirect);
    g_assert_true(virtq_has_buffer(&r.q));
    b = virtq_pop(&r.q);
    g_assert_nonnull(b);
    g_assert_null(virtq_pop(&r.q));
    g_assert_cmpuint(b->out_count, ==, 2);
    g_assert_cmpuint(b->in_count, ==, 2);
    g_assert_cmpuint(b->out_len, ==, 7);
    g_assert_cmpuint(b->in_len, ==, 8);
    g_assert_cmpuint(virtq_read(b, 2, got, 16), ==, 5);
    g_assert_cmpmem(got, 5, "cdefg", 5);
    g_assert_cmpuint(virtq_write(b, 1, "123456789", 9), ==, 7);
    g_assert_cmpint(vd_get(&r.d, &len), ==, -1);
    virtq_push(&r.q, b, 8);
    g_assert_true(virtq_must_notify(&r.q));
    g_assert_cmpint(vd_get(&r.d, &len), ==, id);
    g_assert_cmpuint(len, ==, 8);
    dma_read(&r.m.memory, DATA + 0x200, got, 2);
    g_assert_cmphex(got[1], ==, '1');
    dma_read(&r.m.memory, DATA + 0x300, got, 6);
    g_assert_cmpmem(got, 6, "234567", 6);
    g_assert_true(virtq_state_ok(&r.q));
    hw_test_done(&r.m);
}

static void test_one(void)
{
    for (unsigned i = 0; i < 4; i++) {
        one_buffer(i & 1, i & 2);
    }
}

/* Given back in another order, and together. */
static void order(bool packed)
{
    struct rig r;
    struct virtq_buf *b[3];
    int id[3];

    rig_init(&r, SIZE, packed, false);
    for (unsigned i = 0; i < 3; i++) {
        const struct vd_seg s[] = {{DATA + 16 * i, 4, true},
                                   {DATA + 0x100 + 16 * i, 4, true}};

        id[i] = vd_add(&r.d, s, 2, false);
        b[i] = virtq_pop(&r.q);
        g_assert_cmphex(b[i]->addr[0], ==, DATA + 16 * i);
    }
    virtq_put(&r.q, b[2], 1);
    virtq_put(&r.q, b[0], 1);
    g_assert_cmpint(vd_get(&r.d, NULL), ==, -1);
    virtq_publish(&r.q);
    g_assert_cmpint(vd_get(&r.d, NULL), ==, id[2]);
    g_assert_cmpint(vd_get(&r.d, NULL), ==, id[0]);
    g_assert_cmpint(vd_get(&r.d, NULL), ==, -1);
    virtq_push(&r.q, b[1], 1);
    g_assert_cmpint(vd_get(&r.d, NULL), ==, id[1]);
    hw_test_done(&r.m);
}

static void test_order(void)
{
    order(false);
    order(true);
}

/* Random traffic: every buffer comes once, with its own data. */
static void traffic(bool packed, bool event_idx, uint16_t size, guint32 seed)
{
    struct rig r;
    GRand *rand = g_rand_new_with_seed(seed);
    g_autoptr(GPtrArray) taken = g_ptr_array_new();
    uint32_t sent = 0, received = 0, pending_kick = 1, heard = 1;

    rig_init(&r, size, packed, event_idx);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned n = (unsigned)g_rand_int_range(rand, 1, 4);
        unsigned what = (unsigned)g_rand_int_range(rand, 0, 4);
        uint16_t old = r.d.avail;
        uint32_t len;
        struct virtq_buf *b;

        if (what == 0) {
            struct vd_seg s[4];

            for (unsigned i = 0; i < n; i++) {
                s[i] = (struct vd_seg){DATA + 64 * (sent % 4096) + 4 * i, 4,
                                       i + 1 == n};
            }
            if (vd_add(&r.d, s, n, g_rand_boolean(rand)) >= 0) {
                sent++;
                pending_kick |= vd_must_kick(&r.d, old);
            }
        } else if (what == 1 && pending_kick) {
            virtq_set_notify(&r.q, false);
            pending_kick = 0;
            while ((b = virtq_pop(&r.q))) {
                g_ptr_array_add(taken, b);
            }
            virtq_set_notify(&r.q, true);
            pending_kick = virtq_has_buffer(&r.q);
        } else if (what == 2 && taken->len) {
            guint i = (guint)g_rand_int_range(rand, 0, (gint)taken->len);

            b = g_ptr_array_steal_index_fast(taken, i);
            virtq_push(&r.q, b, 4);
            heard |= virtq_must_notify(&r.q);
        } else if (what == 3 && heard) {
            heard = 0;
            do {
                while (vd_get(&r.d, &len) >= 0) {
                    g_assert_cmpuint(len, ==, 4);
                    received++;
                }
            } while (vd_get(&r.d, &len) >= 0);
        }
        g_assert_false(r.q.broken);
    }
    while (taken->len) {
        virtq_push(&r.q, g_ptr_array_steal_index_fast(taken, 0), 4);
    }
    g_assert_cmpuint(sent, >, 2000);
    g_assert_cmpuint(sent - received, <=, size);
    hw_test_done(&r.m);
    g_rand_free(rand);
}

static void test_traffic(void)
{
    for (guint32 seed = 0; seed < 8; seed++) {
        traffic(seed & 1, seed & 2, seed & 4 ? 4 : 16, seed);
    }
    traffic(true, true, 7, 99); /* packed: any size */
}

/* Event index: interrupts only where the driver asked for one. */
static void event_index(bool packed)
{
    const struct vd_seg s = {DATA, 4, true};
    struct rig r;

    rig_init(&r, SIZE, packed, true);
    for (unsigned i = 0; i < 3 * SIZE; i++) {
        vd_add(&r.d, &s, 1, false);
        virtq_push(&r.q, virtq_pop(&r.q), 4);
        g_assert_true(virtq_must_notify(&r.q));
        g_assert_cmpint(vd_get(&r.d, NULL), >=, 0); /* asks for the next */
    }
    vd_add(&r.d, &s, 1, false);
    vd_add(&r.d, &s, 1, false);
    vd_add(&r.d, &s, 1, false);
    virtq_push(&r.q, virtq_pop(&r.q), 4);
    g_assert_true(virtq_must_notify(&r.q));
    virtq_push(&r.q, virtq_pop(&r.q), 4);
    g_assert_false(virtq_must_notify(&r.q)); /* it has not looked yet */
    virtq_push(&r.q, virtq_pop(&r.q), 4);
    g_assert_false(virtq_must_notify(&r.q));
    hw_test_done(&r.m);
}

static void test_event_index(void)
{
    event_index(false);
    event_index(true);
}

static void test_suppression(void)
{
    const struct vd_seg s = {DATA, 4, true};
    struct rig r;

    rig_init(&r, SIZE, false, false);
    vd_w16(&r.d, r.d.driver, 1); /* NO_INTERRUPT */
    vd_add(&r.d, &s, 1, false);
    virtq_push(&r.q, virtq_pop(&r.q), 4);
    g_assert_false(virtq_must_notify(&r.q));
    virtq_set_notify(&r.q, false);
    g_assert_cmphex(vd_r16(&r.d, r.d.device), ==, 1); /* NO_NOTIFY */
    rig_queue(&r, SIZE, true, false);
    vd_w16(&r.d, r.d.driver + 2, 1); /* DISABLE */
    vd_add(&r.d, &s, 1, false);
    virtq_push(&r.q, virtq_pop(&r.q), 4);
    g_assert_false(virtq_must_notify(&r.q));
    vd_w16(&r.d, r.d.driver + 2, 0);
    g_assert_true(virtq_must_notify(&r.q));
    hw_test_done(&r.m);
}

static void unpop(bool packed)
{
    struct rig r;
    struct virtq_buf *b[6];

    rig_init(&r, 4, packed, false);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 3; i++) {
            const struct vd_seg s = {DATA + 16 * i, 4, true};

            vd_add(&r.d, &s, 1, false);
            b[i] = virtq_pop(&r.q);
        }
        virtq_unpop(&r.q, b[2]);
        virtq_unpop(&r.q, b[1]);
        for (unsigned i = 1; i < 3; i++) {
            b[i] = virtq_pop(&r.q);
            g_assert_cmphex(b[i]->addr[0], ==, DATA + 16 * i);
        }
        for (unsigned i = 0; i < 3; i++) {
            virtq_push(&r.q, b[i], 4);
            g_assert_cmpint(vd_get(&r.d, NULL), >=, 0);
        }
    }
    hw_test_done(&r.m);
}

static void test_unpop(void)
{
    unpop(false);
    unpop(true);
}

/* --- drivers that err --- */

static void expect_broken(struct rig *r, const char *why)
{
    g_assert_null(virtq_pop(&r->q));
    g_assert_true(r->q.broken);
    g_assert_cmpstr(r->q.reason, ==, why);
    g_assert_null(virtq_pop(&r->q));
    g_assert_false(virtq_must_notify(&r->q));
}

static void offer(struct rig *r, uint16_t head)
{
    vd_w16(&r->d, r->d.driver + 4, head);
    vd_w16(&r->d, r->d.driver + 2, 1);
}

static void test_split_hostile(void)
{
    static const char far[] = "a buffer outside of memory";
    static const char loops[] = "a chain that loops";
    const struct vd_seg back[] = {{DATA, 4, true}, {DATA, 4, false}};
    struct rig r;

    rig_init(&r, SIZE, false, false);
    vd_add(&r.d, back, 2, false);
    expect_broken(&r, "a readable descriptor behind a writable one");

    rig_queue(&r, SIZE, false, false);
    vd_desc(&r.d, r.d.desc, DATA, 4, VD_NEXT, 1);
    vd_desc(&r.d, r.d.desc + 16, DATA, 4, VD_NEXT, 0);
    offer(&r, 0);
    expect_broken(&r, loops);

    rig_queue(&r, SIZE, false, false); /* of the indirect table */
    vd_desc(&r.d, r.d.desc, DATA, 32, VD_INDIRECT, 0);
    vd_desc(&r.d, DATA, DATA, 4, VD_NEXT, 1);
    vd_desc(&r.d, DATA + 16, DATA, 4, VD_NEXT, 0);
    offer(&r, 0);
    expect_broken(&r, loops);

    rig_queue(&r, SIZE, false, false);
    vd_desc(&r.d, r.d.desc, DATA, 4, VD_NEXT, SIZE);
    offer(&r, 0);
    expect_broken(&r, "a descriptor that is not there");

    rig_queue(&r, SIZE, false, false);
    offer(&r, SIZE);
    expect_broken(&r, "a buffer that is not there");

    rig_queue(&r, SIZE, false, false);
    vd_w16(&r.d, r.d.driver + 2, SIZE + 1);
    expect_broken(&r, "more buffers than the ring holds");

    rig_queue(&r, SIZE, false, false);
    vd_desc(&r.d, r.d.desc, DATA, 33, VD_INDIRECT, 0);
    offer(&r, 0);
    expect_broken(&r, "a bad indirect table");

    rig_queue(&r, SIZE, false, false); /* a table in a table */
    vd_desc(&r.d, r.d.desc, DATA, 16, VD_INDIRECT, 0);
    vd_desc(&r.d, DATA, DATA, 16, VD_INDIRECT, 0);
    offer(&r, 0);
    expect_broken(&r, "an indirect table inside of a chain");

    rig_queue(&r, SIZE, false, false);
    vd_desc(&r.d, r.d.desc, MIB - 2, 4, VD_WRITE, 0);
    offer(&r, 0);
    expect_broken(&r, far);

    rig_queue(&r, SIZE, false, false);
    vd_desc(&r.d, r.d.desc, UINT64_MAX - 3, UINT32_MAX, 0, 0);
    offer(&r, 0);
    expect_broken(&r, far);
    hw_test_done(&r.m);
}

static void test_packed_hostile(void)
{
    struct rig r;

    rig_init(&r, SIZE, true, false);
    for (unsigned i = 0; i < SIZE; i++) {
        vd_desc(&r.d, r.d.desc + 16 * i, DATA, 4, 0, VD_NEXT | 0x80);
    }
    expect_broken(&r, "a chain that loops");

    rig_queue(&r, SIZE, true, false);
    vd_desc(&r.d, r.d.desc, DATA, 4, 0, VD_NEXT | 0x80);
    vd_desc(&r.d, r.d.desc + 16, DATA, 16, 0, VD_INDIRECT | 0x80);
    expect_broken(&r, "an indirect table inside of a chain");

    rig_queue(&r, SIZE, true, false);
    vd_desc(&r.d, r.d.desc, DATA, 0, 0, VD_INDIRECT | 0x80);
    expect_broken(&r, "a bad indirect table");
    hw_test_done(&r.m);
}

/* Rings outside of memory, or where none may be. */
static void test_bad_rings(void)
{
    const uint64_t bad[] = {MIB - 4, UINT64_MAX - 15, RING + 1};
    struct rig r;

    rig_init(&r, SIZE, false, false);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        for (unsigned which = 0; which < 3; which++) {
            const struct vd_seg s = {DATA, 4, true};
            struct virtq_buf *b;

            vd_init(&r.d, &r.m, RING, SIZE, false);
            virtq_reset(&r.q);
            r.q.size = SIZE;
            r.q.desc = which == 0 ? bad[i] : r.d.desc;
            r.q.driver = which == 1 ? bad[i] & ~1u : r.d.driver;
            r.q.device = which == 2 ? bad[i] : r.d.device;
            virtq_enable(&r.q);
            vd_add(&r.d, &s, 1, false);
            b = virtq_pop(&r.q);
            if (b) {
                virtq_push(&r.q, b, 4);
            }
            virtq_set_notify(&r.q, false);
            g_assert_true(which == 1 || r.q.broken);
        }
    }
    rig_queue(&r, SIZE, false, false);
    r.q.size = 3;
    g_assert_false(virtq_state_ok(&r.q));
    virtq_enable(&r.q);
    g_assert_true(r.q.broken);
    hw_test_done(&r.m);
}

static void test_slice(void)
{
    uint8_t bytes[16];
    struct iovec iov[] = {{bytes, 4}, {bytes + 4, 4}, {bytes + 8, 8}};
    struct iovec to[3];

    g_assert_cmpuint(virtq_slice(iov, 3, 5, 6, to), ==, 2);
    g_assert_true(to[0].iov_base == bytes + 5 && to[0].iov_len == 3);
    g_assert_true(to[1].iov_base == bytes + 8 && to[1].iov_len == 3);
    g_assert_cmpuint(virtq_slice(iov, 3, 4, 100, to), ==, 2);
    g_assert_cmpuint(virtq_slice(iov, 3, 16, 1, to), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/one", test_one);
    g_test_add_func("/order", test_order);
    g_test_add_func("/traffic", test_traffic);
    g_test_add_func("/event_index", test_event_index);
    g_test_add_func("/suppression", test_suppression);
    g_test_add_func("/unpop", test_unpop);
    g_test_add_func("/split/hostile", test_split_hostile);
    g_test_add_func("/packed/hostile", test_packed_hostile);
    g_test_add_func("/bad_rings", test_bad_rings);
    g_test_add_func("/slice", test_slice);
    return g_test_run();
}
