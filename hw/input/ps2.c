/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard and mouse.
 *
 * [PS2-TRM] IBM PS/2 Hardware Interface Technical Reference, "Keyboards" and
 * "Mouse". [INTELLIMOUSE] Microsoft, "Intellimouse and Explorer protocols".
 *
 * The keyboard repeats keys as the host does, at the host's rate. It sends
 * set 2 by itself; set 1 comes from the same table through the translation
 * that controllers do.
 *
 * Not modelled: shift codes around the cursor keys while Num Lock or Shift is
 * active, sample rates (the mouse reports as fast as it is read).
 */
#include "hw/input/ps2.h"

#include <string.h>

enum { ACK = 0xfa, RESEND = 0xfe, BAT_OK = 0xaa, ECHO = 0xee };

enum {
    KBD_SET_LEDS = 0xed,
    KBD_ECHO = 0xee,
    KBD_SCAN_SET = 0xf0,
    KBD_READ_ID = 0xf2,
    KBD_SET_RATE = 0xf3,
    KBD_ENABLE = 0xf4,
    KBD_DISABLE = 0xf5,
    KBD_DEFAULTS = 0xf6,
    KBD_ALL_FIRST = 0xf7, /* f7..fa: the type of all keys */
    KBD_ALL_LAST = 0xfa,
    KBD_KEY_FIRST = 0xfb, /* fb..fd: the type of the keys that follow */
    KBD_KEY_LAST = 0xfd,
    KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,
};

enum { /* HID usages that need more than a table */
       USAGE_PRINT = 0x46,
       USAGE_PAUSE = 0x48,
       USAGE_HANGUL = 0x90,
       USAGE_HANJA = 0x91,
       USAGE_LCTRL = 0xe0,
       USAGE_LSHIFT = 0xe1,
       USAGE_LALT = 0xe2,
       USAGE_RCTRL = 0xe4,
       USAGE_RSHIFT = 0xe5,
       USAGE_RALT = 0xe6,
};

struct key {
    uint16_t set2;
    uint8_t set3;
};

/* clang-format off */
#define KEY(usage, s2, s3) [usage] = {s2, s3},
static const struct key keys[256] = {
#include "hw/input/ps2_keys.def"
};
#undef KEY
/* clang-format on */

