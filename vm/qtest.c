/* SPDX-License-Identifier: MIT */
#include "vm/qtest.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "hw/intc/i8259.h"
#include "hw/isa/isa.h"
#include "vm/session.h"

enum { IRQS = 16, DATA_MAX = 16 * 1024 * 1024 };

struct qtest_wire {
    struct qtest *qtest;
    struct wire *wire;
    struct wire old; /* where it went, and still goes */
    unsigned n;
    bool level;
};

struct qtest {
    struct session session;
    GString *line;
    FILE *log;
    int64_t started; /* us */
    bool intercepted;
    struct qtest_wire wire[IRQS];
};

/* --- talking --- */

static void qtest_log(struct qtest *q, const char *what, const char *text)
{
    if (q->log) {
        fprintf(q->log, "[%s +%f] %s\n", what,
                (double)(g_get_monotonic_time() - q->started) / 1e6, text);
        fflush(q->log);
    }
}

static void qtest_send(struct qtest *q, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

static void qtest_send(struct qtest *q, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    qtest_log(q, "S", text);
    line = g_strconcat(text, "\n", NULL);
    session_write(&q->session, line, strlen(line));
}

/* --- commands --- */

struct command {
    const char *name;
    unsigned size; /* of the access */
    unsigned args; /* at least */
    void (*run)(struct qtest *q, const struct command *c, char **arg);
};

static bool number(struct qtest *q, const char *text, uint64_t *value)
{
    if (text_to_uint(text, UINT64_MAX, value)) {
        return true;
    }
    qtest_send(q, "FAIL '%s' is not a number", text);
    return false;
}

/* Address and length of a piece of memory. */
static bool range(struct qtest *q, char **arg, uint64_t *addr, uint64_t *len)
{
    if (!number(q, arg[0], addr) || !number(q, arg[1], len)) {
        return false;
    }
    if (*len > DATA_MAX) {
        qtest_send(q, "FAIL too long");
        return false;
    }
    return true;
}

static struct space *space_of(struct qtest *q, const struct command *c)
{
    struct machine *m = q->session.machine;

    return c->name[0] == 'i' || c->name[0] == 'o' ? &m->ports : &m->memory;
}

static void run_in(struct qtest *q, const struct command *c, char **arg)
{
    uint64_t addr;

    if (number(q, arg[0], &addr)) {
        uint64_t v = space_read(space_of(q, c), addr, c->size);

        if (c->name[0] == 'i') {
            qtest_send(q, "OK 0x%04x", (unsigned)v);
        } else {
            qtest_send(q, "OK 0x%016" G_GINT64_MODIFIER "x", v);
        }
    }
}

static void run_out(struct qtest *q, const struct command *c, char **arg)
{
    uint64_t addr;
    uint64_t value;

    if (number(q, arg[0], &addr) && number(q, arg[1], &value)) {
        space_write(space_of(q, c), addr, c->size, value);
        qtest_send(q, "OK");
    }
}

static void run_read(struct qtest *q, const struct command *c, char **arg)
{
    g_autoptr(GString) text = g_string_new("OK 0x");
    g_autofree uint8_t *buf = NULL;
    uint64_t addr;
    uint64_t len;

    if (!range(q, arg, &addr, &len)) {
        return;
    }
    buf = g_malloc(len + 1);
    dma_read(&q->session.machine->memory, addr, buf, len);
    for (uint64_t i = 0; i < len; i++) {
        g_string_append_printf(text, "%02x", buf[i]);
    }
    qtest_send(q, "%s", text->str);
}

/* Digits that are missing are zeroes. */
static void run_write(struct qtest *q, const struct command *c, char **arg)
{
    const char *hex = arg[2];
    g_autofree uint8_t *buf = NULL;
    uint64_t addr;
    uint64_t len;

    if (!range(q, arg, &addr, &len)) {
        return;
    }
    buf = g_malloc0(len + 1);
    hex += g_str_has_prefix(hex, "0x") ? 2 : 0;
    for (uint64_t i = 0; i < len && hex[0] && hex[1]; i++, hex += 2) {
        int high = g_ascii_xdigit_value(hex[0]);
        int low = g_ascii_xdigit_value(hex[1]);

        if (high < 0 || low < 0) {
            qtest_send(q, "FAIL data is not hexadecimal");
            return;
        }
        buf[i] = (uint8_t)(high << 4 | low);
    }
    dma_write(&q->session.machine->memory, addr, buf, len);
    qtest_send(q, "OK");
}

static void run_b64read(struct qtest *q, const struct command *c, char **arg)
{
    g_autofree uint8_t *buf = NULL;
    g_autofree char *text = NULL;
    uint64_t addr;
    uint64_t len;

    if (!range(q, arg, &addr, &len)) {
        return;
    }
    buf = g_malloc(len + 1);
    dma_read(&q->session.machine->memory, addr, buf, len);
    text = g_base64_encode(buf, len);
    qtest_send(q, "OK %s", text);
}

static void run_b64write(struct qtest *q, const struct command *c, char **arg)
{
    g_autofree uint8_t *buf = NULL;
    gsize have;
    uint64_t addr;
    uint64_t len;

    if (!range(q, arg, &addr, &len)) {
        return;
    }
    buf = g_base64_decode(arg[2], &have);
    dma_write(&q->session.machine->memory, addr, buf, MIN(len, have));
    qtest_send(q, "OK");
}

static void run_memset(struct qtest *q, const struct command *c, char **arg)
{
    uint64_t addr;
    uint64_t len;
    uint64_t byte;

    if (range(q, arg, &addr, &len) && number(q, arg[2], &byte)) {
        dma_fill(&q->session.machine->memory, addr, (uint8_t)byte, len);
        qtest_send(q, "OK");
    }
}

/* Without an argument: to the next timer. */
static void run_clock_step(struct qtest *q, const struct command *c, char **arg)
{
    struct clock *clock = &q->session.machine->clock;
    int64_t to = clock_deadline(clock);
    uint64_t ns;

    if (arg[0]) {
        if (!number(q, arg[0], &ns)) {
            return;
        }
        to = clock_now(clock) + (int64_t)MIN(ns, (uint64_t)INT64_MAX / 2);
    }
    clock_step(clock, MAX(to, clock_now(clock)));
    qtest_send(q, "OK %" G_GINT64_FORMAT, clock_now(clock));
}

static void run_clock_set(struct qtest *q, const struct command *c, char **arg)
{
    struct clock *clock = &q->session.machine->clock;
    uint64_t ns;

    if (number(q, arg[0], &ns)) {
        clock_step(clock, (int64_t)MIN(ns, (uint64_t)INT64_MAX));
        qtest_send(q, "OK %" G_GINT64_FORMAT, clock_now(clock));
    }
}

/* --- interrupts --- */

static void intercepted_set(void *to, unsigned pin, bool level)
{
    struct qtest_wire *w = to;

    wire_set(&w->old, level);
    if (w->level != level) {
        w->level = level;
        qtest_send(w->qtest, "IRQ %s %u", level ? "raise" : "lower", w->n);
    }
}

static void intercept(struct qtest *q, struct wire *wire, unsigned n)
{
    struct qtest_wire *w = &q->wire[n];

    *w = (struct qtest_wire){
        .qtest = q, .wire = wire, .old = *wire, .n = n, .level = wire->level};
    wire->set = intercepted_set;
    wire->to = w;
}

static bool names_isa(const char *path)
{
    static const char *const names[] = {"ioapic",    "pic", "i8259",
                                        "isa-i8259", "isa", NULL};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return g_strv_contains(names, name) || g_str_has_prefix(name, "device[");
}

static void run_intercept_in(struct qtest *q, const struct command *c,
                             char **arg)
{
    struct isa_bus *isa = isa_bus_of(q->session.machine);

    if (!isa || !names_isa(arg[0])) {
        qtest_send(q, "FAIL Unknown device");
        return;
    }
    for (unsigned i = 0; !q->intercepted && i < IRQS; i++) {
        intercept(q, &isa->irq[i], i);
    }
    q->intercepted = true;
    qtest_send(q, "OK");
}

static void run_intercept_out(struct qtest *q, const struct command *c,
                              char **arg)
{
    struct dev *dev = machine_find_type(q->session.machine, &i8259_type);

    if (!dev || q->intercepted || !names_isa(arg[0])) {
        qtest_send(q, "FAIL Unknown device");
        return;
    }
    intercept(q, &container_of(dev, struct i8259, dev)->intr, 0);
    q->intercepted = true;
    qtest_send(q, "OK");
}

/* PATH NAME NUMBER LEVEL */
static void run_set_irq_in(struct qtest *q, const struct command *c, char **arg)
{
    struct isa_bus *isa = isa_bus_of(q->session.machine);
    uint64_t n;
    uint64_t level;

    if (!number(q, arg[2], &n) || !number(q, arg[3], &level)) {
        return;
    }
    if (!isa || !names_isa(arg[0]) || n >= IRQS) {
        qtest_send(q, "FAIL Unknown device");
        return;
    }
    wire_set(&isa->irq[n], level != 0);
    qtest_send(q, "OK");
}

static void run_endianness(struct qtest *q, const struct command *c, char **arg)
{
    qtest_send(q, "OK little");
}

static const struct command commands[] = {
    {"inb", 1, 1, run_in},
    {"inw", 2, 1, run_in},
    {"inl", 4, 1, run_in},
    {"outb", 1, 2, run_out},
    {"outw", 2, 2, run_out},
    {"outl", 4, 2, run_out},
    {"readb", 1, 1, run_in},
    {"readw", 2, 1, run_in},
    {"readl", 4, 1, run_in},
    {"readq", 8, 1, run_in},
    {"writeb", 1, 2, run_out},
    {"writew", 2, 2, run_out},
    {"writel", 4, 2, run_out},
    {"writeq", 8, 2, run_out},
    {"read", 0, 2, run_read},
    {"write", 0, 3, run_write},
    {"b64read", 0, 2, run_b64read},
    {"b64write", 0, 3, run_b64write},
    {"memset", 0, 3, run_memset},
    {"clock_step", 0, 0, run_clock_step},
    {"clock_set", 0, 1, run_clock_set},
    {"irq_intercept_in", 0, 1, run_intercept_in},
    {"irq_intercept_out", 0, 1, run_intercept_out},
    {"set_irq_in", 0, 4, run_set_irq_in},
    {"endianness", 0, 0, run_endianness},
};

/* --- lines --- */

/* The words of a line; ends with NULL. */
static GPtrArray *split(char *line)
{
    GPtrArray *words = g_ptr_array_new();
    char *at = NULL;

    for (char *w = strtok_r(line, " \t\r", &at); w;
         w = strtok_r(NULL, " \t\r", &at)) {
        g_ptr_array_add(words, w);
    }
    g_ptr_array_add(words, NULL);
    return words;
}

static void qtest_command(struct qtest *q, char *line)
{
    g_autoptr(GPtrArray) words = NULL;
    char **word;

    qtest_log(q, "R", line);
    words = split(line);
    word = (char **)words->pdata;
    if (!word[0]) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].name, word[0]) != 0) {
            continue;
        }
        if (words->len - 2 < commands[i].args) {
            qtest_send(q, "FAIL %s wants %u arguments", word[0],
                       commands[i].args);
        } else {
            commands[i].run(q, &commands[i], word + 1);
        }
        return;
    }
    qtest_send(q, "FAIL Unknown command '%s'", word[0]);
}

