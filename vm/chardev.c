/* SPDX-License-Identifier: MIT */
/*
 * From text to streams: a table of kinds, and the simple kinds themselves.
 */
#include "vm/chardev.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"
#include "vm/chardev_kinds.h"
#include "vm/chardev_mux.h"
#include "vm/vm.h"

/* --- null --- */

static unsigned null_write(struct chardev *c, const uint8_t *buf, unsigned len)
{
    return len;
}

static char *null_describe(const struct chardev *c)
{
    return g_strdup(c->ops->name);
}

static void null_free(struct chardev *c)
{
    g_free(c->id);
    g_free(c);
}

static const struct chardev_ops null_ops = {
    .name = "null",
    .write = null_write,
    .describe = null_describe,
    .free = null_free,
};

/* A text console in a window: there is none, so it is a line to nowhere. */
static const struct chardev_ops vc_ops = {
    .name = "vc",
    .write = null_write,
    .describe = null_describe,
    .free = null_free,
};

static struct chardev *null_new(struct machine *m, const char *id,
                                struct opts *o, GError **error)
{
    struct chardev *c = g_new0(struct chardev, 1);

    c->id = g_strdup(id);
    c->ops = &null_ops;
    c->open = true;
    return c;
}

static struct chardev *vc_new(struct machine *m, const char *id, struct opts *o,
                              GError **error)
{
    static const char *const sizes[] = {"width", "height", "cols", "rows",
                                        "geometry"};
    struct chardev *c = null_new(m, id, o, error);

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        opts_get(o, sizes[i]);
    }
    c->ops = &vc_ops;
    return c;
}

/* --- file --- */

static struct chardev *file_new(struct machine *m, const char *id,
                                struct opts *o, GError **error)
{
    const char *path = opts_get(o, "path");
    bool append = false;
    struct chardev_fd *c;
    g_autofree char *what = NULL;
    int fd;

    if (!path || !*path) {
        fail(error, "chardev '%s': want file:NAME", id);
        return NULL;
    }
    if (!opts_get_bool(o, "append", &append, error)) {
        return NULL;
    }
    fd = open(path,
              O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC),
              0666);
    if (fd < 0) {
        fail_errno(error, "chardev '%s': cannot write '%s'", id, path);
        return NULL;
    }
    what = g_strdup_printf("file:%s", path);
    c = g_new0(struct chardev_fd, 1);
    c->owned = true;
    chardev_fd_init(c, &m->lock, id, -1, fd, what);
    return &c->chardev;
}

/* --- stdio --- */

struct stdio {
    struct termios tty, raw;
    bool is_tty;
    int in_flags, out_flags;
};

/* The shell goes on with the same terminal. */
static void stdio_restore(struct chardev_fd *c)
{
    struct stdio *old = c->opaque;

    if (old->is_tty) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old->tty);
    }
    fcntl(STDIN_FILENO, F_SETFL, old->in_flags);
    fcntl(STDOUT_FILENO, F_SETFL, old->out_flags);
    g_free(old);
}

/* Keys reach the guest one by one, Ctrl-C included unless signal=on. */
static void stdio_raw(struct chardev_fd *c, bool signals)
{
    struct stdio *old = g_new0(struct stdio, 1);
    struct termios tty = {0};

    old->in_flags = fcntl(STDIN_FILENO, F_GETFL);
    old->out_flags = fcntl(STDOUT_FILENO, F_GETFL);
    old->is_tty = tcgetattr(STDIN_FILENO, &tty) == 0;
    old->tty = tty;
    c->opaque = old;
    c->release = stdio_restore;
    if (!old->is_tty) {
        return;
    }
    tty.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
                               IGNCR | ICRNL | IXON);
    tty.c_oflag |= OPOST;
    tty.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        tty.c_lflag &= ~(tcflag_t)ISIG;
    }
    tty.c_cc[VMIN] = 1;
    tty.c_cc[VTIME] = 0;
    old->raw = tty;
}

/* Not before: a signal that ends a start-up leaves the terminal as it was. */
static void stdio_start(struct chardev *c)
{
    const struct stdio *s =
        container_of(c, const struct chardev_fd, chardev)->opaque;

    if (s->is_tty) {
        tcsetattr(STDIN_FILENO, TCSANOW, &s->raw);
    }
}

static const struct chardev_ops stdio_ops = {
    .name = "stdio",
    .write = chardev_fd_write,
    .start = stdio_start,
    .accept_input = chardev_fd_accept_input,
    .size = chardev_fd_size,
    .describe = chardev_fd_describe,
    .free = chardev_fd_free,
};

