/* SPDX-License-Identifier: MIT */
/*
 * virtio-input: keyboard, mouse, tablet. [VIRTIO] 5.8 "Input Device"; events
 * are those of [EVDEV], keys come in as [HUT] usages.
 *
 * The device takes input from the moment its driver is there; without one the
 * PS/2 keyboard and mouse keep it. Events without a buffer wait; where too
 * many do, a whole group is lost.
 *
 * Not modelled: multitouch, force feedback, sounds.
 */
#include "hw/virtio/virtio_input.h"

#include <string.h>

#include "ui/input.h"

enum { EVENTS = 0, STATUS = 1, QUEUE_SIZE = 64, FIFO = 128, EVENT = 8 };
enum { /* configuration space */
       C_SELECT = 0,
       C_SUBSEL = 1,
       C_LENGTH = 2,
       C_DATA = 8,
       C_DATA_MAX = 128,
       CFG_NAME = 1,
       CFG_SERIAL = 2,
       CFG_IDS = 3,
       CFG_EVENT_BITS = 0x11,
       CFG_ABS_INFO = 0x12,
};
enum { /* [EVDEV] types and codes */
       EV_SYN = 0,
       EV_KEY = 1,
       EV_REL = 2,
       EV_ABS = 3,
       EV_LED = 0x11,
       EV_REP = 0x14,
       REL_X = 0,
       REL_Y = 1,
       REL_HWHEEL = 6,
       REL_WHEEL = 8,
       BTN_LEFT = 0x110,
       BTN_RIGHT = 0x111,
       BTN_MIDDLE = 0x112,
       BTN_SIDE = 0x113,
       BTN_EXTRA = 0x114,
       LED_NUML = 0,
       LED_CAPSL = 1,
       LED_SCROLLL = 2,
       BUS_VIRTUAL = 6,
       VENDOR = 0x0627,
};

/* Key codes of [HUT] usages, page 7. */
static const uint8_t key_codes[256] = {
    [0x04] = 30,  [0x05] = 48,  [0x06] = 46,  [0x07] = 32,  [0x08] = 18,
    [0x09] = 33,  [0x0a] = 34,  [0x0b] = 35,  [0x0c] = 23,  [0x0d] = 36,
    [0x0e] = 37,  [0x0f] = 38,  [0x10] = 50,  [0x11] = 49,  [0x12] = 24,
    [0x13] = 25,  [0x14] = 16,  [0x15] = 19,  [0x16] = 31,  [0x17] = 20,
    [0x18] = 22,  [0x19] = 47,  [0x1a] = 17,  [0x1b] = 45,  [0x1c] = 21,
    [0x1d] = 44, /* A to Z */
    [0x1e] = 2,   [0x1f] = 3,   [0x20] = 4,   [0x21] = 5,   [0x22] = 6,
    [0x23] = 7,   [0x24] = 8,   [0x25] = 9,   [0x26] = 10,  [0x27] = 11,
    [0x28] = 28,  [0x29] = 1,   [0x2a] = 14,  [0x2b] = 15,  [0x2c] = 57,
    [0x2d] = 12,  [0x2e] = 13,  [0x2f] = 26,  [0x30] = 27,  [0x31] = 43,
    [0x32] = 43,  [0x33] = 39,  [0x34] = 40,  [0x35] = 41,  [0x36] = 51,
    [0x37] = 52,  [0x38] = 53,  [0x39] = 58, /* caps lock */
    [0x3a] = 59,  [0x3b] = 60,  [0x3c] = 61,  [0x3d] = 62,  [0x3e] = 63,
    [0x3f] = 64,  [0x40] = 65,  [0x41] = 66,  [0x42] = 67,  [0x43] = 68,
    [0x44] = 87,  [0x45] = 88, /* F12 */
    [0x46] = 99,  [0x47] = 70,  [0x48] = 119, [0x49] = 110, [0x4a] = 102,
    [0x4b] = 104, [0x4c] = 111, [0x4d] = 107, [0x4e] = 109, [0x4f] = 106,
    [0x50] = 105, [0x51] = 108, [0x52] = 103, /* up */
    [0x53] = 69,  [0x54] = 98,  [0x55] = 55,  [0x56] = 74,  [0x57] = 78,
    [0x58] = 96,  [0x59] = 79,  [0x5a] = 80,  [0x5b] = 81,  [0x5c] = 75,
    [0x5d] = 76,  [0x5e] = 77,  [0x5f] = 71,  [0x60] = 72,  [0x61] = 73,
    [0x62] = 82,  [0x63] = 83, /* keypad . */
    [0x64] = 86,  [0x65] = 127, [0x66] = 116, [0x67] = 117, [0x68] = 183,
    [0x69] = 184, [0x6a] = 185, [0x6b] = 186, [0x6c] = 187, [0x6d] = 188,
    [0x6e] = 189, [0x6f] = 190, [0x70] = 191, [0x71] = 192, [0x72] = 193,
    [0x73] = 194, /* F24 */
    [0x74] = 134, [0x75] = 138, [0x76] = 130, [0x77] = 132, [0x78] = 128,
    [0x79] = 129, [0x7a] = 131, [0x7b] = 137, [0x7c] = 133, [0x7d] = 135,
    [0x7e] = 136, [0x7f] = 113, [0x80] = 115, [0x81] = 114, [0x85] = 121,
    [0x87] = 89,  [0x88] = 93,  [0x89] = 124, [0x8a] = 92,  [0x8b] = 94,
    [0x8c] = 95,  [0x90] = 122, [0x91] = 123, [0x92] = 90,  [0x93] = 91,
    [0x94] = 85, /* languages */
    [0xe0] = 29,  [0xe1] = 42,  [0xe2] = 56,  [0xe3] = 125, [0xe4] = 97,
    [0xe5] = 54,  [0xe6] = 100, [0xe7] = 126,
};