/* Scan codes of set 1 by those of set 2, as every 8042 translates. */
static const uint8_t set2_to_set1[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40,
    0x3e, 0x0f, 0x29, 0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a,
    0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20,
    0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
    0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60,
    0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74,
    0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b,
    0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
    0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

uint8_t ps2_translate(uint8_t v)
{
    return v < 0x80 ? set2_to_set1[v] : v == 0x83 ? 0x41 : v == 0x84 ? 0x54 : v;
}

/* Bits of a set of 256. */
static bool bit_get(const uint8_t *bits, uint8_t n)
{
    return bits[n >> 3] >> (n & 7) & 1;
}

static void bit_set(uint8_t *bits, uint8_t n, bool on)
{
    uint8_t mask = (uint8_t)(1 << (n & 7));

    bits[n >> 3] = (uint8_t)(on ? bits[n >> 3] | mask : bits[n >> 3] & ~mask);
}

static void queue_ready(struct ps2_queue *q)
{
    if (q->ready && ps2_pending(q)) {
        q->ready(q->opaque);
    }
}

static void queue_reply(struct ps2_queue *q, uint8_t v)
{
    if (q->replies < sizeof(q->reply)) {
        q->reply[q->replies++] = v;
    }
}

static unsigned queue_room(const struct ps2_queue *q)
{
    return sizeof(q->data) - q->count;
}

static void queue_put(struct ps2_queue *q, uint8_t v)
{
    q->data[(q->first + q->count++) % sizeof(q->data)] = v;
}

static void queue_flush(struct ps2_queue *q)
{
    q->replies = 0;
    q->count = 0;
    q->first = 0;
}

uint8_t ps2_take(struct ps2_queue *q)
{
    if (q->replies) {
        q->last = q->reply[0];
        memmove(q->reply, q->reply + 1, --q->replies);
    } else if (q->count) {
        q->last = q->data[q->first];
        q->first = (uint8_t)((q->first + 1) % sizeof(q->data));
        q->count--;
    } else {
        return 0;
    }
    return q->last;
}

static bool queue_valid(const struct ps2_queue *q)
{
    return q->replies <= sizeof(q->reply) && q->count <= sizeof(q->data) &&
           q->first < sizeof(q->data);
}

/* The codes of one key event, whole or, where there is no room, an overrun. */
static void kbd_send(struct ps2_kbd *k, const uint8_t *codes, unsigned count)
{
    struct ps2_queue *q = &k->queue;

    if (queue_room(q) > count) { /* the last place is for the overrun code */
        for (unsigned i = 0; i < count; i++) {
            queue_put(q, codes[i]);
        }
    } else if (queue_room(q) > 0) {
        queue_put(q, k->set == 1 ? 0xff : 0x00);
    }
    queue_ready(q);
}

/* A code of set 2 in the set that is chosen, 1 or 2. */
static unsigned kbd_code(const struct ps2_kbd *k, uint8_t *out, uint16_t code,
                         bool down)
{
    uint8_t low = (uint8_t)code;
    unsigned n = 0;

    if (code >> 8) {
        out[n++] = (uint8_t)(code >> 8);
    }
    if (k->set == 1) {
        out[n++] = (uint8_t)(ps2_translate(low) | (down ? 0 : 0x80));
        return n;
    }
    if (!down) {
        out[n++] = 0xf0;
    }
    out[n++] = low;
    return n;
}

static bool kbd_is_down(const struct ps2_kbd *k, uint8_t a, uint8_t b)
{
    return bit_get(k->down, a) || bit_get(k->down, b);
}

/* Alt makes it SysRq; Shift or Control leave out the false shift. */
static void kbd_print_screen(struct ps2_kbd *k, bool down)
{
    uint8_t codes[6];
    unsigned n = 0;
    bool plain = !kbd_is_down(k, USAGE_LSHIFT, USAGE_RSHIFT) &&
                 !kbd_is_down(k, USAGE_LCTRL, USAGE_RCTRL);

    if (kbd_is_down(k, USAGE_LALT, USAGE_RALT)) {
        n = kbd_code(k, codes, 0x84, down);
    } else if (down) {
        n = plain ? kbd_code(k, codes, 0xe012, true) : 0;
        n += kbd_code(k, codes + n, 0xe07c, true);
    } else {
        n = kbd_code(k, codes, 0xe07c, false);
        n += plain ? kbd_code(k, codes + n, 0xe012, false) : 0;
    }
    kbd_send(k, codes, n);
}

/* Pause has no break code; with Control it is Break. */
static void kbd_pause(struct ps2_kbd *k, bool down)
{
    uint8_t codes[8];
    unsigned n = 0;

    if (!down) {
        return;
    }
    if (kbd_is_down(k, USAGE_LCTRL, USAGE_RCTRL)) {
        n = kbd_code(k, codes, 0xe07e, true);
        n += kbd_code(k, codes + n, 0xe07e, false);
    } else {
        codes[n++] = 0xe1;
        n += kbd_code(k, codes + n, 0x14, true);
        n += kbd_code(k, codes + n, 0x77, true);
        codes[n++] = 0xe1;
        n += kbd_code(k, codes + n, 0x14, false);
        n += kbd_code(k, codes + n, 0x77, false);
    }
    kbd_send(k, codes, n);
}

static void kbd_key_set3(struct ps2_kbd *k, uint8_t usage, bool down,
                         bool repeat)
{
    uint8_t code = usage == USAGE_PRINT   ? 0x57
                   : usage == USAGE_PAUSE ? 0x62
                                          : keys[usage].set3;
    uint8_t codes[2] = {0xf0, code};

    if (code == 0 || (repeat && bit_get(k->no_repeat, code)) ||
        (!down && bit_get(k->make_only, code))) {
        return;
    }
    kbd_send(k, down ? codes + 1 : codes, down ? 1 : 2);
}

static void kbd_key(void *opaque, unsigned hid_usage, bool down)
{
    struct ps2_kbd *k = opaque;
    uint8_t usage = (uint8_t)hid_usage;
    uint8_t codes[4];
    bool repeat;

    if (hid_usage > 0xff) {
        return;
    }
    repeat = down && bit_get(k->down, usage);
    bit_set(k->down, usage, down);
    if (!k->enabled || (repeat && usage == USAGE_PAUSE)) {
        return;
    }
    if (k->set == 3) {
        kbd_key_set3(k, usage, down, repeat);
    } else if (usage == USAGE_PRINT) {
        kbd_print_screen(k, down);
    } else if (usage == USAGE_PAUSE) {
        kbd_pause(k, down);
    } else if (usage == USAGE_HANGUL || usage == USAGE_HANJA) {
        if (down) { /* these have no break code */
            codes[0] = (uint8_t)keys[usage].set2;
            kbd_send(k, codes, 1);
        }
    } else if (keys[usage].set2) {
        kbd_send(k, codes, kbd_code(k, codes, keys[usage].set2, down));
    }
}

/* What the defaults command restores; LEDs and the set stay. */
static void kbd_defaults(struct ps2_kbd *k)
{
    k->rate = 0x2b; /* 10.9 a second after 500 ms */
    memset(k->make_only, 0, sizeof(k->make_only));
    memset(k->no_repeat, 0, sizeof(k->no_repeat));
    queue_flush(&k->queue);
}

static void kbd_set_leds(struct ps2_kbd *k, uint8_t leds)
{
    k->leds = leds & 7;
    if (k->input) {
        input_set_leds(k->input, k->leds);
    }
}

void ps2_kbd_reset(struct ps2_kbd *k)
{
    kbd_defaults(k);
    k->command = 0;
    k->set = 2;
    k->enabled = true;
    k->queue.last = 0;
    memset(k->down, 0, sizeof(k->down));
    kbd_set_leds(k, 0);
}

/* The byte after ED, F0, F3, FB, FC, FD. */
static void kbd_parameter(struct ps2_kbd *k, uint8_t v)
{
    struct ps2_queue *q = &k->queue;
    uint8_t command = k->command;

    k->command = 0;
    queue_reply(q, ACK);
    switch (command) {
    case KBD_SET_LEDS: kbd_set_leds(k, v); break;
    case KBD_SET_RATE: k->rate = v & 0x7f; break;
    case KBD_SCAN_SET:
        if (v == 0) {
            queue_reply(q, k->set);
        } else if (v <= 3) {
            k->set = v;
            q->count = 0;
        } else {
            q->reply[q->replies - 1] = RESEND;
        }
        break;
    default: /* fb typematic, fc make and break, fd make; until a command */
        bit_set(k->make_only, v, command != 0xfc);
        bit_set(k->no_repeat, v, command != 0xfb);
        k->command = command;
        break;
    }
}

/* F7 typematic, F8 make and break, F9 make, FA typematic with break. */
static void kbd_all_keys(struct ps2_kbd *k, uint8_t command)
{
    bool make_only = command == 0xf7 || command == 0xf9;
    bool no_repeat = command == 0xf8 || command == 0xf9;

    memset(k->make_only, make_only ? 0xff : 0, sizeof(k->make_only));
    memset(k->no_repeat, no_repeat ? 0xff : 0, sizeof(k->no_repeat));
}

static void kbd_command(struct ps2_kbd *k, uint8_t v)
{
    struct ps2_queue *q = &k->queue;

    k->command = 0;
    switch (v) {
    case KBD_ECHO: queue_reply(q, ECHO); return;
    case KBD_RESEND: queue_reply(q, q->last); return;
    case KBD_SET_LEDS:
    case KBD_SCAN_SET:
    case KBD_SET_RATE: k->command = v; break;
    case KBD_READ_ID:
        queue_reply(q, ACK);
        queue_reply(q, 0xab);
        queue_reply(q, 0x83);
        return;
    case KBD_ENABLE:
        queue_flush(q);
        k->enabled = true;
        break;
    case KBD_DISABLE:
        kbd_defaults(k);
        k->enabled = false;
        break;
    case KBD_DEFAULTS: kbd_defaults(k); break;
    case KBD_RESET:
        ps2_kbd_reset(k);
        queue_reply(q, ACK);
        queue_reply(q, BAT_OK);
        return;
    default:
        if (v >= KBD_ALL_FIRST && v <= KBD_ALL_LAST) {
            kbd_all_keys(k, v);
        } else if (v >= KBD_KEY_FIRST && v <= KBD_KEY_LAST) {
            k->command = v;
        } else {
            queue_reply(q, RESEND);
            return;
        }
    }
    queue_reply(q, ACK);
}

void ps2_kbd_write(struct ps2_kbd *k, uint8_t v)
{
    /* A command in place of a parameter is taken as a command. */
    if (k->command && v < 0xed) {
        kbd_parameter(k, v);
    } else {
        kbd_command(k, v);
    }
    queue_ready(&k->queue);
}

void ps2_kbd_init(struct ps2_kbd *k, struct input *input)
{
    k->input = input;
    k->sink = (struct input_sink){
        .name = "PS/2 Keyboard", .key = kbd_key, .opaque = k};
}

bool ps2_kbd_valid(const struct ps2_kbd *k)
{
    return queue_valid(&k->queue) && k->set >= 1 && k->set <= 3;
}

enum {
    MOUSE_SCALING_OFF = 0xe6,
    MOUSE_SCALING_ON = 0xe7,
    MOUSE_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9,
    MOUSE_STREAM = 0xea,
    MOUSE_READ = 0xeb,
    MOUSE_UNWRAP = 0xec,
    MOUSE_WRAP = 0xee,
    MOUSE_REMOTE = 0xf0,
    MOUSE_READ_ID = 0xf2,
    MOUSE_RATE = 0xf3,
    MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5,
    MOUSE_DEFAULTS = 0xf6,
    MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,
};

enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_EXPLORER = 4 };

