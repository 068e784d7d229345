/* SPDX-License-Identifier: MIT */
/* USB devices behind a bare port: [USB2] 9, 11; [HID]; [BOT]. */
#include "hw/usb/hid.h"
#include "hw/usb/hub.h"
#include "hw/usb/storage.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/mem_disk.h"

static const struct dev_type host_type = {.name = "host",
                                          .size = sizeof(struct dev)};

struct host {
    struct machine m;
    struct dev *dev;
    struct usb_bus *bus;
    struct usb_port port;
    struct usb_port spare; /* the last free port would get a hub */
    struct input input;
    struct drive *drive[2];
    unsigned attached, detached, ready;
    struct usb_dev *d;
    uint8_t buf[300 * 1024];
    size_t got;
};

static void on_attach(struct usb_port *p)
{
    ((struct host *)p->opaque)->attached++;
}

static void on_detach(struct usb_port *p)
{
    ((struct host *)p->opaque)->detached++;
}

static void on_ready(struct usb_port *p, struct usb_dev *d)
{
    ((struct host *)p->opaque)->ready++;
}

static const struct usb_port_ops port_ops = {
    .attach = on_attach, .detach = on_detach, .ready = on_ready};

static struct host *host_new(const struct dev_type *type, enum usb_speed speed)
{
    struct host *h = g_new0(struct host, 1);
    struct dev *dev;

    hw_test_init(&h->m);
    input_init(&h->input);
    h->m.input = &h->input;
    h->drive[0] = mem_drive(&h->m, "d", 1024 * KIB);
    h->dev = dev_new(&h->m, &host_type, NULL);
    h->bus = usb_bus_new(h->dev);
    h->port =
        (struct usb_port){.ops = &port_ops, .opaque = h, .speeds = 1u << speed};
    usb_port_add(h->bus, &h->port, NULL);
    h->spare = h->port;
    h->spare.index = 1;
    usb_port_add(h->bus, &h->spare, NULL);
    dev = dev_new(&h->m, type, NULL);
    if (type == &usb_storage_type) {
        g_assert_true(dev_set_prop(dev, "drive", "d", NULL));
    }
    g_assert_true(dev_realize(dev, NULL));
    h->d = h->port.dev;
    g_assert_cmpuint(h->attached, ==, 1);
    return h;
}

static void host_free(struct host *h)
{
    while (h->m.devices->len) {
        dev_unrealize(h->m.devices->pdata[h->m.devices->len - 1]);
    }
    g_assert_cmpuint(h->detached, ==, 1);
    usb_bus_free(h->bus);
    dev_free(h->dev);
    mem_drives_done(&h->m, h->drive);
    input_clear(&h->input);
    g_free(h);
}

static enum usb_status transfer(struct host *h, uint8_t pid, unsigned ep,
                                size_t len)
{
    struct usb_packet p = {
        .pid = pid, .ep = (uint8_t)ep, .data = h->buf, .len = len};
    enum usb_status s = usb_transfer(usb_find(&h->port, h->d->addr), &p);

    h->got = p.done;
    return s;
}

/* A whole control transfer; USB_STALL from any of its stages. */
static enum usb_status control(struct host *h, struct usb_dev *d, uint8_t type,
                               uint8_t request, uint16_t value, uint16_t index,
                               uint16_t length)
{
    uint8_t setup[8] = {type, request};
    struct usb_packet p = {.pid = USB_SETUP, .data = setup, .len = 8};
    bool in = type & 0x80;
    enum usb_status s;

    stl_u16(setup + 2, value);
    stl_u16(setup + 4, index);
    stl_u16(setup + 6, length);
    g_assert_cmpuint(usb_transact(d, &p), ==, USB_ACK);
    if (length) {
        p = (struct usb_packet){
            .pid = in ? USB_IN : USB_OUT, .data = h->buf, .len = length};
        s = usb_transfer(d, &p);
        h->got = p.done;
        if (s != USB_ACK) {
            return s;
        }
    }
    p = (struct usb_packet){.pid = length && in ? USB_OUT : USB_IN,
                            .data = setup};
    return usb_transact(d, &p);
}