static const uint16_t button_codes[] = {
    [INPUT_LEFT] = BTN_LEFT,   [INPUT_MIDDLE] = BTN_MIDDLE,
    [INPUT_RIGHT] = BTN_RIGHT, [INPUT_SIDE] = BTN_SIDE,
    [INPUT_EXTRA] = BTN_EXTRA,
};

/* What makes the three of them different. */
struct model {
    const struct dev_type *type;
    const char *name;
    uint16_t product;
    struct input_sink sink;
};

struct virtio_input {
    struct virtio_pci proxy;
    struct virtio v;
    const struct model *model;
    char *serial, *display;
    uint32_t head;
    struct input_sink sink;
    bool added;

    /* saved: events that wait, the oldest first; those of the group that has
     * not ended yet are not for the guest to see */
    uint64_t fifo[FIFO];
    uint16_t count, ended;
    bool lost; /* the rest of this group, too */
};

static struct virtio_input *input_of(struct virtio *v)
{
    return container_of(v, struct virtio_input, v);
}

/* --- events to the guest --- */

static void flush(struct virtio_input *s)
{
    unsigned n = 0;
    struct virtq_buf *buf;
    uint8_t event[EVENT];

    while (n < s->ended && (buf = virtio_pop(&s->v, EVENTS))) {
        stl_u64(event, s->fifo[n++]);
        virtq_put(&s->v.queue[EVENTS], buf,
                  (uint32_t)virtq_write(buf, 0, event, EVENT));
    }
    if (n < s->ended) {
        virtq_set_notify(&s->v.queue[EVENTS], true);
    }
    s->count = (uint16_t)(s->count - n);
    s->ended = (uint16_t)(s->ended - n);
    memmove(s->fifo, s->fifo + n, s->count * sizeof(s->fifo[0]));
    virtio_publish(&s->v, EVENTS);
}

/* type (16 bits), code (16), value (32) */
static void event(struct virtio_input *s, unsigned type, unsigned code,
                  int32_t value)
{
    if (s->count == FIFO) {
        s->lost = true;
    }
    if (!s->lost) {
        s->fifo[s->count++] =
            type | (uint64_t)code << 16 | (uint64_t)(uint32_t)value << 32;
    }
}

static void end_group(struct virtio_input *s)
{
    if (s->count > s->ended) {
        event(s, EV_SYN, 0, 0);
    }
    if (s->lost) {
        s->count = s->ended;
        s->lost = false;
    }
    s->ended = s->count;
    flush(s);
}

static void input_key_event(void *opaque, unsigned usage, bool down)
{
    struct virtio_input *s = opaque;

    if (usage < ARRAY_SIZE(key_codes) && key_codes[usage]) {
        event(s, EV_KEY, key_codes[usage], down);
        end_group(s);
    }
}

static void input_rel_event(void *opaque, int dx, int dy)
{
    struct virtio_input *s = opaque;

    if (dx) {
        event(s, EV_REL, REL_X, dx);
    }
    if (dy) {
        event(s, EV_REL, REL_Y, dy);
    }
}

static void input_abs_event(void *opaque, unsigned x, unsigned y)
{
    struct virtio_input *s = opaque;

    event(s, EV_ABS, REL_X, (int32_t)x);
    event(s, EV_ABS, REL_Y, (int32_t)y);
}