/* The terminal is for one only: no second stream on it can work. */
bool chardevs_use_stdio(const struct machine *m)
{
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, m->backends[BACKEND_CHARDEV]);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        const struct chardev *c = value;
        g_autofree char *what = c->ops->describe(c);

        if (g_str_has_suffix(what, "stdio")) {
            return true;
        }
    }
    return false;
}

/* End of file: who reads commands hears of it; output goes on. */
static void stdio_ended(struct chardev_fd *c)
{
    const struct chardev_front *f = &c->chardev.front;

    if (f->event) {
        f->event(f->opaque, CHARDEV_CLOSED);
    }
}

static struct chardev *stdio_new(struct machine *m, const char *id,
                                 struct opts *o, GError **error)
{
    struct chardev_fd *c;
    bool signals = true;

    if (!opts_get_bool(o, "signal", &signals, error)) {
        return NULL;
    }
    if (chardevs_use_stdio(m)) {
        fail(error,
             "chardev '%s': cannot use stdio by multiple character "
             "devices",
             id);
        return NULL;
    }
    c = g_new0(struct chardev_fd, 1);
    c->closed = stdio_ended;
    stdio_raw(c, signals);
    chardev_fd_init(c, &m->lock, id, STDIN_FILENO, STDOUT_FILENO, "stdio");
    c->chardev.ops = &stdio_ops;
    if (isatty(STDOUT_FILENO)) {
        chardev_fd_watch_size(c);
    }
    return &c->chardev;
}

/* --- the table --- */

/* Of all kinds, for messages. */
static const char *const chardev_keys[] = {
    "backend", "id",        "path",         "append",    "signal", "mux",
    "logfile", "logappend", "host",         "port",      "to",     "ipv4",
    "ipv6",    "server",    "wait",         "nodelay",   "delay",  "telnet",
    "fd",      "reconnect", "reconnect-ms", "width",     "height", "cols",
    "rows",    "size",      "localaddr",    "localport", NULL};

static const struct chardev_kind {
    const char *name;
    struct chardev *(*make)(struct machine *m, const char *id, struct opts *o,
                            GError **error);
    const char *implied; /* what "kind:TEXT" puts TEXT into */
} kinds[] = {
    {"null", null_new, NULL},
    {"file", file_new, "path"},
    {"stdio", stdio_new, NULL},
    {"pty", chardev_pty_new, NULL},
    {"pipe", chardev_pipe_new, "path"},
    {"serial", chardev_serial_new, "path"},
    {"tty", chardev_serial_new, "path"},
    {"socket", chardev_socket_new, NULL},
    {"unix", chardev_socket_new, "path"},
    {"tcp", chardev_socket_new, "addr"},
    {"telnet", chardev_socket_new, "addr"},
    {"udp", chardev_udp_new, "addr"},
    {"ringbuf", chardev_ringbuf_new, "size"},
    {"memory", chardev_ringbuf_new, "size"},
    {"vc", vc_new, "geometry"},
};

static const struct chardev_kind *kind_find(const char *name, GError **error)
{
    const char *names[ARRAY_SIZE(kinds) + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
        names[i] = kinds[i].name;
    }
    fail_unknown(error, "kind of chardev", name, names);
    return NULL;
}

const char *const *chardev_kind_names(void)
{
    static const char *const names[] = {"null",    "file",   "stdio",  "pty",
                                        "pipe",    "serial", "socket", "udp",
                                        "ringbuf", "vc",     NULL};

    return names;
}

/* logfile=: a copy of all that is written. */
static bool chardev_open_log(struct chardev *c, const char *path, bool append,
                             GError **error)
{
    c->log = fopen(path, append ? "ae" : "we");
    if (!c->log) {
        return fail_errno(error, "chardev '%s': cannot write logfile '%s'",
                          c->id, path);
    }
    setvbuf(c->log, NULL, _IONBF, 0);
    return true;
}

static bool chardev_finish(struct chardev *c, struct opts *o, GError **error)
{
    const char *path = opts_get(o, "logfile");
    bool append = false;

    return opts_get_bool(o, "logappend", &append, error) &&
           (!path || chardev_open_log(c, path, append, error)) &&
           opts_check_used(o, "chardev", chardev_keys, error);
}

