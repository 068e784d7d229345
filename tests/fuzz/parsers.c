/* SPDX-License-Identifier: MIT */
/* Parsers of what people, clients and files say. */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/misc/fw_cfg.h"
#include "hw/pc/pc_parts.h"
#include "hw/virtio/p9.h"
#include "hw/virtio/virtqueue.h"
#include "tests/fuzz/box.h"
#include "vm/guess.h"
#include "vm/hmp.h"
#include "vm/hmp_line.h"
#include "vm/qmp_json.h"

/* The bytes as text: NULs end it. */
static char *text_of(const uint8_t *data, size_t len)
{
    return g_strndup((const char *)data, len);
}

static void run_opts(const struct fuzz_target *t, const uint8_t *data,
                     size_t len)
{
    g_autofree char *text = text_of(data, len);
    struct opts *o = opts_parse(text, "implied", NULL);
    uint64_t v = 0;
    bool on = false;

    if (o) {
        opts_get_bool(o, "a", &on, NULL);
        opts_get_uint(o, "b", 1000, &v, NULL);
        opts_get_size(o, "implied", MIB, &v, NULL);
        opts_free(o);
    }
}

/* Words, a line each. Only parsed: nothing is made of them. */
static void run_command_line(const struct fuzz_target *t, const uint8_t *data,
                             size_t len)
{
    g_autofree char *text = text_of(data, len);
    g_auto(GStrv) words = g_strsplit(text, "\n", 64);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    struct config c;

    g_ptr_array_add(argv, (void *)(uintptr_t) "rhea");
    for (char **w = words; *w; w++) {
        g_ptr_array_add(argv, *w);
    }
    g_ptr_array_add(argv, NULL);
    config_init(&c);
    if (config_parse(&c, (int)argv->len - 1, (char **)argv->pdata, NULL)) {
        g_free(guess_explain("rhea", &c, NULL));
    }
    config_clear(&c);
}

static void run_json(const struct fuzz_target *t, const uint8_t *data,
                     size_t len)
{
    struct json_stream s;
    size_t used;

    json_stream_init(&s);
    for (size_t at = 0; at < len; at += used) {
        g_autoptr(GError) error = NULL;
        enum json_found found = json_stream_feed(&s, (const char *)data + at,
                                                 len - at, &used, &error);

        g_assert_cmpuint(used, <=, len - at);
        if (found == JSON_FOUND_VALUE) {
            JsonNode *node = json_stream_take(&s, NULL);
            g_autoptr(GString) out = g_string_new("");

            if (node) {
                json_print(node, out);
                json_node_unref(node);
            }
        } else if (found == JSON_FOUND_MORE) {
            g_assert_cmpuint(used, ==, len - at);
        }
    }
    json_stream_clear(&s);
}

static void run_hmp_line(const struct fuzz_target *t, const uint8_t *data,
                         size_t len)
{
    g_autoptr(GString) out = g_string_new("");
    struct hmp_line l;

    hmp_line_init(&l, "(monitor) ");
    hmp_line_start(&l, out);
    for (size_t i = 0; i < len; i++) {
        if (hmp_line_byte(&l, (char)data[i], out)) {
            hmp_line_start(&l, out);
        }
        g_string_truncate(out, 0);
    }
    hmp_line_clear(&l);
}

/* Arguments of every command: parsed, not run. */
static void run_hmp_args(const struct fuzz_target *t, const uint8_t *data,
                         size_t len)
{
    g_autofree char *text = text_of(data, len);
    struct hmp_context context = {0};

    for (const struct hmp_command *c = hmp_commands; c->name; c++) {
        struct hmp_call call = {.context = &context};

        hmp_parse_args(&call, c, text, NULL);
        hmp_free_args(&call);
    }
}

/* A file: what `rhea FILE` takes it for. */
static char *file_of(const uint8_t *data, size_t len)
{
    char *path = NULL;
    int fd = g_file_open_tmp("rhea-fuzz-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(
        g_file_set_contents(path, (const char *)data, (gssize)len, NULL));
    return path;
}

static void run_guess(const struct fuzz_target *t, const uint8_t *data,
                      size_t len)
{
    g_autofree char *path = file_of(data, len);
    g_autofree char *why = NULL;
    struct config c;

    config_init(&c);
    c.file = g_strdup(path);
    guess_apply(&c, &why, NULL);
    config_clear(&c);
    unlink(path);
}

/* -kernel with whatever it is. */
static void run_kernel(const struct fuzz_target *t, const uint8_t *data,
                       size_t len)
{
    g_autofree char *path = file_of(data, len);
    struct machine m;
    struct pc_ram ram;
    struct board_config c = {.kernel = path, .append = "quiet vga=ask"};
    struct dev *fw;

    machine_init(&m);
    m.ram_size = 16 * MIB;
    lock_enter(&m.lock);
    pc_ram_init(&ram, &m, 0xe0000000, NULL);
    fw = dev_new(&m, &fw_cfg_type, NULL);
    dev_realize(fw, NULL);
    pc_load_kernel(container_of(fw, struct fw_cfg, dev), &m, &c, &ram, NULL);
    lock_leave(&m.lock);
    machine_clear(&m);
    unlink(path);
}