static void input_button_event(void *opaque, enum input_button b, bool down)
{
    struct virtio_input *s = opaque;

    switch (b) {
    case INPUT_WHEEL_UP:
    case INPUT_WHEEL_DOWN:
        if (down) {
            event(s, EV_REL, REL_WHEEL, b == INPUT_WHEEL_UP ? 1 : -1);
        }
        break;
    case INPUT_WHEEL_LEFT:
    case INPUT_WHEEL_RIGHT:
        if (down) {
            event(s, EV_REL, REL_HWHEEL, b == INPUT_WHEEL_RIGHT ? 1 : -1);
        }
        break;
    default: event(s, EV_KEY, button_codes[b], down); break;
    }
}

static void input_sync_event(void *opaque)
{
    end_group(opaque);
}

/* --- LEDs from the guest --- */

static bool take_status(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    static const uint8_t led_bits[] = {
        [LED_NUML] = 2, [LED_CAPSL] = 4, [LED_SCROLLL] = 1};
    struct input *in = v->machine->input;
    uint8_t e[EVENT] = {0};
    unsigned code;

    virtq_read(buf, 0, e, sizeof(e));
    code = ldl_u16(e + 2);
    if (in && ldl_u16(e) == EV_LED && code < ARRAY_SIZE(led_bits)) {
        unsigned bit = led_bits[code];

        input_set_leds(in, ldl_u32(e + 4) ? in->leds | bit : in->leds & ~bit);
    }
    virtio_push(v, queue, buf, 0);
    return true;
}

static bool input_notify(struct virtio *v, unsigned queue)
{
    if (queue == STATUS) {
        return virtio_each(v, queue, take_status);
    }
    flush(input_of(v));
    return false;
}

/* --- the configuration space: one item of many, as selected --- */

static void set_bit(uint8_t *c, unsigned bit)
{
    c[C_DATA + bit / 8] |= (uint8_t)(1u << bit % 8);
    c[C_LENGTH] = (uint8_t)MAX(c[C_LENGTH], bit / 8 + 1);
}

static void put_keys(const struct virtio_input *s, uint8_t *c)
{
    for (size_t i = 0; s->sink.key && i < ARRAY_SIZE(key_codes); i++) {
        if (key_codes[i]) {
            set_bit(c, key_codes[i]);
        }
    }
    for (size_t i = 0; s->sink.button && i < ARRAY_SIZE(button_codes); i++) {
        if (button_codes[i]) {
            set_bit(c, button_codes[i]);
        }
    }
}

static void put_event_bits(const struct virtio_input *s, uint8_t *c,
                           unsigned type)
{
    if (type == EV_KEY) {
        put_keys(s, c);
    } else if (type == EV_REL && s->sink.button) {
        set_bit(c, REL_WHEEL);
        set_bit(c, REL_HWHEEL);
    } else if (type == EV_LED && s->sink.key) {
        set_bit(c, LED_NUML);
        set_bit(c, LED_CAPSL);
        set_bit(c, LED_SCROLLL);
    } else if (type == EV_REP && s->sink.key) {
        c[C_LENGTH] = 1;
    }
    if ((type == EV_REL && s->sink.rel) || (type == EV_ABS && s->sink.abs)) {
        set_bit(c, REL_X);
        set_bit(c, REL_Y);
    }
}

static void put_text(uint8_t *c, const char *text)
{
    size_t len = MIN(strlen(text), (size_t)C_DATA_MAX);

    memcpy(c + C_DATA, text, len);
    c[C_LENGTH] = (uint8_t)len;
}

static void put_item(struct virtio_input *s)
{
    uint8_t *c = s->v.config;
    uint8_t subsel = c[C_SUBSEL];

    c[C_LENGTH] = 0;
    memset(c + C_DATA, 0, C_DATA_MAX);
    if (c[C_SELECT] == CFG_NAME && subsel == 0) {
        put_text(c, s->model->name);
    } else if (c[C_SELECT] == CFG_SERIAL && subsel == 0 && s->serial) {
        put_text(c, s->serial);
    } else if (c[C_SELECT] == CFG_IDS && subsel == 0) {
        stl_u16(c + C_DATA, BUS_VIRTUAL);
        stl_u16(c + C_DATA + 2, VENDOR);
        stl_u16(c + C_DATA + 4, s->model->product);
        stl_u16(c + C_DATA + 6, 1);
        c[C_LENGTH] = 8;
    } else if (c[C_SELECT] == CFG_EVENT_BITS) {
        put_event_bits(s, c, subsel);
    } else if (c[C_SELECT] == CFG_ABS_INFO && s->sink.abs && subsel <= REL_Y) {
        stl_u32(c + C_DATA + 4, INPUT_ABS_MAX); /* min, max, fuzz, flat, res */
        c[C_LENGTH] = 20;
    }
}