static void configure(struct host *h, struct usb_dev *d, unsigned addr)
{
    g_assert_cmpuint(control(h, d, 0, 5, (uint16_t)addr, 0, 0), ==, USB_ACK);
    g_assert_cmpuint(control(h, d, 0, 9, 1, 0, 0), ==, USB_ACK);
}

/* [USB2] 9.4: descriptors, address, configuration, what is not there. */
static void test_standard(void)
{
    struct host *h = host_new(&usb_tablet_type, USB_FULL);
    uint8_t setup[8] = {0, 5, 7};
    struct usb_packet p = {.pid = USB_SETUP, .data = setup, .len = 8};

    g_assert_cmpuint(control(h, h->d, 0x80, 6, 0x100, 0, 8), ==, USB_ACK);
    g_assert_cmpuint(h->got, ==, 8);
    g_assert_cmpuint(h->buf[0], ==, 18);
    g_assert_cmpuint(h->buf[7], ==, 8); /* packets of endpoint 0 */
    control(h, h->d, 0x80, 6, 0x100, 0, 255);
    g_assert_cmpuint(h->got, ==, 18);
    control(h, h->d, 0x80, 6, 0x200, 0, 255);
    g_assert_cmpuint(h->got, ==, ldl_u16(h->buf + 2));
    g_assert_cmpuint(h->got, ==, 9 + 9 + 9 + 7);
    g_assert_cmpuint(h->buf[18 + 1], ==, USB_DT_HID);
    control(h, h->d, 0x80, 6, 0x300, 0, 255);
    g_assert_cmpmem(h->buf, h->got, "\4\3\x09\4", 4);
    control(h, h->d, 0x80, 6, 0x302, 0x409, 255);
    g_assert_cmpuint(h->got, ==, h->buf[0]);
    g_assert_cmpuint(control(h, h->d, 0x80, 6, 0x309, 0x409, 255), ==,
                     USB_STALL);
    g_assert_cmpuint(control(h, h->d, 0x80, 6, 0xf00, 0, 255), ==, USB_STALL);

    g_assert_cmpuint(usb_transact(h->d, &p), ==, USB_ACK);
    g_assert_cmpuint(h->d->addr, ==, 0); /* until the status stage */
    p = (struct usb_packet){.pid = USB_IN, .data = setup};
    g_assert_cmpuint(usb_transact(h->d, &p), ==, USB_ACK);
    g_assert_null(usb_find(&h->port, 0));
    g_assert_true(usb_find(&h->port, 7) == h->d);

    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_SILENT);
    g_assert_cmpuint(control(h, h->d, 0, 9, 2, 0, 0), ==, USB_STALL);
    g_assert_cmpuint(control(h, h->d, 0, 9, 1, 0, 0), ==, USB_ACK);
    control(h, h->d, 0x80, 8, 0, 0, 1);
    g_assert_cmpuint(h->buf[0], ==, 1);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_NAK);
    g_assert_cmpuint(control(h, h->d, 2, 3, 0, 0x81, 0), ==, USB_ACK);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_STALL);
    control(h, h->d, 0x82, 0, 0, 0x81, 2);
    g_assert_cmpuint(h->buf[0], ==, 1);
    g_assert_cmpuint(control(h, h->d, 2, 1, 0, 0x81, 0), ==, USB_ACK);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_NAK);
    g_assert_cmpuint(control(h, h->d, 1, 11, 1, 0, 0), ==, USB_STALL);
    usb_port_reset(&h->port);
    g_assert_true(usb_find(&h->port, 0) == h->d);
    host_free(h);
}

static void assert_report(struct host *h, const char *bytes, size_t len)
{
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_ACK);
    g_assert_cmpmem(h->buf, h->got, bytes, len);
}

