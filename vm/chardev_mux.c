/* SPDX-License-Identifier: MIT */
/*
 * One stream, several front ends: the serial line and the monitor on one
 * terminal. Ctrl-A (-echr) is the escape: h help, x quit, s flush, b break, c switch,
 * t timestamps, Ctrl-A itself.
 */
#include "vm/chardev_mux.h"

#include <string.h>

#include "block/drive.h"

enum { PORTS = 4 };

struct mux;

struct mux_port {
    struct chardev chardev;
    struct mux *mux;
};

struct mux {
    struct machine *machine;
    struct chardev *base;
    struct mux_port port[PORTS];
    unsigned ports;
    unsigned focus;
    uint8_t escape; /* the key: -echr */
    bool escaped;
    bool timestamps, line_start;
    uint8_t held[256]; /* input for a front end without room */
    unsigned held_len;
};

static struct mux_port *port_of(struct chardev *c)
{
    return container_of(c, struct mux_port, chardev);
}

static void mux_print(struct mux *m, const char *text)
{
    chardev_write(m->base, text, (unsigned)strlen(text));
}

static void mux_stamp(struct mux *m)
{
    int64_t ms = clock_now(&m->machine->clock) / NS_PER_MS;
    g_autofree char *text = g_strdup_printf(
        "[%02d:%02d:%02d.%03d] ", (int)(ms / 3600000), (int)(ms / 60000 % 60),
        (int)(ms / 1000 % 60), (int)(ms % 1000));

    mux_print(m, text);
}

static unsigned mux_write(struct chardev *c, const uint8_t *buf, unsigned len)
{
    struct mux *m = port_of(c)->mux;

    if (!m->timestamps) {
        return chardev_write(m->base, buf, len);
    }
    for (unsigned i = 0; i < len; i++) {
        if (m->line_start) {
            mux_stamp(m);
        }
        chardev_write(m->base, buf + i, 1);
        m->line_start = buf[i] == '\n';
    }
    return len;
}

/* Hands held input to the front end in front, as far as it has room. */
static void mux_deliver(struct mux *m)
{
    const struct chardev_front *f = &m->port[m->focus].chardev.front;
    unsigned room = m->held_len;

    if (!f->receive) {
        m->held_len = 0;
        return;
    }
    if (f->can_receive) {
        room = MIN(room, f->can_receive(f->opaque));
    }
    if (room) {
        f->receive(f->opaque, m->held, room);
        m->held_len -= room;
        memmove(m->held, m->held + room, m->held_len);
    }
}

static void mux_accept_input(struct chardev *c)
{
    struct mux *m = port_of(c)->mux;

    mux_deliver(m);
    chardev_accept_input(m->base);
}

static void port_event(struct mux_port *p, enum chardev_event event)
{
    if (p->chardev.front.event) {
        p->chardev.front.event(p->chardev.front.opaque, event);
    }
}

static void mux_switch(struct mux *m)
{
    mux_deliver(m);
    port_event(&m->port[m->focus], CHARDEV_UNFOCUS);
    m->focus = (m->focus + 1) % m->ports;
    port_event(&m->port[m->focus], CHARDEV_FOCUS);
}

static void mux_help(struct mux *m)
{
    static const struct {
        char key;
        const char *what;
    } keys[] = {
        {'h', "this help"},
        {'x', "end the emulator"},
        {'s', "write disk data out"},
        {'b', "send a break"},
        {'c', "switch between serial line and monitor"},
        {'t', "time stamps on or off"},
    };
    g_autofree char *escape = m->escape && m->escape <= 26
                                  ? g_strdup_printf("Ctrl-%c", '@' + m->escape)
                                  : g_strdup_printf("key 0x%02x", m->escape);
    g_autoptr(GString) s = g_string_new("\r\n");

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        g_string_append_printf(s, "%s %c  %s\r\n", escape, keys[i].key,
                               keys[i].what);
    }
    g_string_append_printf(s, "%s %s  send %s\r\n", escape, escape, escape);
    mux_print(m, s->str);
}

static void flush_done(struct drive_req *req, int error)
{
    g_free(req);
}

/* Everything that guests have written goes to the disks. */
static void mux_flush(struct mux *m)
{
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, m->machine->backends[BACKEND_DRIVE]);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        struct drive *d = value;
        struct drive_req *req;

        if (drive_has_medium(d)) {
            req = g_new(struct drive_req, 1);
            *req = (struct drive_req){.op = DRIVE_FLUSH, .done = flush_done};
            drive_submit(d, req);
        }
    }
}