static unsigned mouse_packet_size(const struct ps2_mouse *m)
{
    return m->id == ID_PLAIN ? 3 : 4;
}

/* 2:1 scaling, for stream mode. */
static int mouse_scale(const struct ps2_mouse *m, int d)
{
    static const uint8_t scaled[] = {0, 1, 1, 3, 6, 9};
    int size = ABS(d);

    if (!m->scaling || m->remote) {
        return d;
    }
    size = size < 6 ? scaled[size] : 2 * size;
    return CLAMP(d < 0 ? -size : size, -255, 255);
}

/* One report; what does not fit in it stays for the next. */
static unsigned mouse_packet(struct ps2_mouse *m, uint8_t *p)
{
    int dx = CLAMP(m->dx, -255, 255);
    int dy = CLAMP(m->dy, -255, 255);
    int dz = CLAMP(m->dz, -8, 7);
    int sx = mouse_scale(m, dx);
    int sy = mouse_scale(m, dy);

    m->dx -= dx;
    m->dy -= dy;
    m->dz = m->id == ID_PLAIN ? 0 : m->dz - dz;
    m->sent_buttons = m->buttons;
    p[0] = (uint8_t)(0x08 | (m->buttons & 7) | (sx < 0) << 4 | (sy < 0) << 5);
    p[1] = (uint8_t)sx;
    p[2] = (uint8_t)sy;
    p[3] = m->id == ID_EXPLORER
               ? (uint8_t)((dz & 15) | (m->buttons & 0x18) << 1)
               : (uint8_t)dz;
    return mouse_packet_size(m);
}