/* [HID] appendix B.1: one event a report; too many keys roll over. */
static void test_keyboard(void)
{
    struct host *h = host_new(&usb_kbd_type, USB_HIGH);

    configure(h, h->d, 1);
    control(h, h->d, 0x21, 10, 0, 0, 0); /* SET_IDLE: for ever */
    h->ready = 0;
    input_key(&h->input, 0xe1, true);
    g_assert_cmpuint(h->ready, ==, 1);
    input_key(&h->input, 0x04, true);
    input_key(&h->input, 0x04, false);
    assert_report(h, "\2\0\0\0\0\0\0\0", 8);
    assert_report(h, "\2\0\4\0\0\0\0\0", 8);
    assert_report(h, "\2\0\0\0\0\0\0\0", 8);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_NAK);
    for (unsigned k = 5; k <= 11; k++) {
        input_key(&h->input, k, true);
        transfer(h, USB_IN, 1, 8);
    }
    g_assert_cmpmem(h->buf, 8, "\2\0\1\1\1\1\1\1", 8);
    for (unsigned k = 5; k <= 11; k++) {
        input_key(&h->input, k, false);
        transfer(h, USB_IN, 1, 8);
    }
    for (unsigned i = 0; i < HID_EVENTS + 1; i++) { /* one does not fit */
        input_key(&h->input, 4, i % 2 == 1);
    }
    for (unsigned i = 0; i < HID_EVENTS; i++) {
        g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_ACK);
    }
    g_assert_cmpmem(h->buf, 8, "\2\0\0\0\0\0\0\0", 8); /* not held for ever */
    h->buf[0] = 2;                                     /* caps lock */
    g_assert_cmpuint(control(h, h->d, 0x21, 9, 0x200, 0, 1), ==, USB_ACK);
    g_assert_cmpuint(h->input.leds, ==, 4);
    g_assert_cmpuint(control(h, h->d, 0x81, 6, 0x2200, 0, 255), ==, USB_ACK);
    g_assert_cmpuint(h->got, ==, 65);
    control(h, h->d, 0x21, 10, 0x0100, 0, 0); /* every 4 ms */
    hw_test_step(&h->m, 5 * NS_PER_MS);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_ACK);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_NAK);
    host_free(h);
}

static void test_mouse(void)
{
    struct host *h = host_new(&usb_mouse_type, USB_FULL);

    configure(h, h->d, 1);
    input_rel(&h->input, 300, -3);
    input_button(&h->input, INPUT_LEFT, true);
    input_sync(&h->input);
    assert_report(h, "\1\x7f\xfd\0\0", 5);
    assert_report(h, "\1\x7f\0\0\0", 5);
    assert_report(h, "\1\x2e\0\0\0", 5);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 8), ==, USB_NAK);
    input_button(&h->input, INPUT_LEFT, false);
    input_sync(&h->input);
    input_button(&h->input, INPUT_WHEEL_DOWN, true);
    input_button(&h->input, INPUT_WHEEL_DOWN, false);
    input_sync(&h->input);
    assert_report(h, "\0\0\0\0\0", 5);
    assert_report(h, "\0\0\0\xff\0", 5);
    control(h, h->d, 0x21, 11, 0, 0, 0); /* boot protocol */
    input_rel(&h->input, 1, 2);
    input_sync(&h->input);
    assert_report(h, "\0\1\2", 3);
    host_free(h);
}

static void test_tablet(void)
{
    struct host *h = host_new(&usb_tablet_type, USB_FULL);

    g_assert_false(input_is_absolute(&h->input));
    configure(h, h->d, 1);
    g_assert_true(input_is_absolute(&h->input));
    for (unsigned i = 0; i < 100; i++) { /* motion adds up, clicks do not */
        input_abs(&h->input, i, 0x7fff);
        input_sync(&h->input);
    }
    input_button(&h->input, INPUT_LEFT, true);
    input_sync(&h->input);
    transfer(h, USB_IN, 1, 8);
    assert_report(h, "\0\x63\0\xff\x7f\0\0", 7);
    assert_report(h, "\1\x63\0\xff\x7f\0\0", 7);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 3), ==, USB_NAK);
    input_button(&h->input, INPUT_LEFT, false);
    input_sync(&h->input);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 3), ==, USB_BABBLE);
    host_free(h);
}