/* True where the byte is input after all. */
static bool mux_command(struct mux *m, uint8_t key)
{
    if (key == m->escape) {
        return true;
    }
    switch (key) {
    case 'h':
    case '?': mux_help(m); break;
    case 'x':
        mux_print(m, "\r\nrhea: ended by Ctrl-A x\r\n");
        machine_request(m->machine, MACHINE_QUIT);
        break;
    case 'b': port_event(&m->port[m->focus], CHARDEV_BREAK); break;
    case 's': mux_flush(m); break;
    case 'c': mux_switch(m); break;
    case 't':
        m->timestamps = !m->timestamps;
        m->line_start = true;
        break;
    default: break;
    }
    return false;
}

static unsigned base_can_receive(void *opaque)
{
    struct mux *m = opaque;

    mux_deliver(m);
    return (unsigned)sizeof(m->held) - m->held_len;
}

static void base_receive(void *opaque, const uint8_t *buf, unsigned len)
{
    struct mux *m = opaque;

    for (unsigned i = 0; i < len; i++) {
        if (m->escaped) {
            m->escaped = false;
            if (!mux_command(m, buf[i])) {
                continue;
            }
        } else if (buf[i] == m->escape) {
            m->escaped = true;
            continue;
        }
        m->held[m->held_len++] = buf[i];
    }
    mux_deliver(m);
}

static void base_event(void *opaque, enum chardev_event event)
{
    struct mux *m = opaque;

    for (unsigned i = 0; i < m->ports; i++) {
        if (event == CHARDEV_OPENED || event == CHARDEV_CLOSED) {
            m->port[i].chardev.open = event == CHARDEV_OPENED;
        }
        port_event(&m->port[i], event);
    }
}

static void base_writable(void *opaque)
{
    struct mux *m = opaque;

    for (unsigned i = 0; i < m->ports; i++) {
        const struct chardev_front *f = &m->port[i].chardev.front;

        if (f->writable) {
            f->writable(f->opaque);
        }
    }
}

static void mux_start(struct chardev *c)
{
    struct chardev *base = port_of(c)->mux->base;

    if (base->ops->start) {
        base->ops->start(base);
    }
}

static void mux_size(const struct chardev *c, unsigned *cols, unsigned *rows)
{
    const struct mux_port *p = container_of(c, const struct mux_port, chardev);
    const struct chardev *base = p->mux->base;

    if (base->ops->size) {
        base->ops->size(base, cols, rows);
    }
}

static char *mux_describe(const struct chardev *c)
{
    const struct mux_port *p = container_of(c, const struct mux_port, chardev);
    g_autofree char *base = p->mux->base->ops->describe(p->mux->base);

    return g_strdup_printf("mux:%s", base);
}

/* Of the first port: only that one is registered. */
static void mux_free(struct chardev *c)
{
    struct mux *m = port_of(c)->mux;

    for (unsigned i = 0; i < m->ports; i++) {
        g_free(m->port[i].chardev.id);
    }
    chardev_free(m->base);
    g_free(m);
}

static const struct chardev_ops mux_ops = {
    .name = "mux",
    .write = mux_write,
    .start = mux_start,
    .accept_input = mux_accept_input,
    .size = mux_size,
    .describe = mux_describe,
    .free = mux_free,
};

static struct chardev *mux_add_port(struct mux *m, const char *id)
{
    struct mux_port *p = &m->port[m->ports++];

    p->mux = m;
    p->chardev.ops = &mux_ops;
    p->chardev.id = g_strdup(id);
    p->chardev.open = m->base->open;
    return &p->chardev;
}

struct chardev *chardev_mux_new(struct machine *machine, struct chardev *base,
                                uint8_t escape)
{
    struct mux *m = g_new0(struct mux, 1);
    const struct chardev_front front = {
        .can_receive = base_can_receive,
        .receive = base_receive,
        .event = base_event,
        .writable = base_writable,
        .opaque = m,
    };

    m->machine = machine;
    m->base = base;
    m->escape = escape;
    mux_add_port(m, base->id);
    chardev_attach(base, &front, NULL);
    return &m->port[0].chardev;
}

bool chardev_is_mux(const struct chardev *c)
{
    return c->ops == &mux_ops;
}

bool chardev_has_focus(const struct chardev *c)
{
    const struct mux_port *p = container_of(c, const struct mux_port, chardev);

    return !chardev_is_mux(c) || p == &p->mux->port[p->mux->focus];
}

struct chardev *chardev_mux_port(struct chardev *c)
{
    struct mux *m = port_of(c)->mux;

    assert(chardev_is_mux(c));
    return m->ports < PORTS ? mux_add_port(m, c->id) : NULL;
}