static struct chardev *chardev_make(struct machine *m, const char *kind_name,
                                    const char *id, struct opts *o,
                                    GError **error)
{
    const struct chardev_kind *kind = kind_find(kind_name, error);
    const struct vm *vm = m->vm;
    struct chardev *c;
    bool mux = false;

    if (!kind || !opts_get_bool(o, "mux", &mux, error)) {
        return NULL;
    }
    if (strcmp(kind_name, "telnet") == 0) {
        opts_set(o, "telnet", "on");
    }
    c = kind->make(m, id, o, error);
    if (c && !chardev_finish(c, o, error)) {
        chardev_free(c);
        return NULL;
    }
    return c && mux ? chardev_mux_new(m, c, vm ? vm->escape : 1) : c;
}

static bool is_terminal(const char *path)
{
    struct stat st;
    int fd;
    bool is;

    if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode)) {
        return false;
    }
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    is = fd >= 0 && isatty(fd);
    if (fd >= 0) {
        close(fd);
    }
    return is;
}

/* "kind:rest" or "kind,opts" to a kind and its options. */
static struct opts *text_to_opts(const char *text, char **kind, GError **error)
{
    size_t len = strcspn(text, ":,");
    const struct chardev_kind *k;

    if (text[0] == '/') { /* a path stands for itself */
        *kind = g_strdup(is_terminal(text) ? "serial" : "file");
        return opts_parse(text, "path", error);
    }
    *kind = g_strndup(text, len);
    k = kind_find(*kind, error);
    if (!k) {
        return NULL;
    }
    return opts_parse(text[len] ? text + len + 1 : "",
                      text[len] == ':' ? k->implied : NULL, error);
}

static bool chardev_by_name(struct machine *m, const char *name,
                            struct chardev **result, GError **error)
{
    *result = machine_backend(m, BACKEND_CHARDEV, name);
    if (!*result) {
        return fail(error, "there is no -chardev with id=%s", name);
    }
    if ((*result)->attached && chardev_is_mux(*result)) {
        *result = chardev_mux_port(*result);
    }
    return *result || fail(error, "too many users of chardev '%s'", name);
}

bool chardev_from_text(struct machine *m, const char *id, const char *text,
                       struct chardev **result, bool *with_monitor,
                       GError **error)
{
    g_autofree char *kind = NULL;
    struct opts *o;

    *result = NULL;
    if (strcmp(text, "none") == 0) {
        return true;
    }
    if (g_str_has_prefix(text, "chardev:")) {
        return chardev_by_name(m, text + 8, result, error);
    }
    if (with_monitor) {
        *with_monitor = g_str_has_prefix(text, "mon:");
    }
    text += g_str_has_prefix(text, "mon:") ? 4 : 0;
    o = text_to_opts(text, &kind, error);
    if (!o) {
        return false;
    }
    if (with_monitor && *with_monitor) {
        opts_set(o, "mux", "on");
        if (strcmp(kind, "stdio") == 0) {
            opts_set(o, "signal", "off");
        }
    }
    *result = chardev_make(m, kind, id, o, error);
    opts_free(o);
    if (*result) {
        machine_add_backend(m, BACKEND_CHARDEV, id, *result);
    }
    return *result;
}

bool chardev_from_opts(struct machine *m, const char *text, GError **error)
{
    struct opts *o = opts_parse(text, "backend", error);
    const char *kind = o ? opts_get(o, "backend") : NULL;
    const char *id = o ? opts_get(o, "id") : NULL;
    struct chardev *c = NULL;

    if (o && (!kind || !id)) {
        fail(error, "-chardev %s: want KIND,id=ID,...", text);
    } else if (o && machine_backend(m, BACKEND_CHARDEV, id)) {
        fail(error, "two chardevs with id '%s'", id);
    } else if (o) {
        c = chardev_make(m, kind, id, o, error);
    }
    if (c) {
        machine_add_backend(m, BACKEND_CHARDEV, id, c);
    }
    opts_free(o);
    return c;
}

void chardev_free(struct chardev *c)
{
    FILE *log = c->log;

    c->ops->free(c);
    if (log) {
        fclose(log);
    }
}

void chardevs_start(struct machine *m)
{
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, m->backends[BACKEND_CHARDEV]);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        struct chardev *c = value;

        if (c->ops->start) {
            c->ops->start(c);
        }
    }
}

void chardevs_close(struct machine *m)
{
    GHashTableIter it;
    void *c;

    g_hash_table_iter_init(&it, m->backends[BACKEND_CHARDEV]);
    while (g_hash_table_iter_next(&it, NULL, &c)) {
        struct chardev *chardev = c;

        chardev_free(chardev);
        g_hash_table_iter_remove(&it);
    }
}