/* [USB2] 11.24: power, connection, reset, what lies behind. */
static void test_hub(void)
{
    struct host *h = host_new(&usb_hub_type, USB_FULL);
    struct usb_dev *hub = h->d;
    struct dev *pen;

    configure(h, hub, 3);
    control(h, hub, 0xa0, 6, 0x2900, 0, 255);
    g_assert_cmpuint(h->buf[2], ==, 8);
    for (unsigned i = 1; i <= 8; i++) {
        g_assert_cmpuint(control(h, hub, 0x23, 3, 8, (uint16_t)i, 0), ==,
                         USB_ACK);
    }
    g_assert_cmpuint(control(h, hub, 0x23, 3, 8, 9, 0), ==, USB_STALL);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 2), ==, USB_NAK);
    pen = dev_new(&h->m, &usb_tablet_type, "pen");
    g_assert_true(dev_set_prop(pen, "port", "1.3", NULL));
    g_assert_true(dev_realize(pen, NULL));
    g_assert_cmpuint(transfer(h, USB_IN, 1, 2), ==, USB_ACK);
    g_assert_cmpmem(h->buf, h->got, "\x08\0", 2);
    control(h, hub, 0xa3, 0, 0, 3, 4);
    g_assert_cmphex(ldl_u32(h->buf), ==, 0x00010101);
    g_assert_null(usb_find(&h->port, 0)); /* it is not enabled */
    control(h, hub, 0x23, 3, 4, 3, 0);
    control(h, hub, 0xa3, 0, 0, 3, 4);
    g_assert_cmphex(ldl_u32(h->buf), ==, 0x00110103);
    g_assert_true(&usb_find(&h->port, 0)->dev == pen);
    control(h, hub, 0x23, 1, 16, 3, 0);
    control(h, hub, 0x23, 1, 20, 3, 0);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 2), ==, USB_NAK);
    dev_unrealize(pen);
    control(h, hub, 0xa3, 0, 0, 3, 4);
    g_assert_cmphex(ldl_u32(h->buf), ==, 0x00030100);
    host_free(h);
}

/* --- disks. [BOT] --- */

static enum usb_status send_cbw(struct host *h, uint32_t len, bool in,
                                const uint8_t *cdb, unsigned cdb_len)
{
    uint8_t *c = h->buf;

    memset(c, 0, 31);
    stl_u32(c, 0x43425355);
    stl_u32(c + 4, 0x1234);
    stl_u32(c + 8, len);
    c[12] = in ? 0x80 : 0;
    c[14] = (uint8_t)cdb_len;
    memcpy(c + 15, cdb, cdb_len);
    return transfer(h, USB_OUT, 2, 31);
}

static void assert_csw(struct host *h, uint32_t residue, uint8_t status)
{
    drive_drain(h->drive[0]);
    g_assert_cmpuint(transfer(h, USB_IN, 1, 13), ==, USB_ACK);
    g_assert_cmpuint(h->got, ==, 13);
    g_assert_cmphex(ldl_u32(h->buf), ==, 0x53425355);
    g_assert_cmphex(ldl_u32(h->buf + 4), ==, 0x1234);
    g_assert_cmpuint(ldl_u32(h->buf + 8), ==, residue);
    g_assert_cmpuint(h->buf[12], ==, status);
}

/* All of a data stage, over the waits in it; how much came. */
static size_t data_stage(struct host *h, uint8_t pid, size_t len)
{
    struct usb_packet p = {.pid = pid, .ep = pid == USB_IN ? 1 : 2};
    size_t at = 0;
    enum usb_status s;

    do {
        p.data = h->buf + at;
        p.len = len - at;
        s = usb_transfer(h->d, &p);
        at += p.done;
        drive_drain(h->drive[0]);
    } while (at < len && (s == USB_NAK || (p.done && p.done % 512 == 0)));
    return at;
}

