/* SPDX-License-Identifier: MIT */
/* Random numbers, balloon, consoles, input: [VIRTIO] 5.3, 5.4, 5.5, 5.8. */
#include "hw/virtio/virtio_balloon.h"
#include "hw/virtio/virtio_input.h"
#include "hw/virtio/virtio_rng.h"
#include "hw/virtio/virtio_serial.h"
#include "tests/unit/virtio_pci_driver.h"
#include "ui/input.h"

enum { DATA = VD_DATA, PAGE = 4096 };

struct stream {
    struct chardev chr;
    GString *text;
    unsigned room;
};

struct rig {
    struct vd_dev d;
    struct dev *dev;
    struct input input;
    struct stream stream;
    unsigned events;
};

static void count_event(void *opaque, const char *name, const char *json)
{
    ++*(unsigned *)opaque;
}

static void sevens(void *to, size_t len)
{
    memset(to, 7, len);
}

static void rig_init(struct rig *r, const struct dev_type *type,
                     const char *prop, const char *value)
{
    GError *error = NULL;

    *r = (struct rig){0};
    vd_machine(&r->d);
    r->d.m.ram_size = 8 * MIB;
    r->d.m.random = sevens;
    r->d.m.event = count_event;
    r->d.m.event_opaque = &r->events;
    input_init(&r->input);
    r->d.m.input = &r->input;
    r->dev = dev_new(&r->d.m, type, "id");
    g_assert_true(!prop || dev_set_prop(r->dev, prop, value, NULL));
    dev_realize(r->dev, &error);
    g_assert_no_error(error);
    vd_probe(&r->d, r->dev);
}

static void rig_done(struct rig *r)
{
    while (r->d.m.devices->len) {
        dev_unrealize(r->d.m.devices->pdata[r->d.m.devices->len - 1]);
    }
    input_clear(&r->input);
    hw_test_done(&r->d.m);
}

static void start(struct rig *r, uint64_t features, unsigned queues)
{
    g_assert_true(vd_negotiate(&r->d, features));
    for (unsigned i = 0; i < queues; i++) {
        vd_queue_on(&r->d, i, 8, false);
    }
    vd_go(&r->d);
}

/* Offers one piece of memory; the driver tells of it. */
static void offer(struct rig *r, unsigned queue, uint64_t at, uint32_t len,
                  bool in)
{
    const struct vd_seg s = {at, len, in};

    g_assert_cmpint(vd_add(&r->d.q[queue], &s, 1, false), >=, 0);
    vd_kick(&r->d, queue);
}

static bool taken(struct rig *r, unsigned queue, uint32_t *len)
{
    return vd_get(&r->d.q[queue], len) >= 0;
}

static void test_rng(void)
{
    struct rig r;
    uint32_t len = 0;

    rig_init(&r, &virtio_rng_types[0], "max-bytes", "100");
    start(&r, 0, 1);
    offer(&r, 0, DATA, 64, true);
    g_assert_true(taken(&r, 0, &len));
    g_assert_cmpuint(len, ==, 64);
    g_assert_cmphex(vd_read(&r.d, DATA + 60, 4), ==, 0x07070707);
    offer(&r, 0, DATA, 64, true);
    g_assert_true(taken(&r, 0, &len));
    g_assert_cmpuint(len, ==, 36); /* the rest of this period */
    offer(&r, 0, DATA, 64, true);
    g_assert_false(taken(&r, 0, &len));
    hw_test_step(&r.d.m, 66 * NS_PER_SECOND);
    g_assert_true(taken(&r, 0, &len));
    g_assert_cmpuint(len, ==, 64);
    rig_done(&r);
}

static void test_balloon(void)
{
    struct rig r;
    struct virtio *v;
    uint8_t list[12];

    rig_init(&r, &virtio_balloon_types[0], "free-page-reporting", "on");
    v = virtio_balloon_find(&r.d.m);
    g_assert_nonnull(v);
    start(&r, BIT(1) | BIT(5), 4);
    dma_fill(&r.d.m.memory, 5 * MIB, 0x55, 4 * PAGE);
    stl_u32(list, 5 * MIB / PAGE);
    stl_u32(list + 4, 5 * MIB / PAGE + 1);
    stl_u32(list + 8, 0x7fffffff); /* there is no such page */
    dma_write(&r.d.m.memory, DATA, list, sizeof(list));
    offer(&r, 0, DATA, sizeof(list), false);
    g_assert_true(taken(&r, 0, NULL));
    g_assert_cmphex(vd_read(&r.d, 5 * MIB + PAGE, 4), ==, 0);
    g_assert_cmphex(vd_read(&r.d, 5 * MIB + 2 * PAGE, 4), ==, 0x55555555);
    offer(&r, 3, 5 * MIB + 2 * PAGE, PAGE, true); /* reported as free */
    g_assert_true(taken(&r, 3, NULL));
    g_assert_cmphex(vd_read(&r.d, 5 * MIB + 2 * PAGE, 4), ==, 0);
    g_assert_cmphex(vd_read(&r.d, 5 * MIB + 3 * PAGE, 4), ==, 0x55555555);
    virtio_balloon_ask(v, 6 * MIB);
    g_assert_cmpuint(vd_read(&r.d, r.d.config, 4), ==, 2 * MIB / PAGE);
    vd_write(&r.d, r.d.config + 4, 4, 2 * MIB / PAGE);
    g_assert_cmpuint(virtio_balloon_actual(v), ==, 6 * MIB);
    g_assert_cmpuint(r.events, ==, 1);
    rig_done(&r);
}

