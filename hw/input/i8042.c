/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller, with a keyboard and a mouse.
 *
 * [PS2-TRM] IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * Auxiliary Device Controller".
 *
 * A byte from a device needs time on its cable: the next one is there some
 * 200 us after the last was read (real ones take up to 1 ms), so that handlers
 * that read the port twice see one byte.
 *
 * Not modelled: the password, diagnostic dump, parity and timeout errors.
 */
#include "hw/input/i8042.h"

#include "base/log.h"
#include "hw/isa/isa.h"

enum { /* status, port 64 */
       ST_OBF = 1 << 0,
       ST_SYS = 1 << 2,
       ST_COMMAND = 1 << 3,
       ST_UNLOCKED = 1 << 4,
       ST_AUX = 1 << 5,
};

enum { /* command byte */
       MODE_KBD_INT = 1 << 0,
       MODE_AUX_INT = 1 << 1,
       MODE_SYS = 1 << 2,
       MODE_KBD_OFF = 1 << 4,
       MODE_AUX_OFF = 1 << 5,
       MODE_XLATE = 1 << 6,
};

enum { /* output port */
       OUT_RESET = 1 << 0,
       OUT_A20 = 1 << 1,
       OUT_OBF = 1 << 4,
       OUT_AUX_OBF = 1 << 5,
};

enum {                       /* commands */
       CMD_READ_RAM = 0x20,  /* ..3f */
       CMD_WRITE_RAM = 0x60, /* ..7f */
       CMD_TEST_PASSWORD = 0xa4,
       CMD_AUX_OFF = 0xa7,
       CMD_AUX_ON = 0xa8,
       CMD_AUX_TEST = 0xa9,
       CMD_SELF_TEST = 0xaa,
       CMD_KBD_TEST = 0xab,
       CMD_KBD_OFF = 0xad,
       CMD_KBD_ON = 0xae,
       CMD_READ_INPORT = 0xc0,
       CMD_READ_OUTPORT = 0xd0,
       CMD_WRITE_OUTPORT = 0xd1,
       CMD_WRITE_KBD_BUFFER = 0xd2,
       CMD_WRITE_AUX_BUFFER = 0xd3,
       CMD_WRITE_AUX = 0xd4,
       CMD_A20_OFF = 0xdd,
       CMD_A20_ON = 0xdf,
       CMD_READ_TEST = 0xe0,
       CMD_PULSE = 0xf0, /* ..ff: bits that are 0 are pulsed */
};

enum { INPORT_UNLOCKED = 0x80, PASSWORD_NONE = 0xf1, CABLE_NS = 200000 };

static struct i8042 *i8042_of(struct dev *dev)
{
    return container_of(dev, struct i8042, dev);
}

static void wire_change(struct wire *w, bool level)
{
    if (w->level != level) {
        wire_set(w, level);
    }
}

static void kbc_update_irqs(struct i8042 *s)
{
    bool full = s->status & ST_OBF;
    bool aux = s->status & ST_AUX;

    wire_change(&s->irq_kbd, full && !aux && (s->mode & MODE_KBD_INT));
    wire_change(&s->irq_mouse, full && aux && (s->mode & MODE_AUX_INT));
}

static void kbc_put(struct i8042 *s, uint8_t v, bool aux)
{
    s->out = v;
    s->status |= ST_OBF;
    s->status = (uint8_t)(aux ? s->status | ST_AUX : s->status & ~ST_AUX);
    kbc_update_irqs(s);
}

/* One byte of the keyboard; false: it was a prefix that translation eats. */
static bool kbc_take_key(struct i8042 *s, uint8_t *v)
{
    *v = ps2_take(&s->kbd.queue);
    if (!(s->mode & MODE_XLATE)) {
        return true;
    }
    if (*v == 0xf0) {
        s->released = true;
        return false;
    }
    *v = (uint8_t)(ps2_translate(*v) | (s->released ? 0x80 : 0));
    s->released = false;
    return true;
}

/* Fills the output buffer if it is empty and somebody has a byte for it. */
static void kbc_pump(struct i8042 *s)
{
    bool key = ps2_pending(&s->kbd.queue) && !(s->mode & MODE_KBD_OFF);
    bool aux = ps2_pending(&s->mouse.queue) && !(s->mode & MODE_AUX_OFF);
    uint8_t v;

    if (s->status & ST_OBF) {
        return;
    }
    if (s->answers) {
        s->answers = false;
        kbc_put(s, s->answer, s->answer_aux);
        return;
    }
    if (!key && !aux) {
        return;
    }
    if (clock_now(&s->dev.machine->clock) < s->not_before) {
        timer_set(&s->deliver, s->not_before);
        return;
    }
    while (ps2_pending(&s->kbd.queue) && !(s->mode & MODE_KBD_OFF)) {
        if (kbc_take_key(s, &v)) {
            kbc_put(s, v, false);
            return;
        }
    }
    if (aux) {
        kbc_put(s, ps2_take(&s->mouse.queue), true);
        ps2_mouse_taken(&s->mouse);
    }
}