static void test_storage(void)
{
    static const uint8_t tur[6], inquiry[] = {0x12, 0, 0, 0, 255, 0};
    static const uint8_t read[] = {0x28, 0, 0, 0, 0, 4, 0, 2, 0x58, 0};
    static const uint8_t write[] = {0x2a, 0, 0, 0, 0, 8, 0, 2, 0x58, 0};
    struct host *h = host_new(&usb_storage_type, USB_HIGH);
    const uint8_t *disk = mem_disk_of(h->drive[0])->data;

    configure(h, h->d, 1);
    g_assert_cmpuint(send_cbw(h, 0, false, tur, 6), ==, USB_ACK);
    assert_csw(h, 0, 1); /* unit attention */
    send_cbw(h, 0, false, tur, 6);
    assert_csw(h, 0, 0);
    send_cbw(h, 255, true, inquiry, 6); /* a short packet ends it */
    g_assert_cmpuint(data_stage(h, USB_IN, 255), ==, 36);
    assert_csw(h, 255 - 36, 0);
    send_cbw(h, 600 * 512, true, read, 10); /* longer than the buffer */
    g_assert_cmpuint(data_stage(h, USB_IN, 300 * KIB), ==, 300 * KIB);
    g_assert_cmpint(memcmp(h->buf, disk + 4 * 512, 300 * KIB), ==, 0);
    assert_csw(h, 0, 0);
    send_cbw(h, 600 * 512, false, write, 10);
    memset(h->buf, 0x77, 300 * KIB);
    g_assert_cmpuint(data_stage(h, USB_OUT, 300 * KIB), ==, 300 * KIB);
    assert_csw(h, 0, 0);
    g_assert_cmphex(disk[8 * 512 - 1], !=, 0x77);
    g_assert_cmphex(disk[8 * 512], ==, 0x77);
    g_assert_cmphex(disk[608 * 512 - 1], ==, 0x77);
    g_assert_cmphex(disk[608 * 512], !=, 0x77);
    host_free(h);
}

/* [BOT] 6.6: a CBW that is none halts both endpoints until a reset. */
static void test_storage_recovery(void)
{
    static const uint8_t tur[6];
    static const uint8_t read[] = {0x28, 0, 0xff, 0, 0, 0, 0, 0, 8, 0};
    struct host *h = host_new(&usb_storage_type, USB_HIGH);

    configure(h, h->d, 1);
    send_cbw(h, 0, false, tur, 6);
    assert_csw(h, 0, 1);
    send_cbw(h, 4096, true, read, 10); /* beyond the end */
    g_assert_cmpuint(data_stage(h, USB_IN, 4096), ==, 0);
    assert_csw(h, 4096, 1);
    memset(h->buf, 0, 31);
    g_assert_cmpuint(transfer(h, USB_OUT, 2, 31), ==, USB_STALL);
    g_assert_cmpuint(control(h, h->d, 2, 1, 0, 2, 0), ==, USB_ACK);
    g_assert_cmpuint(send_cbw(h, 0, false, tur, 6), ==, USB_STALL);
    g_assert_cmpuint(control(h, h->d, 0x21, 0xff, 0, 0, 0), ==, USB_ACK);
    g_assert_cmpuint(control(h, h->d, 2, 1, 0, 2, 0), ==, USB_ACK);
    g_assert_cmpuint(control(h, h->d, 2, 1, 0, 0x81, 0), ==, USB_ACK);
    g_assert_cmpuint(send_cbw(h, 0, false, tur, 6), ==, USB_ACK);
    assert_csw(h, 0, 0);
    g_assert_cmpuint(control(h, h->d, 0xa1, 0xfe, 0, 0, 1), ==, USB_ACK);
    g_assert_cmpuint(h->buf[0], ==, 0);
    host_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usb/standard", test_standard);
    g_test_add_func("/usb/keyboard", test_keyboard);
    g_test_add_func("/usb/mouse", test_mouse);
    g_test_add_func("/usb/tablet", test_tablet);
    g_test_add_func("/usb/hub", test_hub);
    g_test_add_func("/usb/storage", test_storage);
    g_test_add_func("/usb/storage/recovery", test_storage_recovery);
    return g_test_run();
}