/* A saved state that is all made up. */
static void run_state(const struct fuzz_target *t, const uint8_t *data,
                      size_t len)
{
    struct box *b = box_new("pc");
    g_autoptr(GByteArray) s = g_byte_array_new();

    g_byte_array_append(s, data, (guint)len);
    box_load(b, s, NULL);
    box_serve(b);
    box_step(b, NS_PER_MS);
    box_free(b);
}

/* A virtqueue whose memory is all made up, rings and tables included. */
static void run_virtqueue(const struct fuzz_target *t, const uint8_t *data,
                          size_t len)
{
    struct machine m;
    struct region ram;
    struct virtqueue q;
    struct virtq_buf *b;
    uint8_t how = len ? data[0] : 0;
    uint8_t byte = 0;

    machine_init(&m);
    lock_enter(&m.lock);
    m.ram = machine_ram_new(&m, "ram", 0x10000, NULL);
    region_init_ram(&ram, "ram", m.ram, 0, 0x10000);
    region_add(&m.memory.root, &ram, 0, 0);
    memcpy(m.ram->host, data, MIN(len, 0x10000));
    virtq_init(&q, &m.memory, 16);
    q.size = (uint16_t)(1 + (how & 15));
    q.driver = 0x100;
    q.device = how & 16 ? 0x200 : 0xfffc;
    q.packed = how & 32;
    q.event_idx = how & 64;
    q.indirect = how & 128;
    virtq_enable(&q);
    for (unsigned i = 0; i < 64 && (b = virtq_pop(&q)); i++) {
        g_assert_cmpuint(virtq_read(b, 0, &byte, 1), ==, b->out_len > 0);
        virtq_write(b, b->in_len / 2, &byte, 1);
        if (byte & 1) {
            virtq_unpop(&q, b);
        } else {
            virtq_push(&q, b, (uint32_t)b->in_len);
        }
        virtq_must_notify(&q);
        virtq_set_notify(&q, byte & 2);
    }
    g_assert_true(virtq_state_ok(&q));
    lock_leave(&m.lock);
    machine_clear(&m);
}

static int remove_it(const char *path, const struct stat *st, int kind,
                     struct FTW *ftw)
{
    return remove(path);
}

/* Messages to the file server, of known types and about few files. */
static void run_p9(const struct fuzz_target *t, const uint8_t *data, size_t len)
{
    static const uint8_t types[] = {
        8,  12, 14, 16, 18, 20,  22,  24,  26,  30,  32,  40,  50,  52,
        54, 70, 72, 74, 76, 100, 104, 108, 110, 116, 118, 120, 122, 1};
    struct bytes in = {data, len};
    g_autofree char *dir = g_dir_make_tmp("rhea-fuzz-XXXXXX", NULL);
    struct folder *f = folder_new(
        "f", dir, take8(&in) & 1 ? FOLDER_MAPPED : FOLDER_NONE, false, NULL);
    struct p9 *s = p9_new(f);
    uint8_t message[64] = {19, 0, 0, 0, 104};
    uint8_t answer[1024];

    p9_run(s, message, 19, answer, sizeof(answer));
    while (in.left) {
        unsigned n = 11 + take8(&in) % 40;

        memset(message, 0, sizeof(message));
        message[4] = types[take8(&in) % ARRAY_SIZE(types)];
        stl_u32(message, take8(&in) & 0x80 ? take8(&in) : n);
        message[7] = take8(&in) & 3;
        for (unsigned i = 11; i < n; i++) {
            message[i] = take8(&in);
        }
        g_assert_cmpuint(p9_run(s, message, n, answer, sizeof(answer)), <=,
                         sizeof(answer));
    }
    p9_free(s);
    folder_free(f);
    nftw(dir, remove_it, 8, FTW_DEPTH | FTW_PHYS);
}

void fuzz_add_parsers(GPtrArray *targets)
{
    static const struct {
        const char *name;
        void (*run)(const struct fuzz_target *t, const uint8_t *data,
                    size_t len);
    } rows[] = {
        {"opts", run_opts},           {"command-line", run_command_line},
        {"json", run_json},           {"hmp-line", run_hmp_line},
        {"hmp-args", run_hmp_args},   {"guess", run_guess},
        {"kernel", run_kernel},       {"state", run_state},
        {"virtqueue", run_virtqueue}, {"p9", run_p9},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        fuzz_add(targets, g_strdup(rows[i].name), rows[i].run, NULL, NULL);
    }
}