static bool qtest_serve(struct session *s)
{
    struct qtest *q = container_of(s, struct qtest, session);
    char buf[4096];
    size_t n = session_read(s, buf, sizeof(buf));

    lock_enter(&s->machine->lock);
    for (size_t i = 0; i < n; i++) {
        if (buf[i] == '\n') {
            qtest_command(q, q->line->str);
            g_string_truncate(q->line, 0);
        } else if (q->line->len < 2 * DATA_MAX + 256) {
            g_string_append_c(q->line, buf[i]);
        }
    }
    lock_leave(&s->machine->lock);
    return false;
}

static void qtest_opened(struct session *s)
{
    struct qtest *q = container_of(s, struct qtest, session);

    g_string_truncate(q->line, 0);
    qtest_log(q, "I", "OPENED");
}

/* A test that ends, or crashes, leaves no machine behind. */
static void qtest_closed(struct session *s)
{
    machine_request(s->machine, MACHINE_QUIT);
}

static const struct session_ops qtest_session = {
    .serve = qtest_serve,
    .opened = qtest_opened,
    .closed = qtest_closed,
};

struct qtest *qtest_new(struct machine *m, struct chardev *c, const char *log,
                        GError **error)
{
    struct qtest *q = g_new0(struct qtest, 1);

    q->line = g_string_new(NULL);
    q->started = g_get_monotonic_time();
    if (log && strcmp(log, "none") != 0) {
        q->log = fopen(log, "we");
        if (!q->log) {
            fail_errno(error, "-qtest-log: cannot write '%s'", log);
            qtest_free(q);
            return NULL;
        }
    }
    if (!session_init(&q->session, m, c, &qtest_session, error)) {
        qtest_free(q);
        return NULL;
    }
    return q;
}

void qtest_free(struct qtest *q)
{
    if (!q) {
        return;
    }
    for (unsigned i = 0; i < IRQS; i++) {
        if (q->wire[i].wire) {
            *q->wire[i].wire = q->wire[i].old;
        }
    }
    session_clear(&q->session);
    g_string_free(q->line, TRUE);
    if (q->log) {
        fclose(q->log);
    }
    g_free(q);
}