static bool mouse_has_news(const struct ps2_mouse *m)
{
    uint8_t known = m->id == ID_EXPLORER ? 0x1f : 7;

    return m->dx || m->dy || (m->dz && m->id != ID_PLAIN) ||
           ((m->buttons ^ m->sent_buttons) & known);
}

static void mouse_stream(struct ps2_mouse *m)
{
    uint8_t p[4];
    unsigned n;

    if (!m->enabled || m->remote || m->wrap || !mouse_has_news(m) ||
        queue_room(&m->queue) < mouse_packet_size(m)) {
        return;
    }
    n = mouse_packet(m, p);
    for (unsigned i = 0; i < n; i++) {
        queue_put(&m->queue, p[i]);
    }
    queue_ready(&m->queue);
}

/* Motion gathers while a report waits; its end sends the next. */
void ps2_mouse_taken(struct ps2_mouse *m)
{
    if (!ps2_pending(&m->queue)) {
        mouse_stream(m);
    }
}

static int32_t add_clamped(int32_t a, int b)
{
    return (int32_t)CLAMP((int64_t)a + b, -8192, 8191);
}

static void mouse_rel(void *opaque, int dx, int dy)
{
    struct ps2_mouse *m = opaque;

    if (m->enabled || m->remote) {
        m->dx = add_clamped(m->dx, dx);
        m->dy = add_clamped(m->dy, -dy);
    }
}

static void mouse_button(void *opaque, enum input_button button, bool down)
{
    static const uint8_t bits[] = {
        [INPUT_LEFT] = 1, [INPUT_RIGHT] = 2,  [INPUT_MIDDLE] = 4,
        [INPUT_SIDE] = 8, [INPUT_EXTRA] = 16, [INPUT_WHEEL_RIGHT] = 0,
    };
    struct ps2_mouse *m = opaque;

    if (button == INPUT_WHEEL_UP || button == INPUT_WHEEL_DOWN) {
        if (down && m->enabled) {
            m->dz = add_clamped(m->dz, button == INPUT_WHEEL_UP ? -1 : 1);
        }
    } else if ((unsigned)button < ARRAY_SIZE(bits)) {
        m->buttons = (uint8_t)(down ? m->buttons | bits[button]
                                    : m->buttons & ~bits[button]);
        mouse_stream(m); /* at once: a quick click is two reports */
    }
}

static void mouse_sync(void *opaque)
{
    struct ps2_mouse *m = opaque;

    if (m->queue.count == 0) {
        mouse_stream(m);
    }
}