static void test_stats(void)
{
    struct rig r;
    uint8_t stat[10] = {4};
    g_autofree char *json = NULL;

    rig_init(&r, &virtio_balloon_types[0], NULL, NULL);
    start(&r, BIT(1), 3);
    stl_u64(stat + 2, 12345);
    dma_write(&r.d.m.memory, DATA, stat, sizeof(stat));
    offer(&r, 2, DATA, sizeof(stat), false);
    g_assert_false(taken(&r, 2, NULL)); /* kept until there is a question */
    json = r.dev->type->get_value(r.dev, "guest-stats");
    g_assert_nonnull(strstr(json, "\"stat-free-memory\": 12345"));
    g_assert_true(r.dev->type->set_value(r.dev, "guest-stats-polling-interval",
                                         "2", NULL));
    hw_test_step(&r.d.m, 3 * NS_PER_SECOND);
    g_assert_true(taken(&r, 2, NULL));
    rig_done(&r);
}

static unsigned stream_write(struct chardev *c, const uint8_t *buf,
                             unsigned len)
{
    struct stream *s = container_of(c, struct stream, chr);

    len = MIN(len, s->room);
    s->room -= len;
    g_string_append_len(s->text, (const char *)buf, len);
    return len;
}

static const struct chardev_ops stream_ops = {.write = stream_write};

static void add_port(struct rig *r)
{
    struct dev *port = dev_new(&r->d.m, &virtserialport_type, "port");
    GError *error = NULL;

    r->stream = (struct stream){.chr = {.id = (char *)(uintptr_t) "s",
                                        .ops = &stream_ops,
                                        .open = true},
                                .text = g_string_new(NULL),
                                .room = 1000};
    machine_add_backend(&r->d.m, BACKEND_CHARDEV, "s", &r->stream.chr);
    dev_set_prop(port, "chardev", "s", NULL);
    dev_set_prop(port, "name", "org.x", NULL);
    dev_realize(port, &error);
    g_assert_no_error(error);
}

/* A message of the guest's about port 1. */
static void say(struct rig *r, uint16_t event, uint16_t value)
{
    uint8_t m[8] = {1};

    stl_u16(m + 4, event);
    stl_u16(m + 6, value);
    dma_write(&r->d.m.memory, DATA, m, sizeof(m));
    offer(r, 3, DATA, sizeof(m), false);
    g_assert_true(taken(r, 3, NULL));
}

static void hear(struct rig *r, uint16_t event, uint32_t length)
{
    uint32_t len = 0;

    offer(r, 2, DATA + PAGE, 64, true);
    g_assert_true(taken(r, 2, &len));
    g_assert_cmpuint(len, ==, length);
    g_assert_cmpuint(vd_read(&r->d, DATA + PAGE, 4), ==, 1);
    g_assert_cmpuint(vd_read(&r->d, DATA + PAGE + 4, 2), ==, event);
}

static void test_serial(void)
{
    struct rig r;
    struct vd_queue *q;
    uint32_t len = 0;
    const struct chardev_front *front;

    rig_init(&r, &virtio_serial_types[0], "max_ports", "2");
    add_port(&r);
    front = &r.stream.chr.front;
    start(&r, BIT(1), 4);
    g_assert_cmpuint(vd_read(&r.d, r.d.config + 4, 4), ==, 2);
    say(&r, 0, 1);  /* DEVICE_READY */
    hear(&r, 1, 8); /* PORT_ADD */
    say(&r, 3, 1);  /* PORT_READY */
    hear(&r, 7, 8 + 5);
    hear(&r, 6, 8); /* PORT_OPEN: somebody is at the other end */
    /* Queues 4 and 5 are port 1's; the test's queue 0 stands for both. */
    vd_write(&r.d, r.d.common + 0x16, 2, 5);
    q = &r.d.q[0];
    vd_init(q, &r.d.m, VD_RINGS + 0x50000, 8, false);
    vd_write(&r.d, r.d.common + 0x18, 2, 8);
    vd_write(&r.d, r.d.common + 0x20, 4, q->desc);
    vd_write(&r.d, r.d.common + 0x28, 4, q->driver);
    vd_write(&r.d, r.d.common + 0x30, 4, q->device);
    vd_write(&r.d, r.d.common + 0x1c, 2, 1);
    r.stream.room = 3;
    dma_write(&r.d.m.memory, DATA, "stream", 6);
    {
        const struct vd_seg s = {DATA, 6, false};

        vd_add(q, &s, 1, false);
    }
    vd_kick(&r.d, 5);
    g_assert_cmpstr(r.stream.text->str, ==, "str"); /* no more room */
    g_assert_cmpint(vd_get(q, NULL), ==, -1);
    r.stream.room = 10;
    front->writable(front->opaque);
    g_assert_cmpstr(r.stream.text->str, ==, "stream");
    g_assert_cmpint(vd_get(q, &len), >=, 0);
    g_assert_cmpuint(front->can_receive(front->opaque), ==, 0); /* not open */
    say(&r, 6, 1);
    g_assert_cmpuint(r.events, ==, 1); /* VSERPORT_CHANGE */
    g_string_free(r.stream.text, TRUE);
    rig_done(&r);
}