static void kbc_deliver(void *opaque)
{
    kbc_pump(opaque);
}

/* The controller's own word: comes before what the devices have. */
static void kbc_answer(struct i8042 *s, uint8_t v, bool aux)
{
    s->answer = v;
    s->answer_aux = aux;
    s->answers = true;
    kbc_pump(s);
}

static void kbc_set_mode(struct i8042 *s, uint8_t mode)
{
    s->mode = mode;
    s->status =
        (uint8_t)((s->status & ~ST_SYS) | (mode & MODE_SYS ? ST_SYS : 0));
    kbc_update_irqs(s);
    kbc_pump(s);
}

static void kbc_reset_line(struct i8042 *s)
{
    if (s->cpu_init.set) {
        wire_pulse(&s->cpu_init);
    } else {
        machine_request(s->dev.machine, MACHINE_RESET);
    }
}

static void kbc_set_outport(struct i8042 *s, uint8_t v)
{
    s->outport = v;
    wire_set(&s->a20, v & OUT_A20);
    if (!(v & OUT_RESET)) {
        kbc_reset_line(s);
    }
}

static uint8_t kbc_read_outport(const struct i8042 *s)
{
    return (uint8_t)((s->outport & ~(OUT_OBF | OUT_AUX_OBF)) |
                     (s->irq_kbd.level ? OUT_OBF : 0) |
                     (s->irq_mouse.level ? OUT_AUX_OBF : 0));
}

static void kbc_write_ram(struct i8042 *s, unsigned at, uint8_t v)
{
    if (at == 0) {
        kbc_set_mode(s, v);
    } else {
        s->ram[at] = v;
    }
}

/* Commands by range: reading and writing of the RAM, pulses. */
static void kbc_range_command(struct i8042 *s, uint8_t v)
{
    if ((v & 0xe0) == CMD_READ_RAM) {
        kbc_answer(s, v == CMD_READ_RAM ? s->mode : s->ram[v & 0x1f], false);
    } else if ((v & 0xe0) == CMD_WRITE_RAM) {
        s->command = v;
    } else if (v >= CMD_PULSE) {
        if (!(v & OUT_RESET)) {
            kbc_reset_line(s);
        }
    } else {
        log_guest("i8042: unknown command %#x", v);
    }
}

static void kbc_self_test(struct i8042 *s)
{
    s->status |= ST_SYS;
    s->mode |= MODE_SYS;
    kbc_answer(s, 0x55, false);
}

static void kbc_command(struct i8042 *s, uint8_t v)
{
    s->status |= ST_COMMAND;
    s->command = 0;
    switch (v) {
    case CMD_TEST_PASSWORD: kbc_answer(s, PASSWORD_NONE, false); break;
    case CMD_AUX_OFF: kbc_set_mode(s, s->mode | MODE_AUX_OFF); break;
    case CMD_AUX_ON: kbc_set_mode(s, s->mode & ~MODE_AUX_OFF); break;
    case CMD_AUX_TEST:
    case CMD_KBD_TEST: kbc_answer(s, 0x00, false); break;
    case CMD_SELF_TEST: kbc_self_test(s); break;
    case CMD_KBD_OFF: kbc_set_mode(s, s->mode | MODE_KBD_OFF); break;
    case CMD_KBD_ON: kbc_set_mode(s, s->mode & ~MODE_KBD_OFF); break;
    case CMD_READ_INPORT: kbc_answer(s, INPORT_UNLOCKED, false); break;
    case CMD_READ_OUTPORT: kbc_answer(s, kbc_read_outport(s), false); break;
    case CMD_WRITE_OUTPORT:
    case CMD_WRITE_KBD_BUFFER:
    case CMD_WRITE_AUX_BUFFER:
    case CMD_WRITE_AUX: s->command = v; break;
    case CMD_A20_OFF: kbc_set_outport(s, s->outport & ~OUT_A20); break;
    case CMD_A20_ON: kbc_set_outport(s, s->outport | OUT_A20); break;
    case CMD_READ_TEST: kbc_answer(s, 0x00, false); break;
    default: kbc_range_command(s, v); break;
    }
}

static void kbc_write_data(struct i8042 *s, uint8_t v)
{
    uint8_t command = s->command;

    s->status &= (uint8_t)~ST_COMMAND;
    s->command = 0;
    switch (command) {
    case 0:
        s->mode &= (uint8_t)~MODE_KBD_OFF; /* it must hear its command */
        ps2_kbd_write(&s->kbd, v);
        break;
    case CMD_WRITE_OUTPORT: kbc_set_outport(s, v); break;
    case CMD_WRITE_KBD_BUFFER: kbc_answer(s, v, false); break;
    case CMD_WRITE_AUX_BUFFER: kbc_answer(s, v, true); break;
    case CMD_WRITE_AUX:
        s->mode &= (uint8_t)~MODE_AUX_OFF;
        ps2_mouse_write(&s->mouse, v);
        break;
    default: kbc_write_ram(s, command & 0x1f, v); break;
    }
}