static void mouse_defaults(struct ps2_mouse *m)
{
    m->command = 0;
    m->enabled = false;
    m->remote = false;
    m->wrap = false;
    m->scaling = false;
    m->resolution = 2;
    m->rate = 100;
    m->history[0] = m->history[1] = 0;
    m->dx = m->dy = m->dz = 0;
    queue_flush(&m->queue);
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
    mouse_defaults(m);
    m->id = ID_PLAIN;
    m->queue.last = 0;
    m->buttons = 0;
    m->sent_buttons = 0;
}

/* The knocks that turn it into a wheel mouse. [INTELLIMOUSE] */
static void mouse_set_rate(struct ps2_mouse *m, uint8_t rate)
{
    if (m->history[0] == 200 && m->history[1] == 100 && rate == 80) {
        m->id = ID_WHEEL;
    } else if (m->history[0] == 200 && m->history[1] == 200 && rate == 80) {
        m->id = ID_EXPLORER;
    }
    m->history[0] = m->history[1];
    m->history[1] = rate;
    m->rate = rate;
}

static void mouse_status(struct ps2_mouse *m)
{
    struct ps2_queue *q = &m->queue;

    queue_reply(q,
                (uint8_t)(m->remote << 6 | m->enabled << 5 | m->scaling << 4 |
                          (m->buttons & 1) << 2 | (m->buttons >> 2 & 1) << 1 |
                          (m->buttons >> 1 & 1)));
    queue_reply(q, m->resolution);
    queue_reply(q, m->rate);
}

/* What has nothing to do beyond its acknowledge and a change of state. */
static bool mouse_simple_command(struct ps2_mouse *m, uint8_t v)
{
    switch (v) {
    case MOUSE_SCALING_OFF: m->scaling = false; return true;
    case MOUSE_SCALING_ON: m->scaling = true; return true;
    case MOUSE_STREAM: m->remote = false; return true;
    case MOUSE_REMOTE: m->remote = true; return true;
    case MOUSE_WRAP: m->wrap = true; return true;
    case MOUSE_UNWRAP: m->wrap = false; return true;
    case MOUSE_ENABLE: m->enabled = true; return true;
    case MOUSE_DISABLE: m->enabled = false; return true;
    case MOUSE_DEFAULTS: mouse_defaults(m); return true;
    case MOUSE_RATE:
    case MOUSE_RESOLUTION: m->command = v; return true;
    default: return false;
    }
}

static void mouse_command(struct ps2_mouse *m, uint8_t v)
{
    struct ps2_queue *q = &m->queue;
    uint8_t packet[4];

    if (v == MOUSE_RESEND) {
        queue_reply(q, q->last);
        return;
    }
    q->replies = 0;
    q->count = 0; /* a report under way is dropped, [PS2-TRM] */
    if (mouse_simple_command(m, v)) {
        queue_reply(q, ACK);
        return;
    }
    switch (v) {
    case MOUSE_STATUS:
        queue_reply(q, ACK);
        mouse_status(m);
        break;
    case MOUSE_READ:
        queue_reply(q, ACK);
        for (unsigned i = 0, n = mouse_packet(m, packet); i < n; i++) {
            queue_reply(q, packet[i]);
        }
        break;
    case MOUSE_READ_ID:
        queue_reply(q, ACK);
        queue_reply(q, m->id);
        break;
    case MOUSE_RESET:
        ps2_mouse_reset(m);
        queue_reply(q, ACK);
        queue_reply(q, BAT_OK);
        queue_reply(q, ID_PLAIN);
        break;
    default: queue_reply(q, RESEND); break;
    }
}

static void mouse_parameter(struct ps2_mouse *m, uint8_t v)
{
    if (m->command == MOUSE_RATE) {
        mouse_set_rate(m, v);
    } else {
        m->resolution = v & 3;
    }
    m->command = 0;
    queue_reply(&m->queue, ACK);
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t v)
{
    if (m->wrap && v != MOUSE_RESET && v != MOUSE_UNWRAP) {
        queue_reply(&m->queue, v);
    } else if (m->command) {
        mouse_parameter(m, v);
    } else {
        mouse_command(m, v);
    }
    queue_ready(&m->queue);
}

void ps2_mouse_init(struct ps2_mouse *m)
{
    m->sink = (struct input_sink){
        .name = "PS/2 Mouse",
        .rel = mouse_rel,
        .button = mouse_button,
        .sync = mouse_sync,
        .opaque = m,
    };
}

bool ps2_mouse_valid(const struct ps2_mouse *m)
{
    return queue_valid(&m->queue) && ABS((int64_t)m->dx) <= 8192 &&
           ABS((int64_t)m->dy) <= 8192 && ABS((int64_t)m->dz) <= 8192;
}