/* type, code, value of the next event */
static void expect_event(struct rig *r, unsigned n, unsigned type,
                         unsigned code, uint32_t value)
{
    uint32_t len = 0;

    g_assert_true(taken(r, 0, &len));
    g_assert_cmpuint(len, ==, 8);
    g_assert_cmphex(vd_read(&r->d, DATA + 8 * n, 2), ==, type);
    g_assert_cmphex(vd_read(&r->d, DATA + 8 * n + 2, 2), ==, code);
    g_assert_cmphex(vd_read(&r->d, DATA + 8 * n + 4, 4), ==, value);
}

static uint8_t select_item(struct rig *r, uint8_t select, uint8_t subsel)
{
    vd_write(&r->d, r->d.config, 1, select);
    vd_write(&r->d, r->d.config + 1, 1, subsel);
    return (uint8_t)vd_read(&r->d, r->d.config + 2, 1);
}

static void test_input(void)
{
    struct rig r;

    rig_init(&r, &virtio_tablet_type, NULL, NULL);
    g_assert_cmphex(pci_config_read(r.d.pci, 0, 4), ==, 0x10521af4);
    g_assert_cmpuint(select_item(&r, 1, 0), ==, 18); /* its name */
    g_assert_cmpuint(select_item(&r, 0x12, 1), ==, 20);
    g_assert_cmphex(vd_read(&r.d, r.d.config + 12, 4), ==, 0x7fff);
    g_assert_cmpuint(select_item(&r, 0x11, 3), ==, 1); /* ABS_X, ABS_Y */
    g_assert_cmphex(vd_read(&r.d, r.d.config + 8, 1), ==, 3);
    g_assert_cmpuint(select_item(&r, 0x11, 0x11), ==, 0); /* no LEDs */
    g_assert_cmpuint(select_item(&r, 0xff, 0xff), ==, 0);
    g_assert_false(input_is_absolute(&r.input)); /* no driver yet */
    start(&r, 0, 2);
    g_assert_true(input_is_absolute(&r.input));
    offer(&r, 0, DATA, 8, true);
    input_abs(&r.input, 100, 200);
    g_assert_false(taken(&r, 0, NULL)); /* the group has not ended */
    input_sync(&r.input);
    expect_event(&r, 0, 3, 0, 100);
    offer(&r, 0, DATA + 8, 8, true); /* what waited for buffers */
    expect_event(&r, 1, 3, 1, 200);
    offer(&r, 0, DATA + 16, 8, true);
    expect_event(&r, 2, 0, 0, 0);
    for (unsigned i = 0; i < 1000; i++) { /* more than can wait */
        input_abs(&r.input, i, i);
        input_sync(&r.input);
    }
    input_sync(&r.input);
    rig_done(&r);
}

static void test_keyboard(void)
{
    struct rig r;

    rig_init(&r, &virtio_keyboard_type, NULL, NULL);
    start(&r, 0, 2);
    for (unsigned i = 0; i < 4; i++) {
        offer(&r, 0, DATA + 8 * i, 8, true);
    }
    input_key(&r.input, 0x04, true); /* A */
    input_key(&r.input, 0x04, false);
    expect_event(&r, 0, 1, 30, 1);
    expect_event(&r, 1, 0, 0, 0);
    expect_event(&r, 2, 1, 30, 0);
    vd_write(&r.d, DATA + 64, 4, 0x00010011); /* EV_LED, caps lock */
    vd_write(&r.d, DATA + 68, 4, 1);
    offer(&r, 1, DATA + 64, 8, false);
    g_assert_cmphex(r.input.leds, ==, 4);
    rig_done(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rng", test_rng);
    g_test_add_func("/balloon", test_balloon);
    g_test_add_func("/balloon/stats", test_stats);
    g_test_add_func("/serial", test_serial);
    g_test_add_func("/input", test_input);
    g_test_add_func("/keyboard", test_keyboard);
    return g_test_run();
}