static void input_config_written(struct virtio *v, unsigned at, unsigned size,
                                 const uint8_t *old)
{
    uint8_t select = v->config[C_SELECT], subsel = v->config[C_SUBSEL];

    memcpy(v->config, old, sizeof(v->config));
    v->config[C_SELECT] = select;
    v->config[C_SUBSEL] = subsel;
    put_item(input_of(v));
}

/* --- the device --- */

/* In front of the others while there is a driver. */
static void attach(struct virtio_input *s, bool on)
{
    struct input *in = s->v.machine->input;

    if (in && s->added) {
        input_remove(in, &s->sink);
    }
    s->added = in && on;
    if (s->added) {
        input_add(in, &s->sink);
    }
}

static void input_started(struct virtio *v)
{
    attach(input_of(v), true);
}

static void input_reset(struct virtio *v)
{
    struct virtio_input *s = input_of(v);

    attach(s, false);
    memset(s->fifo, 0, sizeof(s->fifo));
    s->count = s->ended = 0;
    s->lost = false;
    memset(v->config, 0, sizeof(v->config));
}

static void input_settle(struct virtio *v)
{
    attach(input_of(v), v->status & VIRTIO_DRIVER_OK);
    put_item(input_of(v));
}

static bool input_check(struct virtio *v, GError **error)
{
    const struct virtio_input *s = input_of(v);

    return (s->count <= FIFO && s->ended <= s->count) ||
           fail(error, "virtio-input: more events than there can be");
}

static const struct model models[] = {
    {&virtio_keyboard_type,
     "Rhea Virtio Keyboard",
     1,
     {.key = input_key_event}},
    {&virtio_mouse_type,
     "Rhea Virtio Mouse",
     2,
     {.rel = input_rel_event, .button = input_button_event}},
    {&virtio_tablet_type,
     "Rhea Virtio Tablet",
     3,
     {.abs = input_abs_event, .button = input_button_event}},
};

static bool input_realize(struct virtio *v, GError **error)
{
    struct virtio_input *s = input_of(v);

    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        if (models[i].type == v->dev->type) {
            s->model = &models[i];
        }
    }
    s->sink = s->model->sink;
    s->sink.name = s->model->name;
    s->sink.sync = input_sync_event;
    s->sink.opaque = s;
    virtio_add_queue(v, QUEUE_SIZE);
    virtio_add_queue(v, QUEUE_SIZE);
    v->vectors = 2;
    return true;
}

static void input_unrealize(struct virtio *v)
{
    attach(input_of(v), false);
}

static const struct virtio_type input_type = {
    .name = "virtio-input",
    .id = VIRTIO_ID_INPUT,
    .pci_class = 0x098000,
    .config_size = C_DATA + C_DATA_MAX,
    .realize = input_realize,
    .unrealize = input_unrealize,
    .notify = input_notify,
    .config_written = input_config_written,
    .started = input_started,
    .reset = input_reset,
    .settle = input_settle,
    .check = input_check,
};

static const struct field input_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_input, proxy, false),
    PROP_STR(struct virtio_input, serial, "serial", NULL),
    PROP_STR(struct virtio_input, display, "display", NULL),
    PROP(struct virtio_input, head, 0),
    FIELD_END,
};

static const struct field input_state[] = {
    VIRTIO_PCI_STATE(struct virtio_input, proxy),
    VIRTIO_STATE(struct virtio_input, v),
    FIELD_ARRAY(struct virtio_input, fifo),
    FIELD(struct virtio_input, count),
    FIELD(struct virtio_input, ended),
    FIELD(struct virtio_input, lost),
    FIELD_END,
};

static void input_device_init(struct dev *dev)
{
    struct virtio_input *s =
        container_of(dev, struct virtio_input, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &input_type);
}

/* clang-format off */
#define INPUT_TYPE(nm, text) \
    VIRTIO_PCI_ROW(nm "-pci", nm, text, struct virtio_input, input_props, \
                   input_state, input_device_init)

const struct dev_type virtio_keyboard_type =
    INPUT_TYPE("virtio-keyboard", "keyboard");
const struct dev_type virtio_mouse_type =
    INPUT_TYPE("virtio-mouse", "mouse");
const struct dev_type virtio_tablet_type =
    INPUT_TYPE("virtio-tablet", "tablet: absolute pointer");
/* clang-format on */