static uint8_t kbc_read_data(struct i8042 *s)
{
    uint8_t v = s->out;

    if (s->status & ST_OBF) {
        s->status &= (uint8_t) ~(ST_OBF | ST_AUX);
        kbc_update_irqs(s);
        s->not_before = clock_now(&s->dev.machine->clock) + CABLE_NS;
        kbc_pump(s);
    }
    return v;
}

static uint64_t data_read(void *opaque, uint64_t at, unsigned size)
{
    return kbc_read_data(opaque);
}

static void data_write(void *opaque, uint64_t at, unsigned size, uint64_t value)
{
    kbc_write_data(opaque, (uint8_t)value);
}

static uint64_t status_read(void *opaque, uint64_t at, unsigned size)
{
    const struct i8042 *s = opaque;

    return s->status;
}

static void command_write(void *opaque, uint64_t at, unsigned size,
                          uint64_t value)
{
    kbc_command(opaque, (uint8_t)value);
}

static const struct region_ops data_ops = {
    .read = data_read,
    .write = data_write,
    .max = 1,
};

static const struct region_ops command_ops = {
    .read = status_read,
    .write = command_write,
    .max = 1,
};

static bool i8042_realize(struct dev *dev, GError **error)
{
    struct i8042 *s = i8042_of(dev);
    struct machine *m = dev->machine;

    timer_init(&s->deliver, &m->clock, kbc_deliver, s);
    ps2_kbd_init(&s->kbd, m->input);
    ps2_mouse_init(&s->mouse);
    s->kbd.queue.ready = s->mouse.queue.ready = kbc_deliver;
    s->kbd.queue.opaque = s->mouse.queue.opaque = s;
    region_init_io(&s->ports[0], "i8042-data", 1, &data_ops, s);
    region_init_io(&s->ports[1], "i8042-command", 1, &command_ops, s);
    if (m->input) {
        input_add(m->input, &s->kbd.sink);
        input_add(m->input, &s->mouse.sink);
    }
    return isa_map(m, &s->ports[0], 0x60, error) &&
           isa_map(m, &s->ports[1], 0x64, error);
}

static void i8042_unrealize(struct dev *dev)
{
    struct i8042 *s = i8042_of(dev);

    timer_cancel(&s->deliver);
    region_remove(&s->ports[0]);
    region_remove(&s->ports[1]);
    if (dev->machine->input) {
        input_remove(dev->machine->input, &s->kbd.sink);
        input_remove(dev->machine->input, &s->mouse.sink);
    }
}

static void i8042_reset(struct dev *dev)
{
    struct i8042 *s = i8042_of(dev);

    timer_cancel(&s->deliver);
    s->status = ST_COMMAND | ST_UNLOCKED;
    s->mode = MODE_KBD_INT | MODE_AUX_INT;
    s->outport = OUT_RESET | OUT_A20;
    s->command = 0;
    s->out = 0;
    s->answers = false;
    s->released = false;
    s->not_before = 0;
    ps2_kbd_reset(&s->kbd);
    ps2_mouse_reset(&s->mouse);
}

static void i8042_settle(struct dev *dev)
{
    struct i8042 *s = i8042_of(dev);

    wire_set(&s->a20, s->outport & OUT_A20);
    kbc_update_irqs(s);
    wire_set(&s->irq_kbd, s->irq_kbd.level);
    wire_set(&s->irq_mouse, s->irq_mouse.level);
    if (s->kbd.input) {
        input_set_leds(s->kbd.input, s->kbd.leds);
    }
    kbc_pump(s);
}

static bool i8042_check(struct dev *dev, GError **error)
{
    const struct i8042 *s = i8042_of(dev);

    if (!ps2_kbd_valid(&s->kbd) || !ps2_mouse_valid(&s->mouse)) {
        return fail(error, "i8042: impossible queue or scan code set");
    }
    return true;
}

static const struct field i8042_state[] = {
    FIELD(struct i8042, status),
    FIELD(struct i8042, mode),
    FIELD(struct i8042, outport),
    FIELD(struct i8042, command),
    FIELD(struct i8042, out),
    FIELD_ARRAY(struct i8042, ram),
    FIELD(struct i8042, answer),
    FIELD(struct i8042, answers),
    FIELD(struct i8042, answer_aux),
    FIELD(struct i8042, released),
    FIELD(struct i8042, not_before),
    PS2_KBD_STATE(struct i8042, kbd, "kbd"),
    PS2_MOUSE_STATE(struct i8042, mouse, "mouse"),
    FIELD_END,
};

const struct dev_type i8042_type = {
    .name = "i8042",
    .desc = "keyboard controller with PS/2 keyboard and mouse",
    .bus = "ISA",
    .size = sizeof(struct i8042),
    .version = 1,
    .hidden = true,
    .state = i8042_state,
    .realize = i8042_realize,
    .unrealize = i8042_unrealize,
    .reset = i8042_reset,
    .settle = i8042_settle,
    .check = i8042_check,
};
